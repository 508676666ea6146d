/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The allocator the engine gets: the C heap behind a limit. */
#include <stdlib.h>
#include <string.h>

#include "fw_internal.h"

static bool charge(struct fw_memory *memory, size_t size)
{
	size_t used = atomic_load(&memory->used);

	do {
		if (size > memory->limit || used > memory->limit - size)
			return false;
	} while (!atomic_compare_exchange_weak(&memory->used, &used, used + size));
	return true;
}

static void *memory_alloc(void *opaque, size_t size, size_t align)
{
	struct fw_memory *memory = opaque;
	void *ptr = NULL;

	if (!charge(memory, size))
		return NULL;
	/* calloc() leaves zeroing large storage to the kernel, page by page when it is touched. */
	if (align <= _Alignof(max_align_t))
		ptr = calloc(1, size);
	else if (!posix_memalign(&ptr, align, size))
		memset(ptr, 0, size);
	else
		ptr = NULL;
	if (!ptr)
		atomic_fetch_sub(&memory->used, size);
	return ptr;
}

static void memory_free(void *opaque, void *ptr, size_t size)
{
	struct fw_memory *memory = opaque;

	if (!ptr)
		return;
	free(ptr);
	atomic_fetch_sub(&memory->used, size);
}

void fw_memory_init(struct fw_memory *memory, size_t limit)
{
	atomic_init(&memory->used, 0);
	memory->limit = limit;
	memory->alloc = (struct bpfe_allocator){
		.alloc = memory_alloc, .free = memory_free, .opaque = memory};
}
