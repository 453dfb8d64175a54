/* SPDX-License-Identifier: BSD-3-Clause */
/** @file occurrence.h
 * An event or a host of the segment, as text and JSON, with the names of its addresses.
 */
#pragma once
#include "jbr_alias.h"
#include "jbr_shm.h"
#include "options.h"

enum { ADDRESS_SIZE = 46 };

/** What events are asked for. */
struct filter {
	const char *key;            /**< NULL = any */
	const char *host;           /**< a name; NULL = any */
	struct jbr_network network; /**< ip_version 0 = any */
	const struct jbr_aliases *aliases;
};

/** Take --key and --host: an address, a network, or a name. */
void filter_make(const struct options *options, const struct jbr_aliases *aliases,
	struct filter *ret_filter);
/** Is it asked for? */
bool filter_takes(const struct filter *filter, const struct jbr_shm_event *event);

/** The address as text; "-" for none. */
void address_text(const uint8_t address[16], uint8_t ip_version, char ret_text[ADDRESS_SIZE]);
/** note, warn or alert. */
const char *severity_word(uint8_t severity);
/** Append a line without its newline. */
void event_put(const struct jbr_shm_event *event, const struct jbr_aliases *aliases,
	struct jbr_buffer *out);
/** Write it as an object. */
void event_write(const struct jbr_shm_event *event, const struct jbr_aliases *aliases,
	struct jbr_json *json);

/** source, target or service. */
const char *role_word(uint8_t role);
/** Append `10.1.2.3`, `[2001:db8::1]:443`. */
void host_put(const struct jbr_shm_host *host, struct jbr_buffer *out);
/** The name that the sensor knows for it, or one given since; "" = none. */
const char *host_name(const struct jbr_shm_host *host, const struct jbr_aliases *aliases);
