/* SPDX-License-Identifier: BSD-3-Clause */
/* What `jabiru run` makes of a configuration on a made-up host of two nodes, and what it refuses. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>

#include "host_tree.h"
#include "live_plan.h"
#include "table_memory.h"

struct host {
	struct host_tree tree;
	struct machine *machine;
};

static int
make_host(void **state)
{
	static struct host host;

	host_tree_make(&host.tree);
	host.machine = host_tree_read(&host.tree);
	*state = &host;
	return 0;
}

static int
remove_host(void **state)
{
	struct host *host = *state;

	machine_free(host->machine);
	host_tree_remove(&host->tree);
	return 0;
}

/* The defaults and one port that needs nothing of the host. */
static struct jbr_config
small_config(void)
{
	struct jbr_config config;

	jbr_config_defaults(&config);
	config.flow_capacity = 65536;
	config.ports_count = 1;
	strcpy(config.ports[0].device, "net_null0");
	return config;
}

/* The arguments as one text, words parted by a blank. */
static char *
words_of(const struct live_plan *plan)
{
	static char text[LIVE_ARGUMENTS_SIZE];
	size_t at = 0;

	for (int i = 0; i < plan->nb_arguments; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s", i > 0 ? " " : "",
			plan->arguments[i]);
	assert_null(plan->arguments[plan->nb_arguments]);
	return text;
}

static void
expect_refusal(const struct host *host, const struct jbr_config *config, const char *extra,
	const char *text)
{
	static struct live_plan plan;
	struct jbr_error error = {0};

	assert_true(live_plan_make(config, extra, host->machine, &plan, &error) < 0);
	if (strncmp(error.text, text, strlen(text)) != 0)
		fail_msg("'%s'\nnot '%s'", error.text, text);
	live_plan_fini(&plan);
}

static void
with_hugepages(void **state)
{
	const struct host *host = *state;
	struct jbr_config config = small_config();
	static struct live_plan plan;
	struct jbr_error error;

	strcpy(config.worker_cpus, "4-5,7");
	strcpy(config.worker_control_cpu, "7");
	config.ports_count = 2;
	strcpy(config.ports[1].device, "81:00.0,x=1");
	assert_int_equal(live_plan_make(&config, "-n 4", host->machine, &plan, &error), 0);
	assert_true(plan.has_hugepages);
	assert_int_equal(plan.nb_workers, 3);
	assert_int_equal(plan.cpus[2], 7);
	assert_int_equal(plan.control_cpu, 7);
	assert_string_equal(plan.ports[1].name, "0000:81:00.0");
	assert_int_equal(plan.ports[1].node, 1);
	assert_int_equal(plan.ports[1].frame_bytes, LIVE_FRAME_MAX);
	assert_string_equal(words_of(&plan),
		"jabiru --lcores 0@7,1@4,2@5,3@7 --file-prefix jabiru "
		"--log-level=*:warning --in-memory --vdev "
		"net_null0 --allow 81:00.0,x=1 -n 4");
	assert_int_equal(plan.notes.length, 0);
	live_plan_fini(&plan);
}

static void
without_hugepages(void **state)
{
	const struct host *host = *state;
	struct jbr_config config = small_config();
	static struct live_plan plan;
	struct jbr_error error;

	config.memory_hugepages = JBR_VALUE_hugepages_NO;
	config.memory_megabytes = 100;
	assert_int_equal(live_plan_make(&config, NULL, host->machine, &plan, &error), 0);
	/* the last CPU works, the first controls */
	assert_string_equal(words_of(&plan),
		"jabiru --lcores 0@0,1@7 --file-prefix jabiru "
		"--log-level=*:warning --no-huge --no-shconf "
		"--iova-mode=va -m 100 --vdev "
		"net_null0 "
		"--no-pci");
	assert_int_equal(plan.notes.length, 0);
	live_plan_fini(&plan);
}

/* As 2 MiB pages: what a plan needs of DPDK's and of the tables' memory. */
static unsigned long long
pages_of(uint64_t bytes)
{
	return (unsigned long long)((bytes + TABLE_MEMORY_PAGE_BYTES - 1) /
		TABLE_MEMORY_PAGE_BYTES);
}

/* Node 1, which the worker is on, has 2 GiB free in small huge pages and 1 GiB in a large one. */
static void
too_few_hugepages(void **state)
{
	const struct host *host = *state;
	struct jbr_config config = small_config();
	uint64_t tables = table_memory_bytes(jbr_flow_places(config.flow_capacity));
	static struct live_plan plan;
	struct jbr_error error;
	char text[512];

	config.memory_megabytes = 4096;
	assert_int_equal(live_plan_make(&config, NULL, host->machine, &plan, &error), 0);
	assert_false(plan.has_hugepages);
	assert_true(plan.tables_have_hugepages);
	assert_int_equal(plan.table_bytes, tables);
	jbr_buffer_append(&plan.notes, "", 1);
	snprintf(text, sizeof(text),
		"without hugepages for packet buffers, which is slower: 4096 MiB for packet "
		"buffers and %llu MiB for tables are needed on NUMA node 1, 3072 MiB are free; "
		"`echo %llu > "
		"/sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages`\n",
		machine_mebibytes(tables), pages_of(tables + (UINT64_C(4) << 30)));
	assert_string_equal(plan.notes.data, text);
	live_plan_fini(&plan);
	/* enough for DPDK, but then not for the tables */
	config.memory_megabytes = 2047;
	assert_int_equal(live_plan_make(&config, NULL, host->machine, &plan, &error), 0);
	assert_true(plan.has_hugepages);
	assert_false(plan.tables_have_hugepages);
	jbr_buffer_append(&plan.notes, "", 1);
	assert_non_null(strstr(plan.notes.data, "without hugepages for the tables, which is "));
	live_plan_fini(&plan);
	/* enough on both nodes together, but not on one */
	config.memory_megabytes = 3200;
	config.memory_hugepages = JBR_VALUE_hugepages_YES;
	snprintf(text, sizeof(text),
		"memory.hugepages: 3200 MiB are needed on NUMA node 1, and %llu MiB more for the "
		"tables to lie there too, 3072 MiB are free; `echo %llu > ",
		machine_mebibytes(tables), pages_of(tables + (UINT64_C(3200) << 20)));
	expect_refusal(host, &config, NULL, text);
}

static void
strict_about_nodes(void **state)
{
	const struct host *host = *state;
	struct jbr_config config = small_config();
	static struct live_plan plan;
	struct jbr_error error;

	strcpy(config.ports[0].device, "0000:81:00.0");
	strcpy(config.worker_cpus, "4,2");
	assert_int_equal(live_plan_make(&config, NULL, host->machine, &plan, &error), 0);
	live_plan_fini(&plan);
	config.numa_strict = true;
	expect_refusal(host, &config, NULL,
		"numa.strict: ports[0] (0000:81:00.0) is on node 1, worker CPU 2 on node 0; set "
		"worker.cpus to CPUs of node 1 (cat /sys/devices/system/node/node1/cpulist)");
	strcpy(config.worker_cpus, "4,5");
	assert_int_equal(live_plan_make(&config, NULL, host->machine, &plan, &error), 0);
	live_plan_fini(&plan);
}

static void
offloads_are_noted(void **state)
{
	const struct host *host = *state;
	struct jbr_config config = small_config();
	static struct live_plan plan;
	struct jbr_error error;

	strcpy(config.ports[0].device, "net_af_packet0,iface=eth0");
	assert_int_equal(live_plan_make(&config, NULL, host->machine, &plan, &error), 0);
	jbr_buffer_append(&plan.notes, "", 1);
	assert_non_null(strstr(plan.notes.data,
		"ports[0]: eth0 has gro rxvlan on, so what is seen is not what was on the wire; "
		"`ethtool -K eth0 gro off rxvlan off`\n"));
	assert_int_equal(plan.ports[0].frame_bytes, 1500);
	live_plan_fini(&plan);
	strcpy(config.ports[0].device, "net_af_packet0,iface=veth0");
	assert_int_equal(live_plan_make(&config, NULL, host->machine, &plan, &error), 0);
	assert_int_equal(plan.notes.length, 0);
	assert_int_equal(plan.ports[0].frame_bytes, 9000);
	live_plan_fini(&plan);
}

static void
cpus_are_checked(void **state)
{
	static const struct {
		const char *cpus;
		const char *control;
		const char *error;
	} rows[] = {
		{"8", "", "worker.cpus: CPU 8 does not exist; choose from 0-7"},
		{"1,1", "", "worker.cpus: CPU 1 is there twice; give each worker a CPU of its own"},
		{"0-3,2", "", "worker.cpus: CPU 2 is there twice; "},
		{"3-1", "", "worker.cpus: '3-1' is no list of CPUs; write it as 1-3 or 1,3"},
		{"1,", "", "worker.cpus: '1,' is no list of CPUs"},
		{"1;2", "", "worker.cpus: '1;2' is no list of CPUs"},
		{"-1", "", "worker.cpus: '-1' is no list of CPUs"},
		{"99999999999999999999", "", "worker.cpus: CPU 2147483647 does not exist"},
		{"0-99999999999999999999", "", "worker.cpus: CPU 8 does not exist"},
		{"1", "8", "worker.control_cpu: CPU 8 does not exist; choose from 0-7"},
		{"1", "0,1", "worker.control_cpu: '0,1' is no CPU; write it as 0"},
		{"1", "x", "worker.control_cpu: 'x' is no CPU; write it as 0"},
	};

	for (size_t i = 0; i < JBR_COUNT_OF(rows); i++) {
		struct jbr_config config = small_config();

		strcpy(config.worker_cpus, rows[i].cpus);
		strcpy(config.worker_control_cpu, rows[i].control);
		expect_refusal(*state, &config, NULL, rows[i].error);
	}
}

static void
ports_are_checked(void **state)
{
	static const struct {
		const char *devices[2];
		const char *error;
	} rows[] = {
		{{NULL, NULL},
			"ports: there is none; name one in the configuration, or with --port"},
		{{"net_null0", "net_null0,size=64"},
			"ports[1].device: 'net_null0' is ports[0] already; remove one of them"},
		{{"81:00.0", "0000:81:00.0,x=1"},
			"ports[1].device: '0000:81:00.0' is ports[0] already"},
		{{"net_af_packet0,iface=veth0", "net_pcap0,iface=veth0"},
			"ports[1].device: the interface 'veth0' is read by ports[0] already; "
			"remove"},
		{{"net_af_packet0,iface=veth9", NULL},
			"ports[0].device: no interface 'veth9'; there are eth0, veth0; name one"},
		{{"net_null0", "0000:99:00.0"},
			"ports[1].device: no network controller at PCI address '0000:99:00.0'; "},
		{{"0000:03:00.0", NULL},
			"ports[0].device: 0000:03:00.0 belongs to the kernel driver "},
		{{"net_null_with_a_name_that_is_longer_than_any_that_dpdk_would_take", NULL},
			"ports[0].device: the name before the comma is longer than 63 bytes; "
			"shorten"},
	};

	for (size_t i = 0; i < JBR_COUNT_OF(rows); i++) {
		struct jbr_config config = small_config();

		config.ports_count = 0;
		while (config.ports_count < 2 && rows[i].devices[config.ports_count] != NULL) {
			strcpy(config.ports[config.ports_count].device,
				rows[i].devices[config.ports_count]);
			config.ports_count++;
		}
		expect_refusal(*state, &config, NULL, rows[i].error);
	}
}

static void
memory_is_checked(void **state)
{
	struct jbr_config config = small_config();

	config.memory_hugepages = JBR_VALUE_hugepages_YES;
	config.memory_megabytes = 4096;
	expect_refusal(*state, &config, NULL,
		"memory.hugepages: 4096 MiB are needed on NUMA node 1, ");
	config = small_config();
	config.flow_capacity = 67108864;
	expect_refusal(*state, &config, NULL, "flow.capacity: 67108864 connections take ");
	config = small_config();
	config.memory_megabytes = 16384;
	expect_refusal(*state, &config, NULL,
		"memory.megabytes: 16384 MiB of packet buffers are needed, 7813 MiB of memory "
		"are ");
	config = small_config();
	strcpy(config.memory_file_prefix, "../x");
	expect_refusal(*state, &config, NULL,
		"memory.file_prefix: '../x' is no part of a file name; write a word as jabiru");
}

static void
words_for_dpdk_are_checked(void **state)
{
	static const struct {
		const char *words;
		const char *error;
	} rows[] = {
		{"-l 0", "--eal: '-l' contradicts the configuration; set worker.cpus and "},
		{"-n 4  -l0", "--eal: '-l0' contradicts"},
		{"--lcores=0", "--eal: '--lcores=0' contradicts"},
		{"--lc 0", "--eal: '--lc' contradicts"},
		{"-m 5", "--eal: '-m' contradicts the configuration; set memory.megabytes instead"},
		{"--no-huge",
			"--eal: '--no-huge' contradicts the configuration; set memory.hugepages"},
		{"--file-prefix x", "--eal: '--file-prefix' contradicts the configuration; set "},
		{"--vdev=net_null1",
			"--eal: '--vdev=net_null1' contradicts the configuration; set "
			"ports instead"},
		{"-a 03:00.0", "--eal: '-a' contradicts the configuration; set ports instead"},
	};
	static const char *const fine[] = {"", " ", "-n 4", "--log-level=lib.eal:debug", "-d x.so",
		"--iova-mode=va", "--huge-unlink"};
	struct jbr_config config = small_config();
	const struct host *host = *state;
	static struct live_plan plan;
	struct jbr_error error;

	for (size_t i = 0; i < JBR_COUNT_OF(rows); i++)
		expect_refusal(host, &config, rows[i].words, rows[i].error);
	for (size_t i = 0; i < JBR_COUNT_OF(fine); i++) {
		if (live_plan_make(&config, fine[i], host->machine, &plan, &error) != 0)
			fail_msg("'%s': %s", fine[i], error.text);
		live_plan_fini(&plan);
	}
}

/* Enough for what may be under way at once, one less than a power of two. */
static void
packet_buffers(void **state)
{
	(void)state;
	assert_int_equal(live_mbufs(0, 0), 1024 * 2 - 1);
	assert_int_equal(live_mbufs(1024, 0), 4095);
	assert_int_equal(live_mbufs(4096, 4096), 16383);
	assert_int_equal(live_mbufs(UINT64_C(1) << 40, 0), (1 << 24) - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(with_hugepages),
		cmocka_unit_test(without_hugepages),
		cmocka_unit_test(too_few_hugepages),
		cmocka_unit_test(strict_about_nodes),
		cmocka_unit_test(offloads_are_noted),
		cmocka_unit_test(cpus_are_checked),
		cmocka_unit_test(ports_are_checked),
		cmocka_unit_test(memory_is_checked),
		cmocka_unit_test(words_for_dpdk_are_checked),
		cmocka_unit_test(packet_buffers),
	};

	return cmocka_run_group_tests_name("live plan", tests, make_host, remove_host);
}
