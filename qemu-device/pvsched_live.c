/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policy-host=live and scx: the policy decides in the host's kernel, at each switch of a vCPU
 * thread. The guest's pages are then memory of a BPF map, which programs of the kernel read, and
 * the kernel tells the loop of switches and decisions.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "pvsched.h"

static bool pvsched_live_wanted(SluicePvsched *s)
{
	return !g_strcmp0(s->options.policy_host, "live") || pvsched_scx_wanted(s);
}

/* What @err is, by the kernel's words if it has any. */
static void pvsched_live_refuse(SluicePvsched *s, int err, char *text, Error **errp)
{
	error_setg(errp, "policy-host=%s: %s", s->options.policy_host,
		   *text ? g_strchomp(text) : strerror(-err));
}

bool pvsched_live_init(SluicePvsched *s, Error **errp)
{
	g_autofree char *text = g_malloc0(PVSCHED_LOG_SIZE);
	struct pvs_log log = {.buf = text, .size = PVSCHED_LOG_SIZE};
	int err;

	if (!pvsched_live_wanted(s) || s->kernel || s->options.manager)
		return true;
	err = pvs_kernel_host_create(0, s->n_vcpus, pvsched_scx_wanted(s), &s->kernel, &log);
	if (!err)
		return true;
	pvsched_live_refuse(s, err, text, errp);
	return false;
}

bool pvsched_live_start(SluicePvsched *s, Error **errp)
{
	g_autofree char *text = g_malloc0(PVSCHED_LOG_SIZE);
	struct pvs_log log = {.buf = text, .size = PVSCHED_LOG_SIZE};
	int err;

	if (!s->kernel)
		return true;
	err = pvs_live_create(s->loop, s->vm, s->kernel, s->scx != NULL, &s->live, &log);
	if (!err)
		return true;
	pvsched_live_refuse(s, err, text, errp);
	return false;
}

void pvsched_live_stop(SluicePvsched *s)
{
	pvs_live_destroy(s->live);
	s->live = NULL;
}

void pvsched_live_exit(SluicePvsched *s)
{
	pvs_kernel_host_destroy(s->kernel);
	s->kernel = NULL;
}

bool pvsched_live_set_policy(SluicePvsched *s, struct pvs_policy *policy, Error **errp)
{
	g_autofree char *text = g_malloc0(PVSCHED_LOG_SIZE);
	struct pvs_log log = {.buf = text, .size = PVSCHED_LOG_SIZE};
	int err = pvs_live_set_policy(s->live, policy, s->options.handover, &log);

	if (!err)
		return true;
	pvsched_live_refuse(s, err, text, errp);
	return false;
}

typedef struct PvschedLiveStats {
	SluicePvsched *s;
	struct pvs_kernel_stats stats;
} PvschedLiveStats;

static void pvsched_live_take_stats(void *opaque)
{
	PvschedLiveStats *live = opaque;

	pvs_kernel_host_stats(live->s->kernel, &live->stats);
}

struct pvs_kernel_stats pvsched_live_stats(SluicePvsched *s)
{
	PvschedLiveStats live = {.s = s};

	pvsched_core_call(s, pvsched_live_take_stats, &live);
	return live.stats;
}
