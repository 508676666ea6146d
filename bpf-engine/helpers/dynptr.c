/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Dynptrs over memory and frames: helpers and kfuncs, with the results and errors of Linux 7.2
 * (kernel/bpf/helpers.c). Those over ring buffer records come from ring_dynptr.c.
 */
#include <errno.h>
#include <string.h>
#include "helpers/bytes.h"
#include "helpers/dynptr.h"

#define BYTES_PER_INSN 8u /* what copying costs of the run's budget */

struct bpfe_dynptr bpfe_dynptr_make(enum bpfe_dynptr_kind kind, void *base, uint32_t size)
{
	return (struct bpfe_dynptr){base, size, (uint32_t)kind << BPFE_DYNPTR_KIND_SHIFT};
}

enum bpfe_dynptr_kind bpfe_dynptr_kind(const struct bpfe_dynptr *dynptr)
{
	return (dynptr->offset & ~BPFE_DYNPTR_RDONLY) >> BPFE_DYNPTR_KIND_SHIFT;
}

static struct bpfe_dynptr *at(uint64_t address)
{
	return (struct bpfe_dynptr *)(uintptr_t)address;
}

static uint32_t offset_of(const struct bpfe_dynptr *d)
{
	return d->offset & BPFE_DYNPTR_OFFSET_MASK;
}

static bool is_rdonly(const struct bpfe_dynptr *d)
{
	return d->offset & BPFE_DYNPTR_RDONLY;
}

/* 0 if [offset, offset + len) lies within, -E2BIG if not. */
static int check_range(const struct bpfe_dynptr *d, uint64_t offset, uint64_t len)
{
	return len > d->size || offset > d->size - len ? -E2BIG : 0;
}

/* Memory at @offset of @d. The frame may have become shorter since the dynptr was made: NULL then.
 */
static uint8_t *memory(const struct bpfe_run_env *env, const struct bpfe_dynptr *d, uint64_t offset,
		       uint64_t len)
{
	offset += offset_of(d);
	if (bpfe_dynptr_kind(d) != BPFE_DYNPTR_XDP)
		return d->base + offset;
	if (offset + len > bpfe_frame_len(env->xdp))
		return NULL;
	return env->xdp->data + offset;
}

/* ---- Made ----------------------------------------------------------------------------------- */

static BPFE_HELPER(from_mem)
{
	struct bpfe_dynptr *d = at(r4);

	*d = (struct bpfe_dynptr){0};
	if ((uint32_t)r2 > BPFE_DYNPTR_MAX_SIZE)
		return bpfe_helper_error(-E2BIG);
	if (r3)
		return bpfe_helper_error(-EINVAL);
	*d = bpfe_dynptr_make(BPFE_DYNPTR_LOCAL, (void *)(uintptr_t)r1, (uint32_t)r2);
	return 0;
}

static BPFE_HELPER(from_xdp)
{
	struct bpfe_dynptr *d = at(r3);

	*d = (struct bpfe_dynptr){0};
	if (r2)
		return bpfe_helper_error(-EINVAL);
	*d = bpfe_dynptr_make(BPFE_DYNPTR_XDP, NULL, (uint32_t)bpfe_frame_len(env->xdp));
	return 0;
}

static BPFE_HELPER(clone)
{
	*at(r2) = *at(r1);
	return bpfe_dynptr_kind(at(r1)) ? 0 : bpfe_helper_error(-EINVAL);
}

/* ---- Copied in and out ------------------------------------------------------------------------
 */

static int read_from(struct bpfe_run_env *env, const struct bpfe_dynptr *d, uint32_t offset,
		     void *to, uint32_t len, uint64_t flags)
{
	const uint8_t *from;
	int err;

	if (!bpfe_dynptr_kind(d) || flags)
		return -EINVAL;
	err = check_range(d, offset, len);
	if (err)
		return err;
	if (bpfe_dynptr_kind(d) == BPFE_DYNPTR_XDP)
		return bpfe_frame_load(env, (uint64_t)offset_of(d) + offset, to, len);
	from = memory(env, d, offset, len);
	memmove(to, from, len);
	return 0;
}

static BPFE_HELPER(read_)
{
	int err = read_from(env, at(r3), (uint32_t)r4, (void *)(uintptr_t)r1, (uint32_t)r2, r5);

	env->cost += (uint32_t)r2 / BYTES_PER_INSN;
	if (err) /* the program may read what it handed over */
		memset((void *)(uintptr_t)r1, 0, (uint32_t)r2);
	return bpfe_helper_error(err);
}

static BPFE_HELPER(write_)
{
	struct bpfe_dynptr *d = at(r1);
	uint32_t offset = (uint32_t)r2, len = (uint32_t)r4;
	const void *from = (const void *)(uintptr_t)r3;
	int err;

	if (!bpfe_dynptr_kind(d) || is_rdonly(d) || r5)
		return bpfe_helper_error(-EINVAL);
	err = check_range(d, offset, len);
	if (err)
		return bpfe_helper_error(err);
	if (bpfe_dynptr_kind(d) == BPFE_DYNPTR_XDP)
		return bpfe_helper_error(
			bpfe_frame_store(env, (uint64_t)offset_of(d) + offset, from, len));
	env->cost += len / BYTES_PER_INSN;
	memmove(memory(env, d, offset, len), from, len);
	return 0;
}

/* ---- Looked into ------------------------------------------------------------------------------
 */

static BPFE_HELPER(data)
{
	const struct bpfe_dynptr *d = at(r1);
	uint32_t offset = (uint32_t)r2, len = (uint32_t)r3;

	if (!bpfe_dynptr_kind(d) || is_rdonly(d) || bpfe_dynptr_kind(d) == BPFE_DYNPTR_XDP ||
	    check_range(d, offset, len))
		return 0;
	return (uintptr_t)memory(env, d, offset, len);
}

static BPFE_HELPER(slice)
{
	const struct bpfe_dynptr *d = at(r1);
	uint32_t offset = (uint32_t)r2, len = (uint32_t)r4;

	/* The buffer (r3) is never needed: to the verifier its bytes stay as they were. */
	if (!bpfe_dynptr_kind(d) || check_range(d, offset, len))
		return 0;
	return (uintptr_t)memory(env, d, offset, len);
}

static BPFE_HELPER(slice_rdwr)
{
	if (is_rdonly(at(r1)))
		return 0;
	return slice(env, r1, r2, r3, r4, r5);
}

/* ---- Shaped -----------------------------------------------------------------------------------
 */

static BPFE_HELPER(adjust)
{
	struct bpfe_dynptr *d = at(r1);
	uint32_t start = (uint32_t)r2, end = (uint32_t)r3;

	if (!bpfe_dynptr_kind(d) || start > end)
		return bpfe_helper_error(-EINVAL);
	if (start > d->size || end > d->size)
		return bpfe_helper_error(-ERANGE);
	d->offset += start;
	d->size = end - start;
	return 0;
}

static BPFE_HELPER(is_null_)
{
	return bpfe_dynptr_kind(at(r1)) == BPFE_DYNPTR_NONE;
}

static BPFE_HELPER(is_rdonly_)
{
	return bpfe_dynptr_kind(at(r1)) != BPFE_DYNPTR_NONE && is_rdonly(at(r1));
}

static BPFE_HELPER(size)
{
	const struct bpfe_dynptr *d = at(r1);

	return bpfe_dynptr_kind(d) ? d->size : bpfe_helper_error(-EINVAL);
}

const struct bpfe_helper bpfe_dynptr_helpers[] = {
	{.id = BPF_FUNC_dynptr_from_mem,
	 .name = "bpf_dynptr_from_mem",
	 .fn = from_mem,
	 .plain = true,
	 .args = {BPFE_ARG_MEM_UNINIT, BPFE_ARG_SIZE_OR_ZERO, BPFE_ARG_ANYTHING,
		  BPFE_ARG_DYNPTR_OUT},
	 .dynptr_kind = BPFE_DYNPTR_LOCAL},
	{.id = BPF_FUNC_dynptr_read,
	 .name = "bpf_dynptr_read",
	 .fn = read_,
	 .args = {BPFE_ARG_MEM_UNINIT, BPFE_ARG_SIZE_OR_ZERO, BPFE_ARG_DYNPTR, BPFE_ARG_ANYTHING,
		  BPFE_ARG_ANYTHING}},
	{.id = BPF_FUNC_dynptr_write,
	 .name = "bpf_dynptr_write",
	 .fn = write_,
	 .args = {BPFE_ARG_DYNPTR, BPFE_ARG_ANYTHING, BPFE_ARG_MEM_RDONLY, BPFE_ARG_SIZE_OR_ZERO,
		  BPFE_ARG_ANYTHING}},
	{.id = BPF_FUNC_dynptr_data,
	 .name = "bpf_dynptr_data",
	 .fn = data,
	 .plain = true,
	 .ret = BPFE_RET_MEM_OR_NULL,
	 .args = {BPFE_ARG_DYNPTR, BPFE_ARG_ANYTHING, BPFE_ARG_CONST_ALLOC}},
	{.id = BPFE_KFUNC_DYNPTR_FROM_XDP,
	 .name = "bpf_dynptr_from_xdp",
	 .fn = from_xdp,
	 .plain = true,
	 .args = {BPFE_ARG_CTX, BPFE_ARG_ANYTHING, BPFE_ARG_DYNPTR_OUT},
	 .dynptr_kind = BPFE_DYNPTR_XDP,
	 .types = BPFE_FOR_XDP},
	{.id = BPFE_KFUNC_DYNPTR_SLICE,
	 .name = "bpf_dynptr_slice",
	 .fn = slice,
	 .plain = true,
	 .ret = BPFE_RET_MEM_OR_NULL,
	 .args = {BPFE_ARG_DYNPTR, BPFE_ARG_ANYTHING, BPFE_ARG_MEM_UNINIT | BPFE_ARG_NULLABLE,
		  BPFE_ARG_CONST_ALLOC},
	 .ret_rdonly = true},
	{.id = BPFE_KFUNC_DYNPTR_SLICE_RDWR,
	 .name = "bpf_dynptr_slice_rdwr",
	 .fn = slice_rdwr,
	 .plain = true,
	 .ret = BPFE_RET_MEM_OR_NULL,
	 .args = {BPFE_ARG_DYNPTR, BPFE_ARG_ANYTHING, BPFE_ARG_MEM_UNINIT | BPFE_ARG_NULLABLE,
		  BPFE_ARG_CONST_ALLOC}},
	{.id = BPFE_KFUNC_DYNPTR_ADJUST,
	 .name = "bpf_dynptr_adjust",
	 .fn = adjust,
	 .plain = true,
	 .args = {BPFE_ARG_DYNPTR, BPFE_ARG_ANYTHING, BPFE_ARG_ANYTHING}},
	{.id = BPFE_KFUNC_DYNPTR_IS_NULL,
	 .name = "bpf_dynptr_is_null",
	 .fn = is_null_,
	 .plain = true,
	 .args = {BPFE_ARG_DYNPTR}},
	{.id = BPFE_KFUNC_DYNPTR_IS_RDONLY,
	 .name = "bpf_dynptr_is_rdonly",
	 .fn = is_rdonly_,
	 .plain = true,
	 .args = {BPFE_ARG_DYNPTR}},
	{.id = BPFE_KFUNC_DYNPTR_SIZE,
	 .name = "bpf_dynptr_size",
	 .fn = size,
	 .plain = true,
	 .args = {BPFE_ARG_DYNPTR}},
	{.id = BPFE_KFUNC_DYNPTR_CLONE,
	 .name = "bpf_dynptr_clone",
	 .fn = clone,
	 .plain = true,
	 .args = {BPFE_ARG_DYNPTR, BPFE_ARG_DYNPTR_OUT}},
	{0},
};
