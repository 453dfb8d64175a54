/* SPDX-License-Identifier: BSD-3-Clause */
#include "capture_writer.h"

#include <sys/wait.h>

/* An option of a block that is being written. */
static void
put_option(struct writer *writer, uint16_t code, const void *value, uint16_t length)
{
	put16(writer, code);
	put16(writer, length);
	put_bytes(writer, value, length);
	put_zeros(writer, (4 - length % 4) % 4);
}

/* An interface with a resolution and an offset in seconds, the other options around them. */
static void
put_timed_interface(struct writer *writer, uint8_t resolution, int64_t offset_s)
{
	size_t at = begin_block(writer, 1);

	put16(writer, 1);
	put16(writer, 0);
	put32(writer, 0);
	put_option(writer, 2, "eth10", 5);
	put_option(writer, 9, &resolution, 1);
	put16(writer, 14);
	put16(writer, 8);
	put64(writer, (uint64_t)offset_s);
	put32(writer, 0); /* the end; what follows must not be looked at */
	put16(writer, 9);
	put16(writer, 60000);
	end_block(writer, at);
}

static void
put_simple_packet(struct writer *writer, uint32_t wire, const char *bytes)
{
	size_t at = begin_block(writer, 3);

	put32(writer, wire);
	put_bytes(writer, bytes, strlen(bytes));
	end_block(writer, at);
}

static void
put_obsolete_packet(struct writer *writer, uint16_t interface, uint64_t stamp, const char *bytes)
{
	size_t at = begin_block(writer, 2);

	put16(writer, interface);
	put16(writer, 9); /* drops */
	put32(writer, (uint32_t)(stamp >> 32));
	put32(writer, (uint32_t)stamp);
	put32(writer, (uint32_t)strlen(bytes));
	put32(writer, 90);
	put_bytes(writer, bytes, strlen(bytes));
	end_block(writer, at);
}

/* A section with every kind of packet block, and blocks that do not matter. */
static void
put_every_kind(struct writer *writer)
{
	size_t at;

	put_section(writer);
	put_interface(writer, 113, 3);
	put_interface(writer, 105, 0); /* 802.11: not read, but no error */
	at = begin_block(writer, 5);   /* statistics */
	put_zeros(writer, 12);
	end_block(writer, at);
	put_packet(writer, 1, UINT64_C(3000000) << 32 | 0x61, 5);
	at = begin_block(writer, 0x40000bad); /* custom */
	put_zeros(writer, 1000);
	end_block(writer, at);
	put_simple_packet(writer, 77, "xyz");
	put_obsolete_packet(writer, 0, 1000001, "op");
}

static void
check_every_kind(const struct jbr_frame *frames, uint64_t number, uint16_t port)
{
	const uint64_t first_ns = (UINT64_C(3000000) << 32 | 0x61) * JBR_NS_PER_US;

	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(frames[i].number, number + i);
	/* 3000000 << 32 microseconds are beyond the year 2262 */
	assert_true(first_ns > (uint64_t)INT64_MAX);
	assert_int_equal(frames[0].time_ns, (uint64_t)INT64_MAX);
	assert_int_equal(frames[0].link, JBR_LINK_UNKNOWN);
	assert_int_equal(frames[0].port, port + 1);
	assert_int_equal(frames[0].captured, 5);
	assert_int_equal(frames[0].wire, 5);
	assert_memory_equal(frames[0].data, "aaaaa", 5);
	assert_int_equal(frames[1].time_ns, frames[0].time_ns);
	assert_int_equal(frames[1].link, JBR_LINK_SLL);
	assert_int_equal(frames[1].port, port);
	assert_int_equal(frames[1].captured, 3);
	assert_int_equal(frames[1].wire, 77);
	assert_memory_equal(frames[1].data, "xyz", 3);
	assert_int_equal(frames[2].time_ns, UINT64_C(1000001000));
	assert_int_equal(frames[2].port, port);
	assert_int_equal(frames[2].captured, 2);
	assert_int_equal(frames[2].wire, 90);
	assert_memory_equal(frames[2].data, "op", 2);
}

/* Two sections of different byte order, from memory twice and from a pipe. */
static void
test_every_kind(void **state)
{
	struct writer writer = {0};
	struct jbr_frame frames[8];
	struct capture *capture;
	char path[32];
	size_t count = 0;
	int fd;

	(void)state;
	put_every_kind(&writer);
	writer.is_big = true;
	put_every_kind(&writer);
	capture = open_written(&writer);
	assert_int_equal(read_to_end(capture, frames, 8), 6);
	check_every_kind(frames, 1, 0);
	check_every_kind(frames + 3, 4, 2);
	assert_int_equal(capture_rewind(capture, 0, NULL), 0);
	assert_int_equal(read_to_end(capture, frames, 8), 6);
	check_every_kind(frames, 7, 0);
	check_every_kind(frames + 3, 10, 2);
	capture_close(capture);

	fd = open_pipe(&writer, writer.out.length, path);
	capture = open_path(path);
	while (count < 6)
		count += read_batch(capture, frames + count, 8 - count);
	check_every_kind(frames, 1, 0);
	check_every_kind(frames + 3, 4, 2);
	assert_int_equal(read_batch(capture, frames, 8), 0);
	capture_close(capture);
	close(fd);
	wait(NULL);
	jbr_buffer_fini(&writer.out);
}

static void
test_time(void **state)
{
	static const uint64_t last = INT64_MAX;
	static const struct {
		const char *name;
		uint8_t resolution;
		int64_t offset_s;
		uint64_t stamp;
		uint64_t time_ns;
	} rows[] = {
		{"seconds", 0, 0, 3, UINT64_C(3000000000)},
		{"milliseconds", 3, 0, 1500, UINT64_C(1500000000)},
		{"microseconds", 6, 0, 1700000000123456, UINT64_C(1700000000123456000)},
		{"nanoseconds", 9, 0, 1700000000123456789, UINT64_C(1700000000123456789)},
		{"the last nanosecond", 9, 0, INT64_MAX, INT64_MAX},
		{"beyond it", 9, 0, UINT64_MAX, INT64_MAX},
		{"seconds beyond 64 bits", 0, 0, UINT64_MAX, INT64_MAX},
		{"10^-10 is cut down", 10, 0, 99, 9},
		{"picoseconds", 12, 0, UINT64_MAX, UINT64_C(18446744073709551)},
		{"10^-28", 28, 0, UINT64_MAX, 1},
		{"10^-29", 29, 0, UINT64_MAX, 0},
		{"10^-127", 127, 0, UINT64_MAX, 0},
		{"2^0", 0x80, 0, 3, UINT64_C(3000000000)},
		{"2^0 beyond 64 bits", 0x80, 0, UINT64_MAX, INT64_MAX},
		{"2^-1", 0x81, 0, 3, UINT64_C(1500000000)},
		{"2^-20", 0x80 | 20, 0, (UINT64_C(1700000000) << 20) + 1,
			UINT64_C(1700000000000000953)},
		{"2^-32", 0x80 | 32, 0, UINT64_C(0x80000000), UINT64_C(500000000)},
		{"2^-63", 0x80 | 63, 0, UINT64_MAX, UINT64_C(1999999999)},
		{"2^-64", 0x80 | 64, 0, UINT64_MAX, UINT64_C(999999999)},
		{"2^-93", 0x80 | 93, 0, UINT64_MAX, 1},
		{"2^-94", 0x80 | 94, 0, UINT64_MAX, 0},
		{"2^-127", 0xff, 0, UINT64_MAX, 0},
		{"an offset", 6, 1700000000, 1, UINT64_C(1700000000000001000)},
		{"an offset back", 6, -2, 3000000, UINT64_C(1000000000)},
		{"before 1970", 6, -4, 3000000, 0},
		{"the largest offset", 6, INT64_MAX, UINT64_MAX, INT64_MAX},
		{"the smallest offset", 0, INT64_MIN, UINT64_MAX, INT64_MAX},
		{"the smallest offset and little", 6, INT64_MIN, UINT64_MAX, 0},
	};

	(void)state;
	for (size_t i = 0; i < 2 * JBR_COUNT_OF(rows); i++) {
		struct writer writer = {.is_big = i % 2};
		struct jbr_frame frames[2];
		struct capture *capture;

		put_section(&writer);
		put_timed_interface(&writer, rows[i / 2].resolution, rows[i / 2].offset_s);
		put_packet(&writer, 0, rows[i / 2].stamp, 4);
		capture = open_written(&writer);
		assert_int_equal(read_to_end(capture, frames, 2), 1);
		if (frames[0].time_ns != rows[i / 2].time_ns)
			fail_msg("%s: %llu", rows[i / 2].name,
				(unsigned long long)frames[0].time_ns);
		assert_true(frames[0].time_ns <= last);
		capture_close(capture);
		jbr_buffer_fini(&writer.out);
	}
}

/* Simple packets: before any stamp, cut by interface 0's snap length, whole without one. */
static void
test_simple_packets(void **state)
{
	struct writer writer = {0};
	struct jbr_frame frames[5];
	struct capture *capture;

	(void)state;
	put_section(&writer);
	put_interface(&writer, 1, 0);
	put_interface(&writer, 113, 2);
	put_simple_packet(&writer, 4, "abcd");
	put_packet(&writer, 1, 250, 1);
	put_simple_packet(&writer, 3, "abc");
	capture = open_written(&writer);
	assert_int_equal(read_to_end(capture, frames, 5), 3);
	assert_int_equal(frames[0].time_ns, 0);
	assert_int_equal(frames[0].captured, 4);
	assert_int_equal(frames[0].port, 0);
	assert_int_equal(frames[2].time_ns, 250000);
	assert_int_equal(frames[2].captured, 3);
	assert_int_equal(frames[2].link, JBR_LINK_ETHERNET);
	/* a shift is not shifted again */
	assert_int_equal(capture_rewind(capture, 1000, NULL), 0);
	assert_int_equal(read_to_end(capture, frames, 5), 3);
	assert_int_equal(frames[0].time_ns, 1000);
	assert_int_equal(frames[2].time_ns, 251000);
	capture_close(capture);
	jbr_buffer_fini(&writer.out);
}

static void
test_no_packets(void **state)
{
	struct writer writer = {0};
	struct jbr_frame frames[2];
	struct capture *capture;

	(void)state;
	put_section(&writer);
	capture = open_written(&writer);
	assert_int_equal(read_batch(capture, frames, 2), 0);
	assert_int_equal(read_batch(capture, frames, 2), 0);
	capture_close(capture);
	jbr_buffer_fini(&writer.out);
}

static void
expect_no_capture(const struct writer *writer, size_t length, const char *sentence)
{
	struct capture *capture = NULL;
	struct jbr_error error = {""};

	assert_int_equal(capture_open_memory("test", (const uint8_t *)writer->out.data, length,
				 &capture, &error),
		-EINVAL);
	assert_string_equal(error.text, sentence);
	assert_null(capture);
}

static void
test_no_captures(void **state)
{
	struct writer writer = {.is_big = true};

	(void)state;
	put_section(&writer);
	expect_no_capture(&writer, 27, "'test' ends in its file header");
	writer.out.data[13] = 2;
	expect_no_capture(&writer, 28, "'test' has pcapng version 2.0, jabiru reads 1.x");
	writer.out.data[8] = 0;
	expect_no_capture(&writer, 28,
		"'test' is no capture: it begins as pcapng does, but has no byte-order mark");
	jbr_buffer_fini(&writer.out);
}

/* Ways to go on after a section, an interface and one good packet. */
static void
put_short_block(struct writer *writer, uint32_t type, size_t body)
{
	size_t at = begin_block(writer, type);

	put_zeros(writer, body);
	end_block(writer, at);
}

static void
put_short_section(struct writer *writer)
{
	size_t at = begin_block(writer, 0x0a0d0d0a);

	put32(writer, 0x1a2b3c4d);
	put_zeros(writer, 8);
	end_block(writer, at);
}

static void
put_newer_section(struct writer *writer)
{
	size_t at = writer->out.length;

	put_section(writer);
	writer->out.data[at + 12] = 2;
	writer->out.data[at + 14] = 1;
}

static void
put_length_0(struct writer *writer)
{
	put_zeros(writer, 12);
}

static void
put_length_odd(struct writer *writer)
{
	put32(writer, 9);
	put32(writer, 14);
	put_zeros(writer, 20);
}

static void
put_length_huge(struct writer *writer)
{
	put32(writer, 9);
	put32(writer, (16 << 20) + 4);
	put_zeros(writer, 20);
}

static void
put_length_beyond(struct writer *writer)
{
	put32(writer, 9);
	put32(writer, 400);
	put_zeros(writer, 20);
}

static void
put_other_trailer(struct writer *writer)
{
	put_short_block(writer, 9, 8);
	writer->out.length -= 4;
	put32(writer, 24);
}

static void
put_stub(struct writer *writer)
{
	put_zeros(writer, 11);
}

static void
put_foreign_packet(struct writer *writer)
{
	put_packet(writer, 1, 0, 4);
}

static void
put_foreign_obsolete_packet(struct writer *writer)
{
	put_obsolete_packet(writer, 65535, 0, "abc");
}

/* A new section starts without interfaces. */
static void
put_packet_of_old_section(struct writer *writer)
{
	put_section(writer);
	put_packet(writer, 0, 0, 4);
}

static void
put_simple_packet_of_old_section(struct writer *writer)
{
	put_section(writer);
	put_simple_packet(writer, 3, "abc");
}

static void
put_packet_beyond_block(struct writer *writer)
{
	size_t at = writer->out.length;

	put_packet(writer, 0, 0, 8);
	writer->out.data[at + 20] = 9;
}

static void
put_packet_beyond_limit(struct writer *writer)
{
	size_t at = writer->out.length;

	put_packet(writer, 0, 0, 8);
	memcpy(writer->out.data + at + 20, "\x01\x00\x40\x00", 4);
}

static void
put_simple_packet_beyond_block(struct writer *writer)
{
	put_simple_packet(writer, 5, "abcd");
}

static void
put_option_beyond_block(struct writer *writer)
{
	size_t at = begin_block(writer, 1);

	put_zeros(writer, 8);
	put16(writer, 2);
	put16(writer, 5);
	put_zeros(writer, 4);
	end_block(writer, at);
}

static void
put_resolution_2(struct writer *writer)
{
	size_t at = begin_block(writer, 1);

	put_zeros(writer, 8);
	put_option(writer, 9, "\6\0", 2);
	end_block(writer, at);
}

static void
put_offset_4(struct writer *writer)
{
	size_t at = begin_block(writer, 1);

	put_zeros(writer, 8);
	put_option(writer, 14, "\0\0\0\0", 4);
	end_block(writer, at);
}

static const struct {
	const char *what;
	void (*put)(struct writer *writer); /* NULL: a block of this type with a body of zeros */
	uint32_t type;
	uint32_t body;
} breaks[] = {
	{"a block of 24 bytes is too short for a section header", put_short_section, 0, 0},
	{"a section of pcapng version 2.1, jabiru reads 1.x", put_newer_section, 0, 0},
	{"a section header has no byte-order mark but 0x00000000", NULL, 0x0a0d0d0a, 16},
	{"a block of 0 bytes (allowed: 12 to 16777216, a multiple of 4)", put_length_0, 0, 0},
	{"a block of 14 bytes (allowed: 12 to 16777216, a multiple of 4)", put_length_odd, 0, 0},
	{"a block of 16777220 bytes (allowed: 12 to 16777216, a multiple of 4)", put_length_huge, 0,
		0},
	{"the file ends after 28 of the 400 bytes of its block", put_length_beyond, 0, 0},
	{"a block of 20 bytes gives its length as 24 at its end", put_other_trailer, 0, 0},
	{"the file ends after 11 of the 12 bytes of the smallest block", put_stub, 0, 0},
	{"a block of 28 bytes is too short for a packet", NULL, 6, 16},
	{"a block of 28 bytes is too short for a packet", NULL, 2, 16},
	{"a block of 12 bytes is too short for a packet", NULL, 3, 0},
	{"a block of 16 bytes is too short for an interface description", NULL, 1, 4},
	{"it names interface 1, the section has described 1", put_foreign_packet, 0, 0},
	{"it names interface 65535, the section has described 1", put_foreign_obsolete_packet, 0,
		0},
	{"it names interface 0, the section has described 0", put_packet_of_old_section, 0, 0},
	{"it names interface 0, the section has described 0", put_simple_packet_of_old_section, 0,
		0},
	{"it claims 9 bytes, its block has 8", put_packet_beyond_block, 0, 0},
	{"it claims 4194305 bytes, the limit is 4194304", put_packet_beyond_limit, 0, 0},
	{"it claims 5 bytes, its block has 4", put_simple_packet_beyond_block, 0, 0},
	{"option 2 of an interface runs past its block", put_option_beyond_block, 0, 0},
	{"if_tsresol of an interface has 2 bytes instead of 1", put_resolution_2, 0, 0},
	{"if_tsoffset of an interface has 4 bytes instead of 8", put_offset_4, 0, 0},
};

static void
test_broken(void **state)
{
	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(breaks); i++) {
		struct writer writer = {0};
		struct jbr_frame frames[4];
		struct capture *capture;
		char sentence[160];
		char path[32];
		int fd;

		put_section(&writer);
		put_interface(&writer, 1, 0);
		put_packet(&writer, 0, 1, 4);
		if (breaks[i].put != NULL)
			breaks[i].put(&writer);
		else
			put_short_block(&writer, breaks[i].type, breaks[i].body);
		capture = open_written(&writer);
		assert_int_equal(read_batch(capture, frames, 4), 1);
		snprintf(sentence, sizeof(sentence), "test: packet 2: %s", breaks[i].what);
		expect_broken(capture, sentence);
		capture_close(capture);

		fd = open_pipe(&writer, 1, path);
		capture = open_path(path);
		assert_int_equal(read_batch(capture, frames, 4), 1);
		snprintf(sentence, sizeof(sentence), "%s: packet 2: %s", path, breaks[i].what);
		expect_broken(capture, sentence);
		capture_close(capture);
		close(fd);
		wait(NULL);
		jbr_buffer_fini(&writer.out);
	}
}

/* Ports are 16 bits, over all sections. */
static void
test_interfaces_max(void **state)
{
	struct writer writer = {0};
	struct jbr_frame frames[4];
	struct capture *capture;

	(void)state;
	for (unsigned i = 0; i < 65535; i++) {
		if (i % 30000 == 0)
			put_section(&writer);
		put_interface(&writer, 1, 0);
	}
	put_packet(&writer, 5534, 1, 4);
	put_interface(&writer, 1, 0);
	capture = open_written(&writer);
	assert_int_equal(read_batch(capture, frames, 4), 1);
	assert_int_equal(frames[0].port, 65534);
	expect_broken(capture, "test: packet 2: more than 65535 interfaces in all files");
	capture_close(capture);
	jbr_buffer_fini(&writer.out);
}

/* A block of the largest size that is allowed must fit the buffer of a pipe. */
static void
test_pipe_large(void **state)
{
	struct writer writer = {0};
	struct jbr_frame frames[4];
	struct capture *capture;
	char path[32];
	size_t at;
	int fd;

	(void)state;
	put_section(&writer);
	put_interface(&writer, 1, 0);
	put_packet(&writer, 0, 1, 3);
	at = begin_block(&writer, 10);
	put_zeros(&writer, (16 << 20) - 12);
	end_block(&writer, at);
	put_packet(&writer, 0, 2, 3);
	fd = open_pipe(&writer, 1 << 20, path);
	capture = open_path(path);
	assert_int_equal(read_batch(capture, frames, 4), 1);
	assert_memory_equal(frames[0].data, "\1\1\1", 3);
	assert_int_equal(read_batch(capture, frames, 4), 1);
	assert_memory_equal(frames[0].data, "\2\2\2", 3);
	assert_int_equal(read_batch(capture, frames, 4), 0);
	capture_close(capture);
	close(fd);
	wait(NULL);
	jbr_buffer_fini(&writer.out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_kind),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_simple_packets),
		cmocka_unit_test(test_no_packets),
		cmocka_unit_test(test_no_captures),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_interfaces_max),
		cmocka_unit_test(test_pipe_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
