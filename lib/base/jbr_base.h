/* SPDX-License-Identifier: BSD-3-Clause */
/** @file jbr_base.h
 * What every room may use: time units, byte loads, hashing, errors as text, growing text, JSON.
 *
 * Owns:    nothing about TCP, packets or configuration.
 * Threads: the inline functions are pure. A struct jbr_buffer or jbr_json has one owner at a time.
 * Memory:  buffers allocate, so they are for control code; the inline functions never do.
 */
#pragma once
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define JBR_NS_PER_US UINT64_C(1000)
#define JBR_NS_PER_MS UINT64_C(1000000)
#define JBR_NS_PER_S UINT64_C(1000000000)

#define JBR_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define JBR_LIKELY(x) __builtin_expect(!!(x), 1)
#define JBR_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define JBR_CACHE_ALIGNED __attribute__((aligned(64)))

/* Big-endian loads from any address; the caller has checked the length. */
static inline uint16_t
jbr_load_be16(const uint8_t *p)
{
	uint16_t v;
	memcpy(&v, p, sizeof(v));
	return __builtin_bswap16(v);
}

static inline uint32_t
jbr_load_be32(const uint8_t *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof(v));
	return __builtin_bswap32(v);
}

static inline uint32_t
jbr_min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static inline uint64_t
jbr_min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t
jbr_max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/** Mix two 64-bit words into one: the two halves of their product, folded. Portable, so that a
 * replay puts every flow into the same shard on every machine. */
static inline uint64_t
jbr_mix64(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;
	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/** Text of what went wrong, for the person who has to mend it: `cannot open '%s': %s`. */
struct jbr_error {
	char text[512];
};

/** Set @p error (may be NULL) and return @p code unchanged, so that a caller can write
 * `return jbr_error_set(error, -errno, "cannot open '%s': %s", path, strerror(errno));`. */
int jbr_error_set(struct jbr_error *error, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** Text that grows. An allocation failure is remembered in @ref failed and the text stops growing:
 * check it once, before the text is used. Initialise with {0}; release with jbr_buffer_fini(). */
struct jbr_buffer {
	char *data; /**< not terminated by a zero byte; NULL while empty */
	size_t length;
	size_t capacity;
	bool failed;
};

/** Append @p length bytes. */
void jbr_buffer_append(struct jbr_buffer *buffer, const void *bytes, size_t length);
/** Append formatted text. */
void jbr_buffer_format(struct jbr_buffer *buffer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/** Append formatted text, the arguments as a list. */
void jbr_buffer_vformat(struct jbr_buffer *buffer, const char *format, va_list args);
/** Make room for @p length more bytes and return where they go; NULL when memory is out. The caller
 * adds what it wrote to @ref length. */
char *jbr_buffer_reserve(struct jbr_buffer *buffer, size_t length);
/** Release the memory; the buffer is empty and usable again. */
void jbr_buffer_fini(struct jbr_buffer *buffer);

/** How many bytes of well-formed UTF-8 (RFC 3629) start at @p s, of which @p left (1 or more) can be read; 0
 * when none do. */
size_t jbr_utf8_length(const uint8_t *s, size_t left);

/** A JSON text being written: commas, quotes and escapes come out right whatever the strings hold
 * (RFC 8259; bytes that are no UTF-8 become U+FFFD). Nesting up to 62 levels; deeper ones are an
 * error of the caller and set @ref jbr_buffer.failed. Compact form, no white space.
 * A NULL key writes an array element (or the top value). */
struct jbr_json {
	struct jbr_buffer *out; /**< receives the text; not owned */
	uint64_t has_member;    /* bit per depth: a member was written, so a comma comes next */
	unsigned depth;
};

/** Start writing into @p out, which may already hold text. */
void jbr_json_init(struct jbr_json *json, struct jbr_buffer *out);
/** Open an object. */
void jbr_json_object_open(struct jbr_json *json, const char *key);
/** Close the innermost object. */
void jbr_json_object_close(struct jbr_json *json);
/** Open an array. */
void jbr_json_array_open(struct jbr_json *json, const char *key);
/** Close the innermost array. */
void jbr_json_array_close(struct jbr_json *json);
/** Write a string; NULL writes null. */
void jbr_json_string(struct jbr_json *json, const char *key, const char *value);
/** Write a string of @p length bytes, zero bytes allowed. */
void jbr_json_string_n(struct jbr_json *json, const char *key, const char *value, size_t length);
/** Write an unsigned number. */
void jbr_json_uint(struct jbr_json *json, const char *key, uint64_t value);
/** Write a signed number. */
void jbr_json_int(struct jbr_json *json, const char *key, int64_t value);
/** Write true or false. */
void jbr_json_bool(struct jbr_json *json, const char *key, bool value);
/** Write null. */
void jbr_json_null(struct jbr_json *json, const char *key);
/** Write @p numerator / 10^@p decimals as a decimal fraction, exactly that many digits after the
 * point (1..18): integer arithmetic, so the text is the same on every machine. */
void jbr_json_fixed(struct jbr_json *json, const char *key, int64_t numerator, unsigned decimals);
