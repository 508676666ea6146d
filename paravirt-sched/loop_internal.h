/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A loop's insides: loop.c is its thread, loop_control.c what others ask of it. */
#ifndef PVS_LOOP_INTERNAL_H
#define PVS_LOOP_INTERNAL_H

#include <pthread.h>

#include "clock.h"
#include "mailbox.h"
#include "sched_sys.h"
#include "vm.h"

/* What vCPUs do wakes the loop so often, and so many times at once; more of it waits for a tick or
 * a kick. A guest that halts ten thousand times a second would else cost as many wake-ups. */
#define STATE_WAKES_PER_S 4000u
#define STATE_WAKES_BURST 16u
#define STATE_WAKE_COST   (1000000000u / STATE_WAKES_PER_S)

struct loop_vm {
	struct pvs_vm *vm;
	struct pvs_mailbox *mailbox;
	bool own_mailbox;
	uint64_t now;            /* of this round */
	bool deaf;               /* storms: its posts do not wake the loop before the next tick */
	bool states;             /* this round there was something that a vCPU did */
	struct pvs_bucket wakes; /* ns, in which a wake-up for such costs STATE_WAKE_COST */
	struct watch *bell;      /* of its mailbox's eventfd */
	uint64_t stirs;          /* how often it kept the loop awake or woke it since... */
	uint64_t since;          /* ...its last tick */
	uint64_t next;           /* when it wants to be called again */
	struct loop_vm *list;
};

struct watch {
	int fd;
	void (*fn)(void *opaque, int fd);
	void *opaque;
	struct watch *list;
};

struct call {
	void (*fn)(void *opaque);
	void *opaque;
	bool done;
	bool posted; /* nobody waits: freed when it was run */
	struct call *list;
};

struct pvs_loop {
	pthread_t thread;
	pid_t tid;
	char name[16];
	int epoll, timer, wake;
	uint64_t armed; /* what the timer is set to; UINT64_MAX: nothing */
	uint64_t heard; /* atomic: begin of the last round */
	bool stop;
	struct loop_vm *vms;
	uint32_t fifo_prio;          /* its own, 0: none */
	struct pvs_sched_attr plain; /* how it was scheduled when it began */
	bool greedy;                 /* it runs too much to be preferred */
	uint64_t window_at, window_ran;
	struct watch *watches, *dead;

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t done;
	struct call *calls;
	bool ready;
};

/* loop_control.c */
/* Have epoll tell of @events on @fd; @ptr is its struct watch or NULL. -errno. */
int pvs_loop_add_fd(struct pvs_loop *loop, int fd, uint32_t events, void *ptr);
/* Have it run a round soon. */
void pvs_loop_ring(struct pvs_loop *loop);
/* In the loop's thread, or when it has ended. */
void pvs_loop_drop(struct pvs_loop *loop, const struct pvs_vm *vm);

#endif
