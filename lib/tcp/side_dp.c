/* SPDX-License-Identifier: BSD-3-Clause */
/* The sides of a connection, exchanged. */
#include "jbr_tcp.h"

#define SWAP(pair) \
	do { \
		__typeof__((pair)[0]) swap_; \
		memcpy(&swap_, &(pair)[0], sizeof(swap_)); \
		memcpy(&(pair)[0], &(pair)[1], sizeof(swap_)); \
		memcpy(&(pair)[1], &swap_, sizeof(swap_)); \
	} while (0)

static void
swap_hot(struct jbr_tcp_hot *hot)
{
	static const uint32_t pairs[] = {
		JBR_TCP_SEEN_O,
		JBR_TCP_ACKED_O,
		JBR_TCP_HAD_DATA_O,
		JBR_TCP_LETTER_DATA_O,
		JBR_TCP_LETTER_ACK_O,
		JBR_TCP_TOLD_O,
		JBR_TCP_RESET_BY_O,
		JBR_TCP_ESTIMATED_O,
		JBR_TCP_HAS_TS_O,
	};

	for (unsigned i = 0; i < JBR_COUNT_OF(pairs); i++) {
		uint32_t both = pairs[i] | pairs[i] << 1;
		uint32_t bits = hot->flags & both;

		hot->flags &= ~both;
		hot->flags |= ((bits & pairs[i]) << 1) | ((bits >> 1) & pairs[i]);
	}
	hot->flags ^= JBR_TCP_FLIPPED;
	SWAP(hot->unacked_at);
	SWAP(hot->bytes);
	SWAP(hot->payload);
	SWAP(hot->packets);
	SWAP(hot->nxt);
	SWAP(hot->una);
	SWAP(hot->edge);
	SWAP(hot->window);
	SWAP(hot->ts);
	SWAP(hot->ip_id);
	SWAP(hot->ttl);
	SWAP(hot->scale);
	SWAP(hot->ip_id_steps);
}

static void
swap_ext(struct jbr_tcp_ext *ext)
{
	SWAP(ext->ranges);
	SWAP(ext->missing);
	SWAP(ext->zero_window_ns);
	SWAP(ext->zero_since_ns);
	SWAP(ext->retransmitted);
	SWAP(ext->retransmit_seq);
	SWAP(ext->stale_ts_ack);
	SWAP(ext->closed_acks);
	SWAP(ext->retransmit_copies);
	SWAP(ext->keepalives);
	SWAP(ext->probes);
	SWAP(ext->closed_acks_count);
	SWAP(ext->has_stale_ts);
	for (unsigned i = 0; i < JBR_TCP_RESETS_MAX; i++)
		ext->resets[i].by ^= 1;
}

void
jbr_tcp_swap(struct jbr_tcp_conn *conn)
{
	swap_hot(&conn->hot);
	SWAP(conn->cold.bytes);
	SWAP(conn->cold.payload);
	SWAP(conn->cold.fin_ns);
	SWAP(conn->cold.isn);
	SWAP(conn->cold.fin_end);
	SWAP(conn->cold.mss);
	SWAP(conn->cold.bad_checksums);
	if (conn->has_ext)
		swap_ext(&conn->ext);
}
