/* SPDX-License-Identifier: BSD-3-Clause */
#include "samples.h"

#include <stdlib.h>
#include <string.h>

void
samples_add(struct samples *samples, double value)
{
	if (samples->count < SAMPLES_MAX)
		samples->values[samples->count++] = value;
}

static int
compare(const void *a, const void *b)
{
	const double *x = a;
	const double *y = b;

	return (*x > *y) - (*x < *y);
}

struct spread
samples_spread(const struct samples *samples)
{
	struct spread spread = {0};
	double sorted[SAMPLES_MAX];
	unsigned n = samples->count;

	if (n == 0)
		return spread;
	memcpy(sorted, samples->values, n * sizeof(sorted[0]));
	qsort(sorted, n, sizeof(sorted[0]), compare);
	spread.min = sorted[0];
	spread.max = sorted[n - 1];
	spread.median = n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
	return spread;
}
