/* SPDX-License-Identifier: BSD-3-Clause */
/** @file parser.h
 * Private to this room: one frame on its way from layer to layer, and who reads which layer.
 *
 * Every reader takes the header at @ref jbr_parser.at, moves past it and says which layer comes
 * next, so that nothing calls itself and the depth of nesting costs no stack. A reader that finds
 * no next layer sets the reason and returns JBR_STEP_DONE.
 *
 * Invariant between steps: at <= captured <= end. Only bytes before `captured` may be read.
 */
#pragma once
#include "jbr_packet.h"

enum jbr_step {
	JBR_STEP_DONE,
	JBR_STEP_ETHERNET,
	JBR_STEP_ETHERTYPE, /* the type is in jbr_parser.ethertype */
	JBR_STEP_PPP,
	JBR_STEP_IP, /* by the version nibble */
	JBR_STEP_IPV4,
	JBR_STEP_IPV6,
	JBR_STEP_GRE,
	JBR_STEP_UDP,
	JBR_STEP_ICMP,
	JBR_STEP_TCP,
};

enum {
	JBR_ETHERTYPE_SMALLEST = 0x0600, /* below it is an IEEE 802.3 length */
	JBR_ETHERTYPE_IPV4 = 0x0800,
	JBR_ETHERTYPE_ARP = 0x0806,
	JBR_ETHERTYPE_BRIDGED = 0x6558, /* transparent Ethernet bridging */
	JBR_ETHERTYPE_VLAN = 0x8100,
	JBR_ETHERTYPE_IPV6 = 0x86dd,
	JBR_ETHERTYPE_MPLS = 0x8847,
	JBR_ETHERTYPE_MPLS_MULTICAST = 0x8848,
	JBR_ETHERTYPE_PPPOE_SESSION = 0x8864,
	JBR_ETHERTYPE_QINQ = 0x88a8,
	JBR_ETHERTYPE_QINQ_OLD = 0x9100,
};

enum {
	JBR_PROTOCOL_HOP_BY_HOP = 0,
	JBR_PROTOCOL_ICMP = 1,
	JBR_PROTOCOL_IPV4 = 4,
	JBR_PROTOCOL_TCP = 6,
	JBR_PROTOCOL_UDP = 17,
	JBR_PROTOCOL_IPV6 = 41,
	JBR_PROTOCOL_ROUTING = 43,
	JBR_PROTOCOL_FRAGMENT = 44,
	JBR_PROTOCOL_GRE = 47,
	JBR_PROTOCOL_AH = 51,
	JBR_PROTOCOL_ICMPV6 = 58,
	JBR_PROTOCOL_DESTINATION = 60,
};

enum {
	JBR_ETHERNET_SIZE = 14,
	JBR_IPV4_SIZE = 20,
	JBR_IPV6_SIZE = 40,
	JBR_UDP_SIZE = 8,
	JBR_TCP_SIZE = 20,
	JBR_EXTENSIONS_MAX = 8,
	/* The largest frame believed: above what any stack's segmentation offload builds, and small
	 * enough that a length can never reach half of the sequence space. */
	JBR_FRAME_SIZE_MAX = 1 << 24,
};

/* One frame being read. Offsets count from data. */
struct jbr_parser {
	const uint8_t *data;
	const struct jbr_frame *frame;
	const struct jbr_packet_options *options;
	struct jbr_packet *packet;
	uint32_t at;          /* the header to be read next */
	uint32_t captured;    /* end of the bytes that are here */
	uint32_t end;         /* end of the innermost datagram, as far as it was on the wire */
	uint32_t claimed_end; /* its end by its own length field, >= end unless cut by a fragment */
	uint16_t ethertype;
	uint8_t layers;     /* counted against layers_max */
	uint8_t tags;       /* VLAN tags so far */
	uint8_t ip_headers; /* IP headers so far */
	bool is_fragment;   /* the innermost IP datagram is a first fragment */
};

/* Give up: this is why. */
static inline enum jbr_step
jbr_parser_stop(struct jbr_parser *p, enum jbr_not_analysed reason)
{
	p->packet->reason = (uint8_t)reason;
	return JBR_STEP_DONE;
}

/* Are @p n bytes here? */
static inline bool
jbr_parser_has(const struct jbr_parser *p, uint32_t n)
{
	return p->captured - p->at >= n;
}

/* Were @p n bytes on the wire? */
static inline bool
jbr_parser_had(const struct jbr_parser *p, uint32_t n)
{
	return p->end - p->at >= n;
}

/* Give up because @p n bytes are not here: cut by the capture, by fragmentation, or @p broken. */
static inline enum jbr_step
jbr_parser_short(struct jbr_parser *p, uint32_t n, enum jbr_not_analysed broken)
{
	if (jbr_parser_had(p, n))
		broken = JBR_NOT_ANALYSED_SNAP_LENGTH;
	else if (p->packet->is_fragment)
		broken = JBR_NOT_ANALYSED_TINY_FRAGMENT;
	return jbr_parser_stop(p, broken);
}

/* Count one more layer and note its bit.
 * @return false when that is too deep; the reason is set. */
static inline bool
jbr_parser_enter(struct jbr_parser *p, unsigned layer)
{
	p->packet->layers |= (uint16_t)layer;
	if (JBR_LIKELY(++p->layers <= p->options->layers_max))
		return true;
	jbr_packet_find(p->packet, JBR_ANOM_ENCAP_DEPTH_EXCEEDED);
	p->packet->reason = JBR_NOT_ANALYSED_ENCAP_DEPTH;
	return false;
}

/* Write an IPv4 address in its mapped form; as two words, because it will be read as such soon, and
 * a load that spans two younger stores has to wait for both. */
static inline void
jbr_address_set_ipv4(union jbr_address *address, const uint8_t *bytes)
{
	uint32_t word;

	memcpy(&word, bytes, sizeof(word));
	address->halves[0] = 0;
	address->halves[1] = (uint64_t)word << 32 | UINT64_C(0xffff0000);
}

/* Layers behind which another IP header follows. */
enum {
	JBR_LAYERS_TUNNEL = JBR_LAYER_GRE | JBR_LAYER_IP_IN_IP | JBR_LAYER_VXLAN |
		JBR_LAYER_GENEVE | JBR_LAYER_GTPU | JBR_LAYER_TEREDO,
};

/* link_dp.c */
enum jbr_step jbr_parse_link(struct jbr_parser *p);
enum jbr_step jbr_parse_ethernet(struct jbr_parser *p);
enum jbr_step jbr_parse_ethertype(struct jbr_parser *p);
enum jbr_step jbr_parse_ppp(struct jbr_parser *p);

/* network_dp.c */
enum jbr_step jbr_parse_ip(struct jbr_parser *p);
enum jbr_step jbr_parse_ipv4(struct jbr_parser *p);
enum jbr_step jbr_parse_ipv6(struct jbr_parser *p);
enum jbr_step jbr_parse_icmp(struct jbr_parser *p);

/* tunnel_dp.c */
enum jbr_step jbr_parse_gre(struct jbr_parser *p);
enum jbr_step jbr_parse_udp(struct jbr_parser *p);

/* tcp_header_dp.c */
enum jbr_step jbr_parse_tcp(struct jbr_parser *p);
/* Take @p length bytes of options, of which @p here are captured, into a packet that has none yet. */
void jbr_parse_tcp_options(struct jbr_packet *packet, const uint8_t *bytes, uint32_t length,
	uint32_t here);

/* checksum_dp.c */

/* Add @p word to a one's complement sum, in the byte order of this machine. */
static inline uint64_t
jbr_sum_word(uint64_t sum, uint64_t word)
{
	sum += word;
	return sum + (sum < word); /* the carry comes round */
}

/* Add the 8 bytes at @p p. */
static inline uint64_t
jbr_sum_add(uint64_t sum, const uint8_t *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return jbr_sum_word(sum, word);
}

/* Fold to 16 bits; 0 and 0xffff are the same number. */
static inline uint32_t
jbr_sum_fold(uint64_t sum)
{
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & UINT16_MAX) + (sum >> 16);
	sum = (sum & UINT16_MAX) + (sum >> 16);
	return (uint32_t)sum;
}

/* Is the sum of an IPv4 header without options right? */
static inline bool
jbr_is_plain_sum_good(const uint8_t *header)
{
	uint32_t last;

	memcpy(&last, header + 16, sizeof(last));
	return jbr_sum_fold(jbr_sum_add(jbr_sum_add(last, header), header + 8)) == UINT16_MAX;
}

/* Is the one's complement sum of an IPv4 header of @p length bytes (a multiple of 4) 0xffff? */
bool jbr_ipv4_checksum_is_good(const uint8_t *header, uint32_t length);
/* Judge the checksum of a TCP segment of @p length bytes, all of which are at packet->tcp, in the way
 * that @p options say; and add the finding. */
void jbr_judge_tcp_checksum(const struct jbr_frame *frame, const struct jbr_packet_options *options,
	struct jbr_packet *packet, uint32_t length);

/* The same of a segment of which there is an outline.
 * @return true: right, or not to be known */
bool jbr_is_tcp_checksum_fine(const struct jbr_frame *frame,
	const struct jbr_packet_options *options, const struct jbr_outline *outline,
	uint32_t length);

/* Take the header at @p header into a packet whose option fields are zero: @p length bytes by its data
 * offset (20..60), of which @p here (from 20) are captured. */
static inline void
jbr_read_tcp_header(struct jbr_packet *packet, const uint8_t *header, uint32_t length,
	uint32_t here)
{
	const uint8_t *options = header + JBR_TCP_SIZE;

	packet->kind = JBR_PACKET_TCP;
	packet->reason = 0;
	packet->tcp = header;
	packet->src_port = jbr_load_be16(header);
	packet->dst_port = jbr_load_be16(header + 2);
	packet->seq = jbr_load_be32(header + 4);
	packet->ack = jbr_load_be32(header + 8);
	packet->tcp_header_length = (uint8_t)length;
	packet->flags = jbr_load_be16(header + 12) & 0xfff;
	packet->window = jbr_load_be16(header + 14);
	packet->tcp_checksum = jbr_load_be16(header + 16);
	packet->urgent = jbr_load_be16(header + 18);
	if (length == JBR_TCP_SIZE)
		return;
	/* what nearly every segment has: NOP, NOP, timestamp (kind 8, length 10) */
	if (length == JBR_TCP_SIZE + 12 && here == length && jbr_load_be32(options) == 0x0101080a) {
		packet->ts_value = jbr_load_be32(options + 4);
		packet->ts_echo = jbr_load_be32(options + 8);
		packet->options = JBR_OPT_TIMESTAMP;
		return;
	}
	jbr_parse_tcp_options(packet, options, length - JBR_TCP_SIZE, here - JBR_TCP_SIZE);
}
