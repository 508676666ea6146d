/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * For tests: what the verifier claims of the registers before each instruction, and a look at the
 * registers that the strict interpreter has there. Neither costs a normal load or run anything.
 */
#ifndef BPFE_CLAIMS_H
#define BPFE_CLAIMS_H

#include "bpf_engine.h"
#include "verifier/domain.h"

struct bpfe_program;
struct bpfe_vf;

/* Of one register before one instruction: the union over all states that got there. */
struct bpfe_claim {
	bool nothing; /* in some state it held nothing: no claim */
	bool mixed;   /* pointers of different kinds: none that this can say */
	bool number;  /* in some state a number, one of @value */
	bool nullable;
	uint8_t pointer; /* enum bpfe_reg_type of the states in which it is a pointer; 0: none */
	uint8_t frame;   /* stack: index of the frame pointed into */
	uint32_t map;    /* map, map value: index into the image's maps */
	int64_t lo, hi;  /* offset from where such pointers start */
	int64_t proven;  /* packet: bytes behind the pointer that lie in the frame; may be < 0 */
	struct bpfe_scalar value;
};

struct bpfe_claims {
	/*
	 * Follow every path to its end unless a state covers it in all its registers and slots.
	 * Otherwise what a state claims holds for what is live only, and numbers for what is
	 * precise, since paths that differ in nothing else are not followed.
	 */
	bool all;
	struct bpfe_claim (*regs)[10]; /* by instruction; n_insns rows, zeroed by the caller */
	uint16_t *live, *precise;      /* by instruction: registers of which the claims hold */
	bool *seen;                    /* by instruction */
	bool widened; /* set when the verifier began anew, joining paths; the claims are of that */
};

/* The verifier stands before the instruction at vf->pc. */
void bpfe_claims_note(struct bpfe_vf *vf);

/* Where the strict interpreter stands: about to execute the instruction at @slot. */
struct bpfe_watch_point {
	uint32_t slot;
	uint32_t depth;                 /* frames that called; the running one is tops[depth] */
	const uint64_t *r;              /* r0 to r10 */
	uint64_t tops[BPFE_MAX_FRAMES]; /* r10 of each frame */
	const struct bpfe_xdp_buff *xdp;
};

struct bpfe_watch {
	void (*fn)(void *opaque, const struct bpfe_watch_point *point);
	void *opaque;
};

/* Have runs of @prog, loaded BPFE_LOAD_CHECKED, watched; not while one is under way. */
void bpfe_program_watch(struct bpfe_program *prog, const struct bpfe_watch *watch);

#endif
