/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The host's scheduler as actuator: a scheduler for sched_ext (kernel/scx.bpf.c) that follows what
 *a policy decides in the kernel at once, and what a VM's loop has judged.
 *docs/pvsched/kernel-host.md.
 *
 *	host = pvs_kernel_host_create(..., true, ...)     decides
 *	scx = pvs_scx_open(host)                          is the scheduler of all threads of the
 *host actuator = pvs_actuator_scx(scx, linux actuator)  the VM's live = pvs_live_create(..., host,
 *true)           judges
 */
#ifndef PVS_SCX_H
#define PVS_SCX_H

#include "pvs.h"

struct pvs_kernel_host;
struct pvs_scx;

/*
 * Make it the host's scheduler, for all threads of the fair class, until pvs_scx_close() or the end
 * of this process. @host was made for it and goes after it. Needs CAP_BPF, CAP_PERFMON and
 * CAP_SYS_ADMIN or CAP_SYS_NICE. -ENOTSUP: no sched_ext; -EBUSY: another one is there; -EPERM and
 * others of bpf(2): explained in @log.
 */
int pvs_scx_open(const struct pvs_kernel_host *host, struct pvs_scx **scx, struct pvs_log *log);
void pvs_scx_close(struct pvs_scx *scx);

/*
 * Thread @tid of this process, in the fair class, goes before all that may be granted, until @scx
 * is closed: who judges grants, and who takes them back when that is stuck. Two at most: -ENOSPC;
 * -EEXIST: it does already; -ENOMEM.
 */
int pvs_scx_favour(struct pvs_scx *scx, pid_t tid);

struct pvs_scx_stats {
	bool running;          /* it is the host's scheduler */
	uint64_t in_place;     /* decisions that were put into effect in the kernel */
	char end[2 * 128 + 2]; /* why it does not run any more, as the kernel says; "" */
};

/* Any thread. */
void pvs_scx_stats(const struct pvs_scx *scx, struct pvs_scx_stats *stats);

/*
 * An actuator that gives nice, slice and FIFO by @scx, as a place in its queues, and the rest by
 * @rest, both of which go after it. cgroup weights are nothing to @scx, so that WEIGHT is not
 * offered. If @scx ends before its time (the kernel ends a scheduler that lets a thread wait for 30
 * seconds) all is @rest's. -ENOMEM.
 */
int pvs_actuator_scx(struct pvs_scx *scx, const struct pvs_actuator *rest,
		     struct pvs_actuator *actuator);
void pvs_actuator_scx_close(struct pvs_actuator *actuator);

/*
 * Around the judgement of what the kernel has granted thread @tid already, @granted
 * (pvs_kernel_event): what is asked of @actuator, a pvs_actuator_scx(), for that thread in between
 * is in effect at the end, unless the kernel has granted something else meanwhile. The thread that
 * uses the actuator.
 */
void pvs_actuator_scx_judge_begin(const struct pvs_actuator *actuator, pid_t tid);
void pvs_actuator_scx_judge_end(const struct pvs_actuator *actuator, uint64_t granted);

#endif
