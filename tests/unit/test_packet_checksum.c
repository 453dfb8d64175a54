/* SPDX-License-Identifier: BSD-3-Clause */
#include "packet_expect.h"

/* Checksums: right, wrong, partial; who is asked; and when nothing can be said. */

enum { LENGTHS = 300 };

static void
build(struct builder *built, unsigned version, size_t payload, uint16_t keep)
{
	static uint8_t bytes[65536];

	for (size_t i = 0; i < payload; i++)
		bytes[i] = (uint8_t)(i * 37 + payload);
	builder_init(built);
	builder_ethernet(built, NULL, NULL);
	builder_ip(built, version == 4 ? "192.0.2.1" : "2001:db8::1",
		version == 4 ? "198.51.100.1" : "2001:db8::2");
	builder_tcp(built,
		&(struct builder_tcp){.src_port = 40000,
			.dst_port = 80,
			.seq = 0xffffffff,
			.flags = BUILDER_ACK,
			.keep = keep});
	builder_bytes(built, bytes, payload);
	builder_finish(built);
}

/* Every length, odd and even, in both IP versions. */
static void
test_lengths(void **state)
{
	static const size_t long_lengths[] = {1459, 1460, 9000, 65000, 65001};
	static struct builder built;

	(void)state;
	for (size_t i = 0; i < 2 * (LENGTHS + JBR_COUNT_OF(long_lengths)); i++) {
		unsigned version = i % 2 == 0 ? 4 : 6;
		size_t payload = i / 2 < LENGTHS ? i / 2 : long_lengths[i / 2 - LENGTHS];
		struct jbr_frame frame;
		struct jbr_packet packet;

		build(&built, version, payload, 0);
		frame = expect_frame(&built);
		packet = expect_parse(&frame);
		expect_outcome("right", &packet, "tcp");
		assert_int_equal(packet.checksum, JBR_CHECKSUM_GOOD);
		build(&built, version, payload, BUILDER_CHECKSUM_WRONG);
		frame = expect_frame(&built);
		packet = expect_parse(&frame);
		expect_outcome("wrong", &packet, "tcp: tcp_bad_checksum");
		assert_int_equal(packet.checksum, JBR_CHECKSUM_BAD);
		build(&built, version, payload, BUILDER_CHECKSUM_PARTIAL);
		frame = expect_frame(&built);
		packet = expect_parse(&frame);
		expect_outcome("partial", &packet, "tcp");
		assert_int_equal(packet.checksum, JBR_CHECKSUM_PARTIAL);
	}
}

/* One spoiled bit anywhere in the segment or in an address is seen. */
static void
test_every_bit(void **state)
{
	static struct builder built;

	(void)state;
	for (unsigned version = 4; version <= 6; version += 2) {
		build(&built, version, 33, 0);
		for (uint32_t bit = 26 * 8; bit < built.length * 8; bit++) {
			struct jbr_frame frame;
			struct jbr_packet packet;
			uint32_t at = bit / 8;

			if (version == 4 ? at == built.tcp_at + 12
					 : at < 14 + 8 || at == built.tcp_at + 12)
				continue; /* the data offset is judged before */
			built.data[at] ^= (uint8_t)(1 << bit % 8);
			frame = expect_frame(&built);
			packet = expect_parse(&frame);
			assert_int_equal(packet.kind, JBR_PACKET_TCP);
			assert_int_equal(packet.checksum, JBR_CHECKSUM_BAD);
			built.data[at] ^= (uint8_t)(1 << bit % 8);
		}
	}
}

static void
test_modes(void **state)
{
	static const struct {
		const char *name;
		uint8_t mode;
		uint8_t nic;
		uint8_t number;
		uint8_t good, bad, partial; /* what becomes of each */
	} modes[] = {
		{"software", JBR_CHECKSUM_MODE_SOFTWARE, 0, 1, JBR_CHECKSUM_GOOD, JBR_CHECKSUM_BAD,
			JBR_CHECKSUM_PARTIAL},
		{"software, NIC says good", JBR_CHECKSUM_MODE_SOFTWARE, JBR_NIC_L4_CHECKSUM_GOOD, 1,
			JBR_CHECKSUM_GOOD, JBR_CHECKSUM_GOOD, JBR_CHECKSUM_GOOD},
		{"software, NIC says bad", JBR_CHECKSUM_MODE_SOFTWARE, JBR_NIC_L4_CHECKSUM_BAD, 1,
			JBR_CHECKSUM_BAD, JBR_CHECKSUM_BAD, JBR_CHECKSUM_PARTIAL},
		{"nic, which says nothing", JBR_CHECKSUM_MODE_NIC, 0, 16, JBR_CHECKSUM_UNKNOWN,
			JBR_CHECKSUM_UNKNOWN, JBR_CHECKSUM_UNKNOWN},
		{"nic, good", JBR_CHECKSUM_MODE_NIC, JBR_NIC_L4_CHECKSUM_GOOD, 1, JBR_CHECKSUM_GOOD,
			JBR_CHECKSUM_GOOD, JBR_CHECKSUM_GOOD},
		{"nic, bad", JBR_CHECKSUM_MODE_NIC, JBR_NIC_L4_CHECKSUM_BAD, 1, JBR_CHECKSUM_BAD,
			JBR_CHECKSUM_BAD, JBR_CHECKSUM_PARTIAL},
		{"off", JBR_CHECKSUM_MODE_OFF, JBR_NIC_L4_CHECKSUM_BAD, 16, JBR_CHECKSUM_UNKNOWN,
			JBR_CHECKSUM_UNKNOWN, JBR_CHECKSUM_UNKNOWN},
	};
	static const uint16_t keeps[3] = {0, BUILDER_CHECKSUM_WRONG, BUILDER_CHECKSUM_PARTIAL};
	static struct builder built;

	(void)state;
	for (size_t i = 0; i < 3 * JBR_COUNT_OF(modes); i++) {
		struct jbr_packet_options options = jbr_packet_options_default();
		const uint8_t expected[3] = {modes[i / 3].good, modes[i / 3].bad,
			modes[i / 3].partial};
		struct jbr_frame frame;
		struct jbr_packet packet;

		build(&built, 4, 21, keeps[i % 3]);
		frame = expect_frame(&built);
		frame.nic_flags = modes[i / 3].nic;
		frame.number = modes[i / 3].number;
		options.checksum = modes[i / 3].mode;
		jbr_packet_parse(&frame, &options, &packet);
		if (packet.checksum != expected[i % 3])
			fail_msg("%s, segment %zu: %u", modes[i / 3].name, i % 3, packet.checksum);
		expect_outcome(modes[i / 3].name, &packet,
			packet.checksum == JBR_CHECKSUM_BAD ? "tcp: tcp_bad_checksum" : "tcp");
	}
}

/* One packet in 16 is looked at, and which one depends on its number only. */
static void
test_sampled(void **state)
{
	static struct builder built;
	struct jbr_packet_options options = jbr_packet_options_default();
	struct jbr_frame frame;
	unsigned judged = 0;

	(void)state;
	build(&built, 6, 21, BUILDER_CHECKSUM_WRONG);
	frame = expect_frame(&built);
	options.checksum = JBR_CHECKSUM_MODE_SAMPLED;
	for (frame.number = 1; frame.number <= 1600; frame.number++) {
		struct jbr_packet packet;

		jbr_packet_parse(&frame, &options, &packet);
		judged += packet.checksum == JBR_CHECKSUM_BAD;
		assert_true(packet.checksum == JBR_CHECKSUM_BAD ||
			packet.checksum == JBR_CHECKSUM_UNKNOWN);
	}
	assert_int_equal(judged, 100);
}

/* What cannot be summed up is not judged. */
static void
test_unknown(void **state)
{
	static struct builder whole;
	static struct builder fragment;
	struct jbr_frame frame;
	struct jbr_packet packet;

	(void)state;
	build(&whole, 4, 100, BUILDER_CHECKSUM_WRONG);
	frame = expect_frame(&whole);
	frame.captured--;
	packet = expect_parse(&frame);
	expect_outcome("one byte not captured", &packet, "tcp");
	assert_int_equal(packet.checksum, JBR_CHECKSUM_UNKNOWN);
	builder_cut_fragment(&fragment, &whole, 0, 80);
	frame = expect_frame(&fragment);
	packet = expect_parse(&frame);
	expect_outcome("a fragment", &packet, "tcp");
	assert_int_equal(packet.checksum, JBR_CHECKSUM_UNKNOWN);
	/* a trailer is not part of the sum */
	build(&whole, 4, 1, 0);
	builder_bytes(&whole, "\xff\xff\xff\xff\xff", 5);
	frame = expect_frame(&whole);
	packet = expect_parse(&frame);
	assert_int_equal(packet.checksum, JBR_CHECKSUM_GOOD);
}

/* A NIC speaks of the outer headers; the inner segment is judged in software. */
static void
test_tunnel(void **state)
{
	static struct builder built;
	struct jbr_frame frame;
	struct jbr_packet packet;

	(void)state;
	builder_init(&built);
	builder_ethernet(&built, NULL, NULL);
	builder_ip(&built, "203.0.113.1", "203.0.113.2");
	builder_ip(&built, "192.0.2.1", "198.51.100.1");
	expect_end(&built, 9);
	frame = expect_frame(&built);
	frame.nic_flags = JBR_NIC_L4_CHECKSUM_BAD;
	packet = expect_parse(&frame);
	expect_outcome("tunnel", &packet, "tcp");
	assert_int_equal(packet.checksum, JBR_CHECKSUM_GOOD);
}

/* The IPv4 header's own sum, which a NIC may have judged. */
static void
test_ip(void **state)
{
	static const struct {
		const char *name;
		uint16_t keep;
		uint8_t nic;
		const char *expected;
	} headers[] = {
		{"right", 0, 0, "tcp"},
		{"wrong", BUILDER_CHECKSUM_WRONG, 0, "tcp: ip_bad_checksum"},
		{"right, NIC says good", 0, JBR_NIC_IP_CHECKSUM_GOOD, "tcp"},
		{"wrong, NIC says good", BUILDER_CHECKSUM_WRONG, JBR_NIC_IP_CHECKSUM_GOOD, "tcp"},
		{"wrong, NIC says bad", BUILDER_CHECKSUM_WRONG, JBR_NIC_IP_CHECKSUM_BAD,
			"tcp: ip_bad_checksum"},
	};
	static struct builder built;

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(headers); i++) {
		struct jbr_frame frame;
		struct jbr_packet packet;

		builder_init(&built);
		builder_ethernet(&built, NULL, NULL);
		builder_ipv4(&built,
			&(struct builder_ipv4){.src = builder_address("192.0.2.1"),
				.dst = builder_address("198.51.100.1"),
				.keep = headers[i].keep});
		expect_end(&built, 3);
		frame = expect_frame(&built);
		frame.nic_flags = headers[i].nic;
		packet = expect_parse(&frame);
		expect_outcome(headers[i].name, &packet, headers[i].expected);
	}
}

/* Segmentation offload: no IP length, the pseudo-header's sum without the length in the TCP header. */
static void
test_offload(void **state)
{
	static struct builder built;
	const struct builder_ipv4 ip = {.src = builder_address("192.0.2.1"),
		.dst = builder_address("198.51.100.1"),
		.keep = BUILDER_LENGTH};
	struct jbr_frame frame;
	struct jbr_packet packet;
	uint16_t partial;

	(void)state;
	builder_init(&built);
	builder_ethernet(&built, NULL, NULL);
	builder_ipv4(&built, &ip);
	expect_end(&built, 20000);
	partial = builder_sum(6, built.data + 26, 8);
	built.data[built.tcp_at + 16] = (uint8_t)(partial >> 8);
	built.data[built.tcp_at + 17] = (uint8_t)partial;
	frame = expect_frame(&built);
	packet = expect_parse(&frame);
	expect_outcome("offload", &packet, "tcp");
	assert_int_equal(packet.checksum, JBR_CHECKSUM_PARTIAL);
	built.data[built.tcp_at + 17] ^= 1;
	frame = expect_frame(&built);
	packet = expect_parse(&frame);
	expect_outcome("offload, one off", &packet, "tcp: tcp_bad_checksum");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_every_bit),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_sampled),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_tunnel),
		cmocka_unit_test(test_ip),
		cmocka_unit_test(test_offload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
