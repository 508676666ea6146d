// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * What a program holds and must give back: ring buffer records, dynptrs of them, iterators, a lock.
 *
 * A helper that hands out such a thing adds it to the state's list; the helper that takes it back
 * removes it, and with it dies every register and stack slot that refers to it, in every frame. A
 * path that ends while something is on the list is refused, for nobody could give it back. On the
 * NULL side of a comparison there is nothing to give back.
 */
#include "verifier/verifier.h"

static const char *held_name(const struct bpfe_held *held)
{
	switch (held->kind) {
	case BPFE_HELD_ITER:
		return "the iterator";
	case BPFE_HELD_LOCK:
		return "the lock";
	default:
		return "the ring buffer record";
	}
}

static const char *held_remedy(const struct bpfe_held *held)
{
	switch (held->kind) {
	case BPFE_HELD_ITER:
		return "bpf_iter_num_destroy() before, on every path";
	case BPFE_HELD_LOCK:
		return "bpf_spin_unlock() before, on every path";
	default:
		return "bpf_ringbuf_submit() or bpf_ringbuf_discard() (of a dynptr: their "
		       "_dynptr forms) before, on every path";
	}
}

int bpfe_held_add(struct bpfe_vf *vf, enum bpfe_held_kind kind, uint32_t id, uint32_t map)
{
	struct bpfe_state *state = vf->cur;

	if (state->n_held == BPFE_MAX_HELD)
		return bpfe_vf_refuse_err(
			vf, -E2BIG, BPFE_TOO_LARGE, "giving some back before taking more",
			"more than %u records, iterators and locks held at once", BPFE_MAX_HELD);
	state->held[state->n_held++] =
		(struct bpfe_held){.id = id, .insn = vf->pc, .kind = (uint8_t)kind, .map = map};
	return 0;
}

void bpfe_held_remove(struct bpfe_state *state, enum bpfe_held_kind kind, uint32_t id)
{
	for (uint32_t i = 0; i < state->n_held; i++) {
		if (state->held[i].kind != kind || state->held[i].id != id)
			continue;
		state->n_held--;
		memmove(&state->held[i], &state->held[i + 1],
			(state->n_held - i) * sizeof(state->held[0]));
		state->held[state->n_held] = (struct bpfe_held){0};
		return;
	}
}

const struct bpfe_held *bpfe_held_lock(const struct bpfe_state *state)
{
	for (uint32_t i = 0; i < state->n_held; i++) {
		if (state->held[i].kind == BPFE_HELD_LOCK)
			return &state->held[i];
	}
	return NULL;
}

int bpfe_held_check_none(struct bpfe_vf *vf, const char *what)
{
	const struct bpfe_held *held = &vf->cur->held[0];

	if (!vf->cur->n_held)
		return 0;
	return bpfe_vf_refuse(vf, BPFE_BAD_REFERENCE, -1, held_remedy(held),
			      "%s while %s taken at %u is held", what, held_name(held), held->insn);
}

int bpfe_held_check_unlocked(struct bpfe_vf *vf, const char *what)
{
	const struct bpfe_held *lock = bpfe_held_lock(vf->cur);

	if (!lock)
		return 0;
	return bpfe_vf_refuse(vf, BPFE_BAD_REFERENCE, -1, held_remedy(lock),
			      "%s while the lock taken at %u is held", what, lock->insn);
}

/* The number an iterator hands out lies in its slot, which the next function's frame covers. */
int bpfe_held_check_frame(struct bpfe_vf *vf)
{
	const struct bpfe_stack *stack = bpfe_top(vf->cur)->stack;

	for (uint32_t i = 0; stack && i < stack->n; i++) {
		const struct bpfe_slot *slot = &stack->slots[i];

		for (uint32_t k = 0; slot->spill_size && k < vf->cur->n_held; k++) {
			const struct bpfe_held *held = &vf->cur->held[k];

			if (slot->spill.type != BPFE_REG_ITER || slot->spill.ref != held->id)
				continue;
			return bpfe_vf_refuse(
				vf, BPFE_BAD_REFERENCE, -1, held_remedy(held),
				"function ends and the iterator taken at %u lies in its frame",
				held->insn);
		}
	}
	return 0;
}

/* ---- Death of what refers to it ------------------------------------------------------------ */

static void forget(struct bpfe_reg *reg, void *opaque)
{
	const uint32_t *id = opaque;
	bool object = reg->type == BPFE_REG_DYNPTR || reg->type == BPFE_REG_ITER;

	if (reg->type == BPFE_REG_UNINIT || reg->type == BPFE_REG_SCALAR)
		return;
	if (reg->ref == *id || (object && reg->id == *id))
		*reg = (struct bpfe_reg){.type = BPFE_REG_UNINIT};
}

int bpfe_state_forget(struct bpfe_vf *vf, struct bpfe_state *state, uint32_t id)
{
	return id ? bpfe_state_each(vf, state, forget, &id) : 0;
}

int bpfe_held_release(struct bpfe_vf *vf, enum bpfe_held_kind kind, uint32_t id)
{
	bpfe_held_remove(vf->cur, kind, id);
	return bpfe_state_forget(vf, vf->cur, id);
}
