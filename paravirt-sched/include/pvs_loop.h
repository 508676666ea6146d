/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The thread that drives VMs, and how others reach it. Included by pvs.h. */
#ifndef PVS_LOOP_H
#define PVS_LOOP_H

#include "pvs.h"

/* ---- The loop (loop.c) ----------------------------------------------------------------------- */

/*
 * A thread that drives one or several VMs: timerfd for ticks and ends of boosts, eventfds for
 * kicks. It is the only one that touches them; everything below may be called from any thread.
 */
struct pvs_loop;

int pvs_loop_create(const char *thread_name, struct pvs_loop **loop, struct pvs_log *log);
void pvs_loop_destroy(struct pvs_loop *loop); /* VMs are taken out first */
pid_t pvs_loop_tid(const struct pvs_loop *loop);
/* When it last began a round, for a watchdog: with a VM it does so every tenth tick at least. */
uint64_t pvs_loop_heard(const struct pvs_loop *loop);

/* @n_vcpus words through which events are posted: shared with another process, or NULL: own ones.
 */
struct pvs_mailbox;

/* The VM is the loop's until pvs_loop_remove(), which blocks until the loop let go of it. */
int pvs_loop_add(struct pvs_loop *loop, struct pvs_vm *vm, struct pvs_mailbox *mailbox,
		 struct pvs_log *log);
void pvs_loop_remove(struct pvs_loop *loop, struct pvs_vm *vm);
/* The one of @vm; NULL: the loop does not have the VM. */
struct pvs_mailbox *pvs_loop_mailbox(struct pvs_loop *loop, const struct pvs_vm *vm);

/* Run @fn in the loop's thread, registered with the engine, and wait for it: control plane. From
 * the loop itself: at once. */
void pvs_loop_call(struct pvs_loop *loop, void (*fn)(void *opaque), void *opaque);
/* The same, for a loop that may be stuck: -ETIMEDOUT if it has not begun within @ns, and then it
 * never will. What has begun is waited for. */
int pvs_loop_call_within(struct pvs_loop *loop, void (*fn)(void *opaque), void *opaque,
			 uint64_t ns);
/* Have @fn run there, after what was asked before, and do not wait. -ENOMEM. */
int pvs_loop_post(struct pvs_loop *loop, void (*fn)(void *opaque), void *opaque);

/* How many of these have not begun. */
unsigned pvs_loop_waiting(struct pvs_loop *loop);

/* Have the loop watch @fd (EPOLLIN); @fn runs in its thread. NULL: no longer. -EEXIST, -ENOENT,
 * -EPERM: not a file that can be watched. */
int pvs_loop_watch(struct pvs_loop *loop, int fd, void (*fn)(void *opaque, int fd), void *opaque);

/* ---- Watchdog: does the loop answer? (watchdog.c) ---------------------------------------------
 */

/*
 * A thread of its own, above FIFO vCPUs where it may be, that has the loop answer four times within
 * @silence_ns. A loop that does not, be it stuck or without a CPU, is stuck: what it has in effect
 * would stay for ever. Time in which the process as a whole did not run does not count.
 */
struct pvs_watchdog;
struct pvs_watchdog_config {
	struct pvs_loop *loop;
	uint64_t silence_ns; /* 0: 1 s */
	/* All in the watchdog's thread; they wait for nobody, least of all for the loop. */
	void (*begun)(void *opaque); /* before it looks; may be NULL */
	void (*changed)(void *opaque, bool stuck, uint64_t silent_ns);
	void (*restore)(void *opaque); /* while it is stuck, at each look: undo what it did */
	void *opaque;
};
/* -errno, explained in @log. Destroyed before its loop. */
int pvs_watchdog_create(const struct pvs_watchdog_config *config, struct pvs_watchdog **watchdog,
			struct pvs_log *log);
void pvs_watchdog_destroy(struct pvs_watchdog *watchdog);
bool pvs_watchdog_stuck(const struct pvs_watchdog *watchdog);        /* now; any thread */
uint64_t pvs_watchdog_silences(const struct pvs_watchdog *watchdog); /* how often it was */

/* ---- Mailbox: events from other threads, without a lock (mailbox.c) -------------------------- */

/*
 * In a memfd, so that another process may be the loop. Per vCPU a word of pending events, set with
 * an atomic or; and an eventfd, written when the loop may sleep.
 */
int pvs_mailbox_create(uint32_t n_vcpus, struct pvs_mailbox **mailbox);
int pvs_mailbox_from_fds(int memfd, int eventfd, uint32_t n_vcpus, struct pvs_mailbox **mailbox);
void pvs_mailbox_destroy(struct pvs_mailbox *mailbox);
int pvs_mailbox_memfd(const struct pvs_mailbox *mailbox);
int pvs_mailbox_eventfd(const struct pvs_mailbox *mailbox);

/* Any thread, any time, no lock, no allocation; a system call only if the loop sleeps. Events of
 * one kind about one vCPU that the loop has not seen yet become one; of RUN, STOP and HALT it knows
 * the last. These wake the loop only if the policy has a callback for them, and 4000 times a second
 * at most; else they are seen at the next tick. */
#define PVS_POST_DOORBELL (1u << 31)
void pvs_mailbox_post(struct pvs_mailbox *mailbox, uint32_t vcpu, uint32_t events);
/* Is one of @events worth a post now? Not to be asked for what the guest itself asks. */
bool pvs_mailbox_hears(const struct pvs_mailbox *mailbox, uint32_t events);
/* By a vCPU's thread, of itself: it holds, or no longer, a lock of the VMM that other vCPUs and
 * service threads wait for. A store; a policy that is asked about the vCPU while it is preempted is
 * told (struct pvs_ctx, held). */
void pvs_mailbox_lock(struct pvs_mailbox *mailbox, uint32_t vcpu, bool locked);

#endif
