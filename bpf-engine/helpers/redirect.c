/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Helpers that say where a frame goes: they note the target in the run, and the verdict that they
 * return makes it so.
 */
#include <linux/pkt_cls.h>
#include "helpers/helpers.h"
#include "interp/interp.h"
#include "maps/targets.h"

static void redirect_to(struct bpfe_run_env *env, uint32_t ifindex, uint64_t flags)
{
	env->redirect = (struct bpfe_redirect){
		.kind = BPFE_REDIRECT_PORT, .index = ifindex, .flags = flags};
}

static uint64_t redirect_tc(struct bpfe_run_env *env, uint32_t ifindex, uint64_t flags)
{
	if (flags & ~(uint64_t)BPF_F_INGRESS)
		return TC_ACT_SHOT;
	redirect_to(env, ifindex, flags);
	return TC_ACT_REDIRECT;
}

static BPFE_HELPER(redirect)
{
	if (env->prog->type == BPF_PROG_TYPE_SCHED_CLS)
		return redirect_tc(env, (uint32_t)r1, r2);
	if (r2)
		return XDP_ABORTED;
	redirect_to(env, (uint32_t)r1, 0);
	return XDP_REDIRECT;
}

static BPFE_HELPER(redirect_map)
{
	return bpfe_redirect_map((struct bpfe_map *)(uintptr_t)r1, (uint32_t)r2, r3,
				 &env->redirect);
}

const struct bpfe_helper bpfe_redirect_helpers[] = {
	{.id = BPF_FUNC_redirect,
	 .name = "bpf_redirect",
	 .fn = redirect,
	 .plain = true,
	 .ret = BPFE_RET_INTEGER,
	 .args = {BPFE_ARG_ANYTHING, BPFE_ARG_ANYTHING},
	 .types = BPFE_FOR_XDP | BPFE_FOR_TC},
	{.id = BPF_FUNC_redirect_map,
	 .name = "bpf_redirect_map",
	 .fn = redirect_map,
	 .plain = true,
	 .ret = BPFE_RET_INTEGER,
	 .args = {BPFE_ARG_CONST_MAP, BPFE_ARG_ANYTHING, BPFE_ARG_ANYTHING},
	 .types = BPFE_FOR_XDP},
	{0},
};
