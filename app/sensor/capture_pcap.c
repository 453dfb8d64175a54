/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <inttypes.h>

#include "capture_private.h"

enum {
	FILE_HEADER_LENGTH = 24,
	RECORD_HEADER_LENGTH = 16,
	RECORD_HEADER_LENGTH_KUZNETZOV = 24, /* interface, protocol and packet type follow */
	/* How far ahead of the record being decoded bytes are asked for: the place of a record is
	 * known only from the one before it, so the processor cannot run ahead by itself. */
	PREFETCH_BYTES = 2048,
};

#define MAGIC_MICRO UINT32_C(0xa1b2c3d4)
#define MAGIC_NANO UINT32_C(0xa1b23c4d)
#define MAGIC_KUZNETZOV UINT32_C(0xa1b2cd34)

static bool
is_magic(uint32_t magic)
{
	return magic == MAGIC_MICRO || magic == MAGIC_NANO || magic == MAGIC_KUZNETZOV;
}

static int
pcap_open(struct capture_file *file, struct jbr_error *error)
{
	struct capture_pcap_state *pcap = &file->state.pcap;
	const uint8_t *header = file->source.at;
	uint32_t magic;
	uint32_t link_type;
	uint16_t major;

	if (capture_rest(&file->source) < FILE_HEADER_LENGTH)
		return jbr_error_set(error, -EINVAL, "'%s' ends in its file header", file->name);
	*pcap = (struct capture_pcap_state){.is_swapped = !is_magic(capture_load32(header, false))};
	magic = capture_load32(header, pcap->is_swapped);
	pcap->is_nano = magic == MAGIC_NANO;
	pcap->header_length = magic == MAGIC_KUZNETZOV ? RECORD_HEADER_LENGTH_KUZNETZOV
						       : RECORD_HEADER_LENGTH;
	major = capture_load16(header + 4, pcap->is_swapped);
	if (major != 2)
		return jbr_error_set(error, -EINVAL,
			"'%s' has pcap version %u.%u, jabiru reads 2.x", file->name, major,
			capture_load16(header + 6, pcap->is_swapped));
	/* the upper half says whether frames end in a check sequence, and how long it is */
	link_type = capture_load32(header + 20, pcap->is_swapped) & 0xffff;
	pcap->link = capture_link(link_type);
	if (pcap->link == JBR_LINK_UNKNOWN)
		return jbr_error_set(error, -EINVAL,
			"'%s' has link type %" PRIu32 ", which jabiru does not read", file->name,
			link_type);
	file->source.at += FILE_HEADER_LENGTH;
	return 0;
}

/* Why not even one record could be decoded. */
static int
explain(struct capture_file *file, struct jbr_error *error)
{
	const struct capture_pcap_state *pcap = &file->state.pcap;
	struct capture_source *source = &file->source;
	size_t rest = capture_rest(source);
	uint32_t captured;

	if (rest < pcap->header_length) {
		source->wanted = pcap->header_length;
		if (!source->is_complete)
			return -EAGAIN;
		if (rest == 0)
			return 0;
		return capture_broken(file, error, -EINVAL,
			"the file ends after %zu of the %" PRIu32 " bytes of the packet's header",
			rest, pcap->header_length);
	}
	captured = capture_load32(source->at + 8, pcap->is_swapped);
	if (captured > CAPTURE_RECORD_MAX)
		return capture_broken(file, error, -EINVAL,
			"it claims %" PRIu32 " bytes, the limit is %d", captured,
			CAPTURE_RECORD_MAX);
	source->wanted = pcap->header_length + captured;
	if (!source->is_complete)
		return -EAGAIN;
	return capture_broken(file, error, -EINVAL,
		"the file ends after %zu of the packet's %" PRIu32 " bytes",
		rest - pcap->header_length, captured);
}

/* The loop over records; is_swapped is constant wherever this is inlined. Stops before the first
 * record that is broken or not wholly at hand. */
static inline __attribute__((always_inline)) size_t
decode(struct capture_file *file, struct jbr_frame *frames, size_t frames_max, bool is_swapped)
{
	const struct capture_pcap_state *pcap = &file->state.pcap;
	const uint32_t header_length = pcap->header_length;
	const uint64_t fraction_ns = pcap->is_nano ? 1 : JBR_NS_PER_US;
	const uint8_t *at = file->source.at;
	const uint8_t *end = file->source.end;
	size_t count = 0;

	while (count < frames_max && (size_t)(end - at) >= header_length) {
		uint32_t captured = capture_load32(at + 8, is_swapped);
		uint32_t wire = capture_load32(at + 12, is_swapped);
		uint64_t time_ns = capture_load32(at, is_swapped) * JBR_NS_PER_S +
			capture_load32(at + 4, is_swapped) * fraction_ns;

		if (captured > CAPTURE_RECORD_MAX || captured > (size_t)(end - at) - header_length)
			break;
		__builtin_prefetch(at + PREFETCH_BYTES);
		frames[count] = (struct jbr_frame){
			.data = at + header_length,
			.time_ns = capture_shift_time(time_ns, file->shift_ns),
			.number = file->number + count + 1,
			.captured = captured,
			.wire = wire > captured ? wire : captured,
			.port = pcap->port,
			.link = pcap->link,
		};
		count++;
		at += header_length + captured;
	}
	file->source.at = at;
	return count;
}

static int
pcap_read(struct capture_file *file, struct jbr_frame *frames, size_t frames_max,
	struct jbr_error *error)
{
	struct capture_pcap_state *pcap = &file->state.pcap;
	size_t count;

	if (!pcap->has_port && !capture_take_port(file, &pcap->port))
		return capture_broken(file, error, -EINVAL, "more than %d interfaces in all files",
			CAPTURE_PORTS_MAX);
	pcap->has_port = true;
	if (pcap->is_swapped)
		count = decode(file, frames, frames_max, true);
	else
		count = decode(file, frames, frames_max, false);
	if (count == 0)
		return explain(file, error);
	file->packets += count;
	file->number += count;
	return (int)count;
}

static void
pcap_close(struct capture_file *file)
{
	(void)file; /* nothing was allocated */
}

const struct capture_format capture_pcap = {
	.open = pcap_open,
	.read = pcap_read,
	.close = pcap_close,
};
