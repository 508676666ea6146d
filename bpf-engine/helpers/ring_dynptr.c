/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Ring buffer records of a size that is known only when the program runs, as dynptrs. One that
 * could not be reserved is a null dynptr, which is submitted or discarded all the same (Linux 7.2,
 * kernel/bpf/ringbuf.c).
 */
#include <errno.h>
#include "helpers/dynptr.h"
#include "maps/ringbuf.h"

static BPFE_HELPER(reserve)
{
	struct bpfe_map *map = (struct bpfe_map *)(uintptr_t)r1;
	struct bpfe_dynptr *d = (struct bpfe_dynptr *)(uintptr_t)r4;
	uint32_t size = (uint32_t)r2;
	void *record;

	*d = (struct bpfe_dynptr){0};
	if (r3 || map->attr.type != BPF_MAP_TYPE_RINGBUF)
		return bpfe_helper_error(-EINVAL);
	if (size > BPFE_DYNPTR_MAX_SIZE)
		return bpfe_helper_error(-E2BIG);
	record = bpfe_run_reserve(env, map, size);
	if (!record)
		return bpfe_helper_error(-EINVAL);
	*d = bpfe_dynptr_make(BPFE_DYNPTR_RINGBUF, record, size);
	return 0;
}

static void commit(struct bpfe_run_env *env, uint64_t dynptr, uint64_t flags, bool discard)
{
	struct bpfe_dynptr *d = (struct bpfe_dynptr *)(uintptr_t)dynptr;

	if (bpfe_dynptr_kind(d) == BPFE_DYNPTR_RINGBUF)
		bpfe_run_commit(env, d->base, flags, discard);
	*d = (struct bpfe_dynptr){0};
}

static BPFE_HELPER(submit)
{
	commit(env, r1, r2, false);
	return 0;
}

static BPFE_HELPER(discard)
{
	commit(env, r1, r2, true);
	return 0;
}

const struct bpfe_helper bpfe_ring_dynptr_helpers[] = {
	{.id = BPF_FUNC_ringbuf_reserve_dynptr,
	 .name = "bpf_ringbuf_reserve_dynptr",
	 .fn = reserve,
	 .args = {BPFE_ARG_CONST_MAP, BPFE_ARG_ANYTHING, BPFE_ARG_ANYTHING, BPFE_ARG_DYNPTR_OUT},
	 .dynptr_kind = BPFE_DYNPTR_RINGBUF},
	{.id = BPF_FUNC_ringbuf_submit_dynptr,
	 .name = "bpf_ringbuf_submit_dynptr",
	 .fn = submit,
	 .ret = BPFE_RET_VOID,
	 .args = {BPFE_ARG_DYNPTR_RECORD, BPFE_ARG_ANYTHING},
	 .releases = true},
	{.id = BPF_FUNC_ringbuf_discard_dynptr,
	 .name = "bpf_ringbuf_discard_dynptr",
	 .fn = discard,
	 .ret = BPFE_RET_VOID,
	 .args = {BPFE_ARG_DYNPTR_RECORD, BPFE_ARG_ANYTHING},
	 .releases = true},
	{0},
};
