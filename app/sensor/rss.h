/* SPDX-License-Identifier: BSD-3-Clause */
/** @file rss.h
 * The key with which a NIC's hash sends both directions of a connection to one queue.
 *
 * Threads: control code; constant data.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RSS_KEY_MAX = 64 };

/** Write a symmetric key: every pair of bytes is the same, so that exchanging source and destination,
 * which lie 16 bits times something apart, changes nothing.
 * @param length  1..RSS_KEY_MAX */
void rss_symmetric_key(uint8_t *ret_key, size_t length);

/** Does @p key hash both directions of a connection alike? Computed in software, as the NIC does, for
 * IPv4 and IPv6, with ports and without.
 * @param length  at least 40, as IPv6 with ports needs; shorter ones are not symmetric */
bool rss_is_symmetric(const uint8_t *key, size_t length);
