/* SPDX-License-Identifier: BSD-3-Clause */
/** @file text.h
 * Numbers and times as people read them. All texts end in the caller's array.
 */
#pragma once
#include "jbr_base.h"

enum { TEXT_SIZE = 40 };
struct text {
	char at[TEXT_SIZE];
};

/** 12,345,678 */
struct text text_count(uint64_t value);
/** With three figures that count and k, M, G, T: 12.3 M, 987, 0. */
struct text text_short(double value);
/** The same with "/s". */
struct text text_rate(double value);
/** 1.23 %, 0.0004 %, 0 % */
struct text text_percent(double part, double whole);
/** 3 d 4 h, 2 h 5 min, 12 min 3 s, 1.5 s, 12 ms */
struct text text_duration(uint64_t ns);
/** 2026-11-23 18:00:00 in local time */
struct text text_time(uint64_t time_ns);
/** 18:00:00.123 in local time */
struct text text_clock(uint64_t time_ns);
/** @p value / 10^digits, without zeros at the end. */
struct text text_scaled(int64_t value, unsigned digits);

/** How many columns a terminal takes for @p text. */
unsigned text_width(const char *text);
/** Bytes of the longest beginning of @p text that takes at most @p columns. */
size_t text_fit(const char *text, unsigned columns);
