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
	uint32_t nb_ports; /* found so far */
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
/** Names of enum live_steering. */
extern const char *const live_steering_names[];
