/* SPDX-License-Identifier: BSD-3-Clause */
/* Which findings become lines. Entities live in one array, found by chained hashing and kept in one
 * list from the least to the most recently seen; index 0 is the list's head and, in a chain, its
 * end. The hash is keyed anew in every process, since attackers choose source addresses; what is
 * let through does not depend on it. Untouched entries cost no memory: the array comes from
 * calloc() and is used from its beginning. */
#include "event_private.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum { ENTITIES_LEAST = 1024, ENTITIES_MOST = 1 << 24 };

/* What an entity is known by. No padding, so that keys can be compared as bytes. */
struct entity_key {
	uint64_t id[2]; /* flow id, or source address */
	uint32_t anomaly;
	uint16_t kind;       /* enum jbr_entity */
	uint16_t ip_version; /* of a source, else 0 */
};

static_assert(sizeof(struct entity_key) == 24, "an entity's key has no padding");

struct entity {
	struct entity_key key;
	struct jbr_finding latest; /* the rest tells of findings that no line has told of */
	uint64_t count;
	uint64_t first_ns;
	uint64_t last_ns;
	uint64_t line_ns; /* time of the last line */
	uint32_t chain;   /* next of the same bucket, or of the free entries */
	uint32_t older;   /* seen less recently */
	uint32_t newer;
};

/* New entities of one anomaly in one second. */
struct budget {
	uint64_t second;
	uint32_t count;
};

struct jbr_event_limiter {
	struct entity *entities; /* from 1 */
	uint32_t *buckets;
	uint64_t secret[3];
	uint64_t interval_ns;
	uint64_t left_out;
	uint32_t entities_per_s;
	uint32_t entities_max;
	uint32_t interval_s;
	uint32_t bucket_mask;
	uint32_t used; /* entries ever taken from the array */
	uint32_t free; /* first of those given back */
	struct budget budgets[JBR_ANOM_COUNT];
};

struct jbr_event_limiter *
jbr_event_limiter_create(const struct jbr_event_limits *limits)
{
	struct jbr_event_limiter *limiter;
	uint32_t buckets = ENTITIES_LEAST;

	if (limits->interval_s == 0 || limits->entities_per_s == 0 ||
		limits->entities_max < ENTITIES_LEAST || limits->entities_max > ENTITIES_MOST) {
		errno = EINVAL;
		return NULL;
	}
	while (buckets < limits->entities_max)
		buckets *= 2;
	limiter = calloc(1, sizeof(*limiter));
	if (limiter == NULL)
		return NULL;
	limiter->entities = calloc((size_t)limits->entities_max + 1, sizeof(*limiter->entities));
	limiter->buckets = calloc(buckets, sizeof(*limiter->buckets));
	if (limiter->entities == NULL || limiter->buckets == NULL) {
		jbr_event_limiter_free(limiter);
		errno = ENOMEM;
		return NULL;
	}
	limiter->bucket_mask = buckets - 1;
	limiter->interval_s = limits->interval_s;
	limiter->interval_ns = limits->interval_s * JBR_NS_PER_S;
	limiter->entities_per_s = limits->entities_per_s;
	limiter->entities_max = limits->entities_max;
	jbr_event_secret(limiter, limiter->secret, JBR_COUNT_OF(limiter->secret));
	return limiter;
}

void
jbr_event_limiter_free(struct jbr_event_limiter *limiter)
{
	if (limiter == NULL)
		return;
	free(limiter->entities);
	free(limiter->buckets);
	free(limiter);
}

static struct entity_key
key_of(const struct jbr_finding *finding)
{
	const struct jbr_event_tuple *tuple = &finding->tuple;
	struct entity_key key = {.anomaly = finding->anomaly};

	if (jbr_anomalies[finding->anomaly].scope == JBR_SCOPE_FLOW && finding->flow_id != 0) {
		key.kind = JBR_ENTITY_FLOW;
		key.id[0] = finding->flow_id;
		return key;
	}
	key.kind = JBR_ENTITY_SOURCE;
	key.ip_version = tuple->ip_version;
	if (tuple->ip_version == 6)
		memcpy(key.id, tuple->src, 16);
	else if (tuple->ip_version == 4)
		memcpy(key.id, tuple->src, 4); /* the rest is no part of the address */
	return key;
}

static uint32_t *
bucket_of(const struct jbr_event_limiter *limiter, const struct entity_key *key)
{
	uint64_t rest = (uint64_t)key->anomaly << 32 | (uint64_t)key->kind << 16 | key->ip_version;
	uint64_t hash = jbr_mix64(key->id[0] ^ limiter->secret[0], key->id[1] ^ limiter->secret[1]);

	hash = jbr_mix64(hash ^ rest, limiter->secret[2]);
	return &limiter->buckets[hash & limiter->bucket_mask];
}

static uint32_t
find(const struct jbr_event_limiter *limiter, uint32_t first, const struct entity_key *key)
{
	uint32_t idx = first;

	while (idx != 0 && memcmp(&limiter->entities[idx].key, key, sizeof(*key)) != 0)
		idx = limiter->entities[idx].chain;
	return idx;
}

static void
list_remove(struct jbr_event_limiter *limiter, uint32_t idx)
{
	struct entity *entity = &limiter->entities[idx];

	limiter->entities[entity->older].newer = entity->newer;
	limiter->entities[entity->newer].older = entity->older;
}

/* The head stands between the most recently seen, its `older`, and the least, its `newer`. */
static void
list_add_newest(struct jbr_event_limiter *limiter, uint32_t idx)
{
	struct entity *head = &limiter->entities[0];

	limiter->entities[idx].older = head->older;
	limiter->entities[idx].newer = 0;
	limiter->entities[head->older].newer = idx;
	head->older = idx;
}

static void
forget(struct jbr_event_limiter *limiter, uint32_t idx)
{
	struct entity *entity = &limiter->entities[idx];
	uint32_t *link = bucket_of(limiter, &entity->key);

	while (*link != idx)
		link = &limiter->entities[*link].chain;
	*link = entity->chain;
	list_remove(limiter, idx);
	entity->chain = limiter->free;
	limiter->free = idx;
}

/* An entry for a new entity: one given back, one never used, or the one least recently seen. */
static uint32_t
take(struct jbr_event_limiter *limiter)
{
	uint32_t idx;

	if (limiter->free == 0 && limiter->used < limiter->entities_max)
		return ++limiter->used;
	if (limiter->free == 0) {
		uint32_t oldest = limiter->entities[0].newer;

		limiter->left_out += limiter->entities[oldest].count;
		forget(limiter, oldest);
	}
	idx = limiter->free;
	limiter->free = limiter->entities[idx].chain;
	return idx;
}

static uint64_t
distance(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* Whether one more new entity may have a line in the finding's second. Time that falls back a
 * little, as it does between captures, counts in the second already reached; a clock that was set
 * back by more than the interval begins anew, so that one wild time stamp does not silence the
 * rest. */
static bool
spend(struct jbr_event_limiter *limiter, const struct jbr_finding *finding)
{
	struct budget *budget = &limiter->budgets[finding->anomaly];
	uint64_t second = finding->time_ns / JBR_NS_PER_S;

	if (second > budget->second || distance(second, budget->second) > limiter->interval_s)
		*budget = (struct budget){.second = second};
	if (budget->count >= limiter->entities_per_s)
		return false;
	budget->count++;
	return true;
}

static void
add_finding(struct entity *entity, const struct jbr_finding *finding)
{
	if (entity->count == 0) {
		entity->first_ns = finding->time_ns;
		entity->last_ns = finding->time_ns;
	}
	entity->latest = *finding;
	entity->count++;
	entity->first_ns = jbr_min_u64(entity->first_ns, finding->time_ns);
	entity->last_ns = jbr_max_u64(entity->last_ns, finding->time_ns);
}

static void
tell(struct entity *entity, struct jbr_event *ret_event)
{
	*ret_event = (struct jbr_event){
		.finding = entity->latest,
		.count = entity->count,
		.first_ns = entity->first_ns,
		.last_ns = entity->last_ns,
		.entity = (uint8_t)entity->key.kind,
	};
	entity->line_ns = entity->latest.time_ns;
	entity->count = 0;
}

bool
jbr_event_limiter_offer(struct jbr_event_limiter *limiter, const struct jbr_finding *finding,
	struct jbr_event *ret_event)
{
	struct entity_key key;
	struct entity *entity;
	uint32_t *bucket;
	uint32_t idx;

	if (finding->anomaly >= JBR_ANOM_COUNT)
		return false; /* the empty cell of a table is no anomaly */
	key = key_of(finding);
	bucket = bucket_of(limiter, &key);
	idx = find(limiter, *bucket, &key);
	if (idx == 0) {
		if (!spend(limiter, finding)) {
			limiter->left_out++;
			return false;
		}
		idx = take(limiter);
		entity = &limiter->entities[idx];
		*entity = (struct entity){.key = key, .chain = *bucket};
		*bucket = idx;
		list_add_newest(limiter, idx);
		add_finding(entity, finding);
		tell(entity, ret_event);
		return true;
	}
	entity = &limiter->entities[idx];
	list_remove(limiter, idx);
	list_add_newest(limiter, idx);
	add_finding(entity, finding);
	/* either way: a clock set back far must not silence the entity until it has caught up */
	if (distance(finding->time_ns, entity->line_ns) < limiter->interval_ns)
		return false;
	tell(entity, ret_event);
	return true;
}

bool
jbr_event_limiter_drain(struct jbr_event_limiter *limiter, struct jbr_event *ret_event)
{
	uint32_t idx;

	/* what has been passed is forgotten, so that a whole drain looks at each entity once */
	while ((idx = limiter->entities[0].newer) != 0) {
		struct entity *entity = &limiter->entities[idx];
		bool has_findings = entity->count > 0;

		if (has_findings)
			tell(entity, ret_event);
		forget(limiter, idx);
		if (has_findings)
			return true;
	}
	return false;
}

uint64_t
jbr_event_limiter_left_out(const struct jbr_event_limiter *limiter)
{
	return limiter->left_out;
}
