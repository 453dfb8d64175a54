/* SPDX-License-Identifier: BSD-3-Clause */
/* The rows of lib/catalog, and what app/sensor/catalog_text.c prints of them. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "catalog_text.h"
#include "jbr_catalog.h"
#include "jbr_config.h"

/* The keys of one kind; @ref at gives that of row @p i. */
struct kind {
	const char *name;
	unsigned count;
	const char *(*at)(unsigned i);
};

static const char *
anomaly_at(unsigned i)
{
	return jbr_anomalies[i].key;
}

static const char *
reset_at(unsigned i)
{
	return jbr_resets[i].key;
}

static const char *
not_analysed_at(unsigned i)
{
	return jbr_not_analysed[i].key;
}

static const char *
eviction_at(unsigned i)
{
	return jbr_evictions[i].key;
}

static const char *
segment_at(unsigned i)
{
	return jbr_segments[i].key;
}

static const char *
outcome_at(unsigned i)
{
	return jbr_outcomes[i].key;
}

/* Outcomes last: their keys are codes. */
static const struct kind kinds[] = {
	{"anomaly", JBR_ANOM_COUNT, anomaly_at},
	{"reset cause", JBR_RESET_COUNT, reset_at},
	{"not analysed", JBR_NOT_ANALYSED_COUNT, not_analysed_at},
	{"segment counter", JBR_SEGMENT_COUNT, segment_at},
	{"eviction", JBR_FLOW_CLASSES, eviction_at},
	{"outcome", JBR_OUTCOME_COUNT, outcome_at},
};

/* A letter, then letters, digits and single underscores, none at the end. */
static bool
is_snake(const char *key)
{
	if (!islower((unsigned char)key[0]))
		return false;
	for (const char *c = key; *c != '\0'; c++) {
		if (!islower((unsigned char)*c) && !isdigit((unsigned char)*c) && *c != '_')
			return false;
		if (*c == '_' && (c[1] == '_' || c[1] == '\0'))
			return false;
	}
	return true;
}

static void
snake_form_is_recognised(void **state)
{
	(void)state;
	assert_true(is_snake("tcp_syn_fin"));
	assert_true(is_snake("ipv6"));
	assert_false(is_snake(""));
	assert_false(is_snake("Syn"));
	assert_false(is_snake("syn-fin"));
	assert_false(is_snake("syn__fin"));
	assert_false(is_snake("syn_"));
	assert_false(is_snake("4in6"));
}

static void
keys_have_their_form(void **state)
{
	(void)state;
	for (size_t k = 0; k + 1 < JBR_COUNT_OF(kinds); k++)
		for (unsigned i = 0; i < kinds[k].count; i++)
			if (!is_snake(kinds[k].at(i)))
				fail_msg("%s '%s'", kinds[k].name, kinds[k].at(i));
	for (unsigned i = 0; i < JBR_OUTCOME_COUNT; i++)
		for (const char *c = jbr_outcomes[i].key; *c != '\0'; c++)
			if (!isupper((unsigned char)*c) && !isdigit((unsigned char)*c))
				fail_msg("outcome '%s'", jbr_outcomes[i].key);
	for (size_t i = 0; i < jbr_keys_count; i++)
		if (!is_snake(jbr_keys[i].section) || !is_snake(jbr_keys[i].key))
			fail_msg("key '%s.%s'", jbr_keys[i].section, jbr_keys[i].key);
}

/* Over all kinds: a key alone says what it is, in a report, a label or an anchor. */
static void
keys_are_unique(void **state)
{
	const char *keys[JBR_ANOM_COUNT + JBR_RESET_COUNT + JBR_NOT_ANALYSED_COUNT +
		JBR_SEGMENT_COUNT + JBR_FLOW_CLASSES + JBR_OUTCOME_COUNT];
	size_t count = 0;

	(void)state;
	for (size_t k = 0; k < JBR_COUNT_OF(kinds); k++)
		for (unsigned i = 0; i < kinds[k].count; i++)
			keys[count++] = kinds[k].at(i);
	assert_int_equal(count, JBR_COUNT_OF(keys));
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(keys[i], keys[j]) == 0)
				fail_msg("'%s' is there twice", keys[i]);
}

static void
ids_are_unique(void **state)
{
	(void)state;
	for (unsigned i = 0; i < JBR_ANOM_COUNT; i++) {
		assert_int_not_equal(jbr_anomalies[i].id, 0);
		for (unsigned j = 0; j < i; j++)
			assert_int_not_equal(jbr_anomalies[i].id, jbr_anomalies[j].id);
	}
}

static void
config_keys_are_unique(void **state)
{
	(void)state;
	for (size_t i = 0; i < jbr_keys_count; i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(jbr_keys[i].section, jbr_keys[j].section) == 0 &&
				strcmp(jbr_keys[i].key, jbr_keys[j].key) == 0)
				fail_msg("'%s.%s' is there twice", jbr_keys[i].section,
					jbr_keys[i].key);
}

/* A section named like an anomaly, or a threshold named like what every anomaly has, could not be told
 * apart in the file. */
static void
config_names_do_not_clash(void **state)
{
	(void)state;
	for (size_t i = 0; i < jbr_sections_count; i++) {
		assert_int_equal(jbr_anomaly_find(jbr_sections[i].section), JBR_ANOM_NONE);
		assert_string_not_equal(jbr_sections[i].section, "anomalies");
		assert_string_not_equal(jbr_sections[i].section, "config_version");
		for (size_t l = 0; l < jbr_lists_count; l++)
			assert_string_not_equal(jbr_sections[i].section, jbr_lists[l].list);
	}
	for (size_t i = 0; i < jbr_keys_count; i++) {
		if (jbr_keys[i].anomaly == JBR_ANOM_NONE)
			continue;
		assert_string_not_equal(jbr_keys[i].key, "enabled");
		assert_string_not_equal(jbr_keys[i].key, "action");
	}
}

/* A sentence of a row: there, and without a break, a tab or space at an end. */
static void
expect_text(const char *key, const char *what, const char *text, bool is_needed)
{
	size_t length = strlen(text);

	if (is_needed && length == 0)
		fail_msg("%s: %s is empty", key, what);
	for (size_t i = 0; i < length; i++)
		if (!isprint((unsigned char)text[i]))
			fail_msg("%s: %s has a byte %02x", key, what, (unsigned char)text[i]);
	if (length > 0 && (text[0] == ' ' || text[length - 1] == ' ' || text[length - 1] == '.'))
		fail_msg("%s: %s: '%s'", key, what, text);
}

static void
rows_say_something(void **state)
{
	(void)state;
	for (unsigned i = 0; i < JBR_ANOM_COUNT; i++) {
		const struct jbr_anomaly_info *row = &jbr_anomalies[i];

		expect_text(row->key, "when", row->when, true);
		expect_text(row->key, "meaning", row->meaning, true);
		expect_text(row->key, "todo", row->todo, true);
		expect_text(row->key, "reference", row->reference, false);
		expect_text(row->key, "peers", row->peers, false);
		expect_text(row->key, "traps", row->traps, false);
		assert_in_range(row->severity, 0, JBR_SEVERITY_COUNT - 1);
		/* no row drops by default */
		assert_in_range(row->action, JBR_ACTION_COUNT, JBR_ACTION_EVENT);
	}
	for (unsigned i = 0; i < JBR_RESET_COUNT; i++) {
		expect_text(jbr_resets[i].key, "what", jbr_resets[i].what, true);
		expect_text(jbr_resets[i].key, "evidence", jbr_resets[i].evidence, true);
	}
	for (unsigned i = 0; i < JBR_OUTCOME_COUNT; i++)
		expect_text(jbr_outcomes[i].key, "meaning", jbr_outcomes[i].meaning, true);
	for (unsigned i = 0; i < JBR_NOT_ANALYSED_COUNT; i++)
		expect_text(jbr_not_analysed[i].key, "help", jbr_not_analysed[i].help, true);
	for (unsigned i = 0; i < JBR_SEGMENT_COUNT; i++)
		expect_text(jbr_segments[i].key, "help", jbr_segments[i].help, true);
	for (size_t i = 0; i < jbr_keys_count; i++)
		expect_text(jbr_keys[i].key, "help", jbr_keys[i].help, true);
	for (size_t i = 0; i < jbr_sections_count; i++)
		expect_text(jbr_sections[i].section, "help", jbr_sections[i].help, true);
}

/* The first rule that matches decides, so the rows stand in the order of the rules. */
static void
resets_stand_in_rule_order(void **state)
{
	(void)state;
	assert_int_equal(jbr_resets[0].rule, 1);
	for (unsigned i = 1; i < JBR_RESET_COUNT; i++)
		assert_in_range(jbr_resets[i].rule, jbr_resets[i - 1].rule, 10);
}

/* Every key belongs to a section that is declared, every section to a tier. */
static void
sections_are_declared(void **state)
{
	(void)state;
	for (size_t i = 0; i < jbr_sections_count; i++) {
		assert_in_range(jbr_sections[i].tier, 1, JBR_COUNT_OF(jbr_tiers) - 1);
		assert_non_null(jbr_tiers[jbr_sections[i].tier]);
	}
	for (size_t i = 0; i < jbr_keys_count; i++) {
		bool is_found = jbr_keys[i].anomaly != JBR_ANOM_NONE;

		for (size_t s = 0; s < jbr_sections_count; s++)
			is_found |= strcmp(jbr_sections[s].section, jbr_keys[i].section) == 0;
		if (!is_found)
			fail_msg("%s.%s: no such section", jbr_keys[i].section, jbr_keys[i].key);
	}
}

static void
find_gives_the_index(void **state)
{
	(void)state;
	for (unsigned i = 0; i < JBR_ANOM_COUNT; i++)
		assert_int_equal(jbr_anomaly_find(jbr_anomalies[i].key), i);
	assert_int_equal(jbr_anomaly_find(""), JBR_ANOM_NONE);
	assert_int_equal(jbr_anomaly_find("tcp_syn_fi"), JBR_ANOM_NONE);
	assert_int_equal(jbr_enum_find("checksum", "auto"), JBR_VALUE_checksum_AUTO);
	assert_int_equal(jbr_enum_find("checksum", "off"), JBR_VALUE_checksum_OFF);
	assert_int_equal(jbr_enum_find("flow_log", "off"), JBR_VALUE_flow_log_OFF);
	assert_int_equal(jbr_enum_find("flow_log", "auto"), -1);
	assert_string_equal(jbr_enum_word("flow_log", JBR_VALUE_flow_log_ALL), "all");
	assert_null(jbr_enum_word("flow_log", JBR_VALUE_flow_log_ALL + 1));
	assert_null(jbr_enum_word("nothing", 0));
}

/* The text of a format, ended by a zero byte; free with free(). */
static char *
print(const char *format)
{
	struct jbr_buffer out = {0};

	if (catalog_print(format, &out) != 0)
		fail_msg("%s cannot be printed", format);
	jbr_buffer_append(&out, "", 1);
	assert_false(out.failed);
	return out.data;
}

static void
expect_once(const char *format, const char *text, const char *pattern)
{
	const char *at = strstr(text, pattern);

	if (at == NULL || strstr(at + 1, pattern) != NULL)
		fail_msg("%s: '%s' is there %s", format, pattern, at == NULL ? "never" : "twice");
}

__attribute__((format(printf, 3, 4))) static void
expect_row(const char *format, const char *text, const char *pattern, ...)
{
	struct jbr_buffer line = {0};
	va_list args;

	va_start(args, pattern);
	jbr_buffer_vformat(&line, pattern, args);
	va_end(args);
	jbr_buffer_append(&line, "", 1);
	expect_once(format, text, line.data);
	jbr_buffer_fini(&line);
}

static void
table_prints_every_row(void **state)
{
	char *text = print("table");
	const char *severity = strstr(text, "SEVERITY");
	int width;

	(void)state;
	assert_non_null(severity);
	width = (int)(severity - text) - 2;
	for (unsigned i = 0; i < JBR_ANOM_COUNT; i++)
		expect_row("table", text, "\n%-*s  %-8s  ", width, jbr_anomalies[i].key,
			jbr_severities[jbr_anomalies[i].severity]);
	for (unsigned i = 0; i < JBR_RESET_COUNT; i++)
		expect_row("table", text, "\n%-*s  %4u  %s\n", width, jbr_resets[i].key,
			jbr_resets[i].rule, jbr_resets[i].what);
	for (unsigned i = 0; i < JBR_OUTCOME_COUNT; i++)
		expect_row("table", text, "\n%-*s  %-6s  %s\n", width, jbr_outcomes[i].key,
			jbr_outcomes[i].is_zeek ? "Zeek" : "jabiru", jbr_outcomes[i].meaning);
	for (unsigned i = 0; i < JBR_FLOW_CLASSES; i++)
		expect_row("table", text, "\n%-*s  %s\n", width, jbr_evictions[i].key,
			jbr_evictions[i].help);
	for (unsigned i = 0; i < JBR_NOT_ANALYSED_COUNT; i++)
		expect_row("table", text, "\n%-*s  %s\n", width, jbr_not_analysed[i].key,
			jbr_not_analysed[i].help);
	for (unsigned i = 0; i < JBR_SEGMENT_COUNT; i++)
		expect_row("table", text, "\n%-*s  %s\n", width, jbr_segments[i].key,
			jbr_segments[i].help);
	free(text);
}

static void
md_prints_every_row(void **state)
{
	char *text = print("md");

	(void)state;
	assert_ptr_equal(strstr(text, "<!-- Generated by `jabiru catalog --format md`"), text);
	for (unsigned i = 0; i < JBR_ANOM_COUNT; i++)
		expect_row("md", text, "\n### %s\n\n- **Condition:** ", jbr_anomalies[i].key);
	for (size_t i = 0; i < jbr_keys_count; i++)
		if (jbr_keys[i].anomaly != JBR_ANOM_NONE)
			expect_row("md", text,
				"\n- **Threshold** `anomalies.%s.%s`, %u..%u %s, default %u: ",
				jbr_keys[i].section, jbr_keys[i].key, jbr_keys[i].low,
				jbr_keys[i].high, jbr_keys[i].unit, jbr_keys[i].initial);
		else
			expect_row("md", text, "\n| `%s.%s` | ", jbr_keys[i].section,
				jbr_keys[i].key);
	for (size_t i = 0; i < jbr_list_keys_count; i++)
		expect_row("md", text, "\n| `%s[].%s` | ", jbr_list_keys[i].section,
			jbr_list_keys[i].key);
	for (size_t k = 1; k < JBR_COUNT_OF(kinds); k++)
		for (unsigned i = 0; i < kinds[k].count; i++)
			expect_row("md", text, "\n| `%s` | ", kinds[k].at(i));
	free(text);
}

/* Brackets that match outside of strings, and one value. */
static void
expect_balanced(const char *text)
{
	char open[64];
	size_t depth = 0;
	bool is_string = false;

	for (const char *c = text; *c != '\0'; c++) {
		if (is_string && *c == '\\')
			c++;
		else if (*c == '"')
			is_string = !is_string;
		else if (!is_string && (*c == '{' || *c == '[')) {
			assert_true(depth < sizeof(open));
			open[depth++] = *c == '{' ? '}' : ']';
		} else if (!is_string && (*c == '}' || *c == ']')) {
			assert_true(depth > 0);
			assert_int_equal(open[--depth], *c);
			if (depth == 0)
				assert_string_equal(c, "}\n");
		}
	}
	assert_false(is_string);
	assert_int_equal(depth, 0);
}

static void
expect_columns(const char *text, const char *const *columns, unsigned rows)
{
	for (; *columns != NULL; columns++) {
		char pattern[32];
		unsigned count = 0;

		snprintf(pattern, sizeof(pattern), "\"%s\":", *columns);
		for (const char *at = text; (at = strstr(at, pattern)) != NULL; at++)
			count++;
		if (count != rows)
			fail_msg("json: %s is there %u times, not %u", pattern, count, rows);
	}
}

/* A column that is left out is seen by counting it. */
static void
json_prints_every_column(void **state)
{
	static const char *const of_anomalies[] = {"id", "group", "scope", "severity", "action",
		"when", "todo", "reference", "peers", "traps", "thresholds", NULL};
	static const char *const of_resets[] = {"rule", "what", "evidence", NULL};
	static const char *const of_outcomes[] = {"is_zeek", NULL};
	static const char *const of_keys[] = {"default", NULL};
	static const char *const type[] = {"type", NULL};
	static const char *const of_numbers[] = {"min", "max", NULL};
	static const char *const unit[] = {"unit", NULL};
	static const char *const of_sections[] = {"tier", "heading", NULL};
	static const char *const meaning[] = {"meaning", NULL};
	static const char *const help[] = {"help", NULL};
	char *text = print("json");
	unsigned numbers = 0;

	(void)state;
	for (size_t i = 0; i < jbr_keys_count; i++)
		numbers += jbr_keys[i].type == JBR_KEY_UINT;
	for (size_t i = 0; i < jbr_list_keys_count; i++)
		numbers += jbr_list_keys[i].type == JBR_KEY_UINT;
	expect_columns(text, of_anomalies, JBR_ANOM_COUNT);
	expect_columns(text, of_resets, JBR_RESET_COUNT);
	expect_columns(text, of_outcomes, JBR_OUTCOME_COUNT);
	expect_columns(text, of_keys, (unsigned)(jbr_keys_count + jbr_list_keys_count));
	expect_columns(text, type,
		(unsigned)(jbr_keys_count + jbr_list_keys_count) + JBR_METRIC_COUNT);
	expect_columns(text, of_numbers, numbers);
	expect_columns(text, unit, numbers + JBR_METRIC_COUNT);
	expect_columns(text, of_sections, (unsigned)(jbr_sections_count + jbr_lists_count));
	expect_columns(text, meaning, JBR_ANOM_COUNT + JBR_OUTCOME_COUNT);
	expect_columns(text, help,
		(unsigned)(jbr_keys_count + jbr_sections_count + jbr_list_keys_count +
			jbr_lists_count) +
			JBR_NOT_ANALYSED_COUNT + JBR_SEGMENT_COUNT + JBR_FLOW_CLASSES +
			JBR_METRIC_COUNT);
	free(text);
}

static void
json_prints_every_row(void **state)
{
	char *text = print("json");

	(void)state;
	expect_balanced(text);
	for (unsigned i = 0; i < JBR_ANOM_COUNT; i++)
		expect_row("json", text, "{\"id\":%u,\"key\":\"%s\",", jbr_anomalies[i].id,
			jbr_anomalies[i].key);
	for (size_t k = 1; k < JBR_COUNT_OF(kinds); k++)
		for (unsigned i = 0; i < kinds[k].count; i++)
			expect_row("json", text, "{\"key\":\"%s\",", kinds[k].at(i));
	for (size_t i = 0; i < jbr_keys_count; i++)
		expect_row("json", text, "{\"section\":\"%s\",\"key\":\"%s\",", jbr_keys[i].section,
			jbr_keys[i].key);
	for (size_t i = 0; i < jbr_sections_count; i++)
		expect_row("json", text, "{\"section\":\"%s\",\"tier\":%u,",
			jbr_sections[i].section, jbr_sections[i].tier);
	for (size_t i = 0; i < jbr_list_keys_count; i++)
		expect_row("json", text, "{\"section\":\"%s\",\"key\":\"%s\",",
			jbr_list_keys[i].section, jbr_list_keys[i].key);
	for (size_t i = 0; i < jbr_lists_count; i++)
		expect_row("json", text, "{\"list\":\"%s\",\"tier\":%u,", jbr_lists[i].list,
			jbr_lists[i].tier);
	free(text);
}

static void
yaml_is_the_sample(void **state)
{
	struct jbr_buffer sample = {0};
	char *text = print("yaml");

	(void)state;
	jbr_config_sample(&sample);
	assert_int_equal(strlen(text), sample.length);
	assert_memory_equal(text, sample.data, sample.length);
	for (unsigned i = 0; i < JBR_ANOM_COUNT; i++)
		expect_row("yaml", text, "\n  #%s: {enabled: yes, action: %s", jbr_anomalies[i].key,
			jbr_actions[jbr_anomalies[i].action]);
	jbr_buffer_fini(&sample);
	free(text);
}

static void
other_formats_are_refused(void **state)
{
	static const char *const names[] = {"", "xml", "JSON", "json ", "tables", "tabl"};
	struct jbr_buffer out = {0};

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(names); i++) {
		assert_int_equal(catalog_print(names[i], &out), -EINVAL);
		assert_int_equal(out.length, 0);
	}
	jbr_buffer_append(&out, "before ", 7);
	assert_int_equal(catalog_print("json", &out), 0);
	assert_memory_equal(out.data, "before {\"anomalies\":[{\"id\":", 27);
	jbr_buffer_fini(&out);
	out.failed = true;
	assert_int_equal(catalog_print("md", &out), -ENOMEM);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(snake_form_is_recognised),
		cmocka_unit_test(keys_have_their_form),
		cmocka_unit_test(keys_are_unique),
		cmocka_unit_test(ids_are_unique),
		cmocka_unit_test(config_keys_are_unique),
		cmocka_unit_test(config_names_do_not_clash),
		cmocka_unit_test(rows_say_something),
		cmocka_unit_test(resets_stand_in_rule_order),
		cmocka_unit_test(sections_are_declared),
		cmocka_unit_test(find_gives_the_index),
		cmocka_unit_test(table_prints_every_row),
		cmocka_unit_test(md_prints_every_row),
		cmocka_unit_test(json_prints_every_row),
		cmocka_unit_test(json_prints_every_column),
		cmocka_unit_test(yaml_is_the_sample),
		cmocka_unit_test(other_formats_are_refused),
	};

	return cmocka_run_group_tests_name("catalogue", tests, NULL, NULL);
}
