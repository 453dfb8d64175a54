/* SPDX-License-Identifier: BSD-3-Clause */
/* A sink and its files: appended to, moved away and opened anew, full disks. */
#include "sink_story.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

static void
write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static off_t
size_of(const char *path)
{
	struct stat status;

	assert_int_equal(stat(path, &status), 0);
	return status.st_size;
}

static void
read_file(struct story_reader *reader, const char *path)
{
	FILE *file = fopen(path, "re");
	char bytes[4096];
	size_t n;

	assert_non_null(file);
	while ((n = fread(bytes, 1, sizeof(bytes), file)) > 0)
		story_read_bytes(reader, bytes, n);
	(void)fclose(file);
}

/* It must end in a whole line. */
static void
read_whole_file(struct story_reader *reader, const char *path)
{
	read_file(reader, path);
	assert_int_equal(reader->rest.length, 0);
}

/* Everything put is in the file, once, in order. */
static void
expect_file(const char *path, uint64_t lines)
{
	struct story_reader reader = {.last = -1};

	read_whole_file(&reader, path);
	assert_int_equal(reader.lines, lines);
	jbr_buffer_fini(&reader.rest);
}

/* The same while the sink tries in vain: for a moment, there may be what it is about to cut back. */
static void
expect_file_soon(const char *path, uint64_t lines)
{
	unsigned rests = 0;

	for (;;) {
		struct story_reader reader = {.last = -1};
		size_t rest;

		read_file(&reader, path);
		rest = reader.rest.length;
		jbr_buffer_fini(&reader.rest);
		assert_int_equal(reader.lines, lines);
		if (rest == 0)
			break;
		story_patience(&rests, "for half a line to be cut back");
	}
}

static void
names_that_cannot_be(void **state)
{
	static const struct {
		const char *target;
		int code;
		const char *text;
	} rows[] = {
		{"/nonexistent/lines", -ENOENT,
			"cannot open '/nonexistent/lines': No such file or directory"},
		{"/", -EISDIR, "cannot open '/': Is a directory"},
		{"unix:", -EINVAL,
			"cannot open 'unix:': name the socket, as in unix:/run/jabiru.sock"},
	};
	struct jbr_error error;
	struct sink *sink = NULL;
	char target[200] = "unix:/";

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(rows); i++) {
		assert_int_equal(sink_open(rows[i].target, STORY_QUEUE, &sink, &error),
			rows[i].code);
		assert_string_equal(error.text, rows[i].text);
	}
	memset(target + 6, 'x', sizeof(target) - 7);
	assert_int_equal(sink_open(target, STORY_QUEUE, &sink, &error), -ENAMETOOLONG);
	assert_non_null(strstr(error.text, "a socket's path has at most 107 bytes"));
	assert_null(sink);
	sink_free(NULL);
}

static void
appended(void **state)
{
	const char *path = story_path("", "appended");
	struct story story;

	(void)state;
	story = story_open(path, STORY_QUEUE);
	story_put(&story, 1000);
	assert_int_equal(story_close(&story, 1000).written, 1000);
	expect_file(path, 1000);
	/* one that was never started, and one that had nothing to do */
	assert_int_equal(sink_open(path, STORY_QUEUE, &story.sink, NULL), 0);
	story.put = 0;
	story_put(&story, 1);
	assert_int_equal(story_close(&story, 1000).lost_queue, 1);
	story = story_open(path, STORY_QUEUE);
	assert_int_equal(story_close(&story, 1000).written, 0);
	expect_file(path, 1000);
}

/* What a kill left behind does not spoil the next line. */
static void
after_half_a_line(void **state)
{
	const char *path = story_path("", "half");
	struct story story;
	char begin[16] = {0};
	FILE *file;

	(void)state;
	write_file(path, "{\"n\":00");
	story = story_open(path, STORY_QUEUE);
	story_put(&story, 1);
	story_close(&story, 1000);
	file = fopen(path, "re");
	assert_non_null(file);
	assert_int_equal(fread(begin, 1, 14, file), 14);
	assert_string_equal(begin, "{\"n\":00\n{\"n\":0");
	(void)fclose(file);
}

/* A rotation while lines come: each is in one of the files. */
static void
opened_anew(void **state)
{
	const char *path = story_path("", "log");
	struct story story = story_open(path, STORY_QUEUE);
	struct story_reader reader = {.last = -1};
	char moved[128];

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		story_put(&story, 200);
		snprintf(moved, sizeof(moved), "%s.%u", path, i);
		assert_int_equal(rename(path, moved), 0);
		story_put(&story, 200);
		sink_reopen(story.sink);
		story_put(&story, 200);
		while (access(path, F_OK) != 0)
			story_rest();
		story_wait_empty(&story);
	}
	story_wait_note(&story, "log' was opened anew");
	assert_int_equal(sink_reopened(story.sink, NULL), 0);
	assert_int_equal(story_close(&story, 1000).written, 3000);
	for (unsigned i = 0; i < 5; i++) {
		snprintf(moved, sizeof(moved), "%s.%u", path, i);
		read_whole_file(&reader, moved);
	}
	read_whole_file(&reader, path);
	assert_int_equal(reader.lines, 3000);
	jbr_buffer_fini(&reader.rest);
}

/* The new file cannot be made: the old one goes on. */
static void
not_opened_anew(void **state)
{
	struct jbr_error error = {0};
	const char *path = story_path("", "folder/log");
	struct story story;
	char moved[128];

	(void)state;
	assert_int_equal(mkdir(story_path("", "folder"), 0700), 0);
	story = story_open(path, STORY_QUEUE);
	story_put(&story, 10);
	snprintf(moved, sizeof(moved), "%s", story_path("", "moved"));
	assert_int_equal(rename(story_path("", "folder"), moved), 0);
	sink_reopen(story.sink);
	assert_int_equal(story_wait_note(&story,
				 "/folder/log': No such file or directory; what was open stays in "
				 "use\n"),
		1);
	assert_int_equal(sink_reopened(story.sink, &error), -ENOENT);
	assert_non_null(strstr(error.text, "/folder/log': No such file or directory"));
	story_put(&story, 10);
	story_close(&story, 1000);
	snprintf(moved, sizeof(moved), "%s", story_path("", "moved/log"));
	expect_file(moved, 20);
}

static void
device_full(void **state)
{
	struct story story = story_open("/dev/full", 10 * STORY_LINE_BYTES);
	struct sink_status status;

	(void)state;
	story_put(&story, 1);
	story_wait_failing(&story, true);
	assert_string_equal(story_status(&story).error,
		"cannot write '/dev/full': No space left on device");
	story_put(&story, 100);
	status = story_status(&story);
	assert_in_range(status.queued, 9, 10);
	assert_int_equal(status.lost_write, 101 - status.queued);
	assert_int_equal(status.lost_queue, 0);
	/* each try is a failure, but they are said once */
	for (unsigned i = 0; i < 5; i++) {
		sink_reopen(story.sink); /* tries at once */
		story_rest();
	}
	assert_int_equal(story_wait_note(&story, "cannot write '/dev/full'"), 1);
	/* and the end does not wait for it */
	status = story_close(&story, 1000000);
	assert_int_equal(status.lost_write, 101);
}

/* Let a disk be full while lines come, then not. @param fill, relieve  make it so */
static void
full_and_again(const char *path, void (*fill)(void), void (*relieve)(void))
{
	struct story story = story_open(path, 200 * STORY_LINE_BYTES);
	struct story_reader reader = {.last = -1};
	struct sink_status status;

	fill();
	story_put(&story, 100);
	story_wait_failing(&story, true);
	/* nothing is lost yet, and what there is, is whole */
	status = story_status(&story);
	assert_int_equal(status.written + status.queued, 100);
	assert_true(status.queued > 0);
	expect_file_soon(path, status.written);
	story_put(&story, 1000);
	status = story_status(&story);
	assert_in_range(status.lost_write, 1, 1000);
	assert_int_equal(status.lost_queue, 0);
	expect_file_soon(path, status.written);

	relieve();
	story_wait_failing(&story, false);
	story_wait_empty(&story);
	story_put(&story, 10);
	assert_int_equal(story_wait_note(&story, "is written to again"), 1);
	assert_int_equal(story_wait_note(&story, "; trying again\n"), 1);
	status = story_close(&story, 1000);
	assert_int_equal(status.written + status.lost_write, 1110);
	read_whole_file(&reader, path);
	assert_int_equal(reader.lines, status.written);
	assert_int_equal(reader.last, 1109);
	jbr_buffer_fini(&reader.rest);
}

static void
limit_file_size(rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void
small_limit(void)
{
	limit_file_size(10000); /* in the midst of a line */
}

static void
no_limit(void)
{
	limit_file_size(RLIM_INFINITY);
}

static void
file_size_limit(void **state)
{
	const char *path = story_path("", "limited");

	(void)state;
	full_and_again(path, small_limit, no_limit);
	assert_true(size_of(path) > 10000);
}

static char ballast[128];

/* All of the small file system but a bit. */
static void
fill_disk(void)
{
	char page[4096] = {0};
	int fd = open(ballast, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	for (unsigned i = 0; i < 1020 / 4; i++)
		assert_int_equal(write(fd, page, sizeof(page)), sizeof(page));
	(void)close(fd);
}

static void
relieve_disk(void)
{
	assert_int_equal(unlink(ballast), 0);
}

static void
disk_full(void **state)
{
	char folder[128];
	char path[160];

	(void)state;
	snprintf(folder, sizeof(folder), "%s", story_path("", "disk"));
	assert_int_equal(mkdir(folder, 0700), 0);
	/* in a mount namespace of this process, which goes with it */
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount("tmpfs", folder, "tmpfs", 0, "size=1m") < 0)
		skip();
	snprintf(path, sizeof(path), "%s/log", folder);
	snprintf(ballast, sizeof(ballast), "%s", story_path("", "disk/ballast"));
	full_and_again(path, fill_disk, relieve_disk);
	assert_int_equal(umount(folder), 0);
}

/* Longer than what is written in one go. */
static void
long_lines(void **state)
{
	const char *path = story_path("", "long");
	struct story story = story_open(path, 4 << 20);
	char *line = malloc(1 << 20);

	(void)state;
	assert_non_null(line);
	memset(line, 'y', 1 << 20);
	line[(1 << 20) - 1] = '\n';
	for (unsigned i = 0; i < 3; i++) {
		sink_put(story.sink, line, 1 << 20);
		story.put++;
	}
	assert_int_equal(story_close(&story, 5000).written, 3);
	assert_int_equal(size_of(path), 3 << 20);
	free(line);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_that_cannot_be),
		cmocka_unit_test(appended),
		cmocka_unit_test(after_half_a_line),
		cmocka_unit_test(opened_anew),
		cmocka_unit_test(not_opened_anew),
		cmocka_unit_test(device_full),
		cmocka_unit_test(file_size_limit),
		cmocka_unit_test(disk_full),
		cmocka_unit_test(long_lines),
	};

	signal(SIGXFSZ, SIG_IGN);
	return cmocka_run_group_tests_name("sink", tests, story_begin, story_end);
}
