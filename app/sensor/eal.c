/* SPDX-License-Identifier: BSD-3-Clause */
#include "eal.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>

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

int
eal_start(const struct jbr_config *config, struct live_plan *plan, const struct machine *machine,
	struct jbr_error *error)
{
	char *arguments[LIVE_ARGUMENTS_MAX + 1];

	/* EAL moves them about */
	memcpy(arguments, plan->arguments, sizeof(arguments));
	rte_openlog_stream(stderr);
	if (init_quietly(plan->nb_arguments, arguments) >= 0)
		return 0;
	return fail_init(config, plan, machine, error);
}

void
eal_stop(void)
{
	char folder[MACHINE_PATH_SIZE];

	snprintf(folder, sizeof(folder), "%s", rte_eal_get_runtime_dir());
	rte_eal_cleanup();
	/* DPDK leaves its folder; another program's, with files in it, stays */
	if (folder[0] != '\0')
		(void)rmdir(folder);
}
