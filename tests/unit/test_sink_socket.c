/* SPDX-License-Identifier: BSD-3-Clause */
/* A sink and its readers: slow, late, gone, of either type of socket, and a FIFO. */
#include "sink_story.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

/* A socket at unix:@p target that is bound; a stream also listens. */
static int
bind_to(const char *target, int type)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", target + strlen("unix:"));
	(void)unlink(address.sun_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 8), 0);
	return fd;
}

static int
accept_from(int listener)
{
	unsigned rests = 0;
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) < 0)
		story_patience(&rests, "for a connection");
	return fd;
}

/* Read until there are @p lines, or to the end. */
static void
read_lines(struct story_reader *reader, int fd, uint64_t lines)
{
	unsigned rests = 0;
	char bytes[65536];

	while (reader->lines < lines) {
		ssize_t n = read(fd, bytes, sizeof(bytes));

		if (n > 0)
			story_read_bytes(reader, bytes, (size_t)n);
		else if (n == 0)
			break;
		else
			story_patience(&rests, "for lines");
	}
}

static const int types[] = {SOCK_DGRAM, SOCK_STREAM};

static void
a_reader(void **state)
{
	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(types); i++) {
		const char *target = story_path("unix:", "plain");
		struct story_reader reader = {.last = -1};
		int listener = bind_to(target, types[i]);
		struct story story = story_open(target, STORY_QUEUE);
		int fd = types[i] == SOCK_STREAM ? accept_from(listener) : listener;

		assert_true(story_status(&story).is_open);
		story_put(&story, 1000);
		read_lines(&reader, fd, 1000);
		assert_int_equal(reader.lines, 1000);
		story_wait_written(&story, 1000);
		/* opening anew is for files */
		sink_reopen(story.sink);
		story_wait_note(&story, "is no file and was left as it is");
		story_put(&story, 1);
		read_lines(&reader, fd, 1001);
		assert_int_equal(story_close(&story, 1000).written, 1001);
		if (fd != listener)
			(void)close(fd);
		(void)close(listener);
		jbr_buffer_fini(&reader.rest);
	}
}

/* Nobody reads: what the queue cannot hold is lost and counted; the rest arrives when somebody does. */
static void
nobody_reads(void **state)
{
	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(types); i++) {
		const char *target = story_path("unix:", "idle");
		struct story_reader reader = {.last = -1};
		int listener = bind_to(target, types[i]);
		struct story story = story_open(target, 100 * STORY_LINE_BYTES);
		struct sink_status status;
		unsigned rests = 0;
		int fd = listener;

		while (story_status(&story).lost_queue < 100) {
			story_put(&story, 50);
			story_patience(&rests, "for the queue to become full");
		}
		status = story_status(&story);
		assert_int_equal(status.lost_write, 0);
		assert_in_range(status.queued, 90, 101);
		assert_string_equal(status.error, "");
		assert_int_equal(story_wait_note(&story, "does not keep up: "), 1);
		/* more of it is not said so soon, and counted */
		story_put(&story, 50);
		assert_int_equal(story_wait_note(&story, "does not keep up: "), 1);
		status = story_status(&story);
		if (types[i] == SOCK_STREAM)
			fd = accept_from(listener);
		read_lines(&reader, fd, status.written + status.queued);
		story_wait_empty(&story);
		story_put(&story, 3);
		read_lines(&reader, fd, status.written + status.queued + 3);
		assert_int_equal(reader.last, story.put - 1);
		status = story_close(&story, 1000);
		assert_int_equal(status.written, reader.lines);
		if (fd != listener)
			(void)close(fd);
		(void)close(listener);
		jbr_buffer_fini(&reader.rest);
	}
}

/* The end waits for a slow reader only so long. */
static void
end_of_patience(void **state)
{
	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(types); i++) {
		const char *target = story_path("unix:", "end");
		int listener = bind_to(target, types[i]);
		struct story story = story_open(target, 8 << 20);
		struct sink_status status;

		story_put(&story, 10000);
		status = story_close(&story, 100);
		assert_true(status.written > 0);
		assert_int_equal(status.written + status.lost_queue, 10000);
		assert_true(status.lost_queue > 0);
		(void)close(listener);
	}
}

static void
a_late_reader(void **state)
{
	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(types); i++) {
		const char *target = story_path("unix:", i == 0 ? "late0" : "late1");
		struct story_reader reader = {.last = -1};
		struct story story = story_open(target, STORY_QUEUE);
		int listener;
		int fd;

		assert_false(story_status(&story).is_open);
		assert_int_equal(story_wait_note(&story,
					 "cannot connect to 'unix:/tmp/jabiru-sink-"),
			1);
		story_put(&story, 5);
		story_wait_failing(&story, true);
		listener = fd = bind_to(target, types[i]);
		if (types[i] == SOCK_STREAM)
			fd = accept_from(listener);
		read_lines(&reader, fd, 5);
		story_wait_empty(&story);
		assert_true(story_status(&story).is_open);
		story_wait_note(&story, "is written to again; 0 lines were lost so far");
		assert_int_equal(story_close(&story, 1000).written, 5);
		if (fd != listener)
			(void)close(fd);
		(void)close(listener);
		jbr_buffer_fini(&reader.rest);
	}
}

/* A reader that is restarted; the lines that were handed over to the first one are its own matter. */
static void
another_reader(void **state)
{
	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(types); i++) {
		const char *target = story_path("unix:", "again");
		struct story_reader reader = {.last = -1};
		struct story_reader second = {.last = -1};
		int listener = bind_to(target, types[i]);
		struct story story = story_open(target, 4 << 20);
		int fd = types[i] == SOCK_STREAM ? accept_from(listener) : listener;

		story_put(&story, 5000); /* more than a socket holds */
		read_lines(&reader, fd, 50);
		if (fd != listener)
			(void)close(fd);
		(void)close(listener);
		listener = fd = bind_to(target, types[i]);
		if (types[i] == SOCK_STREAM)
			fd = accept_from(listener);
		/* the last line arrives whole, and so does every one before it */
		while (second.last != 4999)
			read_lines(&second, fd, second.lines + 1);
		assert_true(second.lines >= 10);
		assert_int_equal(story_close(&story, 1000).written, 5000);
		if (fd != listener)
			(void)close(fd);
		(void)close(listener);
		jbr_buffer_fini(&reader.rest);
		jbr_buffer_fini(&second.rest);
	}
}

static void
too_long_for_a_datagram(void **state)
{
	const char *target = story_path("unix:", "long");
	struct story_reader reader = {.last = -1};
	int fd = bind_to(target, SOCK_DGRAM);
	struct story story = story_open(target, 16 << 20);
	size_t length = 4 << 20;
	char *line = malloc(length);

	(void)state;
	assert_non_null(line);
	memset(line, 'y', length);
	line[length - 1] = '\n';
	story_put(&story, 1);
	sink_put(story.sink, line, length);
	story.put++;
	story_put(&story, 1);
	read_lines(&reader, fd, 2);
	assert_int_equal(reader.last, 2);
	story_wait_empty(&story);
	assert_int_equal(story_status(&story).lost_long, 1);
	assert_int_equal(story_close(&story, 1000).written, 2);
	(void)close(fd);
	jbr_buffer_fini(&reader.rest);
	free(line);
}

/* A FIFO is a reader too: late, then away, then another. */
static void
a_fifo(void **state)
{
	const char *path = story_path("", "fifo");
	struct story_reader reader = {.last = -1};
	struct story story;
	int fd;

	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	story = story_open(path, STORY_QUEUE);
	assert_int_equal(story_wait_note(&story, "fifo': No such device or address; trying again"),
		1);
	story_put(&story, 5);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(fd >= 0);
	story_wait_written(&story, 5);
	read_lines(&reader, fd, 5);
	assert_int_equal(reader.lines, 5);
	(void)close(fd);
	story_put(&story, 5);
	story_wait_failing(&story, true);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	story_wait_written(&story, 10);
	read_lines(&reader, fd, 10);
	assert_int_equal(reader.last, 9);
	assert_int_equal(story_close(&story, 1000).written, 10);
	(void)close(fd);
	jbr_buffer_fini(&reader.rest);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reader),
		cmocka_unit_test(nobody_reads),
		cmocka_unit_test(end_of_patience),
		cmocka_unit_test(a_late_reader),
		cmocka_unit_test(another_reader),
		cmocka_unit_test(too_long_for_a_datagram),
		cmocka_unit_test(a_fifo),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("sink sockets", tests, story_begin, story_end);
}
