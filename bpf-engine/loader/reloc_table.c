// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Pass 4, first half: the relocations of a section, checked and in order. */
#include "object.h"

#include <errno.h>
#include <gelf.h>
#include <stdlib.h>

static const char *section_name(const struct bpfe_object *obj, const struct elf_symbol *symbol)
{
	return elf_symbol_is_placed(symbol) ? obj->file.sections[symbol->section].name : "(none)";
}

const char *object_symbol_name(const struct bpfe_object *obj, const struct elf_symbol *symbol)
{
	return symbol->name[0] ? symbol->name : section_name(obj, symbol);
}

const char *object_target_name(const struct bpfe_object *obj, const struct elf_symbol *symbol,
			       uint64_t addend)
{
	for (uint32_t i = 0; i < obj->file.n_symbols && symbol->type == STT_SECTION; i++) {
		const struct elf_symbol *other = &obj->file.symbols[i];

		if (other->section == symbol->section && other->name[0] &&
		    (other->type == STT_FUNC || other->type == STT_OBJECT) &&
		    other->value == symbol->value + addend)
			return other->name;
	}
	return object_symbol_name(obj, symbol);
}

static int read_reloc(const struct bpfe_object *obj, uint32_t section, const GElf_Rel *rel,
		      struct reloc *reloc, struct bpfe_log *log)
{
	uint64_t symbol = GELF_R_SYM(rel->r_info);

	if (symbol >= obj->file.n_symbols)
		return object_refuse(log,
				     "section %s, offset %#llx: relocation names symbol %llu, the "
				     "file has %u",
				     obj->file.sections[section].name,
				     (unsigned long long)rel->r_offset, (unsigned long long)symbol,
				     obj->file.n_symbols);
	reloc->offset = rel->r_offset;
	reloc->type = GELF_R_TYPE(rel->r_info);
	reloc->symbol = &obj->file.symbols[symbol];
	return 0;
}

static int read_table(const struct bpfe_object *obj, uint32_t target, uint32_t index,
		      struct reloc_table *table, struct bpfe_log *log)
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
		ret = read_reloc(obj, target, &rel, &table->relocs[table->n], log);
		if (ret)
			return ret;
		table->n++;
	}
	return 0;
}

static int compare_relocs(const void *a, const void *b)
{
	const struct reloc *x = a, *y = b;

	return (x->offset > y->offset) - (x->offset < y->offset);
}

int reloc_table_read(const struct bpfe_object *obj, uint32_t target, struct reloc_table *table,
		     struct bpfe_log *log)
{
	for (uint32_t i = 1; i < obj->file.n_sections; i++) {
		const struct elf_section *section = &obj->file.sections[i];
		int ret;

		if ((section->type != SHT_REL && section->type != SHT_RELA) ||
		    section->info != target)
			continue;
		ret = read_table(obj, target, i, table, log);
		if (ret)
			return ret;
	}
	if (!table->n)
		return 0;
	qsort(table->relocs, table->n, sizeof(*table->relocs), compare_relocs);
	for (uint32_t i = 1; i < table->n; i++) {
		if (table->relocs[i - 1].offset == table->relocs[i].offset)
			return object_refuse(log, "section %s, offset %#llx: relocated twice",
					     obj->file.sections[target].name,
					     (unsigned long long)table->relocs[i].offset);
	}
	return 0;
}
