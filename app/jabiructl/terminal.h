/* SPDX-License-Identifier: BSD-3-Clause */
/** @file terminal.h
 * The terminal: shows a canvas, and tells which key was pressed. The only file that knows ncurses.
 */
#pragma once
#include <stdbool.h>

#include "canvas.h"

/** Keys that are no characters. */
enum {
	KEY_NONE = -1,
	KEY_ESCAPE = 27,
	KEY_OTHER = 0x10000,
	KEY_ARROW_UP,
	KEY_ARROW_DOWN,
	KEY_PAGE_UP,
	KEY_PAGE_DOWN,
	KEY_TO_START,
	KEY_TO_END,
	KEY_ERASE,
	KEY_RETURN,
	KEY_TAB,
	KEY_SIZE, /**< the terminal has another size */
	KEY_QUIT, /**< a signal asks to end */
};

/** Take the terminal over. @return 0, or -ENOTTY with @p error */
int terminal_open(struct jbr_error *error);
/** Give it back as it was. */
void terminal_close(void);
/** How large it is. */
void terminal_size(unsigned *ret_lines, unsigned *ret_columns);
/** Show @p canvas. */
void terminal_show(const struct canvas *canvas);
/** The next key, a character or one of the above; KEY_NONE after @p wait_ms. */
int terminal_key(int wait_ms);
