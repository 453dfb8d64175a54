/* SPDX-License-Identifier: BSD-3-Clause */
#include "generator.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include <rte_mbuf.h>

#include "jbr_packet.h"

enum {
	ETHERNET = 14,
	FRAME_MIN = 60, /* without the 4 bytes of its checksum */
	HANDSHAKE_TURNS = 3,
	SYN_OPTIONS = 12,
	FLOOD_OPTIONS = 4,
	WINDOW = 4096, /* times 2^7 */
	NIC_SAYS_GOOD = RTE_MBUF_F_RX_L4_CKSUM_GOOD | RTE_MBUF_F_RX_IP_CKSUM_GOOD,
};

#define CLIENTS UINT32_C(0x0a000000)   /* 10.0.0.0/8 */
#define SERVERS UINT32_C(0xac100000)   /* 172.16.0.0/16 */
#define VICTIMS UINT32_C(0xac1f0000)   /* 172.31.0.0/28 */
#define ATTACKERS UINT32_C(0x20000000) /* 32.0.0.0, and the 2^30 addresses from there */

/* What tells one frame from another. Ends are pairs, source in the upper half, so that turning one
 * round is a rotation. */
struct header {
	uint64_t addresses;
	uint32_t ports;
	uint32_t seq;
	uint32_t ack;
	uint16_t flags;
	uint16_t payload;
	uint16_t ip_id;
	uint8_t options; /* bytes */
};

/* Everything of a connection that never changes. */
struct flow {
	uint64_t addresses; /* client's, server's */
	uint32_t ports;
	uint32_t isn[2];
	uint8_t first_turn; /* where in the script it stands after the set-up */
	uint8_t sender;     /* of data: 0 = client, 1 = server */
};

/* Indexes below `flows` in an order without pattern, each once a pass. */
struct order {
	uint64_t left; /* steps of this pass */
	uint32_t x;
	uint32_t progress; /* of connections in this pass: cycle << 4 | turn */
};

struct generator {
	const struct scenario *scenario;
	const struct script *script;
	uint32_t flows;
	uint32_t mask; /* 2^n - 1 >= flows - 1 */
	unsigned half; /* n / 2 */
	struct order order;
	uint64_t random;
	uint64_t flood_number;
	uint8_t flood_kinds[FLOOD_KINDS];
	uint8_t nb_flood_kinds;
	/* Zipf: connections of the next burst, and how far each connection is */
	uint32_t *progress;
	uint32_t drawn[GENERATOR_BURST];
	uint64_t quantiles[GENERATOR_ZIPF_STEPS + 1]; /* rank << 16 */
	/* set-up and visit */
	uint32_t set_up_next;
	uint32_t set_up_turn;
	uint64_t visits_left;
	struct generator_counts counts;
};

/* ---- numbers ---- */

static uint64_t
next_random(struct generator *generator)
{
	generator->random += UINT64_C(0x9e3779b97f4a7c15);
	return jbr_mix64(generator->random, generator->random ^ UINT64_C(0xe7037ed1a0b428db));
}

/* One to one on 0..mask. */
static inline uint32_t
scatter(const struct generator *generator, uint32_t x)
{
	x ^= x >> generator->half;
	x = x * 0x2c1b3c6du & generator->mask;
	x ^= x >> generator->half;
	return x * 0x297a2d39u & generator->mask;
}

static void
order_begin(struct generator *generator)
{
	generator->order = (struct order){.left = (uint64_t)generator->mask + 1};
}

/* @p progress, cycle << 4 | turn, after @p turns more turns, fewer than a cycle has. */
static inline uint32_t
add_turns(const struct script *script, uint32_t progress, unsigned turns)
{
	uint32_t wraps = (progress & 15) + turns >= script->count;

	return progress + turns + wraps * (16u - script->count);
}

static void
order_next_pass(struct order *order, const struct script *script)
{
	order->progress = add_turns(script, order->progress, 1);
}

/* The next @p count connections in order, and how far each is. */
static void
order_take(struct generator *generator, unsigned count, uint32_t *index, uint32_t *progress)
{
	struct order *order = &generator->order;
	unsigned n = 0;

	while (n < count) {
		uint32_t at = scatter(generator, order->x);

		index[n] = at;
		progress[n] = order->progress;
		n += at < generator->flows;
		order->x = (order->x * 0x19660du + 0x3c6ef35fu) & generator->mask;
		if (JBR_UNLIKELY(--order->left == 0)) {
			order->left = (uint64_t)generator->mask + 1;
			order_next_pass(order, generator->script);
		}
	}
}

/* ---- Zipf ---- */

/* Rank r has a share of log((r + 1/2) / (r - 1/2)), which is 1/r to within 2 % from the second on. */
static void
zipf_begin(struct generator *generator)
{
	double span = log(generator->flows + 0.5) - log(0.5);

	for (unsigned i = 0; i <= GENERATOR_ZIPF_STEPS; i++) {
		double x = 0.5 * exp(span * i / GENERATOR_ZIPF_STEPS);

		generator->quantiles[i] = (uint64_t)((x - 0.5) * 65536);
	}
}

static uint32_t
zipf_draw(struct generator *generator)
{
	uint64_t random = next_random(generator);
	const uint64_t *step = &generator->quantiles[random >> 54];
	uint64_t rank = (step[0] + ((step[1] - step[0]) * (random & 0xffff) >> 16)) >> 16;

	return rank < generator->flows ? (uint32_t)rank : generator->flows - 1;
}

static void
zipf_draw_burst(struct generator *generator)
{
	for (unsigned i = 0; i < GENERATOR_BURST; i++) {
		generator->drawn[i] = zipf_draw(generator);
		__builtin_prefetch(&generator->progress[generator->drawn[i]], 1);
	}
}

/* ---- frames ---- */

static inline void
put64(uint8_t *at, uint64_t value)
{
	value = __builtin_bswap64(value);
	memcpy(at, &value, sizeof(value));
}

static const uint8_t syn_options[SYN_OPTIONS] = {
	2,
	4,
	1460 >> 8,
	1460 & 255, /* MSS */
	4,
	2, /* SACK permitted */
	1,
	3,
	3,
	7, /* no operation, window scale */
	1,
	1,
};

/* All of the TCP header but the ports. */
static inline void
put_tcp(uint8_t *tcp, const struct header *header)
{
	uint64_t offset_flags = (20u + header->options) << 10 | header->flags;

	put64(tcp + 4, (uint64_t)header->seq << 32 | header->ack);
	put64(tcp + 12, offset_flags << 48 | (uint64_t)WINDOW << 32);
	if (JBR_UNLIKELY(header->options != 0))
		memcpy(tcp + 20, syn_options, header->options);
}

static inline uint32_t
put_ipv4(uint8_t *ip, const struct header *header)
{
	uint32_t length = 40u + header->options + header->payload;
	uint64_t first = UINT64_C(0x4500) << 48 | (uint64_t)length << 32 |
		(uint32_t)header->ip_id << 16 | 0x4000;
	uint64_t second = UINT64_C(0x4006) << 48 | header->addresses >> 32;
	uint64_t sum = (first >> 32) + (uint32_t)first + (second >> 32) + (uint32_t)second +
		(uint32_t)header->addresses;

	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	put64(ip, first);
	put64(ip + 8, second | (~sum & 0xffff) << 32);
	put64(ip + 16, header->addresses << 32 | header->ports);
	put_tcp(ip + 20, header);
	return length;
}

static inline uint32_t
put_ipv6(uint8_t *ip, const struct header *header)
{
	uint64_t length = 20u + header->options + header->payload;

	put64(ip, UINT64_C(6) << 60 | length << 16 | 6 << 8 | 64);
	put64(ip + 16, header->addresses >> 32);
	put64(ip + 32, (uint32_t)header->addresses);
	put64(ip + 36, header->addresses << 32 | header->ports);
	put_tcp(ip + 40, header);
	return 40 + (uint32_t)length;
}

static inline void
put_frame(const struct generator *generator, struct rte_mbuf *mbuf, const struct header *header)
{
	uint8_t *ip = rte_pktmbuf_mtod(mbuf, uint8_t *) + ETHERNET;
	uint32_t length = ETHERNET;

	if (generator->scenario->ip_version == 4)
		length += put_ipv4(ip, header);
	else
		length += put_ipv6(ip, header);
	if (length < FRAME_MIN)
		length = FRAME_MIN;
	mbuf->data_len = (uint16_t)length;
	mbuf->pkt_len = length;
	mbuf->ol_flags = NIC_SAYS_GOOD;
}

void
generator_prepare(const struct generator *generator, struct rte_mbuf **mbufs, unsigned count)
{
	bool is_ipv4 = generator->scenario->ip_version == 4;

	for (unsigned i = 0; i < count; i++) {
		uint8_t *data = rte_pktmbuf_mtod(mbufs[i], uint8_t *);

		memset(data, 0, 1514);
		memcpy(data, "\x02\0\0\0\0\1\x02\0\0\0\0\2", 12);
		memcpy(data + 12, is_ipv4 ? "\x08\x00" : "\x86\xdd", 2);
		/* 2001:db8::/96 */
		if (!is_ipv4) {
			memcpy(data + ETHERNET + 8, "\x20\x01\x0d\xb8", 4);
			memcpy(data + ETHERNET + 24, "\x20\x01\x0d\xb8", 4);
		}
	}
}

/* ---- connections ---- */

static inline struct flow
flow_of(const struct generator *generator, uint32_t index)
{
	uint64_t h = jbr_mix64(index + UINT64_C(0x9e3779b97f4a7c15), UINT64_C(0xd1b54a32d192ed03));
	uint32_t client = CLIENTS | (index * 0x5bd1e9u & 0xffffff);
	uint32_t server = SERVERS | (uint32_t)(h & 0xffff);
	struct flow flow;

	flow.addresses = (uint64_t)client << 32 | server;
	flow.ports = (uint32_t)(1024 + (h >> 16 & 0x7fff)) << 16 | 443;
	flow.isn[0] = (uint32_t)(h >> 32);
	flow.isn[1] = (uint32_t)(h >> 16) * 0x85ebca6bu;
	flow.first_turn = (uint8_t)((h >> 44) * generator->script->count >> 20);
	flow.sender = h >> 31 & 1;
	return flow;
}

static inline struct header
header_of(const struct flow *flow, unsigned from)
{
	struct header header = {
		.addresses = flow->addresses << 32 * from |
			flow->addresses >> (64 - 32 * from) % 64,
		.ports = flow->ports << 16 * from | flow->ports >> (32 - 16 * from) % 32,
	};

	return header;
}

/* The segment of the script that is due at @p progress. Which side sends is as good as random, so
 * nothing here branches on it: mispredictions would cost more than the rest. */
static inline void
put_turn(const struct generator *generator, struct rte_mbuf *mbuf, const struct flow *flow,
	uint32_t progress)
{
	const struct turn *turn = &generator->script->turns[progress & 15];
	uint32_t cycle = progress >> 4;
	unsigned is_reply = turn->is_reply;
	/* where the bytes stand of the side that sends data, and of the other */
	const uint32_t numbers[] = {
		flow->isn[flow->sender] + 1 + cycle * generator->script->bytes,
		flow->isn[flow->sender ^ 1] + 1,
	};
	struct header header = header_of(flow, flow->sender ^ is_reply);

	header.seq = numbers[is_reply] + turn->sent;
	header.ack = numbers[is_reply ^ 1] + turn->acked;
	header.flags = (uint16_t)(JBR_TCP_ACK | (is_reply ^ 1) * JBR_TCP_PSH);
	header.payload = turn->payload;
	header.ip_id = (uint16_t)(flow->isn[0] + cycle * generator->script->count +
		(progress & 15));
	put_frame(generator, mbuf, &header);
}

static void
put_handshake(const struct generator *generator, struct rte_mbuf *mbuf, const struct flow *flow,
	unsigned turn)
{
	static const uint16_t flags[] = {JBR_TCP_SYN, JBR_TCP_SYN | JBR_TCP_ACK, JBR_TCP_ACK};
	unsigned from = turn == 1;
	struct header header = header_of(flow, from);

	header.seq = flow->isn[from] + (turn == 2);
	header.ack = turn == 0 ? 0 : flow->isn[from ^ 1] + 1;
	header.flags = flags[turn];
	header.options = turn < 2 ? SYN_OPTIONS : 0;
	header.ip_id = (uint16_t)(flow->isn[0] + 0x8000 + turn);
	put_frame(generator, mbuf, &header);
}

unsigned
generator_set_up(struct generator *generator, struct rte_mbuf **mbufs, unsigned count)
{
	unsigned n = 0;

	while (n < count && generator->set_up_next <= generator->mask) {
		uint32_t index = scatter(generator,
			generator->set_up_next * 0x6b43a9b5u & generator->mask);
		struct flow flow = flow_of(generator, index);
		unsigned turn = generator->set_up_turn++;

		if (index >= generator->flows ||
			turn >= HANDSHAKE_TURNS +
					(generator->progress == NULL ? flow.first_turn : 0u)) {
			generator->set_up_next++;
			generator->set_up_turn = 0;
			continue;
		}
		if (turn < HANDSHAKE_TURNS)
			put_handshake(generator, mbufs[n], &flow, turn);
		else
			put_turn(generator, mbufs[n], &flow, turn - HANDSHAKE_TURNS);
		n++;
	}
	generator->counts.established += n;
	return n;
}

/* ---- traffic ---- */

static void
fill_established(struct generator *generator, struct rte_mbuf **mbufs, unsigned count)
{
	uint32_t index[GENERATOR_BURST];
	uint32_t progress[GENERATOR_BURST];

	order_take(generator, count, index, progress);
	for (unsigned i = 0; i < count; i++) {
		struct flow flow = flow_of(generator, index[i]);

		put_turn(generator, mbufs[i], &flow,
			add_turns(generator->script, progress[i], flow.first_turn));
	}
	generator->counts.established += count;
}

static inline void
put_next_turn(struct generator *generator, struct rte_mbuf *mbuf, uint32_t index)
{
	struct flow flow = flow_of(generator, index);
	uint32_t *progress = &generator->progress[index];

	put_turn(generator, mbuf, &flow, *progress);
	*progress = add_turns(generator->script, *progress, 1);
	generator->counts.established++;
}

static void
fill_zipf(struct generator *generator, struct rte_mbuf **mbufs, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		put_next_turn(generator, mbufs[i], generator->drawn[i]);
	zipf_draw_burst(generator);
}

static inline void
put_flood(struct generator *generator, struct rte_mbuf *mbuf)
{
	uint64_t h = next_random(generator);
	unsigned kind = generator->flood_kinds[(h & 0xffff) * generator->nb_flood_kinds >> 16];
	uint32_t number = (uint32_t)generator->flood_number++;
	struct header header = {
		/* 2^30 addresses, each once, then again with other ports */
		.addresses = (uint64_t)(ATTACKERS + (number * 0x2c1b3c6du & 0x3fffffff)) << 32 |
			VICTIMS | (h >> 16 & 15),
		.ports = (uint32_t)(1024 + (h >> 20 & 0x7fff)) << 16 | 80,
		.seq = (uint32_t)(h >> 32),
		.ack = (uint32_t)(h >> 24) * 0x85ebca6bu,
		.ip_id = (uint16_t)(h >> 40),
	};
	static const uint16_t flags[FLOOD_KINDS] = {JBR_TCP_SYN, JBR_TCP_ACK,
		JBR_TCP_ACK | JBR_TCP_PSH, JBR_TCP_RST, JBR_TCP_FIN | JBR_TCP_ACK};

	header.flags = flags[kind];
	if (!(header.flags & JBR_TCP_ACK))
		header.ack = 0;
	if (1 << kind == FLOOD_SYN)
		header.options = FLOOD_OPTIONS;
	if (1 << kind == FLOOD_DATA)
		header.payload = 6;
	put_frame(generator, mbuf, &header);
}

void
generator_flood(struct generator *generator, struct rte_mbuf **mbufs, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		put_flood(generator, mbufs[i]);
	generator->counts.flood += count;
}

/* Each packet is flood or not by the toss of a coin. */
static void
fill_mixed(struct generator *generator, struct rte_mbuf **mbufs, unsigned count)
{
	uint32_t coins = (uint32_t)(next_random(generator) >> 32);
	struct rte_mbuf *established[GENERATOR_BURST];
	unsigned n = 0;

	for (unsigned i = 0; i < count; i++) {
		established[n] = mbufs[i];
		if (coins >> i & 1)
			put_flood(generator, mbufs[i]);
		else
			n++;
	}
	generator->counts.flood += count - n;
	fill_established(generator, established, n);
}

void
generator_fill(struct generator *generator, struct rte_mbuf **mbufs, unsigned count)
{
	if (generator->scenario->share == SHARE_ALL)
		generator_flood(generator, mbufs, count);
	else if (generator->scenario->share == SHARE_HALF)
		fill_mixed(generator, mbufs, count);
	else if (generator->progress != NULL)
		fill_zipf(generator, mbufs, count);
	else
		fill_established(generator, mbufs, count);
}

/* How many steps of the order visit everyone: the rest of this pass, and one more. */
static uint64_t
visits(const struct generator *generator)
{
	struct order order = generator->order;
	uint64_t count = generator->flows;

	if (generator->progress != NULL)
		return count;
	for (; order.left < (uint64_t)generator->mask + 1 && order.left > 0; order.left--) {
		count += scatter(generator, order.x) < generator->flows;
		order.x = (order.x * 0x19660du + 0x3c6ef35fu) & generator->mask;
	}
	return count;
}

unsigned
generator_visit(struct generator *generator, struct rte_mbuf **mbufs, unsigned count)
{
	if (generator->visits_left == UINT64_MAX)
		generator->visits_left = visits(generator);
	if (generator->visits_left == 0) {
		generator->visits_left = UINT64_MAX;
		return 0;
	}
	count = (unsigned)jbr_min_u64(count, generator->visits_left);
	if (generator->progress == NULL) {
		fill_established(generator, mbufs, count);
		generator->visits_left -= count;
		return count;
	}
	for (unsigned i = 0; i < count; i++)
		put_next_turn(generator, mbufs[i],
			generator->flows - (uint32_t)generator->visits_left--);
	return count;
}

/* ---- life ---- */

static void
read_flood(struct generator *generator, uint8_t flood)
{
	for (uint8_t i = 0; i < FLOOD_KINDS; i++)
		if (flood & 1u << i)
			generator->flood_kinds[generator->nb_flood_kinds++] = i;
}

struct generator *
generator_create(const struct generator_params *params)
{
	struct generator *generator;
	unsigned bits = 6;

	if (params->flows == 0 || params->flows > GENERATOR_FLOWS_MAX ||
		(params->scenario->share != SHARE_NONE && params->flood == 0)) {
		errno = EINVAL;
		return NULL;
	}
	generator = calloc(1, sizeof(*generator));
	if (generator == NULL)
		return NULL;
	generator->scenario = params->scenario;
	generator->script = params->scenario->script;
	generator->flows = params->flows;
	while (params->flows > UINT32_C(1) << bits)
		bits++;
	generator->mask = (UINT32_C(1) << bits) - 1;
	generator->half = bits / 2;
	generator->visits_left = UINT64_MAX;
	generator->flood_number = params->first_flood;
	order_begin(generator);
	read_flood(generator, params->flood);
	if (params->scenario->is_zipf) {
		generator->progress = calloc(params->flows, sizeof(*generator->progress));
		if (generator->progress == NULL) {
			free(generator);
			return NULL;
		}
		zipf_begin(generator);
		zipf_draw_burst(generator);
	}
	return generator;
}

void
generator_free(struct generator *generator)
{
	if (generator == NULL)
		return;
	free(generator->progress);
	free(generator);
}

struct generator_counts
generator_counts(const struct generator *generator)
{
	return generator->counts;
}
