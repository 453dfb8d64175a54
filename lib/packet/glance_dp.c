/* SPDX-License-Identifier: BSD-3-Clause */
/* The frame that nearly every frame is, recognised by comparing its fixed bytes as a whole. */
#include <emmintrin.h>

#include "parser.h"

enum {
	TYPE_AT = 12, /* the type's place in an Ethernet header */
	VLAN_SIZE = 4,
	VLAN_ID_MASK = 0xfff,
	TIMESTAMP_SIZE = 12,         /* with the two NOPs before it */
	TIMESTAMP_HEAD = 0x0101080a, /* NOP, NOP, kind 8, length 10 */
	MSS_HEAD = 0x0204,           /* kind 2, length 4 */
	SACK_TIMESTAMP = 0x0402080a, /* kind 4, length 2, and the timestamp's */
	NOP_WSCALE = 0x010303,       /* NOP, kind 3, length 3 */
	WSCALE_MAX = 14,             /* RFC 7323 2.3 */
	SYN_SIZE = JBR_TCP_SIZE + 4,
	LINUX_SYN_SIZE = JBR_TCP_SIZE + 20,
	SMALLEST = JBR_ETHERNET_SIZE + JBR_IPV4_SIZE + JBR_TCP_SIZE,
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

/* The same: ACK field and reserved bits zero, SYN, ECN's two bits or not, no urgent pointer. */
static const struct form form_syn = {
	.mask = {0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f, 0xff & ~(JBR_TCP_ECE | JBR_TCP_CWR), 0,
		0, 0, 0, 0xff, 0xff},
	.value = {0, 0, 0, 0, 0, 0, 0, 0, 0, JBR_TCP_SYN},
};

static inline bool
has_form(const uint8_t *bytes, const struct form *form)
{
	__m128i here = _mm_loadu_si128((const __m128i *)(const void *)bytes);
	__m128i mask = _mm_load_si128((const __m128i *)(const void *)form->mask);
	__m128i value = _mm_load_si128((const __m128i *)(const void *)form->value);

	return _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_and_si128(here, mask), value)) == 0xffff;
}

/* Any options of a SYN. */
static bool
outline_options(struct jbr_outline *outline, const uint8_t *options, uint32_t length)
{
	const unsigned known = JBR_OPT_MSS | JBR_OPT_WSCALE | JBR_OPT_SACK_OK | JBR_OPT_TIMESTAMP;
	struct jbr_packet packet; /* only what the options' reader touches */

	packet.findings_count = 0;
	packet.ts_value = 0;
	jbr_parse_tcp_options(&packet, options, length, length);
	if (packet.findings_count > 0 || !(packet.options & JBR_OPT_MSS) ||
		(packet.options & ~known) != 0)
		return false;
	outline->mss = packet.mss;
	outline->wscale = packet.options & JBR_OPT_WSCALE ? packet.wscale : UINT8_MAX;
	outline->has_ts = (packet.options & JBR_OPT_TIMESTAMP) != 0;
	outline->ts_value = packet.ts_value;
	return true;
}

/* The options of a SYN, all @p length bytes of TCP being its header; the commonest ones at once: an MSS
 * alone, and what Linux sends. */
static inline bool
outline_syn(struct jbr_outline *outline, const uint8_t *tcp, uint32_t length)
{
	const uint8_t *options = tcp + JBR_TCP_SIZE;

	outline->is_syn = true;
	if (length >= SYN_SIZE && jbr_load_be16(options) == MSS_HEAD) {
		outline->mss = jbr_load_be16(options + 2);
		if (length == SYN_SIZE) {
			outline->wscale = UINT8_MAX;
			outline->has_ts = false;
			outline->ts_value = 0;
			return true;
		}
		if (length == LINUX_SYN_SIZE && jbr_load_be32(options + 4) == SACK_TIMESTAMP &&
			jbr_load_be32(options + 16) >> 8 == NOP_WSCALE &&
			options[19] <= WSCALE_MAX) {
			outline->wscale = options[19];
			outline->has_ts = true;
			outline->ts_value = jbr_load_be32(options + 8);
			return true;
		}
	}
	return outline_options(outline, options, length - JBR_TCP_SIZE);
}

static inline bool
outline_tcp(const struct jbr_frame *frame, const struct jbr_packet_options *options,
	struct jbr_outline *outline, uint32_t ip_size)
{
	const uint8_t *tcp = outline->ip + ip_size;
	uint32_t length = outline->ip_length - ip_size;
	uint32_t header_length = (tcp[12] >> 4) * 4u;
	bool has_ts = header_length == JBR_TCP_SIZE + TIMESTAMP_SIZE;

	if ((tcp[14] | tcp[15]) == 0)
		return false;
	outline->tcp = tcp;
	outline->payload_length = length - header_length;
	if (JBR_UNLIKELY(!has_form(tcp + 4, &form_tcp)))
		return has_form(tcp + 4, &form_syn) && header_length == length &&
			outline_syn(outline, tcp, length) &&
			jbr_is_tcp_checksum_fine(frame, options, outline, length);
	if (header_length > length || (header_length != JBR_TCP_SIZE && !has_ts) ||
		(has_ts && jbr_load_be32(tcp + JBR_TCP_SIZE) != TIMESTAMP_HEAD))
		return false;
	outline->is_syn = false;
	outline->has_ts = has_ts;
	outline->ts_value = has_ts ? jbr_load_be32(tcp + JBR_TCP_SIZE + 4) : 0;
	return jbr_is_tcp_checksum_fine(frame, options, outline, length);
}

static inline bool
outline_ipv4(const struct jbr_frame *frame, const struct jbr_packet_options *options,
	struct jbr_outline *outline, uint32_t at)
{
	const uint8_t *ip = frame->data + at;
	uint32_t length = jbr_load_be16(ip + 2);

	if (length < JBR_IPV4_SIZE + JBR_TCP_SIZE || length > frame->captured - at)
		return false;
	if (!(frame->nic_flags & JBR_NIC_IP_CHECKSUM_GOOD) && !jbr_is_plain_sum_good(ip))
		return false;
	outline->ip = ip;
	outline->ip_version = 4;
	outline->ip_length = length;
	return outline_tcp(frame, options, outline, JBR_IPV4_SIZE);
}

/* Are both IPv6 addresses mapped IPv4 ones? The whole look takes them for IPv4. */
static inline bool
are_mapped(const uint8_t *addresses)
{
	union jbr_address ends[2];

	memcpy(ends, addresses, sizeof(ends));
	return jbr_address_is_ipv4(&ends[0]) && jbr_address_is_ipv4(&ends[1]);
}

static inline bool
outline_ipv6(const struct jbr_frame *frame, const struct jbr_packet_options *options,
	struct jbr_outline *outline, uint32_t at)
{
	const uint8_t *ip = frame->data + at;
	uint32_t length = jbr_load_be16(ip + 4) + (uint32_t)JBR_IPV6_SIZE;

	if (length < JBR_IPV6_SIZE + JBR_TCP_SIZE || length > frame->captured - at ||
		JBR_UNLIKELY(are_mapped(ip + 8)))
		return false;
	outline->ip = ip;
	outline->ip_version = 6;
	outline->ip_length = length;
	return outline_tcp(frame, options, outline, JBR_IPV6_SIZE);
}

bool
jbr_packet_outline(const struct jbr_frame *frame, const struct jbr_packet_options *options,
	struct jbr_outline *ret_outline)
{
	uint32_t at = TYPE_AT;

	/* with a tag the smallest has 58 bytes; what is read before its lengths are known is less */
	if (frame->link != JBR_LINK_ETHERNET || frame->captured < SMALLEST ||
		frame->wire < frame->captured)
		return false;
	ret_outline->vlan = 0;
	if (JBR_UNLIKELY(frame->nic_flags & JBR_NIC_VLAN_STRIPPED)) {
		ret_outline->vlan = frame->vlan_tci & VLAN_ID_MASK;
	} else if (jbr_load_be16(frame->data + TYPE_AT) == JBR_ETHERTYPE_VLAN) {
		ret_outline->vlan = jbr_load_be16(frame->data + JBR_ETHERNET_SIZE) & VLAN_ID_MASK;
		at += VLAN_SIZE;
	}
	if (JBR_UNLIKELY(ret_outline->vlan != 0 && options->vlan_in_tuple))
		return false;
	if (has_form(frame->data + at, &form_ipv4))
		return outline_ipv4(frame, options, ret_outline, at + 2);
	if (has_form(frame->data + at, &form_ipv6))
		return outline_ipv6(frame, options, ret_outline, at + 2);
	return false;
}

bool
jbr_packet_glance_of(const struct jbr_packet *packet, struct jbr_glance *ret_glance)
{
	*ret_glance = (struct jbr_glance){
		.seq = packet->seq,
		.ack = packet->ack,
		.payload_length = packet->payload_length,
		.ip_length = packet->ip_length,
		.ts_value = packet->ts_value,
		.ip_id = packet->ip_id,
		.flags = packet->flags,
		.window = packet->window,
		.tcp_checksum = packet->tcp_checksum,
		.vlan = packet->vlan[0],
		.ttl = packet->ttl,
		.has_ts = (packet->options & JBR_OPT_TIMESTAMP) != 0,
	};
	return (packet->flags & ~(unsigned)JBR_TCP_PSH) == JBR_TCP_ACK && !packet->is_fragment &&
		packet->window != 0 && packet->checksum != JBR_CHECKSUM_BAD &&
		packet->payload_captured == packet->payload_length;
}
