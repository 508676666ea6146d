/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Policies: loaded and verified here, in the main loop, while the one in place goes on; then
 * exchanged in the loop's thread between two events, so that each event is seen by one of them.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/cutils.h"
#include "pvsched.h"
#include "threads.h"
#include "trace.h"

#define PVSCHED_MAX_TUNABLES 64

/* NAME=VALUE[,NAME=VALUE...]; ':' separates too, for -device has a meaning of its own for ','. */
static bool pvsched_tunables(const char *text, GArray *tunables, char **names, Error **errp)
{
	g_auto(GStrv) words = g_strsplit_set(text ?: "", ",:", PVSCHED_MAX_TUNABLES + 1);
	struct pvs_tunable tunable;
	char *value;
	unsigned i;

	for (i = 0; words[i]; i++) {
		if (!*words[i])
			continue;
		value = strchr(words[i], '=');
		if (value)
			*value++ = '\0';
		if (!value || i >= PVSCHED_MAX_TUNABLES ||
		    qemu_strtoi64(value, NULL, 0, &tunable.value) < 0) {
			error_setg(errp, "policy-set: '%s' is no NAME=VALUE with a whole number",
				   words[i]);
			return false;
		}
		names[i] = g_strdup(words[i]);
		tunable.name = names[i];
		g_array_append_val(tunables, tunable);
	}
	return true;
}

static bool pvsched_policy_host(SluicePvsched *s, struct pvs_policy_options *options, Error **errp)
{
	const char *host = s->options.policy_host ?: "engine";

	if (!strcmp(host, "engine")) {
		options->host = PVS_HOST_ENGINE;
		return true;
	}
	if (!strcmp(host, "kernel")) {
		options->host = PVS_HOST_KERNEL;
		return true;
	}
	if (!strcmp(host, s->scx ? "scx" : "live") && s->kernel) {
		options->host = PVS_HOST_KERNEL;
		return true;
	}
	if (!strcmp(host, "live") || !strcmp(host, "scx"))
		error_setg(errp,
			   "policy-host=%s has the kernel read the guest's pages, so it is to be "
			   "given when the device is created",
			   host);
	else
		error_setg(errp,
			   "policy-host=%s is none of engine (in this process), kernel, live (in "
			   "the kernel, at each switch of a vCPU thread), scx (the same, as the "
			   "host's scheduler)",
			   host);
	return false;
}

static struct pvs_policy *pvsched_policy_open(SluicePvsched *s, Error **errp)
{
	g_autoptr(GArray) tunables = g_array_new(false, false, sizeof(struct pvs_tunable));
	g_auto(GStrv) names = g_new0(char *, PVSCHED_MAX_TUNABLES + 2);
	g_autofree char *text = g_malloc0(PVSCHED_LOG_SIZE);
	struct pvs_log log = {.buf = text, .size = PVSCHED_LOG_SIZE};
	const char *name = s->options.policy ?: "none";
	struct pvs_policy_options options = {0};
	struct pvs_policy *policy = NULL;
	int err;

	if (!pvsched_policy_host(s, &options, errp) ||
	    !pvsched_tunables(s->options.policy_set, tunables, names, errp))
		return NULL;
	options.tunables = (const struct pvs_tunable *)tunables->data;
	options.n_tunables = tunables->len;
	sluice_thread_register();
	err = pvs_policy_open(name, &options, &policy, &log);
	if (!err)
		return policy;
	/* Tunables stay when the policy changes, and may be the cause. */
	if (tunables->len)
		error_setg(errp, "policy %s with policy-set=%s: %s", name, s->options.policy_set,
			   *text ? g_strchomp(text) : strerror(-err));
	else
		error_setg(errp, "policy %s: %s", name, *text ? g_strchomp(text) : strerror(-err));
	return NULL;
}

typedef struct PvschedSwap {
	SluicePvsched *s;
	struct pvs_policy *policy;
} PvschedSwap;

static void pvsched_policy_swap(void *opaque)
{
	PvschedSwap *swap = opaque;
	SluicePvsched *s = swap->s;

	pvs_vm_set_policy(s->vm, swap->policy, s->options.handover, pvsched_clock_ns(s));
}

static bool pvsched_policy_exchange(SluicePvsched *s, PvschedSwap *swap, Error **errp)
{
	/* Who changes what the kernel runs waits for the loop without end. */
	if (s->live && pvsched_watchdog_answers(s))
		return pvsched_live_set_policy(s, swap->policy, errp);
	if (!s->live && pvsched_core_call(s, pvsched_policy_swap, swap))
		return true;
	error_setg(errp, "policy: the scheduling thread does not answer; the one there stays");
	return false;
}

bool pvsched_policy_apply(SluicePvsched *s, Error **errp)
{
	PvschedSwap swap = {.s = s, .policy = pvsched_policy_open(s, errp)};
	struct pvs_policy_info info;

	if (!swap.policy)
		return false;
	if (pvsched_watchdog_refuses(s, errp) || !pvsched_policy_exchange(s, &swap, errp)) {
		pvs_policy_put(swap.policy);
		return false;
	}
	pvs_policy_info(swap.policy, &info);
	pvs_policy_put(swap.policy);
	s->swaps++;
	trace_pvsched_policy(pvsched_name(s), info.name, info.version);
	pvs_regs_set_policy(s->regs, info.name);
	return true;
}

static void pvsched_policy_take(void *opaque)
{
	PvschedSwap *swap = opaque;

	swap->policy = pvs_vm_policy(swap->s->vm);
	if (swap->policy)
		pvs_policy_get(swap->policy);
}

struct pvs_policy *pvsched_policy_in_place(SluicePvsched *s)
{
	PvschedSwap swap = {.s = s};

	pvsched_core_call(s, pvsched_policy_take, &swap);
	return swap.policy;
}
