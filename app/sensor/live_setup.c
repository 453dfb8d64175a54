/* SPDX-License-Identifier: BSD-3-Clause */
/* Making the live data plane: ports found, steering chosen, memory taken. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_ring.h>
#include <rte_ring_elem.h>

#include "eal.h"
#include "live_private.h"
#include "placement.h"

const char *const live_steering_names[] = {
	[LIVE_ONE_WORKER] = "one_worker",
	[LIVE_RSS] = "rss",
	[LIVE_SOFTWARE] = "software",
};

unsigned
live_worker_of(const struct live *live, unsigned port, unsigned queue)
{
	/* ports of one queue each shall not all be the first worker's */
	return (queue + (live->steering == LIVE_SOFTWARE ? port : 0)) % live->nb_workers;
}

static int
fail_memory(const struct live *live, const char *what, uint64_t bytes, int node,
	struct jbr_error *error)
{
	struct eal_failure failure = {.step = EAL_STEP_MEMORY,
		.error = rte_errno,
		.has_hugepages = live->params.plan->has_hugepages,
		.needed_bytes = bytes,
		.node = node,
		.what = what};

	return eal_fail(&failure, live->params.machine, -ENOMEM, error);
}

static int
node_of(const struct live *live, unsigned worker)
{
	return machine_node_of_cpu(live->params.machine, live->params.plan->cpus[worker]);
}

/* ---- ports ---- */

static int
find_ports(struct live *live, struct jbr_error *error)
{
	const struct live_plan *plan = live->params.plan;
	struct eal_failure failure = {.step = EAL_STEP_DEVICE,
		.has_hugepages = plan->has_hugepages,
		.node = MACHINE_NODE_UNKNOWN};
	int rc = 0;

	for (uint32_t i = 0; i < plan->nb_ports && rc == 0; i++) {
		failure.device = plan->ports[i].device;
		rc = port_find(&plan->ports[i], i, &live->ports[i]);
		if (rc < 0)
			return eal_fail(&failure, live->params.machine, rc, error);
		live->nb_ports++;
		rc = port_check(&live->ports[i], live->nb_workers, error);
	}
	return rc;
}

/* ---- steering ---- */

/* The first port that cannot spread connections over all workers; NULL if all can. */
static const struct port *
find_unable(const struct live *live)
{
	for (uint32_t i = 0; i < live->nb_ports; i++)
		if (!live->ports[i].has_rss || live->ports[i].nb_queues != live->nb_workers)
			return &live->ports[i];
	return NULL;
}

static int
choose_steering(struct live *live, struct jbr_buffer *notes, struct jbr_error *error)
{
	const struct port *unable = find_unable(live);
	unsigned wanted = live->config.worker_steering;

	if (live->nb_workers == 1) {
		live->steering = LIVE_ONE_WORKER;
		return 0;
	}
	if (wanted != JBR_VALUE_steering_SOFTWARE && unable == NULL) {
		live->steering = LIVE_RSS;
		return 0;
	}
	if (wanted == JBR_VALUE_steering_RSS)
		return jbr_error_set(error, -EINVAL,
			"worker.steering: rss, but %s %s; set it to software or auto",
			unable->plan->name,
			unable->has_rss ? "has not one queue for each worker"
					: "has no RSS over TCP");
	live->steering = LIVE_SOFTWARE;
	jbr_buffer_format(notes,
		"SOFTWARE STEERING: workers hand packets on to each other, which costs; %s%s\n",
		unable == NULL ? "worker.steering asks for it" : unable->plan->name,
		unable == NULL            ? ""
			: unable->has_rss ? " has not one queue for each worker"
					  : " has no RSS over TCP");
	return 0;
}

/* ---- memory ---- */

static int
make_pool(struct live *live, unsigned index, struct jbr_error *error)
{
	uint64_t handed_on = live->steering == LIVE_SOFTWARE
		? (uint64_t)(live->nb_workers - 1) * live->config.worker_ring_size
		: 0;
	uint64_t descriptors = 0;
	uint32_t data_bytes = RTE_MBUF_DEFAULT_BUF_SIZE;
	uint32_t count;
	char name[32];

	for (uint32_t p = 0; p < live->nb_ports; p++)
		for (unsigned q = 0; q < live->ports[p].nb_queues; q++) {
			if (live_worker_of(live, p, q) != index)
				continue;
			descriptors += live->ports[p].nb_descriptors;
			data_bytes = data_bytes > live->ports[p].data_bytes
				? data_bytes
				: live->ports[p].data_bytes;
		}
	count = live_mbufs(descriptors, jbr_min_u64(handed_on, LIVE_DESCRIPTORS));
	snprintf(name, sizeof(name), "frames_%u", index);
	live->pools[index] = rte_pktmbuf_pool_create(name, count, LIVE_MBUF_CACHE, 0,
		(uint16_t)data_bytes, node_of(live, index));
	if (live->pools[index] != NULL)
		return 0;
	return fail_memory(live, "packet buffers", (uint64_t)count * (data_bytes + 256),
		node_of(live, index), error);
}

static int
make_tables(struct live *live, struct jbr_error *error)
{
	uint32_t count = live->steering == LIVE_RSS ? live->nb_workers : 1;
	struct jbr_flow_params params = {
		.capacity = jbr_flow_places(live->config.flow_capacity / count)};

	/* nobody outside can choose tuples that meet in one bucket */
	if (getrandom(&params.seed, sizeof(params.seed), 0) != (ssize_t)sizeof(params.seed))
		return jbr_error_set(error, -errno, "cannot have a random number: %s",
			strerror(errno));
	for (uint32_t i = 0; i < count; i++) {
		struct jbr_flow_memory memory = table_memory_for(&live->table_memory[i]);

		live->table_memory[i] = (struct table_memory){.node = live->steering ==
					LIVE_SOFTWARE
				? PLACEMENT_NODE_UNKNOWN
				: node_of(live, i),
			.may_use_huge = live->config.memory_hugepages != JBR_VALUE_hugepages_NO};
		params.memory = &memory;
		live->tables[i] = jbr_flow_table_create(&params);
		if (live->tables[i] == NULL)
			return jbr_error_set(error, -errno,
				"flow.capacity: cannot have a table for %u connections: %s; set it "
				"lower",
				params.capacity, strerror(errno));
	}
	return 0;
}

static int
make_ring(struct live *live, unsigned from, unsigned to, struct jbr_error *error)
{
	char name[32];
	struct rte_ring *ring;
	uint32_t size = 64;

	while (size < live->config.worker_ring_size)
		size *= 2;
	snprintf(name, sizeof(name), "from_%u_to_%u", from, to);
	ring = rte_ring_create_elem(name, sizeof(struct loop_passed), size, node_of(live, to),
		RING_F_SP_ENQ | RING_F_SC_DEQ);
	if (ring == NULL)
		return fail_memory(live, "the rings between workers",
			size * sizeof(struct loop_passed), node_of(live, to), error);
	live->loops[from]->out[to] = ring;
	live->loops[to]->in[from] = ring;
	return 0;
}

static int
make_rings(struct live *live, struct jbr_error *error)
{
	int rc = 0;

	for (unsigned from = 0; from < live->nb_workers && rc == 0; from++)
		for (unsigned to = 0; to < live->nb_workers && rc == 0; to++)
			if (from != to)
				rc = make_ring(live, from, to, error);
	return rc;
}

/* ---- workers ---- */

static void *
take_near(size_t size, int node)
{
	size_t length = (size + 4095) / 4096 * 4096;
	void *memory = aligned_alloc(4096, length);

	if (memory == NULL)
		return NULL;
	/* where it cannot be bound, placement_check() tells */
	(void)placement_bind(&numa_ops_host, memory, length, node, NULL);
	memset(memory, 0, length);
	return memory;
}

static void
init_worker(struct live *live, unsigned index, struct worker *worker)
{
	bool shares = live->steering == LIVE_SOFTWARE;

	worker_init(worker, &live->config, live->tables[live->steering == LIVE_RSS ? index : 0],
		shares ? index : 0, shares ? live->nb_workers : 1);
	worker->wants_records = live->params.wants_records;
	worker->wants_findings = live->params.wants_findings;
}

static int
make_loop(struct live *live, unsigned index, struct jbr_error *error)
{
	const struct jbr_config *config = &live->config;
	struct loop *loop = take_near(sizeof(*loop), node_of(live, index));

	live->loops[index] = loop;
	if (loop != NULL)
		loop->worker = take_near(sizeof(*loop->worker), node_of(live, index));
	if (loop == NULL || loop->worker == NULL)
		return jbr_error_set(error, -ENOMEM, "cannot have worker %u: %s", index,
			strerror(ENOMEM));
	loop->clock.clock = &live->clock;
	loop->index = index;
	loop->workers = live->nb_workers;
	loop->pauses = config->worker_idle == JBR_VALUE_idle_PAUSE;
	loop->turns_to_rest = config->worker_idle == JBR_VALUE_idle_SLEEP
		? config->worker_idle_polls
		: UINT64_MAX;
	for (uint32_t p = 0; p < live->nb_ports; p++)
		for (unsigned q = 0; q < live->ports[p].nb_queues; q++)
			if (live_worker_of(live, p, q) == index &&
				loop->nb_queues < LOOP_QUEUES_MAX)
				loop->queues[loop->nb_queues++] =
					(struct loop_queue){.port_id = live->ports[p].id,
						.queue = (uint16_t)q,
						.port = (uint16_t)p};
	return outbox_create(&loop->outbox, index, node_of(live, index), error);
}

static int
configure_port(struct live *live, struct port *port, struct jbr_error *error)
{
	struct rte_mempool *pools[PORT_QUEUES_MAX];

	for (unsigned q = 0; q < port->nb_queues; q++)
		pools[q] = live->pools[live_worker_of(live, port->index, q)];
	return port_configure(port, pools, live->steering == LIVE_RSS, error);
}

/* Is what each worker uses on its node? */
static int
check_placement(const struct live *live, struct jbr_buffer *notes, struct jbr_error *error)
{
	struct jbr_buffer text = {0};
	unsigned wrong = 0;
	int rc = 0;

	for (unsigned i = 0; i < live->nb_workers; i++) {
		struct placement_part parts[LIVE_PORTS_MAX + 1];
		struct placement_worker worker = {.index = i,
			.cpu = (int)live->params.plan->cpus[i],
			.parts = parts};

		for (uint32_t p = 0; p < live->nb_ports; p++)
			parts[worker.nb_parts++] =
				(struct placement_part){.what = live->ports[p].plan->name,
					.node = live->params.plan->ports[p].node};
		parts[worker.nb_parts++] = (struct placement_part){.what = "its own memory",
			.node = PLACEMENT_NODE_UNKNOWN,
			.memory = live->loops[i]->worker,
			.length = sizeof(*live->loops[i]->worker)};
		wrong += placement_check(&numa_ops_host, &worker, &text);
	}
	if (wrong > 0 && live->config.numa_strict)
		rc = jbr_error_set(error, -EXDEV,
			"numa.strict: %.*s; set worker.cpus to CPUs of that node",
			text.length > 0 ? (int)text.length - 1 : 0, text.data);
	else
		jbr_buffer_append(notes, text.data, text.length);
	jbr_buffer_fini(&text);
	return rc;
}

/* What the words "auto" of the configuration come to. */
static void
settle_config(struct live *live)
{
	bool has_checksum = true;

	for (uint32_t i = 0; i < live->nb_ports; i++)
		has_checksum &= live->ports[i].has_checksum;
	if (live->config.packet_checksum == JBR_VALUE_checksum_AUTO)
		live->config.packet_checksum = has_checksum ? JBR_VALUE_checksum_NIC
							    : JBR_VALUE_checksum_SAMPLED;
}

static int
set_up(struct live *live, struct jbr_buffer *notes, struct jbr_error *error)
{
	int rc = find_ports(live, error);

	if (rc == 0)
		rc = choose_steering(live, notes, error);
	settle_config(live);
	for (unsigned i = 0; i < live->nb_workers && rc == 0; i++) {
		rc = make_pool(live, i, error);
		if (rc == 0)
			rc = make_loop(live, i, error);
	}
	if (rc == 0 && live->steering == LIVE_SOFTWARE)
		rc = make_rings(live, error);
	for (uint32_t i = 0; i < live->nb_ports && rc == 0; i++)
		rc = configure_port(live, &live->ports[i], error);
	/* last, so that they take no huge page that DPDK needs */
	if (rc == 0)
		rc = make_tables(live, error);
	for (unsigned i = 0; i < live->nb_workers && rc == 0; i++)
		init_worker(live, i, live->loops[i]->worker);
	if (rc == 0)
		rc = check_placement(live, notes, error);
	return rc;
}

int
live_create(const struct live_params *params, struct live **ret_live, struct jbr_buffer *notes,
	struct jbr_error *error)
{
	struct live *live = aligned_alloc(64, (sizeof(*live) + 63) / 64 * 64);
	int rc;

	if (live == NULL)
		return jbr_error_set(error, -ENOMEM, "cannot start: %s", strerror(ENOMEM));
	memset(live, 0, sizeof(*live));
	live->params = *params;
	live->config = *params->config;
	live->nb_workers = params->plan->nb_workers;
	rc = set_up(live, notes, error);
	if (rc < 0) {
		live_free(live);
		return rc;
	}
	*ret_live = live;
	return 0;
}

void
live_free(struct live *live)
{
	if (live == NULL)
		return;
	if (live->is_running)
		(void)live_drain(live, NULL, NULL);
	for (uint32_t i = 0; i < live->nb_ports; i++)
		port_stop(&live->ports[i]);
	for (unsigned i = 0; i < live->nb_workers; i++) {
		struct loop *loop = live->loops[i];

		for (unsigned from = 0; loop != NULL && from < live->nb_workers; from++)
			rte_ring_free(loop->in[from]);
		if (loop != NULL) {
			outbox_free(&loop->outbox);
			free(loop->worker);
		}
		free(loop);
	}
	for (unsigned i = 0; i < live->nb_workers; i++) {
		rte_mempool_free(live->pools[i]);
		jbr_flow_table_free(live->tables[i]);
	}
	free(live->in_force);
	free(live->retired);
	free(live);
}
