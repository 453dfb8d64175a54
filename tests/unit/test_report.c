/* SPDX-License-Identifier: BSD-3-Clause */
/* Both forms of the report. With the argument --lines the program prints the JSON it tests, for the
 * schema to judge. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "report.h"

enum { COLUMNS = 100, TEXT_SIZE = 1 << 16 };

/* Every counter another number, so that no two can be mixed up; the identities hold. */
static struct jbr_counters
filled_counters(void)
{
	struct jbr_counters counters = {.tcp = 700000, .duplicate = 7};

	for (unsigned i = 0; i < JBR_NOT_ANALYSED_COUNT; i++)
		counters.not_analysed[i] = 1000 + i;
	counters.received = counters.tcp + jbr_counters_not_analysed(&counters);
	counters.received_bytes = UINT64_C(123456789012);
	for (unsigned i = 0; i < JBR_SEGMENT_COUNT; i++)
		counters.segments[i] = 2000 + i;
	counters.segments[JBR_SEGMENT_RST] = counters.resets_pending = 9;
	for (unsigned i = 0; i < JBR_RESET_COUNT; i++) {
		counters.resets[i] = 3000 + i;
		counters.segments[JBR_SEGMENT_RST] += counters.resets[i];
	}
	for (unsigned i = 0; i < JBR_OUTCOME_COUNT; i++) {
		counters.outcomes[i] = 4000 + i;
		counters.connections += counters.outcomes[i];
	}
	for (unsigned i = 0; i < JBR_OUTCOME_ZEEK_COUNT; i++)
		counters.conn_states[i] = 5000 + i;
	counters.conn_states[0] = counters.connections;
	for (unsigned i = 1; i < JBR_OUTCOME_ZEEK_COUNT; i++)
		counters.conn_states[0] -= counters.conn_states[i];
	for (unsigned i = 0; i < JBR_ANOM_COUNT; i++)
		counters.anomalies[i] = 6000 + i;
	counters.midstream = 11;
	counters.acks = 3;
	counters.acks_unseen = 2;
	counters.one_way = 0;
	return counters;
}

static struct report
report_on(const struct jbr_counters *counters)
{
	return (struct report){
		.counters = counters,
		.version = "1.2.3",
		.mode = "replay",
		.start_ns = UINT64_C(1795456800123456789),
		.end_ns = UINT64_C(1795457112000001999),
		.missed = 5,
		.workers = 2,
		.elapsed_ns = 2 * JBR_NS_PER_S,
		.cycles = 0,
		.memory_bytes = 4096,
	};
}

static void __attribute__((format(printf, 2, 3))) add(char *text, const char *format, ...)
{
	size_t length = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + length, TEXT_SIZE - length, format, args);
	va_end(args);
}

static void
add_member(char *text, unsigned i, const char *key, uint64_t value)
{
	add(text, "%s\"%s\":%llu", i > 0 ? "," : "", key, (unsigned long long)value);
}

/* The object as the design gives it, written down a second time. */
static void
expected_json(char *text, const struct jbr_counters *counters, const char *interval,
	const char *trust, const char *performance)
{
	text[0] = '\0';
	add(text, "{\"jabiru\":\"1.2.3\",\"mode\":\"replay\",\"interval\":{%s},\"packets\":{",
		interval);
	add_member(text, 0, "received", counters->received);
	add_member(text, 1, "bytes", counters->received_bytes);
	add_member(text, 2, "tcp", counters->tcp);
	add_member(text, 3, "duplicate", counters->duplicate);
	add(text, ",\"not_analysed\":{");
	for (unsigned i = 0; i < JBR_NOT_ANALYSED_COUNT; i++)
		add_member(text, i, jbr_not_analysed[i].key, counters->not_analysed[i]);
	add(text, "},\"missed\":5},\"segments\":{");
	for (unsigned i = 0; i < JBR_SEGMENT_COUNT; i++)
		add_member(text, i, jbr_segments[i].key, counters->segments[i]);
	add(text, "},\"connections\":{\"total\":%llu,\"outcomes\":{",
		(unsigned long long)counters->connections);
	for (unsigned i = 0; i < JBR_OUTCOME_COUNT; i++)
		add_member(text, i, jbr_outcomes[i].key, counters->outcomes[i]);
	add(text, "},\"conn_states\":{");
	for (unsigned i = 0; i < 13; i++)
		add_member(text, i, jbr_outcomes[i].key, counters->conn_states[i]);
	add(text, "},\"evicted\":{");
	for (unsigned i = 0; i < JBR_FLOW_CLASSES; i++)
		add_member(text, i, jbr_evictions[i].key, counters->evictions[i]);
	add(text, "}},\"resets\":{");
	for (unsigned i = 0; i < JBR_RESET_COUNT; i++)
		add_member(text, i, jbr_resets[i].key, counters->resets[i]);
	add_member(text, 1, "pending", counters->resets_pending);
	add(text, "},\"anomalies\":{");
	for (unsigned i = 0; i < JBR_ANOM_COUNT; i++)
		add_member(text, i, jbr_anomalies[i].key, counters->anomalies[i]);
	add(text, "},\"trust\":{%s},\"performance\":{%s}}\n", trust, performance);
}

static char *
json_of(const struct report *report)
{
	struct jbr_buffer out = {0};

	report_write_json(&out, report);
	jbr_buffer_append(&out, "", 1);
	assert_false(out.failed);
	assert_int_equal(strlen(out.data), out.length - 1);
	return out.data;
}

static char *
text_of(const struct report *report, bool colour)
{
	struct jbr_buffer out = {0};

	report_write_text(&out, report, colour);
	jbr_buffer_append(&out, "", 1);
	assert_false(out.failed);
	assert_int_equal(strlen(out.data), out.length - 1);
	return out.data;
}

static void
json_of_filled_counters(void **state)
{
	struct jbr_counters counters = filled_counters();
	struct report report = report_on(&counters);
	static char expected[TEXT_SIZE];
	char *text = json_of(&report);
	struct jbr_error error;

	(void)state;
	assert_int_equal(jbr_counters_check(&counters, &error), 0);
	assert_int_equal(counters.received, 714091);
	expected_json(expected, &counters, "\"start\":1795456800.123456,\"end\":1795457112.000001",
		"\"capture_loss_ratio\":0.666667,\"one_way_ratio\":0.000000,"
		"\"duplicate_ratio\":0.000010,\"midstream\":11",
		"\"packets_per_second\":357045.5,\"cycles_per_packet\":null,\"workers\":2,"
		"\"elapsed_s\":2.000000,\"memory_bytes\":4096");
	assert_string_equal(text, expected);
	free(text);
}

static void
json_of_nothing(void **state)
{
	struct jbr_counters counters = {0};
	struct report report = report_on(&counters);
	static char expected[TEXT_SIZE];
	char *text;

	(void)state;
	report.elapsed_ns = 0;
	report.cycles = 1000;
	text = json_of(&report);
	expected_json(expected, &counters, "\"start\":null,\"end\":null",
		"\"capture_loss_ratio\":0.000000,\"one_way_ratio\":0.000000,"
		"\"duplicate_ratio\":0.000000,\"midstream\":0",
		"\"packets_per_second\":0.0,\"cycles_per_packet\":null,\"workers\":2,"
		"\"elapsed_s\":0.000000,\"memory_bytes\":4096");
	assert_string_equal(text, expected);
	free(text);
}

static void
ratios_and_rates(void **state)
{
	static const struct {
		const char *name;
		uint64_t received;
		uint64_t part; /* of acks, one_way, duplicate */
		uint64_t whole;
		uint64_t elapsed_ns;
		uint64_t cycles;
		const char *ratio;
		const char *rate;
		const char *cycles_text;
	} rows[] = {
		{"all", 10, 8, 8, 1, 1000, "1.000000", "10000000000.0", "100.0"},
		{"half up", 3, 1, 2000000, JBR_NS_PER_S, 1, "0.000001", "3.0", "0.3"},
		{"below the half", 3, 1, 2000001, 3 * JBR_NS_PER_S, 20, "0.000000", "1.0", "6.7"},
		{"a third", 1, 1, 3, 3 * JBR_NS_PER_S, 95, "0.333333", "0.3", "95.0"},
		{"the largest", UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX,
			"1.000000", "1000000000.0", "1.0"},
		{"beyond what JSON's writer takes", UINT64_MAX, 0, 1, 1, 0, "0.000000",
			"922337203685477580.7", "null"},
	};

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(rows); i++) {
		struct jbr_counters counters = {
			.received = rows[i].received,
			.acks = rows[i].whole,
			.acks_unseen = rows[i].part,
			.connections = rows[i].whole,
			.one_way = rows[i].part,
			.tcp = rows[i].whole,
			.duplicate = rows[i].part,
		};
		struct report report = report_on(&counters);
		char expected[256];
		char *text;

		report.elapsed_ns = rows[i].elapsed_ns;
		report.cycles = rows[i].cycles;
		text = json_of(&report);
		snprintf(expected, sizeof(expected),
			"{\"capture_loss_ratio\":%s,\"one_way_ratio\":%s,\"duplicate_ratio\":%s,"
			"\"midstream\":0},\"performance\":{\"packets_per_second\":%s,"
			"\"cycles_per_packet\":%s,",
			rows[i].ratio, rows[i].ratio, rows[i].ratio, rows[i].rate,
			rows[i].cycles_text);
		if (strstr(text, expected) == NULL)
			fail_msg("%s: no %s in %s", rows[i].name, expected, text);
		free(text);
	}
}

/* A page of few numbers, so that it can be read here as a person reads it. */
static struct jbr_counters
small_counters(void)
{
	struct jbr_counters counters = {
		.received = 1234567,
		.received_bytes = 987654321,
		.tcp = 1234560,
		.duplicate = 12,
		.connections = 3210,
		.resets_pending = 5,
		.acks = 2500,
		.acks_unseen = 3,
	};

	counters.not_analysed[JBR_NOT_ANALYSED_UDP] = 7;
	counters.segments[JBR_SEGMENT_SYN] = 3210;
	counters.segments[JBR_SEGMENT_RST] = 45;
	counters.resets[JBR_RESET_LATE_DATA] = 10;
	counters.resets[JBR_RESET_REFUSED] = 30;
	counters.outcomes[JBR_OUTCOME_REJ] = 210;
	counters.outcomes[JBR_OUTCOME_SF] = 2790;
	counters.outcomes[JBR_OUTCOME_S1] = 210;
	counters.anomalies[JBR_ANOM_RST_NO_FLOW] = 700;
	counters.anomalies[JBR_ANOM_SYN_ON_ESTABLISHED] = 2;
	counters.anomalies[JBR_ANOM_LAND_ATTACK] = 1;
	return counters;
}

/* Parts of the page in their order; what the catalogue says is taken from it. */
static void
page(void **state)
{
	const char *const parts[] = {
		"jabiru 1.2.3, replay of 2026-11-23 18:00:00 to 18:05:12 UTC, 5 min 11 s\n\n",
		"What was seen\n"
		"  1,234,567           packets, 987.6 MB\n"
		"  1,234,560  100.0 %  TCP segments: 3,210 SYN, 45 RST\n"
		"          7   <0.1 %  not analysed (reasons below)\n"
		"      3,210           connections\n\n",
		"Where the resets came from\n"
		"         30   66.7 %  refused    ",
		jbr_resets[JBR_RESET_REFUSED].what,
		"\n         10   22.2 %  late_data  ",
		jbr_resets[JBR_RESET_LATE_DATA].what,
		"\n          5   11.1 %  pending    too young to have a settled cause\n\n",
		"What is wrong\n"
		"  alert          1 packet       land_attack         the LAND attack",
		"  > drop at the border",
		"  warn           2 connections  syn_on_established  ",
		"  note         700 packets      rst_no_flow         ",
		"How connections ended\n"
		"      2,790   86.9 %  SF   ",
		/* equals in the order of the catalogue */
		"        210    6.5 %  S1   ",
		"        210    6.5 %  REJ  ",
		"How far to trust it\n"
		"          5           packets were lost by the NIC, before jabiru saw them\n"
		"          3    0.1 %  acknowledgements of bytes that were never seen: ",
		"         12   <0.1 %  TCP segments were second copies",
		"Not analysed\n"
		"          7   <0.1 %  udp  ",
		"Speed\n"
		"  617,284 packets a second; 2 workers, 2.0 s, 4.0 kB of memory\n",
	};
	struct jbr_counters counters = small_counters();
	struct report report = report_on(&counters);
	char *text = text_of(&report, false);
	const char *at = text;

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(parts); i++) {
		const char *found = strstr(at, parts[i]);

		if (found == NULL)
			fail_msg("no %s in the rest: %s", parts[i], at);
		else
			at = found + strlen(parts[i]);
	}
	assert_string_equal(at, "");
	/* zeros are left out */
	assert_null(strstr(text, "unclassified"));
	assert_null(strstr(text, "one direction only"));
	assert_null(strstr(text, "cycles"));
	assert_null(strstr(text, "broken"));
	free(text);
}

static void
page_of_nothing(void **state)
{
	struct jbr_counters counters = {0};
	struct report report = report_on(&counters);
	char *text = text_of(&report, false);

	(void)state;
	assert_string_equal(text, "jabiru 1.2.3, replay\n\nNo packet was seen.\n");
	free(text);
	report.is_capture_broken = true;
	text = text_of(&report, false);
	assert_non_null(strstr(text, "The capture is broken"));
	free(text);
}

static void
page_of_health(void **state)
{
	struct jbr_counters counters = {.received = 1,
		.received_bytes = 60,
		.tcp = 1,
		.connections = 1};
	struct report report = report_on(&counters);
	char *text;

	(void)state;
	counters.outcomes[JBR_OUTCOME_S0] = 1;
	report.missed = 0;
	report.end_ns = report.start_ns - 1; /* a clock that went backwards */
	report.elapsed_ns = 0;
	report.cycles = 90;
	text = text_of(&report, false);
	assert_non_null(strstr(text, " UTC, 0 ms\n"));
	assert_non_null(strstr(text, "packets, 60 B\n"));
	assert_non_null(strstr(text, "  There were none.\n"));
	assert_non_null(strstr(text, "  Nothing that the catalogue knows.\n"));
	assert_non_null(strstr(text, "  No holes, no duplicates, "));
	assert_non_null(strstr(text, "  0 packets a second, 90.0 cycles a packet; "));
	assert_null(strstr(text, "Not analysed"));
	free(text);
}

static void
page_units(void **state)
{
	static const struct {
		uint64_t span_s;
		uint64_t bytes;
		const char *span;
		const char *size;
	} rows[] = {
		{0, 999, " UTC, 0 ms\n", "packets, 999 B\n"},
		{59, 1000, " UTC, 59.0 s\n", "packets, 1.0 kB\n"},
		{60, 999999, " UTC, 1 min 0 s\n", "packets, 999.9 kB\n"},
		{3599, 1000000, " UTC, 59 min 59 s\n", "packets, 1.0 MB\n"},
		{3600, 1500000000, " UTC, 1 h 0 min\n", "packets, 1.5 GB\n"},
		{86399, UINT64_C(2500000000000), " UTC, 23 h 59 min\n", "packets, 2.5 TB\n"},
		{90000, UINT64_MAX, " to 2026-11-24 19:00:00 UTC, 1 d 1 h\n", "packets, 18.4 EB\n"},
	};

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(rows); i++) {
		struct jbr_counters counters = {.received = 1, .received_bytes = rows[i].bytes};
		struct report report = report_on(&counters);
		char *text;

		report.end_ns = report.start_ns + rows[i].span_s * JBR_NS_PER_S;
		text = text_of(&report, false);
		if (strstr(text, rows[i].span) == NULL || strstr(text, rows[i].size) == NULL)
			fail_msg("no%sand %sin %s", rows[i].span, rows[i].size, text);
		free(text);
	}
}

static void
assert_fits(const char *text)
{
	for (const char *at = text; *at != '\0';) {
		size_t length = strcspn(at, "\n");

		if (length > COLUMNS)
			fail_msg("%zu columns: %.*s", length, (int)length, at);
		assert_true(length == 0 || at[length - 1] != ' ');
		at += length + 1;
	}
}

/* Every row of the catalogue there, with ordinary and with absurd numbers. */
static void
page_fits_its_columns(void **state)
{
	static const uint64_t factors[] = {1, 1000000, UINT64_C(1) << 40};

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(factors); i++) {
		struct jbr_counters counters = filled_counters();
		uint64_t *values = (uint64_t *)&counters;
		struct report report;
		char *text;

		counters.one_way = counters.evictions[JBR_FLOW_HALF_OPEN] = 1;
		for (size_t k = 0; k < sizeof(counters) / sizeof(*values); k++)
			values[k] *= factors[i];
		report = report_on(&counters);
		report.findings_left_out = counters.received;
		report.is_capture_broken = true;
		text = text_of(&report, false);
		assert_fits(text);
		for (unsigned k = 0; k < JBR_ANOM_COUNT; k++)
			assert_non_null(strstr(text, jbr_anomalies[k].key));
		for (unsigned k = 0; k < JBR_RESET_COUNT; k++)
			assert_non_null(strstr(text, jbr_resets[k].key));
		free(text);
	}
}

/* Colours change nothing but the colour, and every one is switched off in its line. */
static void
colours(void **state)
{
	struct jbr_counters counters = filled_counters();
	struct report report = report_on(&counters);
	char *plain = text_of(&report, false);
	char *coloured = text_of(&report, true);
	char *to = coloured;
	unsigned switched = 0;
	bool is_on = false;

	(void)state;
	assert_null(strchr(plain, '\033'));
	for (const char *at = coloured; *at != '\0'; at++) {
		if (*at == '\033') {
			bool is_reset = strncmp(at, "\033[0m", 4) == 0;

			assert_true(is_on == is_reset);
			is_on = !is_reset;
			switched++;
			at = strchr(at, 'm');
			assert_non_null(at);
			continue;
		}
		assert_false(is_on && *at == '\n');
		*to++ = *at;
	}
	*to = '\0';
	assert_false(is_on);
	assert_true(switched > 0);
	assert_string_equal(coloured, plain);
	free(plain);
	free(coloured);
}

static int
print_lines(void)
{
	struct jbr_counters counters[] = {filled_counters(), small_counters(), {0}};
	struct jbr_buffer out = {0};

	for (size_t i = 0; i < JBR_COUNT_OF(counters); i++) {
		struct report report = report_on(&counters[i]);

		report.cycles = i;
		report_write_json(&out, &report);
	}
	if (!out.failed)
		fwrite(out.data, 1, out.length, stdout);
	jbr_buffer_fini(&out);
	return out.failed || fflush(stdout) != 0;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_of_filled_counters),
		cmocka_unit_test(json_of_nothing),
		cmocka_unit_test(ratios_and_rates),
		cmocka_unit_test(page),
		cmocka_unit_test(page_of_nothing),
		cmocka_unit_test(page_of_health),
		cmocka_unit_test(page_units),
		cmocka_unit_test(page_fits_its_columns),
		cmocka_unit_test(colours),
	};

	if (argc == 2 && strcmp(argv[1], "--lines") == 0)
		return print_lines();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
