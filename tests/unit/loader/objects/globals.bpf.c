// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Global data in every section a compiler puts it in, static and global. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#ifdef EXTERN
extern int variable __attribute__((section(".ksyms")));

SEC("xdp")
int uses_variable(struct xdp_md *ctx)
{
	return variable;
}
#elif defined(POINTER)
int target;
int *pointer = &target;

SEC("xdp")
int uses_pointer(struct xdp_md *ctx)
{
	return pointer ? *pointer : 0;
}
#elif defined(HUGE)
char huge[4194305];

SEC("xdp")
int uses_huge(struct xdp_md *ctx)
{
	return huge[ctx->rx_queue_index & 0xff];
}

SEC("xdp")
int uses_none(struct xdp_md *ctx)
{
	return XDP_PASS;
}
#elif defined(MANY)
/* 36 MiB. */
char a[4194304] SEC(".bss.a"), b[4194304] SEC(".bss.b"), c[4194304] SEC(".bss.c");
char d[4194304] SEC(".bss.d"), e[4194304] SEC(".bss.e"), f[4194304] SEC(".bss.f");
char g[4194304] SEC(".bss.g"), h[4194304] SEC(".bss.h"), i[4194304] SEC(".bss.i");

SEC("xdp")
int uses_one(struct xdp_md *ctx)
{
	return a[ctx->rx_queue_index & 0xff];
}
#else
const volatile __u32 limit = 3;
const volatile static __u16 step = 2;
__u64 table[4] = {10, 20, 30, 40};
static __u32 dropped;
__u32 seen;
__u64 mine SEC(".data.mine") = 99;

SEC("xdp")
int uses_globals(struct xdp_md *ctx)
{
	static __u32 calls = 5;

	calls += step;
	seen++;
	mine--;
	if (ctx->rx_queue_index >= limit) {
		dropped++;
		return XDP_DROP;
	}
	table[ctx->rx_queue_index & 3]++;
	return calls & 1 ? XDP_PASS : XDP_TX;
}
#endif
