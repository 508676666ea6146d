// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Spin locks in map values.
 *
 * At most one is held at a time and no helper but bpf_spin_unlock() is called meanwhile, so that a
 * queue never waits for another that waits for it. The lock's own bytes are no program's to read or
 * write. Which value a lock lies in is told by the id of the look-up that gave the pointer: two
 * look-ups count as two values, even of one key. The value of a map with one entry whose address
 * the program was loaded with has id 0.
 */
#include "verifier/verifier.h"

static int check_lock_pointer(struct bpfe_vf *vf, int regno)
{
	const struct bpfe_reg *reg = &bpfe_top(vf->cur)->regs[regno];
	const struct bpfe_map_attr *attr;

	if (reg->type != BPFE_REG_MAP_VALUE || reg->nullable)
		return bpfe_vf_refuse(vf, reg->nullable ? BPFE_BAD_NULL : BPFE_BAD_MEMORY, regno,
				      reg->nullable ? "a comparison with 0 first"
						    : "the struct bpf_spin_lock of a map value",
				      "R%d is a %s, not a spin lock", regno,
				      bpfe_reg_type_name(reg));
	attr = bpfe_reg_map(vf, reg);
	if (!attr->has_spin_lock)
		return bpfe_vf_refuse(vf, BPFE_BAD_MAP, regno,
				      "a map whose value type has a struct bpf_spin_lock",
				      "values of map '%.16s' have no spin lock", attr->name);
	if (!bpfe_scalar_is_const(&reg->val) ||
	    reg->off + reg->val.x.smin != (int64_t)attr->spin_lock_off)
		return bpfe_vf_refuse(vf, BPFE_BAD_MEMORY, regno,
				      "a pointer to the lock itself, at a constant offset",
				      "the spin lock of map '%.16s' is at offset %u of the value",
				      attr->name, attr->spin_lock_off);
	return 0;
}

/* What tells apart the maps that inner maps may be is the id, not the index of the outer one. */
static bool same_lock(const struct bpfe_held *lock, const struct bpfe_reg *reg)
{
	return lock->map == reg->map && lock->id == reg->id;
}

int bpfe_lock_take(struct bpfe_vf *vf, int regno)
{
	const struct bpfe_reg *reg = &bpfe_top(vf->cur)->regs[regno];
	int err = check_lock_pointer(vf, regno);

	if (!err)
		err = bpfe_held_check_unlocked(vf, "bpf_spin_lock is called");
	return err ? err : bpfe_held_add(vf, BPFE_HELD_LOCK, reg->id, reg->map);
}

int bpfe_lock_give(struct bpfe_vf *vf, int regno)
{
	const struct bpfe_reg *reg = &bpfe_top(vf->cur)->regs[regno];
	const struct bpfe_held *lock = bpfe_held_lock(vf->cur);
	int err = check_lock_pointer(vf, regno);

	if (err)
		return err;
	if (!lock)
		return bpfe_vf_refuse(vf, BPFE_BAD_REFERENCE, regno, "bpf_spin_lock() first",
				      "bpf_spin_unlock without a lock held");
	if (!same_lock(lock, reg))
		return bpfe_vf_refuse(vf, BPFE_BAD_REFERENCE, regno,
				      "the pointer from the look-up that the lock was taken with",
				      "bpf_spin_unlock of another lock than the one taken at %u",
				      lock->insn);
	bpfe_held_remove(vf->cur, BPFE_HELD_LOCK, lock->id);
	return 0;
}
