/* SPDX-License-Identifier: BSD-3-Clause */
#include "event_private.h"

enum { PROTOCOL_TCP = 6 };

static void
put_base64(const uint8_t digest[JBR_SHA1_SIZE], char *to)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (unsigned i = 0; i < JBR_SHA1_SIZE; i += 3) {
		bool has_third = i + 2 < JBR_SHA1_SIZE; /* 20 bytes: the last group has two */
		uint32_t group = (uint32_t)digest[i] << 16 | (uint32_t)digest[i + 1] << 8 |
			(has_third ? digest[i + 2] : 0u);

		*to++ = digits[group >> 18];
		*to++ = digits[group >> 12 & 63];
		*to++ = digits[group >> 6 & 63];
		*to++ = '=';
		if (has_third)
			to[-1] = digits[group & 63];
	}
	*to = '\0';
}

static uint8_t *
put_bytes(uint8_t *to, const void *bytes, size_t length)
{
	memcpy(to, bytes, length);
	return to + length;
}

static uint8_t *
put_be16(uint8_t *to, uint16_t value)
{
	const uint8_t bytes[2] = {(uint8_t)(value >> 8), (uint8_t)value};

	return put_bytes(to, bytes, sizeof(bytes));
}

void
jbr_event_community_id(const struct jbr_event_tuple *tuple, char ret_text[JBR_COMMUNITY_ID_SIZE])
{
	static const uint8_t seed[2] = {0, 0};
	static const uint8_t protocol_padded[2] = {PROTOCOL_TCP, 0};
	size_t size = tuple->ip_version == 6 ? 16 : 4;
	int order = memcmp(tuple->src, tuple->dst, size);
	bool is_forward = order < 0 || (order == 0 && tuple->src_port < tuple->dst_port);
	uint8_t message[sizeof(seed) + 2 * 16 + sizeof(protocol_padded) + 2 * sizeof(uint16_t)];
	uint8_t digest[JBR_SHA1_SIZE];
	uint8_t *at = message;

	/* the smaller end first, so that both directions give the same id */
	at = put_bytes(at, seed, sizeof(seed));
	at = put_bytes(at, is_forward ? tuple->src : tuple->dst, size);
	at = put_bytes(at, is_forward ? tuple->dst : tuple->src, size);
	at = put_bytes(at, protocol_padded, sizeof(protocol_padded));
	at = put_be16(at, is_forward ? tuple->src_port : tuple->dst_port);
	at = put_be16(at, is_forward ? tuple->dst_port : tuple->src_port);
	jbr_event_sha1(message, (size_t)(at - message), digest);
	memcpy(ret_text, "1:", 2);
	put_base64(digest, ret_text + 2);
}
