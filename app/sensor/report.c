/* SPDX-License-Identifier: BSD-3-Clause */
#include "report.h"

#include "report_live.h"
#include "report_private.h"

enum { MILLION = 1000000 };

static void
write_ratio(struct jbr_json *json, const char *key, uint64_t part, uint64_t whole)
{
	jbr_json_fixed(json, key, report_scaled(part, whole, MILLION), 6);
}

static void
write_interval(struct jbr_json *json, const struct report *report)
{
	bool has_packet = report->counters->received > 0;
	const struct {
		const char *key;
		uint64_t time_ns;
	} ends[] = {{"start", report->start_ns}, {"end", report->end_ns}};

	jbr_json_object_open(json, "interval");
	for (size_t i = 0; i < JBR_COUNT_OF(ends); i++)
		if (has_packet)
			jbr_json_fixed(json, ends[i].key,
				(int64_t)(ends[i].time_ns / JBR_NS_PER_US), 6);
		else
			jbr_json_null(json, ends[i].key);
	jbr_json_object_close(json);
}

static void
write_packets(struct jbr_json *json, const struct report *report)
{
	const struct jbr_counters *counters = report->counters;

	jbr_json_object_open(json, "packets");
	jbr_json_uint(json, "received", counters->received);
	jbr_json_uint(json, "bytes", counters->received_bytes);
	jbr_json_uint(json, "tcp", counters->tcp);
	jbr_json_uint(json, "duplicate", counters->duplicate);
	jbr_json_object_open(json, "not_analysed");
	for (unsigned i = 0; i < JBR_NOT_ANALYSED_COUNT; i++)
		jbr_json_uint(json, jbr_not_analysed[i].key, counters->not_analysed[i]);
	jbr_json_object_close(json);
	jbr_json_uint(json, "missed", report->missed);
	jbr_json_object_close(json);
}

static void
write_segments(struct jbr_json *json, const struct jbr_counters *counters)
{
	jbr_json_object_open(json, "segments");
	for (unsigned i = 0; i < JBR_SEGMENT_COUNT; i++)
		jbr_json_uint(json, jbr_segments[i].key, counters->segments[i]);
	jbr_json_object_close(json);
}

static void
write_connections(struct jbr_json *json, const struct jbr_counters *counters)
{
	jbr_json_object_open(json, "connections");
	jbr_json_uint(json, "total", counters->connections);
	jbr_json_object_open(json, "outcomes");
	for (unsigned i = 0; i < JBR_OUTCOME_COUNT; i++)
		jbr_json_uint(json, jbr_outcomes[i].key, counters->outcomes[i]);
	jbr_json_object_close(json);
	jbr_json_object_open(json, "conn_states");
	for (unsigned i = 0; i < JBR_OUTCOME_ZEEK_COUNT; i++)
		jbr_json_uint(json, jbr_outcomes[i].key, counters->conn_states[i]);
	jbr_json_object_close(json);
	jbr_json_object_open(json, "evicted");
	for (unsigned i = 0; i < JBR_FLOW_CLASSES; i++)
		jbr_json_uint(json, jbr_evictions[i].key, counters->evictions[i]);
	jbr_json_object_close(json);
	jbr_json_object_close(json);
}

static void
write_resets(struct jbr_json *json, const struct jbr_counters *counters)
{
	jbr_json_object_open(json, "resets");
	for (unsigned i = 0; i < JBR_RESET_COUNT; i++)
		jbr_json_uint(json, jbr_resets[i].key, counters->resets[i]);
	jbr_json_uint(json, "pending", counters->resets_pending);
	jbr_json_object_close(json);
}

static void
write_anomalies(struct jbr_json *json, const struct jbr_counters *counters)
{
	jbr_json_object_open(json, "anomalies");
	for (unsigned i = 0; i < JBR_ANOM_COUNT; i++)
		jbr_json_uint(json, jbr_anomalies[i].key, counters->anomalies[i]);
	jbr_json_object_close(json);
}

static void
write_trust(struct jbr_json *json, const struct jbr_counters *counters)
{
	jbr_json_object_open(json, "trust");
	write_ratio(json, "capture_loss_ratio", counters->acks_unseen, counters->acks);
	write_ratio(json, "one_way_ratio", counters->one_way, counters->connections);
	write_ratio(json, "duplicate_ratio", counters->duplicate, counters->tcp);
	jbr_json_uint(json, "midstream", counters->midstream);
	jbr_json_object_close(json);
}

static void
write_performance(struct jbr_json *json, const struct report *report)
{
	uint64_t received = report->counters->received;

	jbr_json_object_open(json, "performance");
	jbr_json_fixed(json, "packets_per_second",
		report_scaled(received, report->elapsed_ns, 10 * JBR_NS_PER_S), 1);
	if (report->cycles > 0 && received > 0)
		jbr_json_fixed(json, "cycles_per_packet",
			report_scaled(report->cycles, received, 10), 1);
	else
		jbr_json_null(json, "cycles_per_packet");
	jbr_json_uint(json, "workers", report->workers);
	jbr_json_fixed(json, "elapsed_s", (int64_t)(report->elapsed_ns / JBR_NS_PER_US), 6);
	jbr_json_uint(json, "memory_bytes", report->memory_bytes);
	jbr_json_object_close(json);
}

void
report_write_json(struct jbr_buffer *out, const struct report *report)
{
	struct jbr_json json;

	jbr_json_init(&json, out);
	jbr_json_object_open(&json, NULL);
	jbr_json_string(&json, "jabiru", report->version);
	jbr_json_string(&json, "mode", report->mode);
	write_interval(&json, report);
	write_packets(&json, report);
	write_segments(&json, report->counters);
	write_connections(&json, report->counters);
	write_resets(&json, report->counters);
	write_anomalies(&json, report->counters);
	write_trust(&json, report->counters);
	write_performance(&json, report);
	if (report->live != NULL)
		live_report_json(&json, report->live);
	jbr_json_object_close(&json);
	jbr_buffer_append(out, "\n", 1);
}
