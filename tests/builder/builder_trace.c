/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "builder.h"

void
builder_trace_add(struct builder_trace *trace, uint64_t time_ns, const struct builder *frame)
{
	struct builder_packet *packet;

	if (trace->count == trace->capacity) {
		size_t capacity = trace->capacity > 0 ? 2 * trace->capacity : 64;
		void *packets = realloc(trace->packets, capacity * sizeof(*trace->packets));

		if (packets == NULL) {
			trace->failed = true;
			return;
		}
		trace->packets = packets;
		trace->capacity = capacity;
	}
	packet = &trace->packets[trace->count];
	*packet = (struct builder_packet){
		.bytes = malloc(frame->length > 0 ? frame->length : 1),
		.time_ns = time_ns,
		.captured = frame->length,
		.wire = frame->length,
		.tcp_at = frame->tcp_at,
		.tcp_flags = frame->tcp_flags,
		.interface = trace->interface,
	};
	if (packet->bytes == NULL || frame->failed) {
		free(packet->bytes);
		trace->failed = true;
		return;
	}
	memcpy(packet->bytes, frame->data, frame->length);
	trace->count++;
}

void
builder_trace_sort(struct builder_trace *trace)
{
	/* insertion: stable, and stories are nearly in order */
	for (size_t i = 1; i < trace->count; i++) {
		struct builder_packet packet = trace->packets[i];
		size_t at = i;

		for (; at > 0 && trace->packets[at - 1].time_ns > packet.time_ns; at--)
			trace->packets[at] = trace->packets[at - 1];
		trace->packets[at] = packet;
	}
}

void
builder_trace_snap(struct builder_trace *trace, uint32_t snap_length)
{
	for (size_t i = 0; i < trace->count; i++)
		trace->packets[i].captured = jbr_min_u32(trace->packets[i].captured, snap_length);
}

struct builder_figures
builder_trace_figures(const struct builder_trace *trace)
{
	struct builder_figures figures = {.packets = (uint32_t)trace->count};

	for (size_t i = 0; i < trace->count; i++) {
		const struct builder_packet *packet = &trace->packets[i];
		bool is_syn = (packet->tcp_flags & BUILDER_SYN) != 0;
		bool is_ack = (packet->tcp_flags & BUILDER_ACK) != 0;

		if (packet->tcp_at == 0 || packet->captured < packet->tcp_at + 20)
			continue;
		figures.tcp++;
		figures.syn += is_syn && !is_ack;
		figures.synack += is_syn && is_ack;
		figures.fin += (packet->tcp_flags & BUILDER_FIN) != 0;
		figures.rst += (packet->tcp_flags & BUILDER_RST) != 0;
	}
	return figures;
}

void
builder_trace_fini(struct builder_trace *trace)
{
	for (size_t i = 0; i < trace->count; i++)
		free(trace->packets[i].bytes);
	free(trace->packets);
	*trace = (struct builder_trace){0};
}

int
builder_save(const struct jbr_buffer *buffer, const char *path, struct jbr_error *error)
{
	FILE *file;
	size_t written;
	int error_number;

	if (buffer->failed)
		return jbr_error_set(error, -ENOMEM, "cannot write '%s': out of memory", path);
	file = fopen(path, "wb");
	if (file == NULL)
		return jbr_error_set(error, -errno, "cannot open '%s': %s", path, strerror(errno));
	written = buffer->length > 0 ? fwrite(buffer->data, 1, buffer->length, file) : 0;
	error_number = written < buffer->length ? errno : 0;
	if (fclose(file) != 0 && error_number == 0)
		error_number = errno;
	if (error_number == 0)
		return 0;
	return jbr_error_set(error, -error_number, "cannot write '%s': %s", path,
		strerror(error_number));
}
