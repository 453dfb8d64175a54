/* SPDX-License-Identifier: BSD-3-Clause */
/* Capture files. The same bytes are read from memory (twice, with a rewind between), from a pipe
 * and, twice over, as a merge of two mapped files: every way must give the same frames and end. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture.h"

enum { FRAMES_MAX = 64, PIPE_BYTES = 65536 }; /* what a pipe takes without a reader */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What came out of one way of reading. */
struct outcome {
	uint64_t frames;
	uint64_t digest;
	uint64_t bytes;
	int code;
	char what[512]; /* the error without the file's name */
};

#define REQUIRE(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
			abort(); \
		} \
	} while (0)

static void
add_frame(struct outcome *outcome, const struct jbr_frame *frame)
{
	uint64_t digest = outcome->digest;

	REQUIRE(frame->captured <= CAPTURE_RECORD_MAX);
	REQUIRE(frame->wire >= frame->captured);
	REQUIRE(frame->link <= JBR_LINK_UNKNOWN);
	REQUIRE(frame->time_ns <= INT64_MAX);
	digest = jbr_mix64(digest ^ frame->time_ns, UINT64_C(0x9e3779b97f4a7c15));
	digest = jbr_mix64(digest ^ ((uint64_t)frame->wire << 32 | frame->captured),
		UINT64_C(0xbf58476d1ce4e5b9));
	digest = jbr_mix64(digest ^ ((uint64_t)frame->port << 8 | frame->link),
		UINT64_C(0x94d049bb133111eb));
	for (uint32_t i = 0; i < frame->captured; i++)
		digest = digest * 31 + frame->data[i];
	outcome->digest = digest;
	outcome->bytes += frame->captured;
	outcome->frames++;
}

/* Read all of @p capture; the numbers begin behind @p number. */
static struct outcome
read_all(struct capture *capture, size_t frames_max, uint64_t number)
{
	struct outcome outcome = {0};
	struct jbr_frame frames[FRAMES_MAX];
	struct jbr_error error = {""};
	char prefix[64];
	size_t count;

	while ((outcome.code = capture_read(capture, frames, frames_max, &count, &error)) == 0) {
		REQUIRE(count <= frames_max);
		if (count == 0)
			return outcome;
		for (size_t i = 0; i < count; i++) {
			add_frame(&outcome, &frames[i]);
			REQUIRE(frames[i].number == number + outcome.frames);
		}
	}
	snprintf(prefix, sizeof(prefix), ": packet %llu: ", (unsigned long long)outcome.frames + 1);
	REQUIRE(outcome.code == -EINVAL);
	REQUIRE(strchr(error.text, ':') != NULL);
	snprintf(outcome.what, sizeof(outcome.what), "%s", strchr(error.text, ':'));
	if (frames_max != 1) /* a merge counts its packets by file */
		REQUIRE(strncmp(outcome.what, prefix, strlen(prefix)) == 0);
	return outcome;
}

static void
require_same(const struct outcome *a, const struct outcome *b)
{
	REQUIRE(a->frames == b->frames);
	REQUIRE(a->digest == b->digest);
	REQUIRE(a->code == b->code);
	REQUIRE(strcmp(a->what, b->what) == 0);
}

static void
read_pipe(const uint8_t *data, size_t size, const struct outcome *expected)
{
	struct capture *capture;
	struct outcome outcome;
	char path[32];
	const char *paths[] = {path};
	int ends[2];

	REQUIRE(pipe(ends) == 0);
	REQUIRE(write(ends[1], data, size) == (ssize_t)size);
	close(ends[1]);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
	REQUIRE(capture_open(paths, 1, &capture, NULL) == 0);
	close(ends[0]);
	outcome = read_all(capture, 7, 0);
	require_same(expected, &outcome);
	capture_close(capture);
}

static void
read_merged(const uint8_t *data, size_t size, const struct outcome *expected)
{
	struct capture *capture;
	struct outcome outcome;
	char path[32];
	const char *paths[] = {path, path};
	uint64_t done;
	uint64_t total;
	int fd = memfd_create("capture", MFD_CLOEXEC);

	REQUIRE(fd >= 0);
	REQUIRE(write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	REQUIRE(capture_open(paths, 2, &capture, NULL) == 0);
	close(fd);
	outcome = read_all(capture, 1, 0);
	REQUIRE(outcome.code == expected->code);
	capture_progress(capture, &done, &total);
	REQUIRE(total == 2 * size);
	REQUIRE(done <= total);
	if (outcome.code == 0) {
		REQUIRE(done == total);
		REQUIRE(outcome.frames == 2 * expected->frames);
		REQUIRE(outcome.bytes == 2 * expected->bytes);
	}
	capture_close(capture);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct capture *capture = NULL;
	struct jbr_error error = {""};
	struct outcome first;
	struct outcome second;

	if (capture_open_memory("memory", data, size, &capture, &error) < 0) {
		REQUIRE(error.text[0] != '\0');
		REQUIRE(capture == NULL);
		return 0;
	}
	first = read_all(capture, FRAMES_MAX, 0);
	REQUIRE(capture_rewind(capture, 0, &error) == 0);
	second = read_all(capture, 3, first.frames);
	require_same(&first, &second);
	capture_close(capture);
	if (size <= PIPE_BYTES) {
		read_pipe(data, size, &first);
		read_merged(data, size, &first);
	}
	return 0;
}
