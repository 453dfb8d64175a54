/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes the man page or the bash completion of one program: built once for each, with its table, which
 * the build names in CLI_PROGRAM. usage: generate manual DATE | generate completion */
#include <stdio.h>

#include "cli.h"

extern const struct cli_program CLI_PROGRAM;

int
main(int argc, char **argv)
{
	struct jbr_buffer out = {0};

	if (argc == 3 && strcmp(argv[1], "manual") == 0) {
		cli_manual(&CLI_PROGRAM, argv[2], &out);
	} else if (argc == 2 && strcmp(argv[1], "completion") == 0) {
		cli_completion(&CLI_PROGRAM, &out);
	} else {
		fprintf(stderr, "usage: %s manual DATE | completion\n", argv[0]);
		return EXIT_USAGE;
	}
	return cli_print(&CLI_PROGRAM, &out);
}
