// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Maps in compiled code, which knows the map: arrays by address, others by their own functions. */
#include <errno.h>
#include "jit/inline.h"
#include "maps/map.h"
#include "maps/map_in_map.h"
#include "maps/targets.h"

/* What helpers/map.c charges for a key, or a key and a value. */
static void charge(struct jit_builder *b, size_t bytes)
{
	jit_charge(b, bytes / 16);
}

/* dst = a times @factor. */
static void multiply(struct jit_builder *b, uint8_t dst, uint8_t a, uint64_t factor)
{
	if (!(factor & (factor - 1))) {
		jit_emit_ri(b, LIR_SHL, 8, dst, a, __builtin_ctzll(factor));
	} else if (factor <= INT32_MAX) {
		jit_emit_ri(b, LIR_MUL, 8, dst, a, (int32_t)factor);
	} else {
		jit_emit_secret(b, LIR_R9, factor);
		jit_emit_rr(b, LIR_MUL, 8, dst, a, LIR_R9);
	}
}

static void object(struct jit_builder *b, const struct bpfe_map *map)
{
	if (!bpfe_is_map_in_map(map->attr.type))
		jit_harden_object(b->lir, b->block, b->slot, LIR_RAX, map->attr.value_size,
				  b->options);
}

/* ---- Arrays --------------------------------------------------------------------------------- */

static bool is_array(const struct bpfe_map *map)
{
	return map->attr.type == BPF_MAP_TYPE_ARRAY || map->attr.type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

/* rax = where the values of the run's processor begin. */
static void emit_base(struct jit_builder *b, const struct bpfe_map *map)
{
	const uint64_t bytes = bpfe_array_cpu_stride(&map->attr);
	const uint32_t cpus = map->attr.cpus;

	if (!map->ops->per_cpu) {
		jit_emit_secret(b, LIR_RAX, (uintptr_t)map->data);
		return;
	}
	jit_run_load(b, 4, LIR_RCX, JIT_RUN(env.cpu));
	if (cpus & (cpus - 1))
		jit_emit_ri(b, LIR_UMOD, 4, LIR_RCX, LIR_RCX, (int32_t)cpus);
	else
		jit_emit_ri(b, LIR_AND, 4, LIR_RCX, LIR_RCX, (int32_t)(cpus - 1));
	multiply(b, LIR_RCX, LIR_RCX, bytes);
	jit_emit_secret(b, LIR_RAX, (uintptr_t)map->data);
	jit_emit_rr(b, LIR_ADD, 8, LIR_RAX, LIR_RAX, LIR_RCX);
}

static void lookup_at(struct jit_builder *b, const struct bpfe_map *map, uint32_t index)
{
	const uint64_t offset = (uint64_t)index * bpfe_value_stride(&map->attr);

	if (index >= map->attr.max_entries) {
		jit_emit_const(b, LIR_RAX, 0);
		return;
	}
	if (!map->ops->per_cpu) {
		jit_emit_secret(b, LIR_RAX, (uintptr_t)map->data + offset);
	} else {
		emit_base(b, map);
		if (offset <= INT32_MAX) {
			jit_emit_ri(b, LIR_ADD, 8, LIR_RAX, LIR_RAX, (int32_t)offset);
		} else {
			jit_emit_secret(b, LIR_RCX, offset);
			jit_emit_rr(b, LIR_ADD, 8, LIR_RAX, LIR_RAX, LIR_RCX);
		}
	}
	object(b, map);
	jit_null_never(b);
}

static void add_scaled(struct jit_builder *b, uint64_t stride)
{
	struct lir_op op = jit_op(LIR_LEA, 8);

	if (stride != 8) {
		multiply(b, LIR_RSI, LIR_RSI, stride);
		jit_emit_rr(b, LIR_ADD, 8, LIR_RAX, LIR_RAX, LIR_RSI);
		return;
	}
	op.dst = op.base = LIR_RAX;
	op.index = LIR_RSI;
	op.scale = 8;
	jit_emit(b, op);
}

static bool lookup_array(struct jit_builder *b, const struct bpfe_map *map)
{
	const struct jit_place key = jit_place(b, LIR_RDX);
	struct jit_null null;
	uint32_t index, hit;

	if (map->attr.max_entries > INT32_MAX)
		return false;
	if (jit_load_u32(b, LIR_RSI, &key, &index)) {
		lookup_at(b, map, index);
		return true;
	}
	null = jit_null_open(b);
	hit = jit_new_block(b);
	if (b->lir->failed)
		return true;
	jit_emit_const(b, LIR_RAX, 0);
	jit_emit_branch_i(b, 4, LIR_AE, LIR_RSI, (int32_t)map->attr.max_entries, null.miss, hit);
	jit_enter_block(b, hit);
	jit_harden_index(b->lir, b->block, b->slot, LIR_RSI, map->attr.max_entries, b->options);
	emit_base(b, map);
	add_scaled(b, bpfe_value_stride(&map->attr));
	object(b, map);
	jit_null_close(b, &null);
	return true;
}

/* ---- Others --------------------------------------------------------------------------------- */

bool jit_inline_lookup(struct jit_builder *b, struct bpfe_map *map)
{
	bpfe_direct_lookup_fn fn = map->ops->direct_lookup ? map->ops->direct_lookup(map) : NULL;
	lir_set used = LIR_BIT(LIR_RSI);

	if (!fn)
		fn = map->ops->lookup;
	if (!fn)
		return false;
	charge(b, map->attr.key_size);
	if (is_array(map) && lookup_array(b, map))
		return true;
	jit_move_pointer(b, LIR_RSI, LIR_RDX);
	if (map->ops->per_cpu) {
		jit_run_load(b, 4, LIR_RDX, JIT_RUN(env.cpu));
		used |= LIR_BIT(LIR_RDX);
	}
	jit_call_direct(b, (uintptr_t)fn, LIR_NONE, map, used);
	object(b, map);
	return true;
}

/* rax = the int in eax, as a program gets it. */
static void sign_extend(struct jit_builder *b)
{
	struct lir_op op = jit_op(LIR_SEXT, 8);

	op.dst = op.a = LIR_RAX;
	op.imm = 4;
	jit_emit(b, op);
}

bool jit_inline_update(struct jit_builder *b, struct bpfe_map *map)
{
	bpfe_direct_update_fn fn = map->ops->direct_update ? map->ops->direct_update(map) : NULL;
	lir_set used = LIR_BIT(LIR_RSI) | LIR_BIT(LIR_RDX) | LIR_BIT(LIR_RCX) | LIR_BIT(LIR_R8);

	if (!fn)
		fn = map->ops->update;
	if (!fn)
		return false;
	charge(b, (size_t)map->attr.key_size + map->attr.value_size);
	jit_move_pointer(b, LIR_RSI, LIR_RDX);
	jit_move_pointer(b, LIR_RDX, LIR_RCX);
	jit_emit_mov(b, 8, LIR_RCX, LIR_R8);
	jit_run_load(b, 4, LIR_R8, JIT_RUN(env.cpu));
	jit_call_direct(b, (uintptr_t)fn, LIR_NONE, map, used);
	sign_extend(b);
	return true;
}

bool jit_inline_delete(struct jit_builder *b, struct bpfe_map *map)
{
	if (!map->ops->remove)
		return false;
	charge(b, map->attr.key_size);
	jit_move_pointer(b, LIR_RSI, LIR_RDX);
	jit_call_direct(b, (uintptr_t)map->ops->remove, LIR_NONE, map, LIR_BIT(LIR_RSI));
	sign_extend(b);
	return true;
}

bool jit_inline_redirect_map(struct jit_builder *b, struct bpfe_map *map)
{
	struct lir_op op = jit_op(LIR_LEA, 8);

	jit_emit_mov(b, 4, LIR_RSI, LIR_RDX);
	jit_emit_mov(b, 8, LIR_RDX, LIR_RCX);
	op.dst = LIR_RCX;
	op.base = LIR_R13;
	op.disp = (int32_t)JIT_RUN(env.redirect);
	jit_emit(b, op);
	jit_call_direct(b, (uintptr_t)bpfe_redirect_map, LIR_NONE, map,
			LIR_BIT(LIR_RSI) | LIR_BIT(LIR_RDX) | LIR_BIT(LIR_RCX));
	jit_emit_mov(b, 4, LIR_RAX, LIR_RAX);
	return true;
}

/* ---- Locks ---------------------------------------------------------------------------------- */

/*
 * The verifier lets a program hold one lock, so that none is held here. It is noted before it is
 * taken: nothing in between ends the run. A lock that is taken has its 1 overwritten by another.
 */
bool jit_inline_spin_lock(struct jit_builder *b, struct bpfe_map *map)
{
	const uint32_t taken = jit_new_block(b), next = jit_new_block(b);
	struct lir_op op = jit_op(LIR_XCHG, 4);

	if (b->lir->failed)
		return true;
	jit_run_store(b, 8, JIT_RUN(env.lock), LIR_RSI);
	jit_emit_const(b, LIR_RAX, 1);
	op.dst = op.b = LIR_RAX;
	op.base = LIR_RSI;
	op.mem_kind = BPFE_MEM_MAP_VALUE;
	jit_emit(b, op);
	jit_emit_branch_i(b, 4, LIR_NE, LIR_RAX, 0, taken, next);
	jit_enter_block(b, taken);
	b->lir->blocks[taken].cold = true;
	b->lir->blocks[taken].next = next;
	jit_call_direct(b, (uintptr_t)bpfe_spin_lock, LIR_RSI, NULL, 0);
	jit_enter_block(b, next);
	jit_emit_const(b, LIR_RAX, 0);
	return true;
}

bool jit_inline_spin_unlock(struct jit_builder *b, struct bpfe_map *map)
{
	struct lir_op op = jit_op(LIR_STORE, 4);

	jit_run_store_i(b, 8, JIT_RUN(env.lock), 0);
	op.b = LIR_IMM;
	op.base = LIR_RSI;
	op.mem_kind = BPFE_MEM_MAP_VALUE;
	op.flags = LIR_F_RELEASE;
	jit_emit(b, op);
	jit_emit_const(b, LIR_RAX, 0);
	return true;
}
