/* SPDX-License-Identifier: BSD-3-Clause */
#include "jbr_catalog.h"

const char *const jbr_tiers[4] = {
#define JBR_TIER(tier, heading) [tier] = heading,
#include "configuration.def"
};

const struct jbr_section_info jbr_sections[] = {
#define JBR_SECTION(tier, section, help) {#section, help, tier},
#include "configuration.def"
};
const size_t jbr_sections_count = JBR_COUNT_OF(jbr_sections);

const struct jbr_enum_value_info jbr_enum_values[] = {
#define JBR_ENUM_VALUE(values, symbol, word) {#values, #word},
#include "enums.def"
};
const size_t jbr_enum_values_count = JBR_COUNT_OF(jbr_enum_values);

#define KEY(section_, key_, field, ...) \
	{.section = #section_, \
		.key = #key_, \
		.offset = offsetof(struct jbr_config, field), \
		__VA_ARGS__},

const struct jbr_key_info jbr_keys[] = {
#define JBR_UINT(section, key, initial_, low_, high_, unit_, help_) \
	KEY(section, key, section##_##key, .anomaly = JBR_ANOM_NONE, .type = JBR_KEY_UINT, \
		.unit = unit_, .help = help_, .initial = initial_, .low = low_, .high = high_)
#define JBR_BOOL(section, key, initial_, help_) \
	KEY(section, key, section##_##key, .anomaly = JBR_ANOM_NONE, .type = JBR_KEY_BOOL, \
		.help = help_, .initial = initial_, .high = 1)
#define JBR_ENUM(section, key, initial_, values_, help_) \
	KEY(section, key, section##_##key, .anomaly = JBR_ANOM_NONE, .type = JBR_KEY_ENUM, \
		.help = help_, .initial = JBR_VALUE_##values_##_##initial_, .values = #values_)
#define JBR_STRING(section, key, initial_, help_) \
	KEY(section, key, section##_##key, .anomaly = JBR_ANOM_NONE, .type = JBR_KEY_STRING, \
		.help = help_, .string_initial = initial_, .high = JBR_CONFIG_STRING_SIZE - 1)
#define JBR_PATH(section, key, help_) \
	KEY(section, key, section##_##key, .anomaly = JBR_ANOM_NONE, .type = JBR_KEY_STRING, \
		.help = help_, .string_initial = "", .high = JBR_CONFIG_PATH_SIZE - 1)
#include "configuration.def"
#define JBR_PARAM(symbol, key, name, initial_, low_, high_, unit_, help_) \
	KEY(key, name, params.key##_##name, .anomaly = JBR_ANOM_##symbol, .type = JBR_KEY_UINT, \
		.unit = unit_, .help = help_, .initial = initial_, .low = low_, .high = high_)
#include "anomalies.def"
};
const size_t jbr_keys_count = JBR_COUNT_OF(jbr_keys);

const struct jbr_key_info jbr_list_keys[] = {
#define ENTRY_KEY(list, key_, ...) \
	{.section = #list, \
		.key = #key_, \
		.offset = offsetof(struct jbr_config_##list, key_), \
		.anomaly = JBR_ANOM_NONE, \
		__VA_ARGS__},
#define JBR_LIST_STRING(list, key, help_) \
	ENTRY_KEY(list, key, .type = JBR_KEY_STRING, .help = help_, \
		.high = JBR_CONFIG_LIST_STRING_SIZE - 1)
#define JBR_LIST_UINT(list, key, initial_, low_, high_, unit_, help_) \
	ENTRY_KEY(list, key, .type = JBR_KEY_UINT, .unit = unit_, .help = help_, \
		.initial = initial_, .low = low_, .high = high_)
#include "configuration.def"
};
const size_t jbr_list_keys_count = JBR_COUNT_OF(jbr_list_keys);

const struct jbr_list_info jbr_lists[] = {
#define JBR_LIST(tier_, list_, count_, help_, example_) \
	{.list = #list_, \
		.help = help_, \
		.example = example_, \
		.offset = offsetof(struct jbr_config, list_), \
		.count_offset = offsetof(struct jbr_config, list_##_count), \
		.size = sizeof(struct jbr_config_##list_), \
		.count = count_, \
		.tier = tier_},
#include "configuration.def"
};
const size_t jbr_lists_count = JBR_COUNT_OF(jbr_lists);

/* @param base  the struct that the offset counts from */
static void
set_default(void *base, const struct jbr_key_info *info)
{
	uint8_t *field = (uint8_t *)base + info->offset;
	uint8_t byte = (uint8_t)info->initial;

	switch ((enum jbr_key_type)info->type) {
	case JBR_KEY_UINT:
		memcpy(field, &info->initial, sizeof(info->initial));
		break;
	case JBR_KEY_BOOL:
	case JBR_KEY_ENUM:
		memcpy(field, &byte, sizeof(byte));
		break;
	case JBR_KEY_STRING:
		if (info->string_initial != NULL)
			memcpy(field, info->string_initial, strlen(info->string_initial) + 1);
		break;
	}
}

void
jbr_config_defaults(struct jbr_config *ret_config)
{
	memset(ret_config, 0, sizeof(*ret_config));
	for (size_t i = 0; i < jbr_keys_count; i++)
		set_default(ret_config, &jbr_keys[i]);
	for (unsigned i = 0; i < JBR_ANOM_COUNT; i++) {
		ret_config->anomaly_enabled[i] = true;
		ret_config->anomaly_action[i] = jbr_anomalies[i].action;
	}
}

void
jbr_config_entry_defaults(const struct jbr_list_info *list, void *ret_entry)
{
	memset(ret_entry, 0, list->size);
	for (size_t i = 0; i < jbr_list_keys_count; i++)
		if (strcmp(jbr_list_keys[i].section, list->list) == 0)
			set_default(ret_entry, &jbr_list_keys[i]);
}

int
jbr_enum_find(const char *values, const char *word)
{
	int value = 0;

	for (size_t i = 0; i < jbr_enum_values_count; i++) {
		if (strcmp(jbr_enum_values[i].values, values) != 0)
			continue;
		if (strcmp(jbr_enum_values[i].word, word) == 0)
			return value;
		value++;
	}
	return -1;
}

const char *
jbr_enum_word(const char *values, unsigned value)
{
	unsigned at = 0;

	for (size_t i = 0; i < jbr_enum_values_count; i++)
		if (strcmp(jbr_enum_values[i].values, values) == 0 && at++ == value)
			return jbr_enum_values[i].word;
	return NULL;
}
