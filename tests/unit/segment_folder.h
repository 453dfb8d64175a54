/* SPDX-License-Identifier: BSD-3-Clause */
/** @file segment_folder.h  A folder of its own for a test's segments, and a publisher in it. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "jbr_stats.h"

struct segment_folder {
	char folder[64];
	char path[96];
	struct jbr_publisher_params params;
	struct jbr_publisher *publisher;
	struct jbr_shm *shm;
	uint64_t *values;
};

/** Make a folder, a publisher of @p workers workers that keeps 4 snapshots and 8 events, and open it. */
static inline void
segment_folder_init(struct segment_folder *test, uint32_t workers)
{
	static const char *const ports[] = {"net_null0", "a \"quoted\\\" name"};
	static const struct jbr_series_name names[] = {{JBR_METRIC_PORT_XSTAT, "rx_good", 1}};
	struct jbr_error error = {0};

	*test = (struct segment_folder){.folder = "/tmp/jabiru-unit-XXXXXX"};
	assert_non_null(mkdtemp(test->folder));
	snprintf(test->path, sizeof(test->path), "%s/unit", test->folder);
	test->params = (struct jbr_publisher_params){.folder = test->folder,
		.instance = "unit",
		.version = "1.2.3",
		.sensor = "tap-1",
		.mode = "run",
		.nb_workers = workers,
		.nb_ports = 2,
		.ports = ports,
		.names = names,
		.nb_names = 1,
		.interval_ms = 1000,
		.nb_snapshots = 4,
		.nb_events = 8,
		.nb_hosts = 4,
		.start_ns = 5};
	assert_int_equal(jbr_publisher_create(&test->params, &test->publisher, &error), 0);
	assert_int_equal(jbr_shm_open(test->path, &test->shm, &error), 0);
	test->values = calloc(jbr_shm_info(test->shm)->nb_values, sizeof(uint64_t));
	assert_non_null(test->values);
}

/** Close it all and remove the folder. */
static inline void
segment_folder_fini(struct segment_folder *test)
{
	jbr_shm_close(test->shm);
	jbr_publisher_free(test->publisher);
	free(test->values);
	unlink(test->path);
	assert_int_equal(rmdir(test->folder), 0);
}
