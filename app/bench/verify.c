/* SPDX-License-Identifier: BSD-3-Clause */
#include "verify.h"

#include <errno.h>
#include <inttypes.h>

#include "buffers.h"
#include "host.h"
#include "jbr_catalog.h"
#include "lane.h"
#include "reference.h"

struct pair {
	struct lane *lane;
	struct reference *reference;
};

static void
show(void *context, const struct jbr_frame *frames, unsigned count)
{
	reference_burst(context, frames, count);
}

/* Nothing may be evicted, because the reference evicts nothing; and each RST wants an extension, of
 * which there is one for eight places. */
static uint32_t
capacity_of(const struct options *options)
{
	uint64_t flood = options->scenario->share == SHARE_NONE ? 0 : options->packets;
	uint64_t places = (uint64_t)options->flows + options->room +
		flood * (options->flood & FLOOD_RST ? 8 : 2);

	return (uint32_t)jbr_min_u64(places, UINT32_C(1) << 26);
}

static int
create(const struct options *options, struct jbr_config *config, struct pair *pair,
	struct jbr_error *error)
{
	static struct rte_mbuf *mbufs[BUFFERS_COUNT];
	struct lane_params params = {.config = config,
		.scenario = options->scenario,
		.flows = options->flows,
		.capacity = capacity_of(options),
		.flood = options->flood,
		.wants_all = true,
		.spacing_ns = options->spacing_ns,
		.cycles_per_us = 1,
		.witness = show};
	int rc;

	jbr_config_defaults(config);
	config->packet_checksum = JBR_VALUE_checksum_NIC;
	pair->reference = reference_create(config, params.capacity / 2);
	if (pair->reference == NULL)
		return jbr_error_set(error, -ENOMEM, "cannot make the reference: %s",
			strerror(ENOMEM));
	params.witness_context = pair->reference;
	rc = buffers_take(0, mbufs, error);
	if (rc == 0)
		rc = lane_create(&params, mbufs, &pair->lane, error);
	return rc;
}

/* The first counter that differs, as text. */
static void
say_difference(const struct jbr_counters *sensor, const struct jbr_counters *reference,
	struct jbr_error *error)
{
	const struct {
		const char *name;
		uint64_t values[2];
	} rows[] = {
		{"received", {sensor->received, reference->received}},
		{"tcp", {sensor->tcp, reference->tcp}},
		{"duplicate", {sensor->duplicate, reference->duplicate}},
		{"connections", {sensor->connections, reference->connections}},
		{"resets_pending", {sensor->resets_pending, reference->resets_pending}},
		{"midstream", {sensor->midstream, reference->midstream}},
		{"one_way", {sensor->one_way, reference->one_way}},
		{"acks", {sensor->acks, reference->acks}},
		{"acks_unseen", {sensor->acks_unseen, reference->acks_unseen}},
		{"evictions", {jbr_counters_evictions(sensor), jbr_counters_evictions(reference)}},
	};

	for (unsigned i = 0; i < JBR_COUNT_OF(rows); i++) {
		if (rows[i].values[0] == rows[i].values[1])
			continue;
		jbr_error_set(error, 0,
			"sensor and reference differ: %s is %" PRIu64 " and %" PRIu64, rows[i].name,
			rows[i].values[0], rows[i].values[1]);
		return;
	}
	jbr_error_set(error, 0,
		"sensor and reference differ in a counter by kind, or in a connection's record");
}

static int
run_both(const struct options *options, struct pair *pair, struct verification *ret,
	struct jbr_error *error)
{
	struct lane_account account;
	uint64_t ended;

	lane_set_up(pair->lane);
	lane_warm_up(pair->lane, options->packets);
	lane_visit(pair->lane);
	account = lane_account(pair->lane);
	ended = account.counters.connections;
	ret->digest = lane_finish(pair->lane);
	ret->reference_digest = reference_finish(pair->reference, account.now_ns);
	account = lane_account(pair->lane);
	ret->packets = account.counters.received;
	ret->connections = account.counters.connections;
	ret->timeouts = ended;
	if (reference_problem(pair->reference) != NULL)
		return jbr_error_set(error, -EBADMSG, "the reference does not know %s",
			reference_problem(pair->reference));
	if (ret->digest == ret->reference_digest)
		return 0;
	say_difference(&account.counters, reference_counters(pair->reference), error);
	return -EBADMSG;
}

int
verify_run(const struct options *options, struct verification *ret_verification,
	struct jbr_error *error)
{
	struct jbr_config config;
	struct pair pair = {0};
	unsigned cpus[HOST_CPUS_MAX];
	bool has_hugepages;
	int rc;

	if (host_cpus(cpus) == 0)
		return jbr_error_set(error, -EINVAL, "cannot learn which CPUs may be used");
	memset(ret_verification, 0, sizeof(*ret_verification));
	rc = buffers_start(cpus[0], &has_hugepages, error);
	if (rc < 0)
		return rc;
	rc = create(options, &config, &pair, error);
	if (rc == 0)
		rc = run_both(options, &pair, ret_verification, error);
	lane_free(pair.lane);
	reference_free(pair.reference);
	buffers_stop();
	return rc;
}
