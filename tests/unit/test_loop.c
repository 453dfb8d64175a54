/* SPDX-License-Identifier: BSD-3-Clause */
/* The loop of live workers on a port that is a ring: every frame that is put in appears in exactly one
 * count, with one worker, with two, and when one does not keep up; every packet buffer comes back. One
 * thread plays all workers, a turn at a time. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>
#include <rte_ring_elem.h>

#include "capture.h"
#include "loop.h"

enum {
	FRAMES_MAX = 1024,
	BUFFERS = 4095,
	PIECE = 64, /* frames put in at a time */
	SKIPPED = 77,
};

static const char *const sample[] = {"tests/captures/sample.pcap"};
static struct rte_mempool *pool;
static struct rte_ring *wire; /* what is put in here, the port receives */
static struct clock time_source;
static struct jbr_config config;
static struct jbr_frame frames[FRAMES_MAX];
static size_t nb_frames;

/* Two workers of one table, or one. */
struct pair {
	struct loop *loops[2];
	struct jbr_flow_table *table;
	struct rte_ring *rings[2];
	unsigned workers;
};

/* ---- DPDK, once ---- */

static bool
start_dpdk(void)
{
	static char words[] = "test_loop --lcores 0 --no-huge --no-shconf -m 64 --no-pci "
			      "--no-telemetry --log-level=*:error --vdev net_ring0 --file-prefix";
	char prefix[32];
	char *arguments[32];
	int count = 0;
	struct rte_eth_conf conf = {0};
	uint16_t port;

	snprintf(prefix, sizeof(prefix), "jabiru-unit-%d", getpid());
	for (char *word = strtok(words, " "); word != NULL; word = strtok(NULL, " "))
		arguments[count++] = word;
	arguments[count++] = prefix;
	arguments[count] = NULL;
	if (rte_eal_init(count, arguments) < 0)
		return false;
	pool = rte_pktmbuf_pool_create("frames", BUFFERS, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
		SOCKET_ID_ANY);
	wire = rte_ring_lookup("ETH_RXTX0_net_ring0");
	return pool != NULL && wire != NULL &&
		rte_eth_dev_get_port_by_name("net_ring0", &port) == 0 &&
		rte_eth_dev_configure(port, 1, 0, &conf) == 0 &&
		rte_eth_rx_queue_setup(port, 0, 512, SOCKET_ID_ANY, NULL, pool) == 0 &&
		rte_eth_dev_start(port) == 0;
}

static void
stop_dpdk(void)
{
	char folder[256];

	snprintf(folder, sizeof(folder), "%s", rte_eal_get_runtime_dir());
	rte_eal_cleanup();
	(void)rmdir(folder);
}

static int
read_sample(void **state)
{
	static struct capture *capture;
	struct jbr_error error;

	(void)state;
	jbr_config_defaults(&config);
	config.flow_capacity = 65536;
	assert_int_equal(clock_start(&time_source, &error), 0);
	assert_int_equal(capture_open(sample, 1, &capture, &error), 0);
	assert_int_equal(capture_read(capture, frames, FRAMES_MAX, &nb_frames, &error), 0);
	assert_in_range(nb_frames, 100, FRAMES_MAX - 1);
	return 0;
}

/* ---- workers ---- */

static void
make_ring(struct pair *pair, unsigned from, unsigned size)
{
	char name[32];

	snprintf(name, sizeof(name), "from_%u", from);
	pair->rings[from] = rte_ring_create_elem(name, sizeof(struct loop_passed), size,
		SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	assert_non_null(pair->rings[from]);
	pair->loops[from]->out[from ^ 1] = pair->rings[from];
	pair->loops[from ^ 1]->in[from] = pair->rings[from];
}

static struct pair
make_pair(unsigned workers, unsigned ring_size)
{
	struct jbr_flow_params params = {.capacity = config.flow_capacity, .seed = 7};
	struct pair pair = {.table = jbr_flow_table_create(&params), .workers = workers};
	struct jbr_error error;

	assert_non_null(pair.table);
	for (unsigned i = 0; i < workers; i++) {
		struct loop *loop = aligned_alloc(64, sizeof(*loop));

		assert_non_null(loop);
		memset(loop, 0, sizeof(*loop));
		loop->worker = aligned_alloc(64, (sizeof(*loop->worker) + 63) / 64 * 64);
		assert_non_null(loop->worker);
		worker_init(loop->worker, &config, pair.table, i, workers);
		loop->worker->wants_records = true;
		loop->worker->wants_findings = true;
		loop->clock.clock = &time_source;
		loop->index = i;
		loop->workers = workers;
		loop->turns_to_rest = 1;
		loop->ticks_per_us = 2000;
		assert_int_equal(outbox_create(&loop->outbox, i, -1, &error), 0);
		pair.loops[i] = loop;
	}
	pair.loops[0]->queues[0] = (struct loop_queue){.port = 3};
	pair.loops[0]->nb_queues = 1;
	for (unsigned i = 0; i < workers && workers == 2; i++)
		make_ring(&pair, i, ring_size);
	return pair;
}

static void
free_pair(struct pair *pair)
{
	for (unsigned i = 0; i < pair->workers; i++) {
		outbox_free(&pair->loops[i]->outbox);
		rte_ring_free(pair->rings[i]);
		free(pair->loops[i]->worker);
		free(pair->loops[i]);
	}
	jbr_flow_table_free(pair->table);
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
}

/* Let a worker work until it has nothing to do. */
static enum loop_pause
work(struct loop *loop)
{
	enum loop_pause pause;

	do
		pause = loop_run(loop);
	while (pause == LOOP_TICK);
	return pause;
}

/* Put frames on the wire. */
static void
put(size_t from, size_t count)
{
	for (size_t i = from; i < from + count; i++) {
		struct rte_mbuf *mbuf = rte_pktmbuf_alloc(pool);
		char *at;

		assert_non_null(mbuf);
		at = rte_pktmbuf_append(mbuf, (uint16_t)frames[i].captured);
		assert_non_null(at);
		memcpy(at, frames[i].data, frames[i].captured);
		assert_int_equal(rte_ring_enqueue(wire, mbuf), 0);
	}
}

/* All of the sample, piece by piece; @p second_works: the second worker keeps up. */
static void
put_all(struct pair *pair, bool second_works)
{
	for (size_t at = 0; at < nb_frames; at += PIECE) {
		put(at, nb_frames - at < PIECE ? nb_frames - at : PIECE);
		assert_int_equal(work(pair->loops[0]), LOOP_IDLE);
		if (second_works && pair->workers == 2)
			assert_int_equal(work(pair->loops[1]), LOOP_IDLE);
	}
}

static uint64_t
records_of(struct loop *loop)
{
	const struct output *output;
	uint64_t count = 0;

	while ((output = outbox_take(&loop->outbox)) != NULL) {
		count += output->nb_records;
		outbox_give_back(&loop->outbox, output);
	}
	return count;
}

/* Bring all to the end, as control does. @return how many connections were told of */
static uint64_t
end(struct pair *pair)
{
	uint64_t records = 0;

	for (enum loop_order order = LOOP_DRAIN; order <= LOOP_FINISH; order++)
		for (unsigned i = 0; i < pair->workers; i++) {
			struct loop *loop = pair->loops[i];

			loop_order(loop, order);
			while (!loop_has_reached(loop, order)) {
				(void)work(loop);
				records += records_of(loop);
			}
			records += records_of(loop);
		}
	return records;
}

static struct jbr_counters
sum_of(const struct pair *pair)
{
	struct jbr_counters sum = {0};
	struct jbr_error error;

	for (unsigned i = 0; i < pair->workers; i++)
		jbr_counters_add(&sum, &pair->loops[i]->worker->counters);
	assert_int_equal(jbr_counters_check(&sum, &error), 0);
	return sum;
}

/* Of each worker, and of all of them. */
static void
check_sums(const struct pair *pair)
{
	uint64_t in = 0, out = 0, quotes_in = 0, quotes_out = 0;

	for (unsigned i = 0; i < pair->workers; i++) {
		const struct loop *loop = pair->loops[i];
		const struct jbr_counters *counters = &loop->worker->counters;

		assert_int_equal(loop->polled + loop->ring_in,
			counters->tcp + jbr_counters_not_analysed(counters) + loop->ring_out);
		assert_int_equal(loop->ring_full,
			counters->not_analysed[JBR_NOT_ANALYSED_RING_FULL]);
		in += loop->ring_in;
		out += loop->ring_out;
		quotes_in += loop->quotes_in;
		quotes_out += loop->quotes_out;
	}
	assert_int_equal(pair->loops[0]->polled, nb_frames);
	assert_int_equal(in, out);
	assert_int_equal(quotes_in, quotes_out);
}

/* ---- tests ---- */

static void
one_worker(void **state)
{
	struct pair pair = make_pair(1, 0);
	uint64_t records;

	(void)state;
	put_all(&pair, false);
	records = end(&pair);
	check_sums(&pair);
	assert_int_equal(sum_of(&pair).received, nb_frames);
	assert_int_equal(sum_of(&pair).connections, records);
	assert_int_equal(pair.loops[0]->ring_out, 0);
	assert_true(pair.loops[0]->busy_ticks <= pair.loops[0]->all_ticks);
	free_pair(&pair);
}

static void
two_workers_count_what_one_does(void **state)
{
	struct pair one = make_pair(1, 0);
	struct pair two;
	struct jbr_counters of_one;
	struct jbr_counters of_two;

	(void)state;
	put_all(&one, false);
	end(&one);
	of_one = sum_of(&one);
	free_pair(&one);
	two = make_pair(2, 1024);
	put_all(&two, true);
	assert_int_equal(end(&two), of_one.connections);
	check_sums(&two);
	of_two = sum_of(&two);
	assert_true(two.loops[0]->ring_out > 0);
	assert_true(two.loops[0]->quotes_out > 0);
	assert_int_equal(two.loops[1]->polled, 0);
	assert_int_equal(of_two.received, of_one.received);
	assert_int_equal(of_two.received_bytes, of_one.received_bytes);
	assert_memory_equal(of_two.not_analysed, of_one.not_analysed, sizeof(of_one.not_analysed));
	assert_memory_equal(of_two.segments, of_one.segments, sizeof(of_one.segments));
	assert_memory_equal(of_two.conn_states, of_one.conn_states, sizeof(of_one.conn_states));
	/* an ICMP error reached the worker of the connection that it rejects */
	assert_true(of_one.outcomes[JBR_OUTCOME_RJI] > 0);
	assert_memory_equal(of_two.outcomes, of_one.outcomes, sizeof(of_one.outcomes));
	free_pair(&two);
}

static void
a_worker_that_does_not_keep_up(void **state)
{
	struct pair pair = make_pair(2, 64);
	struct jbr_counters sum;

	(void)state;
	put_all(&pair, false);
	end(&pair);
	check_sums(&pair);
	sum = sum_of(&pair);
	assert_int_equal(sum.received, nb_frames);
	assert_int_equal(pair.loops[0]->ring_out + pair.loops[0]->quotes_out, 63);
	assert_true(sum.not_analysed[JBR_NOT_ANALYSED_RING_FULL] > 0);
	assert_int_equal(sum.not_analysed[JBR_NOT_ANALYSED_RING_FULL], pair.loops[0]->ring_full);
	free_pair(&pair);
}

/* Nobody takes what the worker tells: it goes on, and counts; at the end it waits. */
static void
output_that_is_not_taken(void **state)
{
	struct pair pair = make_pair(1, 0);
	struct loop *loop = pair.loops[0];
	void *blocks[OUTBOX_BLOCKS];
	uint64_t told;

	(void)state;
	for (unsigned i = 0; i < OUTBOX_BLOCKS; i++)
		assert_int_equal(rte_ring_dequeue(loop->outbox.free, &blocks[i]), 0);
	put_all(&pair, false);
	for (enum loop_order order = LOOP_DRAIN; order < LOOP_FINISH; order++) {
		loop_order(loop, order);
		while (!loop_has_reached(loop, order))
			(void)work(loop);
	}
	loop_order(loop, LOOP_FINISH);
	assert_int_equal(work(loop), LOOP_WAIT);
	assert_int_equal(work(loop), LOOP_WAIT);
	for (unsigned i = 0; i < OUTBOX_BLOCKS; i++)
		assert_int_equal(rte_ring_enqueue(loop->outbox.free, blocks[i]), 0);
	assert_int_equal(work(loop), LOOP_DONE);
	told = records_of(loop);
	check_sums(&pair);
	assert_true(told > 0);
	assert_int_equal(told + loop->outbox.lost_records, sum_of(&pair).connections);
	free_pair(&pair);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_worker),
		cmocka_unit_test(two_workers_count_what_one_does),
		cmocka_unit_test(a_worker_that_does_not_keep_up),
		cmocka_unit_test(output_that_is_not_taken),
	};
	int failed;

	if (!start_dpdk()) {
		fprintf(stderr, "SKIP: DPDK cannot be started here\n");
		return SKIPPED;
	}
	failed = cmocka_run_group_tests_name("loop", tests, read_sample, NULL);
	stop_dpdk();
	return failed;
}
