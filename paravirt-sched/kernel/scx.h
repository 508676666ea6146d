/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * How a thread is to be scheduled, as scx.bpf.c, host.bpf.c and kernel_scx.c tell each other: one
 * word, which is replaced as a whole.
 */
#ifndef PVS_KERNEL_SCX_H
#define PVS_KERNEL_SCX_H

#include <stdbool.h>

#include "sluice/pvsched_policy.h"

#define SCX_CPUS          1024     /* that are told apart, a power of two */
#define SCX_THREADS       8192     /* whose scheduling may be changed */
#define SCX_LONGEST_NS    4000000u /* that a provisional grant may last, at most */
#define SCX_TEXT          128
#define SCX_NICES         40  /* -20..19 */
#define SCX_WEIGHT_NORMAL 100 /* of nice 0 */

/* Queues of the scheduler. */
#define SCX_QUEUE_FAIR  0
#define SCX_QUEUE_FIRST 1

/*
 * bits  0..7   nice, if GRANT_NICE
 *       8..14  priority 1..99, 0: none. It goes before everybody who has a lesser one.
 *       15     GRANT_NICE
 *       16..32 slice in us, 0: the scheduler's own
 *       33     GRANT_PROVISIONAL: put there in the kernel, not judged by the VM yet
 *       34     GRANT_HEARD: the VM has judged an earlier one since
 *       40..63 serial: counts what was put there in the kernel
 */
#define GRANT_PRIO_SHIFT   8
#define GRANT_PRIO_MASK    0x7fu
#define GRANT_NICE         (1ull << 15)
#define GRANT_SLICE_SHIFT  16
#define GRANT_SLICE_MASK   0x1ffffu
#define GRANT_PROVISIONAL  (1ull << 33)
#define GRANT_HEARD        (1ull << 34)
#define GRANT_SERIAL_SHIFT 40
#define GRANT_SCHED        ((1ull << 33) - 1)
#define GRANT_SERIAL       (~0ull << GRANT_SERIAL_SHIFT)

/* Map `grants`, by thread id. */
struct scx_grant {
	__u64 word;  /* GRANT_*; its bits of GRANT_SCHED 0: as by default */
	__u64 until; /* of a provisional one, host's clock */
};

/* Map `scx_of`, one element: between the scheduler and everybody else. */
struct scx_shared {
	__u64 in_place; /* grants that were put there in the kernel */
	__u32 end_kind; /* enum scx_exit_kind, once it ended; 0: it did not */
	__u32 reserved;
	char end_reason[SCX_TEXT], end_message[SCX_TEXT];
};

/* scx.bpf.c's read-only variable. */
struct scx_config {
	__u64 slice_ns;          /* of who asks for none */
	__u32 weight[SCX_NICES]; /* by nice + 20, share for share */
};

/* The context of scx.bpf.c's program `settle`. */
struct scx_settle {
	__s32 tid;
	__u32 answers; /* 1: to what the kernel put there as number @serial; later ones stay */
	__u64 word;    /* GRANT_SCHED, and the serial that is answered */
};

static inline __u32 grant_prio(__u64 word)
{
	return word >> GRANT_PRIO_SHIFT & GRANT_PRIO_MASK;
}

static inline __u64 grant_slice_ns(__u64 word)
{
	return (word >> GRANT_SLICE_SHIFT & GRANT_SLICE_MASK) * 1000;
}

static inline __s32 grant_nice(__u64 word)
{
	return (__s32)(__s8)(word & 0xff);
}

/* What of a grant is to be followed at @now. */
static inline __u64 grant_in_force(const struct scx_grant *grant, __u64 now)
{
	const __u64 word = *(const volatile __u64 *)&grant->word;

	if (word & GRANT_PROVISIONAL && now >= *(const volatile __u64 *)&grant->until)
		return 0;
	return word & GRANT_SCHED;
}

/*
 * What becomes of the word @old, in force until *until if it is provisional, when the kernel grants
 * @sched (GRANT_SCHED) at @now for @lasts ns; and *until, to be written after the word. 0: it stays
 * as it is.
 *
 * So long as the VM has judged none of them, provisional grants last no longer than the first: a
 * guest that changes its hints all the time gets nothing from a VM that does not answer.
 */
static inline __u64 grant_replaced(__u64 old, __u64 sched, __u64 now, __u64 lasts, __u64 *until)
{
	const bool first = !(old & GRANT_PROVISIONAL) || old & GRANT_HEARD;

	if ((old & GRANT_SCHED) == sched)
		return 0;
	/* Nothing ends with the default, but the time in which what follows has to be judged. */
	if (!sched)
		lasts = SCX_LONGEST_NS;
	if (first || (sched && now + lasts < *until))
		*until = now + lasts;
	return sched | GRANT_PROVISIONAL | ((old & GRANT_SERIAL) + (1ull << GRANT_SERIAL_SHIFT));
}

static inline __u64 grant_of_nice(__s32 nice)
{
	return GRANT_NICE | (__u8)nice;
}

static inline __u64 grant_of_prio(__u32 prio)
{
	return (__u64)(prio & GRANT_PRIO_MASK) << GRANT_PRIO_SHIFT;
}

static inline __u64 grant_of_slice(__u64 slice_ns)
{
	return (slice_ns / 1000 & GRANT_SLICE_MASK) << GRANT_SLICE_SHIFT;
}

#endif
