/* SPDX-License-Identifier: BSD-3-Clause */
/* Timers of a connection and its end. Each timer is judged by the time it is due, not by the time at
 * which somebody looks. */
#include "pipeline.h"

enum { HALF_OPEN_S = 30 };

static uint64_t
idle_limit_s(const struct jbr_config *config, struct jbr_flow flow)
{
	switch ((enum jbr_tcp_state)flow.line->hot.state) {
	case JBR_TCP_STATE_INVALID:
	case JBR_TCP_STATE_NEW:
	case JBR_TCP_STATE_COUNT:
	case JBR_TCP_STATE_SYN_SENT:
	case JBR_TCP_STATE_SYNACK_ONLY:
		return config->timeout_syn_sent_s;
	case JBR_TCP_STATE_SYN_RECEIVED:
	case JBR_TCP_STATE_CROSSED:
		return config->timeout_half_open_s;
	case JBR_TCP_STATE_ESTABLISHED:
		return config->timeout_established_s;
	case JBR_TCP_STATE_MIDSTREAM:
		return config->timeout_midstream_s;
	case JBR_TCP_STATE_FIN_O:
	case JBR_TCP_STATE_FIN_O_ACKED:
	case JBR_TCP_STATE_FIN_R:
	case JBR_TCP_STATE_FIN_R_ACKED:
	case JBR_TCP_STATE_FIN_BOTH:
	case JBR_TCP_STATE_FIN_BOTH_O_ACKED:
	case JBR_TCP_STATE_FIN_BOTH_R_ACKED:
		return config->timeout_closing_s;
	case JBR_TCP_STATE_TIME_WAIT:
		return config->timeout_time_wait_s;
	case JBR_TCP_STATE_RESET:
		return config->timeout_reset_s;
	}
	return config->timeout_syn_sent_s;
}

static uint64_t
idle_deadline(const struct jbr_config *config, struct jbr_flow flow)
{
	return flow.line->hot.last_ns + idle_limit_s(config, flow) * JBR_NS_PER_S;
}

static bool
awaits_half_open(struct jbr_flow flow)
{
	return flow.line->hot.state == JBR_TCP_STATE_SYN_RECEIVED &&
		flow.rest->cold.synack_ns != 0 && !(flow.line->hot.flags & JBR_TCP_HALF_OPEN);
}

static uint32_t
kept_resets(const struct jbr_tcp_ext *ext)
{
	return ext == NULL ? 0 : jbr_min_u32(ext->resets_count, JBR_TCP_RESETS_MAX);
}

uint64_t
lifecycle_deadline(const struct worker *worker, struct jbr_flow flow, const struct jbr_tcp_ext *ext)
{
	uint64_t deadline = idle_deadline(worker->config, flow);

	if (awaits_half_open(flow))
		deadline = jbr_min_u64(deadline,
			flow.rest->cold.synack_ns + HALF_OPEN_S * JBR_NS_PER_S);
	for (uint32_t i = 0; i < kept_resets(ext); i++)
		if (!ext->resets[i].is_settled)
			deadline = jbr_min_u64(deadline,
				ext->resets[i].time_ns + JBR_DETECT_RESET_SETTLE_S * JBR_NS_PER_S);
	return deadline;
}

static void
settle_resets(struct worker *worker, struct jbr_tcp_ext *ext, uint64_t now_ns)
{
	for (uint32_t i = 0; i < kept_resets(ext); i++) {
		struct jbr_tcp_reset *reset = &ext->resets[i];

		if (reset->is_settled ||
			reset->time_ns + JBR_DETECT_RESET_SETTLE_S * JBR_NS_PER_S > now_ns)
			continue;
		reset->is_settled = true;
		worker->counters.resets_pending--;
		worker->counters.resets[reset->cause]++;
	}
}

struct jbr_flow
lifecycle_run(struct worker *worker, struct jbr_flow_shard *shard, struct jbr_flow flow,
	uint64_t now_ns)
{
	uint64_t idle = idle_deadline(worker->config, flow);
	uint64_t until = jbr_min_u64(now_ns, idle);

	settle_resets(worker, jbr_flow_ext(shard, flow), until);
	if (awaits_half_open(flow) &&
		flow.rest->cold.synack_ns + HALF_OPEN_S * JBR_NS_PER_S <= until)
		flow.line->hot.flags |= JBR_TCP_HALF_OPEN;
	if (idle <= now_ns) {
		lifecycle_end(worker, shard, flow, JBR_END_TIMEOUT, idle);
		return (struct jbr_flow){0};
	}
	/* the armed deadline may lie in the past: it must be taken out before it is set later */
	jbr_flow_rearm(shard, flow, lifecycle_deadline(worker, flow, jbr_flow_ext(shard, flow)));
	return flow;
}

/* ---- the end ---- */

static bool
is_one_way(struct jbr_flow flow)
{
	bool is_silent = flow.line->hot.packets[0] == 0 || flow.line->hot.packets[1] == 0;

	return is_silent && flow.line->hot.state != JBR_TCP_STATE_SYN_SENT &&
		flow.line->hot.state != JBR_TCP_STATE_SYNACK_ONLY &&
		!(flow.line->hot.flags & JBR_TCP_ONLY_RST);
}

static bool
is_midstream(struct jbr_flow flow)
{
	return (flow.line->hot.flags & (JBR_TCP_SAW_SYN | JBR_TCP_SAW_SYNACK)) == 0;
}

static void
record_tuple(struct jbr_flow flow, struct jbr_event_tuple *tuple)
{
	unsigned originator = jbr_flow_originator(flow);
	const union jbr_address *src = &flow.rest->key.address[originator];
	const union jbr_address *dst = &flow.rest->key.address[originator ^ 1];
	bool is_ipv4 = jbr_address_is_ipv4(src) && jbr_address_is_ipv4(dst);

	memset(tuple, 0, sizeof(*tuple));
	tuple->ip_version = is_ipv4 ? 4 : 6;
	memcpy(tuple->src, src->bytes + (is_ipv4 ? 12 : 0), is_ipv4 ? 4 : 16);
	memcpy(tuple->dst, dst->bytes + (is_ipv4 ? 12 : 0), is_ipv4 ? 4 : 16);
	tuple->src_port = flow.rest->key.port[originator];
	tuple->dst_port = flow.rest->key.port[originator ^ 1];
	tuple->vlan[0] = flow.rest->cold.vlan[0];
	tuple->vlan[1] = flow.rest->cold.vlan[1];
	tuple->tunnel = flow.rest->cold.tunnel;
}

static void
record_reset(const struct jbr_tcp_reset *from, struct jbr_reset_record *to)
{
	memset(to, 0, sizeof(*to));
	to->packet = from->number;
	to->time_ns = from->time_ns;
	to->seq = from->seq;
	to->ack = from->ack;
	to->expected = from->expected;
	to->window_end = from->window_end;
	to->flags = from->flags;
	to->window = from->window;
	to->payload_length = from->payload_length;
	to->evidence = from->evidence;
	to->ttl = from->ttl;
	to->ttl_usual = from->ttl_usual;
	to->by = from->by;
	to->cause = from->cause;
	to->is_expected_known = from->is_expected_known;
}

static void
record_extension(struct jbr_flow flow, const struct jbr_tcp_ext *ext,
	struct jbr_flow_record *record)
{
	for (unsigned side = 0; side < JBR_SIDES; side++) {
		record->retransmitted[side] = ext->retransmitted[side];
		record->missing[side] = ext->missing[side];
		record->zero_window_ns[side] = ext->zero_window_ns[side];
		if (ext->zero_since_ns[side] != 0)
			record->zero_window_ns[side] += flow.line->hot.last_ns -
				ext->zero_since_ns[side];
	}
	record->resets_count = ext->resets_count;
	for (uint32_t i = 0; i < kept_resets(ext); i++)
		record_reset(&ext->resets[i], &record->resets[i]);
}

static void
record_times(struct jbr_flow flow, struct jbr_flow_record *record)
{
	const struct jbr_tcp_cold *cold = &flow.rest->cold;

	record->start_ns = cold->first_ns;
	record->end_ns = flow.line->hot.last_ns;
	record->first_packet = cold->first_number;
	record->last_packet = flow.line->hot.last_number;
	if (cold->syn_ns != 0 && cold->synack_ns > cold->syn_ns)
		record->rtt_server_ns = cold->synack_ns - cold->syn_ns;
	if (cold->synack_ns != 0 &&
		cold->final_ns > jbr_max_u64(cold->synack_ns, cold->synack_last_ns))
		record->rtt_client_ns = cold->final_ns -
			jbr_max_u64(cold->synack_ns, cold->synack_last_ns);
}

static void
record_flow(struct jbr_flow flow, const struct jbr_tcp_ext *ext, struct jbr_flow_record *record)
{
	const struct jbr_tcp_cold *cold = &flow.rest->cold;

	memset(record, 0, sizeof(*record));
	record_tuple(flow, &record->tuple);
	record->flow_id = output_flow_id(flow);
	record_times(flow, record);
	for (unsigned side = 0; side < JBR_SIDES; side++) {
		record->packets[side] = flow.line->hot.packets[side];
		record->bytes[side] = jbr_tcp_bytes(&flow.line->hot, cold, side);
		record->payload[side] = jbr_tcp_payload(&flow.line->hot, cold, side);
		record->mss[side] = cold->mss[side];
		record->wscale[side] = flow.line->hot.scale[side];
	}
	if (ext != NULL)
		record_extension(flow, ext, record);
	memcpy(record->anomalies, cold->anomalies, sizeof(record->anomalies));
	record->trust = cold->trust;
	if (is_one_way(flow))
		record->trust |= JBR_TRUST_ONE_WAY;
	if (is_midstream(flow))
		record->trust |= JBR_TRUST_MIDSTREAM;
	record->state = flow.line->hot.state;
	memcpy(record->history, cold->history, cold->history_length);
}

/* Is the record wanted by output.flow_log? */
static bool
is_record_wanted(const struct worker *worker, struct jbr_flow flow, enum jbr_outcome outcome)
{
	if (!worker->wants_records || worker->config->output_flow_log == JBR_VALUE_flow_log_OFF)
		return false;
	if (worker->config->output_flow_log == JBR_VALUE_flow_log_ALL)
		return true;
	if (outcome != JBR_OUTCOME_SF && outcome != JBR_OUTCOME_S1)
		return true;
	for (unsigned i = 0; i < JBR_COUNT_OF(flow.rest->cold.anomalies); i++)
		if (flow.rest->cold.anomalies[i] != 0)
			return true;
	return false;
}

/* How a connection ended. */
struct ending {
	enum jbr_outcome state;
	enum jbr_outcome outcome;
	enum jbr_end_reason reason;
	uint64_t order_ns;
};

static void
count_end(struct jbr_counters *counters, const struct ending *ending)
{
	counters->connections++;
	counters->conn_states[ending->state]++;
	counters->outcomes[ending->outcome]++;
}

static void
tell_end(struct worker *worker, struct jbr_flow flow, const struct jbr_tcp_ext *ext,
	const struct ending *ending)
{
	struct jbr_flow_record *record;

	if (!is_record_wanted(worker, flow, ending->outcome))
		return;
	record = &worker->output.records[worker->output.nb_records++];
	record_flow(flow, ext, record);
	record->conn_state = (uint8_t)ending->state;
	record->outcome = (uint8_t)ending->outcome;
	record->end_reason = (uint8_t)ending->reason;
	record->order_ns = ending->order_ns;
}

void
lifecycle_end(struct worker *worker, struct jbr_flow_shard *shard, struct jbr_flow flow,
	enum jbr_end_reason reason, uint64_t order_ns)
{
	struct jbr_tcp_ext *ext = jbr_flow_ext(shard, flow);
	struct jbr_tcp_conn *conn = &worker->before;
	struct ending ending = {.reason = reason, .order_ns = order_ns};

	settle_resets(worker, ext, UINT64_MAX);
	conn->hot = flow.line->hot;
	conn->cold = flow.rest->cold;
	conn->has_ext = ext != NULL;
	if (ext != NULL)
		conn->ext = *ext;
	if (is_midstream(flow))
		conn->cold.trust |= JBR_TRUST_MIDSTREAM;
	if (reason == JBR_END_EVICTED && flow.line->hot.state < JBR_TCP_STATE_TIME_WAIT)
		conn->hot.flags |= JBR_TCP_CUT_SHORT;
	ending.state = jbr_zeek_conn_state(conn);
	ending.outcome = jbr_tcp_outcome(conn,
		reason == JBR_END_TIMEOUT || reason == JBR_END_REUSE);
	count_end(&worker->counters, &ending);
	worker->counters.midstream += is_midstream(flow) &&
		!(flow.line->hot.flags & JBR_TCP_ONLY_RST);
	worker->counters.one_way += is_one_way(flow);
	tell_end(worker, flow, ext, &ending);
	jbr_flow_remove(shard, flow);
}

/* What is there to say of a lone SYN is known; the record is made only where somebody wants to have it. */
void
lifecycle_end_embryo(struct worker *worker, struct jbr_flow_shard *shard,
	struct jbr_flow_embryo *embryo, enum jbr_end_reason reason, uint64_t order_ns)
{
	struct ending ending = {.state = JBR_OUTCOME_S0,
		.outcome = reason == JBR_END_EVICTED ? JBR_OUTCOME_LIM : JBR_OUTCOME_S0,
		.reason = reason,
		.order_ns = order_ns};

	count_end(&worker->counters, &ending);
	if (worker->wants_records) {
		struct jbr_flow flow = {&worker->spare_line, &worker->spare_rest};
		struct jbr_tcp_syn syn;

		jbr_flow_unfold(shard, embryo, flow);
		jbr_flow_embryo_syn(shard, embryo, &syn);
		jbr_tcp_open(&syn, &flow.line->hot, &flow.rest->cold);
		tell_end(worker, flow, NULL, &ending);
	}
	if (reason == JBR_END_EVICTED)
		jbr_flow_drop_embryo(shard, embryo);
	else
		jbr_flow_remove_embryo(shard, embryo);
}

uint64_t
lifecycle_embryo_deadline(const struct worker *worker, const struct jbr_flow_embryo *embryo)
{
	return embryo->time_ns + worker->config->timeout_syn_sent_s * JBR_NS_PER_S;
}

/* ---- all connections of a worker ---- */

/* @return false: there is no more room for what is to be told */
static bool
expire_embryos(struct worker *worker, struct jbr_flow_shard *shard, uint64_t now_ns)
{
	uint64_t timeout_ns = worker->config->timeout_syn_sent_s * JBR_NS_PER_S;
	struct jbr_flow_embryo *embryo;

	if (now_ns < timeout_ns)
		return true;
	while ((embryo = jbr_flow_due_embryo(shard, now_ns - timeout_ns)) != NULL) {
		lifecycle_end_embryo(worker, shard, embryo, JBR_END_TIMEOUT,
			lifecycle_embryo_deadline(worker, embryo));
		if (worker_is_nearly_full(worker, 1))
			return false;
	}
	return true;
}

bool
pipeline_expire(struct worker *worker, uint64_t now_ns)
{
	for (unsigned i = worker->index; i < JBR_FLOW_SHARDS; i += worker->workers) {
		struct jbr_flow_shard *shard = worker->shards[i];
		struct jbr_flow flow;

		while ((flow = jbr_flow_due(shard, now_ns)).line != NULL) {
			lifecycle_run(worker, shard, flow, now_ns);
			if (worker_is_nearly_full(worker, 1))
				return false;
		}
		if (!expire_embryos(worker, shard, now_ns))
			return false;
	}
	return true;
}

bool
pipeline_finish(struct worker *worker, uint64_t now_ns)
{
	for (unsigned i = worker->index; i < JBR_FLOW_SHARDS; i += worker->workers) {
		struct jbr_flow_shard *shard = worker->shards[i];
		struct jbr_flow_embryo *embryo;
		struct jbr_flow flow;

		while ((flow = jbr_flow_any(shard)).line != NULL) {
			lifecycle_end(worker, shard, flow, JBR_END_CAPTURE, now_ns);
			if (worker_is_nearly_full(worker, 1))
				return false;
		}
		while ((embryo = jbr_flow_any_embryo(shard)) != NULL) {
			lifecycle_end_embryo(worker, shard, embryo, JBR_END_CAPTURE, now_ns);
			if (worker_is_nearly_full(worker, 1))
				return false;
		}
	}
	return true;
}
