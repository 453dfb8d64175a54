/* SPDX-License-Identifier: BSD-3-Clause */
#include "doctor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "doctor_private.h"

static const char *const status_words[] = {
	[DOCTOR_OK] = "ok",
	[DOCTOR_WARN] = "warn",
	[DOCTOR_FAIL] = "fail",
};

struct doctor_finding *
doctor_find(struct doctor_visit *visit, const char *name, enum doctor_status status,
	const char *why)
{
	struct doctor_report *report = visit->report;
	static struct doctor_finding nowhere;
	struct doctor_finding *finding = &nowhere;

	if (report->nb_findings < DOCTOR_FINDINGS_MAX)
		finding = &report->findings[report->nb_findings++];
	else
		report->left_out++;
	*finding = (struct doctor_finding){.name = name, .status = status, .why = why};
	if (status > report->worst)
		report->worst = status;
	return finding;
}

const struct live_problem *
doctor_problem_of(const struct doctor_visit *visit, enum live_part part, uint32_t port)
{
	for (uint32_t i = 0; i < visit->plan->nb_problems; i++) {
		const struct live_problem *problem = &visit->plan->problems[i];

		if (problem->part == part && (part != LIVE_PART_PORT || problem->port == port))
			return problem;
	}
	return NULL;
}

void
doctor_find_problem(struct doctor_visit *visit, const char *name,
	const struct live_problem *problem)
{
	struct doctor_finding *finding = doctor_find(visit, name, DOCTOR_FAIL, NULL);
	const char *text = problem->error.text;
	const char *last = NULL;

	for (const char *at = text; (at = strstr(at, "; ")) != NULL; at++)
		last = at;
	if (last == NULL)
		last = text + strlen(text);
	doctor_what(finding, "%.*s", (int)(last - text), text);
	doctor_fix(finding, "%s", *last == '\0' ? "change that" : last + 2);
}

void
doctor_what(struct doctor_finding *finding, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(finding->what, sizeof(finding->what), format, arguments);
	va_end(arguments);
}

void
doctor_fix(struct doctor_finding *finding, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(finding->fix, sizeof(finding->fix), format, arguments);
	va_end(arguments);
}

void
doctor_take(char *ret_text, struct jbr_buffer *text)
{
	(void)snprintf(ret_text, sizeof(((struct doctor_finding *)NULL)->what), "%.*s",
		(int)text->length, text->data == NULL ? "" : text->data);
	jbr_buffer_fini(text);
}

/* What may not be read is said once, so that "ok" elsewhere is not believed too much. */
static void
examine_access(struct doctor_visit *visit)
{
	const struct machine *machine = visit->machine;
	struct doctor_finding *finding;

	for (uint32_t i = 0; i < machine->nb_unread; i++) {
		finding = doctor_find(visit, "access", DOCTOR_WARN,
			"the checks that need it took it for absent");
		doctor_what(finding, "cannot read '%s': %s", machine->unread[i].path,
			strerror(machine->unread[i].error));
		doctor_fix(finding, "sudo jabiru doctor");
	}
}

void
doctor_examine(const struct machine *machine, const struct jbr_config *config,
	const struct live_plan *plan, struct doctor_report *ret_report)
{
	struct doctor_visit visit = {machine, config, plan, ret_report};
	const struct live_problem *other;

	memset(ret_report, 0, sizeof(*ret_report));
	doctor_examine_memory(&visit);
	doctor_examine_cpus(&visit);
	doctor_examine_ports(&visit);
	other = doctor_problem_of(&visit, LIVE_PART_OTHER, 0);
	if (other != NULL)
		doctor_find_problem(&visit, "configuration", other);
	examine_access(&visit);
}

void
doctor_write_text(struct jbr_buffer *out, const struct doctor_report *report)
{
	unsigned counts[JBR_COUNT_OF(status_words)] = {0};

	for (uint32_t i = 0; i < report->nb_findings; i++) {
		const struct doctor_finding *finding = &report->findings[i];

		counts[finding->status]++;
		jbr_buffer_format(out, "%-4s  %s: %s", status_words[finding->status], finding->name,
			finding->what);
		if (finding->why != NULL && finding->status != DOCTOR_OK)
			jbr_buffer_format(out, ": %s", finding->why);
		if (finding->fix[0] != '\0')
			jbr_buffer_format(out, ". Fix: %s", finding->fix);
		jbr_buffer_format(out, "\n");
	}
	jbr_buffer_format(out, "%u ok, %u warn, %u fail", counts[DOCTOR_OK], counts[DOCTOR_WARN],
		counts[DOCTOR_FAIL]);
	if (report->left_out > 0)
		jbr_buffer_format(out, ", %u more not shown", report->left_out);
	jbr_buffer_format(out, "%s\n",
		report->worst == DOCTOR_FAIL ? ": `jabiru run` would not start" : "");
}

void
doctor_write_json(struct jbr_buffer *out, const char *version, const struct doctor_report *report)
{
	struct jbr_json json;

	jbr_json_init(&json, out);
	jbr_json_object_open(&json, NULL);
	jbr_json_string(&json, "jabiru", version);
	jbr_json_array_open(&json, "checks");
	for (uint32_t i = 0; i < report->nb_findings; i++) {
		const struct doctor_finding *finding = &report->findings[i];

		jbr_json_object_open(&json, NULL);
		jbr_json_string(&json, "name", finding->name);
		jbr_json_string(&json, "status", status_words[finding->status]);
		jbr_json_string(&json, "what", finding->what);
		jbr_json_string(&json, "why", finding->status == DOCTOR_OK ? NULL : finding->why);
		jbr_json_string(&json, "fix", finding->fix[0] == '\0' ? NULL : finding->fix);
		jbr_json_object_close(&json);
	}
	jbr_json_array_close(&json);
	jbr_json_object_close(&json);
	jbr_buffer_append(out, "\n", 1);
}

int
doctor_run(const struct args *args, struct jbr_config *config, struct jbr_buffer *out,
	struct jbr_error *error)
{
	struct machine_source source = machine_source_host();
	struct doctor_report *report = calloc(1, sizeof(*report));
	struct live_plan *plan = calloc(1, sizeof(*plan));
	struct machine *machine = NULL;
	int code = EXIT_FAILED;

	if (report == NULL || plan == NULL) {
		jbr_error_set(error, -ENOMEM, "no memory for the findings");
		goto out;
	}
	if (live_plan_use_ports(config, args->ports, args->nb_ports, error) < 0 ||
		machine_read(&source, &machine, error) < 0)
		goto out;
	(void)live_plan_make(config, NULL, machine, plan, NULL);
	doctor_examine(machine, config, plan, report);
	if (args->json)
		doctor_write_json(out, JABIRU_VERSION, report);
	else
		doctor_write_text(out, report);
	code = report->worst == DOCTOR_FAIL ? EXIT_FAILED : EXIT_FINE;
out:
	if (plan != NULL)
		live_plan_fini(plan);
	machine_free(machine);
	free(plan);
	free(report);
	return code;
}
