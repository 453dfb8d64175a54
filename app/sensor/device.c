/* SPDX-License-Identifier: BSD-3-Clause */
#include "device.h"

#include <stdio.h>
#include <unistd.h>

#include "table_memory.h"

static const struct {
	const char *prefix;
	enum device_kind kind;
} vdevs[] = {
	{"net_af_packet", DEVICE_AF_PACKET},
	{"eth_af_packet", DEVICE_AF_PACKET},
	{"net_af_xdp", DEVICE_AF_XDP},
	{"net_tap", DEVICE_TAP},
	{"net_pcap", DEVICE_PCAP},
	{"eth_pcap", DEVICE_PCAP},
	{"net_", DEVICE_VDEV},
	{"eth_", DEVICE_VDEV},
};

/* Drivers of the kernel that DPDK works beside instead of replacing. */
static const char *const shared_drivers[] = {"mlx4_core", "mlx5_core"};
static const char *const user_drivers[] = {"vfio-pci", "igb_uio", "uio_pci_generic"};

static bool
is_one_of(const char *name, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* Copy the value of `key=` from the arguments. @return false when it is not there. */
static bool
argument_of(const char *text, const char *key, char *ret_value, size_t size)
{
	const char *at = text;

	while ((at = strchr(at, ',')) != NULL) {
		at++;
		if (strncmp(at, key, strlen(key)) != 0 || at[strlen(key)] != '=')
			continue;
		at += strlen(key) + 1;
		(void)snprintf(ret_value, size, "%.*s", (int)strcspn(at, ","), at);
		return true;
	}
	return false;
}

static bool
is_pci_address(const char *text)
{
	static const char *const forms[] = {"xxxx:xx:xx.x", "xx:xx.x"};
	size_t length = strcspn(text, ",");

	for (size_t i = 0; i < JBR_COUNT_OF(forms); i++) {
		size_t at = 0;

		while (at < length && forms[i][at] != '\0' &&
			(forms[i][at] == 'x' ? strchr("0123456789abcdefABCDEF", text[at]) != NULL
					     : forms[i][at] == text[at]))
			at++;
		if (at == length && forms[i][at] == '\0')
			return true;
	}
	return false;
}

void
device_parse(const char *text, struct device *ret_device)
{
	struct device device = {.kind = DEVICE_UNKNOWN};

	if (is_pci_address(text))
		device.kind = DEVICE_PCI;
	for (size_t i = 0; i < JBR_COUNT_OF(vdevs) && device.kind == DEVICE_UNKNOWN; i++)
		if (strncmp(text, vdevs[i].prefix, strlen(vdevs[i].prefix)) == 0)
			device.kind = vdevs[i].kind;
	if (device.kind == DEVICE_AF_PACKET || device.kind == DEVICE_AF_XDP)
		(void)argument_of(text, "iface", device.interface, sizeof(device.interface));
	else if (device.kind == DEVICE_TAP)
		(void)argument_of(text, "remote", device.interface, sizeof(device.interface));
	else if (device.kind == DEVICE_PCAP &&
		!argument_of(text, "iface", device.interface, sizeof(device.interface)))
		(void)argument_of(text, "rx_iface", device.interface, sizeof(device.interface));
	*ret_device = device;
}

static void
list_controllers(const struct machine *machine, struct jbr_buffer *out)
{
	if (machine->nb_devices == 0)
		jbr_buffer_format(out, "this host has none");
	for (uint32_t i = 0; i < machine->nb_devices; i++)
		jbr_buffer_format(out, "%s%s", i == 0 ? "there are " : ", ",
			machine->devices[i].address);
}

static void
list_interfaces(const struct machine *machine, struct jbr_buffer *out)
{
	if (machine->nb_interfaces == 0)
		jbr_buffer_format(out, "this network namespace has none");
	for (uint32_t i = 0; i < machine->nb_interfaces; i++)
		jbr_buffer_format(out, "%s%s", i == 0 ? "there are " : ", ",
			machine->interfaces[i].name);
}

/* What has to be done before the device can be bound to vfio-pci, then that. */
static void
bind_command(const struct machine *machine, const struct machine_device *device,
	struct jbr_buffer *out)
{
	jbr_buffer_format(out, "modprobe vfio-pci && ");
	if (machine->nb_iommu_groups == 0 && !machine->has_noiommu)
		jbr_buffer_format(out,
			"echo 1 > /sys/module/vfio/parameters/enable_unsafe_noiommu_mode && ");
	jbr_buffer_format(out, "dpdk-devbind.py --bind=vfio-pci %s", device->address);
}

static bool
check_pci(const struct machine *machine, const char *text, struct jbr_buffer *ret_what,
	struct jbr_buffer *ret_fix)
{
	const struct machine_device *device = machine_device_find(machine, text);

	if (device == NULL) {
		jbr_buffer_format(ret_what, "no network controller at PCI address '%.*s'; ",
			(int)strcspn(text, ","), text);
		list_controllers(machine, ret_what);
		jbr_buffer_format(ret_fix, "name one of these under ports, or a vdev");
		return false;
	}
	if (device->driver[0] == '\0') {
		jbr_buffer_format(ret_what, "%s is bound to no driver", device->address);
		bind_command(machine, device, ret_fix);
		return false;
	}
	if (!is_one_of(device->driver, user_drivers, JBR_COUNT_OF(user_drivers)) &&
		!is_one_of(device->driver, shared_drivers, JBR_COUNT_OF(shared_drivers))) {
		jbr_buffer_format(ret_what, "%s belongs to the kernel driver %s", device->address,
			device->driver);
		if (device->interface[0] != '\0')
			jbr_buffer_format(ret_what,
				" as %s, which the kernel loses when it is taken",
				device->interface);
		bind_command(machine, device, ret_fix);
		return false;
	}
	if (strcmp(device->driver, "vfio-pci") == 0 && !device->has_iommu_group &&
		!machine->has_noiommu) {
		jbr_buffer_format(ret_what, "%s is bound to vfio-pci, but there is no IOMMU",
			device->address);
		jbr_buffer_format(ret_fix,
			"echo 1 > /sys/module/vfio/parameters/enable_unsafe_noiommu_mode, or boot "
			"with intel_iommu=on iommu=pt");
		return false;
	}
	return true;
}

static bool
check_interface(const struct machine *machine, const char *name, struct jbr_buffer *ret_what,
	struct jbr_buffer *ret_fix)
{
	if (machine_interface_find(machine, name) != NULL)
		return true;
	jbr_buffer_format(ret_what, "no interface '%s'; ", name);
	list_interfaces(machine, ret_what);
	jbr_buffer_format(ret_fix, "name one of these as iface=, or make it with `ip link add`");
	return false;
}

static bool
check_capture(const char *text, struct jbr_buffer *ret_what, struct jbr_buffer *ret_fix)
{
	char path[MACHINE_PATH_SIZE];

	if (!argument_of(text, "rx_pcap", path, sizeof(path)) || access(path, R_OK) == 0)
		return true;
	jbr_buffer_format(ret_what, "cannot read the capture '%s'", path);
	jbr_buffer_format(ret_fix, "name a file that exists as rx_pcap=");
	return false;
}

bool
device_check(const struct machine *machine, const char *text, struct jbr_buffer *ret_what,
	struct jbr_buffer *ret_fix)
{
	struct device device;

	device_parse(text, &device);
	switch (device.kind) {
	case DEVICE_PCI:
		return check_pci(machine, text, ret_what, ret_fix);
	case DEVICE_UNKNOWN:
		jbr_buffer_format(ret_what, "'%s' is neither a PCI address nor the name of a vdev",
			text);
		jbr_buffer_format(ret_fix, "write 0000:03:00.0, or net_af_packet0,iface=eth0");
		return false;
	case DEVICE_AF_PACKET:
	case DEVICE_AF_XDP:
		if (device.interface[0] != '\0')
			break;
		jbr_buffer_format(ret_what, "'%s' does not say which interface to read", text);
		jbr_buffer_format(ret_fix, "write %.*s,iface=eth0", (int)strcspn(text, ","), text);
		return false;
	case DEVICE_PCAP:
		if (!check_capture(text, ret_what, ret_fix))
			return false;
		break;
	case DEVICE_TAP:
	case DEVICE_VDEV:
		break;
	}
	return device.interface[0] == '\0' ||
		check_interface(machine, device.interface, ret_what, ret_fix);
}

int
device_node(const struct machine *machine, const char *text)
{
	const struct machine_interface *interface;
	const struct machine_device *pci;
	struct device device;

	device_parse(text, &device);
	if (device.kind == DEVICE_PCI) {
		pci = machine_device_find(machine, text);
		return pci == NULL ? MACHINE_NODE_UNKNOWN : pci->node;
	}
	interface = machine_interface_find(machine, device.interface);
	return interface == NULL ? MACHINE_NODE_UNKNOWN : interface->node;
}

bool
device_offloads(const struct machine_interface *interface, struct jbr_buffer *ret_words,
	struct jbr_buffer *ret_command)
{
	const struct machine_offloads *offloads = &interface->offloads;
	const struct {
		const char *word;
		bool is_on;
	} rows[] = {{"gro", offloads->gro}, {"lro", offloads->lro}, {"tso", offloads->tso},
		{"gso", offloads->gso}, {"rx", offloads->rx_checksum},
		{"tx", offloads->tx_checksum}, {"rxvlan", offloads->rx_vlan}};
	bool is_any = false;

	for (size_t i = 0; i < JBR_COUNT_OF(rows) && offloads->is_known; i++) {
		if (!rows[i].is_on)
			continue;
		if (!is_any)
			jbr_buffer_format(ret_command, "ethtool -K %s", interface->name);
		is_any = true;
		jbr_buffer_format(ret_words, " %s", rows[i].word);
		jbr_buffer_format(ret_command, " %s off", rows[i].word);
	}
	return is_any;
}

void
device_hugepages_command(const struct machine *machine, int node, uint64_t needed_bytes,
	struct jbr_buffer *out)
{
	/* of the size that tables want and that can be had while the host runs */
	const uint64_t size_bytes = TABLE_MEMORY_PAGE_BYTES;
	uint64_t taken = 0;

	/* the file holds how many there are in all, so those in use come on top */
	for (uint32_t i = 0; i < machine->nb_hugepages; i++) {
		const struct machine_hugepages *pages = &machine->hugepages[i];

		if (pages->size_bytes == size_bytes &&
			(node == MACHINE_NODE_UNKNOWN || node == pages->node))
			taken += pages->total - jbr_min_u64(pages->free, pages->total);
	}
	jbr_buffer_format(out, "echo %llu > /sys/",
		(unsigned long long)(taken + (needed_bytes + size_bytes - 1) / size_bytes));
	if (machine_nodes_count(machine) > 1 && node != MACHINE_NODE_UNKNOWN)
		jbr_buffer_format(out, "devices/system/node/node%d", node);
	else
		jbr_buffer_format(out, "kernel/mm");
	jbr_buffer_format(out, "/hugepages/hugepages-%llukB/nr_hugepages",
		(unsigned long long)(size_bytes / 1024));
}
