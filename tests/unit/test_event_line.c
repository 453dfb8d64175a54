/* SPDX-License-Identifier: BSD-3-Clause */
/* The lines themselves, byte for byte. With the argument --lines the program prints every line it
 * tests, for the schema to judge. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>

#include "event_private.h"

#define START_NS UINT64_C(1795456800123456789) /* 2026-11-23T18:00:00.123456 */

static struct jbr_event_tuple
tuple_of(const char *src, uint16_t src_port, const char *dst, uint16_t dst_port)
{
	bool is_v6 = strchr(src, ':') != NULL;
	struct jbr_event_tuple tuple = {
		.src_port = src_port,
		.dst_port = dst_port,
		.ip_version = is_v6 ? 6 : 4,
	};

	assert_int_equal(inet_pton(is_v6 ? AF_INET6 : AF_INET, src, tuple.src), 1);
	assert_int_equal(inet_pton(is_v6 ? AF_INET6 : AF_INET, dst, tuple.dst), 1);
	return tuple;
}

static void
set_anomaly(struct jbr_flow_record *record, unsigned anomaly)
{
	record->anomalies[anomaly / 64] |= UINT64_C(1) << anomaly % 64;
}

/* An ordinary connection in two VLANs. */
static struct jbr_flow_record
flow_v4(void)
{
	struct jbr_flow_record record = {
		.tuple = tuple_of("192.0.2.1", 1234, "198.51.100.2", 80),
		.flow_id = 4711,
		.order_ns = START_NS + 61 * JBR_NS_PER_S,
		.first_packet = 1,
		.last_packet = 10,
		.start_ns = START_NS,
		.end_ns = START_NS + 1500 * JBR_NS_PER_MS,
		.packets = {6, 4},
		.bytes = {400, 1600},
		.payload = {100, 1400},
		.retransmitted = {1, 0},
		.missing = {0, 20},
		.rtt_server_ns = 12345678,
		.rtt_client_ns = 0,
		.zero_window_ns = {0, 2500 * JBR_NS_PER_MS},
		.mss = {1460, 0},
		.wscale = {7, 255},
		.conn_state = JBR_OUTCOME_SF,
		.outcome = JBR_OUTCOME_SF,
		.end_reason = JBR_END_TIMEOUT,
		.state = JBR_TCP_STATE_TIME_WAIT,
		.history = "ShADadFf",
	};

	record.tuple.vlan[0] = 100;
	record.tuple.vlan[1] = 7;
	return record;
}

static const char flow_v4_line[] =
	"{\"timestamp\":\"2026-11-23T18:01:01.123456+0000\",\"flow_id\":4711,\"event_type\":"
	"\"flow\","
	"\"src_ip\":\"192.0.2.1\",\"src_port\":1234,\"dest_ip\":\"198.51.100.2\",\"dest_port\":80,"
	"\"proto\":\"TCP\",\"vlan\":[100,7],\"community_id\":\"1:sCmWjQ5VbZMtrxlXm9hOvkMRKc8=\","
	"\"host\":\"sensor1\","
	"\"flow\":{\"pkts_toserver\":6,\"pkts_toclient\":4,\"bytes_toserver\":400,"
	"\"bytes_toclient\":1600,\"start\":\"2026-11-23T18:00:00.123456+0000\","
	"\"end\":\"2026-11-23T18:00:01.623456+0000\",\"age\":1,\"state\":\"closed\","
	"\"reason\":\"timeout\"},"
	"\"jabiru\":{\"conn_state\":\"SF\",\"history\":\"ShADadFf\",\"outcome\":\"SF\","
	"\"end_reason\":\"timeout\",\"state\":{\"originator\":\"time_wait\","
	"\"responder\":\"time_wait\"},"
	"\"packets\":{\"to_server\":6,\"to_client\":4},\"bytes\":{\"to_server\":400,"
	"\"to_client\":1600},\"payload\":{\"to_server\":100,\"to_client\":1400},"
	"\"retransmitted\":{\"to_server\":1,\"to_client\":0},\"missing\":{\"to_server\":0,"
	"\"to_client\":20},"
	"\"start\":\"2026-11-23T18:00:00.123456+0000\",\"end\":\"2026-11-23T18:00:01.623456+0000\","
	"\"duration_s\":1.500000,\"first_packet\":1,\"last_packet\":10,"
	"\"rtt\":{\"server_ms\":12.345,\"client_ms\":null},"
	"\"zero_window_s\":{\"originator\":0.000000,\"responder\":2.500000},"
	"\"mss\":{\"originator\":1460,\"responder\":null},"
	"\"wscale\":{\"originator\":7,\"responder\":null},"
	"\"resets_count\":0,\"resets\":[],\"anomalies\":[],\"trust\":[]}}\n";

/* A connection in a tunnel that was reset from both sides, and then again and again. */
static struct jbr_flow_record
flow_v6_resets(void)
{
	struct jbr_flow_record record = {
		.tuple = tuple_of("2001:db8::1", 50000, "2001:db8::2", 443),
		.flow_id = UINT64_C(9007199254740991),
		.order_ns = START_NS + 5 * JBR_NS_PER_S,
		.first_packet = 3,
		.last_packet = 30,
		.start_ns = START_NS,
		.end_ns = START_NS + 1,
		.packets = {2, 1},
		.bytes = {120, 60},
		.rtt_client_ns = 1999,
		.resets_count = 6,
		.trust = JBR_TRUST_MIDSTREAM | JBR_TRUST_LOSSY | JBR_TRUST_CLOCK,
		.wscale = {255, 0},
		.conn_state = JBR_OUTCOME_RSTR,
		.outcome = JBR_OUTCOME_RSTI,
		.end_reason = JBR_END_CAPTURE,
		.state = JBR_TCP_STATE_RESET,
		.history = "DdrR",
	};

	record.tuple.tunnel = 5001;
	for (unsigned i = 0; i < JBR_RECORD_RESETS_MAX; i++)
		record.resets[i] = (struct jbr_reset_record){
			.packet = 20 + i,
			.time_ns = START_NS + i * JBR_NS_PER_MS,
			.seq = 4294967295,
			.flags = 0x004,
			.ttl = 64,
			.by = JBR_RESPONDER,
			.cause = JBR_RESET_DUPLICATE,
		};
	record.resets[0] = (struct jbr_reset_record){
		.packet = 20,
		.time_ns = START_NS,
		.seq = 1000,
		.ack = 2000,
		.expected = 1100,
		.window_end = 66635,
		.flags = 0x014,
		.window = 8192,
		.payload_length = 3,
		.evidence = 1 << 0 | 1 << 8 | 1 << 15,
		.ttl = 46,
		.ttl_usual = 49,
		.by = JBR_ORIGINATOR,
		.cause = JBR_RESET_INJECTED,
		.is_expected_known = true,
	};
	set_anomaly(&record, JBR_ANOM_RST_WITH_DATA);
	set_anomaly(&record, JBR_ANOM_TRAFFIC_AFTER_RST_SENT);
	set_anomaly(&record, 0);
	return record;
}

#define LATER_RESET(packet, ms) \
	"{\"packet\":" #packet ",\"timestamp\":\"2026-11-23T18:00:00.12" #ms "456+0000\"," \
	"\"by\":\"responder\",\"cause\":\"duplicate\",\"evidence\":{\"seq\":4294967295,\"ack\":0," \
	"\"expected\":null,\"window_end\":null,\"flags\":\"R\",\"window\":0,\"payload_length\":0," \
	"\"ttl\":64,\"ttl_usual\":null,\"tests\":[]}}"

static const char flow_v6_resets_line[] =
	"{\"timestamp\":\"2026-11-23T18:00:05.123456+0000\",\"flow_id\":9007199254740991,"
	"\"event_type\":\"flow\",\"src_ip\":\"2001:db8::1\",\"src_port\":50000,"
	"\"dest_ip\":\"2001:db8::2\",\"dest_port\":443,\"proto\":\"TCP\","
	"\"community_id\":\"1:YXqXufkGr4i6TbJJYF83fvyDLZ8=\",\"host\":\"a \\\"b\\\"\","
	"\"flow\":{\"pkts_toserver\":2,\"pkts_toclient\":1,\"bytes_toserver\":120,"
	"\"bytes_toclient\":60,\"start\":\"2026-11-23T18:00:00.123456+0000\","
	"\"end\":\"2026-11-23T18:00:00.123456+0000\",\"age\":0,\"state\":\"closed\","
	"\"reason\":\"shutdown\"},"
	"\"jabiru\":{\"conn_state\":\"RSTR\",\"history\":\"DdrR\",\"outcome\":\"RSTI\","
	"\"end_reason\":\"capture_end\",\"state\":{\"originator\":\"reset\",\"responder\":"
	"\"reset\"},"
	"\"packets\":{\"to_server\":2,\"to_client\":1},\"bytes\":{\"to_server\":120,"
	"\"to_client\":60},\"payload\":{\"to_server\":0,\"to_client\":0},"
	"\"retransmitted\":{\"to_server\":0,\"to_client\":0},\"missing\":{\"to_server\":0,"
	"\"to_client\":0},"
	"\"start\":\"2026-11-23T18:00:00.123456+0000\",\"end\":\"2026-11-23T18:00:00.123456+0000\","
	"\"duration_s\":0.000000,\"first_packet\":3,\"last_packet\":30,"
	"\"rtt\":{\"server_ms\":null,\"client_ms\":0.001},"
	"\"zero_window_s\":{\"originator\":0.000000,\"responder\":0.000000},"
	"\"mss\":{\"originator\":null,\"responder\":null},"
	"\"wscale\":{\"originator\":null,\"responder\":0},"
	"\"resets_count\":6,\"resets\":["
	"{\"packet\":20,\"timestamp\":\"2026-11-23T18:00:00.123456+0000\",\"by\":\"originator\","
	"\"cause\":\"injected\",\"evidence\":{\"seq\":1000,\"ack\":2000,\"expected\":1100,"
	"\"window_end\":66635,\"flags\":\"RA\",\"window\":8192,\"payload_length\":3,\"ttl\":46,"
	"\"ttl_usual\":49,\"tests\":[\"D1\",\"D9\"]}}," LATER_RESET(21, 4) "," LATER_RESET(22,
		5) "," LATER_RESET(23,
		6) "],"
		   "\"anomalies\":[\"ip_bad_version\",\"rst_with_data\",\"traffic_after_rst_sent\"]"
		   ","
		   "\"trust\":[\"midstream\",\"lossy\",\"clock\"],\"tunnel\":5001}}\n";

/* A packet row, seen three times. What the receiver expected is no part of its summary. */
static struct jbr_event
anomaly_source(void)
{
	return (struct jbr_event){
		.finding =
			{
				.tuple = tuple_of("192.0.2.1", 1234, "198.51.100.2", 80),
				.time_ns = START_NS + 12 * JBR_NS_PER_S,
				.packet = 99,
				.seq = 7,
				.expected = 8,
				.edge = 9,
				.anomaly = JBR_ANOM_TCP_SYN_FIN,
				.flags = 0x003,
				.window = 512,
				.ttl = 57,
				.is_expected_known = true,
			},
		.count = 3,
		.first_ns = START_NS,
		.last_ns = START_NS + 12 * JBR_NS_PER_S,
		.entity = JBR_ENTITY_SOURCE,
	};
}

static const char anomaly_source_line[] =
	"{\"timestamp\":\"2026-11-23T18:00:12.123456+0000\",\"event_type\":\"anomaly\","
	"\"src_ip\":\"192.0.2.1\",\"src_port\":1234,\"dest_ip\":\"198.51.100.2\",\"dest_port\":80,"
	"\"proto\":\"TCP\",\"community_id\":\"1:sCmWjQ5VbZMtrxlXm9hOvkMRKc8=\",\"host\":\"s\","
	"\"anomaly\":{\"type\":\"stream\",\"event\":\"tcp_syn_fin\"},"
	"\"jabiru\":{\"anomaly\":\"tcp_syn_fin\",\"severity\":\"warn\",\"confidence\":1.00,"
	"\"entity\":{\"kind\":\"source\",\"ip\":\"192.0.2.1\"},\"count\":3,"
	"\"first\":\"2026-11-23T18:00:00.123456+0000\",\"last\":\"2026-11-23T18:00:12.123456+"
	"0000\","
	"\"summary\":\"SYN and FIN set: 192.0.2.1:1234 > 198.51.100.2:80, 3 times in 12.0 s\","
	"\"evidence\":{\"packet\":99,\"seq\":7,\"ack\":0,\"expected\":8,\"edge\":9,"
	"\"window\":512,\"flags\":\"FS\",\"payload_length\":0,\"ttl\":57,\"value\":null},"
	"\"trust\":[]}}\n";

/* A flow row, once, on a connection of which one flag makes it doubtful. */
static struct jbr_event
anomaly_flow(void)
{
	return (struct jbr_event){
		.finding =
			{
				.tuple = tuple_of("2001:db8::2", 443, "2001:db8::1", 50000),
				.time_ns = START_NS,
				.packet = 20,
				.flow_id = 77,
				.seq = 1000,
				.ack = 2000,
				.expected = 1100,
				.edge = 66635,
				.anomaly = JBR_ANOM_RST_IN_WINDOW_INEXACT,
				.flags = 0x014,
				.trust = JBR_TRUST_LOSSY | JBR_TRUST_ONE_WAY,
				.ttl = 46,
				.is_expected_known = true,
			},
		.count = 1,
		.first_ns = START_NS,
		.last_ns = START_NS,
		.entity = JBR_ENTITY_FLOW,
	};
}

static const char anomaly_flow_line[] =
	"{\"timestamp\":\"2026-11-23T18:00:00.123456+0000\",\"flow_id\":77,"
	"\"event_type\":\"anomaly\",\"src_ip\":\"2001:db8::2\",\"src_port\":443,"
	"\"dest_ip\":\"2001:db8::1\",\"dest_port\":50000,\"proto\":\"TCP\","
	"\"community_id\":\"1:YXqXufkGr4i6TbJJYF83fvyDLZ8=\",\"host\":\"s\","
	"\"anomaly\":{\"type\":\"stream\",\"event\":\"rst_in_window_inexact\"},"
	"\"jabiru\":{\"anomaly\":\"rst_in_window_inexact\",\"severity\":\"note\",\"confidence\":0."
	"80,"
	"\"entity\":{\"kind\":\"flow\",\"id\":77},\"count\":1,"
	"\"first\":\"2026-11-23T18:00:00.123456+0000\",\"last\":\"2026-11-23T18:00:00.123456+"
	"0000\","
	"\"summary\":\"a RST inside the receiver's window, not at the next expected byte: "
	"[2001:db8::2]:443 > [2001:db8::1]:50000, seq 1000 where 1100 was expected, once\","
	"\"evidence\":{\"packet\":20,\"seq\":1000,\"ack\":2000,\"expected\":1100,\"edge\":66635,"
	"\"window\":0,\"flags\":\"RA\",\"payload_length\":0,\"ttl\":46,\"value\":null},"
	"\"trust\":[\"one_way\",\"lossy\"]}}\n";

/* A packet whose IP header could not be read. */
static struct jbr_event
anomaly_no_address(void)
{
	return (struct jbr_event){
		.finding =
			{
				.time_ns = START_NS,
				.packet = 5,
				.anomaly = JBR_ANOM_IP_BAD_VERSION,
				.value = 7,
				.tuple = {.vlan = {0, 12}, .tunnel = 3},
			},
		.count = 2,
		.first_ns = START_NS - 3 * JBR_NS_PER_MS,
		.last_ns = START_NS,
		.entity = JBR_ENTITY_SOURCE,
	};
}

static const char anomaly_no_address_line[] =
	"{\"timestamp\":\"2026-11-23T18:00:00.123456+0000\",\"event_type\":\"anomaly\","
	"\"proto\":\"TCP\",\"vlan\":[12],\"host\":\"s\","
	"\"anomaly\":{\"type\":\"decode\",\"event\":\"ip_bad_version\"},"
	"\"jabiru\":{\"anomaly\":\"ip_bad_version\",\"severity\":\"warn\",\"confidence\":1.00,"
	"\"entity\":{\"kind\":\"source\",\"ip\":null},\"count\":2,"
	"\"first\":\"2026-11-23T18:00:00.120456+0000\",\"last\":\"2026-11-23T18:00:00.123456+"
	"0000\","
	"\"summary\":\"the version nibble is neither 4 nor 6, or is not the one the EtherType "
	"names: "
	"value 7, 2 times in 3 ms\","
	"\"evidence\":{\"packet\":5,\"seq\":0,\"ack\":0,\"expected\":null,\"edge\":null,"
	"\"window\":0,\"flags\":\"\",\"payload_length\":0,\"ttl\":0,\"value\":7},"
	"\"trust\":[],\"tunnel\":3}}\n";

/* Each line stands behind the one before, as in a file. */
static void
lines(void **state)
{
	const struct jbr_flow_record v4 = flow_v4();
	const struct jbr_flow_record v6 = flow_v6_resets();
	const struct {
		struct jbr_event event;
		const char *line;
	} rows[] = {
		{anomaly_source(), anomaly_source_line},
		{anomaly_flow(), anomaly_flow_line},
		{anomaly_no_address(), anomaly_no_address_line},
	};
	struct jbr_buffer out = {0};
	struct jbr_buffer expected = {0};

	(void)state;
	jbr_event_write_flow(&out, &v4, "sensor1", NULL);
	jbr_event_write_flow(&out, &v6, "a \"b\"", NULL);
	jbr_buffer_format(&expected, "%s%s", flow_v4_line, flow_v6_resets_line);
	for (size_t i = 0; i < JBR_COUNT_OF(rows); i++) {
		jbr_event_write_anomaly(&out, &rows[i].event, "s", NULL);
		jbr_buffer_format(&expected, "%s", rows[i].line);
	}
	jbr_buffer_append(&out, "", 1);
	jbr_buffer_append(&expected, "", 1);
	assert_false(out.failed || expected.failed);
	assert_string_equal(out.data, expected.data);
	jbr_buffer_fini(&out);
	jbr_buffer_fini(&expected);
}

static void
write_hostile(struct jbr_buffer *out)
{
	static const char history[] = "a\"b\\c\n\x01\x7f\xff\xc3(\xf0\x9f\x98\x80}],{";
	struct jbr_flow_record record = flow_v4();

	memset(record.history, 0, sizeof(record.history));
	memcpy(record.history, history, sizeof(history) - 1);
	jbr_event_write_flow(out, &record, "h\"\xff", NULL);
}

static void
hostile_history(void **state)
{
	struct jbr_buffer out = {0};

	(void)state;
	write_hostile(&out);
	jbr_buffer_append(&out, "", 1);
	assert_false(out.failed);
	assert_non_null(strstr(out.data,
		"\"history\":\"a\\\"b\\\\c\\n\\u0001\\u007f\xef\xbf\xbd\xef\xbf\xbd("
		"\xf0\x9f\x98\x80}],{\",\"outcome\""));
	assert_non_null(strstr(out.data, "\"host\":\"h\\\"\xef\xbf\xbd\",\"flow\""));
	assert_ptr_equal(strchr(out.data, '\n'), out.data + out.length - 2);
	jbr_buffer_fini(&out);
}

/* Numbers beyond every table: the line stays whole, and nothing is read that is not there. */
static void
write_out_of_range(struct jbr_buffer *out)
{
	struct jbr_flow_record record;
	struct jbr_event event;

	memset(&record, 0xff, sizeof(record));
	record.tuple.ip_version = 6;
	for (unsigned i = 0; i < JBR_RECORD_RESETS_MAX; i++)
		record.resets[i].is_expected_known = true;
	jbr_event_write_flow(out, &record, "s", NULL);
	memset(&event, 0xff, sizeof(event));
	event.finding.anomaly = JBR_ANOM_COUNT - 1;
	event.finding.tuple.ip_version = 6;
	event.finding.is_expected_known = true;
	jbr_event_write_anomaly(out, &event, "s", NULL);
}

static void
out_of_range(void **state)
{
	static const char *const parts[] = {
		"\"timestamp\":\"2554-07-21T23:34:33.709551+0000\"",
		"\"flow_id\":18446744073709551615",
		"\"state\":\"new\",\"reason\":\"unknown\"",
		"\"conn_state\":\"OTH\"",
		"\"outcome\":\"OTH\",\"end_reason\":\"unknown\"",
		"\"state\":{\"originator\":\"invalid\",\"responder\":\"invalid\"}",
		"\"resets_count\":4294967295",
		"\"by\":\"unknown\",\"cause\":\"unclassified\"",
		"\"tests\":[\"D1\",\"D2\",\"D3\",\"D4\",\"D5\",\"D6\",\"D7\",\"D8\",\"D9\"]",
		"\"count\":18446744073709551615",
	};
	struct jbr_event none = anomaly_source();
	struct jbr_buffer out = {0};

	(void)state;
	none.finding.anomaly = JBR_ANOM_NONE;
	jbr_event_write_anomaly(&out, &none, "s", NULL);
	assert_int_equal(out.length, 0);
	write_out_of_range(&out);
	jbr_buffer_append(&out, "", 1);
	assert_false(out.failed);
	for (size_t i = 0; i < JBR_COUNT_OF(parts); i++)
		if (strstr(out.data, parts[i]) == NULL)
			fail_msg("no %s in %s", parts[i], out.data);
	jbr_buffer_fini(&out);
}

/* EVE's words for how a connection stands and why its record was written. */
static void
eve_words(void **state)
{
	static const struct {
		uint8_t state;
		uint8_t end_reason;
		const char *text;
	} rows[] = {
		{JBR_TCP_STATE_SYN_SENT, JBR_END_TIMEOUT,
			"\"state\":\"new\",\"reason\":\"timeout\""},
		{JBR_TCP_STATE_SYN_RECEIVED, JBR_END_EVICTED,
			"\"state\":\"new\",\"reason\":\"forced\""},
		{JBR_TCP_STATE_ESTABLISHED, JBR_END_CAPTURE,
			"\"state\":\"established\",\"reason\":\"shutdown\""},
		{JBR_TCP_STATE_MIDSTREAM, JBR_END_REUSE,
			"\"state\":\"established\",\"reason\":\"tcp_reuse\""},
		{JBR_TCP_STATE_FIN_BOTH, JBR_END_TIMEOUT,
			"\"state\":\"established\",\"reason\":\"timeout\""},
		{JBR_TCP_STATE_FIN_BOTH_O_ACKED, JBR_END_TIMEOUT,
			"\"state\":\"closed\",\"reason\":\"timeout\""},
		{JBR_TCP_STATE_RESET, JBR_END_TIMEOUT,
			"\"state\":\"closed\",\"reason\":\"timeout\""},
	};

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(rows); i++) {
		struct jbr_flow_record record = flow_v4();
		struct jbr_buffer out = {0};

		record.state = rows[i].state;
		record.end_reason = rows[i].end_reason;
		jbr_event_write_flow(&out, &record, "s", NULL);
		jbr_buffer_append(&out, "", 1);
		assert_false(out.failed);
		if (strstr(out.data, rows[i].text) == NULL)
			fail_msg("no %s in %s", rows[i].text, out.data);
		jbr_buffer_fini(&out);
	}
}

static void
confidences(void **state)
{
	static const struct {
		const char *name;
		unsigned anomaly;
		uint16_t trust;
		unsigned hundredths;
	} rows[] = {
		{"no flag", JBR_ANOM_SYNACK_UNSOLICITED, 0, 100},
		{"a flag no trap means", JBR_ANOM_SYNACK_UNSOLICITED, JBR_TRUST_BAD_CHECKSUM, 100},
		{"one", JBR_ANOM_SYNACK_UNSOLICITED, JBR_TRUST_ONE_WAY, 80},
		{"two", JBR_ANOM_SYNACK_UNSOLICITED, JBR_TRUST_ONE_WAY | JBR_TRUST_LOSSY, 60},
		{"all", JBR_ANOM_SYNACK_UNSOLICITED, 0xff, 40},
		{"offload", JBR_ANOM_TCP_BAD_CHECKSUM, JBR_TRUST_BAD_CHECKSUM, 80},
		{"reordering", JBR_ANOM_DATA_AFTER_FIN, JBR_TRUST_CLOCK | JBR_TRUST_DUPLICATED, 60},
		{"the close passed unseen", JBR_ANOM_SYN_ON_ESTABLISHED, JBR_TRUST_LOSSY, 80},
		{"another word", JBR_ANOM_IP_BAD_FRAG_BITS, 0xff, 100},
		{"no traps", JBR_ANOM_TCP_SYN_FIN, 0xff, 100},
		{"no row", JBR_ANOM_NONE, 0xff, 100},
	};

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(rows); i++) {
		unsigned hundredths = jbr_event_confidence(rows[i].anomaly, rows[i].trust);

		if (hundredths != rows[i].hundredths)
			fail_msg("%s: %u", rows[i].name, hundredths);
	}
	for (unsigned i = 0; i < JBR_ANOM_COUNT; i++) {
		unsigned least = jbr_event_confidence(i, UINT16_MAX);

		assert_in_range(least, 10, 100);
		assert_int_equal(least < 100, jbr_event_traps(i) != 0);
	}
}

/* The numbers a summary names. */
static void
summaries(void **state)
{
	static const struct {
		unsigned anomaly;
		uint16_t value;
		uint64_t count;
		uint64_t span_ns;
		const char *end;
	} rows[] = {
		{JBR_ANOM_TCP_MSS_TINY, 48, 1, 0, "198.51.100.2:80, MSS 48, once"},
		{JBR_ANOM_IP_LOW_TTL, 1, 1, 0, "198.51.100.2:80, TTL 1, once"},
		{JBR_ANOM_TCP_OPT_UNKNOWN, 200, 1, 0, "198.51.100.2:80, option kind 200, once"},
		{JBR_ANOM_TCP_OPT_WSCALE_EXCESS, 15, 1, 0, "198.51.100.2:80, shift 15, once"},
		{JBR_ANOM_TCP_NULL_FLAGS, 0, 2, 0, "198.51.100.2:80, 2 times in 0 ms"},
		{JBR_ANOM_TCP_NULL_FLAGS, 0, 2, 999999999, "198.51.100.2:80, 2 times in 999 ms"},
		{JBR_ANOM_TCP_NULL_FLAGS, 0, 9, 1000000000, "198.51.100.2:80, 9 times in 1.0 s"},
		{JBR_ANOM_TCP_NULL_FLAGS, 0, 9, UINT64_C(59990000000),
			"198.51.100.2:80, 9 times in 59.9 s"},
	};

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(rows); i++) {
		struct jbr_event event = anomaly_source();
		struct jbr_buffer out = {0};
		char expected[128];

		event.finding.anomaly = (uint16_t)rows[i].anomaly;
		event.finding.value = rows[i].value;
		event.count = rows[i].count;
		event.last_ns = event.first_ns + rows[i].span_ns;
		jbr_event_write_anomaly(&out, &event, "s", NULL);
		jbr_buffer_append(&out, "", 1);
		assert_false(out.failed);
		snprintf(expected, sizeof(expected), "%s\",\"evidence\"", rows[i].end);
		if (strstr(out.data, expected) == NULL)
			fail_msg("no %s in %s", expected, out.data);
		jbr_buffer_fini(&out);
	}
}

static int
print_lines(void)
{
	const struct jbr_event events[] = {anomaly_source(), anomaly_flow(), anomaly_no_address()};
	const struct jbr_flow_record records[] = {flow_v4(), flow_v6_resets()};
	struct jbr_buffer out = {0};

	for (size_t i = 0; i < JBR_COUNT_OF(events); i++)
		jbr_event_write_anomaly(&out, &events[i], "s", NULL);
	for (size_t i = 0; i < JBR_COUNT_OF(records); i++)
		jbr_event_write_flow(&out, &records[i], "s", NULL);
	for (unsigned i = 0; i < JBR_ANOM_COUNT; i++) {
		struct jbr_event event = anomaly_source();

		event.finding.anomaly = (uint16_t)i;
		jbr_event_write_anomaly(&out, &event, "s", NULL);
	}
	for (unsigned i = 0; i < JBR_OUTCOME_COUNT * JBR_TCP_STATE_COUNT; i++) {
		struct jbr_flow_record record = flow_v6_resets();

		record.outcome = (uint8_t)(i % JBR_OUTCOME_COUNT);
		record.conn_state = (uint8_t)(i % JBR_OUTCOME_ZEEK_COUNT);
		record.state = (uint8_t)(i / JBR_OUTCOME_COUNT);
		record.end_reason = (uint8_t)(i % JBR_END_COUNT);
		record.resets[0].cause = (uint8_t)(i % JBR_RESET_COUNT);
		record.trust = (uint16_t)(i & UINT8_MAX);
		jbr_event_write_flow(&out, &record, "s", NULL);
	}
	write_hostile(&out);
	if (!out.failed)
		fwrite(out.data, 1, out.length, stdout);
	jbr_buffer_fini(&out);
	return out.failed || fflush(stdout) != 0;
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),
		cmocka_unit_test(hostile_history),
		cmocka_unit_test(out_of_range),
		cmocka_unit_test(eve_words),
		cmocka_unit_test(confidences),
		cmocka_unit_test(summaries),
	};

	if (argc == 2 && strcmp(argv[1], "--lines") == 0)
		return print_lines();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
