/* SPDX-License-Identifier: BSD-3-Clause */
#include "jbr_health.h"

#include <stdarg.h>
#include <stdio.h>

const char *const jbr_health_words[JBR_HEALTH_LEVELS] = {"ok", "warn", "fail"};

enum { QUIET_S = 10, TABLE_WARN_PERCENT = 90, MILLION = 1000000, WHOLE_MAX = 2 };

/* A share that should be small: what grew in the window, of all that grew. */
static const struct rule {
	struct {
		const char *name;
		const char *label;
	} part[WHOLE_MAX]; /* together */
	const char *whole[WHOLE_MAX];
	uint64_t least;    /* below that much it says nothing */
	uint32_t warn_ppm; /* above, as parts of a million */
	uint32_t fail_ppm; /* from there on */
	const char *before;
	const char *after;
} rules[] = {
	{{{"jabiru_missed_packets_total", NULL},
		 {"jabiru_not_analysed_packets_total", "ring_full"}},
		{"jabiru_received_packets_total", "jabiru_missed_packets_total"}, 1, 0, 10000,
		"losing packets:", "of them; the workers do not keep up, or lack buffers"},
	{{{"jabiru_acks_unseen_total", NULL}}, {"jabiru_acks_total"}, 1000, 10000, 50000,
		"the span port or tap loses packets before the sensor:",
		"of the ACKs are for bytes that never came by"},
	{{{"jabiru_one_way_connections_total", NULL}}, {"jabiru_connections_total"}, 20, 500000,
		900000, "half of the span may be dead:",
		"of the connections that ended were seen in one direction only"},
	{{{"jabiru_duplicate_packets_total", NULL}}, {"jabiru_tcp_packets_total"}, 1000, 300000,
		MILLION, "the span port mirrors twice:", "of the TCP segments are copies"},
};

/* What should not grow at all. */
static const struct {
	const char *name;
	const char *label;
	const char *what;
} losses[] = {
	{"jabiru_worker_lost_records_total", NULL,
		"connection records found no room on the way to the control thread"},
	{"jabiru_worker_lost_findings_total", NULL,
		"findings found no room on the way to the control thread; they are counted"},
	{"jabiru_connection_evictions_total", "open",
		"open connections were given up because the table was full: raise flow.capacity"},
};

void
jbr_health_say(struct jbr_health *health, enum jbr_health_level level, const char *format, ...)
{
	unsigned at = health->count;
	va_list args;

	if (level > health->level)
		health->level = level;
	if (at == JBR_HEALTH_REASONS_MAX)
		return;
	while (at > 0 && health->reasons[at - 1].level < level) {
		health->reasons[at] = health->reasons[at - 1];
		at--;
	}
	va_start(args, format);
	vsnprintf(health->reasons[at].text, JBR_HEALTH_REASON_SIZE, format, args);
	va_end(args);
	health->reasons[at].level = level;
	health->count++;
}

/* ---- what is asked ---- */

static uint64_t
total(const struct jbr_health_view *view, const struct jbr_shm_snapshot *snapshot, const char *name,
	const char *label)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < jbr_shm_info(view->shm)->nb_series; i++) {
		const struct jbr_shm_series *series = jbr_shm_series(view->shm, i);

		if (strcmp(jbr_shm_family(view->shm, series->family)->name, name) == 0 &&
			(label == NULL ||
				(series->nb_labels > 0 &&
					strcmp(series->labels[0].value, label) == 0)))
			sum += snapshot->values[series->slot];
	}
	return sum;
}

uint64_t
jbr_health_growth(const struct jbr_health_view *view, const char *name, const char *label)
{
	uint64_t then, now;

	if (view->then == NULL)
		return 0;
	then = total(view, view->then, name, label);
	now = total(view, view->now, name, label);
	return now > then ? now - then : 0;
}

/* A figure as a number, @p missing where the sensor has none. */
static double
gauge(const struct jbr_health_view *view, const char *name, double missing)
{
	const struct jbr_shm_series *series = jbr_shm_find(view->shm, name, NULL);
	double value;

	if (series == NULL)
		return missing;
	value = (double)(int64_t)view->now->values[series->slot];
	for (unsigned i = 0; i < jbr_shm_family(view->shm, series->family)->digits; i++)
		value /= 10;
	return value;
}

static double
window_s(const struct jbr_health_view *view)
{
	return (double)(view->now->monotonic_ns - view->then->monotonic_ns) / (double)JBR_NS_PER_S;
}

/* ---- rules ---- */

static void
judge_rule(const struct jbr_health_view *view, const struct rule *rule, struct jbr_health *health)
{
	uint64_t part = 0;
	uint64_t whole = 0;
	double ppm;

	for (unsigned i = 0; i < WHOLE_MAX && rule->part[i].name != NULL; i++)
		part += jbr_health_growth(view, rule->part[i].name, rule->part[i].label);
	for (unsigned i = 0; i < WHOLE_MAX && rule->whole[i] != NULL; i++)
		whole += jbr_health_growth(view, rule->whole[i], NULL);
	if (part == 0 || whole < rule->least)
		return;
	ppm = (double)part * MILLION / (double)whole;
	if (ppm <= rule->warn_ppm)
		return;
	jbr_health_say(health, ppm >= rule->fail_ppm ? JBR_HEALTH_FAIL : JBR_HEALTH_WARN,
		"%s in the last %.0f s %.3g %% (%llu) %s", rule->before, window_s(view),
		ppm / 10000, (unsigned long long)part, rule->after);
}

static void
judge_losses(const struct jbr_health_view *view, struct jbr_health *health)
{
	for (size_t i = 0; i < JBR_COUNT_OF(losses); i++) {
		uint64_t lost = jbr_health_growth(view, losses[i].name, losses[i].label);

		if (lost > 0)
			jbr_health_say(health, JBR_HEALTH_WARN, "in the last %.0f s %llu %s",
				window_s(view), (unsigned long long)lost, losses[i].what);
	}
}

static void
judge_silence(const struct jbr_health_view *view, struct jbr_health *health)
{
	/* a replay at the speed of its recording may be silent for long */
	if (strcmp(jbr_shm_info(view->shm)->mode, "run") != 0 || window_s(view) < QUIET_S * 0.9 ||
		jbr_health_growth(view, "jabiru_received_packets_total", NULL) > 0)
		return;
	jbr_health_say(health, JBR_HEALTH_WARN,
		"no packet for %.0f s or longer: is the mirror on, and the cable in?",
		window_s(view));
}

static void
judge_ports(const struct jbr_health_view *view, struct jbr_health *health)
{
	for (uint32_t i = 0; i < jbr_shm_info(view->shm)->nb_series; i++) {
		const struct jbr_shm_series *series = jbr_shm_series(view->shm, i);
		const char *name = jbr_shm_family(view->shm, series->family)->name;

		if (strcmp(name, "jabiru_port_up") != 0 || series->nb_labels < 2 ||
			view->now->values[series->slot] != 0)
			continue;
		jbr_health_say(health, JBR_HEALTH_FAIL, "port %s (%.100s) has no link",
			series->labels[0].value, series->labels[1].value);
	}
}

static void
judge_table(const struct jbr_health_view *view, struct jbr_health *health)
{
	uint64_t open = total(view, view->now, "jabiru_connections", "open");
	uint64_t capacity = total(view, view->now, "jabiru_connection_table_capacity", NULL);

	if (capacity > 0 && open * 100 >= capacity * TABLE_WARN_PERCENT)
		jbr_health_say(health, JBR_HEALTH_WARN,
			"the connection table is %.3g %% full (%llu open of %llu): raise "
			"flow.capacity",
			(double)open * 100 / (double)capacity, (unsigned long long)open,
			(unsigned long long)capacity);
}

static void
judge_control(const struct jbr_health_view *view, struct jbr_health *health)
{
	double offset_s = gauge(view, "jabiru_clock_offset_seconds", 0);
	double late_s = gauge(view, "jabiru_control_loop_late_seconds", 0);

	if (offset_s > 0.5 || offset_s < -0.5)
		jbr_health_say(health, JBR_HEALTH_WARN,
			"the wall clock is %.3g s off the sensor's own, which follows it slowly: "
			"was "
			"it set? is the time of this host kept (chrony, NTP)?",
			offset_s);
	if (late_s > 1)
		jbr_health_say(health, JBR_HEALTH_WARN,
			"the control thread is %.3g s late: it shares its CPU with something busy",
			late_s);
	if (gauge(view, "jabiru_config_last_reload_successful", 1) == 0)
		jbr_health_say(health, JBR_HEALTH_WARN,
			"the last reload of the configuration failed: the one before is in force");
}

void
jbr_health_judge(const struct jbr_health_view *view, struct jbr_health *health)
{
	judge_ports(view, health);
	judge_table(view, health);
	judge_control(view, health);
	if (view->then == NULL)
		return;
	judge_silence(view, health);
	for (size_t i = 0; i < JBR_COUNT_OF(rules); i++)
		judge_rule(view, &rules[i], health);
	judge_losses(view, health);
}
