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

bool bpfe_may_access(const struct bpfe_run_state *state, uint64_t address, uint64_t size,
		     bool write)
{
	const struct bpfe_xdp_buff *xdp = state->env.xdp;
	uintptr_t stack_top = (uintptr_t)state->stack + sizeof(state->stack);

	return within(address, size, state->bottom, stack_top) ||
	       within(address, size, (uintptr_t)xdp->data_meta, (uintptr_t)xdp->data_end) ||
	       bpfe_run_holds(&state->env, address, size) ||
	       in_map_value(state->env.prog, address, size, write);
}

static bool may_pass(const struct bpfe_run_state *state, unsigned type, const uint64_t *arg)
{
	const struct bpfe_map *map = (const struct bpfe_map *)(uintptr_t)state->r[BPF_REG_1];

	switch (type & ~(unsigned)BPFE_ARG_UNSET_OK) {
	case BPFE_ARG_CTX:
		return *arg == (uintptr_t)state->env.xdp;
	case BPFE_ARG_CONST_MAP:
		return is_map(state->env.prog, *arg);
	case BPFE_ARG_MAP_KEY:
		return bpfe_may_access(state, *arg, bpfe_map_attr(map)->key_size, false);
	case BPFE_ARG_MAP_VALUE:
		return bpfe_may_access(state, *arg, bpfe_map_attr(map)->value_size, false);
	case BPFE_ARG_MAP_VALUE_OUT:
		return bpfe_may_access(state, *arg, bpfe_map_attr(map)->value_size, true);
	case BPFE_ARG_SPIN_LOCK:
		return in_map_value(state->env.prog, *arg, sizeof(struct bpf_spin_lock), true);
	case BPFE_ARG_MEM_RDONLY:
		return bpfe_may_access(state, arg[0], arg[1], false);
	case BPFE_ARG_MEM_UNINIT:
		return bpfe_may_access(state, arg[0], arg[1], true);
	case BPFE_ARG_NONE:
	case BPFE_ARG_ANYTHING:
	case BPFE_ARG_SIZE:
	case BPFE_ARG_SIZE_OR_ZERO:
		return true;
	default:
		return false;
	}
}

bool bpfe_may_call(const struct bpfe_run_state *state, uint32_t id)
{
	const struct bpfe_helper *helper = bpfe_helper_by_id(id);

	/* A map is the first argument of every helper with a key, so it is checked before. */
	for (unsigned a = 0; a < 5; a++) {
		if (!may_pass(state, helper->args[a], &state->r[BPF_REG_1 + a]))
			return false;
	}
	return true;
}
