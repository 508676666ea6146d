// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Calls a kfunc many times and reads the clock before and after.
 */
#include <linux/types.h>
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "bench.h"
#include "pvs_kfuncs.h"
#include "sluice/pvsched.h"

extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;

/* Each loop is a function of its own, so that the verifier follows them one after another. */
static __always_inline __u64 empty(void)
{
	__u64 start = bpf_ktime_get_ns();

	for (int i = 0; i < BENCH_LOOPS; i++)
		asm volatile("" ::: "memory");
	return bpf_ktime_get_ns() - start;
}

static __always_inline __u64 intent(void)
{
	__u64 start = bpf_ktime_get_ns();

	for (int i = 0; i < BENCH_LOOPS; i++)
		sluice_pvs_set_intent(PVS_CLASS_NORMAL, 0, 0, 0);
	return bpf_ktime_get_ns() - start;
}

/* Set and clear in turn: both change the word. */
static __always_inline __u64 pending(__u32 cpu)
{
	__u64 start = bpf_ktime_get_ns();

	for (int i = 0; i < BENCH_LOOPS / 2; i++) {
		sluice_pvs_set_pending(cpu, PVS_PENDING_LOCK, 0);
		sluice_pvs_set_pending(cpu, 0, PVS_PENDING_LOCK);
	}
	return bpf_ktime_get_ns() - start;
}

static __always_inline __u64 enter_exit(void)
{
	__u64 start = bpf_ktime_get_ns();

	for (int i = 0; i < BENCH_LOOPS; i++) {
		sluice_pvs_enter(PVS_CS_EXPLICIT);
		sluice_pvs_exit(PVS_CS_EXPLICIT);
	}
	return bpf_ktime_get_ns() - start;
}

static __always_inline __u64 page(__u32 cpu, int *err)
{
	__u64 word = (__u64)PVS_CLASS_NORMAL | 20ull << PVS_INTENT_NICE_SHIFT, start, ns = 0;
	volatile __u64 *intent;

	bpf_rcu_read_lock();
	intent = (volatile __u64 *)sluice_pvs_hint_page(cpu, 64);
	if (intent) {
		start = bpf_ktime_get_ns();
		for (int i = 0; i < BENCH_LOOPS; i++)
			*intent = word + ((__u64)i << PVS_INTENT_GEN_SHIFT);
		ns = bpf_ktime_get_ns() - start;
	} else {
		*err = -19; /* ENODEV */
	}
	bpf_rcu_read_unlock();
	return ns;
}

static __always_inline __u64 emit(void)
{
	__u64 start = bpf_ktime_get_ns();

	for (int i = 0; i < BENCH_LOOPS; i++)
		sluice_pvs_emit(PVS_RING_MARK, i);
	return bpf_ktime_get_ns() - start;
}

static __always_inline __u64 kick(__u32 cpu)
{
	__u64 start = bpf_ktime_get_ns();

	for (int i = 0; i < BENCH_KICKS; i++)
		sluice_pvs_kick(cpu);
	return bpf_ktime_get_ns() - start;
}

SEC("syscall")
int bench(struct bench_run *run)
{
	__u32 cpu = bpf_get_smp_processor_id();

	run->err = sluice_pvs_vcpu_of(cpu) < 0 ? -19 : 0;
	if (run->err)
		return 0;
	switch (run->op) {
	case BENCH_EMPTY:
		run->ns = empty();
		break;
	case BENCH_INTENT:
		run->err = sluice_pvs_set_intent(PVS_CLASS_NORMAL, 0, 0, 0);
		run->ns = intent();
		break;
	case BENCH_PENDING:
		run->err = sluice_pvs_set_pending(cpu, 0, PVS_PENDING_LOCK);
		run->ns = pending(cpu);
		break;
	case BENCH_ENTER_EXIT:
		run->err = sluice_pvs_enter(PVS_CS_EXPLICIT);
		sluice_pvs_exit(PVS_CS_EXPLICIT);
		run->ns = enter_exit();
		break;
	case BENCH_PAGE:
		run->ns = page(cpu, &run->err);
		break;
	case BENCH_EMIT:
		run->ns = emit();
		break;
	case BENCH_KICK:
		run->err = sluice_pvs_kick(cpu);
		run->ns = kick(cpu);
		break;
	default:
		run->err = -22; /* EINVAL */
	}
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
