/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What publisher.bpf.c and its loader both know. */
#ifndef PUBLISHER_H
#define PUBLISHER_H

/* Hints, bits of `hints`. */
#define PUB_CLASS    0x01u
#define PUB_RT       0x02u
#define PUB_DEADLINE 0x04u
#define PUB_IRQ      0x08u
#define PUB_SOFTIRQ  0x10u
#define PUB_LOCK     0x20u
#define PUB_USER     0x40u

/* Ring events, bits of `ring`. */
#define PUB_RING_SWITCH 0x1u
#define PUB_RING_WAKEUP 0x2u
#define PUB_RING_IRQ    0x4u
#define PUB_RING_LOCK   0x8u

/* When to leave the guest, bits of `kick`. */
#define PUB_KICK_WAKEUP  0x1u
#define PUB_KICK_LOCK    0x2u
#define PUB_KICK_DEBOOST 0x4u

#define PUB_CPUS  1024 /* of which the publisher speaks; a power of two */
#define PUB_SLEEP 4    /* sleeping RT tasks that a CPU remembers; a power of two */

enum pub_counter {
	PUB_N_INTENT, /* stores of intent */
	PUB_N_CS,     /* stores of cs */
	PUB_N_DEADLINE,
	PUB_N_SLEEP,      /* RT tasks that went to sleep with a timer... */
	PUB_N_SLEEP_LOST, /* ...and were too many to be remembered */
	PUB_N_WAIT,       /* spins for a kernel lock... */
	PUB_N_WAIT_OWNED, /* ...whose owner was known, and running */
	PUB_N_KICK_WAKEUP,
	PUB_N_KICK_LOCK,
	PUB_N_KICK_DEBOOST,
	PUB_N_RING_LOST,
	PUB_N_MAX
};

/* An RT task that sleeps on this CPU until its timer. */
struct pub_sleep {
	__u64 expires; /* guest's clock, ns */
	__u32 pid;     /* 0: free */
	__u32 reserved;
};

/* One CPU's. Written by that CPU, but for `stale` and `look`. */
struct pub_cpu {
	__u32 flags; /* PVS_PENDING_* that last from one switch to the next */
	__u32 stale; /* another CPU took something of this one's: look again */
	__u32 shown; /* low word of intent as it was last stored */
	__u32 look;  /* the page may say something else: look at it at the next switch */
	__u32 armed_pid;
	__u32 dl_pid; /* whose deadline the page shows */
	__u64 armed;  /* when armed_pid's timer expires */
	__u32 dl_serial;
	__u32 wait_cpu; /* whose owner was marked by this CPU's wait, + 1 */
	struct pub_sleep sleep[PUB_SLEEP];
	__u64 count[PUB_N_MAX];
} __attribute__((aligned(64)));

#endif
