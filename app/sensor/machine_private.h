/* SPDX-License-Identifier: BSD-3-Clause */
/** @file machine_private.h
 * What the files of machine.h share: reading small files below the root.
 *
 * Threads: as machine.h.
 */
#pragma once
#include "machine.h"

enum { MACHINE_TEXT_SIZE = 1 << 18 };

/** A reading under way. */
struct machine_reading {
	const struct machine_source *source;
	struct machine *machine;
	char text[MACHINE_TEXT_SIZE]; /**< of the last machine_text() */
};

/** Make @p format's path one below the root.
 * @return it; cut short if it is too long, so that it names nothing. */
const char *machine_path(const struct machine_reading *reading, char *buffer, size_t size,
	const char *format, ...) __attribute__((format(printf, 4, 5)));
/** Read a file into reading->text, which ends with a zero byte. A file that exists and may not be read is
 * listed in `unread`.
 * @return its text, or NULL. */
char *machine_text(struct machine_reading *reading, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/** The number in a file, or @p otherwise. */
int64_t machine_number(struct machine_reading *reading, int64_t otherwise, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/** Does the path exist? */
bool machine_exists(const struct machine_reading *reading, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/** The last part of what a symbolic link points at; empty if there is none.
 * @param ret_name  MACHINE_NAME_SIZE bytes */
void machine_link(const struct machine_reading *reading, char *ret_name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/** Call @p each for every name of a folder, in their order, but `.` and `..`. */
void machine_folder(struct machine_reading *reading, const char *folder,
	void (*each)(struct machine_reading *reading, const char *folder, const char *name));
/** List a path as there but not readable. */
void machine_unread(struct machine_reading *reading, const char *path, int error);
/** Copy a name of MACHINE_NAME_SIZE, cut short if need be. */
void machine_name(char *ret_name, const char *name);

/** CPUs, memory, NUMA (machine_memory.c). */
void machine_read_memory(struct machine_reading *reading);
/** Interfaces, PCI, drivers (machine_device.c). */
void machine_read_devices(struct machine_reading *reading);
/** Files of DPDK programs (machine_leftover.c). */
void machine_read_leftovers(struct machine_reading *reading);
/** Ask the kernel (machine_ethtool.c); see struct machine_source. */
void machine_ask_kernel(const char *name, struct machine_interface *ret_interface);
