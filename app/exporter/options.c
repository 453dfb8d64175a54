/* SPDX-License-Identifier: BSD-3-Clause */
#include "options.h"

#include <errno.h>

enum { OPTION_LISTEN, OPTION_INSTANCE, OPTION_HOST };

static const char default_listen[] = "127.0.0.1:9734";

static const struct cli_verb verbs[] = {{.usage = "[options]"}};

static const struct cli_option rows[] = {
	[OPTION_LISTEN] = {.name = "listen",
		.letter = 'l',
		.kind = CLI_TEXT,
		.argument = "ADDRESS:PORT",
		.help = "where to listen, [ADDRESS]:PORT for IPv6; port 0: any free one; may be "
			"repeated",
		.preset_text = default_listen},
	[OPTION_INSTANCE] = {.name = "instance",
		.letter = 'i',
		.kind = CLI_FILE,
		.argument = "NAME|PATH",
		.help = "which sensor: the stats.instance of its configuration, or the file of its "
			"segment",
		.preset_text = "jabiru"},
	[OPTION_HOST] = {.name = "host",
		.letter = 'H',
		.kind = CLI_TEXT,
		.argument = "NAME",
		.help = "a name under which browsers may ask, beside localhost and the address "
			"they "
			"reached; may be repeated"},
};

static const struct cli_section sections[] = {
	{"FILES",
		"/dev/shm/jabiru/NAME\tThe segment of the sensor NAME, which its group may read.\n"
		"/usr/share/jabiru/prometheus\tA scrape configuration, recording and alert rules.\n"
		"/usr/share/jabiru/grafana/jabiru.json\tA dashboard."},
};

const struct cli_program exporter_program = {
	.name = "jabiru-exporter",
	.version = JABIRU_VERSION,
	.summary = "serve what a jabiru sensor publishes over HTTP",
	.text = "Serves what a sensor publishes in shared memory over HTTP, until SIGTERM or "
		"SIGINT: "
		"`/metrics` for Prometheus, a live page at `/`, JSON at `/api/v1/status`, `stats`, "
		"`history`, `events`, `hosts` and `catalog`, and events as they come at `/events`.",
	.verbs = verbs,
	.nb_verbs = JBR_COUNT_OF(verbs),
	.options = rows,
	.nb_options = JBR_COUNT_OF(rows),
	.exits = "0 ended by a signal, 1 failed, 2 usage.",
	.sections = sections,
	.nb_sections = JBR_COUNT_OF(sections),
	.see_also = "jabiru(1), jabiru-anomalies(7)",
};

static int
add_text(const char **list, unsigned *count, unsigned max, const struct cli_value *value)
{
	if (*count == max)
		return -EINVAL;
	list[(*count)++] = value->text;
	return 0;
}

static int
take_option(void *context, unsigned option, const struct cli_value *value, struct jbr_error *error)
{
	struct options *options = context;
	int rc = 0;

	if (option == OPTION_INSTANCE)
		options->instance = value->text;
	else if (option == OPTION_LISTEN)
		rc = add_text(options->listen, &options->nb_listen, OPTIONS_LISTEN_MAX, value);
	else
		rc = add_text(options->hosts, &options->nb_hosts, OPTIONS_HOSTS_MAX, value);
	return rc == 0
		? 0
		: jbr_error_set(error, rc, "--%s: at most %d can be given", rows[option].name,
			  option == OPTION_LISTEN ? OPTIONS_LISTEN_MAX : OPTIONS_HOSTS_MAX);
}

int
options_parse(int argc, char **argv, struct options *ret_options, struct jbr_error *error)
{
	struct options options = {.instance = "jabiru"};
	int rc;

	options.call = (struct cli_call){.take = take_option, .context = &options};
	rc = cli_parse(&exporter_program, argc, argv, &options.call, error);
	if (options.nb_listen == 0)
		options.listen[options.nb_listen++] = default_listen;
	if (rc == 0)
		*ret_options = options;
	return rc;
}
