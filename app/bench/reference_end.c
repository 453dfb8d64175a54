/* SPDX-License-Identifier: BSD-3-Clause */
/* Timers, the end and the record of a connection, by docs/architecture.md and not by lifecycle_dp.c. */
#include "digest.h"
#include "jbr_detect.h"
#include "reference_private.h"

enum { HALF_OPEN_S = 30 };

static uint64_t
idle_limit_s(const struct jbr_config *config, enum jbr_tcp_state state)
{
	if (state == JBR_TCP_STATE_SYN_RECEIVED || state == JBR_TCP_STATE_CROSSED)
		return config->timeout_half_open_s;
	if (state == JBR_TCP_STATE_ESTABLISHED)
		return config->timeout_established_s;
	if (state == JBR_TCP_STATE_MIDSTREAM)
		return config->timeout_midstream_s;
	if (state == JBR_TCP_STATE_TIME_WAIT)
		return config->timeout_time_wait_s;
	if (state == JBR_TCP_STATE_RESET)
		return config->timeout_reset_s;
	if (state >= JBR_TCP_STATE_FIN_O && state <= JBR_TCP_STATE_FIN_BOTH_R_ACKED)
		return config->timeout_closing_s;
	return config->timeout_syn_sent_s;
}

static uint32_t
kept_resets(const struct jbr_tcp_conn *conn)
{
	return conn->has_ext ? jbr_min_u32(conn->ext.resets_count, JBR_TCP_RESETS_MAX) : 0;
}

static void
settle(struct reference *reference, struct jbr_tcp_conn *conn, uint64_t now_ns)
{
	for (uint32_t i = 0; i < kept_resets(conn); i++) {
		struct jbr_tcp_reset *reset = &conn->ext.resets[i];
		uint64_t due = reset->time_ns + JBR_DETECT_RESET_SETTLE_S * JBR_NS_PER_S;

		if (reset->is_settled || due > now_ns)
			continue;
		reset->is_settled = true;
		reference->counters.resets_pending--;
		reference->counters.resets[reset->cause]++;
	}
}

bool
reference_run_timers(struct reference *reference, struct reference_flow *flow, uint64_t now_ns)
{
	struct jbr_tcp_conn *conn = flow->conn;
	enum jbr_tcp_state state = (enum jbr_tcp_state)conn->hot.state;
	uint64_t idle = conn->hot.last_ns + idle_limit_s(reference->config, state) * JBR_NS_PER_S;
	uint64_t until = jbr_min_u64(now_ns, idle);

	settle(reference, conn, until);
	if (state == JBR_TCP_STATE_SYN_RECEIVED && conn->cold.synack_ns != 0 &&
		conn->cold.synack_ns + HALF_OPEN_S * JBR_NS_PER_S <= until)
		conn->hot.flags |= JBR_TCP_HALF_OPEN;
	if (idle > now_ns)
		return false;
	reference_end(reference, flow, JBR_END_TIMEOUT, idle);
	return true;
}

/* ---- the record ---- */

static void
write_end(const union jbr_address *address, uint8_t ip_version, uint8_t *ret_bytes)
{
	if (ip_version == 4)
		memcpy(ret_bytes, address->bytes + 12, 4);
	else
		memcpy(ret_bytes, address->bytes, 16);
}

static void
write_tuple(const struct reference_flow *flow, struct jbr_event_tuple *tuple)
{
	tuple->ip_version = jbr_address_is_ipv4(&flow->address[0]) ? 4 : 6;
	write_end(&flow->address[0], tuple->ip_version, tuple->src);
	write_end(&flow->address[1], tuple->ip_version, tuple->dst);
	tuple->src_port = flow->port[0];
	tuple->dst_port = flow->port[1];
	tuple->vlan[0] = flow->conn->cold.vlan[0];
	tuple->vlan[1] = flow->conn->cold.vlan[1];
	tuple->tunnel = flow->conn->cold.tunnel;
}

static void
write_times(const struct jbr_tcp_conn *conn, struct jbr_flow_record *record)
{
	const struct jbr_tcp_cold *cold = &conn->cold;
	uint64_t answered_ns = jbr_max_u64(cold->synack_ns, cold->synack_last_ns);

	record->start_ns = cold->first_ns;
	record->end_ns = conn->hot.last_ns;
	record->first_packet = cold->first_number;
	record->last_packet = conn->hot.last_number;
	if (cold->syn_ns != 0 && cold->synack_ns > cold->syn_ns)
		record->rtt_server_ns = cold->synack_ns - cold->syn_ns;
	if (cold->synack_ns != 0 && cold->final_ns > answered_ns)
		record->rtt_client_ns = cold->final_ns - answered_ns;
}

static void
write_reset(const struct jbr_tcp_reset *reset, struct jbr_reset_record *record)
{
	*record = (struct jbr_reset_record){.packet = reset->number,
		.time_ns = reset->time_ns,
		.seq = reset->seq,
		.ack = reset->ack,
		.expected = reset->expected,
		.window_end = reset->window_end,
		.flags = reset->flags,
		.window = reset->window,
		.payload_length = reset->payload_length,
		.evidence = reset->evidence,
		.ttl = reset->ttl,
		.ttl_usual = reset->ttl_usual,
		.by = reset->by,
		.cause = reset->cause,
		.is_expected_known = reset->is_expected_known};
}

static void
write_disturbance(const struct jbr_tcp_conn *conn, struct jbr_flow_record *record)
{
	const struct jbr_tcp_ext *ext = &conn->ext;

	if (!conn->has_ext)
		return;
	for (unsigned side = 0; side < JBR_SIDES; side++) {
		record->retransmitted[side] = ext->retransmitted[side];
		record->missing[side] = ext->missing[side];
		record->zero_window_ns[side] = ext->zero_window_ns[side];
		if (ext->zero_since_ns[side] != 0)
			record->zero_window_ns[side] += conn->hot.last_ns -
				ext->zero_since_ns[side];
	}
	record->resets_count = ext->resets_count;
	for (uint32_t i = 0; i < kept_resets(conn); i++)
		write_reset(&ext->resets[i], &record->resets[i]);
}

static void
write_counts(const struct jbr_tcp_conn *conn, struct jbr_flow_record *record)
{
	for (unsigned side = 0; side < JBR_SIDES; side++) {
		record->packets[side] = conn->hot.packets[side];
		record->bytes[side] = jbr_tcp_bytes(&conn->hot, &conn->cold, side);
		record->payload[side] = jbr_tcp_payload(&conn->hot, &conn->cold, side);
		record->mss[side] = conn->cold.mss[side];
		record->wscale[side] = conn->hot.scale[side];
	}
	memcpy(record->anomalies, conn->cold.anomalies, sizeof(record->anomalies));
	memcpy(record->history, conn->cold.history, conn->cold.history_length);
	record->state = conn->hot.state;
}

void
reference_end(struct reference *reference, struct reference_flow *flow, enum jbr_end_reason reason,
	uint64_t order_ns)
{
	struct jbr_counters *counters = &reference->counters;
	struct jbr_tcp_conn *conn = flow->conn;
	const uint32_t *packets = conn->hot.packets;
	struct jbr_flow_record record = {0};
	bool is_only_rst = conn->hot.flags & JBR_TCP_ONLY_RST;
	bool is_midstream = !(conn->hot.flags & (JBR_TCP_SAW_SYN | JBR_TCP_SAW_SYNACK));
	bool is_one_way = (packets[0] == 0 || packets[1] == 0) && !is_only_rst &&
		conn->hot.state != JBR_TCP_STATE_SYN_SENT &&
		conn->hot.state != JBR_TCP_STATE_SYNACK_ONLY;
	bool has_ended = reason == JBR_END_TIMEOUT || reason == JBR_END_REUSE;

	settle(reference, conn, UINT64_MAX);
	write_tuple(flow, &record.tuple);
	write_times(conn, &record);
	write_counts(conn, &record);
	write_disturbance(conn, &record);
	record.trust = conn->cold.trust;
	record.trust |= is_one_way ? JBR_TRUST_ONE_WAY : 0;
	record.trust |= is_midstream ? JBR_TRUST_MIDSTREAM : 0;
	conn->cold.trust |= is_midstream ? JBR_TRUST_MIDSTREAM : 0;
	record.conn_state = (uint8_t)jbr_zeek_conn_state(conn);
	record.outcome = (uint8_t)jbr_tcp_outcome(conn, has_ended);
	record.end_reason = (uint8_t)reason;
	record.order_ns = order_ns;
	counters->connections++;
	counters->conn_states[record.conn_state]++;
	counters->outcomes[record.outcome]++;
	counters->midstream += is_midstream && !is_only_rst;
	counters->one_way += is_one_way;
	reference->digest += digest_record(&record);
}
