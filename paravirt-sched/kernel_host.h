/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What the host's scheduler (kernel_scx.c) shares with the program that decides. */
#ifndef PVS_KERNEL_HOST_H
#define PVS_KERNEL_HOST_H

#include "pvs_kernel.h"

/* File descriptor of a map of host.bpf.c, which stays @host's; negative: there is none. */
int pvs_kernel_host_map(const struct pvs_kernel_host *host, const char *name);

#endif
