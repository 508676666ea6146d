/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The file in which perf looks for the names of code that lies in no file. */
#ifndef BPFE_PERF_MAP_H
#define BPFE_PERF_MAP_H

#include <stddef.h>

/* Add a line to /tmp/perf-PID.map if that was asked for (bpfe_perf_map()). Any thread. */
void jit_perf_map_add(const char *name, const void *code, size_t size);

#endif
