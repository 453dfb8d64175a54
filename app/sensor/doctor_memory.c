/* SPDX-License-Identifier: BSD-3-Clause */
/* Hugepages, memory, and how much of it may be locked. */
#include <linux/capability.h>
#include <stdio.h>

#include "device.h"
#include "doctor_private.h"
#include "table_memory.h"

static void
examine_hugepages_of(struct doctor_visit *visit, int node)
{
	uint64_t free_bytes = machine_hugepages_free_bytes(visit->machine, node);
	uint64_t table_pages = machine_hugepages_free_of_size(visit->machine, node,
		TABLE_MEMORY_PAGE_BYTES);
	uint64_t eal = live_plan_share(visit->plan, visit->machine, node, visit->plan->eal_bytes);
	uint64_t tables = live_plan_share(visit->plan, visit->machine, node,
		visit->plan->table_bytes);
	bool is_enough = table_pages >= eal + tables;
	struct jbr_buffer command = {0};
	struct doctor_finding *finding;
	char where[32] = "";

	if (node != MACHINE_NODE_UNKNOWN)
		(void)snprintf(where, sizeof(where), " on NUMA node %d", node);
	finding = doctor_find(visit, "hugepages", is_enough ? DOCTOR_OK : DOCTOR_WARN,
		"what finds no room there lies in ordinary memory, and each packet costs more "
		"cycles");
	doctor_what(finding,
		"%llu MiB free%s, %llu MiB needed for packet buffers, then %llu MiB for tables",
		machine_mebibytes(free_bytes), where, machine_mebibytes(eal),
		machine_mebibytes(tables));
	if (is_enough)
		return;
	device_hugepages_command(visit->machine, node, eal + tables, &command);
	doctor_take(finding->fix, &command);
}

static void
examine_hugepages(struct doctor_visit *visit)
{
	const struct live_problem *problem = doctor_problem_of(visit, LIVE_PART_HUGEPAGES, 0);
	uint64_t nodes = live_plan_nodes(visit->plan, visit->machine);

	if (problem != NULL) {
		doctor_find_problem(visit, "hugepages", problem);
		return;
	}
	if (visit->config->memory_hugepages == JBR_VALUE_hugepages_NO) {
		doctor_what(doctor_find(visit, "hugepages", DOCTOR_OK, NULL),
			"not wanted (memory.hugepages: no)");
		return;
	}
	if (nodes == 0)
		examine_hugepages_of(visit, MACHINE_NODE_UNKNOWN);
	for (int node = 0; node < MACHINE_NODES_MAX; node++)
		if ((nodes >> node & 1) != 0)
			examine_hugepages_of(visit, node);
}

static void
examine_hugetlbfs(struct doctor_visit *visit)
{
	const struct machine *machine = visit->machine;
	struct doctor_finding *finding = doctor_find(visit, "hugetlbfs", DOCTOR_OK, NULL);

	if (machine->nb_mounts > 0)
		doctor_what(finding, "mounted at %s", machine->mounts[0].path);
	else
		doctor_what(finding,
			"not mounted; jabiru takes hugepages without it, other DPDK programs may "
			"not: mount -t hugetlbfs none /dev/hugepages");
}

static void
examine_memory(struct doctor_visit *visit)
{
	const struct live_plan *plan = visit->plan;
	const struct live_problem *problem = doctor_problem_of(visit, LIVE_PART_MEMORY, 0);
	uint64_t eal = plan->has_hugepages ? 0 : plan->eal_bytes;
	uint64_t tables = plan->tables_have_hugepages ? 0 : plan->table_bytes;

	if (problem != NULL) {
		doctor_find_problem(visit, "memory", problem);
		return;
	}
	if (visit->machine->memory_bytes == 0)
		return; /* not known */
	doctor_what(doctor_find(visit, "memory", DOCTOR_OK, NULL),
		"%llu MiB available beside hugepages, all taken at the start: %llu MiB for tables "
		"(flow.capacity %u), %llu MiB for packet buffers",
		machine_mebibytes(visit->machine->available_bytes), machine_mebibytes(tables),
		visit->config->flow_capacity, machine_mebibytes(eal));
}

/* Tables that find no room on hugepages ask for these. */
static void
examine_thp(struct doctor_visit *visit)
{
	enum machine_thp thp = visit->machine->thp;
	struct doctor_finding *finding;

	if (thp == MACHINE_THP_UNKNOWN)
		return;
	if (thp == MACHINE_THP_NEVER && !visit->plan->tables_have_hugepages) {
		finding = doctor_find(visit, "transparent_hugepages", DOCTOR_WARN,
			"the table of connections lies in small pages, and each packet costs more "
			"cycles");
		doctor_what(finding, "switched off");
		doctor_fix(finding, "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled");
		return;
	}
	doctor_what(doctor_find(visit, "transparent_hugepages", DOCTOR_OK, NULL), "%s",
		thp == MACHINE_THP_NEVER            ? "switched off; the tables lie on hugepages"
			: thp == MACHINE_THP_ALWAYS ? "always"
						    : "where a program asks (madvise)");
}

/* Memory that a NIC or an AF_XDP socket reads and writes is locked. */
static void
examine_memlock(struct doctor_visit *visit)
{
	const struct machine *machine = visit->machine;
	bool is_needed = false, is_enough;
	struct doctor_finding *finding;

	for (uint32_t i = 0; i < visit->config->ports_count; i++) {
		struct device device;

		device_parse(visit->config->ports[i].device, &device);
		is_needed |= device.kind == DEVICE_PCI || device.kind == DEVICE_AF_XDP;
	}
	if (!machine->has_memlock)
		return;
	is_enough = !is_needed || machine->memlock_bytes >= visit->plan->eal_bytes ||
		(machine->has_capabilities && machine_has_capability(machine, CAP_IPC_LOCK));
	finding = doctor_find(visit, "memlock", is_enough ? DOCTOR_OK : DOCTOR_FAIL,
		"memory that a NIC or an AF_XDP socket uses is locked");
	if (machine->memlock_bytes == UINT64_MAX)
		doctor_what(finding, "no limit");
	else
		doctor_what(finding, "%llu MiB may be locked%s",
			machine_mebibytes(machine->memlock_bytes),
			!is_needed          ? "; no port needs it"
				: is_enough ? "; CAP_IPC_LOCK lifts the limit"
					    : "");
	if (!is_enough)
		doctor_fix(finding,
			"ulimit -l unlimited (LimitMEMLOCK=infinity in a systemd unit)");
}

void
doctor_examine_memory(struct doctor_visit *visit)
{
	examine_hugepages(visit);
	examine_hugetlbfs(visit);
	examine_memory(visit);
	examine_thp(visit);
	examine_memlock(visit);
}
