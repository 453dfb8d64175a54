/* SPDX-License-Identifier: BSD-3-Clause */
/* The symmetric hash key is one, and others are not taken for one. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "rss.h"

/* Of the Receive Side Scaling specification; every driver's default. */
static const uint8_t well_known[] = {0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
	0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77,
	0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa};

static void
ours_is_symmetric(void **state)
{
	uint8_t key[RSS_KEY_MAX];

	(void)state;
	for (size_t length = 40; length <= RSS_KEY_MAX; length++) {
		memset(key, 0xff, sizeof(key));
		rss_symmetric_key(key, length);
		assert_true(rss_is_symmetric(key, length));
	}
}

static void
others_are_not(void **state)
{
	uint8_t key[RSS_KEY_MAX];

	(void)state;
	assert_false(rss_is_symmetric(well_known, sizeof(well_known)));
	rss_symmetric_key(key, sizeof(key));
	assert_false(rss_is_symmetric(key, 39));
	/* one bit of the part that IPv6 alone needs */
	key[30] ^= 1;
	assert_false(rss_is_symmetric(key, 40));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ours_is_symmetric),
		cmocka_unit_test(others_are_not),
	};

	return cmocka_run_group_tests_name("rss", tests, NULL, NULL);
}
