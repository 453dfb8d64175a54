/* SPDX-License-Identifier: BSD-3-Clause */
/* The connection table against a list that is searched from end to end; its limits, and who has to go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "jbr_flow.h"

enum { CAPACITY = 1024, PER_SHARD = CAPACITY / JBR_FLOW_SHARDS, EXTS_PER_SHARD = PER_SHARD / 8 };

/* Padding follows. */
enum { KEY_BYTES = offsetof(struct jbr_flow_key, port) + 2 * sizeof(uint16_t) };

static uint64_t random_state;

static uint32_t
random_below(uint32_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 32) % limit;
}

/* The place of the n-th connection of a shard; hashes of no importance. */
static struct jbr_flow_probe
probe_of(uint32_t n)
{
	return (struct jbr_flow_probe){.key.tenant = n,
		.hash = n * UINT64_C(0x9e3779b97f4a7c15),
		.narrow = n,
		.form = JBR_FLOW_WIDE};
}

static struct jbr_flow_table *
new_table(uint32_t capacity)
{
	const struct jbr_flow_params params = {.capacity = capacity, .seed = 7};
	struct jbr_flow_table *table = jbr_flow_table_create(&params);

	assert_non_null(table);
	return table;
}

static union jbr_address
ipv4(uint32_t address)
{
	union jbr_address mapped = {
		.words_be = {0, 0, __builtin_bswap32(0xffff), __builtin_bswap32(address)}};

	return mapped;
}

/* A segment of the tuple @p n. */
static struct jbr_packet
packet_of(uint32_t n)
{
	return (struct jbr_packet){
		.src = ipv4(0xc0000200 + n % 7),
		.dst = ipv4(0xc6336400 + n / 7 % 5),
		.src_port = (uint16_t)(1024 + n / 35),
		.dst_port = 80,
		.flags = JBR_TCP_ACK,
	};
}

static struct jbr_packet
turned(const struct jbr_packet *packet)
{
	struct jbr_packet back = *packet;

	back.src = packet->dst;
	back.dst = packet->src;
	back.src_port = packet->dst_port;
	back.dst_port = packet->src_port;
	return back;
}

/* ---- where a packet belongs ---- */

static void
test_both_directions(void **state)
{
	struct jbr_flow_table *table = new_table(CAPACITY);

	(void)state;
	for (uint32_t n = 0; n < 500; n++) {
		struct jbr_packet there = packet_of(n);
		struct jbr_packet back;
		struct jbr_flow_probe probes[2];
		struct jbr_flow_shard *shard;
		struct jbr_flow flow;

		if (n % 3 == 0) { /* both ports, both addresses, or neither equal */
			there.src_port = there.dst_port;
		} else if (n % 3 == 1) {
			there.dst = there.src;
			there.src_port = (uint16_t)(81 + n);
		}
		back = turned(&there);
		jbr_flow_locate(table, &there, &probes[0]);
		jbr_flow_locate(table, &back, &probes[1]);
		assert_memory_equal(&probes[0].key, &probes[1].key, KEY_BYTES);
		assert_int_equal(probes[0].hash, probes[1].hash);
		assert_int_equal(probes[0].shard, probes[1].shard);
		assert_true(probes[0].shard < JBR_FLOW_SHARDS);
		assert_int_equal(probes[0].sender, probes[1].sender ^ 1);
		assert_int_not_equal(probes[0].fingerprint, probes[1].fingerprint);
		assert_memory_equal(&probes[0].key.address[probes[0].sender], &there.src,
			sizeof(there.src));
		assert_int_equal(probes[0].key.port[probes[0].sender], there.src_port);

		shard = jbr_flow_shard_at(table, probes[0].shard);
		flow = jbr_flow_insert(shard, &probes[n % 2]);
		assert_int_equal(jbr_flow_originator(flow), probes[n % 2].sender);
		assert_ptr_equal(jbr_flow_find(shard, &probes[0]).line, flow.line);
		assert_ptr_equal(jbr_flow_find(shard, &probes[1]).line, flow.line);
		jbr_flow_remove(shard, flow);
		assert_null(jbr_flow_find(shard, &probes[0]).line);
	}
	jbr_flow_table_free(table);
}

/* One field more, or another, is another connection. */
static void
test_every_field(void **state)
{
	struct jbr_flow_table *table = new_table(CAPACITY);
	struct jbr_packet packets[10];
	struct jbr_flow flows[JBR_COUNT_OF(packets)];
	struct jbr_flow_probe probe;

	(void)state;
	for (unsigned i = 0; i < JBR_COUNT_OF(packets); i++)
		packets[i] = packet_of(3);
	packets[1].src_port ^= 1;
	packets[2].dst_port ^= 0x8000;
	packets[3].src.bytes[15] ^= 1;
	packets[4].dst.bytes[15] ^= 1;
	packets[5].src.bytes[0] = 0x20; /* the low halves stay equal */
	packets[6].tenant = 1;
	packets[7].tenant = UINT64_C(1) << 63;
	packets[8].src_port = packets[0].dst_port; /* the ports exchanged */
	packets[8].dst_port = packets[0].src_port;
	packets[9].dst.bytes[8] = 1;
	for (unsigned i = 0; i < JBR_COUNT_OF(packets); i++) {
		jbr_flow_locate(table, &packets[i], &probe);
		assert_null(jbr_flow_find(jbr_flow_shard_at(table, probe.shard), &probe).line);
		flows[i] = jbr_flow_insert(jbr_flow_shard_at(table, probe.shard), &probe);
	}
	for (unsigned i = 0; i < JBR_COUNT_OF(packets); i++) {
		jbr_flow_locate(table, &packets[i], &probe);
		assert_ptr_equal(jbr_flow_find(jbr_flow_shard_at(table, probe.shard), &probe).line,
			flows[i].line);
	}
	jbr_flow_table_free(table);
}

/* Equal hashes do not make two connections one. */
static void
test_equal_hashes(void **state)
{
	struct jbr_flow_table *table = new_table(CAPACITY);
	struct jbr_flow_shard *shard = jbr_flow_shard_at(table, 0);
	struct jbr_flow_probe probes[1 + KEY_BYTES];
	struct jbr_flow flows[JBR_COUNT_OF(probes)];

	(void)state;
	memset(probes, 0, sizeof(probes));
	for (unsigned i = 1; i < JBR_COUNT_OF(probes); i++)
		((uint8_t *)&probes[i].key)[i - 1] = 1;
	for (unsigned i = 0; i < JBR_COUNT_OF(probes); i++) {
		probes[i].form = JBR_FLOW_WIDE;
		probes[i].ports = (uint32_t)probes[i].key.port[0] << 16 | probes[i].key.port[1];
	}
	/* each bytewise neighbour beside the first, as many at a time as the shard holds */
	for (unsigned from = 1; from < JBR_COUNT_OF(probes); from += PER_SHARD - 1) {
		flows[0] = jbr_flow_insert(shard, &probes[0]);
		for (unsigned i = from; i < from + PER_SHARD - 1 && i < JBR_COUNT_OF(probes); i++) {
			assert_null(jbr_flow_find(shard, &probes[i]).line);
			flows[i] = jbr_flow_insert(shard, &probes[i]);
		}
		assert_ptr_equal(jbr_flow_find(shard, &probes[0]).line, flows[0].line);
		jbr_flow_remove(shard, flows[0]);
		assert_null(jbr_flow_find(shard, &probes[0]).line);
		for (unsigned i = from; i < from + PER_SHARD - 1 && i < JBR_COUNT_OF(probes); i++) {
			assert_ptr_equal(jbr_flow_find(shard, &probes[i]).line, flows[i].line);
			jbr_flow_remove(shard, flows[i]);
		}
	}
	jbr_flow_table_free(table);
}

/* The same capture falls into the same shards everywhere; a seed of one's own spreads it otherwise. A
 * tenant stays in the shard of the tuple, where the tap's copies are remembered. */
static void
test_seed(void **state)
{
	const struct jbr_flow_params params = {.capacity = CAPACITY, .seed = 8};
	struct jbr_flow_table *tables[] = {new_table(CAPACITY), new_table(2 * CAPACITY),
		jbr_flow_table_create(&params)};
	unsigned moved = 0;
	unsigned used[JBR_FLOW_SHARDS] = {0};

	(void)state;
	assert_non_null(tables[2]);
	for (uint32_t n = 0; n < 6400; n++) {
		struct jbr_packet packet = packet_of(n);
		struct jbr_flow_probe probes[4];

		for (unsigned i = 0; i < JBR_COUNT_OF(tables); i++)
			jbr_flow_locate(tables[i], &packet, &probes[i]);
		packet.tenant = n + 1;
		jbr_flow_locate(tables[0], &packet, &probes[3]);
		assert_int_equal(probes[0].hash, probes[1].hash);
		assert_int_equal(probes[0].shard, probes[1].shard);
		assert_int_equal(probes[0].shard, probes[3].shard);
		assert_int_equal(probes[0].fingerprint, probes[3].fingerprint);
		assert_int_not_equal(probes[0].hash, probes[3].hash);
		moved += probes[0].shard != probes[2].shard;
		used[probes[0].shard]++;
	}
	assert_true(moved > 6000);
	/* 100 on average: none beyond six standard deviations */
	for (unsigned i = 0; i < JBR_FLOW_SHARDS; i++)
		assert_true(used[i] > 40 && used[i] < 160);
	for (unsigned i = 0; i < JBR_COUNT_OF(tables); i++)
		jbr_flow_table_free(tables[i]);
}

/* ---- against a list ---- */

enum { TUPLES = 800, OPERATIONS = 40000 };

struct list {
	struct jbr_flow_probe probes[TUPLES];
	struct jbr_flow flows[TUPLES]; /* NULL: not in the table */
	uint32_t counts[JBR_FLOW_SHARDS];
};

static void
expect_like(struct jbr_flow_table *table, const struct list *list)
{
	for (uint32_t n = 0; n < TUPLES; n++)
		assert_ptr_equal(jbr_flow_find(jbr_flow_shard_at(table, list->probes[n].shard),
					 &list->probes[n])
					 .line,
			list->flows[n].line);
	for (unsigned i = 0; i < JBR_FLOW_SHARDS; i++) {
		struct jbr_flow_shard *shard = jbr_flow_shard_at(table, i);

		assert_int_equal(jbr_flow_count(shard), list->counts[i]);
		assert_int_equal(jbr_flow_is_full(shard), list->counts[i] == PER_SHARD);
	}
}

static void
change(struct jbr_flow_table *table, struct list *list, uint32_t n)
{
	const struct jbr_flow_probe *probe = &list->probes[n];
	struct jbr_flow_shard *shard = jbr_flow_shard_at(table, probe->shard);

	if (list->flows[n].line != NULL) {
		assert_memory_equal(&list->flows[n].rest->key, &probe->key, KEY_BYTES);
		jbr_flow_remove(shard, list->flows[n]);
		list->flows[n] = (struct jbr_flow){0};
		list->counts[probe->shard]--;
	} else if (list->counts[probe->shard] < PER_SHARD) {
		list->flows[n] = jbr_flow_insert(shard, probe);
		assert_null(jbr_flow_ext(shard, list->flows[n]));
		list->counts[probe->shard]++;
	}
}

/* @p mask 0: tuples as they come; else only those whose hashes agree in its bits, so that they crowd
 * the same few buckets. */
static void
run_against_list(uint64_t mask)
{
	static struct list list;
	struct jbr_flow_table *table = new_table(CAPACITY);
	uint32_t found = 0;

	memset(&list, 0, sizeof(list));
	for (uint32_t n = 0; found < TUPLES; n++) {
		struct jbr_packet packet = packet_of(n);

		packet.tenant = n / 1000000;
		jbr_flow_locate(table, &packet, &list.probes[found]);
		found += (list.probes[found].hash & mask) == (mask & 0x155);
	}
	for (unsigned i = 0; i < OPERATIONS; i++) {
		/* now mostly full, now mostly empty */
		uint32_t n = random_below(i / 5000 % 2 == 0 ? TUPLES : TUPLES / 50);

		change(table, &list, n);
		assert_ptr_equal(jbr_flow_find(jbr_flow_shard_at(table, list.probes[n].shard),
					 &list.probes[n])
					 .line,
			list.flows[n].line);
		if (i % 250 == 0)
			expect_like(table, &list);
	}
	expect_like(table, &list);
	jbr_flow_table_free(table);
}

static void
test_against_list(void **state)
{
	(void)state;
	random_state = 0x666c6f77;
	run_against_list(0);
}

static void
test_crowded(void **state)
{
	(void)state;
	random_state = 0x63726f7764;
	run_against_list(0x3ff);
}

/* ---- limits ---- */

static void
test_capacity(void **state)
{
	static const struct {
		uint32_t asked;
		uint32_t per_shard; /* 0: refused */
	} capacities[] = {
		{0, 0},
		{1023, 0},
		{1024, 16},
		{1025, 24},
		{1536, 24},
		{1537, 32},
		{1 << 20, 1 << 14},
		{(1 << 27) + 1, 0},
		{UINT32_MAX, 0},
	};

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(capacities); i++) {
		const struct jbr_flow_params params = {.capacity = capacities[i].asked};
		struct jbr_flow_table *table;
		struct jbr_flow_shard *shard;
		struct jbr_flow_probe probe = {0};

		errno = 0;
		table = jbr_flow_table_create(&params);
		assert_int_equal(table == NULL, capacities[i].per_shard == 0);
		if (table == NULL) {
			assert_int_equal(errno, EINVAL);
			continue;
		}
		shard = jbr_flow_shard_at(table, JBR_FLOW_SHARDS - 1);
		for (uint32_t n = 0; n < capacities[i].per_shard; n++) {
			assert_false(jbr_flow_is_full(shard));
			probe = probe_of(n);
			jbr_flow_insert(shard, &probe);
		}
		assert_true(jbr_flow_is_full(shard));
		assert_true(jbr_flow_table_bytes(table) >=
			(size_t)capacities[i].asked * sizeof(struct jbr_flow));
		jbr_flow_table_free(table);
	}
	jbr_flow_table_free(NULL);
}

/* The n-th connection of one shard; hashes of no importance. */
static struct jbr_flow
add(struct jbr_flow_shard *shard, uint32_t n)
{
	struct jbr_flow_probe probe = probe_of(n);
	struct jbr_flow flow = jbr_flow_insert(shard, &probe);

	memset(&flow.line->hot, 0, sizeof(flow.line->hot));
	flow.line->hot.place = JBR_FLOW_WIDE;
	flow.line->hot.last_ns = 1000 * JBR_NS_PER_S;
	return flow;
}

static void
test_extensions(void **state)
{
	struct jbr_flow_table *table = new_table(CAPACITY);
	struct jbr_flow_shard *shard = jbr_flow_shard_at(table, 5);
	struct jbr_flow_shard *other = jbr_flow_shard_at(table, 6);
	struct jbr_flow flows[PER_SHARD];
	struct jbr_tcp_ext *exts[EXTS_PER_SHARD];

	(void)state;
	for (unsigned i = 0; i < PER_SHARD; i++)
		flows[i] = add(shard, i);
	for (unsigned i = 0; i < EXTS_PER_SHARD; i++) {
		assert_null(jbr_flow_ext(shard, flows[i]));
		exts[i] = jbr_flow_ext_get(shard, flows[i]);
		assert_non_null(exts[i]);
		exts[i]->resets_count = i;
		/* it stays the connection's own */
		assert_ptr_equal(jbr_flow_ext_get(shard, flows[i]), exts[i]);
		assert_ptr_equal(jbr_flow_ext(shard, flows[i]), exts[i]);
		for (unsigned k = 0; k < i; k++)
			assert_ptr_not_equal(exts[i], exts[k]);
	}
	assert_null(jbr_flow_ext_get(shard, flows[PER_SHARD - 1]));
	assert_null(jbr_flow_ext(shard, flows[PER_SHARD - 1]));
	assert_non_null(jbr_flow_ext_get(other, add(other, 1)));
	/* one that goes gives its own back, and one that has none gives none */
	jbr_flow_remove(shard, flows[PER_SHARD - 2]);
	assert_null(jbr_flow_ext_get(shard, flows[PER_SHARD - 1]));
	jbr_flow_remove(shard, flows[0]);
	assert_ptr_equal(jbr_flow_ext_get(shard, flows[PER_SHARD - 1]), exts[0]);
	assert_null(jbr_flow_ext_get(shard, flows[PER_SHARD - 3]));
	assert_int_equal(exts[1]->resets_count, 1);
	assert_null(jbr_flow_ext(shard, add(shard, 100)));
	jbr_flow_table_free(table);
}

static void
test_clear(void **state)
{
	struct jbr_flow_table *table = new_table(CAPACITY);
	struct jbr_flow_shard *shard = jbr_flow_shard_at(table, 9);
	struct jbr_flow_probe probe = probe_of(3);

	(void)state;
	for (uint32_t n = 0; n < PER_SHARD; n++) {
		struct jbr_flow flow = add(shard, n);

		jbr_flow_arm(shard, flow, (1000 + (uint64_t)n) * JBR_NS_PER_S);
		jbr_flow_ext_get(shard, flow);
	}
	assert_non_null(jbr_flow_find(shard, &probe).line);
	jbr_flow_table_clear(table);
	assert_int_equal(jbr_flow_count(shard), 0);
	assert_null(jbr_flow_find(shard, &probe).line);
	assert_null(jbr_flow_victim(shard).line);
	assert_null(jbr_flow_any(shard).line);
	assert_null(jbr_flow_due(shard, 9999 * JBR_NS_PER_S).line);
	for (uint32_t n = 0; n < PER_SHARD; n++) {
		struct jbr_flow flow = add(shard, n);

		assert_null(jbr_flow_ext(shard, flow));
		assert_int_equal(jbr_flow_ext_get(shard, flow) != NULL, n < EXTS_PER_SHARD);
	}
	assert_true(jbr_flow_is_full(shard));
	jbr_flow_table_free(table);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_directions),
		cmocka_unit_test(test_every_field),
		cmocka_unit_test(test_equal_hashes),
		cmocka_unit_test(test_seed),
		cmocka_unit_test(test_against_list),
		cmocka_unit_test(test_crowded),
		cmocka_unit_test(test_capacity),
		cmocka_unit_test(test_extensions),
		cmocka_unit_test(test_clear),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
