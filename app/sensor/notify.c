/* SPDX-License-Identifier: BSD-3-Clause */
#include "notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void
send_text(struct notify *notify, const char *text)
{
	if (notify->fd >= 0)
		(void)sendto(notify->fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT,
			(const struct sockaddr *)&notify->address, notify->address_length);
}

/* WATCHDOG_USEC, unless WATCHDOG_PID says that it is meant for another process. */
static int
read_watchdog(struct notify *notify, struct jbr_error *error)
{
	const char *usec = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");
	char *end;
	unsigned long long value;

	if (usec == NULL || (pid != NULL && strtoll(pid, NULL, 10) != getpid()))
		return 0;
	errno = 0;
	value = strtoull(usec, &end, 10);
	if (usec[0] < '0' || usec[0] > '9' || *end != '\0' || errno != 0 || value == 0 ||
		value > UINT64_MAX / JBR_NS_PER_US)
		return jbr_error_set(error, -EINVAL,
			"WATCHDOG_USEC: '%s' is no number of microseconds; the watchdog is not fed",
			usec);
	notify->period_ns = value * JBR_NS_PER_US / 2;
	return 0;
}

int
notify_open(struct notify *notify, struct jbr_error *error)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t length = path == NULL ? 0 : strlen(path);

	memset(notify, 0, sizeof(*notify));
	notify->fd = -1;
	if (length == 0)
		return 0;
	if ((path[0] != '/' && path[0] != '@') || length >= sizeof(notify->address.sun_path))
		return jbr_error_set(error, -EINVAL,
			"NOTIFY_SOCKET: '%s' is neither a path nor @name; systemd is told nothing",
			path);
	notify->address.sun_family = AF_UNIX;
	memcpy(notify->address.sun_path, path, length);
	if (path[0] == '@')
		notify->address.sun_path[0] = '\0';
	notify->address_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length +
		(path[0] == '/'));
	notify->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (notify->fd < 0)
		return jbr_error_set(error, -errno, "NOTIFY_SOCKET: cannot make a socket: %s",
			strerror(errno));
	return read_watchdog(notify, error);
}

void
notify_close(struct notify *notify)
{
	if (notify->fd >= 0)
		(void)close(notify->fd);
	notify->fd = -1;
}

void
notify_ready(struct notify *notify, const char *status)
{
	char text[512];

	snprintf(text, sizeof(text), "READY=1\nSTATUS=%s", status);
	send_text(notify, text);
}

void
notify_reloading(struct notify *notify, uint64_t now_ns)
{
	char text[64];

	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%llu",
		(unsigned long long)(now_ns / JBR_NS_PER_US));
	send_text(notify, text);
}

void
notify_stopping(struct notify *notify)
{
	send_text(notify, "STOPPING=1\nSTATUS=ending: what was received is finished");
}

void
notify_status(struct notify *notify, const char *status)
{
	char text[512];

	snprintf(text, sizeof(text), "STATUS=%s", status);
	send_text(notify, text);
}

bool
notify_is_due(const struct notify *notify, uint64_t now_ns)
{
	return notify->fd >= 0 && notify->period_ns > 0 &&
		now_ns - notify->last_ns >= notify->period_ns;
}

bool
notify_watchdog(struct notify *notify, const uint64_t *turns, unsigned count, uint64_t now_ns)
{
	bool has_progress = count > 0;

	for (unsigned i = 0; i < count; i++) {
		has_progress &= turns[i] != notify->turns[i];
		notify->turns[i] = turns[i];
	}
	notify->last_ns = now_ns;
	if (has_progress)
		send_text(notify, "WATCHDOG=1");
	return has_progress;
}
