/* SPDX-License-Identifier: BSD-3-Clause */
#include "captures.h"

/* The tunnel's own ends: the client's gateway and the server's. */
static const char *const gateways[2] = {"203.0.113.1", "203.0.113.2"};
static const char *const gateways6[2] = {"2001:db8:f::1", "2001:db8:f::2"};

static void
outside(struct builder *frame, enum builder_side from)
{
	builder_ethernet(frame, NULL, NULL);
	builder_ip(frame, gateways[from], gateways[!from]);
}

static void
outside6(struct builder *frame, enum builder_side from)
{
	builder_ethernet(frame, NULL, NULL);
	builder_ip(frame, gateways6[from], gateways6[!from]);
}

/* A tunnel's capture: its outer layers, the function that makes it, the story's IP version. */
#define TUNNEL(name, version, ...) \
	static void outer_##name(struct builder *frame, const struct builder_talk *talk, \
		enum builder_side from) \
	{ \
		(void)talk; \
		(void)from; \
		__VA_ARGS__ \
	} \
	static void make_##name(struct jbr_buffer *out, struct builder_trace *trace) \
	{ \
		captures_short(trace, outer_##name, version); \
		builder_pcap_trace(out, &(struct builder_pcap){.link = BUILDER_LINK_ETHERNET}, \
			trace); \
	}

TUNNEL(vlan, CAPTURES_MIXED, {
	builder_ethernet(frame, NULL, NULL);
	builder_vlan(frame, 0x8100, 0x6064);
})

TUNNEL(qinq, CAPTURES_MIXED, {
	builder_ethernet(frame, NULL, NULL);
	builder_vlan(frame, 0x88a8, 200);
	builder_vlan(frame, 0x8100, 100);
})

TUNNEL(qinq_9100, CAPTURES_IPV4, {
	builder_ethernet(frame, NULL, NULL);
	builder_vlan(frame, 0x9100, 300);
	builder_vlan(frame, 0x8100, 100);
})

TUNNEL(mpls, CAPTURES_MIXED, {
	builder_ethernet(frame, NULL, NULL);
	builder_mpls(frame, 16001, 62);
	builder_mpls(frame, 24017, 62);
})

TUNNEL(mpls_ethernet, CAPTURES_IPV4, {
	static const uint8_t control_word[4] = {0};

	builder_ethernet(frame, NULL, NULL);
	builder_mpls(frame, 16001, 62);
	builder_bytes(frame, control_word, sizeof(control_word));
	builder_ethernet(frame, NULL, NULL);
})

TUNNEL(pppoe, CAPTURES_MIXED, {
	builder_ethernet(frame, NULL, NULL);
	builder_pppoe(frame, 0x1234);
})

TUNNEL(vlan_pppoe, CAPTURES_IPV4, {
	builder_ethernet(frame, NULL, NULL);
	builder_vlan(frame, 0x88a8, 7);
	builder_vlan(frame, 0x8100, 70);
	builder_pppoe(frame, 1);
})

TUNNEL(gre, CAPTURES_MIXED, {
	outside(frame, from);
	builder_gre(frame, &(struct builder_gre){0});
})

TUNNEL(gre_options, CAPTURES_IPV4, {
	outside(frame, from);
	builder_gre(frame,
		&(struct builder_gre){.has_checksum = true,
			.has_key = true,
			.has_sequence = true,
			.key = 77,
			.sequence = 1});
})

TUNNEL(nvgre, CAPTURES_IPV4, {
	outside(frame, from);
	builder_gre(frame, &(struct builder_gre){.has_key = true, .key = 5001 << 8});
	builder_ethernet(frame, NULL, NULL);
})

TUNNEL(erspan1, CAPTURES_IPV4, {
	outside(frame, BUILDER_CLIENT);
	builder_gre(frame, &(struct builder_gre){0});
	builder_erspan(frame, 1, 0, 0);
	builder_ethernet(frame, NULL, NULL);
})

TUNNEL(erspan2, CAPTURES_IPV4, {
	outside(frame, BUILDER_CLIENT);
	builder_gre(frame, &(struct builder_gre){.has_sequence = true});
	builder_erspan(frame, 2, 100, 9);
	builder_ethernet(frame, NULL, NULL);
	builder_vlan(frame, 0x8100, 100);
})

TUNNEL(erspan3, CAPTURES_IPV4, {
	outside(frame, BUILDER_CLIENT);
	builder_gre(frame, &(struct builder_gre){.has_sequence = true});
	builder_erspan(frame, 3, 100, 9);
	builder_ethernet(frame, NULL, NULL);
})

TUNNEL(ip_in_ip, CAPTURES_MIXED, { outside(frame, from); })

TUNNEL(ip_in_ipv6, CAPTURES_MIXED, { outside6(frame, from); })

TUNNEL(vxlan, CAPTURES_MIXED, {
	outside(frame, from);
	builder_udp_header(frame,
		&(struct builder_udp){.src_port = 49152,
			.dst_port = 4789,
			.keep = BUILDER_CHECKSUM});
	builder_vxlan(frame, 5001);
	builder_ethernet(frame, NULL, NULL);
})

TUNNEL(vxlan6, CAPTURES_IPV4, {
	outside6(frame, from);
	builder_udp(frame, 49152, 4789);
	builder_vxlan(frame, 5001);
	builder_ethernet(frame, NULL, NULL);
	builder_vlan(frame, 0x8100, 12);
})

TUNNEL(geneve, CAPTURES_MIXED, {
	static const uint8_t options[12] = {0x01, 0x02, 0x80, 0x02, 1, 2, 3, 4, 5, 6, 7, 8};

	outside(frame, from);
	builder_udp(frame, 49152, 6081);
	builder_geneve(frame, 5002, options, sizeof(options));
	builder_ethernet(frame, NULL, NULL);
})

TUNNEL(geneve_ip, CAPTURES_MIXED, {
	outside(frame, from);
	builder_udp(frame, 49152, 6081);
	builder_geneve(frame, 5002, NULL, 0);
})

TUNNEL(gtpu, CAPTURES_MIXED, {
	outside(frame, from);
	builder_udp(frame, 2152, 2152);
	builder_gtpu(frame, 255, from == BUILDER_CLIENT ? 0x1001 : 0x2001, false);
})

TUNNEL(gtpu_extension, CAPTURES_IPV4, {
	outside(frame, from);
	builder_udp(frame, 2152, 2152);
	builder_gtpu(frame, 255, from == BUILDER_CLIENT ? 0x1001 : 0x2001, true);
})

TUNNEL(teredo, CAPTURES_IPV6, {
	outside(frame, from);
	builder_udp(frame, from == BUILDER_CLIENT ? 50000 : 3544,
		from == BUILDER_CLIENT ? 3544 : 50000);
	if (from == BUILDER_SERVER) {
		builder_teredo_authentication(frame);
		builder_teredo_origin(frame);
	}
})

TUNNEL(nested, CAPTURES_MIXED, {
	builder_ethernet(frame, NULL, NULL);
	builder_vlan(frame, 0x88a8, 200);
	builder_vlan(frame, 0x8100, 100);
	builder_mpls(frame, 16001, 62);
	builder_ip(frame, gateways6[from], gateways6[!from]);
	builder_gre(frame, &(struct builder_gre){.has_key = true, .key = 9});
	builder_ip(frame, gateways[from], gateways[!from]);
	builder_udp(frame, 49152, 4789);
	builder_vxlan(frame, 42);
	builder_ethernet(frame, NULL, NULL);
})

static void
add_cut(struct builder_trace *trace, uint64_t time_ns, const struct builder *whole,
	const uint16_t *cuts)
{
	static struct builder fragment;

	for (; cuts[1] != 0; cuts++) {
		builder_cut_fragment(&fragment, whole, cuts[0], (uint32_t)cuts[1] - cuts[0]);
		builder_trace_add(trace, time_ns, &fragment);
		time_ns += JBR_NS_PER_MS;
	}
}

/* A connection whose requests travel in fragments: whole header first, header cut, last one first. */
static void
make_fragments(struct jbr_buffer *out, struct builder_trace *trace)
{
	static const char *const ends[2][2] = {
		{"192.0.2.10:40000", "198.51.100.20:80"},
		{"[2001:db8:1::10]:40000", "[2001:db8:2::20]:80"},
	};
	const struct builder_segment request = {.flags = BUILDER_PSH | BUILDER_ACK, .length = 568};
	static struct builder whole;
	struct builder_talk talk;

	for (unsigned i = 0; i < 2; i++) {
		builder_talk_init(&talk, trace, CAPTURES_START + i * JBR_NS_PER_S, ends[i][0],
			ends[i][1]);
		talk.ends[BUILDER_CLIENT].has_do_not_fragment = false;
		builder_talk_open(&talk);
		/* 32 bytes of header + 568 of payload */
		builder_talk_frame(&talk, BUILDER_CLIENT, &request, &whole);
		add_cut(trace, talk.time_ns, &whole, (const uint16_t[]){0, 200, 400, 600, 0});
		talk.ends[BUILDER_CLIENT].next += 568;
		talk.ends[BUILDER_CLIENT].ip_id++;
		builder_talk_wait_ms(&talk, 10);
		builder_talk_ack(&talk, BUILDER_SERVER);
		builder_talk_frame(&talk, BUILDER_CLIENT, &request, &whole);
		add_cut(trace, talk.time_ns, &whole, (const uint16_t[]){0, 16, 600, 0});
		talk.ends[BUILDER_CLIENT].next += 568;
		talk.ends[BUILDER_CLIENT].ip_id++;
		builder_talk_wait_ms(&talk, 10);
		builder_talk_ack(&talk, BUILDER_SERVER);
		builder_talk_frame(&talk, BUILDER_CLIENT, &request, &whole);
		add_cut(trace, talk.time_ns, &whole, (const uint16_t[]){400, 600, 0});
		add_cut(trace, talk.time_ns + JBR_NS_PER_MS, &whole, (const uint16_t[]){0, 400, 0});
		talk.ends[BUILDER_CLIENT].next += 568;
		talk.ends[BUILDER_CLIENT].ip_id++;
		builder_talk_wait_ms(&talk, 10);
		builder_talk_ack(&talk, BUILDER_SERVER);
		builder_talk_close(&talk, BUILDER_CLIENT);
	}
	builder_pcap_trace(out, &(struct builder_pcap){.link = BUILDER_LINK_ETHERNET}, trace);
}

/* TCP behind IPv6 extension headers, in their right order. */
static void
make_extensions(struct jbr_buffer *out, struct builder_trace *trace)
{
	static const uint8_t padding[6] = {1, 4, 0, 0, 0, 0};
	static const uint8_t routing[22] = {2}; /* mobility: a home address; no segments left */
	const struct builder_tcp tcp = {.src_port = 40000,
		.dst_port = 80,
		.seq = 1,
		.flags = BUILDER_SYN,
		.window = 1000};
	static struct builder frame;

	for (unsigned i = 0; i < 6; i++) {
		builder_init(&frame);
		builder_ethernet(&frame, NULL, NULL);
		builder_ip(&frame, "2001:db8:1::10", "2001:db8:2::20");
		if (i == 0 || i == 5)
			builder_ipv6_extension(&frame, BUILDER_HOP_BY_HOP, padding,
				sizeof(padding));
		if (i == 1 || i == 5)
			builder_ipv6_extension(&frame, BUILDER_ROUTING, routing, sizeof(routing));
		if (i == 2)
			builder_ipv6_fragment(&frame, 0, true, 7);
		if (i == 3 || i == 5)
			builder_ipv6_extension(&frame, BUILDER_AUTHENTICATION, NULL, 22);
		if (i == 4 || i == 5)
			builder_ipv6_extension(&frame, BUILDER_DESTINATION, padding,
				sizeof(padding));
		builder_tcp(&frame, &tcp);
		if (i == 2)
			builder_bytes(&frame, NULL, 4); /* a first fragment is a multiple of 8 */
		builder_finish(&frame);
		builder_trace_add(trace, CAPTURES_START + i * JBR_NS_PER_S, &frame);
	}
	builder_pcap_trace(out, &(struct builder_pcap){.link = BUILDER_LINK_ETHERNET}, trace);
}

const struct captures_file captures_tunnels[] = {
	{"vlan.pcap", "VLAN 100 with a priority, both IP versions", make_vlan},
	{"qinq.pcap", "802.1ad tag 200, 802.1Q tag 100", make_qinq},
	{"qinq_9100.pcap", "outer tag with TPID 0x9100", make_qinq_9100},
	{"mpls.pcap", "two labels, IPv4 and IPv6 below", make_mpls},
	{"mpls_ethernet.pcap", "a pseudowire: label, control word, Ethernet", make_mpls_ethernet},
	{"pppoe.pcap", "PPPoE session, IPv4 and IPv6", make_pppoe},
	{"vlan_pppoe.pcap", "two tags, then PPPoE", make_vlan_pppoe},
	{"gre.pcap", "GRE without options", make_gre},
	{"gre_options.pcap", "GRE with checksum, key and sequence number", make_gre_options},
	{"nvgre.pcap", "NVGRE, VSID 5001", make_nvgre},
	{"erspan1.pcap", "ERSPAN type I, both directions from one mirror", make_erspan1},
	{"erspan2.pcap", "ERSPAN type II with a tagged frame", make_erspan2},
	{"erspan3.pcap", "ERSPAN type III", make_erspan3},
	{"ip_in_ip.pcap", "IPv4 and IPv6 inside IPv4", make_ip_in_ip},
	{"ip_in_ipv6.pcap", "IPv4 and IPv6 inside IPv6", make_ip_in_ipv6},
	{"vxlan.pcap", "VXLAN, VNI 5001, no outer UDP checksum", make_vxlan},
	{"vxlan6.pcap", "VXLAN over IPv6, a tag inside", make_vxlan6},
	{"geneve.pcap", "GENEVE with an option, Ethernet inside", make_geneve},
	{"geneve_ip.pcap", "GENEVE, IP inside", make_geneve_ip},
	{"gtpu.pcap", "GTP-U, another TEID in each direction", make_gtpu},
	{"gtpu_extension.pcap", "GTP-U with sequence number and an extension header",
		make_gtpu_extension},
	{"teredo.pcap", "Teredo; the server's packets with authentication and origin", make_teredo},
	{"nested.pcap", "two tags, MPLS, IPv6, GRE, IPv4, VXLAN", make_nested},
	{"fragments.pcap",
		"requests in fragments: header whole, header cut at 16 bytes, last one first",
		make_fragments},
	{"extensions.pcap", "SYNs behind IPv6 extension headers", make_extensions},
};
const size_t captures_tunnels_count = JBR_COUNT_OF(captures_tunnels);
