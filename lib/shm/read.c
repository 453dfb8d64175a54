/* SPDX-License-Identifier: BSD-3-Clause */
#include "shm_private.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* What a writer overwrites faster than this many copies in a row can be made is not to be had. */
enum { TRIES = 16 };

uint64_t
jbr_shm_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * JBR_NS_PER_S + (uint64_t)now.tv_nsec;
}

/* ---- constants ---- */

const struct jbr_shm_info *
jbr_shm_info(const struct jbr_shm *segment)
{
	return &segment->info;
}

const struct jbr_shm_family *
jbr_shm_family(const struct jbr_shm *segment, uint32_t index)
{
	return &segment->families[index];
}

const struct jbr_shm_series *
jbr_shm_series(const struct jbr_shm *segment, uint32_t index)
{
	return &segment->series[index];
}

const struct jbr_shm_series *
jbr_shm_find(const struct jbr_shm *segment, const char *name, const char *label)
{
	for (uint32_t i = 0; i < segment->info.nb_series; i++) {
		const struct jbr_shm_series *series = &segment->series[i];

		if (strcmp(segment->families[series->family].name, name) != 0)
			continue;
		if (label == NULL ||
			(series->nb_labels > 0 && strcmp(series->labels[0].value, label) == 0))
			return series;
	}
	return NULL;
}

/* ---- the sensor ---- */

/* Is the file still as long as what is mapped? */
static bool
is_whole(const struct jbr_shm *segment)
{
	struct stat now;

	return segment->fd < 0 ||
		(fstat(segment->fd, &now) == 0 && (uint64_t)now.st_size >= segment->size);
}

enum jbr_shm_state
jbr_shm_state(const struct jbr_shm *segment)
{
	uint64_t state = is_whole(segment) ? segment_load(&segment->header->state) : JBR_SHM_ENDED;

	return state > JBR_SHM_ENDED ? JBR_SHM_ENDED : (enum jbr_shm_state)state;
}

enum jbr_shm_life
jbr_shm_life(const struct jbr_shm *segment, uint64_t now_ns, uint64_t *ret_age_ns)
{
	struct stat now;
	uint64_t beat_ns;
	uint64_t age_ns;

	if (ret_age_ns != NULL)
		*ret_age_ns = 0;
	if (!is_whole(segment))
		return JBR_SHM_GONE;
	beat_ns = segment_load(&segment->header->heartbeat_ns);
	age_ns = now_ns > beat_ns ? now_ns - beat_ns : 0;
	if (ret_age_ns != NULL)
		*ret_age_ns = age_ns;
	if (segment->fd >= 0) {
		if (stat(segment->path, &now) < 0)
			return JBR_SHM_GONE;
		if (now.st_dev != segment->device || now.st_ino != segment->inode)
			return JBR_SHM_REPLACED;
	}
	if (jbr_shm_state(segment) == JBR_SHM_ENDED)
		return JBR_SHM_OVER;
	return age_ns >= JBR_SHM_STALE_MS * JBR_NS_PER_MS ? JBR_SHM_STALE : JBR_SHM_ALIVE;
}

/* ---- snapshots ---- */

void
jbr_shm_range(const struct jbr_shm *segment, uint64_t *ret_oldest, uint64_t *ret_newest)
{
	uint64_t newest = is_whole(segment) ? segment_load_first(&segment->header->snapshots) : 0;
	uint64_t kept = segment->info.nb_snapshots;

	if (kept == 0)
		newest = 0;
	*ret_newest = newest;
	/* the place of the oldest is that of the next one: it may be written at any moment */
	*ret_oldest = newest == 0 ? 0 : newest >= kept ? newest - kept + 1 : 1;
}

/* @return as jbr_shm_read() */
static int
copy_snapshot(const struct jbr_shm *segment, uint64_t number, struct jbr_shm_snapshot *snapshot)
{
	const struct section *section = &segment->snapshots;
	const uint8_t *at = section->at + (number - 1) % section->count * section->stride;
	const struct jbr_shm_snapshot_head *head = (const void *)at;
	uint64_t found = segment_load_first(&head->number);

	if (found != number)
		return found == 0 ? -EAGAIN : -ENOENT;
	snapshot->number = number;
	snapshot->time_ns = segment_load(&head->time_ns);
	snapshot->monotonic_ns = segment_load(&head->monotonic_ns);
	segment_copy(snapshot->values, head + 1, segment->info.nb_values);
	return segment_load_last(&head->number) == number ? 0 : -EAGAIN;
}

int
jbr_shm_read(const struct jbr_shm *segment, uint64_t number, struct jbr_shm_snapshot *snapshot)
{
	uint64_t oldest;
	uint64_t newest;
	int rc = -ENOENT;

	if (!is_whole(segment))
		return -ESTALE;
	for (unsigned i = 0; i < TRIES; i++) {
		uint64_t wanted;

		jbr_shm_range(segment, &oldest, &newest);
		wanted = number == 0 ? newest : number;
		if (newest == 0 || wanted < oldest || wanted > newest)
			return -ENOENT;
		rc = copy_snapshot(segment, wanted, snapshot);
		if (rc == 0 || (rc == -ENOENT && number != 0))
			break;
	}
	return rc;
}

int
jbr_shm_read_worker(const struct jbr_shm *segment, uint32_t worker, uint64_t *ret_values,
	uint64_t *ret_sequence)
{
	const struct section *section = &segment->workers;
	const struct jbr_shm_block_head *head;
	const uint64_t *copies;
	uint32_t count = segment->info.nb_worker_values;

	if (worker >= section->count)
		return -ENOENT;
	if (!is_whole(segment))
		return -ESTALE;
	head = (const void *)(section->at + worker * section->stride);
	copies = (const uint64_t *)(head + 1);
	for (unsigned i = 0; i < TRIES; i++) {
		uint64_t sequence = segment_load_first(&head->sequence);

		segment_copy(ret_values, copies + (sequence & 1) * count, count);
		if (segment_load_last(&head->sequence) != sequence)
			continue;
		if (ret_sequence != NULL)
			*ret_sequence = sequence;
		return 0;
	}
	return -EAGAIN;
}

/* ---- events ---- */

void
jbr_shm_seek(const struct jbr_shm *segment, struct jbr_shm_cursor *cursor, uint64_t backlog)
{
	uint64_t written = is_whole(segment) ? segment_load_first(&segment->header->events) : 0;

	backlog = jbr_min_u64(backlog, segment->events.count);
	*cursor = (struct jbr_shm_cursor){.next = written >= backlog ? written - backlog + 1 : 1};
}

/* Texts of the file end where they should. */
static void
end_texts(struct jbr_shm_event *event)
{
	event->key[sizeof(event->key) - 1] = '\0';
	event->summary[sizeof(event->summary) - 1] = '\0';
}

int
jbr_shm_next_event(const struct jbr_shm *segment, struct jbr_shm_cursor *cursor,
	struct jbr_shm_event *ret_event)
{
	const struct section *section = &segment->events;

	if (!is_whole(segment))
		return -ESTALE;
	/* a broken file must not keep the reader for ever */
	for (uint64_t i = 0; i <= section->count; i++) {
		uint64_t written = segment_load_first(&segment->header->events);
		const struct jbr_shm_event *at;
		uint64_t oldest;

		if (section->count == 0 || cursor->next > written)
			return 0;
		oldest = written >= section->count ? written - section->count + 1 : 1;
		if (cursor->next < oldest) {
			cursor->lost += oldest - cursor->next;
			cursor->next = oldest;
		}
		at = (const void *)(section->at +
			(cursor->next - 1) % section->count * section->stride);
		if (segment_load_first(&at->number) == cursor->next) {
			segment_copy(ret_event, at, sizeof(*ret_event) / sizeof(uint64_t));
			if (segment_load_last(&at->number) == cursor->next) {
				end_texts(ret_event);
				cursor->next++;
				return 1;
			}
		}
		/* overwritten: by then `events` has gone on, or is about to, or the file is broken */
		cursor->lost++;
		cursor->next++;
	}
	return 0;
}

/* ---- hosts ---- */

int
jbr_shm_read_hosts(const struct jbr_shm *segment, struct jbr_shm_host *ret_hosts, uint32_t max)
{
	const struct jbr_shm_hosts_head *head = segment->hosts_head;
	uint64_t table = segment->info.nb_hosts;

	if (head == NULL)
		return 0;
	if (!is_whole(segment))
		return -ESTALE;
	for (unsigned i = 0; i < TRIES; i++) {
		uint64_t sequence = segment_load_first(&head->sequence);
		uint64_t first = (sequence & 1) * table;
		uint64_t count = jbr_min_u64(segment_load(&head->counts[sequence & 1]), table);

		count = jbr_min_u64(count, max);
		for (uint64_t h = 0; h < count; h++)
			segment_copy(&ret_hosts[h],
				segment->hosts.at + (first + h) * segment->hosts.stride,
				sizeof(ret_hosts[h]) / sizeof(uint64_t));
		if (segment_load_last(&head->sequence) != sequence)
			continue;
		for (uint64_t h = 0; h < count; h++) {
			ret_hosts[h].key[sizeof(ret_hosts[h].key) - 1] = '\0';
			ret_hosts[h].alias[sizeof(ret_hosts[h].alias) - 1] = '\0';
		}
		return (int)count;
	}
	return -EAGAIN;
}
