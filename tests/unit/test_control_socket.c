/* SPDX-License-Identifier: BSD-3-Clause */
/* The control socket: who connects how, and what becomes of those who do not behave. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "control_socket.h"

#define PING "{\"command\":\"ping\"}\n"

struct office {
	char folder[64];
	char inner[80];
	char path[108];
	struct control_desk desk;
	struct control_socket *socket;
};

static void
open_office(struct office *office)
{
	struct jbr_error error = {0};

	*office = (struct office){.folder = "/tmp/jabiru-unit-XXXXXX", .desk = {.version = "9"}};
	assert_non_null(mkdtemp(office->folder));
	snprintf(office->inner, sizeof(office->inner), "%s/run", office->folder);
	snprintf(office->path, sizeof(office->path), "%s/tap.sock", office->inner);
	office->desk.aliases = jbr_aliases_create();
	if (control_socket_open(office->inner, "tap", &office->desk, &office->socket, &error) < 0)
		fail_msg("%s", error.text);
}

static void
close_office(struct office *office)
{
	control_socket_close(office->socket);
	jbr_aliases_free(office->desk.aliases);
	assert_int_equal(rmdir(office->folder), 0); /* the socket and its folder are gone */
}

static int
visit(const struct office *office)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	memcpy(address.sun_path, office->path, strlen(office->path) + 1);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void
say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* @return what came, "" for nothing yet, "(over)" at the end */
static const char *
hear(int fd)
{
	static char text[8192];
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);

	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return "(over)";
	text[n < 0 ? 0 : n] = '\0';
	return text;
}

static void
lines_are_answered(void **state)
{
	struct office office;
	struct stat stat_now;
	int a;

	(void)state;
	open_office(&office);
	assert_int_equal(stat(office.path, &stat_now), 0);
	assert_int_equal(stat_now.st_mode & 0777, 0660);
	assert_int_equal(stat(office.inner, &stat_now), 0);
	assert_int_equal(stat_now.st_mode & 0777, 0750);
	a = visit(&office);
	say(a, "{\"command\":");
	control_socket_serve(office.socket, 1);
	assert_string_equal(hear(a), "");
	say(a, "\"ping\"}\n" PING "{\"comm");
	control_socket_serve(office.socket, 2);
	{
		const char *text = hear(a);
		const char *second = strchr(text, '\n');

		assert_non_null(strstr(text, "{\"ok\":true,\"result\":{\"version\":\"9\""));
		assert_non_null(second);
		assert_non_null(strstr(second, "\"ok\":true"));
	}
	say(a, "and\":\"x\"}\n");
	control_socket_serve(office.socket, 3);
	assert_non_null(strstr(hear(a), "there is no command 'x'"));
	close(a);
	control_socket_serve(office.socket, 4);
	close_office(&office);
}

static void
patience_has_an_end(void **state)
{
	struct office office;
	int a, b;

	(void)state;
	open_office(&office);
	a = visit(&office);
	b = visit(&office);
	control_socket_serve(office.socket, JBR_NS_PER_S);
	say(b, PING);
	control_socket_serve(office.socket, 4 * JBR_NS_PER_S);
	control_socket_serve(office.socket, (2 + CONTROL_PATIENCE_S) * JBR_NS_PER_S);
	assert_string_equal(hear(a), "(over)");
	assert_non_null(strstr(hear(b), "\"ok\":true"));
	assert_string_equal(hear(b), "");
	close(a);
	close(b);
	close_office(&office);
}

static void
a_crowd_is_told(void **state)
{
	struct office office;
	int fds[CONTROL_CLIENTS_MAX + 1];

	(void)state;
	open_office(&office);
	for (unsigned i = 0; i <= CONTROL_CLIENTS_MAX; i++) {
		fds[i] = visit(&office);
		control_socket_serve(office.socket, 1);
	}
	assert_non_null(strstr(hear(fds[CONTROL_CLIENTS_MAX]), "too many ask at once"));
	assert_string_equal(hear(fds[CONTROL_CLIENTS_MAX]), "(over)");
	close(fds[0]);
	control_socket_serve(office.socket, 2);
	close(fds[CONTROL_CLIENTS_MAX]);
	fds[0] = visit(&office);
	say(fds[0], PING);
	control_socket_serve(office.socket, 3);
	assert_non_null(strstr(hear(fds[0]), "\"ok\":true"));
	for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
		close(fds[i]);
	close_office(&office);
}

/* A line without end, and one who asks and never listens. */
static void
bad_manners(void **state)
{
	struct office office;
	char rubbish[CONTROL_REQUEST_MAX + 100];
	int a, b;

	(void)state;
	open_office(&office);
	memset(rubbish, 'x', sizeof(rubbish));
	a = visit(&office);
	assert_int_equal(send(a, rubbish, sizeof(rubbish), MSG_NOSIGNAL), sizeof(rubbish));
	control_socket_serve(office.socket, 1);
	assert_non_null(strstr(hear(a), "a request has at most 4096 bytes"));
	assert_string_equal(hear(a), "(over)");
	b = visit(&office);
	for (unsigned i = 0; i < 100000; i++) {
		ssize_t n = send(b, PING, strlen(PING), MSG_NOSIGNAL);

		control_socket_serve(office.socket, 2);
		if (n < 0) {
			assert_int_equal(errno, EAGAIN); /* it is not read from, nor waited for */
			break;
		}
		assert_true(i < 99999);
	}
	control_socket_serve(office.socket, (3 + CONTROL_PATIENCE_S) * JBR_NS_PER_S);
	assert_true(send(b, PING, 1, MSG_NOSIGNAL) < 0);
	assert_int_equal(errno, EPIPE);
	close(a);
	close(b);
	close_office(&office);
}

static void
places_that_will_not_do(void **state)
{
	struct office office;
	struct control_socket *second = NULL;
	struct jbr_error error;
	char long_name[101];
	int leftover;
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	(void)state;
	open_office(&office);
	assert_int_equal(control_socket_open(office.inner, "tap", &office.desk, &second, &error),
		-EADDRINUSE);
	assert_non_null(strstr(error.text, "another sensor listens at"));
	memset(long_name, 'n', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	assert_int_equal(control_socket_open(office.inner, long_name, &office.desk, &second,
				 &error),
		-ENAMETOOLONG);
	assert_int_equal(control_socket_open("/dev/null", "tap", &office.desk, &second, &error),
		-ENOTDIR);
	assert_int_equal(chmod(office.inner, 0777), 0);
	assert_int_equal(control_socket_open(office.inner, "other", &office.desk, &second, &error),
		-EPERM);
	assert_int_equal(chmod(office.inner, 0750), 0);

	/* what a sensor that was killed left is replaced */
	snprintf(address.sun_path, sizeof(address.sun_path), "%.80s/old.sock", office.inner);
	leftover = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(leftover, (struct sockaddr *)&address, sizeof(address)), 0);
	close(leftover);
	assert_int_equal(control_socket_open(office.inner, "old", &office.desk, &second, &error),
		0);
	control_socket_close(second);
	close_office(&office);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_answered),
		cmocka_unit_test(patience_has_an_end),
		cmocka_unit_test(a_crowd_is_told),
		cmocka_unit_test(bad_manners),
		cmocka_unit_test(places_that_will_not_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
