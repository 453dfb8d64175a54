/* SPDX-License-Identifier: BSD-3-Clause */
/** @file health.h
 * How the sensor behind a source is: jbr_health.h, and what is not a matter of figures. */
#pragma once
#include "jbr_health.h"
#include "source.h"

/** Judge what the source says. */
void health_judge(struct source *source, struct jbr_health *ret_health);
