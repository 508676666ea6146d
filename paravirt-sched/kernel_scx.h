/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What the actuator asks of the host's scheduler. One thread at a time. */
#ifndef PVS_KERNEL_SCX_USER_H
#define PVS_KERNEL_SCX_USER_H

#include "kernel/scx.h"
#include "pvs_scx.h"

/* @sched as the scheduler is told of it, GRANT_SCHED; what it cannot do is left out. */
uint64_t scx_word(const struct pvs_sched *sched);

/* The scheduler follows grants of @tid from now on. -EEXIST: it does already; -ENOMEM, -E2BIG. */
int scx_thread_add(struct pvs_scx *scx, pid_t tid);
void scx_thread_remove(struct pvs_scx *scx, pid_t tid);

/*
 * Grant @tid @word (GRANT_SCHED). @answers: with the number of what the kernel has granted it, of
 * which this is the judgement; what it granted since stays. Any thread, for @answers 0.
 */
void scx_thread_grant(const struct pvs_scx *scx, pid_t tid, uint64_t word, bool answers);

/* Nobody is granted anything any more. Any thread. */
void scx_grants_drop(const struct pvs_scx *scx);

/* It schedules the host's threads. */
bool scx_is_running(const struct pvs_scx *scx);

#endif
