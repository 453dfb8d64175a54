/* SPDX-License-Identifier: BSD-3-Clause */
#include "jbr_alias.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX = 1 << 20, FOLDER_MODE = 0750, FILE_MODE = 0640 };

/* ---- reading ---- */

/* One line, without its newline. */
static int
take_line(struct jbr_aliases *aliases, char *line, struct jbr_error *error)
{
	struct jbr_network network;
	char *network_text = line + strspn(line, " \t");
	size_t length = strcspn(network_text, " \t");
	char *name = network_text + length + strspn(network_text + length, " \t");
	char *end = name + strlen(name);
	int rc;

	if (network_text[0] == '\0' || network_text[0] == '#')
		return 0;
	while (end > name && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
		*--end = '\0';
	network_text[length] = '\0';
	rc = jbr_network_parse(network_text, &network, error);
	if (rc == 0)
		rc = jbr_aliases_add(aliases, &network, name, JBR_ALIAS_ADDED, error);
	return rc;
}

static int
take_lines(struct jbr_aliases *aliases, const char *path, char *text, struct jbr_error *error)
{
	struct jbr_error inner;
	unsigned number = 0;
	char *line;

	while ((line = strsep(&text, "\n")) != NULL) {
		int rc = take_line(aliases, line, &inner);

		number++;
		if (rc < 0)
			return jbr_error_set(error, rc, "%s:%u: %s", path, number, inner.text);
	}
	return 0;
}

/* @p ret_text ends with a zero */
static int
read_file(const char *path, struct jbr_buffer *ret_text, struct jbr_error *error)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = 1;
	int rc = 0;

	if (fd < 0 && errno != ENOENT)
		return jbr_error_set(error, -errno, "cannot open '%s': %s", path, strerror(errno));
	while (fd >= 0 && n > 0 && rc == 0) {
		char *at = jbr_buffer_reserve(ret_text, BUFSIZ);

		n = at == NULL ? -1 : read(fd, at, BUFSIZ);
		if (at == NULL)
			rc = jbr_error_set(error, -ENOMEM, "cannot read '%s': %s", path,
				strerror(ENOMEM));
		else if (n < 0)
			rc = jbr_error_set(error, -errno, "cannot read '%s': %s", path,
				strerror(errno));
		else
			ret_text->length += (size_t)n;
		if (ret_text->length > FILE_MAX)
			rc = jbr_error_set(error, -EFBIG, "cannot read '%s': larger than %d bytes",
				path, (int)FILE_MAX);
	}
	if (fd >= 0)
		close(fd);
	jbr_buffer_append(ret_text, "", 1);
	return ret_text->failed && rc == 0 ? -ENOMEM : rc;
}

/* Take over what was read; the configuration's entries stay. */
static int
take_over(struct jbr_aliases *aliases, const struct jbr_aliases *read, struct jbr_error *error)
{
	int rc = 0;

	jbr_aliases_clear(aliases, JBR_ALIAS_ADDED);
	for (uint32_t i = 0; i < jbr_aliases_count(read) && rc == 0; i++) {
		const struct jbr_alias *entry = jbr_aliases_at(read, i);

		rc = jbr_aliases_add(aliases, &entry->network, entry->name, JBR_ALIAS_ADDED, error);
	}
	return rc;
}

int
jbr_aliases_load(struct jbr_aliases *aliases, const char *path, struct jbr_error *error)
{
	struct jbr_aliases *found = jbr_aliases_create();
	struct jbr_buffer text = {0};
	int rc = found == NULL
		? jbr_error_set(error, -ENOMEM, "cannot read '%s': %s", path, strerror(ENOMEM))
		: read_file(path, &text, error);

	if (rc == 0)
		rc = take_lines(found, path, text.data, error);
	if (rc == 0)
		rc = take_over(aliases, found, error);
	jbr_buffer_fini(&text);
	jbr_aliases_free(found);
	return rc;
}

/* ---- writing ---- */

static int
make_folder(const char *path, struct jbr_error *error)
{
	char *copy = strdup(path);
	int rc = 0;

	if (copy == NULL)
		return jbr_error_set(error, -ENOMEM, "%s", strerror(ENOMEM));
	if (mkdir(dirname(copy), FOLDER_MODE) < 0 && errno != EEXIST)
		rc = jbr_error_set(error, -errno, "cannot make the folder of '%s': %s", path,
			strerror(errno));
	free(copy);
	return rc;
}

static void
write_text(const struct jbr_aliases *aliases, struct jbr_buffer *text)
{
	char network[JBR_ALIAS_NETWORK_SIZE];

	jbr_buffer_format(text, "# names of addresses and networks; `jabiructl alias` writes it\n");
	for (uint32_t i = 0; i < jbr_aliases_count(aliases); i++) {
		const struct jbr_alias *entry = jbr_aliases_at(aliases, i);

		if (entry->source != JBR_ALIAS_ADDED)
			continue;
		jbr_network_text(&entry->network, network);
		jbr_buffer_format(text, "%s %s\n", network, entry->name);
	}
}

/* @p fd is closed in any case */
static int
write_file(int fd, const struct jbr_buffer *text)
{
	size_t done = 0;
	int rc = 0;

	while (done < text->length && rc == 0) {
		ssize_t n = write(fd, text->data + done, text->length - done);

		if (n > 0)
			done += (size_t)n;
		else if (n < 0 && errno != EINTR)
			rc = -errno;
	}
	if (rc == 0 && (fchmod(fd, FILE_MODE) < 0 || fsync(fd) < 0))
		rc = -errno;
	if (close(fd) < 0 && rc == 0)
		rc = -errno;
	return rc;
}

int
jbr_aliases_save(const struct jbr_aliases *aliases, const char *path, struct jbr_error *error)
{
	struct jbr_buffer text = {0};
	char *draft = NULL;
	int rc = make_folder(path, error);
	int fd = -1;

	if (rc < 0)
		return rc;
	write_text(aliases, &text);
	if (text.failed || asprintf(&draft, "%s.XXXXXX", path) < 0) {
		draft = NULL;
		rc = -ENOMEM;
	}
	if (rc == 0)
		fd = mkostemp(draft, O_CLOEXEC);
	if (rc == 0 && fd < 0)
		rc = -errno;
	if (rc == 0) {
		rc = write_file(fd, &text);
		if (rc == 0 && rename(draft, path) < 0)
			rc = -errno;
		if (rc < 0)
			(void)unlink(draft);
	}
	if (rc < 0)
		jbr_error_set(error, rc, "cannot write '%s': %s", path, strerror(-rc));
	jbr_buffer_fini(&text);
	free(draft);
	return rc;
}
