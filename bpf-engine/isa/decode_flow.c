/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Decoding, second half: the shape of the program. Calls, and taking a function's address, split it
 * into functions; jumps stay within
 * their function and never land in the second slot of a ld_imm64; no function's last instruction
 * lets control run off its end. Code that nothing reaches is allowed: the verifier marks what it
 * saw, and the rest becomes traps.
 */
#include <errno.h>
#include <stdlib.h>
#include "isa/isa.h"

/* What is known of a slot. */
enum {
	SECOND_SLOT = 1,
	FUNCTION_START = 2,
};

static uint8_t form_at(const struct bpfe_image *image, uint32_t i)
{
	return bpfe_opcode_find(&image->insns[i])->form;
}

static void mark_second_slots(const struct bpfe_image *image, uint8_t *slots)
{
	for (uint32_t i = 0; i < image->n_insns; i++) {
		if (bpfe_is_wide(&image->insns[i]))
			slots[++i] |= SECOND_SLOT;
	}
}

/* The slot that instruction @i calls or takes the address of is a function's first. */
static int mark_function(const struct bpfe_image *image, uint8_t *slots, uint32_t i,
			 struct bpfe_log *log)
{
	uint8_t form = form_at(image, i);
	int64_t target = bpfe_jump_target(&image->insns[i], form, i);
	const char *what = form == BPFE_FORM_CALL_LOCAL ? "call to" : "address of the function at";

	if (target < 0 || target >= image->n_insns)
		return bpfe_decode_refuse(image, log, i, BPFE_BAD_CONTROL,
					  "%s %lld is outside the program of %u slots", what,
					  (long long)target, image->n_insns);
	if (slots[target] & SECOND_SLOT)
		return bpfe_decode_refuse(image, log, i, BPFE_BAD_CONTROL,
					  "%s %lld, the second slot of a ld_imm64", what,
					  (long long)target);
	if (form == BPFE_FORM_LD_FUNC && target == 0)
		return bpfe_decode_refuse(image, log, i, BPFE_BAD_CONTROL,
					  "address of the main program, which nothing may call");
	slots[target] |= FUNCTION_START;
	return 0;
}

static int mark_functions(const struct bpfe_image *image, uint8_t *slots, struct bpfe_log *log)
{
	slots[0] |= FUNCTION_START;
	for (uint32_t i = 0; i < image->n_insns; i++) {
		uint8_t form;
		int err;

		if (slots[i] & SECOND_SLOT)
			continue;
		form = form_at(image, i);
		if (form != BPFE_FORM_CALL_LOCAL && form != BPFE_FORM_LD_FUNC)
			continue;
		err = mark_function(image, slots, i, log);
		if (err)
			return err;
	}
	return 0;
}

static int collect_functions(struct bpfe_image *image, const uint8_t *slots, struct bpfe_log *log)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < image->n_insns; i++)
		n += (slots[i] & FUNCTION_START) != 0;
	image->subprogs = calloc(n, sizeof(*image->subprogs));
	if (!image->subprogs)
		return bpfe_refuse(log, -ENOMEM, BPFE_NO_MEMORY, 0,
				   "out of memory for %u functions", n);
	image->n_subprogs = n;
	n = 0;
	for (uint32_t i = 0; i < image->n_insns; i++) {
		if (slots[i] & FUNCTION_START)
			image->subprogs[n++].start = i;
		image->subprogs[n - 1].end = i + 1;
		image->aux[i].subprog = n - 1;
	}
	return 0;
}

/* Functions whose address is taken. */
static void find_callbacks(struct bpfe_image *image, const uint8_t *slots)
{
	for (uint32_t i = 0; i < image->n_insns; i++) {
		int64_t target;

		if ((slots[i] & SECOND_SLOT) || form_at(image, i) != BPFE_FORM_LD_FUNC)
			continue;
		target = bpfe_jump_target(&image->insns[i], BPFE_FORM_LD_FUNC, i);
		image->aux[i].callee = image->aux[target].subprog;
		image->subprogs[image->aux[i].callee].is_callback = true;
	}
}

/* What BTF says of each function; both lists are sorted. */
static void link_function_info(struct bpfe_image *image)
{
	uint32_t f = 0;

	for (uint32_t s = 0; s < image->n_subprogs; s++) {
		while (f < image->n_funcs && image->funcs[f].start < image->subprogs[s].start)
			f++;
		if (f < image->n_funcs && image->funcs[f].start == image->subprogs[s].start)
			image->subprogs[s].info = &image->funcs[f];
	}
}

static int check_jump(const struct bpfe_image *image, const uint8_t *slots, uint32_t i,
		      struct bpfe_log *log)
{
	const struct bpfe_subprog *function = &image->subprogs[image->aux[i].subprog];
	uint8_t form = form_at(image, i);
	int64_t target = bpfe_jump_target(&image->insns[i], form, i);

	if (!bpfe_form_jumps(form))
		return 0;
	if (target < function->start || target >= function->end)
		return bpfe_decode_refuse(image, log, i, BPFE_BAD_CONTROL,
					  "jump to %lld is outside its function, slots %u to %u",
					  (long long)target, function->start, function->end - 1);
	if (slots[target] & SECOND_SLOT)
		return bpfe_decode_refuse(image, log, i, BPFE_BAD_CONTROL,
					  "jump to %lld, the second slot of a ld_imm64",
					  (long long)target);
	return 0;
}

static int check_end(const struct bpfe_image *image, const uint8_t *slots,
		     const struct bpfe_subprog *function, struct bpfe_log *log)
{
	uint32_t last = function->end - 1;
	uint8_t form;

	if (slots[last] & SECOND_SLOT)
		last--;
	form = form_at(image, last);
	if (form == BPFE_FORM_EXIT || form == BPFE_FORM_JA || form == BPFE_FORM_GOTOL)
		return 0;
	return bpfe_decode_refuse(image, log, last, BPFE_BAD_CONTROL,
				  "last instruction of the function at %u is neither exit nor a "
				  "jump",
				  function->start);
}

static int check_flow(struct bpfe_image *image, uint8_t *slots, struct bpfe_log *log)
{
	int err;

	mark_second_slots(image, slots);
	err = mark_functions(image, slots, log);
	if (err)
		return err;
	err = collect_functions(image, slots, log);
	if (err)
		return err;
	find_callbacks(image, slots);
	link_function_info(image);
	for (uint32_t i = 0; i < image->n_insns; i++) {
		if (slots[i] & SECOND_SLOT)
			continue;
		err = check_jump(image, slots, i, log);
		if (err)
			return err;
	}
	for (uint32_t f = 0; f < image->n_subprogs; f++) {
		err = check_end(image, slots, &image->subprogs[f], log);
		if (err)
			return err;
	}
	return 0;
}

int bpfe_decode_flow(struct bpfe_image *image, struct bpfe_log *log)
{
	uint8_t *slots = calloc(image->n_insns, 1);
	int err;

	if (!slots)
		return bpfe_refuse(log, -ENOMEM, BPFE_NO_MEMORY, 0, "out of memory for %u slots",
				   image->n_insns);
	err = check_flow(image, slots, log);
	free(slots);
	return err;
}
