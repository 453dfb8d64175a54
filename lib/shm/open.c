/* SPDX-License-Identifier: BSD-3-Clause */
#include "shm_private.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { VALUES_MAX = 1 << 22, USER_NAME_BUFFER = 4096 };

/* ---- what was found there ---- */

int
segment_section(const struct jbr_shm *segment, uint32_t kind, uint64_t least,
	struct section *ret_section, struct jbr_error *error)
{
	const struct jbr_shm_header *header = segment->header;

	*ret_section = (struct section){0};
	for (uint32_t i = 0; i < header->nb_sections && i < JBR_SHM_SECTIONS_MAX; i++) {
		struct jbr_shm_section section = header->sections[i];

		if (section.kind != kind)
			continue;
		if (section.record_bytes < least || section.offset % 64 != 0 ||
			section.offset > segment->size ||
			section.count > (segment->size - section.offset) / section.record_bytes ||
			(section.record_bytes % 8 != 0 && section.record_bytes != 1))
			return jbr_error_set(error, -EPROTO,
				"broken segment: section %u does not lie within its %llu bytes",
				kind, (unsigned long long)segment->size);
		*ret_section = (struct section){segment->bytes + section.offset,
			section.record_bytes, section.count};
		break;
	}
	return 0;
}

static int
check_header(const struct jbr_shm *segment, struct jbr_error *error)
{
	const struct jbr_shm_header *header = segment->header;
	static const char none[8];

	if (segment->size < sizeof(*header) ||
		memcmp(header->magic, JBR_SHM_MAGIC, sizeof(header->magic)) != 0) {
		if (segment->size >= sizeof(*header) && memcmp(header->magic, none, 8) == 0)
			return jbr_error_set(error, -EAGAIN, "the segment is not ready yet");
		return jbr_error_set(error, -EPROTO, "not a stats segment of jabiru");
	}
	if (header->major != JBR_SHM_MAJOR)
		return jbr_error_set(error, -ENOTSUP,
			"its layout is version %u.%u (sensor %.32s), this program reads %u.x: use "
			"the "
			"one that came with the sensor",
			header->major, header->minor, header->version, JBR_SHM_MAJOR);
	if (header->header_bytes < sizeof(*header) || header->header_bytes > segment->size)
		return jbr_error_set(error, -EPROTO, "broken segment: its header");
	if (header->segment_bytes != segment->size)
		return jbr_error_set(error, -EPROTO,
			"broken segment: it has %llu bytes and says %llu",
			(unsigned long long)segment->size,
			(unsigned long long)header->segment_bytes);
	if (header->nb_values == 0 || header->nb_values > VALUES_MAX ||
		header->nb_worker_values > header->nb_values)
		return jbr_error_set(error, -EPROTO, "broken segment: it has %u values",
			header->nb_values);
	return 0;
}

/* A text of the file: only what can be printed, and an end. */
static void
copy_text(char *to, const char *from, size_t size)
{
	size_t i = 0;

	for (; i < size && from[i] != '\0'; i++)
		to[i] = (unsigned char)from[i] < 0x20 || from[i] == 0x7f ? '?' : from[i];
	to[i] = '\0';
}

static void
take_constants(struct jbr_shm *segment)
{
	const struct jbr_shm_header *header = segment->header;
	struct jbr_shm_info *info = &segment->info;

	info->major = header->major;
	info->minor = header->minor;
	info->pid = header->pid;
	info->start_ns = header->start_ns;
	info->start_monotonic_ns = header->start_monotonic_ns;
	info->interval_ms = header->interval_ms;
	info->nb_values = header->nb_values;
	info->nb_worker_values = header->nb_worker_values;
	for (size_t i = 0; i < sizeof(header->boot_id); i++)
		snprintf(info->boot_id + i * 2, 3, "%02x", header->boot_id[i]);
	copy_text(info->version, header->version, sizeof(header->version));
	copy_text(info->sensor, header->sensor, sizeof(header->sensor));
	copy_text(info->mode, header->mode, sizeof(header->mode));
}

static int
take_hosts(struct jbr_shm *segment, struct jbr_error *error)
{
	struct section head;
	int rc = segment_section(segment, JBR_SHM_HOSTS, sizeof(struct jbr_shm_host),
		&segment->hosts, error);

	if (rc == 0)
		rc = segment_section(segment, JBR_SHM_HOSTS_HEAD, sizeof(struct jbr_shm_hosts_head),
			&head, error);
	if (rc < 0 || head.count == 0 || segment->hosts.count < 2)
		return rc;
	segment->hosts_head = (const struct jbr_shm_hosts_head *)head.at;
	segment->info.nb_hosts = (uint32_t)jbr_min_u64(segment->hosts.count / 2, UINT32_MAX);
	return 0;
}

static int
take_sections(struct jbr_shm *segment, struct jbr_error *error)
{
	const struct jbr_shm_header *header = segment->header;
	uint64_t values = header->nb_values * sizeof(uint64_t);
	uint64_t worker_values = header->nb_worker_values * sizeof(uint64_t);
	int rc = segment_section(segment, JBR_SHM_SNAPSHOTS,
		sizeof(struct jbr_shm_snapshot_head) + values, &segment->snapshots, error);

	if (rc == 0)
		rc = segment_section(segment, JBR_SHM_WORKERS,
			sizeof(struct jbr_shm_block_head) + 2 * worker_values, &segment->workers,
			error);
	if (rc == 0)
		rc = segment_section(segment, JBR_SHM_EVENTS, sizeof(struct jbr_shm_event),
			&segment->events, error);
	if (rc == 0)
		rc = take_hosts(segment, error);
	if (rc < 0)
		return rc;
	segment->info.nb_snapshots = (uint32_t)jbr_min_u64(segment->snapshots.count, UINT32_MAX);
	segment->info.nb_workers = (uint32_t)jbr_min_u64(segment->workers.count, UINT32_MAX);
	segment->info.nb_events = (uint32_t)jbr_min_u64(segment->events.count, UINT32_MAX);
	return 0;
}

static int
take(struct jbr_shm *segment, struct jbr_error *error)
{
	int rc;

	segment->header = (const struct jbr_shm_header *)segment->bytes;
	rc = check_header(segment, error);
	if (rc < 0)
		return rc;
	/* what was written before the magic is seen */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	take_constants(segment);
	rc = take_sections(segment, error);
	if (rc == 0)
		rc = segment_directory(segment, error);
	return rc;
}

/* ---- the file ---- */

static bool
is_trusted(uid_t user)
{
	char buffer[USER_NAME_BUFFER];
	struct passwd entry;
	struct passwd *found = NULL;

	if (user == 0 || user == geteuid())
		return true;
	return getpwnam_r("jabiru", &entry, buffer, sizeof(buffer), &found) == 0 && found != NULL &&
		found->pw_uid == user;
}

static int
check_file(const char *path, const struct stat *stat, struct jbr_error *error)
{
	if (!S_ISREG(stat->st_mode))
		return jbr_error_set(error, -EPROTO, "cannot read '%s': it is not a file", path);
	if (!is_trusted(stat->st_uid))
		return jbr_error_set(error, -EPERM,
			"cannot read '%s': it belongs to user %u, who is neither root nor jabiru "
			"nor "
			"you",
			path, (unsigned)stat->st_uid);
	if (stat->st_mode & S_IWOTH)
		return jbr_error_set(error, -EPERM, "cannot read '%s': anybody may write to it",
			path);
	if (stat->st_size == 0)
		return jbr_error_set(error, -EAGAIN,
			"cannot read '%s': it is empty, so not ready yet", path);
	return 0;
}

static int
map_file(struct jbr_shm *segment, struct jbr_error *error)
{
	struct stat stat;
	void *bytes;
	int rc;

	segment->fd = open(segment->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (segment->fd < 0 || fstat(segment->fd, &stat) < 0)
		return jbr_error_set(error, -errno, "cannot open '%s': %s%s", segment->path,
			strerror(errno),
			errno == ENOENT ? " (no sensor of that name has run)" : "");
	rc = check_file(segment->path, &stat, error);
	if (rc < 0)
		return rc;
	segment->device = stat.st_dev;
	segment->inode = stat.st_ino;
	bytes = mmap(NULL, (size_t)stat.st_size, PROT_READ, MAP_SHARED, segment->fd, 0);
	if (bytes == MAP_FAILED)
		return jbr_error_set(error, -errno, "cannot map '%s': %s", segment->path,
			strerror(errno));
	segment->bytes = bytes;
	segment->size = (uint64_t)stat.st_size;
	return 0;
}

static int
set_path(struct jbr_shm *segment, const char *path, struct jbr_error *error)
{
	bool is_instance = strchr(path, '/') == NULL;

	if (is_instance && (path[0] == '\0' || path[0] == '.' || strlen(path) >= JBR_SHM_NAME_SIZE))
		return jbr_error_set(error, -EINVAL, "'%s' cannot be the name of a sensor", path);
	if (asprintf(&segment->path, "%s%s%s", is_instance ? JBR_SHM_FOLDER : "",
		    is_instance ? "/" : "", path) < 0) {
		segment->path = NULL;
		return jbr_error_set(error, -ENOMEM, "cannot open '%s': %s", path,
			strerror(ENOMEM));
	}
	return 0;
}

/* The errors of what is inside do not name the file. */
static void
name_file(const char *path, struct jbr_error *error)
{
	struct jbr_error inner;

	if (error == NULL)
		return;
	inner = *error;
	jbr_error_set(error, 0, "cannot read '%s': %.300s", path, inner.text);
}

int
jbr_shm_open(const char *path, struct jbr_shm **ret_segment, struct jbr_error *error)
{
	struct jbr_shm *segment = calloc(1, sizeof(*segment));
	int rc;

	if (segment == NULL)
		return jbr_error_set(error, -ENOMEM, "cannot open '%s': %s", path,
			strerror(ENOMEM));
	segment->fd = -1;
	rc = set_path(segment, path, error);
	if (rc == 0)
		rc = map_file(segment, error);
	if (rc == 0) {
		rc = take(segment, error);
		if (rc < 0)
			name_file(segment->path, error);
	}
	if (rc < 0)
		jbr_shm_close(segment);
	else
		*ret_segment = segment;
	return rc;
}

int
jbr_shm_open_bytes(const void *bytes, uint64_t size, struct jbr_shm **ret_segment,
	struct jbr_error *error)
{
	struct jbr_shm *segment = calloc(1, sizeof(*segment));
	int rc;

	if (segment == NULL)
		return jbr_error_set(error, -ENOMEM, "cannot read the segment: %s",
			strerror(ENOMEM));
	segment->fd = -1;
	segment->bytes = bytes;
	segment->size = size;
	rc = take(segment, error);
	if (rc < 0)
		jbr_shm_close(segment);
	else
		*ret_segment = segment;
	return rc;
}

void
jbr_shm_close(struct jbr_shm *segment)
{
	if (segment == NULL)
		return;
	if (segment->fd >= 0) {
		if (segment->bytes != NULL)
			munmap((void *)(uintptr_t)segment->bytes, segment->size);
		close(segment->fd);
	}
	free(segment->path);
	free(segment->families);
	free(segment->series);
	free(segment->bounds);
	free(segment->strings);
	free(segment);
}
