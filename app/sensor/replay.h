/* SPDX-License-Identifier: BSD-3-Clause */
/** @file replay.h
 * The verb `replay`: captures in, report, events and connection records out.
 *
 * Threads: the main thread; workers are started and stopped inside.
 */
#pragma once
#include "args.h"
#include "jbr_catalog.h"

/** Run it; errors go to standard error, what was analysed before one is still reported.
 * @return an exit code */
int replay_run(const struct args *args, const struct jbr_config *config);
