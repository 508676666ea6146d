// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Pruning: at an instruction where paths meet, a state covered by one kept there earlier need not
 * be followed: that one is, and what is true of it holds here.
 *
 * A kept state whose paths are not all followed yet lies on the current path itself (the newest
 * pending path is always taken next). To meet it again unchanged means a loop that makes no
 * progress, which is refused; to meet it narrowed may mean progress or not, so the loop is followed
 * round by round. Unless something else bounds the rounds (same_rounds()), or paths are joined
 * (join.c): then the states kept are a fixed point to be reached, and a covered state is done with.
 *
 * When joining, few states of one shape are kept at a place. The next is joined with the newest of
 * them, whose place it takes, and the more often that happens the wider: so it ends.
 *
 * Looking back costs time, so only so many kept states are compared, newest first, and the
 * comparisons count as work against the budget.
 */
#include "verifier/join.h"

#define APART          2u  /* states followed apart before one is made more general */
#define MAX_COMPARED   64u /* kept states looked at on one visit */
#define CROWD          32u /* from so many states on, keep only one every... */
#define CROWD_DISTANCE 16u /* ...so many instructions */
#define KEPT_MOST      12u /* joining: states of all shapes at one place */
#define TIGHT_JOINS    2u  /* joins before numbers are widened, at the head of a loop none... */
#define WIDE_JOINS     24u /* ...and before they are let go */

static void free_checkpoint(struct bpfe_vf *vf, struct bpfe_checkpoint *c)
{
	bpfe_state_free(vf, c->state);
	bpfe_vf_give(vf, &vf->spare_points, c, sizeof(*c));
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

void bpfe_prune_path_ended(struct bpfe_vf *vf, struct bpfe_checkpoint *checkpoint)
{
	while (checkpoint && --checkpoint->branches == 0) {
		bpfe_length_complete(vf, checkpoint);
		checkpoint = checkpoint->parent;
	}
}

static int keep(struct bpfe_vf *vf)
{
	struct bpfe_checkpoint *c;

	/* Less pruning, but pending paths still fit. Without loop heads joining would not end. */
	if (vf->bytes > BPFE_VF_MEMORY / 2 && !(vf->joining && bpfe_flow_is_loop_head(vf, vf->pc)))
		return 0;
	c = bpfe_vf_take(vf, &vf->spare_points, sizeof(*c));
	if (!c)
		return bpfe_vf_no_memory(vf);
	memset(c, 0, sizeof(*c));
	c->state = bpfe_state_copy(vf, vf->cur);
	if (!c->state) {
		bpfe_vf_give(vf, &vf->spare_points, c, sizeof(*c));
		return bpfe_vf_no_memory(vf);
	}
	c->branches = 1; /* the current path, which goes on through here */
	c->parent = vf->parent;
	c->next = vf->points[vf->pc];
	c->kept_at = vf->processed;
	c->calls = bpfe_calls_hash(vf->cur);
	vf->points[vf->pc] = c;
	bpfe_length_keep(vf, c);
	vf->parent = vf->joining ? NULL : c;
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

/* States often differ in what others before them differed in: that is looked at first. */
static bool may_cover(struct bpfe_vf *vf, struct bpfe_checkpoint *c, bool exact)
{
	const uint32_t last = vf->differs;

	if (bpfe_state_differs(vf, c->state, vf->cur, vf->pc, c->differs) ||
	    (last != c->differs && bpfe_state_differs(vf, c->state, vf->cur, vf->pc, last)))
		return false;
	if (bpfe_state_in(vf, c->state, vf->cur, vf->pc, exact))
		return true;
	c->differs = vf->differs;
	return false;
}

/* Did nothing that bounds rounds, and that there is still, begin one between the two? */
static bool same_rounds(const struct bpfe_state *a, const struct bpfe_state *b)
{
	if (a->rounds != b->rounds || a->n_held != b->n_held)
		return false;
	for (uint32_t i = 0; i < a->n_held; i++) {
		if (a->held[i].rounds != b->held[i].rounds)
			return false;
	}
	return true;
}

/* Path by path: is the state covered by one kept? */
static int visit_path(struct bpfe_vf *vf)
{
	const uint32_t hash = bpfe_calls_hash(vf->cur);
	const struct bpfe_state *followed = NULL;
	uint32_t kept = 0, n_followed = 0, n_open = 0;
	bool open;

	for (struct bpfe_checkpoint *c = vf->points[vf->pc]; c && kept < MAX_COMPARED;
	     c = c->next, kept++) {
		vf->work++;
		if (c->calls != hash)
			continue;
		/* Rounds that something else bounds do not make a loop endless. */
		open = c->branches > 0 && same_rounds(c->state, vf->cur);
		if (!may_cover(vf, c, open)) {
			n_followed += !c->branches;
			n_open += c->branches > 0;
			followed = followed || c->branches ? followed : c->state;
			continue;
		}
		if (open)
			return refuse_endless(vf);
		bpfe_length_covered(vf, c);
		return BPFE_VISIT_COVERED;
	}
	if (kept >= CROWD && vf->parent && vf->processed - vf->parent->kept_at < CROWD_DISTANCE)
		return BPFE_VISIT_GO_ON;
	if (vf->forgetful && n_followed >= APART && !n_open) {
		int err = bpfe_generalise(vf, followed);

		if (err)
			return err;
	}
	return keep(vf);
}

/* ---- Joining ------------------------------------------------------------------------------- */

static enum bpfe_join_force force_of(const struct bpfe_vf *vf, const struct bpfe_checkpoint *c)
{
	if (c->joins >= WIDE_JOINS)
		return BPFE_JOIN_LOOSE;
	if (c->joins >= TIGHT_JOINS || bpfe_flow_is_loop_head(vf, vf->pc))
		return BPFE_JOIN_WIDEN;
	return BPFE_JOIN_TIGHT;
}

/* Go on with a state that covers the current one and @c's, and keep it in the place of that. */
static int join_into(struct bpfe_vf *vf, struct bpfe_checkpoint *c, bool *joined)
{
	struct bpfe_state *state, *copy;
	int err = bpfe_join(vf, c->state, vf->cur, vf->pc, force_of(vf, c), &state);

	*joined = state != NULL;
	if (err || !state)
		return err;
	copy = bpfe_state_copy(vf, state);
	if (!copy) {
		bpfe_state_free(vf, state);
		return bpfe_vf_no_memory(vf);
	}
	bpfe_state_free(vf, vf->cur);
	bpfe_state_free(vf, c->state);
	vf->cur = state;
	c->state = copy;
	c->joins++;
	return 0;
}

static int visit_joining(struct bpfe_vf *vf)
{
	struct bpfe_checkpoint *shape = NULL, *calls = NULL;
	uint32_t n_shape = 0, n_calls = 0, compared = 0, hash = bpfe_calls_hash(vf->cur);
	bool joined = false;
	int err = 0;

	for (struct bpfe_checkpoint *c = vf->points[vf->pc]; c && compared < MAX_COMPARED;
	     c = c->next, compared++) {
		vf->work++;
		if (c->calls != hash || !bpfe_same_calls(c->state, vf->cur))
			continue;
		if (may_cover(vf, c, false))
			return BPFE_VISIT_COVERED;
		calls = calls ? calls : c;
		n_calls++;
		if (bpfe_same_shape(vf, c->state, vf->cur, vf->pc)) {
			shape = shape ? shape : c;
			n_shape++;
		}
	}
	if (n_shape >= bpfe_kept_apart(vf))
		err = join_into(vf, shape, &joined);
	else if (n_calls >= KEPT_MOST)
		err = join_into(vf, shape ? shape : calls, &joined);
	if (err)
		return err;
	return joined ? BPFE_VISIT_GO_ON : keep(vf);
}

int bpfe_prune_visit(struct bpfe_vf *vf)
{
	return vf->joining ? visit_joining(vf) : visit_path(vf);
}
