/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * bpf_tail_call: to the verifier a helper; a run does not call it, because the translator makes an
 * operation of its own of it, which replaces the running function.
 */
#include "helpers/helpers.h"

static BPFE_HELPER(tail_call)
{
	return 0;
}

const struct bpfe_helper bpfe_tail_call_helpers[] = {
	{.id = BPF_FUNC_tail_call,
	 .name = "bpf_tail_call",
	 .fn = tail_call,
	 .ret = BPFE_RET_VOID,
	 .args = {BPFE_ARG_CTX, BPFE_ARG_CONST_MAP, BPFE_ARG_ANYTHING},
	 .types = BPFE_FOR_XDP | BPFE_FOR_TC},
	{0},
};
