/* SPDX-License-Identifier: BSD-3-Clause */
#include "clock.h"

#include <errno.h>
#include <time.h>

enum { READ_TRIES = 5 };
/* An offset is made up for in this time, or in twice the time between readings: half of it is left at
 * the next reading, so it closes in without swinging. */
#define SLEW_TIME_NS UINT64_C(2000000000)
/* A frequency this much off the last one is no drift: the TSC was set, or the machine moved. */
#define FREQUENCY_JUMP 0.01

static uint64_t
clock_ns(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (uint64_t)now.tv_sec * JBR_NS_PER_S + (uint64_t)now.tv_nsec;
}

void
clock_read(struct clock_reading *ret_reading)
{
	struct clock_reading best = {.width_ticks = UINT64_MAX};

	for (unsigned i = 0; i < READ_TRIES; i++) {
		uint64_t before = clock_tsc();
		uint64_t raw_ns = clock_ns(CLOCK_MONOTONIC_RAW);
		uint64_t real_ns = clock_ns(CLOCK_REALTIME);
		uint64_t width = clock_tsc() - before;

		if (width >= best.width_ticks)
			continue;
		best.tsc = before + width / 2;
		best.raw_ns = raw_ns;
		best.real_ns = (int64_t)real_ns;
		best.width_ticks = width;
	}
	*ret_reading = best;
}

static uint64_t
rate_of(double ticks_per_ns, int64_t slew_ppb)
{
	return (uint64_t)((double)(UINT64_C(1) << CLOCK_SHIFT) / ticks_per_ns *
		(1 + (double)slew_ppb * 1e-9));
}

/* Readers hold on to the line of the sequence that they saw; the other one is free to be written. */
static void
publish(struct clock *clock, const struct clock_line *line)
{
	uint64_t sequence = clock->sequence + 1;
	struct clock_line *to = &clock->lines[sequence & 1];

	/* nobody may see what follows who has not seen the sequence that left this line */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	__atomic_store_n(&to->tsc, line->tsc, __ATOMIC_RELAXED);
	__atomic_store_n(&to->time_ns, line->time_ns, __ATOMIC_RELAXED);
	__atomic_store_n(&to->rate_before, line->rate_before, __ATOMIC_RELAXED);
	__atomic_store_n(&to->rate, line->rate, __ATOMIC_RELAXED);
	__atomic_store_n(&clock->sequence, sequence, __ATOMIC_RELEASE);
}

int
clock_init(struct clock *clock, const struct clock_reading *first,
	const struct clock_reading *second, struct jbr_error *error)
{
	struct clock_line line;

	if (second->tsc <= first->tsc || second->raw_ns <= first->raw_ns)
		return jbr_error_set(error, -ERANGE,
			"the time stamp counter of this CPU does not count up");
	memset(clock, 0, sizeof(*clock));
	clock->ticks_per_ns = (double)(second->tsc - first->tsc) /
		(double)(second->raw_ns - first->raw_ns);
	clock->window[0] = *second;
	clock->nb_readings = 1;
	line.tsc = second->tsc;
	line.time_ns = (uint64_t)second->real_ns;
	line.rate = line.rate_before = rate_of(clock->ticks_per_ns, 0);
	publish(clock, &line);
	return 0;
}

int
clock_start(struct clock *clock, struct jbr_error *error)
{
	struct timespec wait = {.tv_nsec = (long)CLOCK_INTERVAL_MIN_NS};
	struct clock_reading first, second;

	clock_read(&first);
	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &wait, &wait) == EINTR)
		;
	clock_read(&second);
	return clock_init(clock, &first, &second, error);
}

static const struct clock_reading *
last_reading(const struct clock *clock)
{
	return &clock->window[(clock->nb_readings - 1) % CLOCK_WINDOW];
}

/* The TSC does not go on where it was, or not as it went: keep the time going from where it must be by
 * CLOCK_MONOTONIC_RAW, and measure from here. */
static void
start_anew(struct clock *clock, const struct clock_reading *reading, double frequency)
{
	const struct clock_reading *last = last_reading(clock);
	struct clock_line line;

	/* the second time in a row: this is how it goes now */
	if (clock->nb_readings == 1 && frequency > 0)
		clock->ticks_per_ns = frequency;
	line.tsc = reading->tsc;
	line.time_ns = clock_now_ns(clock, last->tsc) + (reading->raw_ns - last->raw_ns);
	line.rate = line.rate_before = rate_of(clock->ticks_per_ns, 0);
	clock->window[0] = *reading;
	clock->nb_readings = 1;
	clock->rejected++;
	clock->slew_ppb = 0;
	publish(clock, &line);
}

static int64_t
slew_for(int64_t offset_ns, uint64_t elapsed_ns)
{
	int64_t limit = (int64_t)CLOCK_SLEW_PPM * 1000;
	double slew = (double)offset_ns / (double)jbr_max_u64(SLEW_TIME_NS, 2 * elapsed_ns) * 1e9;

	if (slew > (double)limit)
		return limit;
	return slew < -(double)limit ? -limit : (int64_t)slew;
}

static void
bend(struct clock *clock, const struct clock_reading *reading, uint64_t elapsed_ns)
{
	const struct clock_line *now = &clock->lines[clock->sequence & 1];
	struct clock_line line;

	clock->offset_ns = reading->real_ns - (int64_t)clock_now_ns(clock, reading->tsc);
	clock->slew_ppb = slew_for(clock->offset_ns, elapsed_ns);
	/* in the future, so that no worker has asked for it already with the rate that held until now */
	line.tsc = reading->tsc + (uint64_t)((double)CLOCK_LEAD_NS * clock->ticks_per_ns);
	line.time_ns = clock_now_ns(clock, line.tsc);
	line.rate_before = now->rate;
	line.rate = rate_of(clock->ticks_per_ns, clock->slew_ppb);
	publish(clock, &line);
}

bool
clock_take(struct clock *clock, const struct clock_reading *reading)
{
	const struct clock_reading *last, *oldest;
	uint64_t elapsed_ns, kept;
	double frequency;

	last = last_reading(clock);
	if (reading->raw_ns < last->raw_ns + CLOCK_INTERVAL_MIN_NS)
		return false;
	if ((double)reading->width_ticks > (double)CLOCK_WIDTH_MAX_NS * clock->ticks_per_ns) {
		clock->rejected++;
		return false;
	}
	elapsed_ns = reading->raw_ns - last->raw_ns;
	frequency = (double)(int64_t)(reading->tsc - last->tsc) / (double)elapsed_ns;
	if (frequency < clock->ticks_per_ns * (1 - FREQUENCY_JUMP) ||
		frequency > clock->ticks_per_ns * (1 + FREQUENCY_JUMP)) {
		start_anew(clock, reading, frequency);
		return false;
	}
	kept = clock->nb_readings < CLOCK_WINDOW ? clock->nb_readings : CLOCK_WINDOW;
	oldest = &clock->window[(clock->nb_readings - kept) % CLOCK_WINDOW];
	clock->ticks_per_ns = (double)(reading->tsc - oldest->tsc) /
		(double)(reading->raw_ns - oldest->raw_ns);
	clock->window[clock->nb_readings++ % CLOCK_WINDOW] = *reading;
	bend(clock, reading, elapsed_ns);
	return true;
}

void
clock_discipline(struct clock *clock)
{
	struct clock_reading reading;

	clock_read(&reading);
	clock_take(clock, &reading);
}

void
clock_status(const struct clock *clock, struct clock_status *ret_status)
{
	*ret_status = (struct clock_status){
		.offset_ns = clock->offset_ns,
		.slew_ppb = clock->slew_ppb,
		.tsc_hz = (uint64_t)(clock->ticks_per_ns * 1e9 + 0.5),
		.rejected = clock->rejected,
		.is_far = clock->offset_ns > CLOCK_FAR_NS || clock->offset_ns < -CLOCK_FAR_NS,
	};
}
