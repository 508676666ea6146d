/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Which actuators work here: each is tried on a thread that is made for it, read back where the
 * kernel could have ignored it, and undone; what cannot be undone is not offered.
 */
#include "actuator_linux.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PROBE_SLICE          3300000ull /* ns; nobody's default */
#define PROBE_RUNTIME        1000000ull /* ns; 1 % of a CPU */
#define PROBE_PERIOD         100000000ull
#define FIFO_PRIO_MAX        99u
#define NICE_BEST            (-20)
#define NICE_WORST           19
#define RLIMIT_NICE_OF(nice) (20 - (nice)) /* getrlimit(2): a ceiling as 20 - nice */

struct run {
	const struct pvs_cgroup *cgroup;
	uint32_t wanted;
	struct pvs_probe *probe;
	struct pvs_log *log;
	pid_t tid;
	struct pvs_sched_attr base;
	uint64_t affinity[PVS_CPU_WORDS];
};

static bool wants(const struct run *run, uint32_t actuator)
{
	return run->wanted & actuator;
}

static long limit_of(int resource)
{
	struct rlimit limit;

	if (getrlimit(resource, &limit) < 0)
		return 0;
	return limit.rlim_cur == RLIM_INFINITY ? 1000 : (long)limit.rlim_cur;
}

static int back(struct run *run)
{
	struct pvs_sched_attr attr = run->base;

	return pvs_sys_setattr(0, &attr);
}

static int try_nice(struct run *run, int nice)
{
	struct pvs_sched_attr attr = run->base;

	attr.policy = PVS_SCHED_OTHER;
	attr.nice = nice;
	return pvs_sys_setattr(0, &attr);
}

/* ---- Class OTHER ----------------------------------------------------------------------------- */

static void probe_default_slice(struct run *run)
{
	struct pvs_sched_attr attr = {.policy = PVS_SCHED_OTHER};

	if (pvs_sys_setattr(0, &attr) == 0 && pvs_sys_getattr(0, &attr) >= 0)
		run->probe->default_slice = attr.runtime;
	back(run);
}

static void probe_slice(struct run *run)
{
	struct pvs_sched_attr attr = run->base;
	int ret;

	attr.policy = PVS_SCHED_OTHER;
	attr.runtime = PROBE_SLICE;
	ret = pvs_sys_setattr(0, &attr);
	if (ret == 0)
		ret = pvs_sys_getattr(0, &attr);
	back(run);
	if (ret >= 0 && attr.runtime == PROBE_SLICE)
		run->probe->actuators |= PVS_ACT_SLICE;
	else if (wants(run, PVS_ACT_SLICE) && ret < 0)
		pvs_log(run->log, "slice: sched_setattr: %s\n", strerror(-ret));
	else if (wants(run, PVS_ACT_SLICE))
		pvs_log(run->log, "slice: this kernel ignores it; slices of a thread need Linux "
				  "6.12 or later\n");
}

/* The lowest nice that works, by trial: CAP_SYS_NICE allows all, RLIMIT_NICE down to its own. */
static void probe_nice_down(struct run *run)
{
	long limit = limit_of(RLIMIT_NICE);
	int floor = RLIMIT_NICE_OF((int)limit), ret;

	run->probe->nice_min = run->base.nice;
	ret = try_nice(run, NICE_BEST);
	if (ret == 0)
		run->probe->nice_min = NICE_BEST;
	else if (floor < run->base.nice && try_nice(run, floor) == 0)
		run->probe->nice_min = floor;
	back(run);
	if (run->probe->nice_min < run->base.nice || run->base.nice == NICE_BEST)
		run->probe->actuators |= PVS_ACT_NICE_DOWN;
	if (!wants(run, PVS_ACT_NICE_DOWN) || run->probe->nice_min == NICE_BEST)
		return;
	if (run->probe->actuators & PVS_ACT_NICE_DOWN)
		pvs_log(run->log,
			"nice down: to %d only; lower needs CAP_SYS_NICE, or RLIMIT_NICE of 40 for "
			"-20 (it is %ld)\n",
			run->probe->nice_min, limit);
	else
		pvs_log(run->log,
			"nice down: %s; it needs CAP_SYS_NICE, or RLIMIT_NICE of 40 for -20 (it is "
			"%ld)\n",
			strerror(-ret), limit);
}

/* Anybody may give way; coming back is what needs a permission. */
static void probe_nice_up(struct run *run)
{
	int nice = run->base.nice, ret;

	if (nice == NICE_WORST) {
		run->probe->actuators |= PVS_ACT_NICE_UP;
		return;
	}
	ret = try_nice(run, nice + 1);
	if (ret == 0)
		ret = back(run);
	if (ret == 0)
		run->probe->actuators |= PVS_ACT_NICE_UP;
	else if (wants(run, PVS_ACT_NICE_UP))
		pvs_log(run->log,
			"nice up: it could not be undone: %s; going back to nice %d needs "
			"CAP_SYS_NICE, or RLIMIT_NICE of %d (it is %ld)\n",
			strerror(-ret), nice, RLIMIT_NICE_OF(nice), limit_of(RLIMIT_NICE));
}

/* Not an actuator: it keeps what a boosted thread creates from being boosted. */
static void probe_reset_on_fork(struct run *run)
{
	struct pvs_sched_attr attr = run->base;

	attr.flags |= PVS_SCHED_RESET_ON_FORK;
	if (pvs_sys_setattr(0, &attr) == 0)
		run->probe->reset_on_fork = back(run) == 0;
}

/* ---- Real-time classes ----------------------------------------------------------------------- */

static int try_fifo(unsigned prio)
{
	struct pvs_sched_attr attr = {.policy = PVS_SCHED_FIFO, .priority = prio};

	return pvs_sys_setattr(0, &attr);
}

static void probe_fifo(struct run *run)
{
	long limit = limit_of(RLIMIT_RTPRIO);
	unsigned most = limit < (long)FIFO_PRIO_MAX ? (unsigned)limit : FIFO_PRIO_MAX;
	int ret = try_fifo(FIFO_PRIO_MAX);

	if (ret == 0)
		run->probe->prio_max = FIFO_PRIO_MAX;
	else if (most && try_fifo(most) == 0)
		run->probe->prio_max = most;
	/* A real-time class may always be given up. */
	back(run);
	if (run->probe->prio_max)
		run->probe->actuators |= PVS_ACT_FIFO;
	if (!wants(run, PVS_ACT_FIFO) || run->probe->prio_max == FIFO_PRIO_MAX)
		return;
	if (run->probe->prio_max)
		pvs_log(run->log,
			"FIFO: to priority %u only; more needs CAP_SYS_NICE, or a greater "
			"RLIMIT_RTPRIO (it is %ld)\n",
			run->probe->prio_max, limit);
	else
		pvs_log(run->log,
			"FIFO: %s; it needs CAP_SYS_NICE, or RLIMIT_RTPRIO of 1..99 (it is %ld), "
			"and "
			"where cgroups share real-time (RT_GROUP_SCHED) a cpu.rt_runtime_us other "
			"than 0\n",
			strerror(-ret), limit);
}

static void explain_deadline(struct run *run, int ret)
{
	if (ret == -EBUSY)
		pvs_log(run->log,
			"DEADLINE: %s; all bandwidth is given away "
			"(/proc/sys/kernel/sched_rt_runtime_us)\n",
			strerror(-ret));
	else
		pvs_log(run->log,
			"DEADLINE: %s; it needs CAP_SYS_NICE, and threads that are not pinned: "
			"their "
			"affinity must hold all CPUs of their cpuset\n",
			strerror(-ret));
}

static void probe_deadline(struct run *run)
{
	struct pvs_sched_attr attr = {
		.policy = PVS_SCHED_DEADLINE,
		.runtime = PROBE_RUNTIME,
		.deadline = PROBE_PERIOD,
		.period = PROBE_PERIOD,
	};
	int ret = pvs_sys_setattr(0, &attr);

	/* Not by way of pvs_sys_give_bandwidth_back(): a thread that gave its own runtime away
	 * would not run again to take the next step. As it ran, its bandwidth is back with its
	 * period. */
	back(run);
	if (ret == 0)
		run->probe->actuators |= PVS_ACT_DEADLINE;
	else if (wants(run, PVS_ACT_DEADLINE))
		explain_deadline(run, ret);
}

/* ---- Affinity and weight --------------------------------------------------------------------- */

static void probe_affinity(struct run *run)
{
	uint64_t one[PVS_CPU_WORDS] = {0};
	int ret = pvs_sys_getaffinity(0, run->affinity);

	if (ret == 0) {
		for (int i = 0; i < PVS_CPU_WORDS; i++) {
			one[i] = run->affinity[i] & -run->affinity[i];
			if (one[i])
				break;
		}
		ret = pvs_sys_setaffinity(0, one);
		if (ret == 0)
			ret = pvs_sys_setaffinity(0, run->affinity);
	}
	if (ret == 0)
		run->probe->actuators |= PVS_ACT_AFFINITY;
	else if (wants(run, PVS_ACT_AFFINITY))
		pvs_log(run->log, "affinity: sched_setaffinity: %s%s\n", strerror(-ret),
			ret == -EPERM ? "; QEMU's -sandbox needs resourcecontrol=allow for it, or "
					"the manager process does it from outside"
				      : "");
}

static int try_weight(struct run *run)
{
	char own[PVS_CGROUP_PATH] = "", home[PVS_CGROUP_PATH];
	int ret = pvs_cgroup_home(run->cgroup, run->tid, home, sizeof(home));

	if (ret == 0)
		ret = pvs_cgroup_make(run->cgroup, run->tid, own, sizeof(own));
	if (ret == 0)
		ret = pvs_cgroup_weight(run->cgroup, own, 200);
	if (ret == 0)
		ret = pvs_cgroup_enter(run->cgroup, own, run->tid);
	if (ret == 0)
		ret = pvs_cgroup_put(home, run->tid);
	if (own[0])
		pvs_cgroup_remove(own);
	return ret;
}

static void probe_weight(struct run *run)
{
	int ret = run->cgroup ? try_weight(run) : -ENOENT;

	if (ret == 0)
		run->probe->actuators |= PVS_ACT_WEIGHT;
	else if (!wants(run, PVS_ACT_WEIGHT))
		return;
	else if (!run->cgroup)
		pvs_log(run->log, "weight: no cgroup was named under which threads may be put\n");
	else
		pvs_log(run->log,
			"weight: cgroup %s: %s; it must be delegated to this user (owner of the "
			"directory, cgroup.procs, %s)%s\n",
			run->cgroup->parent, strerror(-ret),
			run->cgroup->v2 ? "cgroup.threads and cgroup.subtree_control" : "tasks",
			run->cgroup->v2 ? ", and the process must be in it or below" : "");
}

/* ---- All of them ----------------------------------------------------------------------------- */

static void *probe_thread(void *opaque)
{
	struct run *run = opaque;

	run->tid = (pid_t)syscall(SYS_gettid);
	if (pvs_sys_getattr(0, &run->base) < 0)
		return NULL;
	/* A thread may begin in a class above: try from where a vCPU's thread would be. */
	run->base.flags &= PVS_SCHED_RESET_ON_FORK;
	probe_default_slice(run);
	if (run->base.runtime == run->probe->default_slice)
		run->base.runtime = 0;
	probe_slice(run);
	probe_nice_down(run);
	probe_fifo(run);
	probe_deadline(run);
	probe_affinity(run);
	probe_weight(run);
	/* Last, as these may be one way. */
	probe_nice_up(run);
	probe_reset_on_fork(run);
	if (run->wanted & run->probe->actuators &
	    (PVS_ACT_NICE_UP | PVS_ACT_NICE_DOWN | PVS_ACT_SLICE))
		pvs_autogroup_note(getpid(), run->log);
	return NULL;
}

int pvs_probe_run(const struct pvs_cgroup *cgroup, uint32_t wanted, struct pvs_probe *probe,
		  struct pvs_log *log)
{
	struct run run = {.cgroup = cgroup, .wanted = wanted, .probe = probe, .log = log};
	pthread_t thread;
	int ret;

	memset(probe, 0, sizeof(*probe));
	ret = -pthread_create(&thread, NULL, probe_thread, &run);
	if (ret < 0)
		return pvs_refuse(log, ret, "actuators: no thread to try them on: %s",
				  strerror(-ret));
	pthread_join(thread, NULL);
	return 0;
}
