/* SPDX-License-Identifier: BSD-3-Clause */
/* A connection that is made of what is kept of its SYN is the one that the whole step makes of the packet,
 * to the last bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "jbr_tcp.h"

enum { SYNS = 20000 };

static uint64_t random_state = 88172645463325252;

static uint32_t
random_bits(unsigned bits)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 16) & (uint32_t)((UINT64_C(1) << bits) - 1);
}

/* Zero, all ones, or anything. */
static uint32_t
any(unsigned bits)
{
	uint32_t kind = random_bits(3);

	if (kind < 2)
		return kind == 0 ? 0 : (uint32_t)((UINT64_C(1) << bits) - 1);
	return random_bits(bits);
}

/* A SYN with everything that a packet may say beside. */
static struct jbr_packet
any_syn(void)
{
	static const uint16_t besides[] = {0, JBR_TCP_ECE | JBR_TCP_CWR, JBR_TCP_PSH, JBR_TCP_URG,
		JBR_TCP_AE, JBR_TCP_RESERVED};
	struct jbr_packet packet = {
		.seq = any(32),
		.ack = any(32),
		.ts_value = any(32),
		.ts_echo = any(32),
		.ip_length = 40 + random_bits(5),
		.ip_id = any(16),
		.src_port = (uint16_t)(random_bits(1) != 0 ? 80 : any(16)),
		.dst_port = (uint16_t)(random_bits(1) != 0 ? 443 : any(16)),
		.flags = (uint16_t)(JBR_TCP_SYN | besides[random_bits(8) % JBR_COUNT_OF(besides)]),
		.window = (uint16_t)(any(16) | 1),
		.urgent = (uint16_t)any(16),
		.options = (uint16_t)any(11),
		.mss = (uint16_t)any(16),
		.vlan = {(uint16_t)any(12)},
		.wscale = (uint8_t)(random_bits(4) % 15),
		.ip_version = random_bits(1) != 0 ? 4 : 6,
		.ttl = (uint8_t)any(8),
		.checksum = (uint8_t)(random_bits(1) != 0 ? JBR_CHECKSUM_GOOD
							  : JBR_CHECKSUM_PARTIAL),
		.kind = JBR_PACKET_TCP,
	};

	return packet;
}

static void
test_open(void **state)
{
	(void)state;
	for (unsigned i = 0; i < SYNS; i++) {
		struct jbr_packet packet = any_syn();
		struct jbr_tcp_input input = {.packet = &packet,
			.now_ns = any(32) * UINT64_C(0x100000007),
			.number = any(32) * UINT64_C(0x10001)};
		struct jbr_tcp_conn slow;
		struct jbr_tcp_result result;
		struct jbr_tcp_syn syn;
		struct jbr_tcp_hot hot;
		struct jbr_tcp_cold cold;

		memset(&slow, 0xa5, sizeof(slow));
		memset(&hot, 0x5a, sizeof(hot));
		memset(&cold, 0x5a, sizeof(cold));
		slow.hot.place = hot.place = 3;
		assert_true(jbr_tcp_syn_of(&input, &syn));
		jbr_tcp_begin(&slow, &input);
		jbr_tcp_step(&slow, &input, &result);
		jbr_tcp_open(&syn, &hot, &cold);
		assert_memory_equal(&hot, &slow.hot, sizeof(hot));
		assert_memory_equal(&cold, &slow.cold, sizeof(cold));
		assert_false(slow.has_ext);
		assert_int_equal(result.findings_count, 0);
		assert_false(result.acks_new || result.acks_unseen || result.is_swapped);
	}
}

/* How such a connection ends is known without looking at it. */
static void
test_end(void **state)
{
	static const struct {
		uint32_t flags;
		bool is_ended;
		enum jbr_outcome outcome;
	} ends[] = {
		{0, true, JBR_OUTCOME_S0},
		{0, false, JBR_OUTCOME_S0},
		{JBR_TCP_CUT_SHORT, false, JBR_OUTCOME_LIM},
	};

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		struct jbr_packet packet = any_syn();
		struct jbr_tcp_input input = {.packet = &packet, .now_ns = 1, .number = 1};
		struct jbr_tcp_conn conn = {.has_ext = false};
		struct jbr_tcp_syn syn;
		const unsigned n = i % JBR_COUNT_OF(ends);

		assert_true(jbr_tcp_syn_of(&input, &syn));
		jbr_tcp_open(&syn, &conn.hot, &conn.cold);
		conn.hot.flags |= ends[n].flags;
		assert_int_equal(jbr_zeek_conn_state(&conn), JBR_OUTCOME_S0);
		assert_int_equal(jbr_tcp_outcome(&conn, ends[n].is_ended), ends[n].outcome);
	}
}

/* A packet that says more than can be kept. */
static void
test_refused(void **state)
{
	static const struct {
		const char *what;
		struct jbr_packet packet;
	} rows[] = {
		{"a SYN-ACK", {.flags = JBR_TCP_SYN | JBR_TCP_ACK, .window = 1}},
		{"SYN and FIN", {.flags = JBR_TCP_SYN | JBR_TCP_FIN, .window = 1}},
		{"SYN and RST", {.flags = JBR_TCP_SYN | JBR_TCP_RST, .window = 1}},
		{"no SYN", {.flags = JBR_TCP_ACK, .window = 1}},
		{"payload", {.flags = JBR_TCP_SYN, .window = 1, .payload_length = 1}},
		{"window 0", {.flags = JBR_TCP_SYN}},
		{"a second tag", {.flags = JBR_TCP_SYN, .window = 1, .vlan = {0, 1}}},
		{"a tunnel", {.flags = JBR_TCP_SYN, .window = 1, .tunnel = 1}},
		{"a fragment", {.flags = JBR_TCP_SYN, .window = 1, .is_fragment = true}},
		{"a wrong checksum",
			{.flags = JBR_TCP_SYN, .window = 1, .checksum = JBR_CHECKSUM_BAD}},
		{"too long", {.flags = JBR_TCP_SYN, .window = 1, .ip_length = 65536}},
	};

	(void)state;
	for (unsigned i = 0; i < JBR_COUNT_OF(rows); i++) {
		struct jbr_tcp_input input = {.packet = &rows[i].packet};
		struct jbr_tcp_syn syn;

		if (jbr_tcp_syn_of(&input, &syn))
			fail_msg("%s", rows[i].what);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
