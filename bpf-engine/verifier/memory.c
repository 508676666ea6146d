// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Memory of a verification. All that states need is counted, so that a program cannot use up the
 * host's. What is of one size is cut from slabs and used again; stacks are of many sizes.
 */
#include <stdatomic.h>
#include <stddef.h>
#include "verifier/verifier.h"

void *bpfe_vf_alloc(struct bpfe_vf *vf, size_t size)
{
	void *ptr;

	if (vf->bytes + size > BPFE_VF_MEMORY)
		return NULL;
	ptr = calloc(1, size);
	if (!ptr)
		return NULL;
	vf->bytes += size;
	if (vf->bytes > vf->peak)
		vf->peak = vf->bytes;
	return ptr;
}

void *bpfe_vf_alloc_raw(struct bpfe_vf *vf, size_t size)
{
	void *ptr = vf->bytes + size > BPFE_VF_MEMORY ? NULL : malloc(size);

	if (!ptr)
		return NULL;
	vf->bytes += size;
	if (vf->bytes > vf->peak)
		vf->peak = vf->bytes;
	return ptr;
}

void bpfe_vf_free(struct bpfe_vf *vf, void *ptr, size_t size)
{
	if (!ptr)
		return;
	vf->bytes -= size;
	free(ptr);
}

/* Frames and states come and go: those given back are kept for the next. */
struct bpfe_vf_spare {
	struct bpfe_vf_spare *next;
};

/* What they are cut from, some of one size at a time. */
struct bpfe_vf_slab {
	struct bpfe_vf_slab *next;
	size_t bytes;
	_Alignas(max_align_t) unsigned char room[];
};

#define SLAB_BYTES 16384u

/* Of stacks, which are of many sizes, only so much is kept. */
#define SPARE_BYTES (1u << 20)

/*
 * The slabs of the last verification, for the next: memory that the process gave back would come
 * back page by page, each with a fault, which takes as long as a third of the verification.
 */
#define KEPT_SLABS 128u
static _Atomic(struct bpfe_vf_slab *) kept_slabs;

static struct bpfe_vf_slab *new_slab(struct bpfe_vf *vf, size_t bytes)
{
	struct bpfe_vf_slab *slab = bytes == SLAB_BYTES ? vf->unused_slabs : NULL;

	if (slab)
		vf->unused_slabs = slab->next;
	else
		slab = malloc(sizeof(*slab) + bytes);
	if (!slab)
		return NULL;
	slab->bytes = bytes;
	slab->next = vf->slabs;
	vf->slabs = slab;
	return slab;
}

/* Put as many of @size bytes as fit a slab, at least one, on the list. */
static void fill_spare(struct bpfe_vf *vf, struct bpfe_vf_spare **spare, size_t size)
{
	const size_t align = _Alignof(max_align_t), each = (size + align - 1) / align * align;
	const size_t n = each < SLAB_BYTES ? SLAB_BYTES / each : 1;
	struct bpfe_vf_slab *slab = new_slab(vf, n > 1 ? SLAB_BYTES : each);

	if (!slab)
		return;
	for (size_t i = n; i > 0; i--) {
		struct bpfe_vf_spare *ptr = (void *)(slab->room + (i - 1) * each);

		ptr->next = *spare;
		*spare = ptr;
	}
}

void *bpfe_vf_take(struct bpfe_vf *vf, struct bpfe_vf_spare **spare, size_t size)
{
	struct bpfe_vf_spare *ptr;

	if (vf->bytes + size > BPFE_VF_MEMORY)
		return NULL;
	if (!*spare)
		fill_spare(vf, spare, size);
	ptr = *spare;
	if (!ptr)
		return NULL;
	*spare = ptr->next;
	vf->bytes += size;
	if (vf->bytes > vf->peak)
		vf->peak = vf->bytes;
	return ptr;
}

void bpfe_vf_give(struct bpfe_vf *vf, struct bpfe_vf_spare **spare, void *ptr, size_t size)
{
	struct bpfe_vf_spare *given = ptr;

	vf->bytes -= size;
	given->next = *spare;
	*spare = given;
}

void *bpfe_vf_reuse(struct bpfe_vf *vf, struct bpfe_vf_spare **spare, size_t size)
{
	struct bpfe_vf_spare *ptr = *spare;

	if (!ptr || vf->bytes + size > BPFE_VF_MEMORY)
		return bpfe_vf_alloc_raw(vf, size);
	*spare = ptr->next;
	vf->spare_bytes -= size;
	vf->bytes += size;
	if (vf->bytes > vf->peak)
		vf->peak = vf->bytes;
	return ptr;
}

void bpfe_vf_retire(struct bpfe_vf *vf, struct bpfe_vf_spare **spare, void *ptr, size_t size)
{
	if (vf->spare_bytes + size > SPARE_BYTES) {
		bpfe_vf_free(vf, ptr, size);
		return;
	}
	vf->spare_bytes += size;
	bpfe_vf_give(vf, spare, ptr, size);
}

static void free_spare(struct bpfe_vf_spare *spare)
{
	while (spare) {
		struct bpfe_vf_spare *next = spare->next;

		free(spare);
		spare = next;
	}
}

/* Move slabs that can be used again from @slab on to *@kept while there is @room, free the others.
 */
static void retire_slabs(struct bpfe_vf_slab *slab, struct bpfe_vf_slab **kept, uint32_t *room)
{
	while (slab) {
		struct bpfe_vf_slab *next = slab->next;

		if (slab->bytes == SLAB_BYTES && *room) {
			slab->next = *kept;
			*kept = slab;
			--*room;
		} else {
			free(slab);
		}
		slab = next;
	}
}

void bpfe_vf_memory_begin(struct bpfe_vf *vf)
{
	vf->unused_slabs = atomic_exchange(&kept_slabs, NULL);
}

/* Another verification may have come between: then what it kept makes place. */
void bpfe_vf_memory_end(struct bpfe_vf *vf)
{
	uint32_t room = KEPT_SLABS, none = 0;
	struct bpfe_vf_slab *kept = NULL;

	retire_slabs(vf->slabs, &kept, &room);
	retire_slabs(vf->unused_slabs, &kept, &room);
	retire_slabs(atomic_exchange(&kept_slabs, kept), NULL, &none);
	for (uint32_t n = 0; n <= BPFE_STACK_SLOTS; n++)
		free_spare(vf->spare_stacks[n]);
}
