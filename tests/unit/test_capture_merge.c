/* SPDX-License-Identifier: BSD-3-Clause */
#include "capture_writer.h"

#include <sys/wait.h>

enum { FILES_MAX = 8, FRAMES = 4096 };

/* Files made from lists of seconds; a file's frames have a length of its index + 1. */
struct set {
	char paths[FILES_MAX][32];
	const char *names[FILES_MAX];
	size_t count;
};

static void
add_file(struct set *set, const uint32_t *seconds, size_t count)
{
	struct writer writer = {.is_big = set->count % 2};

	put_pcap_header(&writer, 0xa1b2c3d4, 1);
	for (size_t i = 0; i < count; i++)
		put_record(&writer, seconds[i], 0, (uint32_t)set->count + 1);
	save_written(&writer, set->paths[set->count]);
	set->names[set->count] = set->paths[set->count];
	set->count++;
	jbr_buffer_fini(&writer.out);
}

/* A list of seconds as text, one file: "1 2 3". */
static void
add_text(struct set *set, const char *text)
{
	uint32_t seconds[64];
	size_t count = 0;
	char *end;

	for (; *text != '\0'; text = *end == ' ' ? end + 1 : end)
		seconds[count++] = (uint32_t)strtoul(text, &end, 10);
	add_file(set, seconds, count);
}

static void
remove_files(struct set *set)
{
	for (size_t i = 0; i < set->count; i++)
		unlink(set->paths[i]);
	set->count = 0;
}

static struct capture *
open_set(const struct set *set)
{
	struct jbr_error error = {""};
	struct capture *capture = NULL;

	if (capture_open(set->names, set->count, &capture, &error) < 0)
		fail_msg("%s", error.text);
	return capture;
}

/* Frames as text: the file's letter and the seconds, "a1 b2". */
static void
describe(const struct jbr_frame *frames, size_t count, char *ret_text, size_t size)
{
	size_t length = 0;

	ret_text[0] = '\0';
	for (size_t i = 0; i < count; i++)
		length += (size_t)snprintf(ret_text + length, size - length, "%s%c%u",
			i > 0 ? " " : "", (int)('a' + frames[i].captured - 1),
			(unsigned)(frames[i].time_ns / JBR_NS_PER_S));
}

static void
test_order(void **state)
{
	static const struct {
		const char *name;
		const char *files[4];
		const char *order;
	} rows[] = {
		{"alternating", {"1 3 5", "2 4 6"}, "a1 b2 a3 b4 a5 b6"},
		{"one after the other, given backwards", {"7 8", "1 2"}, "b1 b2 a7 a8"},
		{"equal times", {"5 5", "5", "4 5"}, "c4 a5 a5 b5 c5"},
		{"an empty file", {"2", "", "1"}, "c1 a2"},
		{"only empty files", {"", ""}, ""},
		{"stamps go back", {"10 5 11", "7 10 12"}, "b7 a10 a5 b10 a11 b12"},
		{"stamps go back in the later file", {"7 10 12", "10 5 10 11"},
			"a7 a10 b10 b5 b10 b11 a12"},
		{"a stamp far ahead", {"1 4000000000 2 3", "2 5"}, "a1 b2 b5 a4000000000 a2 a3"},
		{"four files", {"4 8", "3 7", "2 6", "1 5"}, "d1 c2 b3 a4 d5 c6 b7 a8"},
	};

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(rows); i++)
		for (size_t frames_max = 1; frames_max <= 9; frames_max += 4) {
			struct set set = {.count = 0};
			struct jbr_frame frames[32];
			struct capture *capture;
			size_t count = 0;
			size_t now;
			char text[256];

			for (size_t f = 0; f < 4 && rows[i].files[f] != NULL; f++)
				add_text(&set, rows[i].files[f]);
			capture = open_set(&set);
			while ((now = read_batch(capture, frames + count, frames_max)) > 0)
				count += now;
			describe(frames, count, text, sizeof(text));
			if (strcmp(text, rows[i].order) != 0)
				fail_msg("%s: %s", rows[i].name, text);
			for (size_t f = 0; f < count; f++) {
				assert_int_equal(frames[f].number, f + 1);
				assert_int_equal(frames[f].port, frames[f].captured - 1);
			}
			assert_int_equal(read_batch(capture, frames, 1), 0);
			capture_close(capture);
			remove_files(&set);
		}
}

/* Random files against the plainest way to say the rule: always take the first smallest head. */
static void
test_random(void **state)
{
	static uint32_t seconds[FILES_MAX][100];
	static struct jbr_frame frames[FRAMES];
	unsigned seed = 1;

	(void)state;
	for (int round = 0; round < 50; round++) {
		struct set set = {.count = 0};
		size_t lengths[FILES_MAX];
		size_t heads[FILES_MAX] = {0};
		size_t files = 1 + (size_t)rand_r(&seed) % FILES_MAX;
		struct capture *capture;
		size_t count;

		for (size_t f = 0; f < files; f++) {
			lengths[f] = (size_t)rand_r(&seed) % 100;
			for (size_t i = 0; i < lengths[f]; i++)
				seconds[f][i] = (uint32_t)(i / 2 + (unsigned)rand_r(&seed) % 8);
			add_file(&set, seconds[f], lengths[f]);
		}
		capture = open_set(&set);
		count = read_to_end(capture, frames, FRAMES);
		for (size_t i = 0; i < count; i++) {
			size_t best = FILES_MAX;

			for (size_t f = 0; f < files; f++)
				if (heads[f] < lengths[f] &&
					(best == FILES_MAX ||
						seconds[f][heads[f]] < seconds[best][heads[best]]))
					best = f;
			assert_true(best < FILES_MAX);
			assert_int_equal(frames[i].captured, best + 1);
			assert_int_equal(frames[i].time_ns,
				seconds[best][heads[best]] * JBR_NS_PER_S);
			heads[best]++;
		}
		for (size_t f = 0; f < files; f++)
			assert_int_equal(heads[f], lengths[f]);
		capture_close(capture);
		remove_files(&set);
	}
}

static void
test_rewind_and_progress(void **state)
{
	struct set set = {.count = 0};
	struct jbr_frame frames[8];
	struct capture *capture;
	uint64_t done;
	uint64_t total;
	char text[64];

	(void)state;
	add_text(&set, "1 3");
	add_text(&set, "2 4");
	capture = open_set(&set);
	capture_progress(capture, &done, &total);
	assert_int_equal(done, 48);
	assert_int_equal(total, 48 + 2 * 17 + 2 * 18);
	assert_int_equal(read_batch(capture, frames, 3), 3);
	assert_int_equal(capture_rewind(capture, 10 * JBR_NS_PER_S, NULL), 0);
	assert_int_equal(read_to_end(capture, frames, 8), 4);
	describe(frames, 4, text, sizeof(text));
	assert_string_equal(text, "a11 b12 a13 b14");
	assert_int_equal(frames[0].number, 4);
	assert_int_equal(frames[3].number, 7);
	assert_int_equal(frames[3].port, 1);
	capture_progress(capture, &done, &total);
	assert_int_equal(done, total);
	capture_close(capture);
	remove_files(&set);
}

/* The interfaces of a pcapng file, then the pcap file that follows, then one described late. */
static void
test_ports(void **state)
{
	struct set set = {.count = 0};
	struct writer writer = {0};
	struct jbr_frame frames[8];
	struct capture *capture;

	(void)state;
	put_section(&writer);
	put_interface(&writer, 1, 0);
	put_interface(&writer, 1, 0);
	put_packet(&writer, 1, 1000000, 1);
	put_interface(&writer, 101, 0);
	put_packet(&writer, 2, 3000000, 1);
	save_written(&writer, set.paths[0]);
	set.names[0] = set.paths[0];
	set.count = 1;
	add_text(&set, "2 4");
	capture = open_set(&set);
	for (int round = 0; round < 2; round++) {
		assert_int_equal(read_to_end(capture, frames, 8), 4);
		assert_int_equal(frames[0].port, 1);
		assert_int_equal(frames[1].port, 2);
		assert_int_equal(frames[2].port, 3);
		assert_int_equal(frames[2].link, JBR_LINK_RAW_IP);
		assert_int_equal(frames[3].port, 2);
		assert_int_equal(capture_rewind(capture, 0, NULL), 0);
	}
	capture_close(capture);
	remove_files(&set);
	jbr_buffer_fini(&writer.out);
}

/* A cut file ends the whole merge; what stands before the break in time has come out. */
static void
test_broken(void **state)
{
	struct set set = {.count = 0};
	struct jbr_frame frames[8];
	struct capture *capture;
	char text[64];
	char sentence[128];

	(void)state;
	add_text(&set, "1 3 5 7");
	add_text(&set, "2 4 6");
	assert_int_equal(truncate(set.paths[1], 24 + 2 * 18 + 16), 0);
	snprintf(sentence, sizeof(sentence),
		"%s: packet 3: the file ends after 0 of the packet's 2 bytes", set.paths[1]);
	for (size_t frames_max = 1; frames_max <= 8; frames_max++) {
		size_t count = 0;

		capture = open_set(&set);
		while (count < 4)
			count += read_batch(capture, frames + count,
				frames_max < 8 - count ? frames_max : 8 - count);
		describe(frames, count, text, sizeof(text));
		assert_string_equal(text, "a1 b2 a3 b4");
		expect_broken(capture, sentence);
		capture_close(capture);
	}
	/* broken in its first packet: nothing comes out */
	assert_int_equal(truncate(set.paths[1], 30), 0);
	capture = open_set(&set);
	snprintf(sentence, sizeof(sentence),
		"%s: packet 1: the file ends after 6 of the 16 bytes of the packet's header",
		set.paths[1]);
	expect_broken(capture, sentence);
	capture_close(capture);
	/* one that cannot be opened: no capture at all */
	assert_int_equal(truncate(set.paths[1], 0), 0);
	snprintf(sentence, sizeof(sentence), "'%s' is empty", set.paths[1]);
	capture = NULL;
	for (int i = 0; i < 1; i++) {
		struct jbr_error error = {""};

		assert_int_equal(capture_open(set.names, 2, &capture, &error), -EINVAL);
		assert_string_equal(error.text, sentence);
		assert_null(capture);
	}
	remove_files(&set);
}

/* A file is cut under the reader: its packets beyond the cut do not come out. */
static void
test_cut_while_read(void **state)
{
	static struct jbr_frame frames[FRAMES];
	struct set set = {.count = 0};
	struct writer writer = {0};
	struct capture *capture;
	char sentence[128];
	size_t count;

	(void)state;
	put_pcap_header(&writer, 0xa1b2c3d4, 1);
	for (uint32_t i = 0; i < 1000; i++)
		put_record(&writer, 2 * i, 0, 1000);
	save_written(&writer, set.paths[0]);
	set.names[0] = set.paths[0];
	set.count = 1;
	add_text(&set, "1 3 5 7 9 11 2001");
	capture = open_set(&set);
	assert_int_equal(read_batch(capture, frames, 5), 5);
	assert_int_equal(truncate(set.paths[0], 24 + 20 * 1016), 0);
	/* 20 of the first file, and 6 of the second, 5 are out already */
	count = read_batch(capture, frames, FRAMES);
	assert_int_equal(count, 21);
	assert_int_equal(frames[20].time_ns, 38 * JBR_NS_PER_S);
	assert_int_equal(frames[20].number, 26);
	snprintf(sentence, sizeof(sentence),
		"%s: packet 21: the file was made shorter while it was read", set.paths[0]);
	expect_broken(capture, sentence);
	capture_close(capture);
	remove_files(&set);
	jbr_buffer_fini(&writer.out);
}

/* Two pipes and a file in one merge; the bytes of a batch stay good while it is in use. Each pipe
 * brings more than its buffer holds, so it must be filled again and again. */
static void
test_pipes(void **state)
{
	static struct jbr_frame frames[FRAMES];
	struct set set = {.count = 0};
	struct writer writers[3] = {{.is_big = false}};
	struct capture *capture;
	uint64_t number = 0;
	uint64_t done = 1;
	uint64_t total = 1;
	size_t count;
	int fds[2];

	(void)state;
	for (uint32_t w = 0; w < 3; w++) {
		put_pcap_header(&writers[w], 0xa1b2c3d4, 1);
		for (uint32_t i = 0; i < 700; i++)
			put_record(&writers[w], 3 * i + w, 0, 9000);
	}
	fds[0] = open_pipe(&writers[0], 5000, set.paths[0]);
	fds[1] = open_pipe(&writers[1], 333, set.paths[1]);
	save_written(&writers[2], set.paths[2]);
	for (set.count = 0; set.count < 3; set.count++)
		set.names[set.count] = set.paths[set.count];
	capture = open_set(&set);
	while ((count = read_batch(capture, frames, FRAMES)) > 0)
		for (size_t i = 0; i < count; i++, number++) {
			assert_int_equal(frames[i].number, number + 1);
			assert_int_equal(frames[i].time_ns, number * JBR_NS_PER_S);
			assert_int_equal(frames[i].port, number % 3);
			assert_int_equal(frames[i].data[0], (uint8_t)number);
			assert_int_equal(frames[i].data[8999], (uint8_t)number);
		}
	assert_int_equal(number, 2100);
	capture_progress(capture, &done, &total);
	assert_int_equal(done + total, 0);
	assert_int_equal(capture_rewind(capture, 0, NULL), -ESPIPE);
	capture_close(capture);
	unlink(set.paths[2]);
	for (int i = 0; i < 2; i++) {
		close(fds[i]);
		wait(NULL);
	}
	for (int w = 0; w < 3; w++)
		jbr_buffer_fini(&writers[w].out);
}

/* As many files as are allowed, and two captures at a time. */
static void
test_files_max(void **state)
{
	const char *paths[CAPTURE_FILES_MAX];
	static struct jbr_frame frames[FRAMES];
	struct set set = {.count = 0};
	struct capture *captures[2] = {NULL, NULL};
	struct capture *third = NULL;
	struct jbr_error error = {""};
	char sentence[128];

	(void)state;
	add_text(&set, "1 2 3");
	for (size_t i = 0; i < CAPTURE_FILES_MAX; i++)
		paths[i] = set.paths[0];
	for (int c = 0; c < 2; c++)
		assert_int_equal(capture_open(paths, CAPTURE_FILES_MAX, &captures[c], &error), 0);
	assert_int_equal(capture_open(paths, 1, &third, &error), -EMFILE);
	snprintf(sentence, sizeof(sentence), "cannot map '%s': Too many open files", paths[0]);
	assert_string_equal(error.text, sentence);
	for (int c = 0; c < 2; c++) {
		assert_int_equal(read_to_end(captures[c], frames, FRAMES), 3 * CAPTURE_FILES_MAX);
		for (size_t i = 0; i < 3 * CAPTURE_FILES_MAX; i++) {
			assert_int_equal(frames[i].port, i % CAPTURE_FILES_MAX);
			assert_int_equal(frames[i].time_ns,
				(i / CAPTURE_FILES_MAX + 1) * JBR_NS_PER_S);
		}
		capture_close(captures[c]);
	}
	capture_close(NULL);
	remove_files(&set);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_rewind_and_progress),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_cut_while_read),
		cmocka_unit_test(test_pipes),
		cmocka_unit_test(test_files_max),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
