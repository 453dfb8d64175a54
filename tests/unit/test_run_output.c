/* SPDX-License-Identifier: BSD-3-Clause */
/* What of that which workers tell becomes a line, within the budgets; and that all of it is counted. */
#include "sink_story.h"

#include <errno.h>

#include "jbr_config.h"
#include "publish.h"
#include "run_output.h"

#define START_NS UINT64_C(1795456800000000000)

enum { RECORDS_PER_S = 100, EVENTS_PER_S = 40, AGGREGATE_S = 10 };

/* What workers tell is large. */
static struct output told;

static struct jbr_config
small_config(void)
{
	struct jbr_config config;

	jbr_config_defaults(&config);
	config.stats_publish = false;
	config.event_records_per_s = RECORDS_PER_S;
	config.event_events_per_s = EVENTS_PER_S;
	config.event_entities_per_s = 100000;
	config.event_aggregate_s = AGGREGATE_S;
	return config;
}

static struct run_output *
open_output(const struct args *args, const struct jbr_config *config)
{
	struct run_output *output = NULL;
	struct jbr_error error = {0};

	if (run_output_open(args, config, "unit", &output, &error) < 0)
		fail_msg("%s", error.text);
	assert_int_equal(run_output_start(output, &error), 0);
	return output;
}

/* Tell @p count connections that ended at @p time_ms. */
static void
tell_records(struct run_output *output, unsigned count, unsigned conn_state, uint64_t time_ms)
{
	told.nb_findings = 0;
	while (count > 0) {
		told.nb_records = count < OUTPUT_RECORDS ? count : OUTPUT_RECORDS;
		for (uint32_t i = 0; i < told.nb_records; i++) {
			told.records[i] =
				(struct jbr_flow_record){.tuple = {.src = {10, 1, (uint8_t)(i >> 8),
									   (uint8_t)i},
								 .dst = {10, 2, 0, 1},
								 .src_port = 1024,
								 .dst_port = 443,
								 .ip_version = 4},
					.flow_id = i + 1,
					.order_ns = START_NS + time_ms * JBR_NS_PER_MS,
					.start_ns = START_NS,
					.end_ns = START_NS,
					.packets = {1, 0},
					.bytes = {60, 0},
					.conn_state = (uint8_t)conn_state,
					.outcome = (uint8_t)conn_state,
					.state = conn_state == JBR_OUTCOME_S0
						? JBR_TCP_STATE_SYN_SENT
						: JBR_TCP_STATE_TIME_WAIT};
		}
		count -= told.nb_records;
		run_output_tell(output, &told);
	}
}

/* Tell @p count findings, each of another source. */
static void
tell_findings(struct run_output *output, unsigned count, unsigned anomaly, uint64_t time_ms)
{
	told.nb_records = 0;
	told.nb_findings = count;
	for (uint32_t i = 0; i < count; i++)
		told.findings[i] = (struct jbr_finding){.tuple = {.src = {10, (uint8_t)anomaly,
									  (uint8_t)(i >> 8),
									  (uint8_t)i},
								.dst = {10, 2, 0, 1},
								.ip_version = 4},
			.time_ns = START_NS + time_ms * JBR_NS_PER_MS,
			.packet = i + 1,
			.anomaly = (uint16_t)anomaly};
	run_output_tell(output, &told);
}

/* The counts of an output; its identities hold. */
static struct live_output_report
counts_of(const struct run_output *output, enum jbr_output which)
{
	static struct live_report report;
	struct jbr_error error = {0};

	memset(&report, 0, sizeof(report));
	run_output_report(output, &report);
	if (live_report_check(&report, true, &error) < 0)
		fail_msg("%s", error.text);
	for (uint32_t i = 0; i < report.nb_outputs; i++)
		if (report.outputs[i].output == which)
			return report.outputs[i];
	fail_msg("there is no output '%s'", jbr_outputs[which]);
	return (struct live_output_report){0};
}

static void
end_output(struct run_output *output, uint64_t time_ms)
{
	struct jbr_buffer notes = {0};
	unsigned rests = 0;

	run_output_end(output, START_NS + time_ms * JBR_NS_PER_MS);
	while (!run_output_is_over(output, &notes))
		story_patience(&rests, "for the end");
	jbr_buffer_fini(&notes);
}

/* Lines of a file, and those of them that have @p words. */
static unsigned
lines_of(const char *path, const char *words, unsigned *ret_with)
{
	static char line[1 << 16];
	FILE *file = fopen(path, "re");
	unsigned lines = 0;

	assert_non_null(file);
	*ret_with = 0;
	while (fgets(line, sizeof(line), file) != NULL) {
		assert_int_equal(line[strlen(line) - 1], '\n');
		lines++;
		*ret_with += strstr(line, words) != NULL;
	}
	(void)fclose(file);
	return lines;
}

static void
budget_of_records(void **state)
{
	struct jbr_config config = small_config();
	struct args args = {.flows_path = story_path("", "flows")};
	struct run_output *output = open_output(&args, &config);
	struct live_output_report counts;
	struct jbr_buffer notes = {0};
	unsigned aggregates;

	(void)state;
	assert_true(run_output_wants_records(output));
	assert_false(run_output_wants_findings(output));
	assert_false(run_output_has_stdout(output));
	/* a flood takes half of the budget; the other half is there for what matters more */
	tell_records(output, 1000, JBR_OUTCOME_S0, 1000);
	tell_records(output, 70, JBR_OUTCOME_SF, 1000);
	counts = counts_of(output, JBR_OUTPUT_FLOWS);
	assert_int_equal(counts.offered, 1070);
	assert_int_equal(counts.status.emitted, RECORDS_PER_S);
	assert_int_equal(counts.aggregated, 1000 - RECORDS_PER_S / 2);
	assert_int_equal(counts.left_out, 20);
	assert_int_equal(counts.aggregates, 0);
	/* the interval is told when it is over, by the stamps' time */
	run_output_tick(output, START_NS + 10999 * JBR_NS_PER_MS, &notes);
	assert_int_equal(counts_of(output, JBR_OUTPUT_FLOWS).aggregates, 0);
	run_output_tick(output, START_NS + 11000 * JBR_NS_PER_MS, &notes);
	assert_int_equal(counts_of(output, JBR_OUTPUT_FLOWS).aggregates, 1);
	/* what is left is told at the end */
	tell_records(output, 60, JBR_OUTCOME_S0, 12000);
	end_output(output, 13000);
	counts = counts_of(output, JBR_OUTPUT_FLOWS);
	assert_int_equal(counts.aggregates, 2);
	assert_int_equal(counts.aggregated, 960);
	assert_int_equal(counts.status.written, counts.status.emitted);
	run_output_free(output);
	assert_int_equal(lines_of(args.flows_path, "\"event_type\":\"flow_aggregate\"",
				 &aggregates),
		counts.status.written);
	assert_int_equal(aggregates, 2);
	jbr_buffer_fini(&notes);
}

/* The first anomaly of a severity; a row of packets, which are limited by source. */
static unsigned
anomaly_of(bool is_alert)
{
	for (unsigned i = 0; i < JBR_ANOM_COUNT; i++)
		if ((jbr_anomalies[i].severity == JBR_SEVERITY_ALERT) == is_alert &&
			jbr_anomalies[i].scope == JBR_SCOPE_PACKET)
			return i;
	fail_msg("there is no such row");
	return 0;
}

static void
budget_of_events(void **state)
{
	struct jbr_config config = small_config();
	struct args args = {.events_path = story_path("", "events")};
	struct run_output *output = open_output(&args, &config);
	struct live_output_report counts;
	unsigned with;

	(void)state;
	assert_true(run_output_wants_findings(output));
	assert_false(run_output_wants_records(output));
	/* a quarter is kept for alerts */
	tell_findings(output, 100, anomaly_of(false), 1000);
	assert_int_equal(counts_of(output, JBR_OUTPUT_EVENTS).left_out, 100 - EVENTS_PER_S * 3 / 4);
	tell_findings(output, 15, anomaly_of(true), 1000);
	counts = counts_of(output, JBR_OUTPUT_EVENTS);
	assert_int_equal(counts.offered, 115);
	assert_int_equal(counts.status.emitted, EVENTS_PER_S);
	assert_int_equal(counts.left_out, 75);
	assert_int_equal(run_output_findings_left_out(output), 75);
	/* again within the interval: no event yet, but at the end, with the count */
	tell_findings(output, 10, anomaly_of(false), 1500);
	assert_int_equal(counts_of(output, JBR_OUTPUT_EVENTS).offered, 115);
	end_output(output, 5000);
	counts = counts_of(output, JBR_OUTPUT_EVENTS);
	assert_int_equal(counts.offered, 125);
	assert_int_equal(counts.status.written, EVENTS_PER_S + 10);
	assert_int_equal(run_output_findings_left_out(output), 75);
	run_output_free(output);
	assert_int_equal(lines_of(args.events_path, "\"count\":1,", &with), EVENTS_PER_S + 10);
	assert_int_equal(with, EVENTS_PER_S + 10);
}

static uint64_t
published(const struct jbr_shm *shm, const struct jbr_shm_snapshot *snapshot, const char *name,
	const char *label)
{
	const struct jbr_shm_series *series = jbr_shm_find(shm, name, label);

	if (series == NULL)
		fail_msg("nothing is published as %s", name);
	return snapshot->values[series->slot];
}

/* What is published: all events, whatever the budget of the log, and the counts of the outputs. */
static void
for_readers(void **state)
{
	struct jbr_config config = small_config();
	struct args args = {.events_path = story_path("", "told")};
	struct publish_params params = {.config = &config,
		.mode = "run",
		.sensor = "unit",
		.nb_workers = 1};
	struct run_output *output;
	struct live_report *report = calloc(1, sizeof(*report));
	struct publish *publish = NULL;
	struct jbr_shm_snapshot snapshot = {0};
	struct jbr_error error = {0};
	struct jbr_shm *shm = NULL;

	(void)state;
	assert_non_null(report);
	config.stats_publish = true;
	snprintf(config.stats_folder, sizeof(config.stats_folder), "%s", story_folder);
	snprintf(config.stats_instance, sizeof(config.stats_instance), "segment");
	assert_int_equal(publish_create(&params, &publish, &error), 0);
	output = open_output(&args, &config);
	run_output_publish(output, publish);
	tell_findings(output, 100, anomaly_of(false), 1000);
	end_output(output, 2000);
	run_output_report(output, report);
	publish_gather(publish);
	publish_live(publish, report);
	publish_snapshot(publish);

	assert_int_equal(jbr_shm_open(story_path("", "segment"), &shm, &error), 0);
	snapshot.values = calloc(jbr_shm_info(shm)->nb_values, sizeof(uint64_t));
	assert_non_null(snapshot.values);
	assert_int_equal(jbr_shm_read(shm, 1, &snapshot), 0);
	assert_int_equal(published(shm, &snapshot, "jabiru_events_total", NULL), 100);
	assert_int_equal(published(shm, &snapshot, "jabiru_output_written_lines_total", "events"),
		30);
	assert_int_equal(published(shm, &snapshot, "jabiru_output_left_out_total", "events"), 70);
	assert_int_equal(published(shm, &snapshot, "jabiru_output_open", "events"), 1);
	assert_int_equal(published(shm, &snapshot, "jabiru_output_lines_total", "flows"), 0);
	jbr_shm_close(shm);
	run_output_free(output);
	publish_free(publish);
	free(snapshot.values);
	free(report);
	/* without a log, events are for readers alone */
	args.events_path = NULL;
	output = open_output(&args, &config);
	assert_true(run_output_wants_findings(output));
	run_output_free(output);
}

/* The configuration names the outputs; an option goes first. */
static void
where_it_goes(void **state)
{
	struct jbr_config config = small_config();
	struct args args = {0};
	struct run_output *output;
	struct jbr_error error;

	(void)state;
	snprintf(config.output_events, sizeof(config.output_events), "%s", story_path("", "e1"));
	snprintf(config.output_flows, sizeof(config.output_flows), "%s", story_path("", "f1"));
	args.flows_path = story_path("", "f2");
	output = open_output(&args, &config);
	assert_string_equal(counts_of(output, JBR_OUTPUT_EVENTS).target, config.output_events);
	assert_string_equal(counts_of(output, JBR_OUTPUT_FLOWS).target, args.flows_path);
	run_output_free(output);
	assert_int_equal(access(config.output_events, F_OK), 0);
	assert_int_equal(access(config.output_flows, F_OK), -1);

	args = (struct args){.json = true};
	snprintf(config.output_flows, sizeof(config.output_flows), "-");
	assert_int_equal(run_output_open(&args, &config, "unit", &output, &error), -EINVAL);
	assert_non_null(strstr(error.text, "may go to standard output"));
	args = (struct args){.flows_path = config.output_events};
	assert_int_equal(run_output_open(&args, &config, "unit", &output, &error), -EINVAL);
	assert_non_null(strstr(error.text, "events and flows want a file each"));
	/* one socket may take both */
	args = (struct args){.flows_path = "unix:/nonexistent", .events_path = "unix:/nonexistent"};
	output = open_output(&args, &config);
	run_output_free(output);
}

/* Nothing is asked for: nothing is told, nothing is held. */
static void
no_output(void **state)
{
	struct jbr_config config = small_config();
	struct args args = {0};
	struct run_output *output = open_output(&args, &config);
	struct live_report *report = calloc(1, sizeof(*report));

	(void)state;
	assert_non_null(report);
	tell_records(output, 1, JBR_OUTCOME_SF, 1000);
	tell_findings(output, 1, anomaly_of(true), 1000);
	end_output(output, 2000);
	run_output_report(output, report);
	assert_int_equal(report->nb_outputs, 0);
	assert_int_equal(run_output_findings_left_out(output), 0);
	run_output_free(output);
	run_output_free(NULL);
	free(report);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(budget_of_records),
		cmocka_unit_test(budget_of_events),
		cmocka_unit_test(for_readers),
		cmocka_unit_test(where_it_goes),
		cmocka_unit_test(no_output),
	};

	return cmocka_run_group_tests_name("run output", tests, story_begin, story_end);
}
