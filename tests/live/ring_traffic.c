/* SPDX-License-Identifier: BSD-3-Clause */
#include "ring_traffic.h"

#include <stdio.h>

static void
add_other(struct builder_trace *trace, enum kind kind, uint64_t time_ns, struct builder *frame)
{
	builder_finish(frame);
	trace->interface = (uint16_t)kind;
	builder_trace_add(trace, time_ns, frame);
	trace->interface = TCP;
}

/* An ICMP error that rejects the segment @p quoted, which the client has sent. */
static void
add_rejection(struct builder_talk *talk, const struct builder *quoted, bool is_ipv6)
{
	static struct builder frame;
	struct builder_icmp icmp = {.type = is_ipv6 ? 1 : 3, .code = is_ipv6 ? 4 : 3};

	builder_init(&frame);
	builder_ethernet(&frame, NULL, NULL);
	builder_ip(&frame, is_ipv6 ? "2001:db8:2::20" : "198.51.100.20",
		is_ipv6 ? "2001:db8:1::9" : "10.0.0.9");
	builder_icmp(&frame, &icmp);
	builder_quote(&frame, quoted, is_ipv6 ? 60 : 40);
	add_other(talk->trace, ICMP, talk->time_ns, &frame);
}

static void
add_refused(struct builder_talk *talk, bool is_ipv6)
{
	static struct builder syn;
	struct builder_segment segment = {.flags = BUILDER_SYN};

	builder_talk_frame(talk, BUILDER_CLIENT, &segment, &syn);
	builder_talk_syn(talk);
	add_rejection(talk, &syn, is_ipv6);
}

/* A segment in two fragments: the first has the whole TCP header. */
static void
add_fragments(struct builder_talk *talk)
{
	struct builder_trace *trace = talk->trace;
	static struct builder whole, part;
	struct builder_segment segment = {.flags = BUILDER_ACK, .length = 100};

	talk->ends[BUILDER_CLIENT].has_do_not_fragment = false;
	builder_talk_frame(talk, BUILDER_CLIENT, &segment, &whole);
	builder_cut_fragment(&part, &whole, 0, 64);
	builder_trace_add(trace, talk->time_ns, &part);
	builder_cut_fragment(&part, &whole, 64, 68);
	trace->interface = FRAGMENT;
	builder_trace_add(trace, talk->time_ns + 1, &part);
	trace->interface = TCP;
}

/* One of several stories; each connection has a tuple of its own. */
static void
add_connection(struct builder_trace *trace, unsigned number)
{
	struct builder_talk talk;
	char client[64], server[64];
	bool is_ipv6 = number % 4 == 3;

	snprintf(client, sizeof(client), is_ipv6 ? "[2001:db8:1::%x]:%u" : "10.0.%u.9:%u",
		number % 200, 20000 + number);
	snprintf(server, sizeof(server), "%s",
		is_ipv6 ? "[2001:db8:2::20]:443" : "198.51.100.20:443");
	builder_talk_init(&talk, trace, (1 + number) * JBR_NS_PER_MS, client, server);
	talk.gap_ns = 40 * JBR_NS_PER_MS;
	if (number % 8 == 1 || number % 8 == 7) {
		add_refused(&talk, is_ipv6);
		return;
	}
	builder_talk_syn(&talk);
	if (number % 8 == 2) {
		builder_talk_rst(&talk, BUILDER_SERVER);
		return;
	}
	builder_talk_synack(&talk);
	builder_talk_ack(&talk, BUILDER_CLIENT);
	for (unsigned i = 0; i < 3; i++) {
		builder_talk_data(&talk, BUILDER_CLIENT, 40);
		builder_talk_data(&talk, BUILDER_SERVER, 90);
	}
	if (number % 8 == 4)
		add_fragments(&talk);
	if (number % 8 == 5) {
		builder_talk_rst(&talk, BUILDER_CLIENT);
		return;
	}
	builder_talk_fin(&talk, BUILDER_CLIENT);
	builder_talk_fin(&talk, BUILDER_SERVER);
	builder_talk_ack(&talk, BUILDER_CLIENT);
}

/* Frames of no connection, one of each kind. */
static void
add_others(struct builder_trace *trace, unsigned number)
{
	static struct builder frame;
	uint64_t time_ns = (1 + number) * JBR_NS_PER_MS;
	struct builder_tcp tcp = {.src_port = 1, .dst_port = 2, .flags = BUILDER_ACK};
	uint64_t noise[8];

	for (unsigned i = 0; i < JBR_COUNT_OF(noise); i++)
		noise[i] = jbr_mix64(number + 1, i + 1);
	builder_init(&frame);
	builder_ethernet(&frame, NULL, NULL);
	builder_ip(&frame, "10.0.1.1", "10.0.1.2");
	builder_udp(&frame, (uint16_t)(5000 + number), 5060);
	builder_bytes(&frame, noise, 20);
	add_other(trace, UDP, time_ns, &frame);
	builder_init(&frame);
	builder_ethernet(&frame, NULL, NULL);
	builder_arp(&frame, "10.0.1.1", "10.0.1.2");
	add_other(trace, ARP, time_ns, &frame);
	/* what says that it is IPv4 is noise of a version that there is not */
	((uint8_t *)noise)[0] &= 0x0f;
	builder_init(&frame);
	builder_ethernet_type(&frame, 0x0800);
	builder_bytes(&frame, noise, sizeof(noise));
	add_other(trace, BROKEN_IP, time_ns, &frame);
	builder_init(&frame);
	builder_ethernet(&frame, NULL, NULL);
	builder_ip(&frame, "10.0.1.1", "10.0.1.2");
	tcp.keep = BUILDER_HEADER;
	tcp.data_offset = (uint8_t)(number % 5);
	builder_tcp(&frame, &tcp);
	add_other(trace, BROKEN_TCP, time_ns, &frame);
	builder_init(&frame);
	builder_bytes(&frame, noise, 1 + number % 13);
	add_other(trace, RUNT, time_ns, &frame);
}

void
ring_traffic_make(struct builder_trace *trace)
{
	for (unsigned i = 0; i < RING_TRAFFIC_CONNECTIONS; i++)
		add_connection(trace, i);
	for (unsigned i = 0; i < RING_TRAFFIC_CONNECTIONS; i += 2)
		add_others(trace, i);
	builder_trace_sort(trace);
}
