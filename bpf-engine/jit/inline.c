// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Which helpers compiled code does on its own, and the operations they are made of. */
#include "jit/inline.h"

/* ---- Operations ----------------------------------------------------------------------------- */

static void emit_load(struct jit_builder *b, unsigned size, uint8_t dst, uint8_t base, int32_t disp,
		      uint8_t mem_kind)
{
	/* What any pointer may lead to is not for the passes to mask; the engine's own neither. */
	uint8_t flags = mem_kind == BPFE_MEM_NONE || mem_kind == BPFE_MEM_OTHER ? LIR_F_MASKED : 0;

	jit_emit_load(b, size, dst, base, disp, mem_kind, flags);
}

void jit_place_load(struct jit_builder *b, unsigned size, uint8_t dst,
		    const struct jit_place *place, uint32_t at)
{
	emit_load(b, size, dst, place->base, place->disp + (int32_t)at, place->mem_kind);
}

void jit_place_store(struct jit_builder *b, unsigned size, const struct jit_place *place,
		     uint32_t at, uint8_t src)
{
	jit_emit_store(b, size, place->base, place->disp + (int32_t)at, src, place->mem_kind, 0);
}

void jit_run_load(struct jit_builder *b, unsigned size, uint8_t dst, size_t offset)
{
	emit_load(b, size, dst, LIR_R13, (int32_t)offset, BPFE_MEM_OTHER);
}

void jit_run_store(struct jit_builder *b, unsigned size, size_t offset, uint8_t src)
{
	jit_emit_store(b, size, LIR_R13, (int32_t)offset, src, BPFE_MEM_OTHER, LIR_F_MASKED);
}

void jit_run_store_i(struct jit_builder *b, unsigned size, size_t offset, int32_t value)
{
	struct lir_op op = jit_op(LIR_STORE, size);

	op.b = LIR_IMM;
	op.imm = value;
	op.base = LIR_R13;
	op.disp = (int32_t)offset;
	op.mem_kind = BPFE_MEM_OTHER;
	op.flags = LIR_F_MASKED | LIR_F_SECRET;
	jit_emit(b, op);
}

void jit_ctx_field(struct jit_builder *b, unsigned size, uint8_t dst, uint8_t ctx, size_t offset)
{
	emit_load(b, size, dst, ctx, (int32_t)offset, BPFE_MEM_CTX);
}

void jit_call_direct(struct jit_builder *b, uintptr_t function, uint8_t first,
		     const struct bpfe_map *map, lir_set used)
{
	struct lir_op op = jit_op(LIR_CALL_DIRECT, 8);

	if (first == LIR_NONE)
		jit_emit_secret(b, LIR_RDI, (uintptr_t)map);
	else
		op.a = first;
	op.disp = (int32_t)(used | (first == LIR_NONE ? LIR_BIT(LIR_RDI) : 0));
	op.imm = (int64_t)function;
	op.flags = LIR_F_PLAIN | LIR_F_SECRET;
	jit_emit(b, op);
}

/* ---- Helpers -------------------------------------------------------------------------------- */

struct row {
	uint32_t id;
	jit_inline_fn fn;
	bool needs_map; /* the call must always be of one map */
};

static const struct row rows[] = {
	{BPF_FUNC_map_lookup_elem, jit_inline_lookup, true},
	{BPF_FUNC_map_update_elem, jit_inline_update, true},
	{BPF_FUNC_map_delete_elem, jit_inline_delete, true},
	{BPF_FUNC_redirect_map, jit_inline_redirect_map, true},
	{BPF_FUNC_spin_lock, jit_inline_spin_lock, false},
	{BPF_FUNC_spin_unlock, jit_inline_spin_unlock, false},
	{BPF_FUNC_ktime_get_ns, jit_inline_ktime, false},
	{BPF_FUNC_ktime_get_tai_ns, jit_inline_ktime, false},
	{BPF_FUNC_get_smp_processor_id, jit_inline_cpu, false},
	{BPF_FUNC_get_numa_node_id, jit_inline_node, false},
	{BPF_FUNC_redirect, jit_inline_redirect, false},
	{BPF_FUNC_xdp_get_buff_len, jit_inline_buff_len, false},
	{BPF_FUNC_xdp_adjust_head, jit_inline_adjust_head, false},
	{BPF_FUNC_xdp_load_bytes, jit_inline_load_bytes, false},
	{BPF_FUNC_xdp_store_bytes, jit_inline_store_bytes, false},
	{BPF_FUNC_loop, jit_inline_loop, false},
	{BPF_FUNC_csum_diff, jit_inline_csum_diff, false},
};

bool jit_inline_call(struct jit_builder *b, const struct bpfe_helper *helper,
		     const struct bpfe_insn_aux *aux)
{
	struct bpfe_map *map = aux->const_map ? b->image->maps[aux->const_map - 1] : NULL;

	if (b->lir->failed)
		return false;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].id == helper->id)
			return (map || !rows[i].needs_map) && rows[i].fn(b, map);
	}
	return false;
}
