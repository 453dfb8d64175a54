/* SPDX-License-Identifier: BSD-3-Clause */
#include "event_private.h"

static const char *const side_names[JBR_SIDES] = {"originator", "responder"};

/* EVE knows three states of a connection; it counts LAST-ACK as closed, CLOSING not. */
static const char *
eve_state(unsigned state)
{
	switch (state) {
	case JBR_TCP_STATE_ESTABLISHED:
	case JBR_TCP_STATE_MIDSTREAM:
	case JBR_TCP_STATE_FIN_O:
	case JBR_TCP_STATE_FIN_O_ACKED:
	case JBR_TCP_STATE_FIN_R:
	case JBR_TCP_STATE_FIN_R_ACKED:
	case JBR_TCP_STATE_FIN_BOTH:
		return "established";
	case JBR_TCP_STATE_FIN_BOTH_O_ACKED:
	case JBR_TCP_STATE_FIN_BOTH_R_ACKED:
	case JBR_TCP_STATE_TIME_WAIT:
	case JBR_TCP_STATE_RESET:
		return "closed";
	default:
		return "new";
	}
}

static uint64_t
duration_ns(const struct jbr_flow_record *record)
{
	/* time stamps may go backwards */
	return record->end_ns > record->start_ns ? record->end_ns - record->start_ns : 0;
}

static void
write_eve_flow(struct jbr_json *json, const struct jbr_flow_record *record)
{
	static const char *const reasons[JBR_END_COUNT] = {"timeout", "tcp_reuse", "forced",
		"shutdown"};

	jbr_json_object_open(json, "flow");
	jbr_json_uint(json, "pkts_toserver", record->packets[JBR_ORIGINATOR]);
	jbr_json_uint(json, "pkts_toclient", record->packets[JBR_RESPONDER]);
	jbr_json_uint(json, "bytes_toserver", record->bytes[JBR_ORIGINATOR]);
	jbr_json_uint(json, "bytes_toclient", record->bytes[JBR_RESPONDER]);
	jbr_event_write_time(json, "start", record->start_ns);
	jbr_event_write_time(json, "end", record->end_ns);
	jbr_json_uint(json, "age", duration_ns(record) / JBR_NS_PER_S);
	jbr_json_string(json, "state", eve_state(record->state));
	jbr_json_string(json, "reason", jbr_event_name(reasons, JBR_END_COUNT, record->end_reason));
	jbr_json_object_close(json);
}

static void
write_rtt(struct jbr_json *json, const char *key, uint64_t rtt_ns)
{
	if (rtt_ns == 0)
		jbr_json_null(json, key);
	else
		jbr_json_fixed(json, key, (int64_t)(rtt_ns / JBR_NS_PER_US), 3);
}

/* What the two ends said of themselves. */
static void
write_ends(struct jbr_json *json, const struct jbr_flow_record *record)
{
	jbr_json_object_open(json, "zero_window_s");
	for (unsigned i = 0; i < JBR_SIDES; i++)
		jbr_json_fixed(json, side_names[i],
			(int64_t)(record->zero_window_ns[i] / JBR_NS_PER_US), 6);
	jbr_json_object_close(json);
	jbr_json_object_open(json, "mss");
	for (unsigned i = 0; i < JBR_SIDES; i++)
		if (record->mss[i] != 0)
			jbr_json_uint(json, side_names[i], record->mss[i]);
		else
			jbr_json_null(json, side_names[i]);
	jbr_json_object_close(json);
	jbr_json_object_open(json, "wscale");
	for (unsigned i = 0; i < JBR_SIDES; i++)
		if (record->wscale[i] != UINT8_MAX)
			jbr_json_uint(json, side_names[i], record->wscale[i]);
		else
			jbr_json_null(json, side_names[i]);
	jbr_json_object_close(json);
}

static void
write_reset_evidence(struct jbr_json *json, const struct jbr_reset_record *reset)
{
	static const char *const tests[] = {"D1", "D2", "D3", "D4", "D5", "D6", "D7", "D8", "D9"};
	char flags[JBR_FLAGS_TEXT_SIZE];

	jbr_event_flags_text(reset->flags, flags);
	jbr_json_object_open(json, "evidence");
	jbr_json_uint(json, "seq", reset->seq);
	jbr_json_uint(json, "ack", reset->ack);
	if (reset->is_expected_known) {
		jbr_json_uint(json, "expected", reset->expected);
		jbr_json_uint(json, "window_end", reset->window_end);
	} else {
		jbr_json_null(json, "expected");
		jbr_json_null(json, "window_end");
	}
	jbr_json_string(json, "flags", flags);
	jbr_json_uint(json, "window", reset->window);
	jbr_json_uint(json, "payload_length", reset->payload_length);
	jbr_json_uint(json, "ttl", reset->ttl);
	if (reset->ttl_usual != 0)
		jbr_json_uint(json, "ttl_usual", reset->ttl_usual);
	else
		jbr_json_null(json, "ttl_usual");
	jbr_json_array_open(json, "tests");
	for (unsigned i = 0; i < JBR_COUNT_OF(tests); i++)
		if (reset->evidence & 1u << i)
			jbr_json_string(json, NULL, tests[i]);
	jbr_json_array_close(json);
	jbr_json_object_close(json);
}

static void
write_resets(struct jbr_json *json, const struct jbr_flow_record *record)
{
	uint32_t kept = jbr_min_u32(record->resets_count, JBR_RECORD_RESETS_MAX);

	jbr_json_uint(json, "resets_count", record->resets_count);
	jbr_json_array_open(json, "resets");
	for (uint32_t i = 0; i < kept; i++) {
		const struct jbr_reset_record *reset = &record->resets[i];
		unsigned cause = reset->cause < JBR_RESET_COUNT ? reset->cause
								: JBR_RESET_UNCLASSIFIED;

		jbr_json_object_open(json, NULL);
		jbr_json_uint(json, "packet", reset->packet);
		jbr_event_write_time(json, "timestamp", reset->time_ns);
		jbr_json_string(json, "by", jbr_event_name(side_names, JBR_SIDES, reset->by));
		jbr_json_string(json, "cause", jbr_resets[cause].key);
		write_reset_evidence(json, reset);
		jbr_json_object_close(json);
	}
	jbr_json_array_close(json);
}

static void
write_anomalies(struct jbr_json *json, const uint64_t anomalies[JBR_RECORD_ANOMALIES_WORDS])
{
	jbr_json_array_open(json, "anomalies");
	for (unsigned i = 0; i < JBR_ANOM_COUNT; i++)
		if (anomalies[i / 64] & UINT64_C(1) << i % 64)
			jbr_json_string(json, NULL, jbr_anomalies[i].key);
	jbr_json_array_close(json);
}

/* How it went and how it ended. */
static void
write_course(struct jbr_json *json, const struct jbr_flow_record *record)
{
	unsigned conn_state = record->conn_state < JBR_OUTCOME_ZEEK_COUNT ? record->conn_state
									  : JBR_OUTCOME_OTH;
	unsigned outcome = record->outcome < JBR_OUTCOME_COUNT ? record->outcome : conn_state;
	unsigned state = record->state < JBR_TCP_STATE_COUNT ? record->state
							     : JBR_TCP_STATE_INVALID;

	jbr_json_string(json, "conn_state", jbr_outcomes[conn_state].key);
	/* a full array is not terminated */
	jbr_json_string_n(json, "history", record->history,
		strnlen(record->history, sizeof(record->history)));
	jbr_json_string(json, "outcome", jbr_outcomes[outcome].key);
	jbr_json_string(json, "end_reason",
		jbr_event_name(jbr_end_reason_names, JBR_END_COUNT, record->end_reason));
	jbr_json_object_open(json, "state");
	jbr_json_string(json, side_names[JBR_ORIGINATOR],
		jbr_states[state].endpoint[JBR_ORIGINATOR]);
	jbr_json_string(json, side_names[JBR_RESPONDER], jbr_states[state].endpoint[JBR_RESPONDER]);
	jbr_json_object_close(json);
}

static void
write_jabiru(struct jbr_json *json, const struct jbr_flow_record *record,
	const struct jbr_event_names *names)
{
	jbr_json_object_open(json, "jabiru");
	write_course(json, record);
	jbr_event_write_each_way(json, "packets", record->packets);
	jbr_event_write_each_way(json, "bytes", record->bytes);
	jbr_event_write_each_way(json, "payload", record->payload);
	jbr_event_write_each_way(json, "retransmitted", record->retransmitted);
	jbr_event_write_each_way(json, "missing", record->missing);
	jbr_event_write_time(json, "start", record->start_ns);
	jbr_event_write_time(json, "end", record->end_ns);
	jbr_json_fixed(json, "duration_s", (int64_t)(duration_ns(record) / JBR_NS_PER_US), 6);
	jbr_json_uint(json, "first_packet", record->first_packet);
	jbr_json_uint(json, "last_packet", record->last_packet);
	jbr_json_object_open(json, "rtt");
	write_rtt(json, "server_ms", record->rtt_server_ns);
	write_rtt(json, "client_ms", record->rtt_client_ns);
	jbr_json_object_close(json);
	write_ends(json, record);
	write_resets(json, record);
	write_anomalies(json, record->anomalies);
	jbr_event_write_trust(json, record->trust);
	if (record->tuple.tunnel != 0)
		jbr_json_uint(json, "tunnel", record->tuple.tunnel);
	jbr_event_write_aliases(json, &record->tuple, names);
	jbr_json_object_close(json);
}

void
jbr_event_write_flow(struct jbr_buffer *out, const struct jbr_flow_record *record, const char *host,
	const struct jbr_event_names *names)
{
	struct jbr_json json;

	jbr_json_init(&json, out);
	jbr_event_write_head(&json, "flow", record->order_ns, record->flow_id, &record->tuple);
	jbr_json_string(&json, "host", host);
	write_eve_flow(&json, record);
	write_jabiru(&json, record, names);
	jbr_json_object_close(&json);
	jbr_buffer_append(out, "\n", 1);
}
