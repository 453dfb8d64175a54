/* SPDX-License-Identifier: BSD-3-Clause */
/** @file sink.h
 * One output of the live mode: whole lines, a bounded queue of them, and a thread that writes them to a
 * target, so that a slow or full disk, or a reader that is slow or away, holds up nobody else.
 *
 * Lost:    a line that finds the queue full is left out and counted: lost_write while the target fails,
 *          lost_queue while it is merely slow. lost_long: no datagram can hold it. What is in the queue
 *          waits as long as it takes. `written` means handed to the kernel: what a reader that goes
 *          away had not read yet is gone.
 * Identity: emitted == written + queued + lost_queue + lost_write + lost_long, at every reading.
 * Retries: a target that fails is tried again after 0.1 s, then twice that, up to 5 s.
 * Notes:   what went wrong, and that it goes on again, as lines for people: one of a kind a minute, with the count.
 * Threads: one owner calls everything here; it never waits for the target, but in sink_free().
 *          The lock between it and the sink's thread is held for a copy only, never while writing.
 * Signals: the sink's thread takes none.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "jbr_base.h"

struct sink;

struct sink_status {
	uint64_t emitted; /**< lines */
	uint64_t written;
	uint64_t queued; /**< that still wait */
	uint64_t lost_queue;
	uint64_t lost_write;
	uint64_t lost_long;
	bool is_open;    /**< the target is */
	char error[256]; /**< why it fails; empty while it does not */
};

/** Open a target: see sink_target.h for its names. A socket or FIFO without a reader is no mistake: it
 * is noted, and tried again.
 * @param target       must outlive the sink
 * @param queue_bytes  1..2^40; the queue takes memory as it fills
 * @return 0, or -errno with @p error. */
int sink_open(const char *target, size_t queue_bytes, struct sink **ret_sink,
	struct jbr_error *error);
/** Start its thread, which takes over the caller's CPUs. Until then lines wait. Once.
 * @return 0, or -errno with @p error. */
int sink_start(struct sink *sink, struct jbr_error *error);

/** Give it one line, its newline included; it is copied. Never waits. */
void sink_put(struct sink *sink, const char *line, size_t length);
/** Have what was put written now; the thread sleeps until then or until much has gathered. */
void sink_kick(struct sink *sink);
/** Open the file by its name anew, as soon as what is being written is; no line is lost over it. A target
 * that failed is tried again at once. The result is a note. */
void sink_reopen(struct sink *sink);
/** How the last sink_reopen() went.
 * @return 0; -EAGAIN: not done yet; else -errno with @p error. */
int sink_reopened(struct sink *sink, struct jbr_error *error);

/** What became of the lines so far. */
void sink_status(struct sink *sink, struct sink_status *ret_status);
/** Append the notes since the last call, each with its newline. */
void sink_notes(struct sink *sink, struct jbr_buffer *out);

/** Ask the thread to write what waits and to end. A target that fails is not waited for; a slow one is, up
 * to @p limit_ms. To be called once; nothing may be put after it. */
void sink_end(struct sink *sink, unsigned limit_ms);
/** Has it ended, or given up? Then what was left is counted as lost. To be called until it is true. */
bool sink_is_over(struct sink *sink);
/** Release; NULL is fine. One that was not ended ends now, and what waits is lost. */
void sink_free(struct sink *sink);
