/* SPDX-License-Identifier: BSD-3-Clause */
#include "catalog_text.h"

#include <errno.h>
#include <stdio.h>

#include "jbr_catalog.h"
#include "jbr_config.h"

static const char *
group_name(enum jbr_group group)
{
	switch (group) {
	case JBR_GROUP_DECODER:
		return "decoder";
	case JBR_GROUP_OPTION:
		return "option";
	case JBR_GROUP_FLAGS:
		return "flags";
	case JBR_GROUP_FLOW:
		return "flow";
	}
	return "";
}

static const char *
scope_name(enum jbr_scope scope)
{
	switch (scope) {
	case JBR_SCOPE_PACKET:
		return "packet";
	case JBR_SCOPE_FLOW:
		return "flow";
	}
	return "";
}

static const char *
type_name(enum jbr_key_type type)
{
	switch (type) {
	case JBR_KEY_UINT:
		return "number";
	case JBR_KEY_BOOL:
		return "switch";
	case JBR_KEY_ENUM:
		return "word";
	case JBR_KEY_STRING:
		return "text";
	}
	return "";
}

/* table */

/* The column after the keys starts at the same place in all tables. */
static int
key_width(void)
{
	size_t width = 0;

	for (unsigned i = 0; i < JBR_ANOM_COUNT; i++)
		width = jbr_max_u64(width, strlen(jbr_anomalies[i].key));
	for (unsigned i = 0; i < JBR_RESET_COUNT; i++)
		width = jbr_max_u64(width, strlen(jbr_resets[i].key));
	for (unsigned i = 0; i < JBR_NOT_ANALYSED_COUNT; i++)
		width = jbr_max_u64(width, strlen(jbr_not_analysed[i].key));
	for (unsigned i = 0; i < JBR_FLOW_CLASSES; i++)
		width = jbr_max_u64(width, strlen(jbr_evictions[i].key));
	for (unsigned i = 0; i < JBR_SEGMENT_COUNT; i++)
		width = jbr_max_u64(width, strlen(jbr_segments[i].key));
	return (int)width;
}

static void
print_names(struct jbr_buffer *out, const char *heading, const struct jbr_name_info *rows,
	unsigned count)
{
	int width = key_width();

	jbr_buffer_format(out, "\n%-*s  %s\n", width, heading, "WHAT IS COUNTED");
	for (unsigned i = 0; i < count; i++)
		jbr_buffer_format(out, "%-*s  %s\n", width, rows[i].key, rows[i].help);
}

/* One row a line, however long: so it can be searched, and the terminal wraps or the pager scrolls. */
static void
print_table(struct jbr_buffer *out)
{
	int width = key_width();

	jbr_buffer_format(out, "%-*s  %-8s  %-6s  %-6s  %s\n", width, "ANOMALY", "SEVERITY",
		"SCOPE", "ACTION", "CONDITION");
	for (unsigned i = 0; i < JBR_ANOM_COUNT; i++) {
		const struct jbr_anomaly_info *row = &jbr_anomalies[i];

		jbr_buffer_format(out, "%-*s  %-8s  %-6s  %-6s  %s\n", width, row->key,
			jbr_severities[row->severity], scope_name((enum jbr_scope)row->scope),
			jbr_actions[row->action], row->when);
	}
	jbr_buffer_format(out, "\n%-*s  %4s  %s\n", width, "RESET CAUSE", "RULE",
		"WHAT THE RST WAS");
	for (unsigned i = 0; i < JBR_RESET_COUNT; i++)
		jbr_buffer_format(out, "%-*s  %4u  %s\n", width, jbr_resets[i].key,
			jbr_resets[i].rule, jbr_resets[i].what);
	jbr_buffer_format(out, "\n%-*s  %-6s  %s\n", width, "OUTCOME", "WHOSE", "MEANING");
	for (unsigned i = 0; i < JBR_OUTCOME_COUNT; i++)
		jbr_buffer_format(out, "%-*s  %-6s  %s\n", width, jbr_outcomes[i].key,
			jbr_outcomes[i].is_zeek ? "Zeek" : "jabiru", jbr_outcomes[i].meaning);
	print_names(out, "NOT ANALYSED", jbr_not_analysed, JBR_NOT_ANALYSED_COUNT);
	print_names(out, "SEGMENTS", jbr_segments, JBR_SEGMENT_COUNT);
	print_names(out, "EVICTED", jbr_evictions, JBR_FLOW_CLASSES);
}

/* md */

/* Text of a row, what Markdown would take for its own escaped. */
static void
put_md(struct jbr_buffer *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '<')
			jbr_buffer_format(out, "&lt;");
		else
			jbr_buffer_format(out, "%s%c", strchr("|*>\\", *text) != NULL ? "\\" : "",
				*text);
	}
}

/* A table row: cells of escaped text, the last one NULL; the first is code. */
__attribute__((sentinel)) static void
put_md_row(struct jbr_buffer *out, const char *code, ...)
{
	va_list args;
	const char *cell;

	jbr_buffer_format(out, "| `%s` |", code);
	va_start(args, code);
	while ((cell = va_arg(args, const char *)) != NULL) {
		jbr_buffer_format(out, " ");
		put_md(out, cell);
		jbr_buffer_format(out, " |");
	}
	va_end(args);
	jbr_buffer_format(out, "\n");
}

static void
put_md_item(struct jbr_buffer *out, const char *label, const char *text)
{
	if (text[0] == '\0')
		return;
	jbr_buffer_format(out, "- **%s:** ", label);
	put_md(out, text);
	jbr_buffer_format(out, "\n");
}

static void
put_md_anomaly(struct jbr_buffer *out, unsigned anomaly)
{
	const struct jbr_anomaly_info *row = &jbr_anomalies[anomaly];

	jbr_buffer_format(out, "\n### %s\n\n", row->key);
	put_md_item(out, "Condition", row->when);
	put_md_item(out, "Meaning", row->meaning);
	put_md_item(out, "What to do", row->todo);
	jbr_buffer_format(out,
		"- **Severity:** %s. **Scope:** %s. **Default action:** %s. **Found by:** %s. "
		"**Id:** %u.\n",
		jbr_severities[row->severity], scope_name((enum jbr_scope)row->scope),
		jbr_actions[row->action], group_name((enum jbr_group)row->group), row->id);
	for (size_t i = 0; i < jbr_keys_count; i++) {
		const struct jbr_key_info *key = &jbr_keys[i];

		if (key->anomaly != anomaly)
			continue;
		jbr_buffer_format(out,
			"- **Threshold** `anomalies.%s.%s`, %u..%u %s, default %u: ", key->section,
			key->key, key->low, key->high, key->unit, key->initial);
		put_md(out, key->help);
		jbr_buffer_format(out, "\n");
	}
	put_md_item(out, "Traps", row->traps);
	put_md_item(out, "Reference", row->reference);
	put_md_item(out, "Seen also by", row->peers);
}

/* What a key accepts and its default, as two cells. */
static void
format_key(const struct jbr_key_info *key, struct jbr_buffer *accepts, struct jbr_buffer *initial)
{
	const char *word;

	switch ((enum jbr_key_type)key->type) {
	case JBR_KEY_UINT:
		jbr_buffer_format(accepts, "%u..%u %s", key->low, key->high, key->unit);
		jbr_buffer_format(initial, "%u", key->initial);
		break;
	case JBR_KEY_BOOL:
		jbr_buffer_format(accepts, "yes, no");
		jbr_buffer_format(initial, "%s", key->initial ? "yes" : "no");
		break;
	case JBR_KEY_ENUM:
		for (unsigned i = 0; (word = jbr_enum_word(key->values, i)) != NULL; i++)
			jbr_buffer_format(accepts, "%s%s", i > 0 ? ", " : "", word);
		jbr_buffer_format(initial, "%s", jbr_enum_word(key->values, key->initial));
		break;
	case JBR_KEY_STRING:
		jbr_buffer_format(accepts, "text, at most %u bytes", key->high);
		if (key->string_initial == NULL)
			jbr_buffer_format(initial, "must be given");
		else
			jbr_buffer_format(initial, "%s",
				key->string_initial[0] != '\0' ? key->string_initial : "empty");
		break;
	}
	jbr_buffer_append(accepts, "", 1);
	jbr_buffer_append(initial, "", 1);
}

/* @param mark  what stands between section and key */
static void
put_md_key(struct jbr_buffer *out, const struct jbr_key_info *key, const char *mark)
{
	struct jbr_buffer accepts = {0};
	struct jbr_buffer initial = {0};
	char path[128];

	format_key(key, &accepts, &initial);
	snprintf(path, sizeof(path), "%s%s%s", key->section, mark, key->key);
	if (accepts.failed || initial.failed)
		out->failed = true;
	else
		put_md_row(out, path, accepts.data, initial.data, key->help, NULL);
	jbr_buffer_fini(&accepts);
	jbr_buffer_fini(&initial);
}

static void
put_md_keys(struct jbr_buffer *out)
{
	jbr_buffer_format(out,
		"\n## Configuration keys\n\nThe thresholds of anomalies stand with "
		"them; every anomaly has `enabled` and `action` besides.\n\n"
		"| Key | Accepts | Default | What it is |\n|---|---|---|---|\n");
	for (size_t i = 0; i < jbr_list_keys_count; i++)
		put_md_key(out, &jbr_list_keys[i], "[].");
	for (size_t i = 0; i < jbr_keys_count; i++)
		if (jbr_keys[i].anomaly == JBR_ANOM_NONE)
			put_md_key(out, &jbr_keys[i], ".");
}

static void
put_md_names(struct jbr_buffer *out, const struct jbr_name_info *rows, unsigned count)
{
	jbr_buffer_format(out, "| Key | What is counted |\n|---|---|\n");
	for (unsigned i = 0; i < count; i++)
		put_md_row(out, rows[i].key, rows[i].help, NULL);
}

static void
put_md_tables(struct jbr_buffer *out)
{
	char rule[16];

	jbr_buffer_format(out,
		"\n## Reset causes\n\nEvery RST has exactly one; the first rule that "
		"matches decides.\n\n"
		"| Cause | Rule | What the RST was | Evidence |\n|---|---|---|---|\n");
	for (unsigned i = 0; i < JBR_RESET_COUNT; i++) {
		snprintf(rule, sizeof(rule), "%u", jbr_resets[i].rule);
		put_md_row(out, jbr_resets[i].key, rule, jbr_resets[i].what, jbr_resets[i].evidence,
			NULL);
	}
	jbr_buffer_format(out,
		"\n## Outcomes\n\nA connection's `conn_state` is one of Zeek's codes; "
		"its `outcome` is the first of jabiru's that fits, else Zeek's.\n\n"
		"| Outcome | Whose | Meaning |\n|---|---|---|\n");
	for (unsigned i = 0; i < JBR_OUTCOME_COUNT; i++)
		put_md_row(out, jbr_outcomes[i].key, jbr_outcomes[i].is_zeek ? "Zeek" : "jabiru",
			jbr_outcomes[i].meaning, NULL);
	jbr_buffer_format(out,
		"\n## Not analysed\n\nEvery received packet is a decoded TCP segment or "
		"is counted under exactly one of these.\n\n");
	put_md_names(out, jbr_not_analysed, JBR_NOT_ANALYSED_COUNT);
	jbr_buffer_format(out,
		"\n## Segment counters\n\nEvery decoded TCP segment counts, those in "
		"tunnels and tap duplicates too.\n\n");
	put_md_names(out, jbr_segments, JBR_SEGMENT_COUNT);
	jbr_buffer_format(out,
		"\n## Evicted connections\n\nWhere the table has no room, the connection goes "
		"that is longest in the first of these classes that has any.\n\n");
	put_md_names(out, jbr_evictions, JBR_FLOW_CLASSES);
}

static const char *
type_word(const struct jbr_metric_info *metric)
{
	static const char *const words[] = {"counter", "gauge", "histogram"};

	return words[metric->type];
}

static void
put_md_metrics(struct jbr_buffer *out)
{
	jbr_buffer_format(out,
		"\n## Metrics\n\nWhat the stats segment holds and /metrics serves. No address ever "
		"stands in a label.\n\n| metric | type | unit | what it counts "
		"|\n|---|---|---|---|\n");
	for (unsigned i = 0; i < JBR_METRIC_COUNT; i++) {
		jbr_buffer_format(out, "| `%s` | %s | %s | ", jbr_metrics[i].name,
			type_word(&jbr_metrics[i]), jbr_metrics[i].unit);
		put_md(out, jbr_metrics[i].help);
		jbr_buffer_format(out, " |\n");
	}
}

static void
print_md(struct jbr_buffer *out)
{
	jbr_buffer_format(out,
		"<!-- Generated by `jabiru catalog --format md` from lib/catalog/*.def; "
		"do not edit. -->\n"
		"# Anomalies, reset causes, outcomes and keys\n\n"
		"## Anomalies\n\n"
		"Scope says what is counted: packets, or connections (once each). Traps "
		"are what makes the same\npicture without the fault.\n");
	for (unsigned i = 0; i < JBR_ANOM_COUNT; i++)
		put_md_anomaly(out, i);
	put_md_tables(out);
	put_md_metrics(out);
	put_md_keys(out);
}

/* json */

static void
put_json_metrics(struct jbr_json *json)
{
	jbr_json_array_open(json, "metrics");
	for (unsigned i = 0; i < JBR_METRIC_COUNT; i++) {
		jbr_json_object_open(json, NULL);
		jbr_json_string(json, "name", jbr_metrics[i].name);
		jbr_json_string(json, "type", type_word(&jbr_metrics[i]));
		jbr_json_string(json, "unit", jbr_metrics[i].unit);
		jbr_json_string(json, "help", jbr_metrics[i].help);
		jbr_json_object_close(json);
	}
	jbr_json_array_close(json);
}

static void
put_json_key(struct jbr_json *json, const struct jbr_key_info *key)
{
	const char *word;

	jbr_json_object_open(json, NULL);
	jbr_json_string(json, "section", key->section);
	jbr_json_string(json, "key", key->key);
	jbr_json_string(json, "type", type_name((enum jbr_key_type)key->type));
	jbr_json_string(json, "help", key->help);
	if (key->type == JBR_KEY_UINT) {
		jbr_json_uint(json, "default", key->initial);
		jbr_json_uint(json, "min", key->low);
		jbr_json_uint(json, "max", key->high);
		jbr_json_string(json, "unit", key->unit);
	} else if (key->type == JBR_KEY_BOOL)
		jbr_json_bool(json, "default", key->initial != 0);
	else if (key->type == JBR_KEY_STRING)
		jbr_json_string(json, "default", key->string_initial);
	else {
		jbr_json_string(json, "default", jbr_enum_word(key->values, key->initial));
		jbr_json_array_open(json, "values");
		for (unsigned v = 0; (word = jbr_enum_word(key->values, v)) != NULL; v++)
			jbr_json_string(json, NULL, word);
		jbr_json_array_close(json);
	}
	jbr_json_object_close(json);
}

static void
put_json_keys(struct jbr_json *json, const char *name, unsigned anomaly)
{
	jbr_json_array_open(json, name);
	for (size_t i = 0; i < jbr_keys_count; i++)
		if (jbr_keys[i].anomaly == anomaly)
			put_json_key(json, &jbr_keys[i]);
	jbr_json_array_close(json);
}

static void
put_json_anomalies(struct jbr_json *json)
{
	jbr_json_array_open(json, "anomalies");
	for (unsigned i = 0; i < JBR_ANOM_COUNT; i++) {
		const struct jbr_anomaly_info *row = &jbr_anomalies[i];

		jbr_json_object_open(json, NULL);
		jbr_json_uint(json, "id", row->id);
		jbr_json_string(json, "key", row->key);
		jbr_json_string(json, "group", group_name((enum jbr_group)row->group));
		jbr_json_string(json, "scope", scope_name((enum jbr_scope)row->scope));
		jbr_json_string(json, "severity", jbr_severities[row->severity]);
		jbr_json_string(json, "action", jbr_actions[row->action]);
		jbr_json_string(json, "when", row->when);
		jbr_json_string(json, "meaning", row->meaning);
		jbr_json_string(json, "todo", row->todo);
		jbr_json_string(json, "reference", row->reference);
		jbr_json_string(json, "peers", row->peers);
		jbr_json_string(json, "traps", row->traps);
		put_json_keys(json, "thresholds", i);
		jbr_json_object_close(json);
	}
	jbr_json_array_close(json);
}

static void
put_json_names(struct jbr_json *json, const char *name, const struct jbr_name_info *rows,
	unsigned count)
{
	jbr_json_array_open(json, name);
	for (unsigned i = 0; i < count; i++) {
		jbr_json_object_open(json, NULL);
		jbr_json_string(json, "key", rows[i].key);
		jbr_json_string(json, "help", rows[i].help);
		jbr_json_object_close(json);
	}
	jbr_json_array_close(json);
}

static void
put_json_resets(struct jbr_json *json)
{
	jbr_json_array_open(json, "resets");
	for (unsigned i = 0; i < JBR_RESET_COUNT; i++) {
		jbr_json_object_open(json, NULL);
		jbr_json_string(json, "key", jbr_resets[i].key);
		jbr_json_uint(json, "rule", jbr_resets[i].rule);
		jbr_json_string(json, "what", jbr_resets[i].what);
		jbr_json_string(json, "evidence", jbr_resets[i].evidence);
		jbr_json_object_close(json);
	}
	jbr_json_array_close(json);
}

static void
put_json_outcomes(struct jbr_json *json)
{
	jbr_json_array_open(json, "outcomes");
	for (unsigned i = 0; i < JBR_OUTCOME_COUNT; i++) {
		jbr_json_object_open(json, NULL);
		jbr_json_string(json, "key", jbr_outcomes[i].key);
		jbr_json_bool(json, "is_zeek", jbr_outcomes[i].is_zeek);
		jbr_json_string(json, "meaning", jbr_outcomes[i].meaning);
		jbr_json_object_close(json);
	}
	jbr_json_array_close(json);
}

static void
put_json_sections(struct jbr_json *json)
{
	jbr_json_array_open(json, "sections");
	for (size_t i = 0; i < jbr_sections_count; i++) {
		jbr_json_object_open(json, NULL);
		jbr_json_string(json, "section", jbr_sections[i].section);
		jbr_json_uint(json, "tier", jbr_sections[i].tier);
		jbr_json_string(json, "heading", jbr_tiers[jbr_sections[i].tier]);
		jbr_json_string(json, "help", jbr_sections[i].help);
		jbr_json_object_close(json);
	}
	jbr_json_array_close(json);
}

static void
put_json_lists(struct jbr_json *json)
{
	jbr_json_array_open(json, "lists");
	for (size_t i = 0; i < jbr_lists_count; i++) {
		jbr_json_object_open(json, NULL);
		jbr_json_string(json, "list", jbr_lists[i].list);
		jbr_json_uint(json, "tier", jbr_lists[i].tier);
		jbr_json_string(json, "heading", jbr_tiers[jbr_lists[i].tier]);
		jbr_json_uint(json, "entries_max", jbr_lists[i].count);
		jbr_json_string(json, "help", jbr_lists[i].help);
		jbr_json_array_open(json, "keys");
		for (size_t k = 0; k < jbr_list_keys_count; k++)
			if (strcmp(jbr_list_keys[k].section, jbr_lists[i].list) == 0)
				put_json_key(json, &jbr_list_keys[k]);
		jbr_json_array_close(json);
		jbr_json_object_close(json);
	}
	jbr_json_array_close(json);
}

static void
print_json(struct jbr_buffer *out)
{
	struct jbr_json json;

	jbr_json_init(&json, out);
	jbr_json_object_open(&json, NULL);
	put_json_anomalies(&json);
	put_json_resets(&json);
	put_json_outcomes(&json);
	put_json_names(&json, "not_analysed", jbr_not_analysed, JBR_NOT_ANALYSED_COUNT);
	put_json_names(&json, "segments", jbr_segments, JBR_SEGMENT_COUNT);
	put_json_names(&json, "evictions", jbr_evictions, JBR_FLOW_CLASSES);
	put_json_metrics(&json);
	jbr_json_uint(&json, "config_version", JBR_CONFIG_VERSION);
	put_json_lists(&json);
	put_json_sections(&json);
	put_json_keys(&json, "keys", JBR_ANOM_NONE);
	jbr_json_object_close(&json);
	jbr_buffer_append(out, "\n", 1);
}

static const struct {
	const char *name;
	void (*print)(struct jbr_buffer *out);
} formats[] = {
	{"table", print_table},
	{"md", print_md},
	{"json", print_json},
	{"yaml", jbr_config_sample},
};

const char *
catalog_format(unsigned index, const char **ret_summary)
{
	(void)ret_summary;
	return index < JBR_COUNT_OF(formats) ? formats[index].name : NULL;
}

int
catalog_print(const char *format, struct jbr_buffer *out)
{
	for (size_t i = 0; i < JBR_COUNT_OF(formats); i++) {
		if (strcmp(format, formats[i].name) != 0)
			continue;
		formats[i].print(out);
		return out->failed ? -ENOMEM : 0;
	}
	return -EINVAL;
}
