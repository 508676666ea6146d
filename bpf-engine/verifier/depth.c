// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * The depth of stack that calls add up to.
 *
 * A function that takes another's address counts as calling it; what exploration saw called
 * otherwise (callbacks and indirect calls whose address came from elsewhere) counts too. Each
 * function's deepest chain is the longest path over these calls, found by going over all of them
 * until nothing grows. Chains have at most as many links as there may be frames, so that this is
 * soon; if it is not, functions call one another in a cycle.
 *
 * A program that a tail call leads to has a stack of its own, so callers of a function that makes
 * one may use less, as in Linux.
 */
#include "verifier/flow.h"

#define MAX_BELOW_TAIL_CALL 256u /* bytes of stack in the callers' frames: less than this */

struct depths {
	uint32_t *below;  /* by function: deepest chain of what it calls, without itself */
	uint32_t *above;  /* deepest chain of its callers */
	uint32_t *frames; /* longest chain of what it calls, itself included */
	bool grown;
};

static void add_call(const struct bpfe_image *image, struct depths *d, uint32_t caller,
		     uint32_t callee)
{
	uint32_t below = image->subprogs[callee].stack_bytes + d->below[callee];
	uint32_t above = image->subprogs[caller].stack_bytes + d->above[caller];

	if (d->frames[callee] + 1 > d->frames[caller]) {
		d->frames[caller] = d->frames[callee] + 1;
		d->grown = true;
	}
	if (below > d->below[caller]) {
		d->below[caller] = below;
		d->grown = true;
	}
	if (above > d->above[callee]) {
		d->above[callee] = above;
		d->grown = true;
	}
}

static void add_all_calls(const struct bpfe_vf *vf, struct depths *d)
{
	const struct bpfe_image *image = vf->image;

	d->grown = false;
	for (uint32_t i = 0; i < image->n_insns; i++) {
		uint32_t callee = bpfe_flow_callee(image, i);

		if (callee == UINT32_MAX)
			callee = bpfe_flow_address(image, i);
		if (callee != UINT32_MAX && image->aux[i].seen)
			add_call(image, d, image->aux[i].subprog, callee);
		i += bpfe_is_wide(&image->insns[i]);
	}
	for (uint32_t k = 0; k < vf->flow->n_calls; k++)
		add_call(image, d, vf->flow->calls[k].caller, vf->flow->calls[k].callee);
}

static int check_limits(struct bpfe_vf *vf, const struct depths *d)
{
	struct bpfe_image *image = vf->image;
	uint32_t limit = BPFE_STACK_SIZE;

	if (image->max_stack && image->max_stack < limit)
		limit = image->max_stack;
	image->stack_bytes = image->subprogs[0].stack_bytes + d->below[0];
	for (uint32_t f = 1; f < image->n_subprogs; f++) {
		if (!image->subprogs[f].has_tail_call || d->above[f] < MAX_BELOW_TAIL_CALL)
			continue;
		vf->pc = image->subprogs[f].start;
		return bpfe_vf_refuse_err(vf, -E2BIG, BPFE_TOO_LARGE,
					  "less than 256 bytes of stack in the callers of a "
					  "function that makes tail calls",
					  "this function makes a tail call and its callers use %u "
					  "bytes of stack",
					  d->above[f]);
	}
	if (image->stack_bytes <= limit)
		return 0;
	vf->pc = 0;
	return bpfe_vf_refuse_err(
		vf, -E2BIG, BPFE_TOO_LARGE, "less stack, or fewer nested calls",
		"the deepest chain of calls needs %u bytes of stack, at most %u are "
		"allowed",
		image->stack_bytes, limit);
}

int bpfe_check_stack_depth(struct bpfe_vf *vf)
{
	uint32_t n = vf->image->n_subprogs, times = 0;
	struct depths d = {.below = calloc(n, sizeof(*d.below)),
			   .above = calloc(n, sizeof(*d.above)),
			   .frames = calloc(n, sizeof(*d.frames)),
			   .grown = true};
	int err = 0;

	if (!d.below || !d.above || !d.frames)
		err = bpfe_vf_no_memory(vf);
	while (!err && d.grown && times++ <= BPFE_MAX_FRAMES)
		add_all_calls(vf, &d);
	/* Global functions are followed apart, so exploration has not seen whole chains. */
	if (!err && (d.grown || d.frames[0] >= BPFE_MAX_FRAMES)) {
		vf->pc = 0;
		err = bpfe_vf_refuse_err(vf, -E2BIG, BPFE_TOO_LARGE, "at most 8 frames",
					 "a chain of calls is longer than %u frames",
					 BPFE_MAX_FRAMES);
	}
	if (!err)
		err = check_limits(vf, &d);
	free(d.below);
	free(d.above);
	free(d.frames);
	return err;
}
