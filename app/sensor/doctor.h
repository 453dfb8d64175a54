/* SPDX-License-Identifier: BSD-3-Clause */
/** @file doctor.h
 * `jabiru doctor`: what this host lacks to run well, and the command that mends each.
 *
 * Owns:    what the facts of machine.h mean for a live run. Changes nothing, opens no device.
 * Threads: control code; no state.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "args.h"
#include "jbr_base.h"
#include "jbr_catalog.h"
#include "live_plan.h"
#include "machine.h"

enum doctor_status {
	DOCTOR_OK,
	DOCTOR_WARN, /**< runs, but worse than it could */
	DOCTOR_FAIL, /**< keeps `jabiru run` from starting */
};

enum { DOCTOR_FINDINGS_MAX = 128 };

struct doctor_finding {
	const char *name; /**< of the check; there may be several findings of one */
	enum doctor_status status;
	char what[512];
	const char *why; /**< it matters; NULL where what says it all */
	char fix[512];   /**< the command or change; empty when it is fine */
};

struct doctor_report {
	struct doctor_finding findings[DOCTOR_FINDINGS_MAX];
	uint32_t nb_findings;
	uint32_t left_out; /**< that had no room; their status still counts */
	enum doctor_status worst;
};

/** Hold @p machine against @p plan, which live_plan_make() made of @p config for it, with its problems or
 * without: each of them fails a check. Without ports it is a look at the host, and fails nothing for it. */
void doctor_examine(const struct machine *machine, const struct jbr_config *config,
	const struct live_plan *plan, struct doctor_report *ret_report);
/** Append one line a finding. */
void doctor_write_text(struct jbr_buffer *out, const struct doctor_report *report);
/** Append one JSON object with its newline: {"jabiru", "checks": [{"name", "status", "what", "why",
 * "fix"}]}; why and fix may be null. */
void doctor_write_json(struct jbr_buffer *out, const char *version,
	const struct doctor_report *report);

/** The verb: examine this host for @p config and append the findings to @p out. What keeps a run from
 * starting is asked of the run's own plan, so both see the same mistakes and the same sums.
 * @param config  ports of the command line take the place of its list
 * @return an exit code: EXIT_FAILED when something would keep a run from starting, or with @p error
 *         set when memory is out. */
int doctor_run(const struct args *args, struct jbr_config *config, struct jbr_buffer *out,
	struct jbr_error *error);
