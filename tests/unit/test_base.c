/* SPDX-License-Identifier: BSD-3-Clause */
/* lib/base: byte loads, text that grows, JSON that is right whatever the strings hold, errors. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "jbr_base.h"

static void
expect_buffer(struct jbr_buffer *buffer, const char *text)
{
	assert_false(buffer->failed);
	assert_int_equal(buffer->length, strlen(text));
	if (buffer->length > 0)
		assert_memory_equal(buffer->data, text, buffer->length);
	jbr_buffer_fini(buffer);
}

static void
loads_and_limits(void **state)
{
	static const uint8_t bytes[] = {0xff, 0x01, 0x02, 0x83, 0x04};

	(void)state;
	assert_int_equal(jbr_load_be16(bytes + 1), 0x0102);
	assert_int_equal(jbr_load_be16(bytes), 0xff01);
	assert_int_equal(jbr_load_be32(bytes + 1), 0x01028304);
	assert_int_equal(jbr_load_be32(bytes), 0xff010283);
	assert_int_equal(jbr_min_u32(3, UINT32_MAX), 3);
	assert_int_equal(jbr_min_u32(UINT32_MAX, 3), 3);
	assert_true(jbr_min_u64(UINT64_MAX, 1) == 1 && jbr_min_u64(1, UINT64_MAX) == 1);
	assert_true(jbr_max_u64(UINT64_MAX, 1) == UINT64_MAX && jbr_max_u64(1, 2) == 2);
	assert_true(jbr_mix64(3, 5) == 15);
	/* 2^63 * 4 = 2^65: only the upper half is left */
	assert_true(jbr_mix64(UINT64_C(1) << 63, 4) == 2);
	assert_true(jbr_mix64(UINT64_MAX, UINT64_MAX) == (UINT64_C(1) ^ (UINT64_MAX - 1)));
}

static void
buffer_appends(void **state)
{
	struct jbr_buffer buffer = {0};

	(void)state;
	jbr_buffer_append(&buffer, "", 0);
	assert_int_equal(buffer.length, 0);
	jbr_buffer_append(&buffer, "ab", 2);
	jbr_buffer_format(&buffer, "%s-%d", "c", 7);
	jbr_buffer_append(&buffer, "d", 1);
	expect_buffer(&buffer, "abc-7d");
	assert_null(buffer.data);
	assert_int_equal(buffer.capacity, 0);
	jbr_buffer_append(&buffer, "again", 5);
	expect_buffer(&buffer, "again");
}

static void
buffer_grows(void **state)
{
	struct jbr_buffer buffer = {0};
	char piece[301];

	(void)state;
	memset(piece, 'x', sizeof(piece));
	for (int i = 0; i < 500; i++) {
		piece[0] = (char)('a' + i % 26);
		if (i % 2 == 0)
			jbr_buffer_append(&buffer, piece, sizeof(piece));
		else
			jbr_buffer_format(&buffer, "%.*s", (int)sizeof(piece), piece);
	}
	assert_false(buffer.failed);
	assert_int_equal(buffer.length, 500 * sizeof(piece));
	assert_true(buffer.capacity >= buffer.length);
	for (size_t i = 0; i < 500; i++) {
		assert_int_equal(buffer.data[i * sizeof(piece)], 'a' + i % 26);
		assert_int_equal(buffer.data[i * sizeof(piece) + 300], 'x');
	}
	jbr_buffer_fini(&buffer);
}

static void
buffer_reserves(void **state)
{
	struct jbr_buffer buffer = {0};
	char *at;

	(void)state;
	jbr_buffer_append(&buffer, "head", 4);
	at = jbr_buffer_reserve(&buffer, 1000);
	assert_non_null(at);
	assert_ptr_equal(at, buffer.data + 4);
	assert_true(buffer.capacity >= 1004);
	assert_int_equal(buffer.length, 4);
	memset(at, 'y', 1000);
	buffer.length += 3;
	expect_buffer(&buffer, "headyyy");
}

static void
buffer_remembers_a_failure(void **state)
{
	struct jbr_buffer buffer = {0};

	(void)state;
	jbr_buffer_append(&buffer, "kept", 4);
	assert_null(jbr_buffer_reserve(&buffer, SIZE_MAX));
	assert_true(buffer.failed);
	jbr_buffer_append(&buffer, "lost", 4);
	jbr_buffer_format(&buffer, "%d", 5);
	assert_null(jbr_buffer_reserve(&buffer, 1));
	assert_int_equal(buffer.length, 4);
	assert_memory_equal(buffer.data, "kept", 4);
	jbr_buffer_fini(&buffer);
	assert_false(buffer.failed);
}

static void
error_is_set(void **state)
{
	struct jbr_error error = {"old"};
	char text[2 * sizeof(error.text)];

	(void)state;
	assert_int_equal(jbr_error_set(&error, -ENOENT, "cannot open '%s': %d", "f", 2), -ENOENT);
	assert_string_equal(error.text, "cannot open 'f': 2");
	assert_int_equal(jbr_error_set(NULL, -EINVAL, "unseen %d", 1), -EINVAL);
	assert_int_equal(jbr_error_set(&error, 0, "%s", ""), 0);
	assert_string_equal(error.text, "");
	memset(text, 'z', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	jbr_error_set(&error, -1, "%s", text);
	assert_int_equal(strlen(error.text), sizeof(error.text) - 1);
	assert_memory_equal(error.text, text, sizeof(error.text) - 1);
}

struct string_row {
	const char *name;
	const char *bytes;
	size_t length;
	const char *json;
};

#define STRING_ROW(name, bytes, json) \
	{ \
		name, bytes, sizeof(bytes) - 1, json \
	}
#define BAD "\xef\xbf\xbd" /* U+FFFD */

static const struct string_row string_rows[] = {
	STRING_ROW("empty", "", "\"\""),
	STRING_ROW("plain", "abc /~", "\"abc /~\""),
	STRING_ROW("quote and backslash", "a\"b\\c", "\"a\\\"b\\\\c\""),
	STRING_ROW("short escapes", "\n\r\t", "\"\\n\\r\\t\""),
	STRING_ROW("controls", "\x01\x1f\x7f", "\"\\u0001\\u001f\\u007f\""),
	STRING_ROW("backspace and form feed", "\b\f", "\"\\u0008\\u000c\""),
	STRING_ROW("zero byte", "a\0b", "\"a\\u0000b\""),
	STRING_ROW("escape first and last", "\"x\"", "\"\\\"x\\\"\""),
	STRING_ROW("two bytes, lowest and highest", "\xc2\x80 \xdf\xbf", "\"\xc2\x80 \xdf\xbf\""),
	STRING_ROW("three bytes, lowest and highest", "\xe0\xa0\x80 \xef\xbf\xbf",
		"\"\xe0\xa0\x80 \xef\xbf\xbf\""),
	STRING_ROW("four bytes, lowest and highest", "\xf0\x90\x80\x80 \xf4\x8f\xbf\xbf",
		"\"\xf0\x90\x80\x80 \xf4\x8f\xbf\xbf\""),
	STRING_ROW("around the surrogates", "\xed\x9f\xbf\xee\x80\x80",
		"\"\xed\x9f\xbf\xee\x80\x80\""),
	STRING_ROW("lone continuation",
		"a\x80"
		"b",
		"\"a" BAD "b\""),
	STRING_ROW("two-byte overlong", "\xc0\xaf", "\"" BAD BAD "\""),
	STRING_ROW("two-byte overlong, last", "\xc1\xbf", "\"" BAD BAD "\""),
	STRING_ROW("three-byte overlong", "\xe0\x9f\xbf", "\"" BAD BAD BAD "\""),
	STRING_ROW("four-byte overlong", "\xf0\x8f\xbf\xbf", "\"" BAD BAD BAD BAD "\""),
	STRING_ROW("surrogate", "\xed\xa0\x80", "\"" BAD BAD BAD "\""),
	STRING_ROW("above U+10FFFF", "\xf4\x90\x80\x80", "\"" BAD BAD BAD BAD "\""),
	STRING_ROW("bytes never used", "\xf5\xff\xfe", "\"" BAD BAD BAD "\""),
	STRING_ROW("cut two-byte", "a\xc3", "\"a" BAD "\""),
	STRING_ROW("cut three-byte", "\xe2\x82", "\"" BAD BAD "\""),
	STRING_ROW("cut four-byte", "\xf0\x9f\x92", "\"" BAD BAD BAD "\""),
	STRING_ROW("cut by a quote", "\xe2\x82\"", "\"" BAD BAD "\\\"\""),
	STRING_ROW("good after bad", "\xff\xc3\xbc", "\"" BAD "\xc3\xbc\""),
};

/* The bytes stand at the end of their own allocation: a read past them is a fault under ASan. */
static void
strings_are_escaped(void **state)
{
	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(string_rows); i++) {
		const struct string_row *row = &string_rows[i];
		struct jbr_buffer out = {0};
		struct jbr_json json;
		char *bytes = malloc(row->length + 1);

		assert_non_null(bytes);
		memcpy(bytes + 1, row->bytes, row->length);
		jbr_json_init(&json, &out);
		jbr_json_string_n(&json, NULL, bytes + 1, row->length);
		if (out.failed || out.length != strlen(row->json) ||
			memcmp(out.data, row->json, out.length) != 0)
			fail_msg("%s: %.*s, not %s", row->name, (int)out.length, out.data,
				row->json);
		jbr_buffer_fini(&out);
		free(bytes);
	}
}

static void
values_of_every_type(void **state)
{
	struct jbr_buffer out = {0};
	struct jbr_json json;

	(void)state;
	jbr_json_init(&json, &out);
	jbr_json_object_open(&json, NULL);
	jbr_json_string(&json, "s", "x");
	jbr_json_string(&json, "no", NULL);
	jbr_json_uint(&json, "u0", 0);
	jbr_json_uint(&json, "u", UINT64_MAX);
	jbr_json_int(&json, "i", INT64_MIN);
	jbr_json_int(&json, "j", -1);
	jbr_json_int(&json, "k", INT64_MAX);
	jbr_json_bool(&json, "t", true);
	jbr_json_bool(&json, "f", false);
	jbr_json_null(&json, "n");
	jbr_json_uint(&json, "a\"b", 1);
	jbr_json_object_close(&json);
	expect_buffer(&out,
		"{\"s\":\"x\",\"no\":null,\"u0\":0,\"u\":18446744073709551615,"
		"\"i\":-9223372036854775808,\"j\":-1,\"k\":9223372036854775807,"
		"\"t\":true,\"f\":false,\"n\":null,\"a\\\"b\":1}");
}

static void
commas_follow_nesting(void **state)
{
	struct jbr_buffer out = {0};
	struct jbr_json json;

	(void)state;
	jbr_buffer_append(&out, "> ", 2);
	jbr_json_init(&json, &out);
	jbr_json_array_open(&json, NULL);
	jbr_json_object_open(&json, NULL);
	jbr_json_object_close(&json);
	jbr_json_object_open(&json, NULL);
	jbr_json_array_open(&json, "a");
	jbr_json_array_close(&json);
	jbr_json_array_open(&json, "b");
	jbr_json_uint(&json, NULL, 1);
	jbr_json_uint(&json, NULL, 2);
	jbr_json_array_close(&json);
	jbr_json_uint(&json, "c", 3);
	jbr_json_object_close(&json);
	jbr_json_uint(&json, NULL, 4);
	jbr_json_array_close(&json);
	expect_buffer(&out, "> [{},{\"a\":[],\"b\":[1,2],\"c\":3},4]");
}

static void
nesting_has_a_limit(void **state)
{
	struct jbr_buffer out = {0};
	struct jbr_json json;

	(void)state;
	jbr_json_init(&json, &out);
	for (int i = 0; i < 62; i++)
		jbr_json_array_open(&json, NULL);
	jbr_json_uint(&json, NULL, 1);
	jbr_json_uint(&json, NULL, 2);
	for (int i = 0; i < 62; i++)
		jbr_json_array_close(&json);
	assert_false(out.failed);
	assert_int_equal(out.length, 62 + 3 + 62);
	assert_memory_equal(out.data + 61, "[1,2]", 5);
	jbr_buffer_fini(&out);

	jbr_json_init(&json, &out);
	for (int i = 0; i < 62; i++)
		jbr_json_array_open(&json, NULL);
	assert_false(out.failed);
	jbr_json_array_open(&json, NULL);
	assert_true(out.failed);
	jbr_buffer_fini(&out);

	jbr_json_init(&json, &out);
	jbr_json_object_close(&json);
	assert_true(out.failed);
	jbr_buffer_fini(&out);
}

static void
fractions_are_exact(void **state)
{
	static const struct {
		int64_t numerator;
		unsigned decimals;
		const char *json;
	} rows[] = {
		{0, 1, "0.0"},
		{0, 9, "0.000000000"},
		{5, 1, "0.5"},
		{-5, 1, "-0.5"},
		{10, 1, "1.0"},
		{1005, 3, "1.005"},
		{-1005, 3, "-1.005"},
		{1, 6, "0.000001"},
		{999999, 6, "0.999999"},
		{1000000, 6, "1.000000"},
		{123456789, 9, "0.123456789"},
		{INT64_C(1700000000123456789), 9, "1700000000.123456789"},
		{INT64_MAX, 9, "9223372036.854775807"},
		{INT64_MIN, 9, "-9223372036.854775808"},
		{INT64_MIN, 1, "-922337203685477580.8"},
	};

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(rows); i++) {
		struct jbr_buffer out = {0};
		struct jbr_json json;

		jbr_json_init(&json, &out);
		jbr_json_fixed(&json, NULL, rows[i].numerator, rows[i].decimals);
		expect_buffer(&out, rows[i].json);
	}
}

static void
fractions_need_1_to_18_digits(void **state)
{
	static const unsigned wrong[] = {0, 19, UINT32_MAX};

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(wrong); i++) {
		struct jbr_buffer out = {0};
		struct jbr_json json;

		jbr_json_init(&json, &out);
		jbr_json_fixed(&json, "x", 1, wrong[i]);
		assert_true(out.failed);
		assert_int_equal(out.length, 0);
		jbr_buffer_fini(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loads_and_limits),
		cmocka_unit_test(buffer_appends),
		cmocka_unit_test(buffer_grows),
		cmocka_unit_test(buffer_reserves),
		cmocka_unit_test(buffer_remembers_a_failure),
		cmocka_unit_test(error_is_set),
		cmocka_unit_test(strings_are_escaped),
		cmocka_unit_test(values_of_every_type),
		cmocka_unit_test(commas_follow_nesting),
		cmocka_unit_test(nesting_has_a_limit),
		cmocka_unit_test(fractions_are_exact),
		cmocka_unit_test(fractions_need_1_to_18_digits),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
