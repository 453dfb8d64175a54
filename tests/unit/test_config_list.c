/* SPDX-License-Identifier: BSD-3-Clause */
/* lib/config: lists of mappings. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>

#include "config_expect.h"

static const struct {
	const char *name;
	const char *text;
	const char *errors;
} bad_files[] = {
	{"no list", HEAD "ports: {device: a}\n",
		"f:2:8: ports: a sequence is expected, not a mapping\n"},
	{"a value", HEAD "ports: net_null0\n",
		"f:2:8: ports: a sequence is expected, not a single value\n"},
	{"entry without mapping", HEAD "ports: [a, {device: b}, [c]]\n",
		"f:2:9: ports[0]: a mapping is expected, not a single value\n"
		"f:2:25: ports[1]: a mapping is expected, not a sequence\n"},
	{"entry of nothing", HEAD "ports:\n  -\n",
		"f:3:4: ports[0]: a mapping is expected, not a single value\n"},
	{"device missing", HEAD "ports:\n  - queues: 1\n", "f:3:5: ports[0]: device is missing\n"},
	{"device missing in the second", HEAD "ports: [{device: a}, {}]\n",
		"f:2:22: ports[1]: device is missing\n"},
	{"device without value", HEAD "ports: [{device: }]\n",
		"f:2:18: ports[0].device: the value is missing\n"},
	{"device is a list", HEAD "ports: [{device: [a]}]\n",
		"f:2:18: ports[0].device: a single value is expected, not a sequence\n"},
	{"unknown key", HEAD "ports:\n  - device: a\n    queue: 1\n",
		"f:4:5: ports[0]: unknown key 'queue', did you mean 'queues'?\n"},
	{"key twice", HEAD "ports:\n  - device: a\n    device: b\n",
		"f:4:5: ports[0]: key 'device' is there twice, first in line 3\n"},
	{"out of range", HEAD "ports:\n  - {device: a, queues: 65}\n",
		"f:3:25: ports[0].queues: 65 is out of range (0..64 queues)\n"},
	{"in the second", HEAD "ports:\n  - {device: a}\n  - {device: b, rx_descriptors: -1}\n",
		"f:4:33: ports[1].rx_descriptors: '-1' is no decimal number (0..32768 "
		"descriptors)\n"},
	{"twice", HEAD "ports: []\nports: []\n",
		"f:3:1: key 'ports' is there twice, first in line 2\n"},
	{"alias", HEAD "ports: [&a {device: a}, *a]\n",
		"f:2:9: anchors are not accepted\nf:2:25: aliases are not accepted\n"},
	{"like it", HEAD "port: []\n", "f:2:1: unknown key 'port', did you mean 'ports'?\n"},
};

static void
errors_with_their_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(bad_files); i++)
		expect_errors(bad_files[i].name, bad_files[i].text, strlen(bad_files[i].text),
			bad_files[i].errors);
}

static void
an_empty_list_is_fine(void **state)
{
	static const char *const texts[] = {HEAD "ports: []\n", HEAD "ports:\n", HEAD};

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(texts); i++)
		expect_defaults(texts[i], texts[i], strlen(texts[i]));
}

static void
entries_have_their_own_values(void **state)
{
	static const char text[] = HEAD "ports:\n"
					"  - {device: \"net_af_packet0,iface=eth0\", queues: 64}\n"
					"  - device: 0000:03:00.0\n"
					"    rx_descriptors: 32768\n"
					"sensor: {name: after}\n";
	struct jbr_config config = expect_fine("two", text, sizeof(text) - 1);

	(void)state;
	assert_int_equal(config.ports_count, 2);
	assert_string_equal(config.ports[0].device, "net_af_packet0,iface=eth0");
	assert_int_equal(config.ports[0].queues, 64);
	assert_int_equal(config.ports[0].rx_descriptors, 0);
	assert_string_equal(config.ports[1].device, "0000:03:00.0");
	assert_int_equal(config.ports[1].queues, 0);
	assert_int_equal(config.ports[1].rx_descriptors, 32768);
	/* what follows a list goes where it belongs */
	assert_string_equal(config.sensor_name, "after");
}

/* As many as there is room for, and one more. */
static void
a_list_has_its_limit(void **state)
{
	char text[64 * (JBR_CONFIG_MAX_ports + 1)];
	size_t at = (size_t)snprintf(text, sizeof(text), HEAD "ports:\n");
	struct jbr_config config;

	(void)state;
	for (unsigned i = 0; i < JBR_CONFIG_MAX_ports; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "  - device: port%u\n", i);
	config = expect_fine("full", text, at);
	assert_int_equal(config.ports_count, JBR_CONFIG_MAX_ports);
	assert_string_equal(config.ports[JBR_CONFIG_MAX_ports - 1].device, "port15");
	at += (size_t)snprintf(text + at, sizeof(text) - at, "  - device: more\n");
	expect_errors("one more", text, at, "f:19:5: ports: at most 16 entries are read\n");
}

static void
a_long_text_fits(void **state)
{
	char device[JBR_CONFIG_LIST_STRING_SIZE + 1];
	char text[JBR_CONFIG_LIST_STRING_SIZE + 64];
	struct jbr_config config;

	(void)state;
	memset(device, 'x', sizeof(device));
	device[sizeof(device) - 2] = '\0';
	snprintf(text, sizeof(text), HEAD "ports: [{device: %s}]\n", device);
	config = expect_fine("longest", text, strlen(text));
	assert_string_equal(config.ports[0].device, device);
	device[sizeof(device) - 2] = 'x';
	device[sizeof(device) - 1] = '\0';
	snprintf(text, sizeof(text), HEAD "ports: [{device: %s}]\n", device);
	expect_errors("too long", text, strlen(text),
		"f:2:18: ports[0].device: 256 bytes are too long (at most 255)\n");
}

static void
expect_bad(const char *name, const char *text, const char *errors)
{
	expect_errors(name, text, strlen(text), errors);
}

static void
names_are_checked(void **state)
{
	static const char text[] = HEAD "aliases:\n"
					"  - {network: 10.1.2.0/24, name: mail}\n"
					"  - {network: \"2001:db8::1\", name: 'a b'}\n";
	struct jbr_config config = expect_fine("aliases", text, sizeof(text) - 1);

	(void)state;
	assert_int_equal(config.aliases_count, 2);
	assert_string_equal(config.aliases[0].network, "10.1.2.0/24");
	assert_string_equal(config.aliases[1].name, "a b");
	expect_bad("no network", HEAD "aliases: [{network: mail, name: m}]\n",
		"f:2:11: aliases[0].network: 'mail' is no address or network: write 10.1.2.3, "
		"10.0.0.0/8 or 2001:db8::/32\n");
	expect_bad("host bits", HEAD "aliases: [{network: 10.0.0.1/8, name: m}]\n",
		"f:2:11: aliases[0].network: '10.0.0.1/8' has bits set behind its prefix\n");
	expect_bad("long name",
		HEAD
		"aliases: [{network: '::1', name: 0123456789012345678901234567890123456789}]\n",
		"f:2:11: aliases[0].name: a name has 1 to 39 bytes that can be printed, no blank "
		"at "
		"its ends and no # at its start\n");
}

static void
lines_are_remembered(void **state)
{
	static const char text[] = HEAD "anomalies:\n"
					"  ip_low_ttl:\n"
					"    floor: 5\n"
					"    enabled: no\n"
					"  tcp_xmas: {action: count}\n";
	struct jbr_config_errors errors = {0};
	struct jbr_config config;
	struct jbr_config expected;
	size_t floor = offsetof(struct jbr_params, ip_low_ttl_floor) / sizeof(uint32_t);

	(void)state;
	assert_int_equal(jbr_config_parse("f", text, sizeof(text) - 1, &config, &errors), 0);
	jbr_config_defaults(&expected);
	expected.lines.params[floor] = 4;
	expected.lines.enabled[JBR_ANOM_IP_LOW_TTL] = 5;
	expected.lines.action[JBR_ANOM_TCP_XMAS] = 6;
	assert_memory_equal(&config.lines, &expected.lines, sizeof(config.lines));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_with_their_place),
		cmocka_unit_test(an_empty_list_is_fine),
		cmocka_unit_test(entries_have_their_own_values),
		cmocka_unit_test(a_list_has_its_limit),
		cmocka_unit_test(a_long_text_fits),
		cmocka_unit_test(names_are_checked),
		cmocka_unit_test(lines_are_remembered),
	};

	return cmocka_run_group_tests_name("config list", tests, NULL, NULL);
}
