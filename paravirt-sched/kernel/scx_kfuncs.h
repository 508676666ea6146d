/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What is used of sched_ext, as Linux has it since 7.1: Documentation/scheduler/sched-ext.rst,
 * kernel/sched/ext.c. Weak: a kernel without it may load who does not call it.
 *
 * Not used is scx_bpf_kick_cpu(): kernels whose BTF was made without a declaration tag for it (as
 * Debian's 7.2.12 was) have no prototype that a call could be checked against.
 */
#ifndef PVS_KERNEL_SCX_KFUNCS_H
#define PVS_KERNEL_SCX_KFUNCS_H

#include <stdbool.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "task.h"

#define SCX_DSQ_LOCAL    0x8000000000000002ull
#define SCX_DSQ_LOCAL_ON 0xc000000000000000ull
#define SCX_ENQ_WAKEUP   0x1ull
#define SCX_ENQ_PREEMPT  0x100000000ull
#define SCX_TASK_QUEUED  1u
#define PF_KTHREAD       0x00200000u

/* Values that are looked up in the running kernel. */
enum scx_enq_flags {
	SCX_ENQ_CPU_SELECTED = 0x100000
};

/* Iterators of a dispatch queue; the kernel's takes no more than this. */
struct bpf_iter_scx_dsq {
	__u64 __opaque[6];
} __attribute__((aligned(8)));

/* <linux/bpf.h> has it since 6.4 as struct bpf_iter_num. */
struct scx_iter_num {
	__u64 __opaque[1];
} __attribute__((aligned(8)));

extern int bpf_iter_num_new(struct scx_iter_num *it, int start, int end) __weak __ksym;
extern int *bpf_iter_num_next(struct scx_iter_num *it) __weak __ksym;
extern void bpf_iter_num_destroy(struct scx_iter_num *it) __weak __ksym;

extern int bpf_iter_scx_dsq_new(struct bpf_iter_scx_dsq *it, __u64 dsq_id,
				__u64 flags) __weak __ksym;
extern struct task_struct *bpf_iter_scx_dsq_next(struct bpf_iter_scx_dsq *it) __weak __ksym;
extern void bpf_iter_scx_dsq_destroy(struct bpf_iter_scx_dsq *it) __weak __ksym;

extern __s32 scx_bpf_create_dsq(__u64 dsq_id, __s32 node) __weak __ksym;
extern __s32 scx_bpf_select_cpu_dfl(struct task_struct *p, __s32 prev_cpu, __u64 wake_flags,
				    bool *is_idle) __weak __ksym;
extern void scx_bpf_dsq_insert(struct task_struct *p, __u64 dsq_id, __u64 slice,
			       __u64 enq_flags) __weak __ksym;
extern void scx_bpf_dsq_insert_vtime(struct task_struct *p, __u64 dsq_id, __u64 slice, __u64 vtime,
				     __u64 enq_flags) __weak __ksym;
extern bool scx_bpf_dsq_move_to_local(__u64 dsq_id) __weak __ksym;
extern void scx_bpf_dsq_reenq(__u64 dsq_id, __u64 reenq_flags) __weak __ksym;
extern __s32 scx_bpf_pick_idle_cpu(const struct cpumask *cpus_allowed, __u64 flags) __weak __ksym;
extern __u32 scx_bpf_nr_cpu_ids(void) __weak __ksym;
extern bool scx_bpf_task_running(const struct task_struct *p) __weak __ksym;
extern __s32 scx_bpf_task_cpu(const struct task_struct *p) __weak __ksym;
extern bool bpf_cpumask_test_cpu(__u32 cpu, const struct cpumask *mask) __weak __ksym;
extern struct task_struct *bpf_task_from_pid(__s32 pid) __weak __ksym;
extern void bpf_task_release(struct task_struct *p) __weak __ksym;

/* The scheduler's operations, those that are used: libbpf finds each by its name. */
struct scx_exit_info;
struct scx_init_task_args;

struct sched_ext_ops {
	__s32 (*select_cpu)(struct task_struct *p, __s32 prev_cpu, __u64 wake_flags);
	void (*enqueue)(struct task_struct *p, __u64 enq_flags);
	void (*dispatch)(__s32 cpu, struct task_struct *prev);
	void (*tick)(struct task_struct *p);
	void (*running)(struct task_struct *p);
	void (*stopping)(struct task_struct *p, bool runnable);
	void (*cpu_online)(__s32 cpu);
	void (*cpu_offline)(__s32 cpu);
	__s32 (*init_task)(struct task_struct *p, struct scx_init_task_args *args);
	void (*enable)(struct task_struct *p);
	__s32 (*init)(void);
	void (*exit)(struct scx_exit_info *info);
	__u64 flags;
	char name[128];
};

enum scx_exit_kind {
	SCX_EXIT_NONE
};

struct scx_exit_info {
	enum scx_exit_kind kind;
	const char *reason;
	char *msg;
} __attribute__((preserve_access_index));

#endif
