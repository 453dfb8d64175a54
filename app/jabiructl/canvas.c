/* SPDX-License-Identifier: BSD-3-Clause */
#include "canvas.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "text.h"

enum { LINE_SIZE = 2048 };

int
canvas_resize(struct canvas *canvas, unsigned lines, unsigned columns)
{
	struct cell *cells = calloc((size_t)lines * columns + 1, sizeof(*cells));

	if (cells == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < (size_t)lines * columns; i++)
		cells[i].text[0] = ' ';
	free(canvas->cells);
	*canvas = (struct canvas){lines, columns, cells};
	return 0;
}

void
canvas_fini(struct canvas *canvas)
{
	free(canvas->cells);
	*canvas = (struct canvas){0};
}

/* What of a place lies on the canvas. */
static struct place
cut(const struct canvas *canvas, struct place place)
{
	if (place.line >= canvas->lines || place.column >= canvas->columns)
		return (struct place){0};
	place.width = jbr_min_u32(place.width, canvas->columns - place.column);
	return place;
}

void
canvas_look(struct canvas *canvas, struct place place, enum look look)
{
	place = cut(canvas, place);
	for (unsigned i = 0; i < place.width; i++)
		canvas->cells[place.line * canvas->columns + place.column + i].look = (uint8_t)look;
}

static void
put_text(struct canvas *canvas, struct place place, enum look look, const char *text)
{
	struct cell *cell = &canvas->cells[place.line * canvas->columns + place.column];

	while (*text != '\0' && place.width > 0) {
		unsigned columns = 1;
		size_t bytes = text_fit(text, 1);

		if (bytes == 0) {
			columns = 2;
			bytes = text_fit(text, 2);
		}
		if (bytes == 0 || columns > place.width)
			break;
		memset(cell->text, 0, sizeof(cell->text));
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			cell->text[0] = '?';
		else if (bytes < sizeof(cell->text))
			memcpy(cell->text, text, bytes);
		cell->look = (uint8_t)look;
		if (columns == 2)
			cell[1] = (struct cell){.look = (uint8_t)look};
		text += bytes;
		cell += columns;
		place.width -= columns;
	}
}

void
canvas_put(struct canvas *canvas, struct place place, enum look look, const char *format, ...)
{
	char text[LINE_SIZE];
	va_list args;

	place = cut(canvas, place);
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	put_text(canvas, place, look, text);
}

void
canvas_put_right(struct canvas *canvas, struct place place, enum look look, const char *format, ...)
{
	char text[LINE_SIZE];
	unsigned width;
	va_list args;

	place = cut(canvas, place);
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	width = text_width(text);
	if (width < place.width) {
		place.column += place.width - width;
		place.width = width;
	}
	put_text(canvas, place, look, text);
}

void
canvas_text(const struct canvas *canvas, struct jbr_buffer *out)
{
	for (unsigned line = 0; line < canvas->lines; line++) {
		const struct cell *cells = &canvas->cells[line * canvas->columns];
		unsigned end = canvas->columns;

		while (end > 0 && strcmp(cells[end - 1].text, " ") == 0)
			end--;
		for (unsigned i = 0; i < end; i++)
			jbr_buffer_append(out, cells[i].text, strlen(cells[i].text));
		jbr_buffer_append(out, "\n", 1);
	}
}
