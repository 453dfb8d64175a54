/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "notify.h"

enum { FULL_US = 4000000 };

/* systemd's end: a datagram socket of an abstract name. */
static int
listen_as(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	memcpy(address.sun_path + 1, name + 1, strlen(name + 1));
	assert_int_equal(bind(fd, (const struct sockaddr *)&address,
				 (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
					 strlen(name))),
		0);
	return fd;
}

/* The next message, or "" when there is none. */
static const char *
heard(int fd)
{
	static char text[600];
	ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);

	text[n < 0 ? 0 : n] = '\0';
	return text;
}

static void
messages(void **state)
{
	struct jbr_error error = {0};
	struct notify notify;
	char name[64];
	int fd;

	(void)state;
	snprintf(name, sizeof(name), "@jabiru-test-%d", (int)getpid());
	fd = listen_as(name);
	setenv("NOTIFY_SOCKET", name, 1);
	unsetenv("WATCHDOG_USEC");
	assert_int_equal(notify_open(&notify, &error), 0);
	notify_ready(&notify, "fine");
	assert_string_equal(heard(fd), "READY=1\nSTATUS=fine");
	notify_reloading(&notify, UINT64_C(5000001999));
	assert_string_equal(heard(fd), "RELOADING=1\nMONOTONIC_USEC=5000001");
	notify_status(&notify, "well");
	assert_string_equal(heard(fd), "STATUS=well");
	notify_stopping(&notify);
	assert_non_null(strstr(heard(fd), "STOPPING=1\n"));
	assert_false(notify_is_due(&notify, UINT64_MAX));
	close(fd);
	notify_ready(&notify, "nobody listens");
	notify_close(&notify);
	notify_close(&notify);
}

static void
watchdog(void **state)
{
	const uint64_t half = (uint64_t)FULL_US * JBR_NS_PER_US / 2;
	uint64_t turns[3] = {10, 20, 30};
	struct jbr_error error = {0};
	struct notify notify;
	uint64_t now = 7 * half;
	char name[64];
	char text[32];
	int fd;

	(void)state;
	snprintf(name, sizeof(name), "@jabiru-test-%d", (int)getpid());
	fd = listen_as(name);
	setenv("NOTIFY_SOCKET", name, 1);
	snprintf(text, sizeof(text), "%d", FULL_US);
	setenv("WATCHDOG_USEC", text, 1);
	snprintf(text, sizeof(text), "%d", (int)getpid());
	setenv("WATCHDOG_PID", text, 1);
	assert_int_equal(notify_open(&notify, &error), 0);
	assert_true(notify_is_due(&notify, now));
	assert_true(notify_watchdog(&notify, turns, 3, now));
	assert_string_equal(heard(fd), "WATCHDOG=1");
	assert_false(notify_is_due(&notify, now + half - 1));
	assert_true(notify_is_due(&notify, now + half));

	/* the second is stuck: nothing is sent, however busy the others are */
	for (int i = 0; i < 3; i++) {
		now += half;
		turns[0] += 5;
		turns[2]++;
		assert_false(notify_watchdog(&notify, turns, 3, now));
		assert_string_equal(heard(fd), "");
	}
	/* it turns again, all do */
	turns[0]++;
	turns[1]++;
	turns[2]++;
	assert_true(notify_watchdog(&notify, turns, 3, now + half));
	assert_string_equal(heard(fd), "WATCHDOG=1");
	/* no worker is no progress */
	assert_false(notify_watchdog(&notify, turns, 0, now + 2 * half));
	notify_close(&notify);

	setenv("WATCHDOG_PID", "1", 1); /* another's */
	assert_int_equal(notify_open(&notify, &error), 0);
	assert_false(notify_is_due(&notify, UINT64_MAX));
	notify_close(&notify);
	close(fd);
}

static const struct {
	const char *socket;
	const char *usec;
	const char *says;
} bad_rows[] = {
	{"relative", NULL, "'relative' is neither a path nor @name"},
	{"vsock:2:1", NULL, "'vsock:2:1' is neither"},
	{"/tmp/none", "soon", "'soon' is no number of microseconds"},
	{"/tmp/none", "-1", "'-1' is no number"},
	{"/tmp/none", "0", "'0' is no number"},
	{"/tmp/none", "99999999999999999999", "is no number"},
};

static void
refuses(void **state)
{
	struct jbr_error error = {0};
	struct notify notify;

	(void)state;
	unsetenv("WATCHDOG_PID");
	for (unsigned i = 0; i < JBR_COUNT_OF(bad_rows); i++) {
		setenv("NOTIFY_SOCKET", bad_rows[i].socket, 1);
		if (bad_rows[i].usec == NULL)
			unsetenv("WATCHDOG_USEC");
		else
			setenv("WATCHDOG_USEC", bad_rows[i].usec, 1);
		assert_true(notify_open(&notify, &error) < 0);
		assert_non_null(strstr(error.text, bad_rows[i].says));
		assert_false(notify_is_due(&notify, UINT64_MAX));
		notify_ready(&notify, "sent to nobody");
		notify_close(&notify);
	}
	unsetenv("NOTIFY_SOCKET");
	assert_int_equal(notify_open(&notify, &error), 0);
	assert_int_equal(notify.fd, -1);
	notify_ready(&notify, "sent to nobody");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages),
		cmocka_unit_test(watchdog),
		cmocka_unit_test(refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
