/* SPDX-License-Identifier: BSD-3-Clause */
/* conn_state and history as Zeek would write them. The expectations come from what Zeek documents of
 * its conn.log: thirteen codes, and letters that are capital for its originator; 'a', 'd', 'i', 'q'
 * stand once for a side, 's', 'h', 'f', 'r' again where the number differs, 'c', 'g', 't', 'w' at the
 * 1st, 10th, 100th time. */
#include "tcp_story.h"

struct row {
	const char *name;
	const char *story;
	const char *state;
	const char *history;
};

static const struct row rows[] = {
	/* the codes */
	{"S0", "S", "S0", "S"},
	{"S0, tried again", "S S,dt=1000 S,dt=2000", "S0", "S"},
	{"S1, half-open", "S h", "S1", "Sh"},
	{"S1", "S h A", "S1", "ShA"},
	{"S1 with data", "S h A D a d A", "S1", "ShADad"},
	{"SF", "S h A D a d A F a f A", "SF", "ShADadFf"},
	{"SF, closed by the server", "S h A D a d A f A F a", "SF", "ShADadfF"},
	{"SF, FIN and ACK in one", "S h A F f A", "SF", "ShAFf"},
	{"REJ", "S r", "REJ", "Sr"},
	{"REJ, tried again", "S r,dt=1 S,dt=500 r,dt=1", "REJ", "Sr"},
	{"S2", "S h A D a F a", "S2", "ShADaF"},
	{"S3", "S h A d A f A", "S3", "ShAdf"},
	{"RSTO", "S h A D a R", "RSTO", "ShADaR"},
	{"RSTO of a scan", "S h X", "RSTO", "ShR"},
	{"RSTR", "S h A D a r", "RSTR", "ShADar"},
	{"RSTR, then one back", "S h A D r R", "RSTR", "ShADrR"},
	{"RSTOS0", "S R", "RSTOS0", "SR"},
	{"no RSTOS0: a FIN came between", "S F,noack R", "OTH", "SFR"},
	{"RSTRH", "S,lost h r", "RSTRH", "^hr"},
	{"SH", "S F", "SH", "SF"},
	{"SHR", "S,lost h f", "SHR", "^hf"},
	{"OTH, midstream", "D a d A", "OTH", "DadA"},
	{"OTH, a lone SYN-ACK", "S,lost h", "OTH", "^h"},
	{"OTH, a lone ACK", "A", "OTH", "A"},
	{"OTH, a lone RST", "R", "OTH", "R"},
	{"RSTRH, midstream reset", "D a d r", "RSTRH", "Dadr"},
	{"SHR, midstream FIN of the responder", "D a f", "SHR", "Daf"},
	{"S0, answered by a strange ACK", "S a,ackat=5000", "S0", "Sa"},
	{"S0 still, the SYN-ACK unseen", "S h,lost A", "S0", "SA"},
	{"RSTR whatever the RST's number was", "S h A D a r,seq=+900000", "RSTR", "ShADar"},

	/* the letters, once each way */
	{"S again", "S S", "S0", "S"},
	{"S again with another number: Zeek counts from it", "S S,at=900", "S0", "S"},
	{"S again after the close", "S h A F S,at=900", "S2", "ShAFS"},
	{"s", "S s", "S1", "Ss"},
	{"h again", "S h h A", "S1", "ShA"},
	{"h again with another number: Zeek counts from it", "S h h,at=900", "S1", "Sh"},
	{"h again after the close", "S h A f h,at=900", "S3", "ShAfh"},
	{"H", "S H", "S0", "S"},
	{"A and a once", "S h A D a D a A", "S1", "ShADa"},
	{"D and d once", "S h D d,rep=3 D,rep=3", "S1", "ShDd"},
	{"FIN with data is no D", "S h A F,len=9 a", "S2", "ShAFa"},
	{"F again", "S h A F F,seq=-1 a", "S2", "ShAFa"},
	{"F again with another number", "S h A F F,seq=+5 a", "S2", "ShAFFa"},
	{"F again, number of its end", "S h A F,len=5 F,at=6", "S2", "ShAF"},
	{"R again", "S h A D a R R", "RSTO", "ShADaR"},
	{"R again with another number", "S h A D a R R,seq=+1", "RSTO", "ShADaRR"},
	/* payload on a control segment counts as repeated: the segment's end is the highest already */
	{"r with payload", "S h A D a r,len=30", "RSTR", "ShADart"},
	{"SYN with payload", "S,len=20 h A", "S1", "SThA"},
	{"keepalive", "S h A D a K a", "S1", "ShADa"},
	{"keepalive with a byte", "S h A D a K,len=1 a", "S1", "ShADaT"},
	{"data without ACK flag", "S h A D,noack", "S1", "ShAD"},

	{"C", "S h A D,bad,stay D a", "S1", "ShACDa"},
	{"c", "S h A D a d,bad,stay d A", "S1", "ShADacd"},
	{"C ten times", "S h A D,rep=20 D,bad,stay,rep=9 d D,bad,stay", "S1", "ShADCdC"},
	{"G", "S h A D D,lost D a", "S1", "ShADaG"},
	{"g", "S h A D a d,lost d A", "S1", "ShADadg"},
	{"no G, the hole was filled", "S h A D D,lost D D,at=11 a", "S1", "ShADTa"},
	{"G ten times",
		"S h A D d D,lost D a D,lost D a D,lost D a D,lost D a D,lost D a D,lost D a "
		"D,lost D a D,lost D a D,lost D a A D,lost D a",
		"S1", "ShADdaGG"},
	{"T", "S h A D D,at=1 a", "S1", "ShADTa"},
	{"t", "S h A d d,at=1 A", "S1", "ShAdt"},
	{"T nine times", "S h A D D,at=1,rep=9 a", "S1", "ShADTa"},
	{"T ten times", "S h A D D,at=1,rep=10 a", "S1", "ShADTTa"},
	{"T a hundred times", "S h A D D,at=1,rep=100 a d", "S1", "ShADTTTad"},
	{"no T: some of it is new", "S h A D D,at=6 a", "S1", "ShADa"},
	{"T: it fills a hole, which Zeek does not tell apart", "S h A D,lost D D,at=1 a", "S1",
		"ShADTa"},
	{"w", "S h A D a,win=0", "S1", "ShADaw"},
	{"W", "S h A d A,win=0", "S1", "ShAdW"},
	{"w nine times", "S h A D a,win=0,rep=9", "S1", "ShADaw"},
	{"w ten times", "S h A D a,win=0,rep=10", "S1", "ShADaww"},
	{"w in a SYN-ACK", "S h,win=0", "S1", "Shw"},
	{"no w: with a RST", "S h A D a r,win=0", "RSTR", "ShADar"},
	{"no w: the peer has closed", "S h A D F a,win=0", "S2", "ShADFa"},
	{"W after its own FIN", "S h A F A,win=0", "S2", "ShAFW"},

	{"I", "S h A D a I", "RSTO", "ShADaI"},
	{"i", "S h A D a d A i", "RSTR", "ShADadi"},
	{"I once", "S h A D a I I,seq=+7", "RSTO", "ShADaI"},
	{"Q, SYN and RST", "S h A D a Y", "RSTO", "ShADaQ"},
	{"Q, SYN and FIN", "Q", "SH", "Q"},
	{"q", "S h A D a d A y", "RSTR", "ShADadq"},
};

/* Who is the originator? A likely server port speaks against it. */
static const struct {
	struct row row;
	uint16_t client_port;
	uint16_t server_port;
} turned[] = {
	{{"server first", "d a D", "OTH", "^daD"}, 40000, 80},
	{{"server first, its port unlikely", "d A D", "OTH", "Dad"}, 40000, 1081},
	{{"client first", "D d", "OTH", "Dd"}, 40000, 80},
	{{"both likely, from the lower", "d A", "OTH", "^dA"}, 8080, 80},
	{{"both likely, from the higher", "D a", "OTH", "Da"}, 8080, 80},
	{{"both likely, SYN-ACK from the lower", "S,lost h", "OTH", "H"}, 8080, 80},
	{{"a SYN is never turned", "s H a", "S1", "ShA"}, 40000, 80},
	{{"SYN-ACK", "S,lost h", "OTH", "^h"}, 40000, 80},
	{{"SYN-ACK, ACK", "S,lost h A", "S1", "^hA"}, 40000, 80},
	{{"SYN-ACK, unlikely port", "S,lost h", "OTH", "H"}, 40000, 1081},
	{{"SYN-ACK, unlikely port, then ACK", "S,lost h A", "OTH", "^hA"}, 40000, 1081},
	{{"SYN-ACK, unlikely port, then data", "S,lost h D", "OTH", "^hD"}, 40000, 1081},
	{{"SYN-ACK, unlikely port, then RST", "S,lost h r", "OTH", "HR"}, 40000, 1081},
	/* turned at once, a SYN-ACK is the responder's and the SYN only opens its own side; turned by the
	 * SYN, both are open */
	{{"SYN after its SYN-ACK", "S,lost h S A", "OTH", "^hSA"}, 40000, 80},
	{{"SYN after its SYN-ACK, unlikely port", "S,lost h S A", "S1", "Hs^A"}, 40000, 1081},
	{{"a lone FIN of the server", "f", "SHR", "^f"}, 40000, 80},
};

/* More of the likely ports, and their neighbours. */
static const struct {
	uint16_t port;
	bool is_likely;
} ports[] = {
	{20, false},
	{21, true},
	{22, true},
	{23, false},
	{24, false},
	{25, true},
	{53, true},
	{80, true},
	{82, false},
	{88, true},
	{443, true},
	{444, false},
	{502, true},
	{993, true},
	{995, true},
	{3389, true},
	{6669, true},
	{8080, true},
	{8888, true},
	{20000, true},
	{20001, false},
	{65535, false},
	{0, false},
};

/* @return it is as the row says */
static bool
check(const struct row *row, unsigned way, uint16_t client_port, uint16_t server_port)
{
	struct story story;
	const struct jbr_tcp_cold *cold = &story.conn.cold;
	enum jbr_outcome code;

	story_init(&story, way);
	story.ends[0].port = client_port;
	story.ends[1].port = server_port;
	story_tell(&story, row->story);
	code = jbr_zeek_conn_state(&story.conn);
	assert_true(code < JBR_OUTCOME_ZEEK_COUNT);
	if (strcmp(jbr_outcomes[code].key, row->state) == 0 &&
		strlen(row->history) == cold->history_length &&
		memcmp(row->history, cold->history, cold->history_length) == 0)
		return true;
	print_error("%s (way %u), '%s': is %s %.*s, should be %s %s\n", row->name, way, row->story,
		jbr_outcomes[code].key, cold->history_length, cold->history, row->state,
		row->history);
	return false;
}

static void
test_rows(void **state)
{
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(rows); i++)
		for (unsigned way = 0; way < STORY_WAYS; way++)
			wrong += !check(&rows[i], way, 40000, 80);
	assert_int_equal(wrong, 0);
}

static void
test_turned(void **state)
{
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(turned); i++)
		for (unsigned way = 0; way < STORY_WAYS; way++)
			wrong += !check(&turned[i].row, way, turned[i].client_port,
				turned[i].server_port);
	assert_int_equal(wrong, 0);
}

/* Every code has a row, and so has every letter in both cases. */
static void
test_complete(void **state)
{
	static const char letters[] = "shadfrcgtwiqSHADFRCGTWIQ^";
	bool has_code[JBR_OUTCOME_ZEEK_COUNT] = {false};
	bool has_letter[128] = {false};

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(rows) + JBR_COUNT_OF(turned); i++) {
		const struct row *row = i < JBR_COUNT_OF(rows)
			? &rows[i]
			: &turned[i - JBR_COUNT_OF(rows)].row;

		for (unsigned code = 0; code < JBR_OUTCOME_ZEEK_COUNT; code++)
			if (strcmp(jbr_outcomes[code].key, row->state) == 0)
				has_code[code] = true;
		for (const char *at = row->history; *at != '\0'; at++)
			has_letter[(unsigned char)*at] = true;
	}
	for (unsigned code = 0; code < JBR_OUTCOME_ZEEK_COUNT; code++)
		if (!has_code[code])
			fail_msg("%s has no row", jbr_outcomes[code].key);
	for (const char *at = letters; *at != '\0'; at++)
		if (!has_letter[(unsigned char)*at])
			fail_msg("'%c' has no row", *at);
}

static void
test_ports(void **state)
{
	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(ports); i++) {
		struct story story;

		story_init(&story, 0);
		story.ends[1].port = ports[i].port;
		story_tell(&story, "d");
		if ((story.conn.cold.history[0] == '^') != ports[i].is_likely)
			fail_msg("port %u", ports[i].port);
	}
}

/* What comes later than 5 s after the close would be another connection to Zeek. */
static void
test_linger(void **state)
{
	struct story story;

	(void)state;
	story_init(&story, 0);
	story_tell(&story, "S h A F f A D,dt=4900");
	assert_int_equal(story.conn.cold.history_length, 6);
	assert_memory_equal(story.conn.cold.history, "ShAFfD", 6);
	story_tell(&story, "d,dt=500");
	assert_int_equal(story.conn.cold.history_length, 6);
	assert_int_equal(jbr_zeek_conn_state(&story.conn), JBR_OUTCOME_SF);
}

/* The history has its end, and stays inside it. */
static void
test_long(void **state)
{
	struct story story;

	(void)state;
	story_init(&story, 0);
	story_tell(&story, "S h A");
	for (unsigned i = 0; i < JBR_TCP_HISTORY_SIZE; i++)
		story_tell(&story, i % 2 == 0 ? "R,seq=+9,dt=1" : "R,seq=+99,dt=1");
	assert_int_equal(story.conn.cold.history_length, JBR_TCP_HISTORY_SIZE);
	for (unsigned i = 3; i < JBR_TCP_HISTORY_SIZE; i++)
		assert_int_equal(story.conn.cold.history[i], 'R');
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_turned),
		cmocka_unit_test(test_complete),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_linger),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
