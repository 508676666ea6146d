/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Open-coded iterators over numbers: bpf_iter_num_new(), _next(), _destroy(). An iterator is eight
 * bytes of the program's stack, which only these touch; the number handed out lies in them too. A
 * range that is refused leaves an empty iterator, so that a program need not look at the error.
 */
#include <errno.h>
#include "helpers/helpers.h"

struct iter_num {
	int32_t cur; /* handed out last; one below the first before that */
	int32_t end; /* one past the last */
};

_Static_assert(sizeof(struct iter_num) == 8, "what programs set aside");

static void make_empty(struct iter_num *it)
{
	it->cur = 0;
	it->end = 0;
}

static BPFE_HELPER(iter_num_new)
{
	struct iter_num *it = (struct iter_num *)(uintptr_t)r1;
	int32_t start = (int32_t)r2, end = (int32_t)r3;

	make_empty(it);
	if (start > end)
		return bpfe_helper_error(-EINVAL);
	if ((int64_t)end - start > BPFE_MAX_LOOPS)
		return bpfe_helper_error(-E2BIG);
	/* Wraps for the lowest start, and back again when the first number is handed out. */
	it->cur = (int32_t)((uint32_t)start - 1);
	it->end = end;
	return 0;
}

static BPFE_HELPER(iter_num_next)
{
	struct iter_num *it = (struct iter_num *)(uintptr_t)r1;
	int32_t next = (int32_t)((uint32_t)it->cur + 1);

	if (next >= it->end) {
		make_empty(it);
		return 0;
	}
	it->cur = next;
	return (uintptr_t)&it->cur;
}

static BPFE_HELPER(iter_num_destroy)
{
	make_empty((struct iter_num *)(uintptr_t)r1);
	return 0;
}

const struct bpfe_helper bpfe_iter_helpers[] = {
	{.id = BPFE_KFUNC_ITER_NUM_NEW,
	 .name = "bpf_iter_num_new",
	 .fn = iter_num_new,
	 .plain = true,
	 .ret = BPFE_RET_INTEGER,
	 .args = {BPFE_ARG_ITER_OUT, BPFE_ARG_ANYTHING, BPFE_ARG_ANYTHING}},
	{.id = BPFE_KFUNC_ITER_NUM_NEXT,
	 .name = "bpf_iter_num_next",
	 .fn = iter_num_next,
	 .plain = true,
	 .ret = BPFE_RET_ITER_NUM_OR_NULL,
	 .args = {BPFE_ARG_ITER}},
	{.id = BPFE_KFUNC_ITER_NUM_DESTROY,
	 .name = "bpf_iter_num_destroy",
	 .fn = iter_num_destroy,
	 .plain = true,
	 .ret = BPFE_RET_VOID,
	 .args = {BPFE_ARG_ITER_END}},
	{0},
};
