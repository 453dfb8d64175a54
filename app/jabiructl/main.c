/* SPDX-License-Identifier: BSD-3-Clause */
#include <locale.h>
#include <signal.h>
#include <stdio.h>

#include "probe.h"
#include "verbs.h"

static int
print_page(const struct options *options)
{
	struct jbr_buffer text = {0};

	if (options->verb == VERB_HELP) {
		options_help(options->nb_words > 0 ? options->words[0] : NULL, &text);
	} else if (options->json) {
		struct jbr_json json;

		jbr_json_init(&json, &text);
		jbr_json_object_open(&json, NULL);
		jbr_json_string(&json, "version", JABIRU_VERSION);
		jbr_json_object_close(&json);
		jbr_buffer_append(&text, "\n", 1);
	} else {
		jbr_buffer_format(&text, "jabiructl %s\n", JABIRU_VERSION);
	}
	return print_text(&text);
}

int
main(int argc, char **argv)
{
	struct jbr_error error = {0};
	struct options options;
	int rc;

	/* a reader that goes away is a write error, said as such */
	signal(SIGPIPE, SIG_IGN);
	setlocale(LC_CTYPE, "");
	rc = options_parse(argc, argv, &options, &error);
	if (rc < 0 && probe_is_asked(argc, argv))
		return probe_usage(&error);
	if (rc < 0) {
		print_error(&error);
		return EXIT_USAGE;
	}
	switch (options.verb) {
	case VERB_STATUS:
		return verb_status(&options);
	case VERB_STATS:
		return verb_stats(&options);
	case VERB_HISTORY:
		return verb_history(&options);
	case VERB_TOP:
		return verb_top(&options);
	case VERB_EVENTS:
		return verb_events(&options);
	case VERB_HOSTS:
		return verb_hosts(&options);
	case VERB_EXPLAIN:
		return verb_explain(&options);
	case VERB_ALIAS:
		return verb_alias(&options);
	case VERB_RELOAD:
	case VERB_REOPEN:
		return verb_reload(&options);
	case VERB_PROBE:
		return verb_probe(&options);
	case VERB_VERSION:
	case VERB_HELP:
		break;
	}
	return print_page(&options);
}
