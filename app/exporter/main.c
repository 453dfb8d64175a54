/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "options.h"
#include "server.h"

enum { EXIT_FINE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static int
put(struct jbr_buffer *text)
{
	bool has_failed = text->failed ||
		fwrite(text->data, 1, text->length, stdout) < text->length;

	has_failed |= fflush(stdout) != 0;
	if (has_failed)
		fprintf(stderr, "jabiru-exporter: cannot write: %s\n", strerror(errno));
	jbr_buffer_fini(text);
	return has_failed ? EXIT_FAILED : EXIT_FINE;
}

int
main(int argc, char **argv)
{
	struct jbr_buffer text = {0};
	struct jbr_error error = {0};
	struct options options;
	int rc = options_parse(argc, argv, &options, &error);

	if (rc == 0 && (options.help || options.version)) {
		if (options.help)
			options_help(&text);
		else
			jbr_buffer_format(&text, "jabiru-exporter %s\n", JABIRU_VERSION);
		return put(&text);
	}
	if (rc < 0) {
		fprintf(stderr, "jabiru-exporter: %s\n", error.text);
		return EXIT_USAGE;
	}
	rc = server_run(&options, &error);
	if (rc < 0)
		fprintf(stderr, "jabiru-exporter: %s\n", error.text);
	return rc == 0 ? EXIT_FINE : rc == -EINVAL ? EXIT_USAGE : EXIT_FAILED;
}
