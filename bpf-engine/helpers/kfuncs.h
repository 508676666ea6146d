/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Ids of the kfuncs built in. Programs name kfuncs; the loader and the tests turn names into these
 * by bpfe_kfunc_by_name(), so an id means nothing outside one build.
 */
#ifndef BPFE_KFUNCS_H
#define BPFE_KFUNCS_H

#include "internal.h"

enum bpfe_kfunc {
	BPFE_KFUNC_ITER_NUM_NEW = BPFE_KFUNC_BASE,
	BPFE_KFUNC_ITER_NUM_NEXT,
	BPFE_KFUNC_ITER_NUM_DESTROY,
	BPFE_KFUNC_DYNPTR_FROM_XDP,
	BPFE_KFUNC_DYNPTR_SLICE,
	BPFE_KFUNC_DYNPTR_SLICE_RDWR,
	BPFE_KFUNC_DYNPTR_ADJUST,
	BPFE_KFUNC_DYNPTR_IS_NULL,
	BPFE_KFUNC_DYNPTR_IS_RDONLY,
	BPFE_KFUNC_DYNPTR_SIZE,
	BPFE_KFUNC_DYNPTR_CLONE,
	BPFE_KFUNC_XDP_METADATA_RX_TIMESTAMP,
	BPFE_KFUNC_XDP_METADATA_RX_HASH,
	BPFE_KFUNC_XDP_METADATA_RX_VLAN_TAG,
	BPFE_KFUNC_END
};

#endif
