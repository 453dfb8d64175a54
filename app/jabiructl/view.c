/* SPDX-License-Identifier: BSD-3-Clause */
#include "view.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "text.h"

const char *const view_order_names[VIEW_ORDERS] = {"last minute", "total", "name"};

/* ---- reading ---- */

int
view_open(const char *instance, struct view *ret_view, struct jbr_error *error)
{
	struct view view = {0};
	int rc = jbr_shm_open(instance, &view.shm, error);

	if (rc < 0)
		return rc;
	view.info = jbr_shm_info(view.shm);
	view.now.values = calloc(view.info->nb_values, 3 * sizeof(uint64_t));
	if (view.now.values == NULL) {
		jbr_shm_close(view.shm);
		return jbr_error_set(error, -ENOMEM, "cannot read '%s': %s", instance,
			strerror(ENOMEM));
	}
	view.before.values = view.now.values + view.info->nb_values;
	view.then.values = view.before.values + view.info->nb_values;
	rc = view_refresh(&view, VIEW_WINDOW_S, error);
	if (rc < 0)
		view_close(&view);
	else
		*ret_view = view;
	return rc;
}

void
view_close(struct view *view)
{
	jbr_shm_close(view->shm);
	free(view->now.values);
	*view = (struct view){0};
}

static double
seconds_between(const struct jbr_shm_snapshot *a, const struct jbr_shm_snapshot *b)
{
	if (a->number == 0 || b->number == 0 || b->monotonic_ns <= a->monotonic_ns)
		return 0;
	return (double)(b->monotonic_ns - a->monotonic_ns) / (double)JBR_NS_PER_S;
}

int
view_refresh(struct view *view, uint32_t window_s, struct jbr_error *error)
{
	uint64_t back = (uint64_t)window_s * 1000 / jbr_max_u64(view->info->interval_ms, 1);
	uint64_t oldest;
	uint64_t newest;
	int rc;

	view->life = jbr_shm_life(view->shm, jbr_shm_now_ns(), &view->age_ns);
	view->now.number = view->before.number = view->then.number = 0;
	view->seconds = view->window = 0;
	if (view->life == JBR_SHM_GONE)
		return jbr_error_set(error, -ESTALE, "the sensor's file was removed");
	rc = jbr_shm_read(view->shm, 0, &view->now);
	if (rc == -ENOENT)
		return 0; /* it has just started */
	if (rc < 0)
		return jbr_error_set(error, rc, "the sensor's file cannot be read: %s",
			rc == -ESTALE ? "it was shortened" : "it changes all the time");
	jbr_shm_range(view->shm, &oldest, &newest);
	if (view->now.number < 2 ||
		jbr_shm_read(view->shm, view->now.number - 1, &view->before) < 0)
		view->before.number = 0;
	oldest = jbr_max_u64(oldest, view->now.number > back ? view->now.number - back : 1);
	/* the oldest may be overwritten at this very moment: then the next */
	while (oldest < view->now.number && jbr_shm_read(view->shm, oldest, &view->then) < 0)
		oldest++;
	if (oldest >= view->now.number)
		view->then.number = 0;
	/* what a sensor did that is gone is no rate of now */
	view->seconds = view->life == JBR_SHM_ALIVE ? seconds_between(&view->before, &view->now)
						    : 0;
	view->window = seconds_between(&view->then, &view->now);
	return 0;
}

bool
view_follow(struct view *view, const char *instance, struct jbr_error *error)
{
	enum jbr_shm_life life;

	if (view->shm != NULL) {
		life = jbr_shm_life(view->shm, jbr_shm_now_ns(), NULL);
		if (life != JBR_SHM_REPLACED && life != JBR_SHM_GONE)
			return true;
		view_close(view);
	}
	return view_open(instance, view, error) == 0;
}

/* ---- figures ---- */

const struct jbr_shm_series *
view_find(const struct view *view, const char *name, const char *label)
{
	return jbr_shm_find(view->shm, name, label);
}

static uint64_t
rise(const struct jbr_shm_snapshot *from, const struct jbr_shm_snapshot *to, uint32_t slot)
{
	uint64_t a = from->values[slot];
	uint64_t b = to->values[slot];

	return from->number == 0 || to->number == 0 || b < a ? 0 : b - a;
}

uint64_t
view_value(const struct view *view, const struct jbr_shm_series *series)
{
	return series == NULL || view->now.number == 0 ? 0 : view->now.values[series->slot];
}

double
view_rate(const struct view *view, const struct jbr_shm_series *series)
{
	if (series == NULL || view->seconds <= 0)
		return 0;
	return (double)rise(&view->before, &view->now, series->slot) / view->seconds;
}

uint64_t
view_rise(const struct view *view, const struct jbr_shm_series *series)
{
	return series == NULL ? 0 : rise(&view->then, &view->now, series->slot);
}

/* Walk along the series that are meant. @p at begins with 0. */
static const struct jbr_shm_series *
next_of(const struct view *view, const char *name, const char *label, uint32_t *at)
{
	while (*at < view->info->nb_series) {
		const struct jbr_shm_series *series = jbr_shm_series(view->shm, (*at)++);

		if (strcmp(jbr_shm_family(view->shm, series->family)->name, name) != 0)
			continue;
		if (label == NULL ||
			(series->nb_labels > 0 && strcmp(series->labels[0].value, label) == 0))
			return series;
	}
	return NULL;
}

uint64_t
view_sum(const struct view *view, const char *name, const char *label)
{
	const struct jbr_shm_series *series;
	uint64_t sum = 0;

	for (uint32_t at = 0; (series = next_of(view, name, label, &at)) != NULL;)
		sum += view_value(view, series);
	return sum;
}

double
view_sum_rate(const struct view *view, const char *name, const char *label)
{
	const struct jbr_shm_series *series;
	double sum = 0;

	for (uint32_t at = 0; (series = next_of(view, name, label, &at)) != NULL;)
		sum += view_rate(view, series);
	return sum;
}

uint64_t
view_sum_rise(const struct view *view, const char *name, const char *label)
{
	const struct jbr_shm_series *series;
	uint64_t sum = 0;

	for (uint32_t at = 0; (series = next_of(view, name, label, &at)) != NULL;)
		sum += view_rise(view, series);
	return sum;
}

double
view_gauge(const struct view *view, const char *name)
{
	const struct jbr_shm_series *series = view_find(view, name, NULL);
	double value = (double)(int64_t)view_value(view, series);

	for (unsigned i = 0;
		series != NULL && i < jbr_shm_family(view->shm, series->family)->digits; i++)
		value /= 10;
	return value;
}

/* ---- rows ---- */

static int
by_rise(const void *a, const void *b)
{
	const struct view_row *x = a;
	const struct view_row *y = b;

	if (x->rise != y->rise)
		return x->rise < y->rise ? 1 : -1;
	if (x->total != y->total)
		return x->total < y->total ? 1 : -1;
	return x->series < y->series ? -1 : x->series > y->series;
}

static int
by_total(const void *a, const void *b)
{
	const struct view_row *x = a;
	const struct view_row *y = b;

	if (x->total != y->total)
		return x->total < y->total ? 1 : -1;
	return x->series < y->series ? -1 : x->series > y->series;
}

static int
by_name(const void *a, const void *b)
{
	const struct view_row *x = a;
	const struct view_row *y = b;

	return strcmp(x->series->labels[0].value, y->series->labels[0].value);
}

uint32_t
view_rows(const struct view *view, const struct view_query *query, struct view_row *ret_rows,
	uint32_t max)
{
	static int (*const compare[])(const void *, const void *) = {by_rise, by_total, by_name};
	struct view_row *rows = calloc(view->info->nb_series, sizeof(*rows));
	const struct jbr_shm_series *series;
	uint32_t count = 0;

	if (rows == NULL)
		return 0;
	for (uint32_t at = 0; (series = next_of(view, query->family, NULL, &at)) != NULL;) {
		if (series->nb_labels == 0 || view_value(view, series) == 0 ||
			(query->filter != NULL &&
				strstr(series->labels[0].value, query->filter) == NULL))
			continue;
		rows[count++] = (struct view_row){series, view_value(view, series),
			view_rise(view, series), view_rate(view, series)};
	}
	qsort(rows, count, sizeof(*rows), compare[query->order % VIEW_ORDERS]);
	count = jbr_min_u32(count, max);
	memcpy(ret_rows, rows, count * sizeof(*rows));
	free(rows);
	return count;
}

/* ---- life ---- */

const char *
view_life_word(enum jbr_shm_life life)
{
	static const char *const words[] = {"alive", "stale", "over", "replaced", "gone"};

	return (unsigned)life < JBR_COUNT_OF(words) ? words[life] : "unknown";
}

const char *
view_state_word(const struct view *view)
{
	static const char *const words[] = {"starting", "running", "draining", "ended"};
	unsigned state = jbr_shm_state(view->shm);

	return state < JBR_COUNT_OF(words) ? words[state] : "unknown";
}

void
view_life_text(const struct view *view, struct jbr_buffer *out)
{
	uint64_t up_ns = jbr_shm_now_ns() - view->info->start_monotonic_ns;

	switch (view->life) {
	case JBR_SHM_ALIVE:
		jbr_buffer_format(out, "%s for %s", view_state_word(view), text_duration(up_ns).at);
		break;
	case JBR_SHM_STALE:
		jbr_buffer_format(out,
			"no sign of life for %s: the sensor hangs or was killed; these are its "
			"last figures",
			text_duration(view->age_ns).at);
		break;
	case JBR_SHM_OVER:
		jbr_buffer_format(out, "the run has ended; these are its last figures");
		break;
	case JBR_SHM_REPLACED:
		jbr_buffer_format(out, "another run has taken its place");
		break;
	case JBR_SHM_GONE:
		jbr_buffer_format(out, "the sensor's file was removed");
		break;
	}
}
