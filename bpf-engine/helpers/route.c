/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Helpers that ask about other ports: routes and MTUs. */
#include <errno.h>
#include <string.h>
#include <linux/if_ether.h>
#include "bpf_fib.h"
#include "helpers/bytes.h"

static const struct bpfe_host no_host;

static const struct bpfe_host *host_of(const struct bpfe_run_env *env)
{
	return env->xdp && env->xdp->host ? env->xdp->host : &no_host;
}

static BPFE_HELPER(fib_lookup)
{
	const struct bpfe_host *host = host_of(env);
	struct bpf_fib_lookup params;
	int answer;

	if (r3 < sizeof(params))
		return bpfe_helper_error(-EINVAL);
	if (!host->fib)
		return bpfe_helper_error(-ENODEV);
	/* A copy: the table must not see it change under the look-up. */
	memcpy(&params, (const void *)(uintptr_t)r2, sizeof(params));
	answer = bpfe_fib_lookup(host->fib, &params, (uint32_t)r4);
	memcpy((void *)(uintptr_t)r2, &params, sizeof(params));
	return bpfe_helper_error(answer);
}

/* Does the frame, longer by r4 bytes, fit port r2 (0: its own)? *r3: length to test instead, of the
 * packet without its Ethernet header, if not 0; on return, the MTU. */
static BPFE_HELPER(check_mtu)
{
	const struct bpfe_host *host = host_of(env);
	uint32_t ifindex = (uint32_t)r2, mtu, asked;
	int64_t len = (int64_t)bpfe_frame_len(env->xdp);

	if (r5)
		return bpfe_helper_error(-EINVAL);
	if (!ifindex)
		ifindex = env->xdp->ingress_ifindex;
	mtu = host->mtu ? host->mtu(host->opaque, ifindex) : 0;
	if (!mtu)
		return bpfe_helper_error(-ENODEV);
	memcpy(&asked, (const void *)(uintptr_t)r3, sizeof(asked));
	if (asked)
		len = (int64_t)asked + ETH_HLEN;
	memcpy((void *)(uintptr_t)r3, &mtu, sizeof(mtu));
	return len + (int32_t)r4 > (int64_t)mtu + ETH_HLEN ? BPF_MTU_CHK_RET_FRAG_NEEDED
							   : BPF_MTU_CHK_RET_SUCCESS;
}

const struct bpfe_helper bpfe_route_helpers[] = {
	{.id = BPF_FUNC_fib_lookup,
	 .name = "bpf_fib_lookup",
	 .fn = fib_lookup,
	 .plain = true,
	 .args = {BPFE_ARG_CTX, BPFE_ARG_MEM_INOUT, BPFE_ARG_SIZE, BPFE_ARG_ANYTHING}},
	{.id = BPF_FUNC_check_mtu,
	 .name = "bpf_check_mtu",
	 .fn = check_mtu,
	 .plain = true,
	 .args = {BPFE_ARG_CTX, BPFE_ARG_ANYTHING, BPFE_ARG_FIXED_INOUT, BPFE_ARG_ANYTHING,
		  BPFE_ARG_ANYTHING},
	 .arg_size = {0, 0, sizeof(uint32_t)}},
	{0},
};
