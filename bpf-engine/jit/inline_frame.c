// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * The frame's borders and bytes: the common case in place, the rest by the helper, which does it
 * all over. r1 is the context, which is the frame (struct bpfe_xdp_buff).
 */
#include <linux/if_ether.h>
#include "helpers/bytes.h"
#include "jit/inline.h"

#define XDP(member) offsetof(struct bpfe_xdp_buff, member)

#define MAX_OPENED 64u /* bytes in front of a frame that are zeroed in place */
#define MAX_COPIED 32u /* bytes that are copied in place */
#define MAX_OFFSET 0xffffu

static void store_field(struct jit_builder *b, uint8_t src, size_t offset)
{
	jit_emit_store(b, 8, LIR_RSI, (int32_t)offset, src, BPFE_MEM_CTX, LIR_F_MASKED);
}

/* A block for what is seldom, which goes on at @next. */
static uint32_t cold_block(struct jit_builder *b, uint32_t next)
{
	const uint32_t block = jit_new_block(b);

	if (!b->lir->failed) {
		b->lir->blocks[block].cold = true;
		b->lir->blocks[block].next = next;
	}
	return block;
}

/* If the condition holds go to @slow, else on in a new block. */
static void leave_if(struct jit_builder *b, uint8_t cond, uint8_t a, uint8_t reg, uint32_t slow)
{
	const uint32_t next = jit_new_block(b);

	if (b->lir->failed)
		return;
	jit_emit_branch(b, 8, cond, a, reg, slow, next);
	jit_enter_block(b, next);
}

static void leave_if_i(struct jit_builder *b, uint8_t cond, uint8_t a, int32_t imm, uint32_t slow)
{
	const uint32_t next = jit_new_block(b);

	if (b->lir->failed)
		return;
	jit_emit_branch_i(b, 8, cond, a, imm, slow, next);
	jit_enter_block(b, next);
}

/* The fast way ends with 0 in rax and goes on at @next. */
static void succeed(struct jit_builder *b, uint32_t next)
{
	jit_emit_const(b, LIR_RAX, 0);
	if (!b->lir->failed)
		b->lir->blocks[b->block].next = next;
}

bool jit_inline_buff_len(struct jit_builder *b, struct bpfe_map *map)
{
	jit_ctx_field(b, 8, LIR_RAX, LIR_RSI, XDP(data_end));
	jit_ctx_field(b, 8, LIR_RCX, LIR_RSI, XDP(data));
	jit_emit_rr(b, LIR_SUB, 8, LIR_RAX, LIR_RAX, LIR_RCX);
	return true;
}

/* ---- Where @n bytes are taken or put in pieces, the last one overlapping -------------------- */

static uint32_t piece_size(uint32_t n)
{
	return n >= 8 ? 8 : n >= 4 ? 4 : n >= 2 ? 2 : 1;
}

static uint32_t piece_at(uint32_t n, uint32_t piece)
{
	const uint32_t size = piece_size(n), at = piece * size;

	return at + size <= n ? at : n - size;
}

static uint32_t n_pieces(uint32_t n)
{
	return (n + piece_size(n) - 1) / piece_size(n);
}

/* ---- bpf_xdp_adjust_head() by a constant ----------------------------------------------------- */

/* The @n bytes at rax become 0. */
static void zero_bytes(struct jit_builder *b, uint32_t n)
{
	struct lir_op op = jit_op(LIR_STORE, piece_size(n));

	op.b = LIR_IMM;
	op.base = LIR_RAX;
	op.mem_kind = BPFE_MEM_PACKET;
	op.flags = LIR_F_MASKED;
	for (uint32_t i = 0; i < n_pieces(n); i++) {
		op.disp = (int32_t)piece_at(n, i);
		jit_emit(b, op);
	}
}

/* rax, where the frame begins, becomes where it will; to @slow if it cannot. */
static void move_head(struct jit_builder *b, int32_t delta, uint32_t slow)
{
	if (delta < 0) {
		jit_ctx_field(b, 8, LIR_RCX, LIR_RSI, XDP(hard_start));
		jit_emit_ri(b, LIR_ADD, 8, LIR_RAX, LIR_RAX, delta);
		leave_if(b, LIR_B, LIR_RAX, LIR_RCX, slow);
	} else {
		jit_ctx_field(b, 8, LIR_RCX, LIR_RSI, XDP(data_end));
		jit_emit_ri(b, LIR_ADD, 8, LIR_RAX, LIR_RAX, delta);
		jit_emit_ri(b, LIR_SUB, 8, LIR_RCX, LIR_RCX, ETH_HLEN);
		leave_if(b, LIR_A, LIR_RAX, LIR_RCX, slow);
	}
}

/* The whole of it, at the end of a slow way. Arguments are in place. */
static void call_whole(struct jit_builder *b, bpfe_helper_fn fn, lir_set arguments)
{
	struct lir_op op = jit_op(LIR_CALL_HELPER, 8);

	op.imm = (int64_t)(uintptr_t)fn;
	op.disp = (int32_t)arguments;
	op.flags = LIR_F_PLAIN | LIR_F_SECRET;
	jit_emit(b, op);
}

/* Frames without metadata, which would have to be moved along. */
bool jit_inline_adjust_head(struct jit_builder *b, struct bpfe_map *map)
{
	uint32_t value, slow, next;
	int32_t delta;

	if (!jit_known_u32(b, LIR_RDX, &value))
		return false;
	delta = (int32_t)value;
	if (delta < -(int32_t)MAX_OPENED || delta > (int32_t)MAX_OFFSET || !delta)
		return false;
	next = jit_new_block(b);
	slow = cold_block(b, next);
	jit_ctx_field(b, 8, LIR_RAX, LIR_RSI, XDP(data));
	jit_ctx_field(b, 8, LIR_RCX, LIR_RSI, XDP(data_meta));
	leave_if(b, LIR_NE, LIR_RAX, LIR_RCX, slow);
	move_head(b, delta, slow);
	store_field(b, LIR_RAX, XDP(data));
	store_field(b, LIR_RAX, XDP(data_meta));
	if (delta < 0)
		zero_bytes(b, (uint32_t)-delta);
	succeed(b, next);
	jit_enter_block(b, slow);
	call_whole(b, bpfe_helper_by_id(BPF_FUNC_xdp_adjust_head)->fn,
		   LIR_BIT(LIR_RSI) | LIR_BIT(LIR_RDX));
	jit_enter_block(b, next);
	return true;
}

/* ---- bpf_xdp_load_bytes(), bpf_xdp_store_bytes() of a constant size ---------------------------
 */

/* r9 = address of the @len bytes at offset edx of the frame; to @slow if they are not there. */
static void find_bytes(struct jit_builder *b, uint32_t len, uint32_t slow)
{
	uint32_t offset;
	bool known = jit_known_u32(b, LIR_RDX, &offset);

	jit_emit_mov(b, 4, LIR_R9, LIR_RDX);
	if (!known || offset > MAX_OFFSET)
		leave_if_i(b, LIR_A, LIR_R9, MAX_OFFSET, slow);
	jit_ctx_field(b, 8, LIR_RAX, LIR_RSI, XDP(data));
	jit_emit_rr(b, LIR_ADD, 8, LIR_R9, LIR_R9, LIR_RAX);
	jit_emit_ri(b, LIR_ADD, 8, LIR_RAX, LIR_R9, (int32_t)len);
	jit_ctx_field(b, 8, LIR_R8, LIR_RSI, XDP(data_end));
	leave_if(b, LIR_A, LIR_RAX, LIR_R8, slow);
}

/* All of them are read before any is written: both may be of the frame. */
static void copy(struct jit_builder *b, const struct jit_place *from, const struct jit_place *to,
		 uint32_t len)
{
	static const uint8_t scratch[] = {LIR_RAX, LIR_R8, LIR_RDX, LIR_RSI};
	const uint32_t size = piece_size(len);

	_Static_assert(sizeof(scratch) * 8 == MAX_COPIED, "a register a piece");
	for (uint32_t i = 0; i < n_pieces(len); i++)
		jit_place_load(b, size, scratch[i], from, piece_at(len, i));
	for (uint32_t i = 0; i < n_pieces(len); i++)
		jit_place_store(b, size, to, piece_at(len, i), scratch[i]);
}

static bool copy_bytes(struct jit_builder *b, bool load, bpfe_helper_fn whole)
{
	const struct jit_place memory = jit_place(b, LIR_RCX);
	const struct jit_place frame = {LIR_R9, BPFE_MEM_PACKET, 0};
	uint32_t len, slow, next;

	if (!jit_known_u32(b, LIR_R8, &len) || !len || len > MAX_COPIED ||
	    memory.mem_kind != BPFE_MEM_STACK)
		return false;
	next = jit_new_block(b);
	slow = cold_block(b, next);
	jit_charge(b, len / BPFE_FRAME_BYTES_PER_INSN);
	find_bytes(b, len, slow);
	copy(b, load ? &frame : &memory, load ? &memory : &frame, len);
	succeed(b, next);
	jit_enter_block(b, slow);
	jit_emit_const(b, LIR_R8, len);
	call_whole(b, whole,
		   LIR_BIT(LIR_RSI) | LIR_BIT(LIR_RDX) | LIR_BIT(LIR_RCX) | LIR_BIT(LIR_R8));
	jit_enter_block(b, next);
	return true;
}

bool jit_inline_load_bytes(struct jit_builder *b, struct bpfe_map *map)
{
	return copy_bytes(b, true, bpfe_xdp_load_charged);
}

bool jit_inline_store_bytes(struct jit_builder *b, struct bpfe_map *map)
{
	return copy_bytes(b, false, bpfe_xdp_store_charged);
}
