/* SPDX-License-Identifier: BSD-3-Clause */
/** @file host_name.h
 * Which Host a request may name. A page of somebody else's, whose name is made to lead to this address (DNS
 * rebinding), would else be served by a browser as if it were ours. */
#pragma once
#include <stdbool.h>
#include <sys/socket.h>

/** May @p host, as it stands in a request (NAME or NAME:PORT), be answered? Names are localhost, those that
 * end in .localhost, and the @p count in @p names; addresses are those of the loopback, and @p local, which
 * the connection came to (may be NULL). */
bool host_name_is_allowed(const char *host, const char *const *names, unsigned count,
	const struct sockaddr *local);
