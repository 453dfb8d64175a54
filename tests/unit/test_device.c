/* SPDX-License-Identifier: BSD-3-Clause */
/* Device strings of ports, and what a made-up host lacks to open them. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "device.h"
#include "host_tree.h"

static void
kinds(void **state)
{
	static const struct {
		const char *text;
		enum device_kind kind;
		const char *interface;
	} rows[] = {
		{"0000:03:00.0", DEVICE_PCI, ""},
		{"03:00.0", DEVICE_PCI, ""},
		{"aF:1f.7,txq_inline=0", DEVICE_PCI, ""},
		{"0000:03:00", DEVICE_UNKNOWN, ""},
		{"0000:03:00.0.0", DEVICE_UNKNOWN, ""},
		{"g3:00.0", DEVICE_UNKNOWN, ""},
		{"net_af_packet0,iface=eth0", DEVICE_AF_PACKET, "eth0"},
		{"net_af_packet_tap,blocksz=4096,iface=veth1,qpairs=1", DEVICE_AF_PACKET, "veth1"},
		{"net_af_packet0", DEVICE_AF_PACKET, ""},
		{"net_af_packet0,xiface=eth0", DEVICE_AF_PACKET, ""},
		{"net_af_xdp0,iface=eth1", DEVICE_AF_XDP, "eth1"},
		{"net_tap0,iface=dtap0", DEVICE_TAP, ""},
		{"net_tap0,remote=eth3", DEVICE_TAP, "eth3"},
		{"net_pcap0,iface=eth0", DEVICE_PCAP, "eth0"},
		{"net_pcap0,rx_iface=eth2,tx_iface=eth1", DEVICE_PCAP, "eth2"},
		{"net_pcap0,rx_pcap=x", DEVICE_PCAP, ""},
		{"net_ring0", DEVICE_VDEV, ""},
		{"net_null0", DEVICE_VDEV, ""},
		{"eth0", DEVICE_UNKNOWN, ""},
		{"", DEVICE_UNKNOWN, ""},
		{",", DEVICE_UNKNOWN, ""},
	};

	(void)state;
	for (size_t i = 0; i < JBR_COUNT_OF(rows); i++) {
		struct device device;

		device_parse(rows[i].text, &device);
		if (device.kind != rows[i].kind || strcmp(device.interface, rows[i].interface) != 0)
			fail_msg("'%s': kind %d, interface '%s'", rows[i].text, device.kind,
				device.interface);
	}
}

/* what and fix NULL: it opens */
static void
assert_check(const struct machine *machine, const char *text, const char *what, const char *fix)
{
	struct jbr_buffer said = {0}, mends = {0};
	bool opens = device_check(machine, text, &said, &mends);

	jbr_buffer_append(&said, "", 1);
	jbr_buffer_append(&mends, "", 1);
	assert_int_equal(opens, what == NULL);
	assert_string_equal(said.data, what == NULL ? "" : what);
	assert_string_equal(mends.data, fix == NULL ? "" : fix);
	jbr_buffer_fini(&said);
	jbr_buffer_fini(&mends);
}

static void
what_opens(void **state)
{
	struct host_tree tree;
	struct machine *machine;

	(void)state;
	host_tree_make(&tree);
	machine = host_tree_read(&tree);
	assert_check(machine, "0000:81:00.0", NULL, NULL);
	assert_check(machine, "81:00.0,x=1", NULL, NULL);
	assert_check(machine, "0000:03:00.0",
		"0000:03:00.0 belongs to the kernel driver i40e as eth0, which the kernel loses "
		"when "
		"it is taken",
		"modprobe vfio-pci && dpdk-devbind.py --bind=vfio-pci 0000:03:00.0");
	assert_check(machine, "82:00.0", "0000:82:00.0 is bound to no driver",
		"modprobe vfio-pci && dpdk-devbind.py --bind=vfio-pci 0000:82:00.0");
	assert_check(machine, "0000:77:00.0,x",
		"no network controller at PCI address '0000:77:00.0'; there are 0000:03:00.0, "
		"0000:81:00.0, 0000:82:00.0",
		"name one of these under ports, or a vdev");
	assert_check(machine, "net_af_packet0,iface=eth0", NULL, NULL);
	assert_check(machine, "net_af_packet0,iface=eth9",
		"no interface 'eth9'; there are eth0, veth0",
		"name one of these as iface=, or make it with `ip link add`");
	assert_check(machine, "net_af_packet0",
		"'net_af_packet0' does not say which interface to read",
		"write net_af_packet0,iface=eth0");
	assert_check(machine, "net_pcap0,rx_pcap=/nonexistent",
		"cannot read the capture '/nonexistent'", "name a file that exists as rx_pcap=");
	assert_check(machine, "net_pcap0,rx_pcap=/dev/null", NULL, NULL);
	assert_check(machine, "net_ring0", NULL, NULL);
	assert_check(machine, "eth0", "'eth0' is neither a PCI address nor the name of a vdev",
		"write 0000:03:00.0, or net_af_packet0,iface=eth0");
	assert_int_equal(device_node(machine, "81:00.0"), 1);
	assert_int_equal(device_node(machine, "net_af_packet0,iface=eth0"), 0);
	assert_int_equal(device_node(machine, "net_af_packet0,iface=veth0"), MACHINE_NODE_UNKNOWN);
	assert_int_equal(device_node(machine, "net_null0"), MACHINE_NODE_UNKNOWN);
	machine_free(machine);

	/* without an IOMMU */
	host_remove(&tree, "/sys/kernel/iommu_groups");
	host_remove(&tree, "/sys/bus/pci/devices/0000:81:00.0/iommu_group");
	machine = host_tree_read(&tree);
	assert_check(machine, "81:00.0", "0000:81:00.0 is bound to vfio-pci, but there is no IOMMU",
		"echo 1 > /sys/module/vfio/parameters/enable_unsafe_noiommu_mode, or boot with "
		"intel_iommu=on iommu=pt");
	assert_check(machine, "82:00.0", "0000:82:00.0 is bound to no driver",
		"modprobe vfio-pci && echo 1 > "
		"/sys/module/vfio/parameters/enable_unsafe_noiommu_mode && dpdk-devbind.py "
		"--bind=vfio-pci 0000:82:00.0");
	machine_free(machine);
	host_write(&tree, "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode", "Y\n");
	host_link(&tree, "/sys/bus/pci/devices/0000:03:00.0/driver", "drivers/mlx5_core");
	machine = host_tree_read(&tree);
	assert_check(machine, "81:00.0", NULL, NULL);
	assert_check(machine, "03:00.0", NULL, NULL); /* works beside the kernel's driver */
	machine_free(machine);
	host_tree_remove(&tree);
}

static void
assert_command(const struct machine *machine, int node, uint64_t bytes, const char *command)
{
	struct jbr_buffer text = {0};

	device_hugepages_command(machine, node, bytes, &text);
	jbr_buffer_append(&text, "", 1);
	assert_string_equal(text.data, command);
	jbr_buffer_fini(&text);
}

static void
hugepages_commands(void **state)
{
	struct host_tree tree;
	struct machine *machine;

	(void)state;
	host_tree_make(&tree);
	machine = host_tree_read(&tree);
	/* 12 pages of node 0 are in use */
	assert_command(machine, 0, UINT64_C(1000) << 21,
		"echo 1012 > "
		"/sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages");
	assert_command(machine, 1, (UINT64_C(1000) << 21) + 1,
		"echo 1001 > "
		"/sys/devices/system/node/node1/hugepages/hugepages-2048kB/nr_hugepages");
	assert_command(machine, MACHINE_NODE_UNKNOWN, 1 << 21,
		"echo 13 > /sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages");
	machine_free(machine);
	host_tree_remove(&tree);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds),
		cmocka_unit_test(what_opens),
		cmocka_unit_test(hugepages_commands),
	};

	return cmocka_run_group_tests_name("device", tests, NULL, NULL);
}
