/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#ifndef BPFE_ALLOC_H
#define BPFE_ALLOC_H

#include "bpf_engine.h"

/* @alloc, or the C heap if it is NULL. */
const struct bpfe_allocator *bpfe_allocator_or_heap(const struct bpfe_allocator *alloc);

static inline void *bpfe_alloc(const struct bpfe_allocator *a, size_t size, size_t align)
{
	return a->alloc(a->opaque, size, align);
}

/* @ptr may be NULL. */
static inline void bpfe_free(const struct bpfe_allocator *a, void *ptr, size_t size)
{
	if (ptr)
		a->free(a->opaque, ptr, size);
}

#endif
