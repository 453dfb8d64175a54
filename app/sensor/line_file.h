/* SPDX-License-Identifier: BSD-3-Clause */
/** @file line_file.h
 * A file or standard output that receives lines, and remembers the first failure.
 *
 * Threads: one owner.
 */
#pragma once
#include "jbr_base.h"

struct line_file {
	const char *path; /**< NULL = nothing is wanted */
	struct jbr_buffer text;
	int fd;
	int error; /**< errno of the first failed write; later lines are dropped */
};

/** Open @p path: NULL = none, "-" = standard output, else the file is made or emptied.
 * @return 0, or -errno with @p error set. */
int line_file_open(struct line_file *file, const char *path, struct jbr_error *error);
/** Write what stands in text, when it is much or @p is_last. Never fails at once: see close. */
void line_file_flush(struct line_file *file, bool is_last);
/** Write the rest and close.
 * @return 0, or -errno of the first failure with `cannot write '%s': %s` in @p error. */
int line_file_close(struct line_file *file, struct jbr_error *error);
