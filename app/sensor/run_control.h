/* SPDX-License-Identifier: BSD-3-Clause */
/** @file run_control.h
 * What a live run knows of names, and the socket on which it is asked.
 *
 * Threads: the control thread.
 */
#pragma once
#include "control_socket.h"
#include "jbr_event.h"

struct run_control {
	struct control_desk desk;
	struct jbr_event_names names;
	struct control_socket *socket; /**< NULL = nobody can ask */
};

/** Read the names and open the socket of @p instance. What fails is no reason not to run, so it is a
 * line in @p notes.
 * @param desk  its aliases and alias_path are set here */
void run_control_start(struct run_control *control, const struct control_desk *desk,
	const char *instance, struct jbr_buffer *notes);
/** Answer what has been asked. @p now_ns is CLOCK_MONOTONIC. */
void run_control_serve(struct run_control *control, uint64_t now_ns);
/** Take up @p config, which is in force from now on. */
void run_control_reload(struct run_control *control, const struct jbr_config *config,
	struct jbr_buffer *notes);
/** Close and release. */
void run_control_stop(struct run_control *control);
