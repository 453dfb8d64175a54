/* SPDX-License-Identifier: BSD-3-Clause */
#include "reload.h"

static void
name_key(struct jbr_buffer *out, unsigned *count, const char *section, const char *key)
{
	jbr_buffer_format(out, "%s%s%s%s", *count > 0 ? ", " : "", section, key == NULL ? "" : ".",
		key == NULL ? "" : key);
	(*count)++;
}

static size_t
size_of(const struct jbr_key_info *key)
{
	switch ((enum jbr_key_type)key->type) {
	case JBR_KEY_UINT:
		return sizeof(uint32_t);
	case JBR_KEY_STRING:
		return JBR_CONFIG_STRING_SIZE;
	case JBR_KEY_BOOL:
	case JBR_KEY_ENUM:
		break;
	}
	return sizeof(uint8_t);
}

static bool
is_equal(const struct jbr_key_info *key, const void *one, const void *other)
{
	if (key->type == JBR_KEY_STRING)
		return strcmp(one, other) == 0; /* what follows the end is no part of it */
	return memcmp(one, other, size_of(key)) == 0;
}

static void
merge_keys(struct jbr_config *config, const struct jbr_config *fresh, struct reload *reload)
{
	for (size_t i = 0; i < jbr_keys_count; i++) {
		const struct jbr_key_info *key = &jbr_keys[i];
		uint8_t *to = (uint8_t *)config + key->offset;
		const uint8_t *from = (const uint8_t *)fresh + key->offset;

		if (is_equal(key, to, from))
			continue;
		if (jbr_key_reloads(key)) {
			memcpy(to, from, size_of(key));
			name_key(&reload->taken, &reload->nb_taken, key->section, key->key);
		} else {
			name_key(&reload->kept, &reload->nb_kept, key->section, key->key);
		}
	}
}

static bool
is_list_equal(const struct jbr_list_info *list, const struct jbr_config *one,
	const struct jbr_config *other)
{
	const uint8_t *a = (const uint8_t *)one;
	const uint8_t *b = (const uint8_t *)other;
	uint32_t count;
	uint32_t other_count;

	memcpy(&count, a + list->count_offset, sizeof(count));
	memcpy(&other_count, b + list->count_offset, sizeof(other_count));
	if (count != other_count)
		return false;
	for (uint32_t n = 0; n < count; n++) {
		for (size_t i = 0; i < jbr_list_keys_count; i++) {
			const struct jbr_key_info *key = &jbr_list_keys[i];
			size_t at = list->offset + n * list->size + key->offset;

			if (strcmp(key->section, list->list) != 0)
				continue;
			if (key->type == JBR_KEY_STRING
					? strcmp((const char *)a + at, (const char *)b + at) != 0
					: memcmp(a + at, b + at, size_of(key)) != 0)
				return false;
		}
	}
	return true;
}

static void
merge_anomalies(struct jbr_config *config, const struct jbr_config *fresh, struct reload *reload)
{
	for (unsigned i = 0; i < JBR_ANOM_COUNT; i++) {
		if (config->anomaly_enabled[i] != fresh->anomaly_enabled[i])
			name_key(&reload->taken, &reload->nb_taken, jbr_anomalies[i].key,
				"enabled");
		if (config->anomaly_action[i] != fresh->anomaly_action[i])
			name_key(&reload->taken, &reload->nb_taken, jbr_anomalies[i].key, "action");
		config->anomaly_enabled[i] = fresh->anomaly_enabled[i];
		config->anomaly_action[i] = fresh->anomaly_action[i];
	}
}

void
reload_merge(struct jbr_config *config, const struct jbr_config *fresh, struct reload *ret_reload)
{
	struct reload reload = {0};

	merge_keys(config, fresh, &reload);
	for (size_t i = 0; i < jbr_lists_count; i++)
		if (!is_list_equal(&jbr_lists[i], config, fresh))
			name_key(&reload.kept, &reload.nb_kept, jbr_lists[i].list, NULL);
	merge_anomalies(config, fresh, &reload);
	if (ret_reload != NULL)
		*ret_reload = reload;
	else
		reload_fini(&reload);
}

void
reload_fini(struct reload *reload)
{
	jbr_buffer_fini(&reload->taken);
	jbr_buffer_fini(&reload->kept);
}
