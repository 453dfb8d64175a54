/* SPDX-License-Identifier: BSD-3-Clause */
#include "jbr_alias.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

static bool
is_mapped(const uint8_t address[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	return memcmp(address, mapped, sizeof(mapped)) == 0;
}

/* Is a bit behind the prefix set? */
static bool
has_host_bits(const struct jbr_network *network)
{
	for (unsigned bit = network->prefix; bit < 128; bit++)
		if (network->address[bit / 8] >> (7 - bit % 8) & 1)
			return true;
	return false;
}

static bool
parse_prefix(const char *text, unsigned most, uint8_t *ret_prefix)
{
	unsigned value = 0;

	if (text[0] == '\0' || strlen(text) > 3 || strspn(text, "0123456789") != strlen(text))
		return false;
	for (; *text != '\0'; text++)
		value = value * 10 + (unsigned)(*text - '0');
	*ret_prefix = (uint8_t)value;
	return value <= most;
}

int
jbr_network_parse(const char *text, struct jbr_network *ret_network, struct jbr_error *error)
{
	struct jbr_network network = {0};
	char address[INET6_ADDRSTRLEN];
	const char *slash = strchrnul(text, '/');
	size_t length = (size_t)(slash - text);
	bool is_6 = memchr(text, ':', length) != NULL;
	unsigned bits = is_6 ? 128 : 32;

	if (length >= sizeof(address))
		return jbr_error_set(error, -EINVAL, "'%.60s' is no address", text);
	memcpy(address, text, length);
	address[length] = '\0';
	network.ip_version = is_6 ? 6 : 4;
	network.prefix = (uint8_t)bits;
	if (inet_pton(is_6 ? AF_INET6 : AF_INET, address, network.address) != 1)
		return jbr_error_set(error, -EINVAL,
			"'%.60s' is no address or network: write 10.1.2.3, 10.0.0.0/8 or "
			"2001:db8::/32",
			text);
	if (*slash == '/' && !parse_prefix(slash + 1, bits, &network.prefix))
		return jbr_error_set(error, -EINVAL, "'%.60s': the prefix is a number from 0 to %u",
			text, bits);
	if (is_6 && is_mapped(network.address) && network.prefix >= 96) {
		memmove(network.address, network.address + 12, 4);
		memset(network.address + 4, 0, 12);
		network.ip_version = 4;
		network.prefix = (uint8_t)(network.prefix - 96);
	}
	if (has_host_bits(&network))
		return jbr_error_set(error, -EINVAL, "'%.60s' has bits set behind its prefix",
			text);
	*ret_network = network;
	return 0;
}

void
jbr_network_text(const struct jbr_network *network, char ret_text[JBR_ALIAS_NETWORK_SIZE])
{
	bool is_6 = network->ip_version == 6;
	size_t length;

	ret_text[0] = '\0';
	inet_ntop(is_6 ? AF_INET6 : AF_INET, network->address, ret_text, INET6_ADDRSTRLEN);
	length = strlen(ret_text);
	if (network->prefix != (is_6 ? 128 : 32))
		snprintf(ret_text + length, JBR_ALIAS_NETWORK_SIZE - length, "/%u",
			network->prefix);
}
