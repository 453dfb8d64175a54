/* SPDX-License-Identifier: BSD-3-Clause */
/** @file jbr_config.h
 * From YAML text to struct jbr_config, strictly; and back, as the commented sample file.
 *
 * Owns:    the form of the file, and libyaml, which no other room may use.
 * Threads: control code; no state between calls.
 * Strict:  an unknown key, a key twice, a wrong type, a value out of range, an alias or a merge key, a
 *          second document: each is an error with its line and column (from 1). All errors of a file
 *          are reported, not only the first, up to JBR_CONFIG_ERRORS_MAX.
 */
#pragma once
#include "jbr_base.h"
#include "jbr_catalog.h"

enum { JBR_CONFIG_ERRORS_MAX = 100, JBR_CONFIG_BYTES_MAX = 1 << 20, JBR_CONFIG_DEPTH_MAX = 8 };

/** Errors of a file, one line each: `file:line:col: what`. */
struct jbr_config_errors {
	struct jbr_buffer text;
	unsigned count;
};

/** Read @p path. Keys that are not in the file have their defaults.
 * @param errors      receives every error; initialise with {0}, release text with jbr_buffer_fini()
 * @param ret_config  written only on success
 * @return 0; -errno when the file cannot be read; -EINVAL when its content is wrong. */
int jbr_config_load(const char *path, struct jbr_config *ret_config,
	struct jbr_config_errors *errors);

/** The same from memory; @p name stands for the path in errors. */
int jbr_config_parse(const char *name, const char *text, size_t length,
	struct jbr_config *ret_config, struct jbr_config_errors *errors);

/** Append the sample file: every key with its default, range and help, in three tiers. Parsing it
 * gives the defaults. */
void jbr_config_sample(struct jbr_buffer *out);
