/* SPDX-License-Identifier: BSD-3-Clause */
/** @file print.h
 * To standard output and standard error.
 */
#pragma once
#include "jbr_base.h"

/** Write @p text to standard output and release it. @return EXIT_FINE, or EXIT_FAILED after a message */
int print_text(struct jbr_buffer *text);
/** Say why something failed. @return EXIT_FAILED */
int print_error(const struct jbr_error *error);
