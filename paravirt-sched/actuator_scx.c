/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Nice, slice and FIFO as grants of the host's scheduler, the rest by another actuator. */
#include <errno.h>
#include <stdlib.h>

#include "kernel_scx.h"

#define BY_SCHEDULER (PVS_SET_NICE | PVS_SET_SLICE | PVS_SET_FIFO)
#define ACTUATORS    (PVS_ACT_NICE_UP | PVS_ACT_NICE_DOWN | PVS_ACT_SLICE | PVS_ACT_FIFO)

struct scx_thread {
	pid_t tid;
	void *rest;    /* the other actuator's handle */
	uint64_t word; /* as it was asked for last */
	struct scx_thread *next;
};

struct scx_actuator {
	struct pvs_scx *scx;
	struct pvs_actuator rest;
	struct scx_thread *threads;
	pid_t judged; /* whose grant waits for the end of its judgement; 0: none */
};

uint64_t scx_word(const struct pvs_sched *sched)
{
	uint64_t word = 0;

	if (sched->set & PVS_SET_FIFO)
		return grant_of_prio(sched->prio);
	if (sched->set & PVS_SET_NICE)
		word |= grant_of_nice(sched->nice);
	if (sched->set & PVS_SET_SLICE)
		word |= grant_of_slice(sched->slice_ns);
	return word;
}

static void grant(const struct scx_actuator *a, struct scx_thread *thread, uint64_t word)
{
	thread->word = word;
	if (thread->tid != a->judged)
		scx_thread_grant(a->scx, thread->tid, word, false);
}

/* ---- Operations ------------------------------------------------------------------------------ */

static uint32_t op_probe(void *opaque, uint32_t wanted, struct pvs_log *log)
{
	const struct scx_actuator *a = opaque;

	if (wanted & PVS_ACT_WEIGHT)
		pvs_log(log, "weight: the host's scheduler is sluice_pvs, which knows no cgroup "
			     "weights; policy-host=live leaves the host its own\n");
	wanted &= ~PVS_ACT_WEIGHT;
	return (wanted & ACTUATORS) | a->rest.ops->probe(a->rest.opaque, wanted & ~ACTUATORS, log);
}

static int op_capture(void *opaque, pid_t tid, void **handle)
{
	struct scx_actuator *a = opaque;
	struct scx_thread *thread = calloc(1, sizeof(*thread));
	int err;

	if (!thread)
		return -ENOMEM;
	thread->tid = tid;
	err = a->rest.ops->capture(a->rest.opaque, tid, &thread->rest);
	if (err) {
		free(thread);
		return err;
	}
	err = scx_thread_add(a->scx, tid);
	if (err) {
		a->rest.ops->release(a->rest.opaque, thread->rest);
		free(thread);
		return err;
	}
	thread->next = a->threads;
	a->threads = thread;
	*handle = thread;
	return 0;
}

static int apply_rest(const struct scx_actuator *a, const struct scx_thread *thread,
		      const struct pvs_sched *sched)
{
	if (sched->set)
		return a->rest.ops->apply(a->rest.opaque, thread->rest, sched);
	a->rest.ops->restore(a->rest.opaque, thread->rest);
	return 0;
}

static int op_apply(void *opaque, void *handle, const struct pvs_sched *sched)
{
	const struct scx_actuator *a = opaque;
	struct scx_thread *thread = handle;
	struct pvs_sched rest = *sched;
	int err;

	if (!scx_is_running(a->scx))
		return apply_rest(a, thread, sched);
	rest.set &= ~BY_SCHEDULER;
	err = apply_rest(a, thread, &rest);
	if (!err)
		grant(a, thread, scx_word(sched));
	return err;
}

static void op_restore(void *opaque, void *handle)
{
	const struct scx_actuator *a = opaque;
	struct scx_thread *thread = handle;

	grant(a, thread, 0);
	a->rest.ops->restore(a->rest.opaque, thread->rest);
}

static void op_release(void *opaque, void *handle)
{
	struct scx_actuator *a = opaque;
	struct scx_thread *thread = handle, **at = &a->threads;

	while (*at != thread)
		at = &(*at)->next;
	*at = thread->next;
	scx_thread_remove(a->scx, thread->tid);
	a->rest.ops->release(a->rest.opaque, thread->rest);
	free(thread);
}

/* Who is stuck may have the list of threads in its hands: the map is asked whom it has. */
static void op_rescue(void *opaque)
{
	const struct scx_actuator *a = opaque;

	scx_grants_drop(a->scx);
	if (a->rest.ops->rescue)
		a->rest.ops->rescue(a->rest.opaque);
}

static const struct pvs_actuator_ops operations = {
	.probe = op_probe,
	.capture = op_capture,
	.apply = op_apply,
	.restore = op_restore,
	.release = op_release,
	.rescue = op_rescue,
};

int pvs_actuator_scx(struct pvs_scx *scx, const struct pvs_actuator *rest,
		     struct pvs_actuator *actuator)
{
	struct scx_actuator *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	a->scx = scx;
	a->rest = *rest;
	*actuator = (struct pvs_actuator){.ops = &operations, .opaque = a};
	return 0;
}

void pvs_actuator_scx_close(struct pvs_actuator *actuator)
{
	free(actuator->opaque);
	*actuator = (struct pvs_actuator){0};
}

/* ---- What the kernel granted, judged --------------------------------------------------------- */

void pvs_actuator_scx_judge_begin(const struct pvs_actuator *actuator, pid_t tid)
{
	struct scx_actuator *a = actuator->opaque;

	a->judged = tid;
}

void pvs_actuator_scx_judge_end(const struct pvs_actuator *actuator, uint64_t granted)
{
	struct scx_actuator *a = actuator->opaque;
	const struct scx_thread *thread = a->threads;

	while (thread && thread->tid != a->judged)
		thread = thread->next;
	a->judged = 0;
	if (thread)
		scx_thread_grant(a->scx, thread->tid, (granted & GRANT_SERIAL) | thread->word,
				 true);
}
