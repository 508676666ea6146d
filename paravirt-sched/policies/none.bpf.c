/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The policy that changes nothing: what others are compared with. It asks to hear nothing, so that
 * nobody is woken for it. */
#include "policy.h"

const char pvs_policy_name[] = "none";
const unsigned int pvs_policy_version = 1;

PVS_SEC("init") int none_init(struct pvs_ctx *ctx)
{
	return PVS_KEEP;
}
