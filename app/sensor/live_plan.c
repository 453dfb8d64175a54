/* SPDX-License-Identifier: BSD-3-Clause */
#include "live_plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "jbr_flow.h"

/* What EAL takes for itself, and a packet buffer beside its data. */
#define EAL_BYTES (UINT64_C(48) << 20)
enum { MBUF_BYTES = 320 };

static unsigned long long
mebibytes(uint64_t bytes)
{
	return (unsigned long long)((bytes + (1 << 20) - 1) >> 20);
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
		return jbr_error_set(error, -EINVAL, "worker.cpus: at most %d CPUs are used",
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
check_twice(const struct live_plan *plan, unsigned index, struct jbr_error *error)
{
	const struct live_port_plan *port = &plan->ports[index];

	for (unsigned i = 0; i < index; i++) {
		const struct live_port_plan *other = &plan->ports[i];

		if (strcmp(other->name, port->name) == 0)
			return jbr_error_set(error, -EINVAL,
				"ports[%u].device: '%s' is ports[%u] already; remove one of them",
				index, port->name, i);
		if (port->kind.interface[0] != '\0' &&
			strcmp(other->kind.interface, port->kind.interface) == 0)
			return jbr_error_set(error, -EINVAL,
				"ports[%u].device: the interface '%s' is read by ports[%u] "
				"already; remove one of them",
				index, port->kind.interface, i);
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
	const struct machine_offloads *offloads = &interface->offloads;
	bool is_merged = offloads->gro || offloads->lro || offloads->tso || offloads->gso;

	if (!offloads->is_known || (!is_merged && !offloads->tx_checksum && !offloads->rx_vlan))
		return;
	jbr_buffer_format(&plan->notes,
		"ports[%u]: %s has offloads on that change what is seen (%s%s%s); switch them off: "
		"ethtool -K %s gro off lro off tso off gso off rx off tx off rxvlan off\n",
		index, interface->name, is_merged ? "segments merged by GRO, LRO, TSO or GSO" : "",
		is_merged && offloads->tx_checksum ? ", " : "",
		offloads->tx_checksum ? "checksums of its own frames left open" : "",
		interface->name);
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
plan_port(const struct jbr_config_ports *wanted, const struct machine *machine,
	struct live_plan *plan, struct jbr_error *error)
{
	unsigned index = plan->nb_ports;
	struct live_port_plan *port = &plan->ports[index];
	const struct machine_interface *interface;
	int rc;

	*port = (struct live_port_plan){.device = wanted->device,
		.queues = wanted->queues,
		.rx_descriptors = wanted->rx_descriptors,
		.node = device_node(machine, wanted->device)};
	device_parse(wanted->device, &port->kind);
	rc = name_port(port, index, error);
	if (rc == 0)
		rc = check_twice(plan, index, error);
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

/* ---- memory ---- */

uint32_t
live_mbufs(uint64_t descriptors, uint64_t handed_on)
{
	uint64_t needed = descriptors + handed_on + LIVE_MBUFS_IN_HAND + 2 * LIVE_MBUF_CACHE;
	uint64_t power = 1024;

	while (power - 1 < needed && power < UINT64_C(1) << 24)
		power *= 2;
	return (uint32_t)power - 1;
}

/* An upper bound: what the devices can is not known yet. */
static uint64_t
eal_bytes(const struct jbr_config *config, const struct live_plan *plan)
{
	uint64_t handed_on = (uint64_t)(plan->nb_workers - 1) *
		config->worker_ring_size; /* to one worker */
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
		plan->nb_workers * (frame + MBUF_BYTES);
	return bytes + handed_on * plan->nb_workers * 2 * sizeof(uint64_t);
}

static int
check_memory(const struct jbr_config *config, const struct machine *machine,
	const struct live_plan *plan, struct jbr_error *error)
{
	uint64_t needed = plan->table_bytes + (plan->has_hugepages ? 0 : plan->eal_bytes);
	uint64_t spare = machine->available_bytes > plan->eal_bytes
		? machine->available_bytes - plan->eal_bytes
		: 0;

	if (machine->available_bytes == 0 || needed <= machine->available_bytes)
		return 0;
	if (plan->eal_bytes > machine->available_bytes)
		return jbr_error_set(error, -ENOMEM,
			"memory.megabytes: %llu MiB of packet buffers are needed, %llu MiB of "
			"memory "
			"are available; lower ports[].rx_descriptors or worker.ring_size",
			mebibytes(plan->eal_bytes), mebibytes(machine->available_bytes));
	return jbr_error_set(error, -ENOMEM,
		"flow.capacity: %u connections take %llu MiB, %llu MiB of memory are available; "
		"set "
		"it to %llu or less",
		config->flow_capacity, mebibytes(needed), mebibytes(machine->available_bytes),
		(unsigned long long)jbr_max_u64(1024,
			(uint64_t)((double)config->flow_capacity * 0.9 * (double)spare /
				(double)plan->table_bytes)));
}

static int
plan_memory(const struct jbr_config *config, const struct machine *machine, struct live_plan *plan,
	struct jbr_error *error)
{
	uint64_t free_bytes = machine_hugepages_free_bytes(machine, MACHINE_NODE_UNKNOWN);
	struct jbr_buffer command = {0};
	bool is_enough;
	int rc = 0;

	plan->table_bytes = jbr_flow_table_need(jbr_flow_places(config->flow_capacity));
	plan->eal_bytes = config->memory_megabytes > 0 ? (uint64_t)config->memory_megabytes << 20
						       : eal_bytes(config, plan);
	is_enough = free_bytes >= plan->eal_bytes;
	plan->has_hugepages = is_enough && config->memory_hugepages != JBR_VALUE_hugepages_NO;
	device_hugepages_command(machine, MACHINE_NODE_UNKNOWN, plan->eal_bytes, &command);
	if (config->memory_hugepages == JBR_VALUE_hugepages_YES && !is_enough)
		rc = jbr_error_set(error, -ENOMEM,
			"memory.hugepages: %llu MiB are needed, %llu MiB are free; `%.*s`, or set "
			"it "
			"to auto, which is slower",
			mebibytes(plan->eal_bytes), mebibytes(free_bytes), (int)command.length,
			command.data);
	else if (config->memory_hugepages == JBR_VALUE_hugepages_AUTO && !is_enough)
		jbr_buffer_format(&plan->notes,
			"without hugepages, which is slower: %llu MiB are needed, %llu MiB are "
			"free; "
			"`%.*s`\n",
			mebibytes(plan->eal_bytes), mebibytes(free_bytes), (int)command.length,
			command.data);
	jbr_buffer_fini(&command);
	return rc < 0 ? rc : check_memory(config, machine, plan, error);
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
		add_argument(plan, "%llu", mebibytes(plan->eal_bytes));
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
live_plan_make(const struct jbr_config *config, const char *extra, const struct machine *machine,
	struct live_plan *ret_plan, struct jbr_error *error)
{
	int rc;

	memset(ret_plan, 0, sizeof(*ret_plan));
	if (config->ports_count == 0)
		return jbr_error_set(error, -EINVAL,
			"ports: there is none; name one in the configuration, or with --port "
			"net_af_packet0,iface=eth0");
	rc = check_prefix(config->memory_file_prefix, error);
	if (rc == 0)
		rc = plan_workers(config, machine, ret_plan, error);
	if (rc == 0)
		rc = plan_control(config, machine, ret_plan, error);
	for (uint32_t i = 0; i < config->ports_count && rc == 0; i++)
		rc = plan_port(&config->ports[i], machine, ret_plan, error);
	if (rc == 0)
		rc = plan_memory(config, machine, ret_plan, error);
	if (rc == 0)
		rc = plan_arguments(config, extra, ret_plan, error);
	return rc;
}

void
live_plan_fini(struct live_plan *plan)
{
	jbr_buffer_fini(&plan->notes);
}
