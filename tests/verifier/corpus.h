/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Programs by hand, what the verifier must say of them, and the maps they name. */
#ifndef VERIFIER_CORPUS_H
#define VERIFIER_CORPUS_H

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include "helpers/kfuncs.h"
#include "internal.h"
#include "insn.h"

/* Maps by index (LD_MAP_IDX). Values are 16 bytes, keys 4. */
enum {
	HASH = 0,
	ARRAY,       /* 8 entries */
	RDONLY,      /* the same, BPF_F_RDONLY_PROG */
	WRONLY,      /* the same, BPF_F_WRONLY_PROG */
	LOCKED,      /* like ARRAY, with a struct bpf_spin_lock at offset 4 of its values */
	DATA,        /* array with one entry */
	RODATA,      /* the same, frozen, BPF_F_RDONLY_PROG: 7, 0, 0, 0, "text", 0, 7 times 0xff */
	MAPS,        /* array of maps like ARRAY */
	LOCKED_MAPS, /* array of maps like LOCKED */
	PROGS,       /* prog array */
	RINGS,       /* ring buffer */
	PORTS,       /* devmap */
	QUEUES,      /* xskmap */
	PERCPU,      /* per-CPU array like ARRAY */
	QUEUE,       /* values of 16 bytes */
	BLOOM,       /* the same */
	N_MAPS
};

#define CORPUS_INSNS 48

struct corpus_case {
	const char *name;
	struct bpf_insn insns[CORPUS_INSNS]; /* the last one that is not all zeros ends it */
	/* of a refused program: */
	int err;
	enum bpfe_reason reason;
	uint32_t insn;
	const char *message; /* first line, behind the instruction */
	const char *reg;     /* second line, what the register holds; NULL: none */
};

#define PROGRAM(...) .insns = {__VA_ARGS__}

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

struct corpus {
	const struct corpus_case *cases;
	size_t n;
};

extern const struct corpus refused_pointers, refused_memory, refused_stack, refused_calls, accepted;
extern const struct corpus refused_maps, refused_held, refused_dynptr, accepted_objects;
extern const struct corpus refused_loops, accepted_loops;

/* r0 = map value or NULL for key 1 on the stack at r10 - 4, then r1 to r5 are lost. Six slots. */
#define LOOKUP(map) LOOKUP_KEY(map, 1)
#define LOOKUP_KEY(map, key)                                                               \
	ST(BPF_W, 10, -4, key), MOV_X(2, 10), ALU64_K(BPF_ADD, 2, -4), LD_MAP_IDX(1, map), \
		CALL(BPF_FUNC_map_lookup_elem)
/* r2 = data, r3 = data_end, r4 = data + bytes; slots behind it are skipped if the frame is
 * shorter. Five slots. */
#define PACKET(bytes, skip)                                                                \
	LDX(BPF_W, 2, 1, 0), LDX(BPF_W, 3, 1, 4), MOV_X(4, 2), ALU64_K(BPF_ADD, 4, bytes), \
		JMP_X(BPF_JGT, 4, 3, skip)
#define RETURN(value) MOV_K(0, value), EXIT()

/* r0 = record of 16 bytes or NULL. Five slots. */
#define RESERVE() LD_MAP_IDX(1, RINGS), MOV_K(2, 16), MOV_K(3, 0), CALL(BPF_FUNC_ringbuf_reserve)
/* Give back what @reg points to. Three slots. */
#define SUBMIT(reg)  MOV_X(1, reg), MOV_K(2, 0), CALL(BPF_FUNC_ringbuf_submit)
#define DISCARD(reg) MOV_X(1, reg), MOV_K(2, 0), CALL(BPF_FUNC_ringbuf_discard)
/* bpf_spin_lock() or unlock of the LOCKED value at @reg. Three slots. */
#define LOCK(reg)   MOV_X(1, reg), ALU64_K(BPF_ADD, 1, 4), CALL(BPF_FUNC_spin_lock)
#define UNLOCK(reg) MOV_X(1, reg), ALU64_K(BPF_ADD, 1, 4), CALL(BPF_FUNC_spin_unlock)
/* Make a dynptr at r10 + off: of the frame (r1 = context), of the value at @reg, of a record. */
#define DYNPTR_XDP(off) \
	MOV_K(2, 0), MOV_X(3, 10), ALU64_K(BPF_ADD, 3, off), CALL_KFUNC(BPFE_KFUNC_DYNPTR_FROM_XDP)
#define DYNPTR_MEM(reg, off)                                                              \
	MOV_X(1, reg), MOV_K(2, 16), MOV_K(3, 0), MOV_X(4, 10), ALU64_K(BPF_ADD, 4, off), \
		CALL(BPF_FUNC_dynptr_from_mem)
#define DYNPTR_RING(off)                                                                         \
	LD_MAP_IDX(1, RINGS), MOV_K(2, 16), MOV_K(3, 0), MOV_X(4, 10), ALU64_K(BPF_ADD, 4, off), \
		CALL(BPF_FUNC_ringbuf_reserve_dynptr)
/* r1 = the place of the dynptr at r10 + off. Two slots. */
#define AT(reg, off)       MOV_X(reg, 10), ALU64_K(BPF_ADD, reg, off)
#define SUBMIT_DYNPTR(off) AT(1, off), MOV_K(2, 0), CALL(BPF_FUNC_ringbuf_submit_dynptr)
/* r0 = bytes 0 to 7 of the dynptr at r10 + off, or NULL. Six slots. */
#define SLICE(kfunc, off) AT(1, off), MOV_K(2, 0), MOV_K(3, 0), MOV_K(4, 8), CALL_KFUNC(kfunc)

struct corpus_maps {
	struct bpfe_map_binding bindings[N_MAPS];
};

uint32_t corpus_length(const struct corpus_case *c);

int corpus_maps_create(struct corpus_maps *maps);
void corpus_maps_destroy(struct corpus_maps *maps);

/* Decode and verify. @helpers as in struct bpfe_load_attr. The image is for the caller to close. */
int corpus_verify(const struct corpus_maps *maps, const struct bpf_insn *insns, uint32_t n_insns,
		  const uint64_t *helpers, struct bpfe_image *image, struct bpfe_log *log);

#endif
