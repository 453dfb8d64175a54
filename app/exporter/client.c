/* SPDX-License-Identifier: BSD-3-Clause */
/* evhttp tells nobody when a connection ends, and has neither a limit of them nor one of the time that a
 * request takes. So each connection's bufferevent is made here, and a reference to it is kept: when evhttp
 * has released it, its callbacks are gone. */
#include "server_private.h"

#include <event2/bufferevent.h>
#include <stdlib.h>
#include <sys/socket.h>

static bool
has_ended(const struct client *client)
{
	bufferevent_event_cb on_event = NULL;

	bufferevent_getcb(client->bev, NULL, NULL, &on_event, NULL);
	return on_event == NULL;
}

static void
listen_while_room(struct server *server)
{
	bool is_full = server->nb_clients >= CLIENTS_MAX;

	if (is_full == server->is_full)
		return;
	for (unsigned i = 0; i < server->nb_listeners; i++) {
		if (is_full)
			evconnlistener_disable(server->listeners[i]);
		else
			evconnlistener_enable(server->listeners[i]);
	}
	server->is_full = is_full;
}

struct bufferevent *
client_new(struct event_base *base, void *server_arg)
{
	struct server *server = server_arg;
	struct client *client = calloc(1, sizeof(*client));
	struct bufferevent *bev = bufferevent_socket_new(base, -1, 0);

	if (client == NULL || bev == NULL) {
		free(client);
		return bev; /* one that is not counted; without it evhttp makes its own */
	}
	bufferevent_setwatermark(bev, EV_READ, 0, INPUT_MAX);
	bufferevent_incref(bev);
	client->bev = bev;
	client->since_ns = jbr_shm_now_ns();
	client->next = server->clients;
	server->clients = client;
	server->nb_clients++;
	listen_while_room(server);
	return bev;
}

void
client_note_request(struct server *server, struct bufferevent *bev, bool is_stream)
{
	for (struct client *client = server->clients; client != NULL; client = client->next) {
		if (client->bev != bev)
			continue;
		client->since_ns = jbr_shm_now_ns();
		client->is_stream = is_stream;
	}
}

void
client_sweep(struct server *server)
{
	struct client **at = &server->clients;
	uint64_t now_ns = jbr_shm_now_ns();

	while (*at != NULL) {
		struct client *client = *at;

		/* a callback is set as soon as evhttp has taken it, in the same turn of the loop */
		if (has_ended(client)) {
			*at = client->next;
			bufferevent_decref(client->bev);
			free(client);
			server->nb_clients--;
			continue;
		}
		/* evhttp then sees its end, as if the other side had closed it */
		if (!client->is_stream && now_ns - client->since_ns > REQUEST_S * JBR_NS_PER_S)
			shutdown(bufferevent_getfd(client->bev), SHUT_RDWR);
		at = &client->next;
	}
	listen_while_room(server);
}

void
client_fini(struct server *server)
{
	while (server->clients != NULL) {
		struct client *client = server->clients;

		server->clients = client->next;
		bufferevent_decref(client->bev);
		free(client);
	}
	server->nb_clients = 0;
}
