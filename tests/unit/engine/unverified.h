/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Programs that the verifier would refuse, run in the checked interpreter: what it must stop if a
 * proof was wrong.
 */
#ifndef TEST_UNVERIFIED_H
#define TEST_UNVERIFIED_H

#include <stdlib.h>
#include "harness.h"
#include "interp/interp.h"

struct unverified {
	struct bpfe_image image;
	struct bpfe_program prog;
	struct bpfe_map *map;
};

/* Decode @insns; every slot counts as seen, every function has @stack bytes. */
static inline void unverified_open(struct unverified *u, const struct bpf_insn *insns, size_t n,
				   struct bpfe_map *map, uint32_t stack)
{
	struct bpfe_map_binding binding = {7, map};
	struct load l;

	memset(u, 0, sizeof(*u));
	load_init(&l, insns, n);
	assert_int_equal(bpfe_image_open(&u->image, &l.attr, &l.log), 0);
	if (bpfe_decode(&u->image, &binding, map != NULL, &l.log))
		fail_msg("%s", l.text);
	for (uint32_t i = 0; i < u->image.n_insns; i++)
		u->image.aux[i].seen = true;
	for (uint32_t i = 0; i < u->image.n_subprogs; i++)
		u->image.subprogs[i].stack_bytes = stack;
	u->map = map;
}

/* Translate and run over @f, checked or trusting. */
static inline struct bpfe_result unverified_run(struct unverified *u, struct frame *f,
						uint32_t flags)
{
	struct bpfe_result result;

	u->prog.code = calloc(u->image.n_insns, sizeof(*u->prog.code));
	u->prog.slots = calloc(u->image.n_insns, sizeof(*u->prog.slots));
	u->prog.functions = calloc(u->image.n_subprogs, sizeof(*u->prog.functions));
	u->prog.type = BPF_PROG_TYPE_XDP;
	u->prog.maps = &u->map;
	u->prog.info.n_maps = u->map != NULL;
	u->prog.budget = 1000;
	u->prog.flags = flags;
	assert_int_equal(bpfe_translate(&u->image, &u->prog, NULL), 0);
	result = run(&u->prog, f);
	free(u->prog.code);
	free(u->prog.slots);
	free(u->prog.functions);
	return result;
}

static inline void unverified_close(struct unverified *u)
{
	bpfe_image_close(&u->image);
}

#endif
