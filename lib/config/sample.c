/* SPDX-License-Identifier: BSD-3-Clause */
#include "jbr_config.h"

#include <stdio.h>

/* Prose follows "# ", a key that is commented out follows "#" at once: taking away every '#' before a
 * letter gives a file that sets every key to its default. */

enum { COLUMNS = 100 };

/* One paragraph of comment, wrapped at words; each line starts with @p indent and "# ". */
static void
put_comment(struct jbr_buffer *out, const char *indent, const char *text)
{
	size_t width = COLUMNS - strlen(indent) - 2;

	while (*text != '\0') {
		size_t length = strlen(text);

		if (length > width) {
			length = width;
			while (length > 0 && text[length] != ' ')
				length--;
			if (length == 0) /* one long word */
				length = strcspn(text, " ");
		}
		jbr_buffer_format(out, "%s# %.*s\n", indent, (int)length, text);
		text += length;
		text += strspn(text, " ");
	}
}

/* A paragraph made of parts, the last one NULL. */
__attribute__((sentinel)) static void
put_parts(struct jbr_buffer *out, const char *indent, const char *part, ...)
{
	struct jbr_buffer text = {0};
	va_list args;

	va_start(args, part);
	for (; part != NULL; part = va_arg(args, const char *))
		jbr_buffer_append(&text, part, strlen(part));
	va_end(args);
	jbr_buffer_append(&text, "", 1);
	if (text.failed)
		out->failed = true;
	else
		put_comment(out, indent, text.data);
	jbr_buffer_fini(&text);
}

/* What a key accepts and what it has when it is left out, in parentheses. */
static void
put_range(struct jbr_buffer *text, const struct jbr_key_info *row)
{
	const char *word;

	switch ((enum jbr_key_type)row->type) {
	case JBR_KEY_UINT:
		jbr_buffer_format(text, " (%u..%u %s; default %u)", row->low, row->high, row->unit,
			row->initial);
		break;
	case JBR_KEY_BOOL:
		jbr_buffer_format(text, " (yes or no; default %s)", row->initial ? "yes" : "no");
		break;
	case JBR_KEY_ENUM:
		for (unsigned i = 0; (word = jbr_enum_word(row->values, i)) != NULL; i++)
			jbr_buffer_format(text, "%s%s", i > 0 ? ", " : " (", word);
		jbr_buffer_format(text, "; default %s)", jbr_enum_word(row->values, row->initial));
		break;
	case JBR_KEY_STRING:
		jbr_buffer_format(text, " (text of up to %u bytes; ", row->high);
		if (row->string_initial == NULL)
			jbr_buffer_format(text, "must be given)");
		else
			jbr_buffer_format(text, "default %s)",
				row->string_initial[0] != '\0' ? row->string_initial : "empty");
		break;
	}
}

/* `key: value`, the value being the default. */
static void
put_default(struct jbr_buffer *out, const struct jbr_key_info *row)
{
	switch ((enum jbr_key_type)row->type) {
	case JBR_KEY_UINT:
		jbr_buffer_format(out, "%s: %u", row->key, row->initial);
		break;
	case JBR_KEY_BOOL:
		jbr_buffer_format(out, "%s: %s", row->key, row->initial ? "yes" : "no");
		break;
	case JBR_KEY_ENUM:
		jbr_buffer_format(out, "%s: %s", row->key,
			jbr_enum_word(row->values, row->initial));
		break;
	case JBR_KEY_STRING:
		/* a quote or a backslash has to be doubled; the rows have none */
		jbr_buffer_format(out, "%s: \"%s\"", row->key, row->string_initial);
		break;
	}
}

/* Help and range of a key, after @p lead. */
static void
put_help(struct jbr_buffer *out, const char *lead, const struct jbr_key_info *row)
{
	struct jbr_buffer range = {0};

	put_range(&range, row);
	jbr_buffer_append(&range, "", 1);
	if (range.failed)
		out->failed = true;
	else
		put_parts(out, "  ", lead, row->help, range.data, NULL);
	jbr_buffer_fini(&range);
}

static void
put_section(struct jbr_buffer *out, const struct jbr_section_info *section)
{
	/* what hardly anybody needs is shown, not set */
	const char *mark = section->tier >= 3 ? "#" : "";

	jbr_buffer_format(out, "\n");
	put_comment(out, "", section->help);
	jbr_buffer_format(out, "%s:\n", section->section);
	for (size_t i = 0; i < jbr_keys_count; i++) {
		const struct jbr_key_info *row = &jbr_keys[i];

		if (row->anomaly != JBR_ANOM_NONE || strcmp(row->section, section->section) != 0)
			continue;
		put_help(out, "", row);
		jbr_buffer_format(out, "  %s", mark);
		put_default(out, row);
		jbr_buffer_format(out, "\n");
	}
}

/* A list is shown empty, with an entry as an example. */
static void
put_list(struct jbr_buffer *out, const struct jbr_list_info *list)
{
	char lead[64];

	jbr_buffer_format(out, "\n");
	snprintf(lead, sizeof(lead), " (a list of up to %u; default empty)", list->count);
	put_parts(out, "", list->help, lead, NULL);
	for (size_t i = 0; i < jbr_list_keys_count; i++) {
		if (strcmp(jbr_list_keys[i].section, list->list) != 0)
			continue;
		snprintf(lead, sizeof(lead), "%s: ", jbr_list_keys[i].key);
		put_help(out, lead, &jbr_list_keys[i]);
	}
	jbr_buffer_format(out, "%s: []\n  # - %s\n", list->list, list->example);
}

static const char *
counted_by(enum jbr_scope scope)
{
	switch (scope) {
	case JBR_SCOPE_PACKET:
		return "packets";
	case JBR_SCOPE_FLOW:
		return "connections";
	}
	return "";
}

static void
put_anomaly(struct jbr_buffer *out, unsigned anomaly)
{
	const struct jbr_anomaly_info *info = &jbr_anomalies[anomaly];

	jbr_buffer_format(out, "\n");
	put_parts(out, "  ", jbr_severities[info->severity], ", counts ",
		counted_by((enum jbr_scope)info->scope), ": ", info->when, NULL);
	for (size_t i = 0; i < jbr_keys_count; i++) {
		char lead[64];

		if (jbr_keys[i].anomaly != anomaly)
			continue;
		snprintf(lead, sizeof(lead), "%s: ", jbr_keys[i].key);
		put_help(out, lead, &jbr_keys[i]);
	}
	jbr_buffer_format(out, "  #%s: {enabled: yes, action: %s", info->key,
		jbr_actions[info->action]);
	for (size_t i = 0; i < jbr_keys_count; i++) {
		if (jbr_keys[i].anomaly != anomaly)
			continue;
		jbr_buffer_format(out, ", ");
		put_default(out, &jbr_keys[i]);
	}
	jbr_buffer_format(out, "}\n");
}

static void
put_tier(struct jbr_buffer *out, unsigned tier)
{
	jbr_buffer_format(out, "\n# ==== %u. %s ====\n", tier, jbr_tiers[tier]);
	for (size_t i = 0; i < jbr_lists_count; i++)
		if (jbr_lists[i].tier == tier)
			put_list(out, &jbr_lists[i]);
	for (size_t i = 0; i < jbr_sections_count; i++)
		if (jbr_sections[i].tier == tier)
			put_section(out, &jbr_sections[i]);
}

void
jbr_config_sample(struct jbr_buffer *out)
{
	jbr_buffer_format(out, "# SPDX-License-Identifier: BSD-3-Clause\n");
	put_comment(out, "",
		"Configuration of jabiru. Generated: `jabiru catalog --format yaml` prints it.");
	put_comment(out, "",
		"Every key is here with its default, set or commented out; a key that is left out "
		"has its default. `jabiru check -c FILE` tests a file and names every error with "
		"line and column.");
	jbr_buffer_format(out, "\nconfig_version: %d\n", (int)JBR_CONFIG_VERSION);
	for (unsigned tier = 1; tier < JBR_COUNT_OF(jbr_tiers); tier++)
		put_tier(out, tier);
	jbr_buffer_format(out, "\n");
	put_comment(out, "",
		"Anomalies: `enabled` (yes or no), `action` and the thresholds of each. count: the "
		"counter only. event: the counter and events. drop: both, and inline the packet, "
		"or the rest of the connection where connections are counted, is dropped.");
	jbr_buffer_format(out, "anomalies:\n");
	for (unsigned i = 0; i < JBR_ANOM_COUNT; i++)
		put_anomaly(out, i);
}
