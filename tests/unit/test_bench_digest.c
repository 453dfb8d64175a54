/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "digest.h"

/* A field of a record that no two connections may differ in unnoticed. */
#define FIELD(field) \
	{ \
#field, offsetof(struct jbr_flow_record, field) \
	}

static const struct {
	const char *name;
	size_t offset;
} fields[] = {
	FIELD(tuple.src[3]),
	FIELD(tuple.dst[15]),
	FIELD(tuple.src_port),
	FIELD(tuple.dst_port),
	FIELD(tuple.vlan[1]),
	FIELD(tuple.tunnel),
	FIELD(tuple.ip_version),
	FIELD(order_ns),
	FIELD(first_packet),
	FIELD(last_packet),
	FIELD(start_ns),
	FIELD(end_ns),
	FIELD(packets[0]),
	FIELD(packets[1]),
	FIELD(bytes[0]),
	FIELD(bytes[1]),
	FIELD(payload[1]),
	FIELD(retransmitted[0]),
	FIELD(missing[1]),
	FIELD(rtt_server_ns),
	FIELD(rtt_client_ns),
	FIELD(zero_window_ns[1]),
	FIELD(resets_count),
	FIELD(resets[0].packet),
	FIELD(resets[0].seq),
	FIELD(resets[3].cause),
	FIELD(resets[3].is_expected_known),
	FIELD(anomalies[0]),
	FIELD(anomalies[JBR_RECORD_ANOMALIES_WORDS - 1]),
	FIELD(trust),
	FIELD(mss[1]),
	FIELD(wscale[0]),
	FIELD(conn_state),
	FIELD(outcome),
	FIELD(end_reason),
	FIELD(state),
	FIELD(history[0]),
	FIELD(history[JBR_RECORD_HISTORY_SIZE - 1]),
};

static void
every_field_counts(void **state)
{
	struct jbr_flow_record record = {0};
	uint64_t empty = digest_record(&record);

	(void)state;
	for (unsigned i = 0; i < JBR_COUNT_OF(fields); i++) {
		uint8_t *byte = (uint8_t *)&record + fields[i].offset;

		print_message("%s\n", fields[i].name);
		*byte ^= 1;
		assert_true(digest_record(&record) != empty);
		*byte ^= 1;
		assert_true(digest_record(&record) == empty);
	}
}

static void
sides_are_told_apart(void **state)
{
	struct jbr_flow_record one = {.packets = {1, 2}};
	struct jbr_flow_record other = {.packets = {2, 1}};

	(void)state;
	assert_true(digest_record(&one) != digest_record(&other));
}

static void
every_counter_counts(void **state)
{
	struct jbr_counters counters = {0};
	uint64_t *values = (uint64_t *)&counters;
	uint64_t empty = digest_counters(&counters);

	(void)state;
	for (size_t i = 0; i < sizeof(counters) / sizeof(*values); i++) {
		values[i]++;
		assert_true(digest_counters(&counters) != empty);
		values[i]--;
	}
	assert_true(digest_counters(&counters) == empty);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_counts),
		cmocka_unit_test(sides_are_told_apart),
		cmocka_unit_test(every_counter_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
