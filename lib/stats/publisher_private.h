/* SPDX-License-Identifier: BSD-3-Clause */
/** @file publisher_private.h  The inside of a publisher; for the files of this room only. */
#pragma once
#include "jbr_stats.h"

/** What will stand in the directory. */
struct directory {
	struct jbr_shm_family_entry families[JBR_METRIC_COUNT];
	uint32_t nb_families;
	struct jbr_shm_series_entry *series;
	uint32_t nb_series;
	uint32_t max_series;
	uint64_t bounds[JBR_HISTOGRAM_BOUNDS];
	struct jbr_buffer strings;
	uint32_t nb_values;
	uint32_t first_slot[JBR_METRIC_COUNT]; /* of those that are set; else UINT32_MAX */
	uint32_t nb_slots[JBR_METRIC_COUNT];
	bool failed; /* memory was out */
};

/** A value that each worker has one of: where it stands in a block, and in a snapshot. */
struct of_worker {
	uint32_t from;
	uint32_t to; /* of the first worker; the others follow */
};

enum { OF_WORKER_MAX = 32 };

struct jbr_publisher {
	uint8_t *bytes;
	uint64_t size;
	int fd;
	struct jbr_shm_header *header;
	struct jbr_shm_block_head *blocks;
	uint64_t block_stride;
	uint8_t *snapshots;
	uint64_t snapshot_stride;
	struct jbr_shm_event *events;
	struct jbr_shm_host *hosts;
	struct jbr_shm_hosts_head *hosts_head;
	uint32_t nb_workers;
	uint32_t nb_values;
	uint32_t nb_snapshots;
	uint32_t nb_events;
	uint32_t nb_hosts; /* of a table */
	struct of_worker of_worker[OF_WORKER_MAX];
	uint32_t nb_of_worker;
	uint32_t first_slot[JBR_METRIC_COUNT];
	uint32_t nb_slots[JBR_METRIC_COUNT];
	uint64_t *values; /* of the next snapshot */
	uint64_t *block;  /* working space: one worker's values */
};

/** Build the directory of @p params; @p publisher learns where its values go. @return 0 or -ENOMEM. */
int directory_build(struct directory *directory, const struct jbr_publisher_params *params,
	struct jbr_publisher *publisher);
/** Release. */
void directory_fini(struct directory *directory);

/** Make the file with publisher->size bytes and map it, which sets `fd` and `bytes`: it has a name only
 * for this process until segment_file_show(). @return 0, or -errno with @p error. */
int segment_file_make(const char *folder, const char *instance, struct jbr_publisher *publisher,
	struct jbr_error *error);
/** Give it its name. @return as above. */
int segment_file_show(const char *folder, const char *instance, struct jbr_error *error);
