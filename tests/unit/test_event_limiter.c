/* SPDX-License-Identifier: BSD-3-Clause */
/* Which findings become events. Each table is a story of one limiter, a row a finding. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>

#include "jbr_event.h"

enum {
	MS = 1000 * 1000,
	INTERVAL_S = 60,
	PER_S = 3,
	ENTITIES = 1024,
	/* a packet row, two flow rows */
	PACKET_ROW = JBR_ANOM_TCP_SYN_FIN,
	FLOW_ROW = JBR_ANOM_SYN_ON_ESTABLISHED,
	OTHER_FLOW_ROW = JBR_ANOM_DATA_AFTER_FIN,
};

struct step {
	const char *name;
	uint64_t time_ms;
	unsigned anomaly;
	uint32_t source; /* IPv4, as a number */
	uint64_t flow_id;
	uint64_t count;    /* of the event; 0: none is written */
	uint64_t first_ms; /* of the event */
};

static struct jbr_event_limiter *
new_limiter(uint32_t entities_per_s)
{
	const struct jbr_event_limits limits = {INTERVAL_S, entities_per_s, ENTITIES};
	struct jbr_event_limiter *limiter = jbr_event_limiter_create(&limits);

	assert_non_null(limiter);
	return limiter;
}

static struct jbr_finding
finding_of(uint64_t time_ms, unsigned anomaly, uint32_t source, uint64_t flow_id)
{
	struct jbr_finding finding = {
		.time_ns = time_ms * MS,
		.packet = time_ms + 1,
		.anomaly = (uint16_t)anomaly,
		.flow_id = flow_id,
		.tuple = {.ip_version = 4},
	};

	memcpy(finding.tuple.src, &source, sizeof(source));
	return finding;
}

static void
play(struct jbr_event_limiter *limiter, const struct step *steps, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct step *step = &steps[i];
		struct jbr_finding finding = finding_of(step->time_ms, step->anomaly, step->source,
			step->flow_id);
		struct jbr_event event = {.count = 0};
		bool is_written = jbr_event_limiter_offer(limiter, &finding, &event);

		if (is_written != (step->count > 0) || event.count != step->count)
			fail_msg("%s: count %lu, expected %lu", step->name, event.count,
				step->count);
		if (!is_written)
			continue;
		if (event.first_ns != step->first_ms * MS)
			fail_msg("%s: first %lu ns", step->name, event.first_ns);
		assert_int_equal(event.finding.packet, finding.packet);
		assert_int_equal(event.finding.time_ns, finding.time_ns);
	}
}

static void
intervals(void **state)
{
	static const struct step steps[] = {
		{"the first at once", 1000, PACKET_ROW, 1, 0, 1, 1000},
		{"the second waits", 1001, PACKET_ROW, 1, 0, 0, 0},
		{"so does the third", 60999, PACKET_ROW, 1, 0, 0, 0},
		{"the interval is over", 61000, PACKET_ROW, 1, 0, 3, 1001},
		{"and begins again", 61001, PACKET_ROW, 1, 0, 0, 0},
		{"just before its end", 120999, PACKET_ROW, 1, 0, 0, 0},
		{"at its end", 121000, PACKET_ROW, 1, 0, 3, 61001},
		{"after a long silence", 900000, PACKET_ROW, 1, 0, 1, 900000},
	};
	struct jbr_event_limiter *limiter = new_limiter(PER_S);

	(void)state;
	play(limiter, steps, JBR_COUNT_OF(steps));
	assert_int_equal(jbr_event_limiter_left_out(limiter), 0);
	jbr_event_limiter_free(limiter);
}

static void
entities(void **state)
{
	static const struct step steps[] = {
		{"a source", 0, PACKET_ROW, 1, 7, 1, 0},
		{"the same source on another flow", 1, PACKET_ROW, 1, 8, 0, 0},
		{"another source", 2, PACKET_ROW, 2, 7, 1, 2},
		{"a flow", 3, FLOW_ROW, 1, 7, 1, 3},
		{"the same flow, from the other end", 4, FLOW_ROW, 2, 7, 0, 0},
		{"another flow", 5, FLOW_ROW, 1, 8, 1, 5},
		{"another row of the same flow", 6, OTHER_FLOW_ROW, 1, 7, 1, 6},
		{"a flow row without flow is about its source", 7, FLOW_ROW, 1, 0, 1, 7},
		{"and is limited by it", 8, FLOW_ROW, 1, 0, 0, 0},
	};
	struct jbr_event_limiter *limiter = new_limiter(10);
	struct jbr_finding finding = finding_of(9, FLOW_ROW, 3, 0);
	struct jbr_event event;

	(void)state;
	play(limiter, steps, JBR_COUNT_OF(steps));
	assert_true(jbr_event_limiter_offer(limiter, &finding, &event));
	assert_int_equal(event.entity, JBR_ENTITY_SOURCE);
	finding.flow_id = 99;
	assert_true(jbr_event_limiter_offer(limiter, &finding, &event));
	assert_int_equal(event.entity, JBR_ENTITY_FLOW);
	/* of an IPv4 address only the first four bytes count; of an IPv6 address all do */
	finding = finding_of(10, PACKET_ROW, 4, 0);
	assert_true(jbr_event_limiter_offer(limiter, &finding, &event));
	finding.tuple.src[15] = 1;
	assert_false(jbr_event_limiter_offer(limiter, &finding, &event));
	finding.tuple.ip_version = 6;
	assert_true(jbr_event_limiter_offer(limiter, &finding, &event));
	finding.tuple.src[15] = 2;
	assert_true(jbr_event_limiter_offer(limiter, &finding, &event));
	jbr_event_limiter_free(limiter);
}

static void
bursts(void **state)
{
	static const struct step steps[] = {
		{"new 1 in second 5", 5000, PACKET_ROW, 1, 0, 1, 5000},
		{"new 2", 5001, PACKET_ROW, 2, 0, 1, 5001},
		{"new 3", 5002, PACKET_ROW, 3, 0, 1, 5002},
		{"one too many", 5003, PACKET_ROW, 4, 0, 0, 0},
		{"and again", 5004, PACKET_ROW, 4, 0, 0, 0},
		{"a known one costs nothing", 5005, PACKET_ROW, 1, 0, 0, 0},
		{"another row has its own budget", 5006, FLOW_ROW, 1, 1, 1, 5006},
		{"next second", 6000, PACKET_ROW, 4, 0, 1, 6000},
		{"a little back in time: still second 6", 5900, PACKET_ROW, 5, 0, 1, 5900},
		{"still", 5901, PACKET_ROW, 6, 0, 1, 5901},
		{"and spent", 5902, PACKET_ROW, 7, 0, 0, 0},
		{"spent in second 6 itself", 6001, PACKET_ROW, 7, 0, 0, 0},
	};
	struct jbr_event_limiter *limiter = new_limiter(PER_S);

	(void)state;
	play(limiter, steps, JBR_COUNT_OF(steps));
	assert_int_equal(jbr_event_limiter_left_out(limiter), 4);
	jbr_event_limiter_free(limiter);
}

/* A wild time stamp must not silence what comes after it. */
static void
wild_clock(void **state)
{
	static const struct step steps[] = {
		{"now", 1000, PACKET_ROW, 1, 0, 1, 1000},
		{"a new one a year ahead", 31536000000, PACKET_ROW, 9, 0, 1, 31536000000},
		{"the known one too", 31536000001, PACKET_ROW, 1, 0, 1, 31536000001},
		{"back again", 1001, PACKET_ROW, 1, 0, 1, 1001},
		{"waits as ever", 1002, PACKET_ROW, 1, 0, 0, 0},
		{"new ones have a budget", 1003, PACKET_ROW, 2, 0, 1, 1003},
		{"another", 1004, PACKET_ROW, 3, 0, 1, 1004},
		{"a third one", 1005, PACKET_ROW, 4, 0, 1, 1005},
		{"no more", 1006, PACKET_ROW, 5, 0, 0, 0},
	};
	struct jbr_event_limiter *limiter = new_limiter(PER_S);
	struct jbr_finding finding = finding_of(0, FLOW_ROW, 0, 5);
	struct jbr_event event;

	(void)state;
	play(limiter, steps, JBR_COUNT_OF(steps));
	/* the ends of time */
	finding.time_ns = UINT64_MAX;
	assert_true(jbr_event_limiter_offer(limiter, &finding, &event));
	finding.time_ns = 0;
	assert_true(jbr_event_limiter_offer(limiter, &finding, &event));
	assert_int_equal(event.count, 1);
	jbr_event_limiter_free(limiter);
}

/* Times of one count may fall back; first is the earliest and last the latest. */
static void
first_and_last(void **state)
{
	struct jbr_event_limiter *limiter = new_limiter(PER_S);
	static const uint64_t times_ms[] = {1000, 3000, 2000, 2500};
	struct jbr_event event;

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(times_ms); i++) {
		struct jbr_finding finding = finding_of(times_ms[i], PACKET_ROW, 1, 0);

		assert_int_equal(jbr_event_limiter_offer(limiter, &finding, &event), i == 0);
	}
	assert_true(jbr_event_limiter_drain(limiter, &event));
	assert_int_equal(event.count, 3);
	assert_int_equal(event.first_ns, UINT64_C(2000) * MS);
	assert_int_equal(event.last_ns, UINT64_C(3000) * MS);
	assert_int_equal(event.finding.time_ns, UINT64_C(2500) * MS);
	jbr_event_limiter_free(limiter);
}

static void
drain_order(void **state)
{
	static const struct step steps[] = {
		{"a", 0, PACKET_ROW, 1, 0, 1, 0},
		{"b", 1, PACKET_ROW, 2, 0, 1, 1},
		{"c, which is told of", 2, PACKET_ROW, 3, 0, 1, 2},
		{"b again", 3, PACKET_ROW, 2, 0, 0, 0},
		{"a flow", 4, FLOW_ROW, 9, 4, 1, 4},
		{"a again", 5, PACKET_ROW, 1, 0, 0, 0},
		{"the flow again", 6, FLOW_ROW, 9, 4, 0, 0},
		{"a once more", 7, PACKET_ROW, 1, 0, 0, 0},
	};
	static const struct {
		uint32_t source;
		uint64_t count;
		uint64_t first_ms;
		uint64_t last_ms;
	} drained[] = {{2, 1, 3, 3}, {9, 1, 6, 6}, {1, 2, 5, 7}};
	struct jbr_event_limiter *limiter = new_limiter(10);
	struct jbr_event event;
	struct jbr_finding finding = finding_of(8, PACKET_ROW, 1, 0);

	(void)state;
	assert_false(jbr_event_limiter_drain(limiter, &event));
	play(limiter, steps, JBR_COUNT_OF(steps));
	for (size_t i = 0; i < JBR_COUNT_OF(drained); i++) {
		assert_true(jbr_event_limiter_drain(limiter, &event));
		assert_memory_equal(event.finding.tuple.src, &drained[i].source, sizeof(uint32_t));
		assert_int_equal(event.count, drained[i].count);
		assert_int_equal(event.first_ns, drained[i].first_ms * MS);
		assert_int_equal(event.last_ns, drained[i].last_ms * MS);
	}
	assert_false(jbr_event_limiter_drain(limiter, &event));
	assert_false(jbr_event_limiter_drain(limiter, &event));
	/* and the limiter can go on */
	assert_true(jbr_event_limiter_offer(limiter, &finding, &event));
	assert_int_equal(event.count, 1);
	jbr_event_limiter_free(limiter);
}

/* A full table forgets the entity least recently seen, and counts what it had not told of. */
static void
eviction(void **state)
{
	struct jbr_event_limiter *limiter = new_limiter(100000);
	struct jbr_finding finding;
	struct jbr_event event;

	(void)state;
	for (uint32_t i = 0; i < ENTITIES; i++) {
		finding = finding_of(i, PACKET_ROW, i, 0);
		assert_true(jbr_event_limiter_offer(limiter, &finding, &event));
	}
	for (unsigned i = 0; i < 5;
		i++) { /* source 1 has five findings to tell of; 0 is the oldest */
		finding = finding_of(2000 + i, PACKET_ROW, 1, 0);
		assert_false(jbr_event_limiter_offer(limiter, &finding, &event));
	}
	finding = finding_of(3000, PACKET_ROW, 5000, 0); /* 0 goes, and had nothing to tell */
	assert_true(jbr_event_limiter_offer(limiter, &finding, &event));
	assert_int_equal(jbr_event_limiter_left_out(limiter), 0);
	finding = finding_of(3001, PACKET_ROW, 1, 0); /* 1 is still known */
	assert_false(jbr_event_limiter_offer(limiter, &finding, &event));
	finding = finding_of(3002, PACKET_ROW, 0, 0); /* 0 is new again; 2 goes */
	assert_true(jbr_event_limiter_offer(limiter, &finding, &event));
	for (uint32_t i = 0; i < ENTITIES - 1; i++) { /* 3 to 1023, 5000 and then 1 go */
		finding = finding_of(3003 + i, PACKET_ROW, 10000 + i, 0);
		assert_true(jbr_event_limiter_offer(limiter, &finding, &event));
	}
	assert_int_equal(jbr_event_limiter_left_out(limiter), 6);
	finding = finding_of(9000, PACKET_ROW, 0,
		0); /* 0 was seen last before them, so it stayed */
	assert_false(jbr_event_limiter_offer(limiter, &finding, &event));
	finding = finding_of(9001, PACKET_ROW, 1, 0);
	assert_true(jbr_event_limiter_offer(limiter, &finding, &event));
	jbr_event_limiter_free(limiter);
}

/* Every finding is in a line, waits for one, or is counted as left out; and the hash, which is keyed
 * anew for each limiter, changes nothing of what is let through. */
static void
nothing_is_lost(void **state)
{
	struct jbr_event_limiter *limiters[2] = {new_limiter(20), new_limiter(20)};
	const uint64_t offered = 200000;
	uint64_t told[2] = {0};
	uint64_t random = 1;

	(void)state;
	for (uint64_t i = 0; i < offered; i++) {
		struct jbr_event events[2] = {{.count = 0}};
		struct jbr_finding finding;
		unsigned anomaly;

		random = jbr_mix64(random + i, UINT64_C(0x9e3779b97f4a7c15));
		anomaly = (unsigned)(random >> 32) % JBR_ANOM_COUNT;
		finding = finding_of(i * 3, anomaly, (uint32_t)random % 100, random >> 8 & 63);
		for (unsigned k = 0; k < 2; k++)
			if (jbr_event_limiter_offer(limiters[k], &finding, &events[k]))
				told[k] += events[k].count;
		assert_memory_equal(&events[0], &events[1], sizeof(events[0]));
	}
	for (unsigned k = 0; k < 2; k++) {
		struct jbr_event event;

		assert_true(jbr_event_limiter_left_out(limiters[k]) > 0);
		assert_true(told[k] < offered);
		while (jbr_event_limiter_drain(limiters[k], &event))
			told[k] += event.count;
		assert_int_equal(told[k] + jbr_event_limiter_left_out(limiters[k]), offered);
		jbr_event_limiter_free(limiters[k]);
	}
}

static void
bad_arguments(void **state)
{
	static const struct {
		const char *name;
		struct jbr_event_limits limits;
	} rows[] = {
		{"no interval", {0, 1, ENTITIES}},
		{"no entities a second", {1, 0, ENTITIES}},
		{"too few entities", {1, 1, ENTITIES - 1}},
		{"too many entities", {1, 1, (1 << 24) + 1}},
	};
	struct jbr_event_limiter *limiter = new_limiter(1);
	struct jbr_finding finding = finding_of(0, JBR_ANOM_NONE, 0, 0);
	struct jbr_event event;

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(rows); i++) {
		errno = 0;
		if (jbr_event_limiter_create(&rows[i].limits) != NULL || errno != EINVAL)
			fail_msg("%s", rows[i].name);
	}
	assert_false(jbr_event_limiter_offer(limiter, &finding, &event));
	assert_false(jbr_event_limiter_drain(limiter, &event));
	jbr_event_limiter_free(limiter);
	jbr_event_limiter_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(intervals),
		cmocka_unit_test(entities),
		cmocka_unit_test(bursts),
		cmocka_unit_test(wild_clock),
		cmocka_unit_test(first_and_last),
		cmocka_unit_test(drain_order),
		cmocka_unit_test(eviction),
		cmocka_unit_test(nothing_is_lost),
		cmocka_unit_test(bad_arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
