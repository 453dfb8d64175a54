/* SPDX-License-Identifier: BSD-3-Clause */
/** @file options.h
 * The command line of jabiructl, from tables of verbs and options.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "jbr_base.h"

enum { EXIT_FINE, EXIT_FAILED, EXIT_USAGE };
enum { OPTIONS_WORDS_MAX = 3, OPTIONS_LIMITS_MAX = 16 };

enum verb {
	VERB_STATUS,
	VERB_STATS,
	VERB_HISTORY,
	VERB_TOP,
	VERB_EVENTS,
	VERB_HOSTS,
	VERB_EXPLAIN,
	VERB_ALIAS,
	VERB_RELOAD,
	VERB_REOPEN,
	VERB_PROBE,
	VERB_VERSION,
	VERB_HELP,
};

/** `KEY=NUMBER` of --warn-anomaly and --crit-anomaly. */
struct options_limit {
	char key[64];
	double per_minute;
};

struct options {
	enum verb verb;
	const char *words[OPTIONS_WORDS_MAX]; /**< arguments that are no options */
	unsigned nb_words;
	const char *instance; /**< name or path */
	const char *socket;   /**< NULL = that of the instance */
	bool json;
	const char *label;
	uint32_t seconds; /**< 0 = not given */
	bool follow;
	const char *key;
	const char *host;
	uint32_t count; /**< 0 = not given */
	const char *anomaly;
	const char *role;
	bool once;
	uint32_t columns;
	uint32_t lines;
	double warn_loss; /**< percent; negative = not given */
	double crit_loss;
	double warn_span_loss;
	double crit_span_loss;
	struct options_limit warn[OPTIONS_LIMITS_MAX];
	struct options_limit crit[OPTIONS_LIMITS_MAX];
	unsigned nb_warn;
	unsigned nb_crit;
};

/** Read the command line. @return 0, or -EINVAL with @p error. */
int options_parse(int argc, char **argv, struct options *ret_options, struct jbr_error *error);
/** Append the page of the program (@p verb NULL) or of a verb. */
void options_help(const char *verb, struct jbr_buffer *out);
