// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Backward pass: what of a state still matters. Two states that differ only in what does not are
 * the same to pruning.
 *
 * A register or stack slot is live if it may be read before it is written: then its kind matters
 * (written at all? number or pointer?). It is also precise if its value may reach something that
 * the verifier decides by: an address, a size, a map key, a comparison. A number that is only
 * counted up and stored in a map or packet is live and not precise, so states that differ in it are
 * the same.
 *
 * A slot dies when all its 8 bytes are written. Memory given to a helper counts as read up to the
 * size known here. While a call that was given stack pointers is under way, all slots matter.
 *
 * Imprecision: every comparison makes its operands precise, whether it decides anything or not.
 */
#include "claims.h"
#include "verifier/flow.h"

#define ALL_SLOTS UINT64_MAX
#define ARGUMENTS 0x3e /* r1 to r5 */

static uint16_t reg_bit(unsigned regno)
{
	return (uint16_t)(1u << regno);
}

static void live_reg(struct bpfe_live *l, unsigned regno, bool precise)
{
	l->regs |= reg_bit(regno);
	if (precise)
		l->precise_regs |= reg_bit(regno);
}

static void dead_reg(struct bpfe_live *l, unsigned regno)
{
	l->regs &= (uint16_t)~reg_bit(regno);
	l->precise_regs &= (uint16_t)~reg_bit(regno);
	l->optional_regs &= (uint16_t)~reg_bit(regno);
}

/* Slots that [off, off + size) touches; everything if that is not known. */
static uint64_t slots_of(int16_t fp, int64_t off, int64_t size)
{
	uint64_t slots = 0;

	if (fp == BPFE_FP_MAYBE || fp == BPFE_FP_UNREACHED)
		return ALL_SLOTS;
	off += fp;
	if (off < -(int64_t)BPFE_STACK_SIZE || off + size > 0)
		return ALL_SLOTS;
	for (int64_t at = off; at < off + size; at++)
		slots |= UINT64_C(1) << ((-at - 1) / 8);
	return slots;
}

static void alu(const struct bpf_insn *insn, struct bpfe_live *l)
{
	bool precise = l->precise_regs & reg_bit(insn->dst_reg);

	if (BPF_OP(insn->code) == BPF_MOV)
		dead_reg(l, insn->dst_reg);
	else
		live_reg(l, insn->dst_reg, precise);
	if (BPF_SRC(insn->code) == BPF_X && BPF_OP(insn->code) != BPF_END)
		live_reg(l, insn->src_reg, precise);
}

static void load(const struct bpfe_flow *flow, const struct bpf_insn *insn, uint32_t i,
		 struct bpfe_live *l)
{
	bool precise = l->precise_regs & reg_bit(insn->dst_reg);
	int16_t fp = flow->before[i].fp[insn->src_reg];

	dead_reg(l, insn->dst_reg);
	live_reg(l, insn->src_reg, true);
	if (fp == BPFE_FP_NOT)
		return;
	l->slots |= slots_of(fp, insn->off, bpfe_insn_size(insn));
	if (precise)
		l->precise_slots |= slots_of(fp, insn->off, bpfe_insn_size(insn));
}

static void store(const struct bpfe_flow *flow, const struct bpf_insn *insn, uint32_t i,
		  struct bpfe_live *l)
{
	int16_t fp = flow->before[i].fp[insn->dst_reg];
	uint64_t slots = fp == BPFE_FP_NOT ? 0 : slots_of(fp, insn->off, bpfe_insn_size(insn));
	bool precise = (l->precise_slots & slots) || slots == ALL_SLOTS || flow->escaped;

	if (bpfe_insn_size(insn) == 8 && slots && slots != ALL_SLOTS && !(slots & (slots - 1))) {
		l->slots &= ~slots;
		l->precise_slots &= ~slots;
	}
	live_reg(l, insn->dst_reg, true);
	if (BPF_CLASS(insn->code) == BPF_STX)
		live_reg(l, insn->src_reg, precise);
}

/* What an atomic leaves is of unknown value; what it fetches is what the slot held. */
static void atomic(const struct bpfe_flow *flow, const struct bpf_insn *insn, uint32_t i,
		   struct bpfe_live *l)
{
	unsigned fetched = insn->imm == BPF_CMPXCHG ? (unsigned)BPF_REG_0 : insn->src_reg;
	int16_t fp = flow->before[i].fp[insn->dst_reg];
	bool precise = false;

	if (insn->imm & BPF_FETCH) {
		precise = l->precise_regs & reg_bit(fetched);
		dead_reg(l, fetched);
	}
	if (insn->imm == BPF_CMPXCHG)
		live_reg(l, BPF_REG_0, false);
	live_reg(l, insn->src_reg, false);
	live_reg(l, insn->dst_reg, true);
	if (fp == BPFE_FP_NOT)
		return;
	l->slots |= slots_of(fp, insn->off, bpfe_insn_size(insn));
	if (precise)
		l->precise_slots |= slots_of(fp, insn->off, bpfe_insn_size(insn));
}

static uint32_t element_size(const struct bpfe_map_attr *attr, bool key)
{
	return key ? attr->key_size : attr->value_size;
}

/* Longest key or value any map of the program has, inner maps too. */
static int64_t longest_element(const struct bpfe_image *image, bool key)
{
	uint32_t longest = 0;

	for (uint32_t m = 0; m < image->n_maps; m++) {
		const struct bpfe_map_attr *attr = bpfe_map_attr(image->maps[m]);
		uint32_t size = element_size(attr, key);

		longest = size > longest ? size : longest;
		size = attr->inner ? element_size(attr->inner, key) : 0;
		longest = size > longest ? size : longest;
	}
	return longest;
}

/* Slots from @fp upwards, at most @size bytes. */
static uint64_t slots_upwards(int16_t fp, int64_t size)
{
	if (fp == BPFE_FP_NOT)
		return 0;
	if (fp < 0 && fp >= -(int)BPFE_STACK_SIZE && fp + size > 0)
		size = -fp;
	return slots_of(fp, 0, size);
}

#define EVERYTHING (-1)

/*
 * Most bytes of stack, from where argument @regno points upwards, that matter to the call, or
 * EVERYTHING: no argument of that kind is a stack pointer, or what it is used for is not known.
 */
static int64_t argument_bytes(const struct bpfe_vf *vf, const struct bpfe_helper *helper,
			      unsigned regno)
{
	switch (helper->args[regno - 1] & ~(BPFE_ARG_NULLABLE | BPFE_ARG_UNSET_OK)) {
	case BPFE_ARG_MAP_KEY:
		return longest_element(vf->image, true);
	case BPFE_ARG_MAP_VALUE:
	case BPFE_ARG_MAP_VALUE_OUT:
		return longest_element(vf->image, false);
	case BPFE_ARG_MEM_RDONLY:
	case BPFE_ARG_MEM_UNINIT:
	case BPFE_ARG_MEM_INOUT:
		return BPFE_STACK_SIZE;
	case BPFE_ARG_FIXED_RDONLY:
	case BPFE_ARG_FIXED_OUT:
	case BPFE_ARG_FIXED_INOUT:
		return helper->arg_size[regno - 1];
	case BPFE_ARG_DYNPTR:
	case BPFE_ARG_DYNPTR_OUT:
	case BPFE_ARG_DYNPTR_RECORD:
		return sizeof(struct bpf_dynptr);
	case BPFE_ARG_ITER_OUT:
	case BPFE_ARG_ITER:
	case BPFE_ARG_ITER_END:
		return 8;
	default: /* above all what a callback is given */
		return EVERYTHING;
	}
}

static void helper_arg(const struct bpfe_vf *vf, uint32_t i, unsigned regno,
		       const struct bpfe_helper *helper, struct bpfe_live *l)
{
	uint8_t arg = helper->args[regno - 1] & (uint8_t)~(BPFE_ARG_NULLABLE | BPFE_ARG_UNSET_OK);
	int16_t fp = vf->flow->before[i].fp[regno];
	int64_t size = argument_bytes(vf, helper, regno);

	/* Of how many rounds a callback runs comes what it may index with. */
	live_reg(l, regno, arg != BPFE_ARG_ANYTHING || helper->calls_back);
	if (helper->args[regno - 1] & BPFE_ARG_UNSET_OK)
		l->optional_regs |= reg_bit(regno);
	if (size == EVERYTHING) {
		if (fp != BPFE_FP_NOT)
			l->slots = l->precise_slots = ALL_SLOTS;
		return;
	}
	l->slots |= slots_upwards(fp, size);
	/* A key may tell that a look-up finds something. */
	if (arg == BPFE_ARG_MAP_KEY)
		l->precise_slots |= slots_upwards(fp, size);
}

static void call_helper(const struct bpfe_vf *vf, uint32_t i, struct bpfe_live *l)
{
	const struct bpfe_helper *helper = bpfe_helper_by_id((uint32_t)vf->image->insns[i].imm);

	for (unsigned r = BPF_REG_0; r <= BPF_REG_5; r++)
		dead_reg(l, r);
	for (unsigned r = BPF_REG_1; helper && r <= BPF_REG_5 && helper->args[r - 1]; r++)
		helper_arg(vf, i, r, helper, l);
}

static bool passes_stack(const struct bpfe_flow *flow, uint32_t i)
{
	for (unsigned r = BPF_REG_1; r <= BPF_REG_5; r++) {
		if (flow->before[i].fp[r] != BPFE_FP_NOT)
			return true;
	}
	return false;
}

static void call_local(const struct bpfe_vf *vf, uint32_t i, uint32_t callee, struct bpfe_live *l)
{
	const struct bpfe_live *inside = &vf->flow->live[vf->image->subprogs[callee].start];

	for (unsigned r = BPF_REG_0; r <= BPF_REG_5; r++)
		dead_reg(l, r);
	for (unsigned r = BPF_REG_1; r <= BPF_REG_5; r++) {
		/* A global function's arguments are checked whatever it does with them. */
		if (bpfe_is_global(vf->image, callee))
			live_reg(l, r, true);
		else if (inside->regs & reg_bit(r))
			live_reg(l, r, inside->precise_regs & reg_bit(r));
		if (!bpfe_is_global(vf->image, callee))
			l->optional_regs |= inside->optional_regs & reg_bit(r);
	}
	if (passes_stack(vf->flow, i))
		l->slots = l->precise_slots = ALL_SLOTS;
}

/* Which function that will be is not known here, so everything may matter. */
static void call_register(const struct bpf_insn *insn, struct bpfe_live *l)
{
	dead_reg(l, BPF_REG_0);
	for (unsigned r = BPF_REG_1; r <= BPF_REG_5; r++)
		live_reg(l, r, true);
	l->optional_regs |= l->regs & ARGUMENTS;
	live_reg(l, insn->dst_reg, true);
	l->slots = l->precise_slots = ALL_SLOTS;
}

/* Legacy packet access takes the context from r6 and leaves what a call leaves. */
static void packet_load(const struct bpf_insn *insn, struct bpfe_live *l)
{
	for (unsigned r = BPF_REG_0; r <= BPF_REG_5; r++)
		dead_reg(l, r);
	live_reg(l, BPF_REG_6, true);
	if (BPF_MODE(insn->code) == BPF_IND)
		live_reg(l, insn->src_reg, false);
}

static void jump(const struct bpfe_vf *vf, const struct bpf_insn *insn, uint32_t i,
		 struct bpfe_live *l)
{
	uint32_t callee;

	switch (BPF_OP(insn->code)) {
	case BPF_JA:
	case BPFE_JCOND:
		return;
	case BPF_EXIT:
		live_reg(l, BPF_REG_0, vf->image->aux[i].subprog != 0);
		return;
	case BPF_CALL:
		callee = bpfe_flow_callee(vf->image, i);
		if (BPF_SRC(insn->code) == BPF_X)
			call_register(insn, l);
		else if (callee == UINT32_MAX)
			call_helper(vf, i, l);
		else
			call_local(vf, i, callee, l);
		return;
	default:
		live_reg(l, insn->dst_reg, true);
		if (BPF_SRC(insn->code) == BPF_X)
			live_reg(l, insn->src_reg, true);
	}
}

/* From what is live after instruction @i to what is before. */
static void transfer(const struct bpfe_vf *vf, uint32_t i, struct bpfe_live *l)
{
	const struct bpf_insn *insn = &vf->image->insns[i];

	switch (BPF_CLASS(insn->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		alu(insn, l);
		break;
	case BPF_LD:
		if (BPF_MODE(insn->code) == BPF_IMM)
			dead_reg(l, insn->dst_reg);
		else
			packet_load(insn, l);
		break;
	case BPF_LDX:
		load(vf->flow, insn, i, l);
		break;
	case BPF_STX:
		if (BPF_MODE(insn->code) != BPF_ATOMIC || insn->imm == BPFE_STORE_REL)
			store(vf->flow, insn, i, l);
		else if (insn->imm == BPFE_LOAD_ACQ)
			load(vf->flow, insn, i, l);
		else
			atomic(vf->flow, insn, i, l);
		break;
	case BPF_ST:
		store(vf->flow, insn, i, l);
		break;
	default:
		jump(vf, insn, i, l);
	}
}

static bool live_equal(const struct bpfe_live *a, const struct bpfe_live *b)
{
	return a->slots == b->slots && a->precise_slots == b->precise_slots && a->regs == b->regs &&
	       a->precise_regs == b->precise_regs && a->optional_regs == b->optional_regs;
}

int bpfe_flow_liveness(struct bpfe_vf *vf, uint32_t function)
{
	const struct bpfe_subprog *subprog = &vf->image->subprogs[function];
	struct bpfe_flow *flow = vf->flow;
	uint32_t i, next[2], steps = 0;

	for (i = subprog->start; i < subprog->end; i++) {
		bpfe_flow_push(flow, i);
		i += bpfe_is_wide(&vf->image->insns[i]);
	}
	while (bpfe_flow_take(flow, &i)) {
		unsigned n = bpfe_flow_successors(vf->image, i, next);
		struct bpfe_live l = {0};
		int err = bpfe_flow_poll(vf, &steps);

		if (err)
			return err;
		for (unsigned k = 0; k < n; k++) {
			l.slots |= flow->live[next[k]].slots;
			l.precise_slots |= flow->live[next[k]].precise_slots;
			l.regs |= flow->live[next[k]].regs;
			l.precise_regs |= flow->live[next[k]].precise_regs;
			l.optional_regs |= flow->live[next[k]].optional_regs;
		}
		transfer(vf, i, &l);
		if (live_equal(&l, &flow->live[i]))
			continue;
		flow->live[i] = l;
		for (uint32_t p = flow->pred_first[i]; p < flow->pred_first[i + 1]; p++)
			bpfe_flow_push(flow, flow->preds[p]);
	}
	return 0;
}

struct bpfe_live bpfe_flow_live(const struct bpfe_vf *vf, const struct bpfe_state *state,
				uint32_t f, uint32_t pc)
{
	const struct bpfe_frame *callee = f + 1 < state->depth ? state->frames[f + 1] : NULL;
	struct bpfe_live l = vf->flow->live[callee ? callee->return_to : pc];
	bool given = false;

	if (vf->image->claims && vf->image->claims->all)
		return (struct bpfe_live){UINT64_MAX, UINT64_MAX, UINT16_MAX, UINT16_MAX,
					  l.optional_regs};
	/* A callback comes back to the call itself, with its arguments; others behind the call. */
	if (callee)
		given = passes_stack(vf->flow, callee->return_to - !callee->callback);
	for (unsigned r = BPF_REG_0; callee && !callee->callback && r <= BPF_REG_5; r++)
		dead_reg(&l, r);
	if (vf->flow->escaped || given)
		l.slots = l.precise_slots = ALL_SLOTS;
	return l;
}
