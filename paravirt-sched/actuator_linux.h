/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What the parts of the Linux actuator share. */
#ifndef PVS_ACTUATOR_LINUX_H
#define PVS_ACTUATOR_LINUX_H

#include <pthread.h>

#include "baseline.h"
#include "cgroup.h"
#include "guard.h"
#include "pvs.h"

#define PVS_SLICE_MIN 100000ull /* ns: what the kernel clamps to */
#define PVS_SLICE_MAX 100000000ull

/* What trying it out on a thread of our own told. */
struct pvs_probe {
	uint32_t actuators; /* PVS_ACT_* */
	int nice_min;       /* lowest nice that may be given */
	unsigned prio_max;  /* greatest FIFO priority, 0: none */
	uint64_t
		default_slice; /* ns, of a thread that asked for none; 0: not shown (before 6.12) */
	bool reset_on_fork;    /* can be set and cleared again */
};

/* How a thread is scheduled, or shall be. */
struct pvs_linux_state {
	struct pvs_sched_attr attr;
	uint64_t affinity[PVS_CPU_WORDS];
	uint32_t weight; /* 0: in its own cgroup */
};

struct pvs_thread {
	struct pvs_baseline *base;
	struct pvs_baseline unguarded; /* where base points when there is no guard */
	struct pvs_linux_state now;
	uint32_t undone; /* pvs_threads_undone() when `now` was right */
	int pidfd;
	struct pvs_thread *next; /* in the same list */
};

struct pvs_linux {
	struct pvs_probe probe; /* all actuators, whatever was wanted */
	struct pvs_guard *guard;
	bool has_cgroup;
	struct pvs_cgroup cgroup;
	struct pvs_thread *threads; /* those that are captured */
	struct pvs_thread *leaving; /* released, but their cgroups are not gone yet */
	pthread_mutex_t lock;       /* of the list, for who rescues */
	uint32_t rescued;           /* atomic: how often */
};

/*
 * Try each of @wanted (PVS_ACT_*) on a thread that is made for it and ends. What does not work is
 * explained in @log with what would permit it. -errno: no thread.
 */
int pvs_probe_run(const struct pvs_cgroup *cgroup, uint32_t wanted, struct pvs_probe *probe,
		  struct pvs_log *log);

/* ---- Threads that are captured (actuator_threads.c) ------------------------------------------ */

void pvs_threads_init(struct pvs_linux *lin);
int pvs_threads_capture(void *lin, pid_t tid, void **thread);
void pvs_threads_restore(void *lin, void *thread);
void pvs_threads_release(void *lin, void *thread);
void pvs_threads_rescue(void *lin);
/* Remove cgroups of released threads that were still exiting then. False: some are still there. */
bool pvs_threads_tidy(struct pvs_linux *lin);
/* After all are released: wait for such for a moment, then forget them; a guard goes on. */
void pvs_threads_close(struct pvs_linux *lin);
/* Is the thread that was captured still there? */
bool pvs_threads_is_same(const struct pvs_thread *thread);
/* Before it is changed: has somebody restored it, guard or watchdog, while we were stuck? */
void pvs_threads_heed(const struct pvs_linux *lin, struct pvs_thread *thread);

#endif
