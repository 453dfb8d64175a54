/* SPDX-License-Identifier: BSD-3-Clause */
/* The live data plane is set up on ports that spread connections by a hash, as a NIC does: what happens
 * when such a device refuses the symmetric key, whether tables and packet buffers are looked at for the
 * node they lie on, and whether workers of one table share what they learn, and what ports count. The port is DPDK's net_null; the calls below, which take the place of DPDK's own
 * in this program, make it look like a NIC with RSS. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mempool.h>

#include "live_private.h"
#include "rss.h"

enum { PORTS = 8, WORKERS = 2, SKIPPED = 77 };

static struct machine machine; /* of one node, whatever this host is */

/* ---- a NIC with RSS ---- */

static struct {
	bool refuses_configuration;
	bool refuses_start;
	bool keeps_own_key;
	bool has_set_key;
	unsigned stops;
	struct rte_eth_stats stats; /* beside what is in fact counted, which is nothing */
	bool is_mute;
	unsigned readings;
} nic;

static void *
next_of(const char *name)
{
	void *next = dlsym(RTLD_NEXT, name);

	if (next == NULL)
		abort();
	return next;
}

int
rte_eth_dev_info_get(uint16_t port_id, struct rte_eth_dev_info *dev_info)
{
	int (*next)(uint16_t, struct rte_eth_dev_info *) = next_of("rte_eth_dev_info_get");
	int rc = next(port_id, dev_info);

	dev_info->flow_type_rss_offloads |= RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP;
	dev_info->hash_key_size = 40;
	dev_info->reta_size = 128;
	return rc;
}

int
rte_eth_dev_configure(uint16_t port_id, uint16_t nb_rx_queue, uint16_t nb_tx_queue,
	const struct rte_eth_conf *eth_conf)
{
	int (*next)(uint16_t, uint16_t, uint16_t, const struct rte_eth_conf *) = next_of(
		"rte_eth_dev_configure");
	struct rte_eth_conf conf = *eth_conf;

	nic.has_set_key = conf.rxmode.mq_mode == RTE_ETH_MQ_RX_RSS;
	if (nic.has_set_key && nic.refuses_configuration)
		return -EINVAL;
	conf.rxmode.mq_mode = RTE_ETH_MQ_RX_NONE;
	memset(&conf.rx_adv_conf, 0, sizeof(conf.rx_adv_conf));
	return next(port_id, nb_rx_queue, nb_tx_queue, &conf);
}

int
rte_eth_dev_start(uint16_t port_id)
{
	int (*next)(uint16_t) = next_of("rte_eth_dev_start");

	return nic.has_set_key && nic.refuses_start ? -EIO : next(port_id);
}

int
rte_eth_dev_stop(uint16_t port_id)
{
	int (*next)(uint16_t) = next_of("rte_eth_dev_stop");

	nic.stops++;
	return next(port_id);
}

int
rte_eth_stats_get(uint16_t port_id, struct rte_eth_stats *stats)
{
	(void)port_id;
	nic.readings++;
	if (nic.is_mute)
		return -EIO;
	*stats = nic.stats;
	return 0;
}

int
rte_eth_dev_rss_hash_conf_get(uint16_t port_id, struct rte_eth_rss_conf *rss_conf)
{
	(void)port_id;
	rss_conf->rss_hf = RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP;
	rss_symmetric_key(rss_conf->rss_key, rss_conf->rss_key_len);
	if (nic.keeps_own_key)
		rss_conf->rss_key[7] ^= 1;
	return 0;
}

int
rte_eth_dev_rss_reta_update(uint16_t port_id, struct rte_eth_rss_reta_entry64 *reta_conf,
	uint16_t reta_size)
{
	(void)port_id;
	(void)reta_conf;
	return reta_size == 128 ? 0 : -EINVAL;
}

/* ---- DPDK, once; a port can be closed only once, so each test has one of its own ---- */

static bool
start_dpdk(void)
{
	static char words[] = "test_live_setup --lcores 0@0,1@0,2@0 --no-huge --no-shconf -m 256 "
			      "--no-pci --no-telemetry --log-level=*:critical";
	static char texts[PORTS][32];
	static char prefix[32];
	char *arguments[64];
	int count = 0;

	for (char *word = strtok(words, " "); word != NULL; word = strtok(NULL, " "))
		arguments[count++] = word;
	for (unsigned i = 0; i < PORTS; i++) {
		snprintf(texts[i], sizeof(texts[i]), "--vdev=net_null%u,no-rx=1", i);
		arguments[count++] = texts[i];
	}
	snprintf(prefix, sizeof(prefix), "--file-prefix=jabiru-unit-%d", getpid());
	arguments[count++] = prefix;
	arguments[count] = NULL;
	return rte_eal_init(count, arguments) >= 0;
}

static void
stop_dpdk(void)
{
	char folder[256];

	snprintf(folder, sizeof(folder), "%s", rte_eal_get_runtime_dir());
	rte_eal_cleanup();
	(void)rmdir(folder);
}

/* A configuration with what it leads to. */
struct setting {
	struct jbr_config config;
	struct live_plan plan;
	struct live_params params;
	struct live *live;
	struct jbr_buffer notes;
	struct jbr_error error;
};

static struct setting *
setting_of(unsigned port, unsigned steering)
{
	static struct setting setting;
	struct live_port_plan *planned = &setting.plan.ports[0];

	memset(&setting, 0, sizeof(setting));
	memset(&nic, 0, sizeof(nic));
	jbr_config_defaults(&setting.config);
	setting.config.flow_capacity = 4096;
	setting.config.worker_steering = steering;
	setting.plan.nb_ports = 1;
	setting.plan.nb_workers = WORKERS;
	setting.params = (struct live_params){.config = &setting.config,
		.plan = &setting.plan,
		.machine = &machine};
	snprintf(planned->name, sizeof(planned->name), "net_null%u", port);
	planned->device = planned->name;
	planned->frame_bytes = 1500;
	planned->rx_descriptors = 256;
	planned->node = MACHINE_NODE_UNKNOWN;
	return &setting;
}

static int
create_and_start(struct setting *setting)
{
	int rc = live_create(&setting->params, &setting->live, &setting->notes, &setting->error);

	if (rc == 0)
		rc = live_start(setting->live, &setting->notes, &setting->error);
	jbr_buffer_append(&setting->notes, "", 1);
	return rc;
}

static void
end(struct setting *setting)
{
	live_free(setting->live);
	jbr_buffer_fini(&setting->notes);
}

/* It runs with that steering, stops, and all adds up. */
static void
expect_run(struct setting *setting, const char *steering, bool is_loud)
{
	static struct live_report report;
	struct jbr_error error;
	int rc = create_and_start(setting);

	if (rc != 0)
		fail_msg("%d: %s", rc, setting->error.text);
	assert_true(live_drain(setting->live, NULL, NULL));
	live_report(setting->live, &report);
	assert_string_equal(report.steering, steering);
	assert_int_equal(report.ports[0].queues, WORKERS);
	assert_int_equal(live_report_check(&report, true, &error), 0);
	assert_int_equal(strstr(setting->notes.data, "SOFTWARE STEERING: ") != NULL, is_loud);
	assert_int_equal(strstr(setting->notes.data,
				 " did not take the symmetric hash key or the table of queues\n") !=
			NULL,
		is_loud);
	end(setting);
}

/* ---- steering ---- */

static void
key_is_taken(void **state)
{
	(void)state;
	expect_run(setting_of(0, JBR_VALUE_steering_AUTO), "rss", false);
	assert_true(nic.has_set_key);
}

static void
key_reads_back_otherwise(void **state)
{
	struct setting *setting = setting_of(1, JBR_VALUE_steering_AUTO);

	(void)state;
	nic.keeps_own_key = true;
	expect_run(setting, "software", true);
	assert_false(nic.has_set_key); /* the last time */
	assert_int_equal(nic.stops, 2);
}

static void
key_is_refused(void **state)
{
	struct setting *setting = setting_of(2, JBR_VALUE_steering_AUTO);

	(void)state;
	nic.refuses_configuration = true;
	expect_run(setting, "software", true);
	setting = setting_of(3, JBR_VALUE_steering_AUTO);
	nic.refuses_start = true;
	expect_run(setting, "software", true);
}

/* Who asks for RSS by name gets it or an end. */
static void
rss_is_asked_for(void **state)
{
	struct setting *setting = setting_of(4, JBR_VALUE_steering_RSS);

	(void)state;
	nic.keeps_own_key = true;
	assert_int_equal(create_and_start(setting), -ENOTSUP);
	assert_string_equal(setting->error.text,
		"worker.steering: rss, but net_null4 did not take the symmetric hash key or the "
		"table of queues; set it to software or auto");
	end(setting);
}

/* ---- counts of ports ---- */

static void
expect_counts(struct live *live, uint64_t received, uint64_t missed)
{
	static struct live_report report;
	unsigned readings = nic.readings;

	live_report(live, &report);
	assert_int_equal(report.ports[0].received, received);
	assert_int_equal(report.ports[0].missed, missed);
	assert_string_equal(report.ports[0].device, "net_null7");
	assert_int_equal(nic.readings, readings);
}

/* They are read when that is asked for and at the end, from what they were at the start, and what a device
 * does not tell stays as it was. */
static void
ports_are_read(void **state)
{
	struct setting *setting = setting_of(7, JBR_VALUE_steering_AUTO);

	(void)state;
	nic.stats = (struct rte_eth_stats){.ipackets = 1000, .imissed = 10};
	if (create_and_start(setting) != 0)
		fail_msg("%s", setting->error.text);
	expect_counts(setting->live, 0, 0);
	nic.stats = (struct rte_eth_stats){.ipackets = 1007, .imissed = 12};
	expect_counts(setting->live, 0, 0);
	live_read_ports(setting->live);
	expect_counts(setting->live, 7, 2);
	nic.is_mute = true;
	live_read_ports(setting->live);
	expect_counts(setting->live, 7, 2);
	nic.is_mute = false;
	nic.stats.imissed = 15;
	(void)live_drain(setting->live, NULL, NULL);
	expect_counts(setting->live, 7, 5);
	end(setting);
}

/* ---- what shards learn ---- */

/* Show the tuple with that client port twice, 1 ms apart; the second time a copy where one is believed. */
static enum jbr_copy
show_twice(struct jbr_flow_table *table, uint16_t client_port, uint16_t ip_id, unsigned *ret_shard)
{
	struct jbr_packet packet = {.kind = JBR_PACKET_TCP,
		.ip_version = 4,
		.ttl = 64,
		.ip_id = ip_id,
		.src_port = client_port,
		.dst_port = 443,
		.flags = 0x10,
		.seq = 1,
		.ack = 1};
	struct jbr_frame frame = {.time_ns = JBR_NS_PER_S};
	struct jbr_flow_probe probe;
	struct jbr_flow_shard *shard;

	jbr_flow_locate(table, &packet, &probe);
	*ret_shard = probe.shard;
	shard = jbr_flow_shard_at(table, probe.shard);
	(void)jbr_flow_check_copy(shard, &probe, &packet, &frame, true);
	frame.time_ns += JBR_NS_PER_MS;
	return jbr_flow_check_copy(shard, &probe, &packet, &frame, true);
}

/* Workers that share a table do so: what one saw of a tap's copies, another knows. */
static void
lag_is_shared(void **state)
{
	struct setting *setting = setting_of(6, JBR_VALUE_steering_SOFTWARE);
	struct jbr_flow_table *table;
	unsigned seen_in, shard;
	uint16_t client_port = 1000;

	(void)state;
	assert_int_equal(live_create(&setting->params, &setting->live, &setting->notes,
				 &setting->error),
		0);
	table = setting->live->tables[0];
	/* in a shard of the worker that does not merge; no worker runs yet */
	do
		assert_int_equal(show_twice(table, ++client_port, 77, &seen_in),
			JBR_COPY_DUPLICATE);
	while (seen_in % WORKERS == 0);
	do
		assert_int_equal(show_twice(table, ++client_port, 0, &shard), JBR_COPY_NOT);
	while (shard % WORKERS != 0);
	assert_int_equal(live_start(setting->live, &setting->notes, &setting->error), 0);
	assert_true(live_drain(setting->live, NULL, NULL));
	do
		assert_int_equal(show_twice(table, ++client_port, 0, &shard), JBR_COPY_DUPLICATE);
	while (shard % WORKERS != 0);
	end(setting);
}

/* ---- placement: a host of two nodes, where CPU 0 is on the first ---- */

static const char *far_memory;
static size_t far_length;

static int
fake_nb_nodes(void)
{
	return 2;
}

static int
fake_node_of_cpu(int cpu)
{
	return cpu == 0 ? 0 : -EINVAL;
}

static int
fake_distance(int from, int to)
{
	return from == to ? 10 : 21;
}

static int
fake_nodes_of_pages(const void *const *pages, size_t count, int *ret_nodes)
{
	for (size_t i = 0; i < count; i++) {
		const char *page = pages[i];

		ret_nodes[i] = far_memory != NULL && page >= far_memory &&
			page < far_memory + far_length;
	}
	return 0;
}

static const struct numa_ops fake = {
	.nb_nodes = fake_nb_nodes,
	.node_of_cpu = fake_node_of_cpu,
	.distance = fake_distance,
	.nodes_of_pages = fake_nodes_of_pages,
};

/* Said as a note, and with numa.strict as an error. @param text  NULL = nothing is said */
static void
expect_far(struct live *live, const void *memory, size_t length, const char *text)
{
	struct jbr_buffer said = {0};
	struct jbr_error error = {0};
	int rc;

	far_memory = memory;
	far_length = length;
	live->config.numa_strict = false;
	assert_int_equal(live_check_placement(&fake, live, &said, &error), 0);
	jbr_buffer_append(&said, "", 1);
	if (text == NULL ? said.data[0] != '\0' : strncmp(said.data, text, strlen(text)) != 0)
		fail_msg("'%s'", said.data);
	jbr_buffer_fini(&said);
	live->config.numa_strict = true;
	rc = live_check_placement(&fake, live, &said, &error);
	assert_int_equal(said.length, 0);
	jbr_buffer_fini(&said);
	if (text == NULL) {
		assert_int_equal(rc, 0);
		return;
	}
	assert_int_equal(rc, -EXDEV);
	assert_ptr_equal(strstr(error.text, "numa.strict: "), error.text);
	assert_memory_equal(error.text + strlen("numa.strict: "), text, strcspn(text, "\n"));
	assert_null(strchr(error.text, '\n'));
	assert_non_null(strstr(error.text, "; set worker.cpus to CPUs of one node"));
}

static void
far_memory_is_told(void **state)
{
	struct setting *setting = setting_of(5, JBR_VALUE_steering_AUTO);
	const struct rte_mempool_memhdr *piece;
	struct live *live;

	(void)state;
	assert_int_equal(live_create(&setting->params, &setting->live, &setting->notes,
				 &setting->error),
		0);
	live = setting->live;
	expect_far(live, NULL, 0, NULL);
	expect_far(live, live->tables[0], jbr_flow_table_bytes(live->tables[0]),
		"worker 0: of its connection table, 64 of 64 pages looked at are on NUMA node 1; "
		"its CPU 0 is on node 0 (distance 21, 10 is local)\n");
	expect_far(live, live->tables[1], jbr_flow_table_bytes(live->tables[1]),
		"worker 1: of its connection table, 64 of 64 pages");
	piece = STAILQ_FIRST(&live->pools[1]->mem_list);
	expect_far(live, piece->addr, piece->len,
		"worker 1: of its packet buffers, 64 of 64 pages");
	expect_far(live, live->loops[0]->worker, sizeof(struct worker),
		"worker 0: of its own memory, ");
	end(setting);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(key_is_taken),
		cmocka_unit_test(key_reads_back_otherwise),
		cmocka_unit_test(key_is_refused),
		cmocka_unit_test(rss_is_asked_for),
		cmocka_unit_test(ports_are_read),
		cmocka_unit_test(lag_is_shared),
		cmocka_unit_test(far_memory_is_told),
	};
	int failed;

	machine.online.bits[0] = machine.allowed.bits[0] = 1;
	machine.nodes = 1;
	if (!start_dpdk()) {
		fprintf(stderr, "DPDK does not start here\n");
		return SKIPPED;
	}
	failed = cmocka_run_group_tests_name("live setup", tests, NULL, NULL);
	stop_dpdk();
	return failed;
}
