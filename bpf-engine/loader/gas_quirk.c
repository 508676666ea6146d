// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Objects of gcc-bpf from binutils up to 2.40 (Debian 12).
 *
 * BPF relocations have no addend field; what the instruction holds is the addend. That assembler
 * also adds the symbol's offset in its section to it when the symbol is global: a reference to byte
 * 4 of a variable at offset 16 holds 20, and a call of a function at offset 56 holds 55, where it
 * should hold 4 and -1. Nothing in the file names the assembler. It is taken for that one if GCC up
 * to 13 compiled the file and no reference to a global symbol holds less than it would write.
 */
#include "object.h"

#include <gelf.h>
#include <stdlib.h>
#include <string.h>

#define LAST_GCC 13

/* "GCC: (Debian 12.2.0-14) 12.2.0": the version is the last word. */
static bool compiled_by_old_gcc(const struct elf_file *file)
{
	const struct elf_section *comment = elf_file_section(file, ".comment");
	const char *text = comment ? (const char *)comment->data : "";
	size_t left = comment ? comment->size : 0, length;
	const char *version;

	for (; left && !*text; left--) /* merged strings begin with an empty one */
		text++;
	length = strnlen(text, left);
	if (length < 4 || length == left || memcmp(text, "GCC:", 4))
		return false;
	version = strrchr(text, ' ');
	return version && strtoul(version, NULL, 10) <= LAST_GCC;
}

/* Does the instruction hold at least what the assembler would have added? */
static bool holds_value(const struct code_section *code, const struct reloc *reloc)
{
	uint64_t slot = reloc->offset / sizeof(struct bpf_insn);
	int64_t least = reloc->symbol->value;

	if (slot >= code->n_insns)
		return false;
	if (reloc->type == R_BPF_64_32)
		return code->insns[slot].imm == least - 1;
	return code->insns[slot].imm >= least;
}

static bool agrees(const struct bpfe_object *obj, const struct code_section *code)
{
	struct reloc_table table = {0};
	bool ok = !reloc_table_read(obj, code->section, &table, NULL);

	for (uint32_t i = 0; i < table.n && ok; i++) {
		const struct elf_symbol *symbol = table.relocs[i].symbol;

		ok = !elf_symbol_is_placed(symbol) || symbol->bind == STB_LOCAL ||
		     holds_value(code, &table.relocs[i]);
	}
	free(table.relocs);
	return ok;
}

bool object_has_gas_quirk(const struct bpfe_object *obj)
{
	if (!compiled_by_old_gcc(&obj->file))
		return false;
	for (uint32_t i = 0; i < obj->n_code; i++) {
		if (!agrees(obj, &obj->code[i]))
			return false;
	}
	return true;
}

int64_t object_excess_addend(const struct bpfe_object *obj, const struct elf_symbol *symbol)
{
	return obj->gas_quirk && symbol->bind != STB_LOCAL && elf_symbol_is_placed(symbol)
		       ? (int64_t)symbol->value
		       : 0;
}
