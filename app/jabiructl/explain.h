/* SPDX-License-Identifier: BSD-3-Clause */
/** @file explain.h
 * What a key means: as the sensor says, or, where none can be asked, as the built-in catalogue says.
 */
#pragma once
#include <jansson.h>

#include "options.h"

/** Find out. @param ret_result  release with json_decref()
 * @param ret_note  why it is the built-in catalogue that speaks; "" when it is the sensor
 * @return 0, or -ENOENT with @p error: there is nothing of that name */
int explain_find(const struct options *options, const char *key, json_t **ret_result,
	struct jbr_error *ret_note, struct jbr_error *error);
/** Append it as text, lines of at most @p columns. */
void explain_put(const json_t *result, const char *note, unsigned columns, struct jbr_buffer *out);
