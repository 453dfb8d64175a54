/* SPDX-License-Identifier: BSD-3-Clause */
/* The frame that nearly every frame is, recognised by comparing its fixed bytes as a whole. */
#include <emmintrin.h>

#include "parser.h"

enum {
	TYPE_AT = 12, /* the type's place in an Ethernet header */
	VLAN_SIZE = 4,
	VLAN_ID_MASK = 0xfff,
	TIMESTAMP_SIZE = 12,           /* with the two NOPs before it */
	TIMESTAMP_HEAD = 0x0101080a,   /* NOP, NOP, kind 8, length 10 */
	MOST = JBR_ETHERNET_SIZE + 16, /* what the first comparison reads */
};

/* Bytes that must be as they stand, and which of their bits count. */
struct form {
	uint8_t mask[16] __attribute__((aligned(16)));
	uint8_t value[16] __attribute__((aligned(16)));
};

/* From the Ethernet type on: IPv4 without options, no fragment, TCP. */
static const struct form form_ipv4 = {
	.mask = {0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0xbf, 0xff, 0, 0xff},
	.value = {0x08, 0x00, 0x45, 0, 0, 0, 0, 0, 0, 0, 0, JBR_PROTOCOL_TCP},
};

/* The same: IPv6 without extension headers, TCP. */
static const struct form form_ipv6 = {
	.mask = {0xff, 0xff, 0xf0, 0, 0, 0, 0, 0, 0xff},
	.value = {0x86, 0xdd, 0x60, 0, 0, 0, 0, 0, JBR_PROTOCOL_TCP},
};

/* From the TCP sequence number on: reserved bits zero, ACK or PSH and ACK, no urgent pointer. */
static const struct form form_tcp = {
	.mask = {0, 0, 0, 0, 0, 0, 0, 0, 0x0f, 0xff & ~JBR_TCP_PSH, 0, 0, 0, 0, 0xff, 0xff},
	.value = {0, 0, 0, 0, 0, 0, 0, 0, 0, JBR_TCP_ACK},
};

static inline bool
has_form(const uint8_t *bytes, const struct form *form)
{
	__m128i here = _mm_loadu_si128((const __m128i *)(const void *)bytes);
	__m128i mask = _mm_load_si128((const __m128i *)(const void *)form->mask);
	__m128i value = _mm_load_si128((const __m128i *)(const void *)form->value);

	return _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_and_si128(here, mask), value)) == 0xffff;
}

static inline bool
read_tcp(const struct jbr_frame *frame, const struct jbr_packet_options *options,
	struct jbr_glance *glance, uint32_t ip_size)
{
	const uint8_t *tcp = glance->ip + ip_size;
	uint32_t length = glance->ip_length - ip_size;
	uint32_t header_length = (tcp[12] >> 4) * 4u;

	if (!has_form(tcp + 4, &form_tcp))
		return false;
	glance->has_ts = header_length == JBR_TCP_SIZE + TIMESTAMP_SIZE;
	if (header_length > length || (header_length != JBR_TCP_SIZE && !glance->has_ts))
		return false;
	glance->ts_value = 0;
	if (glance->has_ts) {
		if (jbr_load_be32(tcp + JBR_TCP_SIZE) != TIMESTAMP_HEAD)
			return false;
		glance->ts_value = jbr_load_be32(tcp + JBR_TCP_SIZE + 4);
	}
	glance->src_port = jbr_load_be16(tcp);
	glance->dst_port = jbr_load_be16(tcp + 2);
	glance->seq = jbr_load_be32(tcp + 4);
	glance->ack = jbr_load_be32(tcp + 8);
	glance->flags = tcp[13];
	glance->window = jbr_load_be16(tcp + 14);
	glance->tcp_checksum = jbr_load_be16(tcp + 16);
	glance->payload_length = length - header_length;
	return glance->window != 0 && jbr_is_tcp_checksum_fine(frame, options, glance, tcp, length);
}

static inline bool
read_ipv4(const struct jbr_frame *frame, const struct jbr_packet_options *options,
	struct jbr_glance *glance, uint32_t at)
{
	const uint8_t *ip = frame->data + at;

	glance->ip = ip;
	glance->ip_version = 4;
	glance->ip_length = jbr_load_be16(ip + 2);
	glance->ip_id = jbr_load_be16(ip + 4);
	glance->ttl = ip[8];
	if (glance->ip_length < JBR_IPV4_SIZE + JBR_TCP_SIZE ||
		glance->ip_length > frame->captured - at)
		return false;
	if (!(frame->nic_flags & JBR_NIC_IP_CHECKSUM_GOOD) && !jbr_is_plain_sum_good(ip))
		return false;
	return read_tcp(frame, options, glance, JBR_IPV4_SIZE);
}

static inline bool
read_ipv6(const struct jbr_frame *frame, const struct jbr_packet_options *options,
	struct jbr_glance *glance, uint32_t at)
{
	const uint8_t *ip = frame->data + at;

	glance->ip = ip;
	glance->ip_version = 6;
	glance->ip_length = jbr_load_be16(ip + 4) + (uint32_t)JBR_IPV6_SIZE;
	glance->ip_id = 0;
	glance->ttl = ip[7];
	if (glance->ip_length < JBR_IPV6_SIZE + JBR_TCP_SIZE ||
		glance->ip_length > frame->captured - at)
		return false;
	return read_tcp(frame, options, glance, JBR_IPV6_SIZE);
}

bool
jbr_packet_glance(const struct jbr_frame *frame, const struct jbr_packet_options *options,
	struct jbr_glance *ret_glance)
{
	uint32_t at = TYPE_AT;
	bool is_stripped = (frame->nic_flags & JBR_NIC_VLAN_STRIPPED) != 0;

	/* 58 bytes are the smallest frame of all, with a tag */
	if (frame->link != JBR_LINK_ETHERNET || frame->captured < MOST + VLAN_SIZE ||
		frame->captured < JBR_ETHERNET_SIZE + JBR_IPV4_SIZE + JBR_TCP_SIZE ||
		frame->wire < frame->captured)
		return false;
	ret_glance->vlan = 0;
	if (JBR_UNLIKELY(is_stripped)) {
		ret_glance->vlan = frame->vlan_tci & VLAN_ID_MASK;
	} else if (jbr_load_be16(frame->data + TYPE_AT) == JBR_ETHERTYPE_VLAN) {
		ret_glance->vlan = jbr_load_be16(frame->data + JBR_ETHERNET_SIZE) & VLAN_ID_MASK;
		at += VLAN_SIZE;
	}
	if (ret_glance->vlan != 0 && options->vlan_in_tuple)
		return false;
	if (has_form(frame->data + at, &form_ipv4))
		return read_ipv4(frame, options, ret_glance, at + 2);
	if (has_form(frame->data + at, &form_ipv6))
		return read_ipv6(frame, options, ret_glance, at + 2);
	return false;
}

bool
jbr_packet_glance_of(const struct jbr_packet *packet, struct jbr_glance *ret_glance)
{
	*ret_glance = (struct jbr_glance){
		.ip = packet->ip,
		.seq = packet->seq,
		.ack = packet->ack,
		.payload_length = packet->payload_length,
		.ip_length = packet->ip_length,
		.ts_value = packet->ts_value,
		.src_port = packet->src_port,
		.dst_port = packet->dst_port,
		.flags = packet->flags,
		.window = packet->window,
		.ip_id = packet->ip_id,
		.tcp_checksum = packet->tcp_checksum,
		.vlan = packet->vlan[0],
		.ttl = packet->ttl,
		.ip_version = packet->ip_version,
		.has_ts = (packet->options & JBR_OPT_TIMESTAMP) != 0,
	};
	return (packet->flags & ~(unsigned)JBR_TCP_PSH) == JBR_TCP_ACK && !packet->is_fragment &&
		packet->window != 0 && packet->checksum != JBR_CHECKSUM_BAD &&
		packet->payload_captured == packet->payload_length;
}
