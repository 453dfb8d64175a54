/* SPDX-License-Identifier: BSD-3-Clause */
#include "lane.h"

#include <errno.h>
#include <stdlib.h>
#include <x86intrin.h>

#include "buffers.h"
#include "digest.h"
#include "pipeline.h"
#include "placement.h"
#include "stages.h"
#include "table_memory.h"

_Static_assert((int)GENERATOR_BURST == (int)BURST_MAX, "the generator writes whole bursts");
_Static_assert((int)BUFFERS_COUNT % (int)BURST_MAX == 0, "buffers are used in whole bursts");

enum {
	TWIN_FLOOD = 1 << 29,
	BLOCK_BYTES = (sizeof(struct jbr_shm_block_head) + 2 * sizeof(struct jbr_worker_figures) +
			      63) /
		64 * 64,
};

static const uint64_t START_NS = UINT64_C(1700000000) * JBR_NS_PER_S;

struct lane {
	struct lane_params params;
	struct worker *worker;
	struct jbr_flow_table *table;
	struct table_memory table_memory;
	struct generator *generator;
	struct generator *twin; /* of loops that only look */
	struct rte_mbuf **mbufs;
	/* by pointer, so that the compiler does not fit the one to the other, as no source could */
	void (*volatile burst)(struct worker *, const struct jbr_frame *, unsigned);
	unsigned at; /* the next buffer */
	unsigned bursts;
	uint64_t number;
	uint64_t now_ns;
	uint64_t digest; /* of the records so far */
	uint64_t flows_at_first_eviction;
	uint64_t gap_limit;
	uint64_t published_tsc;
	struct jbr_shm_block_head *block; /* what a reader would see */
	struct jbr_worker_figures figures;
	struct jbr_frame frames[BURST_MAX];
	struct stages stages;
};

/* ---- one burst ---- */

static struct rte_mbuf **
next_mbufs(struct lane *lane)
{
	struct rte_mbuf **mbufs = &lane->mbufs[lane->at];

	lane->at = (lane->at + BURST_MAX) % BUFFERS_COUNT;
	return mbufs;
}

static void
make_frames(struct lane *lane, struct rte_mbuf **mbufs, unsigned count)
{
	buffers_read(mbufs, count, lane->frames);
	for (unsigned i = 0; i < count; i++) {
		lane->frames[i].time_ns = lane->now_ns + i * lane->params.spacing_ns;
		lane->frames[i].number = lane->number + i + 1;
	}
}

static void
collect(struct lane *lane)
{
	struct output *output = &lane->worker->output;

	for (uint32_t i = 0; i < output->nb_records; i++)
		lane->digest += digest_record(&output->records[i]);
	output->nb_records = 0;
	output->nb_findings = 0;
}

static void
expire(struct lane *lane)
{
	while (!pipeline_expire(lane->worker, lane->now_ns))
		collect(lane);
}

/* What the loop of a worker does with what it received. */
static void
analyse(struct lane *lane, struct rte_mbuf **mbufs, unsigned count)
{
	make_frames(lane, mbufs, count);
	if (JBR_UNLIKELY(lane->params.witness != NULL))
		lane->params.witness(lane->params.witness_context, lane->frames, count);
	if (JBR_UNLIKELY(worker_is_nearly_full(lane->worker, count)))
		collect(lane);
	lane->burst(lane->worker, lane->frames, count);
	lane->number += count;
	lane->now_ns += count * lane->params.spacing_ns;
	if (++lane->bursts % LANE_EXPIRE_BURSTS == 0)
		expire(lane);
}

/* ---- what is timed ---- */

static void
do_part(struct lane *lane, enum part part)
{
	struct rte_mbuf **mbufs = next_mbufs(lane);

	if (part == PART_BURST) {
		generator_fill(lane->generator, mbufs, BURST_MAX);
		analyse(lane, mbufs, BURST_MAX);
		return;
	}
	generator_fill(lane->twin, mbufs, BURST_MAX);
	if (part >= PART_FRAMES)
		make_frames(lane, mbufs, BURST_MAX);
	if (part >= PART_PARSE)
		stages_look(lane->worker, lane->frames, part, &lane->stages);
}

/* What a worker of the sensor does now and then for those who read its figures.
 * @return the cycles it took */
static uint64_t
publish(struct lane *lane, uint64_t now)
{
	worker_figures(lane->worker, &lane->figures);
	lane->figures.polled = lane->number;
	jbr_publish_block(lane->block, &lane->figures);
	lane->published_tsc = now;
	return __rdtsc() - now;
}

struct span
lane_time(struct lane *lane, enum part part, uint64_t packets)
{
	struct span span = {0};
	uint64_t last = __rdtsc();

	for (uint64_t done = 0; done < packets; done += BURST_MAX) {
		uint64_t now;
		uint64_t cycles;

		do_part(lane, part);
		now = __rdtsc();
		if (part == PART_BURST &&
			now - lane->published_tsc > LANE_PUBLISH_US * lane->params.cycles_per_us) {
			span.publish_cycles += publish(lane, now);
			now = __rdtsc();
		}
		cycles = now - last;
		last = now;
		if (JBR_UNLIKELY(cycles > lane->gap_limit)) {
			span.gaps++;
			span.gap_cycles += cycles;
			continue;
		}
		span.packets += BURST_MAX;
		span.cycles += cycles;
	}
	return span;
}

struct span
lane_warm_up(struct lane *lane, uint64_t packets)
{
	uint64_t floor = (uint64_t)(LANE_GAP_US * lane->params.cycles_per_us);
	struct span span;

	lane->gap_limit = UINT64_MAX;
	span = lane_time(lane, PART_BURST, packets);
	lane->gap_limit = jbr_max_u64(floor, span.cycles * 4 * BURST_MAX / span.packets);
	return span;
}

/* ---- before and after ---- */

static uint64_t
count_flows(const struct lane *lane)
{
	uint64_t count = 0;

	for (unsigned i = 0; i < JBR_FLOW_SHARDS; i++)
		count += jbr_flow_count(lane->worker->shards[i]);
	return count;
}

static void
note_first_eviction(struct lane *lane)
{
	if (lane->flows_at_first_eviction == 0 &&
		jbr_counters_evictions(&lane->worker->counters) > 0)
		lane->flows_at_first_eviction = count_flows(lane);
}

void
lane_set_up(struct lane *lane)
{
	const struct lane_params *params = &lane->params;
	unsigned count;

	do {
		struct rte_mbuf **mbufs = next_mbufs(lane);

		count = generator_set_up(lane->generator, mbufs, BURST_MAX);
		if (count > 0)
			analyse(lane, mbufs, count);
		note_first_eviction(lane);
	} while (count > 0);
	if (params->scenario->share == SHARE_NONE || params->wants_all)
		return;
	/* until no shard has a place left for a SYN more; some are full before others */
	for (uint64_t left = (uint64_t)params->capacity * 5 / 4; left >= BURST_MAX;
		left -= BURST_MAX) {
		struct rte_mbuf **mbufs = next_mbufs(lane);

		generator_flood(lane->generator, mbufs, BURST_MAX);
		analyse(lane, mbufs, BURST_MAX);
		note_first_eviction(lane);
	}
}

uint64_t
lane_visit(struct lane *lane)
{
	uint64_t before = lane_account(lane).inserts;
	unsigned count;

	do {
		struct rte_mbuf **mbufs = next_mbufs(lane);

		count = generator_visit(lane->generator, mbufs, BURST_MAX);
		if (count > 0)
			analyse(lane, mbufs, count);
	} while (count > 0);
	return lane_account(lane).inserts - before;
}

struct lane_account
lane_account(const struct lane *lane)
{
	struct lane_account account = {.counters = lane->worker->counters};

	account.generated = generator_counts(lane->generator);
	account.flows = count_flows(lane);
	account.inserts = account.flows + account.counters.connections;
	account.evictions = jbr_counters_evictions(&account.counters);
	account.flows_at_first_eviction = lane->flows_at_first_eviction;
	account.now_ns = lane->now_ns;
	account.gap_cycles = lane->gap_limit;
	return account;
}

uint64_t
lane_finish(struct lane *lane)
{
	lane->worker->wants_records = true;
	while (!pipeline_expire(lane->worker, lane->now_ns))
		collect(lane);
	while (!pipeline_finish(lane->worker, lane->now_ns))
		collect(lane);
	collect(lane);
	return lane->digest + digest_counters(&lane->worker->counters);
}

uint64_t
lane_table_bytes(const struct lane *lane)
{
	return jbr_flow_table_bytes(lane->table);
}

/* ---- life ---- */

static int
make_parts(struct lane *lane)
{
	const struct lane_params *params = &lane->params;
	struct jbr_flow_memory memory = table_memory_for(&lane->table_memory);
	struct jbr_flow_params flow_params = {.capacity = params->capacity, .memory = &memory};
	struct generator_params generator_params = {.scenario = params->scenario,
		.flows = params->flows,
		.flood = params->flood};

	lane->worker = aligned_alloc(64, (sizeof(*lane->worker) + 63) / 64 * 64);
	lane->block = aligned_alloc(64, BLOCK_BYTES);
	if (lane->worker == NULL || lane->block == NULL)
		return -ENOMEM;
	memset(lane->block, 0, BLOCK_BYTES);
	lane->table_memory = (struct table_memory){.node = PLACEMENT_NODE_UNKNOWN,
		.may_use_huge = true};
	lane->table = jbr_flow_table_create(&flow_params);
	lane->generator = generator_create(&generator_params);
	generator_params.first_flood = TWIN_FLOOD;
	lane->twin = generator_create(&generator_params);
	if (lane->table == NULL || lane->generator == NULL || lane->twin == NULL)
		return -errno;
	worker_init(lane->worker, params->config, lane->table, 0, 1);
	lane->worker->sees_all = false;
	lane->worker->wants_findings = true;
	lane->worker->wants_records = params->wants_all;
	return 0;
}

int
lane_create(const struct lane_params *params, struct rte_mbuf **mbufs, struct lane **ret_lane,
	struct jbr_error *error)
{
	struct lane *lane = aligned_alloc(64, (sizeof(*lane) + 63) / 64 * 64);
	int rc;

	if (lane == NULL)
		return jbr_error_set(error, -ENOMEM, "cannot make worker %u: %s", params->index,
			strerror(ENOMEM));
	memset(lane, 0, sizeof(*lane));
	lane->params = *params;
	lane->mbufs = mbufs;
	lane->burst = pipeline_burst;
	lane->now_ns = START_NS;
	lane->gap_limit = UINT64_MAX;
	rc = make_parts(lane);
	if (rc < 0) {
		jbr_error_set(error, rc, "cannot make worker %u with a table of %u connections: %s",
			params->index, params->capacity, strerror(-rc));
		lane_free(lane);
		return rc;
	}
	generator_prepare(lane->generator, mbufs, BUFFERS_COUNT);
	*ret_lane = lane;
	return 0;
}

void
lane_free(struct lane *lane)
{
	if (lane == NULL)
		return;
	generator_free(lane->generator);
	generator_free(lane->twin);
	jbr_flow_table_free(lane->table);
	free(lane->block);
	free(lane->worker);
	free(lane);
}
