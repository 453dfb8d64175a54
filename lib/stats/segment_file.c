/* SPDX-License-Identifier: BSD-3-Clause */
/* The file of a segment: made under a name of its own, locked, and only then moved to where it is
 * looked for, so that nobody ever sees a part of it. The lock is the running sensor's, however it ends. */
#include "publisher_private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static bool
is_instance(const char *name)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";

	return name[0] != '\0' && name[0] != '.' && strlen(name) < JBR_SHM_NAME_SIZE &&
		name[strspn(name, letters)] == '\0';
}

/* Nobody else may put or remove files where the sensor writes. */
static int
check_folder(const char *folder, struct jbr_error *error)
{
	struct stat stat;

	if (mkdir(folder, 0755) < 0 && errno != EEXIST)
		return jbr_error_set(error, -errno, "cannot make '%s': %s", folder,
			strerror(errno));
	if (lstat(folder, &stat) < 0)
		return jbr_error_set(error, -errno, "cannot use '%s': %s", folder, strerror(errno));
	if (!S_ISDIR(stat.st_mode))
		return jbr_error_set(error, -ENOTDIR, "cannot use '%s': it is not a folder",
			folder);
	if ((stat.st_uid != 0 && stat.st_uid != geteuid()) || (stat.st_mode & S_IWOTH) != 0)
		return jbr_error_set(error, -EPERM,
			"cannot use '%s': others may write to it; remove it, or name another one",
			folder);
	return 0;
}

/* Is there a sensor that writes to the file of that name? */
static int
check_free(const char *path, const char *instance, struct jbr_error *error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	int rc = 0;

	if (fd < 0)
		return errno == ENOENT ? 0
				       : jbr_error_set(error, -errno, "cannot open '%s': %s", path,
						 strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		rc = jbr_error_set(error, -EBUSY,
			"cannot publish as '%s': another sensor that runs has that name; give "
			"stats.instance another one",
			instance);
	close(fd);
	return rc;
}

static int
open_hidden(const char *path, uint64_t size, int *ret_fd, struct jbr_error *error)
{
	int fd;
	int rc;

	(void)unlink(path); /* of a process of this number that was killed here */
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		return jbr_error_set(error, -errno, "cannot make '%s': %s", path, strerror(errno));
	/* all memory now: a full file system shows here, and not as a signal later */
	rc = fchmod(fd, 0640) < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0
		? errno
		: posix_fallocate(fd, 0, (off_t)size);
	if (rc != 0) {
		jbr_error_set(error, -rc, "cannot make '%s' with %llu bytes: %s", path,
			(unsigned long long)size, strerror(rc));
		(void)unlink(path);
		close(fd);
		return -rc;
	}
	*ret_fd = fd;
	return 0;
}

static int
paths(const char *folder, const char *instance, char path[PATH_MAX], char hidden[PATH_MAX],
	struct jbr_error *error)
{
	if (!is_instance(instance))
		return jbr_error_set(error, -EINVAL,
			"cannot publish as '%s': a name has letters, digits, '-', '_', '.', and at "
			"most "
			"%d of them",
			instance, JBR_SHM_NAME_SIZE - 1);
	if (snprintf(path, PATH_MAX, "%s/%s", folder, instance) >= PATH_MAX ||
		snprintf(hidden, PATH_MAX, "%s/.%s.%ld", folder, instance, (long)getpid()) >=
			PATH_MAX)
		return jbr_error_set(error, -ENAMETOOLONG, "cannot use '%s': %s", folder,
			strerror(ENAMETOOLONG));
	return 0;
}

int
segment_file_make(const char *folder, const char *instance, struct jbr_publisher *publisher,
	struct jbr_error *error)
{
	char path[PATH_MAX];
	char hidden[PATH_MAX];
	void *bytes;
	int fd = -1;
	int rc = paths(folder, instance, path, hidden, error);

	if (rc == 0)
		rc = check_folder(folder, error);
	if (rc == 0)
		rc = check_free(path, instance, error);
	if (rc == 0)
		rc = open_hidden(hidden, publisher->size, &fd, error);
	if (rc < 0)
		return rc;
	bytes = mmap(NULL, publisher->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (bytes == MAP_FAILED) {
		rc = jbr_error_set(error, -errno, "cannot map '%s': %s", path, strerror(errno));
		(void)unlink(hidden);
		close(fd);
		return rc;
	}
	publisher->fd = fd;
	publisher->bytes = bytes;
	return 0;
}

int
segment_file_show(const char *folder, const char *instance, struct jbr_error *error)
{
	char path[PATH_MAX];
	char hidden[PATH_MAX];
	int rc = paths(folder, instance, path, hidden, error);

	if (rc == 0 && rename(hidden, path) < 0) {
		rc = jbr_error_set(error, -errno, "cannot make '%s': %s", path, strerror(errno));
		(void)unlink(hidden);
	}
	return rc;
}
