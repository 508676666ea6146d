/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Helpers that write to a ring buffer or a perf event array. The dynptr kind is in dynptr.c. */
#include <errno.h>
#include <string.h>
#include "helpers/helpers.h"
#include "maps/perf_event_array.h"
#include "maps/ringbuf.h"

/* Bytes copied for the price of one instruction. */
#define COPY_PER_INSN 8

/* The map argument, NULL unless it is a @type: the verifier made sure, a mistake of its would cost
 * the host its memory. */
static struct bpfe_map *map_of(uint64_t arg, uint32_t type)
{
	struct bpfe_map *map = (struct bpfe_map *)(uintptr_t)arg;

	return map->attr.type == type ? map : NULL;
}

static BPFE_HELPER(ringbuf_reserve)
{
	struct bpfe_map *map = map_of(r1, BPF_MAP_TYPE_RINGBUF);

	return map && !r3 ? (uintptr_t)bpfe_run_reserve(env, map, r2) : 0;
}

static BPFE_HELPER(ringbuf_submit)
{
	bpfe_run_commit(env, (void *)(uintptr_t)r1, r2, false);
	return 0;
}

static BPFE_HELPER(ringbuf_discard)
{
	bpfe_run_commit(env, (void *)(uintptr_t)r1, r2, true);
	return 0;
}

static BPFE_HELPER(ringbuf_output)
{
	struct bpfe_map *map = map_of(r1, BPF_MAP_TYPE_RINGBUF);
	void *record;

	if (!map || r4 & ~(uint64_t)(BPF_RB_NO_WAKEUP | BPF_RB_FORCE_WAKEUP))
		return bpfe_helper_error(-EINVAL);
	record = bpfe_ringbuf_reserve(map, r3, env->cpu);
	if (!record)
		return bpfe_helper_error(-EAGAIN);
	env->cost += r3 / COPY_PER_INSN;
	if (r3)
		memcpy(record, (const void *)(uintptr_t)r2, r3);
	bpfe_ringbuf_submit(map, record, r4);
	return 0;
}

static BPFE_HELPER(ringbuf_query)
{
	const struct bpfe_map *map = map_of(r1, BPF_MAP_TYPE_RINGBUF);

	return map ? bpfe_ringbuf_query(map, r2) : 0;
}

/* The flags name a ring and, above it, how much of the frame goes along. */
static BPFE_HELPER(perf_event_output)
{
	const struct bpfe_xdp_buff *xdp = env->xdp;
	struct bpfe_map *map = map_of(r2, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	uint64_t frame_size = (r3 & BPF_F_CTXLEN_MASK) >> 32;

	if (!map || r3 & ~(BPF_F_INDEX_MASK | BPF_F_CTXLEN_MASK))
		return bpfe_helper_error(-EINVAL);
	if (frame_size > (uint64_t)(xdp->data_end - xdp->data))
		return bpfe_helper_error(-EFAULT);
	env->cost += (r5 + frame_size) / COPY_PER_INSN;
	return bpfe_helper_error(bpfe_perf_event_output(map, r3 & BPF_F_INDEX_MASK, env->cpu,
							(const void *)(uintptr_t)r4, r5, xdp->data,
							frame_size));
}

const struct bpfe_helper bpfe_stream_helpers[] = {
	{.id = BPF_FUNC_ringbuf_reserve,
	 .name = "bpf_ringbuf_reserve",
	 .fn = ringbuf_reserve,
	 .ret = BPFE_RET_MEM_OR_NULL,
	 .args = {BPFE_ARG_CONST_MAP, BPFE_ARG_CONST_ALLOC, BPFE_ARG_ANYTHING},
	 .acquires = true},
	{.id = BPF_FUNC_ringbuf_submit,
	 .name = "bpf_ringbuf_submit",
	 .fn = ringbuf_submit,
	 .ret = BPFE_RET_VOID,
	 .args = {BPFE_ARG_RECORD, BPFE_ARG_ANYTHING},
	 .releases = true},
	{.id = BPF_FUNC_ringbuf_discard,
	 .name = "bpf_ringbuf_discard",
	 .fn = ringbuf_discard,
	 .ret = BPFE_RET_VOID,
	 .args = {BPFE_ARG_RECORD, BPFE_ARG_ANYTHING},
	 .releases = true},
	{.id = BPF_FUNC_ringbuf_output,
	 .name = "bpf_ringbuf_output",
	 .fn = ringbuf_output,
	 .ret = BPFE_RET_INTEGER,
	 .args = {BPFE_ARG_CONST_MAP, BPFE_ARG_MEM_RDONLY, BPFE_ARG_SIZE_OR_ZERO,
		  BPFE_ARG_ANYTHING}},
	{.id = BPF_FUNC_ringbuf_query,
	 .name = "bpf_ringbuf_query",
	 .fn = ringbuf_query,
	 .plain = true,
	 .ret = BPFE_RET_INTEGER,
	 .args = {BPFE_ARG_CONST_MAP, BPFE_ARG_ANYTHING}},
	{.id = BPF_FUNC_perf_event_output,
	 .name = "bpf_perf_event_output",
	 .fn = perf_event_output,
	 .ret = BPFE_RET_INTEGER,
	 .args = {BPFE_ARG_CTX, BPFE_ARG_CONST_MAP, BPFE_ARG_ANYTHING, BPFE_ARG_MEM_RDONLY,
		  BPFE_ARG_SIZE_OR_ZERO},
	 .types = BPFE_FOR_XDP | BPFE_FOR_TC},
	{0},
};
