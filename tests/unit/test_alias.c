/* SPDX-License-Identifier: BSD-3-Clause */
/* lib/alias: networks as text, the longest prefix, the file. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "jbr_alias.h"

static const struct {
	const char *text;
	const char *back; /* NULL: refused */
} networks[] = {
	{"10.1.2.3", "10.1.2.3"},
	{"10.1.2.3/32", "10.1.2.3"},
	{"10.0.0.0/8", "10.0.0.0/8"},
	{"0.0.0.0/0", "0.0.0.0/0"},
	{"2001:DB8:0:0::/32", "2001:db8::/32"},
	{"::1", "::1"},
	{"::/0", "::/0"},
	{"::ffff:10.0.0.1", "10.0.0.1"},
	{"::ffff:10.0.0.0/104", "10.0.0.0/8"},
	{"10.0.0.1/8", NULL},
	{"2001:db8::1/64", NULL},
	{"10.0.0.0/33", NULL},
	{"10.0.0.0/", NULL},
	{"10.0.0.0/-1", NULL},
	{"10.0.0.0/8 ", NULL},
	{"10.0.0.0/0008", NULL},
	{"::/129", NULL},
	{"10.0.0", NULL},
	{"mail", NULL},
	{"", NULL},
	{"/8", NULL},
	{"11111111111111111111111111111111111111111111111111111111111111111111", NULL},
};

static void
networks_as_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(networks); i++) {
		char text[JBR_ALIAS_NETWORK_SIZE] = "";
		struct jbr_network network;
		struct jbr_error error = {0};
		int rc = jbr_network_parse(networks[i].text, &network, &error);

		if (rc == 0)
			jbr_network_text(&network, text);
		if ((rc == 0) != (networks[i].back != NULL) ||
			(rc == 0 && strcmp(text, networks[i].back) != 0) ||
			(rc < 0 && error.text[0] == '\0'))
			fail_msg("'%s': %d, '%s' (%s)", networks[i].text, rc, text, error.text);
	}
}

static int
add(struct jbr_aliases *aliases, const char *text, const char *name, enum jbr_alias_source source)
{
	struct jbr_network network;

	assert_int_equal(jbr_network_parse(text, &network, NULL), 0);
	return jbr_aliases_add(aliases, &network, name, source, NULL);
}

static const char *
find(const struct jbr_aliases *aliases, const char *text)
{
	bool is_6 = strchr(text, ':') != NULL;
	uint8_t address[16];
	const char *name;

	memset(address, 0xa5, sizeof(address)); /* what follows an IPv4 address does not count */
	assert_int_equal(inet_pton(is_6 ? AF_INET6 : AF_INET, text, address), 1);
	name = jbr_aliases_find(aliases, address, is_6 ? 6 : 4);
	return name == NULL ? "-" : name;
}

static void
the_longest_prefix_wins(void **state)
{
	struct jbr_aliases *aliases = jbr_aliases_create();

	(void)state;
	assert_string_equal(find(aliases, "10.1.2.3"), "-");
	assert_int_equal(add(aliases, "10.0.0.0/8", "inside", JBR_ALIAS_CONFIG), 0);
	assert_int_equal(add(aliases, "10.1.0.0/16", "office", JBR_ALIAS_ADDED), 0);
	assert_int_equal(add(aliases, "10.1.2.3", "mail", JBR_ALIAS_CONFIG), 0);
	assert_int_equal(add(aliases, "10.1.2.255", "last", JBR_ALIAS_CONFIG), 0);
	assert_int_equal(add(aliases, "10.9.0.0/17", "lab", JBR_ALIAS_CONFIG), 0);
	assert_int_equal(add(aliases, "2001:db8::/32", "six", JBR_ALIAS_CONFIG), 0);
	assert_int_equal(add(aliases, "2001:db8::a", "a", JBR_ALIAS_CONFIG), 0);
	assert_string_equal(find(aliases, "10.1.2.3"), "mail");
	assert_string_equal(find(aliases, "10.1.2.4"), "office");
	assert_string_equal(find(aliases, "10.1.2.2"), "office");
	assert_string_equal(find(aliases, "10.9.127.1"), "lab");
	assert_string_equal(find(aliases, "10.9.128.1"), "inside");
	assert_string_equal(find(aliases, "10.255.255.255"), "inside");
	assert_string_equal(find(aliases, "11.0.0.0"), "-");
	assert_string_equal(find(aliases, "9.255.255.255"), "-");
	assert_string_equal(find(aliases, "2001:db8::b"), "six");
	assert_string_equal(find(aliases, "2001:db8::a"), "a");
	assert_string_equal(find(aliases, "2001:db9::a"), "-");
	assert_int_equal(add(aliases, "0.0.0.0/0", "all", JBR_ALIAS_CONFIG), 0);
	assert_string_equal(find(aliases, "11.0.0.0"), "all");
	assert_string_equal(find(aliases, "2001:db9::a"), "-");
	jbr_aliases_free(aliases);
}

/* Every address by the table, and by looking at all entries. */
static void
as_a_slow_look(void **state)
{
	struct jbr_aliases *aliases = jbr_aliases_create();
	uint64_t seed = 7;

	(void)state;
	for (unsigned i = 0; i < 400; i++) {
		struct jbr_network network = {.ip_version = 4};
		char name[8];
		uint32_t bits;

		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
		network.prefix = (uint8_t)(seed >> 33) % 33;
		/* few bits vary, so that networks lie within each other */
		bits = 0x0a000000 | ((uint32_t)(seed >> 20) & 0x030307);
		if (network.prefix < 32)
			bits &= ~(UINT32_MAX >> network.prefix);
		bits = htonl(bits);
		memcpy(network.address, &bits, 4);
		snprintf(name, sizeof(name), "n%u", i);
		assert_int_equal(jbr_aliases_add(aliases, &network, name, i % 2, NULL), 0);
	}
	for (unsigned i = 0; i < 20000; i++) {
		const struct jbr_alias *best = NULL;
		uint8_t address[16] = {0};
		const char *found;

		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407;
		memcpy(address,
			&(uint32_t){htonl(0x0a000000 | ((uint32_t)(seed >> 20) & 0x030307))}, 4);
		for (uint32_t e = 0; e < jbr_aliases_count(aliases); e++) {
			const struct jbr_alias *entry = jbr_aliases_at(aliases, e);
			uint32_t mask = entry->network.prefix == 0
				? 0
				: htonl(UINT32_MAX << (32 - entry->network.prefix));
			uint32_t a, b;

			memcpy(&a, address, 4);
			memcpy(&b, entry->network.address, 4);
			if ((a & mask) == b &&
				(best == NULL || entry->network.prefix > best->network.prefix))
				best = entry;
		}
		found = jbr_aliases_find(aliases, address, 4);
		assert_string_equal(found == NULL ? "-" : found, best == NULL ? "-" : best->name);
	}
	jbr_aliases_free(aliases);
}

static void
added_ones_go_first(void **state)
{
	struct jbr_aliases *aliases = jbr_aliases_create();
	struct jbr_network network;

	(void)state;
	assert_int_equal(add(aliases, "10.1.2.3", "configured", JBR_ALIAS_CONFIG), 0);
	assert_int_equal(add(aliases, "10.1.2.3", "first", JBR_ALIAS_ADDED), 0);
	assert_int_equal(add(aliases, "10.1.2.3", "added", JBR_ALIAS_ADDED), 0);
	assert_int_equal(jbr_aliases_count(aliases), 2);
	assert_string_equal(find(aliases, "10.1.2.3"), "added");
	assert_int_equal(jbr_network_parse("10.1.2.3", &network, NULL), 0);
	assert_int_equal(jbr_aliases_remove(aliases, &network, JBR_ALIAS_ADDED), 0);
	assert_int_equal(jbr_aliases_remove(aliases, &network, JBR_ALIAS_ADDED), -ENOENT);
	assert_string_equal(find(aliases, "10.1.2.3"), "configured");
	jbr_aliases_clear(aliases, JBR_ALIAS_CONFIG);
	assert_int_equal(jbr_aliases_count(aliases), 0);
	jbr_aliases_free(aliases);
}

static void
names_can_be_printed(void **state)
{
	static const char *const good[] = {"a", "mail-1", "two words", "M\xc3\xbchle",
		"\xf0\x9f\x90\xa6", "012345678901234567890123456789012345678"};
	static const char *const bad[] = {"", " a", "a ", "#a", "a\tb", "a\nb", "\x1b[31m", "\x7f",
		"\xc3", "\xc3(", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc2\x85",
		"\xe2\x80\xae", "0123456789012345678901234567890123456789"};

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(good); i++)
		if (jbr_alias_check_name(good[i], NULL) < 0)
			fail_msg("'%s' is refused", good[i]);
	for (size_t i = 0; i < JBR_COUNT_OF(bad); i++)
		if (jbr_alias_check_name(bad[i], NULL) == 0)
			fail_msg("name %zu is taken", i);
}

static void
there_is_a_limit(void **state)
{
	struct jbr_aliases *aliases = jbr_aliases_create();
	struct jbr_network network = {.ip_version = 4, .prefix = 32};
	struct jbr_error error;

	(void)state;
	for (uint32_t i = 0; i < JBR_ALIASES_MAX; i++) {
		memcpy(network.address, &i, sizeof(i));
		assert_int_equal(jbr_aliases_add(aliases, &network, "x", JBR_ALIAS_ADDED, &error),
			0);
	}
	memset(network.address, 0xff, 4);
	assert_int_equal(jbr_aliases_add(aliases, &network, "x", JBR_ALIAS_ADDED, &error), -ENOSPC);
	assert_int_equal(jbr_aliases_add(aliases, &network, "x", JBR_ALIAS_CONFIG, &error), 0);
	jbr_aliases_free(aliases);
}

static void
write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void
the_file_keeps_them(void **state)
{
	struct jbr_aliases *aliases = jbr_aliases_create();
	char folder[] = "/tmp/jabiru-unit-XXXXXX";
	struct jbr_error error;
	struct stat stat_now;
	char made[40];
	char path[64];

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(made, sizeof(made), "%s/state", folder);
	snprintf(path, sizeof(path), "%s/aliases", made);
	assert_int_equal(jbr_aliases_load(aliases, path, &error), 0); /* none yet */
	assert_int_equal(add(aliases, "10.1.2.0/24", "two words", JBR_ALIAS_ADDED), 0);
	assert_int_equal(add(aliases, "::1", "me", JBR_ALIAS_ADDED), 0);
	assert_int_equal(add(aliases, "10.0.0.0/8", "configured", JBR_ALIAS_CONFIG), 0);
	assert_int_equal(jbr_aliases_save(aliases, path, &error), 0);
	assert_int_equal(stat(path, &stat_now), 0);
	assert_int_equal(stat_now.st_mode & 0777, 0640);
	jbr_aliases_free(aliases);

	aliases = jbr_aliases_create();
	assert_int_equal(add(aliases, "10.9.0.0/16", "gone after", JBR_ALIAS_ADDED), 0);
	assert_int_equal(jbr_aliases_load(aliases, path, &error), 0);
	assert_int_equal(jbr_aliases_count(aliases), 2);
	assert_string_equal(find(aliases, "10.1.2.9"), "two words");
	assert_string_equal(find(aliases, "::1"), "me");

	/* a file that is wrong changes nothing and is named with its line */
	write_text(path, "# mine\n\n\t10.1.1.1  a name \r\n10.1.1.2 x\x1b\n");
	assert_int_equal(jbr_aliases_load(aliases, path, &error), -EINVAL);
	assert_non_null(strstr(error.text, "/aliases:4: a name has"));
	assert_int_equal(jbr_aliases_count(aliases), 2);
	write_text(path, "# mine\n\n\t10.1.1.1  a name \r\n");
	assert_int_equal(jbr_aliases_load(aliases, path, &error), 0);
	assert_string_equal(find(aliases, "10.1.1.1"), "a name");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(made), 0); /* no draft is left */
	assert_int_equal(rmdir(folder), 0);
	assert_int_equal(jbr_aliases_save(aliases, "/dev/null/no/aliases", &error), -ENOTDIR);
	jbr_aliases_free(aliases);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(networks_as_text),
		cmocka_unit_test(the_longest_prefix_wins),
		cmocka_unit_test(as_a_slow_look),
		cmocka_unit_test(added_ones_go_first),
		cmocka_unit_test(names_can_be_printed),
		cmocka_unit_test(there_is_a_limit),
		cmocka_unit_test(the_file_keeps_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
