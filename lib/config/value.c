/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_private.h"

bool
jbr_event_is_number(const yaml_event_t *event, uint64_t *ret_value)
{
	const yaml_char_t *s = event->data.scalar.value;
	size_t length = event->data.scalar.length;
	uint64_t value = 0;

	if (!jbr_event_is_plain(event) || (length > 1 && s[0] == '0'))
		return false;
	for (size_t i = 0; i < length; i++) {
		if (s[i] < '0' || s[i] > '9')
			return false;
		value = jbr_min_u64(value * 10 + (s[i] - (uint64_t)'0'), (uint64_t)UINT32_MAX + 1);
	}
	*ret_value = value;
	return true;
}

void
jbr_value_read_uint(struct jbr_reader *reader, const char *path, const struct jbr_key_info *row)
{
	struct jbr_shown shown = jbr_event_show(&reader->event);
	uint64_t value;
	uint32_t field;

	if (!jbr_event_is_number(&reader->event, &value)) {
		jbr_reader_complain(reader, "%s: %s'%s' is no decimal number (%u..%u %s)", path,
			jbr_event_is_plain(&reader->event) ? "" : "quoted ", shown.text, row->low,
			row->high, row->unit);
		return;
	}
	if (value < row->low || value > row->high) {
		jbr_reader_complain(reader, "%s: %s is out of range (%u..%u %s)", path, shown.text,
			row->low, row->high, row->unit);
		return;
	}
	field = (uint32_t)value;
	memcpy((uint8_t *)reader->base + row->offset, &field, sizeof(field));
}

void
jbr_value_read_bool(struct jbr_reader *reader, const char *path, bool *ret_value)
{
	static const char *const words[][2] = {
		{"no", "yes"},
		{"No", "Yes"},
		{"NO", "YES"},
		{"off", "on"},
		{"Off", "On"},
		{"OFF", "ON"},
		{"false", "true"},
		{"False", "True"},
		{"FALSE", "TRUE"},
	};

	for (size_t i = 0; i < 2 * JBR_COUNT_OF(words); i++) {
		if (!jbr_event_is_plain(&reader->event) ||
			!jbr_event_is_word(&reader->event, words[i / 2][i % 2]))
			continue;
		*ret_value = i % 2 == 1;
		return;
	}
	jbr_reader_complain(reader, "%s: %s'%s' is neither yes nor no", path,
		jbr_event_is_plain(&reader->event) ? "" : "quoted ",
		jbr_event_show(&reader->event).text);
}

void
jbr_value_read_enum(struct jbr_reader *reader, const char *path, const struct jbr_key_info *row)
{
	struct jbr_buffer words = {0};
	const char *word;

	for (unsigned i = 0; (word = jbr_enum_word(row->values, i)) != NULL; i++) {
		if (jbr_event_is_word(&reader->event, word)) {
			*((uint8_t *)reader->base + row->offset) = (uint8_t)i;
			goto out;
		}
		jbr_buffer_format(&words, "%s%s", i > 0 ? ", " : "", word);
	}
	jbr_reader_complain(reader, "%s: '%s' is none of %.*s", path,
		jbr_event_show(&reader->event).text, (int)words.length, words.data);
out:
	jbr_buffer_fini(&words);
}

void
jbr_value_read_string(struct jbr_reader *reader, const char *path, const struct jbr_key_info *row)
{
	const yaml_char_t *s = reader->event.data.scalar.value;
	size_t length = reader->event.data.scalar.length;
	char *field = (char *)reader->base + row->offset;

	if (length > row->high) {
		jbr_reader_complain(reader, "%s: %zu bytes are too long (at most %u)", path, length,
			row->high);
		return;
	}
	for (size_t i = 0; i < length; i++) {
		bool is_c1 = s[i] == 0xc2 && s[i + 1] < 0xa0; /* libyaml ends it with a zero byte */

		if (s[i] >= 0x20 && s[i] != 0x7f && !is_c1)
			continue;
		jbr_reader_complain(reader, "%s: control characters are not allowed in a text",
			path);
		return;
	}
	memset(field, 0, row->high + 1);
	memcpy(field, s, length);
}

/* Whether there is something that `drop` can take away: a scope that is new has to say. */
static bool
can_drop(enum jbr_scope scope)
{
	switch (scope) {
	case JBR_SCOPE_PACKET:
	case JBR_SCOPE_FLOW:
		return true;
	}
	return false;
}

void
jbr_value_read_action(struct jbr_reader *reader, const char *path, unsigned anomaly)
{
	unsigned action = 0;

	while (action < JBR_ACTION_TOTAL && !jbr_event_is_word(&reader->event, jbr_actions[action]))
		action++;
	if (action == JBR_ACTION_TOTAL)
		jbr_reader_complain(reader, "%s: '%s' is none of %s, %s, %s", path,
			jbr_event_show(&reader->event).text, jbr_actions[0], jbr_actions[1],
			jbr_actions[2]);
	else if (action == JBR_ACTION_DROP &&
		!can_drop((enum jbr_scope)jbr_anomalies[anomaly].scope))
		jbr_reader_complain(reader, "%s: there is no packet or connection to drop", path);
	else
		reader->config->anomaly_action[anomaly] = (uint8_t)action;
}
