/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The threads that the Linux actuator captured: what they had, and back to it, by whoever has to:
 * the one who changes them, or another thread because that one is stuck.
 */
#include "actuator_linux.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* How long a cgroup that a thread is just leaving is waited for at the end: a second. */
#define TIDY_EVERY_NS 2000000
#define TIDY_TRIES    500

/* Who holds the lock is to get a CPU while the watchdog, which outranks all, would want it. */
void pvs_threads_init(struct pvs_linux *lin)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(&lin->lock, &attr);
	pthread_mutexattr_destroy(&attr);
}

/* How often threads were restored by others than the one who changes them. */
static uint32_t undone(const struct pvs_linux *lin)
{
	return __atomic_load_n(&lin->rescued, __ATOMIC_ACQUIRE) +
	       (lin->guard ? pvs_guard_tripped(lin->guard) : 0);
}

/* May we change it at all? Tried by setting what it has. Ours we may. */
static int try_foreign(pid_t tid, const struct pvs_sched_attr *attr)
{
	struct pvs_sched_attr copy = *attr;
	char path[64];
	int n;

	n = snprintf(path, sizeof(path), "/proc/self/task/%d", (int)tid);
	if (n < (int)sizeof(path) && access(path, F_OK) == 0)
		return 0;
	return pvs_sys_setattr(tid, &copy);
}

static void now_is_baseline(struct pvs_thread *thread)
{
	thread->now.attr = thread->base->attr;
	memcpy(thread->now.affinity, thread->base->affinity, sizeof(thread->now.affinity));
	thread->now.weight = 0;
}

/* Without a descriptor (kernel before 6.9, not the process's first thread): by its start. */
bool pvs_threads_is_same(const struct pvs_thread *thread)
{
	if (thread->pidfd >= 0)
		return pvs_sys_pidfd_alive(thread->pidfd);
	return pvs_thread_start(thread->base->tid) == thread->base->start;
}

/* ---- Capture and release --------------------------------------------------------------------- */

static int capture(struct pvs_linux *lin, struct pvs_thread *thread, pid_t tid)
{
	struct pvs_baseline *base = thread->base;
	int ret;

	thread->pidfd = pvs_sys_pidfd(tid);
	ret = pvs_baseline_capture(base, tid, lin->probe.default_slice);
	if (ret < 0)
		return ret;
	/* What was captured is that of the thread behind pidfd, if that is still there. */
	if (thread->pidfd >= 0 && !pvs_sys_pidfd_alive(thread->pidfd))
		return -ESRCH;
	ret = try_foreign(tid, &base->attr);
	if (ret == 0 && lin->has_cgroup)
		ret = pvs_cgroup_home(&lin->cgroup, tid, base->home, sizeof(base->home));
	now_is_baseline(thread);
	thread->undone = undone(lin);
	return ret;
}

static void remember(struct pvs_linux *lin, struct pvs_thread *thread)
{
	pthread_mutex_lock(&lin->lock);
	thread->next = lin->threads;
	lin->threads = thread;
	pthread_mutex_unlock(&lin->lock);
}

static void forget(struct pvs_linux *lin, const struct pvs_thread *thread)
{
	struct pvs_thread **at = &lin->threads;

	pthread_mutex_lock(&lin->lock);
	while (*at && *at != thread)
		at = &(*at)->next;
	if (*at)
		*at = thread->next;
	pthread_mutex_unlock(&lin->lock);
}

static void close_pidfd(struct pvs_thread *thread)
{
	if (thread->pidfd >= 0)
		close(thread->pidfd);
	thread->pidfd = -1;
}

static void thread_free(struct pvs_linux *lin, struct pvs_thread *thread)
{
	close_pidfd(thread);
	if (lin->guard && thread->base)
		pvs_guard_give(lin->guard, thread->base);
	free(thread);
}

/* What a second capture took for the baseline would be what the first one's owner gave it. */
static bool is_captured(const struct pvs_linux *lin, pid_t tid)
{
	for (const struct pvs_thread *t = lin->threads; t; t = t->next)
		if (t->base->tid == tid && pvs_threads_is_same(t))
			return true;
	return false;
}

int pvs_threads_capture(void *opaque, pid_t tid, void **out)
{
	struct pvs_linux *lin = opaque;
	struct pvs_thread *thread;
	int ret;

	if (tid <= 0)
		return -ESRCH;
	pvs_threads_tidy(lin);
	if (is_captured(lin, tid))
		return -EBUSY;
	thread = calloc(1, sizeof(*thread));
	if (!thread)
		return -ENOMEM;
	thread->pidfd = -1;
	thread->base = lin->guard ? pvs_guard_take(lin->guard) : &thread->unguarded;
	ret = thread->base ? capture(lin, thread, tid) : -ENOSPC;
	if (ret < 0) {
		thread_free(lin, thread);
		return ret;
	}
	remember(lin, thread);
	*out = thread;
	return 0;
}

/* ---- Back to the baseline -------------------------------------------------------------------- */

void pvs_threads_heed(const struct pvs_linux *lin, struct pvs_thread *thread)
{
	const uint32_t now = undone(lin);

	if (now == thread->undone)
		return;
	thread->undone = now;
	/* Whoever does it may still be at it: what is not reached yet is done here. */
	pvs_baseline_restore(thread->base);
	now_is_baseline(thread);
}

/* Done in one way only, which is also the guard's. */
void pvs_threads_restore(void *opaque, void *handle)
{
	struct pvs_thread *thread = handle;
	struct pvs_baseline *base = thread->base;

	if (!__atomic_load_n(&base->dirty, __ATOMIC_RELAXED) && !base->own[0]) {
		now_is_baseline(thread);
		return;
	}
	if (pvs_threads_is_same(thread))
		pvs_baseline_restore(base);
	else
		pvs_baseline_restore_checked(base);
	now_is_baseline(thread);
}

void pvs_threads_release(void *opaque, void *handle)
{
	struct pvs_linux *lin = opaque;
	struct pvs_thread *thread = handle;

	pvs_threads_restore(lin, thread);
	forget(lin, thread);
	if (!thread->base->own[0]) {
		thread_free(lin, thread);
		return;
	}
	close_pidfd(thread);
	thread->next = lin->leaving;
	lin->leaving = thread;
}

bool pvs_threads_tidy(struct pvs_linux *lin)
{
	struct pvs_thread **at = &lin->leaving, *thread;

	while ((thread = *at)) {
		if (!pvs_baseline_tidy(thread->base)) {
			at = &thread->next;
			continue;
		}
		*at = thread->next;
		thread_free(lin, thread);
	}
	return !lin->leaving;
}

/* What the guard is to see to stays in its table, which is not given back. */
void pvs_threads_close(struct pvs_linux *lin)
{
	const struct timespec pause = {.tv_nsec = TIDY_EVERY_NS};
	struct pvs_thread *thread;

	for (int i = 0; i < TIDY_TRIES && !pvs_threads_tidy(lin) && !lin->guard; i++)
		nanosleep(&pause, NULL);
	while ((thread = lin->leaving)) {
		lin->leaving = thread->next;
		free(thread);
	}
	pthread_mutex_destroy(&lin->lock);
}

/* The lock is held by others for a few instructions: if now, it will be free at the next look. */
void pvs_threads_rescue(void *opaque)
{
	struct pvs_linux *lin = opaque;

	if (pthread_mutex_trylock(&lin->lock))
		return;
	for (const struct pvs_thread *t = lin->threads; t; t = t->next) {
		if (!__atomic_load_n(&t->base->dirty, __ATOMIC_ACQUIRE))
			continue;
		__atomic_add_fetch(&lin->rescued, 1, __ATOMIC_RELEASE);
		if (pvs_threads_is_same(t))
			pvs_baseline_rescue(t->base);
		/* Who looked in between took what was not restored yet for restored. */
		__atomic_add_fetch(&lin->rescued, 1, __ATOMIC_RELEASE);
	}
	pthread_mutex_unlock(&lin->lock);
}
