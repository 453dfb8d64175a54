/* SPDX-License-Identifier: BSD-3-Clause */
/** @file event_private.h
 * What the files of the event room share: identities, texts, and the parts that both kinds of line
 * have. For this room and its units only.
 *
 * Timestamps: EVE's form in UTC, `2026-11-23T18:00:00.123456+0000`, made by integer arithmetic from
 *         any 64-bit count of ns (the last is in the year 2554); what is below a us is cut off.
 *         A flow line carries order_ns, an anomaly line the time of its latest finding.
 * Entity: a flow row is about its flow; a packet row, and a flow row whose packet belongs to no
 *         flow (flow_id 0), about the packet's source address.
 * Confidence of an anomaly line: 1.00, less 0.20 for every trust flag of the flow which one of the
 *         row's traps (anomalies.def) could mean, but never below 0.10. A trap means a flag when it
 *         holds, as whole words, one of the flag's phrases:
 *           midstream     "capture start", "sensor start", "midstream", "table eviction",
 *                         "passed unseen"
 *           one_way       "one-way view"
 *           lossy         "loss", "passed unseen", "past the tap"
 *           duplicated    "duplicates", "reordering"
 *           snapped       "snap length"
 *           fragmented    "fragments"
 *           bad_checksum  "offload", "TSO"
 *           clock         "reordering", "clock"
 *         Flags that no trap of the row means are listed under `trust` and cost nothing.
 */
#pragma once
#include "jbr_event.h"

enum {
	JBR_SHA1_SIZE = 20,
	JBR_COMMUNITY_ID_SIZE = 31, /* "1:", 28 digits of base64, zero byte */
	JBR_TIME_TEXT_SIZE = 32,    /* 31 characters and the zero byte */
	JBR_ADDRESS_TEXT_SIZE = 46,
	JBR_FLAGS_TEXT_SIZE = 12,
};

/** SHA-1 (FIPS 180-4) of @p length bytes. Here it names connections; it protects nothing. */
void jbr_event_sha1(const void *bytes, size_t length, uint8_t ret_digest[JBR_SHA1_SIZE]);

/** Community id v1 of a TCP tuple, seed 0: the same text for both directions. */
void jbr_event_community_id(const struct jbr_event_tuple *tuple,
	char ret_text[JBR_COMMUNITY_ID_SIZE]);

/** @p time_ns since the epoch as an EVE timestamp. */
void jbr_event_time_text(uint64_t time_ns, char ret_text[JBR_TIME_TEXT_SIZE]);

/** An address in the form of its version: dotted IPv4, or IPv6 after RFC 5952. */
void jbr_event_address_text(const uint8_t address[16], uint8_t ip_version,
	char ret_text[JBR_ADDRESS_TEXT_SIZE]);

/** TCP flags as letters, from the lowest bit: F S R P A U E C, N for bit 8 (AE), X for any of the
 * three reserved bits. */
void jbr_event_flags_text(uint16_t flags, char ret_text[JBR_FLAGS_TEXT_SIZE]);

/** What the row's traps could mean: JBR_TRUST_*. */
uint16_t jbr_event_traps(unsigned anomaly);

/** Whether a tuple has addresses: a packet whose IP header is broken has none. */
static inline bool
jbr_event_has_address(const struct jbr_event_tuple *tuple)
{
	return tuple->ip_version == 4 || tuple->ip_version == 6;
}

/** Open the line and write what EVE has in common. flow_id 0 is left out, and without an address so
 * is everything that needs one. */
void jbr_event_write_head(struct jbr_json *json, const char *event_type, uint64_t time_ns,
	uint64_t flow_id, const struct jbr_event_tuple *tuple);

/** Write a timestamp. */
void jbr_event_write_time(struct jbr_json *json, const char *key, uint64_t time_ns);

/** Write an address in the form of its version. */
void jbr_event_write_address(struct jbr_json *json, const char *key, const uint8_t address[16],
	uint8_t ip_version);

/** Write what each of the packets' two directions holds. */
void jbr_event_write_each_way(struct jbr_json *json, const char *key,
	const uint64_t values[JBR_SIDES]);

/** Fill @p count words to key a hash with, anew in every process.
 * @param owner  memory whose address serves where there are no random numbers */
void jbr_event_secret(const void *owner, uint64_t *ret_words, size_t count);

/** Write what people call an address, where they do. */
void jbr_event_write_alias(struct jbr_json *json, const char *key, const uint8_t address[16],
	uint8_t ip_version, const struct jbr_event_names *names);

/** Write what people call both ends, where they do. */
void jbr_event_write_aliases(struct jbr_json *json, const struct jbr_event_tuple *tuple,
	const struct jbr_event_names *names);

/** Write the names of the trust flags as an array. */
void jbr_event_write_trust(struct jbr_json *json, uint16_t trust);

/** The @p index-th of @p count names, or `unknown` beyond them. */
static inline const char *
jbr_event_name(const char *const *names, size_t count, size_t index)
{
	return index < count ? names[index] : "unknown";
}
