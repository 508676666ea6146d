// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Pass 2: executable sections and the functions in them.
 *
 * As in libbpf: functions in .text are subprograms, global functions in any other executable
 * section are programs. Static functions there are subprograms too.
 */
#include "object.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool is_code(const struct elf_section *section)
{
	return section->type == SHT_PROGBITS && section->flags & SHF_EXECINSTR && section->size;
}

static int read_code_section(struct bpfe_object *obj, uint32_t index, struct bpfe_log *log)
{
	const struct elf_section *section = &obj->file.sections[index];
	struct code_section *code = &obj->code[obj->n_code];

	if (section->size % sizeof(struct bpf_insn))
		return object_refuse(log,
				     "section %s: size %#llx is not a multiple of an instruction's "
				     "%zu bytes",
				     section->name, (unsigned long long)section->size,
				     sizeof(struct bpf_insn));
	if (obj->n_code == ELF_MAX_CODE)
		return object_refuse(log, "section %s: more than %u sections with code",
				     section->name, ELF_MAX_CODE);
	code->insns = malloc(section->size);
	if (!code->insns)
		return -ENOMEM;
	memcpy(code->insns, section->data, section->size);
	code->n_insns = section->size / sizeof(struct bpf_insn);
	code->section = index;
	code->name = section->name;
	obj->n_code++;
	return 0;
}

static const struct code_section *find_code(const struct bpfe_object *obj, uint32_t section)
{
	for (uint32_t i = 0; i < obj->n_code; i++) {
		if (obj->code[i].section == section)
			return &obj->code[i];
	}
	return NULL;
}

static int read_function(struct bpfe_object *obj, const struct elf_symbol *symbol,
			 const struct code_section *code, struct bpfe_log *log)
{
	const unsigned slot = sizeof(struct bpf_insn);
	struct function *function = &obj->functions[obj->n_functions];
	bool in_text = !strcmp(code->name, ".text");

	if (symbol->value % slot || symbol->size % slot || !symbol->size)
		return object_refuse(log,
				     "section %s, symbol '%s': %#llx bytes at offset %#llx are not "
				     "whole instructions",
				     code->name, symbol->name, (unsigned long long)symbol->size,
				     (unsigned long long)symbol->value);
	function->name = symbol->name;
	function->code = code - obj->code;
	function->start = symbol->value / slot;
	function->n_insns = symbol->size / slot;
	function->is_program = !in_text && symbol->bind != STB_LOCAL;
	function->is_hidden =
		symbol->visibility == STV_HIDDEN || symbol->visibility == STV_INTERNAL;
	obj->n_functions++;
	return 0;
}

static int compare_functions(const void *a, const void *b)
{
	const struct function *x = a, *y = b;

	if (x->code != y->code)
		return x->code < y->code ? -1 : 1;
	return (x->start > y->start) - (x->start < y->start);
}

static int read_functions(struct bpfe_object *obj, struct bpfe_log *log)
{
	const struct elf_file *file = &obj->file;

	obj->functions = calloc((size_t)file->n_symbols + 1, sizeof(*obj->functions));
	if (!obj->functions)
		return -ENOMEM;
	for (uint32_t i = 0; i < file->n_symbols; i++) {
		const struct elf_symbol *symbol = &file->symbols[i];
		const struct code_section *code;
		int ret;

		if (symbol->type != STT_FUNC || !elf_symbol_is_placed(symbol))
			continue;
		code = find_code(obj, symbol->section);
		if (!code)
			return object_refuse(log,
					     "section %s, symbol '%s': a function in a section "
					     "that holds no code",
					     file->sections[symbol->section].name, symbol->name);
		ret = read_function(obj, symbol, code, log);
		if (ret)
			return ret;
	}
	qsort(obj->functions, obj->n_functions, sizeof(*obj->functions), compare_functions);
	for (uint32_t i = 1; i < obj->n_functions; i++) {
		const struct function *a = &obj->functions[i - 1], *b = &obj->functions[i];

		if (a->code == b->code && b->start - a->start < a->n_insns)
			return object_refuse(log,
					     "section %s: functions '%s' and '%s' overlap at "
					     "offset %#zx",
					     obj->code[a->code].name, a->name, b->name,
					     b->start * sizeof(struct bpf_insn));
	}
	return 0;
}

int object_read_code(struct bpfe_object *obj, struct bpfe_log *log)
{
	const struct elf_file *file = &obj->file;

	obj->code = calloc(file->n_sections, sizeof(*obj->code));
	if (!obj->code)
		return -ENOMEM;
	for (uint32_t i = 1; i < file->n_sections; i++) {
		int ret;

		if (!is_code(&file->sections[i]))
			continue;
		ret = read_code_section(obj, i, log);
		if (ret)
			return ret;
	}
	return read_functions(obj, log);
}

void object_free_code(struct bpfe_object *obj)
{
	for (uint32_t i = 0; i < obj->n_code; i++) {
		struct code_section *code = &obj->code[i];

		for (uint32_t j = 0; j < code->n_lines; j++)
			free(code->lines[j].formatted);
		free(code->lines);
		free(code->refs);
		free(code->blockers);
		free(code->insns);
	}
	free(obj->code);
	free(obj->functions);
}

const struct function *object_function_at(const struct bpfe_object *obj, uint32_t code,
					  uint64_t slot)
{
	struct function key = {.code = code, .start = slot};

	if (slot > UINT32_MAX || !obj->n_functions)
		return NULL;
	return bsearch(&key, obj->functions, obj->n_functions, sizeof(*obj->functions),
		       compare_functions);
}
