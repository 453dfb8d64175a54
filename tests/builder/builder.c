/* SPDX-License-Identifier: BSD-3-Clause */
#include "builder.h"

#include <arpa/inet.h>

#include "builder_layer.h"

enum next_field { NEXT_NONE, NEXT_ETHER, NEXT_IP, NEXT_PPP, NEXT_FAMILY_BIG, NEXT_FAMILY_LITTLE };

enum { PROTOCOL_TCP = 6, PROTOCOL_UDP = 17, PROTOCOL_ICMPV6 = 58, NO_PROTOCOL = 255 };

/* How a kind is named from outside, and where it names what is inside. */
static const struct {
	uint16_t as_ether;
	uint8_t as_ip;
	uint8_t next_field;
	uint8_t next_at;
} kinds[LAYER_COUNT] = {
	[LAYER_ETHERNET] = {0x6558, 143, NEXT_ETHER, 12},
	[LAYER_VLAN] = {0x8100, NO_PROTOCOL, NEXT_ETHER, 2},
	[LAYER_MPLS] = {0x8847, 137, NEXT_NONE, 0},
	[LAYER_PPPOE] = {0x8864, NO_PROTOCOL, NEXT_PPP, 6},
	[LAYER_SLL] = {0, NO_PROTOCOL, NEXT_ETHER, 14},
	[LAYER_SLL2] = {0, NO_PROTOCOL, NEXT_ETHER, 0},
	[LAYER_LOOPBACK_BIG] = {0, NO_PROTOCOL, NEXT_FAMILY_BIG, 0},
	[LAYER_LOOPBACK_LITTLE] = {0, NO_PROTOCOL, NEXT_FAMILY_LITTLE, 0},
	[LAYER_ARP] = {0x0806, NO_PROTOCOL, NEXT_NONE, 0},
	[LAYER_IPV4] = {0x0800, 4, NEXT_IP, 9},
	[LAYER_IPV6] = {0x86dd, 41, NEXT_IP, 6},
	[LAYER_EXTENSION] = {0, NO_PROTOCOL, NEXT_IP, 0},
	[LAYER_ICMP] = {0, NO_PROTOCOL, NEXT_NONE, 0},
	[LAYER_UDP] = {0, PROTOCOL_UDP, NEXT_NONE, 0},
	[LAYER_GRE] = {0, 47, NEXT_ETHER, 2},
	[LAYER_ERSPAN] = {0, NO_PROTOCOL, NEXT_NONE, 0},
	[LAYER_VXLAN] = {0, NO_PROTOCOL, NEXT_NONE, 0},
	[LAYER_GENEVE] = {0, NO_PROTOCOL, NEXT_ETHER, 2},
	[LAYER_GTPU] = {0, NO_PROTOCOL, NEXT_NONE, 0},
	[LAYER_TCP] = {0, PROTOCOL_TCP, NEXT_NONE, 0},
};

struct builder_address
builder_address(const char *text)
{
	struct builder_address address = {0};

	if (inet_pton(AF_INET, text, address.bytes) == 1)
		address.version = 4;
	else if (inet_pton(AF_INET6, text, address.bytes) == 1)
		address.version = 6;
	return address;
}

void
builder_init(struct builder *frame)
{
	frame->length = 0;
	frame->tcp_at = 0;
	frame->tcp_flags = 0;
	frame->layers_count = 0;
	frame->failed = false;
}

static uint8_t *
grow(struct builder *frame, size_t length)
{
	uint8_t *at = frame->data + frame->length;

	if (length > BUILDER_FRAME_MAX - frame->length) {
		frame->failed = true;
		return NULL;
	}
	memset(at, 0, length);
	frame->length += (uint32_t)length;
	return at;
}

void
builder_bytes(struct builder *frame, const void *bytes, size_t length)
{
	uint8_t *at = grow(frame, length);

	if (at != NULL && bytes != NULL)
		memcpy(at, bytes, length);
}

void
builder_pad(struct builder *frame, size_t length)
{
	if (frame->length < length)
		builder_bytes(frame, NULL, length - frame->length);
}

/* Write into @p outer what the layer inside of it is. */
static void
name_next(struct builder *frame, const struct builder_layer *outer,
	const struct builder_layer *inner)
{
	uint8_t *at = frame->data + outer->offset + kinds[outer->kind].next_at;
	bool is_ipv4 = inner->kind == LAYER_IPV4;

	if (outer->keep & BUILDER_TYPE)
		return;
	switch (kinds[outer->kind].next_field) {
	case NEXT_ETHER:
		store_be16(at, inner->as_ether);
		break;
	case NEXT_IP:
		*at = inner->as_ip;
		break;
	case NEXT_PPP:
		store_be16(at, is_ipv4 ? 0x0021 : inner->kind == LAYER_IPV6 ? 0x0057 : 0x0281);
		break;
	case NEXT_FAMILY_BIG:
		store_be32(at, is_ipv4 ? 2 : 24);
		break;
	case NEXT_FAMILY_LITTLE:
		at[0] = is_ipv4 ? 2 : 24;
		break;
	}
}

uint8_t *
layer_add(struct builder *frame, enum layer_kind kind, size_t length, uint16_t keep)
{
	static uint8_t thrown_away[BUILDER_FRAME_MAX];
	uint8_t *at = grow(frame, length);
	struct builder_layer *layer = &frame->layers[frame->layers_count];

	if (at == NULL || frame->layers_count == BUILDER_LAYERS_MAX) {
		frame->failed = true;
		return thrown_away;
	}
	layer->offset = frame->length - (uint32_t)length;
	layer->length = (uint16_t)length;
	layer->keep = keep;
	layer->as_ether = kinds[kind].as_ether;
	layer->as_ip = kinds[kind].as_ip;
	layer->kind = (uint8_t)kind;
	if (frame->layers_count > 0)
		name_next(frame, layer - 1, layer);
	frame->layers_count++;
	return at;
}

void
layer_name(struct builder *frame, uint16_t as_ether, uint8_t as_ip)
{
	struct builder_layer *layer;

	if (frame->failed)
		return;
	layer = &frame->layers[frame->layers_count - 1];
	layer->as_ether = as_ether;
	layer->as_ip = as_ip;
	if (frame->layers_count > 1)
		name_next(frame, layer - 1, layer);
}

uint16_t
builder_sum(uint32_t sum, const uint8_t *bytes, size_t length)
{
	uint64_t total = sum;

	for (size_t i = 0; i + 1 < length; i += 2)
		total += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	if (length % 2 != 0)
		total += (uint32_t)bytes[length - 1] << 8;
	while (total > 0xffff)
		total = (total >> 16) + (total & 0xffff);
	return (uint16_t)total;
}

/* The sum of the pseudo-header of the IP layer around layer @p index; 0 where there is none. */
static uint16_t
pseudo_sum(const struct builder *frame, unsigned index, uint8_t protocol, uint32_t length)
{
	uint32_t sum = protocol + (length >> 16) + (length & 0xffff);

	while (index-- > 0) {
		const struct builder_layer *layer = &frame->layers[index];
		const uint8_t *at = frame->data + layer->offset;

		if (layer->kind == LAYER_IPV4)
			return builder_sum(sum, at + 12, 8);
		if (layer->kind == LAYER_IPV6)
			return builder_sum(sum, at + 8, 32);
	}
	return 0;
}

/* Complete the checksum at @p field of layer @p index, which covers @p length bytes from its header;
 * @p pseudo is the sum of what stands outside. */
static void
finish_checksum(struct builder *frame, unsigned index, size_t field, uint16_t pseudo,
	uint32_t length)
{
	const struct builder_layer *layer = &frame->layers[index];
	uint8_t *at = frame->data + layer->offset;
	uint16_t checksum;

	if (layer->keep & BUILDER_CHECKSUM)
		return;
	store_be16(at + field, 0);
	checksum = (uint16_t)~builder_sum(pseudo, at, length);
	if (layer->keep & BUILDER_CHECKSUM_PARTIAL)
		checksum = pseudo;
	if (layer->kind == LAYER_UDP && checksum == 0)
		checksum = 0xffff;
	if (layer->keep & BUILDER_CHECKSUM_WRONG)
		checksum ^= 0x0100;
	store_be16(at + field, checksum);
}

static bool
is_in_ipv6(const struct builder *frame, unsigned index)
{
	while (index-- > 0) {
		if (frame->layers[index].kind == LAYER_IPV6)
			return true;
		if (frame->layers[index].kind == LAYER_IPV4)
			return false;
	}
	return false;
}

/* Complete layer @p index; everything inside of it is complete. */
static void
finish_layer(struct builder *frame, unsigned index)
{
	const struct builder_layer *layer = &frame->layers[index];
	uint8_t *at = frame->data + layer->offset;
	uint32_t size = frame->length - layer->offset;
	bool has_length = !(layer->keep & BUILDER_LENGTH);
	uint8_t protocol = layer->as_ip;

	switch (layer->kind) {
	case LAYER_MPLS:
		if (index + 1 == frame->layers_count || layer[1].kind != LAYER_MPLS)
			at[2] |= 1;
		break;
	case LAYER_PPPOE:
		store_be16(at + 4, (uint16_t)(size - 6));
		break;
	case LAYER_IPV4:
		if (has_length)
			store_be16(at + 2, (uint16_t)size);
		finish_checksum(frame, index, 10, 0, layer->length);
		break;
	case LAYER_IPV6:
		if (has_length)
			store_be16(at + 4, (uint16_t)(size - 40));
		break;
	case LAYER_ICMP:
		protocol = is_in_ipv6(frame, index) ? PROTOCOL_ICMPV6 : 0;
		finish_checksum(frame, index, 2,
			protocol != 0 ? pseudo_sum(frame, index, protocol, size) : 0, size);
		break;
	case LAYER_UDP:
		if (has_length)
			store_be16(at + 4, (uint16_t)size);
		finish_checksum(frame, index, 6, pseudo_sum(frame, index, protocol, size), size);
		break;
	case LAYER_GRE:
		if (at[0] & 0x80)
			finish_checksum(frame, index, 4, 0, size);
		break;
	case LAYER_GTPU:
		store_be16(at + 2, (uint16_t)(size - 8));
		break;
	case LAYER_TCP:
		finish_checksum(frame, index, 16, pseudo_sum(frame, index, protocol, size), size);
		break;
	}
}

void
builder_finish(struct builder *frame)
{
	for (unsigned i = frame->layers_count; i-- > 0;)
		finish_layer(frame, i);
}
