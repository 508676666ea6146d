// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* A policy as it was compiled for policy ABI 1, whose context had no `held`. */
#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

struct pvs_ctx {
	__u32 abi, event;
	__u64 until_out[25];
	__u64 out[10];
};

SEC("pvsched/tick") int on_tick(struct pvs_ctx *ctx)
{
	ctx->out[0] = ctx->event;
	return 1;
}
