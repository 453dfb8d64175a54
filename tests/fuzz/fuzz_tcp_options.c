/* SPDX-License-Identifier: BSD-3-Clause */
/* TCP options behind a fixed header, compared with a second reader that is written for plainness.
 * The first bytes choose:
 *   0-1 TCP flags   2 how many bytes of the options the capture cut off   3-4 window, urgent pointer
 * and the rest, up to 40 bytes, is the options area. */
#include <stddef.h>
#include <stdint.h>

#include "jbr_detect.h"
#include "jbr_packet.h"

enum { HEAD_SIZE = 5, IP_SIZE = 20, TCP_SIZE = 20, AREA_MAX = 40 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool is_true)
{
	if (!is_true)
		__builtin_trap();
}

static bool
has_finding(const struct jbr_packet *packet, unsigned anomaly)
{
	for (unsigned i = 0; i < packet->findings_count; i++)
		if (packet->findings[i] == anomaly)
			return true;
	return false;
}

/* What the second reader found. */
struct reading {
	uint16_t mss;
	uint8_t wscale;
	uint32_t ts_value;
	uint8_t times[256]; /* a kind was met */
	bool has_mss, has_wscale, has_timestamp, has_sack_ok;
	bool is_bad; /* some length was wrong */
	bool has_excess;
};

/* The allowed lengths of the kinds that the sensor reads values from. */
static bool
is_length_wrong(uint8_t kind, uint8_t length)
{
	switch (kind) {
	case 2:
		return length != 4;
	case 3:
		return length != 3;
	case 4:
		return length != 2;
	case 5:
		return length != 10 && length != 18 && length != 26 && length != 34;
	case 8:
		return length != 10;
	case 19:
		return length != 18;
	default:
		return false;
	}
}

static void
take(struct reading *reading, const uint8_t *option)
{
	switch (option[0]) {
	case 2:
		reading->has_mss = true;
		reading->mss = (uint16_t)(option[2] << 8 | option[3]);
		break;
	case 3:
		reading->has_wscale = true;
		reading->wscale = option[2] > 14 ? 14 : option[2];
		reading->has_excess |= option[2] > 14;
		break;
	case 4:
		reading->has_sack_ok = true;
		break;
	case 8:
		reading->has_timestamp = true;
		reading->ts_value = (uint32_t)option[2] << 24 | (uint32_t)option[3] << 16 |
			(uint32_t)option[4] << 8 | option[5];
		break;
	default:
		break;
	}
}

static void
read_plainly(struct reading *reading, const uint8_t *area, unsigned length, unsigned here)
{
	unsigned at = 0;

	while (at < here && area[at] != 0) {
		uint8_t kind = area[at];

		if (kind == 1) {
			at++;
			continue;
		}
		reading->times[kind]++;
		if (at + 1 >= length) {
			reading->is_bad = true;
			return;
		}
		if (at + 1 >= here)
			return;
		if (area[at + 1] < 2 || at + area[at + 1] > length) {
			reading->is_bad = true;
			return;
		}
		if (is_length_wrong(kind, area[at + 1]))
			reading->is_bad = true;
		else if (at + area[at + 1] <= here)
			take(reading, area + at);
		at += area[at + 1];
	}
}

static void
compare(const struct jbr_packet *packet, const struct reading *reading)
{
	bool is_duplicate = false;

	for (unsigned kind = 2; kind < JBR_COUNT_OF(reading->times); kind++)
		if (kind != 30 && kind != 253 && kind != 254 && reading->times[kind] > 1)
			is_duplicate = true;
	require(!!(packet->options & JBR_OPT_MSS) == reading->has_mss);
	require(!!(packet->options & JBR_OPT_WSCALE) == reading->has_wscale);
	require(!!(packet->options & JBR_OPT_SACK_OK) == reading->has_sack_ok);
	require(!!(packet->options & JBR_OPT_TIMESTAMP) == reading->has_timestamp);
	require(packet->mss == reading->mss && packet->wscale == reading->wscale);
	require(packet->ts_value == reading->ts_value);
	require(has_finding(packet, JBR_ANOM_TCP_OPT_DUPLICATE) == is_duplicate);
	require(has_finding(packet, JBR_ANOM_TCP_OPT_WSCALE_EXCESS) == reading->has_excess);
	/* the sensor knows more lengths than this reader */
	require(!reading->is_bad || has_finding(packet, JBR_ANOM_TCP_OPT_BAD_LEN));
}

static void
fill_frame(uint8_t *bytes, const uint8_t *head, const uint8_t *area, unsigned length)
{
	uint8_t *tcp = bytes + IP_SIZE;

	bytes[0] = 0x45;
	bytes[3] = (uint8_t)(IP_SIZE + TCP_SIZE + length);
	bytes[8] = 64;
	bytes[9] = 6;
	memcpy(bytes + 12, (const uint8_t[]){192, 0, 2, 1, 192, 0, 2, 2}, 8);
	tcp[1] = 1;
	tcp[3] = 2;
	tcp[12] = (uint8_t)((TCP_SIZE + length) / 4 << 4 | (head[0] & 15));
	tcp[13] = head[1];
	tcp[14] = head[3];
	tcp[19] = head[4];
	memcpy(tcp + TCP_SIZE, area, length);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t bytes[IP_SIZE + TCP_SIZE + AREA_MAX] = {0};
	struct jbr_packet_options options = jbr_packet_options_default();
	struct reading reading = {0};
	struct jbr_config config;
	struct jbr_packet packet;
	struct jbr_frame frame;
	unsigned length;
	unsigned cut;

	if (size < HEAD_SIZE)
		return 0;
	length = (unsigned)(size - HEAD_SIZE > AREA_MAX ? AREA_MAX : size - HEAD_SIZE) & ~3u;
	cut = length > 0 ? data[2] % (length + 1) : 0;
	fill_frame(bytes, data, data + HEAD_SIZE, length);
	frame = (struct jbr_frame){
		.data = bytes,
		.captured = IP_SIZE + TCP_SIZE + length - cut,
		.wire = IP_SIZE + TCP_SIZE + length,
		.link = JBR_LINK_RAW_IP,
	};
	options.checksum = JBR_CHECKSUM_MODE_OFF;
	jbr_config_defaults(&config);
	jbr_packet_parse(&frame, &options, &packet);
	require(packet.kind == JBR_PACKET_TCP);
	require(!!(packet.options & JBR_OPT_TRUNCATED) == (cut > 0));
	read_plainly(&reading, bytes + IP_SIZE + TCP_SIZE, length, length - cut);
	compare(&packet, &reading);
	jbr_detect_flags(&config.params, &packet);
	require(packet.findings_count <= JBR_PACKET_FINDINGS_MAX);
	return 0;
}
