// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Policies for tests of the live host: what they answer tells which of them was asked, and what. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "sluice/pvsched_policy.h"

char _license[] SEC("license") = "Dual BSD/GPL";
const char pvs_policy_name[] = "live";

/* The answer's slice, by which answers of several loads of it differ. */
const volatile __u64 mark = 1000000;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u32);
	__type(value, __u64);
} asked SEC(".maps");

static void count(__u32 event)
{
	__u64 one = 1, *n = bpf_map_lookup_elem(&asked, &event);

	if (n)
		__sync_fetch_and_add(n, 1);
	else
		bpf_map_update_elem(&asked, &event, &one, BPF_NOEXIST);
}

static long add_bit(__u32 i, void *opaque)
{
	__u32 *bits = opaque;

	*bits |= 1u << (i & 31);
	return 0;
}

/* Functions handed to helpers must survive the way into another program. */
static __u32 low_bits(__u32 n)
{
	__u32 bits = 0;

	bpf_loop(n, add_bit, &bits, 0);
	return bits;
}

static int answer(struct pvs_ctx *ctx)
{
	ctx->out.set = PVS_SET_SLICE | PVS_SET_NICE;
	ctx->out.slice_ns = mark;
	ctx->out.boost = PVS_BOOST_RT;
	ctx->out.nice = -(__s32)ctx->event;
	ctx->out.weight = low_bits(ctx->vcpu);
	ctx->vcpu = 99; /* nobody is to believe it */
	return PVS_APPLY;
}

PVS_SEC("vcpu_stop") int on_stop(struct pvs_ctx *ctx)
{
	count(PVS_EVENT_VCPU_STOP);
#ifdef LOOKS
	return PVS_KEEP;
#endif
	return answer(ctx);
}

PVS_SEC("halt") int on_halt(struct pvs_ctx *ctx)
{
	count(PVS_EVENT_HALT);
#if defined(LOOKS) && defined(WITH_HINT)
	return PVS_KEEP;
#elif defined(LOOKS)
	if (ctx->boost == PVS_BOOST_RT)
		return PVS_BASELINE;
#endif
	return answer(ctx);
}

#ifdef WITH_HINT
PVS_SEC("hint") int on_hint(struct pvs_ctx *ctx)
{
	count(PVS_EVENT_HINT);
#ifdef LOOKS
	return answer(ctx);
#endif
	return ctx->hint_status == PVS_HINT_OK ? 7 : PVS_BASELINE; /* 7 is no verdict */
}
#endif

/* How often others were asked: in ctx->out, of the event in `class`. */
PVS_SEC("tick") int on_tick(struct pvs_ctx *ctx)
{
	__u32 event = ctx->class;
	__u64 *n = bpf_map_lookup_elem(&asked, &event);

	ctx->out.hold_ns = n ? *n : 0;
	return PVS_KEEP;
}

#ifdef ONLY_SYSCALL
/* A helper that programs of type SYSCALL have, and tracing ones do not. */
PVS_SEC("vcpu_run") int on_run(struct pvs_ctx *ctx)
{
	static long (*const sys_close)(__u32 fd) = (void *)BPF_FUNC_sys_close;

	return sys_close(ctx->vcpu + 100000) < -100000 ? PVS_APPLY : PVS_KEEP;
}
#endif
