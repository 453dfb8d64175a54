/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "args.h"
#include "catalog_text.h"
#include "doctor.h"
#include "jbr_config.h"
#include "replay.h"
#include "run.h"

static int
print(struct jbr_buffer *text)
{
	return cli_print(&args_program, text);
}

static int
load_config(const char *path, struct jbr_config *ret_config)
{
	struct jbr_config_errors errors = {0};
	int rc = 0;

	jbr_config_defaults(ret_config);
	if (path != NULL)
		rc = jbr_config_load(path, ret_config, &errors);
	if (rc < 0)
		fprintf(stderr, "%.*s", (int)errors.text.length, errors.text.data);
	jbr_buffer_fini(&errors.text);
	return rc;
}

/* No key has been renamed yet, so a file that is right is as this version wants it. */
static int
print_migrated(const char *path)
{
	struct jbr_buffer text = {0};
	FILE *file = fopen(path, "re");
	char *at;
	int rc;

	if (file == NULL) {
		fprintf(stderr, "jabiru: cannot open '%s': %s\n", path, strerror(errno));
		return EXIT_FAILED;
	}
	while (text.length <= JBR_CONFIG_BYTES_MAX &&
		(at = jbr_buffer_reserve(&text, BUFSIZ)) != NULL) {
		size_t n = fread(at, 1, BUFSIZ, file);

		if (n == 0)
			break;
		text.length += n;
	}
	fclose(file);
	rc = print(&text);
	jbr_buffer_fini(&text);
	return rc;
}

static int
run_check(const struct args *args)
{
	struct jbr_buffer text = {0};
	struct jbr_config config;
	int rc;

	if (load_config(args->config_path, &config) < 0)
		return EXIT_FAILED;
	if (args->migrate)
		return print_migrated(args->config_path);
	jbr_buffer_format(&text, "%s: no errors\n", args->config_path);
	rc = print(&text);
	jbr_buffer_fini(&text);
	return rc;
}

static int
run_replay(const struct args *args)
{
	struct jbr_config config;

	if (load_config(args->config_path, &config) < 0)
		return EXIT_FAILED;
	return replay_run(args, &config);
}

static int
run_run(const struct args *args)
{
	struct jbr_config config;

	if (load_config(args->config_path, &config) < 0)
		return EXIT_FAILED;
	return run_live(args, &config);
}

static int
run_catalog(const struct args *args)
{
	struct jbr_buffer text = {0};

	catalog_print(args->format, &text);
	return print(&text);
}

static int
run_doctor(const struct args *args)
{
	struct jbr_buffer text = {0};
	struct jbr_error error = {0};
	struct jbr_config config;
	int code;

	if (load_config(args->config_path, &config) < 0)
		return EXIT_FAILED;
	code = doctor_run(args, &config, &text, &error);
	if (error.text[0] != '\0')
		fprintf(stderr, "jabiru: %s\n", error.text);
	else if (print(&text) != EXIT_FINE)
		code = EXIT_FAILED;
	jbr_buffer_fini(&text);
	return code;
}

static int
run_text(const struct args *args)
{
	struct jbr_buffer text = {0};

	cli_answer(&args_program, &args->call, &text);
	return print(&text);
}

/* A closed standard stream would lend its number to the next file that is opened. Its place is taken
 * by what can neither be read nor, for output, written. */
static void
fill_standard_streams(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			(void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

int
main(int argc, char **argv)
{
	struct jbr_error error = {0};
	struct args args;

	fill_standard_streams();
	/* a reader that goes away, or a limit on file sizes, is a write error, said as such */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	if (args_parse(argc, argv, &args, &error) < 0) {
		fprintf(stderr, "jabiru: %s\n", error.text);
		return EXIT_USAGE;
	}
	if (args.call.wish != CLI_RUN)
		return run_text(&args);
	switch (args.verb) {
	case VERB_RUN:
		return run_run(&args);
	case VERB_REPLAY:
		return run_replay(&args);
	case VERB_CHECK:
		return run_check(&args);
	case VERB_CATALOG:
		return run_catalog(&args);
	case VERB_DOCTOR:
		return run_doctor(&args);
	}
	return EXIT_USAGE;
}
