/* SPDX-License-Identifier: BSD-3-Clause */
#include "health.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "text.h"

const char *const health_words[3] = {"ok", "warn", "fail"};

/* From where on something is said. */
enum {
	LOSS_FAIL_PERCENT = 1,
	SPAN_LOSS_WARN_PERMILLE = 10,
	ACKS_LEAST = 1000, /* in the window, before they prove anything */
	ONE_WAY_WARN_PERCENT = 30,
	CONNECTIONS_LEAST = 100,
	TABLE_WARN_PERCENT = 90,
	QUIET_S = 30,
	CLOCK_WARN_S = 1,
};

__attribute__((format(printf, 3, 4))) static void
say(struct health *health, enum health_level level, const char *format, ...)
{
	unsigned at = health->count;
	va_list args;

	if (at == HEALTH_REASONS_MAX)
		return;
	/* the worst first */
	while (at > 0 && health->reasons[at - 1].level < level) {
		health->reasons[at] = health->reasons[at - 1];
		at--;
	}
	va_start(args, format);
	vsnprintf(health->reasons[at].text, HEALTH_REASON_SIZE, format, args);
	va_end(args);
	health->reasons[at].level = level;
	health->count++;
	if (level > health->level)
		health->level = level;
}

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

/* ---- the rules ---- */

static void
check_life(const struct view *view, struct health *health)
{
	struct jbr_buffer text = {0};

	if (view->life == JBR_SHM_ALIVE) {
		if (view->now.number == 0)
			say(health, HEALTH_WARN, "no figures yet: the sensor is starting");
		return;
	}
	view_life_text(view, &text);
	say(health, HEALTH_FAIL, "%.*s", (int)text.length, text.data == NULL ? "" : text.data);
	jbr_buffer_fini(&text);
}

static void
check_loss(const struct view *view, struct health *health)
{
	struct health_loss loss;

	health_loss(view, &loss);
	if (loss.lost == 0)
		return;
	say(health, loss.lost * 100 >= loss.offered * LOSS_FAIL_PERCENT ? HEALTH_FAIL : HEALTH_WARN,
		"losing packets: %s of them (%s) in the last %.0f s; the workers do not keep up, "
		"or "
		"lack buffers",
		text_percent((double)loss.lost, (double)loss.offered).at, text_count(loss.lost).at,
		view->window);
}

static void
check_span(const struct view *view, struct health *health)
{
	uint64_t unseen;
	uint64_t acks = health_span_loss(view, &unseen);
	uint64_t ended = view_sum_rise(view, "jabiru_connections_total", NULL);
	uint64_t one_way = view_sum_rise(view, "jabiru_one_way_connections_total", NULL);

	if (acks >= ACKS_LEAST && unseen * 1000 >= acks * SPAN_LOSS_WARN_PERMILLE)
		say(health, HEALTH_WARN,
			"the span port or tap loses about %s before the sensor: so many ACKs are "
			"of "
			"bytes that never came by",
			text_percent((double)unseen, (double)acks).at);
	if (ended >= CONNECTIONS_LEAST && one_way * 100 >= ended * ONE_WAY_WARN_PERCENT)
		say(health, HEALTH_WARN,
			"half of the span may be dead: %s of the connections that ended were seen "
			"in one direction only",
			text_percent((double)one_way, (double)ended).at);
}

static void
check_quiet(const struct view *view, struct health *health)
{
	if (view->life == JBR_SHM_ALIVE && view->window >= QUIET_S &&
		view_sum_rise(view, "jabiru_received_packets_total", NULL) == 0)
		say(health, HEALTH_WARN,
			"no packet for %.0f s: is the mirror on, and the cable in?", view->window);
}

static void
check_ports(const struct view *view, struct health *health)
{
	for (uint32_t i = 0; i < view->info->nb_series; i++) {
		const struct jbr_shm_series *series = jbr_shm_series(view->shm, i);
		const char *family = jbr_shm_family(view->shm, series->family)->name;

		if (strcmp(family, "jabiru_port_up") == 0 && series->nb_labels > 1 &&
			view->now.number != 0 && view_value(view, series) == 0)
			say(health, HEALTH_WARN, "port %s (%.80s) has no link",
				series->labels[0].value, series->labels[1].value);
	}
}

static void
check_table(const struct view *view, struct health *health)
{
	uint64_t open = view_sum(view, "jabiru_connections", NULL);
	uint64_t capacity = view_sum(view, "jabiru_connection_table_capacity", NULL);
	uint64_t evicted = view_sum_rise(view, "jabiru_connection_evictions_total", "open");

	if (evicted > 0)
		say(health, HEALTH_WARN,
			"%s open connections were given up in the last %.0f s because the table "
			"was "
			"full: raise flow.capacity",
			text_count(evicted).at, view->window);
	else if (capacity > 0 && open * 100 >= capacity * TABLE_WARN_PERCENT)
		say(health, HEALTH_WARN,
			"the connection table is %s full (%s of %s): raise flow.capacity",
			text_percent((double)open, (double)capacity).at, text_count(open).at,
			text_count(capacity).at);
}

static void
check_rest(const struct view *view, struct health *health)
{
	uint64_t lost = view_sum_rise(view, "jabiru_worker_lost_records_total", NULL) +
		view_sum_rise(view, "jabiru_worker_lost_findings_total", NULL);
	double offset = view_gauge(view, "jabiru_clock_offset_seconds");

	if (lost > 0)
		say(health, HEALTH_WARN,
			"%s records or findings found no room on their way to the log in the last "
			"%.0f s; they are counted",
			text_count(lost).at, view->window);
	if (offset >= CLOCK_WARN_S || offset <= -CLOCK_WARN_S)
		say(health, HEALTH_WARN,
			"the wall clock is %.1f s away from the sensor's: was it set?", offset);
	if (view->now.number != 0 &&
		view_find(view, "jabiru_config_last_reload_successful", NULL) != NULL &&
		view_sum(view, "jabiru_config_last_reload_successful", NULL) == 0)
		say(health, HEALTH_WARN,
			"the last reload of the configuration failed: the old one is in force");
}

void
health_check(const struct view *view, struct health *ret_health)
{
	*ret_health = (struct health){0};
	check_life(view, ret_health);
	if (view->life != JBR_SHM_ALIVE || view->now.number == 0)
		return; /* old figures say nothing of now */
	check_loss(view, ret_health);
	check_span(view, ret_health);
	check_quiet(view, ret_health);
	check_ports(view, ret_health);
	check_table(view, ret_health);
	check_rest(view, ret_health);
}
