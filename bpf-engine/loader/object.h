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
#define ELF_MAX_DATA       (8u << 20)  /* bytes of a section of global data */
#define ELF_MAX_ALL_DATA   (32u << 20) /* of all of them: those of zeros need no file */
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
	uint8_t visibility;
};

struct elf_file {
	Elf *elf;
	const uint8_t *image; /* size bytes */
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

/* A call of a function of the object, or a ld_imm64 of its address. */
struct ref {
	uint32_t slot;     /* of the instruction, in its code section */
	uint32_t function; /* index into object->functions */
};

/* Why a program with the instruction cannot be loaded. */
enum blocker_kind {
	BLOCKER_KFUNC,
	BLOCKER_VARIABLE,
	BLOCKER_CONFIG,
	BLOCKER_UNDEFINED,
	BLOCKER_PLACE,
	BLOCKER_NUMBER,
	BLOCKER_CORE_FLAVOUR,
	BLOCKER_CORE_QUESTION,
	BLOCKER_CORE_PARTIAL,
	BLOCKER_CORE_CONTEXT,
};

struct blocker {
	uint32_t slot; /* in its code section */
	enum blocker_kind kind;
	const char *name;    /* of what is missing */
	const char *section; /* where that is, if it matters */
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
	struct ref *refs; /* sorted by slot */
	uint32_t n_refs;
	struct blocker *blockers;
	uint32_t n_blockers;
	uint32_t max_blockers;
	struct line *lines; /* sorted by slot */
	uint32_t n_lines;
	bool has_func_info;
	bool has_core_relos;
};

struct function {
	const char *name;
	uint32_t code;  /* index into object->code */
	uint32_t start; /* slots within the section */
	uint32_t n_insns;
	uint32_t btf_id; /* BTF_KIND_FUNC by .BTF.ext, 0 when unknown */
	bool is_program;
	bool is_hidden; /* visible to the object's own files only: static to the verifier */
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
	struct bpfe_func_info *funcs; /* one for each placement */
};

/* What a map is to hold from the start. */
struct map_slot {
	uint32_t index;  /* key */
	uint32_t target; /* index into object->maps, for a prog array into object->functions */
};

/* A map: the definition in a section of maps, or a whole section of global data. */
struct map_def {
	const char *name; /* whole, as the file has it */
	uint32_t section; /* where it is defined */
	uint64_t offset;
	uint64_t size;
	struct bpfe_map_attr attr;
	uint8_t *contents;      /* global data: its attr.value_size bytes; NULL for other maps */
	struct map_def *inner;  /* defined within this one, or NULL */
	bool has_values;        /* the definition has room for initial values... */
	uint32_t values_offset; /* ...at this byte of it */
	struct map_slot *slots;
	uint32_t n_slots;
	uint32_t max_slots;
	struct {
		uint32_t id;          /* 0: none */
		uint32_t inner_id;    /* of the map to be like, 0: none */
		uint32_t inner_index; /* the same by place in the section, UINT32_MAX: none */
		uint32_t place;       /* key in the map that is to hold it, UINT32_MAX: none */
	} legacy;
	uint32_t key_type_id; /* BTF, 0 when unknown */
	uint32_t value_type_id;
};

/* What somebody outside is to define, by BTF. */
enum extern_kind {
	EXTERN_UNKNOWN, /* not said */
	EXTERN_FUNCTION,
	EXTERN_VARIABLE,
	EXTERN_CONFIG,
};

struct extern_def {
	const char *name;
	enum extern_kind kind;
};

struct btf;

struct bpfe_object {
	struct elf_file file;
	struct btf *btf; /* NULL without .BTF */
	const char *license;
	bool gas_quirk; /* addends are as gas_quirk.c says */
	struct code_section *code;
	uint32_t n_code;
	struct function *functions; /* sorted by (code, start) */
	uint32_t n_functions;
	struct map_def *maps; /* global data last, else sorted by (section, offset) */
	uint32_t n_maps;
	struct extern_def *externs; /* sorted by name */
	uint32_t n_externs;
	struct program *programs;
	uint32_t n_programs;
};

int object_read_code(struct bpfe_object *obj, struct bpfe_log *log);
void object_free_code(struct bpfe_object *obj);

/* Function that begins at @slot of code section @code, or NULL. */
const struct function *object_function_at(const struct bpfe_object *obj, uint32_t code,
					  uint64_t slot);

/* sections.c: what the name of a code section says. */
enum section_kind {
	SECTION_ANY, /* nothing known: iproute2 takes any name */
	SECTION_XDP,
	SECTION_TC,
	SECTION_DEVMAP, /* XDP programs of an entry of such a map */
	SECTION_CPUMAP,
	SECTION_OTHER, /* another type of libbpf's */
};

enum section_kind object_section_kind(const char *section);

/* The name without libbpf's mark for "load only when asked to". */
const char *object_section_text(const char *section);

/* Refuse a program that its section says is not for here. @type_given: the caller knows better. */
int object_check_section(const struct bpfe_object *obj, uint32_t program, bool type_given,
			 struct bpfe_log *log);

/* ---- Pass 3, map_defs.c: maps; globals.c: global data -------------------------------------- */

int object_read_maps(struct bpfe_object *obj, struct bpfe_log *log);
void object_free_maps(struct bpfe_object *obj);

/* The next map definition, with its name; -EINVAL when there are too many. */
int object_add_map(struct bpfe_object *obj, const char *name, uint32_t section,
		   struct map_def **map, struct bpfe_log *log);

/* Does a map of this type hold maps? */
bool object_holds_maps(uint32_t type);

/* Adjust attributes as libbpf does. */
void object_adjust_map(struct map_def *map);

/* Complete a definition from its bytes or its BTF. */
int object_read_btf_map(struct bpfe_object *obj, struct map_def *map, struct bpfe_log *log);
int object_read_legacy_map(struct bpfe_object *obj, struct map_def *map, struct bpfe_log *log);

/* When all maps are defined and sorted: what they hold. */
int object_read_map_values(struct bpfe_object *obj, struct bpfe_log *log);
int object_connect_legacy_maps(struct bpfe_object *obj, struct bpfe_log *log);
int object_add_slot(const struct bpfe_object *obj, struct map_def *map, uint32_t index,
		    uint32_t target, struct bpfe_log *log);

int object_read_globals(struct bpfe_object *obj, struct bpfe_log *log);

/* Type @id without typedefs and qualifiers, or NULL. */
const struct btf_type *object_btf_type(const struct btf *btf, uint32_t id);

/* ---- Pass 4, relocs.c: references to maps, data and functions ------------------------------- */

int object_relocate(struct bpfe_object *obj, struct bpfe_log *log);

/* externs.c: what is not in the object. */

#define KFUNC_NAME_MAX 128u /* bytes of a function's name in Linux, KSYM_NAME_LEN once */

int object_read_externs(struct bpfe_object *obj);
enum extern_kind object_extern_kind(const struct bpfe_object *obj, const char *name);

/* The NIC's id of the kfunc that the object calls @name, 0: it has none. */
uint32_t object_kfunc(const char *name);

/* Programs with the instruction at @slot cannot be loaded because of @name, in @section if that is
 * not NULL. The strings must stay. -ENOMEM. */
int object_block(struct code_section *code, uint32_t slot, enum blocker_kind kind, const char *name,
		 const char *section);

/* To be called when all are known, before the next. */
void object_sort_blockers(struct bpfe_object *obj);

/* Refuse to load a program that something blocks. */
int object_check_blockers(const struct bpfe_object *obj, uint32_t program, struct bpfe_log *log);

/* reloc_table.c: the relocations of one section. */

#ifndef R_BPF_64_ABS64
#define R_BPF_64_ABS64 2 /* LLVM's name; older <elf.h> lack it */
#endif

struct reloc {
	uint64_t offset; /* in the section; any value */
	uint32_t type;   /* R_BPF_* */
	const struct elf_symbol *symbol;
};

struct reloc_table {
	struct reloc *relocs; /* sorted by offset, no offset twice; free() them */
	uint32_t n;
};

int reloc_table_read(const struct bpfe_object *obj, uint32_t section, struct reloc_table *table,
		     struct bpfe_log *log);

/* How a person calls the symbol: section symbols have no name of their own. */
const char *object_symbol_name(const struct bpfe_object *obj, const struct elf_symbol *symbol);

/* The name of what lies @addend bytes behind the symbol, for static variables and functions. */
const char *object_target_name(const struct bpfe_object *obj, const struct elf_symbol *symbol,
			       uint64_t addend);

/* gas_quirk.c: is it an object of an assembler that adds too much? */
bool object_has_gas_quirk(const struct bpfe_object *obj);

/* What it added to the addend of a reference to @symbol; 0 in other objects. */
int64_t object_excess_addend(const struct bpfe_object *obj, const struct elf_symbol *symbol);

/* addresses.c: relocate the ld_imm64 at @slot. */
int object_relocate_address(struct bpfe_object *obj, struct code_section *code, uint32_t slot,
			    const struct reloc *reloc, struct bpfe_log *log);

/* ---- Pass 5, btf_ext.c: what .BTF.ext says of instructions ---------------------------------- */

/* A list of .BTF.ext, and what to do with it. */
struct btf_ext_list {
	const char *what;    /* "line information" */
	const char *records; /* "lines" */
	size_t at;           /* of its offset and length in the header */
	size_t record_size;  /* bytes of a record that are known */
	/* Called once for each code section that has records. */
	int (*begin)(struct code_section *code, uint32_t n_records);
	/* Called for each record; @offset is the record's in .BTF.ext. */
	int (*record)(struct bpfe_object *obj, struct code_section *code, const uint8_t *bytes,
		      size_t offset, struct bpfe_log *log);
};

int btf_ext_read(struct bpfe_object *obj, const struct btf_ext_list *list, struct bpfe_log *log);

int btf_ext_refuse(struct bpfe_log *log, size_t offset, const char *what);

/* Offsets of the lists in the header (Linux, Documentation/bpf/btf.rst, 4.2). */
enum {
	BTF_EXT_FUNC_INFO = 8,
	BTF_EXT_LINE_INFO = 16,
	BTF_EXT_CORE_RELO = 24,
};

int object_read_lines(struct bpfe_object *obj, struct bpfe_log *log);      /* line_info.c */
int object_read_func_info(struct bpfe_object *obj, struct bpfe_log *log);  /* func_info.c */
int object_read_core_relos(struct bpfe_object *obj, struct bpfe_log *log); /* core_relos.c */

/* ---- Pass 6, link.c: programs ---------------------------------------------------------------
 */

int object_link(struct bpfe_object *obj, struct bpfe_log *log);
void object_free_programs(struct bpfe_object *obj);

/* func_info.c: what is known of the functions in the linked programs. */
int object_describe_functions(struct bpfe_object *obj);

/* Say something that is no refusal, to those who asked for more than those. */
void object_note(struct bpfe_log *log, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- Refusals ---------------------------------------------------------------------------------
 */

/* Refuse the file: -EINVAL, with the reason in the log. */
#define object_refuse(log, ...) bpfe_refuse(log, -EINVAL, BPFE_BAD_ENCODING, 0, __VA_ARGS__)

#endif
