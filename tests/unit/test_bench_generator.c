/* SPDX-License-Identifier: BSD-3-Clause */
/* What the generator writes is read back by the parser: sizes, order and tuples are as it promises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "buffers.h"
#include "generator.h"
#include "host.h"

enum { FLOWS = 100, PASSES = 40 };

static struct rte_mbuf *mbufs[BUFFERS_COUNT];

/* What a connection is at, by its client's address. */
struct seen {
	union jbr_address client;
	uint32_t next[2]; /* of the bytes of client and server */
	unsigned packets;
};

struct book {
	struct seen seen[FLOWS];
	unsigned count;
	struct jbr_packet_options options;
};

static void
read_packet(struct book *book, unsigned at, struct jbr_frame *frame, struct jbr_packet *packet)
{
	buffers_read(&mbufs[at], 1, frame);
	jbr_packet_parse(frame, &book->options, packet);
	assert_int_equal(packet->kind, JBR_PACKET_TCP);
	assert_int_equal(packet->findings_count, 0);
	assert_int_equal(packet->checksum, JBR_CHECKSUM_GOOD);
}

static struct seen *
look_up(struct book *book, const struct jbr_packet *packet, unsigned *ret_from)
{
	*ret_from = packet->src_port == 443;
	for (unsigned i = 0; i < book->count; i++)
		if (memcmp(&book->seen[i].client, *ret_from == 0 ? &packet->src : &packet->dst,
			    sizeof(packet->src)) == 0)
			return &book->seen[i];
	return NULL;
}

/* A segment must be the next one of its side, and acknowledge no more than was sent. */
static void
follow(struct book *book, const struct jbr_packet *packet)
{
	unsigned from;
	struct seen *seen = look_up(book, packet, &from);
	bool has_syn = packet->flags & JBR_TCP_SYN;

	if (seen == NULL) {
		assert_true(book->count < FLOWS);
		assert_int_equal(packet->flags, JBR_TCP_SYN);
		seen = &book->seen[book->count++];
		seen->client = packet->src;
		seen->next[0] = packet->seq;
	} else if (has_syn) {
		assert_int_equal(packet->flags, JBR_TCP_SYN | JBR_TCP_ACK);
		assert_int_equal(seen->packets, 1);
		seen->next[1] = packet->seq;
	}
	assert_int_equal(packet->seq, seen->next[from]);
	if (packet->flags & JBR_TCP_ACK)
		assert_true((int32_t)(seen->next[from ^ 1] - packet->ack) >= 0);
	seen->next[from] += packet->payload_length + has_syn;
	seen->packets++;
}

static struct generator *
create(const char *scenario, struct book *book)
{
	struct generator_params params = {.scenario = scenario_find(scenario), .flows = FLOWS};
	struct generator *generator;

	params.flood = params.scenario->flood;
	generator = generator_create(&params);
	assert_non_null(generator);
	generator_prepare(generator, mbufs, BUFFERS_COUNT);
	memset(book, 0, sizeof(*book));
	book->options = jbr_packet_options_default();
	book->options.checksum = JBR_CHECKSUM_MODE_NIC;
	return generator;
}

static void
set_up(struct generator *generator, struct book *book)
{
	unsigned count;

	while ((count = generator_set_up(generator, mbufs, GENERATOR_BURST)) > 0)
		for (unsigned i = 0; i < count; i++) {
			struct jbr_frame frame;
			struct jbr_packet packet;

			read_packet(book, i, &frame, &packet);
			follow(book, &packet);
		}
	assert_int_equal(book->count, FLOWS);
}

/* Everything in order, every connection as often as every other, sizes as stated. */
static void
established(void **state)
{
	static const struct {
		const char *scenario;
		unsigned frames[4][2]; /* captured length, of how many in a cycle */
		unsigned cycle;
	} rows[] = {
		{"ack_uniform", {{60, 7}}, 7},
		{"ack_uniform6", {{74, 15}, {89, 1}}, 16},
		{"imix", {{60, 7}, {566, 4}, {1514, 1}}, 12},
	};

	(void)state;
	for (unsigned row = 0; row < JBR_COUNT_OF(rows); row++) {
		static struct book book;
		struct generator *generator = create(rows[row].scenario, &book);
		unsigned before[FLOWS];
		unsigned sizes[1515] = {0};
		unsigned packets = FLOWS * rows[row].cycle * PASSES;

		print_message("%s\n", rows[row].scenario);
		set_up(generator, &book);
		for (unsigned i = 0; i < FLOWS; i++)
			before[i] = book.seen[i].packets;
		for (unsigned done = 0; done < packets; done += 20) {
			generator_fill(generator, mbufs, 20);
			for (unsigned i = 0; i < 20; i++) {
				struct jbr_frame frame;
				struct jbr_packet packet;

				read_packet(&book, i, &frame, &packet);
				follow(&book, &packet);
				sizes[frame.captured]++;
			}
		}
		for (unsigned i = 0; i < FLOWS; i++)
			assert_int_equal(book.seen[i].packets - before[i],
				rows[row].cycle * PASSES);
		for (unsigned i = 0; rows[row].frames[i][0] != 0; i++)
			assert_int_equal(sizes[rows[row].frames[i][0]],
				rows[row].frames[i][1] * FLOWS * PASSES);
		generator_free(generator);
	}
}

/* The first rank gets about its share of Zipf's law; visiting reaches the last one too. */
static void
zipf(void **state)
{
	static struct book book;
	struct generator *generator = create("ack_zipf", &book);
	unsigned most = 0;
	unsigned visited = 0;
	unsigned count;

	(void)state;
	set_up(generator, &book);
	for (unsigned done = 0; done < 100 * 1000; done += GENERATOR_BURST) {
		generator_fill(generator, mbufs, GENERATOR_BURST);
		for (unsigned i = 0; i < GENERATOR_BURST; i++) {
			struct jbr_frame frame;
			struct jbr_packet packet;

			read_packet(&book, i, &frame, &packet);
			follow(&book, &packet);
		}
	}
	for (unsigned i = 0; i < FLOWS; i++)
		if (book.seen[i].packets > most)
			most = book.seen[i].packets;
	/* log(3) / log(201), where 1 / H(100) would be 0.193 */
	assert_in_range(most, 20000, 21500);
	for (unsigned i = 0; i < FLOWS; i++)
		book.seen[i].packets = 10;
	while ((count = generator_visit(generator, mbufs, GENERATOR_BURST)) > 0) {
		for (unsigned i = 0; i < count; i++) {
			struct jbr_frame frame;
			struct jbr_packet packet;

			read_packet(&book, i, &frame, &packet);
			follow(&book, &packet);
		}
		visited += count;
	}
	assert_int_equal(visited, FLOWS);
	for (unsigned i = 0; i < FLOWS; i++)
		assert_int_equal(book.seen[i].packets, 11);
	generator_free(generator);
}

static int
compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(union jbr_address));
}

/* No flood packet shares a tuple with another one or with a connection. */
static void
floods(void **state)
{
	enum { PACKETS = 64 * GENERATOR_BURST };
	static union jbr_address sources[PACKETS];
	static struct book book;
	struct generator *generator = create("syn_flood", &book);
	unsigned count = 0;

	(void)state;
	set_up(generator, &book);
	while (count < PACKETS) {
		generator_fill(generator, mbufs, GENERATOR_BURST);
		for (unsigned i = 0; i < GENERATOR_BURST; i++) {
			struct jbr_frame frame;
			struct jbr_packet packet;

			read_packet(&book, i, &frame, &packet);
			assert_int_equal(packet.flags, JBR_TCP_SYN);
			assert_int_equal(frame.captured, 60);
			assert_int_equal(packet.mss, 1460);
			assert_int_not_equal(packet.src.bytes[12], 10);
			sources[count++] = packet.src;
		}
	}
	qsort(sources, PACKETS, sizeof(sources[0]), compare);
	for (unsigned i = 1; i < PACKETS; i++)
		assert_true(compare(&sources[i - 1], &sources[i]) != 0);
	assert_int_equal(generator_counts(generator).flood, PACKETS);
	generator_free(generator);
}

/* Half of it is flood, of each kind a third, and the connections go on in order. */
static void
mixed(void **state)
{
	enum { PACKETS = 2000 * GENERATOR_BURST };
	static struct book book;
	struct generator *generator = create("mixed", &book);
	unsigned kinds[3] = {0};

	(void)state;
	set_up(generator, &book);
	for (unsigned done = 0; done < PACKETS; done += GENERATOR_BURST) {
		generator_fill(generator, mbufs, GENERATOR_BURST);
		for (unsigned i = 0; i < GENERATOR_BURST; i++) {
			struct jbr_frame frame;
			struct jbr_packet packet;

			read_packet(&book, i, &frame, &packet);
			if (packet.dst_port != 80) {
				follow(&book, &packet);
				continue;
			}
			kinds[0] += packet.flags == JBR_TCP_SYN;
			kinds[1] += packet.flags == JBR_TCP_ACK;
			kinds[2] += packet.flags == JBR_TCP_RST;
		}
	}
	for (unsigned i = 0; i < 3; i++)
		assert_in_range(kinds[i], PACKETS / 6 * 95 / 100, PACKETS / 6 * 105 / 100);
	assert_int_equal(kinds[0] + kinds[1] + kinds[2], generator_counts(generator).flood);
	generator_free(generator);
}

static int
start(void **state)
{
	struct jbr_error error = {0};
	unsigned cpus[HOST_CPUS_MAX];
	bool has_hugepages;

	(void)state;
	if (host_cpus(cpus) == 0 || buffers_start(cpus[0], &has_hugepages, &error) < 0 ||
		buffers_take(0, mbufs, &error) < 0) {
		print_error("%s\n", error.text);
		return -1;
	}
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	buffers_stop();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(established),
		cmocka_unit_test(zipf),
		cmocka_unit_test(floods),
		cmocka_unit_test(mixed),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
