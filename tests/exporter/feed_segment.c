/* SPDX-License-Identifier: BSD-3-Clause */
/* A made-up sensor: writes a stats segment with figures that grow at given rates, and events, so that what
 * reads one can be tried without packets. The figures fit together as a sensor's do.
 *
 * usage: feed_segment --folder FOLDER [--instance NAME] [--seconds S] [--port DEVICE]... [NAME=VALUE]...
 *
 * While it runs, lines NAME=VALUE on its standard input change a rate; `end` ends it as a sensor ends, `quit`
 * as one that is killed. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "jbr_stats.h"

enum { PORTS_MAX = 8, LINE_SIZE = 256, BEAT_MS = 20 };

enum setting {
	PACKETS, /* rates, a second */
	NOT_ANALYSED,
	MISSED,
	SYNS,
	SYNACKS,
	RESETS,
	CLOSED,
	UNANSWERED,
	ONE_WAY,
	ACKS,
	ACKS_UNSEEN,
	FINDINGS,
	EVENTS,
	OFFSET_MS, /* as they are */
	PORT_UP,
	HEARTBEAT,
	INTERVAL_MS, /* at the start only */
	SNAPSHOTS,
	RING,
	SETTINGS
};

static struct {
	const char *name;
	int64_t value;
} settings[SETTINGS] = {
	[PACKETS] = {"packets", 10000},
	[NOT_ANALYSED] = {"not_analysed", 50},
	[MISSED] = {"missed", 0},
	[SYNS] = {"syns", 200},
	[SYNACKS] = {"synacks", 195},
	[RESETS] = {"resets", 20},
	[CLOSED] = {"closed", 180},
	[UNANSWERED] = {"unanswered", 5},
	[ONE_WAY] = {"one_way", 1},
	[ACKS] = {"acks", 4000},
	[ACKS_UNSEEN] = {"acks_unseen", 2},
	[FINDINGS] = {"findings", 10},
	[EVENTS] = {"events", 2},
	[OFFSET_MS] = {"offset_ms", 0},
	[PORT_UP] = {"port_up", 1},
	[HEARTBEAT] = {"heartbeat", 1},
	[INTERVAL_MS] = {"interval_ms", 1000},
	[SNAPSHOTS] = {"snapshots", 900},
	[RING] = {"ring", 4096},
};

struct feed {
	struct jbr_publisher *publisher;
	struct jbr_worker_figures figures;
	uint32_t nb_ports;
	const char *ports[PORTS_MAX];
	double owed[SETTINGS]; /* parts of one */
	uint64_t missed;
	uint64_t events;
	uint64_t findings;
	uint64_t resets;
	bool is_over;
	bool has_quit;
};

static volatile sig_atomic_t is_told;

static void
on_signal(int number)
{
	(void)number;
	is_told = 1;
}

static uint64_t
wall_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * JBR_NS_PER_S + (uint64_t)now.tv_nsec;
}

/* How many of @p setting are due after @p seconds more. */
static uint64_t
due(struct feed *feed, enum setting setting, double seconds)
{
	uint64_t whole;

	feed->owed[setting] += (double)settings[setting].value * seconds;
	whole = feed->owed[setting] > 0 ? (uint64_t)feed->owed[setting] : 0;
	feed->owed[setting] -= (double)whole;
	return whole;
}

/* ---- figures ---- */

static void
grow_connections(struct feed *feed, double seconds)
{
	struct jbr_counters *counters = &feed->figures.counters;
	uint64_t closed = due(feed, CLOSED, seconds);
	uint64_t unanswered = due(feed, UNANSWERED, seconds);
	uint64_t one_way = due(feed, ONE_WAY, seconds);

	counters->outcomes[JBR_OUTCOME_SF] += closed;
	counters->conn_states[JBR_OUTCOME_SF] += closed;
	counters->outcomes[JBR_OUTCOME_S0] += unanswered;
	counters->conn_states[JBR_OUTCOME_S0] += unanswered;
	counters->outcomes[JBR_OUTCOME_OTH] += one_way;
	counters->conn_states[JBR_OUTCOME_OTH] += one_way;
	counters->connections += closed + unanswered + one_way;
	counters->one_way += one_way;
	counters->acks += due(feed, ACKS, seconds);
	counters->acks_unseen += due(feed, ACKS_UNSEEN, seconds);
	for (unsigned i = 0; i < JBR_FLOW_CLASSES; i++)
		feed->figures.open[i] = 100 * (i + 1);
	for (uint64_t i = 0; i < closed; i++) {
		jbr_histogram_add(&feed->figures.handshake_rtt, 200000 + i % 50 * 40000);
		jbr_histogram_add(&feed->figures.server_response, 1000000 + i % 50 * 900000);
	}
}

static void
grow(struct feed *feed, double seconds)
{
	struct jbr_worker_figures *figures = &feed->figures;
	struct jbr_counters *counters = &figures->counters;
	uint64_t tcp = due(feed, PACKETS, seconds);
	uint64_t other = due(feed, NOT_ANALYSED, seconds);
	uint64_t resets = due(feed, RESETS, seconds);
	uint64_t findings = due(feed, FINDINGS, seconds);

	counters->received += tcp + other;
	counters->received_bytes += (tcp + other) * 500;
	counters->tcp += tcp;
	counters->not_analysed[JBR_NOT_ANALYSED_UDP] += other;
	figures->not_analysed += other;
	figures->polled += tcp + other;
	figures->port_polled[0] += tcp + other;
	counters->segments[JBR_SEGMENT_SYN] += due(feed, SYNS, seconds);
	counters->segments[JBR_SEGMENT_SYNACK] += due(feed, SYNACKS, seconds);
	counters->segments[JBR_SEGMENT_RST] += resets;
	for (uint64_t i = 0; i < resets; i++)
		counters->resets[feed->resets++ % JBR_RESET_COUNT]++;
	for (uint64_t i = 0; i < findings; i++)
		counters->anomalies[feed->findings++ % JBR_ANOM_COUNT]++;
	feed->missed += due(feed, MISSED, seconds);
	figures->cycles += (uint64_t)(seconds * 2e9);
	figures->busy_cycles += (uint64_t)(seconds * 7e8);
	figures->polls += (uint64_t)(seconds * 1000);
	for (unsigned i = 0; i < 100; i++)
		jbr_histogram_add(&figures->poll_gap, 2000 + i * 100);
	grow_connections(feed, seconds);
}

static void
set_ports(struct feed *feed)
{
	uint64_t received = feed->figures.port_polled[0];

	for (uint32_t i = 0; i < feed->nb_ports; i++) {
		jbr_publisher_set(feed->publisher, JBR_METRIC_PORT_UP, i, settings[PORT_UP].value);
		jbr_publisher_set(feed->publisher, JBR_METRIC_PORT_RECEIVED, i,
			i == 0 ? (int64_t)received : 0);
		jbr_publisher_set(feed->publisher, JBR_METRIC_PORT_POLLED, i,
			i == 0 ? (int64_t)received : 0);
		jbr_publisher_set(feed->publisher, JBR_METRIC_PORT_MISSED, i,
			i == 0 ? (int64_t)feed->missed : 0);
	}
}

static int64_t
ratio(uint64_t part, uint64_t whole)
{
	return whole > 0 ? (int64_t)(part * 1000000 / whole) : 0;
}

static void
put_snapshot(struct feed *feed)
{
	const struct jbr_counters *counters = &feed->figures.counters;

	jbr_publish_block(jbr_publisher_block(feed->publisher, 0), &feed->figures);
	jbr_publisher_gather(feed->publisher, NULL);
	set_ports(feed);
	jbr_publisher_set(feed->publisher, JBR_METRIC_MISSED_PACKETS, 0, (int64_t)feed->missed);
	jbr_publisher_set(feed->publisher, JBR_METRIC_CLOCK_OFFSET, 0,
		settings[OFFSET_MS].value * (int64_t)JBR_NS_PER_MS);
	jbr_publisher_set(feed->publisher, JBR_METRIC_LOSS_RATIO, 0,
		ratio(counters->acks_unseen, counters->acks));
	jbr_publisher_set(feed->publisher, JBR_METRIC_ONE_WAY_RATIO, 0,
		ratio(counters->one_way, counters->connections));
	jbr_publisher_set(feed->publisher, JBR_METRIC_EVENTS, 0, (int64_t)feed->events);
	jbr_publisher_snapshot(feed->publisher, wall_ns(), jbr_shm_now_ns());
}

/* ---- events and hosts ---- */

static void
put_event(struct feed *feed)
{
	uint64_t number = ++feed->events;
	const struct jbr_anomaly_info *anomaly = &jbr_anomalies[number % JBR_ANOM_COUNT];
	struct jbr_shm_event event = {.time_ns = wall_ns(),
		.count = 1 + number % 3,
		.flow_id = number * 7919,
		.src_port = (uint16_t)(1024 + number % 60000),
		.dst_port = 443,
		.ip_version = number % 5 == 0 ? 6 : 4,
		.severity = anomaly->severity,
		.confidence = 80};
	bool is_v4 = event.ip_version == 4;

	event.first_ns = event.last_ns = event.time_ns;
	inet_pton(is_v4 ? AF_INET : AF_INET6, is_v4 ? "192.0.2.1" : "2001:db8::1", event.src);
	inet_pton(is_v4 ? AF_INET : AF_INET6, is_v4 ? "198.51.100.7" : "2001:db8::7", event.dst);
	event.src[is_v4 ? 3 : 15] = (uint8_t)(number % 200);
	snprintf(event.key, sizeof(event.key), "%s", anomaly->key);
	snprintf(event.summary, sizeof(event.summary), "made up, number %llu",
		(unsigned long long)number);
	jbr_publisher_event(feed->publisher, &event);
}

static void
put_hosts(const struct feed *feed)
{
	struct jbr_shm_host hosts[9] = {0};

	for (unsigned i = 0; i < JBR_COUNT_OF(hosts); i++) {
		struct jbr_shm_host *host = &hosts[i];

		host->role = (uint8_t)(i % JBR_SHM_ROLES);
		host->ip_version = 4;
		host->port = host->role == JBR_SHM_SERVICE ? 443 : 0;
		inet_pton(AF_INET, "192.0.2.1", host->address);
		host->address[3] = (uint8_t)(i + 1);
		host->count = feed->findings / (i + 1) + 1;
		host->last_ns = wall_ns();
		snprintf(host->key, sizeof(host->key), "%s", jbr_anomalies[i].key);
		if (i == 0)
			snprintf(host->alias, sizeof(host->alias), "web-1");
	}
	jbr_publisher_hosts(feed->publisher, hosts, JBR_COUNT_OF(hosts));
}

/* ---- what it is told ---- */

static int
set(const char *text)
{
	const char *value = strchr(text, '=');
	char *end;
	long long number;

	if (value == NULL)
		return -EINVAL;
	number = strtoll(value + 1, &end, 10);
	for (unsigned i = 0; i < SETTINGS; i++)
		if (strlen(settings[i].name) == (size_t)(value - text) &&
			strncmp(settings[i].name, text, (size_t)(value - text)) == 0 &&
			end != value + 1 && *end == '\0') {
			settings[i].value = number;
			return 0;
		}
	return -EINVAL;
}

static void
obey(struct feed *feed, char *line)
{
	line[strcspn(line, "\n")] = '\0';
	feed->has_quit |= strcmp(line, "quit") == 0;
	feed->is_over |= strcmp(line, "end") == 0 || feed->has_quit;
	if (!feed->is_over && set(line) < 0)
		fprintf(stderr, "feed_segment: cannot understand '%s'\n", line);
}

/* Wait for @p ms at most, and do what standard input says. */
static void
hear(struct feed *feed, bool *is_open, int ms)
{
	struct pollfd input = {.fd = *is_open ? STDIN_FILENO : -1, .events = POLLIN};
	char text[LINE_SIZE];
	ssize_t length;
	char *line, *rest = text;

	if (poll(&input, 1, ms) <= 0 || input.revents == 0)
		return;
	length = read(STDIN_FILENO, text, sizeof(text) - 1);
	*is_open = length > 0;
	text[length > 0 ? length : 0] = '\0';
	while ((line = strsep(&rest, "\n")) != NULL)
		if (line[0] != '\0')
			obey(feed, line);
}

static void
run(struct feed *feed, double seconds)
{
	uint64_t start_ns = jbr_shm_now_ns();
	uint64_t last_ns = start_ns, snapshot_ns = start_ns;
	uint64_t interval_ns = (uint64_t)settings[INTERVAL_MS].value * JBR_NS_PER_MS;
	bool is_open = true;

	while (!feed->is_over && !is_told) {
		uint64_t now_ns = jbr_shm_now_ns();
		double passed = (double)(now_ns - last_ns) / 1e9;

		if (seconds > 0 && (double)(now_ns - start_ns) / 1e9 >= seconds)
			break;
		last_ns = now_ns;
		if (settings[HEARTBEAT].value != 0) {
			jbr_publisher_beat(feed->publisher, now_ns);
			grow(feed, passed);
			for (uint64_t i = due(feed, EVENTS, passed); i > 0; i--)
				put_event(feed);
			if (now_ns >= snapshot_ns) {
				put_snapshot(feed);
				put_hosts(feed);
				snapshot_ns += interval_ns;
			}
		}
		hear(feed, &is_open, BEAT_MS);
	}
}

static int
read_arguments(int argc, char **argv, struct feed *feed, struct jbr_publisher_params *params,
	double *ret_seconds)
{
	for (int i = 1; i < argc; i++) {
		bool has_value = i + 1 < argc;

		if (strcmp(argv[i], "--folder") == 0 && has_value)
			params->folder = argv[++i];
		else if (strcmp(argv[i], "--instance") == 0 && has_value)
			params->instance = argv[++i];
		else if (strcmp(argv[i], "--seconds") == 0 && has_value)
			*ret_seconds = strtod(argv[++i], NULL);
		else if (strcmp(argv[i], "--port") == 0 && has_value && feed->nb_ports < PORTS_MAX)
			feed->ports[feed->nb_ports++] = argv[++i];
		else if (set(argv[i]) < 0)
			return -EINVAL;
	}
	if (feed->nb_ports == 0)
		feed->ports[feed->nb_ports++] = "net_null0";
	return params->folder != NULL ? 0 : -EINVAL;
}

int
main(int argc, char **argv)
{
	static struct feed feed;
	static const struct jbr_series_name names[] = {
		{JBR_METRIC_PORT_XSTAT, "rx_good_packets", 0}};
	struct jbr_publisher_params params = {.instance = "jabiru",
		.version = "1.2.3",
		.sensor = "made-up",
		.mode = "run",
		.nb_workers = 1,
		.names = names,
		.nb_names = 1,
		.nb_hosts = 64,
		.start_ns = wall_ns()};
	struct jbr_error error;
	double seconds = 0;

	if (read_arguments(argc, argv, &feed, &params, &seconds) < 0) {
		fprintf(stderr, "feed_segment: wrong argument; see the top of its source\n");
		return 2;
	}
	params.ports = feed.ports;
	params.nb_ports = feed.nb_ports;
	params.interval_ms = (uint32_t)settings[INTERVAL_MS].value;
	params.nb_snapshots = (uint32_t)settings[SNAPSHOTS].value;
	params.nb_events = (uint32_t)settings[RING].value;
	if (jbr_publisher_create(&params, &feed.publisher, &error) < 0) {
		fprintf(stderr, "feed_segment: %s\n", error.text);
		return 1;
	}
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	jbr_publisher_set(feed.publisher, JBR_METRIC_START_TIME, 0,
		(int64_t)(params.start_ns / JBR_NS_PER_MS));
	jbr_publisher_set(feed.publisher, JBR_METRIC_WORKERS, 0, 1);
	jbr_publisher_set(feed.publisher, JBR_METRIC_CAPACITY, 0, 100000);
	jbr_publisher_set(feed.publisher, JBR_METRIC_RELOAD_OK, 0, 1);
	jbr_publisher_set(feed.publisher, JBR_METRIC_RELOAD_TIME, 0,
		(int64_t)(params.start_ns / JBR_NS_PER_MS));
	jbr_publisher_state(feed.publisher, JBR_SHM_RUNNING);
	printf("feeding %s/%s\n", params.folder, params.instance);
	fflush(stdout);
	run(&feed, seconds);
	if (!feed.has_quit)
		jbr_publisher_state(feed.publisher, JBR_SHM_ENDED);
	printf("events %llu\n", (unsigned long long)feed.events);
	jbr_publisher_free(feed.publisher);
	return 0;
}
