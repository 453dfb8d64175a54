/* SPDX-License-Identifier: BSD-3-Clause */
/** @file source.h
 * The stats segment that is served: opened, looked at, and opened anew when another run takes its place.
 *
 * Owns:    the reader and copies of its two newest snapshots.
 * Threads: one.
 * Time:    source_refresh() reads the clocks; all else is as of its last call.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "jbr_base.h"
#include "jbr_shm.h"

enum source_life {
	SOURCE_ALIVE,
	SOURCE_STALE,      /**< no sign of life for JBR_SHM_STALE_MS */
	SOURCE_OVER,       /**< it ended; these are its last figures */
	SOURCE_NONE,       /**< there is no segment, or it is still being made */
	SOURCE_UNREADABLE, /**< there is one that this program cannot or must not read */
};

struct source {
	const char *path;     /**< or the name of an instance; not owned */
	struct jbr_shm *shm;  /**< NULL: none, or unreadable */
	uint64_t openings;    /**< how often one was opened: another number is another run */
	uint64_t next_try_ns; /**< CLOCK_MONOTONIC */
	uint64_t now_ns;      /**< the same, of the last refresh */
	uint64_t age_ns;      /**< since the sensor's last sign of life */
	enum source_life life;
	struct jbr_error error; /**< why there is none */
	bool has_newest;
	bool has_before;
	struct jbr_shm_snapshot newest;
	struct jbr_shm_snapshot before; /**< the one before it */
	struct jbr_shm_snapshot old;    /**< of source_look_back() */
};

/** Begin; nothing is opened before the first refresh. */
void source_init(struct source *source, const char *path);
/** Release. */
void source_fini(struct source *source);
/** See how the sensor is, (re)open its segment where that is due, and take the newest snapshots. */
void source_refresh(struct source *source);
/** The word of a life: alive, stale, over, none, unreadable. */
const char *source_life_word(enum source_life life);
/** The newest snapshot that is at least @p seconds older than the newest, else the oldest that is kept.
 * @return it, valid until the next call; NULL when there is none but the newest. */
const struct jbr_shm_snapshot *source_look_back(struct source *source, unsigned seconds);
/** What the family @p name has grown by from @p from to @p to, all series of it, or those with the value
 * @p label (NULL = all) of their first label together. 0 for what the sensor does not have. */
uint64_t source_growth(const struct source *source, const char *name, const char *label,
	const struct jbr_shm_snapshot *from, const struct jbr_shm_snapshot *to);
