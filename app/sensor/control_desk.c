/* SPDX-License-Identifier: BSD-3-Clause */
#include "control_desk.h"

#include <errno.h>
#include <unistd.h>

#include <jansson.h>

/* One request while it is answered. */
struct request {
	struct control_desk *desk;
	const json_t *object;
	struct jbr_json *json; /* the answer's object is open */
	struct jbr_error error;
};

/* @return 0 when the member `result` was written, else -errno with the request's error */
typedef int command_fn(struct request *request);

/* ---- what a request says ---- */

static int
take_text(struct request *request, const char *key, const char **ret_text)
{
	const json_t *value = json_object_get(request->object, key);

	if (!json_is_string(value))
		return jbr_error_set(&request->error, -EINVAL, "'%s' is missing, or is no text",
			key);
	*ret_text = json_string_value(value);
	return 0;
}

static int
take_network(struct request *request, struct jbr_network *ret_network)
{
	const char *text = "";
	int rc = take_text(request, "network", &text);

	return rc < 0 ? rc : jbr_network_parse(text, ret_network, &request->error);
}

/* ---- commands ---- */

static int
answer_ping(struct request *request)
{
	jbr_json_object_open(request->json, "result");
	jbr_json_string(request->json, "version", request->desk->version);
	jbr_json_uint(request->json, "pid", (uint64_t)getpid());
	jbr_json_object_close(request->json);
	return 0;
}

static int
answer_status(struct request *request)
{
	const struct control_desk *desk = request->desk;

	jbr_json_object_open(request->json, "result");
	jbr_json_string(request->json, "version", desk->version);
	jbr_json_uint(request->json, "pid", (uint64_t)getpid());
	jbr_json_string(request->json, "configuration", desk->config_path);
	jbr_json_uint(request->json, "aliases", jbr_aliases_count(desk->aliases));
	if (desk->status != NULL)
		desk->status(desk->context, request->json);
	jbr_json_object_close(request->json);
	return 0;
}

static int
act(struct request *request, control_act_fn *action, const char *what)
{
	struct jbr_buffer notes = {0};
	int rc;

	if (action == NULL)
		return jbr_error_set(&request->error, -ENOTSUP, "this sensor cannot %s", what);
	rc = action(request->desk->context, &notes, &request->error);
	if (rc == 0) {
		jbr_json_object_open(request->json, "result");
		if (notes.length > 0 && !notes.failed)
			jbr_json_string_n(request->json, "notes", notes.data, notes.length);
		jbr_json_object_close(request->json);
	}
	jbr_buffer_fini(&notes);
	return rc;
}

static int
answer_reload(struct request *request)
{
	return act(request, request->desk->reload, "read its configuration again");
}

static int
answer_reopen(struct request *request)
{
	return act(request, request->desk->reopen, "open its files anew");
}

static int
answer_explain(struct request *request)
{
	const struct control_desk *desk = request->desk;
	const char *key = "";
	int rc = take_text(request, "key", &key);

	if (rc == 0)
		rc = jbr_catalog_explain(request->json, key, desk->config, desk->config_path);
	if (rc == -ENOENT)
		jbr_error_set(&request->error, rc,
			"the catalogue has nothing called '%.60s': `jabiru catalog` lists it", key);
	return rc;
}

static void
write_alias(struct jbr_json *json, const char *key, const struct jbr_alias *alias)
{
	char network[JBR_ALIAS_NETWORK_SIZE];

	jbr_network_text(&alias->network, network);
	jbr_json_object_open(json, key);
	jbr_json_string(json, "network", network);
	jbr_json_string(json, "name", alias->name);
	jbr_json_string(json, "source", jbr_alias_source_names[alias->source % JBR_ALIAS_SOURCES]);
	jbr_json_object_close(json);
}

static int
answer_alias_list(struct request *request)
{
	const struct jbr_aliases *aliases = request->desk->aliases;

	jbr_json_array_open(request->json, "result");
	for (uint32_t i = 0; i < jbr_aliases_count(aliases); i++)
		write_alias(request->json, NULL, jbr_aliases_at(aliases, i));
	jbr_json_array_close(request->json);
	return 0;
}

/* A file that somebody has edited wrongly is not written over: it holds more than is known here. */
static int
check_file(struct request *request)
{
	if (!request->desk->is_alias_file_broken)
		return 0;
	return jbr_error_set(&request->error, -EINVAL,
		"'%.200s' could not be read, so nothing is changed: mend it, then `jabiructl "
		"reload`",
		request->desk->alias_path);
}

/* What cannot be kept is not done: the file as it is tells what holds. */
static int
keep(struct request *request)
{
	struct control_desk *desk = request->desk;
	struct jbr_error ignored;
	int rc = 0;

	if (desk->alias_path == NULL || desk->alias_path[0] == '\0')
		return 0;
	rc = jbr_aliases_save(desk->aliases, desk->alias_path, &request->error);
	if (rc < 0)
		(void)jbr_aliases_load(desk->aliases, desk->alias_path, &ignored);
	return rc;
}

static int
answer_alias_add(struct request *request)
{
	struct jbr_alias alias = {.source = JBR_ALIAS_ADDED};
	const char *name = "";
	int rc = take_network(request, &alias.network);

	if (rc == 0)
		rc = take_text(request, "name", &name);
	if (rc == 0)
		rc = check_file(request);
	if (rc == 0)
		rc = jbr_aliases_add(request->desk->aliases, &alias.network, name, JBR_ALIAS_ADDED,
			&request->error);
	if (rc == 0)
		rc = keep(request);
	if (rc < 0)
		return rc;
	memcpy(alias.name, name, strlen(name) + 1);
	write_alias(request->json, "result", &alias);
	return 0;
}

static int
answer_alias_remove(struct request *request)
{
	struct jbr_network network;
	char text[JBR_ALIAS_NETWORK_SIZE];
	int rc = take_network(request, &network);

	if (rc == 0)
		rc = check_file(request);
	if (rc < 0)
		return rc;
	jbr_network_text(&network, text);
	rc = jbr_aliases_remove(request->desk->aliases, &network, JBR_ALIAS_ADDED);
	if (rc < 0)
		return jbr_error_set(&request->error, rc,
			"no name was added for %s; names of the configuration are taken out of its "
			"file",
			text);
	rc = keep(request);
	if (rc < 0)
		return rc;
	jbr_json_object_open(request->json, "result");
	jbr_json_string(request->json, "network", text);
	jbr_json_object_close(request->json);
	return 0;
}

static const struct {
	const char *name;
	command_fn *answer;
	bool is_change;
} commands[] = {
	{"ping", answer_ping, false},
	{"status", answer_status, false},
	{"reload", answer_reload, true},
	{"reopen", answer_reopen, true},
	{"explain", answer_explain, false},
	{"alias_list", answer_alias_list, false},
	{"alias_add", answer_alias_add, true},
	{"alias_remove", answer_alias_remove, true},
};

/* ---- one line ---- */

/* jansson bounds the depth at 2048 of its own; a request needs next to none. */
static bool
is_flat(const json_t *value, unsigned depth)
{
	const char *key;
	json_t *member;
	size_t index;

	if (depth > CONTROL_DEPTH_MAX)
		return false;
	json_object_foreach((json_t *)(uintptr_t)value, key, member)
	{
		(void)key;
		if (!is_flat(member, depth + 1))
			return false;
	}
	json_array_foreach(value, index, member)
	{
		if (!is_flat(member, depth + 1))
			return false;
	}
	return true;
}

static int
run_command(struct request *request, const char *who)
{
	const char *name = "";
	int rc = take_text(request, "command", &name);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < JBR_COUNT_OF(commands); i++) {
		if (strcmp(commands[i].name, name) != 0)
			continue;
		rc = commands[i].answer(request);
		request->desk->changes += commands[i].is_change;
		if (commands[i].is_change && request->desk->log != NULL)
			request->desk->log(name, who, rc < 0 ? request->error.text : NULL);
		return rc;
	}
	return jbr_error_set(&request->error, -ENOSYS, "there is no command '%.40s'", name);
}

static json_t *
read_request(const char *line, size_t length, struct jbr_error *error)
{
	json_error_t where;
	json_t *object;

	if (length > CONTROL_REQUEST_MAX) {
		jbr_error_set(error, -EMSGSIZE, "a request has at most %d bytes",
			CONTROL_REQUEST_MAX);
		return NULL;
	}
	object = json_loadb(line, length, JSON_REJECT_DUPLICATES, &where);
	if (object == NULL) {
		jbr_error_set(error, -EINVAL, "the request is no JSON: %.150s (column %d)",
			where.text, where.column);
		return NULL;
	}
	if (json_is_object(object) && is_flat(object, 0))
		return object;
	jbr_error_set(error, -EINVAL, "the request is no flat JSON object");
	json_decref(object);
	return NULL;
}

void
control_answer(struct control_desk *desk, const char *line, size_t length, const char *who,
	struct jbr_buffer *out)
{
	struct request request = {.desk = desk};
	struct jbr_buffer result = {0};
	struct jbr_json inner;
	struct jbr_json json;
	json_t *object = read_request(line, length, &request.error);
	int rc = -EINVAL;

	/* written apart, so that nothing half stands in the answer */
	jbr_json_init(&inner, &result);
	jbr_json_object_open(&inner, NULL);
	jbr_json_bool(&inner, "ok", true);
	request.json = &inner;
	request.object = object;
	if (object != NULL)
		rc = run_command(&request, who);
	jbr_json_object_close(&inner);
	if (rc == 0 && result.failed)
		rc = jbr_error_set(&request.error, -ENOMEM, "%s", strerror(ENOMEM));
	if (rc == 0) {
		jbr_buffer_append(out, result.data, result.length);
	} else {
		jbr_json_init(&json, out);
		jbr_json_object_open(&json, NULL);
		jbr_json_bool(&json, "ok", false);
		jbr_json_string(&json, "error", request.error.text);
		jbr_json_object_close(&json);
	}
	jbr_buffer_append(out, "\n", 1);
	jbr_buffer_fini(&result);
	json_decref(object);
}

int
control_name_configured(struct jbr_aliases *aliases, const struct jbr_config *config,
	struct jbr_error *error)
{
	struct jbr_network network;
	int rc = 0;

	jbr_aliases_clear(aliases, JBR_ALIAS_CONFIG);
	for (uint32_t i = 0; i < config->aliases_count && rc == 0; i++) {
		rc = jbr_network_parse(config->aliases[i].network, &network, error);
		if (rc == 0)
			rc = jbr_aliases_add(aliases, &network, config->aliases[i].name,
				JBR_ALIAS_CONFIG, error);
	}
	return rc;
}

const char *
control_name_of(const void *aliases, const uint8_t address[16], uint8_t ip_version)
{
	return aliases == NULL ? NULL : jbr_aliases_find(aliases, address, ip_version);
}
