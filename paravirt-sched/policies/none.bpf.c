/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The policy that changes nothing: what others are compared with. Events are heard and counted by
 * the host, so that what hearing them costs is in the comparison. */
#include "policy.h"

const char pvs_policy_name[] = "none";
const unsigned int pvs_policy_version = 1;

PVS_SEC("tick") int none_tick(struct pvs_ctx *ctx)
{
	return PVS_KEEP;
}
