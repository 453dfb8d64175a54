/* SPDX-License-Identifier: BSD-3-Clause */
/* Timers against a list of deadlines: none early, none late, none twice, however far time jumps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "jbr_flow.h"

enum { CAPACITY = 1024, PER_SHARD = CAPACITY / JBR_FLOW_SHARDS };

static const uint64_t year_ns = UINT64_C(31556952) * JBR_NS_PER_S;

static uint64_t random_state;

static uint64_t
random_below(uint64_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (random_state >> 11) % limit;
}

static struct jbr_flow_table *
new_table(uint32_t capacity)
{
	const struct jbr_flow_params params = {.capacity = capacity, .seed = 7};
	struct jbr_flow_table *table = jbr_flow_table_create(&params);

	assert_non_null(table);
	return table;
}

static struct jbr_flow
add(struct jbr_flow_shard *shard, uint64_t n, uint64_t now_ns)
{
	struct jbr_flow_probe probe = {.key.tenant = n,
		.hash = n * UINT64_C(0x9e3779b97f4a7c15),
		.narrow = n,
		.form = JBR_FLOW_WIDE};
	struct jbr_flow flow = jbr_flow_insert(shard, &probe);

	memset(&flow.line->hot, 0, sizeof(flow.line->hot));
	flow.line->hot.place = JBR_FLOW_WIDE;
	flow.line->hot.state = JBR_TCP_STATE_ESTABLISHED;
	flow.line->hot.last_ns = now_ns;
	return flow;
}

/* ---- one timer ---- */

/* Times from the start in ms. What is done with the timer, and when it has to be due. */
static const struct {
	const char *name;
	uint64_t arm_ms;
	uint64_t again_ms; /* 0: once only */
	uint64_t due_ms;
	bool is_rearm;
} singles[] = {
	{"in a moment", 1, 0, 1, false},
	{"in a second", 1000, 0, 1000, false},
	{"just before once around", 549000, 0, 549000, false},
	{"just beyond once around", 550500, 0, 550500, false},
	{"an hour", 3600000, 0, 3600000, false},
	{"ten days", 864000000, 0, 864000000, false},
	{"armed earlier", 60000, 5000, 5000, false},
	{"armed later: stays", 5000, 60000, 5000, false},
	{"armed for the same", 5000, 5000, 5000, false},
	{"armed anew earlier", 60000, 5000, 5000, true},
	{"armed anew later", 5000, 60000, 60000, true},
	{"armed anew, beyond once around", 5000, 3600000, 3600000, true},
	{"armed anew, from beyond once around", 3600000, 5000, 5000, true},
};

static const uint64_t starts_s[] = {0, 1, 1700000000, 4102444800};

static void
test_single(void **state)
{
	struct jbr_flow_table *table = new_table(CAPACITY);
	struct jbr_flow_shard *shard = jbr_flow_shard_at(table, 0);

	(void)state;
	for (size_t i = 0; i < 2 * JBR_COUNT_OF(singles) * JBR_COUNT_OF(starts_s); i++) {
		size_t row = i / 2 % JBR_COUNT_OF(singles);
		uint64_t start_ns = starts_s[i / 2 / JBR_COUNT_OF(singles)] * JBR_NS_PER_S +
			123456789;
		uint64_t due_ns = start_ns + singles[row].due_ms * JBR_NS_PER_MS;
		uint64_t again_ns = start_ns + singles[row].again_ms * JBR_NS_PER_MS;
		struct jbr_flow flow;

		jbr_flow_table_clear(table);
		flow = add(shard, 1, start_ns);
		jbr_flow_arm(shard, flow, start_ns + singles[row].arm_ms * JBR_NS_PER_MS);
		if (singles[row].again_ms != 0 && singles[row].is_rearm)
			jbr_flow_rearm(shard, flow, again_ns);
		else if (singles[row].again_ms != 0)
			jbr_flow_arm(shard, flow, again_ns);
		assert_int_equal(flow.rest->deadline_ns, due_ns);
		assert_null(jbr_flow_due(shard, start_ns).line);
		/* in one jump, or second by second */
		for (uint64_t now_ns = start_ns;
			i % 2 == 0 && singles[row].due_ms < 3600000 && now_ns < due_ns;
			now_ns += JBR_NS_PER_S)
			assert_null(jbr_flow_due(shard, now_ns).line);
		if (jbr_flow_due(shard, due_ns - 1).line != NULL)
			fail_msg("%s: too early", singles[row].name);
		if (jbr_flow_due(shard, due_ns).line != flow.line)
			fail_msg("%s: too late", singles[row].name);
		assert_null(jbr_flow_due(shard, due_ns + year_ns).line);
		jbr_flow_remove(shard, flow);
	}
	jbr_flow_table_free(table);
}

/* ---- many ---- */

/* Within once around they come in the order of their deadlines, whatever the order of arming. */
static void
test_order(void **state)
{
	struct jbr_flow_table *table = new_table(CAPACITY);
	struct jbr_flow_shard *shard = jbr_flow_shard_at(table, 1);
	uint64_t start_ns = 1700000000 * JBR_NS_PER_S;

	(void)state;
	for (unsigned round = 0; round < 50; round++) {
		uint64_t last_ns = 0;
		struct jbr_flow flow;
		unsigned count = 0;

		assert_null(jbr_flow_due(shard, start_ns).line); /* time comes before its packets */
		for (unsigned i = 0; i < PER_SHARD; i++) {
			flow = add(shard, i, start_ns);
			jbr_flow_arm(shard, flow,
				start_ns + (i * 7 % PER_SHARD + 1) * 30 * JBR_NS_PER_S);
		}
		start_ns += 540 * JBR_NS_PER_S;
		for (; (flow = jbr_flow_due(shard, start_ns)).line != NULL; count++) {
			assert_true(flow.rest->deadline_ns > last_ns);
			last_ns = flow.rest->deadline_ns;
			jbr_flow_remove(shard, flow);
		}
		assert_int_equal(count, PER_SHARD);
		start_ns += round * year_ns / 7;
	}
	jbr_flow_table_free(table);
}

enum { OPERATIONS = 60000 };

struct list {
	struct jbr_flow flows[PER_SHARD]; /* NULL: a free place */
	uint64_t deadlines[PER_SHARD];    /* 0: no timer */
	uint64_t now_ns;
	unsigned due;
};

static uint64_t
random_deadline(uint64_t now_ns)
{
	switch (random_below(8)) {
	case 0:
		return now_ns + 1 + random_below(JBR_NS_PER_MS);
	case 1:
		return now_ns + 1 + random_below(4000 * JBR_NS_PER_S);
	case 2:
		return now_ns + 1 + random_below(20 * year_ns);
	case 3:
		return now_ns - random_below(2 * JBR_NS_PER_S); /* overdue */
	default:
		return now_ns + 1 + random_below(700 * JBR_NS_PER_S);
	}
}

static void
touch(struct jbr_flow_shard *shard, struct list *list, unsigned i)
{
	uint64_t deadline_ns = random_deadline(list->now_ns);

	if (list->flows[i].line == NULL) {
		list->flows[i] = add(shard, i, list->now_ns);
		list->deadlines[i] = 0;
	}
	switch (random_below(6)) {
	case 0:
		jbr_flow_remove(shard, list->flows[i]);
		list->flows[i] = (struct jbr_flow){0};
		break;
	case 1:
		jbr_flow_rearm(shard, list->flows[i], deadline_ns);
		list->deadlines[i] = deadline_ns;
		break;
	default:
		jbr_flow_arm(shard, list->flows[i], deadline_ns);
		if (list->deadlines[i] == 0 || deadline_ns < list->deadlines[i])
			list->deadlines[i] = deadline_ns;
		break;
	}
}

/* Everything that is due comes once; half of it is armed again, half removed. */
static void
run_due(struct jbr_flow_shard *shard, struct list *list)
{
	struct jbr_flow flow;

	while ((flow = jbr_flow_due(shard, list->now_ns)).line != NULL) {
		unsigned i = 0;

		while (i < PER_SHARD && list->flows[i].line != flow.line)
			i++;
		assert_true(i < PER_SHARD);
		assert_int_not_equal(list->deadlines[i], 0);
		assert_true(list->deadlines[i] <= list->now_ns);
		assert_int_equal(flow.rest->deadline_ns, list->deadlines[i]);
		list->deadlines[i] = 0;
		list->due++;
		if (random_below(2) == 0) {
			jbr_flow_remove(shard, flow);
			list->flows[i] = (struct jbr_flow){0};
			continue;
		}
		list->deadlines[i] = list->now_ns + 1 + random_below(700 * JBR_NS_PER_S);
		jbr_flow_arm(shard, flow, list->deadlines[i]);
	}
	for (unsigned i = 0; i < PER_SHARD; i++)
		if (list->flows[i].line != NULL && list->deadlines[i] != 0)
			assert_true(list->deadlines[i] > list->now_ns);
}

static uint64_t
random_pause(void)
{
	switch (random_below(40)) {
	case 0:
		return random_below(3 * year_ns);
	case 1:
		return random_below(3000 * JBR_NS_PER_S);
	case 2:
		return random_below(60 * JBR_NS_PER_S);
	default:
		return random_below(2 * JBR_NS_PER_S);
	}
}

static void
run_against_list(uint64_t start_ns, bool goes_back)
{
	struct jbr_flow_table *table = new_table(CAPACITY);
	struct jbr_flow_shard *shard = jbr_flow_shard_at(table, 2);
	struct list list = {.now_ns = start_ns};

	for (unsigned i = 0; i < OPERATIONS; i++) {
		touch(shard, &list, (unsigned)random_below(PER_SHARD));
		list.now_ns += random_pause();
		if (goes_back && random_below(50) == 0)
			list.now_ns -= random_below(list.now_ns - start_ns + 1);
		run_due(shard, &list);
	}
	assert_true(list.due > OPERATIONS / 10);
	jbr_flow_table_free(table);
}

static void
test_against_list(void **state)
{
	(void)state;
	random_state = 0x74696d6572;
	run_against_list(1700000000 * JBR_NS_PER_S, false);
	run_against_list(3 * JBR_NS_PER_S, false);
}

static void
test_against_list_back(void **state)
{
	(void)state;
	random_state = 0x6261636b;
	run_against_list(1700000000 * JBR_NS_PER_S, true);
}

/* A timer that was taken out by its removal, or by its being due, does not come back with the record's
 * next use. */
static void
test_removed(void **state)
{
	struct jbr_flow_table *table = new_table(CAPACITY);
	struct jbr_flow_shard *shard = jbr_flow_shard_at(table, 3);
	uint64_t start_ns = 1700000000 * JBR_NS_PER_S;
	struct jbr_flow flow = add(shard, 1, start_ns);
	struct jbr_flow other = add(shard, 2, start_ns);

	(void)state;
	jbr_flow_arm(shard, flow, start_ns + JBR_NS_PER_S);
	jbr_flow_arm(shard, other, start_ns + JBR_NS_PER_S);
	jbr_flow_remove(shard, flow);
	flow = add(shard, 3, start_ns);
	assert_ptr_equal(jbr_flow_due(shard, start_ns + 2 * JBR_NS_PER_S).line, other.line);
	assert_null(jbr_flow_due(shard, start_ns + 2 * JBR_NS_PER_S).line);
	jbr_flow_arm(shard, flow, start_ns + 3 * JBR_NS_PER_S);
	assert_null(jbr_flow_due(shard, start_ns + 2 * JBR_NS_PER_S).line);
	assert_ptr_equal(jbr_flow_due(shard, start_ns + 3 * JBR_NS_PER_S).line, flow.line);
	jbr_flow_table_free(table);
}

/* Shards have clocks of their own. */
static void
test_shards(void **state)
{
	struct jbr_flow_table *table = new_table(CAPACITY);
	uint64_t start_ns = 1700000000 * JBR_NS_PER_S;
	struct jbr_flow flows[JBR_FLOW_SHARDS];

	(void)state;
	for (unsigned i = 0; i < JBR_FLOW_SHARDS; i++) {
		struct jbr_flow_shard *shard = jbr_flow_shard_at(table, i);

		flows[i] = add(shard, i, start_ns);
		jbr_flow_arm(shard, flows[i], start_ns + (1 + i) * JBR_NS_PER_S);
	}
	for (unsigned i = 0; i < JBR_FLOW_SHARDS; i++)
		assert_ptr_equal(jbr_flow_due(jbr_flow_shard_at(table, i),
					 start_ns + 20 * JBR_NS_PER_S)
					 .line,
			i < 20 ? flows[i].line : NULL);
	jbr_flow_table_free(table);
}

/* At the end of a run all are found, each once. */
static void
test_any(void **state)
{
	struct jbr_flow_table *table = new_table(CAPACITY);
	struct jbr_flow_shard *shard = jbr_flow_shard_at(table, 4);
	uint64_t start_ns = 1700000000 * JBR_NS_PER_S;

	(void)state;
	assert_null(jbr_flow_any(shard).line);
	for (unsigned round = 0; round < 100; round++) {
		unsigned count = 1 + round % PER_SHARD;
		struct jbr_flow flows[PER_SHARD];
		struct jbr_flow flow;

		for (unsigned i = 0; i < count; i++) {
			flows[i] = add(shard, i, start_ns);
			jbr_flow_arm(shard, flows[i], start_ns + (1 + i) * year_ns);
		}
		if (count > 3) {
			jbr_flow_remove(shard, flows[round % 3]);
			count--;
		}
		while ((flow = jbr_flow_any(shard)).line != NULL) {
			assert_true(count-- > 0);
			jbr_flow_remove(shard, flow);
		}
		assert_int_equal(count, 0);
		assert_int_equal(jbr_flow_count(shard), 0);
	}
	add(shard, 1, start_ns);
	assert_null(jbr_flow_any(shard).line); /* it has no timer */
	jbr_flow_table_free(table);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_single),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_against_list),
		cmocka_unit_test(test_against_list_back),
		cmocka_unit_test(test_removed),
		cmocka_unit_test(test_shards),
		cmocka_unit_test(test_any),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
