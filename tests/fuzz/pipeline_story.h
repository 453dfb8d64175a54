/* SPDX-License-Identifier: BSD-3-Clause */
/** @file pipeline_story.h
 * For fuzz_pipeline.c: from the fuzzer's bytes to frames in which conversations arise. One operation
 * follows the other: kind and port, time step, and what the kind needs (see operate). Kinds are
 * segments of 32 tuples, whose flags, numbers, window, length and options stand in a few bytes, near
 * what the conversation expects; whole handshakes; a tap's copy of the last frame; ICMP errors that
 * quote a segment; a jump of the clock; raw bytes of any link type.
 */
#pragma once
#include "jbr_packet.h"

enum {
	STORY_FRAMES_MAX = 256,
	STORY_FRAME_SIZE = 192,
	STORY_TUPLES = 32,
	STORY_PORT = 80, /* of all servers */
	ETHERNET = 14,
	TAG = 4,
	IPV4 = 20,
	IPV6 = 40,
	TCP = 20,
	QUOTED = 8,
	PROTOCOL_TCP = 6,
};

/** Client and server of every tuple; behind 2001:db8::/96 for IPv6. */
static const uint8_t story_ends[2][4] = {{192, 0, 2, 1}, {198, 51, 100, 2}};

struct input {
	const uint8_t *data;
	size_t left;
};

/** One made conversation. */
struct tuple {
	uint32_t next[2];
	uint32_t strange[2]; /**< end of the last segment that did not begin at next */
	uint16_t id[2];
	uint16_t port;
	bool is_ipv6;
};

/** A segment in the fuzzer's words. */
struct segment {
	unsigned side;
	unsigned flags;
	uint32_t seq;
	uint32_t ack;
	unsigned window;
	unsigned payload;
	unsigned time; /**< of the timestamp option; 0 = no option */
	unsigned ttl;
	unsigned tag; /**< VLAN; 0 = none */
	bool is_spoiled;
};

/** What is made, and how far it has come. */
struct story {
	struct input input;
	struct tuple tuples[STORY_TUPLES];
	uint64_t now_ns;
	unsigned count;
	unsigned port;
	struct jbr_frame frames[STORY_FRAMES_MAX];
	uint8_t bytes[STORY_FRAMES_MAX][STORY_FRAME_SIZE];
};

static inline unsigned
take(struct input *input)
{
	if (input->left == 0)
		return 0;
	input->left--;
	return *input->data++;
}

static inline void
put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static inline void
put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value & 0xffff);
}

/* A number of that side near what is expected next, or far from it. */
static inline uint32_t
number_of(const struct tuple *tuple, unsigned side, unsigned choice)
{
	static const int32_t steps[] = {0, 0, 0, 0, -1, 1, -2, 100, -100, 1460, -1460, 60000,
		-60000, 1 << 20, INT32_MIN};

	choice &= 15;
	if (choice == JBR_COUNT_OF(steps))
		return tuple->strange[side];
	return tuple->next[side] + (uint32_t)steps[choice];
}

static inline uint32_t
sum(uint32_t start, const uint8_t *data, unsigned length)
{
	for (unsigned i = 0; i < length; i++)
		start += (uint32_t)data[i] << (i % 2 == 0 ? 8 : 0);
	return start;
}

static inline unsigned
checksum(uint32_t total)
{
	total = (total & 0xffff) + (total >> 16);
	return ~(total + (total >> 16)) & 0xffff;
}

static inline void
put_ip(uint8_t *ip, const struct tuple *tuple, const struct segment *segment, unsigned length)
{
	static const uint8_t prefix[12] = {0x20, 1, 0xd, 0xb8};
	unsigned from = segment->side;

	memset(ip, 0, tuple->is_ipv6 ? IPV6 : IPV4);
	if (tuple->is_ipv6) {
		ip[0] = 0x60;
		put16(ip + 4, length);
		ip[6] = PROTOCOL_TCP;
		ip[7] = (uint8_t)segment->ttl;
		memcpy(ip + 8, prefix, sizeof(prefix));
		memcpy(ip + 20, story_ends[from], 4);
		memcpy(ip + 24, prefix, sizeof(prefix));
		memcpy(ip + 36, story_ends[from ^ 1], 4);
		return;
	}
	ip[0] = 0x45;
	put16(ip + 2, IPV4 + length);
	put16(ip + 4, tuple->id[from]);
	ip[8] = (uint8_t)segment->ttl;
	ip[9] = PROTOCOL_TCP;
	memcpy(ip + 12, story_ends[from], 4);
	memcpy(ip + 16, story_ends[from ^ 1], 4);
	put16(ip + 10, checksum(sum(0, ip, IPV4)));
}

static inline unsigned
put_tcp(uint8_t *tcp, const struct tuple *tuple, const struct segment *segment)
{
	unsigned header = TCP + (segment->time != 0 ? 12 : 0);
	unsigned from = segment->side;

	memset(tcp, 0, header);
	put16(tcp + (from == 0 ? 0 : 2), tuple->port);
	put16(tcp + (from == 0 ? 2 : 0), STORY_PORT);
	put32(tcp + 4, segment->seq);
	put32(tcp + 8, segment->ack);
	put16(tcp + 12, header / 4 << 12 | (segment->flags & 0x3f));
	put16(tcp + 14, segment->window << 8);
	if (segment->time != 0) {
		put32(tcp + 20, 0x0101080a);
		put32(tcp + 24, segment->time);
		put32(tcp + 28, 1);
	}
	memset(tcp + header, 'x', segment->payload);
	return header + segment->payload;
}

/* @return length of the datagram */
static inline unsigned
put_datagram(uint8_t *ip, const struct tuple *tuple, const struct segment *segment)
{
	unsigned ip_header = tuple->is_ipv6 ? IPV6 : IPV4;
	uint8_t *tcp = ip + ip_header;
	unsigned length = put_tcp(tcp, tuple, segment);
	unsigned addresses = tuple->is_ipv6 ? 32 : 8;
	unsigned total;

	put_ip(ip, tuple, segment, length);
	total = checksum(
		sum(PROTOCOL_TCP + length, ip + ip_header - addresses, addresses + length));
	put16(tcp + 16, total ^ (segment->is_spoiled ? 0x55 : 0));
	return ip_header + length;
}

static inline unsigned
put_link(uint8_t *frame, unsigned type, unsigned tag)
{
	static const uint8_t macs[12] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2};
	unsigned length = ETHERNET;

	memcpy(frame, macs, sizeof(macs));
	if (tag != 0) {
		put16(frame + 12, 0x8100);
		put16(frame + 14, tag);
		length += TAG;
	}
	put16(frame + length - 2, type);
	return length;
}

static inline void
add(struct story *story, unsigned length, uint8_t link)
{
	story->frames[story->count] = (struct jbr_frame){
		.data = story->bytes[story->count],
		.time_ns = story->now_ns,
		.number = story->count + 1,
		.captured = length,
		.wire = length,
		.port = (uint16_t)story->port,
		.link = link,
	};
	story->count++;
}

static inline void
send(struct story *story, struct tuple *tuple, const struct segment *segment)
{
	uint8_t *frame;
	unsigned length;
	uint32_t end;

	if (story->count == STORY_FRAMES_MAX)
		return;
	frame = story->bytes[story->count];
	length = put_link(frame, tuple->is_ipv6 ? 0x86dd : 0x0800, segment->tag);
	length += put_datagram(frame + length, tuple, segment);
	add(story, length, JBR_LINK_ETHERNET);
	tuple->id[segment->side]++;
	end = segment->seq;
	if (!(segment->flags & JBR_TCP_RST))
		end += segment->payload + !!(segment->flags & JBR_TCP_SYN) +
			!!(segment->flags & JBR_TCP_FIN);
	if (segment->seq == tuple->next[segment->side])
		tuple->next[segment->side] = end;
	else
		tuple->strange[segment->side] = end;
}

/* ---- operations ---- */

static inline struct tuple *
take_tuple(struct story *story, struct segment *segment)
{
	unsigned pick = take(&story->input);

	segment->side = pick >> 7;
	segment->ttl = pick & 0x40 ? 40 : 64;
	return &story->tuples[pick % STORY_TUPLES];
}

static inline void
operate_segment(struct story *story, bool is_odd)
{
	struct input *input = &story->input;
	struct segment segment = {0};
	struct tuple *tuple = take_tuple(story, &segment);
	unsigned numbers;

	segment.flags = take(input);
	numbers = take(input);
	segment.seq = number_of(tuple, segment.side, numbers >> 4);
	segment.ack = number_of(tuple, segment.side ^ 1, numbers);
	segment.window = take(input);
	segment.payload = take(input) % 64;
	if (is_odd) {
		unsigned odd = take(input);

		segment.is_spoiled = (odd & 1) != 0;
		segment.tag = odd & 2 ? 1 + (odd >> 6) : 0;
		segment.time = odd & 4 ? 1 + take(input) : 0;
		if (odd & 8)
			tuple->id[segment.side] = (uint16_t)(take(input) << 8);
		if (odd & 16)
			segment.ttl = take(input);
	}
	send(story, tuple, &segment);
}

static inline void
operate_handshake(struct story *story)
{
	struct segment segment = {.window = 200};
	struct tuple *tuple = take_tuple(story, &segment);
	unsigned steps = 1 + segment.side * 2;

	for (unsigned i = 0; i < steps; i++) {
		segment.side = i % 2;
		segment.flags = i == 0 ? JBR_TCP_SYN
			: i == 1       ? JBR_TCP_SYN | JBR_TCP_ACK
				       : JBR_TCP_ACK;
		segment.seq = tuple->next[segment.side];
		segment.ack = i == 0 ? 0 : tuple->next[segment.side ^ 1];
		send(story, tuple, &segment);
		story->now_ns += JBR_NS_PER_MS;
	}
}

/* The last frame once more, as a tap delivers it behind a router or not. */
static inline void
operate_copy(struct story *story)
{
	const struct jbr_frame *last;
	unsigned hops = take(&story->input) & 3;

	if (story->count == 0 || story->count == STORY_FRAMES_MAX)
		return;
	last = &story->frames[story->count - 1];
	memcpy(story->bytes[story->count], last->data, last->captured);
	if (last->captured > ETHERNET + 8)
		story->bytes[story->count][ETHERNET + 8] -= (uint8_t)hops;
	add(story, last->captured, last->link);
}

/* An ICMP error about a segment that its sender might have sent. */
static inline void
operate_quote(struct story *story)
{
	struct segment segment = {.flags = JBR_TCP_SYN};
	struct tuple tuple = *take_tuple(story, &segment);
	unsigned numbers = take(&story->input);
	uint8_t datagram[STORY_FRAME_SIZE];
	uint8_t *ip;

	if (story->count == STORY_FRAMES_MAX)
		return;
	tuple.is_ipv6 = false;
	segment.seq = number_of(&tuple, segment.side, numbers >> 4);
	put_datagram(datagram, &tuple, &segment);
	put_link(story->bytes[story->count], 0x0800, 0);
	ip = story->bytes[story->count] + ETHERNET;
	segment.side ^= 1;
	put_ip(ip, &tuple, &segment, 8 + IPV4 + QUOTED);
	ip[9] = 1; /* its checksum is wrong now, which must not matter */
	memset(ip + IPV4, 0, 8);
	ip[IPV4] = numbers & 8 ? 11 : 3;
	ip[IPV4 + 1] = numbers & 7;
	memcpy(ip + IPV4 + 8, datagram, IPV4 + QUOTED);
	add(story, ETHERNET + IPV4 + 8 + IPV4 + QUOTED, JBR_LINK_ETHERNET);
}

static inline void
operate_raw(struct story *story)
{
	struct input *input = &story->input;
	uint8_t link = (uint8_t)(take(input) % (JBR_LINK_UNKNOWN + 1));
	unsigned length = take(input) % STORY_FRAME_SIZE;
	unsigned beyond = length >> 6; /* what the snap length cut */

	if (story->count == STORY_FRAMES_MAX)
		return;
	for (unsigned i = 0; i < length; i++)
		story->bytes[story->count][i] = (uint8_t)take(input);
	add(story, length, link);
	story->frames[story->count - 1].wire += beyond;
}

/* Hours forward, or back, at times to before the epoch's first second. */
static inline void
operate_clock(struct story *story)
{
	unsigned choice = take(&story->input);
	uint64_t step_ns = (uint64_t)(choice & 0x3f) * (choice & 0x40 ? 600 : 1) * JBR_NS_PER_S;

	if (choice & 0x80)
		story->now_ns -= jbr_min_u64(story->now_ns, step_ns);
	else
		story->now_ns += step_ns;
}

/* From nothing to 8 s, finely where it is short. */
static inline uint64_t
step_ns(unsigned choice)
{
	return (uint64_t)(choice & 31) << (choice >> 5) * 4;
}

static inline void
operate(struct story *story)
{
	unsigned kind = take(&story->input);

	story->port = kind >> 6;
	story->now_ns += step_ns(take(&story->input));
	switch (kind & 15) {
	case 8:
	case 9:
		operate_segment(story, true);
		break;
	case 10:
	case 11:
		operate_handshake(story);
		break;
	case 12:
		operate_copy(story);
		break;
	case 13:
		operate_quote(story);
		break;
	case 14:
		operate_clock(story);
		break;
	case 15:
		operate_raw(story);
		break;
	default:
		operate_segment(story, false);
		break;
	}
}

/** Make the frames of @p input.
 * @param ports  of the clients, STORY_TUPLES of them */
static inline void
story_make(struct story *story, const struct input *input, const uint16_t *ports, uint64_t start_ns)
{
	story->input = *input;
	story->now_ns = start_ns;
	story->count = 0;
	for (unsigned i = 0; i < STORY_TUPLES; i++)
		story->tuples[i] = (struct tuple){
			.next = {i % 4 == 1 ? UINT32_MAX - 5 : 100 + i,
				i % 4 == 2 ? UINT32_MAX : 900},
			.id = {1, 1000},
			.port = ports[i],
			.is_ipv6 = i % 8 == 7,
		};
	while (story->input.left > 0 && story->count < STORY_FRAMES_MAX)
		operate(story);
}
