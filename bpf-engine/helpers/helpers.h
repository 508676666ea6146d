/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The helpers and kfuncs built in, a file for each family. A file ends with its rows of the one
 * table (internal.h, struct bpfe_helper); a row without a name ends them.
 */
#ifndef BPFE_HELPERS_H
#define BPFE_HELPERS_H

#include "helpers/kfuncs.h"
#include "internal.h"

#define BPFE_HELPER(name)                                                              \
	uint64_t name(struct bpfe_run_env *env, uint64_t r1, uint64_t r2, uint64_t r3, \
		      uint64_t r4, uint64_t r5)

/* A negative errno as a program gets it. */
static inline uint64_t bpfe_helper_error(int err)
{
	return (uint64_t)(int64_t)err;
}

extern const struct bpfe_helper bpfe_basic_helpers[];
extern const struct bpfe_helper bpfe_bytes_helpers[];
extern const struct bpfe_helper bpfe_dynptr_helpers[];
extern const struct bpfe_helper bpfe_iter_helpers[];
extern const struct bpfe_helper bpfe_loop_helpers[];
extern const struct bpfe_helper bpfe_map_helpers[];
extern const struct bpfe_helper bpfe_metadata_helpers[];
extern const struct bpfe_helper bpfe_redirect_helpers[];
extern const struct bpfe_helper bpfe_number_helpers[];
extern const struct bpfe_helper bpfe_ring_dynptr_helpers[];
extern const struct bpfe_helper bpfe_route_helpers[];
extern const struct bpfe_helper bpfe_stream_helpers[];
extern const struct bpfe_helper bpfe_tail_call_helpers[];
extern const struct bpfe_helper bpfe_text_helpers[];
extern const struct bpfe_helper bpfe_time_helpers[];
extern const struct bpfe_helper bpfe_xdp_helpers[];

#endif
