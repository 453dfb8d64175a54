/* SPDX-License-Identifier: BSD-3-Clause */
#include "live.h"

#include <errno.h>
#include <sys/prctl.h>
#include <time.h>

#include <rte_launch.h>
#include <rte_lcore.h>

#include "live_private.h"

enum {
	REST_NS = 50000,      /* of a worker without packets */
	LINK_WAIT_MS = 3000,  /* for all ports together */
	DRAIN_WAIT_MS = 1000, /* for queues to become empty, of workers that have their CPU */
	CONTROL_REST_MS = 1,  /* while waiting for workers */
	ASK_WAIT_US = 20000,  /* for their figures */
	ASK_REST_US = 100,
};

static void
rest(uint64_t ns)
{
	struct timespec pause = {.tv_sec = (time_t)(ns / JBR_NS_PER_S),
		.tv_nsec = (long)(ns % JBR_NS_PER_S)};

	(void)nanosleep(&pause, NULL);
}

/* ---- a worker's thread ---- */

/* What the shards of a table have learned is shared by the first, or only, worker that has it. */
static void
share_learned(const struct live *live, struct loop *loop)
{
	if (live->steering != LIVE_SOFTWARE || loop->index == 0)
		jbr_flow_merge(loop->worker->table);
}

static int
worker_main(void *arg)
{
	struct live *live = arg;
	struct loop *loop = live->loops[rte_lcore_id() - 1];

	(void)prctl(PR_SET_TIMERSLACK, 1000UL);
	for (;;) {
		switch (loop_run(loop)) {
		case LOOP_TICK:
			share_learned(live, loop);
			break;
		case LOOP_IDLE:
		case LOOP_WAIT:
			rest(REST_NS);
			break;
		case LOOP_DONE:
			return 0;
		}
	}
}

/* ---- start ---- */

static void
wait_for_links(const struct live *live, struct jbr_buffer *notes)
{
	for (unsigned waited = 0;; waited += 10) {
		uint32_t up = 0;

		for (uint32_t i = 0; i < live->nb_ports; i++)
			up += port_has_link(&live->ports[i]);
		if (up == live->nb_ports)
			return;
		if (waited >= LINK_WAIT_MS)
			break;
		rest(10 * JBR_NS_PER_MS);
	}
	for (uint32_t i = 0; i < live->nb_ports; i++)
		if (!port_has_link(&live->ports[i]))
			jbr_buffer_format(notes, "ports[%u]: %s has no link after %d s; going on\n",
				i, live->ports[i].plan->name, LINK_WAIT_MS / 1000);
}

/* Whether a device really takes the key is seen only when it runs. */
static int
start_ports(struct live *live, struct jbr_buffer *notes, struct jbr_error *error)
{
	int rc = 0;

	for (uint32_t i = 0; i < live->nb_ports && rc == 0; i++)
		rc = port_start(&live->ports[i], notes, error);
	if (rc == 0 || !live_may_fall_back(live))
		return rc;
	rc = live_fall_back(live, notes, error);
	for (uint32_t i = 0; i < live->nb_ports && rc == 0; i++)
		rc = port_start(&live->ports[i], notes, error);
	return rc;
}

int
live_start(struct live *live, struct jbr_buffer *notes, struct jbr_error *error)
{
	struct clock_status status;
	int rc = clock_start(&live->clock, error);

	if (rc == 0)
		rc = start_ports(live, notes, error);
	if (rc < 0)
		return rc;
	live_note_tables(live, notes);
	wait_for_links(live, notes);
	live_read_ports(live);
	clock_status(&live->clock, &status);
	for (unsigned i = 0; i < live->nb_workers && rc == 0; i++) {
		live->loops[i]->ticks_per_us = status.tsc_hz / 1000000;
		rc = rte_eal_remote_launch(worker_main, live, i + 1);
		if (rc == 0)
			live->is_running = true;
		else
			live->nb_workers = i;
	}
	if (rc < 0)
		return jbr_error_set(error, rc, "cannot start a worker: %s", strerror(-rc));
	return 0;
}

void
live_publish(struct live *live, unsigned index, struct jbr_shm_block_head *block)
{
	live->loops[index]->block = block;
}

bool
live_ask(struct live *live)
{
	bool is_answered = !live->is_running;

	for (unsigned i = 0; i < live->nb_workers && live->is_running; i++)
		loop_ask(live->loops[i]);
	for (unsigned waited = 0; !is_answered && waited < ASK_WAIT_US; waited += ASK_REST_US) {
		rest(ASK_REST_US * JBR_NS_PER_US);
		is_answered = true;
		for (unsigned i = 0; i < live->nb_workers; i++)
			is_answered &= loop_has_answered(live->loops[i]);
	}
	return is_answered;
}

void
live_tick(struct live *live)
{
	clock_discipline(&live->clock);
}

uint64_t
live_now_ns(const struct live *live)
{
	return clock_now_ns(&live->clock, clock_tsc());
}

/* ---- what is told ---- */

void
live_collect(struct live *live, live_tell_fn *tell, void *context)
{
	for (unsigned i = 0; i < live->nb_workers; i++) {
		struct outbox *outbox = &live->loops[i]->outbox;
		const struct output *output;

		/* no more than there were: a worker may be quicker than the disk */
		for (unsigned n = 0; n < OUTBOX_BLOCKS; n++) {
			output = outbox_take(outbox);
			if (output == NULL)
				break;
			if (tell != NULL)
				tell(context, output);
			outbox_give_back(outbox, output);
		}
	}
}

/* ---- end ---- */

struct listener {
	live_tell_fn *tell;
	void *context;
};

/* Has each worker had LOOP_DRY_TURNS since @p turns? One that is kept off its CPU has not looked at all. */
static bool
have_turned(const struct live *live, const uint64_t *turns)
{
	bool have = true;

	for (unsigned i = 0; i < live->nb_workers; i++)
		have &= __atomic_load_n(&live->loops[i]->turns, __ATOMIC_RELAXED) - turns[i] >=
			LOOP_DRY_TURNS;
	return have;
}

/* @return whether all workers did @p order within @p limit_ms (0 = no limit) */
static bool
bring_to(struct live *live, enum loop_order order, unsigned limit_ms,
	const struct listener *listener)
{
	/* by the clock: passing on what the workers tell can take longer than the rests between */
	uint64_t until_ns = jbr_shm_now_ns() + limit_ms * JBR_NS_PER_MS;
	uint64_t turns[WORKERS_MAX];
	bool is_reached = false;

	for (unsigned i = 0; i < live->nb_workers; i++) {
		turns[i] = __atomic_load_n(&live->loops[i]->turns, __ATOMIC_RELAXED);
		loop_order(live->loops[i], order);
	}
	while (!is_reached) {
		is_reached = true;
		for (unsigned i = 0; i < live->nb_workers; i++)
			is_reached &= loop_has_reached(live->loops[i], order);
		live_collect(live, listener->tell, listener->context);
		if (limit_ms > 0 && jbr_shm_now_ns() >= until_ns && have_turned(live, turns))
			break;
		if (!is_reached)
			rest(CONTROL_REST_MS * JBR_NS_PER_MS);
	}
	return is_reached;
}

bool
live_drain(struct live *live, live_tell_fn *tell, void *context)
{
	struct listener listener = {tell, context};

	if (!live->is_running)
		return true;
	for (uint32_t i = 0; i < live->nb_ports; i++)
		port_quieten(&live->ports[i]);
	live->is_drained = bring_to(live, LOOP_DRAIN, DRAIN_WAIT_MS, &listener);
	(void)bring_to(live, LOOP_RINGS, 0, &listener);
	(void)bring_to(live, LOOP_SETTLE, 0, &listener);
	(void)bring_to(live, LOOP_FINISH, 0, &listener);
	rte_eal_mp_wait_lcore();
	live_collect(live, tell, context);
	live->is_running = false;
	live_read_ports(live);
	return live->is_drained;
}

/* ---- counts ---- */

static uint64_t
polled_of(const struct live *live, uint32_t port)
{
	uint64_t polled = 0;

	for (unsigned i = 0; i < live->nb_workers; i++)
		for (unsigned q = 0; q < live->loops[i]->nb_queues; q++)
			if (live->loops[i]->queues[q].port == port)
				polled += live->loops[i]->queues[q].polled;
	return polled;
}

void
live_read_ports(struct live *live)
{
	for (uint32_t i = 0; i < live->nb_ports; i++) {
		struct port *port = &live->ports[i];
		/* first, so that no more were fetched than there were */
		uint64_t polled = polled_of(live, i);
		struct port_counts counts;

		port_counts(port, &counts);
		live->port_reports[i] = (struct live_port_report){.device = port->plan->device,
			.driver = port->driver,
			.queues = port->nb_queues,
			.rx_descriptors = port->nb_descriptors,
			.has_link = port_has_link(port),
			.received = counts.received,
			.polled = polled,
			.missed = counts.missed,
			.no_buffer = counts.no_buffer,
			.errors = counts.errors};
	}
}

static void
report_worker(const struct live *live, uint32_t index, struct live_worker_report *ret_worker)
{
	const struct loop *loop = live->loops[index];
	const struct jbr_counters *counters = &loop->worker->counters;

	*ret_worker = (struct live_worker_report){.cpu = live->params.plan->cpus[index],
		.polled = loop->polled,
		.ring_in = loop->ring_in,
		.ring_out = loop->ring_out,
		.ring_full = loop->ring_full,
		.quotes_in = loop->quotes_in,
		.quotes_out = loop->quotes_out,
		.quotes_lost = loop->quotes_lost,
		.tcp = counters->tcp,
		.not_analysed = jbr_counters_not_analysed(counters),
		.lost_records = loop->outbox.lost_records,
		.lost_findings = loop->outbox.lost_findings,
		.turns = loop->turns,
		.busy_ticks = loop->busy_ticks,
		.all_ticks = loop->all_ticks,
		.gap_max_ticks = loop->gap.max,
		.gap_p9999_ticks = gap_quantile(&loop->gap, 9999)};
}

void
live_report(struct live *live, struct live_report *ret_report)
{
	struct clock_status status;

	memset(ret_report, 0, sizeof(*ret_report));
	clock_status(&live->clock, &status);
	ret_report->steering = live_steering_names[live->steering];
	ret_report->idle = jbr_enum_word("idle", live->config.worker_idle);
	ret_report->has_hugepages = live->params.plan->has_hugepages;
	ret_report->tsc_hz = status.tsc_hz;
	ret_report->clock_offset_ns = status.offset_ns;
	ret_report->nb_ports = live->nb_ports;
	ret_report->nb_workers = live->nb_workers;
	for (uint32_t i = 0; i < live->nb_ports; i++)
		ret_report->ports[i] = live->port_reports[i];
	for (uint32_t i = 0; i < live->nb_workers; i++)
		report_worker(live, i, &ret_report->workers[i]);
}

void
live_counters(const struct live *live, struct jbr_counters *ret_counters)
{
	memset(ret_counters, 0, sizeof(*ret_counters));
	for (unsigned i = 0; i < live->nb_workers; i++)
		jbr_counters_add(ret_counters, &live->loops[i]->worker->counters);
}

void
live_interval(const struct live *live, uint64_t *ret_first_ns, uint64_t *ret_last_ns)
{
	*ret_first_ns = UINT64_MAX;
	*ret_last_ns = 0;
	for (unsigned i = 0; i < live->nb_workers; i++) {
		const struct loop *loop = live->loops[i];

		if (loop->first_ns == 0)
			continue;
		*ret_first_ns = jbr_min_u64(*ret_first_ns, loop->first_ns);
		*ret_last_ns = jbr_max_u64(*ret_last_ns, loop->last_ns);
	}
}
