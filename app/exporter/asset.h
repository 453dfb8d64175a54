/* SPDX-License-Identifier: BSD-3-Clause */
/** @file asset.h
 * Files that are built into the program, plain and gzipped: the live page, and the catalogue. The table is
 * made by embed.py. */
#pragma once
#include <stddef.h>

struct asset {
	const char *path; /**< as in a request */
	const char *type; /**< Content-Type */
	const char *etag; /**< quoted */
	const unsigned char *plain;
	size_t plain_bytes;
	const unsigned char *gzipped;
	size_t gzipped_bytes;
};

extern const struct asset assets[];
extern const size_t nb_assets;
