/* SPDX-License-Identifier: BSD-3-Clause */
/** @file probe.h
 * The check for Nagios and its relatives, whose exit codes are its own.
 */
#pragma once
#include <stdbool.h>

#include "jbr_base.h"

/** Is `probe` among the words of the command line? Then a mistake in it is UNKNOWN. */
bool probe_is_asked(int argc, char **argv);
/** Say that the command line is wrong. @return 3 */
int probe_usage(const struct jbr_error *error);
