/* SPDX-License-Identifier: BSD-3-Clause */
/** @file eal_diagnosis.h
 * What an error of DPDK means on this host, as one sentence that ends with the fix.
 *
 * DPDK says EACCES when hugepages are missing, ENODEV when it cannot read a vdev's name, and nothing at
 * all when a second program has the same file prefix; so the sentence comes from what was attempted and
 * from the facts of machine.h, with the error number as a hint.
 *
 * Threads: control code; no state, nothing is called of DPDK.
 */
#pragma once
#include "machine.h"

enum eal_step {
	EAL_STEP_INIT,   /**< rte_eal_init() */
	EAL_STEP_DEVICE, /**< a port's device did not appear, or could not be set up */
	EAL_STEP_MEMORY, /**< packet buffers, rings or tables could not be had */
};

/** What failed. Zeros and NULL where nothing is known; node is MACHINE_NODE_UNKNOWN then. */
struct eal_failure {
	enum eal_step step;
	int error;               /**< rte_errno, positive; 0 = it said none */
	bool has_hugepages;      /**< was told to use them: no --no-huge */
	uint64_t needed_bytes;   /**< of memory, in all (EAL_STEP_MEMORY: of what failed) */
	int node;                /**< where; MACHINE_NODE_UNKNOWN = anywhere */
	const char *what;        /**< of EAL_STEP_MEMORY: "packet buffers of port 0" */
	const char *device;      /**< of EAL_STEP_DEVICE: the device string of the configuration */
	const char *arguments;   /**< given to EAL */
	const char *file_prefix; /**< given to EAL */
};

/** Append the sentence: what failed, why, and after a semicolon the fix; no full stop, no newline. */
void eal_diagnosis(const struct eal_failure *failure, const struct machine *machine,
	struct jbr_buffer *out);
