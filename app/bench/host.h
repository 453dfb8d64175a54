/* SPDX-License-Identifier: BSD-3-Clause */
/** @file host.h
 * What of the machine a figure depends on.
 *
 * Threads: main().
 */
#pragma once
#include <stdint.h>

#include "jbr_base.h"

enum { HOST_CPUS_MAX = 1024 };

struct host {
	char cpu_model[64];
	char large_pages[16]; /**< the kernel's setting for transparent ones */
	double load_average;  /**< of the last minute */
};

/** Describe this machine; what it does not say stays empty. */
void host_describe(struct host *ret_host);
/** CPUs this process may run on, in order.
 * @return how many. */
unsigned host_cpus(unsigned ret_cpus[HOST_CPUS_MAX]);
/** Run the calling thread on @p cpu only. @return 0, or -errno. */
int host_pin(unsigned cpu);
/** Time that the hypervisor took from all CPUs since boot, in ticks of 10 ms. */
uint64_t host_steal_ticks(void);
/** Memory this process holds, hugepages among it. */
uint64_t host_memory_bytes(void);
