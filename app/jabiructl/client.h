/* SPDX-License-Identifier: BSD-3-Clause */
/** @file client.h
 * The other end of a sensor's control socket.
 */
#pragma once
#include <jansson.h>

#include "jbr_alias.h"
#include "options.h"

enum { CLIENT_PATIENCE_S = 10, CLIENT_NAMES_PATIENCE_S = 1, CLIENT_ANSWER_MAX = 8 << 20 };

/** Ask @p request, a JSON object as text, and wait for the answer.
 * @param ret_answer  the whole of it; release with json_decref()
 * @return 0, or with @p error: -ENOENT or -ECONNREFUSED: nobody listens; -EACCES; -EPROTO the answer is
 *         none; -EREMOTEIO the sensor refuses, and why; -errno */
int client_ask(const struct options *options, const char *request, json_t **ret_answer,
	struct jbr_error *error);
/** What the sensor calls addresses; an empty table where it cannot be asked or does not answer soon: names
 * are no reason to keep anybody waiting. NULL = no memory. */
struct jbr_aliases *client_aliases(const struct options *options);
