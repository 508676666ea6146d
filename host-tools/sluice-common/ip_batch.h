/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Filling the forwarding table from a file of commands as `ip -batch` takes them, a command a line,
 * '#' for comments:
 *
 *   link set dev 1 mtu 1500 address 02:00:00:00:00:01 [forwarding on|off]
 *   route add [unicast|local|blackhole|unreachable|prohibit] PREFIX|default
 *             [via ADDRESS] [dev N] [mtu N] [metric N]
 *   neigh add ADDRESS lladdr MAC dev N
 *
 * with replace for add, and del; -6 and -4 as in ip. Devices are numbers, as programs see them.
 */
#ifndef SLUICE_IP_BATCH_H
#define SLUICE_IP_BATCH_H

#include <glib.h>
#include "bpf_fib.h"

/* Carry out the commands in the file at @path. FALSE at the first that fails, with @error saying
 * "PATH:LINE: why"; those before it stand. */
gboolean ip_batch_read(struct bpfe_fib *fib, const char *path, GError **error);

#endif
