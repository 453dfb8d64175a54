/* SPDX-License-Identifier: BSD-3-Clause */
#include "jbr_detect.h"

enum {
	FIN = JBR_TCP_FIN,
	SYN = JBR_TCP_SYN,
	RST = JBR_TCP_RST,
	PSH = JBR_TCP_PSH,
	ACK = JBR_TCP_ACK,
	URG = JBR_TCP_URG,
	SIX = FIN | SYN | RST | PSH | ACK | URG,
	XMAS = FIN | PSH | URG,

	ZMAP_IP_ID = 54321,
	ZMAP_WINDOW = 65535,
	NAPTHA_SEQ = 6060842,
	NAPTHA_IP_ID = 413,
	SHAFT_SEQ = 674711609,
};

/* A bit for each of the 64 sets of flags that a sane stack sends: nothing to be said about those. */
#define SET(flags) (UINT64_C(1) << (flags))
static const uint64_t sane_sets = SET(SYN) | SET(SYN | ACK) | SET(ACK) | SET(PSH | ACK) |
	SET(FIN | ACK) | SET(FIN | PSH | ACK) | SET(RST) | SET(RST | ACK);
#undef SET

static void
judge_flags(struct jbr_packet *packet, unsigned flags)
{
	if (flags == 0)
		jbr_packet_find(packet, JBR_ANOM_TCP_NULL_FLAGS);
	if (flags == XMAS)
		jbr_packet_find(packet, JBR_ANOM_TCP_XMAS);
	if (flags == SIX)
		jbr_packet_find(packet, JBR_ANOM_TCP_ALL_FLAGS);
	if ((flags & SYN) && (flags & FIN))
		jbr_packet_find(packet, JBR_ANOM_TCP_SYN_FIN);
	if ((flags & SYN) && (flags & RST))
		jbr_packet_find(packet, JBR_ANOM_TCP_SYN_RST);
	if ((flags & FIN) && (flags & RST))
		jbr_packet_find(packet, JBR_ANOM_TCP_FIN_RST);
	if ((flags & (FIN | ACK | SYN | RST)) == FIN && flags != XMAS)
		jbr_packet_find(packet, JBR_ANOM_TCP_FIN_NO_ACK);
	if ((flags & (PSH | URG)) && !(flags & (ACK | SYN | RST | FIN)))
		jbr_packet_find(packet, JBR_ANOM_TCP_MISSING_ACK);
}

static void
judge_urgent(struct jbr_packet *packet, unsigned flags)
{
	if (!(flags & URG)) {
		if (packet->urgent != 0)
			jbr_packet_find(packet, JBR_ANOM_TCP_URG_PTR_STRAY);
		return;
	}
	/* the Xmas set and the full one have their own names */
	if (packet->urgent == 0 || ((flags & (SYN | FIN | RST)) && flags != XMAS && flags != SIX))
		jbr_packet_find(packet, JBR_ANOM_TCP_URG_BAD);
}

static void
judge_payload(struct jbr_packet *packet, unsigned flags)
{
	/* where the options were cut off, a Fast Open option may have stood */
	if ((flags & (SYN | ACK)) == SYN &&
		!(packet->options & (JBR_OPT_FAST_OPEN | JBR_OPT_TRUNCATED)))
		jbr_packet_find(packet, JBR_ANOM_SYN_WITH_DATA);
	if ((flags & (SYN | ACK)) == (SYN | ACK))
		jbr_packet_find(packet, JBR_ANOM_SYNACK_WITH_DATA);
	if (flags & RST)
		jbr_packet_find(packet, JBR_ANOM_RST_WITH_DATA);
}

/* Constants that scanners and flooders are known by; in a SYN of any of them one suffices. */
static inline bool
has_tool_numbers(uint32_t ip_id, uint16_t window, uint32_t seq)
{
	return (ip_id == ZMAP_IP_ID && window == ZMAP_WINDOW) || seq == SHAFT_SEQ ||
		(seq == NAPTHA_SEQ && ip_id == NAPTHA_IP_ID);
}

static bool
is_tool(const struct jbr_packet *packet)
{
	if (has_tool_numbers(packet->ip_id, packet->window, packet->seq))
		return true;
	/* Mirai: the address is an IPv4 one */
	return packet->ip_version == 4 && packet->seq == __builtin_bswap32(packet->dst.words_be[3]);
}

static void
judge_syn(const struct jbr_params *params, struct jbr_packet *packet, bool has_ack)
{
	if ((packet->options & JBR_OPT_MSS) && packet->mss < params->tcp_mss_tiny_floor)
		jbr_packet_find(packet, JBR_ANOM_TCP_MSS_TINY);
	if (has_ack)
		return;
	if (!(packet->options & (JBR_OPT_MSS | JBR_OPT_TRUNCATED)))
		jbr_packet_find(packet, JBR_ANOM_TCP_OPT_SYN_BARE);
	if (is_tool(packet))
		jbr_packet_find(packet, JBR_ANOM_TCP_TOOL_SIGNATURE);
}

static bool
is_loopback(const union jbr_address *address, uint8_t ip_version)
{
	if (ip_version == 4)
		return address->bytes[12] == 127;
	return address->halves[0] == 0 && address->halves[1] == __builtin_bswap64(1);
}

/* Neither end of a TCP connection can be at such an address, wherever it was seen. */
static bool
is_bogon(const union jbr_address *address, uint8_t ip_version)
{
	if (ip_version == 4) /* 0/8; multicast, 240/4 and the broadcast address stand above */
		return address->bytes[12] == 0 || address->bytes[12] >= 224;
	return address->bytes[0] == 0xff || (address->halves[0] | address->halves[1]) == 0;
}

/* Was the packet captured on a loopback interface? Linux shows its own as Ethernet, or cooked, with
 * an address of zeros, which no frame on a wire comes from. */
static bool
is_loopback_capture(const struct jbr_packet *packet)
{
	static const uint8_t zeros[sizeof(packet->link_src)];

	if (packet->link == JBR_LINK_NULL || packet->link == JBR_LINK_LOOP)
		return true;
	return packet->has_link_src && memcmp(packet->link_src, zeros, sizeof(zeros)) == 0;
}

static void
judge_addresses(struct jbr_packet *packet)
{
	uint8_t version = packet->ip_version;
	bool is_local = is_loopback(&packet->src, version) || is_loopback(&packet->dst, version);

	if (JBR_UNLIKELY(is_bogon(&packet->src, version) || is_bogon(&packet->dst, version) ||
		    (is_local && !is_loopback_capture(packet))))
		jbr_packet_find(packet, JBR_ANOM_IP_BOGON_ADDRESS);
	if (JBR_UNLIKELY(packet->src.halves[1] == packet->dst.halves[1] &&
		    packet->src.halves[0] == packet->dst.halves[0] && !is_local))
		jbr_packet_find(packet, JBR_ANOM_LAND_ATTACK);
}

void
jbr_detect_flags(const struct jbr_params *params, struct jbr_packet *packet)
{
	unsigned flags = packet->flags & SIX;

	if (packet->kind != JBR_PACKET_TCP)
		return;
	judge_addresses(packet);
	if (JBR_UNLIKELY(packet->ttl < params->ip_low_ttl_floor))
		jbr_packet_find(packet, JBR_ANOM_IP_LOW_TTL);
	if (JBR_UNLIKELY(packet->src_port == 0 || packet->dst_port == 0))
		jbr_packet_find(packet, JBR_ANOM_TCP_PORT_ZERO);
	if (JBR_UNLIKELY(!(sane_sets >> flags & 1)))
		judge_flags(packet, flags);
	if (JBR_UNLIKELY(!(flags & (ACK | RST)) && packet->ack != 0))
		jbr_packet_find(packet, JBR_ANOM_TCP_ACK_FIELD_STRAY);
	if (JBR_UNLIKELY((flags & URG) || packet->urgent != 0))
		judge_urgent(packet, flags);
	if (JBR_UNLIKELY(packet->flags & JBR_TCP_RESERVED))
		jbr_packet_find(packet, JBR_ANOM_TCP_RESERVED_BITS);
	if (JBR_UNLIKELY(packet->payload_length > 0 && (flags & (SYN | RST))))
		judge_payload(packet, flags);
	if (flags & SYN)
		judge_syn(params, packet, flags & ACK);
	else if (JBR_UNLIKELY(packet->options & (JBR_OPT_MSS | JBR_OPT_WSCALE | JBR_OPT_SACK_OK)))
		jbr_packet_find(packet, JBR_ANOM_TCP_OPT_SYN_ONLY_MISPLACED);
}

bool
jbr_detect_is_quiet(const union jbr_address address[2], const uint16_t port[2])
{
	bool is_ipv4 = jbr_address_is_ipv4(&address[0]) && jbr_address_is_ipv4(&address[1]);
	uint8_t version = is_ipv4 ? 4 : 6;

	for (unsigned i = 0; i < 2; i++)
		if (port[i] == 0 || is_bogon(&address[i], version) ||
			is_loopback(&address[i], version))
			return false;
	return address[0].halves[0] != address[1].halves[0] ||
		address[0].halves[1] != address[1].halves[1];
}

/* As is_bogon() and is_loopback() by the first byte of an IPv4 address. */
static inline bool
is_first_byte_odd(uint8_t byte)
{
	return byte == 0 || byte == 127 || byte >= 224;
}

/* Of IPv6: jbr_detect_is_quiet() says it of the addresses. */
static bool
is_ipv6_quiet(const struct jbr_outline *outline)
{
	const uint16_t ports[2] = {1, 1};
	union jbr_address ends[2];

	memcpy(ends, outline->ip + 8, sizeof(ends));
	return jbr_detect_is_quiet(ends, ports);
}

bool
jbr_detect_is_syn_quiet(const struct jbr_params *params, const struct jbr_outline *outline)
{
	const uint8_t *ip = outline->ip;
	const uint8_t *tcp = outline->tcp;
	bool is_ipv4 = outline->ip_version == 4;
	uint32_t seq = jbr_load_be32(tcp + 4);
	uint32_t ip_id = is_ipv4 ? jbr_load_be16(ip + 4) : 0;

	if ((tcp[0] | tcp[1]) == 0 || (tcp[2] | tcp[3]) == 0 ||
		ip[is_ipv4 ? 8 : 7] < params->ip_low_ttl_floor ||
		outline->mss < params->tcp_mss_tiny_floor ||
		has_tool_numbers(ip_id, jbr_load_be16(tcp + 14), seq))
		return false;
	if (JBR_UNLIKELY(!is_ipv4))
		return is_ipv6_quiet(outline);
	/* the last is Mirai's */
	return !is_first_byte_odd(ip[12]) && !is_first_byte_odd(ip[16]) &&
		jbr_load_be32(ip + 12) != jbr_load_be32(ip + 16) && seq != jbr_load_be32(ip + 16);
}
