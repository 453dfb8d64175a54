/* SPDX-License-Identifier: BSD-3-Clause */
/** @file jbr_detect.h
 * Judgements that need no state of a connection, or all of it: what one segment says about itself.
 *
 * Owns:    the rows of group FLAGS in anomalies.def, and the rules of resets.def.
 * Threads: every function is [data] and pure but for its result argument.
 * Memory:  nothing is allocated or kept.
 * Trust:   a packet that was parsed, so its lengths agree; its values are whatever the sender chose.
 */
#pragma once
#include "jbr_catalog.h"
#include "jbr_packet.h"
#include "jbr_tcp.h"

/** [data] Add to the findings of @p packet what its header alone gives away: impossible flags,
 * addresses that cannot talk, stray fields, generators' constants.
 * @param params  thresholds of the configuration
 * @param packet  a result of jbr_packet_parse(); one that is no TCP segment is left as it is */
void jbr_detect_flags(const struct jbr_params *params, struct jbr_packet *packet);

/** [data] Is nothing odd about the addresses and ports of a connection? Then jbr_detect_flags() finds
 * nothing on its ACKs without urgent data, but for a TTL below ip_low_ttl_floor.
 * @return true: nothing; false: each packet is to be looked at */
bool jbr_detect_is_quiet(const union jbr_address address[2], const uint16_t port[2]);

/** [data] Does jbr_detect_flags() find nothing on the SYN of @p outline?
 * @return true: nothing; false: it does, or needs the whole look to know */
bool jbr_detect_is_syn_quiet(const struct jbr_params *params, const struct jbr_outline *outline);

/** [data] Judge a RST: its provisional cause by the ordered rules of docs/architecture.md, and the
 * evidence. What follows within 5 s may still show it to be forged: jbr_detect_reset_revise().
 * @param before      the connection before the RST's own step
 * @param ret_reset   the whole record */
void jbr_detect_reset(const struct jbr_tcp_conn *before, const struct jbr_tcp_input *input,
	const struct jbr_tcp_result *result, struct jbr_tcp_reset *ret_reset);

/** [data] Test D1 for a RST that was just judged, and the counts of in-window RSTs: may change it and
 * the connection's unsettled earlier ones.
 * @param conn  the connection with the RST's step made; its extension is in use */
void jbr_detect_reset_compare(struct jbr_tcp_conn *conn, const struct jbr_tcp_input *input,
	struct jbr_tcp_reset *reset);

/** [data] Revise the unsettled RSTs of @p conn by a segment that came after them: D2 (their sender
 * goes on), D6 (a SYN-ACK after a RST with a wrong ACK).
 * @param conn  after the segment's step, with an extension */
void jbr_detect_reset_revise(struct jbr_tcp_conn *conn, const struct jbr_tcp_input *input,
	const struct jbr_tcp_result *result);

enum { JBR_DETECT_RESET_SETTLE_S = 5 }; /**< a cause changes no more after it */
