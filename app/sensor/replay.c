/* SPDX-License-Identifier: BSD-3-Clause */
#include "replay.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "capture.h"
#include "control_desk.h"
#include "crew.h"
#include "line_file.h"
#include "publish.h"
#include "report.h"

enum {
	/* A batch ends after so many packets, or with the first packet so much later than its first;
	 * it follows from the packets alone, however the reader hands them out. */
	BATCH_FRAMES = 8192,
	BATCH_S = 1,
	/* What one worker alone is given at a time: few enough that the bytes read to find the frames are
	 * still near when they are analysed. Several wait for each other each time, so theirs is more. */
	FEED_FRAMES = 1024,
	LIMITER_ENTITIES = 1 << 17,
	PROGRESS_MIN_BYTES = 64 << 20,
	PROGRESS_COLUMNS = 40,
	PACE_NAP_NS = 50000000,
};

struct replay {
	const struct args *args;
	const struct jbr_config *config;
	struct capture *capture;
	struct crew *crew;
	struct jbr_event_limiter *limiter;
	struct publish *publish;     /* NULL = not asked for */
	struct jbr_aliases *aliases; /* the configuration's */
	struct jbr_event_names names;
	struct line_file events;
	struct line_file flows;
	struct jbr_frame *frames;
	const char *host;
	uint64_t first_ns; /* earliest and latest packet time; first > last = none yet */
	uint64_t last_ns;
	uint64_t now_ns;   /* of the last packet: one stray time stamp must not end everything */
	uint64_t began_ns; /* wall clock */
	uint64_t began_cycles;
	uint64_t told_ns;       /* last progress */
	uint64_t batch_ns;      /* time of the batch's first packet */
	size_t batch_count;     /* packets in it so far */
	uint64_t paced_from_ns; /* packet time at which the pace began; 0 = not yet */
	bool shows_progress;
	bool is_broken;
};

static uint64_t
wall_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * JBR_NS_PER_S + (uint64_t)now.tv_nsec;
}

static void
write_event(struct replay *replay, const struct jbr_event *event)
{
	if (replay->publish != NULL)
		publish_event(replay->publish, event);
	if (replay->events.path == NULL)
		return;
	jbr_event_write_anomaly(&replay->events.text, event, replay->host, &replay->names);
	line_file_flush(&replay->events, false);
}

static void
write_news(struct replay *replay, const struct crew_news *news)
{
	struct jbr_event event;

	for (size_t i = 0; replay->flows.path != NULL && i < news->nb_records; i++) {
		jbr_event_write_flow(&replay->flows.text, &news->records[i], replay->host,
			&replay->names);
		line_file_flush(&replay->flows, false);
	}
	for (size_t i = 0; replay->limiter != NULL && i < news->nb_findings; i++) {
		if (replay->publish != NULL)
			publish_finding(replay->publish, &news->findings[i]);
		if (jbr_event_limiter_offer(replay->limiter, &news->findings[i], &event))
			write_event(replay, &event);
	}
}

/* The crew is at rest: its figures agree at any time it is asked. */
static void
publish_figures(struct replay *replay, bool is_end)
{
	struct jbr_worker_figures figures;

	if (replay->publish == NULL)
		return;
	publish_beat(replay->publish);
	if (!is_end && !publish_is_due(replay->publish))
		return;
	for (uint32_t i = 0; i < replay->args->workers; i++) {
		crew_figures(replay->crew, i, &figures);
		jbr_publish_block(publish_block(replay->publish, i), &figures);
	}
	publish_gather(replay->publish);
	publish_set(replay->publish, JBR_METRIC_EVENTS_LEFT_OUT, 0,
		(int64_t)jbr_event_limiter_left_out(replay->limiter));
	publish_snapshot(replay->publish);
}

static void
show_progress(struct replay *replay, bool is_end)
{
	uint64_t now_ns = wall_ns();
	uint64_t done;
	uint64_t total;
	int filled;

	if (!replay->shows_progress || (!is_end && now_ns - replay->told_ns < 100 * JBR_NS_PER_MS))
		return;
	replay->told_ns = now_ns;
	capture_progress(replay->capture, &done, &total);
	filled = total == 0 ? 0 : (int)(done * PROGRESS_COLUMNS / total);
	if (is_end)
		fprintf(stderr, "\r%*s\r", PROGRESS_COLUMNS + 12, "");
	else
		fprintf(stderr, "\r[%.*s%*s] %3d %%", filled,
			"########################################", PROGRESS_COLUMNS - filled, "",
			total == 0 ? 0 : (int)(done * 100 / total));
	fflush(stderr);
}

/* Wait until a batch is due at the pace asked for. */
static void
keep_pace(struct replay *replay, uint64_t packet_ns)
{
	uint64_t due_ns;

	if (!(replay->args->speed > 0))
		return;
	if (replay->paced_from_ns == 0)
		replay->paced_from_ns = packet_ns;
	if (packet_ns <= replay->paced_from_ns)
		return;
	due_ns = (uint64_t)((double)(packet_ns - replay->paced_from_ns) / replay->args->speed);
	for (;;) {
		uint64_t now_ns = wall_ns() - replay->began_ns;
		struct timespec pause = {0};

		if (due_ns <= now_ns)
			break;
		/* a capture may be silent for long, its readers see that all is well */
		pause.tv_nsec = (long)jbr_min_u64(due_ns - now_ns, PACE_NAP_NS);
		nanosleep(&pause, NULL);
		publish_figures(replay, false);
	}
}

static int
end_batch(struct replay *replay, struct jbr_error *error)
{
	struct crew_news news;

	if (crew_end_batch(replay->crew, replay->now_ns, &news) < 0)
		return jbr_error_set(error, -ENOMEM, "out of memory");
	write_news(replay, &news);
	replay->batch_count = 0;
	show_progress(replay, false);
	return 0;
}

/* How many of the frames belong to the present batch; their times are noted. */
static size_t
take_frames(struct replay *replay, struct jbr_frame *frames, size_t count)
{
	size_t n = 0;

	for (; n < count && replay->batch_count < BATCH_FRAMES; n++) {
		uint64_t time_ns = jbr_max_u64(frames[n].time_ns, 1); /* 0 is "never" inside */

		frames[n].time_ns = time_ns;
		if (replay->batch_count == 0)
			replay->batch_ns = time_ns;
		else if (time_ns >= replay->batch_ns + BATCH_S * JBR_NS_PER_S)
			break;
		replay->batch_count++;
		replay->now_ns = time_ns;
		replay->first_ns = jbr_min_u64(replay->first_ns, time_ns);
		replay->last_ns = jbr_max_u64(replay->last_ns, time_ns);
	}
	return n;
}

static int
feed(struct replay *replay, size_t count, struct jbr_error *error)
{
	size_t at = 0;
	int rc = 0;

	while (at < count && rc == 0) {
		size_t n = take_frames(replay, replay->frames + at, count - at);

		crew_feed(replay->crew, replay->frames + at, n);
		publish_figures(replay, false);
		at += n;
		if (at < count || replay->batch_count == BATCH_FRAMES)
			rc = end_batch(replay, error);
	}
	return rc;
}

/* One pass over the captures. */
static int
run_pass(struct replay *replay, struct jbr_error *error)
{
	size_t want = replay->args->workers == 1 ? FEED_FRAMES : BATCH_FRAMES;
	struct jbr_error feed_error = {0};
	size_t count;
	int rc;

	if (replay->args->speed > 0)
		want = BURST_MAX;
	do {
		count = 0;
		rc = capture_read(replay->capture, replay->frames, want, &count, error);
		if (count == 0)
			break;
		keep_pace(replay, replay->frames[0].time_ns);
		if (feed(replay, count, &feed_error) < 0) {
			*error = feed_error;
			return -ENOMEM;
		}
	} while (rc == 0);
	return rc;
}

static uint64_t
longest_timeout_ns(const struct jbr_config *config)
{
	uint64_t longest = config->timeout_syn_sent_s;

	longest = jbr_max_u64(longest, config->timeout_half_open_s);
	longest = jbr_max_u64(longest, config->timeout_established_s);
	longest = jbr_max_u64(longest, config->timeout_midstream_s);
	longest = jbr_max_u64(longest, config->timeout_closing_s);
	longest = jbr_max_u64(longest, config->timeout_time_wait_s);
	longest = jbr_max_u64(longest, config->timeout_reset_s);
	return longest * JBR_NS_PER_S;
}

static int
run_passes(struct replay *replay, struct jbr_error *error)
{
	uint64_t shift_ns = 0;
	uint64_t span_ns = 0;
	int rc = 0;

	for (uint32_t pass = 0; pass < replay->args->loop && rc == 0; pass++) {
		if (pass > 0) {
			shift_ns += span_ns + longest_timeout_ns(replay->config);
			rc = capture_rewind(replay->capture, shift_ns, error);
		}
		if (rc == 0)
			rc = run_pass(replay, error);
		if (pass == 0 && replay->last_ns >= replay->first_ns)
			span_ns = replay->last_ns - replay->first_ns;
	}
	return rc;
}

static int
write_report(struct replay *replay, struct jbr_error *error)
{
	struct jbr_counters counters;
	struct jbr_buffer text = {0};
	struct line_file out;
	struct rusage usage;
	struct report report = {.counters = &counters, .version = JABIRU_VERSION, .mode = "replay"};
	int rc;

	crew_counters(replay->crew, &counters);
	getrusage(RUSAGE_SELF, &usage);
	report.start_ns = replay->first_ns;
	report.end_ns = replay->last_ns;
	report.is_capture_broken = replay->is_broken;
	report.findings_left_out = replay->limiter == NULL
		? 0
		: jbr_event_limiter_left_out(replay->limiter);
	report.workers = replay->args->workers;
	report.elapsed_ns = wall_ns() - replay->began_ns;
	report.cycles = (__rdtsc() - replay->began_cycles) * replay->args->workers;
	report.memory_bytes = (uint64_t)usage.ru_maxrss * 1024;
	rc = line_file_open(&out, "-", error);
	if (rc < 0)
		return rc;
	if (replay->args->json)
		report_write_json(&text, &report);
	else
		report_write_text(&text, &report, isatty(STDOUT_FILENO) == 1);
	jbr_buffer_append(&out.text, text.data, text.length);
	out.text.failed |= text.failed;
	jbr_buffer_fini(&text);
	rc = line_file_close(&out, error);
	if (rc == 0)
		rc = jbr_counters_check(&counters, error);
	return rc;
}

static bool
has_stdout_lines(const struct args *args)
{
	return (args->flows_path != NULL && strcmp(args->flows_path, "-") == 0) ||
		(args->events_path != NULL && strcmp(args->events_path, "-") == 0);
}

static void
drain_events(struct replay *replay)
{
	struct jbr_event event;

	while (replay->limiter != NULL && jbr_event_limiter_drain(replay->limiter, &event))
		write_event(replay, &event);
}

/* Are both paths the same regular file? */
static bool
is_same_file(const char *a, const char *b)
{
	struct stat of_a;
	struct stat of_b;

	return stat(a, &of_a) == 0 && stat(b, &of_b) == 0 && S_ISREG(of_a.st_mode) &&
		of_a.st_dev == of_b.st_dev && of_a.st_ino == of_b.st_ino;
}

/* An output must not be a socket, a capture that is read, nor the other output. */
static int
check_outputs(const struct args *args, struct jbr_error *error)
{
	const char *outputs[] = {args->events_path, args->flows_path};

	for (unsigned i = 0; i < JBR_COUNT_OF(outputs); i++)
		if (outputs[i] != NULL && strncmp(outputs[i], "unix:", 5) == 0)
			return jbr_error_set(error, -EINVAL,
				"cannot write '%s': a replay loses no line, so it writes to files "
				"only; name one",
				outputs[i]);
	for (unsigned i = 0; i < JBR_COUNT_OF(outputs); i++)
		for (size_t c = 0; outputs[i] != NULL && c < args->nb_captures; c++)
			if (is_same_file(outputs[i], args->captures[c]))
				return jbr_error_set(error, -EINVAL,
					"cannot write '%s': it is a capture to be read",
					outputs[i]);
	if (outputs[0] != NULL && outputs[1] != NULL && strcmp(outputs[0], "/dev/null") != 0 &&
		(strcmp(outputs[0], outputs[1]) == 0 || is_same_file(outputs[0], outputs[1])))
		return jbr_error_set(error, -EINVAL,
			"cannot write '%s': events and flows want a file each", outputs[0]);
	return 0;
}

/* By the configuration alone: what was added to a running sensor is none of a replay's. */
static int
name_hosts(struct replay *replay, struct jbr_error *error)
{
	if (replay->config->aliases_count == 0)
		return 0;
	replay->aliases = jbr_aliases_create();
	if (replay->aliases == NULL)
		return jbr_error_set(error, -ENOMEM, "out of memory");
	replay->names = (struct jbr_event_names){control_name_of, replay->aliases};
	return control_name_configured(replay->aliases, replay->config, error);
}

static int
set_up(struct replay *replay, struct jbr_error *error)
{
	const struct args *args = replay->args;
	struct jbr_event_limits limits = {.interval_s = replay->config->event_interval_s,
		.entities_per_s = replay->config->event_entities_per_s,
		.entities_max = LIMITER_ENTITIES};
	struct crew_params params = {.config = replay->config,
		.workers = args->workers,
		.wants_records = args->flows_path != NULL,
		.wants_findings = args->events_path != NULL || args->publish};
	struct publish_params publish = {.config = replay->config,
		.mode = "replay",
		.sensor = replay->host,
		.nb_workers = args->workers};
	uint64_t done;
	uint64_t total;
	int rc;

	replay->frames = calloc(BATCH_FRAMES, sizeof(*replay->frames));
	if (replay->frames == NULL)
		return jbr_error_set(error, -ENOMEM, "out of memory");
	rc = check_outputs(args, error);
	if (rc == 0)
		rc = capture_open(args->captures, args->nb_captures, &replay->capture, error);
	if (rc == 0)
		rc = line_file_open(&replay->events, args->events_path, error);
	if (rc == 0)
		rc = line_file_open(&replay->flows, args->flows_path, error);
	if (rc == 0)
		rc = crew_create(&params, &replay->crew, error);
	if (rc == 0)
		rc = name_hosts(replay, error);
	if (rc == 0 && args->publish) {
		rc = publish_create(&publish, &replay->publish, error);
		if (rc == 0)
			publish_names(replay->publish, replay->aliases);
		if (rc == 0)
			publish_state(replay->publish, JBR_SHM_RUNNING);
	}
	if (rc == 0 && params.wants_findings) {
		replay->limiter = jbr_event_limiter_create(&limits);
		if (replay->limiter == NULL)
			rc = jbr_error_set(error, -errno, "cannot start events: %s",
				strerror(errno));
	}
	if (rc < 0)
		return rc;
	capture_progress(replay->capture, &done, &total);
	replay->shows_progress = isatty(STDERR_FILENO) == 1 && total >= PROGRESS_MIN_BYTES;
	return 0;
}

static void
say(const struct jbr_error *error)
{
	fprintf(stderr, "jabiru: %s\n", error->text);
}

/* Everything that was analysed is written, whatever failed. */
static int
wind_up(struct replay *replay, int rc)
{
	struct crew_news news;
	struct jbr_error error = {0};

	if (crew_finish(replay->crew, replay->now_ns, &news) == 0)
		write_news(replay, &news);
	drain_events(replay);
	publish_figures(replay, true);
	show_progress(replay, true);
	if (!has_stdout_lines(replay->args) && write_report(replay, &error) < 0) {
		say(&error);
		rc = -EIO;
	}
	return rc;
}

static int
close_lines(struct line_file *file, int rc)
{
	struct jbr_error error = {0};

	if (line_file_close(file, &error) == 0)
		return rc;
	say(&error);
	return -EIO;
}

int
replay_run(const struct args *args, const struct jbr_config *config)
{
	struct replay replay = {.args = args, .config = config, .first_ns = UINT64_MAX};
	struct jbr_error error = {0};
	int rc;

	replay.host = config->sensor_name[0] != '\0' ? config->sensor_name : "replay";
	replay.began_ns = wall_ns();
	replay.began_cycles = __rdtsc();
	rc = set_up(&replay, &error);
	if (rc == 0) {
		rc = run_passes(&replay, &error);
		replay.is_broken = rc < 0;
		if (rc < 0) {
			show_progress(&replay, true);
			say(&error);
		}
		rc = wind_up(&replay, rc);
	} else {
		say(&error);
	}
	rc = close_lines(&replay.flows, rc);
	rc = close_lines(&replay.events, rc);
	jbr_aliases_free(replay.aliases);
	publish_free(replay.publish);
	jbr_event_limiter_free(replay.limiter);
	crew_free(replay.crew);
	capture_close(replay.capture);
	free(replay.frames);
	return rc < 0 ? EXIT_FAILED : EXIT_FINE;
}
