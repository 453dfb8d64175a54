/* SPDX-License-Identifier: BSD-3-Clause */
#include "scenario.h"

#include <errno.h>
#include <stdio.h>

#define DATA(payload_, sent_) \
	{ \
		.payload = payload_, .sent = sent_ \
	}
#define REPLY(acked_) \
	{ \
		.is_reply = true, .acked = acked_ \
	}

/* 6 bytes of payload fill the 60 bytes of the smallest frame, so all seven are 64 bytes on the wire. */
static const struct script acks_ipv4 = {
	.count = 7,
	.bytes = 6,
	.turns = {DATA(6, 0), REPLY(1), REPLY(2), REPLY(3), REPLY(4), REPLY(5), REPLY(6)},
};

/* An IPv6 frame has no padding to hide payload in: one frame of 16 is longer than 78 bytes. */
static const struct script acks_ipv6 = {
	.count = 16,
	.bytes = 15,
	.turns = {DATA(15, 0), REPLY(1), REPLY(2), REPLY(3), REPLY(4), REPLY(5), REPLY(6), REPLY(7),
		REPLY(8), REPLY(9), REPLY(10), REPLY(11), REPLY(12), REPLY(13), REPLY(14),
		REPLY(15)},
};

/* Frames of 64, 570 and 1518 bytes, 7 : 4 : 1. */
static const struct script imix = {
	.count = 12,
	.bytes = 4 * 512 + 1460,
	.turns = {DATA(512, 0), REPLY(512), DATA(512, 512), REPLY(1024), DATA(1460, 1024),
		REPLY(1754), REPLY(2484), DATA(512, 2484), REPLY(2996), DATA(512, 2996),
		REPLY(3252), REPLY(3508)},
};

static const struct scenario scenarios[] = {
	{"syn_flood", "64-byte SYNs, each of a new tuple, beside N established connections",
		&acks_ipv4, 4, SHARE_ALL, FLOOD_SYN, false, false},
	{"ack_uniform", "64-byte segments of N established connections, uniform", &acks_ipv4, 4,
		SHARE_NONE, 0, false, false},
	{"ack_zipf", "the same, connections drawn by Zipf's law with exponent 1", &acks_ipv4, 4,
		SHARE_NONE, 0, true, false},
	{"ack_uniform6", "78-byte ACKs of N established IPv6 connections, uniform", &acks_ipv6, 6,
		SHARE_NONE, 0, false, false},
	{"imix", "64, 570 and 1518 bytes, 7:4:1, in order, of N established connections", &imix, 4,
		SHARE_NONE, 0, false, false},
	{"imix_match", "the same with pattern matching: not there yet", &imix, 4, SHARE_NONE, 0,
		false, true},
	{"mixed", "half 64-byte segments of N established connections, half --flood", &acks_ipv4, 4,
		SHARE_HALF, FLOOD_SYN | FLOOD_ACK | FLOOD_RST, false, false},
};

static const char *const flood_names[FLOOD_KINDS] = {"syn", "ack", "data", "rst", "fin"};

const struct scenario *
scenario_all(unsigned *ret_count)
{
	*ret_count = JBR_COUNT_OF(scenarios);
	return scenarios;
}

const struct scenario *
scenario_find(const char *name)
{
	for (unsigned i = 0; i < JBR_COUNT_OF(scenarios); i++)
		if (strcmp(scenarios[i].name, name) == 0)
			return &scenarios[i];
	return NULL;
}

static int
flood_find(const char *name, size_t length)
{
	for (int i = 0; i < FLOOD_KINDS; i++)
		if (strlen(flood_names[i]) == length && memcmp(flood_names[i], name, length) == 0)
			return i;
	return -1;
}

int
scenario_read_flood(const char *list, uint8_t *ret_flood, struct jbr_error *error)
{
	uint8_t flood = 0;

	for (const char *at = list;; at++) {
		size_t length = strcspn(at, ",");
		int kind = flood_find(at, length);

		if (kind < 0)
			return jbr_error_set(error, -EINVAL,
				"--flood: '%.*s' is none of syn, ack, data, rst, fin", (int)length,
				at);
		flood |= (uint8_t)(1 << kind);
		at += length;
		if (*at == '\0')
			break;
	}
	*ret_flood = flood;
	return 0;
}

void
scenario_write_flood(uint8_t flood, char text[32])
{
	size_t length = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < FLOOD_KINDS; i++)
		if (flood & 1u << i)
			length += (size_t)snprintf(text + length, 32 - length, "%s%s",
				length > 0 ? "," : "", flood_names[i]);
}
