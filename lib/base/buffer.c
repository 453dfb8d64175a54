/* SPDX-License-Identifier: BSD-3-Clause */
#include "jbr_base.h"

#include <stdio.h>
#include <stdlib.h>

enum { FIRST_CAPACITY = 256 };

char *
jbr_buffer_reserve(struct jbr_buffer *buffer, size_t length)
{
	size_t capacity = buffer->capacity > 0 ? buffer->capacity : FIRST_CAPACITY;
	char *data;

	if (buffer->failed)
		return NULL;
	if (buffer->capacity - buffer->length >= length && buffer->data != NULL)
		return buffer->data + buffer->length;
	while (capacity - buffer->length < length) {
		if (capacity > SIZE_MAX / 2) {
			buffer->failed = true;
			return NULL;
		}
		capacity *= 2;
	}
	data = realloc(buffer->data, capacity);
	if (data == NULL) {
		buffer->failed = true;
		return NULL;
	}
	buffer->data = data;
	buffer->capacity = capacity;
	return data + buffer->length;
}

void
jbr_buffer_append(struct jbr_buffer *buffer, const void *bytes, size_t length)
{
	char *at = jbr_buffer_reserve(buffer, length);

	if (at == NULL || length == 0)
		return;
	memcpy(at, bytes, length);
	buffer->length += length;
}

void
jbr_buffer_vformat(struct jbr_buffer *buffer, const char *format, va_list args)
{
	va_list again;
	char *at;
	int length;

	va_copy(again, args);
	length = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (length < 0) {
		buffer->failed = true;
		return;
	}
	at = jbr_buffer_reserve(buffer, (size_t)length + 1);
	if (at == NULL)
		return;
	vsnprintf(at, (size_t)length + 1, format, args);
	buffer->length += (size_t)length;
}

void
jbr_buffer_format(struct jbr_buffer *buffer, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	jbr_buffer_vformat(buffer, format, args);
	va_end(args);
}

void
jbr_buffer_fini(struct jbr_buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct jbr_buffer){0};
}
