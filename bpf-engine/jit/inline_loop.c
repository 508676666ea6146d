/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * bpf_loop() as a loop of the program itself, which calls the function as any other of its own. The
 * round, the number of rounds and the context are in cells of the frame, because the function may
 * use every register that calls lose.
 */
#include <errno.h>
#include "jit/inline.h"

struct loop {
	uint32_t function;
	bool checked, known;            /* the number of rounds is within bounds; is not 0 */
	int32_t round, rounds, context; /* cells, relative to r10 */
	uint32_t refused, too_many, done;
};

static int32_t cell(struct jit_builder *b)
{
	uint32_t number = jit_new_cell(b);

	return jit_cell_disp(&b->lir->functions[b->function], number);
}

static void put_cell(struct jit_builder *b, unsigned size, int32_t at, uint8_t reg)
{
	jit_emit_store(b, size, LIR_FP, at, reg, BPFE_MEM_STACK, 0);
}

static void get_cell(struct jit_builder *b, unsigned size, uint8_t reg, int32_t at)
{
	jit_emit_load(b, size, reg, LIR_FP, at, BPFE_MEM_STACK, 0);
}

/* Go on in a new block unless the condition holds. */
static void leave_if(struct jit_builder *b, uint8_t cond, uint8_t reg, int32_t imm, unsigned size,
		     uint32_t target)
{
	uint32_t next = jit_new_block(b);

	jit_emit_branch_i(b, size, cond, reg, imm, target, next);
	jit_enter_block(b, next);
}

/* What the helper answers with instead of running the function. */
static void check_arguments(struct jit_builder *b, struct loop *loop)
{
	uint32_t rounds;
	uint64_t flags;
	struct jit_known known = jit_known(b, LIR_R8);

	loop->known = jit_known_u32(b, LIR_RSI, &rounds) && rounds;
	loop->checked = loop->known && rounds <= BPFE_MAX_LOOPS;
	flags = known.kind == JIT_KNOWN_CONST ? (uint64_t)known.value : 1;
	if (flags)
		leave_if(b, LIR_NE, LIR_R8, 0, 8, loop->refused);
	if (!loop->checked)
		leave_if(b, LIR_A, LIR_RSI, BPFE_MAX_LOOPS, 4, loop->too_many);
}

static void run_rounds(struct jit_builder *b, const struct loop *loop)
{
	struct lir_op call = jit_op(LIR_CALL_LOCAL, 8);
	uint32_t head = jit_new_block(b), test = jit_new_block(b);

	jit_emit_mov(b, 4, LIR_RSI, LIR_RSI);
	put_cell(b, 8, loop->rounds, LIR_RSI);
	put_cell(b, 8, loop->context, LIR_RCX);
	jit_emit_const(b, LIR_RAX, 0);
	put_cell(b, 8, loop->round, LIR_RAX);
	if (loop->known)
		b->lir->blocks[b->block].next = head;
	else
		jit_emit_branch_i(b, 4, LIR_E, LIR_RSI, 0, loop->done, head);
	jit_enter_block(b, head);
	get_cell(b, 8, LIR_RSI, loop->round);
	get_cell(b, 8, LIR_RDX, loop->context);
	call.target = loop->function;
	jit_emit(b, call);
	get_cell(b, 8, LIR_RDX, loop->round);
	jit_emit_ri(b, LIR_ADD, 8, LIR_RDX, LIR_RDX, 1);
	put_cell(b, 8, loop->round, LIR_RDX);
	jit_emit_branch_i(b, 8, LIR_NE, LIR_RAX, 0, loop->done, test);
	jit_enter_block(b, test);
	get_cell(b, 8, LIR_RAX, loop->rounds);
	jit_emit_branch(b, 8, LIR_B, LIR_RDX, LIR_RAX, head, loop->done);
}

static void answer(struct jit_builder *b, uint32_t block, int error, uint32_t end)
{
	jit_enter_block(b, block);
	b->lir->blocks[block].cold = true;
	jit_emit_const(b, LIR_RAX, (uint64_t)(int64_t)error);
	jit_emit_jump(b, end);
}

/* The rounds run, whichever of them said to stop, are the result. */
bool jit_inline_loop(struct jit_builder *b, struct bpfe_map *map)
{
	struct loop loop = {0};
	uint32_t end;

	if (!jit_known_u32(b, LIR_RDX, &loop.function) || loop.function >= b->image->n_subprogs ||
	    !b->image->subprogs[loop.function].is_callback)
		return false;
	loop.round = cell(b);
	loop.rounds = cell(b);
	loop.context = cell(b);
	loop.refused = jit_new_block(b);
	loop.too_many = jit_new_block(b);
	loop.done = jit_new_block(b);
	end = jit_new_block(b);
	if (b->lir->failed)
		return true;
	check_arguments(b, &loop);
	run_rounds(b, &loop);
	answer(b, loop.refused, -EINVAL, end);
	answer(b, loop.too_many, -E2BIG, end);
	jit_enter_block(b, loop.done);
	get_cell(b, 8, LIR_RAX, loop.round);
	if (!b->lir->failed)
		b->lir->blocks[b->block].next = end;
	jit_enter_block(b, end);
	jit_new_charge(b); /* may_goto in the function asks for what was executed before */
	return true;
}
