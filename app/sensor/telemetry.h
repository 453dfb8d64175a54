/* SPDX-License-Identifier: BSD-3-Clause */
/** @file telemetry.h
 * The published figures once more, for tools that read DPDK's telemetry socket
 * (dpdk-telemetry.py, telegraf's inputs.dpdk):
 *     /jabiru/families        names of all families
 *     /jabiru/stats,FAMILY    its series: label values, joined by a comma, and their values; a histogram
 *                             as its count and sum
 *
 * Threads: telemetry_start() is main()'s; DPDK calls the commands on a thread of its own, which reads
 *          the segment as any other program does.
 */
#pragma once

/** Register the commands; they read the segment at @p path from now on. Without telemetry (--no-telemetry)
 * nothing happens. */
void telemetry_start(const char *folder, const char *instance);
