/* SPDX-License-Identifier: BSD-3-Clause */
/** @file control_socket.h
 * The unix socket on which a running sensor is asked: lines in, lines out (control_desk.h has them).
 *
 * Rights:  the socket's: its owner and group may connect (0660, in a folder of 0750 where it is made
 *          here). Who asked is known from the kernel and stands in the log.
 * Bounds:  CONTROL_CLIENTS_MAX at a time; who says nothing, or does not read the answer, for
 *          CONTROL_PATIENCE_S is sent away; lines as in control_desk.h.
 * Threads: the control thread, which never waits here.
 */
#pragma once
#include "control_desk.h"

enum { CONTROL_CLIENTS_MAX = 8, CONTROL_PATIENCE_S = 5 };

struct control_socket;

/** Listen at @p folder/@p instance.sock; a socket that nobody listens at any more is replaced.
 * @param desk  must outlive it
 * @return 0, or with @p error: -EADDRINUSE another sensor listens there; -EPERM the folder is one in
 *         which others could put a socket of theirs; -errno. */
int control_socket_open(const char *folder, const char *instance, struct control_desk *desk,
	struct control_socket **ret_socket, struct jbr_error *error);
/** Answer what has been asked. To be called some times a second. @p now_ns is CLOCK_MONOTONIC. */
void control_socket_serve(struct control_socket *socket, uint64_t now_ns);
/** Remove it; NULL is fine. */
void control_socket_close(struct control_socket *socket);
