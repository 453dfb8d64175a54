/* SPDX-License-Identifier: BSD-3-Clause */
/** @file publish.h
 * What a sensor tells its readers: figures, events and the busiest hosts, into the stats segment.
 *
 * Threads: the control thread; each worker writes its own block (publish_block()).
 * Order of a snapshot: the ports are read; the workers publish their blocks, which publish_gather()
 *          reads; publish_live() takes what was read of the ports; publish_snapshot() writes it all. So
 *          what a port is said to hold (in flight) is not more than its descriptors.
 * Memory:  lists of hosts are made as anomalies are first found; what finds no memory is left out.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "jbr_alias.h"
#include "jbr_event.h"
#include "jbr_stats.h"

struct live_report;
struct publish;

struct publish_params {
	const struct jbr_config *config;
	const char *mode;   /**< run, replay */
	const char *sensor; /**< its name in events */
	uint32_t nb_workers;
	const char *const *ports; /**< devices */
	uint32_t nb_ports;
	const struct jbr_series_name *names; /**< of the ports' own statistics */
	uint32_t nb_names;
};

/** Make the segment. @return 0, or -errno with @p error. */
int publish_create(const struct publish_params *params, struct publish **ret_publish,
	struct jbr_error *error);
/** Say that the run is over, and release; the file stays, with the last figures. NULL is fine. */
void publish_free(struct publish *publish);
/** The block of the worker @p index. */
struct jbr_shm_block_head *publish_block(const struct publish *publish, uint32_t index);

/** The sensor is well; to be called every few ms. */
void publish_beat(struct publish *publish);
/** Say what state the sensor is in. */
void publish_state(struct publish *publish, enum jbr_shm_state state);
/** Is it time for a snapshot? */
bool publish_is_due(const struct publish *publish);
/** Begin a snapshot. */
void publish_gather(struct publish *publish);
/** Take what is told of ports, outputs and the clock. */
void publish_live(struct publish *publish, const struct live_report *report);
/** Take a figure of the control thread's. */
void publish_set(struct publish *publish, enum jbr_metric metric, uint32_t index, int64_t value);
/** Write the snapshot. */
void publish_snapshot(struct publish *publish);

/** Show names beside hosts. @param aliases  must outlive it; NULL = none */
void publish_names(struct publish *publish, const struct jbr_aliases *aliases);
/** Count a finding for the hosts in it. */
void publish_finding(struct publish *publish, const struct jbr_finding *finding);
/** Write an event. */
void publish_event(struct publish *publish, const struct jbr_event *event);
