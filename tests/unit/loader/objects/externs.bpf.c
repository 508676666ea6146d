// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What programs take from outside: the NIC's kfuncs, and what only a kernel has. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

int bpf_xdp_metadata_rx_timestamp(const struct xdp_md *ctx, __u64 *timestamp) __ksym;
int bpf_xdp_metadata_rx_hash___old(const struct xdp_md *ctx, __u32 *hash,
				   __u32 *type) __ksym __weak;
int kernel_function(int n) __ksym;
int newer_function(int n) __ksym __weak;
extern const int kernel_variable __ksym;
extern const int newer_variable __ksym __weak;
extern int CONFIG_HZ __kconfig;

SEC("xdp")
int calls_known(struct xdp_md *ctx)
{
	__u64 timestamp = 0;

	return bpf_xdp_metadata_rx_timestamp(ctx, &timestamp) ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int calls_flavour(struct xdp_md *ctx)
{
	__u32 hash = 0, type = 0;

	if (!bpf_xdp_metadata_rx_hash___old)
		return XDP_ABORTED;
	return bpf_xdp_metadata_rx_hash___old(ctx, &hash, &type) ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int calls_unknown(struct xdp_md *ctx)
{
	return kernel_function(2);
}

static __attribute__((noinline)) int indirect(int n)
{
	return kernel_function(n) + 1;
}

SEC("xdp")
int calls_unknown_below(struct xdp_md *ctx)
{
	return indirect(ctx->rx_queue_index);
}

SEC("xdp")
int asks_first(struct xdp_md *ctx)
{
	if (newer_function)
		return newer_function(3);
	return &newer_variable ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int calls_weak(struct xdp_md *ctx)
{
	return newer_function(3);
}

SEC("xdp")
int reads_variable(struct xdp_md *ctx)
{
	return *(volatile const int *)&kernel_variable;
}

SEC("xdp")
int reads_config(struct xdp_md *ctx)
{
	return CONFIG_HZ == 100;
}
