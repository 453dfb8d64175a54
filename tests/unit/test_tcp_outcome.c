/* SPDX-License-Identifier: BSD-3-Clause */
/* How a connection ended: each of jabiru's own outcomes with a story that raises it and near misses
 * beside it, and which of two wins. Where none of them holds the code is Zeek's, by jabiru's own
 * machine: a segment that was rejected moves nothing. */
#include "tcp_story.h"

enum { ICMP = JBR_TCP_ICMP_REJECTED, HALF_OPEN = JBR_TCP_HALF_OPEN, CUT = JBR_TCP_CUT_SHORT };

#define CAUSE(symbol) JBR_RESET_##symbol
#define NO_RESET JBR_RESET_UNCLASSIFIED

struct row {
	const char *name;
	const char *story;
	uint8_t cause;     /* of its RSTs */
	uint32_t flags;    /* that others than the steps set */
	const char *ended; /* outcome once the connection has ended */
	const char *open;  /* where the capture ended first; NULL: the same. A RST ends by itself */
};

static const struct row rows[] = {
	/* Zeek's codes come through */
	{"nothing back", "S", NO_RESET, 0, "S0", NULL},
	{"closed", "S h A D a d A F f A", NO_RESET, 0, "SF", NULL},
	{"closed without a byte", "S h A F f A", NO_RESET, 0, "SF", NULL},
	{"refused", "S r", CAUSE(REFUSED), 0, "REJ", NULL},
	{"half closed", "S h A D a d A F a", NO_RESET, 0, "S2", NULL},
	{"half closed by the server", "S h A D a d A f A", NO_RESET, 0, "S3", NULL},
	{"scan", "S h X", CAUSE(SYN_SCAN), 0, "RSTO", NULL},
	{"cancelled", "S X", CAUSE(APP_ABORT), 0, "RSTOS0", NULL},
	{"a SYN-ACK, then RST", "S,lost h r", CAUSE(UNSOLICITED_SYNACK), 0, "RSTRH", NULL},
	{"SYN and FIN", "S F,noack", NO_RESET, 0, "SH", NULL},
	{"SYN-ACK and FIN", "S,lost h f", NO_RESET, 0, "SHR", NULL},
	{"midstream", "D a d A", NO_RESET, 0, "OTH", NULL},

	/* a rejected RST moves nothing */
	{"RST outside the window", "S h A D a d A r,seq=+5000", CAUSE(OUT_OF_WINDOW), 0, "S1",
		NULL},
	{"RST inside, not exact", "S h A D a d A R,seq=+9", CAUSE(APP_ABORT), 0, "S1", NULL},
	{"RST outside, then closed", "S h A D a d A r,seq=+5000 F f A", CAUSE(OUT_OF_WINDOW), 0,
		"SF", NULL},
	{"RST to the SYN with a wrong ACK", "S r,ack=-1 h A D a d A", CAUSE(INJECTED), 0, "S1",
		NULL},

	{"RJI", "S", NO_RESET, ICMP, "RJI", NULL},

	{"DESYNC, port reuse", "S a,ackat=5000 X,at=5000", CAUSE(PORT_REUSE), 0, "DESYNC", NULL},
	{"DESYNC, SYN inside", "S h A D a d A S,at=70000 a X", CAUSE(SYN_IN_ESTABLISHED), 0,
		"DESYNC", NULL},
	{"a scrubber's", "S h,ackat=5000 X,at=5000", CAUSE(SAFE_RESET), 0, "RSTO", NULL},
	{"a SYN inside, no RST", "S h A D a d A S,at=70000 a", NO_RESET, 0, "S1", NULL},

	{"RSTI", "S h A D a d A r", CAUSE(INJECTED), 0, "RSTI", NULL},
	{"reset, not injected", "S h A D a d A r", CAUSE(APP_ABORT), 0, "RSTR", NULL},
	{"injected, but it ended nothing", "S h A D a d A r,seq=+5000", CAUSE(INJECTED), 0, "S1",
		NULL},
	{"injected after the close", "S h A D a d A F f A r,seq=+5000", CAUSE(INJECTED), 0, "SF",
		NULL},

	{"PERSIST", "S h A D a,win=0", NO_RESET, 0, "PERSIST", "S1"},
	{"PERSIST, the client's", "S h A D a d A,win=0", NO_RESET, 0, "PERSIST", "S1"},
	{"PERSIST, reset", "S h A D a,win=0 P a,win=0 R", CAUSE(PERSIST_ABORT), 0, "PERSIST", NULL},
	{"PERSIST, one FIN", "S h A D a,win=0 F", NO_RESET, 0, "PERSIST", "S2"},
	{"opened again", "S h A D a,win=0 a d A", NO_RESET, 0, "S1", NULL},
	{"zero window, both FINs", "S h A D a,win=0 F f A", NO_RESET, 0, "SF", NULL},
	{"window of one", "S h A D a,win=1 d A", NO_RESET, 0, "S1", NULL},

	{"ORPH", "S h A d A D F", NO_RESET, 0, "ORPH", "S2"},
	{"ORPH, the server's", "S h A D a d f", NO_RESET, 0, "ORPH", "S3"},
	{"ORPH, a part acknowledged", "S h A d A D D F a,ack=-11", NO_RESET, 0, "ORPH", "S2"},
	{"only the FIN not acknowledged", "S h A d A D F a,ack=-1", NO_RESET, 0, "S2", NULL},
	{"FIN acknowledged", "S h A d A D F a", NO_RESET, 0, "S2", NULL},
	{"data, no FIN", "S h A d A D", NO_RESET, 0, "S1", NULL},
	{"both FINs, data not acknowledged", "S h A d A D F f,ack=-11", NO_RESET, 0, "SF", NULL},

	{"STALL", "S h A D a", NO_RESET, 0, "STALL", "S1"},
	{"STALL, the client gives up", "S h A D a F,dt=2000", NO_RESET, 0, "STALL", "S2"},
	{"STALL, both FINs", "S h A D a F,dt=2000 f A", NO_RESET, 0, "STALL", NULL},
	{"STALL, reset", "S h A D a R,dt=2000", CAUSE(APP_ABORT), 0, "STALL", NULL},
	{"STALL at the second request", "S h A D a d A D a F,dt=2000", NO_RESET, 0, "STALL", "S2"},
	{"not acknowledged, so not owed", "S h A D", NO_RESET, 0, "S1", NULL},
	{"answered", "S h A D a d A", NO_RESET, 0, "S1", NULL},
	{"answered late", "S h A D a d,dt=9000 A F f A", NO_RESET, 0, "SF", NULL},
	{"the server speaks first", "S h A d A", NO_RESET, 0, "S1", NULL},
	{"an upload closed at once", "S h A D a F,dt=500 f A", NO_RESET, 0, "SF", NULL},
	{"the answer may have passed unseen", "S h A D a D,lost D a F,dt=2000", NO_RESET, 0, "S2",
		NULL},
	{"midstream, nobody knows what was owed", "D a D a F,dt=2000 f A", NO_RESET, 0, "SF", NULL},

	{"RSTA, own data", "S h A d A D R", CAUSE(APP_ABORT), 0, "RSTA", NULL},
	{"RSTA, the peer's data", "S h A D a d r", CAUSE(APP_ABORT), 0, "RSTA", NULL},
	{"RSTA, not read", "S h A D a d A r", CAUSE(APP_ABORT_UNREAD), 0, "RSTA", NULL},
	{"all acknowledged", "S h A D a d A R", CAUSE(APP_ABORT), 0, "RSTO", NULL},
	{"all but the FIN", "S h A D a d A F R,dt=50", CAUSE(APP_ABORT), 0, "RSTO", NULL},
	{"not acknowledged, no RST", "S h A d A D", NO_RESET, 0, "S1", NULL},
	{"the RST that meant it was rejected", "S h A D a d A r,seq=+5000", CAUSE(APP_ABORT_UNREAD),
		0, "S1", NULL},

	{"EMPTY", "S h A", NO_RESET, 0, "EMPTY", "S1"},
	{"EMPTY, reset", "S h A R", CAUSE(HEALTH_CHECK), 0, "EMPTY", NULL},
	{"EMPTY, one FIN", "S h A F a", NO_RESET, 0, "EMPTY", "S2"},
	{"one byte", "S h A D,len=1 a d A F a", NO_RESET, 0, "S2", NULL},
	{"not opened", "S h", NO_RESET, 0, "S1", NULL},
	{"keepalives only", "S h A K,len=1 a", NO_RESET, 0, "EMPTY", "S1"},

	{"HO", "S h", NO_RESET, HALF_OPEN, "HO", NULL},
	{"HO, reset", "S h X", CAUSE(SYN_SCAN), HALF_OPEN, "HO", NULL},

	{"LIM", "S h A D a d A", NO_RESET, CUT, "LIM", NULL},
};

/* Both would hold; the earlier one in the order of the outcomes wins. */
static const struct row orders[] = {
	{"RJI before DESYNC", "S a,ackat=5000 X,at=5000", CAUSE(PORT_REUSE), ICMP, "RJI", NULL},
	{"RJI before HO", "S h", NO_RESET, ICMP | HALF_OPEN, "RJI", NULL},
	{"DESYNC before PERSIST", "S h A D a,win=0 S,at=70000 a,win=0 X", CAUSE(SYN_IN_ESTABLISHED),
		0, "DESYNC", NULL},
	{"RSTI before PERSIST", "S h A D a,win=0 r", CAUSE(INJECTED), 0, "RSTI", NULL},
	{"RSTI before RSTA", "S h A d A D r", CAUSE(INJECTED), 0, "RSTI", NULL},
	{"RSTI before STALL", "S h A D a r,dt=2000", CAUSE(INJECTED), 0, "RSTI", NULL},
	{"PERSIST before ORPH", "S h A d A D a,win=0,ack=-10 F", NO_RESET, 0, "PERSIST", "S2"},
	{"PERSIST before STALL", "S h A D a,win=0 a,win=0,dt=2000", NO_RESET, 0, "PERSIST", "S1"},
	{"PERSIST before RSTA", "S h A d A D a,win=0 D R", CAUSE(PERSIST_ABORT), 0, "PERSIST",
		NULL},
	{"ORPH before STALL", "S h A d D,ack=-10 a f,dt=2000", NO_RESET, 0, "ORPH", "S3"},
	{"STALL before RSTA", "S h A D a r,dt=2000", CAUSE(APP_ABORT_UNREAD), 0, "STALL", NULL},
	{"RSTA before EMPTY", "S h A r", CAUSE(APP_ABORT_UNREAD), 0, "RSTA", NULL},
	{"EMPTY before HO", "S h A", NO_RESET, HALF_OPEN, "EMPTY", "HO"},
	{"HO before LIM", "S h", NO_RESET, HALF_OPEN | CUT, "HO", NULL},
};

static bool
check(const struct row *row, unsigned way, bool is_ended)
{
	const char *expected = is_ended || row->open == NULL ? row->ended : row->open;
	struct story story;
	const char *is;

	story_init(&story, way);
	story.cause = row->cause;
	story_tell(&story, row->story);
	story.conn.hot.flags |= row->flags;
	/* as the pipeline flags it at the end */
	if (!(story.conn.hot.flags & (JBR_TCP_SAW_SYN | JBR_TCP_SAW_SYNACK)))
		story.conn.cold.trust |= JBR_TRUST_MIDSTREAM;
	is = jbr_outcomes[jbr_tcp_outcome(&story.conn, is_ended)].key;
	if (strcmp(is, expected) == 0)
		return true;
	print_error("%s (way %u), '%s', %s: is %s, should be %s\n", row->name, way, row->story,
		is_ended ? "ended" : "open", is, expected);
	return false;
}

static unsigned
check_all(const struct row *table, size_t count)
{
	unsigned wrong = 0;

	for (size_t i = 0; i < count; i++)
		for (unsigned is_ended = 0; is_ended < 2; is_ended++)
			for (unsigned way = 0; way < STORY_WAYS; way++)
				if (!check(&table[i], way, is_ended)) {
					wrong++;
					break;
				}
	return wrong;
}

static void
test_rows(void **state)
{
	(void)state;
	assert_int_equal(check_all(rows, JBR_COUNT_OF(rows)), 0);
}

static void
test_order(void **state)
{
	(void)state;
	assert_int_equal(check_all(orders, JBR_COUNT_OF(orders)), 0);
}

/* Every outcome has a row that raises it. */
static void
test_complete(void **state)
{
	(void)state;
	for (unsigned outcome = 0; outcome < JBR_OUTCOME_COUNT; outcome++) {
		bool is_there = false;

		for (size_t i = 0; i < JBR_COUNT_OF(rows); i++)
			is_there = is_there ||
				strcmp(rows[i].ended, jbr_outcomes[outcome].key) == 0;
		if (!is_there)
			fail_msg("%s has no row", jbr_outcomes[outcome].key);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
