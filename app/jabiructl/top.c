/* SPDX-License-Identifier: BSD-3-Clause */
#include "top.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

#include "alias.h"
#include "client.h"
#include "explain.h"
#include "terminal.h"
#include "verbs.h"

enum { WAIT_MS = 200, ALIASES_S = 10, COLUMNS = 80, LINES = 24, FIRST_EVENTS = 1000 };

/* ---- what is shown ---- */

static int
by_count(const void *a, const void *b)
{
	const struct jbr_shm_host *x = a;
	const struct jbr_shm_host *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return x->role != y->role ? (int)x->role - (int)y->role : strcmp(x->key, y->key);
}

static int
by_last(const void *a, const void *b)
{
	const struct jbr_shm_host *x = a;
	const struct jbr_shm_host *y = b;

	return x->last_ns != y->last_ns ? (x->last_ns < y->last_ns ? 1 : -1) : by_count(a, b);
}

static int
by_key(const void *a, const void *b)
{
	const struct jbr_shm_host *x = a;
	const struct jbr_shm_host *y = b;
	int order = strcmp(x->key, y->key);

	return order != 0 ? order : by_count(a, b);
}

static bool
takes_host(const struct top *top, const struct jbr_shm_host *host)
{
	struct jbr_buffer text = {0};
	bool takes;

	if (top->filter[0] == '\0')
		return true;
	host_put(host, &text);
	jbr_buffer_format(&text, " %s %s %s", host->key, role_word(host->role),
		host_name(host, top->aliases));
	jbr_buffer_append(&text, "", 1);
	takes = text.failed || strstr(text.data, top->filter) != NULL;
	jbr_buffer_fini(&text);
	return takes;
}

static void
read_hosts(struct top *top)
{
	/* the latest first stands for the last minute: a host has no rate */
	static int (*const orders[VIEW_ORDERS])(const void *, const void *) = {by_last, by_count,
		by_key};
	int count = jbr_shm_read_hosts(top->view.shm, top->hosts, TOP_HOSTS_MAX);

	if (count < 0)
		return;
	top->nb_hosts = 0;
	for (int i = 0; i < count; i++)
		if (takes_host(top, &top->hosts[i]))
			top->hosts[top->nb_hosts++] = top->hosts[i];
	qsort(top->hosts, top->nb_hosts, sizeof(top->hosts[0]), orders[top->order]);
}

/* Tables from the snapshot that is there. */
static void
fill_tables(struct top *top)
{
	static const char *const families[] = {"jabiru_anomalies_total", "jabiru_resets_total"};
	const char *filter = top->filter[0] == '\0' ? NULL : top->filter;

	if (top->view.shm == NULL)
		return;
	for (unsigned i = 0; i < JBR_COUNT_OF(families); i++) {
		const struct view_query query = {families[i], filter, top->order};

		top->nb_rows[i] = view_rows(&top->view, &query, top->rows[i], TOP_ROWS_MAX);
	}
	read_hosts(top);
}

/* Another run begins with its first event. */
static void
greet_run(struct top *top)
{
	struct top_events *events = &top->events;
	bool is_first = top->boot_id[0] == '\0';

	if (strcmp(top->boot_id, top->view.info->boot_id) == 0)
		return;
	memcpy(top->boot_id, top->view.info->boot_id, sizeof(top->boot_id));
	events->lost_before += events->cursor.lost;
	events->cursor = (struct jbr_shm_cursor){.next = 1};
	if (is_first)
		jbr_shm_seek(top->view.shm, &events->cursor, FIRST_EVENTS);
}

static void
refresh_view(struct top *top)
{
	uint64_t now_ns = jbr_shm_now_ns();

	if (top->is_paused)
		return;
	/* rows point into the directory of the segment that is about to be closed */
	if (!view_follow(&top->view, top->options->instance, &top->error)) {
		top->nb_rows[0] = top->nb_rows[1] = top->nb_hosts = 0;
		return;
	}
	if (view_refresh(&top->view, VIEW_WINDOW_S, &top->error) < 0) {
		view_close(&top->view);
		top->nb_rows[0] = top->nb_rows[1] = top->nb_hosts = 0;
		return;
	}
	greet_run(top);
	if (top->aliases == NULL ||
		(top->view.life == JBR_SHM_ALIVE &&
			now_ns - top->aliases_ns > ALIASES_S * JBR_NS_PER_S)) {
		jbr_aliases_free(top->aliases);
		top->aliases = client_aliases(top->options);
		top->aliases_ns = now_ns;
	}
	health_check(&top->view, &top->health);
	fill_tables(top);
	top_events_read(top);
}

/* ---- keys ---- */

static const char *
chosen_key(const struct top *top)
{
	unsigned row = top->chosen[top->panel];

	if (top->panel == TOP_HOSTS)
		return row < top->nb_hosts ? top->hosts[row].key : NULL;
	return row < top->nb_rows[top->panel] ? top->rows[top->panel][row].series->labels[0].value
					      : NULL;
}

static void
open_definition(struct top *top)
{
	const char *key = chosen_key(top);
	struct jbr_buffer text = {0};
	struct jbr_error error;
	struct jbr_error note;
	json_t *result = NULL;

	if (key == NULL)
		return;
	if (explain_find(top->options, key, &result, &note, &error) < 0) {
		snprintf(top->message, sizeof(top->message), "%.190s", error.text);
		return;
	}
	explain_put(result, note.text, top->canvas.columns - 2, &text);
	json_decref(result);
	jbr_buffer_append(&text, "", 1);
	if (text.failed)
		jbr_buffer_fini(&text);
	top->page = text.data;
	top->page_line = 0;
}

static void
ask_alias(struct top *top)
{
	unsigned row = top->chosen[TOP_HOSTS];

	if (top->panel != TOP_HOSTS || row >= top->nb_hosts) {
		snprintf(top->message, sizeof(top->message),
			"choose a host first: Tab goes to the hosts");
		return;
	}
	address_text(top->hosts[row].address, top->hosts[row].ip_version, top->target);
	top->prompt = TOP_ASK_ALIAS;
	top->input[0] = '\0';
}

static void
take_input(struct top *top)
{
	struct jbr_error error;

	if (top->prompt == TOP_ASK_FILTER) {
		memcpy(top->filter, top->input, sizeof(top->filter));
		top->events.back = top->events.unseen = 0;
		fill_tables(top);
	} else if (alias_add(top->options, top->target, top->input, &error) < 0) {
		snprintf(top->message, sizeof(top->message), "%.190s", error.text);
	} else {
		snprintf(top->message, sizeof(top->message), "%s is called %s", top->target,
			top->input);
		top->aliases_ns = 0;
		jbr_aliases_free(top->aliases);
		top->aliases = NULL;
	}
	top->prompt = TOP_NO_PROMPT;
}

static void
type(struct top *top, int key)
{
	size_t length = strlen(top->input);

	if (key == KEY_RETURN) {
		take_input(top);
	} else if (key == KEY_ESCAPE) {
		top->prompt = TOP_NO_PROMPT;
	} else if (key == KEY_ERASE && length > 0) {
		/* a character may have several bytes */
		while (length > 0 && (top->input[--length] & 0xc0) == 0x80)
			;
		top->input[length] = '\0';
	} else if (key >= ' ' && key < 256 && key != 127 && length + 1 < sizeof(top->input)) {
		top->input[length] = (char)key;
		top->input[length + 1] = '\0';
	}
}

static void
move(unsigned *position, int key, unsigned page)
{
	switch (key) {
	case KEY_ARROW_UP:
		*position -= *position > 0;
		break;
	case KEY_ARROW_DOWN:
		*position += 1; /* too far is mended when it is drawn */
		break;
	case KEY_PAGE_UP:
		*position -= *position > page ? page : *position;
		break;
	case KEY_PAGE_DOWN:
		*position += page;
		break;
	case KEY_TO_START:
		*position = 0;
		break;
	default:
		break;
	}
}

static void
scroll_events(struct top *top, int key)
{
	struct top_events *events = &top->events;
	uint64_t page = top->canvas.lines > 6 ? top->canvas.lines - 5 : 1;
	uint64_t step = key == KEY_PAGE_UP || key == KEY_PAGE_DOWN ? page : 1;

	if (key == KEY_TO_END)
		events->back = 0;
	else if (key == KEY_TO_START)
		events->back = TOP_EVENTS_KEPT;
	else if (key == KEY_ARROW_UP || key == KEY_PAGE_UP)
		events->back += step;
	else if (key == KEY_ARROW_DOWN || key == KEY_PAGE_DOWN)
		events->back -= jbr_min_u64(events->back, step);
	while (events->back > 0 && top_events_at(top, events->back) == NULL)
		events->back /= 2;
	events->unseen = jbr_min_u64(events->unseen, events->back);
}

/* @return false: leave */
static bool
press(struct top *top, int key)
{
	top->message[0] = '\0';
	switch (key) {
	case 'q':
	case KEY_ESCAPE:
		if (!top->shows_help && top->page == NULL)
			return key != 'q';
		top->shows_help = false;
		free(top->page);
		top->page = NULL;
		break;
	case 'h':
	case '?':
		top->shows_help = !top->shows_help;
		break;
	case 's':
		top->order = (top->order + 1) % VIEW_ORDERS;
		fill_tables(top);
		break;
	case 'f':
	case '/':
		top->prompt = TOP_ASK_FILTER;
		memcpy(top->input, top->filter, sizeof(top->input));
		break;
	case 'p':
	case ' ':
		top->is_paused = !top->is_paused;
		break;
	case 'e':
		top->screen = top->screen == TOP_EVENTS ? TOP_MAIN : TOP_EVENTS;
		break;
	case 'd':
	case KEY_RETURN:
		if (top->screen == TOP_MAIN && top->page == NULL)
			open_definition(top);
		break;
	case 'a':
		if (top->screen == TOP_MAIN)
			ask_alias(top);
		break;
	case KEY_TAB:
		top->panel = (top->panel + 1) % TOP_PANELS;
		break;
	default:
		if (top->page != NULL)
			move(&top->page_line, key, 10);
		else if (top->screen == TOP_EVENTS)
			scroll_events(top, key);
		else
			move(&top->chosen[top->panel], key, 10);
		break;
	}
	return true;
}

/* ---- running ---- */

static struct top *
create(const struct options *options, enum top_screen screen)
{
	struct top *top = calloc(1, sizeof(*top));

	if (top == NULL)
		return NULL;
	top->options = options;
	top->screen = screen;
	top->hosts = calloc(TOP_HOSTS_MAX, sizeof(*top->hosts));
	top->events.ring = calloc(TOP_EVENTS_KEPT, sizeof(*top->events.ring));
	return top;
}

static void
destroy(struct top *top)
{
	view_close(&top->view);
	jbr_aliases_free(top->aliases);
	canvas_fini(&top->canvas);
	free(top->page);
	free(top->hosts);
	free(top->events.ring);
	free(top);
}

static int
show_once(struct top *top)
{
	const struct options *options = top->options;
	struct jbr_buffer text = {0};

	if (view_open(options->instance, &top->view, &top->error) < 0)
		return print_error(&top->error);
	if (canvas_resize(&top->canvas, options->lines == 0 ? LINES : options->lines,
		    options->columns == 0 ? COLUMNS : options->columns) < 0) {
		jbr_error_set(&top->error, 0, "%s", strerror(ENOMEM));
		return print_error(&top->error);
	}
	refresh_view(top);
	top_draw(top);
	canvas_text(&top->canvas, &text);
	return print_text(&text);
}

static int
show(struct top *top)
{
	int key = KEY_NONE;
	int code = terminal_open(&top->error) < 0 ? print_error(&top->error) : EXIT_FINE;

	while (code == EXIT_FINE && key != KEY_QUIT) {
		unsigned lines;
		unsigned columns;

		refresh_view(top);
		terminal_size(&lines, &columns);
		if (canvas_resize(&top->canvas, lines, columns) < 0)
			code = EXIT_FAILED;
		else
			top_draw(top);
		terminal_show(&top->canvas);
		key = terminal_key(WAIT_MS);
		if (key == KEY_NONE || key == KEY_SIZE || key == KEY_QUIT)
			continue;
		if (top->prompt != TOP_NO_PROMPT)
			type(top, key);
		else if (!press(top, key))
			break;
	}
	terminal_close();
	return code;
}

int
top_run(const struct options *options, enum top_screen screen)
{
	struct top *top = create(options, screen);
	struct jbr_error error;
	int code;

	if (top == NULL || top->hosts == NULL || top->events.ring == NULL) {
		jbr_error_set(&error, 0, "%s", strerror(ENOMEM));
		code = print_error(&error);
	} else if (options->once) {
		code = show_once(top);
	} else {
		code = show(top);
	}
	if (top != NULL)
		destroy(top);
	return code;
}

int
verb_top(const struct options *options)
{
	return top_run(options, TOP_MAIN);
}
