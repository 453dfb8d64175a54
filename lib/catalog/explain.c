/* SPDX-License-Identifier: BSD-3-Clause */
#include "jbr_catalog.h"

#include <errno.h>

static const char *const scopes[] = {"packets", "connections"};

static void
write_line(struct jbr_json *json, uint32_t line)
{
	if (line == 0)
		jbr_json_null(json, "line");
	else
		jbr_json_uint(json, "line", line);
}

static uint32_t
param_of(const struct jbr_config *config, const struct jbr_key_info *row)
{
	uint32_t value;

	memcpy(&value, (const uint8_t *)config + row->offset, sizeof(value));
	return value;
}

/* Thresholds in force and what set each. */
static void
write_limits(struct jbr_json *json, unsigned anomaly, const struct jbr_config *config)
{
	jbr_json_array_open(json, "limits");
	for (size_t i = 0; i < jbr_keys_count; i++) {
		const struct jbr_key_info *row = &jbr_keys[i];

		if (row->anomaly != anomaly)
			continue;
		jbr_json_object_open(json, NULL);
		jbr_json_string(json, "key", row->key);
		jbr_json_uint(json, "value", config == NULL ? row->initial : param_of(config, row));
		jbr_json_uint(json, "default", row->initial);
		jbr_json_string(json, "unit", row->unit);
		jbr_json_uint(json, "low", row->low);
		jbr_json_uint(json, "high", row->high);
		write_line(json,
			config == NULL
				? 0
				: config->lines
					  .params[(row->offset -
							  offsetof(struct jbr_config, params)) /
						  sizeof(uint32_t)]);
		jbr_json_string(json, "help", row->help);
		jbr_json_object_close(json);
	}
	jbr_json_array_close(json);
}

static void
write_anomaly(struct jbr_json *json, unsigned anomaly, const struct jbr_config *config)
{
	const struct jbr_anomaly_info *row = &jbr_anomalies[anomaly];
	bool is_enabled = config == NULL || config->anomaly_enabled[anomaly];
	unsigned action = config == NULL ? row->action : config->anomaly_action[anomaly];

	jbr_json_string(json, "severity", jbr_severities[row->severity]);
	jbr_json_string(json, "counts",
		row->scope < JBR_COUNT_OF(scopes) ? scopes[row->scope] : "episodes");
	jbr_json_string(json, "condition", row->when);
	jbr_json_string(json, "meaning", row->meaning);
	jbr_json_string(json, "todo", row->todo);
	jbr_json_string(json, "traps", row->traps);
	jbr_json_string(json, "reference", row->reference);
	jbr_json_string(json, "peers", row->peers);
	jbr_json_object_open(json, "enabled");
	jbr_json_bool(json, "value", is_enabled);
	write_line(json, config == NULL ? 0 : config->lines.enabled[anomaly]);
	jbr_json_object_close(json);
	jbr_json_object_open(json, "action");
	jbr_json_string(json, "value", action < JBR_ACTION_TOTAL ? jbr_actions[action] : "count");
	write_line(json, config == NULL ? 0 : config->lines.action[anomaly]);
	jbr_json_object_close(json);
	write_limits(json, anomaly, config);
}

static void
write_head(struct jbr_json *json, const char *key, const char *kind)
{
	jbr_json_object_open(json, "result");
	jbr_json_string(json, "key", key);
	jbr_json_string(json, "kind", kind);
}

/* A row that is a key and its help. */
static bool
write_name(struct jbr_json *json, const char *key, const char *kind,
	const struct jbr_name_info *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(rows[i].key, key) != 0)
			continue;
		write_head(json, key, kind);
		jbr_json_string(json, "meaning", rows[i].help);
		jbr_json_object_close(json);
		return true;
	}
	return false;
}

static bool
write_reset(struct jbr_json *json, const char *key)
{
	for (unsigned i = 0; i < JBR_RESET_COUNT; i++) {
		if (strcmp(jbr_resets[i].key, key) != 0)
			continue;
		write_head(json, key, "reset cause");
		jbr_json_string(json, "meaning", jbr_resets[i].what);
		jbr_json_string(json, "condition", jbr_resets[i].evidence);
		jbr_json_object_close(json);
		return true;
	}
	return false;
}

static bool
write_outcome(struct jbr_json *json, const char *key)
{
	for (unsigned i = 0; i < JBR_OUTCOME_COUNT; i++) {
		if (strcmp(jbr_outcomes[i].key, key) != 0)
			continue;
		write_head(json, key, "outcome");
		jbr_json_string(json, "meaning", jbr_outcomes[i].meaning);
		jbr_json_bool(json, "zeek", jbr_outcomes[i].is_zeek);
		jbr_json_object_close(json);
		return true;
	}
	return false;
}

static bool
write_metric(struct jbr_json *json, const char *key)
{
	for (unsigned i = 0; i < JBR_METRIC_COUNT; i++) {
		if (strcmp(jbr_metrics[i].name, key) != 0)
			continue;
		write_head(json, key, "figure");
		jbr_json_string(json, "meaning", jbr_metrics[i].help);
		jbr_json_string(json, "unit", jbr_metrics[i].unit);
		jbr_json_object_close(json);
		return true;
	}
	return false;
}

int
jbr_catalog_explain(struct jbr_json *json, const char *key, const struct jbr_config *config,
	const char *path)
{
	enum jbr_anomaly anomaly = jbr_anomaly_find(key);

	if (anomaly != JBR_ANOM_NONE) {
		write_head(json, key, "anomaly");
		write_anomaly(json, anomaly, config);
		jbr_json_string(json, "configuration", path);
		jbr_json_object_close(json);
		return 0;
	}
	if (write_reset(json, key) || write_outcome(json, key) ||
		write_name(json, key, "reason", jbr_not_analysed, JBR_NOT_ANALYSED_COUNT) ||
		write_name(json, key, "segments", jbr_segments, JBR_SEGMENT_COUNT) ||
		write_name(json, key, "trust flag", jbr_trust_flags, JBR_TRUST_COUNT) ||
		write_name(json, key, "table class", jbr_evictions, JBR_FLOW_CLASSES) ||
		write_metric(json, key))
		return 0;
	return -ENOENT;
}
