/* SPDX-License-Identifier: BSD-3-Clause */
#include "figure.h"

void
figure_name(const struct view *view, const struct jbr_shm_series *series, struct jbr_buffer *out)
{
	jbr_buffer_format(out, "%s", jbr_shm_family(view->shm, series->family)->name);
	for (uint32_t i = 0; i < series->nb_labels; i++)
		jbr_buffer_format(out, "%s%s=\"%s\"%s", i == 0 ? "{" : ",", series->labels[i].name,
			series->labels[i].value, i + 1 == series->nb_labels ? "}" : "");
}

void
figure_json_real(struct jbr_json *json, const char *key, double value)
{
	/* beyond what a count of thousandths can hold it is no rate any more */
	if (!(value > -9e15 && value < 9e15))
		jbr_json_null(json, key);
	else
		jbr_json_fixed(json, key, (int64_t)(value * 1000 + (value < 0 ? -0.5 : 0.5)), 3);
}

void
figure_json_labels(struct jbr_json *json, const struct jbr_shm_series *series)
{
	jbr_json_object_open(json, "labels");
	for (uint32_t i = 0; i < series->nb_labels; i++)
		jbr_json_string(json, series->labels[i].name, series->labels[i].value);
	jbr_json_object_close(json);
}

void
figure_json_value(struct jbr_json *json, const char *key, const struct jbr_shm_family *family,
	uint64_t value)
{
	if (family->digits > 0 && family->digits <= 9)
		jbr_json_fixed(json, key, (int64_t)value, family->digits);
	else if (family->type == JBR_SHM_GAUGE)
		jbr_json_int(json, key, (int64_t)value);
	else
		jbr_json_uint(json, key, value);
}

const char *
figure_type(const struct jbr_shm_family *family)
{
	static const char *const words[] = {"counter", "gauge", "histogram"};

	return (unsigned)family->type < JBR_COUNT_OF(words) ? words[family->type] : "unknown";
}
