/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Frame bytes by offset, and checksums over memory, with the limits of Linux 7.2
 * (net/core/filter.c). A frame lies in one piece here, so no copy is ever split.
 */
#include <errno.h>
#include <string.h>
#include "helpers/bytes.h"

/* Longest frame and offset Linux accepts here (bpf_xdp_pointer()). */
#define MAX_OFFSET 0xffffu

size_t bpfe_frame_len(const struct bpfe_xdp_buff *xdp)
{
	return (size_t)(xdp->data_end - xdp->data);
}

static int check(const struct bpfe_xdp_buff *xdp, uint64_t offset, uint64_t len)
{
	if (offset > MAX_OFFSET || len > MAX_OFFSET)
		return -EFAULT;
	return offset + len > bpfe_frame_len(xdp) ? -EINVAL : 0;
}

static int load(const struct bpfe_xdp_buff *xdp, uint64_t offset, void *to, uint64_t len)
{
	int err = check(xdp, offset, len);

	/* The program may read what it handed over, so it must not stay as it was. */
	if (err)
		memset(to, 0, len);
	else
		memmove(to, xdp->data + offset, len); /* @to may lie in the frame */
	return err;
}

static int store(const struct bpfe_xdp_buff *xdp, uint64_t offset, const void *from, uint64_t len)
{
	int err = check(xdp, offset, len);

	if (!err)
		memmove(xdp->data + offset, from, len);
	return err;
}

int bpfe_frame_load(struct bpfe_run_env *env, uint64_t offset, void *to, uint64_t len)
{
	env->cost += len / BPFE_FRAME_BYTES_PER_INSN;
	return load(env->xdp, offset, to, len);
}

int bpfe_frame_store(struct bpfe_run_env *env, uint64_t offset, const void *from, uint64_t len)
{
	env->cost += len / BPFE_FRAME_BYTES_PER_INSN;
	return store(env->xdp, offset, from, len);
}

BPFE_HELPER(bpfe_xdp_load_charged)
{
	return bpfe_helper_error(load(env->xdp, (uint32_t)r2, (void *)(uintptr_t)r3, (uint32_t)r4));
}

BPFE_HELPER(bpfe_xdp_store_charged)
{
	return bpfe_helper_error(
		store(env->xdp, (uint32_t)r2, (const void *)(uintptr_t)r3, (uint32_t)r4));
}

static BPFE_HELPER(xdp_get_buff_len)
{
	return bpfe_frame_len(env->xdp);
}

static BPFE_HELPER(xdp_load_bytes)
{
	return bpfe_helper_error(
		bpfe_frame_load(env, (uint32_t)r2, (void *)(uintptr_t)r3, (uint32_t)r4));
}

static BPFE_HELPER(xdp_store_bytes)
{
	return bpfe_helper_error(
		bpfe_frame_store(env, (uint32_t)r2, (const void *)(uintptr_t)r3, (uint32_t)r4));
}

/* ---- Internet checksum (RFC 1071) ----------------------------------------------------------- */

/* Sum of 32-bit words with the carries added back; equal to the 16-bit sum once folded. */
static uint32_t fold64(uint64_t sum)
{
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & UINT32_MAX) + (sum >> 32);
	return (uint32_t)sum;
}

static uint16_t fold32(uint32_t sum)
{
	sum = (sum & UINT16_MAX) + (sum >> 16);
	sum = (sum & UINT16_MAX) + (sum >> 16);
	return (uint16_t)sum;
}

/* @size is a multiple of 4. */
static uint32_t sum_words(const uint8_t *bytes, uint32_t size, uint32_t seed)
{
	uint64_t sum = seed;
	uint32_t word;

	for (uint32_t i = 0; i < size; i += sizeof(word)) {
		memcpy(&word, bytes + i, sizeof(word));
		sum += word;
	}
	return fold64(sum);
}

static BPFE_HELPER(csum_diff)
{
	const uint8_t *from = (const uint8_t *)(uintptr_t)r1, *to = (const uint8_t *)(uintptr_t)r3;
	uint32_t from_size = (uint32_t)r2, to_size = (uint32_t)r4, seed = (uint32_t)r5;
	uint32_t sum = seed;

	if ((from_size | to_size) % 4)
		return bpfe_helper_error(-EINVAL);
	env->cost += (from_size + to_size) / BPFE_FRAME_BYTES_PER_INSN;
	if (to_size)
		sum = sum_words(to, to_size, seed);
	if (from_size && to_size)
		sum = fold64((uint64_t)sum + (uint32_t)~sum_words(from, from_size, 0));
	else if (from_size)
		sum = ~sum_words(from, from_size, ~seed);
	return fold32(sum);
}

const struct bpfe_helper bpfe_bytes_helpers[] = {
	{.id = BPF_FUNC_xdp_get_buff_len,
	 .name = "bpf_xdp_get_buff_len",
	 .fn = xdp_get_buff_len,
	 .plain = true,
	 .args = {BPFE_ARG_CTX},
	 .ret_ranged = true,
	 .ret_min = 0,
	 .ret_max = INT32_MAX,
	 .types = BPFE_FOR_XDP},
	{.id = BPF_FUNC_xdp_load_bytes,
	 .name = "bpf_xdp_load_bytes",
	 .fn = xdp_load_bytes,
	 .args = {BPFE_ARG_CTX, BPFE_ARG_ANYTHING, BPFE_ARG_MEM_UNINIT, BPFE_ARG_SIZE},
	 .types = BPFE_FOR_XDP},
	{.id = BPF_FUNC_xdp_store_bytes,
	 .name = "bpf_xdp_store_bytes",
	 .fn = xdp_store_bytes,
	 .args = {BPFE_ARG_CTX, BPFE_ARG_ANYTHING, BPFE_ARG_MEM_RDONLY, BPFE_ARG_SIZE},
	 .types = BPFE_FOR_XDP},
	{.id = BPF_FUNC_csum_diff,
	 .name = "bpf_csum_diff",
	 .fn = csum_diff,
	 .args = {BPFE_ARG_MEM_RDONLY | BPFE_ARG_NULLABLE, BPFE_ARG_SIZE_OR_ZERO,
		  BPFE_ARG_MEM_RDONLY | BPFE_ARG_NULLABLE, BPFE_ARG_SIZE_OR_ZERO,
		  BPFE_ARG_ANYTHING}},
	{0},
};
