/* SPDX-License-Identifier: BSD-3-Clause */
/* What the exporter says of a sensor's health, from a segment whose figures are made to grow. */
#include "health.h"
#include "segment_folder.h"

enum { STEPS = 4 }; /* snapshots that the folder's publisher keeps */

struct row {
	const char *name;
	struct jbr_worker_figures growth; /* of a step */
	int64_t missed;                   /* the same */
	int64_t offset_ms;
	bool is_down;
	enum jbr_health_level level;
	const char *words; /* in the first reason; NULL = there is none */
};

#define HEALTHY \
	.counters = {.received = 1000, \
		.tcp = 1000, \
		.acks = 1000, \
		.acks_unseen = 1, \
		.outcomes = {[JBR_OUTCOME_SF] = 100}, \
		.one_way = 1}

static const struct row rows[] = {
	{"healthy", {HEALTHY}, 0, 0, false, JBR_HEALTH_OK, NULL},
	{"a few lost at the ports", {HEALTHY}, 1, 0, false, JBR_HEALTH_WARN, "losing packets"},
	{"many lost at the ports", {HEALTHY}, 100, 0, false, JBR_HEALTH_FAIL, "9.09 % ("},
	{"a port without link", {HEALTHY}, 0, 0, true, JBR_HEALTH_FAIL,
		"port 0 (net_null0) has no link"},
	{"the clock", {HEALTHY}, 0, -700, false, JBR_HEALTH_WARN, "-0.7 s off"},
	{"the clock, nearly", {HEALTHY}, 0, 499, false, JBR_HEALTH_OK, NULL},
	{"one direction only",
		{.counters = {.received = 1000,
			 .tcp = 1000,
			 .outcomes = {[JBR_OUTCOME_OTH] = 10},
			 .one_way = 6}},
		0, 0, false, JBR_HEALTH_WARN, "one direction only"},
	{"too few connections to say so",
		{.counters = {.received = 1000,
			 .tcp = 1000,
			 .outcomes = {[JBR_OUTCOME_OTH] = 6},
			 .one_way = 6}},
		0, 0, false, JBR_HEALTH_OK, NULL},
	{"the tap loses packets",
		{.counters = {.received = 1000, .tcp = 1000, .acks = 1000, .acks_unseen = 60}}, 0,
		0, false, JBR_HEALTH_FAIL, "never came by"},
	{"records that found no room", {HEALTHY, .lost_records = 1}, 0, 0, false, JBR_HEALTH_WARN,
		"in the last 10 s 2 connection records"},
	{"silence", {.counters = {.received = 0}}, 0, 0, false, JBR_HEALTH_WARN, "no packet for"},
};

/* Add the values of a step to those so far. */
static void
add(struct jbr_worker_figures *to, const struct jbr_worker_figures *growth)
{
	uint64_t *sum = (uint64_t *)to;
	const uint64_t *more = (const uint64_t *)growth;

	for (unsigned i = 0; i < JBR_WORKER_VALUES; i++)
		sum[i] += more[i];
}

static void
step(struct segment_folder *folder, const struct row *row, struct jbr_worker_figures *figures,
	unsigned number)
{
	add(figures, &row->growth);
	jbr_publish_block(jbr_publisher_block(folder->publisher, 0), figures);
	jbr_publisher_gather(folder->publisher, NULL);
	for (uint32_t port = 0; port < 2; port++)
		jbr_publisher_set(folder->publisher, JBR_METRIC_PORT_UP, port,
			port != 0 || !row->is_down);
	jbr_publisher_set(folder->publisher, JBR_METRIC_RELOAD_OK, 0, 1);
	jbr_publisher_set(folder->publisher, JBR_METRIC_MISSED_PACKETS, 0, row->missed * number);
	jbr_publisher_set(folder->publisher, JBR_METRIC_CLOCK_OFFSET, 0,
		row->offset_ms * (int64_t)JBR_NS_PER_MS);
	jbr_publisher_snapshot(folder->publisher, number, number * 5 * JBR_NS_PER_S);
}

static void
sentences_fit(void **state)
{
	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(rows); i++) {
		const struct row *row = &rows[i];
		struct segment_folder folder;
		struct source source;
		struct jbr_health health;
		struct jbr_worker_figures figures = {0};

		segment_folder_init(&folder, 1);
		jbr_publisher_state(folder.publisher, JBR_SHM_RUNNING);
		source_init(&source, folder.path);
		for (unsigned number = 1; number <= STEPS + 1; number++)
			step(&folder, row, &figures, number);
		jbr_publisher_beat(folder.publisher, jbr_shm_now_ns());
		source_refresh(&source);
		assert_int_equal(source.life, SOURCE_ALIVE);
		health_judge(&source, &health);
		print_message("%s: %s\n", row->name,
			health.count > 0 ? health.reasons[0].text : "fine");
		assert_int_equal(health.level, row->level);
		assert_int_equal(health.count, row->words != NULL);
		if (row->words != NULL)
			assert_non_null(strstr(health.reasons[0].text, row->words));
		source_fini(&source);
		segment_folder_fini(&folder);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(sentences_fit)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
