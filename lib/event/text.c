/* SPDX-License-Identifier: BSD-3-Clause */
#include "event_private.h"

#include <arpa/inet.h>

enum { SECONDS_A_DAY = 86400 };

struct date {
	unsigned year;
	unsigned month; /* from 1 */
	unsigned day;   /* from 1 */
};

/* Counted from 1601-01-01, when a cycle of 400 years began: there the leap day of a cycle and of
 * four years is the last day, which is what the limits to 3 are for. */
static struct date
date_of(uint64_t days_since_1970)
{
	enum { DAYS_FROM_1601 = 134774, DAYS_400 = 146097, DAYS_100 = 36524, DAYS_4 = 1461 };
	static const uint8_t month_days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	unsigned left = (unsigned)(days_since_1970 + DAYS_FROM_1601);
	unsigned cycles = left / DAYS_400;
	unsigned centuries;
	unsigned fours;
	unsigned years;
	unsigned month = 0;
	bool is_leap;

	left %= DAYS_400;
	centuries = jbr_min_u32(left / DAYS_100, 3);
	left -= centuries * DAYS_100;
	fours = left / DAYS_4;
	left %= DAYS_4;
	years = jbr_min_u32(left / 365, 3);
	left -= years * 365;
	is_leap = years == 3 && (fours != 24 || centuries == 3);
	for (; month < 11; month++) {
		unsigned length = month_days[month] + (month == 1 && is_leap);

		if (left < length)
			break;
		left -= length;
	}
	return (struct date){1601 + 400 * cycles + 100 * centuries + 4 * fours + years, month + 1,
		left + 1};
}

static char *
put_digits(char *to, unsigned value, unsigned count, char after)
{
	for (unsigned i = count; i-- > 0; value /= 10)
		to[i] = (char)('0' + value % 10);
	to[count] = after;
	return to + count + 1;
}

void
jbr_event_time_text(uint64_t time_ns, char ret_text[JBR_TIME_TEXT_SIZE])
{
	uint64_t seconds = time_ns / JBR_NS_PER_S;
	unsigned us = (unsigned)(time_ns % JBR_NS_PER_S / JBR_NS_PER_US);
	unsigned second = (unsigned)(seconds % SECONDS_A_DAY);
	struct date date = date_of(seconds / SECONDS_A_DAY);
	char *at = ret_text;

	at = put_digits(at, date.year, 4, '-');
	at = put_digits(at, date.month, 2, '-');
	at = put_digits(at, date.day, 2, 'T');
	at = put_digits(at, second / 3600, 2, ':');
	at = put_digits(at, second / 60 % 60, 2, ':');
	at = put_digits(at, second % 60, 2, '.');
	at = put_digits(at, us, 6, '+');
	memcpy(at, "0000", 5);
}

void
jbr_event_address_text(const uint8_t address[16], uint8_t ip_version,
	char ret_text[JBR_ADDRESS_TEXT_SIZE])
{
	ret_text[0] = '\0';
	inet_ntop(ip_version == 6 ? AF_INET6 : AF_INET, address, ret_text, JBR_ADDRESS_TEXT_SIZE);
}

void
jbr_event_flags_text(uint16_t flags, char ret_text[JBR_FLAGS_TEXT_SIZE])
{
	static const char letters[] = "FSRPAUECN";
	const uint16_t reserved = 0xe00;
	char *at = ret_text;

	for (unsigned i = 0; i < sizeof(letters) - 1; i++)
		if (flags & 1u << i)
			*at++ = letters[i];
	if (flags & reserved)
		*at++ = 'X';
	*at = '\0';
}
