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

static uint64_t error(int err)
{
	return (uint64_t)(int64_t)err;
}

BPFE_HELPER(bpfe_helper_xdp_adjust_head)
{
	struct bpfe_xdp_buff *xdp = env->xdp;
	int64_t delta = (int32_t)r2;
	int64_t headroom = xdp->data_meta - xdp->hard_start;
	size_t meta = (size_t)(xdp->data - xdp->data_meta);

	if (delta < -headroom || delta > xdp->data_end - xdp->data - ETH_HLEN)
		return error(-EINVAL);
	memmove(xdp->data_meta + delta, xdp->data_meta, meta);
	xdp->data_meta += delta;
	xdp->data += delta;
	if (delta < 0)
		memset(xdp->data, 0, (size_t)-delta);
	return 0;
}

BPFE_HELPER(bpfe_helper_xdp_adjust_meta)
{
	struct bpfe_xdp_buff *xdp = env->xdp;
	int64_t delta = (int32_t)r2;
	int64_t meta = xdp->data - xdp->data_meta - delta;

	if (meta < 0 || meta > xdp->data - xdp->hard_start)
		return error(-EINVAL);
	if (meta % 4 || meta > META_MAX)
		return error(-EACCES);
	if (delta < 0)
		memset(xdp->data_meta + delta, 0, (size_t)-delta);
	xdp->data_meta += delta;
	return 0;
}

BPFE_HELPER(bpfe_helper_xdp_adjust_tail)
{
	struct bpfe_xdp_buff *xdp = env->xdp;
	int64_t delta = (int32_t)r2;

	if (delta > xdp->hard_end - xdp->data_end || delta < ETH_HLEN - (xdp->data_end - xdp->data))
		return error(-EINVAL);
	if (delta > 0)
		memset(xdp->data_end, 0, (size_t)delta);
	xdp->data_end += delta;
	return 0;
}
