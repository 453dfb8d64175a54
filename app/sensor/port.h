/* SPDX-License-Identifier: BSD-3-Clause */
/** @file port.h
 * A port of DPDK as a passive sensor wants it: everything is received, nothing is sent, nothing is
 * changed on the way, and what gets lost is counted.
 *
 * Threads: main(); port_counts() too while workers run.
 * Order:   port_find(), port_check() for all ports, then port_configure(), port_start(); an error before
 *          port_start() leaves every port untouched.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "jbr_base.h"
#include "live_plan.h"
#include "packet_socket.h"

struct rte_mempool;

enum { PORT_QUEUES_MAX = WORKERS_MAX };

/** What a port counted since port_start(). */
struct port_counts {
	uint64_t received;  /**< frames that reached a queue */
	uint64_t missed;    /**< lost for want of a free descriptor */
	uint64_t no_buffer; /**< lost for want of a packet buffer */
	uint64_t errors;    /**< broken frames */
};

struct port {
	const struct live_port_plan *plan;
	unsigned index; /**< among the configured ones */
	uint16_t id;    /**< DPDK's */
	char driver[48];
	int node; /**< -1 = any */
	uint16_t nb_queues;
	uint16_t queues_max;
	uint16_t nb_descriptors;
	uint16_t mtu;          /**< to be set; 0 = the driver's own */
	uint32_t data_bytes;   /**< of a packet buffer */
	uint64_t offloads;     /**< RTE_ETH_RX_OFFLOAD_* to be switched on */
	bool has_fixed_queues; /**< the device spreads frames over all queues that it has, itself */
	bool has_rss;          /**< hash over TCP tuples with a key of ours */
	bool uses_rss;
	bool refused_rss;  /**< it, or what it reads back, is not what was asked for */
	bool has_checksum; /**< the NIC verifies TCP checksums */
	bool is_started;
	uint8_t rss_key_length;
	struct port_counts baseline;
	struct port_counts counts;     /**< as last read */
	struct packet_sockets sockets; /**< of net_af_packet */
};

/** Find the port of @p plan, and what it can.
 * @return 0, or -ENODEV: its driver did not take the device. */
int port_find(const struct live_port_plan *plan, unsigned index, struct port *ret_port);
/** Choose its queues for @p workers, its descriptors and buffers.
 * @return 0, or -EINVAL with @p error, which names the key. */
int port_check(struct port *port, unsigned workers, struct jbr_error *error);

/** Set it up, not started.
 * @param pools      for each queue, where its packet buffers come from
 * @param uses_rss   spread connections by the symmetric key; else as the device likes
 * @return 0, or -errno with @p error; refused_rss is set when it may be the key. May be called again
 *         for a port that is paused, with pools that may be the same. */
int port_configure(struct port *port, struct rte_mempool *const *pools, bool uses_rss,
	struct jbr_error *error);
/** Start receiving, and verify the key.
 * @param ret_notes  receives a line about what it was given and what its driver does not support
 * @return as port_configure(). */
int port_start(struct port *port, struct jbr_buffer *ret_notes, struct jbr_error *error);
/** Is there a link? Drivers that cannot tell say yes. */
bool port_has_link(const struct port *port);
/** Read what it counted since port_start(); where the device does not tell, it is what it told last. */
void port_counts(struct port *port, struct port_counts *ret_counts);
/** Ask for no more frames, where that disturbs nobody: queues can be emptied after. */
void port_quieten(struct port *port);
/** Stop, so that it can be configured anew; one that is not started too. */
void port_pause(struct port *port);
/** Stop and close; one that was never started too. */
void port_stop(struct port *port);
