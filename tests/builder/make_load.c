/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes a large capture of ordinary connections, for benchmarks of replay:
 *     make_load PATH|- PACKETS [CONNECTIONS [PER_CONNECTION [SEED]]]
 * CONNECTIONS (1000) are open at a time; each has PER_CONNECTION (20) packets: handshake, data of at
 * most 64 bytes and its ACKs with timestamps, FINs; then another takes its place. One packet a
 * microsecond, nanosecond pcap, Ethernet, IPv4, every checksum right. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "builder.h"
#include "builder_layer.h"

enum {
	BUFFER_SIZE = 1 << 20,
	RECORD_SIZE = 16,
	PAYLOAD_MAX = 64,
	IP_AT = 14,
	TCP_AT = 34,
	SYN_FRAME = TCP_AT + 40,
	ACK_FRAME = TCP_AT + 32,
	SYN_TIMESTAMP_AT = TCP_AT + 20 + 8,
	ACK_TIMESTAMP_AT = TCP_AT + 20 + 4,
	PER_CONNECTION_MIN = 6,
	FIRST_PORT = 1024,
	PORTS = 64000,
	HOSTS = 254,
};

struct load {
	uint64_t packets;
	uint64_t connections;
	uint64_t per_connection;
	uint64_t seed;
	int fd;
	size_t used; /* of the buffer */
	uint64_t opened;
	uint64_t time_ns;
	uint32_t payload_sums[PAYLOAD_MAX + 1];
	uint8_t templates[2][128]; /* of a SYN, of any other segment; variable fields zero */
	uint32_t ip_sums[2];
	uint32_t tcp_sums[2];
	uint8_t buffer[BUFFER_SIZE];
};

struct connection {
	uint32_t address[2];
	uint32_t next[2];
	uint32_t ts_last[2];
	uint16_t port[2];
	uint16_t ip_id[2];
	uint32_t step;
};

static uint64_t
random_next(struct load *load)
{
	load->seed ^= load->seed << 13;
	load->seed ^= load->seed >> 7;
	load->seed ^= load->seed << 17;
	return load->seed;
}

static void
make_templates(struct load *load)
{
	static struct builder frame;
	struct builder_options options[2] = {{0}, {0}};
	struct builder_ipv4 ip = {.do_not_fragment = true,
		.keep = BUILDER_LENGTH | BUILDER_CHECKSUM};
	struct builder_tcp tcp = {.window = 502, .keep = BUILDER_CHECKSUM};

	builder_option_mss(&options[0], 1460);
	builder_option_sack_ok(&options[0]);
	builder_option_timestamp(&options[0], 0, 0);
	builder_option_byte(&options[0], 1);
	builder_option_wscale(&options[0], 7);
	builder_option_byte(&options[1], 1);
	builder_option_byte(&options[1], 1);
	builder_option_timestamp(&options[1], 0, 0);
	for (unsigned i = 0; i < 2; i++) {
		builder_init(&frame);
		builder_ethernet(&frame, NULL, NULL);
		builder_ipv4(&frame, &ip);
		tcp.options = &options[i];
		builder_tcp(&frame, &tcp);
		builder_finish(&frame);
		memcpy(load->templates[i], frame.data, frame.length);
		load->ip_sums[i] = builder_sum(0, frame.data + IP_AT, 20);
		/* the protocol number of the pseudo-header; its length comes per packet */
		load->tcp_sums[i] = builder_sum(6, frame.data + TCP_AT, frame.length - TCP_AT);
	}
	for (unsigned length = 0; length <= PAYLOAD_MAX; length++) {
		uint8_t payload[PAYLOAD_MAX];

		memset(payload, 'j', sizeof(payload));
		load->payload_sums[length] = builder_sum(0, payload, length);
	}
}

static void
open_connection(struct load *load, struct connection *connection)
{
	uint64_t number = load->opened++;
	uint64_t isn = random_next(load);

	*connection = (struct connection){
		.address = {0xc0000201 + (uint32_t)(number % HOSTS),
			0xc6336401 + (uint32_t)(number / HOSTS / PORTS % HOSTS)},
		.port = {(uint16_t)(FIRST_PORT + number / HOSTS % PORTS), 443},
		.next = {(uint32_t)isn, (uint32_t)(isn >> 32)},
		.ip_id = {(uint16_t)(isn >> 8), (uint16_t)(isn >> 40)},
	};
}

static int
flush(struct load *load)
{
	size_t done = 0;

	while (done < load->used) {
		ssize_t written = write(load->fd, load->buffer + done, load->used - done);

		if (written < 0 && errno != EINTR)
			return -errno;
		done += written > 0 ? (size_t)written : 0;
	}
	load->used = 0;
	return 0;
}

static uint32_t
words(uint32_t value)
{
	return (value >> 16) + (value & 0xffff);
}

static uint16_t
complement(uint32_t sum)
{
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t)~sum;
}

static void
store_le32(uint8_t *at, uint32_t value)
{
	store_be32(at, __builtin_bswap32(value));
}

struct segment {
	unsigned from;
	uint16_t flags;
	uint32_t payload;
};

/* What a connection sends in its next step. */
static struct segment
next_segment(struct load *load, const struct connection *connection)
{
	uint64_t left = load->per_connection - connection->step;
	unsigned turn = (connection->step - 3) % 4;

	if (connection->step < 3)
		return (struct segment){connection->step == 1,
			connection->step == 0           ? BUILDER_SYN
				: connection->step == 1 ? BUILDER_SYN | BUILDER_ACK
							: BUILDER_ACK,
			0};
	if (left <= 3)
		return (struct segment){left == 2,
			left == 1 ? BUILDER_ACK : BUILDER_FIN | BUILDER_ACK, 0};
	/* data of the client, ACK, data of the server, ACK */
	return (struct segment){turn == 1 || turn == 2,
		BUILDER_ACK | (turn % 2 == 0 ? BUILDER_PSH : 0),
		turn % 2 == 0 ? 1 + (uint32_t)(random_next(load) % PAYLOAD_MAX) : 0};
}

static void
put_packet(struct load *load, struct connection *connection, const struct segment *segment)
{
	bool is_syn = (segment->flags & BUILDER_SYN) != 0;
	unsigned kind = is_syn ? 0 : 1;
	unsigned from = segment->from;
	uint32_t header = is_syn ? SYN_FRAME : ACK_FRAME;
	uint32_t length = header - IP_AT + segment->payload;
	uint32_t ts_value = (uint32_t)(load->time_ns / JBR_NS_PER_MS);
	uint32_t ack = segment->flags & BUILDER_ACK ? connection->next[!from] : 0;
	uint8_t *at = load->buffer + load->used;
	uint8_t *frame = at + RECORD_SIZE;
	uint32_t addresses = words(connection->address[0]) + words(connection->address[1]);
	uint32_t sum;

	store_le32(at, (uint32_t)(load->time_ns / JBR_NS_PER_S));
	store_le32(at + 4, (uint32_t)(load->time_ns % JBR_NS_PER_S));
	store_le32(at + 8, header + segment->payload);
	store_le32(at + 12, header + segment->payload);
	memcpy(frame, load->templates[kind], header);
	memset(frame + header, 'j', segment->payload);
	store_be16(frame + IP_AT + 2, (uint16_t)length);
	store_be16(frame + IP_AT + 4, connection->ip_id[from]);
	store_be32(frame + IP_AT + 12, connection->address[from]);
	store_be32(frame + IP_AT + 16, connection->address[!from]);
	sum = load->ip_sums[kind] + length + connection->ip_id[from] + addresses;
	store_be16(frame + IP_AT + 10, complement(sum));
	store_be16(frame + TCP_AT, connection->port[from]);
	store_be16(frame + TCP_AT + 2, connection->port[!from]);
	store_be32(frame + TCP_AT + 4, connection->next[from]);
	store_be32(frame + TCP_AT + 8, ack);
	frame[TCP_AT + 13] = (uint8_t)segment->flags;
	store_be32(frame + (is_syn ? SYN_TIMESTAMP_AT : ACK_TIMESTAMP_AT), ts_value);
	store_be32(frame + (is_syn ? SYN_TIMESTAMP_AT : ACK_TIMESTAMP_AT) + 4,
		connection->ts_last[!from]);
	sum = load->tcp_sums[kind] + load->payload_sums[segment->payload] + addresses +
		(length - 20) + connection->port[0] + connection->port[1] +
		words(connection->next[from]) + words(ack) + segment->flags + words(ts_value) +
		words(connection->ts_last[!from]);
	store_be16(frame + TCP_AT + 16, complement(sum));
	connection->ts_last[from] = ts_value;
	connection->next[from] += segment->payload +
		(segment->flags & (BUILDER_SYN | BUILDER_FIN) ? 1 : 0);
	connection->ip_id[from]++;
	load->used += RECORD_SIZE + header + segment->payload;
}

static int
write_load(struct load *load)
{
	struct connection *connections = calloc(load->connections, sizeof(*connections));
	struct jbr_buffer header = {0};
	int result = 0;

	if (connections == NULL)
		return -ENOMEM;
	make_templates(load);
	builder_pcap_header(&header,
		&(struct builder_pcap){.link = BUILDER_LINK_ETHERNET, .nanoseconds = true});
	memcpy(load->buffer, header.data, header.length);
	load->used = header.length;
	jbr_buffer_fini(&header);
	for (uint64_t i = 0; i < load->connections; i++)
		open_connection(load, &connections[i]);
	for (uint64_t i = 0; i < load->packets && result == 0; i++) {
		struct connection *connection = &connections[random_next(load) % load->connections];
		struct segment segment = next_segment(load, connection);

		put_packet(load, connection, &segment);
		load->time_ns += JBR_NS_PER_US;
		if (++connection->step == load->per_connection)
			open_connection(load, connection);
		if (BUFFER_SIZE - load->used < RECORD_SIZE + SYN_FRAME + PAYLOAD_MAX)
			result = flush(load);
	}
	free(connections);
	return result == 0 ? flush(load) : result;
}

/* A decimal argument, or @p initial where there is none. */
static bool
read_number(char **argv, int index, uint64_t initial, uint64_t *ret_value)
{
	char *end;

	*ret_value = initial;
	if (argv[index] == NULL)
		return true;
	errno = 0;
	*ret_value = strtoull(argv[index], &end, 10);
	return errno == 0 && end != argv[index] && *end == '\0' && *ret_value > 0;
}

static int
run(struct load *load, const char *path)
{
	int result;

	load->fd = strcmp(path, "-") == 0
		? STDOUT_FILENO
		: open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (load->fd < 0) {
		fprintf(stderr, "make_load: cannot open '%s': %s\n", path, strerror(errno));
		return 1;
	}
	result = write_load(load);
	if (close(load->fd) != 0 && result == 0)
		result = -errno;
	if (result == 0)
		return 0;
	fprintf(stderr, "make_load: cannot write '%s': %s\n", path, strerror(-result));
	return 1;
}

int
main(int argc, char **argv)
{
	static struct load load = {.time_ns = UINT64_C(1767225600) * JBR_NS_PER_S};
	char *arguments[7] = {NULL};

	for (int i = 0; i < argc && i < 6; i++)
		arguments[i] = argv[i];
	if (argc < 3 || argc > 6 || !read_number(arguments, 2, 0, &load.packets) ||
		!read_number(arguments, 3, 1000, &load.connections) ||
		!read_number(arguments, 4, 20, &load.per_connection) ||
		!read_number(arguments, 5, 1, &load.seed) ||
		load.per_connection < PER_CONNECTION_MIN || load.connections > UINT32_MAX) {
		fprintf(stderr,
			"usage: make_load PATH|- PACKETS [CONNECTIONS [PER_CONNECTION [SEED]]]\n"
			"PER_CONNECTION is %d or more\n",
			PER_CONNECTION_MIN);
		return 2;
	}
	return run(&load, arguments[1]);
}
