// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Calls of helpers and kfuncs, held against their prototypes.
 *
 * A helper's arguments are checked one by one against internal.h's argument types. Memory handed to
 * it must be data it may see (all bytes written, none of them part of a pointer) or room it may
 * fill. Afterwards r1 to r5 hold nothing, and if it moves the packet no packet pointer does.
 *
 * Looking up a constant key that lies within an array never gives NULL: Linux relies on that and
 * may have removed the comparison from an offloaded program.
 *
 * Imprecision: what helpers return is unknown; what they write to the stack is data of unknown
 * value.
 */
#include "verifier/verifier.h"

#define MAX_HELPER_SIZE (1u << 29)

struct helper_call {
	const struct bpfe_helper *helper;
	const struct bpfe_map_attr *map; /* from the map argument */
	uint32_t map_index;
	bool key_known; /* constant and within the array */
	struct {
		bool pending;
		uint32_t frame;
		int64_t lo, sure, hi;
		int regno;
	} fill[5]; /* stack the helper fills */
};

static int refuse_arg(struct bpfe_vf *vf, enum bpfe_reason reason, int regno, const char *accepted,
		      const struct helper_call *call)
{
	const struct bpfe_reg *reg = &bpfe_top(vf->cur)->regs[regno];

	return bpfe_vf_refuse(vf, reason, regno, accepted, "argument %d of %s is a %s", regno,
			      call->helper->name, bpfe_reg_type_name(reg));
}

/* ---- Memory arguments ---------------------------------------------------------------------- */

static int check_stack_arg(struct bpfe_vf *vf, int regno, uint64_t sure, uint64_t size, bool fill,
			   struct helper_call *call)
{
	const struct bpfe_reg *reg = &bpfe_top(vf->cur)->regs[regno];
	int64_t lo = reg->off + reg->val.x.smin;
	int64_t hi = reg->off + reg->val.x.smax + (int64_t)size;

	if (!fill)
		return bpfe_stack_readable(vf, regno, reg->frame, lo, hi);
	call->fill[regno - 1].pending = true;
	call->fill[regno - 1].frame = reg->frame;
	call->fill[regno - 1].lo = lo;
	call->fill[regno - 1].sure = bpfe_scalar_is_const(&reg->val) ? lo + (int64_t)sure : lo;
	call->fill[regno - 1].hi = hi;
	call->fill[regno - 1].regno = regno;
	return bpfe_stack_bounds(vf, regno, reg->frame, lo, hi);
}

/* Register @regno points to @size bytes (at least @sure of them used) that may be read or filled.
 */
static int check_memory_arg(struct bpfe_vf *vf, int regno, uint64_t sure, uint64_t size, bool fill,
			    struct helper_call *call)
{
	const struct bpfe_reg *reg = &bpfe_top(vf->cur)->regs[regno];

	if (reg->nullable)
		return refuse_arg(vf, BPFE_BAD_NULL, regno, "a comparison with 0 first", call);
	switch (reg->type) {
	case BPFE_REG_STACK:
		return check_stack_arg(vf, regno, sure, size, fill, call);
	case BPFE_REG_PACKET:
	case BPFE_REG_PACKET_META:
	case BPFE_REG_MAP_VALUE:
		return bpfe_check_region(vf, regno, 0, size, fill);
	default:
		return refuse_arg(vf, BPFE_BAD_MEMORY, regno,
				  "a pointer to stack, packet or map value", call);
	}
}

static int check_size_arg(struct bpfe_vf *vf, int regno, bool zero_too, struct helper_call *call)
{
	const struct bpfe_word *size = &bpfe_top(vf->cur)->regs[regno].val.x;
	uint8_t memory = call->helper->args[regno - 2];
	int err = bpfe_check_scalar(vf, (unsigned)regno, "using it as a size");

	if (err)
		return err;
	if (size->umax > MAX_HELPER_SIZE)
		return bpfe_vf_refuse(vf, BPFE_BAD_MEMORY, regno, "a size bounded before the call",
				      "size in argument %d of %s may be negative or large", regno,
				      call->helper->name);
	if (!zero_too && !size->umin)
		return bpfe_vf_refuse(vf, BPFE_BAD_MEMORY, regno, "a size of at least 1",
				      "size in argument %d of %s may be zero", regno,
				      call->helper->name);
	if (!size->umax)
		return 0;
	return check_memory_arg(vf, regno - 1, size->umin, size->umax,
				memory == BPFE_ARG_MEM_UNINIT, call);
}

/* ---- Maps ---------------------------------------------------------------------------------- */

static bool modifies_map(uint32_t func_id)
{
	return func_id == BPF_FUNC_map_update_elem || func_id == BPF_FUNC_map_delete_elem;
}

static int check_map_arg(struct bpfe_vf *vf, int regno, struct helper_call *call)
{
	const struct bpfe_reg *reg = &bpfe_top(vf->cur)->regs[regno];

	if (reg->type != BPFE_REG_MAP)
		return refuse_arg(vf, BPFE_BAD_MAP, regno, "a map, loaded by ld_imm64", call);
	call->map = bpfe_reg_map(vf, reg);
	call->map_index = reg->map;
	if (modifies_map(call->helper->id) && (call->map->flags & BPF_F_RDONLY_PROG))
		return bpfe_vf_refuse(vf, BPFE_BAD_MAP, regno, "look-ups only",
				      "map '%.16s' is read-only for programs", call->map->name);
	if (call->helper->id == BPF_FUNC_map_lookup_elem && (call->map->flags & BPF_F_WRONLY_PROG))
		return bpfe_vf_refuse(vf, BPFE_BAD_MAP, regno, "updates only",
				      "map '%.16s' is write-only for programs", call->map->name);
	return 0;
}

static bool key_in_array(const struct bpfe_vf *vf, int regno, const struct helper_call *call)
{
	const struct bpfe_reg *reg = &bpfe_top(vf->cur)->regs[regno];
	uint64_t key;

	return call->map->type == BPF_MAP_TYPE_ARRAY && call->map->key_size == 4 &&
	       reg->type == BPFE_REG_STACK && bpfe_scalar_is_const(&reg->val) &&
	       bpfe_stack_known(vf->cur->frames[reg->frame], (int)(reg->off + reg->val.x.smin), 4,
				&key) &&
	       key < call->map->max_entries;
}

static int check_element_arg(struct bpfe_vf *vf, int regno, bool key, struct helper_call *call)
{
	uint32_t size;
	int err;

	if (!call->map)
		return refuse_arg(vf, BPFE_BAD_MAP, regno, "a map argument before it", call);
	size = key ? call->map->key_size : call->map->value_size;
	err = check_memory_arg(vf, regno, size, size, false, call);
	if (!err && key)
		call->key_known = key_in_array(vf, regno, call);
	return err;
}

/* ---- Helpers ------------------------------------------------------------------------------- */

static int check_ctx_arg(struct bpfe_vf *vf, int regno, const struct helper_call *call)
{
	const struct bpfe_reg *reg = &bpfe_top(vf->cur)->regs[regno];

	if (reg->type != BPFE_REG_CTX || reg->off)
		return refuse_arg(vf, BPFE_BAD_CONTEXT, regno,
				  "the context as the program was given it", call);
	return 0;
}

static int check_arg(struct bpfe_vf *vf, int regno, struct helper_call *call)
{
	int err = bpfe_check_reg(vf, (unsigned)regno);

	if (err)
		return err;
	switch (call->helper->args[regno - 1]) {
	case BPFE_ARG_ANYTHING:
		return bpfe_check_scalar(vf, (unsigned)regno, "passing it to a helper");
	case BPFE_ARG_CTX:
		return check_ctx_arg(vf, regno, call);
	case BPFE_ARG_CONST_MAP:
		return check_map_arg(vf, regno, call);
	case BPFE_ARG_MAP_KEY:
		return check_element_arg(vf, regno, true, call);
	case BPFE_ARG_MAP_VALUE:
		return check_element_arg(vf, regno, false, call);
	case BPFE_ARG_MEM_RDONLY:
	case BPFE_ARG_MEM_UNINIT:
		return 0; /* with its size, the next argument */
	case BPFE_ARG_SIZE:
		return check_size_arg(vf, regno, false, call);
	case BPFE_ARG_SIZE_OR_ZERO:
		return check_size_arg(vf, regno, true, call);
	default:
		return bpfe_vf_refuse(vf, BPFE_BAD_HELPER, regno, NULL,
				      "argument %d of %s is of a kind this verifier does not know",
				      regno, call->helper->name);
	}
}

static int set_result(struct bpfe_vf *vf, const struct helper_call *call)
{
	struct bpfe_reg *regs = bpfe_top(vf->cur)->regs;

	for (unsigned r = BPF_REG_0; r <= BPF_REG_5; r++)
		regs[r] = (struct bpfe_reg){.type = BPFE_REG_UNINIT};
	if (call->helper->ret == BPFE_RET_INTEGER) {
		regs[BPF_REG_0] = bpfe_reg_scalar(bpfe_scalar_unknown());
	} else if (call->helper->ret == BPFE_RET_MAP_VALUE_OR_NULL) {
		if (!call->map)
			return bpfe_vf_refuse(vf, BPFE_BAD_HELPER, -1, NULL,
					      "%s returns a map value and has no map argument",
					      call->helper->name);
		regs[BPF_REG_0] = bpfe_reg_pointer(BPFE_REG_MAP_VALUE);
		regs[BPF_REG_0].nullable = !call->key_known;
		regs[BPF_REG_0].map = call->map_index;
		regs[BPF_REG_0].id = call->key_known ? 0 : ++vf->ids;
	}
	return 0;
}

static bool helper_allowed(const struct bpfe_vf *vf, uint32_t id)
{
	const uint64_t *bitmap = vf->image->helpers;

	return !bitmap || (id < 256 && (bitmap[id / 64] >> (id % 64) & 1));
}

int bpfe_vf_call_helper(struct bpfe_vf *vf, const struct bpf_insn *insn)
{
	bool kfunc = insn->src_reg == BPF_PSEUDO_KFUNC_CALL;
	struct helper_call call = {.helper = bpfe_helper_by_id((uint32_t)insn->imm)};
	int err = 0;

	if (!call.helper || kfunc != (call.helper->id >= BPFE_KFUNC_BASE))
		return bpfe_vf_refuse(vf, BPFE_BAD_HELPER, -1, NULL,
				      "helper %s (%d) is not built into this device",
				      bpfe_linux_helper_name((uint32_t)insn->imm), insn->imm);
	if (!helper_allowed(vf, call.helper->id))
		return bpfe_vf_refuse(vf, BPFE_BAD_HELPER, -1, NULL,
				      "helper %s is not offered by this device's profile",
				      call.helper->name);
	for (int regno = 1; !err && regno <= 5 && call.helper->args[regno - 1]; regno++)
		err = check_arg(vf, regno, &call);
	for (int i = 0; !err && i < 5; i++) {
		if (call.fill[i].pending)
			err = bpfe_stack_clobber(vf, call.fill[i].regno, call.fill[i].frame,
						 call.fill[i].lo, call.fill[i].sure,
						 call.fill[i].hi);
	}
	if (!err && call.helper->moves_packet)
		err = bpfe_state_drop_packet(vf, vf->cur);
	return err ? err : set_result(vf, &call);
}
