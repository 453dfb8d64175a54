/* SPDX-License-Identifier: BSD-3-Clause */
/* The short cut for plain segments: it takes what it should, and whatever it takes leaves exactly what
 * the long way leaves. Two connections get the same segments, one by both ways, one by the long way
 * only, and are compared after each. */
#include "tcp_story.h"

#include <stdio.h>

/* ---- what it takes ---- */

/* After the story, is the last segment plain? */
static const struct {
	const char *name;
	const char *story;
	const char *last;
	bool expected;
} plains[] = {
	{"data", "S h A D a", "D", true},
	{"data of the other side", "S h A D a", "d", true},
	{"data before any other", "S h A", "D", true},
	{"ACK of data", "S h A D", "a", true},
	{"ACK of a part", "S h A D D", "a,ackat=11", true},
	{"data with a new ACK", "S h A D", "d", true},
	{"midstream", "D a d A", "D", true},
	{"the window shrinks", "S h A D a", "D,win=1", true},
	{"timestamps", "S,ts=1 h,ts=1 A,ts=2 D,ts=2 a,ts=2", "D,ts=2", true},
	{"a hole was filled", "S h A D,lost D D,at=1 a", "D", true},
	{"zero window was opened", "S h A D a,win=0 a", "D", true},

	{"half-open", "S h", "A", false},
	{"closing", "S h A F a", "d", false},
	{"reset", "S h A D a r", "D", false},
	{"one side not seen", "D", "D", false},
	{"not the next", "S h A D a", "D,seq=+1", false},
	{"again", "S h A D", "D,at=1", false},
	{"nothing new", "S h A D a", "a", false},
	{"an old ACK", "S h A D a D a", "d,ackat=11", false},
	{"an ACK of bytes not seen", "S h A D a", "d,ack=+1", false},
	{"window zero", "S h A D", "a,win=0", false},
	{"zero window is open", "S h A D a,win=0", "d", false},
	{"a hole is open", "S h A D,lost D", "D", false},
	{"keepalive unanswered", "S h A D a K", "D", false},
	{"an inexact reset came", "S h A D a R,seq=+100", "D", false},
	{"a SYN inside is remembered", "S h A D a S,at=9000", "D", false},
	{"without ACK", "S h A D a", "D,noack", false},
	{"SYN", "S h A D a", "S,seq=0", false},
	{"FIN", "S h A D a", "F", false},
	{"RST", "S h A D a", "R", false},
	{"fragment", "S h A D a", "D,frag", false},
	{"cut short", "S h A D a", "D,snap", false},
	{"bad checksum", "S h A D a", "D,bad", false},
	{"no timestamp any more", "S,ts=1 h,ts=1 A,ts=2 D,ts=2 a,ts=2", "D", false},
	{"a timestamp, suddenly", "S h A D a", "D,ts=1", false},
	{"an old timestamp", "S,ts=1 h,ts=1 A,ts=2 D,ts=2 a,ts=2", "D,ts=1", false},
};

static void
test_taken(void **state)
{
	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(plains); i++)
		for (unsigned way = 0; way < STORY_WAYS; way++) {
			struct story_token token = story_parse(plains[i].last,
				strlen(plains[i].last));
			struct jbr_tcp_plain plain;
			struct story story;

			story_init(&story, way);
			story_tell(&story, plains[i].story);
			story_build(&story, &token);
			story.input.now_ns = story.now_ns;
			if (story_is_plain(&story, &plain) != plains[i].expected)
				fail_msg("%s (way %u)", plains[i].name, way);
		}
}

/* A packet's time that goes back needs the long way, which tells it. */
static void
test_clock(void **state)
{
	struct story_token token = story_parse("D", 1);
	struct jbr_tcp_plain plain;
	struct story story;

	(void)state;
	story_init(&story, 0);
	story_tell(&story, "S h A D a");
	story_build(&story, &token);
	story.input.now_ns = story.conn.hot.last_ns;
	assert_true(story_is_plain(&story, &plain));
	story.input.now_ns = story.conn.hot.last_ns - 1;
	assert_false(story_is_plain(&story, &plain));
}

/* ---- what it leaves ---- */

enum { SEGMENTS = 100000, SEGMENTS_PER_CONNECTION = 120, TOKEN_SIZE = 96 };

static uint64_t random_state;

static uint32_t
random_below(uint32_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 32) % limit;
}

static bool
one_in(uint32_t n)
{
	return random_below(n) == 0;
}

/* How a connection of the random test begins. */
static const char *
random_start(void)
{
	static const char *const starts[] = {
		"S h A ",
		"S,ws=3 h,ws=9 A D ",
		"S,ts=70 h,ts=4294967290 A,ts=70 ",
		"D a ",
		"S,len=20 h d A ",
		"S,lost h S A ",
		"S h,lost A ",
		"S s A a ",
		"D,bad d,bad ",
	};

	return starts[random_below(JBR_COUNT_OF(starts))];
}

/* A letter and fields: mostly data and ACKs in order, now and then anything. */
static void
random_token(char *text, uint32_t ts)
{
	static const char letters[] = "AADDDDDD";
	static const char rare[] = "SHFRXKPQ";
	char letter = letters[random_below(sizeof(letters) - 1)];
	int at = 0;

	if (one_in(60))
		letter = rare[random_below(sizeof(rare) - 1)];
	at += snprintf(text + at, (size_t)(TOKEN_SIZE - at), "%c,dt=%u",
		one_in(2) ? letter : tolower(letter), random_below(30));
	if (letter == 'D')
		at += snprintf(text + at, (size_t)(TOKEN_SIZE - at), ",len=%u", random_below(1400));
	if (ts != 0 && !one_in(40))
		at += snprintf(text + at, (size_t)(TOKEN_SIZE - at), ",ts=%u",
			ts - (one_in(20) ? 5 : 0));
	if (one_in(20))
		at += snprintf(text + at, (size_t)(TOKEN_SIZE - at), ",seq=%d",
			(int)random_below(3000) - 2000);
	if (one_in(10))
		at += snprintf(text + at, (size_t)(TOKEN_SIZE - at), ",ack=%d",
			(int)random_below(2000) - 1900);
	if (one_in(6))
		at += snprintf(text + at, (size_t)(TOKEN_SIZE - at), ",win=%u",
			one_in(8) ? 0 : random_below(65536));
	if (one_in(15))
		at += snprintf(text + at, (size_t)(TOKEN_SIZE - at), ",id=%u,ttl=%u",
			random_below(65536), random_below(256));
	if (one_in(40))
		snprintf(text + at, (size_t)(TOKEN_SIZE - at), ",%s",
			one_in(3)           ? "lost"
				: one_in(2) ? "frag"
					    : "snap");
}

/* What jbr_zeek_sync() and the next step would bring up to date anyway. */
static void
settle(const struct jbr_tcp_conn *from, struct jbr_tcp_conn *ret_conn)
{
	const uint32_t lazy = JBR_TCP_PLAIN | JBR_TCP_LETTER_DATA_O | JBR_TCP_LETTER_DATA_R |
		JBR_TCP_LETTER_ACK_O | JBR_TCP_LETTER_ACK_R;

	memcpy(ret_conn, from, sizeof(*ret_conn));
	jbr_zeek_sync(ret_conn);
	if ((from->hot.flags & JBR_TCP_PLAIN) && from->has_ext && from->ext.has_ranges)
		for (unsigned side = 0; side < JBR_TCP_SIDES; side++)
			ret_conn->ext.ranges[side].next = from->hot.nxt[side];
	ret_conn->hot.flags &= ~lazy;
	for (unsigned side = 0; side < JBR_TCP_SIDES; side++) {
		ret_conn->cold.bytes[side] = jbr_tcp_bytes(&from->hot, &from->cold, side);
		ret_conn->cold.payload[side] = jbr_tcp_payload(&from->hot, &from->cold, side);
		ret_conn->hot.bytes[side] = 0;
		ret_conn->hot.payload[side] = 0;
	}
	if (!ret_conn->has_ext)
		memset(&ret_conn->ext, 0, sizeof(ret_conn->ext));
}

static void
expect_equal(const struct story *is, const struct story *should, const char *token)
{
	static struct jbr_tcp_conn a;
	static struct jbr_tcp_conn b;

	settle(&is->conn, &a);
	settle(&should->conn, &b);
	if (memcmp(&a.hot, &b.hot, sizeof(a.hot)) != 0 ||
		memcmp(&a.cold, &b.cold, sizeof(a.cold)) != 0 || a.has_ext != b.has_ext ||
		memcmp(&a.ext, &b.ext, sizeof(a.ext)) != 0)
		fail_msg("'%s', segment %u of its connection: hot %s, cold %s, extension %s", token,
			(unsigned)is->number,
			memcmp(&a.hot, &b.hot, sizeof(a.hot)) == 0 ? "equal" : "differs",
			memcmp(&a.cold, &b.cold, sizeof(a.cold)) == 0 ? "equal" : "differs",
			a.has_ext == b.has_ext && memcmp(&a.ext, &b.ext, sizeof(a.ext)) == 0
				? "equal"
				: "differs");
}

/* Padding of the two is equal because both were cleared whole and go through the same steps. */
static unsigned
compare_connection(unsigned segments)
{
	static struct story both_ways;
	static struct story long_way;
	unsigned isns = random_below(3);
	const char *start = random_start();
	uint32_t ts = strstr(start, "ts=") != NULL ? 100 : 0;
	char token[TOKEN_SIZE];

	story_init(&long_way, isns);
	story_init(&both_ways, isns + 3);
	story_tell(&long_way, start);
	story_tell(&both_ways, start);
	expect_equal(&both_ways, &long_way, start);
	while (segments-- > 0) {
		unsigned taken = both_ways.plain_count;

		random_token(token, ts);
		ts += ts != 0 ? random_below(3) : 0;
		story_tell(&long_way, token);
		story_tell(&both_ways, token);
		expect_equal(&both_ways, &long_way, token);
		if (both_ways.plain_count == taken)
			continue;
		/* nothing was odd about it on the long way either */
		assert_int_equal(long_way.result.findings_count, 0);
		assert_false(long_way.result.acks_unseen);
		assert_false(long_way.result.goes_on_after_rst);
	}
	return both_ways.plain_count;
}

static void
test_random(void **state)
{
	unsigned taken = 0;

	(void)state;
	random_state = 0x6a6162697275ull;
	for (unsigned i = 0; i < SEGMENTS / SEGMENTS_PER_CONNECTION + 1; i++)
		taken += compare_connection(SEGMENTS_PER_CONNECTION);
	/* the generator keeps connections plain for a good part of their life */
	assert_true(taken > SEGMENTS / 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taken),
		cmocka_unit_test(test_clock),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
