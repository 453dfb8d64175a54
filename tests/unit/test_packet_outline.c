/* SPDX-License-Identifier: BSD-3-Clause */
/* What is seen at a glance is what a whole look sees, and there is nothing else to be seen: on frames
 * that are plain, and on the same with one, two or three bytes changed. */
#include "jbr_detect.h"
#include "packet_expect.h"

enum { SPOILT = 400000, FORMS = 2 * 3 * 2, SYN_FORMS = 2 * 3 * 6 };

static uint64_t random_state = 88172645463325252;

static uint32_t
random_below(uint32_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 33) % limit;
}

/* The @p n-th plain form: IP version; no tag, a tag, tag 0; without and with timestamps. */
static void
build(struct builder *built, unsigned n, size_t payload)
{
	struct builder_options options = {0};

	builder_option_byte(&options, 1);
	builder_option_byte(&options, 1);
	builder_option_timestamp(&options, 0x01020304, 0x05060708);
	builder_init(built);
	builder_ethernet(built, NULL, NULL);
	if (n / 2 % 3 != 0)
		builder_vlan(built, 0x8100, n / 2 % 3 == 1 ? 0x2005 : 0);
	builder_ip(built, n % 2 == 0 ? "192.0.2.1" : "2001:db8::1",
		n % 2 == 0 ? "198.51.100.1" : "2001:db8::2");
	builder_tcp(built,
		&(struct builder_tcp){.src_port = 40000,
			.dst_port = 80,
			.seq = 0xfffffff0,
			.ack = 77,
			.window = 500,
			.flags = n % 3 == 0 ? BUILDER_ACK : BUILDER_ACK | BUILDER_PSH,
			.options = n / 6 % 2 == 0 ? NULL : &options});
	builder_bytes(built, NULL, payload);
	builder_finish(built);
	builder_pad(built, 60);
}

/* Options of SYNs, as stacks order them. */
static void
build_syn_options(struct builder_options *options, unsigned kind)
{
	builder_option_mss(options, 1460);
	if (kind == 0)
		return;
	if (kind == 1 || kind == 2) { /* Linux, and one with no scale */
		builder_option_sack_ok(options);
		builder_option_timestamp(options, 0x01020304, 0);
		builder_option_byte(options, 1);
		if (kind == 1)
			builder_option_wscale(options, 14);
		return;
	}
	builder_option_byte(options, 1);
	builder_option_wscale(options, 8);
	builder_option_byte(options, 1);
	builder_option_byte(options, 1);
	if (kind == 4) { /* what Apple's has, and padding */
		builder_option_timestamp(options, 0x01020304, 0);
		builder_option_sack_ok(options);
		builder_option_byte(options, 0);
	} else if (kind == 3) {
		builder_option_sack_ok(options);
	}
}

/* The @p n-th form of a SYN: IP version; no tag, a tag, tag 0; options. */
static void
build_syn(struct builder *built, unsigned n)
{
	struct builder_options options = {0};

	build_syn_options(&options, n / 6);
	builder_init(built);
	builder_ethernet(built, NULL, NULL);
	if (n / 2 % 3 != 0)
		builder_vlan(built, 0x8100, n / 2 % 3 == 1 ? 0x2005 : 0);
	builder_ip(built, n % 2 == 0 ? "192.0.2.1" : "2001:db8::1",
		n % 2 == 0 ? "198.51.100.1" : "2001:db8::2");
	builder_tcp(built,
		&(struct builder_tcp){.src_port = 40000,
			.dst_port = 80,
			.seq = 0xfffffff0,
			.window = 500,
			.flags = n % 3 == 0 ? BUILDER_SYN : BUILDER_SYN | BUILDER_ECE | BUILDER_CWR,
			.options = &options});
	builder_finish(built);
	builder_pad(built, 60);
}

/* What the outline of a SYN says beside the numbers. */
static void
expect_syn(const struct jbr_outline *outline, struct jbr_packet *packet)
{
	const struct jbr_params params = {.ip_low_ttl_floor = 5, .tcp_mss_tiny_floor = 500};
	bool has_wscale = (packet->options & JBR_OPT_WSCALE) != 0;

	assert_int_equal(packet->flags & ~(JBR_TCP_ECE | JBR_TCP_CWR), JBR_TCP_SYN);
	assert_int_equal(packet->ack, 0);
	assert_int_equal(packet->payload_length, 0);
	assert_int_not_equal(packet->window, 0);
	assert_int_not_equal(packet->checksum, JBR_CHECKSUM_BAD);
	assert_false(packet->is_fragment);
	assert_true(packet->options & JBR_OPT_MSS);
	assert_int_equal(packet->mss, outline->mss);
	assert_int_equal(has_wscale ? packet->wscale : UINT8_MAX, outline->wscale);
	assert_int_equal(packet->options &
			~(JBR_OPT_MSS | JBR_OPT_WSCALE | JBR_OPT_SACK_OK | JBR_OPT_TIMESTAMP),
		0);
	if (!jbr_detect_is_syn_quiet(&params, outline))
		return;
	jbr_detect_flags(&params, packet);
	assert_int_equal(packet->findings_count, 0);
}

/* The outline says so: then everything must agree. */
static void
expect_agreement(const struct jbr_frame *frame, const struct jbr_packet_options *options,
	const struct jbr_outline *outline)
{
	struct jbr_packet packet;
	struct jbr_glance seen;
	struct jbr_glance read;

	memset(&seen, 0, sizeof(seen));
	memset(&read, 0, sizeof(read));
	jbr_packet_parse(frame, options, &packet);
	assert_int_equal(packet.kind, JBR_PACKET_TCP);
	assert_int_equal(packet.findings_count, 0);
	assert_int_equal(packet.urgent, 0);
	assert_int_equal(packet.tenant, 0);
	assert_int_equal(packet.ip_version, outline->ip_version);
	assert_ptr_equal(packet.ip, outline->ip);
	assert_ptr_equal(packet.tcp, outline->tcp);
	assert_int_equal(jbr_packet_glance_of(&packet, &read), !outline->is_syn);
	jbr_packet_glance(outline, &seen);
	assert_memory_equal(&seen, &read, sizeof(seen));
	if (outline->is_syn)
		expect_syn(outline, &packet);
}

/* Every plain form and length has an outline. */
static void
test_plain(void **state)
{
	const struct jbr_packet_options options = jbr_packet_options_default();
	static struct builder built;

	(void)state;
	for (unsigned n = 0; n < FORMS; n++)
		for (size_t payload = 0; payload < 200; payload++) {
			struct jbr_outline outline;
			struct jbr_frame frame;

			build(&built, n, payload);
			frame = expect_frame(&built);
			if (!jbr_packet_outline(&frame, &options, &outline))
				fail_msg("form %u with %zu bytes of payload", n, payload);
			assert_int_equal(outline.payload_length, payload);
			expect_agreement(&frame, &options, &outline);
		}
}

/* Every SYN too, and nothing is odd about it. */
static void
test_syn(void **state)
{
	const struct jbr_params params = {.ip_low_ttl_floor = 5, .tcp_mss_tiny_floor = 500};
	const struct jbr_packet_options options = jbr_packet_options_default();
	static struct builder built;

	(void)state;
	for (unsigned n = 0; n < SYN_FORMS; n++) {
		struct jbr_outline outline;
		struct jbr_frame frame;

		build_syn(&built, n);
		frame = expect_frame(&built);
		if (!jbr_packet_outline(&frame, &options, &outline) || !outline.is_syn ||
			!jbr_detect_is_syn_quiet(&params, &outline))
			fail_msg("SYN of form %u", n);
		expect_agreement(&frame, &options, &outline);
	}
}

static void
test_spoilt(void **state)
{
	struct jbr_packet_options options = jbr_packet_options_default();
	static struct builder built;
	unsigned outlined = 0;
	unsigned syns = 0;

	(void)state;
	for (unsigned i = 0; i < SPOILT; i++) {
		struct jbr_outline outline;
		struct jbr_frame frame;

		if (i % 16 == 0)
			build(&built, random_below(FORMS), random_below(100));
		else if (i % 8 == 0)
			build_syn(&built, random_below(SYN_FORMS));
		options.checksum = i % 2 == 0 ? JBR_CHECKSUM_MODE_OFF : JBR_CHECKSUM_MODE_SOFTWARE;
		options.vlan_in_tuple = i % 5 == 0;
		if (i % 8 != 0)
			for (unsigned k = random_below(4); k > 0; k--)
				built.data[random_below((uint32_t)built.length)] = (uint8_t)
					random_below(256);
		frame = expect_frame(&built);
		frame.nic_flags = (uint8_t)random_below(i % 3 == 0 ? 1 : 32);
		frame.vlan_tci = (uint16_t)random_below(4096);
		frame.captured -= random_below(i % 7 == 0 ? frame.captured : 1);
		if (i % 11 == 0)
			frame.wire += random_below(3) - 1;
		if (i % 8 != 0)
			for (unsigned k = random_below(4); k > 0; k--)
				built.data[random_below((uint32_t)built.length)] = (uint8_t)
					random_below(256);
		if (!jbr_packet_outline(&frame, &options, &outline))
			continue;
		outlined++;
		syns += outline.is_syn;
		expect_agreement(&frame, &options, &outline);
	}
	assert_in_range(outlined, SPOILT / 200, SPOILT);
	assert_in_range(syns, SPOILT / 400, outlined);
}

/* What makes a frame need the whole look. */
static void
test_not_plain(void **state)
{
	/* byte and value, in an IPv4 frame without tag or options */
	static const struct {
		const char *what;
		uint32_t at;
		uint8_t value;
	} changes[] = {
		{"another type", 13, 0x06},
		{"IP options", 14, 0x46},
		{"a fragment to come", 20, 0x20},
		{"a later fragment", 21, 1},
		{"the reserved bit", 20, 0x80},
		{"UDP", 23, 17},
		{"a wrong IP checksum", 24, 0},
		{"a shorter TCP header", 46, 0x40},
		{"a longer one", 46, 0x60},
		{"a reserved bit", 46, 0x58},
		{"SYN", 47, 0x12},
		{"FIN", 47, 0x11},
		{"RST", 47, 0x14},
		{"URG", 47, 0x30},
		{"ECE", 47, 0x50},
		{"no ACK", 47, 0x08},
		{"an urgent pointer", 53, 1},
		{"a wrong TCP checksum", 38, 0},
	};
	const struct jbr_packet_options options = jbr_packet_options_default();
	static struct builder built;
	struct jbr_outline outline;
	struct jbr_frame frame;

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(changes); i++) {
		build(&built, 0, 20);
		frame = expect_frame(&built);
		assert_true(jbr_packet_outline(&frame, &options, &outline));
		built.data[changes[i].at] = changes[i].value;
		frame = expect_frame(&built);
		if (jbr_packet_outline(&frame, &options, &outline))
			fail_msg("%s", changes[i].what);
	}
}

/* What makes a SYN need it: beyond what holds of every frame. */
static void
test_not_a_plain_syn(void **state)
{
	/* byte and value, in Linux's SYN over IPv4 without tag; its options begin at 54 */
	static const struct {
		const char *what;
		uint32_t at;
		uint8_t value;
	} changes[] = {
		{"an ACK field", 45, 1},
		{"a reserved bit", 46, 0xa2},
		{"payload", 46, 0x90},
		{"a longer TCP header", 46, 0xb0},
		{"FIN", 47, JBR_TCP_SYN | JBR_TCP_FIN},
		{"PSH", 47, JBR_TCP_SYN | JBR_TCP_PSH},
		{"RST", 47, JBR_TCP_SYN | JBR_TCP_RST},
		{"URG", 47, JBR_TCP_SYN | JBR_TCP_URG},
		{"ACK", 47, JBR_TCP_SYN | JBR_TCP_ACK},
		{"window 0", 48, 0},
		{"an urgent pointer", 53, 1},
		{"no MSS", 54, 8},
		{"an MSS of another length", 55, 3},
		{"another option", 58, 253},
		{"a second MSS", 60, 2},
		{"a SACK block", 58, 5},
		{"a window scale of 15", 73, 15},
	};
	struct jbr_packet_options options = jbr_packet_options_default();
	static struct builder built;
	struct jbr_outline outline;
	struct jbr_frame frame;

	(void)state;
	options.checksum = JBR_CHECKSUM_MODE_OFF;
	for (size_t i = 0; i < JBR_COUNT_OF(changes); i++) {
		build_syn(&built, 6);
		built.data[48] = 0; /* the window's high byte */
		frame = expect_frame(&built);
		assert_true(jbr_packet_outline(&frame, &options, &outline) && outline.is_syn);
		built.data[changes[i].at] = changes[i].value;
		if (changes[i].at == 48)
			built.data[49] = 0;
		frame = expect_frame(&built);
		if (jbr_packet_outline(&frame, &options, &outline))
			fail_msg("%s", changes[i].what);
	}
}

/* What jbr_detect_flags() finds on a SYN, jbr_detect_is_syn_quiet() leaves to it. */
static void
test_loud_syn(void **state)
{
	static const struct {
		const char *what;
		const char *src;
		const char *dst;
		struct builder_tcp tcp;
		uint16_t ip_id;
		uint8_t ttl;
		uint16_t mss;
		bool expected;
	} syns[] = {
		{"nothing", "192.0.2.1", "198.51.100.1", {.src_port = 9, .dst_port = 80}, 7, 64,
			500, true},
		{"tiny MSS", "192.0.2.1", "198.51.100.1", {.src_port = 9, .dst_port = 80}, 7, 64,
			499, false},
		{"TTL", "192.0.2.1", "198.51.100.1", {.src_port = 9, .dst_port = 80}, 7, 4, 500,
			false},
		{"source port", "192.0.2.1", "198.51.100.1", {.dst_port = 80}, 7, 64, 500, false},
		{"port", "192.0.2.1", "198.51.100.1", {.src_port = 256}, 7, 64, 500, false},
		{"LAND", "192.0.2.1", "192.0.2.1", {.src_port = 9, .dst_port = 80}, 7, 64, 500,
			false},
		{"loopback", "127.0.0.1", "192.0.2.1", {.src_port = 9, .dst_port = 80}, 7, 64, 500,
			false},
		{"net 0", "192.0.2.1", "0.0.0.1", {.src_port = 9, .dst_port = 80}, 7, 64, 500,
			false},
		{"multicast", "192.0.2.1", "224.0.0.1", {.src_port = 9, .dst_port = 80}, 7, 64, 500,
			false},
		{"multicast source", "239.0.0.1", "192.0.2.1", {.src_port = 9, .dst_port = 80}, 7,
			64, 500, false},
		{"Mirai", "192.0.2.1", "198.51.100.1",
			{.src_port = 9, .dst_port = 80, .seq = 0xc6336401}, 7, 64, 500, false},
		{"ZMap", "192.0.2.1", "198.51.100.1",
			{.src_port = 9, .dst_port = 80, .window = 65535}, 54321, 64, 500, false},
		{"Shaft", "192.0.2.1", "198.51.100.1",
			{.src_port = 9, .dst_port = 80, .seq = 674711609}, 7, 64, 500, false},
		{"Naptha", "192.0.2.1", "198.51.100.1",
			{.src_port = 9, .dst_port = 80, .seq = 6060842}, 413, 64, 500, false},
		{"IPv6", "2001:db8::1", "2001:db8::2", {.src_port = 9, .dst_port = 80}, 0, 64, 500,
			true},
		{"IPv6 LAND", "2001:db8::1", "2001:db8::1", {.src_port = 9, .dst_port = 80}, 0, 64,
			500, false},
		{"IPv6 multicast", "2001:db8::1", "ff02::1", {.src_port = 9, .dst_port = 80}, 0, 64,
			500, false},
		{"IPv6 TTL", "2001:db8::1", "2001:db8::2", {.src_port = 9, .dst_port = 80}, 0, 4,
			500, false},
	};
	const struct jbr_params params = {.ip_low_ttl_floor = 5, .tcp_mss_tiny_floor = 500};
	const struct jbr_packet_options options = jbr_packet_options_default();
	static struct builder built;

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(syns); i++) {
		struct builder_options offered = {0};
		struct builder_tcp tcp = syns[i].tcp;
		struct jbr_outline outline;
		struct jbr_packet packet;
		struct jbr_frame frame;

		builder_option_mss(&offered, syns[i].mss);
		tcp.flags = BUILDER_SYN;
		tcp.window = tcp.window != 0 ? tcp.window : 500;
		tcp.options = &offered;
		builder_init(&built);
		builder_ethernet(&built, NULL, NULL);
		if (strchr(syns[i].src, ':') != NULL)
			builder_ipv6(&built,
				&(struct builder_ipv6){.src = builder_address(syns[i].src),
					.dst = builder_address(syns[i].dst),
					.hop_limit = syns[i].ttl});
		else
			builder_ipv4(&built,
				&(struct builder_ipv4){.src = builder_address(syns[i].src),
					.dst = builder_address(syns[i].dst),
					.id = syns[i].ip_id,
					.ttl = syns[i].ttl});
		builder_tcp(&built, &tcp);
		builder_finish(&built);
		frame = expect_frame(&built);
		assert_true(jbr_packet_outline(&frame, &options, &outline) && outline.is_syn);
		jbr_packet_parse(&frame, &options, &packet);
		jbr_detect_flags(&params, &packet);
		if (jbr_detect_is_syn_quiet(&params, &outline) != syns[i].expected ||
			(packet.findings_count == 0) != syns[i].expected)
			fail_msg("%s: %u findings", syns[i].what, packet.findings_count);
	}
}

/* Nothing is said of a tuple that is quiet, whatever the rest of an ACK. */
static void
test_quiet(void **state)
{
	static const struct {
		const char *src;
		const char *dst;
		uint16_t src_port;
		bool expected;
	} tuples[] = {
		{"192.0.2.1", "198.51.100.1", 4000, true},
		{"192.0.2.1", "198.51.100.1", 0, false},
		{"192.0.2.1", "192.0.2.1", 4000, false},
		{"0.1.2.3", "198.51.100.1", 4000, false},
		{"1.1.2.3", "198.51.100.1", 4000, true},
		{"126.0.0.1", "198.51.100.1", 4000, true},
		{"127.0.0.1", "198.51.100.1", 4000, false},
		{"128.0.0.1", "223.255.255.255", 4000, true},
		{"192.0.2.1", "224.0.0.1", 4000, false},
		{"192.0.2.1", "255.255.255.255", 4000, false},
		{"2001:db8::1", "2001:db8::2", 4000, true},
		{"2001:db8::1", "2001:db8::1", 4000, false},
		{"::1", "2001:db8::2", 4000, false},
		{"::", "2001:db8::2", 4000, false},
		{"2001:db8::1", "ff02::1", 4000, false},
	};
	const struct jbr_packet_options options = jbr_packet_options_default();
	static struct builder built;

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(tuples); i++) {
		struct jbr_params params = {0};
		struct jbr_packet packet;
		struct jbr_frame frame;

		builder_init(&built);
		builder_ethernet(&built, NULL, NULL);
		builder_ip(&built, tuples[i].src, tuples[i].dst);
		builder_tcp(&built,
			&(struct builder_tcp){.src_port = tuples[i].src_port,
				.dst_port = 80,
				.window = 500,
				.flags = BUILDER_ACK});
		builder_finish(&built);
		frame = expect_frame(&built);
		jbr_packet_parse(&frame, &options, &packet);
		jbr_detect_flags(&params, &packet);
		if (jbr_detect_is_quiet((union jbr_address[2]){packet.src, packet.dst},
			    (uint16_t[2]){packet.src_port, packet.dst_port}) != tuples[i].expected)
			fail_msg("%s to %s", tuples[i].src, tuples[i].dst);
		if (tuples[i].expected)
			assert_int_equal(packet.findings_count, 0);
	}
}

/* IPv6 between mapped IPv4 addresses is one connection with the IPv4 of the same addresses: it needs the
 * whole look, else it would be looked for elsewhere. */
static void
test_mapped(void **state)
{
	static const struct {
		const char *src;
		const char *dst;
		bool expected;
	} pairs[] = {
		{"::ffff:192.0.2.1", "::ffff:198.51.100.1", false},
		{"::ffff:192.0.2.1", "2001:db8::1", true},
		{"2001:db8::1", "::ffff:192.0.2.1", true},
		{"::fffe:192.0.2.1", "::fffe:198.51.100.1", true},
	};
	const struct jbr_packet_options options = jbr_packet_options_default();
	static struct builder built;

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(pairs); i++) {
		struct jbr_outline outline;
		struct jbr_frame frame;

		builder_init(&built);
		builder_ethernet(&built, NULL, NULL);
		builder_ip(&built, pairs[i].src, pairs[i].dst);
		builder_tcp(&built,
			&(struct builder_tcp){.src_port = 40000,
				.dst_port = 80,
				.window = 500,
				.flags = BUILDER_ACK});
		builder_finish(&built);
		frame = expect_frame(&built);
		if (jbr_packet_outline(&frame, &options, &outline) != pairs[i].expected)
			fail_msg("%s to %s", pairs[i].src, pairs[i].dst);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_syn),
		cmocka_unit_test(test_spoilt),
		cmocka_unit_test(test_not_plain),
		cmocka_unit_test(test_not_a_plain_syn),
		cmocka_unit_test(test_loud_syn),
		cmocka_unit_test(test_quiet),
		cmocka_unit_test(test_mapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
