/* SPDX-License-Identifier: BSD-3-Clause */
/* app/jabiructl: numbers and times as people read them, and a screen in memory. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <locale.h>
#include <stdlib.h>
#include <time.h>

#include "canvas.h"
#include "text.h"

static void
counts_have_commas(void **state)
{
	(void)state;
	assert_string_equal(text_count(0).at, "0");
	assert_string_equal(text_count(999).at, "999");
	assert_string_equal(text_count(1000).at, "1,000");
	assert_string_equal(text_count(1234567).at, "1,234,567");
	assert_string_equal(text_count(UINT64_MAX).at, "18,446,744,073,709,551,615");
}

static void
three_figures_count(void **state)
{
	static const struct {
		double value;
		const char *text;
	} rows[] = {{0, "0"}, {-5, "0"}, {7, "7"}, {0.25, "0.25"}, {1.5, "1.50"}, {12.34, "12.3"},
		{99.94, "99.9"}, {99.96, "100"}, {999, "999"}, {999.4, "999"}, {999.6, "1.00 k"},
		{1000, "1.00 k"}, {9994, "9.99 k"}, {9996, "10.0 k"}, {99960, "100 k"},
		{999400, "999 k"}, {999600, "1.00 M"}, {1.5e9, "1.50 G"}, {2e15, "2.00 P"},
		{3e18, "3000 P"}};

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(rows); i++)
		assert_string_equal(text_short(rows[i].value).at, rows[i].text);
	assert_string_equal(text_rate(1500).at, "1.50 k/s");
}

static void
parts_of_a_whole(void **state)
{
	(void)state;
	assert_string_equal(text_percent(0, 0).at, "0 %");
	assert_string_equal(text_percent(0, 5).at, "0 %");
	assert_string_equal(text_percent(1, 1e9).at, "< 0.001 %");
	assert_string_equal(text_percent(1, 10000).at, "0.010 %");
	assert_string_equal(text_percent(1, 200).at, "0.50 %");
	assert_string_equal(text_percent(1, 3).at, "33.3 %");
	assert_string_equal(text_percent(5, 5).at, "100.0 %");
}

static void
times_have_two_units(void **state)
{
	(void)state;
	assert_string_equal(text_duration(0).at, "0 ms");
	assert_string_equal(text_duration(999 * JBR_NS_PER_MS).at, "999 ms");
	assert_string_equal(text_duration(1590 * JBR_NS_PER_MS).at, "1.5 s");
	assert_string_equal(text_duration(59 * JBR_NS_PER_S).at, "59 s");
	assert_string_equal(text_duration(61 * JBR_NS_PER_S).at, "1 min 1 s");
	assert_string_equal(text_duration(3661 * JBR_NS_PER_S).at, "1 h 1 min");
	assert_string_equal(text_duration(90000 * JBR_NS_PER_S).at, "1 d 1 h");
	assert_string_equal(text_time(UINT64_C(1795456800) * JBR_NS_PER_S).at,
		"2026-11-23 18:00:00");
	assert_string_equal(text_clock(UINT64_C(1795456800123456789)).at, "18:00:00.123");
}

static void
decimals_are_exact(void **state)
{
	(void)state;
	assert_string_equal(text_scaled(5, 0).at, "5");
	assert_string_equal(text_scaled(-5, 0).at, "-5");
	assert_string_equal(text_scaled(1500, 3).at, "1.5");
	assert_string_equal(text_scaled(-1, 9).at, "-0.000000001");
	assert_string_equal(text_scaled(2000, 3).at, "2");
	assert_string_equal(text_scaled(INT64_MIN, 9).at, "-9223372036.854775808");
}

static void
characters_have_columns(void **state)
{
	(void)state;
	assert_int_equal(text_width("abc"), 3);
	assert_int_equal(text_width("M\xc3\xbchle"), 5);
	assert_int_equal(text_width("\xe6\x97\xa5\xe6\x9c\xac"), 4);
	assert_int_equal(text_width("a\xff"), 2); /* what is no text takes a column */
	assert_int_equal(text_fit("M\xc3\xbchle", 2), 3);
	assert_int_equal(text_fit("\xe6\x97\xa5\xe6\x9c\xac", 3), 3);
}

static void
a_canvas_cuts(void **state)
{
	struct canvas canvas = {0};
	struct jbr_buffer out = {0};

	(void)state;
	assert_int_equal(canvas_resize(&canvas, 3, 8), 0);
	canvas_put(&canvas, (struct place){0, 5, 100}, LOOK_PLAIN, "%s", "abcdef");
	canvas_put(&canvas, (struct place){3, 0, 8}, LOOK_PLAIN, "below");
	canvas_put(&canvas, (struct place){0, 9, 8}, LOOK_PLAIN, "beside");
	canvas_put_right(&canvas, (struct place){1, 0, 8}, LOOK_PLAIN, "%d", 42);
	canvas_put_right(&canvas, (struct place){2, 1, 3}, LOOK_PLAIN, "12345");
	canvas_put(&canvas, (struct place){2, 5, 3}, LOOK_PLAIN, "\xe6\x97\xa5\xe6\x9c\xac\x1b");
	canvas_text(&canvas, &out);
	jbr_buffer_append(&out, "", 1);
	assert_string_equal(out.data, "     abc\n      42\n 123 \xe6\x97\xa5\n");
	jbr_buffer_fini(&out);
	canvas_fini(&canvas);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_have_commas),
		cmocka_unit_test(three_figures_count),
		cmocka_unit_test(parts_of_a_whole),
		cmocka_unit_test(times_have_two_units),
		cmocka_unit_test(decimals_are_exact),
		cmocka_unit_test(characters_have_columns),
		cmocka_unit_test(a_canvas_cuts),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
