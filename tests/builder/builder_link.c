/* SPDX-License-Identifier: BSD-3-Clause */
#include "builder_layer.h"

static const uint8_t mac_dst[6] = {2, 0, 0, 0, 0, 1};
static const uint8_t mac_src[6] = {2, 0, 0, 0, 0, 2};

void
builder_ethernet(struct builder *frame, const uint8_t *dst, const uint8_t *src)
{
	uint8_t *at = layer_add(frame, LAYER_ETHERNET, 14, 0);

	memcpy(at, dst != NULL ? dst : mac_dst, 6);
	memcpy(at + 6, src != NULL ? src : mac_src, 6);
}

void
builder_ethernet_type(struct builder *frame, uint16_t type)
{
	uint8_t *at = layer_add(frame, LAYER_ETHERNET, 14, BUILDER_TYPE);

	memcpy(at, mac_dst, 6);
	memcpy(at + 6, mac_src, 6);
	store_be16(at + 12, type);
}

void
builder_vlan(struct builder *frame, uint16_t tpid, uint16_t tci)
{
	uint8_t *at = layer_add(frame, LAYER_VLAN, 4, 0);

	store_be16(at, tci);
	layer_name(frame, tpid, 0);
}

void
builder_mpls(struct builder *frame, uint32_t label, uint8_t ttl)
{
	store_be32(layer_add(frame, LAYER_MPLS, 4, 0), label << 12 | ttl);
}

void
builder_pppoe(struct builder *frame, uint16_t session)
{
	uint8_t *at = layer_add(frame, LAYER_PPPOE, 8, 0);

	at[0] = 0x11; /* version 1, type 1; code 0: session data */
	store_be16(at + 2, session);
}

void
builder_sll(struct builder *frame, unsigned version)
{
	uint8_t *at;

	if (version == 1) {
		at = layer_add(frame, LAYER_SLL, 16, 0);
		store_be16(at + 2, 1); /* ARPHRD_ETHER */
		store_be16(at + 4, 6);
		memcpy(at + 6, mac_src, 6);
	} else {
		at = layer_add(frame, LAYER_SLL2, 20, 0);
		store_be32(at + 4, 2); /* interface index */
		store_be16(at + 8, 1);
		at[11] = 6;
		memcpy(at + 12, mac_src, 6);
	}
}

void
builder_loopback(struct builder *frame, bool big_endian)
{
	layer_add(frame, big_endian ? LAYER_LOOPBACK_BIG : LAYER_LOOPBACK_LITTLE, 4, 0);
}

void
builder_arp(struct builder *frame, const char *sender, const char *target)
{
	uint8_t *at = layer_add(frame, LAYER_ARP, 28, 0);

	store_be16(at, 1);
	store_be16(at + 2, 0x0800);
	at[4] = 6;
	at[5] = 4;
	store_be16(at + 6, 1);
	memcpy(at + 8, mac_src, 6);
	memcpy(at + 14, builder_address(sender).bytes, 4);
	memcpy(at + 24, builder_address(target).bytes, 4);
}
