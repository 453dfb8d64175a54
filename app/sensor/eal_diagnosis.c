/* SPDX-License-Identifier: BSD-3-Clause */
#include "eal_diagnosis.h"

#include <errno.h>

#include "device.h"

static void
say_error(int error, struct jbr_buffer *out)
{
	jbr_buffer_format(out, "%s", error == 0 ? "it does not say why" : strerror(error));
}

/* Are there too few hugepages? Then say so. */
static bool
is_short_of_hugepages(const struct eal_failure *failure, const struct machine *machine,
	struct jbr_buffer *out)
{
	uint64_t free_bytes = machine_hugepages_free_bytes(machine, failure->node);
	uint64_t size_bytes = machine_hugepage_bytes(machine);
	uint64_t needed_bytes = jbr_max_u64(failure->needed_bytes, size_bytes);

	if (!failure->has_hugepages || free_bytes >= needed_bytes)
		return false;
	jbr_buffer_format(out, "not enough hugepages: %llu MiB are needed",
		machine_mebibytes(needed_bytes));
	if (failure->node != MACHINE_NODE_UNKNOWN)
		jbr_buffer_format(out, " on NUMA node %d", failure->node);
	jbr_buffer_format(out, ", %llu MiB are free; `", machine_mebibytes(free_bytes));
	device_hugepages_command(machine, failure->node, needed_bytes, out);
	jbr_buffer_format(out, "`, or memory.hugepages: no, which is slower");
	return true;
}

static bool
is_short_of_memory(const struct eal_failure *failure, const struct machine *machine,
	struct jbr_buffer *out)
{
	if (failure->has_hugepages || failure->needed_bytes <= machine->available_bytes)
		return false;
	jbr_buffer_format(out,
		"not enough memory: %llu MiB are needed, %llu MiB are available; lower "
		"flow.capacity or memory.megabytes",
		machine_mebibytes(failure->needed_bytes),
		machine_mebibytes(machine->available_bytes));
	return true;
}

/* Does another program have our file prefix? */
static bool
is_prefix_taken(const struct eal_failure *failure, const struct machine *machine,
	struct jbr_buffer *out)
{
	for (uint32_t i = 0; failure->file_prefix != NULL && i < machine->nb_leftovers; i++) {
		const struct machine_leftover *other = &machine->leftovers[i];

		if (!other->is_running || strcmp(other->prefix, failure->file_prefix) != 0)
			continue;
		jbr_buffer_format(out,
			"another DPDK program runs under the file prefix '%s'; end it, or set "
			"memory.file_prefix to another word",
			other->prefix);
		return true;
	}
	return false;
}

static void
diagnose_init(const struct eal_failure *failure, const struct machine *machine,
	struct jbr_buffer *out)
{
	jbr_buffer_format(out, "cannot start DPDK: ");
	if (is_prefix_taken(failure, machine, out) ||
		is_short_of_hugepages(failure, machine, out) ||
		is_short_of_memory(failure, machine, out))
		return;
	switch (failure->error) {
	case EINVAL:
		jbr_buffer_format(out,
			"it does not take its arguments (%s); take out of --eal what the "
			"configuration sets already",
			failure->arguments == NULL ? "" : failure->arguments);
		break;
	case ENODEV:
		jbr_buffer_format(out,
			"it knows no driver for one of the devices (%s); check the spelling of "
			"ports",
			failure->arguments == NULL ? "" : failure->arguments);
		break;
	case EACCES:
	case EPERM:
		jbr_buffer_format(out,
			"%s; run as root, or see `jabiru doctor` for the "
			"capabilities that are missing",
			strerror(failure->error));
		break;
	case EALREADY:
		jbr_buffer_format(out, "it runs in this process already; this is a bug");
		break;
	default:
		say_error(failure->error, out);
		jbr_buffer_format(out, "; see its own lines above, and `jabiru doctor`");
		break;
	}
}

static void
diagnose_device(const struct eal_failure *failure, const struct machine *machine,
	struct jbr_buffer *out)
{
	const char *name = failure->device == NULL ? "" : failure->device;
	struct jbr_buffer what = {0}, fix = {0};

	jbr_buffer_format(out, "cannot open port '%s': ", name);
	if (!device_check(machine, name, &what, &fix)) {
		jbr_buffer_append(out, what.data, what.length);
		jbr_buffer_format(out, "; ");
		jbr_buffer_append(out, fix.data, fix.length);
	} else if (failure->error == EPERM || failure->error == EACCES) {
		jbr_buffer_format(out,
			"%s; run as root, or see `jabiru doctor` for the "
			"capabilities that are missing",
			strerror(failure->error));
	} else {
		/* vdevs leave an errno of no meaning behind */
		jbr_buffer_format(out,
			"its driver refused it; check its arguments, see its own lines above, and "
			"`jabiru doctor`");
	}
	jbr_buffer_fini(&what);
	jbr_buffer_fini(&fix);
}

static void
diagnose_memory(const struct eal_failure *failure, const struct machine *machine,
	struct jbr_buffer *out)
{
	jbr_buffer_format(out,
		"cannot have %s: ", failure->what == NULL ? "the memory" : failure->what);
	if (is_short_of_hugepages(failure, machine, out) ||
		is_short_of_memory(failure, machine, out))
		return;
	say_error(failure->error, out);
	jbr_buffer_format(out, " (%llu MiB", machine_mebibytes(failure->needed_bytes));
	if (failure->node != MACHINE_NODE_UNKNOWN)
		jbr_buffer_format(out, " on NUMA node %d", failure->node);
	jbr_buffer_format(out, "); raise memory.megabytes, or lower flow.capacity");
}

void
eal_diagnosis(const struct eal_failure *failure, const struct machine *machine,
	struct jbr_buffer *out)
{
	switch (failure->step) {
	case EAL_STEP_INIT:
		diagnose_init(failure, machine, out);
		break;
	case EAL_STEP_DEVICE:
		diagnose_device(failure, machine, out);
		break;
	case EAL_STEP_MEMORY:
		diagnose_memory(failure, machine, out);
		break;
	}
}
