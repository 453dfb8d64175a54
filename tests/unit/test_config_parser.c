/* SPDX-License-Identifier: BSD-3-Clause */
/* lib/config: files that are wrong with the exact errors they give, files that are fine, limits, and
 * reading from disk. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config_expect.h"

enum { NOBODY = 65534 };

struct bad_file {
	const char *name;
	const char *text;
	const char *errors;
};

static const struct bad_file bad_files[] = {
	{"example", HEAD "timeout:\n  syn_sent_s: 0\n",
		"f:3:15: timeout.syn_sent_s: 0 is out of range (1..86400 s)\n"},
	{"unknown section, a letter less", HEAD "timout: {}\n",
		"f:2:1: unknown key 'timout', did you mean 'timeout'?\n"},
	{"unknown section, two letters less", HEAD "tmeut: {}\n",
		"f:2:1: unknown key 'tmeut', did you mean 'timeout'?\n"},
	{"unknown section, three letters less", HEAD "tmut: {}\n", "f:2:1: unknown key 'tmut'\n"},
	{"unknown section, nothing near", HEAD "colours: {red: [1, {a: b}]}\n",
		"f:2:1: unknown key 'colours'\n"},
	{"too short to be like anything", HEAD "tunnel: {ge: yes, gx: yes, g: yes}\n",
		"f:2:10: tunnel: unknown key 'ge', did you mean 'gre'?\n"
		"f:2:19: tunnel: unknown key 'gx'\nf:2:28: tunnel: unknown key 'g'\n"},
	{"unknown key of a section", HEAD "timeout:\n  syn_snt_s: 5\n",
		"f:3:3: timeout: unknown key 'syn_snt_s', did you mean 'syn_sent_s'?\n"},
	{"unknown anomaly", HEAD "anomalies:\n  tcp_xmass: {enabled: no}\n",
		"f:3:3: anomalies: unknown key 'tcp_xmass', did you mean 'tcp_xmas'?\n"},
	{"unknown threshold", HEAD "anomalies: {ip_low_ttl: {flor: 1}}\n",
		"f:2:26: anomalies.ip_low_ttl: unknown key 'flor', did you mean 'floor'?\n"},
	{"threshold of another anomaly", HEAD "anomalies: {tcp_xmas: {floor: 1}}\n",
		"f:2:24: anomalies.tcp_xmas: unknown key 'floor'\n"},
	{"key of another section", HEAD "event: {syn_sent_s: 1}\n",
		"f:2:9: event: unknown key 'syn_sent_s'\n"},
	{"upper case", HEAD "Timeout: {}\n",
		"f:2:1: unknown key 'Timeout', did you mean 'timeout'?\n"},
	{"key with a zero byte", HEAD "\"timeout\\0\": {}\n",
		"f:2:1: unknown key 'timeout\\x00', did you mean 'timeout'?\n"},
	{"escapes for a terminal", HEAD "\"\\e[31m\\x9b\": {}\n",
		"f:2:1: unknown key '\\x1b[31m\\x9b'\n"},
	{"very long key",
		HEAD "? \xc3\xbc"
		     "0123456789012345678901234567890123456\xc3\xbc"
		     "0123456789012345678901234567890\n: 1\n",
		"f:2:3: unknown key '\xc3\xbc"
		"0123456789012345678901234567890123456...'\n"},
	{"section twice", HEAD "event: {}\nflow:\nevent: {}\n",
		"f:4:1: key 'event' is there twice, first in line 2\n"},
	{"key twice", HEAD "event:\n  interval_s: 5\n  interval_s: 5\n",
		"f:4:3: event: key 'interval_s' is there twice, first in line 3\n"},
	{"anomaly twice", HEAD "anomalies:\n  tcp_xmas:\n  tcp_xmas: {}\n",
		"f:4:3: anomalies: key 'tcp_xmas' is there twice, first in line 3\n"},
	{"enabled twice", HEAD "anomalies: {tcp_xmas: {enabled: yes, enabled: no}}\n",
		"f:2:38: anomalies.tcp_xmas: key 'enabled' is there twice, first in line 2\n"},
	{"section is a word", HEAD "event: 5\n",
		"f:2:8: event: a mapping is expected, not a single value\n"},
	{"section is null", HEAD "event: ~\n",
		"f:2:8: event: a mapping is expected, not a single value\n"},
	{"section is a sequence", HEAD "event:\n  - interval_s: 5\n",
		"f:3:3: event: a mapping is expected, not a sequence\n"},
	{"anomalies is a sequence", HEAD "anomalies: [tcp_xmas]\n",
		"f:2:12: anomalies: a mapping is expected, not a sequence\n"},
	{"anomaly is a word", HEAD "anomalies: {tcp_xmas: drop}\n",
		"f:2:23: anomalies.tcp_xmas: a mapping is expected, not a single value\n"},
	{"no such action", HEAD "anomalies: {tcp_xmas: {action: block}}\n",
		"f:2:32: anomalies.tcp_xmas.action: 'block' is none of count, event, drop\n"},
	{"action is a sequence", HEAD "anomalies: {tcp_xmas: {action: [drop]}}\n",
		"f:2:32: anomalies.tcp_xmas.action: a single value is expected, not a sequence\n"},
	{"enabled is a number", HEAD "anomalies: {tcp_xmas: {enabled: 1}}\n",
		"f:2:33: anomalies.tcp_xmas.enabled: '1' is neither yes nor no\n"},
	{"key is a sequence", HEAD "? [a, b]\n: 1\nevent: {}\n",
		"f:2:3: a key is a single word, not a sequence\n"},
	{"key is a mapping", HEAD "{a: 1}: {b: 1}\n",
		"f:2:1: a key is a single word, not a mapping\n"},
	{"empty key", HEAD "? \n: 1\n", "f:2:2: unknown key ''\n"},
	{"alias as a value", HEAD "event: {interval_s: *a}\n",
		"f:2:21: aliases are not accepted\n"},
	{"alias as a section", HEAD "event: *a\n", "f:2:8: aliases are not accepted\n"},
	{"alias as a key", HEAD "*a : {}\n", "f:2:1: aliases are not accepted\n"},
	{"alias as the file", "*a\n", "f:1:1: aliases are not accepted\n"},
	{"alias in what is skipped", HEAD "colours: [*a]\n",
		"f:2:1: unknown key 'colours'\nf:2:11: aliases are not accepted\n"},
	{"anchor on a scalar", HEAD "event: {interval_s: &a 5}\n",
		"f:2:21: anchors are not accepted\n"},
	{"anchor on a mapping", HEAD "event: &a {interval_s: 5}\n",
		"f:2:8: anchors are not accepted\n"},
	{"anchor on a sequence", HEAD "event: &a []\n",
		"f:2:8: anchors are not accepted\nf:2:8: event: a mapping is expected, not a "
		"sequence\n"},
	{"tag on a scalar", HEAD "event: {interval_s: !!int 5}\n",
		"f:2:21: tags are not accepted\n"},
	{"tag on a mapping", HEAD "event: !x {}\n", "f:2:8: tags are not accepted\n"},
	{"tag on a sequence", HEAD "event: !x []\n",
		"f:2:8: tags are not accepted\nf:2:8: event: a mapping is expected, not a "
		"sequence\n"},
	{"lonely tag", HEAD "event: {interval_s: ! 5}\n", "f:2:21: tags are not accepted\n"},
	{"tag directive", "%TAG !x! y:\n---\n" HEAD, "f:1:1: tags are not accepted\n"},
	{"tag directive of a second document", HEAD "...\n%TAG !x! y:\n---\n",
		"f:3:1: tags are not accepted\n"},
	{"tag directive after another line break", "#\xe2\x80\xa8%TAG !x! y:\n---\n",
		"f:1:3: tags are not accepted\n"},
	{"no directive, only looks like one", HEAD "# %TAG\ncolours: '%TAG'\n",
		"f:3:1: unknown key 'colours'\n"},
	{"merge key", HEAD "event:\n  <<: {interval_s: 5}\n",
		"f:3:3: merge keys are not accepted\n"},
	{"quoted merge key", HEAD "event:\n  '<<': {interval_s: 5}\n",
		"f:3:3: event: unknown key '<<'\n"},
	{"merge key with an alias", HEAD "<<: *a\n",
		"f:2:1: merge keys are not accepted\nf:2:5: aliases are not accepted\n"},
	{"second document", HEAD "---\n" HEAD,
		"f:2:1: a second document starts here, only one is read\n"},
	{"second document after an empty one", "---\n---\n",
		"f:2:1: a second document starts here, only one is read\n"},
	{"nine levels", HEAD "a: [[[[[[[[1]]]]]]]]\n",
		"f:2:1: unknown key 'a'\nf:2:11: nested deeper than 8 levels\n"},
	{"eight levels are read", HEAD "a: [[[[[[[1]]]]]]]\nb: 1\n",
		"f:2:1: unknown key 'a'\nf:3:1: unknown key 'b'\n"},
	{"no version", "event: {}\n",
		"f:1:1: config_version is missing, write 'config_version: 1'\n"},
	{"no version, unknown key", "# a\n\nevents: {}\n",
		"f:3:1: unknown key 'events', did you mean 'event'?\n"
		"f:3:1: config_version is missing, write 'config_version: 1'\n"},
	{"version of the future", "config_version: 2\n",
		"f:1:17: config_version: 2 is not read, only 1 is\n"},
	{"version 0", "config_version: 0\n", "f:1:17: config_version: 0 is not read, only 1 is\n"},
	{"version is a text", "config_version: '1'\n",
		"f:1:17: config_version: '1' is no decimal number\n"},
	{"version is a fraction", "config_version: 1.0\n",
		"f:1:17: config_version: '1.0' is no decimal number\n"},
	{"version is a sequence", "config_version: [1]\n",
		"f:1:17: config_version: a single value is expected, not a sequence\n"},
	{"version is missing a value", "config_version:\n",
		"f:1:16: config_version: the value is missing\n"},
	{"version twice", HEAD HEAD,
		"f:2:1: key 'config_version' is there twice, first in line 1\n"},
	{"a word", "hello\n", "f:1:1: a mapping is expected, not a single value\n"},
	{"null", "~\n", "f:1:1: a mapping is expected, not a single value\n"},
	{"a sequence", "- a\n- b\n", "f:1:1: a mapping is expected, not a sequence\n"},
	{"tab as indentation", HEAD "event:\n\tinterval_s: 5\n",
		"f:3:1: found character that cannot start any token (while scanning for the next "
		"token)\n"},
	{"bracket left open", HEAD "event: {interval_s: 5\n",
		"f:3:1: did not find expected ',' or '}' (while parsing a flow mapping)\n"},
	{"quote left open", HEAD "sensor: {name: \"a\n",
		"f:3:1: found unexpected end of stream (while scanning a quoted scalar)\n"},
	{"indentation", HEAD "event:\n  interval_s: 5\n entities_per_s: 5\n",
		"f:4:2: did not find expected key (while parsing a block mapping)\n"},
	{"errors before libyaml's own are kept", HEAD "colours: 1\nevent: [\n",
		"f:2:1: unknown key 'colours'\nf:3:8: event: a mapping is expected, not a "
		"sequence\n"
		"f:4:1: did not find expected node content (while parsing a flow node)\n"},
	{"all errors of a file",
		"timeout:\n  half_open_s: 30\n  syn_sent_s: x\n  bogus: 1\nflow: []\n",
		"f:1:1: config_version is missing, write 'config_version: 1'\n"
		"f:2:16: timeout.half_open_s: 30 is out of range (31..86400 s)\n"
		"f:3:15: timeout.syn_sent_s: 'x' is no decimal number (1..86400 s)\n"
		"f:4:3: timeout: unknown key 'bogus'\n"
		"f:5:7: flow: a mapping is expected, not a sequence\n"},
	{"invalid UTF-8", HEAD "sensor:\n  name: \"\xc3\xbc\xff\"\n",
		"f:3:11: invalid leading UTF-8 octet\n"},
	{"cut UTF-8", HEAD "sensor:\n  name: \xc3", "f:3:9: incomplete UTF-8 octet sequence\n"},
	{"surrogate", HEAD "sensor:\n  name: \xed\xa0\x80\n", "f:3:9: invalid Unicode character\n"},
	{"overlong", HEAD "sensor:\n  name: \xc0\xaf\n",
		"f:3:9: invalid length of a UTF-8 sequence\n"},
	{"escape byte", HEAD "sensor:\n  name: \x1b[31m\n",
		"f:3:9: control characters are not allowed\n"},
	{"UTF-16",
		"\xff\xfe"
		"a",
		"f:1:1: invalid leading UTF-8 octet\n"},
	{"lines end in CR LF", HEAD "event:\r\n  interval_s: 0\r\n",
		"f:3:15: event.interval_s: 0 is out of range (1..86400 s)\n"},
	{"bad byte after CR LF and CR", "#\r\n#\r#\x01",
		"f:3:2: control characters are not allowed\n"},
};

static void
files_that_are_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(bad_files); i++)
		expect_errors(bad_files[i].name, bad_files[i].text, strlen(bad_files[i].text),
			bad_files[i].errors);
	expect_errors("zero byte", HEAD "#\0", sizeof(HEAD "#\0") - 1,
		"f:2:2: control characters are not allowed\n");
}

static void
files_that_are_fine(void **state)
{
	static const struct {
		const char *name;
		const char *text;
	} rows[] = {
		{"nothing", ""},
		{"one line break", "\n"},
		{"a comment", "# nothing\n"},
		{"an empty document", "---\n...\n"},
		{"an empty mapping", "{}\n"},
		{"the version only", HEAD},
		{"a directive", "%YAML 1.1\n---\n" HEAD},
		{"a byte order mark", "\xef\xbb\xbf" HEAD},
		{"a byte order mark only", "\xef\xbb\xbf"},
		{"no line break at the end", "config_version: 1"},
		{"version last", "event: {}\n" HEAD},
		{"empty sections", HEAD "event:\nanomalies:\ntimeout: {}\n"},
		{"empty anomaly", HEAD "anomalies:\n  tcp_xmas:\n"},
		{"JSON", "{\"config_version\": 1, \"event\": {\"interval_s\": 60}}"},
		{"CR LF", "config_version: 1\r\nevent:\r\n  interval_s: 60\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(rows); i++)
		expect_defaults(rows[i].name, rows[i].text, strlen(rows[i].text));
	expect_defaults("no text at all", NULL, 0);
}

static void
errors_have_a_limit(void **state)
{
	struct jbr_buffer text = {0};
	struct outcome outcome;

	(void)state;
	jbr_buffer_format(&text, HEAD);
	for (int i = 0; i < 99; i++)
		jbr_buffer_format(&text, "zzzz%d: 1\n", i);
	outcome = parse(text.data, text.length);
	assert_int_equal(outcome.count, 99);
	assert_null(strstr(outcome.errors, "too many"));
	free(outcome.errors);
	jbr_buffer_format(&text, "zzzz99: 1\nzzzz100: 1\n");
	outcome = parse(text.data, text.length);
	assert_int_equal(outcome.rc, -EINVAL);
	assert_int_equal(outcome.count, JBR_CONFIG_ERRORS_MAX);
	assert_string_equal(strstr(outcome.errors, "f:101:1:"),
		"f:101:1: too many errors, the rest of the file was not read\n");
	free(outcome.errors);
	jbr_buffer_fini(&text);
}

/* Text of exactly @p length bytes that sets nothing. */
static char *
comment_of(size_t length)
{
	char *text = malloc(length);

	assert_non_null(text);
	memset(text, 'x', length);
	for (size_t i = 0; i < length; i += 80)
		text[i] = '#';
	for (size_t i = 79; i < length; i += 80)
		text[i] = '\n';
	return text;
}

static void
size_has_a_limit(void **state)
{
	char *text = comment_of(JBR_CONFIG_BYTES_MAX + 1);
	struct outcome outcome;

	(void)state;
	expect_defaults("as large as may be", text, JBR_CONFIG_BYTES_MAX);
	outcome = parse(text, JBR_CONFIG_BYTES_MAX + 1);
	assert_int_equal(outcome.rc, -EFBIG);
	assert_string_equal(outcome.errors, "cannot read 'f': larger than 1048576 bytes\n");
	free(outcome.errors);
	free(text);
}

/* A scratch folder, with one file name in it. */
struct scratch {
	char folder[32];
	char path[64];
};

static int
make_scratch(void **state)
{
	static struct scratch scratch;

	snprintf(scratch.folder, sizeof(scratch.folder), "/tmp/jabiru-config-XXXXXX");
	if (mkdtemp(scratch.folder) == NULL)
		return -1;
	snprintf(scratch.path, sizeof(scratch.path), "%s/f.yaml", scratch.folder);
	*state = &scratch;
	return 0;
}

static int
remove_scratch(void **state)
{
	struct scratch *scratch = *state;

	unlink(scratch->path);
	return rmdir(scratch->folder);
}

static void
write_file(const char *path, const char *text, size_t length)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, length), length);
	assert_int_equal(close(fd), 0);
}

static void
expect_load(const char *path, int rc, const char *format)
{
	struct jbr_config_errors errors = {0};
	struct jbr_config config;
	char expected[256];

	snprintf(expected, sizeof(expected), format, path);
	assert_int_equal(jbr_config_load(path, &config, &errors), rc);
	assert_int_equal(errors.count, rc == 0 ? 0 : 1);
	assert_int_equal(errors.text.length, strlen(expected));
	if (errors.text.length > 0)
		assert_memory_equal(errors.text.data, expected, errors.text.length);
	jbr_buffer_fini(&errors.text);
}

static void
files_are_loaded(void **state)
{
	const struct scratch *scratch = *state;
	char *large = comment_of(JBR_CONFIG_BYTES_MAX + 1);

	expect_load(scratch->path, -ENOENT, "cannot open '%s': No such file or directory\n");
	expect_load(scratch->folder, -EISDIR, "cannot read '%s': Is a directory\n");
	write_file(scratch->path, "", 0);
	expect_load(scratch->path, 0, "");
	write_file(scratch->path, HEAD, strlen(HEAD));
	expect_load(scratch->path, 0, "");
	write_file(scratch->path, "a", 1);
	expect_load(scratch->path, -EINVAL, "%s:1:1: a mapping is expected, not a single value\n");
	write_file(scratch->path, large, JBR_CONFIG_BYTES_MAX);
	expect_load(scratch->path, 0, "");
	write_file(scratch->path, large, JBR_CONFIG_BYTES_MAX + 1);
	expect_load(scratch->path, -EFBIG, "cannot read '%s': larger than 1048576 bytes\n");
	expect_load("/dev/zero", -EFBIG, "cannot read '%s': larger than 1048576 bytes\n");
	free(large);
}

static void
unreadable_file(void **state)
{
	const struct scratch *scratch = *state;
	bool is_root = geteuid() == 0;

	write_file(scratch->path, HEAD, strlen(HEAD));
	assert_int_equal(chmod(scratch->path, 0), 0);
	if (is_root && seteuid(NOBODY) != 0) {
		print_message("SKIP: root reads every file, and cannot be another user here\n");
		skip();
	}
	expect_load(scratch->path, -EACCES, "cannot open '%s': Permission denied\n");
	if (is_root)
		assert_int_equal(seteuid(0), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_that_are_wrong),
		cmocka_unit_test(files_that_are_fine),
		cmocka_unit_test(errors_have_a_limit),
		cmocka_unit_test(size_has_a_limit),
		cmocka_unit_test_setup_teardown(files_are_loaded, make_scratch, remove_scratch),
		cmocka_unit_test_setup_teardown(unreadable_file, make_scratch, remove_scratch),
	};

	return cmocka_run_group_tests_name("config parser", tests, NULL, NULL);
}
