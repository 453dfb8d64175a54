/* SPDX-License-Identifier: BSD-3-Clause */
/* lib/config: every key of the catalogue at the edges of its range, and the sample file. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "config_expect.h"

/* The file that sets one key to @p value, which stands in line 3 or 4. */
static void
write_key(const struct jbr_key_info *row, const char *value, char *ret_text, size_t size)
{
	if (row->anomaly == JBR_ANOM_NONE)
		snprintf(ret_text, size, HEAD "%s:\n  %s: %s\n", row->section, row->key, value);
	else
		snprintf(ret_text, size, HEAD "anomalies:\n  %s:\n    %s: %s\n", row->section,
			row->key, value);
}

static void
expect_key_error(const struct jbr_key_info *row, const char *value, const char *what)
{
	bool is_general = row->anomaly == JBR_ANOM_NONE;
	char text[512];
	char errors[512];

	write_key(row, value, text, sizeof(text));
	snprintf(errors, sizeof(errors), "f:%d:%zu: %s%s.%s: %s\n", is_general ? 3 : 4,
		strlen(row->key) + (is_general ? 5 : 7), is_general ? "" : "anomalies.",
		row->section, row->key, what);
	expect_errors(row->key, text, strlen(text), errors);
}

/* Set one key and give back its field; every other byte must have its default. */
static void
read_field(const struct jbr_key_info *row, const char *value, void *ret_field, size_t size)
{
	struct jbr_config config;
	struct jbr_config rest;
	char text[512];

	write_key(row, value, text, sizeof(text));
	config = expect_fine(row->key, text, strlen(text));
	jbr_config_defaults(&rest);
	memcpy(ret_field, (uint8_t *)&config + row->offset, size);
	memcpy((uint8_t *)&rest + row->offset, ret_field, size);
	assert_memory_equal(&config, &rest, sizeof(config));
}

static void
expect_uint(const struct jbr_key_info *row, uint32_t value)
{
	uint32_t field;
	char text[16];

	snprintf(text, sizeof(text), "%u", value);
	read_field(row, text, &field, sizeof(field));
	assert_int_equal(field, value);
}

static void
expect_out_of_range(const struct jbr_key_info *row, const char *value)
{
	char what[128];

	snprintf(what, sizeof(what), "%s is out of range (%u..%u %s)", value, row->low, row->high,
		row->unit);
	expect_key_error(row, value, what);
}

/* Numbers just outside, and some that a cut to 32 or 64 bits would bring back into the range. */
static void
check_outside(const struct jbr_key_info *row)
{
	static const char power[] = "184467440737095"; /* of 2^64 = 18446744073709551616 */
	char text[32];

	snprintf(text, sizeof(text), "%ju", (uintmax_t)row->high + 1);
	expect_out_of_range(row, text);
	snprintf(text, sizeof(text), "%ju", (uintmax_t)UINT32_MAX + 1 + row->low);
	expect_out_of_range(row, text);
	assert_in_range(row->low, 0, 99999 - 51616);
	snprintf(text, sizeof(text), "%s%u", power, 51616 + row->low);
	expect_out_of_range(row, text);
	if (row->low > 0) {
		snprintf(text, sizeof(text), "%u", row->low - 1);
		expect_out_of_range(row, text);
	}
}

static void
check_uint(const struct jbr_key_info *row)
{
	static const char *const no_numbers[] = {"+5", "-5", "0x10", "007", "1_000", "1.0", "1e3",
		"5s", "ten", "~"};
	char what[128];

	expect_uint(row, row->low);
	expect_uint(row, row->high);
	check_outside(row);
	for (size_t i = 0; i < JBR_COUNT_OF(no_numbers); i++) {
		snprintf(what, sizeof(what), "'%s' is no decimal number (%u..%u %s)", no_numbers[i],
			row->low, row->high, row->unit);
		expect_key_error(row, no_numbers[i], what);
	}
	snprintf(what, sizeof(what), "quoted '60' is no decimal number (%u..%u %s)", row->low,
		row->high, row->unit);
	expect_key_error(row, "\"60\"", what);
}

static void
check_bool(const struct jbr_key_info *row)
{
	static const char *const truths[] = {"yes", "Yes", "YES", "on", "On", "ON", "true", "True",
		"TRUE"};
	static const char *const lies[] = {"no", "No", "NO", "off", "Off", "OFF", "false", "False",
		"FALSE"};
	bool field;

	for (size_t i = 0; i < JBR_COUNT_OF(truths); i++) {
		read_field(row, truths[i], &field, sizeof(field));
		assert_true(field);
		read_field(row, lies[i], &field, sizeof(field));
		assert_false(field);
	}
	expect_key_error(row, "yEs", "'yEs' is neither yes nor no");
	expect_key_error(row, "1", "'1' is neither yes nor no");
	expect_key_error(row, "'yes'", "quoted 'yes' is neither yes nor no");
}

static void
check_enum(const struct jbr_key_info *row)
{
	struct jbr_buffer what = {0};
	const char *word;
	uint8_t field;

	jbr_buffer_format(&what, "'neverly' is none of ");
	for (unsigned i = 0; (word = jbr_enum_word(row->values, i)) != NULL; i++) {
		read_field(row, word, &field, sizeof(field));
		assert_int_equal(field, i);
		jbr_buffer_format(&what, "%s%s", i > 0 ? ", " : "", word);
	}
	jbr_buffer_append(&what, "", 1);
	expect_key_error(row, "neverly", what.data);
	jbr_buffer_fini(&what);
}

static void
check_string(const struct jbr_key_info *row)
{
	char longest[JBR_CONFIG_PATH_SIZE];
	char too_long[JBR_CONFIG_PATH_SIZE + 1];
	char field[JBR_CONFIG_PATH_SIZE];
	char what[64];

	assert_true(
		row->high == JBR_CONFIG_STRING_SIZE - 1 || row->high == JBR_CONFIG_PATH_SIZE - 1);
	memset(longest, 'x', row->high);
	longest[row->high] = '\0';
	snprintf(too_long, sizeof(too_long), "%sx", longest);
	read_field(row, "tap 7", field, row->high + 1);
	assert_string_equal(field, "tap 7");
	read_field(row, "\"\\u00fc: 'q'\"", field, row->high + 1);
	assert_string_equal(field, "\xc3\xbc: 'q'");
	read_field(row, longest, field, row->high + 1);
	assert_string_equal(field, longest);
	snprintf(what, sizeof(what), "%u bytes are too long (at most %u)", row->high + 1,
		row->high);
	expect_key_error(row, too_long, what);
	expect_key_error(row, "\"a\\0b\"", "control characters are not allowed in a text");
	expect_key_error(row, "\"a\\eb\"", "control characters are not allowed in a text");
	expect_key_error(row, "\"a\\x9bb\"", "control characters are not allowed in a text");
}

static void
keys_at_their_edges(void **state)
{
	(void)state;
	for (size_t i = 0; i < jbr_keys_count; i++) {
		const struct jbr_key_info *row = &jbr_keys[i];

		switch ((enum jbr_key_type)row->type) {
		case JBR_KEY_UINT:
			check_uint(row);
			break;
		case JBR_KEY_BOOL:
			check_bool(row);
			break;
		case JBR_KEY_ENUM:
			check_enum(row);
			break;
		case JBR_KEY_STRING:
			check_string(row);
			break;
		}
		expect_key_error(row, "[1]", "a single value is expected, not a sequence");
		expect_key_error(row, "{a: 1}", "a single value is expected, not a mapping");
	}
}

/* A value that is missing is an empty scalar right after the colon. */
static void
keys_without_value(void **state)
{
	(void)state;
	for (size_t i = 0; i < jbr_keys_count; i++) {
		const struct jbr_key_info *row = &jbr_keys[i];
		bool is_general = row->anomaly == JBR_ANOM_NONE;
		char text[256];
		char errors[512];

		write_key(row, "", text, sizeof(text));
		snprintf(errors, sizeof(errors), "f:%d:%zu: %s%s.%s: the value is missing\n",
			is_general ? 3 : 4, strlen(row->key) + (is_general ? 4 : 6),
			is_general ? "" : "anomalies.", row->section, row->key);
		expect_errors(row->key, text, strlen(text), errors);
	}
}

static void
anomalies_enabled_and_action(void **state)
{
	(void)state;
	for (unsigned i = 0; i < JBR_ANOM_COUNT; i++) {
		struct jbr_config expected;
		struct jbr_config config;
		char text[256];

		for (unsigned action = 0; action < JBR_ACTION_TOTAL; action++) {
			snprintf(text, sizeof(text),
				HEAD "anomalies: {%s: {action: %s, enabled: off}}\n",
				jbr_anomalies[i].key, jbr_actions[action]);
			config = expect_fine(jbr_anomalies[i].key, text, strlen(text));
			jbr_config_defaults(&expected);
			expected.anomaly_enabled[i] = false;
			expected.anomaly_action[i] = (uint8_t)action;
			assert_memory_equal(&config, &expected, sizeof(config));
		}
	}
}

/* Take away the '#' of every key that is commented out. */
static void
uncomment(const struct jbr_buffer *sample, struct jbr_buffer *ret_text, unsigned *ret_count)
{
	*ret_count = 0;
	for (size_t i = 0; i < sample->length; i++) {
		bool is_key = sample->data[i] == '#' && i + 1 < sample->length &&
			sample->data[i + 1] >= 'a' && sample->data[i + 1] <= 'z';

		*ret_count += is_key;
		if (!is_key)
			jbr_buffer_append(ret_text, &sample->data[i], 1);
	}
}

/* How often a key stands at the start of a line or inside a flow mapping. */
static unsigned
count_key(const struct jbr_buffer *text, const char *key, bool is_inside)
{
	unsigned count = 0;
	char pattern[128];
	const char *at = text->data;

	snprintf(pattern, sizeof(pattern), is_inside ? ", %s: " : "\n  %s: ", key);
	while ((at = memmem(at, (size_t)(text->data + text->length - at), pattern,
			strlen(pattern))) != NULL) {
		count++;
		at++;
	}
	return count;
}

static void
sample_gives_the_defaults(void **state)
{
	struct jbr_buffer sample = {0};
	struct jbr_buffer text = {0};
	unsigned count;

	(void)state;
	jbr_config_sample(&sample);
	assert_false(sample.failed);
	expect_defaults("sample", sample.data, sample.length);
	uncomment(&sample, &text, &count);
	expect_defaults("sample, all keys set", text.data, text.length);
	assert_true(count >= JBR_ANOM_COUNT);
	for (size_t i = 0; i < jbr_keys_count; i++)
		assert_true(count_key(&text, jbr_keys[i].key,
				    jbr_keys[i].anomaly != JBR_ANOM_NONE) > 0);
	for (unsigned i = 0; i < JBR_ANOM_COUNT; i++)
		assert_int_equal(count_key(&text, jbr_anomalies[i].key, false), 1);
	jbr_buffer_fini(&sample);
	jbr_buffer_fini(&text);
}

static void
sample_has_no_long_line(void **state)
{
	struct jbr_buffer sample = {0};
	size_t start = 0;

	(void)state;
	jbr_config_sample(&sample);
	for (size_t i = 0; i < sample.length; i++) {
		if (sample.data[i] != '\n')
			continue;
		if (i - start > 100 || (i > start && sample.data[i - 1] == ' '))
			fail_msg("'%.*s'", (int)(i - start), sample.data + start);
		start = i + 1;
	}
	assert_int_equal(start, sample.length);
	jbr_buffer_fini(&sample);
}

/* Values that differ from all defaults come out again, so "defaults" above means something. */
static void
sample_with_other_values(void **state)
{
	static const char text[] = HEAD
		"sensor: {name: tap7}\n"
		"packet:\n  vlan_in_tuple: yes\n  checksum: 'software'\n"
		"output: {flow_log: off}\n"
		"anomalies:\n  ip_low_ttl: {enabled: no, action: drop, floor: 9}\n";
	struct jbr_config config = expect_fine("values", text, sizeof(text) - 1);

	(void)state;
	assert_string_equal(config.sensor_name, "tap7");
	assert_true(config.packet_vlan_in_tuple);
	assert_int_equal(config.packet_checksum, JBR_VALUE_checksum_SOFTWARE);
	assert_int_equal(config.output_flow_log, JBR_VALUE_flow_log_OFF);
	assert_false(config.anomaly_enabled[JBR_ANOM_IP_LOW_TTL]);
	assert_int_equal(config.anomaly_action[JBR_ANOM_IP_LOW_TTL], JBR_ACTION_DROP);
	assert_int_equal(config.params.ip_low_ttl_floor, 9);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_at_their_edges),
		cmocka_unit_test(keys_without_value),
		cmocka_unit_test(anomalies_enabled_and_action),
		cmocka_unit_test(sample_gives_the_defaults),
		cmocka_unit_test(sample_has_no_long_line),
		cmocka_unit_test(sample_with_other_values),
	};

	return cmocka_run_group_tests_name("config keys", tests, NULL, NULL);
}
