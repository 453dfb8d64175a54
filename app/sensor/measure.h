/* SPDX-License-Identifier: BSD-3-Clause */
/** @file measure.h
 * Times by which the service behind a connection is judged: the handshake, and the wait for an answer.
 * A part of pipeline_dp.c, on its own for length.
 *
 * Threads: a worker's.
 */
#pragma once
#include "pipeline.h"

/** When the originator spoke last, and was not answered since; 0 = it was, or has not spoken. */
static inline uint64_t
measure_asked_ns(const struct jbr_tcp_hot *hot)
{
	bool is_open = (hot->flags & (JBR_TCP_HAD_DATA_O | JBR_TCP_LAST_DATA_R)) ==
		JBR_TCP_HAD_DATA_O;

	return is_open ? hot->data_ns : 0;
}

/** Note what the step of worker->conn, which is not committed to @p flow yet, has ended. */
static inline void
measure_step(struct worker *worker, struct jbr_flow flow, const struct jbr_tcp_input *input)
{
	const struct jbr_tcp_conn *after = &worker->conn;
	const struct jbr_tcp_cold *cold = &after->cold;
	uint64_t asked_ns = measure_asked_ns(&flow.line->hot);

	if (asked_ns != 0 && (after->hot.flags & JBR_TCP_LAST_DATA_R) && input->now_ns >= asked_ns)
		jbr_histogram_add(&worker->server_response, input->now_ns - asked_ns);
	/* one that was sent twice does not say which was answered (Karn and Partridge, 1987) */
	if (flow.rest->cold.final_ns == 0 && cold->final_ns > cold->syn_ns && cold->syn_ns != 0 &&
		cold->syn_count == 1 && cold->synack_ns == cold->synack_last_ns)
		jbr_histogram_add(&worker->handshake_rtt, cold->final_ns - cold->syn_ns);
}
