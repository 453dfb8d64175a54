/* SPDX-License-Identifier: BSD-3-Clause */
/* What the header of one segment gives away. Every row names all findings of its segment, so a row
 * that expects none is a near miss of the one above it. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "jbr_detect.h"

enum {
	FIN = JBR_TCP_FIN,
	SYN = JBR_TCP_SYN,
	RST = JBR_TCP_RST,
	PSH = JBR_TCP_PSH,
	ACK = JBR_TCP_ACK,
	URG = JBR_TCP_URG,
	ECE = JBR_TCP_ECE,
	CWR = JBR_TCP_CWR,
	AE = JBR_TCP_AE,
	MSS = JBR_OPT_MSS,
	ZERO = -1, /* in a row, where 0 means the usual value */
};

/* All sets of the six flags, with the acknowledgement field filled where ACK is set, an urgent pointer
 * where URG is, and an MSS where SYN is. Written from the conditions in anomalies.def, row by row. */
static const struct {
	uint16_t flags;
	const char *findings;
} sets[] = {
	{0, "tcp_null_flags"},
	{FIN, "tcp_fin_no_ack"},
	{SYN, ""},
	{FIN | SYN, "tcp_syn_fin"},
	{RST, ""},
	{FIN | RST, "tcp_fin_rst"},
	{SYN | RST, "tcp_syn_rst"},
	{FIN | SYN | RST, "tcp_syn_fin tcp_syn_rst tcp_fin_rst"},
	{PSH, "tcp_missing_ack"},
	{FIN | PSH, "tcp_fin_no_ack"},
	{SYN | PSH, ""},
	{FIN | SYN | PSH, "tcp_syn_fin"},
	{RST | PSH, ""},
	{FIN | RST | PSH, "tcp_fin_rst"},
	{SYN | RST | PSH, "tcp_syn_rst"},
	{FIN | SYN | RST | PSH, "tcp_syn_fin tcp_syn_rst tcp_fin_rst"},
	{ACK, ""},
	{FIN | ACK, ""},
	{SYN | ACK, ""},
	{FIN | SYN | ACK, "tcp_syn_fin"},
	{RST | ACK, ""},
	{FIN | RST | ACK, "tcp_fin_rst"},
	{SYN | RST | ACK, "tcp_syn_rst"},
	{FIN | SYN | RST | ACK, "tcp_syn_fin tcp_syn_rst tcp_fin_rst"},
	{PSH | ACK, ""},
	{FIN | PSH | ACK, ""},
	{SYN | PSH | ACK, ""},
	{FIN | SYN | PSH | ACK, "tcp_syn_fin"},
	{RST | PSH | ACK, ""},
	{FIN | RST | PSH | ACK, "tcp_fin_rst"},
	{SYN | RST | PSH | ACK, "tcp_syn_rst"},
	{FIN | SYN | RST | PSH | ACK, "tcp_syn_fin tcp_syn_rst tcp_fin_rst"},
	{URG, "tcp_missing_ack"},
	{FIN | URG, "tcp_fin_no_ack tcp_urg_bad"},
	{SYN | URG, "tcp_urg_bad"},
	{FIN | SYN | URG, "tcp_syn_fin tcp_urg_bad"},
	{RST | URG, "tcp_urg_bad"},
	{FIN | RST | URG, "tcp_fin_rst tcp_urg_bad"},
	{SYN | RST | URG, "tcp_syn_rst tcp_urg_bad"},
	{FIN | SYN | RST | URG, "tcp_syn_fin tcp_syn_rst tcp_fin_rst tcp_urg_bad"},
	{PSH | URG, "tcp_missing_ack"},
	{FIN | PSH | URG, "tcp_xmas"},
	{SYN | PSH | URG, "tcp_urg_bad"},
	{FIN | SYN | PSH | URG, "tcp_syn_fin tcp_urg_bad"},
	{RST | PSH | URG, "tcp_urg_bad"},
	{FIN | RST | PSH | URG, "tcp_fin_rst tcp_urg_bad"},
	{SYN | RST | PSH | URG, "tcp_syn_rst tcp_urg_bad"},
	{FIN | SYN | RST | PSH | URG, "tcp_syn_fin tcp_syn_rst tcp_fin_rst tcp_urg_bad"},
	{ACK | URG, ""},
	{FIN | ACK | URG, "tcp_urg_bad"},
	{SYN | ACK | URG, "tcp_urg_bad"},
	{FIN | SYN | ACK | URG, "tcp_syn_fin tcp_urg_bad"},
	{RST | ACK | URG, "tcp_urg_bad"},
	{FIN | RST | ACK | URG, "tcp_fin_rst tcp_urg_bad"},
	{SYN | RST | ACK | URG, "tcp_syn_rst tcp_urg_bad"},
	{FIN | SYN | RST | ACK | URG, "tcp_syn_fin tcp_syn_rst tcp_fin_rst tcp_urg_bad"},
	{PSH | ACK | URG, ""},
	{FIN | PSH | ACK | URG, "tcp_urg_bad"},
	{SYN | PSH | ACK | URG, "tcp_urg_bad"},
	{FIN | SYN | PSH | ACK | URG, "tcp_syn_fin tcp_urg_bad"},
	{RST | PSH | ACK | URG, "tcp_urg_bad"},
	{FIN | RST | PSH | ACK | URG, "tcp_fin_rst tcp_urg_bad"},
	{SYN | RST | PSH | ACK | URG, "tcp_syn_rst tcp_urg_bad"},
	{FIN | SYN | RST | PSH | ACK | URG, "tcp_all_flags tcp_syn_fin tcp_syn_rst tcp_fin_rst"},
};

/* One segment; a field that is 0 or NULL has the usual value of a data-less ACK between two hosts. */
struct segment {
	const char *name;
	const char *findings; /* keys, separated by a space; "" for none */
	const char *src;
	const char *dst;
	uint16_t flags;
	int src_port;
	int dst_port;
	int ttl;
	int link;
	int link_src; /* last byte of the source MAC address */
	uint32_t seq;
	int64_t ack;
	uint32_t payload;
	uint32_t ip_id;
	uint16_t window;
	uint16_t urgent;
	uint16_t options;
	int mss;
	uint32_t ttl_floor;
	uint32_t mss_floor;
};

static const struct segment segments[] = {
	{"nothing odd", "", .src = "192.0.2.1"},
	{"nothing odd, IPv6", "", .src = "2001:db8::1", .dst = "2001:db8::2"},

	{"LAND", "land_attack", .src = "192.0.2.7", .dst = "192.0.2.7"},
	{"LAND with equal ports", "land_attack", .src = "192.0.2.7", .dst = "192.0.2.7",
		.src_port = 80},
	{"LAND, IPv6", "land_attack", .src = "2001:db8::1", .dst = "2001:db8::1"},
	{"one bit short of LAND", "", .src = "192.0.2.7", .dst = "192.0.2.6"},
	{"low halves equal, IPv6", "", .src = "2001:db8:1::1", .dst = "2001:db8:2::1"},
	{"high halves equal, IPv6", "", .src = "2001:db8:1::1", .dst = "2001:db8:1::2"},
	{"loopback is no LAND, but no address on a wire", "ip_bogon_address", .src = "127.0.0.1",
		.dst = "127.0.0.1"},
	{"loopback capture", "", .src = "127.0.0.1", .dst = "127.0.0.1", .link = JBR_LINK_NULL},
	{"LAND in a loopback capture", "land_attack", .src = "192.0.2.7", .dst = "192.0.2.7",
		.link = JBR_LINK_NULL},

	{"from multicast", "ip_bogon_address", .src = "224.0.0.1"},
	{"to multicast", "ip_bogon_address", .dst = "239.255.255.255"},
	{"below multicast", "", .src = "223.255.255.255"},
	{"to 240/4", "ip_bogon_address", .dst = "240.0.0.1"},
	{"to broadcast", "ip_bogon_address", .dst = "255.255.255.255"},
	{"from 0/8", "ip_bogon_address", .src = "0.1.2.3"},
	{"above 0/8", "", .src = "1.0.0.0"},
	{"from 127/8", "ip_bogon_address", .src = "127.255.0.1"},
	{"below 127/8", "", .src = "126.255.255.255"},
	{"above 127/8", "", .src = "128.0.0.0"},
	{"127/8, BSD loopback", "", .src = "127.0.0.1", .link = JBR_LINK_NULL},
	{"127/8, OpenBSD loopback", "", .dst = "127.0.0.1", .link = JBR_LINK_LOOP},
	{"127/8, raw IP", "ip_bogon_address", .dst = "127.0.0.1", .link = JBR_LINK_RAW_IP},
	{"127/8, Linux loopback as Ethernet", "", .src = "127.0.0.1", .dst = "127.0.0.1",
		.link_src = ZERO},
	{"multicast, Linux loopback as Ethernet", "ip_bogon_address", .dst = "224.0.0.1",
		.link_src = ZERO},
	{"multicast, BSD loopback", "ip_bogon_address", .dst = "224.0.0.1", .link = JBR_LINK_NULL},
	{"to multicast, IPv6", "ip_bogon_address", .src = "2001:db8::1", .dst = "ff02::1"},
	{"below multicast, IPv6", "", .src = "2001:db8::1", .dst = "fe80::1"},
	{"from ::", "ip_bogon_address", .src = "::", .dst = "2001:db8::1"},
	{"from ::1", "ip_bogon_address", .src = "::1", .dst = "2001:db8::1"},
	{"from ::2", "", .src = "::2", .dst = "2001:db8::1"},
	{"::1, BSD loopback", "", .src = "::1", .dst = "::1", .link = JBR_LINK_NULL},
	{"IPv6 that would be multicast in IPv4", "", .src = "2001:db8::e000:1",
		.dst = "2001:db8::1"},

	{"TTL 0", "ip_low_ttl", .ttl = ZERO},
	{"TTL 1", "", .ttl = 1},
	{"TTL below a set floor", "ip_low_ttl", .ttl = 4, .ttl_floor = 5},
	{"TTL at a set floor", "", .ttl = 5, .ttl_floor = 5},

	{"source port 0", "tcp_port_zero", .src_port = ZERO},
	{"destination port 0", "tcp_port_zero", .dst_port = ZERO},
	{"ports 1", "", .src_port = 1, .dst_port = 1},

	{"ACK field in a SYN", "tcp_ack_field_stray", .flags = SYN, .options = MSS, .ack = 1},
	{"no ACK field in a SYN", "", .flags = SYN, .options = MSS, .ack = ZERO},
	{"ACK field in a RST", "", .flags = RST, .ack = 1},
	{"ACK field of 0 with ACK", "", .flags = ACK, .ack = ZERO},
	{"ACK field in a null segment", "tcp_null_flags tcp_ack_field_stray", .flags = ECE,
		.ack = 1},

	{"urgent pointer without URG", "tcp_urg_ptr_stray", .urgent = 1},
	{"URG with pointer", "", .flags = ACK | URG, .urgent = 1},
	{"URG without pointer", "tcp_urg_bad", .flags = ACK | URG},
	{"URG in a SYN", "tcp_urg_bad", .flags = SYN | URG, .ack = ZERO, .options = MSS,
		.urgent = 1},
	{"URG in a closing segment", "tcp_urg_bad", .flags = FIN | ACK | URG, .urgent = 1},
	{"URG in a RST", "tcp_urg_bad", .flags = RST | URG, .urgent = 1},
	{"Xmas with pointer", "tcp_xmas", .flags = FIN | PSH | URG, .ack = ZERO, .urgent = 1},
	{"Xmas without pointer", "tcp_xmas tcp_urg_bad", .flags = FIN | PSH | URG, .ack = ZERO},

	{"lowest reserved bit", "tcp_reserved_bits", .flags = ACK | 0x200},
	{"highest reserved bit", "tcp_reserved_bits", .flags = ACK | 0x800},
	{"AE, CWR and ECE are not reserved", "", .flags = ACK | AE | CWR | ECE},
	{"ECN flags make no null segment whole", "tcp_null_flags", .flags = CWR | ECE, .ack = ZERO},

	{"ZMap", "tcp_tool_signature", .flags = SYN, .ack = ZERO, .options = MSS, .ip_id = 54321,
		.window = 65535},
	{"ZMap's id alone", "", .flags = SYN, .ack = ZERO, .options = MSS, .ip_id = 54321},
	{"ZMap's window alone", "", .flags = SYN, .ack = ZERO, .options = MSS, .window = 65535},
	{"ZMap's constants in an ACK", "", .ip_id = 54321, .window = 65535},
	{"ZMap's constants in a SYN-ACK", "", .flags = SYN | ACK, .options = MSS, .ip_id = 54321,
		.window = 65535},
	{"Naptha", "tcp_tool_signature", .flags = SYN, .ack = ZERO, .options = MSS, .seq = 6060842,
		.ip_id = 413},
	{"Naptha's number alone", "", .flags = SYN, .ack = ZERO, .options = MSS, .seq = 6060842},
	{"Shaft", "tcp_tool_signature", .flags = SYN, .ack = ZERO, .options = MSS,
		.seq = 674711609},
	{"beside Shaft", "", .flags = SYN, .ack = ZERO, .options = MSS, .seq = 674711610},
	{"Mirai", "tcp_tool_signature", .flags = SYN, .ack = ZERO, .options = MSS,
		.dst = "198.51.100.2", .seq = 0xc6336402},
	{"Mirai's number in the other byte order", "", .flags = SYN, .ack = ZERO, .options = MSS,
		.dst = "198.51.100.2", .seq = 0x026433c6},
	{"the end of an IPv6 address", "", .flags = SYN, .ack = ZERO, .options = MSS,
		.src = "2001:db8::1", .dst = "2001:db8::c633:6402", .seq = 0xc6336402},

	{"MSS in an ACK", "tcp_opt_syn_only_misplaced", .options = MSS},
	{"window scale in a FIN", "tcp_opt_syn_only_misplaced", .flags = FIN | ACK,
		.options = JBR_OPT_WSCALE},
	{"SACK-permitted in a RST", "tcp_opt_syn_only_misplaced", .flags = RST,
		.options = JBR_OPT_SACK_OK},
	{"SACK and timestamp in an ACK", "", .options = JBR_OPT_SACK | JBR_OPT_TIMESTAMP},
	{"all three in a SYN-ACK", "", .flags = SYN | ACK,
		.options = MSS | JBR_OPT_WSCALE | JBR_OPT_SACK_OK},

	{"SYN without MSS", "tcp_opt_syn_bare", .flags = SYN, .ack = ZERO,
		.options = JBR_OPT_TIMESTAMP},
	{"SYN with MSS", "", .flags = SYN, .ack = ZERO, .options = MSS},
	{"SYN whose options were cut off", "", .flags = SYN, .ack = ZERO,
		.options = JBR_OPT_TRUNCATED},
	{"SYN-ACK without MSS", "", .flags = SYN | ACK},

	{"MSS below the floor", "tcp_mss_tiny", .flags = SYN, .ack = ZERO, .options = MSS,
		.mss = 499},
	{"MSS at the floor", "", .flags = SYN, .ack = ZERO, .options = MSS, .mss = 500},
	{"MSS 0", "tcp_mss_tiny", .flags = SYN, .ack = ZERO, .options = MSS, .mss = ZERO},
	{"MSS below the floor in a SYN-ACK", "tcp_mss_tiny", .flags = SYN | ACK, .options = MSS,
		.mss = 48},
	{"MSS below a set floor", "tcp_mss_tiny", .flags = SYN, .ack = ZERO, .options = MSS,
		.mss = 1459, .mss_floor = 1460},
	{"a small MSS out of place", "tcp_opt_syn_only_misplaced", .options = MSS, .mss = 48},

	{"SYN with data", "syn_with_data", .flags = SYN, .ack = ZERO, .options = MSS, .payload = 1},
	{"SYN with data and Fast Open", "", .flags = SYN, .ack = ZERO,
		.options = MSS | JBR_OPT_FAST_OPEN, .payload = 1},
	{"SYN with data, Fast Open perhaps cut off", "", .flags = SYN, .ack = ZERO,
		.options = MSS | JBR_OPT_TRUNCATED, .payload = 1},
	{"SYN-ACK with data", "synack_with_data", .flags = SYN | ACK, .options = MSS, .payload = 1},
	{"SYN-ACK without data", "", .flags = SYN | ACK, .options = MSS},
	{"RST with data", "rst_with_data", .flags = RST | ACK, .payload = 1},
	{"RST without data", "", .flags = RST | ACK},
	{"FIN with data", "", .flags = FIN | ACK, .payload = 1},
};

static int
value_of(int field, int usual)
{
	if (field == ZERO)
		return 0;
	return field == 0 ? usual : field;
}

static void
set_address(union jbr_address *address, const char *text)
{
	memset(address, 0, sizeof(*address));
	if (inet_pton(AF_INET, text, address->bytes + 12) == 1)
		address->bytes[10] = address->bytes[11] = 0xff;
	else
		assert_int_equal(inet_pton(AF_INET6, text, address->bytes), 1);
}

static struct jbr_packet
packet_of(const struct segment *segment)
{
	const char *src = segment->src != NULL ? segment->src : "192.0.2.1";
	struct jbr_packet packet = {
		.kind = JBR_PACKET_TCP,
		.ip_version = strchr(src, ':') != NULL ? 6 : 4,
		.flags = segment->flags != 0 ? segment->flags : ACK,
		.src_port = (uint16_t)value_of(segment->src_port, 40000),
		.dst_port = (uint16_t)value_of(segment->dst_port, 80),
		.ttl = (uint8_t)value_of(segment->ttl, 64),
		.link = (uint8_t)segment->link,
		.has_link_src = segment->link == JBR_LINK_ETHERNET,
		.seq = segment->seq,
		.ack = segment->ack == ZERO ? 0 : 2000,
		.payload_length = segment->payload,
		.ip_id = segment->ip_id,
		.window = segment->window != 0 ? segment->window : 512,
		.urgent = segment->urgent,
		.options = segment->options,
		.mss = (uint16_t)(segment->options & MSS ? value_of(segment->mss, 1460) : 0),
		.tcp_header_length = 20,
	};

	packet.link_src[5] = (uint8_t)value_of(segment->link_src, 1);
	set_address(&packet.src, src);
	set_address(&packet.dst, segment->dst != NULL ? segment->dst : "198.51.100.2");
	return packet;
}

static struct jbr_params
params_of(const struct segment *segment)
{
	struct jbr_config config;

	jbr_config_defaults(&config);
	if (segment->ttl_floor != 0)
		config.params.ip_low_ttl_floor = segment->ttl_floor;
	if (segment->mss_floor != 0)
		config.params.tcp_mss_tiny_floor = segment->mss_floor;
	return config.params;
}

/* Is @p key one of the words of @p text? */
static bool
has_word(const char *text, const char *key)
{
	size_t length = strlen(key);

	for (const char *at = text; (at = strstr(at, key)) != NULL; at += length)
		if ((at == text || at[-1] == ' ') && (at[length] == ' ' || at[length] == '\0'))
			return true;
	return false;
}

static unsigned
count_words(const char *text)
{
	unsigned count = *text != '\0';

	for (; *text != '\0'; text++)
		count += *text == ' ';
	return count;
}

static void
expect_findings(const struct jbr_packet *packet, const char *name, const char *findings)
{
	bool is_right = packet->findings_count == count_words(findings);

	for (unsigned i = 0; i < packet->findings_count; i++)
		is_right &= has_word(findings, jbr_anomalies[packet->findings[i]].key);
	if (is_right)
		return;
	print_error("%s: expected '%s', found:\n", name, findings);
	for (unsigned i = 0; i < packet->findings_count; i++)
		print_error("  %s\n", jbr_anomalies[packet->findings[i]].key);
	fail();
}

static void
test_every_set_of_flags(void **state)
{
	(void)state;
	assert_int_equal(JBR_COUNT_OF(sets), 64);
	for (unsigned i = 0; i < JBR_COUNT_OF(sets); i++) {
		uint16_t flags = sets[i].flags;
		struct segment segment = {
			.ack = flags & ACK ? 1 : ZERO,
			.urgent = flags & URG ? 1 : 0,
			.options = flags & SYN ? MSS : 0,
		};
		struct jbr_params params = params_of(&segment);
		struct jbr_packet packet = packet_of(&segment);
		char name[32];

		assert_int_equal(flags, i); /* each set once */
		packet.flags = flags;
		jbr_detect_flags(&params, &packet);
		snprintf(name, sizeof(name), "flags 0x%02x", flags);
		expect_findings(&packet, name, sets[i].findings);
	}
}

static void
test_segments(void **state)
{
	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(segments); i++) {
		struct jbr_params params = params_of(&segments[i]);
		struct jbr_packet packet = packet_of(&segments[i]);

		jbr_detect_flags(&params, &packet);
		expect_findings(&packet, segments[i].name, segments[i].findings);
	}
}

/* A new row of the catalogue needs rows here. */
static void
test_every_row_is_raised(void **state)
{
	(void)state;
	for (unsigned anomaly = 0; anomaly < JBR_ANOM_COUNT; anomaly++) {
		const char *key = jbr_anomalies[anomaly].key;
		bool is_raised = false;

		for (size_t i = 0; i < JBR_COUNT_OF(segments); i++)
			is_raised |= has_word(segments[i].findings, key);
		for (size_t i = 0; i < JBR_COUNT_OF(sets); i++)
			is_raised |= has_word(sets[i].findings, key);
		if (is_raised != (jbr_anomalies[anomaly].group == JBR_GROUP_FLAGS))
			fail_msg("'%s' is%s raised by a row", key, is_raised ? "" : " not");
	}
}

static void
test_other_packets_are_left_alone(void **state)
{
	static const uint8_t kinds[] = {JBR_PACKET_ICMP_QUOTE, JBR_PACKET_NOT_ANALYSED};
	const struct segment odd = {.src = "127.0.0.1", .dst = "127.0.0.1", .ttl = ZERO};
	struct jbr_params params = params_of(&odd);

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(kinds); i++) {
		struct jbr_packet packet = packet_of(&odd);

		packet.kind = kinds[i];
		packet.flags = FIN | SYN;
		jbr_detect_flags(&params, &packet);
		assert_int_equal(packet.findings_count, 0);
	}
}

/* What the parser found stays, and nothing is found twice. */
static void
test_findings_are_added(void **state)
{
	const struct segment land = {.src = "192.0.2.7", .dst = "192.0.2.7"};
	struct jbr_params params = params_of(&land);
	struct jbr_packet packet = packet_of(&land);

	(void)state;
	jbr_packet_find(&packet, JBR_ANOM_IP_BAD_CHECKSUM);
	jbr_detect_flags(&params, &packet);
	jbr_detect_flags(&params, &packet);
	expect_findings(&packet, "twice", "ip_bad_checksum land_attack");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_set_of_flags),
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_every_row_is_raised),
		cmocka_unit_test(test_other_packets_are_left_alone),
		cmocka_unit_test(test_findings_are_added),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
