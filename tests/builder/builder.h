/* SPDX-License-Identifier: BSD-3-Clause */
/** @file builder.h
 * Packets made by hand, for tests: frames layer by layer, whole conversations, capture files.
 *
 * A frame is built from the outside in: builder_init(), one call per layer, builder_finish(), which
 * computes every length, next-protocol field and checksum. To break one on purpose, name it in the
 * layer's `keep` and it stays as the layer's struct says.
 *
 * A conversation (struct builder_talk) knows two endpoints and their sequence numbers, so that a test
 * story is a dozen lines; its packets are collected in a struct builder_trace, which is then handed to
 * the code under test or written as pcap or pcapng.
 *
 * Threads: none; every object has one owner.
 * Memory:  frames are flat values (70 kB); traces and buffers allocate. What does not fit, or cannot
 *          be parsed or allocated, sets `failed` on the object: check it once, at the end.
 * Order:   numbers in host order; the same calls give the same bytes on every machine.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jbr_base.h"

enum {
	BUILDER_FRAME_MAX = 70000, /* bytes of one frame */
	BUILDER_LAYERS_MAX = 64,
	BUILDER_OPTIONS_MAX = 40,
};

/** What builder_finish() must leave alone, and how a checksum is to be wrong. Bits of `keep`. */
enum {
	BUILDER_TYPE = 1 << 0,           /**< EtherType, protocol, next header as given */
	BUILDER_LENGTH = 1 << 1,         /**< length field as given */
	BUILDER_CHECKSUM = 1 << 2,       /**< checksum field as given */
	BUILDER_HEADER = 1 << 3,         /**< header length nibble as given */
	BUILDER_VERSION = 1 << 4,        /**< version nibble as given */
	BUILDER_TTL = 1 << 5,            /**< TTL as given, 0 too (0 is 64 otherwise) */
	BUILDER_CHECKSUM_WRONG = 1 << 6, /**< the right checksum, one bit flipped */
	BUILDER_CHECKSUM_PARTIAL = 1
		<< 7, /**< the pseudo-header's sum, as a host leaves it to its NIC */
};

/** One layer of a frame; filled by the layer functions. */
struct builder_layer {
	uint32_t offset;
	uint16_t length; /* of the header */
	uint16_t keep;
	uint16_t as_ether; /* how an EtherType field outside of it names it */
	uint8_t as_ip;     /* how an IP protocol field does */
	uint8_t kind;      /* private */
};

/** A frame being built. data[0..length) are its bytes at every time; right after builder_finish(). */
struct builder {
	uint32_t length;
	uint32_t
		tcp_at; /**< where the segment's TCP header stands; 0: no segment jabiru should decode
	                      (a story that breaks a frame clears it, so that the expected figures hold) */
	uint16_t tcp_flags;
	uint8_t layers_count;
	bool failed; /**< too many bytes or layers, or a text that is no address */
	struct builder_layer layers[BUILDER_LAYERS_MAX];
	uint8_t data[BUILDER_FRAME_MAX];
};

struct builder_address {
	uint8_t bytes[16]; /**< IPv4: the first four */
	uint8_t version;   /**< 4 or 6; 0: the text was no address */
};

/** An address from its text; version 0 if it is none. */
struct builder_address builder_address(const char *text);

/** Begin an empty frame. */
void builder_init(struct builder *frame);
/** Complete lengths, types and checksums of all layers, the innermost first. Bytes added later are a
 * trailer (Ethernet padding) that no length counts. Call it once. */
void builder_finish(struct builder *frame);
/** Append bytes as they are: a payload, a header without a function of its own, or a trailer.
 * NULL appends zero bytes. */
void builder_bytes(struct builder *frame, const void *bytes, size_t length);
/** Append zero bytes until the frame has @p length bytes. */
void builder_pad(struct builder *frame, size_t length);
/** One's complement sum of bytes, not inverted, added to @p sum and folded to 16 bits. */
uint16_t builder_sum(uint32_t sum, const uint8_t *bytes, size_t length);

/* Link layers. */

/** Ethernet; NULL addresses take 02:00:00:00:00:01 (destination) and ..:02. */
void builder_ethernet(struct builder *frame, const uint8_t *dst, const uint8_t *src);
/** The same with the type (or, below 1536, the 802.3 length) as given. */
void builder_ethernet_type(struct builder *frame, uint16_t type);
/** VLAN tag: TPID 0x8100, 0x88a8, 0x9100; TCI with priority. */
void builder_vlan(struct builder *frame, uint16_t tpid, uint16_t tci);
/** One MPLS label; the bottom bit is set by itself on the last of a stack. */
void builder_mpls(struct builder *frame, uint32_t label, uint8_t ttl);
/** PPPoE session data with the PPP protocol field. */
void builder_pppoe(struct builder *frame, uint16_t session);
/** Linux cooked, version 1 or 2. */
void builder_sll(struct builder *frame, unsigned version);
/** BSD loopback; family in big-endian order (LINKTYPE_LOOP, or NULL of such a host) or little. */
void builder_loopback(struct builder *frame, bool big_endian);
/** ARP request, who has @p target, by @p sender (both IPv4). */
void builder_arp(struct builder *frame, const char *sender, const char *target);

/* Network layers. */

struct builder_ipv4 {
	struct builder_address src;
	struct builder_address dst;
	const void *options; /**< padded with zeros to a multiple of 4 */
	uint16_t options_length;
	uint16_t id;
	uint16_t fragment_offset; /**< in bytes, a multiple of 8 */
	bool more_fragments;
	bool do_not_fragment;
	bool reserved_flag;
	uint8_t tos;
	uint8_t ttl;           /**< 0: 64 */
	uint8_t version;       /**< with BUILDER_VERSION */
	uint8_t ihl;           /**< with BUILDER_HEADER, in words */
	uint8_t protocol;      /**< with BUILDER_TYPE */
	uint16_t total_length; /**< with BUILDER_LENGTH */
	uint16_t checksum;     /**< with BUILDER_CHECKSUM */
	uint16_t keep;
};
void builder_ipv4(struct builder *frame, const struct builder_ipv4 *header);

struct builder_ipv6 {
	struct builder_address src;
	struct builder_address dst;
	uint32_t flow_label;
	uint8_t traffic_class;
	uint8_t hop_limit;       /**< 0: 64 */
	uint8_t version;         /**< with BUILDER_VERSION */
	uint8_t next_header;     /**< with BUILDER_TYPE */
	uint16_t payload_length; /**< with BUILDER_LENGTH */
	uint16_t keep;
};
void builder_ipv6(struct builder *frame, const struct builder_ipv6 *header);

/** IPv4 or IPv6 with default fields between two addresses of the same version. */
void builder_ip(struct builder *frame, const char *src, const char *dst);

enum {
	BUILDER_HOP_BY_HOP = 0,
	BUILDER_ROUTING = 43,
	BUILDER_FRAGMENT = 44,
	BUILDER_AUTHENTICATION = 51,
	BUILDER_DESTINATION = 60,
	BUILDER_MOBILITY = 135,
};
/** Extension header of any protocol number: @p body follows the next-header and length bytes and is
 * padded with zeros to a multiple of 8 (authentication header: its own units). */
void builder_ipv6_extension(struct builder *frame, uint8_t protocol, const void *body,
	size_t length);
/** Fragment header; the offset in bytes. */
void builder_ipv6_fragment(struct builder *frame, uint16_t offset, bool more, uint32_t id);

/** Cut a finished frame whose outermost IP header is IPv4, or IPv6 without extension headers: the
 * fragment of @p length payload bytes from @p from (the IP payload begins at 0).
 * The TCP segment counts as decodable if its first 20 bytes are in the fragment. */
void builder_cut_fragment(struct builder *ret_fragment, const struct builder *whole, uint32_t from,
	uint32_t length);

struct builder_icmp {
	uint8_t type;
	uint8_t code;
	uint32_t rest;     /**< the second word */
	uint16_t checksum; /**< with BUILDER_CHECKSUM */
	uint16_t keep;
};
/** ICMP inside IPv4, ICMPv6 inside IPv6. */
void builder_icmp(struct builder *frame, const struct builder_icmp *header);
/** Append the first @p length bytes of @p frame_quoted from its outermost IP header on, as an ICMP
 * error quotes it. */
void builder_quote(struct builder *frame, const struct builder *frame_quoted, size_t length);

/* Transport and tunnels. */

/** UDP with a checksum. */
void builder_udp(struct builder *frame, uint16_t src_port, uint16_t dst_port);

struct builder_udp {
	uint16_t src_port;
	uint16_t dst_port;
	uint16_t length;   /**< with BUILDER_LENGTH */
	uint16_t checksum; /**< with BUILDER_CHECKSUM */
	uint16_t keep;
};
void builder_udp_header(struct builder *frame, const struct builder_udp *header);

struct builder_gre {
	bool has_checksum;
	bool has_routing; /**< bit only; RFC 1701 source routes are not written */
	bool has_key;
	bool has_sequence;
	uint8_t version;
	uint32_t key;
	uint32_t sequence;
	uint16_t protocol; /**< with BUILDER_TYPE */
	uint16_t keep;
};
/** GRE. With an Ethernet layer inside and a key it is NVGRE (key = VSID << 8 | flow id). */
void builder_gre(struct builder *frame, const struct builder_gre *header);
/** ERSPAN of type 1 (no header), 2 (8 bytes) or 3 (12 bytes), between GRE and Ethernet. Types 2 and 3
 * want a GRE sequence number. */
void builder_erspan(struct builder *frame, unsigned type, uint16_t vlan, uint16_t session);
void builder_vxlan(struct builder *frame, uint32_t vni);
/** GENEVE with option bytes (a multiple of 4, at most 252). */
void builder_geneve(struct builder *frame, uint32_t vni, const void *options, size_t length);
/** GTP-U; a message of type 255 carries a packet. With @p has_extension: sequence number and one
 * PDU session extension header. */
void builder_gtpu(struct builder *frame, uint8_t type, uint32_t teid, bool has_extension);
/** Teredo origin indication (8 bytes), between UDP and IPv6. */
void builder_teredo_origin(struct builder *frame);
/** Teredo authentication (13 bytes), before the origin indication. */
void builder_teredo_authentication(struct builder *frame);

/* TCP. */

/** TCP options in wire form. Begin with {0}. */
struct builder_options {
	uint8_t length;
	bool failed;
	uint8_t bytes[BUILDER_OPTIONS_MAX];
};

/** Any option: kind, length byte (what it says, not what it has), @p body_length bytes of body. */
void builder_option(struct builder_options *options, uint8_t kind, uint8_t says, const void *body,
	size_t body_length);
/** One byte as it stands: 0 end of list, 1 NOP, or half an option. */
void builder_option_byte(struct builder_options *options, uint8_t byte);
void builder_option_mss(struct builder_options *options, uint16_t mss);
void builder_option_wscale(struct builder_options *options, uint8_t shift);
void builder_option_sack_ok(struct builder_options *options);
/** @p count pairs of left and right edges. */
void builder_option_sack(struct builder_options *options, const uint32_t *edges, unsigned count);
void builder_option_timestamp(struct builder_options *options, uint32_t value, uint32_t echo);
/** Fast Open; length 0 asks for a cookie. */
void builder_option_fast_open(struct builder_options *options, const void *cookie, size_t length);
/** The same in its experimental form: kind 254, magic 0xf989. */
void builder_option_fast_open_experimental(struct builder_options *options, const void *cookie,
	size_t length);
/** A digest of 16 bytes, all 0x5a. */
void builder_option_md5(struct builder_options *options);
/** Key ids and a code of 12 bytes. */
void builder_option_ao(struct builder_options *options, uint8_t key_id, uint8_t next_key_id);
/** MPTCP of the subtype, @p length bytes in all (4..40), zeros after the subtype. */
void builder_option_mptcp(struct builder_options *options, uint8_t subtype, uint8_t length);

enum {
	BUILDER_FIN = 0x001,
	BUILDER_SYN = 0x002,
	BUILDER_RST = 0x004,
	BUILDER_PSH = 0x008,
	BUILDER_ACK = 0x010,
	BUILDER_URG = 0x020,
	BUILDER_ECE = 0x040,
	BUILDER_CWR = 0x080,
	BUILDER_AE = 0x100,
};

struct builder_tcp {
	uint16_t src_port;
	uint16_t dst_port;
	uint32_t seq;
	uint32_t ack;
	uint16_t flags; /**< 12 bits */
	uint16_t window;
	uint16_t urgent;
	const struct builder_options
		*options;    /**< padded with zeros to a multiple of 4; NULL: none */
	uint8_t data_offset; /**< with BUILDER_HEADER, in words */
	uint16_t checksum;   /**< with BUILDER_CHECKSUM */
	uint16_t keep;
};
void builder_tcp(struct builder *frame, const struct builder_tcp *header);

/* Traces: packets in memory. */

struct builder_packet {
	uint8_t *bytes;
	uint64_t time_ns; /**< since the epoch */
	uint32_t captured;
	uint32_t wire;
	uint32_t tcp_at; /**< of struct builder */
	uint16_t tcp_flags;
	uint16_t interface; /**< for pcapng */
};

/** Begin with {0}; release with builder_trace_fini(). */
struct builder_trace {
	struct builder_packet *packets;
	size_t count;
	size_t capacity;
	uint16_t interface; /**< of the packets added next */
	bool failed;
};

/** What a trace must come out as. */
struct builder_figures {
	uint32_t packets;
	uint32_t tcp;
	uint32_t syn;
	uint32_t synack;
	uint32_t fin;
	uint32_t rst;
};

/** Add a copy of a finished frame. */
void builder_trace_add(struct builder_trace *trace, uint64_t time_ns, const struct builder *frame);
/** Sort by time; packets of equal time keep their order. */
void builder_trace_sort(struct builder_trace *trace);
/** Cut every packet to @p snap_length captured bytes. */
void builder_trace_snap(struct builder_trace *trace, uint32_t snap_length);
/** The figures of packets [0, count). A segment counts if 20 bytes of its header are captured. */
struct builder_figures builder_trace_figures(const struct builder_trace *trace);
/** Release the memory; the trace is empty and usable again. */
void builder_trace_fini(struct builder_trace *trace);

/* Conversations. */

enum builder_side { BUILDER_CLIENT, BUILDER_SERVER };

struct builder_end {
	struct builder_address address;
	uint16_t port;
	uint32_t isn;
	uint32_t next;      /**< next sequence number to send; isn before the SYN */
	uint32_t ts_offset; /**< TSval = ts_offset + milliseconds of the talk's clock */
	uint32_t ts_last;   /**< last TSval sent */
	uint32_t last_seq;  /**< of the last segment that took sequence numbers, for a repeat */
	uint32_t last_length;
	uint16_t last_flags;
	uint16_t window; /**< raw, as in every segment but SYNs */
	uint16_t syn_window;
	uint16_t mss; /**< 0: no option */
	uint16_t ip_id;
	uint16_t ip_id_step; /**< 0: all packets with id 0 */
	uint8_t ttl;
	uint8_t wscale; /**< > 14: no option (write larger ones by hand) */
	bool has_timestamp;
	bool has_sack_ok;
	bool has_do_not_fragment;
	uint8_t mac[6];
};

struct builder_talk;
/** Writes the layers outside the conversation's IP header. */
typedef void builder_outer(struct builder *frame, const struct builder_talk *talk,
	enum builder_side from);

/** Timestamps and window scale are used once both ends have announced them. */
struct builder_talk {
	struct builder_trace *trace; /**< receives the packets; not owned */
	struct builder_end ends[2];
	uint64_t time_ns;     /**< of the next packet */
	uint64_t gap_ns;      /**< added after each packet; 5 ms */
	builder_outer *outer; /**< NULL: Ethernet */
	uint32_t outer_id;    /**< for it: a VLAN id, a VNI */
};

/** Bits of @ref builder_segment.set: fields taken from the struct, not from the conversation. */
enum {
	BUILDER_SET_SEQ = 1 << 0,
	BUILDER_SET_ACK = 1 << 1,
	BUILDER_SET_WINDOW = 1 << 2,
	BUILDER_SET_TTL = 1 << 3,
	BUILDER_SET_IP_ID = 1 << 4,
	BUILDER_SET_TIMESTAMP = 1 << 5,
	BUILDER_SET_OPTIONS = 1 << 6, /**< options NULL: none at all */
	BUILDER_FOREIGN = 1 << 7,     /**< not by the endpoint: its numbers do not move */
	BUILDER_UNSEEN = 1 << 8,      /**< sent, but the tap misses it */
};

/** One segment of a conversation. */
struct builder_segment {
	uint16_t flags;
	uint16_t set;
	const void *payload; /**< NULL: letters that depend on the sequence number only */
	uint32_t length;     /**< of the payload */
	const struct builder_options *options;
	uint32_t seq;
	uint32_t ack;
	uint32_t ts_value;
	uint32_t ts_echo;
	uint16_t window;
	uint16_t urgent;
	uint16_t ip_id;
	uint8_t ttl;
	uint16_t keep; /**< of the TCP header: BUILDER_CHECKSUM_WRONG and so on */
};

/** Begin a conversation at @p time_ns. Endpoints as "192.0.2.1:80" or "[2001:db8::1]:80". ISNs, IP
 * ids and timestamp clocks follow from the ports. Defaults: MSS, SACK, window scale 7, timestamps,
 * TTL 64; change the fields before the first packet.
 * A text that cannot be read sets @ref builder_trace.failed. */
void builder_talk_init(struct builder_talk *talk, struct builder_trace *trace, uint64_t time_ns,
	const char *client, const char *server);
/** Write the frame of a segment without adding it to the trace or moving the conversation. */
void builder_talk_frame(const struct builder_talk *talk, enum builder_side from,
	const struct builder_segment *segment, struct builder *ret_frame);
/** Send a segment. An ACK acknowledges all that the other end has sent. */
void builder_talk_send(struct builder_talk *talk, enum builder_side from,
	const struct builder_segment *segment);
/** Let time pass. */
void builder_talk_wait_ms(struct builder_talk *talk, uint64_t milliseconds);

void builder_talk_syn(struct builder_talk *talk);
void builder_talk_synack(struct builder_talk *talk);
void builder_talk_ack(struct builder_talk *talk, enum builder_side from);
/** Send @p length bytes with PSH. */
void builder_talk_data(struct builder_talk *talk, enum builder_side from, uint32_t length);
/** Send a text with PSH. */
void builder_talk_text(struct builder_talk *talk, enum builder_side from, const char *text);
void builder_talk_fin(struct builder_talk *talk, enum builder_side from);
/** RST with ACK, as an application's abort. */
void builder_talk_rst(struct builder_talk *talk, enum builder_side from);
/** RST without ACK, window 0 and no options, as the answer to a segment with ACK field @p seq. */
void builder_talk_rst_answer(struct builder_talk *talk, enum builder_side from, uint32_t seq);
/** RST with ACK, seq 0, as the server's answer to the SYN. */
void builder_talk_refuse(struct builder_talk *talk);
/** An ACK with this raw window. */
void builder_talk_window(struct builder_talk *talk, enum builder_side from, uint16_t window);
/** A keepalive: no payload, the sequence number one too low. */
void builder_talk_keepalive(struct builder_talk *talk, enum builder_side from);
/** Send the last segment that took sequence numbers again, with a new IP id. */
void builder_talk_repeat(struct builder_talk *talk, enum builder_side from);
/** The tap sees the last packet once more, @p lag_ns after it, its TTL lower by @p hops. */
void builder_talk_tap_copy(struct builder_talk *talk, uint64_t lag_ns, uint8_t hops);
/** SYN, SYN-ACK, ACK. */
void builder_talk_open(struct builder_talk *talk);
/** Request, ACK, response in segments of at most 1400 bytes, ACK. */
void builder_talk_exchange(struct builder_talk *talk, uint32_t request, uint32_t response);
/** FIN by @p first, FIN by the other, ACK. */
void builder_talk_close(struct builder_talk *talk, enum builder_side first);

/* Capture files, written into a buffer. */

enum {
	BUILDER_LINK_NULL = 0,
	BUILDER_LINK_ETHERNET = 1,
	BUILDER_LINK_RAW = 101,
	BUILDER_LINK_LOOP = 108,
	BUILDER_LINK_SLL = 113,
	BUILDER_LINK_IPV4 = 228,
	BUILDER_LINK_IPV6 = 229,
	BUILDER_LINK_SLL2 = 276,
};

struct builder_pcap {
	uint32_t link;
	uint32_t snap_length; /**< 0: 262144; packets are cut to it */
	bool big_endian;
	bool nanoseconds;
};
void builder_pcap_header(struct jbr_buffer *out, const struct builder_pcap *form);
void builder_pcap_packet(struct jbr_buffer *out, const struct builder_pcap *form,
	const struct builder_packet *packet);
/** Header and all packets. */
void builder_pcap_trace(struct jbr_buffer *out, const struct builder_pcap *form,
	const struct builder_trace *trace);

/** An interface of a pcapng section. */
struct builder_interface {
	uint16_t link;
	uint32_t snap_length; /**< 0: no limit */
	uint8_t tsresol;      /**< as in the option: 6, 9, or 0x80 | n for 2^-n s */
	bool has_tsresol;     /**< without the option microseconds count */
	int64_t tsoffset;     /**< seconds; 0: no option */
	const char *name;     /**< NULL: no option */
};

enum { BUILDER_INTERFACES_MAX = 8 };

/** One section being written. A new section begins with builder_pcapng_section() again. */
struct builder_pcapng {
	bool big_endian;
	bool has_section_length; /**< fill it in (builder_pcapng_end_section()), else -1 */
	bool has_options; /**< comments and other options in every block that may carry them */
	uint32_t interfaces_count;
	struct builder_interface interfaces[BUILDER_INTERFACES_MAX];
	size_t section_at; /* private */
};
void builder_pcapng_section(struct jbr_buffer *out, struct builder_pcapng *form);
void builder_pcapng_end_section(struct jbr_buffer *out, struct builder_pcapng *form);
void builder_pcapng_interface(struct jbr_buffer *out, struct builder_pcapng *form,
	const struct builder_interface *interface);
/** Enhanced packet block, of the packet's interface. */
void builder_pcapng_enhanced(struct jbr_buffer *out, const struct builder_pcapng *form,
	const struct builder_packet *packet);
/** Simple packet block: interface 0, no time. */
void builder_pcapng_simple(struct jbr_buffer *out, const struct builder_pcapng *form,
	const struct builder_packet *packet);
/** The obsolete packet block, type 2. */
void builder_pcapng_obsolete(struct jbr_buffer *out, const struct builder_pcapng *form,
	const struct builder_packet *packet);
/** Name resolution: one IPv4 and one IPv6 record. */
void builder_pcapng_names(struct jbr_buffer *out, const struct builder_pcapng *form);
/** Interface statistics of interface 0. */
void builder_pcapng_statistics(struct jbr_buffer *out, const struct builder_pcapng *form);
/** A block of any type; @p length is padded to a multiple of 4. */
void builder_pcapng_block(struct jbr_buffer *out, const struct builder_pcapng *form, uint32_t type,
	const void *body, size_t length);

/** Write a buffer to a file, replacing it.
 * @return 0, or -errno with @p error set. */
int builder_save(const struct jbr_buffer *buffer, const char *path, struct jbr_error *error);
