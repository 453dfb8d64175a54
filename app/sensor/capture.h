/* SPDX-License-Identifier: BSD-3-Clause */
/** @file capture.h
 * Capture files as a stream of frames in time order: pcap (both byte orders, both resolutions) and
 * pcapng (both byte orders, several sections and interfaces, any if_tsresol and if_tsoffset; enhanced,
 * simple and obsolete packet blocks), from regular files, pipes and standard input ("-").
 *
 * Threads: one caller. The frames of a batch may be read by any number of threads until the next
 *          call of capture_read().
 * Memory:  a regular file is mapped, so it may be larger than memory; a pipe is read through one
 *          buffer. At most CAPTURE_RECORD_MAX bytes per packet.
 * Trust:   every byte is hostile.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "jbr_base.h"
#include "jbr_packet.h"

enum {
	CAPTURE_RECORD_MAX = 4 << 20, /* bytes of one packet; a larger claim is a broken file */
	CAPTURE_FILES_MAX = 256,
};

struct capture;

/** Open @p count captures. They are merged by time (equal times: by the order given); within one file
 * the file's own order is kept, whatever its time stamps say.
 * @param error  names the file: not found, a directory, empty, no capture, a link type that is not
 *               read (classic pcap: it names the number)
 * @return 0; -errno of the failure, -EINVAL for a file that is no readable capture. */
int capture_open(const char *const *paths, size_t count, struct capture **ret_capture,
	struct jbr_error *error);

/** Read up to @p frames_max frames.
 * Each gets its number (from 1, over all files and loops), its time in ns since the epoch, its link
 * type, and port = index of its interface over all files (interfaces of later files follow).
 * A pcapng interface with a link type that is not read gives frames with JBR_LINK_UNKNOWN.
 * @param ret_count  frames read; 0 = the end of all captures
 * @return 0, also at the end; -EINVAL or -errno when a file is broken or cut: the frames before the
 *         break have all been delivered by then, the file's other packets are given up, and
 *         @p error says `file: packet N: what`. The other files of a merge are given up too. */
int capture_read(struct capture *capture, struct jbr_frame *frames, size_t frames_max,
	size_t *ret_count, struct jbr_error *error);

/** Start again from the beginning, every later frame's time shifted by @p shift_ns against the file
 * (the packet numbers go on). Not for pipes.
 * @return 0, or -ESPIPE. */
int capture_rewind(struct capture *capture, uint64_t shift_ns, struct jbr_error *error);

/** Bytes of all regular files, and how far reading has come in them; both 0 when there is a pipe. */
void capture_progress(const struct capture *capture, uint64_t *ret_done, uint64_t *ret_total);

/** Open a capture that stands in memory, for fuzzing and units; @p bytes must outlive it.
 * Otherwise as capture_open() with one file named @p name. */
int capture_open_memory(const char *name, const uint8_t *bytes, size_t length,
	struct capture **ret_capture, struct jbr_error *error);

/** Close; NULL is fine. */
void capture_close(struct capture *capture);
