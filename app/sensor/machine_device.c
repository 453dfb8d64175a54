/* SPDX-License-Identifier: BSD-3-Clause */
/* Network interfaces of the kernel, network controllers on the PCI bus, drivers for user space. */
#include <stdio.h>
#include <stdlib.h>

#include "machine_private.h"

enum { INTERFACE_UP = 1 }; /* IFF_UP; linux/if.h and net/if.h do not go together */

static void
read_interface(struct machine_reading *reading, const char *folder, const char *name)
{
	struct machine *machine = reading->machine;
	struct machine_interface *interface = &machine->interfaces[machine->nb_interfaces];

	/* files stand there too, such as bonding_masters */
	if (machine->nb_interfaces == MACHINE_INTERFACES_MAX ||
		!machine_exists(reading, "%s/%s/flags", folder, name))
		return;
	machine_name(interface->name, name);
	machine_link(reading, interface->driver, "%s/%s/device/driver", folder, name);
	interface->node = (int)machine_number(reading, MACHINE_NODE_UNKNOWN,
		"%s/%s/device/numa_node", folder, name);
	interface->mtu = (uint32_t)machine_number(reading, 0, "%s/%s/mtu", folder, name);
	interface->is_up = (machine_number(reading, 0, "%s/%s/flags", folder, name) &
				   INTERFACE_UP) != 0;
	if (reading->source->ask != NULL)
		reading->source->ask(name, interface);
	machine->nb_interfaces++;
}

static void
take_interface_name(struct machine_reading *reading, const char *folder, const char *name)
{
	(void)folder;
	machine_name(reading->machine->devices[reading->machine->nb_devices].interface, name);
}

/* A virtio device's interface hangs one folder further down. */
static void
look_into_virtio(struct machine_reading *reading, const char *folder, const char *name)
{
	char inner[MACHINE_PATH_SIZE];

	if (strncmp(name, "virtio", 6) != 0)
		return;
	if ((size_t)snprintf(inner, sizeof(inner), "%s/%s/net", folder, name) < sizeof(inner))
		machine_folder(reading, inner, take_interface_name);
}

static void
read_device(struct machine_reading *reading, const char *folder, const char *name)
{
	struct machine *machine = reading->machine;
	struct machine_device *device = &machine->devices[machine->nb_devices];
	char inner[MACHINE_PATH_SIZE];

	/* base class 2 is a network controller */
	if (machine->nb_devices == MACHINE_DEVICES_MAX ||
		machine_number(reading, 0, "%s/%s/class", folder, name) >> 16 != 2)
		return;
	machine_name(device->address, name);
	machine_link(reading, device->driver, "%s/%s/driver", folder, name);
	device->vendor = (uint32_t)machine_number(reading, 0, "%s/%s/vendor", folder, name);
	device->device = (uint32_t)machine_number(reading, 0, "%s/%s/device", folder, name);
	device->node = (int)machine_number(reading, MACHINE_NODE_UNKNOWN, "%s/%s/numa_node", folder,
		name);
	device->has_iommu_group = machine_exists(reading, "%s/%s/iommu_group", folder, name);
	if ((size_t)snprintf(inner, sizeof(inner), "%s/%s/net", folder, name) < sizeof(inner)) {
		machine_folder(reading, inner, take_interface_name);
		inner[strlen(inner) - strlen("/net")] = '\0';
		machine_folder(reading, inner, look_into_virtio);
	}
	machine->nb_devices++;
}

static void
count_group(struct machine_reading *reading, const char *folder, const char *name)
{
	(void)folder;
	(void)name;
	reading->machine->nb_iommu_groups++;
}

void
machine_read_devices(struct machine_reading *reading)
{
	struct machine *machine = reading->machine;
	char *text;

	machine_folder(reading, "/sys/class/net", read_interface);
	machine_folder(reading, "/sys/bus/pci/devices", read_device);
	machine_folder(reading, "/sys/kernel/iommu_groups", count_group);
	machine->has_vfio_pci = machine_exists(reading, "/sys/bus/pci/drivers/vfio-pci");
	machine->has_uio_pci = machine_exists(reading, "/sys/bus/pci/drivers/uio_pci_generic") ||
		machine_exists(reading, "/sys/bus/pci/drivers/igb_uio");
	text = machine_text(reading, "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode");
	machine->has_noiommu = text != NULL && (*text == 'Y' || *text == '1');
}
