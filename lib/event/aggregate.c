/* SPDX-License-Identifier: BSD-3-Clause */
/* Connections by the service they asked for. The services of an interval stand in one array, in the
 * order in which they came, and are found by open addressing; at its end the array is told from its
 * beginning and both are emptied. */
#include "event_private.h"

#include <errno.h>
#include <stdlib.h>

enum { SERVICES_LEAST = 16, SERVICES_MOST = 1 << 20 };

struct jbr_event_aggregates {
	struct jbr_aggregate *services;
	uint32_t *index; /* place in services + 1; 0 = empty */
	uint64_t secret[3];
	uint64_t interval_ns;
	uint64_t begin_ns; /* of the interval, when a service is there */
	uint32_t services_max;
	uint32_t index_mask;
	uint32_t count;
	uint32_t told; /* > 0: the interval is over and is being told */
};

struct jbr_event_aggregates *
jbr_event_aggregates_create(uint32_t interval_s, uint32_t services_max)
{
	struct jbr_event_aggregates *aggregates;
	uint32_t places = SERVICES_LEAST;

	if (interval_s == 0 || services_max < SERVICES_LEAST || services_max > SERVICES_MOST) {
		errno = EINVAL;
		return NULL;
	}
	while (places < services_max * 2)
		places *= 2;
	aggregates = calloc(1, sizeof(*aggregates));
	if (aggregates == NULL)
		return NULL;
	aggregates->services = calloc(services_max, sizeof(*aggregates->services));
	aggregates->index = calloc(places, sizeof(*aggregates->index));
	if (aggregates->services == NULL || aggregates->index == NULL) {
		jbr_event_aggregates_free(aggregates);
		errno = ENOMEM;
		return NULL;
	}
	aggregates->index_mask = places - 1;
	aggregates->services_max = services_max;
	aggregates->interval_ns = interval_s * JBR_NS_PER_S;
	/* attackers choose the addresses that they ask */
	jbr_event_secret(aggregates, aggregates->secret, JBR_COUNT_OF(aggregates->secret));
	return aggregates;
}

void
jbr_event_aggregates_free(struct jbr_event_aggregates *aggregates)
{
	if (aggregates == NULL)
		return;
	free(aggregates->services);
	free(aggregates->index);
	free(aggregates);
}

bool
jbr_event_is_half_open(const struct jbr_flow_record *record)
{
	switch (record->conn_state) {
	case JBR_OUTCOME_S0:
	case JBR_OUTCOME_SH:
	case JBR_OUTCOME_REJ:
	case JBR_OUTCOME_RSTOS0:
		return true;
	case JBR_OUTCOME_S1:
	case JBR_OUTCOME_RSTO:
	case JBR_OUTCOME_RSTR:
		/* Zeek calls it open from the SYN-ACK on */
		return record->rtt_client_ns == 0 && record->payload[JBR_ORIGINATOR] == 0 &&
			record->payload[JBR_RESPONDER] == 0 &&
			(record->state == JBR_TCP_STATE_SYN_RECEIVED ||
				record->state == JBR_TCP_STATE_CROSSED ||
				record->state == JBR_TCP_STATE_RESET);
	default:
		return false;
	}
}

/* What the service of a record is known by; the rest is empty. */
static struct jbr_aggregate
service_of(const struct jbr_event_tuple *tuple)
{
	struct jbr_aggregate service = {.port = tuple->dst_port, .ip_version = tuple->ip_version};

	/* what stands behind an IPv4 address is no part of it */
	memcpy(service.address, tuple->dst, tuple->ip_version == 4 ? 4 : sizeof(service.address));
	return service;
}

static bool
is_same_service(const struct jbr_aggregate *a, const struct jbr_aggregate *b)
{
	return a->port == b->port && a->ip_version == b->ip_version &&
		memcmp(a->address, b->address, sizeof(a->address)) == 0;
}

/* The place of a service in the index: where it stands, or where it would. */
static uint32_t *
place_of(const struct jbr_event_aggregates *aggregates, const struct jbr_aggregate *service)
{
	uint64_t address[2];
	uint64_t hash;
	uint32_t at;

	memcpy(address, service->address, sizeof(address));
	hash = jbr_mix64(address[0] ^ aggregates->secret[0], address[1] ^ aggregates->secret[1]);
	hash = jbr_mix64(hash ^ service->port, aggregates->secret[2]);
	for (at = (uint32_t)hash & aggregates->index_mask; aggregates->index[at] != 0;
		at = (at + 1) & aggregates->index_mask)
		if (is_same_service(&aggregates->services[aggregates->index[at] - 1], service))
			break;
	return &aggregates->index[at];
}

bool
jbr_event_aggregates_add(struct jbr_event_aggregates *aggregates,
	const struct jbr_flow_record *record, uint64_t now_ns)
{
	struct jbr_aggregate wanted = service_of(&record->tuple);
	uint32_t *place = place_of(aggregates, &wanted);
	struct jbr_aggregate *service;

	if (record->conn_state >= JBR_OUTCOME_ZEEK_COUNT || aggregates->told > 0)
		return false;
	if (*place == 0) {
		if (aggregates->count == aggregates->services_max)
			return false;
		if (aggregates->count == 0)
			aggregates->begin_ns = now_ns;
		service = &aggregates->services[aggregates->count++];
		*place = aggregates->count;
		*service = wanted;
		service->start_ns = record->start_ns;
	}
	service = &aggregates->services[*place - 1];
	service->connections++;
	service->conn_states[record->conn_state]++;
	for (unsigned side = 0; side < JBR_SIDES; side++) {
		service->packets[side] += record->packets[side];
		service->bytes[side] += record->bytes[side];
	}
	service->start_ns = jbr_min_u64(service->start_ns, record->start_ns);
	service->end_ns = jbr_max_u64(service->end_ns, record->end_ns);
	service->time_ns = jbr_max_u64(service->time_ns, record->order_ns);
	return true;
}

bool
jbr_event_aggregates_tell(struct jbr_event_aggregates *aggregates, uint64_t now_ns,
	struct jbr_aggregate *ret_aggregate)
{
	/* either way: a clock set back far must not hold the interval open until it has caught up */
	uint64_t passed_ns = now_ns > aggregates->begin_ns ? now_ns - aggregates->begin_ns
							   : aggregates->begin_ns - now_ns;

	if (aggregates->count == 0)
		return false;
	if (aggregates->told == 0 && passed_ns < aggregates->interval_ns)
		return false;
	if (aggregates->told < aggregates->count) {
		*ret_aggregate = aggregates->services[aggregates->told++];
		return true;
	}
	aggregates->count = 0;
	aggregates->told = 0;
	memset(aggregates->index, 0,
		((size_t)aggregates->index_mask + 1) * sizeof(*aggregates->index));
	return false;
}

void
jbr_event_write_aggregate(struct jbr_buffer *out, const struct jbr_aggregate *aggregate,
	const char *host, const struct jbr_event_names *names)
{
	struct jbr_json json;

	jbr_json_init(&json, out);
	jbr_json_object_open(&json, NULL);
	jbr_event_write_time(&json, "timestamp", aggregate->time_ns);
	jbr_json_string(&json, "event_type", "flow_aggregate");
	jbr_event_write_address(&json, "dest_ip", aggregate->address, aggregate->ip_version);
	jbr_json_uint(&json, "dest_port", aggregate->port);
	jbr_json_string(&json, "proto", "TCP");
	jbr_json_string(&json, "host", host);
	jbr_json_object_open(&json, "jabiru");
	jbr_event_write_alias(&json, "dest_alias", aggregate->address, aggregate->ip_version,
		names);
	jbr_json_uint(&json, "connections", aggregate->connections);
	jbr_json_object_open(&json, "conn_states");
	for (unsigned i = 0; i < JBR_OUTCOME_ZEEK_COUNT; i++)
		if (aggregate->conn_states[i] > 0)
			jbr_json_uint(&json, jbr_outcomes[i].key, aggregate->conn_states[i]);
	jbr_json_object_close(&json);
	jbr_event_write_each_way(&json, "packets", aggregate->packets);
	jbr_event_write_each_way(&json, "bytes", aggregate->bytes);
	jbr_event_write_time(&json, "start", aggregate->start_ns);
	jbr_event_write_time(&json, "end", aggregate->end_ns);
	jbr_json_object_close(&json);
	jbr_json_object_close(&json);
	jbr_buffer_append(out, "\n", 1);
}
