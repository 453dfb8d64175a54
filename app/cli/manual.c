/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli_private.h"
#include "roff.h"

/* .TP, then the option as it is typed. */
static void
write_label(struct jbr_buffer *out, char letter, const char *name, const char *argument)
{
	jbr_buffer_format(out, ".TP\n");
	if (letter != 0)
		jbr_buffer_format(out, "\\fB\\-%c\\fR, ", letter);
	jbr_buffer_format(out, "\\fB\\-\\-");
	roff_words(out, name, strlen(name));
	jbr_buffer_format(out, "\\fR");
	if (argument != NULL) {
		jbr_buffer_format(out, " \\fI");
		roff_words(out, argument, strlen(argument));
		jbr_buffer_format(out, "\\fR");
	}
	jbr_buffer_format(out, "\n");
}

static void
write_choices(struct jbr_buffer *out, cli_choice_fn *choice)
{
	const char *summary = NULL;
	const char *name;

	jbr_buffer_format(out, ".RS\n");
	for (unsigned i = 0; (name = choice(i, &summary)) != NULL; i++) {
		jbr_buffer_format(out, ".TP\n\\fB");
		roff_words(out, name, strlen(name));
		jbr_buffer_format(out, "\\fR\n");
		roff_words(out, summary == NULL ? name : summary,
			strlen(summary == NULL ? name : summary));
		jbr_buffer_format(out, "\n");
		summary = NULL;
	}
	jbr_buffer_format(out, ".RE\n");
}

static void
write_options(struct jbr_buffer *out, const struct cli_program *program, unsigned verb)
{
	for (unsigned i = 0; i < program->nb_options; i++) {
		const struct cli_option *option = &program->options[i];
		struct jbr_buffer help = {0};

		if (!cli_belongs(option, verb))
			continue;
		write_label(out, option->letter, option->name, option->argument);
		cli_describe(option, &help);
		if (help.length == 0)
			jbr_buffer_format(&help, "wanted");
		roff_words(out, help.data, help.length);
		jbr_buffer_format(out, ".\n");
		jbr_buffer_fini(&help);
		if (option->kind == CLI_CHOICE && cli_has_summaries(option->choice))
			write_choices(out, option->choice);
	}
}

/* name verb usage, as one types it */
static void
write_usage(struct jbr_buffer *out, const struct cli_program *program, const struct cli_verb *verb)
{
	jbr_buffer_format(out, "\\fB");
	roff_words(out, program->name, strlen(program->name));
	if (verb->name != NULL) {
		jbr_buffer_format(out, " ");
		roff_words(out, verb->name, strlen(verb->name));
	}
	jbr_buffer_format(out, "\\fR");
	if (verb->usage != NULL) {
		jbr_buffer_format(out, " ");
		roff_words(out, verb->usage, strlen(verb->usage));
	}
	jbr_buffer_format(out, "\n");
}

static void
write_help_options(struct jbr_buffer *out, const struct cli_program *program)
{
	write_label(out, 'h', "help", NULL);
	jbr_buffer_format(out, "%s.\n",
		cli_has_verbs(program) ? "print the help page of the program or, after a verb, "
					 "of that verb"
				       : "print the help page");
	write_label(out, 'V', "version", NULL);
	jbr_buffer_format(out, "print the version%s.\n",
		cli_has_verbs(program) ? "; in place of a verb" : "");
}

static void
write_verb(struct jbr_buffer *out, const struct cli_program *program, unsigned index)
{
	const struct cli_verb *verb = &program->verbs[index];

	if (verb->name != NULL) {
		jbr_buffer_format(out, ".SS ");
		write_usage(out, program, verb);
	}
	roff_paragraphs(out, verb->text);
	write_options(out, program, index);
	if (verb->notes != NULL) {
		jbr_buffer_format(out, ".PP\n");
		roff_paragraphs(out, verb->notes);
	}
}

static void
write_verbs(struct jbr_buffer *out, const struct cli_program *program)
{
	jbr_buffer_format(out, ".SH VERBS\n");
	for (unsigned i = 0; i < program->nb_verbs; i++)
		write_verb(out, program, i);
	jbr_buffer_format(out, ".SH OPTIONS\n");
	write_help_options(out, program);
}

void
cli_manual(const struct cli_program *program, const char *date, struct jbr_buffer *out)
{
	struct jbr_buffer source = {0};

	jbr_buffer_format(&source, "jabiru %s", program->version);
	jbr_buffer_append(&source, "", 1);
	roff_title(out, program->name, "1", date, source.failed ? "jabiru" : source.data);
	jbr_buffer_fini(&source);
	jbr_buffer_format(out, ".SH NAME\n");
	roff_words(out, program->name, strlen(program->name));
	jbr_buffer_format(out, " \\- ");
	roff_words(out, program->summary, strlen(program->summary));
	jbr_buffer_format(out, "\n.SH SYNOPSIS\n");
	for (unsigned i = 0; i < program->nb_verbs; i++) {
		jbr_buffer_format(out, "%s", i == 0 ? "" : ".br\n");
		write_usage(out, program, &program->verbs[i]);
	}
	jbr_buffer_format(out, ".SH DESCRIPTION\n");
	roff_paragraphs(out, program->text);
	if (cli_has_verbs(program)) {
		write_verbs(out, program);
	} else {
		jbr_buffer_format(out, ".SH OPTIONS\n");
		write_options(out, program, 0);
		write_help_options(out, program);
	}
	for (unsigned i = 0; i < program->nb_sections; i++) {
		roff_heading(out, ".SH", program->sections[i].title);
		roff_paragraphs(out, program->sections[i].text);
	}
	jbr_buffer_format(out, ".SH EXIT STATUS\n");
	roff_paragraphs(out, program->exits);
	if (program->see_also != NULL) {
		jbr_buffer_format(out, ".SH SEE ALSO\n");
		roff_paragraphs(out, program->see_also);
	}
}
