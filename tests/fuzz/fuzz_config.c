/* SPDX-License-Identifier: BSD-3-Clause */
/* Any bytes as a configuration file: either every value is one that its row allows and nothing is said,
 * or every line of the errors has a position inside the file, in order, and nothing was written. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "jbr_catalog.h"
#include "jbr_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(bool is_true, const char *what)
{
	if (is_true)
		return;
	fprintf(stderr, "not so: %s\n", what);
	abort();
}

static void
check_row(const void *base, const struct jbr_key_info *row)
{
	const uint8_t *field = (const uint8_t *)base + row->offset;
	uint32_t value;

	switch ((enum jbr_key_type)row->type) {
	case JBR_KEY_UINT:
		memcpy(&value, field, sizeof(value));
		require(value >= row->low && value <= row->high, "a number is in its range");
		break;
	case JBR_KEY_BOOL:
		require(*field <= 1, "a switch is 0 or 1");
		break;
	case JBR_KEY_ENUM:
		require(jbr_enum_word(row->values, *field) != NULL, "a word has its value");
		break;
	case JBR_KEY_STRING:
		require(memchr(field, 0, row->high + 1) != NULL, "a text has its end");
		break;
	}
}

static void
check_config(const struct jbr_config *config)
{
	for (size_t i = 0; i < jbr_keys_count; i++)
		check_row(config, &jbr_keys[i]);
	require(config->ports_count <= JBR_CONFIG_MAX_ports, "a list has room");
	require(config->aliases_count <= JBR_CONFIG_MAX_aliases, "the other list has room");
	for (size_t i = 0; i < jbr_list_keys_count; i++) {
		bool is_alias = strcmp(jbr_list_keys[i].section, "aliases") == 0;

		for (uint32_t p = 0; !is_alias && p < config->ports_count; p++)
			check_row(&config->ports[p], &jbr_list_keys[i]);
		for (uint32_t p = 0; is_alias && p < config->aliases_count; p++)
			check_row(&config->aliases[p], &jbr_list_keys[i]);
	}
	for (unsigned i = 0; i < JBR_ANOM_COUNT; i++) {
		uint8_t is_enabled;

		memcpy(&is_enabled, &config->anomaly_enabled[i], sizeof(is_enabled));
		require(is_enabled <= 1, "enabled is 0 or 1");
		require(config->anomaly_action[i] < JBR_ACTION_TOTAL, "an action is known");
	}
}

/* One error; libyaml's positions may be one past the last line or column. */
static void
check_line(const char *line, size_t size, unsigned long *last)
{
	unsigned long row;
	unsigned long column;
	int what = 0;

	require(sscanf(line, "fuzz:%lu:%lu: %n", &row, &column, &what) == 2, "it has a position");
	require(what > 0 && line[what] != '\0', "it says something");
	require(row >= 1 && row <= size + 1, "its line is in the file");
	require(column >= 1 && column <= size + 1, "its column is in the file");
	require((row << 32 | column) >= *last, "errors stand in order");
	*last = row << 32 | column;
	for (const char *c = line; *c != '\0'; c++)
		require((uint8_t)*c >= 0x20 && *c != 0x7f, "it can be printed");
}

static void
check_errors(struct jbr_config_errors *errors, size_t size)
{
	unsigned long last = 0;
	unsigned count = 0;
	char *line;
	char *rest;

	jbr_buffer_append(&errors->text, "", 1);
	require(!errors->text.failed, "there is memory");
	for (rest = errors->text.data; (line = strsep(&rest, "\n")) != NULL && rest != NULL;
		count++)
		check_line(line, size, &last);
	require(count == errors->count, "they are counted");
	require(count >= 1 && count <= JBR_CONFIG_ERRORS_MAX, "there are some, and not too many");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jbr_config_errors errors = {0};
	struct jbr_config untouched;
	struct jbr_config config;
	int rc;

	memset(&config, 0xa5, sizeof(config));
	memset(&untouched, 0xa5, sizeof(untouched));
	rc = jbr_config_parse("fuzz", (const char *)data, size, &config, &errors);
	if (rc == 0) {
		require(errors.count == 0 && errors.text.length == 0, "nothing is said");
		check_config(&config);
	} else if (rc == -EINVAL) {
		require(memcmp(&config, &untouched, sizeof(config)) == 0, "nothing is written");
		check_errors(&errors, size);
	} else
		require(rc == -EFBIG && size > JBR_CONFIG_BYTES_MAX, "no other failure");
	jbr_buffer_fini(&errors.text);
	return 0;
}
