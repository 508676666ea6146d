// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Values of maps: bounds, what the map's flags and its spin lock forbid, and values that never
 * change.
 *
 * A load from the value of a frozen array that programs cannot write (.rodata) gives a known
 * number: nobody can change it any more. Its bytes are read when the program is verified.
 *
 * Imprecision: what a program stores in a value is forgotten, and so is what is known of an array
 * with more than one value.
 */
#include "verifier/verifier.h"

static bool touches_lock(const struct bpfe_map_attr *attr, int64_t lo, int64_t hi)
{
	return attr->has_spin_lock &&
	       lo < (int64_t)attr->spin_lock_off + (int64_t)sizeof(struct bpf_spin_lock) &&
	       hi > (int64_t)attr->spin_lock_off;
}

static int check_flags(struct bpfe_vf *vf, int regno, const struct bpfe_reg *reg,
		       const struct bpfe_map_attr *attr, bool write)
{
	if (write && (reg->rdonly || (attr->flags & BPF_F_RDONLY_PROG)))
		return bpfe_vf_refuse(vf, BPFE_BAD_MEMORY, regno, "loads only",
				      "map '%.16s' is read-only for programs", attr->name);
	if (!write && (attr->flags & BPF_F_WRONLY_PROG))
		return bpfe_vf_refuse(vf, BPFE_BAD_MEMORY, regno, "stores only",
				      "map '%.16s' is write-only for programs", attr->name);
	return 0;
}

int bpfe_check_map_value(struct bpfe_vf *vf, int regno, int64_t off, uint64_t size, bool write)
{
	const struct bpfe_reg *reg = &bpfe_top(vf->cur)->regs[regno];
	const struct bpfe_map_attr *attr = bpfe_reg_map(vf, reg);
	int64_t lo = reg->off + off + reg->val.x.smin;
	int64_t hi = reg->off + off + reg->val.x.smax + (int64_t)size;
	int err = check_flags(vf, regno, reg, attr, write);

	if (err)
		return err;
	if (lo < 0 || hi > (int64_t)attr->value_size)
		return bpfe_vf_refuse(vf, BPFE_BAD_MEMORY, regno,
				      "an offset bounded to lie within the value",
				      "map value access of %llu bytes at offset %lld to %lld is "
				      "outside the value of %u bytes",
				      (unsigned long long)size, (long long)lo,
				      (long long)(hi - (int64_t)size), attr->value_size);
	if (touches_lock(attr, lo, hi))
		return bpfe_vf_refuse(
			vf, BPFE_BAD_MEMORY, regno,
			"the other bytes of the value; the lock is for "
			"bpf_spin_lock() and bpf_spin_unlock()",
			"map value access of %llu bytes at offset %lld to %lld touches "
			"the spin lock at offset %u",
			(unsigned long long)size, (long long)lo, (long long)(hi - (int64_t)size),
			attr->spin_lock_off);
	return 0;
}

const uint8_t *bpfe_map_constant(const struct bpfe_vf *vf, const struct bpfe_reg *reg)
{
	static const uint32_t first;
	const struct bpfe_map_attr *attr;
	struct bpfe_map *map;

	if (reg->type != BPFE_REG_MAP_VALUE || reg->nullable || reg->inner)
		return NULL;
	map = vf->image->maps[reg->map];
	attr = bpfe_map_attr(map);
	if (attr->type != BPF_MAP_TYPE_ARRAY || attr->max_entries != 1 ||
	    !(attr->flags & BPF_F_RDONLY_PROG) || !bpfe_map_is_frozen(map))
		return NULL;
	return bpfe_map_ops(attr->type)->lookup(map, &first, 0);
}

bool bpfe_map_value_known(const struct bpfe_vf *vf, const struct bpfe_reg *reg, int off,
			  unsigned size, uint64_t *value)
{
	const uint8_t *bytes = bpfe_map_constant(vf, reg);

	if (!bytes || !bpfe_scalar_is_const(&reg->val))
		return false;
	*value = 0;
	memcpy(value, bytes + reg->off + off + reg->val.x.smin, size);
	return true;
}

/* ---- ld_imm64 ------------------------------------------------------------------------------ */

/* Function, map, or the one value of an array at an offset that the decoder checked; or a number.
 */
int bpfe_vf_ld_imm64(struct bpfe_vf *vf, const struct bpf_insn *insn)
{
	const struct bpfe_insn_aux *aux = &vf->image->aux[vf->pc];
	struct bpfe_reg *dst = &bpfe_top(vf->cur)->regs[insn->dst_reg];

	vf->next = vf->pc + 2;
	switch (insn->src_reg) {
	case BPF_PSEUDO_FUNC:
		*dst = bpfe_reg_pointer(BPFE_REG_FUNC);
		dst->map = aux->callee;
		return 0;
	case BPF_PSEUDO_MAP_VALUE:
	case BPF_PSEUDO_MAP_IDX_VALUE:
		*dst = bpfe_reg_pointer(BPFE_REG_MAP_VALUE);
		dst->map = aux->map_index;
		dst->off = insn[1].imm;
		return 0;
	case BPF_PSEUDO_MAP_FD:
	case BPF_PSEUDO_MAP_IDX:
		*dst = bpfe_reg_pointer(BPFE_REG_MAP);
		dst->map = aux->map_index;
		return 0;
	default:
		*dst = bpfe_reg_scalar(bpfe_scalar_const((uint32_t)insn[0].imm |
							 (uint64_t)(uint32_t)insn[1].imm << 32));
		return 0;
	}
}
