// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Conditional jumps: which ways are possible, and what each tells of the operands.
 *
 * Numbers are narrowed on both sides, and with them all registers and stack slots known to hold the
 * same number. A comparison of a packet pointer with data_end proves, on the side where the pointer
 * is not beyond it, that the bytes up to the pointer are there; it holds for all pointers with the
 * same variable part. A pointer that may be NULL and its copies become a pointer on one side and 0
 * on the other. Two pointers into the frame's buffer may be compared otherwise too, as offsets;
 * nothing else about pointers may, for the outcome would tell of addresses.
 *
 * Imprecision: a comparison that fails to prove bytes present proves nothing, so the same
 * comparison again is followed both ways.
 */
#include "verifier/verifier.h"

struct operands {
	enum bpfe_cond cond;
	bool is64;
	struct bpfe_reg *dst;
	struct bpfe_reg *src; /* the immediate, if there is no register */
	struct bpfe_reg imm;
};

static enum bpfe_cond cond_of(const struct bpf_insn *insn)
{
	switch (BPF_OP(insn->code)) {
	case BPF_JEQ:
		return BPFE_C_EQ;
	case BPF_JNE:
		return BPFE_C_NE;
	case BPF_JGT:
		return BPFE_C_GT;
	case BPF_JGE:
		return BPFE_C_GE;
	case BPF_JLT:
		return BPFE_C_LT;
	case BPF_JLE:
		return BPFE_C_LE;
	case BPF_JSGT:
		return BPFE_C_SGT;
	case BPF_JSGE:
		return BPFE_C_SGE;
	case BPF_JSLT:
		return BPFE_C_SLT;
	case BPF_JSLE:
		return BPFE_C_SLE;
	default:
		return BPFE_C_SET;
	}
}

/* Registers of the running frame of @state as operands of @insn. */
static void read_operands(struct operands *ops, const struct bpf_insn *insn,
			  const struct bpfe_state *state)
{
	struct bpfe_reg *regs = bpfe_top(state)->regs;

	ops->cond = cond_of(insn);
	ops->is64 = BPF_CLASS(insn->code) == BPF_JMP;
	ops->dst = &regs[insn->dst_reg];
	ops->src = &regs[insn->src_reg];
	if (BPF_SRC(insn->code) == BPF_K) {
		ops->imm = bpfe_reg_scalar(bpfe_scalar_const((uint64_t)(int64_t)insn->imm));
		ops->src = &ops->imm;
	}
}

/* ---- The two ways -------------------------------------------------------------------------- */

static uint32_t target_of(const struct bpfe_vf *vf, const struct bpf_insn *insn, bool taken)
{
	return taken ? (uint32_t)((int64_t)vf->pc + 1 + insn->off) : vf->pc + 1;
}

static int go(struct bpfe_vf *vf, const struct bpf_insn *insn, bool taken)
{
	bpfe_fact_edge(vf, taken);
	vf->next = target_of(vf, insn, taken);
	return bpfe_path_note(vf, vf->next);
}

/*
 * Split: vf->cur goes the way that is followed first, the copy returned the other. Inequality tells
 * less than equality, so that way goes first: what is kept of it covers more of what comes later.
 */
static struct bpfe_state *fork_way(struct bpfe_vf *vf, const struct operands *ops,
				   bool *first_taken)
{
	*first_taken = ops->cond == BPFE_C_NE;
	return bpfe_state_copy(vf, vf->cur);
}

static int go_both(struct bpfe_vf *vf, const struct bpf_insn *insn, struct bpfe_state *other,
		   bool first_taken)
{
	int err = bpfe_explore_later(vf, other, target_of(vf, insn, !first_taken));

	bpfe_fact_edge(vf, !first_taken);
	return err ? err : go(vf, insn, first_taken);
}

/* ---- Numbers ------------------------------------------------------------------------------- */

/* x op x */
static int compare_with_itself(struct bpfe_vf *vf, const struct bpf_insn *insn,
			       const struct operands *ops)
{
	struct bpfe_state *other;
	bool first_taken;

	switch (ops->cond) {
	case BPFE_C_EQ:
	case BPFE_C_GE:
	case BPFE_C_LE:
	case BPFE_C_SGE:
	case BPFE_C_SLE:
		return go(vf, insn, true);
	case BPFE_C_SET:
		other = fork_way(vf, ops, &first_taken);
		return other ? go_both(vf, insn, other, first_taken) : bpfe_vf_no_memory(vf);
	default:
		return go(vf, insn, false);
	}
}

/* What is known of the number that all with the same id share, from one of them. */
static struct bpfe_scalar shared_number(const struct bpfe_reg *reg)
{
	struct bpfe_scalar off = bpfe_scalar_const((uint64_t)(int64_t)reg->off);

	return reg->off || reg->low_sum
		       ? bpfe_scalar_alu(BPFE_W_SUB, &reg->val, &off, !reg->low_sum)
		       : reg->val;
}

/* Another with that id knows as much, without forgetting what it knew. */
static void learn(struct bpfe_reg *reg, void *opaque)
{
	const struct bpfe_reg *from = opaque;
	struct bpfe_scalar val, off = bpfe_scalar_const((uint64_t)(int64_t)reg->off), both;

	if (reg->type != BPFE_REG_SCALAR || reg->id != from->id)
		return;
	if (reg->off == from->off && reg->low_sum == from->low_sum) {
		reg->val = from->val;
		return;
	}
	val = shared_number(from);
	if (reg->off || reg->low_sum)
		val = bpfe_scalar_alu(BPFE_W_ADD, &val, &off, !reg->low_sum);
	both = reg->val;
	/* Nothing in common: no number gets here, and what is kept does not matter. */
	if (bpfe_word_intersect(&both.x, &val.x, 64) &&
	    bpfe_word_intersect(&both.lo, &val.lo, 32) && bpfe_scalar_deduce(&both))
		reg->val = both;
}

static int narrow_one(struct bpfe_vf *vf, struct bpfe_state *state, struct bpfe_reg *reg,
		      const struct bpfe_scalar *val)
{
	struct bpfe_reg from;

	reg->val = *val;
	if (!reg->id)
		return 0;
	from = *reg;
	return bpfe_state_each(vf, state, learn, &from);
}

/* Write narrowed values @a and @b to the operands of @insn in @state. */
static int narrow(struct bpfe_vf *vf, struct bpfe_state *state, const struct bpf_insn *insn,
		  const struct bpfe_scalar *a, const struct bpfe_scalar *b)
{
	struct operands ops;
	int err;

	read_operands(&ops, insn, state);
	err = narrow_one(vf, state, ops.dst, a);
	if (!err && ops.src != &ops.imm)
		err = narrow_one(vf, state, ops.src, b);
	return err;
}

static bool is_same_number(const struct bpfe_reg *a, const struct bpfe_reg *b)
{
	return a->id && a->id == b->id && a->off == b->off && a->low_sum == b->low_sum;
}

static int branch_scalar(struct bpfe_vf *vf, const struct bpf_insn *insn,
			 const struct operands *ops)
{
	struct bpfe_scalar a[2], b[2]; /* [1] taken, [0] not */
	bool possible[2], first_taken;
	struct bpfe_state *other;
	int err;

	if (ops->src == ops->dst || is_same_number(ops->dst, ops->src))
		return compare_with_itself(vf, insn, ops);
	for (int way = 0; way < 2; way++) {
		a[way] = ops->dst->val;
		b[way] = ops->src->val;
		possible[way] = bpfe_scalar_assume(way ? ops->cond : bpfe_cond_not(ops->cond),
						   &a[way], &b[way], ops->is64);
	}
	if (possible[0] && possible[1]) {
		other = fork_way(vf, ops, &first_taken);
		if (!other)
			return bpfe_vf_no_memory(vf);
		err = narrow(vf, other, insn, &a[!first_taken], &b[!first_taken]);
		if (err) {
			bpfe_state_free(vf, other);
			return err;
		}
		err = narrow(vf, vf->cur, insn, &a[first_taken], &b[first_taken]);
		if (err) {
			bpfe_state_free(vf, other);
			return err;
		}
		return go_both(vf, insn, other, first_taken);
	}
	if (!possible[0] && !possible[1]) { /* the state itself holds no value: nothing runs here */
		vf->path_ends = true;
		return 0;
	}
	err = narrow(vf, vf->cur, insn, &a[possible[1]], &b[possible[1]]);
	return err ? err : go(vf, insn, possible[1]);
}

/* ---- NULL ---------------------------------------------------------------------------------- */

struct null_split {
	const struct bpfe_vf *vf;
	uint32_t id;
	bool null;
};

static void split_null(struct bpfe_reg *reg, void *opaque)
{
	const struct null_split *split = opaque;

	if (!reg->nullable || reg->id != split->id)
		return;
	if (split->null) {
		*reg = bpfe_reg_scalar(bpfe_scalar_const(0));
		return;
	}
	reg->nullable = false;
	if (!bpfe_reg_has_identity(split->vf, reg))
		reg->id = 0;
}

static int split_state(struct bpfe_vf *vf, struct bpfe_state *state, const struct bpfe_reg *ptr,
		       bool null)
{
	struct null_split split = {.vf = vf, .id = ptr->id, .null = null};

	/* There is no record to give back. */
	if (null && ptr->type == BPFE_REG_MEM && ptr->kind == BPFE_OF_RECORD)
		bpfe_held_remove(state, BPFE_HELD_REF, ptr->ref);
	return bpfe_state_each(vf, state, split_null, &split);
}

static int branch_null(struct bpfe_vf *vf, const struct bpf_insn *insn, const struct operands *ops)
{
	const struct bpfe_reg ptr = bpfe_reg_is_pointer(ops->dst) ? *ops->dst : *ops->src;
	bool null_if_taken = ops->cond == BPFE_C_EQ, first_taken;
	struct bpfe_state *other;
	int err;

	if (!ptr.nullable)
		return go(vf, insn, !null_if_taken);
	other = fork_way(vf, ops, &first_taken);
	if (!other)
		return bpfe_vf_no_memory(vf);
	err = split_state(vf, vf->cur, &ptr, null_if_taken == first_taken);
	if (!err)
		err = split_state(vf, other, &ptr, null_if_taken != first_taken);
	if (err) {
		bpfe_state_free(vf, other);
		return err;
	}
	return go_both(vf, insn, other, first_taken);
}

/* ---- Packet bounds ------------------------------------------------------------------------- */

struct range_proof {
	uint8_t type;
	uint32_t id;
	uint32_t range;
	int64_t most; /* of data + val */
};

static void prove_range(struct bpfe_reg *reg, void *opaque)
{
	const struct range_proof *proof = opaque;

	if (reg->type != proof->type || reg->id != proof->id)
		return;
	reg->bounded = true;
	if (reg->range < proof->range)
		reg->range = proof->range;
	/* No frame is longer, so the pointer cannot lie further out. */
	if (reg->val.x.smax > proof->most && reg->val.x.smin <= proof->most) {
		reg->val.x.smax = proof->most;
		bpfe_scalar_deduce(&reg->val);
	}
}

/* In @state, @ptr <= limit holds, or (@strict) @ptr < limit. */
static int learn_range(struct bpfe_vf *vf, struct bpfe_state *state, const struct bpfe_reg *ptr,
		       bool strict)
{
	int64_t range = (int64_t)ptr->off + (strict ? 1 : 0);
	struct range_proof proof = {.type = ptr->type, .id = ptr->id};

	if (range < 0 || ptr->val.x.smin < 0 || range > BPFE_MAX_FRAME)
		return 0;
	proof.range = (uint32_t)range;
	proof.most = BPFE_MAX_FRAME - range;
	return bpfe_state_each(vf, state, prove_range, &proof);
}

static bool is_limit_of(const struct bpfe_reg *limit, const struct bpfe_reg *ptr)
{
	if (ptr->type == BPFE_REG_PACKET)
		return limit->type == BPFE_REG_PACKET_END;
	/* data itself ends the metadata */
	return ptr->type == BPFE_REG_PACKET_META && limit->type == BPFE_REG_PACKET && !limit->off &&
	       bpfe_scalar_is_const(&limit->val) && !limit->val.x.umin;
}

/* The condition with its operands exchanged. */
static enum bpfe_cond mirrored(enum bpfe_cond cond)
{
	switch (cond) {
	case BPFE_C_LT:
		return BPFE_C_GT;
	case BPFE_C_GT:
		return BPFE_C_LT;
	case BPFE_C_LE:
		return BPFE_C_GE;
	case BPFE_C_GE:
		return BPFE_C_LE;
	default:
		return cond;
	}
}

static int learn_from(struct bpfe_vf *vf, struct bpfe_state *state, enum bpfe_cond cond,
		      const struct bpfe_reg *ptr)
{
	if (cond == BPFE_C_LT)
		return learn_range(vf, state, ptr, true);
	if (cond == BPFE_C_LE || cond == BPFE_C_EQ)
		return learn_range(vf, state, ptr, false);
	return 0;
}

static int branch_packet(struct bpfe_vf *vf, const struct bpf_insn *insn,
			 const struct operands *ops)
{
	enum bpfe_cond cond = ops->cond;
	struct bpfe_reg ptr = *ops->dst;
	bool proves = is_limit_of(ops->src, ops->dst), first_taken;
	struct bpfe_state *other = fork_way(vf, ops, &first_taken);
	int err = 0;

	if (!other)
		return bpfe_vf_no_memory(vf);
	if (!proves && is_limit_of(ops->dst, ops->src)) {
		proves = true;
		ptr = *ops->src;
		cond = mirrored(cond);
	}
	if (proves) {
		enum bpfe_cond first = first_taken ? cond : bpfe_cond_not(cond);

		err = learn_from(vf, vf->cur, first, &ptr);
		if (!err)
			err = learn_from(vf, other, bpfe_cond_not(first), &ptr);
	}
	if (err) {
		bpfe_state_free(vf, other);
		return err;
	}
	return go_both(vf, insn, other, first_taken);
}

/* ---- Dispatch ------------------------------------------------------------------------------ */

static bool is_packet(const struct bpfe_reg *reg)
{
	return reg->type == BPFE_REG_PACKET || reg->type == BPFE_REG_PACKET_META ||
	       reg->type == BPFE_REG_PACKET_END;
}

static bool is_zero(const struct bpfe_reg *reg)
{
	return reg->type == BPFE_REG_SCALAR && reg->val.x.umax == 0;
}

static bool is_unsigned_order(enum bpfe_cond cond)
{
	return cond == BPFE_C_EQ || cond == BPFE_C_NE || cond == BPFE_C_LT || cond == BPFE_C_LE ||
	       cond == BPFE_C_GT || cond == BPFE_C_GE;
}

static int branch_conditional(struct bpfe_vf *vf, const struct bpf_insn *insn)
{
	struct operands ops;
	bool equality;
	int regno, err = bpfe_check_reg(vf, insn->dst_reg);

	if (!err && BPF_SRC(insn->code) == BPF_X)
		err = bpfe_check_reg(vf, insn->src_reg);
	if (err)
		return err;
	read_operands(&ops, insn, vf->cur);
	if (!bpfe_reg_is_pointer(ops.dst) && !bpfe_reg_is_pointer(ops.src))
		return branch_scalar(vf, insn, &ops);
	equality = ops.cond == BPFE_C_EQ || ops.cond == BPFE_C_NE;
	if (ops.is64 && equality && (is_zero(ops.src) || is_zero(ops.dst)))
		return branch_null(vf, insn, &ops);
	if (ops.is64 && is_packet(ops.dst) && is_packet(ops.src) && is_unsigned_order(ops.cond))
		return branch_packet(vf, insn, &ops);
	regno = bpfe_reg_is_pointer(ops.dst) ? insn->dst_reg : insn->src_reg;
	return bpfe_vf_refuse(vf, BPFE_BAD_ARITHMETIC, regno,
			      "64-bit comparisons of packet pointers with one another, and of "
			      "pointers with 0 for equality",
			      "this comparison of R%d, a pointer (%s), would reveal an address",
			      regno, bpfe_reg_type_name(&bpfe_top(vf->cur)->regs[regno]));
}

int bpfe_vf_branch(struct bpfe_vf *vf, const struct bpf_insn *insn)
{
	if (BPF_OP(insn->code) != BPF_JA)
		return branch_conditional(vf, insn);
	vf->next = (uint32_t)((int64_t)vf->pc + 1 +
			      (BPF_CLASS(insn->code) == BPF_JMP32 ? insn->imm : insn->off));
	return 0;
}
