/* SPDX-License-Identifier: BSD-3-Clause */
#include "builder_layer.h"

enum {
	KIND_MSS = 2,
	KIND_WSCALE = 3,
	KIND_SACK_OK = 4,
	KIND_SACK = 5,
	KIND_TIMESTAMP = 8,
	KIND_MD5 = 19,
	KIND_AO = 29,
	KIND_MPTCP = 30,
	KIND_FAST_OPEN = 34,
	KIND_EXPERIMENTAL = 254,
};

void
builder_option_byte(struct builder_options *options, uint8_t byte)
{
	if (options->length == BUILDER_OPTIONS_MAX) {
		options->failed = true;
		return;
	}
	options->bytes[options->length++] = byte;
}

void
builder_option(struct builder_options *options, uint8_t kind, uint8_t says, const void *body,
	size_t body_length)
{
	const uint8_t *bytes = body;

	builder_option_byte(options, kind);
	builder_option_byte(options, says);
	for (size_t i = 0; i < body_length; i++)
		builder_option_byte(options, bytes != NULL ? bytes[i] : 0);
}

void
builder_option_mss(struct builder_options *options, uint16_t mss)
{
	uint8_t body[2];

	store_be16(body, mss);
	builder_option(options, KIND_MSS, 4, body, sizeof(body));
}

void
builder_option_wscale(struct builder_options *options, uint8_t shift)
{
	builder_option(options, KIND_WSCALE, 3, &shift, 1);
}

void
builder_option_sack_ok(struct builder_options *options)
{
	builder_option(options, KIND_SACK_OK, 2, NULL, 0);
}

void
builder_option_sack(struct builder_options *options, const uint32_t *edges, unsigned count)
{
	uint8_t body[BUILDER_OPTIONS_MAX];

	if (count > 4) {
		options->failed = true;
		return;
	}
	for (unsigned i = 0; i < 2 * count; i++)
		store_be32(body + 4 * (size_t)i, edges[i]);
	builder_option(options, KIND_SACK, (uint8_t)(2 + 8 * count), body, 8 * (size_t)count);
}

void
builder_option_timestamp(struct builder_options *options, uint32_t value, uint32_t echo)
{
	uint8_t body[8];

	store_be32(body, value);
	store_be32(body + 4, echo);
	builder_option(options, KIND_TIMESTAMP, 10, body, sizeof(body));
}

void
builder_option_fast_open(struct builder_options *options, const void *cookie, size_t length)
{
	builder_option(options, KIND_FAST_OPEN, (uint8_t)(2 + length), cookie, length);
}

void
builder_option_fast_open_experimental(struct builder_options *options, const void *cookie,
	size_t length)
{
	uint8_t body[BUILDER_OPTIONS_MAX] = {0xf9, 0x89};

	if (length > sizeof(body) - 2) {
		options->failed = true;
		return;
	}
	if (length > 0)
		memcpy(body + 2, cookie, length);
	builder_option(options, KIND_EXPERIMENTAL, (uint8_t)(4 + length), body, 2 + length);
}

void
builder_option_md5(struct builder_options *options)
{
	uint8_t body[16];

	memset(body, 0x5a, sizeof(body));
	builder_option(options, KIND_MD5, 18, body, sizeof(body));
}

void
builder_option_ao(struct builder_options *options, uint8_t key_id, uint8_t next_key_id)
{
	uint8_t body[14] = {key_id, next_key_id};

	builder_option(options, KIND_AO, 16, body, sizeof(body));
}

void
builder_option_mptcp(struct builder_options *options, uint8_t subtype, uint8_t length)
{
	uint8_t body[BUILDER_OPTIONS_MAX] = {(uint8_t)(subtype << 4)};

	if (length < 3 || length > BUILDER_OPTIONS_MAX) {
		options->failed = true;
		return;
	}
	builder_option(options, KIND_MPTCP, length, body, length - 2u);
}

void
builder_tcp(struct builder *frame, const struct builder_tcp *header)
{
	const struct builder_options *options = header->options;
	size_t length = 20 + (options != NULL ? (options->length + 3u) / 4 * 4 : 0);
	uint8_t *at = layer_add(frame, LAYER_TCP, length, header->keep);
	uint8_t data_offset = (uint8_t)(length / 4);

	if (header->keep & BUILDER_HEADER)
		data_offset = header->data_offset;
	store_be16(at, header->src_port);
	store_be16(at + 2, header->dst_port);
	store_be32(at + 4, header->seq);
	store_be32(at + 8, header->ack);
	store_be16(at + 12, (uint16_t)(data_offset << 12 | (header->flags & 0xfff)));
	store_be16(at + 14, header->window);
	store_be16(at + 16, header->checksum);
	store_be16(at + 18, header->urgent);
	if (options != NULL) {
		memcpy(at + 20, options->bytes, options->length);
		frame->failed |= options->failed;
	}
	frame->tcp_at = frame->length - (uint32_t)length;
	frame->tcp_flags = header->flags;
}
