/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What the host's scheduler does to real threads, as pvs_switches tells it: a thread that waits
 * halts, threads that spin on one CPU stop each other, and nobody else is heard of. Skipped where
 * bpf() does not work.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cmocka.h>

#include "pvs.h"

enum {
	THREADS = 2,
	WAIT_MS = 20000
};

/* What was heard of one thread. */
struct heard {
	pid_t tid;
	uint64_t ns; /* of the last event */
	uint32_t last, cpu;
	unsigned count[PVS_EVENT_MAX], out_of_order, wrong_place;
};

struct listener {
	struct heard heard[THREADS];
	unsigned strangers;
};

struct worker {
	pthread_t thread;
	_Atomic pid_t tid;
	int pipe[2]; /* a byte each time it is to go on */
	int cpu;
	bool spin;
	atomic_bool stop;
};

static struct pvs_switches *switches;

static void hear(void *opaque, const struct pvs_switch *event)
{
	struct listener *listener = opaque;
	struct heard *heard = &listener->heard[event->vcpu % THREADS];

	if (event->tid != heard->tid || event->vm != 7 || event->vcpu >= THREADS) {
		listener->strangers++;
		return;
	}
	/* Run and the end of running take turns. */
	if (event->ns < heard->ns ||
	    ((event->event == PVS_EVENT_VCPU_RUN) == (heard->last == PVS_EVENT_VCPU_RUN) &&
	     heard->ns))
		heard->out_of_order++;
	heard->ns = event->ns;
	heard->last = event->event;
	heard->cpu = event->cpu;
	heard->count[event->event % PVS_EVENT_MAX]++;
}

/* Listen until @count events of @event were heard of thread @index. */
static void hear_until(struct listener *listener, unsigned index, enum pvs_event event,
		       unsigned count)
{
	struct pollfd ready = {.fd = pvs_switches_fd(switches), .events = POLLIN};

	while (listener->heard[index].count[event] < count) {
		assert_int_equal(poll(&ready, 1, WAIT_MS), 1);
		pvs_switches_take(switches, hear, listener);
	}
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static void *work(void *opaque)
{
	struct worker *worker = opaque;
	char byte;

	if (worker->cpu >= 0)
		pin(worker->cpu);
	worker->tid = (pid_t)syscall(SYS_gettid);
	while (!worker->stop)
		if (!worker->spin && read(worker->pipe[0], &byte, 1) != 1)
			break;
	return NULL;
}

static void start(struct worker *worker, bool spin, int cpu)
{
	memset(worker, 0, sizeof(*worker));
	worker->spin = spin;
	worker->cpu = cpu;
	assert_int_equal(pipe(worker->pipe), 0);
	assert_int_equal(pthread_create(&worker->thread, NULL, work, worker), 0);
	while (!worker->tid)
		sched_yield();
}

static void go_on(const struct worker *worker)
{
	assert_int_equal(write(worker->pipe[1], "", 1), 1);
}

static void finish(struct worker *worker)
{
	worker->stop = true;
	go_on(worker);
	pthread_join(worker->thread, NULL);
	close(worker->pipe[0]);
	close(worker->pipe[1]);
}

static int some_cpu(void)
{
	cpu_set_t set;
	int cpu = 0;

	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	while (!CPU_ISSET(cpu, &set))
		cpu++;
	return cpu;
}

static void test_waits(void **state)
{
	struct listener listener = {0};
	struct worker worker;

	start(&worker, false, -1);
	listener.heard[0].tid = worker.tid;
	assert_int_equal(pvs_switches_add(switches, worker.tid, 7, 0), 0);
	for (unsigned halts = 1; halts <= 5; halts++) {
		go_on(&worker);
		hear_until(&listener, 0, PVS_EVENT_HALT, halts);
	}
	assert_true(listener.heard[0].count[PVS_EVENT_VCPU_RUN] >= 4);
	assert_int_equal(listener.heard[0].out_of_order, 0);
	assert_int_equal(listener.strangers, 0);
	pvs_switches_remove(switches, worker.tid);
	finish(&worker);
}

static void test_preempted(void **state)
{
	const int cpu = some_cpu();
	struct listener listener = {0};
	struct worker workers[THREADS];

	for (unsigned i = 0; i < THREADS; i++) {
		start(&workers[i], true, cpu);
		listener.heard[i].tid = workers[i].tid;
		assert_int_equal(pvs_switches_add(switches, workers[i].tid, 7, i), 0);
	}
	/* Both always want the one CPU: each stop of one is there because somebody else runs. */
	for (unsigned i = 0; i < THREADS; i++) {
		hear_until(&listener, i, PVS_EVENT_VCPU_STOP, 3);
		assert_int_equal(listener.heard[i].count[PVS_EVENT_HALT], 0);
		assert_int_equal(listener.heard[i].out_of_order, 0);
		assert_int_equal(listener.heard[i].cpu, cpu);
	}
	assert_int_equal(listener.strangers, 0);
	for (unsigned i = 0; i < THREADS; i++) {
		pvs_switches_remove(switches, workers[i].tid);
		finish(&workers[i]);
	}
}

static void test_removed(void **state)
{
	struct listener listener = {0};
	struct worker workers[THREADS];

	for (unsigned i = 0; i < THREADS; i++) {
		start(&workers[i], false, -1);
		listener.heard[i].tid = workers[i].tid;
		assert_int_equal(pvs_switches_add(switches, workers[i].tid, 7, i), 0);
	}
	go_on(&workers[0]);
	hear_until(&listener, 0, PVS_EVENT_HALT, 1);
	pvs_switches_remove(switches, workers[0].tid);
	/* Thread 0 goes on unheard; it has halted again when its byte is gone and 1 was heard. */
	memset(listener.heard[0].count, 0, sizeof(listener.heard[0].count));
	go_on(&workers[0]);
	for (unsigned halts = 1; halts <= 3; halts++) {
		go_on(&workers[1]);
		hear_until(&listener, 1, PVS_EVENT_HALT, halts);
	}
	finish(&workers[0]);
	pvs_switches_take(switches, hear, &listener);
	assert_int_equal(listener.heard[0].count[PVS_EVENT_VCPU_RUN], 0);
	assert_int_equal(listener.heard[0].count[PVS_EVENT_HALT], 0);
	pvs_switches_remove(switches, workers[1].tid);
	finish(&workers[1]);
}

static void test_nothing_lost(void **state)
{
	assert_int_equal(pvs_switches_lost(switches), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_waits),
		cmocka_unit_test(test_preempted),
		cmocka_unit_test(test_removed),
		cmocka_unit_test(test_nothing_lost),
	};
	char text[2048] = "";
	struct pvs_log log = {.buf = text, .size = sizeof(text)};
	int failed;

	if (pvs_switches_open(&switches, &log) < 0) {
		fprintf(stderr, "skipped: %s", text);
		return 77;
	}
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	pvs_switches_close(switches);
	return failed;
}
