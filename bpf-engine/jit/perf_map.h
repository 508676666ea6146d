/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The file in which perf looks for the names of code that lies in no file. */
#ifndef BPFE_PERF_MAP_H
#define BPFE_PERF_MAP_H

#include <stdbool.h>
#include <stddef.h>

/* Is it asked for (bpfe_perf_map())? perf looks there for anonymous memory only. */
bool jit_perf_map_wanted(void);

/* Add a line to /tmp/perf-PID.map if that is asked for. Any thread. */
void jit_perf_map_add(const char *name, const void *code, size_t size);

#endif
