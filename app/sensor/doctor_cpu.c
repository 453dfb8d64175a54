/* SPDX-License-Identifier: BSD-3-Clause */
/* CPUs: which there are, whose they are, what they can, and which node they are on. */
#include "doctor_private.h"

static void
take_cpus(struct doctor_finding *finding, const char *before, const struct machine_cpus *cpus,
	const char *after)
{
	struct jbr_buffer text = {0};

	jbr_buffer_format(&text, "%s", before);
	machine_cpus_format(cpus, &text);
	jbr_buffer_format(&text, "%s", after);
	doctor_take(finding->what, &text);
}

static void
fix_with_allowed(struct doctor_visit *visit, struct doctor_finding *finding, const char *key)
{
	struct jbr_buffer text = {0};

	jbr_buffer_format(&text, "%s: some of ", key);
	machine_cpus_format(&visit->machine->allowed, &text);
	doctor_take(finding->fix, &text);
}

/* @return whether the plan has a problem with them */
static bool
find_cpu_problems(struct doctor_visit *visit)
{
	bool is_any = false;

	for (uint32_t i = 0; i < visit->plan->nb_problems; i++) {
		if (visit->plan->problems[i].part != LIVE_PART_CPUS)
			continue;
		doctor_find_problem(visit, "cpus", &visit->plan->problems[i]);
		is_any = true;
	}
	return is_any;
}

static void
examine_worker_cpus(struct doctor_visit *visit)
{
	const struct live_plan *plan = visit->plan;
	struct machine_cpus used = {0};
	struct doctor_finding *finding;

	if (find_cpu_problems(visit))
		return;
	for (uint32_t i = 0; i < plan->nb_workers; i++)
		used.bits[plan->cpus[i] / 64] |= UINT64_C(1) << (plan->cpus[i] % 64);
	if (machine_cpus_has(&used, plan->control_cpu)) {
		finding = doctor_find(visit, "cpus", DOCTOR_WARN,
			"that worker is held up while control writes");
		doctor_what(finding, "control shares CPU %u with a worker", plan->control_cpu);
		fix_with_allowed(visit, finding, "worker.control_cpu");
		return;
	}
	finding = doctor_find(visit, "cpus", DOCTOR_OK, NULL);
	take_cpus(finding, "workers on ", &used, "");
}

/* A CPU that the scheduler gives to others too makes the worker pause, and then its port loses. */
static void
examine_isolation(struct doctor_visit *visit)
{
	static const char why[] = "what else runs there holds the worker up, and packets are lost";
	const struct machine *machine = visit->machine;
	const struct live_plan *plan = visit->plan;
	struct machine_cpus shared = {0};
	struct jbr_buffer list = {0};
	struct doctor_finding *finding;

	for (uint32_t i = 0; i < plan->nb_workers; i++) {
		unsigned cpu = plan->cpus[i];

		if (machine_cpus_has(&machine->online, cpu) &&
			!machine_cpus_has(&machine->isolated, cpu))
			shared.bits[cpu / 64] |= UINT64_C(1) << (cpu % 64);
	}
	if (plan->nb_workers == 0 || machine_cpus_count(&shared) == 0) {
		finding = doctor_find(visit, "isolation", DOCTOR_OK, NULL);
		take_cpus(finding, "isolated: ", &machine->isolated, "");
		return;
	}
	finding = doctor_find(visit, "isolation", DOCTOR_WARN, why);
	take_cpus(finding, "the scheduler gives CPU ", &shared, " of the workers to others too");
	machine_cpus_format(&shared, &list);
	doctor_fix(finding, "boot with isolcpus=%.*s nohz_full=%.*s rcu_nocbs=%.*s",
		(int)list.length, list.data == NULL ? "" : list.data, (int)list.length,
		list.data == NULL ? "" : list.data, (int)list.length,
		list.data == NULL ? "" : list.data);
	jbr_buffer_fini(&list);
}

static void
examine_instructions(struct doctor_visit *visit)
{
	const struct machine *machine = visit->machine;
	struct doctor_finding *finding;

	if (!machine->has_cpu_flags) {
		finding = doctor_find(visit, "tsc", DOCTOR_WARN, "time is made of it");
		doctor_what(finding, "/proc/cpuinfo does not say what this CPU can");
		return;
	}
	finding = doctor_find(visit, "sse4_2", machine->has_sse42 ? DOCTOR_OK : DOCTOR_FAIL,
		"DPDK and jabiru are built for it");
	doctor_what(finding, machine->has_sse42 ? "there" : "this CPU does not have it");
	if (!machine->has_sse42)
		doctor_fix(finding, "a CPU of 2009 or later; in a virtual machine: -cpu host");
	if (machine->has_constant_tsc && machine->has_nonstop_tsc) {
		finding = doctor_find(visit, "tsc", DOCTOR_OK, NULL);
		doctor_what(finding, "constant and never stops; the kernel's clock is %s",
			machine->clocksource[0] == '\0' ? "not known" : machine->clocksource);
		return;
	}
	finding = doctor_find(visit, "tsc", DOCTOR_WARN,
		"time is made of it: stamps may drift and time-outs come early or late");
	doctor_what(finding, "the time stamp counter %s",
		machine->has_constant_tsc ? "may stop while its CPU sleeps"
					  : "changes its speed with its CPU's");
	doctor_fix(finding,
		machine->is_virtual ? "give the virtual machine an invariant TSC "
				      "(libvirt: <feature policy='require' "
				      "name='invtsc'/>)"
				    : "boot with processor.max_cstate=1 intel_pstate=disable");
}

/* Ports and workers on one node: each packet would cross between them otherwise. */
static void
examine_nodes(struct doctor_visit *visit)
{
	const struct machine *machine = visit->machine;
	const struct live_plan *plan = visit->plan;
	bool is_fine = true;
	bool is_far = false;

	for (uint32_t i = 0; i < plan->nb_problems; i++)
		if (plan->problems[i].part == LIVE_PART_NUMA) {
			doctor_find_problem(visit, "numa", &plan->problems[i]);
			is_fine = false;
		}
	for (uint32_t p = 0; p < plan->nb_ports && is_fine; p++) {
		int node = plan->ports[p].node;

		for (uint32_t w = 0; w < plan->nb_workers && node >= 0; w++) {
			int at = machine_node_of_cpu(machine, plan->cpus[w]);
			struct doctor_finding *finding;

			if (at < 0 || at == node)
				continue;
			is_far = true;
			finding = doctor_find(visit, "numa", DOCTOR_WARN,
				"every packet crosses between the nodes");
			doctor_what(finding, "port %s is on node %d, worker CPU %u on node %d",
				plan->ports[p].device, node, plan->cpus[w], at);
			doctor_fix(finding,
				"worker.cpus: CPUs of node %d (cat "
				"/sys/devices/system/node/node%d/cpulist)",
				node, node);
		}
	}
	if (!is_fine || is_far)
		return;
	if (machine_nodes_count(machine) < 2)
		doctor_what(doctor_find(visit, "numa", DOCTOR_OK, NULL), "one node");
	else
		doctor_what(doctor_find(visit, "numa", DOCTOR_OK, NULL),
			"%u nodes; ports and workers are together, as far as ports say where they "
			"are",
			machine_nodes_count(machine));
}

void
doctor_examine_cpus(struct doctor_visit *visit)
{
	examine_worker_cpus(visit);
	examine_isolation(visit);
	examine_instructions(visit);
	examine_nodes(visit);
}
