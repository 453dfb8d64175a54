/* SPDX-License-Identifier: BSD-3-Clause */
/** @file samples.h
 * Figures of several rounds, and what is said of them.
 *
 * Threads: pure functions over values.
 */
#pragma once

enum { SAMPLES_MAX = 1000 };

/** What was measured, one figure a round. */
struct samples {
	unsigned count;
	double values[SAMPLES_MAX];
};

struct spread {
	double median; /**< of an even number the mean of the middle two */
	double min;
	double max;
};

/** Add a figure; beyond SAMPLES_MAX it is left out. */
void samples_add(struct samples *samples, double value);
/** Their spread; all zero where there are none. */
struct spread samples_spread(const struct samples *samples);
