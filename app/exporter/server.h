/* SPDX-License-Identifier: BSD-3-Clause */
/** @file server.h
 * The HTTP server: listens, answers, ends on a signal.
 *
 * Threads: one, an event loop; nothing in it waits.
 * Limits:  connections, streams, bytes of a request, time for a request and for taking an answer: see
 *          server_private.h.
 */
#pragma once
#include "jbr_base.h"
#include "options.h"

/** Serve until SIGTERM or SIGINT. Says on standard output where it listens.
 * @return 0, or -errno with @p error. */
int server_run(const struct options *options, struct jbr_error *error);
