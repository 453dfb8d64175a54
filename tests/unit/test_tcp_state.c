/* SPDX-License-Identifier: BSD-3-Clause */
/* Every cell of the state table against a second one, written from RFC 9293 3.10.7 and the machine that
 * the taxonomy describes, in another form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "jbr_tcp.h"

/* One side of a state: where the events lead, in the order of enum jbr_tcp_event:
 *   SYN  SYN-ACK  ACK  ACK of the SYN  ACK of the FIN  FIN  RST
 * '.' is the state itself; "!key" behind it is what is odd about the event there. */
static const struct {
	const char *state;
	const char *originator;
	const char *responder;
} expected[] = {
	/* the first segment's sender is the originator, so a responder cannot come first */
	{"NEW",
		"SYN_SENT SYNACK_ONLY!synack_unsolicited MIDSTREAM!midstream_pickup "
		"MIDSTREAM!midstream_pickup MIDSTREAM!midstream_pickup FIN_O!fin_no_flow "
		"RESET!rst_no_flow",
		". . . . . . ."},
	/* an ACK of the originator answers a SYN-ACK, and a responder that acknowledges more than the SYN
	 * has had the final ACK, seen or not; an ACK of neither is a challenge (RFC 5961 4) */
	{"SYN_SENT",
		". .!synack_wrong_direction ESTABLISHED ESTABLISHED ESTABLISHED FIN_O!syn_then_fin "
		"RESET",
		"CROSSED!simultaneous_open SYN_RECEIVED .!syn_answered_by_ack ESTABLISHED "
		"ESTABLISHED "
		"FIN_R RESET"},
	{"SYN_RECEIVED", ". .!synack_wrong_direction . ESTABLISHED ESTABLISHED FIN_O RESET",
		". . . ESTABLISHED ESTABLISHED FIN_R RESET"},
	/* RFC 9293 figure 8: who completes decides */
	{"CROSSED", ". . . ESTABLISHED ESTABLISHED FIN_O RESET",
		". . . ESTABLISHED ESTABLISHED FIN_R RESET"},
	/* the SYN-ACK's sender counts as originator; the SYN may come late */
	{"SYNACK_ONLY", ". . MIDSTREAM MIDSTREAM MIDSTREAM FIN_O RESET",
		"SYN_RECEIVED . MIDSTREAM ESTABLISHED ESTABLISHED FIN_R RESET"},
	/* synchronised: a SYN moves nothing (RFC 5961 4), a FIN closes its direction, a RST ends */
	{"ESTABLISHED", ".!syn_on_established . . . . FIN_O RESET",
		".!syn_on_established . . . . FIN_R RESET"},
	{"MIDSTREAM", ".!syn_on_established . . . . FIN_O RESET",
		".!syn_on_established . . . . FIN_R RESET"},
	{"FIN_O", ".!syn_on_established . . . . . RESET",
		".!syn_on_established . . . FIN_O_ACKED FIN_BOTH RESET"},
	{"FIN_O_ACKED", ".!syn_on_established . . . . . RESET",
		".!syn_on_established . . . . FIN_BOTH_O_ACKED RESET"},
	{"FIN_R", ".!syn_on_established . . . FIN_R_ACKED FIN_BOTH RESET",
		".!syn_on_established . . . . . RESET"},
	{"FIN_R_ACKED", ".!syn_on_established . . . . FIN_BOTH_R_ACKED RESET",
		".!syn_on_established . . . . . RESET"},
	{"FIN_BOTH", ".!syn_on_established . . . FIN_BOTH_R_ACKED . RESET",
		".!syn_on_established . . . FIN_BOTH_O_ACKED . RESET"},
	/* one side in TIME-WAIT, the other in LAST-ACK: a SYN may open anew, a RST of either ends it
	 * (RFC 9293 3.10.7.4: enter CLOSED) */
	{"FIN_BOTH_O_ACKED", ". . . . TIME_WAIT . RESET", ". . . . . . RESET"},
	{"FIN_BOTH_R_ACKED", ". . . . . . RESET", ". . . . TIME_WAIT . RESET"},
	/* nothing that still comes changes how it ended */
	{"TIME_WAIT", ". . . . . . .", ". . . . . . ."},
	{"RESET", ". . . . . . .", ". . . . . . ."},
};

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

static const char *const event_names[JBR_TCP_EVENT_COUNT] = {
	[JBR_TCP_EVENT_SYN] = "SYN",
	[JBR_TCP_EVENT_SYNACK] = "SYN-ACK",
	[JBR_TCP_EVENT_ACK] = "ACK",
	[JBR_TCP_EVENT_ACK_SYN] = "ACK of the SYN",
	[JBR_TCP_EVENT_ACK_FIN] = "ACK of the FIN",
	[JBR_TCP_EVENT_FIN] = "FIN",
	[JBR_TCP_EVENT_RST] = "RST",
};

static unsigned
state_of(const char *name)
{
	for (unsigned i = 0; i < JBR_TCP_STATE_COUNT; i++)
		if (strcmp(state_names[i], name) == 0)
			return i;
	fail_msg("no state is called '%s'", name);
	return 0;
}

/* A cell as the expectation writes it. */
static void
write_cell(unsigned state, const struct jbr_tcp_cell *cell, char *text, size_t size)
{
	const char *mark = cell->finding < JBR_ANOM_NONE ? "!" : "";
	const char *key = cell->finding < JBR_ANOM_NONE ? jbr_anomalies[cell->finding].key : "";

	assert_true(cell->next < JBR_TCP_STATE_COUNT);
	assert_true(cell->finding <= JBR_ANOM_NONE);
	snprintf(text, size, "%s%s%s", cell->next == state ? "." : state_names[cell->next], mark,
		key);
}

/* @return cells that differ */
static unsigned
check_side(unsigned state, unsigned side, const char *text)
{
	unsigned wrong = 0;

	for (unsigned event = 0; event < JBR_TCP_EVENT_COUNT; event++) {
		size_t length = strcspn(text, " ");
		char cell[96];

		assert_true(length > 0);
		write_cell(state, &jbr_tcp_table[state][side][event], cell, sizeof(cell));
		if (strlen(cell) != length || memcmp(cell, text, length) != 0) {
			print_error("%s, %s of the %s: is %s, should be %.*s\n", state_names[state],
				event_names[event], side == 0 ? "originator" : "responder", cell,
				(int)length, text);
			wrong++;
		}
		text += length;
		text += strspn(text, " ");
	}
	assert_int_equal(*text, '\0');
	return wrong;
}

static void
test_cells(void **state)
{
	bool is_checked[JBR_TCP_STATE_COUNT] = {[JBR_TCP_STATE_INVALID] = true};
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(expected); i++) {
		unsigned at = state_of(expected[i].state);

		assert_false(is_checked[at]);
		is_checked[at] = true;
		wrong += check_side(at, 0, expected[i].originator);
		wrong += check_side(at, 1, expected[i].responder);
	}
	for (unsigned i = 0; i < JBR_TCP_STATE_COUNT; i++)
		if (!is_checked[i])
			fail_msg("%s is not in the expectation", state_names[i]);
	assert_int_equal(wrong, 0);
}

/* A cell that was forgotten is INVALID, and a finding belongs to the room that finds it. */
static void
test_written(void **state)
{
	(void)state;
	for (unsigned at = JBR_TCP_STATE_NEW; at < JBR_TCP_STATE_COUNT; at++)
		for (unsigned i = 0; i < JBR_TCP_SIDES * JBR_TCP_EVENT_COUNT; i++) {
			const struct jbr_tcp_cell *cell = &jbr_tcp_table[at][i /
				JBR_TCP_EVENT_COUNT][i % JBR_TCP_EVENT_COUNT];

			if (cell->next == JBR_TCP_STATE_INVALID)
				fail_msg("%s, %s of side %u is not written", state_names[at],
					event_names[i % JBR_TCP_EVENT_COUNT],
					i / JBR_TCP_EVENT_COUNT);
			if (cell->next == JBR_TCP_STATE_NEW)
				assert_int_equal(at, JBR_TCP_STATE_NEW);
			if (cell->finding == JBR_ANOM_NONE)
				continue;
			assert_int_equal(jbr_anomalies[cell->finding].group, JBR_GROUP_FLOW);
		}
}

static void
test_reachable(void **state)
{
	bool is_reached[JBR_TCP_STATE_COUNT] = {[JBR_TCP_STATE_NEW] = true};
	bool has_grown = true;

	(void)state;
	while (has_grown) {
		has_grown = false;
		for (unsigned at = 0; at < JBR_TCP_STATE_COUNT; at++)
			for (unsigned i = 0; i < JBR_TCP_SIDES * JBR_TCP_EVENT_COUNT; i++) {
				unsigned next = jbr_tcp_table[at][i / JBR_TCP_EVENT_COUNT]
							     [i % JBR_TCP_EVENT_COUNT]
								     .next;

				if (is_reached[at] && !is_reached[next])
					is_reached[next] = has_grown = true;
			}
	}
	for (unsigned at = 0; at < JBR_TCP_STATE_COUNT; at++)
		if (is_reached[at] != (at != JBR_TCP_STATE_INVALID))
			fail_msg("%s: reached %d", state_names[at], is_reached[at]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cells),
		cmocka_unit_test(test_written),
		cmocka_unit_test(test_reachable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
