// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Pass 6: put each program together with the functions it refers to.
 *
 * Breadth first over calls and addresses: the program comes first, each function follows once, and
 * every reference is made relative to the functions' new places.
 */
#include "object.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NOT_PLACED UINT32_MAX

struct linker {
	const struct bpfe_object *obj;
	struct program *prog;
	uint32_t *base_of; /* by function: slot in the program or NOT_PLACED */
	struct bpfe_log *log;
};

static const struct code_section *code_of(const struct linker *l, const struct function *function)
{
	return &l->obj->code[function->code];
}

/* First of the references of @code that are at @slot or behind it. */
static uint32_t first_ref(const struct code_section *code, uint32_t slot)
{
	uint32_t low = 0, high = code->n_refs;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (code->refs[middle].slot < slot)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int place(struct linker *l, uint32_t index)
{
	const struct function *function = &l->obj->functions[index];
	struct program *prog = l->prog;

	if (l->base_of[index] != NOT_PLACED)
		return 0;
	if (function->n_insns > BPFE_MAX_INSNS - prog->n_insns)
		return object_refuse(l->log,
				     "section %s, symbol '%s': the program would have more than %u "
				     "instructions",
				     code_of(l, &l->obj->functions[prog->function])->name,
				     l->obj->functions[prog->function].name, BPFE_MAX_INSNS);
	l->base_of[index] = prog->n_insns;
	prog->placements[prog->n_placements].function = index;
	prog->placements[prog->n_placements].base = prog->n_insns;
	prog->n_placements++;
	prog->n_insns += function->n_insns;
	return 0;
}

/* Place all functions that the placed ones call or take the address of; the list grows while it is
 * walked. */
static int place_referred(struct linker *l)
{
	for (uint32_t i = 0; i < l->prog->n_placements; i++) {
		const struct function *f = &l->obj->functions[l->prog->placements[i].function];
		const struct code_section *code = code_of(l, f);

		for (uint32_t c = first_ref(code, f->start);
		     c < code->n_refs && code->refs[c].slot - f->start < f->n_insns; c++) {
			int ret = place(l, code->refs[c].function);

			if (ret)
				return ret;
		}
	}
	return 0;
}

static void copy_function(const struct linker *l, const struct placement *placement)
{
	const struct function *f = &l->obj->functions[placement->function];
	const struct code_section *code = code_of(l, f);
	struct bpf_insn *insns = &l->prog->insns[placement->base];

	memcpy(insns, &code->insns[f->start], f->n_insns * sizeof(*insns));
	for (uint32_t c = first_ref(code, f->start);
	     c < code->n_refs && code->refs[c].slot - f->start < f->n_insns; c++) {
		uint32_t at = code->refs[c].slot - f->start;

		insns[at].imm =
			(int32_t)(l->base_of[code->refs[c].function] - (placement->base + at + 1));
	}
}

static int link_program(struct linker *l, uint32_t function)
{
	struct program *prog = l->prog;
	int ret;

	for (uint32_t i = 0; i < l->obj->n_functions; i++)
		l->base_of[i] = NOT_PLACED;
	prog->function = function;
	prog->placements = calloc(l->obj->n_functions, sizeof(*prog->placements));
	if (!prog->placements)
		return -ENOMEM;
	ret = place(l, function);
	if (!ret)
		ret = place_referred(l);
	if (ret)
		return ret;
	prog->insns = calloc(prog->n_insns, sizeof(*prog->insns));
	if (!prog->insns)
		return -ENOMEM;
	for (uint32_t i = 0; i < prog->n_placements; i++)
		copy_function(l, &prog->placements[i]);
	return 0;
}

static int link_programs(struct bpfe_object *obj, uint32_t *base_of, struct bpfe_log *log)
{
	uint64_t slots = 0;

	for (uint32_t i = 0; i < obj->n_functions; i++) {
		struct linker l = {.obj = obj, .base_of = base_of, .log = log};
		int ret;

		if (!obj->functions[i].is_program)
			continue;
		if (obj->n_programs == ELF_MAX_PROGRAMS)
			return object_refuse(log, "symbol '%s': more than %u programs",
					     obj->functions[i].name, ELF_MAX_PROGRAMS);
		l.prog = &obj->programs[obj->n_programs++];
		ret = link_program(&l, i);
		if (ret)
			return ret;
		slots += l.prog->n_insns;
		if (slots > ELF_MAX_CODE_SLOTS)
			return object_refuse(log,
					     "symbol '%s': the programs up to it have %llu "
					     "instructions together, at most %u are accepted",
					     obj->functions[i].name, (unsigned long long)slots,
					     ELF_MAX_CODE_SLOTS);
	}
	return 0;
}

int object_link(struct bpfe_object *obj, struct bpfe_log *log)
{
	uint32_t *base_of = calloc((size_t)obj->n_functions + 1, sizeof(*base_of));
	int ret = -ENOMEM;

	obj->programs = calloc(ELF_MAX_PROGRAMS, sizeof(*obj->programs));
	if (base_of && obj->programs)
		ret = link_programs(obj, base_of, log);
	free(base_of);
	if (!ret)
		ret = object_describe_functions(obj);
	return ret;
}

void object_free_programs(struct bpfe_object *obj)
{
	for (uint32_t i = 0; i < obj->n_programs; i++) {
		free(obj->programs[i].insns);
		free(obj->programs[i].placements);
		free(obj->programs[i].funcs);
	}
	free(obj->programs);
}
