/* SPDX-License-Identifier: BSD-3-Clause */
/* The live clock, driven by a made-up TSC, CLOCK_MONOTONIC_RAW and CLOCK_REALTIME: no time passes. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>

#include "clock.h"

#define EPOCH_NS INT64_C(1795456800000000000)
#define HOUR_NS INT64_C(3600000000000)
#define MS JBR_NS_PER_MS
#define S JBR_NS_PER_S

/* A host at a moment of its true time. */
struct host {
	uint64_t now_ns;  /* CLOCK_MONOTONIC_RAW */
	double tsc_ghz;   /* true ticks a ns */
	uint64_t tsc;     /* at now_ns */
	double tsc_part;  /* of the next tick */
	double real_rate; /* CLOCK_REALTIME, ns per ns of now_ns */
	int64_t real_ns;  /* at now_ns */
};

static struct host
host_at_start(void)
{
	return (struct host){.now_ns = 7 * S,
		.tsc_ghz = 2.445427,
		.tsc = UINT64_C(123456789012345),
		.real_rate = 1,
		.real_ns = EPOCH_NS};
}

static void
pass(struct host *host, uint64_t ns)
{
	host->now_ns += ns;
	host->tsc_part += (double)ns * host->tsc_ghz;
	__atomic_store_n(&host->tsc, host->tsc + (uint64_t)host->tsc_part, __ATOMIC_RELAXED);
	host->tsc_part -= (double)(uint64_t)host->tsc_part;
	host->real_ns += (int64_t)((double)ns * host->real_rate + 0.5);
}

static struct clock_reading
read_host(const struct host *host)
{
	return (struct clock_reading){.tsc = host->tsc,
		.raw_ns = host->now_ns,
		.real_ns = host->real_ns,
		.width_ticks = 200};
}

static void
start(struct clock *clock, struct host *host)
{
	struct clock_reading first = read_host(host);
	struct clock_reading second;

	pass(host, 50 * MS);
	second = read_host(host);
	assert_int_equal(clock_init(clock, &first, &second, NULL), 0);
}

/* What a worker sees on the way. */
struct watch {
	uint64_t first_ns, last_ns; /* of the clock */
	uint64_t first_at, last_at; /* of the host */
	double slowest, fastest;    /* clock's ns per host's ns, over 1 ms each */
};

/* Let @p seconds pass, a discipline each, a worker's look each ms: time rises with every look. */
static struct watch
run(struct clock *clock, struct host *host, unsigned seconds)
{
	struct watch watch = {.first_ns = clock_now_ns(clock, host->tsc),
		.first_at = host->now_ns,
		.slowest = 2};

	watch.last_ns = watch.first_ns;
	for (unsigned i = 0; i < seconds; i++) {
		for (unsigned ms = 0; ms < 1000; ms++) {
			uint64_t now_ns;
			double rate;

			pass(host, MS);
			now_ns = clock_now_ns(clock, host->tsc);
			assert_true(now_ns > watch.last_ns);
			rate = (double)(now_ns - watch.last_ns) / (double)MS;
			watch.slowest = rate < watch.slowest ? rate : watch.slowest;
			watch.fastest = rate > watch.fastest ? rate : watch.fastest;
			watch.last_ns = now_ns;
		}
		if (!clock_take(clock,
			    &(struct clock_reading){host->tsc, host->now_ns, host->real_ns, 200}))
			fail_msg("the reading of second %u was passed over", i);
	}
	watch.last_at = host->now_ns;
	return watch;
}

/* By how many ns is the clock wrong? */
static int64_t
wrong_by(const struct clock *clock, const struct host *host)
{
	return (int64_t)clock_now_ns(clock, host->tsc) - host->real_ns;
}

static void
assert_within(int64_t value, int64_t limit)
{
	if (value > limit || value < -limit)
		fail_msg("%lld is not within %lld", (long long)value, (long long)limit);
}

/* the worst that a rate limit of 500 ppm allows, and 1 ppm for rounding */
static void
assert_rates(const struct watch *watch)
{
	if (watch->slowest < 1 - 501e-6 || watch->fastest > 1 + 501e-6)
		fail_msg("rates from %.7f to %.7f", watch->slowest, watch->fastest);
}

static void
follows_a_steady_host(void **state)
{
	struct host host = host_at_start();
	struct clock_status status;
	struct clock clock;
	struct watch watch;

	(void)state;
	start(&clock, &host);
	assert_within(wrong_by(&clock, &host), 1);
	watch = run(&clock, &host, 60);
	assert_within(wrong_by(&clock, &host), 20);
	assert_rates(&watch);
	clock_status(&clock, &status);
	assert_within((int64_t)status.tsc_hz - 2445427000, 100);
	assert_within(status.offset_ns, 20);
	assert_int_equal(status.rejected, 0);
	assert_false(status.is_far);
}

/* A wall clock that NTP holds 80 ppm off the raw one: the stamps stay within what a second makes. */
static void
follows_a_disciplined_wall_clock(void **state)
{
	static const double rates[] = {1 + 80e-6, 1 - 80e-6};

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(rates); i++) {
		struct host host = host_at_start();
		struct clock clock;
		struct watch watch;

		host.real_rate = rates[i];
		start(&clock, &host);
		watch = run(&clock, &host, 120);
		assert_within(wrong_by(&clock, &host), 200000);
		assert_rates(&watch);
	}
}

/* The wall clock is set. A timer an hour away must not notice; the stamps follow at the limit. */
static void
step_of_the_wall_clock(void **state)
{
	static const struct {
		int64_t step_ns;
		int64_t gain_ns; /* of the clock over the host in 100 s */
		bool is_far;
	} rows[] = {
		{HOUR_NS, 50000000, true},
		{-HOUR_NS, -50000000, true},
		{INT64_C(5000000000), 50000000, true},
		{INT64_C(-3000000000), -50000000, false},
		{INT64_C(20000000), 20000000, false},
		{INT64_C(-20000000), -20000000, false},
		{INT64_C(1000), 1000, false},
	};

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(rows); i++) {
		struct host host = host_at_start();
		struct clock_status status;
		struct clock clock;
		uint64_t deadline_ns;
		struct watch watch;
		int64_t gain_ns;

		start(&clock, &host);
		run(&clock, &host, 10);
		deadline_ns = clock_now_ns(&clock, host.tsc) + 101 * S;
		host.real_ns += rows[i].step_ns;
		/* a second is what it takes to notice */
		run(&clock, &host, 1);
		watch = run(&clock, &host, 100);
		assert_rates(&watch);
		gain_ns = (int64_t)(watch.last_ns - watch.first_ns) -
			(int64_t)(watch.last_at - watch.first_at);
		assert_within(gain_ns - rows[i].gain_ns, 20000);
		/* due after 101 s of the host, give or take what was slewed */
		assert_within((int64_t)(watch.last_ns - deadline_ns) - gain_ns, 20000);
		clock_status(&clock, &status);
		assert_int_equal(status.is_far, rows[i].is_far);
		assert_within(status.offset_ns - (rows[i].step_ns - rows[i].gain_ns), 20000);
	}
}

static void
frequency_was_wrong(void **state)
{
	static const double errors[] = {200e-6, -200e-6, 5000e-6};

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(errors); i++) {
		struct host host = host_at_start();
		struct clock_status status;
		struct clock clock;
		struct clock_reading first = read_host(&host);
		struct clock_reading second;

		/* the first measurement sees another number of ticks than there were */
		pass(&host, 50 * MS);
		second = read_host(&host);
		first.tsc -= (uint64_t)(int64_t)((double)(second.tsc - first.tsc) * errors[i]);
		assert_int_equal(clock_init(&clock, &first, &second, NULL), 0);
		clock_status(&clock, &status);
		assert_true((int64_t)status.tsc_hz - 2445427000 > 400000 ||
			(int64_t)status.tsc_hz - 2445427000 < -400000);
		run(&clock, &host, 1);
		clock_status(&clock, &status);
		assert_within((int64_t)status.tsc_hz - 2445427000, 100);
		run(&clock, &host, 60);
		assert_within(wrong_by(&clock, &host), 1000);
	}
}

/* What the 8 s window forgets: a TSC that goes 50 ppm faster from now on. */
static void
frequency_changes(void **state)
{
	struct host host = host_at_start();
	struct clock_status status;
	struct clock clock;

	(void)state;
	start(&clock, &host);
	run(&clock, &host, 20);
	host.tsc_ghz *= 1 + 50e-6;
	run(&clock, &host, 9);
	clock_status(&clock, &status);
	assert_within((int64_t)status.tsc_hz - (int64_t)(host.tsc_ghz * 1e9), 100);
	run(&clock, &host, 20);
	assert_within(wrong_by(&clock, &host), 1000);
}

/* Readings that came too soon, took too long, or do not go with the others. */
static void
bad_readings(void **state)
{
	struct host host = host_at_start();
	struct clock_reading reading;
	struct clock_status status;
	struct clock clock;
	uint64_t before_ns;

	(void)state;
	start(&clock, &host);
	run(&clock, &host, 3);
	pass(&host, 10 * MS);
	reading = read_host(&host);
	assert_false(clock_take(&clock, &reading));
	pass(&host, 990 * MS);
	reading = read_host(&host);
	reading.width_ticks = 245000; /* 100.2 us */
	assert_false(clock_take(&clock, &reading));
	clock_status(&clock, &status);
	assert_int_equal(status.rejected, 1);
	run(&clock, &host, 3);
	/* the machine was moved: its TSC starts at another place; time goes on */
	before_ns = clock_now_ns(&clock, host.tsc);
	host.tsc = 1000;
	pass(&host, S);
	reading = read_host(&host);
	assert_false(clock_take(&clock, &reading));
	assert_within((int64_t)(clock_now_ns(&clock, host.tsc) - before_ns - S), 1000);
	run(&clock, &host, 10);
	assert_within(wrong_by(&clock, &host), 1000);
	/* and there it has another frequency: found out with the second reading */
	host.tsc_ghz = 3.1;
	pass(&host, S);
	reading = read_host(&host);
	assert_false(clock_take(&clock, &reading));
	pass(&host, S);
	reading = read_host(&host);
	assert_false(clock_take(&clock, &reading));
	run(&clock, &host, 30);
	clock_status(&clock, &status);
	assert_within((int64_t)status.tsc_hz - 3100000000, 100);
	assert_within(wrong_by(&clock, &host), 1000);
}

/* The control thread sleeps 30 s instead of one: what it overshoots is made up for. */
static void
late_discipline(void **state)
{
	struct host host = host_at_start();
	struct clock_reading reading;
	struct clock clock;
	uint64_t before_ns;

	(void)state;
	start(&clock, &host);
	host.real_ns += 100 * (int64_t)MS;
	run(&clock, &host, 3);
	before_ns = clock_now_ns(&clock, host.tsc);
	pass(&host, 30 * S);
	assert_within((int64_t)(clock_now_ns(&clock, host.tsc) - before_ns - 30 * S), 15100000);
	reading = read_host(&host);
	assert_true(clock_take(&clock, &reading));
	run(&clock, &host, 250);
	assert_within(wrong_by(&clock, &host), 1000);
}

/* A control thread that comes every 10 s only: slower to follow, but without swinging. */
static void
rare_discipline(void **state)
{
	struct host host = host_at_start();
	struct clock_reading reading;
	struct clock clock;
	int64_t last_ns, now_ns;

	(void)state;
	start(&clock, &host);
	host.real_ns += 2 * (int64_t)MS;
	last_ns = wrong_by(&clock, &host);
	for (unsigned i = 0; i < 20; i++) {
		pass(&host, 10 * S);
		reading = read_host(&host);
		assert_true(clock_take(&clock, &reading));
		now_ns = wrong_by(&clock, &host);
		/* never on the other side, and never farther away */
		assert_true(now_ns <= 100 && now_ns >= last_ns - 100);
		last_ns = now_ns;
	}
	assert_within(last_ns, 1000);
}

/* A worker that read its TSC before a bend and asks after it, or the other way round. */
static void
bends_are_continuous(void **state)
{
	struct host host = host_at_start();
	struct clock_reader reader;
	struct clock before, clock;
	struct clock_reading reading;
	uint64_t bend_tsc, last_ns;

	(void)state;
	start(&clock, &host);
	host.real_ns += 2 * (int64_t)S;
	pass(&host, S);
	before = clock;
	reading = read_host(&host);
	assert_true(clock_take(&clock, &reading));
	bend_tsc = clock.lines[clock.sequence & 1].tsc;
	/* up to the bend both agree, so it is no matter when a worker sees the new line */
	for (int64_t ticks = -30000000; ticks <= 0; ticks += 1000)
		assert_within((int64_t)(clock_now_ns(&clock, bend_tsc + (uint64_t)ticks) -
				      clock_now_ns(&before, bend_tsc + (uint64_t)ticks)),
			1);
	last_ns = clock_now_ns(&clock, bend_tsc - 3);
	for (uint64_t ticks = 0; ticks < 100; ticks++) {
		uint64_t now_ns = clock_now_ns(&clock, bend_tsc - 2 + ticks);

		assert_true(now_ns >= last_ns && now_ns <= last_ns + 1);
		last_ns = now_ns;
	}
	/* a reader's time stays where it is when it is asked for something earlier */
	reader = (struct clock_reader){.clock = &clock};
	last_ns = clock_reader_now_ns(&reader, bend_tsc);
	assert_int_equal(clock_reader_now_ns(&reader, bend_tsc - 1000000), last_ns);
	assert_true(clock_reader_now_ns(&reader, bend_tsc + 1000) > last_ns);
}

static void
tsc_that_stands_still(void **state)
{
	struct clock_reading first = {.tsc = 5, .raw_ns = 1}, second = {.tsc = 5, .raw_ns = 2};
	struct jbr_error error = {0};
	struct clock clock;

	(void)state;
	assert_int_equal(clock_init(&clock, &first, &second, &error), -ERANGE);
	assert_non_null(strstr(error.text, "does not count up"));
}

/* A worker on a thread of its own, and what it found. */
struct worker {
	const struct clock *clock;
	const struct host *host;
	bool is_done;
	uint64_t start_tsc;
	uint64_t start_ns;
	double farthest_ns; /* from the straight line */
};

static void *
look(void *of)
{
	struct worker *worker = of;

	do {
		uint64_t tsc = __atomic_load_n(&worker->host->tsc, __ATOMIC_RELAXED);
		uint64_t now_ns = clock_now_ns(worker->clock, tsc);
		double straight_ns = (double)(tsc - worker->start_tsc) / worker->host->tsc_ghz;
		double far_ns = (double)(int64_t)(now_ns - worker->start_ns) - straight_ns;

		far_ns = far_ns < 0 ? -far_ns : far_ns;
		/* a thread that is held up has an old TSC by now, and its time is less exact */
		if ((double)(__atomic_load_n(&worker->host->tsc, __ATOMIC_RELAXED) - tsc) >
			10.0 * (double)S * worker->host->tsc_ghz)
			continue;
		worker->farthest_ns = far_ns > worker->farthest_ns ? far_ns : worker->farthest_ns;
	} while (!__atomic_load_n(&worker->is_done, __ATOMIC_RELAXED));
	return NULL;
}

/* 2,000 bends while a worker looks, 50 ms of slewing to and fro. A line seen half old and half new would
 * be off by a second. */
static void
worker_beside(void **state)
{
	struct host host = host_at_start();
	struct worker worker = {.host = &host};
	struct clock clock;
	pthread_t thread;

	(void)state;
	start(&clock, &host);
	worker.clock = &clock;
	worker.start_tsc = host.tsc;
	worker.start_ns = clock_now_ns(&clock, host.tsc);
	assert_int_equal(pthread_create(&thread, NULL, look, &worker), 0);
	for (unsigned i = 0; i < 20; i++) {
		host.real_ns += (i % 2 == 0 ? 2 : -2) * (int64_t)S;
		run(&clock, &host, 100);
	}
	__atomic_store_n(&worker.is_done, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	assert_true(worker.farthest_ns < 0.2 * (double)S);
}

static void
clocks_of_this_host(void **state)
{
	struct clock_reading reading;
	struct clock_status status;
	struct clock clock;

	(void)state;
	assert_int_equal(clock_start(&clock, NULL), 0);
	clock_discipline(&clock);
	clock_read(&reading);
	/* generous: this may be a busy machine */
	assert_within((int64_t)clock_now_ns(&clock, reading.tsc) - reading.real_ns, 5000000);
	clock_status(&clock, &status);
	assert_true(status.tsc_hz > 100000000 && status.tsc_hz < UINT64_C(20000000000));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows_a_steady_host),
		cmocka_unit_test(follows_a_disciplined_wall_clock),
		cmocka_unit_test(step_of_the_wall_clock),
		cmocka_unit_test(frequency_was_wrong),
		cmocka_unit_test(frequency_changes),
		cmocka_unit_test(bad_readings),
		cmocka_unit_test(late_discipline),
		cmocka_unit_test(rare_discipline),
		cmocka_unit_test(bends_are_continuous),
		cmocka_unit_test(tsc_that_stands_still),
		cmocka_unit_test(worker_beside),
		cmocka_unit_test(clocks_of_this_host),
	};

	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
