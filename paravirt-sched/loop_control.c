/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What other threads ask of a loop: it does it in its own, between two rounds. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "loop_internal.h"

void pvs_loop_ring(struct pvs_loop *loop)
{
	const uint64_t one = 1;
	const ssize_t n = write(loop->wake, &one, sizeof(one));

	(void)n;
}

static void queue(struct pvs_loop *loop, struct call *call)
{
	call->list = loop->calls;
	loop->calls = call;
	pvs_loop_ring(loop);
}

/* False: it is being run. */
static bool take_back(struct pvs_loop *loop, const struct call *call)
{
	struct call **at = &loop->calls;

	while (*at && *at != call)
		at = &(*at)->list;
	if (!*at)
		return false;
	*at = call->list;
	return true;
}

/* Wait for what was queued, with the lock. */
static int wait_done(struct pvs_loop *loop, const struct call *call, uint64_t ns)
{
	const uint64_t now = pvs_clock_ns(), at = ns < UINT64_MAX - now ? now + ns : UINT64_MAX;
	const struct timespec until = {.tv_sec = (time_t)(at / 1000000000u),
				       .tv_nsec = (long)(at % 1000000000u)};
	int err = 0;

	while (!call->done && at != UINT64_MAX && err != ETIMEDOUT)
		err = pthread_cond_timedwait(&loop->done, &loop->lock, &until);
	if (!call->done && at != UINT64_MAX && take_back(loop, call))
		return -ETIMEDOUT;
	while (!call->done)
		pthread_cond_wait(&loop->done, &loop->lock);
	return 0;
}

int pvs_loop_call_within(struct pvs_loop *loop, void (*fn)(void *opaque), void *opaque, uint64_t ns)
{
	struct call call = {.fn = fn, .opaque = opaque};
	int err;

	if (pthread_equal(pthread_self(), loop->thread)) {
		fn(opaque);
		return 0;
	}
	pthread_mutex_lock(&loop->lock);
	/* cppcheck-suppress autoVariables ; it is taken out before this returns */
	queue(loop, &call);
	err = wait_done(loop, &call, ns);
	pthread_mutex_unlock(&loop->lock);
	return err;
}

void pvs_loop_call(struct pvs_loop *loop, void (*fn)(void *opaque), void *opaque)
{
	pvs_loop_call_within(loop, fn, opaque, UINT64_MAX);
}

int pvs_loop_post(struct pvs_loop *loop, void (*fn)(void *opaque), void *opaque)
{
	struct call *call = malloc(sizeof(*call));

	if (!call)
		return -ENOMEM;
	*call = (struct call){.fn = fn, .opaque = opaque, .posted = true};
	pthread_mutex_lock(&loop->lock);
	queue(loop, call);
	pthread_mutex_unlock(&loop->lock);
	return 0;
}

unsigned pvs_loop_waiting(struct pvs_loop *loop)
{
	unsigned n = 0;

	pthread_mutex_lock(&loop->lock);
	for (const struct call *call = loop->calls; call; call = call->list)
		n++;
	pthread_mutex_unlock(&loop->lock);
	return n;
}

int pvs_loop_add_fd(struct pvs_loop *loop, int fd, uint32_t events, void *ptr)
{
	struct epoll_event event = {.events = events, .data.ptr = ptr};

	return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
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

	c->err = pvs_loop_add_fd(c->loop, bell->fd, EPOLLIN | EPOLLET, bell);
	if (c->err)
		return;
	c->entry->since = pvs_clock_ns();
	c->vm->mailbox = c->entry->mailbox;
	c->entry->list = c->loop->vms;
	c->loop->vms = c->entry;
}

static void bell_rang(void *opaque, int fd)
{
	((struct loop_vm *)opaque)->stirs++;
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

void pvs_loop_drop(struct pvs_loop *loop, const struct pvs_vm *vm)
{
	struct loop_vm **at = find_vm(loop, vm), *l = *at;

	if (!l)
		return;
	*at = l->list;
	l->vm->mailbox = NULL;
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

	pvs_loop_drop(c->loop, c->vm);
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
	c->err = pvs_loop_add_fd(c->loop, w->fd, EPOLLIN, w);
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
