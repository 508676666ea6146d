// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * The order in which joined states are followed.
 *
 * States wait at places: an instruction, and the calls under way. The earliest place in the
 * program's text goes first, calls before what is behind them, so that all paths to a merge point
 * have come before it is left (what compilers emit goes forward except for loops), and a loop is
 * gone round until it is done with before what is behind it is looked at.
 *
 * At one place a few states wait apart; what comes then is joined with one of them, best with one
 * of the same shape. What one that waits covers need not wait.
 */
#include "verifier/join.h"

#define MOST      12u /* states of all shapes, if joining can help it */
#define HEAP_ROOM 256u

struct waiting {
	struct waiting *next;
	struct bpfe_state *state;
	const struct bpfe_path *path;
};

struct bpfe_place {
	struct bpfe_place *next; /* at the same instruction, other calls */
	struct waiting *waiting;
	uint32_t n;
	uint32_t pc;
	uint32_t calls; /* bpfe_calls_hash() */
};

struct bpfe_places {
	struct bpfe_place **at;   /* by instruction */
	struct bpfe_place **heap; /* the earliest first */
	uint32_t n, room;
};

/* ---- Order --------------------------------------------------------------------------------- */

static uint32_t position(const struct bpfe_state *state, uint32_t pc, uint32_t f)
{
	return f + 1 < state->depth ? state->frames[f + 1]->return_to : pc;
}

/* Does @a come before @b? */
static bool before(const struct bpfe_place *a, const struct bpfe_place *b)
{
	const struct bpfe_state *x = a->waiting->state, *y = b->waiting->state;

	for (uint32_t f = 0; f < x->depth && f < y->depth; f++) {
		uint32_t at_x = position(x, a->pc, f), at_y = position(y, b->pc, f);

		if (at_x != at_y)
			return at_x < at_y;
	}
	return x->depth > y->depth;
}

static void swap(struct bpfe_places *p, uint32_t i, uint32_t k)
{
	struct bpfe_place *place = p->heap[i];

	p->heap[i] = p->heap[k];
	p->heap[k] = place;
}

static void sift_up(struct bpfe_places *p, uint32_t i)
{
	while (i && before(p->heap[i], p->heap[(i - 1) / 2])) {
		swap(p, i, (i - 1) / 2);
		i = (i - 1) / 2;
	}
}

static void sift_down(struct bpfe_places *p)
{
	uint32_t i = 0;

	for (;;) {
		uint32_t least = i;

		for (uint32_t k = 2 * i + 1; k < p->n && k <= 2 * i + 2; k++) {
			if (before(p->heap[k], p->heap[least]))
				least = k;
		}
		if (least == i)
			return;
		swap(p, i, least);
		i = least;
	}
}

/* ---- Places -------------------------------------------------------------------------------- */

static struct bpfe_places *open_places(struct bpfe_vf *vf)
{
	struct bpfe_places *p = bpfe_vf_alloc(vf, sizeof(*p));

	if (!p)
		return NULL;
	vf->places = p;
	p->at = bpfe_vf_alloc(vf, vf->image->n_insns * sizeof(*p->at));
	return p->at ? p : NULL;
}

static struct bpfe_place *find_place(struct bpfe_vf *vf, const struct bpfe_state *state,
				     uint32_t pc)
{
	struct bpfe_place *place = vf->places->at[pc];
	uint32_t hash = bpfe_calls_hash(state);

	for (; place; place = place->next) {
		vf->work++;
		if (place->calls == hash && bpfe_same_calls(place->waiting->state, state))
			return place;
	}
	return NULL;
}

static bool grow_heap(struct bpfe_vf *vf, struct bpfe_places *p)
{
	uint32_t room = p->room ? 2 * p->room : HEAP_ROOM;
	struct bpfe_place **heap = bpfe_vf_alloc(vf, room * sizeof(*heap));

	if (!heap)
		return false;
	if (p->n)
		memcpy(heap, p->heap, p->n * sizeof(*heap));
	bpfe_vf_free(vf, p->heap, p->room * sizeof(*heap));
	p->heap = heap;
	p->room = room;
	return true;
}

static int new_place(struct bpfe_vf *vf, struct waiting *first, uint32_t pc)
{
	struct bpfe_places *p = vf->places;
	struct bpfe_place *place;

	if (p->n == p->room && !grow_heap(vf, p))
		return bpfe_vf_no_memory(vf);
	place = bpfe_vf_alloc(vf, sizeof(*place));
	if (!place)
		return bpfe_vf_no_memory(vf);
	place->pc = pc;
	place->calls = bpfe_calls_hash(first->state);
	place->waiting = first;
	place->n = 1;
	place->next = p->at[pc];
	p->at[pc] = place;
	p->heap[p->n] = place;
	sift_up(p, p->n++);
	return 0;
}

/* ---- Waiting ------------------------------------------------------------------------------- */

/* Is @state, if it should not wait alone, made part of one that waits? Then it is freed. */
static int merge(struct bpfe_vf *vf, struct bpfe_place *place, struct bpfe_state *state,
		 bool *merged)
{
	struct waiting *same = NULL;
	struct bpfe_state *joined;
	uint32_t shape = 0;
	int err;

	*merged = false;
	for (struct waiting *w = place->waiting; w; w = w->next) {
		if (bpfe_state_in(vf, w->state, state, place->pc, false)) {
			bpfe_state_free(vf, state);
			*merged = true;
			return 0;
		}
		if (bpfe_same_shape(vf, w->state, state, place->pc)) {
			same = w;
			shape++;
		}
	}
	if (shape < bpfe_kept_apart(vf) && place->n < MOST)
		return 0;
	same = same ? same : place->waiting;
	err = bpfe_join(vf, same->state, state, place->pc, BPFE_JOIN_TIGHT, &joined);
	if (err || !joined)
		return err;
	bpfe_state_free(vf, same->state);
	bpfe_state_free(vf, state);
	same->state = joined;
	*merged = true;
	return 0;
}

static int add(struct bpfe_vf *vf, struct bpfe_place *place, struct bpfe_state *state, uint32_t pc,
	       const struct bpfe_path *path)
{
	struct waiting *w = bpfe_vf_alloc(vf, sizeof(*w));
	int err = 0;

	if (!w) {
		bpfe_state_free(vf, state);
		return bpfe_vf_no_memory(vf);
	}
	w->state = state;
	w->path = path;
	if (place) {
		w->next = place->waiting;
		place->waiting = w;
		place->n++;
		return 0;
	}
	err = new_place(vf, w, pc);
	if (err) {
		bpfe_state_free(vf, state);
		bpfe_vf_free(vf, w, sizeof(*w));
	}
	return err;
}

int bpfe_places_put(struct bpfe_vf *vf, struct bpfe_state *state, uint32_t pc,
		    const struct bpfe_path *path)
{
	struct bpfe_places *p = vf->places ? vf->places : open_places(vf);
	struct bpfe_place *place;
	bool merged = false;
	int err = p ? 0 : bpfe_vf_no_memory(vf);

	place = p ? find_place(vf, state, pc) : NULL;
	if (place)
		err = merge(vf, place, state, &merged);
	if (err) {
		bpfe_state_free(vf, state);
		return err;
	}
	return merged ? 0 : add(vf, place, state, pc, path);
}

static void close_place(struct bpfe_vf *vf, struct bpfe_place *place)
{
	struct bpfe_places *p = vf->places;
	struct bpfe_place **link = &p->at[place->pc];

	while (*link != place)
		link = &(*link)->next;
	*link = place->next;
	p->heap[0] = p->heap[--p->n];
	sift_down(p);
	bpfe_vf_free(vf, place, sizeof(*place));
}

bool bpfe_places_resume(struct bpfe_vf *vf)
{
	struct bpfe_places *p = vf->places;
	struct bpfe_place *place;
	struct waiting *w;

	if (!p || !p->n)
		return false;
	place = p->heap[0];
	w = place->waiting;
	vf->cur = w->state;
	vf->pc = place->pc;
	vf->path = w->path;
	vf->parent = NULL;
	if (place->n == 1) {
		close_place(vf, place);
	} else {
		place->waiting = w->next;
		place->n--;
	}
	bpfe_vf_free(vf, w, sizeof(*w));
	return true;
}

void bpfe_places_free(struct bpfe_vf *vf)
{
	struct bpfe_places *p = vf->places;

	if (!p)
		return;
	for (uint32_t i = 0; i < p->n; i++) {
		struct bpfe_place *place = p->heap[i];

		while (place->waiting) {
			struct waiting *w = place->waiting;

			place->waiting = w->next;
			bpfe_state_free(vf, w->state);
			bpfe_vf_free(vf, w, sizeof(*w));
		}
		bpfe_vf_free(vf, place, sizeof(*place));
	}
	bpfe_vf_free(vf, p->heap, p->room * sizeof(struct bpfe_place *));
	bpfe_vf_free(vf, p->at, vf->image->n_insns * sizeof(struct bpfe_place *));
	bpfe_vf_free(vf, p, sizeof(*p));
	vf->places = NULL;
}
