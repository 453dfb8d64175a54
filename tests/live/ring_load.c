/* SPDX-License-Identifier: BSD-3-Clause */
/* Conservation: every frame that a generator makes is in exactly one count, be it in time or be it lost.
 *
 * The port is a net_ring over rings made here, the data plane is the sensor's own (live.h), and the
 * generator is a thread on the CPU that the first worker does not have. It goes slowly first, with never
 * more on the way than every ring has room for, so that nothing may be lost however long somebody is off
 * the CPU; then as fast as it can, when what finds the ring full is what a NIC would miss.
 * It knows of each frame what it is, so each reason has a figure of its own to come to. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_eth_ring.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include "live.h"
#include "ring_generator.h"

enum {
	WORKERS = 2,
	WIRE_SIZE = 4096,      /* frames that a queue of the port holds */
	HANDED_ON_SIZE = 512,  /* frames that a worker may owe another */
	BUFFERS = 16383,       /* more than can be on the way: the generator never wants for one */
	FRAME_MAX = 384,       /* of the traffic here */
	CALM_FRAMES = 12000,   /* at CALM_RATE, 0.6 s */
	CALM_RATE = 20000,     /* a second, at most */
	CALM_ON_THE_WAY = 224, /* frames; less than half of HANDED_ON_SIZE, see allow() */
	FLOOD_MS = 500,        /* at least */
	FLOOD_LIMIT_MS = 8000, /* at most: such limits end what hangs */
	CALM_LIMIT_MS = 15000,
	ARRIVAL_LIMIT_MS = 5000, /* until what was sent is fetched */
	SKIPPED = 77,
};

/* Where it is counted, but for TCP, which has two places: tcp and ring_full. */
static const enum jbr_not_analysed reason_of[KINDS] = {
	[UDP] = JBR_NOT_ANALYSED_UDP,
	[ICMP] = JBR_NOT_ANALYSED_ICMP,
	[FRAGMENT] = JBR_NOT_ANALYSED_FRAGMENT,
	[ARP] = JBR_NOT_ANALYSED_NON_IP,
	[BROKEN_IP] = JBR_NOT_ANALYSED_MALFORMED_IP,
	[BROKEN_TCP] = JBR_NOT_ANALYSED_MALFORMED_TCP,
	[RUNT] = JBR_NOT_ANALYSED_MALFORMED_LINK,
};

/* A run of the sensor, and what was found on the way. */
struct trial {
	struct ring_generator generator;
	struct jbr_config config;
	struct live_plan plan;
	struct live *live;
	struct live_report report;
	struct jbr_counters counters;
	uint64_t records; /* told */
	uint64_t calm_generated;
	uint64_t calm_refused;
	uint64_t calm_polled;
	uint64_t calm_ring_full;
	bool is_drained;
};

static struct builder_trace traffic;
static struct rte_mempool *pool;
static struct machine *machine;
static unsigned generator_cpu; /* the control thread's and the second worker's too */
static unsigned worker_cpu;

/* ---- traffic ---- */

static int
make_traffic(void **state)
{
	uint64_t count[KINDS] = {0};

	(void)state;
	ring_traffic_make(&traffic);
	assert_false(traffic.failed);
	for (size_t i = 0; i < traffic.count; i++) {
		assert_in_range(traffic.packets[i].captured, 1, FRAME_MAX);
		count[traffic.packets[i].interface]++;
	}
	for (unsigned kind = 0; kind < KINDS; kind++)
		assert_true(count[kind] > 0);
	assert_true(traffic.count < CALM_FRAMES);
	return 0;
}

static int
free_traffic(void **state)
{
	(void)state;
	builder_trace_fini(&traffic);
	return 0;
}

/* ---- a trial ---- */

static uint64_t
sum_of(const uint64_t *counts)
{
	uint64_t sum = 0;

	for (unsigned kind = 0; kind < KINDS; kind++)
		sum += counts[kind];
	return sum;
}

static void
count_records(void *context, const struct output *output)
{
	struct trial *trial = context;

	trial->records += output->nb_records;
}

/* What the control thread does all the time. */
static void
control(struct trial *trial)
{
	struct timespec pause = {.tv_nsec = 1000000};

	(void)nanosleep(&pause, NULL);
	live_collect(trial->live, count_records, trial);
	live_tick(trial->live);
	live_report(trial->live, &trial->report);
}

static uint64_t
ring_full(const struct trial *trial)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < trial->report.nb_workers; i++)
		sum += trial->report.workers[i].ring_full;
	return sum;
}

static uint64_t
polled(const struct trial *trial)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < trial->report.nb_workers; i++)
		sum += trial->report.workers[i].polled;
	return sum;
}

/* Let the generator send what has room everywhere, should all of it be for one worker. A quote handed on is
 * counted before it has arrived, so it is on the way too; quotes handed on while this adds up are missed,
 * which is why frames on the way take less than half of a ring. */
static void
allow(struct trial *trial)
{
	uint64_t settled = 0, quotes_out = 0, quotes_in = 0;

	for (uint32_t i = 0; i < trial->report.nb_workers; i++) {
		const struct live_worker_report *worker = &trial->report.workers[i];

		settled += worker->tcp + worker->not_analysed;
		quotes_in += worker->quotes_in;
		quotes_out += worker->quotes_out;
	}
	settled -= quotes_out > quotes_in ? quotes_out - quotes_in : 0;
	__atomic_store_n(&trial->generator.allowed, settled + CALM_ON_THE_WAY, __ATOMIC_RELAXED);
}

/* @return 0, or an error number */
static int
run_generator(struct trial *trial)
{
	struct ring_generator *generator = &trial->generator;
	uint64_t flood_tsc = rte_rdtsc() + rte_get_tsc_hz() / 1000 * FLOOD_MS;
	int rc = ring_generator_start(generator);

	if (rc != 0)
		return rc;
	while (ring_generator_runs(generator)) {
		control(trial);
		if (generator->burst_ticks > 0)
			allow(trial);
		/* so that a flood is one of every ring, however the CPUs are shared */
		if (rte_rdtsc() >= flood_tsc &&
			(trial->plan.nb_workers == 1 || ring_full(trial) > 0))
			__atomic_store_n(&generator->may_end, true, __ATOMIC_RELAXED);
	}
	return ring_generator_end(generator);
}

/* No check here: workers run. */
static int
go_slowly(struct trial *trial)
{
	struct ring_generator *generator = &trial->generator;
	int rc;

	generator->frames = CALM_FRAMES;
	generator->burst_ticks = rte_get_tsc_hz() * RING_GENERATOR_BURST / CALM_RATE;
	generator->limit_ms = CALM_LIMIT_MS;
	generator->allowed = CALM_ON_THE_WAY;
	generator->may_end = true;
	rc = run_generator(trial);
	for (unsigned ms = 0; ms < ARRIVAL_LIMIT_MS; ms++) {
		control(trial);
		if (polled(trial) == sum_of(generator->enqueued))
			break;
	}
	trial->calm_generated = generator->generated;
	trial->calm_refused = sum_of(generator->refused);
	trial->calm_polled = polled(trial);
	trial->calm_ring_full = ring_full(trial);
	return rc;
}

static int
flood(struct trial *trial)
{
	struct ring_generator *generator = &trial->generator;

	generator->frames = 0;
	generator->burst_ticks = 0;
	generator->limit_ms = FLOOD_LIMIT_MS;
	generator->allowed = UINT64_MAX;
	generator->may_end = false;
	return run_generator(trial);
}

static void
make_port(struct trial *trial, unsigned workers)
{
	struct ring_generator *generator = &trial->generator;
	char name[32];

	generator->traffic = &traffic;
	generator->pool = pool;
	generator->cpu = generator_cpu;
	generator->nb_wires = workers;
	for (unsigned i = 0; i < workers; i++) {
		snprintf(name, sizeof(name), "wire_%u_of_%u", i, workers);
		generator->wires[i] = rte_ring_create(name, WIRE_SIZE, SOCKET_ID_ANY,
			RING_F_SP_ENQ | RING_F_SC_DEQ);
		assert_non_null(generator->wires[i]);
	}
	snprintf(name, sizeof(name), "load_%u", workers);
	/* the driver wants a queue to send to, though nothing is ever sent */
	assert_true(
		rte_eth_from_rings(name, generator->wires, workers, generator->wires, 1, 0) >= 0);
	/* the driver puts its own name in front */
	snprintf(trial->config.ports[0].device, sizeof(trial->config.ports[0].device),
		"net_ring_%s", name);
	trial->config.ports_count = 1;
}

static void
configure(struct trial *trial, unsigned workers)
{
	struct jbr_config *config = &trial->config;
	struct jbr_error error = {0};

	jbr_config_defaults(config);
	make_port(trial, workers);
	config->flow_capacity = 65536;
	config->memory_hugepages = JBR_VALUE_hugepages_NO;
	config->worker_ring_size = HANDED_ON_SIZE;
	snprintf(config->worker_cpus, sizeof(config->worker_cpus), workers == 1 ? "%u" : "%u,%u",
		worker_cpu, generator_cpu);
	snprintf(config->worker_control_cpu, sizeof(config->worker_control_cpu), "%u",
		generator_cpu);
	if (live_plan_make(config, NULL, machine, &trial->plan, &error) < 0)
		fail_msg("%s", error.text);
}

/* From start to drain; nothing runs after. */
static void
run(struct trial *trial)
{
	struct live_params params = {.config = &trial->config,
		.plan = &trial->plan,
		.machine = machine,
		.wants_records = true,
		.wants_findings = true};
	struct jbr_buffer notes = {0};
	struct jbr_error error = {0};
	int rc = live_create(&params, &trial->live, &notes, &error);

	if (rc == 0)
		rc = live_start(trial->live, &notes, &error);
	jbr_buffer_fini(&notes);
	if (rc < 0)
		fail_msg("%s", error.text);
	rc = go_slowly(trial);
	if (rc == 0)
		rc = flood(trial);
	trial->is_drained = live_drain(trial->live, count_records, trial);
	live_report(trial->live, &trial->report);
	live_counters(trial->live, &trial->counters);
	assert_int_equal(rc, 0);
}

static void
release(struct trial *trial)
{
	live_free(trial->live);
	for (unsigned i = 0; i < trial->generator.nb_wires; i++) {
		assert_int_equal(rte_ring_count(trial->generator.wires[i]), 0);
		rte_ring_free(trial->generator.wires[i]);
	}
	live_plan_fini(&trial->plan);
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
}

/* ---- what must hold ---- */

static void
check_calm(const struct trial *trial)
{
	assert_true(trial->calm_generated >= CALM_FRAMES);
	assert_int_equal(trial->calm_refused, 0);
	assert_int_equal(trial->calm_polled, trial->calm_generated);
	assert_int_equal(trial->calm_ring_full, 0);
}

/* From the generator to the workers. */
static void
check_ways(const struct trial *trial)
{
	const struct live_port_report *port = &trial->report.ports[0];
	uint64_t enqueued = sum_of(trial->generator.enqueued);
	uint64_t in = 0, out = 0, quotes_in = 0, quotes_out = 0;

	assert_true(trial->is_drained);
	assert_int_equal(trial->generator.generated, enqueued + sum_of(trial->generator.refused));
	assert_true(sum_of(trial->generator.refused) > 0);
	assert_int_equal(trial->report.nb_ports, 1);
	assert_int_equal(port->received, enqueued);
	assert_int_equal(port->polled, enqueued);
	assert_int_equal(polled(trial), enqueued);
	assert_int_equal(port->missed + port->no_buffer + port->errors, 0);
	for (uint32_t i = 0; i < trial->report.nb_workers; i++) {
		const struct live_worker_report *worker = &trial->report.workers[i];

		assert_true(worker->polled > 0);
		assert_int_equal(worker->polled + worker->ring_in,
			worker->tcp + worker->not_analysed + worker->ring_out);
		in += worker->ring_in;
		out += worker->ring_out;
		quotes_in += worker->quotes_in;
		quotes_out += worker->quotes_out;
	}
	assert_int_equal(in, out);
	assert_int_equal(quotes_in, quotes_out);
	assert_int_equal(out > 0, trial->report.nb_workers > 1);
	assert_int_equal(quotes_out > 0, trial->report.nb_workers > 1);
}

/* From the workers to the counters. */
static void
check_counters(const struct trial *trial)
{
	const struct jbr_counters *counters = &trial->counters;
	const uint64_t *enqueued = trial->generator.enqueued;
	uint64_t lost = counters->not_analysed[JBR_NOT_ANALYSED_RING_FULL];
	uint64_t outcomes = 0, resets = 0, records = trial->records;

	assert_int_equal(counters->received, sum_of(enqueued));
	assert_int_equal(counters->received, counters->tcp + jbr_counters_not_analysed(counters));
	assert_int_equal(counters->tcp + lost, enqueued[TCP]);
	for (unsigned kind = TCP + 1; kind < KINDS; kind++)
		assert_int_equal(counters->not_analysed[reason_of[kind]], enqueued[kind]);
	assert_int_equal(lost, ring_full(trial));
	assert_int_equal(lost > 0, trial->report.nb_workers > 1);
	for (unsigned i = 0; i < JBR_OUTCOME_COUNT; i++)
		outcomes += counters->outcomes[i];
	for (unsigned i = 0; i < JBR_RESET_COUNT; i++)
		resets += counters->resets[i];
	for (uint32_t i = 0; i < trial->report.nb_workers; i++)
		records += trial->report.workers[i].lost_records;
	assert_true(counters->connections >= RING_TRAFFIC_CONNECTIONS);
	assert_int_equal(counters->connections, outcomes);
	assert_int_equal(counters->connections, records);
	assert_true(counters->segments[JBR_SEGMENT_RST] > 0);
	assert_int_equal(counters->segments[JBR_SEGMENT_RST], resets + counters->resets_pending);
}

/* What the sensor itself says about it at its end. */
static void
check_report(const struct trial *trial)
{
	struct jbr_error error = {0};

	if (jbr_counters_check(&trial->counters, &error) < 0 ||
		live_report_check(&trial->report, true, &error) < 0)
		fail_msg("%s", error.text);
}

static void
print_figures(const struct trial *trial)
{
	const struct ring_generator *generator = &trial->generator;

	print_message("%s: generated %" PRIu64 " = refused %" PRIu64 " + enqueued %" PRIu64
		      " = tcp %" PRIu64 " + ring_full %" PRIu64 " + others %" PRIu64 "; %" PRIu64
		      " connections, %" PRIu64 " quotes handed on\n",
		trial->report.steering, generator->generated, sum_of(generator->refused),
		sum_of(generator->enqueued), trial->counters.tcp, ring_full(trial),
		jbr_counters_not_analysed(&trial->counters) - ring_full(trial),
		trial->counters.connections,
		trial->report.workers[0].quotes_out + trial->report.workers[1].quotes_out);
}

static void
try(unsigned workers, const char *steering)
{
	struct trial *trial = calloc(1, sizeof(*trial));

	assert_non_null(trial);
	configure(trial, workers);
	run(trial);
	print_figures(trial);
	assert_int_equal(trial->report.nb_workers, workers);
	assert_string_equal(trial->report.steering, steering);
	check_calm(trial);
	check_ways(trial);
	check_counters(trial);
	check_report(trial);
	release(trial);
	free(trial);
}

static void
one_worker(void **state)
{
	(void)state;
	try(1, "one_worker");
}

static void
two_workers(void **state)
{
	(void)state;
	try(2, "software");
}

/* ---- DPDK, once ---- */

/* Not by eal_start(): the port is made of rings that need DPDK first. */
static bool
start_dpdk(void)
{
	static char words[] = "ring_load --no-huge --no-shconf --iova-mode=va -m 160 --no-pci "
			      "--no-telemetry --log-level=*:error --lcores";
	char prefix[32], lcores[64];
	char *arguments[32];
	int count = 0;

	snprintf(prefix, sizeof(prefix), "--file-prefix=jabiru-ring-%d", getpid());
	snprintf(lcores, sizeof(lcores), "0@%u,1@%u,2@%u", generator_cpu, worker_cpu,
		generator_cpu);
	for (char *word = strtok(words, " "); word != NULL; word = strtok(NULL, " "))
		arguments[count++] = word;
	arguments[count++] = lcores;
	arguments[count++] = prefix;
	arguments[count] = NULL;
	return rte_eal_init(count, arguments) >= 0;
}

static void
stop_dpdk(void)
{
	char folder[256];

	snprintf(folder, sizeof(folder), "%s", rte_eal_get_runtime_dir());
	rte_eal_cleanup();
	(void)rmdir(folder);
}

/* The last two CPUs that this process may use. */
static bool
choose_cpus(void)
{
	struct machine_source source = machine_source_host();
	struct jbr_error error;
	unsigned found = 0;

	if (machine_read(&source, &machine, &error) < 0)
		return false;
	for (unsigned cpu = MACHINE_CPUS_MAX; cpu-- > 0 && found < 2;)
		if (machine_cpus_has(&machine->allowed, cpu))
			*(found++ == 0 ? &worker_cpu : &generator_cpu) = cpu;
	return found == 2;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_worker),
		cmocka_unit_test(two_workers),
	};
	int failed = SKIPPED;

	if (!choose_cpus()) {
		fprintf(stderr, "SKIP: it takes two CPUs\n");
	} else if (!start_dpdk()) {
		fprintf(stderr, "SKIP: DPDK cannot be started here: %s\n", rte_strerror(rte_errno));
		(void)rmdir(rte_eal_get_runtime_dir());
	} else {
		pool = rte_pktmbuf_pool_create("traffic", BUFFERS, LIVE_MBUF_CACHE, 0,
			RTE_PKTMBUF_HEADROOM + FRAME_MAX, SOCKET_ID_ANY);
		failed = pool == NULL ? EXIT_FAILURE
				      : cmocka_run_group_tests_name("ring_load", tests,
						make_traffic, free_traffic);
		rte_mempool_free(pool);
		stop_dpdk();
	}
	machine_free(machine);
	return failed;
}
