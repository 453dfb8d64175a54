/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>

#include "options.h"
#include "server.h"

int
main(int argc, char **argv)
{
	struct jbr_buffer text = {0};
	struct jbr_error error = {0};
	struct options options;
	int rc = options_parse(argc, argv, &options, &error);

	if (rc == 0 && options.call.wish != CLI_RUN) {
		cli_answer(&exporter_program, &options.call, &text);
		return cli_print(&exporter_program, &text);
	}
	if (rc == 0)
		rc = server_run(&options, &error);
	if (rc < 0)
		fprintf(stderr, "jabiru-exporter: %s\n", error.text);
	return rc == 0 ? EXIT_FINE : rc == -EINVAL ? EXIT_USAGE : EXIT_FAILED;
}
