/* SPDX-License-Identifier: BSD-3-Clause */
#include "capture.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "capture_private.h"

enum {
	BYTES_SHOWN = 8,         /* of what is no capture */
	FILE_HEADER_WANTED = 28, /* the longer of the two formats' */
	FRAMES_MAX = 1 << 24,    /* of one batch: counts are int inside */
};

struct capture {
	struct capture_file *files;
	struct capture_file **heap; /* files that have a head, the next to come out first */
	size_t count;
	size_t heap_count;
	size_t primed;   /* files whose first head has been looked for */
	bool needs_head; /* heap[0] has given its head away */
	uint64_t number; /* of the last frame that came out of a merge */
	uint32_t ports_used;
	struct capture_file *damaged; /* changed under our hands; reading ends here */
	uint64_t damaged_packet;
	int damaged_code;
};

/* Formats, and what people hand in instead. */
static const struct {
	const char *bytes;
	const struct capture_format *format;
	const char *advice; /* when it is no capture: what it is, and what to do */
	uint8_t length;
} magics[] = {
	{"\xa1\xb2\xc3\xd4", &capture_pcap, NULL, 4},
	{"\xd4\xc3\xb2\xa1", &capture_pcap, NULL, 4},
	{"\xa1\xb2\x3c\x4d", &capture_pcap, NULL, 4},
	{"\x4d\x3c\xb2\xa1", &capture_pcap, NULL, 4},
	{"\xa1\xb2\xcd\x34", &capture_pcap, NULL, 4},
	{"\x34\xcd\xb2\xa1", &capture_pcap, NULL, 4},
	{"\x0a\x0d\x0d\x0a", &capture_pcapng, NULL, 4},
	{"\x1f\x8b", NULL, "compressed with gzip: use zcat FILE | jabiru replay -", 2},
	{"\x28\xb5\x2f\xfd", NULL, "compressed with zstd: use zstdcat FILE | jabiru replay -", 4},
	{"\xfd\x37zXZ", NULL, "compressed with xz: use xzcat FILE | jabiru replay -", 5},
	{"BZh", NULL, "compressed with bzip2: use bzcat FILE | jabiru replay -", 3},
	{"\x04\x22\x4d\x18", NULL, "compressed with lz4: use lz4cat FILE | jabiru replay -", 4},
	{"snoop\0\0\0", NULL, "a snoop file: convert it with editcap -F pcap FILE NEW_FILE", 8},
};

uint8_t
capture_link(uint32_t link_type)
{
	switch (link_type) {
	case 0:
		return JBR_LINK_NULL;
	case 1:
		return JBR_LINK_ETHERNET;
	case 12: /* raw IP has had three numbers, by operating system, */
	case 14:
	case 101:
	case 228: /* and one for each version */
	case 229:
		return JBR_LINK_RAW_IP;
	case 108:
		return JBR_LINK_LOOP;
	case 113:
		return JBR_LINK_SLL;
	case 276:
		return JBR_LINK_SLL2;
	default:
		return JBR_LINK_UNKNOWN;
	}
}

bool
capture_take_port(struct capture_file *file, uint16_t *ret_port)
{
	if (*file->ports_used >= CAPTURE_PORTS_MAX)
		return false;
	*ret_port = (uint16_t)(*file->ports_used)++;
	return true;
}

int
capture_broken(const struct capture_file *file, struct jbr_error *error, int code,
	const char *format, ...)
{
	char what[160];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	return jbr_error_set(error, code, "%s: packet %" PRIu64 ": %s", file->name,
		file->packets + 1, what);
}

/* The name as errors show it: the end of a long one, and nothing that would move the cursor. */
static void
set_name(struct capture_file *file, const char *path)
{
	size_t length = strlen(path);

	if (length > CAPTURE_NAME_MAX)
		snprintf(file->name, sizeof(file->name), "...%s", path + length - CAPTURE_NAME_MAX);
	else
		snprintf(file->name, sizeof(file->name), "%s", path);
	for (char *c = file->name; *c != '\0'; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
}

static int
describe_unknown(const struct capture_file *file, struct jbr_error *error)
{
	const uint8_t *bytes = file->source.at;
	char text[2 * BYTES_SHOWN + 1];
	size_t length = capture_rest(&file->source);

	if (length > BYTES_SHOWN)
		length = BYTES_SHOWN;
	for (size_t i = 0; i < length; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	return jbr_error_set(error, -EINVAL, "'%s' is no capture: it begins with 0x%s", file->name,
		text);
}

/* Find the format of a source that is open, and read the file header. */
static int
identify(struct capture_file *file, struct jbr_error *error)
{
	struct capture_source *source = &file->source;
	int rc;

	source->wanted = FILE_HEADER_WANTED;
	rc = capture_source_fill(source);
	if (rc < 0)
		return jbr_error_set(error, rc, "cannot read '%s': %s", file->name, strerror(-rc));
	if (capture_rest(source) == 0)
		return jbr_error_set(error, -EINVAL, "'%s' is empty", file->name);
	for (size_t i = 0; i < JBR_COUNT_OF(magics); i++) {
		if (capture_rest(source) < magics[i].length ||
			memcmp(source->at, magics[i].bytes, magics[i].length) != 0)
			continue;
		if (magics[i].format == NULL)
			return jbr_error_set(error, -EINVAL, "'%s' is %s", file->name,
				magics[i].advice);
		file->format = magics[i].format;
		return file->format->open(file, error);
	}
	return describe_unknown(file, error);
}

static struct capture *
create(size_t count)
{
	struct capture *capture = calloc(1, sizeof(*capture));

	if (capture == NULL)
		return NULL;
	capture->files = calloc(count, sizeof(*capture->files));
	capture->heap = calloc(count, sizeof(*capture->heap));
	if (capture->files == NULL || capture->heap == NULL) {
		capture_close(capture);
		return NULL;
	}
	capture->count = count;
	for (size_t i = 0; i < count; i++) {
		capture->files[i].source = CAPTURE_SOURCE_CLOSED;
		capture->files[i].ports_used = &capture->ports_used;
	}
	return capture;
}

int
capture_open(const char *const *paths, size_t count, struct capture **ret_capture,
	struct jbr_error *error)
{
	struct capture *capture;
	int rc = 0;

	if (count == 0)
		return jbr_error_set(error, -EINVAL, "no capture is named");
	if (count > CAPTURE_FILES_MAX)
		return jbr_error_set(error, -EINVAL, "%zu captures are named, the limit is %d",
			count, CAPTURE_FILES_MAX);
	capture = create(count);
	if (capture == NULL)
		return jbr_error_set(error, -ENOMEM, "no memory for %zu captures", count);
	for (size_t i = 0; i < count && rc == 0; i++) {
		struct capture_file *file = &capture->files[i];

		set_name(file, strcmp(paths[i], "-") == 0 ? "standard input" : paths[i]);
		rc = capture_source_open(file, paths[i], error);
		if (rc == 0)
			rc = identify(file, error);
	}
	if (rc < 0) {
		capture_close(capture);
		return rc;
	}
	*ret_capture = capture;
	return 0;
}

int
capture_open_memory(const char *name, const uint8_t *bytes, size_t length,
	struct capture **ret_capture, struct jbr_error *error)
{
	struct capture *capture = create(1);
	int rc;

	if (capture == NULL)
		return jbr_error_set(error, -ENOMEM, "no memory for %d captures", 1);
	set_name(&capture->files[0], name);
	capture_source_memory(&capture->files[0].source, bytes, length);
	rc = identify(&capture->files[0], error);
	if (rc < 0) {
		capture_close(capture);
		return rc;
	}
	*ret_capture = capture;
	return 0;
}

void
capture_close(struct capture *capture)
{
	if (capture == NULL)
		return;
	for (size_t i = 0; i < capture->count; i++) {
		struct capture_file *file = &capture->files[i];

		if (file->format != NULL)
			file->format->close(file);
		capture_source_close(&file->source);
	}
	free(capture->files);
	free(capture->heap);
	free(capture);
}

/* As capture_format.read, but fills the source where @p can_fill allows it; else -EAGAIN. */
static int
read_file(struct capture_file *file, struct jbr_frame *frames, size_t frames_max, bool can_fill,
	struct jbr_error *error)
{
	int rc;

	file->was_read = true;
	for (;;) {
		rc = file->format->read(file, frames, frames_max, error);
		if (rc != -EAGAIN || !can_fill)
			return rc;
		rc = capture_source_fill(&file->source);
		if (rc < 0)
			return capture_broken(file, error, rc, "cannot read: %s", strerror(-rc));
	}
}

static int
read_single(struct capture *capture, struct jbr_frame *frames, size_t frames_max,
	struct jbr_error *error)
{
	int rc = read_file(capture->files, frames, frames_max, true, error);

	if (rc > 0)
		capture->files->delivered += (uint64_t)rc;
	return rc;
}

/* Does @p a come out before @p b? */
static bool
is_before(const struct capture_file *a, const struct capture_file *b)
{
	if (a->head.time_ns != b->head.time_ns)
		return a->head.time_ns < b->head.time_ns;
	return a < b; /* one array, in the order given */
}

static void
sift_down(struct capture *capture)
{
	struct capture_file **heap = capture->heap;
	struct capture_file *file = heap[0];
	size_t at = 0;

	for (;;) {
		size_t child = 2 * at + 1;

		if (child + 1 < capture->heap_count && is_before(heap[child + 1], heap[child]))
			child++;
		if (child >= capture->heap_count || !is_before(heap[child], file))
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = file;
}

static void
sift_up(struct capture *capture, struct capture_file *file)
{
	struct capture_file **heap = capture->heap;
	size_t at = capture->heap_count++;

	for (; at > 0 && is_before(file, heap[(at - 1) / 2]); at = (at - 1) / 2)
		heap[at] = heap[(at - 1) / 2];
	heap[at] = file;
}

/* Find the first head of every file. May be called again when it fails. */
static int
prime(struct capture *capture, struct jbr_error *error)
{
	for (; capture->primed < capture->count; capture->primed++) {
		struct capture_file *file = &capture->files[capture->primed];
		int rc = read_file(file, &file->head, 1, true, error);

		if (rc < 0)
			return rc;
		if (rc > 0)
			sift_up(capture, file);
	}
	return 0;
}

/* Give heap[0] its next head, or drop it at its end. */
static int
replace_head(struct capture *capture, bool can_fill, struct jbr_error *error)
{
	struct capture_file *file = capture->heap[0];
	int rc = read_file(file, &file->head, 1, can_fill, error);

	if (rc < 0)
		return rc;
	if (rc == 0)
		capture->heap[0] = capture->heap[--capture->heap_count];
	capture->needs_head = false;
	if (capture->heap_count > 0)
		sift_down(capture);
	return 0;
}

static int
read_merged(struct capture *capture, struct jbr_frame *frames, size_t frames_max,
	struct jbr_error *error)
{
	int count = 0;
	int rc = prime(capture, error);

	if (rc < 0)
		return rc;
	while ((size_t)count < frames_max) {
		/* what ends a batch that has frames is found, and said, again by the next call */
		if (capture->needs_head)
			rc = replace_head(capture, count == 0, count == 0 ? error : NULL);
		if (rc < 0)
			return count > 0 ? count : rc;
		if (capture->heap_count == 0)
			break;
		capture->heap[0]->delivered++;
		frames[count] = capture->heap[0]->head;
		frames[count++].number = ++capture->number;
		capture->needs_head = true;
	}
	return count;
}

static bool
holds(const struct capture_file *file, const struct jbr_frame *frame)
{
	/* a file header comes before any packet, so the first byte is never a packet's */
	return frame->data > file->source.start && frame->data <= file->source.end;
}

/* A file has changed: keep the frames that are still good, and remember where it broke. */
static size_t
give_up(struct capture *capture, struct capture_file *file, const struct jbr_frame *frames,
	size_t count, size_t left)
{
	size_t good = 0;

	while (good < count &&
		(!holds(file, &frames[good]) ||
			frames[good].data + frames[good].captured <= file->source.start + left))
		good++;
	capture->damaged = file;
	capture->damaged_packet = file->delivered + 1;
	for (size_t i = good; i < count; i++)
		capture->damaged_packet -= holds(file, &frames[i]);
	return good;
}

static int
say_damaged(const struct capture *capture, struct jbr_error *error)
{
	return jbr_error_set(error, capture->damaged_code, "%s: packet %" PRIu64 ": %s",
		capture->damaged->name, capture->damaged_packet,
		capture->damaged_code == -EIO ? "the file could not be read any further"
					      : "the file was made shorter while it was read");
}

/* Look after every batch whether the bytes were those of the files.
 * Returns how many frames to deliver. */
static size_t
check_files(struct capture *capture, const struct jbr_frame *frames, size_t count)
{
	for (size_t i = 0; i < capture->count && capture->damaged == NULL; i++) {
		struct capture_file *file = &capture->files[i];
		size_t left = 0;
		int rc;

		if (!file->was_read)
			continue;
		file->was_read = false;
		rc = capture_source_check(&file->source, &left);
		if (rc == 0)
			continue;
		capture->damaged_code = rc;
		count = give_up(capture, file, frames, count, left);
	}
	return count;
}

int
capture_read(struct capture *capture, struct jbr_frame *frames, size_t frames_max,
	size_t *ret_count, struct jbr_error *error)
{
	size_t count;
	int rc;

	if (capture->damaged != NULL)
		return say_damaged(capture, error);
	if (frames_max > FRAMES_MAX)
		frames_max = FRAMES_MAX;
	if (frames_max == 0) {
		*ret_count = 0;
		return 0;
	}
	for (size_t i = 0; i < capture->count; i++)
		capture_source_advise(&capture->files[i].source);
	if (capture->count == 1)
		rc = read_single(capture, frames, frames_max, error);
	else
		rc = read_merged(capture, frames, frames_max, error);
	count = check_files(capture, frames, rc > 0 ? (size_t)rc : 0);
	/* what looks broken is damaged, if it is both */
	if (capture->damaged != NULL && count == 0)
		return say_damaged(capture, error);
	if (rc < 0)
		return rc;
	*ret_count = count;
	return 0;
}

int
capture_rewind(struct capture *capture, uint64_t shift_ns, struct jbr_error *error)
{
	for (size_t i = 0; i < capture->count; i++)
		if (capture->files[i].source.start == NULL)
			return jbr_error_set(error, -ESPIPE, "cannot read '%s' again: it is a pipe",
				capture->files[i].name);
	capture->heap_count = 0;
	capture->primed = 0;
	capture->needs_head = false;
	capture->ports_used = 0;
	for (size_t i = 0; i < capture->count; i++) {
		struct capture_file *file = &capture->files[i];
		int rc;

		capture_source_rewind(&file->source);
		file->packets = 0;
		file->delivered = 0;
		file->shift_ns = shift_ns;
		rc = file->format->open(file, error);
		if (rc < 0)
			return rc;
	}
	return 0;
}

void
capture_progress(const struct capture *capture, uint64_t *ret_done, uint64_t *ret_total)
{
	uint64_t done = 0;
	uint64_t total = 0;

	*ret_done = 0;
	*ret_total = 0;
	for (size_t i = 0; i < capture->count; i++) {
		const struct capture_source *source = &capture->files[i].source;

		if (source->start == NULL)
			return;
		done += (uint64_t)(source->at - source->start);
		total += (uint64_t)(source->end - source->start);
	}
	*ret_done = done;
	*ret_total = total;
}
