/* SPDX-License-Identifier: BSD-3-Clause */
/* The histogram of gaps: every value has its bucket, and a quantile is at most 1/8 too high. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "gap.h"

static void
buckets_follow_each_other(void **state)
{
	unsigned last = 0;

	(void)state;
	for (uint64_t value = 0; value < 1 << 16; value++) {
		unsigned bucket = gap_bucket(value);

		assert_in_range(bucket, last, last + 1);
		last = bucket;
	}
	assert_in_range(gap_bucket(UINT64_MAX), last + 1, GAP_BUCKETS - 1);
}

static void
nothing_has_no_quantile(void **state)
{
	static struct gap gap;

	(void)state;
	assert_int_equal(gap_quantile(&gap, 9999), 0);
}

static void
a_single_value_is_exact(void **state)
{
	static const uint64_t values[] = {0, 1, 15, 16, 17, 1000, 123456789, UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(values); i++) {
		struct gap gap = {0};

		gap_add(&gap, values[i]);
		assert_int_equal(gap_quantile(&gap, 1), values[i]);
		assert_int_equal(gap_quantile(&gap, 10000), values[i]);
		assert_int_equal(gap.max, values[i]);
	}
}

/* 1, 2, ..., 100000: the quantile is known. */
static void
quantiles_are_an_eighth_too_high_at_most(void **state)
{
	static const unsigned shares[] = {1, 100, 5000, 9000, 9900, 9999, 10000};
	static struct gap gap;

	(void)state;
	for (uint64_t value = 100000; value > 0; value--)
		gap_add(&gap, value);
	for (size_t i = 0; i < JBR_COUNT_OF(shares); i++) {
		uint64_t exact = shares[i] * 10;

		assert_in_range(gap_quantile(&gap, shares[i]), exact, exact + exact / 8);
	}
	assert_int_equal(gap_quantile(&gap, 10000), 100000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buckets_follow_each_other),
		cmocka_unit_test(nothing_has_no_quantile),
		cmocka_unit_test(a_single_value_is_exact),
		cmocka_unit_test(quantiles_are_an_eighth_too_high_at_most),
	};

	return cmocka_run_group_tests_name("gap", tests, NULL, NULL);
}
