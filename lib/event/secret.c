/* SPDX-License-Identifier: BSD-3-Clause */
#include "event_private.h"

#include <sys/random.h>

void
jbr_event_secret(const void *owner, uint64_t *ret_words, size_t count)
{
	size_t size = count * sizeof(*ret_words);

	/* early in a boot there may be no random numbers: the addresses of the memory then do */
	if (getrandom(ret_words, size, GRND_NONBLOCK) == (ssize_t)size)
		return;
	for (size_t i = 0; i < count; i++)
		ret_words[i] = jbr_mix64((uintptr_t)owner + i, UINT64_C(0x9e3779b97f4a7c15));
}
