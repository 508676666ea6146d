/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The opaque pages: what a guest's programs and the policy agree upon between themselves. The
 * policy gets a snapshot of one line and answers with another, so that what it decided can be
 * replayed; nobody here looks at what is in them.
 */
#include <string.h>

#include "vm.h"

static struct pvs_opaque_line *line_of(struct pvs_opaque_page *page, uint32_t vcpu)
{
	return &page->line[vcpu % PVS_OPAQUE_LINES];
}

void pvs_opaque_read(struct pvs_vm *vm, uint32_t vcpu, __u64 *words)
{
	const struct pvs_opaque_line *line;

	if (!(vm->features & PVS_F_OPAQUE) || !vm->guest || !pvs_pages_enter(vm))
		return;
	line = line_of((struct pvs_opaque_page *)&vm->guest[vm->n_vcpus], vcpu);
	for (unsigned i = 0; i < PVS_OPAQUE_WORDS; i++)
		words[i] = __atomic_load_n(&line->word[i], __ATOMIC_RELAXED);
	pvs_pages_leave(vm);
}

/* Lines [@first, @first + @n) as they were last published. Pages are entered. */
static void store(struct pvs_vm *vm, uint32_t first, uint32_t n)
{
	struct pvs_opaque_page *page = (struct pvs_opaque_page *)&vm->host[vm->n_vcpus];

	for (uint32_t i = first; i < first + n; i++) {
		for (unsigned w = PVS_OPAQUE_WORDS - 1; w; w--)
			__atomic_store_n(&page->line[i].word[w], vm->opaque_shown.line[i].word[w],
					 __ATOMIC_RELAXED);
		__atomic_store_n(&page->line[i].word[0], vm->opaque_shown.line[i].word[0],
				 __ATOMIC_RELEASE);
	}
	if (vm->ops && vm->ops->host_dirty)
		vm->ops->host_dirty(vm->opaque,
				    (size_t)vm->n_vcpus * PVS_PAGE_STRIDE +
					    first * sizeof(struct pvs_opaque_line),
				    n * sizeof(struct pvs_opaque_line));
}

static void publish(struct pvs_vm *vm, uint32_t first, uint32_t n)
{
	if (!vm->host || !pvs_pages_enter(vm))
		return;
	store(vm, first, n);
	pvs_pages_leave(vm);
}

void pvs_opaque_publish(struct pvs_vm *vm, uint32_t vcpu, const __u64 *words)
{
	struct pvs_opaque_line *shown = line_of(&vm->opaque_shown, vcpu);

	if (!(vm->features & PVS_F_OPAQUE) || !memcmp(shown, words, sizeof(*shown)))
		return;
	memcpy(shown, words, sizeof(*shown));
	publish(vm, vcpu % PVS_OPAQUE_LINES, 1);
}

void pvs_opaque_clear(struct pvs_vm *vm)
{
	if (!(vm->features & PVS_F_OPAQUE))
		return;
	memset(&vm->opaque_shown, 0, sizeof(vm->opaque_shown));
	publish(vm, 0, PVS_OPAQUE_LINES);
}

void pvs_opaque_publish_again(struct pvs_vm *vm)
{
	if (vm->features & PVS_F_OPAQUE)
		publish(vm, 0, PVS_OPAQUE_LINES);
}
