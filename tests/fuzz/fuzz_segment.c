/* SPDX-License-Identifier: BSD-3-Clause */
/* A stats segment as a reader may find it: a sound one with some of its bytes changed, or cut, or any
 * bytes at all. Either it is refused with a sentence, or everything in it can be read.
 *
 * Input: a byte that says which. 0: the rest is the segment. Else patches follow, each a place (4 bytes,
 * of the segment's length the remainder), a count (1 byte, of 16 the remainder) and as many bytes; bit 7
 * of the first byte: the first 4 bytes of the rest say where the segment is cut. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "jbr_stats.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t *sound;
static size_t sound_size;

static void
require(bool is_true, const char *what)
{
	if (is_true)
		return;
	fprintf(stderr, "not so: %s\n", what);
	abort();
}

static void
keep_sound(const char *path)
{
	FILE *file = fopen(path, "rb");

	require(file != NULL && fseek(file, 0, SEEK_END) == 0, "the segment is there");
	sound_size = (size_t)ftell(file);
	sound = malloc(sound_size);
	rewind(file);
	require(sound != NULL && fread(sound, 1, sound_size, file) == sound_size, "it can be read");
	fclose(file);
}

static void
make_sound(void)
{
	static const char *const ports[] = {"net_null0"};
	char folder[] = "/tmp/jabiru-fuzz-XXXXXX";
	char path[64];
	struct jbr_publisher *publisher;
	struct jbr_publisher_params params = {.folder = folder,
		.instance = "fuzz",
		.version = "1",
		.sensor = "fuzz",
		.mode = "run",
		.nb_workers = 2,
		.ports = ports,
		.nb_ports = 1,
		.nb_snapshots = 2,
		.nb_events = 4,
		.nb_hosts = 4};
	struct jbr_shm_host hosts[4] = {0};

	require(mkdtemp(folder) != NULL, "there is a folder");
	require(jbr_publisher_create(&params, &publisher, NULL) == 0, "it can be made");
	for (unsigned i = 0; i < 7; i++) {
		struct jbr_shm_event event = {.count = i};

		jbr_publisher_event(publisher, &event);
		jbr_publisher_snapshot(publisher, i, i);
		jbr_publisher_hosts(publisher, hosts, i % 5);
	}
	jbr_publisher_free(publisher);
	snprintf(path, sizeof(path), "%s/fuzz", folder);
	keep_sound(path);
	unlink(path);
	rmdir(folder);
}

static uint32_t
number(const uint8_t *data)
{
	uint32_t value;

	memcpy(&value, data, sizeof(value));
	return value;
}

/* @return the segment, aligned as a mapping is; to be freed */
static uint8_t *
build(const uint8_t *data, size_t size, size_t *ret_size)
{
	bool is_raw = data[0] == 0;
	uint8_t *bytes;

	*ret_size = is_raw ? size - 1 : sound_size;
	bytes = aligned_alloc(64, (*ret_size / 64 + 1) * 64);
	require(bytes != NULL, "there is memory");
	memcpy(bytes, is_raw ? data + 1 : sound, *ret_size);
	if (is_raw)
		return bytes;
	for (size_t at = 1; at + 5 <= size;) {
		size_t place = number(data + at) % sound_size;
		size_t count = data[at + 4] % 16;

		at += 5;
		for (size_t i = 0; i < count && at < size && place < sound_size; i++)
			bytes[place++] = data[at++];
	}
	if ((data[0] & 0x80) && size >= 5)
		*ret_size = number(data + 1) % sound_size;
	return bytes;
}

static void
read_series(const struct jbr_shm *shm)
{
	const struct jbr_shm_info *info = jbr_shm_info(shm);

	for (uint32_t i = 0; i < info->nb_series; i++) {
		const struct jbr_shm_series *series = jbr_shm_series(shm, i);
		const struct jbr_shm_family *family;

		require(series->family < info->nb_families, "a series has a family");
		family = jbr_shm_family(shm, series->family);
		require(strlen(family->name) > 0 && strlen(family->help) < UINT32_MAX, "of a name");
		require(series->nb_slots > 0 &&
				series->slot + (uint64_t)series->nb_slots <= info->nb_values,
			"its values are there");
		require(series->nb_slots == 1 || series->nb_slots == family->nb_bounds + 2,
			"a histogram has its buckets");
		for (uint32_t l = 0; l < series->nb_labels; l++)
			require(strlen(series->labels[l].name) > 0 &&
					strlen(series->labels[l].value) < UINT32_MAX,
				"labels are texts");
		require(i % 64 != 0 || jbr_shm_find(shm, family->name, NULL) != NULL,
			"it is found");
	}
}

static void
read_changing(const struct jbr_shm *shm)
{
	const struct jbr_shm_info *info = jbr_shm_info(shm);
	struct jbr_shm_snapshot snapshot = {
		.values = calloc(info->nb_values, sizeof(*snapshot.values))};
	struct jbr_shm_cursor cursor;
	struct jbr_shm_event event;
	struct jbr_shm_host hosts[8];
	uint64_t oldest, newest;

	require(snapshot.values != NULL, "there is memory");
	jbr_shm_range(shm, &oldest, &newest);
	require(oldest <= newest, "the oldest is not newer");
	for (uint64_t i = 0; i < 3; i++)
		(void)jbr_shm_read(shm, i == 0 ? 0 : oldest + i, &snapshot);
	for (uint32_t i = 0; i < 4; i++)
		(void)jbr_shm_read_worker(shm, i, snapshot.values, NULL);
	jbr_shm_seek(shm, &cursor, 2);
	for (unsigned i = 0; i < 8 && jbr_shm_next_event(shm, &cursor, &event) == 1; i++)
		require(memchr(event.key, 0, sizeof(event.key)) != NULL &&
				memchr(event.summary, 0, sizeof(event.summary)) != NULL,
			"texts have an end");
	require(jbr_shm_read_hosts(shm, hosts, 8) <= 8, "not more than there is room for");
	(void)jbr_shm_life(shm, 5, NULL);
	(void)jbr_shm_state(shm);
	free(snapshot.values);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jbr_error error = {0};
	struct jbr_shm *shm = NULL;
	uint8_t *bytes;
	size_t length;
	int rc;

	if (sound == NULL)
		make_sound();
	if (size == 0)
		return 0;
	bytes = build(data, size, &length);
	rc = jbr_shm_open_bytes(bytes, length, &shm, &error);
	if (rc == 0) {
		read_series(shm);
		read_changing(shm);
	} else {
		require(rc == -EPROTO || rc == -ENOTSUP || rc == -EAGAIN, "no other failure");
		require(error.text[0] != '\0', "something is said");
	}
	jbr_shm_close(shm);
	free(bytes);
	return 0;
}
