/* SPDX-License-Identifier: BSD-3-Clause */
#include "buffers.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mbuf.h>

enum { NEEDED_BYTES = 64 << 20 };

/* Free hugepages of 2 MB, in bytes. */
static uint64_t
free_hugepages(void)
{
	FILE *file = fopen("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "re");
	unsigned long pages = 0;

	if (file == NULL)
		return 0;
	if (fscanf(file, "%lu", &pages) != 1)
		pages = 0;
	fclose(file);
	return (uint64_t)pages << 21;
}

int
buffers_start(unsigned cpu, bool *ret_has_hugepages, struct jbr_error *error)
{
	bool has_hugepages = free_hugepages() >= NEEDED_BYTES;
	char program[] = "jabiru-bench";
	char lcore[] = "-l";
	char cpu_text[16];
	char no_pci[] = "--no-pci";
	char no_telemetry[] = "--no-telemetry";
	char quiet[] = "--log-level=*:error";
	char in_memory[] = "--in-memory";
	char no_huge[] = "--no-huge";
	char no_shconf[] = "--no-shconf";
	char memory[] = "-m";
	char megabytes[16];
	char prefix[] = "--file-prefix";
	char prefix_text[32];
	char *arguments[16] = {program, lcore, cpu_text, no_pci, no_telemetry, quiet, memory,
		megabytes, prefix, prefix_text};
	int count = 10;

	snprintf(prefix_text, sizeof(prefix_text), "jabiru-bench-%ld", (long)getpid());
	snprintf(cpu_text, sizeof(cpu_text), "%u", cpu);
	snprintf(megabytes, sizeof(megabytes), "%d", NEEDED_BYTES >> 20);
	if (has_hugepages) {
		arguments[count++] = in_memory;
	} else {
		arguments[count++] = no_huge;
		arguments[count++] = no_shconf;
	}
	if (rte_eal_init(count, arguments) < 0)
		return jbr_error_set(error, -rte_errno, "cannot start EAL on CPU %u: %s", cpu,
			rte_strerror(rte_errno));
	*ret_has_hugepages = has_hugepages;
	return 0;
}

void
buffers_stop(void)
{
	char folder[512];

	snprintf(folder, sizeof(folder), "%s", rte_eal_get_runtime_dir());
	rte_eal_cleanup();
	(void)rmdir(folder); /* EAL makes it, empty, and leaves it; with hugepages there is none */
}

int
buffers_take(unsigned index, struct rte_mbuf **ret_mbufs, struct jbr_error *error)
{
	char name[32];
	struct rte_mempool *pool;

	snprintf(name, sizeof(name), "lane_%u", index);
	pool = rte_pktmbuf_pool_create(name, BUFFERS_COUNT, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
		SOCKET_ID_ANY);
	if (pool == NULL || rte_pktmbuf_alloc_bulk(pool, ret_mbufs, BUFFERS_COUNT) < 0)
		return jbr_error_set(error, -ENOMEM, "cannot take %d packet buffers: %s",
			BUFFERS_COUNT, rte_strerror(rte_errno));
	return 0;
}

static uint8_t
nic_flags(const struct rte_mbuf *mbuf)
{
	uint64_t flags = mbuf->ol_flags;

	return (uint8_t)((flags & RTE_MBUF_F_RX_L4_CKSUM_GOOD ? JBR_NIC_L4_CHECKSUM_GOOD : 0) |
		(flags & RTE_MBUF_F_RX_IP_CKSUM_GOOD ? JBR_NIC_IP_CHECKSUM_GOOD : 0));
}

void
buffers_read(struct rte_mbuf *const *mbufs, unsigned count, struct jbr_frame *ret_frames)
{
	for (unsigned i = 0; i < count; i++) {
		struct jbr_frame *frame = &ret_frames[i];

		frame->data = rte_pktmbuf_mtod(mbufs[i], const uint8_t *);
		frame->opaque = mbufs[i];
		frame->captured = mbufs[i]->data_len;
		frame->wire = mbufs[i]->pkt_len;
		frame->port = 0;
		frame->vlan_tci = 0;
		frame->link = JBR_LINK_ETHERNET;
		frame->nic_flags = nic_flags(mbufs[i]);
	}
}
