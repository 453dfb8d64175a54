/* SPDX-License-Identifier: BSD-3-Clause */
#include "packet_expect.h"

/* Tunnels: what is read inside, what is not, and how deep. Outer addresses are 203.0.113.1 and .2. */

static void
outside(struct builder *frame)
{
	builder_init(frame);
	builder_ethernet(frame, NULL, NULL);
	builder_ip(frame, "203.0.113.1", "203.0.113.2");
}

static void
outside6(struct builder *frame)
{
	builder_init(frame);
	builder_ethernet(frame, NULL, NULL);
	builder_ip(frame, "2001:db8:f::1", "2001:db8:f::2");
}

static void
gre(struct builder *frame)
{
	outside(frame);
	builder_gre(frame, &(struct builder_gre){0});
}

static void
gre_full(struct builder *frame)
{
	outside(frame);
	builder_gre(frame,
		&(struct builder_gre){.has_checksum = true,
			.has_key = true,
			.has_sequence = true,
			.key = 0xa0b0c0d0,
			.sequence = 5});
}

static void
gre_in_ipv6(struct builder *frame)
{
	outside6(frame);
	builder_gre(frame, &(struct builder_gre){.has_key = true, .key = 9});
}

static void
gre_routing(struct builder *frame)
{
	outside(frame);
	builder_gre(frame, &(struct builder_gre){.has_routing = true});
}

static void
gre_version_2(struct builder *frame)
{
	outside(frame);
	builder_gre(frame, &(struct builder_gre){.version = 2});
}

static void
gre_other(struct builder *frame)
{
	outside(frame);
	builder_gre(frame, &(struct builder_gre){.protocol = 0x0806, .keep = BUILDER_TYPE});
}

/* PPTP: version 1, key and sequence number, PPP inside. */
static void
gre_ppp(struct builder *frame)
{
	outside(frame);
	builder_gre(frame,
		&(struct builder_gre){.version = 1,
			.has_key = true,
			.has_sequence = true,
			.protocol = 0x880b,
			.keep = BUILDER_TYPE});
	builder_bytes(frame, "\xff\x03\0\x21", 4);
}

static void
gre_mpls(struct builder *frame)
{
	gre(frame);
	builder_mpls(frame, 16001, 64);
}

static void
nvgre(struct builder *frame)
{
	outside(frame);
	builder_gre(frame, &(struct builder_gre){.has_key = true, .key = 5001 << 8 | 3});
	builder_ethernet(frame, NULL, NULL);
}

static void
erspan_1(struct builder *frame)
{
	gre(frame);
	builder_erspan(frame, 1, 0, 0);
	builder_ethernet(frame, NULL, NULL);
}

static void
erspan_2(struct builder *frame)
{
	outside(frame);
	builder_gre(frame, &(struct builder_gre){.has_sequence = true});
	builder_erspan(frame, 2, 100, 9);
	builder_ethernet(frame, NULL, NULL);
	builder_vlan(frame, 0x8100, 100);
}

static void
erspan_3(struct builder *frame)
{
	outside(frame);
	builder_gre(frame, &(struct builder_gre){.has_sequence = true});
	builder_erspan(frame, 3, 100, 9);
	builder_ethernet(frame, NULL, NULL);
}

static void
erspan_3_subheader(struct builder *frame)
{
	outside(frame);
	builder_gre(frame, &(struct builder_gre){.has_sequence = true});
	builder_erspan(frame, 3, 100, 9);
	frame->data[frame->length - 1] |= 1;
	builder_bytes(frame, NULL, 8);
	builder_ethernet(frame, NULL, NULL);
}

static void
vxlan(struct builder *frame)
{
	outside(frame);
	builder_udp(frame, 50000, 4789);
	builder_vxlan(frame, 0xabcdef);
	builder_ethernet(frame, NULL, NULL);
}

static void
vxlan_other_port(struct builder *frame)
{
	outside(frame);
	builder_udp(frame, 4789, 50000);
	builder_vxlan(frame, 1);
	builder_ethernet(frame, NULL, NULL);
}

static void
vxlan_no_id(struct builder *frame)
{
	outside(frame);
	builder_udp(frame, 50000, 4789);
	builder_bytes(frame, NULL, 8);
	builder_ethernet(frame, NULL, NULL);
}

static void
geneve(struct builder *frame)
{
	outside6(frame);
	builder_udp(frame, 50000, 6081);
	builder_geneve(frame, 77, "\1\2\3\1\0\0\0\0", 8);
	builder_ethernet(frame, NULL, NULL);
}

static void
geneve_ip(struct builder *frame)
{
	outside(frame);
	builder_udp(frame, 50000, 6081);
	builder_geneve(frame, 77, NULL, 0);
}

static void
geneve_version(struct builder *frame)
{
	outside(frame);
	builder_udp(frame, 50000, 6081);
	builder_geneve(frame, 77, NULL, 0);
	frame->data[frame->length - 8] |= 0x40;
}

static void
gtpu(struct builder *frame)
{
	outside(frame);
	builder_udp(frame, 2152, 2152);
	builder_gtpu(frame, 255, 0x11223344, false);
}

static void
gtpu_extension(struct builder *frame)
{
	outside(frame);
	builder_udp(frame, 2152, 2152);
	builder_gtpu(frame, 255, 0x11223344, true);
}

static void
gtpu_echo(struct builder *frame)
{
	outside(frame);
	builder_udp(frame, 2152, 2152);
	builder_gtpu(frame, 1, 0, false);
}

static void
gtpu_version_2(struct builder *frame)
{
	gtpu(frame);
	frame->data[frame->length - 8] = 0x48;
}

static void
gtpu_extension_0(struct builder *frame)
{
	gtpu_extension(frame);
	frame->data[frame->length - 4] = 0; /* an extension of no length */
}

static void
teredo(struct builder *frame)
{
	outside(frame);
	builder_udp(frame, 50000, 3544);
}

static void
teredo_answer(struct builder *frame)
{
	outside(frame);
	builder_udp(frame, 3544, 50000);
	builder_teredo_authentication(frame);
	builder_teredo_origin(frame);
}

static void
teredo_origin(struct builder *frame)
{
	outside(frame);
	builder_udp(frame, 3544, 50000);
	builder_teredo_origin(frame);
}

struct row {
	const char *name;
	void (*outer)(struct builder *frame);
	const char *expected;
	uint16_t layers;
	uint8_t version; /* of the inner IP */
	uint32_t tunnel;
};

static const struct row rows[] = {
	{"GRE, IPv4", gre, "tcp", JBR_LAYER_GRE, 4, 0},
	{"GRE, IPv6", gre, "tcp", JBR_LAYER_GRE, 6, 0},
	{"GRE, checksum, key, sequence", gre_full, "tcp", JBR_LAYER_GRE, 4, 0xa0b0c0d0},
	{"GRE in IPv6", gre_in_ipv6, "tcp", JBR_LAYER_GRE, 4, 9},
	{"GRE, source routes", gre_routing, "other_protocol", JBR_LAYER_GRE, 4, 0},
	{"GRE, version 2", gre_version_2, "other_protocol", JBR_LAYER_GRE, 4, 0},
	{"GRE, ARP", gre_other, "other_protocol", JBR_LAYER_GRE, 4, 0},
	{"GRE, PPP", gre_ppp, "tcp", JBR_LAYER_GRE, 4, 0},
	{"GRE, MPLS", gre_mpls, "tcp", JBR_LAYER_GRE | JBR_LAYER_MPLS, 4, 0},
	{"NVGRE", nvgre, "tcp", JBR_LAYER_GRE, 4, 5001 << 8 | 3},
	{"ERSPAN I", erspan_1, "tcp", JBR_LAYER_GRE | JBR_LAYER_ERSPAN, 4, 0},
	{"ERSPAN II", erspan_2, "tcp", JBR_LAYER_GRE | JBR_LAYER_ERSPAN | JBR_LAYER_VLAN, 4, 0},
	{"ERSPAN III", erspan_3, "tcp", JBR_LAYER_GRE | JBR_LAYER_ERSPAN, 6, 0},
	{"ERSPAN III, subheader", erspan_3_subheader, "tcp", JBR_LAYER_GRE | JBR_LAYER_ERSPAN, 4,
		0},
	{"4in4", outside, "tcp", JBR_LAYER_IP_IN_IP, 4, 0},
	{"6in4", outside, "tcp", JBR_LAYER_IP_IN_IP, 6, 0},
	{"4in6", outside6, "tcp", JBR_LAYER_IP_IN_IP, 4, 0},
	{"6in6", outside6, "tcp", JBR_LAYER_IP_IN_IP, 6, 0},
	{"VXLAN", vxlan, "tcp", JBR_LAYER_VXLAN, 4, 0xabcdef},
	{"VXLAN, source port only", vxlan_other_port, "udp", 0, 4, 0},
	{"VXLAN without its flag", vxlan_no_id, "udp", 0, 4, 0},
	{"GENEVE, option, Ethernet", geneve, "tcp", JBR_LAYER_GENEVE, 4, 77},
	{"GENEVE, IPv4", geneve_ip, "tcp", JBR_LAYER_GENEVE, 4, 77},
	{"GENEVE, IPv6", geneve_ip, "tcp", JBR_LAYER_GENEVE, 6, 77},
	{"GENEVE, version 1", geneve_version, "udp", 0, 4, 0},
	{"GTP-U, IPv4", gtpu, "tcp", JBR_LAYER_GTPU, 4, 0x11223344},
	{"GTP-U, IPv6", gtpu, "tcp", JBR_LAYER_GTPU, 6, 0x11223344},
	{"GTP-U, extension", gtpu_extension, "tcp", JBR_LAYER_GTPU, 4, 0x11223344},
	{"GTP-U, echo", gtpu_echo, "udp", 0, 4, 0},
	{"GTP, version 2", gtpu_version_2, "udp", 0, 4, 0},
	{"GTP-U, extension of no length", gtpu_extension_0, "udp", 0, 4, 0},
	{"Teredo", teredo, "tcp", JBR_LAYER_TEREDO, 6, 0},
	{"Teredo, authentication and origin", teredo_answer, "tcp", JBR_LAYER_TEREDO, 6, 0},
	{"Teredo, origin", teredo_origin, "tcp", JBR_LAYER_TEREDO, 6, 0},
	{"Teredo's port, IPv4 inside", teredo, "udp", 0, 4, 0},
};

static void
build(struct builder *frame, const struct row *row)
{
	row->outer(frame);
	if (row->version == 4)
		builder_ip(frame, "192.0.2.1", "198.51.100.1");
	else
		builder_ip(frame, "2001:db8::1", "2001:db8::2");
	expect_end(frame, 10);
}

static void
test_tunnels(void **state)
{
	static struct builder built;

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(rows); i++) {
		struct jbr_frame frame;
		struct jbr_packet packet;

		build(&built, &rows[i]);
		frame = expect_frame(&built);
		packet = expect_parse(&frame);
		expect_outcome(rows[i].name, &packet, rows[i].expected);
		expect_sane(&packet, &frame);
		if (packet.layers != rows[i].layers || packet.tunnel != rows[i].tunnel)
			fail_msg("%s: layers %#x, tunnel %#x", rows[i].name, packet.layers,
				packet.tunnel);
		if (packet.kind != JBR_PACKET_TCP)
			continue;
		assert_int_equal(packet.ip_version, rows[i].version);
		assert_int_equal(packet.src.bytes[15], 1);
		assert_int_equal(packet.ip_length, rows[i].version == 4 ? 50 : 70);
		assert_int_equal(packet.payload_length, 10);
		assert_int_equal(packet.checksum, JBR_CHECKSUM_GOOD);
	}
}

/* Each tunnel can be switched off, and those over UDP moved to another port. */
static void
test_options(void **state)
{
	struct jbr_packet_options off = {.layers_max = 16};
	struct jbr_packet_options moved = jbr_packet_options_default();
	static struct builder built;
	struct jbr_frame frame;
	struct jbr_packet packet;

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(rows); i++) {
		build(&built, &rows[i]);
		frame = expect_frame(&built);
		jbr_packet_parse(&frame, &off, &packet);
		assert_int_equal(packet.kind, JBR_PACKET_NOT_ANALYSED);
		if (packet.reason != JBR_NOT_ANALYSED_OTHER_PROTOCOL)
			assert_int_equal(packet.reason, JBR_NOT_ANALYSED_UDP);
		assert_int_equal(packet.layers, 0);
	}
	moved.vxlan_port = 50000;
	build(&built, &(struct row){.outer = vxlan_other_port, .version = 4});
	frame = expect_frame(&built);
	jbr_packet_parse(&frame, &moved, &packet);
	expect_outcome("VXLAN on port 50000", &packet, "tcp");
	moved.tunnel_in_tuple = true;
	moved.vxlan_port = 4789;
	moved.vlan_in_tuple = true;
	build(&built, &(struct row){.outer = vxlan, .version = 4});
	frame = expect_frame(&built);
	jbr_packet_parse(&frame, &moved, &packet);
	assert_true(packet.tenant == UINT64_C(0xabcdef) << 24);
}

/* The outer header knows of the cut, so that it has no finding of its own. */
static void
say_length(uint8_t *ip, uint8_t length)
{
	uint16_t sum;

	if (ip[0] >> 4 == 6) {
		ip[4] = 0;
		ip[5] = length;
		return;
	}
	ip[2] = 0;
	ip[3] = (uint8_t)(20 + length);
	memset(ip + 10, 0, 2);
	sum = (uint16_t)~builder_sum(0, ip, 20);
	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
}

/* What says that it is a tunnel and ends before its header does is broken; a broken inner packet is
 * as broken as outside. Cut at length bytes after the outer IP header, on the wire too. */
static void
test_broken(void **state)
{
	static const struct {
		const char *name;
		void (*outer)(struct builder *frame);
		uint8_t length; /* of the outer datagram's payload */
		const char *expected;
	} broken[] = {
		{"3 bytes of GRE", gre, 3, "malformed_tunnel"},
		{"GRE and nothing", gre, 4, "malformed_ip: ip_truncated"},
		{"GRE without its key", gre_full, 8, "malformed_tunnel"},
		{"NVGRE with half of Ethernet", nvgre, 14, "malformed_link"},
		{"ERSPAN II of 4 bytes", erspan_2, 12, "malformed_tunnel"},
		{"ERSPAN III of 11 bytes", erspan_3, 19, "malformed_tunnel"},
		{"ERSPAN III without subheader", erspan_3_subheader, 22, "malformed_tunnel"},
		{"VXLAN of 7 bytes", vxlan, 15, "malformed_tunnel"},
		{"VXLAN with half of Ethernet", vxlan, 20, "malformed_link"},
		{"GENEVE without its option", geneve, 20, "malformed_tunnel"},
		{"GTP-U of 7 bytes", gtpu, 15, "malformed_tunnel"},
		{"GTP-U and nothing", gtpu, 16, "malformed_tunnel"},
		{"GTP-U without its extension", gtpu_extension, 21, "malformed_tunnel"},
		{"half of an inner IP header", gre, 14, "malformed_ip: ip_truncated"},
		{"half of an inner TCP header", gre, 34, "malformed_tcp: ip_truncated"},
	};
	static struct builder built;

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(broken); i++) {
		struct builder_layer ip;
		struct jbr_frame frame;
		struct jbr_packet packet;

		build(&built, &(struct row){.outer = broken[i].outer, .version = 4});
		ip = built.layers[1];
		built.length = ip.offset + ip.length + broken[i].length;
		say_length(built.data + ip.offset, broken[i].length);
		frame = expect_frame(&built);
		packet = expect_parse(&frame);
		expect_outcome(broken[i].name, &packet, broken[i].expected);
	}
}

/* A tunnel whose outer datagram is a first fragment: what is inside is cut, not broken. */
static void
test_fragmented(void **state)
{
	static struct builder whole;
	static struct builder fragment;
	struct jbr_frame frame;
	struct jbr_packet packet;

	(void)state;
	build(&whole, &(struct row){.outer = vxlan, .version = 4});
	for (uint32_t length = 8; length < whole.length - 34; length += 8) {
		uint32_t inner_tcp_end = 8 + 8 + 14 + 20 + 20;

		builder_cut_fragment(&fragment, &whole, 0, length);
		frame = expect_frame(&fragment);
		packet = expect_parse(&frame);
		if (length >= inner_tcp_end)
			assert_int_equal(packet.kind, JBR_PACKET_TCP);
		else if (length <= 8)
			expect_outcome("UDP only", &packet, "udp");
		else
			expect_outcome("inside cut", &packet, "tiny_fragment");
	}
}

struct depth {
	const char *name;
	uint8_t tags;
	uint8_t labels;
	uint8_t tunnels; /* IP in IP */
	uint8_t gre;     /* GRE and IP */
	uint8_t max;
	bool is_too_deep;
};

static const struct depth depths[] = {
	{"15 tags and IP", 15, 0, 0, 0, 16, false},
	{"16 tags and IP", 16, 0, 0, 0, 16, true},
	{"15 labels and IP", 0, 15, 0, 0, 16, false},
	{"16 labels and IP", 0, 16, 0, 0, 16, true},
	{"16 IP headers", 0, 0, 15, 0, 16, false},
	{"17 IP headers", 0, 0, 16, 0, 16, true},
	{"GRE 7 times", 1, 0, 0, 7, 16, false},
	{"GRE 8 times", 0, 0, 0, 8, 16, true},
	{"a tag and IP, 2 allowed", 1, 0, 0, 0, 2, false},
	{"two tags and IP, 2 allowed", 2, 0, 0, 0, 2, true},
	{"tag, label, IP, 3 allowed", 1, 1, 0, 0, 3, false},
	{"tag, label, IP, 2 allowed", 1, 1, 0, 0, 2, true},
	{"32 allowed", 8, 8, 5, 5, 32, false},
	{"33", 9, 8, 5, 5, 32, true},
};

static void
test_depth(void **state)
{
	static struct builder built;

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(depths); i++) {
		const struct depth *depth = &depths[i];
		struct jbr_packet_options options = jbr_packet_options_default();
		struct jbr_frame frame;
		struct jbr_packet packet;

		builder_init(&built);
		builder_ethernet(&built, NULL, NULL);
		for (unsigned n = 0; n < depth->tags; n++)
			builder_vlan(&built, 0x8100, 1);
		for (unsigned n = 0; n < depth->labels; n++)
			builder_mpls(&built, 1, 64);
		for (unsigned n = 0; n < depth->tunnels; n++)
			builder_ip(&built, "203.0.113.1", "203.0.113.2");
		for (unsigned n = 0; n < depth->gre; n++) {
			builder_ip(&built, "203.0.113.1", "203.0.113.2");
			builder_gre(&built, &(struct builder_gre){0});
		}
		builder_ip(&built, "192.0.2.1", "198.51.100.1");
		expect_end(&built, 10);
		frame = expect_frame(&built);
		options.layers_max = depth->max;
		jbr_packet_parse(&frame, &options, &packet);
		expect_outcome(depth->name, &packet,
			depth->is_too_deep ? "encap_depth: encap_depth_exceeded" : "tcp");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tunnels),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_fragmented),
		cmocka_unit_test(test_depth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
