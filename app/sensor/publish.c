/* SPDX-License-Identifier: BSD-3-Clause */
#include "publish.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "jbr_host.h"
#include "report_live.h"
#include "report_private.h"

enum { MILLION = 1000000 };

struct publish {
	struct jbr_publisher *publisher;
	struct jbr_worker_figures sum; /* of the last gathering */
	uint64_t interval_ns;
	uint64_t due_ns; /* CLOCK_MONOTONIC */
	uint64_t events;
	uint32_t top_hosts;
	uint32_t hosts_max;
	const struct jbr_aliases *aliases; /* NULL = none */
	struct jbr_shm_host *hosts;        /* working space */
	struct jbr_top *tops[JBR_ANOM_COUNT][JBR_SHM_ROLES];
};

static uint64_t
wall_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * JBR_NS_PER_S + (uint64_t)now.tv_nsec;
}

/* ---- outputs ---- */

/* Which figures of an output are published, each for each output. */
static const struct {
	enum jbr_metric metric;
	size_t offset;
} output_figures[] = {
	{JBR_METRIC_OUTPUT_LINES, offsetof(struct live_output_report, status.emitted)},
	{JBR_METRIC_OUTPUT_WRITTEN, offsetof(struct live_output_report, status.written)},
	{JBR_METRIC_OUTPUT_QUEUED, offsetof(struct live_output_report, status.queued)},
	{JBR_METRIC_OUTPUT_LOST_QUEUE, offsetof(struct live_output_report, status.lost_queue)},
	{JBR_METRIC_OUTPUT_LOST_WRITE, offsetof(struct live_output_report, status.lost_write)},
	{JBR_METRIC_OUTPUT_LOST_LONG, offsetof(struct live_output_report, status.lost_long)},
	{JBR_METRIC_OUTPUT_LEFT_OUT, offsetof(struct live_output_report, left_out)},
	{JBR_METRIC_OUTPUT_AGGREGATED, offsetof(struct live_output_report, aggregated)},
};

static void
publish_output(struct publish *publish, const struct live_output_report *output)
{
	for (unsigned i = 0; i < JBR_COUNT_OF(output_figures); i++) {
		uint64_t value;

		memcpy(&value, (const char *)output + output_figures[i].offset, sizeof(value));
		publish_set(publish, output_figures[i].metric, output->output, (int64_t)value);
	}
	publish_set(publish, JBR_METRIC_OUTPUT_OPEN, output->output, output->status.is_open);
}

/* ---- making ---- */

static void
set_constants(struct publish *publish, const struct publish_params *params, uint64_t start_ns)
{
	publish_set(publish, JBR_METRIC_START_TIME, 0, (int64_t)(start_ns / JBR_NS_PER_MS));
	publish_set(publish, JBR_METRIC_WORKERS, 0, params->nb_workers);
	publish_set(publish, JBR_METRIC_CAPACITY, 0, params->config->flow_capacity);
	publish_set(publish, JBR_METRIC_RELOAD_OK, 0, 1);
	publish_set(publish, JBR_METRIC_RELOAD_TIME, 0, (int64_t)(start_ns / JBR_NS_PER_MS));
}

int
publish_create(const struct publish_params *params, struct publish **ret_publish,
	struct jbr_error *error)
{
	const struct jbr_config *config = params->config;
	struct publish *publish = calloc(1, sizeof(*publish));
	struct jbr_publisher_params segment = {.folder = config->stats_folder,
		.instance = config->stats_instance,
		.version = JABIRU_VERSION,
		.sensor = params->sensor,
		.mode = params->mode,
		.nb_workers = params->nb_workers,
		.nb_ports = params->nb_ports,
		.ports = params->ports,
		.names = params->names,
		.nb_names = params->nb_names,
		.interval_ms = config->publish_interval_ms,
		.nb_snapshots = config->publish_snapshots,
		.nb_events = config->publish_events,
		.nb_hosts = config->publish_top_hosts * JBR_SHM_ROLES * JBR_ANOM_COUNT,
		.start_ns = wall_ns()};
	int rc = 0;

	if (publish == NULL ||
		(publish->hosts = calloc(segment.nb_hosts, sizeof(*publish->hosts))) == NULL)
		rc = jbr_error_set(error, -ENOMEM, "cannot publish: %s", strerror(ENOMEM));
	if (rc == 0)
		rc = jbr_publisher_create(&segment, &publish->publisher, error);
	if (rc < 0) {
		publish_free(publish);
		return rc;
	}
	publish->interval_ns = config->publish_interval_ms * JBR_NS_PER_MS;
	publish->top_hosts = config->publish_top_hosts;
	publish->hosts_max = segment.nb_hosts;
	set_constants(publish, params, segment.start_ns);
	*ret_publish = publish;
	return 0;
}

void
publish_free(struct publish *publish)
{
	if (publish == NULL)
		return;
	if (publish->publisher != NULL)
		jbr_publisher_state(publish->publisher, JBR_SHM_ENDED);
	jbr_publisher_free(publish->publisher);
	for (unsigned i = 0; i < JBR_ANOM_COUNT; i++)
		for (unsigned role = 0; role < JBR_SHM_ROLES; role++)
			free(publish->tops[i][role]);
	free(publish->hosts);
	free(publish);
}

struct jbr_shm_block_head *
publish_block(const struct publish *publish, uint32_t index)
{
	return jbr_publisher_block(publish->publisher, index);
}

/* ---- figures ---- */

void
publish_beat(struct publish *publish)
{
	jbr_publisher_beat(publish->publisher, jbr_shm_now_ns());
}

void
publish_state(struct publish *publish, enum jbr_shm_state state)
{
	jbr_publisher_state(publish->publisher, state);
}

bool
publish_is_due(const struct publish *publish)
{
	return jbr_shm_now_ns() >= publish->due_ns;
}

void
publish_set(struct publish *publish, enum jbr_metric metric, uint32_t index, int64_t value)
{
	jbr_publisher_set(publish->publisher, metric, index, value);
}

static void
set_ratio(struct publish *publish, enum jbr_metric metric, uint64_t part, uint64_t whole)
{
	publish_set(publish, metric, 0, report_scaled(part, whole, MILLION));
}

void
publish_gather(struct publish *publish)
{
	const struct jbr_worker_figures *sum = &publish->sum;
	const struct jbr_counters *counters = &sum->counters;

	jbr_publisher_gather(publish->publisher, &publish->sum);
	set_ratio(publish, JBR_METRIC_LOSS_RATIO, counters->acks_unseen, counters->acks);
	set_ratio(publish, JBR_METRIC_ONE_WAY_RATIO, counters->one_way, counters->connections);
	set_ratio(publish, JBR_METRIC_DUPLICATE_RATIO, counters->duplicate, counters->tcp);
	publish_set(publish, JBR_METRIC_IN_STEERING, 0, (int64_t)(sum->ring_out - sum->ring_in));
	for (unsigned i = 0; i < JBR_CONFIG_MAX_ports; i++)
		publish_set(publish, JBR_METRIC_PORT_POLLED, i, (int64_t)sum->port_polled[i]);
}

void
publish_live(struct publish *publish, const struct live_report *report)
{
	publish_set(publish, JBR_METRIC_MISSED_PACKETS, 0, (int64_t)live_report_missed(report));
	publish_set(publish, JBR_METRIC_CLOCK_OFFSET, 0, report->clock_offset_ns);
	for (uint32_t i = 0; i < report->nb_ports; i++) {
		const struct live_port_report *port = &report->ports[i];

		/* the workers went on since it was read: what they fetched was received */
		uint64_t polled = publish->sum.port_polled[i];
		uint64_t received = jbr_max_u64(port->received, polled);

		publish_set(publish, JBR_METRIC_PORT_UP, i, port->has_link);
		publish_set(publish, JBR_METRIC_PORT_RECEIVED, i, (int64_t)received);
		publish_set(publish, JBR_METRIC_PORT_IN_FLIGHT, i, (int64_t)(received - polled));
		publish_set(publish, JBR_METRIC_PORT_MISSED, i, (int64_t)port->missed);
		publish_set(publish, JBR_METRIC_PORT_NO_BUFFER, i, (int64_t)port->no_buffer);
		publish_set(publish, JBR_METRIC_PORT_ERRORS, i, (int64_t)port->errors);
	}
	for (uint32_t i = 0; i < report->nb_outputs; i++)
		publish_output(publish, &report->outputs[i]);
}

/* ---- hosts ---- */

static void
count_host(struct publish *publish, const struct jbr_finding *finding, enum jbr_shm_role role)
{
	const struct jbr_event_tuple *tuple = &finding->tuple;
	struct jbr_top **top = &publish->tops[finding->anomaly][role];
	struct jbr_top_key key = {.ip_version = tuple->ip_version};
	/* the lower port is the service's; which side opened the connection is not told here */
	bool is_src = role == JBR_SHM_SOURCE ||
		(role == JBR_SHM_SERVICE && tuple->src_port < tuple->dst_port);

	if (*top == NULL)
		*top = calloc(1, sizeof(**top));
	if (*top == NULL)
		return;
	memcpy(key.address, is_src ? tuple->src : tuple->dst, tuple->ip_version == 4 ? 4 : 16);
	if (role == JBR_SHM_SERVICE)
		key.port = is_src ? tuple->src_port : tuple->dst_port;
	jbr_top_add(*top, &key, 1, finding->time_ns);
}

void
publish_finding(struct publish *publish, const struct jbr_finding *finding)
{
	if (finding->anomaly >= JBR_ANOM_COUNT || finding->tuple.ip_version == 0)
		return;
	for (unsigned role = 0; role < JBR_SHM_ROLES; role++)
		count_host(publish, finding, (enum jbr_shm_role)role);
}

static void
copy_key(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from);
}

void
publish_names(struct publish *publish, const struct jbr_aliases *aliases)
{
	publish->aliases = aliases;
}

static void
name_host(const struct publish *publish, struct jbr_shm_host *host)
{
	const char *name = publish->aliases == NULL
		? NULL
		: jbr_aliases_find(publish->aliases, host->address, host->ip_version);

	if (name != NULL)
		copy_key(host->alias, sizeof(host->alias), name);
}

static uint32_t
list_hosts(struct publish *publish, unsigned anomaly, unsigned role, struct jbr_shm_host *hosts)
{
	struct jbr_top_entry entries[JBR_TOP_ENTRIES];
	uint32_t count = jbr_top_list(publish->tops[anomaly][role], entries, publish->top_hosts);

	for (uint32_t i = 0; i < count; i++) {
		hosts[i] = (struct jbr_shm_host){.role = (uint8_t)role,
			.ip_version = entries[i].key.ip_version,
			.port = entries[i].key.port,
			.count = entries[i].count,
			.over = entries[i].over,
			.last_ns = entries[i].last_ns};
		memcpy(hosts[i].address, entries[i].key.address, sizeof(hosts[i].address));
		copy_key(hosts[i].key, sizeof(hosts[i].key), jbr_anomalies[anomaly].key);
		name_host(publish, &hosts[i]);
	}
	return count;
}

static void
write_hosts(struct publish *publish)
{
	uint32_t count = 0;

	for (unsigned i = 0; i < JBR_ANOM_COUNT; i++)
		for (unsigned role = 0; role < JBR_SHM_ROLES; role++)
			if (publish->tops[i][role] != NULL)
				count += list_hosts(publish, i, role, publish->hosts + count);
	jbr_publisher_hosts(publish->publisher, publish->hosts, count);
}

void
publish_snapshot(struct publish *publish)
{
	uint64_t now_ns = jbr_shm_now_ns();
	uint64_t late_ns = publish->due_ns == 0 || now_ns < publish->due_ns
		? 0
		: now_ns - publish->due_ns;

	publish_set(publish, JBR_METRIC_CONTROL_LATE, 0, (int64_t)late_ns);
	publish_set(publish, JBR_METRIC_EVENTS, 0, (int64_t)publish->events);
	write_hosts(publish);
	jbr_publisher_snapshot(publish->publisher, wall_ns(), now_ns);
	/* on the beat, unless whole ones were left out */
	publish->due_ns += publish->interval_ns;
	if (publish->due_ns <= now_ns)
		publish->due_ns = now_ns + publish->interval_ns;
}

/* ---- events ---- */

void
publish_event(struct publish *publish, const struct jbr_event *event)
{
	const struct jbr_finding *finding = &event->finding;
	const struct jbr_event_tuple *tuple = &finding->tuple;
	struct jbr_buffer text = {0};
	struct jbr_shm_event entry = {.time_ns = finding->time_ns,
		.first_ns = event->first_ns,
		.last_ns = event->last_ns,
		.count = event->count,
		.flow_id = finding->flow_id,
		.src_port = tuple->src_port,
		.dst_port = tuple->dst_port,
		.vlan = tuple->vlan[0],
		.ip_version = tuple->ip_version};

	if (finding->anomaly >= JBR_ANOM_COUNT)
		return;
	memcpy(entry.src, tuple->src, sizeof(entry.src));
	memcpy(entry.dst, tuple->dst, sizeof(entry.dst));
	entry.severity = jbr_anomalies[finding->anomaly].severity;
	entry.confidence = (uint8_t)jbr_event_confidence(finding->anomaly, finding->trust);
	copy_key(entry.key, sizeof(entry.key), jbr_anomalies[finding->anomaly].key);
	jbr_event_put_facts(&text, event);
	jbr_buffer_append(&text, "", 1);
	if (!text.failed)
		copy_key(entry.summary, sizeof(entry.summary), text.data);
	jbr_buffer_fini(&text);
	jbr_publisher_event(publish->publisher, &entry);
	publish->events++;
}
