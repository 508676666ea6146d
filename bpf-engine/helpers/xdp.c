/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Helpers that move the frame's borders, with the limits of Linux 7.2 (net/core/filter.c). Unlike
 * Linux, every byte that comes into view is zeroed first: what lay there may be another frame's.
 */
#include <errno.h>
#include <string.h>
#include <linux/if_ether.h>
#include "helpers/helpers.h"

/* Metadata is a multiple of 4 bytes and its length fits a byte (xdp_metalen_invalid()). */
#define META_MAX 252

static BPFE_HELPER(xdp_adjust_head)
{
	struct bpfe_xdp_buff *xdp = env->xdp;
	int64_t delta = (int32_t)r2;
	int64_t headroom = xdp->data_meta - xdp->hard_start;
	size_t meta = (size_t)(xdp->data - xdp->data_meta);

	if (delta < -headroom || delta > xdp->data_end - xdp->data - ETH_HLEN)
		return bpfe_helper_error(-EINVAL);
	memmove(xdp->data_meta + delta, xdp->data_meta, meta);
	xdp->data_meta += delta;
	xdp->data += delta;
	if (delta < 0)
		memset(xdp->data, 0, (size_t)-delta);
	return 0;
}

static BPFE_HELPER(xdp_adjust_meta)
{
	struct bpfe_xdp_buff *xdp = env->xdp;
	int64_t delta = (int32_t)r2;
	int64_t meta = xdp->data - xdp->data_meta - delta;

	if (meta < 0 || meta > xdp->data - xdp->hard_start)
		return bpfe_helper_error(-EINVAL);
	if (meta % 4 || meta > META_MAX)
		return bpfe_helper_error(-EACCES);
	if (delta < 0)
		memset(xdp->data_meta + delta, 0, (size_t)-delta);
	xdp->data_meta += delta;
	return 0;
}

static BPFE_HELPER(xdp_adjust_tail)
{
	struct bpfe_xdp_buff *xdp = env->xdp;
	int64_t delta = (int32_t)r2;

	if (delta > xdp->hard_end - xdp->data_end || delta < ETH_HLEN - (xdp->data_end - xdp->data))
		return bpfe_helper_error(-EINVAL);
	if (delta > 0)
		memset(xdp->data_end, 0, (size_t)delta);
	xdp->data_end += delta;
	return 0;
}

const struct bpfe_helper bpfe_xdp_helpers[] = {
	{.id = BPF_FUNC_xdp_adjust_head,
	 .name = "bpf_xdp_adjust_head",
	 .fn = xdp_adjust_head,
	 .plain = true,
	 .ret = BPFE_RET_INTEGER,
	 .args = {BPFE_ARG_CTX, BPFE_ARG_ANYTHING},
	 .moves_packet = true,
	 .types = BPFE_FOR_XDP},
	{.id = BPF_FUNC_xdp_adjust_meta,
	 .name = "bpf_xdp_adjust_meta",
	 .fn = xdp_adjust_meta,
	 .plain = true,
	 .ret = BPFE_RET_INTEGER,
	 .args = {BPFE_ARG_CTX, BPFE_ARG_ANYTHING},
	 .moves_packet = true,
	 .types = BPFE_FOR_XDP},
	{.id = BPF_FUNC_xdp_adjust_tail,
	 .name = "bpf_xdp_adjust_tail",
	 .fn = xdp_adjust_tail,
	 .plain = true,
	 .ret = BPFE_RET_INTEGER,
	 .args = {BPFE_ARG_CTX, BPFE_ARG_ANYTHING},
	 .moves_packet = true,
	 .types = BPFE_FOR_XDP},
	{0},
};
