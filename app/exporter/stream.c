/* SPDX-License-Identifier: BSD-3-Clause */
/* Server-sent events. Nothing is queued for a stream beyond what its connection holds: the segment's ring
 * is the queue, and a stream that is slow finds in it what is left, and is told how much is not. */
#include "server_private.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "answer.h"

static const int send_buffer = STREAM_QUEUE_BYTES;
static const struct timeval write_timeout = {.tv_sec = IDLE_S};

/* ---- texts ---- */

static void
put_head(struct jbr_buffer *out, const char *event)
{
	jbr_buffer_format(out, "event: %s\n", event);
}

static void
put_lost(struct jbr_buffer *out, uint64_t lost)
{
	put_head(out, "lost");
	jbr_buffer_format(out, "data: {\"lost\":%llu}\n\n", (unsigned long long)lost);
}

static void
put_anomaly(struct jbr_buffer *out, const struct jbr_shm_event *event)
{
	struct jbr_json json;

	put_head(out, "anomaly");
	jbr_buffer_format(out, "id: %llu\ndata: ", (unsigned long long)event->number);
	jbr_json_init(&json, out);
	answer_put_event(&json, event);
	jbr_buffer_append(out, "\n\n", 2);
}

static void
put_status(struct jbr_buffer *out, struct source *source)
{
	put_head(out, "snapshot");
	jbr_buffer_append(out, "data: ", 6);
	answer_put_status(source, out);
	jbr_buffer_append(out, "\n\n", 2);
}

/* ---- sending ---- */

static size_t
queued(const struct stream *stream)
{
	return evbuffer_get_length(bufferevent_get_output(stream->bev));
}

static void
send_text(struct stream *stream, const struct jbr_buffer *text)
{
	struct evbuffer *chunk;

	if (text->failed || text->length == 0)
		return;
	chunk = evbuffer_new();
	if (chunk != NULL && evbuffer_add(chunk, text->data, text->length) == 0)
		evhttp_send_reply_chunk(stream->request, chunk);
	if (chunk != NULL)
		evbuffer_free(chunk);
}

/* Events of another run begin at its first one. */
static void
follow_source(struct stream *stream, const struct source *source)
{
	if (stream->openings == source->openings)
		return;
	stream->openings = source->openings;
	stream->cursor = (struct jbr_shm_cursor){.next = 1};
	stream->told_lost = 0;
}

static void
send_events(struct stream *stream)
{
	struct server *server = stream->server;
	size_t room = STREAM_QUEUE_BYTES;
	struct jbr_buffer text = {0};
	struct jbr_shm_event event;
	size_t held = queued(stream);

	follow_source(stream, &server->source);
	for (unsigned i = 0; i < STREAM_EVENTS_MAX && held + text.length < room; i++) {
		int rc = jbr_shm_next_event(server->source.shm, &stream->cursor, &event);
		uint64_t lost = stream->cursor.lost - stream->told_lost;

		if (lost > 0) {
			put_lost(&text, lost);
			stream->told_lost = stream->cursor.lost;
			server->own.values[OWN_STREAM_LOST] += lost;
		}
		if (rc != 1)
			break;
		put_anomaly(&text, &event);
		server->own.values[OWN_STREAM_EVENTS]++;
	}
	send_text(stream, &text);
	jbr_buffer_fini(&text);
}

void
stream_tick(struct server *server)
{
	struct jbr_buffer status = {0};
	struct stream *next;

	if (server->streams == NULL)
		return;
	source_refresh(&server->source);
	if (server->source.now_ns - server->status_ns >=
		JBR_NS_PER_S - TICK_MS * JBR_NS_PER_MS / 2) {
		server->status_ns = server->source.now_ns;
		put_status(&status, &server->source);
	}
	for (struct stream *stream = server->streams; stream != NULL; stream = next) {
		next = stream->next;
		if (queued(stream) < STREAM_QUEUE_BYTES)
			send_text(stream, &status);
		if (server->source.shm != NULL)
			send_events(stream);
	}
	jbr_buffer_fini(&status);
}

/* ---- beginning and end ---- */

static void
forget(struct stream *stream)
{
	struct stream **at = &stream->server->streams;

	while (*at != stream)
		at = &(*at)->next;
	*at = stream->next;
	stream->server->nb_streams--;
	free(stream);
}

static void
on_close(struct evhttp_connection *connection, void *stream_arg)
{
	struct stream *stream = stream_arg;
	struct evhttp_request *request = stream->request;

	(void)connection;
	forget(stream);
	/* evhttp lets go of a request that it could not finish; this releases it */
	if (evhttp_request_get_connection(request) == NULL)
		evhttp_send_reply_end(request);
}

/* Where a client that comes back left off; a number that is not written yet is of an earlier run. */
static void
seek(struct stream *stream, struct source *source)
{
	const char *last = evhttp_find_header(evhttp_request_get_input_headers(stream->request),
		"Last-Event-ID");
	char *end = NULL;
	unsigned long long number;

	stream->openings = source->openings;
	stream->cursor = (struct jbr_shm_cursor){.next = 1};
	if (source->shm == NULL)
		return;
	jbr_shm_seek(source->shm, &stream->cursor, 0);
	if (last == NULL || last[0] < '0' || last[0] > '9')
		return;
	number = strtoull(last, &end, 10);
	if (*end == '\0')
		stream->cursor.next = number < stream->cursor.next ? number + 1 : 1;
}

int
stream_start(struct server *server, struct evhttp_request *request)
{
	struct evhttp_connection *connection = evhttp_request_get_connection(request);
	struct stream *stream;
	struct jbr_buffer text = {0};

	if (server->nb_streams >= STREAMS_MAX)
		return -ENOSPC;
	stream = calloc(1, sizeof(*stream));
	if (stream == NULL)
		return -ENOMEM;
	*stream = (struct stream){.request = request,
		.bev = evhttp_connection_get_bufferevent(connection),
		.server = server,
		.next = server->streams};
	server->streams = stream;
	server->nb_streams++;
	source_refresh(&server->source);
	seek(stream, &server->source);
	client_note_request(server, stream->bev, true);
	evhttp_connection_set_closecb(connection, on_close, stream);
	evhttp_add_header(evhttp_request_get_output_headers(request), "Content-Type",
		"text/event-stream");
	evhttp_add_header(evhttp_request_get_output_headers(request), "Cache-Control", "no-store");
	evhttp_send_reply_start(request, 200, "OK");
	/* else the kernel would hold megabytes that are no news any more when they are taken */
	(void)setsockopt(bufferevent_getfd(stream->bev), SOL_SOCKET, SO_SNDBUF, &send_buffer,
		sizeof(send_buffer));
	/* it sends nothing more, so only taking is timed */
	bufferevent_set_timeouts(stream->bev, NULL, &write_timeout);
	jbr_buffer_format(&text, "retry: 2000\n\n");
	put_status(&text, &server->source);
	send_text(stream, &text);
	jbr_buffer_fini(&text);
	return 0;
}
