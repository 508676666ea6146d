// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Pass 4: what a relocated ld_imm64 stands for. A map (BPF_PSEUDO_MAP_IDX), a byte of global data
 * (BPF_PSEUDO_MAP_IDX_VALUE), a function that is called back (BPF_PSEUDO_FUNC, completed by the
 * linker), or whether something from outside exists (a number).
 *
 * The instruction's immediate is the addend: R_BPF_64_64 has no other place for it.
 */
#include "object.h"

#include <errno.h>
#include <gelf.h>
#include <string.h>

/* Where it is, for refusals. */
struct place {
	struct bpfe_object *obj;
	struct code_section *code;
	const struct reloc *reloc;
	struct bpf_insn *insn; /* two slots */
	uint32_t slot;
	struct bpfe_log *log;
};

static uint64_t addend(const struct place *at)
{
	uint64_t held = (uint32_t)at->insn[0].imm | (uint64_t)(uint32_t)at->insn[1].imm << 32;

	return held - object_excess_addend(at->obj, at->reloc->symbol);
}

static unsigned long long offset_of(const struct place *at)
{
	return at->reloc->offset;
}

/* ---- Data and maps -------------------------------------------------------------------------- */

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

/* The section of global data that @section is, or NULL. */
static const struct map_def *find_data(const struct bpfe_object *obj, uint32_t section)
{
	for (uint32_t i = obj->n_maps; i-- > 0 && obj->maps[i].contents;) {
		if (obj->maps[i].section == section)
			return &obj->maps[i];
	}
	return NULL;
}

static int relocate_data(const struct place *at, const struct map_def *map)
{
	/* Modulo 2^64: the addend of &array[i - 1] is negative. */
	uint64_t offset = at->reloc->symbol->value + addend(at);

	if (offset >= map->size)
		return object_refuse(at->log,
				     "section %s, offset %#llx: symbol '%s' plus %lld lies outside "
				     "of section %s, which has %llu bytes",
				     at->code->name, offset_of(at),
				     object_symbol_name(at->obj, at->reloc->symbol),
				     (long long)addend(at), map->name,
				     (unsigned long long)map->size);
	at->insn[0].src_reg = BPF_PSEUDO_MAP_IDX_VALUE;
	at->insn[0].imm = map - at->obj->maps;
	at->insn[1].imm = (int32_t)offset;
	return 0;
}

static bool holds_maps(const struct bpfe_object *obj, uint32_t section)
{
	for (uint32_t i = 0; i < obj->n_maps; i++) {
		if (obj->maps[i].section == section)
			return true;
	}
	return false;
}

static void set_number(const struct place *at, int32_t number)
{
	at->insn[0].src_reg = 0;
	at->insn[0].imm = number;
	at->insn[1].imm = 0;
}

static int relocate_map(const struct place *at)
{
	const struct elf_symbol *symbol = at->reloc->symbol;
	const struct map_def *map = find_map(at->obj, symbol->section, symbol->value + addend(at));
	const char *section = at->obj->file.sections[symbol->section].name;

	if (!map) {
		if (holds_maps(at->obj, symbol->section))
			return object_refuse(
				at->log,
				"section %s, offset %#llx: symbol '%s' in section %s is not where "
				"a map begins",
				at->code->name, offset_of(at),
				object_target_name(at->obj, symbol, addend(at)), section);
		/* Other kernels' sections (arenas, jump tables) are a program's affair. */
		set_number(at, 0);
		return object_block(at->code, at->slot, BLOCKER_PLACE,
				    object_symbol_name(at->obj, symbol), section);
	}
	at->insn[0].src_reg = BPF_PSEUDO_MAP_IDX;
	at->insn[0].imm = map - at->obj->maps;
	at->insn[1].imm = 0;
	return 0;
}

/* ---- Functions ------------------------------------------------------------------------------ */

static int relocate_function(const struct place *at)
{
	const struct elf_symbol *symbol = at->reloc->symbol;
	uint64_t offset = symbol->value + addend(at);
	const struct function *function = NULL;
	uint32_t code;

	for (code = 0; code < at->obj->n_code; code++) {
		if (at->obj->code[code].section == symbol->section)
			break;
	}
	if (code < at->obj->n_code && offset % sizeof(struct bpf_insn) == 0)
		function = object_function_at(at->obj, code, offset / sizeof(struct bpf_insn));
	if (!function)
		return object_refuse(at->log,
				     "section %s, offset %#llx: address of '%s': no function "
				     "begins at offset %#llx of it",
				     at->code->name, offset_of(at),
				     object_symbol_name(at->obj, symbol),
				     (unsigned long long)offset);
	at->insn[0].src_reg = BPF_PSEUDO_FUNC;
	at->insn[0].imm = 0;
	at->insn[1].imm = 0;
	at->code->refs[at->code->n_refs].slot = at->slot;
	at->code->refs[at->code->n_refs++].function = function - at->obj->functions;
	return 0;
}

/* ---- What is not in the object -------------------------------------------------------------- */

/*
 * bpf_ksym_exists() compares the address with 0. What exists gets a number that is not; nothing can
 * be done with it, as in Linux, where a kfunc's address can neither be called nor read.
 */
static int relocate_extern(const struct place *at)
{
	const struct elf_symbol *symbol = at->reloc->symbol;
	bool weak = symbol->bind == STB_WEAK;

	switch (object_extern_kind(at->obj, symbol->name)) {
	case EXTERN_FUNCTION:
		set_number(at, object_kfunc(symbol->name) != 0);
		return at->insn->imm || weak ? 0
					     : object_block(at->code, at->slot, BLOCKER_KFUNC,
							    symbol->name, NULL);
	case EXTERN_VARIABLE:
		set_number(at, 0);
		return weak ? 0
			    : object_block(at->code, at->slot, BLOCKER_VARIABLE, symbol->name,
					   NULL);
	case EXTERN_CONFIG:
		set_number(at, 0);
		return object_block(at->code, at->slot, BLOCKER_CONFIG, symbol->name, NULL);
	case EXTERN_UNKNOWN:
		break;
	}
	set_number(at, 0);
	return object_block(at->code, at->slot, BLOCKER_UNDEFINED, symbol->name, NULL);
}

/* --------------------------------------------------------------------------------------------- */

static int check_shape(const struct place *at)
{
	const char *name = object_symbol_name(at->obj, at->reloc->symbol);

	if (at->reloc->type != R_BPF_64_64)
		return object_refuse(at->log,
				     "section %s, offset %#llx: relocation type %u of symbol '%s' "
				     "on ld_imm64, expected %u (R_BPF_64_64)",
				     at->code->name, offset_of(at), at->reloc->type, name,
				     R_BPF_64_64);
	if (at->slot + 1 >= at->code->n_insns)
		return object_refuse(at->log,
				     "section %s, offset %#llx: ld_imm64 of symbol '%s' has no "
				     "second half",
				     at->code->name, offset_of(at), name);
	return 0;
}

int object_relocate_address(struct bpfe_object *obj, struct code_section *code, uint32_t slot,
			    const struct reloc *reloc, struct bpfe_log *log)
{
	const struct place at = {.obj = obj,
				 .code = code,
				 .reloc = reloc,
				 .insn = &code->insns[slot],
				 .slot = slot,
				 .log = log};
	const struct elf_symbol *symbol = reloc->symbol;
	const struct map_def *data;
	int ret = check_shape(&at);

	if (ret)
		return ret;
	if (symbol->section == SHN_UNDEF)
		return relocate_extern(&at);
	if (!elf_symbol_is_placed(symbol))
		return object_refuse(log,
				     "section %s, offset %#llx: symbol '%s' is in no section of "
				     "the object (index %#x); build with -fno-common",
				     code->name, offset_of(&at), symbol->name, symbol->section);
	data = find_data(obj, symbol->section);
	if (data)
		return relocate_data(&at, data);
	if (obj->file.sections[symbol->section].flags & SHF_EXECINSTR)
		return relocate_function(&at);
	return relocate_map(&at);
}
