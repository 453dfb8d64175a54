/* SPDX-License-Identifier: BSD-3-Clause */
/* Files that DPDK programs keep: a folder with a locked `config` each, and pages in hugetlbfs, named
 * PREFIXmap_N. Programs started with --in-memory or --no-shconf keep none. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "machine_private.h"

#define SAFE "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

/* The entry of @p prefix, made if need be; NULL when there is no room. */
static struct machine_leftover *
leftover_of(struct machine *machine, const char *prefix)
{
	struct machine_leftover *leftover = &machine->leftovers[machine->nb_leftovers];

	/* the doctor puts it into a command that somebody will run as root */
	for (const char *at = prefix; *at != '\0'; at++)
		if (strchr(SAFE, *at) == NULL)
			return NULL;
	for (uint32_t i = 0; i < machine->nb_leftovers; i++)
		if (strcmp(machine->leftovers[i].prefix, prefix) == 0)
			return &machine->leftovers[i];
	if (machine->nb_leftovers == MACHINE_LEFTOVERS_MAX || strlen(prefix) >= MACHINE_NAME_SIZE)
		return NULL;
	machine->nb_leftovers++;
	machine_name(leftover->prefix, prefix);
	return leftover;
}

/* Is the program there that made it? EAL holds a write lock on the file as long as it runs. */
static void
look_at_lock(struct machine_leftover *leftover, const char *path)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		leftover->is_private = errno != ENOENT;
		return;
	}
	leftover->is_running = fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
	close(fd);
}

static bool
is_empty(const char *path)
{
	DIR *folder = opendir(path);
	unsigned count = 0;

	if (folder == NULL)
		return false;
	while (count <= 2 && readdir(folder) != NULL)
		count++;
	closedir(folder);
	return count <= 2;
}

static void
read_folder(struct machine_reading *reading, const char *folder, const char *name)
{
	char path[MACHINE_PATH_SIZE];
	struct machine_leftover *leftover;

	/* an empty folder, which every run leaves, holds nothing */
	machine_path(reading, path, sizeof(path), "%s/%s", folder, name);
	if (is_empty(path))
		return;
	leftover = leftover_of(reading->machine, name);
	if (leftover == NULL)
		return;
	(void)snprintf(leftover->folder, sizeof(leftover->folder), "%s/%s", folder, name);
	machine_path(reading, path, sizeof(path), "%s/%s/config", folder, name);
	look_at_lock(leftover, path);
}

static void
read_page(struct machine_reading *reading, const char *folder, const char *name)
{
	struct machine_leftover *leftover;
	char prefix[MACHINE_NAME_SIZE];
	const char *map = strstr(name, "map_");

	if (map == NULL || map == name || (size_t)(map - name) >= sizeof(prefix) ||
		strspn(map + 4, "0123456789") != strlen(map + 4) || map[4] == '\0')
		return;
	(void)snprintf(prefix, sizeof(prefix), "%.*s", (int)(map - name), name);
	leftover = leftover_of(reading->machine, prefix);
	if (leftover == NULL)
		return;
	(void)snprintf(leftover->pages, sizeof(leftover->pages), "%s", folder);
	leftover->nb_pages++;
}

void
machine_read_leftovers(struct machine_reading *reading)
{
	const struct machine *machine = reading->machine;

	machine_folder(reading, reading->source->runtime_folder, read_folder);
	for (uint32_t i = 0; i < machine->nb_mounts; i++)
		machine_folder(reading, machine->mounts[i].path, read_page);
}
