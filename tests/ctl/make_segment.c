/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes a stats segment whose figures are fixed, and keeps it alive, for the tests of what reads it.
 *
 * usage: make_segment FOLDER INSTANCE
 *
 * 61 snapshots, a second apart, the last of 2026-11-23 18:01:00 UTC; figures rise evenly. `ready` on
 * standard output says that it is there. Then orders come on standard input, a word a line, each
 * answered by `done`:
 *   events N   write N more events        lossy   packets are missed from now on, a tenth of all
 *   snapshot   the next second            hang    no sign of life from now on
 *   end        the run is over            (end of input: leave at once, as if killed)
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "jbr_stats.h"

#define START_NS (UINT64_C(1795456800) * JBR_NS_PER_S) /* 2026-11-23T18:00:00 */

enum { SNAPSHOTS = 61, WORKERS = 2, PORTS = 2, BEAT_MS = 100 };

struct maker {
	struct jbr_publisher *publisher;
	uint64_t second;
	uint64_t missed;
	uint64_t events;
	bool is_lossy;
	bool hangs;
};

/* What a worker has counted after @p s seconds. */
static struct jbr_worker_figures
figures_after(uint64_t s, uint64_t scale)
{
	struct jbr_worker_figures figures = {0};
	struct jbr_counters *counters = &figures.counters;

	counters->received = 1100 * scale * s;
	counters->received_bytes = counters->received * 500;
	counters->tcp = 1000 * scale * s;
	counters->not_analysed[JBR_NOT_ANALYSED_UDP] = 90 * scale * s;
	counters->not_analysed[JBR_NOT_ANALYSED_NON_IP] = 10 * scale * s;
	figures.not_analysed = 100 * scale * s;
	figures.polled = counters->received;
	counters->segments[JBR_SEGMENT_RST] = 12 * s;
	counters->resets[JBR_RESET_REFUSED] = 7 * s;
	counters->resets[JBR_RESET_APP_ABORT] = 4 * s;
	counters->resets[JBR_RESET_INJECTED] = s;
	counters->anomalies[JBR_ANOM_TCP_SYN_FIN] = 20 * s;
	counters->anomalies[JBR_ANOM_LAND_ATTACK] = 2 * s;
	counters->anomalies[JBR_ANOM_MIDSTREAM_PICKUP] = 3 * s;
	counters->anomalies[JBR_ANOM_IP_LOW_TTL] = s > 30 ? 30 : s;
	counters->connections = 50 * s;
	counters->outcomes[JBR_OUTCOME_SF] = 50 * s;
	counters->conn_states[JBR_OUTCOME_SF] = 50 * s;
	counters->acks = 400 * scale * s;
	figures.open[JBR_FLOW_PROVEN] = 1234;
	figures.open[JBR_FLOW_HALF_OPEN] = 12;
	figures.open[JBR_FLOW_UNANSWERED] = 7;
	figures.polls = 1000000 * s;
	figures.cycles = 2000000 * s;
	figures.busy_cycles = 500000 * scale * s;
	figures.handshake_rtt.counts[10] = 40 * s;
	figures.handshake_rtt.counts[20] = 10 * s;
	figures.handshake_rtt.sum = 1000000 * s;
	return figures;
}

static void
write_snapshot(struct maker *maker)
{
	uint64_t s = maker->second;
	uint64_t received = 0;

	for (uint32_t i = 0; i < WORKERS; i++) {
		struct jbr_worker_figures figures = figures_after(s, i + 1);

		received += figures.counters.received;
		jbr_publish_block(jbr_publisher_block(maker->publisher, i), &figures);
	}
	jbr_publisher_gather(maker->publisher, NULL);
	if (maker->is_lossy)
		maker->missed += 367; /* a tenth of what was offered */
	jbr_publisher_set(maker->publisher, JBR_METRIC_START_TIME, 0, START_NS / JBR_NS_PER_MS);
	jbr_publisher_set(maker->publisher, JBR_METRIC_WORKERS, 0, WORKERS);
	jbr_publisher_set(maker->publisher, JBR_METRIC_CAPACITY, 0, 1048576);
	jbr_publisher_set(maker->publisher, JBR_METRIC_RELOAD_OK, 0, 1);
	jbr_publisher_set(maker->publisher, JBR_METRIC_MISSED_PACKETS, 0, (int64_t)maker->missed);
	for (uint32_t i = 0; i < PORTS; i++) {
		jbr_publisher_set(maker->publisher, JBR_METRIC_PORT_UP, i, 1);
		jbr_publisher_set(maker->publisher, JBR_METRIC_PORT_RECEIVED, i,
			(int64_t)received / PORTS);
		jbr_publisher_set(maker->publisher, JBR_METRIC_PORT_POLLED, i,
			(int64_t)received / PORTS);
		jbr_publisher_set(maker->publisher, JBR_METRIC_PORT_MISSED, i,
			i == 0 ? (int64_t)maker->missed : 0);
	}
	jbr_publisher_set(maker->publisher, JBR_METRIC_EVENTS, 0, (int64_t)maker->events);
	jbr_publisher_snapshot(maker->publisher, START_NS + s * JBR_NS_PER_S,
		(s + 1) * JBR_NS_PER_S);
	maker->second++;
}

static void
write_event(struct maker *maker)
{
	static const char *const keys[] = {"tcp_syn_fin", "land_attack", "ip_low_ttl"};
	uint64_t n = maker->events++;
	struct jbr_shm_event event = {.time_ns = START_NS + n * JBR_NS_PER_MS,
		.first_ns = START_NS,
		.last_ns = START_NS + n * JBR_NS_PER_MS,
		.count = n % 3 + 1,
		.flow_id = 4711,
		.src_port = 40000,
		.dst_port = 80,
		.ip_version = 4};

	inet_pton(AF_INET, "10.1.2.3", event.src);
	inet_pton(AF_INET, n % 2 ? "192.0.2.80" : "192.0.2.81", event.dst);
	event.severity = n % 3 == 0 ? JBR_SEVERITY_WARN
		: n % 3 == 1        ? JBR_SEVERITY_ALERT
				    : JBR_SEVERITY_NOTE;
	event.confidence = 80;
	snprintf(event.key, sizeof(event.key), "%s", keys[n % 3]);
	snprintf(event.summary, sizeof(event.summary), "10.1.2.3:40000 > 192.0.2.%u:80, event %llu",
		n % 2 ? 80 : 81, (unsigned long long)n + 1);
	jbr_publisher_event(maker->publisher, &event);
}

static void
write_hosts(struct maker *maker)
{
	static const struct {
		uint8_t role;
		const char *address;
		uint16_t port;
		const char *key;
		uint64_t count;
		const char *alias;
	} rows[] = {
		{JBR_SHM_SOURCE, "10.1.2.3", 0, "tcp_syn_fin", 2000, "scanner"},
		{JBR_SHM_TARGET, "192.0.2.80", 0, "tcp_syn_fin", 1500, "web-1"},
		{JBR_SHM_SERVICE, "192.0.2.80", 80, "tcp_syn_fin", 1500, "web-1"},
		{JBR_SHM_SOURCE, "2001:db8::7", 0, "ip_low_ttl", 30, ""},
		{JBR_SHM_SERVICE, "2001:db8::53", 53, "land_attack", 122, ""},
	};
	struct jbr_shm_host hosts[JBR_COUNT_OF(rows)] = {0};

	for (size_t i = 0; i < JBR_COUNT_OF(rows); i++) {
		bool is_6 = strchr(rows[i].address, ':') != NULL;

		hosts[i].role = rows[i].role;
		hosts[i].ip_version = is_6 ? 6 : 4;
		hosts[i].port = rows[i].port;
		hosts[i].count = rows[i].count;
		hosts[i].over = i == 3 ? 4 : 0;
		hosts[i].last_ns = START_NS + (10 - i) * JBR_NS_PER_S;
		inet_pton(is_6 ? AF_INET6 : AF_INET, rows[i].address, hosts[i].address);
		snprintf(hosts[i].key, sizeof(hosts[i].key), "%s", rows[i].key);
		snprintf(hosts[i].alias, sizeof(hosts[i].alias), "%s", rows[i].alias);
	}
	jbr_publisher_hosts(maker->publisher, hosts, JBR_COUNT_OF(rows));
}

static int
create(const char *folder, const char *instance, struct maker *maker)
{
	static const char *const ports[PORTS] = {"net_af_packet0,iface=eth1", "0000:03:00.1"};
	struct jbr_publisher_params params = {.folder = folder,
		.instance = instance,
		.version = "1.2.3",
		.sensor = "tap-1",
		.mode = "run",
		.nb_workers = WORKERS,
		.nb_ports = PORTS,
		.ports = ports,
		.interval_ms = 1000,
		.nb_snapshots = 900,
		.nb_events = 64,
		.nb_hosts = 32,
		.start_ns = START_NS};
	struct jbr_error error;

	if (jbr_publisher_create(&params, &maker->publisher, &error) < 0) {
		fprintf(stderr, "make_segment: %s\n", error.text);
		return -1;
	}
	while (maker->second < SNAPSHOTS)
		write_snapshot(maker);
	for (unsigned i = 0; i < 5; i++)
		write_event(maker);
	write_hosts(maker);
	jbr_publisher_beat(maker->publisher, jbr_shm_now_ns());
	jbr_publisher_state(maker->publisher, JBR_SHM_RUNNING);
	return 0;
}

/* @return false: leave */
static bool
obey(struct maker *maker, const char *order)
{
	unsigned count;

	if (sscanf(order, "events %u", &count) == 1) {
		for (unsigned i = 0; i < count; i++)
			write_event(maker);
	} else if (strcmp(order, "snapshot") == 0) {
		write_snapshot(maker); /* whose time is no sign of life: it is a made one */
		jbr_publisher_beat(maker->publisher, jbr_shm_now_ns());
	} else if (strcmp(order, "lossy") == 0) {
		maker->is_lossy = true;
	} else if (strcmp(order, "hang") == 0) {
		maker->hangs = true;
		jbr_publisher_beat(maker->publisher,
			jbr_shm_now_ns() - 2 * JBR_SHM_STALE_MS * JBR_NS_PER_MS);
	} else if (strcmp(order, "end") == 0) {
		jbr_publisher_state(maker->publisher, JBR_SHM_ENDED);
	} else {
		fprintf(stderr, "make_segment: what is '%s'?\n", order);
		return false;
	}
	puts("done");
	fflush(stdout);
	return true;
}

int
main(int argc, char **argv)
{
	struct maker maker = {0};
	char order[64];

	if (argc != 3 || create(argv[1], argv[2], &maker) < 0)
		return 1;
	setvbuf(stdin, NULL, _IONBF, 0);
	puts("ready");
	fflush(stdout);
	for (;;) {
		struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};

		if (poll(&input, 1, BEAT_MS) > 0) {
			if (fgets(order, sizeof(order), stdin) == NULL)
				break;
			order[strcspn(order, "\n")] = '\0';
			if (!obey(&maker, order))
				return 1;
		}
		if (!maker.hangs)
			jbr_publisher_beat(maker.publisher, jbr_shm_now_ns());
	}
	jbr_publisher_free(maker.publisher); /* says nothing of an end */
	return 0;
}
