/* SPDX-License-Identifier: BSD-3-Clause */
/** @file packet_socket.h
 * What the kernel dropped before net_af_packet could fetch it. DPDK 22.11 does not ask, so that the port
 * would seem to lose nothing; the kernel's count is read from the driver's own sockets. A count is reset
 * by being read: a driver that asks too adds its part to imissed, and none is counted twice.
 *
 * Threads: one, the control thread.
 */
#pragma once
#include <stdint.h>

enum { PACKET_SOCKETS_MAX = 64 };

struct packet_sockets {
	int fds[PACKET_SOCKETS_MAX]; /**< the driver's, which closes them */
	unsigned count;
	uint64_t dropped; /**< so far */
};

/** Find this process's packet sockets that are bound to @p interface. */
void packet_sockets_find(const char *interface, struct packet_sockets *ret_sockets);
/** Frames dropped since packet_sockets_find(), all sockets together. */
uint64_t packet_sockets_dropped(struct packet_sockets *sockets);
