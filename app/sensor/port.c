/* SPDX-License-Identifier: BSD-3-Clause */
#include "port.h"

#include <errno.h>
#include <stdio.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "rss.h"

enum {
	DEFAULT_DESCRIPTORS = 1024, /* of a virtual device */
	LARGEST_KEY = RSS_KEY_MAX,
};

static const uint64_t wanted_hash = RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP;
static const uint64_t needed_hash = RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV6_TCP;
static const uint64_t wanted_offloads = RTE_ETH_RX_OFFLOAD_IPV4_CKSUM |
	RTE_ETH_RX_OFFLOAD_TCP_CKSUM;

/* ---- what is there ---- */

static bool
spreads_itself(const struct live_port_plan *plan)
{
	/* their arguments say how many queues there are, and each gets its share */
	return plan->kind.kind == DEVICE_AF_PACKET || plan->kind.kind == DEVICE_AF_XDP ||
		plan->kind.kind == DEVICE_PCAP || strncmp(plan->name, "net_ring", 8) == 0;
}

int
port_find(const struct live_port_plan *plan, unsigned index, struct port *ret_port)
{
	struct port port = {.plan = plan, .index = index};
	struct rte_eth_dev_info info;

	if (rte_eth_dev_get_port_by_name(plan->name, &port.id) != 0 ||
		rte_eth_dev_info_get(port.id, &info) != 0)
		return -ENODEV;
	snprintf(port.driver, sizeof(port.driver), "%s", info.driver_name);
	port.node = rte_eth_dev_socket_id(port.id);
	port.queues_max = info.max_rx_queues;
	port.has_fixed_queues = spreads_itself(plan);
	port.rss_key_length = info.hash_key_size;
	port.has_rss = (info.flow_type_rss_offloads & needed_hash) == needed_hash &&
		info.hash_key_size >= 40 && info.hash_key_size <= LARGEST_KEY && info.reta_size > 0;
	port.has_checksum = (info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_TCP_CKSUM) != 0;
	*ret_port = port;
	return 0;
}

/* ---- setting up ---- */

static int
fail(const struct port *port, const char *what, int code, struct jbr_error *error)
{
	return jbr_error_set(error, code,
		"ports[%u].device: cannot %s of %s: %s; see `jabiru doctor`", port->index, what,
		port->plan->name, rte_strerror(-code));
}

static void
choose_sizes(struct port *port, const struct rte_eth_dev_info *info)
{
	uint32_t overhead = info->max_rx_pktlen > info->max_mtu && info->max_mtu > 0 &&
			info->max_mtu != UINT16_MAX
		? info->max_rx_pktlen - info->max_mtu
		: RTE_ETHER_HDR_LEN + RTE_ETHER_CRC_LEN + 8;
	uint32_t mtu = port->plan->frame_bytes;

	if (port->plan->kind.kind == DEVICE_PCI) {
		if (info->max_mtu > 0)
			mtu = jbr_min_u32(mtu, info->max_mtu);
		port->mtu = (uint16_t)mtu;
	} else if (port->plan->kind.interface[0] != '\0' &&
		rte_eth_dev_get_mtu(port->id, &port->mtu) != 0) {
		/* an interface of the kernel keeps its own, so that nothing is changed there */
		port->mtu = 0;
	}
	port->data_bytes = RTE_PKTMBUF_HEADROOM +
		(uint32_t)jbr_max_u64(RTE_MBUF_DEFAULT_DATAROOM, mtu + jbr_min_u32(overhead, 64));
	port->offloads = (wanted_offloads | RTE_ETH_RX_OFFLOAD_SCATTER) & info->rx_offload_capa;
}

static void
choose_descriptors(struct port *port, const struct rte_eth_dev_info *info)
{
	uint32_t wanted = port->plan->rx_descriptors;
	uint16_t tx = 0;

	if (wanted == 0)
		wanted = port->plan->kind.kind == DEVICE_PCI ? LIVE_DESCRIPTORS
							     : DEFAULT_DESCRIPTORS;
	if (info->rx_desc_lim.nb_max > 0)
		wanted = jbr_min_u32(wanted, info->rx_desc_lim.nb_max);
	port->nb_descriptors = (uint16_t)wanted;
	(void)rte_eth_dev_adjust_nb_rx_tx_desc(port->id, &port->nb_descriptors, &tx);
}

int
port_check(struct port *port, unsigned workers, struct jbr_error *error)
{
	uint32_t wanted = port->plan->queues;
	struct rte_eth_dev_info info;
	int rc = rte_eth_dev_info_get(port->id, &info);

	if (rc < 0)
		return fail(port, "learn the abilities", rc, error);
	if (wanted > port->queues_max)
		return jbr_error_set(error, -EINVAL,
			"ports[%u].queues: %u, but %s has %u; set it to %u, or to 0 for as many as "
			"fit",
			port->index, wanted, port->plan->name, port->queues_max, port->queues_max);
	if (port->has_fixed_queues && wanted != 0 && wanted != port->queues_max)
		return jbr_error_set(error, -EINVAL,
			"ports[%u].queues: %u, but %s spreads frames over %u; set it to %u or 0",
			port->index, wanted, port->plan->name, port->queues_max, port->queues_max);
	if (wanted == 0)
		wanted = port->has_fixed_queues ? port->queues_max : workers;
	port->nb_queues = (uint16_t)jbr_min_u32(jbr_min_u32(wanted, port->queues_max),
		PORT_QUEUES_MAX);
	if (port->nb_queues == 0)
		return jbr_error_set(error, -EINVAL,
			"ports[%u].device: %s has no queue to receive from; give it one by its "
			"arguments (rx_pcap=, rx_iface=)",
			port->index, port->plan->name);
	choose_sizes(port, &info);
	choose_descriptors(port, &info);
	return 0;
}

static int
set_up_queues(struct port *port, struct rte_mempool *const *pools, struct jbr_error *error)
{
	struct rte_eth_dev_info info;
	int rc = rte_eth_dev_info_get(port->id, &info);

	for (uint16_t q = 0; q < port->nb_queues && rc == 0; q++) {
		struct rte_eth_rxconf rxconf = info.default_rxconf;

		rxconf.offloads = port->offloads;
		rc = rte_eth_rx_queue_setup(port->id, q, port->nb_descriptors,
			port->node < 0 ? (unsigned)SOCKET_ID_ANY : (unsigned)port->node, &rxconf,
			pools[q]);
	}
	return rc < 0 ? fail(port, "set up the queues", rc, error) : 0;
}

int
port_configure(struct port *port, struct rte_mempool *const *pools, bool uses_rss,
	struct jbr_error *error)
{
	struct rte_eth_conf conf = {
		.rxmode = {.mtu = port->mtu, .offloads = port->offloads},
	};
	struct rte_eth_dev_info info;
	uint8_t key[LARGEST_KEY];
	int rc = rte_eth_dev_info_get(port->id, &info);

	if (rc < 0)
		return fail(port, "learn the abilities", rc, error);
	if (uses_rss) {
		rss_symmetric_key(key, port->rss_key_length);
		conf.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		conf.rx_adv_conf.rss_conf.rss_key = key;
		conf.rx_adv_conf.rss_conf.rss_key_len = port->rss_key_length;
		conf.rx_adv_conf.rss_conf.rss_hf = wanted_hash & info.flow_type_rss_offloads;
	}
	port->uses_rss = uses_rss;
	/* nothing is ever sent */
	rc = rte_eth_dev_configure(port->id, port->nb_queues, 0, &conf);
	port->refused_rss = rc < 0 && uses_rss;
	if (rc < 0)
		return fail(port, "set up the receive side", rc, error);
	return set_up_queues(port, pools, error);
}

/* ---- starting ---- */

static void
add_word(struct jbr_buffer *list, const char *word)
{
	jbr_buffer_format(list, "%s%s", list->length > 0 ? ", " : "", word);
}

/* What does not work leaves a word in @p missing. */
static void
listen_to_all(const struct port *port, struct jbr_buffer *missing)
{
	struct rte_eth_fc_conf flow_control = {0};

	if (rte_eth_promiscuous_enable(port->id) != 0)
		add_word(missing, "promiscuous mode");
	if (rte_eth_allmulticast_enable(port->id) != 0)
		add_word(missing, "all multicast");
	if (rte_eth_dev_flow_ctrl_get(port->id, &flow_control) == 0) {
		/* a sensor never asks anybody to be slower */
		flow_control.mode = RTE_ETH_FC_NONE;
		flow_control.autoneg = 0;
		if (rte_eth_dev_flow_ctrl_set(port->id, &flow_control) != 0)
			add_word(missing, "switching flow control off");
	} else {
		add_word(missing, "flow control");
	}
	if (!port->has_checksum)
		add_word(missing, "TCP checksums");
	if (!port->has_rss)
		add_word(missing, "RSS over TCP");
}

/* With several ports the same hash has to lead to the same queue everywhere. */
static int
spread_evenly(const struct port *port)
{
	struct rte_eth_rss_reta_entry64 reta[RTE_ETH_RSS_RETA_SIZE_512 / RTE_ETH_RETA_GROUP_SIZE];
	struct rte_eth_dev_info info;
	int rc = rte_eth_dev_info_get(port->id, &info);

	if (rc < 0)
		return rc;
	if (info.reta_size > RTE_ETH_RSS_RETA_SIZE_512)
		return -ENOTSUP;
	memset(reta, 0, sizeof(reta));
	for (uint16_t i = 0; i < info.reta_size; i++) {
		reta[i / RTE_ETH_RETA_GROUP_SIZE].mask |= UINT64_C(1)
			<< i % RTE_ETH_RETA_GROUP_SIZE;
		reta[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE] = i %
			port->nb_queues;
	}
	return rte_eth_dev_rss_reta_update(port->id, reta, info.reta_size);
}

static int
verify_rss(const struct port *port, struct jbr_error *error)
{
	uint8_t key[LARGEST_KEY] = {0};
	struct rte_eth_rss_conf conf = {.rss_key = key, .rss_key_len = port->rss_key_length};

	if (rte_eth_dev_rss_hash_conf_get(port->id, &conf) == 0 &&
		(conf.rss_hf & needed_hash) == needed_hash &&
		rss_is_symmetric(key, port->rss_key_length) && spread_evenly(port) == 0)
		return 0;
	return jbr_error_set(error, -ENOTSUP,
		"worker.steering: rss, but %s did not take the symmetric hash key or the table of "
		"queues; set it to software or auto",
		port->plan->name);
}

/* @return whether the device has told */
static bool
read_counts(const struct port *port, struct port_counts *ret_counts)
{
	struct rte_eth_stats stats = {0};

	if (rte_eth_stats_get(port->id, &stats) != 0)
		return false;
	*ret_counts = (struct port_counts){.received = stats.ipackets,
		.missed = stats.imissed,
		.no_buffer = stats.rx_nombuf,
		.errors = stats.ierrors};
	return true;
}

int
port_start(struct port *port, struct jbr_buffer *ret_notes, struct jbr_error *error)
{
	struct jbr_buffer missing = {0};
	int rc;

	(void)read_counts(port, &port->baseline);
	if (port->plan->kind.kind == DEVICE_AF_PACKET)
		packet_sockets_find(port->plan->kind.interface, &port->sockets);
	rc = rte_eth_dev_start(port->id);
	port->refused_rss = rc < 0 && port->uses_rss;
	if (rc < 0)
		return fail(port, "start the receive side", rc, error);
	port->is_started = true;
	if (port->uses_rss)
		rc = verify_rss(port, error);
	port->refused_rss = rc < 0;
	if (rc < 0)
		return rc;
	listen_to_all(port, &missing);
	jbr_buffer_format(ret_notes,
		"ports[%u]: %s (%s), %u queue%s of %u descriptors, buffers of %u bytes",
		port->index, port->plan->name, port->driver, port->nb_queues,
		port->nb_queues == 1 ? "" : "s", port->nb_descriptors, port->data_bytes);
	if (missing.length > 0)
		jbr_buffer_format(ret_notes, "; not supported by its driver: %.*s",
			(int)missing.length, missing.data);
	jbr_buffer_format(ret_notes, "\n");
	jbr_buffer_fini(&missing);
	return 0;
}

bool
port_has_link(const struct port *port)
{
	struct rte_eth_link link = {0};

	return rte_eth_link_get_nowait(port->id, &link) != 0 || link.link_status == RTE_ETH_LINK_UP;
}

void
port_counts(struct port *port, struct port_counts *ret_counts)
{
	struct port_counts now;

	if (read_counts(port, &now))
		port->counts = (struct port_counts){
			.received = now.received - port->baseline.received,
			.missed = now.missed - port->baseline.missed +
				packet_sockets_dropped(&port->sockets),
			.no_buffer = now.no_buffer - port->baseline.no_buffer,
			.errors = now.errors - port->baseline.errors,
		};
	*ret_counts = port->counts;
}

void
port_quieten(struct port *port)
{
	if (!port->is_started)
		return;
	(void)rte_eth_promiscuous_disable(port->id);
	(void)rte_eth_allmulticast_disable(port->id);
}

void
port_pause(struct port *port)
{
	if (port->is_started)
		(void)rte_eth_dev_stop(port->id);
	port->is_started = false;
}

void
port_stop(struct port *port)
{
	port_pause(port);
	(void)rte_eth_dev_close(port->id);
}
