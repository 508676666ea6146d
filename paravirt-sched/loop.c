/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The thread that drives VMs. It sleeps in epoll until a post, a timer or a watched descriptor
 * wakes it; while it is awake a post makes no system call, since it looks into every mailbox again
 * before it sleeps. What others want done is done between two rounds, in this thread.
 */
#include <bpf_engine.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "mailbox.h"
#include "sched_sys.h"
#include "vm.h"

#define MAX_EVENTS 16
/* The loop's own slice: short, so that it gets a CPU soon when it is woken. */
#define LOOP_SLICE_NS 100000u

struct watch;

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
	struct watch *watches, *dead;

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t done;
	struct call *calls;
	bool ready;
};

static uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* ---- What others want done ----------------------------------------------------------------- */

/* Run the calls that wait, in the order they came in. They find VMs that know the time. */
static void run_calls(struct pvs_loop *loop)
{
	struct call *call, **last;

	for (struct loop_vm *l = loop->vms; l; l = l->list)
		pvs_heard(l->vm, clock_ns());
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
		pthread_cond_broadcast(&loop->done);
	}
	pthread_mutex_unlock(&loop->lock);
}

static void ring(struct pvs_loop *loop)
{
	const uint64_t one = 1;
	const ssize_t n = write(loop->wake, &one, sizeof(one));

	(void)n;
}

void pvs_loop_call(struct pvs_loop *loop, void (*fn)(void *opaque), void *opaque)
{
	struct call call = {.fn = fn, .opaque = opaque};

	if (pthread_equal(pthread_self(), loop->thread)) {
		fn(opaque);
		return;
	}
	pthread_mutex_lock(&loop->lock);
	call.list = loop->calls;
	loop->calls = &call;
	ring(loop);
	while (!call.done)
		pthread_cond_wait(&loop->done, &loop->lock);
	pthread_mutex_unlock(&loop->lock);
}

/* ---- A round ------------------------------------------------------------------------------- */

/* Events of one vCPU: what it did, in an order that ends with what it does now, then what it asks.
 */
static void deliver(void *opaque, uint32_t vcpu, uint32_t events, uint32_t last)
{
	struct loop_vm *l = opaque;

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

static void bell_rang(void *opaque, int fd)
{
	((struct loop_vm *)opaque)->stirs++;
}

static void run_vm(struct pvs_loop *loop, struct loop_vm *l)
{
	const uint64_t limited = l->vm->rate_limited;

	l->now = clock_ns();
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

	for (struct loop_vm *l = loop->vms; l; l = l->list)
		if (!l->deaf && !pvs_mailbox_sleep(l->mailbox, wanted(l))) {
			l->stirs++;
			sleep = false;
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
	if (clock_ns() >= loop->armed)
		loop->armed = UINT64_MAX; /* it rang */
}

static void round_of(struct pvs_loop *loop)
{
	uint64_t next = UINT64_MAX;

	__atomic_store_n(&loop->heard, clock_ns(), __ATOMIC_RELAXED);
	run_calls(loop);
	for (struct loop_vm *l = loop->vms; l; l = l->list) {
		run_vm(loop, l);
		if (l->next < next)
			next = l->next;
	}
	arm(loop, next);
	if (!loop->stop)
		wait_events(loop);
}

/* The loop runs a few us at a time, and what it does matters most when CPUs are short: it takes
 * what it is permitted of being run soon, be it only the slice. */
static void prefer_self(void)
{
	struct pvs_sched_attr attr = {
		.policy = PVS_SCHED_OTHER, .nice = -20, .runtime = LOOP_SLICE_NS};

	if (!pvs_sys_setattr(0, &attr) || pvs_sys_getattr(0, &attr) || attr.policy)
		return;
	attr.runtime = LOOP_SLICE_NS;
	pvs_sys_setattr(0, &attr);
}

static void *loop_main(void *opaque)
{
	struct pvs_loop *loop = opaque;

	pthread_setname_np(pthread_self(), loop->name);
	bpfe_thread_register();
	prefer_self();
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

static void remove_vm(struct pvs_loop *loop, const struct pvs_vm *vm);

/* ---- Its life ------------------------------------------------------------------------------ */

static int add_fd(struct pvs_loop *loop, int fd, uint32_t events, void *ptr)
{
	struct epoll_event event = {.events = events, .data.ptr = ptr};

	return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

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
	err = add_fd(loop, loop->timer, EPOLLIN | EPOLLET, NULL);
	if (err)
		return err;
	loop->watches = calloc(1, sizeof(*loop->watches));
	if (!loop->watches)
		return -ENOMEM;
	*loop->watches = (struct watch){.fd = loop->wake, .fn = drain_wake};
	return add_fd(loop, loop->wake, EPOLLIN, loop->watches);
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

int pvs_loop_create(const char *thread_name, struct pvs_loop **out, struct pvs_log *log)
{
	struct pvs_loop *loop = calloc(1, sizeof(*loop));
	int err;

	if (!loop)
		return -ENOMEM;
	loop->epoll = loop->timer = loop->wake = -1;
	loop->armed = UINT64_MAX;
	loop->heard = clock_ns();
	snprintf(loop->name, sizeof(loop->name), "%s", thread_name);
	pthread_mutex_init(&loop->lock, NULL);
	pthread_cond_init(&loop->done, NULL);
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
		remove_vm(loop, loop->vms->vm);
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

/* ---- VMs and descriptors ------------------------------------------------------------------- */

struct vm_call {
	struct pvs_loop *loop;
	struct pvs_vm *vm;
	struct loop_vm *entry;
	int err;
};

static void add_vm(void *opaque)
{
	struct vm_call *c = opaque;
	struct watch *bell = c->entry->bell;

	c->err = add_fd(c->loop, bell->fd, EPOLLIN | EPOLLET, bell);
	if (c->err)
		return;
	c->entry->since = clock_ns();
	c->entry->list = c->loop->vms;
	c->loop->vms = c->entry;
}

static int make_bell(struct loop_vm *entry)
{
	entry->bell = calloc(1, sizeof(*entry->bell));
	if (!entry->bell)
		return -ENOMEM;
	*entry->bell = (struct watch){
		.fd = pvs_mailbox_eventfd(entry->mailbox), .fn = bell_rang, .opaque = entry};
	return 0;
}

int pvs_loop_add(struct pvs_loop *loop, struct pvs_vm *vm, struct pvs_mailbox *mailbox,
		 struct pvs_log *log)
{
	struct loop_vm *entry = calloc(1, sizeof(*entry));
	struct vm_call c = {.loop = loop, .vm = vm, .entry = entry};

	if (!entry)
		return -ENOMEM;
	*entry = (struct loop_vm){.vm = vm, .mailbox = mailbox, .own_mailbox = !mailbox};
	pvs_bucket_init(&entry->wakes, STATE_WAKES_BURST * (uint64_t)STATE_WAKE_COST, 1000000, 0);
	if (!mailbox)
		c.err = pvs_mailbox_create(vm->n_vcpus, &entry->mailbox);
	if (!c.err)
		c.err = make_bell(entry);
	if (!c.err)
		pvs_loop_call(loop, add_vm, &c);
	if (!c.err)
		return 0;
	if (entry->own_mailbox)
		pvs_mailbox_destroy(entry->mailbox);
	free(entry->bell);
	free(entry);
	return pvs_refuse(log, c.err, "%s: its mailbox cannot be watched: %s", vm->name,
			  strerrorname_np(-c.err));
}

static struct loop_vm **find_vm(struct pvs_loop *loop, const struct pvs_vm *vm)
{
	struct loop_vm **l = &loop->vms;

	while (*l && (*l)->vm != vm)
		l = &(*l)->list;
	return l;
}

/* In the loop's thread, or when it has ended. */
static void remove_vm(struct pvs_loop *loop, const struct pvs_vm *vm)
{
	struct loop_vm **at = find_vm(loop, vm), *l = *at;

	if (!l)
		return;
	*at = l->list;
	epoll_ctl(loop->epoll, EPOLL_CTL_DEL, l->bell->fd, NULL);
	/* This round may have an event of it yet. */
	l->bell->fn = NULL;
	l->bell->list = loop->dead;
	loop->dead = l->bell;
	if (l->own_mailbox)
		pvs_mailbox_destroy(l->mailbox);
	free(l);
}

static void remove_call(void *opaque)
{
	const struct vm_call *c = opaque;

	remove_vm(c->loop, c->vm);
}

void pvs_loop_remove(struct pvs_loop *loop, struct pvs_vm *vm)
{
	struct vm_call c = {.loop = loop, .vm = vm};

	pvs_loop_call(loop, remove_call, &c);
}

static void find_mailbox(void *opaque)
{
	struct vm_call *c = opaque;

	c->entry = *find_vm(c->loop, c->vm);
}

struct pvs_mailbox *pvs_loop_mailbox(struct pvs_loop *loop, const struct pvs_vm *vm)
{
	struct vm_call c = {.loop = loop, .vm = (struct pvs_vm *)(uintptr_t)vm};

	pvs_loop_call(loop, find_mailbox, &c);
	return c.entry ? c.entry->mailbox : NULL;
}

struct watch_call {
	struct pvs_loop *loop;
	struct watch watch;
	int err;
};

static void watch_add(struct watch_call *c)
{
	struct watch *w = malloc(sizeof(*w));

	if (!w) {
		c->err = -ENOMEM;
		return;
	}
	*w = c->watch;
	c->err = add_fd(c->loop, w->fd, EPOLLIN, w);
	if (c->err) {
		free(w);
		return;
	}
	w->list = c->loop->watches;
	c->loop->watches = w;
}

/* It may stand in the events of this round: freed when they were looked at. */
static void watch_remove(struct watch_call *c)
{
	struct watch **at = &c->loop->watches, *w;

	while (*at && (*at)->fd != c->watch.fd)
		at = &(*at)->list;
	w = *at;
	if (!w) {
		c->err = -ENOENT;
		return;
	}
	*at = w->list;
	epoll_ctl(c->loop->epoll, EPOLL_CTL_DEL, w->fd, NULL);
	w->fn = NULL;
	w->list = c->loop->dead;
	c->loop->dead = w;
}

static void watch_call(void *opaque)
{
	struct watch_call *c = opaque;

	if (c->watch.fn)
		watch_add(c);
	else
		watch_remove(c);
}

int pvs_loop_watch(struct pvs_loop *loop, int fd, void (*fn)(void *opaque, int fd), void *opaque)
{
	struct watch_call c = {.loop = loop, .watch = {.fd = fd, .fn = fn, .opaque = opaque}};

	pvs_loop_call(loop, watch_call, &c);
	return c.err;
}
