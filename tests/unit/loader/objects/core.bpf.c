// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* CO-RE relocations: those that hold as compiled, and those only a kernel answers. */
#include <linux/types.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
#ifdef OTHER_LAYOUT
struct xdp_md {
	__u32 rx_queue_index;
	__u32 data;
	__u32 data_end;
};
#else
struct xdp_md {
	__u32 data;
	__u32 data_end;
	__u32 data_meta;
	__u32 ingress_ifindex;
	__u32 rx_queue_index;
};
#endif

struct task___old {
	int state;
};

struct header {
	__u8 first;
	__u8 second;
};
#pragma clang attribute pop

enum version {
	OLD,
	NEW
};

SEC("xdp")
int reads_context(struct xdp_md *ctx)
{
	return ctx->rx_queue_index;
}

SEC("xdp")
int reads_header(struct xdp_md *ctx)
{
	struct header *header = (void *)(long)ctx->data;

	if ((void *)(header + 1) > (void *)(long)ctx->data_end)
		return 1;
	return header->second + bpf_core_field_size(header->first);
}

SEC("xdp")
int asks_for_a_field(struct xdp_md *ctx)
{
	struct header *header = 0;

	return bpf_core_field_exists(header->second) ? 2 : 1;
}

SEC("xdp")
int asks_for_a_type(struct xdp_md *ctx)
{
	return bpf_core_type_exists(struct header) ? 2 : 1;
}

SEC("xdp")
int asks_for_a_value(struct xdp_md *ctx)
{
	return bpf_core_enum_value(enum version, NEW);
}

SEC("xdp")
int reads_a_flavour(struct xdp_md *ctx)
{
	struct task___old *task = 0;

	return bpf_core_field_offset(task->state);
}
