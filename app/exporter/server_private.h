/* SPDX-License-Identifier: BSD-3-Clause */
/** @file server_private.h
 * What the parts of the server share: the server itself, its connections and streams. */
#pragma once
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>

#include "exposition.h"
#include "options.h"
#include "source.h"

enum {
	CLIENTS_MAX = 128, /* connections; more wait until one ends */
	STREAMS_MAX = 32,  /* of them; more are answered with 503 */
	REQUEST_HEADER_MAX = 8192,
	REQUEST_BODY_MAX = 1024,    /* nothing here takes one */
	INPUT_MAX = 65536,          /* bytes that a connection may send ahead */
	IDLE_S = 20,                /* without a byte sent or taken */
	REQUEST_S = 30,             /* from one request to the end of the next */
	STREAM_QUEUE_BYTES = 65536, /* not taken by a stream: it gets no more until they are */
	STREAM_EVENTS_MAX = 1000,   /* a tick and stream */
	TICK_MS = 100,
	BACKLOG = 64,
};

/** A connection. */
struct client {
	struct client *next;
	struct bufferevent *bev; /**< one reference is ours, so that its end is seen */
	uint64_t since_ns;       /**< CLOCK_MONOTONIC: it came, or its last request did */
	bool is_stream;
};

/** A request for /events that is being answered. */
struct stream {
	struct stream *next;
	struct evhttp_request *request;
	struct bufferevent *bev;
	struct jbr_shm_cursor cursor;
	uint64_t told_lost;
	uint64_t openings; /**< of the source, which the cursor belongs to */
	struct server *server;
};

struct server {
	const struct options *options;
	struct event_base *base;
	struct evhttp *http;
	struct evconnlistener *listeners[OPTIONS_LISTEN_MAX];
	unsigned nb_listeners;
	struct source source;
	struct own_figures own;
	struct client *clients;
	unsigned nb_clients;
	bool is_full; /**< the listeners rest */
	struct stream *streams;
	unsigned nb_streams;
	uint64_t status_ns; /**< CLOCK_MONOTONIC: when streams were last told the status */
};

/** Make the bufferevent of a connection that has come; for evhttp. @param server  struct server */
struct bufferevent *client_new(struct event_base *base, void *server);
/** Note that @p bev sent a request. */
void client_note_request(struct server *server, struct bufferevent *bev, bool is_stream);
/** Forget those that have gone, end those that take too long, and listen while there is room. */
void client_sweep(struct server *server);
/** Forget all, when evhttp is gone. */
void client_fini(struct server *server);

/** Answer a request; for evhttp. @param server  struct server */
void route_request(struct evhttp_request *request, void *server);

/** Begin to answer a request for /events. @return 0, or -ENOSPC: there are too many; -ENOMEM. */
int stream_start(struct server *server, struct evhttp_request *request);
/** Send what is new to all streams. */
void stream_tick(struct server *server);
