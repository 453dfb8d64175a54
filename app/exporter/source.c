/* SPDX-License-Identifier: BSD-3-Clause */
#include "source.h"

#include <errno.h>
#include <stdlib.h>

#define RETRY_NS (200 * JBR_NS_PER_MS)

void
source_init(struct source *source, const char *path)
{
	*source = (struct source){.path = path, .life = SOURCE_NONE};
}

/* What is left of a segment that is closed: the error. */
static void
drop(struct source *source)
{
	jbr_shm_close(source->shm);
	source->shm = NULL;
	free(source->newest.values);
	free(source->before.values);
	free(source->old.values);
	source->newest = source->before = source->old = (struct jbr_shm_snapshot){0};
	source->has_newest = source->has_before = false;
	source->age_ns = 0;
}

void
source_fini(struct source *source)
{
	drop(source);
}

const char *
source_life_word(enum source_life life)
{
	static const char *const words[] = {[SOURCE_ALIVE] = "alive",
		[SOURCE_STALE] = "stale",
		[SOURCE_OVER] = "over",
		[SOURCE_NONE] = "none",
		[SOURCE_UNREADABLE] = "unreadable"};

	return words[life];
}

static int
take_memory(struct source *source)
{
	size_t count = jbr_shm_info(source->shm)->nb_values;

	source->newest.values = calloc(count, sizeof(uint64_t));
	source->before.values = calloc(count, sizeof(uint64_t));
	source->old.values = calloc(count, sizeof(uint64_t));
	if (source->newest.values == NULL || source->before.values == NULL ||
		source->old.values == NULL)
		return jbr_error_set(&source->error, -ENOMEM, "cannot read '%s': %s", source->path,
			strerror(ENOMEM));
	return 0;
}

static void
try_open(struct source *source)
{
	int rc;

	if (source->now_ns < source->next_try_ns)
		return;
	source->next_try_ns = source->now_ns + RETRY_NS;
	rc = jbr_shm_open(source->path, &source->shm, &source->error);
	if (rc == 0) {
		rc = take_memory(source);
		if (rc < 0)
			drop(source);
	}
	source->life = rc == -ENOENT || rc == -EAGAIN ? SOURCE_NONE : SOURCE_UNREADABLE;
	source->openings += rc == 0;
}

/* @return whether the segment that is open is still the one at its path */
static bool
look(struct source *source)
{
	switch (jbr_shm_life(source->shm, source->now_ns, &source->age_ns)) {
	case JBR_SHM_ALIVE:
		source->life = SOURCE_ALIVE;
		return true;
	case JBR_SHM_STALE:
		source->life = SOURCE_STALE;
		return true;
	case JBR_SHM_OVER:
		source->life = SOURCE_OVER;
		return true;
	case JBR_SHM_REPLACED:
	case JBR_SHM_GONE:
		break;
	}
	return false;
}

/* One that is being overwritten at each try is not taken: what was read last stands. */
static void
take_snapshots(struct source *source)
{
	struct jbr_shm_snapshot last;
	uint64_t oldest, newest;

	jbr_shm_range(source->shm, &oldest, &newest);
	if (newest == 0 || (source->has_newest && source->newest.number == newest))
		return;
	if (jbr_shm_read(source->shm, 0, &source->old) < 0) {
		source->old.number = 0; /* a part of it may have been copied */
		return;
	}
	last = source->newest;
	source->newest = source->old;
	source->old = last;
	source->has_newest = true;
	source->has_before = source->newest.number > 1 &&
		jbr_shm_read(source->shm, source->newest.number - 1, &source->before) == 0;
}

void
source_refresh(struct source *source)
{
	source->now_ns = jbr_shm_now_ns();
	if (source->shm != NULL && !look(source)) {
		drop(source);
		source->next_try_ns = 0;
	}
	if (source->shm == NULL) {
		try_open(source);
		if (source->shm != NULL && !look(source)) {
			drop(source);
			source->life = SOURCE_NONE;
		}
	}
	if (source->shm != NULL)
		take_snapshots(source);
}

/* ---- what has changed ---- */

const struct jbr_shm_snapshot *
source_look_back(struct source *source, unsigned seconds)
{
	uint64_t interval_ms, back, oldest, newest, number;

	if (source->shm == NULL || !source->has_newest)
		return NULL;
	interval_ms = jbr_max_u64(jbr_shm_info(source->shm)->interval_ms, 1);
	back = (seconds * UINT64_C(1000) + interval_ms - 1) / interval_ms;
	jbr_shm_range(source->shm, &oldest, &newest);
	/* the oldest may be overwritten while it is read */
	oldest += newest - oldest > 1;
	number = source->newest.number > back ? source->newest.number - back : 1;
	number = jbr_max_u64(number, oldest);
	if (number >= source->newest.number)
		return NULL;
	if (source->old.number != number && jbr_shm_read(source->shm, number, &source->old) < 0) {
		source->old.number = 0;
		return NULL;
	}
	return &source->old;
}

uint64_t
source_growth(const struct source *source, const char *name, const char *label,
	const struct jbr_shm_snapshot *from, const struct jbr_shm_snapshot *to)
{
	const struct jbr_shm_series *first = jbr_shm_find(source->shm, name, label);
	const struct jbr_shm_series *series = first;
	const struct jbr_shm_series *end;
	uint64_t growth = 0;

	if (first == NULL)
		return 0;
	end = jbr_shm_series(source->shm, 0) + jbr_shm_info(source->shm)->nb_series;
	for (; series < end && series->family == first->family; series++)
		if ((label == NULL ||
			    (series->nb_labels > 0 &&
				    strcmp(series->labels[0].value, label) == 0)) &&
			to->values[series->slot] > from->values[series->slot])
			growth += to->values[series->slot] - from->values[series->slot];
	return growth;
}
