/* SPDX-License-Identifier: BSD-3-Clause */
/** @file figure.h
 * Figures of a segment as text and as JSON.
 */
#pragma once
#include "view.h"

/** Append `name{label="value",...}`. */
void figure_name(const struct view *view, const struct jbr_shm_series *series,
	struct jbr_buffer *out);
/** Write a number that is no integer, to the thousandth. */
void figure_json_real(struct jbr_json *json, const char *key, double value);
/** Write the labels as an object. */
void figure_json_labels(struct jbr_json *json, const struct jbr_shm_series *series);
/** Write a value as its family has it: whole numbers as they are, others with their digits. */
void figure_json_value(struct jbr_json *json, const char *key, const struct jbr_shm_family *family,
	uint64_t value);
/** counter, gauge or histogram. */
const char *figure_type(const struct jbr_shm_family *family);
