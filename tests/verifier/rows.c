// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Rows of helpers that a build may lack, so that the rules for them are tested all the same. */
#include "internal.h"

const struct bpfe_helper *__real_bpfe_helper_by_id(uint32_t id);
const struct bpfe_helper *__wrap_bpfe_helper_by_id(uint32_t id);

static const struct bpfe_helper rows[] = {
	{.id = BPF_FUNC_tail_call,
	 .name = "bpf_tail_call",
	 .ret = BPFE_RET_VOID,
	 .args = {BPFE_ARG_CTX, BPFE_ARG_CONST_MAP, BPFE_ARG_ANYTHING}},
	{.id = BPF_FUNC_skb_vlan_pop,
	 .name = "bpf_skb_vlan_pop",
	 .args = {BPFE_ARG_CTX},
	 .types = BPFE_FOR_TC},
};

const struct bpfe_helper *__wrap_bpfe_helper_by_id(uint32_t id)
{
	const struct bpfe_helper *row = __real_bpfe_helper_by_id(id);

	for (size_t i = 0; !row && i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].id == id)
			row = &rows[i];
	}
	return row;
}
