/* SPDX-License-Identifier: BSD-3-Clause */
#include "occurrence.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>

#include "jbr_catalog.h"
#include "text.h"

void
address_text(const uint8_t address[16], uint8_t ip_version, char ret_text[ADDRESS_SIZE])
{
	memcpy(ret_text, "-", 2);
	if (ip_version == 4 || ip_version == 6)
		inet_ntop(ip_version == 6 ? AF_INET6 : AF_INET, address, ret_text, ADDRESS_SIZE);
}

const char *
severity_word(uint8_t severity)
{
	return severity < JBR_SEVERITY_COUNT ? jbr_severities[severity] : "?";
}

static const char *
name_of(const struct jbr_aliases *aliases, const uint8_t address[16], uint8_t ip_version)
{
	return aliases == NULL ? NULL : jbr_aliases_find(aliases, address, ip_version);
}

/* ---- which ---- */

void
filter_make(const struct options *options, const struct jbr_aliases *aliases,
	struct filter *ret_filter)
{
	*ret_filter = (struct filter){.key = options->key, .aliases = aliases};
	if (options->host == NULL)
		return;
	if (jbr_network_parse(options->host, &ret_filter->network, NULL) < 0)
		ret_filter->host = options->host;
}

static bool
is_within(const struct jbr_network *network, const uint8_t address[16], uint8_t ip_version)
{
	unsigned whole = network->prefix / 8;
	unsigned rest = network->prefix % 8;

	if (ip_version != network->ip_version || memcmp(address, network->address, whole) != 0)
		return false;
	return rest == 0 || (address[whole] ^ network->address[whole]) >> (8 - rest) == 0;
}

static bool
is_named(const struct filter *filter, const uint8_t address[16], uint8_t ip_version)
{
	const char *name = name_of(filter->aliases, address, ip_version);

	return name != NULL && strcmp(name, filter->host) == 0;
}

bool
filter_takes(const struct filter *filter, const struct jbr_shm_event *event)
{
	if (filter->key != NULL && strcmp(filter->key, event->key) != 0)
		return false;
	if (filter->host != NULL)
		return is_named(filter, event->src, event->ip_version) ||
			is_named(filter, event->dst, event->ip_version);
	if (filter->network.ip_version != 0)
		return is_within(&filter->network, event->src, event->ip_version) ||
			is_within(&filter->network, event->dst, event->ip_version);
	return true;
}

/* ---- events ---- */

static void
put_printable(struct jbr_buffer *out, const char *text)
{
	for (; *text != '\0'; text++) {
		char c = (unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text;

		jbr_buffer_append(out, &c, 1);
	}
}

static void
put_names(const struct jbr_shm_event *event, const struct jbr_aliases *aliases,
	struct jbr_buffer *out)
{
	const char *src = name_of(aliases, event->src, event->ip_version);
	const char *dst = name_of(aliases, event->dst, event->ip_version);
	char address[ADDRESS_SIZE];

	if (src != NULL) {
		address_text(event->src, event->ip_version, address);
		jbr_buffer_format(out, "  (%s = %s)", address, src);
	}
	if (dst != NULL) {
		address_text(event->dst, event->ip_version, address);
		jbr_buffer_format(out, "  (%s = %s)", address, dst);
	}
}

void
event_put(const struct jbr_shm_event *event, const struct jbr_aliases *aliases,
	struct jbr_buffer *out)
{
	jbr_buffer_format(out, "%s %-5s ", text_clock(event->time_ns).at,
		severity_word(event->severity));
	put_printable(out, event->key);
	jbr_buffer_format(out, ": ");
	put_printable(out, event->summary);
	put_names(event, aliases, out);
}

static void
write_seconds(struct jbr_json *json, const char *key, uint64_t ns)
{
	jbr_json_fixed(json, key, (int64_t)(ns / JBR_NS_PER_US), 6);
}

static void
write_end(struct jbr_json *json, const char *const keys[3], const uint8_t address[16],
	const struct jbr_shm_event *event, const struct jbr_aliases *aliases)
{
	const char *name = name_of(aliases, address, event->ip_version);
	char text[ADDRESS_SIZE];

	address_text(address, event->ip_version, text);
	jbr_json_string(json, keys[0], text);
	jbr_json_uint(json, keys[1], address == event->src ? event->src_port : event->dst_port);
	if (name != NULL)
		jbr_json_string(json, keys[2], name);
}

void
event_write(const struct jbr_shm_event *event, const struct jbr_aliases *aliases,
	struct jbr_json *json)
{
	static const char *const src[] = {"src_ip", "src_port", "src_alias"};
	static const char *const dst[] = {"dest_ip", "dest_port", "dest_alias"};

	jbr_json_object_open(json, NULL);
	jbr_json_uint(json, "number", event->number);
	write_seconds(json, "time", event->time_ns);
	jbr_json_string(json, "anomaly", event->key);
	jbr_json_string(json, "severity", severity_word(event->severity));
	jbr_json_fixed(json, "confidence", event->confidence, 2);
	if (event->ip_version != 0) {
		write_end(json, src, event->src, event, aliases);
		write_end(json, dst, event->dst, event, aliases);
	}
	if (event->vlan != 0)
		jbr_json_uint(json, "vlan", event->vlan);
	if (event->flow_id != 0)
		jbr_json_uint(json, "flow_id", event->flow_id);
	jbr_json_uint(json, "count", event->count);
	write_seconds(json, "first", event->first_ns);
	write_seconds(json, "last", event->last_ns);
	jbr_json_string(json, "summary", event->summary);
	jbr_json_object_close(json);
}

/* ---- hosts ---- */

const char *
role_word(uint8_t role)
{
	static const char *const words[JBR_SHM_ROLES] = {"source", "target", "service"};

	return role < JBR_SHM_ROLES ? words[role] : "?";
}

void
host_put(const struct jbr_shm_host *host, struct jbr_buffer *out)
{
	char address[ADDRESS_SIZE];

	address_text(host->address, host->ip_version, address);
	if (host->port == 0)
		jbr_buffer_format(out, "%s", address);
	else
		jbr_buffer_format(out, host->ip_version == 6 ? "[%s]:%u" : "%s:%u", address,
			host->port);
}

const char *
host_name(const struct jbr_shm_host *host, const struct jbr_aliases *aliases)
{
	const char *name = name_of(aliases, host->address, host->ip_version);

	if (name != NULL)
		return name;
	return jbr_alias_check_name(host->alias, NULL) == 0 ? host->alias : "";
}
