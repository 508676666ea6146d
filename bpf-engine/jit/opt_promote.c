/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Stack slots become registers: what a compiler for ten registers spilled has room in sixteen, and
 * in those of BPF's own that mean nothing while the slot does.
 *
 * A slot is 4 or 8 bytes that are the function's own business (stack.h) and are stored and loaded
 * whole. Slots and registers conflict as variables do in graph colouring (Chaitin, "Register
 * allocation & spilling via graph coloring", 1982): one is set while the other's value is wanted. A
 * store does not make the slot conflict with the register it stores, so the two may be the same,
 * and the store is gone. Slots choose in the order of their weight, in loops eightfold each.
 */
#include <stdlib.h>
#include "jit/flow.h"
#include "jit/jit.h"
#include "jit/stack.h"

#define MAX_SLOTS   32u
#define STACK_BYTES 512u
#define NO_SLOT     UINT8_MAX
/* Uses that pay for saving a register that the function does not save anyway. */
#define MIN_WEIGHT 3u

typedef uint32_t slot_set;

struct slot {
	int32_t disp;
	uint8_t size;
	uint8_t reg;
	uint32_t weight;
	lir_set conflicts;
	slot_set others; /* slots in conflict */
};

struct promote {
	struct lir *lir;
	uint32_t first, end;         /* the function's blocks in rpo */
	uint8_t at[STACK_BYTES + 8]; /* the slot that begins at byte -1 - i; NO_SLOT */
	struct slot slots[MAX_SLOTS];
	uint32_t n_slots;
	lir_set used;  /* registers that the function sets */
	lir_set taken; /* registers that slots became */
	struct site {
		uint32_t block; /* place in rpo */
		uint32_t op;
	} *sites; /* accesses to the stack, in the order of rpo */
	uint32_t n_sites;
	struct live {
		slot_set in, out, uses, defs;
	} *live; /* of each block from first on */
};

/* ---- Slots ---------------------------------------------------------------------------------- */

/* What an access is to a slot. */
enum use {
	USE_NONE,
	USE_LOAD,
	USE_STORE,
	USE_BOTH,
	USE_OTHER, /* nothing a register can be used for instead */
};

static enum use use_of(const struct lir_op *op)
{
	switch (op->code) {
	case LIR_LOAD:
		return op->flags & LIR_F_ACQUIRE ? USE_OTHER : USE_LOAD;
	case LIR_STORE:
		return op->flags & LIR_F_RELEASE ? USE_OTHER : USE_STORE;
	case LIR_RMW:
		return op->size >= 4 ? USE_BOTH : USE_OTHER;
	case LIR_ADD:
	case LIR_SUB:
	case LIR_MUL:
	case LIR_AND:
	case LIR_OR:
	case LIR_XOR:
		return USE_LOAD;
	case LIR_BRANCH:
		return op->size >= 4 ? USE_LOAD : USE_OTHER;
	default:
		return USE_OTHER;
	}
}

static uint8_t slot_at(const struct promote *p, const struct lir_op *op)
{
	if (op->code == LIR_NOP || !jit_is_stack_access(op) || op->disp >= 0 ||
	    op->disp < -(int32_t)STACK_BYTES)
		return NO_SLOT;
	return p->at[-1 - op->disp];
}

static void add_slot(struct promote *p, const struct lir_op *op)
{
	if (p->n_slots == MAX_SLOTS || op->size < 4)
		return;
	p->slots[p->n_slots] = (struct slot){.disp = op->disp, .size = op->size, .reg = LIR_NONE};
	p->at[-1 - op->disp] = (uint8_t)p->n_slots++;
}

static struct lir_op *op_at(const struct promote *p, const struct site *site)
{
	return &p->lir->blocks[p->lir->flow->rpo[site->block]].ops[site->op];
}

static void find_sites(struct promote *p)
{
	p->n_sites = 0;
	p->used = 0;
	for (uint32_t i = p->first; i < p->end; i++) {
		const struct lir_block *block = &p->lir->blocks[p->lir->flow->rpo[i]];

		for (uint32_t o = 0; o < block->n_ops; o++) {
			const struct lir_op *op = &block->ops[o];

			if (op->code == LIR_NOP)
				continue;
			p->used |= lir_defs(op);
			if (op->base == LIR_FP && jit_is_stack_access(op))
				p->sites[p->n_sites++] = (struct site){i, o};
		}
	}
}

/* A slot for every place that is stored to. */
static void find_slots(struct promote *p)
{
	for (uint32_t n = 0; n < p->n_sites; n++) {
		const struct lir_op *op = op_at(p, &p->sites[n]);

		if (op->code == LIR_STORE && op->disp < 0 && op->disp >= -(int32_t)STACK_BYTES &&
		    slot_at(p, op) == NO_SLOT)
			add_slot(p, op);
	}
}

static void give_up(struct promote *p, uint32_t s)
{
	p->slots[s].size = 0;
}

/* @op touches some of the stack: give up what it does not touch as a whole. */
static void check_access(struct promote *p, const struct lir_op *op, uint32_t weight)
{
	uint8_t own = slot_at(p, op);
	enum use use = use_of(op);

	/* A slot that begins up to 7 bytes in front of the access may reach into it. */
	for (int32_t disp = op->disp - 7; disp < op->disp + op->size; disp++) {
		uint8_t s;

		if (disp >= 0 || disp < -(int32_t)STACK_BYTES)
			continue;
		s = p->at[-1 - disp];
		if (s != NO_SLOT && s != own && disp + p->slots[s].size > op->disp)
			give_up(p, s);
	}
	if (own == NO_SLOT)
		return;
	if (use == USE_OTHER ||
	    (use == USE_LOAD ? op->size > p->slots[own].size : op->size != p->slots[own].size))
		give_up(p, own);
	p->slots[own].weight += weight;
}

static uint32_t weight_of(const struct lir_block *block)
{
	unsigned depth = block->loop_depth < 4 ? block->loop_depth : 4;

	return 1u << (3 * depth);
}

static void check_slots(struct promote *p, int32_t private)
{
	for (uint32_t n = 0; n < p->n_sites; n++)
		check_access(p, op_at(p, &p->sites[n]),
			     weight_of(&p->lir->blocks[p->lir->flow->rpo[p->sites[n].block]]));
	for (uint32_t s = 0; s < p->n_slots; s++) {
		if (p->slots[s].disp + p->slots[s].size > private)
			give_up(p, s);
		if (!p->slots[s].size)
			p->at[-1 - p->slots[s].disp] = NO_SLOT;
	}
}

/* ---- Liveness ------------------------------------------------------------------------------- */

static void step_back(const struct promote *p, const struct lir_op *op, slot_set *uses,
		      slot_set *defs)
{
	uint8_t s = slot_at(p, op);
	enum use use;

	if (s == NO_SLOT)
		return;
	use = use_of(op);
	if (use != USE_LOAD) {
		*uses &= ~((slot_set)1 << s);
		*defs |= (slot_set)1 << s;
	}
	if (use != USE_STORE)
		*uses |= (slot_set)1 << s;
}

static void summarise(struct promote *p)
{
	for (uint32_t i = p->first; i < p->end; i++)
		p->live[i - p->first] = (struct live){0};
	for (uint32_t n = p->n_sites; n-- > 0;) {
		struct live *live = &p->live[p->sites[n].block - p->first];

		step_back(p, op_at(p, &p->sites[n]), &live->uses, &live->defs);
	}
}

static bool spread(struct promote *p, uint32_t i)
{
	const struct lir_flow *flow = p->lir->flow;
	struct live *live = &p->live[i - p->first];
	uint32_t successors[2];
	unsigned n = lir_successors(&p->lir->blocks[flow->rpo[i]], successors);
	slot_set in;

	live->out = 0;
	for (unsigned k = 0; k < n; k++)
		live->out |= p->live[flow->place[successors[k]] - p->first].in;
	in = live->uses | (live->out & ~live->defs);
	if (in == live->in)
		return false;
	live->in = in;
	return true;
}

static void find_liveness(struct promote *p)
{
	bool changed = true;

	summarise(p);
	while (changed) {
		changed = false;
		for (uint32_t i = p->end; i-- > p->first;)
			changed |= spread(p, i);
	}
}

/* ---- Conflicts ------------------------------------------------------------------------------ */

static void conflict(struct promote *p, slot_set slots, lir_set regs)
{
	for (; slots; slots &= slots - 1)
		p->slots[__builtin_ctz(slots)].conflicts |= regs;
}

static void conflict_slots(struct promote *p, uint32_t slot, slot_set others)
{
	p->slots[slot].others |= others & ~((slot_set)1 << slot);
	for (; others; others &= others - 1)
		p->slots[__builtin_ctz(others)].others |= (slot_set)1 << slot;
}

/* The register whose whole value the slot has after @op. */
static lir_set copied_register(const struct lir_op *op)
{
	return op->code == LIR_STORE && op->size == 8 && op->b < LIR_NONE ? LIR_BIT(op->b) : 0;
}

static void find_block_conflicts(struct promote *p, uint32_t i)
{
	const struct lir_block *block = &p->lir->blocks[p->lir->flow->rpo[i]];
	lir_set regs = block->live_out, set = 0;
	slot_set live = p->live[i - p->first].out;

	for (uint32_t o = block->n_ops; o-- > 0;) {
		const struct lir_op *op = &block->ops[o];
		uint8_t s = slot_at(p, op);
		lir_set defs, uses;

		if (op->code == LIR_NOP)
			continue;
		defs = lir_defs(op);
		uses = lir_uses(op);
		set |= defs;
		if (s != NO_SLOT) {
			enum use use = use_of(op);

			/* Registers set while these slots, and no others, were live. */
			conflict(p, live, set);
			set = 0;
			if (use != USE_LOAD) {
				p->slots[s].conflicts |= regs & ~copied_register(op);
				conflict_slots(p, s, live);
				live &= ~((slot_set)1 << s);
			}
			if (use != USE_STORE)
				live |= (slot_set)1 << s;
		}
		regs = (regs & ~defs) | uses;
	}
	conflict(p, live, set | regs);
	for (slot_set in = live; in; in &= in - 1)
		conflict_slots(p, (uint32_t)__builtin_ctz(in), live);
}

/* ---- Choice --------------------------------------------------------------------------------- */

static uint32_t heaviest(const struct promote *p, slot_set done)
{
	uint32_t best = MAX_SLOTS;

	for (uint32_t s = 0; s < p->n_slots; s++) {
		if (p->slots[s].size && !(done >> s & 1) &&
		    (best == MAX_SLOTS || p->slots[s].weight > p->slots[best].weight))
			best = s;
	}
	return best;
}

static lir_set taken_by_others(const struct promote *p, const struct slot *slot)
{
	slot_set others = slot->others;
	lir_set taken = 0;

	for (; others; others &= others - 1) {
		uint8_t reg = p->slots[__builtin_ctz(others)].reg;

		taken |= reg == LIR_NONE ? 0 : LIR_BIT(reg);
	}
	return taken;
}

/* Registers that are stored to the slot: if it gets one of them, that store is gone. */
static lir_set stored_registers(const struct promote *p, uint32_t s)
{
	lir_set stored = 0;

	for (uint32_t n = 0; n < p->n_sites; n++) {
		const struct lir_op *op = op_at(p, &p->sites[n]);

		if (op->code == LIR_STORE && op->b < LIR_FP && slot_at(p, op) == s)
			stored |= LIR_BIT(op->b);
	}
	return stored;
}

static uint8_t choose_register(const struct promote *p, uint32_t s, lir_set used)
{
	const struct slot *slot = &p->slots[s];
	lir_set spare = p->lir->spare & ~p->lir->kept_free;
	lir_set all = spare | LIR_CALLEE_SAVED | LIR_ARGUMENTS | LIR_BIT(LIR_RAX);
	lir_set may = all & ~slot->conflicts & ~taken_by_others(p, slot);
	lir_set saved = LIR_CALLEE_SAVED | LIR_BIT(LIR_R12);
	lir_set wanted;

	if (slot->weight < MIN_WEIGHT)
		may &= used | ~saved;
	wanted = may & stored_registers(p, s);
	if (!wanted)
		wanted = may & ~saved; /* nothing to save */
	if (!wanted)
		wanted = may & used;
	if (!wanted)
		wanted = may;
	return wanted ? (uint8_t)__builtin_ctz(wanted) : (uint8_t)LIR_NONE;
}

static bool choose(struct promote *p)
{
	lir_set used = p->used;
	slot_set done = 0;
	bool any = false;

	for (uint32_t s = heaviest(p, done); s < MAX_SLOTS; s = heaviest(p, done)) {
		done |= (slot_set)1 << s;
		p->slots[s].reg = choose_register(p, s, used);
		if (p->slots[s].reg == LIR_NONE)
			continue;
		used |= LIR_BIT(p->slots[s].reg);
		p->taken |= LIR_BIT(p->slots[s].reg);
		any = true;
	}
	return any;
}

/* ---- Rewriting ------------------------------------------------------------------------------ */

static void forget_memory(struct lir_op *op)
{
	op->base = op->index = LIR_NONE;
	op->scale = 0;
	op->disp = 0;
	op->mem_kind = BPFE_MEM_NONE;
}

static void rewrite_load(struct lir_op *op, const struct slot *slot)
{
	bool sign = op->flags & LIR_F_SIGNED;
	uint8_t size = op->size;

	op->flags &= (uint8_t)~LIR_F_SIGNED;
	op->a = op->b = LIR_NONE;
	if (size == 8 || (size >= 4 && !sign)) {
		op->code = LIR_MOV;
		op->size = size == slot->size ? 8 : 4;
		op->b = slot->reg;
		if (op->dst == slot->reg && op->size == 8)
			op->code = LIR_NOP;
		return;
	}
	op->code = sign ? LIR_SEXT : LIR_ZEXT;
	op->size = 8;
	op->a = slot->reg;
	op->imm = size;
}

/* The register holds 4 bytes zero-extended. */
static void rewrite_store(struct lir_op *op, const struct slot *slot)
{
	op->code = LIR_MOV;
	op->dst = slot->reg;
	op->a = LIR_NONE;
	if (op->b == LIR_IMM && op->size == 4)
		op->imm = (int64_t)(uint32_t)op->imm;
	if (op->b == op->dst && op->size == 8)
		op->code = LIR_NOP;
}

static void rewrite(const struct slot *slot, struct lir_op *op)
{
	switch (op->code) {
	case LIR_LOAD:
		rewrite_load(op, slot);
		break;
	case LIR_STORE:
		rewrite_store(op, slot);
		break;
	case LIR_RMW:
		op->code = op->alu;
		op->dst = op->a = slot->reg;
		break;
	default:
		if (op->a == LIR_MEM)
			op->a = slot->reg;
		else
			op->b = slot->reg;
		break;
	}
	forget_memory(op);
}

/* Does anything of the function still use the stack, pointers to which nobody takes? */
static bool rewrite_all(struct promote *p)
{
	bool stack = false;

	for (uint32_t n = 0; n < p->n_sites; n++) {
		struct lir_op *op = op_at(p, &p->sites[n]);
		uint8_t s = slot_at(p, op);

		if (s != NO_SLOT && p->slots[s].reg != LIR_NONE)
			rewrite(&p->slots[s], op);
		else
			stack = true;
	}
	return stack;
}

static void promote_function(struct promote *p)
{
	struct lir *lir = p->lir;
	int32_t private;

	p->n_slots = 0;
	for (unsigned i = 0; i < sizeof(p->at); i++)
		p->at[i] = NO_SLOT;
	find_sites(p);
	find_slots(p);
	if (!p->n_slots)
		return;
	private = jit_stack_private(lir, p->first, p->end);
	if (private == JIT_STACK_ALL)
		return;
	check_slots(p, private);
	find_liveness(p);
	for (uint32_t i = p->first; i < p->end; i++) {
		const struct live *live = &p->live[i - p->first];

		if (live->in | live->out | live->defs)
			find_block_conflicts(p, i);
	}
	if (choose(p) && !rewrite_all(p) && !private)
		lir->functions[lir->blocks[lir->flow->rpo[p->first]].function].stack_bytes = 0;
}

static uint32_t count_ops(const struct lir *lir)
{
	uint32_t n = 0;

	for (uint32_t b = 0; b < lir->n_blocks; b++)
		n += lir->blocks[b].n_ops;
	return n;
}

void jit_opt_promote(struct lir *lir)
{
	struct promote p = {.lir = lir};

	jit_flow_live(lir);
	if (lir->failed)
		return;
	p.live = malloc((lir->flow->n_rpo + 1) * sizeof(*p.live));
	p.sites = malloc((count_ops(lir) + 1) * sizeof(*p.sites));
	lir->failed = !p.live || !p.sites;
	for (uint32_t first = 0; !lir->failed && first < lir->flow->n_rpo; first = p.end) {
		p.first = first;
		p.end = jit_function_end(lir, first);
		promote_function(&p);
	}
	free(p.live);
	free(p.sites);
	lir->spare &= ~p.taken;
	if (p.taken)
		jit_flow_changed(lir, JIT_FLOW_ORDER);
}
