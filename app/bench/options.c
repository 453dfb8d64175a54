/* SPDX-License-Identifier: BSD-3-Clause */
#include "options.h"

#include <errno.h>
#include <stdlib.h>

#include "generator.h"
#include "lane.h"
#include "samples.h"

enum {
	OPTION_SCENARIO,
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

/* Defaults that the help page names in words of its own. */
#define FLOWS "1000000"
#define VERIFY_FLOWS "20000"
#define VERIFY_PACKETS "500000"

enum { ROOM_FOR_FLOOD = 1 << 20, ROOM_MAX = 1 << 26, ROUNDS = 10 };

static const char *
scenario_choice(unsigned index, const char **ret_summary)
{
	unsigned count;
	const struct scenario *scenarios = scenario_all(&count);

	if (index >= count)
		return NULL;
	*ret_summary = scenarios[index].summary;
	return scenarios[index].name;
}

static const struct cli_verb verbs[] = {{.usage = "--scenario NAME [options]"}};

static const struct cli_option rows[] = {
	[OPTION_SCENARIO] = {.name = "scenario",
		.kind = CLI_CHOICE,
		.argument = "NAME",
		.help = "what traffic:",
		.choice = scenario_choice,
		.wanted_by = CLI_VERB(0),
		.wanted = "a scenario"},
	[OPTION_FLOWS] = {.name = "flows",
		.kind = CLI_NUMBER,
		.argument = "N",
		.help = "established connections of each worker",
		.low = 1,
		.high = GENERATOR_FLOWS_MAX,
		.preset_text = FLOWS "; with --verify " VERIFY_FLOWS},
	[OPTION_ROOM] = {.name = "room",
		.kind = CLI_NUMBER,
		.argument = "N",
		.help = "places in its table beside them",
		.low = 1,
		.high = ROOM_MAX,
		.preset_text = "1048576 where there is a flood, else as many as chance asks for"},
	[OPTION_WORKERS] = {.name = "workers",
		.kind = CLI_NUMBER,
		.argument = "N",
		.help = "threads, each on a CPU and with a table of its own",
		.low = 1,
		.high = OPTIONS_WORKERS_MAX,
		.preset = 1},
	[OPTION_SECONDS] = {.name = "seconds",
		.kind = CLI_TEXT,
		.argument = "S",
		.help = "for all timed loops",
		.preset_text = "3"},
	[OPTION_PACKETS] = {.name = "packets",
		.kind = CLI_NUMBER,
		.argument = "N",
		.help = "for all rounds of a worker, instead of --seconds: the same number gives "
			"the same digest",
		.preset_text = "none; with --verify " VERIFY_PACKETS,
		.low = 1,
		.high = UINT64_C(1) << 40},
	[OPTION_ROUNDS] = {.name = "rounds",
		.kind = CLI_NUMBER,
		.argument = "R",
		.help = "rounds",
		.low = 1,
		.high = SAMPLES_MAX,
		.preset = ROUNDS},
	[OPTION_FLOOD] = {.name = "flood",
		.kind = CLI_TEXT,
		.argument = "LIST",
		.help = "of syn, ack, data, rst, fin",
		.preset_text = "syn,ack,rst for mixed"},
	[OPTION_SPACING] = {.name = "spacing-ns",
		.kind = CLI_NUMBER,
		.argument = "N",
		.help = "time between packets on their own clock",
		.low = 1,
		.high = 1000000000,
		.preset = LANE_SPACING_NS},
	[OPTION_VERIFY] = {.name = "verify",
		.help = "compare with a slow reference on the same packets; no timing"},
	[OPTION_JSON] = {.name = "json", .help = "the result as one JSON object"},
};

const struct cli_program options_program = {
	.name = "jabiru-bench",
	.version = JABIRU_VERSION,
	.summary = "time jabiru's burst function",
	.text = "Times jabiru's burst function on packets made in memory, in TSC cycles.",
	.verbs = verbs,
	.nb_verbs = JBR_COUNT_OF(verbs),
	.options = rows,
	.nb_options = JBR_COUNT_OF(rows),
	.exits = "0 fine, 1 failed, or what must add up does not, 2 usage.",
};

static int
read_seconds(const char *text, double *ret_seconds, struct jbr_error *error)
{
	char *end;
	double value = strtod(text, &end);

	if (text[strspn(text, "0123456789.")] != '\0' || *end != '\0' || !(value >= 0.1) ||
		value > 3600)
		return jbr_error_set(error, -EINVAL,
			"--seconds: '%s' is not a number from 0.1 to 3600", text);
	*ret_seconds = value;
	return 0;
}

static int
take_option(void *context, unsigned option, const struct cli_value *value, struct jbr_error *error)
{
	struct options *options = context;

	switch (option) {
	case OPTION_SCENARIO:
		options->scenario = scenario_find(value->text);
		break;
	case OPTION_FLOWS:
		options->flows = (uint32_t)value->number;
		break;
	case OPTION_ROOM:
		options->room = (uint32_t)value->number;
		break;
	case OPTION_WORKERS:
		options->workers = (uint32_t)value->number;
		break;
	case OPTION_PACKETS:
		options->packets = value->number;
		break;
	case OPTION_ROUNDS:
		options->rounds = (uint32_t)value->number;
		break;
	case OPTION_SPACING:
		options->spacing_ns = (uint32_t)value->number;
		break;
	case OPTION_VERIFY:
		options->verify = true;
		break;
	case OPTION_JSON:
		options->json = true;
		break;
	case OPTION_SECONDS:
		return read_seconds(value->text, &options->seconds, error);
	case OPTION_FLOOD:
		return scenario_read_flood(value->text, &options->flood, error);
	}
	return 0;
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

static uint32_t
number_of(const char *preset)
{
	return (uint32_t)strtoul(preset, NULL, 10);
}

static int
check_sense(struct options *options, struct jbr_error *error)
{
	bool is_flooded;

	is_flooded = options->scenario->share != SHARE_NONE;
	if (!is_flooded && options->flood != 0)
		return jbr_error_set(error, -EINVAL, "--flood: there is no flood in %s",
			options->scenario->name);
	if (options->verify && options->workers > 1)
		return jbr_error_set(error, -EINVAL, "--verify: works with one worker");
	if (options->flows == 0)
		options->flows = number_of(options->verify ? VERIFY_FLOWS : FLOWS);
	if (options->flood == 0)
		options->flood = options->scenario->flood;
	if (options->verify && options->packets == 0)
		options->packets = number_of(VERIFY_PACKETS);
	if (options->room == 0)
		options->room = room_for_chance(options->flows) + (is_flooded ? ROOM_FOR_FLOOD : 0);
	return 0;
}

int
options_parse(int argc, char **argv, struct options *ret_options, struct jbr_error *error)
{
	struct options options = {.workers = 1,
		.rounds = ROUNDS,
		.seconds = 3,
		.spacing_ns = LANE_SPACING_NS};
	int rc;

	options.call = (struct cli_call){.take = take_option, .context = &options};
	rc = cli_parse(&options_program, argc, argv, &options.call, error);
	if (rc == 0 && options.call.wish == CLI_RUN)
		rc = check_sense(&options, error);
	if (rc == 0)
		*ret_options = options;
	return rc;
}
