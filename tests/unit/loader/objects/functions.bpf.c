// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Functions the NIC does not have: one of the kernel's, or one that a helper would call back. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#ifdef KFUNC
extern int kernel_function(void) __attribute__((section(".ksyms")));

SEC("xdp")
int calls_kernel(struct xdp_md *ctx)
{
	return kernel_function();
}
#else
static long callback(__u32 index, void *opaque)
{
	return 0;
}

SEC("xdp")
int passes_callback(struct xdp_md *ctx)
{
	return bpf_loop(3, callback, 0, 0) > 0 ? XDP_PASS : XDP_DROP;
}
#endif
