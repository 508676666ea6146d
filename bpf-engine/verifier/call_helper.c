// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Calls of helpers and kfuncs, held against their prototypes.
 *
 * Arguments are checked one by one against internal.h's argument types (arg_mem.c, arg_map.c,
 * dynptr.c, lock.c). Then what the call does happens: something held is released, stack is filled,
 * an object is made, the packet moves. Afterwards r1 to r5 hold nothing.
 *
 * While a lock is held nothing is called but its unlocking and number iterators.
 *
 * Imprecision: what helpers return is unknown unless the table gives a range; what they write to
 * the stack is data of unknown value.
 */
#include "verifier/call.h"

int bpfe_refuse_arg(struct bpfe_vf *vf, enum bpfe_reason reason, int regno, const char *accepted,
		    const struct bpfe_call *call)
{
	const struct bpfe_reg *reg = &bpfe_top(vf->cur)->regs[regno];

	return bpfe_vf_refuse(vf, reason, regno, accepted, "argument %d of %s is a %s", regno,
			      call->helper->name, bpfe_reg_type_name(reg));
}

/* ---- May it be called? --------------------------------------------------------------------- */

static const char *const type_names[] = {"XDP", "tc", "memory"};

static uint32_t program_bit(const struct bpfe_vf *vf, const char **name)
{
	unsigned bit = 0;

	if (vf->image->type == BPF_PROG_TYPE_SCHED_CLS)
		bit = 1;
	else if (vf->image->type == BPFE_PROG_MEM)
		bit = 2;
	*name = type_names[bit];
	return 1u << bit;
}

/* A profile lists helpers; kfuncs have no place in it. */
static bool in_profile(const struct bpfe_vf *vf, uint32_t id)
{
	const uint64_t *bitmap = vf->image->helpers;

	return !bitmap || id >= BPFE_KFUNC_BASE || (id < 256 && (bitmap[id / 64] >> (id % 64) & 1));
}

static bool under_lock(const struct bpfe_helper *helper)
{
	uint8_t first = bpfe_arg_kind(helper->args[0]);

	return helper->id == BPF_FUNC_spin_unlock || first == BPFE_ARG_ITER_OUT ||
	       first == BPFE_ARG_ITER || first == BPFE_ARG_ITER_END;
}

static int check_callable(struct bpfe_vf *vf, const struct bpf_insn *insn,
			  const struct bpfe_helper *helper)
{
	const char *type;
	char what[96];

	if (!helper && insn->src_reg == BPF_PSEUDO_KFUNC_CALL)
		return bpfe_vf_refuse(vf, BPFE_BAD_HELPER, -1,
				      "asking bpf_ksym_exists() first, of a __weak function",
				      "the kfunc is not built into this device");
	if (!helper)
		return bpfe_vf_refuse(vf, BPFE_BAD_HELPER, -1, NULL,
				      "helper %s (%d) is not built into this device",
				      bpfe_linux_helper_name((uint32_t)insn->imm), insn->imm);
	if (!in_profile(vf, helper->id))
		return bpfe_vf_refuse(vf, BPFE_BAD_HELPER, -1, NULL,
				      "helper %s is not offered by this device's profile",
				      helper->name);
	if (helper->types && !(helper->types & program_bit(vf, &type)))
		return bpfe_vf_refuse(vf, BPFE_BAD_HELPER, -1, NULL,
				      "%s cannot be called by %s programs", helper->name, type);
	if (under_lock(helper))
		return 0;
	snprintf(what, sizeof(what), "%s is called", helper->name);
	return bpfe_held_check_unlocked(vf, what);
}

/* ---- Arguments ----------------------------------------------------------------------------- */

static int check_ctx_arg(struct bpfe_vf *vf, int regno, const struct bpfe_call *call)
{
	const struct bpfe_reg *reg = &bpfe_top(vf->cur)->regs[regno];

	if (reg->type != BPFE_REG_CTX || reg->off)
		return bpfe_refuse_arg(vf, BPFE_BAD_CONTEXT, regno,
				       "the context as the program was given it", call);
	return 0;
}

static int check_record_arg(struct bpfe_vf *vf, int regno, struct bpfe_call *call)
{
	const struct bpfe_reg *reg = &bpfe_top(vf->cur)->regs[regno];
	const char *accepted = "the record as bpf_ringbuf_reserve() returned it";

	if (reg->type != BPFE_REG_MEM || reg->kind != BPFE_OF_RECORD)
		return bpfe_refuse_arg(vf, BPFE_BAD_REFERENCE, regno, accepted, call);
	if (reg->nullable)
		return bpfe_refuse_arg(vf, BPFE_BAD_NULL, regno, "a comparison with 0 first", call);
	if (reg->off || !bpfe_scalar_is_const(&reg->val) || reg->val.x.umin)
		return bpfe_vf_refuse(vf, BPFE_BAD_REFERENCE, regno, accepted,
				      "argument %d of %s is a record that was moved", regno,
				      call->helper->name);
	call->release = reg->ref;
	return 0;
}

static int check_lock_arg(struct bpfe_vf *vf, int regno, const struct bpfe_call *call)
{
	return call->helper->id == BPF_FUNC_spin_unlock ? bpfe_lock_give(vf, regno)
							: bpfe_lock_take(vf, regno);
}

static bool passes_null(const struct bpfe_vf *vf, int regno, uint8_t arg)
{
	const struct bpfe_reg *reg = &bpfe_top(vf->cur)->regs[regno];

	return (arg & BPFE_ARG_NULLABLE) && reg->type == BPFE_REG_SCALAR &&
	       bpfe_scalar_is_const(&reg->val) && !reg->val.x.umin;
}

/*
 * A register that need not be set. What it really holds may be an address that an earlier call left
 * there, so that the call has to clear it: on every path here, or on none.
 */
static int note_unset(struct bpfe_vf *vf, int regno, bool *unset)
{
	struct bpfe_insn_aux *aux = &vf->image->aux[vf->pc];
	uint8_t bit = (uint8_t)(1u << regno);

	*unset = bpfe_top(vf->cur)->regs[regno].type == BPFE_REG_UNINIT;
	if (*unset)
		aux->args_unset |= bit;
	else
		aux->args_set |= bit;
	if (!(aux->args_set & aux->args_unset & bit))
		return 0;
	return bpfe_vf_refuse(vf, BPFE_BAD_REGISTER, regno,
			      "a register set on every path, or on none",
			      "R%d, an argument of this call, is set on some paths only", regno);
}

static int check_arg(struct bpfe_vf *vf, int regno, struct bpfe_call *call)
{
	uint8_t arg = bpfe_arg_kind(call->helper->args[regno - 1]);
	bool unset = false;
	int err = 0;

	if (call->helper->args[regno - 1] & BPFE_ARG_UNSET_OK)
		err = note_unset(vf, regno, &unset);
	if (err || unset)
		return err;
	err = bpfe_check_reg(vf, (unsigned)regno);
	if (err || passes_null(vf, regno, call->helper->args[regno - 1]))
		return err;
	switch (arg) {
	case BPFE_ARG_ANYTHING:
		return bpfe_check_scalar(vf, (unsigned)regno, "passing it to a helper");
	case BPFE_ARG_CTX:
		return check_ctx_arg(vf, regno, call);
	case BPFE_ARG_CONST_MAP:
		return bpfe_check_map_arg(vf, regno, call);
	case BPFE_ARG_MAP_KEY:
	case BPFE_ARG_MAP_VALUE:
	case BPFE_ARG_MAP_VALUE_OUT:
		return bpfe_check_element_arg(vf, regno, arg, call);
	case BPFE_ARG_MEM_RDONLY:
	case BPFE_ARG_MEM_UNINIT:
	case BPFE_ARG_MEM_INOUT:
		return 0; /* with its size, the next argument */
	case BPFE_ARG_FIXED_RDONLY:
	case BPFE_ARG_FIXED_OUT:
	case BPFE_ARG_FIXED_INOUT:
		return bpfe_check_memory_arg(vf, regno, call);
	case BPFE_ARG_SIZE:
	case BPFE_ARG_SIZE_OR_ZERO:
		return bpfe_check_size_arg(vf, regno, call);
	case BPFE_ARG_CONST:
	case BPFE_ARG_CONST_ALLOC:
		return bpfe_check_constant_arg(vf, regno, call);
	case BPFE_ARG_CONST_STR:
		return bpfe_check_string_arg(vf, regno, call);
	case BPFE_ARG_SPIN_LOCK:
		return check_lock_arg(vf, regno, call);
	case BPFE_ARG_RECORD:
		return check_record_arg(vf, regno, call);
	case BPFE_ARG_DYNPTR:
	case BPFE_ARG_DYNPTR_OUT:
	case BPFE_ARG_DYNPTR_RECORD:
		return bpfe_check_dynptr_arg(vf, regno, arg, call);
	case BPFE_ARG_CALLBACK:
		return bpfe_callback_arg(vf, regno, call->helper->name);
	case BPFE_ARG_CALLBACK_CTX:
		return 0;
	case BPFE_ARG_ITER_OUT:
	case BPFE_ARG_ITER:
	case BPFE_ARG_ITER_END:
		return bpfe_iterator_arg(vf, regno, call->helper->args[regno - 1],
					 call->helper->name);
	default:
		return bpfe_vf_refuse(vf, BPFE_BAD_HELPER, regno, NULL,
				      "argument %d of %s is of a kind this verifier does not know",
				      regno, call->helper->name);
	}
}

/* ---- What the call does -------------------------------------------------------------------- */

static int fill_stack(struct bpfe_vf *vf, const struct bpfe_call *call)
{
	int err = 0;

	for (int i = 0; !err && i < 5; i++) {
		const struct bpfe_fill *fill = &call->fill[i];

		if (fill->pending)
			err = bpfe_stack_clobber(vf, i + 1, fill->frame, fill->lo, fill->sure,
						 fill->hi);
	}
	return err;
}

static int apply(struct bpfe_vf *vf, const struct bpfe_call *call)
{
	int err = fill_stack(vf, call);

	if (!err && call->dynptr_out)
		err = bpfe_vf_make_dynptr(vf, call);
	if (!err && call->release)
		err = bpfe_held_release(vf, BPFE_HELD_REF, call->release);
	if (!err && call->helper->moves_packet)
		err = bpfe_state_drop_packet(vf, vf->cur);
	return err;
}

static struct bpfe_reg integer_result(const struct bpfe_helper *helper)
{
	struct bpfe_scalar val = bpfe_scalar_unknown();

	if (helper->ret_ranged) {
		val.x.smin = helper->ret_min;
		val.x.smax = helper->ret_max;
		bpfe_scalar_deduce(&val);
	}
	return bpfe_reg_scalar(val);
}

static struct bpfe_reg element_result(struct bpfe_vf *vf, const struct bpfe_call *call)
{
	bool of_maps = call->attr->type == BPF_MAP_TYPE_ARRAY_OF_MAPS ||
		       call->attr->type == BPF_MAP_TYPE_HASH_OF_MAPS;
	struct bpfe_reg reg = bpfe_reg_pointer(of_maps ? BPFE_REG_MAP : BPFE_REG_MAP_VALUE);

	reg.map = call->map.map;
	reg.inner = of_maps || call->map.inner;
	reg.nullable = !call->key_known || of_maps;
	/* Ports and queues are the control plane's to choose. */
	reg.rdonly = call->attr->type == BPF_MAP_TYPE_DEVMAP ||
		     call->attr->type == BPF_MAP_TYPE_DEVMAP_HASH ||
		     call->attr->type == BPF_MAP_TYPE_XSKMAP;
	if (reg.nullable || bpfe_reg_has_identity(vf, &reg))
		reg.id = ++vf->ids;
	return reg;
}

/* A record, which has to be given back, or a slice of a dynptr. */
static int memory_result(struct bpfe_vf *vf, const struct bpfe_call *call, struct bpfe_reg *reg)
{
	if (call->dynptr.type != BPFE_REG_UNINIT) {
		*reg = bpfe_vf_slice(vf, call);
		return 0;
	}
	*reg = bpfe_reg_pointer(BPFE_REG_MEM);
	reg->nullable = true;
	reg->id = ++vf->ids;
	reg->size = call->size;
	reg->rdonly = call->helper->ret_rdonly;
	if (!call->helper->acquires)
		return 0;
	reg->kind = BPFE_OF_RECORD;
	reg->ref = ++vf->ids;
	return bpfe_held_add(vf, BPFE_HELD_REF, reg->ref, 0);
}

static int set_result(struct bpfe_vf *vf, const struct bpfe_call *call)
{
	struct bpfe_reg *regs = bpfe_top(vf->cur)->regs;

	for (unsigned r = BPF_REG_0; r <= BPF_REG_5; r++)
		regs[r] = (struct bpfe_reg){.type = BPFE_REG_UNINIT};
	switch (call->helper->ret) {
	case BPFE_RET_VOID:
		return 0;
	case BPFE_RET_INTEGER:
		regs[BPF_REG_0] = integer_result(call->helper);
		return 0;
	case BPFE_RET_MAP_VALUE_OR_NULL:
		if (!call->attr)
			break;
		regs[BPF_REG_0] = element_result(vf, call);
		return 0;
	case BPFE_RET_MEM_OR_NULL:
		if (!call->sized)
			break;
		return memory_result(vf, call, &regs[BPF_REG_0]);
	default:
		break;
	}
	return bpfe_vf_refuse(vf, BPFE_BAD_HELPER, -1, NULL,
			      "what %s returns is not known to this verifier", call->helper->name);
}

/* ---- Tail calls ---------------------------------------------------------------------------- */

/*
 * The program called takes the place of the running function, so what it returns its caller gets:
 * any number, with the packet perhaps moved.
 */
static int return_from_tail_call(struct bpfe_vf *vf)
{
	uint32_t to = bpfe_top(vf->cur)->return_to;
	struct bpfe_state *state = bpfe_state_copy(vf, vf->cur);
	int err;

	if (!state)
		return bpfe_vf_no_memory(vf);
	bpfe_state_pop(vf, state);
	bpfe_top(state)->regs[BPF_REG_0] = bpfe_reg_scalar(bpfe_scalar_unknown());
	err = bpfe_state_drop_packet(vf, state);
	if (err) {
		bpfe_state_free(vf, state);
		return err;
	}
	return bpfe_explore_later(vf, state, to);
}

static int tail_call(struct bpfe_vf *vf)
{
	int err = bpfe_held_check_none(vf, "bpf_tail_call is called");

	if (!err && bpfe_in_callback(vf->cur))
		err = bpfe_vf_refuse(vf, BPFE_BAD_CONTROL, -1,
				     "a tail call behind the helper that calls back",
				     "bpf_tail_call is called in a callback");
	if (err)
		return err;
	vf->image->has_tail_call = true;
	vf->image->subprogs[bpfe_top(vf->cur)->subprog].has_tail_call = true;
	return vf->cur->depth > 1 ? return_from_tail_call(vf) : 0;
}

/* ---- Entry --------------------------------------------------------------------------------- */

int bpfe_vf_call_helper(struct bpfe_vf *vf, const struct bpf_insn *insn)
{
	struct bpfe_call call = {.helper = bpfe_helper_by_id((uint32_t)insn->imm)};
	int err = check_callable(vf, insn, call.helper);

	for (int regno = 1; !err && regno <= 5 && call.helper->args[regno - 1]; regno++)
		err = check_arg(vf, regno, &call);
	if (!err && bpfe_is_iterator_call(call.helper))
		return bpfe_vf_iterator(vf, call.helper);
	if (!err && call.helper->calls_back)
		err = bpfe_vf_call_back(vf, call.helper);
	if (!err && call.helper->id == BPF_FUNC_tail_call)
		err = tail_call(vf);
	if (!err)
		err = apply(vf, &call);
	return err ? err : set_result(vf, &call);
}
