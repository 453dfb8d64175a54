/* SPDX-License-Identifier: BSD-3-Clause */
/* What may be asked over the control socket, request by request. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "control_desk.h"
#include "jbr_config.h"

static unsigned reloads;

static int
reload(void *context, struct jbr_buffer *notes, struct jbr_error *error)
{
	assert_null(context);
	if (++reloads > 1)
		return jbr_error_set(error, -EINVAL, "f:3:1: unknown key");
	jbr_buffer_format(notes, "done, \"quoted\"");
	return 0;
}

static void
expect(struct control_desk *desk, const char *request, const char *answer)
{
	struct jbr_buffer out = {0};

	control_answer(desk, request, strlen(request), "a test", &out);
	jbr_buffer_append(&out, "", 1);
	assert_false(out.failed);
	if (strstr(out.data, answer) == NULL || strchr(out.data, '\n') != out.data + out.length - 2)
		fail_msg("%s\nanswer:   %sexpected: %s", request, out.data, answer);
	jbr_buffer_fini(&out);
}

static const struct {
	const char *request;
	const char *answer;
} rows[] = {
	{"", "{\"ok\":false,\"error\":\"the request is no JSON: "},
	{"[]", "{\"ok\":false,\"error\":\"the request is no flat JSON object\"}"},
	{"{}", "{\"ok\":false,\"error\":\"'command' is missing, or is no text\"}"},
	{"{\"command\":1}", "'command' is missing, or is no text"},
	{"{\"command\":\"halt\"}", "there is no command 'halt'"},
	{"{\"command\":\"ping\",\"command\":\"ping\"}", "duplicate object key"},
	{"{\"command\":\"ping\"} x", "the request is no JSON: "},
	{"{\"command\":\"ping\",\"a\":[[[[[[1]]]]]]}", "no flat JSON object"},
	{"{\"command\":\"pi\\u0000ng\"}", "the request is no JSON: "},
	{"{\"command\":\"ping\"}", "{\"ok\":true,\"result\":{\"version\":\"1.2.3\",\"pid\":"},
	{"{\"command\":\"status\"}", "\"configuration\":\"f.yaml\",\"aliases\":1}"},
	{"{\"command\":\"reopen\"}", "this sensor cannot open its files anew"},
	{"{\"command\":\"reload\"}",
		"{\"ok\":true,\"result\":{\"notes\":\"done, \\\"quoted\\\"\"}}"},
	{"{\"command\":\"reload\"}", "{\"ok\":false,\"error\":\"f:3:1: unknown key\"}"},
	{"{\"command\":\"explain\"}", "'key' is missing"},
	{"{\"command\":\"explain\",\"key\":\"nothing\"}",
		"the catalogue has nothing called 'nothing': `jabiru catalog` lists it"},
	{"{\"command\":\"explain\",\"key\":\"ip_low_ttl\"}",
		"\"limits\":[{\"key\":\"floor\",\"value\":5,\"default\":1,\"unit\":\"hops\","
		"\"low\":1,"
		"\"high\":64,\"line\":4,"},
	{"{\"command\":\"explain\",\"key\":\"ip_low_ttl\"}",
		"\"enabled\":{\"value\":true,\"line\":null},\"action\":{\"value\":\"event\","
		"\"line\":null}"},
	{"{\"command\":\"explain\",\"key\":\"injected\"}", "\"kind\":\"reset cause\""},
	{"{\"command\":\"explain\",\"key\":\"SF\"}", "\"kind\":\"outcome\""},
	{"{\"command\":\"explain\",\"key\":\"jabiru_resets_total\"}", "\"kind\":\"figure\""},
	{"{\"command\":\"alias_list\"}",
		"{\"ok\":true,\"result\":[{\"network\":\"10.0.0.0/"
		"8\",\"name\":\"inside\",\"source\":"
		"\"configuration\"}]}"},
	{"{\"command\":\"alias_add\",\"network\":\"10.0.0.1/8\",\"name\":\"x\"}",
		"has bits set behind its prefix"},
	{"{\"command\":\"alias_add\",\"network\":\"10.0.0.1\"}", "'name' is missing"},
	{"{\"command\":\"alias_add\",\"network\":\"10.0.0.1\",\"name\":\"\\u001b[0m\"}",
		"a name has 1 to 39 bytes"},
	{"{\"command\":\"alias_add\",\"network\":\"10.0.0.1\",\"name\":\"mail\"}",
		"{\"ok\":true,\"result\":{\"network\":\"10.0.0.1\",\"name\":\"mail\",\"source\":"
		"\"added\"}}"},
	{"{\"command\":\"alias_remove\",\"network\":\"10.0.0.0/8\"}",
		"no name was added for 10.0.0.0/8; names of the configuration are taken out of its "
		"file"},
	{"{\"command\":\"alias_remove\",\"network\":\"10.0.0.1\"}",
		"{\"ok\":true,\"result\":{\"network\":\"10.0.0.1\"}}"},
};

static void
each_request_has_its_answer(void **state)
{
	static const char text[] = "config_version: 1\nanomalies:\n  ip_low_ttl:\n    floor: 5\n"
				   "aliases: [{network: 10.0.0.0/8, name: inside}]\n";
	struct jbr_config_errors errors = {0};
	struct jbr_config config;
	struct control_desk desk = {.aliases = jbr_aliases_create(),
		.config = &config,
		.config_path = "f.yaml",
		.version = "1.2.3",
		.reload = reload};

	(void)state;
	assert_int_equal(jbr_config_parse("f", text, sizeof(text) - 1, &config, &errors), 0);
	assert_int_equal(control_name_configured(desk.aliases, &config, NULL), 0);
	for (size_t i = 0; i < JBR_COUNT_OF(rows); i++)
		expect(&desk, rows[i].request, rows[i].answer);
	jbr_aliases_free(desk.aliases);
}

/* What cannot be written is not done either. */
static void
names_are_kept_or_refused(void **state)
{
	char folder[] = "/tmp/jabiru-unit-XXXXXX";
	char path[64];
	struct control_desk desk = {.aliases = jbr_aliases_create(), .alias_path = path};
	struct jbr_aliases *again = jbr_aliases_create();

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/aliases", folder);
	expect(&desk, "{\"command\":\"alias_add\",\"network\":\"10.0.0.1\",\"name\":\"mail\"}",
		"\"ok\":true");
	assert_int_equal(jbr_aliases_load(again, path, NULL), 0);
	assert_int_equal(jbr_aliases_count(again), 1);
	unlink(path);
	assert_int_equal(rmdir(folder), 0);
	snprintf(path, sizeof(path), "/dev/null/aliases");
	expect(&desk, "{\"command\":\"alias_add\",\"network\":\"10.0.0.2\",\"name\":\"web\"}",
		"cannot write '/dev/null/aliases': Not a directory");
	jbr_aliases_free(again);
	jbr_aliases_free(desk.aliases);
}

/* What a person wrote into the file, with a mistake, is not lost to the next name that is added. */
static void
a_broken_file_is_not_written_over(void **state)
{
	struct control_desk desk = {.aliases = jbr_aliases_create(),
		.alias_path = "/nowhere/aliases",
		.is_alias_file_broken = true};

	(void)state;
	assert_non_null(desk.aliases);
	expect(&desk, "{\"command\":\"alias_add\",\"network\":\"10.0.0.1\",\"name\":\"mail\"}",
		"could not be read, so nothing is changed");
	assert_int_equal(jbr_aliases_count(desk.aliases), 0);
	expect(&desk, "{\"command\":\"alias_remove\",\"network\":\"10.0.0.1\"}",
		"could not be read, so nothing is changed");
	assert_int_equal(desk.changes, 2);
	jbr_aliases_free(desk.aliases);
}

static void
a_long_request_is_refused(void **state)
{
	struct control_desk desk = {0};
	char *request = malloc(CONTROL_REQUEST_MAX + 2);

	(void)state;
	memset(request, ' ', CONTROL_REQUEST_MAX + 1);
	request[CONTROL_REQUEST_MAX + 1] = '\0';
	expect(&desk, request, "a request has at most 4096 bytes");
	memset(request, '[', CONTROL_REQUEST_MAX);
	request[CONTROL_REQUEST_MAX] = '\0';
	expect(&desk, request, "the request is no JSON");
	free(request);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_request_has_its_answer),
		cmocka_unit_test(names_are_kept_or_refused),
		cmocka_unit_test(a_broken_file_is_not_written_over),
		cmocka_unit_test(a_long_request_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
