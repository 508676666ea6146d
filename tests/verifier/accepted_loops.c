// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Callbacks, iterators, may_goto, indirect calls and tail calls that must be accepted. */
#include "corpus.h"
#include "helpers/kfuncs.h"

/* bpf_loop(rounds, function @slots_to behind the call, r10 + ctx, 0). Seven slots. */
#define LOOP(rounds, slots_to, ctx)                                                           \
	MOV_K(1, rounds), LD_FUNC(2, (slots_to) + 5), MOV_X(3, 10), ALU64_K(BPF_ADD, 3, ctx), \
		MOV_K(4, 0), CALL(BPF_FUNC_loop)
#define ITER_AT(off) MOV_X(1, 10), ALU64_K(BPF_ADD, 1, off)
#define ITER_NEW(off, start, end) \
	ITER_AT(off), MOV_K(2, start), MOV_K(3, end), CALL_KFUNC(BPFE_KFUNC_ITER_NUM_NEW)
#define ITER_NEXT(off)    ITER_AT(off), CALL_KFUNC(BPFE_KFUNC_ITER_NUM_NEXT)
#define ITER_DESTROY(off) ITER_AT(off), CALL_KFUNC(BPFE_KFUNC_ITER_NUM_DESTROY)

static const struct corpus_case cases[] = {
	{"callback that does nothing",
	 PROGRAM(MOV_K(1, 10), LD_FUNC(2, 6), MOV_K(3, 0), MOV_K(4, 0), CALL(BPF_FUNC_loop),
		 RETURN(2), RETURN(0))},
	{"callback that stops at an index it is given",
	 PROGRAM(MOV_K(1, 10), LD_FUNC(2, 6), MOV_K(3, 0), MOV_K(4, 0), CALL(BPF_FUNC_loop),
		 RETURN(2), MOV_K(0, 0), JMP_K(BPF_JLT, 1, 10, 1), LDX(BPF_DW, 0, 9, 0), EXIT())},
	{"callback that counts in its caller's stack",
	 PROGRAM(ST(BPF_DW, 10, -8, 0), LOOP(1000, 2, -8), LDX(BPF_DW, 0, 10, -8), EXIT(),
		 LDX(BPF_DW, 3, 2, 0), ALU64_K(BPF_ADD, 3, 1), STX(BPF_DW, 2, 0, 3), RETURN(0))},
	{"callback that is called once, and would do harm the second time",
	 PROGRAM(ST(BPF_DW, 10, -8, 0), LOOP(1, 2, -8), RETURN(2), LDX(BPF_DW, 1, 2, 0),
		 ST(BPF_DW, 2, 0, 8), ALU64_X(BPF_ADD, 2, 1), LDX(BPF_DW, 0, 2, 0), RETURN(0))},
	{"callback in a callback",
	 PROGRAM(ST(BPF_DW, 10, -8, 0), LOOP(100, 2, -8), RETURN(2), ST(BPF_DW, 10, -16, 3),
		 LOOP(100, 2, -16), RETURN(0), LDX(BPF_DW, 0, 2, 0), RETURN(1))},
	{"callback address handed to a function, which calls it",
	 PROGRAM(LD_FUNC(1, 6), CALL_LOCAL(2), RETURN(2), CALLX(1), EXIT(), RETURN(0))},
	{"bpf_for", PROGRAM(ITER_NEW(-8, 0, 100), ITER_NEXT(-8), JMP_K(BPF_JEQ, 0, 0, 2),
			    LDX(BPF_W, 1, 0, 0), JA(-6), ITER_DESTROY(-8), RETURN(2))},
	{"bpf_for with a counter that decides nothing",
	 PROGRAM(MOV_K(6, 0), ITER_NEW(-8, 0, 100), ITER_NEXT(-8), JMP_K(BPF_JEQ, 0, 0, 2),
		 ALU64_K(BPF_ADD, 6, 1), JA(-6), ITER_DESTROY(-8), MOV_X(0, 6), EXIT())},
	{"bpf_for in bpf_for",
	 PROGRAM(ITER_NEW(-8, 0, 100), ITER_NEXT(-8), JMP_K(BPF_JEQ, 0, 0, 15),
		 ITER_NEW(-16, 0, 100), ITER_NEXT(-16), JMP_K(BPF_JEQ, 0, 0, 2),
		 LDX(BPF_W, 1, 0, 0), JA(-6), ITER_DESTROY(-16), JA(-19), ITER_DESTROY(-8),
		 RETURN(2))},
	{"iterator handed to a function",
	 PROGRAM(ITER_NEW(-8, 0, 100), ITER_AT(-8), CALL_LOCAL(6), JMP_K(BPF_JNE, 0, 0, -4),
		 ITER_DESTROY(-8), RETURN(2), CALL_KFUNC(BPFE_KFUNC_ITER_NUM_NEXT),
		 JMP_K(BPF_JEQ, 0, 0, 1), MOV_K(0, 1), EXIT())},
	{"iterator made anew in a loop that counts",
	 PROGRAM(MOV_K(6, 0), ITER_NEW(-8, 0, 9), ITER_NEXT(-8), JMP_K(BPF_JEQ, 0, 0, 1), JA(-5),
		 ITER_DESTROY(-8), ALU64_K(BPF_ADD, 6, 1), JMP_K(BPF_JLT, 6, 4, -15), RETURN(2))},
	{"may_goto", PROGRAM(MOV_K(0, 0), MAY_GOTO(2), ALU64_K(BPF_ADD, 0, 1), JA(-3), EXIT())},
	{"may_goto with a bound of its own",
	 PROGRAM(MOV_K(6, 0), MAY_GOTO(3), JMP_K(BPF_JGT, 6, 100, 2), ALU64_K(BPF_ADD, 6, 1),
		 JA(-4), RETURN(2))},
	{"indirect call of a known function", PROGRAM(LD_FUNC(6, 3), CALLX(6), EXIT(), RETURN(2))},
};

const struct corpus accepted_loops = {cases, COUNT_OF(cases)};
