/* SPDX-License-Identifier: BSD-3-Clause */
#include "exposition.h"

static const struct jbr_shm_family own_families[OWN_COUNT] = {
#define JBR_OWN(symbol, own_name, own_type, own_digits, own_help) \
	{.name = #own_name, .type = JBR_SHM_##own_type, .digits = own_digits, .help = own_help},
#include "own.def"
};

const char *
exposition_type_word(enum jbr_shm_type type)
{
	static const char *const words[] = {[JBR_SHM_COUNTER] = "counter",
		[JBR_SHM_GAUGE] = "gauge",
		[JBR_SHM_HISTOGRAM] = "histogram"};

	return words[type];
}

/* ---- parts of the text ---- */

static void
put(struct jbr_buffer *out, const char *text)
{
	jbr_buffer_append(out, text, strlen(text));
}

/* A text as the format wants it: the characters of @p escaped and line feeds after a backslash; what is no
 * UTF-8, for which a scrape would be thrown away as a whole, as U+FFFD. */
static void
put_escaped(struct jbr_buffer *out, const char *text, const char *escaped)
{
	size_t left = strlen(text);

	while (left > 0) {
		size_t length = jbr_utf8_length((const uint8_t *)text, left);

		if (length == 0) {
			put(out, "\xef\xbf\xbd");
			length = 1;
		} else if (*text == '\n') {
			put(out, "\\n");
		} else {
			if (strchr(escaped, *text) != NULL)
				put(out, "\\");
			jbr_buffer_append(out, text, length);
		}
		text += length;
		left -= length;
	}
}

static void
put_heading(struct jbr_buffer *out, const struct jbr_shm_family *family)
{
	put(out, "# HELP ");
	put(out, family->name);
	put(out, " ");
	put_escaped(out, family->help, "\\");
	put(out, "\n# TYPE ");
	put(out, family->name);
	put(out, " ");
	put(out, exposition_type_word(family->type));
	put(out, "\n");
}

void
exposition_json_value(struct jbr_json *json, const char *key, const struct jbr_shm_family *family,
	uint64_t value)
{
	if (family->digits == 0 && family->type == JBR_SHM_GAUGE)
		jbr_json_int(json, key, (int64_t)value);
	else if (family->digits == 0)
		jbr_json_uint(json, key, value);
	else
		jbr_json_fixed(json, key, (int64_t)value, family->digits);
}

void
exposition_put_value(struct jbr_buffer *out, const struct jbr_shm_family *family, uint64_t value)
{
	struct jbr_json json; /* its numbers are what is wanted here, too */

	jbr_json_init(&json, out);
	exposition_json_value(&json, NULL, family, value);
}

/* Name, labels, and the label `le` where @p bound is given. */
static void
put_name(struct jbr_buffer *out, const struct jbr_shm_family *family, const char *suffix,
	const struct jbr_shm_series *series, const uint64_t *bound)
{
	const char *before = "{";

	put(out, family->name);
	put(out, suffix);
	for (uint32_t i = 0; i < series->nb_labels; i++) {
		put(out, before);
		put(out, series->labels[i].name);
		put(out, "=\"");
		put_escaped(out, series->labels[i].value, "\\\"");
		put(out, "\"");
		before = ",";
	}
	if (suffix[0] == '_' && suffix[1] == 'b') {
		put(out, before);
		put(out, "le=\"");
		if (bound != NULL)
			exposition_put_value(out, family, *bound);
		else
			put(out, "+Inf");
		put(out, "\"");
		before = ",";
	}
	put(out, before[0] == ',' ? "} " : " ");
}

static void
put_count(struct jbr_buffer *out, uint64_t count)
{
	static const struct jbr_shm_family plain = {.type = JBR_SHM_COUNTER};

	exposition_put_value(out, &plain, count);
	put(out, "\n");
}

static void
put_histogram(struct jbr_buffer *out, const struct jbr_shm_family *family,
	const struct jbr_shm_series *series, const uint64_t *values)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i <= family->nb_bounds; i++) {
		count += values[series->slot + i];
		put_name(out, family, "_bucket", series,
			i < family->nb_bounds ? &family->bounds[i] : NULL);
		put_count(out, count);
	}
	put_name(out, family, "_sum", series, NULL);
	exposition_put_value(out, family, values[series->slot + family->nb_bounds + 1]);
	put(out, "\n");
	put_name(out, family, "_count", series, NULL);
	put_count(out, count);
}

/* ---- families ---- */

/* A newer sensor may have taken a name of ours: no name stands there twice. */
static bool
is_own(const char *name)
{
	for (unsigned i = 0; i < OWN_COUNT; i++)
		if (strcmp(own_families[i].name, name) == 0)
			return true;
	return false;
}

static void
put_segment(struct jbr_buffer *out, const struct source *source)
{
	const struct jbr_shm_info *info = jbr_shm_info(source->shm);
	uint32_t last = UINT32_MAX;

	for (uint32_t i = 0; i < info->nb_series; i++) {
		const struct jbr_shm_series *series = jbr_shm_series(source->shm, i);
		const struct jbr_shm_family *family = jbr_shm_family(source->shm, series->family);

		if (is_own(family->name))
			continue;
		if (series->family != last)
			put_heading(out, family);
		last = series->family;
		if (family->type == JBR_SHM_HISTOGRAM) {
			put_histogram(out, family, series, source->newest.values);
			continue;
		}
		put_name(out, family, "", series, NULL);
		exposition_put_value(out, family, source->newest.values[series->slot]);
		put(out, "\n");
	}
}

static void
put_own(struct jbr_buffer *out, enum own_metric metric, const char *version, uint64_t value)
{
	const struct jbr_shm_family *family = &own_families[metric];
	struct jbr_shm_series series = {.nb_labels = version != NULL,
		.labels = {{"version", version}}};

	put_heading(out, family);
	put_name(out, family, "", &series, NULL);
	exposition_put_value(out, family, value);
	put(out, "\n");
}

void
exposition_write(struct jbr_buffer *out, const struct source *source, const struct own_figures *own)
{
	bool is_alive = source->life == SOURCE_ALIVE;

	put_own(out, OWN_UP, NULL, is_alive);
	if (source->shm != NULL) {
		put_own(out, OWN_SEGMENT_AGE, NULL, source->age_ns);
		put_own(out, OWN_BUILD_INFO, jbr_shm_info(source->shm)->version, 1);
	}
	put_own(out, OWN_EXPORTER_BUILD_INFO, JABIRU_VERSION, 1);
	for (unsigned i = OWN_EXPORTER_BUILD_INFO + 1; i < OWN_COUNT; i++)
		put_own(out, (enum own_metric)i, NULL, own->values[i]);
	if (is_alive && source->has_newest)
		put_segment(out, source);
}
