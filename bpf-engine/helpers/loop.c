/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* bpf_loop(), with the limits and errors of Linux. */
#include <errno.h>
#include "helpers/helpers.h"

static BPFE_HELPER(loop)
{
	uint32_t rounds = (uint32_t)r1, i;

	if (r4)
		return bpfe_helper_error(-EINVAL);
	if (rounds > BPFE_MAX_LOOPS)
		return bpfe_helper_error(-E2BIG);
	for (i = 0; i < rounds; i++) {
		uint64_t stop = env->invoke(env, r2, i, r3, 0, 0, 0);

		if (env->abort)
			return 0;
		if (stop)
			return i + 1;
	}
	return i;
}

const struct bpfe_helper bpfe_loop_helpers[] = {
	{.id = BPF_FUNC_loop,
	 .name = "bpf_loop",
	 .fn = loop,
	 .ret = BPFE_RET_INTEGER,
	 .args = {BPFE_ARG_ANYTHING, BPFE_ARG_CALLBACK, BPFE_ARG_CALLBACK_CTX, BPFE_ARG_ANYTHING},
	 .calls_back = true,
	 .ret_ranged = true,
	 .ret_min = -4095,
	 .ret_max = BPFE_MAX_LOOPS},
	{0},
};
