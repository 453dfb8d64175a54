/* SPDX-License-Identifier: BSD-3-Clause */
#include "health.h"

void
health_loss(const struct view *view, struct health_loss *ret_loss)
{
	uint64_t missed = view_sum_rise(view, "jabiru_missed_packets_total", NULL);
	uint64_t own = view_sum_rise(view, "jabiru_not_analysed_packets_total", "ring_full");

	ret_loss->lost = missed + own;
	ret_loss->offered = missed + view_sum_rise(view, "jabiru_received_packets_total", NULL);
}

uint64_t
health_span_loss(const struct view *view, uint64_t *ret_unseen)
{
	*ret_unseen = view_sum_rise(view, "jabiru_acks_unseen_total", NULL);
	return view_sum_rise(view, "jabiru_acks_total", NULL);
}

static void
check_life(const struct view *view, struct jbr_health *health)
{
	struct jbr_buffer text = {0};

	if (view->life == JBR_SHM_ALIVE) {
		if (view->now.number == 0)
			jbr_health_say(health, JBR_HEALTH_WARN,
				"no figures yet: the sensor is starting");
		return;
	}
	view_life_text(view, &text);
	jbr_health_say(health, JBR_HEALTH_FAIL, "%.*s", (int)text.length,
		text.data == NULL ? "" : text.data);
	jbr_buffer_fini(&text);
}

void
health_check(const struct view *view, struct jbr_health *ret_health)
{
	const struct jbr_health_view figures = {view->shm, &view->now,
		view->then.number == 0 || view->then.number == view->now.number ? NULL
										: &view->then};

	*ret_health = (struct jbr_health){0};
	check_life(view, ret_health);
	if (view->life != JBR_SHM_ALIVE || view->now.number == 0)
		return; /* old figures say nothing of now */
	jbr_health_judge(&figures, ret_health);
}
