/* SPDX-License-Identifier: BSD-3-Clause */
#include "jbr_base.h"

enum { DEPTH_MAX = 62 };

static void
put(struct jbr_json *json, const char *bytes, size_t length)
{
	jbr_buffer_append(json->out, bytes, length);
}

size_t
jbr_utf8_length(const uint8_t *s, size_t left)
{
	uint8_t low = 0x80;
	uint8_t high = 0xbf;
	size_t length;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		length = 2;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		length = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		length = 4;
	else
		return 0;
	if (left < length)
		return 0;
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	if (s[1] < low || s[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

static void
put_escape(struct jbr_json *json, uint8_t c)
{
	static const char hex[] = "0123456789abcdef";
	char text[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

	switch (c) {
	case '"':
		put(json, "\\\"", 2);
		break;
	case '\\':
		put(json, "\\\\", 2);
		break;
	case '\n':
		put(json, "\\n", 2);
		break;
	case '\r':
		put(json, "\\r", 2);
		break;
	case '\t':
		put(json, "\\t", 2);
		break;
	default:
		put(json, text, sizeof(text));
	}
}

static void
put_quoted(struct jbr_json *json, const char *value, size_t length)
{
	const uint8_t *s = (const uint8_t *)value;
	size_t start = 0;
	size_t at = 0;

	put(json, "\"", 1);
	while (at < length) {
		size_t n = jbr_utf8_length(s + at, length - at);

		if (n > 0 && s[at] >= 0x20 && s[at] != '"' && s[at] != '\\' && s[at] != 0x7f) {
			at += n;
			continue;
		}
		put(json, value + start, at - start);
		if (n == 0)
			put(json, "\xef\xbf\xbd", 3);
		else
			put_escape(json, s[at]);
		start = ++at;
	}
	put(json, value + start, at - start);
	put(json, "\"", 1);
}

/* The comma before, and the key of, the value that comes next. */
static void
begin_value(struct jbr_json *json, const char *key)
{
	uint64_t bit = UINT64_C(1) << json->depth;

	if (json->has_member & bit)
		put(json, ",", 1);
	json->has_member |= bit;
	if (key != NULL) {
		put_quoted(json, key, strlen(key));
		put(json, ":", 1);
	}
}

static void
open_level(struct jbr_json *json, const char *key, const char *bracket)
{
	begin_value(json, key);
	put(json, bracket, 1);
	if (json->depth >= DEPTH_MAX) {
		json->out->failed = true;
		return;
	}
	json->depth++;
	json->has_member &= ~(UINT64_C(1) << json->depth);
}

static void
close_level(struct jbr_json *json, const char *bracket)
{
	if (json->depth == 0) {
		json->out->failed = true;
		return;
	}
	json->depth--;
	put(json, bracket, 1);
}

void
jbr_json_init(struct jbr_json *json, struct jbr_buffer *out)
{
	*json = (struct jbr_json){.out = out};
}

void
jbr_json_object_open(struct jbr_json *json, const char *key)
{
	open_level(json, key, "{");
}

void
jbr_json_object_close(struct jbr_json *json)
{
	close_level(json, "}");
}

void
jbr_json_array_open(struct jbr_json *json, const char *key)
{
	open_level(json, key, "[");
}

void
jbr_json_array_close(struct jbr_json *json)
{
	close_level(json, "]");
}

void
jbr_json_string_n(struct jbr_json *json, const char *key, const char *value, size_t length)
{
	begin_value(json, key);
	put_quoted(json, value, length);
}

void
jbr_json_string(struct jbr_json *json, const char *key, const char *value)
{
	if (value == NULL)
		jbr_json_null(json, key);
	else
		jbr_json_string_n(json, key, value, strlen(value));
}

static void
put_uint(struct jbr_json *json, uint64_t value)
{
	char text[20];
	size_t at = sizeof(text);

	do {
		text[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	put(json, text + at, sizeof(text) - at);
}

void
jbr_json_uint(struct jbr_json *json, const char *key, uint64_t value)
{
	begin_value(json, key);
	put_uint(json, value);
}

static uint64_t
magnitude(int64_t value)
{
	return value < 0 ? -(uint64_t)value : (uint64_t)value;
}

void
jbr_json_int(struct jbr_json *json, const char *key, int64_t value)
{
	begin_value(json, key);
	if (value < 0)
		put(json, "-", 1);
	put_uint(json, magnitude(value));
}

void
jbr_json_bool(struct jbr_json *json, const char *key, bool value)
{
	begin_value(json, key);
	put(json, value ? "true" : "false", value ? 4 : 5);
}

void
jbr_json_null(struct jbr_json *json, const char *key)
{
	begin_value(json, key);
	put(json, "null", 4);
}

void
jbr_json_fixed(struct jbr_json *json, const char *key, int64_t numerator, unsigned decimals)
{
	uint64_t value = magnitude(numerator);
	uint64_t scale = 1;
	char digits[18];

	if (decimals < 1 || decimals > sizeof(digits)) {
		json->out->failed = true;
		return;
	}
	for (unsigned i = 0; i < decimals; i++)
		scale *= 10;
	begin_value(json, key);
	if (numerator < 0)
		put(json, "-", 1);
	put_uint(json, value / scale);
	value %= scale;
	for (unsigned i = decimals; i-- > 0; value /= 10)
		digits[i] = (char)('0' + value % 10);
	put(json, ".", 1);
	put(json, digits, decimals);
}
