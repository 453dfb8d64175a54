/* SPDX-License-Identifier: BSD-3-Clause */
#include "run_control.h"

#include <errno.h>
#include <stdio.h>

static void
note(struct jbr_buffer *notes, const char *what, const struct jbr_error *error)
{
	jbr_buffer_format(notes, "%s: %s\n", what, error->text);
}

static void
log_request(const char *command, const char *who, const char *refusal)
{
	fprintf(stderr, "jabiru: control: %s by %s%s%s\n", command, who,
		refusal != NULL ? " refused: " : "", refusal != NULL ? refusal : "");
}

static void
read_names(struct run_control *control, struct jbr_buffer *notes)
{
	struct control_desk *desk = &control->desk;
	struct jbr_error error;

	if (desk->aliases == NULL)
		return;
	if (control_name_configured(desk->aliases, desk->config, &error) < 0)
		note(notes, "aliases", &error);
	desk->is_alias_file_broken = desk->alias_path[0] != '\0' &&
		jbr_aliases_load(desk->aliases, desk->alias_path, &error) < 0;
	if (desk->is_alias_file_broken)
		note(notes, "control.alias_file", &error);
}

void
run_control_start(struct run_control *control, const struct control_desk *desk,
	const char *instance, struct jbr_buffer *notes)
{
	const char *folder = desk->config->control_folder;
	struct jbr_error error;

	*control = (struct run_control){.desk = *desk};
	control->desk.log = log_request;
	control->desk.alias_path = desk->config->control_alias_file;
	control->desk.aliases = jbr_aliases_create();
	control->names = (struct jbr_event_names){control_name_of, control->desk.aliases};
	if (control->desk.aliases == NULL) {
		jbr_error_set(&error, 0, "%s", strerror(ENOMEM));
		note(notes, "aliases", &error);
		return;
	}
	read_names(control, notes);
	if (folder[0] != '\0' &&
		control_socket_open(folder, instance, &control->desk, &control->socket, &error) < 0)
		note(notes, "jabiructl cannot control this sensor", &error);
}

void
run_control_serve(struct run_control *control, uint64_t now_ns)
{
	if (control->socket != NULL)
		control_socket_serve(control->socket, now_ns);
}

void
run_control_reload(struct run_control *control, const struct jbr_config *config,
	struct jbr_buffer *notes)
{
	control->desk.config = config;
	control->desk.alias_path = config->control_alias_file;
	read_names(control, notes);
}

void
run_control_stop(struct run_control *control)
{
	control_socket_close(control->socket);
	jbr_aliases_free(control->desk.aliases);
	*control = (struct run_control){0};
}
