/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Dynptrs as they lie on a program's stack: 16 bytes (struct bpf_dynptr) that the verifier keeps
 * the program from reading and writing. The run trusts them for that reason.
 */
#ifndef BPFE_DYNPTR_H
#define BPFE_DYNPTR_H

#include "helpers/helpers.h"

#define BPFE_DYNPTR_MAX_SIZE ((1u << 24) - 1) /* Linux's */

struct bpfe_dynptr {
	uint8_t *base;   /* memory; for a frame dynptr nothing: the frame moves */
	uint32_t size;   /* bytes of it, below 2^24 */
	uint32_t offset; /* where it begins in base or frame, below 2^24; upper byte: see below */
};

_Static_assert(sizeof(struct bpfe_dynptr) == 16, "as struct bpf_dynptr");

/* The upper byte of offset: enum bpfe_dynptr_kind, and whether it is read-only. Kind
 * BPFE_DYNPTR_NONE is the null dynptr. */
enum {
	BPFE_DYNPTR_KIND_SHIFT = 24,
	BPFE_DYNPTR_OFFSET_MASK = (1 << BPFE_DYNPTR_KIND_SHIFT) - 1,
	BPFE_DYNPTR_RDONLY = 1u << 31,
};

/* A dynptr over the @size bytes at @base. */
struct bpfe_dynptr bpfe_dynptr_make(enum bpfe_dynptr_kind kind, void *base, uint32_t size);

enum bpfe_dynptr_kind bpfe_dynptr_kind(const struct bpfe_dynptr *dynptr);

#endif
