/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "options.h"

enum { ARGUMENTS_MAX = 8 };

static int
parse(const char *const *arguments, struct options *options, struct jbr_error *error)
{
	char texts[ARGUMENTS_MAX][64];
	char *argv[ARGUMENTS_MAX + 2] = {texts[0]};
	int argc = 1;

	strcpy(texts[0], "jabiru-bench");
	for (; arguments[argc - 1] != NULL; argc++) {
		strcpy(texts[argc], arguments[argc - 1]);
		argv[argc] = texts[argc];
	}
	return options_parse(argc, argv, options, error);
}

static const struct {
	const char *arguments[ARGUMENTS_MAX];
	const char *says; /* in the error */
} bad_rows[] = {
	{{NULL}, "--scenario NAME"},
	{{"--scenario", "syn"}, "'syn' is none of syn_flood"},
	{{"--scenario"}, "wants a value"},
	{{"--what"}, "'--what'"},
	{{"--scenario", "imix", "--flows", "0"}, "from 1 to 16777216"},
	{{"--scenario", "imix", "--flows", "20000000"}, "from 1 to 16777216"},
	{{"--scenario", "imix", "--flows", "1e6"}, "'1e6' is not a number"},
	{{"--scenario", "imix", "--workers", "65"}, "from 1 to 64"},
	{{"--scenario", "imix", "--seconds", "0"}, "from 0.1 to 3600"},
	{{"--scenario", "imix", "--seconds", "nan"}, "from 0.1 to 3600"},
	{{"--scenario", "imix", "--rounds", "1001"}, "from 1 to 1000"},
	{{"--scenario", "imix", "--flood", "syn"}, "no flood in imix"},
	{{"--scenario", "mixed", "--flood", "syn,urg"}, "'urg' is none of"},
	{{"--scenario", "mixed", "--flood", ""}, "'' is none of"},
	{{"--scenario", "imix", "--verify", "--workers", "2"}, "one worker"},
	{{"--scenario", "imix", "more"}, "unexpected argument 'more'"},
};

static void
bad_input(void **state)
{
	(void)state;
	for (unsigned i = 0; i < JBR_COUNT_OF(bad_rows); i++) {
		struct options options;
		struct jbr_error error = {0};

		assert_true(parse(bad_rows[i].arguments, &options, &error) < 0);
		print_message("%s\n", error.text);
		assert_non_null(strstr(error.text, bad_rows[i].says));
	}
}

static void
defaults(void **state)
{
	const char *const plain[] = {"--scenario", "ack_uniform", NULL};
	const char *const mixed[] = {"--scenario", "mixed", "--flows", "1000", NULL};
	const char *const verify[] = {"--scenario", "syn_flood", "--verify", NULL};
	struct options options;
	struct jbr_error error;

	(void)state;
	assert_int_equal(parse(plain, &options, &error), 0);
	assert_int_equal(options.flows, 1000000);
	assert_int_equal(options.workers, 1);
	assert_int_equal(options.rounds, 10);
	assert_int_equal(options.packets, 0);
	assert_true(options.room > 0 && options.room < 200000);
	assert_int_equal(parse(mixed, &options, &error), 0);
	assert_int_equal(options.flood, FLOOD_SYN | FLOOD_ACK | FLOOD_RST);
	assert_true(options.room > 1 << 20);
	assert_int_equal(parse(verify, &options, &error), 0);
	assert_int_equal(options.flows, 20000);
	assert_true(options.packets > 0);
}

static void
floods(void **state)
{
	struct jbr_error error;
	uint8_t flood;
	char text[32];

	(void)state;
	assert_int_equal(scenario_read_flood("rst,syn", &flood, &error), 0);
	assert_int_equal(flood, FLOOD_SYN | FLOOD_RST);
	scenario_write_flood(flood, text);
	assert_string_equal(text, "syn,rst");
	scenario_write_flood(31, text);
	assert_string_equal(text, "syn,ack,data,rst,fin");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_input),
		cmocka_unit_test(defaults),
		cmocka_unit_test(floods),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
