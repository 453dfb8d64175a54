/* SPDX-License-Identifier: BSD-3-Clause */
#include "placement.h"

#include <errno.h>
#include <numa.h>
#include <numaif.h>
#include <unistd.h>

static bool
has_numa(void)
{
	/* numa_available() looks the system up once more with each call; that is cheap enough here */
	return numa_available() >= 0;
}

static int
host_nb_nodes(void)
{
	int count = has_numa() ? numa_num_configured_nodes() : 1;

	return count < 1 ? 1 : count;
}

static int
host_node_of_cpu(int cpu)
{
	int node;

	if (!has_numa())
		return 0;
	node = numa_node_of_cpu(cpu);
	return node < 0 ? -EINVAL : node;
}

static int
host_distance(int from, int to)
{
	int distance;

	if (!has_numa())
		return from == to ? 10 : -ENOSYS;
	distance = numa_distance(from, to);
	return distance <= 0 ? -ENOSYS : distance;
}

static int
host_nodes_of_pages(const void *const *pages, size_t count, int *ret_nodes)
{
	void *addresses[PLACEMENT_SAMPLES];

	if (!has_numa())
		return -ENOSYS;
	if (count > PLACEMENT_SAMPLES)
		return -E2BIG;
	memcpy(addresses, pages, count * sizeof(addresses[0]));
	/* without target nodes it moves nothing and only says where the pages are */
	return numa_move_pages(0, count, addresses, NULL, ret_nodes, 0) < 0 ? -errno : 0;
}

static int
host_bind(void *memory, size_t length, int node)
{
	unsigned long mask[16] = {0};
	size_t bits = 8 * sizeof(mask[0]);

	if (!has_numa())
		return -ENOSYS;
	if (node < 0 || (size_t)node >= sizeof(mask) * 8 - 1)
		return -EINVAL;
	mask[(size_t)node / bits] |= 1UL << ((size_t)node % bits);
	/* mbind() itself, for libnuma's own call ends the program or says nothing when it fails */
	return mbind(memory, length, MPOL_BIND, mask, sizeof(mask) * 8, MPOL_MF_MOVE) < 0 ? -errno
											  : 0;
}

const struct numa_ops numa_ops_host = {
	.nb_nodes = host_nb_nodes,
	.node_of_cpu = host_node_of_cpu,
	.distance = host_distance,
	.nodes_of_pages = host_nodes_of_pages,
	.bind = host_bind,
};

/* Where the pages of a part lie. */
struct sample {
	unsigned nb_here;
	unsigned nb_elsewhere;
	int elsewhere; /* the node of the last one */
	int error;     /* errno, if it could not be seen */
};

static struct sample
look_at(const struct numa_ops *ops, const struct placement_part *part, int node)
{
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	size_t nb_pages = (part->length + page_bytes - 1) / page_bytes;
	size_t count = nb_pages < PLACEMENT_SAMPLES ? nb_pages : PLACEMENT_SAMPLES;
	const void *pages[PLACEMENT_SAMPLES];
	int nodes[PLACEMENT_SAMPLES];
	struct sample sample = {.elsewhere = PLACEMENT_NODE_UNKNOWN};

	for (size_t i = 0; i < count; i++) {
		/* from the first page to the last */
		size_t page = count == 1 ? 0 : i * (nb_pages - 1) / (count - 1);

		pages[i] = (const char *)part->memory + page * page_bytes;
		nodes[i] = -ENOENT;
	}
	sample.error = -ops->nodes_of_pages(pages, count, nodes);
	for (size_t i = 0; i < count && sample.error == 0; i++) {
		if (nodes[i] == node)
			sample.nb_here++;
		if (nodes[i] == node || nodes[i] < 0)
			continue;
		sample.nb_elsewhere++;
		sample.elsewhere = nodes[i];
	}
	return sample;
}

static void
say_where(const struct numa_ops *ops, const struct placement_worker *worker, int from, int to,
	struct jbr_buffer *out)
{
	int distance = ops->distance(from, to);

	jbr_buffer_format(out, "; its CPU %d is on node %d", worker->cpu, from);
	if (distance > 0)
		jbr_buffer_format(out, " (distance %d, 10 is local)", distance);
	jbr_buffer_format(out, "\n");
}

/* @return whether the part lies elsewhere */
static bool
check_part(const struct numa_ops *ops, const struct placement_worker *worker,
	const struct placement_part *part, int node, struct jbr_buffer *out)
{
	struct sample sample;

	if (part->node >= 0 && part->node != node) {
		jbr_buffer_format(out, "worker %u: %s is on NUMA node %d", worker->index,
			part->what, part->node);
		say_where(ops, worker, node, part->node, out);
		return true;
	}
	if (part->memory == NULL || part->length == 0)
		return false;
	sample = look_at(ops, part, node);
	if (sample.error != 0)
		jbr_buffer_format(out, "worker %u: cannot see on which NUMA node %s is: %s\n",
			worker->index, part->what, strerror(sample.error));
	if (sample.nb_elsewhere == 0)
		return false;
	jbr_buffer_format(out, "worker %u: of %s, %u of %u pages looked at are on NUMA node %d",
		worker->index, part->what, sample.nb_elsewhere,
		sample.nb_elsewhere + sample.nb_here, sample.elsewhere);
	say_where(ops, worker, node, sample.elsewhere, out);
	return true;
}

unsigned
placement_check(const struct numa_ops *ops, const struct placement_worker *worker,
	struct jbr_buffer *ret_text)
{
	int node = ops->node_of_cpu(worker->cpu);
	unsigned wrong = 0;

	if (ops->nb_nodes() < 2)
		return 0;
	if (node < 0) {
		jbr_buffer_format(ret_text,
			"worker %u: cannot see on which NUMA node CPU %d is: %s\n", worker->index,
			worker->cpu, strerror(-node));
		return 0;
	}
	for (size_t i = 0; i < worker->nb_parts; i++)
		wrong += check_part(ops, worker, &worker->parts[i], node, ret_text);
	return wrong;
}

int
placement_bind(const struct numa_ops *ops, void *memory, size_t length, int node,
	struct jbr_error *error)
{
	int rc;

	if (node < 0 || ops->nb_nodes() < 2)
		return 0;
	rc = ops->bind(memory, length, node);
	if (rc < 0)
		return jbr_error_set(error, rc, "cannot put %zu bytes on NUMA node %d: %s", length,
			node, strerror(-rc));
	return 0;
}
