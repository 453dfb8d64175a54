/* SPDX-License-Identifier: BSD-3-Clause */
/* The whole pipeline over bursts that the fuzzer makes: raw frames, and TCP segments of a few tuples
 * whose flags, numbers and times it chooses, so that conversations arise. The same frames go through
 * one worker and through three; both must count the same, and every identity must hold. */
#include <stdlib.h>

#include "pipeline.h"

enum {
	FRAMES_MAX = 256,
	FRAME_SIZE = 192,
	CREW = 3,
	CAPACITY = 1024, /* the least: sixteen a shard, so that eviction happens */
	ETHERNET = 14,
	IP = 20,
	TCP = 20,
};

struct input {
	const uint8_t *data;
	size_t left;
};

struct tuple {
	uint32_t nxt[2];
};

static struct jbr_frame frames[FRAMES_MAX];
static uint8_t bytes[FRAMES_MAX][FRAME_SIZE];
static struct jbr_flow_table *tables[2];
static struct worker *workers[CREW];

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

static void
make_headers(uint8_t *frame, unsigned pick, unsigned side, unsigned length)
{
	static const uint8_t ethernet[ETHERNET] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0};
	uint8_t *ip = frame + ETHERNET;

	memcpy(frame, ethernet, sizeof(ethernet));
	memset(ip, 0, IP);
	ip[0] = 0x45;
	put16(ip + 2, IP + length);
	ip[8] = 64;
	ip[9] = 6;
	put32(ip + 12, side == 0 ? 0xc0000201 : 0xc6336402);
	put32(ip + 16, side == 0 ? 0xc6336402 : 0xc0000201);
	put16(ip + IP + (side == 0 ? 0 : 2), 40000 + pick);
	put16(ip + IP + (side == 0 ? 2 : 0), 80);
}

/* One segment from a few chosen bytes. @return its frame's length */
static unsigned
make_segment(struct input *input, struct tuple *tuples, uint8_t *frame)
{
	unsigned pick = take(input);
	unsigned side = pick >> 7;
	struct tuple *tuple = &tuples[pick & 3];
	unsigned flags = take(input);
	unsigned numbers = take(input);
	unsigned window = take(input);
	unsigned payload = take(input) % 64;
	unsigned identity = take(input);
	unsigned option = take(input) & 1 ? 12 : 0;
	uint8_t *tcp = frame + ETHERNET + IP;
	uint32_t seq = near(tuple->nxt[side], numbers >> 4);
	uint32_t ack = near(tuple->nxt[side ^ 1], numbers & 15);

	make_headers(frame, pick & 3, side, TCP + option + payload);
	put16(frame + ETHERNET + 4, identity);
	frame[ETHERNET + 8] = (uint8_t)(identity & 0x80 ? 40 : 64);
	put32(tcp + 4, seq);
	put32(tcp + 8, ack);
	put16(tcp + 12, (TCP + option) / 4 << 12 | (flags & 0x3f));
	put16(tcp + 14, window << 8);
	put32(tcp + 16, 0);
	if (option != 0) {
		put32(tcp + 20, 0x0101080a);
		put32(tcp + 24, take(input));
		put32(tcp + 28, 1);
	}
	memset(tcp + TCP + option, 'x', payload);
	if (seq == tuple->nxt[side] && !(flags & JBR_TCP_RST))
		tuple->nxt[side] = seq + payload + !!(flags & JBR_TCP_SYN) +
			!!(flags & JBR_TCP_FIN);
	return ETHERNET + IP + TCP + option + payload;
}

static unsigned
make_raw(struct input *input, uint8_t *frame)
{
	unsigned length = take(input) % FRAME_SIZE;

	for (unsigned i = 0; i < length; i++)
		frame[i] = (uint8_t)take(input);
	return length;
}

static unsigned
make_frames(struct input *input)
{
	struct tuple tuples[4] = {{{100, 900}}, {{UINT32_MAX - 5, 1}}, {{7, UINT32_MAX}}, {{1, 1}}};
	uint64_t now_ns = UINT64_C(1700000000) * JBR_NS_PER_S;
	unsigned count = 0;

	while (input->left > 0 && count < FRAMES_MAX) {
		struct jbr_frame *frame = &frames[count];
		unsigned kind = take(input);
		unsigned step = take(input);
		unsigned length = kind % 8 == 7 ? make_raw(input, bytes[count])
						: make_segment(input, tuples, bytes[count]);

		/* from a nanosecond to hours, now and then back */
		now_ns += step & 0x80
			? (uint64_t)(step & 0x7f) * JBR_NS_PER_S * (kind & 0x10 ? 60 : 1)
			: (uint64_t)step * 100000;
		if (kind == 0xf6)
			now_ns -= 3 * JBR_NS_PER_S;
		*frame = (struct jbr_frame){.data = bytes[count],
			.time_ns = now_ns,
			.number = ++count,
			.captured = length,
			.wire = length + (kind & 0x20 ? 10 : 0),
			.port = kind >> 6,
			.link = kind % 8 == 7 ? (uint8_t)(step % (JBR_LINK_UNKNOWN + 1))
					      : (uint8_t)JBR_LINK_ETHERNET};
	}
	return count;
}

static void
empty(struct worker *worker)
{
	worker->output.nb_records = 0;
	worker->output.nb_findings = 0;
}

/* All frames through @p crew workers. */
static void
run(unsigned crew, const struct jbr_config *config, struct jbr_flow_table *table, unsigned count,
	struct jbr_counters *ret_sum)
{
	uint64_t latest_ns = 0;

	jbr_flow_table_clear(table);
	memset(ret_sum, 0, sizeof(*ret_sum));
	for (unsigned i = 0; i < crew; i++) {
		worker_init(workers[i], config, table, i, crew);
		workers[i]->wants_records = true;
		workers[i]->wants_findings = true;
	}
	for (unsigned at = 0; at < count; at += BURST_MAX) {
		unsigned n = count - at < BURST_MAX ? count - at : BURST_MAX;

		for (unsigned i = 0; i < n; i++)
			latest_ns = jbr_max_u64(latest_ns, frames[at + i].time_ns);
		for (unsigned i = 0; i < crew; i++) {
			empty(workers[i]);
			pipeline_burst(workers[i], frames + at, n);
			empty(workers[i]);
			while (!pipeline_expire(workers[i], latest_ns))
				empty(workers[i]);
		}
		jbr_flow_merge(table);
	}
	for (unsigned i = 0; i < crew; i++) {
		empty(workers[i]);
		while (!pipeline_finish(workers[i], latest_ns))
			empty(workers[i]);
		jbr_counters_add(ret_sum, &workers[i]->counters);
	}
}

static void
check(const struct jbr_counters *sum, unsigned count)
{
	struct jbr_error error;

	if (jbr_counters_check(sum, &error) < 0 || sum->resets_pending != 0 ||
		sum->received != count)
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jbr_flow_params params = {.capacity = CAPACITY};
	struct input input = {.data = data, .left = size};
	struct jbr_counters sums[2];
	struct jbr_config config;
	unsigned choice = take(&input);
	unsigned count;

	for (unsigned i = 0; i < CREW && workers[i] == NULL; i++)
		workers[i] = aligned_alloc(64, (sizeof(struct worker) + 63) / 64 * 64);
	for (unsigned i = 0; i < 2 && tables[i] == NULL; i++)
		tables[i] = jbr_flow_table_create(&params);
	if (workers[CREW - 1] == NULL || tables[1] == NULL)
		abort();
	jbr_config_defaults(&config);
	config.packet_checksum = choice & 1 ? JBR_VALUE_checksum_SOFTWARE : JBR_VALUE_checksum_OFF;
	config.packet_vlan_in_tuple = (choice & 2) != 0;
	config.packet_tunnel_in_tuple = (choice & 4) != 0;
	count = make_frames(&input);
	run(1, &config, tables[0], count, &sums[0]);
	run(CREW, &config, tables[1], count, &sums[1]);
	check(&sums[0], count);
	check(&sums[1], count);
	if (memcmp(&sums[0], &sums[1], sizeof(sums[0])) != 0)
		__builtin_trap();
	return 0;
}
