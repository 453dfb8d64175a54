/* SPDX-License-Identifier: BSD-3-Clause */
/* Predicates over the sequence space; nothing here changes a connection. */
#include "jbr_tcp.h"

uint32_t
jbr_tcp_scaled_window(const struct jbr_tcp_hot *hot, const struct jbr_packet *packet, unsigned from)
{
	return (uint32_t)packet->window
		<< (packet->flags & JBR_TCP_SYN ? 0 : jbr_tcp_window_shift(hot, from));
}

static bool
is_seen(const struct jbr_tcp_hot *hot, unsigned side)
{
	return (hot->flags & (JBR_TCP_SEEN_O << side)) != 0;
}

static bool
is_acked(const struct jbr_tcp_hot *hot, unsigned side)
{
	return (hot->flags & (JBR_TCP_ACKED_O << side)) != 0;
}

enum jbr_tcp_fit
jbr_tcp_reset_fit(const struct jbr_tcp_hot *hot, const struct jbr_packet *packet, unsigned from)
{
	uint32_t window = hot->window[from ^ 1];

	if (is_seen(hot, from) && packet->seq == hot->nxt[from])
		return JBR_TCP_FIT_EXACT;
	if (!is_acked(hot, from))
		return JBR_TCP_FIT_UNKNOWN;
	if (packet->seq == hot->una[from])
		return JBR_TCP_FIT_EXACT;
	/* a zero window still takes the next byte's number, RFC 9293 3.10.7.4 */
	if (window == 0)
		window = 1;
	if (!jbr_tcp_is_before(packet->seq, hot->una[from]) &&
		jbr_tcp_is_before(packet->seq, hot->una[from] + window))
		return JBR_TCP_FIT_IN_WINDOW;
	return JBR_TCP_FIT_OUTSIDE;
}

bool
jbr_tcp_is_keepalive(const struct jbr_tcp_hot *hot, const struct jbr_packet *packet, unsigned from)
{
	return packet->payload_length <= 1 && is_seen(hot, from) &&
		(packet->flags & (JBR_TCP_SYN | JBR_TCP_FIN | JBR_TCP_RST)) == 0 &&
		packet->seq == hot->nxt[from] - 1;
}

bool
jbr_tcp_is_repetition(const struct jbr_tcp_hot *hot, const struct jbr_packet *packet, unsigned from)
{
	uint32_t end = packet->seq + jbr_tcp_segment_length(packet);
	bool has_ts = (packet->options & JBR_OPT_TIMESTAMP) != 0;

	if (!is_seen(hot, from) || jbr_tcp_is_before(hot->nxt[from], end))
		return false;
	if (packet->flags & JBR_TCP_RST)
		return true;
	if (has_ts && (hot->flags & (JBR_TCP_HAS_TS_O << from)) &&
		jbr_tcp_is_before(hot->ts[from], packet->ts_value))
		return false;
	if ((packet->flags & JBR_TCP_ACK) && is_acked(hot, from ^ 1) &&
		jbr_tcp_is_before(hot->una[from ^ 1], packet->ack))
		return false;
	return true;
}

/* Take out the range at @p at. */
static void
range_remove(struct jbr_tcp_ranges *ranges, unsigned at)
{
	for (unsigned i = at + 1; i < ranges->count; i++) {
		ranges->left[i - 1] = ranges->left[i];
		ranges->right[i - 1] = ranges->right[i];
	}
	ranges->count--;
}

/* Ranges that touch the contiguous part become part of it. */
static void
ranges_absorb(struct jbr_tcp_ranges *ranges)
{
	while (ranges->count > 0 && !jbr_tcp_is_before(ranges->next, ranges->left[0])) {
		if (jbr_tcp_is_before(ranges->next, ranges->right[0]))
			ranges->next = ranges->right[0];
		range_remove(ranges, 0);
	}
}

/* Make place at @p at. */
static void
range_open(struct jbr_tcp_ranges *ranges, unsigned at)
{
	for (unsigned i = ranges->count; i > at; i--) {
		ranges->left[i] = ranges->left[i - 1];
		ranges->right[i] = ranges->right[i - 1];
	}
	ranges->count++;
}

/* Put [seq, end), which starts beyond the contiguous part, among the sorted ranges. */
static bool
range_insert(struct jbr_tcp_ranges *ranges, uint32_t seq, uint32_t end)
{
	unsigned at = 0;

	while (at < ranges->count && jbr_tcp_is_before(ranges->right[at], seq))
		at++;
	if (at < ranges->count && !jbr_tcp_is_before(seq, ranges->left[at]) &&
		!jbr_tcp_is_before(ranges->right[at], end))
		return false;
	while (at < ranges->count && !jbr_tcp_is_before(end, ranges->left[at])) {
		if (jbr_tcp_is_before(ranges->left[at], seq))
			seq = ranges->left[at];
		if (jbr_tcp_is_before(end, ranges->right[at]))
			end = ranges->right[at];
		range_remove(ranges, at);
	}
	if (ranges->count < JBR_TCP_RANGES_MAX) {
		range_open(ranges, at);
	} else if (at == JBR_TCP_RANGES_MAX) {
		/* no place: the gap below the highest counts as seen */
		ranges->right[at - 1] = end;
		return true;
	} else {
		unsigned top = JBR_TCP_RANGES_MAX - 1;

		if (at == top) {
			ranges->left[top] = seq;
			return true;
		}
		ranges->right[top - 1] = ranges->right[top];
		ranges->count--;
		range_open(ranges, at);
	}
	ranges->left[at] = seq;
	ranges->right[at] = end;
	return true;
}

bool
jbr_tcp_ranges_add(struct jbr_tcp_ranges *ranges, uint32_t seq, uint32_t end)
{
	if (!jbr_tcp_is_before(ranges->next, end))
		return false;
	if (jbr_tcp_is_before(ranges->next, seq))
		return range_insert(ranges, seq, end);
	ranges->next = end;
	ranges_absorb(ranges);
	return true;
}

unsigned
jbr_tcp_ranges_acknowledge(struct jbr_tcp_ranges *ranges, uint32_t ack, uint32_t *ret_missing)
{
	unsigned holes = 0;
	uint32_t missing = 0;

	while (jbr_tcp_is_before(ranges->next, ack)) {
		uint32_t until = ack;

		if (ranges->count > 0 && jbr_tcp_is_before(ranges->left[0], ack))
			until = ranges->left[0];
		missing += until - ranges->next;
		holes++;
		ranges->next = until;
		ranges_absorb(ranges);
	}
	*ret_missing = missing;
	return holes;
}
