/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "jbr_base.h"
#include "samples.h"

static const struct {
	const char *name;
	unsigned count;
	double values[5];
	struct spread expected;
} rows[] = {
	{"none", 0, {0}, {0, 0, 0}},
	{"one", 1, {7}, {7, 7, 7}},
	{"an odd number", 3, {9, 1, 4}, {4, 1, 9}},
	{"an even number: the mean of the middle", 4, {8, 2, 4, 1}, {3, 1, 8}},
	{"below zero", 2, {-3, 1}, {-1, -3, 1}},
	{"equal ones", 5, {2, 2, 2, 2, 2}, {2, 2, 2}},
};

static void
spreads(void **state)
{
	(void)state;
	for (unsigned i = 0; i < JBR_COUNT_OF(rows); i++) {
		static struct samples samples;
		struct spread spread;

		print_message("%s\n", rows[i].name);
		samples.count = 0;
		for (unsigned j = 0; j < rows[i].count; j++)
			samples_add(&samples, rows[i].values[j]);
		spread = samples_spread(&samples);
		assert_true(spread.median == rows[i].expected.median);
		assert_true(spread.min == rows[i].expected.min);
		assert_true(spread.max == rows[i].expected.max);
	}
}

static void
beyond_the_capacity(void **state)
{
	static struct samples samples;

	(void)state;
	for (unsigned i = 0; i < SAMPLES_MAX + 10; i++)
		samples_add(&samples, i);
	assert_int_equal(samples.count, SAMPLES_MAX);
	assert_true(samples_spread(&samples).max == SAMPLES_MAX - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spreads),
		cmocka_unit_test(beyond_the_capacity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
