// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Pass 4: what instructions refer to. (LLVM, "BPF relocations": Documentation/bpf/llvm_reloc.rst of
 * Linux.)
 *
 * R_BPF_64_64 on ld_imm64 names something with an address (addresses.c). R_BPF_64_32 on a call
 * names a function, by symbol or as section symbol plus imm + 1 instructions; an undefined symbol
 * is a kfunc. A call without relocation is relative to itself within its section. What refers to
 * functions of the object is collected for linking.
 */
#include "internal.h"
#include "object.h"

#include <errno.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>

#define LD_IMM64 (BPF_LD | BPF_IMM | BPF_DW)
#define CALL     (BPF_JMP | BPF_CALL)

/* Of a relocation that check_offsets() has seen. */
static uint32_t reloc_slot(const struct reloc *reloc)
{
	return reloc->offset / sizeof(struct bpf_insn);
}

static size_t offset_of(uint32_t slot)
{
	return (size_t)slot * sizeof(struct bpf_insn);
}

/* A call of a kfunc that is missing stays what it is: the verifier refuses it where it is reached,
 * and a program that asked bpf_ksym_exists() does not reach it. */
static int relocate_kfunc(struct code_section *code, uint32_t slot, const struct elf_symbol *symbol)
{
	struct bpf_insn *insn = &code->insns[slot];
	uint32_t id = object_kfunc(symbol->name);

	insn->src_reg = BPF_PSEUDO_KFUNC_CALL;
	insn->off = 0;
	insn->imm = (int32_t)(id ? id : BPFE_KFUNC_MISSING);
	return id || symbol->bind == STB_WEAK
		       ? 0
		       : object_block(code, slot, BLOCKER_KFUNC, symbol->name, NULL);
}

/* The function a call reaches. */
static int resolve_call(const struct bpfe_object *obj, struct code_section *code, uint32_t slot,
			const struct elf_symbol *symbol, struct bpfe_log *log)
{
	const struct function *callee = NULL;
	uint32_t target = code - obj->code;
	int64_t at = (int64_t)slot + code->insns[slot].imm + 1;

	if (symbol) {
		for (target = 0; target < obj->n_code; target++) {
			if (obj->code[target].section == symbol->section)
				break;
		}
		at = (int64_t)(symbol->value / sizeof(struct bpf_insn)) + code->insns[slot].imm + 1;
		at -= object_excess_addend(obj, symbol);
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
	code->refs[code->n_refs].slot = slot;
	code->refs[code->n_refs++].function = callee - obj->functions;
	return 0;
}

static int relocate_call(const struct bpfe_object *obj, struct code_section *code, uint32_t slot,
			 const struct reloc *reloc, struct bpfe_log *log)
{
	if (reloc && (reloc->type != R_BPF_64_32 || code->insns[slot].src_reg != BPF_PSEUDO_CALL))
		return object_refuse(log,
				     "section %s, offset %#zx: relocation type %u of symbol '%s' "
				     "on this kind of call is not supported",
				     code->name, offset_of(slot), reloc->type,
				     object_symbol_name(obj, reloc->symbol));
	if (reloc && reloc->symbol->section == SHN_UNDEF)
		return relocate_kfunc(code, slot, reloc->symbol);
	return resolve_call(obj, code, slot, reloc ? reloc->symbol : NULL, log);
}

/* Numbers of maps, functions and kfuncs are the loader's to give. */
static int block_number(struct code_section *code, uint32_t slot)
{
	struct bpf_insn *insn = &code->insns[slot];
	bool wide = insn->code == LD_IMM64;

	if (wide)
		insn->src_reg = 0;
	else
		insn->imm = (int32_t)BPFE_KFUNC_MISSING;
	return object_block(code, slot, BLOCKER_NUMBER, wide ? "ld_imm64" : "call", NULL);
}

static int relocate_insn(struct bpfe_object *obj, struct code_section *code, uint32_t slot,
			 const struct reloc *reloc, struct bpfe_log *log)
{
	const struct bpf_insn *insn = &code->insns[slot];

	if (insn->code == LD_IMM64) {
		if (reloc)
			return object_relocate_address(obj, code, slot, reloc, log);
		return insn->src_reg ? block_number(code, slot) : 0;
	}
	if (insn->code == CALL && (reloc || insn->src_reg == BPF_PSEUDO_CALL))
		return relocate_call(obj, code, slot, reloc, log);
	if (insn->code == CALL && insn->src_reg == BPF_PSEUDO_KFUNC_CALL)
		return block_number(code, slot);
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

	code->refs = calloc((size_t)code->n_insns + 1, sizeof(*code->refs));
	if (!code->refs)
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
	obj->gas_quirk = object_has_gas_quirk(obj);
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
