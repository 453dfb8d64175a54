/* SPDX-License-Identifier: BSD-3-Clause */
#include "machine.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "machine_private.h"

static const char *
path_of(const struct machine_reading *reading, char *buffer, const char *format, va_list arguments)
{
	int length = snprintf(buffer, MACHINE_PATH_SIZE, "%s", reading->source->root);

	if (length >= 0 && length < MACHINE_PATH_SIZE)
		(void)vsnprintf(buffer + length, (size_t)(MACHINE_PATH_SIZE - length), format,
			arguments);
	return buffer;
}

const char *
machine_path(const struct machine_reading *reading, char *buffer, size_t size, const char *format,
	...)
{
	char path[MACHINE_PATH_SIZE];
	va_list arguments;

	va_start(arguments, format);
	(void)snprintf(buffer, size, "%s", path_of(reading, path, format, arguments));
	va_end(arguments);
	return buffer;
}

void
machine_unread(struct machine_reading *reading, const char *path, int error)
{
	struct machine *machine = reading->machine;

	if (machine->nb_unread == MACHINE_UNREAD_MAX)
		return;
	(void)snprintf(machine->unread[machine->nb_unread].path, MACHINE_PATH_SIZE, "%s", path);
	machine->unread[machine->nb_unread++].error = error;
}

static char *
read_text(struct machine_reading *reading, const char *path)
{
	size_t length = 0;
	ssize_t got = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0) {
		if (errno != ENOENT && errno != ENOTDIR)
			machine_unread(reading, path, errno);
		return NULL;
	}
	while (length < MACHINE_TEXT_SIZE - 1 &&
		(got = read(fd, reading->text + length, MACHINE_TEXT_SIZE - 1 - length)) > 0)
		length += (size_t)got;
	/* some files of sysfs open and then say that the driver does not do that: absent, too */
	if (got < 0 && errno != EINVAL && errno != EOPNOTSUPP && errno != EIO)
		machine_unread(reading, path, errno);
	close(fd);
	reading->text[length] = '\0';
	return got < 0 ? NULL : reading->text;
}

char *
machine_text(struct machine_reading *reading, const char *format, ...)
{
	char path[MACHINE_PATH_SIZE];
	va_list arguments;

	va_start(arguments, format);
	path_of(reading, path, format, arguments);
	va_end(arguments);
	return read_text(reading, path);
}

int64_t
machine_number(struct machine_reading *reading, int64_t otherwise, const char *format, ...)
{
	char path[MACHINE_PATH_SIZE];
	va_list arguments;
	long long value;
	char *text, *end;

	va_start(arguments, format);
	path_of(reading, path, format, arguments);
	va_end(arguments);
	text = read_text(reading, path);
	if (text == NULL)
		return otherwise;
	errno = 0;
	value = strtoll(text, &end, 0);
	return end == text || errno != 0 ? otherwise : value;
}

bool
machine_exists(const struct machine_reading *reading, const char *format, ...)
{
	char path[MACHINE_PATH_SIZE];
	va_list arguments;

	va_start(arguments, format);
	path_of(reading, path, format, arguments);
	va_end(arguments);
	return access(path, F_OK) == 0;
}

void
machine_name(char *ret_name, const char *name)
{
	(void)snprintf(ret_name, MACHINE_NAME_SIZE, "%s", name);
}

void
machine_link(const struct machine_reading *reading, char *ret_name, const char *format, ...)
{
	char path[MACHINE_PATH_SIZE], target[1024];
	va_list arguments;
	const char *slash;
	ssize_t length;

	va_start(arguments, format);
	path_of(reading, path, format, arguments);
	va_end(arguments);
	length = readlink(path, target, sizeof(target) - 1);
	target[length < 0 ? 0 : length] = '\0';
	slash = strrchr(target, '/');
	machine_name(ret_name, slash == NULL ? target : slash + 1);
}

void
machine_folder(struct machine_reading *reading, const char *folder,
	void (*each)(struct machine_reading *, const char *, const char *))
{
	char path[MACHINE_PATH_SIZE];
	struct dirent **entries;
	int count = scandir(machine_path(reading, path, sizeof(path), "%s", folder), &entries, NULL,
		versionsort);

	if (count < 0 && errno != ENOENT && errno != ENOTDIR)
		machine_unread(reading, path, errno);
	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;

		if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
			each(reading, folder, name);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
}

int
machine_cpus_parse(const char *list, struct machine_cpus *ret_cpus)
{
	struct machine_cpus cpus = {0};
	const char *at = list;

	while (*at != '\0' && *at != '\n' && *at != ' ') {
		unsigned long first, last;
		char *end;

		if (*at < '0' || *at > '9')
			return -EINVAL;
		first = last = strtoul(at, &end, 10);
		if (*end == '-') {
			if (end[1] < '0' || end[1] > '9')
				return -EINVAL;
			last = strtoul(end + 1, &end, 10);
		}
		if (first > last)
			return -EINVAL;
		if (last >= MACHINE_CPUS_MAX)
			return -ERANGE;
		for (; first <= last; first++)
			cpus.bits[first / 64] |= UINT64_C(1) << (first % 64);
		if (*end == ',' && end[1] >= '0' && end[1] <= '9')
			end++;
		else if (*end != '\0' && *end != '\n' && *end != ' ')
			return -EINVAL;
		at = end;
	}
	if (at[strspn(at, " \n")] != '\0')
		return -EINVAL;
	*ret_cpus = cpus;
	return 0;
}

bool
machine_cpus_has(const struct machine_cpus *cpus, unsigned cpu)
{
	return cpu < MACHINE_CPUS_MAX && (cpus->bits[cpu / 64] >> (cpu % 64) & 1) != 0;
}

unsigned
machine_cpus_count(const struct machine_cpus *cpus)
{
	unsigned count = 0;

	for (size_t i = 0; i < JBR_COUNT_OF(cpus->bits); i++)
		count += (unsigned)__builtin_popcountll(cpus->bits[i]);
	return count;
}

void
machine_cpus_format(const struct machine_cpus *cpus, struct jbr_buffer *out)
{
	const char *comma = "";

	for (unsigned first = 0; first < MACHINE_CPUS_MAX; first++) {
		unsigned last = first;

		if (!machine_cpus_has(cpus, first))
			continue;
		while (machine_cpus_has(cpus, last + 1))
			last++;
		jbr_buffer_format(out, "%s%u", comma, first);
		if (last > first)
			jbr_buffer_format(out, "-%u", last);
		comma = ",";
		first = last;
	}
	if (*comma == '\0')
		jbr_buffer_format(out, "none");
}

int
machine_node_of_cpu(const struct machine *machine, unsigned cpu)
{
	return cpu < MACHINE_CPUS_MAX ? machine->node_of_cpu[cpu] : MACHINE_NODE_UNKNOWN;
}

unsigned
machine_nodes_count(const struct machine *machine)
{
	return (unsigned)__builtin_popcountll(machine->nodes);
}

uint64_t
machine_hugepages_free_of_size(const struct machine *machine, int node, uint64_t size_bytes)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < machine->nb_hugepages; i++) {
		const struct machine_hugepages *pages = &machine->hugepages[i];

		if ((node == MACHINE_NODE_UNKNOWN || node == pages->node) &&
			(size_bytes == 0 || size_bytes == pages->size_bytes))
			bytes += pages->free * pages->size_bytes;
	}
	return bytes;
}

uint64_t
machine_hugepages_free_bytes(const struct machine *machine, int node)
{
	return machine_hugepages_free_of_size(machine, node, 0);
}

uint64_t
machine_hugepage_bytes(const struct machine *machine)
{
	uint64_t size_bytes = UINT64_C(2) << 20;
	uint64_t most_bytes = 0;

	for (uint32_t i = 0; i < machine->nb_hugepages; i++) {
		const struct machine_hugepages *pages = &machine->hugepages[i];

		if (pages->total * pages->size_bytes <= most_bytes)
			continue;
		most_bytes = pages->total * pages->size_bytes;
		size_bytes = pages->size_bytes;
	}
	return size_bytes;
}

const struct machine_interface *
machine_interface_find(const struct machine *machine, const char *name)
{
	for (uint32_t i = 0; i < machine->nb_interfaces; i++)
		if (strcmp(machine->interfaces[i].name, name) == 0)
			return &machine->interfaces[i];
	return NULL;
}

const struct machine_device *
machine_device_find(const struct machine *machine, const char *address)
{
	size_t length = strcspn(address, ",");

	for (uint32_t i = 0; i < machine->nb_devices; i++) {
		const char *full = machine->devices[i].address;
		const char *colon = strchr(full, ':');
		const char *brief = colon == NULL ? full : colon + 1;

		if ((strlen(full) == length && strncasecmp(full, address, length) == 0) ||
			(strncmp(full, "0000:", 5) == 0 && strlen(brief) == length &&
				strncasecmp(brief, address, length) == 0))
			return &machine->devices[i];
	}
	return NULL;
}

unsigned long long
machine_mebibytes(uint64_t bytes)
{
	return (unsigned long long)((bytes + (1 << 20) - 1) >> 20);
}

bool
machine_has_capability(const struct machine *machine, unsigned number)
{
	return !machine->has_capabilities || (machine->capabilities >> number & 1) != 0;
}

struct machine_source
machine_source_host(void)
{
	struct machine_source source = {.root = "", .ask = machine_ask_kernel};
	const char *folder = getuid() == 0 ? "/var/run" : getenv("XDG_RUNTIME_DIR");

	/* where EAL puts it */
	(void)snprintf(source.runtime_folder, sizeof(source.runtime_folder), "%s/dpdk",
		folder == NULL ? "/tmp" : folder);
	return source;
}

int
machine_read(const struct machine_source *source, struct machine **ret_machine,
	struct jbr_error *error)
{
	struct machine_reading *reading = calloc(1, sizeof(*reading));
	struct machine *machine = calloc(1, sizeof(*machine));

	if (reading == NULL || machine == NULL) {
		free(reading);
		free(machine);
		return jbr_error_set(error, -ENOMEM, "no memory for the facts about this host");
	}
	reading->source = source;
	reading->machine = machine;
	machine_read_memory(reading);
	machine_read_devices(reading);
	machine_read_leftovers(reading);
	free(reading);
	*ret_machine = machine;
	return 0;
}

void
machine_free(struct machine *machine)
{
	free(machine);
}
