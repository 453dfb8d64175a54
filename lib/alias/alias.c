/* SPDX-License-Identifier: BSD-3-Clause */
#include "jbr_alias.h"

#include <errno.h>
#include <stdlib.h>

const char *const jbr_alias_source_names[JBR_ALIAS_SOURCES] = {"added", "configuration"};

/* Entries are sorted: version, then longest prefix first, then address, then source. The entries of one
 * length stand together, so an address is looked for in as many places as there are lengths. */
struct jbr_aliases {
	struct jbr_alias *entries;
	uint32_t count;
	uint32_t capacity;
	uint32_t counts[JBR_ALIAS_SOURCES];
};

static int
compare(const struct jbr_network *a, unsigned a_source, const struct jbr_alias *b)
{
	int order = (int)a->ip_version - (int)b->network.ip_version;

	if (order == 0)
		order = (int)b->network.prefix - (int)a->prefix;
	if (order == 0)
		order = memcmp(a->address, b->network.address, sizeof(a->address));
	return order != 0 ? order : (int)a_source - (int)b->source;
}

/* The first entry that does not stand before it. */
static uint32_t
place_of(const struct jbr_aliases *aliases, const struct jbr_network *network, unsigned source)
{
	uint32_t low = 0;
	uint32_t high = aliases->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (compare(network, source, &aliases->entries[middle]) > 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool
is_at(const struct jbr_aliases *aliases, uint32_t place, const struct jbr_network *network,
	unsigned source)
{
	return place < aliases->count && compare(network, source, &aliases->entries[place]) == 0;
}

/* The length in bytes of the character at @p text, 0 where it is not UTF-8 or cannot be printed. */
static size_t
character_length(const unsigned char *text)
{
	unsigned lead = text[0];
	size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	uint32_t value = length == 1 ? lead : lead & (0x7fu >> length);

	if (lead < 0x20 || lead == 0x7f || (lead >= 0x80 && lead < 0xc2) || lead > 0xf4)
		return 0;
	for (size_t i = 1; i < length; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (text[i] & 0x3f);
	}
	if ((length == 3 && value < 0x800) || (length == 4 && value < 0x10000) ||
		value > 0x10ffff || (value >= 0xd800 && value < 0xe000) ||
		(value >= 0x80 && value < 0xa0))
		return 0;
	/* marks that turn or hide what stands beside them */
	if ((value >= 0x200b && value <= 0x200f) || (value >= 0x2028 && value <= 0x202e) ||
		(value >= 0x2060 && value <= 0x206f) || value == 0xfeff)
		return 0;
	return length;
}

static bool
is_name(const char *name)
{
	size_t length = strlen(name);

	if (length == 0 || length > JBR_ALIAS_NAME_MAX || name[0] == ' ' || name[0] == '#' ||
		name[length - 1] == ' ')
		return false;
	for (const unsigned char *at = (const unsigned char *)name; *at != '\0';) {
		size_t step = character_length(at);

		if (step == 0)
			return false;
		at += step;
	}
	return true;
}

int
jbr_alias_check_name(const char *name, struct jbr_error *error)
{
	if (is_name(name))
		return 0;
	return jbr_error_set(error, -EINVAL,
		"a name has 1 to %d bytes that can be printed, no blank at its ends and no # at "
		"its "
		"start",
		JBR_ALIAS_NAME_MAX);
}

static bool
make_room(struct jbr_aliases *aliases)
{
	uint32_t capacity = aliases->capacity == 0 ? 64 : aliases->capacity * 2;
	struct jbr_alias *entries;

	if (aliases->count < aliases->capacity)
		return true;
	entries = realloc(aliases->entries, capacity * sizeof(*entries));
	if (entries == NULL)
		return false;
	aliases->entries = entries;
	aliases->capacity = capacity;
	return true;
}

struct jbr_aliases *
jbr_aliases_create(void)
{
	return calloc(1, sizeof(struct jbr_aliases));
}

void
jbr_aliases_free(struct jbr_aliases *aliases)
{
	if (aliases == NULL)
		return;
	free(aliases->entries);
	free(aliases);
}

int
jbr_aliases_add(struct jbr_aliases *aliases, const struct jbr_network *network, const char *name,
	enum jbr_alias_source source, struct jbr_error *error)
{
	uint32_t place = place_of(aliases, network, source);
	struct jbr_alias *entry;
	int rc = jbr_alias_check_name(name, error);

	if (rc < 0)
		return rc;
	if (!is_at(aliases, place, network, source)) {
		if (aliases->counts[source] >= JBR_ALIASES_MAX)
			return jbr_error_set(error, -ENOSPC,
				"there are %d names already: remove some", JBR_ALIASES_MAX);
		if (!make_room(aliases))
			return jbr_error_set(error, -ENOMEM, "%s", strerror(ENOMEM));
		memmove(aliases->entries + place + 1, aliases->entries + place,
			(aliases->count - place) * sizeof(*entry));
		aliases->count++;
		aliases->counts[source]++;
	}
	entry = &aliases->entries[place];
	*entry = (struct jbr_alias){.network = *network, .source = (uint8_t)source};
	memcpy(entry->name, name, strlen(name) + 1);
	return 0;
}

int
jbr_aliases_remove(struct jbr_aliases *aliases, const struct jbr_network *network,
	enum jbr_alias_source source)
{
	uint32_t place = place_of(aliases, network, source);

	if (!is_at(aliases, place, network, source))
		return -ENOENT;
	aliases->count--;
	aliases->counts[source]--;
	memmove(aliases->entries + place, aliases->entries + place + 1,
		(aliases->count - place) * sizeof(aliases->entries[0]));
	return 0;
}

void
jbr_aliases_clear(struct jbr_aliases *aliases, enum jbr_alias_source source)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < aliases->count; i++)
		if (aliases->entries[i].source != source)
			aliases->entries[kept++] = aliases->entries[i];
	aliases->count = kept;
	aliases->counts[source] = 0;
}

static void
mask(uint8_t address[16], unsigned prefix)
{
	unsigned whole = prefix / 8;

	if (whole >= 16)
		return;
	address[whole] = (uint8_t)(address[whole] & ~(0xffu >> prefix % 8));
	memset(address + whole + 1, 0, 15 - whole);
}

const char *
jbr_aliases_find(const struct jbr_aliases *aliases, const uint8_t address[16], uint8_t ip_version)
{
	struct jbr_network network = {.ip_version = ip_version,
		.prefix = ip_version == 6 ? 128 : 32};

	if (aliases->count == 0 || (ip_version != 4 && ip_version != 6))
		return NULL;
	memcpy(network.address, address, ip_version == 6 ? 16 : 4);
	for (;;) {
		uint32_t place = place_of(aliases, &network, 0);
		const struct jbr_alias *entry = &aliases->entries[place];

		if (place >= aliases->count || entry->network.ip_version != ip_version)
			return NULL;
		if (memcmp(&entry->network, &network, sizeof(network)) == 0)
			return entry->name;
		if (entry->network.prefix == network.prefix) {
			/* behind the last address of this length the next shorter one begins */
			struct jbr_network last = network;

			memset(last.address, 0xff, sizeof(last.address));
			place = place_of(aliases, &last, JBR_ALIAS_SOURCES);
			entry = &aliases->entries[place];
			if (place >= aliases->count || entry->network.ip_version != ip_version)
				return NULL;
		}
		network.prefix = entry->network.prefix;
		mask(network.address, network.prefix);
	}
}

uint32_t
jbr_aliases_count(const struct jbr_aliases *aliases)
{
	return aliases->count;
}

const struct jbr_alias *
jbr_aliases_at(const struct jbr_aliases *aliases, uint32_t index)
{
	return &aliases->entries[index];
}
