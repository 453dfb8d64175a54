/* SPDX-License-Identifier: BSD-3-Clause */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>

#include "generator.h"
#include "lane.h"
#include "samples.h"

enum {
	OPTION_SCENARIO = 256,
	OPTION_FLOWS,
	OPTION_ROOM,
	OPTION_WORKERS,
	OPTION_SECONDS,
	OPTION_PACKETS,
	OPTION_ROUNDS,
	OPTION_FLOOD,
	OPTION_SPACING,
	OPTION_VERIFY,
	OPTION_JSON,
};

enum { ROOM_FOR_FLOOD = 1 << 20, ROOM_MAX = 1 << 26, VERIFY_PACKETS = 500000 };

static const struct option long_options[] = {{"scenario", required_argument, NULL, OPTION_SCENARIO},
	{"flows", required_argument, NULL, OPTION_FLOWS},
	{"room", required_argument, NULL, OPTION_ROOM},
	{"workers", required_argument, NULL, OPTION_WORKERS},
	{"seconds", required_argument, NULL, OPTION_SECONDS},
	{"packets", required_argument, NULL, OPTION_PACKETS},
	{"rounds", required_argument, NULL, OPTION_ROUNDS},
	{"flood", required_argument, NULL, OPTION_FLOOD},
	{"spacing-ns", required_argument, NULL, OPTION_SPACING},
	{"verify", no_argument, NULL, OPTION_VERIFY}, {"json", no_argument, NULL, OPTION_JSON},
	{"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'V'}, {NULL, 0, NULL, 0}};

void
options_help(struct jbr_buffer *out)
{
	unsigned count;
	const struct scenario *scenarios = scenario_all(&count);

	jbr_buffer_format(out,
		"usage: jabiru-bench --scenario NAME [options]\n\n"
		"Times jabiru's burst function on packets made in memory, in TSC cycles.\n\n"
		"      --scenario NAME  what traffic:\n");
	for (unsigned i = 0; i < count; i++)
		jbr_buffer_format(out, "                         %-12s  %s\n", scenarios[i].name,
			scenarios[i].summary);
	jbr_buffer_format(out,
		"      --flows N        established connections of each worker, up to %u\n"
		"                       (default 1000000; with --verify 20000)\n"
		"      --room N         places in its table beside them (default 1048576 where\n"
		"                       there is a flood, else as many as chance asks for)\n"
		"      --workers N      threads, each on a CPU and with a table of its own "
		"(default 1)\n"
		"      --seconds S      for all timed loops (default 3)\n"
		"      --packets N      for all rounds of a worker, instead of --seconds: the "
		"same\n"
		"                       number gives the same digest (with --verify default %d)\n"
		"      --rounds R       rounds, up to %d (default 10)\n"
		"      --flood LIST     of syn, ack, data, rst, fin (default syn,ack,rst for "
		"mixed)\n"
		"      --spacing-ns N   time between packets on their own clock (default %d)\n"
		"      --verify         compare with a slow reference on the same packets; no "
		"timing\n"
		"      --json           the result as one JSON object\n"
		"  -h, --help\n"
		"  -V, --version\n\n"
		"Exit codes: 0 fine, 1 failed, or what must add up does not, 2 usage.\n",
		GENERATOR_FLOWS_MAX, VERIFY_PACKETS, SAMPLES_MAX, LANE_SPACING_NS);
}

static int
read_number(const char *option, uint64_t low, uint64_t high, uint64_t *ret_value,
	struct jbr_error *error)
{
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(optarg, &end, 10);
	if (optarg[0] < '0' || optarg[0] > '9' || *end != '\0' || errno != 0 || value < low ||
		value > high)
		return jbr_error_set(error, -EINVAL, "--%s: '%s' is not a number from %llu to %llu",
			option, optarg, (unsigned long long)low, (unsigned long long)high);
	*ret_value = value;
	return 0;
}

static int
read_number32(const char *option, uint32_t low, uint32_t high, uint32_t *ret_value,
	struct jbr_error *error)
{
	uint64_t value = 0;
	int rc = read_number(option, low, high, &value, error);

	if (rc == 0)
		*ret_value = (uint32_t)value;
	return rc;
}

static int
read_seconds(double *ret_seconds, struct jbr_error *error)
{
	char *end;
	double value = strtod(optarg, &end);

	if (optarg[strspn(optarg, "0123456789.")] != '\0' || *end != '\0' || !(value >= 0.1) ||
		value > 3600)
		return jbr_error_set(error, -EINVAL,
			"--seconds: '%s' is not a number from 0.1 to 3600", optarg);
	*ret_seconds = value;
	return 0;
}

static int
read_scenario(struct options *options, struct jbr_error *error)
{
	options->scenario = scenario_find(optarg);
	if (options->scenario == NULL)
		return jbr_error_set(error, -EINVAL,
			"--scenario: there is no '%s'; --help lists them", optarg);
	return 0;
}

static int
take_option(struct options *options, int option, struct jbr_error *error)
{
	switch (option) {
	case OPTION_SCENARIO:
		return read_scenario(options, error);
	case OPTION_FLOWS:
		return read_number32("flows", 1, GENERATOR_FLOWS_MAX, &options->flows, error);
	case OPTION_ROOM:
		return read_number32("room", 1, ROOM_MAX, &options->room, error);
	case OPTION_WORKERS:
		return read_number32("workers", 1, OPTIONS_WORKERS_MAX, &options->workers, error);
	case OPTION_SECONDS:
		return read_seconds(&options->seconds, error);
	case OPTION_PACKETS:
		return read_number("packets", 1, UINT64_C(1) << 40, &options->packets, error);
	case OPTION_ROUNDS:
		return read_number32("rounds", 1, SAMPLES_MAX, &options->rounds, error);
	case OPTION_FLOOD:
		return scenario_read_flood(optarg, &options->flood, error);
	case OPTION_SPACING:
		return read_number32("spacing-ns", 1, 1000000000, &options->spacing_ns, error);
	case OPTION_VERIFY:
		options->verify = true;
		return 0;
	case OPTION_JSON:
		options->json = true;
		return 0;
	case 'h':
		options->help = true;
		return 0;
	case 'V':
		options->version = true;
		return 0;
	default:
		return jbr_error_set(error, -EINVAL, "unknown option");
	}
}

/* Connections fall into 64 shards by chance: room for eight times the usual deviation; and of a shard
 * one place in sixteen is not for them. */
static uint32_t
room_for_chance(uint32_t flows)
{
	uint32_t deviation = 1;
	uint32_t room;

	while ((uint64_t)deviation * deviation * 64 < flows)
		deviation++;
	room = 64 * 8 * (deviation + 1);
	return room + (flows + room) / 15;
}

static int
check_sense(struct options *options, struct jbr_error *error)
{
	bool is_flooded;

	if (options->help || options->version)
		return 0;
	if (options->scenario == NULL)
		return jbr_error_set(error, -EINVAL, "name a scenario with --scenario NAME");
	is_flooded = options->scenario->share != SHARE_NONE;
	if (!is_flooded && options->flood != 0)
		return jbr_error_set(error, -EINVAL, "--flood: there is no flood in %s",
			options->scenario->name);
	if (options->verify && options->workers > 1)
		return jbr_error_set(error, -EINVAL, "--verify: works with one worker");
	if (options->flows == 0)
		options->flows = options->verify ? 20000 : 1000000;
	if (options->flood == 0)
		options->flood = options->scenario->flood;
	if (options->verify && options->packets == 0)
		options->packets = VERIFY_PACKETS;
	if (options->room == 0)
		options->room = room_for_chance(options->flows) + (is_flooded ? ROOM_FOR_FLOOD : 0);
	return 0;
}

int
options_parse(int argc, char **argv, struct options *ret_options, struct jbr_error *error)
{
	struct options options = {.workers = 1,
		.rounds = 10,
		.seconds = 3,
		.spacing_ns = LANE_SPACING_NS};
	int option;
	int rc = 0;

	opterr = 0;
	optind = 1;
	while (rc == 0 && (option = getopt_long(argc, argv, ":hV", long_options, NULL)) != -1) {
		if (option == '?')
			rc = jbr_error_set(error, -EINVAL, "unknown option '%s'", argv[optind - 1]);
		else if (option == ':')
			rc = jbr_error_set(error, -EINVAL, "'%s' wants a value", argv[optind - 1]);
		else
			rc = take_option(&options, option, error);
	}
	if (rc == 0 && optind < argc)
		rc = jbr_error_set(error, -EINVAL, "unexpected argument '%s'", argv[optind]);
	if (rc == 0)
		rc = check_sense(&options, error);
	if (rc == 0)
		*ret_options = options;
	return rc;
}
