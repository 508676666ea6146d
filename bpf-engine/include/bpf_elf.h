/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * bpf_elf: read what clang and gcc emit for libbpf (ELF objects with BTF-defined maps).
 *
 * Works on a buffer, so that a fuzzer and a guest's upload take the same path as a file.
 */
#ifndef BPF_ELF_H
#define BPF_ELF_H

#include "bpf_engine.h"

struct bpfe_object;
struct btf; /* libbpf's */

/*
 * Parse @size bytes at @data, which must stay until bpfe_object_close(). -EINVAL: broken or
 * unsupported, the log names section, symbol and offset and what would be accepted; -ENOMEM.
 */
int bpfe_object_open(const void *data, size_t size, struct bpfe_object **obj, struct bpfe_log *log);
void bpfe_object_close(struct bpfe_object *obj);

/*
 * Maps of the object: those it defines, in the order in which they lie in their section, then one
 * for each section of global data (.data*, .bss*, .rodata*): an array of one value, named as the
 * section and filled by bpfe_object_load() with the variables. .rodata* have BPF_F_RDONLY_PROG and
 * are frozen.
 */
uint32_t bpfe_object_n_maps(const struct bpfe_object *obj);
const struct bpfe_map_attr *bpfe_object_map(const struct bpfe_object *obj, uint32_t i);

/*
 * BTF types of map @i's key and value into @key and @value, 0 when the object does not say. Returns
 * the object's BTF, which it owns, or NULL when it has none.
 */
const struct btf *bpfe_object_map_types(const struct bpfe_object *obj, uint32_t i, uint32_t *key,
					uint32_t *value);

/*
 * Change the global variable @name before loading: @size bytes, which must be its size, at @bytes;
 * constants (`const volatile`) too, which is how a program is configured. Static variables of
 * functions are called "function.variable". Loads from now on see it. Not for several threads at
 * once. -ENOENT: no such variable; -ENOTUNIQ: several (static ones, of files linked together);
 * -EINVAL: another size. @log says which and may be NULL.
 */
int bpfe_object_set_global(struct bpfe_object *obj, const char *name, const void *bytes,
			   size_t size, struct bpfe_log *log);

/* The bytes of global variable @name as loads see them, @size of them; NULL if there is none or
 * several. Owned by the object. */
const void *bpfe_object_global(const struct bpfe_object *obj, const char *name, size_t *size);

/* Where in the value of its section's map the global variable @name is. -ENOENT, -ENOTUNIQ. */
int bpfe_object_global_place(const struct bpfe_object *obj, const char *name, size_t *offset,
			     size_t *size);

/* Where in the file the bytes of global variable @name are, so that a file can be written that has
 * other ones. -ENOENT: there is none, or it has none there (.bss); -ENOTUNIQ. */
int bpfe_object_global_offset(const struct bpfe_object *obj, const char *name, size_t *offset);

/* Text of section license ("GPL"), "" without one. Owned by the object. */
const char *bpfe_object_license(const struct bpfe_object *obj);

/* Programs: an executable section's function (name "xdp_firewall") in a section ("xdp"). */
uint32_t bpfe_object_n_programs(const struct bpfe_object *obj);
const char *bpfe_object_program_name(const struct bpfe_object *obj, uint32_t i);
const char *bpfe_object_program_section(const struct bpfe_object *obj, uint32_t i);

/*
 * Type of program @i by its section: BPF_PROG_TYPE_XDP ("xdp", "xdp.frags", "xdp/anything"...),
 * BPF_PROG_TYPE_SCHED_CLS ("tc", "tcx/...", "classifier", "action"...), BPF_PROG_TYPE_UNSPEC if the
 * section does not say one that a NIC runs. A mark of libbpf's for programs to be loaded only when
 * asked for ("?xdp") is not part of the section's name here.
 */
uint32_t bpfe_object_program_type(const struct bpfe_object *obj, uint32_t i);

/*
 * Instructions of program @i, then the functions it calls or passes as callbacks, once each. Map
 * references are BPF_PSEUDO_MAP_IDX into the object's maps, global variables
 * BPF_PSEUDO_MAP_IDX_VALUE with their offset. Owned by the object. -ENOENT: no program @i.
 *
 * An extern function is a kfunc: BPF_PSEUDO_KFUNC_CALL with the engine's id, or one that no kfunc
 * has if the engine has none of its name ("name___flavour" stands for "name"). The verifier refuses
 * that call where it is reached; if the function is __weak its address is 0, so that a program
 * which asks bpf_ksym_exists() never reaches it.
 */
int bpfe_object_program(const struct bpfe_object *obj, uint32_t i, const struct bpf_insn **insns,
			uint32_t *n_insns);

/* What BTF says of program @i's functions, @n_funcs of them in the order of the linked program: the
 * program itself, then its subprograms. Owned by the object. -ENOENT: no program @i. */
int bpfe_object_program_funcs(const struct bpfe_object *obj, uint32_t i,
			      const struct bpfe_func_info **funcs, uint32_t *n_funcs);

/*
 * "file:line: text" of an instruction of program @i from .BTF.ext, or NULL. Owned by the object,
 * which makes it when first asked for: not for several threads at once.
 */
const char *bpfe_object_source_line(const struct bpfe_object *obj, uint32_t i, uint32_t insn);

/*
 * Create the object's maps, fill global data, and load program @i in one step. *maps is an array of
 * bpfe_object_n_maps() references that the caller puts and then frees with free(); NULL stands for
 * a map that cannot be created and that the program does not use.
 * @attr supplies budget, limits, flags, allocator and cancel; insns, maps, funcs and source are
 * filled here, and the type if it is BPF_PROG_TYPE_UNSPEC: as the section says, else XDP.
 * Errors as bpfe_map_create() and bpfe_program_load(); -ENOENT: no program @i; -EINVAL: the program
 * is for something else than a NIC (its section) or uses what the NIC has not: a kfunc or variable
 * of a kernel's that is not weak, kernel configuration (.kconfig), or a CO-RE relocation other than
 * the offset, size or sign of a field of a structure that the object defines.
 */
int bpfe_object_load(const struct bpfe_object *obj, uint32_t i, const struct bpfe_load_attr *attr,
		     struct bpfe_program **prog, struct bpfe_map ***maps, struct bpfe_log *log);

/*
 * Several programs of one object that share its maps and global variables: create the maps and fill
 * global data once, then load each program with them. *maps is an array of bpfe_object_n_maps()
 * references for bpfe_object_put_maps(); NULL stands for a map that cannot be created and that no
 * program of the object uses. @alloc NULL: the C heap. Errors as bpfe_map_create().
 */
int bpfe_object_create_maps(const struct bpfe_object *obj, const struct bpfe_allocator *alloc,
			    struct bpfe_map ***maps, struct bpfe_log *log);

/*
 * As bpfe_object_load() with the object's maps as bpfe_object_create_maps() made them; on success
 * the program has references of its own. Programs for prog arrays that it may get to are loaded
 * and put there again, with each call.
 */
int bpfe_object_load_with_maps(const struct bpfe_object *obj, uint32_t i,
			       const struct bpfe_load_attr *attr, struct bpfe_map *const *maps,
			       struct bpfe_program **prog, struct bpfe_log *log);

/* Put the maps that bpfe_object_load() or bpfe_object_create_maps() made of @obj, free the array;
 * NULL: nothing. */
void bpfe_object_put_maps(const struct bpfe_object *obj, struct bpfe_map **maps);

#endif
