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
		hot->unacked_ns[side] = 0;
	else if (has_moved || hot->unacked_ns[side] == 0)
		hot->unacked_ns[side] = now_ns;
}

bool
jbr_tcp_step_plain(const struct jbr_tcp_hot *hot, const struct jbr_tcp_input *input,
	struct jbr_tcp_hot *ret_hot, bool *ret_acks_new)
{
	const struct jbr_packet *packet = input->packet;
	unsigned from = input->from;
	unsigned to = from ^ 1;
	bool has_ts = (packet->options & JBR_OPT_TIMESTAMP) != 0;
	uint32_t scaled;

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
	*ret_hot = *hot;
	jbr_step_count(ret_hot, input);
	ret_hot->last_ns = input->now_ns;
	jbr_step_identity(ret_hot, packet, from);
	ret_hot->ts[from] = packet->ts_value;
	*ret_acks_new = packet->ack != hot->una[to];
	ret_hot->una[to] = packet->ack;
	jbr_step_waiting(ret_hot, to, input->now_ns, *ret_acks_new);
	scaled = jbr_tcp_scaled_window(hot, packet, from);
	ret_hot->window[from] = scaled;
	if (jbr_tcp_is_before(ret_hot->edge[to], packet->ack + scaled))
		ret_hot->edge[to] = packet->ack + scaled;
	if (packet->payload_length > 0) {
		ret_hot->nxt[from] += packet->payload_length;
		jbr_step_data(ret_hot, input);
		jbr_step_waiting(ret_hot, from, input->now_ns, false);
	}
	return true;
}
