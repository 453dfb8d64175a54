/* SPDX-License-Identifier: BSD-3-Clause */
#include "parser.h"

enum {
	SLL_SIZE = 16,
	SLL2_SIZE = 20,
	LOOPBACK_SIZE = 4,
	VLAN_SIZE = 4,
	VLAN_ID_MASK = 0xfff,
	LLC_SNAP_SIZE = 8,
	MPLS_SIZE = 4,
	CONTROL_WORD_SIZE = 4,
	PPPOE_SIZE = 6,
	PPPOE_VERSION_TYPE = 0x11,
	PPP_IPV4 = 0x0021,
	PPP_IPV6 = 0x0057,
	HARDWARE_NETLINK = 824, /* its "protocol" is a netlink family */
};

/* The address families of BSD loopback that are IP; IPv6 has another number on every system. */
static enum jbr_step
step_of_family(struct jbr_parser *p, uint32_t family)
{
	switch (family) {
	case 2:
		return JBR_STEP_IPV4;
	case 10: /* Linux */
	case 24: /* NetBSD, OpenBSD */
	case 28: /* FreeBSD */
	case 30: /* macOS */
		return JBR_STEP_IPV6;
	default:
		return jbr_parser_stop(p, JBR_NOT_ANALYSED_NON_IP);
	}
}

static enum jbr_step
parse_loopback(struct jbr_parser *p, bool is_host_order)
{
	uint32_t family;

	if (!jbr_parser_has(p, LOOPBACK_SIZE))
		return jbr_parser_short(p, LOOPBACK_SIZE, JBR_NOT_ANALYSED_MALFORMED_LINK);
	family = jbr_load_be32(p->data + p->at);
	/* families are small: the half that is set tells the capturing host's byte order */
	if (is_host_order && family > UINT16_MAX)
		family = __builtin_bswap32(family);
	p->at += LOOPBACK_SIZE;
	return step_of_family(p, family);
}

/* Where the fields of the two Linux cooked headers stand. */
struct cooked {
	uint8_t size, protocol, hardware, address_length, address;
};

static enum jbr_step
parse_cooked(struct jbr_parser *p, const struct cooked *form)
{
	const uint8_t *header = p->data + p->at;

	if (!jbr_parser_has(p, form->size))
		return jbr_parser_short(p, form->size, JBR_NOT_ANALYSED_MALFORMED_LINK);
	if (jbr_load_be16(header + form->hardware) == HARDWARE_NETLINK)
		return jbr_parser_stop(p, JBR_NOT_ANALYSED_NON_IP);
	/* the length's low byte is enough in both forms: only 6 is used */
	if (header[form->address_length] == sizeof(p->packet->link_src)) {
		p->packet->has_link_src = true;
		memcpy(p->packet->link_src, header + form->address, sizeof(p->packet->link_src));
	}
	p->ethertype = jbr_load_be16(header + form->protocol);
	p->at += form->size;
	return JBR_STEP_ETHERTYPE;
}

enum jbr_step
jbr_parse_link(struct jbr_parser *p)
{
	static const struct cooked sll = {SLL_SIZE, 14, 2, 5, 6};
	static const struct cooked sll2 = {SLL2_SIZE, 0, 8, 11, 12};

	switch (p->frame->link) {
	case JBR_LINK_ETHERNET:
		return JBR_STEP_ETHERNET;
	case JBR_LINK_RAW_IP:
		return JBR_STEP_IP;
	case JBR_LINK_SLL:
		return parse_cooked(p, &sll);
	case JBR_LINK_SLL2:
		return parse_cooked(p, &sll2);
	case JBR_LINK_NULL:
		return parse_loopback(p, true);
	case JBR_LINK_LOOP:
		return parse_loopback(p, false);
	default:
		return jbr_parser_stop(p, JBR_NOT_ANALYSED_UNKNOWN_LINK);
	}
}

/* An 802.3 length field: IP is behind it only under an LLC/SNAP header with OUI 0 (RFC 1042). */
static enum jbr_step
parse_llc(struct jbr_parser *p)
{
	static const uint8_t snap[6] = {0xaa, 0xaa, 0x03, 0, 0, 0};

	if (!jbr_parser_has(p, LLC_SNAP_SIZE))
		return jbr_parser_short(p, LLC_SNAP_SIZE, JBR_NOT_ANALYSED_NON_IP);
	if (memcmp(p->data + p->at, snap, sizeof(snap)) != 0)
		return jbr_parser_stop(p, JBR_NOT_ANALYSED_NON_IP);
	p->ethertype = jbr_load_be16(p->data + p->at + sizeof(snap));
	p->at += LLC_SNAP_SIZE;
	/* a length again would be LLC in LLC, which nobody sends */
	if (p->ethertype < JBR_ETHERTYPE_SMALLEST)
		return jbr_parser_stop(p, JBR_NOT_ANALYSED_NON_IP);
	return JBR_STEP_ETHERTYPE;
}

enum jbr_step
jbr_parse_ethernet(struct jbr_parser *p)
{
	const uint8_t *header = p->data + p->at;

	if (!jbr_parser_has(p, JBR_ETHERNET_SIZE))
		return jbr_parser_short(p, JBR_ETHERNET_SIZE, JBR_NOT_ANALYSED_MALFORMED_LINK);
	/* inside a tunnel this replaces the outer address, as the inner IP header does */
	p->packet->has_link_src = true;
	memcpy(p->packet->link_src, header + 6, sizeof(p->packet->link_src));
	p->ethertype = jbr_load_be16(header + 12);
	p->at += JBR_ETHERNET_SIZE;
	return JBR_STEP_ETHERTYPE;
}

static enum jbr_step
parse_vlan(struct jbr_parser *p)
{
	const uint8_t *header = p->data + p->at;

	if (!jbr_parser_enter(p, p->tags == 0 ? JBR_LAYER_VLAN : JBR_LAYER_QINQ))
		return JBR_STEP_DONE;
	if (!jbr_parser_has(p, VLAN_SIZE))
		return jbr_parser_short(p, VLAN_SIZE, JBR_NOT_ANALYSED_MALFORMED_LINK);
	if (p->tags < JBR_COUNT_OF(p->packet->vlan))
		p->packet->vlan[p->tags++] = jbr_load_be16(header) & VLAN_ID_MASK;
	p->ethertype = jbr_load_be16(header + 2);
	p->at += VLAN_SIZE;
	return JBR_STEP_ETHERTYPE;
}

static bool
is_known_ethertype(uint16_t type)
{
	switch (type) {
	case JBR_ETHERTYPE_IPV4:
	case JBR_ETHERTYPE_IPV6:
	case JBR_ETHERTYPE_ARP:
	case JBR_ETHERTYPE_VLAN:
	case JBR_ETHERTYPE_QINQ:
	case JBR_ETHERTYPE_QINQ_OLD:
	case JBR_ETHERTYPE_MPLS:
	case JBR_ETHERTYPE_MPLS_MULTICAST:
	case JBR_ETHERTYPE_PPPOE_SESSION:
		return true;
	default:
		return false;
	}
}

/* Under the bottom label nothing names the payload: guess by its first nibble (RFC 4928 3). 0 begins
 * a pseudo-wire's control word (RFC 4385), and then Ethernet is likely. */
static enum jbr_step
guess_mpls_payload(struct jbr_parser *p)
{
	const uint8_t *payload = p->data + p->at;
	const uint32_t wire_size = CONTROL_WORD_SIZE + JBR_ETHERNET_SIZE;

	if (!jbr_parser_has(p, 1))
		return jbr_parser_short(p, 1, JBR_NOT_ANALYSED_NON_IP);
	if (payload[0] >> 4 == 4)
		return JBR_STEP_IPV4;
	if (payload[0] >> 4 == 6)
		return JBR_STEP_IPV6;
	if (payload[0] >> 4 != 0)
		return jbr_parser_stop(p, JBR_NOT_ANALYSED_NON_IP);
	if (!jbr_parser_has(p, wire_size))
		return jbr_parser_short(p, wire_size, JBR_NOT_ANALYSED_NON_IP);
	if (!is_known_ethertype(jbr_load_be16(payload + wire_size - 2)))
		return jbr_parser_stop(p, JBR_NOT_ANALYSED_NON_IP);
	p->at += CONTROL_WORD_SIZE;
	return JBR_STEP_ETHERNET;
}

static enum jbr_step
parse_mpls(struct jbr_parser *p)
{
	bool is_bottom;

	do {
		if (!jbr_parser_enter(p, JBR_LAYER_MPLS))
			return JBR_STEP_DONE;
		if (!jbr_parser_has(p, MPLS_SIZE))
			return jbr_parser_short(p, MPLS_SIZE, JBR_NOT_ANALYSED_MALFORMED_LINK);
		is_bottom = p->data[p->at + 2] & 1;
		p->at += MPLS_SIZE;
	} while (!is_bottom);
	return guess_mpls_payload(p);
}

static enum jbr_step
parse_pppoe(struct jbr_parser *p)
{
	const uint8_t *header = p->data + p->at;

	p->packet->layers |= JBR_LAYER_PPPOE;
	if (!jbr_parser_has(p, PPPOE_SIZE))
		return jbr_parser_short(p, PPPOE_SIZE, JBR_NOT_ANALYSED_MALFORMED_LINK);
	if (header[0] != PPPOE_VERSION_TYPE || header[1] != 0) /* a session's code is 0 */
		return jbr_parser_stop(p, JBR_NOT_ANALYSED_MALFORMED_LINK);
	p->at += PPPOE_SIZE;
	return JBR_STEP_PPP;
}

enum jbr_step
jbr_parse_ethertype(struct jbr_parser *p)
{
	switch (p->ethertype) {
	case JBR_ETHERTYPE_IPV4:
		return JBR_STEP_IPV4;
	case JBR_ETHERTYPE_IPV6:
		return JBR_STEP_IPV6;
	case JBR_ETHERTYPE_VLAN:
	case JBR_ETHERTYPE_QINQ:
	case JBR_ETHERTYPE_QINQ_OLD:
		return parse_vlan(p);
	case JBR_ETHERTYPE_MPLS:
	case JBR_ETHERTYPE_MPLS_MULTICAST:
		return parse_mpls(p);
	case JBR_ETHERTYPE_PPPOE_SESSION:
		return parse_pppoe(p);
	default:
		if (p->ethertype < JBR_ETHERTYPE_SMALLEST)
			return parse_llc(p);
		return jbr_parser_stop(p, JBR_NOT_ANALYSED_NON_IP);
	}
}

/* The protocol field may be compressed to one byte: protocol numbers have an odd low byte and an even
 * high one (RFC 1661 2 and 6.5). */
enum jbr_step
jbr_parse_ppp(struct jbr_parser *p)
{
	const uint8_t *header = p->data + p->at;
	uint32_t size;
	uint16_t protocol;

	if (!jbr_parser_has(p, 1))
		return jbr_parser_short(p, 1, JBR_NOT_ANALYSED_MALFORMED_LINK);
	size = header[0] & 1 ? 1 : 2;
	if (!jbr_parser_has(p, size))
		return jbr_parser_short(p, size, JBR_NOT_ANALYSED_MALFORMED_LINK);
	protocol = size == 1 ? header[0] : jbr_load_be16(header);
	p->at += size;
	if (protocol == PPP_IPV4)
		return JBR_STEP_IPV4;
	if (protocol == PPP_IPV6)
		return JBR_STEP_IPV6;
	return jbr_parser_stop(p, JBR_NOT_ANALYSED_NON_IP);
}
