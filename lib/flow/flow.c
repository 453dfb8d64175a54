/* SPDX-License-Identifier: BSD-3-Clause */
#include "jbr_flow.h"

#include <errno.h>
#include <sys/mman.h>

#include "shard.h"
#include "table.h"

enum { CAPACITY_MIN = 1024, CAPACITY_MAX = 1 << 27 };

_Static_assert((int)CAPACITY_MAX / (int)JBR_FLOW_SHARDS <= 1 << PLACE_BITS, "a slot holds a place");

enum { PAGE_BYTES = 4096 };

/* Where the parts of all shards lie in the one stretch of memory, in bytes from its start. Each part
 * has the shards one after the other. */
struct layout {
	uint32_t capacity; /* of a shard */
	uint32_t nb_buckets;
	size_t buckets;
	size_t lines;
	size_t rests;
	size_t timers;
	size_t embryos;
	size_t exts;
	size_t free_flows;
	size_t free_exts;
	size_t end;
};

/* Six of eight places used when the shard is full of records and of embryos: one bucket in seven passes
 * one on then. */
static uint32_t
buckets_of(uint32_t capacity)
{
	return (capacity * 2 + BUCKET_FILL - 1) / BUCKET_FILL;
}

/* Shards fill their parts at the same pace. Were the parts a multiple of a page apart, what all of them
 * work on at a time would fall into the same few sets of the processor's caches. */
enum { STAGGER_BYTES = 29 * 64 };

/* How far apart the shards' parts of @p count things of @p size bytes begin. */
static size_t
stride_of(size_t count, size_t size)
{
	return (count * size + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES + STAGGER_BYTES;
}

/* Begin a part of @p count things of @p size bytes for each shard, on a page of its own.
 * @return where it begins */
static size_t
add_part(struct layout *layout, size_t count, size_t size)
{
	size_t begin = layout->end;
	size_t bytes = JBR_FLOW_SHARDS * stride_of(count, size);

	layout->end += (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
	return begin;
}

static struct layout
layout_of(uint32_t capacity)
{
	const uint32_t unit = JBR_FLOW_SHARDS * EXT_SHARE;
	struct layout layout = {.capacity = (capacity + unit - 1) / unit * EXT_SHARE};
	uint32_t exts = layout.capacity / EXT_SHARE;

	layout.nb_buckets = buckets_of(layout.capacity);
	layout.end = (sizeof(struct jbr_flow_table) + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
	layout.buckets = add_part(&layout, layout.nb_buckets, sizeof(struct bucket));
	layout.lines = add_part(&layout, layout.capacity, sizeof(struct jbr_flow_line));
	layout.rests = add_part(&layout, layout.capacity, sizeof(struct jbr_flow_rest));
	layout.timers = add_part(&layout, layout.capacity, sizeof(struct timer));
	layout.embryos = add_part(&layout, layout.capacity, sizeof(struct jbr_flow_embryo));
	layout.exts = add_part(&layout, exts, sizeof(struct jbr_tcp_ext));
	layout.free_flows = add_part(&layout, layout.capacity, sizeof(uint32_t));
	layout.free_exts = add_part(&layout, exts, sizeof(uint32_t));
	return layout;
}

/* Address space whose pages come, zeroed, when they are touched. */
static void *
reserve(size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

/* Memory that is there anyway is used at once. */
static uint32_t
first_buckets(const struct jbr_flow_table *table, const struct jbr_flow_shard *shard)
{
	return table->memory.take != NULL ? shard->max_buckets
					  : jbr_min_u32(FIRST_BUCKETS, shard->max_buckets);
}

static void
forget_lists(struct jbr_flow_shard *shard)
{
	memset(shard->heads, 0xff, sizeof(shard->heads));
	for (unsigned i = 0; i < JBR_FLOW_CLASSES; i++)
		shard->queues[i] = (struct queue){JBR_FLOW_NONE, JBR_FLOW_NONE, 0};
}

static void
shard_init(struct jbr_flow_table *table, unsigned index, const struct layout *layout)
{
	struct jbr_flow_shard *shard = &table->shards[index];
	char *start = (char *)table;
	uint32_t exts = layout->capacity / EXT_SHARE;

#define PART(name, count) \
	(void *)(start + layout->name + index * stride_of(count, sizeof(*shard->name)))
	shard->buckets = PART(buckets, layout->nb_buckets);
	shard->lines = PART(lines, layout->capacity);
	shard->rests = PART(rests, layout->capacity);
	shard->timers = PART(timers, layout->capacity);
	shard->embryos = PART(embryos, layout->capacity);
	shard->exts = PART(exts, exts);
	shard->free_flows = PART(free_flows, layout->capacity);
	shard->free_exts = PART(free_exts, exts);
#undef PART
	shard->capacity = layout->capacity;
	shard->exts_capacity = exts;
	shard->max_buckets = layout->nb_buckets;
	shard->nb_buckets = first_buckets(table, shard);
	shard->learned_lag_ns = table->learned_lag_ns;
	shard->seed = table->seed;
	forget_lists(shard);
}

struct jbr_flow_table *
jbr_flow_table_create(const struct jbr_flow_params *params)
{
	struct jbr_flow_table *table = NULL;
	struct layout layout;

	if (params->capacity < CAPACITY_MIN || params->capacity > CAPACITY_MAX) {
		errno = EINVAL;
		return NULL;
	}
	layout = layout_of(params->capacity);
	if (params->memory != NULL)
		table = params->memory->take(params->memory->context, layout.end);
	else
		table = reserve(layout.end);
	if (table == NULL) {
		errno = ENOMEM;
		return NULL;
	}
	if (params->memory != NULL)
		table->memory = *params->memory;
	table->bytes = layout.end;
	table->seed = params->seed;
	for (unsigned i = 0; i < JBR_FLOW_SHARDS; i++)
		shard_init(table, i, &layout);
	return table;
}

void
jbr_flow_table_free(struct jbr_flow_table *table)
{
	if (table == NULL)
		return;
	if (table->memory.give_back != NULL) {
		struct jbr_flow_memory memory = table->memory;

		memory.give_back(memory.context, table, table->bytes);
	} else {
		munmap(table, table->bytes);
	}
}

size_t
jbr_flow_table_need(uint32_t capacity)
{
	return layout_of(capacity).end;
}

static void
shard_clear(const struct jbr_flow_table *table, struct jbr_flow_shard *shard)
{
	memset(shard->buckets, 0, (size_t)shard->nb_buckets * sizeof(*shard->buckets));
	shard->nb_buckets = first_buckets(table, shard);
	forget_lists(shard);
	memset(shard->copies, 0, sizeof(shard->copies));
	memset(shard->seen_lag_ns, 0, sizeof(shard->seen_lag_ns));
	shard->latest_ns = 0;
	shard->wheel_tick = 0;
	shard->embryo_head = 0;
	shard->embryo_round = 0;
	shard->embryo_span = 0;
	shard->nb_embryos = 0;
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
		shard_clear(table, &table->shards[i]);
}

void
jbr_flow_merge(struct jbr_flow_table *table)
{
	for (unsigned port = 0; port < JBR_FLOW_PORTS; port++) {
		uint64_t lag_ns = table->learned_lag_ns[port];

		for (unsigned i = 0; i < JBR_FLOW_SHARDS; i++)
			lag_ns = jbr_max_u64(lag_ns,
				__atomic_load_n(&table->shards[i].seen_lag_ns[port],
					__ATOMIC_RELAXED));
		__atomic_store_n(&table->learned_lag_ns[port], lag_ns, __ATOMIC_RELAXED);
	}
}

size_t
jbr_flow_table_bytes(const struct jbr_flow_table *table)
{
	return table->bytes;
}
