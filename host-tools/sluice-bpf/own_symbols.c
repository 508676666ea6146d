// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "own_symbols.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <gelf.h>
#include <glib.h>
#include <libelf.h>
#include <unistd.h>

struct own_symbols {
	int fd;
	Elf *elf;
	Elf_Data *data; /* of the symbol table; NULL: none */
	size_t n;
	size_t strings; /* the section of names */
	uint64_t bias;  /* from addresses in the file to those in memory */
};

static void find_table(struct own_symbols *symbols)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;

	while ((section = elf_nextscn(symbols->elf, section))) {
		if (!gelf_getshdr(section, &header) || header.sh_type != SHT_SYMTAB ||
		    !header.sh_entsize)
			continue;
		symbols->data = elf_getdata(section, NULL);
		symbols->n = header.sh_size / header.sh_entsize;
		symbols->strings = header.sh_link;
	}
}

/* What is linked at fixed addresses lies where the file says. */
static uint64_t find_bias(Elf *elf)
{
	GElf_Ehdr header;
	Dl_info info;

	if (!gelf_getehdr(elf, &header) || header.e_type != ET_DYN)
		return 0;
	return dladdr((const void *)(uintptr_t)own_symbols_open, &info) ? (uintptr_t)info.dli_fbase
									: 0;
}

struct own_symbols *own_symbols_open(void)
{
	struct own_symbols *symbols = g_new0(struct own_symbols, 1);

	elf_version(EV_CURRENT);
	symbols->fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (symbols->fd < 0)
		return symbols;
	symbols->elf = elf_begin(symbols->fd, ELF_C_READ, NULL);
	if (symbols->elf) {
		find_table(symbols);
		symbols->bias = find_bias(symbols->elf);
	}
	return symbols;
}

void own_symbols_close(struct own_symbols *symbols)
{
	elf_end(symbols->elf);
	if (symbols->fd >= 0)
		close(symbols->fd);
	g_free(symbols);
}

const char *own_symbols_find(const struct own_symbols *symbols, uint64_t address)
{
	GElf_Sym symbol;

	for (size_t i = 0; symbols->data && i < symbols->n; i++) {
		if (gelf_getsym(symbols->data, (int)i, &symbol) &&
		    GELF_ST_TYPE(symbol.st_info) == STT_FUNC && symbol.st_value &&
		    symbol.st_value + symbols->bias == address)
			return elf_strptr(symbols->elf, symbols->strings, symbol.st_name);
	}
	return NULL;
}
