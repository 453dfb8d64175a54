/* SPDX-License-Identifier: BSD-3-Clause */
/** @file health.h
 * Is a sensor well, and does it see what it should? In sentences that give the reason.
 */
#pragma once
#include "view.h"

enum health_level { HEALTH_OK, HEALTH_WARN, HEALTH_FAIL };
extern const char *const health_words[3]; /**< ok, warn, fail */

enum { HEALTH_REASONS_MAX = 16, HEALTH_REASON_SIZE = 200 };

struct health {
	enum health_level level; /**< the worst */
	unsigned count;
	struct {
		enum health_level level;
		char text[HEALTH_REASON_SIZE];
	} reasons[HEALTH_REASONS_MAX]; /**< the worst first */
};

/** What the sensor and its ports lost in the window: packets, and of how many. */
struct health_loss {
	uint64_t lost;
	uint64_t offered;
};

/** Look at everything that there is a rule for. */
void health_check(const struct view *view, struct health *ret_health);
/** What was lost by ports, for want of buffers, and on the way between workers. */
void health_loss(const struct view *view, struct health_loss *ret_loss);
/** The part of ACKs in the window that acknowledge what the capture never saw: lost before the sensor.
 * @return how many ACKs there were */
uint64_t health_span_loss(const struct view *view, uint64_t *ret_unseen);
