/* SPDX-License-Identifier: BSD-3-Clause */
/** @file tcp_story.h
 * For the units of the tcp and detect rooms: a conversation as one line of text, taken segment by
 * segment through the steps as the pipeline takes it.
 *
 * A story is a row of tokens: a letter for the segment, capital from the client and small from the
 * server, and what is particular about it: "S h A D,len=100 a,win=0 R,seq=-50,dt=200".
 *   S SYN       H SYN-ACK   A ACK        D data, 10 bytes   F FIN with ACK   R RST with ACK
 *   X RST       K keepalive P one byte as a window probe    I FIN and RST    Q SYN and FIN
 *   Y SYN and RST
 * Fields:
 *   seq=N at=N      sequence number, from the sender's next one or from its ISN; such a segment, a
 *                   keepalive and a probe do not move the sender's numbers
 *   ack=N ackat=N   ACK field, from the peer's next number (all it sent) or from its ISN
 *   dt=N            milliseconds since the segment before; 10
 *   rep=N           N times
 *   isn=N len=N win=N ttl=N id=N ts=N ws=N mss=N mptcp=SUBTYPE
 *   lost            sent, and the tap misses it
 *   stay            the sender's numbers do not move
 *   noack bad frag snap   ACK flag left out, bad checksum, a fragment, payload not captured
 * Every story is told in several ways (STORY_WAYS): with sequence numbers that wrap or do not, and
 * with and without the short cut for plain segments. What comes out must not depend on the way.
 */
#pragma once
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "jbr_tcp.h"

enum {
	STORY_WAYS = 6,
	STORY_TEXT_SIZE = 512,
	STORY_START_S = 1700000000,
	STORY_FINDINGS_MAX = 32,
};

enum story_field {
	STORY_SEQ,
	STORY_AT,
	STORY_ACK,
	STORY_ACKAT,
	STORY_DT,
	STORY_REP,
	STORY_ISN,
	STORY_LEN,
	STORY_WIN,
	STORY_TTL,
	STORY_ID,
	STORY_TS,
	STORY_WS,
	STORY_MSS,
	STORY_MPTCP,
	STORY_LOST,
	STORY_STAY,
	STORY_NOACK,
	STORY_BAD,
	STORY_FRAG,
	STORY_SNAP,
	STORY_FIELDS
};

struct story_token {
	int64_t value[STORY_FIELDS];
	uint32_t has; /* bit per field */
	char letter;
};

struct story_end {
	uint32_t isn;
	uint32_t next;
	uint16_t port;
	uint16_t ip_id;
};

struct story;
typedef void story_hook(struct story *story);

struct story {
	struct jbr_tcp_conn conn;
	struct jbr_tcp_conn before;   /**< the last segment's step */
	struct jbr_tcp_result result; /**< of the last segment */
	struct jbr_packet packet;
	struct jbr_tcp_input input;
	struct story_end ends[2]; /**< client, server */
	uint64_t now_ns;
	uint64_t number;
	story_hook *on_reset;   /**< after the step of a RST; story_keep_reset() by default */
	story_hook *on_segment; /**< after the step of another segment */
	unsigned originator;    /**< index in ends */
	unsigned plain_count;   /**< segments that took the short cut */
	uint8_t cause;          /**< what story_keep_reset() writes */
	bool tries_plain;
	bool is_begun;
	uint8_t findings_count;
	uint16_t findings[STORY_FINDINGS_MAX]; /**< of all steps, each once */
};

/** Write down a RST as the pipeline does, its cause given. */
static inline void
story_keep_reset(struct story *story)
{
	struct jbr_tcp_ext *ext = jbr_tcp_extend(&story->conn);

	if (ext->resets_count < JBR_TCP_RESETS_MAX)
		ext->resets[ext->resets_count] = (struct jbr_tcp_reset){
			.number = story->number,
			.time_ns = story->now_ns,
			.seq = story->packet.seq,
			.by = story->input.from,
			.fit = story->result.fit,
			.cause = story->cause,
		};
	ext->resets_count++;
}

/** Begin. @param way  0..STORY_WAYS-1 */
static inline void
story_init(struct story *story, unsigned way)
{
	static const uint32_t isns[][2] = {
		{1000, 500000},
		{UINT32_C(0xfffffffe), UINT32_C(0xfffffff5)},
		{UINT32_C(0x7ffffff8), UINT32_C(0xffffffff)},
	};

	memset(story, 0, sizeof(*story));
	for (unsigned i = 0; i < 2; i++) {
		story->ends[i].isn = isns[way % 3][i];
		story->ends[i].next = story->ends[i].isn;
		story->ends[i].ip_id = (uint16_t)(1000 + i * 1000);
	}
	story->ends[0].port = 40000;
	story->ends[1].port = 80;
	story->now_ns = STORY_START_S * JBR_NS_PER_S;
	story->tries_plain = way >= 3;
	story->on_reset = story_keep_reset;
	story->cause = JBR_RESET_UNCLASSIFIED;
}

static inline enum story_field
story_field_of(const char *name)
{
	static const char *const names[STORY_FIELDS] = {
		[STORY_SEQ] = "seq",
		[STORY_AT] = "at",
		[STORY_ACK] = "ack",
		[STORY_ACKAT] = "ackat",
		[STORY_DT] = "dt",
		[STORY_REP] = "rep",
		[STORY_ISN] = "isn",
		[STORY_LEN] = "len",
		[STORY_WIN] = "win",
		[STORY_TTL] = "ttl",
		[STORY_ID] = "id",
		[STORY_TS] = "ts",
		[STORY_WS] = "ws",
		[STORY_MSS] = "mss",
		[STORY_MPTCP] = "mptcp",
		[STORY_LOST] = "lost",
		[STORY_STAY] = "stay",
		[STORY_NOACK] = "noack",
		[STORY_BAD] = "bad",
		[STORY_FRAG] = "frag",
		[STORY_SNAP] = "snap",
	};

	for (unsigned i = 0; i < STORY_FIELDS; i++)
		if (strcmp(name, names[i]) == 0)
			return (enum story_field)i;
	fail_msg("story: no field is called '%s'", name);
	return STORY_FIELDS;
}

static inline struct story_token
story_parse(const char *text, size_t length)
{
	struct story_token token = {.letter = text[0]};
	char copy[STORY_TEXT_SIZE];
	char *rest = NULL;

	assert_true(length > 0 && length < sizeof(copy));
	memcpy(copy, text, length);
	copy[length] = '\0';
	if (copy[1] != '\0' && copy[1] != ',')
		fail_msg("story: '%s' is no token", copy);
	for (char *word = strtok_r(copy + 1, ",", &rest); word != NULL;
		word = strtok_r(NULL, ",", &rest)) {
		char *value = strchr(word, '=');
		char *end = NULL;
		enum story_field field;

		if (value != NULL)
			*value++ = '\0';
		field = story_field_of(word);
		token.value[field] = value != NULL ? strtoll(value, &end, 10) : 1;
		if (value != NULL && (end == value || *end != '\0'))
			fail_msg("story: '%s' is no number", value);
		token.has |= 1u << field;
	}
	return token;
}

static inline bool
story_has(const struct story_token *token, enum story_field field)
{
	return (token->has & (1u << field)) != 0;
}

static inline uint32_t
story_value(const struct story_token *token, enum story_field field, uint32_t usual)
{
	return story_has(token, field) ? (uint32_t)token->value[field] : usual;
}

static inline uint16_t
story_flags(char letter)
{
	switch (letter) {
	case 'S':
		return JBR_TCP_SYN;
	case 'H':
		return JBR_TCP_SYN | JBR_TCP_ACK;
	case 'A':
	case 'K':
	case 'P':
		return JBR_TCP_ACK;
	case 'D':
		return JBR_TCP_PSH | JBR_TCP_ACK;
	case 'F':
		return JBR_TCP_FIN | JBR_TCP_ACK;
	case 'R':
		return JBR_TCP_RST | JBR_TCP_ACK;
	case 'X':
		return JBR_TCP_RST;
	case 'I':
		return JBR_TCP_FIN | JBR_TCP_RST | JBR_TCP_ACK;
	case 'Q':
		return JBR_TCP_SYN | JBR_TCP_FIN;
	case 'Y':
		return JBR_TCP_SYN | JBR_TCP_RST;
	default:
		fail_msg("story: no segment is called '%c'", letter);
		return 0;
	}
}

/* Sequence and ACK number. */
static inline void
story_numbers(struct story *story, const struct story_token *token, unsigned side, char letter)
{
	struct story_end *end = &story->ends[side];
	const struct story_end *peer = &story->ends[side ^ 1];
	struct jbr_packet *packet = &story->packet;

	if (story_has(token, STORY_ISN))
		end->isn = end->next = (uint32_t)token->value[STORY_ISN];
	packet->seq = letter == 'S' || letter == 'H' ? end->isn : end->next - (letter == 'K');
	if (story_has(token, STORY_AT))
		packet->seq = end->isn + (uint32_t)token->value[STORY_AT];
	if (story_has(token, STORY_SEQ))
		packet->seq = end->next + (uint32_t)token->value[STORY_SEQ];
	if (!(packet->flags & JBR_TCP_ACK))
		return;
	packet->ack = peer->next;
	if (story_has(token, STORY_ACKAT))
		packet->ack = peer->isn + (uint32_t)token->value[STORY_ACKAT];
	if (story_has(token, STORY_ACK))
		packet->ack = peer->next + (uint32_t)token->value[STORY_ACK];
}

static inline void
story_options(struct jbr_packet *packet, const struct story_token *token)
{
	if (story_has(token, STORY_TS))
		packet->options |= JBR_OPT_TIMESTAMP;
	if (story_has(token, STORY_WS))
		packet->options |= JBR_OPT_WSCALE;
	if (story_has(token, STORY_MSS))
		packet->options |= JBR_OPT_MSS;
	if (story_has(token, STORY_MPTCP))
		packet->options |= JBR_OPT_MPTCP;
	packet->ts_value = story_value(token, STORY_TS, 0);
	packet->wscale = (uint8_t)story_value(token, STORY_WS, 0);
	packet->mss = (uint16_t)story_value(token, STORY_MSS, 0);
	packet->mptcp_subtype = (uint8_t)story_value(token, STORY_MPTCP, 0);
}

/* Build the packet and move its sender's numbers. */
static inline void
story_build(struct story *story, const struct story_token *token)
{
	unsigned side = islower((unsigned char)token->letter) != 0;
	char letter = (char)toupper((unsigned char)token->letter);
	struct story_end *end = &story->ends[side];
	struct jbr_packet *packet = &story->packet;
	bool is_fixed = story_has(token, STORY_SEQ) || story_has(token, STORY_AT) ||
		story_has(token, STORY_STAY) || letter == 'K' || letter == 'P';

	memset(packet, 0, sizeof(*packet));
	packet->kind = JBR_PACKET_TCP;
	packet->ip_version = 4;
	packet->src_port = end->port;
	packet->dst_port = story->ends[side ^ 1].port;
	packet->flags = story_flags(letter);
	if (story_has(token, STORY_NOACK))
		packet->flags &= (uint16_t)~JBR_TCP_ACK;
	packet->payload_length = story_value(token, STORY_LEN, letter == 'D' ? 10 : letter == 'P');
	packet->payload_captured = story_has(token, STORY_SNAP) ? 0 : packet->payload_length;
	packet->ip_length = 40 + packet->payload_length;
	packet->is_fragment = story_has(token, STORY_FRAG);
	packet->checksum = story_has(token, STORY_BAD) ? JBR_CHECKSUM_BAD : JBR_CHECKSUM_GOOD;
	packet->window = (uint16_t)story_value(token, STORY_WIN,
		packet->flags & JBR_TCP_RST ? 0 : 1000);
	packet->ttl = (uint8_t)story_value(token, STORY_TTL, 64);
	packet->ip_id = story_has(token, STORY_ID) ? (uint16_t)token->value[STORY_ID]
						   : end->ip_id++;
	story_options(packet, token);
	story_numbers(story, token, side, letter);
	if (!is_fixed && jbr_tcp_is_before(end->next, packet->seq + jbr_tcp_segment_length(packet)))
		end->next = packet->seq + jbr_tcp_segment_length(packet);
	story->input.packet = packet;
	story->input.from = (uint8_t)(side ^ story->originator);
}

static inline void
story_note_findings(struct story *story)
{
	for (unsigned i = 0; i < story->result.findings_count; i++) {
		uint16_t anomaly = story->result.findings[i];
		bool is_known = false;

		for (unsigned k = 0; k < story->findings_count; k++)
			is_known = is_known || story->findings[k] == anomaly;
		assert_true(is_known || story->findings_count < STORY_FINDINGS_MAX);
		if (!is_known)
			story->findings[story->findings_count++] = anomaly;
	}
}

/* The packet at hand as the plain step takes it. */
static inline struct jbr_tcp_segment
story_segment(const struct story *story, struct jbr_glance *ret_glance)
{
	(void)jbr_packet_glance_of(&story->packet, ret_glance);
	return (struct jbr_tcp_segment){.glance = ret_glance,
		.now_ns = story->input.now_ns,
		.number = story->input.number,
		.from = story->input.from};
}

/* Does the plain step take it? */
static inline bool
story_is_plain(const struct story *story, struct jbr_tcp_plain *ret_plain)
{
	struct jbr_glance glance;
	struct jbr_tcp_segment segment = story_segment(story, &glance);

	return jbr_packet_glance_of(&story->packet, &glance) &&
		jbr_tcp_step_plain(&story->conn.hot, &segment, ret_plain);
}

/* @return the segment took the short cut */
static inline bool
story_plain(struct story *story)
{
	struct jbr_tcp_conn *conn = &story->conn;
	struct jbr_glance glance;
	struct jbr_tcp_segment segment = story_segment(story, &glance);
	struct jbr_tcp_plain plain;
	bool has_payload = story->packet.payload_length > 0;

	if (!story->tries_plain || !story_is_plain(story, &plain))
		return false;
	jbr_tcp_commit_plain(&conn->hot, &segment, &plain);
	if (jbr_zeek_lacks_letter(&conn->hot, has_payload, segment.from))
		jbr_zeek_plain(&conn->hot, &conn->cold, has_payload, segment.from);
	story->plain_count++;
	return true;
}

/* One segment that the tap sees. */
static inline void
story_feed(struct story *story)
{
	struct jbr_tcp_conn *conn = &story->conn;
	bool is_first = !story->is_begun;

	story->input.now_ns = story->now_ns;
	story->input.number = ++story->number;
	memset(&story->result, 0, sizeof(story->result));
	if (is_first) {
		story->originator = story->packet.src_port == story->ends[1].port;
		story->input.from = 0;
		story->is_begun = true;
		jbr_tcp_begin(conn, &story->input);
	}
	if (!is_first && story->packet.checksum == JBR_CHECKSUM_BAD &&
		!jbr_tcp_is_checksum_believed(&conn->hot, &conn->cold, story->input.from)) {
		jbr_tcp_step_corrupt(conn, &story->input);
		return;
	}
	if (story_plain(story))
		return;
	story->before = *conn;
	jbr_tcp_step(conn, &story->input, &story->result);
	story_note_findings(story);
	if (story->packet.flags & JBR_TCP_RST)
		story->on_reset(story);
	else if (story->on_segment != NULL)
		story->on_segment(story);
	if (story->result.is_swapped)
		story->originator ^= 1;
}

/** Tell a story, or its next part. */
static inline void
story_tell(struct story *story, const char *text)
{
	while (*text != '\0') {
		size_t length = strcspn(text, " ");
		struct story_token token = story_parse(text, length);

		for (uint32_t n = story_value(&token, STORY_REP, 1); n > 0; n--) {
			story->now_ns += story_value(&token, STORY_DT, 10) * JBR_NS_PER_MS;
			story_build(story, &token);
			if (!story_has(&token, STORY_LOST))
				story_feed(story);
		}
		text += length;
		text += strspn(text, " ");
	}
}
