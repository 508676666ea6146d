/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The crash guard: a process of its own that shares a table of baselines and, when the process it
 * guards ends however it ends, restores those that are marked dirty.
 *
 * It is a small program of its own, sluice-pvs-guard, started by posix_spawn(3), which may be
 * called by a process with threads. A fork without exec would keep a copy of the guarded process's
 * memory (a QEMU's) alive. It leaves the session, ignores the signals of a terminal, and is
 * nobody's child, so that it outlives what kills the process group. A SIGKILL for all processes of
 * a cgroup or a user takes it along.
 */
#ifndef PVS_GUARD_H
#define PVS_GUARD_H

#include <stdbool.h>

#include "baseline.h"
#include "pvs.h"

#define PVS_GUARD_SLOTS 8192

struct pvs_guard_table {
	uint32_t magic;
	uint32_t n; /* slots ever used; stored with release */
	/* Watchdog: a guarded process that lives and does nothing, stopped or stuck. */
	uint64_t watchdog_ns; /* 0: none */
	uint64_t beat_ns;     /* it did something then, CLOCK_MONOTONIC */
	uint32_t tripped;     /* how often the guard restored because it did nothing */
	uint32_t reserved;
	struct pvs_baseline slots[PVS_GUARD_SLOTS];
};

#define PVS_GUARD_MAGIC 0x44475650u /* "PVGD" */
/* Its descriptors, as the program finds them. */
#define PVS_GUARD_TABLE_FD 3
#define PVS_GUARD_SOCK_FD  4

struct pvs_guard;

/*
 * Start one for this process. The program is $SLUICE_PVS_GUARD, or sluice-pvs-guard in the
 * directory of this process's program or in Sluice's libexec directory. -ENOENT: not found; -EPERM:
 * this process may not start another (QEMU's -sandbox spawn=deny). Blocks until it is ready.
 */
int pvs_guard_start(struct pvs_guard **guard, uint64_t watchdog_ns, struct pvs_log *log);
/* This process does something. After watchdog_ns without, the guard restores all. */
void pvs_guard_beat(struct pvs_guard *guard);
/* Changes when it did. */
uint32_t pvs_guard_tripped(const struct pvs_guard *guard);
/* An empty slot; NULL: all PVS_GUARD_SLOTS are in use. One thread at a time, as the next. */
struct pvs_baseline *pvs_guard_take(struct pvs_guard *guard);
/* The slot's thread has its baseline; it can be another's. */
void pvs_guard_give(struct pvs_guard *guard, struct pvs_baseline *slot);
/* Is it still there? */
bool pvs_guard_alive(const struct pvs_guard *guard);
/* It ends; what is still dirty it restores. */
void pvs_guard_stop(struct pvs_guard *guard);

#endif
