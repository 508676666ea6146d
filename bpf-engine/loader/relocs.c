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

static const char *section_name(const struct bpfe_object *obj, const struct elf_symbol *symbol)
{
	return elf_symbol_is_placed(symbol) ? obj->file.sections[symbol->section].name : "(none)";
}

/* Of a relocation that check_offsets() has seen. */
static uint32_t reloc_slot(const struct reloc *reloc)
{
	return reloc->offset / sizeof(struct bpf_insn);
}

static size_t offset_of(uint32_t slot)
{
	return (size_t)slot * sizeof(struct bpf_insn);
}

static const struct map_def *find_map(const struct bpfe_object *obj, uint32_t section,
				      uint64_t value)
{
	for (uint32_t i = 0; i < obj->n_maps; i++) {
		if (obj->maps[i].section == section && !obj->maps[i].contents &&
		    obj->maps[i].offset == value)
			return &obj->maps[i];
	}
	return NULL;
}

/* Say what the symbol of a ld_imm64 is, when it is no map. */
static int refuse_address(const struct bpfe_object *obj, const struct code_section *code,
			  const struct reloc *reloc, struct bpfe_log *log)
{
	const struct elf_symbol *symbol = reloc->symbol;
	const char *name = object_target_name(obj, symbol, code->insns[reloc_slot(reloc)].imm);
	const char *section = section_name(obj, symbol);
	size_t offset = offset_of(reloc_slot(reloc));

	if (!elf_symbol_is_placed(symbol))
		return object_refuse(log,
				     "section %s, offset %#zx: symbol '%s' is extern; kernel "
				     "variables and functions do not exist in the NIC",
				     code->name, offset, name);
	if (obj->file.sections[symbol->section].flags & SHF_EXECINSTR)
		return object_refuse(log,
				     "section %s, offset %#zx: address of function '%s' is taken; "
				     "callbacks are not supported",
				     code->name, offset, name);
	return object_refuse(log,
			     "section %s, offset %#zx: symbol '%s' in section %s is neither a map "
			     "nor global data; nothing else has an address",
			     code->name, offset, name, section);
}

/* The section of global data that @section is, or NULL. */
static const struct map_def *find_data(const struct bpfe_object *obj, uint32_t section)
{
	for (uint32_t i = obj->n_maps; i-- > 0 && obj->maps[i].contents;) {
		if (obj->maps[i].section == section)
			return &obj->maps[i];
	}
	return NULL;
}

static int relocate_data(const struct bpfe_object *obj, const struct code_section *code,
			 const struct reloc *reloc, const struct map_def *map,
			 struct bpf_insn *insn, struct bpfe_log *log)
{
	/* Modulo 2^64: the addend of &array[i - 1] is negative. */
	uint64_t addend = (uint32_t)insn[0].imm | (uint64_t)(uint32_t)insn[1].imm << 32;
	uint64_t offset = reloc->symbol->value + addend;

	if (offset >= map->size)
		return object_refuse(log,
				     "section %s, offset %#llx: symbol '%s' plus %lld lies outside "
				     "of section %s, which has %llu bytes",
				     code->name, (unsigned long long)reloc->offset,
				     object_symbol_name(obj, reloc->symbol), (long long)addend,
				     map->name, (unsigned long long)map->size);
	insn[0].src_reg = BPF_PSEUDO_MAP_IDX_VALUE;
	insn[0].imm = map - obj->maps;
	insn[1].imm = (int32_t)offset;
	return 0;
}

static int relocate_address(struct bpfe_object *obj, struct code_section *code,
			    const struct reloc *reloc, struct bpfe_log *log)
{
	struct bpf_insn *insn = &code->insns[reloc_slot(reloc)];
	const struct map_def *map = NULL;

	if (reloc->type != R_BPF_64_64)
		return object_refuse(log,
				     "section %s, offset %#llx: relocation type %u of symbol '%s' "
				     "on ld_imm64, expected %u (R_BPF_64_64)",
				     code->name, (unsigned long long)reloc->offset, reloc->type,
				     object_symbol_name(obj, reloc->symbol), R_BPF_64_64);
	if (reloc_slot(reloc) + 1 >= code->n_insns)
		return object_refuse(log,
				     "section %s, offset %#llx: ld_imm64 of symbol '%s' has no "
				     "second half",
				     code->name, (unsigned long long)reloc->offset,
				     object_symbol_name(obj, reloc->symbol));
	if (elf_symbol_is_placed(reloc->symbol)) {
		map = find_data(obj, reloc->symbol->section);
		if (map)
			return relocate_data(obj, code, reloc, map, insn, log);
		/* The low half of the immediate is the addend. */
		map = find_map(obj, reloc->symbol->section,
			       reloc->symbol->value + (uint32_t)insn->imm);
	}
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
				     symbol ? object_symbol_name(obj, symbol) : "",
				     symbol ? "'" : "",
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
		return reloc ? relocate_address(obj, code, reloc, log) : 0;
	if (insn->code == CALL && (reloc || insn->src_reg == BPF_PSEUDO_CALL)) {
		if (reloc && (reloc->type != R_BPF_64_32 || insn->src_reg != BPF_PSEUDO_CALL))
			return object_refuse(log,
					     "section %s, offset %#zx: relocation type %u of "
					     "symbol '%s' on this kind of call is not supported",
					     code->name, offset_of(slot), reloc->type,
					     object_symbol_name(obj, reloc->symbol));
		ret = resolve_call(obj, code, slot, reloc ? reloc->symbol : NULL,
				   &code->calls[code->n_calls], log);
		code->n_calls += !ret;
		return ret;
	}
	if (reloc)
		return object_refuse(log,
				     "section %s, offset %#zx: relocation of symbol '%s' on an "
				     "instruction that takes none",
				     code->name, offset_of(slot),
				     object_symbol_name(obj, reloc->symbol));
	return 0;
}

static int check_offsets(const struct bpfe_object *obj, const struct code_section *code,
			 const struct reloc_table *table, struct bpfe_log *log)
{
	for (uint32_t i = 0; i < table->n; i++) {
		uint64_t offset = table->relocs[i].offset;

		if (offset % sizeof(struct bpf_insn) ||
		    offset / sizeof(struct bpf_insn) >= code->n_insns)
			return object_refuse(log,
					     "section %s, offset %#llx: relocation of symbol '%s' "
					     "is not at an instruction of the section",
					     code->name, (unsigned long long)offset,
					     object_symbol_name(obj, table->relocs[i].symbol));
	}
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

		if (next < table->n && reloc_slot(&table->relocs[next]) == slot)
			reloc = &table->relocs[next++];
		ret = relocate_insn(obj, code, slot, reloc, log);
		if (ret)
			return ret;
		if (code->insns[slot].code == LD_IMM64 && next < table->n &&
		    reloc_slot(&table->relocs[next]) == slot + 1)
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
		int ret = reloc_table_read(obj, obj->code[i].section, &table, log);

		if (!ret)
			ret = check_offsets(obj, &obj->code[i], &table, log);
		if (!ret)
			ret = relocate_code(obj, &obj->code[i], &table, log);
		free(table.relocs);
		if (ret)
			return ret;
	}
	return 0;
}
