/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_private.h"

#include <errno.h>
#include <stdio.h>

static void
complain_at(struct jbr_reader *reader, unsigned line, unsigned column, const char *format,
	va_list args)
{
	if (!jbr_config_note_add(reader->notes, line, column, format, args))
		reader->is_over = true;
}

void
jbr_reader_complain(struct jbr_reader *reader, const char *format, ...)
{
	const yaml_mark_t *mark = &reader->event.start_mark;
	va_list args;

	va_start(args, format);
	complain_at(reader, (unsigned)mark->line + 1, (unsigned)mark->column + 1, format, args);
	va_end(args);
}

void
jbr_reader_complain_at(struct jbr_reader *reader, unsigned line, unsigned column,
	const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain_at(reader, line, column, format, args);
	va_end(args);
}

struct jbr_shown
jbr_event_show(const yaml_event_t *event)
{
	const uint8_t *s = event->data.scalar.value;
	size_t length = event->data.scalar.length;
	struct jbr_shown shown = {""};
	size_t end = jbr_min_u64(length, JBR_SHOWN_MAX);
	size_t at = 0;

	while (end > 0 && end < length && (s[end] & 0xc0) == 0x80)
		end--; /* not inside a character */
	for (size_t i = 0; i < end; i++) {
		bool is_c1 = s[i] == 0xc2 && i + 1 < end && s[i + 1] < 0xa0;

		if (s[i] < 0x20 || s[i] == 0x7f || is_c1)
			at += (size_t)sprintf(shown.text + at, "\\x%02x", is_c1 ? s[++i] : s[i]);
		else
			shown.text[at++] = (char)s[i];
	}
	memcpy(shown.text + at, "...", end < length ? 4 : 0);
	return shown;
}

/* An error at the byte @p offset, where there is no mark. */
static void
complain_byte(struct jbr_reader *reader, size_t offset, const char *what)
{
	size_t end = jbr_min_u64(offset, reader->length);
	unsigned line = 1;
	unsigned column = 1;

	for (size_t i = 0; i < end; i++) {
		uint8_t c = (uint8_t)reader->text[i];
		bool is_cr = c == '\r' && !(i + 1 < reader->length && reader->text[i + 1] == '\n');

		if (c == '\n' || is_cr) {
			line++;
			column = 1;
		} else if ((c & 0xc0) != 0x80)
			column++;
	}
	jbr_reader_complain_at(reader, line, column, "%s", what);
}

/* libyaml compares each %TAG directive with all before it: a file of nothing else would keep it busy
 * for seconds. So they are refused before it sees one. A directive follows a line break, and in YAML
 * some of those are not ASCII. */
static void
refuse_tag_directives(struct jbr_reader *reader)
{
	static const char directive[] = "%TAG";
	const char *end = reader->text + reader->length;
	const char *at = reader->text;

	while ((at = memmem(at, (size_t)(end - at), directive, sizeof(directive) - 1)) != NULL) {
		uint8_t before = at > reader->text ? (uint8_t)at[-1] : '\n';

		if (before == '\n' || before == '\r' || before >= 0x80) {
			complain_byte(reader, (size_t)(at - reader->text), "tags are not accepted");
			reader->is_over = true;
			return;
		}
		at++;
	}
}

static void
complain_yaml(struct jbr_reader *reader)
{
	const yaml_parser_t *yaml = &reader->yaml;

	if (yaml->error == YAML_MEMORY_ERROR)
		reader->status = -ENOMEM;
	else if (yaml->error == YAML_READER_ERROR)
		complain_byte(reader, yaml->problem_offset, yaml->problem);
	else if (yaml->context != NULL)
		jbr_reader_complain_at(reader, (unsigned)yaml->problem_mark.line + 1,
			(unsigned)yaml->problem_mark.column + 1, "%s (%s)", yaml->problem,
			yaml->context);
	else
		jbr_reader_complain_at(reader, (unsigned)yaml->problem_mark.line + 1,
			(unsigned)yaml->problem_mark.column + 1, "%s", yaml->problem);
	reader->is_over = true;
}

/* What makes one text mean another thing elsewhere in the file has no place in a configuration. */
static void
refuse_references(struct jbr_reader *reader)
{
	const yaml_event_t *event = &reader->event;
	const yaml_char_t *anchor = NULL;
	const yaml_char_t *tag = NULL;

	if (event->type == YAML_SCALAR_EVENT) {
		anchor = event->data.scalar.anchor;
		tag = event->data.scalar.tag;
	} else if (event->type == YAML_MAPPING_START_EVENT) {
		anchor = event->data.mapping_start.anchor;
		tag = event->data.mapping_start.tag;
	} else if (event->type == YAML_SEQUENCE_START_EVENT) {
		anchor = event->data.sequence_start.anchor;
		tag = event->data.sequence_start.tag;
	} else if (event->type == YAML_ALIAS_EVENT)
		jbr_reader_complain(reader, "aliases are not accepted");
	if (anchor != NULL)
		jbr_reader_complain(reader, "anchors are not accepted");
	if (tag != NULL)
		jbr_reader_complain(reader, "tags are not accepted");
}

bool
jbr_reader_next(struct jbr_reader *reader)
{
	if (reader->is_over)
		return false;
	yaml_event_delete(&reader->event);
	if (!yaml_parser_parse(&reader->yaml, &reader->event)) {
		complain_yaml(reader);
		return false;
	}
	switch (reader->event.type) {
	case YAML_MAPPING_START_EVENT:
	case YAML_SEQUENCE_START_EVENT:
		reader->depth++;
		break;
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		reader->depth--;
		break;
	default:
		break;
	}
	if (reader->depth > JBR_CONFIG_DEPTH_MAX) {
		jbr_reader_complain(reader, "nested deeper than %d levels",
			(int)JBR_CONFIG_DEPTH_MAX);
		reader->is_over = true;
		return false;
	}
	refuse_references(reader);
	return !reader->is_over;
}

void
jbr_reader_skip(struct jbr_reader *reader)
{
	unsigned depth = reader->depth;

	if (reader->event.type != YAML_MAPPING_START_EVENT &&
		reader->event.type != YAML_SEQUENCE_START_EVENT)
		return;
	while (reader->depth >= depth && jbr_reader_next(reader))
		;
}

const char *
jbr_event_kind(const yaml_event_t *event)
{
	if (event->type == YAML_MAPPING_START_EVENT)
		return "a mapping";
	return event->type == YAML_SEQUENCE_START_EVENT ? "a sequence" : "a single value";
}

bool
jbr_event_is_plain(const yaml_event_t *event)
{
	return event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

bool
jbr_event_is_missing(const yaml_event_t *event)
{
	return event->type == YAML_SCALAR_EVENT && jbr_event_is_plain(event) &&
		event->data.scalar.length == 0;
}

bool
jbr_event_is_word(const yaml_event_t *event, const char *word)
{
	return event->data.scalar.length == strlen(word) &&
		memcmp(event->data.scalar.value, word, event->data.scalar.length) == 0;
}

/* Fetch what starts with an event of @p type; nothing at all is fine too. */
static bool
enter(struct jbr_reader *reader, const char *path, yaml_event_type_t type)
{
	if (!jbr_reader_next(reader))
		return false;
	if (reader->event.type == type)
		return true;
	if (reader->event.type != YAML_ALIAS_EVENT && !jbr_event_is_missing(&reader->event)) {
		jbr_reader_complain(reader, "%s: a %s is expected, not %s", path,
			type == YAML_MAPPING_START_EVENT ? "mapping" : "sequence",
			jbr_event_kind(&reader->event));
		jbr_reader_skip(reader);
	}
	return false;
}

bool
jbr_reader_enter_mapping(struct jbr_reader *reader, const char *path)
{
	return enter(reader, path, YAML_MAPPING_START_EVENT);
}

bool
jbr_reader_enter_sequence(struct jbr_reader *reader, const char *path)
{
	return enter(reader, path, YAML_SEQUENCE_START_EVENT);
}

bool
jbr_reader_enter_scalar(struct jbr_reader *reader, const char *path)
{
	if (!jbr_reader_next(reader) || reader->event.type == YAML_ALIAS_EVENT)
		return false;
	if (reader->event.type != YAML_SCALAR_EVENT) {
		jbr_reader_complain(reader, "%s: a single value is expected, not %s", path,
			jbr_event_kind(&reader->event));
		jbr_reader_skip(reader);
		return false;
	}
	if (jbr_event_is_missing(&reader->event)) {
		jbr_reader_complain(reader, "%s: the value is missing", path);
		return false;
	}
	return true;
}

int
jbr_reader_init(struct jbr_reader *reader, const char *text, size_t length,
	struct jbr_config_notes *notes)
{
	*reader = (struct jbr_reader){.text = text, .length = length, .notes = notes};
	if (!yaml_parser_initialize(&reader->yaml))
		return -ENOMEM;
	/* named, not guessed: UTF-16 is refused as bytes that are no UTF-8 */
	yaml_parser_set_encoding(&reader->yaml, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reader->yaml, (const unsigned char *)text, length);
	refuse_tag_directives(reader);
	return 0;
}

int
jbr_reader_fini(struct jbr_reader *reader)
{
	yaml_event_delete(&reader->event);
	yaml_parser_delete(&reader->yaml);
	return reader->status;
}
