// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * A policy that answers the guest's opaque line: word 1 says with which verdict, and what is
 * published are its words the other way round, each with its number added. Word 0 is 0: nothing.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "sluice/pvsched_policy.h"

char _license[] SEC("license") = "Dual BSD/GPL";

static int answer(struct pvs_ctx *ctx)
{
	const __u64 how = ctx->opaque[1] % 3;

	if (!ctx->opaque[0])
		return PVS_KEEP;
	ctx->out.set = PVS_SET_OPAQUE;
	ctx->out.opaque[0] = ctx->opaque[7];
	ctx->out.opaque[1] = ctx->opaque[6] + 1;
	ctx->out.opaque[2] = ctx->opaque[5] + 2;
	ctx->out.opaque[3] = ctx->opaque[4] + 3;
	ctx->out.opaque[4] = ctx->opaque[3] + 4;
	ctx->out.opaque[5] = ctx->opaque[2] + 5;
	ctx->out.opaque[6] = ctx->opaque[1] + 6;
	ctx->out.opaque[7] = ctx->opaque[0] + 7;
	if (how == PVS_BASELINE)
		return PVS_BASELINE;
	if (how == PVS_KEEP)
		return PVS_KEEP;
	ctx->out.set |= PVS_SET_SLICE;
	ctx->out.slice_ns = 1000000;
	ctx->out.hold_ns = ctx->tick_ns;
	return PVS_APPLY;
}

PVS_SEC("vcpu_run") int on_run(struct pvs_ctx *ctx)
{
	return answer(ctx);
}

PVS_SEC("vcpu_stop") int on_stop(struct pvs_ctx *ctx)
{
	return answer(ctx);
}

PVS_SEC("halt") int on_halt(struct pvs_ctx *ctx)
{
	return answer(ctx);
}

#ifndef ONLY_SWITCHES
PVS_SEC("kick") int on_kick(struct pvs_ctx *ctx)
{
	return answer(ctx);
}

PVS_SEC("tick") int on_tick(struct pvs_ctx *ctx)
{
	return answer(ctx);
}
#endif
