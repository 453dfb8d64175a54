/* SPDX-License-Identifier: BSD-3-Clause */
/* The stats segment, written and read back: names, blocks, snapshots, events, hosts. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "segment_folder.h"

static uint64_t
value_of(const struct segment_folder *test, const char *name, const char *label)
{
	const struct jbr_shm_series *series = jbr_shm_find(test->shm, name, label);

	assert_non_null(series);
	return test->values[series->slot];
}

/* Figures that fit together, and grow with @p scale. */
static struct jbr_worker_figures
figures_of(uint64_t scale)
{
	struct jbr_worker_figures figures = {.not_analysed = 3 * scale,
		.polled = 10 * scale,
		.ring_in = 2 * scale,
		.ring_out = 4 * scale};

	figures.counters.tcp = 5 * scale;
	figures.counters.received = 8 * scale;
	figures.counters.not_analysed[JBR_NOT_ANALYSED_COUNT - 1] = 3 * scale;
	return figures;
}

static void
names_stand_inside(void **state)
{
	struct segment_folder test;
	const struct jbr_shm_info *info;
	const struct jbr_shm_series *series;
	uint32_t families = 0;

	(void)state;
	segment_folder_init(&test, 2);
	info = jbr_shm_info(test.shm);
	assert_string_equal(info->version, "1.2.3");
	assert_string_equal(info->sensor, "tap-1");
	assert_string_equal(info->mode, "run");
	assert_int_equal(info->pid, getpid());
	assert_int_equal(info->nb_families, JBR_METRIC_COUNT);
	assert_int_equal(info->nb_workers, 2);
	for (uint32_t i = 0; i < info->nb_series; i++) {
		series = jbr_shm_series(test.shm, i);
		families += i == 0 || series[-1].family != series->family;
	}
	assert_int_equal(families, info->nb_families);
	for (unsigned i = 0; i < JBR_ANOM_COUNT; i++) {
		series = jbr_shm_find(test.shm, "jabiru_anomalies_total", jbr_anomalies[i].key);
		assert_non_null(series);
		assert_string_equal(series->labels[1].name, "severity");
		assert_string_equal(series->labels[1].value,
			jbr_severities[jbr_anomalies[i].severity]);
	}
	series = jbr_shm_find(test.shm, "jabiru_port_up", "1");
	assert_non_null(series);
	assert_string_equal(series->labels[1].value, "a \"quoted\\\" name");
	for (unsigned i = 0; i < JBR_OUTPUT_COUNT; i++)
		assert_non_null(
			jbr_shm_find(test.shm, "jabiru_output_lines_total", jbr_outputs[i]));
	series = jbr_shm_find(test.shm, "jabiru_port_xstat", "rx_good");
	assert_non_null(series);
	assert_string_equal(series->labels[1].value, "1");
	assert_null(jbr_shm_find(test.shm, "jabiru_port_xstat", "tx_good"));
	segment_folder_fini(&test);
}

static void
blocks_add_up(void **state)
{
	struct segment_folder test;
	struct jbr_worker_figures figures[2] = {figures_of(1), figures_of(100)};
	struct jbr_worker_figures sum;
	uint64_t sequence;

	(void)state;
	segment_folder_init(&test, 2);
	for (unsigned i = 0; i < 2; i++)
		jbr_publish_block(jbr_publisher_block(test.publisher, i), &figures[i]);
	jbr_publish_block(jbr_publisher_block(test.publisher, 0), &figures[0]);
	jbr_publisher_gather(test.publisher, &sum);
	assert_int_equal(sum.counters.tcp, 505);
	jbr_publisher_set(test.publisher, JBR_METRIC_PORT_RECEIVED, 1, 77);
	jbr_publisher_set(test.publisher, JBR_METRIC_PORT_RECEIVED, 2, 78); /* there are two */
	jbr_publisher_set(test.publisher, JBR_METRIC_CLOCK_OFFSET, 0, -9);
	jbr_publisher_snapshot(test.publisher, 1000, 2000);
	{
		struct jbr_shm_snapshot snapshot = {.values = test.values};

		assert_int_equal(jbr_shm_read(test.shm, 0, &snapshot), 0);
		assert_int_equal(snapshot.number, 1);
		assert_int_equal(snapshot.time_ns, 1000);
		assert_int_equal(snapshot.monotonic_ns, 2000);
	}
	assert_int_equal(value_of(&test, "jabiru_received_packets_total", NULL), 808);
	assert_int_equal(value_of(&test, "jabiru_worker_tcp_packets_total", "1"), 500);
	assert_int_equal(value_of(&test, "jabiru_worker_polled_packets_total", "0"), 10);
	assert_int_equal(value_of(&test, "jabiru_port_received_packets_total", "1"), 77);
	assert_int_equal(value_of(&test, "jabiru_port_received_packets_total", "0"), 0);
	assert_int_equal((int64_t)value_of(&test, "jabiru_clock_offset_seconds", NULL), -9);
	assert_int_equal(jbr_shm_read_worker(test.shm, 0, test.values, &sequence), 0);
	assert_int_equal(sequence, 2);
	assert_memory_equal(test.values, &figures[0], sizeof(figures[0]));
	assert_int_equal(jbr_shm_read_worker(test.shm, 2, test.values, NULL), -ENOENT);
	segment_folder_fini(&test);
}

static void
snapshots_go_round(void **state)
{
	struct segment_folder test;
	struct jbr_shm_snapshot snapshot;
	uint64_t oldest, newest;

	(void)state;
	segment_folder_init(&test, 1);
	snapshot.values = test.values;
	jbr_shm_range(test.shm, &oldest, &newest);
	assert_int_equal(newest, 0);
	assert_int_equal(jbr_shm_read(test.shm, 0, &snapshot), -ENOENT);
	for (uint64_t i = 1; i <= 10; i++)
		jbr_publisher_snapshot(test.publisher, i * 100, i);
	jbr_shm_range(test.shm, &oldest, &newest);
	assert_int_equal(oldest, 7);
	assert_int_equal(newest, 10);
	for (uint64_t i = oldest; i <= newest; i++) {
		assert_int_equal(jbr_shm_read(test.shm, i, &snapshot), 0);
		assert_int_equal(snapshot.time_ns, i * 100);
	}
	assert_int_equal(jbr_shm_read(test.shm, 6, &snapshot), -ENOENT);
	assert_int_equal(jbr_shm_read(test.shm, 11, &snapshot), -ENOENT);
	segment_folder_fini(&test);
}

static void
lost_events_are_told(void **state)
{
	struct segment_folder test;
	struct jbr_shm_event event = {.severity = 2};
	struct jbr_shm_cursor cursor;

	(void)state;
	segment_folder_init(&test, 1);
	jbr_shm_seek(test.shm, &cursor, 100);
	assert_int_equal(jbr_shm_next_event(test.shm, &cursor, &event), 0);
	for (uint64_t i = 1; i <= 21; i++) {
		event = (struct jbr_shm_event){.count = i};
		snprintf(event.summary, sizeof(event.summary), "the %u-th", (unsigned)i);
		jbr_publisher_event(test.publisher, &event);
	}
	/* 8 are kept */
	for (uint64_t i = 14; i <= 21; i++) {
		assert_int_equal(jbr_shm_next_event(test.shm, &cursor, &event), 1);
		assert_int_equal(event.number, i);
		assert_int_equal(event.count, i);
	}
	assert_string_equal(event.summary, "the 21-th");
	assert_int_equal(jbr_shm_next_event(test.shm, &cursor, &event), 0);
	assert_int_equal(cursor.lost, 13);
	jbr_shm_seek(test.shm, &cursor, 3);
	assert_int_equal(cursor.next, 19);
	segment_folder_fini(&test);
}

static void
hosts_are_replaced_whole(void **state)
{
	struct segment_folder test;
	struct jbr_shm_host hosts[6] = {0};
	struct jbr_shm_host got[8];

	(void)state;
	segment_folder_init(&test, 1);
	assert_int_equal(jbr_shm_read_hosts(test.shm, got, 8), 0);
	for (unsigned i = 0; i < 6; i++)
		hosts[i].count = i + 1;
	jbr_publisher_hosts(test.publisher, hosts, 6); /* has room for 4 */
	assert_int_equal(jbr_shm_read_hosts(test.shm, got, 8), 4);
	assert_int_equal(got[3].count, 4);
	jbr_publisher_hosts(test.publisher, hosts + 5, 1);
	assert_int_equal(jbr_shm_read_hosts(test.shm, got, 8), 1);
	assert_int_equal(got[0].count, 6);
	segment_folder_fini(&test);
}

static void
life_is_told(void **state)
{
	struct segment_folder test;
	struct jbr_publisher *second = NULL;
	struct jbr_error error;
	uint64_t age_ns;

	(void)state;
	segment_folder_init(&test, 1);
	jbr_publisher_beat(test.publisher, 7 * JBR_NS_PER_S);
	assert_int_equal(jbr_shm_life(test.shm, 8 * JBR_NS_PER_S, &age_ns), JBR_SHM_ALIVE);
	assert_int_equal(age_ns, JBR_NS_PER_S);
	assert_int_equal(jbr_shm_life(test.shm, 12 * JBR_NS_PER_S, NULL), JBR_SHM_STALE);
	assert_int_equal(jbr_publisher_create(&test.params, &second, &error), -EBUSY);
	assert_non_null(strstr(error.text, "another sensor that runs"));
	jbr_publisher_state(test.publisher, JBR_SHM_ENDED);
	assert_int_equal(jbr_shm_life(test.shm, 8 * JBR_NS_PER_S, NULL), JBR_SHM_OVER);
	jbr_publisher_free(test.publisher);
	assert_int_equal(jbr_publisher_create(&test.params, &test.publisher, &error), 0);
	assert_int_equal(jbr_shm_life(test.shm, 8 * JBR_NS_PER_S, NULL), JBR_SHM_REPLACED);
	assert_int_equal(truncate(test.path, 4096), 0);
	jbr_shm_close(test.shm);
	test.shm = NULL;
	assert_int_equal(jbr_shm_open(test.path, &test.shm, &error), -EPROTO);
	segment_folder_fini(&test);
}

static void
others_files_are_refused(void **state)
{
	struct segment_folder test;
	struct jbr_shm *shm = NULL;
	struct jbr_error error;
	char path[128];

	(void)state;
	segment_folder_init(&test, 1);
	assert_int_equal(jbr_shm_open("no-such-sensor", &shm, &error), -ENOENT);
	assert_int_equal(jbr_shm_open(test.folder, &shm, &error), -EPROTO);
	assert_int_equal(jbr_shm_open("..", &shm, &error), -EINVAL);
	assert_int_equal(chmod(test.path, 0666), 0);
	assert_int_equal(jbr_shm_open(test.path, &shm, &error), -EPERM);
	assert_non_null(strstr(error.text, "anybody may write"));
	if (geteuid() == 0) {
		assert_int_equal(chmod(test.path, 0640), 0);
		assert_int_equal(chown(test.path, 65534, 65534), 0);
		assert_int_equal(jbr_shm_open(test.path, &shm, &error), -EPERM);
		assert_non_null(strstr(error.text, "belongs to user 65534"));
	}
	snprintf(path, sizeof(path), "%s/empty", test.folder);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	assert_int_equal(jbr_shm_open(path, &shm, &error), -EAGAIN);
	unlink(path);
	segment_folder_fini(&test);
}

static void
buckets_have_bounds(void **state)
{
	(void)state;
	for (unsigned i = 0; i < JBR_HISTOGRAM_BOUNDS; i++) {
		uint64_t bound = jbr_histogram_bound(i);

		assert_int_equal(jbr_histogram_bucket(bound), i);
		assert_int_equal(jbr_histogram_bucket(bound + 1), i + 1);
	}
	assert_int_equal(jbr_histogram_bucket(0), 0);
	assert_int_equal(jbr_histogram_bucket(UINT64_MAX), JBR_HISTOGRAM_BOUNDS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_stand_inside),
		cmocka_unit_test(blocks_add_up),
		cmocka_unit_test(snapshots_go_round),
		cmocka_unit_test(lost_events_are_told),
		cmocka_unit_test(hosts_are_replaced_whole),
		cmocka_unit_test(life_is_told),
		cmocka_unit_test(others_files_are_refused),
		cmocka_unit_test(buckets_have_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
