/* SPDX-License-Identifier: BSD-3-Clause */
/* What the doctor says of a made-up host of two nodes, and of that host with one thing spoilt. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "doctor.h"
#include "host_tree.h"

enum { WORKERS = 2 };

/* What a row asks for: ports and workers where all is well. */
static const char *const good_ports[] = {"0000:81:00.0"};
static const unsigned good_cpus[WORKERS] = {6, 7};

static struct doctor_plan
good_plan(void)
{
	return (struct doctor_plan){.devices = good_ports,
		.nb_devices = 1,
		.worker_cpus = good_cpus,
		.nb_workers = WORKERS,
		.control_cpu = 0,
		.hugepage_bytes = UINT64_C(1) << 30,
		.memory_bytes = UINT64_C(1) << 30,
		.flow_capacity = 1048576,
		.file_prefix = "jabiru"};
}

static const struct doctor_finding *
finding_of(const struct doctor_report *report, const char *name)
{
	const struct doctor_finding *worst = NULL;

	for (uint32_t i = 0; i < report->nb_findings; i++) {
		const struct doctor_finding *finding = &report->findings[i];

		if (strcmp(finding->name, name) == 0 &&
			(worst == NULL || finding->status > worst->status))
			worst = finding;
	}
	return worst;
}

static struct doctor_report *
examine(const struct host_tree *tree, const struct doctor_plan *plan)
{
	struct doctor_report *report = malloc(sizeof(*report));
	struct machine *machine = host_tree_read(tree);

	assert_non_null(report);
	memset(report, 0xff, sizeof(*report));
	doctor_examine(machine, plan, report);
	machine_free(machine);
	return report;
}

static void
nothing_lacks(void **state)
{
	struct doctor_plan plan = good_plan();
	struct doctor_report *report;
	struct host_tree tree;

	(void)state;
	host_tree_make(&tree);
	report = examine(&tree, &plan);
	for (uint32_t i = 0; i < report->nb_findings; i++) {
		const struct doctor_finding *finding = &report->findings[i];

		if (finding->status != DOCTOR_OK || finding->fix[0] != '\0')
			fail_msg("%s: %s", finding->name, finding->what);
	}
	assert_int_equal(report->worst, DOCTOR_OK);
	assert_int_equal(report->left_out, 0);
	assert_string_equal(finding_of(report, "hugepages")->what,
		"3072 MiB free on NUMA node 1, 1024 MiB needed");
	assert_string_equal(finding_of(report, "cpus")->what, "workers on 6-7");
	free(report);
	host_tree_remove(&tree);
}

/* One thing of the host or the plan is other than in nothing_lacks(). */
struct row {
	const char *name; /* of the finding */
	enum doctor_status status;
	const char *what;
	const char *fix;
	struct {
		const char *path; /* written with */
		const char *text; /* this; NULL = removed, "LOOP" = a link to itself */
	} host;
	const char *port;
	unsigned cpus[WORKERS]; /* 0, 0 = the good ones */
	int control_cpu;
	enum doctor_hugepages hugepages;
	uint64_t memory_mib; /* in hugepages; 0 = as in good_plan() */
	uint64_t table_mib;
	bool is_strict;
};

static const struct row rows[] = {
	{"hugepages", DOCTOR_WARN, "0 MiB free on NUMA node 1, 1024 MiB needed",
		"echo 1536 > "
		"/sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages",
		.host = {"/sys/devices/system/node/node1/hugepages/hugepages-1048576kB/"
			 "free_hugepages",
			"0"}},
	{"hugepages", DOCTOR_FAIL, "3072 MiB free on NUMA node 1, 4096 MiB needed",
		"echo 2048 > "
		"/sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages",
		.hugepages = DOCTOR_HUGEPAGES_YES, .memory_mib = 4096},
	{"hugepages", DOCTOR_OK, "not wanted (memory.hugepages: no)", "",
		.hugepages = DOCTOR_HUGEPAGES_NO},
	/* two workers on two nodes: half of it each */
	{"hugepages", DOCTOR_WARN, "1000 MiB free on NUMA node 0, 2048 MiB needed",
		"echo 1036 > "
		"/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages",
		.cpus = {2, 6}, .memory_mib = 4096},
	{"hugetlbfs", DOCTOR_OK,
		"not mounted; jabiru takes hugepages without it, other DPDK programs may not: "
		"mount -t "
		"hugetlbfs none /dev/hugepages",
		"", .host = {"/proc/self/mounts", "proc /proc proc rw 0 0\n"}},
	{"memory", DOCTOR_FAIL, "7813 MiB available, 16384 MiB needed for flow.capacity 1048576",
		"flow: {capacity: 450000}", .table_mib = 16384},
	{"memory", DOCTOR_FAIL, "7813 MiB available, 17408 MiB needed for flow.capacity 1048576",
		"flow: {capacity: 391017}", .hugepages = DOCTOR_HUGEPAGES_NO, .table_mib = 16384},
	{"memory", DOCTOR_FAIL, "7813 MiB available, 17408 MiB needed for flow.capacity 1048576",
		"lower memory.megabytes, or have more memory", .hugepages = DOCTOR_HUGEPAGES_NO,
		.memory_mib = 16384},
	{"transparent_hugepages", DOCTOR_WARN, "switched off",
		"echo madvise > /sys/kernel/mm/transparent_hugepage/enabled",
		.host = {"/sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n"},
		.hugepages = DOCTOR_HUGEPAGES_NO},
	{"memlock", DOCTOR_OK, "8 MiB may be locked; CAP_IPC_LOCK lifts the limit", "",
		.host = {"/proc/self/limits", "Max locked memory  8388608  8388608  bytes\n"}},
	{"cpus", DOCTOR_FAIL, "CPU 9 of worker.cpus does not exist or is offline",
		"worker.cpus: some of 0-7", .cpus = {6, 9}},
	{"cpus", DOCTOR_FAIL, "CPU 4000 of worker.cpus does not exist or is offline",
		"worker.cpus: some of 0-7", .cpus = {6, 4000}},
	{"cpus", DOCTOR_FAIL,
		"CPU 7 of worker.cpus is not among those that this process may use (taskset, "
		"cgroup)",
		"worker.cpus: some of 0-6",
		.host = {"/proc/self/status", "CapEff:\tffffffffff\nCpus_allowed_list:\t0-6\n"}},
	{"cpus", DOCTOR_FAIL, "two workers on CPU 6", "worker.cpus: some of 0-7", .cpus = {6, 6}},
	{"cpus", DOCTOR_FAIL, "CPU 8 of worker.control_cpu does not exist or is offline",
		"worker.control_cpu: some of 0-7", .control_cpu = 8},
	{"cpus", DOCTOR_WARN, "control shares CPU 7 with a worker",
		"worker.control_cpu: some of 0-7", .control_cpu = 7},
	{"isolation", DOCTOR_WARN, "the scheduler gives CPU 4-5 of the workers to others too",
		"boot with isolcpus=4-5 nohz_full=4-5 rcu_nocbs=4-5", .cpus = {4, 5}},
	{"sse4_2", DOCTOR_FAIL, "this CPU does not have it",
		"a CPU of 2009 or later; in a virtual machine: -cpu host",
		.host = {"/proc/cpuinfo", "flags\t\t: fpu constant_tsc nonstop_tsc sse4_1\n"}},
	{"tsc", DOCTOR_WARN, "the time stamp counter may stop while its CPU sleeps",
		"boot with processor.max_cstate=1 intel_pstate=disable",
		.host = {"/proc/cpuinfo", "flags\t\t: constant_tsc sse4_2\n"}},
	{"tsc", DOCTOR_WARN, "the time stamp counter changes its speed with its CPU's",
		"give the virtual machine an invariant TSC (libvirt: <feature policy='require' "
		"name='invtsc'/>)",
		.host = {"/proc/cpuinfo", "flags\t\t: sse4_2 hypervisor\n"}},
	{"tsc", DOCTOR_WARN, "/proc/cpuinfo does not say what this CPU can", "",
		.host = {"/proc/cpuinfo", NULL}},
	{"numa", DOCTOR_WARN, "port 0000:81:00.0 is on node 1, worker CPU 2 on node 0",
		"worker.cpus: CPUs of node 1 (cat /sys/devices/system/node/node1/cpulist)",
		.cpus = {2, 7}},
	{"numa", DOCTOR_FAIL, "port 0000:81:00.0 is on node 1, worker CPU 2 on node 0",
		"worker.cpus: CPUs of node 1 (cat /sys/devices/system/node/node1/cpulist)",
		.cpus = {2, 7}, .is_strict = true},
	{"capabilities", DOCTOR_FAIL, "this process lacks cap_net_raw",
		"run as root, or setcap cap_net_raw+ep $(command -v jabiru)",
		.host = {"/proc/self/status",
			"CapEff:\t0000000000001000\nCpus_allowed_list:\t0-7\n"},
		.port = "net_af_packet0,iface=eth0"},
	{"capabilities", DOCTOR_WARN, "this process lacks cap_net_admin",
		"run as root, or setcap cap_net_admin+ep $(command -v jabiru)",
		.host = {"/proc/self/status",
			"CapEff:\t0000000000002000\nCpus_allowed_list:\t0-7\n"},
		.port = "net_pcap0,iface=eth0"},
	{"capabilities", DOCTOR_FAIL, "this process lacks cap_bpf",
		"run as root, or setcap cap_bpf+ep $(command -v jabiru)",
		.host = {"/proc/self/status",
			"CapEff:\t0000000000003000\nCpus_allowed_list:\t0-7\n"},
		.port = "net_af_xdp0,iface=eth0"},
	{"capabilities", DOCTOR_FAIL, "this process lacks cap_net_raw",
		"run as root, or setcap cap_net_raw,cap_net_admin+ep $(command -v jabiru)",
		.host = {"/proc/self/status", "CapEff:\t0\nCpus_allowed_list:\t0-7\n"},
		.port = "net_af_packet0,iface=eth0"},
	/* root's CAP_SYS_ADMIN stands in for CAP_BPF */
	{"capabilities", DOCTOR_OK, "all that the ports need", "",
		.host = {"/proc/self/status",
			"CapEff:\t0000000000203000\nCpus_allowed_list:\t0-7\n"},
		.port = "net_af_xdp0,iface=eth0"},
	{"capabilities", DOCTOR_OK, "all that the ports need", "",
		.host = {"/proc/self/status",
			"CapEff:\t0000000000000000\nCpus_allowed_list:\t0-7\n"},
		.port = "net_ring0"},
	{"vfio", DOCTOR_WARN, "neither vfio-pci nor a uio driver is loaded", "modprobe vfio-pci",
		.host = {"/sys/bus/pci/drivers", NULL}},
	{"iommu", DOCTOR_WARN, "none",
		"boot with intel_iommu=on iommu=pt, or echo 1 > "
		"/sys/module/vfio/parameters/enable_unsafe_noiommu_mode",
		.host = {"/sys/kernel/iommu_groups", NULL}},
	{"port", DOCTOR_FAIL, "0000:82:00.0 is bound to no driver",
		"modprobe vfio-pci && dpdk-devbind.py --bind=vfio-pci 0000:82:00.0",
		.port = "82:00.0"},
	{"port", DOCTOR_FAIL, "no interface 'eth7'; there are eth0, veth0",
		"name one of these as iface=, or make it with `ip link add`",
		.port = "net_af_packet0,iface=eth7"},
	{"interface", DOCTOR_WARN, "veth0 is down", "ip link set dev veth0 up",
		.port = "net_af_packet0,iface=veth0"},
	{"offloads", DOCTOR_OK, "veth0 has none on", "", .port = "net_af_packet0,iface=veth0"},
	{"offloads", DOCTOR_WARN, "eth0 (i40e) has gro rxvlan on",
		"ethtool -K eth0 gro off rxvlan off", .port = "net_af_packet0,iface=eth0"},
	{"leftovers", DOCTOR_WARN, "files of a DPDK program that ended: prefix 'old', 0 page files",
		"rm -rf /run/dpdk/old", .host = {"/run/dpdk/old/config", "x"}},
	{"leftovers", DOCTOR_WARN, "files of a DPDK program that ended: prefix 'old', 1 page files",
		"rm -rf /dev/hugepages/oldmap_*", .host = {"/dev/hugepages/oldmap_0", "x"}},
	/* a name that no command could safely hold is nothing that EAL makes */
	{"leftovers", DOCTOR_OK, "no files of DPDK programs that ended", "",
		.host = {"/dev/hugepages/x;rebootmap_0", "x"}},
	{"access", DOCTOR_WARN, NULL, "sudo jabiru doctor", .host = {"/proc/meminfo", "LOOP"}},
};

static void
check_row(const struct row *row)
{
	const struct doctor_finding *finding;
	struct doctor_plan plan = good_plan();
	struct doctor_report *report;
	struct host_tree tree;

	host_tree_make(&tree);
	if (row->host.path != NULL && row->host.text == NULL)
		host_remove(&tree, row->host.path);
	else if (row->host.path != NULL && strcmp(row->host.text, "LOOP") == 0)
		host_link(&tree, row->host.path, strrchr(row->host.path, '/') + 1);
	else if (row->host.path != NULL)
		host_write(&tree, row->host.path, row->host.text);
	/* what one node's huge pages are short of, the others must not make up for */
	if (strcmp(row->name, "hugepages") == 0 && row->memory_mib == 0 && row->host.path != NULL)
		host_write_hugepages(&tree, 1, "2048kB", "1024\n", "0\n"),
			plan.memory_bytes = 1 << 30;
	if (row->port != NULL)
		plan.devices = &row->port;
	if (row->cpus[0] != 0)
		plan.worker_cpus = row->cpus;
	if (row->control_cpu != 0)
		plan.control_cpu = row->control_cpu;
	if (row->memory_mib != 0)
		plan.hugepage_bytes = row->memory_mib << 20;
	if (row->table_mib != 0)
		plan.memory_bytes = row->table_mib << 20;
	plan.hugepages = row->hugepages;
	plan.is_strict = row->is_strict;
	report = examine(&tree, &plan);
	finding = finding_of(report, row->name);
	if (finding == NULL)
		fail_msg("no finding '%s'", row->name);
	else if (finding->status != row->status ||
		(row->what != NULL && strcmp(finding->what, row->what) != 0) ||
		strcmp(finding->fix, row->fix) != 0)
		fail_msg("%s: %d\n  %s\n  %s\nnot %d\n  %s\n  %s", row->name, finding->status,
			finding->what, finding->fix, row->status, row->what, row->fix);
	assert_true(report->worst >= row->status);
	free(report);
	host_tree_remove(&tree);
}

static void
one_thing_lacks(void **state)
{
	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(rows); i++)
		check_row(&rows[i]);
}

/* A right that is missing while the limit is low is no way to get the memory. */
static void
memlock_without_the_right(void **state)
{
	struct doctor_plan plan = good_plan();
	struct doctor_report *report;
	struct host_tree tree;

	(void)state;
	host_tree_make(&tree);
	host_write(&tree, "/proc/self/status", "CapEff:\t0\nCpus_allowed_list:\t0-7\n");
	host_write(&tree, "/proc/self/limits", "Max locked memory  8388608  8388608  bytes\n");
	report = examine(&tree, &plan);
	assert_int_equal(finding_of(report, "memlock")->status, DOCTOR_FAIL);
	assert_string_equal(finding_of(report, "memlock")->fix,
		"ulimit -l unlimited (LimitMEMLOCK=infinity in a systemd unit)");
	free(report);
	host_tree_remove(&tree);
}

static void
mistakes_of_the_plan(void **state)
{
	static const char *const ports[] = {"net_pcap0,rx_pcap=/dev/null", "0000:81:00.0",
		"net_pcap0,rx_pcap=/dev/zero"};
	struct doctor_plan plan = good_plan();
	struct doctor_report *report;
	struct host_tree tree;

	(void)state;
	host_tree_make(&tree);
	plan.bad_cpus = "worker.cpus: '1-'";
	plan.nb_workers = 0;
	plan.devices = ports;
	plan.nb_devices = JBR_COUNT_OF(ports);
	report = examine(&tree, &plan);
	assert_int_equal(finding_of(report, "cpus")->status, DOCTOR_FAIL);
	assert_string_equal(finding_of(report, "cpus")->what, "cannot read worker.cpus: '1-'");
	assert_int_equal(finding_of(report, "port")->status, DOCTOR_FAIL);
	assert_string_equal(finding_of(report, "port")->what, "net_pcap0 is configured twice");
	free(report);
	host_tree_remove(&tree);
}

static void
nothing_is_planned(void **state)
{
	struct doctor_plan plan = {.control_cpu = -1};
	struct doctor_report *report;
	struct host_tree tree;

	(void)state;
	host_tree_make(&tree);
	report = examine(&tree, &plan);
	assert_int_equal(report->worst, DOCTOR_OK);
	assert_string_equal(finding_of(report, "port")->what,
		"none is configured; this host has eth0 veth0 0000:03:00.0 0000:81:00.0 "
		"0000:82:00.0");
	free(report);
	host_remove(&tree, "/sys");
	host_remove(&tree, "/proc");
	report = examine(&tree, &plan);
	assert_string_equal(finding_of(report, "port")->what,
		"none is configured; this host has none that could be one");
	assert_int_equal(report->worst, DOCTOR_WARN);
	free(report);
	host_tree_remove(&tree);
}

static void
texts(void **state)
{
	static struct doctor_report report =
		{.findings = {{"hugepages", DOCTOR_OK, "enough", NULL, ""},
			 {"isolation", DOCTOR_WARN, "CPU 1 is shared", "packets are lost", "boot"},
			 {"port", DOCTOR_FAIL, "no \"x\"", NULL, "write y"}},
			.nb_findings = 3,
			.worst = DOCTOR_FAIL};
	struct jbr_buffer text = {0};

	(void)state;
	doctor_write_text(&text, &report);
	jbr_buffer_append(&text, "", 1);
	assert_string_equal(text.data,
		"ok    hugepages: enough\n"
		"warn  isolation: CPU 1 is shared: packets are lost. Fix: boot\n"
		"fail  port: no \"x\". Fix: write y\n"
		"1 ok, 1 warn, 1 fail: `jabiru run` would not start\n");
	jbr_buffer_fini(&text);
	doctor_write_json(&text, "1.2.3", &report);
	jbr_buffer_append(&text, "", 1);
	assert_string_equal(text.data,
		"{\"jabiru\":\"1.2.3\",\"checks\":["
		"{\"name\":\"hugepages\",\"status\":\"ok\",\"what\":\"enough\",\"why\":null,"
		"\"fix\":null},"
		"{\"name\":\"isolation\",\"status\":\"warn\",\"what\":\"CPU 1 is shared\","
		"\"why\":\"packets are lost\",\"fix\":\"boot\"},"
		"{\"name\":\"port\",\"status\":\"fail\",\"what\":\"no \\\"x\\\"\",\"why\":null,"
		"\"fix\":\"write y\"}]}\n");
	jbr_buffer_fini(&text);
}

/* More findings than there is room for: counted, and a failure among them still fails. */
static void
too_many_findings(void **state)
{
	const char *ports[200];
	struct doctor_plan plan = good_plan();
	struct doctor_report *report;
	struct host_tree tree;
	struct jbr_buffer text = {0};

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(ports); i++)
		ports[i] = i == 199 ? "nonsense" : "net_null";
	plan.devices = ports;
	plan.nb_devices = JBR_COUNT_OF(ports);
	host_tree_make(&tree);
	report = examine(&tree, &plan);
	assert_int_equal(report->nb_findings, DOCTOR_FINDINGS_MAX);
	assert_true(report->left_out >= 200 - DOCTOR_FINDINGS_MAX);
	assert_int_equal(report->worst, DOCTOR_FAIL);
	doctor_write_text(&text, report);
	jbr_buffer_append(&text, "", 1);
	assert_non_null(strstr(text.data, " more not shown: `jabiru run` would not start\n"));
	jbr_buffer_fini(&text);
	free(report);
	host_tree_remove(&tree);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_lacks),
		cmocka_unit_test(one_thing_lacks),
		cmocka_unit_test(memlock_without_the_right),
		cmocka_unit_test(mistakes_of_the_plan),
		cmocka_unit_test(nothing_is_planned),
		cmocka_unit_test(texts),
		cmocka_unit_test(too_many_findings),
	};

	return cmocka_run_group_tests_name("doctor", tests, NULL, NULL);
}
