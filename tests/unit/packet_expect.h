/* SPDX-License-Identifier: BSD-3-Clause */
/** @file packet_expect.h
 * For the units of the packet room: parse a built frame and put what came out into one line of text,
 * so that a table row can state it: "tcp", "tcp: ip_bad_checksum", "malformed_ip: ip_bad_hdr_len",
 * "icmp_quote", "snap_length". The findings stand in the catalogue's order.
 *
 * Frames are parsed where an unreadable page begins right behind their last captured byte.
 */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "builder.h"
#include "jbr_packet.h"

enum { EXPECT_GUARDED_SIZE = 1 << 17, EXPECT_TEXT_SIZE = 512 };

/** A copy of @p bytes that ends where readable memory does; valid until the next call. */
static inline const uint8_t *
expect_guarded(const uint8_t *bytes, size_t length)
{
	static uint8_t *memory;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	if (memory == NULL) {
		memory = mmap(NULL, EXPECT_GUARDED_SIZE + page, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (memory == MAP_FAILED ||
			mprotect(memory + EXPECT_GUARDED_SIZE, page, PROT_NONE) != 0)
			fail_msg("no memory with a guard page");
	}
	assert_true(length <= EXPECT_GUARDED_SIZE);
	memcpy(memory + EXPECT_GUARDED_SIZE - length, bytes, length);
	return memory + EXPECT_GUARDED_SIZE - length;
}

/** A frame as jbr_packet_parse() takes it: Ethernet, all captured, packet 1. */
static inline struct jbr_frame
expect_frame(const struct builder *built)
{
	assert_false(built->failed);
	return (struct jbr_frame){
		.data = expect_guarded(built->data, built->length),
		.number = 1,
		.captured = built->length,
		.wire = built->length,
		.link = JBR_LINK_ETHERNET,
	};
}

/** Parse with the default options. */
static inline struct jbr_packet
expect_parse(const struct jbr_frame *frame)
{
	struct jbr_packet_options options = jbr_packet_options_default();
	struct jbr_packet packet;

	memset(&packet, 0xee, sizeof(packet)); /* all of it must be written */
	jbr_packet_parse(frame, &options, &packet);
	return packet;
}

/** The outcome as text; valid until the next call. */
static inline const char *
expect_text(const struct jbr_packet *packet)
{
	static char text[EXPECT_TEXT_SIZE];
	const char *separator = ": ";
	int length;

	if (packet->kind == JBR_PACKET_NOT_ANALYSED)
		assert_in_range(packet->reason, 0, JBR_NOT_ANALYSED_COUNT - 1);
	if (packet->kind == JBR_PACKET_ICMP_QUOTE)
		assert_int_equal(packet->reason, JBR_NOT_ANALYSED_ICMP);
	length = snprintf(text, sizeof(text), "%s",
		packet->kind == JBR_PACKET_TCP ? "tcp"
			: packet->kind == JBR_PACKET_ICMP_QUOTE
			? "icmp_quote"
			: jbr_not_analysed[packet->reason].key);
	for (unsigned anomaly = 0; anomaly < JBR_ANOM_COUNT; anomaly++) {
		for (unsigned i = 0; i < packet->findings_count; i++) {
			if (packet->findings[i] != anomaly)
				continue;
			length += snprintf(text + length, sizeof(text) - (size_t)length, "%s%s",
				separator, jbr_anomalies[anomaly].key);
			separator = " ";
		}
	}
	return text;
}

/** Fail, naming the row, unless the outcome is @p expected. */
static inline void
expect_outcome(const char *row, const struct jbr_packet *packet, const char *expected)
{
	const char *text = expect_text(packet);

	if (strcmp(text, expected) != 0)
		fail_msg("%s: expected '%s', got '%s'", row, expected, text);
}

/** Fail unless what the result says of itself holds, whatever the frame was. */
static inline void
expect_sane(const struct jbr_packet *packet, const struct jbr_frame *frame)
{
	const uint8_t *end = frame->data + frame->captured;

	assert_in_range(packet->kind, JBR_PACKET_TCP, JBR_PACKET_NOT_ANALYSED);
	assert_in_range(packet->findings_count, 0, JBR_PACKET_FINDINGS_MAX);
	for (unsigned i = 0; i < packet->findings_count; i++) {
		assert_in_range(packet->findings[i], 0, JBR_ANOM_COUNT - 1);
		assert_in_range(jbr_anomalies[packet->findings[i]].group, JBR_GROUP_DECODER,
			JBR_GROUP_OPTION);
		for (unsigned j = 0; j < i; j++)
			assert_int_not_equal(packet->findings[i], packet->findings[j]);
	}
	if (packet->kind != JBR_PACKET_TCP)
		return;
	assert_true(packet->ip >= frame->data && packet->tcp > packet->ip);
	assert_true(packet->tcp + 20 <= packet->payload || packet->payload == end);
	assert_true(packet->payload + packet->payload_captured <= end);
	assert_true(packet->payload_captured <= packet->payload_length);
	assert_in_range(packet->tcp_header_length, 20, 60);
	assert_true(packet->ip_version == 4 || packet->ip_version == 6);
	assert_true(packet->wscale <= 14 && packet->sack_count <= JBR_PACKET_SACK_MAX);
	assert_true((packet->flags & ~0xfff) == 0);
}

/** Start of most frames: Ethernet and IPv4 192.0.2.1 to 198.51.100.1. */
static inline void
expect_begin(struct builder *frame)
{
	builder_init(frame);
	builder_ethernet(frame, NULL, NULL);
	builder_ip(frame, "192.0.2.1", "198.51.100.1");
}

/** End of most frames: an ordinary TCP segment with a payload of @p length bytes. */
static inline void
expect_end(struct builder *frame, size_t length)
{
	builder_tcp(frame,
		&(struct builder_tcp){.src_port = 40000,
			.dst_port = 80,
			.seq = 1000,
			.ack = 2000,
			.flags = BUILDER_ACK | BUILDER_PSH,
			.window = 502});
	builder_bytes(frame, NULL, length);
	builder_finish(frame);
}
