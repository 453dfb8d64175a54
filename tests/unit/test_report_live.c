/* SPDX-License-Identifier: BSD-3-Clause */
/* Does every frame of a live run appear exactly once; and what the report says of it. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "report_live.h"

/* Two ports, two workers that handed packets on; all adds up. */
static struct live_report
sound(void)
{
	struct live_report report = {.steering = "software",
		.idle = "sleep",
		.tsc_hz = 1000000000,
		.clock_offset_ns = -5,
		.nb_ports = 2,
		.nb_workers = 2};

	report.ports[0] = (struct live_port_report){.device = "net_ring0",
		.driver = "net_ring",
		.queues = 1,
		.rx_descriptors = 64,
		.received = 100,
		.polled = 100,
		.missed = 3,
		.no_buffer = 4};
	report.ports[1] = (struct live_port_report){.device = "net_ring1",
		.driver = "net_ring",
		.queues = 2,
		.rx_descriptors = 64,
		.received = 50,
		.polled = 50};
	report.workers[0] = (struct live_worker_report){.cpu = 1,
		.polled = 100,
		.ring_in = 10,
		.ring_out = 20,
		.ring_full = 5,
		.quotes_out = 2,
		.tcp = 80,
		.not_analysed = 10,
		.turns = 1000,
		.busy_ticks = 250,
		.all_ticks = 1000,
		.gap_max_ticks = 70500,
		.gap_p9999_ticks = 1500};
	report.workers[1] = (struct live_worker_report){.cpu = 2,
		.polled = 50,
		.ring_in = 20,
		.ring_out = 10,
		.quotes_in = 2,
		.tcp = 60};
	report.nb_outputs = 1;
	report.outputs[0] = (struct live_output_report){.output = JBR_OUTPUT_FLOWS,
		.target = "unix:/run/flows",
		.offered = 100,
		.aggregated = 30,
		.aggregates = 2,
		.left_out = 12,
		.status = {.emitted = 60,
			.written = 40,
			.queued = 5,
			.lost_queue = 9,
			.lost_write = 4,
			.lost_long = 2,
			.is_open = true,
			.error = "cannot write"}};
	return report;
}

static void
what_adds_up(void **state)
{
	struct live_report report = sound();
	struct jbr_error error = {0};

	(void)state;
	assert_int_equal(live_report_check(&report, true, &error), 0);
	assert_int_equal(live_report_missed(&report), 7);
	/* not drained: what lies in the descriptors is on the way */
	report.ports[1].received += 128;
	assert_int_equal(live_report_check(&report, false, &error), 0);
}

static void
expect_fault(const struct live_report *report, bool is_over, const char *text)
{
	struct jbr_error error = {0};

	assert_true(live_report_check(report, is_over, &error) < 0);
	assert_string_equal(error.text, text);
}

static void
what_does_not(void **state)
{
	struct live_report report = sound();

	(void)state;
	report.workers[1].tcp--;
	expect_fault(&report, true,
		"worker 1: polled 50 + ring_in 20 is not tcp 59 + not_analysed 0 + ring_out 10");
	report = sound();
	report.ports[0].received++;
	expect_fault(&report, true,
		"ports[0]: net_ring0 received 101 frames and 100 were fetched, but at most 0 can "
		"be on "
		"the way");
	report = sound();
	report.ports[1].received += 129;
	expect_fault(&report, false,
		"ports[1]: net_ring1 received 179 frames and 50 were fetched, but at most 128 can "
		"be on "
		"the way");
	report = sound();
	report.ports[1].received--;
	expect_fault(&report, false,
		"ports[1]: net_ring1 received 49 frames and 50 were fetched, but at most 128 can "
		"be on "
		"the way");
	report = sound();
	report.workers[0].ring_in--;
	report.workers[0].tcp--;
	expect_fault(&report, true,
		"workers: ring_in 29 is not ring_out 30, or quotes_in 2 not quotes_out 2");
	report = sound();
	report.workers[1].quotes_in--;
	expect_fault(&report, true,
		"workers: ring_in 30 is not ring_out 30, or quotes_in 1 not quotes_out 2");
	report = sound();
	report.outputs[0].left_out++;
	expect_fault(&report, true,
		"flows: offered 100 + aggregates 2 is not emitted 60 + aggregated 30 + left_out "
		"13");
	report = sound();
	report.outputs[0].status.lost_long--;
	expect_fault(&report, false,
		"flows: emitted 60 is not written 40 + queued 5 + lost_queue 9 + lost_write 4 + "
		"lost_long 1");
}

static void
as_json(void **state)
{
	struct live_report report = sound();
	struct jbr_buffer out = {0};
	struct jbr_json json;

	(void)state;
	report.nb_workers = 1;
	report.nb_ports = 1;
	jbr_json_init(&json, &out);
	jbr_json_object_open(&json, NULL);
	live_report_json(&json, &report);
	jbr_json_object_close(&json);
	jbr_buffer_append(&out, "", 1);
	assert_string_equal(out.data,
		"{\"live\":{\"steering\":\"software\",\"idle\":\"sleep\",\"hugepages\":false,"
		"\"tsc_hz\":1000000000,\"clock_offset_ns\":-5,\"ports\":[{\"device\":\"net_ring0\","
		"\"driver\":\"net_ring\",\"queues\":1,\"rx_descriptors\":64,\"received\":100,"
		"\"polled\":100,\"in_flight\":0,\"missed\":3,\"no_buffer\":4,\"errors\":0}],"
		"\"workers\":[{\"cpu\":1,\"polled\":100,\"ring_in\":10,\"ring_out\":20,"
		"\"ring_full\":5,\"quotes_in\":0,\"quotes_out\":2,\"quotes_lost\":0,\"tcp\":80,"
		"\"not_analysed\":10,\"lost_records\":0,\"lost_findings\":0,\"polls\":1000,"
		"\"busy_ratio\":0.250000,\"gap_max_us\":70.500,\"gap_p9999_us\":1.500}],\"sinks\":["
		"{\"name\":\"flows\",\"target\":\"unix:/run/flows\",\"offered\":100,"
		"\"aggregated\":30,\"aggregates\":2,\"left_out\":12,\"emitted\":60,"
		"\"written\":40,\"queued\":5,\"lost_queue\":9,\"lost_write\":4,"
		"\"lost_long\":2,\"is_open\":true,\"error\":\"cannot write\"}]}}");
	jbr_buffer_fini(&out);
}

static void
as_text(void **state)
{
	struct live_report report = sound();
	struct jbr_buffer out = {0};

	(void)state;
	report.workers[1].lost_records = 9;
	live_report_text(&out, &report);
	jbr_buffer_append(&out, "", 1);
	assert_non_null(strstr(out.data,
		"    100 fetched + 10 from others\n"
		"    = 80 TCP + 10 not analysed + 20 to others\n"
		"    busy 25.0 %; between two polls at most 70 us, 99.99 % within 1 us\n"
		"    5 dropped: another worker did not keep up\n"));
	assert_non_null(strstr(out.data,
		"    not written, for the output did not keep up: 9 connections, 0 findings\n"));
	assert_non_null(strstr(out.data,
		"  flows to unix:/run/flows\n"
		"    40 lines written, 5 waiting, 15 lost\n"
		"    lost: 9 for a full queue, 4 while it failed, 2 too long\n"
		"    30 half-open connections in 2 lines, by service\n"
		"    12 beyond the budget (section event) are in no line\n"
		"    cannot write\n"));
	jbr_buffer_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_adds_up),
		cmocka_unit_test(what_does_not),
		cmocka_unit_test(as_json),
		cmocka_unit_test(as_text),
	};

	return cmocka_run_group_tests_name("live report", tests, NULL, NULL);
}
