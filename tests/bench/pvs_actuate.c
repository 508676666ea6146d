/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * pvs_actuate [CGROUP]: what changing a thread's scheduling costs the thread that does it, on one
 * that sleeps and on one that runs on another CPU. CGROUP: a directory of a hierarchy with the cpu
 * controller, for weights. Prints ns: median and 99th percentile of each change.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "actuator_linux.h"

#define ROUNDS      2000
#define SLOW_ROUNDS 200 /* cgroups */

struct target {
	pthread_t thread;
	pid_t tid;
	bool runs;
	bool end;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void *target_main(void *opaque)
{
	struct target *target = opaque;
	const struct timespec pause_time = {.tv_nsec = 50000000};

	__atomic_store_n(&target->tid, (pid_t)syscall(SYS_gettid), __ATOMIC_RELEASE);
	while (!__atomic_load_n(&target->end, __ATOMIC_RELAXED))
		if (!target->runs)
			nanosleep(&pause_time, NULL);
	return NULL;
}

static void target_start(struct target *target, bool runs)
{
	*target = (struct target){.runs = runs};
	if (pthread_create(&target->thread, NULL, target_main, target))
		exit(1);
	while (!__atomic_load_n(&target->tid, __ATOMIC_ACQUIRE))
		sched_yield();
}

static void target_end(struct target *target)
{
	__atomic_store_n(&target->end, true, __ATOMIC_RELAXED);
	pthread_join(target->thread, NULL);
}

/* ---- Figures --------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void print(const char *what, const char *which, uint64_t *ns, size_t n)
{
	qsort(ns, n, sizeof(*ns), compare);
	printf("%-44s %-8s %8llu %8llu\n", what, which, (unsigned long long)ns[n / 2],
	       (unsigned long long)ns[n * 99 / 100]);
}

/* ---- System calls alone ---------------------------------------------------------------------- */

static void time_setattr(const char *what, const char *which, pid_t tid,
			 const struct pvs_sched_attr *one, const struct pvs_sched_attr *other,
			 int rounds)
{
	static uint64_t ns[ROUNDS];
	struct pvs_sched_attr back;

	pvs_sys_getattr(tid, &back);
	for (int i = 0; i < rounds; i++) {
		struct pvs_sched_attr attr = i & 1 ? *one : *other;
		uint64_t start = now_ns();
		int ret;

		if (one->policy == PVS_SCHED_DEADLINE && attr.policy != PVS_SCHED_DEADLINE && i)
			pvs_sys_give_bandwidth_back(tid);
		ret = pvs_sys_setattr(tid, &attr);

		ns[i] = now_ns() - start;
		if (ret < 0) {
			printf("%-44s %-8s %s\n", what, which, strerror(-ret));
			pvs_sys_setattr(tid, &back);
			return;
		}
	}
	pvs_sys_setattr(tid, &back);
	print(what, which, ns, (size_t)rounds);
}

static void time_calls(const char *which, pid_t tid)
{
	const struct pvs_sched_attr base = {.policy = PVS_SCHED_OTHER};
	const struct pvs_sched_attr slice = {.policy = PVS_SCHED_OTHER, .runtime = 300000};
	const struct pvs_sched_attr nice = {.policy = PVS_SCHED_OTHER, .nice = -20};
	const struct pvs_sched_attr fifo = {.policy = PVS_SCHED_FIFO, .priority = 1};
	const struct pvs_sched_attr deadline = {.policy = PVS_SCHED_DEADLINE,
						.runtime = 20000,
						.deadline = 20000000,
						.period = 20000000};

	time_setattr("sched_setattr: the same again", which, tid, &base, &base, ROUNDS);
	time_setattr("sched_setattr: slice and back", which, tid, &slice, &base, ROUNDS);
	time_setattr("sched_setattr: nice -20 and back", which, tid, &nice, &base, ROUNDS);
	time_setattr("sched_setattr: FIFO and back", which, tid, &fifo, &base, ROUNDS);
	/* Back is two calls: bandwidth is given back first. */
	time_setattr("sched_setattr: DEADLINE and back", which, tid, &deadline, &base, SLOW_ROUNDS);
}

/* ---- Through the actuator -------------------------------------------------------------------- */

static void time_apply(const struct pvs_actuator *actuator, const char *what, const char *which,
		       pid_t tid, const struct pvs_sched *sched, int rounds)
{
	static uint64_t apply_ns[ROUNDS], restore_ns[ROUNDS];
	void *thread;
	int ret = actuator->ops->capture(actuator->opaque, tid, &thread);
	char name[64];

	for (int i = 0; i < rounds && ret == 0; i++) {
		uint64_t start = now_ns(), middle;

		ret = actuator->ops->apply(actuator->opaque, thread, sched);
		middle = now_ns();
		actuator->ops->restore(actuator->opaque, thread);
		apply_ns[i] = middle - start;
		restore_ns[i] = now_ns() - middle;
	}
	if (ret < 0) {
		printf("%-44s %-8s %s\n", what, which, strerror(-ret));
		return;
	}
	actuator->ops->release(actuator->opaque, thread);
	snprintf(name, sizeof(name), "%s: apply", what);
	print(name, which, apply_ns, (size_t)rounds);
	snprintf(name, sizeof(name), "%s: restore", what);
	print(name, which, restore_ns, (size_t)rounds);
}

static void time_capture(const struct pvs_actuator *actuator, const char *which, pid_t tid)
{
	static uint64_t ns[SLOW_ROUNDS];

	for (int i = 0; i < SLOW_ROUNDS; i++) {
		uint64_t start = now_ns();
		void *thread;

		if (actuator->ops->capture(actuator->opaque, tid, &thread) < 0)
			return;
		ns[i] = now_ns() - start;
		actuator->ops->release(actuator->opaque, thread);
	}
	print("capture", which, ns, SLOW_ROUNDS);
}

static void time_actuator(const struct pvs_actuator *actuator, const char *which, pid_t tid,
			  uint64_t one_cpu, bool weights)
{
	const struct pvs_sched none = {.set = 0};
	const struct pvs_sched slice = {.set = PVS_SET_SLICE, .slice_ns = 300000};
	const struct pvs_sched both = {
		.set = PVS_SET_NICE | PVS_SET_SLICE, .nice = -20, .slice_ns = 300000};
	const struct pvs_sched fifo = {.set = PVS_SET_FIFO, .prio = 1};
	const struct pvs_sched deadline = {.set = PVS_SET_DEADLINE,
					   .dl_runtime = 1000000,
					   .dl_deadline = 20000000,
					   .dl_period = 20000000};
	const struct pvs_sched affinity = {.set = PVS_SET_AFFINITY, .affinity = one_cpu};
	const struct pvs_sched weight = {.set = PVS_SET_WEIGHT, .weight = 500};

	time_capture(actuator, which, tid);
	time_apply(actuator, "no change", which, tid, &none, ROUNDS);
	time_apply(actuator, "slice", which, tid, &slice, ROUNDS);
	time_apply(actuator, "nice and slice", which, tid, &both, ROUNDS);
	time_apply(actuator, "FIFO", which, tid, &fifo, ROUNDS);
	time_apply(actuator, "DEADLINE", which, tid, &deadline, SLOW_ROUNDS);
	time_apply(actuator, "affinity", which, tid, &affinity, SLOW_ROUNDS);
	if (weights)
		time_apply(actuator, "weight, in and out of its cgroup", which, tid, &weight,
			   SLOW_ROUNDS);
}

int main(int argc, char **argv)
{
	const struct pvs_linux_options options = {.cgroup = argc > 1 ? argv[1] : NULL};
	char text[4096] = "";
	struct pvs_log log = {.buf = text, .size = sizeof(text)};
	uint64_t mine[PVS_CPU_WORDS] = {1}, theirs[PVS_CPU_WORDS] = {2}, all[PVS_CPU_WORDS];
	struct pvs_actuator actuator;
	struct target asleep, running;

	if (pvs_actuator_linux(&options, &actuator, &log) < 0) {
		fputs(text, stderr);
		return 1;
	}
	actuator.ops->probe(actuator.opaque, PVS_ACT_ALL, &log);
	fputs(text, stderr);
	target_start(&asleep, false);
	printf("%-44s %-8s %8s %8s\n", "ns", "thread", "p50", "p99");
	time_calls("sleeps", asleep.tid);
	time_actuator(&actuator, "sleeps", asleep.tid, 1, argc > 1);
	target_end(&asleep);
	/* DEADLINE is for threads that are not pinned: ours is, the one that runs only to begin
	 * with.
	 */
	pvs_sys_getaffinity(0, all);
	if (pvs_sys_setaffinity(0, theirs) < 0) {
		printf("one CPU: nothing runs beside this\n");
	} else {
		target_start(&running, true);
		pvs_sys_setaffinity(0, mine);
		pvs_sys_setaffinity(running.tid, all);
		time_actuator(&actuator, "runs", running.tid, 2, argc > 1);
		time_calls("runs", running.tid);
		target_end(&running);
	}
	pvs_actuator_linux_close(&actuator);
	return 0;
}
