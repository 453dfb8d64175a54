/* SPDX-License-Identifier: BSD-3-Clause */
#include "args.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>

#include "pipeline.h"

enum {
	OPTION_JSON = 256,
	OPTION_EVENTS,
	OPTION_FLOWS,
	OPTION_WORKERS,
	OPTION_LOOP,
	OPTION_SPEED,
	OPTION_FORMAT,
	OPTION_MIGRATE,
	OPTION_PORT,
	OPTION_EAL,
	OPTION_DURATION,
	OPTION_PUBLISH
};

static const struct {
	const char *name;
	enum verb verb;
	const char *summary;
	const char *page;
} verbs[] = {
	{"run", VERB_RUN, "analyse live ports until it is ended, then report",
		"usage: jabiru run [options]\n"
		"\n"
		"Analyse what arrives at the configured ports. Ends on SIGTERM or SIGINT, or after "
		"--duration:\n"
		"what was received is finished and reported. USR1 writes the state to standard "
		"error, "
		"USR2 opens\n"
		"the output files anew. `jabiru doctor` says what the host lacks.\n"
		"\n"
		"  -c, --config FILE   configuration (default: built-in defaults)\n"
		"      --port DEVICE   read DEVICE instead of the configured ports, e.g.\n"
		"                      net_af_packet0,iface=eth0 or 0000:03:00.0; may be repeated\n"
		"      --duration S    end after S seconds\n"
		"      --json          the report as one JSON object\n"
		"      --events FILE   append anomaly events, one JSON object a line; `-` = "
		"standard "
		"output,\n"
		"                      unix:PATH = the socket PATH, datagrams or a stream\n"
		"      --flows FILE    the same for connection records; both are also keys of the "
		"section\n"
		"                      output of the configuration\n"
		"      --eal \"WORDS\"   options for DPDK beyond those that the configuration "
		"sets\n"
		"  -h, --help\n"
		"\n"
		"Only one of report, events and flows may go to standard output.\n"},
	{"replay", VERB_REPLAY, "analyse captures and report what every connection and reset was",
		"usage: jabiru replay CAPTURE... [options]\n"
		"\n"
		"Analyse capture files (pcap, pcapng; `-` = standard input), merged by time.\n"
		"\n"
		"  -c, --config FILE   configuration (default: built-in defaults)\n"
		"      --json          the report as one JSON object\n"
		"      --events FILE   anomaly events, one JSON object a line; `-` = standard "
		"output\n"
		"      --flows FILE    connection records, one JSON object a line; `-` = standard "
		"output\n"
		"      --workers N     threads, 1 to 64 (default 1); the results are the same\n"
		"      --loop N        analyse the captures N times, each time later\n"
		"      --speed X|max   X times the speed of the recording (default max)\n"
		"      --publish       figures and events into shared memory, as `run` does; "
		"jabiructl and\n"
		"                      jabiru-exporter read them\n"
		"  -h, --help\n"
		"\n"
		"Only one of report, events and flows may go to standard output: with `--flows -` "
		"or\n"
		"`--events -` no report is printed.\n"},
	{"check", VERB_CHECK, "test a configuration file strictly",
		"usage: jabiru check -c FILE [--migrate]\n"
		"\n"
		"Read FILE as `replay` would and say every error as file:line:column.\n"
		"\n"
		"  -c, --config FILE\n"
		"      --migrate       print the file with keys renamed since it was written; this "
		"version\n"
		"                      has renamed none\n"
		"  -h, --help\n"},
	{"catalog", VERB_CATALOG, "print every anomaly, reset cause, outcome, counter and key",
		"usage: jabiru catalog [--format table|md|json|yaml]\n"
		"\n"
		"Print the catalogue: a table to read, the page docs/anomalies.md, JSON, or the "
		"sample\n"
		"configuration.\n"
		"\n"
		"      --format FORMAT (default table)\n"
		"  -h, --help\n"},
	{"doctor", VERB_DOCTOR, "say what this host lacks, and the command that mends it",
		"usage: jabiru doctor [-c FILE] [--port DEVICE]... [--json]\n"
		"\n"
		"Look at hugepages, memory, CPUs, NUMA, rights, drivers and the configured ports, "
		"and say what\n"
		"would keep `run` from starting (fail) or make it worse (warn), each with its fix. "
		"Changes\n"
		"nothing and needs no rights. Exit code 1 if anything fails.\n"
		"\n"
		"  -c, --config FILE   configuration (default: built-in defaults, no ports)\n"
		"      --port DEVICE   look at DEVICE instead of the configured ports, as `run` "
		"has "
		"it\n"
		"      --json          the findings as one JSON object\n"
		"  -h, --help\n"},
	{"version", VERB_VERSION, "print the version", "usage: jabiru version\n"},
	{"help", VERB_HELP, "print this page, or a verb's", "usage: jabiru help [VERB]\n"},
};

void
args_help(const char *verb, struct jbr_buffer *out)
{
	for (size_t i = 0; verb != NULL && i < JBR_COUNT_OF(verbs); i++) {
		if (strcmp(verbs[i].name, verb) != 0)
			continue;
		jbr_buffer_format(out, "%s", verbs[i].page);
		return;
	}
	jbr_buffer_format(out,
		"usage: jabiru VERB [options]\n\n"
		"Follows TCP connections through time and says where each reset and each\n"
		"half-open connection came from.\n\n");
	for (size_t i = 0; i < JBR_COUNT_OF(verbs); i++)
		jbr_buffer_format(out, "  %-8s  %s\n", verbs[i].name, verbs[i].summary);
	jbr_buffer_format(out,
		"\n`jabiru VERB --help` says more. Exit codes: 0 fine, 1 failed, 2 usage.\n");
}

static int
parse_number(const char *option, const char *text, uint32_t high, uint32_t *ret_value,
	struct jbr_error *error)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value < 1 ||
		value > high)
		return jbr_error_set(error, -EINVAL, "--%s: '%s' is not a number from 1 to %u",
			option, text, high);
	*ret_value = (uint32_t)value;
	return 0;
}

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
take_option(struct args *args, int option, struct jbr_error *error)
{
	switch (option) {
	case 'c':
		args->config_path = optarg;
		return 0;
	case 'h':
		args->help_of = args->verb == VERB_HELP ? NULL : args->help_of;
		args->verb = VERB_HELP;
		return 0;
	case OPTION_JSON:
		args->json = true;
		return 0;
	case OPTION_PUBLISH:
		args->publish = true;
		return 0;
	case OPTION_MIGRATE:
		args->migrate = true;
		return 0;
	case OPTION_EVENTS:
		args->events_path = optarg;
		return 0;
	case OPTION_FLOWS:
		args->flows_path = optarg;
		return 0;
	case OPTION_FORMAT:
		args->format = optarg;
		return 0;
	case OPTION_WORKERS:
		return parse_number("workers", optarg, WORKERS_MAX, &args->workers, error);
	case OPTION_LOOP:
		return parse_number("loop", optarg, 1000000, &args->loop, error);
	case OPTION_SPEED:
		return parse_speed(optarg, &args->speed, error);
	case OPTION_PORT:
		if (args->nb_ports == ARGS_PORTS_MAX)
			return jbr_error_set(error, -EINVAL, "--port: at most %d ports are read",
				ARGS_PORTS_MAX);
		args->ports[args->nb_ports++] = optarg;
		return 0;
	case OPTION_EAL:
		args->eal = optarg;
		return 0;
	case OPTION_DURATION:
		return parse_number("duration", optarg, 1000000000, &args->duration_s, error);
	default:
		return -EINVAL;
	}
}

static const struct option run_options[] = {{"config", required_argument, NULL, 'c'},
	{"help", no_argument, NULL, 'h'}, {"json", no_argument, NULL, OPTION_JSON},
	{"events", required_argument, NULL, OPTION_EVENTS},
	{"flows", required_argument, NULL, OPTION_FLOWS},
	{"port", required_argument, NULL, OPTION_PORT},
	{"eal", required_argument, NULL, OPTION_EAL},
	{"duration", required_argument, NULL, OPTION_DURATION}, {NULL, 0, NULL, 0}};
static const struct option replay_options[] = {{"config", required_argument, NULL, 'c'},
	{"help", no_argument, NULL, 'h'}, {"json", no_argument, NULL, OPTION_JSON},
	{"events", required_argument, NULL, OPTION_EVENTS},
	{"flows", required_argument, NULL, OPTION_FLOWS},
	{"workers", required_argument, NULL, OPTION_WORKERS},
	{"loop", required_argument, NULL, OPTION_LOOP},
	{"speed", required_argument, NULL, OPTION_SPEED},
	{"publish", no_argument, NULL, OPTION_PUBLISH}, {NULL, 0, NULL, 0}};
static const struct option check_options[] = {{"config", required_argument, NULL, 'c'},
	{"help", no_argument, NULL, 'h'}, {"migrate", no_argument, NULL, OPTION_MIGRATE},
	{NULL, 0, NULL, 0}};
static const struct option catalog_options[] = {{"format", required_argument, NULL, OPTION_FORMAT},
	{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
static const struct option doctor_options[] = {{"config", required_argument, NULL, 'c'},
	{"help", no_argument, NULL, 'h'}, {"json", no_argument, NULL, OPTION_JSON},
	{"port", required_argument, NULL, OPTION_PORT}, {NULL, 0, NULL, 0}};
static const struct option plain_options[] = {{"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};

static const struct option *
options_of(enum verb verb, const char **ret_short)
{
	*ret_short = verb == VERB_RUN || verb == VERB_REPLAY || verb == VERB_CHECK ||
			verb == VERB_DOCTOR
		? ":c:h"
		: ":h";
	switch (verb) {
	case VERB_RUN:
		return run_options;
	case VERB_REPLAY:
		return replay_options;
	case VERB_CHECK:
		return check_options;
	case VERB_CATALOG:
		return catalog_options;
	case VERB_DOCTOR:
		return doctor_options;
	default:
		return plain_options;
	}
}

static bool
is_stdout(const char *path)
{
	return path != NULL && strcmp(path, "-") == 0;
}

static bool
is_verb(const char *name)
{
	for (size_t i = 0; i < JBR_COUNT_OF(verbs); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return true;
	return false;
}

/* What fits together. */
static int
check_sense(const struct args *args, struct jbr_error *error)
{
	unsigned to_stdout = (unsigned)is_stdout(args->events_path) + is_stdout(args->flows_path) +
		args->json;

	if (args->verb == VERB_REPLAY && args->nb_captures == 0)
		return jbr_error_set(error, -EINVAL, "replay: name at least one capture");
	if ((args->verb == VERB_REPLAY || args->verb == VERB_RUN) && to_stdout > 1)
		return jbr_error_set(error, -EINVAL,
			"only one of --json, --events - and --flows - may go to standard output");
	if (args->verb == VERB_HELP && args->help_of != NULL && !is_verb(args->help_of))
		return jbr_error_set(error, -EINVAL, "help: there is no verb '%s'", args->help_of);
	if (args->verb == VERB_CHECK && args->config_path == NULL)
		return jbr_error_set(error, -EINVAL, "check: name the file with -c FILE");
	if (args->verb != VERB_REPLAY && args->verb != VERB_HELP && args->nb_captures > 0)
		return jbr_error_set(error, -EINVAL, "unexpected argument '%s'", args->captures[0]);
	return 0;
}

static int
find_verb(const char *name, struct args *args, struct jbr_error *error)
{
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		name = "help";
	if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
		name = "version";
	for (size_t i = 0; i < JBR_COUNT_OF(verbs); i++) {
		if (strcmp(verbs[i].name, name) != 0)
			continue;
		args->verb = verbs[i].verb;
		args->help_of = verbs[i].name;
		return 0;
	}
	return jbr_error_set(error, -EINVAL, "unknown verb '%s'; try 'jabiru help'", name);
}

int
args_parse(int argc, char **argv, struct args *ret_args, struct jbr_error *error)
{
	struct args args = {.format = "table", .workers = 1, .loop = 1};
	const struct option *options;
	const char *letters;
	int option;
	int rc;

	if (argc < 2)
		return jbr_error_set(error, -EINVAL, "name a verb; try 'jabiru help'");
	rc = find_verb(argv[1], &args, error);
	if (rc < 0)
		return rc;
	options = options_of(args.verb, &letters);
	opterr = 0;
	optind = 2;
	while ((option = getopt_long(argc, argv, letters, options, NULL)) != -1) {
		if (option == '?')
			return jbr_error_set(error, -EINVAL, "%s: unknown option '%s'", argv[1],
				argv[optind - 1]);
		if (option == ':')
			return jbr_error_set(error, -EINVAL, "%s: '%s' wants a value", argv[1],
				argv[optind - 1]);
		rc = take_option(&args, option, error);
		if (rc < 0)
			return rc;
	}
	args.captures = (const char *const *)&argv[optind];
	args.nb_captures = (size_t)(argc - optind);
	if (args.verb == VERB_HELP && strcmp(argv[1], "help") == 0)
		args.help_of = args.nb_captures > 0 ? args.captures[0] : NULL;
	rc = check_sense(&args, error);
	if (rc == 0)
		*ret_args = args;
	return rc;
}
