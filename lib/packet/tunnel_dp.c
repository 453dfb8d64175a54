/* SPDX-License-Identifier: BSD-3-Clause */
#include "parser.h"

/* A UDP port is only a hint: what does not check out as a tunnel is plain UDP. A header that says it
 * is the tunnel of that port, and then ends too early, is a broken tunnel. */

enum {
	GRE_SIZE = 4,
	GRE_CHECKSUM = 0x8000,
	GRE_ROUTING = 0x4000,
	GRE_KEY = 0x2000,
	GRE_SEQUENCE = 0x1000,
	GRE_ACK = 0x0080, /* version 1 only */
	GRE_VERSION_MASK = 0x0007,
	GRE_PPP = 0x880b,
	GRE_PPP_SIZE = 8,
	GRE_ERSPAN = 0x88be, /* types I and II */
	GRE_ERSPAN_3 = 0x22eb,
	ERSPAN_2_SIZE = 8,
	ERSPAN_3_SIZE = 12,
	ERSPAN_3_SUBHEADER_SIZE = 8,
	ERSPAN_3_FRAME_TYPE_IP = 2,

	VXLAN_SIZE = 8,
	VXLAN_VALID_ID = 0x08,
	VXLAN_GROUP_POLICY = 0x80,

	GENEVE_SIZE = 8,

	GTPU_SIZE = 8,
	GTPU_VERSION_MASK = 0xf0,
	GTPU_VERSION_1 = 0x30, /* with the protocol type bit, which GTP' has not */
	GTPU_OPTIONAL_MASK = 0x07,
	GTPU_EXTENSION = 0x04,
	GTPU_OPTIONAL_SIZE = 4,
	GTPU_PACKET = 255, /* G-PDU */

	TEREDO_PREFIX = 0x20010000,
	TEREDO_AUTHENTICATION = 0x0001,
	TEREDO_AUTHENTICATION_SIZE = 13, /* and the two variable fields */
	TEREDO_ORIGIN = 0x0000,
	TEREDO_ORIGIN_SIZE = 8,
};

static enum jbr_step
plain_udp(struct jbr_parser *p)
{
	return jbr_parser_stop(p, JBR_NOT_ANALYSED_UDP);
}

static enum jbr_step
tunnel_short(struct jbr_parser *p, uint32_t n)
{
	return jbr_parser_short(p, n, JBR_NOT_ANALYSED_MALFORMED_TUNNEL);
}

static enum jbr_step
skip_to(struct jbr_parser *p, uint32_t size, enum jbr_step next)
{
	if (!jbr_parser_has(p, size))
		return tunnel_short(p, size);
	p->at += size;
	return next;
}

static enum jbr_step
parse_erspan_3(struct jbr_parser *p)
{
	const uint8_t *header = p->data + p->at;
	uint32_t size = ERSPAN_3_SIZE;
	unsigned frame_type;

	if (!jbr_parser_has(p, size))
		return tunnel_short(p, size);
	frame_type = (header[10] >> 2) & 0x1f;
	if (header[11] & 1)
		size += ERSPAN_3_SUBHEADER_SIZE;
	return skip_to(p, size,
		frame_type == ERSPAN_3_FRAME_TYPE_IP ? JBR_STEP_IP : JBR_STEP_ETHERNET);
}

/* What GRE version 0 carries. */
static enum jbr_step
step_of_gre_type(struct jbr_parser *p, uint16_t type, bool has_sequence)
{
	switch (type) {
	case JBR_ETHERTYPE_IPV4:
		return JBR_STEP_IPV4;
	case JBR_ETHERTYPE_IPV6:
		return JBR_STEP_IPV6;
	case JBR_ETHERTYPE_BRIDGED:
		return JBR_STEP_ETHERNET;
	case JBR_ETHERTYPE_MPLS:
	case JBR_ETHERTYPE_MPLS_MULTICAST:
		p->ethertype = type;
		return JBR_STEP_ETHERTYPE;
	case GRE_ERSPAN: /* without a sequence number it is type I, which has no header */
		p->packet->layers |= JBR_LAYER_ERSPAN;
		return skip_to(p, has_sequence ? ERSPAN_2_SIZE : 0, JBR_STEP_ETHERNET);
	case GRE_ERSPAN_3:
		p->packet->layers |= JBR_LAYER_ERSPAN;
		return parse_erspan_3(p);
	default:
		return jbr_parser_stop(p, JBR_NOT_ANALYSED_OTHER_PROTOCOL);
	}
}

/* Version 1 (RFC 2637): PPP, whose address and control bytes may be left out. */
static enum jbr_step
parse_gre_ppp(struct jbr_parser *p, unsigned flags, uint16_t type)
{
	const uint8_t *payload;
	uint32_t size = GRE_PPP_SIZE + 4 + (flags & GRE_ACK ? 4 : 0);

	if (type != GRE_PPP || !(flags & GRE_KEY) || !(flags & GRE_SEQUENCE))
		return jbr_parser_stop(p, JBR_NOT_ANALYSED_OTHER_PROTOCOL);
	if (!jbr_parser_has(p, size))
		return tunnel_short(p, size);
	p->at += size;
	payload = p->data + p->at;
	if (jbr_parser_has(p, 2) && payload[0] == 0xff && payload[1] == 0x03)
		p->at += 2;
	return JBR_STEP_PPP;
}

enum jbr_step
jbr_parse_gre(struct jbr_parser *p)
{
	const uint8_t *header = p->data + p->at;
	uint32_t size = GRE_SIZE;
	unsigned flags;
	uint16_t type;

	if (!jbr_parser_enter(p, JBR_LAYER_GRE))
		return JBR_STEP_DONE;
	if (!jbr_parser_has(p, size))
		return tunnel_short(p, size);
	flags = jbr_load_be16(header);
	type = jbr_load_be16(header + 2);
	if ((flags & GRE_VERSION_MASK) == 1)
		return parse_gre_ppp(p, flags, type);
	if ((flags & GRE_VERSION_MASK) != 0 || (flags & GRE_ROUTING))
		return jbr_parser_stop(p, JBR_NOT_ANALYSED_OTHER_PROTOCOL);
	size += (flags & GRE_CHECKSUM ? 4 : 0) + (flags & GRE_KEY ? 4 : 0) +
		(flags & GRE_SEQUENCE ? 4 : 0);
	if (!jbr_parser_has(p, size))
		return tunnel_short(p, size);
	/* The whole key: whether its low byte is NVGRE's flow id cannot be seen. */
	if (flags & GRE_KEY)
		p->packet->tunnel = jbr_load_be32(
			header + GRE_SIZE + (flags & GRE_CHECKSUM ? 4 : 0));
	p->at += size;
	return step_of_gre_type(p, type, flags & GRE_SEQUENCE);
}

static enum jbr_step
parse_vxlan(struct jbr_parser *p)
{
	const uint8_t *header = p->data + p->at;

	if (!jbr_parser_has(p, 1) || (header[0] & ~VXLAN_GROUP_POLICY) != VXLAN_VALID_ID)
		return plain_udp(p);
	if (!jbr_parser_has(p, VXLAN_SIZE))
		return tunnel_short(p, VXLAN_SIZE);
	if (!jbr_parser_enter(p, JBR_LAYER_VXLAN))
		return JBR_STEP_DONE;
	p->packet->tunnel = jbr_load_be32(header + 4) >> 8;
	p->at += VXLAN_SIZE;
	return JBR_STEP_ETHERNET;
}

static enum jbr_step
parse_geneve(struct jbr_parser *p)
{
	const uint8_t *header = p->data + p->at;
	enum jbr_step next;
	uint32_t size;

	if (!jbr_parser_has(p, 4) || header[0] >> 6 != 0)
		return plain_udp(p);
	switch (jbr_load_be16(header + 2)) {
	case JBR_ETHERTYPE_BRIDGED:
		next = JBR_STEP_ETHERNET;
		break;
	case JBR_ETHERTYPE_IPV4:
		next = JBR_STEP_IPV4;
		break;
	case JBR_ETHERTYPE_IPV6:
		next = JBR_STEP_IPV6;
		break;
	default:
		return plain_udp(p);
	}
	size = GENEVE_SIZE + (header[0] & 0x3f) * 4u;
	if (!jbr_parser_has(p, size))
		return tunnel_short(p, size);
	if (!jbr_parser_enter(p, JBR_LAYER_GENEVE))
		return JBR_STEP_DONE;
	p->packet->tunnel = jbr_load_be32(header + 4) >> 8;
	p->at += size;
	return next;
}

/* Move past the chain of GTP-U extension headers: each has its length in units of 4 bytes in front
 * and the kind of the next at its end.
 * @return JBR_STEP_IP to go on with */
static enum jbr_step
skip_gtpu_extensions(struct jbr_parser *p, uint8_t next)
{
	for (unsigned i = 0; next != 0; i++) {
		uint32_t size;

		if (i == JBR_EXTENSIONS_MAX)
			return plain_udp(p);
		if (!jbr_parser_has(p, 1))
			return tunnel_short(p, 1);
		size = p->data[p->at] * 4u;
		if (size == 0)
			return plain_udp(p);
		if (!jbr_parser_has(p, size))
			return tunnel_short(p, size);
		next = p->data[p->at + size - 1];
		p->at += size;
	}
	return JBR_STEP_IP;
}

static enum jbr_step
parse_gtpu(struct jbr_parser *p)
{
	const uint8_t *header = p->data + p->at;
	enum jbr_step next = JBR_STEP_IP;
	uint32_t size = GTPU_SIZE;

	if (!jbr_parser_has(p, 2) || (header[0] & GTPU_VERSION_MASK) != GTPU_VERSION_1 ||
		header[1] != GTPU_PACKET)
		return plain_udp(p);
	if (header[0] & GTPU_OPTIONAL_MASK)
		size += GTPU_OPTIONAL_SIZE;
	if (!jbr_parser_has(p, size))
		return tunnel_short(p, size);
	p->at += size;
	if (header[0] & GTPU_EXTENSION)
		next = skip_gtpu_extensions(p, header[GTPU_SIZE + 3]);
	if (next == JBR_STEP_DONE)
		return next;
	if (!jbr_parser_has(p, 1))
		return tunnel_short(p, 1);
	if (p->data[p->at] >> 4 != 4 && p->data[p->at] >> 4 != 6)
		return plain_udp(p); /* an Ethernet or unstructured session */
	if (!jbr_parser_enter(p, JBR_LAYER_GTPU))
		return JBR_STEP_DONE;
	p->packet->tunnel = jbr_load_be32(header + 4);
	return next;
}

/* Between two clients Teredo runs on ports of their NATs. There it is known by an IPv6 header that fills
 * the datagram exactly and has an address in 2001::/32 (RFC 4380 2.6). */
static bool
looks_like_teredo(const struct jbr_parser *p)
{
	const uint8_t *header = p->data + p->at;

	return jbr_parser_has(p, JBR_IPV6_SIZE) && header[0] >> 4 == 6 &&
		p->at + JBR_IPV6_SIZE + jbr_load_be16(header + 4) == p->end &&
		(jbr_load_be32(header + 8) == TEREDO_PREFIX ||
			jbr_load_be32(header + 24) == TEREDO_PREFIX);
}

/* Teredo has no header of its own (RFC 4380 5.1.1): up to two indications, then IPv6. The port may be
 * a client's ephemeral one by chance, so the IPv6 header must fit the datagram. */
static enum jbr_step
parse_teredo(struct jbr_parser *p)
{
	const uint8_t *header = p->data + p->at;

	if (jbr_parser_has(p, 4) && jbr_load_be16(header) == TEREDO_AUTHENTICATION) {
		uint32_t size = TEREDO_AUTHENTICATION_SIZE + header[2] + header[3];

		if (!jbr_parser_has(p, size))
			return tunnel_short(p, size);
		p->at += size;
		header += size;
	}
	if (jbr_parser_has(p, TEREDO_ORIGIN_SIZE) && jbr_load_be16(header) == TEREDO_ORIGIN) {
		p->at += TEREDO_ORIGIN_SIZE;
		header += TEREDO_ORIGIN_SIZE;
	}
	if (!jbr_parser_has(p, JBR_IPV6_SIZE) || header[0] >> 4 != 6 ||
		!jbr_parser_had(p, JBR_IPV6_SIZE + (uint32_t)jbr_load_be16(header + 4)))
		return plain_udp(p);
	if (!jbr_parser_enter(p, JBR_LAYER_TEREDO))
		return JBR_STEP_DONE;
	return JBR_STEP_IPV6;
}

enum jbr_step
jbr_parse_udp(struct jbr_parser *p)
{
	const struct jbr_packet_options *options = p->options;
	const uint8_t *header = p->data + p->at;
	uint16_t src_port;
	uint16_t dst_port;

	if (!jbr_parser_has(p, JBR_UDP_SIZE))
		return plain_udp(p);
	src_port = jbr_load_be16(header);
	dst_port = jbr_load_be16(header + 2);
	p->at += JBR_UDP_SIZE;
	/* a port of 0 in the options means off */
	if (dst_port != 0 && dst_port == options->vxlan_port)
		return parse_vxlan(p);
	if (dst_port != 0 && dst_port == options->geneve_port)
		return parse_geneve(p);
	if (dst_port != 0 && dst_port == options->gtpu_port)
		return parse_gtpu(p);
	if (options->teredo_port != 0 &&
		(dst_port == options->teredo_port || src_port == options->teredo_port ||
			looks_like_teredo(p)))
		return parse_teredo(p);
	return plain_udp(p);
}
