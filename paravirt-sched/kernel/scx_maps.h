/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The maps that host.bpf.c makes and scx.bpf.c has from it (kernel_scx.c). */
#ifndef PVS_KERNEL_SCX_MAPS_H
#define PVS_KERNEL_SCX_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "scx.h"

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SCX_THREADS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __s32);
	__type(value, struct scx_grant);
} grants SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct scx_shared);
} scx_of SEC(".maps");

#endif
