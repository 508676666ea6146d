/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The builder's frame: basic blocks of each function, what is charged for where, and the table of
 * what builds the instructions of each form.
 *
 * What the verifier never reached is not built. A way the verifier never followed out of a
 * conditional jump is none; anywhere else control cannot go on there, and a trap stands in for it.
 *
 * Stack. The verifier lets nobody read bytes of the stack that were not written before, helpers
 * included (verifier/stack.c), so that compiled code need not zero a frame as the interpreter does.
 *
 * Budget. A program that is known to end within it does not count. Any other charges at the start
 * of a block for the whole block, and is ended where it is checked: in every loop and at every
 * exit. All that was charged for has been executed by then, so that a run is cut short if the
 * interpreter would have done so, if not at the same instruction.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "jit/build.h"

enum {
	LEADS = 1 << 0,
	LEADS_BACK = 1 << 1, /* a jump leads back to it */
};

/* ---- Blocks --------------------------------------------------------------------------------- */

uint32_t jit_new_block(struct jit_builder *b)
{
	return lir_block_new(b->lir, b->function, b->slot);
}

static void put_in_sequence(struct jit_builder *b, uint32_t block)
{
	if (b->n_sequence == b->room_sequence) {
		uint32_t room = b->room_sequence ? 2 * b->room_sequence : 256;
		uint32_t *sequence = realloc(b->sequence, room * sizeof(*sequence));

		if (!sequence) {
			b->lir->failed = true;
			return;
		}
		b->sequence = sequence;
		b->room_sequence = room;
	}
	b->sequence[b->n_sequence++] = block;
}

void jit_enter_block(struct jit_builder *b, uint32_t block)
{
	b->block = block;
	put_in_sequence(b, block);
}

uint32_t jit_split_block(struct jit_builder *b)
{
	uint32_t block = jit_new_block(b);

	if (block != LIR_NO_BLOCK)
		b->lir->blocks[b->block].next = block;
	jit_enter_block(b, block);
	return block;
}

uint32_t jit_block_at(struct jit_builder *b, uint32_t slot)
{
	return b->block_of[slot];
}

void jit_new_charge(struct jit_builder *b)
{
	if (!b->lir->counts || b->block == LIR_NO_BLOCK || b->lir->failed)
		return;
	b->charge_block = b->block;
	b->charge_op = b->lir->blocks[b->block].n_ops;
	jit_emit(b, jit_op(LIR_CHARGE, 8));
}

static struct lir_op *charge(struct jit_builder *b)
{
	return &b->lir->blocks[b->charge_block].ops[b->charge_op];
}

void jit_charge(struct jit_builder *b, uint32_t n)
{
	if (n > b->most_charged)
		b->most_charged = n;
	if (!b->lir->failed)
		charge(b)->imm += n;
}

void jit_check_budget(struct jit_builder *b)
{
	if (b->lir->counts && !b->lir->failed)
		charge(b)->flags |= LIR_F_CHECK;
}

uint32_t jit_new_cell(struct jit_builder *b)
{
	return b->lir->functions[b->function].cells++;
}

int32_t jit_cell_disp(const struct lir_function *function, uint32_t cell)
{
	return -(int32_t)(function->stack_bytes + 8 * (cell + 1));
}

/* ---- Operations ----------------------------------------------------------------------------- */

struct lir_op jit_op(uint8_t code, unsigned size)
{
	return (struct lir_op){.code = code,
			       .size = (uint8_t)size,
			       .dst = LIR_NONE,
			       .a = LIR_NONE,
			       .b = LIR_NONE,
			       .base = LIR_NONE,
			       .index = LIR_NONE};
}

void jit_emit(struct jit_builder *b, struct lir_op op)
{
	op.slot = b->slot;
	lir_append(b->lir, b->block, &op);
}

void jit_emit_rr(struct jit_builder *b, uint8_t code, unsigned size, uint8_t dst, uint8_t a,
		 uint8_t reg)
{
	struct lir_op op = jit_op(code, size);

	op.dst = dst;
	op.a = a;
	op.b = reg;
	jit_emit(b, op);
}

void jit_emit_ri(struct jit_builder *b, uint8_t code, unsigned size, uint8_t dst, uint8_t a,
		 int32_t imm)
{
	struct lir_op op = jit_op(code, size);

	op.dst = dst;
	op.a = a;
	op.b = LIR_IMM;
	op.imm = imm;
	jit_emit(b, op);
}

void jit_emit_mov(struct jit_builder *b, unsigned size, uint8_t dst, uint8_t src)
{
	jit_emit_rr(b, LIR_MOV, size, dst, LIR_NONE, src);
}

static void emit_imm(struct jit_builder *b, uint8_t dst, uint64_t value, uint8_t flags)
{
	struct lir_op op = jit_op(LIR_MOV, 8);

	op.dst = dst;
	op.b = LIR_IMM;
	op.imm = (int64_t)value;
	op.flags = flags;
	jit_emit(b, op);
}

void jit_emit_const(struct jit_builder *b, uint8_t dst, uint64_t value)
{
	emit_imm(b, dst, value, 0);
}

void jit_emit_secret(struct jit_builder *b, uint8_t dst, uint64_t value)
{
	emit_imm(b, dst, value, LIR_F_SECRET);
}

void jit_emit_load(struct jit_builder *b, unsigned size, uint8_t dst, uint8_t base, int32_t disp,
		   uint8_t mem_kind, uint8_t flags)
{
	struct lir_op op = jit_op(LIR_LOAD, size);

	op.dst = dst;
	op.base = base;
	op.disp = disp;
	op.mem_kind = mem_kind;
	op.flags = flags;
	jit_emit(b, op);
}

void jit_emit_store(struct jit_builder *b, unsigned size, uint8_t base, int32_t disp, uint8_t src,
		    uint8_t mem_kind, uint8_t flags)
{
	struct lir_op op = jit_op(LIR_STORE, size);

	op.b = src;
	op.base = base;
	op.disp = disp;
	op.mem_kind = mem_kind;
	op.flags = flags;
	jit_emit(b, op);
}

void jit_emit_jump(struct jit_builder *b, uint32_t target)
{
	struct lir_op op = jit_op(LIR_JUMP, 8);

	op.target = target;
	jit_emit(b, op);
}

static void emit_branch(struct jit_builder *b, struct lir_op op, uint32_t target, uint32_t next)
{
	op.target = target;
	jit_emit(b, op);
	if (!b->lir->failed)
		b->lir->blocks[b->block].next = next;
}

void jit_emit_branch(struct jit_builder *b, unsigned size, uint8_t cond, uint8_t a, uint8_t reg,
		     uint32_t target, uint32_t next)
{
	struct lir_op op = jit_op(LIR_BRANCH, size);

	op.cond = cond;
	op.a = a;
	op.b = reg;
	emit_branch(b, op, target, next);
}

void jit_emit_branch_i(struct jit_builder *b, unsigned size, uint8_t cond, uint8_t a, int32_t imm,
		       uint32_t target, uint32_t next)
{
	struct lir_op op = jit_op(LIR_BRANCH, size);

	op.cond = cond;
	op.a = a;
	op.b = LIR_IMM;
	op.imm32 = imm;
	emit_branch(b, op, target, next);
}

void jit_emit_trap(struct jit_builder *b)
{
	b->lir->may_abort = true;
	jit_emit(b, jit_op(LIR_TRAP, 8));
	b->block = LIR_NO_BLOCK;
}

/* ---- What leads a block --------------------------------------------------------------------- */

unsigned jit_edges(const struct bpfe_image *image, uint32_t slot)
{
	const struct bpfe_insn_aux *aux = &image->aux[slot];
	int64_t target = bpfe_jump_target(&image->insns[slot], aux->form, slot);
	unsigned edges = aux->edges ? aux->edges : BPFE_EDGE_FALL | BPFE_EDGE_JUMP;

	if (!image->aux[target].seen)
		edges &= ~(unsigned)BPFE_EDGE_JUMP;
	if (!image->aux[slot + 1].seen)
		edges &= ~(unsigned)BPFE_EDGE_FALL;
	return edges;
}

static void find_leader(struct jit_builder *b, uint32_t slot)
{
	const struct bpfe_insn_aux *aux = &b->image->aux[slot];
	unsigned edges = BPFE_EDGE_JUMP;
	int64_t target;

	if (aux->form == BPFE_FORM_EXIT || bpfe_form_jumps(aux->form))
		b->leads[slot + 1] |= LEADS;
	if (!bpfe_form_jumps(aux->form))
		return;
	if (aux->form == BPFE_FORM_JUMP_K || aux->form == BPFE_FORM_JUMP_X)
		edges = jit_edges(b->image, slot);
	target = bpfe_jump_target(&b->image->insns[slot], aux->form, slot);
	if (edges & BPFE_EDGE_JUMP)
		b->leads[target] |= target <= slot ? LEADS | LEADS_BACK : LEADS;
}

static void find_leaders(struct jit_builder *b)
{
	const struct bpfe_image *image = b->image;

	for (uint32_t f = 0; f < image->n_subprogs; f++)
		b->leads[image->subprogs[f].start] |= LEADS;
	for (uint32_t slot = 0; slot < image->n_insns; slot++) {
		if (image->aux[slot].seen)
			find_leader(b, slot);
		slot += bpfe_is_wide(&image->insns[slot]);
	}
}

/* ---- Instructions --------------------------------------------------------------------------- */

static const jit_build_fn builders[BPFE_FORM_MAX] = {
	[BPFE_FORM_ALU_K] = jit_build_alu,
	[BPFE_FORM_ALU_X] = jit_build_alu,
	[BPFE_FORM_NEG] = jit_build_neg,
	[BPFE_FORM_MOVSX] = jit_build_movsx,
	[BPFE_FORM_SWAP] = jit_build_swap,
	[BPFE_FORM_JUMP_K] = jit_build_jump,
	[BPFE_FORM_JUMP_X] = jit_build_jump,
	[BPFE_FORM_JA] = jit_build_goto,
	[BPFE_FORM_GOTOL] = jit_build_goto,
	[BPFE_FORM_MAY_GOTO] = jit_build_may_goto,
	[BPFE_FORM_CALL_HELPER] = jit_build_call_helper,
	[BPFE_FORM_CALL_KFUNC] = jit_build_call_helper,
	[BPFE_FORM_CALL_LOCAL] = jit_build_call_local,
	[BPFE_FORM_CALLX] = jit_build_callx,
	[BPFE_FORM_EXIT] = jit_build_exit,
	[BPFE_FORM_LOAD] = jit_build_load,
	[BPFE_FORM_STORE_K] = jit_build_store,
	[BPFE_FORM_STORE_X] = jit_build_store,
	[BPFE_FORM_ATOMIC] = jit_build_atomic,
	[BPFE_FORM_FETCH] = jit_build_atomic,
	[BPFE_FORM_XCHG] = jit_build_atomic,
	[BPFE_FORM_CMPXCHG] = jit_build_atomic,
	[BPFE_FORM_LOAD_ACQ] = jit_build_ordered,
	[BPFE_FORM_STORE_REL] = jit_build_ordered,
	[BPFE_FORM_LD_ABS] = jit_build_packet,
	[BPFE_FORM_LD_IND] = jit_build_packet,
	[BPFE_FORM_LD_IMM64] = jit_build_wide,
	[BPFE_FORM_LD_FUNC] = jit_build_wide,
	[BPFE_FORM_LD_MAP] = jit_build_wide,
	[BPFE_FORM_LD_MAP_VALUE] = jit_build_wide,
};

void jit_build_insn(struct jit_builder *b)
{
	const struct bpf_insn *insn = &b->image->insns[b->slot];
	const struct bpfe_insn_aux *aux = &b->image->aux[b->slot];

	if (aux->writes_r10 || (aux->mem_kind == BPFE_MEM_CTX && !aux->ctx_field)) {
		jit_emit_trap(b);
	} else if (!builders[aux->form]) {
		b->err = bpfe_refuse(b->log, -EOPNOTSUPP, BPFE_BAD_ENCODING, b->slot,
				     "instruction %u cannot be compiled", b->slot);
	} else {
		builders[aux->form](b, insn, aux);
	}
}

static void build_charged(struct jit_builder *b)
{
	if (b->lir->counts && !b->lir->failed)
		charge(b)->imm++;
	jit_build_insn(b);
}

/* The block of @slot begins; what was being filled may fall into it. */
static void begin_block(struct jit_builder *b, uint32_t slot)
{
	uint32_t block = b->block_of[slot];

	if (b->block != LIR_NO_BLOCK)
		b->lir->blocks[b->block].next = block;
	jit_enter_block(b, block);
	jit_new_charge(b);
	if (b->leads[slot] & LEADS_BACK)
		jit_check_budget(b);
}

/* Blocks of the function's own instructions, so that jumps ahead have a target. */
static void open_blocks(struct jit_builder *b, const struct bpfe_subprog *subprog)
{
	for (b->slot = subprog->start; b->slot < subprog->end; b->slot++) {
		if ((b->leads[b->slot] & LEADS) &&
		    (b->image->aux[b->slot].seen || b->slot == subprog->start))
			b->block_of[b->slot] = jit_new_block(b);
	}
}

/* Passes put operations into blocks, and look back in them: what a guest can make longer than any
 * compiler does must not take the square of its length. */
#define LONG_BLOCK 512u

static bool is_long_block(const struct jit_builder *b)
{
	return b->block != LIR_NO_BLOCK && !b->lir->failed &&
	       b->lir->blocks[b->block].n_ops >= LONG_BLOCK;
}

static void build_function(struct jit_builder *b, uint32_t f)
{
	const struct bpfe_subprog *subprog = &b->image->subprogs[f];
	const bool may_abort = b->lir->may_abort;

	b->function = f;
	b->block = LIR_NO_BLOCK;
	open_blocks(b, subprog);
	b->lir->functions[f].entry = b->block_of[subprog->start];
	for (b->slot = subprog->start; b->slot < subprog->end && !b->err && !b->lir->failed;
	     b->slot++) {
		const struct bpf_insn *insn = &b->image->insns[b->slot];

		if (b->block_of[b->slot] != LIR_NO_BLOCK)
			begin_block(b, b->slot);
		else if (is_long_block(b))
			jit_split_block(b);
		if (b->block != LIR_NO_BLOCK && !b->lir->failed) {
			if (b->image->aux[b->slot].seen)
				build_charged(b);
			else
				jit_emit_trap(b);
		}
		b->slot += bpfe_is_wide(insn);
	}
	if (!b->image->aux[subprog->start].seen)
		b->lir->may_abort = may_abort; /* nobody calls it */
}

/* ---- The program ---------------------------------------------------------------------------- */

static bool open_functions(struct jit_builder *b)
{
	const struct bpfe_image *image = b->image;

	b->lir->functions = calloc(image->n_subprogs, sizeof(*b->lir->functions));
	if (!b->lir->functions)
		return false;
	b->lir->n_functions = image->n_subprogs;
	for (uint32_t f = 0; f < image->n_subprogs; f++)
		b->lir->functions[f] = (struct lir_function){
			.entry = LIR_NO_BLOCK,
			.stack_bytes = image->subprogs[f].stack_bytes,
			.is_main = f == 0,
			.is_callback = image->subprogs[f].is_callback,
		};
	return true;
}

/* Does the program have to count what it executes? */
static bool must_count(const struct jit_builder *b)
{
	uint64_t most;

	return b->options->count || b->charges_itself ||
	       __builtin_mul_overflow(b->image->longest_run, 1 + b->most_charged, &most) ||
	       most > b->options->budget;
}

static void drop_charges(struct lir *lir)
{
	for (uint32_t i = 0; i < lir->n_blocks; i++) {
		struct lir_block *block = &lir->blocks[i];
		uint32_t n = 0;

		for (uint32_t o = 0; o < block->n_ops; o++) {
			const struct lir_op *op = &block->ops[o];

			if (op->code != LIR_CHARGE && op->code != LIR_NOP)
				block->ops[n++] = *op;
		}
		block->n_ops = n;
	}
}

/* Number the blocks in the order in which they were filled: a function's lie together. */
static void number_blocks(struct jit_builder *b)
{
	struct lir *lir = b->lir;
	struct lir_block *blocks = malloc(lir->n_blocks * sizeof(*blocks));
	uint32_t *number = malloc(lir->n_blocks * sizeof(*number));

	if (!blocks || !number) {
		lir->failed = true;
		free(blocks);
		free(number);
		return;
	}
	for (uint32_t i = 0; i < b->n_sequence; i++) {
		number[b->sequence[i]] = i;
		blocks[i] = lir->blocks[b->sequence[i]];
	}
	for (uint32_t i = 0; i < b->n_sequence; i++) {
		struct lir_block *block = &blocks[i];
		struct lir_op *end = block->n_ops ? &block->ops[block->n_ops - 1] : NULL;

		if (block->next != LIR_NO_BLOCK)
			block->next = number[block->next];
		if (end &&
		    (end->code == LIR_JUMP || end->code == LIR_BRANCH || end->code == LIR_MAY_GOTO))
			end->target = number[end->target];
		lir->functions[block->function].last = i + 1;
	}
	for (uint32_t f = 0; f < lir->n_functions; f++) {
		lir->functions[f].entry = number[lir->functions[f].entry];
		lir->functions[f].first = lir->functions[f].entry;
	}
	free(number);
	free(lir->blocks);
	lir->blocks = blocks;
	lir->n_blocks = lir->room_blocks = b->n_sequence;
}

static void build_program(struct jit_builder *b)
{
	struct lir *lir = b->lir;

	if (!open_functions(b)) {
		lir->failed = true;
		return;
	}
	lir->counts = true; /* what is built tells whether it must */
	find_leaders(b);
	for (uint32_t f = 0; f < lir->n_functions && !b->err && !lir->failed; f++)
		build_function(b, f);
	if (b->err || lir->failed)
		return;
	number_blocks(b);
	lir->counts = must_count(b);
	lir->may_abort |= lir->counts;
	lir->spare = LIR_BIT(LIR_R10) | (lir->counts ? 0 : LIR_BIT(LIR_R12));
	if (!lir->counts && !lir->failed)
		drop_charges(lir);
	else if (!lir->failed)
		jit_merge_charges(lir);
}

int jit_build(struct lir *lir, const struct bpfe_image *image, const struct jit_options *options,
	      struct bpfe_log *log)
{
	struct jit_builder b = {.lir = lir, .image = image, .options = options, .log = log};

	b.leads = calloc((size_t)image->n_insns + 1, 1);
	b.block_of = malloc((image->n_insns + 1) * sizeof(*b.block_of));
	if (b.leads && b.block_of) {
		memset(b.block_of, 0xff, (image->n_insns + 1) * sizeof(*b.block_of));
		build_program(&b);
	} else {
		lir->failed = true;
	}
	free(b.leads);
	free(b.block_of);
	free(b.sequence);
	if (!b.err && lir->failed)
		b.err = bpfe_refuse(log, -ENOMEM, BPFE_NO_MEMORY, 0,
				    "out of memory for the compilation");
	return b.err;
}
