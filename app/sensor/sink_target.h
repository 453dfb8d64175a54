/* SPDX-License-Identifier: BSD-3-Clause */
/** @file sink_target.h
 * Where the lines of a sink go: a file, standard output, a FIFO, or a unix socket that somebody else
 * listens on.
 *
 * Names:   "-" = standard output; unix:PATH = the socket PATH, datagrams (a line each, its newline
 *          included) if that is its type, else a stream; anything else is a file, which is made when
 *          there is none and appended to.
 * Lines:   a regular file never ends in half a line: what a full disk cut off is cut back, and what an
 *          earlier end left behind is closed by a newline. A line of which a stream or FIFO took a part
 *          is completed first; if its reader goes away in the midst of it, the next one gets it whole.
 * Blocks:  nothing but the disk itself, and a terminal that somebody has stopped.
 * Threads: one owner. Signals: the caller ignores or blocks SIGPIPE and SIGXFSZ.
 */
#pragma once
#include <sys/un.h>

#include "jbr_base.h"

enum target_kind { TARGET_FILE, TARGET_FLOW, TARGET_STREAM, TARGET_DATAGRAM };

struct target {
	const char *name;
	enum target_kind kind; /**< FLOW: pipe, FIFO or device; known when it is open */
	int fd;                /**< -1 = not open */
	bool is_socket;        /**< unix:PATH */
	bool is_stdout;
	bool was_ready; /**< target_wait() said so, and nothing was taken since */
	size_t torn;    /**< bytes that were taken of the line to be written next */
	struct sockaddr_un address;
};

/** What became of a target_write(). */
enum target_result {
	TARGET_WROTE,  /**< some of it, or all */
	TARGET_BUSY,   /**< nothing now: the reader is slow; target_wait() */
	TARGET_LONG,   /**< the first line is longer than a datagram may be: it will never pass */
	TARGET_FAILED, /**< nothing now, and why is said; the lines may be tried again */
};

/** Set up; nothing is opened.
 * @param name  must outlive it
 * @return 0, or -ENAMETOOLONG with @p error: a socket's path is too long. */
int target_init(struct target *target, const char *name, struct jbr_error *error);
/** Open, if it is not open. @return 0, or -errno with @p error. */
int target_open(struct target *target, struct jbr_error *error);
/** Can it come later, so that it is no mistake when it is not there: a socket, or a FIFO? */
bool target_may_come_later(const struct target *target, int rc);
/** Open a file by its name anew, which may have been moved away; anything else stays as it is.
 * @return 0, or -errno with @p error: then what was open stays in use. */
int target_reopen(struct target *target, struct jbr_error *error);
/** Close; a target that is not open is fine. What was taken of a line is forgotten. */
void target_close(struct target *target);

/** Write whole lines, and open first what is not open. A failed socket or FIFO is closed.
 * @param lines   begin with the line that the last call left off at; the last one ends in a newline
 * @param ret_bytes  of whole lines that need not come again; 0 unless TARGET_WROTE, when it may be 0 too:
 *                a part of a line was taken
 * @param error   with TARGET_FAILED */
enum target_result target_write(struct target *target, const char *lines, size_t length,
	size_t *ret_bytes, struct jbr_error *error);
/** Wait until it may take more, up to @p limit_ms. */
void target_wait(struct target *target, int limit_ms);
