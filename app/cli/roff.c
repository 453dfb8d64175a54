/* SPDX-License-Identifier: BSD-3-Clause */
#include "roff.h"

#include <ctype.h>

void
roff_title(struct jbr_buffer *out, const char *name, const char *section, const char *date,
	const char *source)
{
	jbr_buffer_format(out, ".\\\" generated from the program's tables\n.TH ");
	for (; *name != '\0'; name++)
		jbr_buffer_format(out, "%s%c", *name == '-' ? "\\" : "",
			toupper((unsigned char)*name));
	jbr_buffer_format(out, " %s %s \"%s\"\n", section, date, source);
}

static void
write_byte(struct jbr_buffer *out, char byte, bool is_first)
{
	if (is_first && (byte == '.' || byte == '\''))
		jbr_buffer_format(out, "\\&");
	if (byte == '\\')
		jbr_buffer_format(out, "\\e");
	else if (byte == '-')
		jbr_buffer_format(out, "\\-");
	else if (byte == '\'')
		jbr_buffer_format(out, "\\(aq");
	else if (byte == '~')
		jbr_buffer_format(out, "\\(ti");
	else if (byte == '^')
		jbr_buffer_format(out, "\\(ha");
	else
		jbr_buffer_append(out, &byte, 1);
}

void
roff_words(struct jbr_buffer *out, const char *text, size_t length)
{
	bool is_bold = false;

	for (size_t i = 0; i < length; i++) {
		if (text[i] == '`') {
			is_bold = !is_bold;
			jbr_buffer_format(out, "%s", is_bold ? "\\fB" : "\\fR");
			continue;
		}
		write_byte(out, text[i], i == 0);
	}
	if (is_bold)
		jbr_buffer_format(out, "\\fR");
}

void
roff_heading(struct jbr_buffer *out, const char *macro, const char *text)
{
	jbr_buffer_format(out, "%s ", macro);
	roff_words(out, text, strlen(text));
	jbr_buffer_format(out, "\n");
}

/* The lines from @p text on that begin with two blanks. @return their length */
static size_t
write_example(struct jbr_buffer *out, const char *text)
{
	const char *at = text;

	jbr_buffer_format(out, ".PP\n.in +4n\n.nf\n");
	while (strncmp(at, "  ", 2) == 0) {
		size_t length = strcspn(at, "\n");

		roff_words(out, at + 2, length - 2);
		jbr_buffer_format(out, "\n");
		at += length + (at[length] == '\n');
	}
	jbr_buffer_format(out, ".fi\n.in\n");
	return (size_t)(at - text);
}

void
roff_paragraphs(struct jbr_buffer *out, const char *text)
{
	const char *at = text;

	while (at != NULL && *at != '\0') {
		size_t length = strcspn(at, "\n");
		const char *tab = memchr(at, '\t', length);

		if (strncmp(at, "  ", 2) == 0) {
			at += write_example(out, at);
			continue;
		}
		if (length > 0 && tab != NULL) {
			jbr_buffer_format(out, ".TP\n\\fB");
			roff_words(out, at, (size_t)(tab - at));
			jbr_buffer_format(out, "\\fR\n");
			roff_words(out, tab + 1, length - (size_t)(tab + 1 - at));
			jbr_buffer_format(out, "\n");
		} else if (length > 0) {
			jbr_buffer_format(out, "%s", at == text ? "" : ".PP\n");
			roff_words(out, at, length);
			jbr_buffer_format(out, "\n");
		}
		at += length + (at[length] == '\n');
	}
}
