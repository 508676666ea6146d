/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What changes a thread's scheduling on Linux. A thread is in one of many states (class, affinity,
 * weight); going from one to another takes those system calls that differ, and when one is refused
 * those before it are undone.
 */
#include "actuator_linux.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- What a decision means ------------------------------------------------------------------ */

static int target_deadline(const struct pvs_sched *sched, struct pvs_sched_attr *attr)
{
	if (!sched->dl_runtime || sched->dl_runtime > sched->dl_deadline ||
	    sched->dl_deadline > sched->dl_period)
		return -EINVAL;
	attr->policy = PVS_SCHED_DEADLINE;
	attr->runtime = sched->dl_runtime;
	attr->deadline = sched->dl_deadline;
	attr->period = sched->dl_period;
	return 0;
}

static int target_fifo(const struct pvs_sched *sched, struct pvs_sched_attr *attr)
{
	if (sched->prio < 1 || sched->prio > 99)
		return -EINVAL;
	attr->policy = PVS_SCHED_FIFO;
	attr->priority = sched->prio;
	return 0;
}

static bool is_fair(uint32_t policy)
{
	return policy == PVS_SCHED_OTHER || policy == PVS_SCHED_BATCH || policy == PVS_SCHED_IDLE;
}

/* A baseline that is real-time already is above what nice and slice can say: no such decision. */
static int target_fair(const struct pvs_sched *sched, const struct pvs_sched_attr *base,
		       struct pvs_sched_attr *attr)
{
	if (!is_fair(base->policy))
		return -EINVAL;
	if ((sched->set & PVS_SET_NICE) && (sched->nice < -20 || sched->nice > 19))
		return -EINVAL;
	if ((sched->set & PVS_SET_SLICE) &&
	    (sched->slice_ns < PVS_SLICE_MIN || sched->slice_ns > PVS_SLICE_MAX))
		return -EINVAL;
	attr->policy = base->policy == PVS_SCHED_BATCH ? PVS_SCHED_BATCH : PVS_SCHED_OTHER;
	attr->nice = sched->set & PVS_SET_NICE ? sched->nice : base->nice;
	attr->runtime = sched->set & PVS_SET_SLICE ? sched->slice_ns : base->runtime;
	return 0;
}

static int target_attr(const struct pvs_linux *lin, const struct pvs_sched *sched,
		       const struct pvs_sched_attr *base, struct pvs_sched_attr *attr)
{
	memset(attr, 0, sizeof(*attr));
	attr->size = sizeof(*attr);
	/* A thread that a boosted one creates is not boosted. */
	attr->flags = (base->flags & PVS_SCHED_RESET_ON_FORK) |
		      (lin->probe.reset_on_fork ? PVS_SCHED_RESET_ON_FORK : 0);
	if (sched->set & PVS_SET_DEADLINE)
		return target_deadline(sched, attr);
	if (sched->set & PVS_SET_FIFO)
		return target_fifo(sched, attr);
	if (sched->set & (PVS_SET_NICE | PVS_SET_SLICE))
		return target_fair(sched, base, attr);
	*attr = *base;
	return 0;
}

/* A decision narrows what the administrator allowed and does not widen it. */
static int target_affinity(const struct pvs_sched *sched, const uint64_t *base, uint64_t *mask)
{
	memcpy(mask, base, PVS_CPU_WORDS * sizeof(*mask));
	if (!(sched->set & PVS_SET_AFFINITY))
		return 0;
	memset(mask, 0, PVS_CPU_WORDS * sizeof(*mask));
	mask[0] = base[0] & sched->affinity;
	return mask[0] ? 0 : -EINVAL;
}

static int target_state(const struct pvs_linux *lin, const struct pvs_baseline *base,
			const struct pvs_sched *sched, struct pvs_linux_state *target)
{
	int ret = target_attr(lin, sched, &base->attr, &target->attr);

	if (ret == 0)
		ret = target_affinity(sched, base->affinity, target->affinity);
	if (ret < 0)
		return ret;
	target->weight = 0;
	/* Real-time classes have no weight, and may not be in a cgroup without a share of them. */
	if ((sched->set & PVS_SET_WEIGHT) && is_fair(target->attr.policy)) {
		if (sched->weight < 1 || sched->weight > 10000)
			return -EINVAL;
		target->weight = sched->weight;
	}
	return target->weight && !lin->has_cgroup ? -EPERM : 0;
}

/* ---- Steps from one state to another --------------------------------------------------------- */

enum step {
	STEP_LEAVE, /* the cgroup made for it */
	STEP_ATTR,
	STEP_AFFINITY,
	STEP_ENTER,
	N_STEPS
};

/* Said before the system call, so that the guard knows even if we end in between; and after it, so
 * that it knows even if it took us for stuck in between and has restored. */
static void mark(struct pvs_thread *thread, uint32_t dirty)
{
	if ((__atomic_load_n(&thread->base->dirty, __ATOMIC_RELAXED) & dirty) != dirty)
		__atomic_or_fetch(&thread->base->dirty, dirty, __ATOMIC_RELEASE);
}

static int set_attr(struct pvs_thread *thread, const struct pvs_sched_attr *attr)
{
	bool to_deadline = attr->policy == PVS_SCHED_DEADLINE;
	uint32_t dirty = PVS_DIRTY_ATTR | (to_deadline ? PVS_DIRTY_DEADLINE : 0);
	struct pvs_sched_attr copy = *attr;
	int ret;

	if (memcmp(attr, &thread->now.attr, sizeof(*attr)) == 0)
		return 0;
	mark(thread, dirty);
	if (thread->now.attr.policy == PVS_SCHED_DEADLINE && !to_deadline)
		pvs_sys_give_bandwidth_back(thread->base->tid);
	ret = pvs_sys_setattr(thread->base->tid, &copy);
	mark(thread, dirty);
	if (ret == 0)
		thread->now.attr = *attr;
	return ret;
}

static int set_affinity(struct pvs_thread *thread, const uint64_t *mask)
{
	int ret;

	if (memcmp(mask, thread->now.affinity, sizeof(thread->now.affinity)) == 0)
		return 0;
	mark(thread, PVS_DIRTY_AFFINITY);
	ret = pvs_sys_setaffinity(thread->base->tid, mask);
	mark(thread, PVS_DIRTY_AFFINITY);
	if (ret == 0)
		memcpy(thread->now.affinity, mask, sizeof(thread->now.affinity));
	return ret;
}

static int leave_cgroup(struct pvs_thread *thread, uint32_t weight)
{
	int ret;

	if (!thread->now.weight || weight)
		return 0;
	ret = pvs_cgroup_put(thread->base->home, thread->base->tid);
	if (ret == 0)
		thread->now.weight = 0;
	return ret;
}

/* The cgroup once made stays until the thread is released: only the way in and out is paid. */
static int enter_cgroup(const struct pvs_linux *lin, struct pvs_thread *thread, uint32_t weight)
{
	struct pvs_baseline *base = thread->base;
	int ret = 0;

	if (thread->now.weight == weight || !weight)
		return 0;
	mark(thread, PVS_DIRTY_CGROUP);
	if (!base->own[0])
		ret = pvs_cgroup_make(&lin->cgroup, base->tid, base->own, sizeof(base->own));
	if (ret == 0)
		ret = pvs_cgroup_weight(&lin->cgroup, base->own, weight);
	if (ret == 0 && !thread->now.weight)
		ret = pvs_cgroup_enter(&lin->cgroup, base->own, base->tid);
	mark(thread, PVS_DIRTY_CGROUP);
	if (ret == 0)
		thread->now.weight = weight;
	return ret;
}

static int do_step(const struct pvs_linux *lin, struct pvs_thread *thread, enum step step,
		   const struct pvs_linux_state *target)
{
	switch (step) {
	case STEP_LEAVE:
		return leave_cgroup(thread, target->weight);
	case STEP_ATTR:
		return set_attr(thread, &target->attr);
	case STEP_AFFINITY:
		return set_affinity(thread, target->affinity);
	case STEP_ENTER:
		return enter_cgroup(lin, thread, target->weight);
	default:
		return 0;
	}
}

/* A thread that is DEADLINE must not be pinned: widen before, narrow after. */
static const enum step to_fair[N_STEPS] = {STEP_LEAVE, STEP_ATTR, STEP_AFFINITY, STEP_ENTER};
static const enum step to_deadline[N_STEPS] = {STEP_LEAVE, STEP_AFFINITY, STEP_ATTR, STEP_ENTER};

static int go(const struct pvs_linux *lin, struct pvs_thread *thread,
	      const struct pvs_linux_state *target)
{
	const enum step *order = target->attr.policy == PVS_SCHED_DEADLINE ? to_deadline : to_fair;
	struct pvs_linux_state before = thread->now;
	int ret = 0, i;

	for (i = 0; i < N_STEPS && ret == 0; i++)
		ret = do_step(lin, thread, order[i], target);
	if (ret == 0)
		return 0;
	/* Backwards, what was an entrance is an exit. */
	while (i-- > 0) {
		static const enum step inverse[N_STEPS] = {
			[STEP_LEAVE] = STEP_ENTER,
			[STEP_ATTR] = STEP_ATTR,
			[STEP_AFFINITY] = STEP_AFFINITY,
			[STEP_ENTER] = STEP_LEAVE,
		};

		do_step(lin, thread, inverse[order[i]], &before);
	}
	return ret;
}

/* ---- Operations ------------------------------------------------------------------------------ */

static uint32_t op_probe(void *opaque, uint32_t wanted, struct pvs_log *log)
{
	struct pvs_linux *lin = opaque;
	struct pvs_probe probe;

	if (pvs_probe_run(lin->has_cgroup ? &lin->cgroup : NULL, wanted, &probe, log) < 0)
		return 0;
	return probe.actuators;
}

static int op_apply(void *opaque, void *handle, const struct pvs_sched *sched)
{
	struct pvs_linux *lin = opaque;
	struct pvs_thread *thread = handle;
	struct pvs_linux_state target;
	int ret;

	ret = target_state(lin, thread->base, sched, &target);
	if (ret < 0)
		return ret;
	if (!pvs_threads_is_same(thread))
		return -ESRCH;
	pvs_threads_heed(lin, thread);
	return go(lin, thread, &target);
}

static const struct pvs_actuator_ops linops = {
	.probe = op_probe,
	.capture = pvs_threads_capture,
	.apply = op_apply,
	.restore = pvs_threads_restore,
	.release = pvs_threads_release,
	.rescue = pvs_threads_rescue,
};

static int open_parts(struct pvs_linux *lin, const struct pvs_linux_options *options,
		      struct pvs_log *log)
{
	int ret;

	if (options && options->cgroup) {
		ret = pvs_cgroup_open(&lin->cgroup, options->cgroup, log);
		if (ret < 0)
			return ret;
		lin->has_cgroup = true;
	}
	ret = pvs_probe_run(lin->has_cgroup ? &lin->cgroup : NULL, PVS_ACT_ALL, &lin->probe, NULL);
	if (ret < 0)
		return pvs_refuse(log, ret, "actuators: no thread to try them on: %s",
				  strerror(-ret));
	return options && options->guard ? pvs_guard_start(&lin->guard, options->watchdog_ns, log)
					 : 0;
}

int pvs_actuator_linux(const struct pvs_linux_options *options, struct pvs_actuator *actuator,
		       struct pvs_log *log)
{
	struct pvs_linux *lin = calloc(1, sizeof(*lin));
	int ret;

	if (!lin)
		return -ENOMEM;
	pvs_threads_init(lin);
	ret = open_parts(lin, options, log);
	if (ret < 0) {
		pthread_mutex_destroy(&lin->lock);
		free(lin);
		return ret;
	}
	actuator->ops = &linops;
	actuator->opaque = lin;
	return 0;
}

void pvs_actuator_linux_close(struct pvs_actuator *actuator)
{
	struct pvs_linux *lin = actuator->opaque;

	if (!lin)
		return;
	pvs_threads_close(lin);
	if (lin->guard)
		pvs_guard_stop(lin->guard);
	free(lin);
	actuator->opaque = NULL;
}

bool pvs_actuator_linux_guarded(const struct pvs_actuator *actuator)
{
	const struct pvs_linux *lin = actuator->opaque;

	return lin->guard && pvs_guard_alive(lin->guard);
}

void pvs_actuator_linux_beat(const struct pvs_actuator *actuator)
{
	struct pvs_linux *lin = actuator->opaque;

	if (lin->guard)
		pvs_guard_beat(lin->guard);
	pvs_threads_tidy(lin);
}

int pvs_actuator_linux_nice_min(const struct pvs_actuator *actuator)
{
	const struct pvs_linux *lin = actuator->opaque;

	return lin->probe.nice_min;
}

unsigned pvs_actuator_linux_prio_max(const struct pvs_actuator *actuator)
{
	const struct pvs_linux *lin = actuator->opaque;

	return lin->probe.prio_max;
}
