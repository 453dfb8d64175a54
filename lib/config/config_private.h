/* SPDX-License-Identifier: BSD-3-Clause */
/** @file config_private.h
 * What the files of this room share: the errors of one file (config.c), libyaml's events one by one
 * (parser.c), scalars as values (value.c) and the walk along the catalogue's keys (schema.c).
 *
 * Owns:    nothing outside the room; no other room includes it.
 * Threads: control code; everything lives for one call of jbr_config_parse().
 * Bounds:  the text has at most JBR_CONFIG_BYTES_MAX bytes, reading stops at the first node below
 *          JBR_CONFIG_DEPTH_MAX, at libyaml's first own error and when no more errors fit.
 */
#pragma once
#include <yaml.h>

#include "jbr_config.h"

/** One error: where it is, and its text inside jbr_config_notes.text. */
struct jbr_config_note {
	unsigned line;   /**< from 1 */
	unsigned column; /**< from 1, in characters */
	size_t offset;
	size_t length;
};

/** Errors in the order in which they were found; initialise with {0}. */
struct jbr_config_notes {
	struct jbr_buffer text;
	unsigned count;
	struct jbr_config_note notes[JBR_CONFIG_ERRORS_MAX];
};

/** Add an error. The last one that fits says that there were too many.
 * @return false when no more fit: stop reading. */
bool jbr_config_note_add(struct jbr_config_notes *notes, unsigned line, unsigned column,
	const char *format, va_list args);

/** Walk through a whole file, set in @p config what it sets, and note every error.
 * @param text  any bytes; may be NULL if @p length is 0
 * @return 0, also with errors noted; -ENOMEM. */
int jbr_config_walk(const char *text, size_t length, struct jbr_config *config,
	struct jbr_config_notes *notes);

/** A file while it is read. */
struct jbr_reader {
	yaml_parser_t yaml;
	yaml_event_t event; /**< the current one, until the next is fetched */
	const char *text;
	size_t length;
	struct jbr_config *config;
	void *base; /**< what the offsets of keys count from: @ref config, or an entry of a list */
	struct jbr_config_notes *notes;
	unsigned depth; /**< mappings and sequences that are open */
	bool is_over;   /**< nothing more can, or shall, be read */
	int status;     /**< 0 or -ENOMEM */
};

/** Start reading.
 * @param text    must outlive the reader; at least one byte
 * @return 0 or -ENOMEM. */
int jbr_reader_init(struct jbr_reader *reader, const char *text, size_t length,
	struct jbr_config_notes *notes);
/** Release it.
 * @return its status. */
int jbr_reader_fini(struct jbr_reader *reader);

/** Fetch the next event. Anchors, tags and aliases are complained about here, once.
 * @return false when the walk is over. */
bool jbr_reader_next(struct jbr_reader *reader);
/** Pass over the node that starts with the current event. */
void jbr_reader_skip(struct jbr_reader *reader);
/** Fetch the value of the key @p path, a mapping. No value at all is an empty mapping, so that all
 * keys of a section can be commented out.
 * @return whether there is a mapping to walk; false also after a complaint. */
bool jbr_reader_enter_mapping(struct jbr_reader *reader, const char *path);
/** Fetch the value of the key @p path, a sequence; no value at all is an empty one.
 * @return whether there is a sequence to walk; false also after a complaint. */
bool jbr_reader_enter_sequence(struct jbr_reader *reader, const char *path);
/** Fetch the value of the key @p path, a scalar.
 * @return whether the current event is one; false after a complaint. */
bool jbr_reader_enter_scalar(struct jbr_reader *reader, const char *path);

/** Note an error at the start of the current event. */
void jbr_reader_complain(struct jbr_reader *reader, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/** Note an error at another place. */
void jbr_reader_complain_at(struct jbr_reader *reader, unsigned line, unsigned column,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

/** A piece of the file, fit to stand in an error. */
enum { JBR_SHOWN_MAX = 40 };
struct jbr_shown {
	char text[4 * JBR_SHOWN_MAX + 4];
};

/** The text of a scalar event for an error that goes to terminals and logs: what is long is cut, what
 * is not printable is spelt out (the two-byte control characters of UTF-8 too). */
struct jbr_shown jbr_event_show(const yaml_event_t *event);
/** What an event starts, as words. */
const char *jbr_event_kind(const yaml_event_t *event);
/** Whether a scalar event is written without quotes. */
bool jbr_event_is_plain(const yaml_event_t *event);
/** Whether an event is the value of a key with nothing after its colon. */
bool jbr_event_is_missing(const yaml_event_t *event);
/** Whether a scalar event is exactly @p word. */
bool jbr_event_is_word(const yaml_event_t *event, const char *word);
/** Whether a scalar event is a decimal number: digits without quotes. A leading 0 is octal to some
 * readers of YAML and decimal to others, so it is neither here.
 * @param ret_value  numbers above 32 bits become UINT32_MAX + 1, which is out of every range */
bool jbr_event_is_number(const yaml_event_t *event, uint64_t *ret_value);

/** Read the current scalar event into the field of @p row; a value that is wrong is complained about
 * under the name @p path and leaves the field alone. */
void jbr_value_read_uint(struct jbr_reader *reader, const char *path,
	const struct jbr_key_info *row);
/** The same for the word of an enum. */
void jbr_value_read_enum(struct jbr_reader *reader, const char *path,
	const struct jbr_key_info *row);
/** The same for a text. */
void jbr_value_read_string(struct jbr_reader *reader, const char *path,
	const struct jbr_key_info *row);
/** The same for a switch, into @p ret_value. */
void jbr_value_read_bool(struct jbr_reader *reader, const char *path, bool *ret_value);
/** The same for the action of the anomaly @p anomaly. */
void jbr_value_read_action(struct jbr_reader *reader, const char *path, unsigned anomaly);
