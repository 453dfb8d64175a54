/* SPDX-License-Identifier: BSD-3-Clause */
/** @file clock.h
 * The time of the live mode: one that never jumps and never goes back, made of the TSC.
 *
 * What it is: time since the epoch in ns, as CLOCK_REALTIME stood when the clock was started, going on
 *          with the TSC. How fast the TSC is, is measured against CLOCK_MONOTONIC_RAW over the last
 *          CLOCK_WINDOW readings. What CLOCK_REALTIME is ahead or behind is made up for by going up to
 *          CLOCK_SLEW_PPM faster or slower, never by a jump. So it serves as the timers' time (its
 *          rate is right within CLOCK_SLEW_PPM) and as the stamps' (they follow the wall clock).
 * Steps:   a step of the wall clock (NTP, settimeofday) moves nothing: no timer fires, no stamp jumps;
 *          stamps follow at CLOCK_SLEW_PPM, which is 1.8 s an hour. A step of more than CLOCK_FAR_NS
 *          is followed at the same rate, so for longer than two hours; clock_status says is_far, and
 *          whoever wants right stamps sooner starts the sensor anew.
 * Threads: clock_start(), clock_discipline(), clock_take() and clock_status() are the control thread's;
 *          clock_now_ns() and clock_reader_now_ns() are any worker's, at the same time.
 * Memory:  the caller's, 64-byte aligned; there is nothing to release.
 * Host:    the TSC must be invariant and equal on all CPUs (`jabiru doctor` looks).
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "jbr_base.h"

enum {
	CLOCK_SLEW_PPM = 500, /**< how much faster or slower than true, at most */
	CLOCK_WINDOW = 8,     /**< readings over which the TSC's frequency is measured */
	CLOCK_SHIFT = 48,     /**< of the multiplier, see struct clock_line */
};
#define CLOCK_FAR_NS INT64_C(4000000000) /**< an offset that slewing takes hours to make up for */
#define CLOCK_LEAD_NS UINT64_C(10000000) /**< a new rate holds from this much after its reading */
#define CLOCK_INTERVAL_MIN_NS UINT64_C(50000000) /**< readings closer together are passed over */
#define CLOCK_WIDTH_MAX_NS UINT64_C(100000)      /**< a reading that took longer is passed over */

/** The three clocks, read together. */
struct clock_reading {
	uint64_t tsc;
	uint64_t raw_ns;      /**< CLOCK_MONOTONIC_RAW */
	int64_t real_ns;      /**< CLOCK_REALTIME */
	uint64_t width_ticks; /**< TSC ticks that the reading took: what it may be wrong by */
};

/** A bend in the line from TSC to ns: before @ref tsc time goes with one rate, from there with another.
 * ns = time_ns + (tsc' - tsc) * rate / 2^CLOCK_SHIFT. */
struct clock_line {
	uint64_t tsc;
	uint64_t time_ns;
	uint64_t rate_before;
	uint64_t rate;
};

struct clock {
	/* what workers read: lines[sequence & 1] is whole while `sequence` stays what it is */
	JBR_CACHE_ALIGNED uint64_t sequence;
	struct clock_line lines[2];
	/* what control keeps */
	JBR_CACHE_ALIGNED struct clock_reading window[CLOCK_WINDOW];
	uint64_t nb_readings; /* taken since the frequency was last started anew */
	uint64_t rejected;
	int64_t offset_ns;
	int64_t slew_ppb;
	double ticks_per_ns;
};

/** How a clock is doing. */
struct clock_status {
	int64_t offset_ns; /**< CLOCK_REALTIME minus this clock, at the last reading */
	int64_t slew_ppb;  /**< how much faster (slower: negative) it goes to make up for it */
	uint64_t tsc_hz;   /**< measured */
	uint64_t rejected; /**< readings that took too long or made no sense */
	bool is_far;       /**< the offset is beyond CLOCK_FAR_NS */
};

/** Ticks of this CPU's time stamp counter. Any thread. */
static inline uint64_t
clock_tsc(void)
{
	return __builtin_ia32_rdtsc();
}

/** Read the clocks: the best of a few tries. Takes about a microsecond. */
void clock_read(struct clock_reading *ret_reading);

/** Set up from two readings, CLOCK_INTERVAL_MIN_NS or more apart; units call it with made-up ones.
 * @return 0, or -ERANGE with @p error when the TSC did not count up between them. */
int clock_init(struct clock *clock, const struct clock_reading *first,
	const struct clock_reading *second, struct jbr_error *error);
/** clock_init() with the host's clocks; takes 50 ms. @return as clock_init(). */
int clock_start(struct clock *clock, struct jbr_error *error);

/** Read the clocks and set the rate anew. To be called about once a second (0.1 to 4 s do); one call
 * that comes late costs up to CLOCK_SLEW_PPM of its lateness, made up for afterwards. */
void clock_discipline(struct clock *clock);
/** The same with a reading of the caller's.
 * @return true, or false when the reading was passed over. */
bool clock_take(struct clock *clock, const struct clock_reading *reading);

/** How it is doing. */
void clock_status(const struct clock *clock, struct clock_status *ret_status);

/** The time at @p tsc, in ns. No system call, no lock. For rising @p tsc it rises, with two exceptions:
 * the control thread was held up for more than CLOCK_LEAD_NS inside clock_discipline(), or the caller
 * for more than a second between reading the TSC and this. Then it may go back once, by up to 1/1000
 * of that. Who cannot have it uses clock_reader_now_ns(). */
static inline uint64_t
clock_now_ns(const struct clock *clock, uint64_t tsc)
{
	const struct clock_line *line;
	uint64_t sequence, start, time_ns, rate_before, rate;
	int64_t ticks;

	/* a line changes about once a second: a second turn is rare, a third does not happen */
	do {
		sequence = __atomic_load_n(&clock->sequence, __ATOMIC_ACQUIRE);
		line = &clock->lines[sequence & 1];
		start = __atomic_load_n(&line->tsc, __ATOMIC_RELAXED);
		time_ns = __atomic_load_n(&line->time_ns, __ATOMIC_RELAXED);
		rate_before = __atomic_load_n(&line->rate_before, __ATOMIC_RELAXED);
		rate = __atomic_load_n(&line->rate, __ATOMIC_RELAXED);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (JBR_UNLIKELY(sequence != __atomic_load_n(&clock->sequence, __ATOMIC_RELAXED)));
	ticks = (int64_t)(tsc - start);
	if (ticks < 0)
		rate = rate_before;
	/* rounds down on both sides of the bend */
	return time_ns + (uint64_t)(int64_t)(((__int128)ticks * (__int128)rate) >> CLOCK_SHIFT);
}

/** One worker's view: never goes back, whatever happens. Initialise with {.clock = ...}. */
struct clock_reader {
	const struct clock *clock;
	uint64_t last_ns;
};

/** The time at @p tsc, or the last answer where that would be later. Only @p reader's owner. */
static inline uint64_t
clock_reader_now_ns(struct clock_reader *reader, uint64_t tsc)
{
	reader->last_ns = jbr_max_u64(reader->last_ns, clock_now_ns(reader->clock, tsc));
	return reader->last_ns;
}
