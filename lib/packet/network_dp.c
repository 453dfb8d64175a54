/* SPDX-License-Identifier: BSD-3-Clause */
#include "parser.h"

enum {
	IPV4_RESERVED = 0x8000,
	IPV4_DF = 0x4000,
	IPV4_MF = 0x2000,
	IPV4_OFFSET_MASK = 0x1fff,
	FRAGMENT_UNIT = 8,
	DATAGRAM_SIZE_MAX = 65535,
	EXTENSION_SIZE_MIN = 8,
	OPTION_PAD1 = 0,
	OPTION_JUMBO = 0xc2,
	JUMBO_LENGTH_SIZE = 4,
	ROUTING_TYPE_0 = 0,
	ROUTING_TYPE_2 = 2,        /* Mobile IPv6, RFC 6275 */
	ROUTING_TYPE_SEGMENTS = 4, /* RFC 8754 */
	ADDRESS_SIZE = 16,
	ICMP_SIZE = 8,
	QUOTE_SIZE_MIN = 8, /* RFC 792: the ports and the sequence number */
};

/* Of a fragmented datagram: where this part begins and how long it is. */
struct fragment {
	uint32_t offset;
	uint32_t length;
	uint32_t before; /* bytes of the whole datagram that stand before the fragmented part */
	bool is_more;
};

/* Not even the fixed IP header is here. */
static enum jbr_step
ip_short(struct jbr_parser *p, uint32_t n)
{
	if (!jbr_parser_had(p, n) && !p->packet->is_fragment)
		jbr_packet_find(p->packet, JBR_ANOM_IP_TRUNCATED);
	return jbr_parser_short(p, n, JBR_NOT_ANALYSED_MALFORMED_IP);
}

/* From here on the datagram of @p length bytes is all there is: what follows it is padding. */
static void
bound_datagram(struct jbr_parser *p, uint32_t length)
{
	uint32_t room = p->end - p->at;

	/* the rest of what an outer fragment carries comes in the other fragments */
	if (length > room && !p->packet->is_fragment)
		jbr_packet_find(p->packet, JBR_ANOM_IP_TRUNCATED);
	if (length < room) {
		p->end = p->at + length;
		p->captured = jbr_min_u32(p->captured, p->end);
	}
	p->claimed_end = p->at + length;
	p->packet->ip_length = length;
	p->is_fragment = false;
	p->ip_headers++;
}

/* Which layer an IP protocol number means. */
static enum jbr_step
step_of_protocol(struct jbr_parser *p, uint8_t protocol)
{
	switch (protocol) {
	case JBR_PROTOCOL_TCP:
		return JBR_STEP_TCP;
	case JBR_PROTOCOL_UDP:
		return JBR_STEP_UDP;
	case JBR_PROTOCOL_ICMP:
	case JBR_PROTOCOL_ICMPV6:
		/* each belongs to one IP version; the other way round it is a number like any other */
		if ((protocol == JBR_PROTOCOL_ICMP) == (p->packet->ip_version == 4))
			return JBR_STEP_ICMP;
		break;
	case JBR_PROTOCOL_IPV4:
	case JBR_PROTOCOL_IPV6:
		if (!p->options->ip_in_ip)
			break;
		p->packet->layers |= JBR_LAYER_IP_IN_IP;
		return protocol == JBR_PROTOCOL_IPV4 ? JBR_STEP_IPV4 : JBR_STEP_IPV6;
	case JBR_PROTOCOL_GRE:
		if (p->options->gre)
			return JBR_STEP_GRE;
		break;
	default:
		break;
	}
	return jbr_parser_stop(p, JBR_NOT_ANALYSED_OTHER_PROTOCOL);
}

/* Judge a fragment; go on only with the first one, which may hold the header that is looked for. */
static bool
is_first_fragment(struct jbr_parser *p, const struct fragment *f, uint8_t protocol)
{
	if (f->length == 0 || f->before + f->offset + f->length > DATAGRAM_SIZE_MAX ||
		(f->is_more && f->length % FRAGMENT_UNIT != 0))
		jbr_packet_find(p->packet, JBR_ANOM_IP_FRAG_SIZE_ANOMALY);
	if (f->offset == 0) {
		p->packet->is_fragment = true;
		p->is_fragment = true;
		return true;
	}
	/* it would overwrite the flags of the TCP header in the first one */
	if (f->offset == FRAGMENT_UNIT && protocol == JBR_PROTOCOL_TCP)
		jbr_packet_find(p->packet, JBR_ANOM_TCP_TINY_FRAGMENT);
	p->packet->reason = JBR_NOT_ANALYSED_FRAGMENT;
	return false;
}

static enum jbr_step
parse_ipv4_payload(struct jbr_parser *p, const uint8_t *header, uint32_t header_length)
{
	unsigned bits = jbr_load_be16(header + 6);
	uint8_t protocol = header[9];

	if (header_length > JBR_IPV4_SIZE && protocol == JBR_PROTOCOL_TCP)
		jbr_packet_find(p->packet, JBR_ANOM_IP_OPTIONS_ON_TCP);
	if ((bits & IPV4_RESERVED) || ((bits & IPV4_DF) && (bits & (IPV4_MF | IPV4_OFFSET_MASK))))
		jbr_packet_find(p->packet, JBR_ANOM_IP_BAD_FRAG_BITS);
	if (bits & (IPV4_MF | IPV4_OFFSET_MASK)) {
		struct fragment f = {
			.offset = (bits & IPV4_OFFSET_MASK) * FRAGMENT_UNIT,
			.length = p->packet->ip_length - header_length,
			.before = header_length,
			.is_more = bits & IPV4_MF,
		};

		if (!is_first_fragment(p, &f, protocol))
			return JBR_STEP_DONE;
	}
	p->at += header_length;
	return step_of_protocol(p, protocol);
}

/* The version nibble is not the expected one. */
static enum jbr_step
bad_version(struct jbr_parser *p)
{
	jbr_packet_find(p->packet, JBR_ANOM_IP_BAD_VERSION);
	return jbr_parser_stop(p, JBR_NOT_ANALYSED_MALFORMED_IP);
}

enum jbr_step
jbr_parse_ip(struct jbr_parser *p)
{
	if (!jbr_parser_has(p, 1))
		return ip_short(p, 1);
	switch (p->data[p->at] >> 4) {
	case 4:
		return JBR_STEP_IPV4;
	case 6:
		return JBR_STEP_IPV6;
	default:
		return bad_version(p);
	}
}

enum jbr_step
jbr_parse_ipv4(struct jbr_parser *p)
{
	const uint8_t *header = p->data + p->at;
	struct jbr_packet *packet = p->packet;
	bool is_outermost = p->ip_headers == 0;
	uint32_t header_length;
	uint32_t length;

	if (!jbr_parser_enter(p, 0))
		return JBR_STEP_DONE;
	if (jbr_parser_has(p, 1) && header[0] >> 4 != 4)
		return bad_version(p);
	if (!jbr_parser_has(p, JBR_IPV4_SIZE))
		return ip_short(p, JBR_IPV4_SIZE);
	header_length = (header[0] & 15) * 4u;
	length = jbr_load_be16(header + 2);
	if (header_length < JBR_IPV4_SIZE || (length != 0 && length < header_length)) {
		jbr_packet_find(packet, JBR_ANOM_IP_BAD_HDR_LEN);
		return jbr_parser_stop(p, JBR_NOT_ANALYSED_MALFORMED_IP);
	}
	if (!jbr_parser_has(p, header_length))
		return ip_short(p, header_length);
	/* 0: a segment that the capturing host left to its NIC to cut; it ends where the frame does */
	bound_datagram(p, length != 0 ? length : p->end - p->at);
	if (!(is_outermost && (p->frame->nic_flags & JBR_NIC_IP_CHECKSUM_GOOD)) &&
		!jbr_ipv4_checksum_is_good(header, header_length))
		jbr_packet_find(packet, JBR_ANOM_IP_BAD_CHECKSUM);
	packet->ip = header;
	packet->ip_version = 4;
	packet->dscp_ecn = header[1];
	packet->ip_id = jbr_load_be16(header + 4);
	packet->ip_df = header[6] & (IPV4_DF >> 8);
	packet->ttl = header[8];
	jbr_address_set_ipv4(&packet->src, header + 12);
	jbr_address_set_ipv4(&packet->dst, header + 16);
	return parse_ipv4_payload(p, header, header_length);
}

/* The payload length of the jumbo option in a hop-by-hop header (RFC 2675), or 0. */
static uint32_t
jumbo_length(const uint8_t *header, uint32_t length)
{
	for (uint32_t at = 2; at < length;) {
		uint32_t size;

		if (header[at] == OPTION_PAD1) {
			at++;
			continue;
		}
		if (length - at < 2)
			break;
		size = header[at + 1];
		if (length - at - 2 < size)
			break;
		if (header[at] == OPTION_JUMBO && size == JUMBO_LENGTH_SIZE)
			return jbr_load_be32(header + at + 2);
		at += 2 + size;
	}
	return 0;
}

/* The length of an IPv6 datagram whose length field is 0: by its jumbo option, else, as for IPv4, that
 * of the frame. A jumbo length that needs no jumbo option is an error in RFC 2675, and not believed. */
static uint32_t
ipv6_large_length(struct jbr_parser *p, const uint8_t *header)
{
	uint32_t room = p->end - p->at;
	uint32_t here = p->captured - p->at - JBR_IPV6_SIZE;
	const uint8_t *extension = header + JBR_IPV6_SIZE;
	uint32_t jumbo;

	if (header[6] != JBR_PROTOCOL_HOP_BY_HOP || here < EXTENSION_SIZE_MIN)
		return room;
	jumbo = jumbo_length(extension, jbr_min_u32(here, (extension[1] + 1u) * 8));
	if (jumbo <= DATAGRAM_SIZE_MAX)
		return room;
	if (jumbo <= room - JBR_IPV6_SIZE)
		return jumbo + JBR_IPV6_SIZE;
	/* more than there is: a lie of up to 4 GB must not reach sequence arithmetic */
	if (!p->packet->is_fragment)
		jbr_packet_find(p->packet, JBR_ANOM_IP_TRUNCATED);
	return room;
}

/* How far the chain of extension headers has come. */
struct chain {
	uint32_t start; /* of the IPv6 header */
	uint8_t next;   /* kind of the header at jbr_parser.at */
	uint8_t count;
	uint8_t count_of[4]; /* hop-by-hop, routing, fragment, AH */
	uint8_t destination_count;
};

/* Order and number of the headers (RFC 8200 4.1). */
static void
judge_order(struct jbr_parser *p, struct chain *chain)
{
	bool is_odd = false;

	switch (chain->next) {
	case JBR_PROTOCOL_HOP_BY_HOP:
		is_odd = chain->count_of[0]++ > 0 || chain->count > 0;
		break;
	case JBR_PROTOCOL_ROUTING:
		is_odd = chain->count_of[1]++ > 0;
		break;
	case JBR_PROTOCOL_FRAGMENT:
		is_odd = chain->count_of[2]++ > 0;
		break;
	case JBR_PROTOCOL_AH:
		is_odd = chain->count_of[3]++ > 0;
		break;
	default: /* once before a routing header, once at the end */
		is_odd = chain->destination_count++ > 1;
		break;
	}
	chain->count++;
	if (is_odd || chain->count > JBR_EXTENSIONS_MAX)
		jbr_packet_find(p->packet, JBR_ANOM_IPV6_EXT_HDR_ANOMALY);
}

/* On its way through a routing header's list a packet is addressed to the next stop; the connection,
 * and the checksum, are with the last one (RFC 8200 8.1). */
static void
read_routing(struct jbr_parser *p, const uint8_t *header, uint32_t length)
{
	uint8_t type = header[2];
	uint8_t left = header[3];
	uint32_t addresses = (length - 8) / ADDRESS_SIZE;
	const uint8_t *last = header + 8;

	if (type == ROUTING_TYPE_0)
		jbr_packet_find(p->packet, JBR_ANOM_IPV6_EXT_HDR_ANOMALY);
	if (left == 0 || left > addresses)
		return;
	if (type == ROUTING_TYPE_0 || type == ROUTING_TYPE_2)
		last += (addresses - 1) * ADDRESS_SIZE;
	else if (type != ROUTING_TYPE_SEGMENTS) /* whose list is in reverse */
		return;
	memcpy(&p->packet->dst, last, ADDRESS_SIZE);
}

static bool
read_fragment_header(struct jbr_parser *p, const struct chain *chain, const uint8_t *header)
{
	unsigned bits = jbr_load_be16(header + 2);
	struct fragment f = {
		.offset = bits & ~7u,
		.length = p->claimed_end - p->at - 8,
		.before = p->at - chain->start - JBR_IPV6_SIZE, /* the limit is the payload's */
		.is_more = bits & 1,
	};

	p->packet->ip_id = jbr_load_be32(header + 4);
	if (f.offset == 0 && !f.is_more) { /* an atomic fragment, RFC 8021 */
		jbr_packet_find(p->packet, JBR_ANOM_IPV6_EXT_HDR_ANOMALY);
		return true;
	}
	return is_first_fragment(p, &f, header[0]);
}

static bool
is_extension(uint8_t protocol)
{
	return protocol == JBR_PROTOCOL_HOP_BY_HOP || protocol == JBR_PROTOCOL_ROUTING ||
		protocol == JBR_PROTOCOL_FRAGMENT || protocol == JBR_PROTOCOL_AH ||
		protocol == JBR_PROTOCOL_DESTINATION;
}

static enum jbr_step
parse_extensions(struct jbr_parser *p, uint8_t next, uint32_t start)
{
	struct chain chain = {.start = start, .next = next};

	while (is_extension(chain.next)) {
		const uint8_t *header = p->data + p->at;
		uint32_t length = EXTENSION_SIZE_MIN;

		judge_order(p, &chain);
		if (chain.count > JBR_EXTENSIONS_MAX)
			return jbr_parser_stop(p, JBR_NOT_ANALYSED_MALFORMED_IP);
		if (!jbr_parser_has(p, length))
			return jbr_parser_short(p, length, JBR_NOT_ANALYSED_MALFORMED_IP);
		if (chain.next == JBR_PROTOCOL_AH)
			length = (header[1] + 2u) * 4;
		else if (chain.next != JBR_PROTOCOL_FRAGMENT)
			length = (header[1] + 1u) * 8;
		if (!jbr_parser_has(p, length))
			return jbr_parser_short(p, length, JBR_NOT_ANALYSED_MALFORMED_IP);
		if (chain.next == JBR_PROTOCOL_ROUTING)
			read_routing(p, header, length);
		if (chain.next == JBR_PROTOCOL_FRAGMENT && !read_fragment_header(p, &chain, header))
			return JBR_STEP_DONE;
		p->at += length;
		chain.next = header[0];
	}
	return step_of_protocol(p, chain.next);
}

enum jbr_step
jbr_parse_ipv6(struct jbr_parser *p)
{
	const uint8_t *header = p->data + p->at;
	struct jbr_packet *packet = p->packet;
	uint32_t start = p->at;
	uint32_t length;

	if (!jbr_parser_enter(p, 0))
		return JBR_STEP_DONE;
	if (jbr_parser_has(p, 1) && header[0] >> 4 != 6)
		return bad_version(p);
	if (!jbr_parser_has(p, JBR_IPV6_SIZE))
		return ip_short(p, JBR_IPV6_SIZE);
	length = jbr_load_be16(header + 4);
	length = length != 0 ? length + JBR_IPV6_SIZE : ipv6_large_length(p, header);
	bound_datagram(p, length);
	packet->ip = header;
	packet->ip_version = 6;
	packet->dscp_ecn = (uint8_t)(jbr_load_be16(header) >> 4);
	packet->ip_id = 0;
	packet->ip_df = false;
	packet->ttl = header[7];
	memcpy(&packet->src, header + 8, ADDRESS_SIZE);
	memcpy(&packet->dst, header + 24, ADDRESS_SIZE);
	p->at += JBR_IPV6_SIZE;
	return parse_extensions(p, header[6], start);
}

/* The first header after a quoted IPv6 header that is no extension header. Quotes are copies of what
 * was judged when it passed, so their oddities are no findings.
 * @return false when the chain does not end in what is here, or its fragment is not the first. */
static bool
skip_quoted_extensions(struct jbr_parser *p, uint8_t *ret_next)
{
	uint8_t next = *ret_next;

	for (unsigned i = 0; i < JBR_EXTENSIONS_MAX && is_extension(next); i++) {
		const uint8_t *header = p->data + p->at;
		uint32_t length = EXTENSION_SIZE_MIN;

		if (!jbr_parser_has(p, length))
			return false;
		if (next == JBR_PROTOCOL_FRAGMENT && (jbr_load_be16(header + 2) & ~7u) != 0)
			return false;
		if (next == JBR_PROTOCOL_AH)
			length = (header[1] + 2u) * 4;
		else if (next != JBR_PROTOCOL_FRAGMENT)
			length = (header[1] + 1u) * 8;
		if (!jbr_parser_has(p, length))
			return false;
		p->at += length;
		next = header[0];
	}
	*ret_next = next;
	return true;
}

/* Move past the quoted IP header, which is of the version of the ICMP packet itself.
 * @return whether TCP, from its first byte, comes next; then the addresses are set. */
static bool
read_quoted_ip(struct jbr_parser *p)
{
	const uint8_t *header = p->data + p->at;
	struct jbr_packet *packet = p->packet;
	uint32_t length = packet->ip_version == 4 ? JBR_IPV4_SIZE : JBR_IPV6_SIZE;
	uint8_t protocol;

	if (!jbr_parser_has(p, length) || header[0] >> 4 != packet->ip_version)
		return false;
	if (packet->ip_version == 4) {
		length = (header[0] & 15) * 4u;
		protocol = header[9];
		if (length < JBR_IPV4_SIZE || !jbr_parser_has(p, length) ||
			(jbr_load_be16(header + 6) & IPV4_OFFSET_MASK) != 0)
			return false;
		p->at += length;
	} else {
		protocol = header[6];
		p->at += length;
		if (!skip_quoted_extensions(p, &protocol))
			return false;
	}
	if (protocol != JBR_PROTOCOL_TCP || !jbr_parser_has(p, QUOTE_SIZE_MIN))
		return false;
	if (packet->ip_version == 4) {
		jbr_address_set_ipv4(&packet->src, header + 12);
		jbr_address_set_ipv4(&packet->dst, header + 16);
	} else {
		memcpy(&packet->src, header + 8, ADDRESS_SIZE);
		memcpy(&packet->dst, header + 24, ADDRESS_SIZE);
	}
	return true;
}

/* Do messages of this type quote the packet they are about? */
static bool
is_icmp_error(uint8_t ip_version, uint8_t type)
{
	if (ip_version == 6)
		return type >= 1 && type <= 4;
	return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

enum jbr_step
jbr_parse_icmp(struct jbr_parser *p)
{
	const uint8_t *header = p->data + p->at;
	struct jbr_packet *packet = p->packet;

	packet->reason = JBR_NOT_ANALYSED_ICMP;
	if (!jbr_parser_has(p, ICMP_SIZE) || !is_icmp_error(packet->ip_version, header[0]))
		return JBR_STEP_DONE;
	p->at += ICMP_SIZE;
	if (!read_quoted_ip(p))
		return JBR_STEP_DONE;
	packet->kind = JBR_PACKET_ICMP_QUOTE;
	packet->icmp_type = header[0];
	packet->icmp_code = header[1];
	packet->tcp = p->data + p->at;
	packet->src_port = jbr_load_be16(packet->tcp);
	packet->dst_port = jbr_load_be16(packet->tcp + 2);
	packet->seq = jbr_load_be32(packet->tcp + 4);
	return JBR_STEP_DONE;
}
