/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>

#include "cli_private.h"

enum { OPTION_BASE = 256 }; /* getopt's value of a row; below are letters */

bool
cli_has_verbs(const struct cli_program *program)
{
	return program->verbs[0].name != NULL;
}

bool
cli_belongs(const struct cli_option *option, unsigned verb)
{
	return option->verbs == 0 || (option->verbs & CLI_VERB(verb)) != 0;
}

/* What getopt_long() is given for a verb. */
struct tables {
	struct option options[CLI_OPTIONS_MAX + 3];
	char letters[2 * CLI_OPTIONS_MAX + 8];
};

static void
make_tables(const struct cli_program *program, int verb, struct tables *tables)
{
	struct option *at = tables->options;
	char *letter = tables->letters;

	*letter++ = ':';
	for (unsigned i = 0; verb >= 0 && i < program->nb_options; i++) {
		const struct cli_option *option = &program->options[i];
		bool takes = option->kind != CLI_NONE;

		if (!cli_belongs(option, (unsigned)verb))
			continue;
		*at++ = (struct option){option->name, takes ? required_argument : no_argument, NULL,
			OPTION_BASE + (int)i};
		if (option->letter == 0)
			continue;
		*letter++ = option->letter;
		if (takes)
			*letter++ = ':';
	}
	*at++ = (struct option){"help", no_argument, NULL, 'h'};
	*letter++ = 'h';
	if (!cli_has_verbs(program)) {
		*at++ = (struct option){"version", no_argument, NULL, 'V'};
		*letter++ = 'V';
	}
	*at = (struct option){NULL, 0, NULL, 0};
	*letter = '\0';
}

/* The row that getopt_long() means; NULL = one of ours. */
static const struct cli_option *
find_row(const struct cli_program *program, int verb, int value)
{
	if (value >= OPTION_BASE)
		return &program->options[value - OPTION_BASE];
	for (unsigned i = 0; verb >= 0 && i < program->nb_options; i++)
		if (program->options[i].letter == value &&
			cli_belongs(&program->options[i], (unsigned)verb))
			return &program->options[i];
	return NULL;
}

static int
read_number(const struct cli_option *option, struct cli_value *value, struct jbr_error *error)
{
	char *end;
	unsigned long long number;

	errno = 0;
	number = strtoull(value->text, &end, 10);
	if (value->text[0] < '0' || value->text[0] > '9' || *end != '\0' || errno != 0 ||
		number < option->low || number > option->high)
		return jbr_error_set(error, -EINVAL, "--%s: '%s' is not a number from %llu to %llu",
			option->name, value->text, (unsigned long long)option->low,
			(unsigned long long)option->high);
	value->number = number;
	return 0;
}

static int
read_choice(const struct cli_option *option, struct cli_value *value, struct jbr_error *error)
{
	struct jbr_buffer names = {0};
	const char *summary = NULL;
	const char *name;
	int rc;

	for (unsigned i = 0; (name = option->choice(i, &summary)) != NULL; i++) {
		if (strcmp(name, value->text) == 0) {
			value->choice = i;
			return 0;
		}
	}
	cli_list_choices(option->choice, &names);
	rc = jbr_error_set(error, -EINVAL, "--%s: '%s' is none of %.*s", option->name, value->text,
		(int)names.length, names.data == NULL ? "" : names.data);
	jbr_buffer_fini(&names);
	return rc;
}

static int
read_value(const struct cli_option *option, const char *text, struct cli_value *value,
	struct jbr_error *error)
{
	*value = (struct cli_value){.text = text};
	if (option->kind == CLI_NUMBER)
		return read_number(option, value, error);
	if (option->kind == CLI_CHOICE)
		return read_choice(option, value, error);
	return 0;
}

/* Say what getopt_long() did not like; @p word is the one it looked at last. */
static int
refuse(const struct cli_verb *verb, const char *word, bool wants_value, struct jbr_error *error)
{
	const char letter[] = {'-', (char)optopt, '\0'};
	bool is_long = strncmp(word, "--", 2) == 0;
	const char *mark = verb->name == NULL ? "" : ": ";
	const char *name = verb->name == NULL ? "" : verb->name;

	if (wants_value)
		return jbr_error_set(error, -EINVAL, "%s%s'%s' wants a value", name, mark,
			is_long ? word : letter);
	if (is_long && optopt != 0)
		return jbr_error_set(error, -EINVAL, "%s%s'%.*s' takes no value", name, mark,
			(int)strcspn(word, "="), word);
	return jbr_error_set(error, -EINVAL, "%s%sunknown option '%s'", name, mark,
		is_long || optopt == 0 ? word : letter);
}

/* Everything that the verb cannot do without is there, and no more. */
static int
check_wanted(const struct cli_program *program, const struct cli_call *call, uint64_t given,
	struct jbr_error *error)
{
	const struct cli_verb *verb = &program->verbs[call->verb];
	const char *mark = verb->name == NULL ? "" : ": ";
	const char *name = verb->name == NULL ? "" : verb->name;

	for (unsigned i = 0; i < program->nb_options; i++) {
		const struct cli_option *option = &program->options[i];

		if ((option->wanted_by & CLI_VERB(call->verb)) == 0 ||
			(given & UINT64_C(1) << i) != 0)
			continue;
		if (option->letter != 0)
			return jbr_error_set(error, -EINVAL, "%s%sname %s with -%c %s", name, mark,
				option->wanted, option->letter, option->argument);
		return jbr_error_set(error, -EINVAL, "%s%sname %s with --%s %s", name, mark,
			option->wanted, option->name, option->argument);
	}
	if (call->nb_arguments < verb->arguments_min)
		return jbr_error_set(error, -EINVAL, "%s%sname %s", name, mark, verb->wanted);
	if (call->nb_arguments > verb->arguments_max)
		return jbr_error_set(error, -EINVAL, "unexpected argument '%s'",
			call->arguments[verb->arguments_max]);
	return 0;
}

/* The options of a verb; of `help` and `version` when it is -1. @p argv begins with the verb. */
static int
take_options(struct cli_parse *parse, int argc, char **argv, struct jbr_error *error)
{
	const struct cli_program *program = parse->program;
	static const struct cli_verb no_verb = {.name = NULL};
	struct cli_call *call = &parse->call;
	struct cli_verb verb = call->verb >= 0 ? program->verbs[call->verb] : no_verb;
	struct tables tables;
	int found;

	if (call->verb < 0)
		verb.name = argv[0];
	make_tables(program, call->verb, &tables);
	opterr = 0;
	optind = 0; /* glibc's word for: a new command line */
	while ((found = getopt_long(argc, argv, tables.letters, tables.options, NULL)) != -1) {
		const struct cli_option *option = find_row(program, call->verb, found);
		struct cli_value value;
		int rc = 0;

		if (found == '?' || found == ':')
			return refuse(&verb, argv[optind > 1 ? optind - 1 : 1], found == ':',
				error);
		if (option == NULL) {
			call->wish = found == 'V' ? CLI_VERSION : CLI_HELP;
			continue;
		}
		rc = read_value(option, optarg, &value, error);
		if (rc == 0)
			rc = call->take(call->context, (unsigned)(option - program->options),
				&value, error);
		if (rc < 0)
			return rc;
		parse->given |= UINT64_C(1) << (option - program->options);
	}
	call->arguments = (const char *const *)&argv[optind];
	call->nb_arguments = (size_t)(argc - optind);
	return 0;
}

static int
find_verb(const struct cli_program *program, const char *name)
{
	for (unsigned i = 0; i < program->nb_verbs; i++)
		if (strcmp(program->verbs[i].name, name) == 0)
			return (int)i;
	return -1;
}

/* `help [VERB]`: the word after it says of what. */
static int
check_help(const struct cli_program *program, struct cli_call *call, struct jbr_error *error)
{
	if (call->nb_arguments == 0)
		return 0;
	call->verb = find_verb(program, call->arguments[0]);
	if (call->verb < 0 && strcmp(call->arguments[0], "help") != 0 &&
		strcmp(call->arguments[0], "version") != 0)
		return jbr_error_set(error, -EINVAL, "help: there is no verb '%s'",
			call->arguments[0]);
	if (call->nb_arguments > 1)
		return jbr_error_set(error, -EINVAL, "unexpected argument '%s'",
			call->arguments[1]);
	return 0;
}

static int
choose_verb(const struct cli_program *program, int argc, char **argv, struct cli_call *call,
	struct jbr_error *error)
{
	if (!cli_has_verbs(program))
		return 0;
	if (argc < 2)
		return jbr_error_set(error, -EINVAL, "name a verb; try '%s help'", program->name);
	call->verb = find_verb(program, argv[1]);
	if (call->verb >= 0)
		return 0;
	if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 ||
		strcmp(argv[1], "-h") == 0)
		call->wish = CLI_HELP;
	else if (strcmp(argv[1], "version") == 0 || strcmp(argv[1], "--version") == 0 ||
		strcmp(argv[1], "-V") == 0)
		call->wish = CLI_VERSION;
	else
		return jbr_error_set(error, -EINVAL, "unknown verb '%s'; try '%s help'", argv[1],
			program->name);
	return 0;
}

int
cli_parse(const struct cli_program *program, int argc, char **argv, struct cli_call *call,
	struct jbr_error *error)
{
	struct cli_parse parse = {.program = program,
		.call = {.take = call->take, .context = call->context}};
	int skipped = cli_has_verbs(program);
	int rc = choose_verb(program, argc, argv, &parse.call, error);

	if (rc == 0)
		rc = take_options(&parse, argc - skipped, argv + skipped, error);
	if (rc == 0 && parse.call.wish == CLI_RUN)
		rc = check_wanted(program, &parse.call, parse.given, error);
	else if (rc == 0 && parse.call.wish == CLI_HELP && parse.call.verb < 0)
		rc = check_help(program, &parse.call, error);
	else if (rc == 0 && parse.call.wish == CLI_VERSION && parse.call.nb_arguments > 0)
		rc = jbr_error_set(error, -EINVAL, "unexpected argument '%s'",
			parse.call.arguments[0]);
	if (rc == 0)
		*call = parse.call;
	return rc;
}
