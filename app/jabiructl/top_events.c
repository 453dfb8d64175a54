/* SPDX-License-Identifier: BSD-3-Clause */
#include "top.h"

bool
top_events_takes(const struct top *top, const struct jbr_shm_event *event)
{
	const struct options *options = top->options;
	struct jbr_buffer text = {0};
	struct filter filter;
	bool takes;

	if (options->key != NULL || options->host != NULL) {
		filter_make(options, top->aliases, &filter);
		if (!filter_takes(&filter, event))
			return false;
	}
	if (top->filter[0] == '\0')
		return true;
	event_put(event, top->aliases, &text);
	jbr_buffer_append(&text, "", 1);
	takes = text.failed || strstr(text.data, top->filter) != NULL;
	jbr_buffer_fini(&text);
	return takes;
}

void
top_events_read(struct top *top)
{
	struct top_events *events = &top->events;
	struct jbr_shm_event event;

	/* no more than are kept at a time, so that the keys are heard in a flood */
	for (unsigned i = 0; i < TOP_EVENTS_KEPT; i++) {
		if (jbr_shm_next_event(top->view.shm, &events->cursor, &event) != 1)
			return;
		events->ring[events->count++ % TOP_EVENTS_KEPT] = event;
		if (events->back > 0 && top_events_takes(top, &event)) {
			events->back++;
			events->unseen++;
		}
	}
}

const struct jbr_shm_event *
top_events_at(const struct top *top, uint64_t back)
{
	const struct top_events *events = &top->events;
	uint64_t kept = jbr_min_u64(events->count, TOP_EVENTS_KEPT);

	for (uint64_t i = 0; i < kept; i++) {
		const struct jbr_shm_event *event =
			&events->ring[(events->count - 1 - i) % TOP_EVENTS_KEPT];

		if (top_events_takes(top, event) && back-- == 0)
			return event;
	}
	return NULL;
}
