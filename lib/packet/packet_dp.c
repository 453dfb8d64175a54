/* SPDX-License-Identifier: BSD-3-Clause */
#include "parser.h"

struct jbr_packet_options
jbr_packet_options_default(void)
{
	return (struct jbr_packet_options){
		.vxlan_port = 4789,
		.geneve_port = 6081,
		.gtpu_port = 2152,
		.teredo_port = 3544,
		.gre = true,
		.ip_in_ip = true,
		.layers_max = 16,
		.checksum = JBR_CHECKSUM_MODE_SOFTWARE,
	};
}

/* What tells equal tuples apart. */
static inline uint64_t
tenant_of(const struct jbr_packet *packet, const struct jbr_packet_options *options)
{
	uint64_t tenant = 0;

	if (options->tunnel_in_tuple)
		tenant = (uint64_t)packet->tunnel << 24;
	if (options->vlan_in_tuple)
		tenant |= (uint64_t)packet->vlan[1] << 12 | packet->vlan[0];
	return tenant;
}

/* Read layer after layer. Ends, because every way round passes a counted layer or consumes bytes. */
static void
parse_layers(struct jbr_parser *p)
{
	enum jbr_step step = jbr_parse_link(p);

	while (step != JBR_STEP_DONE) {
		switch (step) {
		case JBR_STEP_ETHERNET:
			step = jbr_parse_ethernet(p);
			break;
		case JBR_STEP_ETHERTYPE:
			step = jbr_parse_ethertype(p);
			break;
		case JBR_STEP_PPP:
			step = jbr_parse_ppp(p);
			break;
		case JBR_STEP_IP:
			step = jbr_parse_ip(p);
			break;
		case JBR_STEP_IPV4:
			step = jbr_parse_ipv4(p);
			break;
		case JBR_STEP_IPV6:
			step = jbr_parse_ipv6(p);
			break;
		case JBR_STEP_GRE:
			step = jbr_parse_gre(p);
			break;
		case JBR_STEP_UDP:
			step = jbr_parse_udp(p);
			break;
		case JBR_STEP_ICMP:
			step = jbr_parse_icmp(p);
			break;
		case JBR_STEP_TCP:
			step = jbr_parse_tcp(p);
			break;
		case JBR_STEP_DONE:
			break;
		}
	}
}

/* In parts, because above 96 bytes gcc writes a string instruction, which is slow to start. */
static inline void
clear(struct jbr_packet *packet)
{
	const size_t sack = offsetof(struct jbr_packet, sack_left);
	const size_t options = offsetof(struct jbr_packet, options);

	memset(packet, 0, sack);
	memset((char *)packet + sack, 0, options - sack);
	memset((char *)packet + options, 0, sizeof(*packet) - options);
}

static void
parse_any(const struct jbr_frame *frame, const struct jbr_packet_options *options,
	struct jbr_packet *packet)
{
	struct jbr_parser p = {
		.data = frame->data,
		.frame = frame,
		.options = options,
		.packet = packet,
		.captured = jbr_min_u32(frame->captured, JBR_FRAME_SIZE_MAX),
	};

	clear(packet);
	packet->kind = JBR_PACKET_NOT_ANALYSED;
	packet->link = frame->link;
	/* the wire held at least what was captured, whatever the capture's header says */
	p.end = jbr_min_u32(frame->wire, JBR_FRAME_SIZE_MAX);
	if (p.end < p.captured)
		p.end = p.captured;
	if (frame->nic_flags & JBR_NIC_VLAN_STRIPPED) {
		packet->vlan[p.tags++] = frame->vlan_tci & 0xfff;
		if (!jbr_parser_enter(&p, JBR_LAYER_VLAN))
			return;
	}
	parse_layers(&p);
	packet->tenant = tenant_of(packet, options);
}

/* Nearly every packet is TCP straight in IP in Ethernet, with one VLAN tag or none, and no fragment.
 * It is read without the machinery above, to the same result. */

enum {
	VLAN_SIZE = 4,
	VLAN_ID_MASK = 0xfff,
	IPV4_VERSION_LENGTH = 0x45, /* no options */
	IPV4_DF_MASK = 0x4000,
};

/* A packet that looks plain so far. */
struct plain {
	const struct jbr_frame *frame;
	const struct jbr_packet_options *options;
	struct jbr_packet *packet;
	uint32_t ip_at; /* offset of the IP header, up to which all is captured */
	uint16_t vlan;
	bool is_tagged;
};

/* What memset() does, without the call; @p size is a constant of 16 or more. */
static inline __attribute__((always_inline)) void
zero(char *at, size_t size)
{
	typedef uint64_t pair_t __attribute__((vector_size(16), aligned(1), may_alias));

	for (size_t done = 0; done + sizeof(pair_t) <= size; done += sizeof(pair_t)) {
		*(pair_t *)(void *)(at + done) = (pair_t){0, 0};
		__asm__("" ::: "memory"); /* else gcc makes a call of it again */
	}
	*(pair_t *)(void *)(at + size - sizeof(pair_t)) = (pair_t){0, 0};
}

/* Zero the fields that most packets leave so and that only some of them write; fill the common. */
static inline void
begin_plain(const struct plain *p, const uint8_t *header)
{
	struct jbr_packet *packet = p->packet;
	const size_t options = offsetof(struct jbr_packet, options);
	const size_t stamps = offsetof(struct jbr_packet, ts_value);

	zero((char *)packet + options, sizeof(*packet) - options);
	zero((char *)packet + stamps, offsetof(struct jbr_packet, ip_length) - stamps);
	packet->ip = header;
	packet->vlan[0] = p->vlan;
	packet->layers = p->is_tagged ? JBR_LAYER_VLAN : 0;
	packet->tenant = p->options->vlan_in_tuple ? p->vlan : 0;
	packet->link = JBR_LINK_ETHERNET;
	packet->has_link_src = true;
	memcpy(packet->link_src, p->frame->data + 6, sizeof(packet->link_src));
}

/* The datagram of @p ip_length bytes was on the wire whole: take the TCP header behind @p ip_size
 * bytes of IP.
 * @return false when it is not plain after all; then nothing counts that was written */
static inline bool
end_plain(const struct plain *p, uint32_t ip_size, uint32_t ip_length)
{
	struct jbr_packet *packet = p->packet;
	const uint8_t *header = packet->ip + ip_size;
	uint32_t header_length = (header[12] >> 4) * 4u;
	uint32_t length = ip_length - ip_size;
	uint32_t here = jbr_min_u32(p->frame->captured - p->ip_at - ip_size, length);

	if (JBR_UNLIKELY(header_length < JBR_TCP_SIZE || header_length > here))
		return false;
	packet->ip_length = ip_length;
	packet->payload = header + header_length;
	packet->payload_length = length - header_length;
	packet->payload_captured = here - header_length;
	jbr_read_tcp_header(packet, header, header_length, header_length);
	if (here == length)
		jbr_judge_tcp_checksum(p->frame, p->options, packet, length);
	return true;
}

static inline bool
parse_plain_ipv4(const struct plain *p)
{
	struct jbr_packet *packet = p->packet;
	const uint8_t *header = p->frame->data + p->ip_at;
	uint32_t length;
	unsigned bits;

	if (p->frame->captured < p->ip_at + JBR_IPV4_SIZE + JBR_TCP_SIZE ||
		header[0] != IPV4_VERSION_LENGTH || header[9] != JBR_PROTOCOL_TCP)
		return false;
	bits = jbr_load_be16(header + 6);
	length = jbr_load_be16(header + 2);
	if ((bits & ~IPV4_DF_MASK) != 0 || length < JBR_IPV4_SIZE + JBR_TCP_SIZE ||
		length > p->frame->wire - p->ip_at)
		return false;
	begin_plain(p, header);
	packet->ip_version = 4;
	packet->dscp_ecn = header[1];
	packet->ip_id = jbr_load_be16(header + 4);
	packet->ip_df = bits != 0;
	packet->ttl = header[8];
	jbr_address_set_ipv4(&packet->src, header + 12);
	jbr_address_set_ipv4(&packet->dst, header + 16);
	if (!(p->frame->nic_flags & JBR_NIC_IP_CHECKSUM_GOOD) &&
		JBR_UNLIKELY(!jbr_is_plain_sum_good(header)))
		jbr_packet_find(packet, JBR_ANOM_IP_BAD_CHECKSUM);
	return end_plain(p, JBR_IPV4_SIZE, length);
}

static inline bool
parse_plain_ipv6(const struct plain *p)
{
	struct jbr_packet *packet = p->packet;
	const uint8_t *header = p->frame->data + p->ip_at;
	uint32_t length;

	if (p->frame->captured < p->ip_at + JBR_IPV6_SIZE + JBR_TCP_SIZE || header[0] >> 4 != 6 ||
		header[6] != JBR_PROTOCOL_TCP)
		return false;
	length = jbr_load_be16(header + 4) + (uint32_t)JBR_IPV6_SIZE;
	if (length < JBR_IPV6_SIZE + JBR_TCP_SIZE || length > p->frame->wire - p->ip_at)
		return false;
	begin_plain(p, header);
	packet->ip_version = 6;
	packet->dscp_ecn = (uint8_t)(jbr_load_be16(header) >> 4);
	packet->ip_id = 0;
	packet->ttl = header[7];
	memcpy(&packet->src, header + 8, sizeof(packet->src));
	memcpy(&packet->dst, header + 24, sizeof(packet->dst));
	return end_plain(p, JBR_IPV6_SIZE, length);
}

static inline bool
parse_plain(const struct jbr_frame *frame, const struct jbr_packet_options *options,
	struct jbr_packet *packet)
{
	struct plain p = {
		.frame = frame,
		.options = options,
		.packet = packet,
		.ip_at = JBR_ETHERNET_SIZE,
	};
	uint16_t type;

	/* 34 bytes hold whatever is looked at before the IP header's own test */
	if (frame->link != JBR_LINK_ETHERNET ||
		frame->captured < JBR_ETHERNET_SIZE + JBR_IPV4_SIZE ||
		frame->wire < frame->captured)
		return false;
	type = jbr_load_be16(frame->data + 12);
	if (frame->nic_flags & JBR_NIC_VLAN_STRIPPED) {
		p.is_tagged = true;
		p.vlan = frame->vlan_tci & VLAN_ID_MASK;
	} else if (type == JBR_ETHERTYPE_VLAN) {
		p.is_tagged = true;
		p.vlan = jbr_load_be16(frame->data + JBR_ETHERNET_SIZE) & VLAN_ID_MASK;
		p.ip_at += VLAN_SIZE;
		type = jbr_load_be16(frame->data + JBR_ETHERNET_SIZE + 2);
	}
	if (type == JBR_ETHERTYPE_IPV4)
		return parse_plain_ipv4(&p);
	if (type == JBR_ETHERTYPE_IPV6)
		return parse_plain_ipv6(&p);
	return false;
}

void
jbr_packet_parse(const struct jbr_frame *frame, const struct jbr_packet_options *options,
	struct jbr_packet *ret_packet)
{
	if (!parse_plain(frame, options, ret_packet))
		parse_any(frame, options, ret_packet);
}
