/* SPDX-License-Identifier: BSD-3-Clause */
#include "telemetry.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_telemetry.h>
#include <rte_version.h>

#include "jbr_shm.h"

static char path[PATH_MAX];

static void
add_value(struct rte_tel_data *data, const char *name, uint64_t value)
{
#if RTE_VERSION >= RTE_VERSION_NUM(23, 11, 0, 0)
	(void)rte_tel_data_add_dict_uint(data, name, value);
#else
	(void)rte_tel_data_add_dict_u64(data, name, value);
#endif
}

static int
families(const char *command, const char *params, struct rte_tel_data *data)
{
	struct jbr_shm *shm;

	(void)command;
	(void)params;
	if (jbr_shm_open(path, &shm, NULL) < 0)
		return -1;
	rte_tel_data_start_array(data, RTE_TEL_STRING_VAL);
	for (uint32_t i = 0; i < jbr_shm_info(shm)->nb_families; i++)
		(void)rte_tel_data_add_array_string(data, jbr_shm_family(shm, i)->name);
	jbr_shm_close(shm);
	return 0;
}

/* A name for the series: DPDK takes letters, digits, '_' and '/' only. */
static void
name_series(const struct jbr_shm_series *series, const char *suffix, char *name, size_t size)
{
	size_t at = 0;

	for (uint32_t i = 0; i < series->nb_labels; i++)
		at += (size_t)snprintf(name + at, at < size ? size - at : 0, "%s%s",
			i > 0 ? "/" : "", series->labels[i].value);
	if (at < size)
		snprintf(name + at, size - at, "%s%s", at == 0 && suffix[0] == '\0' ? "value" : "",
			suffix);
	for (char *c = name; *c != '\0'; c++)
		if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') ||
			    (*c >= '0' && *c <= '9') || *c == '/'))
			*c = '_';
}

static void
add_series(struct rte_tel_data *data, const struct jbr_shm_series *series, const uint64_t *values)
{
	char name[RTE_TEL_MAX_STRING_LEN];
	uint64_t count = 0;

	if (series->nb_slots == 1) {
		name_series(series, "", name, sizeof(name));
		add_value(data, name, values[series->slot]);
		return;
	}
	for (uint32_t i = 0; i + 1 < series->nb_slots; i++)
		count += values[series->slot + i];
	name_series(series, "count", name, sizeof(name));
	add_value(data, name, count);
	name_series(series, "sum", name, sizeof(name));
	add_value(data, name, values[series->slot + series->nb_slots - 1]);
}

static int
stats(const char *command, const char *params, struct rte_tel_data *data)
{
	struct jbr_shm_snapshot snapshot = {0};
	struct jbr_shm *shm;
	int rc = -1;

	(void)command;
	if (params == NULL || jbr_shm_open(path, &shm, NULL) < 0)
		return -1;
	snapshot.values = calloc(jbr_shm_info(shm)->nb_values, sizeof(uint64_t));
	if (snapshot.values != NULL && jbr_shm_find(shm, params, NULL) != NULL &&
		jbr_shm_read(shm, 0, &snapshot) == 0) {
		rte_tel_data_start_dict(data);
		for (uint32_t i = 0; i < jbr_shm_info(shm)->nb_series; i++) {
			const struct jbr_shm_series *series = jbr_shm_series(shm, i);

			if (strcmp(jbr_shm_family(shm, series->family)->name, params) == 0)
				add_series(data, series, snapshot.values);
		}
		rc = 0;
	}
	free(snapshot.values);
	jbr_shm_close(shm);
	return rc;
}

void
telemetry_start(const char *folder, const char *instance)
{
	snprintf(path, sizeof(path), "%s/%s", folder, instance);
	(void)rte_telemetry_register_cmd("/jabiru/families", families,
		"Names of all families of figures. Takes no parameter");
	(void)rte_telemetry_register_cmd("/jabiru/stats", stats,
		"The series of a family. Parameter: its name, see /jabiru/families");
}
