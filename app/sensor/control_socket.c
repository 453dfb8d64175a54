/* SPDX-License-Identifier: BSD-3-Clause */
#include "control_socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { FOLDER_MODE = 0750, SOCKET_MODE = 0660, TURNS_MAX = 64 };

struct client {
	int fd; /* -1: the place is free */
	uint64_t active_ns;
	size_t length; /* of what is in line */
	size_t sent;   /* of the answer */
	struct jbr_buffer answer;
	char who[64];
	char line[CONTROL_REQUEST_MAX + 1];
};

struct control_socket {
	struct control_desk *desk;
	int fd;
	bool has_made_folder;
	ino_t inode;
	unsigned next; /* whose turn it is */
	char folder[128];
	char path[128];
	struct client clients[CONTROL_CLIENTS_MAX];
};

/* ---- the socket ---- */

static int
check_folder(struct control_socket *control, struct jbr_error *error)
{
	struct stat stat;

	if (mkdir(control->folder, FOLDER_MODE) == 0)
		control->has_made_folder = true;
	else if (errno != EEXIST)
		return jbr_error_set(error, -errno, "cannot make '%s': %s", control->folder,
			strerror(errno));
	if (lstat(control->folder, &stat) < 0)
		return jbr_error_set(error, -errno, "cannot look at '%s': %s", control->folder,
			strerror(errno));
	if (!S_ISDIR(stat.st_mode))
		return jbr_error_set(error, -ENOTDIR,
			"cannot use '%s' (control.folder): it is no folder", control->folder);
	if ((stat.st_uid != 0 && stat.st_uid != geteuid()) || (stat.st_mode & S_IWOTH) != 0)
		return jbr_error_set(error, -EPERM,
			"cannot use '%s' (control.folder): others may write to it; name a folder "
			"of root or of the sensor's user",
			control->folder);
	return 0;
}

/* Somebody answers there, or it is a leftover. */
static int
remove_leftover(const struct control_socket *control, const struct sockaddr_un *address,
	struct jbr_error *error)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat stat;
	int rc = 0;

	if (fd < 0)
		return jbr_error_set(error, -errno, "cannot make a socket: %s", strerror(errno));
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN)
		rc = jbr_error_set(error, -EADDRINUSE,
			"another sensor listens at '%s': give each its own stats.instance",
			control->path);
	else if (errno == ECONNREFUSED && lstat(control->path, &stat) == 0 &&
		S_ISSOCK(stat.st_mode))
		(void)unlink(control->path);
	close(fd);
	return rc;
}

static int
bind_socket(struct control_socket *control, struct jbr_error *error)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat stat;
	int rc;

	if (strlen(control->path) >= sizeof(address.sun_path))
		return jbr_error_set(error, -ENAMETOOLONG,
			"cannot listen at '%s': a socket's path has at most %zu bytes",
			control->path, sizeof(address.sun_path) - 1);
	memcpy(address.sun_path, control->path, strlen(control->path));
	rc = remove_leftover(control, &address, error);
	if (rc < 0)
		return rc;
	control->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (control->fd < 0)
		return jbr_error_set(error, -errno, "cannot make a socket: %s", strerror(errno));
	if (bind(control->fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return jbr_error_set(error, -errno, "cannot listen at '%s': %s", control->path,
			strerror(errno));
	/* nobody can connect before it listens, so the mode is right in time */
	if (lstat(control->path, &stat) == 0)
		control->inode = stat.st_ino;
	if (chmod(control->path, SOCKET_MODE) < 0 || listen(control->fd, CONTROL_CLIENTS_MAX) < 0)
		return jbr_error_set(error, -errno, "cannot listen at '%s': %s", control->path,
			strerror(errno));
	return 0;
}

int
control_socket_open(const char *folder, const char *instance, struct control_desk *desk,
	struct control_socket **ret_socket, struct jbr_error *error)
{
	struct control_socket *control = calloc(1, sizeof(*control));
	int rc;

	if (control == NULL)
		return jbr_error_set(error, -ENOMEM, "cannot listen: %s", strerror(ENOMEM));
	control->desk = desk;
	control->fd = -1;
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
		control->clients[i].fd = -1;
	snprintf(control->folder, sizeof(control->folder), "%s", folder);
	snprintf(control->path, sizeof(control->path), "%s/%s.sock", folder, instance);
	rc = check_folder(control, error);
	if (rc == 0)
		rc = bind_socket(control, error);
	if (rc < 0)
		control_socket_close(control);
	else
		*ret_socket = control;
	return rc;
}

/* ---- clients ---- */

static void
leave(struct client *client)
{
	close(client->fd);
	jbr_buffer_fini(&client->answer);
	client->fd = -1;
}

static void
name_peer(struct client *client)
{
	struct ucred peer = {0};
	socklen_t size = sizeof(peer);

	if (getsockopt(client->fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		snprintf(client->who, sizeof(client->who), "an unknown process");
	else
		snprintf(client->who, sizeof(client->who), "user %u, process %d",
			(unsigned)peer.uid, (int)peer.pid);
}

static void
greet(struct control_socket *control, uint64_t now_ns)
{
	static const char busy[] = "{\"ok\":false,\"error\":\"too many ask at once: try again\"}\n";

	for (unsigned turn = 0; turn < TURNS_MAX; turn++) {
		int fd = accept4(control->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		struct client *client = NULL;

		if (fd < 0)
			return;
		for (unsigned i = 0; i < CONTROL_CLIENTS_MAX && client == NULL; i++)
			if (control->clients[i].fd < 0)
				client = &control->clients[i];
		if (client == NULL) {
			(void)send(fd, busy, sizeof(busy) - 1, MSG_NOSIGNAL);
			close(fd);
			continue;
		}
		memset(client, 0, sizeof(*client));
		client->fd = fd;
		client->active_ns = now_ns;
		name_peer(client);
	}
}

/* @return false: it is gone, or cannot take more now */
static bool
send_answer(struct client *client, uint64_t now_ns)
{
	while (client->sent < client->answer.length) {
		ssize_t n = send(client->fd, client->answer.data + client->sent,
			client->answer.length - client->sent, MSG_NOSIGNAL);

		if (n < 0) {
			if (errno != EAGAIN && errno != EINTR)
				leave(client);
			return false;
		}
		client->sent += (size_t)n;
		client->active_ns = now_ns;
	}
	jbr_buffer_fini(&client->answer);
	client->sent = 0;
	return true;
}

/* Answer the first whole line that has come. @return whether there was one */
static bool
answer_line(struct control_socket *control, struct client *client)
{
	char *end = memchr(client->line, '\n', client->length);
	size_t length;

	if (end == NULL && client->length <= CONTROL_REQUEST_MAX)
		return false;
	length = end == NULL ? client->length : (size_t)(end - client->line);
	control_answer(control->desk, client->line, length, client->who, &client->answer);
	if (end == NULL || client->answer.failed) {
		/* what follows of such a line is no line: said, then over */
		(void)send_answer(client, client->active_ns);
		if (client->fd >= 0)
			leave(client);
		return false;
	}
	length++;
	client->length -= length;
	memmove(client->line, client->line + length, client->length);
	return true;
}

static void
serve_client(struct control_socket *control, struct client *client, uint64_t now_ns)
{
	uint64_t changes = control->desk->changes;

	for (unsigned turn = 0; turn < TURNS_MAX; turn++) {
		ssize_t n;

		if (!send_answer(client, now_ns) || client->fd < 0)
			break;
		if (control->desk->changes != changes)
			return; /* each may take long: the next one in the next turn */
		if (answer_line(control, client))
			continue;
		if (client->fd < 0)
			return;
		n = recv(client->fd, client->line + client->length,
			sizeof(client->line) - client->length, 0);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
			leave(client);
			return;
		}
		if (n < 0)
			break;
		client->length += (size_t)n;
		client->active_ns = now_ns;
	}
	if (client->fd >= 0 && now_ns - client->active_ns > CONTROL_PATIENCE_S * JBR_NS_PER_S)
		leave(client);
}

void
control_socket_serve(struct control_socket *control, uint64_t now_ns)
{
	uint64_t changes = control->desk->changes;

	greet(control, now_ns);
	for (unsigned n = 0; n < CONTROL_CLIENTS_MAX && control->desk->changes == changes; n++) {
		/* none of them is always the first */
		struct client *client = &control->clients[control->next++ % CONTROL_CLIENTS_MAX];

		if (client->fd >= 0)
			serve_client(control, client, now_ns);
	}
}

void
control_socket_close(struct control_socket *control)
{
	struct stat stat;

	if (control == NULL)
		return;
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
		if (control->clients[i].fd >= 0)
			leave(&control->clients[i]);
	if (control->fd >= 0)
		close(control->fd);
	if (control->inode != 0 && lstat(control->path, &stat) == 0 &&
		stat.st_ino == control->inode)
		(void)unlink(control->path);
	if (control->has_made_folder)
		(void)rmdir(control->folder);
	free(control);
}
