/* SPDX-License-Identifier: BSD-3-Clause */
/* Counters: their sum, and the identities that hold between them. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>

#include "jbr_stats.h"

enum { WORDS = sizeof(struct jbr_counters) / sizeof(uint64_t) };

/* Counters that agree with each other, none of them zero. */
static struct jbr_counters
sound_counters(void)
{
	struct jbr_counters counters;
	uint64_t *words = (uint64_t *)&counters;

	for (size_t i = 0; i < WORDS; i++)
		words[i] = 10 + i;
	counters.received = counters.tcp + jbr_counters_not_analysed(&counters);
	counters.segments[JBR_SEGMENT_RST] = counters.resets_pending;
	for (unsigned i = 0; i < JBR_RESET_COUNT; i++)
		counters.segments[JBR_SEGMENT_RST] += counters.resets[i];
	counters.connections = 0;
	for (unsigned i = 0; i < JBR_OUTCOME_COUNT; i++)
		counters.connections += counters.outcomes[i];
	counters.conn_states[0] = counters.connections;
	for (unsigned i = 1; i < JBR_OUTCOME_ZEEK_COUNT; i++)
		counters.conn_states[0] -= counters.conn_states[i];
	return counters;
}

static void
adds_every_counter(void **state)
{
	struct jbr_counters to;
	struct jbr_counters from;
	uint64_t *to_words = (uint64_t *)&to;
	uint64_t *from_words = (uint64_t *)&from;

	(void)state;
	for (size_t i = 0; i < WORDS; i++) {
		to_words[i] = 1000 * i;
		from_words[i] = i * i + 1;
	}
	jbr_counters_add(&to, &from);
	for (size_t i = 0; i < WORDS; i++) {
		assert_int_equal(to_words[i], 1000 * i + i * i + 1);
		assert_int_equal(from_words[i], i * i + 1);
	}
}

static void
sums_the_reasons(void **state)
{
	struct jbr_counters counters = {0};
	uint64_t expected = 0;

	(void)state;
	assert_int_equal(jbr_counters_not_analysed(&counters), 0);
	for (unsigned i = 0; i < JBR_NOT_ANALYSED_COUNT; i++) {
		counters.not_analysed[i] = UINT64_C(1) << i;
		expected |= UINT64_C(1) << i;
	}
	assert_int_equal(jbr_counters_not_analysed(&counters), expected);
}

static void
sound_counters_pass(void **state)
{
	struct jbr_counters counters = sound_counters();
	struct jbr_counters none = {0};
	struct jbr_error error;

	(void)state;
	assert_int_equal(jbr_counters_check(&none, &error), 0);
	assert_int_equal(jbr_counters_check(&counters, &error), 0);
	/* what holds for two workers holds for both together */
	jbr_counters_add(&counters, &counters);
	assert_int_equal(jbr_counters_check(&counters, &error), 0);
	assert_int_equal(jbr_counters_check(&counters, NULL), 0);
}

/* One count too many anywhere in an identity is found, and the message says where. */
static void
broken_identities(void **state)
{
	static const struct {
		const char *name;
		size_t offset;
		const char *message;
	} rows[] = {
		{"received", offsetof(struct jbr_counters, received), "is not tcp"},
		{"tcp", offsetof(struct jbr_counters, tcp), "is not tcp"},
		{"first reason", offsetof(struct jbr_counters, not_analysed[0]), "is not tcp"},
		{"last reason",
			offsetof(struct jbr_counters, not_analysed[JBR_NOT_ANALYSED_COUNT - 1]),
			"is not tcp"},
		{"RST", offsetof(struct jbr_counters, segments[JBR_SEGMENT_RST]), "is not causes"},
		{"first cause", offsetof(struct jbr_counters, resets[0]), "is not causes"},
		{"last cause", offsetof(struct jbr_counters, resets[JBR_RESET_COUNT - 1]),
			"is not causes"},
		{"pending", offsetof(struct jbr_counters, resets_pending), "is not causes"},
		{"connections", offsetof(struct jbr_counters, connections), "is not outcomes"},
		{"last outcome", offsetof(struct jbr_counters, outcomes[JBR_OUTCOME_COUNT - 1]),
			"is not outcomes"},
		{"last state",
			offsetof(struct jbr_counters, conn_states[JBR_OUTCOME_ZEEK_COUNT - 1]),
			"is not outcomes"},
	};

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(rows); i++) {
		struct jbr_counters counters = sound_counters();
		struct jbr_error error = {{0}};
		uint64_t *counter = (uint64_t *)((char *)&counters + rows[i].offset);

		*counter += 1;
		if (jbr_counters_check(&counters, &error) != -EINVAL)
			fail_msg("%s: not found", rows[i].name);
		if (strstr(error.text, rows[i].message) == NULL)
			fail_msg("%s: %s", rows[i].name, error.text);
		assert_int_equal(jbr_counters_check(&counters, NULL), -EINVAL);
	}
}

/* The numbers in a message are those that do not agree. */
static void
message_has_the_numbers(void **state)
{
	struct jbr_counters counters = {.received = 5, .tcp = 3};
	struct jbr_error error;

	(void)state;
	counters.not_analysed[JBR_NOT_ANALYSED_UDP] = 1;
	assert_int_equal(jbr_counters_check(&counters, &error), -EINVAL);
	assert_string_equal(error.text, "received 5 is not tcp 3 + not_analysed 1");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adds_every_counter),
		cmocka_unit_test(sums_the_reasons),
		cmocka_unit_test(sound_counters_pass),
		cmocka_unit_test(broken_identities),
		cmocka_unit_test(message_has_the_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
