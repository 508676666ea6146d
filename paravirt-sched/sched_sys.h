/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The system calls that read and change a thread's scheduling. glibc wraps some of them only since
 * 2.41, and its sched_setaffinity() takes sizes of its own: here they are as the kernel has them.
 * All return 0 or more, or a negative errno; none touches errno, all are async-signal-safe.
 */
#ifndef PVS_SCHED_SYS_H
#define PVS_SCHED_SYS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Scheduling policies as sched_setattr(2) numbers them. */
enum pvs_sched_policy {
	PVS_SCHED_OTHER = 0,
	PVS_SCHED_FIFO = 1,
	PVS_SCHED_RR = 2,
	PVS_SCHED_BATCH = 3,
	PVS_SCHED_IDLE = 5,
	PVS_SCHED_DEADLINE = 6,
};

#define PVS_SCHED_RESET_ON_FORK 0x01u /* children begin with the default */

/* struct sched_attr, first version: 48 bytes, which every kernel since 3.14 takes. */
struct pvs_sched_attr {
	uint32_t size;
	uint32_t policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime; /* DEADLINE; the slice of OTHER and BATCH since 6.12, 0: default */
	uint64_t deadline;
	uint64_t period;
};

#define PVS_CPU_WORDS 16 /* 1024 CPUs */

/* @tid 0: the calling thread. -ESRCH, -EINVAL, -EPERM, -EBUSY (no DEADLINE bandwidth left). */
int pvs_sys_getattr(pid_t tid, struct pvs_sched_attr *attr);
int pvs_sys_setattr(pid_t tid, struct pvs_sched_attr *attr);
/*
 * Before a thread that is DEADLINE becomes something else: have it give its bandwidth back, all but
 * 2^-20 of a CPU at most. Linux (6.18 too) otherwise keeps it until the period ends, or until the
 * cpusets change if the thread has not run as DEADLINE: a thread that sleeps and is boosted now and
 * then uses up all bandwidth of the machine.
 */
void pvs_sys_give_bandwidth_back(pid_t tid);
/* @mask has PVS_CPU_WORDS words; those the kernel does not have are zeroed. -EINVAL: this kernel
 * has more CPUs. */
int pvs_sys_getaffinity(pid_t tid, uint64_t *mask);
int pvs_sys_setaffinity(pid_t tid, const uint64_t *mask);
/* A file descriptor of the thread @tid (close on exec), or of its process where the kernel (before
 * 6.9) knows only those and @tid leads one. */
int pvs_sys_pidfd(pid_t tid);
/* Does what pvs_sys_pidfd() opened still run? A thread id can be another thread's by now, this
 * descriptor can not. */
bool pvs_sys_pidfd_alive(int fd);

#endif
