/* SPDX-License-Identifier: BSD-3-Clause */
/* The stats segment under load: workers and the control thread write as fast as they can while readers,
 * threads and processes, one of them stopped on the way, check each copy that they are given. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "segment_folder.h"

enum {
	WORKERS = 2,
	READS = 10000,
	READERS = 3,
};

/* ---- the writing side ---- */

struct writers {
	struct segment_folder *test;
	bool is_over;
	uint64_t events;
	pthread_t workers[WORKERS];
	pthread_t control;
};

struct worker_arg {
	struct writers *writers;
	unsigned index;
};

static bool
is_over(const struct writers *writers)
{
	return __atomic_load_n(&writers->is_over, __ATOMIC_ACQUIRE);
}

/* Figures whose parts agree, and that differ from one time to the next in every member. */
static void
move_on(struct jbr_worker_figures *figures, uint64_t turn)
{
	struct jbr_counters *counters = &figures->counters;

	for (unsigned i = 0; i < JBR_NOT_ANALYSED_COUNT; i++)
		counters->not_analysed[i] += turn % (i + 2);
	for (unsigned i = 0; i < JBR_RESET_COUNT; i++)
		counters->resets[i] += turn % (i + 3);
	counters->tcp += 7 + turn % 5;
	figures->not_analysed = jbr_counters_not_analysed(counters);
	counters->received = counters->tcp + figures->not_analysed;
	counters->segments[JBR_SEGMENT_RST] = counters->resets_pending = turn % 11;
	for (unsigned i = 0; i < JBR_RESET_COUNT; i++)
		counters->segments[JBR_SEGMENT_RST] += counters->resets[i];
	figures->ring_in = turn;
	figures->ring_out = 3 * turn;
	figures->polled = counters->received + figures->ring_out - figures->ring_in;
}

static void *
worker_main(void *arg)
{
	const struct worker_arg *worker = arg;
	struct jbr_shm_block_head *block = jbr_publisher_block(worker->writers->test->publisher,
		worker->index);
	struct jbr_worker_figures figures = {0};

	for (uint64_t turn = 1; !is_over(worker->writers); turn++) {
		move_on(&figures, turn);
		jbr_publish_block(block, &figures);
	}
	return NULL;
}

static void *
control_main(void *arg)
{
	struct writers *writers = arg;
	struct jbr_publisher *publisher = writers->test->publisher;
	struct jbr_shm_host hosts[4] = {0};

	for (uint64_t turn = 1; !is_over(writers); turn++) {
		struct jbr_shm_event event = {.time_ns = turn, .count = turn * 3, .last_ns = turn};

		jbr_publisher_gather(publisher, NULL);
		jbr_publisher_snapshot(publisher, turn, turn);
		jbr_publisher_event(publisher, &event);
		for (unsigned i = 0; i < 4; i++)
			hosts[i] = (struct jbr_shm_host){.count = turn, .last_ns = turn};
		jbr_publisher_hosts(publisher, hosts, (uint32_t)(turn % 5));
		__atomic_store_n(&writers->events, turn, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void
start(struct writers *writers, struct worker_arg args[WORKERS], struct segment_folder *test)
{
	*writers = (struct writers){.test = test};
	for (unsigned i = 0; i < WORKERS; i++) {
		args[i] = (struct worker_arg){writers, i};
		assert_int_equal(pthread_create(&writers->workers[i], NULL, worker_main, &args[i]),
			0);
	}
	assert_int_equal(pthread_create(&writers->control, NULL, control_main, writers), 0);
}

static void
stop(struct writers *writers)
{
	__atomic_store_n(&writers->is_over, true, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < WORKERS; i++)
		pthread_join(writers->workers[i], NULL);
	pthread_join(writers->control, NULL);
}

/* ---- the reading side; it must not use cmocka: it runs in other threads and processes ---- */

struct reader {
	char path[96];
	uint64_t wanted;   /* good copies of each kind */
	uint64_t blocks;   /* that were whole */
	uint64_t shots;    /* the same of snapshots */
	uint64_t received; /* events */
	uint64_t lost;
	uint64_t wrong; /* copies whose parts do not agree */
	uint64_t last;  /* number of the last event */
	uint64_t first; /* and before the first one */
};

static bool
agrees(const struct jbr_worker_figures *figures)
{
	const struct jbr_counters *counters = &figures->counters;
	uint64_t resets = counters->resets_pending;

	for (unsigned i = 0; i < JBR_RESET_COUNT; i++)
		resets += counters->resets[i];
	return counters->received == counters->tcp + jbr_counters_not_analysed(counters) &&
		figures->not_analysed == jbr_counters_not_analysed(counters) &&
		counters->segments[JBR_SEGMENT_RST] == resets &&
		figures->polled + figures->ring_in ==
		counters->tcp + figures->not_analysed + figures->ring_out;
}

static void
read_events(const struct jbr_shm *shm, struct jbr_shm_cursor *cursor, struct reader *reader)
{
	struct jbr_shm_event event;

	while (jbr_shm_next_event(shm, cursor, &event) == 1) {
		reader->received++;
		reader->wrong += event.count != event.number * 3 || event.time_ns != event.number ||
			event.last_ns != event.number || event.number <= reader->last;
		reader->last = event.number;
		if (reader->received % 64 == 0)
			break;
	}
	reader->lost = cursor->lost;
}

static void
read_hosts(const struct jbr_shm *shm, struct reader *reader)
{
	struct jbr_shm_host hosts[4];
	int count = jbr_shm_read_hosts(shm, hosts, 4);

	for (int i = 0; i < count; i++)
		reader->wrong += hosts[i].count != hosts[0].count ||
			hosts[i].last_ns != hosts[0].count || (int)(hosts[0].count % 5) != count;
}

static void
read_all(struct reader *reader, const struct jbr_shm *shm, uint64_t *values)
{
	struct jbr_shm_snapshot snapshot = {.values = values};
	struct jbr_shm_cursor cursor;

	jbr_shm_seek(shm, &cursor, 0);
	reader->first = reader->last = cursor.next - 1;
	for (uint64_t tries = 0; tries < 1000 * reader->wanted; tries++) {
		if (reader->blocks >= reader->wanted && reader->shots >= reader->wanted &&
			reader->received >= reader->wanted / 10)
			break;
		if (jbr_shm_read_worker(shm, (uint32_t)(tries % WORKERS), values, NULL) == 0) {
			reader->blocks++;
			reader->wrong += !agrees((const struct jbr_worker_figures *)values);
		}
		if (jbr_shm_read(shm, 0, &snapshot) == 0) {
			reader->shots++;
			reader->wrong += !agrees((const struct jbr_worker_figures *)values) ||
				snapshot.time_ns != snapshot.number ||
				snapshot.monotonic_ns != snapshot.number;
		}
		read_events(shm, &cursor, reader);
		read_hosts(shm, reader);
	}
}

static void *
reader_main(void *arg)
{
	struct reader *reader = arg;
	struct jbr_shm *shm = NULL;
	uint64_t *values = NULL;

	if (jbr_shm_open(reader->path, &shm, NULL) == 0)
		values = calloc(jbr_shm_info(shm)->nb_values, sizeof(*values));
	if (values != NULL)
		read_all(reader, shm, values);
	free(values);
	jbr_shm_close(shm);
	return NULL;
}

static void
expect_good(const struct reader *reader)
{
	assert_int_equal(reader->wrong, 0);
	assert_true(reader->blocks >= reader->wanted);
	assert_true(reader->shots >= reader->wanted);
	/* each event up to the last one that was read was either received or told lost */
	assert_true(reader->received >= reader->wanted / 10);
	assert_int_equal(reader->last - reader->first, reader->received + reader->lost);
}

/* ---- */

static void
threads_read(void **state)
{
	struct segment_folder test;
	struct writers writers;
	struct worker_arg args[WORKERS];
	struct reader readers[READERS] = {0};
	pthread_t threads[READERS];

	(void)state;
	segment_folder_init(&test, WORKERS);
	start(&writers, args, &test);
	for (unsigned i = 0; i < READERS; i++) {
		snprintf(readers[i].path, sizeof(readers[i].path), "%s", test.path);
		readers[i].wanted = READS / 10;
		assert_int_equal(pthread_create(&threads[i], NULL, reader_main, &readers[i]), 0);
	}
	for (unsigned i = 0; i < READERS; i++)
		pthread_join(threads[i], NULL);
	stop(&writers);
	for (unsigned i = 0; i < READERS; i++)
		expect_good(&readers[i]);
	segment_folder_fini(&test);
}

/* A reader in a process of its own; it hands its results back through a pipe. */
static pid_t
fork_reader(const char *path, int pipe_fd)
{
	struct reader reader = {.wanted = READS};
	pid_t child = fork();

	if (child != 0)
		return child;
	snprintf(reader.path, sizeof(reader.path), "%s", path);
	(void)reader_main(&reader);
	_exit(write(pipe_fd, &reader, sizeof(reader)) == (ssize_t)sizeof(reader) ? 0 : 1);
}

static void
processes_read(void **state)
{
	struct segment_folder test;
	struct writers writers;
	struct worker_arg args[WORKERS];
	struct timespec pause = {.tv_nsec = 20000000};
	pid_t children[READERS];
	int ends[READERS][2];

	(void)state;
	segment_folder_init(&test, WORKERS);
	for (unsigned i = 0; i < READERS; i++) {
		assert_int_equal(pipe(ends[i]), 0);
		children[i] = fork_reader(test.path, ends[i][1]);
		assert_true(children[i] > 0);
	}
	start(&writers, args, &test);
	/* the writers do not wait for one that is stopped on the way */
	(void)nanosleep(&pause, NULL);
	assert_int_equal(kill(children[0], SIGSTOP), 0);
	for (uint64_t before = __atomic_load_n(&writers.events, __ATOMIC_RELAXED), i = 0;
		__atomic_load_n(&writers.events, __ATOMIC_RELAXED) < before + 1000; i++) {
		assert_true(i < 1000);
		(void)nanosleep(&pause, NULL);
	}
	assert_int_equal(kill(children[0], SIGCONT), 0);
	for (unsigned i = 0; i < READERS; i++) {
		struct reader reader;
		int status;

		assert_int_equal(read(ends[i][0], &reader, sizeof(reader)), sizeof(reader));
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
		expect_good(&reader);
		close(ends[i][0]);
		close(ends[i][1]);
	}
	stop(&writers);
	segment_folder_fini(&test);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(processes_read),
		cmocka_unit_test(threads_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
