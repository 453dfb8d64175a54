/* SPDX-License-Identifier: BSD-3-Clause */
/* How connections begin, through the whole pipeline on a table of 16 places a shard: unanswered SYNs give
 * way to each other by age, cost no record, and are as good as a record when something follows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "builder.h"
#include "pipeline.h"

enum { CAPACITY = 1024, PLACES = CAPACITY / JBR_FLOW_SHARDS, SHARD = 7, BASE_S = 1700000000 };

struct stage {
	struct jbr_config config;
	struct jbr_flow_table *table;
	struct worker *worker;
	struct builder built;
	uint64_t now_ns;
	uint64_t number;
	uint16_t ports[8 * PLACES]; /* of clients, all in one shard */
	/* records, as they were written */
	struct jbr_flow_record records[OUTPUT_RECORDS];
	uint32_t nb_records;
};

static void
build(struct stage *stage, uint16_t flags, unsigned n, uint32_t seq, uint32_t ack)
{
	bool is_back = (flags & BUILDER_ACK) != 0;
	struct builder_options options = {0};

	builder_option_mss(&options, 1460);
	builder_init(&stage->built);
	builder_ethernet(&stage->built, NULL, NULL);
	builder_ip(&stage->built, is_back ? "198.51.100.1" : "192.0.2.1",
		is_back ? "192.0.2.1" : "198.51.100.1");
	builder_tcp(&stage->built,
		&(struct builder_tcp){.src_port = is_back ? 80 : stage->ports[n],
			.dst_port = is_back ? stage->ports[n] : 80,
			.seq = seq,
			.ack = ack,
			.window = 1000,
			.flags = flags,
			.options = &options});
	builder_finish(&stage->built);
	assert_false(stage->built.failed);
}

static struct jbr_frame
frame_of(struct stage *stage)
{
	return (struct jbr_frame){.data = stage->built.data,
		.time_ns = stage->now_ns,
		.number = stage->number,
		.captured = stage->built.length,
		.wire = stage->built.length,
		.link = JBR_LINK_ETHERNET};
}

static void
find_ports(struct stage *stage)
{
	unsigned found = 0;

	for (uint16_t port = 1024; found < JBR_COUNT_OF(stage->ports); port++) {
		struct jbr_flow_probe probe;
		struct jbr_packet packet;
		struct jbr_frame frame;

		stage->ports[found] = port;
		build(stage, BUILDER_SYN, found, 0, 0);
		frame = frame_of(stage);
		jbr_packet_parse(&frame, &stage->worker->packet_options, &packet);
		jbr_flow_locate(stage->table, &packet, &probe);
		found += probe.shard == SHARD;
	}
}

static int
set_up(void **state)
{
	const struct jbr_flow_params params = {.capacity = CAPACITY};
	struct stage *stage = calloc(1, sizeof(*stage));

	assert_non_null(stage);
	jbr_config_defaults(&stage->config);
	stage->table = jbr_flow_table_create(&params);
	stage->worker = aligned_alloc(64, (sizeof(*stage->worker) + 63) / 64 * 64);
	assert_true(stage->table != NULL && stage->worker != NULL);
	worker_init(stage->worker, &stage->config, stage->table, 0, 1);
	stage->worker->wants_records = true;
	stage->worker->wants_findings = true;
	stage->now_ns = BASE_S * JBR_NS_PER_S;
	find_ports(stage);
	*state = stage;
	return 0;
}

static int
tear_down(void **state)
{
	struct stage *stage = *state;

	jbr_flow_table_free(stage->table);
	free(stage->worker);
	free(stage);
	return 0;
}

static void
collect(struct stage *stage)
{
	struct output *output = &stage->worker->output;

	for (uint32_t i = 0; i < output->nb_records; i++)
		stage->records[stage->nb_records++] = output->records[i];
	output->nb_records = 0;
	output->nb_findings = 0;
}

/* One segment, a millisecond after the one before: of the client @p n without ACK, else to it. */
static void
play(struct stage *stage, uint16_t flags, unsigned n, uint32_t seq, uint32_t ack)
{
	struct jbr_frame frame;

	stage->now_ns += JBR_NS_PER_MS;
	stage->number++;
	build(stage, flags, n, seq, ack);
	frame = frame_of(stage);
	pipeline_burst(stage->worker, &frame, 1);
	collect(stage);
}

static void
finish(struct stage *stage)
{
	while (!pipeline_finish(stage->worker, stage->now_ns))
		collect(stage);
	collect(stage);
}

static uint32_t
records_of_table(const struct stage *stage)
{
	uint32_t count = 0;

	for (unsigned rank = 0; rank < JBR_COUNT_OF(stage->ports); rank++) {
		struct jbr_flow_probe probe;
		struct jbr_packet packet;
		struct jbr_frame frame;
		struct stage other = *stage;

		build(&other, BUILDER_SYN, rank, 0, 0);
		frame = frame_of(&other);
		jbr_packet_parse(&frame, &stage->worker->packet_options, &packet);
		jbr_flow_locate(stage->table, &packet, &probe);
		count += jbr_flow_find(stage->worker->shards[SHARD], &probe).line != NULL;
	}
	return count;
}

/* More SYNs than places: the oldest go, in order, and no record is made of any. */
static void
test_flood(void **state)
{
	enum { SYNS = 5 * PLACES };
	struct stage *stage = *state;
	const struct jbr_counters *counters = &stage->worker->counters;

	for (unsigned n = 0; n < SYNS; n++)
		play(stage, BUILDER_SYN, n, n * 1000, 0);
	assert_int_equal(counters->evictions[JBR_FLOW_UNANSWERED], SYNS - PLACES);
	assert_int_equal(stage->nb_records, SYNS - PLACES);
	assert_int_equal(records_of_table(stage), 0);
	finish(stage);
	assert_int_equal(stage->nb_records, SYNS);
	for (unsigned n = 0; n < SYNS; n++) {
		const struct jbr_flow_record *record = &stage->records[n];
		bool is_evicted = n < SYNS - PLACES;

		assert_int_equal(record->first_packet, n + 1);
		assert_int_equal(record->last_packet, n + 1);
		assert_int_equal(record->tuple.src_port, stage->ports[n]);
		assert_int_equal(record->conn_state, JBR_OUTCOME_S0);
		assert_int_equal(record->outcome, is_evicted ? JBR_OUTCOME_LIM : JBR_OUTCOME_S0);
		assert_int_equal(record->end_reason,
			is_evicted ? JBR_END_EVICTED : JBR_END_CAPTURE);
		assert_int_equal(record->packets[0], 1);
		assert_int_equal(record->mss[0], 1460);
		assert_string_equal(record->history, "S");
	}
	assert_int_equal(counters->tcp, SYNS);
	assert_int_equal(counters->segments[JBR_SEGMENT_SYN], SYNS);
	assert_int_equal(counters->outcomes[JBR_OUTCOME_S0], PLACES);
}

/* Nobody wants records: the counts are the same. */
static void
test_flood_counted(void **state)
{
	struct stage *stage = *state;
	const struct jbr_counters *counters = &stage->worker->counters;

	stage->worker->wants_records = false;
	for (unsigned n = 0; n < 2 * PLACES; n++)
		play(stage, BUILDER_SYN, n, n * 1000, 0);
	finish(stage);
	assert_int_equal(stage->nb_records, 0);
	assert_int_equal(counters->connections, 2 * PLACES);
	assert_int_equal(counters->conn_states[JBR_OUTCOME_S0], 2 * PLACES);
	assert_int_equal(counters->outcomes[JBR_OUTCOME_LIM], PLACES);
	assert_int_equal(counters->outcomes[JBR_OUTCOME_S0], PLACES);
	assert_int_equal(counters->one_way + counters->midstream, 0);
}

/* Where others are answered, one that is not outlives as many SYNs as the ring has places: it becomes a
 * record, and is answered in the end. */
static void
test_patience(void **state)
{
	enum { OTHERS = 3 * PLACES };
	struct stage *stage = *state;
	const struct jbr_counters *counters = &stage->worker->counters;

	play(stage, BUILDER_SYN, 0, 7000, 0);
	for (unsigned n = 1; n <= OTHERS; n++) {
		play(stage, BUILDER_SYN, n, 5, 0);
		play(stage, BUILDER_RST | BUILDER_ACK, n, 0, 6);
		/* half of them are over, so that there is room */
		if (n % 8 == 0) {
			stage->now_ns += 6 * JBR_NS_PER_S;
			assert_true(pipeline_expire(stage->worker, stage->now_ns));
			collect(stage);
		}
	}
	assert_int_equal(jbr_counters_evictions(counters), 0);
	assert_int_equal(counters->conn_states[JBR_OUTCOME_REJ], OTHERS);
	play(stage, BUILDER_SYN | BUILDER_ACK, 0, 90, 7001);
	finish(stage);
	assert_int_equal(stage->records[stage->nb_records - 1].first_packet, 1);
	assert_string_equal(stage->records[stage->nb_records - 1].history, "Sh");
	assert_int_equal(counters->connections, OTHERS + 1);
}

/* It ends when it is due, by whoever looks first: the timer, or a packet of its tuple. */
static void
test_due(void **state)
{
	struct stage *stage = *state;
	const uint64_t timeout_ns = stage->config.timeout_syn_sent_s * JBR_NS_PER_S;
	uint64_t first_ns;

	play(stage, BUILDER_SYN, 0, 7000, 0);
	first_ns = stage->now_ns;
	play(stage, BUILDER_SYN, 1, 8000, 0);
	stage->now_ns = first_ns + timeout_ns - 1;
	assert_true(pipeline_expire(stage->worker, stage->now_ns));
	collect(stage);
	assert_int_equal(stage->nb_records, 0);
	stage->now_ns++;
	assert_true(pipeline_expire(stage->worker, stage->now_ns));
	collect(stage);
	assert_int_equal(stage->nb_records, 1);
	stage->now_ns += timeout_ns;
	play(stage, BUILDER_SYN | BUILDER_ACK, 1, 90, 8001);
	assert_int_equal(stage->nb_records, 2);
	for (unsigned n = 0; n < 2; n++) {
		assert_int_equal(stage->records[n].outcome, JBR_OUTCOME_S0);
		assert_int_equal(stage->records[n].end_reason, JBR_END_TIMEOUT);
		assert_int_equal(stage->records[n].order_ns,
			first_ns + n * JBR_NS_PER_MS + timeout_ns);
	}
	finish(stage);
	assert_string_equal(stage->records[2].history, "^h"); /* another connection */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_flood, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_flood_counted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_patience, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_due, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
