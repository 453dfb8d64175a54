/* SPDX-License-Identifier: BSD-3-Clause */
#include "captures.h"

#include <stdio.h>

void
captures_talk(struct builder_talk *talk, struct builder_trace *trace, uint64_t start_ns,
	unsigned number, unsigned ports)
{
	char client[32];
	char server[32];

	snprintf(client, sizeof(client), "192.0.2.%u:%u", number, ports >> 16);
	snprintf(server, sizeof(server), "198.51.100.20:%u", ports & 0xffff);
	builder_talk_init(talk, trace, start_ns, client, server);
}

static void
talk6(struct builder_talk *talk, struct builder_trace *trace, uint64_t start_ns, unsigned port)
{
	char client[48];

	snprintf(client, sizeof(client), "[2001:db8:1::10]:%u", port);
	builder_talk_init(talk, trace, start_ns, client, "[2001:db8:2::20]:443");
}

/* Ordinary connections, another amount of data each. */
static void
ordinary(struct builder_trace *trace, uint64_t start_ns)
{
	struct builder_talk talk;

	for (unsigned i = 0; i < 8; i++) {
		captures_talk(&talk, trace, start_ns + i * 17 * JBR_NS_PER_S, 10 + i,
			CAPTURES_PORTS(40000 + i, i % 2 == 0 ? 443 : 80));
		builder_talk_open(&talk);
		for (unsigned exchange = 0; exchange <= i % 3; exchange++) {
			builder_talk_exchange(&talk, 200 + 30 * i, 700 * (i + 1));
			builder_talk_wait_ms(&talk, 400);
		}
		builder_talk_close(&talk, i % 4 == 3 ? BUILDER_SERVER : BUILDER_CLIENT);
	}
}

static void
ordinary6(struct builder_trace *trace, uint64_t start_ns)
{
	struct builder_talk talk;

	for (unsigned i = 0; i < 6; i++) {
		talk6(&talk, trace, start_ns + i * 31 * JBR_NS_PER_S, 50000 + i);
		builder_talk_open(&talk);
		builder_talk_exchange(&talk, 300, 1900);
		builder_talk_close(&talk, BUILDER_CLIENT);
	}
}

/* A stack without timestamps and window scale that repeats a refused SYN. */
static void
refused(struct builder_trace *trace, uint64_t start_ns)
{
	struct builder_talk talk;

	captures_talk(&talk, trace, start_ns, 40, CAPTURES_PORTS(40100, 8443));
	talk.ends[BUILDER_CLIENT].has_timestamp = false;
	talk.ends[BUILDER_CLIENT].ttl = 128;
	builder_talk_syn(&talk);
	builder_talk_refuse(&talk);
	for (unsigned i = 0; i < 2; i++) {
		builder_talk_wait_ms(&talk, 500);
		builder_talk_repeat(&talk, BUILDER_CLIENT);
		builder_talk_refuse(&talk);
	}
	talk6(&talk, trace, start_ns + 3 * JBR_NS_PER_S, 50100);
	builder_talk_syn(&talk);
	builder_talk_refuse(&talk);
}

static void
unanswered(struct builder_trace *trace, uint64_t start_ns)
{
	struct builder_talk talk;

	captures_talk(&talk, trace, start_ns, 41, CAPTURES_PORTS(40200, 9999));
	builder_talk_syn(&talk);
	for (unsigned wait_ms = 1000; wait_ms <= 8000; wait_ms *= 2) {
		builder_talk_wait_ms(&talk, wait_ms);
		builder_talk_repeat(&talk, BUILDER_CLIENT);
	}
	talk6(&talk, trace, start_ns + 5 * JBR_NS_PER_S, 50200);
	builder_talk_syn(&talk);
}

/* SYN-ACKs that nobody acknowledges, repeated for more than 40 seconds. */
static void
half_open(struct builder_trace *trace, uint64_t start_ns)
{
	struct builder_talk talk;

	for (unsigned i = 0; i < 3; i++) {
		captures_talk(&talk, trace, start_ns + i * JBR_NS_PER_S, 50 + i,
			CAPTURES_PORTS(40300, 80));
		builder_talk_syn(&talk);
		builder_talk_synack(&talk);
		for (unsigned wait_ms = 1000; wait_ms <= 32000; wait_ms *= 2) {
			builder_talk_wait_ms(&talk, wait_ms);
			builder_talk_repeat(&talk, BUILDER_SERVER);
		}
	}
}

/* The receiver stops reading, is probed, goes on. */
static void
zero_window(struct builder_trace *trace, uint64_t start_ns)
{
	struct builder_talk talk;

	captures_talk(&talk, trace, start_ns, 60, CAPTURES_PORTS(40400, 80));
	builder_talk_open(&talk);
	builder_talk_exchange(&talk, 100, 5600);
	for (unsigned episode = 0; episode < 2; episode++) {
		builder_talk_window(&talk, BUILDER_CLIENT, 0);
		for (unsigned wait_ms = 400; wait_ms <= 3200; wait_ms *= 2) {
			builder_talk_wait_ms(&talk, wait_ms);
			builder_talk_keepalive(&talk, BUILDER_SERVER);
			builder_talk_window(&talk, BUILDER_CLIENT, 0);
		}
		builder_talk_window(&talk, BUILDER_CLIENT, 502);
		builder_talk_data(&talk, BUILDER_SERVER, 1400);
		builder_talk_ack(&talk, BUILDER_CLIENT);
	}
	builder_talk_close(&talk, BUILDER_SERVER);
}

/* The window is closed from the first ACK on and never opens. */
static void
zero_window_early(struct builder_trace *trace, uint64_t start_ns)
{
	struct builder_talk talk;

	captures_talk(&talk, trace, start_ns, 61, CAPTURES_PORTS(40401, 80));
	builder_talk_syn(&talk);
	builder_talk_synack(&talk);
	builder_talk_window(&talk, BUILDER_CLIENT, 0);
	for (unsigned wait_ms = 3400; wait_ms <= 27200; wait_ms *= 2) {
		builder_talk_wait_ms(&talk, wait_ms);
		builder_talk_keepalive(&talk, BUILDER_SERVER);
		builder_talk_window(&talk, BUILDER_CLIENT, 0);
	}
}

/* A mirror that shows every packet before and after a router. */
static void
tap_duplicates(struct builder_trace *trace, uint64_t start_ns)
{
	struct builder_trace once = {0};
	struct builder_talk talk;

	captures_talk(&talk, &once, start_ns, 62, CAPTURES_PORTS(40500, 443));
	builder_talk_open(&talk);
	builder_talk_exchange(&talk, 300, 2000);
	builder_talk_close(&talk, BUILDER_CLIENT);
	talk.trace = trace;
	for (size_t i = 0; i < once.count; i++) {
		static struct builder frame;

		builder_init(&frame);
		builder_bytes(&frame, once.packets[i].bytes, once.packets[i].captured);
		frame.tcp_at = once.packets[i].tcp_at;
		frame.tcp_flags = once.packets[i].tcp_flags;
		builder_trace_add(trace, once.packets[i].time_ns, &frame);
		builder_talk_tap_copy(&talk, 30 * JBR_NS_PER_US, 1);
	}
	trace->failed |= once.failed;
	builder_trace_fini(&once);
}

static void
outer_vlan(struct builder *frame, const struct builder_talk *talk, enum builder_side from)
{
	(void)from;
	builder_ethernet(frame, NULL, NULL);
	builder_vlan(frame, 0x88a8, 10);
	builder_vlan(frame, 0x8100, (uint16_t)talk->outer_id);
}

static void
outer_vxlan(struct builder *frame, const struct builder_talk *talk, enum builder_side from)
{
	builder_ethernet(frame, NULL, NULL);
	builder_ip(frame, from == BUILDER_CLIENT ? "203.0.113.1" : "203.0.113.2",
		from == BUILDER_CLIENT ? "203.0.113.2" : "203.0.113.1");
	builder_udp(frame, 50001, 4789);
	builder_vxlan(frame, talk->outer_id);
	builder_ethernet(frame, NULL, NULL);
}

static void
outer_gre(struct builder *frame, const struct builder_talk *talk, enum builder_side from)
{
	builder_ethernet(frame, NULL, NULL);
	builder_ip(frame, from == BUILDER_CLIENT ? "203.0.113.1" : "203.0.113.2",
		from == BUILDER_CLIENT ? "203.0.113.2" : "203.0.113.1");
	builder_gre(frame, &(struct builder_gre){.has_key = true, .key = talk->outer_id});
}

static void
outer_gtpu(struct builder *frame, const struct builder_talk *talk, enum builder_side from)
{
	builder_ethernet(frame, NULL, NULL);
	builder_ip(frame, from == BUILDER_CLIENT ? "203.0.113.1" : "203.0.113.2",
		from == BUILDER_CLIENT ? "203.0.113.2" : "203.0.113.1");
	builder_udp(frame, 2152, 2152);
	builder_gtpu(frame, 255, talk->outer_id + from, false);
}

static void
tunnels(struct builder_trace *trace, uint64_t start_ns)
{
	static builder_outer *const outers[] = {outer_vlan, outer_vxlan, outer_gre, outer_gtpu};
	struct builder_talk talk;

	for (unsigned i = 0; i < JBR_COUNT_OF(outers); i++) {
		captures_talk(&talk, trace, start_ns + i * 4 * JBR_NS_PER_S, 70 + i,
			CAPTURES_PORTS(40600 + i, 80));
		talk.outer = outers[i];
		talk.outer_id = 100 + i;
		builder_talk_open(&talk);
		builder_talk_exchange(&talk, 150, 600);
		builder_talk_close(&talk, BUILDER_CLIENT);
	}
}

/* A request in three fragments, the connection whole otherwise. */
static void
fragments(struct builder_trace *trace, uint64_t start_ns)
{
	static struct builder whole;
	static struct builder fragment;
	struct builder_talk talk;

	captures_talk(&talk, trace, start_ns, 80, CAPTURES_PORTS(40700, 80));
	talk.ends[BUILDER_CLIENT].has_do_not_fragment = false;
	builder_talk_open(&talk);
	builder_talk_frame(&talk, BUILDER_CLIENT,
		&(struct builder_segment){.flags = BUILDER_PSH | BUILDER_ACK, .length = 1168},
		&whole);
	for (uint32_t from = 0; from < 1200; from += 400) {
		builder_cut_fragment(&fragment, &whole, from, 400);
		builder_trace_add(trace, talk.time_ns, &fragment);
		builder_talk_wait_ms(&talk, 1);
	}
	talk.ends[BUILDER_CLIENT].next += 1168;
	talk.ends[BUILDER_CLIENT].ip_id++;
	builder_talk_ack(&talk, BUILDER_SERVER);
	builder_talk_data(&talk, BUILDER_SERVER, 100);
	builder_talk_ack(&talk, BUILDER_CLIENT);
	builder_talk_close(&talk, BUILDER_CLIENT);
}

/* Segments spoiled on the way, which the receiver drops and gets again. */
static void
bad_checksums(struct builder_trace *trace, uint64_t start_ns)
{
	struct builder_talk talk;

	captures_talk(&talk, trace, start_ns, 81, CAPTURES_PORTS(40800, 80));
	builder_talk_open(&talk);
	for (unsigned i = 0; i < 3; i++) {
		builder_talk_send(&talk, BUILDER_CLIENT,
			&(struct builder_segment){.flags = BUILDER_PSH | BUILDER_ACK,
				.length = 100,
				.keep = BUILDER_CHECKSUM_WRONG,
				.set = BUILDER_FOREIGN});
		builder_talk_wait_ms(&talk, 300);
		builder_talk_data(&talk, BUILDER_CLIENT, 100);
		builder_talk_ack(&talk, BUILDER_SERVER);
	}
	builder_talk_send(&talk, BUILDER_SERVER,
		&(struct builder_segment){.flags = BUILDER_PSH | BUILDER_ACK,
			.length = 50,
			.keep = BUILDER_CHECKSUM_PARTIAL});
	builder_talk_ack(&talk, BUILDER_CLIENT);
	builder_talk_close(&talk, BUILDER_CLIENT);
}

static void
odd_flags(struct builder_trace *trace, uint64_t start_ns)
{
	static const struct builder_segment segments[] = {
		{.flags = 0},
		{.flags = BUILDER_FIN | BUILDER_PSH | BUILDER_URG},
		{.flags = 0x3f},
		{.flags = BUILDER_SYN | BUILDER_FIN},
		{.flags = BUILDER_FIN},
		{.flags = BUILDER_PSH},
		{.flags = BUILDER_ACK | BUILDER_URG},
		{.flags = BUILDER_ACK | 0x800},
		{.flags = BUILDER_SYN, .length = 64},
		{.flags = BUILDER_ACK, .urgent = 5},
	};
	struct builder_talk talk;

	for (unsigned i = 0; i < JBR_COUNT_OF(segments); i++) {
		captures_talk(&talk, trace, start_ns + i * 500 * JBR_NS_PER_MS, 66,
			CAPTURES_PORTS(62000 + i, 80));
		builder_talk_send(&talk, BUILDER_CLIENT, &segments[i]);
	}
}

/* Options as a crafting tool writes them. */
static void
odd_options(struct builder_trace *trace, uint64_t start_ns)
{
	struct builder_options options[4] = {{0}, {0}, {0}, {0}};
	struct builder_talk talk;

	builder_option_mss(&options[0], 48);
	builder_option_sack_ok(&options[0]);
	builder_option_mss(&options[1], 1460);
	builder_option_wscale(&options[1], 15);
	builder_option(&options[2], 2, 3, "\5", 1);
	builder_option_mss(&options[3], 1460);
	builder_option_mss(&options[3], 1460);
	builder_option(&options[3], 99, 4, NULL, 2);
	for (unsigned i = 0; i < JBR_COUNT_OF(options); i++) {
		captures_talk(&talk, trace, start_ns + i * 500 * JBR_NS_PER_MS, 66,
			CAPTURES_PORTS(62100 + i, 80));
		builder_talk_send(&talk, BUILDER_CLIENT,
			&(struct builder_segment){.flags = BUILDER_SYN,
				.set = BUILDER_SET_OPTIONS,
				.options = &options[i]});
	}
}

/* A lost segment, reported by SACK and sent again. */
static void
loss(struct builder_trace *trace, uint64_t start_ns)
{
	struct builder_options options = {0};
	struct builder_talk talk;
	uint32_t hole;
	uint32_t edges[2];

	captures_talk(&talk, trace, start_ns, 82, CAPTURES_PORTS(40900, 443));
	talk.ends[BUILDER_CLIENT].has_timestamp = false;
	builder_talk_open(&talk);
	builder_talk_exchange(&talk, 100, 1400);
	hole = talk.ends[BUILDER_SERVER].next;
	builder_talk_send(&talk, BUILDER_SERVER,
		&(struct builder_segment){.flags = BUILDER_ACK,
			.length = 1400,
			.set = BUILDER_UNSEEN});
	builder_talk_data(&talk, BUILDER_SERVER, 1400);
	edges[0] = hole + 1400;
	edges[1] = hole + 2800;
	builder_option_sack(&options, edges, 1);
	for (unsigned i = 0; i < 3; i++)
		builder_talk_send(&talk, BUILDER_CLIENT,
			&(struct builder_segment){.flags = BUILDER_ACK,
				.set = BUILDER_SET_ACK | BUILDER_SET_OPTIONS,
				.ack = hole,
				.options = &options});
	builder_talk_send(&talk, BUILDER_SERVER,
		&(struct builder_segment){.flags = BUILDER_ACK,
			.length = 1400,
			.set = BUILDER_SET_SEQ,
			.seq = hole});
	builder_talk_ack(&talk, BUILDER_CLIENT);
	builder_talk_close(&talk, BUILDER_CLIENT);
}

/* SYNs that a router answers with an ICMP error quoting them. */
static void
unreachable(struct builder_trace *trace, uint64_t start_ns)
{
	static struct builder syn;
	static struct builder frame;
	struct builder_talk talk;

	for (unsigned i = 0; i < 2; i++) {
		if (i == 0)
			captures_talk(&talk, trace, start_ns, 83, CAPTURES_PORTS(41000, 23));
		else
			talk6(&talk, trace, start_ns + JBR_NS_PER_S, 51000);
		builder_talk_frame(&talk, BUILDER_CLIENT,
			&(struct builder_segment){.flags = BUILDER_SYN}, &syn);
		builder_talk_syn(&talk);
		builder_init(&frame);
		builder_ethernet(&frame, NULL, NULL);
		builder_ip(&frame, i == 0 ? "203.0.113.9" : "2001:db8:f::9",
			i == 0 ? "192.0.2.83" : "2001:db8:1::10");
		builder_icmp(&frame,
			&(struct builder_icmp){.type = i == 0 ? 3 : 1, .code = i == 0 ? 13 : 1});
		builder_quote(&frame, &syn, i == 0 ? 28 : 80);
		builder_finish(&frame);
		builder_trace_add(trace, talk.time_ns, &frame);
	}
}

/* What is no TCP at all. */
static void
others(struct builder_trace *trace, uint64_t start_ns)
{
	static struct builder frame;

	for (unsigned i = 0; i < 12; i++) {
		builder_init(&frame);
		builder_ethernet(&frame, NULL, NULL);
		if (i % 3 == 0) {
			builder_arp(&frame, "192.0.2.10", "192.0.2.1");
		} else {
			builder_ip(&frame, "192.0.2.10", "198.51.100.53");
			if (i % 3 == 1)
				builder_udp(&frame, (uint16_t)(50000 + i), 9);
			else
				builder_icmp(&frame, &(struct builder_icmp){.type = 8, .rest = i});
			builder_bytes(&frame, "jabiru", 6);
		}
		builder_finish(&frame);
		builder_pad(&frame, 60);
		builder_trace_add(trace, start_ns + i * 13 * JBR_NS_PER_S, &frame);
	}
}

void
captures_sample(struct builder_trace *trace)
{
	static const struct captures_scene scenes[] = {
		{half_open, 0},
		{ordinary, 10},
		{others, 20},
		{zero_window_early, 30},
		{ordinary6, 40},
		{unanswered, 300},
		{refused, 310},
		{zero_window, 1100},
		{tap_duplicates, 1310},
		{tunnels, 1320},
		{fragments, 1330},
		{bad_checksums, 1340},
		{odd_flags, 1400},
		{odd_options, 1500},
		{loss, 1550},
		{unreachable, 1600},
	};

	for (size_t i = 0; i < JBR_COUNT_OF(scenes); i++)
		scenes[i].story(trace, CAPTURES_START + scenes[i].start_ds * 100 * JBR_NS_PER_MS);
}
