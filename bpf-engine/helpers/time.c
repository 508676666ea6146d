/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Clocks. A run sees one time, the frame's arrival: two readings in one run are equal, so that
 * results repeat and a program cannot time the host.
 */
#include "helpers/helpers.h"

#define NS_PER_TICK   1000000u            /* jiffies and coarse clocks go in milliseconds */
#define FIRST_JIFFIES ((uint32_t)-300000) /* as Linux, 5 minutes before 32 bits wrap */

static BPFE_HELPER(ktime_get_ns)
{
	return env->xdp ? env->xdp->now_ns : 0;
}

static BPFE_HELPER(ktime_get_boot_ns)
{
	const struct bpfe_host *host = env->xdp ? env->xdp->host : NULL;

	if (host && host->boot_ns)
		return host->boot_ns(host->opaque);
	return ktime_get_ns(env, 0, 0, 0, 0, 0);
}

static BPFE_HELPER(ktime_get_coarse_ns)
{
	uint64_t now = ktime_get_ns(env, 0, 0, 0, 0, 0);

	return now - now % NS_PER_TICK;
}

/* International atomic time and the monotonic clock are one: the NIC knows no calendar. */
static BPFE_HELPER(ktime_get_tai_ns)
{
	return ktime_get_ns(env, 0, 0, 0, 0, 0);
}

static BPFE_HELPER(jiffies64)
{
	return FIRST_JIFFIES + ktime_get_ns(env, 0, 0, 0, 0, 0) / NS_PER_TICK;
}

const struct bpfe_helper bpfe_time_helpers[] = {
	{.id = BPF_FUNC_ktime_get_ns,
	 .name = "bpf_ktime_get_ns",
	 .fn = ktime_get_ns,
	 .plain = true},
	{.id = BPF_FUNC_ktime_get_boot_ns,
	 .name = "bpf_ktime_get_boot_ns",
	 .fn = ktime_get_boot_ns,
	 .plain = true},
	{.id = BPF_FUNC_ktime_get_coarse_ns,
	 .name = "bpf_ktime_get_coarse_ns",
	 .fn = ktime_get_coarse_ns,
	 .plain = true},
	{.id = BPF_FUNC_ktime_get_tai_ns,
	 .name = "bpf_ktime_get_tai_ns",
	 .fn = ktime_get_tai_ns,
	 .plain = true},
	{.id = BPF_FUNC_jiffies64, .name = "bpf_jiffies64", .fn = jiffies64, .plain = true},
	{0},
};
