/* SPDX-License-Identifier: BSD-3-Clause */
/* How much memory a live run takes, and on which pages it will lie. */
#include <errno.h>
#include <stdio.h>

#include "live_plan_private.h"
#include "table_memory.h"

/* What EAL takes for itself, and a packet buffer beside its data. */
#define EAL_BYTES (UINT64_C(48) << 20)
enum {
	MBUF_BYTES = 320,
	TABLE_LEAST = 1024, /* connections: no table is smaller */
	NONE_SHORT = -2,    /* beside nodes and MACHINE_NODE_UNKNOWN */
};

uint32_t
live_mbufs(uint64_t descriptors, uint64_t handed_on)
{
	uint64_t needed = descriptors + handed_on + LIVE_MBUFS_IN_HAND + 2 * LIVE_MBUF_CACHE;
	uint64_t power = 1024;

	while (power - 1 < needed && power < UINT64_C(1) << 24)
		power *= 2;
	return (uint32_t)power - 1;
}

uint32_t
live_table_capacity(const struct jbr_config *config, uint32_t tables)
{
	return jbr_flow_places((uint32_t)jbr_max_u64(TABLE_LEAST,
		((uint64_t)config->flow_capacity + tables - 1) / tables));
}

/* One table, or one for each worker: that is decided when the devices are known. */
static uint64_t
table_bytes(const struct jbr_config *config, uint32_t workers)
{
	return jbr_max_u64(table_memory_bytes(live_table_capacity(config, 1)),
		workers * table_memory_bytes(live_table_capacity(config, workers)));
}

/* At least one, so that memory can be said where CPUs are wrong. */
static uint32_t
workers_of(const struct live_plan *plan)
{
	return plan->nb_workers == 0 ? 1 : plan->nb_workers;
}

/* An upper bound: what the devices can is not known yet. */
static uint64_t
eal_bytes(const struct jbr_config *config, const struct live_plan *plan)
{
	uint32_t workers = workers_of(plan);
	uint64_t handed_on = (uint64_t)(workers - 1) * config->worker_ring_size; /* to one */
	uint64_t descriptors = 0;
	uint64_t bytes = EAL_BYTES;
	uint32_t frame = 0;

	for (uint32_t i = 0; i < plan->nb_ports; i++) {
		const struct live_port_plan *port = &plan->ports[i];

		descriptors += port->rx_descriptors > 0 ? port->rx_descriptors : LIVE_DESCRIPTORS;
		frame = jbr_min_u32(LIVE_FRAME_MAX,
			frame > port->frame_bytes ? frame : port->frame_bytes);
	}
	frame = frame < 2048 ? 2048 : frame;
	bytes += (uint64_t)live_mbufs(descriptors, jbr_min_u64(handed_on, LIVE_DESCRIPTORS)) *
		workers * (frame + MBUF_BYTES);
	return bytes + handed_on * workers * 2 * sizeof(uint64_t);
}

/* Ordinary memory: for what lies on no hugepages. */
static int
check_memory(const struct jbr_config *config, const struct machine *machine,
	const struct live_plan *plan, struct jbr_error *error)
{
	uint64_t eal = plan->has_hugepages ? 0 : plan->eal_bytes;
	uint64_t tables = plan->tables_have_hugepages ? 0 : plan->table_bytes;
	uint64_t available = machine->available_bytes;

	if (available == 0 || eal + tables <= available)
		return 0;
	if (eal > available)
		return jbr_error_set(error, -ENOMEM,
			"memory.megabytes: %llu MiB of packet buffers are needed, %llu MiB of "
			"memory are available; lower memory.megabytes, ports[].rx_descriptors or "
			"worker.ring_size",
			machine_mebibytes(eal), machine_mebibytes(available));
	/* a tenth is left to others */
	return jbr_error_set(error, -ENOMEM,
		"flow.capacity: %u connections take %llu MiB, %llu MiB of memory are available; "
		"set it to %llu or less",
		config->flow_capacity, machine_mebibytes(tables),
		machine_mebibytes(available - eal),
		(unsigned long long)jbr_max_u64(TABLE_LEAST,
			(uint64_t)((double)config->flow_capacity * 0.9 * (double)(available - eal) /
				(double)tables)));
}

/* ---- huge pages ---- */

uint64_t
live_plan_share(const struct live_plan *plan, const struct machine *machine, int node,
	uint64_t bytes)
{
	uint32_t workers = 0;

	if (node == MACHINE_NODE_UNKNOWN)
		return bytes;
	for (uint32_t i = 0; i < plan->nb_workers; i++)
		workers += machine_node_of_cpu(machine, plan->cpus[i]) == node;
	return bytes * workers / workers_of(plan);
}

uint64_t
live_plan_nodes(const struct live_plan *plan, const struct machine *machine)
{
	uint64_t nodes = 0;

	if (machine_nodes_count(machine) < 2)
		return 0;
	for (uint32_t i = 0; i < plan->nb_workers; i++) {
		int node = machine_node_of_cpu(machine, plan->cpus[i]);

		if (node < 0)
			return 0;
		nodes |= UINT64_C(1) << node;
	}
	return nodes;
}

/* DPDK takes its hugepages first, of any size; tables take what is left of theirs.
 * @return whether @p node has enough for it */
static bool
has_hugepages(const struct live_plan *plan, const struct machine *machine, int node)
{
	return machine_hugepages_free_bytes(machine, node) >=
		live_plan_share(plan, machine, node, plan->eal_bytes);
}

/* The same for tables, where DPDK has its own, or does without. */
static bool
tables_have_hugepages(const struct live_plan *plan, const struct machine *machine, int node)
{
	uint64_t bytes = plan->table_bytes + (plan->has_hugepages ? plan->eal_bytes : 0);

	return machine_hugepages_free_of_size(machine, node, TABLE_MEMORY_PAGE_BYTES) >=
		live_plan_share(plan, machine, node, bytes);
}

/* @return the first node of workers that lacks them, NONE_SHORT if none does */
static int
find_short(const struct live_plan *plan, const struct machine *machine,
	bool (*has)(const struct live_plan *, const struct machine *, int))
{
	uint64_t nodes = live_plan_nodes(plan, machine);

	if (nodes == 0)
		return has(plan, machine, MACHINE_NODE_UNKNOWN) ? NONE_SHORT : MACHINE_NODE_UNKNOWN;
	for (int node = 0; node < MACHINE_NODES_MAX; node++)
		if ((nodes >> node & 1) != 0 && !has(plan, machine, node))
			return node;
	return NONE_SHORT;
}

/* What is short, and where. */
struct shortage {
	unsigned long long eal; /* MiB needed */
	unsigned long long tables;
	unsigned long long free;
	char where[32];
	struct jbr_buffer command;
};

static void
shortage_at(const struct live_plan *plan, const struct machine *machine, int node,
	struct shortage *ret_shortage)
{
	uint64_t eal = live_plan_share(plan, machine, node, plan->eal_bytes);
	uint64_t tables = live_plan_share(plan, machine, node, plan->table_bytes);

	memset(ret_shortage, 0, sizeof(*ret_shortage));
	ret_shortage->eal = machine_mebibytes(eal);
	ret_shortage->tables = machine_mebibytes(tables);
	ret_shortage->free = machine_mebibytes(machine_hugepages_free_bytes(machine, node));
	if (node != MACHINE_NODE_UNKNOWN)
		snprintf(ret_shortage->where, sizeof(ret_shortage->where), " on NUMA node %d",
			node);
	device_hugepages_command(machine, node, eal + tables, &ret_shortage->command);
}

/* It was to be hugepages or nothing. */
static void
refuse_without(struct live_plan *plan, const struct shortage *shortage)
{
	struct jbr_error error;
	int rc = jbr_error_set(&error, -ENOMEM,
		"memory.hugepages: %llu MiB are needed%s, and %llu MiB more for the tables to lie "
		"there too, %llu MiB are free; `%.*s`, or set it to auto, which is slower",
		shortage->eal, shortage->where, shortage->tables, shortage->free,
		(int)shortage->command.length, shortage->command.data);

	live_plan_problem(plan, LIVE_PART_HUGEPAGES, 0, rc, &error);
}

static void
plan_hugepages(const struct jbr_config *config, const struct machine *machine,
	struct live_plan *plan)
{
	bool is_wanted = config->memory_hugepages != JBR_VALUE_hugepages_NO;
	int eal_node = find_short(plan, machine, has_hugepages);
	struct shortage shortage;
	int table_node;

	plan->has_hugepages = is_wanted && eal_node == NONE_SHORT;
	table_node = find_short(plan, machine, tables_have_hugepages);
	plan->tables_have_hugepages = is_wanted && table_node == NONE_SHORT;
	if (!is_wanted || (plan->has_hugepages && plan->tables_have_hugepages))
		return;
	shortage_at(plan, machine, plan->has_hugepages ? table_node : eal_node, &shortage);
	if (config->memory_hugepages == JBR_VALUE_hugepages_YES && !plan->has_hugepages)
		refuse_without(plan, &shortage);
	else
		jbr_buffer_format(&plan->notes,
			"without hugepages for %s, which is slower: %llu MiB for packet buffers "
			"and %llu MiB for tables are needed%s, %llu MiB are free; `%.*s`\n",
			plan->has_hugepages                   ? "the tables"
				: plan->tables_have_hugepages ? "packet buffers"
							      : "packet buffers and tables",
			shortage.eal, shortage.tables, shortage.where, shortage.free,
			(int)shortage.command.length, shortage.command.data);
	jbr_buffer_fini(&shortage.command);
}

void
live_plan_memory(const struct jbr_config *config, const struct machine *machine,
	struct live_plan *plan)
{
	struct jbr_error error;

	plan->table_bytes = table_bytes(config, workers_of(plan));
	plan->eal_bytes = config->memory_megabytes > 0 ? (uint64_t)config->memory_megabytes << 20
						       : eal_bytes(config, plan);
	plan_hugepages(config, machine, plan);
	/* without the hugepages that it must have it takes no memory */
	if (plan->has_hugepages || config->memory_hugepages != JBR_VALUE_hugepages_YES)
		live_plan_problem(plan, LIVE_PART_MEMORY, 0,
			check_memory(config, machine, plan, &error), &error);
}
