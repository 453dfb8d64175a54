/* SPDX-License-Identifier: BSD-3-Clause */
#include "crowd.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "host.h"

struct member {
	struct crowd *crowd;
	struct lane *lane;
	unsigned index;
	unsigned cpu;
	pthread_t thread;
};

struct crowd {
	pthread_barrier_t begin;
	pthread_barrier_t end;
	unsigned count;
	struct crowd_order order;
	struct crowd_answer answers[OPTIONS_WORKERS_MAX];
	struct member members[OPTIONS_WORKERS_MAX];
};

static void
carry_out(const struct crowd_order *order, struct lane *lane, struct crowd_answer *answer)
{
	switch (order->task) {
	case CROWD_SET_UP:
		lane_set_up(lane);
		break;
	case CROWD_WARM_UP:
		answer->span = lane_warm_up(lane, order->packets);
		break;
	case CROWD_TIME:
		answer->span = lane_time(lane, order->part, order->packets);
		break;
	case CROWD_VISIT:
		answer->value = lane_visit(lane);
		break;
	case CROWD_FINISH:
		answer->value = lane_finish(lane);
		break;
	case CROWD_STOP:
		break;
	}
	answer->account = lane_account(lane);
}

static void *
member_main(void *arg)
{
	struct member *member = arg;
	struct crowd *crowd = member->crowd;

	(void)host_pin(member->cpu); /* it was allowed when the process started */
	for (;;) {
		const struct crowd_order *order = &crowd->order;

		pthread_barrier_wait(&crowd->begin);
		if (order->task == CROWD_STOP)
			return NULL;
		if (!order->is_solo || member->index == 0)
			carry_out(order, member->lane, &crowd->answers[member->index]);
		pthread_barrier_wait(&crowd->end);
	}
}

const struct crowd_answer *
crowd_do(struct crowd *crowd, const struct crowd_order *order)
{
	memset(crowd->answers, 0, sizeof(crowd->answers));
	crowd->order = *order;
	pthread_barrier_wait(&crowd->begin);
	if (order->task != CROWD_STOP)
		pthread_barrier_wait(&crowd->end);
	return crowd->answers;
}

/* Those that run wait at a barrier that will never fill. */
static void
cancel(struct crowd *crowd, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		pthread_cancel(crowd->members[i].thread);
		pthread_join(crowd->members[i].thread, NULL);
	}
	free(crowd);
}

int
crowd_create(struct lane **lanes, const unsigned *cpus, unsigned count, struct crowd **ret_crowd,
	struct jbr_error *error)
{
	struct crowd *crowd = calloc(1, sizeof(*crowd));

	if (crowd == NULL)
		return jbr_error_set(error, -ENOMEM, "cannot start %u threads: %s", count,
			strerror(ENOMEM));
	crowd->count = count;
	/* main() takes part in both */
	pthread_barrier_init(&crowd->begin, NULL, count + 1);
	pthread_barrier_init(&crowd->end, NULL, count + 1);
	for (unsigned i = 0; i < count; i++) {
		struct member *member = &crowd->members[i];
		int rc;

		*member = (struct member){.crowd = crowd,
			.lane = lanes[i],
			.index = i,
			.cpu = cpus[i]};
		rc = pthread_create(&member->thread, NULL, member_main, member);
		if (rc != 0) {
			cancel(crowd, i);
			return jbr_error_set(error, -rc, "cannot start thread %u: %s", i,
				strerror(rc));
		}
	}
	*ret_crowd = crowd;
	return 0;
}

void
crowd_free(struct crowd *crowd)
{
	const struct crowd_order stop = {.task = CROWD_STOP};

	if (crowd == NULL)
		return;
	crowd_do(crowd, &stop);
	for (unsigned i = 0; i < crowd->count; i++)
		pthread_join(crowd->members[i].thread, NULL);
	pthread_barrier_destroy(&crowd->begin);
	pthread_barrier_destroy(&crowd->end);
	free(crowd);
}
