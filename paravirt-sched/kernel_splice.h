/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A program of ours with a policy's callbacks in it. */
#ifndef PVS_KERNEL_SPLICE_H
#define PVS_KERNEL_SPLICE_H

#include <linux/bpf.h>

#include "policy_kernel.h"

/* The program's code and where its functions begin. */
struct splice {
	struct bpf_insn *insns;
	uint32_t n_insns;
	struct bpf_func_info *funcs; /* in order; of `types` */
	uint32_t n_funcs;
	struct btf *types;
};

/*
 * Put together host.bpf.c's program of @n insns at @insns, as libbpf relocated it, and @policy's
 * callbacks (NULL: none), as program number @serial. -EINVAL: the code lacks a place where
 * something belongs; -ENOMEM. The caller frees with splice_free() even after a failure.
 */
int splice_make(struct splice *splice, const struct bpf_insn *insns, size_t n,
		const struct pvs_policy *policy, uint32_t serial);
void splice_free(struct splice *splice);

#endif
