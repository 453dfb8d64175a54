/* SPDX-License-Identifier: BSD-3-Clause */
#include "args.h"
#include "catalog_text.h"
#include "pipeline.h"

#define REPLAY CLI_VERB(VERB_REPLAY)
#define RUN CLI_VERB(VERB_RUN)
#define CHECK CLI_VERB(VERB_CHECK)
#define CATALOG CLI_VERB(VERB_CATALOG)
#define DOCTOR CLI_VERB(VERB_DOCTOR)

static const struct cli_verb verbs[] = {
	[VERB_RUN] = {.name = "run",
		.summary = "analyse live ports until it is ended, then report",
		.usage = "[options]",
		.text = "Analyse what arrives at the configured ports. Ends on SIGTERM or SIGINT, "
			"or after `--duration`: what was received is finished and reported. USR1 "
			"writes the state to standard error, USR2 opens the output files anew, HUP "
			"reads the "
			"configuration again too. "
			"`jabiru doctor` says what the host lacks.",
		.notes = "Only one of report, events and flows may go to standard output."},
	[VERB_REPLAY] = {.name = "replay",
		.summary = "analyse captures and report what every connection and reset was",
		.usage = "CAPTURE... [options]",
		.text = "Analyse capture files (pcap, pcapng; `-` = standard input), merged by "
			"time.",
		.notes = "Only one of report, events and flows may go to standard output: with "
			 "`--flows -` or `--events -` no report is printed.",
		.wanted = "at least one capture",
		.arguments_min = 1,
		.arguments_max = CLI_MANY,
		.arguments = CLI_FILE},
	[VERB_CHECK] = {.name = "check",
		.summary = "test a configuration file strictly",
		.usage = "-c FILE [--migrate]",
		.text = "Read FILE as `replay` would and say every error as file:line:column."},
	[VERB_CATALOG] = {.name = "catalog",
		.summary = "print every anomaly, reset cause, outcome, counter and key",
		.usage = "[--format table|md|json|yaml]",
		.text = "Print the catalogue: a table to read, the page docs/anomalies.md, JSON, "
			"or the sample configuration."},
	[VERB_DOCTOR] = {.name = "doctor",
		.summary = "say what this host lacks, and the command that mends it",
		.usage = "[-c FILE] [--port DEVICE]... [--json]",
		.text = "Look at hugepages, memory, CPUs, NUMA, rights, drivers and the configured "
			"ports, and say what would keep `run` from starting (fail) or make it "
			"worse (warn), each with its fix. Changes nothing and needs no rights. "
			"Exit code 1 if anything fails."},
};

static const struct cli_option options[] = {
	[OPTION_CONFIG] = {.name = "config",
		.letter = 'c',
		.kind = CLI_FILE,
		.argument = "FILE",
		.help = "configuration",
		.preset_text = "the built-in one",
		.verbs = RUN | REPLAY | DOCTOR},
	[OPTION_CONFIG_WANTED] = {.name = "config",
		.letter = 'c',
		.kind = CLI_FILE,
		.argument = "FILE",
		.help = "configuration",
		.verbs = CHECK,
		.wanted_by = CHECK,
		.wanted = "the file"},
	[OPTION_PORT] = {.name = "port",
		.kind = CLI_TEXT,
		.argument = "DEVICE",
		.help = "read DEVICE instead of the configured ports, e.g. "
			"net_af_packet0,iface=eth0 or 0000:03:00.0; may be repeated",
		.verbs = RUN},
	[OPTION_PORT_LOOK] = {.name = "port",
		.kind = CLI_TEXT,
		.argument = "DEVICE",
		.help = "look at DEVICE instead of the configured ports, as `run` has it",
		.verbs = DOCTOR},
	[OPTION_DURATION] = {.name = "duration",
		.kind = CLI_NUMBER,
		.argument = "S",
		.help = "end after S seconds",
		.low = 1,
		.high = 1000000000,
		.verbs = RUN},
	[OPTION_JSON] = {.name = "json",
		.help = "the report as one JSON object",
		.verbs = RUN | REPLAY},
	[OPTION_JSON_FINDINGS] = {.name = "json",
		.help = "the findings as one JSON object",
		.verbs = DOCTOR},
	[OPTION_EVENTS_APPEND] = {.name = "events",
		.kind = CLI_FILE,
		.argument = "FILE",
		.help = "append anomaly events, one JSON object a line; `-` = standard output, "
			"unix:PATH = a socket that somebody listens on",
		.verbs = RUN},
	[OPTION_EVENTS] = {.name = "events",
		.kind = CLI_FILE,
		.argument = "FILE",
		.help = "anomaly events, one JSON object a line; `-` = standard output",
		.verbs = REPLAY},
	[OPTION_FLOWS_APPEND] = {.name = "flows",
		.kind = CLI_FILE,
		.argument = "FILE",
		.help = "append connection records, one JSON object a line; `-` = standard output",
		.verbs = RUN},
	[OPTION_FLOWS] = {.name = "flows",
		.kind = CLI_FILE,
		.argument = "FILE",
		.help = "connection records, one JSON object a line; `-` = standard output",
		.verbs = REPLAY},
	[OPTION_EAL] = {.name = "eal",
		.kind = CLI_TEXT,
		.argument = "\"WORDS\"",
		.help = "options for DPDK beyond those that the configuration sets",
		.verbs = RUN},
	[OPTION_WORKERS] = {.name = "workers",
		.kind = CLI_NUMBER,
		.argument = "N",
		.help = "threads; the results are the same",
		.low = 1,
		.high = WORKERS_MAX,
		.preset = 1,
		.verbs = REPLAY},
	[OPTION_LOOP] = {.name = "loop",
		.kind = CLI_NUMBER,
		.argument = "N",
		.help = "analyse the captures N times, each time later",
		.low = 1,
		.high = 1000000,
		.preset = 1,
		.verbs = REPLAY},
	[OPTION_SPEED] = {.name = "speed",
		.kind = CLI_TEXT,
		.argument = "X|max",
		.help = "X times the speed of the recording",
		.preset_text = "max",
		.verbs = REPLAY},
	[OPTION_PUBLISH] = {.name = "publish",
		.help = "figures and events into shared memory, as `run` does; jabiructl and "
			"jabiru-exporter read them",
		.verbs = REPLAY},
	[OPTION_MIGRATE] = {.name = "migrate",
		.help = "print the file with keys renamed since it was written; this version has "
			"renamed none",
		.verbs = CHECK},
	[OPTION_FORMAT] = {.name = "format",
		.kind = CLI_CHOICE,
		.argument = "FORMAT",
		.choice = catalog_format,
		.preset_text = "table",
		.verbs = CATALOG},
};

static const struct cli_section sections[] = {
	{"SIGNALS",
		"Of `jabiru run`:\n"
		"TERM, INT\tend: what was received is finished and reported.\n"
		"HUP\tread the configuration again, all of it or nothing, and open the output "
		"files anew. Keys that take a restart are named and keep their value.\n"
		"USR1\twrite the state to standard error.\n"
		"USR2\topen the output files anew, after they were renamed."},
	{"FILES",
		"/etc/jabiru/jabiru.yaml\tthe configuration of the service; see jabiru.yaml(5).\n"
		"/dev/shm/jabiru\twhat jabiructl and jabiru-exporter read.\n"
		"/usr/share/jabiru/schema\tJSON schemas of report, events and connection records."},
	{"ENVIRONMENT",
		"NOTIFY_SOCKET, WATCHDOG_USEC\tset by systemd; `run` tells it when ports are up, "
		"when it reloads and ends, and that every worker makes progress."},
	{"EXAMPLES",
		"What was in a capture, and its connections:\n"
		"  jabiru replay capture.pcap\n"
		"  jabiru replay capture.pcap --flows -\n"
		"A kernel interface, for ten seconds:\n"
		"  jabiru run --port net_af_packet0,iface=eth0 --duration 10"},
};

const struct cli_program args_program = {
	.name = "jabiru",
	.version = JABIRU_VERSION,
	.summary = "say where TCP resets and half-open connections come from",
	.text = "Follows TCP connections through time and says where each reset and each half-open "
		"connection came from.",
	.verbs = verbs,
	.nb_verbs = JBR_COUNT_OF(verbs),
	.options = options,
	.nb_options = JBR_COUNT_OF(options),
	.exits = "0 fine, 1 failed, 2 usage.",
	.sections = sections,
	.nb_sections = JBR_COUNT_OF(sections),
	.see_also = "jabiru.yaml(5), jabiru-anomalies(7)",
};
