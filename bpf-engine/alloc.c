/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The C heap as an allocator. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "alloc.h"

/* From here on storage begins at a huge page, and is of huge pages if the system has some. */
#define LARGE     ((size_t)1 << 21)
#define HUGE_PAGE ((size_t)1 << 21)

/*
 * A look-up in a large map goes anywhere in it, and then most of what it waits for is the walk of
 * page tables. calloc() leaves storage of such a size to the kernel, which zeroes it page by page
 * as it is first touched: what a map does not use costs nothing. The address to free lies before
 * the one that is given out.
 */
static void *large_alloc(size_t size)
{
	uint8_t *block, *start;
	size_t with_slack;

	if (__builtin_add_overflow(size, HUGE_PAGE + sizeof(void *), &with_slack))
		return NULL;
	block = calloc(1, with_slack);
	if (!block)
		return NULL;
	start = block + sizeof(void *);
	start += -(uintptr_t)start & (HUGE_PAGE - 1);
	((void **)(void *)start)[-1] = block;
	/* Only where whole pages are ours; without huge pages it stays as it is. */
	madvise(start, size & ~(HUGE_PAGE - 1), MADV_HUGEPAGE);
	return start;
}

static void large_free(void **start)
{
	free(start[-1]);
}

static void *heap_alloc(void *opaque, size_t size, size_t align)
{
	void *ptr;

	if (size >= LARGE)
		return align <= HUGE_PAGE ? large_alloc(size) : NULL;
	if (align <= _Alignof(max_align_t))
		return calloc(1, size);
	if (posix_memalign(&ptr, align, size))
		return NULL;
	return memset(ptr, 0, size);
}

static void heap_free(void *opaque, void *ptr, size_t size)
{
	if (size >= LARGE)
		large_free(ptr);
	else
		free(ptr);
}

const struct bpfe_allocator *bpfe_allocator_or_heap(const struct bpfe_allocator *alloc)
{
	static const struct bpfe_allocator heap = {.alloc = heap_alloc, .free = heap_free};

	return alloc ? alloc : &heap;
}
