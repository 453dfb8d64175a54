/* SPDX-License-Identifier: BSD-3-Clause */
#include "parser.h"

enum {
	OPTION_END = 0,
	OPTION_NOP = 1,
	OPTION_MSS = 2,
	OPTION_WSCALE = 3,
	OPTION_SACK_OK = 4,
	OPTION_SACK = 5,
	OPTION_TIMESTAMP = 8,
	OPTION_MD5 = 19,
	OPTION_AO = 29,
	OPTION_MPTCP = 30,
	OPTION_FAST_OPEN = 34,
	OPTION_EXPERIMENT_1 = 253,
	OPTION_EXPERIMENT_2 = 254,
	FAST_OPEN_MAGIC = 0xf989, /* RFC 7413 appendix A */
	SACK_BLOCK_SIZE = 8,
	WSCALE_MAX = 14, /* RFC 7323 2.3 */
	NOP_RUN = 4,
};

/* How long an option may be, from IANA's registry and the RFCs it names. */
struct form {
	uint8_t low;
	uint8_t high; /* 0: as long as there is room */
	uint8_t step; /* between the allowed lengths; 0: any */
	bool is_assigned;
	bool is_obsolete; /* 6, 7, 9 to 18 and 20 to 26: RFC 6247 and those before it */
};

static const struct form forms[UINT8_MAX + 1] = {
	[OPTION_MSS] = {4, 4, 0, true, false},
	[OPTION_WSCALE] = {3, 3, 0, true, false},
	[OPTION_SACK_OK] = {2, 2, 0, true, false},
	[OPTION_SACK] = {10, 34, SACK_BLOCK_SIZE, true, false},
	[6] = {6, 6, 0, true, true}, /* echo */
	[7] = {6, 6, 0, true, true},
	[OPTION_TIMESTAMP] = {10, 10, 0, true, false},
	[9] = {2, 2, 0, true, true}, /* partial order */
	[10] = {3, 3, 0, true, true},
	[11] = {6, 6, 0, true, true}, /* connection counts of T/TCP */
	[12] = {6, 6, 0, true, true},
	[13] = {6, 6, 0, true, true},
	[14] = {3, 3, 0, true, true}, /* alternate checksum */
	[15] = {2, 0, 0, true, true},
	[16] = {2, 0, 0, true, true},
	[17] = {2, 0, 0, true, true},
	[18] = {3, 3, 0, true, true},
	[OPTION_MD5] = {18, 18, 0, true, false},
	[20] = {2, 0, 0, true, true}, /* SCPS */
	[21] = {2, 0, 0, true, true},
	[22] = {2, 0, 0, true, true},
	[23] = {2, 0, 0, true, true},
	[24] = {2, 0, 0, true, true},
	[25] = {2, 0, 0, false, true}, /* given back in 2000 */
	[26] = {2, 0, 0, true, true},
	[27] = {8, 8, 0, true, false}, /* quick start */
	[28] = {4, 4, 0, true, false}, /* user timeout */
	[OPTION_AO] = {4, 0, 0, true, false},
	[OPTION_MPTCP] = {3, 0, 0, true, false},
	[OPTION_FAST_OPEN] = {2, 18, 2, true, false}, /* and not 4: a cookie has 4 bytes or more */
	[69] = {2, 0, 0, true, false},                /* encryption negotiation */
	[172] = {2, 11, 3, true, false},              /* accurate ECN */
	[174] = {2, 11, 3, true, false},
	[OPTION_EXPERIMENT_1] = {2, 0, 0, true, false},
	[OPTION_EXPERIMENT_2] = {2, 0, 0, true, false},
};

/* The options of one header, as far as they are here. */
struct options {
	const uint8_t *bytes;
	uint32_t length; /* by the data offset */
	uint32_t here;   /* <= length */
	uint32_t nops;   /* in a row, up to now */
	uint64_t seen[4];
};

static void
note_once(struct jbr_packet *packet, struct options *options, uint8_t kind)
{
	uint64_t bit = UINT64_C(1) << (kind & 63);

	if (kind == OPTION_MPTCP || kind == OPTION_EXPERIMENT_1 || kind == OPTION_EXPERIMENT_2)
		return;
	if (options->seen[kind >> 6] & bit)
		jbr_packet_find(packet, JBR_ANOM_TCP_OPT_DUPLICATE);
	options->seen[kind >> 6] |= bit;
}

static bool
is_length_right(uint8_t kind, uint8_t size)
{
	const struct form *form = &forms[kind];

	if (size < form->low || (form->high != 0 && size > form->high))
		return false;
	if (form->step != 0 && (size - form->low) % form->step != 0)
		return false;
	return kind != OPTION_FAST_OPEN || size != 4;
}

static void
read_sack(struct jbr_packet *packet, const uint8_t *option, uint8_t size)
{
	uint8_t count = 0;

	for (uint32_t at = 2; at + SACK_BLOCK_SIZE <= size; at += SACK_BLOCK_SIZE) {
		packet->sack_left[count] = jbr_load_be32(option + at);
		packet->sack_right[count] = jbr_load_be32(option + at + 4);
		count++;
	}
	packet->sack_count = count;
}

static void
read_wscale(struct jbr_packet *packet, uint8_t shift)
{
	packet->wscale = shift;
	if (shift > WSCALE_MAX) {
		jbr_packet_find(packet, JBR_ANOM_TCP_OPT_WSCALE_EXCESS);
		packet->wscale = WSCALE_MAX;
	}
}

/* Take one option of the right length; its bit for jbr_packet.options.
 * Of an option that stands twice the last one counts, as in the stacks of the ends. */
static unsigned
read_option(struct jbr_packet *packet, const uint8_t *option, uint8_t size)
{
	switch (option[0]) {
	case OPTION_MSS:
		packet->mss = jbr_load_be16(option + 2);
		return JBR_OPT_MSS;
	case OPTION_WSCALE:
		read_wscale(packet, option[2]);
		return JBR_OPT_WSCALE;
	case OPTION_SACK_OK:
		return JBR_OPT_SACK_OK;
	case OPTION_SACK:
		read_sack(packet, option, size);
		return JBR_OPT_SACK;
	case OPTION_TIMESTAMP:
		packet->ts_value = jbr_load_be32(option + 2);
		packet->ts_echo = jbr_load_be32(option + 6);
		return JBR_OPT_TIMESTAMP;
	case OPTION_MD5:
		return JBR_OPT_MD5;
	case OPTION_AO:
		return JBR_OPT_AO;
	case OPTION_MPTCP:
		packet->mptcp_subtype = option[2] >> 4;
		return JBR_OPT_MPTCP;
	case OPTION_FAST_OPEN:
		return JBR_OPT_FAST_OPEN;
	case OPTION_EXPERIMENT_2:
		if (size >= 4 && jbr_load_be16(option + 2) == FAST_OPEN_MAGIC)
			return JBR_OPT_FAST_OPEN;
		return JBR_OPT_OTHER;
	default:
		return JBR_OPT_OTHER;
	}
}

static void
judge_padding(struct jbr_packet *packet, const struct options *options, uint32_t at)
{
	for (; at < options->here; at++) {
		if (options->bytes[at] != 0) {
			jbr_packet_find(packet, JBR_ANOM_TCP_OPT_PADDING_ABUSE);
			break;
		}
	}
}

/* Judge and take the option at @p at, which is neither end nor NOP.
 * @return its size; 0 when reading cannot go on */
static uint32_t
step_option(struct jbr_packet *packet, struct options *options, uint32_t at)
{
	const uint8_t *option = options->bytes + at;
	const struct form *form = &forms[option[0]];
	uint8_t size;

	note_once(packet, options, option[0]);
	if (!form->is_assigned)
		jbr_packet_find(packet, JBR_ANOM_TCP_OPT_UNKNOWN);
	if (form->is_obsolete)
		jbr_packet_find(packet, JBR_ANOM_TCP_OPT_OBSOLETE);
	if (options->length - at < 2) {
		jbr_packet_find(packet, JBR_ANOM_TCP_OPT_BAD_LEN);
		return 0;
	}
	if (options->here - at < 2)
		return 0; /* cut by the capture */
	size = option[1];
	if (size < 2 || size > options->length - at) {
		jbr_packet_find(packet, JBR_ANOM_TCP_OPT_BAD_LEN);
		return 0;
	}
	if (!is_length_right(option[0], size)) { /* receivers skip it, and so do we */
		jbr_packet_find(packet, JBR_ANOM_TCP_OPT_BAD_LEN);
		return size;
	}
	if (size > options->here - at)
		return 0;
	packet->options |= (uint16_t)read_option(packet, option, size);
	return size;
}

/* Is there room for @p size bytes, and has @p kind (below 64) not stood before? Then note it. */
static inline bool
is_first(struct options *options, uint32_t here, uint32_t size, unsigned kind)
{
	uint64_t bit = UINT64_C(1) << kind;

	if (here < size || (options->seen[0] & bit))
		return false;
	options->seen[0] |= bit;
	return true;
}

/* Take the option at @p at if it is one of those that any SYN has, whole and of the right length. The
 * sizes are constants here, so that the next option need not wait until this one's size is loaded.
 * @return its size; 0 when it is something else */
static inline uint32_t
step_common_option(struct jbr_packet *packet, struct options *options, uint32_t at)
{
	const uint8_t *option = options->bytes + at;
	uint32_t here = options->here - at;

	if (here < 2)
		return 0;
	switch (jbr_load_be16(option)) {
	case OPTION_MSS << 8 | 4:
		if (!is_first(options, here, 4, OPTION_MSS))
			return 0;
		packet->options |= JBR_OPT_MSS;
		packet->mss = jbr_load_be16(option + 2);
		return 4;
	case OPTION_SACK_OK << 8 | 2:
		if (!is_first(options, here, 2, OPTION_SACK_OK))
			return 0;
		packet->options |= JBR_OPT_SACK_OK;
		return 2;
	case OPTION_WSCALE << 8 | 3:
		if (!is_first(options, here, 3, OPTION_WSCALE))
			return 0;
		packet->options |= JBR_OPT_WSCALE;
		read_wscale(packet, option[2]);
		return 3;
	case OPTION_TIMESTAMP << 8 | 10:
		if (!is_first(options, here, 10, OPTION_TIMESTAMP))
			return 0;
		packet->options |= JBR_OPT_TIMESTAMP;
		packet->ts_value = jbr_load_be32(option + 2);
		packet->ts_echo = jbr_load_be32(option + 6);
		return 10;
	default:
		return 0;
	}
}

/* One step at @p at, whatever stands there.
 * @return the bytes to move on; 0 at the end */
static uint32_t
step_any_option(struct jbr_packet *packet, struct options *options, uint32_t at)
{
	switch (options->bytes[at]) {
	case OPTION_END:
		judge_padding(packet, options, at + 1);
		return 0;
	case OPTION_NOP:
		if (++options->nops == NOP_RUN)
			jbr_packet_find(packet, JBR_ANOM_TCP_OPT_PADDING_ABUSE);
		return 1;
	default:
		options->nops = 0;
		return step_option(packet, options, at);
	}
}

void
jbr_parse_tcp_options(struct jbr_packet *packet, const uint8_t *bytes, uint32_t length,
	uint32_t here)
{
	struct options options = {.bytes = bytes, .length = length, .here = here};

	uint32_t size = 0;

	packet->options = here < length ? JBR_OPT_TRUNCATED : 0;
	for (uint32_t at = 0; at < here; at += size) {
		size = step_common_option(packet, &options, at);
		if (size > 0) {
			options.nops = 0;
			continue;
		}
		size = step_any_option(packet, &options, at);
		if (size == 0)
			break;
	}
}

/* The first 20 bytes are not all here: why. @p length is what the datagram has of TCP. */
static enum jbr_step
tcp_short(struct jbr_parser *p, uint32_t length)
{
	if (length >= JBR_TCP_SIZE)
		return jbr_parser_short(p, JBR_TCP_SIZE, JBR_NOT_ANALYSED_MALFORMED_TCP);
	if (p->is_fragment) {
		jbr_packet_find(p->packet, JBR_ANOM_TCP_TINY_FRAGMENT);
		return jbr_parser_stop(p, JBR_NOT_ANALYSED_TINY_FRAGMENT);
	}
	jbr_packet_find(p->packet, JBR_ANOM_TCP_BAD_HDR_LEN);
	return jbr_parser_stop(p, JBR_NOT_ANALYSED_MALFORMED_TCP);
}

/* The data offset is below 20 bytes or beyond what was on the wire. */
static enum jbr_step
bad_offset(struct jbr_parser *p, uint32_t header_length, uint32_t length)
{
	bool is_long = header_length > length;

	if (header_length >= JBR_TCP_SIZE && (is_long ? p->is_fragment : p->packet->is_fragment))
		return jbr_parser_stop(p, JBR_NOT_ANALYSED_TINY_FRAGMENT);
	/* else the datagram was cut on its way, and has that finding */
	if (header_length < JBR_TCP_SIZE || is_long)
		jbr_packet_find(p->packet, JBR_ANOM_TCP_BAD_HDR_LEN);
	return jbr_parser_stop(p, JBR_NOT_ANALYSED_MALFORMED_TCP);
}

enum jbr_step
jbr_parse_tcp(struct jbr_parser *p)
{
	struct jbr_packet *packet = p->packet;
	const uint8_t *header = p->data + p->at;
	uint32_t length = p->claimed_end - p->at;
	uint32_t here = p->captured - p->at;
	uint32_t header_length;
	uint32_t header_here;

	if (JBR_UNLIKELY(here < JBR_TCP_SIZE))
		return tcp_short(p, length);
	header_length = (header[12] >> 4) * 4u;
	if (JBR_UNLIKELY(header_length < JBR_TCP_SIZE || !jbr_parser_had(p, header_length)))
		return bad_offset(p, header_length, length);
	header_here = jbr_min_u32(header_length, here);
	packet->payload = header + header_here;
	packet->payload_length = length - header_length;
	packet->payload_captured = here - header_here;
	jbr_read_tcp_header(packet, header, header_length, header_here);
	if (here == length && !packet->is_fragment)
		jbr_judge_tcp_checksum(p->frame, p->options, packet, length);
	return JBR_STEP_DONE;
}
