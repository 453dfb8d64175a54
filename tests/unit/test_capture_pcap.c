/* SPDX-License-Identifier: BSD-3-Clause */
#include "capture_writer.h"

#define MICRO 0xa1b2c3d4u
#define NANO 0xa1b23c4du
#define KUZNETZOV 0xa1b2cd34u

static void
test_variants(void **state)
{
	static const struct {
		const char *name;
		uint32_t magic;
		bool is_big;
		uint64_t time_ns;
	} rows[] = {
		{"micro, little", MICRO, false, UINT64_C(4000000000000123000)},
		{"micro, big", MICRO, true, UINT64_C(4000000000000123000)},
		{"nano, little", NANO, false, UINT64_C(4000000000000000123)},
		{"nano, big", NANO, true, UINT64_C(4000000000000000123)},
		{"Kuznetzov, little", KUZNETZOV, false, UINT64_C(4000000000000123000)},
		{"Kuznetzov, big", KUZNETZOV, true, UINT64_C(4000000000000123000)},
	};

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(rows); i++) {
		struct writer writer = {.is_big = rows[i].is_big};
		struct jbr_frame frames[3];
		struct capture *capture;

		print_message("  %s\n", rows[i].name);
		put_pcap_header(&writer, rows[i].magic, 1);
		for (int packet = 0; packet < 2; packet++) {
			put32(&writer, 4000000000u);
			put32(&writer, 123);
			put32(&writer, 3);
			put32(&writer, 60);
			if (rows[i].magic == KUZNETZOV)
				put_zeros(&writer, 8);
			put_bytes(&writer, packet == 0 ? "abc" : "def", 3);
		}
		capture = open_written(&writer);
		assert_int_equal(read_to_end(capture, frames, 3), 2);
		assert_int_equal(frames[0].time_ns, rows[i].time_ns);
		assert_memory_equal(frames[0].data, "abc", 3);
		assert_memory_equal(frames[1].data, "def", 3);
		assert_int_equal(frames[1].number, 2);
		assert_int_equal(frames[1].captured, 3);
		assert_int_equal(frames[1].wire, 60);
		assert_int_equal(frames[1].port, 0);
		assert_int_equal(frames[1].link, JBR_LINK_ETHERNET);
		assert_int_equal(frames[1].nic_flags, 0);
		assert_null(frames[1].opaque);
		capture_close(capture);
		jbr_buffer_fini(&writer.out);
	}
}

static void
test_link_types(void **state)
{
	static const struct {
		uint32_t link_type;
		uint8_t link;
	} rows[] = {
		{0, JBR_LINK_NULL}, {1, JBR_LINK_ETHERNET}, {12, JBR_LINK_RAW_IP},
		{14, JBR_LINK_RAW_IP}, {101, JBR_LINK_RAW_IP}, {108, JBR_LINK_LOOP},
		{113, JBR_LINK_SLL}, {228, JBR_LINK_RAW_IP}, {229, JBR_LINK_RAW_IP},
		{276, JBR_LINK_SLL2},
		{0x44000001, JBR_LINK_ETHERNET}, /* a frame check sequence of 4 bytes */
	};

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(rows); i++) {
		struct writer writer = {0};
		struct jbr_frame frames[2];
		struct capture *capture;

		put_pcap_header(&writer, MICRO, rows[i].link_type);
		put_record(&writer, 1, 0, 4);
		capture = open_written(&writer);
		assert_int_equal(read_to_end(capture, frames, 2), 1);
		assert_int_equal(frames[0].link, rows[i].link);
		capture_close(capture);
		jbr_buffer_fini(&writer.out);
	}
}

static void
test_wire_at_least_captured(void **state)
{
	struct writer writer = {0};
	struct jbr_frame frames[2];
	struct capture *capture;

	(void)state;
	put_pcap_header(&writer, MICRO, 1);
	put32(&writer, 0);
	put32(&writer, 0);
	put32(&writer, 8);
	put32(&writer, 5);
	put_zeros(&writer, 8);
	capture = open_written(&writer);
	assert_int_equal(read_to_end(capture, frames, 2), 1);
	assert_int_equal(frames[0].captured, 8);
	assert_int_equal(frames[0].wire, 8);
	capture_close(capture);
	jbr_buffer_fini(&writer.out);
}

static void
test_header_only(void **state)
{
	struct writer writer = {0};
	struct jbr_frame frames[2];
	struct capture *capture;

	(void)state;
	put_pcap_header(&writer, MICRO, 1);
	capture = open_written(&writer);
	assert_int_equal(read_batch(capture, frames, 2), 0);
	assert_int_equal(read_batch(capture, frames, 2), 0);
	assert_int_equal(read_batch(capture, frames, 0), 0);
	capture_close(capture);
	jbr_buffer_fini(&writer.out);
}

#define BYTES(literal) literal, sizeof(literal) - 1

static const struct {
	const char *bytes;
	size_t length;
	const char *sentence;
} no_captures[] = {
	{BYTES(""), "'test' is empty"},
	{BYTES("x"), "'test' is no capture: it begins with 0x78"},
	{BYTES("GET / HTTP/1.1\r\nHost: example\r\n"),
		"'test' is no capture: it begins with 0x474554202f204854"},
	{BYTES("\xd4\xc3\xb2\xa1\x02\x00\x04\x00"), "'test' ends in its file header"},
	{BYTES("\xd4\xc3\xb2\xa1\x03\x00\x07\x00\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0"),
		"'test' has pcap version 3.7, jabiru reads 2.x"},
	{BYTES("\xa1\xb2\xc3\xd4\x00\x02\x00\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x69"),
		"'test' has link type 105, which jabiru does not read"},
	{BYTES("\x1f\x8b\x08\x00"),
		"'test' is compressed with gzip: use zcat FILE | jabiru replay -"},
	{BYTES("\x28\xb5\x2f\xfd\x00"),
		"'test' is compressed with zstd: use zstdcat FILE | jabiru replay -"},
	{BYTES("\xfd\x37zXZ\0\0"),
		"'test' is compressed with xz: use xzcat FILE | jabiru replay -"},
	{BYTES("BZh91AY"), "'test' is compressed with bzip2: use bzcat FILE | jabiru replay -"},
	{BYTES("\x04\x22\x4d\x18\x64"),
		"'test' is compressed with lz4: use lz4cat FILE | jabiru replay -"},
	{BYTES("snoop\0\0\0\0\0\0\2"),
		"'test' is a snoop file: convert it with editcap -F pcap FILE NEW_FILE"},
};

static void
test_no_captures(void **state)
{
	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(no_captures); i++) {
		struct capture *capture = NULL;
		struct jbr_error error = {""};

		assert_int_equal(capture_open_memory("test", (const uint8_t *)no_captures[i].bytes,
					 no_captures[i].length, &capture, &error),
			-EINVAL);
		assert_string_equal(error.text, no_captures[i].sentence);
		assert_null(capture);
	}
}

static void
test_names_in_errors(void **state)
{
	struct capture *capture = NULL;
	struct jbr_error error = {""};
	char name[301];
	char sentence[301];

	(void)state;
	assert_int_equal(capture_open_memory("a\nb\x1b[2J", NULL, 0, &capture, &error), -EINVAL);
	assert_string_equal(error.text, "'a?b?[2J' is empty");
	memset(name, 'x', 300);
	name[300] = '\0';
	snprintf(sentence, sizeof(sentence), "'...%s' is empty", name + 100);
	assert_int_equal(capture_open_memory(name, NULL, 0, &capture, &error), -EINVAL);
	assert_string_equal(error.text, sentence);
}

/* Two good packets, then what cannot be read; the good ones come out first, in any batch size. */
static void
test_broken(void **state)
{
	static const struct {
		uint32_t claimed;
		size_t header; /* bytes of the record header that are there */
		size_t data;
		const char *sentence;
	} rows[] = {
		{4, 1, 0,
			"test: packet 3: the file ends after 1 of the 16 bytes of the packet's "
			"header"},
		{4, 15, 0,
			"test: packet 3: the file ends after 15 of the 16 bytes of the packet's "
			"header"},
		{4, 16, 0, "test: packet 3: the file ends after 0 of the packet's 4 bytes"},
		{4, 16, 3, "test: packet 3: the file ends after 3 of the packet's 4 bytes"},
		{CAPTURE_RECORD_MAX, 16, 9,
			"test: packet 3: the file ends after 9 of the packet's 4194304 bytes"},
		{CAPTURE_RECORD_MAX + 1, 16, 9,
			"test: packet 3: it claims 4194305 bytes, the limit is 4194304"},
		{UINT32_MAX, 16, 9,
			"test: packet 3: it claims 4294967295 bytes, the limit is 4194304"},
	};

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(rows); i++)
		for (size_t frames_max = 1; frames_max <= 4; frames_max++) {
			struct writer writer = {0};
			struct jbr_frame frames[4];
			struct capture *capture;
			size_t count = 0;

			put_pcap_header(&writer, MICRO, 1);
			put_record(&writer, 1, 0, 5);
			put_record(&writer, 2, 0, 5);
			put32(&writer, 3);
			put32(&writer, 0);
			put32(&writer, rows[i].claimed);
			put32(&writer, rows[i].claimed);
			writer.out.length -= 16 - rows[i].header;
			put_zeros(&writer, rows[i].data);
			capture = open_written(&writer);
			while (count < 2)
				count += read_batch(capture, frames, frames_max);
			assert_int_equal(count, 2);
			expect_broken(capture, rows[i].sentence);
			/* a second round comes to the same packet of the file */
			assert_int_equal(capture_rewind(capture, 5, NULL), 0);
			assert_int_equal(read_batch(capture, frames, 2), 2);
			assert_int_equal(frames[1].number, 4);
			expect_broken(capture, rows[i].sentence);
			capture_close(capture);
			jbr_buffer_fini(&writer.out);
		}
}

static void
test_rewind(void **state)
{
	struct writer writer = {0};
	struct jbr_frame frames[3];
	struct jbr_error error = {""};
	struct capture *capture;

	(void)state;
	put_pcap_header(&writer, NANO, 1);
	put_record(&writer, 1, 7, 5);
	put_record(&writer, 2, 7, 5);
	capture = open_written(&writer);
	assert_int_equal(read_to_end(capture, frames, 3), 2);
	assert_int_equal(capture_rewind(capture, 100, &error), 0);
	assert_int_equal(read_batch(capture, frames, 1), 1);
	assert_int_equal(frames[0].number, 3);
	assert_int_equal(frames[0].time_ns, UINT64_C(1000000107));
	/* against the file, not against the round before; and from the middle */
	assert_int_equal(capture_rewind(capture, 200, &error), 0);
	assert_int_equal(read_to_end(capture, frames, 3), 2);
	assert_int_equal(frames[0].number, 4);
	assert_int_equal(frames[0].time_ns, UINT64_C(1000000207));
	assert_int_equal(frames[1].time_ns, UINT64_C(2000000207));
	assert_int_equal(frames[1].port, 0);
	/* beyond what fits */
	assert_int_equal(capture_rewind(capture, UINT64_MAX, &error), 0);
	assert_int_equal(read_to_end(capture, frames, 3), 2);
	assert_int_equal(frames[0].time_ns, (uint64_t)INT64_MAX);
	capture_close(capture);
	jbr_buffer_fini(&writer.out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_variants),
		cmocka_unit_test(test_link_types),
		cmocka_unit_test(test_wire_at_least_captured),
		cmocka_unit_test(test_header_only),
		cmocka_unit_test(test_no_captures),
		cmocka_unit_test(test_names_in_errors),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_rewind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
