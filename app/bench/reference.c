/* SPDX-License-Identifier: BSD-3-Clause */
#include "reference.h"

#include <errno.h>
#include <stdlib.h>

#include "digest.h"
#include "jbr_detect.h"
#include "reference_private.h"

/* ---- table ---- */

static uint64_t
hash_end(const union jbr_address *address, uint16_t port)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ port;

	for (unsigned i = 0; i < sizeof(address->bytes); i++)
		hash = (hash ^ address->bytes[i]) * UINT64_C(0x100000001b3);
	return hash ^ hash >> 29;
}

static bool
is_end(const struct reference_flow *flow, unsigned end, const union jbr_address *address,
	uint16_t port)
{
	return flow->port[end] == port &&
		memcmp(&flow->address[end], address, sizeof(*address)) == 0;
}

/* The place of the pointer to the connection of @p packet, in whichever direction; the place where
 * it would be hung when there is none. */
static struct reference_flow **
find(struct reference *reference, const struct jbr_packet *packet)
{
	uint64_t hash = hash_end(&packet->src, packet->src_port) +
		hash_end(&packet->dst, packet->dst_port);
	struct reference_flow **place = &reference->buckets[hash & reference->mask];

	for (; *place != NULL; place = &(*place)->next) {
		if (is_end(*place, 0, &packet->src, packet->src_port) &&
			is_end(*place, 1, &packet->dst, packet->dst_port))
			break;
		if (is_end(*place, 1, &packet->src, packet->src_port) &&
			is_end(*place, 0, &packet->dst, packet->dst_port))
			break;
	}
	return place;
}

static void
forget(struct reference_flow **place)
{
	struct reference_flow *flow = *place;

	*place = flow->next;
	free(flow->conn);
	free(flow);
}

static struct reference_flow *
open_flow(struct reference_flow **place, const struct jbr_tcp_input *input)
{
	struct reference_flow *flow = calloc(1, sizeof(*flow));

	if (flow == NULL)
		return NULL;
	flow->conn = calloc(1, sizeof(*flow->conn));
	if (flow->conn == NULL) {
		free(flow);
		return NULL;
	}
	flow->address[0] = input->packet->src;
	flow->address[1] = input->packet->dst;
	flow->port[0] = input->packet->src_port;
	flow->port[1] = input->packet->dst_port;
	jbr_tcp_begin(flow->conn, input);
	flow->next = *place;
	*place = flow;
	return flow;
}

/* ---- counting ---- */

static void
count_anomaly(struct reference *reference, enum jbr_anomaly anomaly)
{
	if (reference->config->anomaly_enabled[anomaly])
		reference->counters.anomalies[anomaly]++;
}

static void
count_segment(struct reference *reference, const struct jbr_packet *packet)
{
	uint64_t *segments = reference->counters.segments;
	bool has_syn = packet->flags & JBR_TCP_SYN;
	bool has_ack = packet->flags & JBR_TCP_ACK;
	bool has_end = packet->flags & (JBR_TCP_FIN | JBR_TCP_RST);

	reference->counters.tcp++;
	segments[JBR_SEGMENT_SYN] += has_syn && !has_ack;
	segments[JBR_SEGMENT_SYNACK] += has_syn && has_ack;
	segments[JBR_SEGMENT_FIN] += (packet->flags & JBR_TCP_FIN) != 0;
	segments[JBR_SEGMENT_RST] += (packet->flags & JBR_TCP_RST) != 0;
	segments[JBR_SEGMENT_URG] += (packet->flags & JBR_TCP_URG) != 0;
	segments[JBR_SEGMENT_DATA] += packet->payload_length > 0;
	segments[JBR_SEGMENT_ZERO_WINDOW] += has_ack && !has_syn && !has_end && packet->window == 0;
	segments[JBR_SEGMENT_PURE_ACK] += has_ack && !has_syn && !has_end &&
		packet->payload_length == 0;
	segments[JBR_SEGMENT_IPV6] += packet->ip_version == 6;
}

static void
count_packet(struct reference *reference, const struct jbr_frame *frame, struct jbr_packet *packet)
{
	reference->counters.received++;
	reference->counters.received_bytes += frame->wire;
	if (packet->kind == JBR_PACKET_TCP) {
		jbr_detect_flags(&reference->config->params, packet);
		count_segment(reference, packet);
	} else {
		reference->counters.not_analysed[packet->reason]++;
	}
	for (unsigned i = 0; i < packet->findings_count; i++)
		count_anomaly(reference, (enum jbr_anomaly)packet->findings[i]);
}

/* ---- a segment ---- */

static void
judge_reset(struct reference *reference, const struct jbr_tcp_conn *before,
	struct jbr_tcp_conn *conn, const struct jbr_tcp_input *input,
	const struct jbr_tcp_result *result)
{
	struct jbr_tcp_reset reset;
	struct jbr_tcp_ext *ext;

	jbr_detect_reset(before, input, result, &reset);
	ext = jbr_tcp_extend(conn);
	jbr_detect_reset_compare(conn, input, &reset);
	if (ext->resets_count < JBR_TCP_RESETS_MAX) {
		ext->resets[ext->resets_count] = reset;
		reference->counters.resets_pending++;
	} else {
		reference->counters.resets[reset.cause]++;
	}
	ext->resets_count++;
}

static void
swap_ends(struct reference_flow *flow)
{
	union jbr_address address = flow->address[0];
	uint16_t port = flow->port[0];

	flow->address[0] = flow->address[1];
	flow->port[0] = flow->port[1];
	flow->address[1] = address;
	flow->port[1] = port;
}

static void
step(struct reference *reference, struct reference_flow *flow, const struct jbr_tcp_input *input)
{
	struct jbr_tcp_conn before = *flow->conn;
	struct jbr_tcp_conn *conn = flow->conn;
	struct jbr_tcp_result result;

	jbr_tcp_step(conn, input, &result);
	if (input->packet->flags & JBR_TCP_RST)
		judge_reset(reference, &before, conn, input, &result);
	else if (conn->has_ext && conn->ext.resets_count > 0)
		jbr_detect_reset_revise(conn, input, &result);
	reference->counters.acks += result.acks_new;
	reference->counters.acks_unseen += result.acks_unseen;
	for (unsigned i = 0; i < result.findings_count; i++) {
		enum jbr_anomaly anomaly = (enum jbr_anomaly)result.findings[i];

		if (jbr_anomalies[anomaly].scope != JBR_SCOPE_FLOW ||
			jbr_tcp_mark(&conn->cold, anomaly))
			count_anomaly(reference, anomaly);
	}
	if (result.is_swapped)
		swap_ends(flow);
}

/* A SYN that opens the tuple anew ends what was there.
 * @return the connection that the segment belongs to; NULL: there is none yet */
static struct reference_flow *
reuse(struct reference *reference, struct reference_flow **place, struct jbr_tcp_input *input)
{
	struct reference_flow *old = *place;
	struct jbr_tcp_conn *conn = old->conn;

	if (!(input->packet->flags & JBR_TCP_SYN))
		return old;
	if (!jbr_tcp_is_reuse(conn, input)) {
		if (jbr_tcp_answers_candidate(conn, input))
			reference->problem = "a SYN inside a connection was answered";
		return old;
	}
	if (conn->hot.state == JBR_TCP_STATE_SYN_SENT)
		reference->problem = "a second SYN on a tuple";
	else if (conn->hot.state >= JBR_TCP_STATE_FIN_O &&
		!jbr_tcp_is_before(conn->hot.nxt[input->from], input->packet->seq))
		count_anomaly(reference, JBR_ANOM_SYN_TUPLE_REUSE_EARLY);
	reference_end(reference, old, JBR_END_REUSE, input->now_ns);
	forget(place);
	return NULL;
}

static void
analyse(struct reference *reference, const struct jbr_frame *frame, const struct jbr_packet *packet)
{
	struct reference_flow **place = find(reference, packet);
	struct jbr_tcp_input input = {.packet = packet,
		.now_ns = frame->time_ns,
		.number = frame->number};
	struct reference_flow *flow;

	if (packet->checksum == JBR_CHECKSUM_BAD)
		reference->problem = "a wrong checksum";
	if (*place != NULL && reference_run_timers(reference, *place, frame->time_ns))
		forget(place);
	flow = *place;
	if (flow != NULL) {
		input.from = !is_end(flow, 0, &packet->src, packet->src_port);
		flow = reuse(reference, place, &input);
	}
	if (flow == NULL) {
		/* what was found may have been in the middle of its chain, and is gone */
		place = find(reference, packet);
		input.from = 0;
		flow = open_flow(place, &input);
	}
	if (flow == NULL)
		reference->problem = "memory is out";
	else
		step(reference, flow, &input);
}

void
reference_burst(struct reference *reference, const struct jbr_frame *frames, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		struct jbr_packet packet;

		jbr_packet_parse(&frames[i], &reference->options, &packet);
		count_packet(reference, &frames[i], &packet);
		if (packet.kind == JBR_PACKET_TCP)
			analyse(reference, &frames[i], &packet);
		else
			reference->problem = "a packet that is no TCP segment";
	}
}

/* ---- life ---- */

uint64_t
reference_finish(struct reference *reference, uint64_t now_ns)
{
	for (uint64_t i = 0; i <= reference->mask; i++) {
		struct reference_flow **place = &reference->buckets[i];

		while (*place != NULL) {
			if (!reference_run_timers(reference, *place, now_ns))
				reference_end(reference, *place, JBR_END_CAPTURE, now_ns);
			forget(place);
		}
	}
	return reference->digest + digest_counters(&reference->counters);
}

const struct jbr_counters *
reference_counters(const struct reference *reference)
{
	return &reference->counters;
}

uint64_t
reference_records(const struct reference *reference)
{
	return reference->digest;
}

const char *
reference_problem(const struct reference *reference)
{
	return reference->problem;
}

struct reference *
reference_create(const struct jbr_config *config, uint32_t flows)
{
	struct reference *reference = calloc(1, sizeof(*reference));
	uint64_t buckets = 1024;

	if (reference == NULL)
		return NULL;
	while (buckets < flows)
		buckets *= 2;
	reference->config = config;
	reference->options = jbr_packet_options_default();
	reference->options.checksum = JBR_CHECKSUM_MODE_NIC;
	reference->mask = buckets - 1;
	reference->buckets = calloc(buckets, sizeof(*reference->buckets));
	if (reference->buckets == NULL) {
		free(reference);
		return NULL;
	}
	return reference;
}

void
reference_free(struct reference *reference)
{
	if (reference == NULL)
		return;
	for (uint64_t i = 0; i <= reference->mask; i++)
		while (reference->buckets[i] != NULL)
			forget(&reference->buckets[i]);
	free(reference->buckets);
	free(reference);
}
