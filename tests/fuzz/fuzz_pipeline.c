/* SPDX-License-Identifier: BSD-3-Clause */
/* The whole pipeline over frames that the fuzzer makes (pipeline_story.h); its first byte chooses the
 * configuration. The tuples fall into one shard of the smallest table, so that it overflows, and so does
 * its pool of extensions.
 *
 * The same frames go through one worker in bursts of 32 and through three in bursts of 5. Beside what
 * the sanitizers see, every identity must hold after every burst, and both must tell the same: counters,
 * records of connections and findings. */
#include <stdlib.h>

#include "pipeline.h"
#include "pipeline_story.h"

enum {
	CREW = 3,
	CREW_BURST = 5,
	BATCH = 2 * BURST_MAX,
	CONFIGS = 16,
	CAPACITY = 1024, /* the least: 16 connections and 2 extensions a shard */
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

static struct jbr_flow_table *tables[2]; /* of the one, of the three */
static struct jbr_config configs[CONFIGS];
static struct worker *workers[CONFIGS][1 + CREW];
static uint16_t ports[STORY_TUPLES]; /* of clients, all in one shard */

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
	memset(address, 0, sizeof(*address));
	address->bytes[10] = 0xff;
	address->bytes[11] = 0xff;
	memcpy(address->bytes + 12, story_ends[side], 4);
}

static void
find_ports(void)
{
	struct jbr_packet packet = {.dst_port = STORY_PORT, .ip_version = 4};
	struct jbr_flow_probe probe;
	unsigned found = 0;
	uint8_t shard = 0;

	set_address(&packet.src, 0);
	set_address(&packet.dst, 1);
	for (uint16_t port = 40000; found < STORY_TUPLES; port++) {
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
		require(record->resets[i].cause < JBR_RESET_COUNT &&
			record->resets[i].by < JBR_SIDES);
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
run(struct worker **crew, unsigned size, const struct story *story, unsigned burst,
	struct totals *ret_totals)
{
	uint64_t now_ns = 0;

	memset(ret_totals, 0, sizeof(*ret_totals));
	jbr_flow_table_clear(crew[0]->table);
	for (unsigned i = 0; i < size; i++)
		memset(&crew[i]->counters, 0, sizeof(crew[i]->counters));
	for (unsigned at = 0; at < story->count; at += BATCH) {
		unsigned batch = jbr_min_u32(story->count - at, BATCH);

		for (unsigned i = 0; i < size; i++)
			run_batch(crew[i], story->frames + at, batch, burst, ret_totals);
		jbr_flow_merge(crew[0]->table);
		now_ns = story->frames[at + batch - 1].time_ns;
	}
	for (unsigned i = 0; i < size; i++) {
		while (!pipeline_finish(crew[i], now_ns))
			collect(crew[i], ret_totals);
		collect(crew[i], ret_totals);
		jbr_counters_add(&ret_totals->counters, &crew[i]->counters);
	}
	check_totals(ret_totals, story->count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct story story;
	static struct totals one;
	static struct totals three;
	struct input input = {.data = data, .left = size};
	unsigned choice = take(&input);

	if (tables[0] == NULL)
		prepare();
	story_make(&story, &input, ports, choice & 0x80 ? 0 : UINT64_C(1700000000) * JBR_NS_PER_S);
	run(workers[choice % CONFIGS], 1, &story, BURST_MAX, &one);
	run(workers[choice % CONFIGS] + 1, CREW, &story, CREW_BURST, &three);
	require(memcmp(&one, &three, sizeof(one)) == 0);
	return 0;
}
