/* SPDX-License-Identifier: BSD-3-Clause */
#include <smmintrin.h>

#include "parser.h"

/* The Internet checksum is the same sum whichever byte order its words are read in (RFC 1071 2 B),
 * so everything here adds words as they lie in memory and compares with constants in that order. */

enum { SAMPLE_MASK = 15 }; /* one packet in 16 */

enum { BLOCK = 64, VECTOR = 16, BLOCK_BYTES_MAX = BLOCK << 12 };

/* Add the two halves of each 32-bit lane; a lane has room for the carries of 2^15 vectors. */
static inline __m128i
add_words(__m128i sum, __m128i words)
{
	__m128i low = _mm_and_si128(words, _mm_set1_epi32(UINT16_MAX));

	return _mm_add_epi32(sum, _mm_add_epi32(low, _mm_srli_epi32(words, 16)));
}

static inline uint64_t
add_lanes(__m128i sum)
{
	const __m128i zero = _mm_setzero_si128();
	__m128i pairs = _mm_add_epi64(_mm_unpacklo_epi32(sum, zero), _mm_unpackhi_epi32(sum, zero));

	return (uint64_t)_mm_cvtsi128_si64(pairs) + (uint64_t)_mm_extract_epi64(pairs, 1);
}

/* Sum of @p blocks times 64 bytes, at most 2^13 of them. */
static inline uint64_t
sum_blocks(const uint8_t *p, uint32_t blocks)
{
	__m128i sum = _mm_setzero_si128();

	for (; blocks > 0; blocks--, p += BLOCK)
		for (unsigned at = 0; at < BLOCK; at += VECTOR)
			sum = add_words(sum,
				_mm_loadu_si128((const __m128i *)(const void *)(p + at)));
	return add_lanes(sum);
}

/* Sum of the last @p rest bytes, 0 to 63, before @p end; 64 bytes before it may be read. How many
 * there are differs from packet to packet, so nothing here depends on it but a mask. */
static inline uint64_t
sum_rest(const uint8_t *end, uint32_t rest)
{
	static const uint8_t masks[2 * BLOCK] = {[BLOCK... 2 * BLOCK - 1] = UINT8_MAX};
	__m128i sum = _mm_setzero_si128();
	uint64_t turned;

	for (unsigned at = 0; at < BLOCK; at += VECTOR) {
		const uint8_t *mask = masks + rest + at;
		const uint8_t *bytes = end - BLOCK + at;

		sum = add_words(sum,
			_mm_and_si128(_mm_loadu_si128((const __m128i *)(const void *)bytes),
				_mm_loadu_si128((const __m128i *)(const void *)mask)));
	}
	/* words are counted from the end here: with an odd number of bytes their halves change places */
	turned = add_lanes(sum);
	return turned << (8 * (rest & 1));
}

static inline uint64_t
sum_bytes(const uint8_t *p, uint32_t length)
{
	uint64_t sum = 0;

	for (; length >= BLOCK_BYTES_MAX; length -= BLOCK_BYTES_MAX, p += BLOCK_BYTES_MAX)
		sum = jbr_sum_word(sum, sum_blocks(p, BLOCK_BYTES_MAX / BLOCK));
	if (length >= BLOCK) {
		sum = jbr_sum_word(sum, sum_blocks(p, length / BLOCK));
		p += length / BLOCK * BLOCK;
		length %= BLOCK;
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

/* The 8 bytes at @p p, with room for many more. */
static inline uint64_t
sum_pair(const uint8_t *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return (uint32_t)word + (word >> 32);
}

/* Of a segment of less than 64 kB. */
static inline bool
is_sum_fine(const struct jbr_frame *frame, const struct jbr_outline *outline, uint32_t length)
{
	uint64_t sum = __builtin_bswap16(JBR_PROTOCOL_TCP) + __builtin_bswap32(length);

	if (outline->ip_version == 4) {
		sum += sum_pair(outline->ip + 12);
	} else {
		sum += sum_pair(outline->ip + 8) + sum_pair(outline->ip + 16);
		sum += sum_pair(outline->ip + 24) + sum_pair(outline->ip + 32);
	}
	if (JBR_LIKELY(outline->tcp - frame->data + length >= BLOCK)) {
		sum += sum_blocks(outline->tcp, length / BLOCK);
		sum += sum_rest(outline->tcp + length, length % BLOCK);
		return jbr_sum_fold(sum) == UINT16_MAX;
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
	return !is_wanted(options->checksum, frame->number) || is_sum_fine(frame, outline, length);
}
