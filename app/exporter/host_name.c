/* SPDX-License-Identifier: BSD-3-Clause */
#include "host_name.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

enum { HOST_MAX = 256 };

/* The name without port, brackets and the dot at its end. */
static bool
cut_port(const char *host, char name[HOST_MAX])
{
	const char *end = strrchr(host, ':');
	const char *start = host;

	if (host[0] == '[') {
		end = strchr(host, ']');
		start++;
		if (end == NULL || (end[1] != '\0' && end[1] != ':'))
			return false;
	} else if (end == NULL) {
		end = host + strlen(host);
	}
	if (*end != '\0') {
		const char *port = end + (*end == ']') + (end[*end == ']'] == ':');

		if (port[strspn(port, "0123456789")] != '\0')
			return false;
	}
	if (end == start || end - start >= HOST_MAX)
		return false;
	memcpy(name, start, (size_t)(end - start));
	name[end - start] = '\0';
	if (end - start > 1 && end[-1] == '.')
		name[end - start - 1] = '\0';
	return true;
}

static bool
is_local4(const struct in_addr *address, const struct sockaddr *local)
{
	if (ntohl(address->s_addr) >> 24 == IN_LOOPBACKNET)
		return true;
	if (local != NULL && local->sa_family == AF_INET)
		return ((const struct sockaddr_in *)(const void *)local)->sin_addr.s_addr ==
			address->s_addr;
	return false;
}

static bool
is_local6(const struct in6_addr *address, const struct sockaddr *local)
{
	if (IN6_IS_ADDR_LOOPBACK(address))
		return true;
	if (local != NULL && local->sa_family == AF_INET6)
		return IN6_ARE_ADDR_EQUAL(&((const struct sockaddr_in6 *)(const void *)local)
						   ->sin6_addr,
			address);
	return false;
}

bool
host_name_is_allowed(const char *host, const char *const *names, unsigned count,
	const struct sockaddr *local)
{
	static const char ending[] = ".localhost";
	struct in_addr address4;
	struct in6_addr address6;
	char name[HOST_MAX];
	size_t length;

	if (!cut_port(host, name))
		return false;
	if (inet_pton(AF_INET, name, &address4) == 1)
		return is_local4(&address4, local);
	if (inet_pton(AF_INET6, name, &address6) == 1)
		return is_local6(&address6, local);
	for (unsigned i = 0; i < count; i++)
		if (strcasecmp(name, names[i]) == 0)
			return true;
	length = strlen(name);
	return strcasecmp(name, "localhost") == 0 ||
		(length >= sizeof(ending) &&
			strcasecmp(name + length - (sizeof(ending) - 1), ending) == 0);
}
