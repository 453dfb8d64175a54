/* SPDX-License-Identifier: BSD-3-Clause */
/* NUMA placement on a made-up machine of two nodes, CPUs 0-3 and 4-7; and what this host says. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "placement.h"

enum { PAGE = 4096, PAGES = 256 };

/* Memory of the made-up machine, never touched: the node that each page is said to be on. */
static char *memory;
static int node_of_page[PAGES];
static int pages_error;
static int bind_error;
static int nodes;
static size_t nb_bound;

static int
fake_nb_nodes(void)
{
	return nodes;
}

static int
fake_node_of_cpu(int cpu)
{
	return cpu < 0 || cpu > 7 ? -EINVAL : cpu / 4;
}

static int
fake_distance(int from, int to)
{
	return from == to ? 10 : 21;
}

static int
fake_nodes_of_pages(const void *const *pages, size_t count, int *ret_nodes)
{
	assert_true(count >= 1 && count <= PLACEMENT_SAMPLES);
	for (size_t i = 0; i < count && pages_error == 0; i++) {
		size_t page = (size_t)((const char *)pages[i] - memory) / PAGE;

		assert_true(page < PAGES);
		assert_int_equal(((const char *)pages[i] - memory) % PAGE, 0);
		ret_nodes[i] = node_of_page[page];
	}
	return pages_error;
}

static int
fake_bind(void *at, size_t length, int node)
{
	assert_ptr_equal(at, memory);
	for (size_t i = 0; i < length / PAGE && bind_error == 0; i++)
		node_of_page[i] = node;
	nb_bound++;
	return bind_error;
}

static const struct numa_ops fake = {
	.nb_nodes = fake_nb_nodes,
	.node_of_cpu = fake_node_of_cpu,
	.distance = fake_distance,
	.nodes_of_pages = fake_nodes_of_pages,
	.bind = fake_bind,
};

static int
setup(void **state)
{
	(void)state;
	memory = mmap(NULL, (size_t)PAGES * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(memory != MAP_FAILED);
	memset(node_of_page, 0, sizeof(node_of_page));
	pages_error = bind_error = 0;
	nb_bound = 0;
	nodes = 2;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	return munmap(memory, (size_t)PAGES * PAGE);
}

static void
assert_check(const struct placement_part *part, int cpu, unsigned wrong, const char *text)
{
	struct placement_worker worker = {.index = 3, .cpu = cpu, .parts = part, .nb_parts = 1};
	struct jbr_buffer said = {0};

	assert_int_equal(placement_check(&fake, &worker, &said), wrong);
	jbr_buffer_append(&said, "", 1);
	assert_string_equal(said.data, text);
	jbr_buffer_fini(&said);
}

static void
known_nodes(void **state)
{
	struct placement_part port = {.what = "port 0000:81:00.0", .node = 1};

	(void)state;
	assert_check(&port, 5, 0, "");
	assert_check(&port, 2, 1,
		"worker 3: port 0000:81:00.0 is on NUMA node 1; its CPU 2 is on node 0 (distance "
		"21, "
		"10 is local)\n");
	port.node = PLACEMENT_NODE_UNKNOWN; /* a vdev */
	assert_check(&port, 2, 0, "");
	assert_check(&port, 8, 0,
		"worker 3: cannot see on which NUMA node CPU 8 is: Invalid argument\n");
	nodes = 1;
	port.node = 1;
	assert_check(&port, 2, 0, "");
}

static void
pages_of_a_table(void **state)
{
	struct placement_part table = {.what = "flow table",
		.node = PLACEMENT_NODE_UNKNOWN,
		.memory = memory,
		.length = (size_t)PAGES * PAGE};

	(void)state;
	table.memory = memory;
	assert_check(&table, 0, 0, "");
	assert_check(&table, 4, 1,
		"worker 3: of flow table, 64 of 64 pages looked at are on NUMA node 0; its CPU 4 "
		"is "
		"on node 1 (distance 21, 10 is local)\n");
	/* the kernel fell back for the last quarter */
	for (size_t i = PAGES * 3 / 4; i < PAGES; i++)
		node_of_page[i] = 1;
	assert_check(&table, 0, 1,
		"worker 3: of flow table, 16 of 64 pages looked at are on NUMA node 1; its CPU 0 "
		"is "
		"on node 0 (distance 21, 10 is local)\n");
	/* the very first and the very last page are among those looked at */
	memset(node_of_page, 0, sizeof(node_of_page));
	node_of_page[0] = node_of_page[PAGES - 1] = 1;
	assert_check(&table, 0, 1,
		"worker 3: of flow table, 2 of 64 pages looked at are on NUMA node 1; its CPU 0 is "
		"on "
		"node 0 (distance 21, 10 is local)\n");
	/* pages that were not taken yet are nowhere */
	for (size_t i = 0; i < PAGES; i++)
		node_of_page[i] = -ENOENT;
	assert_check(&table, 0, 0, "");
	node_of_page[0] = 1;
	table.length = 1;
	assert_check(&table, 0, 1,
		"worker 3: of flow table, 1 of 1 pages looked at are on NUMA node 1; its CPU 0 is "
		"on "
		"node 0 (distance 21, 10 is local)\n");
	table.length = 0;
	assert_check(&table, 0, 0, "");
	table.length = PAGE;
	pages_error = -EPERM;
	assert_check(&table, 0, 0,
		"worker 3: cannot see on which NUMA node flow table is: Operation not permitted\n");
}

static void
all_parts_are_told(void **state)
{
	const struct placement_part parts[] = {
		{.what = "port 0", .node = 1},
		{.what = "pool 0", .node = 0},
		{.what = "rings", .node = 1},
	};
	struct placement_worker worker = {.parts = parts, .nb_parts = JBR_COUNT_OF(parts)};
	struct jbr_buffer said = {0};
	unsigned lines = 0;

	(void)state;
	assert_int_equal(placement_check(&fake, &worker, &said), 2);
	for (size_t i = 0; i < said.length; i++)
		lines += said.data[i] == '\n';
	assert_int_equal(lines, 2);
	jbr_buffer_fini(&said);
}

static void
binding(void **state)
{
	struct jbr_error error = {0};

	(void)state;
	assert_int_equal(placement_bind(&fake, memory, 16 * PAGE, 1, &error), 0);
	assert_int_equal(node_of_page[15], 1);
	assert_int_equal(node_of_page[16], 0);
	bind_error = -EPERM;
	assert_int_equal(placement_bind(&fake, memory, 16 * PAGE, 1, &error), -EPERM);
	assert_string_equal(error.text,
		"cannot put 65536 bytes on NUMA node 1: Operation not permitted");
	assert_int_equal(nb_bound, 2);
	/* nothing to do */
	assert_int_equal(placement_bind(&fake, memory, PAGE, PLACEMENT_NODE_UNKNOWN, &error), 0);
	nodes = 1;
	assert_int_equal(placement_bind(&fake, memory, PAGE, 0, &error), 0);
	assert_int_equal(nb_bound, 2);
}

/* libnuma here: what it says must fit together, whatever machine this is. */
static void
this_host(void **state)
{
	size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
	char *touched = mmap(NULL, page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		-1, 0);
	const void *pages[1] = {touched};
	int node = -1, rc;

	(void)state;
	assert_true(touched != MAP_FAILED);
	assert_true(numa_ops_host.nb_nodes() >= 1);
	/* a sandbox may forbid it; then it has to say so */
	rc = numa_ops_host.bind(touched, page_bytes, 0);
	assert_true(rc == 0 || rc == -ENOSYS || rc == -EPERM || rc == -EINVAL);
	touched[0] = 1;
	if (numa_ops_host.nodes_of_pages(pages, 1, &node) == 0) {
		assert_true(node >= 0);
		if (rc == 0)
			assert_int_equal(node, 0);
	}
	assert_true(numa_ops_host.bind(touched, page_bytes, -1) < 0);
	assert_true(numa_ops_host.bind(touched, page_bytes, 999999) < 0);
	assert_true(numa_ops_host.distance(0, 0) == 10 || numa_ops_host.distance(0, 0) < 0);
	assert_true(numa_ops_host.node_of_cpu(999999) <= 0);
	munmap(touched, page_bytes);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(known_nodes, setup, teardown),
		cmocka_unit_test_setup_teardown(pages_of_a_table, setup, teardown),
		cmocka_unit_test_setup_teardown(all_parts_are_told, setup, teardown),
		cmocka_unit_test_setup_teardown(binding, setup, teardown),
		cmocka_unit_test(this_host),
	};

	return cmocka_run_group_tests_name("placement", tests, NULL, NULL);
}
