/* SPDX-License-Identifier: BSD-3-Clause */
/** @file exposition.h
 * The text of /metrics, in Prometheus' text format 0.0.4.
 *
 * While the sensor is not alive its families are left out: Prometheus then knows that they are stale, and
 * `jabiru_up` says why. The exporter's own figures are always there.
 */
#pragma once
#include <stdint.h>

#include "jbr_base.h"
#include "source.h"

enum own_metric {
#define JBR_OWN(symbol, ...) OWN_##symbol,
#include "own.def"
	OWN_COUNT
};

/** The exporter's own figures; UP, SEGMENT_AGE and the build infos are filled in from the source. */
struct own_figures {
	uint64_t values[OWN_COUNT];
};

/** Append the whole text. */
void exposition_write(struct jbr_buffer *out, const struct source *source,
	const struct own_figures *own);
/** Append a value of @p family as a decimal number, exact. */
void exposition_put_value(struct jbr_buffer *out, const struct jbr_shm_family *family,
	uint64_t value);
/** Append a JSON member with a value of @p family. */
void exposition_json_value(struct jbr_json *json, const char *key,
	const struct jbr_shm_family *family, uint64_t value);
/** The word of a type: counter, gauge, histogram. */
const char *exposition_type_word(enum jbr_shm_type type);
