/* SPDX-License-Identifier: BSD-3-Clause */
#include "run.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include <rte_cycles.h>

#include "buffers.h"
#include "crowd.h"
#include "jbr_catalog.h"

enum { WARM_UP_PACKETS = 1 << 18, ROUND_PACKETS_MIN = 1 << 12 };

/* Figures of the rounds. */
struct rounds {
	struct samples cycles[PART_COUNT];
	struct samples publish;
	struct samples stages[PART_COUNT];
	struct samples net;
	struct samples speed;
	struct samples scaling;
	uint64_t packets;
	uint64_t gaps;
	uint64_t gap_cycles;
	uint64_t all_cycles;
};

/* A measurement under way. */
struct run {
	const struct options *options;
	struct jbr_config config;
	struct lane *lanes[OPTIONS_WORKERS_MAX];
	struct rte_mbuf *mbufs[OPTIONS_WORKERS_MAX][BUFFERS_COUNT];
	struct crowd *crowd;
	struct rounds rounds;
	unsigned count;
	double tsc_hz;
};

uint32_t
run_capacity(const struct options *options)
{
	return options->flows + options->room;
}

/* ---- timed loops ---- */

static double
cycles_per_packet(const struct span *span)
{
	return span->packets > 0 ? (double)span->cycles / (double)span->packets : 0;
}

/* Time all lanes, or the first alone. @return their answers */
static const struct crowd_answer *
time_part(struct run *run, enum part part, uint64_t packets, bool is_solo)
{
	const struct crowd_order order = {.task = CROWD_TIME,
		.part = part,
		.packets = packets,
		.is_solo = is_solo};
	const struct crowd_answer *answers = crowd_do(run->crowd, &order);
	struct rounds *rounds = &run->rounds;

	for (unsigned i = 0; i < run->count; i++) {
		rounds->gaps += answers[i].span.gaps;
		rounds->gap_cycles += answers[i].span.gap_cycles;
		rounds->all_cycles += answers[i].span.gap_cycles + answers[i].span.cycles;
	}
	return answers;
}

static double
mean_cycles(const struct crowd_answer *answers, unsigned count)
{
	double sum = 0;

	for (unsigned i = 0; i < count; i++)
		sum += cycles_per_packet(&answers[i].span);
	return sum / count;
}

/* Packets per cycle of all lanes together. */
static double
joint_speed(const struct crowd_answer *answers, unsigned count)
{
	double sum = 0;

	for (unsigned i = 0; i < count; i++)
		if (answers[i].span.cycles > 0)
			sum += 1 / cycles_per_packet(&answers[i].span);
	return sum;
}

/* One round: every loop once, so that all see the same mood of the machine. */
static void
do_round(struct run *run, uint64_t packets)
{
	struct rounds *rounds = &run->rounds;
	double cycles[PART_COUNT];
	const struct crowd_answer *answers;
	uint64_t publish_cycles = 0;
	uint64_t packets_timed = 0;
	double speed;

	for (enum part part = PART_GENERATOR; part < PART_BURST; part++) {
		answers = time_part(run, part, packets, false);
		cycles[part] = mean_cycles(answers, run->count);
	}
	answers = time_part(run, PART_BURST, packets, false);
	cycles[PART_BURST] = mean_cycles(answers, run->count);
	speed = joint_speed(answers, run->count);
	for (unsigned i = 0; i < run->count; i++) {
		rounds->packets += answers[i].span.packets;
		publish_cycles += answers[i].span.publish_cycles;
		packets_timed += answers[i].span.packets;
	}
	samples_add(&rounds->publish,
		packets_timed == 0 ? 0 : (double)publish_cycles / (double)packets_timed);
	samples_add(&rounds->speed, speed * run->tsc_hz);
	samples_add(&rounds->net, cycles[PART_BURST] - cycles[PART_GENERATOR]);
	for (enum part part = PART_GENERATOR; part < PART_COUNT; part++) {
		double before = part == PART_GENERATOR ? 0 : cycles[part - 1];

		samples_add(&rounds->cycles[part], cycles[part]);
		samples_add(&rounds->stages[part], cycles[part] - before);
	}
	if (run->count > 1) {
		answers = time_part(run, PART_BURST, packets, true);
		samples_add(&rounds->scaling, speed * cycles_per_packet(&answers[0].span));
	}
}

/* How many packets a round of the burst loop gets. */
static uint64_t
round_packets(struct run *run)
{
	const struct options *options = run->options;
	const struct crowd_order warm_up = {.task = CROWD_WARM_UP, .packets = WARM_UP_PACKETS};
	const struct crowd_answer *answers = crowd_do(run->crowd, &warm_up);
	/* the other loops take about as long again as the burst's, which a lone worker runs once more */
	double loops = run->count > 1 ? 3 : 2;
	double packets = (double)options->packets / options->rounds;

	if (options->packets == 0)
		packets = options->seconds * run->tsc_hz /
			(mean_cycles(answers, run->count) * loops * options->rounds);
	if (packets < ROUND_PACKETS_MIN)
		packets = ROUND_PACKETS_MIN;
	return (uint64_t)packets / BUFFERS_COUNT * BUFFERS_COUNT;
}

/* ---- accounts ---- */

struct total {
	uint64_t lookups;
	uint64_t established;
	uint64_t flood;
	uint64_t inserts;
	uint64_t evictions;
	uint64_t flows;
	uint64_t first;
	double gap_cycles; /* the longest of the limits */
};

static struct total
add_up(const struct crowd_answer *answers, unsigned count)
{
	struct total total = {0};

	for (unsigned i = 0; i < count; i++) {
		const struct lane_account *account = &answers[i].account;

		total.lookups += account->counters.tcp;
		total.established += account->generated.established;
		total.flood += account->generated.flood;
		total.inserts += account->inserts;
		total.evictions += account->evictions;
		total.flows += account->flows;
		total.first += account->flows_at_first_eviction;
		if (total.gap_cycles < (double)account->gap_cycles)
			total.gap_cycles = (double)account->gap_cycles;
	}
	return total;
}

static void
report_accounts(const struct total *before, const struct total *after, struct result *result)
{
	uint64_t flood = after->flood - before->flood;

	result->lookups = after->lookups - before->lookups;
	result->established = after->established - before->established;
	result->inserts = after->inserts - before->inserts;
	result->evictions = after->evictions - before->evictions;
	result->flows = after->flows;
	result->flows_at_first_eviction = after->first;
	result->gap_us = after->gap_cycles / result->tsc_hz * 1e6;
	result->not_inserted = flood > result->inserts ? flood - result->inserts : 0;
	result->hits = result->lookups - result->inserts - result->not_inserted;
}

/* Was everything that was made also counted, once? */
static int
check_lane(const struct lane_account *account, struct jbr_error *error)
{
	const struct jbr_counters *counters = &account->counters;
	uint64_t generated = account->generated.established + account->generated.flood;

	if (counters->received != generated)
		return jbr_error_set(error, -EBADMSG,
			"%" PRIu64 " packets were made, %" PRIu64 " received", generated,
			counters->received);
	if (counters->tcp != generated)
		return jbr_error_set(error, -EBADMSG,
			"%" PRIu64 " segments were made, %" PRIu64 " analysed", generated,
			counters->tcp);
	return jbr_counters_check(counters, error) < 0 ? -EBADMSG : 0;
}

static int
check_result(const struct result *result, const struct total *total, struct jbr_error *error)
{
	const struct options *options = result->options;
	bool all_are_inserted = (options->flood & ~FLOOD_SYN) == 0;

	if (result->lost > 0)
		return jbr_error_set(error, -EBADMSG,
			"%" PRIu64 " established connections were lost", result->lost);
	if (all_are_inserted &&
		total->inserts != total->flood + (uint64_t)options->flows * options->workers)
		return jbr_error_set(error, -EBADMSG,
			"%" PRIu64 " connections were made of %" PRIu64 " new tuples and %" PRIu64
			" handshakes",
			total->inserts, total->flood, (uint64_t)options->flows * options->workers);
	if (total->inserts > total->flood + (uint64_t)options->flows * options->workers)
		return jbr_error_set(error, -EBADMSG,
			"%" PRIu64 " connections were made, more than there were tuples",
			total->inserts);
	if (result->hits != result->established)
		return jbr_error_set(error, -EBADMSG,
			"%" PRIu64 " look-ups hit, for %" PRIu64
			" segments of established connections",
			result->hits, result->established);
	return 0;
}

/* ---- the whole ---- */

static int
create_lanes(struct run *run, struct jbr_error *error)
{
	const struct options *options = run->options;
	struct lane_params params = {.config = &run->config,
		.scenario = options->scenario,
		.flows = options->flows,
		.capacity = run_capacity(options),
		.flood = options->flood,
		.spacing_ns = options->spacing_ns,
		.cycles_per_us = run->tsc_hz / 1e6};
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i < run->count; i++) {
		params.index = i;
		rc = buffers_take(i, run->mbufs[i], error);
		if (rc == 0)
			rc = lane_create(&params, run->mbufs[i], &run->lanes[i], error);
	}
	return rc;
}

static void
spread_all(const struct rounds *rounds, struct result *result)
{
	for (enum part part = PART_GENERATOR; part < PART_COUNT; part++) {
		result->cycles[part] = samples_spread(&rounds->cycles[part]);
		result->stages[part] = samples_spread(&rounds->stages[part]);
	}
	result->net = samples_spread(&rounds->net);
	result->publish = samples_spread(&rounds->publish);
	result->packets_per_second = samples_spread(&rounds->speed);
	result->scaling = samples_spread(&rounds->scaling);
	result->packets = rounds->packets;
	result->gaps = rounds->gaps;
	if (rounds->all_cycles > 0)
		result->gap_share = (double)rounds->gap_cycles / (double)rounds->all_cycles;
}

static int
measure(struct run *run, struct result *result, struct jbr_error *error)
{
	const struct crowd_order set_up = {.task = CROWD_SET_UP};
	const struct crowd_order visit = {.task = CROWD_VISIT};
	const struct crowd_order finish = {.task = CROWD_FINISH};
	const struct crowd_answer *answers;
	uint64_t memory = host_memory_bytes();
	uint64_t steal;
	uint64_t packets;
	struct total before;
	struct total after;
	int rc = 0;

	answers = crowd_do(run->crowd, &set_up);
	before = add_up(answers, run->count);
	result->memory_bytes = host_memory_bytes() - memory;
	packets = round_packets(run);
	steal = host_steal_ticks();
	for (uint32_t i = 0; i < run->options->rounds; i++)
		do_round(run, packets);
	result->steal_s = (double)(host_steal_ticks() - steal) / 100;
	spread_all(&run->rounds, result);
	/* the accounts of the lanes that sleep in solo rounds are in the next answers */
	answers = crowd_do(run->crowd, &visit);
	after = add_up(answers, run->count);
	report_accounts(&before, &after, result);
	for (unsigned i = 0; i < run->count; i++) {
		result->lost += answers[i].value;
		if (rc == 0)
			rc = check_lane(&answers[i].account, error);
	}
	if (rc == 0)
		rc = check_result(result, &after, error);
	answers = crowd_do(run->crowd, &finish);
	for (unsigned i = 0; i < run->count; i++)
		result->digest += answers[i].value;
	return rc;
}

static int
prepare(struct run *run, const unsigned *cpus, struct result *result, struct jbr_error *error)
{
	int rc = buffers_start(cpus[0], &result->has_hugepages, error);

	if (rc < 0)
		return rc;
	run->tsc_hz = (double)rte_get_tsc_hz();
	result->tsc_hz = run->tsc_hz;
	jbr_config_defaults(&run->config);
	run->config.packet_checksum = JBR_VALUE_checksum_NIC;
	rc = create_lanes(run, error);
	if (rc == 0)
		rc = crowd_create(run->lanes, cpus, run->count, &run->crowd, error);
	return rc;
}

int
run_measure(const struct options *options, struct result *ret_result, struct jbr_error *error)
{
	static struct run run; /* too large for a stack */
	unsigned cpus[HOST_CPUS_MAX];
	unsigned nb_cpus = host_cpus(cpus);
	int rc;

	if (options->workers > nb_cpus)
		return jbr_error_set(error, -EINVAL,
			"--workers: %u workers want as many CPUs, this process may use %u",
			options->workers, nb_cpus);
	memset(&run, 0, sizeof(run));
	memset(ret_result, 0, sizeof(*ret_result));
	run.options = options;
	run.count = options->workers;
	ret_result->options = options;
	ret_result->capacity = (uint64_t)run_capacity(options) * run.count;
	host_describe(&ret_result->host);
	rc = prepare(&run, cpus, ret_result, error);
	if (rc == 0) {
		for (unsigned i = 0; i < run.count; i++)
			ret_result->table_bytes += lane_table_bytes(run.lanes[i]);
		rc = measure(&run, ret_result, error);
	}
	crowd_free(run.crowd);
	for (unsigned i = 0; i < run.count; i++)
		lane_free(run.lanes[i]);
	buffers_stop();
	return rc;
}
