/* SPDX-License-Identifier: BSD-3-Clause */
/* Embryos against a list that is searched from end to end: what comes out of one, who is found, who is
 * due, who is in the way, over many rounds of a small ring. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "jbr_flow.h"

enum {
	CAPACITY = 1024,
	PER_SHARD = CAPACITY / JBR_FLOW_SHARDS,
	TUPLES = 64,
	STEPS = 200000,
	BASE_S = 1700000000,
};

static uint64_t random_state = 88172645463325252;

static uint32_t
random_below(uint32_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (uint32_t)(random_state >> 32) % limit;
}

static struct jbr_flow_table *
new_table(uint32_t capacity)
{
	const struct jbr_flow_params params = {.capacity = capacity, .seed = 7};
	struct jbr_flow_table *table = jbr_flow_table_create(&params);

	assert_non_null(table);
	return table;
}

/* A SYN of the tuple @p n, of IPv6 where @p n is odd, from the higher address where it is 2 or 3 mod 4. */
static struct jbr_packet
packet_of(uint32_t n)
{
	struct jbr_packet packet = {.src_port = (uint16_t)(1024 + n),
		.dst_port = (uint16_t)(80 + (n & 4)),
		.flags = JBR_TCP_SYN};
	union jbr_address *ends[2] = {&packet.src, &packet.dst};

	for (unsigned i = 0; i < 2; i++) {
		if (n & 1)
			ends[i]->halves[0] = UINT64_C(0x1020304050607080) + n;
		else
			ends[i]->words_be[2] = __builtin_bswap32(0xffff);
		ends[i]->words_be[3] = 0x7f000000u + n + (i ^ (n >> 1 & 1));
	}
	return packet;
}

static struct jbr_flow_probe
probe_of(const struct jbr_flow_table *table, uint32_t n)
{
	struct jbr_packet packet = packet_of(n);
	struct jbr_flow_probe probe;

	jbr_flow_locate(table, &packet, &probe);
	return probe;
}

static struct jbr_tcp_syn
syn_of(bool has_wide, uint64_t now_ns, uint64_t number)
{
	return (struct jbr_tcp_syn){.now_ns = now_ns,
		.number = number,
		.ip_length = (uint16_t)(has_wide ? 60 : 40)};
}

/* ---- what comes out ---- */

static void
test_kept(void **state)
{
	struct jbr_flow_table *table = new_table(CAPACITY);

	(void)state;
	for (uint32_t i = 0; i < 4000; i++) {
		struct jbr_flow_probe probe = probe_of(table, i % 1000);
		struct jbr_flow_shard *shard = jbr_flow_shard_at(table, probe.shard);
		bool has_wide = probe.form != 0;
		bool is_most = i % 3 == 0;
		const struct jbr_tcp_syn syn = {
			.now_ns = BASE_S * JBR_NS_PER_S + i,
			.number = (UINT64_C(1) << 48) - 2000 + i,
			.seq = random_below(UINT32_MAX),
			.ts_value = is_most ? UINT32_MAX : random_below(UINT32_MAX),
			.ip_length = (uint16_t)((has_wide ? 40 : 20) + 20 + 4 * random_below(11)),
			.ip_id = (uint16_t)(has_wide ? 0
					: is_most    ? 0xffff
						     : random_below(65536)),
			.mss = is_most ? 0xffff : (uint16_t)random_below(65536),
			.vlan = is_most ? 4095 : (uint16_t)random_below(4096),
			.ttl = is_most ? 255 : (uint8_t)random_below(256),
			.scale = is_most ? JBR_TCP_SCALE_NONE : (uint8_t)random_below(15),
			.has_ts = is_most || i % 2 == 0,
		};
		struct jbr_tcp_syn out;
		struct jbr_flow_embryo *embryo;
		struct jbr_flow flow;

		assert_true(jbr_flow_takes_embryo(shard, &probe, &syn));
		assert_null(jbr_flow_embryo_in_way(shard));
		assert_false(jbr_flow_is_known(shard, &probe));
		jbr_flow_add_embryo(shard, &probe, &syn);
		assert_true(jbr_flow_is_known(shard, &probe));
		assert_null(jbr_flow_find(shard, &probe).line);
		embryo = jbr_flow_find_embryo(shard, &probe);
		assert_non_null(embryo);
		assert_int_equal(jbr_flow_class_count(shard, JBR_FLOW_UNANSWERED), 1);
		memset(&out, 0, sizeof(out));
		jbr_flow_embryo_syn(shard, embryo, &out);
		assert_int_equal(out.now_ns, syn.now_ns);
		assert_int_equal(out.number, syn.number);
		assert_int_equal(out.seq, syn.seq);
		assert_int_equal(out.ts_value, syn.ts_value);
		assert_int_equal(out.ip_length, syn.ip_length);
		assert_int_equal(out.ip_id, syn.ip_id);
		assert_int_equal(out.mss, syn.mss);
		assert_int_equal(out.vlan, syn.vlan);
		assert_int_equal(out.ttl, syn.ttl);
		assert_int_equal(out.scale, syn.scale);
		assert_int_equal(out.has_ts, syn.has_ts);
		/* the record is as if it had been there */
		flow = jbr_flow_hatch(shard, embryo);
		assert_null(jbr_flow_find_embryo(shard, &probe));
		assert_ptr_equal(jbr_flow_find(shard, &probe).line, flow.line);
		assert_int_equal(jbr_flow_originator(flow), probe.sender);
		assert_int_equal(flow.line->narrow, probe.narrow);
		assert_int_equal(flow.line->ports, probe.ports);
		assert_int_equal(flow.line->hot.place, probe.sender | probe.form);
		assert_int_equal(flow.rest->hash, probe.hash);
		assert_memory_equal(flow.rest->key.address, probe.key.address,
			sizeof(probe.key.address));
		assert_memory_equal(flow.rest->key.port, probe.key.port, sizeof(probe.key.port));
		assert_int_equal(flow.rest->key.tenant, 0);
		assert_int_equal(jbr_flow_class(shard, flow), JBR_FLOW_UNANSWERED);
		assert_int_equal(jbr_flow_count(shard), 1);
		assert_int_equal(jbr_flow_class_count(shard, JBR_FLOW_UNANSWERED), 1);
		jbr_flow_remove(shard, flow);
		assert_false(jbr_flow_is_known(shard, &probe));
		assert_int_equal(jbr_flow_count(shard), 0);
	}
	jbr_flow_table_free(table);
}

static void
test_refused(void **state)
{
	struct jbr_flow_table *table = new_table(CAPACITY);
	struct jbr_flow_probe narrow = probe_of(table, 0);
	struct jbr_flow_probe wide = probe_of(table, 1);
	struct jbr_flow_shard *shard = jbr_flow_shard_at(table, narrow.shard);
	const uint64_t now_ns = BASE_S * JBR_NS_PER_S;
	struct jbr_tcp_syn syn = syn_of(false, now_ns, 1);

	(void)state;
	assert_true(jbr_flow_takes_embryo(shard, &narrow, &syn));
	assert_false(jbr_flow_takes_embryo(shard, &wide, &syn)); /* no IPv6 is as short */
	syn.ip_length = 81;                                      /* not in words */
	assert_false(jbr_flow_takes_embryo(shard, &narrow, &syn));
	syn.ip_length = 84; /* IP options */
	assert_false(jbr_flow_takes_embryo(shard, &narrow, &syn));
	assert_true(jbr_flow_takes_embryo(shard, &wide, &syn));
	syn.ip_length = 104; /* extension headers */
	assert_false(jbr_flow_takes_embryo(shard, &wide, &syn));
	syn.ip_length = 60;
	syn.ip_id = 1; /* of a fragment header */
	assert_false(jbr_flow_takes_embryo(shard, &wide, &syn));
	syn.ip_id = 0;
	syn.vlan = 4096;
	assert_false(jbr_flow_takes_embryo(shard, &wide, &syn));
	syn.vlan = 0;
	assert_true(jbr_flow_takes_embryo(shard, &wide, &syn));
	wide.key.tenant = 1;
	assert_false(jbr_flow_takes_embryo(shard, &wide, &syn));
	/* time that goes back by more than a moment, as long as there are others */
	syn = syn_of(false, now_ns, 2);
	jbr_flow_add_embryo(shard, &narrow, &syn);
	syn.now_ns = now_ns - JBR_NS_PER_MS;
	assert_true(jbr_flow_takes_embryo(shard, &narrow, &syn));
	syn.now_ns--;
	assert_false(jbr_flow_takes_embryo(shard, &narrow, &syn));
	jbr_flow_remove_embryo(shard, jbr_flow_find_embryo(shard, &narrow));
	assert_true(jbr_flow_takes_embryo(shard, &narrow, &syn));
	jbr_flow_table_free(table);
}

/* ---- a list ---- */

struct entry {
	uint64_t time_ns;
	uint64_t number;
	uint64_t order; /* of coming; 0 = not there */
	bool is_record;
};

struct list {
	struct jbr_flow_table *table;
	struct jbr_flow_shard *shard;
	struct jbr_flow_probe probes[TUPLES];
	struct entry entries[TUPLES];
	uint64_t now_ns;
	uint64_t order;
	uint32_t nb_embryos;
	uint32_t nb_records;
	uint32_t dropped;
	uint32_t displaced;
};

/* Tuples that fall into one shard. */
static void
list_init(struct list *list)
{
	unsigned count = 0;

	memset(list, 0, sizeof(*list));
	list->table = new_table(CAPACITY);
	list->shard = jbr_flow_shard_at(list->table, 5);
	list->now_ns = BASE_S * JBR_NS_PER_S;
	for (uint32_t n = 0; count < TUPLES; n++) {
		struct jbr_flow_probe probe = probe_of(list->table, n);

		if (probe.shard == 5)
			list->probes[count++] = probe;
	}
}

static uint32_t
tuple_of(const struct list *list, const struct jbr_flow_embryo *embryo)
{
	for (uint32_t n = 0; n < TUPLES; n++)
		if (list->entries[n].order != 0 && !list->entries[n].is_record &&
			jbr_flow_find_embryo(list->shard, &list->probes[n]) == embryo)
			return n;
	fail_msg("an embryo of nobody");
	return 0;
}

static void
list_forget(struct list *list, uint32_t n)
{
	list->entries[n].order = 0;
	list->nb_embryos--;
}

static void
list_hatch(struct list *list, uint32_t n, struct jbr_flow_embryo *embryo)
{
	jbr_flow_hatch(list->shard, embryo);
	list->entries[n].is_record = true;
	list->nb_embryos--;
	list->nb_records++;
}

/* Nobody that is there came before the one in the way. */
static void
expect_oldest(const struct list *list, uint32_t oldest)
{
	for (uint32_t n = 0; n < TUPLES; n++)
		assert_false(list->entries[n].order != 0 && !list->entries[n].is_record &&
			list->entries[n].order < list->entries[oldest].order);
}

static void
list_add(struct list *list, uint32_t n)
{
	struct jbr_tcp_syn syn = syn_of(list->probes[n].form != 0,
		list->now_ns - random_below(1000000), ++list->order);
	struct jbr_flow_embryo *old;

	if (!jbr_flow_takes_embryo(list->shard, &list->probes[n], &syn))
		return;
	old = jbr_flow_embryo_in_way(list->shard);
	assert_int_equal(jbr_flow_is_embryo_full(list->shard), list->nb_embryos == PER_SHARD);
	if (old != NULL) {
		uint32_t oldest = tuple_of(list, old);

		expect_oldest(list, oldest);
		if (list->nb_embryos < PER_SHARD && !jbr_flow_is_full(list->shard)) {
			list_hatch(list, oldest, old);
			list->displaced++;
		} else {
			jbr_flow_drop_embryo(list->shard, old);
			list_forget(list, oldest);
			list->dropped++;
		}
	}
	jbr_flow_add_embryo(list->shard, &list->probes[n], &syn);
	list->entries[n] = (struct entry){.time_ns = syn.now_ns,
		.number = list->order,
		.order = list->order};
	list->nb_embryos++;
}

/* Take out all that are due, in whichever order; then nobody is. */
static void
list_expire(struct list *list, uint64_t until_ns)
{
	struct jbr_flow_embryo *embryo;

	while ((embryo = jbr_flow_due_embryo(list->shard, until_ns)) != NULL) {
		uint32_t n = tuple_of(list, embryo);

		assert_true(list->entries[n].time_ns <= until_ns);
		jbr_flow_remove_embryo(list->shard, embryo);
		list_forget(list, n);
	}
	for (uint32_t n = 0; n < TUPLES; n++)
		assert_false(list->entries[n].order != 0 && !list->entries[n].is_record &&
			list->entries[n].time_ns <= until_ns);
}

static void
list_check(const struct list *list)
{
	for (uint32_t n = 0; n < TUPLES; n++) {
		const struct entry *entry = &list->entries[n];
		struct jbr_flow_embryo *embryo = jbr_flow_find_embryo(list->shard,
			&list->probes[n]);
		struct jbr_flow flow = jbr_flow_find(list->shard, &list->probes[n]);
		struct jbr_tcp_syn syn;

		assert_int_equal(flow.line != NULL, entry->order != 0 && entry->is_record);
		assert_int_equal(embryo != NULL, entry->order != 0 && !entry->is_record);
		assert_int_equal(jbr_flow_is_known(list->shard, &list->probes[n]),
			entry->order != 0);
		if (embryo == NULL)
			continue;
		jbr_flow_embryo_syn(list->shard, embryo, &syn);
		assert_int_equal(syn.now_ns, entry->time_ns);
		assert_int_equal(syn.number, entry->number);
	}
	assert_int_equal(jbr_flow_count(list->shard), list->nb_embryos + list->nb_records);
}

/* One step: a tuple that is there hatches, ends as a record, or stays; one that is not comes. */
static void
list_step(struct list *list)
{
	uint32_t n = random_below(TUPLES);
	struct entry *entry = &list->entries[n];
	struct jbr_flow_embryo *embryo = jbr_flow_find_embryo(list->shard, &list->probes[n]);

	list->now_ns += random_below(2000000);
	if (entry->order == 0) {
		list_add(list, n);
	} else if (entry->is_record) {
		jbr_flow_remove(list->shard, jbr_flow_find(list->shard, &list->probes[n]));
		entry->order = 0;
		list->nb_records--;
	} else if (random_below(4) == 0 && !jbr_flow_is_full(list->shard)) {
		list_hatch(list, n, embryo);
	}
	if (random_below(64) == 0)
		list_expire(list, list->now_ns - random_below(200000000));
}

static void
test_list(void **state)
{
	struct list list;

	(void)state;
	list_init(&list);
	for (unsigned i = 0; i < STEPS; i++) {
		list_step(&list);
		if (i % 16 == 0)
			list_check(&list);
	}
	/* each way out was taken often, and the ring went round more often than a slot can tell */
	assert_in_range(list.dropped, 100, STEPS);
	assert_in_range(list.displaced, 100, STEPS);
	assert_in_range(list.order / PER_SHARD, 1100, STEPS);
	while (jbr_flow_any_embryo(list.shard) != NULL) {
		uint32_t n = tuple_of(&list, jbr_flow_any_embryo(list.shard));

		expect_oldest(&list, n);
		jbr_flow_remove_embryo(list.shard, jbr_flow_any_embryo(list.shard));
		list_forget(&list, n);
	}
	list_check(&list);
	jbr_flow_table_clear(list.table);
	assert_int_equal(jbr_flow_count(list.shard), 0);
	jbr_flow_table_free(list.table);
}

/* As many embryos as records, and both are found, while the index grows and when all is full. */
static void
test_full(void **state)
{
	enum { MANY = 64 * 1024 };
	struct jbr_flow_table *table = new_table(MANY);
	uint32_t embryos = 0;
	uint32_t records = 0;

	(void)state;
	for (uint32_t n = 0; n < 2 * MANY; n++) {
		struct jbr_flow_probe probe = probe_of(table, n % 65536);
		struct jbr_flow_shard *shard;
		struct jbr_tcp_syn syn = syn_of(probe.form != 0, BASE_S * JBR_NS_PER_S, n);

		if (n >= 65536) { /* other tuples */
			probe.key.port[0] ^= 1;
			probe = (struct jbr_flow_probe){.hash = jbr_mix64(probe.hash, n),
				.ports = probe.ports,
				.shard = probe.shard,
				.candidate = JBR_FLOW_NONE,
				.narrow = jbr_mix64(n, 99)};
		}
		shard = jbr_flow_shard_at(table, probe.shard);
		syn.ip_length = probe.form != 0 ? 60 : 40;
		if (n % 2 == 0 && !jbr_flow_is_full(shard)) {
			jbr_flow_insert(shard, &probe);
			records++;
			assert_non_null(jbr_flow_find(shard, &probe).line);
		} else if (jbr_flow_embryo_in_way(shard) == NULL) {
			jbr_flow_add_embryo(shard, &probe, &syn);
			embryos++;
			assert_non_null(jbr_flow_find_embryo(shard, &probe));
		}
	}
	assert_in_range(records, MANY - MANY / 8, MANY);
	assert_in_range(embryos, MANY - MANY / 8, MANY);
	for (unsigned i = 0; i < JBR_FLOW_SHARDS; i++)
		records -= jbr_flow_count(jbr_flow_shard_at(table, i));
	assert_int_equal(records + embryos, 0);
	jbr_flow_table_free(table);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
