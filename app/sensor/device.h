/* SPDX-License-Identifier: BSD-3-Clause */
/** @file device.h
 * The device string of a port: what kind it is, and what this host lacks to open it.
 *
 * Threads: control code; no state.
 * Form:    a PCI address (`0000:03:00.0`, `03:00.0`) or the name of a vdev (`net_af_packet0`), either
 *          with arguments after a comma.
 */
#pragma once
#include "machine.h"

enum device_kind {
	DEVICE_PCI,
	DEVICE_AF_PACKET,
	DEVICE_AF_XDP,
	DEVICE_TAP,
	DEVICE_PCAP,
	DEVICE_VDEV,    /**< another vdev: needs nothing of the host that we know of */
	DEVICE_UNKNOWN, /**< neither */
};

struct device {
	enum device_kind kind;
	char interface[MACHINE_NAME_SIZE]; /**< kernel interface that it reads, or empty */
};

/** Take @p text apart. */
void device_parse(const char *text, struct device *ret_device);

/** Would it open? Looks at PCI devices and their drivers, at interfaces and capture files.
 * @param ret_what  receives one sentence without full stop, only if not
 * @param ret_fix   receives the command or change that mends it, only if not
 * @return whether it would, as far as can be seen without opening it. */
bool device_check(const struct machine *machine, const char *text, struct jbr_buffer *ret_what,
	struct jbr_buffer *ret_fix);

/** The NUMA node of the device, or MACHINE_NODE_UNKNOWN. */
int device_node(const struct machine *machine, const char *text);

/** What the kernel does to frames of @p interface before they are seen.
 * @param ret_words    receives the words of ethtool for what is on, each after a blank
 * @param ret_command  receives the command that switches all of it off
 * @return whether anything is on; where that is not known, nothing is */
bool device_offloads(const struct machine_interface *interface, struct jbr_buffer *ret_words,
	struct jbr_buffer *ret_command);

/** Append the command that leaves @p needed_bytes of hugepages free on @p node (MACHINE_NODE_UNKNOWN: on
 * any). */
void device_hugepages_command(const struct machine *machine, int node, uint64_t needed_bytes,
	struct jbr_buffer *out);
