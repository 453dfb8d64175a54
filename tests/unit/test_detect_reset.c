/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a RST comes from: each row of resets.def with a story that raises it and a near miss beside it,
 * each test for forgery with its near miss, and what later segments may still change. */
#include "tcp_story.h"

#include <stdio.h>

#include "jbr_detect.h"

/* The causes of all RSTs of a story in order, as they stand at its end, with the tests that speak for
 * forgery; equal neighbours are counted: "injected:D4D9", "app_abort x2 blind_in_window". RSTs
 * beyond those that are kept stand with the cause they got at once. */
struct row {
	const char *name;
	const char *story;
	const char *expected;
};

static const struct row causes[] = {
	{"FIN and RST", "S h A D a d A I", "malformed"},
	{"SYN and RST", "S h A D a d A Y", "malformed"},
	{"RST alone", "S h A D a d A,dt=30 R,dt=1500", "app_abort"},

	/* 3. nothing known */
	{"answer to a SYN-ACK", "h X", "unsolicited_synack"},
	{"answer to a SYN-ACK, with ACK", "h R", "unsolicited_synack"},
	{"not the number of that SYN-ACK", "h X,seq=+7", "unsolicited_ack"},
	{"the same with ACK", "h R,seq=+7", "no_flow"},
	{"alone, without ACK", "X", "unsolicited_ack"},
	{"alone, with ACK", "R", "no_flow"},
	{"twice alone", "X X,seq=+9", "unsolicited_ack x2"},
	{"answer to a stray ACK", "a X", "unsolicited_ack"},
	{"answer to a stray FIN", "f R", "no_flow"},
	{"both sides were seen", "D a d A X,dt=1500", "app_abort"},

	/* 4. a consequence */
	{"data after FIN", "S h A D a F d X", "late_data"},
	{"ACK after FIN", "S h A D a F a,dt=50 X", "late_data"},
	{"data after RST", "S h A D a d A R,dt=1500 d X,at=11", "app_abort late_data"},
	{"an older answer", "S h A D D a F X,seq=-11", "late_data"},
	{"nothing came after FIN", "S h A D a F R,dt=50", "app_abort"},
	{"before any FIN", "S h A D a d X,dt=1500", "app_abort"},
	{"the same number again", "S h A D a d A R,dt=1500 R,rep=2", "app_abort x3"},
	{"the same number again, in the handshake", "S h X X", "syn_scan x2"},
	{"FIN, at once RST", "S h A D a F R,dt=10", "client_abort_after_fin"},
	{"FIN, at once RST with its number", "S h A D a F R,seq=-1,dt=1", "client_abort_after_fin"},
	{"FIN, RST a little later", "S h A D a F R,dt=11", "app_abort"},
	{"the peer's FIN, at once RST", "S h A D a d A f R,dt=5", "app_abort_unread"},
	{"TIME-WAIT", "S h A D a F f A r,seq=+1,dt=100", "time_wait_assassination"},
	{"last ACK missing", "S h A D a d A F f r,seq=+1,dt=100", "app_abort"},

	/* 5. forged, or not acceptable; the tests for forgery have their own table */
	{"fifty in a second", "S h A D a d A X,seq=+9,rep=50,dt=1",
		"challenge_ack_probe x4 blind_in_window x45 challenge_ack_probe"},
	{"forty-nine", "S h A D a d A X,seq=+9,rep=49,dt=1", "blind_in_window x49"},
	{"fifty in two seconds", "S h A D a d A X,seq=+9,rep=50,dt=41", "blind_in_window x50"},
	{"three in the window", "S h A D a d A X,seq=+199,dt=1500 X,seq=+99 X,seq=+9",
		"blind_in_window x3"},
	{"two in the window", "S h A D a d A X,seq=+199,dt=1500 X,seq=+99", "app_abort x2"},
	{"three upwards: the rule before", "S h A D a d A X,seq=+9,dt=1500 X,seq=+99 X,seq=+199",
		"injected:D1 x3"},
	{"three in eleven seconds", "S h A D a d A X,seq=+9,rep=3,dt=5500", "app_abort x3"},
	{"outside the window", "S h A D a d A R,seq=+1000", "out_of_window"},
	{"left of it", "S h A D a d A R,seq=-1", "out_of_window:D3"},
	{"its last byte", "S h A D a d A R,seq=+999,dt=1500", "app_abort"},

	/* 6. handshake */
	{"refused", "S r", "refused"},
	{"refused with Fast Open", "S,len=20 r", "refused"},
	{"refused with Fast Open, by the ISN", "S,len=20 r,ackat=1", "refused"},
	{"refused beyond the data", "S,len=20 r,ackat=22", "unclassified"},
	{"refused by another number", "S r,ackat=0", "unclassified"},
	{"refused without ACK", "S x", "unclassified"},
	{"gives up the finished handshake", "S h A x", "accept_overflow"},
	{"the same after data of the client", "S h A D x,dt=900,at=1", "accept_overflow"},
	{"the same with ACK", "S h A r", "app_abort"},
	{"the same later", "S h A x,dt=1001", "app_abort"},
	{"the same after data of the server", "S h A d x,dt=30", "app_abort"},
	{"scan", "S h X", "syn_scan"},
	{"scan, with ACK", "S h R", "syn_scan"},
	{"after the final ACK", "S h A X", "health_check"},
	{"bad cookie", "S h A,ack=+500 x,seq=+500", "bad_cookie"},
	{"another number than that ACK's", "S h A,ack=+500 x,seq=+501", "unclassified"},
	{"old connection at the server", "S a,ackat=5000 X,at=5000", "port_reuse"},
	{"another number than that one's", "S a,ackat=5000 X,at=5001", "app_abort"},
	{"scrubber", "S h,ackat=777 X,at=777", "safe_reset"},
	{"another number than the scrubber's", "S h,ackat=777 X,at=778", "app_abort"},

	/* 9. established */
	{"five copies", "S h A d A D D,at=1,rep=4,dt=200 R,dt=200", "retransmission_timeout"},
	{"four copies", "S h A d A D D,at=1,rep=3,dt=200 R,dt=1500", "app_abort"},
	{"five copies, acknowledged", "S h A d A D D,at=1,rep=4,dt=200 a R,dt=1500", "app_abort"},
	{"five copies, the other resets", "S h A d A D D,at=1,rep=4,dt=200 r,dt=1500", "app_abort"},
	{"SYN-ACK sent again", "S h h,dt=1000 r,dt=1000", "retransmission_timeout"},
	{"SYN-ACK sent once", "S h r,dt=1000", "app_abort"},
	{"three keepalives", "S h A D a d A K,rep=3,dt=1000 R", "keepalive_failure"},
	{"two keepalives", "S h A D a d A K,rep=2,dt=1000 R", "app_abort"},
	{"three keepalives, answered", "S h A D a d A K,rep=3,dt=1000 a R", "app_abort"},
	{"three keepalives of the other", "S h A D a d A k,rep=3,dt=1000 R", "app_abort"},
	{"probed a zero window", "S h A d A D a,win=0 P,dt=500 a,win=0 R,dt=1500", "persist_abort"},
	{"not probed", "S h A d A D a,win=0 R,dt=1500", "app_abort"},
	{"probed, opened", "S h A d A D a,win=0 P,dt=500 a R,dt=1500", "app_abort"},
	{"its own zero window", "S h A d A D a,win=0 P,dt=500 a,win=0 r,dt=1500", "app_abort"},
	{"ten seconds unacknowledged", "S h A d A D R,dt=10000", "user_timeout"},
	{"nine seconds", "S h A d A D R,dt=9900", "app_abort"},
	{"the other's ten seconds", "S h A d A D r,dt=10000", "app_abort"},
	{"old timestamp", "S,ts=10 h,ts=90 A,ts=11 d,ts=91 A,ts=11 D,ts=5 x", "paws"},
	{"current timestamp", "S,ts=10 h,ts=90 A,ts=11 d,ts=91 A,ts=11 D,ts=12 x", "app_abort"},
	{"old timestamp, another number",
		"S,ts=10 h,ts=90 A,ts=11 d,ts=91 A,ts=11 D,ts=5,ack=-10 x", "app_abort"},
	{"SYN inside, reset", "S h A D a d A S,at=70000 r,ackat=70001", "syn_in_established"},
	{"SYN inside, challenged", "S h A D a d A S,at=70000 a X", "syn_in_established"},
	{"SYN inside, another number", "S h A D a d A S,at=70000 r,dt=1500", "app_abort"},
	{"SYN inside, not challenged", "S h A D a d A S,at=70000 X,dt=1500", "app_abort"},
	{"health check", "S h A R", "health_check"},
	{"health check that waits", "S h A R,dt=3000", "health_check"},
	{"a byte was said", "S h A D,len=1 a R,dt=1500", "app_abort"},
	{"by the server", "S h A r", "app_abort"},
	{"MP_TCPRST", "S h A D a d A R,mptcp=8", "mptcp"},
	{"MP_FASTCLOSE", "S h A D a d A R,mptcp=7", "mptcp"},
	{"another subtype", "S h A D a d A R,mptcp=2,dt=1500", "app_abort"},
	{"unread", "S h A D a d A R", "app_abort_unread"},
	{"unread, a second", "S h A D a d A,dt=1 R,dt=999", "app_abort_unread"},
	{"unread, over a second", "S h A D a d A,dt=1 R,dt=1000", "app_abort"},
	{"unread, not acknowledged", "S h A D a d R,dt=50,ackat=1", "app_abort"},
	{"unread, own data came last", "S h A d A D a R,dt=50", "app_abort"},
	{"half-open, another number", "S h r,seq=+9", "unclassified"},
	{"half-open, its number", "S h r", "app_abort"},
};

/* Round trip of the handshake: 20 ms. Usual TTL 64; IP ids step by one. */
static const struct row evidence[] = {
	{"D1", "S h A D a d A,dt=30 r,dt=1500 r,seq=+1460", "injected:D1 x2"},
	{"D1, two bytes on", "S h A D a d A,dt=30 r,dt=1500 r,seq=+2", "app_abort x2"},
	{"D1, three bytes on", "S h A D a d A,dt=30 r,dt=1500 r,seq=+3", "injected:D1 x2"},
	{"D1, two seconds on", "S h A D a d A,dt=30 r,dt=1500 r,seq=+1460,dt=2000",
		"app_abort out_of_window"},
	{"D1, back", "S h A D a d A,dt=30 r,dt=1500 r,seq=-100", "app_abort out_of_window"},
	{"D1, after FIN", "S h A D a d A f,dt=30 A r,at=12,dt=50 r,at=1500",
		"late_data out_of_window"},
	{"D1, the other had reset", "S h A D a d A R,dt=1500 r,dt=60 r,seq=+1460",
		"app_abort x2 out_of_window"},

	{"D2", "S h A D a d A,dt=30 r,dt=1500 d,dt=100", "injected:D2"},
	{"D2 by a new ACK", "S h A D d,ackat=1 A r,ackat=1,dt=1500 a,dt=100", "injected:D2"},
	{"D2, the other goes on", "S h A D a d A,dt=30 r,dt=1500 D,dt=100", "app_abort"},
	{"D2, nothing new", "S h A D a d A,dt=30 r,dt=1500 d,at=1,dt=100", "app_abort"},
	{"D2, overtaken", "S h A d D A,dt=30 r,ackat=1,dt=1500 a,at=1,dt=15", "app_abort"},
	{"D2 after a RST that is explained", "S h A D a d A F R,dt=5 D,dt=100",
		"client_abort_after_fin"},

	{"D3", "S h A D a d,len=100 r,seq=-50,dt=1500", "app_abort:D3"},
	{"D3, at the end of the data", "S h A D a d,len=100 r,dt=1500", "app_abort"},
	{"D3, at the last ACK", "S h A D a d,len=100 r,seq=-100,dt=1500", "app_abort"},
	{"D3, the capture lost some", "S h A D,lost D a d,len=100 r,seq=-50,dt=1500", "app_abort"},
	{"D3, after its FIN", "S h A D a d,len=100 f r,seq=-51,dt=1500", "app_abort"},

	{"D4", "S h A D a d A,dt=30 r,dt=1500,ttl=50", "app_abort:D4"},
	{"D4, more hops than two", "S h A D a d A,dt=30 r,dt=1500,ttl=61", "app_abort:D4"},
	{"D4, two", "S h A D a d A,dt=30 r,dt=1500,ttl=62", "app_abort"},
	{"D4, another initial TTL", "S h A D a d A,dt=30 r,dt=1500,ttl=128", "app_abort"},
	{"D4, 255", "S h A D a d A,dt=30 r,dt=1500,ttl=255", "app_abort"},
	{"D4, another initial TTL and hops", "S h A D a d A,dt=30 r,dt=1500,ttl=118",
		"app_abort:D4"},
	{"D4, no other segment of its sender", "S r,ackat=0,ttl=50", "unclassified"},

	{"D5", "S h A D a d,rep=9 A,dt=30 r,dt=1500,id=40000", "app_abort:D5"},
	{"D5, the next id", "S h A D a d,rep=9 A,dt=30 r,dt=1500", "app_abort"},
	{"D5, a thousand on", "S h A D a d,rep=9 A,dt=30 r,dt=1500,id=3000", "app_abort"},
	{"D5, none", "S h A D a d,rep=9 A,dt=30 r,dt=1500,id=0", "app_abort"},
	{"D5, too few before", "S h A D a d,rep=3 A,dt=30 r,dt=1500,id=40000", "app_abort"},

	{"D6, with the measured D2 and D4", "S r,ackat=0,win=16384,ttl=46 h,ttl=49,dt=1000",
		"injected:D2D4D6"},
	{"D6 by its window", "S r,win=16384 h", "injected:D2D6"},
	{"D6, the SYN-ACK answers another SYN", "S r,ackat=0 S,dt=1000 h", "unclassified:D6"},
	{"D6, refused as it should be", "S r h", "refused"},
	{"D6, no SYN-ACK", "S r,ackat=0,win=16384,ttl=46", "unclassified"},

	{"D7", "S h A D a d A,dt=30 R,dt=1500 r,dt=9", "app_abort app_abort:D7"},
	{"D7, half a round trip", "S h A D a d A,dt=30 R,dt=1500 r,dt=10", "app_abort x2"},
	{"D7, the same side", "S h A D a d A,dt=30 r,dt=1500 r,seq=+1,dt=1", "app_abort x2"},

	{"D8, without ACK", "S h A D a d A,dt=30 x,dt=1500,win=900", "app_abort:D8"},
	{"D8, window 0", "S h A D a d A,dt=30 x,dt=1500", "app_abort"},
	{"D8, with ACK", "S h A D a d A,dt=30 r,dt=1500,win=900", "app_abort"},
	{"D8, two of different TTL", "S h A D a d A,dt=30 r,dt=1500,win=9 r,seq=+1,win=9,ttl=63",
		"app_abort app_abort:D8"},
	{"D8, two of equal TTL", "S h A D a d A,dt=30 r,dt=1500,win=9 r,seq=+1,win=9",
		"app_abort x2"},

	{"D9", "S h A D r", "app_abort_unread:D9"},
	{"D9, acknowledged", "S h A D a,dt=1 r", "app_abort_unread:D9"},
	{"D9, over a round trip", "S h A D r,dt=21", "app_abort_unread"},
	{"D9, answered", "S h A D d A,dt=1 r,dt=1,ackat=1", "app_abort"},
	{"D9, no request", "S h A r,dt=1", "app_abort"},
	{"D9, by the client", "S h A D R,dt=1", "app_abort"},
	{"D9, closing", "S h A D F r,dt=1,ackat=1", "app_abort"},

	{"two weak ones", "S h A D r,ttl=50", "injected:D4D9"},
	{"two other weak ones", "S h A D a d A,dt=30 x,dt=1500,win=9,ttl=50", "injected:D4D8"},
	{"two weak ones, but explained", "S h A D a F f A x,win=9,ttl=50", "late_data:D4D8"},
};

static uint8_t seen_causes[128]; /* of each RST, as it was first judged */
static uint16_t seen_evidence[128];

/* As the pipeline judges a RST. */
static void
judge(struct story *story)
{
	struct jbr_tcp_ext *ext;
	struct jbr_tcp_reset reset;

	jbr_detect_reset(&story->before, &story->input, &story->result, &reset);
	ext = jbr_tcp_extend(&story->conn);
	jbr_detect_reset_compare(&story->conn, &story->input, &reset);
	assert_true(ext->resets_count < JBR_COUNT_OF(seen_causes));
	seen_causes[ext->resets_count] = reset.cause;
	seen_evidence[ext->resets_count] = reset.evidence;
	if (ext->resets_count < JBR_TCP_RESETS_MAX)
		ext->resets[ext->resets_count] = reset;
	ext->resets_count++;
}

static void
revise(struct story *story)
{
	if (story->conn.has_ext && story->conn.ext.resets_count > 0)
		jbr_detect_reset_revise(&story->conn, &story->input, &story->result);
}

/* One RST as the rows write it. */
static void
write_reset(unsigned cause, unsigned tests, char *text, size_t size)
{
	int at = snprintf(text, size, "%s%s", jbr_resets[cause].key, tests != 0 ? ":" : "");

	for (unsigned i = 0; i < 9; i++)
		if (tests & (1u << i))
			at += snprintf(text + at, size - (size_t)at, "D%u", i + 1);
}

static void
describe(const struct story *story, char *text, size_t size)
{
	const struct jbr_tcp_ext *ext = &story->conn.ext;
	uint32_t count = story->conn.has_ext ? ext->resets_count : 0;
	char last[96] = "";
	unsigned equal = 0;
	size_t at = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i <= count; i++) {
		bool is_kept = i < JBR_TCP_RESETS_MAX;
		char one[96] = "";

		if (i < count)
			write_reset(is_kept ? ext->resets[i].cause : seen_causes[i],
				is_kept ? ext->resets[i].evidence : seen_evidence[i], one,
				sizeof(one));
		if (strcmp(one, last) == 0 && i > 0) {
			equal++;
			continue;
		}
		if (equal > 1)
			at += (size_t)snprintf(text + at, size - at, " x%u", equal);
		if (i < count)
			at += (size_t)snprintf(text + at, size - at, "%s%s", i > 0 ? " " : "", one);
		memcpy(last, one, sizeof(last));
		equal = 1;
	}
}

static void
tell(struct story *story, unsigned way, const char *text)
{
	story_init(story, way);
	story->on_reset = judge;
	story->on_segment = revise;
	story_tell(story, text);
}

static unsigned
check_all(const struct row *table, size_t count)
{
	unsigned wrong = 0;

	for (size_t i = 0; i < count; i++)
		for (unsigned way = 0; way < STORY_WAYS; way++) {
			struct story story;
			char text[STORY_TEXT_SIZE];

			tell(&story, way, table[i].story);
			describe(&story, text, sizeof(text));
			if (strcmp(text, table[i].expected) == 0)
				continue;
			print_error("%s (way %u), '%s':\n  is        %s\n  should be %s\n",
				table[i].name, way, table[i].story, text, table[i].expected);
			wrong++;
			break;
		}
	return wrong;
}

static void
test_causes(void **state)
{
	(void)state;
	assert_int_equal(check_all(causes, JBR_COUNT_OF(causes)), 0);
}

static void
test_evidence(void **state)
{
	(void)state;
	assert_int_equal(check_all(evidence, JBR_COUNT_OF(evidence)), 0);
}

/* Every cause has a row; a tap's copy is the flow room's to tell. */
static void
test_complete(void **state)
{
	(void)state;
	for (unsigned cause = 0; cause < JBR_RESET_COUNT; cause++) {
		bool is_there = cause == JBR_RESET_DUPLICATE;

		for (size_t i = 0; i < JBR_COUNT_OF(causes) + JBR_COUNT_OF(evidence); i++) {
			const struct row *row = i < JBR_COUNT_OF(causes)
				? &causes[i]
				: &evidence[i - JBR_COUNT_OF(causes)];
			size_t length = strlen(jbr_resets[cause].key);

			is_there = is_there ||
				(strncmp(row->expected, jbr_resets[cause].key, length) == 0 &&
					strchr(": ", row->expected[length]) != NULL);
		}
		if (!is_there)
			fail_msg("%s has no row", jbr_resets[cause].key);
	}
}

/* A settled cause changes no more: not by a later segment, not by a later RST. */
static void
test_settled(void **state)
{
	static const char *const afterwards[] = {"d,dt=100", "r,seq=+1460"};

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(afterwards); i++)
		for (unsigned is_settled = 0; is_settled < 2; is_settled++) {
			struct story story;
			struct jbr_tcp_reset *reset = &story.conn.ext.resets[0];

			tell(&story, 0, "S h A D a d A,dt=30 r,dt=1500");
			assert_int_equal(reset->cause, JBR_RESET_APP_ABORT);
			reset->is_settled = is_settled;
			story_tell(&story, afterwards[i]);
			assert_int_equal(reset->cause,
				is_settled ? JBR_RESET_APP_ABORT : JBR_RESET_INJECTED);
			assert_int_equal(reset->evidence != 0, !is_settled);
		}
	assert_int_equal(JBR_DETECT_RESET_SETTLE_S, 5);
}

/* The record of a RST holds what its verdict was reached with. */
static void
test_record(void **state)
{
	struct story story;
	const struct jbr_tcp_reset *reset = &story.conn.ext.resets[0];

	(void)state;
	for (unsigned way = 0; way < STORY_WAYS; way++) {
		tell(&story, way,
			"S h A,win=700 D a d d A,ack=-10,win=700 "
			"r,ack=-10,len=3,win=5,ttl=61,id=77");
		assert_int_equal(reset->number, 9);
		assert_int_equal(reset->time_ns, story.now_ns);
		assert_int_equal(reset->seq, story.ends[1].next);
		assert_int_equal(reset->ack, story.ends[0].isn + 1);
		assert_true(reset->is_expected_known);
		assert_int_equal(reset->expected, story.ends[1].isn + 11);
		assert_int_equal(reset->peer_acked, story.ends[1].isn + 11);
		assert_int_equal(reset->window_end, story.ends[1].isn + 711);
		assert_int_equal(reset->sent, story.ends[1].isn + 21);
		assert_int_equal(reset->flags, JBR_TCP_RST | JBR_TCP_ACK);
		assert_int_equal(reset->window, 5);
		assert_int_equal(reset->payload_length, 3);
		assert_int_equal(reset->ip_id, 77);
		assert_int_equal(reset->ttl, 61);
		assert_int_equal(reset->ttl_usual, 64);
		assert_int_equal(reset->by, 1);
		assert_int_equal(reset->fit, JBR_TCP_FIT_EXACT);
		assert_false(reset->is_settled);
	}
	tell(&story, 0, "X");
	assert_int_equal(reset->by, 0);
	assert_false(reset->is_expected_known);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_causes),
		cmocka_unit_test(test_evidence),
		cmocka_unit_test(test_complete),
		cmocka_unit_test(test_settled),
		cmocka_unit_test(test_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
