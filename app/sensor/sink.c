/* SPDX-License-Identifier: BSD-3-Clause */
#include "sink.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "sink_target.h"

enum {
	CHUNK_BYTES = 256 * 1024,  /* written in one go */
	WAKE_BYTES = 1024 * 1024,  /* that wait, at which the thread is woken unasked */
	SPARE_BYTES = 1024 * 1024, /* of memory that an empty queue keeps */
	RETRY_MIN_MS = 100,
	RETRY_MAX_MS = 5000,
	WAIT_MS = 50,    /* for a slow reader, until what else there is to do is looked at */
	GRACE_MS = 1000, /* for a disk that does not answer, beyond the limit of sink_end() */
	NOTE_S = 60,
};

struct sink {
	pthread_mutex_t lock;
	pthread_cond_t work; /* for the thread; CLOCK_MONOTONIC */
	pthread_t thread;
	bool has_thread;
	size_t queue_bytes;
	/* under the lock */
	struct jbr_buffer queue;   /* lines that came after those in hand */
	size_t waiting_bytes;      /* queue and hand */
	struct sink_status status; /* `queued` counts the same lines */
	struct jbr_buffer notes;
	uint64_t failures;        /* since the last note */
	uint64_t failure_said_ns; /* last note of each kind; 0 = none yet */
	uint64_t full_said_ns;
	uint64_t said_lost_queue;
	bool has_said_failure; /* so that its end is said too */
	bool is_kicked;
	bool wants_reopen;
	int reopen_rc; /* of the last one, and why */
	struct jbr_error reopen_error;
	bool wants_end;
	bool is_over;
	bool is_abandoned; /* sink_is_over() has counted what was left: count nothing any more */
	uint64_t end_ns;   /* with wants_end: the limit */
	/* the thread's */
	struct target target;
	struct jbr_buffer hand; /* lines that are being written */
	size_t hand_at;
	uint64_t retry_ns; /* 0 = the target does not fail */
	unsigned retry_ms;
};

static uint64_t
monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * JBR_NS_PER_S + (uint64_t)now.tv_nsec;
}

static uint64_t
lines_in(const char *bytes, size_t length)
{
	const char *end = bytes + length;
	uint64_t lines = 0;

	while (bytes < end && (bytes = memchr(bytes, '\n', (size_t)(end - bytes))) != NULL) {
		lines++;
		bytes++;
	}
	return lines;
}

/* Wait until @p until_ns, or until there is work; with the lock. */
static void
wait_until(struct sink *sink, uint64_t until_ns)
{
	struct timespec until = {.tv_sec = (time_t)(until_ns / JBR_NS_PER_S),
		.tv_nsec = (long)(until_ns % JBR_NS_PER_S)};

	(void)pthread_cond_timedwait(&sink->work, &sink->lock, &until);
}

/* ---- what is said; with the lock ---- */

static bool
may_speak(uint64_t said_ns, uint64_t now_ns)
{
	return said_ns == 0 || now_ns - said_ns >= NOTE_S * JBR_NS_PER_S;
}

static void
note_failure(struct sink *sink, const struct jbr_error *error)
{
	uint64_t now_ns = monotonic_ns();

	memcpy(sink->status.error, error->text, sizeof(sink->status.error) - 1);
	sink->failures++;
	if (!may_speak(sink->failure_said_ns, now_ns))
		return;
	jbr_buffer_format(&sink->notes, "%s; trying again", error->text);
	if (sink->failures > 1)
		jbr_buffer_format(&sink->notes,
			" (%" PRIu64 " failures, %" PRIu64 " lines lost so far)", sink->failures,
			sink->status.lost_write);
	jbr_buffer_append(&sink->notes, "\n", 1);
	sink->failures = 0;
	sink->failure_said_ns = now_ns;
	sink->has_said_failure = true;
}

static void
note_success(struct sink *sink)
{
	if (sink->status.error[0] == '\0')
		return;
	sink->status.error[0] = '\0';
	sink->failures = 0;
	if (sink->has_said_failure)
		jbr_buffer_format(&sink->notes,
			"'%s' is written to again; %" PRIu64 " lines were lost so far\n",
			sink->target.name, sink->status.lost_write);
	sink->has_said_failure = false;
}

static void
note_full_queue(struct sink *sink)
{
	uint64_t now_ns;

	if (sink->status.lost_queue == sink->said_lost_queue)
		return;
	now_ns = monotonic_ns();
	if (!may_speak(sink->full_said_ns, now_ns))
		return;
	jbr_buffer_format(&sink->notes, "'%s' does not keep up: %" PRIu64 " lines were lost\n",
		sink->target.name, sink->status.lost_queue - sink->said_lost_queue);
	sink->said_lost_queue = sink->status.lost_queue;
	sink->full_said_ns = now_ns;
}

/* ---- the thread ---- */

enum task { TASK_WRITE, TASK_REOPEN, TASK_END };

/* Take what waits in exchange for the empty hand; with the lock. */
static void
take_queue(struct sink *sink)
{
	struct jbr_buffer empty = sink->hand;

	if (empty.capacity > SPARE_BYTES)
		jbr_buffer_fini(&empty);
	empty.length = 0;
	sink->hand = sink->queue;
	sink->hand_at = 0;
	sink->queue = empty;
}

static bool
has_lines(const struct sink *sink)
{
	return sink->hand_at < sink->hand.length;
}

/* What to do next; waits for it. */
static enum task
next_task(struct sink *sink)
{
	enum task task;

	pthread_mutex_lock(&sink->lock);
	for (;;) {
		uint64_t now_ns = monotonic_ns();
		bool may_retry = sink->retry_ns == 0 || now_ns >= sink->retry_ns;

		if (!has_lines(sink) && sink->queue.length > 0)
			take_queue(sink);
		task = TASK_REOPEN;
		if (sink->wants_reopen && sink->target.torn == 0)
			break;
		task = TASK_END;
		/* a target that fails has its last chance when the end is asked for */
		if (sink->wants_end &&
			(!has_lines(sink) || now_ns >= sink->end_ns ||
				sink->retry_ns == UINT64_MAX))
			break;
		task = TASK_WRITE;
		if (has_lines(sink) && (may_retry || sink->wants_end) &&
			(sink->is_kicked || sink->wants_end || sink->hand_at > 0 ||
				sink->waiting_bytes >= WAKE_BYTES))
			break;
		sink->is_kicked = sink->is_kicked && has_lines(sink);
		wait_until(sink,
			has_lines(sink) && sink->retry_ns > now_ns ? sink->retry_ns
								   : now_ns + JBR_NS_PER_S);
	}
	pthread_mutex_unlock(&sink->lock);
	return task;
}

/* A stretch of whole lines to write, from the first one in hand. */
static size_t
chunk_of(const struct sink *sink)
{
	const char *at = sink->hand.data + sink->hand_at;
	size_t left = sink->hand.length - sink->hand_at;
	const char *last;

	if (left <= CHUNK_BYTES)
		return left;
	last = memrchr(at, '\n', CHUNK_BYTES);
	if (last == NULL) /* a line longer than that */
		last = memchr(at, '\n', left);
	return (size_t)(last - at) + 1;
}

/* @p bytes in hand are done with, which are @p lines lines; with the lock. */
static void
advance(struct sink *sink, size_t bytes, uint64_t lines, uint64_t *counter)
{
	sink->hand_at += bytes;
	if (sink->is_abandoned)
		return;
	sink->waiting_bytes -= bytes;
	sink->status.queued -= lines;
	*counter += lines;
}

/* The time until the next try doubles. */
static void
put_off(struct sink *sink)
{
	sink->retry_ms = sink->retry_ms == 0 ? RETRY_MIN_MS : sink->retry_ms * 2;
	if (sink->retry_ms > RETRY_MAX_MS)
		sink->retry_ms = RETRY_MAX_MS;
	sink->retry_ns = sink->wants_end ? UINT64_MAX
					 : monotonic_ns() + sink->retry_ms * JBR_NS_PER_MS;
}

static void
write_chunk(struct sink *sink)
{
	const char *at = sink->hand.data + sink->hand_at;
	size_t length = chunk_of(sink);
	struct jbr_error error = {0};
	enum target_result result;
	uint64_t lines = 0;
	size_t bytes;

	result = target_write(&sink->target, at, length, &bytes, &error);
	if (result == TARGET_WROTE)
		lines = lines_in(at, bytes);
	pthread_mutex_lock(&sink->lock);
	sink->status.is_open = sink->target.fd >= 0;
	switch (result) {
	case TARGET_WROTE:
		advance(sink, bytes, lines, &sink->status.written);
		note_success(sink);
		sink->retry_ns = 0;
		sink->retry_ms = 0;
		break;
	case TARGET_LONG:
		bytes = (size_t)((const char *)memchr(at, '\n', length) - at) + 1;
		advance(sink, bytes, 1, &sink->status.lost_long);
		break;
	case TARGET_FAILED:
		note_failure(sink, &error);
		put_off(sink);
		break;
	case TARGET_BUSY:
		break;
	}
	pthread_mutex_unlock(&sink->lock);
	if (result == TARGET_BUSY)
		target_wait(&sink->target, WAIT_MS);
}

static void
reopen(struct sink *sink)
{
	struct jbr_error error = {0};
	int rc = target_reopen(&sink->target, &error);

	pthread_mutex_lock(&sink->lock);
	sink->wants_reopen = false;
	sink->reopen_rc = rc;
	sink->reopen_error = error;
	sink->retry_ns = 0;
	sink->retry_ms = 0;
	sink->is_kicked = true;
	sink->status.is_open = sink->target.fd >= 0;
	if (rc < 0)
		jbr_buffer_format(&sink->notes, "%s; what was open stays in use\n", error.text);
	else if (sink->target.is_socket || sink->target.is_stdout)
		jbr_buffer_format(&sink->notes, "'%s' is no file and was left as it is\n",
			sink->target.name);
	else
		jbr_buffer_format(&sink->notes, "'%s' was opened anew\n", sink->target.name);
	pthread_mutex_unlock(&sink->lock);
}

static void *
sink_main(void *arg)
{
	struct sink *sink = arg;
	enum task task;

	while ((task = next_task(sink)) != TASK_END) {
		if (task == TASK_REOPEN)
			reopen(sink);
		else
			write_chunk(sink);
	}
	pthread_mutex_lock(&sink->lock);
	sink->is_over = true;
	pthread_mutex_unlock(&sink->lock);
	return NULL;
}

/* ---- the owner ---- */

int
sink_open(const char *target, size_t queue_bytes, struct sink **ret_sink, struct jbr_error *error)
{
	struct sink *sink = calloc(1, sizeof(*sink));
	pthread_condattr_t attributes;
	struct jbr_error why = {0};
	int rc;

	if (sink == NULL)
		return jbr_error_set(error, -ENOMEM, "cannot open '%s': %s", target,
			strerror(ENOMEM));
	pthread_mutex_init(&sink->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&sink->work, &attributes);
	pthread_condattr_destroy(&attributes);
	sink->queue_bytes = queue_bytes;
	rc = target_init(&sink->target, target, error);
	if (rc == 0) {
		rc = target_open(&sink->target, &why);
		if (rc < 0 && target_may_come_later(&sink->target, rc)) {
			note_failure(sink, &why);
			rc = 0;
		} else if (rc < 0 && error != NULL) {
			*error = why;
		}
	}
	sink->status.is_open = sink->target.fd >= 0;
	if (rc == 0)
		*ret_sink = sink;
	else
		sink_free(sink);
	return rc;
}

int
sink_start(struct sink *sink, struct jbr_error *error)
{
	sigset_t all;
	sigset_t before;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&sink->thread, NULL, sink_main, sink);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	sink->has_thread = rc == 0;
	if (rc != 0)
		return jbr_error_set(error, -rc, "cannot start the thread that writes '%s': %s",
			sink->target.name, strerror(rc));
	return 0;
}

void
sink_put(struct sink *sink, const char *line, size_t length)
{
	bool wakes = false;

	pthread_mutex_lock(&sink->lock);
	sink->status.emitted++;
	if (length <= sink->queue_bytes - sink->waiting_bytes)
		jbr_buffer_append(&sink->queue, line, length);
	else
		sink->queue.failed = true;
	if (!sink->queue.failed) {
		sink->status.queued++;
		wakes = sink->waiting_bytes < WAKE_BYTES &&
			sink->waiting_bytes + length >= WAKE_BYTES;
		sink->waiting_bytes += length;
	} else {
		/* full, or memory is; there may be room for the next line */
		sink->queue.failed = false;
		if (sink->status.error[0] != '\0')
			sink->status.lost_write++;
		else
			sink->status.lost_queue++;
	}
	if (wakes)
		pthread_cond_signal(&sink->work);
	pthread_mutex_unlock(&sink->lock);
}

static void
demand(struct sink *sink, bool *what)
{
	pthread_mutex_lock(&sink->lock);
	*what = true;
	pthread_cond_signal(&sink->work);
	pthread_mutex_unlock(&sink->lock);
}

void
sink_kick(struct sink *sink)
{
	bool has_work;

	pthread_mutex_lock(&sink->lock);
	has_work = sink->waiting_bytes > 0 && !sink->is_kicked;
	pthread_mutex_unlock(&sink->lock);
	if (has_work)
		demand(sink, &sink->is_kicked);
}

void
sink_reopen(struct sink *sink)
{
	demand(sink, &sink->wants_reopen);
}

int
sink_reopened(struct sink *sink, struct jbr_error *error)
{
	int rc;

	pthread_mutex_lock(&sink->lock);
	rc = sink->wants_reopen ? -EAGAIN : sink->reopen_rc;
	if (rc < 0 && error != NULL)
		*error = sink->reopen_error;
	pthread_mutex_unlock(&sink->lock);
	return rc;
}

void
sink_status(struct sink *sink, struct sink_status *ret_status)
{
	pthread_mutex_lock(&sink->lock);
	*ret_status = sink->status;
	pthread_mutex_unlock(&sink->lock);
}

void
sink_notes(struct sink *sink, struct jbr_buffer *out)
{
	pthread_mutex_lock(&sink->lock);
	note_full_queue(sink);
	jbr_buffer_append(out, sink->notes.data, sink->notes.length);
	sink->notes.length = 0;
	pthread_mutex_unlock(&sink->lock);
}

void
sink_end(struct sink *sink, unsigned limit_ms)
{
	pthread_mutex_lock(&sink->lock);
	sink->end_ns = monotonic_ns() + limit_ms * JBR_NS_PER_MS;
	sink->wants_end = true;
	pthread_cond_signal(&sink->work);
	pthread_mutex_unlock(&sink->lock);
}

bool
sink_is_over(struct sink *sink)
{
	bool is_over;

	if (!sink->wants_end)
		return false;
	pthread_mutex_lock(&sink->lock);
	is_over = sink->is_over || !sink->has_thread;
	/* held by the kernel, as by a disk that does not answer */
	sink->is_abandoned |= !is_over && monotonic_ns() >= sink->end_ns + GRACE_MS * JBR_NS_PER_MS;
	is_over |= sink->is_abandoned;
	if (is_over) {
		if (sink->status.error[0] != '\0' || sink->is_abandoned)
			sink->status.lost_write += sink->status.queued;
		else
			sink->status.lost_queue += sink->status.queued;
		sink->status.queued = 0;
		sink->waiting_bytes = 0;
	}
	pthread_mutex_unlock(&sink->lock);
	if (!is_over || !sink->has_thread)
		return is_over;
	if (sink->is_abandoned)
		(void)pthread_detach(sink->thread);
	else
		(void)pthread_join(sink->thread, NULL);
	sink->has_thread = false;
	return true;
}

void
sink_free(struct sink *sink)
{
	struct timespec pause = {.tv_nsec = 1000000};

	if (sink == NULL)
		return;
	if (!sink->wants_end)
		sink_end(sink, 0);
	while (!sink_is_over(sink))
		(void)nanosleep(&pause, NULL);
	if (sink->is_abandoned)
		return; /* a thread that the kernel holds still needs it */
	target_close(&sink->target);
	jbr_buffer_fini(&sink->queue);
	jbr_buffer_fini(&sink->hand);
	jbr_buffer_fini(&sink->notes);
	pthread_cond_destroy(&sink->work);
	pthread_mutex_destroy(&sink->lock);
	free(sink);
}
