/* SPDX-License-Identifier: BSD-3-Clause */
/* The plain case, and what every segment does. */
#include "step.h"

void
jbr_step_count(struct jbr_tcp_hot *hot, const struct jbr_tcp_input *input)
{
	const struct jbr_packet *packet = input->packet;
	unsigned from = input->from;

	hot->last_number = input->number;
	hot->packets[from]++;
	hot->bytes[from] += packet->ip_length;
	hot->payload[from] += packet->payload_length;
}

void
jbr_step_time(struct jbr_tcp_hot *hot, struct jbr_tcp_cold *cold, uint64_t now_ns)
{
	if (now_ns < hot->last_ns)
		cold->trust |= JBR_TRUST_CLOCK;
	else
		hot->last_ns = now_ns;
}

void
jbr_step_data(struct jbr_tcp_hot *hot, uint64_t now_ns, unsigned from)
{
	uint32_t last = from == 0 ? 0 : JBR_TCP_LAST_DATA_R;

	hot->data_ns = now_ns;
	hot->flags = (hot->flags & ~(uint32_t)JBR_TCP_LAST_DATA_R) | JBR_TCP_HAD_DATA_O << from |
		last;
}

/* Bytes that await their ACK: since when. */
void
jbr_step_waiting(struct jbr_tcp_hot *hot, unsigned side, uint64_t now_ns, bool has_moved)
{
	if (!jbr_step_has(hot, JBR_TCP_ACKED_O, side) || hot->una[side] == hot->nxt[side])
		hot->unacked_at[side] = 0;
	else if (has_moved || hot->unacked_at[side] == 0)
		hot->unacked_at[side] = jbr_tcp_units(now_ns);
}

/* Above it the narrow counts are moved to the cold part, by a full step. */
enum { COUNT_MAX = INT32_MAX };

bool
jbr_tcp_step_plain(const struct jbr_tcp_hot *hot, const struct jbr_tcp_segment *segment,
	struct jbr_tcp_plain *ret_plain)
{
	const struct jbr_glance *glance = segment->glance;
	unsigned from = segment->from;
	unsigned to = from ^ 1;
	uint32_t acked = glance->ack - hot->una[to];
	uint32_t edge;

	if (!(hot->flags & JBR_TCP_PLAIN) || glance->seq != hot->nxt[from] ||
		segment->now_ns < hot->last_ns || hot->bytes[from] > COUNT_MAX ||
		glance->has_ts != jbr_step_has(hot, JBR_TCP_HAS_TS_O, from))
		return false;
	/* una <= ack <= nxt */
	if (jbr_tcp_distance(acked, 0) < 0 || jbr_tcp_is_before(hot->nxt[to], glance->ack))
		return false;
	if ((glance->payload_length | acked) == 0)
		return false; /* a window update, a keepalive's answer, or a copy: look closely */
	if (glance->has_ts && jbr_tcp_is_before(glance->ts_value, hot->ts[from]))
		return false;
	ret_plain->nxt = glance->seq + glance->payload_length;
	ret_plain->una = glance->ack;
	ret_plain->acks_new = acked != 0;
	ret_plain->window = (uint32_t)glance->window << jbr_tcp_window_shift(hot, from);
	edge = glance->ack + ret_plain->window;
	ret_plain->edge = jbr_tcp_is_before(hot->edge[to], edge) ? edge : hot->edge[to];
	return true;
}

/* Whether a segment acknowledges, carries data or both is as good as random, so nothing branches on it:
 * the same as jbr_step_waiting() for the one side, jbr_step_data() and jbr_step_waiting() for the
 * other. */
static inline void
commit_waiting(struct jbr_tcp_hot *hot, const struct jbr_tcp_segment *segment, bool acks_new)
{
	unsigned from = segment->from;
	unsigned to = from ^ 1;
	uint32_t acks = -(uint32_t)acks_new;
	uint32_t data = -(uint32_t)(segment->glance->payload_length > 0);
	uint32_t awaits = -(uint32_t)(hot->una[to] != hot->nxt[to]);
	uint32_t begins = data & -(uint32_t)(hot->unacked_at[from] == 0);
	uint32_t units = jbr_tcp_units(segment->now_ns);
	uint32_t last = (uint32_t)JBR_TCP_LAST_DATA_R;
	uint64_t since_ns = segment->now_ns ^ hot->data_ns;

	hot->unacked_at[to] = (hot->unacked_at[to] & ~acks) | (units & awaits & acks);
	hot->unacked_at[from] |= units & begins;
	hot->data_ns ^= since_ns & (uint64_t)(int64_t)(int32_t)data;
	hot->flags = (hot->flags & ~(last & data)) |
		(data & (((uint32_t)JBR_TCP_HAD_DATA_O << from) | (last & -(uint32_t)from)));
}

void
jbr_tcp_commit_plain(struct jbr_tcp_hot *hot, const struct jbr_tcp_segment *segment,
	const struct jbr_tcp_plain *plain)
{
	const struct jbr_glance *glance = segment->glance;
	unsigned from = segment->from;
	unsigned to = from ^ 1;

	hot->last_ns = segment->now_ns;
	hot->last_number = segment->number;
	hot->packets[from]++;
	hot->bytes[from] += glance->ip_length;
	jbr_step_identity(hot, glance->ip_id, glance->ttl, from);
	if (glance->has_ts)
		hot->ts[from] = glance->ts_value;
	hot->una[to] = plain->una;
	hot->edge[to] = plain->edge;
	hot->window[from] = plain->window;
	hot->nxt[from] = plain->nxt;
	hot->payload[from] += glance->payload_length;
	commit_waiting(hot, segment, plain->acks_new);
}
