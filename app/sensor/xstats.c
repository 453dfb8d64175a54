/* SPDX-License-Identifier: BSD-3-Clause */
#include "xstats.h"

#include <stdio.h>
#include <stdlib.h>

#include <rte_ethdev.h>

_Static_assert(XSTATS_NAME_SIZE >= RTE_ETH_XSTATS_NAME_SIZE, "a name finds room");

void
xstats_add(struct xstats *xstats, uint32_t port, uint16_t port_id)
{
	int found = rte_eth_xstats_get_names(port_id, NULL, 0);
	struct rte_eth_xstat_name *names;

	if (found <= 0)
		return;
	names = calloc((size_t)found, sizeof(*names));
	if (names != NULL && rte_eth_xstats_get_names(port_id, names, (unsigned)found) == found) {
		for (int i = 0; i < found && xstats->count < XSTATS_MAX; i++) {
			uint32_t at = xstats->count++;

			snprintf(xstats->names[at], XSTATS_NAME_SIZE, "%s", names[i].name);
			xstats->port_ids[at] = port_id;
			xstats->ids[at] = (uint64_t)i;
			xstats->series[at] =
				(struct jbr_series_name){.metric = JBR_METRIC_PORT_XSTAT,
					.value = xstats->names[at],
					.port = port};
		}
	}
	free(names);
}

void
xstats_read(const struct xstats *xstats, uint64_t *ret_values, uint32_t count)
{
	uint32_t at = 0;

	memset(ret_values, 0, count * sizeof(*ret_values));
	while (at < count && at < xstats->count) {
		uint32_t end = at;

		while (end < count && end < xstats->count &&
			xstats->port_ids[end] == xstats->port_ids[at])
			end++;
		(void)rte_eth_xstats_get_by_id(xstats->port_ids[at], &xstats->ids[at],
			&ret_values[at], end - at);
		at = end;
	}
}
