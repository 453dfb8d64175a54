/* SPDX-License-Identifier: BSD-3-Clause */
/** @file report_private.h
 * Arithmetic that both forms of the report share.
 */
#pragma once
#include <stdint.h>

/** @p part / @p whole * @p scale, rounded half up and saturated; 0 when @p whole is 0. */
static inline int64_t
report_scaled(uint64_t part, uint64_t whole, uint64_t scale)
{
	unsigned __int128 value;

	if (whole == 0)
		return 0;
	value = ((unsigned __int128)part * scale + whole / 2) / whole;
	return value > INT64_MAX ? INT64_MAX : (int64_t)value;
}
