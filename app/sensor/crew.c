/* SPDX-License-Identifier: BSD-3-Clause */
#include "crew.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

enum task { TASK_FEED, TASK_END_BATCH, TASK_FINISH, TASK_STOP };

/* An array of plain records that grows. */
struct pile {
	char *data;
	size_t count;
	size_t capacity;
	size_t size; /* of a record */
};

struct member {
	struct crew *crew;
	struct worker *worker;
	pthread_t thread;
	struct pile records;
	struct pile findings;
	bool has_thread;
	bool failed;
};

struct crew {
	struct jbr_flow_table *table;
	pthread_barrier_t begin;
	pthread_barrier_t end;
	bool has_barriers;
	uint32_t workers;
	enum task task;
	const struct jbr_frame *frames;
	size_t count;
	uint64_t now_ns;
	struct pile records; /* of all, sorted */
	struct pile findings;
	struct member members[WORKERS_MAX];
};

static bool
pile_add(struct pile *pile, const void *records, size_t count)
{
	if (count == 0)
		return true;
	if (pile->count + count > pile->capacity) {
		size_t capacity = (pile->count + count) * 2;
		char *data = realloc(pile->data, capacity * pile->size);

		if (data == NULL)
			return false;
		pile->data = data;
		pile->capacity = capacity;
	}
	memcpy(pile->data + pile->count * pile->size, records, count * pile->size);
	pile->count += count;
	return true;
}

static void
collect(struct member *member)
{
	struct output *output = &member->worker->output;

	if (!pile_add(&member->records, output->records, output->nb_records) ||
		!pile_add(&member->findings, output->findings, output->nb_findings))
		member->failed = true;
	output->nb_records = 0;
	output->nb_findings = 0;
}

static void
do_feed(struct member *member)
{
	struct crew *crew = member->crew;
	size_t at = 0;

	while (at < crew->count) {
		unsigned n = crew->count - at < BURST_MAX ? (unsigned)(crew->count - at)
							  : BURST_MAX;

		if (worker_is_nearly_full(member->worker, n))
			collect(member);
		pipeline_burst(member->worker, crew->frames + at, n);
		at += n;
	}
}

static void
do_end_batch(struct member *member)
{
	while (!pipeline_expire(member->worker, member->crew->now_ns))
		collect(member);
	collect(member);
}

static void
do_finish(struct member *member)
{
	while (!pipeline_finish(member->worker, member->crew->now_ns))
		collect(member);
	collect(member);
}

static void
work(struct member *member)
{
	if (member->crew->task == TASK_FEED)
		do_feed(member);
	else if (member->crew->task == TASK_END_BATCH)
		do_end_batch(member);
	else
		do_finish(member);
}

static void *
member_main(void *arg)
{
	struct member *member = arg;
	struct crew *crew = member->crew;

	for (;;) {
		pthread_barrier_wait(&crew->begin);
		if (crew->task == TASK_STOP)
			return NULL;
		work(member);
		pthread_barrier_wait(&crew->end);
	}
}

static void
run_task(struct crew *crew, enum task task)
{
	crew->task = task;
	if (crew->workers > 1)
		pthread_barrier_wait(&crew->begin);
	if (task == TASK_STOP)
		return;
	work(&crew->members[0]);
	if (crew->workers > 1)
		pthread_barrier_wait(&crew->end);
}

static int
compare_records(const void *a, const void *b)
{
	const struct jbr_flow_record *x = a;
	const struct jbr_flow_record *y = b;

	if (x->order_ns != y->order_ns)
		return x->order_ns < y->order_ns ? -1 : 1;
	if (x->first_packet != y->first_packet)
		return x->first_packet < y->first_packet ? -1 : 1;
	return x->last_packet < y->last_packet ? -1 : x->last_packet > y->last_packet;
}

static int
compare_findings(const void *a, const void *b)
{
	const struct jbr_finding *x = a;
	const struct jbr_finding *y = b;

	if (x->packet != y->packet)
		return x->packet < y->packet ? -1 : 1;
	return (int)x->anomaly - (int)y->anomaly;
}

static int
gather(struct crew *crew, struct crew_news *ret_news)
{
	crew->records.count = 0;
	crew->findings.count = 0;
	for (uint32_t i = 0; i < crew->workers; i++) {
		struct member *member = &crew->members[i];

		if (member->failed ||
			!pile_add(&crew->records, member->records.data, member->records.count) ||
			!pile_add(&crew->findings, member->findings.data, member->findings.count))
			return -ENOMEM;
		member->records.count = 0;
		member->findings.count = 0;
	}
	if (crew->records.count > 1)
		qsort(crew->records.data, crew->records.count, crew->records.size, compare_records);
	if (crew->findings.count > 1)
		qsort(crew->findings.data, crew->findings.count, crew->findings.size,
			compare_findings);
	ret_news->records = (const struct jbr_flow_record *)(void *)crew->records.data;
	ret_news->nb_records = crew->records.count;
	ret_news->findings = (const struct jbr_finding *)(void *)crew->findings.data;
	ret_news->nb_findings = crew->findings.count;
	return 0;
}

void
crew_feed(struct crew *crew, const struct jbr_frame *frames, size_t count)
{
	crew->frames = frames;
	crew->count = count;
	run_task(crew, TASK_FEED);
}

int
crew_end_batch(struct crew *crew, uint64_t now_ns, struct crew_news *ret_news)
{
	crew->now_ns = now_ns;
	run_task(crew, TASK_END_BATCH);
	jbr_flow_merge(crew->table);
	return gather(crew, ret_news);
}

int
crew_finish(struct crew *crew, uint64_t now_ns, struct crew_news *ret_news)
{
	crew->now_ns = now_ns;
	run_task(crew, TASK_FINISH);
	return gather(crew, ret_news);
}

void
crew_figures(const struct crew *crew, uint32_t index, struct jbr_worker_figures *ret_figures)
{
	memset(ret_figures, 0, sizeof(*ret_figures));
	worker_figures(crew->members[index].worker, ret_figures);
	ret_figures->polled = ret_figures->counters.received;
}

void
crew_counters(const struct crew *crew, struct jbr_counters *ret_counters)
{
	memset(ret_counters, 0, sizeof(*ret_counters));
	for (uint32_t i = 0; i < crew->workers; i++)
		jbr_counters_add(ret_counters, &crew->members[i].worker->counters);
}

static int
member_init(struct crew *crew, uint32_t index, const struct crew_params *params)
{
	struct member *member = &crew->members[index];

	member->crew = crew;
	member->records.size = sizeof(struct jbr_flow_record);
	member->findings.size = sizeof(struct jbr_finding);
	member->worker = aligned_alloc(64, (sizeof(*member->worker) + 63) / 64 * 64);
	if (member->worker == NULL)
		return -ENOMEM;
	worker_init(member->worker, params->config, crew->table, index, params->workers);
	member->worker->wants_records = params->wants_records;
	member->worker->wants_findings = params->wants_findings;
	return 0;
}

static int
start_threads(struct crew *crew)
{
	for (uint32_t i = 1; i < crew->workers; i++) {
		int rc = pthread_create(&crew->members[i].thread, NULL, member_main,
			&crew->members[i]);

		if (rc != 0) {
			/* those that run wait at a barrier that will never fill */
			for (uint32_t j = 1; j < i; j++) {
				pthread_cancel(crew->members[j].thread);
				pthread_join(crew->members[j].thread, NULL);
				crew->members[j].has_thread = false;
			}
			return -rc;
		}
		crew->members[i].has_thread = true;
	}
	return 0;
}

int
crew_create(const struct crew_params *params, struct crew **ret_crew, struct jbr_error *error)
{
	struct jbr_flow_params flow_params = {
		.capacity = jbr_flow_places(params->config->flow_capacity)};
	struct crew *crew = calloc(1, sizeof(*crew));
	int rc = crew == NULL ? -ENOMEM : 0;

	if (rc == 0) {
		crew->records.size = sizeof(struct jbr_flow_record);
		crew->findings.size = sizeof(struct jbr_finding);
		crew->workers = params->workers;
		crew->table = jbr_flow_table_create(&flow_params);
		if (crew->table == NULL)
			rc = -errno;
	}
	for (uint32_t i = 0; rc == 0 && i < params->workers; i++)
		rc = member_init(crew, i, params);
	if (rc == 0 && params->workers > 1) {
		rc = -pthread_barrier_init(&crew->begin, NULL, params->workers);
		if (rc == 0)
			rc = -pthread_barrier_init(&crew->end, NULL, params->workers);
		crew->has_barriers = rc == 0;
	}
	if (rc == 0)
		rc = start_threads(crew);
	if (rc < 0) {
		jbr_error_set(error, rc, "cannot start %u workers: %s", params->workers,
			strerror(-rc));
		crew_free(crew);
		return rc;
	}
	*ret_crew = crew;
	return 0;
}

void
crew_free(struct crew *crew)
{
	if (crew == NULL)
		return;
	if (crew->workers > 1 && crew->members[1].has_thread)
		run_task(crew, TASK_STOP);
	for (uint32_t i = 0; i < crew->workers; i++) {
		if (crew->members[i].has_thread)
			pthread_join(crew->members[i].thread, NULL);
		free(crew->members[i].records.data);
		free(crew->members[i].findings.data);
		free(crew->members[i].worker);
	}
	if (crew->has_barriers) {
		pthread_barrier_destroy(&crew->begin);
		pthread_barrier_destroy(&crew->end);
	}
	free(crew->records.data);
	free(crew->findings.data);
	jbr_flow_table_free(crew->table);
	free(crew);
}
