/* SPDX-License-Identifier: BSD-3-Clause */
/* How many lines a second are let through, and what becomes of half-open connections beyond it. With
 * the argument --lines the program prints the lines it tests, for the schema to judge. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

#include "jbr_event.h"

#define MS JBR_NS_PER_MS
#define START_NS UINT64_C(1795456800123456789) /* 2026-11-23T18:00:00.123456 */

enum { PER_S = 10, INTERVAL_S = 10, SERVICES = 16 };

/* Ask @p count times at one moment. @return how often it said yes */
static unsigned
ask(struct jbr_event_budget *budget, uint64_t time_ms, unsigned count, uint32_t keep)
{
	unsigned granted = 0;

	for (unsigned i = 0; i < count; i++)
		granted += jbr_event_budget_take(budget, START_NS + time_ms * MS, keep);
	return granted;
}

static void
budgets(void **state)
{
	static const struct {
		const char *name;
		int64_t time_ms;
		unsigned asked;
		uint32_t keep;
		unsigned granted;
	} steps[] = {
		{"a second's worth at once", 0, 50, 0, 10},
		{"nothing more at that time", 0, 1, 0, 0},
		{"not yet a tenth of a second", 99, 1, 0, 0},
		{"a tenth", 100, 5, 0, 1},
		{"a little back adds nothing", 50, 5, 0, 0},
		{"and forward to where it was neither", 100, 5, 0, 0},
		{"half a second", 600, 50, 0, 5},
		{"a long pause is no more than a second", 100000, 50, 0, 10},
		{"what is kept is not given", 101000, 50, 6, 4},
		{"but to what matters more", 101000, 50, 0, 6},
		{"what is kept fills up first", 101600, 50, 6, 0},
		{"then there is some again", 101700, 50, 6, 1},
		{"set back by more than a minute adds nothing", 41699, 50, 0, 6},
		{"and goes on from there", 41799, 50, 0, 1},
	};
	struct jbr_event_budget budget;

	(void)state;
	jbr_event_budget_init(&budget, PER_S);
	for (size_t i = 0; i < JBR_COUNT_OF(steps); i++) {
		unsigned granted = ask(&budget, (uint64_t)steps[i].time_ms, steps[i].asked,
			steps[i].keep);

		if (granted != steps[i].granted)
			fail_msg("%s: %u, not %u", steps[i].name, granted, steps[i].granted);
	}
}

/* The largest and the smallest: no second has more than twice the budget, no ten seconds more than
 * eleven times, whatever the steps of time. */
static void
budgets_over_time(void **state)
{
	static const uint32_t sizes[] = {1, 3, 1000, 1000000, UINT32_MAX};

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(sizes); i++) {
		struct jbr_event_budget budget;
		uint64_t granted = 0;
		uint64_t now_ns = START_NS;

		jbr_event_budget_init(&budget, sizes[i]);
		for (unsigned n = 0; n < 20000; n++) {
			now_ns += JBR_NS_PER_S / 2000 + n % 7; /* 10 s and a little */
			granted += jbr_event_budget_take(&budget, now_ns, 0);
		}
		assert_true(granted <= (uint64_t)sizes[i] * 11);
		assert_true(granted >= jbr_min_u64((uint64_t)sizes[i] * 10, 20000));
	}
}

/* A connection of 10.0.0.1 to 10.0.0.@p host that ended at @p time_ms. */
static struct jbr_flow_record
record_of(uint8_t host, uint16_t port, unsigned conn_state, uint64_t time_ms)
{
	struct jbr_flow_record record = {
		.tuple = {.src = {10, 0, 0, 1},
			.dst = {10, 0, 0, host, 0xee /* behind the address */},
			.src_port = 1234,
			.dst_port = port,
			.ip_version = 4},
		.order_ns = START_NS + time_ms * MS,
		.start_ns = START_NS + (time_ms - 100) * MS,
		.end_ns = START_NS + (time_ms - 50) * MS,
		.packets = {3, 1},
		.bytes = {180, 60},
		.conn_state = (uint8_t)conn_state,
	};

	record.tuple.dst[4 + time_ms % 12] = 0xdd;
	return record;
}

static void
which_are_half_open(void **state)
{
	static const struct {
		const char *name;
		unsigned conn_state;
		unsigned tcp_state;
		uint64_t rtt_client_ns;
		uint64_t payload;
		bool is_half_open;
	} rows[] = {
		{"no answer", JBR_OUTCOME_S0, JBR_TCP_STATE_SYN_SENT, 0, 0, true},
		{"no answer, with data", JBR_OUTCOME_S0, JBR_TCP_STATE_SYN_SENT, 0, 9, true},
		{"refused", JBR_OUTCOME_REJ, JBR_TCP_STATE_RESET, 0, 0, true},
		{"SYN, then RST", JBR_OUTCOME_RSTOS0, JBR_TCP_STATE_RESET, 0, 0, true},
		{"SYN, then FIN", JBR_OUTCOME_SH, JBR_TCP_STATE_FIN_O, 0, 0, true},
		{"SYN-ACK, no more", JBR_OUTCOME_S1, JBR_TCP_STATE_SYN_RECEIVED, 0, 0, true},
		{"a SYN each way", JBR_OUTCOME_S1, JBR_TCP_STATE_CROSSED, 0, 0, true},
		{"half-open, then reset", JBR_OUTCOME_RSTO, JBR_TCP_STATE_RESET, 0, 0, true},
		{"half-open, then reset back", JBR_OUTCOME_RSTR, JBR_TCP_STATE_RESET, 0, 0, true},
		{"established", JBR_OUTCOME_S1, JBR_TCP_STATE_ESTABLISHED, 5, 0, false},
		{"established, the ACK unseen", JBR_OUTCOME_S1, JBR_TCP_STATE_ESTABLISHED, 0, 0,
			false},
		{"established, then reset", JBR_OUTCOME_RSTO, JBR_TCP_STATE_RESET, 5, 0, false},
		{"data, then reset", JBR_OUTCOME_RSTR, JBR_TCP_STATE_RESET, 0, 1, false},
		{"closed", JBR_OUTCOME_SF, JBR_TCP_STATE_TIME_WAIT, 5, 0, false},
		{"midstream", JBR_OUTCOME_OTH, JBR_TCP_STATE_MIDSTREAM, 0, 0, false},
		{"SYN-ACK, then RST", JBR_OUTCOME_RSTRH, JBR_TCP_STATE_RESET, 0, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(rows); i++) {
		struct jbr_flow_record record = record_of(1, 80, rows[i].conn_state, 1000);

		record.state = (uint8_t)rows[i].tcp_state;
		record.rtt_client_ns = rows[i].rtt_client_ns;
		record.payload[JBR_RESPONDER] = rows[i].payload;
		if (jbr_event_is_half_open(&record) != rows[i].is_half_open)
			fail_msg("%s", rows[i].name);
	}
}

static void
aggregates_that_cannot_be(void **state)
{
	(void)state;
	assert_null(jbr_event_aggregates_create(0, SERVICES));
	assert_int_equal(errno, EINVAL);
	assert_null(jbr_event_aggregates_create(1, SERVICES - 1));
	assert_int_equal(errno, EINVAL);
	assert_null(jbr_event_aggregates_create(1, (1 << 20) + 1));
	assert_int_equal(errno, EINVAL);
	jbr_event_aggregates_free(NULL);
}

static bool
add(struct jbr_event_aggregates *aggregates, uint8_t host, uint16_t port, unsigned conn_state,
	uint64_t time_ms)
{
	struct jbr_flow_record record = record_of(host, port, conn_state, time_ms);

	return jbr_event_aggregates_add(aggregates, &record, record.order_ns);
}

static void
an_interval(void **state)
{
	struct jbr_event_aggregates *aggregates = jbr_event_aggregates_create(INTERVAL_S, SERVICES);
	struct jbr_aggregate told;

	(void)state;
	assert_non_null(aggregates);
	assert_false(jbr_event_aggregates_tell(aggregates, UINT64_MAX, &told));
	assert_true(add(aggregates, 9, 443, JBR_OUTCOME_S0, 1000));
	assert_true(add(aggregates, 7, 80, JBR_OUTCOME_S0, 1002));
	assert_true(add(aggregates, 9, 443, JBR_OUTCOME_REJ, 3001));
	assert_true(add(aggregates, 9, 443, JBR_OUTCOME_S0, 2003));
	assert_true(add(aggregates, 9, 80, JBR_OUTCOME_S0, 2004));
	assert_false(jbr_event_aggregates_tell(aggregates, START_NS + 10999 * MS, &told));
	assert_false(jbr_event_aggregates_tell(aggregates, START_NS, &told)); /* a little back */

	assert_true(jbr_event_aggregates_tell(aggregates, START_NS + 11000 * MS, &told));
	assert_int_equal(told.address[3], 9);
	assert_int_equal(told.port, 443);
	assert_int_equal(told.connections, 3);
	assert_int_equal(told.conn_states[JBR_OUTCOME_S0], 2);
	assert_int_equal(told.conn_states[JBR_OUTCOME_REJ], 1);
	assert_int_equal(told.packets[JBR_ORIGINATOR], 9);
	assert_int_equal(told.bytes[JBR_RESPONDER], 180);
	assert_true(told.start_ns == START_NS + 900 * MS);
	assert_true(told.end_ns == START_NS + 2951 * MS);
	assert_true(told.time_ns == START_NS + 3001 * MS);
	/* nothing is mixed into what is being told */
	assert_false(add(aggregates, 9, 443, JBR_OUTCOME_S0, 11000));
	assert_true(jbr_event_aggregates_tell(aggregates, START_NS + 11000 * MS, &told));
	assert_int_equal(told.address[3], 7);
	assert_int_equal(told.connections, 1);
	assert_true(jbr_event_aggregates_tell(aggregates, START_NS + 11000 * MS, &told));
	assert_int_equal(told.port, 80);
	assert_false(jbr_event_aggregates_tell(aggregates, START_NS + 11000 * MS, &told));

	/* the next one begins from nothing */
	assert_true(add(aggregates, 9, 443, JBR_OUTCOME_S0, 12000));
	assert_false(jbr_event_aggregates_tell(aggregates, START_NS + 21999 * MS, &told));
	assert_true(jbr_event_aggregates_tell(aggregates, START_NS - 60000 * MS, &told));
	assert_int_equal(told.connections, 1);
	assert_false(jbr_event_aggregates_tell(aggregates, UINT64_MAX, &told));
	jbr_event_aggregates_free(aggregates);
}

/* However many services are asked for, memory is bounded, and every connection is in exactly one line
 * or refused. */
static void
many_services(void **state)
{
	struct jbr_event_aggregates *aggregates = jbr_event_aggregates_create(INTERVAL_S, SERVICES);
	struct jbr_aggregate told;
	uint64_t refused = 0, in_lines = 0;
	unsigned services = 0;

	(void)state;
	assert_non_null(aggregates);
	for (unsigned i = 0; i < 1000; i++)
		refused += !add(aggregates, (uint8_t)(i % 5), (uint16_t)(i % 7), JBR_OUTCOME_S0,
			1000 + i);
	while (jbr_event_aggregates_tell(aggregates, UINT64_MAX, &told)) {
		services++;
		in_lines += told.connections;
	}
	assert_int_equal(services, SERVICES); /* of 35 */
	assert_true(refused > 0);
	assert_int_equal(in_lines + refused, 1000);
	assert_false(add(aggregates, 1, 1, JBR_OUTCOME_RJI, 1000)); /* none of Zeek's */
	jbr_event_aggregates_free(aggregates);
}

static struct jbr_aggregate
of_ipv6(void)
{
	struct jbr_aggregate aggregate = {.port = 443,
		.ip_version = 6,
		.connections = 70001,
		.packets = {70002, 1},
		.bytes = {5600160, 80},
		.start_ns = START_NS,
		.end_ns = START_NS + 9 * JBR_NS_PER_S,
		.time_ns = START_NS + 10 * JBR_NS_PER_S};

	assert_int_equal(inet_pton(AF_INET6, "2001:db8::7", aggregate.address), 1);
	aggregate.conn_states[JBR_OUTCOME_S0] = 70000;
	aggregate.conn_states[JBR_OUTCOME_REJ] = 1;
	return aggregate;
}

/* What people call every address. */
static const char *
find_name(const void *context, const uint8_t address[16], uint8_t ip_version)
{
	assert_true(ip_version == 4 || address[0] == 0x20);
	return context;
}

static void
line(void **state)
{
	const struct jbr_event_names names = {.find = find_name, .context = "web"};
	struct jbr_aggregate aggregate = of_ipv6();
	struct jbr_buffer out = {0};

	(void)state;
	jbr_event_write_aggregate(&out, &aggregate, "sensor1", NULL);
	jbr_buffer_append(&out, "", 1);
	assert_string_equal(out.data,
		"{\"timestamp\":\"2026-11-23T18:00:10.123456+0000\",\"event_type\":"
		"\"flow_aggregate\",\"dest_ip\":\"2001:db8::7\",\"dest_port\":443,\"proto\":"
		"\"TCP\",\"host\":\"sensor1\",\"jabiru\":{\"connections\":70001,\"conn_states\":{"
		"\"S0\":70000,\"REJ\":1},\"packets\":{\"to_server\":70002,\"to_client\":1},"
		"\"bytes\":{\"to_server\":5600160,\"to_client\":80},\"start\":"
		"\"2026-11-23T18:00:00.123456+0000\",\"end\":\"2026-11-23T18:00:09.123456+0000\"}}"
		"\n");
	out.length = 0;
	jbr_event_write_aggregate(&out, &aggregate, "sensor1", &names);
	jbr_buffer_append(&out, "", 1);
	assert_non_null(
		strstr(out.data, ",\"jabiru\":{\"dest_alias\":\"web\",\"connections\":70001,"));
	jbr_buffer_fini(&out);
}

static int
print_lines(void)
{
	const struct jbr_event_names names = {.find = find_name, .context = "web"};
	struct jbr_aggregate aggregate = of_ipv6();
	struct jbr_flow_record record = record_of(9, 80, JBR_OUTCOME_S0, 1000);
	struct jbr_event_aggregates *aggregates = jbr_event_aggregates_create(INTERVAL_S, SERVICES);
	struct jbr_buffer out = {0};

	jbr_event_write_aggregate(&out, &aggregate, "sensor1", NULL);
	if (aggregates != NULL && jbr_event_aggregates_add(aggregates, &record, record.order_ns) &&
		jbr_event_aggregates_tell(aggregates, UINT64_MAX, &aggregate))
		jbr_event_write_aggregate(&out, &aggregate, "\"sensor\" 2", &names);
	jbr_event_aggregates_free(aggregates);
	fwrite(out.data, 1, out.length, stdout);
	jbr_buffer_fini(&out);
	return 0;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(budgets),
		cmocka_unit_test(budgets_over_time),
		cmocka_unit_test(which_are_half_open),
		cmocka_unit_test(aggregates_that_cannot_be),
		cmocka_unit_test(an_interval),
		cmocka_unit_test(many_services),
		cmocka_unit_test(line),
	};

	if (argc == 2 && strcmp(argv[1], "--lines") == 0)
		return print_lines();
	return cmocka_run_group_tests_name("event budget", tests, NULL, NULL);
}
