/* SPDX-License-Identifier: BSD-3-Clause */
#include "doctor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "doctor_private.h"
#include "jbr_flow.h"
#include "pipeline.h"

/* What EAL takes for itself, and what a port's packet buffers take: about 8,192 of 2,176 bytes with
 * their rings; more with many descriptors. */
#define EAL_BYTES (UINT64_C(32) << 20)
#define PORT_BYTES (UINT64_C(24) << 20)

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
doctor_examine(const struct machine *machine, const struct doctor_plan *plan,
	struct doctor_report *ret_report)
{
	struct doctor_visit visit = {machine, plan, ret_report};

	memset(ret_report, 0, sizeof(*ret_report));
	doctor_examine_memory(&visit);
	doctor_examine_cpus(&visit);
	doctor_examine_ports(&visit);
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

/* A plan with what it points at. */
struct configured {
	struct doctor_plan plan;
	const char *devices[JBR_CONFIG_MAX_ports];
	unsigned cpus[WORKERS_MAX];
	char bad_cpus[2 * JBR_CONFIG_STRING_SIZE];
};

/* The CPUs of a list in its order, one that stands there twice twice; those beyond @p size are left out.
 * @return how many, or -1 when it is no list */
static int
cpus_of(const char *list, unsigned *ret_cpus, unsigned size)
{
	struct machine_cpus cpus;
	unsigned count = 0;
	int rc = machine_cpus_parse(list, &cpus);

	/* a number that is too large is a CPU that does not exist, and said as that */
	if (rc < 0 && (rc != -ERANGE || strspn(list, "0123456789,") != strlen(list)))
		return -1;
	while (*list != '\0' && count < size) {
		char *end;
		unsigned long first = strtoul(list, &end, 10);
		unsigned long last = *end == '-' ? strtoul(end + 1, &end, 10) : first;

		for (; first <= last && count < size; first++)
			ret_cpus[count++] = first > INT32_MAX ? INT32_MAX : (unsigned)first;
		list = *end == ',' ? end + 1 : "";
	}
	return (int)count;
}

static unsigned
first_of(const struct machine_cpus *cpus)
{
	for (unsigned cpu = 0; cpu < MACHINE_CPUS_MAX; cpu++)
		if (machine_cpus_has(cpus, cpu))
			return cpu;
	return 0;
}

static unsigned
last_of(const struct machine_cpus *cpus)
{
	for (unsigned cpu = MACHINE_CPUS_MAX; cpu-- > 0;)
		if (machine_cpus_has(cpus, cpu))
			return cpu;
	return 0;
}

static void
plan_cpus(struct configured *to, const struct jbr_config *config, const struct machine *machine)
{
	unsigned control[2] = {first_of(&machine->allowed)};
	int workers = cpus_of(config->worker_cpus, to->cpus, WORKERS_MAX);
	int controls = cpus_of(config->worker_control_cpu, control, 2);
	bool is_worker = workers < 0;

	if (workers < 0 || controls < 0 || controls > 1) {
		(void)snprintf(to->bad_cpus, sizeof(to->bad_cpus), "worker.%s: '%s'",
			is_worker ? "cpus" : "control_cpu",
			is_worker ? config->worker_cpus : config->worker_control_cpu);
		to->plan.bad_cpus = to->bad_cpus;
		return;
	}
	if (workers == 0)
		to->cpus[workers++] = last_of(&machine->allowed);
	to->plan.worker_cpus = to->cpus;
	to->plan.nb_workers = (uint32_t)workers;
	to->plan.control_cpu = (int)control[0];
}

static enum doctor_hugepages
hugepages_of(const struct jbr_config *config)
{
	switch ((enum jbr_value_hugepages)config->memory_hugepages) {
	case JBR_VALUE_hugepages_YES:
		return DOCTOR_HUGEPAGES_YES;
	case JBR_VALUE_hugepages_NO:
		return DOCTOR_HUGEPAGES_NO;
	case JBR_VALUE_hugepages_AUTO:
		break;
	}
	return DOCTOR_HUGEPAGES_AUTO;
}

/* What `jabiru run` makes of the configuration. */
static void
plan_of(struct configured *to, const struct jbr_config *config, const struct machine *machine)
{
	to->plan = (struct doctor_plan){
		.devices = to->devices,
		.nb_devices = config->ports_count,
		.control_cpu = -1,
		.hugepages = hugepages_of(config),
		.hugepage_bytes = config->memory_megabytes != 0
			? (uint64_t)config->memory_megabytes << 20
			: EAL_BYTES + config->ports_count * PORT_BYTES,
		.memory_bytes = jbr_flow_table_need(jbr_flow_places(config->flow_capacity)),
		.flow_capacity = config->flow_capacity,
		.file_prefix = config->memory_file_prefix,
		.is_strict = config->numa_strict,
	};
	for (uint32_t i = 0; i < config->ports_count; i++)
		to->devices[i] = config->ports[i].device;
	plan_cpus(to, config, machine);
}

int
doctor_run(const struct args *args, const struct jbr_config *config, struct jbr_buffer *out,
	struct jbr_error *error)
{
	struct machine_source source = machine_source_host();
	struct doctor_report *report = calloc(1, sizeof(*report));
	struct configured configured = {0};
	struct machine *machine = NULL;
	int code = EXIT_FAILED;

	if (report == NULL) {
		jbr_error_set(error, -ENOMEM, "no memory for the findings");
		goto out;
	}
	if (machine_read(&source, &machine, error) < 0)
		goto out;
	plan_of(&configured, config, machine);
	doctor_examine(machine, &configured.plan, report);
	if (args->json)
		doctor_write_json(out, JABIRU_VERSION, report);
	else
		doctor_write_text(out, report);
	code = report->worst == DOCTOR_FAIL ? EXIT_FAILED : EXIT_FINE;
out:
	machine_free(machine);
	free(report);
	return code;
}
