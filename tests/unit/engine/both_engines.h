/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A program in the interpreter and compiled, over equal frames and maps: all must come out equal.
 */
#ifndef TEST_BOTH_ENGINES_H
#define TEST_BOTH_ENGINES_H

#include "harness.h"

/* What a compiled program may call for its helpers. */
enum calls {
	CALLS_NOTHING, /* what the helper does is all in place */
	CALLS_DIRECT,  /* a map's own function */
	CALLS_SLOW,    /* the helper, for what is seldom */
	CALLS_HELPER,
	CALLS_ANY,
};

struct both {
	const struct bpf_insn *insns;
	size_t n;
	struct bpfe_map *(*map)(void); /* one for each engine, so that they start alike; NULL: none
					*/
	void (*frame)(struct frame *f, const void *opaque); /* NULL: frame_init() as it is */
	const void *opaque;
	enum calls calls;
};

static inline struct bpfe_program *both_load(const struct both *t, struct bpfe_map *map,
					     enum bpfe_engine engine, uint32_t relax,
					     uint32_t flags)
{
	static char lir_text[1 << 16];
	struct bpfe_map_binding binding = {.id = 7, .map = map};
	struct bpfe_log lir = {.buf = lir_text, .size = sizeof(lir_text)};
	struct bpfe_program *prog;
	struct load l;

	memset(lir_text, 0, sizeof(lir_text));
	load_init(&l, t->insns, t->n);
	l.attr.engine = (uint8_t)engine;
	l.attr.relax = relax;
	l.attr.flags = flags;
	l.attr.maps = &binding;
	l.attr.n_maps = map != NULL;
	if (engine == BPFE_ENGINE_JIT)
		l.attr.lir = &lir;
	prog = load_ok(&l);
	if (engine == BPFE_ENGINE_JIT && relax == BPFE_RELAX_ALL && t->calls != CALLS_ANY) {
		bool helper = strstr(lir_text, "call helper"),
		     direct = strstr(lir_text, "call direct");

		assert_true(lir_text[0]);
		assert_int_equal(helper, t->calls == CALLS_HELPER || t->calls == CALLS_SLOW);
		assert_int_equal(direct, t->calls == CALLS_DIRECT);
	}
	return prog;
}

static inline struct bpfe_result both_run(const struct both *t, enum bpfe_engine engine,
					  uint32_t relax, uint32_t flags, struct frame *f)
{
	struct bpfe_map *map = t->map ? t->map() : NULL;
	struct bpfe_program *prog = both_load(t, map, engine, relax, flags);
	struct bpfe_result result;

	frame_init(f);
	if (t->frame)
		t->frame(f, t->opaque);
	result = run(prog, f);
	assert_int_equal(result.abort, BPFE_ABORT_NONE);
	bpfe_program_put(prog);
	bpfe_map_put(map);
	return result;
}

static inline void both_compare(const struct both *t, const struct bpfe_result *expected,
				const struct frame *expected_frame, uint32_t relax, uint32_t flags)
{
	struct bpfe_result result;
	struct frame f;

	result = both_run(t, BPFE_ENGINE_JIT, relax, flags, &f);
	assert_int_equal(result.r0, expected->r0);
	if (flags & BPFE_LOAD_COUNTED)
		assert_int_equal(result.insns, expected->insns);
	assert_int_equal(result.redirect.kind, expected->redirect.kind);
	assert_int_equal(result.redirect.index, expected->redirect.index);
	assert_int_equal(result.redirect.flags, expected->redirect.flags);
	assert_memory_equal(f.memory, expected_frame->memory, sizeof(f.memory));
	assert_int_equal(f.xdp.data - f.memory, expected_frame->xdp.data - expected_frame->memory);
	assert_int_equal(f.xdp.data_meta - f.memory,
			 expected_frame->xdp.data_meta - expected_frame->memory);
	assert_int_equal(f.xdp.data_end - f.memory,
			 expected_frame->xdp.data_end - expected_frame->memory);
}

/* Run it everywhere; r0. */
static inline uint64_t both(const struct both *t)
{
	struct bpfe_result expected;
	struct frame f;

	expected = both_run(t, BPFE_ENGINE_INTERP, 0, 0, &f);
	both_compare(t, &expected, &f, BPFE_RELAX_ALL, 0);
	both_compare(t, &expected, &f, BPFE_RELAX_ALL, BPFE_LOAD_COUNTED);
	both_compare(t, &expected, &f, 0, BPFE_LOAD_COUNTED);
	return expected.r0;
}

#endif
