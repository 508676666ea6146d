// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Arithmetic instructions on registers.
 *
 * Numbers go to the scalar domain. Pointers to packet, stack, map value and context may be copied
 * and moved by numbers; the one other thing allowed is the difference of two pointers into the
 * frame's buffer (data_end - data), which is a length and says nothing of addresses. All other
 * arithmetic on pointers would make an address observable and is refused.
 *
 * A pointer keeps a constant and a variable offset apart: comparing two pointers with the same
 * variable part (same id) against data_end tells of both. The offset is bounded when it is added,
 * so that no pointer ever wraps: were that possible, comparing it with data_end would tell where in
 * memory the frame lies.
 *
 * Imprecision: the difference of packet pointers is unknown; a packet pointer moved up with a new
 * variable part has to be compared again.
 */
#include "verifier/verifier.h"

#define SHIFT_WORK 8u /* instructions that trying all amounts of a shift counts for */

static bool is_packet(const struct bpfe_reg *reg)
{
	return reg->type == BPFE_REG_PACKET || reg->type == BPFE_REG_PACKET_META ||
	       reg->type == BPFE_REG_PACKET_END;
}

static enum bpfe_word_op word_op(const struct bpf_insn *insn)
{
	switch (BPF_OP(insn->code)) {
	case BPF_ADD:
		return BPFE_W_ADD;
	case BPF_SUB:
		return BPFE_W_SUB;
	case BPF_MUL:
		return BPFE_W_MUL;
	case BPF_DIV:
		return insn->off ? BPFE_W_SDIV : BPFE_W_DIV;
	case BPF_MOD:
		return insn->off ? BPFE_W_SMOD : BPFE_W_MOD;
	case BPF_OR:
		return BPFE_W_OR;
	case BPF_AND:
		return BPFE_W_AND;
	case BPF_XOR:
		return BPFE_W_XOR;
	case BPF_LSH:
		return BPFE_W_LSH;
	case BPF_RSH:
		return BPFE_W_RSH;
	default:
		return BPFE_W_ARSH;
	}
}

static bool is_alu64(const struct bpf_insn *insn)
{
	return BPF_CLASS(insn->code) == BPF_ALU64;
}

/* ---- Pointers ------------------------------------------------------------------------------ */

static int refuse_pointer_op(struct bpfe_vf *vf, int regno, const struct bpfe_reg *reg)
{
	return bpfe_vf_refuse(vf, BPFE_BAD_ARITHMETIC, regno,
			      "64-bit additions and subtractions of scalars, and differences of "
			      "packet pointers",
			      "this arithmetic on R%d, a pointer (%s), would reveal an address",
			      regno, bpfe_reg_type_name(reg));
}

static int check_movable(struct bpfe_vf *vf, int regno, const struct bpfe_reg *ptr,
			 const struct bpfe_scalar *by)
{
	if (ptr->nullable)
		return bpfe_vf_refuse(vf, BPFE_BAD_NULL, regno, "a comparison with 0 first",
				      "arithmetic on R%d, which may be NULL", regno);
	if (ptr->type == BPFE_REG_MAP || ptr->type == BPFE_REG_PACKET_END ||
	    ptr->type == BPFE_REG_FUNC || ptr->type == BPFE_REG_DYNPTR_PTR)
		return bpfe_vf_refuse(vf, BPFE_BAD_ARITHMETIC, regno, "copies of it only",
				      "arithmetic on R%d, a pointer (%s)", regno,
				      bpfe_reg_type_name(ptr));
	if (ptr->type == BPFE_REG_CTX && !bpfe_scalar_is_const(by))
		return bpfe_vf_refuse(vf, BPFE_BAD_ARITHMETIC, regno, "constant offsets",
				      "variable offset into the context");
	return 0;
}

static int check_offset(struct bpfe_vf *vf, int regno, const struct bpfe_reg *ptr)
{
	int64_t lowest = is_packet(ptr) ? BPFE_MIN_PKT_OFF : -BPFE_MAX_PTR_OFF;
	int64_t min, max;

	if (ptr->val.x.smin >= -BPFE_MAX_PTR_OFF && ptr->val.x.smax <= BPFE_MAX_VAR_OFF) {
		min = ptr->off + ptr->val.x.smin;
		max = ptr->off + ptr->val.x.smax;
		if (min >= lowest && max <= BPFE_MAX_VAR_OFF)
			return 0;
	}
	return bpfe_vf_refuse(vf, BPFE_BAD_ARITHMETIC, regno,
			      "a number bounded before it is added to a pointer",
			      "pointer arithmetic may leave the range of offsets, %lld to %lld",
			      (long long)lowest, (long long)BPFE_MAX_VAR_OFF);
}

static bool move_const(struct bpfe_reg *ptr, int64_t by, bool subtract)
{
	int64_t off;

	if (by < -BPFE_MAX_PTR_OFF || by > BPFE_MAX_PTR_OFF)
		return false;
	off = subtract ? ptr->off - by : ptr->off + by;
	if (off < -BPFE_MAX_PTR_OFF || off > BPFE_MAX_PTR_OFF)
		return false;
	ptr->off = (int32_t)off;
	return true;
}

/*
 * A packet pointer moved by an unknown number starts another family of pointers. Of what was proven
 * to lie behind the old one, all lies behind one moved down, and by as much more as that is at
 * least.
 */
static void move_range(struct bpfe_vf *vf, struct bpfe_reg *moved, const struct bpfe_scalar *by,
		       bool subtract)
{
	int64_t down = subtract ? by->x.smin : -by->x.smax;

	moved->id = ++vf->ids;
	if (down < 0 || !moved->bounded) {
		moved->range = 0;
		moved->bounded = false;
		return;
	}
	down += moved->range;
	moved->range = down < BPFE_MAX_PKT_RANGE ? (uint32_t)down : BPFE_MAX_PKT_RANGE;
}

/* dst = @ptr + @by, or - @by. @ptr stands in register @regno. */
static int move_pointer(struct bpfe_vf *vf, unsigned dst, unsigned regno,
			const struct bpfe_reg *ptr, const struct bpfe_scalar *by, bool subtract)
{
	struct bpfe_reg moved = *ptr;
	int err = check_movable(vf, (int)regno, ptr, by);

	if (err)
		return err;
	bpfe_fact_move(vf, ptr, by, dst != regno, subtract);
	if (!bpfe_scalar_is_const(by)) {
		moved.val =
			bpfe_scalar_alu(subtract ? BPFE_W_SUB : BPFE_W_ADD, &ptr->val, by, true);
		if (is_packet(ptr))
			move_range(vf, &moved, by, subtract);
	} else if (!move_const(&moved, by->x.smin, subtract)) {
		return bpfe_vf_refuse(
			vf, BPFE_BAD_ARITHMETIC, (int)regno, "offsets of at most 2^29 either way",
			"pointer arithmetic with the constant %lld", (long long)by->x.smin);
	}
	bpfe_top(vf->cur)->regs[dst] = moved;
	return check_offset(vf, (int)dst, &moved);
}

static int pointer_alu(struct bpfe_vf *vf, const struct bpf_insn *insn, const struct bpfe_reg *src)
{
	struct bpfe_reg *regs = bpfe_top(vf->cur)->regs;
	struct bpfe_reg dst = regs[insn->dst_reg], from = *src;
	bool sub = BPF_OP(insn->code) == BPF_SUB;
	unsigned pointer = bpfe_reg_is_pointer(&dst) ? insn->dst_reg : insn->src_reg;

	if (sub && is_packet(&dst) && is_packet(&from)) {
		struct bpfe_scalar any = bpfe_scalar_unknown();

		bpfe_fact_no_move(vf);
		regs[insn->dst_reg] =
			bpfe_reg_scalar(is_alu64(insn) ? any : bpfe_scalar_zext(&any, 32));
		return 0;
	}
	if (!is_alu64(insn) || (!sub && BPF_OP(insn->code) != BPF_ADD))
		return refuse_pointer_op(vf, (int)pointer, &regs[pointer]);
	if (bpfe_reg_is_pointer(&dst) && from.type == BPFE_REG_SCALAR)
		return move_pointer(vf, insn->dst_reg, insn->dst_reg, &dst, &from.val, sub);
	if (!sub && dst.type == BPFE_REG_SCALAR)
		return move_pointer(vf, insn->dst_reg, insn->src_reg, &from, &dst.val, false);
	return refuse_pointer_op(vf, (int)pointer, &regs[pointer]);
}

void bpfe_reg_link(struct bpfe_vf *vf, struct bpfe_reg *reg)
{
	reg->id = ++vf->ids;
	reg->off = 0;
	reg->low_sum = false;
}

/* ---- Moves --------------------------------------------------------------------------------- */

static int move_register(struct bpfe_vf *vf, const struct bpf_insn *insn)
{
	struct bpfe_reg *regs = bpfe_top(vf->cur)->regs;
	struct bpfe_reg *src = &regs[insn->src_reg];
	bool whole = is_alu64(insn) && !insn->off;
	int err = bpfe_check_reg(vf, insn->src_reg);

	if (err)
		return err;
	if (bpfe_reg_is_pointer(src)) {
		if (!whole)
			return refuse_pointer_op(vf, insn->src_reg, src);
		regs[insn->dst_reg] = *src;
		return 0;
	}
	/* Copies are linked, so that what is learnt of one holds for the other. */
	whole = whole || (!insn->off && src->val.x.umax <= UINT32_MAX);
	if (whole && !src->id && !bpfe_scalar_is_const(&src->val))
		bpfe_reg_link(vf, src);
	regs[insn->dst_reg] = *src;
	if (whole)
		return 0;
	regs[insn->dst_reg].id = 0;
	regs[insn->dst_reg].val =
		insn->off ? bpfe_scalar_sext(&src->val, (unsigned)insn->off, is_alu64(insn))
			  : bpfe_scalar_zext(&src->val, 32);
	return 0;
}

static int move_immediate(struct bpfe_vf *vf, const struct bpf_insn *insn)
{
	uint64_t value = is_alu64(insn) ? (uint64_t)(int64_t)insn->imm : (uint32_t)insn->imm;

	bpfe_top(vf->cur)->regs[insn->dst_reg] = bpfe_reg_scalar(bpfe_scalar_const(value));
	return 0;
}

/* ---- Operations of one operand ------------------------------------------------------------- */

static int unary(struct bpfe_vf *vf, const struct bpf_insn *insn)
{
	struct bpfe_reg *dst = &bpfe_top(vf->cur)->regs[insn->dst_reg];
	struct bpfe_scalar zero = bpfe_scalar_const(0), val;
	int err = bpfe_check_reg(vf, insn->dst_reg);

	if (err)
		return err;
	if (bpfe_reg_is_pointer(dst))
		return refuse_pointer_op(vf, insn->dst_reg, dst);
	if (BPF_OP(insn->code) == BPF_NEG)
		val = bpfe_scalar_alu(BPFE_W_SUB, &zero, &dst->val, is_alu64(insn));
	else if (is_alu64(insn) || BPF_SRC(insn->code) == BPF_TO_BE)
		val = bpfe_scalar_bswap(&dst->val, (unsigned)insn->imm);
	else
		val = bpfe_scalar_zext(&dst->val, (unsigned)insn->imm);
	*dst = bpfe_reg_scalar(val);
	return 0;
}

/* ---- Dispatch ------------------------------------------------------------------------------ */

static bool is_shift(enum bpfe_word_op op)
{
	return op == BPFE_W_LSH || op == BPFE_W_RSH || op == BPFE_W_ARSH;
}

/* RFC 9669 gives these a meaning, and registers may hold such operands; as constants they are
 * mistakes. */
static int check_immediate(struct bpfe_vf *vf, const struct bpf_insn *insn, enum bpfe_word_op op)
{
	int32_t width = is_alu64(insn) ? 64 : 32;

	if (is_shift(op) && (insn->imm < 0 || insn->imm >= width))
		return bpfe_vf_refuse(vf, BPFE_BAD_ARITHMETIC, -1,
				      "an amount from 0 to one less than the width",
				      "shift of a %d-bit number by %d", width, insn->imm);
	if (!insn->imm &&
	    (op == BPFE_W_DIV || op == BPFE_W_MOD || op == BPFE_W_SDIV || op == BPFE_W_SMOD))
		return bpfe_vf_refuse(vf, BPFE_BAD_ARITHMETIC, -1, "another divisor",
				      "division by the constant 0");
	return 0;
}

/*
 * A shifted-down sign is 0 or -1, and compilers choose between two constants with it: x & C, x | C.
 * Followed apart, the two results stay exact. The 0 waits, the -1 goes on.
 */
static int part_sign_mask(struct bpfe_vf *vf, const struct bpf_insn *insn, enum bpfe_word_op op,
			  const struct bpfe_scalar *src)
{
	struct bpfe_reg *dst = &bpfe_top(vf->cur)->regs[insn->dst_reg];
	const struct bpfe_word *word = is_alu64(insn) ? &dst->val.x : &dst->val.lo;
	struct bpfe_scalar zero;
	struct bpfe_state *other;
	int err;

	if ((op != BPFE_W_AND && op != BPFE_W_OR) || !bpfe_scalar_is_const(src) ||
	    word->smin != -1 || word->smax != 0 || vf->joining)
		return 0;
	zero = bpfe_scalar_const(0);
	other = bpfe_state_copy(vf, vf->cur);
	if (!other)
		return bpfe_vf_no_memory(vf);
	bpfe_top(other)->regs[insn->dst_reg] =
		bpfe_reg_scalar(bpfe_scalar_alu(op, &zero, src, is_alu64(insn)));
	err = bpfe_explore_later(vf, other, vf->next);
	if (err)
		return err;
	*dst = bpfe_reg_scalar(bpfe_scalar_const(is_alu64(insn) ? UINT64_MAX : UINT32_MAX));
	return 0;
}

/*
 * A copy plus or minus a constant stays linked: what is learnt of the one is learnt of the other.
 * Once, so that a counter does not end every round of a loop with another sum.
 */
static void link_sum(struct bpfe_reg *sum, const struct bpfe_reg *before, enum bpfe_word_op op,
		     const struct bpfe_reg *by, bool is64)
{
	int64_t off = by->val.x.smin;

	if ((op != BPFE_W_ADD && op != BPFE_W_SUB) || !before->id || before->off ||
	    before->low_sum || !bpfe_scalar_is_const(&by->val))
		return;
	if (!is64 && before->val.x.umax > UINT32_MAX)
		return;
	if (!is64)
		off = bpfe_sext((uint64_t)off & UINT32_MAX, 32);
	/* Both bounds leave room for the sign to change. */
	if (off <= INT32_MIN || off > INT32_MAX)
		return;
	off = op == BPFE_W_ADD ? off : -off;
	sum->id = before->id;
	sum->off = (int32_t)off;
	sum->low_sum = !is64;
}

static int binary(struct bpfe_vf *vf, const struct bpf_insn *insn)
{
	struct bpfe_reg *regs = bpfe_top(vf->cur)->regs;
	struct bpfe_reg *dst = &regs[insn->dst_reg];
	bool by_register = BPF_SRC(insn->code) == BPF_X;
	const struct bpfe_reg *src = &regs[insn->src_reg];
	enum bpfe_word_op op = word_op(insn);
	struct bpfe_reg imm, result;
	int err = bpfe_check_reg(vf, insn->dst_reg);

	if (!by_register) {
		imm = bpfe_reg_scalar(bpfe_scalar_const((uint64_t)(int64_t)insn->imm));
		src = &imm;
	}

	if (!err)
		err = by_register ? bpfe_check_reg(vf, insn->src_reg)
				  : check_immediate(vf, insn, op);
	if (err)
		return err;
	if (bpfe_reg_is_pointer(dst) || bpfe_reg_is_pointer(src))
		return pointer_alu(vf, insn, src);
	if (!bpfe_scalar_is_const(&src->val) && is_shift(op))
		vf->work += SHIFT_WORK;
	err = part_sign_mask(vf, insn, op, &src->val);
	if (err)
		return err;
	bpfe_fact_no_move(vf);
	if (src == dst && (op == BPFE_W_SUB || op == BPFE_W_XOR)) {
		*dst = bpfe_reg_scalar(bpfe_scalar_const(0));
		return 0;
	}
	result = bpfe_reg_scalar(bpfe_scalar_alu(op, &dst->val, &src->val, is_alu64(insn)));
	link_sum(&result, dst, op, src, is_alu64(insn));
	*dst = result;
	return 0;
}

int bpfe_vf_alu(struct bpfe_vf *vf, const struct bpf_insn *insn)
{
	switch (BPF_OP(insn->code)) {
	case BPF_MOV:
		return BPF_SRC(insn->code) == BPF_X ? move_register(vf, insn)
						    : move_immediate(vf, insn);
	case BPF_NEG:
	case BPF_END:
		return unary(vf, insn);
	default:
		return binary(vf, insn);
	}
}
