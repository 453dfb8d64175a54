/* SPDX-License-Identifier: BSD-3-Clause */
#include "event_private.h"

#include <ctype.h>
#include <inttypes.h>

const char *const jbr_end_reason_names[JBR_END_COUNT] = {"timeout", "reuse", "evicted",
	"capture_end"};

/* Which words among a row's traps mean which flag. */
static const struct {
	uint16_t trust;
	const char *phrase;
} trap_phrases[] = {
	{JBR_TRUST_MIDSTREAM, "capture start"},
	{JBR_TRUST_MIDSTREAM, "sensor start"},
	{JBR_TRUST_MIDSTREAM, "midstream"},
	{JBR_TRUST_MIDSTREAM, "table eviction"},
	{JBR_TRUST_MIDSTREAM, "passed unseen"},
	{JBR_TRUST_ONE_WAY, "one-way view"},
	{JBR_TRUST_LOSSY, "loss"},
	{JBR_TRUST_LOSSY, "passed unseen"},
	{JBR_TRUST_LOSSY, "past the tap"},
	{JBR_TRUST_DUPLICATED, "duplicates"},
	{JBR_TRUST_DUPLICATED, "reordering"},
	{JBR_TRUST_SNAPPED, "snap length"},
	{JBR_TRUST_FRAGMENTED, "fragments"},
	{JBR_TRUST_BAD_CHECKSUM, "offload"},
	{JBR_TRUST_BAD_CHECKSUM, "TSO"},
	{JBR_TRUST_CLOCK, "reordering"},
	{JBR_TRUST_CLOCK, "clock"},
};

static bool
has_words(const char *text, const char *phrase)
{
	size_t length = strlen(phrase);

	for (const char *at = strstr(text, phrase); at != NULL; at = strstr(at + 1, phrase)) {
		bool is_start = at == text || !isalnum((unsigned char)at[-1]);

		if (is_start && !isalnum((unsigned char)at[length]))
			return true;
	}
	return false;
}

uint16_t
jbr_event_traps(unsigned anomaly)
{
	uint16_t trust = 0;

	if (anomaly >= JBR_ANOM_COUNT)
		return 0;
	for (size_t i = 0; i < JBR_COUNT_OF(trap_phrases); i++)
		if (has_words(jbr_anomalies[anomaly].traps, trap_phrases[i].phrase))
			trust |= trap_phrases[i].trust;
	return trust;
}

unsigned
jbr_event_confidence(unsigned anomaly, uint16_t trust)
{
	enum { CERTAIN = 100, PER_FLAG = 20, LEAST = 10 };
	unsigned loss = PER_FLAG * (unsigned)__builtin_popcount(trust & jbr_event_traps(anomaly));

	return loss > CERTAIN - LEAST ? LEAST : CERTAIN - loss;
}

void
jbr_event_write_time(struct jbr_json *json, const char *key, uint64_t time_ns)
{
	char text[JBR_TIME_TEXT_SIZE];

	jbr_event_time_text(time_ns, text);
	jbr_json_string(json, key, text);
}

void
jbr_event_write_address(struct jbr_json *json, const char *key, const uint8_t address[16],
	uint8_t ip_version)
{
	char text[JBR_ADDRESS_TEXT_SIZE];

	jbr_event_address_text(address, ip_version, text);
	jbr_json_string(json, key, text);
}

void
jbr_event_write_head(struct jbr_json *json, const char *event_type, uint64_t time_ns,
	uint64_t flow_id, const struct jbr_event_tuple *tuple)
{
	char community_id[JBR_COMMUNITY_ID_SIZE];

	jbr_json_object_open(json, NULL);
	jbr_event_write_time(json, "timestamp", time_ns);
	if (flow_id != 0)
		jbr_json_uint(json, "flow_id", flow_id);
	jbr_json_string(json, "event_type", event_type);
	if (jbr_event_has_address(tuple)) {
		jbr_event_write_address(json, "src_ip", tuple->src, tuple->ip_version);
		jbr_json_uint(json, "src_port", tuple->src_port);
		jbr_event_write_address(json, "dest_ip", tuple->dst, tuple->ip_version);
		jbr_json_uint(json, "dest_port", tuple->dst_port);
	}
	jbr_json_string(json, "proto", "TCP");
	if (tuple->vlan[0] != 0 || tuple->vlan[1] != 0) {
		jbr_json_array_open(json, "vlan");
		for (unsigned i = 0; i < JBR_COUNT_OF(tuple->vlan); i++)
			if (tuple->vlan[i] != 0)
				jbr_json_uint(json, NULL, tuple->vlan[i]);
		jbr_json_array_close(json);
	}
	if (jbr_event_has_address(tuple)) {
		jbr_event_community_id(tuple, community_id);
		jbr_json_string(json, "community_id", community_id);
	}
}

void
jbr_event_write_each_way(struct jbr_json *json, const char *key, const uint64_t values[JBR_SIDES])
{
	jbr_json_object_open(json, key);
	jbr_json_uint(json, "to_server", values[JBR_ORIGINATOR]);
	jbr_json_uint(json, "to_client", values[JBR_RESPONDER]);
	jbr_json_object_close(json);
}

void
jbr_event_write_alias(struct jbr_json *json, const char *key, const uint8_t address[16],
	uint8_t ip_version, const struct jbr_event_names *names)
{
	const char *name;

	if (names == NULL || names->find == NULL)
		return;
	name = names->find(names->context, address, ip_version);
	if (name != NULL)
		jbr_json_string(json, key, name);
}

void
jbr_event_write_aliases(struct jbr_json *json, const struct jbr_event_tuple *tuple,
	const struct jbr_event_names *names)
{
	if (!jbr_event_has_address(tuple))
		return;
	jbr_event_write_alias(json, "src_alias", tuple->src, tuple->ip_version, names);
	jbr_event_write_alias(json, "dest_alias", tuple->dst, tuple->ip_version, names);
}

void
jbr_event_write_trust(struct jbr_json *json, uint16_t trust)
{
	jbr_json_array_open(json, "trust");
	for (unsigned i = 0; i < JBR_TRUST_COUNT; i++)
		if (trust & 1u << i)
			jbr_json_string(json, NULL, jbr_trust_flags[i].key);
	jbr_json_array_close(json);
}

static void
put_endpoint(struct jbr_buffer *text, const uint8_t address[16], uint16_t port, uint8_t ip_version)
{
	char ip[JBR_ADDRESS_TEXT_SIZE];

	jbr_event_address_text(address, ip_version, ip);
	jbr_buffer_format(text, ip_version == 6 ? "[%s]:%u" : "%s:%u", ip, port);
}

static const char *
value_name(unsigned anomaly)
{
	switch (anomaly) {
	case JBR_ANOM_IP_LOW_TTL:
		return "TTL";
	case JBR_ANOM_TCP_MSS_TINY:
		return "MSS";
	case JBR_ANOM_TCP_OPT_WSCALE_EXCESS:
		return "shift";
	default:
		return jbr_anomalies[anomaly].group == JBR_GROUP_OPTION ? "option kind" : "value";
	}
}

static void
put_times(struct jbr_buffer *text, const struct jbr_event *event)
{
	uint64_t span_ns = event->last_ns > event->first_ns ? event->last_ns - event->first_ns : 0;
	uint64_t tenths = span_ns / (JBR_NS_PER_S / 10);

	if (event->count <= 1)
		jbr_buffer_format(text, "once");
	else if (tenths < 10)
		jbr_buffer_format(text, "%" PRIu64 " times in %" PRIu64 " ms", event->count,
			span_ns / JBR_NS_PER_MS);
	else
		jbr_buffer_format(text, "%" PRIu64 " times in %" PRIu64 ".%" PRIu64 " s",
			event->count, tenths / 10, tenths % 10);
}

void
jbr_event_put_facts(struct jbr_buffer *text, const struct jbr_event *event)
{
	const struct jbr_finding *finding = &event->finding;
	const struct jbr_event_tuple *tuple = &finding->tuple;

	if (jbr_event_has_address(tuple)) {
		put_endpoint(text, tuple->src, tuple->src_port, tuple->ip_version);
		jbr_buffer_format(text, " > ");
		put_endpoint(text, tuple->dst, tuple->dst_port, tuple->ip_version);
		jbr_buffer_format(text, ", ");
	}
	if (finding->value != 0)
		jbr_buffer_format(text, "%s %u, ", value_name(finding->anomaly), finding->value);
	if (jbr_anomalies[finding->anomaly].group == JBR_GROUP_FLOW && finding->is_expected_known)
		jbr_buffer_format(text, "seq %" PRIu32 " where %" PRIu32 " was expected, ",
			finding->seq, finding->expected);
	put_times(text, event);
}

/* One sentence: what, from whom to whom, the numbers it hangs on, how often. */
static void
write_summary(struct jbr_json *json, const struct jbr_event *event)
{
	struct jbr_buffer text = {0};

	jbr_buffer_format(&text, "%s: ", jbr_anomalies[event->finding.anomaly].when);
	jbr_event_put_facts(&text, event);
	if (text.failed)
		json->out->failed = true;
	else
		jbr_json_string_n(json, "summary", text.data, text.length);
	jbr_buffer_fini(&text);
}

static void
write_entity(struct jbr_json *json, const struct jbr_event *event)
{
	const struct jbr_event_tuple *tuple = &event->finding.tuple;

	jbr_json_object_open(json, "entity");
	if (event->entity == JBR_ENTITY_FLOW) {
		jbr_json_string(json, "kind", "flow");
		jbr_json_uint(json, "id", event->finding.flow_id);
	} else {
		jbr_json_string(json, "kind", "source");
		if (jbr_event_has_address(tuple))
			jbr_event_write_address(json, "ip", tuple->src, tuple->ip_version);
		else
			jbr_json_null(json, "ip");
	}
	jbr_json_object_close(json);
}

static void
write_evidence(struct jbr_json *json, const struct jbr_finding *finding)
{
	char flags[JBR_FLAGS_TEXT_SIZE];

	jbr_event_flags_text(finding->flags, flags);
	jbr_json_object_open(json, "evidence");
	jbr_json_uint(json, "packet", finding->packet);
	jbr_json_uint(json, "seq", finding->seq);
	jbr_json_uint(json, "ack", finding->ack);
	if (finding->is_expected_known) {
		jbr_json_uint(json, "expected", finding->expected);
		jbr_json_uint(json, "edge", finding->edge);
	} else {
		jbr_json_null(json, "expected");
		jbr_json_null(json, "edge");
	}
	jbr_json_uint(json, "window", finding->window);
	jbr_json_string(json, "flags", flags);
	jbr_json_uint(json, "payload_length", finding->payload_length);
	jbr_json_uint(json, "ttl", finding->ttl);
	if (finding->value != 0)
		jbr_json_uint(json, "value", finding->value);
	else
		jbr_json_null(json, "value");
	jbr_json_object_close(json);
}

void
jbr_event_write_anomaly(struct jbr_buffer *out, const struct jbr_event *event, const char *host,
	const struct jbr_event_names *names)
{
	const struct jbr_finding *finding = &event->finding;
	const struct jbr_anomaly_info *row;
	struct jbr_json json;

	if (finding->anomaly >= JBR_ANOM_COUNT)
		return; /* the empty cell of a table is no anomaly */
	row = &jbr_anomalies[finding->anomaly];
	jbr_json_init(&json, out);
	jbr_event_write_head(&json, "anomaly", finding->time_ns, finding->flow_id, &finding->tuple);
	jbr_json_string(&json, "host", host);
	jbr_json_object_open(&json, "anomaly");
	jbr_json_string(&json, "type",
		row->group == JBR_GROUP_DECODER || row->group == JBR_GROUP_OPTION ? "decode"
										  : "stream");
	jbr_json_string(&json, "event", row->key);
	jbr_json_object_close(&json);
	jbr_json_object_open(&json, "jabiru");
	jbr_json_string(&json, "anomaly", row->key);
	jbr_json_string(&json, "severity", jbr_severities[row->severity]);
	jbr_json_fixed(&json, "confidence", jbr_event_confidence(finding->anomaly, finding->trust),
		2);
	write_entity(&json, event);
	jbr_json_uint(&json, "count", event->count);
	jbr_event_write_time(&json, "first", event->first_ns);
	jbr_event_write_time(&json, "last", event->last_ns);
	write_summary(&json, event);
	write_evidence(&json, finding);
	jbr_event_write_trust(&json, finding->trust);
	if (finding->tuple.tunnel != 0)
		jbr_json_uint(&json, "tunnel", finding->tuple.tunnel);
	jbr_event_write_aliases(&json, &finding->tuple, names);
	jbr_json_object_close(&json);
	jbr_json_object_close(&json);
	jbr_buffer_append(out, "\n", 1);
}
