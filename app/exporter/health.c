/* SPDX-License-Identifier: BSD-3-Clause */
#include "health.h"

#include <stdarg.h>
#include <stdio.h>

enum { QUIET_S = 10, MILLION = 1000000 };

/* A share that should be small: what grew in a window of time, of all that grew. */
struct rule {
	unsigned window_s;
	const char *part;
	const char *whole[2]; /* together; a part that is not among the whole is named there, too */
	uint64_t least;       /* below that much it says nothing */
	uint32_t warn_ppm;    /* above, as parts of a million */
	uint32_t fail_ppm;
	const char *what;
};

static const struct rule rules[] = {
	{10, "jabiru_missed_packets_total",
		{"jabiru_received_packets_total", "jabiru_missed_packets_total"}, 1, 0, 10000,
		"of the packets were lost at the ports: the workers do not keep up"},
	{60, "jabiru_acks_unseen_total", {"jabiru_acks_total", NULL}, 1000, 10000, 50000,
		"of the acknowledgements are for bytes that the sensor never saw: the span port or "
		"tap "
		"loses packets"},
	{60, "jabiru_one_way_connections_total", {"jabiru_connections_total", NULL}, 20, 500000,
		900000,
		"of the connections that ended were seen in one direction only: is the other one "
		"mirrored "
		"here?"},
	{60, "jabiru_duplicate_packets_total", {"jabiru_tcp_packets_total", NULL}, 1000, 300000,
		MILLION, "of the TCP segments are copies: the span port mirrors them twice"},
};

/* Something that should not grow at all. */
static const struct {
	const char *name;
	const char *label;
	const char *what;
} losses[] = {
	{"jabiru_worker_lost_records_total", NULL,
		"connection records found no room on the way to the control thread"},
	{"jabiru_worker_lost_findings_total", NULL,
		"findings found no room on the way to the control thread"},
	{"jabiru_connection_evictions_total", "open",
		"open connections had to leave the full table: raise flow.capacity"},
	{"jabiru_port_no_buffer_packets_total", NULL,
		"packets were lost for want of a buffer: raise memory.megabytes"},
};

const char *
health_word(enum health_level level)
{
	static const char *const words[] = {"ok", "warn", "fail"};

	return words[level];
}

__attribute__((format(printf, 3, 4))) static void
say(struct health *health, enum health_level level, const char *format, ...)
{
	va_list args;

	if (level > health->level)
		health->level = level;
	if (health->nb_reasons == HEALTH_REASONS_MAX)
		return;
	va_start(args, format);
	vsnprintf(health->reasons[health->nb_reasons].text, sizeof(health->reasons[0].text), format,
		args);
	va_end(args);
	health->nb_reasons++;
}

/* ---- what is asked ---- */

static double
seconds_between(const struct jbr_shm_snapshot *old, const struct jbr_shm_snapshot *new)
{
	return (double)(new->monotonic_ns - old->monotonic_ns) / (double)JBR_NS_PER_S;
}

static void
judge_rule(struct source *source, const struct rule *rule, struct health *health)
{
	const struct jbr_shm_snapshot *old = source_look_back(source, rule->window_s);
	uint64_t part, whole = 0;
	enum health_level level;

	if (old == NULL)
		return;
	part = source_growth(source, rule->part, NULL, old, &source->newest);
	for (unsigned i = 0; i < JBR_COUNT_OF(rule->whole) && rule->whole[i] != NULL; i++)
		whole += source_growth(source, rule->whole[i], NULL, old, &source->newest);
	if (part == 0 || whole < rule->least ||
		(double)part * MILLION <= (double)rule->warn_ppm * (double)whole)
		return;
	level = (double)part * MILLION > (double)rule->fail_ppm * (double)whole ? HEALTH_FAIL
										: HEALTH_WARN;
	say(health, level, "In the last %.0f s %.3g %% %s", seconds_between(old, &source->newest),
		(double)part / (double)whole * 100, rule->what);
}

static void
judge_losses(struct source *source, struct health *health)
{
	const struct jbr_shm_snapshot *old = source_look_back(source, 60);

	for (size_t i = 0; old != NULL && i < JBR_COUNT_OF(losses); i++) {
		uint64_t lost = source_growth(source, losses[i].name, losses[i].label, old,
			&source->newest);

		if (lost > 0)
			say(health, HEALTH_WARN, "In the last %.0f s %llu %s",
				seconds_between(old, &source->newest), (unsigned long long)lost,
				losses[i].what);
	}
}

static void
judge_ports(struct source *source, struct health *health)
{
	const struct jbr_shm_info *info = jbr_shm_info(source->shm);

	for (uint32_t i = 0; i < info->nb_series; i++) {
		const struct jbr_shm_series *series = jbr_shm_series(source->shm, i);

		if (strcmp(jbr_shm_family(source->shm, series->family)->name, "jabiru_port_up") !=
				0 ||
			source->newest.values[series->slot] != 0)
			continue;
		say(health, HEALTH_FAIL, "Port %s (%s) has no link",
			series->nb_labels > 0 ? series->labels[0].value : "?",
			series->nb_labels > 1 ? series->labels[1].value : "?");
	}
}

static void
judge_silence(struct source *source, struct health *health)
{
	const struct jbr_shm_snapshot *old = source_look_back(source, QUIET_S);

	if (old == NULL || strcmp(jbr_shm_info(source->shm)->mode, "run") != 0 ||
		seconds_between(old, &source->newest) < QUIET_S * 0.9 ||
		source_growth(source, "jabiru_received_packets_total", NULL, old, &source->newest) >
			0)
		return;
	say(health, HEALTH_WARN,
		"No packet has arrived for %.0f s or longer: is the port still mirrored to?",
		seconds_between(old, &source->newest));
}

/* A figure as a number, @p missing where the sensor has none. */
static double
gauge(const struct source *source, const char *name, double missing)
{
	const struct jbr_shm_series *series = jbr_shm_find(source->shm, name, NULL);
	double value;

	if (series == NULL)
		return missing;
	value = (double)(int64_t)source->newest.values[series->slot];
	for (unsigned i = 0; i < jbr_shm_family(source->shm, series->family)->digits; i++)
		value /= 10;
	return value;
}

static void
judge_gauges(const struct source *source, struct health *health)
{
	double offset_s = gauge(source, "jabiru_clock_offset_seconds", 0);
	double late_s = gauge(source, "jabiru_control_loop_late_seconds", 0);

	if (offset_s > 0.5 || offset_s < -0.5)
		say(health, HEALTH_WARN,
			"The wall clock is %.3g s off the sensor's own, which follows it slowly: "
			"is "
			"the time "
			"of this host kept (chrony, NTP)?",
			offset_s);
	if (late_s > 1)
		say(health, HEALTH_WARN,
			"The control thread is %.3g s late: it shares its CPU with something busy",
			late_s);
	if (gauge(source, "jabiru_config_last_reload_successful", 1) == 0)
		say(health, HEALTH_WARN,
			"The last reload of the configuration failed; the one before is in force");
}

static void
judge_life(const struct source *source, struct health *health)
{
	switch (source->life) {
	case SOURCE_ALIVE:
		if (jbr_shm_state(source->shm) == JBR_SHM_STARTING)
			say(health, HEALTH_WARN, "The sensor is starting");
		else if (jbr_shm_state(source->shm) == JBR_SHM_DRAINING)
			say(health, HEALTH_WARN, "The sensor is ending");
		break;
	case SOURCE_STALE:
		say(health, HEALTH_FAIL,
			"The sensor has given no sign of life for %.0f s: it hangs or was killed; "
			"these are "
			"its last figures",
			(double)source->age_ns / (double)JBR_NS_PER_S);
		break;
	case SOURCE_OVER:
		say(health, HEALTH_FAIL, "The sensor has ended; these are its last figures");
		break;
	case SOURCE_NONE:
		say(health, HEALTH_FAIL, "No sensor runs: %.480s", source->error.text);
		break;
	case SOURCE_UNREADABLE:
		say(health, HEALTH_FAIL, "The sensor cannot be read: %.460s", source->error.text);
		break;
	}
}

void
health_judge(struct source *source, struct health *ret_health)
{
	*ret_health = (struct health){.level = HEALTH_OK};
	judge_life(source, ret_health);
	if (source->life != SOURCE_ALIVE || !source->has_newest)
		return;
	judge_ports(source, ret_health);
	judge_silence(source, ret_health);
	for (size_t i = 0; i < JBR_COUNT_OF(rules); i++)
		judge_rule(source, &rules[i], ret_health);
	judge_losses(source, ret_health);
	judge_gauges(source, ret_health);
}
