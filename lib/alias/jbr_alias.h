/* SPDX-License-Identifier: BSD-3-Clause */
/** @file jbr_alias.h
 * Names that people give to addresses and networks, to be shown beside the address.
 *
 * Sources: the configuration, and what was added to a running sensor, which is kept in a file. Where
 *          both name the same network, the added one is shown. The longest prefix wins.
 * Bounds:  JBR_ALIASES_MAX entries of each source; a name has 1 to JBR_ALIAS_NAME_MAX bytes of UTF-8
 *          that can be printed, without blanks at its ends.
 * Threads: one owner; control code, it allocates.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "jbr_base.h"

enum {
	JBR_ALIASES_MAX = 4096,
	JBR_ALIAS_NAME_MAX = 39,
	JBR_ALIAS_NETWORK_SIZE = 52, /**< of its text, with its zero */
};

/** An address or a network; the bits behind the prefix are zero. */
struct jbr_network {
	uint8_t address[16]; /**< IPv4 in the first 4 bytes, the rest zero */
	uint8_t ip_version;  /**< 4 or 6 */
	uint8_t prefix;      /**< bits; 32 or 128: one address */
};

enum jbr_alias_source { JBR_ALIAS_ADDED, JBR_ALIAS_CONFIG, JBR_ALIAS_SOURCES };
extern const char *const jbr_alias_source_names[JBR_ALIAS_SOURCES];

struct jbr_alias {
	struct jbr_network network;
	uint8_t source; /**< enum jbr_alias_source */
	char name[JBR_ALIAS_NAME_MAX + 1];
};

struct jbr_aliases;

/** Read `10.0.0.1`, `10.0.0.0/8`, `2001:db8::/32`. An IPv4 address inside IPv6 (::ffff:10.0.0.1) is the
 * IPv4 address.
 * @return 0, or -EINVAL with @p error: also when bits behind the prefix are set. */
int jbr_network_parse(const char *text, struct jbr_network *ret_network, struct jbr_error *error);
/** Write it in the same form; one address without its prefix. */
void jbr_network_text(const struct jbr_network *network, char ret_text[JBR_ALIAS_NETWORK_SIZE]);

/** May @p name be a name? @return 0, or -EINVAL with @p error. */
int jbr_alias_check_name(const char *name, struct jbr_error *error);

/** @return an empty table, or NULL with errno ENOMEM. */
struct jbr_aliases *jbr_aliases_create(void);
/** Release; NULL is fine. */
void jbr_aliases_free(struct jbr_aliases *aliases);

/** Name @p network; a name that the same source had given it is replaced.
 * @return 0, or with @p error: -EINVAL the name is none, -ENOSPC there are too many, -ENOMEM. */
int jbr_aliases_add(struct jbr_aliases *aliases, const struct jbr_network *network,
	const char *name, enum jbr_alias_source source, struct jbr_error *error);
/** Forget what @p source calls @p network. @return 0, or -ENOENT. */
int jbr_aliases_remove(struct jbr_aliases *aliases, const struct jbr_network *network,
	enum jbr_alias_source source);
/** Forget all of a source. */
void jbr_aliases_clear(struct jbr_aliases *aliases, enum jbr_alias_source source);
/** The name of an address. @return it, valid until the table changes, or NULL. */
const char *jbr_aliases_find(const struct jbr_aliases *aliases, const uint8_t address[16],
	uint8_t ip_version);
/** How many entries there are. */
uint32_t jbr_aliases_count(const struct jbr_aliases *aliases);
/** An entry, in the order of networks: IPv4 first, longest prefix first. @p index below the count. */
const struct jbr_alias *jbr_aliases_at(const struct jbr_aliases *aliases, uint32_t index);

/** Read the added ones from a file that jbr_aliases_save() wrote or a person: a network, blanks, its
 * name; `#` begins a comment. A file that is not there is an empty one. They take the place of those
 * that were there, all or none.
 * @return 0; -errno, -EFBIG or -EINVAL with `%s:%u: what` in @p error. */
int jbr_aliases_load(struct jbr_aliases *aliases, const char *path, struct jbr_error *error);
/** Write the added ones to a file, which is replaced whole or not at all (mode 0640). The folder is made
 * where it is missing. @return 0, or -errno with @p error. */
int jbr_aliases_save(const struct jbr_aliases *aliases, const char *path, struct jbr_error *error);
