// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * What makes a classic program one that always ends and reads nothing it should not: jumps go
 * forward and stay inside, the last instruction returns, and each word of M[] is stored before it
 * is loaded, whatever way the program took.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "classic/classic.h"
#include "internal.h"

static int check_ancillary(const struct sock_filter *insn, uint32_t i, struct bpfe_log *log)
{
	const struct bpfe_ancillary_row *row = bpfe_classic_ancillary(insn->k);

	if (!row)
		return bpfe_refuse(log, -EINVAL, BPFE_BAD_ENCODING, i,
				   "instruction %u: no ancillary data at 0x%x", i, insn->k);
	if (row->kind == BPFE_ANCILLARY_REFUSED)
		return bpfe_refuse(log, -EINVAL, BPFE_BAD_CONTEXT, i,
				   "instruction %u: the NIC has no %s for a filter; it offers "
				   "protocol, interface index, queue, processor, hardware type and "
				   "VLAN tag",
				   i, row->name);
	return 0;
}

static int check_load(const struct bpfe_classic_op *op, const struct sock_filter *insn, uint32_t i,
		      struct bpfe_log *log)
{
	if (bpfe_classic_is_ancillary(op, insn->k))
		return check_ancillary(insn, i, log);
	if (op->kind == BPFE_CLASSIC_LOAD_ABS && insn->k >= (uint32_t)SKF_LL_OFF)
		return bpfe_refuse(log, -EINVAL, BPFE_BAD_CONTEXT, i,
				   "instruction %u: offset %d is relative to a header; a filter "
				   "here counts from the frame's first byte",
				   i, (int32_t)insn->k);
	return 0;
}

static int check_alu_k(const struct sock_filter *insn, uint32_t i, struct bpfe_log *log)
{
	uint8_t op = BPF_OP(insn->code);

	if ((op == BPF_DIV || op == BPF_MOD) && !insn->k)
		return bpfe_refuse(log, -EINVAL, BPFE_BAD_ARITHMETIC, i,
				   "instruction %u: division by 0", i);
	if ((op == BPF_LSH || op == BPF_RSH) && insn->k >= 32)
		return bpfe_refuse(log, -EINVAL, BPFE_BAD_ARITHMETIC, i,
				   "instruction %u: shift by %u; at most 31 is accepted", i,
				   insn->k);
	return 0;
}

static int check_jump(const struct sock_filter *insn, uint32_t i, uint32_t by, uint32_t n,
		      struct bpfe_log *log)
{
	if (by < n - i - 1)
		return 0;
	if (by > INT32_MAX)
		return bpfe_refuse(log, -EINVAL, BPFE_BAD_CONTROL, i,
				   "instruction %u: jump back by %u; jumps of a filter go forward "
				   "(libpcap's protochain makes a loop, and runs in libpcap alone)",
				   i, -by - 1);
	return bpfe_refuse(log, -EINVAL, BPFE_BAD_CONTROL, i,
			   "instruction %u: jump over %u instructions; the program ends after %u "
			   "more",
			   i, by, n - i - 1);
}

static int check_insn(const struct sock_filter *insn, uint32_t i, uint32_t n, struct bpfe_log *log)
{
	const struct bpfe_classic_op *op = bpfe_classic_op(insn->code);
	int err;

	if (!op)
		return bpfe_refuse(log, -EINVAL, BPFE_BAD_ENCODING, i,
				   "instruction %u: 0x%02x is no opcode of classic BPF", i,
				   insn->code);
	switch (op->kind) {
	case BPFE_CLASSIC_LOAD_ABS:
		return check_load(op, insn, i, log);
	case BPFE_CLASSIC_LOAD_MEM:
	case BPFE_CLASSIC_STORE:
		if (insn->k < BPF_MEMWORDS)
			return 0;
		return bpfe_refuse(log, -EINVAL, BPFE_BAD_MEMORY, i,
				   "instruction %u: M[%u]; there are M[0] to M[%u]", i, insn->k,
				   BPF_MEMWORDS - 1);
	case BPFE_CLASSIC_ALU_K:
		return check_alu_k(insn, i, log);
	case BPFE_CLASSIC_JA:
		return check_jump(insn, i, insn->k, n, log);
	case BPFE_CLASSIC_JUMP_K:
	case BPFE_CLASSIC_JUMP_X:
		err = check_jump(insn, i, insn->jt, n, log);
		return err ? err : check_jump(insn, i, insn->jf, n, log);
	default:
		return 0;
	}
}

/* ---- Scratch memory ------------------------------------------------------------------------- */

static bool returns(const struct bpfe_classic_op *op)
{
	return op->kind == BPFE_CLASSIC_RET_K || op->kind == BPFE_CLASSIC_RET_A;
}

/*
 * stored[i] is the set of words stored on every way to i, all of them where no way is known. As
 * jumps only go forward, all ways to an instruction are known when it is reached.
 */
static int follow_stores(const struct sock_filter *insns, uint32_t n, uint16_t *stored,
			 struct bpfe_log *log)
{
	for (uint32_t i = 0; i < n; i++) {
		const struct bpfe_classic_op *op = bpfe_classic_op(insns[i].code);
		const struct sock_filter *insn = &insns[i];
		uint16_t words = stored[i];

		if (op->kind == BPFE_CLASSIC_LOAD_MEM && !(words >> insn->k & 1))
			return bpfe_refuse(log, -EINVAL, BPFE_BAD_MEMORY, i,
					   "instruction %u: M[%u] is loaded, and not stored on "
					   "every way there",
					   i, insn->k);
		if (op->kind == BPFE_CLASSIC_STORE)
			words |= (uint16_t)(1u << insn->k);
		if (op->kind == BPFE_CLASSIC_JA) {
			stored[i + 1 + insn->k] &= words;
		} else if (op->kind == BPFE_CLASSIC_JUMP_K || op->kind == BPFE_CLASSIC_JUMP_X) {
			stored[i + 1 + insn->jt] &= words;
			stored[i + 1 + insn->jf] &= words;
		} else if (!returns(op)) {
			stored[i + 1] &= words;
		}
	}
	return 0;
}

static int check_scratch(const struct sock_filter *insns, uint32_t n, struct bpfe_log *log)
{
	uint16_t *stored = malloc(n * sizeof(*stored));
	int err;

	if (!stored)
		return bpfe_refuse(log, -ENOMEM, BPFE_NO_MEMORY, 0, "out of memory");
	memset(stored, 0xff, n * sizeof(*stored));
	stored[0] = 0;
	err = follow_stores(insns, n, stored, log);
	free(stored);
	return err;
}

int bpfe_classic_validate(const struct sock_filter *insns, uint32_t n, struct bpfe_log *log)
{
	if (!n)
		return bpfe_refuse(log, -EINVAL, BPFE_BAD_ENCODING, 0,
				   "the filter has no instructions");
	if (n > BPFE_CLASSIC_MAX_INSNS)
		return bpfe_refuse(log, -E2BIG, BPFE_TOO_LARGE, 0,
				   "the filter has %u instructions, at most %u are allowed", n,
				   BPFE_CLASSIC_MAX_INSNS);
	for (uint32_t i = 0; i < n; i++) {
		int err = check_insn(&insns[i], i, n, log);

		if (err)
			return err;
	}
	if (!returns(bpfe_classic_op(insns[n - 1].code)))
		return bpfe_refuse(log, -EINVAL, BPFE_BAD_CONTROL, n - 1,
				   "instruction %u: the last one must return", n - 1);
	return check_scratch(insns, n, log);
}
