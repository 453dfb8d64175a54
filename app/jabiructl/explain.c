/* SPDX-License-Identifier: BSD-3-Clause */
#include "explain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "client.h"
#include "jbr_catalog.h"
#include "verbs.h"

enum { HEAD_COLUMNS = 14, COLUMNS = 100 };

static int
find_built_in(const char *key, json_t **ret_result, struct jbr_error *error)
{
	struct jbr_buffer text = {0};
	struct jbr_json json;
	json_t *object = NULL;
	int rc;

	jbr_json_init(&json, &text);
	jbr_json_object_open(&json, NULL);
	rc = jbr_catalog_explain(&json, key, NULL, NULL);
	jbr_json_object_close(&json);
	if (rc < 0)
		jbr_error_set(error, rc,
			"the catalogue has nothing called '%.60s': `jabiru catalog` lists it", key);
	else if (text.failed || (object = json_loadb(text.data, text.length, 0, NULL)) == NULL)
		rc = jbr_error_set(error, -ENOMEM, "%s", strerror(ENOMEM));
	else
		*ret_result = json_incref(json_object_get(object, "result"));
	json_decref(object);
	jbr_buffer_fini(&text);
	return rc;
}

int
explain_find(const struct options *options, const char *key, json_t **ret_result,
	struct jbr_error *ret_note, struct jbr_error *error)
{
	json_t *request = json_pack("{s:s,s:s}", "command", "explain", "key", key);
	char *line = request == NULL ? NULL : json_dumps(request, JSON_COMPACT);
	json_t *answer = NULL;
	int rc;

	ret_note->text[0] = '\0';
	json_decref(request);
	if (line == NULL) /* a key that is no UTF-8 */
		return find_built_in(key, ret_result, error);
	rc = client_ask(options, line, &answer, error);
	free(line);
	if (rc == 0) {
		*ret_result = json_incref(json_object_get(answer, "result"));
		json_decref(answer);
		return *ret_result == NULL ? -EPROTO : 0;
	}
	if (rc == -EREMOTEIO)
		return rc;
	jbr_error_set(ret_note, 0, "from the built-in catalogue with its defaults: %.400s",
		error->text);
	return find_built_in(key, ret_result, error);
}

/* `head` and text in a column beside it. */
static void
put(struct jbr_buffer *out, const char *head, const char *text, unsigned columns)
{
	size_t width = columns > HEAD_COLUMNS + 20 ? columns - HEAD_COLUMNS : 20;

	if (text == NULL || text[0] == '\0')
		return;
	jbr_buffer_format(out, "%-*s", HEAD_COLUMNS, head);
	while (strlen(text) > width) {
		size_t length = width;

		while (length > 0 && text[length] != ' ')
			length--;
		if (length == 0)
			length = width;
		jbr_buffer_format(out, "%.*s\n%*s", (int)length, text, HEAD_COLUMNS, "");
		text += length;
		text += *text == ' ';
	}
	jbr_buffer_format(out, "%s\n", text);
}

/* Where a value was set. */
static void
put_origin(struct jbr_buffer *text, const json_t *object, const char *path)
{
	const json_t *line = json_object_get(object, "line");

	if (json_is_integer(line))
		jbr_buffer_format(text, ", set in %s line %lld",
			path == NULL ? "the configuration's" : path,
			(long long)json_integer_value(line));
	else
		jbr_buffer_format(text, ", the default");
}

static void
put_limits(const json_t *result, const char *path, unsigned columns, struct jbr_buffer *out)
{
	const char *key = json_string_value(json_object_get(result, "key"));
	json_t *limit;
	size_t index;

	json_array_foreach(json_object_get(result, "limits"), index, limit)
	{
		struct jbr_buffer text = {0};

		jbr_buffer_format(&text, "%s.%s = %lld %s", key,
			json_string_value(json_object_get(limit, "key")),
			(long long)json_integer_value(json_object_get(limit, "value")),
			json_string_value(json_object_get(limit, "unit")));
		put_origin(&text, limit, path);
		jbr_buffer_format(&text, " (%lld..%lld): %s",
			(long long)json_integer_value(json_object_get(limit, "low")),
			(long long)json_integer_value(json_object_get(limit, "high")),
			json_string_value(json_object_get(limit, "help")));
		jbr_buffer_append(&text, "", 1);
		if (!text.failed)
			put(out, index == 0 ? "limits" : "", text.data, columns);
		jbr_buffer_fini(&text);
	}
}

static void
put_action(const json_t *result, const char *path, unsigned columns, struct jbr_buffer *out)
{
	const json_t *enabled = json_object_get(result, "enabled");
	const json_t *action = json_object_get(result, "action");
	struct jbr_buffer text = {0};

	if (enabled == NULL || action == NULL)
		return;
	jbr_buffer_format(&text, "%s",
		json_is_true(json_object_get(enabled, "value")) ? "enabled" : "not enabled");
	put_origin(&text, enabled, path);
	jbr_buffer_format(&text, "; action %s",
		json_string_value(json_object_get(action, "value")));
	put_origin(&text, action, path);
	jbr_buffer_append(&text, "", 1);
	if (!text.failed)
		put(out, "in force", text.data, columns);
	jbr_buffer_fini(&text);
}

void
explain_put(const json_t *result, const char *note, unsigned columns, struct jbr_buffer *out)
{
	static const char *const parts[][2] = {{"severity", "severity"}, {"counts", "counts"},
		{"unit", "unit"}, {"when", "condition"}, {"meaning", "meaning"},
		{"what to do", "todo"}, {"not so if", "traps"}, {"reference", "reference"},
		{"also seen by", "peers"}};
	const char *path = json_string_value(json_object_get(result, "configuration"));

	jbr_buffer_format(out, "%s (%s)\n", json_string_value(json_object_get(result, "key")),
		json_string_value(json_object_get(result, "kind")));
	for (size_t i = 0; i < JBR_COUNT_OF(parts); i++)
		put(out, parts[i][0], json_string_value(json_object_get(result, parts[i][1])),
			columns);
	put_action(result, path, columns, out);
	put_limits(result, path, columns, out);
	put(out, "note", note, columns);
}

int
verb_explain(const struct options *options)
{
	struct jbr_buffer out = {0};
	struct jbr_error error;
	struct jbr_error note;
	json_t *result = NULL;
	char *text;

	if (explain_find(options, options->words[0], &result, &note, &error) < 0)
		return print_error(&error);
	if (!options->json) {
		explain_put(result, note.text, COLUMNS, &out);
	} else {
		if (note.text[0] != '\0')
			json_object_set_new(result, "note", json_string(note.text));
		text = json_dumps(result, JSON_COMPACT);
		jbr_buffer_format(&out, "%s\n", text == NULL ? "{}" : text);
		free(text);
	}
	json_decref(result);
	return print_text(&out);
}
