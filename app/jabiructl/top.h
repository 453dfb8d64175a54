/* SPDX-License-Identifier: BSD-3-Clause */
/** @file top.h
 * The live console: what it shows (top_state), how that looks (top_draw.c), and the keys (top.c).
 *
 * The sensor may be restarted while it is looked at: the console opens the new one by itself.
 */
#pragma once
#include "canvas.h"
#include "health.h"
#include "occurrence.h"
#include "options.h"
#include "view.h"

enum top_screen { TOP_MAIN, TOP_EVENTS };

/** Run it until the user leaves. @return an exit code */
int top_run(const struct options *options, enum top_screen screen);

/* ---- inside ---- */

enum top_panel { TOP_ANOMALIES, TOP_RESETS, TOP_HOSTS, TOP_PANELS };
/** What the last line is for. */
enum top_prompt { TOP_NO_PROMPT, TOP_ASK_FILTER, TOP_ASK_ALIAS };

enum { TOP_ROWS_MAX = 512, TOP_HOSTS_MAX = 4096, TOP_EVENTS_KEPT = 5000, TOP_INPUT_SIZE = 60 };

/** The latest events; old ones go. */
struct top_events {
	struct jbr_shm_event *ring; /**< TOP_EVENTS_KEPT */
	uint64_t count;             /**< since the start; the newest lies at (count - 1) % KEPT */
	struct jbr_shm_cursor cursor;
	uint64_t lost_before; /**< in earlier runs of the sensor */
	uint64_t back;        /**< asked-for events below the screen; 0 = it scrolls by itself */
	uint64_t unseen;      /**< that came while it did not */
};

struct top {
	const struct options *options;
	struct view view; /**< shm NULL: none is open, and error says why */
	struct jbr_error error;
	struct jbr_health health;
	struct jbr_aliases *aliases;
	uint64_t aliases_ns; /**< when they were asked for */
	char boot_id[33];
	enum top_screen screen;
	enum top_panel panel;
	enum view_order order;
	unsigned chosen[TOP_PANELS]; /**< row */
	bool is_paused;
	bool shows_help;
	char *page; /**< a definition that covers the screen; NULL = none */
	unsigned page_line;
	enum top_prompt prompt;
	char input[TOP_INPUT_SIZE];
	char filter[TOP_INPUT_SIZE];
	char message[200];         /**< in place of the list of keys, until the next one */
	char target[ADDRESS_SIZE]; /**< address that is being named */
	struct view_row rows[2][TOP_ROWS_MAX]; /**< anomalies, resets */
	uint32_t nb_rows[2];
	struct jbr_shm_host *hosts; /**< TOP_HOSTS_MAX, in order */
	uint32_t nb_hosts;
	struct top_events events;
	struct canvas canvas;
};

/** Draw everything on its canvas, which has its size. Chosen rows that are gone are moved. */
void top_draw(struct top *top);
/** Read the events that have come. */
void top_events_read(struct top *top);
/** The @p back-th newest of those that pass the filter, 0 the newest. NULL = there are not so many */
const struct jbr_shm_event *top_events_at(const struct top *top, uint64_t back);
/** Does it pass the filter? */
bool top_events_takes(const struct top *top, const struct jbr_shm_event *event);
