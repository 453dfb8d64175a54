/* SPDX-License-Identifier: BSD-3-Clause */
#include "run_reload.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "jbr_config.h"
#include "reload.h"

/* What a key list says in one line. */
static const char *
words(struct jbr_buffer *list)
{
	jbr_buffer_append(list, "", 1);
	return list->failed ? "out of memory" : list->data;
}

static void
remember(struct run_reload *reload, bool has_failed, const char *text)
{
	reload->has_failed = has_failed;
	snprintf(reload->text, sizeof(reload->text), "%s", text);
	if (!has_failed)
		reload->time_s = (uint64_t)time(NULL);
	fprintf(stderr, "jabiru: %s\n", reload->text);
}

void
run_reload_refuse(struct run_reload *reload, const char *why)
{
	char text[sizeof(reload->text)];

	snprintf(text, sizeof(text), "the configuration was not read again: %s", why);
	remember(reload, true, text);
}

int
run_reload_read(const struct args *args, struct jbr_config *ret_fresh, struct run_reload *reload)
{
	struct jbr_config_errors errors = {0};
	struct jbr_error error = {0};
	struct jbr_buffer text = {0};
	const char *end;
	size_t first;
	int rc;

	if (args->config_path == NULL) {
		remember(reload, true,
			"the configuration was not read again: none was named with -c FILE");
		return -EINVAL;
	}
	jbr_config_defaults(ret_fresh);
	rc = jbr_config_load(args->config_path, ret_fresh, &errors);
	if (rc == 0)
		rc = live_plan_use_ports(ret_fresh, args->ports, args->nb_ports, &error);
	if (rc < 0) {
		fprintf(stderr, "%.*s", (int)errors.text.length,
			errors.text.data == NULL ? "" : errors.text.data);
		end = errors.text.length == 0 ? NULL
					      : memchr(errors.text.data, '\n', errors.text.length);
		first = end == NULL ? 0 : (size_t)(end - errors.text.data);
		jbr_buffer_format(&text,
			"the new configuration was refused, the old one stays in force: %.*s%s",
			(int)first, first == 0 ? "" : errors.text.data, error.text);
		remember(reload, true, words(&text));
		jbr_buffer_fini(&text);
	}
	jbr_buffer_fini(&errors.text);
	return rc;
}

void
run_reload_take(const struct run_reload_params *params, const struct jbr_config *fresh,
	struct run_reload *reload)
{
	struct reload result;
	struct jbr_error error = {0};
	struct jbr_buffer text = {0};

	if (live_reload(params->live, fresh, &error) < 0) {
		remember(reload, true, error.text);
		return;
	}
	reload_merge(params->config, fresh, &result);
	run_output_limits(params->output, params->config);
	jbr_buffer_format(&text, "the configuration was read again: ");
	if (result.nb_taken == 0)
		jbr_buffer_format(&text, "no key that can change at once differs");
	else
		jbr_buffer_format(&text, "taken: %s", words(&result.taken));
	if (result.nb_kept > 0)
		jbr_buffer_format(&text, "; after a restart only: %s", words(&result.kept));
	remember(reload, false, words(&text));
	jbr_buffer_fini(&text);
	reload_fini(&result);
}
