/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes jabiru.yaml(5) and jabiru-anomalies(7) from the catalogue. usage: generate-pages NAME DATE */
#include <stdarg.h>
#include <stdio.h>

#include "cli.h"
#include "jbr_catalog.h"
#include "roff.h"

static const struct cli_program self = {.name = "generate-pages"};

/* Words made of a format, escaped as any. */
__attribute__((format(printf, 2, 3))) static void
put(struct jbr_buffer *out, const char *format, ...)
{
	struct jbr_buffer text = {0};
	va_list args;

	va_start(args, format);
	jbr_buffer_vformat(&text, format, args);
	va_end(args);
	out->failed |= text.failed;
	roff_words(out, text.data, text.length);
	jbr_buffer_fini(&text);
}

/* .TP and its term: a key with or without its section */
static void
put_term(struct jbr_buffer *out, const char *before, const char *section, const char *key)
{
	jbr_buffer_format(out, ".TP\n\\fB");
	put(out, "%s%s%s%s", before, section, section[0] == '\0' ? "" : ".", key);
	jbr_buffer_format(out, "\\fR\n");
}

static void
put_range(struct jbr_buffer *out, const struct jbr_key_info *key)
{
	const char *word;

	switch ((enum jbr_key_type)key->type) {
	case JBR_KEY_UINT:
		put(out, "%u to %u %s; default %u.", key->low, key->high, key->unit, key->initial);
		break;
	case JBR_KEY_BOOL:
		put(out, "yes or no; default %s.", key->initial ? "yes" : "no");
		break;
	case JBR_KEY_ENUM:
		put(out, "One of");
		for (unsigned i = 0; (word = jbr_enum_word(key->values, i)) != NULL; i++)
			put(out, "%s %s", i > 0 ? "," : "", word);
		put(out, "; default %s.", jbr_enum_word(key->values, key->initial));
		break;
	case JBR_KEY_STRING:
		put(out, "Text, at most %u bytes; ", key->high);
		if (key->string_initial == NULL)
			put(out, "must be given.");
		else
			put(out, "default %s.",
				key->string_initial[0] != '\0' ? key->string_initial : "empty");
		break;
	}
	jbr_buffer_format(out, "\n");
}

/* A sentence, with its full stop if it has none. */
static void
put_sentence(struct jbr_buffer *out, const char *text)
{
	size_t length = strlen(text);

	if (length == 0)
		return;
	put(out, "%s%s", text, text[length - 1] == '.' ? "" : ".");
	jbr_buffer_format(out, "\n");
}

static void
put_key(struct jbr_buffer *out, const struct jbr_key_info *key)
{
	put_term(out, "", "", key->key);
	put_sentence(out, key->help);
	put_range(out, key);
	if (key >= jbr_keys && key < jbr_keys + jbr_keys_count && jbr_key_reloads(key))
		jbr_buffer_format(out, "A reload takes it up.\n");
}

static void
put_sections(struct jbr_buffer *out, uint8_t tier)
{
	for (size_t i = 0; i < jbr_sections_count; i++) {
		if (jbr_sections[i].tier != tier)
			continue;
		roff_heading(out, ".SS", jbr_sections[i].section);
		put_sentence(out, jbr_sections[i].help);
		for (size_t k = 0; k < jbr_keys_count; k++)
			if (jbr_keys[k].anomaly == JBR_ANOM_NONE &&
				strcmp(jbr_keys[k].section, jbr_sections[i].section) == 0)
				put_key(out, &jbr_keys[k]);
	}
	for (size_t i = 0; i < jbr_lists_count; i++) {
		if (jbr_lists[i].tier != tier)
			continue;
		roff_heading(out, ".SS", jbr_lists[i].list);
		put_sentence(out, jbr_lists[i].help);
		put(out, "A list of up to %u entries, for example", jbr_lists[i].count);
		jbr_buffer_format(out, "\n.PP\n.in +4n\n.nf\n");
		put(out, "%s:", jbr_lists[i].list);
		jbr_buffer_format(out, "\n");
		put(out, "  - %s", jbr_lists[i].example);
		jbr_buffer_format(out, "\n.fi\n.in\n.PP\nKeys of an entry:\n");
		for (size_t k = 0; k < jbr_list_keys_count; k++)
			if (strcmp(jbr_list_keys[k].section, jbr_lists[i].list) == 0)
				put_key(out, &jbr_list_keys[k]);
	}
}

static void
put_thresholds(struct jbr_buffer *out)
{
	roff_heading(out, ".SH", "ANOMALIES");
	roff_paragraphs(out,
		"Below `anomalies:` each anomaly has a section of its name: `enabled` (yes or no, "
		"default yes), `action` (count or event; `drop` takes inline mode) and its "
		"thresholds, which follow. jabiru-anomalies(7) says what each anomaly is.");
	for (size_t k = 0; k < jbr_keys_count; k++) {
		if (jbr_keys[k].anomaly == JBR_ANOM_NONE)
			continue;
		put_term(out, "", jbr_keys[k].section, jbr_keys[k].key);
		put_sentence(out, jbr_keys[k].help);
		put_range(out, &jbr_keys[k]);
	}
}

static void
write_configuration(struct jbr_buffer *out, const char *date)
{
	roff_title(out, "jabiru.yaml", "5", date, "jabiru " JABIRU_VERSION);
	jbr_buffer_format(out, ".SH NAME\njabiru.yaml \\- configuration of jabiru\n");
	roff_heading(out, ".SH", "SYNOPSIS");
	roff_paragraphs(out, "/etc/jabiru/jabiru.yaml");
	roff_heading(out, ".SH", "DESCRIPTION");
	put(out,
		"One YAML file, read strictly: an unknown key, a wrong type or a value out of its "
		"range is an error with its place. Its first key is `config_version: %d`. Every "
		"other key may be left out. `jabiru check -c FILE` tests a file; `jabiru catalog "
		"--format yaml` prints one with every key at its default. SIGHUP has a running "
		"sensor read it again: anomalies and the keys marked below change at once, others "
		"with a restart.",
		JBR_CONFIG_VERSION);
	jbr_buffer_format(out, "\n");
	for (uint8_t tier = 1; tier < JBR_COUNT_OF(jbr_tiers); tier++) {
		roff_heading(out, ".SH", jbr_tiers[tier]);
		put_sections(out, tier);
	}
	put_thresholds(out);
	roff_heading(out, ".SH", "SEE ALSO");
	roff_paragraphs(out, "jabiru(1), jabiru-anomalies(7)");
}

static void
put_labelled(struct jbr_buffer *out, const char *label, const char *text)
{
	if (text[0] == '\0')
		return;
	put_term(out, "", "", label);
	put_sentence(out, text);
}

static void
put_anomaly(struct jbr_buffer *out, unsigned index)
{
	const struct jbr_anomaly_info *row = &jbr_anomalies[index];

	roff_heading(out, ".SS", row->key);
	put(out, "Severity %s; counted by %s; default action %s.", jbr_severities[row->severity],
		row->scope == JBR_SCOPE_PACKET ? "packet" : "connection", jbr_actions[row->action]);
	jbr_buffer_format(out, "\n");
	put_labelled(out, "Condition", row->when);
	put_labelled(out, "Meaning", row->meaning);
	put_labelled(out, "What to do", row->todo);
	put_labelled(out, "Traps", row->traps);
	put_labelled(out, "Reference", row->reference);
	for (size_t k = 0; k < jbr_keys_count; k++) {
		if (jbr_keys[k].anomaly != index)
			continue;
		put_term(out, "anomalies.", row->key, jbr_keys[k].key);
		put_sentence(out, jbr_keys[k].help);
		put_range(out, &jbr_keys[k]);
	}
}

static void
write_anomalies(struct jbr_buffer *out, const char *date)
{
	roff_title(out, "jabiru-anomalies", "7", date, "jabiru " JABIRU_VERSION);
	jbr_buffer_format(out, ".SH NAME\njabiru-anomalies \\- what jabiru finds in TCP traffic\n");
	roff_heading(out, ".SH", "DESCRIPTION");
	roff_paragraphs(out,
		"The keys of reports, events, metrics and of the configuration, jabiru.yaml(5).");
	roff_heading(out, ".SH", "ANOMALIES");
	for (unsigned i = 0; i < JBR_ANOM_COUNT; i++)
		put_anomaly(out, i);
	roff_heading(out, ".SH", "RESET CAUSES");
	for (unsigned i = 0; i < JBR_RESET_COUNT; i++) {
		put_term(out, "", "", jbr_resets[i].key);
		put_sentence(out, jbr_resets[i].what);
		put_sentence(out, jbr_resets[i].evidence);
	}
	roff_heading(out, ".SH", "OUTCOMES");
	for (unsigned i = 0; i < JBR_OUTCOME_COUNT; i++)
		put_labelled(out, jbr_outcomes[i].key, jbr_outcomes[i].meaning);
	roff_heading(out, ".SH", "SEE ALSO");
	roff_paragraphs(out, "jabiru(1), jabiru.yaml(5)");
}

int
main(int argc, char **argv)
{
	struct jbr_buffer out = {0};

	if (argc == 3 && strcmp(argv[1], "jabiru.yaml") == 0) {
		write_configuration(&out, argv[2]);
	} else if (argc == 3 && strcmp(argv[1], "jabiru-anomalies") == 0) {
		write_anomalies(&out, argv[2]);
	} else {
		fprintf(stderr, "usage: %s jabiru.yaml|jabiru-anomalies DATE\n", self.name);
		return EXIT_USAGE;
	}
	return cli_print(&self, &out);
}
