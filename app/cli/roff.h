/* SPDX-License-Identifier: BSD-3-Clause */
/** @file roff.h
 * Man pages in man(7): text that comes out as it was meant, whatever it holds.
 *
 * Threads: as cli.h.
 */
#pragma once
#include "jbr_base.h"

/** Append the header of a page. @param date  of the version */
void roff_title(struct jbr_buffer *out, const char *name, const char *section, const char *date,
	const char *source);
/** Append a heading of the first level, .SH, or of the second, .SS. */
void roff_heading(struct jbr_buffer *out, const char *macro, const char *text);
/** Append @p text within a line: escaped, `backquotes` in bold. */
void roff_words(struct jbr_buffer *out, const char *text, size_t length);
/** Append paragraphs (cli.h says how they are written), and tagged ones: `term<TAB>text`. */
void roff_paragraphs(struct jbr_buffer *out, const char *text);
