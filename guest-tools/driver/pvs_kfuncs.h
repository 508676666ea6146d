/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The kfuncs of sluice_pvsched.ko, for BPF programs: include after vmlinux.h (or linux/bpf.h) and
 * bpf/bpf_helpers.h. docs/pvsched/guest.md has them as a table.
 *
 * For programs of the types tracing (fentry, fexit, tp_btf, ...), struct_ops
 * (sched_ext) and syscall. A program that calls one holds a reference to the module: it
 * cannot be unloaded before the program. Without a device, while it is reset and on a CPU that is
 * going offline the kfuncs answer NULL, 0 or -ENODEV; nothing is remembered for later.
 *
 * All are weak: a program can ask bpf_ksym_exists() and be loaded where the module is older.
 *
 * "This CPU" is the one the program runs on. Times are guest's CLOCK_MONOTONIC in ns, as
 * bpf_ktime_get_ns(). CPUs are guest's numbers; the module knows which vCPU each is. None of these
 * sleeps or takes a lock, none but kick and doorbell leaves the guest, all are fit for NMI unless
 * it says otherwise.
 */
#ifndef SLUICE_PVS_KFUNCS_H
#define SLUICE_PVS_KFUNCS_H

#ifndef __ksym
#define __ksym __attribute__((section(".ksyms")))
#endif
#ifndef __weak
#define __weak __attribute__((weak))
#endif

/*
 * The guest's page (struct pvs_guest_page) of @cpu, to write: @rdwr_buf_size bytes of it, a
 * constant, at most PVS_PAGE_STRIDE. NULL: no device, or more bytes than there are. A page has one
 * writer, its CPU: write that of another only where the word has no other writer. Programs that
 * may sleep call it under bpf_rcu_read_lock() and do not use the page after bpf_rcu_read_unlock():
 * the device may be another by then.
 */
extern __u8 *sluice_pvs_hint_page(__u32 cpu, const __u64 rdwr_buf_size) __ksym __weak;

/* The host's page (struct pvs_host_page) of @cpu, read-only; the rest as for the hint page. */
extern __u8 *sluice_pvs_host_page(__u32 cpu, const __u64 rdonly_buf_size) __ksym __weak;

/*
 * Line @line, 0 to PVS_OPAQUE_LINES - 1, of the guest's opaque page, to write: @rdwr_buf_size bytes
 * of its 64. The host's policy is given line v % PVS_OPAQUE_LINES with whatever happens to vCPU v,
 * for which sluice_pvs_vcpu_of() is; a kick makes that now. Words are seen whole, a line may be
 * seen in part. NULL: no device, no such line, more bytes than it has, or PVS_F_OPAQUE was not
 * negotiated. As for the hint page: programs that may sleep, and who writes.
 */
extern __u8 *sluice_pvs_opaque_line(__u32 line, const __u64 rdwr_buf_size) __ksym __weak;

/* The same line of the host's opaque page, read-only: what the policy published there. Its word 0
 * is stored last. */
extern __u8 *sluice_pvs_host_opaque_line(__u32 line, const __u64 rdonly_buf_size) __ksym __weak;

/* PVS_F_* that were negotiated, 0: no device now. */
extern __u64 sluice_pvs_features(void) __ksym __weak;

/* vCPU of a CPU, CPU of a vCPU: for the wait word, the ring's arguments and the host's SMT sibling.
 * -ENOENT: there is none, -ENODEV. */
extern int sluice_pvs_vcpu_of(__u32 cpu) __ksym __weak;
extern int sluice_pvs_cpu_of(__u32 vcpu) __ksym __weak;

/*
 * intent of this CPU: one release store of all of it, and intent_ns. @class enum pvs_class, @nice
 * -20..19, @prio 0..99, @pending PVS_PENDING_*. -EINVAL: out of range, nothing was stored.
 */
extern int sluice_pvs_set_intent(__u32 class, __s32 nice, __u32 prio, __u32 pending) __ksym __weak;

/*
 * Only the pending flags of @cpu's intent, which may be another CPU: set PVS_PENDING_* of @set,
 * then clear those of @clear. Atomic against the CPU's own store, which wins if it comes later.
 * Does nothing, and returns 0, if they are so already.
 */
extern int sluice_pvs_set_pending(__u32 cpu, __u32 set, __u32 clear) __ksym __weak;

/*
 * This CPU enters, leaves a critical section; they nest, and interrupts may enter their own in
 * between. @why one or more PVS_CS_*, which stay shown until the outermost exit. What enters must
 * not be moved to another CPU before it leaves. -EINVAL: no such reason; exit without enter.
 */
extern int sluice_pvs_enter(__u32 why) __ksym __weak;
extern int sluice_pvs_exit(__u32 why) __ksym __weak;

/*
 * Line 2 of this CPU, under its seqlock: @runtime ns within @deadline of each period's start, every
 * @period; @deadline 0: none. -EINVAL unless runtime <= deadline <= period; -EBUSY in NMI.
 */
extern int sluice_pvs_set_deadline(__u64 runtime, __u64 deadline, __u64 period) __ksym __weak;

/* When an RT task will next wake here, 0: not known. -EBUSY in NMI. */
extern int sluice_pvs_set_next_event(__u64 when) __ksym __weak;

/*
 * This CPU waits for what @cpu holds or does: @reason enum pvs_wait_reason, PVS_WAIT_NONE when it
 * no longer does; @cpu PVS_WAIT_NOBODY: not known for whom. -EINVAL, -ENOENT: no such CPU.
 */
extern int sluice_pvs_wait(__u32 cpu, __u32 reason) __ksym __weak;

/*
 * Put an event into this CPU's ring: @type enum pvs_ring_type, stamped with the time. No exit; the
 * host takes it at its next tick, or at a doorbell. -ENOSPC: no room, and -EBUSY: in NMI, both
 * counted in ring_lost; -EINVAL.
 */
extern int sluice_pvs_emit(__u32 type, __u32 arg) __ksym __weak;

/* The host takes @cpu's ring now; the policy looks at @cpu now. Each is an exit, about 1 us of the
 * CPU's time, and rate-limited by the host. */
extern int sluice_pvs_doorbell(__u32 cpu) __ksym __weak;
extern int sluice_pvs_kick(__u32 cpu) __ksym __weak;

/*
 * Ask for an answer about this CPU's boost: the number stored, which the host's page shows in
 * ticket once it is answered, with reject beside it. 0: no device, or the feature is not there.
 */
extern __u64 sluice_pvs_ticket(void) __ksym __weak;

/*
 * What this CPU is to be interrupted for: PVS_NOTIFY_*. The module then calls, on whatever CPU the
 * interrupt came to,
 *
 *	void sluice_pvs_notified(u32 cpu)
 *
 * which does nothing and is there for fentry programs. -EINVAL.
 */
extern int sluice_pvs_set_notify(__u32 what) __ksym __weak;

#endif
