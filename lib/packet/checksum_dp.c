/* SPDX-License-Identifier: BSD-3-Clause */
#include "parser.h"

/* The Internet checksum is the same sum whichever byte order its words are read in (RFC 1071 2 B),
 * so everything here adds words as they lie in memory and compares with constants in that order. */

enum { SAMPLE_MASK = 15 }; /* one packet in 16 */

typedef uint64_t pair_t __attribute__((vector_size(16)));

/* Sum of the whole 64 byte blocks of a segment; each 32-bit half has 32 bits of room for carries. */
static uint64_t
sum_blocks(const uint8_t *p, uint32_t blocks)
{
	const pair_t low = {UINT32_MAX, UINT32_MAX};
	pair_t even = {0, 0};
	pair_t odd = {0, 0};

	for (; blocks > 0; blocks--, p += 64) {
		pair_t v[4];

		memcpy(v, p, sizeof(v));
		even += (v[0] & low) + (v[1] & low) + (v[2] & low) + (v[3] & low);
		odd += (v[0] >> 32) + (v[1] >> 32) + (v[2] >> 32) + (v[3] >> 32);
	}
	even += odd;
	return even[0] + even[1];
}

static inline uint64_t
sum_bytes(const uint8_t *p, uint32_t length)
{
	uint64_t sum = 0;

	if (length >= 64) {
		sum = sum_blocks(p, length / 64);
		p += length & ~63u;
		length &= 63;
	}
	for (; length >= 8; length -= 8, p += 8)
		sum = jbr_sum_add(sum, p);
	if (length & 4) {
		uint32_t word;

		memcpy(&word, p, sizeof(word));
		sum = jbr_sum_word(sum, word);
		p += 4;
	}
	if (length & 2) {
		uint16_t word;

		memcpy(&word, p, sizeof(word));
		sum = jbr_sum_word(sum, word);
		p += 2;
	}
	if (length & 1)
		sum = jbr_sum_word(sum,
			*p); /* the high byte of a big-endian word is the low one here */
	return sum;
}

bool
jbr_ipv4_checksum_is_good(const uint8_t *header, uint32_t length)
{
	return jbr_sum_fold(sum_bytes(header, length)) == UINT16_MAX;
}

static inline uint64_t
sum_address(const union jbr_address *address)
{
	uint64_t high = address->halves[0];
	uint64_t low = address->halves[1];

	return ((uint32_t)high + (high >> 32)) + ((uint32_t)low + (low >> 32));
}

/* The pseudo-header without the length: addresses and protocol. The mapped form of an IPv4 address
 * adds 0xffff to it, which in this arithmetic is nothing. */
static inline uint64_t
sum_pseudo(const struct jbr_packet *packet)
{
	return sum_address(&packet->src) + sum_address(&packet->dst) +
		__builtin_bswap16(JBR_PROTOCOL_TCP);
}

static inline bool
is_same_sum(uint32_t a, uint32_t b)
{
	return a % UINT16_MAX == b % UINT16_MAX;
}

/* Did the tap's own host leave the sum to its NIC? Then the field holds the pseudo-header's sum, not
 * complemented. A driver that has the NIC cut a large segment takes the length out of both places,
 * so without an IP length the sum without it counts too. */
static bool
is_partial(const struct jbr_packet *packet, uint32_t length)
{
	uint32_t field = __builtin_bswap16(packet->tcp_checksum);
	uint64_t sum = sum_pseudo(packet);

	if (is_same_sum(field, jbr_sum_fold(sum + __builtin_bswap32(length))))
		return true;
	return jbr_load_be16(packet->ip + (packet->ip_version == 6 ? 4 : 2)) == 0 &&
		is_same_sum(field, jbr_sum_fold(sum));
}

static enum jbr_checksum
bad_or_partial(const struct jbr_packet *packet, uint32_t length)
{
	return is_partial(packet, length) ? JBR_CHECKSUM_PARTIAL : JBR_CHECKSUM_BAD;
}

static inline enum jbr_checksum
compute(const struct jbr_packet *packet, uint32_t length)
{
	uint64_t sum = sum_pseudo(packet) + __builtin_bswap32(length);

	if (JBR_LIKELY(
		    jbr_sum_fold(jbr_sum_word(sum_bytes(packet->tcp, length), sum)) == UINT16_MAX))
		return JBR_CHECKSUM_GOOD;
	return bad_or_partial(packet, length);
}

/* Does @p mode ask for the sum of the packet at @p number in software? */
static inline bool
is_wanted(uint8_t mode, uint64_t number)
{
	return mode == JBR_CHECKSUM_MODE_SOFTWARE ||
		(mode == JBR_CHECKSUM_MODE_SAMPLED && (number & SAMPLE_MASK) == 0);
}

void
jbr_judge_tcp_checksum(const struct jbr_frame *frame, const struct jbr_packet_options *options,
	struct jbr_packet *packet, uint32_t length)
{
	uint8_t mode = options->checksum;
	/* of which of several headers a NIC speaks is not known */
	unsigned nic = packet->layers & JBR_LAYERS_TUNNEL ? 0 : frame->nic_flags;
	enum jbr_checksum result = JBR_CHECKSUM_UNKNOWN;

	if (mode == JBR_CHECKSUM_MODE_OFF)
		result = JBR_CHECKSUM_UNKNOWN;
	else if (nic & JBR_NIC_L4_CHECKSUM_BAD)
		result = bad_or_partial(packet, length);
	else if (nic & JBR_NIC_L4_CHECKSUM_GOOD)
		result = JBR_CHECKSUM_GOOD;
	else if (is_wanted(mode, frame->number))
		result = compute(packet, length);
	packet->checksum = (uint8_t)result;
	if (result == JBR_CHECKSUM_BAD)
		jbr_packet_find(packet, JBR_ANOM_TCP_BAD_CHECKSUM);
}

static bool
is_sum_fine(const struct jbr_outline *outline, uint32_t length)
{
	uint64_t sum = __builtin_bswap16(JBR_PROTOCOL_TCP) + __builtin_bswap32(length);

	if (outline->ip_version == 4) {
		sum = jbr_sum_add(sum, outline->ip + 12);
	} else {
		sum = jbr_sum_add(sum, outline->ip + 8);
		sum = jbr_sum_add(sum, outline->ip + 16);
		sum = jbr_sum_add(sum, outline->ip + 24);
		sum = jbr_sum_add(sum, outline->ip + 32);
	}
	return jbr_sum_fold(jbr_sum_word(sum_bytes(outline->tcp, length), sum)) == UINT16_MAX;
}

bool
jbr_is_tcp_checksum_fine(const struct jbr_frame *frame, const struct jbr_packet_options *options,
	const struct jbr_outline *outline, uint32_t length)
{
	unsigned judged = frame->nic_flags & (JBR_NIC_L4_CHECKSUM_GOOD | JBR_NIC_L4_CHECKSUM_BAD);

	if (judged != 0)
		return judged == JBR_NIC_L4_CHECKSUM_GOOD ||
			options->checksum == JBR_CHECKSUM_MODE_OFF;
	return !is_wanted(options->checksum, frame->number) || is_sum_fine(outline, length);
}
