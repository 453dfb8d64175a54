/* SPDX-License-Identifier: BSD-3-Clause */
/** @file capture_writer.h
 * Captures built byte by byte, and ways to hand them to the reader. For the capture tests only;
 * what fails here stops the test.
 */
#pragma once
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "capture.h"

/** A capture being written. */
struct writer {
	struct jbr_buffer out;
	bool is_big; /**< byte order of what comes next */
};

static inline void
put_bytes(struct writer *writer, const void *bytes, size_t length)
{
	jbr_buffer_append(&writer->out, bytes, length);
	assert_false(writer->out.failed);
}

/** @p length times the same byte. */
static inline void
put_fill(struct writer *writer, uint8_t byte, size_t length)
{
	char *at = jbr_buffer_reserve(&writer->out, length);

	assert_non_null(at);
	memset(at, byte, length);
	writer->out.length += length;
}

static inline void
put_zeros(struct writer *writer, size_t length)
{
	put_fill(writer, 0, length);
}

static inline void
put16(struct writer *writer, uint16_t value)
{
	uint8_t little[2] = {(uint8_t)value, (uint8_t)(value >> 8)};
	uint8_t big[2] = {little[1], little[0]};

	put_bytes(writer, writer->is_big ? big : little, 2);
}

static inline void
put32(struct writer *writer, uint32_t value)
{
	put16(writer, (uint16_t)(writer->is_big ? value >> 16 : value));
	put16(writer, (uint16_t)(writer->is_big ? value : value >> 16));
}

static inline void
put64(struct writer *writer, uint64_t value)
{
	put32(writer, (uint32_t)(writer->is_big ? value >> 32 : value));
	put32(writer, (uint32_t)(writer->is_big ? value : value >> 32));
}

/** The file header of a pcap. */
static inline void
put_pcap_header(struct writer *writer, uint32_t magic, uint32_t link_type)
{
	put32(writer, magic);
	put16(writer, 2);
	put16(writer, 4);
	put32(writer, 0);
	put32(writer, 0);
	put32(writer, 65535);
	put32(writer, link_type);
}

/** A pcap record of @p captured bytes, each of them the low byte of @p seconds. */
static inline void
put_record(struct writer *writer, uint32_t seconds, uint32_t fraction, uint32_t captured)
{
	put32(writer, seconds);
	put32(writer, fraction);
	put32(writer, captured);
	put32(writer, captured);
	put_fill(writer, (uint8_t)seconds, captured);
}

/** Begin a pcapng block; returns where, for end_block(). */
static inline size_t
begin_block(struct writer *writer, uint32_t type)
{
	size_t at = writer->out.length;

	put32(writer, type);
	put32(writer, 0);
	return at;
}

/** End the block that began at @p at: pad it and write its length at both ends. */
static inline void
end_block(struct writer *writer, size_t at)
{
	size_t length;

	put_zeros(writer, (4 - (writer->out.length - at) % 4) % 4);
	length = writer->out.length - at + 4;
	put32(writer, (uint32_t)length);
	memcpy(writer->out.data + at + 4, writer->out.data + writer->out.length - 4, 4);
}

static inline void
put_section(struct writer *writer)
{
	size_t at = begin_block(writer, 0x0a0d0d0a);

	put32(writer, 0x1a2b3c4d);
	put16(writer, 1);
	put16(writer, 0);
	put64(writer, UINT64_MAX); /* length not given */
	end_block(writer, at);
}

/** An interface without options. */
static inline void
put_interface(struct writer *writer, uint16_t link_type, uint32_t snap_length)
{
	size_t at = begin_block(writer, 1);

	put16(writer, link_type);
	put16(writer, 0);
	put32(writer, snap_length);
	end_block(writer, at);
}

/** An enhanced packet block; each of its @p captured bytes is the low byte of @p stamp. */
static inline void
put_packet(struct writer *writer, uint32_t interface, uint64_t stamp, uint32_t captured)
{
	size_t at = begin_block(writer, 6);

	put32(writer, interface);
	put32(writer, (uint32_t)(stamp >> 32));
	put32(writer, (uint32_t)stamp);
	put32(writer, captured);
	put32(writer, captured);
	put_fill(writer, (uint8_t)stamp, captured);
	end_block(writer, at);
}

/** Open what was written, as memory named "test". */
static inline struct capture *
open_written(const struct writer *writer)
{
	struct capture *capture = NULL;
	struct jbr_error error = {""};

	if (capture_open_memory("test", (const uint8_t *)writer->out.data, writer->out.length,
		    &capture, &error) < 0)
		fail_msg("%s", error.text);
	return capture;
}

/** Write it to a new file; the caller unlinks @p ret_path (at least 32 bytes). */
static inline void
save_written(const struct writer *writer, char *ret_path)
{
	int fd;

	strcpy(ret_path, "/tmp/jabiru_capture_XXXXXX");
	fd = mkstemp(ret_path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, writer->out.data, writer->out.length),
		(ssize_t)writer->out.length);
	close(fd);
}

/** Read one batch that must succeed. */
static inline size_t
read_batch(struct capture *capture, struct jbr_frame *frames, size_t frames_max)
{
	struct jbr_error error = {""};
	size_t count = SIZE_MAX;

	if (capture_read(capture, frames, frames_max, &count, &error) < 0)
		fail_msg("%s", error.text);
	assert_true(count <= frames_max);
	return count;
}

/** Read on until the end, one array of at most @p frames_max; only for files and memory, whose
 * frames stay where they are. */
static inline size_t
read_to_end(struct capture *capture, struct jbr_frame *frames, size_t frames_max)
{
	size_t count = 0;
	size_t now;

	do {
		now = read_batch(capture, frames + count, frames_max - count);
		count += now;
	} while (now > 0 && count < frames_max);
	return count;
}

/** The next read must fail with -EINVAL and this sentence, and so must the one after it. */
static inline void
expect_broken(struct capture *capture, const char *sentence)
{
	for (int i = 0; i < 2; i++) {
		struct jbr_frame frames[4];
		struct jbr_error error = {""};
		size_t count = 77;

		assert_int_equal(capture_read(capture, frames, 4, &count, &error), -EINVAL);
		assert_string_equal(error.text, sentence);
		assert_int_equal(count, 77);
	}
}

/** Opening this one path must fail with @p code and this sentence. */
static inline void
expect_unopened(const char *path, int code, const char *sentence)
{
	struct jbr_error error = {""};
	struct capture *capture = NULL;

	assert_int_equal(capture_open(&path, 1, &capture, &error), code);
	assert_string_equal(error.text, sentence);
	assert_null(capture);
}

/** Open one path that must be fine. */
static inline struct capture *
open_path(const char *path)
{
	struct jbr_error error = {""};
	struct capture *capture = NULL;

	if (capture_open(&path, 1, &capture, &error) < 0)
		fail_msg("%s", error.text);
	return capture;
}

/** A pipe that a child process fills in pieces of @p piece bytes; @p ret_path (32 bytes) names its
 * reading end. Returns the descriptor of that end. */
static inline int
open_pipe(const struct writer *writer, size_t piece, char *ret_path)
{
	int ends[2];
	pid_t child;

	assert_int_equal(pipe(ends), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		close(ends[0]);
		for (size_t at = 0; at < writer->out.length; at += piece) {
			size_t left = writer->out.length - at;

			if (write(ends[1], writer->out.data + at, left < piece ? left : piece) < 0)
				_exit(0); /* the reader has given up */
		}
		_exit(0);
	}
	close(ends[1]);
	snprintf(ret_path, 32, "/proc/self/fd/%d", ends[0]);
	return ends[0];
}
