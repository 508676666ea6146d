/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Joining: one state for many at a merge point; see join.c and places.c. */
#ifndef BPFE_JOIN_H
#define BPFE_JOIN_H

#include "verifier/verifier.h"

enum bpfe_join_force {
	BPFE_JOIN_TIGHT, /* the least number that covers both */
	BPFE_JOIN_WIDEN, /* bounds that moved go to the next threshold */
	BPFE_JOIN_LOOSE, /* numbers that differ are any number */
};

/* widen.c: a number that covers @old and @cur. */
struct bpfe_scalar bpfe_widen(const struct bpfe_vf *vf, const struct bpfe_scalar *old,
			      const struct bpfe_scalar *cur, enum bpfe_join_force force);

/*
 * join.c: a new state at @pc that covers both @old and @cur in *joined, or NULL there if there is
 * none that could be made. -ENOMEM, reported.
 */
int bpfe_join(struct bpfe_vf *vf, const struct bpfe_state *old, const struct bpfe_state *cur,
	      uint32_t pc, enum bpfe_join_force force, struct bpfe_state **joined);
/* generalise.c: the current state is not covered by @old: perhaps make it one that covers @old.
 * -ENOMEM, reported. */
int bpfe_generalise(struct bpfe_vf *vf, const struct bpfe_state *old);
/* Do two states at @pc run in the same functions, called from the same places? */
bool bpfe_same_calls(const struct bpfe_state *a, const struct bpfe_state *b);
/* The same for two states that do. */
uint32_t bpfe_calls_hash(const struct bpfe_state *state);
/* How many states of one shape are followed apart at one place: fewer in a long program. */
uint32_t bpfe_kept_apart(const struct bpfe_vf *vf);
/* Do they differ in numbers only? Then joining loses little. */
bool bpfe_same_shape(const struct bpfe_vf *vf, const struct bpfe_state *a,
		     const struct bpfe_state *b, uint32_t pc);

/* places.c: states to be followed, the earliest place in the program first. Takes @state. */
int bpfe_places_put(struct bpfe_vf *vf, struct bpfe_state *state, uint32_t pc,
		    const struct bpfe_path *path);
/* Take up the next; false if there is none. */
bool bpfe_places_resume(struct bpfe_vf *vf);
void bpfe_places_free(struct bpfe_vf *vf);

#endif
