/* SPDX-License-Identifier: BSD-3-Clause */
#include "text.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <wchar.h>

struct text
text_count(uint64_t value)
{
	struct text text;
	char digits[24];
	size_t length = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, value);
	char *to = text.at;

	for (size_t i = 0; i < length; i++) {
		if (i > 0 && (length - i) % 3 == 0)
			*to++ = ',';
		*to++ = digits[i];
	}
	*to = '\0';
	return text;
}

struct text
text_short(double value)
{
	static const char *const marks[] = {"", " k", " M", " G", " T", " P"};
	struct text text;
	unsigned mark = 0;

	if (value < 0)
		value = 0;
	/* 999.95 would be written 1000 */
	while (value >= 999.5 && mark + 1 < JBR_COUNT_OF(marks)) {
		value /= 1000;
		mark++;
	}
	if (mark == 0 && (value >= 99.95 || value == (double)(uint64_t)value))
		snprintf(text.at, sizeof(text.at), "%.0f", value);
	else
		snprintf(text.at, sizeof(text.at), "%.*f%s",
			value < 9.995           ? 2
				: value < 99.95 ? 1
						: 0,
			value, marks[mark]);
	return text;
}

struct text
text_rate(double value)
{
	struct text text = text_short(value);

	memcpy(text.at + strlen(text.at), "/s", 3);
	return text;
}

struct text
text_percent(double part, double whole)
{
	struct text text;
	double percent = whole > 0 ? 100 * part / whole : 0;

	if (percent <= 0)
		snprintf(text.at, sizeof(text.at), "0 %%");
	else if (percent < 0.001)
		snprintf(text.at, sizeof(text.at), "< 0.001 %%");
	else
		snprintf(text.at, sizeof(text.at), "%.*f %%",
			percent < 0.1          ? 3
				: percent < 10 ? 2
					       : 1,
			percent);
	return text;
}

struct text
text_duration(uint64_t ns)
{
	uint64_t s = ns / JBR_NS_PER_S;
	struct text text;

	if (ns < JBR_NS_PER_S)
		snprintf(text.at, sizeof(text.at), "%" PRIu64 " ms", ns / JBR_NS_PER_MS);
	else if (s < 10)
		snprintf(text.at, sizeof(text.at), "%" PRIu64 ".%" PRIu64 " s", s,
			ns / (JBR_NS_PER_S / 10) % 10);
	else if (s < 60)
		snprintf(text.at, sizeof(text.at), "%" PRIu64 " s", s);
	else if (s < 3600)
		snprintf(text.at, sizeof(text.at), "%" PRIu64 " min %" PRIu64 " s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(text.at, sizeof(text.at), "%" PRIu64 " h %" PRIu64 " min", s / 3600,
			s / 60 % 60);
	else
		snprintf(text.at, sizeof(text.at), "%" PRIu64 " d %" PRIu64 " h", s / 86400,
			s / 3600 % 24);
	return text;
}

static struct text
time_as(uint64_t time_ns, const char *format)
{
	time_t seconds = (time_t)(time_ns / JBR_NS_PER_S);
	struct text text = {"?"};
	struct tm parts;

	if (localtime_r(&seconds, &parts) != NULL)
		strftime(text.at, sizeof(text.at), format, &parts);
	return text;
}

struct text
text_time(uint64_t time_ns)
{
	return time_as(time_ns, "%Y-%m-%d %H:%M:%S");
}

struct text
text_clock(uint64_t time_ns)
{
	struct text text = time_as(time_ns, "%H:%M:%S");
	size_t length = strlen(text.at);

	snprintf(text.at + length, sizeof(text.at) - length, ".%03u",
		(unsigned)(time_ns / JBR_NS_PER_MS % 1000));
	return text;
}

struct text
text_scaled(int64_t value, unsigned digits)
{
	uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
	struct text text;
	uint64_t one = 1;
	size_t length;

	for (unsigned i = 0; i < digits && i < 18; i++)
		one *= 10;
	length = (size_t)snprintf(text.at, sizeof(text.at), "%s%" PRIu64, value < 0 ? "-" : "",
		size / one);
	if (size % one == 0)
		return text;
	length += (size_t)snprintf(text.at + length, sizeof(text.at) - length, ".%0*" PRIu64,
		(int)digits, size % one);
	while (text.at[length - 1] == '0')
		text.at[--length] = '\0';
	return text;
}

/* The character at @p text: its bytes and columns. What is no text takes a byte and a column. */
static size_t
step(const char *text, unsigned *ret_columns)
{
	wchar_t character;
	mbstate_t state = {0};
	size_t length = mbrtowc(&character, text, strlen(text), &state);
	int width = length > 0 && length < (size_t)-2 ? wcwidth(character) : -1;

	*ret_columns = width < 0 ? 1 : (unsigned)width;
	return length == 0 || length >= (size_t)-2 ? 1 : length;
}

unsigned
text_width(const char *text)
{
	unsigned columns = 0;

	while (*text != '\0') {
		unsigned width;

		text += step(text, &width);
		columns += width;
	}
	return columns;
}

size_t
text_fit(const char *text, unsigned columns)
{
	size_t length = 0;

	while (text[length] != '\0') {
		unsigned width;
		size_t bytes = step(text + length, &width);

		if (width > columns)
			break;
		columns -= width;
		length += bytes;
	}
	return length;
}
