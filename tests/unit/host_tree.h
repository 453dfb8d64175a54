/* SPDX-License-Identifier: BSD-3-Clause */
/** @file host_tree.h
 * A made-up host as a folder of files, for the units of machine.h and doctor.h: two NUMA nodes of four
 * CPUs, three network controllers, hugepages on both nodes.
 *
 * Memory: a folder below /tmp, removed by host_tree_remove().
 */
#pragma once
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine.h"

struct host_tree {
	char root[64];
};

static inline void
host_path(const struct host_tree *tree, const char *path, char *ret_path)
{
	assert_true(snprintf(ret_path, 512, "%s%s", tree->root, path) < 512);
	for (char *slash = strchr(ret_path + strlen(tree->root) + 1, '/'); slash != NULL;
		slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)mkdir(ret_path, 0755);
		*slash = '/';
	}
}

/** Write a file and the folders it stands in. */
static inline void
host_write(const struct host_tree *tree, const char *path, const char *text)
{
	char full[512];
	FILE *file;

	host_path(tree, path, full);
	file = fopen(full, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static inline void
host_link(const struct host_tree *tree, const char *path, const char *target)
{
	char full[512];

	host_path(tree, path, full);
	(void)unlink(full);
	assert_int_equal(symlink(target, full), 0);
}

static inline int
host_remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

/** Remove a file or folder of the tree and all in it. */
static inline void
host_remove(const struct host_tree *tree, const char *path)
{
	char full[512];

	host_path(tree, path, full);
	assert_int_equal(nftw(full, host_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static inline void
host_tree_remove(const struct host_tree *tree)
{
	assert_int_equal(nftw(tree->root, host_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

static inline void
host_write_hugepages(const struct host_tree *tree, unsigned node, const char *size,
	const char *total, const char *free_pages)
{
	char path[256];

	(void)snprintf(path, sizeof(path),
		"/sys/devices/system/node/node%u/hugepages/hugepages-%s/nr_hugepages", node, size);
	host_write(tree, path, total);
	(void)snprintf(path, sizeof(path),
		"/sys/devices/system/node/node%u/hugepages/hugepages-%s/free_hugepages", node,
		size);
	host_write(tree, path, free_pages);
}

/** A network controller. @param driver, interface  NULL = none */
static inline void
host_write_device(const struct host_tree *tree, const char *address, const char *node,
	const char *driver, const char *interface)
{
	char path[256], target[256];

	(void)snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/class", address);
	host_write(tree, path, "0x020000\n");
	(void)snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/vendor", address);
	host_write(tree, path, "0x8086\n");
	(void)snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/device", address);
	host_write(tree, path, "0x1572\n");
	(void)snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/numa_node", address);
	host_write(tree, path, node);
	(void)snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", address);
	host_link(tree, path, "../../../../kernel/iommu_groups/7");
	host_write(tree, "/sys/kernel/iommu_groups/7/type", "DMA\n");
	if (driver != NULL) {
		(void)snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver", address);
		(void)snprintf(target, sizeof(target), "../../../bus/pci/drivers/%s", driver);
		host_link(tree, path, target);
	}
	if (interface == NULL)
		return;
	(void)snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/net/%s/x", address, interface);
	host_write(tree, path, "");
	(void)snprintf(path, sizeof(path), "/sys/class/net/%s/device/numa_node", interface);
	host_write(tree, path, node);
	(void)snprintf(path, sizeof(path), "/sys/class/net/%s/device/driver", interface);
	(void)snprintf(target, sizeof(target), "../../../bus/pci/drivers/%s", driver);
	host_link(tree, path, target);
	(void)snprintf(path, sizeof(path), "/sys/class/net/%s/flags", interface);
	host_write(tree, path, "0x1003\n");
	(void)snprintf(path, sizeof(path), "/sys/class/net/%s/mtu", interface);
	host_write(tree, path, "1500\n");
}

static inline void
host_write_nodes(const struct host_tree *tree)
{
	host_write(tree, "/sys/devices/system/node/online", "0-1\n");
	host_write(tree, "/sys/devices/system/node/node0/cpulist", "0-3\n");
	host_write(tree, "/sys/devices/system/node/node1/cpulist", "4-7\n");
	host_write(tree, "/sys/devices/system/node/node0/distance", "10 21\n");
	host_write(tree, "/sys/devices/system/node/node1/distance", "21 10\n");
	host_write_hugepages(tree, 0, "2048kB", "512\n", "500\n");
	host_write_hugepages(tree, 0, "1048576kB", "1\n", "0\n");
	host_write_hugepages(tree, 1, "2048kB", "1024\n", "1024\n");
	host_write_hugepages(tree, 1, "1048576kB", "1\n", "1\n");
}

/* What a test that failed left behind. */
static char host_tree_last[64];

static inline void
host_tree_at_exit(void)
{
	(void)nftw(host_tree_last, host_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/** An empty host. */
static inline void
host_tree_make_empty(struct host_tree *ret_tree)
{
	strcpy(ret_tree->root, "/tmp/jabiru-host-XXXXXX");
	assert_non_null(mkdtemp(ret_tree->root));
	if (host_tree_last[0] == '\0')
		(void)atexit(host_tree_at_exit);
	else
		host_tree_at_exit();
	strcpy(host_tree_last, ret_tree->root);
}

/** The host, with all that a live run may want. */
static inline void
host_tree_make(struct host_tree *ret_tree)
{
	struct host_tree *tree = ret_tree;

	host_tree_make_empty(tree);
	host_write(tree, "/sys/devices/system/cpu/online", "0-7\n");
	host_write(tree, "/sys/devices/system/cpu/isolated", "2-3,6-7\n");
	host_write(tree, "/sys/devices/system/cpu/nohz_full", " (null)\n");
	host_write(tree, "/sys/devices/system/clocksource/clocksource0/current_clocksource",
		"tsc\n");
	host_write(tree, "/proc/cpuinfo",
		"processor\t: 0\nflags\t\t: fpu constant_tsc nonstop_tsc sse4_1 sse4_2 avx\n\n"
		"processor\t: 1\nflags\t\t: fpu\n");
	host_write(tree, "/proc/meminfo",
		"MemTotal:       16000000 kB\nMemFree: 1 kB\nMemAvailable:   8000000 kB\n");
	host_write(tree, "/proc/self/status",
		"Name:\tx\nCapEff:\t000001ffffffffff\nCpus_allowed:\tff\nCpus_allowed_list:\t0-"
		"7\n");
	host_write(tree, "/proc/self/limits",
		"Limit                     Soft Limit           Hard Limit           Units\n"
		"Max locked memory         unlimited            unlimited            bytes\n");
	host_write(tree, "/proc/self/mounts",
		"proc /proc proc rw 0 0\n"
		"hugetlbfs /dev/hugepages hugetlbfs rw,relatime,pagesize=2M 0 0\n");
	host_write(tree, "/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
	host_write_nodes(tree);
	host_write_device(tree, "0000:03:00.0", "0\n", "i40e", "eth0");
	host_write_device(tree, "0000:81:00.0", "1\n", "vfio-pci", NULL);
	host_write_device(tree, "0000:82:00.0", "1\n", NULL, NULL);
	host_write(tree, "/sys/bus/pci/devices/0000:00:01.0/class", "0x010000\n");
	host_write(tree, "/sys/bus/pci/drivers/vfio-pci/bind", "");
	host_write(tree, "/sys/class/net/bonding_masters", "\n");
	host_write(tree, "/sys/class/net/veth0/flags", "0x1002\n");
	host_write(tree, "/sys/class/net/veth0/mtu", "9000\n");
}

/* The offloads of the interfaces of this host: eth0 has some on, veth0 has none. */
static inline void
host_ask(const char *name, struct machine_interface *ret_interface)
{
	ret_interface->offloads.is_known = true;
	ret_interface->offloads.gro = strcmp(name, "eth0") == 0;
	ret_interface->offloads.rx_vlan = strcmp(name, "eth0") == 0;
	if (strcmp(name, "veth0") == 0)
		strcpy(ret_interface->driver, "veth");
}

/** Its facts; release with machine_free(). */
static inline struct machine *
host_tree_read(const struct host_tree *tree)
{
	struct machine_source source = {.root = tree->root,
		.runtime_folder = "/run/dpdk",
		.ask = host_ask};
	struct machine *machine;

	assert_int_equal(machine_read(&source, &machine, NULL), 0);
	return machine;
}
