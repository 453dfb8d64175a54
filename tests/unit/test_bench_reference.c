/* SPDX-License-Identifier: BSD-3-Clause */
/* A digest that two runs share must mean that they saw the same: one frame left out, late or changed
 * has to show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "buffers.h"
#include "generator.h"
#include "host.h"
#include "jbr_catalog.h"
#include "reference.h"

enum fault { NONE, LEFT_OUT, OTHER_LENGTH, ENDS_LATER };

enum { FLOWS = 50, PACKETS = 60 * GENERATOR_BURST, FAULTY = 1000 };

static const uint64_t START_NS = UINT64_C(1700000000) * JBR_NS_PER_S;

static struct rte_mbuf *mbufs[BUFFERS_COUNT];

/* A payload of one byte less, or more where there was none. */
static void
resize(struct jbr_frame *frame)
{
	uint8_t *length = (uint8_t *)(uintptr_t)frame->data + 17;

	if (*length > 40)
		--*length;
	else
		++*length;
}

static uint64_t
run(const char *scenario, enum fault fault, uint64_t *ret_connections)
{
	struct generator_params params = {.scenario = scenario_find(scenario), .flows = FLOWS};
	struct jbr_config config;
	struct reference *reference;
	struct generator *generator;
	uint64_t now_ns = START_NS;
	uint64_t number = 0;
	uint64_t digest;
	unsigned count = 0;

	jbr_config_defaults(&config);
	params.flood = params.scenario->flood;
	reference = reference_create(&config, FLOWS);
	generator = generator_create(&params);
	assert_non_null(reference);
	assert_non_null(generator);
	while (number < PACKETS) {
		struct jbr_frame frames[GENERATOR_BURST];

		generator_prepare(generator, mbufs, GENERATOR_BURST);
		count = generator_set_up(generator, mbufs, GENERATOR_BURST);
		if (count == 0) {
			count = GENERATOR_BURST;
			generator_fill(generator, mbufs, count);
		}
		buffers_read(mbufs, count, frames);
		for (unsigned i = 0; i < count; i++) {
			frames[i].number = ++number;
			frames[i].time_ns = now_ns += 1000;
			if (number == FAULTY && fault == OTHER_LENGTH)
				resize(&frames[i]);
			if (number != FAULTY || fault != LEFT_OUT)
				reference_burst(reference, &frames[i], 1);
		}
	}
	digest = reference_finish(reference,
		now_ns + (fault == ENDS_LATER ? 4000 * JBR_NS_PER_S : 0));
	assert_null(reference_problem(reference));
	*ret_connections = reference_counters(reference)->connections;
	reference_free(reference);
	generator_free(generator);
	return digest;
}

static void
equal_runs_are_equal(void **state)
{
	uint64_t connections;

	(void)state;
	assert_true(
		run("ack_uniform", NONE, &connections) == run("ack_uniform", NONE, &connections));
	assert_int_equal(connections, FLOWS);
	assert_true(run("mixed", NONE, &connections) == run("mixed", NONE, &connections));
	assert_true(connections > FLOWS);
}

static void
any_fault_shows(void **state)
{
	static const struct {
		const char *name;
		enum fault fault;
	} rows[] = {
		{"a frame left out", LEFT_OUT},
		{"a byte more or less", OTHER_LENGTH},
		{"an end after the time-outs", ENDS_LATER},
	};
	uint64_t connections;
	uint64_t right = run("ack_uniform", NONE, &connections);

	(void)state;
	for (unsigned i = 0; i < JBR_COUNT_OF(rows); i++) {
		print_message("%s\n", rows[i].name);
		assert_true(run("ack_uniform", rows[i].fault, &connections) != right);
	}
}

static int
start(void **state)
{
	struct jbr_error error = {0};
	unsigned cpus[HOST_CPUS_MAX];
	bool has_hugepages;

	(void)state;
	if (host_cpus(cpus) == 0 || buffers_start(cpus[0], &has_hugepages, &error) < 0 ||
		buffers_take(0, mbufs, &error) < 0) {
		print_error("%s\n", error.text);
		return -1;
	}
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	buffers_stop();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_runs_are_equal),
		cmocka_unit_test(any_fault_shows),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
