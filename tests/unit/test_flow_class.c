/* SPDX-License-Identifier: BSD-3-Clause */
/* Who has to go when the table is full: what proves nothing first, what is open never for a newcomer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "jbr_flow.h"

enum { CAPACITY = 1024, PER_SHARD = CAPACITY / JBR_FLOW_SHARDS };

static struct jbr_flow_table *
new_table(uint32_t capacity)
{
	const struct jbr_flow_params params = {.capacity = capacity, .seed = 7};
	struct jbr_flow_table *table = jbr_flow_table_create(&params);

	assert_non_null(table);
	return table;
}

/* The place of the n-th connection of a shard; hashes of no importance. */
static struct jbr_flow_probe
probe_of(uint32_t n)
{
	return (struct jbr_flow_probe){.key.tenant = n,
		.hash = n * UINT64_C(0x9e3779b97f4a7c15),
		.narrow = n,
		.form = JBR_FLOW_WIDE};
}

/* The n-th connection of one shard; hashes of no importance. */
static struct jbr_flow
add(struct jbr_flow_shard *shard, uint32_t n)
{
	struct jbr_flow_probe probe = probe_of(n);
	struct jbr_flow flow = jbr_flow_insert(shard, &probe);

	memset(&flow.line->hot, 0, sizeof(flow.line->hot));
	flow.line->hot.place = JBR_FLOW_WIDE;
	flow.line->hot.last_ns = 1000 * JBR_NS_PER_S;
	return flow;
}

/* In the order in which they took their state; 0: no more. */
struct candidate {
	uint8_t state; /* JBR_TCP_STATE_* */
	uint32_t flags;
};

#define PROVEN(state) \
	{ \
		JBR_TCP_STATE_##state, (uint32_t)JBR_TCP_PROVEN \
	}
#define UNPROVEN(state) \
	{ \
		JBR_TCP_STATE_##state, 0 \
	}

enum { NOBODY = 9 };

static const struct {
	const char *name;
	unsigned victim;
	struct candidate candidates[5];
} victims[] = {
	{"an open one never", NOBODY, {PROVEN(ESTABLISHED), PROVEN(MIDSTREAM), PROVEN(FIN_O)}},
	{"an unanswered SYN", 1, {PROVEN(ESTABLISHED), UNPROVEN(SYN_SENT)}},
	{"the oldest unanswered SYN", 1,
		{PROVEN(RESET), UNPROVEN(SYN_SENT), UNPROVEN(SYN_SENT), PROVEN(TIME_WAIT)}},
	{"a lone SYN-ACK", 1, {PROVEN(ESTABLISHED), UNPROVEN(SYNACK_ONLY)}},
	{"a lone segment", 1, {PROVEN(MIDSTREAM), UNPROVEN(MIDSTREAM)}},
	{"a lone FIN", 1, {PROVEN(FIN_O), UNPROVEN(FIN_O)}},
	{"a lone RST", 2, {PROVEN(ESTABLISHED), PROVEN(RESET), UNPROVEN(RESET)}},
	{"an unanswered SYN before a half-open one", 2,
		{UNPROVEN(SYN_RECEIVED), PROVEN(RESET), UNPROVEN(SYN_SENT)}},
	{"a half-open one before a reset one", 1, {PROVEN(RESET), UNPROVEN(SYN_RECEIVED)}},
	{"half-open, though two segments fit", 1, {PROVEN(RESET), PROVEN(SYN_RECEIVED)}},
	{"a reset one", 1, {PROVEN(ESTABLISHED), PROVEN(RESET), PROVEN(FIN_O)}},
	{"one in TIME-WAIT", 2,
		{PROVEN(ESTABLISHED), PROVEN(FIN_BOTH_O_ACKED), PROVEN(TIME_WAIT), PROVEN(RESET)}},
};

static struct jbr_flow
add_candidate(struct jbr_flow_shard *shard, uint32_t n, const struct candidate *candidate)
{
	struct jbr_flow flow = add(shard, n);

	flow.line->hot.state = candidate->state;
	flow.line->hot.flags = candidate->flags;
	jbr_flow_classify(shard, flow);
	return flow;
}

static void
test_victim(void **state)
{
	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(victims); i++) {
		struct jbr_flow_table *table = new_table(CAPACITY);
		struct jbr_flow_shard *shard = jbr_flow_shard_at(table, 0);
		struct jbr_flow flows[5] = {{0}};
		const void *should = NULL;

		assert_null(jbr_flow_victim(shard).line);
		for (unsigned n = 0; n < 5 && victims[i].candidates[n].state != 0; n++)
			flows[n] = add_candidate(shard, n, &victims[i].candidates[n]);
		if (victims[i].victim != NOBODY)
			should = flows[victims[i].victim].line;
		if (jbr_flow_victim(shard).line != should)
			fail_msg("%s: another", victims[i].name);
		jbr_flow_table_free(table);
	}
}

/* A class changes with the state, and the place in it is by the time of the change. */
static void
test_classes(void **state)
{
	static const struct candidate open = PROVEN(ESTABLISHED);
	static const struct candidate half_open = UNPROVEN(SYN_RECEIVED);
	struct jbr_flow_table *table = new_table(CAPACITY);
	struct jbr_flow_shard *shard = jbr_flow_shard_at(table, 3);
	struct jbr_flow first = add(shard, 0);
	struct jbr_flow second = add_candidate(shard, 1, &half_open);
	struct jbr_flow third = add_candidate(shard, 2, &open);

	(void)state;
	assert_int_equal(jbr_flow_class(shard, first), JBR_FLOW_UNANSWERED);
	assert_int_equal(jbr_flow_class(shard, second), JBR_FLOW_HALF_OPEN);
	assert_int_equal(jbr_flow_class(shard, third), JBR_FLOW_PROVEN);
	assert_ptr_equal(jbr_flow_idle(shard).line, third.line);
	first.line->hot.state = JBR_TCP_STATE_SYN_RECEIVED;
	assert_int_equal(jbr_flow_classify(shard, first), JBR_FLOW_HALF_OPEN);
	assert_ptr_equal(jbr_flow_victim(shard).line, second.line);
	jbr_flow_remove(shard, second);
	assert_ptr_equal(jbr_flow_victim(shard).line, first.line);
	third.line->hot.state = JBR_TCP_STATE_TIME_WAIT;
	assert_int_equal(jbr_flow_classify(shard, third), JBR_FLOW_CLOSED);
	assert_null(jbr_flow_idle(shard).line);
	jbr_flow_remove(shard, first);
	assert_ptr_equal(jbr_flow_victim(shard).line, third.line);
	jbr_flow_table_free(table);
}

/* Proven ones leave room for newcomers; of them the longest idle goes. */
static void
test_crowd(void **state)
{
	static const struct candidate open = PROVEN(ESTABLISHED);
	enum { EACH = 64, LIMIT = EACH - EACH / 16 };
	struct jbr_flow_table *table = new_table(EACH * JBR_FLOW_SHARDS);
	struct jbr_flow_shard *shard = jbr_flow_shard_at(table, 1);
	struct jbr_flow flows[LIMIT + 1];

	(void)state;
	assert_null(jbr_flow_idle(shard).line);
	for (unsigned i = 0; i <= LIMIT; i++) {
		assert_false(jbr_flow_is_crowded(shard));
		flows[i] = add_candidate(shard, i, &open);
		flows[i].line->hot.last_ns = (i == 2 ? 900 : 1000 + i) * JBR_NS_PER_S;
	}
	assert_true(jbr_flow_is_crowded(shard));
	assert_ptr_equal(jbr_flow_idle(shard).line, flows[2].line);
	jbr_flow_remove(shard, flows[2]);
	assert_false(jbr_flow_is_crowded(shard));
	/* those that were passed over have made room for the next ones to be looked at */
	assert_ptr_equal(jbr_flow_idle(shard).line, flows[8].line);
	jbr_flow_table_free(table);
}

/* A flood of what proves nothing gives way to itself. */
static void
test_flood(void **state)
{
	static const struct candidate open = PROVEN(ESTABLISHED);
	static const struct candidate floods[] = {UNPROVEN(SYN_SENT), UNPROVEN(MIDSTREAM),
		UNPROVEN(FIN_O), UNPROVEN(RESET), UNPROVEN(SYN_RECEIVED)};
	struct jbr_flow_table *table = new_table(CAPACITY);
	struct jbr_flow_shard *shard = jbr_flow_shard_at(table, 63);
	struct jbr_flow established[PER_SHARD - 1];

	(void)state;
	for (unsigned i = 0; i < PER_SHARD - 1; i++) {
		established[i] = add_candidate(shard, i, &open);
		jbr_flow_arm(shard, established[i], (1000 + i % 200) * JBR_NS_PER_S);
	}
	for (uint32_t n = 0; n < 5000; n++) {
		struct jbr_flow flow;

		if (jbr_flow_is_full(shard))
			jbr_flow_remove(shard, jbr_flow_victim(shard));
		flow = add_candidate(shard, 100 + n, &floods[n / 500 % JBR_COUNT_OF(floods)]);
		jbr_flow_arm(shard, flow, 1120 * JBR_NS_PER_S);
	}
	for (unsigned i = 0; i < PER_SHARD - 1; i++) {
		struct jbr_flow_probe probe = probe_of(i);

		assert_ptr_equal(jbr_flow_find(shard, &probe).line, established[i].line);
	}
	jbr_flow_table_free(table);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_victim),
		cmocka_unit_test(test_classes),
		cmocka_unit_test(test_crowd),
		cmocka_unit_test(test_flood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
