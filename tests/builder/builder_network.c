/* SPDX-License-Identifier: BSD-3-Clause */
#include "builder_layer.h"

enum { DEFAULT_TTL = 64, MORE_FRAGMENTS = 0x2000, DO_NOT_FRAGMENT = 0x4000, RESERVED = 0x8000 };

static uint8_t
ttl_of(uint8_t ttl, uint16_t keep)
{
	return ttl == 0 && !(keep & BUILDER_TTL) ? DEFAULT_TTL : ttl;
}

void
builder_ipv4(struct builder *frame, const struct builder_ipv4 *header)
{
	size_t length = 20 + (header->options_length + 3u) / 4 * 4;
	uint8_t *at = layer_add(frame, LAYER_IPV4, length, header->keep);
	uint8_t ihl = header->keep & BUILDER_HEADER ? header->ihl : (uint8_t)(length / 4);
	uint8_t version = header->keep & BUILDER_VERSION ? header->version : 4;
	uint16_t fragment = header->fragment_offset / 8;

	fragment |= header->more_fragments ? MORE_FRAGMENTS : 0;
	fragment |= header->do_not_fragment ? DO_NOT_FRAGMENT : 0;
	fragment |= header->reserved_flag ? RESERVED : 0;
	at[0] = (uint8_t)(version << 4 | (ihl & 0x0f));
	at[1] = header->tos;
	store_be16(at + 2, header->total_length);
	store_be16(at + 4, header->id);
	store_be16(at + 6, fragment);
	at[8] = ttl_of(header->ttl, header->keep);
	at[9] = header->protocol;
	store_be16(at + 10, header->checksum);
	memcpy(at + 12, header->src.bytes, 4);
	memcpy(at + 16, header->dst.bytes, 4);
	if (header->options_length > 0)
		memcpy(at + 20, header->options, header->options_length);
}

void
builder_ipv6(struct builder *frame, const struct builder_ipv6 *header)
{
	uint8_t *at = layer_add(frame, LAYER_IPV6, 40, header->keep);
	uint32_t version = header->keep & BUILDER_VERSION ? header->version : 6;

	store_be32(at,
		version << 28 | (uint32_t)header->traffic_class << 20 |
			(header->flow_label & 0xfffff));
	store_be16(at + 4, header->payload_length);
	at[6] = header->keep & BUILDER_TYPE ? header->next_header : 59; /* no next header */
	at[7] = ttl_of(header->hop_limit, header->keep);
	memcpy(at + 8, header->src.bytes, 16);
	memcpy(at + 24, header->dst.bytes, 16);
}

void
builder_ip(struct builder *frame, const char *src, const char *dst)
{
	struct builder_address from = builder_address(src);
	struct builder_address to = builder_address(dst);

	if (from.version == 0 || from.version != to.version)
		frame->failed = true;
	if (from.version == 6)
		builder_ipv6(frame, &(struct builder_ipv6){.src = from, .dst = to});
	else
		builder_ipv4(frame, &(struct builder_ipv4){.src = from, .dst = to, .id = 1});
}

void
builder_ipv6_extension(struct builder *frame, uint8_t protocol, const void *body, size_t length)
{
	size_t whole = (length + 2 + 7) / 8 * 8;
	uint8_t *at = layer_add(frame, LAYER_EXTENSION, whole, 0);

	layer_name(frame, 0, protocol);
	at[0] = 59;
	at[1] = (uint8_t)(protocol == BUILDER_AUTHENTICATION ? whole / 4 - 2 : whole / 8 - 1);
	if (body != NULL)
		memcpy(at + 2, body, length);
}

void
builder_ipv6_fragment(struct builder *frame, uint16_t offset, bool more, uint32_t id)
{
	uint8_t *at = layer_add(frame, LAYER_EXTENSION, 8, 0);

	layer_name(frame, 0, BUILDER_FRAGMENT);
	at[0] = 59;
	store_be16(at + 2, (uint16_t)((offset & 0xfff8) | more));
	store_be32(at + 4, id);
}

void
builder_icmp(struct builder *frame, const struct builder_icmp *header)
{
	const struct builder_layer *outer = frame->layers_count > 0
		? &frame->layers[frame->layers_count - 1]
		: NULL;
	bool is_v4 = outer == NULL || outer->kind == LAYER_IPV4;
	uint8_t *at = layer_add(frame, LAYER_ICMP, 8, header->keep);

	layer_name(frame, 0, is_v4 ? 1 : 58);
	at[0] = header->type;
	at[1] = header->code;
	store_be16(at + 2, header->checksum);
	store_be32(at + 4, header->rest);
}

/* The outermost IP layer, or NULL. */
static const struct builder_layer *
find_ip(const struct builder *frame)
{
	for (unsigned i = 0; i < frame->layers_count; i++)
		if (frame->layers[i].kind == LAYER_IPV4 || frame->layers[i].kind == LAYER_IPV6)
			return &frame->layers[i];
	return NULL;
}

void
builder_quote(struct builder *frame, const struct builder *frame_quoted, size_t length)
{
	const struct builder_layer *ip = find_ip(frame_quoted);

	if (ip == NULL || length > frame_quoted->length - ip->offset) {
		frame->failed = true;
		return;
	}
	builder_bytes(frame, frame_quoted->data + ip->offset, length);
}

/* The headers of the whole frame, made into those of a fragment; nothing after the IP header. */
static void
fragment_header(struct builder *fragment, const struct builder_layer *ip, uint32_t from, bool more)
{
	uint8_t *at = fragment->data + ip->offset;
	uint8_t next;

	if (ip->kind == LAYER_IPV4) {
		uint16_t field = (uint16_t)(jbr_load_be16(at + 6) & RESERVED);

		store_be16(at + 6, (uint16_t)(field | from / 8 | (more ? MORE_FRAGMENTS : 0)));
		return;
	}
	next = at[6];
	builder_ipv6_fragment(fragment, (uint16_t)from, more, 0x1234abcd);
	fragment->data[ip->offset + 40] = next;
}

void
builder_cut_fragment(struct builder *ret_fragment, const struct builder *whole, uint32_t from,
	uint32_t length)
{
	const struct builder_layer *ip = find_ip(whole);
	uint32_t payload_at;
	uint32_t tcp_in_payload;

	*ret_fragment = *whole;
	if (ip == NULL || from + length > whole->length - ip->offset - ip->length) {
		ret_fragment->failed = true;
		return;
	}
	payload_at = ip->offset + ip->length;
	ret_fragment->layers_count = (uint8_t)(ip - whole->layers + 1);
	ret_fragment->length = payload_at;
	fragment_header(ret_fragment, ip, from, payload_at + from + length < whole->length);
	tcp_in_payload = whole->tcp_at - payload_at;
	if (whole->tcp_at == 0 || from > 0 || tcp_in_payload + 20 > length)
		ret_fragment->tcp_at = 0;
	else
		ret_fragment->tcp_at = ret_fragment->length + tcp_in_payload;
	builder_bytes(ret_fragment, whole->data + payload_at + from, length);
	builder_finish(ret_fragment);
}
