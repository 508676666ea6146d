/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Programs to time, over plain memory (r1 points to it, r2 is its length), as any BPF runtime can
 * run them: no maps, no helpers.
 */
#ifndef BENCH_MEM_PROGRAMS_H
#define BENCH_MEM_PROGRAMS_H

#include <stddef.h>
#include <stdint.h>
#include <linux/bpf.h>

struct mem_program {
	const char *name;
	const struct bpf_insn *insns;
	size_t n_insns;
	size_t mem_size; /* bytes of mem_program_memory */
	uint64_t result; /* what it must return over them */
};

extern const struct mem_program mem_programs[];
extern const size_t n_mem_programs;

/* A frame of 1514 bytes: Ethernet, IPv4 without options, UDP to port 53. Programs leave it as it
 * is. 8-byte aligned. */
void mem_program_memory(uint8_t memory[1514]);

#endif
