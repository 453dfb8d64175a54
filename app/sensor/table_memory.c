/* SPDX-License-Identifier: BSD-3-Clause */
#include "table_memory.h"

#include <errno.h>
#include <linux/mman.h>
#include <sys/mman.h>

#include "placement.h"

enum { LARGE_PAGE = TABLE_MEMORY_PAGE_BYTES };

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif

static size_t
whole_pages(size_t bytes)
{
	return (bytes + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE;
}

static void *
map(size_t length, int flags)
{
	void *memory = mmap(NULL, length, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

/* Ordinary memory that begins at a large page. */
static void *
map_ordinary(size_t length)
{
	char *memory = map(length + LARGE_PAGE, 0);
	size_t before;

	if (memory == NULL)
		return NULL;
	before = -(uintptr_t)memory % LARGE_PAGE;
	if (before > 0)
		munmap(memory, before);
	munmap(memory + before + length, LARGE_PAGE - before);
	(void)madvise(memory + before, length, MADV_HUGEPAGE); /* only a wish */
	return memory + before;
}

/* Take every page now, not in the middle of traffic. What was mapped of huge pages may still be lacking:
 * mmap() counts those of the host, and only those of one node will do. Touching them would be a SIGBUS. */
static bool
fill(void *memory, size_t length, bool is_huge)
{
	volatile char *page = memory;

	if (madvise(memory, length, MADV_POPULATE_WRITE) == 0)
		return true;
	if (errno != EINVAL || is_huge)
		return false;
	for (size_t at = 0; at < length; at += 4096) /* an older kernel */
		page[at] = 0;
	return true;
}

/* Have all of it, on @p node. @return it, or NULL: the node has no such pages left */
static void *
settle(void *memory, size_t length, int node, bool is_huge)
{
	if (memory == NULL)
		return NULL;
	/* where it cannot be bound, placement_check() tells */
	(void)placement_bind(&numa_ops_host, memory, length, node, NULL);
	if (fill(memory, length, is_huge))
		return memory;
	munmap(memory, length);
	return NULL;
}

static void *
take(void *context, size_t bytes)
{
	struct table_memory *where = context;
	size_t length = whole_pages(bytes);
	void *memory = NULL;

	if (where->may_use_huge)
		memory = settle(map(length, MAP_HUGETLB | MAP_HUGE_2MB), length, where->node, true);
	where->uses_huge = memory != NULL;
	if (memory == NULL)
		memory = settle(map_ordinary(length), length, where->node, false);
	return memory;
}

static void
give_back(void *context, void *memory, size_t bytes)
{
	(void)context;
	munmap(memory, whole_pages(bytes));
}

uint64_t
table_memory_bytes(uint32_t capacity)
{
	return whole_pages(jbr_flow_table_need(capacity));
}

struct jbr_flow_memory
table_memory_for(struct table_memory *where)
{
	return (struct jbr_flow_memory){.take = take, .give_back = give_back, .context = where};
}
