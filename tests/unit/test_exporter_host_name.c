/* SPDX-License-Identifier: BSD-3-Clause */
/* Which Host a request may name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>

#include "host_name.h"
#include "jbr_base.h"

static const struct {
	const char *host;
	bool is_allowed;
} rows[] = {
	{"localhost", true},
	{"LOCALHOST:9734", true},
	{"localhost.", true},
	{"page.localhost:1", true},
	{".localhost", false},
	{"localhost.evil.example", false},
	{"notlocalhost", false},
	{"127.0.0.1", true},
	{"127.9.9.9:80", true},
	{"127.0.0.1.evil.example", false},
	{"2130706433", false}, /* some take it for 127.0.0.1 */
	{"0x7f.1", false},
	{"[::1]", true},
	{"[::1]:9734", true},
	{"[::1", false},
	{"[::1]x", false},
	{"[::1]:x", false},
	{"[]", false},
	{"[fe80::1]", false},
	{"192.0.2.7:9734", true}, /* where the connection came to */
	{"192.0.2.8", false},
	{"tap.example", true},
	{"Tap.Example.:80", true},
	{"sub.tap.example", false},
	{"", false},
	{":80", false},
	{".", false},
	{"localhost:", true},
	{"localhost:80x", false},
	{"localhost:80:80", false},
	{"a b", false},
};

static void
hosts_are_told_apart(void **state)
{
	static const char *const names[] = {"other", "tap.example"};
	struct sockaddr_in local = {.sin_family = AF_INET};
	char longer[400];

	(void)state;
	inet_pton(AF_INET, "192.0.2.7", &local.sin_addr);
	for (size_t i = 0; i < JBR_COUNT_OF(rows); i++) {
		print_message("'%s'\n", rows[i].host);
		assert_int_equal(host_name_is_allowed(rows[i].host, names, 2,
					 (const struct sockaddr *)&local),
			rows[i].is_allowed);
	}
	assert_false(host_name_is_allowed("192.0.2.7", names, 2, NULL));
	memset(longer, 'a', sizeof(longer));
	memcpy(longer + sizeof(longer) - 11, ".localhost", 11);
	assert_false(host_name_is_allowed(longer, names, 2, NULL));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(hosts_are_told_apart)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
