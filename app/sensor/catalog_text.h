/* SPDX-License-Identifier: BSD-3-Clause */
/** @file catalog_text.h
 * The catalogue as text, for the verb `catalog`: a table to look at, the page docs/anomalies.md, one
 * JSON object, or the sample configuration.
 *
 * Threads: control code; no state between calls.
 * Stable:  the same build prints the same bytes; nothing depends on time, place or locale.
 */
#pragma once
#include "jbr_base.h"

/** Append the catalogue to @p out.
 * @param format  table, md, json or yaml
 * @return 0; -EINVAL for another format, with nothing appended; -ENOMEM. */
int catalog_print(const char *format, struct jbr_buffer *out);
/** The names of the formats, as choices of an option (cli_choice_fn). */
const char *catalog_format(unsigned index, const char **ret_summary);
