/* SPDX-License-Identifier: BSD-3-Clause */
/* Copies that a tap makes: how late, with which TTL and VLAN, and what a segment without an IP id needs
 * on top. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "jbr_flow.h"

enum { STEPS_MAX = 5, START_S = 1700000000 };

/* One segment; a field that is 0 has the usual value: TTL 64, IP id 77, port 0, no VLAN. */
struct step {
	uint64_t at_us;   /* from the start */
	uint8_t expected; /* enum jbr_copy, or END */
	uint8_t ttl;
	uint16_t vlan;
	uint16_t port;
	bool has_no_id;
	bool is_new; /* it changes something, so it cannot be a copy */
};

enum { END, NOT, COPY, LOOP };

struct row {
	const char *name;
	struct step steps[STEPS_MAX];
};

static const struct row rows[] = {
	{"alone", {{.at_us = 0, .expected = NOT}}},
	{"at once", {{0, NOT, 64, 0, 0, false, false}, {0, COPY, 64, 0, 0, false, false}}},
	{"equal TTL, 10 ms",
		{{0, NOT, 64, 0, 0, false, false}, {9999, COPY, 64, 0, 0, false, false}}},
	{"equal TTL, later",
		{{0, NOT, 64, 0, 0, false, false}, {10200, NOT, 64, 0, 0, false, false}}},
	{"a second later",
		{{0, NOT, 64, 0, 0, false, false}, {1000000, NOT, 64, 0, 0, false, false}}},
	{"as long as the slot's clock takes around, and a little",
		{{0, NOT, 64, 0, 0, false, false}, {68719476 + 1000, NOT, 64, 0, 0, false, false}}},
	{"twice that",
		{{0, NOT, 64, 0, 0, false, false},
			{2 * 68719476 + 1000, NOT, 64, 0, 0, false, false}}},
	{"three copies, each in time",
		{{0, NOT, 64, 0, 0, false, false}, {9000, COPY, 64, 0, 0, false, false},
			{18000, COPY, 64, 0, 0, false, false}}},
	{"a repetition too late is remembered",
		{{0, NOT, 64, 0, 0, false, false}, {500000, NOT, 64, 0, 0, false, false},
			{501000, COPY, 64, 0, 0, false, false}}},
	{"it changes something",
		{{0, NOT, 64, 0, 0, false, false}, {100, NOT, 64, 0, 0, false, true},
			{200, COPY, 64, 0, 0, false, false}}},
	{"what changes something is remembered",
		{{0, NOT, 64, 0, 0, false, true}, {100, COPY, 64, 0, 0, false, false}}},

	{"TTL less one, 2 ms",
		{{0, NOT, 64, 0, 0, false, false}, {1999, COPY, 63, 0, 0, false, false}}},
	{"TTL less one, later",
		{{0, NOT, 64, 0, 0, false, false}, {2200, NOT, 63, 0, 0, false, false}}},
	{"TTL less three, 2 ms",
		{{0, NOT, 64, 0, 0, false, false}, {1999, COPY, 61, 0, 0, false, false}}},
	{"TTL less three, later",
		{{0, NOT, 64, 0, 0, false, false}, {2200, NOT, 61, 0, 0, false, false}}},
	{"higher TTL", {{0, NOT, 64, 0, 0, false, false}, {100, NOT, 65, 0, 0, false, false}}},

	{"another VLAN, 2 ms",
		{{0, NOT, 64, 5, 0, false, false}, {1999, COPY, 64, 6, 0, false, false}}},
	{"another VLAN, later",
		{{0, NOT, 64, 5, 0, false, false}, {2200, NOT, 64, 6, 0, false, false}}},
	{"a VLAN and none, 2 ms",
		{{0, NOT, 64, 5, 0, false, false}, {1999, COPY, 64, 0, 0, false, false}}},
	{"the same VLAN, 10 ms",
		{{0, NOT, 64, 5, 0, false, false}, {9999, COPY, 64, 5, 0, false, false}}},
	{"another VLAN and TTL less one",
		{{0, NOT, 64, 5, 0, false, false}, {1000, COPY, 63, 6, 0, false, false}}},

	{"TTL falls twice",
		{{0, NOT, 64, 0, 0, false, false}, {100, COPY, 63, 0, 0, false, false},
			{200, LOOP, 62, 0, 0, false, false}}},
	{"TTL falls thrice",
		{{0, NOT, 64, 0, 0, false, false}, {100, COPY, 62, 0, 0, false, false},
			{200, LOOP, 60, 0, 0, false, false}, {300, LOOP, 58, 0, 0, false, false}}},
	{"TTL falls twice, between them not",
		{{0, NOT, 64, 0, 0, false, false}, {100, COPY, 63, 0, 0, false, false},
			{200, COPY, 63, 0, 0, false, false}, {300, LOOP, 62, 0, 0, false, false}}},
	{"TTL falls once",
		{{0, NOT, 64, 0, 0, false, false}, {100, COPY, 63, 0, 0, false, false},
			{200, COPY, 63, 0, 0, false, false}}},
	{"TTL falls, the next too late",
		{{0, NOT, 64, 0, 0, false, false}, {100, COPY, 63, 0, 0, false, false},
			{5000, NOT, 62, 0, 0, false, false}}},
	{"falls are counted anew after a segment that changes something",
		{{0, NOT, 64, 0, 0, false, false}, {100, COPY, 63, 0, 0, false, false},
			{200, NOT, 64, 0, 0, false, true}, {300, COPY, 63, 0, 0, false, false}}},

	/* no IP id, on a port where nothing was learned */
	{"no id", {{0, NOT, 64, 0, 0, true, false}, {10, NOT, 64, 0, 0, true, false}}},
	{"no id, TTL less one",
		{{0, NOT, 64, 0, 0, true, false}, {10, NOT, 63, 0, 0, true, false}}},
	{"no id, one beside it had",
		{{0, NOT, 64, 0, 0, true, false}, {10, NOT, 64, 0, 0, false, false},
			{20, COPY, 64, 0, 0, false, false}, {30, NOT, 64, 0, 0, true, false}}},
	{"another port copies too",
		{{0, NOT, 64, 0, 0, false, false}, {100, COPY, 64, 0, 3, false, false}}},

	{"the clock goes back",
		{{5000000, NOT, 64, 0, 0, false, false}, {4000000, NOT, 64, 0, 0, false, false},
			{4000100, COPY, 64, 0, 0, false, false}}},
	{"what was before the clock went back is forgotten",
		{{5000000, NOT, 64, 0, 0, false, false}, {1000000, NOT, 64, 0, 0, false, true},
			{5000100, NOT, 64, 0, 0, false, true}}},
};

static struct jbr_flow_table *
new_table(void)
{
	const struct jbr_flow_params params = {.capacity = 1024, .seed = 7};
	struct jbr_flow_table *table = jbr_flow_table_create(&params);

	assert_non_null(table);
	return table;
}

static struct jbr_packet
usual_packet(void)
{
	return (struct jbr_packet){
		.src = {.bytes = {[10] = 0xff, 0xff, 192, 0, 2, 1}},
		.dst = {.bytes = {[10] = 0xff, 0xff, 198, 51, 100, 1}},
		.src_port = 40000,
		.dst_port = 80,
		.seq = 1000,
		.ack = 2000,
		.flags = JBR_TCP_ACK | JBR_TCP_PSH,
		.payload_length = 100,
		.window = 500,
		.tcp_checksum = 0xbeef,
		.ip_id = 77,
		.ip_version = 4,
		.ttl = 64,
	};
}

static enum jbr_copy
check_packet(struct jbr_flow_table *table, const struct jbr_packet *packet,
	const struct jbr_frame *frame, bool can_be_copy)
{
	struct jbr_flow_probe probe;

	jbr_flow_locate(table, packet, &probe);
	return jbr_flow_check_copy(jbr_flow_shard_at(table, probe.shard), &probe, packet, frame,
		can_be_copy);
}

static enum jbr_copy
take(struct jbr_flow_table *table, const struct step *step)
{
	struct jbr_packet packet = usual_packet();
	struct jbr_frame frame = {.time_ns = START_S * JBR_NS_PER_S + step->at_us * JBR_NS_PER_US,
		.port = step->port};

	if (step->ttl != 0)
		packet.ttl = step->ttl;
	if (step->has_no_id)
		packet.ip_id = 0;
	packet.vlan[0] = step->vlan;
	packet.tenant = step->vlan; /* as with vlan_in_tuple */
	return check_packet(table, &packet, &frame, !step->is_new);
}

static void
test_rows(void **state)
{
	static const uint8_t expected[] =
		{[NOT] = JBR_COPY_NOT, [COPY] = JBR_COPY_DUPLICATE, [LOOP] = JBR_COPY_LOOP};
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(rows); i++) {
		struct jbr_flow_table *table = new_table();

		for (unsigned n = 0; n < STEPS_MAX && rows[i].steps[n].expected != END; n++) {
			enum jbr_copy copy = take(table, &rows[i].steps[n]);

			if (copy == expected[rows[i].steps[n].expected])
				continue;
			print_error("%s: segment %u is %d\n", rows[i].name, n + 1, copy);
			wrong++;
			break;
		}
		jbr_flow_table_free(table);
	}
	assert_int_equal(wrong, 0);
}

/* Any field that a copy repeats. */
static void
test_fields(void **state)
{
	const struct jbr_frame frame = {.time_ns = START_S * JBR_NS_PER_S};
	struct jbr_packet packets[12];

	(void)state;
	for (unsigned i = 0; i < JBR_COUNT_OF(packets); i++)
		packets[i] = usual_packet();
	packets[0].seq ^= 1;
	packets[1].seq ^= 0x80000000;
	packets[2].ack ^= 1;
	packets[3].ack ^= 0x80000000;
	packets[4].flags ^= JBR_TCP_PSH;
	packets[5].flags ^= JBR_TCP_AE;
	packets[6].payload_length ^= 1;
	packets[7].tcp_checksum ^= 1;
	packets[8].ip_id ^= 1;
	packets[9].ip_id ^= 0x8000;
	packets[10].src_port ^= 1;
	packets[11].src = usual_packet().dst; /* the answer, number for number */
	packets[11].dst = usual_packet().src;
	packets[11].src_port = 80;
	packets[11].dst_port = 40000;
	for (unsigned i = 0; i < JBR_COUNT_OF(packets); i++) {
		struct jbr_flow_table *table = new_table();
		struct jbr_packet packet = usual_packet();

		assert_int_equal(check_packet(table, &packet, &frame, true), JBR_COPY_NOT);
		if (check_packet(table, &packets[i], &frame, true) != JBR_COPY_NOT)
			fail_msg("field %u", i);
		assert_int_equal(check_packet(table, &packets[i], &frame, true),
			JBR_COPY_DUPLICATE);
		jbr_flow_table_free(table);
	}
}

/* ---- without an IP id ---- */

/* What a port has shown of copies with an IP id, and a pair without one after it was merged. */
static const struct {
	const char *name;
	uint64_t shown_us; /* lag of the copies with an id; 0: none */
	uint64_t lag_us;   /* of the pair without */
	uint16_t shown_port;
	uint16_t port;
	uint8_t ttl; /* of the second */
	uint8_t expected;
} learned[] = {
	{"nothing shown", 0, 100, 0, 0, 64, JBR_COPY_NOT},
	{"as soon", 1000, 1000, 0, 0, 64, JBR_COPY_DUPLICATE},
	{"sooner", 1000, 10, 0, 0, 64, JBR_COPY_DUPLICATE},
	{"later than shown", 1000, 1300, 0, 0, 64, JBR_COPY_NOT},
	{"much later", 1000, 9000, 0, 0, 64, JBR_COPY_NOT},
	{"shown late", 8000, 7900, 0, 0, 64, JBR_COPY_DUPLICATE},
	{"TTL less one", 1000, 900, 0, 0, 63, JBR_COPY_DUPLICATE},
	{"TTL less one, later than a hop may take", 8000, 7900, 0, 0, 63, JBR_COPY_NOT},
	{"higher TTL", 1000, 900, 0, 0, 65, JBR_COPY_NOT},
	{"shown on another port", 1000, 900, 1, 0, 64, JBR_COPY_NOT},
	{"on that port", 1000, 900, 1, 1, 64, JBR_COPY_DUPLICATE},
	{"ports beyond share a place", 1000, 900, 3, 3 + JBR_FLOW_PORTS, 64, JBR_COPY_DUPLICATE},
};

/* @param is_elsewhere  the copies are shown in another shard */
static enum jbr_copy
after_learning(struct jbr_flow_table *table, size_t i, bool is_elsewhere, bool is_merged)
{
	struct jbr_packet packet = usual_packet();
	struct jbr_frame frame = {.time_ns = START_S * JBR_NS_PER_S, .port = learned[i].shown_port};
	struct jbr_flow_probe probes[2];

	jbr_flow_locate(table, &packet, &probes[0]);
	do {
		packet.src_port++;
		jbr_flow_locate(table, &packet, &probes[1]);
	} while ((probes[0].shard != probes[1].shard) != is_elsewhere);
	check_packet(table, &packet, &frame, true);
	frame.time_ns += learned[i].shown_us * JBR_NS_PER_US;
	if (learned[i].shown_us != 0)
		assert_int_equal(check_packet(table, &packet, &frame, true), JBR_COPY_DUPLICATE);
	if (is_merged)
		jbr_flow_merge(table);
	packet = usual_packet();
	packet.ip_id = 0;
	frame.port = learned[i].port;
	frame.time_ns += JBR_NS_PER_S;
	assert_int_equal(check_packet(table, &packet, &frame, true), JBR_COPY_NOT);
	frame.time_ns += learned[i].lag_us * JBR_NS_PER_US;
	packet.ttl = learned[i].ttl;
	return check_packet(table, &packet, &frame, true);
}

static void
test_learned(void **state)
{
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(learned); i++)
		for (unsigned way = 0; way < 4; way++) {
			struct jbr_flow_table *table = new_table();
			bool is_merged = (way & 1) != 0;
			enum jbr_copy copy = after_learning(table, i, (way & 2) != 0, is_merged);

			/* not before it is merged: the order of shards must not matter */
			if (copy != (is_merged ? learned[i].expected : JBR_COPY_NOT)) {
				print_error("%s (way %u): %d\n", learned[i].name, way, copy);
				wrong++;
			}
			jbr_flow_table_free(table);
		}
	assert_int_equal(wrong, 0);
}

/* A lag once learned does not shrink, and is forgotten with the table's clearing. */
static void
test_merge(void **state)
{
	struct jbr_flow_table *table = new_table();

	(void)state;
	assert_int_equal(after_learning(table, 5, false, true), JBR_COPY_DUPLICATE); /* 8 ms */
	assert_int_equal(after_learning(table, 4, true, true), JBR_COPY_NOT); /* clock back: anew */
	jbr_flow_table_clear(table);
	assert_int_equal(after_learning(table, 0, false, true), JBR_COPY_NOT);
	jbr_flow_table_free(table);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_learned),
		cmocka_unit_test(test_merge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
