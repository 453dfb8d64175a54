/* SPDX-License-Identifier: BSD-3-Clause */
/* The sequence space: predicates at its seam, windows, where a RST falls, and ranges against a map of
 * single bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "jbr_tcp.h"

enum {
	SYN = JBR_TCP_SYN,
	ACK = JBR_TCP_ACK,
	FIN = JBR_TCP_FIN,
	RST = JBR_TCP_RST,
	PSH = JBR_TCP_PSH,
	NONE = JBR_TCP_SCALE_NONE,
	KNOWN = JBR_TCP_SCALE_KNOWN,
};

/* Numbers that every table is moved by, so that each row also lies across 2^31 and 2^32. */
static const uint32_t bases[] = {0, 1, 0x7fffffff, 0x80000000, 0xfffffff0, 0xfffffffe, 0xffffffff};

/* ---- distance ---- */

static const struct {
	uint32_t a;
	uint32_t b;
	int32_t distance;
} distances[] = {
	{0, 0, 0},
	{1, 0, 1},
	{0, 1, -1},
	{0x7fffffff, 0, INT32_MAX},
	{0, 0x7fffffff, -INT32_MAX},
	{5, 0xfffffffb, 10},
	{0xfffffffb, 5, -10},
	{0, 0xffffffff, 1},
	{0x80000000, 0x7fffffff, 1},
	{0x7fffffff, 0x80000001, -2},
	{0xc0000000, 0x40000001, INT32_MAX},
};

static void
test_distance(void **state)
{
	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(distances); i++)
		for (size_t k = 0; k < JBR_COUNT_OF(bases); k++) {
			uint32_t a = distances[i].a + bases[k];
			uint32_t b = distances[i].b + bases[k];

			assert_int_equal(jbr_tcp_distance(a, b), distances[i].distance);
			assert_int_equal(jbr_tcp_is_before(a, b), distances[i].distance < 0);
		}
	/* half the space away: each is before the other, RFC 1982 leaves it open */
	assert_int_equal(jbr_tcp_distance(0x80000000, 0), INT32_MIN);
	assert_true(jbr_tcp_is_before(0, 0x80000000) && jbr_tcp_is_before(0x80000000, 0));
}

static const struct {
	const char *name;
	uint16_t flags;
	uint32_t payload;
	uint32_t length;
} lengths[] = {
	{"ACK", ACK, 0, 0},
	{"data", PSH | ACK, 100, 100},
	{"SYN", SYN, 0, 1},
	{"SYN-ACK", SYN | ACK, 0, 1},
	{"SYN with data", SYN, 20, 21},
	{"FIN", FIN | ACK, 0, 1},
	{"FIN with data", FIN | ACK, 7, 8},
	{"SYN and FIN", SYN | FIN, 3, 5},
	{"RST", RST, 0, 0},
	{"RST with data", RST | ACK, 9, 0},
	{"RST and FIN", RST | FIN, 9, 0},
	{"no flags", 0, 4, 4},
	{"largest", PSH | ACK, 65495, 65495},
};

static void
test_length(void **state)
{
	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(lengths); i++) {
		struct jbr_packet packet = {.flags = lengths[i].flags,
			.payload_length = lengths[i].payload};

		if (jbr_tcp_segment_length(&packet) != lengths[i].length)
			fail_msg("%s: %u", lengths[i].name, jbr_tcp_segment_length(&packet));
	}
}

/* ---- windows ---- */

static const struct {
	const char *name;
	uint32_t is_known;
	uint8_t scale[2];
	uint8_t from;
	uint16_t flags;
	uint16_t window;
	uint32_t expected;
} windows[] = {
	{"both offered, by the originator", KNOWN, {7, 2}, 0, ACK, 1000, 128000},
	{"both offered, by the responder", KNOWN, {7, 2}, 1, ACK, 1000, 4000},
	{"scale 0 offered", KNOWN, {0, 14}, 0, ACK, 1000, 1000},
	{"largest", KNOWN, {14, 14}, 0, ACK, 65535, 65535u << 14},
	{"only the originator offered", KNOWN, {7, NONE}, 0, ACK, 1000, 1000},
	{"only the originator offered, the other's", KNOWN, {7, NONE}, 1, ACK, 1000, 1000},
	{"only the responder offered", KNOWN, {NONE, 7}, 1, ACK, 1000, 1000},
	{"nobody offered", KNOWN, {NONE, NONE}, 0, ACK, 65535, 65535},
	{"not known", 0, {NONE, NONE}, 0, ACK, 1000, 1000 << 14},
	{"not known, though one was seen", 0, {7, NONE}, 0, ACK, 1000, 1000 << 14},
	{"not known, zero", 0, {NONE, NONE}, 0, ACK, 0, 0},
	{"a SYN is not scaled", KNOWN, {7, 7}, 0, SYN, 1000, 1000},
	{"nor is a SYN-ACK", KNOWN, {7, 7}, 1, SYN | ACK, 1000, 1000},
	{"a SYN, not known", 0, {NONE, NONE}, 0, SYN, 1000, 1000},
	{"a FIN is", KNOWN, {7, 7}, 1, FIN | ACK, 1, 128},
};

static void
test_window(void **state)
{
	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(windows); i++) {
		struct jbr_packet packet = {.flags = windows[i].flags, .window = windows[i].window};
		struct jbr_tcp_hot hot = {.flags = windows[i].is_known};
		uint32_t scaled;

		memcpy(hot.scale, windows[i].scale, sizeof(hot.scale));
		scaled = jbr_tcp_scaled_window(&hot, &packet, windows[i].from);
		if (scaled != windows[i].expected)
			fail_msg("%s: %u", windows[i].name, scaled);
	}
}

/* ---- resets, keepalives, repetitions ---- */

enum { SEEN = JBR_TCP_SEEN_O, ACKED = JBR_TCP_ACKED_O };

/* The sender has sent up to 300, the receiver has acknowledged 100 and takes 1000 from there. */
static const struct {
	const char *name;
	uint32_t flags; /* of the sender's side */
	uint32_t seq;
	uint32_t window;
	enum jbr_tcp_fit fit;
} fits[] = {
	{"at the last ACK", SEEN | ACKED, 100, 1000, JBR_TCP_FIT_EXACT},
	{"at the sender's next", SEEN | ACKED, 300, 1000, JBR_TCP_FIT_EXACT},
	{"behind the ACK", SEEN | ACKED, 101, 1000, JBR_TCP_FIT_IN_WINDOW},
	{"in flight", SEEN | ACKED, 299, 1000, JBR_TCP_FIT_IN_WINDOW},
	{"last byte of the window", SEEN | ACKED, 1099, 1000, JBR_TCP_FIT_IN_WINDOW},
	{"right of the window", SEEN | ACKED, 1100, 1000, JBR_TCP_FIT_OUTSIDE},
	{"left of the window", SEEN | ACKED, 99, 1000, JBR_TCP_FIT_OUTSIDE},
	{"half the space away", SEEN | ACKED, 100 + 0x7fffffffu, 1000, JBR_TCP_FIT_OUTSIDE},
	{"the other half", SEEN | ACKED, 100 + 0x80000001u, 1000, JBR_TCP_FIT_OUTSIDE},
	{"zero window, its left edge", SEEN | ACKED, 100, 0, JBR_TCP_FIT_EXACT},
	{"zero window, a byte further", SEEN | ACKED, 101, 0, JBR_TCP_FIT_OUTSIDE},
	{"zero window, the sender's next", SEEN | ACKED, 300, 0, JBR_TCP_FIT_EXACT},
	{"window of one", SEEN | ACKED, 101, 1, JBR_TCP_FIT_OUTSIDE},
	{"largest window", SEEN | ACKED, 100 + (65535u << 14) - 1, 65535u << 14,
		JBR_TCP_FIT_IN_WINDOW},
	{"right of the largest window", SEEN | ACKED, 100 + (65535u << 14), 65535u << 14,
		JBR_TCP_FIT_OUTSIDE},
	{"never acknowledged, elsewhere", SEEN, 5000, 1000, JBR_TCP_FIT_UNKNOWN},
	{"never acknowledged, at the sender's next", SEEN, 300, 1000, JBR_TCP_FIT_EXACT},
	{"sender not seen, at the ACK", ACKED, 100, 1000, JBR_TCP_FIT_EXACT},
	{"sender not seen, in the window", ACKED, 300, 1000, JBR_TCP_FIT_IN_WINDOW},
	{"nothing seen", 0, 100, 1000, JBR_TCP_FIT_UNKNOWN},
};

static void
test_reset_fit(void **state)
{
	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(fits); i++)
		for (size_t k = 0; k < 2 * JBR_COUNT_OF(bases); k++) {
			uint32_t base = bases[k / 2];
			unsigned from = k % 2;
			struct jbr_packet packet = {.flags = RST, .seq = fits[i].seq + base};
			struct jbr_tcp_hot hot = {.flags = fits[i].flags << from};
			enum jbr_tcp_fit fit;

			/* the other side's numbers must not matter */
			hot.nxt[from ^ 1] = hot.una[from ^ 1] = packet.seq;
			hot.nxt[from] = 300 + base;
			hot.una[from] = 100 + base;
			hot.window[from ^ 1] = fits[i].window;
			fit = jbr_tcp_reset_fit(&hot, &packet, from);
			if (fit != fits[i].fit)
				fail_msg("%s, by %u, moved by %#x: %d", fits[i].name, from, base,
					fit);
		}
}

/* The sender's next byte is 300. */
static const struct {
	const char *name;
	uint32_t seen;
	uint32_t seq;
	uint32_t payload;
	uint16_t flags;
	bool expected;
} keepalives[] = {
	{"without a byte", SEEN, 299, 0, ACK, true},
	{"with one", SEEN, 299, 1, ACK, true},
	{"with one, pushed", SEEN, 299, 1, PSH | ACK, true},
	{"with two", SEEN, 299, 2, ACK, false},
	{"at the next byte", SEEN, 300, 0, ACK, false},
	{"two before", SEEN, 298, 0, ACK, false},
	{"SYN", SEEN, 299, 0, SYN, false},
	{"FIN", SEEN, 299, 0, FIN | ACK, false},
	{"RST", SEEN, 299, 0, RST | ACK, false},
	{"sender not seen", 0, 299, 0, ACK, false},
};

static void
test_keepalive(void **state)
{
	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(keepalives); i++)
		for (size_t k = 0; k < 2 * JBR_COUNT_OF(bases); k++) {
			unsigned from = k % 2;
			struct jbr_packet packet = {.flags = keepalives[i].flags,
				.seq = keepalives[i].seq + bases[k / 2],
				.payload_length = keepalives[i].payload};
			struct jbr_tcp_hot hot = {.flags = keepalives[i].seen << from};

			hot.nxt[from] = 300 + bases[k / 2];
			if (jbr_tcp_is_keepalive(&hot, &packet, from) != keepalives[i].expected)
				fail_msg("%s, by %u, moved by %#x", keepalives[i].name, from,
					bases[k / 2]);
		}
}

/* The sender has sent up to 300, acknowledged 5000 of the peer and offered it up to 6000; its last
 * TSval is 70. */
static const struct {
	const char *name;
	uint32_t seq;
	uint32_t payload;
	uint32_t ack;
	uint32_t ts; /* 0 = no option */
	uint16_t window;
	uint16_t flags;
	bool expected;
} repetitions[] = {
	{"the last segment", 200, 100, 5000, 70, 1000, PSH | ACK, true},
	{"an older one", 100, 100, 4000, 60, 1000, PSH | ACK, true},
	{"a pure ACK", 300, 0, 5000, 70, 1000, ACK, true},
	{"without timestamp", 300, 0, 5000, 0, 1000, ACK, true},
	{"a smaller window", 300, 0, 5000, 70, 900, ACK, true},
	{"new data", 300, 1, 5000, 70, 1000, PSH | ACK, false},
	{"partly new data", 200, 101, 5000, 70, 1000, PSH | ACK, false},
	{"FIN", 300, 0, 5000, 70, 1000, FIN | ACK, false},
	{"FIN sent before", 299, 0, 5000, 70, 1000, FIN | ACK, true},
	{"new ACK", 300, 0, 5001, 70, 999, ACK, false},
	{"new timestamp", 300, 0, 5000, 71, 1000, ACK, false},
	{"new window: the fingerprint tells", 300, 0, 5000, 70, 1001, ACK, true},
	{"an ACK field without the flag", 200, 100, 5001, 70, 1000, PSH, true},
	{"RST", 300, 0, 5000, 0, 0, RST | ACK, true},
	{"RST with another ACK field", 300, 0, 5001, 0, 0, RST | ACK, true},
	{"RST with a new timestamp", 300, 0, 5000, 71, 0, RST | ACK, true},
	{"RST without ACK", 300, 0, 0, 0, 0, RST, true},
	{"RST ahead", 301, 0, 5000, 0, 0, RST | ACK, false},
};

static void
test_repetition(void **state)
{
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(repetitions); i++)
		for (size_t k = 0; k < 2 * JBR_COUNT_OF(bases); k++) {
			uint32_t base = bases[k / 2];
			unsigned from = k % 2;
			struct jbr_packet packet = {.flags = repetitions[i].flags,
				.seq = repetitions[i].seq + base,
				.ack = repetitions[i].ack + base,
				.ts_value = repetitions[i].ts + base,
				.window = repetitions[i].window,
				.payload_length = repetitions[i].payload,
				.options = repetitions[i].ts != 0 ? JBR_OPT_TIMESTAMP : 0};
			struct jbr_tcp_hot hot = {.flags = SEEN << from | ACKED << (from ^ 1) |
					KNOWN | JBR_TCP_HAS_TS_O << from,
				.scale = {NONE, NONE}};

			hot.nxt[from] = 300 + base;
			hot.una[from ^ 1] = 5000 + base;
			hot.edge[from ^ 1] = 6000 + base;
			hot.window[from] = 1000;
			hot.ts[from] = 70 + base;
			if (jbr_tcp_is_repetition(&hot, &packet, from) == repetitions[i].expected)
				continue;
			print_error("%s, by %u, moved by %#x\n", repetitions[i].name, from, base);
			wrong++;
		}
	assert_int_equal(wrong, 0);
}

/* Where nothing was seen of the sender, nothing can be a repetition. */
static void
test_repetition_unseen(void **state)
{
	struct jbr_packet packet = {.flags = ACK, .seq = 300, .ack = 5000, .window = 1000};
	struct jbr_tcp_hot hot = {.nxt = {300, 5000}, .una = {300, 5000}, .edge = {9000, 9000}};

	(void)state;
	assert_false(jbr_tcp_is_repetition(&hot, &packet, 0));
	hot.flags = JBR_TCP_SEEN_R;
	assert_false(jbr_tcp_is_repetition(&hot, &packet, 0));
	hot.flags = JBR_TCP_SEEN_O;
	assert_true(jbr_tcp_is_repetition(&hot, &packet, 0));
}

/* ---- ranges ---- */

enum { MAP_SIZE = 512, ROUNDS = 10000, STEPS = 24 };

/* Every byte by itself: was it seen, or given up? */
struct map {
	uint32_t base;
	bool has[MAP_SIZE + 1]; /* the last one never */
};

static uint64_t random_state;

static uint32_t
random_below(uint32_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 32) % limit;
}

static uint32_t
map_next(const struct map *map)
{
	uint32_t at = 0;

	while (map->has[at])
		at++;
	return at;
}

/* Runs of seen bytes beyond the first hole. */
static unsigned
map_runs(const struct map *map)
{
	unsigned runs = 0;

	for (uint32_t at = map_next(map) + 1; at < MAP_SIZE; at++)
		runs += map->has[at] && !map->has[at - 1];
	return runs;
}

static void
expect_ranges_like(const struct map *map, const struct jbr_tcp_ranges *ranges)
{
	uint32_t at = map_next(map);

	assert_int_equal(ranges->next - map->base, at);
	assert_int_equal(ranges->count, map_runs(map));
	for (unsigned i = 0; i < ranges->count; i++) {
		while (!map->has[at])
			at++;
		assert_int_equal(ranges->left[i] - map->base, at);
		while (map->has[at])
			at++;
		assert_int_equal(ranges->right[i] - map->base, at);
	}
}

/* Even with too many holes the ranges stay in order, apart, and hold all that was seen. */
static void
expect_ranges_sound(const struct map *map, const struct jbr_tcp_ranges *ranges)
{
	uint32_t edge = ranges->next - map->base;

	assert_true(ranges->count <= JBR_TCP_RANGES_MAX);
	assert_int_equal(edge, map_next(map));
	for (unsigned i = 0; i < ranges->count; i++) {
		assert_true(ranges->left[i] - map->base > edge);
		assert_true(ranges->left[i] - map->base < ranges->right[i] - map->base);
		for (uint32_t at = edge; at < ranges->left[i] - map->base; at++)
			assert_false(map->has[at]);
		edge = ranges->right[i] - map->base;
	}
	for (uint32_t at = edge; at < MAP_SIZE; at++)
		assert_false(map->has[at]);
}

static void
step_add(struct map *map, struct jbr_tcp_ranges *ranges)
{
	uint32_t seq = random_below(MAP_SIZE - 1);
	uint32_t length = 1 + (random_below(4) == 0 ? random_below(120) : random_below(20));
	uint32_t end = seq + length < MAP_SIZE ? seq + length : MAP_SIZE;
	bool is_new = false;

	for (uint32_t at = seq; at < end; at++) {
		is_new = is_new || !map->has[at];
		map->has[at] = true;
	}
	assert_int_equal(jbr_tcp_ranges_add(ranges, map->base + seq, map->base + end), is_new);
}

static void
step_acknowledge(struct map *map, struct jbr_tcp_ranges *ranges)
{
	uint32_t ack = map_next(map) + random_below(60);
	uint32_t missing = 0;
	uint32_t ret_missing = UINT32_MAX;
	unsigned holes = 0;

	if (ack > MAP_SIZE)
		ack = MAP_SIZE;
	if (random_below(4) == 0)
		ack = random_below(ack + 1); /* an old one */
	for (uint32_t at = 0; at < ack; at++) {
		holes += !map->has[at] && (at == 0 || map->has[at - 1]);
		missing += !map->has[at];
	}
	for (uint32_t at = 0; at < ack; at++)
		map->has[at] = true;
	assert_int_equal(jbr_tcp_ranges_acknowledge(ranges, map->base + ack, &ret_missing), holes);
	assert_int_equal(ret_missing, missing);
}

static void
test_ranges(void **state)
{
	unsigned compared = 0;
	unsigned overflowed = 0;

	(void)state;
	random_state = 0x6a616269727565ull;
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct map map = {0};
		struct jbr_tcp_ranges ranges = {0};

		/* in two of three rounds the map lies across the seam, or the sign's */
		map.base = random_below(MAP_SIZE) - MAP_SIZE + (round % 3 == 1 ? 0x80000000 : 0);
		if (round % 3 == 2)
			map.base = random_below(UINT32_MAX);
		ranges.next = map.base;
		for (unsigned step = 0; step < STEPS; step++) {
			if (random_below(6) == 0)
				step_acknowledge(&map, &ranges);
			else
				step_add(&map, &ranges);
			if (map_runs(&map) > JBR_TCP_RANGES_MAX) {
				expect_ranges_sound(&map, &ranges);
				overflowed++;
				break; /* from here on it may forget gaps */
			}
			expect_ranges_like(&map, &ranges);
			compared++;
		}
	}
	/* the generator reaches both kinds */
	assert_true(compared > 5 * ROUNDS);
	assert_true(overflowed > ROUNDS / 20);
}

/* Beyond four ranges the gap between the two highest of the five is forgotten, never one below. */
static void
test_ranges_overflow(void **state)
{
	static const uint32_t added[][2] = {{10, 20}, {30, 40}, {50, 60}, {70, 80}};
	static const struct {
		const char *name;
		uint32_t seq;
		uint32_t end;
		uint32_t expected[JBR_TCP_RANGES_MAX][2];
	} fifths[] = {
		{"lowest", 2, 5, {{2, 5}, {10, 20}, {30, 40}, {50, 80}}},
		{"between the first two", 24, 26, {{10, 20}, {24, 26}, {30, 40}, {50, 80}}},
		{"between the last two", 64, 66, {{10, 20}, {30, 40}, {50, 60}, {64, 80}}},
		{"highest", 90, 95, {{10, 20}, {30, 40}, {50, 60}, {70, 95}}},
		{"joins two", 40, 50, {{10, 20}, {30, 60}, {70, 80}, {0, 0}}},
		{"covers all", 5, 99, {{5, 99}, {0, 0}, {0, 0}, {0, 0}}},
	};

	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(fifths); i++)
		for (size_t k = 0; k < JBR_COUNT_OF(bases); k++) {
			struct jbr_tcp_ranges ranges = {.next = bases[k]};
			bool is_right;

			for (size_t n = 0; n < JBR_COUNT_OF(added); n++)
				assert_true(jbr_tcp_ranges_add(&ranges, bases[k] + added[n][0],
					bases[k] + added[n][1]));
			assert_true(jbr_tcp_ranges_add(&ranges, bases[k] + fifths[i].seq,
				bases[k] + fifths[i].end));
			is_right = ranges.next == bases[k];
			for (unsigned n = 0; n < JBR_TCP_RANGES_MAX; n++) {
				bool is_there = fifths[i].expected[n][1] != 0;

				is_right = is_right && is_there == (n < ranges.count) &&
					(!is_there ||
						(ranges.left[n] - bases[k] ==
								fifths[i].expected[n][0] &&
							ranges.right[n] - bases[k] ==
								fifths[i].expected[n][1]));
			}
			if (!is_right)
				print_error("%s, moved by %#x\n", fifths[i].name, bases[k]);
			wrong += !is_right;
		}
	assert_int_equal(wrong, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_distance),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_reset_fit),
		cmocka_unit_test(test_keepalive),
		cmocka_unit_test(test_repetition),
		cmocka_unit_test(test_repetition_unseen),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_ranges_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
