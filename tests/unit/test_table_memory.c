/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory for tables: there at once, whole, zeroed; huge pages are only a wish. With root some are set up
 * here, where the host has none, and given back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/mman.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "placement.h"
#include "table_memory.h"

enum { CAPACITY = 4096, PAGE = 4096, HUGE_WANTED = 4 };

#define HUGE_PAGES "/sys/kernel/mm/hugepages/hugepages-2048kB/"

/* Where a node has too few huge pages, mmap() succeeds all the same: it counts those of all nodes. On a host
 * of one node it is made so here: what was reserved is let go, and one page of it is taken, before the rest
 * is asked for. */
static bool takes_one_away;

int
madvise(void *addr, size_t length, int advice)
{
	int (*next)(void *, size_t, int) = dlsym(RTLD_NEXT, "madvise");
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_HUGE_2MB;
	const int access = PROT_READ | PROT_WRITE;
	void *away = MAP_FAILED;
	int rc;

	if (next == NULL)
		abort();
	if (takes_one_away) {
		takes_one_away = false;
		if (mmap(addr, length, access, flags | MAP_FIXED | MAP_NORESERVE, -1, 0) != addr)
			abort();
		/* where another program was quicker, that one has taken it */
		away = mmap(NULL, TABLE_MEMORY_PAGE_BYTES, access, flags, -1, 0);
	}
	rc = next(addr, length, advice);
	if (away != MAP_FAILED)
		munmap(away, TABLE_MEMORY_PAGE_BYTES);
	return rc;
}

static long
read_pages(const char *name)
{
	char path[128];
	FILE *file;
	long count = -1;

	snprintf(path, sizeof(path), HUGE_PAGES "%s", name);
	file = fopen(path, "r");
	if (file == NULL)
		return -1;
	if (fscanf(file, "%ld", &count) != 1)
		count = -1;
	fclose(file);
	return count;
}

/* As many, in all, as far as the kernel can. @return whether it may be set */
static bool
set_pages(long count)
{
	FILE *file = fopen(HUGE_PAGES "nr_hugepages", "w");

	if (file == NULL)
		return false;
	fprintf(file, "%ld\n", count);
	return fclose(file) == 0;
}

/* Pages of @p memory that are there. */
static size_t
count_pages(void *memory, size_t bytes)
{
	size_t pages = (bytes + PAGE - 1) / PAGE;
	unsigned char *there = calloc(pages, 1);
	size_t count = 0;

	assert_non_null(there);
	assert_int_equal(mincore(memory, bytes, there), 0);
	for (size_t i = 0; i < pages; i++)
		count += there[i] & 1;
	free(there);
	return count;
}

static void
test_take(void **state)
{
	(void)state;
	for (unsigned huge = 0; huge < 2; huge++) {
		struct table_memory where = {.node = PLACEMENT_NODE_UNKNOWN,
			.may_use_huge = huge != 0};
		struct jbr_flow_memory memory = table_memory_for(&where);
		size_t bytes = (3 << 20) + 5000;
		char *taken = memory.take(memory.context, bytes);

		assert_non_null(taken);
		assert_int_equal((uintptr_t)taken % 64, 0);
		if (!where.uses_huge) /* mincore() may not speak of huge pages */
			assert_int_equal(count_pages(taken, bytes), (bytes + PAGE - 1) / PAGE);
		for (size_t i = 0; i < bytes; i++)
			if (taken[i] != 0)
				fail_msg("byte %zu is not zero", i);
		taken[0] = taken[bytes - 1] = 1;
		assert_true(huge != 0 || !where.uses_huge);
		memory.give_back(memory.context, taken, bytes);
	}
}

/* Bytes of huge pages that this process has. */
static size_t
huge_bytes(void)
{
	FILE *file = fopen("/proc/self/smaps_rollup", "r");
	char line[256];
	size_t kib = 0;

	assert_non_null(file);
	while (fgets(line, sizeof(line), file) != NULL)
		if (sscanf(line, "Private_Hugetlb: %zu", &kib) == 1)
			break;
	fclose(file);
	return kib * 1024;
}

static void
take_and_look(struct table_memory *where, size_t bytes, bool is_huge)
{
	struct jbr_flow_memory memory = table_memory_for(where);
	char *taken = memory.take(memory.context, bytes);

	assert_non_null(taken);
	assert_int_equal(where->uses_huge, is_huge);
	assert_int_equal(huge_bytes(), is_huge ? bytes : 0);
	if (!is_huge)
		assert_int_equal(count_pages(taken, bytes), bytes / PAGE);
	memset(taken, 1, bytes);
	memory.give_back(memory.context, taken, bytes);
	assert_int_equal(huge_bytes(), 0);
}

static long pages_before = -1;
static int lock = -1; /* of the host's huge pages: other runs of this test may be under way */

static int
give_pages_back(void **state)
{
	bool is_done = pages_before < 0 || set_pages(pages_before);

	(void)state;
	if (lock >= 0)
		close(lock);
	return is_done ? 0 : -1;
}

/* Has another program taken some of the @p pages that were free? */
static void
skip_if_taken(long pages)
{
	if (read_pages("free_hugepages") != pages)
		skip();
}

/* With enough of them it lies there; with one too few, nothing of it does. */
static void
test_huge(void **state)
{
	struct table_memory where = {.node = 0, .may_use_huge = true};
	long total, pages;

	(void)state;
	lock = open(HUGE_PAGES, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lock >= 0)
		(void)flock(lock, LOCK_EX);
	total = read_pages("nr_hugepages");
	if (total < 0 || !set_pages(total + HUGE_WANTED))
		skip(); /* no root, or no huge pages in this kernel */
	pages_before = total;
	pages = read_pages("free_hugepages");
	if (pages <= 0)
		skip();
	skip_if_taken(pages);
	take_and_look(&where, (size_t)TABLE_MEMORY_PAGE_BYTES, true);
	take_and_look(&where, (size_t)(pages + 1) * TABLE_MEMORY_PAGE_BYTES, false);
	skip_if_taken(pages);
	takes_one_away = true;
	take_and_look(&where, (size_t)pages * TABLE_MEMORY_PAGE_BYTES, false);
	assert_false(takes_one_away);
}

/* More than there can be: no memory, and no half of it. */
static void
test_too_much(void **state)
{
	struct table_memory where = {.node = PLACEMENT_NODE_UNKNOWN};
	struct jbr_flow_memory memory = table_memory_for(&where);

	(void)state;
	assert_null(memory.take(memory.context, SIZE_MAX / 4));
}

/* A table in such memory is as any other, and has its whole size from the start. */
static void
test_table(void **state)
{
	struct table_memory where = {.node = PLACEMENT_NODE_UNKNOWN};
	struct jbr_flow_memory memory = table_memory_for(&where);
	struct jbr_flow_params params = {.capacity = CAPACITY, .memory = &memory};
	struct jbr_flow_table *table = jbr_flow_table_create(&params);
	struct jbr_flow_shard *shard;

	(void)state;
	assert_non_null(table);
	assert_int_equal(jbr_flow_table_bytes(table), jbr_flow_table_need(CAPACITY));
	shard = jbr_flow_shard_at(table, 5);
	for (uint32_t n = 0; n < CAPACITY / JBR_FLOW_SHARDS; n++) {
		struct jbr_flow_probe probe = {.hash = n * UINT64_C(0x9e3779b97f4a7c15),
			.narrow = n + 1,
			.candidate = JBR_FLOW_NONE};

		assert_null(jbr_flow_find(shard, &probe).line);
		jbr_flow_insert(shard, &probe);
		assert_non_null(jbr_flow_find(shard, &probe).line);
	}
	jbr_flow_table_clear(table);
	assert_int_equal(jbr_flow_count(shard), 0);
	jbr_flow_table_free(table);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_take),
		cmocka_unit_test_teardown(test_huge, give_pages_back),
		cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
