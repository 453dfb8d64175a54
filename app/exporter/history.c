/* SPDX-License-Identifier: BSD-3-Clause */
/* What was: one family over the snapshots that are kept, and events of the ring. */
#include "answer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#include "exposition.h"

enum { NUMBERS_MAX = 1 << 20, POINTS_MAX = 10000, EVENTS_MAX = 1000 };

/* ---- figures ---- */

/* Series of the family, and the points in time that are shown. */
struct history {
	const struct jbr_shm_family *family;
	const struct jbr_shm_series **series;
	uint32_t nb_series;
	uint64_t first; /* snapshots: this one, and each `step` later, up to the newest */
	uint64_t step;
	uint64_t nb_points;
	uint64_t *times;
	uint64_t *values; /* of each point those of all series, two each: value (count), sum */
};

static bool
has_label(const struct jbr_shm_series *series, const char *value)
{
	for (uint32_t i = 0; i < series->nb_labels; i++)
		if (value == NULL || strcmp(series->labels[i].value, value) == 0)
			return true;
	return value == NULL;
}

static int
find_series(struct history *history, const struct source *source, const struct query *query,
	struct answer *answer)
{
	const struct jbr_shm_info *info = jbr_shm_info(source->shm);
	const char *metric = query_find(query, "metric");
	const char *label = query_find(query, "label");

	history->series = calloc(info->nb_series + 1, sizeof(*history->series));
	if (metric == NULL)
		answer_error(answer, 400, "metric: name one, as /api/v1/stats lists them");
	else if (history->series == NULL)
		answer_error(answer, 503, "%s", strerror(ENOMEM));
	if (metric == NULL || history->series == NULL)
		return -EINVAL;
	for (uint32_t i = 0; i < info->nb_families && history->family == NULL; i++)
		if (strcmp(jbr_shm_family(source->shm, i)->name, metric) == 0)
			history->family = jbr_shm_family(source->shm, i);
	if (history->family == NULL) {
		answer_error(answer, 404, "the sensor has no metric '%.64s'", metric);
		return -ENOENT;
	}
	for (uint32_t i = 0; i < info->nb_series; i++) {
		const struct jbr_shm_series *series = jbr_shm_series(source->shm, i);

		if (jbr_shm_family(source->shm, series->family) == history->family &&
			has_label(series, label))
			history->series[history->nb_series++] = series;
	}
	return 0;
}

static int
plan_points(struct history *history, const struct source *source, const struct query *query,
	struct answer *answer)
{
	uint64_t seconds = 900;
	uint64_t points = 300;
	uint64_t interval_ms = jbr_max_u64(jbr_shm_info(source->shm)->interval_ms, 1);
	uint64_t oldest, newest, count;

	if (!query_number(query, "seconds", (struct query_range){1, 86400}, &seconds, answer) ||
		!query_number(query, "points", (struct query_range){1, POINTS_MAX}, &points,
			answer))
		return -EINVAL;
	if (points * jbr_max_u64(history->nb_series, 1) > NUMBERS_MAX) {
		answer_error(answer, 400,
			"%u series of %llu points are too many: ask for a label, or fewer points",
			history->nb_series, (unsigned long long)points);
		return -E2BIG;
	}
	jbr_shm_range(source->shm, &oldest, &newest);
	if (newest == 0)
		return 0;
	count = jbr_min_u64(newest - oldest + 1, (seconds * 1000 + interval_ms - 1) / interval_ms);
	count = jbr_max_u64(count, 1);
	history->step = (count + points - 1) / points;
	history->nb_points = (count + history->step - 1) / history->step;
	history->first = newest - (history->nb_points - 1) * history->step;
	return 0;
}

static uint64_t
sum_of(const uint64_t *values, uint32_t count)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < count; i++)
		sum += values[i];
	return sum;
}

/* Those that were overwritten before they could be read are left out. */
static int
read_points(struct history *history, const struct source *source, struct answer *answer)
{
	uint64_t planned = history->nb_points;
	uint32_t width = history->nb_series * 2;
	struct jbr_shm_snapshot snapshot = {
		.values = calloc(jbr_shm_info(source->shm)->nb_values, sizeof(uint64_t))};

	history->times = calloc(planned + 1, sizeof(uint64_t));
	history->values = calloc(planned * width + 1, sizeof(uint64_t));
	history->nb_points = 0;
	if (snapshot.values == NULL || history->times == NULL || history->values == NULL) {
		free(snapshot.values);
		answer_error(answer, 503, "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	for (uint64_t i = 0; i < planned; i++) {
		uint64_t *to = history->values + history->nb_points * width;

		if (jbr_shm_read(source->shm, history->first + i * history->step, &snapshot) < 0)
			continue;
		history->times[history->nb_points++] = snapshot.time_ns;
		for (uint32_t s = 0; s < history->nb_series; s++, to += 2) {
			const uint64_t *from = snapshot.values + history->series[s]->slot;

			to[0] = from[0];
			if (history->family->type != JBR_SHM_HISTOGRAM)
				continue;
			to[0] = sum_of(from, history->series[s]->nb_slots - 1);
			to[1] = from[history->series[s]->nb_slots - 1];
		}
	}
	free(snapshot.values);
	return 0;
}

static void
put_column(const struct history *history, uint32_t series, bool is_sum, struct jbr_json *json)
{
	static const struct jbr_shm_family plain = {.type = JBR_SHM_COUNTER};
	bool is_histogram = history->family->type == JBR_SHM_HISTOGRAM;
	const struct jbr_shm_family *family = is_histogram && !is_sum ? &plain : history->family;

	jbr_json_array_open(json, is_sum ? "sums" : "values");
	for (uint64_t i = 0; i < history->nb_points; i++)
		exposition_json_value(json, NULL, family,
			history->values[(i * history->nb_series + series) * 2 + is_sum]);
	jbr_json_array_close(json);
}

static void
write_history(const struct history *history, struct answer *answer)
{
	struct jbr_json json;

	jbr_json_init(&json, &answer->body);
	jbr_json_object_open(&json, NULL);
	jbr_json_string(&json, "metric", history->family->name);
	jbr_json_string(&json, "type", exposition_type_word(history->family->type));
	jbr_json_string(&json, "unit", history->family->unit);
	jbr_json_array_open(&json, "times");
	for (uint64_t i = 0; i < history->nb_points; i++)
		jbr_json_fixed(&json, NULL, (int64_t)history->times[i], 9);
	jbr_json_array_close(&json);
	jbr_json_array_open(&json, "series");
	for (uint32_t i = 0; i < history->nb_series; i++) {
		jbr_json_object_open(&json, NULL);
		answer_put_labels(&json, history->series[i]);
		put_column(history, i, false, &json);
		if (history->family->type == JBR_SHM_HISTOGRAM)
			put_column(history, i, true, &json);
		jbr_json_object_close(&json);
	}
	jbr_json_array_close(&json);
	jbr_json_object_close(&json);
}

void
answer_history(struct source *source, const struct query *query, struct answer *answer)
{
	static const char *const known[] = {"metric", "label", "seconds", "points", NULL};
	struct history history = {0};

	if (!query_check(query, known, answer) || !answer_needs(source, false, answer))
		return;
	if (find_series(&history, source, query, answer) == 0 &&
		plan_points(&history, source, query, answer) == 0 &&
		read_points(&history, source, answer) == 0)
		write_history(&history, answer);
	free(history.series);
	free(history.times);
	free(history.values);
}

/* ---- events ---- */

struct event_filter {
	const char *anomaly; /* NULL = all */
	unsigned ip_version; /* 0 = all hosts */
	uint8_t address[16];
};

static bool
read_filter(const struct query *query, struct event_filter *ret_filter, struct answer *answer)
{
	const char *host = query_find(query, "host");

	*ret_filter = (struct event_filter){.anomaly = query_find(query, "anomaly")};
	if (host == NULL)
		return true;
	if (inet_pton(AF_INET, host, ret_filter->address) == 1)
		ret_filter->ip_version = 4;
	else if (inet_pton(AF_INET6, host, ret_filter->address) == 1)
		ret_filter->ip_version = 6;
	else
		answer_error(answer, 400, "host: '%.64s' is not an IP address", host);
	return ret_filter->ip_version != 0;
}

static bool
is_wanted(const struct event_filter *filter, const struct jbr_shm_event *event)
{
	size_t length = filter->ip_version == 4 ? 4 : 16;

	if (filter->anomaly != NULL && strcmp(filter->anomaly, event->key) != 0)
		return false;
	return filter->ip_version == 0 ||
		(filter->ip_version == event->ip_version &&
			(memcmp(filter->address, event->src, length) == 0 ||
				memcmp(filter->address, event->dst, length) == 0));
}

/* Read on from the cursor: the first @p limit that are wanted, or the last ones.
 * @return how many there are in all; the n-th is events[n % limit] */
static uint64_t
collect(const struct source *source, struct jbr_shm_cursor *cursor,
	const struct event_filter *filter, uint64_t limit, struct jbr_shm_event *events)
{
	bool is_last = cursor->next == 0;
	uint64_t left = jbr_shm_info(source->shm)->nb_events; /* not for ever behind a fast one */
	uint64_t count = 0;

	if (is_last)
		jbr_shm_seek(source->shm, cursor, left);
	for (; left > 0 && (is_last || count < limit); left--) {
		struct jbr_shm_event *event = &events[count % limit];

		if (is_last) {
			struct jbr_shm_event next;

			if (jbr_shm_next_event(source->shm, cursor, &next) != 1)
				break;
			if (is_wanted(filter, &next)) {
				*event = next;
				count++;
			}
			continue;
		}
		if (jbr_shm_next_event(source->shm, cursor, event) != 1)
			break;
		count += is_wanted(filter, event);
	}
	if (is_last)
		cursor->lost = 0; /* nothing was asked for that is no longer there */
	return count;
}

/* Where to read on behind the event @p after. One that is not written yet is of an earlier run. */
static struct jbr_shm_cursor
cursor_after(const struct source *source, uint64_t after)
{
	struct jbr_shm_cursor cursor;

	jbr_shm_seek(source->shm, &cursor, 0);
	cursor.next = after < cursor.next ? after + 1 : 1;
	return cursor;
}

void
answer_events(struct source *source, const struct query *query, struct answer *answer)
{
	static const char *const known[] = {"after", "limit", "anomaly", "host", NULL};
	struct event_filter filter;
	struct jbr_shm_cursor cursor = {0};
	struct jbr_shm_event *events;
	struct jbr_json json;
	uint64_t after = 0, limit = 100, count;

	if (!query_check(query, known, answer) ||
		!query_number(query, "after", (struct query_range){0, UINT64_MAX - 1}, &after,
			answer) ||
		!query_number(query, "limit", (struct query_range){1, EVENTS_MAX}, &limit,
			answer) ||
		!read_filter(query, &filter, answer) || !answer_needs(source, false, answer))
		return;
	events = calloc(limit, sizeof(*events));
	if (events == NULL) {
		answer_error(answer, 503, "%s", strerror(ENOMEM));
		return;
	}
	if (query_find(query, "after") != NULL)
		cursor = cursor_after(source, after);
	count = collect(source, &cursor, &filter, limit, events);
	jbr_json_init(&json, &answer->body);
	jbr_json_object_open(&json, NULL);
	jbr_json_uint(&json, "next", cursor.next - 1);
	jbr_json_uint(&json, "lost", cursor.lost);
	jbr_json_array_open(&json, "events");
	for (uint64_t i = count > limit ? count - limit : 0; i < count; i++)
		answer_put_event(&json, &events[i % limit]);
	jbr_json_array_close(&json);
	jbr_json_object_close(&json);
	free(events);
}
