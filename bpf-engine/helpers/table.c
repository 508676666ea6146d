/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The helpers built in, with the types the verifier holds a call against. */
#include <string.h>
#include "helpers/helpers.h"

/* Indexed by BPF_FUNC id; no name: not built. */
static const struct bpfe_helper helpers[] = {
	[BPF_FUNC_map_lookup_elem] = {.id = BPF_FUNC_map_lookup_elem,
				      .name = "bpf_map_lookup_elem",
				      .fn = bpfe_helper_map_lookup_elem,
				      .ret = BPFE_RET_MAP_VALUE_OR_NULL,
				      .args = {BPFE_ARG_CONST_MAP, BPFE_ARG_MAP_KEY}},
	[BPF_FUNC_map_update_elem] = {.id = BPF_FUNC_map_update_elem,
				      .name = "bpf_map_update_elem",
				      .fn = bpfe_helper_map_update_elem,
				      .ret = BPFE_RET_INTEGER,
				      .args = {BPFE_ARG_CONST_MAP, BPFE_ARG_MAP_KEY,
					       BPFE_ARG_MAP_VALUE, BPFE_ARG_ANYTHING}},
	[BPF_FUNC_map_delete_elem] = {.id = BPF_FUNC_map_delete_elem,
				      .name = "bpf_map_delete_elem",
				      .fn = bpfe_helper_map_delete_elem,
				      .ret = BPFE_RET_INTEGER,
				      .args = {BPFE_ARG_CONST_MAP, BPFE_ARG_MAP_KEY}},
	[BPF_FUNC_ktime_get_ns] = {.id = BPF_FUNC_ktime_get_ns,
				   .name = "bpf_ktime_get_ns",
				   .fn = bpfe_helper_ktime_get_ns,
				   .ret = BPFE_RET_INTEGER},
	[BPF_FUNC_get_prandom_u32] = {.id = BPF_FUNC_get_prandom_u32,
				      .name = "bpf_get_prandom_u32",
				      .fn = bpfe_helper_get_prandom_u32,
				      .ret = BPFE_RET_INTEGER},
	[BPF_FUNC_get_smp_processor_id] = {.id = BPF_FUNC_get_smp_processor_id,
					   .name = "bpf_get_smp_processor_id",
					   .fn = bpfe_helper_get_smp_processor_id,
					   .ret = BPFE_RET_INTEGER},
	[BPF_FUNC_xdp_adjust_head] = {.id = BPF_FUNC_xdp_adjust_head,
				      .name = "bpf_xdp_adjust_head",
				      .fn = bpfe_helper_xdp_adjust_head,
				      .ret = BPFE_RET_INTEGER,
				      .args = {BPFE_ARG_CTX, BPFE_ARG_ANYTHING},
				      .moves_packet = true},
	[BPF_FUNC_xdp_adjust_meta] = {.id = BPF_FUNC_xdp_adjust_meta,
				      .name = "bpf_xdp_adjust_meta",
				      .fn = bpfe_helper_xdp_adjust_meta,
				      .ret = BPFE_RET_INTEGER,
				      .args = {BPFE_ARG_CTX, BPFE_ARG_ANYTHING},
				      .moves_packet = true},
	[BPF_FUNC_xdp_adjust_tail] = {.id = BPF_FUNC_xdp_adjust_tail,
				      .name = "bpf_xdp_adjust_tail",
				      .fn = bpfe_helper_xdp_adjust_tail,
				      .ret = BPFE_RET_INTEGER,
				      .args = {BPFE_ARG_CTX, BPFE_ARG_ANYTHING},
				      .moves_packet = true},
};

#define N_HELPERS (sizeof(helpers) / sizeof(helpers[0]))
_Static_assert(N_HELPERS <= 256, "helper ids fit the bitmap");

const struct bpfe_helper *bpfe_helper_by_id(uint32_t id)
{
	return id < N_HELPERS && helpers[id].name ? &helpers[id] : NULL;
}

const char *bpfe_helper_name(uint32_t func_id)
{
	const struct bpfe_helper *helper = bpfe_helper_by_id(func_id);

	return helper ? helper->name : NULL;
}

void bpfe_helpers_supported(uint64_t bitmap[4])
{
	memset(bitmap, 0, 4 * sizeof(bitmap[0]));
	for (uint32_t id = 0; id < N_HELPERS; id++) {
		if (helpers[id].name)
			bitmap[id / 64] |= 1ull << (id % 64);
	}
}
