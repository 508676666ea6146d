/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What is to be done in the kernel, scheduler or not, when a thread's grant is another. */
#ifndef PVS_KERNEL_SCX_AGAIN_H
#define PVS_KERNEL_SCX_AGAIN_H

#include "scx.h"
#include "scx_kfuncs.h"

/* Who waits where a thread granted @old does is put into a queue anew. A provisional one may have
 * been over when that was queued. */
static inline void scx_queue_again(__u64 old)
{
	if (grant_prio(old))
		scx_bpf_dsq_reenq(SCX_QUEUE_FIRST, 0);
	if (!grant_prio(old) || old & GRANT_PROVISIONAL)
		scx_bpf_dsq_reenq(SCX_QUEUE_FAIR, 0);
}

/* The same if thread @tid waits. One that runs or sleeps is looked at when it next does not. */
static inline void scx_look_again(__s32 tid, __u64 old)
{
	struct task_struct *p = bpf_task_from_pid(tid);

	if (!p)
		return;
	if (p->scx.flags & SCX_TASK_QUEUED && !scx_bpf_task_running(p))
		scx_queue_again(old);
	bpf_task_release(p);
}

#endif
