/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "figure.h"
#include "text.h"
#include "verbs.h"

enum { COLUMNS_DEFAULT = 80, COLUMNS_TAKEN = 2 };

/* A figure at the times of the snapshots, oldest first. */
struct history {
	const struct jbr_shm_family *family;
	uint32_t count;
	uint64_t *times_ns;
	uint64_t *monotonic_ns;
	uint64_t *values;
};

/* @return whether it is one of those asked for */
static bool
is_asked(const struct view *view, const struct jbr_shm_series *series,
	const struct options *options)
{
	if (strcmp(jbr_shm_family(view->shm, series->family)->name, options->words[0]) != 0)
		return false;
	for (uint32_t i = 0; options->label != NULL && i < series->nb_labels; i++)
		if (strcmp(series->labels[i].value, options->label) == 0)
			return true;
	return options->label == NULL;
}

static int
check_metric(const struct view *view, const struct options *options, struct history *history,
	struct jbr_error *error)
{
	const char *name = options->words[0];

	for (uint32_t i = 0; i < view->info->nb_series; i++) {
		const struct jbr_shm_series *series = jbr_shm_series(view->shm, i);

		if (is_asked(view, series, options))
			history->family = jbr_shm_family(view->shm, series->family);
	}
	if (history->family == NULL)
		return jbr_error_set(error, -ENOENT,
			options->label == NULL
				? "there is no figure '%.60s'; `jabiructl stats` lists them"
				: "'%.60s' has no series of that label; `jabiructl stats` lists "
				  "them",
			name);
	if (history->family->type == JBR_SHM_HISTOGRAM)
		return jbr_error_set(error, -EINVAL,
			"'%.60s' is a histogram, which has no single value", name);
	return 0;
}

static int
make_room(struct history *history, uint64_t count, struct jbr_error *error)
{
	history->times_ns = calloc(count + 1, 3 * sizeof(uint64_t));
	if (history->times_ns == NULL)
		return jbr_error_set(error, -ENOMEM, "%s", strerror(ENOMEM));
	history->monotonic_ns = history->times_ns + count + 1;
	history->values = history->monotonic_ns + count + 1;
	return 0;
}

static int
read_history(struct view *view, const struct options *options, struct history *history,
	struct jbr_error *error)
{
	uint64_t step_ms = jbr_max_u64(view->info->interval_ms, 1);
	uint64_t back = options->seconds == 0 ? UINT64_MAX : options->seconds * 1000ull / step_ms;
	uint64_t oldest;
	uint64_t newest;
	int rc = check_metric(view, options, history, error);

	if (rc < 0)
		return rc;
	jbr_shm_range(view->shm, &oldest, &newest);
	if (newest == 0)
		return jbr_error_set(error, -ENODATA, "the sensor has no figures yet");
	if (newest - oldest > back)
		oldest = newest - back;
	rc = make_room(history, newest - oldest + 1, error);
	for (uint64_t number = oldest; rc == 0 && number <= newest; number++) {
		/* one that is overwritten meanwhile is missing at the old end */
		if (jbr_shm_read(view->shm, number, &view->now) < 0)
			continue;
		for (uint32_t i = 0; i < view->info->nb_series; i++) {
			const struct jbr_shm_series *series = jbr_shm_series(view->shm, i);

			if (is_asked(view, series, options))
				history->values[history->count] += view->now.values[series->slot];
		}
		history->times_ns[history->count] = view->now.time_ns;
		history->monotonic_ns[history->count++] = view->now.monotonic_ns;
	}
	return rc;
}

/* Of a counter the rate since the snapshot before, of a gauge the value. */
static double
point(const struct history *history, uint32_t i)
{
	double value = (double)(int64_t)history->values[i];
	double seconds;

	if (history->family->type == JBR_SHM_COUNTER) {
		if (i == 0 || history->monotonic_ns[i] <= history->monotonic_ns[i - 1])
			return 0;
		seconds = (double)(history->monotonic_ns[i] - history->monotonic_ns[i - 1]) /
			(double)JBR_NS_PER_S;
		value = (double)(history->values[i] - history->values[i - 1]) / seconds;
	}
	for (unsigned d = 0; d < history->family->digits; d++)
		value /= 10;
	return value;
}

static uint32_t
first_point(const struct history *history)
{
	return history->family->type == JBR_SHM_COUNTER ? 1 : 0;
}

/* ---- output ---- */

static unsigned
terminal_columns(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col < 10)
		return COLUMNS_DEFAULT;
	return size.ws_col;
}

/* A line of blocks: each is the highest of the points that fall on it. */
static void
put_sparkline(const struct history *history, struct jbr_buffer *out)
{
	static const char *const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	uint32_t first = first_point(history);
	uint32_t count = history->count - first;
	uint32_t columns = jbr_min_u32(terminal_columns() - COLUMNS_TAKEN, count);
	const char *unit = history->family->type == JBR_SHM_COUNTER ? "/s" : "";
	double high = 0;

	for (uint32_t i = first; i < history->count; i++)
		high = point(history, i) > high ? point(history, i) : high;
	jbr_buffer_format(out, "%s: now %s%s, highest %s%s\n", history->family->name,
		text_short(point(history, history->count - 1)).at, unit, text_short(high).at, unit);
	for (uint32_t c = 0; c < columns; c++) {
		uint32_t end = first + (uint32_t)((uint64_t)(c + 1) * count / columns);
		double value = 0;

		for (uint32_t i = first + (uint32_t)((uint64_t)c * count / columns); i < end; i++)
			value = point(history, i) > value ? point(history, i) : value;
		jbr_buffer_format(out, "%s",
			blocks[value <= 0 ? 0 : 1 + (unsigned)(value / high * 7.0)]);
	}
	jbr_buffer_format(out, "\n%s ... %s\n", text_time(history->times_ns[first]).at,
		text_time(history->times_ns[history->count - 1]).at);
}

static void
put_numbers(const struct history *history, struct jbr_buffer *out)
{
	for (uint32_t i = first_point(history); i < history->count; i++)
		jbr_buffer_format(out, "%llu.%03u %.*f\n",
			(unsigned long long)(history->times_ns[i] / JBR_NS_PER_S),
			(unsigned)(history->times_ns[i] / JBR_NS_PER_MS % 1000),
			history->family->digits > 3 ? (int)history->family->digits : 3,
			point(history, i));
}

static void
write_json(const struct history *history, const struct options *options, struct jbr_buffer *out)
{
	struct jbr_json json;

	jbr_json_init(&json, out);
	jbr_json_object_open(&json, NULL);
	jbr_json_string(&json, "metric", history->family->name);
	jbr_json_string(&json, "type", figure_type(history->family));
	jbr_json_string(&json, "unit", history->family->unit);
	jbr_json_string(&json, "label", options->label);
	jbr_json_array_open(&json, "times");
	for (uint32_t i = 0; i < history->count; i++)
		jbr_json_fixed(&json, NULL, (int64_t)(history->times_ns[i] / JBR_NS_PER_MS), 3);
	jbr_json_array_close(&json);
	jbr_json_array_open(&json, "values");
	for (uint32_t i = 0; i < history->count; i++)
		figure_json_value(&json, NULL, history->family, history->values[i]);
	jbr_json_array_close(&json);
	jbr_json_object_close(&json);
	jbr_buffer_append(out, "\n", 1);
}

int
verb_history(const struct options *options)
{
	struct history history = {0};
	struct jbr_buffer out = {0};
	struct jbr_error error;
	struct view view;
	int rc = view_open(options->instance, &view, &error);

	if (rc < 0)
		return print_error(&error);
	rc = read_history(&view, options, &history, &error);
	if (rc == 0 && !options->json && history.count <= first_point(&history))
		rc = jbr_error_set(&error, -ENODATA,
			"there is one snapshot only: ask again in %u ms", view.info->interval_ms);
	if (rc == 0) {
		if (options->json)
			write_json(&history, options, &out);
		else if (isatty(STDOUT_FILENO) == 1)
			put_sparkline(&history, &out);
		else
			put_numbers(&history, &out);
	}
	free(history.times_ns);
	view_close(&view);
	return rc < 0 ? print_error(&error) : print_text(&out);
}
