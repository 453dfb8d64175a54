/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "captures.h"

enum { LINK_USER0 = 147 };

static void
make_pcap(struct jbr_buffer *out, struct builder_trace *trace, bool big_endian)
{
	captures_short(trace, NULL, CAPTURES_IPV4);
	builder_pcap_trace(out,
		&(struct builder_pcap){.link = BUILDER_LINK_ETHERNET, .big_endian = big_endian},
		trace);
}

static void
make_pcapng(struct jbr_buffer *out, struct builder_trace *trace)
{
	struct builder_pcapng form = {0};

	captures_short(trace, NULL, CAPTURES_IPV4);
	builder_pcapng_section(out, &form);
	builder_pcapng_interface(out, &form,
		&(struct builder_interface){.link = BUILDER_LINK_ETHERNET});
	for (size_t i = 0; i < trace->count; i++)
		builder_pcapng_enhanced(out, &form, &trace->packets[i]);
}

static void
cut_last(struct builder_trace *trace)
{
	free(trace->packets[--trace->count].bytes);
}

static void
make_truncated(struct jbr_buffer *out, struct builder_trace *trace)
{
	make_pcap(out, trace, false);
	out->length -= 20;
	cut_last(trace);
}

static void
make_truncated_header(struct jbr_buffer *out, struct builder_trace *trace)
{
	make_pcap(out, trace, true);
	out->length -= trace->packets[trace->count - 1].captured + 7;
	cut_last(trace);
}

static void
make_ng_truncated(struct jbr_buffer *out, struct builder_trace *trace)
{
	make_pcapng(out, trace);
	out->length -= 20;
	cut_last(trace);
}

static void
append_le32(struct jbr_buffer *out, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		jbr_buffer_append(out, &(uint8_t){(uint8_t)(value >> 8 * i)}, 1);
}

/* An enhanced packet block that claims to be shorter than its packet. */
static void
make_ng_bad_block(struct jbr_buffer *out, struct builder_trace *trace)
{
	static const uint32_t block[] = {6, 36, 0, 0, 0, 256, 256, 0, 36};

	make_pcapng(out, trace);
	for (size_t i = 0; i < JBR_COUNT_OF(block); i++)
		append_le32(out, block[i]);
}

static void
make_garbage(struct jbr_buffer *out, struct builder_trace *trace)
{
	uint64_t state = 1;

	(void)trace;
	for (unsigned i = 0; i < 512; i++) {
		state = jbr_mix64(state + i, UINT64_C(0x9e3779b97f4a7c15));
		jbr_buffer_append(out, &(char){(char)state}, 1);
	}
}

static void
make_empty(struct jbr_buffer *out, struct builder_trace *trace)
{
	(void)trace;
	builder_pcap_header(out, &(struct builder_pcap){.link = BUILDER_LINK_ETHERNET});
}

static void
make_zero(struct jbr_buffer *out, struct builder_trace *trace)
{
	(void)out;
	(void)trace;
}

static void
make_bad_record(struct jbr_buffer *out, struct builder_trace *trace)
{
	static const uint32_t record[] = {1767225603, 0, 0x80000000, 0x80000000, 0, 0, 0};

	make_pcap(out, trace, false);
	for (size_t i = 0; i < JBR_COUNT_OF(record); i++)
		append_le32(out, record[i]);
}

static void
make_unknown_link(struct jbr_buffer *out, struct builder_trace *trace)
{
	captures_short(trace, NULL, CAPTURES_IPV4);
	builder_pcap_trace(out, &(struct builder_pcap){.link = LINK_USER0}, trace);
	builder_trace_fini(trace);
}

const struct captures_file captures_broken[] = {
	{"truncated.pcap", "ends in the middle of packet 21: 20 packets, then an error",
		make_truncated},
	{"truncated_header.pcap",
		"ends in the middle of the record header of packet 21, big endian",
		make_truncated_header},
	{"ng_truncated.pcapng", "ends in the middle of the block of packet 21", make_ng_truncated},
	{"ng_bad_block.pcapng", "packet 22 claims 256 bytes in a block that has room for 4",
		make_ng_bad_block},
	{"bad_record.pcap", "packet 22 claims 2^31 bytes", make_bad_record},
	{"garbage.bin", "512 bytes that are no capture: refused", make_garbage},
	{"empty.pcap", "a file header and no packets: no error", make_empty},
	{"zero.pcap", "no bytes at all: refused", make_zero},
	{"unknown_link.pcap", "link type 147 for the whole file: refused, the number named",
		make_unknown_link},
};
const size_t captures_broken_count = JBR_COUNT_OF(captures_broken);
