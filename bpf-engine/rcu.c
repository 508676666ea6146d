/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Read-copy-update: liburcu's memb flavour. Its headers define names like QEMU's own RCU, so they
 * are included here and nowhere else.
 */
#include <urcu/urcu-memb.h>
#include "rcu.h"

/* Registrations of this thread; liburcu wants exactly one. */
static _Thread_local unsigned registered;

/* Deferred calls that have not finished. */
static atomic_ulong pending;

_Static_assert(sizeof(struct rcu_head) <= sizeof(((struct bpfe_rcu_head *)0)->private),
	       "room for liburcu's head");

void bpfe_thread_register(void)
{
	if (registered++ == 0)
		urcu_memb_register_thread();
}

void bpfe_thread_unregister(void)
{
	if (--registered == 0)
		urcu_memb_unregister_thread();
}

void bpfe_rcu_read_lock(void)
{
	urcu_memb_read_lock();
}

void bpfe_rcu_read_unlock(void)
{
	urcu_memb_read_unlock();
}

void bpfe_rcu_synchronize(void)
{
	urcu_memb_synchronize_rcu();
}

void bpfe_rcu_prepare(void)
{
	urcu_memb_get_default_call_rcu_data();
}

static void run_deferred(struct rcu_head *urcu)
{
	struct bpfe_rcu_head *head = (struct bpfe_rcu_head *)urcu;

	/* liburcu registered its own thread, which our count does not know. */
	registered++;
	head->fn(head);
	registered--;
	atomic_fetch_sub(&pending, 1);
}

void bpfe_rcu_call(struct bpfe_rcu_head *head, void (*fn)(struct bpfe_rcu_head *head))
{
	head->fn = fn;
	atomic_fetch_add(&pending, 1);
	/* call_rcu() opens a read section, for which the thread has to be known. */
	bpfe_thread_register();
	urcu_memb_call_rcu((struct rcu_head *)head->private, run_deferred);
	bpfe_thread_unregister();
}

void bpfe_rcu_barrier(void)
{
	/*
	 * Deferred work defers more: freeing a program puts its maps, whose last recycling must
	 * end before they are freed in turn. Bounded, in case other threads never cease.
	 */
	for (unsigned round = 0; round < 16; round++) {
		urcu_memb_barrier();
		if (atomic_load(&pending) == 0)
			return;
	}
}
