// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Callbacks, iterators, may_goto and indirect calls. */
#include "corpus.h"
#include "helpers/kfuncs.h"

#define ITER_AT(off) MOV_X(1, 10), ALU64_K(BPF_ADD, 1, off)
#define ITER_NEW(off, start, end) \
	ITER_AT(off), MOV_K(2, start), MOV_K(3, end), CALL_KFUNC(BPFE_KFUNC_ITER_NUM_NEW)
#define ITER_NEXT(off)    ITER_AT(off), CALL_KFUNC(BPFE_KFUNC_ITER_NUM_NEXT)
#define ITER_DESTROY(off) ITER_AT(off), CALL_KFUNC(BPFE_KFUNC_ITER_NUM_DESTROY)
/* bpf_loop(@rounds, function behind two more slots, r10 - 8, 0); eight slots. */
#define LOOP_2(rounds)                                                                       \
	MOV_K(1, rounds), LD_FUNC(2, 7), MOV_X(3, 10), ALU64_K(BPF_ADD, 3, -8), MOV_K(4, 0), \
		CALL(BPF_FUNC_loop), RETURN(2)

static const struct corpus_case cases[] = {
	{"callback is a number",
	 PROGRAM(MOV_K(1, 10), MOV_K(2, 6), MOV_K(3, 0), MOV_K(4, 0), CALL(BPF_FUNC_loop),
		 RETURN(2)),
	 -EACCES, BPFE_BAD_REGISTER, 4, "argument 2 of bpf_loop is a scalar", "R2=6"},
	{"callback returns 2", PROGRAM(LOOP_2(4), RETURN(2)), -EACCES, BPFE_BAD_RETURN, 10,
	 "what a callback returns in R0 may be neither 0 nor 1", "R0=2"},
	{"callback returns a pointer", PROGRAM(LOOP_2(4), MOV_X(0, 2), EXIT()), -EACCES,
	 BPFE_BAD_RETURN, 10, "what a callback returns in R0 may be neither 0 nor 1",
	 "R0=fp-8 of frame 0"},
	{"callback that would never be called is looked at",
	 PROGRAM(LOOP_2(0), LDX(BPF_DW, 0, 1, 0), EXIT()), -EACCES, BPFE_BAD_MEMORY, 9,
	 "R1 is a scalar and addresses no memory", "R1=0"},
	{"callback spoils what its caller reads afterwards",
	 PROGRAM(ST(BPF_DW, 10, -16, 5), STX(BPF_DW, 10, -8, 10), MOV_K(1, 4), LD_FUNC(2, 8),
		 MOV_X(3, 10), ALU64_K(BPF_ADD, 3, -8), MOV_K(4, 0), CALL(BPF_FUNC_loop),
		 LDX(BPF_DW, 1, 10, -8), LDX(BPF_DW, 0, 1, -16), EXIT(), ST(BPF_DW, 2, 0, 7),
		 RETURN(0)),
	 -EACCES, BPFE_BAD_MEMORY, 10, "R1 is a scalar and addresses no memory", "R1=7"},
	{"callback does what only works in the first round",
	 PROGRAM(ST(BPF_DW, 10, -8, 0), MOV_K(1, 4), LD_FUNC(2, 7), MOV_X(3, 10),
		 ALU64_K(BPF_ADD, 3, -8), MOV_K(4, 0), CALL(BPF_FUNC_loop), RETURN(2),
		 LDX(BPF_DW, 1, 2, 0), ST(BPF_DW, 2, 0, 8), ALU64_X(BPF_ADD, 2, 1),
		 LDX(BPF_DW, 0, 2, 0), RETURN(0)),
	 -EACCES, BPFE_BAD_STACK, 13, "stack access from r10+0 to r10+7 is outside the frame",
	 "R2=fp0 of frame 0"},
	{"callback leaves an iterator behind", PROGRAM(LOOP_2(4), ITER_NEW(-8, 0, 9), RETURN(0)),
	 -EACCES, BPFE_BAD_REFERENCE, 15,
	 "callback ends and does not hold what it held when it began", NULL},
	{"callback leaves the pointer to its key in its caller's frame",
	 PROGRAM(ST(BPF_DW, 10, -8, 0), LD_MAP_IDX(1, ARRAY), LD_FUNC(2, 7), MOV_X(3, 10),
		 ALU64_K(BPF_ADD, 3, -8), MOV_K(4, 0), CALL(BPF_FUNC_for_each_map_elem), RETURN(2),
		 STX(BPF_DW, 4, 0, 2), RETURN(0)),
	 -EACCES, BPFE_BAD_STACK, 11,
	 "pointer to a key stored in a caller's frame would outlive its callback",
	 "R2=map_key(map=array,ks=4,vs=16)"},
	{"nested callbacks of too many frames",
	 PROGRAM(ST(BPF_DW, 10, -8, 0), CALL_LOCAL(2), RETURN(2), CALL_LOCAL(1), EXIT(),
		 CALL_LOCAL(1), EXIT(), CALL_LOCAL(1), EXIT(), CALL_LOCAL(1), EXIT(), CALL_LOCAL(1),
		 EXIT(), CALL_LOCAL(1), EXIT(), ST(BPF_DW, 10, -8, 0), LOOP_2(4), RETURN(0)),
	 -E2BIG, BPFE_TOO_LARGE, 23, "calls nest deeper than 8 frames", NULL},
	{"callback that is its own caller",
	 PROGRAM(ST(BPF_DW, 10, -8, 0), CALL_LOCAL(1), EXIT(), ST(BPF_DW, 10, -8, 0), MOV_K(1, 4),
		 LD_FUNC(2, -3), MOV_X(3, 10), ALU64_K(BPF_ADD, 3, -8), MOV_K(4, 0),
		 CALL(BPF_FUNC_loop), RETURN(0)),
	 -EACCES, BPFE_BAD_CONTROL, 5, "recursion: function at 3 is called while it runs", NULL},
	{"stack of caller and callback too deep",
	 PROGRAM(ST(BPF_DW, 10, -264, 0), LOOP_2(4), ST(BPF_DW, 10, -256, 0), RETURN(0)), -E2BIG,
	 BPFE_TOO_LARGE, 0,
	 "the deepest chain of calls needs 520 bytes of stack, at most 512 are allowed", NULL},
	{"loop in a callback that does not end", PROGRAM(LOOP_2(4), MOV_K(0, 0), JA(-1)), -EACCES,
	 BPFE_BAD_CONTROL, 10, "endless loop: the state here is what it was before", NULL},

	{"iterator never made", PROGRAM(ITER_NEXT(-8), RETURN(2)), -EACCES, BPFE_BAD_STACK, 2,
	 "there is no iterator at r10-8", "R1=fp-8"},
	{"iterator not destroyed", PROGRAM(ITER_NEW(-8, 0, 9), RETURN(2)), -EACCES,
	 BPFE_BAD_REFERENCE, 6, "the program ends while the iterator taken at 4 is held", NULL},
	{"iterator destroyed twice",
	 PROGRAM(ITER_NEW(-8, 0, 9), ITER_DESTROY(-8), ITER_DESTROY(-8), RETURN(2)), -EACCES,
	 BPFE_BAD_STACK, 10, "there is no iterator at r10-8", "R1=fp-8"},
	{"iterator over an iterator", PROGRAM(ITER_NEW(-8, 0, 9), ITER_NEW(-8, 0, 9), RETURN(2)),
	 -EACCES, BPFE_BAD_STACK, 9, "bpf_iter_num_new would overwrite the iterator at r10-8",
	 "R1=fp-8"},
	{"iterator across two slots", PROGRAM(ITER_NEW(-12, 0, 9), RETURN(2)), -EACCES,
	 BPFE_BAD_STACK, 4, "iterator at r10-12 is not aligned", "R1=fp-12"},
	{"iterator above the frame", PROGRAM(ITER_NEW(-4, 0, 9), RETURN(2)), -EACCES,
	 BPFE_BAD_STACK, 4, "stack access from r10-4 to r10+3 is outside the frame", "R1=fp-4"},
	{"iterator in the packet",
	 PROGRAM(PACKET(8, 6), MOV_X(1, 2), MOV_K(2, 0), MOV_K(3, 9),
		 CALL_KFUNC(BPFE_KFUNC_ITER_NUM_NEW), RETURN(2), RETURN(2)),
	 -EACCES, BPFE_BAD_STACK, 8, "argument 1 of bpf_iter_num_new is a pkt",
	 "R1=pkt(off=0,r=8)"},
	{"number used without looking whether there is one",
	 PROGRAM(ITER_NEW(-8, 0, 9), ITER_NEXT(-8), LDX(BPF_W, 6, 0, 0), ITER_DESTROY(-8),
		 RETURN(2)),
	 -EACCES, BPFE_BAD_MEMORY, 8, "R0 is a scalar and addresses no memory", "R0=0"},
	{"number used after its iterator was destroyed",
	 PROGRAM(ITER_NEW(-8, 0, 9), ITER_NEXT(-8), MOV_X(6, 0), ITER_DESTROY(-8),
		 JMP_K(BPF_JEQ, 6, 0, 1), LDX(BPF_W, 6, 6, 0), RETURN(2)),
	 -EACCES, BPFE_BAD_REGISTER, 12, "R6 is read but holds nothing", NULL},
	{"loop over an iterator that is drained",
	 PROGRAM(ITER_NEW(-8, 0, 9), ITER_NEXT(-8), JA(-4)), -EACCES, BPFE_BAD_CONTROL, 5,
	 "endless loop: the state here is what it was before", NULL},

	{"indirect call of a number", PROGRAM(MOV_K(1, 3), CALLX(1), RETURN(2)), -EACCES,
	 BPFE_BAD_CONTROL, 1, "indirect call of R1, which is a scalar", "R1=3"},
	{"address of a function returned", PROGRAM(LD_FUNC(0, 2), EXIT(), RETURN(2)), -EACCES,
	 BPFE_BAD_RETURN, 2, "the program ends and R0 holds a pointer", "R0=func()"},
	{"arithmetic on the address of a function",
	 PROGRAM(LD_FUNC(0, 4), ALU64_K(BPF_ADD, 0, 8), RETURN(2), RETURN(2)), -EACCES,
	 BPFE_BAD_ARITHMETIC, 2, "arithmetic on R0, a pointer (func)", "R0=func()"},
};

const struct corpus refused_loops = {cases, COUNT_OF(cases)};
