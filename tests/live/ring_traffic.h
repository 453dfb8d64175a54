/* SPDX-License-Identifier: BSD-3-Clause */
/** @file ring_traffic.h
 * What ring_load sends: connections of several fates over IPv4 and IPv6, ICMP errors that quote them,
 * fragments, and frames of no connection, whole and broken.
 *
 * Threads: one; a trace is a value of its owner's.
 */
#pragma once
#include "builder.h"

/** What a frame is, which says where it is counted; struct builder_packet.interface holds it. */
enum kind { TCP, UDP, ICMP, FRAGMENT, ARP, BROKEN_IP, BROKEN_TCP, RUNT, KINDS };

enum { RING_TRAFFIC_CONNECTIONS = 1024 /**< each with a tuple of its own */ };

/** Make a round of it, in the order of time; it may be sent again and again.
 * @param trace  empty; its `failed` says if something went wrong; release with builder_trace_fini() */
void ring_traffic_make(struct builder_trace *trace);
