/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * XDP metadata kfuncs: what the NIC found out of a frame before the program ran (Linux's
 * Documentation/networking/xdp-rx-metadata.rst). -ENODATA where it found nothing; the places the
 * program gave are zero then.
 */
#include <errno.h>
#include <string.h>
#include "helpers/helpers.h"

static uint64_t give(const struct bpfe_run_env *env, uint32_t have)
{
	return env->xdp->have & have ? 0 : bpfe_helper_error(-ENODATA);
}

static void put(uint64_t to, const void *value, size_t size, bool valid)
{
	if (valid)
		memcpy((void *)(uintptr_t)to, value, size);
	else
		memset((void *)(uintptr_t)to, 0, size);
}

static BPFE_HELPER(rx_timestamp)
{
	uint64_t err = give(env, BPFE_HAVE_TIMESTAMP);

	put(r2, &env->xdp->rx_timestamp, sizeof(env->xdp->rx_timestamp), !err);
	return err;
}

static BPFE_HELPER(rx_hash)
{
	uint64_t err = give(env, BPFE_HAVE_HASH);

	put(r2, &env->xdp->rx_hash, sizeof(env->xdp->rx_hash), !err);
	put(r3, &env->xdp->rx_hash_type, sizeof(env->xdp->rx_hash_type), !err);
	return err;
}

static BPFE_HELPER(rx_vlan_tag)
{
	uint64_t err = give(env, BPFE_HAVE_VLAN);

	put(r2, &env->xdp->vlan_proto, sizeof(env->xdp->vlan_proto), !err);
	put(r3, &env->xdp->vlan_tci, sizeof(env->xdp->vlan_tci), !err);
	return err;
}

const struct bpfe_helper bpfe_metadata_helpers[] = {
	{.id = BPFE_KFUNC_XDP_METADATA_RX_TIMESTAMP,
	 .name = "bpf_xdp_metadata_rx_timestamp",
	 .fn = rx_timestamp,
	 .plain = true,
	 .args = {BPFE_ARG_CTX, BPFE_ARG_FIXED_OUT},
	 .arg_size = {0, 8},
	 .types = BPFE_FOR_XDP},
	{.id = BPFE_KFUNC_XDP_METADATA_RX_HASH,
	 .name = "bpf_xdp_metadata_rx_hash",
	 .fn = rx_hash,
	 .plain = true,
	 .args = {BPFE_ARG_CTX, BPFE_ARG_FIXED_OUT, BPFE_ARG_FIXED_OUT},
	 .arg_size = {0, 4, 4},
	 .types = BPFE_FOR_XDP},
	{.id = BPFE_KFUNC_XDP_METADATA_RX_VLAN_TAG,
	 .name = "bpf_xdp_metadata_rx_vlan_tag",
	 .fn = rx_vlan_tag,
	 .plain = true,
	 .args = {BPFE_ARG_CTX, BPFE_ARG_FIXED_OUT, BPFE_ARG_FIXED_OUT},
	 .arg_size = {0, 2, 2},
	 .types = BPFE_FOR_XDP},
	{0},
};
