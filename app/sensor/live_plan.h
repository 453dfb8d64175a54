/* SPDX-License-Identifier: BSD-3-Clause */
/** @file live_plan.h
 * What `jabiru run` is going to do on this host: which ports, which CPUs, how much memory, and what
 * DPDK is told. All that can be wrong about it is found here, before DPDK is started.
 *
 * Owns:    no resource; calls nothing of DPDK, so units show it a made-up host.
 * Threads: main(), before anything else starts.
 * Memory:  a plan is a value; device strings in it point into the configuration.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "device.h"
#include "jbr_base.h"
#include "jbr_catalog.h"
#include "machine.h"
#include "pipeline.h"

enum {
	LIVE_PORTS_MAX = JBR_CONFIG_MAX_ports,
	LIVE_ARGUMENTS_MAX = 96,
	LIVE_ARGUMENTS_SIZE = 8192,
	LIVE_FRAME_MAX = 9216,    /**< MTU up to which a frame gets one buffer */
	LIVE_DESCRIPTORS = 4096,  /**< of a queue, where the device and the configuration allow */
	LIVE_MBUF_CACHE = 256,    /**< packet buffers that a worker keeps at hand */
	LIVE_MBUFS_IN_HAND = 512, /**< that may be on their way through a worker */
};

/** What a problem is about. */
enum live_part {
	LIVE_PART_PORT,
	LIVE_PART_CPUS,
	LIVE_PART_HUGEPAGES,
	LIVE_PART_MEMORY,
	LIVE_PART_NUMA,
	LIVE_PART_OTHER,
};

/** A reason not to start. */
struct live_problem {
	enum live_part part;
	uint32_t port; /**< its place in the configuration (LIVE_PART_PORT) */
	int code;      /**< -errno */
	struct jbr_error error;
};

enum { LIVE_PROBLEMS_MAX = 2 * LIVE_PORTS_MAX + 8 };

/** A port that is to be read. */
struct live_port_plan {
	const char *device; /**< as in the configuration */
	unsigned index;     /**< its place there */
	char name[64];      /**< what DPDK calls it */
	struct device kind;
	uint32_t queues;         /**< 0 = as many as there are workers */
	uint32_t rx_descriptors; /**< 0 = as the device likes it */
	uint32_t frame_bytes;    /**< largest frame that gets one buffer */
	int node;                /**< MACHINE_NODE_UNKNOWN */
};

struct live_plan {
	struct live_port_plan ports[LIVE_PORTS_MAX];
	uint32_t nb_ports;
	unsigned cpus[WORKERS_MAX]; /**< of the workers */
	uint32_t nb_workers;
	unsigned control_cpu;
	uint64_t eal_bytes;         /**< packet buffers and rings, at most */
	uint64_t table_bytes;       /**< connection tables, at most */
	bool has_hugepages;         /**< packet buffers and rings lie on them */
	bool tables_have_hugepages; /**< there are enough for the tables too; not said before DPDK
				       took its own, so it is a wish */
	int nb_arguments;           /**< of rte_eal_init() */
	char *arguments[LIVE_ARGUMENTS_MAX + 1];
	char texts[LIVE_ARGUMENTS_SIZE]; /**< what the arguments point to */
	size_t texts_length;
	struct jbr_buffer
		notes; /**< lines that the user should see; release with live_plan_fini() */
	struct live_problem problems[LIVE_PROBLEMS_MAX];
	uint32_t nb_problems;
};

/** Packet buffers of one worker that reads @p descriptors in all; a power of two minus one.
 * @param handed_on  packets that other workers' rings to it may hold */
uint32_t live_mbufs(uint64_t descriptors, uint64_t handed_on);

/** Places of each table, where @p tables of them share the connections that are configured. */
uint32_t live_table_capacity(const struct jbr_config *config, uint32_t tables);

/** Put the ports of the command line (--port) in the place of the configuration's; none leaves them.
 * @return 0, or -EINVAL: one is too long. */
int live_plan_use_ports(struct jbr_config *config, const char *const *devices, size_t nb_devices,
	struct jbr_error *error);

/** Make the plan. It goes on after a problem, so that `jabiru doctor` can tell all of them; a plan with
 * one is only to be looked at.
 * @param extra    words for DPDK after ours (--eal), or NULL
 * @param ret_plan must stay where it is: it points into itself
 * @param error    of the first problem: one sentence that names the key, and after its last semicolon
 *                 the fix
 * @return 0, or of the first problem -EINVAL, -ENODEV (a device), -ENOMEM, -EXDEV (NUMA). */
int live_plan_make(const struct jbr_config *config, const char *extra,
	const struct machine *machine, struct live_plan *ret_plan, struct jbr_error *error);
/** NUMA nodes that workers are on, as bits; 0 where the host has one only, or does not say. */
uint64_t live_plan_nodes(const struct live_plan *plan, const struct machine *machine);
/** What of @p bytes belongs on @p node: the share of its workers; MACHINE_NODE_UNKNOWN: all of it. */
uint64_t live_plan_share(const struct live_plan *plan, const struct machine *machine, int node,
	uint64_t bytes);
/** Release what it holds. */
void live_plan_fini(struct live_plan *plan);
