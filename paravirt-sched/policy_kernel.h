/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A policy that the host's kernel holds, as the live host (kernel_host.c) builds on it. */
#ifndef PVS_POLICY_KERNEL_H
#define PVS_POLICY_KERNEL_H

#include "policy_internal.h"

struct bpf_program;

/* The callback's program, loaded, or NULL: the policy has no such callback or another host. Valid
 * as long as the policy. */
const struct bpf_program *pvs_policy_kernel_program(const struct pvs_policy *policy,
						    enum pvs_event event);

#endif
