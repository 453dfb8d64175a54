/* SPDX-License-Identifier: BSD-3-Clause */
#include "event_private.h"

/* Time set back by more than this begins anew; by less, it is workers whose news come in turns. */
#define SET_BACK_NS (60 * JBR_NS_PER_S)

void
jbr_event_budget_init(struct jbr_event_budget *budget, uint32_t per_s)
{
	*budget = (struct jbr_event_budget){.per_s = per_s,
		.credit = (uint64_t)per_s * JBR_NS_PER_S};
}

bool
jbr_event_budget_take(struct jbr_event_budget *budget, uint64_t now_ns, uint32_t keep)
{
	uint64_t full = (uint64_t)budget->per_s * JBR_NS_PER_S;

	if (now_ns > budget->now_ns) {
		/* a second fills it, so the product stays small */
		uint64_t elapsed_ns = jbr_min_u64(now_ns - budget->now_ns, JBR_NS_PER_S);

		budget->credit = jbr_min_u64(full, budget->credit + elapsed_ns * budget->per_s);
		budget->now_ns = now_ns;
	} else if (budget->now_ns - now_ns > SET_BACK_NS) {
		budget->now_ns = now_ns;
	}
	if (budget->credit < ((uint64_t)keep + 1) * JBR_NS_PER_S)
		return false;
	budget->credit -= JBR_NS_PER_S;
	return true;
}
