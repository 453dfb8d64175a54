/* SPDX-License-Identifier: BSD-3-Clause */
/* What the kernel says of an interface by ioctl. None of these questions takes a right. */
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "machine_private.h"

static bool
ask(int fd, const char *name, void *question)
{
	struct ifreq request = {.ifr_data = question};

	if (strlen(name) >= sizeof(request.ifr_name))
		return false;
	memcpy(request.ifr_name, name, strlen(name));
	return ioctl(fd, SIOCETHTOOL, &request) == 0;
}

static bool
value_of(int fd, const char *name, uint32_t command, uint32_t *ret_value)
{
	struct ethtool_value value = {.cmd = command};
	bool is_known = ask(fd, name, &value);

	*ret_value = is_known ? value.data : 0;
	return is_known;
}

void
machine_ask_kernel(const char *name, struct machine_interface *ret_interface)
{
	struct machine_offloads *offloads = &ret_interface->offloads;
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	uint32_t gro, flags, tso, gso, rx, tx;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	/* each is asked for, whether or not the one before was answered */
	offloads->is_known = value_of(fd, name, ETHTOOL_GGRO, &gro);
	offloads->is_known |= value_of(fd, name, ETHTOOL_GFLAGS, &flags);
	offloads->is_known |= value_of(fd, name, ETHTOOL_GTSO, &tso);
	offloads->is_known |= value_of(fd, name, ETHTOOL_GGSO, &gso);
	offloads->is_known |= value_of(fd, name, ETHTOOL_GRXCSUM, &rx);
	offloads->is_known |= value_of(fd, name, ETHTOOL_GTXCSUM, &tx);
	offloads->gro = gro != 0;
	offloads->lro = (flags & ETH_FLAG_LRO) != 0;
	offloads->rx_vlan = (flags & ETH_FLAG_RXVLAN) != 0;
	offloads->tso = tso != 0;
	offloads->gso = gso != 0;
	offloads->rx_checksum = rx != 0;
	offloads->tx_checksum = tx != 0;
	if (ret_interface->driver[0] == '\0' && ask(fd, name, &info)) {
		info.driver[sizeof(info.driver) - 1] = '\0';
		machine_name(ret_interface->driver, info.driver);
	}
	close(fd);
}
