/* SPDX-License-Identifier: BSD-3-Clause */
/** @file health.h
 * How the sensor behind a view is: jbr_health.h, and what is not a matter of figures.
 */
#pragma once
#include "jbr_health.h"
#include "view.h"

/** What the sensor and its ports lost in the window: packets, and of how many. */
struct health_loss {
	uint64_t lost;
	uint64_t offered;
};

/** Look at everything that there is a rule for. */
void health_check(const struct view *view, struct jbr_health *ret_health);
/** What was lost by ports, for want of buffers, and on the way between workers. */
void health_loss(const struct view *view, struct health_loss *ret_loss);
/** The part of ACKs in the window that acknowledge what the capture never saw: lost before the sensor.
 * @return how many ACKs there were */
uint64_t health_span_loss(const struct view *view, uint64_t *ret_unseen);
