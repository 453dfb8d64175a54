/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "live_plan_private.h"

void
live_plan_problem(struct live_plan *plan, enum live_part part, uint32_t port, int code,
	const struct jbr_error *error)
{
	if (code < 0 && plan->nb_problems < LIVE_PROBLEMS_MAX)
		plan->problems[plan->nb_problems++] = (struct live_problem){part, port, code,
			*error};
}

/* ---- CPUs ---- */

/* Is @p cpu there for us? @p key is the one that asked for it. */
static int
check_cpu(const struct machine *machine, const char *key, unsigned cpu, struct jbr_error *error)
{
	struct jbr_buffer list = {0};
	bool is_online = machine_cpus_has(&machine->online, cpu);

	if (is_online && machine_cpus_has(&machine->allowed, cpu))
		return 0;
	machine_cpus_format(&machine->allowed, &list);
	jbr_error_set(error, -EINVAL, "%s: CPU %u %s; choose from %.*s", key, cpu,
		is_online ? "is not among those that this process may use (taskset, cgroup)"
			  : "does not exist",
		(int)list.length, list.data);
	jbr_buffer_fini(&list);
	return -EINVAL;
}

/* A decimal number at the start of @p text. @return what follows it, NULL if there is none */
static const char *
take_number(const char *text, unsigned *ret_number)
{
	char *end;
	unsigned long value;

	if (text[0] < '0' || text[0] > '9')
		return NULL;
	value = strtoul(text, &end, 10);
	*ret_number = value > INT32_MAX ? INT32_MAX : (unsigned)value;
	return end;
}

static int
add_cpu(const struct machine *machine, struct live_plan *plan, unsigned cpu,
	struct jbr_error *error)
{
	for (uint32_t i = 0; i < plan->nb_workers; i++)
		if (plan->cpus[i] == cpu)
			return jbr_error_set(error, -EINVAL,
				"worker.cpus: CPU %u is there twice; give each worker a CPU of its "
				"own",
				cpu);
	if (plan->nb_workers == WORKERS_MAX)
		return jbr_error_set(error, -EINVAL, "worker.cpus: more than %d CPUs; name fewer",
			WORKERS_MAX);
	if (check_cpu(machine, "worker.cpus", cpu, error) < 0)
		return -EINVAL;
	plan->cpus[plan->nb_workers++] = cpu;
	return 0;
}

static int
plan_workers(const struct jbr_config *config, const struct machine *machine, struct live_plan *plan,
	struct jbr_error *error)
{
	const char *at = config->worker_cpus;

	if (at[0] == '\0') {
		unsigned last = MACHINE_CPUS_MAX;

		while (last > 0 && !machine_cpus_has(&machine->allowed, last - 1))
			last--;
		return add_cpu(machine, plan, last > 0 ? last - 1 : 0, error);
	}
	for (;;) {
		unsigned from = 0;
		unsigned to;

		at = take_number(at, &from);
		to = from;
		if (at != NULL && *at == '-')
			at = take_number(at + 1, &to);
		if (at == NULL || (*at != ',' && *at != '\0') || to < from)
			return jbr_error_set(error, -EINVAL,
				"worker.cpus: '%s' is no list of CPUs; write it as 1-3 or 1,3",
				config->worker_cpus);
		for (unsigned cpu = from; cpu <= to; cpu++)
			if (add_cpu(machine, plan, cpu, error) < 0)
				return -EINVAL;
		if (*at++ == '\0')
			return 0;
	}
}

static int
plan_control(const struct jbr_config *config, const struct machine *machine, struct live_plan *plan,
	struct jbr_error *error)
{
	const char *end;

	plan->control_cpu = 0;
	if (config->worker_control_cpu[0] == '\0') {
		while (plan->control_cpu + 1 < MACHINE_CPUS_MAX &&
			!machine_cpus_has(&machine->allowed, plan->control_cpu))
			plan->control_cpu++;
		return 0;
	}
	end = take_number(config->worker_control_cpu, &plan->control_cpu);
	if (end == NULL || *end != '\0')
		return jbr_error_set(error, -EINVAL,
			"worker.control_cpu: '%s' is no CPU; write it as 0",
			config->worker_control_cpu);
	return check_cpu(machine, "worker.control_cpu", plan->control_cpu, error);
}

/* ---- ports ---- */

/* The device's own name: what stands before the comma, a PCI address with its domain. */
static int
name_port(struct live_port_plan *port, unsigned index, struct jbr_error *error)
{
	int length = (int)strcspn(port->device, ",");
	const char *domain = "";

	if (port->kind.kind == DEVICE_PCI && length == 7)
		domain = "0000:";
	if ((size_t)snprintf(port->name, sizeof(port->name), "%s%.*s", domain, length,
		    port->device) < sizeof(port->name))
		return 0;
	return jbr_error_set(error, -EINVAL,
		"ports[%u].device: the name before the comma is longer "
		"than %zu bytes; shorten it",
		index, sizeof(port->name) - 1);
}

static int
check_twice(const struct live_plan *plan, const struct live_port_plan *port,
	struct jbr_error *error)
{
	unsigned index = port->index;

	for (unsigned i = 0; i < plan->nb_ports; i++) {
		const struct live_port_plan *other = &plan->ports[i];

		if (strcmp(other->name, port->name) == 0)
			return jbr_error_set(error, -EINVAL,
				"ports[%u].device: '%s' is ports[%u] already; remove one of them",
				index, port->name, other->index);
		if (port->kind.interface[0] != '\0' &&
			strcmp(other->kind.interface, port->kind.interface) == 0)
			return jbr_error_set(error, -EINVAL,
				"ports[%u].device: the interface '%s' is read by ports[%u] "
				"already; remove one of them",
				index, port->kind.interface, other->index);
	}
	return 0;
}

static int
check_device(const struct machine *machine, unsigned index, const char *device,
	struct jbr_error *error)
{
	struct jbr_buffer what = {0};
	struct jbr_buffer fix = {0};
	int rc = 0;

	if (!device_check(machine, device, &what, &fix))
		rc = jbr_error_set(error, -ENODEV, "ports[%u].device: %.*s; %.*s", index,
			(int)what.length, what.data, (int)fix.length, fix.data);
	jbr_buffer_fini(&what);
	jbr_buffer_fini(&fix);
	return rc;
}

/* What the kernel does to frames before they are seen hides what was on the wire. */
static void
note_offloads(struct live_plan *plan, unsigned index, const struct machine_interface *interface)
{
	struct jbr_buffer words = {0};
	struct jbr_buffer command = {0};

	if (device_offloads(interface, &words, &command))
		jbr_buffer_format(&plan->notes,
			"ports[%u]: %s has%.*s on, so what is seen is not what was on the wire; "
			"`%.*s`\n",
			index, interface->name, (int)words.length, words.data, (int)command.length,
			command.data);
	jbr_buffer_fini(&words);
	jbr_buffer_fini(&command);
}

static uint32_t
frame_bytes(const struct live_port_plan *port, const struct machine_interface *interface)
{
	if (port->kind.kind == DEVICE_PCI)
		return LIVE_FRAME_MAX;
	return interface != NULL && interface->mtu > 0 ? jbr_min_u32(interface->mtu, LIVE_FRAME_MAX)
						       : 1500;
}

static int
plan_port(const struct jbr_config *config, unsigned index, const struct machine *machine,
	struct live_plan *plan, struct jbr_error *error)
{
	const struct jbr_config_ports *wanted = &config->ports[index];
	struct live_port_plan *port = &plan->ports[plan->nb_ports];
	const struct machine_interface *interface;
	int rc;

	*port = (struct live_port_plan){.device = wanted->device,
		.index = index,
		.queues = wanted->queues,
		.rx_descriptors = wanted->rx_descriptors,
		.node = device_node(machine, wanted->device)};
	device_parse(wanted->device, &port->kind);
	rc = name_port(port, index, error);
	if (rc == 0)
		rc = check_twice(plan, port, error);
	if (rc == 0)
		rc = check_device(machine, index, wanted->device, error);
	if (rc < 0)
		return rc;
	interface = port->kind.interface[0] == '\0'
		? NULL
		: machine_interface_find(machine, port->kind.interface);
	port->frame_bytes = frame_bytes(port, interface);
	if (interface != NULL)
		note_offloads(plan, index, interface);
	plan->nb_ports++;
	return 0;
}

/* ---- NUMA ---- */

/* A port and a worker on two nodes, where that is not to be. What else has to be on one is seen when it is
 * there (live_placement.c). */
static int
check_node(const struct live_plan *plan, const struct live_port_plan *port,
	const struct machine *machine, struct jbr_error *error)
{
	for (uint32_t i = 0; i < plan->nb_workers && port->node >= 0; i++) {
		int node = machine_node_of_cpu(machine, plan->cpus[i]);

		if (node >= 0 && node != port->node)
			return jbr_error_set(error, -EXDEV,
				"numa.strict: ports[%u] (%s) is on node %d, worker CPU %u on node "
				"%d; set worker.cpus to CPUs of node %d (cat "
				"/sys/devices/system/node/node%d/cpulist)",
				port->index, port->name, port->node, plan->cpus[i], node,
				port->node, port->node);
	}
	return 0;
}

static void
plan_nodes(const struct jbr_config *config, const struct machine *machine, struct live_plan *plan)
{
	struct jbr_error error;

	for (uint32_t i = 0; i < plan->nb_ports && config->numa_strict; i++)
		live_plan_problem(plan, LIVE_PART_NUMA, plan->ports[i].index,
			check_node(plan, &plan->ports[i], machine, &error), &error);
}

/* ---- what DPDK is told ---- */

__attribute__((format(printf, 2, 3))) static void
add_argument(struct live_plan *plan, const char *format, ...)
{
	size_t room = sizeof(plan->texts) - plan->texts_length;
	char *at = plan->texts + plan->texts_length;
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(at, room, format, args);
	va_end(args);
	if (length < 0 || (size_t)length >= room || plan->nb_arguments >= LIVE_ARGUMENTS_MAX) {
		plan->texts_length = sizeof(plan->texts); /* says that it did not fit */
		return;
	}
	plan->arguments[plan->nb_arguments++] = at;
	plan->texts_length += (size_t)length + 1;
}

/* Options of DPDK that the configuration decides. */
static const struct {
	const char *option;
	const char *key;
} owned[] = {
	{"-l", "worker.cpus and worker.control_cpu"},
	{"-c", "worker.cpus and worker.control_cpu"},
	{"--lcores", "worker.cpus and worker.control_cpu"},
	{"--main-lcore", "worker.control_cpu"},
	{"-s", "worker.cpus"},
	{"-S", "worker.cpus"},
	{"-m", "memory.megabytes"},
	{"--socket-mem", "memory.megabytes"},
	{"--no-huge", "memory.hugepages"},
	{"--in-memory", "memory.hugepages"},
	{"--no-shconf", "memory.hugepages"},
	{"--file-prefix", "memory.file_prefix"},
	{"--proc-type", "memory.file_prefix"},
	{"--vdev", "ports"},
	{"-a", "ports"},
	{"--allow", "ports"},
	{"-b", "ports"},
	{"--block", "ports"},
	{"--no-pci", "ports"},
};

/* Is @p word this option? DPDK takes long ones cut short, and short ones with their value right behind. */
static bool
is_option(const char *word, const char *option)
{
	size_t length = strcspn(word, "=");

	if (option[1] != '-')
		return strncmp(word, option, 2) == 0;
	return length > 2 && strncmp(word, option, length) == 0;
}

static int
check_extra(const char *word, struct jbr_error *error)
{
	for (size_t i = 0; i < JBR_COUNT_OF(owned); i++)
		if (is_option(word, owned[i].option))
			return jbr_error_set(error, -EINVAL,
				"--eal: '%s' contradicts the configuration; set %s instead", word,
				owned[i].key);
	return 0;
}

static int
add_extra(struct live_plan *plan, const char *extra, struct jbr_error *error)
{
	while (extra != NULL && *extra != '\0') {
		size_t length = strcspn(extra, " \t");
		char word[JBR_CONFIG_LIST_STRING_SIZE];

		if (length >= sizeof(word))
			return jbr_error_set(error, -EINVAL,
				"--eal: a word is longer than %zu bytes; shorten it",
				sizeof(word) - 1);
		snprintf(word, sizeof(word), "%.*s", (int)length, extra);
		if (length > 0) {
			if (check_extra(word, error) < 0)
				return -EINVAL;
			add_argument(plan, "%s", word);
		}
		extra += length;
		extra += strspn(extra, " \t");
	}
	return 0;
}

static void
add_lcores(struct live_plan *plan)
{
	char map[WORKERS_MAX * 16];
	size_t at = (size_t)snprintf(map, sizeof(map), "0@%u", plan->control_cpu);

	for (uint32_t i = 0; i < plan->nb_workers && at < sizeof(map); i++)
		at += (size_t)snprintf(map + at, sizeof(map) - at, ",%u@%u", i + 1, plan->cpus[i]);
	add_argument(plan, "--lcores");
	add_argument(plan, "%s", map);
}

static void
add_devices(struct live_plan *plan)
{
	bool has_pci = false;

	for (uint32_t i = 0; i < plan->nb_ports; i++) {
		bool is_pci = plan->ports[i].kind.kind == DEVICE_PCI;

		add_argument(plan, "%s", is_pci ? "--allow" : "--vdev");
		add_argument(plan, "%s", plan->ports[i].device);
		has_pci |= is_pci;
	}
	if (!has_pci)
		add_argument(plan, "--no-pci");
}

static int
plan_arguments(const struct jbr_config *config, const char *extra, struct live_plan *plan,
	struct jbr_error *error)
{
	int rc;

	add_argument(plan, "jabiru");
	add_lcores(plan);
	add_argument(plan, "--file-prefix");
	add_argument(plan, "%s", config->memory_file_prefix);
	if (!config->stats_telemetry)
		add_argument(plan, "--no-telemetry");
	add_argument(plan, "--log-level=*:warning");
	if (plan->has_hugepages) {
		add_argument(plan, "--in-memory");
	} else {
		/* 22.11 refuses --no-huge together with --in-memory */
		add_argument(plan, "--no-huge");
		add_argument(plan, "--no-shconf");
		add_argument(plan, "--iova-mode=va");
		add_argument(plan, "-m");
		add_argument(plan, "%llu", machine_mebibytes(plan->eal_bytes));
	}
	add_devices(plan);
	rc = add_extra(plan, extra, error);
	if (rc == 0 && plan->texts_length >= sizeof(plan->texts))
		rc = jbr_error_set(error, -EINVAL,
			"ports and --eal: their texts are too long together; shorten them");
	return rc;
}

static int
check_prefix(const char *prefix, struct jbr_error *error)
{
	if (prefix[0] != '\0' && prefix[0] != '.' && strchr(prefix, '/') == NULL &&
		strchr(prefix, '%') == NULL)
		return 0;
	return jbr_error_set(error, -EINVAL,
		"memory.file_prefix: '%s' is no part of a file name; write a word as jabiru",
		prefix);
}

int
live_plan_use_ports(struct jbr_config *config, const char *const *devices, size_t nb_devices,
	struct jbr_error *error)
{
	for (size_t i = 0; i < nb_devices; i++) {
		struct jbr_config_ports *port = &config->ports[i];

		*port = (struct jbr_config_ports){0};
		if (strlen(devices[i]) >= sizeof(port->device))
			return jbr_error_set(error, -EINVAL,
				"--port: more than %zu bytes are too long; shorten it",
				sizeof(port->device) - 1);
		memcpy(port->device, devices[i], strlen(devices[i]));
	}
	if (nb_devices > 0)
		config->ports_count = (uint32_t)nb_devices;
	return 0;
}

/* Without ports it plans as for a host that has none. */
static void
plan_ports(const struct jbr_config *config, const struct machine *machine, struct live_plan *plan)
{
	struct jbr_error error;

	if (config->ports_count == 0) {
		jbr_error_set(&error, -EINVAL,
			"ports: there is none; name one in the configuration, or with --port "
			"net_af_packet0,iface=eth0");
		live_plan_problem(plan, LIVE_PART_PORT, 0, -EINVAL, &error);
	}
	for (uint32_t i = 0; i < config->ports_count; i++)
		live_plan_problem(plan, LIVE_PART_PORT, i,
			plan_port(config, i, machine, plan, &error), &error);
}

int
live_plan_make(const struct jbr_config *config, const char *extra, const struct machine *machine,
	struct live_plan *ret_plan, struct jbr_error *error)
{
	struct live_plan *plan = ret_plan;
	struct jbr_error one;

	memset(plan, 0, sizeof(*plan));
	live_plan_problem(plan, LIVE_PART_OTHER, 0, check_prefix(config->memory_file_prefix, &one),
		&one);
	live_plan_problem(plan, LIVE_PART_CPUS, 0, plan_workers(config, machine, plan, &one), &one);
	live_plan_problem(plan, LIVE_PART_CPUS, 0, plan_control(config, machine, plan, &one), &one);
	plan_ports(config, machine, plan);
	plan_nodes(config, machine, plan);
	live_plan_memory(config, machine, plan);
	live_plan_problem(plan, LIVE_PART_OTHER, 0, plan_arguments(config, extra, plan, &one),
		&one);
	if (plan->nb_problems == 0)
		return 0;
	if (error != NULL)
		*error = plan->problems[0].error;
	return plan->problems[0].code;
}

void
live_plan_fini(struct live_plan *plan)
{
	jbr_buffer_fini(&plan->notes);
}
