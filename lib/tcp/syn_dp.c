/* SPDX-License-Identifier: BSD-3-Clause */
/* A connection of which there is one SYN: few numbers say all of it. */
#include "jbr_tcp.h"

bool
jbr_tcp_syn_of(const struct jbr_tcp_input *input, struct jbr_tcp_syn *ret_syn)
{
	const unsigned control = JBR_TCP_SYN | JBR_TCP_ACK | JBR_TCP_FIN | JBR_TCP_RST;
	const struct jbr_packet *packet = input->packet;

	if ((packet->flags & control) != JBR_TCP_SYN || packet->payload_length != 0 ||
		packet->window == 0 || packet->vlan[1] != 0 || packet->tunnel != 0 ||
		packet->is_fragment || packet->checksum == JBR_CHECKSUM_BAD ||
		packet->ip_length > UINT16_MAX)
		return false;
	ret_syn->now_ns = input->now_ns;
	ret_syn->number = input->number;
	ret_syn->seq = packet->seq;
	ret_syn->has_ts = (packet->options & JBR_OPT_TIMESTAMP) != 0;
	ret_syn->ts_value = ret_syn->has_ts ? packet->ts_value : 0;
	ret_syn->ip_length = (uint16_t)packet->ip_length;
	ret_syn->ip_id = (uint16_t)packet->ip_id;
	ret_syn->mss = packet->options & JBR_OPT_MSS ? packet->mss : 0;
	ret_syn->vlan = packet->vlan[0];
	ret_syn->ttl = packet->ttl;
	ret_syn->scale = packet->options & JBR_OPT_WSCALE ? packet->wscale : JBR_TCP_SCALE_NONE;
	return true;
}

void
jbr_tcp_open(const struct jbr_tcp_syn *syn, struct jbr_tcp_hot *hot, struct jbr_tcp_cold *cold)
{
	uint8_t place = hot->place;

	memset(hot, 0, sizeof(*hot));
	hot->place = place;
	hot->last_ns = syn->now_ns;
	hot->last_number = syn->number;
	hot->bytes[0] = syn->ip_length;
	hot->packets[0] = 1;
	hot->nxt[0] = syn->seq + 1;
	hot->ts[0] = syn->ts_value;
	hot->flags = JBR_TCP_SEEN_O | JBR_TCP_SAW_SYN | (syn->has_ts ? JBR_TCP_HAS_TS_O : 0);
	hot->ip_id[0] = syn->ip_id;
	hot->ttl[0] = syn->ttl;
	hot->scale[0] = syn->scale;
	hot->scale[1] = JBR_TCP_SCALE_NONE;
	hot->state = JBR_TCP_STATE_SYN_SENT;
	memset(cold, 0, sizeof(*cold));
	cold->first_ns = syn->now_ns;
	cold->first_number = syn->number;
	cold->syn_ns = syn->now_ns;
	cold->isn[0] = syn->seq;
	cold->mss[0] = syn->mss;
	cold->vlan[0] = syn->vlan;
	cold->syn_count = 1;
	jbr_zeek_open(cold, syn->seq);
}
