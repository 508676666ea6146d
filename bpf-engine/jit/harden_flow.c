// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * What registers hold before each block, whichever way branches went: the usual forward fixpoint
 * over the blocks of all functions in reverse post-order. Functions get what all their callers pass
 * and give what all their ends hold.
 *
 * Some slots of each function's stack are followed, those that whole registers are loaded from.
 * What is at an address that is not known may be any of them.
 *
 * An id stands for one base. Where another base gets it, in the next round of a loop, all that
 * still has it is told apart first: it keeps what is known of it, and no comparison with the new
 * one says anything about it.
 */
#include <stdlib.h>
#include <string.h>
#include "isa/isa.h"
#include "jit/harden.h"

#define WIDEN_AFTER    3 /* changes at the head of a loop that leave bounds as they are */
#define WIDEN_ANYWHERE 200
#define MOST_ROUNDS    100
#define PHI            0x80000000u

/* ---- Identities ------------------------------------------------------------------------------ */

uint32_t harden_id(const struct harden *h)
{
	return (((h->block + 1) << 9) | (h->number & 0x1ff)) & ~PHI;
}

static void age(struct harden_state *state, uint32_t mask, uint32_t id)
{
	for (unsigned r = 0; r < HARDEN_REGS; r++) {
		if ((state->regs[r].id & mask) == id)
			state->regs[r].id = 0;
	}
	for (unsigned s = 0; s < HARDEN_SLOTS; s++) {
		if ((state->slots[s].id & mask) == id)
			state->slots[s].id = 0;
	}
}

/* ---- Slots ----------------------------------------------------------------------------------- */

uint32_t harden_slot(const struct harden *h, uint32_t function, int64_t disp)
{
	const struct harden_function *f = &h->functions[function];

	for (uint32_t s = 0; s < f->n_slots; s++) {
		if (f->slots[s] == disp)
			return s;
	}
	return HARDEN_SLOTS;
}

static bool is_reload(const struct lir_op *op)
{
	return op->code == LIR_LOAD && op->size == 8 && op->base == LIR_FP &&
	       op->index == LIR_NONE && !(op->flags & LIR_F_SIGNED);
}

static void find_slots(struct harden *h)
{
	for (uint32_t b = 0; b < h->lir->n_blocks; b++) {
		const struct lir_block *block = &h->lir->blocks[b];
		struct harden_function *f = &h->functions[block->function];

		for (uint32_t i = 0; i < block->n_ops; i++) {
			const struct lir_op *op = &block->ops[i];

			if (is_reload(op) && f->n_slots < HARDEN_SLOTS &&
			    harden_slot(h, block->function, op->disp) == HARDEN_SLOTS)
				f->slots[f->n_slots++] = op->disp;
		}
	}
}

/* Bytes [lo, hi) from fp hold something else. */
static void spoil(struct harden *h, struct harden_state *state, int64_t lo, int64_t hi)
{
	struct harden_function *f = &h->functions[h->lir->blocks[h->block].function];

	for (uint32_t s = 0; s < f->n_slots; s++) {
		if (f->slots[s] < hi && f->slots[s] + 8 > lo) {
			state->slots[s] = held_any();
			f->reused |= 1u << s;
		}
	}
}

static void spill(struct harden *h, struct harden_state *state, const struct lir_op *op,
		  uint32_t slot)
{
	struct harden_function *f = &h->functions[h->lir->blocks[h->block].function];
	const struct held value =
		op->b == LIR_IMM ? held_number(op->imm, op->imm) : state->regs[op->b];
	uint32_t reused = f->reused;

	spoil(h, state, f->slots[slot], f->slots[slot] + 8);
	state->slots[slot] = value;
	if (held_is_pointer(&value))
		f->reused = reused;
}

static void store(struct harden *h, struct harden_state *state, const struct lir_op *op)
{
	const struct held *base = op->base < HARDEN_REGS ? &state->regs[op->base] : NULL;
	uint32_t function = h->lir->blocks[h->block].function, slot;

	if (!base || base->kind != HELD_STACK) {
		/* Into another object; or fenced, and then where the verifier says. */
		if (op->mem_kind == BPFE_MEM_STACK && (!base || held_may_be_stack(base)))
			spoil(h, state, -HARDEN_FAR, HARDEN_FAR);
		return;
	}
	if (op->index != LIR_NONE) {
		spoil(h, state, -HARDEN_FAR, HARDEN_FAR);
		return;
	}
	slot = base->lo == base->hi ? harden_slot(h, function, base->lo + op->disp) : HARDEN_SLOTS;
	if (slot < HARDEN_SLOTS && op->code == LIR_STORE && op->size == 8) {
		spill(h, state, op, slot);
		return;
	}
	spoil(h, state, base->lo + op->disp, base->hi + op->disp + op->size);
}

/* ---- Calls ----------------------------------------------------------------------------------- */

static const uint8_t arguments[] = {LIR_RSI, LIR_RDX, LIR_RCX, LIR_R8, LIR_R9};

static const struct bpfe_helper *helper_of(const struct harden *h, const struct lir_op *op)
{
	const struct bpf_insn *insn;

	if (op->slot >= h->lir->image->n_insns)
		return NULL;
	insn = &h->lir->image->insns[op->slot];
	if (insn->code != (BPF_JMP | BPF_CALL) || insn->src_reg == BPF_PSEUDO_CALL)
		return NULL;
	return bpfe_helper_by_id((uint32_t)insn->imm);
}

static uint32_t value_size(const struct harden *h, const struct lir_op *op)
{
	uint32_t map = h->lir->image->aux[op->slot].const_map;

	return map ? bpfe_map_attr(h->lir->image->maps[map - 1])->value_size : 0;
}

static bool is_of_maps(const struct harden *h, const struct lir_op *op)
{
	const struct bpfe_map_attr *attr =
		bpfe_map_attr(h->lir->image->maps[h->lir->image->aux[op->slot].const_map - 1]);

	return attr->type == BPF_MAP_TYPE_ARRAY_OF_MAPS || attr->type == BPF_MAP_TYPE_HASH_OF_MAPS;
}

/* Bytes of the memory it returns: the constant that says so. */
static struct held memory_result(const struct harden *h, const struct harden_state *state,
				 const struct bpfe_helper *helper)
{
	for (unsigned a = 0; a < 5; a++) {
		const struct held *size = &state->regs[arguments[a]];

		if ((helper->args[a] & 0x3f) == BPFE_ARG_CONST_ALLOC && size->kind == HELD_NUMBER &&
		    size->lo == size->hi && size->lo >= 0 && size->lo <= INT32_MAX)
			return (struct held){.kind = HELD_OBJECT, .size = (uint32_t)size->lo};
	}
	return (struct held){.kind = HELD_OPAQUE, .id = harden_id(h)};
}

static struct held helper_result(const struct harden *h, const struct harden_state *state,
				 const struct lir_op *op, const struct bpfe_helper *helper)
{
	if (op->code != LIR_CALL_HELPER || !helper)
		return held_any();
	switch (helper->ret) {
	case BPFE_RET_MAP_VALUE_OR_NULL:
		if (value_size(h, op) && !is_of_maps(h, op))
			return (struct held){.kind = HELD_OBJECT, .size = value_size(h, op)};
		return (struct held){.kind = HELD_OPAQUE, .id = harden_id(h)};
	case BPFE_RET_MEM_OR_NULL:
		return memory_result(h, state, helper);
	case BPFE_RET_ITER_NUM_OR_NULL:
		return (struct held){.kind = HELD_OBJECT, .size = 4};
	default:
		return held_any();
	}
}

/* What @passed is to a function that is called. */
static struct held as_argument(struct held passed)
{
	if (passed.kind == HELD_STACK)
		passed.kind = HELD_OUTER;
	else if (passed.kind == HELD_ANY)
		passed.size = 0; /* the running function is another */
	return passed;
}

/* The state before a block has changed. */
static void come_again(struct harden *h, struct harden_state *in)
{
	in->reached = in->dirty = h->changed = true;
	in->visits += in->visits < UINT8_MAX;
}

/* Of the state before a function's first block. */
static void pass(struct harden *h, uint32_t function, uint8_t reg, struct held passed)
{
	uint32_t entry = h->lir->functions[function].entry, phi = PHI | (entry + 1) << 5;
	struct harden_state *in = &h->in[entry];
	struct held as = as_argument(passed);

	if ((as.id & ~UINT32_C(31)) == phi)
		as.id = 0;
	if (held_join(&in->regs[reg], &as, phi | reg, in->visits > WIDEN_ANYWHERE) || !in->reached)
		come_again(h, in);
}

static void enter_function(struct harden *h, uint32_t function)
{
	struct harden_state *in = &h->in[h->lir->functions[function].entry];

	in->regs[LIR_FP] =
		(struct held){.kind = HELD_STACK, .size = h->lir->functions[function].stack_bytes};
	for (unsigned r = 0; r < LIR_FP; r++) {
		if (in->regs[r].kind == HELD_NOTHING)
			in->regs[r] = held_any();
	}
	for (unsigned s = 0; s < HARDEN_SLOTS; s++)
		in->slots[s] = held_any();
}

static void call_function(struct harden *h, const struct harden_state *state, uint32_t function)
{
	for (unsigned a = 0; a < sizeof(arguments); a++)
		pass(h, function, arguments[a], state->regs[arguments[a]]);
	enter_function(h, function);
}

/* @function runs as the callback of @helper. */
static void call_callback(struct harden *h, const struct harden_state *state,
			  const struct bpfe_helper *helper, const struct lir_op *op,
			  uint32_t function)
{
	uint32_t map = helper ? h->lir->image->aux[op->slot].const_map : 0;
	const struct bpfe_map_attr *attr = map ? bpfe_map_attr(h->lir->image->maps[map - 1]) : NULL;
	struct held key = held_any(), value = held_any();

	if (helper && helper->id == BPF_FUNC_loop) {
		pass(h, function, LIR_RSI, held_number(0, UINT32_MAX));
		pass(h, function, LIR_RDX, state->regs[LIR_RCX]);
	} else if (helper && helper->id == BPF_FUNC_for_each_map_elem) {
		if (attr) {
			key = (struct held){.kind = HELD_OBJECT, .size = attr->key_size};
			value = (struct held){.kind = HELD_OBJECT, .size = attr->value_size};
		}
		pass(h, function, LIR_RSI, held_any());
		pass(h, function, LIR_RDX, key);
		pass(h, function, LIR_RCX, value);
		pass(h, function, LIR_R8, state->regs[LIR_RCX]);
	} else {
		for (unsigned a = 0; a < sizeof(arguments); a++)
			pass(h, function, arguments[a], held_any());
	}
	enter_function(h, function);
}

/* The function whose number a register holds, UINT32_MAX: any that has its address taken. */
static uint32_t function_in(const struct harden *h, const struct held *held)
{
	if (held->kind == HELD_NUMBER && held->lo == held->hi && held->lo >= 0 &&
	    held->lo < h->lir->n_functions)
		return (uint32_t)held->lo;
	return UINT32_MAX;
}

static void call_indirect(struct harden *h, const struct harden_state *state,
			  const struct lir_op *op)
{
	bool back = op->code == LIR_CALL_HELPER;
	uint32_t known = function_in(h, &state->regs[back ? LIR_RDX : op->a]);

	for (uint32_t f = 1; f < h->lir->n_functions; f++) {
		if (known != UINT32_MAX ? f != known : !h->lir->functions[f].is_callback)
			continue;
		if (back)
			call_callback(h, state, helper_of(h, op), op, f);
		else
			call_function(h, state, f);
	}
}

static bool is_stack(const struct held *held)
{
	return held->kind == HELD_STACK || held->kind == HELD_OUTER;
}

static bool is_only_read(uint8_t arg)
{
	switch (arg & (uint8_t)~(BPFE_ARG_NULLABLE | BPFE_ARG_UNSET_OK)) {
	case BPFE_ARG_ANYTHING:
	case BPFE_ARG_CTX:
	case BPFE_ARG_CONST_MAP:
	case BPFE_ARG_MAP_KEY:
	case BPFE_ARG_MAP_VALUE:
	case BPFE_ARG_MEM_RDONLY:
	case BPFE_ARG_FIXED_RDONLY:
	case BPFE_ARG_CONST_STR:
		return true;
	default:
		return false;
	}
}

/* What a helper writes begins where an argument points to; a function may have found more. */
static void spoil_arguments(struct harden *h, struct harden_state *state, const struct lir_op *op,
			    const struct bpfe_helper *helper, bool function)
{
	lir_set uses = lir_uses(op);

	for (unsigned a = 0; a < sizeof(arguments); a++) {
		const struct held passed = state->regs[arguments[a]];

		if (!(uses & LIR_BIT(arguments[a])) || passed.kind == HELD_NUMBER ||
		    (helper && is_only_read(helper->args[a])))
			continue;
		if (!held_may_be_stack(&passed))
			continue;
		if (function || passed.kind != HELD_STACK)
			spoil(h, state, -HARDEN_FAR, HARDEN_FAR);
		else
			spoil(h, state, passed.lo, HARDEN_FAR);
	}
}

static void drop_packet(struct harden_state *state)
{
	for (unsigned r = 0; r < HARDEN_REGS; r++) {
		if (state->regs[r].kind == HELD_PACKET || state->regs[r].kind == HELD_END)
			state->regs[r] = held_any();
	}
	for (unsigned s = 0; s < HARDEN_SLOTS; s++) {
		if (state->slots[s].kind == HELD_PACKET || state->slots[s].kind == HELD_END)
			state->slots[s] = held_any();
	}
}

static void call(struct harden *h, struct harden_state *state, const struct lir_op *op)
{
	const struct bpfe_helper *helper = op->code == LIR_CALL_HELPER ? helper_of(h, op) : NULL;
	bool local = op->code == LIR_CALL_LOCAL, indirect = op->code == LIR_CALLX;
	bool back = op->code == LIR_CALL_HELPER && (op->flags & LIR_F_CALLBACK);
	struct held result = helper_result(h, state, op, helper);

	if (local)
		call_function(h, state, op->target);
	if (indirect || back)
		call_indirect(h, state, op);
	if (local)
		result = h->functions[op->target].result;
	/* Another call's result has another base. */
	if (result.id)
		result.id = harden_id(h);
	spoil_arguments(h, state, op, helper, local || indirect || back);
	if (local || indirect || back || op->code == LIR_TAIL_CALL ||
	    (helper && helper->moves_packet))
		drop_packet(state);
	age(state, UINT32_MAX, harden_id(h));
	for (unsigned r = 0; r < LIR_FP; r++) {
		if (LIR_CALLER_SAVED & LIR_BIT(r))
			state->regs[r] = held_any();
	}
	state->regs[LIR_RAX] = result;
}

/* ---- One operation --------------------------------------------------------------------------- */

void harden_step(struct harden *h, struct harden_state *state, const struct lir_op *op)
{
	struct held result;
	lir_set defs;

	if (lir_is_call(op)) {
		call(h, state, op);
		return;
	}
	if (op->code == LIR_OBJECT) {
		state->regs[op->dst] =
			(struct held){.kind = HELD_OBJECT, .size = (uint32_t)op->imm};
		return;
	}
	if (op->code == LIR_EXIT) {
		struct harden_function *f = &h->functions[h->lir->blocks[h->block].function];

		/* What points into the function's own frame does not get out. */
		result = is_stack(&state->regs[LIR_RAX]) ? held_any() : state->regs[LIR_RAX];
		if (held_join(&f->result, &result, 0, true))
			h->changed = h->results = true;
		return;
	}
	if (lir_writes_memory(op) && lir_has_memory(op))
		store(h, state, op);
	defs = lir_defs(op);
	if (!defs)
		return;
	result = op->dst < HARDEN_REGS ? held_result(h, state, op) : held_any();
	/* The new base has this id from now on, those before it no more. */
	if (result.id == harden_id(h))
		age(state, UINT32_MAX, result.id);
	for (unsigned r = 0; r < LIR_FP; r++) {
		if (defs & LIR_BIT(r))
			state->regs[r] = r == op->dst ? result : held_any();
	}
}

/* ---- All of them ------------------------------------------------------------------------------
 */

/* Let @after reach @to. */
static void arrive(struct harden *h, uint32_t to, struct harden_state *after)
{
	struct harden_state *in = &h->in[to];
	uint32_t phi = PHI | (to + 1) << 5;
	bool head = h->lir->blocks[to].loop_head;
	bool changed = !in->reached, widen = in->visits > (head ? WIDEN_AFTER : WIDEN_ANYWHERE);

	age(after, ~UINT32_C(31), phi);
	for (unsigned r = 0; r < HARDEN_REGS; r++)
		changed |= held_join(&in->regs[r], &after->regs[r], phi | r, widen);
	/* Their bases are told apart by no comparison. */
	for (unsigned s = 0; s < HARDEN_SLOTS; s++)
		changed |= held_join(&in->slots[s], &after->slots[s], 0, widen);
	if (changed)
		come_again(h, in);
}

static void visit(struct harden *h, uint32_t block)
{
	struct harden_state state = h->in[block];
	uint32_t to[2];
	unsigned n;

	h->block = block;
	for (h->number = 0; h->number < h->lir->blocks[block].n_ops; h->number++) {
		h->at = h->number;
		harden_step(h, &state, &h->lir->blocks[block].ops[h->number]);
	}
	n = lir_successors(&h->lir->blocks[block], to);
	for (unsigned k = 0; k < n; k++) {
		struct harden_state after = state;

		harden_edge(h, block, to[k], &after);
		arrive(h, to[k], &after);
	}
}

static void find_values(struct harden *h)
{
	const struct bpfe_image *image = h->lir->image;
	const uint32_t first = 0;

	for (uint32_t i = 0; i < image->n_insns && h->values; i++) {
		const struct bpfe_map_ops *ops;
		struct bpfe_map *map;

		if (image->aux[i].form != BPFE_FORM_LD_MAP_VALUE || !image->aux[i].seen)
			continue;
		map = image->maps[image->aux[i].map_index];
		ops = bpfe_map_ops(bpfe_map_attr(map)->type);
		h->values[image->aux[i].map_index] = (struct harden_value){
			(uintptr_t)ops->lookup(map, &first, 0), bpfe_map_attr(map)->value_size};
	}
	h->n_values = h->values ? image->n_maps : 0;
}

static void begin(struct harden *h)
{
	const struct bpfe_image *image = h->lir->image;
	uint32_t entry = h->lir->functions[0].entry;
	struct harden_state *in = &h->in[entry];

	in->reached = in->dirty = true;
	in->regs[LIR_RSI] = (struct held){.kind = HELD_CTX};
	if ((uint32_t)image->type == BPFE_PROG_MEM) {
		in->regs[LIR_RSI] = (struct held){.kind = HELD_OBJECT, .size = image->mem_size};
		in->regs[LIR_RDX] = held_number(image->mem_size, image->mem_size);
	}
	enter_function(h, 0);
}

/* It takes too long: nothing can be trusted. */
static void know_nothing(struct harden *h)
{
	for (uint32_t b = 0; b < h->lir->n_blocks; b++) {
		for (unsigned r = 0; r < LIR_FP; r++)
			h->in[b].regs[r] = held_any();
		for (unsigned s = 0; s < HARDEN_SLOTS; s++)
			h->in[b].slots[s] = held_any();
	}
}

bool harden_analyse(struct harden *h)
{
	struct lir *lir = h->lir;
	uint32_t rounds = 0;
	bool results = false;

	h->in = calloc(lir->n_blocks, sizeof(*h->in));
	h->functions = calloc(lir->n_functions, sizeof(*h->functions));
	h->values = calloc(lir->image->n_maps + 1, sizeof(*h->values));
	h->needed = calloc(lir->n_blocks, sizeof(*h->needed));
	if (!h->in || !h->functions || !h->values || !h->needed) {
		lir->failed = true;
		return false;
	}
	find_slots(h);
	find_values(h);
	harden_find_needed(h);
	begin(h);
	do {
		h->changed = h->results = false;
		for (uint32_t i = 0; i < lir->flow->n_rpo; i++) {
			struct harden_state *in = &h->in[lir->flow->rpo[i]];

			if (!in->dirty && !(results && in->reached))
				continue;
			in->dirty = false;
			visit(h, lir->flow->rpo[i]);
		}
		results = h->results;
	} while (h->changed && ++rounds < MOST_ROUNDS);
	if (h->changed)
		know_nothing(h);
	return true;
}

void harden_free(struct harden *h)
{
	free(h->in);
	free(h->functions);
	free(h->values);
	free(h->needed);
}
