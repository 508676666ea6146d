/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * A scheduler for sched_ext that follows grants (scx.h): nice, slice and priority of threads, put
 * into a map by host.bpf.c at the very switch, or by the VM's loop through the program `settle`.
 *
 * Threads without a grant get what they are used to: a share by their nice value, in turns of a few
 * ms. There are two queues for all CPUs. SCX_QUEUE_FAIR is ordered by virtual deadlines: who asked
 * for a short slice goes sooner, not longer. SCX_QUEUE_FIRST is that of the threads with a
 * priority, and is empty but for boosts. What a thread runs is charged to its virtual time, boosted
 * or not.
 *
 * When it ends, however it ends, the kernel gives all threads back to the fair class.
 */
#include <asm-generic/errno-base.h>
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "scx_again.h"
#include "scx_maps.h"

char _license[] SEC("license") = "Dual BSD/GPL";

#define TURN_MAX 100000000u /* ns of virtual time that a slice is, at most */
#define DEBT_MAX 100000000u /* that a thread has had before others, at most */
#define PRIO_END 100        /* above all */
#define TRIES    4
#define SEARCH   64 /* CPUs that are looked at for one thread */

/* Set before it is loaded. */
const volatile struct scx_config config;

struct thread {
	__u64 vtime;    /* ns that it ran, as long as for nice 0 */
	__u64 deadline; /* vtime at which its slice will be used up */
	__u64 since;    /* when it began to run */
	__u32 prio;     /* it runs by */
	__u32 slept;    /* since it ran last */
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct thread);
} thread_of SEC(".maps");

/* Who runs on a CPU; 0: idle, or a thread of another class. */
struct cpu {
	__s32 tid;
	__u32 coming; /* priority of who was sent there to preempt it */
	__u32 bound;  /* it is a kernel thread of this CPU */
	__u32 reserved;
	__u64 deadline;
};

static struct cpu cpus[SCX_CPUS];
static __u64 vtime_now;
static __u32 nr_cpus;

static __always_inline struct cpu *cpu_at(__u32 cpu)
{
	return &cpus[cpu & (SCX_CPUS - 1)];
}

static __always_inline bool before(__u64 a, __u64 b)
{
	return (__s64)(a - b) < 0;
}

/* ---- What a thread is granted ---------------------------------------------------------------- */

static __always_inline __u64 word_of(__s32 tid)
{
	const struct scx_grant *grant = bpf_map_lookup_elem(&grants, &tid);

	return grant ? grant_in_force(grant, bpf_ktime_get_ns()) : 0;
}

/* What its deadline is by. */
static __always_inline __u64 slice_by(__u64 word)
{
	return grant_slice_ns(word) ?: config.slice_ns;
}

/* What it may run without being looked at: a slice is nothing that others pay for. */
static __always_inline __u64 run_by(__u64 word)
{
	const __u64 slice = slice_by(word);

	return slice < config.slice_ns ? slice : config.slice_ns;
}

static __always_inline __u32 weight_by(const struct task_struct *p, __u64 word)
{
	const __u32 i = (__u32)(grant_nice(word) + 20);
	const __u32 weight = word & GRANT_NICE && i < SCX_NICES ? config.weight[i] : p->scx.weight;

	return weight ?: 1;
}

/* ---- Virtual time ---------------------------------------------------------------------------- */

/* A slice. */
static __always_inline __u64 turn(const struct task_struct *p, __u64 word)
{
	const __u64 ns = slice_by(word) * SCX_WEIGHT_NORMAL / weight_by(p, word);

	return ns < TURN_MAX ? ns : TURN_MAX;
}

/*
 * Who has not run for long is ahead of the others by a turn at most, and who ran alone, or with a
 * priority, is behind by no more than can be waited for: the kernel ends a scheduler that lets a
 * thread wait for 30 s.
 */
static __always_inline void limit_lag(struct thread *thread, __u64 turn_ns)
{
	const __u64 earliest = vtime_now - turn_ns, latest = vtime_now + turn_ns + DEBT_MAX;

	if (before(thread->vtime, earliest))
		thread->vtime = earliest;
	else if (before(latest, thread->vtime))
		thread->vtime = latest;
}

static __always_inline void set_deadline(const struct task_struct *p, struct thread *thread,
					 __u64 word)
{
	const __u64 ns = turn(p, word);

	limit_lag(thread, ns);
	thread->deadline = thread->vtime + ns;
}

/* @p, which runs, is charged for what it has had. */
static __always_inline void charge(const struct task_struct *p, struct thread *thread, __u64 word)
{
	const __u64 now = bpf_ktime_get_ns();

	thread->vtime += (now - thread->since) * SCX_WEIGHT_NORMAL / weight_by(p, word);
	thread->since = now;
}

static __always_inline struct thread *thread_at(struct task_struct *p)
{
	return bpf_task_storage_get(&thread_of, p, 0, 0);
}

/* ---- Where to -------------------------------------------------------------------------------- */

/* The priority of who runs on @cpu, or is about to; -1: nobody of ours. */
static __always_inline __s32 prio_on(__u32 cpu)
{
	const __s32 tid = *(volatile __s32 *)&cpu_at(cpu)->tid;
	const __u32 coming = *(volatile __u32 *)&cpu_at(cpu)->coming;
	const __u32 prio = tid ? grant_prio(word_of(tid)) : 0;

	if (tid && *(volatile __u32 *)&cpu_at(cpu)->bound)
		return PRIO_END;
	return tid || coming ? (__s32)(coming > prio ? coming : prio) : -1;
}

/* A CPU for @p that runs a lesser priority than @prio, the least of all; -1: none. */
static __always_inline __s32 weakest_cpu(const struct task_struct *p, __u32 prio)
{
	__s32 least = (__s32)prio, found = -1, there;
	struct scx_iter_num it;
	const int *cpu;

	bpf_iter_num_new(&it, 0, nr_cpus < SEARCH ? (int)nr_cpus : SEARCH);
	while ((cpu = bpf_iter_num_next(&it))) {
		there = prio_on(*cpu);
		if (there < 0 || there >= least || !bpf_cpumask_test_cpu(*cpu, p->cpus_ptr))
			continue;
		least = there;
		found = *cpu;
	}
	bpf_iter_num_destroy(&it);
	return found;
}

/* @p runs on @cpu next, and at once if that is idle or SCX_ENQ_PREEMPT is among @flags. */
static __always_inline void send_to(struct task_struct *p, __s32 cpu, __u64 slice, __u64 flags)
{
	scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL_ON | (__u32)cpu, slice, flags);
}

/* Like FIFO: instead of whoever has a lesser priority, or next when there is none. */
static __always_inline void queue_first(struct task_struct *p, __u64 word, __u64 flags)
{
	const __u32 prio = grant_prio(word);
	const __s32 cpu = weakest_cpu(p, prio);

	if (cpu < 0) {
		scx_bpf_dsq_insert_vtime(p, SCX_QUEUE_FIRST, run_by(word), PRIO_END - prio, flags);
		return;
	}
	*(volatile __u32 *)&cpu_at(cpu)->coming = prio;
	send_to(p, cpu, run_by(word), flags | SCX_ENQ_PREEMPT);
}

/* Who asked for a short slice does not wait for the end of another's, if it is due before. */
static __always_inline bool goes_at_once(const struct thread *thread, __s32 cpu, __u64 word)
{
	return grant_slice_ns(word) && slice_by(word) < config.slice_ns && !prio_on(cpu) &&
	       before(thread->deadline, cpu_at(cpu)->deadline);
}

/* ---- Into a queue ---------------------------------------------------------------------------- */

SEC("struct_ops/select_cpu")
__s32 pvs_select_cpu(unsigned long long *ctx)
{
	struct task_struct *p = (struct task_struct *)ctx[0];
	bool idle = false;
	const __s32 cpu = scx_bpf_select_cpu_dfl(p, (__s32)ctx[1], ctx[2], &idle);

	if (idle)
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, run_by(word_of(p->pid)), 0);
	return cpu;
}

/* Work that belongs to one CPU, of which others wait for the end. */
static __always_inline bool is_cpu_kthread(const struct task_struct *p)
{
	return p->flags & PF_KTHREAD && p->nr_cpus_allowed == 1;
}

/* Its value is not the same in all kernels. */
static __always_inline __u64 cpu_selected(void)
{
	return bpf_core_enum_value(enum scx_enq_flags, SCX_ENQ_CPU_SELECTED);
}

/* Also for those that wait, when the grant of one was changed: SCX_ENQ_REENQ. */
SEC("struct_ops/enqueue")
void pvs_enqueue(unsigned long long *ctx)
{
	struct task_struct *p = (struct task_struct *)ctx[0];
	const __u64 flags = ctx[1], word = word_of(p->pid);
	struct thread *thread = thread_at(p);
	__s32 cpu;

	if (!thread || is_cpu_kthread(p)) {
		scx_bpf_dsq_insert(p, SCX_DSQ_LOCAL, config.slice_ns,
				   flags & SCX_ENQ_WAKEUP ? flags | SCX_ENQ_PREEMPT : flags);
		return;
	}
	set_deadline(p, thread, word);
	/* Whom pvs_select_cpu() was not asked for may have an idle CPU yet. */
	cpu = flags & cpu_selected() ? -1 : scx_bpf_pick_idle_cpu(p->cpus_ptr, 0);
	if (cpu >= 0) {
		send_to(p, cpu, run_by(word), flags);
		return;
	}
	if (grant_prio(word)) {
		queue_first(p, word, flags);
		return;
	}
	cpu = scx_bpf_task_cpu(p);
	if (flags & SCX_ENQ_WAKEUP && goes_at_once(thread, cpu, word))
		send_to(p, cpu, run_by(word), flags | SCX_ENQ_PREEMPT);
	else
		scx_bpf_dsq_insert_vtime(p, SCX_QUEUE_FAIR, run_by(word), thread->deadline, flags);
}

/* ---- Out of it ------------------------------------------------------------------------------- */

struct waiting {
	__u32 prio; /* 0: none */
	__u64 deadline;
};

/* Who is the first in @queue that @cpu may run? False: nobody. */
static __always_inline bool first_waiting(__u64 queue, __u32 cpu, struct waiting *first)
{
	struct bpf_iter_scx_dsq it;
	const struct thread *thread;
	struct task_struct *p;
	bool found = false;

	if (!bpf_iter_scx_dsq_new(&it, queue, 0)) {
		while (!found && (p = bpf_iter_scx_dsq_next(&it))) {
			thread = thread_at(p);
			found = thread && bpf_cpumask_test_cpu(cpu, p->cpus_ptr);
			if (!found)
				continue;
			first->prio = grant_prio(word_of(p->pid));
			first->deadline = thread->deadline;
		}
	}
	bpf_iter_scx_dsq_destroy(&it);
	return found;
}

/* Its slice is used up, and it is still the first of all. */
static __always_inline bool goes_on(struct task_struct *p, __u32 cpu, __u64 word)
{
	struct thread *thread = thread_at(p);
	const __u32 prio = grant_prio(word);
	struct waiting first;
	bool waits, fair;

	if (!thread)
		return false;
	charge(p, thread, word);
	/* Also for one whose priority is over, and which is not sorted yet. */
	waits = first_waiting(SCX_QUEUE_FIRST, cpu, &first);
	if (waits && (!prio || first.prio > prio))
		return false;
	fair = first_waiting(SCX_QUEUE_FAIR, cpu, &first);
	/* What it had alone it took from nobody. */
	if (!waits && !fair && before(vtime_now, thread->vtime))
		thread->vtime = vtime_now;
	set_deadline(p, thread, word);
	/* Like FIFO: until it sleeps, or one of a higher priority wants to run. */
	return prio || !fair || !before(first.deadline, thread->deadline);
}

SEC("struct_ops/dispatch")
void pvs_dispatch(unsigned long long *ctx)
{
	struct task_struct *prev = (struct task_struct *)ctx[1];
	const bool stays = prev && prev->scx.flags & SCX_TASK_QUEUED;
	const __u64 word = stays ? word_of(prev->pid) : 0;

	if (!stays || !goes_on(prev, (__u32)ctx[0], word)) {
		if (scx_bpf_dsq_move_to_local(SCX_QUEUE_FIRST) ||
		    scx_bpf_dsq_move_to_local(SCX_QUEUE_FAIR))
			return;
	}
	if (stays)
		prev->scx.slice = run_by(word);
}

/* ---- On a CPU -------------------------------------------------------------------------------- */

SEC("struct_ops/running")
void pvs_running(unsigned long long *ctx)
{
	struct task_struct *p = (struct task_struct *)ctx[0];
	struct cpu *cpu = cpu_at(scx_bpf_task_cpu(p));
	struct thread *thread = thread_at(p);

	*(volatile __u32 *)&cpu->coming = 0;
	*(volatile __u32 *)&cpu->bound = is_cpu_kthread(p);
	if (!thread)
		return;
	/* Who went straight to an idle CPU has none yet. */
	if (thread->slept || !before(thread->vtime, thread->deadline))
		set_deadline(p, thread, word_of(p->pid));
	thread->slept = 0;
	if (before(vtime_now, thread->vtime))
		vtime_now = thread->vtime;
	thread->since = bpf_ktime_get_ns();
	thread->prio = grant_prio(word_of(p->pid));
	cpu->deadline = thread->deadline;
	*(volatile __s32 *)&cpu->tid = p->pid;
}

SEC("struct_ops/stopping")
void pvs_stopping(unsigned long long *ctx)
{
	struct task_struct *p = (struct task_struct *)ctx[0];
	struct thread *thread = thread_at(p);

	*(volatile __s32 *)&cpu_at(scx_bpf_task_cpu(p))->tid = 0;
	if (!thread)
		return;
	charge(p, thread, word_of(p->pid));
	thread->slept = !(ctx[1] & 1);
}

/* A thread that has lost its priority goes on as any other. */
SEC("struct_ops/tick")
void pvs_tick(unsigned long long *ctx)
{
	struct task_struct *p = (struct task_struct *)ctx[0];
	struct thread *thread = thread_at(p);

	if (thread && thread->prio && !grant_prio(word_of(p->pid))) {
		thread->prio = 0;
		p->scx.slice = 0;
	}
}

/* ---- Grants from user space ------------------------------------------------------------------ */

/* Put @what there instead of @old. 0: it is, or is not to be; -EAGAIN: there is another by now. */
static __always_inline int replace(struct scx_grant *grant, const struct scx_settle *what,
				   __u64 old)
{
	const __u64 serial = old & GRANT_SERIAL, sched = what->word & GRANT_SCHED;
	/* What came later stays: the VM is there, and will come to it. */
	const bool late = what->answers && serial != (what->word & GRANT_SERIAL);
	const __u64 word = late ? old | GRANT_HEARD : serial | sched;

	if (word == old)
		return 0;
	if (__sync_val_compare_and_swap(&grant->word, old, word) != old)
		return -EAGAIN;
	if (!late && (old ^ word) & GRANT_SCHED)
		scx_look_again(what->tid, old);
	return 0;
}

/* Put a grant there, as it was judged. -ENOENT: no such thread; -EAGAIN: the kernel does all the
 * time, and will be answered. */
SEC("syscall")
int settle(struct scx_settle *what)
{
	const struct scx_settle mine = *what;
	struct scx_grant *grant = bpf_map_lookup_elem(&grants, &mine.tid);
	int err = -EAGAIN;

	if (!grant)
		return -ENOENT;
	for (int i = 0; i < TRIES && err; i++)
		err = replace(grant, &mine, *(volatile __u64 *)&grant->word);
	return err;
}

/* ---- Life ------------------------------------------------------------------------------------ */

SEC("struct_ops/init_task")
__s32 pvs_init_task(unsigned long long *ctx)
{
	struct task_struct *p = (struct task_struct *)ctx[0];

	return bpf_task_storage_get(&thread_of, p, 0, BPF_LOCAL_STORAGE_GET_F_CREATE) ? 0 : -ENOMEM;
}

SEC("struct_ops/enable")
void pvs_enable(unsigned long long *ctx)
{
	struct thread *thread = thread_at((struct task_struct *)ctx[0]);

	if (thread)
		thread->vtime = thread->deadline = vtime_now;
}

/* That there are none would end the scheduler when a CPU comes or goes. */
SEC("struct_ops/cpu_online")
void pvs_cpu_online(void)
{
}

SEC("struct_ops/cpu_offline")
void pvs_cpu_offline(unsigned long long *ctx)
{
	*(volatile __s32 *)&cpu_at((__u32)ctx[0])->tid = 0;
}

SEC("struct_ops/init")
__s32 pvs_init(void)
{
	__s32 err = scx_bpf_create_dsq(SCX_QUEUE_FAIR, -1);

	nr_cpus = scx_bpf_nr_cpu_ids();
	return err ?: scx_bpf_create_dsq(SCX_QUEUE_FIRST, -1);
}

SEC("struct_ops/exit")
void pvs_exit(unsigned long long *ctx)
{
	const struct scx_exit_info *info = (struct scx_exit_info *)ctx[0];
	const __u32 first = 0;
	struct scx_shared *shared = bpf_map_lookup_elem(&scx_of, &first);

	if (!shared)
		return;
	bpf_probe_read_kernel_str(shared->end_reason, sizeof(shared->end_reason), info->reason);
	bpf_probe_read_kernel_str(shared->end_message, sizeof(shared->end_message), info->msg);
	/* Last: who sees it reads the texts. */
	barrier();
	*(volatile __u32 *)&shared->end_kind = (__u32)info->kind;
}

SEC(".struct_ops")
struct sched_ext_ops scheduler = {
	.select_cpu = (void *)pvs_select_cpu,
	.enqueue = (void *)pvs_enqueue,
	.dispatch = (void *)pvs_dispatch,
	.running = (void *)pvs_running,
	.stopping = (void *)pvs_stopping,
	.tick = (void *)pvs_tick,
	.init_task = (void *)pvs_init_task,
	.enable = (void *)pvs_enable,
	.cpu_online = (void *)pvs_cpu_online,
	.cpu_offline = (void *)pvs_cpu_offline,
	.init = (void *)pvs_init,
	.exit = (void *)pvs_exit,
	.name = "sluice_pvs",
};
