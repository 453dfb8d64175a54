/* SPDX-License-Identifier: BSD-3-Clause */
/* What the doctor says of a made-up host of two nodes, and of that host with one thing spoilt. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "doctor_private.h"
#include "host_tree.h"

/* A configuration for which all is well there. */
static struct jbr_config
good_config(void)
{
	struct jbr_config config;

	jbr_config_defaults(&config);
	strcpy(config.ports[0].device, "0000:81:00.0");
	config.ports_count = 1;
	strcpy(config.worker_cpus, "6,7");
	strcpy(config.worker_control_cpu, "0");
	config.memory_megabytes = 1024;
	return config;
}

/* Is it the text of @p form, where # is a number that what a table takes decides? */
static bool
is_of_form(const char *text, const char *form)
{
	for (; *form != '\0'; form++) {
		size_t digits = *form == '#' ? strspn(text, "0123456789") : 0;

		if (*form == '#' ? digits == 0 : *text != *form)
			return false;
		text += *form == '#' ? digits : 1;
	}
	return *text == '\0';
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
examine(const struct host_tree *tree, const struct jbr_config *config)
{
	struct doctor_report *report = malloc(sizeof(*report));
	struct machine *machine = host_tree_read(tree);
	static struct live_plan plan;

	assert_non_null(report);
	memset(report, 0xff, sizeof(*report));
	(void)live_plan_make(config, NULL, machine, &plan, NULL);
	doctor_examine(machine, config, &plan, report);
	live_plan_fini(&plan);
	machine_free(machine);
	return report;
}

static void
nothing_lacks(void **state)
{
	struct jbr_config config = good_config();
	struct doctor_report *report;
	struct host_tree tree;

	(void)state;
	host_tree_make(&tree);
	report = examine(&tree, &config);
	for (uint32_t i = 0; i < report->nb_findings; i++) {
		const struct doctor_finding *finding = &report->findings[i];

		if (finding->status != DOCTOR_OK || finding->fix[0] != '\0')
			fail_msg("%s: %s", finding->name, finding->what);
	}
	assert_int_equal(report->worst, DOCTOR_OK);
	assert_int_equal(report->left_out, 0);
	assert_true(is_of_form(finding_of(report, "hugepages")->what,
		"3072 MiB free on NUMA node 1, 1024 MiB needed for packet buffers, then # MiB "
		"for tables"));
	assert_string_equal(finding_of(report, "memory")->what,
		"7813 MiB available beside hugepages, all taken at the start: 0 MiB for tables "
		"(flow.capacity 1048576), 0 MiB for packet buffers");
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
	const char *cpus;    /* NULL = the good ones */
	const char *control; /* the same */
	uint32_t hugepages;
	uint32_t megabytes; /* of DPDK; 0 = the good ones */
	uint32_t capacity;  /* the same */
	bool is_strict;
};

static const struct row rows[] = {
	{"hugepages", DOCTOR_WARN,
		"1024 MiB free on NUMA node 1, 1024 MiB needed for packet buffers, then # MiB "
		"for tables",
		"echo # > "
		"/sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages",
		.host = {"/sys/devices/system/node/node1/hugepages/hugepages-2048kB/"
			 "free_hugepages",
			"0"}},
	{"hugepages", DOCTOR_FAIL,
		"memory.hugepages: 5120 MiB are needed on NUMA node 1, and # MiB more for the "
		"tables to lie there too, 3072 MiB are free",
		"`echo # > "
		"/sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages`, or set "
		"it to auto, which is slower",
		.hugepages = JBR_VALUE_hugepages_YES, .megabytes = 5120},
	/* enough in all, but not where the workers are */
	{"hugepages", DOCTOR_FAIL,
		"memory.hugepages: 3584 MiB are needed on NUMA node 1, and # MiB more for the "
		"tables to lie there too, 3072 MiB are free",
		"`echo # > "
		"/sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages`, or set "
		"it to auto, which is slower",
		.hugepages = JBR_VALUE_hugepages_YES, .megabytes = 3584},
	{"hugepages", DOCTOR_OK, "not wanted (memory.hugepages: no)", "",
		.hugepages = JBR_VALUE_hugepages_NO},
	/* two workers on two nodes: half of it each */
	{"hugepages", DOCTOR_WARN,
		"1000 MiB free on NUMA node 0, 2048 MiB needed for packet buffers, then # MiB "
		"for tables",
		"echo # > "
		"/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages",
		.cpus = "2,6", .megabytes = 4096},
	{"hugetlbfs", DOCTOR_OK,
		"not mounted; jabiru takes hugepages without it, other DPDK programs may not: "
		"mount -t "
		"hugetlbfs none /dev/hugepages",
		"", .host = {"/proc/self/mounts", "proc /proc proc rw 0 0\n"}},
	{"memory", DOCTOR_FAIL,
		"flow.capacity: 67108864 connections take # MiB, 7813 MiB of memory are "
		"available",
		"set it to # or less", .capacity = 67108864},
	{"memory", DOCTOR_FAIL,
		"flow.capacity: 67108864 connections take # MiB, 6789 MiB of memory are "
		"available",
		"set it to # or less", .hugepages = JBR_VALUE_hugepages_NO, .capacity = 67108864},
	{"memory", DOCTOR_FAIL,
		"memory.megabytes: 16384 MiB of packet buffers are needed, 7813 MiB of memory are "
		"available",
		"lower memory.megabytes, ports[].rx_descriptors or worker.ring_size",
		.hugepages = JBR_VALUE_hugepages_NO, .megabytes = 16384},
	{"transparent_hugepages", DOCTOR_WARN, "switched off",
		"echo madvise > /sys/kernel/mm/transparent_hugepage/enabled",
		.host = {"/sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n"},
		.hugepages = JBR_VALUE_hugepages_NO},
	{"memlock", DOCTOR_OK, "8 MiB may be locked; CAP_IPC_LOCK lifts the limit", "",
		.host = {"/proc/self/limits", "Max locked memory  8388608  8388608  bytes\n"}},
	{"cpus", DOCTOR_FAIL, "worker.cpus: CPU 9 does not exist", "choose from 0-7",
		.cpus = "6,9"},
	{"cpus", DOCTOR_FAIL, "worker.cpus: CPU 4000 does not exist", "choose from 0-7",
		.cpus = "6,4000"},
	{"cpus", DOCTOR_FAIL,
		"worker.cpus: CPU 7 is not among those that this process may use (taskset, "
		"cgroup)",
		"choose from 0-6",
		.host = {"/proc/self/status", "CapEff:\tffffffffff\nCpus_allowed_list:\t0-6\n"}},
	{"cpus", DOCTOR_FAIL, "worker.cpus: CPU 6 is there twice",
		"give each worker a CPU of its own", .cpus = "6,6"},
	{"cpus", DOCTOR_FAIL, "worker.control_cpu: CPU 8 does not exist", "choose from 0-7",
		.control = "8"},
	{"cpus", DOCTOR_WARN, "control shares CPU 7 with a worker",
		"worker.control_cpu: some of 0-7", .control = "7"},
	{"isolation", DOCTOR_WARN, "the scheduler gives CPU 4-5 of the workers to others too",
		"boot with isolcpus=4-5 nohz_full=4-5 rcu_nocbs=4-5", .cpus = "4,5"},
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
		.cpus = "2,7"},
	{"numa", DOCTOR_FAIL,
		"numa.strict: ports[0] (0000:81:00.0) is on node 1, worker CPU 2 on node 0",
		"set worker.cpus to CPUs of node 1 (cat /sys/devices/system/node/node1/cpulist)",
		.cpus = "2,7", .is_strict = true},
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
	{"port", DOCTOR_FAIL, "ports[0].device: 0000:82:00.0 is bound to no driver",
		"modprobe vfio-pci && dpdk-devbind.py --bind=vfio-pci 0000:82:00.0",
		.port = "82:00.0"},
	{"port", DOCTOR_FAIL, "ports[0].device: no interface 'eth7'; there are eth0, veth0",
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
	struct jbr_config config = good_config();
	struct doctor_report *report;
	struct host_tree tree;

	host_tree_make(&tree);
	if (row->host.path != NULL && row->host.text == NULL)
		host_remove(&tree, row->host.path);
	else if (row->host.path != NULL && strcmp(row->host.text, "LOOP") == 0)
		host_link(&tree, row->host.path, strrchr(row->host.path, '/') + 1);
	else if (row->host.path != NULL)
		host_write(&tree, row->host.path, row->host.text);
	if (row->port != NULL)
		strcpy(config.ports[0].device, row->port);
	if (row->cpus != NULL)
		strcpy(config.worker_cpus, row->cpus);
	if (row->control != NULL)
		strcpy(config.worker_control_cpu, row->control);
	if (row->megabytes != 0)
		config.memory_megabytes = row->megabytes;
	if (row->capacity != 0)
		config.flow_capacity = row->capacity;
	if (row->hugepages != 0)
		config.memory_hugepages = row->hugepages;
	config.numa_strict = row->is_strict;
	report = examine(&tree, &config);
	finding = finding_of(report, row->name);
	if (finding == NULL)
		fail_msg("no finding '%s'", row->name);
	else if (finding->status != row->status ||
		(row->what != NULL && !is_of_form(finding->what, row->what)) ||
		!is_of_form(finding->fix, row->fix))
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
	struct jbr_config config = good_config();
	struct doctor_report *report;
	struct host_tree tree;

	(void)state;
	host_tree_make(&tree);
	host_write(&tree, "/proc/self/status", "CapEff:\t0\nCpus_allowed_list:\t0-7\n");
	host_write(&tree, "/proc/self/limits", "Max locked memory  8388608  8388608  bytes\n");
	report = examine(&tree, &config);
	assert_int_equal(finding_of(report, "memlock")->status, DOCTOR_FAIL);
	assert_string_equal(finding_of(report, "memlock")->fix,
		"ulimit -l unlimited (LimitMEMLOCK=infinity in a systemd unit)");
	free(report);
	host_tree_remove(&tree);
}

static const struct doctor_finding *
failure(const struct doctor_report *report, unsigned index)
{
	for (uint32_t i = 0; i < report->nb_findings; i++)
		if (report->findings[i].status == DOCTOR_FAIL && index-- == 0)
			return &report->findings[i];
	fail_msg("there are fewer failures");
	return NULL;
}

/* All of them, not the first only, and as `jabiru run` says them. */
static void
mistakes_of_the_plan(void **state)
{
	struct jbr_config config = good_config();
	struct doctor_report *report;
	struct host_tree tree;

	(void)state;
	host_tree_make(&tree);
	strcpy(config.worker_cpus, "1-");
	strcpy(config.worker_control_cpu, "x");
	strcpy(config.memory_file_prefix, "a/b");
	config.ports_count = 5;
	strcpy(config.ports[0].device, "net_pcap0,rx_pcap=/dev/null");
	strcpy(config.ports[1].device, "eth0");
	strcpy(config.ports[2].device, "net_pcap0,rx_pcap=/dev/zero");
	strcpy(config.ports[3].device, "net_af_packet0,iface=veth0");
	strcpy(config.ports[4].device, "net_af_packet1,iface=veth0");
	report = examine(&tree, &config);
	assert_string_equal(failure(report, 0)->what, "worker.cpus: '1-' is no list of CPUs");
	assert_string_equal(failure(report, 0)->fix, "write it as 1-3 or 1,3");
	assert_string_equal(failure(report, 1)->what, "worker.control_cpu: 'x' is no CPU");
	assert_string_equal(failure(report, 2)->what,
		"ports[1].device: 'eth0' is neither a PCI address nor the name of a vdev");
	assert_string_equal(failure(report, 3)->what,
		"ports[2].device: 'net_pcap0' is ports[0] already");
	assert_string_equal(failure(report, 4)->what,
		"ports[4].device: the interface 'veth0' is read by ports[3] already");
	assert_string_equal(failure(report, 5)->name, "configuration");
	assert_string_equal(failure(report, 5)->what,
		"memory.file_prefix: 'a/b' is no part of a file name");
	assert_string_equal(failure(report, 5)->fix, "write a word as jabiru");
	free(report);
	host_tree_remove(&tree);
}

static void
nothing_is_planned(void **state)
{
	struct jbr_config config;
	struct doctor_report *report;
	struct host_tree tree;

	(void)state;
	jbr_config_defaults(&config);
	strcpy(config.worker_cpus, "6");
	host_tree_make(&tree);
	report = examine(&tree, &config);
	assert_int_equal(report->worst, DOCTOR_OK);
	assert_string_equal(finding_of(report, "port")->what,
		"none is configured; this host has eth0 veth0 0000:03:00.0 0000:81:00.0 "
		"0000:82:00.0");
	free(report);
	host_remove(&tree, "/sys");
	host_remove(&tree, "/proc");
	report = examine(&tree, &config);
	assert_string_equal(finding_of(report, "port")->what,
		"none is configured; this host has none that could be one");
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
	struct jbr_config config = good_config();
	struct doctor_visit visit = {.report = NULL};
	struct doctor_report *report;
	struct host_tree tree;
	struct jbr_buffer text = {0};

	(void)state;
	host_tree_make(&tree);
	report = examine(&tree, &config);
	visit.report = report;
	for (unsigned i = 0; i < 200; i++)
		doctor_what(doctor_find(&visit, "x", i == 199 ? DOCTOR_FAIL : DOCTOR_OK, NULL),
			"%u", i);
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
