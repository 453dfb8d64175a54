/* SPDX-License-Identifier: BSD-3-Clause */
#include "run_publish.h"

#include <errno.h>
#include <stdlib.h>

#include "live_private.h"
#include "run_output.h"
#include "xstats.h"

struct run_publish {
	struct publish *publish;
	struct live *live;
	struct live_report report; /* working space */
	struct xstats xstats;
	uint64_t xstats_values[XSTATS_MAX];
};

static int
make(struct run_publish *made, const struct live_plan *plan, const struct jbr_config *config,
	const char *sensor, struct jbr_error *error)
{
	const char *ports[LIVE_PORTS_MAX];
	struct publish_params params = {.config = config,
		.mode = "run",
		.sensor = sensor,
		.nb_workers = plan->nb_workers,
		.ports = ports,
		.nb_ports = plan->nb_ports,
		.names = made->xstats.series};
	int rc;

	for (uint32_t i = 0; i < plan->nb_ports; i++) {
		ports[i] = plan->ports[i].device;
		xstats_add(&made->xstats, i, made->live->ports[i].id);
	}
	params.nb_names = made->xstats.count;
	rc = publish_create(&params, &made->publish, error);
	for (uint32_t i = 0; i < plan->nb_workers && rc == 0; i++)
		live_publish(made->live, i, publish_block(made->publish, i));
	return rc;
}

struct run_publish *
run_publish_create(struct live *live, const struct live_plan *plan, const struct jbr_config *config,
	const char *sensor, struct jbr_error *error)
{
	struct run_publish *made = calloc(1, sizeof(*made));

	if (made == NULL) {
		jbr_error_set(error, -ENOMEM, "cannot publish: %s", strerror(ENOMEM));
		return NULL;
	}
	made->live = live;
	if (make(made, plan, config, sensor, error) < 0) {
		free(made);
		return NULL;
	}
	return made;
}

void
run_publish_free(struct run_publish *publish)
{
	if (publish == NULL)
		return;
	publish_free(publish->publish);
	free(publish);
}

void
run_publish_turn(struct run_publish *publish, const struct run_output *output, bool is_end)
{
	if (publish == NULL)
		return;
	publish_beat(publish->publish);
	if (!is_end && !publish_is_due(publish->publish))
		return;
	live_read_ports(publish->live); /* what lies on the way is a matter of this moment */
	live_report(publish->live, &publish->report);
	run_output_report(output, &publish->report);
	xstats_read(&publish->xstats, publish->xstats_values, publish->xstats.count);
	(void)live_ask(publish->live);
	publish_gather(publish->publish);
	publish_live(publish->publish, &publish->report);
	for (uint32_t i = 0; i < publish->xstats.count; i++)
		publish_set(publish->publish, JBR_METRIC_PORT_XSTAT, i,
			(int64_t)publish->xstats_values[i]);
	publish_set(publish->publish, JBR_METRIC_EVENTS_LEFT_OUT, 0,
		(int64_t)run_output_findings_left_out(output));
	publish_snapshot(publish->publish);
}

struct publish *
run_publish_of(struct run_publish *publish)
{
	return publish == NULL ? NULL : publish->publish;
}
