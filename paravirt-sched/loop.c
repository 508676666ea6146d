/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The thread that drives VMs. It sleeps in epoll until a post, a timer or a watched descriptor
 * wakes it; while it is awake a post makes no system call, since it looks into every mailbox again
 * before it sleeps. What others want done is done between two rounds, in this thread.
 */
#include <bpf_engine.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "loop_internal.h"
#include "sched_sys.h"

#define MAX_EVENTS 16
/* The loop's own slice: short, so that it gets a CPU soon when it is woken. */
#define LOOP_SLICE_NS 100000u
/* It is preferred until it runs for more than a quarter of a window, and again when it runs for
 * less than an eighth. */
#define SELF_WINDOW_NS   100000000u
#define SELF_SHARE       4u
#define SELF_SHARE_AGAIN 8u

struct watch;

/* ---- What others want done ----------------------------------------------------------------- */

/* Run the calls that wait, in the order they came in. They find VMs that know the time. */
static void run_calls(struct pvs_loop *loop)
{
	struct call *call, **last;

	for (struct loop_vm *l = loop->vms; l; l = l->list)
		pvs_heard(l->vm, pvs_clock_ns());
	pthread_mutex_lock(&loop->lock);
	while (loop->calls) {
		for (last = &loop->calls; (*last)->list; last = &(*last)->list)
			;
		call = *last;
		*last = NULL;
		pthread_mutex_unlock(&loop->lock);
		call->fn(call->opaque);
		pthread_mutex_lock(&loop->lock);
		call->done = true;
		if (call->posted)
			free(call);
		else
			pthread_cond_broadcast(&loop->done);
	}
	pthread_mutex_unlock(&loop->lock);
}

/* ---- A round ------------------------------------------------------------------------------- */

/* Events of one vCPU: what it did, in an order that ends with what it does now, then what it asks.
 */
static void deliver(void *opaque, uint32_t vcpu, uint32_t events, uint32_t last)
{
	struct loop_vm *l = opaque;

	/* Where the host's scheduler tells, budgets go by what a vCPU is said to do: one that its
	 * own process says to be halted would run for nothing. */
	if (l->vm->sources & PVS_SRC_SWITCH && pvs_mailbox_foreign(l->mailbox)) {
		events &= ~PVS_POST_STATES;
		last = 0;
	}
	l->states |= last != 0;
	for (uint32_t e = PVS_EVENT_VCPU_RUN; e <= PVS_EVENT_HALT; e++)
		if (events & 1u << e && e != last)
			pvs_vm_event(l->vm, vcpu, (enum pvs_event)e, l->now);
	if (last)
		pvs_vm_event(l->vm, vcpu, (enum pvs_event)last, l->now);
	if (events & 1u << PVS_EVENT_KICK)
		pvs_vm_event(l->vm, vcpu, PVS_EVENT_KICK, l->now);
	if (events & PVS_POST_DOORBELL)
		pvs_vm_doorbell(l->vm, vcpu, l->now);
}

/* Posts are not rate-limited where they are written, and in another process's hands need not even
 * be posts: who has the loop run more often than this gets no attention before its next tick. */
#define STIRS_BURST   64
#define STIR_EVERY_NS 5000

static void listen_to(struct pvs_loop *loop, struct loop_vm *l, bool listen)
{
	struct epoll_event event = {.events = listen ? EPOLLIN | EPOLLET : 0, .data.ptr = l->bell};

	if (l->deaf != listen)
		return;
	l->deaf = !listen;
	epoll_ctl(loop->epoll, EPOLL_CTL_MOD, l->bell->fd, &event);
}

static bool storms(const struct loop_vm *l)
{
	return l->stirs > STIRS_BURST &&
	       l->stirs - STIRS_BURST > (l->now - l->since) / STIR_EVERY_NS;
}

static void run_vm(struct pvs_loop *loop, struct loop_vm *l)
{
	const uint64_t limited = l->vm->rate_limited;

	l->now = pvs_clock_ns();
	l->states = false;
	pvs_mailbox_take(l->mailbox, deliver, l);
	pvs_bucket_charge(&l->wakes, l->now, l->states ? STATE_WAKE_COST : 0);
	if (l->vm->rate_limited != limited || storms(l))
		listen_to(loop, l, false);
	if (l->now >= l->vm->next_tick) {
		listen_to(loop, l, true);
		l->stirs = 0;
		l->since = l->now;
		l->next = pvs_vm_tick(l->vm, l->now);
	} else {
		l->next = pvs_vm_expire(l->vm, l->now);
	}
}

static void arm(struct pvs_loop *loop, uint64_t next)
{
	const struct itimerspec at = {
		.it_value = {.tv_sec = (time_t)(next / 1000000000u),
			     .tv_nsec = (long)(next % 1000000000u)},
	};
	const struct itimerspec never = {0};

	if (next == loop->armed)
		return;
	timerfd_settime(loop->timer, TFD_TIMER_ABSTIME, next == UINT64_MAX ? &never : &at, NULL);
	loop->armed = next;
}

/* What is to wake the loop for this VM: what its guest asks, and what its vCPUs do if the policy
 * wants to hear of it and it has not been too often. */
static uint32_t wanted(const struct loop_vm *l)
{
	uint32_t events = PVS_POST_ALL & ~PVS_POST_STATES;

	if (l->wakes.level_ns >= STATE_WAKE_COST)
		events |= l->vm->callbacks & PVS_POST_STATES;
	return events;
}

/* Every VM's posts wake the loop from now on. False: something was posted meanwhile. */
static bool may_sleep(struct pvs_loop *loop)
{
	bool sleep = true;

	for (struct loop_vm *l = loop->vms; l; l = l->list) {
		pvs_mailbox_set_heard(l->mailbox, pvs_vm_hears(l->vm));
		if (!l->deaf && !pvs_mailbox_sleep(l->mailbox, wanted(l))) {
			l->stirs++;
			sleep = false;
		}
	}
	return sleep;
}

static void free_dead(struct pvs_loop *loop)
{
	while (loop->dead) {
		struct watch *w = loop->dead;

		loop->dead = w->list;
		free(w);
	}
}

static void wait_events(struct pvs_loop *loop)
{
	struct epoll_event events[MAX_EVENTS];
	int n = epoll_wait(loop->epoll, events, MAX_EVENTS, may_sleep(loop) ? -1 : 0);

	for (struct loop_vm *l = loop->vms; l; l = l->list)
		pvs_mailbox_wake(l->mailbox);
	for (int i = 0; i < n; i++) {
		struct watch *w = events[i].data.ptr;

		if (w && w->fn)
			w->fn(w->opaque, w->fd);
	}
	free_dead(loop);
	if (pvs_clock_ns() >= loop->armed)
		loop->armed = UINT64_MAX; /* it rang */
}

/* The loop runs a few us at a time, and what it does matters most when CPUs are short: it takes
 * what it is permitted of being run soon, be it only the slice. */
static void prefer_self(struct pvs_loop *loop)
{
	struct pvs_sched_attr plain = loop->plain;
	struct pvs_sched_attr attr = {
		.policy = PVS_SCHED_OTHER, .nice = -20, .runtime = LOOP_SLICE_NS};

	if (loop->greedy) {
		pvs_sys_setattr(0, &plain);
		return;
	}
	if (!pvs_sys_setattr(0, &attr) || pvs_sys_getattr(0, &attr) || attr.policy)
		return;
	attr.runtime = LOOP_SLICE_NS;
	pvs_sys_setattr(0, &attr);
}

/* A vCPU that it made FIFO would keep the loop from taking that back: where a VM may have FIFO the
 * loop is above it. */
static void outrank_vms(struct pvs_loop *loop)
{
	struct pvs_sched_attr attr = {.policy = PVS_SCHED_FIFO};
	uint32_t most = 0;

	for (const struct loop_vm *l = loop->vms; l; l = l->list) {
		const uint32_t prio = pvs_vm_fifo_prio(l->vm);

		if (prio > most)
			most = prio;
	}
	if (most == loop->fifo_prio)
		return;
	loop->fifo_prio = most;
	attr.priority = most < 99 ? most + 1 : 99;
	if (!most || pvs_sys_setattr(0, &attr))
		prefer_self(loop);
}

/*
 * A guest may keep the loop busy, as one that negotiates again and again: what it runs for it no
 * budget pays for. It is preferred while that is little. Above FIFO vCPUs it stays, or they would
 * keep it from ending their boosts.
 */
static void limit_self(struct pvs_loop *loop)
{
	const uint64_t elapsed = pvs_since(loop->heard, loop->window_at);
	struct timespec ts;
	uint64_t ran, used;
	bool greedy;

	if (elapsed < SELF_WINDOW_NS)
		return;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	ran = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
	used = ran - loop->window_ran;
	loop->window_at = loop->heard;
	loop->window_ran = ran;
	greedy = used > elapsed / (loop->greedy ? SELF_SHARE_AGAIN : SELF_SHARE);
	if (greedy == loop->greedy)
		return;
	loop->greedy = greedy;
	if (!loop->fifo_prio)
		prefer_self(loop);
}

static void round_of(struct pvs_loop *loop)
{
	uint64_t next = UINT64_MAX;

	__atomic_store_n(&loop->heard, pvs_clock_ns(), __ATOMIC_RELAXED);
	run_calls(loop);
	for (struct loop_vm *l = loop->vms; l; l = l->list) {
		run_vm(loop, l);
		if (l->next < next)
			next = l->next;
	}
	outrank_vms(loop);
	limit_self(loop);
	arm(loop, next);
	if (!loop->stop)
		wait_events(loop);
}

static void *loop_main(void *opaque)
{
	struct pvs_loop *loop = opaque;

	pthread_setname_np(pthread_self(), loop->name);
	bpfe_thread_register();
	pvs_sys_getattr(0, &loop->plain);
	loop->window_at = pvs_clock_ns();
	prefer_self(loop);
	pthread_mutex_lock(&loop->lock);
	loop->tid = (pid_t)syscall(SYS_gettid);
	loop->ready = true;
	pthread_cond_broadcast(&loop->done);
	pthread_mutex_unlock(&loop->lock);
	while (!loop->stop)
		round_of(loop);
	bpfe_thread_unregister();
	return NULL;
}

/* ---- Its life ------------------------------------------------------------------------------ */

static void drain_wake(void *opaque, int fd)
{
	uint64_t count;
	const ssize_t n = read(fd, &count, sizeof(count));

	(void)n;
}

/* Descriptors: edges of the timer need no read. */
static int open_fds(struct pvs_loop *loop)
{
	int err;

	loop->epoll = epoll_create1(EPOLL_CLOEXEC);
	loop->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	loop->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loop->epoll < 0 || loop->timer < 0 || loop->wake < 0)
		return -errno;
	err = pvs_loop_add_fd(loop, loop->timer, EPOLLIN | EPOLLET, NULL);
	if (err)
		return err;
	loop->watches = calloc(1, sizeof(*loop->watches));
	if (!loop->watches)
		return -ENOMEM;
	*loop->watches = (struct watch){.fd = loop->wake, .fn = drain_wake};
	return pvs_loop_add_fd(loop, loop->wake, EPOLLIN, loop->watches);
}

static void loop_free(struct pvs_loop *loop)
{
	while (loop->watches) {
		struct watch *w = loop->watches;

		loop->watches = w->list;
		free(w);
	}
	free_dead(loop);
	if (loop->epoll >= 0)
		close(loop->epoll);
	if (loop->timer >= 0)
		close(loop->timer);
	if (loop->wake >= 0)
		close(loop->wake);
	pthread_cond_destroy(&loop->done);
	pthread_mutex_destroy(&loop->lock);
	free(loop);
}

/* Who waits for a call may give up, by the clock that is not set. */
static void init_done(struct pvs_loop *loop)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&loop->done, &attr);
	pthread_condattr_destroy(&attr);
}

static int start(struct pvs_loop *loop)
{
	const int err = -pthread_create(&loop->thread, NULL, loop_main, loop);

	if (err)
		return err;
	pthread_mutex_lock(&loop->lock);
	while (!loop->ready)
		pthread_cond_wait(&loop->done, &loop->lock);
	pthread_mutex_unlock(&loop->lock);
	return 0;
}

/* The watchdog takes it too, and is not to wait for a thread that has no CPU. */
static void init_lock(struct pvs_loop *loop)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT);
	pthread_mutex_init(&loop->lock, &attr);
	pthread_mutexattr_destroy(&attr);
}

int pvs_loop_create(const char *thread_name, struct pvs_loop **out, struct pvs_log *log)
{
	struct pvs_loop *loop = calloc(1, sizeof(*loop));
	int err;

	if (!loop)
		return -ENOMEM;
	loop->epoll = loop->timer = loop->wake = -1;
	loop->armed = UINT64_MAX;
	loop->heard = pvs_clock_ns();
	snprintf(loop->name, sizeof(loop->name), "%s", thread_name);
	init_lock(loop);
	init_done(loop);
	err = open_fds(loop);
	if (!err)
		err = start(loop);
	if (err) {
		loop_free(loop);
		return pvs_refuse(log, err,
				  "scheduling loop: %s; a thread and a few descriptors are needed",
				  strerrorname_np(-err));
	}
	*out = loop;
	return 0;
}

static void stop_loop(void *opaque)
{
	((struct pvs_loop *)opaque)->stop = true;
}

void pvs_loop_destroy(struct pvs_loop *loop)
{
	if (!loop)
		return;
	pvs_loop_call(loop, stop_loop, loop);
	pthread_join(loop->thread, NULL);
	while (loop->vms)
		pvs_loop_drop(loop, loop->vms->vm);
	loop_free(loop);
}

pid_t pvs_loop_tid(const struct pvs_loop *loop)
{
	return loop->tid;
}

uint64_t pvs_loop_heard(const struct pvs_loop *loop)
{
	return __atomic_load_n(&loop->heard, __ATOMIC_RELAXED);
}
