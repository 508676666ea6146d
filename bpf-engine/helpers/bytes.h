/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The frame by offset, for helpers and dynptrs. */
#ifndef BPFE_BYTES_H
#define BPFE_BYTES_H

#include "helpers/helpers.h"

/* Bytes copied or summed for the price of one instruction. */
#define BPFE_FRAME_BYTES_PER_INSN 8u

/* Bytes from data to data_end. */
size_t bpfe_frame_len(const struct bpfe_xdp_buff *xdp);

/*
 * Copy @len bytes at @offset of the frame to @to, or from @from, and charge the copy to the run.
 * -EFAULT: offset or length over 65535; -EINVAL: not within the frame. A load that fails zeroes
 * @to.
 */
int bpfe_frame_load(struct bpfe_run_env *env, uint64_t offset, void *to, uint64_t len);
int bpfe_frame_store(struct bpfe_run_env *env, uint64_t offset, const void *from, uint64_t len);

/* bpf_xdp_load_bytes() and bpf_xdp_store_bytes() for compiled code that has charged for them. */
BPFE_HELPER(bpfe_xdp_load_charged);
BPFE_HELPER(bpfe_xdp_store_charged);

#endif
