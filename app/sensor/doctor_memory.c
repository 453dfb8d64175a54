/* SPDX-License-Identifier: BSD-3-Clause */
/* Hugepages, memory, and how much of it may be locked. */
#include <linux/capability.h>
#include <stdio.h>

#include "device.h"
#include "doctor_private.h"

static unsigned long long
mebibytes(uint64_t bytes)
{
	return (unsigned long long)((bytes + (1 << 20) - 1) >> 20);
}

/* What of the hugepages belongs on @p node: the share of its workers; all of it without workers or nodes
 * (MACHINE_NODE_UNKNOWN). */
static uint64_t
share_of(const struct doctor_visit *visit, int node)
{
	const struct doctor_plan *plan = visit->plan;
	uint32_t workers = 0;

	if (node == MACHINE_NODE_UNKNOWN)
		return plan->hugepage_bytes;
	for (uint32_t i = 0; i < plan->nb_workers; i++)
		workers += machine_node_of_cpu(visit->machine, plan->worker_cpus[i]) == node;
	return plan->nb_workers == 0 ? 0 : plan->hugepage_bytes * workers / plan->nb_workers;
}

/* @return whether there are enough */
static bool
examine_hugepages_of(struct doctor_visit *visit, int node)
{
	uint64_t free_bytes = machine_hugepages_free_bytes(visit->machine, node);
	uint64_t needed_bytes = share_of(visit, node);
	bool is_enough = free_bytes >= needed_bytes;
	bool is_must = visit->plan->hugepages == DOCTOR_HUGEPAGES_YES;
	struct jbr_buffer command = {0};
	struct doctor_finding *finding;
	char where[32] = "";

	if (node != MACHINE_NODE_UNKNOWN && needed_bytes == 0)
		return true;
	if (node != MACHINE_NODE_UNKNOWN)
		(void)snprintf(where, sizeof(where), " on NUMA node %d", node);
	finding = doctor_find(visit, "hugepages",
		is_enough         ? DOCTOR_OK
			: is_must ? DOCTOR_FAIL
				  : DOCTOR_WARN,
		is_must ? "memory.hugepages is yes"
			: "packets lie in small pages then, and each costs more cycles");
	doctor_what(finding, "%llu MiB free%s, %llu MiB needed", mebibytes(free_bytes), where,
		mebibytes(needed_bytes));
	if (is_enough)
		return true;
	device_hugepages_command(visit->machine, node, needed_bytes, &command);
	doctor_take(finding->fix, &command);
	return false;
}

/* @return whether a run would use them */
static bool
examine_hugepages(struct doctor_visit *visit)
{
	const struct machine *machine = visit->machine;
	bool is_enough = true;

	if (visit->plan->hugepages == DOCTOR_HUGEPAGES_NO) {
		doctor_what(doctor_find(visit, "hugepages", DOCTOR_OK, NULL),
			"not wanted (memory.hugepages: no)");
		return false;
	}
	if (machine_nodes_count(machine) < 2 || visit->plan->nb_workers == 0)
		return examine_hugepages_of(visit, MACHINE_NODE_UNKNOWN);
	for (int node = 0; node < MACHINE_NODES_MAX; node++)
		if ((machine->nodes >> node & 1) != 0)
			is_enough &= examine_hugepages_of(visit, node);
	return is_enough;
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
examine_memory(struct doctor_visit *visit, bool has_hugepages)
{
	const struct machine *machine = visit->machine;
	const struct doctor_plan *plan = visit->plan;
	uint64_t fixed_bytes = has_hugepages ? 0 : plan->hugepage_bytes;
	uint64_t needed_bytes = fixed_bytes + plan->memory_bytes;
	bool is_enough = machine->available_bytes >= needed_bytes;
	struct doctor_finding *finding;
	double part;

	if (machine->memory_bytes == 0)
		return; /* not known */
	finding = doctor_find(visit, "memory", is_enough ? DOCTOR_OK : DOCTOR_FAIL,
		"the table takes it as connections come, and then the kernel ends the program");
	doctor_what(finding, "%llu MiB available, %llu MiB needed for flow.capacity %u",
		mebibytes(machine->available_bytes), mebibytes(needed_bytes), plan->flow_capacity);
	if (is_enough)
		return;
	if (machine->available_bytes <= fixed_bytes) {
		doctor_fix(finding, "lower memory.megabytes, or have more memory");
		return;
	}
	/* the table grows with its capacity, what DPDK takes does not; a tenth is left to others */
	part = 0.9 * (double)(machine->available_bytes - fixed_bytes) / (double)plan->memory_bytes;
	doctor_fix(finding, "flow: {capacity: %llu}",
		(unsigned long long)jbr_max_u64(1024, (uint64_t)(part * plan->flow_capacity)));
}

/* The table asks for them, with hugepages or without. */
static void
examine_thp(struct doctor_visit *visit)
{
	enum machine_thp thp = visit->machine->thp;
	struct doctor_finding *finding;

	if (thp == MACHINE_THP_UNKNOWN)
		return;
	if (thp == MACHINE_THP_NEVER) {
		finding = doctor_find(visit, "transparent_hugepages", DOCTOR_WARN,
			"the table of connections lies in small pages, and each packet costs more "
			"cycles");
		doctor_what(finding, "switched off");
		doctor_fix(finding, "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled");
		return;
	}
	doctor_what(doctor_find(visit, "transparent_hugepages", DOCTOR_OK, NULL), "%s",
		thp == MACHINE_THP_ALWAYS ? "always" : "where a program asks (madvise)");
}

/* Memory that a NIC or an AF_XDP socket reads and writes is locked. */
static void
examine_memlock(struct doctor_visit *visit)
{
	const struct machine *machine = visit->machine;
	const struct doctor_plan *plan = visit->plan;
	bool is_needed = false, is_enough;
	struct doctor_finding *finding;

	for (uint32_t i = 0; i < plan->nb_devices; i++) {
		struct device device;

		device_parse(plan->devices[i], &device);
		is_needed |= device.kind == DEVICE_PCI || device.kind == DEVICE_AF_XDP;
	}
	if (!machine->has_memlock)
		return;
	is_enough = !is_needed || machine->memlock_bytes >= plan->hugepage_bytes ||
		(machine->has_capabilities && machine_has_capability(machine, CAP_IPC_LOCK));
	finding = doctor_find(visit, "memlock", is_enough ? DOCTOR_OK : DOCTOR_FAIL,
		"memory that a NIC or an AF_XDP socket uses is locked");
	if (machine->memlock_bytes == UINT64_MAX)
		doctor_what(finding, "no limit");
	else
		doctor_what(finding, "%llu MiB may be locked%s", mebibytes(machine->memlock_bytes),
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
	bool has_hugepages = examine_hugepages(visit);

	examine_hugetlbfs(visit);
	examine_memory(visit, has_hugepages);
	examine_thp(visit);
	examine_memlock(visit);
}
