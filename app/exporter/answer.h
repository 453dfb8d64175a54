/* SPDX-License-Identifier: BSD-3-Clause */
/** @file answer.h
 * The JSON of /api/v1/: one function a resource.
 *
 * Times are seconds since the epoch. What is asked for wrongly, or cannot be had, is answered with
 * {"error": "a sentence"} and its code: 400, 404 or 503.
 * Knows nothing of HTTP but those codes and a query's names and values.
 */
#pragma once
#include "jbr_base.h"
#include "source.h"

enum { QUERY_MAX = 8 };

/** ?name=value&..., decoded; not owned. */
struct query {
	unsigned count;
	struct {
		const char *name;
		const char *value;
	} pairs[QUERY_MAX];
};

/** Least and greatest. */
struct query_range {
	uint64_t low;
	uint64_t high;
};

struct answer {
	int code;
	struct jbr_buffer body; /**< the caller's to release */
};

/** How the sensor is; never an error. */
void answer_status(struct source *source, struct answer *answer);
/** All families of the newest snapshot, with rates of counters over the last two. */
void answer_stats(struct source *source, struct answer *answer);
/** One family over time: metric=NAME[&label=VALUE][&seconds=900][&points=300]. */
void answer_history(struct source *source, const struct query *query, struct answer *answer);
/** Events of the ring: [after=N][&limit=100][&anomaly=KEY][&host=ADDRESS]; without `after` the newest. */
void answer_events(struct source *source, const struct query *query, struct answer *answer);
/** The busiest hosts of each anomaly. */
void answer_hosts(struct source *source, struct answer *answer);
/** Make @p answer an error, in place of what it holds. */
void answer_error(struct answer *answer, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** Write an event as an object; as the streams do. */
void answer_put_event(struct jbr_json *json, const struct jbr_shm_event *event);
/** Write the object of answer_status(). */
void answer_put_status(struct source *source, struct jbr_buffer *out);

/* ---- for the files of this folder that answer ---- */

/** The value of @p name in a query, or NULL. */
const char *query_find(const struct query *query, const char *name);
/** Read a number within @p range. @p value stays as it is when the query does not name it.
 * @return whether it may go on: else @p answer is an error. */
bool query_number(const struct query *query, const char *name, struct query_range range,
	uint64_t *value, struct answer *answer);
/** Refuse what @p known, NULL at its end, does not name. @return as query_number(). */
bool query_check(const struct query *query, const char *const *known, struct answer *answer);
/** Answer with 503 when there is no segment or, if @p must_have_figures, no snapshot. @return as above. */
bool answer_needs(const struct source *source, bool must_have_figures, struct answer *answer);
/** Write labels as the object "labels". */
void answer_put_labels(struct jbr_json *json, const struct jbr_shm_series *series);
