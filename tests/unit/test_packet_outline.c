/* SPDX-License-Identifier: BSD-3-Clause */
/* What is seen at a glance is what a whole look sees, and there is nothing else to be seen: on frames
 * that are plain, and on the same with one, two or three bytes changed. */
#include "jbr_detect.h"
#include "packet_expect.h"

enum { SPOILT = 400000, FORMS = 2 * 3 * 2 };

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
	assert_true(jbr_packet_glance_of(&packet, &read));
	jbr_packet_glance(outline, &seen);
	assert_memory_equal(&seen, &read, sizeof(seen));
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

static void
test_spoilt(void **state)
{
	struct jbr_packet_options options = jbr_packet_options_default();
	static struct builder built;
	unsigned outlined = 0;

	(void)state;
	for (unsigned i = 0; i < SPOILT; i++) {
		struct jbr_outline outline;
		struct jbr_frame frame;

		if (i % 8 == 0)
			build(&built, random_below(FORMS), random_below(100));
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
		expect_agreement(&frame, &options, &outline);
	}
	assert_in_range(outlined, SPOILT / 200, SPOILT);
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
		cmocka_unit_test(test_spoilt),
		cmocka_unit_test(test_not_plain),
		cmocka_unit_test(test_quiet),
		cmocka_unit_test(test_mapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
