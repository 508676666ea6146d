/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#include "lock.h"

#include <stdbool.h>
#include <string.h>

/* Tries before the host is told: most waits are shorter than that. */
#define SPINS_UNTOLD 200

static void relax(void)
{
#ifdef __x86_64__
	__builtin_ia32_pause();
#endif
}

void lock_init(struct lock *lock, enum lock_kind kind)
{
	memset(lock, 0, sizeof(*lock));
	lock->kind = kind;
	pthread_mutex_init(&lock->mutex, NULL);
}

static bool try_spin(struct lock *lock)
{
	return !__atomic_load_n(&lock->word, __ATOMIC_RELAXED) &&
	       !__atomic_exchange_n(&lock->word, 1, __ATOMIC_ACQUIRE);
}

/* The host is told again when another thread holds the lock. */
static void tell_wait(struct lock *lock, struct pvs_self_thread *self)
{
	pvs_self_wait(self, __atomic_load_n(&lock->holder_cpu, __ATOMIC_RELAXED) - 1);
}

static void take_spin(struct lock *lock, struct pvs_self_thread *self)
{
	uint32_t spins = 0;

	while (!try_spin(lock)) {
		relax();
		if (++spins % SPINS_UNTOLD == 0)
			tell_wait(lock, self);
	}
	if (spins >= SPINS_UNTOLD)
		pvs_self_wait(self, ~0u);
}

static void take_ticket(struct lock *lock, struct pvs_self_thread *self)
{
	uint32_t ticket = __atomic_fetch_add(&lock->next, 1, __ATOMIC_RELAXED), spins = 0;

	while (__atomic_load_n(&lock->serving, __ATOMIC_ACQUIRE) != ticket) {
		relax();
		if (++spins % SPINS_UNTOLD == 0)
			tell_wait(lock, self);
	}
	if (spins >= SPINS_UNTOLD)
		pvs_self_wait(self, ~0u);
}

void lock_take(struct lock *lock, struct pvs_self_thread *self)
{
	switch (lock->kind) {
	case LOCK_SPIN:
		take_spin(lock, self);
		break;
	case LOCK_TICKET:
		take_ticket(lock, self);
		break;
	case LOCK_MUTEX:
		pthread_mutex_lock(&lock->mutex);
		break;
	}
	pvs_self_enter(self);
	__atomic_store_n(&lock->holder_cpu, pvs_self_cpu() + 1, __ATOMIC_RELAXED);
}

void lock_release(struct lock *lock, struct pvs_self_thread *self)
{
	__atomic_store_n(&lock->holder_cpu, 0, __ATOMIC_RELAXED);
	switch (lock->kind) {
	case LOCK_SPIN:
		__atomic_store_n(&lock->word, 0, __ATOMIC_RELEASE);
		break;
	case LOCK_TICKET:
		__atomic_store_n(&lock->serving, lock->serving + 1, __ATOMIC_RELEASE);
		break;
	case LOCK_MUTEX:
		pthread_mutex_unlock(&lock->mutex);
		break;
	}
	/* After the release: who holds is not stopped before. */
	pvs_self_exit(self);
}
