/* SPDX-License-Identifier: BSD-3-Clause */
#include "publisher_private.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

/* Each worker's block in lines of its own, and no two workers' in neighbouring ones. */
enum { ALIGN = 64, BLOCK_ALIGN = 128 };

static uint64_t
rounded(uint64_t bytes, uint64_t to)
{
	return (bytes + to - 1) / to * to;
}

/* ---- making ---- */

/* Where the sections go: the header's list is filled in, from its end on. */
static uint64_t
plan(struct jbr_shm_header *header, const struct directory *directory,
	const struct jbr_publisher_params *params)
{
	uint64_t block = sizeof(struct jbr_shm_block_head) +
		2 * JBR_WORKER_VALUES * sizeof(uint64_t);
	uint64_t snapshot = sizeof(struct jbr_shm_snapshot_head) +
		directory->nb_values * sizeof(uint64_t);
	const struct {
		uint32_t kind;
		uint64_t record;
		uint64_t count;
	} sections[] = {
		{JBR_SHM_STRINGS, 1, directory->strings.length},
		{JBR_SHM_FAMILIES, sizeof(struct jbr_shm_family_entry), directory->nb_families},
		{JBR_SHM_SERIES, sizeof(struct jbr_shm_series_entry), directory->nb_series},
		{JBR_SHM_BOUNDS, sizeof(uint64_t), JBR_HISTOGRAM_BOUNDS},
		{JBR_SHM_WORKERS, rounded(block, BLOCK_ALIGN), params->nb_workers},
		{JBR_SHM_SNAPSHOTS, rounded(snapshot, ALIGN), params->nb_snapshots},
		{JBR_SHM_EVENTS, sizeof(struct jbr_shm_event), params->nb_events},
		{JBR_SHM_HOSTS, sizeof(struct jbr_shm_host), 2 * (uint64_t)params->nb_hosts},
		{JBR_SHM_HOSTS_HEAD, sizeof(struct jbr_shm_hosts_head), 1},
	};
	uint64_t at = rounded(sizeof(*header), BLOCK_ALIGN);

	_Static_assert(JBR_COUNT_OF(sections) <= JBR_SHM_SECTIONS_MAX, "the header lists them");
	for (size_t i = 0; i < JBR_COUNT_OF(sections); i++) {
		header->sections[i] = (struct jbr_shm_section){sections[i].kind,
			(uint32_t)sections[i].record, at, sections[i].count};
		at = rounded(at + sections[i].record * sections[i].count, BLOCK_ALIGN);
	}
	header->nb_sections = JBR_COUNT_OF(sections);
	return at;
}

static void
copy_name(char *to, size_t size, const char *from)
{
	memcpy(to, from, jbr_min_u64(strlen(from), size));
}

static void
fill_header(struct jbr_shm_header *header, const struct directory *directory,
	const struct jbr_publisher_params *params, uint64_t size)
{
	header->major = JBR_SHM_MAJOR;
	header->minor = JBR_SHM_MINOR;
	header->header_bytes = sizeof(*header);
	header->segment_bytes = size;
	header->pid = (uint64_t)getpid();
	header->start_ns = params->start_ns;
	header->start_monotonic_ns = jbr_shm_now_ns();
	header->heartbeat_ns = header->start_monotonic_ns;
	header->interval_ms = params->interval_ms;
	header->nb_values = directory->nb_values;
	header->nb_worker_values = JBR_WORKER_VALUES;
	header->state = JBR_SHM_STARTING;
	copy_name(header->version, sizeof(header->version), params->version);
	copy_name(header->sensor, sizeof(header->sensor), params->sensor);
	copy_name(header->mode, sizeof(header->mode), params->mode);
	if (getrandom(header->boot_id, sizeof(header->boot_id), 0) < 0)
		memcpy(header->boot_id, &header->start_monotonic_ns,
			sizeof(header->start_monotonic_ns));
}

static void *
section_at(const struct jbr_publisher *publisher, enum jbr_shm_kind kind)
{
	const struct jbr_shm_header *header = publisher->header;

	for (uint32_t i = 0; i < header->nb_sections; i++)
		if (header->sections[i].kind == (uint32_t)kind)
			return publisher->bytes + header->sections[i].offset;
	return NULL;
}

static void
fill(struct jbr_publisher *publisher, const struct directory *directory)
{
	const struct jbr_shm_header *header = publisher->header;

	memcpy(section_at(publisher, JBR_SHM_STRINGS), directory->strings.data,
		directory->strings.length);
	memcpy(section_at(publisher, JBR_SHM_FAMILIES), directory->families,
		directory->nb_families * sizeof(directory->families[0]));
	memcpy(section_at(publisher, JBR_SHM_SERIES), directory->series,
		directory->nb_series * sizeof(directory->series[0]));
	memcpy(section_at(publisher, JBR_SHM_BOUNDS), directory->bounds, sizeof(directory->bounds));
	publisher->blocks = section_at(publisher, JBR_SHM_WORKERS);
	publisher->snapshots = section_at(publisher, JBR_SHM_SNAPSHOTS);
	publisher->events = section_at(publisher, JBR_SHM_EVENTS);
	publisher->hosts = section_at(publisher, JBR_SHM_HOSTS);
	publisher->hosts_head = section_at(publisher, JBR_SHM_HOSTS_HEAD);
	for (uint32_t i = 0; i < header->nb_sections; i++) {
		if (header->sections[i].kind == JBR_SHM_WORKERS)
			publisher->block_stride = header->sections[i].record_bytes;
		if (header->sections[i].kind == JBR_SHM_SNAPSHOTS)
			publisher->snapshot_stride = header->sections[i].record_bytes;
	}
}

static int
make(struct jbr_publisher *publisher, const struct directory *directory,
	const struct jbr_publisher_params *params, struct jbr_error *error)
{
	const char *folder = params->folder == NULL ? JBR_SHM_FOLDER : params->folder;
	struct jbr_shm_header header = {0};
	int rc;

	publisher->size = rounded(plan(&header, directory, params), 4096);
	publisher->nb_values = directory->nb_values;
	publisher->values = calloc(publisher->nb_values, sizeof(uint64_t));
	publisher->block = calloc(JBR_WORKER_VALUES, sizeof(uint64_t));
	if (publisher->values == NULL || publisher->block == NULL)
		return jbr_error_set(error, -ENOMEM, "cannot publish: %s", strerror(ENOMEM));
	rc = segment_file_make(folder, params->instance, publisher, error);
	if (rc < 0)
		return rc;
	fill_header(&header, directory, params, publisher->size);
	publisher->header = (struct jbr_shm_header *)publisher->bytes;
	memcpy(publisher->bytes, &header, sizeof(header));
	fill(publisher, directory);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	memcpy(publisher->header->magic, JBR_SHM_MAGIC, sizeof(publisher->header->magic));
	return segment_file_show(folder, params->instance, error);
}

int
jbr_publisher_create(const struct jbr_publisher_params *params,
	struct jbr_publisher **ret_publisher, struct jbr_error *error)
{
	struct jbr_publisher *publisher = calloc(1, sizeof(*publisher));
	struct directory *directory = calloc(1, sizeof(*directory));
	int rc = publisher == NULL || directory == NULL ? -ENOMEM : 0;

	if (rc == 0) {
		publisher->fd = -1;
		publisher->nb_workers = params->nb_workers;
		publisher->nb_snapshots = params->nb_snapshots;
		publisher->nb_events = params->nb_events;
		publisher->nb_hosts = params->nb_hosts;
		rc = directory_build(directory, params, publisher);
	}
	if (rc < 0)
		jbr_error_set(error, rc, "cannot publish: %s", strerror(-rc));
	else
		rc = make(publisher, directory, params, error);
	if (directory != NULL)
		directory_fini(directory);
	free(directory);
	if (rc < 0)
		jbr_publisher_free(publisher);
	else
		*ret_publisher = publisher;
	return rc;
}

void
jbr_publisher_free(struct jbr_publisher *publisher)
{
	if (publisher == NULL)
		return;
	if (publisher->fd >= 0) {
		munmap(publisher->bytes, publisher->size);
		close(publisher->fd);
	}
	free(publisher->values);
	free(publisher->block);
	free(publisher);
}

uint64_t
jbr_publisher_bytes(const struct jbr_publisher *publisher)
{
	return publisher->size;
}

struct jbr_shm_block_head *
jbr_publisher_block(const struct jbr_publisher *publisher, uint32_t index)
{
	return (void *)((uint8_t *)publisher->blocks + index * publisher->block_stride);
}

/* ---- writing ---- */

/* Words that readers may be looking at. */
static void
store(void *to, const void *from, uint64_t count)
{
	uint64_t *words = to;

	for (uint64_t i = 0; i < count; i++)
		__atomic_store_n(&words[i], ((const uint64_t *)from)[i], __ATOMIC_RELAXED);
}

/* From here on readers know that what they have read of the record may be no more. */
static void
begin(uint64_t *number)
{
	__atomic_store_n(number, 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

void
jbr_publisher_set(struct jbr_publisher *publisher, enum jbr_metric metric, uint32_t index,
	int64_t value)
{
	if (index < publisher->nb_slots[metric])
		publisher->values[publisher->first_slot[metric] + index] = (uint64_t)value;
}

/* One writer, another thread: as a reader does. */
static void
read_block(const struct jbr_publisher *publisher, uint32_t index)
{
	const struct jbr_shm_block_head *block = jbr_publisher_block(publisher, index);
	const uint64_t *copies = (const uint64_t *)(block + 1);
	uint64_t sequence;

	do {
		sequence = __atomic_load_n(&block->sequence, __ATOMIC_ACQUIRE);
		for (unsigned i = 0; i < JBR_WORKER_VALUES; i++)
			publisher->block[i] =
				__atomic_load_n(&copies[(sequence & 1) * JBR_WORKER_VALUES + i],
					__ATOMIC_RELAXED);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (__atomic_load_n(&block->sequence, __ATOMIC_RELAXED) != sequence);
}

void
jbr_publisher_gather(struct jbr_publisher *publisher, struct jbr_worker_figures *ret_sum)
{
	memset(publisher->values, 0, JBR_WORKER_VALUES * sizeof(uint64_t));
	for (uint32_t w = 0; w < publisher->nb_workers; w++) {
		read_block(publisher, w);
		for (unsigned i = 0; i < JBR_WORKER_VALUES; i++)
			publisher->values[i] += publisher->block[i];
		for (uint32_t i = 0; i < publisher->nb_of_worker; i++)
			publisher->values[publisher->of_worker[i].to + w] =
				publisher->block[publisher->of_worker[i].from];
	}
	if (ret_sum != NULL)
		memcpy(ret_sum, publisher->values, sizeof(*ret_sum));
}

void
jbr_publisher_snapshot(struct jbr_publisher *publisher, uint64_t time_ns, uint64_t monotonic_ns)
{
	struct jbr_shm_header *header = publisher->header;
	uint64_t number = header->snapshots + 1;
	struct jbr_shm_snapshot_head *head = (void *)(publisher->snapshots +
		(number - 1) % publisher->nb_snapshots * publisher->snapshot_stride);

	begin(&head->number);
	store(&head->time_ns, &time_ns, 1);
	store(&head->monotonic_ns, &monotonic_ns, 1);
	store(head + 1, publisher->values, publisher->nb_values);
	__atomic_store_n(&head->number, number, __ATOMIC_RELEASE);
	__atomic_store_n(&header->snapshots, number, __ATOMIC_RELEASE);
	jbr_publisher_beat(publisher, monotonic_ns);
}

void
jbr_publisher_event(struct jbr_publisher *publisher, struct jbr_shm_event *event)
{
	struct jbr_shm_header *header = publisher->header;
	uint64_t number = header->events + 1;
	struct jbr_shm_event *at;

	if (publisher->nb_events == 0)
		return;
	at = &publisher->events[(number - 1) % publisher->nb_events];
	begin(&at->number);
	event->number = number;
	store(&at->number + 1, &event->number + 1, sizeof(*event) / sizeof(uint64_t) - 1);
	__atomic_store_n(&at->number, number, __ATOMIC_RELEASE);
	__atomic_store_n(&header->events, number, __ATOMIC_RELEASE);
}

void
jbr_publisher_hosts(struct jbr_publisher *publisher, const struct jbr_shm_host *hosts,
	uint32_t count)
{
	struct jbr_shm_hosts_head *head = publisher->hosts_head;
	uint64_t next = head->sequence + 1;
	uint64_t taken = jbr_min_u32(count, publisher->nb_hosts);
	struct jbr_shm_host *table = &publisher->hosts[(next & 1) * publisher->nb_hosts];

	__atomic_thread_fence(__ATOMIC_RELEASE);
	store(table, hosts, taken * sizeof(*hosts) / sizeof(uint64_t));
	store(&head->counts[next & 1], &taken, 1);
	__atomic_store_n(&head->sequence, next, __ATOMIC_RELEASE);
}

void
jbr_publisher_beat(struct jbr_publisher *publisher, uint64_t monotonic_ns)
{
	__atomic_store_n(&publisher->header->heartbeat_ns, monotonic_ns, __ATOMIC_RELEASE);
}

void
jbr_publisher_state(struct jbr_publisher *publisher, enum jbr_shm_state state)
{
	__atomic_store_n(&publisher->header->state, (uint64_t)state, __ATOMIC_RELEASE);
}
