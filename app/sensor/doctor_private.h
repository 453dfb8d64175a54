/* SPDX-License-Identifier: BSD-3-Clause */
/** @file doctor_private.h
 * What the files of doctor.h share.
 *
 * Threads: as doctor.h.
 */
#pragma once
#include "doctor.h"

/** An examination under way. */
struct doctor_visit {
	const struct machine *machine;
	const struct jbr_config *config;
	const struct live_plan *plan;
	struct doctor_report *report;
};

/** Add a finding.
 * @return it, so that its texts can be written; they start empty. Never NULL: what has no room is
 *         counted and goes into one that is not shown. */
struct doctor_finding *doctor_find(struct doctor_visit *visit, const char *name,
	enum doctor_status status, const char *why);
/** The first problem of @p part, of the port @p port if it is about ports; NULL = none. */
const struct live_problem *doctor_problem_of(const struct doctor_visit *visit, enum live_part part,
	uint32_t port);
/** Add a finding that fails: the plan's @p problem, its fix what stands after the last semicolon. */
void doctor_find_problem(struct doctor_visit *visit, const char *name,
	const struct live_problem *problem);
/** Write finding->what. */
void doctor_what(struct doctor_finding *finding, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/** Write finding->fix. */
void doctor_fix(struct doctor_finding *finding, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/** Move a text into a finding's what or fix, cut short if need be; @p text is released. */
void doctor_take(char *ret_text, struct jbr_buffer *text);

/** Hugepages, memory, memlock, transparent hugepages (doctor_memory.c). */
void doctor_examine_memory(struct doctor_visit *visit);
/** CPUs, their instructions and clocks, NUMA (doctor_cpu.c). */
void doctor_examine_cpus(struct doctor_visit *visit);
/** Ports, capabilities, drivers, offloads, what other programs left (doctor_port.c). */
void doctor_examine_ports(struct doctor_visit *visit);
