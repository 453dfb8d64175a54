/* SPDX-License-Identifier: BSD-3-Clause */
/** @file view.h
 * A sensor's figures now, one snapshot ago and up to a minute ago.
 *
 * Rates are those between the last two snapshots; where there is only one there are none (0).
 */
#pragma once
#include <stdbool.h>

#include "jbr_shm.h"

enum { VIEW_WINDOW_S = 60 };

struct view {
	struct jbr_shm *shm;
	const struct jbr_shm_info *info;
	struct jbr_shm_snapshot now;    /**< number 0: there is none yet */
	struct jbr_shm_snapshot before; /**< number 0: there is none */
	struct jbr_shm_snapshot then;   /**< the oldest of the last minute, or equal to now */
	enum jbr_shm_life life;
	uint64_t age_ns; /**< of the last sign of life */
	double seconds;  /**< from before to now; 0 = no rates */
	double window;   /**< from then to now */
};

/** Open the segment of @p instance and read it. @return 0, or -errno with @p error as jbr_shm_open(). */
int view_open(const char *instance, struct view *ret_view, struct jbr_error *error);
/** Release; a view of zeros is fine. */
void view_close(struct view *view);
/** Read it again, with @p window_s instead of VIEW_WINDOW_S. @return 0, or -errno with @p error: close
 * it, and open again. Life is told, whatever is returned. */
int view_refresh(struct view *view, uint32_t window_s, struct jbr_error *error);
/** Is there another sensor behind the file by now? Then it is opened anew.
 * @return whether a segment is open; else @p error says why not */
bool view_follow(struct view *view, const char *instance, struct jbr_error *error);

/** The series of family @p name whose first label is @p label (NULL: the first). NULL = there is none. */
const struct jbr_shm_series *view_find(const struct view *view, const char *name,
	const char *label);
/** Its value; 0 for NULL. */
uint64_t view_value(const struct view *view, const struct jbr_shm_series *series);
/** What it rose since the snapshot before, a second. */
double view_rate(const struct view *view, const struct jbr_shm_series *series);
/** What it rose in the window. */
uint64_t view_rise(const struct view *view, const struct jbr_shm_series *series);

/** The same by name; with a NULL label all series of the family added up. */
uint64_t view_sum(const struct view *view, const char *name, const char *label);
/** As view_rate(), of view_sum(). */
double view_sum_rate(const struct view *view, const char *name, const char *label);
/** As view_rise(), of view_sum(). */
uint64_t view_sum_rise(const struct view *view, const char *name, const char *label);
/** A gauge with its sign, divided by what its digits say. */
double view_gauge(const struct view *view, const char *name);

/** What is to be said of the sensor's life: "running for 3 h 4 min", "no sign of life for 12 s: ...". */
void view_life_text(const struct view *view, struct jbr_buffer *out);
/** alive, stale, over, replaced or gone. */
const char *view_life_word(enum jbr_shm_life life);
/** starting, running, draining or ended. */
const char *view_state_word(const struct view *view);

/** A series of a family in an order. */
struct view_row {
	const struct jbr_shm_series *series;
	uint64_t total;
	uint64_t rise;
	double rate;
};
enum view_order { VIEW_BY_RISE, VIEW_BY_TOTAL, VIEW_BY_NAME, VIEW_ORDERS };
extern const char *const view_order_names[VIEW_ORDERS];

/** Which series, and in which order. */
struct view_query {
	const char *family;
	const char *filter; /**< their first label holds it; NULL = any */
	enum view_order order;
};

/** The series that are asked for and whose total is not 0, at most @p max. @return how many */
uint32_t view_rows(const struct view *view, const struct view_query *query,
	struct view_row *ret_rows, uint32_t max);
