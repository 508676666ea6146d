/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Programs over frames whose work is in loops: sums that check each access against data_end or all
 * at once, early ends that depend on data, stores that the loop reads again, values of maps and
 * arrays on the stack by index, parts of numbers stored and loaded in other sizes, functions called
 * back, bytes copied and put together.
 */
#ifndef JIT_WALKS_H
#define JIT_WALKS_H

#include <stdint.h>
#include <linux/bpf.h>

#define WALKS_MAX 900u /* slots */

/* The program of @seed into @insns, which has room for WALKS_MAX; returns its slots. It names the
 * maps of generate.h by index. */
uint32_t generate_walks(uint64_t seed, struct bpf_insn *insns);

#endif
