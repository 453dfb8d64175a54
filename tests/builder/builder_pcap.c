/* SPDX-License-Identifier: BSD-3-Clause */
#include "builder.h"

enum {
	MAGIC_US = (int)0xa1b2c3d4,
	MAGIC_NS = (int)0xa1b23c4d,
	DEFAULT_SNAP_LENGTH = 262144,
	BLOCK_SECTION = 0x0a0d0d0a,
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET = 2,
	BLOCK_SIMPLE = 3,
	BLOCK_NAMES = 4,
	BLOCK_STATISTICS = 5,
	BLOCK_ENHANCED = 6,
	OPTION_END = 0,
	OPTION_COMMENT = 1,
};

/* Bytes in the file's order, whatever this host's is. */
static void
put(struct jbr_buffer *out, bool big_endian, uint64_t value, unsigned length)
{
	uint8_t bytes[8];

	for (unsigned i = 0; i < length; i++)
		bytes[big_endian ? length - 1 - i : i] = (uint8_t)(value >> 8 * i);
	jbr_buffer_append(out, bytes, length);
}

static void
put_padded(struct jbr_buffer *out, const void *bytes, size_t length)
{
	jbr_buffer_append(out, bytes, length);
	jbr_buffer_append(out, "\0\0\0", (4 - length % 4) % 4);
}

void
builder_pcap_header(struct jbr_buffer *out, const struct builder_pcap *form)
{
	put(out, form->big_endian, (uint32_t)(form->nanoseconds ? MAGIC_NS : MAGIC_US), 4);
	put(out, form->big_endian, 2, 2);
	put(out, form->big_endian, 4, 2);
	put(out, form->big_endian, 0, 8); /* time zone and accuracy: always 0 */
	put(out, form->big_endian, form->snap_length > 0 ? form->snap_length : DEFAULT_SNAP_LENGTH,
		4);
	put(out, form->big_endian, form->link, 4);
}

void
builder_pcap_packet(struct jbr_buffer *out, const struct builder_pcap *form,
	const struct builder_packet *packet)
{
	uint32_t snap_length = form->snap_length > 0 ? form->snap_length : DEFAULT_SNAP_LENGTH;
	uint32_t captured = jbr_min_u32(packet->captured, snap_length);
	uint64_t fraction = packet->time_ns % JBR_NS_PER_S;

	put(out, form->big_endian, packet->time_ns / JBR_NS_PER_S, 4);
	put(out, form->big_endian, form->nanoseconds ? fraction : fraction / JBR_NS_PER_US, 4);
	put(out, form->big_endian, captured, 4);
	put(out, form->big_endian, packet->wire, 4);
	jbr_buffer_append(out, packet->bytes, captured);
}

void
builder_pcap_trace(struct jbr_buffer *out, const struct builder_pcap *form,
	const struct builder_trace *trace)
{
	builder_pcap_header(out, form);
	for (size_t i = 0; i < trace->count; i++)
		builder_pcap_packet(out, form, &trace->packets[i]);
}

void
builder_pcapng_block(struct jbr_buffer *out, const struct builder_pcapng *form, uint32_t type,
	const void *body, size_t length)
{
	size_t whole = 12 + (length + 3) / 4 * 4;

	put(out, form->big_endian, type, 4);
	put(out, form->big_endian, whole, 4);
	put_padded(out, body, length);
	put(out, form->big_endian, whole, 4);
}

static void
put_option(struct jbr_buffer *out, bool big_endian, uint16_t code, const void *value, size_t length)
{
	put(out, big_endian, code, 2);
	put(out, big_endian, length, 2);
	put_padded(out, value, length);
}

static void
put_text(struct jbr_buffer *out, bool big_endian, uint16_t code, const char *text)
{
	put_option(out, big_endian, code, text, strlen(text));
}

/* Write a block whose body has been collected, and release the body. */
static void
put_block(struct jbr_buffer *out, const struct builder_pcapng *form, uint32_t type,
	struct jbr_buffer *body)
{
	out->failed |= body->failed;
	builder_pcapng_block(out, form, type, body->data, body->length);
	jbr_buffer_fini(body);
}

void
builder_pcapng_section(struct jbr_buffer *out, struct builder_pcapng *form)
{
	struct jbr_buffer body = {0};
	bool big = form->big_endian;

	form->section_at = out->length;
	form->interfaces_count = 0;
	put(&body, big, 0x1a2b3c4d, 4);
	put(&body, big, 1, 2);
	put(&body, big, 0, 2);
	put(&body, big, UINT64_MAX, 8); /* length unknown */
	if (form->has_options) {
		put_text(&body, big, OPTION_COMMENT, "made for a test");
		put_text(&body, big, 2, "no hardware");
		put_text(&body, big, 4, "jabiru's packet builder");
		put(&body, big, OPTION_END, 4);
	}
	put_block(out, form, BLOCK_SECTION, &body);
}

void
builder_pcapng_end_section(struct jbr_buffer *out, struct builder_pcapng *form)
{
	struct jbr_buffer length = {0};
	uint32_t header_length = 0;

	if (!form->has_section_length || out->failed)
		return;
	for (unsigned i = 0; i < 4; i++) {
		unsigned from = form->big_endian ? i : 3 - i;

		header_length = header_length << 8 |
			(uint8_t)out->data[form->section_at + 4 + from];
	}
	put(&length, form->big_endian, out->length - form->section_at - header_length, 8);
	if (length.failed)
		out->failed = true;
	else
		memcpy(out->data + form->section_at + 16, length.data, 8);
	jbr_buffer_fini(&length);
}

void
builder_pcapng_interface(struct jbr_buffer *out, struct builder_pcapng *form,
	const struct builder_interface *interface)
{
	struct jbr_buffer body = {0};
	bool big = form->big_endian;

	if (form->interfaces_count == BUILDER_INTERFACES_MAX) {
		out->failed = true;
		return;
	}
	form->interfaces[form->interfaces_count++] = *interface;
	put(&body, big, interface->link, 2);
	put(&body, big, 0, 2);
	put(&body, big, interface->snap_length, 4);
	if (interface->name != NULL)
		put_text(&body, big, 2, interface->name);
	if (interface->has_tsresol)
		put_option(&body, big, 9, &interface->tsresol, 1);
	if (interface->tsoffset != 0) {
		put(&body, big, 14, 2);
		put(&body, big, 8, 2);
		put(&body, big, (uint64_t)interface->tsoffset, 8);
	}
	if (interface->name != NULL || interface->has_tsresol || interface->tsoffset != 0)
		put(&body, big, OPTION_END, 4);
	put_block(out, form, BLOCK_INTERFACE, &body);
}

/* The packet's time in the interface's units, rounded down. */
static uint64_t
ticks_of(const struct builder_interface *interface, uint64_t time_ns)
{
	uint8_t resolution = interface->has_tsresol ? interface->tsresol : 6;
	uint64_t seconds = time_ns / JBR_NS_PER_S - (uint64_t)interface->tsoffset;
	uint64_t fraction = time_ns % JBR_NS_PER_S;
	uint64_t per_second = 1;

	if (resolution & 0x80)
		per_second <<= resolution & 0x3f;
	else
		for (unsigned i = 0; i < resolution; i++)
			per_second *= 10;
	fraction = (uint64_t)((unsigned __int128)fraction * per_second / JBR_NS_PER_S);
	return seconds * per_second + fraction;
}

static uint32_t
captured_of(const struct builder_interface *interface, const struct builder_packet *packet)
{
	if (interface->snap_length == 0)
		return packet->captured;
	return jbr_min_u32(packet->captured, interface->snap_length);
}

/* The packet's interface; NULL when the section has none of that number. */
static const struct builder_interface *
interface_of(struct jbr_buffer *out, const struct builder_pcapng *form, uint32_t number)
{
	if (number < form->interfaces_count)
		return &form->interfaces[number];
	out->failed = true;
	return NULL;
}

static void
put_times(struct jbr_buffer *body, bool big_endian, uint64_t ticks)
{
	put(body, big_endian, ticks >> 32, 4);
	put(body, big_endian, ticks & 0xffffffff, 4);
}

static void
put_packet_bytes(struct jbr_buffer *body, const struct builder_pcapng *form,
	const struct builder_packet *packet, uint32_t captured)
{
	put(body, form->big_endian, captured, 4);
	put(body, form->big_endian, packet->wire, 4);
	put_padded(body, packet->bytes, captured);
	if (!form->has_options)
		return;
	put_text(body, form->big_endian, OPTION_COMMENT, "a packet");
	put(body, form->big_endian, OPTION_END, 4);
}

void
builder_pcapng_enhanced(struct jbr_buffer *out, const struct builder_pcapng *form,
	const struct builder_packet *packet)
{
	const struct builder_interface *interface = interface_of(out, form, packet->interface);
	struct jbr_buffer body = {0};

	if (interface == NULL)
		return;
	put(&body, form->big_endian, packet->interface, 4);
	put_times(&body, form->big_endian, ticks_of(interface, packet->time_ns));
	put_packet_bytes(&body, form, packet, captured_of(interface, packet));
	put_block(out, form, BLOCK_ENHANCED, &body);
}

void
builder_pcapng_simple(struct jbr_buffer *out, const struct builder_pcapng *form,
	const struct builder_packet *packet)
{
	const struct builder_interface *interface = interface_of(out, form, 0);
	struct jbr_buffer body = {0};

	if (interface == NULL)
		return;
	put(&body, form->big_endian, packet->wire, 4);
	put_padded(&body, packet->bytes, captured_of(interface, packet));
	put_block(out, form, BLOCK_SIMPLE, &body);
}

void
builder_pcapng_obsolete(struct jbr_buffer *out, const struct builder_pcapng *form,
	const struct builder_packet *packet)
{
	const struct builder_interface *interface = interface_of(out, form, packet->interface);
	struct jbr_buffer body = {0};

	if (interface == NULL)
		return;
	put(&body, form->big_endian, packet->interface, 2);
	put(&body, form->big_endian, 0xffff, 2); /* drops: unknown */
	put_times(&body, form->big_endian, ticks_of(interface, packet->time_ns));
	put_packet_bytes(&body, form, packet, captured_of(interface, packet));
	put_block(out, form, BLOCK_PACKET, &body);
}

void
builder_pcapng_names(struct jbr_buffer *out, const struct builder_pcapng *form)
{
	static const char ipv4[] = "\xc0\x00\x02\x0a"
				   "client.example";
	static const char ipv6[] = "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
				   "six.example";
	struct jbr_buffer body = {0};

	put_option(&body, form->big_endian, 1, ipv4, sizeof(ipv4));
	put_option(&body, form->big_endian, 2, ipv6, sizeof(ipv6));
	put(&body, form->big_endian, 0, 4);
	put_block(out, form, BLOCK_NAMES, &body);
}

void
builder_pcapng_statistics(struct jbr_buffer *out, const struct builder_pcapng *form)
{
	struct jbr_buffer body = {0};
	bool big = form->big_endian;

	put(&body, big, 0, 4);
	put_times(&body, big, ticks_of(&form->interfaces[0], UINT64_C(1767225600) * JBR_NS_PER_S));
	put(&body, big, 4, 2); /* packets received */
	put(&body, big, 8, 2);
	put(&body, big, 100, 8);
	put(&body, big, OPTION_END, 4);
	put_block(out, form, BLOCK_STATISTICS, &body);
}
