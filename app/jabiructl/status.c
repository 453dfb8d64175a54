/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "figure.h"
#include "health.h"
#include "text.h"
#include "verbs.h"

enum { ROWS_SHOWN = 6, ROWS_MAX = 512 };

#define RECEIVED "jabiru_received_packets_total"
#define BYTES "jabiru_received_bytes_total"
#define TCP "jabiru_tcp_packets_total"
#define MISSED "jabiru_missed_packets_total"

/* ---- for people ---- */

static void
put_head(const struct view *view, const struct jbr_health *health, struct jbr_buffer *out)
{
	const struct jbr_shm_info *info = view->info;

	jbr_buffer_format(out, "jabiru %s on '%s', %s, process %llu: ", info->version, info->sensor,
		info->mode, (unsigned long long)info->pid);
	view_life_text(view, out);
	jbr_buffer_format(out, "\n");
	if (view->now.number != 0)
		jbr_buffer_format(out, "figures of %s\n", text_time(view->now.time_ns).at);
	jbr_buffer_format(out, "\n");
	if (health->count == 0)
		jbr_buffer_format(out, "ok    healthy: nothing is lost, all ports have link\n");
	for (unsigned i = 0; i < health->count; i++)
		jbr_buffer_format(out, "%-5s %s\n", jbr_health_words[health->reasons[i].level],
			health->reasons[i].text);
}

static void
put_rate(const struct view *view, const char *what, const char *name, struct jbr_buffer *out)
{
	jbr_buffer_format(out, "  %-14s %10s  %24s in all\n", what,
		view->seconds > 0 ? text_rate(view_sum_rate(view, name, NULL)).at : "-",
		text_count(view_sum(view, name, NULL)).at);
}

static void
put_traffic(const struct view *view, struct jbr_buffer *out)
{
	uint64_t open = view_sum(view, "jabiru_connections", "open");
	uint64_t half = view_sum(view, "jabiru_connections", "half_open");
	uint64_t unanswered = view_sum(view, "jabiru_connections", "unanswered");

	jbr_buffer_format(out, "\n");
	put_rate(view, "packets", RECEIVED, out);
	jbr_buffer_format(out, "  %-14s %9s%s\n", "bits",
		view->seconds > 0 ? text_short(8 * view_sum_rate(view, BYTES, NULL)).at : "-",
		view->seconds > 0 ? "bit/s" : "");
	put_rate(view, "TCP segments", TCP, out);
	put_rate(view, "lost by ports", MISSED, out);
	put_rate(view, "ended", "jabiru_connections_total", out);
	jbr_buffer_format(out, "  %-14s %10s  half-open %s, unanswered %s, room for %s\n", "open",
		text_count(open).at, text_count(half).at, text_count(unanswered).at,
		text_count(view_sum(view, "jabiru_connection_table_capacity", NULL)).at);
}

/* The busiest series of a family. */
static void
put_rows(const struct view *view, const char *family, const char *heading, const char *none,
	struct jbr_buffer *out)
{
	struct view_row rows[ROWS_MAX];
	const struct view_query query = {family, NULL, VIEW_BY_RISE};
	uint32_t count = view_rows(view, &query, rows, ROWS_MAX);

	jbr_buffer_format(out, "\n%-28s %10s %13s %15s\n", heading, "per s", "last minute",
		"in all");
	if (count == 0)
		jbr_buffer_format(out, "  %s\n", none);
	for (uint32_t i = 0; i < count && i < ROWS_SHOWN; i++)
		jbr_buffer_format(out, "  %-26.26s %10s %13s %15s\n",
			rows[i].series->labels[0].value, text_short(rows[i].rate).at,
			text_count(rows[i].rise).at, text_count(rows[i].total).at);
	if (count > ROWS_SHOWN)
		jbr_buffer_format(out, "  and %u more: `jabiructl stats %s`\n", count - ROWS_SHOWN,
			family);
}

static void
put_ports(const struct view *view, struct jbr_buffer *out)
{
	for (uint32_t i = 0; i < view->info->nb_series; i++) {
		const struct jbr_shm_series *series = jbr_shm_series(view->shm, i);
		const char *port = series->nb_labels > 1 ? series->labels[0].value : "";

		if (strcmp(jbr_shm_family(view->shm, series->family)->name, "jabiru_port_up") != 0)
			continue;
		jbr_buffer_format(out,
			"\nport %s %s: %s, %s received, %s missed, %s without buffer", port,
			series->nb_labels > 1 ? series->labels[1].value : "",
			view_value(view, series) != 0 ? "has link" : "no link",
			text_count(view_sum(view, "jabiru_port_received_packets_total", port)).at,
			text_count(view_sum(view, "jabiru_port_missed_packets_total", port)).at,
			text_count(view_sum(view, "jabiru_port_no_buffer_packets_total", port)).at);
	}
	jbr_buffer_format(out, "\n");
}

static void
put_text(const struct view *view, const struct jbr_health *health, struct jbr_buffer *out)
{
	put_head(view, health, out);
	if (view->now.number == 0)
		return;
	put_traffic(view, out);
	put_rows(view, "jabiru_resets_total", "resets by cause", "none", out);
	put_rows(view, "jabiru_anomalies_total", "anomalies", "none", out);
	put_ports(view, out);
}

/* ---- for programs ---- */

static void
write_seconds(struct jbr_json *json, const char *key, uint64_t ns)
{
	jbr_json_fixed(json, key, (int64_t)(ns / JBR_NS_PER_MS), 3);
}

static void
write_rates(const struct view *view, struct jbr_json *json)
{
	struct health_loss loss;

	if (view->seconds <= 0) {
		jbr_json_null(json, "rates");
	} else {
		jbr_json_object_open(json, "rates");
		figure_json_real(json, "packets_per_second", view_sum_rate(view, RECEIVED, NULL));
		figure_json_real(json, "bits_per_second", 8 * view_sum_rate(view, BYTES, NULL));
		figure_json_real(json, "tcp_per_second", view_sum_rate(view, TCP, NULL));
		figure_json_real(json, "missed_per_second", view_sum_rate(view, MISSED, NULL));
		jbr_json_object_close(json);
	}
	health_loss(view, &loss);
	jbr_json_object_open(json, "loss");
	figure_json_real(json, "window_s", view->window);
	jbr_json_uint(json, "lost", loss.lost);
	jbr_json_uint(json, "offered", loss.offered);
	jbr_json_object_close(json);
}

static void
write_family(const struct view *view, const char *key, const char *family, struct jbr_json *json)
{
	struct view_row rows[ROWS_MAX];
	const struct view_query query = {family, NULL, VIEW_BY_NAME};
	uint32_t count = view_rows(view, &query, rows, ROWS_MAX);

	jbr_json_object_open(json, key);
	for (uint32_t i = 0; i < count; i++)
		jbr_json_uint(json, rows[i].series->labels[0].value, rows[i].total);
	jbr_json_object_close(json);
}

static void
write_ports(const struct view *view, struct jbr_json *json)
{
	jbr_json_array_open(json, "ports");
	for (uint32_t i = 0; i < view->info->nb_series; i++) {
		const struct jbr_shm_series *series = jbr_shm_series(view->shm, i);

		if (strcmp(jbr_shm_family(view->shm, series->family)->name, "jabiru_port_up") !=
				0 ||
			series->nb_labels < 2)
			continue;
		jbr_json_object_open(json, NULL);
		jbr_json_string(json, "port", series->labels[0].value);
		jbr_json_string(json, "device", series->labels[1].value);
		jbr_json_bool(json, "up", view_value(view, series) != 0);
		jbr_json_object_close(json);
	}
	jbr_json_array_close(json);
}

static void
write_json(const struct view *view, const struct jbr_health *health, struct jbr_buffer *out)
{
	const struct jbr_shm_info *info = view->info;
	struct jbr_json json;

	jbr_json_init(&json, out);
	jbr_json_object_open(&json, NULL);
	jbr_json_string(&json, "sensor", info->sensor);
	jbr_json_string(&json, "version", info->version);
	jbr_json_string(&json, "mode", info->mode);
	jbr_json_uint(&json, "pid", info->pid);
	jbr_json_string(&json, "life", view_life_word(view->life));
	jbr_json_string(&json, "state", view_state_word(view));
	write_seconds(&json, "age_s", view->age_ns);
	write_seconds(&json, "uptime_s",
		jbr_max_u64(view->life == JBR_SHM_ALIVE ? jbr_shm_now_ns() : view->now.monotonic_ns,
			info->start_monotonic_ns) -
			info->start_monotonic_ns);
	write_seconds(&json, "time", view->now.number == 0 ? 0 : view->now.time_ns);
	jbr_json_uint(&json, "snapshot", view->now.number);
	jbr_json_uint(&json, "interval_ms", info->interval_ms);
	jbr_json_uint(&json, "workers", info->nb_workers);
	write_ports(view, &json);
	jbr_json_string(&json, "health", jbr_health_words[health->level]);
	jbr_json_array_open(&json, "reasons");
	for (unsigned i = 0; i < health->count; i++)
		jbr_json_string(&json, NULL, health->reasons[i].text);
	jbr_json_array_close(&json);
	write_rates(view, &json);
	jbr_json_uint(&json, "received", view_sum(view, RECEIVED, NULL));
	jbr_json_uint(&json, "missed", view_sum(view, MISSED, NULL));
	write_family(view, "connections", "jabiru_connections", &json);
	write_family(view, "resets", "jabiru_resets_total", &json);
	write_family(view, "anomalies", "jabiru_anomalies_total", &json);
	jbr_json_object_close(&json);
	jbr_buffer_append(out, "\n", 1);
}

/* There is nothing to read: said in the shape that was asked for. */
static int
fail(const struct options *options, const struct jbr_error *error)
{
	struct jbr_buffer out = {0};
	struct jbr_json json;

	if (!options->json)
		return print_error(error);
	jbr_json_init(&json, &out);
	jbr_json_object_open(&json, NULL);
	jbr_json_string(&json, "life", "none");
	jbr_json_string(&json, "health", jbr_health_words[JBR_HEALTH_FAIL]);
	jbr_json_array_open(&json, "reasons");
	jbr_json_string(&json, NULL, error->text);
	jbr_json_array_close(&json);
	jbr_json_object_close(&json);
	jbr_buffer_append(&out, "\n", 1);
	(void)print_text(&out);
	return EXIT_FAILED;
}

int
verb_status(const struct options *options)
{
	struct jbr_buffer out = {0};
	struct jbr_error error;
	struct jbr_health health;
	struct view view;
	bool is_alive;
	int code;

	if (view_open(options->instance, &view, &error) < 0)
		return fail(options, &error);
	health_check(&view, &health);
	if (options->json)
		write_json(&view, &health, &out);
	else
		put_text(&view, &health, &out);
	code = print_text(&out);
	is_alive = view.life == JBR_SHM_ALIVE;
	view_close(&view);
	return is_alive ? code : EXIT_FAILED;
}
