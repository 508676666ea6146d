/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The C heap as an allocator. */
#include <stdlib.h>
#include <string.h>
#include "alloc.h"

static void *heap_alloc(void *opaque, size_t size, size_t align)
{
	void *ptr;

	/* calloc() leaves large storage to the kernel to zero when it is first touched. */
	if (align <= _Alignof(max_align_t))
		return calloc(1, size);
	if (posix_memalign(&ptr, align, size))
		return NULL;
	return memset(ptr, 0, size);
}

static void heap_free(void *opaque, void *ptr, size_t size)
{
	free(ptr);
}

const struct bpfe_allocator *bpfe_allocator_or_heap(const struct bpfe_allocator *alloc)
{
	static const struct bpfe_allocator heap = {.alloc = heap_alloc, .free = heap_free};

	return alloc ? alloc : &heap;
}
