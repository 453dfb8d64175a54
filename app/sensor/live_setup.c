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

static void
note_software(struct jbr_buffer *notes, const char *who, const char *why)
{
	jbr_buffer_format(notes,
		"SOFTWARE STEERING: workers hand packets on to each other, which costs; %s %s\n",
		who, why);
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
	note_software(notes, unable == NULL ? "worker.steering" : unable->plan->name,
		unable == NULL            ? "asks for it"
			: unable->has_rss ? "has not one queue for each worker"
					  : "has no RSS over TCP");
	return 0;
}

static bool
may_give_up_rss(const struct live *live)
{
	return live->steering == LIVE_RSS &&
		live->config.worker_steering == JBR_VALUE_steering_AUTO;
}

bool
live_may_fall_back(const struct live *live)
{
	bool is_refused = false;

	for (uint32_t i = 0; i < live->nb_ports; i++)
		is_refused |= live->ports[i].refused_rss;
	return is_refused && may_give_up_rss(live);
}

/* ---- memory ---- */

static int
make_pool(struct live *live, unsigned index, struct jbr_error *error)
{
	/* they are kept when RSS is given up: it has as many queues for each worker */
	uint64_t handed_on = live->steering == LIVE_SOFTWARE || may_give_up_rss(live)
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

/* Where the table @p index is to lie: near its worker; one for all where all are, if they are together. */
static int
node_of_table(const struct live *live, uint32_t index)
{
	int node = node_of(live, index);

	for (unsigned i = 0; i < live->nb_workers && live->steering == LIVE_SOFTWARE; i++)
		if (node_of(live, i) != node)
			return PLACEMENT_NODE_UNKNOWN;
	return node;
}

static int
make_table(struct live *live, uint32_t index, struct jbr_flow_params *params,
	struct jbr_error *error)
{
	struct table_memory *where = &live->table_memory[index];
	struct jbr_flow_memory memory = table_memory_for(where);

	*where = (struct table_memory){.node = node_of_table(live, index),
		.may_use_huge = live->config.memory_hugepages != JBR_VALUE_hugepages_NO};
	params->memory = &memory;
	live->tables[index] = jbr_flow_table_create(params);
	params->memory = NULL;
	if (live->tables[index] != NULL)
		return 0;
	return jbr_error_set(error, -errno,
		"flow.capacity: cannot have a table for %u connections: %s; set it lower",
		params->capacity, strerror(errno));
}

static int
make_tables(struct live *live, struct jbr_error *error)
{
	uint32_t count = live->steering == LIVE_RSS ? live->nb_workers : 1;
	struct jbr_flow_params params = {.capacity = live_table_capacity(&live->config, count)};
	int rc = 0;

	/* nobody outside can choose tuples that meet in one bucket */
	if (getrandom(&params.seed, sizeof(params.seed), 0) != (ssize_t)sizeof(params.seed))
		return jbr_error_set(error, -errno, "cannot have a random number: %s",
			strerror(errno));
	for (uint32_t i = 0; i < count && rc == 0; i++)
		rc = make_table(live, i, &params, error);
	return rc;
}

static void
free_tables(struct live *live)
{
	for (unsigned i = 0; i < live->nb_workers; i++) {
		jbr_flow_table_free(live->tables[i]);
		live->tables[i] = NULL;
	}
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
	return outbox_create(&loop->outbox, index, node_of(live, index), error);
}

static void
give_queues(const struct live *live, unsigned index)
{
	struct loop *loop = live->loops[index];

	loop->nb_queues = 0;
	for (uint32_t p = 0; p < live->nb_ports; p++)
		for (unsigned q = 0; q < live->ports[p].nb_queues; q++)
			if (live_worker_of(live, p, q) == index &&
				loop->nb_queues < LOOP_QUEUES_MAX)
				loop->queues[loop->nb_queues++] =
					(struct loop_queue){.port_id = live->ports[p].id,
						.queue = (uint16_t)q,
						.port = (uint16_t)p};
}

static int
configure_port(struct live *live, struct port *port, struct jbr_error *error)
{
	struct rte_mempool *pools[PORT_QUEUES_MAX];

	for (unsigned q = 0; q < port->nb_queues; q++)
		pools[q] = live->pools[live_worker_of(live, port->index, q)];
	return port_configure(port, pools, live->steering == LIVE_RSS, error);
}

void
live_note_tables(const struct live *live, struct jbr_buffer *notes)
{
	uint64_t bytes[2] = {0};

	for (unsigned i = 0; i < live->nb_workers; i++)
		if (live->tables[i] != NULL)
			bytes[live->table_memory[i].uses_huge] += jbr_flow_table_bytes(
				live->tables[i]);
	jbr_buffer_format(notes, "tables: %llu MiB on hugepages, %llu MiB in ordinary memory%s\n",
		machine_mebibytes(bytes[1]), machine_mebibytes(bytes[0]),
		bytes[0] > 0 && live->params.plan->tables_have_hugepages
			? ", which is slower: the hugepages that were free are taken, or on "
			  "another node"
			: "");
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

/* What depends on the steering: rings, queues, tables. */
static int
join(struct live *live, struct jbr_error *error)
{
	int rc = live->steering == LIVE_SOFTWARE ? make_rings(live, error) : 0;

	for (unsigned i = 0; i < live->nb_workers; i++)
		give_queues(live, i);
	for (uint32_t i = 0; i < live->nb_ports && rc == 0; i++)
		rc = configure_port(live, &live->ports[i], error);
	/* last, so that they take no huge page that DPDK needs */
	if (rc == 0)
		rc = make_tables(live, error);
	for (unsigned i = 0; i < live->nb_workers && rc == 0; i++)
		init_worker(live, i, live->loops[i]->worker);
	return rc;
}

int
live_fall_back(struct live *live, struct jbr_buffer *notes, struct jbr_error *error)
{
	int rc;

	for (uint32_t i = 0; i < live->nb_ports; i++) {
		port_pause(&live->ports[i]);
		if (live->ports[i].refused_rss)
			note_software(notes, live->ports[i].plan->name,
				"did not take the symmetric hash key or the table of queues");
	}
	free_tables(live);
	live->steering = LIVE_SOFTWARE;
	rc = join(live, error);
	if (rc == 0)
		rc = live_check_placement(&numa_ops_host, live, notes, error);
	return rc;
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
	if (rc < 0)
		return rc;
	rc = join(live, error);
	if (rc == 0)
		rc = live_check_placement(&numa_ops_host, live, notes, error);
	else if (live_may_fall_back(live))
		rc = live_fall_back(live, notes, error);
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
	for (unsigned i = 0; i < live->nb_workers; i++)
		rte_mempool_free(live->pools[i]);
	free_tables(live);
	free(live->in_force);
	free(live->retired);
	free(live);
}
