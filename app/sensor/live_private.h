/* SPDX-License-Identifier: BSD-3-Clause */
/** @file live_private.h
 * What live.c (running) and live_setup.c (making) share.
 *
 * Threads: as live.h.
 */
#pragma once
#include "clock.h"
#include "live.h"
#include "loop.h"
#include "placement.h"
#include "port.h"
#include "table_memory.h"

enum live_steering { LIVE_ONE_WORKER, LIVE_RSS, LIVE_SOFTWARE };

struct live {
	struct clock clock;
	struct live_params params;
	struct jbr_config config;    /* with what live mode decides itself */
	struct jbr_config *in_force; /* the workers', after a reload; NULL = config */
	struct jbr_config *retired;  /* may still be read; released once no worker does */
	enum live_steering steering;
	struct port ports[LIVE_PORTS_MAX];
	uint32_t nb_ports;                                    /* found so far */
	struct live_port_report port_reports[LIVE_PORTS_MAX]; /* as last read */
	struct table_memory table_memory[WORKERS_MAX];
	struct jbr_flow_table *tables[WORKERS_MAX];
	struct rte_mempool *pools[WORKERS_MAX];
	struct loop *loops[WORKERS_MAX];
	uint32_t nb_workers;
	bool is_running;
	bool is_drained; /* and found empty */
};

/** The index of the worker that polls @p queue of the port @p port. */
unsigned live_worker_of(const struct live *live, unsigned port, unsigned queue);
/** May workers hand packets on instead, now that a port has refused the key? */
bool live_may_fall_back(const struct live *live);
/** Set up software steering in the place of RSS; no worker runs yet. Says so in @p notes.
 * @return 0, or -errno with @p error. */
int live_fall_back(struct live *live, struct jbr_buffer *notes, struct jbr_error *error);
/** Say on which pages the tables lie. */
void live_note_tables(const struct live *live, struct jbr_buffer *notes);
/** Does what each worker uses lie on its node? Looks at ports, its own memory, its packet buffers and the
 * table, all of which must be there (live_placement.c).
 * @param notes  receives a line for each that does not
 * @return 0; with numa.strict -EXDEV and @p error, which has the first such line. */
int live_check_placement(const struct numa_ops *ops, const struct live *live,
	struct jbr_buffer *notes, struct jbr_error *error);
/** Names of enum live_steering. */
extern const char *const live_steering_names[];
