/* SPDX-License-Identifier: BSD-3-Clause */
/** @file jbr_health.h
 * Is a sensor well, and does it see what it should? In sentences that give the reason; the same ones in
 * every program that reads the segment.
 *
 * Owns:    rules over figures, by their names. Knows no clock and opens nothing.
 * Threads: pure but for the struct that is written.
 */
#pragma once
#include <stdint.h>

#include "jbr_shm.h"

enum jbr_health_level { JBR_HEALTH_OK, JBR_HEALTH_WARN, JBR_HEALTH_FAIL, JBR_HEALTH_LEVELS };
extern const char *const jbr_health_words[JBR_HEALTH_LEVELS]; /**< ok, warn, fail */

enum {
	JBR_HEALTH_WINDOW_S = 60, /**< that the figures should span */
	JBR_HEALTH_REASONS_MAX = 16,
	JBR_HEALTH_REASON_SIZE = 320,
};

/** A verdict; all zeros is "ok". */
struct jbr_health {
	enum jbr_health_level level; /**< the worst */
	unsigned count;
	struct {
		enum jbr_health_level level;
		char text[JBR_HEALTH_REASON_SIZE];
	} reasons[JBR_HEALTH_REASONS_MAX]; /**< the worst first; more are left out */
};

/** What is judged: figures of a sensor that is alive. */
struct jbr_health_view {
	const struct jbr_shm *shm;
	const struct jbr_shm_snapshot *now;
	const struct jbr_shm_snapshot *then; /**< JBR_HEALTH_WINDOW_S older, or the oldest there is;
	                                          NULL = none: what grows is not judged */
};

/** What grew from view->then to view->now: of the family @p name all series, or those whose first label is
 * @p label. 0 for what the sensor does not have. */
uint64_t jbr_health_growth(const struct jbr_health_view *view, const char *name, const char *label);
/** Add a reason. */
void jbr_health_say(struct jbr_health *health, enum jbr_health_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/** Add what the figures say. */
void jbr_health_judge(const struct jbr_health_view *view, struct jbr_health *health);
