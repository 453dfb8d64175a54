/* SPDX-License-Identifier: BSD-3-Clause */
#include "jbr_flow.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "shard.h"
#include "table.h"

enum { CAPACITY_MIN = 1024, CAPACITY_MAX = 1 << 26 };

/* The table itself, rounded up to pages; the buckets follow it. */
enum { TABLE_BYTES = (sizeof(struct jbr_flow_table) + 4095) / 4096 * 4096 };

/* Address space whose pages come, zeroed, when they are touched. */
static void *
reserve(size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static void
release(void *memory, size_t bytes)
{
	if (memory != NULL)
		munmap(memory, bytes);
}

/* Six of eight places used when the shard is full: one bucket in seven passes a record on then. */
static size_t
buckets_of(uint32_t capacity)
{
	return (capacity + BUCKET_FILL - 1) / BUCKET_FILL;
}

static void
shard_fini(struct jbr_flow_shard *shard)
{
	release(shard->flows, shard->capacity * sizeof(*shard->flows));
	release(shard->timers, shard->capacity * sizeof(*shard->timers));
	release(shard->free_flows, shard->capacity * sizeof(*shard->free_flows));
	release(shard->exts, shard->exts_capacity * sizeof(*shard->exts));
	release(shard->free_exts, shard->exts_capacity * sizeof(*shard->free_exts));
}

static int
shard_init(struct jbr_flow_shard *shard, uint32_t capacity, const uint64_t *learned_lag_ns)
{
	memset(shard, 0, sizeof(*shard));
	shard->capacity = capacity;
	shard->exts_capacity = capacity / EXT_SHARE;
	shard->nb_buckets = (uint32_t)buckets_of(capacity);
	shard->learned_lag_ns = learned_lag_ns;
	memset(shard->heads, 0xff, sizeof(shard->heads));
	shard->flows = reserve(capacity * sizeof(*shard->flows));
	shard->timers = reserve(capacity * sizeof(*shard->timers));
	shard->free_flows = reserve(capacity * sizeof(*shard->free_flows));
	shard->exts = reserve(shard->exts_capacity * sizeof(*shard->exts));
	shard->free_exts = reserve(shard->exts_capacity * sizeof(*shard->free_exts));
	if (shard->flows == NULL || shard->timers == NULL || shard->free_flows == NULL ||
		shard->exts == NULL || shard->free_exts == NULL)
		return -ENOMEM;
	return 0;
}

struct jbr_flow_table *
jbr_flow_table_create(const struct jbr_flow_params *params)
{
	struct jbr_flow_table *table;
	uint32_t capacity = params->capacity;
	size_t bytes;

	if (capacity < CAPACITY_MIN || capacity > CAPACITY_MAX) {
		errno = EINVAL;
		return NULL;
	}
	capacity = (capacity + JBR_FLOW_SHARDS * EXT_SHARE - 1) / (JBR_FLOW_SHARDS * EXT_SHARE) *
		EXT_SHARE;
	bytes = TABLE_BYTES + JBR_FLOW_SHARDS * buckets_of(capacity) * sizeof(struct bucket);
	table = reserve(bytes);
	if (table == NULL)
		return NULL;
	/* touched at random, so large pages spare look-ups of small ones; only a wish */
	(void)madvise(table, bytes, MADV_HUGEPAGE);
	table->bytes = bytes;
	table->seed = params->seed;
	table->buckets = (struct bucket *)(void *)((char *)table + TABLE_BYTES);
	for (unsigned i = 0; i < JBR_FLOW_SHARDS; i++) {
		if (shard_init(&table->shards[i], capacity, table->learned_lag_ns) < 0) {
			jbr_flow_table_free(table);
			errno = ENOMEM;
			return NULL;
		}
		table->shards[i].buckets = table->buckets + i * buckets_of(capacity);
	}
	return table;
}

void
jbr_flow_table_free(struct jbr_flow_table *table)
{
	if (table == NULL)
		return;
	for (unsigned i = 0; i < JBR_FLOW_SHARDS; i++)
		shard_fini(&table->shards[i]);
	release(table, table->bytes);
}

static void
shard_clear(struct jbr_flow_shard *shard)
{
	memset(shard->buckets, 0, (size_t)shard->nb_buckets * sizeof(*shard->buckets));
	memset(shard->heads, 0xff, sizeof(shard->heads));
	memset(shard->copies, 0, sizeof(shard->copies));
	memset(shard->seen_lag_ns, 0, sizeof(shard->seen_lag_ns));
	shard->latest_ns = 0;
	shard->wheel_tick = 0;
	shard->nb_flows = 0;
	shard->nb_free_flows = 0;
	shard->nb_fresh_flows = 0;
	shard->nb_free_exts = 0;
	shard->nb_fresh_exts = 0;
	shard->any_at = 0;
}

void
jbr_flow_table_clear(struct jbr_flow_table *table)
{
	memset(table->learned_lag_ns, 0, sizeof(table->learned_lag_ns));
	for (unsigned i = 0; i < JBR_FLOW_SHARDS; i++)
		shard_clear(&table->shards[i]);
}

void
jbr_flow_merge(struct jbr_flow_table *table)
{
	for (unsigned i = 0; i < JBR_FLOW_SHARDS; i++)
		for (unsigned port = 0; port < JBR_FLOW_PORTS; port++)
			table->learned_lag_ns[port] = jbr_max_u64(table->learned_lag_ns[port],
				table->shards[i].seen_lag_ns[port]);
}

size_t
jbr_flow_table_bytes(const struct jbr_flow_table *table)
{
	const struct jbr_flow_shard *shard = &table->shards[0];
	size_t bytes = sizeof(*table) / JBR_FLOW_SHARDS;

	bytes += (size_t)shard->nb_buckets * sizeof(*shard->buckets);
	bytes += shard->capacity *
		(sizeof(*shard->flows) + sizeof(*shard->timers) + sizeof(*shard->free_flows));
	bytes += shard->exts_capacity * (sizeof(*shard->exts) + sizeof(*shard->free_exts));
	return bytes * JBR_FLOW_SHARDS;
}
