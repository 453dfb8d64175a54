/* SPDX-License-Identifier: BSD-3-Clause */
/** @file jbr_packet.h
 * From the bytes of a frame to the facts of one TCP segment, or to the one reason why there is none.
 *
 * Owns:    link layers, VLAN/MPLS/PPPoE, IPv4/IPv6, tunnels, the TCP header and its options.
 *          Knows nothing of connections.
 * Threads: every function is pure: it reads its arguments and writes its result.
 * Memory:  nothing is allocated; pointers in the result point into the frame and live as long.
 * Trust:   frame bytes are hostile. Every length is checked against what was captured; what the
 *          capture cut off (snap length) is never called malformed.
 * Order:   numbers are in host order unless a name ends in _be.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "jbr_base.h"
#include "jbr_catalog.h"

/** How the bytes of a frame begin. */
enum jbr_link {
	JBR_LINK_ETHERNET,
	JBR_LINK_RAW_IP, /**< IPv4 or IPv6 by the version nibble; LINKTYPE_RAW, _IPV4, _IPV6 */
	JBR_LINK_SLL,    /**< Linux cooked v1, 16 bytes */
	JBR_LINK_SLL2,   /**< Linux cooked v2, 20 bytes */
	JBR_LINK_NULL,   /**< BSD loopback, family in the capturing host's byte order */
	JBR_LINK_LOOP,   /**< OpenBSD loopback, family in network byte order */
	JBR_LINK_UNKNOWN /**< an interface whose link type jabiru does not read */
};

/** What a NIC said of a frame; all zero in replay. */
enum {
	JBR_NIC_L4_CHECKSUM_GOOD = 1 << 0,
	JBR_NIC_L4_CHECKSUM_BAD = 1 << 1,
	JBR_NIC_IP_CHECKSUM_GOOD = 1 << 2,
	JBR_NIC_IP_CHECKSUM_BAD = 1 << 3,
	JBR_NIC_VLAN_STRIPPED = 1 << 4, /**< @ref jbr_frame.vlan_tci holds the tag */
};

/** One frame of a burst, wherever it came from: a port, a capture, a fuzzer, the bench. */
struct jbr_frame {
	const uint8_t *data; /**< @ref captured bytes, contiguous */
	void *opaque;        /**< the source's own handle (an mbuf); never looked into */
	uint64_t time_ns;    /**< since the epoch */
	uint64_t number;     /**< of the packet, from 1, over all sources */
	uint32_t captured;   /**< bytes at data */
	uint32_t wire;       /**< bytes on the wire, >= captured */
	uint16_t port;       /**< port or capture interface, from 0 */
	uint16_t vlan_tci;   /**< with JBR_NIC_VLAN_STRIPPED */
	uint8_t link;        /**< enum jbr_link */
	uint8_t nic_flags;   /**< JBR_NIC_* */
};

/** IPv6 address, or an IPv4 address in its mapped form ::ffff:a.b.c.d, in network order. */
union jbr_address {
	uint8_t bytes[16];
	uint32_t words_be[4];
	uint64_t halves[2]; /* for comparing and hashing only */
};

enum {
	JBR_TCP_FIN = 0x001,
	JBR_TCP_SYN = 0x002,
	JBR_TCP_RST = 0x004,
	JBR_TCP_PSH = 0x008,
	JBR_TCP_ACK = 0x010,
	JBR_TCP_URG = 0x020,
	JBR_TCP_ECE = 0x040,
	JBR_TCP_CWR = 0x080,
	JBR_TCP_AE = 0x100,       /**< accurate ECN, RFC 9768 */
	JBR_TCP_RESERVED = 0xe00, /**< the three bits that must be zero, RFC 9293 3.1 */
};

/** What stands among the TCP options. */
enum {
	JBR_OPT_MSS = 1 << 0,
	JBR_OPT_WSCALE = 1 << 1,
	JBR_OPT_SACK_OK = 1 << 2,
	JBR_OPT_SACK = 1 << 3,
	JBR_OPT_TIMESTAMP = 1 << 4,
	JBR_OPT_FAST_OPEN = 1 << 5, /**< kind 34, or 254 with its magic, RFC 7413 */
	JBR_OPT_MD5 = 1 << 6,       /**< RFC 2385 */
	JBR_OPT_AO = 1 << 7,        /**< RFC 5925 */
	JBR_OPT_MPTCP = 1 << 8,     /**< RFC 8684; the subtype is in @ref mptcp_subtype */
	JBR_OPT_OTHER = 1 << 9,     /**< any other kind */
	JBR_OPT_TRUNCATED = 1 << 10 /**< the snap length cut the options short */
};

enum jbr_checksum {
	JBR_CHECKSUM_UNKNOWN, /**< not looked at, or not all bytes of the segment were captured */
	JBR_CHECKSUM_GOOD,
	JBR_CHECKSUM_BAD,
	JBR_CHECKSUM_PARTIAL, /**< the pseudo-header's sum only: left to the NIC by the tap's own host */
};

/** How TCP checksums are learned. */
enum jbr_checksum_mode {
	JBR_CHECKSUM_MODE_OFF,
	JBR_CHECKSUM_MODE_NIC,      /**< what the NIC said, else unknown */
	JBR_CHECKSUM_MODE_SAMPLED,  /**< in software for one packet in 16 (by packet number) */
	JBR_CHECKSUM_MODE_SOFTWARE, /**< in software for every packet the NIC did not judge */
};

/** Layers that were passed on the way in; a bit each in @ref jbr_packet.layers. */
enum {
	JBR_LAYER_VLAN = 1 << 0,
	JBR_LAYER_QINQ = 1 << 1, /**< a second tag */
	JBR_LAYER_MPLS = 1 << 2,
	JBR_LAYER_PPPOE = 1 << 3,
	JBR_LAYER_GRE = 1 << 4, /**< NVGRE too */
	JBR_LAYER_ERSPAN = 1 << 5,
	JBR_LAYER_IP_IN_IP = 1 << 6, /**< 4in4, 6in4, 4in6, 6in6 */
	JBR_LAYER_VXLAN = 1 << 7,
	JBR_LAYER_GENEVE = 1 << 8,
	JBR_LAYER_GTPU = 1 << 9,
	JBR_LAYER_TEREDO = 1 << 10,
};

/** How to read; a value, made from the configuration by control code. */
struct jbr_packet_options {
	uint16_t vxlan_port;  /**< UDP destination port; 0 = off; default 4789 */
	uint16_t geneve_port; /**< default 6081 */
	uint16_t gtpu_port;   /**< default 2152 */
	uint16_t teredo_port; /**< either UDP port; default 3544 */
	bool gre;             /**< with NVGRE and ERSPAN; default true */
	bool ip_in_ip;        /**< default true */
	uint8_t layers_max;   /**< VLAN, MPLS, tunnel and IP headers together, 2..32; default 16 */
	bool vlan_in_tuple;   /**< the VLAN ids tell connections apart */
	bool tunnel_in_tuple; /**< the innermost tunnel id (VNI, TEID, GRE key) does too */
	uint8_t checksum;     /**< enum jbr_checksum_mode */
};

enum { JBR_PACKET_FINDINGS_MAX = 12, JBR_PACKET_SACK_MAX = 4 };

/** What a frame turned out to be. */
enum jbr_packet_kind {
	JBR_PACKET_TCP,          /**< a TCP segment; everything below is set */
	JBR_PACKET_ICMP_QUOTE,   /**< an ICMP error that quotes a TCP header: addresses, ports and
	                              sequence number are those of the quoted segment.
	                              Counted as not analysed, JBR_NOT_ANALYSED_ICMP */
	JBR_PACKET_NOT_ANALYSED, /**< @ref jbr_packet.reason says why; addresses may be unset */
};

/** A parsed packet. For a tunnel the innermost IP and TCP headers count. */
struct jbr_packet {
	union jbr_address src;
	union jbr_address dst;
	uint64_t tenant;        /**< what tells equal tuples apart, as configured: tunnel id << 24 |
	                      inner VLAN id << 12 | outer VLAN id; 0 when nothing is configured */
	const uint8_t *ip;      /**< the innermost IP header */
	const uint8_t *tcp;     /**< the TCP header */
	const uint8_t *payload; /**< @ref payload_captured bytes */
	uint32_t seq;
	uint32_t ack;
	uint32_t payload_length;   /**< by the IP length (by the frame's, where that is 0: TSO) */
	uint32_t payload_captured; /**< <= payload_length */
	uint32_t ts_value;         /**< with JBR_OPT_TIMESTAMP */
	uint32_t ts_echo;
	uint32_t sack_left[JBR_PACKET_SACK_MAX];
	uint32_t sack_right[JBR_PACKET_SACK_MAX];
	uint32_t ip_length; /**< of the innermost datagram, headers included */
	uint32_t ip_id;     /**< 0 for IPv6 without a fragment header */
	uint16_t src_port;
	uint16_t dst_port;
	uint16_t flags;  /**< JBR_TCP_*, 12 bits */
	uint16_t window; /**< as sent, not scaled */
	uint16_t urgent;
	uint16_t tcp_checksum; /**< the field as it stands, host order */
	uint16_t options;      /**< JBR_OPT_* */
	uint16_t mss;
	uint16_t layers;  /**< JBR_LAYER_* */
	uint16_t vlan[2]; /**< VLAN ids, outer first; 0 = none */
	uint32_t tunnel;  /**< innermost tunnel id; 0 = none */
	uint8_t wscale;   /**< 0..14, a larger one is clamped (RFC 7323 2.3) */
	uint8_t sack_count;
	uint8_t mptcp_subtype;
	uint8_t tcp_header_length; /**< bytes, 20..60 */
	uint8_t ip_version;        /**< 4 or 6 */
	uint8_t ttl;               /**< TTL or hop limit */
	uint8_t dscp_ecn;          /**< the whole TOS / traffic class byte */
	bool ip_df;
	bool is_fragment; /**< a first fragment with the whole TCP header; the length is the fragment's */
	bool has_link_src; /**< @ref link_src is set */
	uint8_t link_src[6];
	uint8_t checksum;  /**< enum jbr_checksum */
	uint8_t kind;      /**< enum jbr_packet_kind */
	uint8_t reason;    /**< enum jbr_not_analysed, for the two other kinds */
	uint8_t icmp_type; /**< with JBR_PACKET_ICMP_QUOTE */
	uint8_t icmp_code;
	uint8_t link; /**< enum jbr_link of the frame */
	uint8_t findings_count;
	uint16_t findings[JBR_PACKET_FINDINGS_MAX]; /**< enum jbr_anomaly, each at most once */
};

/** [data] Parse @p frame. Writes the whole of @p ret_packet; cannot fail: what is no TCP segment has
 * a reason. Decoder rows of the catalogue (group DECODER and OPTION) are added to the findings; the
 * flag rows are jbr_detect_flags()'s. */
void jbr_packet_parse(const struct jbr_frame *frame, const struct jbr_packet_options *options,
	struct jbr_packet *ret_packet);

/** Where the parts lie of a frame that nearly every frame is: see jbr_packet_outline(). */
struct jbr_outline {
	const uint8_t *ip;
	const uint8_t *tcp;
	uint32_t ip_length;
	uint32_t payload_length;
	uint32_t ts_value; /**< with has_ts */
	uint16_t vlan;     /**< outer id; 0 = none */
	uint16_t mss;      /**< with is_syn */
	uint8_t wscale;    /**< with is_syn: 0..14, UINT8_MAX = not offered */
	uint8_t ip_version;
	bool has_ts;
	bool is_syn; /**< opens a connection; else it may be the next segment of one */
};

/** The numbers of a segment that may be the next one in order of an undisturbed connection: ACK, or PSH
 * and ACK, with a window, not fragmented, captured whole, its checksums not known to be wrong. */
struct jbr_glance {
	uint32_t seq;
	uint32_t ack;
	uint32_t payload_length;
	uint32_t ip_length;
	uint32_t ts_value; /**< with has_ts */
	uint32_t ip_id;    /**< as in struct jbr_packet */
	uint16_t flags;
	uint16_t window;
	uint16_t tcp_checksum;
	uint16_t vlan; /**< outer id */
	uint8_t ttl;
	bool has_ts;
};

/** [data] Is @p frame such a segment: IPv4 or IPv6 straight in Ethernet with one VLAN tag or none,
 * without options but TCP's timestamp, and nothing a decoder row speaks of? Or is it the same as a SYN
 * (ECN's bits may stand beside it): no ACK field, no payload, and of options an MSS and at most SACK
 * permitted, window scale and timestamp?
 * @param ret_outline  set when true
 * @return true: jbr_packet_parse() would say the same and find nothing; false: it is not, or it needs
 *         that look to know */
bool jbr_packet_outline(const struct jbr_frame *frame, const struct jbr_packet_options *options,
	struct jbr_outline *ret_outline);

/** [data] Read the numbers, of a SYN too. */
static inline void
jbr_packet_glance(const struct jbr_outline *outline, struct jbr_glance *ret_glance)
{
	const uint8_t *ip = outline->ip;
	const uint8_t *tcp = outline->tcp;
	bool is_ipv4 = outline->ip_version == 4;

	ret_glance->seq = jbr_load_be32(tcp + 4);
	ret_glance->ack = jbr_load_be32(tcp + 8);
	ret_glance->payload_length = outline->payload_length;
	ret_glance->ip_length = outline->ip_length;
	ret_glance->ts_value = outline->ts_value;
	ret_glance->ip_id = is_ipv4 ? jbr_load_be16(ip + 4) : 0;
	ret_glance->flags = tcp[13];
	ret_glance->window = jbr_load_be16(tcp + 14);
	ret_glance->tcp_checksum = jbr_load_be16(tcp + 16);
	ret_glance->vlan = outline->vlan;
	ret_glance->ttl = is_ipv4 ? ip[8] : ip[7];
	ret_glance->has_ts = outline->has_ts;
}

/** [data] The same of a segment that was parsed, whatever it was wrapped in.
 * @return whether it is such a segment; @p ret_glance is set in any case */
bool jbr_packet_glance_of(const struct jbr_packet *packet, struct jbr_glance *ret_glance);

/** [data] Add @p anomaly to the findings unless it is there; beyond the capacity the later ones are
 * left out. */
static inline void
jbr_packet_find(struct jbr_packet *packet, enum jbr_anomaly anomaly)
{
	for (unsigned i = 0; i < packet->findings_count; i++)
		if (packet->findings[i] == anomaly)
			return;
	if (packet->findings_count < JBR_PACKET_FINDINGS_MAX)
		packet->findings[packet->findings_count++] = (uint16_t)anomaly;
}

/** The defaults stated at struct jbr_packet_options, checksums in software. */
struct jbr_packet_options jbr_packet_options_default(void);

/** [data] Is @p address an IPv4 address in its mapped form? */
static inline bool
jbr_address_is_ipv4(const union jbr_address *address)
{
	return address->halves[0] == 0 && address->words_be[2] == __builtin_bswap32(0xffff);
}
