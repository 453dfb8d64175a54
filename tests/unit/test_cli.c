/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli.h"

enum { ARGUMENTS_MAX = 8 };
enum { GO, REST };
enum { O_FILE, O_COUNT, O_MODE, O_QUIET };

static const char *
modes(unsigned index, const char **ret_summary)
{
	static const char *const names[] = {"fast", "slow"};

	*ret_summary = index == 1 ? "takes longer" : NULL;
	return index < JBR_COUNT_OF(names) ? names[index] : NULL;
}

static const struct cli_verb verbs[] = {
	[GO] = {.name = "go",
		.summary = "start",
		.usage = "THING [options]",
		.text = "One.\nTwo.",
		.wanted = "a thing",
		.arguments_min = 1,
		.arguments_max = 2,
		.arguments = CLI_FILE},
	[REST] = {.name = "rest",
		.summary = "stop",
		.text = "Rests.",
		.choice = modes,
		.arguments_max = 1},
};
static const struct cli_option options[] = {
	[O_FILE] = {.name = "file",
		.letter = 'f',
		.kind = CLI_FILE,
		.argument = "FILE",
		.help = "read FILE",
		.wanted_by = CLI_VERB(REST),
		.wanted = "the file"},
	[O_COUNT] = {.name = "count",
		.kind = CLI_NUMBER,
		.argument = "N",
		.help = "times",
		.low = 2,
		.high = 9,
		.preset = 3,
		.verbs = CLI_VERB(GO)},
	[O_MODE] = {.name = "mode",
		.letter = 'm',
		.kind = CLI_CHOICE,
		.argument = "MODE",
		.help = "how",
		.choice = modes,
		.verbs = CLI_VERB(GO)},
	[O_QUIET] = {.name = "quiet",
		.letter = 'q',
		.help = "say `nothing`",
		.verbs = CLI_VERB(GO)},
};
static const struct cli_program tool = {.name = "tool",
	.version = "1.2",
	.summary = "a tool",
	.text = "Does things.",
	.verbs = verbs,
	.nb_verbs = JBR_COUNT_OF(verbs),
	.options = options,
	.nb_options = JBR_COUNT_OF(options),
	.exits = "0 fine."};

static const struct cli_verb only[] = {{.usage = "[options]", .text = "Does one thing."}};
static const struct cli_option plain_options[] = {
	{.name = "file", .letter = 'f', .kind = CLI_FILE, .argument = "FILE", .help = "read FILE"},
};
static const struct cli_option wanting_options[] = {
	{.name = "file",
		.kind = CLI_FILE,
		.argument = "FILE",
		.wanted_by = CLI_VERB(0),
		.wanted = "the file"},
};
static const struct cli_program wanting = {.name = "wanting",
	.version = "3",
	.text = "Wants a file.",
	.verbs = only,
	.nb_verbs = 1,
	.options = wanting_options,
	.nb_options = 1,
	.exits = "0 fine."};
static const struct cli_program plain = {.name = "plain",
	.version = "3",
	.summary = "a plain one",
	.text = "Does one thing.",
	.verbs = only,
	.nb_verbs = 1,
	.options = plain_options,
	.nb_options = 1,
	.exits = "0 fine."};

/* What was taken, in order: `file=x count=4`. */
static int
take(void *context, unsigned option, const struct cli_value *value, struct jbr_error *error)
{
	struct jbr_buffer *taken = context;

	if (value->text != NULL && strcmp(value->text, "refused") == 0)
		return jbr_error_set(error, -1, "refused by the program");
	jbr_buffer_format(taken, "%s", options[option].name);
	if (options[option].kind == CLI_NUMBER)
		jbr_buffer_format(taken, "=%u", (unsigned)value->number);
	else if (options[option].kind == CLI_CHOICE)
		jbr_buffer_format(taken, "#%u", value->choice);
	else if (value->text != NULL)
		jbr_buffer_format(taken, "=%s", value->text);
	jbr_buffer_format(taken, " ");
	return 0;
}

static int
parse(const struct cli_program *program, const char *const *arguments, struct jbr_buffer *taken,
	struct cli_call *call, struct jbr_error *error)
{
	static char texts[ARGUMENTS_MAX + 1][64];
	static char *argv[ARGUMENTS_MAX + 2];
	int argc = 1;

	strcpy(texts[0], program->name);
	argv[0] = texts[0];
	for (; arguments[argc - 1] != NULL; argc++) {
		strcpy(texts[argc], arguments[argc - 1]);
		argv[argc] = texts[argc];
	}
	argv[argc] = NULL;
	*call = (struct cli_call){.take = take, .context = taken, .verb = 77};
	return cli_parse(program, argc, argv, call, error);
}

static const struct {
	const struct cli_program *program;
	const char *arguments[ARGUMENTS_MAX];
	const char *says;
} bad_rows[] = {
	{&tool, {NULL}, "name a verb; try 'tool help'"},
	{&tool, {"jump"}, "unknown verb 'jump'; try 'tool help'"},
	{&tool, {"--quiet"}, "unknown verb '--quiet'; try 'tool help'"},
	{&tool, {"go"}, "go: name a thing"},
	{&tool, {"go", "a", "b", "c"}, "unexpected argument 'c'"},
	{&tool, {"go", "a", "--what"}, "go: unknown option '--what'"},
	{&tool, {"go", "a", "--what=x"}, "go: unknown option '--what=x'"},
	{&tool, {"go", "a", "-x"}, "go: unknown option '-x'"},
	{&tool, {"go", "a", "-qx"}, "go: unknown option '-x'"},
	{&tool, {"go", "a", "--quiet=x"}, "go: '--quiet' takes no value"},
	{&tool, {"go", "a", "--file"}, "go: '--file' wants a value"},
	{&tool, {"go", "a", "-qf"}, "go: '-f' wants a value"},
	{&tool, {"go", "a", "--count", "1"}, "--count: '1' is not a number from 2 to 9"},
	{&tool, {"go", "a", "--count", "10"}, "--count: '10' is not a number from 2 to 9"},
	{&tool, {"go", "a", "--count", "-3"}, "--count: '-3' is not a number from 2 to 9"},
	{&tool, {"go", "a", "--count", "18446744073709551620"},
		"--count: '18446744073709551620' is not a number from 2 to 9"},
	{&tool, {"go", "a", "--mode", "fas"}, "--mode: 'fas' is none of fast, slow"},
	{&tool, {"go", "a", "--file", "refused"}, "refused by the program"},
	{&tool, {"rest", "--mode", "fast"}, "rest: unknown option '--mode'"},
	{&tool, {"rest", "-m", "fast"}, "rest: unknown option '-m'"},
	{&tool, {"rest"}, "rest: name the file with -f FILE"},
	{&tool, {"help", "jump"}, "help: there is no verb 'jump'"},
	{&tool, {"help", "go", "more"}, "unexpected argument 'more'"},
	{&tool, {"version", "more"}, "unexpected argument 'more'"},
	{&tool, {"version", "--quiet"}, "version: unknown option '--quiet'"},
	{&plain, {"more"}, "unexpected argument 'more'"},
	{&plain, {"--what"}, "unknown option '--what'"},
	{&wanting, {NULL}, "name the file with --file FILE"},
};

static void
refuses(void **state)
{
	(void)state;
	for (unsigned i = 0; i < JBR_COUNT_OF(bad_rows); i++) {
		struct jbr_buffer taken = {0};
		struct jbr_error error = {0};
		struct cli_call call;

		assert_true(parse(bad_rows[i].program, bad_rows[i].arguments, &taken, &call,
				    &error) < 0);
		assert_string_equal(error.text, bad_rows[i].says);
		assert_int_equal(call.verb, 77);
		jbr_buffer_fini(&taken);
	}
}

static const struct {
	const struct cli_program *program;
	const char *arguments[ARGUMENTS_MAX];
	const char *taken;
	enum cli_wish wish;
	int verb;
	const char *first; /* argument */
	unsigned count;
} good_rows[] = {
	{&tool, {"go", "a"}, "", CLI_RUN, GO, "a", 1},
	{&tool, {"go", "a", "--count", "2", "b", "-q"}, "count=2 quiet ", CLI_RUN, GO, "a", 2},
	{&tool, {"go", "-qfx", "a", "--mode=slow"}, "quiet file=x mode#1 ", CLI_RUN, GO, "a", 1},
	{&tool, {"go", "--", "-q"}, "", CLI_RUN, GO, "-q", 1},
	{&tool, {"go", "-"}, "", CLI_RUN, GO, "-", 1},
	{&tool, {"rest", "--fil", "x"}, "file=x ", CLI_RUN, REST, NULL, 0},
	{&tool, {"go", "--help"}, "", CLI_HELP, GO, NULL, 0},
	{&tool, {"rest", "-h"}, "", CLI_HELP, REST, NULL, 0},
	{&tool, {"--help"}, "", CLI_HELP, -1, NULL, 0},
	{&tool, {"help"}, "", CLI_HELP, -1, NULL, 0},
	{&tool, {"help", "rest"}, "", CLI_HELP, REST, "rest", 1},
	{&tool, {"--version"}, "", CLI_VERSION, -1, NULL, 0},
	{&tool, {"version"}, "", CLI_VERSION, -1, NULL, 0},
	{&plain, {NULL}, "", CLI_RUN, 0, NULL, 0},
	{&plain, {"-f", "x"}, "file=x ", CLI_RUN, 0, NULL, 0},
	{&plain, {"-V"}, "", CLI_VERSION, 0, NULL, 0},
	{&plain, {"--help"}, "", CLI_HELP, 0, NULL, 0},
};

static void
takes(void **state)
{
	(void)state;
	for (unsigned i = 0; i < JBR_COUNT_OF(good_rows); i++) {
		struct jbr_buffer taken = {0};
		struct jbr_error error = {0};
		struct cli_call call;

		assert_int_equal(parse(good_rows[i].program, good_rows[i].arguments, &taken, &call,
					 &error),
			0);
		jbr_buffer_append(&taken, "", 1);
		assert_string_equal(taken.data, good_rows[i].taken);
		assert_int_equal(call.wish, good_rows[i].wish);
		assert_int_equal(call.verb, good_rows[i].verb);
		assert_int_equal(call.nb_arguments, good_rows[i].count);
		if (good_rows[i].first != NULL)
			assert_string_equal(call.arguments[0], good_rows[i].first);
		jbr_buffer_fini(&taken);
	}
}

static void
help_page(void **state)
{
	struct jbr_buffer page = {0};

	(void)state;
	cli_help(&tool, GO, &page);
	jbr_buffer_append(&page, "", 1);
	assert_string_equal(page.data,
		"usage: tool go THING [options]\n\nOne.\nTwo.\n\n"
		"  -f, --file FILE     read FILE\n"
		"      --count N       times (2 to 9, default 3)\n"
		"  -m, --mode MODE     how\n"
		"                        fast\n"
		"                        slow  takes longer\n"
		"  -q, --quiet         say `nothing`\n"
		"  -h, --help\n");
	jbr_buffer_fini(&page);
	cli_help(&tool, -1, &page);
	jbr_buffer_append(&page, "", 1);
	assert_string_equal(page.data,
		"usage: tool VERB [options]\n\nDoes things.\n\n"
		"  go        start\n  rest      stop\n  version   print the version\n"
		"  help      print this page, or a verb's\n\n"
		"`tool VERB --help` says more. Exit codes: 0 fine.\n");
	jbr_buffer_fini(&page);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses),
		cmocka_unit_test(takes),
		cmocka_unit_test(help_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
