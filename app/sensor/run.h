/* SPDX-License-Identifier: BSD-3-Clause */
/** @file run.h
 * The verb `run`: live ports in; report, events and connection records out.
 *
 * Threads: the main thread, which is the control lcore; workers are started and stopped inside.
 * Signals: TERM and INT end it: what was received is finished and reported. USR1 writes the state to
 *          standard error, USR2 opens the output files anew, HUP does the same after it
 *          has read the configuration again: all of it or nothing (run_reload.h).
 * systemd: is told what notify.h says.
 */
#pragma once
#include "args.h"
#include "jbr_catalog.h"

/** Run it; errors go to standard error.
 * @param config  ports of the command line take the place of its list
 * @return an exit code: EXIT_FAILED also when a count does not add up at the end */
int run_live(const struct args *args, struct jbr_config *config);
