/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture_private.h"

enum {
	STREAM_CAPACITY_FIRST = 1 << 20,
	RELEASE_STEP = 64 << 20, /* pages behind the reader are given back in such portions */
	GUARDS_MAX = 2 * CAPTURE_FILES_MAX,
};

/* The guard: without it the process would die of SIGBUS when somebody cuts a file that is mapped.
 * The table is process-wide because signal handlers are. The handler reads it without the lock: a
 * slot counts while `first` is not 0. */
struct guard {
	_Atomic uintptr_t first;
	_Atomic uintptr_t end;
	_Atomic uintptr_t lost; /* the lowest page that a page of zeros stands in for; 0 = none */
};

static struct guard guards[GUARDS_MAX];
static size_t guards_count;
static pthread_mutex_t guards_lock = PTHREAD_MUTEX_INITIALIZER;
static struct sigaction previous_action;
static uintptr_t page_size;

static struct guard *
find_guard(uintptr_t address)
{
	for (size_t i = 0; i < JBR_COUNT_OF(guards); i++) {
		uintptr_t first = atomic_load(&guards[i].first);

		if (first != 0 && address >= first && address < atomic_load(&guards[i].end))
			return &guards[i];
	}
	return NULL;
}

static void
remember_lost(struct guard *guard, uintptr_t page)
{
	uintptr_t lost = atomic_load(&guard->lost);

	while (lost == 0 || page < lost)
		if (atomic_compare_exchange_weak(&guard->lost, &lost, page))
			break;
}

/* Runs in whichever thread touched the page that is gone, so it may only make system calls. */
static void
on_bus_error(int signal_number, siginfo_t *info, void *context)
{
	uintptr_t page = (uintptr_t)info->si_addr & ~(page_size - 1);
	struct guard *guard = info->si_code > 0 ? find_guard((uintptr_t)info->si_addr) : NULL;
	void *zeros = MAP_FAILED;
	int saved = errno;

	(void)context;
	if (guard != NULL)
		zeros = mmap((void *)page, page_size, PROT_READ,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (zeros != MAP_FAILED) {
		remember_lost(guard, page);
	} else {
		/* not ours: made again, the access meets whoever minded the signal before; a signal
		 * that was sent must be sent again for that */
		sigaction(signal_number, &previous_action, NULL);
		if (info->si_code <= 0)
			raise(signal_number);
	}
	errno = saved;
}

/* Take SIGBUS, also back from whoever has taken it since. */
static int
install(void)
{
	struct sigaction action = {.sa_flags = SA_SIGINFO | SA_RESTART};
	struct sigaction current;

	page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
	action.sa_sigaction = on_bus_error;
	sigemptyset(&action.sa_mask);
	if (sigaction(SIGBUS, NULL, &current) < 0)
		return -errno;
	if (current.sa_sigaction == on_bus_error)
		return 0;
	previous_action = current;
	return sigaction(SIGBUS, &action, NULL) < 0 ? -errno : 0;
}

/* With the last guard, the signal goes back to whom it belonged. */
static void
uninstall(void)
{
	struct sigaction current;

	if (sigaction(SIGBUS, NULL, &current) == 0 && current.sa_sigaction == on_bus_error)
		sigaction(SIGBUS, &previous_action, NULL);
}

static int
guard_take(struct capture_source *source)
{
	size_t slot = 0;
	int rc;

	pthread_mutex_lock(&guards_lock);
	while (slot < GUARDS_MAX && atomic_load(&guards[slot].first) != 0)
		slot++;
	rc = slot < GUARDS_MAX ? install() : -EMFILE;
	if (rc == 0) {
		atomic_store(&guards[slot].lost, 0);
		atomic_store(&guards[slot].end, (uintptr_t)source->end);
		atomic_store(&guards[slot].first, (uintptr_t)source->start);
		source->guard = (int)slot;
		guards_count++;
	}
	pthread_mutex_unlock(&guards_lock);
	return rc;
}

static void
guard_release(struct capture_source *source)
{
	if (source->guard < 0)
		return;
	pthread_mutex_lock(&guards_lock);
	atomic_store(&guards[source->guard].first, 0);
	source->guard = -1;
	if (--guards_count == 0)
		uninstall();
	pthread_mutex_unlock(&guards_lock);
}

static int
map(struct capture_source *source, size_t length)
{
	void *start = mmap(NULL, length, PROT_READ, MAP_SHARED, source->fd, 0);

	if (start == MAP_FAILED)
		return -errno;
	madvise(start, length, MADV_SEQUENTIAL); /* read ahead further; a hint, so it may fail */
	capture_source_memory(source, start, length);
	source->is_mapped = true;
	return guard_take(source);
}

void
capture_source_memory(struct capture_source *source, const uint8_t *bytes, size_t length)
{
	static const uint8_t nothing[1];

	source->start = length > 0 ? bytes : nothing;
	source->at = source->start;
	source->end = source->start + length;
	source->is_complete = true;
}

int
capture_source_open(struct capture_file *file, const char *path, struct jbr_error *error)
{
	struct capture_source *source = &file->source;
	bool is_standard_input = strcmp(path, "-") == 0;
	struct stat status;
	int rc;

	/* a copy of descriptor 0, so that closing is the same for all */
	source->fd = is_standard_input ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
				       : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (source->fd < 0)
		return jbr_error_set(error, -errno, "cannot open '%s': %s", file->name,
			strerror(errno));
	if (fstat(source->fd, &status) < 0)
		return jbr_error_set(error, -errno, "cannot read '%s': %s", file->name,
			strerror(errno));
	if (S_ISDIR(status.st_mode))
		return jbr_error_set(error, -EISDIR, "cannot read '%s': %s", file->name,
			strerror(EISDIR));
	/* a stream: pipes, devices, and what of a file the shell has left on standard input */
	if (!S_ISREG(status.st_mode) || lseek(source->fd, 0, SEEK_CUR) > 0) {
		/* fewer reads, where it is a pipe and may be that large */
		fcntl(source->fd, F_SETPIPE_SZ, STREAM_CAPACITY_FIRST);
		return 0;
	}
	if (status.st_size == 0) {
		capture_source_memory(source, NULL, 0);
		return 0;
	}
	rc = map(source, (size_t)status.st_size);
	if (rc < 0)
		return jbr_error_set(error, rc, "cannot map '%s': %s", file->name, strerror(-rc));
	return 0;
}

/* Move what is left to the front of the buffer, and make room for what is wanted. */
static int
make_room(struct capture_source *source)
{
	size_t rest = capture_rest(source);
	size_t capacity = source->capacity > 0 ? source->capacity : STREAM_CAPACITY_FIRST;
	uint8_t *buffer;

	if (rest > 0)
		memmove(source->buffer, source->at, rest);
	while (capacity < source->wanted)
		capacity *= 2; /* ends: no format wants more than some MiB */
	if (capacity > source->capacity) {
		buffer = realloc(source->buffer, capacity);
		if (buffer == NULL)
			return -ENOMEM;
		source->buffer = buffer;
		source->capacity = capacity;
	}
	source->at = source->buffer;
	source->end = source->buffer + rest;
	return 0;
}

int
capture_source_fill(struct capture_source *source)
{
	struct pollfd readable = {.fd = source->fd, .events = POLLIN};
	int rc;

	if (source->is_complete)
		return 0;
	rc = make_room(source);
	if (rc < 0)
		return rc;
	while (capture_rest(source) < source->wanted) {
		size_t rest = capture_rest(source);
		ssize_t length = read(source->fd, source->buffer + rest, source->capacity - rest);

		if (length == 0) {
			source->is_complete = true;
			break;
		}
		/* another process has made our standard input non-blocking: wait here instead */
		if (length < 0 && errno == EAGAIN && poll(&readable, 1, -1) > 0)
			continue;
		if (length < 0)
			return -errno;
		source->end += length;
	}
	return 0;
}

/* Give back the whole pages before offset @p done. They stay in the page cache, and come back by
 * themselves when they are read again: by a frame that is still in use, or after a rewind. */
static void
release(struct capture_source *source, size_t done)
{
	size_t length = (done - source->released) & ~(size_t)(page_size - 1);

	madvise((void *)(uintptr_t)(source->start + source->released), length, MADV_DONTNEED);
	source->released += length;
}

void
capture_source_advise(struct capture_source *source)
{
	size_t done;

	if (!source->is_mapped)
		return;
	done = (size_t)(source->at - source->start);
	if (done - source->released >= RELEASE_STEP)
		release(source, done);
}

void
capture_source_rewind(struct capture_source *source)
{
	if (source->is_mapped)
		release(source, (size_t)(source->at - source->start));
	source->at = source->start;
	source->released = 0;
}

int
capture_source_check(const struct capture_source *source, size_t *ret_left)
{
	struct stat status;
	uintptr_t lost;

	if (!source->is_mapped)
		return 0;
	if (fstat(source->fd, &status) == 0 &&
		(size_t)status.st_size < (size_t)(source->end - source->start)) {
		*ret_left = (size_t)status.st_size;
		return -EINVAL;
	}
	lost = atomic_load(&guards[source->guard].lost);
	if (lost != 0) {
		*ret_left = lost - (uintptr_t)source->start;
		return -EIO;
	}
	return 0;
}

void
capture_source_close(struct capture_source *source)
{
	guard_release(source);
	if (source->is_mapped)
		munmap((void *)(uintptr_t)source->start, (size_t)(source->end - source->start));
	if (source->fd >= 0)
		close(source->fd);
	free(source->buffer);
	*source = CAPTURE_SOURCE_CLOSED;
}
