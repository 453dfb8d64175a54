/* SPDX-License-Identifier: BSD-3-Clause */
/** @file buffers.h
 * EAL, and packet buffers of its pools.
 *
 * Threads: main(), before the lanes start and after they have ended; buffers_read() any.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "jbr_base.h"
#include "jbr_packet.h"

struct rte_mbuf;

enum { BUFFERS_COUNT = 128 }; /* of a lane, a multiple of a burst: written and read in turn */

/** Start EAL on @p cpu, without ports; with hugepages where there are some free, else without.
 * @param ret_has_hugepages  which it was
 * @return 0, or -errno with what to do in @p error. */
int buffers_start(unsigned cpu, bool *ret_has_hugepages, struct jbr_error *error);
/** End it. */
void buffers_stop(void);
/** Take BUFFERS_COUNT buffers from a new pool of lane @p index; buffers_stop() releases them.
 * @return 0, or -errno. */
int buffers_take(unsigned index, struct rte_mbuf **ret_mbufs, struct jbr_error *error);
/** Make frames of @p count buffers as a port's loop does, but for time and number, which are left alone. */
void buffers_read(struct rte_mbuf *const *mbufs, unsigned count, struct jbr_frame *ret_frames);
