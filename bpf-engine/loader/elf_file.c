// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Pass 1: is this an ELF object for BPF, and where are its sections and symbols? (System V gABI,
 * chapters 4 and 5.)
 *
 * The header is judged before libelf sees the file, for messages that say what is wrong; what
 * libelf then hands out is checked against the file's size.
 */
#include "object.h"

#include <errno.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>

static int check_ident(const Elf64_Ehdr *ehdr, struct bpfe_log *log)
{
	if (memcmp(ehdr->e_ident, ELFMAG, SELFMAG))
		return object_refuse(log, "not an ELF file; build the program with "
					  "`clang -O2 -g -target bpf -c`");
	if (ehdr->e_ident[EI_CLASS] != ELFCLASS64)
		return object_refuse(log, "ELF header: class %u, BPF objects have class 2 (64-bit)",
				     ehdr->e_ident[EI_CLASS]);
	if (ehdr->e_ident[EI_DATA] != ELFDATA2LSB)
		return object_refuse(log,
				     "ELF header: data encoding %u, only 1 (little-endian) is "
				     "accepted; build with -target bpfel",
				     ehdr->e_ident[EI_DATA]);
	return 0;
}

static int check_header(const void *data, size_t size, struct bpfe_log *log)
{
	Elf64_Ehdr ehdr;
	int ret;

	if (size > ELF_MAX_SIZE)
		return object_refuse(log, "file of %zu bytes, at most %u are accepted", size,
				     ELF_MAX_SIZE);
	if (size < sizeof(ehdr))
		return object_refuse(log, "file of %zu bytes, an ELF header alone has %zu", size,
				     sizeof(ehdr));
	memcpy(&ehdr, data, sizeof(ehdr));
	ret = check_ident(&ehdr, log);
	if (ret)
		return ret;
	if (ehdr.e_machine != EM_BPF)
		return object_refuse(log,
				     "ELF header: machine %u, BPF is %u; build with `clang -target "
				     "bpf`",
				     ehdr.e_machine, EM_BPF);
	if (ehdr.e_type != ET_REL)
		return object_refuse(log, "ELF header: type %u, an object file has type %u",
				     ehdr.e_type, ET_REL);
	if (!ehdr.e_shoff || !ehdr.e_shnum)
		return object_refuse(log, "ELF header: no section table");
	if (ehdr.e_shentsize != sizeof(Elf64_Shdr))
		return object_refuse(log, "ELF header: section headers of %u bytes, they have %zu",
				     ehdr.e_shentsize, sizeof(Elf64_Shdr));
	if (ehdr.e_shoff > size || (size - ehdr.e_shoff) / sizeof(Elf64_Shdr) < ehdr.e_shnum)
		return object_refuse(log,
				     "ELF header: %u section headers at offset %#llx do not fit "
				     "into a file of %zu bytes: truncated?",
				     ehdr.e_shnum, (unsigned long long)ehdr.e_shoff, size);
	if (ehdr.e_shstrndx >= ehdr.e_shnum)
		return object_refuse(log,
				     "ELF header: section %u should hold the section names, the "
				     "file has %u sections",
				     ehdr.e_shstrndx, ehdr.e_shnum);
	return 0;
}

static int read_section(struct elf_file *file, uint32_t index, const uint8_t *image,
			size_t shstrndx, struct bpfe_log *log)
{
	struct elf_section *section = &file->sections[index];
	Elf_Scn *scn = elf_getscn(file->elf, index);
	GElf_Shdr shdr;

	if (!scn || !gelf_getshdr(scn, &shdr))
		return object_refuse(log, "section %u: %s", index, elf_errmsg(-1));
	section->name = elf_strptr(file->elf, shstrndx, shdr.sh_name);
	if (!section->name)
		return object_refuse(log,
				     "section %u: its name, at offset %#x of the section names, is "
				     "not a terminated string",
				     index, shdr.sh_name);
	section->type = shdr.sh_type;
	section->flags = shdr.sh_flags;
	section->size = shdr.sh_size;
	section->link = shdr.sh_link;
	section->info = shdr.sh_info;
	if (shdr.sh_type == SHT_NOBITS || shdr.sh_type == SHT_NULL)
		return 0;
	if (shdr.sh_offset > file->size || file->size - shdr.sh_offset < shdr.sh_size)
		return object_refuse(log,
				     "section %s: %#llx bytes at offset %#llx do not fit into a "
				     "file of %zu bytes: truncated?",
				     section->name, (unsigned long long)shdr.sh_size,
				     (unsigned long long)shdr.sh_offset, file->size);
	if (shdr.sh_flags & SHF_COMPRESSED)
		return object_refuse(log, "section %s: compressed, which is not supported",
				     section->name);
	section->data = image + shdr.sh_offset;
	return 0;
}

static int compare_data(const void *a, const void *b)
{
	const struct elf_section *const *x = a, *const *y = b;

	return ((*x)->data > (*y)->data) - ((*x)->data < (*y)->data);
}

/* Sections that share bytes would let a small file describe much code. */
static int check_overlap(const struct elf_file *file, struct bpfe_log *log)
{
	const struct elf_section **sorted = calloc(file->n_sections, sizeof(*sorted));
	uint32_t n = 0;
	int ret = 0;

	if (!sorted)
		return -ENOMEM;
	for (uint32_t i = 1; i < file->n_sections; i++) {
		if (file->sections[i].data && file->sections[i].size)
			sorted[n++] = &file->sections[i];
	}
	qsort(sorted, n, sizeof(*sorted), compare_data);
	for (uint32_t i = 1; i < n && !ret; i++) {
		if (sorted[i - 1]->data + sorted[i - 1]->size > sorted[i]->data)
			ret = object_refuse(log, "sections %s and %s overlap in the file",
					    sorted[i - 1]->name, sorted[i]->name);
	}
	free(sorted);
	return ret;
}

static int read_sections(struct elf_file *file, const void *image, struct bpfe_log *log)
{
	size_t count, shstrndx;

	if (elf_getshdrnum(file->elf, &count) || elf_getshdrstrndx(file->elf, &shstrndx))
		return object_refuse(log, "ELF header: %s", elf_errmsg(-1));
	file->sections = calloc(count + 1, sizeof(*file->sections));
	if (!file->sections)
		return -ENOMEM;
	file->n_sections = count;
	file->sections[0].name = "";
	for (uint32_t i = 1; i < count; i++) {
		int ret = read_section(file, i, image, shstrndx, log);

		if (ret)
			return ret;
	}
	return check_overlap(file, log);
}

static int read_symbol(struct elf_file *file, const struct elf_section *symtab, Elf_Data *data,
		       uint32_t index, struct bpfe_log *log)
{
	struct elf_symbol *symbol = &file->symbols[index];
	const struct elf_section *section;
	GElf_Sym sym;

	if (!gelf_getsym(data, index, &sym))
		return object_refuse(log, "section %s, symbol %u: %s", symtab->name, index,
				     elf_errmsg(-1));
	symbol->name = elf_strptr(file->elf, symtab->link, sym.st_name);
	if (!symbol->name)
		return object_refuse(log,
				     "section %s, symbol %u: its name, at offset %#x of section "
				     "%u, is not a terminated string",
				     symtab->name, index, sym.st_name, symtab->link);
	symbol->value = sym.st_value;
	symbol->size = sym.st_size;
	symbol->section = sym.st_shndx;
	symbol->type = GELF_ST_TYPE(sym.st_info);
	symbol->bind = GELF_ST_BIND(sym.st_info);
	symbol->visibility = GELF_ST_VISIBILITY(sym.st_other);
	if (!elf_symbol_is_placed(symbol))
		return 0;
	if (symbol->section >= file->n_sections)
		return object_refuse(log,
				     "section %s, symbol %u '%s': names section %u, the file has "
				     "%u",
				     symtab->name, index, symbol->name, symbol->section,
				     file->n_sections);
	section = &file->sections[symbol->section];
	if (sym.st_value > section->size || section->size - sym.st_value < sym.st_size)
		return object_refuse(log,
				     "section %s, symbol '%s': %#llx bytes at offset %#llx, the "
				     "section has %#llx",
				     section->name, symbol->name, (unsigned long long)sym.st_size,
				     (unsigned long long)sym.st_value,
				     (unsigned long long)section->size);
	return 0;
}

static int read_symbols(struct elf_file *file, struct bpfe_log *log)
{
	uint32_t symtab = 0;
	Elf_Data *data;

	for (uint32_t i = 1; i < file->n_sections; i++) {
		if (file->sections[i].type != SHT_SYMTAB)
			continue;
		if (symtab)
			return object_refuse(log, "sections %s and %s are both symbol tables",
					     file->sections[symtab].name, file->sections[i].name);
		symtab = i;
	}
	if (!symtab)
		return object_refuse(log, "no symbol table: programs cannot be found (do not "
					  "strip the object)");
	if (file->sections[symtab].size % sizeof(Elf64_Sym))
		return object_refuse(log, "section %s: size %#llx is not a multiple of %zu",
				     file->sections[symtab].name,
				     (unsigned long long)file->sections[symtab].size,
				     sizeof(Elf64_Sym));
	data = elf_getdata(elf_getscn(file->elf, symtab), NULL);
	if (!data)
		return object_refuse(log, "section %s: %s", file->sections[symtab].name,
				     elf_errmsg(-1));
	file->n_symbols = file->sections[symtab].size / sizeof(Elf64_Sym);
	file->symbols = calloc((size_t)file->n_symbols + 1, sizeof(*file->symbols));
	if (!file->symbols)
		return -ENOMEM;
	for (uint32_t i = 0; i < file->n_symbols; i++) {
		int ret = read_symbol(file, &file->sections[symtab], data, i, log);

		if (ret)
			return ret;
	}
	return 0;
}

int elf_file_open(struct elf_file *file, const void *data, size_t size, struct bpfe_log *log)
{
	int ret = check_header(data, size, log);

	if (ret)
		return ret;
	if (elf_version(EV_CURRENT) == EV_NONE)
		return object_refuse(log, "libelf: %s", elf_errmsg(-1));
	file->image = data;
	file->size = size;
	/* libelf takes a plain pointer and only reads from it. */
	file->elf = elf_memory((char *)(uintptr_t)data, size);
	if (!file->elf)
		return object_refuse(log, "ELF header: %s", elf_errmsg(-1));
	ret = read_sections(file, data, log);
	if (!ret)
		ret = read_symbols(file, log);
	return ret;
}

void elf_file_close(struct elf_file *file)
{
	free(file->symbols);
	free(file->sections);
	elf_end(file->elf);
}

const struct elf_section *elf_file_section(const struct elf_file *file, const char *name)
{
	for (uint32_t i = 1; i < file->n_sections; i++) {
		if (!strcmp(file->sections[i].name, name) && file->sections[i].data)
			return &file->sections[i];
	}
	return NULL;
}
