/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What the shipped policies share: loops and times as both verifiers take them, and a boost made of
 * what the host may do.
 */
#ifndef PVS_POLICIES_POLICY_H
#define PVS_POLICIES_POLICY_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "sluice/pvsched_policy.h"

#define US 1000ull
#define MS 1000000ull

#endif
