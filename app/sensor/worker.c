/* SPDX-License-Identifier: BSD-3-Clause */
#include "pipeline.h"

static uint8_t
checksum_mode(const struct jbr_config *config)
{
	switch ((enum jbr_value_checksum)config->packet_checksum) {
	case JBR_VALUE_checksum_NIC:
		return JBR_CHECKSUM_MODE_NIC;
	case JBR_VALUE_checksum_SAMPLED:
		return JBR_CHECKSUM_MODE_SAMPLED;
	case JBR_VALUE_checksum_OFF:
		return JBR_CHECKSUM_MODE_OFF;
	case JBR_VALUE_checksum_AUTO:
	case JBR_VALUE_checksum_SOFTWARE:
		break;
	}
	return JBR_CHECKSUM_MODE_SOFTWARE;
}

void
worker_init(struct worker *worker, const struct jbr_config *config, struct jbr_flow_table *table,
	unsigned index, unsigned workers)
{
	struct jbr_packet_options *options = &worker->packet_options;

	memset(worker, 0, sizeof(*worker));
	worker->config = config;
	worker->table = table;
	for (unsigned i = 0; i < JBR_FLOW_SHARDS; i++) {
		worker->shards[i] = jbr_flow_shard_at(table, i);
		worker->owns[i] = i % workers == index;
	}
	worker->index = index;
	worker->workers = workers;
	worker->sees_all = true;
	*options = jbr_packet_options_default();
	options->vxlan_port = (uint16_t)config->tunnel_vxlan_port;
	options->geneve_port = (uint16_t)config->tunnel_geneve_port;
	options->gtpu_port = (uint16_t)config->tunnel_gtpu_port;
	options->teredo_port = (uint16_t)config->tunnel_teredo_port;
	options->gre = config->tunnel_gre;
	options->ip_in_ip = config->tunnel_ip_in_ip;
	options->layers_max = (uint8_t)config->tunnel_layers_max;
	options->vlan_in_tuple = config->packet_vlan_in_tuple;
	options->tunnel_in_tuple = config->packet_tunnel_in_tuple;
	options->checksum = checksum_mode(config);
}
