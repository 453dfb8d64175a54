/* SPDX-License-Identifier: BSD-3-Clause */
/* Families and series, copied and checked: afterwards nothing of them is looked up in the file. */
#include "shm_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { DIRECTORY_MAX = 1 << 20 }; /* entries, and bytes of strings times 64 */

/* The text at @p offset; the empty one when it lies outside. */
static const char *
text_at(const struct jbr_shm *segment, uint32_t offset)
{
	return segment->strings + (offset < segment->strings_bytes ? offset : 0);
}

static int
out_of_memory(struct jbr_error *error)
{
	return jbr_error_set(error, -ENOMEM, "cannot read the segment: %s", strerror(ENOMEM));
}

static int
copy_strings(struct jbr_shm *segment, struct jbr_error *error)
{
	struct section section;
	int rc = segment_section(segment, JBR_SHM_STRINGS, 1, &section, error);

	if (rc < 0)
		return rc;
	if (section.count > (uint64_t)DIRECTORY_MAX * 64 || section.stride != 1)
		return jbr_error_set(error, -EPROTO, "broken segment: its strings");
	segment->strings = calloc(1, section.count + 2);
	if (segment->strings == NULL)
		return out_of_memory(error);
	/* begins and ends with a zero, whatever was found */
	if (section.count > 1)
		memcpy(segment->strings + 1, section.at + 1, section.count - 1);
	segment->strings_bytes = section.count + 1;
	return 0;
}

static int
copy_bounds(struct jbr_shm *segment, struct jbr_error *error)
{
	struct section section;
	int rc = segment_section(segment, JBR_SHM_BOUNDS, sizeof(uint64_t), &section, error);

	if (rc < 0)
		return rc;
	if (section.count > DIRECTORY_MAX)
		return jbr_error_set(error, -EPROTO, "broken segment: its bounds");
	segment->bounds = calloc(section.count + 1, sizeof(*segment->bounds));
	if (segment->bounds == NULL)
		return out_of_memory(error);
	for (uint64_t i = 0; i < section.count; i++)
		segment->bounds[i] = segment_load(section.at + i * section.stride);
	segment->nb_bounds = section.count;
	return 0;
}

static bool
is_name(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_:";

	return name[0] != '\0' && strspn(name, letters) > 0 &&
		name[strspn(name,
			"0123456789_:abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")] ==
		'\0';
}

static bool
take_family(struct jbr_shm *segment, const struct jbr_shm_family_entry *entry,
	struct jbr_shm_family *ret_family)
{
	*ret_family = (struct jbr_shm_family){.name = text_at(segment, entry->name),
		.help = text_at(segment, entry->help),
		.unit = text_at(segment, entry->unit),
		.type = (enum jbr_shm_type)entry->type,
		.digits = entry->digits,
		.bounds = segment->bounds,
		.nb_bounds = 0};
	if (!is_name(ret_family->name) || entry->type > JBR_SHM_HISTOGRAM || entry->digits > 18)
		return false;
	if (entry->type != JBR_SHM_HISTOGRAM)
		return true;
	if ((uint64_t)entry->bounds + entry->nb_bounds > segment->nb_bounds)
		return false;
	ret_family->bounds = segment->bounds + entry->bounds;
	ret_family->nb_bounds = entry->nb_bounds;
	for (uint32_t i = 1; i < entry->nb_bounds; i++)
		if (ret_family->bounds[i - 1] >= ret_family->bounds[i])
			return false;
	return true;
}

static bool
take_series(const struct jbr_shm *segment, const struct jbr_shm_series_entry *entry,
	struct jbr_shm_series *ret_series)
{
	const struct jbr_shm_family *family;
	uint64_t slots = 1;

	if (entry->family >= segment->info.nb_families)
		return false;
	family = &segment->families[entry->family];
	if (family->type == JBR_SHM_HISTOGRAM)
		slots = (uint64_t)family->nb_bounds + 2;
	*ret_series = (struct jbr_shm_series){.family = entry->family,
		.slot = entry->slot,
		.nb_slots = entry->nb_slots};
	for (unsigned i = 0; i < JBR_SHM_LABELS_MAX; i++) {
		struct jbr_shm_label *label = &ret_series->labels[i];

		label->name = text_at(segment, entry->labels[i][0]);
		label->value = text_at(segment, entry->labels[i][1]);
		if (label->name[0] == '\0')
			break;
		if (!is_name(label->name))
			return false;
		ret_series->nb_labels++;
	}
	return entry->nb_slots == slots &&
		(uint64_t)entry->slot + entry->nb_slots <= segment->info.nb_values;
}

static int
copy_families(struct jbr_shm *segment, struct jbr_error *error)
{
	struct section section;
	int rc = segment_section(segment, JBR_SHM_FAMILIES, sizeof(struct jbr_shm_family_entry),
		&section, error);

	if (rc < 0)
		return rc;
	if (section.count > DIRECTORY_MAX)
		return jbr_error_set(error, -EPROTO, "broken segment: its families");
	segment->families = calloc(section.count + 1, sizeof(*segment->families));
	if (segment->families == NULL)
		return out_of_memory(error);
	segment->info.nb_families = (uint32_t)section.count;
	for (uint64_t i = 0; i < section.count; i++) {
		struct jbr_shm_family_entry entry;

		memcpy(&entry, section.at + i * section.stride, sizeof(entry));
		if (!take_family(segment, &entry, &segment->families[i]))
			return jbr_error_set(error, -EPROTO, "broken segment: its family %u",
				(unsigned)i);
	}
	return 0;
}

static int
copy_series(struct jbr_shm *segment, struct jbr_error *error)
{
	struct section section;
	int rc = segment_section(segment, JBR_SHM_SERIES, sizeof(struct jbr_shm_series_entry),
		&section, error);

	if (rc < 0)
		return rc;
	if (section.count > DIRECTORY_MAX)
		return jbr_error_set(error, -EPROTO, "broken segment: its series");
	segment->series = calloc(section.count + 1, sizeof(*segment->series));
	if (segment->series == NULL)
		return out_of_memory(error);
	segment->info.nb_series = (uint32_t)section.count;
	for (uint64_t i = 0; i < section.count; i++) {
		struct jbr_shm_series_entry entry;

		memcpy(&entry, section.at + i * section.stride, sizeof(entry));
		/* series of one family stand together, so that a page of metrics needs no sorting */
		if (!take_series(segment, &entry, &segment->series[i]) ||
			(i > 0 && segment->series[i - 1].family > entry.family))
			return jbr_error_set(error, -EPROTO, "broken segment: its series %u",
				(unsigned)i);
	}
	return 0;
}

int
segment_directory(struct jbr_shm *segment, struct jbr_error *error)
{
	int rc = copy_strings(segment, error);

	if (rc == 0)
		rc = copy_bounds(segment, error);
	if (rc == 0)
		rc = copy_families(segment, error);
	if (rc == 0)
		rc = copy_series(segment, error);
	return rc;
}
