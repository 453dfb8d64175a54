/* SPDX-License-Identifier: BSD-3-Clause */
#include "report_live.h"

#include <errno.h>
#include <inttypes.h>

#include "report_private.h"

static uint64_t
in_flight(const struct live_port_report *port)
{
	return port->received > port->polled ? port->received - port->polled : 0;
}

uint64_t
live_report_missed(const struct live_report *report)
{
	uint64_t missed = 0;

	for (uint32_t i = 0; i < report->nb_ports; i++)
		missed += report->ports[i].missed + report->ports[i].no_buffer;
	return missed;
}

static int
check_worker(const struct live_worker_report *worker, unsigned index, struct jbr_error *error)
{
	if (worker->polled + worker->ring_in ==
		worker->tcp + worker->not_analysed + worker->ring_out)
		return 0;
	return jbr_error_set(error, -EINVAL,
		"worker %u: polled %" PRIu64 " + ring_in %" PRIu64 " is not tcp %" PRIu64
		" + not_analysed %" PRIu64 " + ring_out %" PRIu64,
		index, worker->polled, worker->ring_in, worker->tcp, worker->not_analysed,
		worker->ring_out);
}

static int
check_port(const struct live_port_report *port, unsigned index, bool is_over,
	struct jbr_error *error)
{
	uint64_t most = is_over ? 0 : (uint64_t)port->queues * port->rx_descriptors;

	if (port->polled <= port->received && in_flight(port) <= most)
		return 0;
	return jbr_error_set(error, -EINVAL,
		"ports[%u]: %s received %" PRIu64 " frames and %" PRIu64
		" were fetched, but at most %" PRIu64 " can be on the way",
		index, port->device, port->received, port->polled, most);
}

static int
check_output(const struct live_output_report *output, struct jbr_error *error)
{
	const struct sink_status *status = &output->status;

	if (output->offered + output->aggregates !=
		status->emitted + output->aggregated + output->left_out)
		return jbr_error_set(error, -EINVAL,
			"%s: offered %" PRIu64 " + aggregates %" PRIu64 " is not emitted %" PRIu64
			" + aggregated %" PRIu64 " + left_out %" PRIu64,
			jbr_outputs[output->output], output->offered, output->aggregates,
			status->emitted, output->aggregated, output->left_out);
	if (status->emitted !=
		status->written + status->queued + status->lost_queue + status->lost_write +
			status->lost_long)
		return jbr_error_set(error, -EINVAL,
			"%s: emitted %" PRIu64 " is not written %" PRIu64 " + queued %" PRIu64
			" + lost_queue %" PRIu64 " + lost_write %" PRIu64 " + lost_long %" PRIu64,
			jbr_outputs[output->output], status->emitted, status->written,
			status->queued, status->lost_queue, status->lost_write, status->lost_long);
	return 0;
}

int
live_report_check(const struct live_report *report, bool is_over, struct jbr_error *error)
{
	uint64_t out = 0, in = 0, quotes_out = 0, quotes_in = 0;
	int rc = 0;

	for (uint32_t i = 0; i < report->nb_workers && rc == 0; i++) {
		rc = check_worker(&report->workers[i], i, error);
		out += report->workers[i].ring_out;
		in += report->workers[i].ring_in;
		quotes_out += report->workers[i].quotes_out;
		quotes_in += report->workers[i].quotes_in;
	}
	for (uint32_t i = 0; i < report->nb_ports && rc == 0; i++)
		rc = check_port(&report->ports[i], i, is_over, error);
	for (uint32_t i = 0; i < report->nb_outputs && rc == 0; i++)
		rc = check_output(&report->outputs[i], error);
	if (rc == 0 && (in != out || quotes_in != quotes_out))
		rc = jbr_error_set(error, -EINVAL,
			"workers: ring_in %" PRIu64 " is not ring_out %" PRIu64
			", or quotes_in %" PRIu64 " not quotes_out %" PRIu64,
			in, out, quotes_in, quotes_out);
	return rc;
}

/* Ticks as ns. */
static int64_t
to_ns(const struct live_report *report, uint64_t ticks)
{
	return report_scaled(ticks, report->tsc_hz, JBR_NS_PER_S);
}

static void
json_port(struct jbr_json *json, const struct live_port_report *port)
{
	jbr_json_object_open(json, NULL);
	jbr_json_string(json, "device", port->device);
	jbr_json_string(json, "driver", port->driver);
	jbr_json_uint(json, "queues", port->queues);
	jbr_json_uint(json, "rx_descriptors", port->rx_descriptors);
	jbr_json_uint(json, "received", port->received);
	jbr_json_uint(json, "polled", port->polled);
	jbr_json_uint(json, "in_flight", in_flight(port));
	jbr_json_uint(json, "missed", port->missed);
	jbr_json_uint(json, "no_buffer", port->no_buffer);
	jbr_json_uint(json, "errors", port->errors);
	jbr_json_object_close(json);
}

static void
json_worker(struct jbr_json *json, const struct live_report *report,
	const struct live_worker_report *worker)
{
	jbr_json_object_open(json, NULL);
	jbr_json_uint(json, "cpu", worker->cpu);
	jbr_json_uint(json, "polled", worker->polled);
	jbr_json_uint(json, "ring_in", worker->ring_in);
	jbr_json_uint(json, "ring_out", worker->ring_out);
	jbr_json_uint(json, "ring_full", worker->ring_full);
	jbr_json_uint(json, "quotes_in", worker->quotes_in);
	jbr_json_uint(json, "quotes_out", worker->quotes_out);
	jbr_json_uint(json, "quotes_lost", worker->quotes_lost);
	jbr_json_uint(json, "tcp", worker->tcp);
	jbr_json_uint(json, "not_analysed", worker->not_analysed);
	jbr_json_uint(json, "lost_records", worker->lost_records);
	jbr_json_uint(json, "lost_findings", worker->lost_findings);
	jbr_json_uint(json, "polls", worker->turns);
	jbr_json_fixed(json, "busy_ratio",
		report_scaled(worker->busy_ticks, worker->all_ticks, 1000000), 6);
	jbr_json_fixed(json, "gap_max_us", to_ns(report, worker->gap_max_ticks), 3);
	jbr_json_fixed(json, "gap_p9999_us", to_ns(report, worker->gap_p9999_ticks), 3);
	jbr_json_object_close(json);
}

static void
json_output(struct jbr_json *json, const struct live_output_report *output)
{
	const struct sink_status *status = &output->status;

	jbr_json_object_open(json, NULL);
	jbr_json_string(json, "name", jbr_outputs[output->output]);
	jbr_json_string(json, "target", output->target);
	jbr_json_uint(json, "offered", output->offered);
	jbr_json_uint(json, "aggregated", output->aggregated);
	jbr_json_uint(json, "aggregates", output->aggregates);
	jbr_json_uint(json, "left_out", output->left_out);
	jbr_json_uint(json, "emitted", status->emitted);
	jbr_json_uint(json, "written", status->written);
	jbr_json_uint(json, "queued", status->queued);
	jbr_json_uint(json, "lost_queue", status->lost_queue);
	jbr_json_uint(json, "lost_write", status->lost_write);
	jbr_json_uint(json, "lost_long", status->lost_long);
	jbr_json_bool(json, "is_open", status->is_open);
	jbr_json_string(json, "error", status->error[0] != '\0' ? status->error : NULL);
	jbr_json_object_close(json);
}

void
live_report_json(struct jbr_json *json, const struct live_report *report)
{
	jbr_json_object_open(json, "live");
	jbr_json_string(json, "steering", report->steering);
	jbr_json_string(json, "idle", report->idle);
	jbr_json_bool(json, "hugepages", report->has_hugepages);
	jbr_json_uint(json, "tsc_hz", report->tsc_hz);
	jbr_json_int(json, "clock_offset_ns", report->clock_offset_ns);
	jbr_json_array_open(json, "ports");
	for (uint32_t i = 0; i < report->nb_ports; i++)
		json_port(json, &report->ports[i]);
	jbr_json_array_close(json);
	jbr_json_array_open(json, "workers");
	for (uint32_t i = 0; i < report->nb_workers; i++)
		json_worker(json, report, &report->workers[i]);
	jbr_json_array_close(json);
	jbr_json_array_open(json, "sinks");
	for (uint32_t i = 0; i < report->nb_outputs; i++)
		json_output(json, &report->outputs[i]);
	jbr_json_array_close(json);
	jbr_json_object_close(json);
}

static void
text_port(struct jbr_buffer *out, const struct live_port_report *port, unsigned index)
{
	jbr_buffer_format(out,
		"  port %u, %s\n"
		"    %" PRIu64 " received, %" PRIu64 " fetched, %" PRIu64 " on the way\n"
		"    lost: %" PRIu64 " missed, %" PRIu64 " without a buffer; %" PRIu64 " broken\n",
		index, port->device, port->received, port->polled, in_flight(port), port->missed,
		port->no_buffer, port->errors);
}

static void
text_worker(struct jbr_buffer *out, const struct live_report *report, unsigned index)
{
	const struct live_worker_report *worker = &report->workers[index];
	int64_t busy = report_scaled(worker->busy_ticks, worker->all_ticks, 1000);
	int64_t max_ns = to_ns(report, worker->gap_max_ticks);
	int64_t p9999_ns = to_ns(report, worker->gap_p9999_ticks);

	jbr_buffer_format(out,
		"  worker %u, CPU %u\n"
		"    %" PRIu64 " fetched + %" PRIu64 " from others\n"
		"    = %" PRIu64 " TCP + %" PRIu64 " not analysed + %" PRIu64 " to others\n"
		"    busy %" PRIi64 ".%" PRIi64 " %%; between two polls at most %" PRIi64
		" us, 99.99 %% within %" PRIi64 " us\n",
		index, worker->cpu, worker->polled, worker->ring_in, worker->tcp,
		worker->not_analysed, worker->ring_out, busy / 10, busy % 10, max_ns / 1000,
		p9999_ns / 1000);
	if (worker->ring_full > 0)
		jbr_buffer_format(out, "    %" PRIu64 " dropped: another worker did not keep up\n",
			worker->ring_full);
	if (worker->lost_records > 0 || worker->lost_findings > 0)
		jbr_buffer_format(out,
			"    not written, for the output did not keep up: %" PRIu64
			" connections, %" PRIu64 " findings\n",
			worker->lost_records, worker->lost_findings);
}

static void
text_output(struct jbr_buffer *out, const struct live_output_report *output)
{
	const struct sink_status *status = &output->status;
	uint64_t lost = status->lost_queue + status->lost_write + status->lost_long;

	jbr_buffer_format(out,
		"  %s to %s\n"
		"    %" PRIu64 " lines written, %" PRIu64 " waiting, %" PRIu64 " lost\n",
		jbr_outputs[output->output], output->target, status->written, status->queued, lost);
	if (lost > 0)
		jbr_buffer_format(out,
			"    lost: %" PRIu64 " for a full queue, %" PRIu64
			" while it failed, %" PRIu64 " too long\n",
			status->lost_queue, status->lost_write, status->lost_long);
	if (output->aggregated > 0)
		jbr_buffer_format(out,
			"    %" PRIu64 " half-open connections in %" PRIu64 " lines, by service\n",
			output->aggregated, output->aggregates);
	if (output->left_out > 0)
		jbr_buffer_format(out,
			"    %" PRIu64 " beyond the budget (section event) are in no line\n",
			output->left_out);
	if (status->error[0] != '\0')
		jbr_buffer_format(out, "    %s\n", status->error);
}

void
live_report_text(struct jbr_buffer *out, const struct live_report *report)
{
	for (uint32_t i = 0; i < report->nb_ports; i++)
		text_port(out, &report->ports[i], i);
	for (uint32_t i = 0; i < report->nb_workers; i++)
		text_worker(out, report, i);
	for (uint32_t i = 0; i < report->nb_outputs; i++)
		text_output(out, &report->outputs[i]);
}
