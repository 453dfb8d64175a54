/* SPDX-License-Identifier: BSD-3-Clause */
#include "jbr_catalog.h"

#include <assert.h>

const struct jbr_anomaly_info jbr_anomalies[JBR_ANOM_COUNT] = {
#define JBR_ANOMALY(id, symbol, key, group, scope, severity, action, when, meaning, todo, \
	reference, peers, traps) \
	{id, JBR_GROUP_##group, JBR_SCOPE_##scope, JBR_SEVERITY_##severity, JBR_ACTION_##action, \
		#key, when, meaning, todo, reference, peers, traps},
#include "anomalies.def"
};

const struct jbr_reset_info jbr_resets[JBR_RESET_COUNT] = {
#define JBR_RESET(symbol, key, rule, what, evidence) {#key, rule, what, evidence},
#include "resets.def"
};

const struct jbr_outcome_info jbr_outcomes[JBR_OUTCOME_COUNT] = {
#define JBR_OUTCOME(symbol, key, is_zeek, meaning) {#key, is_zeek, meaning},
#include "outcomes.def"
};

const struct jbr_name_info jbr_trust_flags[JBR_TRUST_COUNT] = {
#define JBR_TRUST_FLAG(symbol, key, help) {#key, help},
#include "trust.def"
};

const struct jbr_state_info jbr_states[JBR_TCP_STATE_COUNT] = {
#define JBR_STATE(symbol, originator, responder, when) {{#originator, #responder}, when},
#include "states.def"
};

const struct jbr_name_info jbr_not_analysed[JBR_NOT_ANALYSED_COUNT] = {
#define JBR_NOT_ANALYSED(symbol, key, help) {#key, help},
#include "not_analysed.def"
};

const struct jbr_name_info jbr_evictions[JBR_FLOW_CLASSES] = {
#define JBR_FLOW_CLASS(symbol, key, help) {#key, help},
#include "evictions.def"
};

const struct jbr_name_info jbr_segments[JBR_SEGMENT_COUNT] = {
#define JBR_SEGMENT(symbol, key, help) {#key, help},
#include "segments.def"
};

const struct jbr_metric_info jbr_metrics[JBR_METRIC_COUNT] = {
#define JBR_METRIC(symbol, name, type, unit, digits, help) \
	{#name, #unit, help, JBR_METRIC_TYPE_##type, digits},
#include "metrics.def"
};

const char *const jbr_outputs[JBR_OUTPUT_COUNT] = {"events", "flows"};
const char *const jbr_severities[JBR_SEVERITY_COUNT] = {"note", "warn", "alert"};
const char *const jbr_actions[JBR_ACTION_TOTAL] = {"count", "event", "drop"};

/* An id used twice, by a live or a retired row, is a duplicate case and does not compile. */
__attribute__((unused)) static void
ids_are_unique(unsigned id)
{
	switch (id) {
#define JBR_ANOMALY(id, ...) case id:
#define JBR_RETIRED(id, ...) case id:
#include "anomalies.def"
	default:
		break;
	}
}

/* Zeek's codes stand first, so that they share the enum. */
#define JBR_OUTCOME(symbol, key, is_zeek, meaning) \
	static_assert((is_zeek) == (JBR_OUTCOME_##symbol < JBR_OUTCOME_ZEEK_COUNT), \
		#key ": Zeek's codes come first");
#include "outcomes.def"

/* A default outside its own range does not compile either. */
#define JBR_PARAM(symbol, key, name, initial, low, high, unit, help) \
	static_assert((initial) >= (low) && (initial) <= (high), \
		#key "." #name ": default out of range");
#include "anomalies.def"
#define JBR_UINT(section, key, initial, low, high, unit, help) \
	static_assert((initial) >= (low) && (initial) <= (high), \
		#section "." #key ": default out of range");
#include "configuration.def"

enum jbr_anomaly
jbr_anomaly_find(const char *key)
{
	for (unsigned i = 0; i < JBR_ANOM_COUNT; i++)
		if (strcmp(jbr_anomalies[i].key, key) == 0)
			return (enum jbr_anomaly)i;
	return JBR_ANOM_NONE;
}
