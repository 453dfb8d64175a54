/* SPDX-License-Identifier: BSD-3-Clause */
/** @file captures.h
 * Private to make_captures: the stories that the captures of tests/captures tell.
 *
 * Every story adds its packets to a trace, from a start time on, with addresses and ports of its own.
 */
#pragma once
#include "builder.h"

/** 2026-01-01 00:00:00 UTC: when every capture begins. */
#define CAPTURES_START (UINT64_C(1767225600) * JBR_NS_PER_S)

typedef void captures_story(struct builder_trace *trace, uint64_t start_ns);

/** One row of a table of stories. */
struct captures_scene {
	captures_story *story;
	uint16_t start_ds; /**< tenths of a second after the capture's start */
};

enum captures_version { CAPTURES_IPV4, CAPTURES_IPV6, CAPTURES_MIXED };

/** The short story: one complete connection, one refused SYN, one unanswered SYN, one reset. */
void captures_short(struct builder_trace *trace, builder_outer *outer,
	enum captures_version version);

/** Begin one of the sample's conversations: client 192.0.2.@p number, server 198.51.100.20 (or
 * 2001:db8:1::@p number and 2001:db8:2::20). */
void captures_talk(struct builder_talk *talk, struct builder_trace *trace, uint64_t start_ns,
	unsigned number, unsigned ports);
/** The client's and the server's port for @ref captures_talk(). */
#define CAPTURES_PORTS(client, server) ((unsigned)(client) << 16 | (server))

/** Add all of sample.pcap. */
void captures_sample(struct builder_trace *trace);
/** Add the resets of sample.pcap, each of another cause. */
void captures_resets(struct builder_trace *trace);

/** One capture that is to be written. */
struct captures_file {
	const char *name;
	const char *text;
	/** Write the file's bytes and leave in the trace what a reader gets out of it. */
	void (*make)(struct jbr_buffer *out, struct builder_trace *trace);
};

extern const struct captures_file captures_forms[];
extern const size_t captures_forms_count;
extern const struct captures_file captures_tunnels[];
extern const size_t captures_tunnels_count;
extern const struct captures_file captures_broken[];
extern const size_t captures_broken_count;
