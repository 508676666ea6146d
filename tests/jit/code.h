/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Programs as compilers write them, and nearly so: rotates, byte order, extensions, spills, indexed
 * memory, loops, what an optimising compiler of BPF looks for, with a wrong count or a register
 * changed in between often enough to catch one that does not look closely.
 */
#ifndef JIT_CODE_H
#define JIT_CODE_H

#include <stdint.h>
#include <linux/bpf.h>

#define CODE_MAX    1200u /* slots */
#define CODE_MEMORY 256u  /* bytes r1 points to (BPFE_PROG_MEM) */

/* The program of @seed into @insns, which has room for CODE_MAX; returns its slots. */
uint32_t generate_code(uint64_t seed, struct bpf_insn *insns);

#endif
