/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The builder (build*.c): from a verified image to operations, one instruction at a time. */
#ifndef BPFE_JIT_BUILD_H
#define BPFE_JIT_BUILD_H

#include "isa/isa.h"
#include "jit/jit.h"

#pragma GCC visibility push(hidden) /* see lir.h */

struct jit_builder {
	struct lir *lir;
	const struct bpfe_image *image;
	const struct jit_options *options;
	struct bpfe_log *log;
	uint8_t *leads;     /* per slot: set of LEADS_* */
	uint32_t *block_of; /* per slot that leads: its block */
	uint32_t *sequence; /* blocks in the order in which they were filled */
	uint32_t n_sequence, room_sequence;
	uint32_t function; /* being built */
	uint32_t block;    /* being filled; LIR_NO_BLOCK: control does not come here */
	uint32_t slot;
	uint32_t charge_block; /* where the operation is that charges for what is being built */
	uint32_t charge_op;
	uint32_t most_charged; /* for one instruction, beyond itself, by jit_charge() */
	uint32_t not_null;     /* slot of a test whose register is known not to be 0; 0: none */
	bool charges_itself;   /* something does that the builder does not know how much */
	int err;
};

/* ---- Blocks --------------------------------------------------------------------------------- */

/* A new block of the function; filled once jit_enter_block() was called, which is to be done. */
uint32_t jit_new_block(struct jit_builder *b);

/* What is emitted from now on goes to @block. Whatever was being filled does not fall into it,
 * unless its next is set. */
void jit_enter_block(struct jit_builder *b, uint32_t block);

/* The block being filled goes on in a new one, which is entered; returned. */
uint32_t jit_split_block(struct jit_builder *b);

/* The block of the instruction at @slot, which leads one. */
uint32_t jit_block_at(struct jit_builder *b, uint32_t slot);

/* What is built from now on is charged for on its own, because control may not come here. */
void jit_new_charge(struct jit_builder *b);

/* The instruction being built counts as @n more. */
void jit_charge(struct jit_builder *b, uint32_t n);

/* The run is checked against its budget where the instructions being built are charged for. */
void jit_check_budget(struct jit_builder *b);

/* A cell of the frame. Its address is LIR_FP + jit_cell_disp(). */
uint32_t jit_new_cell(struct jit_builder *b);
int32_t jit_cell_disp(const struct lir_function *function, uint32_t cell);

/* ---- Operations: appended to the block being filled ----------------------------------------- */

/* An operation without operands: registers are LIR_NONE. */
struct lir_op jit_op(uint8_t code, unsigned size);

void jit_emit(struct jit_builder *b, struct lir_op op);
void jit_emit_mov(struct jit_builder *b, unsigned size, uint8_t dst, uint8_t src);
void jit_emit_const(struct jit_builder *b, uint8_t dst, uint64_t value); /* the program's */
void jit_emit_secret(struct jit_builder *b, uint8_t dst, uint64_t value);
void jit_emit_rr(struct jit_builder *b, uint8_t code, unsigned size, uint8_t dst, uint8_t a,
		 uint8_t reg);
void jit_emit_ri(struct jit_builder *b, uint8_t code, unsigned size, uint8_t dst, uint8_t a,
		 int32_t imm);
void jit_emit_load(struct jit_builder *b, unsigned size, uint8_t dst, uint8_t base, int32_t disp,
		   uint8_t mem_kind, uint8_t flags);
void jit_emit_store(struct jit_builder *b, unsigned size, uint8_t base, int32_t disp, uint8_t src,
		    uint8_t mem_kind, uint8_t flags);
void jit_emit_jump(struct jit_builder *b, uint32_t target);
/* Ends the block; @next is where it goes if the condition does not hold. */
void jit_emit_branch(struct jit_builder *b, unsigned size, uint8_t cond, uint8_t a, uint8_t reg,
		     uint32_t target, uint32_t next);
void jit_emit_branch_i(struct jit_builder *b, unsigned size, uint8_t cond, uint8_t a, int32_t imm,
		       uint32_t target, uint32_t next);
void jit_emit_trap(struct jit_builder *b);

/* Build the instruction at b->slot; it is charged for already. */
void jit_build_insn(struct jit_builder *b);

/* ---- Instructions by form: build_alu.c, build_mem.c, build_flow.c, build_call.c ------------- */

typedef void (*jit_build_fn)(struct jit_builder *b, const struct bpf_insn *insn,
			     const struct bpfe_insn_aux *aux);

void jit_build_alu(struct jit_builder *b, const struct bpf_insn *insn,
		   const struct bpfe_insn_aux *aux);
void jit_build_neg(struct jit_builder *b, const struct bpf_insn *insn,
		   const struct bpfe_insn_aux *aux);
void jit_build_movsx(struct jit_builder *b, const struct bpf_insn *insn,
		     const struct bpfe_insn_aux *aux);
void jit_build_swap(struct jit_builder *b, const struct bpf_insn *insn,
		    const struct bpfe_insn_aux *aux);
void jit_build_wide(struct jit_builder *b, const struct bpf_insn *insn,
		    const struct bpfe_insn_aux *aux);

void jit_build_load(struct jit_builder *b, const struct bpf_insn *insn,
		    const struct bpfe_insn_aux *aux);
void jit_build_store(struct jit_builder *b, const struct bpf_insn *insn,
		     const struct bpfe_insn_aux *aux);
void jit_build_atomic(struct jit_builder *b, const struct bpf_insn *insn,
		      const struct bpfe_insn_aux *aux);
void jit_build_ordered(struct jit_builder *b, const struct bpf_insn *insn,
		       const struct bpfe_insn_aux *aux);
void jit_build_packet(struct jit_builder *b, const struct bpf_insn *insn,
		      const struct bpfe_insn_aux *aux);

void jit_build_jump(struct jit_builder *b, const struct bpf_insn *insn,
		    const struct bpfe_insn_aux *aux);
void jit_build_goto(struct jit_builder *b, const struct bpf_insn *insn,
		    const struct bpfe_insn_aux *aux);
void jit_build_may_goto(struct jit_builder *b, const struct bpf_insn *insn,
			const struct bpfe_insn_aux *aux);
void jit_build_exit(struct jit_builder *b, const struct bpf_insn *insn,
		    const struct bpfe_insn_aux *aux);

void jit_build_call_helper(struct jit_builder *b, const struct bpf_insn *insn,
			   const struct bpfe_insn_aux *aux);
void jit_build_call_local(struct jit_builder *b, const struct bpf_insn *insn,
			  const struct bpfe_insn_aux *aux);
void jit_build_callx(struct jit_builder *b, const struct bpf_insn *insn,
		     const struct bpfe_insn_aux *aux);

/* build_charges.c: charge for blocks together where control passes all of them or none. */
void jit_merge_charges(struct lir *lir);

/* The edges of a conditional jump that the verifier followed: set of BPFE_EDGE_*. */
unsigned jit_edges(const struct bpfe_image *image, uint32_t slot);

/* The row of what a call calls; NULL: a program of this kind may not. */
const struct bpfe_helper *jit_callee(const struct bpfe_image *image, uint32_t slot);

#pragma GCC visibility pop

#endif
