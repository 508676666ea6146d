/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The kernel's task as far as it is looked at: CO-RE finds the offsets in the running kernel's BTF.
 */
#ifndef PVS_KERNEL_TASK_H
#define PVS_KERNEL_TASK_H

/* Only pointers to it; a kind of type that is known is compared with the kernel's. */
struct cpumask {
	unsigned long bits[1];
} __attribute__((preserve_access_index));

/* Where the kernel has sched_ext. */
struct sched_ext_entity {
	__u32 flags; /* SCX_TASK_* */
	__u32 weight;
	__u64 slice; /* ns that are left; may be written */
} __attribute__((preserve_access_index));

struct task_struct {
	unsigned int flags; /* PF_* */
	int nr_cpus_allowed;
	const struct cpumask *cpus_ptr;
	int pid; /* a thread's id in the initial pid namespace */
	struct sched_ext_entity scx;
} __attribute__((preserve_access_index));

/*
 * The context of a tp_btf program on sched_switch is its arguments, since 5.18: whether prev was
 * preempted, prev, next, and prev's state as the scheduler read it, 0 for runnable (prev->__state
 * may be another by now).
 */
static inline struct task_struct *switch_prev(const unsigned long long *ctx)
{
	return (struct task_struct *)ctx[1];
}

static inline struct task_struct *switch_next(const unsigned long long *ctx)
{
	return (struct task_struct *)ctx[2];
}

/* A preempted thread stays runnable, whatever it was about to wait for. */
static inline int switch_still_runnable(const unsigned long long *ctx)
{
	return (ctx[0] & 1) || (__u32)ctx[3] == 0;
}

#endif
