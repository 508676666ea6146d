/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Programs out of bytes: each byte decides something, so that a fuzzer can steer and a random
 * generator can seed. Most of what comes out is nearly acceptable.
 */
#ifndef VERIFIER_GENERATE_H
#define VERIFIER_GENERATE_H

#include <stddef.h>
#include <stdint.h>
#include <linux/bpf.h>

#define GENERATED_MAX 400u

/* Maps a generated program may name, by index: hash and array, keys of 4, values of 16 bytes. */
enum {
	GENERATED_HASH,
	GENERATED_ARRAY,
	GENERATED_MAPS
};

/* Fills @insns (room for GENERATED_MAX) and returns how many slots. */
uint32_t generate_program(const uint8_t *bytes, size_t size, struct bpf_insn *insns);

#endif
