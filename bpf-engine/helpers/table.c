/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The helpers and kfuncs built in, found by id and by name. */
#include <pthread.h>
#include <string.h>
#include "helpers/helpers.h"

static const struct bpfe_helper *const families[] = {
	/* clang-format off */
	bpfe_basic_helpers,
	bpfe_bytes_helpers,
	bpfe_dynptr_helpers,
	bpfe_iter_helpers,
	bpfe_loop_helpers,
	bpfe_map_helpers,
	bpfe_metadata_helpers,
	bpfe_number_helpers,
	bpfe_redirect_helpers,
	bpfe_ring_dynptr_helpers,
	bpfe_route_helpers,
	bpfe_stream_helpers,
	bpfe_tail_call_helpers,
	bpfe_text_helpers,
	bpfe_time_helpers,
	bpfe_xdp_helpers,
	/* clang-format on */
};

#define N_HELPERS 256u /* ids the bitmap of bpfe_helpers_supported() has room for */
#define N_KFUNCS  (BPFE_KFUNC_END - BPFE_KFUNC_BASE)

static const struct bpfe_helper *helpers[N_HELPERS];
static const struct bpfe_helper *kfuncs[N_KFUNCS];
static pthread_once_t index_once = PTHREAD_ONCE_INIT;

static void build_index(void)
{
	for (size_t f = 0; f < sizeof(families) / sizeof(families[0]); f++) {
		for (const struct bpfe_helper *row = families[f]; row->name; row++) {
			if (row->id < N_HELPERS)
				helpers[row->id] = row;
			else if (row->id - BPFE_KFUNC_BASE < N_KFUNCS)
				kfuncs[row->id - BPFE_KFUNC_BASE] = row;
		}
	}
}

const struct bpfe_helper *bpfe_helper_by_id(uint32_t id)
{
	pthread_once(&index_once, build_index);
	if (id < N_HELPERS)
		return helpers[id];
	return id - BPFE_KFUNC_BASE < N_KFUNCS ? kfuncs[id - BPFE_KFUNC_BASE] : NULL;
}

uint32_t bpfe_kfunc_by_name(const char *name)
{
	pthread_once(&index_once, build_index);
	for (size_t k = 0; k < N_KFUNCS; k++) {
		if (kfuncs[k] && strcmp(kfuncs[k]->name, name) == 0)
			return kfuncs[k]->id;
	}
	return 0;
}

const char *bpfe_helper_name(uint32_t func_id)
{
	const struct bpfe_helper *helper = bpfe_helper_by_id(func_id);

	return helper ? helper->name : NULL;
}

static const char *name_at(const struct bpfe_helper *const *rows, size_t n, const void *address)
{
	for (size_t i = 0; i < n; i++) {
		if (rows[i] && (uintptr_t)rows[i]->fn == (uintptr_t)address)
			return rows[i]->name;
	}
	return NULL;
}

const char *bpfe_helper_at(const void *address)
{
	const char *name;

	pthread_once(&index_once, build_index);
	name = name_at(helpers, N_HELPERS, address);
	return name ? name : name_at(kfuncs, N_KFUNCS, address);
}

void bpfe_helpers_supported(uint64_t bitmap[4])
{
	memset(bitmap, 0, 4 * sizeof(bitmap[0]));
	for (uint32_t id = 0; id < N_HELPERS; id++) {
		if (bpfe_helper_by_id(id))
			bitmap[id / 64] |= 1ull << (id % 64);
	}
}
