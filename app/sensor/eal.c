/* SPDX-License-Identifier: BSD-3-Clause */
#include "eal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <rte_memory.h>
#include <rte_metrics.h>

int
eal_fail(const struct eal_failure *failure, const struct machine *machine, int code,
	struct jbr_error *error)
{
	struct jbr_buffer text = {0};

	eal_diagnosis(failure, machine, &text);
	jbr_error_set(error, code, "%.*s", (int)text.length, text.data);
	jbr_buffer_fini(&text);
	return code;
}

static int
fail_init(const struct jbr_config *config, const struct live_plan *plan,
	const struct machine *machine, struct jbr_error *error)
{
	struct eal_failure failure = {.step = EAL_STEP_INIT,
		.error = rte_errno,
		.has_hugepages = plan->has_hugepages,
		.needed_bytes = plan->eal_bytes,
		.node = MACHINE_NODE_UNKNOWN,
		.file_prefix = config->memory_file_prefix};
	struct jbr_buffer words = {0};
	int rc;

	for (int i = 1; i < plan->nb_arguments; i++)
		jbr_buffer_format(&words, "%s%s", i > 1 ? " " : "", plan->arguments[i]);
	jbr_buffer_append(&words, "", 1);
	failure.arguments = words.failed ? NULL : words.data;
	rc = eal_fail(&failure, machine, failure.error > 0 ? -failure.error : -EIO, error);
	jbr_buffer_fini(&words);
	return rc;
}

/* What EAL and its drivers print is no output of ours. */
static int
init_quietly(int count, char **arguments)
{
	int output = dup(STDOUT_FILENO);
	int error;
	int rc;

	fflush(stdout);
	(void)dup2(STDERR_FILENO, STDOUT_FILENO);
	rc = rte_eal_init(count, arguments);
	error = rte_errno;
	fflush(stdout);
	if (output >= 0) {
		(void)dup2(output, STDOUT_FILENO);
		close(output);
	}
	rte_errno = error;
	return rc;
}

static char runtime_folder[MACHINE_PATH_SIZE];

/* DPDK leaves its folder, and until the very end in it the socket of its telemetry. Another program's,
 * with files in it, stays. */
static void
remove_runtime_folder(void)
{
	if (runtime_folder[0] != '\0')
		(void)rmdir(runtime_folder);
}

int
eal_start(const struct jbr_config *config, struct live_plan *plan, const struct machine *machine,
	struct jbr_error *error)
{
	char *arguments[LIVE_ARGUMENTS_MAX + 1];

	/* EAL moves them about */
	memcpy(arguments, plan->arguments, sizeof(arguments));
	rte_openlog_stream(stderr);
	/* registered before DPDK's own, so it runs after them */
	(void)atexit(remove_runtime_folder);
	if (init_quietly(plan->nb_arguments, arguments) < 0)
		return fail_init(config, plan, machine, error);
	snprintf(runtime_folder, sizeof(runtime_folder), "%s", rte_eal_get_runtime_dir());
	/* with this library DPDK serves the older socket too, which collectd's dpdk_telemetry reads */
	if (config->stats_telemetry)
		rte_metrics_init(SOCKET_ID_ANY);
	return 0;
}

void
eal_stop(void)
{
	rte_eal_cleanup();
	remove_runtime_folder();
}
