/* SPDX-License-Identifier: BSD-3-Clause */
/* Ports: would they open, may we open them, do they show what was on the wire. */
#include <linux/capability.h>
#include <stdio.h>

#include "device.h"
#include "doctor_private.h"

/* What opening a kind of port takes. */
static const struct {
	enum device_kind kind;
	unsigned capability;
	const char *name;
	enum doctor_status status; /* when it is missing */
	const char *why;
} rights[] = {
	{DEVICE_AF_PACKET, CAP_NET_RAW, "cap_net_raw", DOCTOR_FAIL, "to open a packet socket"},
	{DEVICE_AF_PACKET, CAP_NET_ADMIN, "cap_net_admin", DOCTOR_WARN,
		"to see frames that are addressed to others (promiscuous)"},
	{DEVICE_AF_XDP, CAP_NET_RAW, "cap_net_raw", DOCTOR_FAIL, "to open an AF_XDP socket"},
	{DEVICE_AF_XDP, CAP_NET_ADMIN, "cap_net_admin", DOCTOR_FAIL,
		"to attach a program to the interface"},
	{DEVICE_AF_XDP, CAP_BPF, "cap_bpf", DOCTOR_FAIL, "to load that program"},
	{DEVICE_TAP, CAP_NET_ADMIN, "cap_net_admin", DOCTOR_FAIL, "to make the interface"},
	{DEVICE_PCI, CAP_IPC_LOCK, "cap_ipc_lock", DOCTOR_WARN,
		"to lock the NIC's memory beyond the limit"},
	{DEVICE_PCI, CAP_SYS_RAWIO, "cap_sys_rawio", DOCTOR_WARN,
		"with a uio driver or without an IOMMU: to reach the NIC's registers"},
	{DEVICE_PCI, CAP_SYS_ADMIN, "cap_sys_admin", DOCTOR_WARN,
		"with a uio driver or without an IOMMU: to learn physical addresses"},
};

static bool
wants(const struct jbr_config *config, enum device_kind kind)
{
	for (uint32_t i = 0; i < config->ports_count; i++) {
		struct device device;

		device_parse(config->ports[i].device, &device);
		/* libpcap opens the same sockets */
		if (device.kind == kind ||
			(kind == DEVICE_AF_PACKET && device.kind == DEVICE_PCAP &&
				device.interface[0] != '\0'))
			return true;
	}
	return false;
}

static bool
is_missing(const struct doctor_visit *visit, size_t right)
{
	const struct machine *machine = visit->machine;

	/* CAP_SYS_ADMIN was CAP_BPF's predecessor and still stands in for it */
	return wants(visit->config, rights[right].kind) &&
		!machine_has_capability(machine, rights[right].capability) &&
		(rights[right].capability != CAP_BPF ||
			!machine_has_capability(machine, CAP_SYS_ADMIN));
}

static void
examine_rights(struct doctor_visit *visit)
{
	struct doctor_finding *finding;
	char words[256] = "";

	if (!visit->machine->has_capabilities) {
		finding = doctor_find(visit, "capabilities", DOCTOR_WARN, NULL);
		doctor_what(finding, "/proc/self/status does not say which this process has");
		doctor_fix(finding, "mount /proc");
		return;
	}
	/* setcap replaces what was set before, so every fix names them all */
	for (size_t i = 0; i < JBR_COUNT_OF(rights); i++)
		if (is_missing(visit, i) && strstr(words, rights[i].name) == NULL)
			(void)snprintf(words + strlen(words), sizeof(words) - strlen(words), "%s%s",
				words[0] == '\0' ? "" : ",", rights[i].name);
	for (size_t i = 0; i < JBR_COUNT_OF(rights); i++) {
		if (!is_missing(visit, i))
			continue;
		finding = doctor_find(visit, "capabilities", rights[i].status, rights[i].why);
		doctor_what(finding, "this process lacks %s", rights[i].name);
		doctor_fix(finding, "run as root, or setcap %s+ep $(command -v jabiru)", words);
	}
	if (words[0] == '\0')
		doctor_what(doctor_find(visit, "capabilities", DOCTOR_OK, NULL),
			visit->config->ports_count == 0 ? "no port is configured that needs any"
							: "all that the ports need");
}

/* The kernel's interface under a port: what it does to frames before we see them. */
static void
examine_interface(struct doctor_visit *visit, const struct machine_interface *interface)
{
	struct jbr_buffer words = {0}, command = {0};
	struct doctor_finding *finding;

	if (!interface->is_up) {
		finding = doctor_find(visit, "interface", DOCTOR_WARN, "nothing arrives there");
		doctor_what(finding, "%s is down", interface->name);
		doctor_fix(finding, "ip link set dev %s up", interface->name);
	}
	if (!interface->offloads.is_known) {
		finding = doctor_find(visit, "offloads", DOCTOR_WARN, NULL);
		doctor_what(finding, "%s does not say which it has", interface->name);
		return;
	}
	if (!device_offloads(interface, &words, &command)) {
		doctor_what(doctor_find(visit, "offloads", DOCTOR_OK, NULL), "%s has none on",
			interface->name);
		return;
	}
	finding = doctor_find(visit, "offloads", DOCTOR_WARN,
		"segments are merged, checksums unfinished or VLAN tags gone before they are seen, "
		"so they are not those of the wire");
	doctor_what(finding, "%s (%s) has%.*s on", interface->name,
		interface->driver[0] == '\0' ? "driver not known" : interface->driver,
		(int)words.length, words.data);
	doctor_take(finding->fix, &command);
	jbr_buffer_fini(&words);
}

static void
examine_port(struct doctor_visit *visit, uint32_t at)
{
	const struct live_problem *problem = doctor_problem_of(visit, LIVE_PART_PORT, at);
	const char *name = visit->config->ports[at].device;
	struct device device;

	if (problem != NULL) {
		doctor_find_problem(visit, "port", problem);
		return;
	}
	doctor_what(doctor_find(visit, "port", DOCTOR_OK, NULL), "%s can be opened", name);
	device_parse(name, &device);
	if (device.interface[0] != '\0')
		examine_interface(visit, machine_interface_find(visit->machine, device.interface));
}

/* A host without ports to look at: what could be one. */
static void
list_ports(struct doctor_visit *visit)
{
	const struct machine *machine = visit->machine;
	struct jbr_buffer text = {0};
	struct doctor_finding *finding;

	jbr_buffer_format(&text, "none is configured; this host has");
	for (uint32_t i = 0; i < machine->nb_interfaces; i++)
		jbr_buffer_format(&text, " %s", machine->interfaces[i].name);
	for (uint32_t i = 0; i < machine->nb_devices; i++)
		jbr_buffer_format(&text, " %s", machine->devices[i].address);
	if (machine->nb_interfaces + machine->nb_devices == 0)
		jbr_buffer_format(&text, " none that could be one");
	finding = doctor_find(visit, "port", DOCTOR_OK, NULL);
	doctor_take(finding->what, &text);
}

static void
examine_drivers(struct doctor_visit *visit)
{
	const struct machine *machine = visit->machine;
	bool has_pci = wants(visit->config, DEVICE_PCI);
	struct doctor_finding *finding;

	if (!machine->has_vfio_pci && !machine->has_uio_pci) {
		finding = doctor_find(visit, "vfio", has_pci ? DOCTOR_WARN : DOCTOR_OK,
			"a NIC that the kernel's driver does not share needs it");
		doctor_what(finding, "neither vfio-pci nor a uio driver is loaded%s",
			has_pci ? "" : "; no port needs one");
		if (has_pci)
			doctor_fix(finding, "modprobe vfio-pci");
	} else {
		doctor_what(doctor_find(visit, "vfio", DOCTOR_OK, NULL), "%s is loaded",
			machine->has_vfio_pci ? "vfio-pci" : "a uio driver");
	}
	if (machine->nb_iommu_groups > 0 || machine->has_noiommu || !has_pci) {
		doctor_what(doctor_find(visit, "iommu", DOCTOR_OK, NULL), "%s",
			machine->nb_iommu_groups > 0   ? "there"
				: machine->has_noiommu ? "none; vfio may do without (no-IOMMU mode)"
						       : "none; no port needs one");
		return;
	}
	finding = doctor_find(visit, "iommu", DOCTOR_WARN,
		"vfio-pci refuses NICs without one, unless it is told to do without");
	doctor_what(finding, "none");
	doctor_fix(finding,
		"boot with intel_iommu=on iommu=pt, or echo 1 > "
		"/sys/module/vfio/parameters/enable_unsafe_noiommu_mode");
}

/* Files of DPDK programs that are gone. */
static void
examine_leftovers(struct doctor_visit *visit)
{
	const struct machine *machine = visit->machine;
	struct doctor_finding *finding;
	bool is_fine = true;

	for (uint32_t i = 0; i < machine->nb_leftovers; i++) {
		const struct machine_leftover *left = &machine->leftovers[i];
		bool is_ours = strcmp(left->prefix, visit->config->memory_file_prefix) == 0;

		if (left->is_running && !is_ours)
			continue;
		if (left->is_private) {
			finding = doctor_find(visit, "leftovers", DOCTOR_WARN, NULL);
			doctor_what(finding,
				"whether the files of prefix '%s' are in use, only their "
				"owner can see",
				left->prefix);
			doctor_fix(finding, "sudo jabiru doctor");
			is_fine = false;
			continue;
		}
		is_fine = false;
		if (left->is_running) {
			finding = doctor_find(visit, "leftovers", DOCTOR_FAIL, NULL);
			doctor_what(finding, "a DPDK program runs under our file prefix '%s'",
				left->prefix);
			doctor_fix(finding, "end it, or memory.file_prefix: another word");
			continue;
		}
		finding = doctor_find(visit, "leftovers", DOCTOR_WARN,
			left->nb_pages > 0 ? "they keep hugepages in use" : "they take memory");
		doctor_what(finding,
			"files of a DPDK program that ended: prefix '%s', %u page files",
			left->prefix, left->nb_pages);
		doctor_fix(finding, "rm -rf%s%s%s%s%s%s", left->folder[0] == '\0' ? "" : " ",
			left->folder, left->pages[0] == '\0' ? "" : " ", left->pages,
			left->pages[0] == '\0' ? "" : "/",
			left->pages[0] == '\0' ? "" : left->prefix);
		if (left->pages[0] != '\0' && strlen(finding->fix) + 6 < sizeof(finding->fix))
			strcat(finding->fix, "map_*");
	}
	if (is_fine)
		doctor_what(doctor_find(visit, "leftovers", DOCTOR_OK, NULL),
			"no files of DPDK programs that ended");
}

void
doctor_examine_ports(struct doctor_visit *visit)
{
	const struct jbr_config *config = visit->config;

	examine_rights(visit);
	examine_drivers(visit);
	for (uint32_t i = 0; i < config->ports_count; i++)
		examine_port(visit, i);
	if (config->ports_count == 0)
		list_ports(visit);
	examine_leftovers(visit);
}
