/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * How a thread was scheduled before anybody changed it. Plain data: it lies in memory that the
 * crash guard shares, and says all that is needed to put it back.
 */
#ifndef PVS_BASELINE_H
#define PVS_BASELINE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sched_sys.h"

#define PVS_CGROUP_PATH 240

/* What differs from the baseline now, or is about to: set before the system call. */
#define PVS_DIRTY_ATTR     0x1u
#define PVS_DIRTY_AFFINITY 0x2u
#define PVS_DIRTY_CGROUP   0x4u
#define PVS_DIRTY_DEADLINE 0x8u /* and has been DEADLINE since */

struct pvs_baseline {
	uint32_t dirty; /* PVS_DIRTY_*, atomic */
	pid_t tid;      /* 0: nothing here; stored last, with release */
	uint64_t start; /* of the thread, clock ticks since boot: no other has both */
	struct pvs_sched_attr attr;
	uint64_t affinity[PVS_CPU_WORDS];
	char home[PVS_CGROUP_PATH]; /* file that takes the id to put it back into its cgroup */
	char own[PVS_CGROUP_PATH];  /* cgroup made for it, to be removed; "": none */
};

/* When @tid began, in clock ticks since boot; 0: there is no such thread. */
uint64_t pvs_thread_start(pid_t tid);

/*
 * Read how @tid is scheduled into @base, all but the cgroup. @default_slice (ns) is what the kernel
 * gives a thread that asked for none: restored as such and not as a number. Publishes base->tid.
 * -ESRCH, -EINVAL (more CPUs than PVS_CPU_WORDS hold).
 */
int pvs_baseline_capture(struct pvs_baseline *base, pid_t tid, uint64_t default_slice);

/* Undo what base->dirty names; quietly nothing for a thread that is gone, but for its cgroup, which
 * is removed, by pvs_baseline_tidy(). Does not look at the start time: the caller knows it is the
 * same thread. */
void pvs_baseline_restore(struct pvs_baseline *base);
/* The same while the one who changes it may be in the midst of that: the cgroup stays. */
void pvs_baseline_rescue(struct pvs_baseline *base);
/* The same by somebody who cannot know: only if start is still that of the thread. */
void pvs_baseline_restore_checked(struct pvs_baseline *base);

/* Remove the cgroup that was made for the thread. False: a thread in it is just exiting, to be
 * tried again; base->own stays. */
bool pvs_baseline_tidy(struct pvs_baseline *base);

#endif
