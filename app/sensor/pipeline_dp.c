/* SPDX-License-Identifier: BSD-3-Clause */
/* A packet's way, in reading order: parse, find its connection, step, detect, verdict, commit. */
#include "pipeline.h"

/* ---- 1. parse, count, locate ---- */

static bool
is_mine(const struct worker *worker, uint64_t number)
{
	return !worker->sees_all || number % worker->workers == worker->index;
}

/* Another worker's frame: who drives this one may hand it on. */
static void
pass_over(struct worker *worker, unsigned at, unsigned shard)
{
	worker->foreign[worker->nb_foreign] = (uint8_t)at;
	worker->foreign_to[worker->nb_foreign] = (uint8_t)(shard % worker->workers);
	worker->nb_foreign++;
}

static void
count_anomaly(struct worker *worker, const struct jbr_frame *frame, const struct jbr_packet *packet,
	const struct jbr_flow *flow, enum jbr_anomaly anomaly)
{
	if (!worker->config->anomaly_enabled[anomaly])
		return;
	worker->counters.anomalies[anomaly]++;
	output_finding(worker, frame, packet, flow, anomaly);
}

static void
count_packet(struct worker *worker, const struct jbr_frame *frame, const struct jbr_packet *packet)
{
	worker->counters.received++;
	worker->counters.received_bytes += frame->wire;
	for (unsigned i = 0; i < packet->findings_count; i++)
		count_anomaly(worker, frame, packet, NULL, (enum jbr_anomaly)packet->findings[i]);
}

static void
count_control(struct jbr_counters *counters, unsigned flags)
{
	if (flags & JBR_TCP_SYN)
		counters->segments[flags & JBR_TCP_ACK ? JBR_SEGMENT_SYNACK : JBR_SEGMENT_SYN]++;
	counters->segments[JBR_SEGMENT_FIN] += (flags & JBR_TCP_FIN) != 0;
	counters->segments[JBR_SEGMENT_RST] += (flags & JBR_TCP_RST) != 0;
	counters->segments[JBR_SEGMENT_URG] += (flags & JBR_TCP_URG) != 0;
}

static void
count_segment(struct jbr_counters *counters, const struct jbr_packet *packet)
{
	const unsigned control = JBR_TCP_SYN | JBR_TCP_FIN | JBR_TCP_RST;
	const unsigned tunnels = JBR_LAYER_GRE | JBR_LAYER_ERSPAN | JBR_LAYER_IP_IN_IP |
		JBR_LAYER_VXLAN | JBR_LAYER_GENEVE | JBR_LAYER_GTPU | JBR_LAYER_TEREDO;
	unsigned flags = packet->flags;

	counters->tcp++;
	counters->segments[JBR_SEGMENT_DATA] += packet->payload_length > 0;
	if (flags & (control | JBR_TCP_URG))
		count_control(counters, flags);
	if ((flags & (control | JBR_TCP_ACK)) == JBR_TCP_ACK) {
		counters->segments[JBR_SEGMENT_ZERO_WINDOW] += packet->window == 0;
		counters->segments[JBR_SEGMENT_PURE_ACK] += packet->payload_length == 0;
	}
	if (packet->ip_version == 6)
		counters->segments[JBR_SEGMENT_IPV6]++;
	if (packet->checksum == JBR_CHECKSUM_BAD)
		counters->segments[JBR_SEGMENT_BAD_CHECKSUM]++;
	if (packet->layers & tunnels)
		counters->segments[JBR_SEGMENT_TUNNELLED]++;
}

/* Does the frame at @p at, which was located, belong to this worker? Then its bucket is fetched. */
static inline bool
is_owned(struct worker *worker, unsigned at)
{
	const struct jbr_flow_probe *probe = &worker->probes[at];

	if (!worker->owns[probe->shard]) {
		pass_over(worker, at, probe->shard);
		return false;
	}
	jbr_flow_prefetch(worker->shards[probe->shard], probe);
	return true;
}

/* Nearly every frame needs no more than a glance.
 * @return it is located */
static inline __attribute__((flatten)) bool
glance(struct worker *worker, const struct jbr_frame *frame, unsigned at)
{
	struct jbr_glance *seen = &worker->glances[at];

	if (!jbr_packet_glance(frame, &worker->packet_options, seen) ||
		!jbr_detect_is_quiet(&worker->config->params, seen))
		return false;
	jbr_flow_locate_glance(worker->table, seen, &worker->probes[at]);
	return true;
}

/* Any other is read whole, and counted.
 * @return it goes on to a connection of this worker */
static bool
receive(struct worker *worker, const struct jbr_frame *frame, unsigned at)
{
	struct jbr_packet *packet = &worker->packets[at];

	jbr_packet_parse(frame, &worker->packet_options, packet);
	if (packet->kind != JBR_PACKET_TCP) {
		if (is_mine(worker, frame->number)) {
			count_packet(worker, frame, packet);
			worker->counters.not_analysed[packet->reason]++;
		}
		if (packet->kind != JBR_PACKET_ICMP_QUOTE)
			return false;
	}
	jbr_flow_locate(worker->table, packet, &worker->probes[at]);
	if (!is_owned(worker, at))
		return false;
	if (packet->kind != JBR_PACKET_TCP)
		return true;
	jbr_detect_flags(&worker->config->params, packet);
	count_packet(worker, frame, packet);
	count_segment(&worker->counters, packet);
	return true;
}

/* ---- 2. the connection the packet belongs to ---- */

/* An ICMP error that quotes the SYN rejects the connection, if it quotes it rightly (RFC 5927 4). */
static void
reject_by_icmp(const struct jbr_packet *packet, const struct jbr_flow_probe *probe,
	struct jbr_flow *flow)
{
	bool is_unreachable = (packet->ip_version == 4 && packet->icmp_type == 3 &&
				      packet->icmp_code != 4) ||
		(packet->ip_version == 6 && packet->icmp_type == 1);

	if (is_unreachable && flow->hot.state == JBR_TCP_STATE_SYN_SENT &&
		probe->sender == jbr_flow_originator(flow) && packet->seq == flow->cold.isn[0])
		flow->hot.flags |= JBR_TCP_ICMP_REJECTED;
}

static void
begin(struct worker *worker, struct jbr_flow_shard *shard, struct jbr_flow *flow,
	const struct jbr_tcp_input *input)
{
	worker->conn.hot.place = flow->hot.place;
	jbr_tcp_begin(&worker->conn, input);
	flow->hot = worker->conn.hot;
	flow->cold = worker->conn.cold;
	jbr_flow_arm(shard, flow, lifecycle_deadline(worker, flow, NULL));
}

static struct jbr_flow *
open_flow(struct worker *worker, struct jbr_flow_shard *shard, const struct jbr_flow_probe *probe,
	struct jbr_tcp_input *input)
{
	struct jbr_flow *flow;

	if (jbr_flow_is_full(shard)) {
		struct jbr_flow *victim = jbr_flow_victim(shard);

		worker->counters.evictions++;
		lifecycle_end(worker, shard, victim, JBR_END_EVICTED, input->now_ns);
	}
	flow = jbr_flow_insert(shard, probe);
	input->from = 0;
	begin(worker, shard, flow, input);
	return flow;
}

/* A SYN opens the tuple anew. The old numbers are remembered: a late SYN-ACK may answer them. */
static struct jbr_flow *
reopen_flow(struct worker *worker, struct jbr_flow_shard *shard, const struct jbr_flow_probe *probe,
	struct jbr_flow *old, struct jbr_tcp_input *input)
{
	bool was_unanswered = old->hot.state == JBR_TCP_STATE_SYN_SENT;
	uint32_t isn = old->cold.isn[0];
	uint32_t older = old->cold.old_isn[0];
	uint8_t count = old->cold.old_isn_count;
	struct jbr_flow *flow;

	lifecycle_end(worker, shard, old, JBR_END_REUSE, input->now_ns);
	flow = open_flow(worker, shard, probe, input);
	if (was_unanswered) {
		flow->cold.old_isn[0] = isn;
		flow->cold.old_isn[1] = older;
		flow->cold.old_isn_count = count < 2 ? (uint8_t)(count + 1) : 2;
	}
	return flow;
}

/* The SYN inside an established connection was answered: it had opened the tuple anew. */
static struct jbr_flow *
split_flow(struct worker *worker, struct jbr_flow_shard *shard, const struct jbr_flow_probe *probe,
	struct jbr_flow *old, struct jbr_tcp_input *input)
{
	const struct jbr_tcp_ext *ext = jbr_flow_ext(shard, old);
	struct jbr_packet syn = {0};
	struct jbr_tcp_input first = {.packet = &syn};
	struct jbr_flow_probe syn_probe = *probe;
	struct jbr_tcp_result result;
	struct jbr_flow *flow;

	syn.flags = JBR_TCP_SYN;
	syn.seq = ext->candidate_isn;
	syn.ip_version = input->packet->ip_version;
	syn.window = UINT16_MAX;
	syn.src_port = probe->key.port[probe->sender ^ 1];
	syn.dst_port = probe->key.port[probe->sender];
	first.now_ns = ext->candidate_ns;
	first.number = ext->candidate_number;
	syn_probe.sender ^= 1;
	old->hot.packets[ext->candidate_side]--; /* the SYN belongs to the new one */
	lifecycle_end(worker, shard, old, JBR_END_REUSE, input->now_ns);
	flow = open_flow(worker, shard, &syn_probe, &first);
	worker->conn.hot = flow->hot;
	worker->conn.cold = flow->cold;
	worker->conn.has_ext = false;
	jbr_tcp_step(&worker->conn, &first, &result);
	flow->hot = worker->conn.hot;
	flow->cold = worker->conn.cold;
	input->from = 1;
	return flow;
}

/* ---- 3. verdict and commit ---- */

static void
commit(struct worker *worker, struct jbr_flow_shard *shard, struct jbr_flow *flow)
{
	struct jbr_tcp_ext *ext;

	flow->hot = worker->conn.hot;
	flow->cold = worker->conn.cold;
	if (!worker->conn.has_ext)
		return;
	ext = jbr_flow_ext_get(shard, flow);
	if (ext != NULL)
		*ext = worker->conn.ext;
	else
		flow->hot.flags |= JBR_TCP_CUT_SHORT;
}

static void
load(struct worker *worker, struct jbr_flow_shard *shard, const struct jbr_flow *flow)
{
	const struct jbr_tcp_ext *ext = jbr_flow_ext(shard, flow);

	worker->conn.hot = flow->hot;
	worker->conn.cold = flow->cold;
	worker->conn.has_ext = ext != NULL;
	if (ext != NULL)
		worker->conn.ext = *ext;
}

/* ---- 4. resets ---- */

/* A RST's cause stays open for 5 s, if there is a place to keep it. */
static void
judge_reset(struct worker *worker, struct jbr_flow_shard *shard, struct jbr_flow *flow,
	const struct jbr_tcp_input *input, const struct jbr_tcp_result *result)
{
	struct jbr_tcp_conn *conn = &worker->conn;
	struct jbr_tcp_reset reset;
	struct jbr_tcp_ext *ext;

	jbr_detect_reset(&worker->before, input, result, &reset);
	ext = jbr_tcp_extend(conn);
	jbr_detect_reset_compare(conn, input, &reset);
	if (ext->resets_count >= JBR_TCP_RESETS_MAX || jbr_flow_ext_get(shard, flow) == NULL) {
		worker->counters.resets[reset.cause]++;
	} else {
		ext->resets[ext->resets_count] = reset;
		worker->counters.resets_pending++;
	}
	ext->resets_count++;
}

/* ---- 5. one segment of a connection ---- */

static void
count_findings(struct worker *worker, const struct jbr_frame *frame, const struct jbr_flow *flow,
	const struct jbr_tcp_input *input, const struct jbr_tcp_result *result)
{
	for (unsigned i = 0; i < result->findings_count; i++) {
		enum jbr_anomaly anomaly = (enum jbr_anomaly)result->findings[i];

		if (jbr_anomalies[anomaly].scope == JBR_SCOPE_FLOW &&
			!jbr_tcp_mark(&worker->conn.cold, anomaly))
			continue;
		count_anomaly(worker, frame, input->packet, flow, anomaly);
	}
}

static void
step(struct worker *worker, const struct jbr_frame *frame, struct jbr_flow_shard *shard,
	struct jbr_flow *flow, const struct jbr_tcp_input *input)
{
	bool is_reset = (input->packet->flags & JBR_TCP_RST) != 0;
	struct jbr_tcp_result result;

	load(worker, shard, flow);
	if (is_reset)
		worker->before = worker->conn;
	jbr_tcp_step(&worker->conn, input, &result);
	if (is_reset)
		judge_reset(worker, shard, flow, input, &result);
	else if (worker->conn.has_ext && worker->conn.ext.resets_count > 0)
		jbr_detect_reset_revise(&worker->conn, input, &result);
	worker->counters.acks += result.acks_new;
	worker->counters.acks_unseen += result.acks_unseen;
	count_findings(worker, frame, flow, input, &result);
	if (result.is_swapped)
		worker->conn.hot.place ^= JBR_FLOW_ORIGINATOR;
	commit(worker, shard, flow);
	jbr_flow_arm(shard, flow, lifecycle_deadline(worker, flow, jbr_flow_ext(shard, flow)));
}

static void
step_corrupt(struct worker *worker, struct jbr_flow_shard *shard, struct jbr_flow *flow,
	const struct jbr_tcp_input *input)
{
	if (input->packet->flags & JBR_TCP_RST)
		worker->counters.resets[JBR_RESET_MALFORMED]++; /* its receiver drops it */
	load(worker, shard, flow);
	jbr_tcp_step_corrupt(&worker->conn, input);
	commit(worker, shard, flow);
}

/* A tap's second copy takes no part in the analysis. @return it was one */
static bool
is_copy(struct worker *worker, const struct jbr_frame *frame, const struct jbr_flow_probe *probe,
	struct jbr_flow *flow, const struct jbr_tcp_input *input)
{
	struct jbr_flow_shard *shard = worker->shards[probe->shard];
	const struct jbr_packet *packet = input->packet;
	bool can_be = flow != NULL && jbr_tcp_is_repetition(&flow->hot, packet, input->from);
	enum jbr_copy copy = jbr_flow_check_copy(shard, probe, packet, frame, can_be);

	if (copy == JBR_COPY_NOT)
		return false;
	worker->counters.duplicate++;
	if (packet->flags & JBR_TCP_RST)
		worker->counters.resets[JBR_RESET_DUPLICATE]++;
	count_anomaly(worker, frame, packet, flow,
		copy == JBR_COPY_LOOP ? JBR_ANOM_ROUTING_LOOP : JBR_ANOM_DUPLICATE_FRAME);
	if (flow != NULL)
		flow->cold.trust |= JBR_TRUST_DUPLICATED;
	return true;
}

/* Another connection than the one that was found: a SYN or SYN-ACK may say so. */
static struct jbr_flow *
find_or_open(struct worker *worker, const struct jbr_frame *frame,
	const struct jbr_flow_probe *probe, struct jbr_flow *flow, struct jbr_tcp_input *input)
{
	struct jbr_flow_shard *shard = worker->shards[probe->shard];

	if (flow == NULL)
		return open_flow(worker, shard, probe, input);
	if (JBR_LIKELY(!(input->packet->flags & JBR_TCP_SYN)))
		return flow;
	load(worker, shard, flow);
	if (jbr_tcp_is_reuse(&worker->conn, input)) {
		if (flow->hot.state == JBR_TCP_STATE_SYN_SENT)
			count_anomaly(worker, frame, input->packet, flow, JBR_ANOM_SYN_ISN_CHANGED);
		else if (flow->hot.state >= JBR_TCP_STATE_FIN_O &&
			!jbr_tcp_is_before(flow->hot.nxt[input->from], input->packet->seq))
			count_anomaly(worker, frame, input->packet, flow,
				JBR_ANOM_SYN_TUPLE_REUSE_EARLY);
		return reopen_flow(worker, shard, probe, flow, input);
	}
	if (jbr_tcp_answers_candidate(&worker->conn, input))
		return split_flow(worker, shard, probe, flow, input);
	return flow;
}

/* The next segment in order of an undisturbed connection: nearly every packet.
 * @return it was one, and is done */
static inline bool
step_plain(struct worker *worker, const struct jbr_frame *frame, const struct jbr_glance *glance,
	const struct jbr_flow_probe *probe, struct jbr_flow *flow)
{
	struct jbr_tcp_segment segment = {.glance = glance,
		.now_ns = frame->time_ns,
		.number = frame->number,
		.from = probe->sender != jbr_flow_originator(flow)};
	bool has_payload = glance->payload_length > 0;
	struct jbr_tcp_plain plain;

	if (!jbr_tcp_step_plain(&flow->hot, &segment, &plain))
		return false;
	jbr_flow_remember(worker->shards[probe->shard], probe, glance->vlan, glance->ttl,
		frame->time_ns);
	worker->counters.acks += plain.acks_new;
	jbr_tcp_commit_plain(&flow->hot, &segment, &plain);
	if (JBR_UNLIKELY(jbr_zeek_lacks_letter(&flow->hot, has_payload, segment.from)))
		jbr_zeek_plain(&flow->hot, &flow->cold, has_payload, segment.from);
	return true;
}

/* The same of a frame that was only glanced at.
 * @return it is counted and done; false: nothing has changed */
static inline __attribute__((flatten)) bool
analyse_glance(struct worker *worker, const struct jbr_frame *frame,
	const struct jbr_glance *glance, const struct jbr_flow_probe *probe)
{
	struct jbr_counters *counters = &worker->counters;
	struct jbr_flow *flow = jbr_flow_find(worker->shards[probe->shard], probe);

	if (flow == NULL || jbr_flow_is_due(flow, frame->time_ns) ||
		!step_plain(worker, frame, glance, probe, flow))
		return false;
	counters->received++;
	counters->received_bytes += frame->wire;
	counters->tcp++;
	counters->segments[glance->payload_length > 0 ? JBR_SEGMENT_DATA : JBR_SEGMENT_PURE_ACK]++;
	if (glance->ip_version == 6)
		counters->segments[JBR_SEGMENT_IPV6]++;
	return true;
}

/* Anything else; @p flow is NULL where there is none yet. */
static void
step_any(struct worker *worker, const struct jbr_frame *frame, struct jbr_flow_shard *shard,
	const struct jbr_flow_probe *probe, struct jbr_flow *flow, struct jbr_tcp_input *input)
{
	const struct jbr_packet *packet = input->packet;

	if (flow != NULL && JBR_UNLIKELY(input->now_ns < flow->hot.last_ns)) {
		/* a connection's own time never goes back */
		flow->cold.trust |= JBR_TRUST_CLOCK;
		input->now_ns = flow->hot.last_ns;
	}
	if (is_copy(worker, frame, probe, flow, input))
		return;
	if (flow != NULL && packet->checksum == JBR_CHECKSUM_BAD &&
		!jbr_tcp_is_checksum_believed(&flow->hot, &flow->cold, input->from)) {
		step_corrupt(worker, shard, flow, input);
		return;
	}
	flow = find_or_open(worker, frame, probe, flow, input);
	step(worker, frame, shard, flow, input);
}

static void
analyse(struct worker *worker, const struct jbr_frame *frame, const struct jbr_packet *packet,
	const struct jbr_flow_probe *probe)
{
	struct jbr_flow_shard *shard = worker->shards[probe->shard];
	struct jbr_flow *flow = jbr_flow_find(shard, probe);
	struct jbr_tcp_input input = {.packet = packet,
		.now_ns = frame->time_ns,
		.number = frame->number};

	/* what was due before this packet happens before it */
	if (flow != NULL && jbr_flow_is_due(flow, frame->time_ns))
		flow = lifecycle_run(worker, shard, flow, frame->time_ns);
	if (JBR_UNLIKELY(packet->kind == JBR_PACKET_ICMP_QUOTE)) {
		if (flow != NULL)
			reject_by_icmp(packet, probe, flow);
		return;
	}
	if (flow != NULL) {
		struct jbr_glance glance;

		input.from = probe->sender != jbr_flow_originator(flow);
		if (jbr_packet_glance_of(packet, &glance) &&
			step_plain(worker, frame, &glance, probe, flow))
			return;
	}
	step_any(worker, frame, shard, probe, flow, &input);
}

/* ---- the burst ---- */

/* How many packets are on their way together: what is fetched for one arrives while the others are
 * worked on. More than the processor has places for waiting loads would only stand in line. */
enum { GROUP = 8 };

/* Read the headers of the next group and fetch what the look-ups need first.
 * @return how many go on */
static unsigned
receive_group(struct worker *worker, const struct jbr_frame *frames, unsigned count, uint8_t *todo)
{
	unsigned end = worker->at + GROUP < count ? worker->at + GROUP : count;
	unsigned nb_todo = 0;

	for (; worker->at < end; worker->at++) {
		unsigned at = worker->at;

		worker->is_glanced[at] = glance(worker, &frames[at], at);
		if (worker->is_glanced[at] ? is_owned(worker, at)
					   : receive(worker, &frames[at], at))
			todo[nb_todo++] = (uint8_t)at;
	}
	return nb_todo;
}

static void
analyse_group(struct worker *worker, const struct jbr_frame *frames, unsigned count,
	const uint8_t *todo)
{
	for (unsigned i = 0; i < count; i++) {
		unsigned at = todo[i];

		if (worker->is_glanced[at]) {
			if (analyse_glance(worker, &frames[at], &worker->glances[at],
				    &worker->probes[at]))
				continue;
			receive(worker, &frames[at], at);
		}
		analyse(worker, &frames[at], &worker->packets[at], &worker->probes[at]);
	}
}

/* Three stages, each a group behind the one before: read the headers and fetch the bucket; compare its
 * tags and fetch the record; analyse. */
void
pipeline_burst(struct worker *worker, const struct jbr_frame *frames, unsigned count)
{
	uint8_t todo[3][GROUP];
	unsigned nb_todo[3] = {0, 0, 0};

	worker->nb_foreign = 0;
	worker->at = 0;
	for (unsigned turn = 0; turn < (count + GROUP - 1) / GROUP + 2; turn++) {
		unsigned first = turn % 3;
		unsigned second = (turn + 2) % 3;
		unsigned third = (turn + 1) % 3;

		nb_todo[first] = receive_group(worker, frames, count, todo[first]);
		for (unsigned i = 0; i < nb_todo[second]; i++) {
			unsigned at = todo[second][i];
			struct jbr_flow_probe *probe = &worker->probes[at];

			jbr_flow_prefetch_record(worker->shards[probe->shard], probe);
			if (!worker->is_glanced[at])
				jbr_flow_prefetch_rest(worker->shards[probe->shard], probe);
		}
		analyse_group(worker, frames, nb_todo[third], todo[third]);
	}
}
