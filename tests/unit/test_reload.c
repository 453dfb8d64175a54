/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "reload.h"

static struct jbr_config running;
static struct jbr_config fresh;

static void
expect(const char *taken, const char *kept)
{
	struct reload reload;

	reload_merge(&running, &fresh, &reload);
	jbr_buffer_append(&reload.taken, "", 1);
	jbr_buffer_append(&reload.kept, "", 1);
	assert_string_equal(reload.taken.data, taken);
	assert_string_equal(reload.kept.data, kept);
	reload_fini(&reload);
}

static int
defaults(void **state)
{
	(void)state;
	jbr_config_defaults(&running);
	jbr_config_defaults(&fresh);
	return 0;
}

static void
nothing_new(void **state)
{
	(void)state;
	memset(running.sensor_name, 'x', sizeof(running.sensor_name)); /* beyond its end */
	running.sensor_name[0] = '\0';
	expect("", "");
}

static void
taken(void **state)
{
	(void)state;
	fresh.timeout_half_open_s = 77;
	fresh.event_interval_s = 3;
	fresh.output_flow_log = JBR_VALUE_flow_log_OFF;
	fresh.anomaly_enabled[JBR_ANOM_LAND_ATTACK] = false;
	fresh.anomaly_action[JBR_ANOM_LAND_ATTACK] = JBR_ACTION_COUNT;
	fresh.params.ip_low_ttl_floor++;
	expect("output.flow_log, timeout.half_open_s, event.interval_s, ip_low_ttl.floor, "
	       "land_attack.enabled, land_attack.action",
		"");
	assert_memory_equal(&running, &fresh, sizeof(running));
	expect("", "");
}

static void
kept(void **state)
{
	struct jbr_config before = running;

	(void)state;
	fresh.flow_capacity *= 2;
	fresh.packet_vlan_in_tuple = true;
	strcpy(fresh.worker_cpus, "1-3");
	fresh.ports_count = 1;
	strcpy(fresh.ports[0].device, "net_null0");
	expect("", "packet.vlan_in_tuple, flow.capacity, worker.cpus, ports");
	assert_memory_equal(&running, &before, sizeof(running));

	/* of a list, any key of any entry */
	running.ports_count = 1;
	running.ports[0] = fresh.ports[0];
	fresh.ports[0].queues = 2;
	fresh.timeout_reset_s = 9;
	expect("timeout.reset_s", "packet.vlan_in_tuple, flow.capacity, worker.cpus, ports");
	assert_int_equal(running.ports[0].queues, 0);
	assert_int_equal(running.timeout_reset_s, 9);
}

/* Every key is either taken or kept, and named. */
static void
every_key(void **state)
{
	(void)state;
	for (size_t i = 0; i < jbr_keys_count; i++) {
		const struct jbr_key_info *key = &jbr_keys[i];
		uint8_t *field = (uint8_t *)&fresh + key->offset;
		struct reload reload;

		field[0] ^= 1;
		reload_merge(&running, &fresh, &reload);
		assert_int_equal(reload.nb_taken + reload.nb_kept, 1);
		assert_int_equal(reload.nb_taken, jbr_key_reloads(key));
		assert_int_equal(((uint8_t *)&running)[key->offset] == field[0],
			jbr_key_reloads(key));
		reload_fini(&reload);
		running = fresh;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(nothing_new, defaults),
		cmocka_unit_test_setup(taken, defaults),
		cmocka_unit_test_setup(kept, defaults),
		cmocka_unit_test_setup(every_key, defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
