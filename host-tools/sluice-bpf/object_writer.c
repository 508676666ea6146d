// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "object_writer.h"
#include "error.h"

#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <glib/gstdio.h>
#include <linux/bpf.h>
#include <string.h>
#include <unistd.h>

#ifndef EM_BPF
#define EM_BPF 247
#endif

enum {
	SECTION_PROGRAM = 1,
	SECTION_LICENSE,
	SECTION_SYMBOLS,
	SECTION_STRINGS,
};

/* Names and symbols, filled before anything is written and kept until all is. */
struct writer {
	const struct object_writer_attr *attr;
	GString *strings; /* of sections and symbols alike */
	Elf64_Sym symbols[3];
	Elf *elf;
};

static uint32_t add_string(struct writer *w, const char *text)
{
	uint32_t at = (uint32_t)w->strings->len;

	g_string_append_len(w->strings, text, (gssize)strlen(text) + 1);
	return at;
}

static gboolean add_section(struct writer *w, const char *name, const Elf64_Shdr *like,
			    Elf_Type type, const void *bytes, size_t size)
{
	Elf_Scn *section = elf_newscn(w->elf);
	Elf_Data *data = section ? elf_newdata(section) : NULL;
	Elf64_Shdr *header = data ? elf64_getshdr(section) : NULL;

	if (!header)
		return FALSE;
	*data = (Elf_Data){
		.d_buf = (void *)(uintptr_t)bytes,
		.d_type = type,
		.d_version = EV_CURRENT,
		.d_size = size,
		.d_align = like->sh_addralign,
	};
	header->sh_name = add_string(w, name);
	header->sh_type = like->sh_type;
	header->sh_flags = like->sh_flags;
	header->sh_addralign = like->sh_addralign;
	header->sh_entsize = like->sh_entsize;
	header->sh_link = like->sh_link;
	header->sh_info = like->sh_info;
	return TRUE;
}

static void make_symbols(struct writer *w)
{
	w->symbols[1] = (Elf64_Sym){
		.st_name = add_string(w, w->attr->function),
		.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
		.st_shndx = SECTION_PROGRAM,
		.st_size = w->attr->n_insns * sizeof(struct bpf_insn),
	};
	w->symbols[2] = (Elf64_Sym){
		.st_name = add_string(w, "_license"),
		.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT),
		.st_shndx = SECTION_LICENSE,
		.st_size = strlen(w->attr->license) + 1,
	};
}

static gboolean add_sections(struct writer *w)
{
	const Elf64_Shdr program = {
		.sh_type = SHT_PROGBITS, .sh_flags = SHF_ALLOC | SHF_EXECINSTR, .sh_addralign = 8};
	const Elf64_Shdr license = {
		.sh_type = SHT_PROGBITS, .sh_flags = SHF_ALLOC | SHF_WRITE, .sh_addralign = 1};
	const Elf64_Shdr symbols = {.sh_type = SHT_SYMTAB,
				    .sh_addralign = 8,
				    .sh_entsize = sizeof(Elf64_Sym),
				    .sh_link = SECTION_STRINGS,
				    .sh_info = 1};
	const Elf64_Shdr strings = {.sh_type = SHT_STRTAB, .sh_addralign = 1};
	const struct object_writer_attr *attr = w->attr;
	Elf_Data *names;

	if (!add_section(w, attr->section, &program, ELF_T_BYTE, attr->insns,
			 attr->n_insns * sizeof(*attr->insns)) ||
	    !add_section(w, "license", &license, ELF_T_BYTE, attr->license,
			 strlen(attr->license) + 1) ||
	    !add_section(w, ".symtab", &symbols, ELF_T_SYM, w->symbols, sizeof(w->symbols)) ||
	    !add_section(w, ".strtab", &strings, ELF_T_BYTE, NULL, 0))
		return FALSE;
	/* Only now are all names in it. */
	names = elf_getdata(elf_getscn(w->elf, SECTION_STRINGS), NULL);
	names->d_buf = w->strings->str;
	names->d_size = w->strings->len;
	return TRUE;
}

static gboolean write_elf(struct writer *w)
{
	Elf64_Ehdr *header = elf64_newehdr(w->elf);

	if (!header)
		return FALSE;
	header->e_ident[EI_DATA] = ELFDATA2LSB;
	header->e_type = ET_REL;
	header->e_machine = EM_BPF;
	header->e_version = EV_CURRENT;
	header->e_shstrndx = SECTION_STRINGS;
	make_symbols(w);
	return add_sections(w) && elf_update(w->elf, ELF_C_WRITE) >= 0;
}

gboolean object_write(const char *path, const struct object_writer_attr *attr, GError **error)
{
	struct writer w = {.attr = attr};
	gboolean ok;
	int fd;

	elf_version(EV_CURRENT);
	fd = g_open(path, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0666);
	if (fd < 0) {
		g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED, "%s: cannot be written: %s", path,
			    g_strerror(errno));
		return FALSE;
	}
	w.strings = g_string_new_len("", 1);
	w.elf = elf_begin(fd, ELF_C_WRITE, NULL);
	ok = w.elf && write_elf(&w);
	if (!ok)
		g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED,
			    "%s: could not be written whole: %s", path, elf_errmsg(-1));
	if (w.elf)
		elf_end(w.elf);
	g_string_free(w.strings, TRUE);
	if (close(fd) && ok) {
		g_set_error(error, TOOL_ERROR, TOOL_ERROR_FAILED, "%s: could not be written: %s",
			    path, g_strerror(errno));
		ok = FALSE;
	}
	return ok;
}
