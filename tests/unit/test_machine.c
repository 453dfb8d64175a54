/* SPDX-License-Identifier: BSD-3-Clause */
/* Facts about a host: lists of CPUs, a made-up host of two nodes, one that has nothing, and this one. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/wait.h>

#include "host_tree.h"

static void
lists_of_cpus(void **state)
{
	static const struct {
		const char *text;
		int rc;
		unsigned count;
		const char *again;
	} rows[] = {
		{"", 0, 0, "none"},
		{"\n", 0, 0, "none"},
		{"0\n", 0, 1, "0"},
		{"0-3", 0, 4, "0-3"},
		{"8,0-3,5", 0, 6, "0-3,5,8"},
		{"1023", 0, 1, "1023"},
		{"0-1023", 0, 1024, "0-1023"},
		{"63-64", 0, 2, "63-64"},
		{"1024", -ERANGE, 0, NULL},
		{"0-99999999999999999999", -ERANGE, 0, NULL},
		{" (null)\n", -EINVAL, 0, NULL},
		{"3-1", -EINVAL, 0, NULL},
		{"1,", -EINVAL, 0, NULL},
		{",1", -EINVAL, 0, NULL},
		{"1-", -EINVAL, 0, NULL},
		{"-1", -EINVAL, 0, NULL},
		{"1 2", -EINVAL, 0, NULL},
		{"1x", -EINVAL, 0, NULL},
		{"one", -EINVAL, 0, NULL},
	};

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(rows); i++) {
		struct machine_cpus cpus = {.bits = {42}};
		struct jbr_buffer text = {0};
		int rc = machine_cpus_parse(rows[i].text, &cpus);

		if (rc != rows[i].rc)
			fail_msg("'%s': %d, not %d", rows[i].text, rc, rows[i].rc);
		if (rc < 0) {
			assert_int_equal(cpus.bits[0], 42);
			continue;
		}
		assert_int_equal(machine_cpus_count(&cpus), rows[i].count);
		machine_cpus_format(&cpus, &text);
		assert_int_equal(text.length, strlen(rows[i].again));
		assert_memory_equal(text.data, rows[i].again, text.length);
		jbr_buffer_fini(&text);
		assert_false(machine_cpus_has(&cpus, MACHINE_CPUS_MAX));
		assert_false(machine_cpus_has(&cpus, UINT32_MAX));
	}
}

static void
host_of_two_nodes(void **state)
{
	struct host_tree tree;
	struct machine *machine;

	(void)state;
	host_tree_make(&tree);
	machine = host_tree_read(&tree);
	assert_int_equal(machine_cpus_count(&machine->online), 8);
	assert_int_equal(machine_cpus_count(&machine->allowed), 8);
	assert_int_equal(machine->isolated.bits[0], 0xcc);
	assert_int_equal(machine_cpus_count(&machine->tickless), 0);
	assert_int_equal(machine_nodes_count(machine), 2);
	assert_int_equal(machine_node_of_cpu(machine, 3), 0);
	assert_int_equal(machine_node_of_cpu(machine, 4), 1);
	assert_int_equal(machine_node_of_cpu(machine, 8), MACHINE_NODE_UNKNOWN);
	assert_int_equal(machine_node_of_cpu(machine, 99999), MACHINE_NODE_UNKNOWN);
	assert_int_equal(machine->distance[0][0], 10);
	assert_int_equal(machine->distance[1][0], 21);
	assert_int_equal(machine->nb_hugepages, 4);
	assert_int_equal(machine_hugepages_free_bytes(machine, 0), UINT64_C(500) << 21);
	assert_int_equal(machine_hugepages_free_bytes(machine, 1), UINT64_C(3) << 30);
	assert_int_equal(machine_hugepages_free_bytes(machine, MACHINE_NODE_UNKNOWN),
		(UINT64_C(500) << 21) + (UINT64_C(3) << 30));
	assert_int_equal(machine_hugepage_bytes(machine), 2 << 20);
	assert_int_equal(machine->memory_bytes, UINT64_C(16000000) * 1024);
	assert_int_equal(machine->available_bytes, UINT64_C(8000000) * 1024);
	assert_int_equal(machine->nb_mounts, 1);
	assert_string_equal(machine->mounts[0].path, "/dev/hugepages");
	assert_int_equal(machine->mounts[0].page_bytes, 2 << 20);
	assert_true(machine->has_capabilities && machine->has_memlock && machine->has_cpu_flags);
	assert_int_equal(machine->memlock_bytes, UINT64_MAX);
	assert_true(machine->has_constant_tsc && machine->has_nonstop_tsc && machine->has_sse42);
	assert_false(machine->is_virtual);
	assert_string_equal(machine->clocksource, "tsc");
	assert_int_equal(machine->thp, MACHINE_THP_MADVISE);
	assert_true(machine->has_vfio_pci);
	assert_false(machine->has_uio_pci || machine->has_noiommu);
	assert_int_equal(machine->nb_iommu_groups, 1);
	assert_int_equal(machine->nb_leftovers, 0);
	assert_int_equal(machine->nb_unread, 0);
	machine_free(machine);
	host_tree_remove(&tree);
}

static void
interfaces_and_devices(void **state)
{
	const struct machine_interface *interface;
	const struct machine_device *device;
	struct host_tree tree;
	struct machine *machine;

	(void)state;
	host_tree_make(&tree);
	host_write(&tree, "/sys/bus/pci/devices/0000:05:00.0/class", "0x020000\n");
	host_write(&tree, "/sys/bus/pci/devices/0000:05:00.0/virtio1/net/ens5/x", "");
	machine = host_tree_read(&tree);
	assert_int_equal(machine->nb_interfaces, 2);
	interface = machine_interface_find(machine, "eth0");
	assert_non_null(interface);
	assert_string_equal(interface->driver, "i40e");
	assert_int_equal(interface->node, 0);
	assert_int_equal(interface->mtu, 1500);
	assert_true(interface->is_up && interface->offloads.is_known && interface->offloads.gro);
	interface = machine_interface_find(machine, "veth0");
	assert_non_null(interface);
	assert_string_equal(interface->driver, "veth");
	assert_int_equal(interface->node, MACHINE_NODE_UNKNOWN);
	assert_false(interface->is_up || interface->offloads.gro);
	assert_null(machine_interface_find(machine, "eth"));

	assert_int_equal(machine->nb_devices, 4);
	device = machine_device_find(machine, "0000:03:00.0");
	assert_non_null(device);
	assert_string_equal(device->driver, "i40e");
	assert_string_equal(device->interface, "eth0");
	assert_int_equal(device->vendor, 0x8086);
	assert_int_equal(device->device, 0x1572);
	assert_int_equal(device->node, 0);
	assert_true(device->has_iommu_group);
	assert_ptr_equal(machine_device_find(machine, "03:00.0"), device);
	assert_ptr_equal(machine_device_find(machine, "03:00.0,queues=1"), device);
	device = machine_device_find(machine, "82:00.0");
	assert_non_null(device);
	assert_string_equal(device->driver, "");
	assert_int_equal(device->node, 1);
	device = machine_device_find(machine, "05:00.0");
	assert_non_null(device);
	assert_string_equal(device->interface, "ens5");
	assert_int_equal(device->node, MACHINE_NODE_UNKNOWN);
	assert_null(machine_device_find(machine, "00:01.0")); /* a disk */
	assert_null(machine_device_find(machine, "03:00"));
	assert_null(machine_device_find(machine, ""));
	machine_free(machine);
	host_tree_remove(&tree);
}

/* A container that hides /sys, or a kernel without NUMA. */
static void
host_that_has_nothing(void **state)
{
	struct host_tree tree;
	struct machine *machine;

	(void)state;
	host_tree_make_empty(&tree);
	host_write(&tree, "/sys/devices/system/cpu/online", "0-1\n");
	host_write(&tree, "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "8\n");
	host_write(&tree, "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "3\n");
	machine = host_tree_read(&tree);
	assert_int_equal(machine_nodes_count(machine), 1);
	assert_int_equal(machine_node_of_cpu(machine, 1), 0);
	assert_int_equal(machine_hugepages_free_bytes(machine, 0), 3 << 21);
	assert_int_equal(machine_cpus_count(&machine->allowed), 2);
	assert_false(machine->has_capabilities || machine->has_memlock || machine->has_cpu_flags);
	assert_true(machine_has_capability(machine, 12)); /* not known to lack it */
	assert_int_equal(machine->thp, MACHINE_THP_UNKNOWN);
	assert_int_equal(machine->nb_interfaces + machine->nb_devices + machine->nb_unread, 0);
	machine_free(machine);
	host_tree_remove(&tree);
}

/* Memory was taken out: the nodes that are left keep their numbers. */
static void
nodes_with_a_gap(void **state)
{
	struct host_tree tree;
	struct machine *machine;

	(void)state;
	host_tree_make(&tree);
	host_write(&tree, "/sys/devices/system/node/online", "0,2\n");
	host_write(&tree, "/sys/devices/system/node/node0/distance", "10 31\n");
	host_write(&tree, "/sys/devices/system/node/node2/distance", "32 10\n");
	host_write(&tree, "/sys/devices/system/node/node2/cpulist", "4-7\n");
	machine = host_tree_read(&tree);
	assert_int_equal(machine_nodes_count(machine), 2);
	assert_int_equal(machine->distance[0][2], 31);
	assert_int_equal(machine->distance[0][1], 0);
	assert_int_equal(machine->distance[2][0], 32);
	assert_int_equal(machine->distance[2][2], 10);
	assert_int_equal(machine_node_of_cpu(machine, 5), 2);
	machine_free(machine);
	host_tree_remove(&tree);
}

static const struct machine_leftover *
leftover_named(const struct machine *machine, const char *prefix)
{
	for (uint32_t i = 0; i < machine->nb_leftovers; i++)
		if (strcmp(machine->leftovers[i].prefix, prefix) == 0)
			return &machine->leftovers[i];
	fail_msg("no leftover of '%s'", prefix);
	return NULL;
}

/* Lock as EAL does, from a process of its own, for a process sees no lock of its own. */
static pid_t
hold_lock(const char *path, int *ret_release)
{
	int ready[2], release[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(release), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};
		int fd = open(path, O_RDWR);

		close(release[1]);
		byte = fd >= 0 && fcntl(fd, F_SETLK, &lock) == 0 ? 'y' : 'n';
		(void)!write(ready[1], &byte, 1);
		(void)!read(release[0], &byte, 1);
		_exit(0);
	}
	close(ready[1]);
	close(release[0]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(byte, 'y');
	close(ready[0]);
	*ret_release = release[1];
	return pid;
}

static void
leftovers_of_dpdk(void **state)
{
	const struct machine_leftover *leftover;
	struct host_tree tree;
	struct machine *machine;
	char path[512];
	int release;
	pid_t pid;

	(void)state;
	host_tree_make(&tree);
	host_write(&tree, "/run/dpdk/killed/config", "x");
	host_write(&tree, "/run/dpdk/running/config", "x");
	host_path(&tree, "/run/dpdk/empty/", path);
	host_write(&tree, "/proc/self/mounts", "none /huge hugetlbfs rw,pagesize=1024M 0 0\n");
	host_write(&tree, "/huge/killedmap_0", "");
	host_write(&tree, "/huge/killedmap_12", "");
	host_write(&tree, "/huge/gonemap_3", "");
	host_write(&tree, "/huge/map_3", "");
	host_write(&tree, "/huge/amap_", "");
	host_write(&tree, "/huge/amap_1x", "");
	host_path(&tree, "/run/dpdk/running/config", path);
	pid = hold_lock(path, &release);
	machine = host_tree_read(&tree);
	close(release);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(machine->mounts[0].page_bytes, 1 << 30);
	assert_int_equal(machine->nb_leftovers, 3);
	leftover = leftover_named(machine, "killed");
	assert_false(leftover->is_running || leftover->is_private);
	assert_string_equal(leftover->folder, "/run/dpdk/killed");
	assert_string_equal(leftover->pages, "/huge");
	assert_int_equal(leftover->nb_pages, 2);
	leftover = leftover_named(machine, "running");
	assert_true(leftover->is_running);
	leftover = leftover_named(machine, "gone");
	assert_string_equal(leftover->folder, "");
	assert_int_equal(leftover->nb_pages, 1);
	machine_free(machine);
	host_tree_remove(&tree);
}

static void
odd_contents(void **state)
{
	struct host_tree tree;
	struct machine *machine;
	char *big = malloc(300000);

	(void)state;
	host_tree_make(&tree);
	host_write(&tree, "/sys/class/net/eth0/mtu", "");
	host_write(&tree, "/sys/class/net/eth0/flags", "up");
	host_write(&tree, "/sys/devices/system/node/node1/distance", "x 10 20 30 40 50\n");
	host_write(&tree, "/sys/devices/system/node/node0/distance", "10 999 20 30\n");
	host_write_hugepages(&tree, 0, "0kB", "5", "5");
	host_write_hugepages(&tree, 0, "manykB", "5", "5");
	host_write_hugepages(&tree, 0, "18446744073709551615kB", "5", "5");
	host_write(&tree, "/proc/self/status", "CapEff:\nCpus_allowed_list:\tall\n");
	host_write(&tree, "/sys/devices/system/cpu/isolated", "0-99999\n");
	/* a list that does not fit is cut */
	assert_non_null(big);
	memset(big, 'x', 299999);
	big[299999] = '\0';
	host_write(&tree, "/proc/self/mounts", big);
	free(big);
	machine = host_tree_read(&tree);
	assert_int_equal(machine_interface_find(machine, "eth0")->mtu, 0);
	assert_false(machine_interface_find(machine, "eth0")->is_up);
	assert_int_equal(machine->distance[0][1], 255);
	assert_int_equal(machine->distance[1][0], 0);
	assert_int_equal(machine->nb_hugepages, 4);
	assert_int_equal(machine->capabilities, 0);
	assert_int_equal(machine_cpus_count(&machine->allowed), 8);
	assert_int_equal(machine_cpus_count(&machine->isolated), 0);
	assert_int_equal(machine->nb_mounts, 0);
	machine_free(machine);
	host_tree_remove(&tree);
}

/* What the kernel keeps from us is listed, not taken for absent. */
static void
unreadable(void **state)
{
	struct host_tree tree;
	struct machine *machine;

	(void)state;
	host_tree_make(&tree);
	/* a link to itself cannot be opened, by root neither */
	host_link(&tree, "/proc/meminfo", "meminfo");
	machine = host_tree_read(&tree);
	assert_true(machine->nb_unread > 0);
	assert_non_null(strstr(machine->unread[0].path, "/proc/meminfo"));
	assert_int_equal(machine->unread[0].error, ELOOP);
	assert_int_equal(machine->memory_bytes, 0);
	machine_free(machine);
	host_tree_remove(&tree);
}

static void
this_host(void **state)
{
	struct machine_source source = machine_source_host();
	struct machine *machine;

	(void)state;
	assert_int_equal(machine_read(&source, &machine, NULL), 0);
	assert_true(machine_cpus_count(&machine->online) >= 1);
	assert_true(machine_cpus_count(&machine->allowed) >= 1);
	assert_true(machine_nodes_count(machine) >= 1);
	assert_true(machine->memory_bytes >= machine->available_bytes);
	assert_true(machine->has_sse42); /* the program would not run else */
	if (machine_interface_find(machine, "lo") != NULL)
		assert_true(machine_interface_find(machine, "lo")->offloads.is_known);
	machine_free(machine);
	machine_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_of_cpus),
		cmocka_unit_test(host_of_two_nodes),
		cmocka_unit_test(interfaces_and_devices),
		cmocka_unit_test(host_that_has_nothing),
		cmocka_unit_test(nodes_with_a_gap),
		cmocka_unit_test(leftovers_of_dpdk),
		cmocka_unit_test(odd_contents),
		cmocka_unit_test(unreadable),
		cmocka_unit_test(this_host),
	};

	return cmocka_run_group_tests_name("machine", tests, NULL, NULL);
}
