/* SPDX-License-Identifier: BSD-3-Clause */
/* Steps of a connection: stories and what they leave behind. Each row names all that is out of the
 * ordinary, so a row that names nothing is a near miss of the one above it. */
#include "tcp_story.h"

#include <stdio.h>

#define NAME(symbol) [JBR_TCP_STATE_##symbol] = #symbol

static const char *const state_names[JBR_TCP_STATE_COUNT] = {
	NAME(INVALID),
	NAME(NEW),
	NAME(SYN_SENT),
	NAME(SYN_RECEIVED),
	NAME(CROSSED),
	NAME(SYNACK_ONLY),
	NAME(ESTABLISHED),
	NAME(MIDSTREAM),
	NAME(FIN_O),
	NAME(FIN_O_ACKED),
	NAME(FIN_R),
	NAME(FIN_R_ACKED),
	NAME(FIN_BOTH),
	NAME(FIN_BOTH_O_ACKED),
	NAME(FIN_BOTH_R_ACKED),
	NAME(TIME_WAIT),
	NAME(RESET),
};

static const char *const fit_names[] = {
	[JBR_TCP_FIT_EXACT] = "exact",
	[JBR_TCP_FIT_IN_WINDOW] = "in_window",
	[JBR_TCP_FIT_OUTSIDE] = "outside",
	[JBR_TCP_FIT_UNKNOWN] = "unknown",
};

/* The state, "!finding", "~trust", then what is not as in a quiet connection, the originator's first:
 *   retx=O/R       segments that came again       copies=O/R  of the last such one
 *   missing=O/R    bytes acknowledged, never seen  holes=O/R   ranges beyond a hole
 *   keep=O/R       unanswered keepalives           probes=O/R  into the peer's zero window
 *   zero=O/R       ms of closed episodes, '+' an open one
 *   stale=O/R      an old TSval came               inside      a SYN is remembered, '!' challenged
 *   fit=...        of a RST that came last */
static const struct {
	const char *name;
	const char *story;
	const char *expected;
} stories[] = {
	{"SYN", "S", "SYN_SENT"},
	{"SYN again", "S S,dt=1000", "SYN_SENT retx=1/0 copies=2/0"},
	{"half-open", "S h", "SYN_RECEIVED"},
	{"SYN-ACK again", "S h h,dt=1000", "SYN_RECEIVED retx=0/1 copies=0/2"},
	{"handshake", "S h A", "ESTABLISHED"},
	{"the ACK is the SYN-ACK's no more", "S h A,ack=-1", "SYN_RECEIVED"},
	{"handshake, then the SYN-ACK again", "S h A h A", "ESTABLISHED retx=0/1 copies=0/2"},
	{"handshake, then the first SYN again", "S h A S A", "ESTABLISHED retx=1/0 copies=2/0"},
	{"data completes it", "S h D", "ESTABLISHED"},
	{"exchange", "S h A D a d A", "ESTABLISHED"},

	{"Fast Open", "S,len=20 h A", "ESTABLISHED"},
	{"Fast Open, answered before the ACK", "S,len=20 h d A", "ESTABLISHED"},
	{"Fast Open, data not taken", "S,len=20 h,ackat=1 A,at=1", "ESTABLISHED"},
	{"Fast Open, data sent again", "S,len=20 h,ackat=1 D,at=1,len=20 a",
		"ESTABLISHED retx=1/0 copies=2/0"},
	{"Fast Open, a byte too many acknowledged", "S,len=20 h,ackat=22",
		"SYN_SENT !synack_bad_ack"},
	{"no data, two acknowledged", "S h,ackat=2", "SYN_SENT !synack_bad_ack"},
	{"SYN-ACK of another SYN, then its own", "S h,ackat=777 h A",
		"ESTABLISHED !synack_bad_ack"},
	{"SYN-ACK by the client", "S H", "SYN_SENT !synack_wrong_direction retx=1/0 copies=2/0"},

	{"lost SYN-ACK", "S h,lost A", "ESTABLISHED ~lossy"},
	{"lost SYN-ACK and ACK, data", "S h,lost A,lost d", "ESTABLISHED ~lossy"},
	{"lost ACK, data acknowledged", "S h A,lost D,lost D,at=1 a", "ESTABLISHED"},
	{"lost ACK and answer, data goes on", "S h A,lost D,lost d,lost D d A",
		"ESTABLISHED ~lossy missing=10/10"},
	{"an ACK before the SYN-ACK", "S a,ackat=1 h A", "ESTABLISHED"},
	{"a final ACK of another SYN-ACK", "S h A,ack=+500", "SYN_RECEIVED"},
	{"a final ACK of another SYN-ACK, then its own", "S h A,ack=+500 A", "ESTABLISHED"},
	{"SYN answered by an ACK", "S a,ackat=5000", "SYN_SENT !syn_answered_by_ack"},
	{"SYN answered by an ACK behind", "S a,ackat=-5000", "SYN_SENT !syn_answered_by_ack"},
	{"SYN answered by an ACK far off", "S a,ackat=2000000 h A d A",
		"ESTABLISHED !syn_answered_by_ack"},
	{"SYN, FIN", "S F,noack", "FIN_O !syn_then_fin"},
	{"SYN, FIN with ACK", "S h,lost F", "FIN_O ~lossy"},
	{"SYN, data without ACK", "S h,lost D,noack", "SYN_SENT"},
	{"half-open, data without ACK", "S h D,noack", "SYN_RECEIVED"},

	{"simultaneous open", "S s H h A", "ESTABLISHED !simultaneous_open retx=1/1 copies=2/2"},
	{"simultaneous open, its second half", "S s H h",
		"CROSSED !simultaneous_open retx=1/1 copies=2/2"},
	{"simultaneous open, the responder first", "S s a", "ESTABLISHED !simultaneous_open"},
	{"split handshake", "S s H a", "ESTABLISHED !simultaneous_open retx=1/0 copies=2/0"},
	{"SYN after its SYN-ACK", "S,lost h S A", "ESTABLISHED !synack_unsolicited"},
	{"SYN after its SYN-ACK, no ACK yet", "S,lost h S", "SYN_RECEIVED !synack_unsolicited"},
	{"SYN-ACK, ACK", "S,lost h A", "ESTABLISHED !synack_unsolicited ~lossy"},
	{"SYN-ACK, another ACK", "S,lost h A,ack=-1", "MIDSTREAM !synack_unsolicited"},
	{"midstream", "D a d A", "MIDSTREAM !midstream_pickup"},
	{"FIN first", "F", "FIN_O !fin_no_flow"},
	{"RST first", "R", "RESET !rst_no_flow fit=unknown"},

	{"closed by the client", "S h A F f A", "TIME_WAIT"},
	{"closed by the server", "S h A f F a", "TIME_WAIT"},
	{"closed by both at once", "S h A F f,ack=-1 A a", "TIME_WAIT"},
	{"both FINs", "S h A F f,ack=-1", "FIN_BOTH"},
	{"half closed", "S h A D a F a d A", "FIN_O_ACKED"},
	{"half closed by the server", "S h A d A f A D a", "FIN_R_ACKED"},
	{"FIN with data", "S h A F,len=20 a", "FIN_O_ACKED"},
	{"FIN with data, only that acknowledged", "S h A F,len=20 a,ack=-1", "FIN_O"},
	{"last ACK missing", "S h A F a f", "FIN_BOTH_O_ACKED"},
	{"FIN again", "S h A F F,seq=-1 a f A", "TIME_WAIT retx=1/0 copies=2/0"},
	{"data after FIN", "S h A F D", "FIN_O !data_after_fin"},
	{"data before FIN again", "S h A D F D,at=1", "FIN_O retx=1/0 copies=2/0"},
	{"data up to FIN filled in", "S h A D,lost F D,at=1 a", "FIN_O_ACKED"},

	{"zero window", "S h A D a,win=0,dt=100", "ESTABLISHED zero=0/0+"},
	{"zero window, opened", "S h A D a,win=0 a,dt=500", "ESTABLISHED zero=0/500"},
	{"zero window, two episodes", "S h A D A,win=0 A,dt=100 A,win=0 A,win=0,dt=50 A,dt=7",
		"ESTABLISHED zero=157/0"},
	{"window of one", "S h A D a,win=1", "ESTABLISHED"},
	{"probed", "S h A D a,win=0 P a,win=0 P a,win=0", "ESTABLISHED zero=0/0+ probes=2/0"},
	{"probed without a byte", "S h A D a,win=0 K a,win=0", "ESTABLISHED zero=0/0+ probes=1/0"},
	{"probed, then opened", "S h A D a,win=0 P a,win=0 P a,dt=80 D", "ESTABLISHED zero=0/110"},
	{"zero window in a SYN-ACK, a FIN, a RST", "S h,win=0 A F,win=0 r,win=0",
		"RESET fit=exact"},

	{"keepalives", "S h A K,rep=3,dt=1000", "ESTABLISHED keep=3/0"},
	{"keepalives with a byte", "S h A k,rep=2,len=1", "ESTABLISHED keep=0/2"},
	{"keepalives, answered", "S h A K,rep=3,dt=1000 a", "ESTABLISHED"},
	{"two bytes are none", "S h A D a K,len=2", "ESTABLISHED"},

	{"data again", "S h A D D,at=1", "ESTABLISHED retx=1/0 copies=2/0"},
	{"data again and again", "S h A d d,at=1,rep=4", "ESTABLISHED retx=0/4 copies=0/5"},
	{"two segments again", "S h A D D D,at=1 D,at=11", "ESTABLISHED retx=2/0 copies=2/0"},
	{"part of it new", "S h A D D,at=6", "ESTABLISHED"},
	{"a hole", "S h A D,lost D", "ESTABLISHED holes=1/0"},
	{"a hole, filled", "S h A D,lost D D,at=1 a", "ESTABLISHED"},
	{"a hole, given up", "S h A D,lost D a", "ESTABLISHED ~lossy missing=10/0"},
	{"a hole, half filled", "S h A D,lost D D,at=1,len=4 a", "ESTABLISHED ~lossy missing=6/0"},
	{"two holes", "S h A d,lost d d,lost d", "ESTABLISHED holes=0/2"},
	{"a hole, then data again", "S h A D,lost D D,at=11",
		"ESTABLISHED holes=1/0 retx=1/0 copies=2/0"},
	{"a hole, not yet acknowledged", "S h A D,lost D a,ackat=1", "ESTABLISHED holes=1/0"},
	{"all lost but the ACK", "S h A d,lost,rep=3 A", "ESTABLISHED ~lossy missing=0/30"},
	{"one way", "S,lost H,lost A D,rep=3", "MIDSTREAM !midstream_pickup"},

	{"timestamps", "S,ts=10 h,ts=900 A,ts=11 D,ts=11 a,ts=901", "ESTABLISHED"},
	{"an old timestamp", "S,ts=10 h,ts=900 A,ts=11 D,ts=9", "ESTABLISHED stale=1/0"},
	{"an old timestamp of the server", "S,ts=10 h,ts=900 A,ts=11 d,ts=899",
		"ESTABLISHED stale=0/1"},
	{"timestamps that wrap", "S,ts=4294967295 h,ts=900 A,ts=0 D,ts=1", "ESTABLISHED"},
	{"no timestamp any more", "S,ts=10 h,ts=900 A,ts=11 D D,ts=5", "ESTABLISHED"},

	{"SYN inside", "S h A D a S,at=70000", "ESTABLISHED !syn_on_established inside"},
	{"SYN inside, challenged", "S h A D a S,at=70000 a",
		"ESTABLISHED !syn_on_established inside!"},
	{"SYN inside, data goes on", "S h A D a S,at=70000 D a d",
		"ESTABLISHED !syn_on_established inside!"},
	{"SYN inside, by the server", "S h A s,at=70000 A",
		"ESTABLISHED !syn_on_established inside!"},
	{"SYN inside, midstream", "D a S,at=70000",
		"MIDSTREAM !midstream_pickup !syn_on_established inside"},

	{"refused", "S r", "RESET fit=unknown"},
	{"refused wrongly", "S r,ack=-1", "SYN_SENT fit=unknown"},
	{"refused without ACK", "S x", "SYN_SENT fit=unknown"},
	{"Fast Open refused", "S,len=20 r", "RESET fit=unknown"},
	{"Fast Open refused, by the ISN", "S,len=20 r,ackat=1", "RESET fit=unknown"},
	{"given up", "S R", "RESET fit=exact"},
	{"scan", "S h X", "RESET fit=exact"},
	{"reset", "S h A D a r", "RESET fit=exact"},
	{"reset by the number last acknowledged", "S h A D D a,ackat=11 X,at=11",
		"RESET fit=exact"},
	{"reset in the window", "S h A D a R,seq=+100",
		"ESTABLISHED !rst_in_window_inexact fit=in_window"},
	{"reset at its end", "S h A D a R,seq=+999",
		"ESTABLISHED !rst_in_window_inexact fit=in_window"},
	{"reset right of it", "S h A D a R,seq=+1000",
		"ESTABLISHED !rst_out_of_window fit=outside"},
	{"reset left of it", "S h A D a R,seq=-1", "ESTABLISHED !rst_out_of_window fit=outside"},
	{"reset in a scaled window", "S,ws=0 h,ws=4 A a D a R,seq=+1000",
		"ESTABLISHED !rst_in_window_inexact fit=in_window"},
	{"FIN, then RST by its number", "S h A F R,seq=-1", "RESET fit=exact"},
	{"FIN with data, then RST by its number", "S h A F,len=9 R,seq=-1", "RESET fit=exact"},
	{"FIN with data, then RST by the data's", "S h A F,len=9 R,seq=-5",
		"FIN_O !rst_in_window_inexact fit=in_window"},
	{"FIN and RST in one", "S h A I", "ESTABLISHED fit=exact"},
	{"SYN and RST in one", "S h A Y", "ESTABLISHED fit=exact"},

	{"data after RST", "S h A D a d A r d,dt=100", "RESET !traffic_after_rst_sent"},
	{"the RST's peer goes on", "S h A D a d A r D,dt=100 A,dt=100", "RESET"},
	{"an old segment after RST", "S h A d A r d,at=1,dt=100", "RESET retx=0/1 copies=0/2"},
	{"ACK after RST, overtaken", "S h A d D r,ack=-10 a,at=1,dt=15", "RESET"},
	{"ACK after RST, too late for that", "S h A d D r,ack=-10 a,at=1,dt=25",
		"RESET !traffic_after_rst_sent"},
	{"ACK at once after RST", "S h A D r,ack=-10 a,dt=3", "RESET"},
	{"ACK a little after RST", "S h A D r,ack=-10 a,dt=4", "RESET !traffic_after_rst_sent"},
	{"data after a rejected RST", "S h A D a r,seq=+2000 d,dt=100",
		"ESTABLISHED !rst_out_of_window"},
	{"data after an inexact RST", "S h A D a r,seq=+9 d,dt=100",
		"ESTABLISHED !rst_in_window_inexact"},

	{"bad checksum", "S h A D,bad,stay D a", "ESTABLISHED"},
	{"bad checksums throughout", "S,bad h A,bad D,bad a", "ESTABLISHED ~bad_checksum"},
	{"fragment", "S h A D,frag a", "ESTABLISHED ~fragmented"},
	{"cut by the snap length", "S h A D,snap a", "ESTABLISHED ~snapped"},
};

static void
append(char *text, const char *format, ...)
{
	size_t length = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + length, STORY_TEXT_SIZE - length, format, args);
	va_end(args);
}

static void
append_pair(char *text, const char *name, uint64_t originator, uint64_t responder)
{
	if (originator != 0 || responder != 0)
		append(text, " %s=%u/%u", name, (unsigned)originator, (unsigned)responder);
}

static void
append_zero_window(char *text, const struct jbr_tcp_ext *ext)
{
	bool is_open[2] = {ext->zero_since_ns[0] != 0, ext->zero_since_ns[1] != 0};
	unsigned ms[2] = {(unsigned)(ext->zero_window_ns[0] / JBR_NS_PER_MS),
		(unsigned)(ext->zero_window_ns[1] / JBR_NS_PER_MS)};

	if (is_open[0] || is_open[1] || ms[0] != 0 || ms[1] != 0)
		append(text, " zero=%u%s/%u%s", ms[0], is_open[0] ? "+" : "", ms[1],
			is_open[1] ? "+" : "");
}

static void
append_extension(char *text, const struct jbr_tcp_ext *ext)
{
	if (ext->has_ranges)
		append_pair(text, "holes", ext->ranges[0].count, ext->ranges[1].count);
	append_pair(text, "missing", ext->missing[0], ext->missing[1]);
	append_pair(text, "retx", ext->retransmitted[0], ext->retransmitted[1]);
	append_pair(text, "copies", ext->retransmit_copies[0], ext->retransmit_copies[1]);
	append_zero_window(text, ext);
	append_pair(text, "keep", ext->keepalives[0], ext->keepalives[1]);
	append_pair(text, "probes", ext->probes[0], ext->probes[1]);
	append_pair(text, "stale", ext->has_stale_ts[0], ext->has_stale_ts[1]);
	if (ext->candidate_ns != 0)
		append(text, " inside%s", ext->has_challenge ? "!" : "");
}

static void
describe(const struct story *story, char *text)
{
	const struct jbr_tcp_conn *conn = &story->conn;

	text[0] = '\0';
	append(text, "%s", state_names[conn->hot.state]);
	for (unsigned i = 0; i < story->findings_count; i++)
		append(text, " !%s", jbr_anomalies[story->findings[i]].key);
	for (unsigned i = 0; i < JBR_TRUST_COUNT; i++)
		if (conn->cold.trust & (1u << i))
			append(text, " ~%s", jbr_trust_flags[i].key);
	if (conn->has_ext)
		append_extension(text, &conn->ext);
	if (story->packet.flags & JBR_TCP_RST)
		append(text, " fit=%s", fit_names[story->result.fit]);
}

static void
test_stories(void **state)
{
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(stories); i++)
		for (unsigned way = 0; way < STORY_WAYS; way++) {
			struct story story;
			char text[STORY_TEXT_SIZE];

			story_init(&story, way);
			story_tell(&story, stories[i].story);
			describe(&story, text);
			if (strcmp(text, stories[i].expected) == 0)
				continue;
			print_error("%s (way %u), '%s':\n  is        %s\n  should be %s\n",
				stories[i].name, way, stories[i].story, text, stories[i].expected);
			wrong++;
			break;
		}
	assert_int_equal(wrong, 0);
}

/* ---- numbers ---- */

/* Counted from each side's ISN: highest end, highest ACK of it, right edge offered for it. */
static const struct {
	const char *name;
	const char *story;
	const char *expected;
} numbers[] = {
	{"handshake", "S h A", "1 1 1001, 1 1 1001"},
	{"exchange", "S h A D,len=100 a d,len=50 A", "101 101 1101, 51 51 1051"},
	{"in flight", "S h A D D D a,ackat=11", "31 11 1011, 1 1 1001"},
	{"an ACK goes not back", "S h A D D a a,ackat=5", "21 21 1021, 1 1 1001"},
	{"an edge goes not back", "S h A D a,win=10", "11 11 1001, 1 1 1001"},
	{"scaled windows", "S,ws=2 h,ws=3 A D a", "11 11 8011, 1 1 4001"},
	{"scale of one side only", "S,ws=2 h A D a", "11 11 1011, 1 1 1001"},
	{"a jump is not believed at once", "S h A D,at=2000000", "1 1 1001, 1 1 1001"},
	{"nor is an ACK's", "S h A a,ackat=2000000", "1 1 1001, 1 1 1001"},
	{"a smaller gap is loss", "S h A D,at=1000000", "1000010 1 1001, 1 1 1001"},
	{"a FIN takes a number", "S h A F f A", "2 2 1002, 2 2 1002"},
	{"a RST takes none", "S h A D a R,len=40", "11 11 1011, 1 1 1001"},
	{"nor does a keepalive", "S h A D a K,len=1", "11 11 1011, 1 1 1001"},
	{"nor does a wrong ACK to the SYN", "S a,ackat=5000 h A", "1 1 1001, 1 1 1001"},
	{"however far off", "S a,ackat=2000000 h A D a", "11 11 1011, 1 1 1001"},
	{"nor does a wrong SYN-ACK", "S h,ackat=5000 h A", "1 1 1001, 1 1 1001"},
	{"nor does a SYN inside", "S h A S,at=70000", "1 1 1001, 1 1 1001"},
	{"nor does a bad checksum", "S h A D,bad,stay", "1 1 1001, 1 1 1001"},
	{"SYN after its SYN-ACK", "S,lost h,win=700 S,win=900 A", "1 1 701, 1 1 1001"},
};

static void
describe_side(const struct story *story, unsigned side, char *text)
{
	const struct jbr_tcp_hot *hot = &story->conn.hot;
	uint32_t isn = story->ends[side ^ story->originator].isn;

	append(text, "%s%u %u %u", side == 0 ? "" : ", ", hot->nxt[side] - isn,
		hot->una[side] - isn, hot->edge[side] - isn);
}

static void
test_numbers(void **state)
{
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(numbers); i++)
		for (unsigned way = 0; way < STORY_WAYS; way++) {
			struct story story;
			char text[STORY_TEXT_SIZE] = "";

			story_init(&story, way);
			story_tell(&story, numbers[i].story);
			describe_side(&story, 0, text);
			describe_side(&story, 1, text);
			if (strcmp(text, numbers[i].expected) == 0)
				continue;
			print_error("%s (way %u), '%s':\n  is        %s\n  should be %s\n",
				numbers[i].name, way, numbers[i].story, text, numbers[i].expected);
			wrong++;
			break;
		}
	assert_int_equal(wrong, 0);
}

/* ---- times and counts ---- */

static void
test_times(void **state)
{
	struct story story;
	const struct jbr_tcp_cold *cold = &story.conn.cold;
	uint64_t start = STORY_START_S * JBR_NS_PER_S;

	(void)state;
	story_init(&story, 0);
	story_tell(&story, "S S,dt=1000 h,dt=40 h,dt=200 A,dt=30 D,dt=5 F,dt=7");
	assert_int_equal(cold->first_ns, start + 10 * JBR_NS_PER_MS);
	assert_int_equal(cold->first_number, 1);
	assert_int_equal(cold->syn_ns, start + 1010 * JBR_NS_PER_MS);
	assert_int_equal(cold->synack_ns, start + 1050 * JBR_NS_PER_MS);
	assert_int_equal(cold->synack_last_ns, start + 1250 * JBR_NS_PER_MS);
	assert_int_equal(cold->final_ns, start + 1280 * JBR_NS_PER_MS);
	assert_int_equal(cold->fin_ns[0], start + 1292 * JBR_NS_PER_MS);
	assert_int_equal(cold->fin_ns[1], 0);
	assert_int_equal(cold->fin_end[0], story.ends[0].next);
	assert_int_equal(cold->syn_count, 2);
	assert_int_equal(story.conn.hot.data_ns, start + 1285 * JBR_NS_PER_MS);
	assert_int_equal(story.conn.hot.last_ns, start + 1292 * JBR_NS_PER_MS);
	assert_int_equal(story.conn.hot.last_number, 7);
	assert_int_equal(story.conn.hot.packets[0], 5);
	assert_int_equal(story.conn.hot.packets[1], 2);
	assert_int_equal(jbr_tcp_payload(&story.conn.hot, &story.conn.cold, 0), 10);
	assert_int_equal(jbr_tcp_bytes(&story.conn.hot, &story.conn.cold, 0), 5 * 40 + 10);
}

/* Time that goes back is not taken, and told. */
static void
test_clock(void **state)
{
	struct story story;
	uint64_t last_ns;

	(void)state;
	story_init(&story, 0);
	story_tell(&story, "S h A");
	last_ns = story.conn.hot.last_ns;
	assert_false(story.conn.cold.trust & JBR_TRUST_CLOCK);
	story_tell(&story, "D,dt=0");
	assert_false(story.conn.cold.trust & JBR_TRUST_CLOCK);
	story.now_ns -= JBR_NS_PER_S;
	story_tell(&story, "a");
	assert_true(story.conn.cold.trust & JBR_TRUST_CLOCK);
	assert_int_equal(story.conn.hot.last_ns, last_ns);
}

static const struct {
	const char *name;
	uint32_t packets;
	uint32_t bad;
	bool expected;
} beliefs[] = {
	{"the first segment", 0, 0, true},
	{"one good before", 1, 0, false},
	{"one bad before", 1, 1, true},
	{"as many good as bad", 3, 1, false},
	{"one more bad than good", 2, 1, true},
	{"nearly all good", 100000, 40, false},
	{"nearly all bad", 60000, 50000, true},
	{"many, all bad", 1000000, 1000000, true},
	{"very many, all bad", UINT32_MAX, UINT32_MAX, true},
	{"very many, none bad", UINT32_MAX, 0, false},
};

static void
test_belief(void **state)
{
	struct story story;

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(beliefs); i++)
		for (unsigned from = 0; from < 2; from++) {
			struct jbr_tcp_hot hot = {0};
			struct jbr_tcp_cold cold = {0};

			hot.packets[from] = beliefs[i].packets;
			cold.bad_checksums[from] = beliefs[i].bad;
			if (jbr_tcp_is_checksum_believed(&hot, &cold, from) != beliefs[i].expected)
				fail_msg("%s, side %u", beliefs[i].name, from);
		}
	/* a host that leaves its sums to the NIC does so for good */
	story_init(&story, 0);
	story_tell(&story, "S,bad h A,bad D,bad,rep=140000,dt=0");
	assert_int_equal(story.conn.hot.packets[0], 140002);
	assert_int_equal(story.ends[0].next, story.conn.hot.nxt[0]);
}

/* ---- another connection? ---- */

/* The last segment of each story: does it open the tuple anew ('r'), does it answer a SYN that was
 * remembered ('a'), or neither ('-')? */
static const struct {
	const char *name;
	const char *story;
	const char *last;
	char expected;
} reuses[] = {
	{"SYN again", "S", "S", '-'},
	{"SYN with another number", "S", "S,at=9000", 'r'},
	{"SYN of the other side", "S", "s", '-'},
	{"half-open, SYN again", "S h", "S", '-'},
	{"half-open, another SYN", "S h", "S,at=9000", 'r'},
	{"established, SYN again", "S h A", "S", '-'},
	{"established, another SYN", "S h A D a", "S,at=9000", '-'},
	{"midstream, SYN", "D a", "S", 'r'},
	{"midstream, SYN-ACK", "D a", "h,at=9000", '-'},
	{"SYN after its SYN-ACK", "S,lost h", "S", '-'},
	{"another SYN after a SYN-ACK", "S,lost h", "S,at=9000", 'r'},
	{"SYN-ACK again", "h", "h", '-'},
	{"SYN-ACK with another number", "h", "h,at=9000", 'r'},
	{"crossed, SYN again", "S s", "s", '-'},
	{"crossed, another SYN", "S s", "s,at=9000", 'r'},
	{"one FIN, SYN", "S h A F a", "S,at=9000", 'r'},
	{"TIME-WAIT, SYN", "S h A F f A", "S,at=9000", 'r'},
	{"TIME-WAIT, SYN by the server", "S h A F f A", "s,at=9000", 'r'},
	{"TIME-WAIT, ACK", "S h A F f A", "A", '-'},
	{"reset, SYN", "S h A D r", "S,at=9000", 'r'},
	{"refused, the same SYN", "S r", "S", 'r'},
	{"SYN and RST", "S h A F f A", "Y,at=9000", '-'},
	{"SYN and FIN", "S h A F f A", "Q,at=9000", '-'},
	{"SYN inside, answered", "S h A S,at=9000", "h,at=800,ackat=9001", 'a'},
	{"SYN inside, answered after a challenge", "S h A S,at=9000 a S,at=9000",
		"h,at=800,ackat=9001", 'a'},
	{"SYN inside, another one answered", "S h A S,at=9000", "h,at=800,ackat=9002", '-'},
	{"SYN inside, challenged", "S h A S,at=9000", "a", '-'},
	{"SYN inside, SYN-ACK by its own side", "S h A S,at=9000", "H,at=800,ackat=9001", '-'},
	{"no SYN inside", "S h A", "h,at=800,ackat=9001", '-'},
};

static void
test_reuse(void **state)
{
	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(reuses); i++)
		for (unsigned way = 0; way < STORY_WAYS; way++) {
			struct story_token token = story_parse(reuses[i].last,
				strlen(reuses[i].last));
			struct story story;
			char is = '-';

			story_init(&story, way);
			story_tell(&story, reuses[i].story);
			story_build(&story, &token);
			if (jbr_tcp_answers_candidate(&story.conn, &story.input))
				is = 'a';
			if (jbr_tcp_is_reuse(&story.conn, &story.input))
				is = 'r';
			if (is != reuses[i].expected)
				fail_msg("%s (way %u): '%c'", reuses[i].name, way, is);
		}
}

/* A late SYN-ACK may answer an earlier SYN of the tuple, which the pipeline hands on. */
static void
test_old_syn(void **state)
{
	static const struct {
		const char *answer;
		uint8_t count; /* of earlier SYNs */
		uint8_t state;
	} answers[] = {
		{"h,ackat=-299", 2, JBR_TCP_STATE_SYN_RECEIVED},
		{"h,ackat=-599", 2, JBR_TCP_STATE_SYN_RECEIVED},
		{"h,ackat=-599", 1, JBR_TCP_STATE_SYN_SENT},
		{"h,ackat=-299", 0, JBR_TCP_STATE_SYN_SENT},
		{"h,ackat=-300", 2, JBR_TCP_STATE_SYN_SENT},
		{"h,ackat=-298", 2, JBR_TCP_STATE_SYN_SENT},
	};

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(answers) * STORY_WAYS; i++) {
		struct story story;

		story_init(&story, (unsigned)(i % STORY_WAYS));
		story_tell(&story, "S");
		story.conn.cold.old_isn[0] = story.ends[0].isn - 300;
		story.conn.cold.old_isn[1] = story.ends[0].isn - 600;
		story.conn.cold.old_isn_count = answers[i / STORY_WAYS].count;
		story_tell(&story, answers[i / STORY_WAYS].answer);
		assert_int_equal(story.conn.hot.state, answers[i / STORY_WAYS].state);
	}
}

/* Exchanged twice, the sides are as they were; once, every pair has changed place. */
static void
test_swap(void **state)
{
	struct story story;
	struct jbr_tcp_conn once;
	struct jbr_tcp_conn twice;

	(void)state;
	story_init(&story, 0);
	story_tell(&story,
		"S,ts=5,ws=3,mss=1460 h,ts=9,ws=4 A,ts=6 D,ts=7,lost D,ts=7 K,ts=7 k,ts=9 "
		"a,ts=10 d,ts=8 A,win=0 F r");
	memcpy(&once, &story.conn, sizeof(once));
	jbr_tcp_swap(&once);
	memcpy(&twice, &once, sizeof(twice));
	jbr_tcp_swap(&twice);
	assert_memory_equal(&twice, &story.conn, sizeof(twice));
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(once.hot.nxt[i], story.conn.hot.nxt[i ^ 1]);
		assert_int_equal(once.hot.una[i], story.conn.hot.una[i ^ 1]);
		assert_int_equal(once.hot.window[i], story.conn.hot.window[i ^ 1]);
		assert_int_equal(once.hot.scale[i], story.conn.hot.scale[i ^ 1]);
		assert_int_equal(once.hot.packets[i], story.conn.hot.packets[i ^ 1]);
		assert_int_equal(once.cold.isn[i], story.conn.cold.isn[i ^ 1]);
		assert_int_equal(once.cold.fin_ns[i], story.conn.cold.fin_ns[i ^ 1]);
		assert_int_equal(once.ext.missing[i], story.conn.ext.missing[i ^ 1]);
		assert_int_equal(once.ext.zero_since_ns[i], story.conn.ext.zero_since_ns[i ^ 1]);
	}
	assert_int_equal(once.ext.resets[0].by, story.conn.ext.resets[0].by ^ 1);
	/* Zeek's sides stay where they were */
	assert_memory_equal(once.cold.zeek, story.conn.cold.zeek, sizeof(once.cold.zeek));
	assert_true((once.hot.flags ^ story.conn.hot.flags) & JBR_TCP_FLIPPED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stories),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_clock),
		cmocka_unit_test(test_belief),
		cmocka_unit_test(test_reuse),
		cmocka_unit_test(test_old_syn),
		cmocka_unit_test(test_swap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
