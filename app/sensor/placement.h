/* SPDX-License-Identifier: BSD-3-Clause */
/** @file placement.h
 * NUMA: does what a worker uses lie on the worker's node, and putting there what EAL does not own.
 *
 * Owns:    libnuma, which nothing else includes. EAL places its own pools, tables and rings by the node
 *          it is given; this only looks where their pages are.
 * Threads: control code, before the workers start.
 * Fakes:   the host is behind struct numa_ops, so that units show a machine of two nodes.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "jbr_base.h"

enum {
	PLACEMENT_NODE_UNKNOWN = -1,
	PLACEMENT_SAMPLES = 64, /**< pages that are looked at, spread over the memory */
};

/** What is asked of the host. Each returns -errno when it cannot say. */
struct numa_ops {
	/** How many nodes are there? 1 without NUMA. */
	int (*nb_nodes)(void);
	/** The node of a CPU. */
	int (*node_of_cpu)(int cpu);
	/** Distance of two nodes; 10 = the same. */
	int (*distance)(int from, int to);
	/** For each of @p count addresses, the node its page lies on; -ENOENT for a page not taken yet. */
	int (*nodes_of_pages)(const void *const *pages, size_t count, int *ret_nodes);
	/** Pages of this memory that are taken from now on come from @p node; those taken already move
	 * there. @p memory starts at a page. */
	int (*bind)(void *memory, size_t length, int node);
};

/** This host, by libnuma. */
extern const struct numa_ops numa_ops_host;

/** Something a worker uses: a port, a pool, a table. */
struct placement_part {
	const char *what; /**< for the sentence: "flow table" */
	int node;         /**< where it is known to be, or PLACEMENT_NODE_UNKNOWN */
	const void *
		memory; /**< its memory, to be looked at; NULL = there is none, or only node counts */
	size_t length; /**< of it, in bytes */
};

/** A worker and what it uses. */
struct placement_worker {
	unsigned index;
	int cpu;
	const struct placement_part *parts;
	size_t nb_parts;
};

/** Look whether all parts lie on the node of the worker's CPU. Memory that was not touched yet lies
 * nowhere and cannot be wrong, so look after it was filled. Up to PLACEMENT_SAMPLES pages are looked
 * at, so a part of which a few pages lie wrong may pass.
 * @param ret_text  receives a line for each part that lies elsewhere, and for each that could not be
 *                  looked at on a host of several nodes; `worker 0: ...` with its newline
 * @return how many parts lie elsewhere; whether that is a warning or (numa.strict) an error is the
 *         caller's choice. */
unsigned placement_check(const struct numa_ops *ops, const struct placement_worker *worker,
	struct jbr_buffer *ret_text);

/** Put memory that EAL does not own on @p node. On a host of one node, and for
 * PLACEMENT_NODE_UNKNOWN, there is nothing to do.
 * @return 0, or -errno with @p error: the memory stays usable where it is. */
int placement_bind(const struct numa_ops *ops, void *memory, size_t length, int node,
	struct jbr_error *error);
