/* SPDX-License-Identifier: BSD-3-Clause */
/** @file verbs.h
 * What jabiructl can be asked for. Each prints its answer and returns an exit code.
 */
#pragma once
#include "jbr_base.h"
#include "options.h"
#include "print.h"

/** One screen about the sensor's health. */
int verb_status(const struct options *options);
/** All figures. */
int verb_stats(const struct options *options);
/** One figure over time. */
int verb_history(const struct options *options);
/** The live console. */
int verb_top(const struct options *options);
/** Events, once or as they come. */
int verb_events(const struct options *options);
/** The busiest hosts. */
int verb_hosts(const struct options *options);
/** What a key means. */
int verb_explain(const struct options *options);
/** Add, remove or list names. */
int verb_alias(const struct options *options);
/** Reload or reopen. */
int verb_reload(const struct options *options);
/** The Nagios check. */
int verb_probe(const struct options *options);
