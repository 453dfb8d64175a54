/* SPDX-License-Identifier: BSD-3-Clause */
#include "sink_target.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char socket_prefix[] = "unix:";

int
target_init(struct target *target, const char *name, struct jbr_error *error)
{
	const char *path = name + sizeof(socket_prefix) - 1;

	*target = (struct target){.name = name, .fd = -1};
	target->is_stdout = strcmp(name, "-") == 0;
	target->is_socket = strncmp(name, socket_prefix, sizeof(socket_prefix) - 1) == 0;
	if (!target->is_socket)
		return 0;
	if (path[0] == '\0')
		return jbr_error_set(error, -EINVAL,
			"cannot open '%s': name the socket, as in unix:/run/jabiru.sock", name);
	if (strlen(path) >= sizeof(target->address.sun_path))
		return jbr_error_set(error, -ENAMETOOLONG,
			"cannot open '%s': a socket's path has at most %zu bytes; move it", name,
			sizeof(target->address.sun_path) - 1);
	target->address.sun_family = AF_UNIX;
	memcpy(target->address.sun_path, path, strlen(path) + 1);
	return 0;
}

static int
cannot(const char *what, const struct target *target, int code, struct jbr_error *error)
{
	return jbr_error_set(error, -code, "cannot %s '%s': %s", what,
		target->is_stdout ? "standard output" : target->name, strerror(code));
}

/* ---- sockets ---- */

/* @return a socket of @p type that is connected, or -errno */
static int
connect_as(const struct target *target, int type)
{
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int rc;

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&target->address, sizeof(target->address)) == 0)
		return fd;
	rc = -errno;
	(void)close(fd);
	return rc;
}

static int
open_socket(struct target *target, struct jbr_error *error)
{
	int fd = connect_as(target, SOCK_DGRAM);

	target->kind = TARGET_DATAGRAM;
	if (fd == -EPROTOTYPE) {
		target->kind = TARGET_STREAM;
		fd = connect_as(target, SOCK_STREAM);
	}
	if (fd < 0)
		return cannot("connect to", target, -fd, error);
	target->fd = fd;
	return 0;
}

/* ---- files ---- */

/* Does the file end in half a line, for whoever wrote it was killed? */
static bool
ends_in_half_a_line(const char *path, const struct stat *status)
{
	char last = '\n';
	int fd;

	if (!S_ISREG(status->st_mode) || status->st_size == 0)
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (pread(fd, &last, 1, status->st_size - 1) != 1)
		last = '\n';
	(void)close(fd);
	return last != '\n';
}

static int
open_file(const char *path, enum target_kind *ret_kind)
{
	/* not blocking, or a FIFO would wait here for its reader */
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		0640);
	struct stat status;
	int rc = 0;

	if (fd < 0 || fstat(fd, &status) < 0)
		rc = -errno;
	else if (ends_in_half_a_line(path, &status) && write(fd, "\n", 1) != 1)
		rc = -errno;
	if (rc < 0) {
		if (fd >= 0)
			(void)close(fd);
		return rc;
	}
	*ret_kind = S_ISREG(status.st_mode) ? TARGET_FILE : TARGET_FLOW;
	return fd;
}

int
target_open(struct target *target, struct jbr_error *error)
{
	struct stat status;
	int fd;

	if (target->fd >= 0)
		return 0;
	if (target->is_socket)
		return open_socket(target, error);
	if (target->is_stdout) {
		if (fstat(STDOUT_FILENO, &status) < 0)
			return cannot("open", target, errno, error);
		target->kind = S_ISREG(status.st_mode) ? TARGET_FILE : TARGET_FLOW;
		target->fd = STDOUT_FILENO;
		return 0;
	}
	fd = open_file(target->name, &target->kind);
	if (fd < 0)
		return cannot("open", target, -fd, error);
	target->fd = fd;
	return 0;
}

bool
target_may_come_later(const struct target *target, int rc)
{
	return target->is_socket || rc == -ENXIO;
}

int
target_reopen(struct target *target, struct jbr_error *error)
{
	enum target_kind kind;
	int fd;

	if (target->is_socket || target->is_stdout)
		return 0;
	fd = open_file(target->name, &kind);
	if (fd < 0)
		return cannot("open", target, -fd, error);
	target_close(target);
	target->fd = fd;
	target->kind = kind;
	return 0;
}

void
target_close(struct target *target)
{
	if (target->fd >= 0 && !target->is_stdout)
		(void)close(target->fd);
	target->fd = -1;
	target->torn = 0;
}

/* ---- writing ---- */

static size_t
whole_lines(const char *lines, size_t length)
{
	const char *last = memrchr(lines, '\n', length);

	return last == NULL ? 0 : (size_t)(last - lines) + 1;
}

static bool
is_ready(const struct target *target, int limit_ms)
{
	struct pollfd poller = {.fd = target->fd, .events = POLLOUT};

	return poll(&poller, 1, limit_ms) > 0;
}

/* As much as it takes at once. @return bytes, or -errno */
static ssize_t
write_some(const struct target *target, const char *bytes, size_t length)
{
	ssize_t n;

	if (target->kind == TARGET_STREAM) {
		n = send(target->fd, bytes, length, MSG_NOSIGNAL);
	} else {
		/* standard output may be one that blocks; a pipe that is ready has room for so much */
		if (target->kind == TARGET_FLOW && target->is_stdout) {
			length = length < PIPE_BUF ? length : PIPE_BUF;
			if (!is_ready(target, 0))
				return -EAGAIN;
		}
		n = write(target->fd, bytes, length);
	}
	return n < 0 ? -errno : n;
}

/* Cut back what was written of a line that could not be completed. @return whether it could be */
static bool
cut_back(const struct target *target, size_t part)
{
	/* behind what was just written: the end of a file that is appended to */
	off_t end = lseek(target->fd, 0, SEEK_CUR);

	return end >= (off_t)part && ftruncate(target->fd, end - (off_t)part) == 0 &&
		lseek(target->fd, end - (off_t)part, SEEK_SET) >= 0;
}

static enum target_result
fail(struct target *target, int code, struct jbr_error *error)
{
	(void)cannot("write", target, code, error);
	/* a file that cannot be written to may well be the one that can be, later */
	if (target->kind != TARGET_FILE)
		target_close(target);
	return TARGET_FAILED;
}

/* All but datagrams: bytes in a row. */
static enum target_result
write_bytes(struct target *target, const char *lines, size_t length, size_t *ret_bytes,
	struct jbr_error *error)
{
	size_t done = target->torn;
	ssize_t n = 0;

	while (done < length) {
		n = write_some(target, lines + done, length - done);
		if (n > 0)
			done += (size_t)n;
		else if (n != -EINTR)
			break;
	}
	*ret_bytes = whole_lines(lines, done);
	target->torn = done - *ret_bytes;
	if (done == length)
		return TARGET_WROTE;
	if (n == -EAGAIN)
		return *ret_bytes > 0 ? TARGET_WROTE : TARGET_BUSY;
	if (target->kind == TARGET_FILE && target->torn > 0 && cut_back(target, target->torn))
		target->torn = 0;
	if (*ret_bytes > 0)
		return TARGET_WROTE; /* the next call says why it was not all */
	return fail(target, n == 0 ? EIO : (int)-n, error);
}

static enum target_result
write_datagrams(struct target *target, const char *lines, size_t length, size_t *ret_bytes,
	struct jbr_error *error)
{
	size_t done = 0;
	int code = 0;

	while (done < length && code == 0) {
		const char *end = memchr(lines + done, '\n', length - done);
		size_t size = (size_t)(end - lines) + 1 - done;

		if (send(target->fd, lines + done, size, MSG_NOSIGNAL) >= 0)
			done += size;
		else if (errno != EINTR)
			code = errno;
	}
	*ret_bytes = done;
	if (done > 0)
		return TARGET_WROTE;
	if (code == EMSGSIZE)
		return TARGET_LONG;
	if (code == EAGAIN || code == ENOBUFS)
		return TARGET_BUSY;
	return fail(target, code, error);
}

enum target_result
target_write(struct target *target, const char *lines, size_t length, size_t *ret_bytes,
	struct jbr_error *error)
{
	enum target_result result;

	*ret_bytes = 0;
	if (target_open(target, error) < 0)
		return TARGET_FAILED;
	if (target->kind == TARGET_DATAGRAM)
		result = write_datagrams(target, lines, length, ret_bytes, error);
	else
		result = write_bytes(target, lines, length, ret_bytes, error);
	target->was_ready = target->was_ready && result == TARGET_BUSY;
	return result;
}

void
target_wait(struct target *target, int limit_ms)
{
	struct timespec pause = {.tv_nsec = 1000000};

	/* ready, and yet it took nothing (memory for datagrams is short): do not ask again at once */
	if (target->fd < 0 || target->was_ready) {
		(void)nanosleep(&pause, NULL);
		target->was_ready = false;
	} else {
		target->was_ready = is_ready(target, limit_ms);
	}
}
