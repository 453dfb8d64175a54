/* SPDX-License-Identifier: BSD-3-Clause */
#include "print.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "options.h"

int
print_error(const struct jbr_error *error)
{
	fprintf(stderr, "jabiructl: %s\n", error->text);
	return EXIT_FAILED;
}

int
print_text(struct jbr_buffer *text)
{
	struct jbr_error error;
	size_t done = 0;
	int code = EXIT_FINE;

	if (text->failed) {
		jbr_error_set(&error, 0, "%s", strerror(ENOMEM));
		code = print_error(&error);
	}
	while (code == EXIT_FINE && done < text->length) {
		ssize_t n = write(STDOUT_FILENO, text->data + done, text->length - done);

		if (n >= 0) {
			done += (size_t)n;
		} else if (errno != EINTR) {
			jbr_error_set(&error, 0, "cannot write: %s", strerror(errno));
			code = print_error(&error);
		}
	}
	jbr_buffer_fini(text);
	return code;
}
