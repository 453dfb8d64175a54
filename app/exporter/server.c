/* SPDX-License-Identifier: BSD-3-Clause */
#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "server_private.h"

enum { ADDRESS_SIZE = 128 };

/* ---- listening ---- */

static int
read_address(const char *text, struct sockaddr_storage *ret_address, int *ret_length,
	struct jbr_error *error)
{
	static const char localhost[] = "localhost:";
	struct sockaddr_storage address = {0};
	char numeric[ADDRESS_SIZE];
	int length = sizeof(address);
	bool is_name = strncasecmp(text, localhost, strlen(localhost)) == 0;
	const char *port = strrchr(text, ':');

	snprintf(numeric, sizeof(numeric), "%s%s", is_name ? "127.0.0.1:" : "",
		is_name ? text + strlen(localhost) : text);
	/* port 0, any free one, is not known to libevent */
	if (port != NULL && strcmp(port, ":0") == 0)
		numeric[strlen(numeric) - 1] = '9';
	if (port == NULL || port[1] == '\0' || port[strspn(port, ":0123456789")] != '\0' ||
		strlen(text) >= sizeof(numeric) - sizeof(localhost) ||
		evutil_parse_sockaddr_port(numeric, (struct sockaddr *)&address, &length) < 0)
		return jbr_error_set(error, -EINVAL,
			"--listen: '%s' is not ADDRESS:PORT, such as 127.0.0.1:9734 or [::1]:9734",
			text);
	if (strcmp(port, ":0") == 0)
		((struct sockaddr_in *)(void *)&address)->sin_port = 0; /* as of IPv6 */
	*ret_address = address;
	*ret_length = length;
	return 0;
}

static bool
is_loopback(const struct sockaddr_storage *address)
{
	const struct sockaddr_in *v4 = (const void *)address;
	const struct sockaddr_in6 *v6 = (const void *)address;

	return address->ss_family == AF_INET ? ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET
					     : IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

static void
say_where(struct evconnlistener *listener)
{
	struct sockaddr_storage address = {0};
	const struct sockaddr_in *v4 = (const void *)&address;
	const struct sockaddr_in6 *v6 = (const void *)&address;
	socklen_t length = sizeof(address);
	char text[INET6_ADDRSTRLEN] = "";
	bool is_v4;

	if (getsockname(evconnlistener_get_fd(listener), (struct sockaddr *)&address, &length) < 0)
		return;
	is_v4 = address.ss_family == AF_INET;
	inet_ntop(address.ss_family,
		is_v4 ? (const void *)&v4->sin_addr : (const void *)&v6->sin6_addr, text,
		sizeof(text));
	printf("listening on http://%s%s%s:%u/\n", is_v4 ? "" : "[", text, is_v4 ? "" : "]",
		ntohs(is_v4 ? v4->sin_port : v6->sin6_port));
	if (!is_loopback(&address))
		fprintf(stderr,
			"jabiru-exporter: whoever reaches %s can read every figure and event; a "
			"proxy in front can ask for a password\n",
			text);
}

static int
listen_on(struct server *server, const char *text, struct jbr_error *error)
{
	struct sockaddr_storage address;
	struct evconnlistener *listener;
	int length = 0;
	unsigned only_v6;
	int rc = read_address(text, &address, &length, error);

	if (rc < 0)
		return rc;
	only_v6 = address.ss_family == AF_INET6 ? LEV_OPT_BIND_IPV6ONLY : 0;
	listener = evconnlistener_new_bind(server->base, NULL, NULL,
		LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE | only_v6,
		BACKLOG, (struct sockaddr *)&address, length);
	if (listener == NULL)
		return jbr_error_set(error, -errno, "cannot listen on %s: %s", text,
			strerror(errno));
	if (evhttp_bind_listener(server->http, listener) == NULL) {
		evconnlistener_free(listener);
		return jbr_error_set(error, -ENOMEM, "cannot listen on %s: %s", text,
			strerror(ENOMEM));
	}
	server->listeners[server->nb_listeners++] = listener;
	say_where(listener);
	return 0;
}

/* ---- beginning and end ---- */

static void
on_tick(evutil_socket_t fd, short what, void *server_arg)
{
	struct server *server = server_arg;

	(void)fd;
	(void)what;
	client_sweep(server);
	stream_tick(server);
}

static void
on_signal(evutil_socket_t fd, short what, void *server_arg)
{
	struct server *server = server_arg;

	(void)fd;
	(void)what;
	event_base_loopbreak(server->base);
}

static int
make_http(struct server *server, struct jbr_error *error)
{
	server->base = event_base_new();
	server->http = server->base != NULL ? evhttp_new(server->base) : NULL;
	if (server->http == NULL)
		return jbr_error_set(error, -ENOMEM, "cannot start the server: %s",
			strerror(ENOMEM));
	evhttp_set_max_headers_size(server->http, REQUEST_HEADER_MAX);
	evhttp_set_max_body_size(server->http, REQUEST_BODY_MAX);
	evhttp_set_timeout(server->http, IDLE_S);
	/* all that it knows come to route_request(), which says what it thinks of them */
	evhttp_set_allowed_methods(server->http,
		EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_HEAD | EVHTTP_REQ_PUT |
			EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS | EVHTTP_REQ_TRACE |
			EVHTTP_REQ_PATCH);
	evhttp_set_bevcb(server->http, client_new, server);
	evhttp_set_gencb(server->http, route_request, server);
	return 0;
}

static void
server_fini(struct server *server)
{
	if (server->http != NULL)
		evhttp_free(server->http); /* with its listeners and connections */
	client_fini(server);
	source_fini(&server->source);
	if (server->base != NULL)
		event_base_free(server->base);
}

/* Serve until a signal comes. */
static int
loop(struct server *server, struct jbr_error *error)
{
	struct timeval interval = {.tv_usec = TICK_MS * 1000};
	struct event *tick = event_new(server->base, -1, EV_PERSIST, on_tick, server);
	struct event *term = evsignal_new(server->base, SIGTERM, on_signal, server);
	struct event *interrupt = evsignal_new(server->base, SIGINT, on_signal, server);
	int rc = 0;

	if (tick == NULL || term == NULL || interrupt == NULL || event_add(tick, &interval) < 0 ||
		event_add(term, NULL) < 0 || event_add(interrupt, NULL) < 0 ||
		event_base_dispatch(server->base) < 0)
		rc = jbr_error_set(error, -ENOMEM, "the event loop cannot run");
	if (tick != NULL)
		event_free(tick);
	if (term != NULL)
		event_free(term);
	if (interrupt != NULL)
		event_free(interrupt);
	return rc;
}

int
server_run(const struct options *options, struct jbr_error *error)
{
	struct server server = {.options = options};
	struct timespec now;
	int rc;

	signal(SIGPIPE, SIG_IGN);
	clock_gettime(CLOCK_REALTIME, &now);
	server.own.values[OWN_EXPORTER_START_TIME] = (uint64_t)now.tv_sec * 1000 +
		(uint64_t)now.tv_nsec / JBR_NS_PER_MS;
	source_init(&server.source, options->instance);
	rc = make_http(&server, error);
	for (unsigned i = 0; rc == 0 && i < options->nb_listen; i++)
		rc = listen_on(&server, options->listen[i], error);
	fflush(stdout);
	if (rc == 0) {
		source_refresh(&server.source);
		if (server.source.shm == NULL)
			fprintf(stderr, "jabiru-exporter: %s; waiting for it\n",
				server.source.error.text);
		rc = loop(&server, error);
	}
	server_fini(&server);
	return rc;
}
