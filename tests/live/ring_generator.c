/* SPDX-License-Identifier: BSD-3-Clause */
#include "ring_generator.h"

#include <time.h>

#include <rte_cycles.h>
#include <rte_mbuf.h>
#include <rte_pause.h>
#include <rte_ring.h>

static void
rest_us(long us)
{
	struct timespec pause = {.tv_nsec = us * 1000};

	(void)nanosleep(&pause, NULL);
}

/* Wait for the time of the next burst. One that is late is not made up for: that would be a flood. */
static void
pace(const struct ring_generator *generator, uint64_t *due_tsc)
{
	uint64_t tsc;

	if (generator->burst_ticks == 0)
		return;
	while ((tsc = rte_rdtsc()) < *due_tsc) {
		/* the second worker may live on this CPU */
		if (*due_tsc - tsc > rte_get_tsc_hz() / 10000)
			rest_us(50);
		else
			rte_pause();
	}
	*due_tsc = tsc + generator->burst_ticks;
}

/* Put a burst of the traffic on @p wire, and count what it did not take. */
static void
send_burst(struct ring_generator *generator, struct rte_ring *wire)
{
	struct rte_mbuf *mbufs[RING_GENERATOR_BURST];
	uint8_t kinds[RING_GENERATOR_BURST];
	unsigned sent;

	/* short of buffers only for as long as somebody who has some is off the CPU */
	if (rte_pktmbuf_alloc_bulk(generator->pool, mbufs, RING_GENERATOR_BURST) != 0)
		return;
	for (unsigned i = 0; i < RING_GENERATOR_BURST; i++) {
		const struct builder_packet *packet = &generator->traffic->packets[generator->at];
		uint16_t length = (uint16_t)packet->captured;

		memcpy(rte_pktmbuf_append(mbufs[i], length), packet->bytes, length);
		kinds[i] = (uint8_t)packet->interface;
		generator->at = (generator->at + 1) % generator->traffic->count;
	}
	sent = rte_ring_sp_enqueue_burst(wire, (void **)mbufs, RING_GENERATOR_BURST, NULL);
	for (unsigned i = 0; i < RING_GENERATOR_BURST; i++)
		(i < sent ? generator->enqueued : generator->refused)[kinds[i]]++;
	generator->generated += RING_GENERATOR_BURST;
	rte_pktmbuf_free_bulk(mbufs + sent, RING_GENERATOR_BURST - sent);
}

static void *
generate(void *arg)
{
	struct ring_generator *generator = arg;
	uint64_t begin = generator->generated;
	uint64_t due_tsc = rte_rdtsc();
	uint64_t end_tsc = due_tsc + rte_get_tsc_hz() / 1000 * generator->limit_ms;
	unsigned turn = 0;

	while (rte_rdtsc() < end_tsc &&
		(generator->generated - begin < generator->frames ||
			!__atomic_load_n(&generator->may_end, __ATOMIC_RELAXED))) {
		pace(generator, &due_tsc);
		if (generator->generated + RING_GENERATOR_BURST <=
			__atomic_load_n(&generator->allowed, __ATOMIC_RELAXED))
			send_burst(generator, generator->wires[turn++ % generator->nb_wires]);
	}
	__atomic_store_n(&generator->is_done, true, __ATOMIC_RELEASE);
	return NULL;
}

int
ring_generator_start(struct ring_generator *generator)
{
	pthread_attr_t attributes;
	cpu_set_t cpus;
	int rc;

	CPU_ZERO(&cpus);
	CPU_SET(generator->cpu, &cpus);
	generator->is_done = false;
	pthread_attr_init(&attributes);
	rc = pthread_attr_setaffinity_np(&attributes, sizeof(cpus), &cpus);
	if (rc == 0)
		rc = pthread_create(&generator->thread, &attributes, generate, generator);
	pthread_attr_destroy(&attributes);
	return rc;
}

bool
ring_generator_runs(const struct ring_generator *generator)
{
	return !__atomic_load_n(&generator->is_done, __ATOMIC_ACQUIRE);
}

int
ring_generator_end(struct ring_generator *generator)
{
	return pthread_join(generator->thread, NULL);
}
