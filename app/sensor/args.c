/* SPDX-License-Identifier: BSD-3-Clause */
#include "args.h"

#include <errno.h>
#include <stdlib.h>

static int
parse_speed(const char *text, double *ret_speed, struct jbr_error *error)
{
	char *end;

	if (strcmp(text, "max") == 0) {
		*ret_speed = 0;
		return 0;
	}
	*ret_speed = strtod(text, &end);
	if (strspn(text, "0123456789.") != strlen(text) || text[0] < '0' || text[0] > '9' ||
		*end != '\0' || !(*ret_speed > 0) || *ret_speed > 1e6)
		return jbr_error_set(error, -EINVAL,
			"--speed: '%s' is neither 'max' nor a number above 0 and up to 1000000",
			text);
	return 0;
}

static int
take_port(struct args *args, const char *device, struct jbr_error *error)
{
	if (args->nb_ports == ARGS_PORTS_MAX)
		return jbr_error_set(error, -EINVAL, "--port: at most %d ports are read",
			ARGS_PORTS_MAX);
	args->ports[args->nb_ports++] = device;
	return 0;
}

static int
take_option(void *context, unsigned option, const struct cli_value *value, struct jbr_error *error)
{
	struct args *args = context;

	switch ((enum args_option)option) {
	case OPTION_CONFIG:
	case OPTION_CONFIG_WANTED:
		args->config_path = value->text;
		break;
	case OPTION_JSON:
	case OPTION_JSON_FINDINGS:
		args->json = true;
		break;
	case OPTION_PUBLISH:
		args->publish = true;
		break;
	case OPTION_MIGRATE:
		args->migrate = true;
		break;
	case OPTION_EVENTS:
	case OPTION_EVENTS_APPEND:
		args->events_path = value->text;
		break;
	case OPTION_FLOWS:
	case OPTION_FLOWS_APPEND:
		args->flows_path = value->text;
		break;
	case OPTION_FORMAT:
		args->format = value->text;
		break;
	case OPTION_WORKERS:
		args->workers = (uint32_t)value->number;
		break;
	case OPTION_LOOP:
		args->loop = (uint32_t)value->number;
		break;
	case OPTION_DURATION:
		args->duration_s = (uint32_t)value->number;
		break;
	case OPTION_EAL:
		args->eal = value->text;
		break;
	case OPTION_SPEED:
		return parse_speed(value->text, &args->speed, error);
	case OPTION_PORT:
	case OPTION_PORT_LOOK:
		return take_port(args, value->text, error);
	}
	return 0;
}

static bool
is_stdout(const char *path)
{
	return path != NULL && strcmp(path, "-") == 0;
}

int
args_parse(int argc, char **argv, struct args *ret_args, struct jbr_error *error)
{
	struct args args = {.format = "table", .workers = 1, .loop = 1};
	int rc;

	args.call = (struct cli_call){.take = take_option, .context = &args};
	rc = cli_parse(&args_program, argc, argv, &args.call, error);
	if (rc < 0)
		return rc;
	if (args.call.wish == CLI_RUN) {
		args.verb = (enum verb)args.call.verb;
		args.captures = args.call.arguments;
		args.nb_captures = args.call.nb_arguments;
		if (is_stdout(args.events_path) + is_stdout(args.flows_path) + args.json > 1)
			return jbr_error_set(error, -EINVAL,
				"only one of --json, --events - and --flows - may go to standard "
				"output");
	}
	*ret_args = args;
	return 0;
}
