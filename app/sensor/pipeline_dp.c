/* SPDX-License-Identifier: BSD-3-Clause */
/* A packet's way, in reading order: parse, find its connection, step, detect, verdict, commit. */
#include "measure.h"

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
	struct jbr_flow flow, enum jbr_anomaly anomaly)
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
		count_anomaly(worker, frame, packet, (struct jbr_flow){0},
			(enum jbr_anomaly)packet->findings[i]);
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

/* Does the frame, which was located, belong to this worker? Then its bucket is fetched. */
static inline bool
is_owned(struct worker *worker, struct item *item)
{
	unsigned shard = item->probe.shard;

	if (JBR_UNLIKELY(!worker->owns[shard])) {
		pass_over(worker, (unsigned)(item - worker->items), shard);
		return false;
	}
	item->shard = worker->shards[shard];
	jbr_flow_prefetch(item->shard, &item->probe);
	return true;
}

/* Read a frame whole, and count it.
 * @return it goes on to a connection of this worker */
static bool
receive(struct worker *worker, struct item *item)
{
	const struct jbr_frame *frame = item->frame;
	struct jbr_packet *packet = &worker->packets[item - worker->items];

	jbr_packet_parse(frame, &worker->packet_options, packet);
	if (packet->kind != JBR_PACKET_TCP) {
		if (is_mine(worker, frame->number)) {
			count_packet(worker, frame, packet);
			worker->counters.not_analysed[packet->reason]++;
		}
		if (packet->kind != JBR_PACKET_ICMP_QUOTE)
			return false;
	}
	jbr_flow_locate(worker->table, packet, &item->probe);
	if (!is_owned(worker, item))
		return false;
	if (packet->kind != JBR_PACKET_TCP)
		return true;
	jbr_detect_flags(&worker->config->params, packet);
	count_packet(worker, frame, packet);
	count_segment(&worker->counters, packet);
	return true;
}

/* For nearly every frame an outline is enough to find its connection; of a SYN it must also be enough to
 * judge it.
 * @return it goes on to a connection of this worker */
static inline __attribute__((flatten)) bool
look(struct worker *worker, struct item *item)
{
	const struct jbr_outline *outline = &item->outline;

	item->seen = SEEN_WHOLE;
	if (JBR_UNLIKELY(!jbr_packet_outline(item->frame, &worker->packet_options, &item->outline)))
		return receive(worker, item);
	item->seen = SEEN_SEGMENT;
	if (JBR_UNLIKELY(outline->is_syn)) {
		item->seen = SEEN_SYN;
		if (!jbr_detect_is_syn_quiet(&worker->config->params, outline)) {
			item->seen = SEEN_WHOLE;
			return receive(worker, item);
		}
	}
	jbr_flow_locate_outline(worker->table, outline, &item->probe);
	return is_owned(worker, item);
}

/* ---- 2. the connection the packet belongs to ---- */

/* An ICMP error that quotes the SYN rejects the connection, if it quotes it rightly (RFC 5927 4). */
static void
reject_by_icmp(const struct jbr_packet *packet, const struct jbr_flow_probe *probe,
	struct jbr_flow flow)
{
	bool is_unreachable = (packet->ip_version == 4 && packet->icmp_type == 3 &&
				      packet->icmp_code != 4) ||
		(packet->ip_version == 6 && packet->icmp_type == 1);

	if (is_unreachable && flow.line->hot.state == JBR_TCP_STATE_SYN_SENT &&
		probe->sender == jbr_flow_originator(flow) && packet->seq == flow.rest->cold.isn[0])
		flow.line->hot.flags |= JBR_TCP_ICMP_REJECTED;
}

/* ---- 3. verdict and commit ---- */

static void
commit(struct worker *worker, struct jbr_flow_shard *shard, struct jbr_flow flow)
{
	struct jbr_tcp_ext *ext;

	flow.line->hot = worker->conn.hot;
	flow.rest->cold = worker->conn.cold;
	if (!worker->conn.has_ext)
		return;
	ext = jbr_flow_ext_get(shard, flow);
	if (ext != NULL)
		*ext = worker->conn.ext;
	else
		flow.line->hot.flags |= JBR_TCP_CUT_SHORT;
}

static void
load(struct worker *worker, struct jbr_flow_shard *shard, struct jbr_flow flow)
{
	const struct jbr_tcp_ext *ext = jbr_flow_ext(shard, flow);

	worker->conn.hot = flow.line->hot;
	worker->conn.cold = flow.rest->cold;
	worker->conn.has_ext = ext != NULL;
	if (ext != NULL)
		worker->conn.ext = *ext;
}

/* ---- 4. resets ---- */

/* A RST's cause stays open for 5 s, if there is a place to keep it. */
static void
judge_reset(struct worker *worker, struct jbr_flow_shard *shard, struct jbr_flow flow,
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
count_findings(struct worker *worker, const struct jbr_frame *frame, struct jbr_flow flow,
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
	struct jbr_flow flow, const struct jbr_tcp_input *input)
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
	else
		measure_step(worker, flow, input);
	commit(worker, shard, flow);
	jbr_flow_arm(shard, flow, lifecycle_deadline(worker, flow, jbr_flow_ext(shard, flow)));
	if (jbr_flow_classify(shard, flow) == JBR_FLOW_PROVEN &&
		JBR_UNLIKELY(jbr_flow_is_crowded(shard)))
		opening_evict(worker, shard, jbr_flow_idle(shard), input->now_ns);
}

static void
step_corrupt(struct worker *worker, struct jbr_flow_shard *shard, struct jbr_flow flow,
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
	struct jbr_flow flow, const struct jbr_tcp_input *input)
{
	struct jbr_flow_shard *shard = worker->shards[probe->shard];
	const struct jbr_packet *packet = input->packet;
	bool can_be = flow.line != NULL &&
		jbr_tcp_is_repetition(&flow.line->hot, packet, input->from);
	enum jbr_copy copy = jbr_flow_check_copy(shard, probe, packet, frame, can_be);

	if (copy == JBR_COPY_NOT)
		return false;
	worker->counters.duplicate++;
	if (packet->flags & JBR_TCP_RST)
		worker->counters.resets[JBR_RESET_DUPLICATE]++;
	count_anomaly(worker, frame, packet, flow,
		copy == JBR_COPY_LOOP ? JBR_ANOM_ROUTING_LOOP : JBR_ANOM_DUPLICATE_FRAME);
	if (flow.line != NULL)
		flow.rest->cold.trust |= JBR_TRUST_DUPLICATED;
	return true;
}

/* Another connection than the one that was found: a SYN or SYN-ACK may say so. */
static struct jbr_flow
find_or_open(struct worker *worker, const struct jbr_frame *frame,
	const struct jbr_flow_probe *probe, struct jbr_flow flow, struct jbr_tcp_input *input)
{
	struct jbr_flow_shard *shard = worker->shards[probe->shard];

	if (flow.line == NULL)
		return opening_make(worker, shard, probe, input);
	if (JBR_LIKELY(!(input->packet->flags & JBR_TCP_SYN)))
		return flow;
	load(worker, shard, flow);
	if (jbr_tcp_is_reuse(&worker->conn, input)) {
		if (flow.line->hot.state == JBR_TCP_STATE_SYN_SENT)
			count_anomaly(worker, frame, input->packet, flow, JBR_ANOM_SYN_ISN_CHANGED);
		else if (flow.line->hot.state >= JBR_TCP_STATE_FIN_O &&
			!jbr_tcp_is_before(flow.line->hot.nxt[input->from], input->packet->seq))
			count_anomaly(worker, frame, input->packet, flow,
				JBR_ANOM_SYN_TUPLE_REUSE_EARLY);
		return opening_reopen(worker, shard, probe, flow, input);
	}
	if (jbr_tcp_answers_candidate(&worker->conn, input))
		return opening_split(worker, shard, probe, flow, input);
	return flow;
}

/* Counts of plain packets, which a burst adds to the counters at once. */
struct tally {
	uint64_t packets; /* of those with an outline only, and of them: */
	uint64_t bytes;
	uint64_t data;
	uint64_t ipv6;
	uint64_t syns;
	uint64_t acks; /* of all */
	struct jbr_histogram *server_response;
};

/* The next segment in order of an undisturbed connection: nearly every packet.
 * @return it was one, and is done; false: nothing has changed */
static inline bool
step_plain(const struct item *item, const struct jbr_glance *glance, struct jbr_flow flow,
	uint64_t fingerprint, struct tally *tally)
{
	const struct jbr_frame *frame = item->frame;
	struct jbr_tcp_segment segment = {.glance = glance,
		.now_ns = frame->time_ns,
		.number = frame->number,
		.from = item->probe.sender != jbr_flow_originator(flow)};
	bool has_payload = glance->payload_length > 0;
	struct jbr_tcp_plain plain;

	if (!jbr_tcp_step_plain(&flow.line->hot, &segment, &plain))
		return false;
	if (JBR_UNLIKELY(has_payload & segment.from) && measure_asked_ns(&flow.line->hot) != 0)
		jbr_histogram_add(tally->server_response,
			segment.now_ns - measure_asked_ns(&flow.line->hot));
	jbr_flow_remember(item->shard, fingerprint, glance->vlan, glance->ttl, frame->time_ns);
	tally->acks += plain.acks_new;
	jbr_tcp_commit_plain(&flow.line->hot, &segment, &plain);
	if (JBR_UNLIKELY(jbr_zeek_lacks_letter(&flow.line->hot, has_payload, segment.from)))
		jbr_zeek_plain(&flow.line->hot, &flow.rest->cold, has_payload, segment.from);
	return true;
}

/* The same of a frame of which there is an outline only.
 * @return it is counted and done; false: nothing has changed */
static inline __attribute__((flatten)) bool
analyse_outline(const struct worker *worker, const struct item *item, struct tally *tally)
{
	const struct jbr_frame *frame = item->frame;
	struct jbr_flow flow = jbr_flow_find(item->shard, &item->probe);
	struct jbr_glance glance;

	jbr_packet_glance(&item->outline, &glance);
	if (flow.line == NULL || !(flow.line->hot.place & JBR_FLOW_QUIET) ||
		glance.ttl < worker->config->params.ip_low_ttl_floor ||
		jbr_flow_is_due(flow, frame->time_ns) ||
		!step_plain(item, &glance, flow, jbr_flow_fingerprint(&item->probe, &glance),
			tally))
		return false;
	tally->packets++;
	tally->bytes += frame->wire;
	tally->data += glance.payload_length > 0;
	tally->ipv6 += item->outline.ip_version == 6;
	return true;
}

/* A SYN of which there is an outline only, and of whose tuple nothing is known.
 * @return it is counted and done; false: nothing has changed */
static bool
analyse_syn(struct worker *worker, const struct item *item, struct tally *tally)
{
	const struct jbr_frame *frame = item->frame;
	struct jbr_flow_shard *shard = item->shard;
	struct jbr_glance glance;
	struct jbr_tcp_segment segment = {.glance = &glance,
		.now_ns = frame->time_ns,
		.number = frame->number};
	struct jbr_tcp_syn syn;

	if (jbr_flow_is_known(shard, &item->probe))
		return false;
	jbr_packet_glance(&item->outline, &glance);
	jbr_tcp_syn_at(&item->outline, &segment, &syn);
	if (!opening_make_embryo(worker, shard, &item->probe, &syn))
		return false;
	jbr_flow_remember(shard, jbr_flow_fingerprint(&item->probe, &glance), glance.vlan,
		glance.ttl, frame->time_ns);
	tally->packets++;
	tally->bytes += frame->wire;
	tally->syns++;
	tally->ipv6 += item->outline.ip_version == 6;
	return true;
}

/* Anything else; @p flow is none where there is none yet. */
static void
step_any(struct worker *worker, const struct item *item, struct jbr_flow flow,
	struct jbr_tcp_input *input)
{
	const struct jbr_frame *frame = item->frame;
	const struct jbr_flow_probe *probe = &item->probe;
	const struct jbr_packet *packet = input->packet;
	struct jbr_tcp_syn syn;

	if (flow.line != NULL && JBR_UNLIKELY(input->now_ns < flow.line->hot.last_ns)) {
		/* a connection's own time never goes back */
		flow.rest->cold.trust |= JBR_TRUST_CLOCK;
		input->now_ns = flow.line->hot.last_ns;
	}
	if (is_copy(worker, frame, probe, flow, input))
		return;
	if (flow.line != NULL && packet->checksum == JBR_CHECKSUM_BAD &&
		!jbr_tcp_is_checksum_believed(&flow.line->hot, &flow.rest->cold, input->from)) {
		step_corrupt(worker, item->shard, flow, input);
		return;
	}
	if (flow.line == NULL && jbr_tcp_syn_of(input, &syn) &&
		opening_make_embryo(worker, item->shard, probe, &syn))
		return;
	flow = find_or_open(worker, frame, probe, flow, input);
	step(worker, frame, item->shard, flow, input);
}

static void
analyse(struct worker *worker, const struct item *item, const struct jbr_packet *packet,
	struct tally *tally)
{
	const struct jbr_frame *frame = item->frame;
	const struct jbr_flow_probe *probe = &item->probe;
	struct jbr_flow_shard *shard = item->shard;
	struct jbr_flow flow = jbr_flow_find(shard, probe);
	struct jbr_tcp_input input = {.packet = packet,
		.now_ns = frame->time_ns,
		.number = frame->number};

	/* what was due before this packet happens before it */
	if (flow.line != NULL && jbr_flow_is_due(flow, frame->time_ns))
		flow = lifecycle_run(worker, shard, flow, frame->time_ns);
	else if (flow.line == NULL)
		flow = opening_find_embryo(worker, shard, probe, frame->time_ns);
	if (JBR_UNLIKELY(packet->kind == JBR_PACKET_ICMP_QUOTE)) {
		if (flow.line != NULL)
			reject_by_icmp(packet, probe, flow);
		return;
	}
	if (flow.line != NULL) {
		struct jbr_glance glance;

		input.from = probe->sender != jbr_flow_originator(flow);
		if (jbr_packet_glance_of(packet, &glance) &&
			step_plain(item, &glance, flow, probe->fingerprint, tally))
			return;
	}
	step_any(worker, item, flow, &input);
}

/* ---- the burst ---- */

/* How many packets are on their way together: what is fetched for one arrives while the others are
 * worked on. More than the processor has places for waiting loads would only stand in line. */
enum { GROUP = 8 };

/* Places in the burst of a group's packets that go on. */
struct group {
	uint8_t at[GROUP];
	unsigned count;
};

/* Read the headers of the frames from @p begin on and fetch what the look-ups need first. */
static void
look_at_group(struct worker *worker, const struct jbr_frame *frames, unsigned begin, unsigned end,
	struct group *group)
{
	group->count = 0;
	for (unsigned at = begin; at < end; at++) {
		struct item *item = &worker->items[at];

		item->frame = &frames[at];
		if (look(worker, item))
			group->at[group->count++] = (uint8_t)at;
	}
}

static void
fetch_group(struct worker *worker, const struct group *group)
{
	for (unsigned i = 0; i < group->count; i++) {
		struct item *item = &worker->items[group->at[i]];

		/* of a SYN there is nothing yet, as a rule */
		if (JBR_UNLIKELY(item->seen == SEEN_SYN))
			continue;
		jbr_flow_prefetch_record(item->shard, &item->probe);
		if (JBR_UNLIKELY(item->seen == SEEN_WHOLE))
			jbr_flow_prefetch_rest(item->shard, &item->probe);
	}
}

/* @return it is done; false: it is to be looked at whole, or was */
static inline bool
analyse_outlined(struct worker *worker, const struct item *item, struct tally *tally)
{
	if (JBR_LIKELY(item->seen == SEEN_SEGMENT))
		return JBR_LIKELY(analyse_outline(worker, item, tally));
	return item->seen == SEEN_SYN && analyse_syn(worker, item, tally);
}

static void
analyse_group(struct worker *worker, const struct group *group, struct tally *tally)
{
	for (unsigned i = 0; i < group->count; i++) {
		struct item *item = &worker->items[group->at[i]];

		if (JBR_LIKELY(analyse_outlined(worker, item, tally)))
			continue;
		if (item->seen != SEEN_WHOLE && !receive(worker, item))
			continue;
		analyse(worker, item, &worker->packets[group->at[i]], tally);
	}
}

static void
count_tally(struct jbr_counters *counters, const struct tally *tally)
{
	counters->received += tally->packets;
	counters->received_bytes += tally->bytes;
	counters->tcp += tally->packets;
	counters->acks += tally->acks;
	counters->segments[JBR_SEGMENT_DATA] += tally->data;
	counters->segments[JBR_SEGMENT_PURE_ACK] += tally->packets - tally->data - tally->syns;
	counters->segments[JBR_SEGMENT_SYN] += tally->syns;
	counters->segments[JBR_SEGMENT_IPV6] += tally->ipv6;
}

/* Three stages, each a group behind the one before: read the headers and fetch the bucket; compare its
 * tags and fetch the record; analyse. */
void
pipeline_burst(struct worker *worker, const struct jbr_frame *frames, unsigned count)
{
	struct group groups[3] = {{.count = 0}, {.count = 0}, {.count = 0}};
	unsigned turns = (count + GROUP - 1) / GROUP + 2;
	struct tally tally = {.server_response = &worker->server_response};

	worker->nb_foreign = 0;
	for (unsigned turn = 0; turn < turns; turn++) {
		unsigned begin = turn * GROUP < count ? turn * GROUP : count;
		unsigned end = begin + GROUP < count ? begin + GROUP : count;

		look_at_group(worker, frames, begin, end, &groups[turn % 3]);
		fetch_group(worker, &groups[(turn + 2) % 3]);
		analyse_group(worker, &groups[(turn + 1) % 3], &tally);
	}
	count_tally(&worker->counters, &tally);
}
