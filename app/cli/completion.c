/* SPDX-License-Identifier: BSD-3-Clause */
#include "cli_private.h"

/* The shell's part. _NAME_table, a case a row, says of a verb and an option (or `options`, `valued`,
 * `first`, `more`) what kind of word comes and which there are. @ stands for _NAME. */
static const char code[] =
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
	"\tlocal first=1 verb= at place=0 kind=none words=\n"
	"\tCOMPREPLY=()\n"
	"\t# --option=value comes as three words\n"
	"\tif [[ $cur == = ]]; then\n"
	"\t\tcur=\n"
	"\telif [[ $prev == = ]]; then\n"
	"\t\tprev=${COMP_WORDS[COMP_CWORD-2]}\n"
	"\tfi\n"
	"\t@_table verbs\n"
	"\tif [[ $kind == words ]]; then\n"
	"\t\tif ((COMP_CWORD == 1)); then\n"
	"\t\t\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
	"\t\t\treturn\n"
	"\t\tfi\n"
	"\t\tverb=${COMP_WORDS[1]} first=2\n"
	"\tfi\n"
	"\tkind=none words=\n"
	"\t@_table \"$verb valued\"\n"
	"\tlocal valued=\" $words \"\n"
	"\tkind=none words=\n"
	"\tif [[ $prev == -* && $valued == *\" $prev \"* ]]; then\n"
	"\t\t@_table \"$verb $prev\"\n"
	"\telif [[ $cur == -* ]]; then\n"
	"\t\t@_table \"$verb options\"\n"
	"\telse\n"
	"\t\tfor ((at = first; at < COMP_CWORD; at++)); do\n"
	"\t\t\tif [[ ${COMP_WORDS[at]} == -* ]]; then\n"
	"\t\t\t\t[[ ${COMP_WORDS[at+1]} == = ]] && ((at += 2)) && continue\n"
	"\t\t\t\t[[ $valued == *\" ${COMP_WORDS[at]} \"* ]] && ((at += 1))\n"
	"\t\t\telse\n"
	"\t\t\t\t((place += 1))\n"
	"\t\t\tfi\n"
	"\t\tdone\n"
	"\t\tif ((place == 0)); then\n"
	"\t\t\t@_table \"$verb first\"\n"
	"\t\telse\n"
	"\t\t\t@_table \"$verb more\"\n"
	"\t\tfi\n"
	"\tfi\n"
	"\tcase $kind in\n"
	"\twords)\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
	"\t\t;;\n"
	"\tfile)\n"
	"\t\tcompopt -o filenames 2>/dev/null\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
	"\t\t;;\n"
	"\tesac\n"
	"}\n";

/* _NAME: a shell function's name has no dashes here. */
static void
write_function(struct jbr_buffer *out, const char *program)
{
	jbr_buffer_format(out, "_");
	for (; *program != '\0'; program++)
		jbr_buffer_append(out, *program == '-' ? "_" : program, 1);
}

static void
begin_case(struct jbr_buffer *out, const struct cli_verb *verb, const char *what)
{
	jbr_buffer_format(out, "\t'%s %s') ", verb->name == NULL ? "" : verb->name, what);
}

static void
write_kind(struct jbr_buffer *out, enum cli_kind kind, cli_choice_fn *choice)
{
	const char *summary = NULL;
	const char *name;

	if (choice != NULL) {
		jbr_buffer_format(out, "kind=words words='");
		for (unsigned i = 0; (name = choice(i, &summary)) != NULL; i++)
			jbr_buffer_format(out, "%s%s", i == 0 ? "" : " ", name);
		jbr_buffer_format(out, "'");
	} else {
		jbr_buffer_format(out, "kind=%s", kind == CLI_FILE ? "file" : "none");
	}
	jbr_buffer_format(out, " ;;\n");
}

static void
write_values(struct jbr_buffer *out, const struct cli_program *program, unsigned verb)
{
	for (unsigned i = 0; i < program->nb_options; i++) {
		const struct cli_option *option = &program->options[i];

		if (!cli_belongs(option, verb) || option->kind == CLI_NONE)
			continue;
		jbr_buffer_format(out, "\t");
		if (option->letter != 0)
			jbr_buffer_format(out, "'%s -%c' | ",
				program->verbs[verb].name == NULL ? "" : program->verbs[verb].name,
				option->letter);
		jbr_buffer_format(out, "'%s --%s') ",
			program->verbs[verb].name == NULL ? "" : program->verbs[verb].name,
			option->name);
		write_kind(out, option->kind, option->choice);
	}
}

static void
write_verb(struct jbr_buffer *out, const struct cli_program *program, unsigned index)
{
	const struct cli_verb *verb = &program->verbs[index];
	enum cli_kind more = verb->arguments_max == 0 ? CLI_NONE : verb->arguments;

	begin_case(out, verb, "options");
	jbr_buffer_format(out, "kind=words words='");
	for (unsigned i = 0; i < program->nb_options; i++)
		if (cli_belongs(&program->options[i], index))
			jbr_buffer_format(out, "--%s ", program->options[i].name);
	jbr_buffer_format(out, "--help%s' ;;\n", verb->name == NULL ? " --version" : "");
	begin_case(out, verb, "valued");
	jbr_buffer_format(out, "words='");
	for (unsigned i = 0; i < program->nb_options; i++) {
		const struct cli_option *option = &program->options[i];

		if (!cli_belongs(option, index) || option->kind == CLI_NONE)
			continue;
		if (option->letter != 0)
			jbr_buffer_format(out, "-%c ", option->letter);
		jbr_buffer_format(out, "--%s ", option->name);
	}
	jbr_buffer_format(out, "' ;;\n");
	begin_case(out, verb, "first");
	write_kind(out, more, verb->choice);
	begin_case(out, verb, "more");
	write_kind(out, verb->arguments_max > 1 ? more : CLI_NONE, NULL);
	write_values(out, program, index);
}

static void
write_verb_names(struct jbr_buffer *out, const struct cli_program *program, const char *last)
{
	jbr_buffer_format(out, "kind=words words='");
	for (unsigned i = 0; i < program->nb_verbs; i++)
		jbr_buffer_format(out, "%s ", program->verbs[i].name);
	jbr_buffer_format(out, "%s' ;;\n", last);
}

void
cli_completion(const struct cli_program *program, struct jbr_buffer *out)
{
	jbr_buffer_format(out,
		"# SPDX-License-Identifier: BSD-3-Clause\n"
		"# bash completion of %s, generated from its options\n",
		program->name);
	write_function(out, program->name);
	jbr_buffer_format(out, "_table()\n{\n\tcase $1 in\n");
	if (cli_has_verbs(program)) {
		jbr_buffer_format(out, "\tverbs) ");
		write_verb_names(out, program, "help version --help --version");
		jbr_buffer_format(out, "\t'help first') ");
		write_verb_names(out, program, "help version");
	}
	for (unsigned i = 0; i < program->nb_verbs; i++)
		write_verb(out, program, i);
	jbr_buffer_format(out, "\tesac\n}\n\n");
	write_function(out, program->name);
	jbr_buffer_format(out, "()\n{\n");
	for (const char *at = code; *at != '\0'; at++) {
		if (*at == '@') /* nowhere else is one in the code */
			write_function(out, program->name);
		else
			jbr_buffer_append(out, at, 1);
	}
	jbr_buffer_format(out, "complete -F ");
	write_function(out, program->name);
	jbr_buffer_format(out, " %s\n", program->name);
}
