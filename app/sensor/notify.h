/* SPDX-License-Identifier: BSD-3-Clause */
/** @file notify.h
 * What systemd is told of a service (sd_notify(3), by its socket, without its library), and the watchdog,
 * which is fed only while every worker makes progress.
 *
 * Threads: the control thread.
 * Quiet:   without NOTIFY_SOCKET nothing is sent; a message that cannot be sent is lost, for a sensor
 *          does not end because its supervisor is deaf.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "jbr_base.h"

enum { NOTIFY_WORKERS_MAX = 64 };

struct notify {
	int fd; /**< -1 = nobody listens */
	struct sockaddr_un address;
	socklen_t address_length;
	uint64_t period_ns; /**< half of what the watchdog waits; 0 = there is none */
	uint64_t last_ns;   /**< of the last look at the workers */
	uint64_t turns[NOTIFY_WORKERS_MAX];
};

/** Find the socket (a path, or `@name` in the abstract space) and the watchdog's time in the environment.
 * @return 0, also when there is none; -errno with @p error: then nothing will be sent. */
int notify_open(struct notify *notify, struct jbr_error *error);
/** Close; fine twice. */
void notify_close(struct notify *notify);
/** Ready, with a line on its state. After notify_reloading() it says that the reload is over. */
void notify_ready(struct notify *notify, const char *status);
/** A reload begins, at @p now_ns of CLOCK_MONOTONIC. */
void notify_reloading(struct notify *notify, uint64_t now_ns);
/** The end begins. */
void notify_stopping(struct notify *notify);
/** A line on its state. */
void notify_status(struct notify *notify, const char *status);
/** Is it time for notify_watchdog()? False for ever where there is no watchdog. */
bool notify_is_due(const struct notify *notify, uint64_t now_ns);
/** Feed the watchdog if each of @p count workers (up to NOTIFY_WORKERS_MAX) has turned since the last
 * call. @param turns  how often each has, so far
 * @return whether it was fed. */
bool notify_watchdog(struct notify *notify, const uint64_t *turns, unsigned count, uint64_t now_ns);
