/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "builder_layer.h"

enum { GAP_MS = 5, RESPONSE_SEGMENT = 1400, NO_WSCALE = 15 };

/* Letters, so that a retransmission carries what the first copy did. */
static void
fill_payload(struct builder *frame, uint32_t seq, uint32_t length)
{
	for (uint32_t i = 0; i < length; i++)
		builder_bytes(frame, &(uint8_t){(uint8_t)('a' + (seq + i) % 26)}, 1);
}

/* "192.0.2.1:80" or "[2001:db8::1]:80" */
static bool
parse_endpoint(const char *text, struct builder_end *end)
{
	char copy[64];
	char *address = copy;
	char *colon;

	if (strlen(text) >= sizeof(copy))
		return false;
	strcpy(copy, text);
	colon = strrchr(copy, ':');
	if (colon == NULL)
		return false;
	*colon = '\0';
	if (copy[0] == '[' && colon[-1] == ']') {
		colon[-1] = '\0';
		address++;
	}
	end->address = builder_address(address);
	end->port = (uint16_t)strtoul(colon + 1, NULL, 10);
	return end->address.version != 0;
}

static void
init_end(struct builder_end *end, unsigned number)
{
	uint64_t mixed = jbr_mix64(end->port + UINT64_C(0x9e3779b97f4a7c15),
		0xd1342543de82ef95 + number);

	end->isn = (uint32_t)mixed;
	end->next = end->isn;
	end->ts_offset = (uint32_t)(mixed >> 32) & 0x0fffffff;
	end->ip_id = (uint16_t)(mixed >> 16);
	end->ip_id_step = 1;
	end->window = 502;
	end->syn_window = 64240;
	end->mss = end->address.version == 4 ? 1460 : 1440;
	end->wscale = 7;
	end->ttl = 64;
	end->has_timestamp = true;
	end->has_sack_ok = true;
	end->has_do_not_fragment = true;
	end->mac[0] = 2;
	end->mac[5] = (uint8_t)(number + 1);
}

void
builder_talk_init(struct builder_talk *talk, struct builder_trace *trace, uint64_t time_ns,
	const char *client, const char *server)
{
	*talk = (struct builder_talk){.trace = trace,
		.time_ns = time_ns,
		.gap_ns = GAP_MS * JBR_NS_PER_MS};
	if (!parse_endpoint(client, &talk->ends[BUILDER_CLIENT]) ||
		!parse_endpoint(server, &talk->ends[BUILDER_SERVER]))
		trace->failed = true;
	init_end(&talk->ends[BUILDER_CLIENT], BUILDER_CLIENT);
	init_end(&talk->ends[BUILDER_SERVER], BUILDER_SERVER);
}

static uint32_t
ts_value(const struct builder_talk *talk, enum builder_side from)
{
	return talk->ends[from].ts_offset + (uint32_t)(talk->time_ns / JBR_NS_PER_MS);
}

/* The options of a segment by what was negotiated. */
static void
put_options(const struct builder_talk *talk, enum builder_side from,
	const struct builder_segment *segment, struct builder_options *options)
{
	const struct builder_end *end = &talk->ends[from];
	const struct builder_end *other = &talk->ends[!from];
	bool is_syn = (segment->flags & BUILDER_SYN) != 0;
	bool is_synack = is_syn && (segment->flags & BUILDER_ACK) != 0;
	bool has_timestamp = end->has_timestamp && ((is_syn && !is_synack) || other->has_timestamp);

	if (is_syn && end->mss != 0)
		builder_option_mss(options, end->mss);
	if (is_syn && end->has_sack_ok && (!is_synack || other->has_sack_ok))
		builder_option_sack_ok(options);
	if (has_timestamp) {
		if (!is_syn) {
			builder_option_byte(options, 1);
			builder_option_byte(options, 1);
		}
		builder_option_timestamp(options,
			segment->set & BUILDER_SET_TIMESTAMP ? segment->ts_value
							     : ts_value(talk, from),
			segment->set & BUILDER_SET_TIMESTAMP ? segment->ts_echo : other->ts_last);
	}
	if (is_syn && end->wscale < NO_WSCALE && (!is_synack || other->wscale < NO_WSCALE)) {
		builder_option_byte(options, 1);
		builder_option_wscale(options, end->wscale);
	}
}

static void
put_ip(const struct builder_talk *talk, enum builder_side from,
	const struct builder_segment *segment, struct builder *frame)
{
	const struct builder_end *end = &talk->ends[from];
	const struct builder_end *other = &talk->ends[!from];
	uint8_t ttl = segment->set & BUILDER_SET_TTL ? segment->ttl : end->ttl;

	if (end->address.version == 6) {
		builder_ipv6(frame,
			&(struct builder_ipv6){.src = end->address,
				.dst = other->address,
				.hop_limit = ttl,
				.keep = BUILDER_TTL});
		return;
	}
	builder_ipv4(frame,
		&(struct builder_ipv4){
			.src = end->address,
			.dst = other->address,
			.id = segment->set & BUILDER_SET_IP_ID ? segment->ip_id : end->ip_id,
			.do_not_fragment = end->has_do_not_fragment,
			.ttl = ttl,
			.keep = BUILDER_TTL,
		});
}

void
builder_talk_frame(const struct builder_talk *talk, enum builder_side from,
	const struct builder_segment *segment, struct builder *ret_frame)
{
	const struct builder_end *end = &talk->ends[from];
	const struct builder_end *other = &talk->ends[!from];
	bool is_ack = (segment->flags & BUILDER_ACK) != 0;
	struct builder_options options = {0};
	struct builder_tcp tcp = {
		.src_port = end->port,
		.dst_port = other->port,
		.seq = segment->set & BUILDER_SET_SEQ ? segment->seq : end->next,
		.ack = segment->set & BUILDER_SET_ACK ? segment->ack
			: is_ack                      ? other->next
						      : 0,
		.flags = segment->flags,
		.window = segment->flags & BUILDER_SYN ? end->syn_window : end->window,
		.urgent = segment->urgent,
		.options = &options,
		.keep = segment->keep,
	};

	if (segment->set & BUILDER_SET_WINDOW)
		tcp.window = segment->window;
	if (segment->set & BUILDER_SET_OPTIONS)
		tcp.options = segment->options;
	else
		put_options(talk, from, segment, &options);
	builder_init(ret_frame);
	if (talk->outer != NULL)
		talk->outer(ret_frame, talk, from);
	else
		builder_ethernet(ret_frame, other->mac, end->mac);
	put_ip(talk, from, segment, ret_frame);
	builder_tcp(ret_frame, &tcp);
	if (segment->payload != NULL)
		builder_bytes(ret_frame, segment->payload, segment->length);
	else
		fill_payload(ret_frame, tcp.seq, segment->length);
	builder_finish(ret_frame);
}

/* The endpoint's numbers after it has sent a segment. */
static void
move_on(struct builder_talk *talk, enum builder_side from, const struct builder_segment *segment)
{
	struct builder_end *end = &talk->ends[from];
	uint32_t seq = segment->set & BUILDER_SET_SEQ ? segment->seq : end->next;
	uint32_t taken = segment->length;

	taken += (segment->flags & BUILDER_SYN) != 0;
	taken += (segment->flags & BUILDER_FIN) != 0;
	if (taken > 0) {
		end->last_seq = seq;
		end->last_length = segment->length;
		end->last_flags = segment->flags;
		if ((int32_t)(seq + taken - end->next) > 0)
			end->next = seq + taken;
	}
	end->ts_last = segment->set & BUILDER_SET_TIMESTAMP ? segment->ts_value
							    : ts_value(talk, from);
	if (end->ip_id_step == 0)
		end->ip_id = 0;
	end->ip_id = (uint16_t)(end->ip_id + end->ip_id_step);
}

void
builder_talk_send(struct builder_talk *talk, enum builder_side from,
	const struct builder_segment *segment)
{
	static struct builder frame;

	if (talk->ends[from].ip_id_step == 0)
		talk->ends[from].ip_id = 0;
	builder_talk_frame(talk, from, segment, &frame);
	if (!(segment->set & BUILDER_UNSEEN))
		builder_trace_add(talk->trace, talk->time_ns, &frame);
	if (!(segment->set & BUILDER_FOREIGN))
		move_on(talk, from, segment);
	talk->time_ns += talk->gap_ns;
}

void
builder_talk_wait_ms(struct builder_talk *talk, uint64_t milliseconds)
{
	talk->time_ns += milliseconds * JBR_NS_PER_MS;
}

void
builder_talk_syn(struct builder_talk *talk)
{
	builder_talk_send(talk, BUILDER_CLIENT, &(struct builder_segment){.flags = BUILDER_SYN});
}

void
builder_talk_synack(struct builder_talk *talk)
{
	builder_talk_send(talk, BUILDER_SERVER,
		&(struct builder_segment){.flags = BUILDER_SYN | BUILDER_ACK});
}

void
builder_talk_ack(struct builder_talk *talk, enum builder_side from)
{
	builder_talk_send(talk, from, &(struct builder_segment){.flags = BUILDER_ACK});
}

void
builder_talk_data(struct builder_talk *talk, enum builder_side from, uint32_t length)
{
	builder_talk_send(talk, from,
		&(struct builder_segment){.flags = BUILDER_PSH | BUILDER_ACK, .length = length});
}

void
builder_talk_text(struct builder_talk *talk, enum builder_side from, const char *text)
{
	builder_talk_send(talk, from,
		&(struct builder_segment){.flags = BUILDER_PSH | BUILDER_ACK,
			.payload = text,
			.length = (uint32_t)strlen(text)});
}

void
builder_talk_fin(struct builder_talk *talk, enum builder_side from)
{
	builder_talk_send(talk, from,
		&(struct builder_segment){.flags = BUILDER_FIN | BUILDER_ACK});
}

void
builder_talk_rst(struct builder_talk *talk, enum builder_side from)
{
	builder_talk_send(talk, from,
		&(struct builder_segment){.flags = BUILDER_RST | BUILDER_ACK});
}

void
builder_talk_rst_answer(struct builder_talk *talk, enum builder_side from, uint32_t seq)
{
	builder_talk_send(talk, from,
		&(struct builder_segment){
			.flags = BUILDER_RST,
			.set = BUILDER_SET_SEQ | BUILDER_SET_WINDOW | BUILDER_SET_OPTIONS,
			.seq = seq,
		});
}

void
builder_talk_refuse(struct builder_talk *talk)
{
	builder_talk_send(talk, BUILDER_SERVER,
		&(struct builder_segment){
			.flags = BUILDER_RST | BUILDER_ACK,
			.set = BUILDER_SET_SEQ | BUILDER_SET_WINDOW | BUILDER_SET_OPTIONS,
		});
}

void
builder_talk_window(struct builder_talk *talk, enum builder_side from, uint16_t window)
{
	builder_talk_send(talk, from,
		&(struct builder_segment){.flags = BUILDER_ACK,
			.set = BUILDER_SET_WINDOW,
			.window = window});
}

void
builder_talk_keepalive(struct builder_talk *talk, enum builder_side from)
{
	builder_talk_send(talk, from,
		&(struct builder_segment){.flags = BUILDER_ACK,
			.set = BUILDER_SET_SEQ,
			.seq = talk->ends[from].next - 1});
}

void
builder_talk_repeat(struct builder_talk *talk, enum builder_side from)
{
	const struct builder_end *end = &talk->ends[from];

	builder_talk_send(talk, from,
		&(struct builder_segment){
			.flags = end->last_flags,
			.set = BUILDER_SET_SEQ,
			.seq = end->last_seq,
			.length = end->last_length,
		});
}

/* A router's work on a frame whose outermost layers are Ethernet and IP. */
static void
lower_ttl(struct builder *frame, uint8_t hops)
{
	uint8_t *ip = frame->data + 14;

	if (ip[0] >> 4 == 6) {
		ip[7] = (uint8_t)(ip[7] - hops);
		return;
	}
	ip[8] = (uint8_t)(ip[8] - hops);
	store_be16(ip + 10, 0);
	store_be16(ip + 10, (uint16_t)~builder_sum(0, ip, 20));
}

void
builder_talk_tap_copy(struct builder_talk *talk, uint64_t lag_ns, uint8_t hops)
{
	static struct builder frame;
	const struct builder_packet *last;

	if (talk->trace->count == 0) {
		talk->trace->failed = true;
		return;
	}
	last = &talk->trace->packets[talk->trace->count - 1];
	builder_init(&frame);
	builder_bytes(&frame, last->bytes, last->captured);
	frame.tcp_at = last->tcp_at;
	frame.tcp_flags = last->tcp_flags;
	if (hops > 0)
		lower_ttl(&frame, hops);
	builder_trace_add(talk->trace, last->time_ns + lag_ns, &frame);
}

void
builder_talk_open(struct builder_talk *talk)
{
	builder_talk_syn(talk);
	builder_talk_synack(talk);
	builder_talk_ack(talk, BUILDER_CLIENT);
}

void
builder_talk_exchange(struct builder_talk *talk, uint32_t request, uint32_t response)
{
	builder_talk_data(talk, BUILDER_CLIENT, request);
	builder_talk_ack(talk, BUILDER_SERVER);
	while (response > 0) {
		uint32_t length = jbr_min_u32(response, RESPONSE_SEGMENT);

		builder_talk_data(talk, BUILDER_SERVER, length);
		response -= length;
	}
	builder_talk_ack(talk, BUILDER_CLIENT);
}

void
builder_talk_close(struct builder_talk *talk, enum builder_side first)
{
	builder_talk_fin(talk, first);
	builder_talk_fin(talk, !first);
	builder_talk_ack(talk, first);
}
