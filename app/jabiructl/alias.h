/* SPDX-License-Identifier: BSD-3-Clause */
/** @file alias.h
 * Giving a name to an address, by asking the sensor.
 */
#pragma once
#include "options.h"

/** Name @p network. @return 0, or -errno with @p error as client_ask(). */
int alias_add(const struct options *options, const char *network, const char *name,
	struct jbr_error *error);
