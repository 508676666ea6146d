/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What the host's scheduler does to real threads, as pvs_switches tells it: a thread that waits
 * halts, threads that spin on one CPU stop each other, and nobody else is heard of. Skipped where
 * bpf() does not work.
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "pvs.h"
#include "worker.h"

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

static struct pvs_switches *switches;

static void hear(void *opaque, const struct pvs_switch *event)
{
	struct listener *listener = opaque;
	struct heard *heard = &listener->heard[event->vcpu % THREADS];

	if (event->tid != heard->tid || event->vm != 7 || event->vcpu >= THREADS) {
		listener->strangers++;
		return;
	}
	/* Run and the end of running take turns; a run is first. */
	if (event->ns < heard->ns ||
	    (event->event == PVS_EVENT_VCPU_RUN) == (heard->last == PVS_EVENT_VCPU_RUN))
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

/* THREADS workers, which @listener hears. */
static void start_all(struct listener *listener, struct worker *workers, bool spin, int cpu)
{
	for (unsigned i = 0; i < THREADS; i++) {
		worker_start(&workers[i], spin, cpu);
		listener->heard[i].tid = workers[i].tid;
		assert_int_equal(pvs_switches_add(switches, workers[i].tid, 7, i), 0);
	}
}

static void finish_all(struct worker *workers)
{
	for (unsigned i = 0; i < THREADS; i++) {
		pvs_switches_remove(switches, workers[i].tid);
		worker_finish(&workers[i]);
	}
}

static void test_waits(void **state)
{
	struct listener listener = {0};
	struct worker worker;

	worker_start(&worker, false, WORKER_ANY_CPU);
	listener.heard[0].tid = worker.tid;
	assert_int_equal(pvs_switches_add(switches, worker.tid, 7, 0), 0);
	for (unsigned halts = 1; halts <= 5; halts++) {
		worker_go_on(&worker);
		hear_until(&listener, 0, PVS_EVENT_HALT, halts);
	}
	assert_true(listener.heard[0].count[PVS_EVENT_VCPU_RUN] >= 4);
	assert_int_equal(listener.heard[0].out_of_order, 0);
	assert_int_equal(listener.strangers, 0);
	pvs_switches_remove(switches, worker.tid);
	worker_finish(&worker);
}

static void test_preempted(void **state)
{
	const int cpu = worker_some_cpu();
	struct listener listener = {0};
	struct worker workers[THREADS];

	start_all(&listener, workers, true, cpu);
	/* Both always want the one CPU: each stop of one is there because somebody else runs. */
	for (unsigned i = 0; i < THREADS; i++) {
		hear_until(&listener, i, PVS_EVENT_VCPU_STOP, 3);
		assert_int_equal(listener.heard[i].count[PVS_EVENT_HALT], 0);
		assert_int_equal(listener.heard[i].out_of_order, 0);
		assert_int_equal(listener.heard[i].cpu, cpu);
	}
	assert_int_equal(listener.strangers, 0);
	finish_all(workers);
}

/*
 * A thread that already runs when it is added is a thread whose switch was not seen: that it runs
 * is heard before it stops, though only its stop is a switch.
 */
static void test_already_runs(void **state)
{
	for (unsigned i = 0; i < 10; i++) {
		struct listener listener = {0};
		struct worker worker;

		worker_start(&worker, true, worker_some_cpu());
		listener.heard[0].tid = worker.tid;
		assert_int_equal(pvs_switches_add(switches, worker.tid, 7, 0), 0);
		hear_until(&listener, 0, PVS_EVENT_VCPU_RUN, 1);
		worker_finish(&worker);
		hear_until(&listener, 0, PVS_EVENT_HALT, 1);
		assert_int_equal(listener.heard[0].out_of_order, 0);
		pvs_switches_remove(switches, worker.tid);
	}
}

/*
 * Let @worker go on and halt, and hear all of it. It may not have halted yet when it was added, so
 * that a number of halts does not say which: but with its byte it has been said to run, and the
 * halt after that is the last.
 */
static void hear_halt(struct listener *listener, unsigned index, const struct worker *worker)
{
	struct pollfd ready = {.fd = pvs_switches_fd(switches), .events = POLLIN};

	worker_go_on(worker);
	while (!worker_has_read(worker))
		sched_yield();
	pvs_switches_take(switches, hear, listener);
	while (listener->heard[index].last != PVS_EVENT_HALT) {
		assert_int_equal(poll(&ready, 1, WAIT_MS), 1);
		pvs_switches_take(switches, hear, listener);
	}
}

static void test_removed(void **state)
{
	struct listener listener = {0};
	struct worker workers[THREADS];

	start_all(&listener, workers, false, WORKER_ANY_CPU);
	hear_halt(&listener, 0, &workers[0]);
	assert_true(listener.heard[0].count[PVS_EVENT_HALT] >= 1);
	pvs_switches_remove(switches, workers[0].tid);
	/* Thread 0 goes on unheard, as that it ran when its byte is gone; 1 is heard. */
	memset(listener.heard[0].count, 0, sizeof(listener.heard[0].count));
	worker_go_on(&workers[0]);
	while (!worker_has_read(&workers[0]))
		sched_yield();
	for (unsigned i = 0; i < 3; i++)
		hear_halt(&listener, 1, &workers[1]);
	assert_true(listener.heard[1].count[PVS_EVENT_HALT] >= 3);
	worker_finish(&workers[0]);
	pvs_switches_take(switches, hear, &listener);
	assert_int_equal(listener.heard[0].count[PVS_EVENT_VCPU_RUN], 0);
	assert_int_equal(listener.heard[0].count[PVS_EVENT_HALT], 0);
	pvs_switches_remove(switches, workers[1].tid);
	worker_finish(&workers[1]);
}

/* Lazy: a thread that waits and runs wakes nobody, one that is preempted does. */
static void test_lazy(void **state)
{
	const int cpu = worker_some_cpu();
	struct pollfd ready = {.fd = pvs_switches_fd(switches), .events = POLLIN};
	struct listener listener = {0};
	struct worker workers[THREADS];

	pvs_switches_set_wakes(switches, PVS_WAKES_STOPS);
	start_all(&listener, workers, true, cpu);
	for (unsigned i = 0; i < THREADS; i++) {
		hear_until(&listener, i, PVS_EVENT_VCPU_STOP, 3);
		hear_until(&listener, i, PVS_EVENT_VCPU_RUN, 3);
		assert_int_equal(listener.heard[i].out_of_order, 0);
	}
	finish_all(workers);
	pvs_switches_take(switches, hear, &listener);
	assert_int_equal(poll(&ready, 1, 0), 0);
	pvs_switches_set_wakes(switches, PVS_WAKES_ALL);
}

/* Events that woke nobody do not keep those after the lazy time from waking. */
static void test_lazy_no_more(void **state)
{
	struct listener listener = {0};
	struct worker worker;

	worker_start(&worker, false, WORKER_ANY_CPU);
	listener.heard[0].tid = worker.tid;
	pvs_switches_take(switches, hear, &listener);
	pvs_switches_set_wakes(switches, PVS_WAKES_STOPS);
	assert_int_equal(pvs_switches_add(switches, worker.tid, 7, 0), 0);
	for (unsigned i = 0; i < 50; i++)
		worker_go_on(&worker);
	pvs_switches_set_wakes(switches, PVS_WAKES_ALL);
	for (unsigned halts = 1; halts <= 5; halts++) {
		worker_go_on(&worker);
		hear_until(&listener, 0, PVS_EVENT_HALT,
			   listener.heard[0].count[PVS_EVENT_HALT] + 1);
	}
	pvs_switches_remove(switches, worker.tid);
	worker_finish(&worker);
}

/* Never: whatever threads do wakes nobody, and all of it is there when it is taken. */
static void test_never(void **state)
{
	const int cpu = worker_some_cpu();
	struct pollfd ready = {.fd = pvs_switches_fd(switches), .events = POLLIN};
	struct listener listener = {0};
	struct worker workers[THREADS];
	struct epoll_event event = {.events = EPOLLIN};
	const int epoll = epoll_create1(0);

	pvs_switches_take(switches, hear, &listener);
	pvs_switches_set_wakes(switches, PVS_WAKES_NEVER);
	assert_int_equal(epoll_ctl(epoll, EPOLL_CTL_ADD, ready.fd, &event), 0);
	assert_int_equal(epoll_wait(epoll, &event, 1, 0), 0);
	start_all(&listener, workers, true, cpu);
	/* Who polls sees what is there, who waits in epoll is not woken. */
	while (poll(&ready, 1, 0) == 0)
		sched_yield();
	while (listener.heard[0].count[PVS_EVENT_VCPU_STOP] < 3 ||
	       listener.heard[1].count[PVS_EVENT_VCPU_STOP] < 3) {
		assert_int_equal(epoll_wait(epoll, &event, 1, 0), 0);
		pvs_switches_take(switches, hear, &listener);
	}
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(listener.heard[i].out_of_order, 0);
	finish_all(workers);
	close(epoll);
	pvs_switches_take(switches, hear, &listener);
	pvs_switches_set_wakes(switches, PVS_WAKES_ALL);
}

static void fifo(pid_t tid, int priority)
{
	const struct sched_param param = {.sched_priority = priority};

	if (sched_setscheduler(tid, priority ? SCHED_FIFO : SCHED_OTHER, &param) < 0)
		skip();
}

/* Wake up beside @worker so often; returns how often it was said to have stopped meanwhile. */
static unsigned stops_by_listening(struct listener *listener, unsigned times)
{
	unsigned before = listener->heard[0].count[PVS_EVENT_VCPU_STOP];

	for (unsigned i = 0; i < times; i++) {
		assert_int_equal(poll(NULL, 0, 1), 0);
		pvs_switches_take(switches, hear, listener);
	}
	return listener->heard[0].count[PVS_EVENT_VCPU_STOP] - before;
}

/*
 * A listener that takes a thread's CPU to hear of it is not heard of: else it would hear of itself
 * for ever. Both are FIFO, so that little else takes the CPU: one quiet try of several will do.
 */
static void test_listener(void **state)
{
	const int cpu = worker_some_cpu();
	struct listener listener = {0};
	struct worker worker;
	cpu_set_t all, one;
	unsigned stops = 1;

	worker_start(&worker, true, cpu);
	listener.heard[0].tid = worker.tid;
	assert_int_equal(pvs_switches_add(switches, worker.tid, 7, 0), 0);
	hear_until(&listener, 0, PVS_EVENT_VCPU_RUN, 1);
	sched_getaffinity(0, sizeof(all), &all);
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	for (unsigned tries = 0; stops && tries < 10; tries++) {
		fifo(0, 2);
		fifo(worker.tid, 1);
		stops_by_listening(&listener, 1);
		stops = stops_by_listening(&listener, 20);
		fifo(worker.tid, 0);
		fifo(0, 0);
	}
	sched_setaffinity(0, sizeof(all), &all);
	pvs_switches_remove(switches, worker.tid);
	worker_finish(&worker);
	assert_int_equal(stops, 0);
	assert_int_equal(listener.heard[0].out_of_order, 0);
}

/* What nobody takes is lost and counted, what there was room for stays, and how it ended is told.
 */
static void test_lost(void **state)
{
	struct pollfd ready = {.fd = pvs_switches_fd(switches), .events = POLLIN};
	struct listener listener = {0};
	struct worker worker;

	assert_int_equal(pvs_switches_lost(switches), 0);
	worker_start(&worker, false, WORKER_ANY_CPU);
	listener.heard[0].tid = worker.tid;
	assert_int_equal(pvs_switches_add(switches, worker.tid, 7, 0), 0);
	/* The worker may be on our CPU: it is to halt after each byte, not after a full pipe. */
	while (!pvs_switches_lost(switches)) {
		worker_go_on(&worker);
		sched_yield();
	}
	for (unsigned i = 0; i < 10 || !worker_has_read(&worker); i++) {
		if (i < 10)
			worker_go_on(&worker);
		sched_yield();
	}
	assert_true(pvs_switches_take(switches, hear, &listener) > 10000);
	while (listener.heard[0].last != PVS_EVENT_HALT) {
		assert_int_equal(poll(&ready, 1, WAIT_MS), 1);
		pvs_switches_take(switches, hear, &listener);
	}
	pvs_switches_remove(switches, worker.tid);
	worker_finish(&worker);
	assert_int_equal(listener.strangers, 0);
	assert_true(listener.heard[0].count[PVS_EVENT_VCPU_RUN] > 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_waits),        cmocka_unit_test(test_preempted),
		cmocka_unit_test(test_already_runs), cmocka_unit_test(test_removed),
		cmocka_unit_test(test_listener),     cmocka_unit_test(test_lazy),
		cmocka_unit_test(test_lazy_no_more), cmocka_unit_test(test_never),
		cmocka_unit_test(test_lost),
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
