/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "capture_private.h"

enum {
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET_OBSOLETE = 2,
	BLOCK_PACKET_SIMPLE = 3,
	BLOCK_PACKET = 6,
	BLOCK_SECTION = 0x0a0d0d0a, /* the same in both byte orders */

	BLOCK_HEADER_LENGTH = 8,
	BLOCK_LENGTH_MIN = 12, /* type, length, and the length again at the end */
	/* A block is held as a whole when it comes from a stream. Four times the largest packet
	 * leaves room for options, name tables and keys. */
	BLOCK_LENGTH_MAX = 16 << 20,

	SECTION_BODY_MIN = 16,
	INTERFACE_BODY_MIN = 8,
	PACKET_BODY_MIN = 20, /* the obsolete form too */
	SIMPLE_BODY_MIN = 4,

	OPTION_HEADER_LENGTH = 4,
	OPTION_END = 0,
	OPTION_RESOLUTION = 9,
	OPTION_OFFSET = 14,
	RESOLUTION_DEFAULT = 6, /* microseconds */

	PREFETCH_BYTES = 2048, /* see capture_pcap.c */
};

#define BYTE_ORDER_MARK UINT32_C(0x1a2b3c4d)

struct block {
	uint32_t type;
	uint32_t length; /* all of it */
	const uint8_t *body;
	uint32_t body_length;
	bool is_swapped;
};

struct option {
	const uint8_t *value; /* length bytes */
	uint16_t code;
	uint16_t length;
	bool is_swapped;
};

/* What a packet block says of its packet. */
struct packet {
	const struct capture_interface *interface;
	const uint8_t *data;
	uint64_t time_ns;
	uint32_t captured;
	uint32_t wire;
};

static uint64_t
load64(const uint8_t *p, bool is_swapped)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return is_swapped ? __builtin_bswap64(v) : v;
}

static int
pcapng_open(struct capture_file *file, struct jbr_error *error)
{
	struct capture_pcapng_state *pcapng = &file->state.pcapng;
	const uint8_t *header = file->source.at;
	uint32_t mark;
	uint16_t major;
	bool is_swapped;

	pcapng->count = 0;
	pcapng->last_time_ns = 0;
	if (capture_rest(&file->source) < BLOCK_LENGTH_MIN + SECTION_BODY_MIN)
		return jbr_error_set(error, -EINVAL, "'%s' ends in its file header", file->name);
	mark = capture_load32(header + BLOCK_HEADER_LENGTH, false);
	is_swapped = mark == __builtin_bswap32(BYTE_ORDER_MARK);
	if (mark != BYTE_ORDER_MARK && !is_swapped)
		return jbr_error_set(error, -EINVAL,
			"'%s' is no capture: it begins as pcapng does, but has no byte-order mark",
			file->name);
	major = capture_load16(header + BLOCK_HEADER_LENGTH + 4, is_swapped);
	if (major != 1)
		return jbr_error_set(error, -EINVAL,
			"'%s' has pcapng version %u.%u, jabiru reads 1.x", file->name, major,
			capture_load16(header + BLOCK_HEADER_LENGTH + 6, is_swapped));
	return 0; /* the section header stays for read: a later section has one too */
}

/* Fewer than @p wanted bytes are at hand. */
static int
lack(struct capture_file *file, size_t wanted, const char *what, struct jbr_error *error)
{
	file->source.wanted = wanted;
	if (!file->source.is_complete)
		return -EAGAIN;
	return capture_broken(file, error, -EINVAL,
		"the file ends after %zu of the %zu bytes of %s", capture_rest(&file->source),
		wanted, what);
}

/* The byte order of the block at hand: a section header brings its own. */
static int
find_byte_order(const struct capture_file *file, bool *ret_is_swapped, struct jbr_error *error)
{
	const uint8_t *at = file->source.at;
	uint32_t mark;

	if (capture_load32(at, false) != BLOCK_SECTION) {
		*ret_is_swapped = file->state.pcapng.is_swapped;
		return 0;
	}
	mark = capture_load32(at + BLOCK_HEADER_LENGTH, false);
	if (mark != BYTE_ORDER_MARK && mark != __builtin_bswap32(BYTE_ORDER_MARK))
		return capture_broken(file, error, -EINVAL,
			"a section header has no byte-order mark but 0x%08" PRIx32,
			__builtin_bswap32(mark));
	*ret_is_swapped = mark != BYTE_ORDER_MARK;
	return 0;
}

/* Find the block at hand without going beyond it. Returns 1, 0 at the end, or -errno. */
static int
peek_block(struct capture_file *file, struct block *ret_block, struct jbr_error *error)
{
	const uint8_t *at = file->source.at;
	size_t rest = capture_rest(&file->source);
	struct block block;
	uint32_t trailer;
	int rc;

	if (rest == 0 && file->source.is_complete)
		return 0;
	if (rest < BLOCK_LENGTH_MIN)
		return lack(file, BLOCK_LENGTH_MIN, "the smallest block", error);
	rc = find_byte_order(file, &block.is_swapped, error);
	if (rc < 0)
		return rc;
	block.type = capture_load32(at, block.is_swapped);
	block.length = capture_load32(at + 4, block.is_swapped);
	if (block.length < BLOCK_LENGTH_MIN || block.length > BLOCK_LENGTH_MAX ||
		block.length % 4 != 0)
		return capture_broken(file, error, -EINVAL,
			"a block of %" PRIu32 " bytes (allowed: %d to %d, a multiple of 4)",
			block.length, BLOCK_LENGTH_MIN, BLOCK_LENGTH_MAX);
	if (rest < block.length)
		return lack(file, block.length, "its block", error);
	trailer = capture_load32(at + block.length - 4, block.is_swapped);
	if (trailer != block.length)
		return capture_broken(file, error, -EINVAL,
			"a block of %" PRIu32 " bytes gives its length as %" PRIu32 " at its end",
			block.length, trailer);
	block.body = at + BLOCK_HEADER_LENGTH;
	block.body_length = block.length - BLOCK_LENGTH_MIN;
	*ret_block = block;
	return 1;
}

static int
lack_body(const struct capture_file *file, const struct block *block, const char *what,
	struct jbr_error *error)
{
	return capture_broken(file, error, -EINVAL,
		"a block of %" PRIu32 " bytes is too short for %s", block->length, what);
}

static int
take_section(struct capture_file *file, const struct block *block, struct jbr_error *error)
{
	uint16_t major;

	if (block->body_length < SECTION_BODY_MIN)
		return lack_body(file, block, "a section header", error);
	major = capture_load16(block->body + 4, block->is_swapped);
	if (major != 1)
		return capture_broken(file, error, -EINVAL,
			"a section of pcapng version %u.%u, jabiru reads 1.x", major,
			capture_load16(block->body + 6, block->is_swapped));
	file->state.pcapng.is_swapped = block->is_swapped;
	file->state.pcapng.count = 0;
	return 0;
}

/* if_tsresol: the unit of the stamps is 10^-exponent, or 2^-exponent when the top bit is set. */
static void
set_resolution(struct capture_interface *interface, uint8_t resolution)
{
	unsigned exponent = resolution & 0x7f;

	interface->multiplier = 1;
	interface->divisor = 1;
	interface->shift = 0;
	if (resolution & 0x80) {
		interface->multiplier = JBR_NS_PER_S;
		interface->shift = (uint8_t)exponent;
		return;
	}
	for (; exponent < 9; exponent++)
		interface->multiplier *= 10;
	/* from 10^20 on no 64-bit stamp comes to a nanosecond */
	if (exponent > 9 + 19)
		interface->multiplier = 0;
	for (; exponent > 9 && interface->multiplier > 0; exponent--)
		interface->divisor *= 10;
}

static uint64_t
stamp_to_ns(const struct capture_interface *interface, uint64_t stamp)
{
	/* below 2^94: the largest multiplier is 10^9 */
	unsigned __int128 product = (unsigned __int128)stamp * interface->multiplier;
	__int128 ns;

	/* a divisor comes with multiplier 1, so the product fits the cheaper 64-bit division */
	if (interface->divisor > 1)
		product = (uint64_t)product / interface->divisor;
	ns = (__int128)(product >> interface->shift) + interface->offset_ns;
	if (ns < 0)
		return 0;
	return ns > (__int128)CAPTURE_TIME_MAX_NS ? CAPTURE_TIME_MAX_NS : (uint64_t)ns;
}

static int
take_option(const struct capture_file *file, struct capture_interface *interface,
	const struct option *option, struct jbr_error *error)
{
	int64_t offset_s;

	if (option->code == OPTION_RESOLUTION) {
		if (option->length != 1)
			return capture_broken(file, error, -EINVAL,
				"if_tsresol of an interface has %u bytes instead of 1",
				option->length);
		set_resolution(interface, option->value[0]);
	} else if (option->code == OPTION_OFFSET) {
		if (option->length != 8)
			return capture_broken(file, error, -EINVAL,
				"if_tsoffset of an interface has %u bytes instead of 8",
				option->length);
		offset_s = (int64_t)load64(option->value, option->is_swapped);
		interface->offset_ns = (__int128)offset_s * JBR_NS_PER_S;
	}
	return 0;
}

/* The options of an interface description: code, length, value padded to 4 bytes. */
static int
take_options(const struct capture_file *file, const struct block *block,
	struct capture_interface *interface, struct jbr_error *error)
{
	const uint8_t *at = block->body + INTERFACE_BODY_MIN;
	size_t rest = block->body_length - INTERFACE_BODY_MIN;

	while (rest >= OPTION_HEADER_LENGTH) {
		struct option option = {
			.value = at + OPTION_HEADER_LENGTH,
			.code = capture_load16(at, block->is_swapped),
			.length = capture_load16(at + 2, block->is_swapped),
			.is_swapped = block->is_swapped,
		};
		size_t padded = OPTION_HEADER_LENGTH + (((size_t)option.length + 3) & ~(size_t)3);
		int rc;

		if (option.code == OPTION_END)
			break;
		if (padded > rest)
			return capture_broken(file, error, -EINVAL,
				"option %u of an interface runs past its block", option.code);
		rc = take_option(file, interface, &option, error);
		if (rc < 0)
			return rc;
		at += padded;
		rest -= padded;
	}
	return 0;
}

/* Room for one more interface of the section. */
static int
grow(struct capture_pcapng_state *pcapng)
{
	uint32_t capacity = pcapng->capacity > 0 ? pcapng->capacity * 2 : 4;
	struct capture_interface *interfaces;

	if (pcapng->count < pcapng->capacity)
		return 0;
	interfaces = reallocarray(pcapng->interfaces, capacity, sizeof(*interfaces));
	if (interfaces == NULL)
		return -ENOMEM;
	pcapng->interfaces = interfaces;
	pcapng->capacity = capacity;
	return 0;
}

static int
take_interface(struct capture_file *file, const struct block *block, struct jbr_error *error)
{
	struct capture_pcapng_state *pcapng = &file->state.pcapng;
	struct capture_interface interface = {0};
	int rc;

	if (block->body_length < INTERFACE_BODY_MIN)
		return lack_body(file, block, "an interface description", error);
	interface.link = capture_link(capture_load16(block->body, block->is_swapped));
	interface.snap_length = capture_load32(block->body + 4, block->is_swapped);
	set_resolution(&interface, RESOLUTION_DEFAULT);
	rc = take_options(file, block, &interface, error);
	if (rc < 0)
		return rc;
	rc = grow(pcapng);
	if (rc < 0)
		return capture_broken(file, error, rc, "no memory for interface %" PRIu32,
			pcapng->count);
	/* the last thing that can fail: the block is looked at once more after a failure */
	if (!capture_take_port(file, &interface.port))
		return capture_broken(file, error, -EINVAL, "more than %d interfaces in all files",
			CAPTURE_PORTS_MAX);
	pcapng->interfaces[pcapng->count++] = interface;
	return 0;
}

static int
find_interface(const struct capture_file *file, uint32_t id, struct packet *packet,
	struct jbr_error *error)
{
	const struct capture_pcapng_state *pcapng = &file->state.pcapng;

	if (id >= pcapng->count)
		return capture_broken(file, error, -EINVAL,
			"it names interface %" PRIu32 ", the section has described %" PRIu32, id,
			pcapng->count);
	packet->interface = &pcapng->interfaces[id];
	return 0;
}

static int
check_captured(const struct capture_file *file, const struct packet *packet, uint32_t room,
	struct jbr_error *error)
{
	if (packet->captured > CAPTURE_RECORD_MAX)
		return capture_broken(file, error, -EINVAL,
			"it claims %" PRIu32 " bytes, the limit is %d", packet->captured,
			CAPTURE_RECORD_MAX);
	if (packet->captured > room)
		return capture_broken(file, error, -EINVAL,
			"it claims %" PRIu32 " bytes, its block has %" PRIu32, packet->captured,
			room);
	return 0;
}

/* An enhanced or an obsolete packet block: they differ in the first word only. */
static int
take_packet(struct capture_file *file, const struct block *block, struct packet *packet,
	struct jbr_error *error)
{
	const uint8_t *body = block->body;
	const bool is_swapped = block->is_swapped;
	uint64_t stamp;
	uint32_t id;
	int rc;

	if (block->body_length < PACKET_BODY_MIN)
		return lack_body(file, block, "a packet", error);
	if (block->type == BLOCK_PACKET)
		id = capture_load32(body, is_swapped);
	else
		id = capture_load16(body, is_swapped); /* a count of drops follows */
	rc = find_interface(file, id, packet, error);
	if (rc < 0)
		return rc;
	stamp = (uint64_t)capture_load32(body + 4, is_swapped) << 32 |
		capture_load32(body + 8, is_swapped);
	packet->time_ns = stamp_to_ns(packet->interface, stamp);
	packet->captured = capture_load32(body + 12, is_swapped);
	packet->wire = capture_load32(body + 16, is_swapped);
	packet->data = body + PACKET_BODY_MIN;
	return check_captured(file, packet, block->body_length - PACKET_BODY_MIN, error);
}

/* A simple packet block: interface 0, no stamp, and the captured length left to be reckoned. */
static int
take_simple_packet(struct capture_file *file, const struct block *block, struct packet *packet,
	struct jbr_error *error)
{
	int rc;

	if (block->body_length < SIMPLE_BODY_MIN)
		return lack_body(file, block, "a packet", error);
	rc = find_interface(file, 0, packet, error);
	if (rc < 0)
		return rc;
	packet->time_ns = file->state.pcapng.last_time_ns;
	packet->wire = capture_load32(block->body, block->is_swapped);
	packet->captured = packet->wire;
	if (packet->interface->snap_length > 0)
		packet->captured = jbr_min_u32(packet->wire, packet->interface->snap_length);
	packet->data = block->body + SIMPLE_BODY_MIN;
	return check_captured(file, packet, block->body_length - SIMPLE_BODY_MIN, error);
}

static void
make_frame(struct capture_file *file, const struct packet *packet, struct jbr_frame *frame)
{
	file->packets++;
	file->number++;
	file->state.pcapng.last_time_ns = packet->time_ns;
	*frame = (struct jbr_frame){
		.data = packet->data,
		.time_ns = capture_shift_time(packet->time_ns, file->shift_ns),
		.number = file->number,
		.captured = packet->captured,
		.wire = packet->wire > packet->captured ? packet->wire : packet->captured,
		.port = packet->interface->port,
		.link = packet->interface->link,
	};
}

/* Take the block at hand. Returns 1 when it gave a frame, 0 when not, -errno when it is broken. */
static int
take_block(struct capture_file *file, const struct block *block, struct jbr_frame *frame,
	struct jbr_error *error)
{
	struct packet packet = {0};
	int rc;

	switch (block->type) {
	case BLOCK_SECTION:
		return take_section(file, block, error);
	case BLOCK_INTERFACE:
		return take_interface(file, block, error);
	case BLOCK_PACKET:
	case BLOCK_PACKET_OBSOLETE:
		rc = take_packet(file, block, &packet, error);
		break;
	case BLOCK_PACKET_SIMPLE:
		rc = take_simple_packet(file, block, &packet, error);
		break;
	default:
		return 0; /* names, statistics, keys, custom blocks */
	}
	if (rc < 0)
		return rc;
	make_frame(file, &packet, frame);
	return 1;
}

static int
pcapng_read(struct capture_file *file, struct jbr_frame *frames, size_t frames_max,
	struct jbr_error *error)
{
	struct block block = {0};
	int count = 0;
	int rc = 1;

	while ((size_t)count < frames_max) {
		/* what ends a batch that has frames is found, and said, again by the next call */
		struct jbr_error *error_now = count == 0 ? error : NULL;

		rc = peek_block(file, &block, error_now);
		if (rc <= 0)
			break;
		rc = take_block(file, &block, &frames[count], error_now);
		if (rc < 0)
			break;
		count += rc;
		file->source.at += block.length;
		__builtin_prefetch(file->source.at + PREFETCH_BYTES);
	}
	return count > 0 ? count : rc;
}

static void
pcapng_close(struct capture_file *file)
{
	free(file->state.pcapng.interfaces);
	file->state.pcapng = (struct capture_pcapng_state){0};
}

const struct capture_format capture_pcapng = {
	.open = pcapng_open,
	.read = pcapng_read,
	.close = pcapng_close,
};
