/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "occurrence.h"
#include "top.h"
#include "verbs.h"
#include "view.h"

enum { COUNT_DEFAULT = 20, PAUSE_MS = 200, KEPT_MAX = 1000000 };

struct listener {
	const struct options *options;
	struct jbr_shm *shm;
	struct jbr_shm_cursor cursor;
	struct jbr_aliases *aliases;
	struct filter filter;
	uint64_t told_lost; /* of cursor.lost */
	char boot_id[33];
};

static void
put_event(const struct listener *listener, const struct jbr_shm_event *event,
	struct jbr_buffer *out)
{
	struct jbr_json json;

	if (listener->options->json) {
		jbr_json_init(&json, out);
		event_write(event, listener->aliases, &json);
	} else {
		event_put(event, listener->aliases, out);
	}
	jbr_buffer_append(out, "\n", 1);
}

/* What was overwritten before it could be read. */
static void
put_lost(struct listener *listener, struct jbr_buffer *out)
{
	uint64_t lost = listener->cursor.lost - listener->told_lost;

	listener->told_lost = listener->cursor.lost;
	if (lost == 0)
		return;
	if (listener->options->json)
		jbr_buffer_format(out, "{\"lost\":%llu}\n", (unsigned long long)lost);
	else
		jbr_buffer_format(out, "-- %llu events were overwritten before they were read --\n",
			(unsigned long long)lost);
}

/* ---- once ---- */

/* The newest of those that are asked for: the ring is read from its oldest on, and as many of the last
 * ones as are wanted are kept. */
static int
list(struct listener *listener, uint32_t wanted, struct jbr_buffer *out)
{
	struct jbr_shm_event *kept;
	struct jbr_shm_event event;
	uint64_t count = 0;
	int rc;

	wanted = jbr_min_u32(wanted, jbr_shm_info(listener->shm)->nb_events);
	kept = calloc(wanted == 0 ? 1 : wanted, sizeof(*kept));
	if (kept == NULL)
		return -ENOMEM;
	jbr_shm_seek(listener->shm, &listener->cursor, UINT64_MAX);
	while ((rc = jbr_shm_next_event(listener->shm, &listener->cursor, &event)) == 1)
		if (wanted > 0 && filter_takes(&listener->filter, &event))
			kept[count++ % wanted] = event;
	for (uint64_t i = count > wanted ? count - wanted : 0; i < count; i++)
		put_event(listener, &kept[i % wanted], out);
	free(kept);
	listener->told_lost = listener->cursor.lost; /* of those that nobody asked for */
	return rc;
}

/* ---- following ---- */

static void
say_state(struct listener *listener, const char *text)
{
	if (!listener->options->json)
		fprintf(stderr, "jabiructl: %s\n", text);
}

/* Another run may have begun: then from its first event on. @return whether a segment is open */
static bool
keep_open(struct listener *listener)
{
	struct jbr_error error;
	enum jbr_shm_life life = JBR_SHM_GONE;

	if (listener->shm != NULL) {
		life = jbr_shm_life(listener->shm, jbr_shm_now_ns(), NULL);
		if (life != JBR_SHM_REPLACED && life != JBR_SHM_GONE)
			return true;
		jbr_shm_close(listener->shm);
		listener->shm = NULL;
		say_state(listener, "the sensor is away; waiting for it");
	}
	if (jbr_shm_open(listener->options->instance, &listener->shm, &error) < 0)
		return false;
	if (strcmp(listener->boot_id, jbr_shm_info(listener->shm)->boot_id) != 0) {
		memcpy(listener->boot_id, jbr_shm_info(listener->shm)->boot_id,
			sizeof(listener->boot_id));
		listener->cursor = (struct jbr_shm_cursor){.next = 1};
		listener->told_lost = 0;
		say_state(listener, "a new run of the sensor");
	}
	return true;
}

static int
follow(struct listener *listener)
{
	struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000L};
	int code = EXIT_FINE;

	while (code == EXIT_FINE) {
		struct jbr_buffer out = {0};
		struct jbr_shm_event event;

		while (keep_open(listener) &&
			jbr_shm_next_event(listener->shm, &listener->cursor, &event) == 1) {
			put_lost(listener, &out);
			if (filter_takes(&listener->filter, &event))
				put_event(listener, &event, &out);
			if (out.length >= 1 << 16)
				break;
		}
		if (out.length == 0)
			(void)nanosleep(&pause, NULL);
		code = print_text(&out);
	}
	return code;
}

int
verb_events(const struct options *options)
{
	struct listener listener = {.options = options};
	uint32_t wanted = options->count == 0 ? COUNT_DEFAULT : options->count;
	struct jbr_buffer out = {0};
	struct jbr_error error;
	int code = EXIT_FINE;
	int rc;

	if (options->follow && !options->json && isatty(STDOUT_FILENO) == 1)
		return top_run(options, TOP_EVENTS);
	rc = jbr_shm_open(options->instance, &listener.shm, &error);
	if (rc < 0 && !(options->follow && (rc == -ENOENT || rc == -EAGAIN)))
		return print_error(&error);
	listener.aliases = client_aliases(options);
	filter_make(options, listener.aliases, &listener.filter);
	if (listener.shm != NULL) {
		memcpy(listener.boot_id, jbr_shm_info(listener.shm)->boot_id,
			sizeof(listener.boot_id));
		rc = list(&listener, wanted, &out);
		code = print_text(&out);
		if (rc < 0 && rc != -ESTALE) {
			jbr_error_set(&error, rc, "%s", strerror(-rc));
			code = print_error(&error);
		}
	} else {
		say_state(&listener, error.text);
	}
	if (code == EXIT_FINE && options->follow)
		code = follow(&listener);
	jbr_shm_close(listener.shm);
	jbr_aliases_free(listener.aliases);
	return code;
}
