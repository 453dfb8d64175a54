/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory for tables: there at once, whole, zeroed; huge pages are only a wish. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "placement.h"
#include "table_memory.h"

enum { CAPACITY = 4096, PAGE = 4096 };

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
		cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
