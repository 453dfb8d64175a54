/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { READ_SIZE = 65536 };

bool
jbr_config_note_add(struct jbr_config_notes *notes, unsigned line, unsigned column,
	const char *format, va_list args)
{
	struct jbr_config_note *note;
	bool has_room = notes->count + 1 < JBR_CONFIG_ERRORS_MAX;

	if (notes->count >= JBR_CONFIG_ERRORS_MAX)
		return false;
	note = &notes->notes[notes->count++];
	*note = (struct jbr_config_note){line, column, notes->text.length, 0};
	if (has_room)
		jbr_buffer_vformat(&notes->text, format, args);
	else
		jbr_buffer_format(&notes->text,
			"too many errors, the rest of the file was not read");
	note->length = notes->text.length - note->offset;
	return has_room;
}

static bool
is_before(const struct jbr_config_note *a, const struct jbr_config_note *b)
{
	return a->line < b->line || (a->line == b->line && a->column < b->column);
}

/* By position; equal positions stay as found. At most 100 and nearly in order: insertion is fine. */
static void
sort_notes(struct jbr_config_notes *notes)
{
	for (unsigned i = 1; i < notes->count; i++) {
		struct jbr_config_note note = notes->notes[i];
		unsigned at = i;

		for (; at > 0 && is_before(&note, &notes->notes[at - 1]); at--)
			notes->notes[at] = notes->notes[at - 1];
		notes->notes[at] = note;
	}
}

static void
publish_notes(const char *name, struct jbr_config_notes *notes, struct jbr_config_errors *errors)
{
	sort_notes(notes);
	for (unsigned i = 0; i < notes->count; i++) {
		const struct jbr_config_note *note = &notes->notes[i];

		jbr_buffer_format(&errors->text, "%s:%u:%u: ", name, note->line, note->column);
		jbr_buffer_append(&errors->text, notes->text.data + note->offset, note->length);
		jbr_buffer_append(&errors->text, "\n", 1);
	}
	errors->count += notes->count;
}

/* An error about the file as a whole. */
static int
refuse_file(const char *name, const char *what, int code, struct jbr_config_errors *errors)
{
	jbr_buffer_format(&errors->text, "cannot %s '%s': %s\n", what, name, strerror(-code));
	errors->count++;
	return code;
}

static int
refuse_size(const char *name, struct jbr_config_errors *errors)
{
	jbr_buffer_format(&errors->text, "cannot read '%s': larger than %d bytes\n", name,
		(int)JBR_CONFIG_BYTES_MAX);
	errors->count++;
	return -EFBIG;
}

int
jbr_config_parse(const char *name, const char *text, size_t length, struct jbr_config *ret_config,
	struct jbr_config_errors *errors)
{
	struct jbr_config_notes *notes;
	struct jbr_config config;
	int rc;

	if (length > JBR_CONFIG_BYTES_MAX)
		return refuse_size(name, errors);
	notes = calloc(1, sizeof(*notes));
	if (notes == NULL)
		return refuse_file(name, "read", -ENOMEM, errors);
	jbr_config_defaults(&config);
	rc = jbr_config_walk(text, length, &config, notes);
	if (rc == 0 && notes->text.failed)
		rc = -ENOMEM;
	if (rc < 0)
		refuse_file(name, "read", rc, errors);
	else if (notes->count > 0) {
		publish_notes(name, notes, errors);
		rc = -EINVAL;
	} else
		memcpy(ret_config, &config, sizeof(config));
	jbr_buffer_fini(&notes->text);
	free(notes);
	return rc;
}

/* Read all of it, one byte more than the limit at the most: that tells "too large" from "full". */
static int
read_all(int fd, struct jbr_buffer *text)
{
	while (text->length <= JBR_CONFIG_BYTES_MAX) {
		size_t room = jbr_min_u64(READ_SIZE, JBR_CONFIG_BYTES_MAX + 1 - text->length);
		char *at = jbr_buffer_reserve(text, room);
		ssize_t n;

		if (at == NULL)
			return -ENOMEM;
		n = read(fd, at, room);
		if (n == 0)
			return 0;
		if (n > 0)
			text->length += (size_t)n;
		else if (errno != EINTR)
			return -errno;
	}
	return 0;
}

int
jbr_config_load(const char *path, struct jbr_config *ret_config, struct jbr_config_errors *errors)
{
	struct jbr_buffer text = {0};
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int rc;

	if (fd < 0)
		return refuse_file(path, "open", -errno, errors);
	rc = read_all(fd, &text); /* a directory is refused by read() itself */
	if (rc < 0)
		rc = refuse_file(path, "read", rc, errors);
	else
		rc = jbr_config_parse(path, text.data, text.length, ret_config, errors);
	jbr_buffer_fini(&text);
	close(fd);
	return rc;
}
