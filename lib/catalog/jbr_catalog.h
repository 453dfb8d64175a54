/* SPDX-License-Identifier: BSD-3-Clause */
/** @file jbr_catalog.h
 * Everything that has a name: anomalies, reset causes, outcomes, segment counters, reasons why a
 * packet is not analysed, families of figures, and the keys of the configuration. Each is one row of a .def file here;
 * the enums, tables, structs and generated pages all come from the rows.
 *
 * Owns:    names and numbers. No logic.
 * Threads: constant data; struct jbr_config is a value, immutable while workers read it.
 * Add one: write its row. An id used twice or a default outside its range does not compile, and a
 *          generated page that is stale fails the lint suite.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jbr_base.h"

/** What a live run writes as it goes. */
enum jbr_output { JBR_OUTPUT_EVENTS, JBR_OUTPUT_FLOWS, JBR_OUTPUT_COUNT };

enum jbr_severity { JBR_SEVERITY_NOTE, JBR_SEVERITY_WARN, JBR_SEVERITY_ALERT, JBR_SEVERITY_COUNT };

enum jbr_action { JBR_ACTION_COUNT, JBR_ACTION_EVENT, JBR_ACTION_DROP, JBR_ACTION_TOTAL };

/** Who finds an anomaly. */
enum jbr_group { JBR_GROUP_DECODER, JBR_GROUP_OPTION, JBR_GROUP_FLAGS, JBR_GROUP_FLOW };

/** What `anomalies.KEY` counts: packets, or connections (once per connection). */
enum jbr_scope { JBR_SCOPE_PACKET, JBR_SCOPE_FLOW };

/** Dense indexes in file order; they size arrays and may change. Ids do not. */
enum jbr_anomaly {
#define JBR_ANOMALY(id, symbol, ...) JBR_ANOM_##symbol,
#include "anomalies.def"
	JBR_ANOM_COUNT,
	JBR_ANOM_NONE = JBR_ANOM_COUNT /**< an empty cell of a table */
};

enum jbr_reset_cause {
#define JBR_RESET(symbol, ...) JBR_RESET_##symbol,
#include "resets.def"
	JBR_RESET_COUNT
};

/** Zeek's conn_state codes first (< JBR_OUTCOME_ZEEK_COUNT), then jabiru's refinements. */
enum jbr_outcome {
#define JBR_OUTCOME(symbol, ...) JBR_OUTCOME_##symbol,
#include "outcomes.def"
	JBR_OUTCOME_COUNT,
	JBR_OUTCOME_ZEEK_COUNT = JBR_OUTCOME_OTH + 1
};

/** States of a connection; what each endpoint is in then stands in jbr_states. */
enum jbr_tcp_state {
#define JBR_STATE(symbol, ...) JBR_TCP_STATE_##symbol,
#include "states.def"
	JBR_TCP_STATE_COUNT
};

/** What lowers trust: numbers, and the bits of them. */
enum jbr_trust {
#define JBR_TRUST_FLAG(symbol, ...) JBR_TRUST_AT_##symbol,
#include "trust.def"
	JBR_TRUST_COUNT
};
enum {
#define JBR_TRUST_FLAG(symbol, ...) JBR_TRUST_##symbol = 1 << JBR_TRUST_AT_##symbol,
#include "trust.def"
};

enum jbr_not_analysed {
#define JBR_NOT_ANALYSED(symbol, ...) JBR_NOT_ANALYSED_##symbol,
#include "not_analysed.def"
	JBR_NOT_ANALYSED_COUNT
};

/** Classes of the connection table. */
enum jbr_flow_class {
#define JBR_FLOW_CLASS(symbol, ...) JBR_FLOW_##symbol,
#include "evictions.def"
	JBR_FLOW_CLASSES
};

enum jbr_segment {
#define JBR_SEGMENT(symbol, ...) JBR_SEGMENT_##symbol,
#include "segments.def"
	JBR_SEGMENT_COUNT
};

/** Families of figures, in the order of metrics.def. */
enum jbr_metric {
#define JBR_METRIC(symbol, ...) JBR_METRIC_##symbol,
#include "metrics.def"
	JBR_METRIC_COUNT
};

enum jbr_metric_type { JBR_METRIC_TYPE_COUNTER, JBR_METRIC_TYPE_GAUGE, JBR_METRIC_TYPE_HISTOGRAM };

/** The words of enum keys: JBR_VALUE_checksum_AUTO and so on, each list from 0. */
enum jbr_value_checksum {
#define JBR_VALUE_OF_checksum(symbol) JBR_VALUE_checksum_##symbol,
#define JBR_ENUM_VALUE(values, symbol, word) JBR_VALUE_OF_##values(symbol)
#include "enums.def"
};

enum jbr_value_flow_log {
#define JBR_VALUE_OF_flow_log(symbol) JBR_VALUE_flow_log_##symbol,
#define JBR_ENUM_VALUE(values, symbol, word) JBR_VALUE_OF_##values(symbol)
#include "enums.def"
};

enum jbr_value_steering {
#define JBR_VALUE_OF_steering(symbol) JBR_VALUE_steering_##symbol,
#define JBR_ENUM_VALUE(values, symbol, word) JBR_VALUE_OF_##values(symbol)
#include "enums.def"
};

enum jbr_value_idle {
#define JBR_VALUE_OF_idle(symbol) JBR_VALUE_idle_##symbol,
#define JBR_ENUM_VALUE(values, symbol, word) JBR_VALUE_OF_##values(symbol)
#include "enums.def"
};

enum jbr_value_hugepages {
#define JBR_VALUE_OF_hugepages(symbol) JBR_VALUE_hugepages_##symbol,
#define JBR_ENUM_VALUE(values, symbol, word) JBR_VALUE_OF_##values(symbol)
#include "enums.def"
};

struct jbr_anomaly_info {
	uint16_t id; /**< stable for ever */
	uint8_t group;
	uint8_t scope;
	uint8_t severity;
	uint8_t action; /**< default */
	const char *key;
	const char *when;
	const char *meaning;
	const char *todo;
	const char *reference;
	const char *peers;
	const char *traps;
};

struct jbr_reset_info {
	const char *key;
	uint8_t rule;
	const char *what;
	const char *evidence;
};

struct jbr_outcome_info {
	const char *key;
	bool is_zeek;
	const char *meaning;
};

struct jbr_state_info {
	const char *endpoint[2]; /**< RFC 9293 names: originator, responder */
	const char *when;
};

struct jbr_name_info {
	const char *key;
	const char *help;
};

struct jbr_metric_info {
	const char *name;
	const char *unit;
	const char *help;
	uint8_t type;   /**< enum jbr_metric_type */
	uint8_t digits; /**< values are to be divided by 10^digits */
};

extern const struct jbr_metric_info jbr_metrics[JBR_METRIC_COUNT];
extern const struct jbr_anomaly_info jbr_anomalies[JBR_ANOM_COUNT];
extern const struct jbr_reset_info jbr_resets[JBR_RESET_COUNT];
extern const struct jbr_outcome_info jbr_outcomes[JBR_OUTCOME_COUNT];
extern const struct jbr_name_info jbr_not_analysed[JBR_NOT_ANALYSED_COUNT];
extern const struct jbr_name_info jbr_evictions[JBR_FLOW_CLASSES];
extern const struct jbr_name_info jbr_segments[JBR_SEGMENT_COUNT];
extern const struct jbr_name_info jbr_trust_flags[JBR_TRUST_COUNT];
extern const struct jbr_state_info jbr_states[JBR_TCP_STATE_COUNT];
extern const char *const jbr_outputs[JBR_OUTPUT_COUNT];
extern const char *const jbr_severities[JBR_SEVERITY_COUNT];
extern const char *const jbr_actions[JBR_ACTION_TOTAL];

/** Thresholds: one plain field each, `params.tcp_mss_tiny_floor`. */
struct jbr_params {
#define JBR_PARAM(symbol, key, name, ...) uint32_t key##_##name;
#include "anomalies.def"
};

enum {
	JBR_CONFIG_STRING_SIZE = 64,
	JBR_CONFIG_LIST_STRING_SIZE = 256, /**< of a text in a list */
	JBR_CONFIG_PATH_SIZE = 256,
#define JBR_LIST(tier, list, count, help, example) JBR_CONFIG_MAX_##list = count,
#include "configuration.def"
};

/** One entry of the list `ports`. */
struct jbr_config_ports {
#define JBR_MEMBER_OF_ports(member) member
#define JBR_LIST_STRING(list, key, help) \
	JBR_MEMBER_OF_##list(char key[JBR_CONFIG_LIST_STRING_SIZE];)
#define JBR_LIST_UINT(list, key, ...) JBR_MEMBER_OF_##list(uint32_t key;)
#include "configuration.def"
};

/** One entry of the list `aliases`. */
struct jbr_config_aliases {
#define JBR_MEMBER_OF_aliases(member) member
#define JBR_LIST_STRING(list, key, help) \
	JBR_MEMBER_OF_##list(char key[JBR_CONFIG_LIST_STRING_SIZE];)
#define JBR_LIST_UINT(list, key, ...) JBR_MEMBER_OF_##list(uint32_t key;)
#include "configuration.def"
};

/** Lines of the file in which what concerns anomalies was set; 0 = the default is in force. */
struct jbr_config_lines {
	uint32_t enabled[JBR_ANOM_COUNT];
	uint32_t action[JBR_ANOM_COUNT];
	uint32_t params[sizeof(struct jbr_params) /
		sizeof(uint32_t)]; /**< in the order of its members */
};

/** The whole configuration as a value: `config.timeout_established_s`, `config.ports[0].queues`. */
struct jbr_config {
#define JBR_LIST(tier, list, count, help, example) \
	struct jbr_config_##list list[count]; \
	uint32_t list##_count;
#include "configuration.def"
#define JBR_UINT(section, key, ...) uint32_t section##_##key;
#define JBR_BOOL(section, key, ...) bool section##_##key;
#define JBR_ENUM(section, key, ...) uint8_t section##_##key;
#define JBR_STRING(section, key, ...) char section##_##key[JBR_CONFIG_STRING_SIZE];
#define JBR_PATH(section, key, help) char section##_##key[JBR_CONFIG_PATH_SIZE];
#include "configuration.def"
	struct jbr_params params;
	bool anomaly_enabled[JBR_ANOM_COUNT];
	uint8_t anomaly_action[JBR_ANOM_COUNT]; /**< enum jbr_action */
	struct jbr_config_lines lines;
};

enum jbr_key_type { JBR_KEY_UINT, JBR_KEY_BOOL, JBR_KEY_ENUM, JBR_KEY_STRING };

/** One key of the file: `section: {key: value}`, or `anomalies: {section: {key: value}}`. */
struct jbr_key_info {
	const char *section; /**< or the anomaly's key */
	const char *key;
	const char *unit;
	const char *help;
	const char *values; /**< the list of words of an enum; NULL otherwise */
	const char *string_initial;
	size_t offset; /**< in struct jbr_config */
	uint32_t initial;
	uint32_t low;
	uint32_t high;    /**< of a text: its longest length in bytes */
	uint8_t type;     /**< enum jbr_key_type */
	uint16_t anomaly; /**< enum jbr_anomaly, JBR_ANOM_NONE for a general key */
};

struct jbr_section_info {
	const char *section;
	const char *help;
	uint8_t tier;
};

/** A list of mappings: `list: [{key: value}, ...]`. */
struct jbr_list_info {
	const char *list;
	const char *help;
	const char *example; /**< of one entry */
	size_t offset;       /**< of its entries in struct jbr_config */
	size_t count_offset; /**< of their number, a uint32_t */
	size_t size;         /**< of an entry */
	uint32_t count;      /**< most entries */
	uint8_t tier;
};

struct jbr_enum_value_info {
	const char *values;
	const char *word;
};

/** General keys, then the thresholds of anomalies, in file order. `enabled` and `action`, which every
 * anomaly has, are not among them. */
extern const struct jbr_key_info jbr_keys[];
extern const size_t jbr_keys_count;
/** Keys of the entries of lists: `section` is the list, `offset` counts from the entry. A text must be
 * given, so it has no default (string_initial is NULL). */
extern const struct jbr_key_info jbr_list_keys[];
extern const size_t jbr_list_keys_count;
extern const struct jbr_list_info jbr_lists[];
extern const size_t jbr_lists_count;
extern const struct jbr_section_info jbr_sections[];
extern const size_t jbr_sections_count;
extern const struct jbr_enum_value_info jbr_enum_values[];
extern const size_t jbr_enum_values_count;
extern const char *const jbr_tiers[4]; /**< headings, from 1 */

/** The version of the configuration file's form, `config_version`. */
enum { JBR_CONFIG_VERSION = 1 };

/** Fill @p ret_config with the defaults of the rows; lists are empty. */
void jbr_config_defaults(struct jbr_config *ret_config);
/** Fill @p ret_entry, an entry of the list @p list, with the defaults of its rows; texts are empty. */
void jbr_config_entry_defaults(const struct jbr_list_info *list, void *ret_entry);

/** Write what is known of @p key as a member `result` of an object: of an anomaly its condition, meaning,
 * and the limits in force with the line that set each; of a reset cause, outcome, reason, segment
 * counter or figure what it means.
 * @param config  in force; NULL = none is known, so the defaults
 * @param path    of its file; NULL = none
 * @return 0, or -ENOENT: there is nothing of that name, and nothing was written. */
int jbr_catalog_explain(struct jbr_json *json, const char *key, const struct jbr_config *config,
	const char *path);

/** Find an anomaly by its key.
 * @return its index, or JBR_ANOM_NONE. */
enum jbr_anomaly jbr_anomaly_find(const char *key);

/** Find the index of an enum's word.
 * @return the value, or -1. */
int jbr_enum_find(const char *values, const char *word);

/** The word of an enum's value, or NULL. */
const char *jbr_enum_word(const char *values, unsigned value);
