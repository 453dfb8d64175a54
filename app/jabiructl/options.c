/* SPDX-License-Identifier: BSD-3-Clause */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#define OF(verb) (1u << VERB_##verb)

enum {
	FROM_SOCKET = OF(EXPLAIN) | OF(ALIAS) | OF(RELOAD) | OF(REOPEN) | OF(EVENTS) | OF(HOSTS) |
		OF(TOP),
	EVERY = 0xffff,
	ID_FIRST = 256,
	WORDS_MAX = 256,
};

static const struct {
	const char *name;
	enum verb verb;
	const char *words;
	unsigned least; /* words that it takes */
	unsigned most;
	const char *summary;
	const char *about;
} verbs[] = {
	{"status", VERB_STATUS, "", 0, 0, "is it healthy, is it losing packets, what is happening",
		"One screen. Exit code 1 when no sensor is alive behind the figures."},
	{"stats", VERB_STATS, "[PATTERN]", 0, 1, "every figure, or those whose name matches",
		"PATTERN is a shell pattern, or a part of the name: resets, 'jabiru_port_*'. Rates "
		"are "
		"those of the last two snapshots."},
	{"history", VERB_HISTORY, "METRIC", 1, 1, "one figure over the last quarter of an hour",
		"A line of blocks on a terminal, else time and value a line. A counter is shown as "
		"its "
		"rate a second."},
	{"top", VERB_TOP, "", 0, 0, "a live console",
		"Rates, resets by cause, anomalies, the busiest hosts. `h` lists the keys."},
	{"events", VERB_EVENTS, "", 0, 0, "the latest events, or those that come",
		"With --follow on a terminal the list scrolls by itself until you scroll up; End "
		"goes on."},
	{"hosts", VERB_HOSTS, "", 0, 0, "the busiest sources, targets and services by anomaly", ""},
	{"explain", VERB_EXPLAIN, "KEY", 1, 1,
		"what an anomaly, reset cause, outcome or figure means",
		"With the limits in force and the line of the configuration that set each. Without "
		"a "
		"running sensor: the built-in catalogue."},
	{"alias", VERB_ALIAS, "add ADDRESS|NETWORK NAME | rm ADDRESS|NETWORK | list", 1, 3,
		"names that are shown beside addresses",
		"The sensor keeps them; the longest prefix wins."},
	{"reload", VERB_RELOAD, "", 0, 0, "make the sensor read its configuration again", ""},
	{"reopen", VERB_REOPEN, "", 0, 0, "make the sensor open its output files anew", ""},
	{"probe", VERB_PROBE, "", 0, 0, "a check for Nagios and its relatives",
		"One line of text, then figures behind `|`. Exit codes: 0 OK, 1 WARNING, 2 "
		"CRITICAL, "
		"3 UNKNOWN: no sensor is alive, or the command line is wrong."},
	{"version", VERB_VERSION, "", 0, 0, "print the version", ""},
	{"help", VERB_HELP, "[VERB]", 0, 1, "print this page, or a verb's", ""},
};

enum kind { KIND_FLAG, KIND_TEXT, KIND_NUMBER, KIND_PERCENT, KIND_LIMIT };

#define AT(member) offsetof(struct options, member)

static const struct {
	const char *name;
	char letter;
	enum kind kind;
	const char *argument;
	unsigned verbs; /* bit by enum verb */
	size_t offset;
	uint32_t high; /* of a number */
	const char *help;
} rows[] = {
	{"instance", 'i', KIND_TEXT, "NAME", EVERY, AT(instance), 0,
		"sensor to read: its stats.instance, or the path of its file (default jabiru)"},
	{"socket", 0, KIND_TEXT, "PATH", FROM_SOCKET, AT(socket), 0,
		"its control socket (default /run/jabiru/NAME.sock)"},
	{"json", 'j', KIND_FLAG, NULL, EVERY & ~(unsigned)(OF(PROBE) | OF(TOP)), AT(json), 0,
		"JSON instead of text; events: one object a line"},
	{"label", 'l', KIND_TEXT, "VALUE", OF(HISTORY), AT(label), 0,
		"the series whose label has this value, e.g. a reset cause (default: all, added "
		"up)"},
	{"seconds", 's', KIND_NUMBER, "N", OF(HISTORY) | OF(PROBE), AT(seconds), 86400,
		"how far to look back (default: history all that is kept, probe 60)"},
	{"follow", 'f', KIND_FLAG, NULL, OF(EVENTS), AT(follow), 0, "go on as events come"},
	{"key", 'k', KIND_TEXT, "KEY", OF(EVENTS), AT(key), 0, "only this anomaly"},
	{"host", 'H', KIND_TEXT, "ADDRESS", OF(EVENTS), AT(host), 0,
		"only with this address, or its name, at either end"},
	{"count", 'n', KIND_NUMBER, "N", OF(EVENTS) | OF(HOSTS), AT(count), 1000000,
		"how many (default 20)"},
	{"anomaly", 'a', KIND_TEXT, "KEY", OF(HOSTS), AT(anomaly), 0, "only of this anomaly"},
	{"role", 'r', KIND_TEXT, "ROLE", OF(HOSTS), AT(role), 0, "only source, target or service"},
	{"once", '1', KIND_FLAG, NULL, OF(TOP), AT(once), 0, "print one screen as text"},
	{"columns", 0, KIND_NUMBER, "N", OF(TOP), AT(columns), 1000, "of that screen (default 80)"},
	{"lines", 0, KIND_NUMBER, "N", OF(TOP), AT(lines), 1000, "of that screen (default 24)"},
	{"warn-loss", 'w', KIND_PERCENT, "PERCENT", OF(PROBE), AT(warn_loss), 0,
		"WARNING from this share of packets lost by ports and sensor on (default 0.1)"},
	{"crit-loss", 'c', KIND_PERCENT, "PERCENT", OF(PROBE), AT(crit_loss), 0,
		"CRITICAL from this one on (default 1)"},
	{"warn-span-loss", 0, KIND_PERCENT, "PERCENT", OF(PROBE), AT(warn_span_loss), 0,
		"WARNING from this share lost before the sensor on, which ACKs of bytes never seen "
		"tell of (default: not looked at)"},
	{"crit-span-loss", 0, KIND_PERCENT, "PERCENT", OF(PROBE), AT(crit_span_loss), 0,
		"CRITICAL from this share lost before the sensor on"},
	{"warn-anomaly", 0, KIND_LIMIT, "KEY=N", OF(PROBE), AT(warn), 0,
		"WARNING from N findings a minute on; may be repeated"},
	{"crit-anomaly", 0, KIND_LIMIT, "KEY=N", OF(PROBE), AT(crit), 0,
		"CRITICAL from N findings a minute on; may be repeated"},
	{"help", 'h', KIND_FLAG, NULL, EVERY, 0, 0, "this page"},
};

/* ---- help ---- */

enum { HELP_COLUMN = 28, HELP_COLUMNS = 100 };

/* Text in a column of its own. */
static void
put_wrapped(struct jbr_buffer *out, const char *text)
{
	size_t width = HELP_COLUMNS - HELP_COLUMN;

	while (strlen(text) > width) {
		size_t length = width;

		while (length > 0 && text[length] != ' ')
			length--;
		if (length == 0)
			break;
		jbr_buffer_format(out, "%.*s\n%*s", (int)length, text, HELP_COLUMN, "");
		text += length + 1;
	}
	jbr_buffer_format(out, "%s\n", text);
}

static void
put_options(struct jbr_buffer *out, enum verb verb)
{
	for (size_t i = 0; i < JBR_COUNT_OF(rows); i++) {
		char head[64];
		char letter[8] = "    ";

		if (!(rows[i].verbs & 1u << verb))
			continue;
		if (rows[i].letter != 0)
			snprintf(letter, sizeof(letter), "-%c, ", rows[i].letter);
		snprintf(head, sizeof(head), "  %s--%s%s%s", letter, rows[i].name,
			rows[i].argument != NULL ? " " : "",
			rows[i].argument != NULL ? rows[i].argument : "");
		jbr_buffer_format(out, "%-*s", HELP_COLUMN, head);
		if (strlen(head) >= HELP_COLUMN)
			jbr_buffer_format(out, "\n%*s", HELP_COLUMN, "");
		put_wrapped(out, rows[i].help);
	}
}

void
options_help(const char *verb, struct jbr_buffer *out)
{
	for (size_t i = 0; verb != NULL && i < JBR_COUNT_OF(verbs); i++) {
		if (strcmp(verbs[i].name, verb) != 0)
			continue;
		jbr_buffer_format(out, "usage: jabiructl %s%s%s [options]\n\n", verb,
			verbs[i].words[0] != '\0' ? " " : "", verbs[i].words);
		jbr_buffer_format(out, "%c%s.\n", verbs[i].summary[0] - 32, verbs[i].summary + 1);
		if (verbs[i].about[0] != '\0')
			jbr_buffer_format(out, "%s\n", verbs[i].about);
		jbr_buffer_format(out, "\n");
		put_options(out, verbs[i].verb);
		return;
	}
	jbr_buffer_format(out,
		"usage: jabiructl [--instance NAME|PATH] [--json] VERB [options]\n\n"
		"Reads what a running sensor publishes, and controls it.\n\n");
	for (size_t i = 0; i < JBR_COUNT_OF(verbs); i++)
		jbr_buffer_format(out, "  %-8s  %s\n", verbs[i].name, verbs[i].summary);
	jbr_buffer_format(out,
		"\n`jabiructl VERB --help` says more. Exit codes: 0 fine, 1 failed or no sensor "
		"alive, 2 usage; `probe` has its own.\n");
}

/* ---- values ---- */

static int
take_number(const char *name, const char *text, uint32_t high, uint32_t *ret_value,
	struct jbr_error *error)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value < 1 ||
		value > high)
		return jbr_error_set(error, -EINVAL, "--%s: '%.40s' is not a number from 1 to %u",
			name, text, high);
	*ret_value = (uint32_t)value;
	return 0;
}

static int
take_real(const char *name, const char *text, double high, double *ret_value,
	struct jbr_error *error)
{
	char *end;

	*ret_value = strtod(text, &end);
	if (text[0] == '\0' || strspn(text, "0123456789.") != strlen(text) || *end != '\0' ||
		*ret_value > high)
		return jbr_error_set(error, -EINVAL, "--%s: '%.40s' is not a number from 0 to %.0f",
			name, text, high);
	return 0;
}

/* `KEY=NUMBER` goes to the next free place behind @p limits. */
static int
take_limit(const char *name, const char *text, struct options_limit *limits, unsigned *count,
	struct jbr_error *error)
{
	const char *equals = strchr(text, '=');
	size_t length = equals == NULL ? 0 : (size_t)(equals - text);

	if (*count == OPTIONS_LIMITS_MAX)
		return jbr_error_set(error, -EINVAL, "--%s: at most %d are looked at", name,
			OPTIONS_LIMITS_MAX);
	if (length == 0 || length >= sizeof(limits->key))
		return jbr_error_set(error, -EINVAL, "--%s: '%.60s' is not KEY=NUMBER", name, text);
	memcpy(limits[*count].key, text, length);
	limits[*count].key[length] = '\0';
	return take_real(name, equals + 1, 1e12, &limits[(*count)++].per_minute, error);
}

static int
take_option(struct options *options, size_t row, const char *text, struct jbr_error *error)
{
	uint8_t *at = (uint8_t *)options + rows[row].offset;
	const char *name = rows[row].name;

	if (!(rows[row].verbs & 1u << options->verb))
		return jbr_error_set(error, -EINVAL, "--%s is no option of this verb", name);
	switch (rows[row].kind) {
	case KIND_FLAG:
		*(bool *)at = true;
		return 0;
	case KIND_TEXT:
		memcpy(at, &text, sizeof(text));
		return 0;
	case KIND_NUMBER:
		return take_number(name, text, rows[row].high, (uint32_t *)(void *)at, error);
	case KIND_PERCENT:
		return take_real(name, text, 100, (double *)(void *)at, error);
	case KIND_LIMIT:
		return take_limit(name, text, (struct options_limit *)(void *)at,
			rows[row].offset == AT(warn) ? &options->nb_warn : &options->nb_crit,
			error);
	}
	return 0;
}

/* ---- the line ---- */

/* The command line, and what getopt has to know of it. */
struct line {
	int argc;
	char **argv;
	struct option forms[JBR_COUNT_OF(rows) + 1];
	char letters[2 * JBR_COUNT_OF(rows) + 2];
};

/* Long and short forms for getopt. */
static void
make_forms(struct line *line)
{
	char *letter = line->letters;

	*letter++ = ':';
	for (size_t i = 0; i < JBR_COUNT_OF(rows); i++) {
		bool has_argument = rows[i].kind != KIND_FLAG;

		line->forms[i] = (struct option){rows[i].name, has_argument, NULL,
			ID_FIRST + (int)i};
		if (rows[i].letter == 0)
			continue;
		*letter++ = rows[i].letter;
		if (has_argument)
			*letter++ = ':';
	}
	*letter = '\0';
}

static size_t
row_of(int id)
{
	for (size_t i = 0; i < JBR_COUNT_OF(rows); i++)
		if (id == ID_FIRST + (int)i || (rows[i].letter != 0 && id == rows[i].letter))
			return i;
	return JBR_COUNT_OF(rows);
}

/* The verb is the first word that is no option and no option's argument: options may stand before it. */
static int
find_verb(const struct line *line, size_t *ret_verb, struct jbr_error *error)
{
	const char *name = "help";
	char *words[WORDS_MAX + 1] = {NULL}; /* getopt puts them in another order */
	int id;

	if (line->argc > WORDS_MAX)
		return jbr_error_set(error, -EINVAL, "more than %d words", WORDS_MAX);
	memcpy(words, line->argv, (size_t)line->argc * sizeof(*words));
	opterr = 0;
	optind = 0;
	while ((id = getopt_long(line->argc, words, line->letters, line->forms, NULL)) != -1)
		if (id == '?' && optind > 1 && strcmp(words[optind - 1], "--version") == 0)
			name = "version";
	if (optind < line->argc)
		name = words[optind];
	for (size_t i = 0; i < JBR_COUNT_OF(verbs); i++) {
		if (strcmp(verbs[i].name, name) != 0)
			continue;
		*ret_verb = i;
		return 0;
	}
	return jbr_error_set(error, -EINVAL,
		"there is no verb '%.40s'; `jabiructl help` lists them", name);
}

static int
check_words(const struct options *options, size_t verb, struct jbr_error *error)
{
	if (options->nb_words < verbs[verb].least)
		return jbr_error_set(error, -EINVAL, "usage: jabiructl %s %s", verbs[verb].name,
			verbs[verb].words);
	if (options->nb_words > verbs[verb].most)
		return jbr_error_set(error, -EINVAL, "unexpected argument '%.60s'",
			options->words[verbs[verb].most]);
	return 0;
}

static int
take_line(const struct line *line, struct options *options, struct jbr_error *error)
{
	bool is_version = options->verb == VERB_VERSION || options->verb == VERB_HELP;
	int rc = 0;
	int id;

	optind = 0;
	while (rc == 0 &&
		(id = getopt_long(line->argc, line->argv, line->letters, line->forms, NULL)) !=
			-1) {
		size_t row = row_of(id);

		if (id == ':')
			return jbr_error_set(error, -EINVAL, "%s: an argument is missing",
				line->argv[optind - 1]);
		if (row == JBR_COUNT_OF(rows)) {
			if (is_version && strcmp(line->argv[optind - 1], "--version") == 0)
				continue;
			return jbr_error_set(error, -EINVAL, "unknown option '%.60s'",
				line->argv[optind - 1]);
		}
		if (strcmp(rows[row].name, "help") == 0) {
			if (options->verb != VERB_HELP)
				options->words[0] = verbs[options->verb].name;
			options->nb_words = options->verb != VERB_HELP;
			options->verb = VERB_HELP;
			return 1;
		}
		rc = take_option(options, row, optarg, error);
	}
	return rc;
}

int
options_parse(int argc, char **argv, struct options *ret_options, struct jbr_error *error)
{
	struct options options = {.instance = "jabiru",
		.warn_loss = 0.1,
		.crit_loss = 1,
		.warn_span_loss = -1,
		.crit_span_loss = -1};
	struct line line = {.argc = argc, .argv = argv};
	size_t verb = 0;
	int rc;

	make_forms(&line);
	rc = find_verb(&line, &verb, error);
	if (rc < 0)
		return rc;
	options.verb = verbs[verb].verb;
	rc = take_line(&line, &options, error);
	if (rc < 0)
		return rc;
	if (rc == 0) {
		for (int i = optind + 1; i < argc && options.nb_words < OPTIONS_WORDS_MAX; i++)
			options.words[options.nb_words++] = argv[i];
		rc = check_words(&options, verb, error);
	}
	if (rc < 0)
		return rc;
	*ret_options = options;
	return 0;
}
