/* SPDX-License-Identifier: BSD-3-Clause */
/* The parts that answers have in common, and status, stats and hosts. */
#include "answer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "exposition.h"
#include "health.h"

enum { TIME_DIGITS = 9, RATE_DIGITS = 3 };

/* ---- common parts ---- */

void
answer_error(struct answer *answer, int code, const char *format, ...)
{
	struct jbr_error error;
	struct jbr_json json;
	va_list args;

	va_start(args, format);
	vsnprintf(error.text, sizeof(error.text), format, args);
	va_end(args);
	jbr_buffer_fini(&answer->body);
	answer->code = code;
	jbr_json_init(&json, &answer->body);
	jbr_json_object_open(&json, NULL);
	jbr_json_string(&json, "error", error.text);
	jbr_json_object_close(&json);
}

const char *
query_find(const struct query *query, const char *name)
{
	for (unsigned i = 0; i < query->count; i++)
		if (strcmp(query->pairs[i].name, name) == 0)
			return query->pairs[i].value;
	return NULL;
}

bool
query_number(const struct query *query, const char *name, struct query_range range, uint64_t *value,
	struct answer *answer)
{
	const char *text = query_find(query, name);
	unsigned long long number;
	char *end;

	if (text == NULL)
		return true;
	errno = 0;
	number = strtoull(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || number < range.low ||
		number > range.high) {
		answer_error(answer, 400, "%s: '%.64s' is not a number from %llu to %llu", name,
			text, (unsigned long long)range.low, (unsigned long long)range.high);
		return false;
	}
	*value = number;
	return true;
}

bool
query_check(const struct query *query, const char *const *known, struct answer *answer)
{
	for (unsigned i = 0; i < query->count; i++) {
		const char *const *name = known;

		while (*name != NULL && strcmp(*name, query->pairs[i].name) != 0)
			name++;
		if (*name == NULL) {
			answer_error(answer, 400, "'%.64s' is nothing that can be asked for here",
				query->pairs[i].name);
			return false;
		}
	}
	return true;
}

bool
answer_needs(const struct source *source, bool must_have_figures, struct answer *answer)
{
	if (source->shm == NULL)
		answer_error(answer, 503, "%s", source->error.text);
	else if (must_have_figures && !source->has_newest)
		answer_error(answer, 503, "the sensor has written no figures yet");
	else
		return true;
	return false;
}

void
answer_put_labels(struct jbr_json *json, const struct jbr_shm_series *series)
{
	jbr_json_object_open(json, "labels");
	for (uint32_t i = 0; i < series->nb_labels; i++)
		jbr_json_string(json, series->labels[i].name, series->labels[i].value);
	jbr_json_object_close(json);
}

static void
put_address(struct jbr_json *json, const char *key, unsigned ip_version, const uint8_t *address)
{
	char text[INET6_ADDRSTRLEN];
	int family = ip_version == 4 ? AF_INET : AF_INET6;

	if (ip_version != 4 && ip_version != 6)
		jbr_json_null(json, key);
	else
		jbr_json_string(json, key, inet_ntop(family, address, text, sizeof(text)));
}

/* Nanoseconds, as seconds. */
static void
put_ns(struct jbr_json *json, const char *key, uint64_t ns)
{
	jbr_json_fixed(json, key, (int64_t)ns, TIME_DIGITS);
}

static bool
has_rates(const struct source *source)
{
	return source->life == SOURCE_ALIVE && source->has_newest && source->has_before &&
		source->newest.monotonic_ns > source->before.monotonic_ns;
}

/* What grew by @p growth (over 10^digits) between the last two snapshots, a second. */
static void
put_rate(struct jbr_json *json, const char *key, const struct source *source, uint64_t growth,
	unsigned digits)
{
	unsigned __int128 thousandths = (unsigned __int128)growth * JBR_NS_PER_S * 1000;

	if (!has_rates(source)) {
		jbr_json_null(json, key);
		return;
	}
	thousandths /= source->newest.monotonic_ns - source->before.monotonic_ns;
	for (unsigned i = 0; i < digits; i++)
		thousandths /= 10;
	jbr_json_fixed(json, key, thousandths > INT64_MAX ? INT64_MAX : (int64_t)thousandths,
		RATE_DIGITS);
}

/* ---- status ---- */

static void
put_ports(const struct source *source, struct jbr_json *json)
{
	uint32_t count = source->has_newest ? jbr_shm_info(source->shm)->nb_series : 0;

	jbr_json_array_open(json, "ports");
	for (uint32_t i = 0; i < count; i++) {
		const struct jbr_shm_series *series = jbr_shm_series(source->shm, i);

		if (strcmp(jbr_shm_family(source->shm, series->family)->name, "jabiru_port_up") !=
				0 ||
			series->nb_labels < 2)
			continue;
		jbr_json_object_open(json, NULL);
		jbr_json_uint(json, "port", strtoul(series->labels[0].value, NULL, 10));
		jbr_json_string(json, "device", series->labels[1].value);
		jbr_json_bool(json, "up", source->newest.values[series->slot] != 0);
		jbr_json_object_close(json);
	}
	jbr_json_array_close(json);
}

static void
put_rates(const struct source *source, struct jbr_json *json)
{
	static const struct {
		const char *key;
		const char *family;
		unsigned factor;
	} rates[] = {{"packets_per_second", "jabiru_received_packets_total", 1},
		{"bits_per_second", "jabiru_received_bytes_total", 8},
		{"missed_per_second", "jabiru_missed_packets_total", 1},
		{"tcp_per_second", "jabiru_tcp_packets_total", 1}};

	jbr_json_object_open(json, "rates");
	for (size_t i = 0; i < JBR_COUNT_OF(rates); i++)
		put_rate(json, rates[i].key, source,
			has_rates(source) ? rates[i].factor *
					source_growth(source, rates[i].family, NULL,
						&source->before, &source->newest)
					  : 0,
			0);
	jbr_json_object_close(json);
}

static void
put_sensor(const struct source *source, struct jbr_json *json)
{
	static const struct jbr_shm_info nothing;
	static const char *const states[] = {"starting", "running", "draining", "ended"};
	const struct jbr_shm_info *info = source->shm != NULL ? jbr_shm_info(source->shm)
							      : &nothing;
	uint64_t end_ns = source->life == SOURCE_ALIVE ? source->now_ns
						       : source->newest.monotonic_ns;

	jbr_json_string(json, "sensor", info->sensor);
	jbr_json_string(json, "version", info->version);
	jbr_json_string(json, "run", info->boot_id);
	jbr_json_string(json, "mode", info->mode);
	jbr_json_string(json, "life", source_life_word(source->life));
	if (source->shm == NULL) {
		jbr_json_string(json, "state", "");
		jbr_json_null(json, "age_s");
	} else {
		jbr_json_string(json, "state", states[jbr_shm_state(source->shm)]);
		put_ns(json, "age_s", source->age_ns);
	}
	if (source->shm == NULL || end_ns < info->start_monotonic_ns)
		jbr_json_null(json, "uptime_s");
	else
		put_ns(json, "uptime_s", end_ns - info->start_monotonic_ns);
	if (source->has_newest)
		put_ns(json, "time", source->newest.time_ns);
	else
		jbr_json_null(json, "time");
	jbr_json_uint(json, "snapshot", source->newest.number);
	jbr_json_uint(json, "interval_ms", info->interval_ms);
	jbr_json_uint(json, "workers", info->nb_workers);
}

void
answer_put_status(struct source *source, struct jbr_buffer *out)
{
	struct jbr_json json;
	struct jbr_health health;

	health_judge(source, &health);
	jbr_json_init(&json, out);
	jbr_json_object_open(&json, NULL);
	put_sensor(source, &json);
	put_ports(source, &json);
	jbr_json_string(&json, "health", jbr_health_words[health.level]);
	jbr_json_array_open(&json, "reasons");
	for (unsigned i = 0; i < health.count; i++)
		jbr_json_string(&json, NULL, health.reasons[i].text);
	jbr_json_array_close(&json);
	put_rates(source, &json);
	jbr_json_object_close(&json);
}

void
answer_status(struct source *source, struct answer *answer)
{
	answer_put_status(source, &answer->body);
}

/* ---- stats ---- */

static void
put_histogram(const struct source *source, const struct jbr_shm_family *family,
	const struct jbr_shm_series *series, struct jbr_json *json)
{
	const uint64_t *values = source->newest.values + series->slot;
	uint64_t count = 0;

	jbr_json_array_open(json, "buckets");
	for (uint32_t i = 0; i <= family->nb_bounds; i++) {
		count += values[i];
		jbr_json_array_open(json, NULL);
		if (i < family->nb_bounds)
			exposition_json_value(json, NULL, family, family->bounds[i]);
		else
			jbr_json_string(json, NULL, "+Inf");
		jbr_json_uint(json, NULL, count);
		jbr_json_array_close(json);
	}
	jbr_json_array_close(json);
	jbr_json_uint(json, "count", count);
	exposition_json_value(json, "sum", family, values[family->nb_bounds + 1]);
}

static void
put_series(const struct source *source, const struct jbr_shm_family *family,
	const struct jbr_shm_series *series, struct jbr_json *json)
{
	uint64_t value = source->newest.values[series->slot];

	jbr_json_object_open(json, NULL);
	answer_put_labels(json, series);
	if (family->type == JBR_SHM_HISTOGRAM) {
		put_histogram(source, family, series, json);
	} else {
		exposition_json_value(json, "value", family, value);
		if (family->type == JBR_SHM_COUNTER && has_rates(source) &&
			value >= source->before.values[series->slot])
			put_rate(json, "rate", source, value - source->before.values[series->slot],
				family->digits);
		else
			jbr_json_null(json, "rate");
	}
	jbr_json_object_close(json);
}

void
answer_stats(struct source *source, struct answer *answer)
{
	const struct jbr_shm_info *info;
	struct jbr_json json;
	uint32_t at = 0;

	if (!answer_needs(source, true, answer))
		return;
	info = jbr_shm_info(source->shm);
	jbr_json_init(&json, &answer->body);
	jbr_json_object_open(&json, NULL);
	jbr_json_uint(&json, "number", source->newest.number);
	put_ns(&json, "time", source->newest.time_ns);
	jbr_json_array_open(&json, "families");
	for (uint32_t i = 0; i < info->nb_families; i++) {
		const struct jbr_shm_family *family = jbr_shm_family(source->shm, i);

		jbr_json_object_open(&json, NULL);
		jbr_json_string(&json, "name", family->name);
		jbr_json_string(&json, "type", exposition_type_word(family->type));
		jbr_json_string(&json, "unit", family->unit);
		jbr_json_string(&json, "help", family->help);
		jbr_json_array_open(&json, "series");
		for (; at < info->nb_series && jbr_shm_series(source->shm, at)->family == i; at++)
			put_series(source, family, jbr_shm_series(source->shm, at), &json);
		jbr_json_array_close(&json);
		jbr_json_object_close(&json);
	}
	jbr_json_array_close(&json);
	jbr_json_object_close(&json);
}

/* ---- events and hosts ---- */

void
answer_put_event(struct jbr_json *json, const struct jbr_shm_event *event)
{
	static const char *const severities[] = {"note", "warn", "alert"};

	jbr_json_object_open(json, NULL);
	jbr_json_uint(json, "number", event->number);
	put_ns(json, "time", event->time_ns);
	jbr_json_string(json, "anomaly", event->key);
	jbr_json_string(json, "severity",
		event->severity < JBR_COUNT_OF(severities) ? severities[event->severity] : "note");
	jbr_json_fixed(json, "confidence", event->confidence, 2);
	put_address(json, "src_ip", event->ip_version, event->src);
	jbr_json_uint(json, "src_port", event->src_port);
	put_address(json, "dest_ip", event->ip_version, event->dst);
	jbr_json_uint(json, "dest_port", event->dst_port);
	jbr_json_uint(json, "vlan", event->vlan);
	jbr_json_uint(json, "flow_id", event->flow_id);
	jbr_json_uint(json, "count", event->count);
	put_ns(json, "first", event->first_ns);
	put_ns(json, "last", event->last_ns);
	jbr_json_string(json, "summary", event->summary);
	jbr_json_object_close(json);
}

static void
put_host(struct jbr_json *json, const struct jbr_shm_host *host)
{
	static const char *const roles[JBR_SHM_ROLES] = {"source", "target", "service"};

	if (host->role >= JBR_SHM_ROLES)
		return; /* a newer sensor's */
	jbr_json_object_open(json, NULL);
	jbr_json_string(json, "role", roles[host->role]);
	jbr_json_string(json, "anomaly", host->key);
	put_address(json, "address", host->ip_version, host->address);
	jbr_json_uint(json, "port", host->port);
	jbr_json_string(json, "alias", host->alias);
	jbr_json_uint(json, "count", host->count);
	jbr_json_uint(json, "over", host->over);
	put_ns(json, "last", host->last_ns);
	jbr_json_object_close(json);
}

void
answer_hosts(struct source *source, struct answer *answer)
{
	struct jbr_shm_host *hosts;
	struct jbr_json json;
	uint32_t max;
	int count;

	if (!answer_needs(source, false, answer))
		return;
	max = jbr_shm_info(source->shm)->nb_hosts;
	hosts = calloc((size_t)max + 1, sizeof(*hosts));
	count = hosts != NULL ? jbr_shm_read_hosts(source->shm, hosts, max) : -ENOMEM;
	if (count < 0) {
		answer_error(answer, 503, "the table of hosts could not be read: %s",
			strerror(-count));
	} else {
		jbr_json_init(&json, &answer->body);
		jbr_json_object_open(&json, NULL);
		jbr_json_array_open(&json, "hosts");
		for (int i = 0; i < count; i++)
			put_host(&json, &hosts[i]);
		jbr_json_array_close(&json);
		jbr_json_object_close(&json);
	}
	free(hosts);
}
