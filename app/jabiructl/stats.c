/* SPDX-License-Identifier: BSD-3-Clause */
#include <fnmatch.h>
#include <stdio.h>

#include "figure.h"
#include "text.h"
#include "verbs.h"

static bool
is_wanted(const char *pattern, const char *name)
{
	if (pattern == NULL)
		return true;
	if (strpbrk(pattern, "*?[") != NULL)
		return fnmatch(pattern, name, 0) == 0;
	return strstr(name, pattern) != NULL;
}

/* Cumulative counts are a reader's business; here the buckets are as they stand. */
static void
write_histogram(const struct view *view, const struct jbr_shm_series *series,
	const struct jbr_shm_family *family, struct jbr_json *json)
{
	const uint64_t *values = view->now.values + series->slot;
	uint64_t count = 0;

	jbr_json_array_open(json, "buckets");
	for (uint32_t i = 0; i < family->nb_bounds; i++) {
		count += values[i];
		jbr_json_array_open(json, NULL);
		figure_json_value(json, NULL, family, family->bounds[i]);
		jbr_json_uint(json, NULL, values[i]);
		jbr_json_array_close(json);
	}
	jbr_json_array_close(json);
	count += values[family->nb_bounds];
	jbr_json_uint(json, "count", count);
	figure_json_value(json, "sum", family, values[family->nb_bounds + 1]);
}

static void
write_series(const struct view *view, const struct jbr_shm_series *series,
	const struct jbr_shm_family *family, struct jbr_json *json)
{
	jbr_json_object_open(json, NULL);
	figure_json_labels(json, series);
	if (family->type == JBR_SHM_HISTOGRAM) {
		write_histogram(view, series, family, json);
	} else {
		figure_json_value(json, "value", family, view_value(view, series));
		if (family->type == JBR_SHM_COUNTER && view->seconds > 0)
			figure_json_real(json, "rate", view_rate(view, series));
		else
			jbr_json_null(json, "rate");
	}
	jbr_json_object_close(json);
}

static void
write_json(const struct view *view, const char *pattern, struct jbr_buffer *out)
{
	uint32_t at = 0;
	struct jbr_json json;

	jbr_json_init(&json, out);
	jbr_json_object_open(&json, NULL);
	jbr_json_uint(&json, "number", view->now.number);
	jbr_json_fixed(&json, "time", (int64_t)(view->now.time_ns / JBR_NS_PER_MS), 3);
	jbr_json_array_open(&json, "families");
	for (uint32_t f = 0; f < view->info->nb_families; f++) {
		const struct jbr_shm_family *family = jbr_shm_family(view->shm, f);
		bool is_shown = is_wanted(pattern, family->name);

		if (is_shown) {
			jbr_json_object_open(&json, NULL);
			jbr_json_string(&json, "name", family->name);
			jbr_json_string(&json, "type", figure_type(family));
			jbr_json_string(&json, "unit", family->unit);
			jbr_json_string(&json, "help", family->help);
			jbr_json_array_open(&json, "series");
		}
		for (; at < view->info->nb_series && jbr_shm_series(view->shm, at)->family == f;
			at++)
			if (is_shown)
				write_series(view, jbr_shm_series(view->shm, at), family, &json);
		if (is_shown) {
			jbr_json_array_close(&json);
			jbr_json_object_close(&json);
		}
	}
	jbr_json_array_close(&json);
	jbr_json_object_close(&json);
	jbr_buffer_append(out, "\n", 1);
}

/* The value that @p permille of a histogram's values do not exceed. */
static struct text
quantile(const struct view *view, const struct jbr_shm_series *series,
	const struct jbr_shm_family *family, uint64_t count, unsigned permille)
{
	const uint64_t *values = view->now.values + series->slot;
	uint64_t seen = 0;

	for (uint32_t i = 0; i < family->nb_bounds; i++) {
		seen += values[i];
		if (seen * 1000 >= count * permille)
			return text_scaled((int64_t)family->bounds[i], family->digits);
	}
	return (struct text){"above all bounds"};
}

static void
put_histogram(const struct view *view, const struct jbr_shm_series *series,
	const struct jbr_shm_family *family, struct jbr_buffer *out)
{
	const uint64_t *values = view->now.values + series->slot;
	uint64_t count = 0;

	for (uint32_t i = 0; i <= family->nb_bounds; i++)
		count += values[i];
	jbr_buffer_format(out, "%s values", text_count(count).at);
	if (count > 0)
		jbr_buffer_format(out, "; half up to %s, 99 %% up to %s",
			quantile(view, series, family, count, 500).at,
			quantile(view, series, family, count, 990).at);
}

static void
put_text(const struct view *view, const char *pattern, struct jbr_buffer *out)
{
	for (uint32_t i = 0; i < view->info->nb_series; i++) {
		const struct jbr_shm_series *series = jbr_shm_series(view->shm, i);
		const struct jbr_shm_family *family = jbr_shm_family(view->shm, series->family);
		size_t from = out->length;
		double rate = view_rate(view, series);

		if (!is_wanted(pattern, family->name))
			continue;
		figure_name(view, series, out);
		jbr_buffer_format(out, "%*s",
			(int)(out->length - from < 62 ? 62 - (out->length - from) : 1), "");
		if (family->type == JBR_SHM_HISTOGRAM)
			put_histogram(view, series, family, out);
		else
			jbr_buffer_format(out, "%20s",
				text_scaled((int64_t)view_value(view, series), family->digits).at);
		if (family->type == JBR_SHM_COUNTER && rate > 0)
			jbr_buffer_format(out, "  %s", text_rate(rate).at);
		jbr_buffer_format(out, "\n");
	}
}

int
verb_stats(const struct options *options)
{
	const char *pattern = options->nb_words > 0 ? options->words[0] : NULL;
	struct jbr_buffer out = {0};
	struct jbr_error error;
	struct view view;
	int code;

	if (view_open(options->instance, &view, &error) < 0)
		return print_error(&error);
	if (view.life != JBR_SHM_ALIVE) {
		struct jbr_buffer note = {0};

		view_life_text(&view, &note);
		fprintf(stderr, "jabiructl: %.*s\n", (int)note.length,
			note.data == NULL ? "" : note.data);
		jbr_buffer_fini(&note);
	}
	if (options->json)
		write_json(&view, pattern, &out);
	else
		put_text(&view, pattern, &out);
	if (out.length == 0) {
		jbr_error_set(&error, 0, "no figure's name matches '%.60s'", pattern);
		view_close(&view);
		return print_error(&error);
	}
	code = print_text(&out);
	view_close(&view);
	return code;
}
