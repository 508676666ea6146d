/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What the checked interpreter asks before it lets a program touch memory. */
#include "interp/interp.h"
#include "maps/map_in_map.h"
#include "maps/ringbuf.h"

static bool within(uint64_t address, uint64_t size, uintptr_t start, uintptr_t end)
{
	return address >= start && address <= end && size <= end - address;
}

static bool is_map(const struct bpfe_program *prog, uint64_t address)
{
	for (uint32_t m = 0; m < prog->info.n_maps; m++) {
		if ((uintptr_t)prog->maps[m] == address ||
		    bpfe_map_in_map_has(prog->maps[m], (const struct bpfe_map *)address))
			return true;
	}
	return false;
}

/* A value of a map, or of an inner map of it. */
static bool in_map_value(const struct bpfe_program *prog, uint64_t address, uint64_t size,
			 bool write)
{
	uint32_t forbidden = write ? BPF_F_RDONLY_PROG : BPF_F_WRONLY_PROG;

	for (uint32_t m = 0; m < prog->info.n_maps; m++) {
		const struct bpfe_map_attr *attr = bpfe_map_attr(prog->maps[m]);
		const struct bpfe_map_ops *ops = bpfe_map_ops(attr->type);
		uint32_t flags = attr->inner ? attr->inner->flags : attr->flags;

		if (ops->contains && ops->contains(prog->maps[m], address, size))
			return !(flags & forbidden);
	}
	return false;
}

/* The key of an element that a callback is visiting. */
static bool in_key(const struct bpfe_run_env *env, uint64_t address, uint64_t size)
{
	for (const struct bpfe_visited_key *key = env->visited; key; key = key->outer) {
		if (within(address, size, (uintptr_t)key->key, (uintptr_t)key->key + key->size))
			return true;
	}
	return false;
}

bool bpfe_may_access(const struct bpfe_run_state *state, uint64_t address, uint64_t size,
		     bool write)
{
	const struct bpfe_xdp_buff *xdp = state->env.xdp;
	uintptr_t stack_top = (uintptr_t)state->stack + sizeof(state->stack);

	return within(address, size, state->bottom, stack_top) ||
	       within(address, size, (uintptr_t)xdp->data_meta, (uintptr_t)xdp->data_end) ||
	       in_map_value(state->env.prog, address, size, write) ||
	       bpfe_run_holds(&state->env, address, size) ||
	       (!write && in_key(&state->env, address, size));
}

/* ---- Arguments ----------------------------------------------------------------------------- */

static bool holds_record(const struct bpfe_run_env *env, uint64_t address)
{
	for (uint32_t i = 0; i < env->n_held; i++) {
		if ((uintptr_t)env->held[i].record == address)
			return true;
	}
	return false;
}

/* An object of the verifier's on the stack: a dynptr, an iterator. */
static bool is_object(const struct bpfe_run_state *state, uint64_t address, uint64_t size)
{
	uintptr_t stack_top = (uintptr_t)state->stack + sizeof(state->stack);

	return address % 8 == 0 && within(address, size, state->bottom, stack_top);
}

static bool is_string(const struct bpfe_run_state *state, uint64_t address)
{
	while (bpfe_may_access(state, address, 1, false)) {
		if (*(const char *)(uintptr_t)address++ == '\0')
			return true;
	}
	return false;
}

/* The map, the helper's first argument, is one, and its key or value may be at @address. */
static bool may_pass_element(const struct bpfe_run_state *state, unsigned type, uint64_t address)
{
	const struct bpfe_map *map = (const struct bpfe_map *)(uintptr_t)state->r[BPF_REG_1];
	uint32_t size;

	if (!is_map(state->env.prog, state->r[BPF_REG_1]))
		return false;
	size = type == BPFE_ARG_MAP_KEY ? bpfe_map_attr(map)->key_size
					: bpfe_map_attr(map)->value_size;
	return bpfe_may_access(state, address, size, type == BPFE_ARG_MAP_VALUE_OUT);
}

static bool may_pass_memory(const struct bpfe_run_state *state, unsigned type, const uint64_t *arg,
			    uint16_t fixed)
{
	switch (type) {
	case BPFE_ARG_MEM_RDONLY:
		return bpfe_may_access(state, arg[0], arg[1], false);
	case BPFE_ARG_MEM_UNINIT:
		return bpfe_may_access(state, arg[0], arg[1], true);
	case BPFE_ARG_MEM_INOUT:
		return bpfe_may_access(state, arg[0], arg[1], false) &&
		       bpfe_may_access(state, arg[0], arg[1], true);
	case BPFE_ARG_FIXED_RDONLY:
		return bpfe_may_access(state, *arg, fixed, false);
	case BPFE_ARG_FIXED_INOUT:
		return bpfe_may_access(state, *arg, fixed, false) &&
		       bpfe_may_access(state, *arg, fixed, true);
	case BPFE_ARG_FIXED_OUT:
		return bpfe_may_access(state, *arg, fixed, true);
	case BPFE_ARG_SPIN_LOCK:
		return *arg % sizeof(uint32_t) == 0 &&
		       in_map_value(state->env.prog, *arg, sizeof(struct bpf_spin_lock), true);
	default:
		return false;
	}
}

static bool may_pass(const struct bpfe_run_state *state, unsigned type, const uint64_t *arg,
		     uint16_t fixed)
{
	if ((type & BPFE_ARG_NULLABLE) && *arg == 0)
		return true;
	type &= ~(unsigned)(BPFE_ARG_NULLABLE | BPFE_ARG_UNSET_OK);
	switch (type) {
	case BPFE_ARG_NONE:
	case BPFE_ARG_ANYTHING:
	case BPFE_ARG_SIZE_OR_ZERO:
	case BPFE_ARG_CONST:
	case BPFE_ARG_CONST_ALLOC:
	case BPFE_ARG_CALLBACK_CTX: /* what the callback makes of it is looked at then */
		return true;
	case BPFE_ARG_SIZE: /* no bytes would do for any address, and helpers rely on one */
		return *arg != 0;
	case BPFE_ARG_CTX:
		return *arg == (uintptr_t)state->env.xdp;
	case BPFE_ARG_CONST_MAP:
		return is_map(state->env.prog, *arg);
	case BPFE_ARG_MAP_KEY:
	case BPFE_ARG_MAP_VALUE:
	case BPFE_ARG_MAP_VALUE_OUT:
		return may_pass_element(state, type, *arg);
	case BPFE_ARG_CONST_STR:
		return is_string(state, *arg);
	case BPFE_ARG_CALLBACK:
		return bpfe_function_at(state->env.prog, *arg) != NULL;
	case BPFE_ARG_RECORD:
		return holds_record(&state->env, *arg);
	case BPFE_ARG_DYNPTR:
	case BPFE_ARG_DYNPTR_OUT:
	case BPFE_ARG_DYNPTR_RECORD:
		return is_object(state, *arg, sizeof(struct bpf_dynptr));
	case BPFE_ARG_ITER_OUT:
	case BPFE_ARG_ITER:
	case BPFE_ARG_ITER_END:
		return is_object(state, *arg, sizeof(uint64_t));
	default:
		return may_pass_memory(state, type, arg, fixed);
	}
}

bool bpfe_may_call(const struct bpfe_run_state *state, uint32_t id)
{
	const struct bpfe_helper *helper = bpfe_helper_by_id(id);

	for (unsigned a = 0; a < 5; a++) {
		if (!may_pass(state, helper->args[a], &state->r[BPF_REG_1 + a],
			      helper->arg_size[a]))
			return false;
	}
	return true;
}
