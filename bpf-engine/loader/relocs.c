// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Pass 4: what instructions refer to. (LLVM, "BPF relocations": Documentation/bpf/llvm_reloc.rst of
 * Linux.)
 *
 * R_BPF_64_64 on ld_imm64 names a map; the instruction becomes BPF_PSEUDO_MAP_IDX. R_BPF_64_32 on a
 * call names a function, by symbol or as section symbol plus imm + 1 instructions. A call without
 * relocation is relative to itself within its section. All calls are collected for linking.
 */
#include "object.h"

#include <errno.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>

#define LD_IMM64 (BPF_LD | BPF_IMM | BPF_DW)
#define CALL     (BPF_JMP | BPF_CALL)

struct reloc {
	uint32_t slot;
	uint32_t type;
	const struct elf_symbol *symbol;
};

struct reloc_table {
	struct reloc *relocs; /* sorted by slot */
	uint32_t n;
};

static const char *section_name(const struct bpfe_object *obj, const struct elf_symbol *symbol)
{
	return elf_symbol_is_placed(symbol) ? obj->file.sections[symbol->section].name : "(none)";
}

/* How a person calls the symbol: section symbols have no name of their own. */
static const char *symbol_name(const struct bpfe_object *obj, const struct elf_symbol *symbol)
{
	return symbol->name[0] ? symbol->name : section_name(obj, symbol);
}

/* The name of what lies @addend bytes behind the symbol, for static variables and functions. */
static const char *target_name(const struct bpfe_object *obj, const struct elf_symbol *symbol,
			       uint32_t addend)
{
	for (uint32_t i = 0; i < obj->file.n_symbols && symbol->type == STT_SECTION; i++) {
		const struct elf_symbol *other = &obj->file.symbols[i];

		if (other->section == symbol->section && other->name[0] &&
		    (other->type == STT_FUNC || other->type == STT_OBJECT) &&
		    other->value == symbol->value + addend)
			return other->name;
	}
	return symbol_name(obj, symbol);
}

static size_t offset_of(uint32_t slot)
{
	return (size_t)slot * sizeof(struct bpf_insn);
}

/* ---- Reading the table ---------------------------------------------------------------------- */

static int read_reloc(const struct bpfe_object *obj, const struct code_section *code,
		      const GElf_Rel *rel, struct reloc *reloc, struct bpfe_log *log)
{
	uint64_t symbol = GELF_R_SYM(rel->r_info);
	unsigned long long offset = rel->r_offset;

	if (symbol >= obj->file.n_symbols)
		return object_refuse(log,
				     "section %s, offset %#llx: relocation names symbol %llu, the "
				     "file has %u",
				     code->name, offset, (unsigned long long)symbol,
				     obj->file.n_symbols);
	if (offset % sizeof(struct bpf_insn) || offset / sizeof(struct bpf_insn) >= code->n_insns)
		return object_refuse(log,
				     "section %s, offset %#llx: relocation of symbol '%s' is not "
				     "at an instruction of the section",
				     code->name, offset,
				     symbol_name(obj, &obj->file.symbols[symbol]));
	reloc->slot = offset / sizeof(struct bpf_insn);
	reloc->type = GELF_R_TYPE(rel->r_info);
	reloc->symbol = &obj->file.symbols[symbol];
	return 0;
}

static int read_table(const struct bpfe_object *obj, const struct code_section *code,
		      uint32_t index, struct reloc_table *table, struct bpfe_log *log)
{
	const struct elf_section *section = &obj->file.sections[index];
	uint32_t n = section->size / sizeof(Elf64_Rel);
	Elf_Data *data;
	struct reloc *grown;

	if (section->type == SHT_RELA)
		return object_refuse(log,
				     "section %s: relocations with addends (SHT_RELA) are not for "
				     "BPF",
				     section->name);
	if (section->size % sizeof(Elf64_Rel))
		return object_refuse(log, "section %s: size %#llx is not a multiple of %zu",
				     section->name, (unsigned long long)section->size,
				     sizeof(Elf64_Rel));
	data = elf_getdata(elf_getscn(obj->file.elf, index), NULL);
	if (!data)
		return object_refuse(log, "section %s: %s", section->name, elf_errmsg(-1));
	grown = reallocarray(table->relocs, (size_t)table->n + n + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	table->relocs = grown;
	for (uint32_t i = 0; i < n; i++) {
		GElf_Rel rel;
		int ret;

		if (!gelf_getrel(data, i, &rel))
			return object_refuse(log, "section %s: %s", section->name, elf_errmsg(-1));
		ret = read_reloc(obj, code, &rel, &table->relocs[table->n], log);
		if (ret)
			return ret;
		table->n++;
	}
	return 0;
}

static int compare_relocs(const void *a, const void *b)
{
	const struct reloc *x = a, *y = b;

	return (x->slot > y->slot) - (x->slot < y->slot);
}

static int read_relocs(const struct bpfe_object *obj, const struct code_section *code,
		       struct reloc_table *table, struct bpfe_log *log)
{
	for (uint32_t i = 1; i < obj->file.n_sections; i++) {
		const struct elf_section *section = &obj->file.sections[i];
		int ret;

		if ((section->type != SHT_REL && section->type != SHT_RELA) ||
		    section->info != code->section)
			continue;
		ret = read_table(obj, code, i, table, log);
		if (ret)
			return ret;
	}
	if (!table->n)
		return 0;
	qsort(table->relocs, table->n, sizeof(*table->relocs), compare_relocs);
	for (uint32_t i = 1; i < table->n; i++) {
		if (table->relocs[i - 1].slot == table->relocs[i].slot)
			return object_refuse(log, "section %s, offset %#zx: relocated twice",
					     code->name, offset_of(table->relocs[i].slot));
	}
	return 0;
}

/* ---- Applying it ---------------------------------------------------------------------------- */

static const struct map_def *find_map(const struct bpfe_object *obj, uint32_t section,
				      uint64_t value)
{
	for (uint32_t i = 0; i < obj->n_maps; i++) {
		if (obj->maps[i].symbol->section == section && obj->maps[i].symbol->value == value)
			return &obj->maps[i];
	}
	return NULL;
}

/* Say what the symbol of a ld_imm64 is, when it is no map. */
static int refuse_address(const struct bpfe_object *obj, const struct code_section *code,
			  const struct reloc *reloc, struct bpfe_log *log)
{
	const struct elf_symbol *symbol = reloc->symbol;
	const char *name = target_name(obj, symbol, code->insns[reloc->slot].imm);
	const char *section = section_name(obj, symbol);
	size_t offset = offset_of(reloc->slot);

	if (!elf_symbol_is_placed(symbol))
		return object_refuse(log,
				     "section %s, offset %#zx: symbol '%s' is extern; kernel "
				     "variables and functions do not exist in the NIC",
				     code->name, offset, name);
	if (!strncmp(section, ".rodata", 7) || !strncmp(section, ".data", 5) ||
	    !strncmp(section, ".bss", 4))
		return object_refuse(log,
				     "section %s, offset %#zx: symbol '%s' is global data (section "
				     "%s), which is not supported; keep it in a map",
				     code->name, offset, name, section);
	if (obj->file.sections[symbol->section].flags & SHF_EXECINSTR)
		return object_refuse(log,
				     "section %s, offset %#zx: address of function '%s' is taken; "
				     "callbacks are not supported",
				     code->name, offset, name);
	return object_refuse(log,
			     "section %s, offset %#zx: symbol '%s' in section %s is not a map; "
			     "only maps have an address",
			     code->name, offset, name, section);
}

static int relocate_map(struct bpfe_object *obj, struct code_section *code,
			const struct reloc *reloc, struct bpfe_log *log)
{
	struct bpf_insn *insn = &code->insns[reloc->slot];
	const struct map_def *map = NULL;

	if (reloc->type != R_BPF_64_64)
		return object_refuse(log,
				     "section %s, offset %#zx: relocation type %u of symbol '%s' "
				     "on ld_imm64, expected %u (R_BPF_64_64)",
				     code->name, offset_of(reloc->slot), reloc->type,
				     symbol_name(obj, reloc->symbol), R_BPF_64_64);
	if (reloc->slot + 1 >= code->n_insns)
		return object_refuse(log,
				     "section %s, offset %#zx: ld_imm64 of symbol '%s' has no "
				     "second half",
				     code->name, offset_of(reloc->slot),
				     symbol_name(obj, reloc->symbol));
	/* The low half of the immediate is the addend. */
	if (elf_symbol_is_placed(reloc->symbol))
		map = find_map(obj, reloc->symbol->section,
			       reloc->symbol->value + (uint32_t)insn->imm);
	if (!map)
		return refuse_address(obj, code, reloc, log);
	insn[0].src_reg = BPF_PSEUDO_MAP_IDX;
	insn[0].imm = map - obj->maps;
	insn[1].imm = 0;
	return 0;
}

/* The function a call reaches, into @call. */
static int resolve_call(const struct bpfe_object *obj, const struct code_section *code,
			uint32_t slot, const struct elf_symbol *symbol, struct call *call,
			struct bpfe_log *log)
{
	const struct function *callee = NULL;
	uint32_t target = code - obj->code;
	int64_t at = (int64_t)slot + code->insns[slot].imm + 1;

	if (symbol) {
		if (!elf_symbol_is_placed(symbol))
			return object_refuse(log,
					     "section %s, offset %#zx: call of extern '%s'; kernel "
					     "functions do not exist in the NIC",
					     code->name, offset_of(slot), symbol->name);
		for (target = 0; target < obj->n_code; target++) {
			if (obj->code[target].section == symbol->section)
				break;
		}
		at = (int64_t)(symbol->value / sizeof(struct bpf_insn)) + code->insns[slot].imm + 1;
	}
	if (at >= 0 && target < obj->n_code)
		callee = object_function_at(obj, target, at);
	if (!callee)
		return object_refuse(log,
				     "section %s, offset %#zx: call of %s%s%s: no function begins "
				     "at offset %#llx of it",
				     code->name, offset_of(slot), symbol ? "'" : "its own section",
				     symbol ? symbol_name(obj, symbol) : "", symbol ? "'" : "",
				     (long long)at * (long long)sizeof(struct bpf_insn));
	call->slot = slot;
	call->callee = callee - obj->functions;
	return 0;
}

static int relocate_insn(struct bpfe_object *obj, struct code_section *code, uint32_t slot,
			 const struct reloc *reloc, struct bpfe_log *log)
{
	const struct bpf_insn *insn = &code->insns[slot];
	int ret;

	if (insn->code == LD_IMM64)
		return reloc ? relocate_map(obj, code, reloc, log) : 0;
	if (insn->code == CALL && (reloc || insn->src_reg == BPF_PSEUDO_CALL)) {
		if (reloc && (reloc->type != R_BPF_64_32 || insn->src_reg != BPF_PSEUDO_CALL))
			return object_refuse(log,
					     "section %s, offset %#zx: relocation type %u of "
					     "symbol '%s' on this kind of call is not supported",
					     code->name, offset_of(slot), reloc->type,
					     symbol_name(obj, reloc->symbol));
		ret = resolve_call(obj, code, slot, reloc ? reloc->symbol : NULL,
				   &code->calls[code->n_calls], log);
		code->n_calls += !ret;
		return ret;
	}
	if (reloc)
		return object_refuse(log,
				     "section %s, offset %#zx: relocation of symbol '%s' on an "
				     "instruction that takes none",
				     code->name, offset_of(slot), symbol_name(obj, reloc->symbol));
	return 0;
}

static int relocate_code(struct bpfe_object *obj, struct code_section *code,
			 const struct reloc_table *table, struct bpfe_log *log)
{
	uint32_t next = 0;

	code->calls = calloc((size_t)code->n_insns + 1, sizeof(*code->calls));
	if (!code->calls)
		return -ENOMEM;
	for (uint32_t slot = 0; slot < code->n_insns; slot++) {
		const struct reloc *reloc = NULL;
		int ret;

		if (next < table->n && table->relocs[next].slot == slot)
			reloc = &table->relocs[next++];
		ret = relocate_insn(obj, code, slot, reloc, log);
		if (ret)
			return ret;
		if (code->insns[slot].code == LD_IMM64 && next < table->n &&
		    table->relocs[next].slot == slot + 1)
			return object_refuse(log,
					     "section %s, offset %#zx: relocation of the second "
					     "half of ld_imm64",
					     code->name, offset_of(slot + 1));
		slot += code->insns[slot].code == LD_IMM64;
	}
	return 0;
}

int object_relocate(struct bpfe_object *obj, struct bpfe_log *log)
{
	for (uint32_t i = 0; i < obj->n_code; i++) {
		struct reloc_table table = {0};
		int ret = read_relocs(obj, &obj->code[i], &table, log);

		if (!ret)
			ret = relocate_code(obj, &obj->code[i], &table, log);
		free(table.relocs);
		if (ret)
			return ret;
	}
	return 0;
}
