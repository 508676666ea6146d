/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What the parts of the loader share: an object on its way from ELF to programs.
 *
 * The file is hostile. elf_file.c checks every offset, size, name and symbol once and leaves arrays
 * that the others may index; after it nobody reads headers. The passes run in the order of this
 * file, each on what the one before it left.
 */
#ifndef BPFE_LOADER_OBJECT_H
#define BPFE_LOADER_OBJECT_H

#include "bpf_elf.h"
#include <libelf.h>

/* Bounds that keep a small file from costing much time or memory. */
#define ELF_MAX_SIZE       (64u << 20) /* bytes of a file */
#define ELF_MAX_CODE       256u        /* executable sections */
#define ELF_MAX_MAPS       256u
#define ELF_MAX_PROGRAMS   256u
#define ELF_MAX_CODE_SLOTS (16u * BPFE_MAX_INSNS) /* over all linked programs */

/* ---- Pass 1, elf_file.c: sections and symbols ---------------------------------------------- */

struct elf_section {
	const char *name;
	const uint8_t *data; /* size bytes in the file, any alignment; NULL for SHT_NOBITS */
	uint64_t size;
	uint64_t flags;
	uint32_t type;
	uint32_t link;
	uint32_t info;
};

struct elf_symbol {
	const char *name;
	uint64_t value; /* value + size lie in the section, if section is one of the file's */
	uint64_t size;
	uint32_t section; /* below n_sections, or special: SHN_UNDEF or at least SHN_LORESERVE */
	uint8_t type;
	uint8_t bind;
};

struct elf_file {
	Elf *elf;
	size_t size;
	struct elf_section *sections; /* [0] is the null section */
	uint32_t n_sections;
	struct elf_symbol *symbols; /* [0] is the null symbol */
	uint32_t n_symbols;
};

int elf_file_open(struct elf_file *file, const void *data, size_t size, struct bpfe_log *log);
void elf_file_close(struct elf_file *file);

/* The one section of that name, or NULL. */
const struct elf_section *elf_file_section(const struct elf_file *file, const char *name);

/* Is @section one of the file's, i.e. not undefined, absolute or common? */
static inline bool elf_symbol_is_placed(const struct elf_symbol *symbol)
{
	return symbol->section != SHN_UNDEF && symbol->section < SHN_LORESERVE;
}

/* ---- Pass 2, functions.c: code -------------------------------------------------------------- */

struct call {
	uint32_t slot;   /* of the call instruction, in its code section */
	uint32_t callee; /* index into object->functions */
};

struct line {
	uint32_t slot; /* first instruction of the line, in its code section */
	uint32_t number;
	const char *file;
	const char *text;
	char *formatted; /* NULL until somebody asks */
};

/* An executable section with code in it. */
struct code_section {
	uint32_t section; /* index into file->sections */
	const char *name;
	struct bpf_insn *insns;
	uint32_t n_insns;
	struct call *calls; /* sorted by slot */
	uint32_t n_calls;
	struct line *lines; /* sorted by slot */
	uint32_t n_lines;
};

struct function {
	const char *name;
	uint32_t code;  /* index into object->code */
	uint32_t start; /* slots within the section */
	uint32_t n_insns;
	bool is_program;
};

/* A function's place in a linked program. */
struct placement {
	uint32_t function;
	uint32_t base; /* slot in the program */
};

struct program {
	uint32_t function;
	struct bpf_insn *insns;
	uint32_t n_insns;
	struct placement *placements; /* sorted by base */
	uint32_t n_placements;
};

struct map_def {
	const struct elf_symbol *symbol;
	struct bpfe_map_attr attr;
	uint32_t key_type_id; /* BTF, 0 when unknown */
	uint32_t value_type_id;
};

struct btf;

struct bpfe_object {
	struct elf_file file;
	struct btf *btf; /* NULL without .BTF */
	const char *license;
	struct code_section *code;
	uint32_t n_code;
	struct function *functions; /* sorted by (code, start) */
	uint32_t n_functions;
	struct map_def *maps; /* sorted by (symbol->section, symbol->value) */
	uint32_t n_maps;
	struct program *programs;
	uint32_t n_programs;
};

int object_read_code(struct bpfe_object *obj, struct bpfe_log *log);
void object_free_code(struct bpfe_object *obj);

/* Function that begins at @slot of code section @code, or NULL. */
const struct function *object_function_at(const struct bpfe_object *obj, uint32_t code,
					  uint64_t slot);

/* ---- Pass 3, map_defs.c: maps --------------------------------------------------------------- */

int object_read_maps(struct bpfe_object *obj, struct bpfe_log *log);

/* ---- Pass 4, relocs.c: references to maps and functions ------------------------------------- */

int object_relocate(struct bpfe_object *obj, struct bpfe_log *log);

/* ---- Pass 5, line_info.c ----------------------------------------------------------------------
 */

int object_read_lines(struct bpfe_object *obj, struct bpfe_log *log);

/* ---- Pass 6, link.c: programs -----------------------------------------------------------------
 */

int object_link(struct bpfe_object *obj, struct bpfe_log *log);
void object_free_programs(struct bpfe_object *obj);

/* ---- Refusals ---------------------------------------------------------------------------------
 */

/* Refuse the file: -EINVAL, with the reason in the log. */
#define object_refuse(log, ...) bpfe_refuse(log, -EINVAL, BPFE_BAD_ENCODING, 0, __VA_ARGS__)

#endif
