/* SPDX-License-Identifier: BSD-3-Clause */
#include "probe.h"

#include <stdarg.h>
#include <stdio.h>

#include "health.h"
#include "text.h"
#include "verbs.h"

/* Of the plug-in interface; the worst of 0..2 counts. */
enum { STATE_OK, STATE_WARNING, STATE_CRITICAL, STATE_UNKNOWN };
static const char *const state_words[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};

struct probe {
	const struct view *view;
	unsigned state;
	struct jbr_buffer text;    /* reasons */
	struct jbr_buffer figures; /* behind the bar */
};

bool
probe_is_asked(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "probe") == 0)
			return true;
	return false;
}

/* A bar would begin the figures. */
static int
print_unknown(const char *why)
{
	struct jbr_buffer out = {0};

	jbr_buffer_format(&out, "JABIRU UNKNOWN - %s\n", why);
	for (size_t i = 0; i < out.length; i++)
		if (out.data[i] == '|')
			out.data[i] = '/';
	(void)print_text(&out);
	return STATE_UNKNOWN;
}

int
probe_usage(const struct jbr_error *error)
{
	return print_unknown(error->text);
}

__attribute__((format(printf, 3, 4))) static void
say(struct probe *probe, unsigned state, const char *format, ...)
{
	va_list args;

	if (state > probe->state)
		probe->state = state;
	jbr_buffer_format(&probe->text, "%s", probe->text.length > 0 ? "; " : "");
	va_start(args, format);
	jbr_buffer_vformat(&probe->text, format, args);
	va_end(args);
}

static unsigned
judge(double value, double warn, double crit)
{
	if (crit >= 0 && value >= crit)
		return STATE_CRITICAL;
	return warn >= 0 && value >= warn ? STATE_WARNING : STATE_OK;
}

static void
put_limit(struct jbr_buffer *out, double value)
{
	if (value >= 0)
		jbr_buffer_format(out, "%g", value);
	jbr_buffer_append(out, ";", 1);
}

/* label=value unit;warn;crit; */
static void
put_figure(struct probe *probe, const char *label, double value, const char *unit,
	const double limits[2])
{
	jbr_buffer_format(&probe->figures, " '%s'=%.*f%s", label, unit[0] == 'c' ? 0 : 3, value,
		unit);
	if (limits == NULL)
		return;
	jbr_buffer_append(&probe->figures, ";", 1);
	put_limit(&probe->figures, limits[0]);
	put_limit(&probe->figures, limits[1]);
	jbr_buffer_append(&probe->figures, "0", 1);
}

static void
check_loss(struct probe *probe, const struct options *options)
{
	const double limits[] = {options->warn_loss, options->crit_loss};
	struct health_loss loss;
	double percent;
	unsigned state;

	health_loss(probe->view, &loss);
	percent = loss.offered == 0 ? 0 : 100 * (double)loss.lost / (double)loss.offered;
	/* nothing lost is fine, whatever the limits */
	state = loss.lost == 0 ? STATE_OK : judge(percent, limits[0], limits[1]);
	if (state != STATE_OK)
		say(probe, state, "lost %s of %s packets in %.0f s",
			text_percent((double)loss.lost, (double)loss.offered).at,
			text_count(loss.offered).at, probe->view->window);
	put_figure(probe, "loss", percent, "%", limits);
}

static void
check_span(struct probe *probe, const struct options *options)
{
	const double limits[] = {options->warn_span_loss, options->crit_span_loss};
	uint64_t unseen;
	uint64_t acks = health_span_loss(probe->view, &unseen);
	double percent = acks == 0 ? 0 : 100 * (double)unseen / (double)acks;
	unsigned state = unseen == 0 ? STATE_OK : judge(percent, limits[0], limits[1]);

	if (state != STATE_OK)
		say(probe, state, "%s was lost before the sensor",
			text_percent((double)unseen, (double)acks).at);
	put_figure(probe, "span_loss", percent, "%", limits);
}

static double
per_minute(const struct view *view, const char *key)
{
	uint64_t rise = view_sum_rise(view, "jabiru_anomalies_total", key);

	return view->window > 0 ? (double)rise * 60 / view->window : 0;
}

static double
limit_of(const struct options_limit *limits, unsigned count, const char *key)
{
	for (unsigned i = 0; i < count; i++)
		if (strcmp(limits[i].key, key) == 0)
			return limits[i].per_minute;
	return -1;
}

static void
check_anomaly(struct probe *probe, const struct options *options, const char *key)
{
	const double limits[] = {limit_of(options->warn, options->nb_warn, key),
		limit_of(options->crit, options->nb_crit, key)};
	double rate = per_minute(probe->view, key);
	unsigned state = rate <= 0 ? STATE_OK : judge(rate, limits[0], limits[1]);

	if (state != STATE_OK)
		say(probe, state, "%s: %s a minute", key, text_short(rate).at);
	put_figure(probe, key, rate, "", limits);
}

/* @return a key that the sensor does not have, or NULL */
static const char *
unknown_key(const struct probe *probe, const struct options_limit *limits, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (view_find(probe->view, "jabiru_anomalies_total", limits[i].key) == NULL)
			return limits[i].key;
	return NULL;
}

static void
check_anomalies(struct probe *probe, const struct options *options)
{
	for (unsigned i = 0; i < options->nb_crit; i++)
		check_anomaly(probe, options, options->crit[i].key);
	for (unsigned i = 0; i < options->nb_warn; i++)
		if (limit_of(options->crit, options->nb_crit, options->warn[i].key) < 0)
			check_anomaly(probe, options, options->warn[i].key);
}

static void
put_rest(struct probe *probe)
{
	const struct view *view = probe->view;
	const char *const totals[][2] = {{"packets", "jabiru_received_packets_total"},
		{"tcp", "jabiru_tcp_packets_total"}, {"resets", "jabiru_resets_total"},
		{"anomalies", "jabiru_anomalies_total"}};

	for (size_t i = 0; i < JBR_COUNT_OF(totals); i++)
		put_figure(probe, totals[i][0], (double)view_sum(view, totals[i][1], NULL), "c",
			NULL);
	put_figure(probe, "heartbeat_age", (double)view->age_ns / (double)JBR_NS_PER_S, "s", NULL);
}

static int
print_probe(struct probe *probe)
{
	struct jbr_buffer out = {0};
	uint64_t packets = view_sum(probe->view, "jabiru_received_packets_total", NULL);

	jbr_buffer_format(&out, "JABIRU %s - ", state_words[probe->state]);
	if (probe->text.length > 0)
		jbr_buffer_append(&out, probe->text.data, probe->text.length);
	else
		jbr_buffer_format(&out,
			"%s analyses %s packets a second, %s in all, none lost beyond its limit",
			probe->view->info->sensor,
			text_short(
				view_sum_rate(probe->view, "jabiru_received_packets_total", NULL))
				.at,
			text_count(packets).at);
	for (size_t i = 0; i < out.length; i++)
		if (out.data[i] == '|')
			out.data[i] = '/';
	jbr_buffer_append(&out, " |", 2);
	jbr_buffer_append(&out, probe->figures.data, probe->figures.length);
	jbr_buffer_append(&out, "\n", 1);
	jbr_buffer_fini(&probe->text);
	jbr_buffer_fini(&probe->figures);
	return print_text(&out) == EXIT_FINE ? (int)probe->state : STATE_UNKNOWN;
}

int
verb_probe(const struct options *options)
{
	struct jbr_error error;
	struct view view;
	struct probe probe = {.view = &view};
	const char *unknown;
	int code;

	if (view_open(options->instance, &view, &error) < 0)
		return print_unknown(error.text);
	if (options->seconds != 0 && view_refresh(&view, options->seconds, &error) < 0) {
		code = print_unknown(error.text);
		goto out;
	}
	if (view.life != JBR_SHM_ALIVE) {
		struct jbr_buffer text = {0};

		view_life_text(&view, &text);
		jbr_buffer_append(&text, "", 1);
		code = print_unknown(text.failed ? "no sensor is alive" : text.data);
		jbr_buffer_fini(&text);
		goto out;
	}
	unknown = unknown_key(&probe, options->crit, options->nb_crit);
	if (unknown == NULL)
		unknown = unknown_key(&probe, options->warn, options->nb_warn);
	if (unknown != NULL) {
		jbr_error_set(&error, 0, "this sensor has no anomaly '%s'", unknown);
		code = print_unknown(error.text);
		goto out;
	}
	check_loss(&probe, options);
	check_span(&probe, options);
	check_anomalies(&probe, options);
	put_rest(&probe);
	code = print_probe(&probe);
out:
	view_close(&view);
	return code;
}
