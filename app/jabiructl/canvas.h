/* SPDX-License-Identifier: BSD-3-Clause */
/** @file canvas.h
 * A screen of characters in memory, which goes to a terminal or to a text.
 */
#pragma once
#include "jbr_base.h"

/** How a character looks. Nothing is said by it alone: there is always a word, too. */
enum look {
	LOOK_PLAIN,
	LOOK_STRONG,
	LOOK_FAINT,
	LOOK_BAR,
	LOOK_CHOSEN,
	LOOK_WARN,
	LOOK_ALERT,
	LOOK_GOOD
};

struct cell {
	char text[7]; /**< a character in UTF-8; "" behind one of two columns */
	uint8_t look; /**< enum look */
};

struct canvas {
	unsigned lines;
	unsigned columns;
	struct cell *cells;
};

/** A part of a line. */
struct place {
	unsigned line;
	unsigned column;
	unsigned width;
};

/** Make it this large, and blank. @return 0 or -ENOMEM */
int canvas_resize(struct canvas *canvas, unsigned lines, unsigned columns);
/** Release. */
void canvas_fini(struct canvas *canvas);
/** Give all cells of @p place a look. */
void canvas_look(struct canvas *canvas, struct place place, enum look look);
/** Write from the left; what does not fit is cut. What lies outside is passed over. */
void canvas_put(struct canvas *canvas, struct place place, enum look look, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/** The same, to the right end. */
void canvas_put_right(struct canvas *canvas, struct place place, enum look look, const char *format,
	...) __attribute__((format(printf, 4, 5)));
/** Append all lines, without blanks at their ends. */
void canvas_text(const struct canvas *canvas, struct jbr_buffer *out);
