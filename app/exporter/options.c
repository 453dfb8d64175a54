/* SPDX-License-Identifier: BSD-3-Clause */
#include "options.h"

#include <errno.h>
#include <getopt.h>

/* One row an option; the parser and the page come out of it. */
static const struct row {
	char letter; /* '\0': none */
	const char *name;
	const char *argument; /* NULL: takes none */
	const char *help;
} rows[] = {
	{'l', "listen", "ADDRESS:PORT",
		"where to listen, [ADDRESS]:PORT for IPv6; port 0: any free one; may "
		"be repeated (default 127.0.0.1:9734)"},
	{'i', "instance", "NAME|PATH",
		"which sensor: the stats.instance of its configuration, or the file of "
		"its segment (default jabiru)"},
	{'H', "host", "NAME",
		"a name under which browsers may ask, beside localhost and the address they "
		"reached; may be repeated"},
	{'h', "help", NULL, "this page"},
	{'V', "version", NULL, "the version"},
};

enum { NB_ROWS = JBR_COUNT_OF(rows), WIDTH = 72, INDENT = 30 };

/* Words of @p text in lines, those after the first one indented. */
static void
put_wrapped(struct jbr_buffer *out, const char *text)
{
	size_t column = 0;

	while (*text != '\0') {
		size_t length = strcspn(text, " ");

		if (column > 0 && column + 1 + length > WIDTH) {
			jbr_buffer_format(out, "\n%*s", INDENT, "");
			column = 0;
		}
		jbr_buffer_format(out, "%s%.*s", column > 0 ? " " : "", (int)length, text);
		column += length + (column > 0);
		text += length + (text[length] == ' ');
	}
	jbr_buffer_format(out, "\n");
}

void
options_help(struct jbr_buffer *out)
{
	jbr_buffer_format(out,
		"usage: jabiru-exporter [options]\n\n"
		"Serves what a sensor publishes in shared memory over HTTP, until SIGTERM or "
		"SIGINT:\n"
		"/metrics for Prometheus, a live page at /, JSON at /api/v1/status, stats, "
		"history,\n"
		"events, hosts and catalog, and events as they come at /events.\n\n");
	for (size_t i = 0; i < NB_ROWS; i++) {
		const struct row *row = &rows[i];
		size_t start = out->length;

		jbr_buffer_format(out, "  -%c, --%s%s%s", row->letter, row->name,
			row->argument != NULL ? " " : "",
			row->argument != NULL ? row->argument : "");
		jbr_buffer_format(out, "%*s", INDENT - (int)(out->length - start), "");
		put_wrapped(out, row->help);
	}
	jbr_buffer_format(out, "\nExit codes: 0 ended by a signal, 1 failed, 2 usage.\n");
}

static int
add_text(const char **list, unsigned *count, unsigned max, const char *name,
	struct jbr_error *error)
{
	if (*count == max)
		return jbr_error_set(error, -EINVAL, "--%s: at most %u can be given", name, max);
	list[(*count)++] = optarg;
	return 0;
}

static int
take_option(struct options *options, int letter, struct jbr_error *error)
{
	switch (letter) {
	case 'l':
		return add_text(options->listen, &options->nb_listen, OPTIONS_LISTEN_MAX, "listen",
			error);
	case 'H':
		return add_text(options->hosts, &options->nb_hosts, OPTIONS_HOSTS_MAX, "host",
			error);
	case 'i':
		options->instance = optarg;
		return 0;
	case 'h':
		options->help = true;
		return 0;
	case 'V':
		options->version = true;
		return 0;
	case ':':
		return jbr_error_set(error, -EINVAL, "an option wants a value; see --help");
	default:
		return jbr_error_set(error, -EINVAL, "unknown option");
	}
}

int
options_parse(int argc, char **argv, struct options *ret_options, struct jbr_error *error)
{
	struct options options = {.instance = "jabiru"};
	struct option long_options[NB_ROWS + 1] = {{0}};
	char letters[2 + NB_ROWS * 2] = ":";
	size_t length = 1;
	int letter;
	int rc = 0;

	for (size_t i = 0; i < NB_ROWS; i++) {
		long_options[i] = (struct option){rows[i].name,
			rows[i].argument != NULL ? required_argument : no_argument, NULL,
			rows[i].letter};
		letters[length++] = rows[i].letter;
		if (rows[i].argument != NULL)
			letters[length++] = ':';
	}
	opterr = 0;
	optind = 1;
	while (rc == 0 && (letter = getopt_long(argc, argv, letters, long_options, NULL)) != -1) {
		if (letter == '?')
			rc = jbr_error_set(error, -EINVAL, "unknown option '%s'; see --help",
				argv[optind - 1]);
		else
			rc = take_option(&options, letter, error);
	}
	if (rc == 0 && optind < argc)
		rc = jbr_error_set(error, -EINVAL, "unexpected argument '%s'; see --help",
			argv[optind]);
	if (options.nb_listen == 0)
		options.listen[options.nb_listen++] = "127.0.0.1:9734";
	if (rc == 0)
		*ret_options = options;
	return rc;
}
