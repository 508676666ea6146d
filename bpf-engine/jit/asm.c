/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The assembler as an object: its buffer, labels and marks, and the end, where every jump gets its
 * shortest form.
 *
 * Relaxation: all jumps begin as short as they can be. Going over the code again and again, a jump
 * that does not reach grows, and never shrinks again; when none grew, all reach. As growing only
 * moves things apart (alignment, which can absorb a byte, apart) this is the smallest solution.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif
#include "jit/asm_fixup.h"
#include "jit/jit.h"

/* Asking the processor takes long where it is a virtual one: once is enough. */
static struct {
	pthread_once_t once;
	bool bmi1, bmi2, movbe;
} processor = {.once = PTHREAD_ONCE_INIT};

static void processor_ask(void)
{
#if defined(__x86_64__)
	unsigned eax, ebx, ecx, edx;

	if (__get_cpuid(1, &eax, &ebx, &ecx, &edx))
		processor.movbe = ecx & bit_MOVBE;
	if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) {
		processor.bmi1 = ebx & bit_BMI;
		processor.bmi2 = ebx & bit_BMI2;
	}
#endif
}

void jit_asm_init(struct jit_asm *as)
{
	pthread_once(&processor.once, processor_ask);
	memset(as, 0, sizeof(*as));
	as->bmi1 = processor.bmi1;
	as->bmi2 = processor.bmi2;
	as->movbe = processor.movbe;
}

void jit_asm_free(struct jit_asm *as)
{
	free(as->buf);
	free(as->fixups);
	free(as->labels);
	free(as->marks);
	memset(as, 0, sizeof(*as));
}

uint32_t jit_label(struct jit_asm *as)
{
	struct jit_label_place *labels;

	if (as->failed)
		return 0;
	labels = asm_array(as, as->labels, as->n_labels + 1, &as->room_labels, sizeof(*labels));
	if (as->failed)
		return 0;
	as->labels = labels;
	labels[as->n_labels].offset = UINT32_MAX;
	return as->n_labels++;
}

void jit_bind(struct jit_asm *as, uint32_t label)
{
	if (as->failed)
		return;
	if (label >= as->n_labels || as->labels[label].offset != UINT32_MAX) {
		as->failed = true;
		return;
	}
	as->labels[label].offset = (uint32_t)as->len;
	as->labels[label].n_fixups = as->n_fixups;
}

/* Append a mark; one that nothing stands behind but another is replaced by that. */
static void mark_put(struct bpfe_jit_mark *marks, uint32_t *n, struct bpfe_jit_mark mark)
{
	if (*n && marks[*n - 1].offset == mark.offset)
		--*n;
	if (*n && marks[*n - 1].slot == mark.slot)
		return;
	marks[(*n)++] = mark;
}

void jit_mark(struct jit_asm *as, uint32_t slot)
{
	if (as->failed)
		return;
	if (as->n_marks == as->room_marks)
		as->marks = asm_array(as, as->marks, as->n_marks + 1, &as->room_marks,
				      sizeof(*as->marks));
	if (as->failed)
		return;
	mark_put(as->marks, &as->n_marks,
		 (struct bpfe_jit_mark){.offset = (uint32_t)as->len, .slot = slot});
}

static uint8_t fixup_shortest(const struct jit_fixup *fixup)
{
	switch ((enum asm_fixup_kind)fixup->kind) {
	case ASM_JMP:
	case ASM_JCC:
	case ASM_ALIGN:
		return 0;
	case ASM_CALL_ABS:
	case ASM_JMP_ABS:
		return 5;
	case ASM_CALL:
	case ASM_LEA:
		break;
	}
	return fixup->longest;
}

/* By how much the code before fixup @n is shorter than in the buffer. */
static uint32_t fixups_saved(const struct jit_asm *as, uint32_t n)
{
	if (n < as->n_fixups)
		return as->fixups[n].offset - as->fixups[n].place;
	if (!n)
		return 0;
	n--;
	return as->fixups[n].offset + as->fixups[n].longest -
	       (as->fixups[n].place + as->fixups[n].size);
}

static uint32_t label_place(const struct jit_asm *as, uint32_t label)
{
	const struct jit_label_place *at = &as->labels[label];

	return at->offset - fixups_saved(as, at->n_fixups);
}

/* Give every fixup its place. */
static void fixups_place(struct jit_asm *as, uint64_t address)
{
	uint32_t saved = 0, i, mask;

	for (i = 0; i < as->n_fixups; i++) {
		struct jit_fixup *fixup = &as->fixups[i];

		fixup->place = fixup->offset - saved;
		if (fixup->kind == ASM_ALIGN) {
			mask = (1u << fixup->reg) - 1;
			fixup->size = (uint8_t)(-(address + fixup->place) & mask);
		}
		saved += fixup->longest - fixup->size;
	}
}

/* The bytes jump @n needs at least. Its target behind it, with nothing in between: none. */
static uint8_t jump_size(const struct jit_asm *as, uint32_t n)
{
	const struct jit_fixup *fixup = &as->fixups[n];
	int64_t distance = (int64_t)label_place(as, fixup->label) - (int64_t)fixup->place;

	if (!fixup->size && !distance && as->labels[fixup->label].n_fixups > n)
		return 0;
	if (fixup->size <= 2 && asm_fits8(distance - 2))
		return 2;
	return fixup->longest;
}

static uint8_t abs_size(const struct jit_fixup *fixup, uint64_t address)
{
	int64_t distance = (int64_t)(fixup->target - (address + fixup->place + 5));

	return fixup->size == 5 && distance == (int32_t)distance ? 5 : fixup->longest;
}

static uint8_t fixup_size(const struct jit_asm *as, uint32_t n, uint64_t address)
{
	const struct jit_fixup *fixup = &as->fixups[n];

	if (fixup->kind == ASM_JMP || fixup->kind == ASM_JCC)
		return jump_size(as, n);
	if (fixup->kind == ASM_CALL_ABS || fixup->kind == ASM_JMP_ABS)
		return abs_size(fixup, address);
	return fixup->size;
}

/* Let what does not reach grow; did anything? */
static bool fixups_grow(struct jit_asm *as, uint64_t address)
{
	bool grew = false;
	uint32_t i;

	for (i = 0; i < as->n_fixups; i++) {
		uint8_t size = fixup_size(as, i, address);

		grew |= size != as->fixups[i].size;
		as->fixups[i].size = size;
	}
	return grew;
}

static void fixups_relax(struct jit_asm *as, uint64_t address)
{
	uint32_t i;

	for (i = 0; i < as->n_fixups; i++)
		as->fixups[i].size = fixup_shortest(&as->fixups[i]);
	do
		fixups_place(as, address);
	while (fixups_grow(as, address));
}

static bool fixup_has_label(const struct jit_fixup *fixup)
{
	return fixup->kind <= ASM_LEA;
}

/* Is every label that something refers to bound? */
static bool fixups_bound(const struct jit_asm *as)
{
	uint32_t i;

	for (i = 0; i < as->n_fixups; i++) {
		const struct jit_fixup *fixup = &as->fixups[i];

		if (fixup_has_label(fixup) &&
		    (fixup->label >= as->n_labels || as->labels[fixup->label].offset == UINT32_MAX))
			return false;
	}
	return true;
}

/* Copy what stands between the fixups, and write them. */
static size_t asm_write(const struct jit_asm *as, uint64_t address, uint8_t *out)
{
	uint32_t from = 0, to = 0, plain, i;

	for (i = 0; i < as->n_fixups; i++) {
		const struct jit_fixup *fixup = &as->fixups[i];
		uint32_t label = fixup_has_label(fixup) ? label_place(as, fixup->label) : 0;

		plain = fixup->offset - from;
		memcpy(out + to, as->buf + from, plain);
		asm_fixup_write(fixup, address + fixup->place, address + label, out + fixup->place);
		to = fixup->place + fixup->size;
		from = fixup->offset + fixup->longest;
	}
	memcpy(out + to, as->buf + from, as->len - from);
	return to + (as->len - from);
}

/* Marks and labels as they are in the final code. */
static void asm_place_marks(struct jit_asm *as)
{
	uint32_t fixup = 0, kept = 0, i;
	struct bpfe_jit_mark mark;

	for (i = 0; i < as->n_marks; i++) {
		mark = as->marks[i];
		while (fixup < as->n_fixups && as->fixups[fixup].offset < mark.offset)
			fixup++;
		mark.offset -= fixups_saved(as, fixup);
		mark_put(as->marks, &kept, mark);
	}
	as->n_marks = kept;
	for (i = 0; i < as->n_labels; i++) {
		if (as->labels[i].offset != UINT32_MAX)
			as->labels[i].offset = label_place(as, i);
	}
}

size_t jit_asm_bound(const struct jit_asm *as)
{
	return as->len;
}

size_t jit_asm_finish(struct jit_asm *as, uint64_t address, uint8_t *out)
{
	size_t size;

	if (as->len > INT32_MAX)
		as->failed = true;
	if (as->failed || !as->len || !fixups_bound(as))
		return 0;
	fixups_relax(as, address);
	size = asm_write(as, address, out);
	asm_place_marks(as);
	return size;
}

uint32_t jit_label_offset(const struct jit_asm *as, uint32_t label)
{
	return as->labels[label].offset;
}
