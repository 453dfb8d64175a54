/* SPDX-License-Identifier: BSD-3-Clause */
/* The whole pipeline over frames that the fuzzer makes. The first byte chooses the configuration; then
 * one operation follows the other:
 *   kind and port, time step, and what the kind needs (see operate)
 * Kinds are segments of 32 tuples, whose flags, numbers, window, length and options stand in a few
 * bytes, near what the conversation expects; whole handshakes; a tap's copy of the last frame; ICMP
 * errors that quote a segment; a jump of the clock; raw bytes of any link type. The tuples fall into
 * one shard of the smallest table, so that it overflows, and so does its pool of extensions.
 *
 * The same frames go through one worker in bursts of 32 and through three in bursts of 5. Beside what
 * the sanitizers see, every identity must hold after every burst, and both must tell the same: counters,
 * records of connections and findings. */
#include <stdlib.h>

#include "pipeline.h"

enum {
	FRAMES_MAX = 256,
	FRAME_SIZE = 192,
	TUPLES = 32,
	CREW = 3,
	CREW_BURST = 5,
	CONFIGS = 16,
	CAPACITY = 1024, /* the least: 16 connections and 2 extensions a shard */
	ETHERNET = 14,
	TAG = 4,
	IPV4 = 20,
	IPV6 = 40,
	TCP = 20,
	QUOTED = 8,
	PROTOCOL_TCP = 6,
	PORT = 80,
};

struct input {
	const uint8_t *data;
	size_t left;
};

/* One made conversation. */
struct tuple {
	uint32_t next[2];
	uint16_t id[2];
	uint16_t port;
	bool is_ipv6;
};

/* A segment in the fuzzer's words. */
struct segment {
	unsigned side;
	unsigned flags;
	uint32_t seq;
	uint32_t ack;
	unsigned window;
	unsigned payload;
	unsigned time; /* of the timestamp option; 0 = no option */
	unsigned ttl;
	unsigned tag;  /* VLAN; 0 = none */
	bool is_spoiled;
};

struct story {
	struct input input;
	struct tuple tuples[TUPLES];
	uint64_t now_ns;
	unsigned count;
	unsigned port;
};

/* What a run has told. The sums of hashes do not depend on the order. */
struct totals {
	struct jbr_counters counters;
	uint64_t packets;
	uint64_t records;
	uint64_t records_hash;
	uint64_t findings;
	uint64_t findings_hash;
	uint64_t outcomes[JBR_OUTCOME_COUNT];
	uint64_t resets[JBR_RESET_COUNT];
};

static struct jbr_frame frames[FRAMES_MAX];
static uint8_t bytes[FRAMES_MAX][FRAME_SIZE];
static struct jbr_flow_table *tables[2]; /* of the one, of the three */
static struct jbr_config configs[CONFIGS];
static struct worker *workers[CONFIGS][1 + CREW];
static uint16_t ports[TUPLES]; /* of clients, all in one shard */

static void
require(bool is_true)
{
	if (!is_true)
		__builtin_trap();
}

/* ---- what does not depend on the input ---- */

static void
set_address(union jbr_address *address, unsigned side)
{
	static const uint8_t ends[2][4] = {{192, 0, 2, 1}, {198, 51, 100, 2}};

	memset(address, 0, sizeof(*address));
	address->bytes[10] = 0xff;
	address->bytes[11] = 0xff;
	memcpy(address->bytes + 12, ends[side], 4);
}

static void
find_ports(void)
{
	struct jbr_packet packet = {.dst_port = PORT, .ip_version = 4};
	struct jbr_flow_probe probe;
	unsigned found = 0;
	uint8_t shard = 0;

	set_address(&packet.src, 0);
	set_address(&packet.dst, 1);
	for (uint16_t port = 40000; found < TUPLES; port++) {
		packet.src_port = port;
		jbr_flow_locate(tables[0], &packet, &probe);
		if (found == 0)
			shard = probe.shard;
		if (probe.shard == shard)
			ports[found++] = port;
	}
}

static void
set_config(struct jbr_config *config, unsigned choice)
{
	jbr_config_defaults(config);
	config->packet_checksum = choice & 1 ? JBR_VALUE_checksum_OFF : JBR_VALUE_checksum_SOFTWARE;
	config->packet_vlan_in_tuple = (choice & 2) != 0;
	config->packet_tunnel_in_tuple = (choice & 4) != 0;
	if (!(choice & 8))
		return;
	config->timeout_syn_sent_s = 1;
	config->timeout_half_open_s = 31;
	config->timeout_established_s = 10;
	config->timeout_midstream_s = 10;
	config->timeout_closing_s = 10;
	config->timeout_time_wait_s = 1;
}

static void
prepare(void)
{
	struct jbr_flow_params params = {.capacity = CAPACITY};

	for (unsigned i = 0; i < 2; i++) {
		tables[i] = jbr_flow_table_create(&params);
		if (tables[i] == NULL)
			abort();
	}
	for (unsigned i = 0; i < CONFIGS; i++) {
		set_config(&configs[i], i);
		for (unsigned w = 0; w < 1 + CREW; w++) {
			workers[i][w] = aligned_alloc(64, (sizeof(struct worker) + 63) / 64 * 64);
			if (workers[i][w] == NULL)
				abort();
			worker_init(workers[i][w], &configs[i], tables[w > 0], w > 0 ? w - 1 : 0,
				w > 0 ? CREW : 1);
			workers[i][w]->wants_records = true;
			workers[i][w]->wants_findings = true;
		}
	}
	find_ports();
}

/* ---- frames ---- */

static unsigned
take(struct input *input)
{
	if (input->left == 0)
		return 0;
	input->left--;
	return *input->data++;
}

static void
put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void
put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value & 0xffff);
}

/* A number near what is expected next, or far from it. */
static uint32_t
near(uint32_t expected, unsigned choice)
{
	static const int32_t steps[] = {0, 0, 0, 0, -1, 1, -2, 100, -100, 1460, -1460, 60000,
		-60000, 1 << 20, 1 << 30, INT32_MIN};

	return expected + (uint32_t)steps[choice % JBR_COUNT_OF(steps)];
}

static uint32_t
sum(uint32_t start, const uint8_t *data, unsigned length)
{
	for (unsigned i = 0; i < length; i++)
		start += (uint32_t)data[i] << (i % 2 == 0 ? 8 : 0);
	return start;
}

static void
put_ip(uint8_t *ip, const struct tuple *tuple, const struct segment *segment, unsigned length)
{
	static const uint8_t ends[2][4] = {{192, 0, 2, 1}, {198, 51, 100, 2}};
	static const uint8_t prefix[12] = {0x20, 1, 0xd, 0xb8};
	unsigned from = segment->side;

	memset(ip, 0, IPV6);
	if (tuple->is_ipv6) {
		ip[0] = 0x60;
		put16(ip + 4, length);
		ip[6] = PROTOCOL_TCP;
		ip[7] = (uint8_t)segment->ttl;
		memcpy(ip + 8, prefix, sizeof(prefix));
		memcpy(ip + 20, ends[from], 4);
		memcpy(ip + 24, prefix, sizeof(prefix));
		memcpy(ip + 36, ends[from ^ 1], 4);
		return;
	}
	ip[0] = 0x45;
	put16(ip + 2, IPV4 + length);
	put16(ip + 4, tuple->id[from]);
	ip[8] = (uint8_t)segment->ttl;
	ip[9] = PROTOCOL_TCP;
	memcpy(ip + 12, ends[from], 4);
	memcpy(ip + 16, ends[from ^ 1], 4);
}

static unsigned
put_tcp(uint8_t *tcp, const struct tuple *tuple, const struct segment *segment)
{
	unsigned header = TCP + (segment->time != 0 ? 12 : 0);
	unsigned from = segment->side;

	memset(tcp, 0, header);
	put16(tcp + (from == 0 ? 0 : 2), tuple->port);
	put16(tcp + (from == 0 ? 2 : 0), PORT);
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
static unsigned
put_datagram(uint8_t *ip, const struct tuple *tuple, const struct segment *segment)
{
	unsigned ip_header = tuple->is_ipv6 ? IPV6 : IPV4;
	uint8_t *tcp = ip + ip_header;
	unsigned length = put_tcp(tcp, tuple, segment);
	unsigned addresses = tuple->is_ipv6 ? 32 : 8;
	uint32_t total;

	put_ip(ip, tuple, segment, length);
	total = sum(PROTOCOL_TCP + length, tcp - addresses, addresses + length);
	total = (total & 0xffff) + (total >> 16);
	put16(tcp + 16, (~(total + (total >> 16)) ^ (segment->is_spoiled ? 0x55 : 0)) & 0xffff);
	return ip_header + length;
}

static unsigned
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

static void
add(struct story *story, unsigned length, uint8_t link)
{
	frames[story->count] = (struct jbr_frame){
		.data = bytes[story->count],
		.time_ns = story->now_ns,
		.number = story->count + 1,
		.captured = length,
		.wire = length,
		.port = (uint16_t)story->port,
		.link = link,
	};
	story->count++;
}

static void
send(struct story *story, struct tuple *tuple, const struct segment *segment)
{
	uint8_t *frame;
	unsigned length;

	if (story->count == FRAMES_MAX)
		return;
	frame = bytes[story->count];
	length = put_link(frame, tuple->is_ipv6 ? 0x86dd : 0x0800, segment->tag);
	length += put_datagram(frame + length, tuple, segment);
	add(story, length, JBR_LINK_ETHERNET);
	tuple->id[segment->side]++;
	if (segment->seq == tuple->next[segment->side] && !(segment->flags & JBR_TCP_RST))
		tuple->next[segment->side] += segment->payload + !!(segment->flags & JBR_TCP_SYN) +
			!!(segment->flags & JBR_TCP_FIN);
}

/* ---- operations ---- */

static struct tuple *
take_tuple(struct story *story, struct segment *segment)
{
	unsigned pick = take(&story->input);

	segment->side = pick >> 7;
	segment->ttl = pick & 0x40 ? 40 : 64;
	return &story->tuples[pick % TUPLES];
}

static void
operate_segment(struct story *story, bool is_odd)
{
	struct input *input = &story->input;
	struct segment segment = {0};
	struct tuple *tuple = take_tuple(story, &segment);
	unsigned numbers;

	segment.flags = take(input);
	numbers = take(input);
	segment.seq = near(tuple->next[segment.side], numbers >> 4);
	segment.ack = near(tuple->next[segment.side ^ 1], numbers & 15);
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

static void
operate_handshake(struct story *story)
{
	struct segment segment = {.window = 200};
	struct tuple *tuple = take_tuple(story, &segment);
	unsigned steps = 1 + segment.side * 2;

	for (unsigned i = 0; i < steps; i++) {
		segment.side = i % 2;
		segment.flags = i == 0 ? JBR_TCP_SYN : i == 1 ? JBR_TCP_SYN | JBR_TCP_ACK : JBR_TCP_ACK;
		segment.seq = tuple->next[segment.side];
		segment.ack = i == 0 ? 0 : tuple->next[segment.side ^ 1];
		send(story, tuple, &segment);
		story->now_ns += JBR_NS_PER_MS;
	}
}

/* The last frame once more, as a tap delivers it behind a router or not. */
static void
operate_copy(struct story *story)
{
	const struct jbr_frame *last;
	unsigned hops = take(&story->input) & 3;

	if (story->count == 0 || story->count == FRAMES_MAX)
		return;
	last = &frames[story->count - 1];
	memcpy(bytes[story->count], last->data, last->captured);
	if (last->captured > ETHERNET + 8)
		bytes[story->count][ETHERNET + 8] -= (uint8_t)hops;
	add(story, last->captured, last->link);
}

/* An ICMP error about a segment that its sender might have sent. */
static void
operate_quote(struct story *story)
{
	struct segment segment = {.flags = JBR_TCP_SYN};
	struct tuple tuple = *take_tuple(story, &segment);
	unsigned numbers = take(&story->input);
	uint8_t datagram[FRAME_SIZE];
	uint8_t *ip;

	if (story->count == FRAMES_MAX)
		return;
	tuple.is_ipv6 = false;
	segment.seq = near(tuple.next[segment.side], numbers >> 4);
	put_datagram(datagram, &tuple, &segment);
	put_link(bytes[story->count], 0x0800, 0);
	ip = bytes[story->count] + ETHERNET;
	segment.side ^= 1;
	put_ip(ip, &tuple, &segment, 8 + IPV4 + QUOTED);
	ip[9] = 1;
	memset(ip + IPV4, 0, 8);
	ip[IPV4] = numbers & 8 ? 11 : 3;
	ip[IPV4 + 1] = numbers & 7;
	memcpy(ip + IPV4 + 8, datagram, IPV4 + QUOTED);
	add(story, ETHERNET + IPV4 + 8 + IPV4 + QUOTED, JBR_LINK_ETHERNET);
}

static void
operate_raw(struct story *story)
{
	struct input *input = &story->input;
	uint8_t link = (uint8_t)(take(input) % (JBR_LINK_UNKNOWN + 1));
	unsigned length = take(input) % FRAME_SIZE;
	unsigned beyond = length >> 6; /* what the snap length cut */

	if (story->count == FRAMES_MAX)
		return;
	for (unsigned i = 0; i < length; i++)
		bytes[story->count][i] = (uint8_t)take(input);
	add(story, length, link);
	frames[story->count - 1].wire += beyond;
}

/* Hours forward, or back, at times to before the epoch's first second. */
static void
operate_clock(struct story *story)
{
	unsigned choice = take(&story->input);
	uint64_t step_ns = (uint64_t)(choice & 0x3f) * (choice & 0x40 ? 600 : 1) * JBR_NS_PER_S;

	if (choice & 0x80)
		story->now_ns -= jbr_min_u64(story->now_ns, step_ns);
	else
		story->now_ns += step_ns;
}

/* From nothing to 4 s. */
static uint64_t
step_ns(unsigned choice)
{
	return (uint64_t)(choice & 31) << (choice >> 5) * 4;
}

static void
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

static unsigned
make_frames(struct input *input, unsigned choice)
{
	static struct story story;

	memset(&story, 0, sizeof(story));
	story.input = *input;
	story.now_ns = choice & 0x80 ? 0 : UINT64_C(1700000000) * JBR_NS_PER_S;
	for (unsigned i = 0; i < TUPLES; i++)
		story.tuples[i] = (struct tuple){
			.next = {i % 4 == 1 ? UINT32_MAX - 5 : 100 + i, i % 4 == 2 ? UINT32_MAX : 900},
			.id = {1, 1000},
			.port = ports[i],
			.is_ipv6 = i % 8 == 7,
		};
	while (story.input.left > 0 && story.count < FRAMES_MAX)
		operate(&story);
	return story.count;
}

/* ---- what is told ---- */

static uint64_t
hash_of(const void *data, size_t size)
{
	const uint8_t *at = data;
	uint64_t hash = UINT64_C(0x9e3779b97f4a7c15) + size;

	for (; size >= sizeof(uint64_t); size -= sizeof(uint64_t), at += sizeof(uint64_t)) {
		uint64_t word;

		memcpy(&word, at, sizeof(word));
		hash = jbr_mix64(hash ^ word, UINT64_C(0xd6e8feb86659fd93));
	}
	for (; size > 0; size--)
		hash = hash * 31 + *at++;
	return hash;
}

static void
check_record(const struct jbr_flow_record *record, struct totals *totals)
{
	uint32_t kept = jbr_min_u32(record->resets_count, JBR_RECORD_RESETS_MAX);

	require(record->outcome < JBR_OUTCOME_COUNT);
	require(record->conn_state < JBR_OUTCOME_ZEEK_COUNT);
	require(record->end_reason < JBR_END_COUNT && record->state < JBR_TCP_STATE_COUNT);
	require(memchr(record->history, 0, sizeof(record->history)) != NULL);
	require(record->first_packet >= 1 && record->first_packet <= record->last_packet);
	totals->packets += record->packets[0] + record->packets[1];
	totals->outcomes[record->outcome]++;
	for (uint32_t i = 0; i < kept; i++) {
		require(record->resets[i].cause < JBR_RESET_COUNT && record->resets[i].by < JBR_SIDES);
		totals->resets[record->resets[i].cause]++;
	}
	totals->records++;
	totals->records_hash += hash_of(record, sizeof(*record));
}

static void
collect(struct worker *worker, struct totals *totals)
{
	struct output *output = &worker->output;
	struct jbr_error error;

	require(jbr_counters_check(&worker->counters, &error) == 0);
	require(output->nb_records <= OUTPUT_RECORDS && output->nb_findings <= OUTPUT_FINDINGS);
	for (uint32_t i = 0; i < output->nb_records; i++)
		check_record(&output->records[i], totals);
	for (uint32_t i = 0; i < output->nb_findings; i++) {
		require(output->findings[i].anomaly < JBR_ANOM_COUNT);
		totals->findings_hash += hash_of(&output->findings[i], sizeof(output->findings[i]));
	}
	totals->findings += output->nb_findings;
	output->nb_records = 0;
	output->nb_findings = 0;
}

static void
check_totals(const struct totals *totals, unsigned count)
{
	const struct jbr_counters *counters = &totals->counters;

	require(counters->received == count && counters->resets_pending == 0);
	require(totals->records == counters->connections);
	require(totals->packets == counters->tcp - counters->duplicate);
	require(memcmp(totals->outcomes, counters->outcomes, sizeof(totals->outcomes)) == 0);
	for (unsigned i = 0; i < JBR_RESET_COUNT; i++)
		require(totals->resets[i] <= counters->resets[i]);
}

/* ---- runs ---- */

static void
run_batch(struct worker *worker, const struct jbr_frame *batch, unsigned count, unsigned burst,
	struct totals *totals)
{
	for (unsigned at = 0; at < count; at += burst) {
		pipeline_burst(worker, batch + at, jbr_min_u32(count - at, burst));
		collect(worker, totals);
	}
	while (!pipeline_expire(worker, batch[count - 1].time_ns))
		collect(worker, totals);
	collect(worker, totals);
}

static void
run(struct worker **crew, unsigned size, unsigned count, unsigned burst, struct totals *ret_totals)
{
	uint64_t now_ns = 0;

	memset(ret_totals, 0, sizeof(*ret_totals));
	jbr_flow_table_clear(crew[0]->table);
	for (unsigned i = 0; i < size; i++)
		memset(&crew[i]->counters, 0, sizeof(crew[i]->counters));
	for (unsigned at = 0; at < count; at += BURST_MAX) {
		unsigned batch = jbr_min_u32(count - at, BURST_MAX);

		for (unsigned i = 0; i < size; i++)
			run_batch(crew[i], frames + at, batch, burst, ret_totals);
		jbr_flow_merge(crew[0]->table);
		now_ns = frames[at + batch - 1].time_ns;
	}
	for (unsigned i = 0; i < size; i++) {
		while (!pipeline_finish(crew[i], now_ns))
			collect(crew[i], ret_totals);
		collect(crew[i], ret_totals);
		jbr_counters_add(&ret_totals->counters, &crew[i]->counters);
	}
	check_totals(ret_totals, count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct totals one;
	static struct totals three;
	struct input input = {.data = data, .left = size};
	unsigned choice = take(&input);
	unsigned count;

	if (tables[0] == NULL)
		prepare();
	count = make_frames(&input, choice);
	run(workers[choice % CONFIGS], 1, count, BURST_MAX, &one);
	run(workers[choice % CONFIGS] + 1, CREW, count, CREW_BURST, &three);
	require(memcmp(&one, &three, sizeof(one)) == 0);
	return 0;
}
