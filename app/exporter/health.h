/* SPDX-License-Identifier: BSD-3-Clause */
/** @file health.h
 * How the sensor is, in sentences. */
#pragma once
#include "jbr_base.h"
#include "source.h"

enum health_level { HEALTH_OK, HEALTH_WARN, HEALTH_FAIL };

enum { HEALTH_REASONS_MAX = 16 };

struct health {
	enum health_level level; /**< of the worst reason */
	unsigned nb_reasons;
	struct jbr_error reasons[HEALTH_REASONS_MAX]; /**< a sentence each */
};

/** Judge what the source says. */
void health_judge(struct source *source, struct health *ret_health);
/** The word of a level: ok, warn, fail. */
const char *health_word(enum health_level level);
