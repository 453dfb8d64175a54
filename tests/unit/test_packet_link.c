/* SPDX-License-Identifier: BSD-3-Clause */
#include "packet_expect.h"

/* Link headers: what each link type begins with, tags, labels, PPPoE, and where they end too early. */

struct row {
	const char *name;
	void (*outer)(struct builder *frame); /* the layers outside IP */
	const char *expected;
	uint8_t link;
	uint8_t version; /* of IP; 0: no IP at all, outer() has built everything */
	uint16_t layers;
	uint16_t vlan[2];
};

static void
none(struct builder *frame)
{
	(void)frame;
}

static void
ethernet(struct builder *frame)
{
	builder_ethernet(frame, NULL, NULL);
}

static void
arp(struct builder *frame)
{
	builder_ethernet(frame, NULL, NULL);
	builder_arp(frame, "192.0.2.1", "192.0.2.2");
}

static void
sll(struct builder *frame)
{
	builder_sll(frame, 1);
}

static void
sll_netlink(struct builder *frame)
{
	builder_sll(frame, 1);
	frame->data[2] = 824 >> 8;
	frame->data[3] = 824 & 0xff;
}

static void
sll2(struct builder *frame)
{
	builder_sll(frame, 2);
}

static void
family_little(struct builder *frame)
{
	builder_loopback(frame, false);
}

static void
family_big(struct builder *frame)
{
	builder_loopback(frame, true);
}

static void
family_28(struct builder *frame)
{
	builder_bytes(frame, "\0\0\0\x1c", 4);
}

static void
family_30(struct builder *frame)
{
	builder_bytes(frame, "\x1e\0\0\0", 4);
}

static void
family_10(struct builder *frame)
{
	builder_bytes(frame, "\x0a\0\0\0", 4);
}

static void
family_7(struct builder *frame)
{
	builder_bytes(frame, "\x07\0\0\0", 4);
}

static void
vlan(struct builder *frame)
{
	builder_ethernet(frame, NULL, NULL);
	builder_vlan(frame, 0x8100, 0xe064);
}

static void
vlan_arp(struct builder *frame)
{
	vlan(frame);
	builder_arp(frame, "192.0.2.1", "192.0.2.2");
}

static void
qinq(struct builder *frame)
{
	builder_ethernet(frame, NULL, NULL);
	builder_vlan(frame, 0x88a8, 200);
	builder_vlan(frame, 0x8100, 100);
}

static void
qinq_old(struct builder *frame)
{
	builder_ethernet(frame, NULL, NULL);
	builder_vlan(frame, 0x9100, 300);
	builder_vlan(frame, 0x8100, 0);
}

static void
three_tags(struct builder *frame)
{
	builder_ethernet(frame, NULL, NULL);
	builder_vlan(frame, 0x88a8, 1);
	builder_vlan(frame, 0x8100, 2);
	builder_vlan(frame, 0x8100, 3);
}

static void
type_ipv4(struct builder *frame)
{
	builder_ethernet_type(frame, 0x0800);
}

static void
type_ipv6(struct builder *frame)
{
	builder_ethernet_type(frame, 0x86dd);
}

static void
type_lldp(struct builder *frame)
{
	builder_ethernet_type(frame, 0x88cc);
}

static void
llc(struct builder *frame)
{
	builder_ethernet_type(frame, 64);
	builder_bytes(frame, "\x42\x42\x03", 3); /* spanning tree */
}

static void
snap(struct builder *frame)
{
	builder_ethernet_type(frame, 68);
	builder_bytes(frame, "\xaa\xaa\x03\0\0\0\x08\0", 8);
}

static void
snap_cisco(struct builder *frame)
{
	builder_ethernet_type(frame, 68);
	builder_bytes(frame, "\xaa\xaa\x03\0\0\x0c\x20\0", 8);
}

static void
mpls(struct builder *frame)
{
	builder_ethernet(frame, NULL, NULL);
	builder_mpls(frame, 16001, 64);
}

static void
mpls_three(struct builder *frame)
{
	mpls(frame);
	builder_mpls(frame, 16002, 64);
	builder_mpls(frame, 16003, 64);
}

static void
mpls_multicast(struct builder *frame)
{
	builder_ethernet_type(frame, 0x8848);
	builder_mpls(frame, 16001, 64);
}

static void
mpls_pseudowire(struct builder *frame)
{
	mpls(frame);
	builder_bytes(frame, NULL, 4);
	builder_ethernet(frame, NULL, NULL);
}

static void
mpls_channel(struct builder *frame)
{
	mpls(frame);
	builder_bytes(frame, "\x10\0\0\x07", 4); /* an associated channel, RFC 5586 */
}

static void
mpls_odd(struct builder *frame)
{
	mpls(frame);
	builder_bytes(frame, "\0\0\0\0ABCDEFGHIJKL\x12\x34", 18); /* no EtherType that is known */
}

static void
pppoe(struct builder *frame)
{
	builder_ethernet(frame, NULL, NULL);
	builder_pppoe(frame, 7);
}

static void
vlan_pppoe(struct builder *frame)
{
	vlan(frame);
	builder_pppoe(frame, 7);
}

/* The PPP protocol in one byte, as RFC 1661 allows. */
static void
pppoe_compressed(struct builder *frame)
{
	builder_ethernet_type(frame, 0x8864);
	builder_bytes(frame, "\x11\0\0\x07\0\x29\x21", 7);
}

static void
pppoe_lcp(struct builder *frame)
{
	builder_ethernet_type(frame, 0x8864);
	builder_bytes(frame, "\x11\0\0\x07\0\x0a\xc0\x21\x09\x01\0\x08\0\0\0\0", 16);
}

static void
pppoe_code(struct builder *frame)
{
	builder_ethernet_type(frame, 0x8864);
	builder_bytes(frame, "\x11\xa7\0\x07\0\0\0\x21", 8);
}

static void
pppoe_version(struct builder *frame)
{
	builder_ethernet_type(frame, 0x8864);
	builder_bytes(frame, "\x21\0\0\x07\0\0\0\x21", 8);
}

static void
pppoe_discovery(struct builder *frame)
{
	builder_ethernet_type(frame, 0x8863);
	builder_bytes(frame, "\x11\x09\0\0\0\0", 6);
}

static const struct row rows[] = {
	{"Ethernet, IPv4", ethernet, "tcp", .link = JBR_LINK_ETHERNET, .version = 4},
	{"Ethernet, IPv6", ethernet, "tcp", .link = JBR_LINK_ETHERNET, .version = 6},
	{"ARP", arp, "non_ip", .link = JBR_LINK_ETHERNET, .version = 0},
	{"LLDP", type_lldp, "non_ip", .link = JBR_LINK_ETHERNET, .version = 0},
	{"EtherType of IPv4, IPv6 inside", type_ipv4, "malformed_ip: ip_bad_version",
		.link = JBR_LINK_ETHERNET, .version = 6},
	{"EtherType of IPv6, IPv4 inside", type_ipv6, "malformed_ip: ip_bad_version",
		.link = JBR_LINK_ETHERNET, .version = 4},
	{"EtherType of IPv6, IPv6 inside", type_ipv6, "tcp", .link = JBR_LINK_ETHERNET,
		.version = 6},
	{"raw IPv4", none, "tcp", .link = JBR_LINK_RAW_IP, .version = 4},
	{"raw IPv6", none, "tcp", .link = JBR_LINK_RAW_IP, .version = 6},
	{"raw, but Ethernet", ethernet, "malformed_ip: ip_bad_version", .link = JBR_LINK_RAW_IP,
		.version = 4},
	{"cooked v1, IPv4", sll, "tcp", .link = JBR_LINK_SLL, .version = 4},
	{"cooked v1, IPv6", sll, "tcp", .link = JBR_LINK_SLL, .version = 6},
	{"cooked v1, netlink", sll_netlink, "non_ip", .link = JBR_LINK_SLL, .version = 4},
	{"cooked v2, IPv4", sll2, "tcp", .link = JBR_LINK_SLL2, .version = 4},
	{"cooked v2, IPv6", sll2, "tcp", .link = JBR_LINK_SLL2, .version = 6},
	{"loopback, IPv4, little endian", family_little, "tcp", .link = JBR_LINK_NULL,
		.version = 4},
	{"loopback, IPv4, big endian", family_big, "tcp", .link = JBR_LINK_NULL, .version = 4},
	{"loopback, IPv6, NetBSD", family_little, "tcp", .link = JBR_LINK_NULL, .version = 6},
	{"loopback, IPv6, FreeBSD", family_28, "tcp", .link = JBR_LINK_NULL, .version = 6},
	{"loopback, IPv6, macOS", family_30, "tcp", .link = JBR_LINK_NULL, .version = 6},
	{"loopback, IPv6, Linux", family_10, "tcp", .link = JBR_LINK_NULL, .version = 6},
	{"loopback, another family", family_7, "non_ip", .link = JBR_LINK_NULL, .version = 4},
	{"OpenBSD loopback, IPv4", family_big, "tcp", .link = JBR_LINK_LOOP, .version = 4},
	{"OpenBSD loopback, IPv6", family_big, "tcp", .link = JBR_LINK_LOOP, .version = 6},
	{"OpenBSD loopback in the wrong order", family_little, "non_ip", .link = JBR_LINK_LOOP,
		.version = 4},
	{"a link type that is not read", ethernet, "unknown_link", .link = JBR_LINK_UNKNOWN,
		.version = 4},
	{"VLAN", vlan, "tcp", .link = JBR_LINK_ETHERNET, .version = 4, .layers = JBR_LAYER_VLAN,
		.vlan = {100}},
	{"VLAN, IPv6", vlan, "tcp", .link = JBR_LINK_ETHERNET, .version = 6,
		.layers = JBR_LAYER_VLAN, .vlan = {100}},
	{"ARP in a VLAN", vlan_arp, "non_ip", .link = JBR_LINK_ETHERNET, .version = 0,
		.layers = JBR_LAYER_VLAN, .vlan = {100}},
	{"QinQ", qinq, "tcp", .link = JBR_LINK_ETHERNET, .version = 4,
		.layers = JBR_LAYER_VLAN | JBR_LAYER_QINQ, .vlan = {200, 100}},
	{"QinQ 0x9100, priority tag inside", qinq_old, "tcp", .link = JBR_LINK_ETHERNET,
		.version = 4, .layers = JBR_LAYER_VLAN | JBR_LAYER_QINQ, .vlan = {300, 0}},
	{"three tags", three_tags, "tcp", .link = JBR_LINK_ETHERNET, .version = 4,
		.layers = JBR_LAYER_VLAN | JBR_LAYER_QINQ, .vlan = {1, 2}},
	{"802.3 with LLC", llc, "non_ip", .link = JBR_LINK_ETHERNET, .version = 4},
	{"802.3 with SNAP", snap, "tcp", .link = JBR_LINK_ETHERNET, .version = 4},
	{"802.3 with another OUI", snap_cisco, "non_ip", .link = JBR_LINK_ETHERNET, .version = 4},
	{"MPLS, IPv4", mpls, "tcp", .link = JBR_LINK_ETHERNET, .version = 4,
		.layers = JBR_LAYER_MPLS},
	{"MPLS, IPv6", mpls, "tcp", .link = JBR_LINK_ETHERNET, .version = 6,
		.layers = JBR_LAYER_MPLS},
	{"MPLS, three labels", mpls_three, "tcp", .link = JBR_LINK_ETHERNET, .version = 4,
		.layers = JBR_LAYER_MPLS},
	{"MPLS multicast", mpls_multicast, "tcp", .link = JBR_LINK_ETHERNET, .version = 4,
		.layers = JBR_LAYER_MPLS},
	{"MPLS pseudowire", mpls_pseudowire, "tcp", .link = JBR_LINK_ETHERNET, .version = 6,
		.layers = JBR_LAYER_MPLS},
	{"MPLS channel", mpls_channel, "non_ip", .link = JBR_LINK_ETHERNET, .version = 4,
		.layers = JBR_LAYER_MPLS},
	{"MPLS, nibble 0 but no frame", mpls_odd, "non_ip", .link = JBR_LINK_ETHERNET, .version = 4,
		.layers = JBR_LAYER_MPLS},
	{"PPPoE, IPv4", pppoe, "tcp", .link = JBR_LINK_ETHERNET, .version = 4,
		.layers = JBR_LAYER_PPPOE},
	{"PPPoE, IPv6", pppoe, "tcp", .link = JBR_LINK_ETHERNET, .version = 6,
		.layers = JBR_LAYER_PPPOE},
	{"PPPoE in a VLAN", vlan_pppoe, "tcp", .link = JBR_LINK_ETHERNET, .version = 4,
		.layers = JBR_LAYER_VLAN | JBR_LAYER_PPPOE, .vlan = {100}},
	{"PPPoE, one byte of protocol", pppoe_compressed, "tcp", .link = JBR_LINK_ETHERNET,
		.version = 4, .layers = JBR_LAYER_PPPOE},
	{"PPPoE, LCP", pppoe_lcp, "non_ip", .link = JBR_LINK_ETHERNET, .version = 0,
		.layers = JBR_LAYER_PPPOE},
	{"PPPoE, a code that is no session", pppoe_code, "malformed_link",
		.link = JBR_LINK_ETHERNET, .version = 4, .layers = JBR_LAYER_PPPOE},
	{"PPPoE, another version", pppoe_version, "malformed_link", .link = JBR_LINK_ETHERNET,
		.version = 4, .layers = JBR_LAYER_PPPOE},
	{"PPPoE discovery", pppoe_discovery, "non_ip", .link = JBR_LINK_ETHERNET, .version = 0},
};

static void
build(struct builder *frame, const struct row *row)
{
	builder_init(frame);
	row->outer(frame);
	if (row->version == 4)
		builder_ip(frame, "192.0.2.1", "198.51.100.1");
	if (row->version == 6)
		builder_ip(frame, "2001:db8::1", "2001:db8::2");
	if (row->version != 0)
		expect_end(frame, 10);
	else
		builder_finish(frame);
}

static void
test_headers(void **state)
{
	static struct builder built;

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(rows); i++) {
		struct jbr_frame frame;
		struct jbr_packet packet;

		build(&built, &rows[i]);
		frame = expect_frame(&built);
		frame.link = rows[i].link;
		packet = expect_parse(&frame);
		expect_outcome(rows[i].name, &packet, rows[i].expected);
		expect_sane(&packet, &frame);
		assert_int_equal(packet.link, rows[i].link);
		if (packet.layers != rows[i].layers || packet.vlan[0] != rows[i].vlan[0] ||
			packet.vlan[1] != rows[i].vlan[1])
			fail_msg("%s: layers %#x, VLANs %u %u", rows[i].name, packet.layers,
				packet.vlan[0], packet.vlan[1]);
		if (packet.kind != JBR_PACKET_TCP)
			continue;
		assert_int_equal(packet.ip_version, rows[i].version);
		assert_int_equal(packet.src_port, 40000);
		assert_int_equal(packet.payload_length, 10);
	}
}

/* A frame that was no longer on the wire is broken; one that the snap length cut is not. */
static void
test_short(void **state)
{
	static const struct {
		const char *name;
		void (*outer)(struct builder *frame);
		const char *expected;
		uint8_t link;
		uint8_t length;
	} shorts[] = {
		{"no byte", ethernet, "malformed_link", JBR_LINK_ETHERNET, 0},
		{"13 bytes of Ethernet", ethernet, "malformed_link", JBR_LINK_ETHERNET, 13},
		{"Ethernet and nothing", type_ipv4, "malformed_ip: ip_truncated", JBR_LINK_ETHERNET,
			14},
		{"no byte of raw IP", none, "malformed_ip: ip_truncated", JBR_LINK_RAW_IP, 0},
		{"15 bytes of cooked v1", sll, "malformed_link", JBR_LINK_SLL, 15},
		{"19 bytes of cooked v2", sll2, "malformed_link", JBR_LINK_SLL2, 19},
		{"3 bytes of loopback", family_big, "malformed_link", JBR_LINK_NULL, 3},
		{"3 bytes of OpenBSD loopback", family_big, "malformed_link", JBR_LINK_LOOP, 3},
		{"half a tag", vlan, "malformed_link", JBR_LINK_ETHERNET, 16},
		{"half a second tag", qinq, "malformed_link", JBR_LINK_ETHERNET, 20},
		{"half a label", mpls, "malformed_link", JBR_LINK_ETHERNET, 17},
		{"half a bottom label", mpls_three, "malformed_link", JBR_LINK_ETHERNET, 24},
		{"half of PPPoE", pppoe, "malformed_link", JBR_LINK_ETHERNET, 19},
		{"PPPoE without protocol", pppoe, "malformed_link", JBR_LINK_ETHERNET, 20},
		{"PPPoE with half a protocol", pppoe, "malformed_link", JBR_LINK_ETHERNET, 21},
	};
	static struct builder built;

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(shorts); i++) {
		const struct row row = {.outer = shorts[i].outer, .version = 4};
		struct jbr_frame frame;
		struct jbr_packet packet;

		build(&built, &row);
		frame = expect_frame(&built);
		frame.link = shorts[i].link;
		frame.data = expect_guarded(built.data, shorts[i].length);
		frame.captured = shorts[i].length;
		packet = expect_parse(&frame);
		expect_outcome(shorts[i].name, &packet, "snap_length");
		frame.wire = shorts[i].length;
		packet = expect_parse(&frame);
		expect_outcome(shorts[i].name, &packet, shorts[i].expected);
	}
}

/* A tag that the NIC has taken out of the frame is the outer one. */
static void
test_vlan_stripped(void **state)
{
	static struct builder built;
	struct jbr_frame frame;
	struct jbr_packet packet;

	(void)state;
	build(&built, &(struct row){.outer = vlan, .version = 4});
	frame = expect_frame(&built);
	frame.vlan_tci = 0x6007;
	packet = expect_parse(&frame);
	assert_int_equal(packet.vlan[0], 100);
	assert_int_equal(packet.vlan[1], 0);
	frame.nic_flags = JBR_NIC_VLAN_STRIPPED;
	packet = expect_parse(&frame);
	expect_outcome("stripped and a tag", &packet, "tcp");
	assert_int_equal(packet.vlan[0], 7);
	assert_int_equal(packet.vlan[1], 100);
	assert_int_equal(packet.layers, JBR_LAYER_VLAN | JBR_LAYER_QINQ);
	build(&built, &(struct row){.outer = ethernet, .version = 4});
	frame = expect_frame(&built);
	frame.vlan_tci = 0xffff;
	frame.nic_flags = JBR_NIC_VLAN_STRIPPED;
	packet = expect_parse(&frame);
	assert_int_equal(packet.vlan[0], 0xfff);
	assert_int_equal(packet.layers, JBR_LAYER_VLAN);
}

static void
test_tenant(void **state)
{
	static struct builder built;
	struct jbr_packet_options options = jbr_packet_options_default();
	struct jbr_frame frame;
	struct jbr_packet packet;

	(void)state;
	build(&built, &(struct row){.outer = qinq, .version = 4});
	frame = expect_frame(&built);
	jbr_packet_parse(&frame, &options, &packet);
	assert_int_equal(packet.tenant, 0);
	options.tunnel_in_tuple = true;
	jbr_packet_parse(&frame, &options, &packet);
	assert_int_equal(packet.tenant, 0);
	options.vlan_in_tuple = true;
	jbr_packet_parse(&frame, &options, &packet);
	assert_int_equal(packet.tenant, 100 << 12 | 200);
}

static void
test_link_source(void **state)
{
	static const uint8_t outer[6] = {2, 0, 0, 0, 0, 2};
	static const uint8_t inner[6] = {2, 0, 0, 0, 0, 9};
	static struct builder built;
	struct jbr_frame frame;
	struct jbr_packet packet;

	(void)state;
	build(&built, &(struct row){.outer = ethernet, .version = 4});
	frame = expect_frame(&built);
	packet = expect_parse(&frame);
	assert_true(packet.has_link_src);
	assert_memory_equal(packet.link_src, outer, 6);
	build(&built, &(struct row){.outer = none, .version = 4});
	frame = expect_frame(&built);
	frame.link = JBR_LINK_RAW_IP;
	packet = expect_parse(&frame);
	assert_false(packet.has_link_src);
	build(&built, &(struct row){.outer = sll, .version = 4});
	memcpy(built.data + 6, inner, 6);
	frame = expect_frame(&built);
	frame.link = JBR_LINK_SLL;
	packet = expect_parse(&frame);
	assert_true(packet.has_link_src);
	assert_memory_equal(packet.link_src, inner, 6);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_short),
		cmocka_unit_test(test_vlan_stripped),
		cmocka_unit_test(test_tenant),
		cmocka_unit_test(test_link_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
