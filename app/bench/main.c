/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>

#include "print.h"
#include "run.h"

static int
measure(const struct options *options)
{
	struct jbr_buffer text = {0};
	struct jbr_error error = {0};
	struct result result;
	int code = EXIT_FINE;
	int rc = run_measure(options, &result, &error);

	if (rc == 0 || rc == -EBADMSG) {
		if (options->json)
			print_json(&text, &result);
		else
			print_text(&text, &result);
		code = cli_print(&options_program, &text);
	}
	if (rc < 0) {
		fprintf(stderr, "jabiru-bench: %s\n", error.text);
		code = EXIT_FAILED;
	}
	return code;
}

static int
verify(const struct options *options)
{
	struct jbr_buffer text = {0};
	struct jbr_error error = {0};
	struct verification verification;
	int code = EXIT_FINE;
	int rc = verify_run(options, &verification, &error);

	if (rc == 0 || rc == -EBADMSG) {
		if (options->json)
			print_verification_json(&text, options, &verification);
		else
			print_verification_text(&text, options, &verification);
		code = cli_print(&options_program, &text);
	}
	if (rc < 0) {
		fprintf(stderr, "jabiru-bench: %s\n", error.text);
		code = EXIT_FAILED;
	}
	return code;
}

int
main(int argc, char **argv)
{
	struct jbr_buffer text = {0};
	struct jbr_error error = {0};
	struct options options;

	if (options_parse(argc, argv, &options, &error) < 0) {
		fprintf(stderr, "jabiru-bench: %s\n", error.text);
		return EXIT_USAGE;
	}
	if (options.call.wish != CLI_RUN) {
		cli_answer(&options_program, &options.call, &text);
		return cli_print(&options_program, &text);
	}
	if (options.scenario->is_later) {
		fprintf(stderr, "jabiru-bench: %s needs pattern matching, which is not there yet\n",
			options.scenario->name);
		return EXIT_FAILED;
	}
	return options.verify ? verify(&options) : measure(&options);
}
