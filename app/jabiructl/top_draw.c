/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "text.h"
#include "top.h"

enum {
	COLUMNS_LEAST = 40,
	LINES_LEAST = 12,
	COLUMNS_WIDE = 150, /* from here on events stand beside the tables */
	HEAD_LINES = 5,
	NUMBER_WIDTH = 8,
	NUMBERS_ROOM = 48, /* from here on there is room for all three */
	SEVERITY_WIDTH = 6,
};

static struct place
at(unsigned line, unsigned column, unsigned width)
{
	return (struct place){line, column, width};
}

static enum look
look_of(const char *severity)
{
	if (strcmp(severity, "alert") == 0 || strcmp(severity, "fail") == 0)
		return LOOK_ALERT;
	if (strcmp(severity, "warn") == 0)
		return LOOK_WARN;
	return LOOK_PLAIN;
}

/* ---- head and foot ---- */

static void
draw_title(struct top *top)
{
	struct canvas *canvas = &top->canvas;
	struct jbr_buffer life = {0};

	canvas_look(canvas, at(0, 0, canvas->columns), LOOK_BAR);
	if (top->view.shm == NULL) {
		canvas_put(canvas, at(0, 1, canvas->columns), LOOK_BAR, "jabiru %s",
			top->options->instance);
		return;
	}
	/* the sentence stands in the next line, where it is a reason */
	if (top->view.life == JBR_SHM_ALIVE)
		view_life_text(&top->view, &life);
	else
		jbr_buffer_format(&life, "%s", view_life_word(top->view.life));
	canvas_put(canvas, at(0, 1, canvas->columns), LOOK_BAR, "jabiru %s  %s  %.*s",
		top->view.info->sensor, top->view.info->mode, (int)life.length,
		life.data == NULL ? "" : life.data);
	canvas_put_right(canvas, at(0, 1, canvas->columns - 2), LOOK_BAR, "%s%s",
		top->is_paused ? " PAUSED  " : " ",
		top->view.now.number == 0 ? "" : text_time(top->view.now.time_ns).at);
	jbr_buffer_fini(&life);
}

static void
draw_health(struct top *top)
{
	struct canvas *canvas = &top->canvas;
	const struct jbr_health *health = &top->health;
	enum jbr_health_level level = health->count == 0 ? JBR_HEALTH_OK : health->reasons[0].level;
	struct place rest = at(1, 7, canvas->columns - 8);

	if (top->view.shm == NULL) {
		canvas_put(canvas, at(1, 1, 5), LOOK_ALERT, "fail");
		canvas_put(canvas, rest, LOOK_PLAIN, "%s", top->error.text);
		return;
	}
	canvas_put(canvas, at(1, 1, 5),
		level == JBR_HEALTH_OK ? LOOK_GOOD : look_of(jbr_health_words[level]), "%s",
		jbr_health_words[level]);
	if (health->count == 0)
		canvas_put(canvas, rest, LOOK_PLAIN, "nothing is lost, all ports have link");
	else
		canvas_put(canvas, rest, LOOK_PLAIN, "%s", health->reasons[0].text);
	if (health->count > 1)
		canvas_put_right(canvas, rest, LOOK_PLAIN, "  (%u more: jabiructl status)",
			health->count - 1);
}

static void
draw_rates(struct top *top)
{
	const struct view *view = &top->view;
	struct canvas *canvas = &top->canvas;
	struct health_loss loss;

	health_loss(view, &loss);
	canvas_put(canvas, at(2, 1, canvas->columns), LOOK_STRONG,
		"packets %s   %sbit/s   TCP %s   lost %s   ended %s",
		text_rate(view_sum_rate(view, "jabiru_received_packets_total", NULL)).at,
		text_short(8 * view_sum_rate(view, "jabiru_received_bytes_total", NULL)).at,
		text_rate(view_sum_rate(view, "jabiru_tcp_packets_total", NULL)).at,
		text_percent((double)loss.lost, (double)loss.offered).at,
		text_rate(view_sum_rate(view, "jabiru_connections_total", NULL)).at);
	canvas_put(canvas, at(3, 1, canvas->columns), LOOK_PLAIN,
		"open %s   half-open %s   unanswered %s   closed %s   room for %s",
		text_short((double)view_sum(view, "jabiru_connections", "open")).at,
		text_short((double)view_sum(view, "jabiru_connections", "half_open")).at,
		text_short((double)view_sum(view, "jabiru_connections", "unanswered")).at,
		text_short((double)view_sum(view, "jabiru_connections", "closed")).at,
		text_short((double)view_sum(view, "jabiru_connection_table_capacity", NULL)).at);
}

static void
draw_foot(struct top *top)
{
	struct canvas *canvas = &top->canvas;
	struct place place = at(canvas->lines - 1, 0, canvas->columns);
	bool is_events = top->screen == TOP_EVENTS;

	canvas_look(canvas, place, LOOK_BAR);
	place.column = 1;
	if (top->prompt == TOP_ASK_FILTER)
		canvas_put(canvas, place, LOOK_BAR, "show only what holds: %s_", top->input);
	else if (top->prompt == TOP_ASK_ALIAS)
		canvas_put(canvas, place, LOOK_BAR, "name of %s: %s_", top->target, top->input);
	else if (top->message[0] != '\0')
		canvas_put(canvas, place, LOOK_BAR, "%s", top->message);
	else if (top->page != NULL || top->shows_help)
		canvas_put(canvas, place, LOOK_BAR, "q back");
	else
		canvas_put(canvas, place, LOOK_BAR, "%s",
			is_events ? "q quit  h help  f filter  p pause  e tables  arrows, End"
				  : "q quit  h help  s sort  f filter  p pause  d definition  "
				    "a alias  e events");
	if (top->prompt == TOP_NO_PROMPT && top->filter[0] != '\0')
		canvas_put_right(canvas, at(canvas->lines - 1, 1, canvas->columns - 2), LOOK_BAR,
			"  filter: %s", top->filter);
}

/* ---- tables ---- */

/* Which row is the first to be shown, so that the chosen one is seen. */
static unsigned
first_row(struct top *top, enum top_panel panel, unsigned count, unsigned height)
{
	unsigned *chosen = &top->chosen[panel];

	if (*chosen >= count)
		*chosen = count == 0 ? 0 : count - 1;
	return height == 0 || *chosen < height ? 0 : *chosen - height + 1;
}

static void
draw_heading(struct top *top, struct place place, enum top_panel panel, const char *text)
{
	struct canvas *canvas = &top->canvas;
	bool is_here = top->panel == panel;

	canvas_put(canvas, place, is_here ? LOOK_STRONG : LOOK_PLAIN, "%s%s", is_here ? "> " : "  ",
		text);
}

/* A second, last minute, in all; where it is narrow the last two. */
static unsigned
nb_numbers(unsigned width)
{
	return width >= NUMBERS_ROOM ? 3 : 2;
}

static void
draw_numbers(struct canvas *canvas, struct place place, enum look look, const char *const texts[3])
{
	unsigned count = nb_numbers(place.width);

	for (unsigned i = 0; i < count; i++)
		canvas_put_right(canvas,
			at(place.line, place.column + place.width - (count - i) * NUMBER_WIDTH,
				NUMBER_WIDTH),
			look, "%s", texts[3 - count + i]);
}

/* Anomalies or resets: name, per second, last minute, in all. */
static void
draw_family(struct top *top, struct place place, unsigned height, enum top_panel panel)
{
	static const char *const heads[] = {"anomalies", "resets by cause"};
	static const char *const numbers[] = {"/s", "minute", "in all"};
	struct canvas *canvas = &top->canvas;
	unsigned count = top->nb_rows[panel];
	unsigned name_width = place.width - nb_numbers(place.width) * NUMBER_WIDTH;
	unsigned first = first_row(top, panel, count, height - 1);

	draw_heading(top, place, panel, heads[panel]);
	draw_numbers(canvas, place, LOOK_FAINT, numbers);
	if (count == 0)
		canvas_put(canvas, at(place.line + 1, place.column + 2, name_width), LOOK_PLAIN,
			"none");
	for (unsigned i = 0; i + 1 < height && first + i < count; i++) {
		const struct view_row *row = &top->rows[panel][first + i];
		const struct jbr_shm_series *series = row->series;
		const char *severity = series->nb_labels > 1 ? series->labels[1].value : "";
		struct text rate = text_short(row->rate);
		struct text minute = text_short((double)row->rise);
		struct text total = text_short((double)row->total);
		const char *const texts[] = {rate.at, minute.at, total.at};
		struct place line = at(place.line + 1 + i, place.column, place.width);
		bool is_chosen = top->panel == panel && first + i == top->chosen[panel];
		unsigned mark = severity[0] == '\0' ? 0 : name_width >= 30 ? SEVERITY_WIDTH : 2;

		canvas_put(canvas, at(line.line, line.column + 2, mark > 0 ? mark - 1 : 0),
			look_of(severity), "%s", severity);
		canvas_put(canvas, at(line.line, line.column + 2 + mark, name_width - 3 - mark),
			LOOK_PLAIN, "%s", series->labels[0].value);
		draw_numbers(canvas, line, LOOK_PLAIN, texts);
		if (is_chosen)
			canvas_look(canvas, line, LOOK_CHOSEN);
		if (is_chosen)
			canvas_put(canvas, line, LOOK_CHOSEN, ">");
	}
}

static void
draw_hosts(struct top *top, struct place place, unsigned height)
{
	struct canvas *canvas = &top->canvas;
	unsigned first = first_row(top, TOP_HOSTS, top->nb_hosts, height - 1);
	unsigned key_width = place.width >= 100 ? 28 : 20;

	draw_heading(top, place, TOP_HOSTS, "findings  role     anomaly");
	canvas_put(canvas, at(place.line, 20 + key_width, place.width), LOOK_PLAIN, "host");
	if (top->nb_hosts == 0)
		canvas_put(canvas, at(place.line + 1, 2, place.width), LOOK_PLAIN, "none");
	for (unsigned i = 0; i + 1 < height && first + i < top->nb_hosts; i++) {
		const struct jbr_shm_host *host = &top->hosts[first + i];
		const char *name = host_name(host, top->aliases);
		unsigned line = place.line + 1 + i;
		struct jbr_buffer text = {0};
		bool is_chosen = top->panel == TOP_HOSTS && first + i == top->chosen[TOP_HOSTS];

		host_put(host, &text);
		canvas_put_right(canvas, at(line, 2, 8), LOOK_PLAIN, "%s",
			text_short((double)host->count).at);
		canvas_put(canvas, at(line, 12, 8), LOOK_PLAIN, "%s", role_word(host->role));
		canvas_put(canvas, at(line, 21, key_width - 2), LOOK_PLAIN, "%s", host->key);
		canvas_put(canvas, at(line, 20 + key_width, place.width - 20 - key_width),
			LOOK_PLAIN, "%.*s%s%s", (int)text.length,
			text.data == NULL ? "" : text.data, name[0] != '\0' ? "  " : "", name);
		if (is_chosen) {
			canvas_look(canvas, at(line, 0, place.width), LOOK_CHOSEN);
			canvas_put(canvas, at(line, 0, 1), LOOK_CHOSEN, ">");
		}
		jbr_buffer_fini(&text);
	}
}

/* ---- ports and workers ---- */

static void
draw_port(struct top *top, const struct jbr_shm_series *series, struct place place)
{
	const struct view *view = &top->view;
	const char *port = series->labels[0].value;
	bool is_up = view_value(view, series) != 0;

	canvas_put(&top->canvas, place, LOOK_PLAIN, "  port %s %.40s: %s, %s, missed %s", port,
		series->nb_labels > 1 ? series->labels[1].value : "", is_up ? "link" : "NO LINK",
		text_rate(view_sum_rate(view, "jabiru_port_received_packets_total", port)).at,
		text_short((double)view_sum(view, "jabiru_port_missed_packets_total", port)).at);
}

static void
draw_worker(struct top *top, const struct jbr_shm_series *series, struct place place)
{
	const struct view *view = &top->view;
	const char *worker = series->labels[0].value;
	double busy = view_sum_rate(view, "jabiru_worker_busy_cycles_total", worker);
	double cycles = view_sum_rate(view, "jabiru_worker_cycles_total", worker);

	canvas_put(&top->canvas, place, LOOK_PLAIN, "  worker %s: %s, busy %s", worker,
		text_rate(view_rate(view, series)).at, text_percent(busy, cycles).at);
}

/* In as many columns as there is room for. @return lines that were taken */
static unsigned
draw_parts(struct top *top, struct place place, unsigned height)
{
	static const char *const families[] = {"jabiru_port_up",
		"jabiru_worker_polled_packets_total"};
	unsigned columns = place.width >= COLUMNS_WIDE ? 3 : 1;
	unsigned width = place.width / columns;
	unsigned count = 0;

	for (unsigned f = 0; f < JBR_COUNT_OF(families); f++) {
		for (uint32_t i = 0; i < top->view.info->nb_series; i++) {
			const struct jbr_shm_series *series = jbr_shm_series(top->view.shm, i);
			struct place cell = at(place.line + count / columns,
				place.column + count % columns * width, width - 1);

			if (series->nb_labels == 0 || count >= height * columns ||
				strcmp(jbr_shm_family(top->view.shm, series->family)->name,
					families[f]) != 0)
				continue;
			if (f == 0)
				draw_port(top, series, cell);
			else
				draw_worker(top, series, cell);
			count++;
		}
	}
	return (count + columns - 1) / columns;
}

static unsigned
parts_height(const struct top *top, unsigned columns, unsigned most)
{
	uint32_t ports = 0;
	unsigned each = columns >= COLUMNS_WIDE ? 3 : 1;

	for (uint32_t i = 0; i < top->view.info->nb_series; i++) {
		const struct jbr_shm_series *series = jbr_shm_series(top->view.shm, i);

		ports += strcmp(jbr_shm_family(top->view.shm, series->family)->name,
				 "jabiru_port_up") == 0;
	}
	return jbr_min_u32((ports + top->view.info->nb_workers + each - 1) / each, most);
}

/* ---- events ---- */

static void
draw_event(struct top *top, const struct jbr_shm_event *event, struct place place)
{
	struct jbr_buffer text = {0};
	const char *severity = severity_word(event->severity);

	event_put(event, top->aliases, &text);
	jbr_buffer_append(&text, "", 1);
	if (!text.failed)
		canvas_put(&top->canvas, place, LOOK_PLAIN, "%s", text.data);
	/* its severity stands behind the time */
	canvas_look(&top->canvas, at(place.line, place.column + 13, 5), look_of(severity));
	jbr_buffer_fini(&text);
}

/* The newest at the bottom. */
static void
draw_events(struct top *top, struct place place, unsigned height, uint64_t back)
{
	for (unsigned i = 0; i < height; i++) {
		const struct jbr_shm_event *event = top_events_at(top, back + i);

		if (event == NULL) {
			if (i == 0)
				canvas_put(&top->canvas, place, LOOK_PLAIN, "none");
			break;
		}
		draw_event(top, event, at(place.line + height - 1 - i, place.column, place.width));
	}
}

static void
draw_events_screen(struct top *top)
{
	struct canvas *canvas = &top->canvas;
	struct top_events *events = &top->events;
	uint64_t lost = events->lost_before + events->cursor.lost;

	canvas_put(canvas, at(2, 1, canvas->columns), LOOK_STRONG, "events");
	if (lost > 0)
		canvas_put(canvas, at(2, 9, canvas->columns), LOOK_PLAIN,
			"(%s were overwritten before they were read)", text_count(lost).at);
	if (events->back > 0)
		canvas_put_right(canvas, at(2, 0, canvas->columns - 1), LOOK_STRONG,
			"stopped, %s new below: End goes on", text_count(events->unseen).at);
	else
		canvas_put_right(canvas, at(2, 0, canvas->columns - 1), LOOK_PLAIN, "following");
	draw_events(top, at(3, 1, canvas->columns - 1), canvas->lines - 4, events->back);
}

/* ---- pages that cover the screen ---- */

static void
draw_help(struct top *top)
{
	static const char *const lines[] = {
		"Tab            the next table: anomalies, resets, hosts",
		"arrows, PgUp   choose a row",
		"s              sort by the last minute, by the total, by name",
		"f              show only what holds a text; empty: everything",
		"d, Return      definition of the chosen anomaly or reset cause",
		"a              give the chosen host a name",
		"e              events; there: arrows and PgUp stop it, End goes on",
		"p              pause: the figures stand still",
		"h, ?           this page",
		"q              back, quit",
		"",
		"Columns: a second (last two snapshots), last minute, since the start.",
		"Severities: note, warn, alert (n, w, a where it is narrow).",
	};

	canvas_put(&top->canvas, at(2, 1, top->canvas.columns), LOOK_STRONG, "keys");
	for (unsigned i = 0; i < JBR_COUNT_OF(lines) && i + 4 < top->canvas.lines - 1; i++)
		canvas_put(&top->canvas, at(4 + i, 2, top->canvas.columns - 2), LOOK_PLAIN, "%s",
			lines[i]);
}

static void
draw_page(struct top *top)
{
	const char *text = top->page;
	unsigned line = 2;

	for (unsigned skip = top->page_line; skip > 0 && strchr(text, '\n') != NULL; skip--)
		text = strchr(text, '\n') + 1;
	for (; *text != '\0' && line < top->canvas.lines - 1; line++) {
		size_t length = strcspn(text, "\n");

		canvas_put(&top->canvas, at(line, 1, top->canvas.columns - 2), LOOK_PLAIN, "%.*s",
			(int)length, text);
		text += length + (text[length] == '\n');
	}
}

/* ---- all ---- */

static void
draw_main(struct top *top)
{
	struct canvas *canvas = &top->canvas;
	bool is_wide = canvas->columns >= COLUMNS_WIDE;
	unsigned room = canvas->lines - HEAD_LINES - 1;
	unsigned parts = parts_height(top, canvas->columns, room / 4);
	unsigned hosts = (room - parts) * 2 / 5;
	unsigned upper = room - parts - hosts;
	unsigned half = is_wide ? 56 : canvas->columns / 2;

	draw_rates(top);
	canvas_put_right(canvas, at(HEAD_LINES - 1, 1, canvas->columns - 2), LOOK_FAINT,
		"sorted by %s%s", view_order_names[top->order],
		top->order == VIEW_BY_RISE ? ", hosts by the latest" : "");
	draw_family(top, at(HEAD_LINES, 0, half - 1), upper - 1, TOP_ANOMALIES);
	draw_family(top, at(HEAD_LINES, half, (is_wide ? 48 : canvas->columns - half)), upper - 1,
		TOP_RESETS);
	if (is_wide) {
		canvas_put(canvas, at(HEAD_LINES, 106, 40), LOOK_PLAIN, "events");
		draw_events(top, at(HEAD_LINES + 1, 106, canvas->columns - 106), upper - 2, 0);
	}
	draw_hosts(top, at(HEAD_LINES + upper, 0, canvas->columns), hosts);
	(void)draw_parts(top, at(HEAD_LINES + upper + hosts, 0, canvas->columns), parts);
}

void
top_draw(struct top *top)
{
	struct canvas *canvas = &top->canvas;

	if (canvas->columns < COLUMNS_LEAST || canvas->lines < LINES_LEAST) {
		canvas_put(canvas, at(0, 0, canvas->columns), LOOK_PLAIN, "too small: %dx%d",
			COLUMNS_LEAST, LINES_LEAST);
		return;
	}
	draw_title(top);
	draw_health(top);
	draw_foot(top);
	if (top->shows_help)
		draw_help(top);
	else if (top->page != NULL)
		draw_page(top);
	else if (top->screen == TOP_EVENTS)
		draw_events_screen(top);
	else if (top->view.shm != NULL)
		draw_main(top);
}
