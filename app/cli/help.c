/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "cli_private.h"

enum { WIDTH = 80, OPTION_COLUMN_MIN = 22, VERB_COLUMN_MIN = 12 };

void
cli_list_choices(cli_choice_fn *choice, struct jbr_buffer *out)
{
	const char *summary = NULL;
	const char *name;

	for (unsigned i = 0; (name = choice(i, &summary)) != NULL; i++)
		jbr_buffer_format(out, "%s%s", i == 0 ? "" : ", ", name);
}

bool
cli_has_summaries(cli_choice_fn *choice)
{
	const char *summary = NULL;

	for (unsigned i = 0; summary == NULL && choice(i, &summary) != NULL; i++)
		;
	return summary != NULL;
}

void
cli_describe(const struct cli_option *option, struct jbr_buffer *out)
{
	const char *mark = " (";

	if (option->help != NULL)
		jbr_buffer_format(out, "%s", option->help);
	if (option->kind == CLI_NUMBER) {
		jbr_buffer_format(out, "%s%llu to %llu", mark, (unsigned long long)option->low,
			(unsigned long long)option->high);
		mark = ", ";
	}
	if (option->kind == CLI_CHOICE && !cli_has_summaries(option->choice)) {
		jbr_buffer_format(out, "%sone of ", mark);
		cli_list_choices(option->choice, out);
		mark = "; ";
	}
	if (option->preset_text != NULL || option->preset != 0) {
		jbr_buffer_format(out, "%sdefault ", mark);
		mark = ", ";
		if (option->preset_text != NULL)
			jbr_buffer_format(out, "%s", option->preset_text);
		else
			jbr_buffer_format(out, "%llu", (unsigned long long)option->preset);
	}
	if (mark[1] != '(')
		jbr_buffer_format(out, ")");
}

/* Write words up to the end of @p text, in lines of WIDTH; the first begins at column @p at, others are
 * indented by @p indent. */
static void
fill(struct jbr_buffer *out, const char *text, size_t length, unsigned at, unsigned indent)
{
	bool is_first = true;

	while (length > 0) {
		const char *blank = memchr(text, ' ', length);
		size_t word = blank == NULL ? length : (size_t)(blank - text);

		if (!is_first && at + 1 + word > WIDTH) {
			jbr_buffer_format(out, "\n%*s", (int)indent, "");
			at = indent;
		} else if (!is_first) {
			jbr_buffer_format(out, " ");
			at++;
		}
		jbr_buffer_append(out, text, word);
		at += (unsigned)word;
		is_first = false;
		text += word + (blank != NULL);
		length -= word + (blank != NULL);
	}
	jbr_buffer_format(out, "\n");
}

/* Lines of @p text, filled one by one; those that begin with two blanks stay as they are. */
static void
write_paragraphs(struct jbr_buffer *out, const char *text)
{
	while (*text != '\0') {
		size_t length = strcspn(text, "\n");

		if (strncmp(text, "  ", 2) == 0)
			jbr_buffer_format(out, "%.*s\n", (int)length, text);
		else
			fill(out, text, length, 0, 0);
		text += length + (text[length] == '\n');
	}
}

/* -c, --config FILE */
static void
write_label(struct jbr_buffer *out, const struct cli_option *option)
{
	if (option->letter != 0)
		jbr_buffer_format(out, "  -%c, --%s", option->letter, option->name);
	else
		jbr_buffer_format(out, "      --%s", option->name);
	if (option->argument != NULL)
		jbr_buffer_format(out, " %s", option->argument);
}

static unsigned
column_of(const struct cli_program *program, unsigned verb)
{
	size_t column = OPTION_COLUMN_MIN;

	for (unsigned i = 0; i < program->nb_options; i++) {
		struct jbr_buffer label = {0};

		if (!cli_belongs(&program->options[i], verb))
			continue;
		write_label(&label, &program->options[i]);
		column = jbr_max_u64(column, label.length + 2);
		jbr_buffer_fini(&label);
	}
	return (unsigned)column;
}

static void
write_choices(struct jbr_buffer *out, cli_choice_fn *choice, unsigned column)
{
	const char *name;
	const char *summary = NULL;
	size_t longest = 0;

	for (unsigned i = 0; (name = choice(i, &summary)) != NULL; i++)
		longest = jbr_max_u64(longest, strlen(name));
	for (unsigned i = 0; (name = choice(i, &summary)) != NULL; i++) {
		unsigned at = column + 2 + (unsigned)longest + 2;

		jbr_buffer_format(out, "%*s", (int)column + 2, "");
		if (summary == NULL) {
			jbr_buffer_format(out, "%s\n", name);
			continue;
		}
		jbr_buffer_format(out, "%-*s  ", (int)longest, name);
		fill(out, summary, strlen(summary), at, at);
		summary = NULL;
	}
}

static void
write_options(struct jbr_buffer *out, const struct cli_program *program, unsigned verb)
{
	unsigned column = column_of(program, verb);

	for (unsigned i = 0; i < program->nb_options; i++) {
		const struct cli_option *option = &program->options[i];
		struct jbr_buffer help = {0};
		size_t begin = out->length;

		if (!cli_belongs(option, verb))
			continue;
		cli_describe(option, &help);
		write_label(out, option);
		if (help.length > 0)
			jbr_buffer_format(out, "%*s", (int)(column - (out->length - begin)), "");
		fill(out, help.data, help.length, column, column);
		jbr_buffer_fini(&help);
		if (option->kind == CLI_CHOICE && cli_has_summaries(option->choice))
			write_choices(out, option->choice, column);
	}
	jbr_buffer_format(out, "  -h, --help\n%s",
		cli_has_verbs(program) ? "" : "  -V, --version\n");
}

static void
write_verb(struct jbr_buffer *out, const struct cli_program *program, unsigned index)
{
	const struct cli_verb *verb = &program->verbs[index];

	jbr_buffer_format(out, "usage: %s", program->name);
	if (verb->name != NULL)
		jbr_buffer_format(out, " %s", verb->name);
	if (verb->usage != NULL)
		jbr_buffer_format(out, " %s", verb->usage);
	jbr_buffer_format(out, "\n\n");
	write_paragraphs(out, verb->text != NULL ? verb->text : program->text);
	jbr_buffer_format(out, "\n");
	write_options(out, program, index);
	if (verb->notes != NULL) {
		jbr_buffer_format(out, "\n");
		write_paragraphs(out, verb->notes);
	}
	if (verb->name == NULL)
		jbr_buffer_format(out, "\nExit codes: %s\n", program->exits);
}

void
cli_help(const struct cli_program *program, int verb, struct jbr_buffer *out)
{
	size_t longest = VERB_COLUMN_MIN - 4;

	if (!cli_has_verbs(program)) {
		write_verb(out, program, 0);
		return;
	}
	if (verb >= 0) {
		write_verb(out, program, (unsigned)verb);
		return;
	}
	jbr_buffer_format(out, "usage: %s VERB [options]\n\n", program->name);
	write_paragraphs(out, program->text);
	jbr_buffer_format(out, "\n");
	for (unsigned i = 0; i < program->nb_verbs; i++)
		longest = jbr_max_u64(longest, strlen(program->verbs[i].name));
	for (unsigned i = 0; i < program->nb_verbs; i++)
		jbr_buffer_format(out, "  %-*s  %s\n", (int)longest, program->verbs[i].name,
			program->verbs[i].summary);
	jbr_buffer_format(out, "  %-*s  print the version\n", (int)longest, "version");
	jbr_buffer_format(out, "  %-*s  print this page, or a verb's\n", (int)longest, "help");
	jbr_buffer_format(out, "\n`%s VERB --help` says more. Exit codes: %s\n", program->name,
		program->exits);
}

void
cli_answer(const struct cli_program *program, const struct cli_call *call, struct jbr_buffer *out)
{
	if (call->wish == CLI_VERSION)
		jbr_buffer_format(out, "%s %s\n", program->name, program->version);
	else
		cli_help(program, call->verb, out);
}

int
cli_print(const struct cli_program *program, struct jbr_buffer *text)
{
	size_t done = 0;
	int code = text->failed ? ENOMEM : 0;

	while (code == 0 && done < text->length) {
		ssize_t n = write(STDOUT_FILENO, text->data + done, text->length - done);

		if (n >= 0)
			done += (size_t)n;
		else if (errno != EINTR)
			code = errno;
	}
	jbr_buffer_fini(text);
	if (code == 0)
		return EXIT_FINE;
	fprintf(stderr, "%s: cannot write standard output: %s\n", program->name, strerror(code));
	return EXIT_FAILED;
}
