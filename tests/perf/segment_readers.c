/* SPDX-License-Identifier: BSD-3-Clause */
/* Readers of a running sensor's segment that read as fast as they can, to see whether it minds.
 *
 * usage: segment_readers SEGMENT READERS CPU SECONDS
 *
 * All are pinned to CPU; the last one is stopped (SIGSTOP) after a moment, wherever it is, and goes on
 * only at the end. Prints `reads N wrong N received N lost N`: copies of blocks and snapshots, those
 * whose packets do not add up, events. Exit code 1 if any is wrong or nothing was read. */
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "jbr_shm.h"

enum { READERS_MAX = 256 };

struct tally {
	uint64_t reads;
	uint64_t wrong;
	uint64_t received;
	uint64_t lost;
};

static volatile sig_atomic_t is_over;

static void
on_signal(int number)
{
	(void)number;
	is_over = 1;
}

/* Slots of the figures that have to add up: received = tcp + sum(not_analysed). */
struct slots {
	uint32_t received;
	uint32_t tcp;
	uint32_t reasons[64];
	uint32_t nb_reasons;
};

static bool
find_slots(const struct jbr_shm *shm, struct slots *slots)
{
	const struct jbr_shm_series *received = jbr_shm_find(shm, "jabiru_received_packets_total",
		NULL);
	const struct jbr_shm_series *tcp = jbr_shm_find(shm, "jabiru_tcp_packets_total", NULL);
	const struct jbr_shm_series *reason = jbr_shm_find(shm, "jabiru_not_analysed_packets_total",
		NULL);
	const struct jbr_shm_series *end = jbr_shm_series(shm, 0) + jbr_shm_info(shm)->nb_series;

	*slots = (struct slots){0};
	if (received == NULL || tcp == NULL || reason == NULL)
		return false;
	slots->received = received->slot;
	slots->tcp = tcp->slot;
	for (uint32_t family = reason->family;
		reason < end && reason->family == family && slots->nb_reasons < 64; reason++)
		slots->reasons[slots->nb_reasons++] = reason->slot;
	return true;
}

static void
check(const struct slots *slots, const uint64_t *values, struct tally *tally)
{
	uint64_t sum = values[slots->tcp];

	for (uint32_t i = 0; i < slots->nb_reasons; i++)
		sum += values[slots->reasons[i]];
	tally->reads++;
	tally->wrong += sum != values[slots->received];
}

static void
read_on(const struct jbr_shm *shm, const struct slots *slots, struct tally *tally)
{
	const struct jbr_shm_info *info = jbr_shm_info(shm);
	struct jbr_shm_snapshot snapshot = {.values = calloc(info->nb_values, sizeof(uint64_t))};
	struct jbr_shm_cursor cursor;
	struct jbr_shm_event event;

	jbr_shm_seek(shm, &cursor, 0);
	while (!is_over && snapshot.values != NULL) {
		for (uint32_t i = 0; i < info->nb_workers; i++)
			if (jbr_shm_read_worker(shm, i, snapshot.values, NULL) == 0)
				check(slots, snapshot.values, tally);
		if (jbr_shm_read(shm, 0, &snapshot) == 0)
			check(slots, snapshot.values, tally);
		while (!is_over && jbr_shm_next_event(shm, &cursor, &event) == 1)
			tally->received++;
		tally->lost = cursor.lost;
	}
	free(snapshot.values);
}

static void
reader(const char *path, struct tally *tally)
{
	struct jbr_error error;
	struct jbr_shm *shm;
	struct slots slots;

	signal(SIGTERM, on_signal);
	if (jbr_shm_open(path, &shm, &error) < 0) {
		fprintf(stderr, "segment_readers: %s\n", error.text);
		return;
	}
	if (find_slots(shm, &slots))
		read_on(shm, &slots, tally);
	jbr_shm_close(shm);
}

static void
rest(double seconds)
{
	struct timespec pause = {(time_t)seconds, (long)((seconds - (time_t)seconds) * 1e9)};

	(void)nanosleep(&pause, NULL);
}

static int
run(const char *path, unsigned readers, double seconds, struct tally *tallies)
{
	struct tally sum = {0};
	pid_t children[READERS_MAX];
	bool has_read = true;

	for (unsigned i = 0; i < readers; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			reader(path, &tallies[i]);
			_exit(0);
		}
	}
	rest(seconds / 4);
	(void)kill(children[readers - 1], SIGSTOP);
	rest(seconds * 3 / 4);
	for (unsigned i = 0; i < readers; i++) {
		(void)kill(children[i], SIGTERM);
		(void)kill(children[i], SIGCONT);
		(void)waitpid(children[i], NULL, 0);
		has_read &= tallies[i].reads > 0;
		sum.reads += tallies[i].reads;
		sum.wrong += tallies[i].wrong;
		sum.received += tallies[i].received;
		sum.lost += tallies[i].lost;
	}
	printf("reads %llu wrong %llu received %llu lost %llu\n", (unsigned long long)sum.reads,
		(unsigned long long)sum.wrong, (unsigned long long)sum.received,
		(unsigned long long)sum.lost);
	return has_read && sum.wrong == 0 ? 0 : 1;
}

int
main(int argc, char **argv)
{
	unsigned readers = argc == 5 ? (unsigned)atoi(argv[2]) : 0;
	struct tally *tallies;
	cpu_set_t cpus;

	if (readers < 1 || readers > READERS_MAX) {
		fprintf(stderr, "usage: segment_readers SEGMENT READERS CPU SECONDS\n");
		return 2;
	}
	CPU_ZERO(&cpus);
	CPU_SET((size_t)atoi(argv[3]), &cpus);
	(void)sched_setaffinity(0, sizeof(cpus), &cpus);
	tallies = mmap(NULL, readers * sizeof(*tallies), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (tallies == MAP_FAILED)
		return 1;
	return run(argv[1], readers, atof(argv[4]), tallies);
}
