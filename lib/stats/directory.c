/* SPDX-License-Identifier: BSD-3-Clause */
/* From the rows of metrics.def to families, series and the slots of their values. */
#include "publisher_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum source { WORKER_SUM, WORKER_LIST, EACH_WORKER, EACH_PORT, EACH_OUTPUT, SENSOR, LABELLED };

enum list {
	LIST_NOT_ANALYSED,
	LIST_SEGMENT,
	LIST_RESET,
	LIST_ANOMALY,
	LIST_OUTCOME,
	LIST_CONN_STATE,
	LIST_FLOW_CLASS,
};

/* A row that makes series. */
struct row {
	enum jbr_metric metric;
	enum source source;
	uint32_t offset; /* in struct jbr_worker_figures, in values */
	const char *label;
	enum list list;
};

#define AT(member) (offsetof(struct jbr_worker_figures, member) / sizeof(uint64_t))
static const struct row rows[] = {
#define JBR_OF_WORKER(symbol, member) {JBR_METRIC_##symbol, WORKER_SUM, AT(member), NULL, 0},
#define JBR_OF_WORKER_LIST(symbol, member, label, list) \
	{JBR_METRIC_##symbol, WORKER_LIST, AT(member), #label, LIST_##list},
#define JBR_OF_EACH_WORKER(symbol, member) \
	{JBR_METRIC_##symbol, EACH_WORKER, AT(member), "worker", 0},
#define JBR_OF_EACH_PORT(symbol) {JBR_METRIC_##symbol, EACH_PORT, 0, "port", 0},
#define JBR_OF_EACH_OUTPUT(symbol) {JBR_METRIC_##symbol, EACH_OUTPUT, 0, "output", 0},
#define JBR_OF_SENSOR(symbol) {JBR_METRIC_##symbol, SENSOR, 0, NULL, 0},
#define JBR_OF_SENSOR_LABELLED(symbol, label) {JBR_METRIC_##symbol, LABELLED, 0, #label, 0},
#include "metrics.def"
};

static uint32_t
list_length(enum list list)
{
	switch (list) {
	case LIST_NOT_ANALYSED:
		return JBR_NOT_ANALYSED_COUNT;
	case LIST_SEGMENT:
		return JBR_SEGMENT_COUNT;
	case LIST_RESET:
		return JBR_RESET_COUNT;
	case LIST_ANOMALY:
		return JBR_ANOM_COUNT;
	case LIST_OUTCOME:
		return JBR_OUTCOME_COUNT;
	case LIST_CONN_STATE:
		return JBR_OUTCOME_ZEEK_COUNT;
	case LIST_FLOW_CLASS:
		return JBR_FLOW_CLASSES;
	}
	return 0;
}

static const char *
list_key(enum list list, uint32_t index)
{
	switch (list) {
	case LIST_NOT_ANALYSED:
		return jbr_not_analysed[index].key;
	case LIST_SEGMENT:
		return jbr_segments[index].key;
	case LIST_RESET:
		return jbr_resets[index].key;
	case LIST_ANOMALY:
		return jbr_anomalies[index].key;
	case LIST_OUTCOME:
	case LIST_CONN_STATE:
		return jbr_outcomes[index].key;
	case LIST_FLOW_CLASS:
		return jbr_evictions[index].key;
	}
	return "";
}

/* ---- parts of the directory ---- */

static uint32_t
add_string(struct directory *directory, const char *text)
{
	uint32_t offset = (uint32_t)directory->strings.length;

	if (text == NULL || text[0] == '\0')
		return 0;
	jbr_buffer_append(&directory->strings, text, strlen(text) + 1);
	return offset;
}

static void
add_family(struct directory *directory, enum jbr_metric metric)
{
	const struct jbr_metric_info *info = &jbr_metrics[metric];
	struct jbr_shm_family_entry *entry = &directory->families[directory->nb_families++];

	*entry = (struct jbr_shm_family_entry){.name = add_string(directory, info->name),
		.help = add_string(directory, info->help),
		.unit = add_string(directory, info->unit),
		.type = info->type,
		.digits = info->digits};
	if (info->type == JBR_METRIC_TYPE_HISTOGRAM)
		entry->nb_bounds = JBR_HISTOGRAM_BOUNDS;
}

/* @return the new series, which belongs to the family added last; NULL when memory is out */
static struct jbr_shm_series_entry *
add_series(struct directory *directory, uint32_t slot, const char *label, const char *value)
{
	struct jbr_shm_series_entry *entry;

	if (directory->nb_series == directory->max_series) {
		uint32_t max = directory->max_series * 2 + 256;
		void *more = realloc(directory->series, max * sizeof(*directory->series));

		directory->failed |= more == NULL;
		if (more == NULL)
			return NULL;
		directory->series = more;
		directory->max_series = max;
	}
	entry = &directory->series[directory->nb_series++];
	*entry = (struct jbr_shm_series_entry){.family = directory->nb_families - 1,
		.slot = slot,
		.nb_slots = 1};
	if (directory->families[entry->family].type == JBR_SHM_HISTOGRAM)
		entry->nb_slots = JBR_HISTOGRAM_BOUNDS + 2;
	if (label != NULL) {
		entry->labels[0][0] = add_string(directory, label);
		entry->labels[0][1] = add_string(directory, value);
	}
	return entry;
}

static void
add_label(struct directory *directory, struct jbr_shm_series_entry *entry, const char *label,
	const char *value)
{
	if (entry == NULL)
		return;
	entry->labels[1][0] = add_string(directory, label);
	entry->labels[1][1] = add_string(directory, value);
}

static const char *
number_text(uint32_t number, char text[16])
{
	snprintf(text, 16, "%u", number);
	return text;
}

/* ---- rows ---- */

static void
add_list(struct directory *directory, const struct row *row)
{
	for (uint32_t i = 0; i < list_length(row->list); i++) {
		struct jbr_shm_series_entry *entry = add_series(directory, row->offset + i,
			row->label, list_key(row->list, i));

		if (row->list == LIST_ANOMALY)
			add_label(directory, entry, "severity",
				jbr_severities[jbr_anomalies[i].severity]);
	}
}

/* New slots at the end, which the control thread fills. */
static uint32_t
take_slot(struct directory *directory, enum jbr_metric metric)
{
	if (directory->nb_slots[metric]++ == 0)
		directory->first_slot[metric] = directory->nb_values;
	return directory->nb_values++;
}

static void
add_ports(struct directory *directory, const struct row *row,
	const struct jbr_publisher_params *params)
{
	char text[16];

	for (uint32_t i = 0; i < params->nb_ports; i++)
		add_label(directory,
			add_series(directory, take_slot(directory, row->metric), "port",
				number_text(i, text)),
			"device", params->ports[i]);
}

static void
add_workers(struct directory *directory, const struct row *row, uint32_t nb_workers,
	struct jbr_publisher *publisher)
{
	char text[16];

	publisher->of_worker[publisher->nb_of_worker++] = (struct of_worker){row->offset,
		directory->nb_values};
	for (uint32_t i = 0; i < nb_workers; i++)
		(void)add_series(directory, take_slot(directory, row->metric), row->label,
			number_text(i, text));
}

static void
add_names(struct directory *directory, const struct row *row,
	const struct jbr_publisher_params *params)
{
	char text[16];

	for (uint32_t i = 0; i < params->nb_names; i++) {
		const struct jbr_series_name *name = &params->names[i];
		struct jbr_shm_series_entry *entry;

		if (name->metric != row->metric)
			continue;
		entry = add_series(directory, take_slot(directory, row->metric), row->label,
			name->value);
		if (name->port != UINT32_MAX)
			add_label(directory, entry, "port", number_text(name->port, text));
	}
}

static void
add_row(struct directory *directory, const struct row *row,
	const struct jbr_publisher_params *params, struct jbr_publisher *publisher)
{
	add_family(directory, row->metric);
	switch (row->source) {
	case WORKER_SUM:
		(void)add_series(directory, row->offset, NULL, NULL);
		break;
	case WORKER_LIST:
		add_list(directory, row);
		break;
	case EACH_WORKER:
		add_workers(directory, row, params->nb_workers, publisher);
		break;
	case EACH_PORT:
		add_ports(directory, row, params);
		break;
	case EACH_OUTPUT:
		for (unsigned i = 0; i < JBR_OUTPUT_COUNT; i++)
			(void)add_series(directory, take_slot(directory, row->metric), row->label,
				jbr_outputs[i]);
		break;
	case SENSOR:
		(void)add_series(directory, take_slot(directory, row->metric), NULL, NULL);
		break;
	case LABELLED:
		add_names(directory, row, params);
		break;
	}
}

int
directory_build(struct directory *directory, const struct jbr_publisher_params *params,
	struct jbr_publisher *publisher)
{
	/* a family without a row would have no series, one with two would stand there twice */
	_Static_assert(JBR_COUNT_OF(rows) == JBR_METRIC_COUNT, "one row for each family");

	*directory = (struct directory){.nb_values = JBR_WORKER_VALUES};
	jbr_buffer_append(&directory->strings, "", 1);
	for (unsigned i = 0; i < JBR_HISTOGRAM_BOUNDS; i++)
		directory->bounds[i] = jbr_histogram_bound(i);
	for (size_t i = 0; i < JBR_COUNT_OF(rows); i++)
		add_row(directory, &rows[i], params, publisher);
	memcpy(publisher->first_slot, directory->first_slot, sizeof(publisher->first_slot));
	memcpy(publisher->nb_slots, directory->nb_slots, sizeof(publisher->nb_slots));
	return directory->failed || directory->strings.failed ? -ENOMEM : 0;
}

void
directory_fini(struct directory *directory)
{
	free(directory->series);
	jbr_buffer_fini(&directory->strings);
}
