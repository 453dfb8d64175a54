/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "jbr_alias.h"

enum {
	KEY_LENGTH_MAX = 64, /* longer words get no suggestion */
	DISTANCE_MAX = 2,    /* edits between an unknown key and the one suggested */
	PATH_SIZE = 128,
};

struct level;

/* Reads the value of key @p i of @p level, whose key is the current event. */
typedef void read_value_fn(struct jbr_reader *reader, const struct level *level, unsigned i);

/* A key that a mapping may have. */
struct slot {
	const char *name;
	const struct jbr_key_info *row; /* NULL: no row of jbr_keys */
	unsigned line;                  /* where it stands; 0: not seen */
};

/* The keys that one mapping may have. */
struct level {
	const char *path; /* "" at the top */
	read_value_fn *read_value;
	unsigned anomaly; /* of an anomaly's own mapping */
	unsigned count;
	bool has_keys; /* the file has one, known or not */
	struct slot *slots;
};

/* Levenshtein distance of two words of up to KEY_LENGTH_MAX bytes. */
static unsigned
edit_distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	unsigned row[KEY_LENGTH_MAX + 1];

	for (size_t j = 0; j <= b_length; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= a_length; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= b_length; j++) {
			unsigned change = diagonal + (a[i - 1] != b[j - 1]);
			unsigned step = jbr_min_u32(row[j], row[j - 1]) + 1;

			diagonal = row[j];
			row[j] = jbr_min_u32(change, step);
		}
	}
	return row[b_length];
}

static const char *
suggest(const struct level *level, const yaml_event_t *event)
{
	const char *word = (const char *)event->data.scalar.value;
	size_t length = event->data.scalar.length;
	unsigned nearest = DISTANCE_MAX + 1;
	const char *name = NULL;

	if (length > KEY_LENGTH_MAX)
		return NULL;
	for (unsigned i = 0; i < level->count; i++) {
		size_t name_length = strlen(level->slots[i].name);
		unsigned distance;

		if (name_length > KEY_LENGTH_MAX)
			continue;
		distance = edit_distance(word, length, level->slots[i].name, name_length);
		/* a word of which nothing is left is no likeness */
		if (distance < nearest && distance < length) {
			nearest = distance;
			name = level->slots[i].name;
		}
	}
	return name;
}

static void
complain_unknown(struct jbr_reader *reader, const struct level *level)
{
	struct jbr_shown key = jbr_event_show(&reader->event);
	const char *name = suggest(level, &reader->event);
	const char *colon = level->path[0] != '\0' ? ": " : "";

	if (name != NULL)
		jbr_reader_complain(reader, "%s%sunknown key '%s', did you mean '%s'?", level->path,
			colon, key.text, name);
	else
		jbr_reader_complain(reader, "%s%sunknown key '%s'", level->path, colon, key.text);
}

/* Which key of the level the current event is; -1 after a complaint. */
static int
take_key(struct jbr_reader *reader, struct level *level)
{
	const yaml_event_t *event = &reader->event;

	level->has_keys = true;
	if (event->type == YAML_ALIAS_EVENT)
		return -1;
	if (event->type != YAML_SCALAR_EVENT) {
		jbr_reader_complain(reader, "a key is a single word, not %s",
			jbr_event_kind(event));
		jbr_reader_skip(reader);
		return -1;
	}
	if (jbr_event_is_plain(event) && jbr_event_is_word(event, "<<")) {
		jbr_reader_complain(reader, "merge keys are not accepted");
		return -1;
	}
	for (unsigned i = 0; i < level->count; i++) {
		if (!jbr_event_is_word(event, level->slots[i].name))
			continue;
		if (level->slots[i].line == 0) {
			level->slots[i].line = (unsigned)event->start_mark.line + 1;
			return (int)i;
		}
		jbr_reader_complain(reader, "%s%skey '%s' is there twice, first in line %u",
			level->path, level->path[0] != '\0' ? ": " : "", level->slots[i].name,
			level->slots[i].line);
		return -1;
	}
	complain_unknown(reader, level);
	return -1;
}

/* Read the keys of the mapping whose start is the current event. */
static void
walk_mapping(struct jbr_reader *reader, struct level *level)
{
	while (jbr_reader_next(reader) && reader->event.type != YAML_MAPPING_END_EVENT) {
		int i = take_key(reader, level);

		if (i >= 0)
			level->read_value(reader, level, (unsigned)i);
		else if (jbr_reader_next(reader))
			jbr_reader_skip(reader);
	}
}

/* From 1. */
static uint32_t
current_line(const struct jbr_reader *reader)
{
	return (uint32_t)reader->event.start_mark.line + 1;
}

static void
read_row(struct jbr_reader *reader, const struct level *level, unsigned i)
{
	const struct jbr_key_info *row = level->slots[i].row;
	char path[PATH_SIZE];

	snprintf(path, sizeof(path), "%s.%s", level->path, row->key);
	if (!jbr_reader_enter_scalar(reader, path))
		return;
	if (row->anomaly != JBR_ANOM_NONE)
		reader->config->lines.params[(row->offset - offsetof(struct jbr_config, params)) /
			sizeof(uint32_t)] = current_line(reader);
	switch ((enum jbr_key_type)row->type) {
	case JBR_KEY_UINT:
		jbr_value_read_uint(reader, path, row);
		break;
	case JBR_KEY_BOOL:
		jbr_value_read_bool(reader, path, (bool *)((uint8_t *)reader->base + row->offset));
		break;
	case JBR_KEY_ENUM:
		jbr_value_read_enum(reader, path, row);
		break;
	case JBR_KEY_STRING:
		jbr_value_read_string(reader, path, row);
		break;
	}
}

/* Keys of an anomaly: enabled, action, then its thresholds. */
static void
read_anomaly_key(struct jbr_reader *reader, const struct level *level, unsigned i)
{
	char path[PATH_SIZE];

	if (level->slots[i].row != NULL) {
		read_row(reader, level, i);
		return;
	}
	snprintf(path, sizeof(path), "%s.%s", level->path, level->slots[i].name);
	if (!jbr_reader_enter_scalar(reader, path))
		return;
	if (i == 0) {
		reader->config->lines.enabled[level->anomaly] = current_line(reader);
		jbr_value_read_bool(reader, path, &reader->config->anomaly_enabled[level->anomaly]);
	} else {
		reader->config->lines.action[level->anomaly] = current_line(reader);
		jbr_value_read_action(reader, path, level->anomaly);
	}
}

static void
add_name(struct level *level, const char *name, const struct jbr_key_info *row)
{
	level->slots[level->count++] = (struct slot){name, row, 0};
}

/* Make room for the keys of any mapping of the file: for all keys that there are. */
static bool
open_level(struct jbr_reader *reader, struct level *level)
{
	size_t count = 2 /* enabled and action, or config_version and anomalies */
		+ jbr_keys_count + jbr_sections_count + jbr_list_keys_count + jbr_lists_count +
		JBR_ANOM_COUNT;

	level->slots = calloc(count, sizeof(*level->slots));
	if (level->slots != NULL)
		return true;
	reader->status = -ENOMEM;
	reader->is_over = true;
	return false;
}

static void
read_anomaly(struct jbr_reader *reader, const struct level *parent, unsigned i)
{
	char path[PATH_SIZE];
	struct level level = {.path = path, .read_value = read_anomaly_key, .anomaly = i};

	snprintf(path, sizeof(path), "%s.%s", parent->path, parent->slots[i].name);
	if (!jbr_reader_enter_mapping(reader, path) || !open_level(reader, &level))
		return;
	add_name(&level, "enabled", NULL);
	add_name(&level, "action", NULL);
	for (size_t k = 0; k < jbr_keys_count; k++)
		if (jbr_keys[k].anomaly == i)
			add_name(&level, jbr_keys[k].key, &jbr_keys[k]);
	walk_mapping(reader, &level);
	free(level.slots);
}

static void
read_anomalies(struct jbr_reader *reader)
{
	struct level level = {.path = "anomalies", .read_value = read_anomaly};

	if (!jbr_reader_enter_mapping(reader, level.path) || !open_level(reader, &level))
		return;
	for (unsigned i = 0; i < JBR_ANOM_COUNT; i++)
		add_name(&level, jbr_anomalies[i].key, NULL);
	walk_mapping(reader, &level);
	free(level.slots);
}

static void
read_section(struct jbr_reader *reader, const char *section)
{
	struct level level = {.path = section, .read_value = read_row};

	if (!jbr_reader_enter_mapping(reader, section) || !open_level(reader, &level))
		return;
	for (size_t k = 0; k < jbr_keys_count; k++)
		if (jbr_keys[k].anomaly == JBR_ANOM_NONE &&
			strcmp(jbr_keys[k].section, section) == 0)
			add_name(&level, jbr_keys[k].key, &jbr_keys[k]);
	walk_mapping(reader, &level);
	free(level.slots);
}

/* The mapping that starts with the current event is the entry @p path of a list. */
static void
read_entry(struct jbr_reader *reader, const struct jbr_list_info *list, const char *path)
{
	struct level level = {.path = path, .read_value = read_row};
	yaml_mark_t mark = reader->event.start_mark;

	if (!open_level(reader, &level))
		return;
	for (size_t k = 0; k < jbr_list_keys_count; k++)
		if (strcmp(jbr_list_keys[k].section, list->list) == 0)
			add_name(&level, jbr_list_keys[k].key, &jbr_list_keys[k]);
	walk_mapping(reader, &level);
	for (unsigned i = 0; !reader->is_over && i < level.count; i++)
		if (level.slots[i].row->type == JBR_KEY_STRING && level.slots[i].line == 0)
			jbr_reader_complain_at(reader, (unsigned)mark.line + 1,
				(unsigned)mark.column + 1, "%s: %s is missing", path,
				level.slots[i].name);
	free(level.slots);
}

/* What no single key can tell. */
static void
check_entry(struct jbr_reader *reader, const struct jbr_list_info *list, yaml_mark_t mark,
	const char *path)
{
	const struct jbr_config_aliases *alias = reader->base;
	struct jbr_network network;
	struct jbr_error error;

	if (strcmp(list->list, "aliases") != 0)
		return;
	if (alias->network[0] != '\0' && jbr_network_parse(alias->network, &network, &error) < 0)
		jbr_reader_complain_at(reader, (unsigned)mark.line + 1, (unsigned)mark.column + 1,
			"%s.network: %s", path, error.text);
	if (alias->name[0] != '\0' && jbr_alias_check_name(alias->name, &error) < 0)
		jbr_reader_complain_at(reader, (unsigned)mark.line + 1, (unsigned)mark.column + 1,
			"%s.name: %s", path, error.text);
}

static void
read_list(struct jbr_reader *reader, const struct jbr_list_info *list)
{
	uint8_t *config = (uint8_t *)reader->config;
	char path[PATH_SIZE];
	yaml_mark_t mark;
	uint32_t count = 0;

	if (!jbr_reader_enter_sequence(reader, list->list))
		return;
	while (jbr_reader_next(reader) && reader->event.type != YAML_SEQUENCE_END_EVENT) {
		snprintf(path, sizeof(path), "%s[%u]", list->list, count);
		if (count == list->count) {
			jbr_reader_complain(reader, "%s: at most %u entries are read", list->list,
				list->count);
			reader->is_over = true;
			break;
		}
		if (reader->event.type != YAML_MAPPING_START_EVENT) {
			if (reader->event.type != YAML_ALIAS_EVENT)
				jbr_reader_complain(reader, "%s: a mapping is expected, not %s",
					path, jbr_event_kind(&reader->event));
			jbr_reader_skip(reader);
			continue;
		}
		reader->base = config + list->offset + count * list->size;
		jbr_config_entry_defaults(list, reader->base);
		mark = reader->event.start_mark;
		read_entry(reader, list, path);
		check_entry(reader, list, mark, path);
		count++;
	}
	reader->base = config;
	memcpy(config + list->count_offset, &count, sizeof(count));
}

static void
read_version(struct jbr_reader *reader)
{
	uint64_t version;

	if (!jbr_reader_enter_scalar(reader, "config_version"))
		return;
	if (!jbr_event_is_number(&reader->event, &version))
		jbr_reader_complain(reader, "config_version: '%s' is no decimal number",
			jbr_event_show(&reader->event).text);
	else if (version != JBR_CONFIG_VERSION)
		jbr_reader_complain(reader, "config_version: %s is not read, only %d is",
			jbr_event_show(&reader->event).text, (int)JBR_CONFIG_VERSION);
}

/* Keys of the file: config_version, anomalies, the lists, then the sections. */
static void
read_top_key(struct jbr_reader *reader, const struct level *level, unsigned i)
{
	if (i == 0)
		read_version(reader);
	else if (i == 1)
		read_anomalies(reader);
	else if (i < 2 + jbr_lists_count)
		read_list(reader, &jbr_lists[i - 2]);
	else
		read_section(reader, level->slots[i].name);
}

/* The document's content is the current event. */
static void
walk_top(struct jbr_reader *reader)
{
	struct level level = {.path = "", .read_value = read_top_key};
	yaml_mark_t mark = reader->event.start_mark;

	if (reader->event.type == YAML_ALIAS_EVENT || jbr_event_is_missing(&reader->event))
		return;
	if (reader->event.type != YAML_MAPPING_START_EVENT) {
		jbr_reader_complain(reader, "a mapping is expected, not %s",
			jbr_event_kind(&reader->event));
		jbr_reader_skip(reader);
		return;
	}
	if (!open_level(reader, &level))
		return;
	add_name(&level, "config_version", NULL);
	add_name(&level, "anomalies", NULL);
	for (size_t i = 0; i < jbr_lists_count; i++)
		add_name(&level, jbr_lists[i].list, NULL);
	for (size_t i = 0; i < jbr_sections_count; i++)
		add_name(&level, jbr_sections[i].section, NULL);
	walk_mapping(reader, &level);
	if (!reader->is_over && level.has_keys && level.slots[0].line == 0)
		jbr_reader_complain_at(reader, (unsigned)mark.line + 1, (unsigned)mark.column + 1,
			"config_version is missing, write 'config_version: %d'",
			(int)JBR_CONFIG_VERSION);
	free(level.slots);
}

static void
walk_stream(struct jbr_reader *reader)
{
	/* the start of the stream, then of the document: an empty file has none */
	if (!jbr_reader_next(reader) || !jbr_reader_next(reader) ||
		reader->event.type == YAML_STREAM_END_EVENT)
		return;
	if (!jbr_reader_next(reader))
		return;
	walk_top(reader);
	/* the end of the document, then of the stream */
	if (jbr_reader_next(reader) && jbr_reader_next(reader) &&
		reader->event.type != YAML_STREAM_END_EVENT)
		jbr_reader_complain(reader, "a second document starts here, only one is read");
}

int
jbr_config_walk(const char *text, size_t length, struct jbr_config *config,
	struct jbr_config_notes *notes)
{
	static const char bom[] = "\xef\xbb\xbf";
	struct jbr_reader reader;
	int rc;

	if (length >= 3 && memcmp(text, bom, 3) == 0) {
		text += 3;
		length -= 3;
	}
	if (length == 0)
		return 0;
	rc = jbr_reader_init(&reader, text, length, notes);
	if (rc < 0)
		return rc;
	reader.config = config;
	reader.base = config;
	walk_stream(&reader);
	return jbr_reader_fini(&reader);
}
