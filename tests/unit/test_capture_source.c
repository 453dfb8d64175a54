/* SPDX-License-Identifier: BSD-3-Clause */
#include "capture_writer.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define MICRO 0xa1b2c3d4u

static void
test_paths(void **state)
{
	const char *paths[CAPTURE_FILES_MAX + 1];
	struct writer writer = {0};
	struct jbr_error error = {""};
	struct capture *capture = NULL;
	char path[32];
	char sentence[128];

	(void)state;
	expect_unopened("/nonexistent/x.pcap", -ENOENT,
		"cannot open '/nonexistent/x.pcap': No such file or directory");
	expect_unopened("/tmp", -EISDIR, "cannot read '/tmp': Is a directory");
	expect_unopened("/dev/null", -EINVAL, "'/dev/null' is empty");
	save_written(&writer, path);
	snprintf(sentence, sizeof(sentence), "'%s' is empty", path);
	expect_unopened(path, -EINVAL, sentence);
	assert_int_equal(chmod(path, 0), 0);
	snprintf(sentence, sizeof(sentence), "cannot open '%s': Permission denied", path);
	if (geteuid() == 0)
		assert_int_equal(seteuid(65534), 0); /* root may open everything */
	expect_unopened(path, -EACCES, sentence);
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
	unlink(path);

	assert_int_equal(capture_open(paths, 0, &capture, &error), -EINVAL);
	assert_string_equal(error.text, "no capture is named");
	assert_int_equal(capture_open(paths, CAPTURE_FILES_MAX + 1, &capture, &error), -EINVAL);
	assert_string_equal(error.text, "257 captures are named, the limit is 256");
	assert_null(capture);
}

static void
test_progress(void **state)
{
	struct writer writer = {0};
	struct jbr_frame frames[3];
	struct capture *capture;
	uint64_t done;
	uint64_t total;
	char path[32];

	(void)state;
	put_pcap_header(&writer, MICRO, 1);
	put_record(&writer, 1, 0, 4);
	put_record(&writer, 2, 0, 4);
	save_written(&writer, path);
	capture = open_path(path);
	capture_progress(capture, &done, &total);
	assert_int_equal(done, 24);
	assert_int_equal(total, 64);
	assert_int_equal(read_batch(capture, frames, 1), 1);
	capture_progress(capture, &done, &total);
	assert_int_equal(done, 44);
	assert_int_equal(read_batch(capture, frames, 1), 1);
	capture_progress(capture, &done, &total);
	assert_int_equal(done, 64);
	capture_close(capture);
	unlink(path);
	jbr_buffer_fini(&writer.out);
}

/* Every frame of a batch is whole while the batch is in use: its bytes are its number's. */
static uint64_t
read_numbered(struct capture *capture, size_t frames_max)
{
	static struct jbr_frame frames[256];
	uint64_t packets = 0;
	size_t count;

	while ((count = read_batch(capture, frames, frames_max)) > 0)
		for (size_t i = 0; i < count; i++) {
			assert_int_equal(frames[i].number, ++packets);
			assert_int_equal(frames[i].time_ns, packets * JBR_NS_PER_S);
			for (uint32_t at = 0; at < frames[i].captured; at++)
				if (frames[i].data[at] != (uint8_t)packets)
					fail_msg("packet %u differs at %u", (unsigned)packets, at);
		}
	return packets;
}

static void
test_pipe(void **state)
{
	static const size_t pieces[] = {7, 1000, 65536};
	struct writer writer = {0};
	struct jbr_error error = {""};
	struct capture *capture;
	uint64_t done = 1;
	uint64_t total = 1;
	char path[32];

	(void)state;
	put_pcap_header(&writer, MICRO, 1);
	for (uint32_t i = 1; i <= 2000; i++)
		put_record(&writer, i, 0, i % 97 * 11);
	for (size_t i = 0; i < JBR_COUNT_OF(pieces); i++) {
		int fd = open_pipe(&writer, pieces[i], path);

		capture = open_path(path);
		assert_int_equal(read_numbered(capture, 256), 2000);
		capture_progress(capture, &done, &total);
		assert_int_equal(done + total, 0);
		assert_int_equal(capture_rewind(capture, 0, &error), -ESPIPE);
		assert_memory_equal(error.text, "cannot read '/proc/self/fd/", 27);
		assert_non_null(strstr(error.text, "' again: it is a pipe"));
		capture_close(capture);
		close(fd);
		wait(NULL);
	}
	jbr_buffer_fini(&writer.out);
}

/* Packets as large as may be, so that the buffer of a pipe must grow, and one that is larger. */
static void
test_pipe_large(void **state)
{
	struct writer writer = {0};
	struct jbr_frame frames[4];
	struct capture *capture;
	char path[32];
	char sentence[128];
	int fd;

	(void)state;
	put_pcap_header(&writer, MICRO, 1);
	for (uint32_t i = 1; i <= 3; i++) {
		put32(&writer, i);
		put32(&writer, 0);
		put32(&writer, CAPTURE_RECORD_MAX + (i == 3));
		put32(&writer, 0);
		put_zeros(&writer, CAPTURE_RECORD_MAX);
	}
	fd = open_pipe(&writer, 1 << 20, path);
	capture = open_path(path);
	for (uint32_t i = 1; i <= 2; i++) {
		assert_int_equal(read_batch(capture, frames, 4), 1);
		assert_int_equal(frames[0].captured, CAPTURE_RECORD_MAX);
		assert_int_equal(frames[0].wire, CAPTURE_RECORD_MAX);
		assert_int_equal(frames[0].data[CAPTURE_RECORD_MAX - 1], 0);
	}
	snprintf(sentence, sizeof(sentence),
		"%s: packet 3: it claims 4194305 bytes, the limit is 4194304", path);
	expect_broken(capture, sentence);
	capture_close(capture);
	close(fd);
	wait(NULL);
	jbr_buffer_fini(&writer.out);
}

static void
test_pipe_cut(void **state)
{
	struct writer writer = {0};
	struct jbr_frame frames[4];
	struct capture *capture;
	char path[32];
	char sentence[128];
	int fd;

	(void)state;
	put_pcap_header(&writer, MICRO, 1);
	put_record(&writer, 1, 0, 20);
	put_record(&writer, 2, 0, 20);
	writer.out.length -= 1;
	fd = open_pipe(&writer, 13, path);
	capture = open_path(path);
	assert_int_equal(read_batch(capture, frames, 4), 1);
	snprintf(sentence, sizeof(sentence),
		"%s: packet 2: the file ends after 19 of the packet's 20 bytes", path);
	expect_broken(capture, sentence);
	capture_close(capture);
	close(fd);
	wait(NULL);
	jbr_buffer_fini(&writer.out);
}

/* Read the rest of @p fd as standard input; the number of packets. */
static uint64_t
read_standard_input(int fd)
{
	int saved = dup(STDIN_FILENO);
	struct capture *capture;
	uint64_t packets;

	assert_true(dup2(fd, STDIN_FILENO) == STDIN_FILENO);
	capture = open_path("-");
	packets = read_numbered(capture, 10);
	capture_close(capture);
	if (saved >= 0)
		dup2(saved, STDIN_FILENO);
	close(saved);
	return packets;
}

static void
test_standard_input(void **state)
{
	struct writer writer = {0};
	char path[32];
	char junk[3];
	int fd;

	(void)state;
	put_bytes(&writer, "abc", 3);
	put_pcap_header(&writer, MICRO, 1);
	for (uint32_t i = 1; i <= 30; i++)
		put_record(&writer, i, 0, i);
	save_written(&writer, path);
	/* a file of which something has been read: the rest counts */
	fd = open(path, O_RDONLY);
	assert_int_equal(read(fd, junk, 3), 3);
	assert_int_equal(read_standard_input(fd), 30);
	close(fd);
	unlink(path);
	memmove(writer.out.data, writer.out.data + 3, writer.out.length - 3);
	writer.out.length -= 3;
	save_written(&writer, path);
	fd = open(path, O_RDONLY);
	assert_int_equal(read_standard_input(fd), 30);
	close(fd);
	unlink(path);
	fd = open_pipe(&writer, 64, path);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(read_standard_input(fd), 30);
	close(fd);
	wait(NULL);
	jbr_buffer_fini(&writer.out);
}

static void
on_alarm(int signal_number)
{
	(void)signal_number;
}

static void
test_interrupted(void **state)
{
	struct sigaction action = {.sa_handler = on_alarm};
	struct writer writer = {0};
	struct jbr_frame frames[4];
	struct jbr_error error = {""};
	struct capture *capture;
	size_t count;
	char path[32];
	char sentence[128];
	int ends[2];

	(void)state;
	put_pcap_header(&writer, MICRO, 1);
	put_record(&writer, 1, 0, 4);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], writer.out.data, 30), 30);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
	capture = open_path(path);
	assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
	ualarm(20000, 0);
	assert_int_equal(capture_read(capture, frames, 4, &count, &error), -EINTR);
	snprintf(sentence, sizeof(sentence), "%s: packet 1: cannot read: Interrupted system call",
		path);
	assert_string_equal(error.text, sentence);
	/* nothing is lost */
	assert_int_equal(write(ends[1], writer.out.data + 30, 14), 14);
	close(ends[1]);
	assert_int_equal(read_batch(capture, frames, 4), 1);
	assert_memory_equal(frames[0].data, "\1\1\1\1", 4);
	assert_int_equal(read_batch(capture, frames, 4), 0);
	capture_close(capture);
	close(ends[0]);
	jbr_buffer_fini(&writer.out);
}

enum { CUT_RECORD = 16 + 1000, CUT_PACKETS = 1000 };

/* A file that is cut while it is read: no signal, what is whole comes out, then the sentence. */
static void
test_cut_while_read(void **state)
{
	struct writer writer = {0};
	struct jbr_frame frames[CUT_PACKETS];
	struct capture *capture;
	char path[32];
	char sentence[128];

	(void)state;
	put_pcap_header(&writer, MICRO, 1);
	for (uint32_t i = 1; i <= CUT_PACKETS; i++)
		put_record(&writer, i, 0, 1000);
	save_written(&writer, path);
	capture = open_path(path);
	assert_int_equal(read_batch(capture, frames, 10), 10);
	assert_int_equal(truncate(path, 24 + 100 * CUT_RECORD + 500), 0);
	assert_int_equal(read_batch(capture, frames, CUT_PACKETS), 90);
	assert_int_equal(frames[89].number, 100);
	assert_int_equal(frames[89].data[999], 100);
	snprintf(sentence, sizeof(sentence),
		"%s: packet 101: the file was made shorter while it was read", path);
	expect_broken(capture, sentence);
	capture_close(capture);
	unlink(path);
	jbr_buffer_fini(&writer.out);
}

/* The same behind the reader: the frames in use turn into zeros, the process lives on. */
static void
test_cut_under_a_batch(void **state)
{
	struct writer writer = {0};
	struct jbr_frame frames[200];
	struct capture *capture;
	unsigned zeros = 0;
	char path[32];
	char sentence[128];

	(void)state;
	put_pcap_header(&writer, MICRO, 1);
	for (uint32_t i = 1; i <= CUT_PACKETS; i++)
		put_record(&writer, i, 0, 1000);
	save_written(&writer, path);
	capture = open_path(path);
	assert_int_equal(read_batch(capture, frames, 200), 200);
	assert_int_equal(truncate(path, 0), 0);
	for (unsigned i = 0; i < 200; i++)
		zeros += frames[i].data[500] == 0;
	assert_int_equal(zeros, 200);
	snprintf(sentence, sizeof(sentence),
		"%s: packet 201: the file was made shorter while it was read", path);
	expect_broken(capture, sentence);
	capture_close(capture);
	unlink(path);
	jbr_buffer_fini(&writer.out);
}

/* A page that went missing, though the file has its old size again: as when a disk fails. */
static void
test_page_lost(void **state)
{
	struct writer writer = {0};
	struct jbr_frame frames[200];
	struct jbr_error error = {""};
	struct capture *capture;
	size_t count;
	char path[32];
	char sentence[128];

	(void)state;
	put_pcap_header(&writer, MICRO, 1);
	for (uint32_t i = 1; i <= CUT_PACKETS; i++)
		put_record(&writer, i, 0, 1000);
	save_written(&writer, path);
	capture = open_path(path);
	assert_int_equal(read_batch(capture, frames, 200), 200);
	assert_int_equal(truncate(path, 24 + 150 * CUT_RECORD), 0);
	assert_int_equal(frames[199].data[999], 0);
	assert_int_equal(truncate(path, (off_t)writer.out.length), 0);
	snprintf(sentence, sizeof(sentence),
		"%s: packet 201: the file could not be read any further", path);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(capture_read(capture, frames, 200, &count, &error), -EIO);
		assert_string_equal(error.text, sentence);
	}
	capture_close(capture);
	unlink(path);
	jbr_buffer_fini(&writer.out);
}

static volatile sig_atomic_t foreign_bus_errors;

static void
on_foreign_bus_error(int signal_number)
{
	foreign_bus_errors += signal_number == SIGBUS;
}

/* A SIGBUS that is not ours goes to the handler that was there before, which is back at the end. */
static void
test_foreign_bus_error(void **state)
{
	struct sigaction before;
	struct sigaction action = {.sa_handler = on_foreign_bus_error};
	struct writer writer = {0};
	struct capture *captures[2];
	char path[32];

	(void)state;
	assert_int_equal(sigaction(SIGBUS, &action, &before), 0);
	put_pcap_header(&writer, MICRO, 1);
	save_written(&writer, path);
	captures[0] = open_path(path);
	captures[1] = open_path(path);
	raise(SIGBUS);
	assert_int_equal(foreign_bus_errors, 1);
	capture_close(captures[0]);
	capture_close(captures[1]);
	captures[0] = open_path(path);
	capture_close(captures[0]);
	assert_int_equal(sigaction(SIGBUS, &before, &action), 0);
	assert_ptr_equal((void *)(uintptr_t)action.sa_handler,
		(void *)(uintptr_t)on_foreign_bus_error);
	unlink(path);
	jbr_buffer_fini(&writer.out);
}

/* Bytes of files that are mapped into this process and present. */
static size_t
resident_file_bytes(void)
{
	unsigned long total;
	unsigned long resident;
	unsigned long shared;
	FILE *file = fopen("/proc/self/statm", "r");

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%lu %lu %lu", &total, &resident, &shared), 3);
	fclose(file);
	return shared * (size_t)sysconf(_SC_PAGESIZE);
}

/* 160 MiB of packets, every page of them touched: what has been read is given back. */
static void
test_memory_bounded(void **state)
{
	enum { PACKETS = 40, STRIDE = CAPTURE_RECORD_MAX };
	struct writer writer = {0};
	struct jbr_frame frames[2];
	struct capture *capture;
	size_t before;
	char path[32];
	int fd;

	(void)state;
	put_pcap_header(&writer, MICRO, 1);
	save_written(&writer, path);
	writer.out.length = 0;
	put_record(&writer, 1, 0, STRIDE - 16);
	fd = open(path, O_WRONLY);
	for (off_t i = 0; i < PACKETS; i++)
		assert_int_equal(pwrite(fd, writer.out.data, 16, 24 + i * STRIDE), 16);
	assert_int_equal(ftruncate(fd, 24 + (off_t)PACKETS * STRIDE), 0);
	close(fd);
	before = resident_file_bytes();
	capture = open_path(path);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < PACKETS; i++) {
			assert_int_equal(read_batch(capture, frames, 1), 1);
			for (uint32_t at = 0; at < frames[0].captured; at += 4096)
				assert_int_equal(frames[0].data[at], 0);
			/* 64 MiB in steps, and the packet in use */
			assert_true(resident_file_bytes() < before + (80u << 20));
		}
		assert_int_equal(read_batch(capture, frames, 1), 0);
		assert_int_equal(capture_rewind(capture, 0, NULL), 0);
		assert_true(resident_file_bytes() < before + (2u << 20));
	}
	capture_close(capture);
	unlink(path);
	jbr_buffer_fini(&writer.out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_progress),
		cmocka_unit_test(test_pipe),
		cmocka_unit_test(test_pipe_large),
		cmocka_unit_test(test_pipe_cut),
		cmocka_unit_test(test_standard_input),
		cmocka_unit_test(test_interrupted),
		cmocka_unit_test(test_cut_while_read),
		cmocka_unit_test(test_cut_under_a_batch),
		cmocka_unit_test(test_page_lost),
		cmocka_unit_test(test_foreign_bus_error),
		cmocka_unit_test(test_memory_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
