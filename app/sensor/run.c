/* SPDX-License-Identifier: BSD-3-Clause */
#include "run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "eal.h"
#include "line_file.h"
#include "live.h"
#include "notify.h"
#include "report.h"
#include "run_control.h"
#include "run_output.h"
#include "run_publish.h"
#include "run_reload.h"
#include "telemetry.h"

enum {
	COLLECT_MS = 10, /* between two looks at what the workers tell */
	TICK_MS = 1000,
	REOPEN_TURNS = 20, /* of COLLECT_MS, that an answer is waited for */
	STATUS_S = 10,     /* between two lines for systemd */
};

static volatile sig_atomic_t wants_end;
static volatile sig_atomic_t wants_state;
static volatile sig_atomic_t wants_files; /* 2: and a new configuration */

struct run {
	const struct args *args;
	struct jbr_config *config;
	struct machine *machine;
	struct live_plan plan;
	struct live *live;
	struct run_output *output;
	struct run_publish *shared; /* NULL = nothing is published */
	struct publish *publish;    /* of it */
	struct run_control control;
	char host[JBR_CONFIG_STRING_SIZE];
	uint64_t began_ns;
	uint64_t ended_ns;
	struct run_reload reload;
	struct notify notify;
	uint64_t status_ns; /* when systemd was told last */
	bool has_eal;
};

static void
on_signal(int number)
{
	if (number == SIGUSR1)
		wants_state = 1;
	else if (number == SIGUSR2)
		wants_files = wants_files > 1 ? wants_files : 1;
	else if (number == SIGHUP)
		wants_files = 2;
	else
		wants_end = 1;
}

static void
catch_signals(void)
{
	static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2};
	struct sigaction action = {.sa_handler = on_signal};

	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < JBR_COUNT_OF(numbers); i++)
		(void)sigaction(numbers[i], &action, NULL);
}

static uint64_t
monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * JBR_NS_PER_S + (uint64_t)now.tv_nsec;
}

static void
say(const struct jbr_error *error)
{
	fprintf(stderr, "jabiru: %s\n", error->text);
}

/* Write lines that have gathered, each with the program's name. */
static void
say_lines(struct jbr_buffer *lines)
{
	const char *at = lines->data;
	size_t left = lines->length;

	while (left > 0) {
		const char *end = memchr(at, '\n', left);
		size_t length = end == NULL ? left : (size_t)(end - at);

		fprintf(stderr, "jabiru: %.*s\n", (int)length, at);
		length += end != NULL;
		at += length;
		left -= length;
	}
	jbr_buffer_fini(lines);
}

/* ---- shared memory ---- */

/* Without it the sensor works all the same, only that nobody sees it. */
static void
start_publishing(struct run *run)
{
	struct jbr_error error = {0};

	if (!run->config->stats_publish)
		return;
	run->shared = run_publish_create(run->live, &run->plan, run->config, run->host, &error);
	run->publish = run_publish_of(run->shared);
	run_output_publish(run->output, run->publish);
	if (run->shared != NULL) {
		telemetry_start(run->config->stats_folder, run->config->stats_instance);
		return;
	}
	say(&error);
	fprintf(stderr,
		"jabiru: nothing is published: jabiructl and jabiru-exporter will not see "
		"this run\n");
}

/* ---- while it runs ---- */

static void
dump_state(struct run *run)
{
	struct live_report *report = malloc(sizeof(*report));
	struct jbr_buffer text = {0};

	if (report == NULL)
		return;
	live_report(run->live, report);
	run_output_report(run->output, report);
	jbr_buffer_format(&text, "state\n");
	live_report_text(&text, report);
	if (run->reload.text[0] != '\0')
		jbr_buffer_format(&text, "last reload: %s\n", run->reload.text);
	say_lines(&text);
	free(report);
}

static void
publish_reload(struct run *run)
{
	if (run->publish == NULL)
		return;
	publish_set(run->publish, JBR_METRIC_RELOAD_OK, 0, !run->reload.has_failed);
	if (!run->reload.has_failed)
		publish_set(run->publish, JBR_METRIC_RELOAD_TIME, 0,
			(int64_t)run->reload.time_s * 1000);
}

/* HUP: all of it or nothing. */
static void
read_again(struct run *run)
{
	struct run_reload_params params = {.args = run->args,
		.config = run->config,
		.live = run->live,
		.output = run->output};
	struct jbr_config *fresh = malloc(sizeof(*fresh));
	struct jbr_buffer notes = {0};

	notify_reloading(&run->notify, monotonic_ns());
	if (fresh == NULL)
		run_reload_refuse(&run->reload, strerror(ENOMEM));
	else if (run_reload_read(run->args, fresh, &run->reload) < 0)
		; /* which was said */
	else
		run_reload_take(&params, fresh, &run->reload);
	run_output_reopen(run->output);
	free(fresh);
	/* the file of names may have been edited, whatever became of the configuration */
	run_control_reload(&run->control, run->config, &notes);
	say_lines(&notes);
	publish_reload(run);
	notify_ready(&run->notify, run->reload.text);
}

static void
answer_signals(struct run *run)
{
	/* at once: a signal that comes now is for the next turn */
	int files = __atomic_exchange_n(&wants_files, 0, __ATOMIC_RELAXED);

	if (wants_state) {
		wants_state = 0;
		dump_state(run);
	}
	if (files == 0)
		return;
	if (files > 1)
		read_again(run);
	else
		run_output_reopen(run->output);
}

static void
feed_watchdog(struct run *run, uint64_t now_ns)
{
	uint64_t turns[WORKERS_MAX];
	unsigned count;

	if (!notify_is_due(&run->notify, now_ns))
		return;
	count = live_turns(run->live, turns);
	if (!notify_watchdog(&run->notify, turns, count, now_ns))
		fprintf(stderr,
			"jabiru: a worker has not turned for %llu ms: the watchdog is not fed\n",
			(unsigned long long)(run->notify.period_ns / JBR_NS_PER_MS));
}

static void
tell_status(struct run *run, uint64_t now_ns)
{
	struct jbr_counters counters;
	char text[256];

	if (run->notify.fd < 0 || now_ns - run->status_ns < STATUS_S * JBR_NS_PER_S)
		return;
	run->status_ns = now_ns;
	live_counters(run->live, &counters);
	snprintf(text, sizeof(text), "running, %llu packets received%s%.160s",
		(unsigned long long)counters.received, run->reload.has_failed ? "; " : "",
		run->reload.has_failed ? run->reload.text : "");
	notify_status(&run->notify, text);
}

static void
rest(void)
{
	struct timespec pause = {.tv_nsec = COLLECT_MS * 1000000L};

	(void)nanosleep(&pause, NULL);
}

/* What comes over the control socket: as the signal would. */
static int
reload(void *context, struct jbr_buffer *notes, struct jbr_error *error)
{
	struct run *run = context;

	read_again(run);
	if (run->reload.has_failed)
		return jbr_error_set(error, -EINVAL, "%s", run->reload.text);
	jbr_buffer_format(notes, "%s", run->reload.text);
	return 0;
}

static int
reopen(void *context, struct jbr_buffer *notes, struct jbr_error *error)
{
	struct run *run = context;
	int rc = -EAGAIN;

	run_output_reopen(run->output);
	/* not for long, where a disk does not answer */
	for (unsigned i = 0; i < REOPEN_TURNS && rc == -EAGAIN; i++) {
		rest();
		rc = run_output_reopened(run->output, error);
	}
	if (rc == -EAGAIN)
		return jbr_error_set(error, rc,
			"the disk is slow: standard error of the sensor will say how it went");
	if (rc == 0)
		jbr_buffer_format(notes, "output files were opened anew");
	return rc;
}

static void
start_control(struct run *run, struct jbr_buffer *notes)
{
	struct control_desk desk = {.config = run->config,
		.config_path = run->args->config_path,
		.version = JABIRU_VERSION,
		.context = run,
		.reload = reload,
		.reopen = reopen};

	run_control_start(&run->control, &desk, run->config->stats_instance, notes);
	run_output_names(run->output, &run->control.names);
	if (run->publish != NULL)
		publish_names(run->publish, run->control.desk.aliases);
}

static void
control(struct run *run)
{
	uint64_t end_ns = run->args->duration_s == 0
		? UINT64_MAX
		: run->began_ns + run->args->duration_s * JBR_NS_PER_S;
	uint64_t tick_ns = run->began_ns;
	uint64_t ports_ns = run->began_ns;
	struct jbr_buffer notes = {0};

	while (!wants_end && monotonic_ns() < end_ns) {
		rest();
		live_collect(run->live, run_output_tell, run->output);
		run_output_tick(run->output, live_now_ns(run->live), &notes);
		say_lines(&notes);
		if (monotonic_ns() - ports_ns >= LIVE_PORTS_MS * JBR_NS_PER_MS) {
			ports_ns = monotonic_ns();
			live_read_ports(run->live);
		}
		answer_signals(run);
		feed_watchdog(run, monotonic_ns());
		run_control_serve(&run->control, monotonic_ns());
		run_publish_turn(run->shared, run->output, false);
		if (monotonic_ns() - tick_ns >= TICK_MS * JBR_NS_PER_MS) {
			tick_ns = monotonic_ns();
			live_tick(run->live);
			tell_status(run, tick_ns);
		}
	}
}

/* ---- the report ---- */

static int
print_report(struct run *run, const struct report *report, struct jbr_error *error)
{
	struct line_file out;
	int rc = line_file_open(&out, "-", error);

	if (rc < 0)
		return rc;
	if (run->args->json)
		report_write_json(&out.text, report);
	else
		report_write_text(&out.text, report, isatty(STDOUT_FILENO) == 1);
	return line_file_close(&out, error);
}

static int
write_report(struct run *run, bool is_over, struct jbr_error *error)
{
	struct live_report *live = malloc(sizeof(*live));
	struct jbr_counters counters;
	struct rusage usage;
	struct report report = {.counters = &counters,
		.version = JABIRU_VERSION,
		.mode = "run",
		.workers = run->plan.nb_workers,
		.live = live,
		.elapsed_ns = run->ended_ns - run->began_ns};
	int rc = 0;

	if (live == NULL)
		return jbr_error_set(error, -ENOMEM, "cannot report: %s", strerror(ENOMEM));
	live_report(run->live, live);
	run_output_report(run->output, live);
	live_counters(run->live, &counters);
	live_interval(run->live, &report.start_ns, &report.end_ns);
	getrusage(RUSAGE_SELF, &usage);
	report.memory_bytes = (uint64_t)usage.ru_maxrss * 1024;
	report.missed = live_report_missed(live);
	report.findings_left_out = run_output_findings_left_out(run->output);
	for (uint32_t i = 0; i < live->nb_workers; i++)
		report.cycles += live->workers[i].busy_ticks;
	if (!run_output_has_stdout(run->output))
		rc = print_report(run, &report, error);
	if (rc == 0)
		rc = jbr_counters_check(&counters, error);
	if (rc == 0)
		rc = live_report_check(live, is_over, error);
	free(live);
	return rc;
}

/* ---- the verb ---- */

static void
name_host(struct run *run)
{
	if (run->config->sensor_name[0] != '\0')
		memcpy(run->host, run->config->sensor_name, sizeof(run->host));
	else if (gethostname(run->host, sizeof(run->host) - 1) < 0)
		memcpy(run->host, "jabiru", sizeof("jabiru"));
}

static int
set_up(struct run *run, struct jbr_error *error)
{
	struct machine_source source = machine_source_host();
	struct live_params params = {.config = run->config, .plan = &run->plan};
	struct jbr_buffer notes = {0};
	int rc = live_plan_use_ports(run->config, run->args->ports, run->args->nb_ports, error);

	if (rc == 0)
		rc = machine_read(&source, &run->machine, error);
	if (rc == 0)
		rc = live_plan_make(run->config, run->args->eal, run->machine, &run->plan, error);
	say_lines(&run->plan.notes);
	if (rc == 0)
		rc = run_output_open(run->args, run->config, run->host, &run->output, error);
	if (rc == 0)
		rc = eal_start(run->config, &run->plan, run->machine, error);
	run->has_eal = rc == 0;
	/* DPDK has put this thread on the control CPU; those that write go there too */
	if (rc == 0)
		rc = run_output_start(run->output, error);
	if (rc == 0) {
		params.machine = run->machine;
		params.wants_records = run_output_wants_records(run->output);
		params.wants_findings = run_output_wants_findings(run->output);
		rc = live_create(&params, &run->live, &notes, error);
	}
	if (rc == 0)
		start_publishing(run);
	catch_signals();
	if (rc == 0)
		rc = live_start(run->live, &notes, error);
	if (rc == 0)
		start_control(run, &notes);
	say_lines(&notes);
	return rc;
}

static int
run_to_end(struct run *run)
{
	struct jbr_error error = {0};
	struct jbr_buffer notes = {0};
	bool is_over;
	int rc;

	run->began_ns = monotonic_ns();
	fprintf(stderr, "jabiru: running, %u worker%s\n", run->plan.nb_workers,
		run->plan.nb_workers == 1 ? "" : "s");
	if (run->publish != NULL)
		publish_state(run->publish, JBR_SHM_RUNNING);
	notify_ready(&run->notify, "running");
	control(run);
	notify_stopping(&run->notify);
	if (run->publish != NULL)
		publish_state(run->publish, JBR_SHM_DRAINING);
	is_over = live_drain(run->live, run_output_tell, run->output);
	/* what is drained counts among the packets, so its time counts too */
	run->ended_ns = monotonic_ns();
	run_output_end(run->output, live_now_ns(run->live));
	while (!run_output_is_over(run->output, &notes)) {
		rest();
		run_publish_turn(run->shared, run->output, false);
	}
	say_lines(&notes);
	run_publish_turn(run->shared, run->output, true);
	rc = write_report(run, is_over, &error);
	if (rc < 0)
		say(&error);
	return rc;
}

int
run_live(const struct args *args, struct jbr_config *config)
{
	struct run *run = calloc(1, sizeof(*run));
	struct jbr_error error = {0};
	int rc;

	if (run == NULL) {
		fprintf(stderr, "jabiru: %s\n", strerror(ENOMEM));
		return EXIT_FAILED;
	}
	run->args = args;
	run->config = config;
	name_host(run);
	if (notify_open(&run->notify, &error) < 0)
		say(&error);
	rc = set_up(run, &error);
	if (rc == 0)
		rc = run_to_end(run);
	else
		say(&error);
	run_control_stop(&run->control);
	live_free(run->live);
	run_publish_free(run->shared);
	if (run->has_eal)
		eal_stop();
	run_output_free(run->output);
	live_plan_fini(&run->plan);
	machine_free(run->machine);
	notify_close(&run->notify);
	free(run);
	return rc < 0 ? EXIT_FAILED : EXIT_FINE;
}
