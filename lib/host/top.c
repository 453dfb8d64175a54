/* SPDX-License-Identifier: BSD-3-Clause */
#include "jbr_host.h"

#include <stdlib.h>

void
jbr_top_add(struct jbr_top *top, const struct jbr_top_key *key, uint64_t times, uint64_t now_ns)
{
	struct jbr_top_entry *least = &top->entries[0];

	top->total += times;
	for (unsigned i = 0; i < JBR_TOP_ENTRIES; i++) {
		struct jbr_top_entry *entry = &top->entries[i];

		if (entry->count > 0 && memcmp(&entry->key, key, sizeof(*key)) == 0) {
			entry->count += times;
			entry->last_ns = now_ns;
			return;
		}
		if (entry->count < least->count)
			least = entry;
	}
	*least = (struct jbr_top_entry){.key = *key,
		.count = least->count + times,
		.over = least->count,
		.last_ns = now_ns};
}

static int
by_count(const void *a, const void *b)
{
	const struct jbr_top_entry *x = a;
	const struct jbr_top_entry *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return memcmp(&x->key, &y->key, sizeof(x->key));
}

uint32_t
jbr_top_list(const struct jbr_top *top, struct jbr_top_entry *ret_entries, uint32_t max)
{
	struct jbr_top_entry sorted[JBR_TOP_ENTRIES];
	uint32_t count = 0;

	for (unsigned i = 0; i < JBR_TOP_ENTRIES; i++)
		if (top->entries[i].count > 0)
			sorted[count++] = top->entries[i];
	qsort(sorted, count, sizeof(sorted[0]), by_count);
	count = jbr_min_u32(count, max);
	memcpy(ret_entries, sorted, count * sizeof(sorted[0]));
	return count;
}
