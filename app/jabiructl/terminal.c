/* SPDX-License-Identifier: BSD-3-Clause */
#include "terminal.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <ncurses.h>

enum { PAIR_WARN = 1, PAIR_ALERT, PAIR_GOOD, ESCAPE_MS = 25 };

static SCREEN *screen;
static volatile sig_atomic_t wants_end;

static void
on_signal(int number)
{
	(void)number;
	wants_end = 1;
}

int
terminal_open(struct jbr_error *error)
{
	struct sigaction action = {.sa_handler = on_signal};
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};

	if (isatty(STDIN_FILENO) != 1 || isatty(STDOUT_FILENO) != 1)
		return jbr_error_set(error, -ENOTTY,
			"this is no terminal: `jabiructl top --once` prints one screen");
	screen = newterm(NULL, stdout, stdin);
	if (screen == NULL)
		return jbr_error_set(error, -ENOTTY,
			"this terminal (TERM=%s) cannot be drawn on: `jabiructl top --once` prints "
			"one screen",
			getenv("TERM") == NULL ? "" : getenv("TERM"));
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < JBR_COUNT_OF(numbers); i++)
		(void)sigaction(numbers[i], &action, NULL);
	set_escdelay(ESCAPE_MS);
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	curs_set(0);
	if (has_colors()) {
		start_color();
		use_default_colors();
		init_pair(PAIR_WARN, COLOR_YELLOW, -1);
		init_pair(PAIR_ALERT, COLOR_RED, -1);
		init_pair(PAIR_GOOD, COLOR_GREEN, -1);
	}
	return 0;
}

void
terminal_close(void)
{
	if (screen == NULL)
		return;
	endwin();
	delscreen(screen);
	screen = NULL;
}

void
terminal_size(unsigned *ret_lines, unsigned *ret_columns)
{
	*ret_lines = (unsigned)getmaxy(stdscr);
	*ret_columns = (unsigned)getmaxx(stdscr);
}

static attr_t
attributes_of(unsigned look)
{
	switch ((enum look)look) {
	case LOOK_PLAIN:
		return A_NORMAL;
	case LOOK_STRONG:
		return A_BOLD;
	case LOOK_FAINT:
		return A_DIM;
	case LOOK_BAR:
	case LOOK_CHOSEN:
		return A_REVERSE;
	case LOOK_WARN:
		return A_BOLD | (attr_t)COLOR_PAIR(PAIR_WARN);
	case LOOK_ALERT:
		return A_BOLD | (attr_t)COLOR_PAIR(PAIR_ALERT);
	case LOOK_GOOD:
		return (attr_t)COLOR_PAIR(PAIR_GOOD);
	}
	return A_NORMAL;
}

void
terminal_show(const struct canvas *canvas)
{
	erase();
	for (unsigned line = 0; line < canvas->lines; line++) {
		for (unsigned column = 0; column < canvas->columns; column++) {
			const struct cell *cell = &canvas->cells[line * canvas->columns + column];

			if (cell->text[0] == '\0')
				continue;
			attrset((int)attributes_of(cell->look));
			mvaddstr((int)line, (int)column, cell->text);
		}
	}
	attrset(A_NORMAL);
	refresh();
}

int
terminal_key(int wait_ms)
{
	static const struct {
		int curses;
		int key;
	} keys[] = {{KEY_UP, KEY_ARROW_UP}, {KEY_DOWN, KEY_ARROW_DOWN}, {KEY_PPAGE, KEY_PAGE_UP},
		{KEY_NPAGE, KEY_PAGE_DOWN}, {KEY_HOME, KEY_TO_START}, {KEY_END, KEY_TO_END},
		{KEY_BACKSPACE, KEY_ERASE}, {KEY_DC, KEY_ERASE}, {8, KEY_ERASE}, {127, KEY_ERASE},
		{KEY_ENTER, KEY_RETURN}, {'\r', KEY_RETURN}, {'\n', KEY_RETURN}, {'\t', KEY_TAB},
		{KEY_RESIZE, KEY_SIZE}};
	int key;

	if (wants_end)
		return KEY_QUIT;
	timeout(wait_ms);
	key = getch();
	if (wants_end)
		return KEY_QUIT;
	if (key == ERR)
		return KEY_NONE;
	for (size_t i = 0; i < JBR_COUNT_OF(keys); i++)
		if (keys[i].curses == key)
			return keys[i].key;
	return key < 256 ? key : KEY_OTHER;
}
