/* SPDX-License-Identifier: BSD-3-Clause */
#include "client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "jbr_shm.h"

#define CLIENT_FOLDER "/run/jabiru"

static int
name_socket(const struct options *options, struct sockaddr_un *ret_address, struct jbr_error *error)
{
	const char *instance = strrchr(options->instance, '/');
	int length;

	*ret_address = (struct sockaddr_un){.sun_family = AF_UNIX};
	instance = instance == NULL ? options->instance : instance + 1;
	if (options->socket != NULL)
		length = snprintf(ret_address->sun_path, sizeof(ret_address->sun_path), "%s",
			options->socket);
	else
		length = snprintf(ret_address->sun_path, sizeof(ret_address->sun_path),
			CLIENT_FOLDER "/%s.sock", instance);
	if (length < 0 || (size_t)length >= sizeof(ret_address->sun_path))
		return jbr_error_set(error, -ENAMETOOLONG, "the socket's path is too long");
	return 0;
}

static int
call(const struct options *options, unsigned patience_s, int *ret_fd, struct jbr_error *error)
{
	struct timeval patience = {.tv_sec = patience_s};
	struct sockaddr_un address;
	int rc = name_socket(options, &address, error);
	int fd;

	if (rc < 0)
		return rc;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return jbr_error_set(error, -errno, "cannot make a socket: %s", strerror(errno));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		rc = -errno;
		jbr_error_set(error, rc, "cannot ask the sensor at '%s': %s%s", address.sun_path,
			strerror(errno),
			errno == ENOENT || errno == ECONNREFUSED ? " (no sensor listens there)"
				: errno == EACCES ? " (root and the sensor's group may)"
						  : "");
		close(fd);
		return rc;
	}
	*ret_fd = fd;
	return 0;
}

static int
send_line(int fd, const char *line, struct jbr_error *error)
{
	size_t length = strlen(line);

	for (size_t done = 0; done < length;) {
		ssize_t n = send(fd, line + done, length - done, MSG_NOSIGNAL);

		if (n > 0)
			done += (size_t)n;
		else if (errno != EINTR)
			return jbr_error_set(error, -errno, "cannot ask the sensor: %s",
				strerror(errno));
	}
	return 0;
}

static int
read_line(int fd, unsigned patience_s, struct jbr_buffer *line, struct jbr_error *error)
{
	uint64_t end_ns = jbr_shm_now_ns() + patience_s * JBR_NS_PER_S;

	while (line->length == 0 || line->data[line->length - 1] != '\n') {
		struct pollfd wait = {.fd = fd, .events = POLLIN};
		uint64_t now_ns = jbr_shm_now_ns();
		int left_ms = now_ns >= end_ns ? 0 : (int)((end_ns - now_ns) / JBR_NS_PER_MS);
		char *at = jbr_buffer_reserve(line, BUFSIZ);
		ssize_t n;

		if (at == NULL || line->length > CLIENT_ANSWER_MAX)
			return jbr_error_set(error, -EPROTO, "the sensor's answer is too long");
		if (poll(&wait, 1, left_ms) == 0)
			return jbr_error_set(error, -ETIMEDOUT,
				"the sensor has not answered within %u s", patience_s);
		n = recv(fd, at, BUFSIZ, 0);
		if (n == 0)
			return jbr_error_set(error, -EPROTO, "the sensor hung up");
		if (n < 0 && errno != EINTR)
			return jbr_error_set(error, -errno, "cannot hear the sensor: %s",
				strerror(errno));
		line->length += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int
judge(json_t *answer, struct jbr_error *error)
{
	const char *why = json_string_value(json_object_get(answer, "error"));

	if (json_is_true(json_object_get(answer, "ok")))
		return 0;
	if (why == NULL)
		return jbr_error_set(error, -EPROTO, "what the sensor answered is not understood");
	return jbr_error_set(error, -EREMOTEIO, "the sensor refuses: %.400s", why);
}

static int
ask_within(const struct options *options, unsigned patience_s, const char *request,
	json_t **ret_answer, struct jbr_error *error)
{
	struct jbr_buffer line = {0};
	json_t *answer = NULL;
	int fd = -1;
	int rc = call(options, patience_s, &fd, error);

	if (rc < 0)
		return rc;
	rc = send_line(fd, request, error);
	if (rc == 0)
		rc = send_line(fd, "\n", error);
	if (rc == 0)
		rc = read_line(fd, patience_s, &line, error);
	close(fd);
	if (rc == 0) {
		answer = json_loadb(line.data, line.length, 0, NULL);
		rc = judge(answer, error);
	}
	jbr_buffer_fini(&line);
	if (rc < 0)
		json_decref(answer);
	else
		*ret_answer = answer;
	return rc;
}

int
client_ask(const struct options *options, const char *request, json_t **ret_answer,
	struct jbr_error *error)
{
	return ask_within(options, CLIENT_PATIENCE_S, request, ret_answer, error);
}

struct jbr_aliases *
client_aliases(const struct options *options)
{
	struct jbr_aliases *aliases = jbr_aliases_create();
	json_t *answer = NULL;
	json_t *entry;
	size_t index;

	if (aliases == NULL ||
		ask_within(options, CLIENT_NAMES_PATIENCE_S, "{\"command\":\"alias_list\"}",
			&answer, NULL) < 0)
		return aliases;
	json_array_foreach(json_object_get(answer, "result"), index, entry)
	{
		const char *network = json_string_value(json_object_get(entry, "network"));
		const char *name = json_string_value(json_object_get(entry, "name"));
		const char *source = json_string_value(json_object_get(entry, "source"));
		struct jbr_network parsed;

		if (network == NULL || name == NULL || source == NULL ||
			jbr_network_parse(network, &parsed, NULL) < 0)
			continue;
		(void)jbr_aliases_add(aliases, &parsed, name,
			strcmp(source, jbr_alias_source_names[JBR_ALIAS_ADDED]) == 0
				? JBR_ALIAS_ADDED
				: JBR_ALIAS_CONFIG,
			NULL);
	}
	json_decref(answer);
	return aliases;
}
