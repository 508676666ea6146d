// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Does a case apply? Decided by what the program and the functions it reaches use, read from the
 * ELF file itself and not through our loader: helpers, kernel functions and map types against the
 * tables of selftests_classes.c, instructions that XDP programs do not have, and, where the section
 * is of another program type, whether the program looks into its context. One that only passes its
 * context on does not depend on its type and is judged as an XDP program.
 */
#include "selftests.h"

#include <bpf/btf.h>
#include <gelf.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_REACHED   64
#define MAX_RELOCS    8192
#define NOWHERE       UINT32_MAX
#define JUMP_INDIRECT (BPF_JMP | BPF_JA | BPF_X)

struct reloc {
	uint32_t section; /* that it patches */
	uint32_t slot;
	uint32_t symbol;
};

struct selftest_object {
	Elf *elf;
	const struct btf *btf;
	Elf_Data *symbols;
	uint32_t n_symbols;
	size_t strings; /* section of symbol names */
	uint32_t maps;  /* section .maps, or NOWHERE */
	struct reloc *relocs;
	size_t n_relocs;
};

/* A function of the file: slots [start, end) of a section. */
struct body {
	uint32_t section, start, end;
};

struct scan {
	const struct selftest_object *obj;
	struct body reached[MAX_REACHED]; /* [0] is the program */
	uint32_t n_reached;
	bool context_is_memory;
	char *why;
	size_t size;
};

/* ---- The file ---------------------------------------------------------------------------------
 */

static bool symbol_at(const struct selftest_object *obj, uint32_t i, GElf_Sym *sym)
{
	return gelf_getsym(obj->symbols, (int)i, sym) != NULL;
}

static const char *symbol_name(const struct selftest_object *obj, const GElf_Sym *sym)
{
	const char *name = elf_strptr(obj->elf, obj->strings, sym->st_name);

	return name ? name : "";
}

static void read_relocs(struct selftest_object *obj, Elf_Scn *scn, const GElf_Shdr *header)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	GElf_Rel rel;

	for (int i = 0; data && gelf_getrel(data, i, &rel) && obj->n_relocs < MAX_RELOCS; i++)
		obj->relocs[obj->n_relocs++] =
			(struct reloc){header->sh_info, (uint32_t)(rel.r_offset / 8),
				       (uint32_t)GELF_R_SYM(rel.r_info)};
}

struct selftest_object *selftest_object_open(void *data, size_t size, const struct btf *btf)
{
	struct selftest_object *obj = calloc(1, sizeof(*obj));
	Elf_Scn *scn = NULL;
	GElf_Shdr header;
	size_t names;

	elf_version(EV_CURRENT);
	obj->elf = elf_memory(data, size);
	obj->btf = btf;
	obj->maps = NOWHERE;
	obj->relocs = calloc(MAX_RELOCS, sizeof(*obj->relocs));
	if (elf_getshdrstrndx(obj->elf, &names)) {
		selftest_object_close(obj);
		return NULL;
	}
	while ((scn = elf_nextscn(obj->elf, scn)) && gelf_getshdr(scn, &header)) {
		if (header.sh_type == SHT_SYMTAB) {
			obj->symbols = elf_getdata(scn, NULL);
			obj->n_symbols = (uint32_t)(header.sh_size / header.sh_entsize);
			obj->strings = header.sh_link;
		} else if (header.sh_type == SHT_REL) {
			read_relocs(obj, scn, &header);
		} else if (strcmp(elf_strptr(obj->elf, names, header.sh_name), ".maps") == 0) {
			obj->maps = (uint32_t)elf_ndxscn(scn);
		}
	}
	return obj;
}

void selftest_object_close(struct selftest_object *obj)
{
	elf_end(obj->elf);
	free(obj->relocs);
	free(obj);
}

static const struct bpf_insn *code_of(const struct selftest_object *obj, uint32_t section,
				      uint32_t *n)
{
	Elf_Data *data = elf_getdata(elf_getscn(obj->elf, section), NULL);

	*n = data ? (uint32_t)(data->d_size / sizeof(struct bpf_insn)) : 0;
	return data ? data->d_buf : NULL;
}

/* The function that begins at @slot of @section, or whose symbol is @name. */
static bool find_body(const struct selftest_object *obj, const char *name, uint32_t section,
		      uint32_t slot, struct body *body)
{
	GElf_Sym sym;

	for (uint32_t i = 0; i < obj->n_symbols && symbol_at(obj, i, &sym); i++) {
		if (GELF_ST_TYPE(sym.st_info) != STT_FUNC)
			continue;
		if (name ? strcmp(symbol_name(obj, &sym), name) != 0
			 : sym.st_shndx != section || sym.st_value / 8 != slot)
			continue;
		*body = (struct body){sym.st_shndx, (uint32_t)(sym.st_value / 8),
				      (uint32_t)((sym.st_value + sym.st_size) / 8)};
		return true;
	}
	return false;
}

static const char *section_name(const struct selftest_object *obj, uint32_t section)
{
	GElf_Shdr header;
	const char *name = NULL;
	size_t names;

	if (!elf_getshdrstrndx(obj->elf, &names) &&
	    gelf_getshdr(elf_getscn(obj->elf, section), &header))
		name = elf_strptr(obj->elf, names, header.sh_name);
	return name ? name : "";
}

const char *selftest_section(const struct selftest_object *obj, const char *name)
{
	struct body body;

	return find_body(obj, name, 0, 0, &body) ? section_name(obj, body.section) : NULL;
}

static bool reloc_symbol(const struct selftest_object *obj, uint32_t section, uint32_t slot,
			 GElf_Sym *sym)
{
	for (size_t i = 0; i < obj->n_relocs; i++) {
		if (obj->relocs[i].section == section && obj->relocs[i].slot == slot)
			return symbol_at(obj, obj->relocs[i].symbol, sym);
	}
	return false;
}

/* ---- Maps -------------------------------------------------------------------------------------
 */

/* Does a type hold a field that only later work gives a meaning? Its purpose, or NULL. */
static const char *special_in(const struct btf *btf, uint32_t id, int depth)
{
	const struct btf_type *type = btf__type_by_id(btf, id);
	const struct btf_member *member;

	while (type && (btf_is_mod(type) || btf_is_typedef(type) || btf_is_array(type))) {
		id = btf_is_array(type) ? btf_array(type)->type : type->type;
		type = btf__type_by_id(btf, id);
	}
	if (!type || depth > 8)
		return NULL;
	if (btf_is_ptr(type)) {
		const struct btf_type *tag = btf__type_by_id(btf, type->type);

		return tag && BTF_INFO_KIND(tag->info) == BTF_KIND_TYPE_TAG
			       ? selftest_special_field(btf__name_by_offset(btf, tag->name_off))
			       : NULL;
	}
	if (!btf_is_composite(type))
		return NULL;
	if (selftest_special_field(btf__name_by_offset(btf, type->name_off)))
		return selftest_special_field(btf__name_by_offset(btf, type->name_off));
	member = btf_members(type);
	for (uint32_t i = 0; i < btf_vlen(type); i++) {
		const char *special = special_in(btf, member[i].type, depth + 1);

		if (special)
			return special;
	}
	return NULL;
}

/* Is the map that variable @name defines one the engine is to have? */
static bool map_allowed(struct scan *s, const char *name)
{
	const struct btf *btf = s->obj->btf;
	int id = btf__find_by_name_kind(btf, name, BTF_KIND_VAR);
	const struct btf_type *type =
		id < 0 ? NULL : btf__type_by_id(btf, btf__type_by_id(btf, (uint32_t)id)->type);
	const struct btf_member *member;

	if (!type || !btf_is_composite(type))
		return true;
	member = btf_members(type);
	for (uint32_t i = 0; i < btf_vlen(type); i++) {
		const char *field = btf__name_by_offset(btf, member[i].name_off);
		const struct btf_type *ptr = btf__type_by_id(btf, member[i].type);
		const char *special;

		if (!btf_is_ptr(ptr))
			continue;
		if (strcmp(field, "type") == 0) {
			uint32_t map_type = btf_array(btf__type_by_id(btf, ptr->type))->nelems;

			if (!selftest_map_type_allowed(map_type)) {
				snprintf(s->why, s->size, "map type %u", map_type);
				return false;
			}
		}
		special = strcmp(field, "value") == 0 ? special_in(btf, ptr->type, 0) : NULL;
		if (special) {
			snprintf(s->why, s->size, "%s in a map value", special);
			return false;
		}
	}
	return true;
}

/* ---- Instructions -----------------------------------------------------------------------------
 */

static void reach(struct scan *s, uint32_t section, uint32_t slot)
{
	struct body body;

	if (!find_body(s->obj, NULL, section, slot, &body) || s->n_reached == MAX_REACHED)
		return;
	for (uint32_t i = 0; i < s->n_reached; i++) {
		if (s->reached[i].section == body.section && s->reached[i].start == body.start)
			return;
	}
	s->reached[s->n_reached++] = body;
}

static bool call_allowed(struct scan *s, const struct body *body, uint32_t slot,
			 const struct bpf_insn *insn)
{
	GElf_Sym sym;

	if (insn->src_reg == 0) {
		if (selftest_helper_allowed((uint32_t)insn->imm))
			return true;
		snprintf(s->why, s->size, "helper #%d", insn->imm);
		return false;
	}
	if (insn->src_reg == BPF_PSEUDO_KFUNC_CALL) {
		snprintf(s->why, s->size, "kernel function by number");
		return false;
	}
	if (insn->src_reg != BPF_PSEUDO_CALL)
		return true; /* an encoding to be refused */
	if (!reloc_symbol(s->obj, body->section, slot, &sym)) {
		reach(s, body->section, slot + 1 + (uint32_t)insn->imm);
		return true;
	}
	if (sym.st_shndx != SHN_UNDEF) {
		uint32_t offset = GELF_ST_TYPE(sym.st_info) == STT_SECTION
					  ? (uint32_t)insn->imm + 1
					  : (uint32_t)(sym.st_value / 8);

		reach(s, sym.st_shndx, offset);
		return true;
	}
	if (selftest_kfunc_allowed(symbol_name(s->obj, &sym)))
		return true;
	snprintf(s->why, s->size, "kernel function %s", symbol_name(s->obj, &sym));
	return false;
}

static bool reference_allowed(struct scan *s, const struct body *body, uint32_t slot,
			      const struct bpf_insn *insn)
{
	GElf_Sym sym;

	if (!reloc_symbol(s->obj, body->section, slot, &sym))
		return true;
	if (sym.st_shndx == SHN_UNDEF) {
		snprintf(s->why, s->size, "extern %s", symbol_name(s->obj, &sym));
		return false;
	}
	if (strcmp(section_name(s->obj, sym.st_shndx), ".percpu") == 0) {
		snprintf(s->why, s->size, "global data of each processor");
		return false;
	}
	if (sym.st_shndx == s->obj->maps && GELF_ST_TYPE(sym.st_info) == STT_OBJECT)
		return map_allowed(s, symbol_name(s->obj, &sym));
	/* The address of a function: a callback. Addends of sections are in bytes. */
	if (GELF_ST_TYPE(sym.st_info) == STT_FUNC)
		reach(s, sym.st_shndx, (uint32_t)(sym.st_value / 8));
	else if (GELF_ST_TYPE(sym.st_info) == STT_SECTION)
		reach(s, sym.st_shndx, (uint32_t)insn->imm / 8);
	return true;
}

static bool insn_allowed(struct scan *s, const struct body *body, uint32_t slot,
			 const struct bpf_insn *insn)
{
	uint8_t mode = BPF_MODE(insn->code);
	const char *what = NULL;

	if (insn->code == (BPF_JMP | BPF_CALL))
		return call_allowed(s, body, slot, insn);
	if (insn->code == (BPF_LD | BPF_IMM | BPF_DW))
		return reference_allowed(s, body, slot, insn);
	if (BPF_CLASS(insn->code) == BPF_LD && (mode == BPF_ABS || mode == BPF_IND))
		what = "legacy packet access, which XDP programs do not have";
	else if (insn->code == JUMP_INDIRECT)
		what = "indirect jumps";
	else if (insn->code == (BPF_ALU64 | BPF_MOV | BPF_X) && insn->off == 1)
		what = "address spaces (arena)";
	if (what)
		snprintf(s->why, s->size, "%s", what);
	return !what;
}

/* Tags that give a function's arguments or the function itself a meaning of later work. */
static bool tags_allowed(struct scan *s, const struct body *body)
{
	const struct btf *btf = s->obj->btf;
	int function = -1;
	GElf_Sym sym;

	for (uint32_t i = 0; i < s->obj->n_symbols && symbol_at(s->obj, i, &sym); i++) {
		if (GELF_ST_TYPE(sym.st_info) == STT_FUNC && sym.st_shndx == body->section &&
		    sym.st_value / 8 == body->start)
			function = btf__find_by_name_kind(btf, symbol_name(s->obj, &sym),
							  BTF_KIND_FUNC);
	}
	for (uint32_t id = 1; function > 0 && id < btf__type_cnt(btf); id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);
		const char *tag;

		if (!btf_is_decl_tag(type) || type->type != (uint32_t)function)
			continue;
		tag = btf__name_by_offset(btf, type->name_off);
		if (!selftest_special_field(tag))
			continue;
		snprintf(s->why, s->size, "%s", selftest_special_field(tag));
		return false;
	}
	return true;
}

/* All reached code, the list growing meanwhile. */
static bool code_allowed(struct scan *s)
{
	for (uint32_t i = 0; i < s->n_reached; i++) {
		struct body body = s->reached[i];
		uint32_t n;
		const struct bpf_insn *code = code_of(s->obj, body.section, &n);

		if (!tags_allowed(s, &body))
			return false;
		for (uint32_t slot = body.start; slot < body.end && slot < n; slot++) {
			if (!insn_allowed(s, &body, slot, &code[slot]))
				return false;
			if (code[slot].code == (BPF_LD | BPF_IMM | BPF_DW))
				slot++;
		}
	}
	return true;
}

/* ---- The context ------------------------------------------------------------------------------
 */

static bool body_looks(const struct scan *s, const struct body *body, uint16_t held,
		       uint16_t *passed)
{
	uint32_t n;
	const struct bpf_insn *code = code_of(s->obj, body->section, &n);

	return code && body->end <= n && body->start < body->end &&
	       selftest_looks_into_context(code + body->start, body->end - body->start, held,
					   s->context_is_memory, passed);
}

/* The program or, given the context by any function of it, one that it reaches. */
static bool looks_into_context(const struct scan *s)
{
	uint16_t passed = 0;
	bool looks = body_looks(s, &s->reached[0], 1u << 1, &passed);

	for (uint32_t round = 1; round < s->n_reached && !looks; round++) {
		for (uint32_t i = 1; i < s->n_reached && !looks; i++)
			looks = body_looks(s, &s->reached[i], passed, &passed);
	}
	return looks;
}

/* ---- All together -----------------------------------------------------------------------------
 */

static bool section_is(const char *section, const char *type)
{
	size_t length = strlen(type);

	section += *section == '?';
	return strncmp(section, type, length) == 0 &&
	       (!section[length] || section[length] == '/' || section[length] == '.');
}

/* "lsm.s/file_open" and the like sleep. */
static bool section_sleeps(const char *section)
{
	const char *dot = strstr(section, ".s");

	return dot && (!dot[2] || dot[2] == '/');
}

static bool mode_allowed(const struct selftest_spec *spec, const char *section, char *why,
			 size_t size)
{
	const char *what = NULL;

	if (spec->other_arch)
		what = "other architectures";
	else if (spec->pieces)
		what = "frames in several pieces";
	else if (spec->jit_only)
		what = "a private stack, which a compiler gives";
	else if (spec->sleepable || section_sleeps(section))
		what = "sleepable programs";
	else if (section_is(section, "struct_ops"))
		what = "struct_ops";
	else if (section_is(section, "iter"))
		what = "iterators over kernel objects";
	if (what)
		snprintf(why, size, "%s", what);
	return !what;
}

bool selftest_applies(const struct selftest_object *obj, const char *name, const char *section,
		      const struct selftest_spec *spec, uint32_t *type, char *why, size_t size)
{
	struct scan s = {.obj = obj, .why = why, .size = size};
	struct body main_body;

	s.context_is_memory = section_is(section, "syscall");
	if (!mode_allowed(spec, section, why, size))
		return false;
	if (!find_body(obj, name, 0, 0, &main_body))
		return true;
	s.reached[s.n_reached++] = main_body;
	if (!code_allowed(&s))
		return false;
	*type = BPF_PROG_TYPE_XDP;
	if (section_is(section, "xdp") || !looks_into_context(&s))
		return true;
	*type = BPF_PROG_TYPE_SCHED_CLS;
	if (section_is(section, "tc") || section_is(section, "tcx"))
		return true;
	snprintf(why, size, "the context of %s", section);
	return false;
}
