/* SPDX-License-Identifier: BSD-3-Clause */
/* Verbs that change the sensor: names, reload, reopen. */
#include <errno.h>
#include <stdlib.h>

#include "alias.h"
#include "client.h"
#include "verbs.h"

/* A request: its command, and up to two texts, NULL for none. */
struct request {
	const char *command;
	const char *network;
	const char *name;
};

static int
ask(const struct options *options, const struct request *request, json_t **ret_answer,
	struct jbr_error *error)
{
	json_t *object = json_pack("{s:s,s:s*,s:s*}", "command", request->command, "network",
		request->network, "name", request->name);
	char *line = object == NULL ? NULL : json_dumps(object, JSON_COMPACT);
	int rc;

	json_decref(object);
	if (line == NULL)
		return jbr_error_set(error, -EINVAL, "what was given is no UTF-8");
	rc = client_ask(options, line, ret_answer, error);
	free(line);
	return rc;
}

int
alias_add(const struct options *options, const char *network, const char *name,
	struct jbr_error *error)
{
	const struct request request = {"alias_add", network, name};
	json_t *answer = NULL;
	int rc = ask(options, &request, &answer, error);

	json_decref(answer);
	return rc;
}

static void
put_list(const json_t *list, struct jbr_buffer *out)
{
	json_t *entry;
	size_t index;

	json_array_foreach(list, index, entry)
	{
		const char *network = json_string_value(json_object_get(entry, "network"));
		const char *name = json_string_value(json_object_get(entry, "name"));
		const char *source = json_string_value(json_object_get(entry, "source"));

		if (network != NULL && name != NULL && source != NULL)
			jbr_buffer_format(out, "%-44s %-40s %s\n", network, name, source);
	}
}

static int
print_answer(const struct options *options, json_t *answer, struct jbr_buffer *out)
{
	json_t *result = json_object_get(answer, "result");
	const char *notes = json_string_value(json_object_get(result, "notes"));

	if (options->json) {
		char *text = json_dumps(result, JSON_COMPACT);

		jbr_buffer_format(out, "%s\n", text == NULL ? "{}" : text);
		free(text);
	} else if (json_is_array(result)) {
		put_list(result, out);
	} else if (notes != NULL) {
		jbr_buffer_format(out, "%s\n", notes);
	}
	json_decref(answer);
	return print_text(out);
}

static int
usage(struct jbr_error *error)
{
	jbr_error_set(error, 0,
		"usage: jabiructl alias add ADDRESS|NETWORK NAME | rm ADDRESS|NETWORK | list");
	print_error(error);
	return EXIT_USAGE;
}

int
verb_alias(const struct options *options)
{
	static const struct {
		const char *word;
		const char *command;
		unsigned words;
	} forms[] = {{"add", "alias_add", 3}, {"rm", "alias_remove", 2}, {"list", "alias_list", 1}};
	struct jbr_network network;
	struct request request;
	struct jbr_buffer out = {0};
	struct jbr_error error;
	json_t *answer = NULL;
	size_t form = 0;

	while (form < JBR_COUNT_OF(forms) && strcmp(forms[form].word, options->words[0]) != 0)
		form++;
	if (form == JBR_COUNT_OF(forms) || options->nb_words != forms[form].words)
		return usage(&error);
	/* what cannot be right needs no sensor to say so */
	if ((options->nb_words > 1 && jbr_network_parse(options->words[1], &network, &error) < 0) ||
		(options->nb_words > 2 && jbr_alias_check_name(options->words[2], &error) < 0)) {
		print_error(&error);
		return EXIT_USAGE;
	}
	request = (struct request){forms[form].command, options->words[1], options->words[2]};
	if (ask(options, &request, &answer, &error) < 0)
		return print_error(&error);
	return print_answer(options, answer, &out);
}

int
verb_reload(const struct options *options)
{
	const struct request request = {options->verb == VERB_RELOAD ? "reload" : "reopen", NULL,
		NULL};
	struct jbr_buffer out = {0};
	struct jbr_error error;
	json_t *answer = NULL;

	if (ask(options, &request, &answer, &error) < 0)
		return print_error(&error);
	return print_answer(options, answer, &out);
}
