/* SPDX-License-Identifier: BSD-3-Clause */
/* The frame parser. The first 8 bytes choose how the frame is read, the rest is the frame:
 *   0 link type   1 switches   2 layers_max   3 NIC flags   4-5 bytes the wire had beyond the capture
 *   6 packet number, VLAN tag   7 how much of the frame to cut off for the snap length comparison
 *
 * Beside what the sanitizers see, each result must hold together (check_result), leave no field
 * undefined, be the same by the straight path and by the general one, and never call a packet
 * malformed for what a shorter snap length cut. */
#include <stddef.h>
#include <stdint.h>

#include "jbr_packet.h"

enum {
	HEAD_SIZE = 8,
	LAYERS_STRAIGHT = JBR_LAYER_VLAN | JBR_LAYER_QINQ | JBR_LAYER_MPLS | JBR_LAYER_PPPOE,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool is_true)
{
	if (!is_true)
		__builtin_trap();
}

static bool
is_malformed(const struct jbr_packet *packet)
{
	return packet->kind == JBR_PACKET_NOT_ANALYSED &&
		(packet->reason == JBR_NOT_ANALYSED_MALFORMED_LINK ||
			packet->reason == JBR_NOT_ANALYSED_MALFORMED_IP ||
			packet->reason == JBR_NOT_ANALYSED_MALFORMED_TUNNEL ||
			packet->reason == JBR_NOT_ANALYSED_MALFORMED_TCP);
}

static bool
has_finding(const struct jbr_packet *packet, unsigned anomaly)
{
	for (unsigned i = 0; i < packet->findings_count; i++)
		if (packet->findings[i] == anomaly)
			return true;
	return false;
}

static void
check_findings(const struct jbr_packet *packet)
{
	require(packet->findings_count <= JBR_PACKET_FINDINGS_MAX);
	for (unsigned i = 0; i < packet->findings_count; i++) {
		uint16_t group;

		require(packet->findings[i] < JBR_ANOM_COUNT);
		group = jbr_anomalies[packet->findings[i]].group;
		require(group == JBR_GROUP_DECODER || group == JBR_GROUP_OPTION);
		for (unsigned j = 0; j < i; j++)
			require(packet->findings[i] != packet->findings[j]);
	}
}

static void
check_tcp(const struct jbr_frame *frame, const struct jbr_packet *packet)
{
	const uint8_t *end = frame->data + frame->captured;

	require(packet->ip >= frame->data && packet->ip < packet->tcp);
	require(packet->tcp + 20 <= end);
	require(packet->tcp_header_length >= 20 && packet->tcp_header_length <= 60);
	require(packet->tcp_header_length % 4 == 0);
	require(packet->payload >= packet->tcp + 20 && packet->payload <= end);
	require(packet->payload_captured <= (size_t)(end - packet->payload));
	require(packet->payload_captured <= packet->payload_length);
	require(packet->payload_length < packet->ip_length);
	require(packet->payload_length < UINT32_C(1) << 31);
	require(packet->ip_version == 4 || packet->ip_version == 6);
	require(packet->ip_version == 6 || jbr_address_is_ipv4(&packet->src));
	require(packet->wscale <= 14 && packet->sack_count <= JBR_PACKET_SACK_MAX);
	require(packet->flags <= 0xfff && packet->options < JBR_OPT_TRUNCATED << 1);
	require((packet->sack_count > 0) == !!(packet->options & JBR_OPT_SACK));
	require(packet->reason == 0 && packet->checksum <= JBR_CHECKSUM_PARTIAL);
	require(packet->checksum != JBR_CHECKSUM_BAD ||
		has_finding(packet, JBR_ANOM_TCP_BAD_CHECKSUM) ||
		packet->findings_count == JBR_PACKET_FINDINGS_MAX);
	require(!(packet->options & JBR_OPT_TRUNCATED) || packet->payload_captured == 0);
	require(!has_finding(packet, JBR_ANOM_TCP_BAD_HDR_LEN));
}

static void
check_result(const struct jbr_frame *frame, const struct jbr_packet *packet)
{
	check_findings(packet);
	require(packet->link == frame->link);
	require((packet->vlan[0] | packet->vlan[1]) <= 0xfff);
	switch (packet->kind) {
	case JBR_PACKET_TCP:
		check_tcp(frame, packet);
		break;
	case JBR_PACKET_ICMP_QUOTE:
		require(packet->reason == JBR_NOT_ANALYSED_ICMP);
		require(packet->tcp > packet->ip);
		require(packet->tcp + 8 <= frame->data + frame->captured);
		break;
	default:
		require(packet->kind == JBR_PACKET_NOT_ANALYSED);
		require(packet->reason < JBR_NOT_ANALYSED_COUNT);
		require((packet->reason == JBR_NOT_ANALYSED_ENCAP_DEPTH) ==
			has_finding(packet, JBR_ANOM_ENCAP_DEPTH_EXCEEDED));
		require((packet->reason == JBR_NOT_ANALYSED_UNKNOWN_LINK) ==
			(frame->link >= JBR_LINK_UNKNOWN));
		break;
	}
}

/* The same datagram without its link header takes the general path. */
static void
check_straight_path(const struct jbr_frame *frame, const struct jbr_packet_options *options,
	const struct jbr_packet *packet)
{
	uint32_t before = (uint32_t)(packet->ip - frame->data);
	struct jbr_frame inner = *frame;
	struct jbr_packet other;

	inner.data += before;
	inner.captured -= before;
	inner.wire -= before;
	inner.link = JBR_LINK_RAW_IP;
	inner.nic_flags &= (uint8_t)~JBR_NIC_VLAN_STRIPPED;
	jbr_packet_parse(&inner, options, &other);
	/* what only a link header can say */
	other.link = packet->link;
	other.layers = packet->layers;
	other.tenant = packet->tenant;
	other.has_link_src = packet->has_link_src;
	memcpy(other.vlan, packet->vlan, sizeof(other.vlan));
	memcpy(other.link_src, packet->link_src, sizeof(other.link_src));
	require(memcmp(packet, &other, sizeof(other)) == 0);
}

/* What an outline shows is what the whole look shows, and there is nothing else to be said. */
static void
check_outline(const struct jbr_frame *frame, const struct jbr_packet_options *options,
	const struct jbr_packet *packet)
{
	struct jbr_outline outline;
	struct jbr_glance seen;
	struct jbr_glance read;

	if (!jbr_packet_outline(frame, options, &outline))
		return;
	memset(&seen, 0, sizeof(seen));
	memset(&read, 0, sizeof(read));
	require(packet->kind == JBR_PACKET_TCP && packet->findings_count == 0);
	require(packet->tenant == 0 && packet->urgent == 0);
	require(packet->ip == outline.ip && packet->tcp == outline.tcp);
	require(packet->ip_version == outline.ip_version);
	require(jbr_packet_glance_of(packet, &read) == !outline.is_syn);
	jbr_packet_glance(&outline, &seen);
	require(memcmp(&seen, &read, sizeof(seen)) == 0);
	if (!outline.is_syn)
		return;
	require((packet->flags & ~(unsigned)(JBR_TCP_ECE | JBR_TCP_CWR)) == JBR_TCP_SYN);
	require(packet->ack == 0 && packet->payload_length == 0 && packet->window != 0);
	require(!packet->is_fragment && packet->checksum != JBR_CHECKSUM_BAD);
	require((packet->options & JBR_OPT_MSS) && packet->mss == outline.mss);
	require((packet->options & JBR_OPT_WSCALE ? packet->wscale : UINT8_MAX) == outline.wscale);
}

/* A smaller snap length may hide things; it invents none. */
static void
check_snap(const struct jbr_frame *frame, const struct jbr_packet_options *options,
	const struct jbr_packet *packet, uint8_t cut)
{
	struct jbr_frame shorter = *frame;
	struct jbr_packet other;

	if (cut >= frame->captured || is_malformed(packet))
		return;
	shorter.captured -= cut;
	jbr_packet_parse(&shorter, options, &other);
	check_result(&shorter, &other);
	require(!is_malformed(&other));
	require(packet->kind == JBR_PACKET_TCP || other.kind != JBR_PACKET_TCP);
}

static struct jbr_packet_options
options_of(const uint8_t *head)
{
	struct jbr_packet_options options = jbr_packet_options_default();

	options.gre = !(head[1] & 1);
	options.ip_in_ip = !(head[1] & 2);
	options.vlan_in_tuple = head[1] & 4;
	options.tunnel_in_tuple = head[1] & 8;
	options.checksum = (uint8_t)(3 - (head[1] >> 4 & 3));
	if (head[1] & 0x40)
		options.vxlan_port = options.geneve_port = options.gtpu_port = 0;
	if (head[1] & 0x80)
		options.teredo_port = 0;
	options.layers_max = (uint8_t)(head[2] == 0 ? 16 : 2 + head[2] % 31);
	return options;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jbr_packet_options options;
	struct jbr_packet packet;
	struct jbr_packet again;
	struct jbr_frame frame;

	if (size < HEAD_SIZE)
		return 0;
	options = options_of(data);
	frame = (struct jbr_frame){
		.data = data + HEAD_SIZE,
		.captured = (uint32_t)(size - HEAD_SIZE),
		.link = data[0] % (JBR_LINK_UNKNOWN + 2),
		.nic_flags = data[3] & 0x1f,
		.number = data[6],
		.vlan_tci = data[6],
	};
	frame.wire = frame.captured + jbr_load_be16(data + 4);
	/* two different backgrounds show a field that was left undefined */
	memset(&packet, 0xa5, sizeof(packet));
	memset(&again, 0x5a, sizeof(again));
	jbr_packet_parse(&frame, &options, &packet);
	jbr_packet_parse(&frame, &options, &again);
	require(memcmp(&packet, &again, sizeof(packet)) == 0);
	check_outline(&frame, &options, &packet);
	check_result(&frame, &packet);
	if (packet.kind == JBR_PACKET_TCP && (packet.layers & ~LAYERS_STRAIGHT) == 0)
		check_straight_path(&frame, &options, &packet);
	check_snap(&frame, &options, &packet, data[7]);
	return 0;
}
