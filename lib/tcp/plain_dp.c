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
jbr_step_identity(struct jbr_tcp_hot *hot, const struct jbr_packet *packet, unsigned from)
{
	uint16_t step = (uint16_t)(packet->ip_id - hot->ip_id[from]);

	if (hot->ttl[from] != 0 && packet->ip_id != 0 && step > 0 && step < 256) {
		if (hot->ip_id_steps[from] < UINT8_MAX)
			hot->ip_id_steps[from]++;
	} else {
		hot->ip_id_steps[from] = 0;
	}
	hot->ip_id[from] = (uint16_t)packet->ip_id;
	hot->ttl[from] = packet->ttl;
}

void
jbr_step_data(struct jbr_tcp_hot *hot, const struct jbr_tcp_input *input)
{
	unsigned from = input->from;

	hot->data_ns = input->now_ns;
	hot->flags |= JBR_TCP_HAD_DATA_O << from;
	if (from == 0)
		hot->flags &= ~(uint32_t)JBR_TCP_LAST_DATA_R;
	else
		hot->flags |= JBR_TCP_LAST_DATA_R;
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

bool
jbr_tcp_step_plain(const struct jbr_tcp_hot *hot, const struct jbr_tcp_input *input,
	struct jbr_tcp_plain *ret_plain)
{
	const struct jbr_packet *packet = input->packet;
	unsigned from = input->from;
	unsigned to = from ^ 1;
	bool has_ts = (packet->options & JBR_OPT_TIMESTAMP) != 0;

	if (!(hot->flags & JBR_TCP_PLAIN) || packet->is_fragment ||
		(packet->flags & 0xfff & ~(unsigned)JBR_TCP_PSH) != JBR_TCP_ACK ||
		packet->checksum == JBR_CHECKSUM_BAD || packet->seq != hot->nxt[from] ||
		packet->window == 0 || input->now_ns < hot->last_ns ||
		packet->payload_captured != packet->payload_length)
		return false;
	if (jbr_tcp_is_before(packet->ack, hot->una[to]) ||
		jbr_tcp_is_before(hot->nxt[to], packet->ack))
		return false;
	if (packet->payload_length == 0 && packet->ack == hot->una[to])
		return false; /* a window update, a keepalive's answer, or a copy: look closely */
	if (has_ts != ((hot->has_ts >> from) & 1) ||
		(has_ts && jbr_tcp_is_before(packet->ts_value, hot->ts[from])))
		return false;
	ret_plain->nxt = packet->seq + packet->payload_length;
	ret_plain->una = packet->ack;
	ret_plain->acks_new = packet->ack != hot->una[to];
	ret_plain->window = jbr_tcp_scaled_window(hot, packet, from);
	ret_plain->edge = hot->edge[to];
	if (jbr_tcp_is_before(ret_plain->edge, packet->ack + ret_plain->window))
		ret_plain->edge = packet->ack + ret_plain->window;
	return true;
}

void
jbr_tcp_commit_plain(struct jbr_tcp_hot *hot, const struct jbr_tcp_input *input,
	const struct jbr_tcp_plain *plain)
{
	const struct jbr_packet *packet = input->packet;
	unsigned from = input->from;
	unsigned to = from ^ 1;

	jbr_step_count(hot, input);
	hot->last_ns = input->now_ns;
	jbr_step_identity(hot, packet, from);
	if (packet->options & JBR_OPT_TIMESTAMP)
		hot->ts[from] = packet->ts_value;
	hot->nxt[from] = plain->nxt;
	hot->una[to] = plain->una;
	hot->edge[to] = plain->edge;
	hot->window[from] = plain->window;
	jbr_step_waiting(hot, to, input->now_ns, plain->acks_new);
	if (packet->payload_length == 0)
		return;
	jbr_step_data(hot, input);
	jbr_step_waiting(hot, from, input->now_ns, false);
}
