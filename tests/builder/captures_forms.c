/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include "captures.h"

enum { STORY_GAP_MS = 200, LINK_USER0 = 147 };

static void
short_talk(struct builder_talk *talk, struct builder_trace *trace, bool is_ipv6, unsigned port)
{
	uint64_t start = CAPTURES_START + (port - 80) * STORY_GAP_MS * JBR_NS_PER_MS;
	char client[64];
	char server[64];

	snprintf(client, sizeof(client), "%s:%u", is_ipv6 ? "[2001:db8:1::10]" : "192.0.2.10",
		39920 + port);
	snprintf(server, sizeof(server), "%s:%u", is_ipv6 ? "[2001:db8:2::20]" : "198.51.100.20",
		port);
	builder_talk_init(talk, trace, start, client, server);
}

void
captures_short(struct builder_trace *trace, builder_outer *outer, enum captures_version version)
{
	struct builder_talk talk;

	short_talk(&talk, trace, version == CAPTURES_IPV6, 80);
	talk.outer = outer;
	builder_talk_open(&talk);
	builder_talk_text(&talk, BUILDER_CLIENT, "GET / HTTP/1.1\r\nHost: www.example\r\n\r\n");
	builder_talk_ack(&talk, BUILDER_SERVER);
	builder_talk_text(&talk, BUILDER_SERVER,
		"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstork\n");
	builder_talk_ack(&talk, BUILDER_CLIENT);
	builder_talk_close(&talk, BUILDER_CLIENT);

	short_talk(&talk, trace, version != CAPTURES_IPV4, 81);
	talk.outer = outer;
	builder_talk_syn(&talk);
	builder_talk_refuse(&talk);

	short_talk(&talk, trace, version == CAPTURES_IPV6, 82);
	talk.outer = outer;
	builder_talk_syn(&talk);

	short_talk(&talk, trace, version != CAPTURES_IPV4, 83);
	talk.outer = outer;
	builder_talk_open(&talk);
	builder_talk_exchange(&talk, 100, 300);
	builder_talk_rst(&talk, BUILDER_CLIENT);
}

static void
outer_none(struct builder *frame, const struct builder_talk *talk, enum builder_side from)
{
	(void)frame;
	(void)talk;
	(void)from;
}

static void
outer_sll(struct builder *frame, const struct builder_talk *talk, enum builder_side from)
{
	(void)talk;
	(void)from;
	builder_sll(frame, 1);
}

static void
outer_sll2(struct builder *frame, const struct builder_talk *talk, enum builder_side from)
{
	(void)talk;
	(void)from;
	builder_sll(frame, 2);
}

static void
outer_loopback_big(struct builder *frame, const struct builder_talk *talk, enum builder_side from)
{
	(void)talk;
	(void)from;
	builder_loopback(frame, true);
}

static void
outer_loopback_little(struct builder *frame, const struct builder_talk *talk,
	enum builder_side from)
{
	(void)talk;
	(void)from;
	builder_loopback(frame, false);
}

/* A classic pcap of the short story, a function each: the table stays plain. */
#define CLASSIC(function, outer, version, ...) \
	static void function(struct jbr_buffer *out, struct builder_trace *trace) \
	{ \
		captures_short(trace, outer, version); \
		builder_pcap_trace(out, &(struct builder_pcap){__VA_ARGS__}, trace); \
	}

CLASSIC(make_us_le, NULL, CAPTURES_IPV4, .link = BUILDER_LINK_ETHERNET)
CLASSIC(make_us_be, NULL, CAPTURES_IPV4, .link = BUILDER_LINK_ETHERNET, .big_endian = true)
CLASSIC(make_ns_le, NULL, CAPTURES_IPV4, .link = BUILDER_LINK_ETHERNET, .nanoseconds = true)
CLASSIC(make_ns_be, NULL, CAPTURES_IPV4, .link = BUILDER_LINK_ETHERNET, .nanoseconds = true,
	.big_endian = true)
CLASSIC(make_ethernet6, NULL, CAPTURES_IPV6, .link = BUILDER_LINK_ETHERNET)
CLASSIC(make_raw, outer_none, CAPTURES_MIXED, .link = BUILDER_LINK_RAW)
CLASSIC(make_ipv4, outer_none, CAPTURES_IPV4, .link = BUILDER_LINK_IPV4)
CLASSIC(make_ipv6, outer_none, CAPTURES_IPV6, .link = BUILDER_LINK_IPV6)
CLASSIC(make_sll, outer_sll, CAPTURES_MIXED, .link = BUILDER_LINK_SLL)
CLASSIC(make_sll2, outer_sll2, CAPTURES_MIXED, .link = BUILDER_LINK_SLL2)
CLASSIC(make_null_le, outer_loopback_little, CAPTURES_MIXED, .link = BUILDER_LINK_NULL)
CLASSIC(make_null_be, outer_loopback_big, CAPTURES_MIXED, .link = BUILDER_LINK_NULL,
	.big_endian = true)
CLASSIC(make_loop, outer_loopback_big, CAPTURES_MIXED, .link = BUILDER_LINK_LOOP)

/* What a snap length cut is not in the trace either. */
static void
make_snapped(struct jbr_buffer *out, struct builder_trace *trace, uint32_t snap_length)
{
	captures_short(trace, NULL, CAPTURES_IPV4);
	builder_trace_snap(trace, snap_length);
	builder_pcap_trace(out,
		&(struct builder_pcap){.link = BUILDER_LINK_ETHERNET, .snap_length = snap_length},
		trace);
}

static void
make_snap_60(struct jbr_buffer *out, struct builder_trace *trace)
{
	make_snapped(out, trace, 60);
}

static void
make_snap_50(struct jbr_buffer *out, struct builder_trace *trace)
{
	make_snapped(out, trace, 50);
}

/* The short story as one section with one interface. */
static void
make_section(struct jbr_buffer *out, struct builder_trace *trace, bool big_endian,
	const struct builder_interface *interface)
{
	struct builder_pcapng form = {.big_endian = big_endian, .has_section_length = big_endian};

	captures_short(trace, NULL, CAPTURES_IPV4);
	builder_pcapng_section(out, &form);
	builder_pcapng_interface(out, &form, interface);
	for (size_t i = 0; i < trace->count; i++)
		builder_pcapng_enhanced(out, &form, &trace->packets[i]);
	builder_pcapng_end_section(out, &form);
}

#define SECTION(function, big_endian, ...) \
	static void function(struct jbr_buffer *out, struct builder_trace *trace) \
	{ \
		make_section(out, trace, big_endian, \
			&(struct builder_interface){.link = BUILDER_LINK_ETHERNET, __VA_ARGS__}); \
	}

SECTION(make_ng_le, false, .snap_length = 262144)
SECTION(make_ng_be, true, .name = "eth0")
SECTION(make_ng_us, false, .has_tsresol = true, .tsresol = 6)
SECTION(make_ng_ns, false, .has_tsresol = true, .tsresol = 9)
SECTION(make_ng_ms, true, .has_tsresol = true, .tsresol = 3)
SECTION(make_ng_binary_10, false, .has_tsresol = true, .tsresol = 0x80 | 10)
SECTION(make_ng_binary_30, true, .has_tsresol = true, .tsresol = 0x80 | 30)
SECTION(make_ng_offset, false, .has_tsresol = true, .tsresol = 9, .tsoffset = 1700000000)
SECTION(make_ng_offset_back, true, .tsoffset = -86400)

/* The packets in turn from interfaces of other links, resolutions and snap lengths. */
static void
make_ng_interfaces(struct jbr_buffer *out, struct builder_trace *trace)
{
	static const struct builder_interface interfaces[] = {
		{.link = BUILDER_LINK_ETHERNET, .name = "eth0"},
		{.link = BUILDER_LINK_RAW, .has_tsresol = true, .tsresol = 9, .snap_length = 96},
		{.link = LINK_USER0, .name = "unknown"},
		{.link = BUILDER_LINK_SLL2,
			.has_tsresol = true,
			.tsresol = 0x80 | 20,
			.tsoffset = 1000000000},
	};
	static builder_outer *const outers[] = {NULL, outer_none, outer_none, outer_sll2};
	struct builder_pcapng form = {0};

	builder_pcapng_section(out, &form);
	for (uint16_t i = 0; i < JBR_COUNT_OF(interfaces); i++) {
		trace->interface = i;
		captures_short(trace, outers[i], CAPTURES_MIXED);
		builder_pcapng_interface(out, &form, &interfaces[i]);
	}
	builder_trace_sort(trace);
	for (size_t i = 0; i < trace->count; i++) {
		struct builder_packet *packet = &trace->packets[i];

		builder_pcapng_enhanced(out, &form, packet);
		if (packet->interface == 1)
			packet->captured = jbr_min_u32(packet->captured, 96);
		if (packet->interface == 2)
			packet->tcp_at = 0;
	}
}

static void
make_ng_simple(struct jbr_buffer *out, struct builder_trace *trace)
{
	struct builder_pcapng form = {0};

	captures_short(trace, NULL, CAPTURES_IPV4);
	builder_trace_snap(trace, 100);
	builder_pcapng_section(out, &form);
	builder_pcapng_interface(out, &form,
		&(struct builder_interface){.link = BUILDER_LINK_ETHERNET, .snap_length = 100});
	for (size_t i = 0; i < trace->count; i++)
		builder_pcapng_simple(out, &form, &trace->packets[i]);
}

static void
make_ng_obsolete(struct jbr_buffer *out, struct builder_trace *trace)
{
	struct builder_pcapng form = {.has_options = true};

	captures_short(trace, NULL, CAPTURES_IPV4);
	builder_pcapng_section(out, &form);
	builder_pcapng_interface(out, &form,
		&(struct builder_interface){.link = BUILDER_LINK_ETHERNET});
	for (size_t i = 0; i < trace->count; i++)
		builder_pcapng_obsolete(out, &form, &trace->packets[i]);
}

/* A section in each byte order; the second one's interfaces begin from 0 again. */
static void
make_ng_sections(struct jbr_buffer *out, struct builder_trace *trace)
{
	size_t from = 0;

	for (unsigned section = 0; section < 3; section++) {
		struct builder_pcapng form = {.big_endian = section == 1,
			.has_section_length = section < 2};

		captures_short(trace, section == 2 ? outer_none : NULL, CAPTURES_MIXED);
		builder_pcapng_section(out, &form);
		builder_pcapng_interface(out, &form,
			&(struct builder_interface){
				.link = section == 2 ? BUILDER_LINK_RAW : BUILDER_LINK_ETHERNET,
				.has_tsresol = section == 1,
				.tsresol = 9,
			});
		for (; from < trace->count; from++) {
			trace->packets[from].time_ns += section * JBR_NS_PER_S;
			builder_pcapng_enhanced(out, &form, &trace->packets[from]);
		}
		builder_pcapng_end_section(out, &form);
	}
}

/* Blocks between the packets that a reader passes over, and options wherever they may stand. */
static void
make_ng_blocks(struct jbr_buffer *out, struct builder_trace *trace)
{
	struct builder_pcapng form = {.has_section_length = true, .has_options = true};

	captures_short(trace, NULL, CAPTURES_IPV4);
	builder_pcapng_section(out, &form);
	builder_pcapng_names(out, &form);
	builder_pcapng_interface(out, &form,
		&(struct builder_interface){.link = BUILDER_LINK_ETHERNET,
			.has_tsresol = true,
			.tsresol = 9,
			.name = "eth0"});
	for (size_t i = 0; i < trace->count; i++) {
		builder_pcapng_enhanced(out, &form, &trace->packets[i]);
		if (i % 4 == 0)
			builder_pcapng_block(out, &form, 0x0badcafe, "an unknown block", 13);
		if (i % 4 == 1)
			builder_pcapng_statistics(out, &form);
		if (i % 4 == 2)
			builder_pcapng_names(out, &form);
		if (i % 4 == 3)
			builder_pcapng_block(out, &form, 0x0badcaff, NULL, 0);
	}
	builder_pcapng_statistics(out, &form);
	builder_pcapng_end_section(out, &form);
}

static void
make_sample(struct jbr_buffer *out, struct builder_trace *trace)
{
	captures_sample(trace);
	captures_resets(trace);
	builder_trace_sort(trace);
	builder_pcap_trace(out,
		&(struct builder_pcap){.link = BUILDER_LINK_ETHERNET, .nanoseconds = true}, trace);
}

const struct captures_file captures_forms[] = {
	{"sample.pcap", "a bit of everything, three minutes of it (see below)", make_sample},
	{"us_le.pcap", "pcap, microseconds, little endian, Ethernet, IPv4", make_us_le},
	{"us_be.pcap", "pcap, microseconds, big endian", make_us_be},
	{"ns_le.pcap", "pcap, nanoseconds, little endian", make_ns_le},
	{"ns_be.pcap", "pcap, nanoseconds, big endian", make_ns_be},
	{"ethernet6.pcap", "Ethernet, IPv6", make_ethernet6},
	{"link_raw.pcap", "link type 101, raw IP, both versions", make_raw},
	{"link_ipv4.pcap", "link type 228, raw IPv4", make_ipv4},
	{"link_ipv6.pcap", "link type 229, raw IPv6", make_ipv6},
	{"link_sll.pcap", "link type 113, Linux cooked v1, both versions", make_sll},
	{"link_sll2.pcap", "link type 276, Linux cooked v2, both versions", make_sll2},
	{"link_null_le.pcap", "link type 0, BSD loopback of a little-endian host", make_null_le},
	{"link_null_be.pcap", "link type 0, BSD loopback of a big-endian host", make_null_be},
	{"link_loop.pcap", "link type 108, OpenBSD loopback", make_loop},
	{"snap_60.pcap", "snap length 60: TCP headers whole, their options cut", make_snap_60},
	{"snap_50.pcap", "snap length 50: every TCP header cut", make_snap_50},
	{"ng_le.pcapng", "pcapng, little endian, no if_tsresol", make_ng_le},
	{"ng_be.pcapng", "pcapng, big endian, section length filled in", make_ng_be},
	{"ng_us.pcapng", "if_tsresol 6", make_ng_us},
	{"ng_ns.pcapng", "if_tsresol 9", make_ng_ns},
	{"ng_ms.pcapng", "if_tsresol 3, big endian", make_ng_ms},
	{"ng_binary_10.pcapng", "if_tsresol 2^-10", make_ng_binary_10},
	{"ng_binary_30.pcapng", "if_tsresol 2^-30, big endian", make_ng_binary_30},
	{"ng_offset.pcapng", "if_tsoffset 1,700,000,000 s with if_tsresol 9", make_ng_offset},
	{"ng_offset_back.pcapng", "if_tsoffset minus one day, big endian", make_ng_offset_back},
	{"ng_interfaces.pcapng",
		"four interfaces: Ethernet; raw IP with snap length 96; link type 147, which is "
		"not read; Linux cooked v2 with an offset",
		make_ng_interfaces},
	{"ng_simple.pcapng", "simple packet blocks (no times), snap length 100", make_ng_simple},
	{"ng_obsolete.pcapng", "the obsolete packet block (type 2), with options",
		make_ng_obsolete},
	{"ng_sections.pcapng",
		"three sections: little endian, big endian, little endian with raw IP",
		make_ng_sections},
	{"ng_blocks.pcapng",
		"names, statistics and unknown blocks between packets, options everywhere",
		make_ng_blocks},
};
const size_t captures_forms_count = JBR_COUNT_OF(captures_forms);
