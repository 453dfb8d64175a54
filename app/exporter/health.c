/* SPDX-License-Identifier: BSD-3-Clause */
#include "health.h"

static void
judge_life(const struct source *source, struct jbr_health *health)
{
	switch (source->life) {
	case SOURCE_ALIVE:
		if (jbr_shm_state(source->shm) == JBR_SHM_STARTING)
			jbr_health_say(health, JBR_HEALTH_WARN, "the sensor is starting");
		else if (jbr_shm_state(source->shm) == JBR_SHM_DRAINING)
			jbr_health_say(health, JBR_HEALTH_WARN, "the sensor is ending");
		break;
	case SOURCE_STALE:
		jbr_health_say(health, JBR_HEALTH_FAIL,
			"the sensor has given no sign of life for %.0f s: it hangs or was killed; "
			"these are "
			"its last figures",
			(double)source->age_ns / (double)JBR_NS_PER_S);
		break;
	case SOURCE_OVER:
		jbr_health_say(health, JBR_HEALTH_FAIL,
			"the sensor has ended; these are its last figures");
		break;
	case SOURCE_NONE:
		jbr_health_say(health, JBR_HEALTH_FAIL, "no sensor runs: %.480s",
			source->error.text);
		break;
	case SOURCE_UNREADABLE:
		jbr_health_say(health, JBR_HEALTH_FAIL, "the sensor cannot be read: %.460s",
			source->error.text);
		break;
	}
}

void
health_judge(struct source *source, struct jbr_health *ret_health)
{
	struct jbr_health_view view = {source->shm, &source->newest, NULL};

	*ret_health = (struct jbr_health){.level = JBR_HEALTH_OK};
	judge_life(source, ret_health);
	if (source->life != SOURCE_ALIVE || !source->has_newest)
		return;
	view.then = source_look_back(source, JBR_HEALTH_WINDOW_S);
	jbr_health_judge(&view, ret_health);
}
