/* SPDX-License-Identifier: BSD-3-Clause */
#include "jbr_stats.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>

/* Every member is a uint64_t, so that a block can be added as an array. */
static_assert(sizeof(struct jbr_counters) % sizeof(uint64_t) == 0, "counters are 64 bits wide");

void
jbr_counters_add(struct jbr_counters *to, const struct jbr_counters *from)
{
	uint64_t *sum = (uint64_t *)to;
	const uint64_t *value = (const uint64_t *)from;

	for (size_t i = 0; i < sizeof(*to) / sizeof(*sum); i++)
		sum[i] += value[i];
}

static uint64_t
sum_of(const uint64_t *values, size_t count)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += values[i];
	return sum;
}

uint64_t
jbr_counters_evictions(const struct jbr_counters *counters)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < JBR_FLOW_CLASSES; i++)
		sum += counters->evictions[i];
	return sum;
}

int
jbr_counters_check(const struct jbr_counters *counters, struct jbr_error *error)
{
	uint64_t not_analysed = jbr_counters_not_analysed(counters);
	uint64_t resets = sum_of(counters->resets, JBR_RESET_COUNT);
	uint64_t rst = counters->segments[JBR_SEGMENT_RST];
	uint64_t outcomes = sum_of(counters->outcomes, JBR_OUTCOME_COUNT);
	uint64_t states = sum_of(counters->conn_states, JBR_OUTCOME_ZEEK_COUNT);

	if (counters->received != counters->tcp + not_analysed)
		return jbr_error_set(error, -EINVAL,
			"received %" PRIu64 " is not tcp %" PRIu64 " + not_analysed %" PRIu64,
			counters->received, counters->tcp, not_analysed);
	if (rst != resets + counters->resets_pending)
		return jbr_error_set(error, -EINVAL,
			"segments.rst %" PRIu64 " is not causes %" PRIu64 " + pending %" PRIu64,
			rst, resets, counters->resets_pending);
	if (outcomes != counters->connections || states != counters->connections)
		return jbr_error_set(error, -EINVAL,
			"connections %" PRIu64 " is not outcomes %" PRIu64 " and states %" PRIu64,
			counters->connections, outcomes, states);
	return 0;
}
