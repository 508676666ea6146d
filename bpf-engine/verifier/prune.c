// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Pruning: at an instruction where paths meet, a state covered by one kept there earlier need not
 * be followed, provided that one was followed to its end.
 *
 * A kept state whose paths are not all followed yet lies on the current path itself (the newest
 * pending path is always taken next). To meet it again unchanged means a loop that makes no
 * progress, which is refused; to meet it narrowed proves nothing yet, so the loop is followed round
 * by round. Except when widening (see widen.c): then the states kept are a fixed point to be
 * reached, and a covered state is done with.
 *
 * Looking back costs time, so only so many kept states are compared, newest first, and the
 * comparisons count as work against the budget.
 */
#include "verifier/verifier.h"

#define MAX_COMPARED      256u /* kept states looked at on one visit */
#define COMPARED_PER_INSN 8u   /* comparisons that count as one instruction */
#define CROWD             32u  /* from so many states on, keep only one every... */
#define CROWD_DISTANCE    16u  /* ...so many instructions */
#define WIDEN_AFTER       6u   /* kept states of one shape before a visit is widened */

static void free_checkpoint(struct bpfe_vf *vf, struct bpfe_checkpoint *c)
{
	bpfe_state_free(vf, c->state);
	bpfe_vf_free(vf, c, sizeof(*c));
}

void bpfe_prune_free(struct bpfe_vf *vf)
{
	for (uint32_t i = 0; vf->points && i < vf->image->n_insns; i++) {
		while (vf->points[i]) {
			struct bpfe_checkpoint *c = vf->points[i];

			vf->points[i] = c->next;
			free_checkpoint(vf, c);
		}
	}
	vf->parent = NULL;
}

void bpfe_prune_path_ended(struct bpfe_checkpoint *checkpoint)
{
	while (checkpoint && --checkpoint->branches == 0)
		checkpoint = checkpoint->parent;
}

static int keep(struct bpfe_vf *vf)
{
	struct bpfe_checkpoint *c;

	if (vf->bytes > BPFE_VF_MEMORY / 2)
		return 0; /* less pruning, but pending paths still fit */
	c = bpfe_vf_alloc(vf, sizeof(*c));
	if (!c)
		return bpfe_vf_no_memory(vf);
	c->state = bpfe_state_copy(vf, vf->cur);
	if (!c->state) {
		bpfe_vf_free(vf, c, sizeof(*c));
		return bpfe_vf_no_memory(vf);
	}
	c->branches = 1; /* the current path, which goes on through here */
	c->parent = vf->parent;
	c->next = vf->points[vf->pc];
	c->kept_at = vf->processed;
	vf->points[vf->pc] = c;
	vf->parent = c;
	vf->states++;
	return 0;
}

static int refuse_endless(struct bpfe_vf *vf)
{
	return bpfe_vf_refuse(vf, BPFE_BAD_CONTROL, -1,
			      "a loop in which a counter or pointer that the verifier can follow "
			      "moves towards its bound",
			      "endless loop: the state here is what it was before");
}

/* Looks for a kept state that covers the current one. *shape: how many have its shape. */
static int find_cover(struct bpfe_vf *vf, uint32_t *kept, uint32_t *shape)
{
	uint32_t compared = 0;

	for (struct bpfe_checkpoint *c = vf->points[vf->pc]; c && compared < MAX_COMPARED;
	     c = c->next, compared++) {
		/* Rounds that something else bounds do not make a loop endless. */
		bool open = c->branches > 0 && c->state->rounds == vf->cur->rounds;

		if (compared % COMPARED_PER_INSN == 0)
			vf->work++;
		(*kept)++;
		if (vf->widen && bpfe_same_shape(vf, c->state, vf->cur))
			(*shape)++;
		if (!bpfe_state_in(vf, c->state, vf->cur, vf->pc, open && !vf->widen))
			continue;
		if (open && !vf->widen)
			return refuse_endless(vf);
		return BPFE_VISIT_COVERED;
	}
	return BPFE_VISIT_GO_ON;
}

static int widen_here(struct bpfe_vf *vf)
{
	for (struct bpfe_checkpoint *c = vf->points[vf->pc]; c; c = c->next) {
		if (bpfe_same_shape(vf, c->state, vf->cur))
			return bpfe_widen(vf, c->state);
	}
	return 0;
}

int bpfe_prune_visit(struct bpfe_vf *vf)
{
	uint32_t kept = 0, shape = 0;
	int found = find_cover(vf, &kept, &shape);

	if (found != BPFE_VISIT_GO_ON)
		return found;
	if (vf->widen && shape >= WIDEN_AFTER) {
		int err = widen_here(vf);

		if (err)
			return err;
	} else if (kept >= CROWD && vf->parent &&
		   vf->processed - vf->parent->kept_at < CROWD_DISTANCE) {
		return BPFE_VISIT_GO_ON;
	}
	return keep(vf);
}
