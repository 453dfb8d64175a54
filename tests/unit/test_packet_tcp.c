/* SPDX-License-Identifier: BSD-3-Clause */
#include "packet_expect.h"

/* The TCP header and its options, and what holds for every frame however it was cut or spoiled. */

static void
test_fields(void **state)
{
	static struct builder built;
	struct builder_options options = {0};
	const struct builder_tcp tcp = {
		.src_port = 0xa1b2,
		.dst_port = 443,
		.seq = 0xfedcba98,
		.ack = 0x89abcdef,
		.flags = 0xfd7,
		.window = 0xfffe,
		.urgent = 0x1234,
		.options = &options,
	};
	struct jbr_frame frame;
	struct jbr_packet packet;

	(void)state;
	builder_option_mss(&options, 1460);
	expect_begin(&built);
	builder_tcp(&built, &tcp);
	builder_bytes(&built, "abc", 3);
	builder_finish(&built);
	frame = expect_frame(&built);
	packet = expect_parse(&frame);
	expect_outcome("fields", &packet, "tcp");
	assert_int_equal(packet.src_port, 0xa1b2);
	assert_int_equal(packet.dst_port, 443);
	assert_int_equal(packet.seq, 0xfedcba98);
	assert_int_equal(packet.ack, 0x89abcdef);
	assert_int_equal(packet.flags, 0xfd7);
	assert_int_equal(packet.window, 0xfffe);
	assert_int_equal(packet.urgent, 0x1234);
	assert_int_equal(packet.tcp_checksum, jbr_load_be16(packet.tcp + 16));
	assert_int_equal(packet.tcp_header_length, 24);
	assert_int_equal(packet.payload_length, 3);
	assert_memory_equal(packet.payload, "abc", 3);
}

/* Data offset against what the datagram holds: 20 bytes of header, 10 of payload. */
static void
test_data_offset(void **state)
{
	static const char *const expected[16] = {
		[0 ... 4] = "malformed_tcp: tcp_bad_hdr_len",
		[5 ... 7] = "tcp",
		[8 ... 15] = "malformed_tcp: tcp_bad_hdr_len",
	};
	static struct builder built;
	char name[32];

	(void)state;
	for (uint8_t offset = 0; offset < 16; offset++) {
		struct jbr_frame frame;
		struct jbr_packet packet;

		expect_begin(&built);
		builder_tcp(&built,
			&(struct builder_tcp){.src_port = 1,
				.dst_port = 2,
				.flags = BUILDER_ACK,
				.data_offset = offset,
				.keep = BUILDER_HEADER});
		builder_bytes(&built, NULL, 10);
		builder_finish(&built);
		frame = expect_frame(&built);
		packet = expect_parse(&frame);
		snprintf(name, sizeof(name), "data offset %u", offset);
		expect_outcome(name, &packet, expected[offset]);
		if (packet.kind == JBR_PACKET_TCP)
			assert_int_equal(packet.payload_length, 30 - 4 * offset);
	}
}

struct option_row {
	const char *name;
	const char *bytes;
	uint8_t length;
	const char *expected;
	uint16_t options;
};

static const struct option_row option_rows[] = {
	{"end of list", "\0\0\0\0", 4, "tcp", 0},
	{"bytes after the end", "\0\0\1\0", 4, "tcp: tcp_opt_padding_abuse", 0},
	{"an option after the end", "\0\2\4\5\xb4\0\0\0", 8, "tcp: tcp_opt_padding_abuse", 0},
	{"three NOPs", "\1\1\1\0", 4, "tcp", 0},
	{"four NOPs", "\1\1\1\1", 4, "tcp: tcp_opt_padding_abuse", 0},
	{"four NOPs, not in a row", "\1\1\4\2\1\1\0\0", 8, "tcp", JBR_OPT_SACK_OK},
	{"MSS", "\2\4\5\xb4", 4, "tcp", JBR_OPT_MSS},
	{"MSS of 3 bytes", "\2\3\5\0", 4, "tcp: tcp_opt_bad_len", 0},
	{"MSS of 5 bytes", "\2\5\5\xb4\0\0\0\0", 8, "tcp: tcp_opt_bad_len", 0},
	{"MSS past the end", "\1\2\4\5", 4, "tcp: tcp_opt_bad_len", 0},
	{"length 0", "\2\0\5\xb4", 4, "tcp: tcp_opt_bad_len", 0},
	{"length 1", "\2\1\5\xb4", 4, "tcp: tcp_opt_bad_len", 0},
	{"kind without length", "\1\1\1\2", 4, "tcp: tcp_opt_bad_len", 0},
	{"an option after a wrong one", "\2\3\5\3\3\7\0\0", 8, "tcp: tcp_opt_bad_len",
		JBR_OPT_WSCALE},
	{"window scale 14", "\3\3\16\0", 4, "tcp", JBR_OPT_WSCALE},
	{"window scale 15", "\3\3\17\0", 4, "tcp: tcp_opt_wscale_excess", JBR_OPT_WSCALE},
	{"window scale of 2 bytes", "\3\2\0\0", 4, "tcp: tcp_opt_bad_len", 0},
	{"SACK permitted", "\4\2\0\0", 4, "tcp", JBR_OPT_SACK_OK},
	{"SACK permitted of 3 bytes", "\4\3\0\0", 4, "tcp: tcp_opt_bad_len", 0},
	{"SACK without blocks", "\5\2\0\0", 4, "tcp: tcp_opt_bad_len", 0},
	{"SACK of one block and a half", "\5\16\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16,
		"tcp: tcp_opt_bad_len", 0},
	{"SACK, one block", "\5\12\0\0\0\1\0\0\0\2\0\0", 12, "tcp", JBR_OPT_SACK},
	{"timestamp", "\1\1\10\12\0\0\0\1\0\0\0\2", 12, "tcp", JBR_OPT_TIMESTAMP},
	{"timestamp, not padded as usual", "\10\12\0\0\0\1\0\0\0\2\0\0", 12, "tcp",
		JBR_OPT_TIMESTAMP},
	{"timestamp of 9 bytes", "\1\1\1\10\11\0\0\0\1\0\0\0", 12, "tcp: tcp_opt_bad_len", 0},
	{"Fast Open request", "\42\2\0\0", 4, "tcp", JBR_OPT_FAST_OPEN},
	{"Fast Open, 8 bytes", "\42\12\1\2\3\4\5\6\7\10\0\0", 12, "tcp", JBR_OPT_FAST_OPEN},
	{"Fast Open, 2 bytes", "\42\4\1\2", 4, "tcp: tcp_opt_bad_len", 0},
	{"Fast Open, 4 bytes", "\42\6\1\2\3\4\0\0", 8, "tcp", JBR_OPT_FAST_OPEN},
	{"Fast Open, 3 bytes", "\42\5\1\2\3\0\0\0", 8, "tcp: tcp_opt_bad_len", 0},
	{"experimental Fast Open", "\376\4\xf9\x89", 4, "tcp", JBR_OPT_FAST_OPEN},
	{"another experiment", "\376\4\x12\x34", 4, "tcp", JBR_OPT_OTHER},
	{"an experiment twice", "\375\4\x12\x34\375\4\x12\x35", 8, "tcp", JBR_OPT_OTHER},
	{"MD5", "\23\22\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20\0\0", 20, "tcp", JBR_OPT_MD5},
	{"MD5 of 16 bytes", "\23\20\1\2\3\4\5\6\7\10\11\12\13\14\15\16", 16, "tcp: tcp_opt_bad_len",
		0},
	{"authentication", "\35\20\1\2\3\4\5\6\7\10\11\12\13\14\15\16", 16, "tcp", JBR_OPT_AO},
	{"MPTCP", "\36\4\x80\0", 4, "tcp", JBR_OPT_MPTCP},
	{"MPTCP twice", "\36\4\x80\0\36\4\x20\0", 8, "tcp", JBR_OPT_MPTCP},
	{"MSS twice", "\2\4\5\xb4\2\4\2\x18", 8, "tcp: tcp_opt_duplicate", JBR_OPT_MSS},
	{"timestamp twice", "\10\12\0\0\0\1\0\0\0\2\10\12\0\0\0\1\0\0\0\2", 20,
		"tcp: tcp_opt_duplicate", JBR_OPT_TIMESTAMP},
	{"user timeout", "\34\4\x80\1", 4, "tcp", JBR_OPT_OTHER},
	{"kind 31, not assigned", "\37\4\0\0", 4, "tcp: tcp_opt_unknown", JBR_OPT_OTHER},
	{"kind 255, not assigned", "\377\2\0\0", 4, "tcp: tcp_opt_unknown", JBR_OPT_OTHER},
	{"kind 27, quick start", "\33\10\0\0\0\0\0\0", 8, "tcp", JBR_OPT_OTHER},
	{"kind 6, echo", "\6\6\0\0\0\1\0\0", 8, "tcp: tcp_opt_obsolete", JBR_OPT_OTHER},
	{"kind 14, alternate checksum", "\16\3\1\0", 4, "tcp: tcp_opt_obsolete", JBR_OPT_OTHER},
	{"kind 26", "\32\2\0\0", 4, "tcp: tcp_opt_obsolete", JBR_OPT_OTHER},
	{"as a SYN has them", "\2\4\5\xb4\4\2\10\12\0\0\0\1\0\0\0\0\1\3\3\7", 20, "tcp",
		JBR_OPT_MSS | JBR_OPT_SACK_OK | JBR_OPT_TIMESTAMP | JBR_OPT_WSCALE},
};

static void
build_options(struct builder *built, const char *bytes, uint8_t length, size_t payload)
{
	struct builder_options options = {.length = length};

	memcpy(options.bytes, bytes, length);
	expect_begin(built);
	builder_tcp(built,
		&(struct builder_tcp){.src_port = 1,
			.dst_port = 2,
			.flags = BUILDER_ACK,
			.options = &options});
	builder_bytes(built, NULL, payload);
	builder_finish(built);
}

static void
test_options(void **state)
{
	static struct builder built;

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(option_rows); i++) {
		const struct option_row *row = &option_rows[i];
		struct jbr_frame frame;
		struct jbr_packet packet;

		build_options(&built, row->bytes, row->length, 5);
		frame = expect_frame(&built);
		packet = expect_parse(&frame);
		expect_outcome(row->name, &packet, row->expected);
		if (packet.options != row->options)
			fail_msg("%s: options %#x", row->name, packet.options);
		assert_int_equal(packet.payload_length, 5);
	}
}

static void
test_option_values(void **state)
{
	static struct builder built;
	static const uint32_t edges[8] = {10, 20, 30, 40, 50, 60, 0xfffffff0, 5};
	struct builder_options options = {0};
	struct jbr_frame frame;
	struct jbr_packet packet;

	(void)state;
	builder_option_sack(&options, edges, 4);
	build_options(&built, (const char *)options.bytes, options.length, 0);
	frame = expect_frame(&built);
	packet = expect_parse(&frame);
	assert_int_equal(packet.sack_count, 4);
	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(packet.sack_left[i], edges[2 * i]);
		assert_int_equal(packet.sack_right[i], edges[2 * i + 1]);
	}
	options = (struct builder_options){0};
	builder_option_mss(&options, 0xfedc);
	builder_option_wscale(&options, 200);
	builder_option_timestamp(&options, 0x89abcdef, 0x12345678);
	builder_option_mptcp(&options, 8, 4);
	build_options(&built, (const char *)options.bytes, options.length, 0);
	frame = expect_frame(&built);
	packet = expect_parse(&frame);
	expect_outcome("values", &packet, "tcp: tcp_opt_wscale_excess");
	assert_int_equal(packet.mss, 0xfedc);
	assert_int_equal(packet.wscale, 14);
	assert_int_equal(packet.ts_value, 0x89abcdef);
	assert_int_equal(packet.ts_echo, 0x12345678);
	assert_int_equal(packet.mptcp_subtype, 8);
	builder_option_timestamp(&options, 1, 2);
	assert_false(options.failed);
	/* the usual form, which may be read on another path, gives the same */
	build_options(&built, "\1\1\10\12\x89\xab\xcd\xef\x12\x34\x56\x78", 12, 0);
	frame = expect_frame(&built);
	packet = expect_parse(&frame);
	assert_int_equal(packet.ts_value, 0x89abcdef);
	assert_int_equal(packet.ts_echo, 0x12345678);
	assert_int_equal(packet.options, JBR_OPT_TIMESTAMP);
}

/* Options that the snap length cut: what is whole is read, what is not is no anomaly. */
static void
test_cut_options(void **state)
{
	static struct builder built;
	struct jbr_packet packet;

	(void)state;
	build_options(&built, "\2\4\5\xb4\4\2\10\12\0\0\0\1\0\0\0\0\1\3\3\7", 20, 30);
	for (uint32_t captured = 54; captured < built.length; captured++) {
		struct jbr_frame frame = expect_frame(&built);
		uint16_t expected = captured < 74 ? JBR_OPT_TRUNCATED : 0;

		frame.captured = captured;
		frame.data = expect_guarded(built.data, captured);
		packet = expect_parse(&frame);
		expect_outcome("cut options", &packet, "tcp");
		expect_sane(&packet, &frame);
		expected |= captured >= 58 ? JBR_OPT_MSS : 0;
		expected |= captured >= 60 ? JBR_OPT_SACK_OK : 0;
		expected |= captured >= 70 ? JBR_OPT_TIMESTAMP : 0;
		expected |= captured >= 74 ? JBR_OPT_WSCALE : 0;
		assert_int_equal(packet.options, expected);
		assert_int_equal(packet.payload_length, 30);
		assert_int_equal(packet.payload_captured, captured < 74 ? 0 : captured - 74);
		assert_int_equal(packet.checksum, JBR_CHECKSUM_UNKNOWN);
	}
}

typedef void shape(struct builder *frame);

static void
shape_plain(struct builder *frame)
{
	expect_begin(frame);
}

static void
shape_deep(struct builder *frame)
{
	builder_init(frame);
	builder_ethernet(frame, NULL, NULL);
	builder_vlan(frame, 0x88a8, 1);
	builder_mpls(frame, 16, 64);
	builder_ip(frame, "2001:db8::3", "2001:db8::4");
	builder_ipv6_extension(frame, BUILDER_HOP_BY_HOP, "\1\4\0\0\0\0", 6);
	builder_gre(frame, &(struct builder_gre){.has_sequence = true});
	builder_erspan(frame, 3, 1, 2);
	builder_ethernet(frame, NULL, NULL);
	builder_ip(frame, "192.0.2.1", "198.51.100.1");
}

static void
shape_udp(struct builder *frame)
{
	builder_init(frame);
	builder_ethernet(frame, NULL, NULL);
	builder_pppoe(frame, 1);
	builder_ip(frame, "203.0.113.1", "203.0.113.2");
	builder_udp(frame, 50000, 6081);
	builder_geneve(frame, 1, "\1\2\3\1\0\0\0\0", 8);
	builder_ethernet(frame, NULL, NULL);
	builder_ip(frame, "203.0.113.1", "203.0.113.2");
	builder_udp(frame, 2152, 2152);
	builder_gtpu(frame, 255, 1, true);
	builder_ip(frame, "2001:db8::1", "2001:db8::2");
}

static void
shape_teredo(struct builder *frame)
{
	expect_begin(frame);
	builder_udp(frame, 50000, 3544);
	builder_teredo_authentication(frame);
	builder_teredo_origin(frame);
	builder_ip(frame, "2001:db8::1", "2001:db8::2");
}

static void
shape_pseudowire(struct builder *frame)
{
	builder_init(frame);
	builder_ethernet(frame, NULL, NULL);
	builder_mpls(frame, 16, 64);
	builder_bytes(frame, NULL, 4);
	builder_ethernet(frame, NULL, NULL);
	builder_ipv4(frame,
		&(struct builder_ipv4){.src = builder_address("192.0.2.1"),
			.dst = builder_address("198.51.100.1"),
			.options = "\1\1\1",
			.options_length = 4});
}

static shape *const shapes[] = {shape_plain, shape_deep, shape_udp, shape_teredo, shape_pseudowire};

/* The snap length may cut anywhere: nothing is called broken for it, no finding comes out that the
 * whole frame has not, nothing behind the cut is read (there is an unreadable page). */
static void
test_cut_anywhere(void **state)
{
	static struct builder built;

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(shapes); i++) {
		struct jbr_packet whole;
		struct jbr_frame frame;

		shapes[i](&built);
		expect_end(&built, 40);
		frame = expect_frame(&built);
		whole = expect_parse(&frame);
		assert_int_equal(whole.kind, JBR_PACKET_TCP);
		for (uint32_t captured = 0; captured <= built.length; captured++) {
			struct jbr_packet packet;
			bool is_tcp = captured >= built.tcp_at + 20;

			frame.captured = captured;
			frame.data = expect_guarded(built.data, captured);
			packet = expect_parse(&frame);
			expect_sane(&packet, &frame);
			assert_int_equal(packet.kind == JBR_PACKET_TCP, is_tcp);
			/* what is UDP so far may or may not be a tunnel */
			if (!is_tcp && packet.reason != JBR_NOT_ANALYSED_UDP)
				assert_int_equal(packet.reason, JBR_NOT_ANALYSED_SNAP_LENGTH);
			for (unsigned n = 0; n < packet.findings_count; n++)
				assert_int_equal(packet.findings[n], whole.findings[n]);
			if (is_tcp)
				assert_int_equal(packet.payload_length, 40);
		}
	}
}

/* Frames with spoiled bytes: whatever comes out is sane, and the same again. */
static void
test_spoiled(void **state)
{
	static struct builder built;
	uint64_t random = 88172645463325252;
	unsigned segments = 0;

	(void)state;
	for (unsigned round = 0; round < 200000; round++) {
		struct jbr_frame frame;
		struct jbr_packet packet;
		struct jbr_packet again;
		unsigned changes = 1 + round % 4;

		if (round % 16 == 0) {
			shapes[round / 16 % JBR_COUNT_OF(shapes)](&built);
			expect_end(&built, 40);
		}
		while (changes-- > 0) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			built.data[(random >> 32) % built.length] = (uint8_t)random;
		}
		frame = expect_frame(&built);
		frame.captured = round % 3 == 0 ? (uint32_t)(random >> 8) % built.length
						: built.length;
		frame.data = expect_guarded(built.data, frame.captured);
		frame.link = (uint8_t)(random >> 60) < 10 ? JBR_LINK_ETHERNET : (random >> 60) % 7;
		packet = expect_parse(&frame);
		expect_sane(&packet, &frame);
		again = expect_parse(&frame);
		assert_memory_equal(&packet, &again, sizeof(packet));
		segments += packet.kind == JBR_PACKET_TCP;
	}
	assert_in_range(segments, 10000,
		190000); /* else the frames are spoiled too little or too much */
}

/* More findings than fit: the first ones stay, none twice. */
static void
test_findings(void **state)
{
	struct jbr_packet packet = {0};

	(void)state;
	for (unsigned round = 0; round < 2; round++)
		for (unsigned anomaly = 0; anomaly < JBR_PACKET_FINDINGS_MAX + 3; anomaly++)
			jbr_packet_find(&packet, (enum jbr_anomaly)anomaly);
	assert_int_equal(packet.findings_count, JBR_PACKET_FINDINGS_MAX);
	for (unsigned i = 0; i < JBR_PACKET_FINDINGS_MAX; i++)
		assert_int_equal(packet.findings[i], i);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_data_offset),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_option_values),
		cmocka_unit_test(test_cut_options),
		cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_spoiled),
		cmocka_unit_test(test_findings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
