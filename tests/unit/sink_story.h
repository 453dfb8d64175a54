/* SPDX-License-Identifier: BSD-3-Clause */
/** @file sink_story.h
 * What the units of sinks share: numbered lines, waiting for the sink's thread, and a folder of their own.
 *
 * Threads: the test's; the sink has its own.
 * Waiting: for a state, looked at again and again up to STORY_LIMIT_S; never for a time.
 */
#pragma once
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "sink.h"

enum { STORY_LIMIT_S = 20, STORY_LINE_BYTES = 300, STORY_QUEUE = 1 << 20 };

/** A sink and the lines put into it: `{"n":<number>,"x":"xxx..."}`. */
struct story {
	struct sink *sink;
	uint64_t put;
	struct jbr_buffer notes; /**< all so far, ended by a zero byte that is not counted */
};

static char story_folder[64];

static inline void
story_rest(void)
{
	struct timespec pause = {.tv_nsec = 2000000};

	(void)nanosleep(&pause, NULL);
}

/** Fails when there have been too many rests. */
static inline void
story_patience(unsigned *rests, const char *what)
{
	if (++*rests > STORY_LIMIT_S * 500)
		fail_msg("waited too long: %s", what);
	story_rest();
}

static inline int
story_begin(void **state)
{
	(void)state;
	snprintf(story_folder, sizeof(story_folder), "/tmp/jabiru-sink-XXXXXX");
	return mkdtemp(story_folder) == NULL ? -1 : 0;
}

static inline int
story_remove(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	(void)status;
	(void)kind;
	(void)place;
	return remove(path);
}

static inline int
story_end(void **state)
{
	(void)state;
	return nftw(story_folder, story_remove, 8, FTW_DEPTH | FTW_PHYS);
}

/** A path in the folder; valid until the next but three. */
static inline const char *
story_path(const char *prefix, const char *name)
{
	static char paths[4][128];
	static unsigned turn;
	char *path = paths[turn++ % 4];

	snprintf(path, sizeof(paths[0]), "%s%s/%s", prefix, story_folder, name);
	return path;
}

static inline struct story
story_open(const char *target, size_t queue_bytes)
{
	struct story story = {0};
	struct jbr_error error = {0};

	if (sink_open(target, queue_bytes, &story.sink, &error) < 0)
		fail_msg("%s", error.text);
	assert_int_equal(sink_start(story.sink, &error), 0);
	return story;
}

/** Put lines of about STORY_LINE_BYTES, numbered on, and have them written. */
static inline void
story_put(struct story *story, unsigned count)
{
	char line[STORY_LINE_BYTES + 32];

	for (unsigned i = 0; i < count; i++) {
		int length = snprintf(line, sizeof(line), "{\"n\":%06ju,\"x\":\"%0*d\"}\n",
			(uintmax_t)story->put++, STORY_LINE_BYTES - 20, 0);

		sink_put(story->sink, line, (size_t)length);
	}
	sink_kick(story->sink);
}

/** The status; what must hold at every reading does. */
static inline struct sink_status
story_status(struct story *story)
{
	struct sink_status status;

	sink_status(story->sink, &status);
	assert_int_equal(status.emitted, story->put);
	assert_int_equal(status.emitted,
		status.written + status.queued + status.lost_queue + status.lost_write +
			status.lost_long);
	return status;
}

static inline void
story_wait_written(struct story *story, uint64_t lines)
{
	unsigned rests = 0;

	while (story_status(story).written < lines) {
		sink_kick(story->sink);
		story_patience(&rests, "for lines to be written");
	}
}

static inline void
story_wait_empty(struct story *story)
{
	unsigned rests = 0;

	while (story_status(story).queued > 0) {
		sink_kick(story->sink);
		story_patience(&rests, "for the queue to become empty");
	}
}

/** Wait until it fails (@p fails) or does no longer. */
static inline void
story_wait_failing(struct story *story, bool fails)
{
	unsigned rests = 0;

	while ((story_status(story).error[0] != '\0') != fails) {
		sink_kick(story->sink);
		story_patience(&rests, fails ? "for a failure" : "for the end of a failure");
	}
}

/** Wait for a note that has @p words. @return how often it was said so far */
static inline unsigned
story_wait_note(struct story *story, const char *words)
{
	unsigned rests = 0;
	unsigned count = 0;

	for (;;) {
		sink_notes(story->sink, &story->notes);
		jbr_buffer_append(&story->notes, "", 1);
		story->notes.length--;
		if (strstr(story->notes.data, words) != NULL)
			break;
		story_patience(&rests, words);
	}
	for (const char *at = story->notes.data; (at = strstr(at, words)) != NULL; at++)
		count++;
	return count;
}

/** End it. @return the last status */
static inline struct sink_status
story_close(struct story *story, unsigned limit_ms)
{
	struct sink_status status;
	unsigned rests = 0;

	assert_false(sink_is_over(story->sink));
	sink_end(story->sink, limit_ms);
	while (!sink_is_over(story->sink))
		story_patience(&rests, "for the end");
	status = story_status(story);
	assert_int_equal(status.queued, 0);
	sink_free(story->sink);
	jbr_buffer_fini(&story->notes);
	return status;
}

/** Lines as a reader has them: each whole, of rising numbers. */
struct story_reader {
	uint64_t lines;
	int64_t last; /**< number; -1 = none yet */
	struct jbr_buffer rest;
};

static inline void
story_read_bytes(struct story_reader *reader, const char *bytes, size_t length)
{
	char *end;

	jbr_buffer_append(&reader->rest, bytes, length);
	while (reader->rest.length > 0 &&
		(end = memchr(reader->rest.data, '\n', reader->rest.length)) != NULL) {
		size_t size = (size_t)(end - reader->rest.data) + 1;
		long number;

		*end = '\0';
		if (sscanf(reader->rest.data, "{\"n\":%6ld,\"x\":\"0", &number) != 1 ||
			end[-1] != '}' || size < STORY_LINE_BYTES - 20)
			fail_msg("no whole line: '%s'", reader->rest.data);
		if (number <= reader->last)
			fail_msg("line %ld after %ld", number, (long)reader->last);
		reader->last = number;
		reader->lines++;
		reader->rest.length -= size;
		memmove(reader->rest.data, end + 1, reader->rest.length);
	}
}
