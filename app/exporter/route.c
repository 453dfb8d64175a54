/* SPDX-License-Identifier: BSD-3-Clause */
/* From a request to its answer. */
#include "server_private.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "answer.h"
#include "asset.h"
#include "host_name.h"

#define JSON_TYPE "application/json"
#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

static const struct {
	const char *name;
	const char *value;
} headers[] = {
	{"Content-Security-Policy",
		"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
		"img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors "
		"'none'"},
	{"X-Content-Type-Options", "nosniff"},
	{"Referrer-Policy", "no-referrer"},
	{"Cross-Origin-Resource-Policy", "same-origin"},
};

/* ---- sending ---- */

static const char *
reason_of(int code)
{
	switch (code) {
	case 200:
		return "OK";
	case 304:
		return "Not Modified";
	case 400:
		return "Bad Request";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	default:
		return "Service Unavailable";
	}
}

static void
add_header(struct evhttp_request *request, const char *name, const char *value)
{
	evhttp_add_header(evhttp_request_get_output_headers(request), name, value);
}

/* Send @p bytes, none of them to a HEAD. */
static void
send_bytes(struct evhttp_request *request, int code, const void *bytes, size_t length)
{
	struct evbuffer *buffer = NULL;
	char text[24];

	for (size_t i = 0; i < JBR_COUNT_OF(headers); i++)
		add_header(request, headers[i].name, headers[i].value);
	if (code != 304) {
		snprintf(text, sizeof(text), "%zu", length);
		add_header(request, "Content-Length", text);
		if (evhttp_request_get_command(request) != EVHTTP_REQ_HEAD) {
			buffer = evbuffer_new();
			if (buffer == NULL || evbuffer_add(buffer, bytes, length) < 0) {
				/* what has been announced cannot be kept: end the connection */
				evhttp_connection_free(evhttp_request_get_connection(request));
				goto out;
			}
		}
	}
	evhttp_send_reply(request, code, reason_of(code), buffer);
out:
	if (buffer != NULL)
		evbuffer_free(buffer);
}

static void
send_answer(struct server *server, struct evhttp_request *request, struct answer *answer,
	const char *type)
{
	if (answer->body.failed)
		answer_error(answer, 503, "%s", strerror(ENOMEM));
	server->own.values[OWN_REFUSED] += answer->code >= 400;
	add_header(request, "Content-Type", answer->code >= 400 ? JSON_TYPE : type);
	add_header(request, "Cache-Control", "no-store");
	send_bytes(request, answer->code, answer->body.data, answer->body.length);
	jbr_buffer_fini(&answer->body);
}

/* ---- built-in files ---- */

static bool
header_has(struct evhttp_request *request, const char *name, const char *word)
{
	const char *value = evhttp_find_header(evhttp_request_get_input_headers(request), name);

	return value != NULL && strstr(value, word) != NULL;
}

static bool
send_asset(struct evhttp_request *request, const char *path)
{
	for (size_t i = 0; i < nb_assets; i++) {
		const struct asset *asset = &assets[i];
		bool is_gzipped = header_has(request, "Accept-Encoding", "gzip") &&
			!header_has(request, "Accept-Encoding", "gzip;q=0");

		if (strcmp(asset->path, path) != 0)
			continue;
		add_header(request, "Content-Type", asset->type);
		add_header(request, "ETag", asset->etag);
		add_header(request, "Cache-Control", "no-cache");
		add_header(request, "Vary", "Accept-Encoding");
		if (header_has(request, "If-None-Match", asset->etag)) {
			send_bytes(request, 304, NULL, 0);
		} else if (is_gzipped) {
			add_header(request, "Content-Encoding", "gzip");
			send_bytes(request, 200, asset->gzipped, asset->gzipped_bytes);
		} else {
			send_bytes(request, 200, asset->plain, asset->plain_bytes);
		}
		return true;
	}
	return false;
}

/* ---- dynamic ones ---- */

typedef void (
	*query_answer)(struct source *source, const struct query *query, struct answer *answer);

static const char *const nothing_known[] = {NULL};

static void
ask_status(struct source *source, const struct query *query, struct answer *answer)
{
	if (query_check(query, nothing_known, answer))
		answer_status(source, answer);
}

static void
ask_stats(struct source *source, const struct query *query, struct answer *answer)
{
	if (query_check(query, nothing_known, answer))
		answer_stats(source, answer);
}

static void
ask_hosts(struct source *source, const struct query *query, struct answer *answer)
{
	if (query_check(query, nothing_known, answer))
		answer_hosts(source, answer);
}

static const struct {
	const char *path;
	query_answer answer;
} resources[] = {{"/api/v1/status", ask_status}, {"/api/v1/stats", ask_stats},
	{"/api/v1/history", answer_history}, {"/api/v1/events", answer_events},
	{"/api/v1/hosts", ask_hosts}};

static void
ask(struct server *server, const char *query_text, query_answer ask_it, struct answer *answer)
{
	struct query query = {0};
	struct evkeyvalq pairs;
	struct evkeyval *pair;

	TAILQ_INIT(&pairs);
	if (query_text != NULL && query_text[0] != '\0' &&
		evhttp_parse_query_str(query_text, &pairs) < 0) {
		answer_error(answer, 400, "what stands behind the '?' is no list of NAME=VALUE");
		goto out;
	}
	for (pair = TAILQ_FIRST(&pairs); pair != NULL; pair = TAILQ_NEXT(pair, next)) {
		if (query.count == QUERY_MAX) {
			answer_error(answer, 400, "more than %d values behind the '?'", QUERY_MAX);
			goto out;
		}
		query.pairs[query.count].name = pair->key;
		query.pairs[query.count++].value = pair->value;
	}
	source_refresh(&server->source);
	ask_it(&server->source, &query, answer);
out:
	evhttp_clear_headers(&pairs);
}

static void
write_metrics(struct server *server, struct answer *answer)
{
	struct own_figures *own = &server->own;

	source_refresh(&server->source);
	own->values[OWN_SCRAPES]++;
	own->values[OWN_OPENINGS] = server->source.openings;
	own->values[OWN_CONNECTIONS] = server->nb_clients;
	own->values[OWN_STREAMS] = server->nb_streams;
	exposition_write(&answer->body, &server->source, own);
}

/* ---- what comes first ---- */

static bool
is_host_allowed(const struct server *server, struct evhttp_request *request,
	struct bufferevent *bev, struct answer *answer)
{
	const char *host = evhttp_find_header(evhttp_request_get_input_headers(request), "Host");
	const char *of_uri = evhttp_uri_get_host(evhttp_request_get_evhttp_uri(request));
	struct sockaddr_storage address;
	socklen_t length = sizeof(address);
	const struct sockaddr *local = (const struct sockaddr *)&address;
	const struct options *options = server->options;

	if (getsockname(bufferevent_getfd(bev), (struct sockaddr *)&address, &length) < 0)
		local = NULL;
	if (host == NULL)
		answer_error(answer, 400, "the request has no Host");
	else if (!host_name_is_allowed(host, options->hosts, options->nb_hosts, local) ||
		(of_uri != NULL &&
			!host_name_is_allowed(of_uri, options->hosts, options->nb_hosts, local)))
		answer_error(answer, 403,
			"'%.128s' is no name of this server; jabiru-exporter --host NAME adds one",
			host);
	else
		return true;
	return false;
}

static bool
is_method_allowed(struct evhttp_request *request, struct answer *answer)
{
	enum evhttp_cmd_type method = evhttp_request_get_command(request);

	if (method == EVHTTP_REQ_GET || method == EVHTTP_REQ_HEAD)
		return true;
	add_header(request, "Allow", "GET, HEAD");
	answer_error(answer, 405, "only GET and HEAD are answered here");
	return false;
}

/* @return whether the stream has begun, so that there is nothing more to send */
static bool
begin_stream(struct server *server, struct evhttp_request *request, struct answer *answer)
{
	int rc;

	if (evhttp_request_get_command(request) == EVHTTP_REQ_HEAD)
		return false;
	for (size_t i = 0; i < JBR_COUNT_OF(headers); i++)
		add_header(request, headers[i].name, headers[i].value);
	rc = stream_start(server, request);
	if (rc == 0)
		return true;
	evhttp_clear_headers(evhttp_request_get_output_headers(request));
	if (rc == -ENOSPC)
		answer_error(answer, 503, "%d streams of events are open, which is the most",
			STREAMS_MAX);
	else
		answer_error(answer, 503, "%s", strerror(-rc));
	return false;
}

void
route_request(struct evhttp_request *request, void *server_arg)
{
	struct server *server = server_arg;
	struct bufferevent *bev = evhttp_connection_get_bufferevent(
		evhttp_request_get_connection(request));
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
	const char *path = evhttp_uri_get_path(uri);
	struct answer answer = {.code = 200};
	const char *type = JSON_TYPE;
	size_t i = 0;

	client_note_request(server, bev, false);
	server->own.values[OWN_REQUESTS]++;
	while (i < JBR_COUNT_OF(resources) && strcmp(resources[i].path, path) != 0)
		i++;
	if (!is_host_allowed(server, request, bev, &answer) ||
		!is_method_allowed(request, &answer)) {
		/* the answer is made */
	} else if (i < JBR_COUNT_OF(resources)) {
		ask(server, evhttp_uri_get_query(uri), resources[i].answer, &answer);
	} else if (strcmp(path, "/metrics") == 0) {
		write_metrics(server, &answer);
		type = METRICS_TYPE;
	} else if (strcmp(path, "/events") == 0) {
		if (begin_stream(server, request, &answer))
			return;
		type = "text/event-stream";
	} else if (send_asset(request, path)) {
		return;
	} else {
		answer_error(&answer, 404, "nothing is at '%.128s'", path);
	}
	send_answer(server, request, &answer, type);
}
