/* SPDX-License-Identifier: BSD-3-Clause */
#include "builder_layer.h"

enum { GRE_CHECKSUM = 0x8000, GRE_ROUTING = 0x4000, GRE_KEY = 0x2000, GRE_SEQUENCE = 0x1000 };

void
builder_udp_header(struct builder *frame, const struct builder_udp *header)
{
	uint8_t *at = layer_add(frame, LAYER_UDP, 8, header->keep);

	store_be16(at, header->src_port);
	store_be16(at + 2, header->dst_port);
	store_be16(at + 4, header->length);
	store_be16(at + 6, header->checksum);
}

void
builder_udp(struct builder *frame, uint16_t src_port, uint16_t dst_port)
{
	builder_udp_header(frame,
		&(struct builder_udp){.src_port = src_port, .dst_port = dst_port});
}

void
builder_gre(struct builder *frame, const struct builder_gre *header)
{
	bool has_sum = header->has_checksum || header->has_routing;
	size_t length = 4 + (has_sum ? 4 : 0) + (header->has_key ? 4 : 0) +
		(header->has_sequence ? 4 : 0);
	uint8_t *at = layer_add(frame, LAYER_GRE, length, header->keep);
	uint16_t bits = header->version & 7;

	bits |= header->has_checksum ? GRE_CHECKSUM : 0;
	bits |= header->has_routing ? GRE_ROUTING : 0;
	bits |= header->has_key ? GRE_KEY : 0;
	bits |= header->has_sequence ? GRE_SEQUENCE : 0;
	store_be16(at, bits);
	store_be16(at + 2, header->protocol);
	at += has_sum ? 8 : 4;
	if (header->has_key) {
		store_be32(at, header->key);
		at += 4;
	}
	if (header->has_sequence)
		store_be32(at, header->sequence);
}

void
builder_erspan(struct builder *frame, unsigned type, uint16_t vlan, uint16_t session)
{
	static const uint8_t lengths[4] = {0, 0, 8, 12};
	uint8_t *at = layer_add(frame, LAYER_ERSPAN, lengths[type & 3], 0);

	layer_name(frame, type == 3 ? 0x22eb : 0x88be, 0);
	if (type < 2)
		return;
	store_be16(at, (uint16_t)((type - 1) << 12 | (vlan & 0xfff)));
	/* type 2: encapsulation 3, the original frame had a tag where there is a VLAN id */
	store_be16(at + 2, (uint16_t)((session & 0x3ff) | (type == 2 && vlan != 0 ? 0x1800 : 0)));
	store_be32(at + 4, type == 2 ? 7 : 0x01020304); /* port index, or time stamp */
}

void
builder_vxlan(struct builder *frame, uint32_t vni)
{
	uint8_t *at = layer_add(frame, LAYER_VXLAN, 8, 0);

	at[0] = 0x08;
	store_be32(at + 4, vni << 8);
}

void
builder_geneve(struct builder *frame, uint32_t vni, const void *options, size_t length)
{
	uint8_t *at = layer_add(frame, LAYER_GENEVE, 8 + length, 0);

	at[0] = (uint8_t)(length / 4);
	store_be32(at + 4, vni << 8);
	if (length > 0)
		memcpy(at + 8, options, length);
}

void
builder_gtpu(struct builder *frame, uint8_t type, uint32_t teid, bool has_extension)
{
	uint8_t *at = layer_add(frame, LAYER_GTPU, has_extension ? 16 : 8, 0);

	at[0] = has_extension ? 0x36 : 0x30; /* version 1, GTP; extension and sequence number */
	at[1] = type;
	store_be32(at + 4, teid);
	if (!has_extension)
		return;
	store_be16(at + 8, 1);
	at[11] = 0x85; /* PDU session container */
	at[12] = 1;    /* in units of 4 bytes; the next type is its last byte */
	at[14] = 9;    /* QoS flow */
}

void
builder_teredo_origin(struct builder *frame)
{
	/* port and address are stored inverted */
	static const uint8_t origin[8] = {0, 0, 0x63, 0xbf, 0x3f, 0xff, 0xfd, 0xf6};

	builder_bytes(frame, origin, sizeof(origin));
}

void
builder_teredo_authentication(struct builder *frame)
{
	static const uint8_t authentication[13] = {0, 1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0};

	builder_bytes(frame, authentication, sizeof(authentication));
}
