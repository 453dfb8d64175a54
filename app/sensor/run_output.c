/* SPDX-License-Identifier: BSD-3-Clause */
#include "run_output.h"

#include <errno.h>
#include <stdlib.h>

#include "publish.h"
#include "sink.h"

enum {
	LIMITER_ENTITIES = 1 << 17,
	SERVICES_MAX = 4096, /* of one interval's aggregates */
	END_MS = 5000,       /* that a slow reader is waited for at the end */
};

/* One of the two. */
struct stream {
	const char *target; /* NULL = not asked for */
	struct sink *sink;
	struct jbr_event_budget budget;
	uint64_t offered;    /* lines */
	uint64_t aggregated; /* that went into an aggregate instead */
	uint64_t aggregates; /* lines of those */
	uint64_t left_out;
};

struct run_output {
	struct stream events;
	struct stream flows;
	struct jbr_event_limiter *limiter;
	struct jbr_event_aggregates *aggregates;
	struct publish *publish;    /* NULL = nobody */
	uint64_t findings_left_out; /* with events beyond the budget */
	struct jbr_buffer line;
	const char *host;
	const struct jbr_event_names *names; /* NULL = none */
};

/* ---- start ---- */

static const char *
target_of(const char *option, const char *configured)
{
	if (option != NULL)
		return option;
	return configured[0] != '\0' ? configured : NULL;
}

static bool
is_stdout(const struct stream *stream)
{
	return stream->target != NULL && strcmp(stream->target, "-") == 0;
}

static int
check_targets(const struct args *args, const struct stream *events, const struct stream *flows,
	struct jbr_error *error)
{
	if (args->json + is_stdout(events) + is_stdout(flows) > 1)
		return jbr_error_set(error, -EINVAL,
			"only one of --json, events and flows may go to standard output; name a "
			"file instead of - in output.events or output.flows");
	if (events->target == NULL || flows->target == NULL ||
		strcmp(events->target, flows->target) != 0 ||
		strncmp(events->target, "unix:", 5) == 0 ||
		strcmp(events->target, "/dev/null") == 0)
		return 0;
	return jbr_error_set(error, -EINVAL, "cannot write '%s': events and flows want a file each",
		events->target);
}

static int
open_events(struct run_output *output, const struct jbr_config *config, struct jbr_error *error)
{
	struct jbr_event_limits limits = {.interval_s = config->event_interval_s,
		.entities_per_s = config->event_entities_per_s,
		.entities_max = LIMITER_ENTITIES};

	if (output->events.target == NULL && !config->stats_publish)
		return 0;
	output->limiter = jbr_event_limiter_create(&limits);
	if (output->limiter == NULL)
		return jbr_error_set(error, -errno, "cannot start events: %s", strerror(errno));
	if (output->events.target == NULL)
		return 0;
	jbr_event_budget_init(&output->events.budget, config->event_events_per_s);
	return sink_open(output->events.target, (size_t)config->event_queue_megabytes << 20,
		&output->events.sink, error);
}

static int
open_flows(struct run_output *output, const struct jbr_config *config, struct jbr_error *error)
{
	if (output->flows.target == NULL)
		return 0;
	jbr_event_budget_init(&output->flows.budget, config->event_records_per_s);
	output->aggregates = jbr_event_aggregates_create(config->event_aggregate_s, SERVICES_MAX);
	if (output->aggregates == NULL)
		return jbr_error_set(error, -errno, "cannot start connection records: %s",
			strerror(errno));
	return sink_open(output->flows.target, (size_t)config->event_queue_megabytes << 20,
		&output->flows.sink, error);
}

int
run_output_open(const struct args *args, const struct jbr_config *config, const char *host,
	struct run_output **ret_output, struct jbr_error *error)
{
	struct run_output *output = calloc(1, sizeof(*output));
	int rc;

	if (output == NULL)
		return jbr_error_set(error, -ENOMEM, "cannot have outputs: %s", strerror(ENOMEM));
	output->host = host;
	output->events.target = target_of(args->events_path, config->output_events);
	output->flows.target = target_of(args->flows_path, config->output_flows);
	rc = check_targets(args, &output->events, &output->flows, error);
	if (rc == 0)
		rc = open_flows(output, config, error);
	if (rc == 0)
		rc = open_events(output, config, error);
	if (rc == 0)
		*ret_output = output;
	else
		run_output_free(output);
	return rc;
}

int
run_output_start(struct run_output *output, struct jbr_error *error)
{
	int rc = 0;

	if (output->events.sink != NULL)
		rc = sink_start(output->events.sink, error);
	if (rc == 0 && output->flows.sink != NULL)
		rc = sink_start(output->flows.sink, error);
	return rc;
}

void
run_output_publish(struct run_output *output, struct publish *publish)
{
	output->publish = publish;
}

void
run_output_names(struct run_output *output, const struct jbr_event_names *names)
{
	output->names = names;
}

bool
run_output_wants_findings(const struct run_output *output)
{
	return output->limiter != NULL;
}

bool
run_output_wants_records(const struct run_output *output)
{
	return output->flows.sink != NULL;
}

bool
run_output_has_stdout(const struct run_output *output)
{
	return is_stdout(&output->events) || is_stdout(&output->flows);
}

/* ---- lines ---- */

/* Hand over the line that was written. */
static void
put_line(struct run_output *output, struct stream *stream)
{
	if (output->line.failed) {
		stream->left_out++;
		jbr_buffer_fini(&output->line);
		return;
	}
	sink_put(stream->sink, output->line.data, output->line.length);
	output->line.length = 0;
}

static void
tell_record(struct run_output *output, const struct jbr_flow_record *record)
{
	struct stream *flows = &output->flows;
	bool is_half_open = jbr_event_is_half_open(record);
	uint32_t keep = is_half_open ? flows->budget.per_s / 2 : 0;

	flows->offered++;
	if (jbr_event_budget_take(&flows->budget, record->order_ns, keep)) {
		jbr_event_write_flow(&output->line, record, output->host, output->names);
		put_line(output, flows);
	} else if (is_half_open &&
		jbr_event_aggregates_add(output->aggregates, record, record->order_ns)) {
		flows->aggregated++;
	} else {
		flows->left_out++;
	}
}

/* @param now_ns  that its budget is of */
static void
tell_event(struct run_output *output, const struct jbr_event *event, uint64_t now_ns)
{
	struct stream *events = &output->events;
	bool is_alert = jbr_anomalies[event->finding.anomaly].severity == JBR_SEVERITY_ALERT;
	uint32_t keep = is_alert ? 0 : events->budget.per_s / 4;

	if (output->publish != NULL)
		publish_event(output->publish, event);
	if (events->sink == NULL)
		return;
	events->offered++;
	if (jbr_event_budget_take(&events->budget, now_ns, keep)) {
		jbr_event_write_anomaly(&output->line, event, output->host, output->names);
		put_line(output, events);
	} else {
		events->left_out++;
		output->findings_left_out += event->count;
	}
}

void
run_output_tell(void *context, const struct output *told)
{
	struct run_output *output = context;
	struct jbr_event event;

	for (uint32_t i = 0; output->flows.sink != NULL && i < told->nb_records; i++)
		tell_record(output, &told->records[i]);
	for (uint32_t i = 0; output->limiter != NULL && i < told->nb_findings; i++) {
		if (output->publish != NULL)
			publish_finding(output->publish, &told->findings[i]);
		if (jbr_event_limiter_offer(output->limiter, &told->findings[i], &event))
			tell_event(output, &event, event.finding.time_ns);
	}
}

static void
tell_aggregates(struct run_output *output, uint64_t now_ns)
{
	struct jbr_aggregate aggregate;

	while (output->aggregates != NULL &&
		jbr_event_aggregates_tell(output->aggregates, now_ns, &aggregate)) {
		output->flows.aggregates++;
		jbr_event_write_aggregate(&output->line, &aggregate, output->host, output->names);
		put_line(output, &output->flows);
	}
}

/* ---- while it runs, and the end ---- */

static void
for_each_sink(struct run_output *output, void (*what)(struct sink *))
{
	if (output->events.sink != NULL)
		what(output->events.sink);
	if (output->flows.sink != NULL)
		what(output->flows.sink);
}

static void
take_notes(struct run_output *output, struct jbr_buffer *notes)
{
	if (output->events.sink != NULL)
		sink_notes(output->events.sink, notes);
	if (output->flows.sink != NULL)
		sink_notes(output->flows.sink, notes);
}

void
run_output_tick(struct run_output *output, uint64_t now_ns, struct jbr_buffer *notes)
{
	tell_aggregates(output, now_ns);
	for_each_sink(output, sink_kick);
	take_notes(output, notes);
}

void
run_output_reopen(struct run_output *output)
{
	for_each_sink(output, sink_reopen);
}

int
run_output_reopened(struct run_output *output, struct jbr_error *error)
{
	struct sink *sinks[] = {output->events.sink, output->flows.sink};
	int rc = 0;

	for (size_t i = 0; i < JBR_COUNT_OF(sinks) && (rc == 0 || rc == -EAGAIN); i++) {
		int one = sinks[i] == NULL ? 0 : sink_reopened(sinks[i], error);

		rc = one != 0 ? one : rc;
	}
	return rc;
}

static void
end_sink(struct sink *sink)
{
	sink_end(sink, END_MS);
}

void
run_output_end(struct run_output *output, uint64_t now_ns)
{
	struct jbr_event event;

	while (output->limiter != NULL && jbr_event_limiter_drain(output->limiter, &event))
		tell_event(output, &event, now_ns);
	tell_aggregates(output, UINT64_MAX);
	for_each_sink(output, end_sink);
}

bool
run_output_is_over(struct run_output *output, struct jbr_buffer *notes)
{
	bool is_over = output->events.sink == NULL || sink_is_over(output->events.sink);

	is_over &= output->flows.sink == NULL || sink_is_over(output->flows.sink);
	take_notes(output, notes);
	return is_over;
}

/* ---- counts ---- */

static void
report_stream(const struct stream *stream, enum jbr_output output, struct live_report *report)
{
	struct live_output_report *row = &report->outputs[report->nb_outputs];

	if (stream->sink == NULL)
		return;
	*row = (struct live_output_report){.output = output,
		.target = stream->target,
		.offered = stream->offered,
		.aggregated = stream->aggregated,
		.aggregates = stream->aggregates,
		.left_out = stream->left_out};
	sink_status(stream->sink, &row->status);
	report->nb_outputs++;
}

void
run_output_report(const struct run_output *output, struct live_report *report)
{
	report->nb_outputs = 0;
	report_stream(&output->events, JBR_OUTPUT_EVENTS, report);
	report_stream(&output->flows, JBR_OUTPUT_FLOWS, report);
}

uint64_t
run_output_findings_left_out(const struct run_output *output)
{
	return output->findings_left_out +
		(output->limiter == NULL ? 0 : jbr_event_limiter_left_out(output->limiter));
}

void
run_output_free(struct run_output *output)
{
	if (output == NULL)
		return;
	sink_free(output->events.sink);
	sink_free(output->flows.sink);
	jbr_event_limiter_free(output->limiter);
	jbr_event_aggregates_free(output->aggregates);
	jbr_buffer_fini(&output->line);
	free(output);
}
