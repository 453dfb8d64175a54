/* SPDX-License-Identifier: BSD-3-Clause */
/* A turn, in reading order: fetch, frame, analyse, hand on, free; then timers and output. */
#include "loop.h"

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>
#include <rte_ring_elem.h>

/* ---- frames ---- */

static uint8_t
nic_flags(uint64_t flags)
{
	uint64_t l4 = flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;
	uint64_t ip = flags & RTE_MBUF_F_RX_IP_CKSUM_MASK;
	uint8_t nic = 0;

	/* NONE, which is both bits: the sum is not in the bytes, but the data is sound */
	if (l4 == RTE_MBUF_F_RX_L4_CKSUM_GOOD || l4 == RTE_MBUF_F_RX_L4_CKSUM_NONE)
		nic |= JBR_NIC_L4_CHECKSUM_GOOD;
	else if (l4 == RTE_MBUF_F_RX_L4_CKSUM_BAD)
		nic |= JBR_NIC_L4_CHECKSUM_BAD;
	if (ip == RTE_MBUF_F_RX_IP_CKSUM_GOOD || ip == RTE_MBUF_F_RX_IP_CKSUM_NONE)
		nic |= JBR_NIC_IP_CHECKSUM_GOOD;
	else if (ip == RTE_MBUF_F_RX_IP_CKSUM_BAD)
		nic |= JBR_NIC_IP_CHECKSUM_BAD;
	if (flags & RTE_MBUF_F_RX_VLAN_STRIPPED)
		nic |= JBR_NIC_VLAN_STRIPPED;
	return nic;
}

/* Of a chain only the first buffer is read: it holds the headers. */
static inline void
frame_of(struct rte_mbuf *mbuf, uint64_t now_ns, struct jbr_frame *frame)
{
	frame->data = rte_pktmbuf_mtod(mbuf, const uint8_t *);
	frame->opaque = mbuf;
	frame->time_ns = now_ns;
	frame->captured = mbuf->data_len;
	frame->wire = mbuf->pkt_len;
	frame->vlan_tci = mbuf->vlan_tci;
	frame->link = JBR_LINK_ETHERNET;
	frame->nic_flags = mbuf->ol_flags == 0 ? 0 : nic_flags(mbuf->ol_flags);
}

/* ---- other workers' frames ---- */

static bool
is_quote(const struct worker *worker, const struct jbr_frame *frame)
{
	struct jbr_packet packet;

	jbr_packet_parse(frame, &worker->packet_options, &packet);
	return packet.kind != JBR_PACKET_TCP;
}

static void
lose(struct loop *loop, const struct jbr_frame *frame)
{
	struct jbr_counters *counters = &loop->worker->counters;

	loop->ring_full++;
	counters->received++;
	counters->received_bytes += frame->wire;
	counters->not_analysed[JBR_NOT_ANALYSED_RING_FULL]++;
}

/* Hand on what belongs to others; places of @p mbufs that were are empty after.
 * @param has_quotes  some of them were counted here already: they are no segments */
static void
hand_on(struct loop *loop, const struct jbr_frame *frames, struct rte_mbuf **mbufs, bool has_quotes)
{
	struct worker *worker = loop->worker;

	for (unsigned i = 0; i < worker->nb_foreign; i++) {
		unsigned at = worker->foreign[i];
		bool is_counted = has_quotes && is_quote(worker, &frames[at]);
		struct loop_passed passed = {mbufs[at], frames[at].number};
		unsigned sent;

		mbufs[at]->port = frames[at].port; /* the configured one's index from here on */
		sent = rte_ring_sp_enqueue_burst_elem(loop->out[worker->foreign_to[i]], &passed,
			sizeof(passed), 1, NULL);
		if (sent == 1)
			mbufs[at] = NULL;
		loop->quotes_out += sent == 1 && is_counted;
		loop->quotes_lost += sent == 0 && is_counted;
		loop->ring_out += sent == 1 && !is_counted;
		if (sent == 0 && !is_counted)
			lose(loop, &frames[at]);
	}
}

static void
analyse(struct loop *loop, const struct jbr_frame *frames, unsigned count, uint64_t now_ns)
{
	struct worker *worker = loop->worker;

	if (worker_is_nearly_full(worker, count))
		outbox_post(&loop->outbox, &worker->output);
	pipeline_burst(worker, frames, count);
	if (loop->first_ns == 0)
		loop->first_ns = now_ns;
	loop->last_ns = now_ns;
}

/* ---- a turn ---- */

static unsigned
poll_queue(struct loop *loop, struct loop_queue *queue, uint64_t now_ns)
{
	struct rte_mbuf *mbufs[BURST_MAX];
	struct jbr_frame frames[BURST_MAX];
	struct worker *worker = loop->worker;
	uint64_t counted = worker->counters.received;
	unsigned count = rte_eth_rx_burst(queue->port_id, queue->queue, mbufs, BURST_MAX);

	if (count == 0)
		return 0;
	for (unsigned i = 0; i < count; i++)
		__builtin_prefetch(rte_pktmbuf_mtod(mbufs[i], const void *));
	for (unsigned i = 0; i < count; i++) {
		frame_of(mbufs[i], now_ns, &frames[i]);
		frames[i].port = queue->port;
		frames[i].number = (loop->polled + i + 1) * loop->workers + loop->index;
	}
	loop->polled += count;
	queue->polled += count;
	analyse(loop, frames, count, now_ns);
	counted = worker->counters.received - counted;
	if (worker->nb_foreign > 0)
		hand_on(loop, frames, mbufs, counted + worker->nb_foreign > count);
	rte_pktmbuf_free_bulk(mbufs, count);
	return count;
}

/* Segments among the frames that came from the worker @p from; the rest are quotes. */
static void
count_passed(struct loop *loop, uint64_t segments_before, unsigned count)
{
	uint64_t segments = loop->worker->counters.tcp - segments_before;

	loop->ring_in += segments;
	loop->quotes_in += count - segments;
}

static unsigned
poll_ring(struct loop *loop, struct rte_ring *ring, uint64_t now_ns)
{
	struct loop_passed passed[BURST_MAX];
	struct rte_mbuf *mbufs[BURST_MAX];
	struct jbr_frame frames[BURST_MAX];
	uint64_t segments = loop->worker->counters.tcp;
	unsigned count = rte_ring_sc_dequeue_burst_elem(ring, passed, sizeof(passed[0]), BURST_MAX,
		NULL);

	if (count == 0)
		return 0;
	for (unsigned i = 0; i < count; i++) {
		mbufs[i] = passed[i].mbuf;
		__builtin_prefetch(mbufs[i]);
	}
	for (unsigned i = 0; i < count; i++) {
		frame_of(mbufs[i], now_ns, &frames[i]);
		frames[i].port = mbufs[i]->port;
		frames[i].number = passed[i].number;
	}
	analyse(loop, frames, count, now_ns);
	count_passed(loop, segments, count);
	rte_pktmbuf_free_bulk(mbufs, count);
	return count;
}

/* The gaps between polls, in ns and coarser. */
static void
gaps_in_ns(const struct loop *loop, struct jbr_histogram *histogram)
{
	uint64_t ticks_per_us = jbr_max_u64(loop->ticks_per_us, 1);

	memset(histogram, 0, sizeof(*histogram));
	for (unsigned i = 0; i < GAP_BUCKETS; i++)
		if (loop->gap.counts[i] > 0)
			histogram->counts[jbr_histogram_bucket(gap_bound(i) * JBR_NS_PER_US /
				ticks_per_us)] += loop->gap.counts[i];
	/* 2^64 ns are centuries, 2^64 ticks times 1000 are weeks */
	histogram->sum = loop->all_ticks / ticks_per_us * JBR_NS_PER_US;
}

/* What readers see of this worker, renewed between two bursts: so its parts agree. */
static void
publish(struct loop *loop)
{
	struct jbr_worker_figures *figures = &loop->figures;
	uint32_t asked = __atomic_load_n(&loop->asked, __ATOMIC_ACQUIRE);

	if (loop->block == NULL)
		return;
	worker_figures(loop->worker, figures);
	figures->polled = loop->polled;
	figures->ring_in = loop->ring_in;
	figures->ring_out = loop->ring_out;
	figures->polls = loop->turns;
	figures->busy_cycles = loop->busy_ticks;
	figures->cycles = loop->all_ticks;
	figures->lost_records = loop->outbox.lost_records;
	figures->lost_findings = loop->outbox.lost_findings;
	memset(figures->port_polled, 0, sizeof(figures->port_polled));
	for (unsigned i = 0; i < loop->nb_queues; i++)
		figures->port_polled[loop->queues[i].port] += loop->queues[i].polled;
	gaps_in_ns(loop, &figures->poll_gap);
	jbr_publish_block(loop->block, figures);
	__atomic_store_n(&loop->answered, asked, __ATOMIC_RELEASE);
}

/* Now and then: timers that are due, and what is to be told. */
static void
look_after(struct loop *loop, uint64_t tsc, uint64_t now_ns)
{
	if (tsc - loop->timers_tsc >= LOOP_TIMERS_US * loop->ticks_per_us) {
		/* what has no room now is done next time, before it is asked for */
		if (!pipeline_expire(loop->worker, now_ns))
			outbox_post(&loop->outbox, &loop->worker->output);
		else
			loop->timers_tsc = tsc;
	}
	if (tsc - loop->output_tsc >= LOOP_OUTPUT_US * loop->ticks_per_us) {
		outbox_post(&loop->outbox, &loop->worker->output);
		publish(loop);
		loop->output_tsc = tsc;
	} else if (__atomic_load_n(&loop->asked, __ATOMIC_RELAXED) != loop->answered) {
		publish(loop);
	}
}

/* Time that the turn before took. */
static void
account(struct loop *loop, uint64_t tsc)
{
	uint64_t ticks = tsc - loop->last_tsc;

	if (loop->last_tsc != 0) {
		gap_add(&loop->gap, ticks);
		loop->all_ticks += ticks;
		loop->busy_ticks += loop->had_frames ? ticks : 0;
	}
	loop->last_tsc = tsc;
	loop->turns++;
}

/* @return how many frames it had */
static unsigned
turn(struct loop *loop, enum loop_order order)
{
	uint64_t tsc = clock_tsc();
	uint64_t now_ns = clock_reader_now_ns(&loop->clock, tsc);
	unsigned count = 0;

	account(loop, tsc);
	for (unsigned i = 0; i < loop->nb_queues && order < LOOP_RINGS; i++)
		count += poll_queue(loop, &loop->queues[i], now_ns);
	for (unsigned i = 0; i < loop->workers; i++)
		if (loop->in[i] != NULL)
			count += poll_ring(loop, loop->in[i], now_ns);
	look_after(loop, tsc, now_ns);
	loop->had_frames = count > 0;
	loop->empty_turns = count > 0 ? 0 : loop->empty_turns + 1;
	return count;
}

static void
reach(struct loop *loop, enum loop_order order)
{
	__atomic_store_n(&loop->reached, order, __ATOMIC_RELEASE);
}

/* @return whether the order is done */
static bool
is_done(const struct loop *loop, enum loop_order order, unsigned count)
{
	switch (order) {
	case LOOP_DRAIN:
		return loop->empty_turns >= LOOP_DRY_TURNS;
	case LOOP_RINGS:
		return true;
	case LOOP_SETTLE:
		return count == 0;
	case LOOP_POLL:
	case LOOP_FINISH:
		break;
	}
	return false;
}

static enum loop_pause
finish(struct loop *loop)
{
	struct worker *worker = loop->worker;
	uint64_t now_ns = clock_reader_now_ns(&loop->clock, clock_tsc());
	bool is_over = false;

	while (!is_over) {
		if (!outbox_has_room(&loop->outbox))
			return LOOP_WAIT;
		is_over = pipeline_finish(worker, now_ns);
		outbox_post(&loop->outbox, &worker->output);
	}
	publish(loop);
	reach(loop, LOOP_FINISH);
	return LOOP_DONE;
}

/* Between two bursts: no part of the worker holds a value of the old one. */
static void
take_config(struct loop *loop)
{
	const struct jbr_config *config = __atomic_load_n(&loop->config, __ATOMIC_ACQUIRE);

	if (config != NULL && config != loop->worker->config)
		__atomic_store_n(&loop->worker->config, config, __ATOMIC_RELEASE);
}

enum loop_pause
loop_run(struct loop *loop)
{
	for (;;) {
		enum loop_order order = (enum loop_order)__atomic_load_n(&loop->order,
			__ATOMIC_ACQUIRE);
		unsigned count;

		take_config(loop);
		if (order == LOOP_FINISH)
			return finish(loop);
		count = turn(loop, order);
		if (is_done(loop, order, count))
			reach(loop, order);
		if (loop->last_tsc - loop->tick_tsc >= LOOP_TICK_US * loop->ticks_per_us) {
			loop->tick_tsc = loop->last_tsc;
			return LOOP_TICK;
		}
		if (count > 0)
			continue;
		if (loop->pauses)
			__builtin_ia32_pause();
		if (loop->empty_turns > 0 && loop->empty_turns >= loop->turns_to_rest)
			return LOOP_IDLE;
	}
}
