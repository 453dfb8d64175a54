/* SPDX-License-Identifier: BSD-3-Clause */
/** @file options.h
 * The command line of jabiru-exporter. */
#pragma once
#include "cli.h"

enum { OPTIONS_LISTEN_MAX = 8, OPTIONS_HOSTS_MAX = 16 };

struct options {
	struct cli_call call; /**< with a wish other than CLI_RUN: for cli_answer() */
	unsigned nb_listen;
	const char *listen[OPTIONS_LISTEN_MAX]; /**< ADDRESS:PORT */
	unsigned nb_hosts;
	const char *hosts[OPTIONS_HOSTS_MAX]; /**< names that a Host header may have */
	const char *instance;                 /**< name, or path of a file */
};

extern const struct cli_program exporter_program;

/** Read the command line. Texts stay where they are in @p argv.
 * @return 0, or -EINVAL with @p error. */
int options_parse(int argc, char **argv, struct options *ret_options, struct jbr_error *error);
