/* SPDX-License-Identifier: BSD-3-Clause */
#include "jbr_base.h"

#include <stdio.h>

int
jbr_error_set(struct jbr_error *error, int code, const char *format, ...)
{
	va_list args;

	if (error == NULL)
		return code;
	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	return code;
}
