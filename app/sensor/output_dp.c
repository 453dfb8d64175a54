/* SPDX-License-Identifier: BSD-3-Clause */
/* What a worker has to tell, written into its fixed arrays. */
#include "pipeline.h"

void
worker_figures(const struct worker *worker, struct jbr_worker_figures *figures)
{
	figures->counters = worker->counters;
	figures->not_analysed = jbr_counters_not_analysed(&worker->counters);
	figures->handshake_rtt = worker->handshake_rtt;
	figures->server_response = worker->server_response;
	memset(figures->open, 0, sizeof(figures->open));
	for (unsigned i = 0; i < JBR_FLOW_SHARDS; i++)
		for (unsigned rank = 0; worker->owns[i] && rank < JBR_FLOW_CLASSES; rank++)
			figures->open[rank] += jbr_flow_class_count(worker->shards[i],
				(enum jbr_flow_class)rank);
}

bool
worker_is_nearly_full(const struct worker *worker, unsigned packets)
{
	return worker->output.nb_records + packets * RECORDS_PER_PACKET > OUTPUT_RECORDS ||
		worker->output.nb_findings + packets * FINDINGS_PER_PACKET > OUTPUT_FINDINGS;
}

uint64_t
output_flow_id(struct jbr_flow flow)
{
	const struct jbr_flow_key *key = &flow.rest->key;
	uint64_t ends = jbr_mix64(key->address[0].halves[1] ^ key->address[0].halves[0],
		key->address[1].halves[1] ^ ~key->address[1].halves[0]);
	uint64_t ports = (uint64_t)key->port[0] << 16 | key->port[1];
	uint64_t id = jbr_mix64(ends ^ ports ^ key->tenant,
		flow.rest->cold.first_number ^ UINT64_C(0x9e3779b97f4a7c15));

	return (id & ((UINT64_C(1) << 53) - 1)) | 1;
}

static void
tuple_of(const struct jbr_packet *packet, struct jbr_event_tuple *tuple)
{
	bool is_ipv4 = packet->ip_version == 4;

	memset(tuple, 0, sizeof(*tuple));
	tuple->ip_version = is_ipv4 ? 4 : 6;
	memcpy(tuple->src, packet->src.bytes + (is_ipv4 ? 12 : 0), is_ipv4 ? 4 : 16);
	memcpy(tuple->dst, packet->dst.bytes + (is_ipv4 ? 12 : 0), is_ipv4 ? 4 : 16);
	tuple->src_port = packet->src_port;
	tuple->dst_port = packet->dst_port;
	tuple->vlan[0] = packet->vlan[0];
	tuple->vlan[1] = packet->vlan[1];
	tuple->tunnel = packet->tunnel;
}

static uint16_t
value_of(const struct jbr_packet *packet, enum jbr_anomaly anomaly)
{
	switch (anomaly) {
	case JBR_ANOM_TCP_MSS_TINY:
		return packet->mss;
	case JBR_ANOM_IP_LOW_TTL:
	case JBR_ANOM_ROUTING_LOOP:
		return packet->ttl;
	default:
		return 0;
	}
}

void
output_finding(struct worker *worker, const struct jbr_frame *frame,
	const struct jbr_packet *packet, struct jbr_flow flow, enum jbr_anomaly anomaly)
{
	struct jbr_finding *finding;

	if (!worker->wants_findings || worker->config->anomaly_action[anomaly] == JBR_ACTION_COUNT)
		return;
	finding = &worker->output.findings[worker->output.nb_findings++];
	memset(finding, 0, sizeof(*finding));
	tuple_of(packet, &finding->tuple);
	finding->time_ns = frame->time_ns;
	finding->packet = frame->number;
	finding->seq = packet->seq;
	finding->ack = packet->ack;
	finding->anomaly = (uint16_t)anomaly;
	finding->flags = packet->flags;
	finding->window = packet->window;
	finding->payload_length = (uint16_t)jbr_min_u32(packet->payload_length, UINT16_MAX);
	finding->ttl = packet->ttl;
	finding->value = value_of(packet, anomaly);
	if (flow.line == NULL)
		return;
	finding->flow_id = output_flow_id(flow);
	finding->trust = flow.rest->cold.trust;
	/* the flow holds the state before this packet: it is committed after the verdict */
	for (unsigned side = 0; side < JBR_TCP_SIDES; side++) {
		unsigned place = jbr_flow_originator(flow) ^ side;

		if (flow.rest->key.port[place] != packet->src_port ||
			memcmp(&flow.rest->key.address[place], &packet->src, sizeof(packet->src)) !=
				0)
			continue;
		finding->is_expected_known = (flow.line->hot.flags & (JBR_TCP_ACKED_O << side)) !=
			0;
		finding->expected = flow.line->hot.una[side];
		finding->edge = flow.line->hot.edge[side];
	}
}
