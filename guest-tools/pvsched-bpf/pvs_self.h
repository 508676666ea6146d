/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What a thread says of itself while the publisher is loaded: that it holds a lock, for whom it
 * waits, and which deadline it keeps. A few stores, no system call. The words on a vCPU's page are
 * stored in restartable sequences (rseq(2)), so a thread that is moved to another CPU in between
 * does not write on a page that is no longer its own; at a switch the publisher takes them away
 * with the thread and puts them on the page of the CPU where it goes on.
 *
 * Needs root, as the pages do. No function but open blocks. Threads may share a struct pvs_self.
 */
#ifndef PVS_SELF_H
#define PVS_SELF_H

#include <stdint.h>

struct pvs_self;

/* -ENOENT: the publisher is not loaded; -ENODEV: no device; -EPERM, -EACCES: needs root;
 * -EOPNOTSUPP: no rseq here. */
int pvs_self_open(struct pvs_self **self);
/* Threads that were added no longer call anything. */
void pvs_self_close(struct pvs_self *self);

/* One thread's. Zeroed, it says nothing: so all calls below are fit for a thread without. */
struct pvs_self_thread {
	struct pvs_self *self;
	void *slot;
};

/* The calling thread. -EBUSY: another thread has its slot (their ids are the same modulo 4096). */
int pvs_self_add(struct pvs_self *self, struct pvs_self_thread *thread);
/* By the same thread; what it said is taken back. */
void pvs_self_remove(struct pvs_self_thread *thread);

/* Around a critical section; they may nest. */
void pvs_self_enter(struct pvs_self_thread *thread);
void pvs_self_exit(struct pvs_self_thread *thread);

/* The CPU this thread runs on, to be told to those who wait for it. */
uint32_t pvs_self_cpu(void);
/* It spins for what a thread holds that was last seen on @cpu; ~0u: no longer. */
void pvs_self_wait(struct pvs_self_thread *thread, uint32_t cpu);

/* It needs @runtime ns within @deadline of the start of each @period; deadline 0: no longer. In
 * effect from the next switch to the thread on. */
void pvs_self_deadline(struct pvs_self_thread *thread, uint64_t runtime, uint64_t deadline,
		       uint64_t period);

#endif
