/* SPDX-License-Identifier: BSD-3-Clause */
/* Errors of DPDK as sentences. The error numbers are those that DPDK 22.11 gave when each mistake was
 * made for real. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>

#include "eal_diagnosis.h"
#include "host_tree.h"

static const struct {
	const char *name;
	struct eal_failure failure;
	const char *sentence;
} rows[] = {
	{"no hugepages",
		{.error = EACCES,
			.has_hugepages = true,
			.needed_bytes = UINT64_C(8) << 30,
			.node = MACHINE_NODE_UNKNOWN},
		"cannot start DPDK: not enough hugepages: 8192 MiB are needed, 4072 MiB are free; "
		"`echo 4108 > /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages`, or "
		"memory.hugepages: no, which is slower"},
	{"no hugepages on that node",
		{.error = ENOMEM, .has_hugepages = true, .needed_bytes = UINT64_C(2) << 30},
		"cannot start DPDK: not enough hugepages: 2048 MiB are needed on NUMA node 0, 1000 "
		"MiB are free; `echo 1036 > "
		"/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages`, or "
		"memory.hugepages: no, which is slower"},
	{"more memory than there is", {.error = ENOMEM, .needed_bytes = UINT64_C(99999999) << 20},
		"cannot start DPDK: not enough memory: 99999999 MiB are needed, 7813 MiB are "
		"available; lower flow.capacity or memory.megabytes"},
	{"bad arguments", {.error = EINVAL, .arguments = "--no-huge --in-memory"},
		"cannot start DPDK: it does not take its arguments (--no-huge --in-memory); take "
		"out of --eal what the configuration sets already"},
	{"a vdev that is none", {.error = ENODEV, .arguments = "--vdev net_nonsense0"},
		"cannot start DPDK: it knows no driver for one of the devices (--vdev "
		"net_nonsense0); check the spelling of ports"},
	{"prefix taken", {.error = 0, .file_prefix = "twice"},
		"cannot start DPDK: another DPDK program runs under the file prefix 'twice'; end "
		"it, or set memory.file_prefix to another word"},
	{"prefix left behind", {.error = EIO, .file_prefix = "killed"},
		"cannot start DPDK: Input/output error; see its own lines above, and `jabiru "
		"doctor`"},
	{"no rights", {.error = EACCES},
		"cannot start DPDK: Permission denied; run as root, or see `jabiru doctor` for the "
		"capabilities that are missing"},
	{"says nothing", {.error = 0},
		"cannot start DPDK: it does not say why; see its own lines above, and `jabiru "
		"doctor`"},
	{"no such interface",
		{.step = EAL_STEP_DEVICE, .error = ENOTSUP, .device = "net_af_packet0,iface=no"},
		"cannot open port 'net_af_packet0,iface=no': no interface 'no'; there are eth0, "
		"veth0; name one of these as iface=, or make it with `ip link add`"},
	{"no right to it",
		{.step = EAL_STEP_DEVICE, .error = EPERM, .device = "net_af_packet0,iface=eth0"},
		"cannot open port 'net_af_packet0,iface=eth0': Operation not permitted; run as "
		"root, "
		"or see `jabiru doctor` for the capabilities that are missing"},
	{"the driver knows why",
		{.step = EAL_STEP_DEVICE, .error = ENOTSUP, .device = "net_null0,x=1"},
		"cannot open port 'net_null0,x=1': its driver refused it; check its arguments, see "
		"its own lines above, and `jabiru doctor`"},
	{"buffers, no pages",
		{.step = EAL_STEP_MEMORY,
			.error = ENOMEM,
			.has_hugepages = true,
			.node = 1,
			.needed_bytes = UINT64_C(4) << 30,
			.what = "packet buffers of port 0"},
		"cannot have packet buffers of port 0: not enough hugepages: 4096 MiB are needed "
		"on "
		"NUMA node 1, 3072 MiB are free; `echo 2048 > "
		"/sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages`, or "
		"memory.hugepages: no, which is slower"},
	{"buffers, -m too small",
		{.step = EAL_STEP_MEMORY,
			.error = ENOMEM,
			.node = MACHINE_NODE_UNKNOWN,
			.needed_bytes = 30 << 20,
			.what = "packet buffers of port 0"},
		"cannot have packet buffers of port 0: Cannot allocate memory (30 MiB); raise "
		"memory.megabytes, or lower flow.capacity"},
};

static void
sentences(void **state)
{
	struct host_tree tree;
	struct machine *machine;

	(void)state;
	host_tree_make(&tree);
	host_write(&tree, "/proc/self/status", "CapEff:\t0\nCpus_allowed_list:\t0-5\n");
	host_write(&tree, "/run/dpdk/twice/config", "x");
	host_write(&tree, "/run/dpdk/killed/config", "x");
	machine = host_tree_read(&tree);
	assert_int_equal(machine->nb_leftovers, 2);
	for (uint32_t i = 0; i < machine->nb_leftovers; i++)
		machine->leftovers[i].is_running = strcmp(machine->leftovers[i].prefix, "twice") ==
			0;
	for (size_t i = 0; i < JBR_COUNT_OF(rows); i++) {
		struct jbr_buffer text = {0};

		eal_diagnosis(&rows[i].failure, machine, &text);
		jbr_buffer_append(&text, "", 1);
		if (strcmp(text.data, rows[i].sentence) != 0)
			fail_msg("%s:\n  %s\nnot\n  %s", rows[i].name, text.data, rows[i].sentence);
		jbr_buffer_fini(&text);
	}
	machine_free(machine);
	host_tree_remove(&tree);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sentences),
	};

	return cmocka_run_group_tests_name("eal_diagnosis", tests, NULL, NULL);
}
