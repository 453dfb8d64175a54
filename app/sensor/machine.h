/* SPDX-License-Identifier: BSD-3-Clause */
/** @file machine.h
 * Facts about this host that the live mode stands on: CPUs, memory, NUMA, devices, rights.
 *
 * Owns:    reading them. What they mean is for doctor.h and eal_diagnosis.h to say.
 * Threads: control code, before the workers start; no state between calls.
 * Source:  everything is read below a root directory, so that units show it a made-up host. Nothing is
 *          changed and no right is needed: what may not be read is listed in `unread`.
 * Memory:  one allocation, released with machine_free(); pointers into it live as long.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "jbr_base.h"

enum {
	MACHINE_CPUS_MAX = 1024,
	MACHINE_NODES_MAX = 64,
	MACHINE_HUGEPAGES_MAX = 256, /**< sizes times nodes */
	MACHINE_MOUNTS_MAX = 8,
	MACHINE_INTERFACES_MAX = 256,
	MACHINE_DEVICES_MAX = 256,
	MACHINE_LEFTOVERS_MAX = 32,
	MACHINE_UNREAD_MAX = 16,
	MACHINE_NAME_SIZE = 64,
	MACHINE_PATH_SIZE = 256,
	MACHINE_NODE_UNKNOWN = -1,
};

/** CPUs as a set of bits. */
struct machine_cpus {
	uint64_t bits[MACHINE_CPUS_MAX / 64];
};

/** Pages of one size on one node. */
struct machine_hugepages {
	uint64_t size_bytes;
	uint64_t total;
	uint64_t free;
	int node;
};

/** A mounted hugetlbfs. */
struct machine_mount {
	char path[MACHINE_PATH_SIZE];
	uint64_t page_bytes; /**< 0 = the default size */
};

/** What the kernel does to frames before a program sees them; each hides what was on the wire. */
struct machine_offloads {
	bool is_known; /**< false: the interface was not asked or did not answer */
	bool gro;
	bool lro;
	bool tso;
	bool gso;
	bool rx_checksum;
	bool tx_checksum;
	bool rx_vlan;
};

/** A network interface of the kernel. */
struct machine_interface {
	char name[MACHINE_NAME_SIZE];
	char driver[MACHINE_NAME_SIZE]; /**< empty: none is known */
	int node;
	uint32_t mtu; /**< 0 = not known */
	bool is_up;
	struct machine_offloads offloads;
};

/** A network controller on the PCI bus. */
struct machine_device {
	char address[MACHINE_NAME_SIZE];   /**< 0000:03:00.0 */
	char driver[MACHINE_NAME_SIZE];    /**< empty: bound to none */
	char interface[MACHINE_NAME_SIZE]; /**< its kernel interface, or empty */
	uint32_t vendor;
	uint32_t device;
	int node;
	bool has_iommu_group;
};

/** Files of a DPDK program under one file prefix. */
struct machine_leftover {
	char prefix[MACHINE_NAME_SIZE];
	char folder[MACHINE_PATH_SIZE]; /**< run-time folder, or empty */
	char pages[MACHINE_PATH_SIZE];  /**< hugetlbfs with its page files, or empty */
	uint32_t nb_pages;              /**< page files there */
	bool is_running;                /**< a process holds the lock: no leftover at all */
	bool is_private;                /**< another user's, so nobody knows */
};

enum machine_thp {
	MACHINE_THP_UNKNOWN,
	MACHINE_THP_ALWAYS,
	MACHINE_THP_MADVISE,
	MACHINE_THP_NEVER
};

struct machine {
	struct machine_cpus online;
	struct machine_cpus allowed; /**< to this process */
	struct machine_cpus isolated;
	struct machine_cpus tickless; /**< nohz_full */
	int8_t node_of_cpu[MACHINE_CPUS_MAX];
	uint64_t nodes;                                         /**< bit n: node n exists */
	uint8_t distance[MACHINE_NODES_MAX][MACHINE_NODES_MAX]; /**< 10 = local; 0 = not known */
	uint64_t memory_bytes;
	uint64_t available_bytes; /**< that a program can have without swapping */
	struct machine_hugepages hugepages[MACHINE_HUGEPAGES_MAX];
	struct machine_mount mounts[MACHINE_MOUNTS_MAX];
	struct machine_interface interfaces[MACHINE_INTERFACES_MAX];
	struct machine_device devices[MACHINE_DEVICES_MAX];
	struct machine_leftover leftovers[MACHINE_LEFTOVERS_MAX];
	struct {
		char path[MACHINE_PATH_SIZE];
		int error; /**< errno */
	} unread[MACHINE_UNREAD_MAX];
	uint32_t nb_hugepages;
	uint32_t nb_mounts;
	uint32_t nb_interfaces;
	uint32_t nb_devices;
	uint32_t nb_leftovers;
	uint32_t nb_unread;
	uint32_t nb_iommu_groups;
	uint64_t capabilities;  /**< effective; bit n: CAP_ number n */
	uint64_t memlock_bytes; /**< soft limit; UINT64_MAX = none */
	bool has_capabilities;  /**< capabilities could be read */
	bool has_memlock;
	bool has_cpu_flags; /**< the three below could be read */
	bool has_constant_tsc;
	bool has_nonstop_tsc;
	bool has_sse42;
	bool is_virtual;
	bool has_vfio_pci; /**< the driver is there */
	bool has_uio_pci;  /**< uio_pci_generic or igb_uio */
	bool has_noiommu;  /**< vfio may do without an IOMMU */
	enum machine_thp thp;
	char clocksource[MACHINE_NAME_SIZE];
};

/** Where facts come from. */
struct machine_source {
	const char *root; /**< "" = this host */
	char runtime_folder
		[MACHINE_PATH_SIZE]; /**< where DPDK programs keep a folder each, below root */
	/** Ask the kernel for @p interface's offloads and driver; NULL = do not ask. Leaves what it
	 * does not learn as it is. */
	void (*ask)(const char *interface, struct machine_interface *ret_interface);
};

/** This host, as this user sees it. */
struct machine_source machine_source_host(void);

/** Read all. What is missing or may not be read is no error.
 * @return 0, or -ENOMEM with @p error. */
int machine_read(const struct machine_source *source, struct machine **ret_machine,
	struct jbr_error *error);
/** Release; NULL is fine. */
void machine_free(struct machine *machine);

/** Read a list as in `0-3,8`; white space at the end is passed over, an empty list is an empty set.
 * @return 0; -EINVAL when it is no list; -ERANGE for a CPU of MACHINE_CPUS_MAX or above. */
int machine_cpus_parse(const char *list, struct machine_cpus *ret_cpus);
/** Is @p cpu among them? Any number may be asked for. */
bool machine_cpus_has(const struct machine_cpus *cpus, unsigned cpu);
/** How many are there? */
unsigned machine_cpus_count(const struct machine_cpus *cpus);
/** Append them as a list, `0-3,8`; "none" if there are none. */
void machine_cpus_format(const struct machine_cpus *cpus, struct jbr_buffer *out);

/** The node of @p cpu, or MACHINE_NODE_UNKNOWN. */
int machine_node_of_cpu(const struct machine *machine, unsigned cpu);
/** How many nodes are there? */
unsigned machine_nodes_count(const struct machine *machine);
/** Free hugepages of all sizes in bytes, on @p node or (MACHINE_NODE_UNKNOWN) on all. */
uint64_t machine_hugepages_free_bytes(const struct machine *machine, int node);
/** The same of the pages of @p size_bytes alone; 0 = of all sizes. */
uint64_t machine_hugepages_free_of_size(const struct machine *machine, int node,
	uint64_t size_bytes);
/** The size that most hugepages have; 2 MiB where there are none. */
uint64_t machine_hugepage_bytes(const struct machine *machine);
/** Find an interface by name. @return NULL if there is none */
const struct machine_interface *machine_interface_find(const struct machine *machine,
	const char *name);
/** Find a network controller by its PCI address, with or without the domain; what follows a comma is
 * passed over. @return NULL if there is none */
const struct machine_device *machine_device_find(const struct machine *machine,
	const char *address);
/** @p bytes for a sentence: MiB, rounded up. */
unsigned long long machine_mebibytes(uint64_t bytes);
/** Does the process have capability @p number (linux/capability.h)? Yes if that is not known. */
bool machine_has_capability(const struct machine *machine, unsigned number);
