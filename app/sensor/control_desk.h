/* SPDX-License-Identifier: BSD-3-Clause */
/** @file control_desk.h
 * What may be asked of a running sensor, one JSON object a line, and the answer to it, one JSON object a
 * line: {"command": "explain", "key": "tcp_syn_fin"} gives {"ok": true, "result": {...}} or
 * {"ok": false, "error": "a sentence"}.
 *
 * Input:   hostile until it is read: it is bounded, and what is not understood is answered with what is
 *          wrong with it.
 * Threads: the control thread.
 */
#pragma once
#include "jbr_alias.h"
#include "jbr_base.h"
#include "jbr_catalog.h"

enum {
	CONTROL_REQUEST_MAX = 4096, /**< bytes of a line, its newline not counted */
	CONTROL_DEPTH_MAX = 4,      /**< of nesting */
};

/** Do what was asked. @param notes  receives lines about how it went
 * @return 0, or -errno with @p error */
typedef int control_act_fn(void *context, struct jbr_buffer *notes, struct jbr_error *error);
/** Write members of an object. */
typedef void control_status_fn(void *context, struct jbr_json *json);

/** Note that @p who has asked for @p command, and what came of it: NULL = it was done. */
typedef void control_log_fn(const char *command, const char *who, const char *refusal);

/** What commands act on; all of it is the caller's and may be changed between two requests. */
struct control_desk {
	struct jbr_aliases *aliases;
	const char *alias_path;    /**< where added names are kept; NULL or "" = nowhere */
	uint64_t changes;          /**< that were asked for so far */
	bool is_alias_file_broken; /**< it could not be read: nothing is kept over what it holds */
	const struct jbr_config *config; /**< in force */
	const char *config_path;         /**< NULL = built-in defaults */
	const char *version;
	void *context;
	control_act_fn *reload; /**< NULL = cannot be done, as the next ones */
	control_act_fn *reopen;
	control_status_fn *status;
	control_log_fn *log; /**< of what changes something */
};

/** Answer the request @p line, which has no newline.
 * @param who  asks, for the log, which has a line for each request that changes something
 * @param out  receives a line with its newline */
void control_answer(struct control_desk *desk, const char *line, size_t length, const char *who,
	struct jbr_buffer *out);

/** For events: the name that @p aliases, a struct jbr_aliases or NULL, has for an address. */
const char *control_name_of(const void *aliases, const uint8_t address[16], uint8_t ip_version);

/** Name what the configuration's list `aliases` names, and forget what an older one named.
 * @return 0, or -errno with @p error. */
int control_name_configured(struct jbr_aliases *aliases, const struct jbr_config *config,
	struct jbr_error *error);
