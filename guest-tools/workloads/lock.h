/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Locks of user space that know who holds them. */
#ifndef LOCK_H
#define LOCK_H

#include <pthread.h>
#include <stdint.h>

#include "pvs_self.h"

enum lock_kind {
	LOCK_SPIN,   /* spins until it is free */
	LOCK_TICKET, /* spins, in the order of arrival */
	LOCK_MUTEX,  /* sleeps in the kernel */
};

struct lock {
	enum lock_kind kind;
	uint32_t word __attribute__((aligned(64)));
	uint32_t next, serving; /* tickets */
	/* The holder's CPU + 1, for those who wait. */
	uint32_t holder_cpu __attribute__((aligned(64)));
	pthread_mutex_t mutex;
};

void lock_init(struct lock *lock, enum lock_kind kind);
/* Tells the host that it holds, or for whom it waits, as far as @self may. */
void lock_take(struct lock *lock, struct pvs_self_thread *self);
void lock_release(struct lock *lock, struct pvs_self_thread *self);

#endif
