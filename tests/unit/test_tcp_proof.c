/* SPDX-License-Identifier: BSD-3-Clause */
/* When is it shown that a connection is more than one packet that somebody made up? */
#include "tcp_story.h"

/* What fits together, and what one sender alone can make up packet by packet. */
static const struct {
	const char *story;
	bool expected;
} proofs[] = {
	{"S", false},
	{"S S", false},
	{"S h", true},
	{"S h,ack=-50", false},
	{"S h,ack=100", false},
	{"S h,ack=-2000000", false},
	{"h", false},
	{"S,lost h A", true},
	{"S A", true},
	{"S A,seq=1", false},
	{"D", false},
	{"D D", true},
	{"D D,seq=1", false},
	{"D a", true},
	{"D a,ack=-5", true},
	{"D a,ack=1", false},
	{"A", false},
	{"A A", false},
	{"A A,ack=1000", true},
	{"A A,ack=2000000", false},
	{"A A,ack=-1000", false},
	{"F", false},
	{"R", false},
	{"R R", false},
};

static void
test_proof(void **state)
{
	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(proofs); i++)
		for (unsigned way = 0; way < STORY_WAYS; way++) {
			struct story story;

			story_init(&story, way);
			story_tell(&story, proofs[i].story);
			if (((story.conn.hot.flags & (uint32_t)JBR_TCP_PROVEN) != 0) !=
				proofs[i].expected)
				fail_msg("%s (way %u)", proofs[i].story, way);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_proof),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
