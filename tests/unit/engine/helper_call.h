/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Calling a helper as the interpreter does, without a program: for results and effects. */
#ifndef TEST_HELPER_CALL_H
#define TEST_HELPER_CALL_H

#include "harness.h"
#include "internal.h"

#define P(pointer) ((uint64_t)(uintptr_t)(pointer))

/* A run over @f on processor @cpu. */
static inline struct bpfe_run_env env_over(struct frame *f, uint32_t cpu)
{
	return (struct bpfe_run_env){.xdp = &f->xdp, .cpu = cpu};
}

/* Call helper or kfunc @id; the test fails if it is not built. */
static inline int64_t call(struct bpfe_run_env *env, uint32_t id, uint64_t r1, uint64_t r2,
			   uint64_t r3, uint64_t r4, uint64_t r5)
{
	const struct bpfe_helper *helper = bpfe_helper_by_id(id);

	assert_non_null(helper);
	return (int64_t)helper->fn(env, r1, r2, r3, r4, r5);
}

#endif
