/* SPDX-License-Identifier: BSD-3-Clause */
#include "packet_expect.h"

/* IPv4 and IPv6 headers, fragments, ICMP errors: each finding with a near miss beside it. */

struct ipv4_row {
	const char *name;
	struct builder_ipv4 ip;
	const char *expected;
	uint16_t payload; /* bytes of TCP payload */
};

static const uint8_t record_route[40] = {7, 39, 4};

static const struct ipv4_row ipv4_rows[] = {
	{"plain", {.id = 7}, "tcp", 10},
	{"version 5", {.keep = BUILDER_VERSION, .version = 5}, "malformed_ip: ip_bad_version", 10},
	{"version 6 under EtherType IPv4", {.keep = BUILDER_VERSION, .version = 6},
		"malformed_ip: ip_bad_version", 40},
	{"header of 16 bytes", {.keep = BUILDER_HEADER, .ihl = 4}, "malformed_ip: ip_bad_hdr_len",
		10},
	{"header of 0 bytes", {.keep = BUILDER_HEADER, .ihl = 0}, "malformed_ip: ip_bad_hdr_len",
		10},
	{"header longer than the datagram", {.keep = BUILDER_LENGTH, .total_length = 19},
		"malformed_ip: ip_bad_hdr_len", 10},
	{"nothing but a header", {.keep = BUILDER_LENGTH, .total_length = 20},
		"malformed_tcp: tcp_bad_hdr_len", 10},
	{"19 bytes of TCP", {.keep = BUILDER_LENGTH, .total_length = 39},
		"malformed_tcp: tcp_bad_hdr_len", 10},
	{"20 bytes of TCP, then a trailer", {.keep = BUILDER_LENGTH, .total_length = 40},
		"tcp: tcp_bad_checksum", 10},
	{"one byte more than there is", {.keep = BUILDER_LENGTH, .total_length = 51},
		"tcp: ip_truncated", 10},
	{"as many bytes as there are", {.keep = BUILDER_LENGTH, .total_length = 50}, "tcp", 10},
	{"wrong checksum", {.keep = BUILDER_CHECKSUM_WRONG}, "tcp: ip_bad_checksum", 10},
	{"checksum 0", {.keep = BUILDER_CHECKSUM, .checksum = 0}, "tcp: ip_bad_checksum", 10},
	{"options", {.options = "\x01\x01\x01\x00", .options_length = 4}, "tcp: ip_options_on_tcp",
		10},
	{"40 bytes of options", {.options = record_route, .options_length = 40},
		"tcp: ip_options_on_tcp", 10},
	{"DF", {.do_not_fragment = true}, "tcp", 10},
	{"reserved flag", {.reserved_flag = true}, "tcp: ip_bad_frag_bits", 10},
	{"DF and MF", {.do_not_fragment = true, .more_fragments = true}, "tcp: ip_bad_frag_bits",
		12},
	{"DF and an offset", {.do_not_fragment = true, .fragment_offset = 64},
		"fragment: ip_bad_frag_bits", 12},
	{"first fragment", {.more_fragments = true}, "tcp", 12},
	{"first fragment of 30 bytes", {.more_fragments = true}, "tcp: ip_frag_size_anomaly", 10},
	{"middle fragment", {.more_fragments = true, .fragment_offset = 800}, "fragment", 12},
	{"middle fragment of 31 bytes", {.more_fragments = true, .fragment_offset = 800},
		"fragment: ip_frag_size_anomaly", 11},
	{"last fragment of 31 bytes", {.fragment_offset = 800}, "fragment", 11},
	{"last fragment without data",
		{.fragment_offset = 800, .keep = BUILDER_LENGTH, .total_length = 20},
		"fragment: ip_frag_size_anomaly", 11},
	{"ends at 65,535", {.fragment_offset = 65480}, "fragment", 15},
	{"ends at 65,536", {.fragment_offset = 65480}, "fragment: ip_frag_size_anomaly", 16},
	{"offset 8", {.fragment_offset = 8}, "fragment: tcp_tiny_fragment", 12},
	{"offset 16", {.fragment_offset = 16}, "fragment", 12},
	{"first fragment with 16 bytes of TCP",
		{.more_fragments = true, .keep = BUILDER_LENGTH, .total_length = 36},
		"tiny_fragment: tcp_tiny_fragment", 12},
	{"first fragment with 24 bytes of TCP",
		{.more_fragments = true, .keep = BUILDER_LENGTH, .total_length = 44}, "tcp", 12},
	{"length 0: segmentation offload", {.keep = BUILDER_LENGTH, .total_length = 0}, "tcp",
		3000},
	{"protocol 0", {.keep = BUILDER_TYPE, .protocol = 0}, "other_protocol", 10},
	{"SCTP", {.keep = BUILDER_TYPE, .protocol = 132}, "other_protocol", 10},
	{"ICMPv6 in IPv4", {.keep = BUILDER_TYPE, .protocol = 58}, "other_protocol", 10},
	{"UDP", {.keep = BUILDER_TYPE, .protocol = 17}, "udp", 10},
	{"fragment of UDP at offset 8",
		{.fragment_offset = 8, .keep = BUILDER_TYPE, .protocol = 17}, "fragment", 12},
	{"options on UDP",
		{.options = "\1\1\1", .options_length = 4, .keep = BUILDER_TYPE, .protocol = 17},
		"udp", 10},
};

static void
test_ipv4(void **state)
{
	static struct builder built;

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(ipv4_rows); i++) {
		const struct ipv4_row *row = &ipv4_rows[i];
		struct builder_ipv4 ip = row->ip;
		struct jbr_frame frame;
		struct jbr_packet packet;

		ip.src = builder_address("192.0.2.1");
		ip.dst = builder_address("198.51.100.1");
		builder_init(&built);
		builder_ethernet(&built, NULL, NULL);
		builder_ipv4(&built, &ip);
		expect_end(&built, row->payload);
		frame = expect_frame(&built);
		packet = expect_parse(&frame);
		expect_outcome(row->name, &packet, row->expected);
		expect_sane(&packet, &frame);
	}
}

static void
test_ipv4_fields(void **state)
{
	static struct builder built;
	const struct builder_ipv4 ip = {
		.src = builder_address("192.0.2.1"),
		.dst = builder_address("198.51.100.1"),
		.id = 0xabcd,
		.do_not_fragment = true,
		.tos = 0x4b,
		.ttl = 57,
	};
	union jbr_address source = {.bytes = {[10] = 0xff, [11] = 0xff, 192, 0, 2, 1}};
	struct jbr_frame frame;
	struct jbr_packet packet;

	(void)state;
	builder_init(&built);
	builder_ethernet(&built, NULL, NULL);
	builder_ipv4(&built, &ip);
	expect_end(&built, 7);
	builder_pad(&built, 200); /* a trailer is no payload */
	frame = expect_frame(&built);
	packet = expect_parse(&frame);
	expect_outcome("fields", &packet, "tcp");
	assert_memory_equal(&packet.src, &source, 16);
	assert_true(jbr_address_is_ipv4(&packet.dst));
	assert_int_equal(packet.dst.bytes[15], 1);
	assert_int_equal(packet.ip_id, 0xabcd);
	assert_int_equal(packet.dscp_ecn, 0x4b);
	assert_int_equal(packet.ttl, 57);
	assert_true(packet.ip_df);
	assert_false(packet.is_fragment);
	assert_int_equal(packet.ip_length, 47);
	assert_int_equal(packet.payload_length, 7);
	assert_int_equal(packet.payload_captured, 7);
	assert_ptr_equal(packet.ip, frame.data + 14);
	assert_ptr_equal(packet.tcp, frame.data + 34);
	assert_ptr_equal(packet.payload, frame.data + 54);
}

/* An IP length of 0 means that the segment ends where the frame does. */
static void
test_offload_length(void **state)
{
	static struct builder built;
	const struct builder_ipv4 ip = {.src = builder_address("192.0.2.1"),
		.dst = builder_address("198.51.100.1"),
		.keep = BUILDER_LENGTH};
	struct jbr_frame frame;
	struct jbr_packet packet;

	(void)state;
	builder_init(&built);
	builder_ethernet(&built, NULL, NULL);
	builder_ipv4(&built, &ip);
	expect_end(&built, 65000);
	frame = expect_frame(&built);
	frame.wire = built.length + 35000; /* and the capture cut it */
	packet = expect_parse(&frame);
	expect_outcome("length 0", &packet, "tcp");
	assert_int_equal(packet.payload_length, 100000);
	assert_int_equal(packet.payload_captured, 65000);
	assert_int_equal(packet.checksum, JBR_CHECKSUM_UNKNOWN);
}

/* An extension header of a chain; length counts what follows its first two bytes. */
struct extension {
	uint8_t protocol;
	uint8_t length;
	const char *body;
};

struct ipv6_row {
	const char *name;
	struct extension chain[10];
	const char *expected;
};

#define HOP \
	{ \
		BUILDER_HOP_BY_HOP, 6, "\1\4\0\0\0\0" \
	}
#define DESTINATION \
	{ \
		BUILDER_DESTINATION, 6, "\1\4\0\0\0\0" \
	}
#define ROUTING_2 \
	{ \
		BUILDER_ROUTING, 22, "\2\0\0\0\0\0" \
	}
#define AUTHENTICATION \
	{ \
		BUILDER_AUTHENTICATION, 22, NULL \
	}
#define FIRST_FRAGMENT \
	{ \
		BUILDER_FRAGMENT, 6, "\0\1\0\0\0\7" \
	}

static const struct ipv6_row ipv6_rows[] = {
	{"no extension header", {{0}}, "tcp"},
	{"hop-by-hop", {HOP}, "tcp"},
	{"hop-by-hop not first", {DESTINATION, HOP}, "tcp: ipv6_ext_hdr_anomaly"},
	{"hop-by-hop twice", {HOP, HOP}, "tcp: ipv6_ext_hdr_anomaly"},
	{"destination options twice", {DESTINATION, ROUTING_2, DESTINATION}, "tcp"},
	{"destination options three times", {DESTINATION, DESTINATION, DESTINATION},
		"tcp: ipv6_ext_hdr_anomaly"},
	{"routing type 2", {ROUTING_2}, "tcp"},
	{"routing type 0", {{BUILDER_ROUTING, 22, "\0\0\0\0\0\0"}}, "tcp: ipv6_ext_hdr_anomaly"},
	{"routing twice", {ROUTING_2, ROUTING_2}, "tcp: ipv6_ext_hdr_anomaly"},
	{"authentication", {AUTHENTICATION}, "tcp"},
	{"authentication twice", {AUTHENTICATION, AUTHENTICATION}, "tcp: ipv6_ext_hdr_anomaly"},
	{"all in order", {HOP, DESTINATION, ROUTING_2, FIRST_FRAGMENT, AUTHENTICATION, DESTINATION},
		"tcp"},
	{"first fragment", {FIRST_FRAGMENT}, "tcp"},
	{"fragment header of a whole datagram", {{BUILDER_FRAGMENT, 6, "\0\0\0\0\0\7"}},
		"tcp: ipv6_ext_hdr_anomaly"},
	{"fragment header twice", {FIRST_FRAGMENT, FIRST_FRAGMENT}, "tcp: ipv6_ext_hdr_anomaly"},
	{"later fragment", {{BUILDER_FRAGMENT, 6, "\3\x20\0\0\0\7"}}, "fragment"},
	{"later fragment at offset 8", {{BUILDER_FRAGMENT, 6, "\0\x08\0\0\0\7"}},
		"fragment: tcp_tiny_fragment"},
	{"later fragment at offset 16", {{BUILDER_FRAGMENT, 6, "\0\x10\0\0\0\7"}}, "fragment"},
	{"fragment beyond 65,535", {{BUILDER_FRAGMENT, 6, "\xff\xf8\0\0\0\7"}},
		"fragment: ip_frag_size_anomaly"},
	{"no next header", {DESTINATION, {59, 6, NULL}}, "other_protocol"},
	{"ESP", {{50, 14, NULL}}, "other_protocol"},
	{"9 headers",
		{HOP, DESTINATION, ROUTING_2, FIRST_FRAGMENT, AUTHENTICATION, DESTINATION,
			DESTINATION, DESTINATION, DESTINATION},
		"malformed_ip: ipv6_ext_hdr_anomaly"},
};

static void
build_ipv6(struct builder *built, const struct ipv6_row *row)
{
	builder_init(built);
	builder_ethernet(built, NULL, NULL);
	builder_ip(built, "2001:db8::1", "2001:db8::2");
	for (unsigned i = 0; i < 10 && row->chain[i].length > 0; i++) {
		const struct extension *extension = &row->chain[i];
		uint8_t body[32] = {0};

		if (extension->body != NULL)
			memcpy(body, extension->body, 6);
		builder_ipv6_extension(built, extension->protocol, body, extension->length);
	}
	expect_end(built, 12);
}

static void
test_ipv6(void **state)
{
	static struct builder built;

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(ipv6_rows); i++) {
		struct jbr_frame frame;
		struct jbr_packet packet;

		build_ipv6(&built, &ipv6_rows[i]);
		frame = expect_frame(&built);
		packet = expect_parse(&frame);
		expect_outcome(ipv6_rows[i].name, &packet, ipv6_rows[i].expected);
		expect_sane(&packet, &frame);
		if (packet.kind == JBR_PACKET_TCP)
			assert_int_equal(packet.payload_length, 12);
	}
}

static void
test_ipv6_fields(void **state)
{
	static const struct ipv6_row fragment = {"fragment", {FIRST_FRAGMENT}, "tcp"};
	static struct builder built;
	struct builder_address source = builder_address("2001:db8::1");
	const struct builder_ipv6 ip = {.src = source,
		.dst = builder_address("2001:db8::2"),
		.traffic_class = 0xb9,
		.flow_label = 0xfffff,
		.hop_limit = 3};
	struct jbr_frame frame;
	struct jbr_packet packet;

	(void)state;
	builder_init(&built);
	builder_ethernet(&built, NULL, NULL);
	builder_ipv6(&built, &ip);
	expect_end(&built, 5);
	builder_pad(&built, 100);
	frame = expect_frame(&built);
	packet = expect_parse(&frame);
	expect_outcome("fields", &packet, "tcp");
	assert_memory_equal(packet.src.bytes, source.bytes, 16);
	assert_int_equal(packet.dst.bytes[15], 2);
	assert_false(jbr_address_is_ipv4(&packet.src));
	assert_int_equal(packet.dscp_ecn, 0xb9);
	assert_int_equal(packet.ttl, 3);
	assert_int_equal(packet.ip_id, 0);
	assert_int_equal(packet.ip_length, 65);
	assert_int_equal(packet.payload_length, 5);
	build_ipv6(&built, &fragment);
	frame = expect_frame(&built);
	packet = expect_parse(&frame);
	assert_true(packet.is_fragment);
	assert_int_equal(packet.ip_id, 7);
}

/* Lengths of IPv6: too long, 0 with and without a jumbo option. */
static void
test_ipv6_length(void **state)
{
	static const struct {
		const char *name;
		uint16_t length;
		uint32_t jumbo; /* 0: no option */
		uint32_t payload;
		const char *expected;
		uint32_t expected_payload;
	} lengths[] = {
		{"right", 32, 0, 12, "tcp", 12},
		{"one too many", 33, 0, 12, "tcp: ip_truncated", 13},
		{"19 bytes of TCP", 19, 0, 12, "malformed_tcp: tcp_bad_hdr_len", 0},
		{"0, no option", 0, 0, 60000, "tcp", 60000},
		{"jumbo", 0, 65536, 65508, "tcp", 65508},
		{"jumbo with a trailer", 0, 65536, 65600, "tcp: tcp_bad_checksum", 65508},
		{"jumbo, 20 bytes more than there are", 0, 65536, 65488, "tcp: ip_truncated",
			65488},
		{"jumbo beyond the frame", 0, 4000000000, 65508, "tcp: ip_truncated", 65508},
	};
	static struct builder built;

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(lengths); i++) {
		uint8_t body[6] = {0xc2, 4};
		uint32_t jumbo_be = __builtin_bswap32(lengths[i].jumbo);
		struct jbr_frame frame;
		struct jbr_packet packet;

		memcpy(body + 2, &jumbo_be, 4);
		builder_init(&built);
		builder_ethernet(&built, NULL, NULL);
		builder_ipv6(&built,
			&(struct builder_ipv6){.src = builder_address("2001:db8::1"),
				.dst = builder_address("2001:db8::2"),
				.payload_length = lengths[i].length,
				.keep = BUILDER_LENGTH});
		if (lengths[i].jumbo > 0)
			builder_ipv6_extension(&built, BUILDER_HOP_BY_HOP, body, sizeof(body));
		expect_end(&built, lengths[i].payload);
		frame = expect_frame(&built);
		packet = expect_parse(&frame);
		expect_outcome(lengths[i].name, &packet, lengths[i].expected);
		if (packet.kind == JBR_PACKET_TCP)
			assert_int_equal(packet.payload_length, lengths[i].expected_payload);
	}
}

/* The connection, and the checksum, are with the last address of a routing header. */
static void
test_ipv6_routing(void **state)
{
	static struct builder built;
	struct builder_address last = builder_address("2001:db8::99");
	uint8_t body[22] = {2, 1};
	struct jbr_frame frame;
	struct jbr_packet packet;

	(void)state;
	memcpy(body + 6, last.bytes, 16);
	builder_init(&built);
	builder_ethernet(&built, NULL, NULL);
	builder_ip(&built, "2001:db8::1", "2001:db8::99"); /* for the sum */
	builder_ipv6_extension(&built, BUILDER_ROUTING, body, sizeof(body));
	expect_end(&built, 12);
	built.data[14 + 39] = 2; /* the stop it is on its way to */
	frame = expect_frame(&built);
	packet = expect_parse(&frame);
	expect_outcome("routing header", &packet, "tcp");
	assert_memory_equal(packet.dst.bytes, last.bytes, 16);
}

struct icmp_row {
	const char *name;
	const char *router;
	uint8_t type;
	uint8_t code;
	uint8_t quoted; /* bytes of the quoted packet */
	bool is_udp;
	const char *expected;
};

static const struct icmp_row icmp_rows[] = {
	{"unreachable, 28 bytes", "203.0.113.9", 3, 13, 28, false, "icmp_quote"},
	{"unreachable, 27 bytes", "203.0.113.9", 3, 13, 27, false, "icmp"},
	{"time exceeded, whole segment", "203.0.113.9", 11, 0, 50, false, "icmp_quote"},
	{"redirect", "203.0.113.9", 5, 1, 28, false, "icmp_quote"},
	{"echo reply with a packet inside", "203.0.113.9", 0, 0, 50, false, "icmp"},
	{"quoting UDP", "203.0.113.9", 3, 3, 28, true, "icmp"},
	{"ICMPv6 unreachable", "2001:db8::9", 1, 4, 48, false, "icmp_quote"},
	{"ICMPv6 too big", "2001:db8::9", 2, 0, 60, false, "icmp_quote"},
	{"ICMPv6, 47 bytes", "2001:db8::9", 1, 4, 47, false, "icmp"},
	{"ICMPv6 echo request", "2001:db8::9", 128, 0, 60, false, "icmp"},
	{"ICMPv6 quoting UDP", "2001:db8::9", 1, 4, 48, true, "icmp"},
};

static void
test_icmp(void **state)
{
	static struct builder quoted;
	static struct builder built;

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(icmp_rows); i++) {
		const struct icmp_row *row = &icmp_rows[i];
		bool is_ipv6 = strchr(row->router, ':') != NULL;
		const char *client = is_ipv6 ? "2001:db8::1" : "192.0.2.1";
		struct jbr_frame frame;
		struct jbr_packet packet;

		builder_init(&quoted);
		builder_ip(&quoted, client, is_ipv6 ? "2001:db8::2" : "198.51.100.1");
		if (row->is_udp)
			builder_udp(&quoted, 40000, 53);
		expect_end(&quoted, 10);
		builder_init(&built);
		builder_ethernet(&built, NULL, NULL);
		builder_ip(&built, row->router, client);
		builder_icmp(&built, &(struct builder_icmp){.type = row->type, .code = row->code});
		builder_quote(&built, &quoted, row->quoted);
		builder_finish(&built);
		frame = expect_frame(&built);
		packet = expect_parse(&frame);
		expect_outcome(row->name, &packet, row->expected);
		if (packet.kind != JBR_PACKET_ICMP_QUOTE)
			continue;
		assert_int_equal(packet.icmp_type, row->type);
		assert_int_equal(packet.icmp_code, row->code);
		assert_int_equal(packet.src_port, 40000);
		assert_int_equal(packet.dst_port, 80);
		assert_int_equal(packet.seq, 1000);
		assert_memory_equal(packet.src.bytes + (is_ipv6 ? 0 : 12),
			builder_address(client).bytes, is_ipv6 ? 16 : 4);
		assert_int_equal(jbr_address_is_ipv4(&packet.dst), !is_ipv6);
	}
}

/* Every cut of a datagram: the first fragment is TCP if it has the header, the others are not. */
static void
test_fragments(void **state)
{
	static struct builder whole;
	static struct builder fragment;

	(void)state;
	for (unsigned version = 4; version <= 6; version += 2) {
		builder_init(&whole);
		builder_ethernet(&whole, NULL, NULL);
		builder_ip(&whole, version == 4 ? "192.0.2.1" : "2001:db8::1",
			version == 4 ? "198.51.100.1" : "2001:db8::2");
		expect_end(&whole, 100);
		for (uint32_t cut = 8; cut < 120; cut += 8) {
			struct jbr_frame frame;
			struct jbr_packet packet;

			builder_cut_fragment(&fragment, &whole, 0, cut);
			frame = expect_frame(&fragment);
			packet = expect_parse(&frame);
			expect_outcome("first", &packet,
				cut < 20 ? "tiny_fragment: tcp_tiny_fragment" : "tcp");
			assert_int_equal(packet.kind == JBR_PACKET_TCP, fragment.tcp_at != 0);
			if (cut >= 20) {
				assert_true(packet.is_fragment);
				assert_int_equal(packet.payload_length, cut - 20);
				assert_int_equal(packet.checksum, JBR_CHECKSUM_UNKNOWN);
			}
			builder_cut_fragment(&fragment, &whole, cut, 120 - cut);
			frame = expect_frame(&fragment);
			packet = expect_parse(&frame);
			expect_outcome("last", &packet,
				cut == 8 ? "fragment: tcp_tiny_fragment" : "fragment");
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ipv4),
		cmocka_unit_test(test_ipv4_fields),
		cmocka_unit_test(test_offload_length),
		cmocka_unit_test(test_ipv6),
		cmocka_unit_test(test_ipv6_fields),
		cmocka_unit_test(test_ipv6_length),
		cmocka_unit_test(test_ipv6_routing),
		cmocka_unit_test(test_icmp),
		cmocka_unit_test(test_fragments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
