// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Facts for the compiler: of each instruction the union over all states that came to it. A state
 * that is not followed is covered by one that is, in all that decides these facts: what a
 * comparison compares, what a helper is given, and a number added to a pointer that is used. So the
 * union over those followed is one over all runs. Each attempt begins anew; what a fact means, and
 * why it holds: docs/verifier.md.
 *
 * While exploration is under way a fact may be in a form that nobody else sees; bpfe_facts_finish()
 * brings it into that of internal.h.
 */
#include "verifier/verifier.h"

#define DIFFERENT_MAPS UINT32_MAX

/* Of bpfe_insn_aux.sanitize meanwhile: what it was found to be, in some state each. */
enum {
	SCALAR_IN_SRC = 1,
	SCALAR_IN_DST = 2,
	UPWARDS = 4,
	OTHERWISE = 8, /* no pointer, one of another kind, or a number of either sign */
	DOWNWARDS = 16,
};

void bpfe_facts_forget(struct bpfe_image *image)
{
	for (uint32_t i = 0; i < image->n_insns; i++) {
		struct bpfe_insn_aux *aux = &image->aux[i];

		aux->edges = 0;
		aux->sanitize = 0;
		aux->limit = 0;
		aux->const_map = 0;
	}
}

void bpfe_fact_edge(struct bpfe_vf *vf, bool taken)
{
	vf->image->aux[vf->pc].edges |= taken ? BPFE_EDGE_JUMP : BPFE_EDGE_FALL;
}

void bpfe_fact_map(struct bpfe_vf *vf, const struct bpfe_reg *map)
{
	uint32_t *known = &vf->image->aux[vf->pc].const_map;
	uint32_t this = map->inner ? DIFFERENT_MAPS : map->map + 1;

	*known = *known && *known != this ? DIFFERENT_MAPS : this;
}

void bpfe_fact_no_move(struct bpfe_vf *vf)
{
	vf->image->aux[vf->pc].sanitize |= OTHERWISE;
}

/* The way @by goes, and how far at most; OTHERWISE if it may go both ways or too far. */
static uint8_t way_of(const struct bpfe_scalar *by, bool subtract, uint32_t *most)
{
	int64_t lo = by->x.smin, hi = by->x.smax;

	if (lo < -BPFE_MAX_PTR_OFF || hi > BPFE_MAX_PTR_OFF || (lo < 0 && hi > 0))
		return OTHERWISE;
	*most = (uint32_t)(lo < 0 ? -lo : hi);
	return (lo < 0) == subtract || (!lo && !hi) ? UPWARDS : DOWNWARDS;
}

static bool has_limit(const struct bpfe_reg *ptr)
{
	return ptr->type == BPFE_REG_STACK || ptr->type == BPFE_REG_MAP_VALUE ||
	       ptr->type == BPFE_REG_PACKET;
}

/* Does what this state knows of the number hold for those that it covers, too? */
static bool is_precise(const struct bpfe_vf *vf, bool scalar_in_dst)
{
	const struct bpf_insn *insn = &vf->image->insns[vf->pc];
	struct bpfe_live live = bpfe_flow_live(vf, vf->cur, vf->cur->depth - 1, vf->pc);

	return live.precise_regs >> (scalar_in_dst ? insn->dst_reg : insn->src_reg) & 1;
}

void bpfe_fact_move(struct bpfe_vf *vf, const struct bpfe_reg *ptr, const struct bpfe_scalar *by,
		    bool scalar_in_dst, bool subtract)
{
	struct bpfe_insn_aux *aux = &vf->image->aux[vf->pc];
	uint32_t most = 0;

	if (BPF_SRC(vf->image->insns[vf->pc].code) == BPF_K)
		return;
	if (!has_limit(ptr) || !is_precise(vf, scalar_in_dst)) {
		bpfe_fact_no_move(vf);
		return;
	}
	aux->sanitize |= scalar_in_dst ? SCALAR_IN_DST : SCALAR_IN_SRC;
	/* Moved by nothing: both ways are right. */
	if (!bpfe_scalar_is_const(by) || by->x.umin)
		aux->sanitize |= way_of(by, subtract, &most);
	if (most > aux->limit)
		aux->limit = most;
}

static uint8_t sanitize_of(uint8_t found)
{
	uint8_t how = BPFE_SANITIZE_SRC;

	if (found & OTHERWISE || (found & UPWARDS && found & DOWNWARDS))
		return BPFE_SANITIZE_NONE;
	switch (found & (SCALAR_IN_SRC | SCALAR_IN_DST)) {
	case SCALAR_IN_SRC:
		break;
	case SCALAR_IN_DST:
		how = BPFE_SANITIZE_DST;
		break;
	default:
		return BPFE_SANITIZE_NONE;
	}
	return found & DOWNWARDS ? how | BPFE_SANITIZE_NEGATIVE : how;
}

void bpfe_facts_finish(struct bpfe_image *image)
{
	for (uint32_t i = 0; i < image->n_insns; i++) {
		struct bpfe_insn_aux *aux = &image->aux[i];

		aux->sanitize = sanitize_of(aux->sanitize);
		if (aux->sanitize == BPFE_SANITIZE_NONE)
			aux->limit = 0;
		if (aux->mem_kind == BPFE_MEM_MIXED)
			aux->mem_kind = BPFE_MEM_NONE;
		if (aux->const_map == DIFFERENT_MAPS)
			aux->const_map = 0;
	}
}
