/* SPDX-License-Identifier: BSD-3-Clause */
/** @file reference_private.h
 * What reference.c and reference_end.c share.
 */
#pragma once
#include "jbr_event.h"
#include "jbr_tcp.h"
#include "reference.h"

/** A connection; end 0 is the originator's. */
struct reference_flow {
	struct reference_flow *next;
	union jbr_address address[2];
	uint16_t port[2];
	struct jbr_tcp_conn *conn;
};

struct reference {
	const struct jbr_config *config;
	struct jbr_packet_options options;
	struct jbr_counters counters;
	struct reference_flow **buckets;
	uint64_t mask;
	uint64_t digest; /**< of the records */
	const char *problem;
};

/** Settle, judge and end what is due for @p flow at @p now_ns.
 * @return true: it ended, the caller forgets it. */
bool reference_run_timers(struct reference *reference, struct reference_flow *flow,
	uint64_t now_ns);
/** Count and record the end of @p flow. */
void reference_end(struct reference *reference, struct reference_flow *flow,
	enum jbr_end_reason reason, uint64_t order_ns);
