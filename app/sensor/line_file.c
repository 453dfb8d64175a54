/* SPDX-License-Identifier: BSD-3-Clause */
#include "line_file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { FLUSH_BYTES = 256 * 1024 };

int
line_file_open(struct line_file *file, const char *path, struct jbr_error *error)
{
	memset(file, 0, sizeof(*file));
	file->fd = -1;
	file->path = path;
	if (path == NULL)
		return 0;
	if (strcmp(path, "-") == 0)
		file->fd = STDOUT_FILENO;
	else
		file->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (file->fd < 0)
		return jbr_error_set(error, -errno, "cannot open '%s': %s", path, strerror(errno));
	return 0;
}

void
line_file_flush(struct line_file *file, bool is_last)
{
	size_t done = 0;

	if (file->path == NULL || (!is_last && file->text.length < FLUSH_BYTES))
		return;
	if (file->text.failed && file->error == 0)
		file->error = ENOMEM;
	while (done < file->text.length && file->error == 0) {
		ssize_t n = write(file->fd, file->text.data + done, file->text.length - done);

		if (n >= 0)
			done += (size_t)n;
		else if (errno != EINTR)
			file->error = errno;
	}
	file->text.length = 0;
}

int
line_file_close(struct line_file *file, struct jbr_error *error)
{
	int rc = 0;

	if (file->path == NULL)
		return 0;
	line_file_flush(file, true);
	if (file->fd != STDOUT_FILENO && file->fd >= 0 && close(file->fd) < 0 && file->error == 0)
		file->error = errno;
	if (file->error != 0)
		rc = jbr_error_set(error, -file->error, "cannot write '%s': %s",
			strcmp(file->path, "-") == 0 ? "standard output" : file->path,
			strerror(file->error));
	jbr_buffer_fini(&file->text);
	return rc;
}
