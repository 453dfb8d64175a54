/* SPDX-License-Identifier: BSD-3-Clause */
/* SHA-1, community ids, and the texts of times, addresses and flags. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "event_private.h"

static void
hex_of(const uint8_t digest[JBR_SHA1_SIZE], char text[2 * JBR_SHA1_SIZE + 1])
{
	for (unsigned i = 0; i < JBR_SHA1_SIZE; i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
}

static void
sha1_texts(void **state)
{
	static const struct {
		const char *text;
		const char *digest;
	} rows[] = {
		/* the examples of FIPS 180 */
		{"abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
		{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
			"84983e441c3bd26ebaae4aa1f95129e5e54670f1"},
		{"", "da39a3ee5e6b4b0d3255bfef95601890afd80709"},
	};
	uint8_t digest[JBR_SHA1_SIZE];
	char hex[2 * JBR_SHA1_SIZE + 1];

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(rows); i++) {
		jbr_event_sha1(rows[i].text, strlen(rows[i].text), digest);
		hex_of(digest, hex);
		assert_string_equal(hex, rows[i].digest);
	}
}

/* Lengths round the edges of a block, and FIPS' million. */
static void
sha1_lengths(void **state)
{
	static const struct {
		size_t length;
		const char *digest;
	} rows[] = {
		{55, "c1c8bbdc22796e28c0e15163d20899b65621d65a"},
		{56, "c2db330f6083854c99d4b5bfb6e8f29f201be699"},
		{63, "03f09f5b158a7a8cdad920bddc29b81c18a551f5"},
		{64, "0098ba824b5c16427bd7a1122a5a442a25ec644d"},
		{65, "11655326c708d70319be2610e8a57d9a5b959d3b"},
		{119, "ee971065aaa017e0632a8ca6c77bb3bf8b1dfc56"},
		{120, "f34c1488385346a55709ba056ddd08280dd4c6d6"},
		{128, "ad5b3fdbcb526778c2839d2f151ea753995e26a0"},
		{1000000, "34aa973cd4c4daa4f61eeb2bdbad27316534016f"},
	};
	uint8_t digest[JBR_SHA1_SIZE];
	char hex[2 * JBR_SHA1_SIZE + 1];

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(rows); i++) {
		char *text = malloc(
			rows[i].length); /* exactly, so that a byte too far is noticed */

		assert_non_null(text);
		memset(text, 'a', rows[i].length);
		jbr_event_sha1(text, rows[i].length, digest);
		hex_of(digest, hex);
		assert_string_equal(hex, rows[i].digest);
		free(text);
	}
}

static struct jbr_event_tuple
tuple_of(const char *src, uint16_t src_port, const char *dst, uint16_t dst_port)
{
	bool is_v6 = strchr(src, ':') != NULL;
	struct jbr_event_tuple tuple = {
		.src_port = src_port,
		.dst_port = dst_port,
		.ip_version = is_v6 ? 6 : 4,
	};

	assert_int_equal(inet_pton(is_v6 ? AF_INET6 : AF_INET, src, tuple.src), 1);
	assert_int_equal(inet_pton(is_v6 ? AF_INET6 : AF_INET, dst, tuple.dst), 1);
	return tuple;
}

/* The specification's own values where it has them; the others were computed from its text. */
static void
community_ids(void **state)
{
	static const struct {
		const char *src;
		const char *dst;
		const char *id;
		uint16_t src_port;
		uint16_t dst_port;
	} rows[] = {
		{"1.2.3.4", "5.6.7.8", "1:wCb3OG7yAFWelaUydu0D+125CLM=", 1122, 3344},
		{"128.232.110.120", "66.35.250.204", "1:LQU9qZlK+B5F3KDmev6m5PMibrg=", 34855, 80},
		{"2001:470:e5bf:dead:4957:2174:e82c:4887", "2607:f8b0:400c:c03::1a",
			"1:/qFaeAR+gFe1KYjMzVDsMv+wgU4=", 63943, 25},
		/* one address: the ports decide */
		{"10.0.0.1", "10.0.0.1", "1:veMrQoZMTfvZaXfcXNRhjdZjcGg=", 80, 79},
		/* mapped IPv4 is IPv6, if the packet was */
		{"::ffff:1.2.3.4", "::ffff:5.6.7.8", "1:kjswHTeq4x3jM5Ivt9H7/BGXhOY=", 1122, 3344},
	};
	char text[JBR_COMMUNITY_ID_SIZE];

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(rows); i++) {
		struct jbr_event_tuple there = tuple_of(rows[i].src, rows[i].src_port, rows[i].dst,
			rows[i].dst_port);
		struct jbr_event_tuple back = tuple_of(rows[i].dst, rows[i].dst_port, rows[i].src,
			rows[i].src_port);

		jbr_event_community_id(&there, text);
		assert_string_equal(text, rows[i].id);
		jbr_event_community_id(&back, text);
		assert_string_equal(text, rows[i].id);
	}
}

/* Bytes behind an IPv4 address are no part of it. */
static void
community_id_ignores_rest(void **state)
{
	struct jbr_event_tuple tuple = tuple_of("1.2.3.4", 1122, "5.6.7.8", 3344);
	char text[JBR_COMMUNITY_ID_SIZE];

	(void)state;
	memset(tuple.src + 4, 0xff, 12);
	memset(tuple.dst + 4, 0xee, 12);
	jbr_event_community_id(&tuple, text);
	assert_string_equal(text, "1:wCb3OG7yAFWelaUydu0D+125CLM=");
}

static void
times(void **state)
{
	static const struct {
		uint64_t time_ns;
		const char *text;
	} rows[] = {
		{0, "1970-01-01T00:00:00.000000+0000"},
		{999, "1970-01-01T00:00:00.000000+0000"},
		{1000, "1970-01-01T00:00:00.000001+0000"},
		{UINT64_C(68169599999999999), "1972-02-28T23:59:59.999999+0000"},
		{UINT64_C(68169600000000000), "1972-02-29T00:00:00.000000+0000"},
		{UINT64_C(94694399000000000), "1972-12-31T23:59:59.000000+0000"},
		{UINT64_C(94694400000000000), "1973-01-01T00:00:00.000000+0000"},
		{UINT64_C(951782400000000000), "2000-02-29T00:00:00.000000+0000"},
		{UINT64_C(951868800000000000), "2000-03-01T00:00:00.000000+0000"},
		{UINT64_C(1795456800123456789), "2026-11-23T18:00:00.123456+0000"},
		{UINT64_C(4107542399000000000), "2100-02-28T23:59:59.000000+0000"},
		{UINT64_C(4107542400000000000), "2100-03-01T00:00:00.000000+0000"},
		{UINT64_C(13601087999000000000), "2400-12-31T23:59:59.000000+0000"},
		{UINT64_MAX, "2554-07-21T23:34:33.709551+0000"},
	};
	char text[JBR_TIME_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(rows); i++) {
		jbr_event_time_text(rows[i].time_ns, text);
		assert_string_equal(text, rows[i].text);
	}
}

/* Every day that 64 bits of ns can name comes after the one before it, as the calendar says. */
static void
times_every_day(void **state)
{
	static const unsigned lengths[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	const uint64_t day_ns = 86400 * JBR_NS_PER_S;
	unsigned year = 1970;
	unsigned month = 1;
	unsigned day = 1;
	char text[JBR_TIME_TEXT_SIZE];
	char expected[40];

	(void)state;
	for (uint64_t n = 0; n <= UINT64_MAX / day_ns; n++) {
		bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

		jbr_event_time_text(n * day_ns, text);
		snprintf(expected, sizeof(expected), "%04u-%02u-%02uT00:00:00.000000+0000", year,
			month, day);
		assert_string_equal(text, expected);
		if (++day > lengths[month - 1] + (month == 2 && is_leap)) {
			day = 1;
			month++;
		}
		if (month > 12) {
			month = 1;
			year++;
		}
	}
	assert_int_equal(year, 2554);
}

static void
addresses(void **state)
{
	static const struct {
		const char *given;
		const char *text;
	} rows[] = {
		{"192.0.2.1", "192.0.2.1"},
		{"0.0.0.0", "0.0.0.0"},
		{"2001:0DB8:0:0:0:0:0:1", "2001:db8::1"},
		{"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"}, /* one group is not shortened */
		{"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},          /* the longest run is */
		{"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},    /* of equals the first */
		{"::", "::"},
		{"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
	};
	char text[JBR_ADDRESS_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(rows); i++) {
		struct jbr_event_tuple tuple = tuple_of(rows[i].given, 1, rows[i].given, 2);

		jbr_event_address_text(tuple.src, tuple.ip_version, text);
		assert_string_equal(text, rows[i].text);
	}
}

static void
flags(void **state)
{
	static const struct {
		uint16_t flags;
		const char *text;
	} rows[] = {
		{0, ""},
		{0x002, "S"},
		{0x011, "FA"},
		{0x0ff, "FSRPAUEC"},
		{0x100, "N"},
		{0x200, "X"},
		{0xe02, "SX"},
		{0xffff, "FSRPAUECNX"},
	};
	char text[JBR_FLAGS_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(rows); i++) {
		jbr_event_flags_text(rows[i].flags, text);
		assert_string_equal(text, rows[i].text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha1_texts),
		cmocka_unit_test(sha1_lengths),
		cmocka_unit_test(community_ids),
		cmocka_unit_test(community_id_ignores_rest),
		cmocka_unit_test(times),
		cmocka_unit_test(times_every_day),
		cmocka_unit_test(addresses),
		cmocka_unit_test(flags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
