/* SPDX-License-Identifier: BSD-3-Clause */
/* Any bytes as requests on the control socket, line by line: each has one answer, which is JSON and says ok
 * or why not; and the table of names holds nothing that could not be shown. */
#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "control_desk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool is_true, const char *what)
{
	if (is_true)
		return;
	fprintf(stderr, "not so: %s\n", what);
	abort();
}

static int
act(void *context, struct jbr_buffer *notes, struct jbr_error *error)
{
	unsigned *calls = context;

	(void)notes;
	return ++*calls % 2 ? 0 : jbr_error_set(error, -1, "every second time \"not\"");
}

static void
check_answer(struct jbr_buffer *out)
{
	const json_t *error;
	json_t *answer;

	require(!out->failed, "there is memory");
	require(out->length > 1 &&
			memchr(out->data, '\n', out->length) == out->data + out->length - 1,
		"an answer is one line");
	answer = json_loadb(out->data, out->length, 0, NULL);
	require(json_is_object(answer), "an answer is a JSON object");
	error = json_object_get(answer, "error");
	if (json_is_true(json_object_get(answer, "ok")))
		require(error == NULL && json_object_get(answer, "result") != NULL,
			"what is done has a result");
	else
		require(json_string_length(error) > 0, "what is refused has a reason");
	json_decref(answer);
}

static void
check_names(const struct jbr_aliases *aliases)
{
	for (uint32_t i = 0; i < jbr_aliases_count(aliases); i++) {
		const struct jbr_alias *alias = jbr_aliases_at(aliases, i);
		char text[JBR_ALIAS_NETWORK_SIZE];
		struct jbr_network network;

		require(jbr_alias_check_name(alias->name, NULL) == 0, "a name can be shown");
		jbr_network_text(&alias->network, text);
		require(jbr_network_parse(text, &network, NULL) == 0 &&
				memcmp(&network, &alias->network, sizeof(network)) == 0,
			"a network is what its text says");
		require(jbr_aliases_find(aliases, network.address, network.ip_version) != NULL,
			"a network that has a name is found");
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct jbr_config config;
	unsigned calls = 0;
	struct control_desk desk = {.aliases = jbr_aliases_create(),
		.config = &config,
		.version = "fuzz",
		.context = &calls,
		.reload = act,
		.reopen = act};
	const char *at = (const char *)data;
	const char *end = at + size;

	require(desk.aliases != NULL, "there is memory");
	jbr_config_defaults(&config);
	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t length = newline == NULL ? (size_t)(end - at) : (size_t)(newline - at);
		struct jbr_buffer out = {0};

		control_answer(&desk, at, length, "the fuzzer", &out);
		check_answer(&out);
		jbr_buffer_fini(&out);
		at += length + 1;
	}
	check_names(desk.aliases);
	jbr_aliases_free(desk.aliases);
	return 0;
}
