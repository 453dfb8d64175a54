/* SPDX-License-Identifier: BSD-3-Clause */
#include "host.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

/* The rest of the first line of @p path that begins with @p key, without leading blanks. */
static void
read_line(const char *path, const char *key, char *ret_text, size_t size)
{
	FILE *file = fopen(path, "re");
	char line[512];

	ret_text[0] = '\0';
	if (file == NULL)
		return;
	while (fgets(line, sizeof(line), file) != NULL) {
		const char *at = line + strlen(key);

		if (strncmp(line, key, strlen(key)) != 0)
			continue;
		at += strspn(at, " \t:");
		snprintf(ret_text, size, "%.*s", (int)strcspn(at, "\n"), at);
		break;
	}
	fclose(file);
}

void
host_describe(struct host *ret_host)
{
	char text[128];
	char *open;

	read_line("/proc/cpuinfo", "model name", ret_host->cpu_model, sizeof(ret_host->cpu_model));
	read_line("/proc/loadavg", "", text, sizeof(text));
	ret_host->load_average = strtod(text, NULL);
	read_line("/sys/kernel/mm/transparent_hugepage/enabled", "", text, sizeof(text));
	open = strchr(text, '[');
	ret_host->large_pages[0] = '\0';
	if (open != NULL)
		snprintf(ret_host->large_pages, sizeof(ret_host->large_pages), "%.*s",
			(int)strcspn(open + 1, "]"), open + 1);
}

unsigned
host_cpus(unsigned ret_cpus[HOST_CPUS_MAX])
{
	cpu_set_t set;
	unsigned count = 0;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 0;
	for (unsigned cpu = 0; cpu < CPU_SETSIZE && cpu < HOST_CPUS_MAX; cpu++)
		if (CPU_ISSET(cpu, &set))
			ret_cpus[count++] = cpu;
	return count;
}

int
host_pin(unsigned cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return -pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

uint64_t
host_steal_ticks(void)
{
	char text[256];
	char *at = text;
	uint64_t value = 0;

	read_line("/proc/stat", "cpu ", text, sizeof(text));
	for (unsigned i = 0; i < 8; i++) /* user nice system idle iowait irq softirq steal */
		value = strtoull(at, &at, 10);
	return value;
}

uint64_t
host_memory_bytes(void)
{
	char resident[64];
	char huge[64];

	read_line("/proc/self/status", "VmRSS", resident, sizeof(resident));
	read_line("/proc/self/status", "HugetlbPages", huge, sizeof(huge));
	return (strtoull(resident, NULL, 10) + strtoull(huge, NULL, 10)) << 10;
}
