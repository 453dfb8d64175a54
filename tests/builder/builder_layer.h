/* SPDX-License-Identifier: BSD-3-Clause */
/** @file builder_layer.h
 * Private to the builder: adding a layer to a frame.
 */
#pragma once
#include "builder.h"

enum layer_kind {
	LAYER_ETHERNET,
	LAYER_VLAN,
	LAYER_MPLS,
	LAYER_PPPOE,
	LAYER_SLL,
	LAYER_SLL2,
	LAYER_LOOPBACK_BIG,
	LAYER_LOOPBACK_LITTLE,
	LAYER_ARP,
	LAYER_IPV4,
	LAYER_IPV6,
	LAYER_EXTENSION,
	LAYER_ICMP,
	LAYER_UDP,
	LAYER_GRE,
	LAYER_ERSPAN,
	LAYER_VXLAN,
	LAYER_GENEVE,
	LAYER_GTPU,
	LAYER_TCP,
	LAYER_COUNT
};

/** Add a layer with a header of @p length zero bytes and name it in the layer outside of it.
 * @return the header's bytes; memory that is thrown away when the frame has failed. */
uint8_t *layer_add(struct builder *frame, enum layer_kind kind, size_t length, uint16_t keep);
/** The layer added last says how outer layers name it; call it before the next layer_add(). */
void layer_name(struct builder *frame, uint16_t as_ether, uint8_t as_ip);

static inline void
store_be16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static inline void
store_be32(uint8_t *at, uint32_t value)
{
	store_be16(at, (uint16_t)(value >> 16));
	store_be16(at + 2, (uint16_t)value);
}
