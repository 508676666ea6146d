// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Arguments that are maps, keys and values.
 *
 * Looking up a constant key that lies within an array never gives NULL: Linux relies on that and
 * may have removed the comparison from an offloaded program. An inner map may have fewer entries
 * than the map it was said to be like, and a processor asked for may not exist.
 */
#include "verifier/call.h"

static bool modifies_map(uint32_t func_id)
{
	return func_id == BPF_FUNC_map_update_elem || func_id == BPF_FUNC_map_delete_elem ||
	       func_id == BPF_FUNC_map_push_elem || func_id == BPF_FUNC_map_pop_elem;
}

/* A look-up only gives a pointer, through which stores may go. */
static bool reads_map(uint32_t func_id)
{
	return func_id == BPF_FUNC_map_peek_elem || func_id == BPF_FUNC_map_pop_elem;
}

int bpfe_check_map_arg(struct bpfe_vf *vf, int regno, struct bpfe_call *call)
{
	const struct bpfe_reg *reg = &bpfe_top(vf->cur)->regs[regno];
	int err;

	if (reg->type == BPFE_REG_MAP && reg->nullable)
		return bpfe_refuse_arg(vf, BPFE_BAD_NULL, regno, "a comparison with 0 first", call);
	if (reg->type != BPFE_REG_MAP)
		return bpfe_refuse_arg(vf, BPFE_BAD_MAP, regno, "a map, loaded by ld_imm64", call);
	call->map = *reg;
	call->attr = bpfe_reg_map(vf, reg);
	bpfe_fact_map(vf, reg);
	err = bpfe_check_map_type(vf, regno, call);
	if (err)
		return err;
	if (modifies_map(call->helper->id) && (call->attr->flags & BPF_F_RDONLY_PROG))
		return bpfe_vf_refuse(vf, BPFE_BAD_MAP, regno, "look-ups only",
				      "map '%.16s' is read-only for programs", call->attr->name);
	if (reads_map(call->helper->id) && (call->attr->flags & BPF_F_WRONLY_PROG))
		return bpfe_vf_refuse(vf, BPFE_BAD_MAP, regno, "pushes only",
				      "map '%.16s' is write-only for programs", call->attr->name);
	return 0;
}

static bool key_in_array(const struct bpfe_vf *vf, int regno, const struct bpfe_call *call)
{
	const struct bpfe_reg *reg = &bpfe_top(vf->cur)->regs[regno];
	bool array = call->attr->type == BPF_MAP_TYPE_ARRAY ||
		     call->attr->type == BPF_MAP_TYPE_PERCPU_ARRAY;
	uint64_t key;

	return array && call->helper->id == BPF_FUNC_map_lookup_elem && !call->map.inner &&
	       call->attr->key_size == 4 && reg->type == BPFE_REG_STACK &&
	       bpfe_scalar_is_const(&reg->val) &&
	       bpfe_stack_known(vf->cur->frames[reg->frame], (int)(reg->off + reg->val.x.smin), 4,
				&key) &&
	       key < call->attr->max_entries;
}

int bpfe_check_element_arg(struct bpfe_vf *vf, int regno, uint8_t arg, struct bpfe_call *call)
{
	enum bpfe_use use = BPFE_USE_READ;
	uint32_t size;
	int err;

	if (!call->attr)
		return bpfe_refuse_arg(vf, BPFE_BAD_MAP, regno, "a map argument before it", call);
	/* A bloom filter is asked about a value, all others give one. */
	if (arg == BPFE_ARG_MAP_VALUE_OUT && call->attr->type != BPF_MAP_TYPE_BLOOM_FILTER)
		use = BPFE_USE_FILL;
	size = arg == BPFE_ARG_MAP_KEY ? call->attr->key_size : call->attr->value_size;
	err = bpfe_check_memory(vf, regno, size, size, use, call);
	if (!err && arg == BPFE_ARG_MAP_KEY)
		call->key_known = key_in_array(vf, regno, call);
	return err;
}
