/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The helpers that table.c lists, one file a family. */
#ifndef BPFE_HELPERS_H
#define BPFE_HELPERS_H

#include "internal.h"

#define BPFE_HELPER(name)                                                              \
	uint64_t name(struct bpfe_run_env *env, uint64_t r1, uint64_t r2, uint64_t r3, \
		      uint64_t r4, uint64_t r5)

/* map.c */
BPFE_HELPER(bpfe_helper_map_lookup_elem);
BPFE_HELPER(bpfe_helper_map_update_elem);
BPFE_HELPER(bpfe_helper_map_delete_elem);

/* xdp.c */
BPFE_HELPER(bpfe_helper_xdp_adjust_head);
BPFE_HELPER(bpfe_helper_xdp_adjust_meta);
BPFE_HELPER(bpfe_helper_xdp_adjust_tail);

/* basic.c */
BPFE_HELPER(bpfe_helper_ktime_get_ns);
BPFE_HELPER(bpfe_helper_get_prandom_u32);
BPFE_HELPER(bpfe_helper_get_smp_processor_id);

#endif
