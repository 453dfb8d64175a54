/* SPDX-License-Identifier: BSD-3-Clause */
/** @file capture_private.h
 * What the files of the capture reader share; only capture*.c include it.
 *
 * A capture is a list of files. A file is a source (its bytes), a format (how the bytes become
 * frames) and, when several are merged, a head (its next frame).
 *
 * Bytes:  a source shows a window of bytes, `at` to `end`. For a regular file or memory that is all
 *         the rest, from the start. For a stream it is what has been read into its one buffer.
 *         A format never reads a descriptor: where the window is too short and more may come, it
 *         sets `wanted` and answers -EAGAIN, and capture.c fills. Filling moves the bytes of a
 *         stream, so it happens only while no frame of the batch has been handed out; a batch from
 *         a stream therefore ends where the bytes at hand do, often before it is full.
 * Order:  files are merged by the stamps of their heads; equal stamps by the order given. A file
 *         whose stamps go back is drained until it has caught up, which is the same order that
 *         merging by its running maximum of time would give.
 * Ports:  an interface gets the next free number when its description is read, the pcap format's
 *         only one at its first record. All files are read up to their first packet in the order
 *         given, before the first frame comes out; so interfaces described there are numbered file
 *         by file, and later ones in merge order.
 * Time:   ns since 1970, clamped to 0..CAPTURE_TIME_MAX_NS (the year 2262: sums with a time-out
 *         still fit 64 bits), before and after the shift of a loop.
 * Cut:    the size of a regular file is taken at open; what is appended later is not read. When
 *         the file is made shorter while it is mapped, a SIGBUS handler puts a page of zeros where
 *         a page went missing (any thread may be reading a frame), and capture_read() compares the
 *         sizes at the end of every batch: frames beyond the new end are not delivered, the read
 *         after that fails.
 * Signal: a read of a stream that a signal handler interrupts without SA_RESTART fails with
 *         -EINTR; capture_read() may simply be called again.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture.h"

#define CAPTURE_TIME_MAX_NS ((uint64_t)INT64_MAX)

enum {
	CAPTURE_PORTS_MAX = 65535, /* interfaces over all files: a port is 16 bits */
	CAPTURE_NAME_MAX = 200,    /* of a longer name the errors show the end */
};

/** The bytes of a file. */
struct capture_source {
	const uint8_t *at;    /**< the next byte; moved by the format */
	const uint8_t *end;   /**< behind the last byte at hand */
	const uint8_t *start; /**< of a mapping or of memory; NULL for a stream */
	uint8_t *buffer;      /**< of a stream */
	size_t capacity;      /**< of @ref buffer */
	size_t wanted;        /**< bytes from @ref at without which the format cannot go on */
	size_t released;      /**< bytes from @ref start whose pages have been given back */
	int fd;               /**< -1 for memory */
	int guard;            /**< slot of the SIGBUS guard; -1 for none */
	bool is_mapped;       /**< @ref start is of a mapping */
	bool is_complete;     /**< nothing comes behind @ref end */
};

#define CAPTURE_SOURCE_CLOSED ((struct capture_source){.fd = -1, .guard = -1})

struct capture_file;

/** How bytes become frames. */
struct capture_format {
	/** Read the file header at the start of the window (or read it again, after a rewind). */
	int (*open)(struct capture_file *file, struct jbr_error *error);
	/** Decode up to @p frames_max frames, at least 1, into @p frames.
	 * @return frames decoded; 0 = the end; -EAGAIN = @ref capture_source.wanted bytes are
	 *         needed; another -errno = broken. Broken or short of bytes after some frames:
	 *         their number now, the rest when called again. */
	int (*read)(struct capture_file *file, struct jbr_frame *frames, size_t frames_max,
		struct jbr_error *error);
	/** Free what open and read allocated. */
	void (*close)(struct capture_file *file);
};

extern const struct capture_format capture_pcap;
extern const struct capture_format capture_pcapng;

struct capture_pcap_state {
	uint32_t header_length; /* of a record */
	uint16_t port;
	uint8_t link;
	bool is_swapped; /* the other byte order than this machine's */
	bool is_nano;
	bool has_port;
};

/** An interface of a pcapng section: ns = stamp * multiplier / divisor >> shift + offset. */
struct capture_interface {
	__int128 offset_ns;
	uint64_t multiplier;
	uint64_t divisor;
	uint32_t snap_length; /* 0 = none */
	uint16_t port;
	uint8_t shift;
	uint8_t link;
};

struct capture_pcapng_state {
	struct capture_interface *interfaces; /* of the section */
	uint32_t count;
	uint32_t capacity;
	uint64_t last_time_ns; /* for packets without a stamp */
	bool is_swapped;
};

struct capture_file {
	char name[CAPTURE_NAME_MAX + 4]; /**< for errors */
	struct capture_source source;
	const struct capture_format *format; /**< NULL until the file is known to be a capture */
	union {
		struct capture_pcap_state pcap;
		struct capture_pcapng_state pcapng;
	} state;
	uint64_t packets;     /**< decoded since the start of the file */
	uint64_t delivered;   /**< of them have come out */
	uint64_t number;      /**< of the last frame decoded, over all loops */
	uint64_t shift_ns;    /**< of the loop */
	uint32_t *ports_used; /**< of the whole capture */
	struct jbr_frame head;
	bool was_read; /**< in this batch */
};

/** Open @p path, or standard input for "-", as a mapping or a stream. */
int capture_source_open(struct capture_file *file, const char *path, struct jbr_error *error);
/** Read bytes that stand in memory. */
void capture_source_memory(struct capture_source *source, const uint8_t *bytes, size_t length);
/** Read until @ref capture_source.wanted bytes are at hand or nothing more comes. Pointers to bytes
 * of the window become invalid. @return 0 or -errno. */
int capture_source_fill(struct capture_source *source);
/** Go back to the start; not for a stream. */
void capture_source_rewind(struct capture_source *source);
/** Before a batch of a mapping: give back the pages behind. */
void capture_source_advise(struct capture_source *source);
/** After a batch of a mapping: were its bytes really those of the file?
 * @param ret_left  when not: how many bytes from the start still are
 * @return 0; -EINVAL = the file has become shorter; -EIO = a page could not be read. */
int capture_source_check(const struct capture_source *source, size_t *ret_left);
/** Close. */
void capture_source_close(struct capture_source *source);

/** The enum jbr_link of a LINKTYPE number. */
uint8_t capture_link(uint32_t link_type);
/** Number a new interface. @return false when all numbers are taken. */
bool capture_take_port(struct capture_file *file, uint16_t *ret_port);
/** Say in @p error that the file's next packet cannot be read, and return @p code. */
int capture_broken(const struct capture_file *file, struct jbr_error *error, int code,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

/** @p time_ns moved by @p shift_ns, clamped. @p time_ns must not exceed CAPTURE_TIME_MAX_NS. */
static inline uint64_t
capture_shift_time(uint64_t time_ns, uint64_t shift_ns)
{
	return shift_ns > CAPTURE_TIME_MAX_NS - time_ns ? CAPTURE_TIME_MAX_NS : time_ns + shift_ns;
}

static inline uint16_t
capture_load16(const uint8_t *p, bool is_swapped)
{
	uint16_t v;
	memcpy(&v, p, sizeof(v));
	return is_swapped ? __builtin_bswap16(v) : v;
}

static inline uint32_t
capture_load32(const uint8_t *p, bool is_swapped)
{
	uint32_t v;
	memcpy(&v, p, sizeof(v));
	return is_swapped ? __builtin_bswap32(v) : v;
}

static inline size_t
capture_rest(const struct capture_source *source)
{
	return (size_t)(source->end - source->at);
}
