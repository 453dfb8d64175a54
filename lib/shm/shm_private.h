/* SPDX-License-Identifier: BSD-3-Clause */
/** @file shm_private.h  The inside of a reader; for the files of this room only. */
#pragma once
#include <sys/types.h>

#include "jbr_shm.h"

/** A section whose place was checked: all of it lies within the segment. */
struct section {
	const uint8_t *at;
	uint64_t stride; /* bytes from record to record */
	uint64_t count;
};

struct jbr_shm {
	const uint8_t *bytes;
	uint64_t size;
	const struct jbr_shm_header *header; /* mapped: the changing members are read from it */
	int fd;                              /* -1 = the bytes are the caller's */
	dev_t device;
	ino_t inode;
	char *path;
	struct jbr_shm_info info;
	struct section workers;
	struct section snapshots;
	struct section events;
	struct section hosts;
	const struct jbr_shm_hosts_head *hosts_head; /* NULL = no hosts */
	struct jbr_shm_family *families;
	struct jbr_shm_series *series;
	uint64_t *bounds;
	char *strings;
	uint64_t strings_bytes;
	uint64_t nb_bounds;
};

/** Find the section @p kind, check its place, and that its records have @p least bytes or more.
 * @return 0 (@p ret_section is empty when there is none), or -EPROTO with @p error. */
int segment_section(const struct jbr_shm *segment, uint32_t kind, uint64_t least,
	struct section *ret_section, struct jbr_error *error);
/** Copy and check families and series. @return 0, -EPROTO or -ENOMEM with @p error. */
int segment_directory(struct jbr_shm *segment, struct jbr_error *error);

/** A number that its writer may be changing. */
static inline uint64_t
segment_load(const void *at)
{
	return __atomic_load_n((const uint64_t *)at, __ATOMIC_RELAXED);
}

/** A word that says whether what follows is whole: read before it. */
static inline uint64_t
segment_load_first(const uint64_t *at)
{
	return __atomic_load_n(at, __ATOMIC_ACQUIRE);
}

/** The same word again: read after it. */
static inline uint64_t
segment_load_last(const uint64_t *at)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(at, __ATOMIC_RELAXED);
}

/** Copy @p count words that their writer may be changing. */
static inline void
segment_copy(void *to, const void *from, uint64_t count)
{
	uint64_t *words = to;

	for (uint64_t i = 0; i < count; i++)
		words[i] = segment_load((const uint64_t *)from + i);
}
