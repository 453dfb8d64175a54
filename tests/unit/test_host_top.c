/* SPDX-License-Identifier: BSD-3-Clause */
/* The busiest hosts: exact while there are few, and within the stated bound when there are many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "jbr_host.h"

enum { HOSTS = 2000 };

static struct jbr_top_key
key_of(unsigned host)
{
	struct jbr_top_key key = {.ip_version = 4};

	key.address[2] = (uint8_t)(host >> 8);
	key.address[3] = (uint8_t)host;
	return key;
}

static unsigned
host_of(const struct jbr_top_key *key)
{
	return (unsigned)key->address[2] << 8 | key->address[3];
}

static void
few_are_exact(void **state)
{
	struct jbr_top top = {0};
	struct jbr_top_entry list[JBR_TOP_ENTRIES];

	(void)state;
	for (unsigned i = 1; i <= JBR_TOP_ENTRIES; i++) {
		struct jbr_top_key key = key_of(i);

		jbr_top_add(&top, &key, i, i * 10);
		jbr_top_add(&top, &key, 1, i * 10 + 1);
	}
	assert_int_equal(jbr_top_list(&top, list, 3), 3);
	assert_int_equal(host_of(&list[0].key), JBR_TOP_ENTRIES);
	assert_int_equal(list[0].count, JBR_TOP_ENTRIES + 1);
	assert_int_equal(list[0].over, 0);
	assert_int_equal(list[0].last_ns, JBR_TOP_ENTRIES * 10 + 1);
	assert_int_equal(jbr_top_list(&top, list, JBR_TOP_ENTRIES), JBR_TOP_ENTRIES);
	assert_int_equal(list[JBR_TOP_ENTRIES - 1].count, 2);
}

static void
ports_and_versions_differ(void **state)
{
	struct jbr_top top = {0};
	struct jbr_top_entry list[JBR_TOP_ENTRIES];
	struct jbr_top_key key = key_of(7);

	(void)state;
	jbr_top_add(&top, &key, 1, 1);
	key.port = 80;
	jbr_top_add(&top, &key, 1, 1);
	key.ip_version = 6;
	jbr_top_add(&top, &key, 1, 1);
	assert_int_equal(jbr_top_list(&top, list, JBR_TOP_ENTRIES), 3);
}

/* Many hosts with one packet each, and three with a share: those are found, and the bound holds. */
static void
many_keep_the_bound(void **state)
{
	static uint64_t truth[HOSTS];
	struct jbr_top top = {0};
	struct jbr_top_entry list[JBR_TOP_ENTRIES];
	uint32_t random = 12345;
	uint32_t count;

	(void)state;
	for (unsigned i = 0; i < 50000; i++) {
		unsigned host;
		struct jbr_top_key key;

		random = random * 1664525 + 1013904223;
		host = random >> 16 & 7;
		if (host >= 3)
			host = 3 + (random >> 8) % (HOSTS - 3);
		key = key_of(host);
		truth[host]++;
		jbr_top_add(&top, &key, 1, i);
	}
	count = jbr_top_list(&top, list, JBR_TOP_ENTRIES);
	assert_int_equal(count, JBR_TOP_ENTRIES);
	assert_int_equal(top.total, 50000);
	for (uint32_t i = 0; i < count; i++) {
		uint64_t real = truth[host_of(&list[i].key)];

		assert_true(list[i].count >= real);
		assert_true(list[i].count - list[i].over <= real);
		assert_true(i == 0 || list[i - 1].count >= list[i].count);
		assert_true(list[i].over <= top.total / JBR_TOP_ENTRIES);
	}
	for (unsigned i = 0; i < 3; i++)
		assert_true(host_of(&list[i].key) < 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(few_are_exact),
		cmocka_unit_test(ports_and_versions_differ),
		cmocka_unit_test(many_keep_the_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
