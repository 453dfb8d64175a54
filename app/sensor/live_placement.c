/* SPDX-License-Identifier: BSD-3-Clause */
/* What a worker uses, for placement.h to look at. */
#include <errno.h>

#include <rte_mempool.h>

#include "live_private.h"

enum {
	POOL_PARTS = 16, /* pieces of a pool that are looked at */
	PARTS_MAX = LIVE_PORTS_MAX + POOL_PARTS + 2,
};

struct parts {
	struct placement_part list[PARTS_MAX];
	size_t count;
	size_t most; /* for pieces of the pool */
};

static void
add_piece(struct rte_mempool *pool, void *context, struct rte_mempool_memhdr *piece, unsigned index)
{
	struct parts *parts = context;

	(void)pool;
	(void)index;
	if (parts->count < parts->most)
		parts->list[parts->count++] = (struct placement_part){.what = "its packet buffers",
			.node = PLACEMENT_NODE_UNKNOWN,
			.memory = piece->addr,
			.length = piece->len};
}

static void
add_memory(struct parts *parts, const char *what, const void *memory, size_t length)
{
	parts->list[parts->count++] = (struct placement_part){.what = what,
		.node = PLACEMENT_NODE_UNKNOWN,
		.memory = memory,
		.length = length};
}

/* @return how many parts lie elsewhere; a line for each in @p ret_text */
static unsigned
check_workers(const struct numa_ops *ops, const struct live *live, struct jbr_buffer *ret_text)
{
	unsigned wrong = 0;

	for (unsigned i = 0; i < live->nb_workers; i++) {
		const struct live_plan *plan = live->params.plan;
		const struct jbr_flow_table *table = live->loops[i]->worker->table;
		struct parts parts = {.count = 0};
		struct placement_worker worker = {.index = i,
			.cpu = (int)plan->cpus[i],
			.parts = parts.list};

		for (uint32_t p = 0; p < live->nb_ports; p++)
			parts.list[parts.count++] =
				(struct placement_part){.what = live->ports[p].plan->name,
					.node = live->ports[p].plan->node};
		add_memory(&parts, "its own memory", live->loops[i]->worker,
			sizeof(*live->loops[i]->worker));
		/* the table begins with its memory */
		add_memory(&parts, "its connection table", table, jbr_flow_table_bytes(table));
		parts.most = parts.count + POOL_PARTS;
		rte_mempool_mem_iter(live->pools[i], add_piece, &parts);
		worker.nb_parts = parts.count;
		wrong += placement_check(ops, &worker, ret_text);
	}
	return wrong;
}

int
live_check_placement(const struct numa_ops *ops, const struct live *live, struct jbr_buffer *notes,
	struct jbr_error *error)
{
	struct jbr_buffer text = {0};
	unsigned wrong = check_workers(ops, live, &text);
	int rc = 0;

	jbr_buffer_append(&text, "", 1);
	if (wrong > 0 && live->config.numa_strict)
		rc = jbr_error_set(error, -EXDEV,
			"numa.strict: %.*s; set worker.cpus to CPUs of one node, or numa.strict to "
			"no",
			text.failed ? 0 : (int)strcspn(text.data, "\n"), text.data);
	else if (!text.failed)
		jbr_buffer_append(notes, text.data, text.length - 1);
	jbr_buffer_fini(&text);
	return rc;
}
