/* SPDX-License-Identifier: BSD-3-Clause */
#include "packet_socket.h"

#include <dirent.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static bool
is_bound_to(int fd, unsigned index)
{
	struct sockaddr_ll address = {0};
	socklen_t length = sizeof(address);

	return getsockname(fd, (struct sockaddr *)&address, &length) == 0 &&
		address.sll_family == AF_PACKET && (unsigned)address.sll_ifindex == index;
}

void
packet_sockets_find(const char *interface, struct packet_sockets *ret_sockets)
{
	unsigned index = if_nametoindex(interface);
	DIR *folder = opendir("/proc/self/fd");
	const struct dirent *entry;

	memset(ret_sockets, 0, sizeof(*ret_sockets));
	while (folder != NULL && index != 0 && (entry = readdir(folder)) != NULL) {
		int fd = atoi(entry->d_name); /* 0 of the names with dots is no packet socket */

		if (is_bound_to(fd, index) && ret_sockets->count < PACKET_SOCKETS_MAX)
			ret_sockets->fds[ret_sockets->count++] = fd;
	}
	if (folder != NULL)
		closedir(folder);
	/* what was dropped before anybody fetched is no loss */
	(void)packet_sockets_dropped(ret_sockets);
	ret_sockets->dropped = 0;
}

uint64_t
packet_sockets_dropped(struct packet_sockets *sockets)
{
	for (unsigned i = 0; i < sockets->count; i++) {
		struct tpacket_stats stats = {0};
		socklen_t length = sizeof(stats);

		if (getsockopt(sockets->fds[i], SOL_PACKET, PACKET_STATISTICS, &stats, &length) ==
			0)
			sockets->dropped += stats.tp_drops;
	}
	return sockets->dropped;
}
