/* SPDX-License-Identifier: BSD-3-Clause */
/* Zeek's conn_state and history, so that people who know them read the same letters. The meaning is
 * Zeek's throughout, also where jabiru's own machine knows better: any RST takes effect, a SYN-ACK
 * alone establishes. What follows later than 5 s after Zeek saw the close would be another
 * connection there, so it changes nothing here. */
#include "jbr_tcp.h"

enum { CLOSE_DELAY_S = 5, SEQUENCE_JUMP_MAX = 1 << 20 };

enum {
	LETTER_SYN = 1 << 0,
	LETTER_FIN = 1 << 1,
	LETTER_RST = 1 << 2,
	LETTER_FIN_RST = 1 << 3,
	LETTER_DATA = 1 << 4,
	LETTER_ACK = 1 << 5,
	LETTER_SYN_PAIR = 1 << 6,
};

/* Ports of Zeek's likely_server_ports that are TCP, as its analysers register them; sorted. */
static const uint16_t likely_server_ports[] = {
	21,
	22,
	25,
	53,
	79,
	80,
	81,
	88,
	135,
	139,
	143,
	389,
	443,
	445,
	465,
	502,
	514,
	563,
	585,
	587,
	614,
	631,
	636,
	989,
	990,
	992,
	993,
	995,
	1080,
	1434,
	1883,
	2811,
	3128,
	3268,
	3306,
	3389,
	5222,
	5223,
	5269,
	5432,
	6379,
	6666,
	6667,
	6668,
	6669,
	8000,
	8080,
	8888,
	20000,
};

static bool
is_likely_server_port(uint16_t port)
{
	unsigned low = 0;
	unsigned high = JBR_COUNT_OF(likely_server_ports);

	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (likely_server_ports[middle] == port)
			return true;
		if (likely_server_ports[middle] < port)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static void
add_letter(struct jbr_tcp_cold *cold, char letter)
{
	if (cold->history_length < JBR_TCP_HISTORY_SIZE)
		cold->history[cold->history_length++] = letter;
}

static unsigned
zeek_index(const struct jbr_tcp_conn *conn, unsigned side)
{
	return side ^ ((conn->hot.flags & JBR_TCP_FLIPPED) != 0);
}

static void
add_side_letter(struct jbr_tcp_cold *cold, unsigned index, char letter)
{
	add_letter(cold, index == 0 ? letter : (char)(letter | 0x20));
}

/* A letter that stands once for each side.
 * @return it had stood there before */
static bool
letter_once(struct jbr_tcp_cold *cold, unsigned index, unsigned bit, char letter)
{
	struct jbr_zeek_side *side = &cold->zeek[index];

	if (side->letters & bit)
		return true;
	side->letters |= (uint16_t)bit;
	add_side_letter(cold, index, letter);
	return false;
}

/* A letter at the 1st, 10th, 100th, ... time. */
static void
letter_scaled(struct jbr_tcp_cold *cold, unsigned index, uint16_t *count, char letter)
{
	if (*count == UINT16_MAX)
		return;
	++*count;
	if (*count == 1 || *count == 10 || *count == 100 || *count == 1000 || *count == 10000)
		add_side_letter(cold, index, letter);
}

static void
flip(struct jbr_tcp_conn *conn)
{
	struct jbr_tcp_cold *cold = &conn->cold;
	struct jbr_zeek_side side = cold->zeek[0];

	cold->zeek[0] = cold->zeek[1];
	cold->zeek[1] = side;
	conn->hot.flags ^= JBR_TCP_FLIPPED;
	add_letter(cold, '^');
}

void
jbr_zeek_begin(struct jbr_tcp_conn *conn, const struct jbr_tcp_input *input)
{
	const struct jbr_packet *packet = input->packet;
	bool is_flipped = false;

	if ((packet->flags & (JBR_TCP_SYN | JBR_TCP_ACK)) == JBR_TCP_SYN)
		return;
	if (is_likely_server_port(packet->src_port)) {
		is_flipped = true;
		if (is_likely_server_port(packet->dst_port))
			is_flipped = !(packet->flags & JBR_TCP_SYN) &&
				packet->src_port < packet->dst_port;
	}
	if (is_flipped)
		flip(conn);
}

void
jbr_zeek_sync(struct jbr_tcp_conn *conn)
{
	if (!(conn->hot.flags & JBR_TCP_PLAIN))
		return;
	for (unsigned side = 0; side < JBR_TCP_SIDES; side++) {
		struct jbr_zeek_side *z = &conn->cold.zeek[zeek_index(conn, side)];

		z->last = conn->hot.nxt[side];
		z->ack = conn->hot.una[side];
	}
}

/* A first data or ACK letter after a lone SYN-ACK shows that its sender was the server. */
static void
flip_after_synack(struct jbr_tcp_conn *conn)
{
	struct jbr_tcp_cold *cold = &conn->cold;

	if (cold->history_length != 1 || cold->history[0] != 'H')
		return;
	flip(conn);
	cold->history_length = 0;
	add_letter(cold, '^');
	add_letter(cold, 'h');
}

static void
history_of_control(struct jbr_tcp_cold *cold, unsigned index, const struct jbr_packet *packet)
{
	struct jbr_zeek_side *side = &cold->zeek[index];
	uint32_t at = packet->seq - side->start;
	char letter = packet->flags & JBR_TCP_ACK ? 'H' : 'S';

	if (packet->flags & JBR_TCP_SYN) {
		if (letter_once(cold, index, LETTER_SYN, letter) && at != side->syn_at)
			add_side_letter(cold, index, letter);
		side->syn_at = at;
	} else if (packet->flags & JBR_TCP_FIN) {
		at += packet->payload_length;
		if (letter_once(cold, index, LETTER_FIN, 'F') && at != side->fin_at)
			add_side_letter(cold, index, 'F');
		side->fin_at = at;
	} else {
		if (letter_once(cold, index, LETTER_RST, 'R') && at != side->rst_at)
			add_side_letter(cold, index, 'R');
		side->rst_at = at;
	}
}

static void
history_of(struct jbr_tcp_conn *conn, unsigned from, const struct jbr_packet *packet)
{
	unsigned control = packet->flags & (JBR_TCP_SYN | JBR_TCP_FIN | JBR_TCP_RST);
	unsigned index = zeek_index(conn, from);

	if (control & (control - 1)) {
		if ((control & JBR_TCP_FIN) && (control & JBR_TCP_RST))
			letter_once(&conn->cold, index, LETTER_FIN_RST, 'I');
		else
			letter_once(&conn->cold, index, LETTER_SYN_PAIR, 'Q');
		return;
	}
	if (control != 0) {
		history_of_control(&conn->cold, index, packet);
		return;
	}
	if (packet->payload_length == 0 && !(packet->flags & JBR_TCP_ACK))
		return;
	flip_after_synack(conn);
	index = zeek_index(conn, from);
	if (packet->payload_length > 0)
		letter_once(&conn->cold, index, LETTER_DATA, 'D');
	else
		letter_once(&conn->cold, index, LETTER_ACK, 'A');
}

static void
set_state(struct jbr_zeek_side *side, enum jbr_zeek_state state)
{
	if (side->state == state)
		return;
	side->previous = side->state;
	side->state = (uint8_t)state;
}

/* Numbers a side starts from, or starts again from. */
static void
begin_side(struct jbr_zeek_side *side, const struct jbr_packet *packet, uint32_t end)
{
	bool is_syn = (packet->flags & JBR_TCP_SYN) != 0;
	uint32_t start = is_syn ? packet->seq : packet->seq - 1;

	switch ((enum jbr_zeek_state)side->state) {
	case JBR_ZEEK_INACTIVE:
		if (!is_syn)
			end = packet->seq;
		break;
	case JBR_ZEEK_SYN_SENT:
	case JBR_ZEEK_SYN_ACK_SENT:
		if (!is_syn || packet->seq == side->start)
			return;
		break;
	case JBR_ZEEK_PARTIAL:
	case JBR_ZEEK_ESTABLISHED:
		if (!is_syn)
			return;
		break;
	case JBR_ZEEK_RESET:
		if (!is_syn || side->previous != JBR_ZEEK_INACTIVE)
			return;
		break;
	case JBR_ZEEK_CLOSED:
		return;
	}
	side->start = start;
	side->ack = start;
	side->last = end;
}

static void
take_ack(struct jbr_zeek_side *peer, const struct jbr_packet *packet)
{
	int32_t delta;

	if (!(packet->flags & JBR_TCP_ACK))
		return;
	if (peer->state == JBR_ZEEK_INACTIVE) {
		peer->start = packet->ack - 1;
		peer->ack = packet->ack - 1;
		peer->last = packet->ack - 1;
		return;
	}
	delta = jbr_tcp_distance(packet->ack, peer->ack);
	if (packet->flags & JBR_TCP_RST)
		return;
	if (packet->ack == 0 && delta > SEQUENCE_JUMP_MAX)
		return;
	if (delta > 0)
		peer->ack = packet->ack;
}

/* The end of the highest segment, and 't' where a segment repeats payload. */
static void
take_last(struct jbr_tcp_cold *cold, unsigned index, const struct jbr_packet *packet, uint32_t end)
{
	struct jbr_zeek_side *side = &cold->zeek[index];
	int32_t delta = jbr_tcp_distance(end, side->last);

	if ((packet->flags & (JBR_TCP_SYN | JBR_TCP_RST)) &&
		(delta > SEQUENCE_JUMP_MAX || delta < -SEQUENCE_JUMP_MAX))
		return;
	if ((packet->flags & JBR_TCP_FIN) && side->last == side->start + 1)
		side->last = end;
	else if (side->state == JBR_ZEEK_RESET)
		return;
	else if (delta > 0)
		side->last = end;
	else if (packet->payload_length > 0)
		letter_scaled(cold, index, &side->retransmitted, 'T');
}

/* What the first control flags of a side do. */
static void
from_inactive(struct jbr_zeek_side *side, struct jbr_zeek_side *peer,
	const struct jbr_packet *packet, bool is_orig)
{
	unsigned flags = packet->flags;

	if (flags & JBR_TCP_SYN) {
		if (is_orig) {
			set_state(side,
				flags & JBR_TCP_ACK ? JBR_ZEEK_SYN_ACK_SENT : JBR_ZEEK_SYN_SENT);
		} else {
			if (peer->state == JBR_ZEEK_SYN_SENT)
				set_state(peer, JBR_ZEEK_ESTABLISHED);
			set_state(side, JBR_ZEEK_ESTABLISHED);
		}
	}
	if (flags & JBR_TCP_FIN)
		set_state(side, JBR_ZEEK_CLOSED);
	if (flags & JBR_TCP_RST)
		set_state(side, JBR_ZEEK_RESET);
	if (side->state != JBR_ZEEK_INACTIVE)
		return;
	if (!is_orig && packet->payload_length == 0 && peer->state == JBR_ZEEK_SYN_SENT)
		return; /* some servers acknowledge a SYN before they answer it */
	if ((flags & JBR_TCP_ACK) && peer->state == JBR_ZEEK_ESTABLISHED)
		set_state(side, JBR_ZEEK_ESTABLISHED);
	else
		set_state(side, JBR_ZEEK_PARTIAL);
}

static void
from_established(struct jbr_zeek_side *side, struct jbr_zeek_side *peer,
	const struct jbr_packet *packet)
{
	unsigned flags = packet->flags;

	if ((flags & JBR_TCP_SYN) && !(flags & JBR_TCP_ACK) && side->state == JBR_ZEEK_PARTIAL &&
		peer->state == JBR_ZEEK_INACTIVE)
		set_state(side, JBR_ZEEK_SYN_SENT);
	if ((flags & JBR_TCP_FIN) && !(flags & JBR_TCP_RST)) {
		set_state(side, JBR_ZEEK_CLOSED);
		if (peer->state == JBR_ZEEK_RESET && peer->previous == JBR_ZEEK_CLOSED)
			set_state(peer, JBR_ZEEK_CLOSED);
	}
	if (flags & JBR_TCP_RST)
		set_state(side, JBR_ZEEK_RESET);
}

static void
take_state(struct jbr_zeek_side *side, struct jbr_zeek_side *peer, const struct jbr_packet *packet,
	bool is_orig)
{
	switch ((enum jbr_zeek_state)side->state) {
	case JBR_ZEEK_INACTIVE:
		from_inactive(side, peer, packet, is_orig);
		break;
	case JBR_ZEEK_SYN_SENT:
	case JBR_ZEEK_SYN_ACK_SENT:
		if (packet->flags & JBR_TCP_FIN)
			set_state(side, JBR_ZEEK_CLOSED);
		if (packet->flags & JBR_TCP_RST)
			set_state(side, JBR_ZEEK_RESET);
		break;
	case JBR_ZEEK_PARTIAL:
	case JBR_ZEEK_ESTABLISHED:
		from_established(side, peer, packet);
		break;
	case JBR_ZEEK_CLOSED:
		if ((packet->flags & JBR_TCP_RST) && peer->state != JBR_ZEEK_CLOSED)
			set_state(side, JBR_ZEEK_RESET);
		break;
	case JBR_ZEEK_RESET:
		break;
	}
}

static bool
is_clean(const struct jbr_zeek_side *side)
{
	return side->state == JBR_ZEEK_ESTABLISHED ||
		(side->state == JBR_ZEEK_CLOSED && side->previous == JBR_ZEEK_ESTABLISHED);
}

static bool
is_over(const struct jbr_tcp_conn *conn, uint64_t now_ns)
{
	return conn->cold.close_ns != 0 &&
		now_ns > conn->cold.close_ns + CLOSE_DELAY_S * JBR_NS_PER_S;
}

static void
take_close(struct jbr_tcp_conn *conn, struct jbr_zeek_side *side, struct jbr_zeek_side *peer,
	const struct jbr_tcp_input *input)
{
	if (!(input->packet->flags & (JBR_TCP_FIN | JBR_TCP_RST)) || side->did_close)
		return;
	side->did_close = true;
	if (side->state == JBR_ZEEK_RESET || peer->did_close || peer->state == JBR_ZEEK_INACTIVE)
		conn->cold.close_ns = input->now_ns;
}

void
jbr_zeek_step(struct jbr_tcp_conn *conn, const struct jbr_tcp_input *input, unsigned gaps)
{
	const struct jbr_packet *packet = input->packet;
	struct jbr_tcp_cold *cold = &conn->cold;
	uint32_t end = packet->seq + jbr_tcp_segment_length(packet);
	unsigned index = zeek_index(conn, input->from);
	struct jbr_zeek_side *side;
	struct jbr_zeek_side *peer;

	if (is_over(conn, input->now_ns))
		return;
	begin_side(&cold->zeek[index], packet, end);
	history_of(conn, input->from, packet);
	index = zeek_index(conn, input->from); /* the letter may have flipped the sides */
	side = &cold->zeek[index];
	peer = &cold->zeek[index ^ 1];
	if (packet->window == 0 && !(packet->flags & JBR_TCP_RST) &&
		peer->state != JBR_ZEEK_CLOSED && side->state != JBR_ZEEK_RESET)
		letter_scaled(cold, index, &side->zero_windows, 'W');
	if (packet->flags & JBR_TCP_FIN)
		side->has_fin = true;
	take_ack(peer, packet);
	take_last(cold, index, packet, end);
	if (index == 1 && (packet->flags & (JBR_TCP_SYN | JBR_TCP_ACK)) == JBR_TCP_SYN &&
		side->state == JBR_ZEEK_INACTIVE && peer->state == JBR_ZEEK_SYN_ACK_SENT) {
		/* the SYN after its SYN-ACK: two interfaces, one a little late */
		set_state(side, JBR_ZEEK_ESTABLISHED);
		set_state(peer, JBR_ZEEK_ESTABLISHED);
		flip(conn);
		index ^= 1;
		side = &cold->zeek[index];
		peer = &cold->zeek[index ^ 1];
	} else {
		take_state(side, peer, packet, index == 0);
	}
	for (; gaps > 0; gaps--)
		if (is_clean(side) && is_clean(peer))
			letter_scaled(cold, index ^ 1, &peer->gaps, 'G');
	take_close(conn, side, peer, input);
}

void
jbr_zeek_open(struct jbr_tcp_cold *cold, uint32_t seq)
{
	struct jbr_zeek_side *side = &cold->zeek[0];

	side->start = seq;
	side->ack = seq;
	side->last = seq + 1;
	side->letters = LETTER_SYN;
	side->state = JBR_ZEEK_SYN_SENT;
	add_letter(cold, 'S');
}

void
jbr_zeek_plain(struct jbr_tcp_hot *hot, struct jbr_tcp_cold *cold, bool has_payload, unsigned from)
{
	unsigned index = from ^ ((hot->flags & JBR_TCP_FLIPPED) != 0);

	if (has_payload) {
		letter_once(cold, index, LETTER_DATA, 'D');
		hot->flags |= JBR_TCP_LETTER_DATA_O << from;
	} else {
		letter_once(cold, index, LETTER_ACK, 'A');
		hot->flags |= JBR_TCP_LETTER_ACK_O << from;
	}
}

void
jbr_zeek_corrupt(struct jbr_tcp_conn *conn, unsigned from)
{
	unsigned index = zeek_index(conn, from);

	letter_scaled(&conn->cold, index, &conn->cold.zeek[index].bad_checksums, 'C');
}

/* Bytes a side sent, by its numbers; only whether it is zero matters. */
static bool
sent_nothing(const struct jbr_zeek_side *side, const struct jbr_zeek_side *peer)
{
	uint32_t end = jbr_tcp_is_before(side->last, side->ack) ? side->ack : side->last;
	uint32_t size = end - side->start;

	if (side->previous == JBR_ZEEK_SYN_SENT && side->state == JBR_ZEEK_RESET &&
		peer->state == JBR_ZEEK_INACTIVE && side->ack - side->start > 1)
		return true;
	if (size != 0)
		size--;
	if (side->has_fin && size != 0)
		size--;
	return size == 0;
}

/* SYN first, nothing between but what RSTOS0 allows, then the RST. */
static bool
is_syn_then_rst(const struct jbr_tcp_cold *cold)
{
	unsigned at = cold->history_length > 0 && cold->history[0] == '^';

	if (at >= cold->history_length || cold->history[at] != 'S')
		return false;
	for (at++; at < cold->history_length; at++) {
		if (cold->history[at] == 'R')
			return true;
		if (memchr("HAFGIQ", cold->history[at], 6) != NULL)
			return false;
	}
	return false;
}

static enum jbr_outcome
reset_by_responder(const struct jbr_zeek_side *orig, const struct jbr_zeek_side *resp)
{
	if (orig->state == JBR_ZEEK_SYN_SENT || orig->state == JBR_ZEEK_SYN_ACK_SENT)
		return JBR_OUTCOME_REJ;
	if (orig->state == JBR_ZEEK_RESET && sent_nothing(orig, resp) && sent_nothing(resp, orig))
		return JBR_OUTCOME_REJ;
	if (orig->state == JBR_ZEEK_INACTIVE || orig->state == JBR_ZEEK_PARTIAL)
		return JBR_OUTCOME_RSTRH;
	return JBR_OUTCOME_RSTR;
}

enum jbr_outcome
jbr_zeek_conn_state(const struct jbr_tcp_conn *conn)
{
	const struct jbr_zeek_side *orig = &conn->cold.zeek[0];
	const struct jbr_zeek_side *resp = &conn->cold.zeek[1];
	bool is_orig_absent = orig->state == JBR_ZEEK_INACTIVE || orig->state == JBR_ZEEK_PARTIAL;
	bool is_resp_absent = resp->state == JBR_ZEEK_INACTIVE || resp->state == JBR_ZEEK_PARTIAL;

	if (resp->state == JBR_ZEEK_RESET)
		return reset_by_responder(orig, resp);
	if (orig->state == JBR_ZEEK_RESET) {
		if (!is_resp_absent)
			return JBR_OUTCOME_RSTO;
		return is_syn_then_rst(&conn->cold) ? JBR_OUTCOME_RSTOS0 : JBR_OUTCOME_OTH;
	}
	if (orig->state == JBR_ZEEK_CLOSED && resp->state == JBR_ZEEK_CLOSED)
		return JBR_OUTCOME_SF;
	if (orig->state == JBR_ZEEK_CLOSED)
		return is_resp_absent ? JBR_OUTCOME_SH : JBR_OUTCOME_S2;
	if (resp->state == JBR_ZEEK_CLOSED)
		return is_orig_absent ? JBR_OUTCOME_SHR : JBR_OUTCOME_S3;
	if (orig->state == JBR_ZEEK_SYN_SENT && resp->state == JBR_ZEEK_INACTIVE)
		return JBR_OUTCOME_S0;
	if (orig->state == JBR_ZEEK_ESTABLISHED && resp->state == JBR_ZEEK_ESTABLISHED)
		return JBR_OUTCOME_S1;
	return JBR_OUTCOME_OTH;
}
