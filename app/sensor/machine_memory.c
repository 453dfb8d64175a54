/* SPDX-License-Identifier: BSD-3-Clause */
/* CPUs, memory, NUMA nodes, and what this process may do. */
#include <stdio.h>
#include <stdlib.h>

#include "machine_private.h"

/* The words behind `key:` on the line that starts with it; NULL when there is none. */
static char *
value_of(char *text, const char *key)
{
	size_t length = strlen(key);
	char *line = text;

	while (line != NULL && *line != '\0') {
		char *end = strchr(line, '\n');

		if (strncmp(line, key, length) == 0) {
			if (end != NULL)
				*end = '\0';
			line += length;
			return line + strspn(line, " \t:");
		}
		line = end == NULL ? NULL : end + 1;
	}
	return NULL;
}

static bool
has_word(const char *words, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = strstr(words, word); at != NULL; at = strstr(at + 1, word))
		if ((at == words || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
			return true;
	return false;
}

static void
read_cpus(struct machine_reading *reading, const char *name, struct machine_cpus *ret_cpus)
{
	char *text = machine_text(reading, "/sys/devices/system/cpu/%s", name);

	/* nohz_full is " (null)" on kernels that can do it and do not */
	if (text != NULL)
		(void)machine_cpus_parse(text, ret_cpus);
}

static void
read_cpu_flags(struct machine_reading *reading)
{
	struct machine *machine = reading->machine;
	char *text = machine_text(reading, "/proc/cpuinfo");
	char *flags = text == NULL ? NULL : value_of(text, "flags");

	if (flags != NULL) {
		machine->has_cpu_flags = true;
		machine->has_constant_tsc = has_word(flags, "constant_tsc");
		machine->has_nonstop_tsc = has_word(flags, "nonstop_tsc");
		machine->has_sse42 = has_word(flags, "sse4_2");
		machine->is_virtual = has_word(flags, "hypervisor");
	}
	text = machine_text(reading,
		"/sys/devices/system/clocksource/clocksource0/current_clocksource");
	if (text != NULL) {
		text[strcspn(text, "\n")] = '\0';
		machine_name(machine->clocksource, text);
	}
}

static uint64_t
kilobytes_of(char *text, const char *key)
{
	char *value = value_of(text, key);

	return value == NULL ? 0 : strtoull(value, NULL, 10) * 1024;
}

static void
read_process(struct machine_reading *reading)
{
	struct machine *machine = reading->machine;
	char *text = machine_text(reading, "/proc/self/status");
	char *value = text == NULL ? NULL : value_of(text, "CapEff");

	if (value != NULL) {
		machine->has_capabilities = true;
		machine->capabilities = strtoull(value, NULL, 16);
	}
	text = machine_text(reading, "/proc/self/status");
	value = text == NULL ? NULL : value_of(text, "Cpus_allowed_list");
	if (value == NULL || machine_cpus_parse(value, &machine->allowed) < 0)
		machine->allowed = machine->online;
	text = machine_text(reading, "/proc/self/limits");
	value = text == NULL ? NULL : value_of(text, "Max locked memory");
	if (value != NULL) {
		machine->has_memlock = true;
		machine->memlock_bytes = *value == 'u' ? UINT64_MAX : strtoull(value, NULL, 10);
	}
}

static void
read_memory_sizes(struct machine_reading *reading)
{
	struct machine *machine = reading->machine;
	char *text = machine_text(reading, "/proc/meminfo");

	if (text != NULL)
		machine->memory_bytes = kilobytes_of(text, "MemTotal:");
	text = machine_text(reading, "/proc/meminfo");
	if (text != NULL)
		machine->available_bytes = kilobytes_of(text, "MemAvailable:");
	text = machine_text(reading, "/sys/kernel/mm/transparent_hugepage/enabled");
	if (text == NULL)
		return;
	if (strstr(text, "[always]") != NULL)
		machine->thp = MACHINE_THP_ALWAYS;
	else if (strstr(text, "[madvise]") != NULL)
		machine->thp = MACHINE_THP_MADVISE;
	else if (strstr(text, "[never]") != NULL)
		machine->thp = MACHINE_THP_NEVER;
}

/* @p folder is a node's, or the host's where the kernel knows no nodes. */
static void
read_hugepages(struct machine_reading *reading, const char *folder, const char *name)
{
	struct machine *machine = reading->machine;
	struct machine_hugepages *pages = &machine->hugepages[machine->nb_hugepages];
	unsigned long long kilobytes;
	unsigned node = 0;

	if (machine->nb_hugepages == MACHINE_HUGEPAGES_MAX ||
		sscanf(name, "hugepages-%llukB", &kilobytes) != 1 || kilobytes == 0 ||
		kilobytes > UINT64_MAX >> 20)
		return;
	(void)sscanf(folder, "/sys/devices/system/node/node%u/", &node);
	pages->size_bytes = kilobytes * 1024;
	pages->node = (int)node;
	pages->total = (uint64_t)machine_number(reading, 0, "%s/%s/nr_hugepages", folder, name);
	pages->free = (uint64_t)machine_number(reading, 0, "%s/%s/free_hugepages", folder, name);
	machine->nb_hugepages++;
}

static void
read_distances(struct machine *machine, unsigned node, const char *text)
{
	unsigned to = 0;

	/* one number for each node that exists, in their order */
	while (*(text += strspn(text, " \n")) != '\0') {
		char *end;
		unsigned long distance = strtoul(text, &end, 10);

		while (to < MACHINE_NODES_MAX && (machine->nodes >> to & 1) == 0)
			to++;
		if (end == text || to == MACHINE_NODES_MAX)
			return;
		machine->distance[node][to++] = distance > UINT8_MAX ? UINT8_MAX
								     : (uint8_t)distance;
		text = end;
	}
}

static void
read_node(struct machine_reading *reading, unsigned node)
{
	struct machine *machine = reading->machine;
	struct machine_cpus cpus = {0};
	char folder[MACHINE_NAME_SIZE];
	char *text = machine_text(reading, "/sys/devices/system/node/node%u/cpulist", node);

	if (text != NULL)
		(void)machine_cpus_parse(text, &cpus);
	for (unsigned cpu = 0; cpu < MACHINE_CPUS_MAX; cpu++)
		if (machine_cpus_has(&cpus, cpu))
			machine->node_of_cpu[cpu] = (int8_t)node;
	text = machine_text(reading, "/sys/devices/system/node/node%u/distance", node);
	if (text != NULL)
		read_distances(machine, node, text);
	(void)snprintf(folder, sizeof(folder), "/sys/devices/system/node/node%u/hugepages", node);
	machine_folder(reading, folder, read_hugepages);
}

static void
read_nodes(struct machine_reading *reading)
{
	struct machine *machine = reading->machine;
	struct machine_cpus nodes = {0}; /* a list of nodes has the form of a list of CPUs */
	char *text = machine_text(reading, "/sys/devices/system/node/online");

	memset(machine->node_of_cpu, MACHINE_NODE_UNKNOWN, sizeof(machine->node_of_cpu));
	if (text != NULL)
		(void)machine_cpus_parse(text, &nodes);
	machine->nodes = nodes.bits[0];
	for (unsigned node = 0; node < MACHINE_NODES_MAX; node++)
		if ((machine->nodes >> node & 1) != 0)
			read_node(reading, node);
	if (machine->nodes != 0)
		return;
	/* a kernel without NUMA: all is on node 0 */
	machine->nodes = 1;
	machine->distance[0][0] = 10;
	for (unsigned cpu = 0; cpu < MACHINE_CPUS_MAX; cpu++)
		if (machine_cpus_has(&machine->online, cpu))
			machine->node_of_cpu[cpu] = 0;
	machine_folder(reading, "/sys/kernel/mm/hugepages", read_hugepages);
}

static uint64_t
page_size_of(const char *options)
{
	const char *at = strstr(options, "pagesize=");
	char *end;
	uint64_t size;

	if (at == NULL)
		return 0;
	size = strtoull(at + strlen("pagesize="), &end, 10);
	switch (*end) {
	case 'G':
		return size << 30;
	case 'M':
		return size << 20;
	case 'K':
	case 'k':
		return size << 10;
	default:
		return size;
	}
}

static void
read_mounts(struct machine_reading *reading)
{
	struct machine *machine = reading->machine;
	char *line = machine_text(reading, "/proc/self/mounts");

	while (line != NULL && *line != '\0' && machine->nb_mounts < MACHINE_MOUNTS_MAX) {
		struct machine_mount *mount = &machine->mounts[machine->nb_mounts];
		char options[256];
		char *end = strchr(line, '\n');

		if (end != NULL)
			*end = '\0';
		if (sscanf(line, "%*s %255s hugetlbfs %255s", mount->path, options) == 2) {
			mount->page_bytes = page_size_of(options);
			machine->nb_mounts++;
		}
		line = end == NULL ? NULL : end + 1;
	}
}

void
machine_read_memory(struct machine_reading *reading)
{
	struct machine *machine = reading->machine;

	read_cpus(reading, "online", &machine->online);
	read_cpus(reading, "isolated", &machine->isolated);
	read_cpus(reading, "nohz_full", &machine->tickless);
	read_cpu_flags(reading);
	read_process(reading);
	read_memory_sizes(reading);
	read_nodes(reading);
	read_mounts(reading);
}
