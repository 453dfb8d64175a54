/* SPDX-License-Identifier: BSD-3-Clause */
/** @file reload.h
 * What of a new configuration holds at once, and what takes a restart: a key with a JBR_RELOADS row in
 * configuration.def, and everything of an anomaly, is taken up; any other keeps its value.
 *
 * Threads: control code; values in, values out.
 */
#pragma once
#include "jbr_base.h"
#include "jbr_catalog.h"

/** What a reload comes to. */
struct reload {
	struct jbr_buffer taken; /**< names of keys whose new value holds, with commas */
	struct jbr_buffer kept;  /**< names of keys that differ and take a restart */
	unsigned nb_taken;
	unsigned nb_kept;
};

/** Put the keys of @p fresh that can change at once into @p config, and say what differs.
 * @param config      the running one; changed
 * @param ret_reload  may be NULL; else release it with reload_fini() */
void reload_merge(struct jbr_config *config, const struct jbr_config *fresh,
	struct reload *ret_reload);
/** Release. */
void reload_fini(struct reload *reload);
