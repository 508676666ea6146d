// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Loading a program of an object: maps are created and filled, constants frozen, or those of
 * programs loaded before are taken; the program is verified, and then those programs that its prog
 * arrays are to hold, and theirs.
 */
#include "object.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct source {
	const struct bpfe_object *obj;
	uint32_t program;
};

struct loading {
	const struct bpfe_object *obj;
	const struct bpfe_load_attr *attr;
	uint32_t type; /* of the program that was asked for */
	struct bpfe_map **maps;
	struct bpfe_map_binding *bindings;
	struct bpfe_program **programs; /* by index; NULL: not loaded */
	bool *filled;                   /* by map: its initial programs are in it */
	bool *needed;                   /* by map: the program may get to it */
	struct bpfe_log *log;
};

static const char *source_line(void *opaque, uint32_t insn)
{
	const struct source *source = opaque;

	return bpfe_object_source_line(source->obj, source->program, insn);
}

/* ---- Maps ----------------------------------------------------------------------------------- */

/* Global data: its contents, and constants made constant. */
static int fill_data(const struct map_def *def, struct bpfe_map *map)
{
	uint32_t key = 0;
	int ret = bpfe_map_update(map, &key, def->contents, BPF_ANY);

	return ret || !(def->attr.flags & BPF_F_RDONLY_PROG) ? ret : bpfe_map_freeze(map);
}

/* What programs and maps are called in the maps that hold them: their number, from 1. */
static uint32_t id_of(uint32_t index)
{
	return index + 1;
}

static int fill_inner(const struct loading *l, uint32_t index)
{
	const struct map_def *def = &l->obj->maps[index];

	for (uint32_t i = 0; i < def->n_slots; i++) {
		uint32_t key = def->slots[i].index, target = def->slots[i].target;
		int ret = 0;

		if (l->maps[target])
			ret = bpfe_map_set_inner(l->maps[index], &key, l->maps[target],
						 id_of(target), BPF_ANY);
		if (ret)
			return ret;
	}
	return 0;
}

static uint32_t program_of(const struct bpfe_object *obj, uint32_t function)
{
	uint32_t i = 0;

	while (i + 1 < obj->n_programs && obj->programs[i].function != function)
		i++;
	return i;
}

static void need_maps_of_program(struct loading *l, uint32_t i);

static void need_map(struct loading *l, uint32_t index)
{
	const struct map_def *def = &l->obj->maps[index];

	if (l->needed[index])
		return;
	l->needed[index] = true;
	for (uint32_t s = 0; s < def->n_slots; s++) {
		if (object_holds_maps(def->attr.type))
			need_map(l, def->slots[s].target);
		else
			need_maps_of_program(l, program_of(l->obj, def->slots[s].target));
	}
}

/* Every map is visited once, so that programs which name one another end. */
static void need_maps_of_program(struct loading *l, uint32_t i)
{
	const struct program *prog = &l->obj->programs[i];

	for (uint32_t s = 0; s < prog->n_insns; s++) {
		const struct bpf_insn *insn = &prog->insns[s];

		if (insn->code != (BPF_LD | BPF_IMM | BPF_DW))
			continue;
		if ((insn->src_reg == BPF_PSEUDO_MAP_IDX ||
		     insn->src_reg == BPF_PSEUDO_MAP_IDX_VALUE) &&
		    (uint32_t)insn->imm < l->obj->n_maps)
			need_map(l, (uint32_t)insn->imm);
		s++;
	}
}

static int create_map(struct loading *l, uint32_t i, struct bpfe_log *log)
{
	const struct map_def *def = &l->obj->maps[i];

	if (def->contents && def->size > BPFE_MAP_MAX_ARRAY)
		return object_refuse(log,
				     "section %s: %llu bytes of global data, at most %u are "
				     "accepted; keep large tables in maps",
				     def->name, (unsigned long long)def->size, BPFE_MAP_MAX_ARRAY);
	return bpfe_map_create(&def->attr, l->attr->alloc, &l->maps[i], log);
}

/* A map that cannot be, and that the program does not get to, is left out. */
static int create_maps(struct loading *l)
{
	const struct bpfe_object *obj = l->obj;

	for (uint32_t i = 0; i < obj->n_maps; i++) {
		int ret = create_map(l, i, l->needed[i] ? l->log : NULL);

		if (ret) {
			l->maps[i] = NULL;
			if (!l->needed[i] && ret != -ENOMEM)
				continue;
			bpfe_log(l->log, "map '%s' of the object cannot be created: %s\n",
				 obj->maps[i].name, strerror(-ret));
			return ret;
		}
		l->bindings[i].id = i;
		l->bindings[i].map = l->maps[i];
	}
	return 0;
}

static int fill_maps(struct loading *l)
{
	for (uint32_t i = 0; i < l->obj->n_maps; i++) {
		const struct map_def *def = &l->obj->maps[i];
		int ret = 0;

		if (!l->maps[i])
			continue;
		if (def->contents)
			ret = fill_data(def, l->maps[i]);
		else if (object_holds_maps(def->attr.type))
			ret = fill_inner(l, i);
		if (ret)
			return bpfe_refuse(l->log, ret, BPFE_BAD_MAP, 0,
					   "map '%s' of the object cannot be filled: %s", def->name,
					   strerror(-ret));
	}
	return 0;
}

/* ---- Programs ------------------------------------------------------------------------------- */

/* What can be said of a program without looking at its instructions. */
static int check_program(const struct loading *l, uint32_t i)
{
	int ret = object_check_section(l->obj, i, l->attr->type != BPF_PROG_TYPE_UNSPEC, l->log);

	return ret ? ret : object_check_blockers(l->obj, i, l->log);
}

static int load_program(struct loading *l, uint32_t i, bool asked_for)
{
	struct source source = {.obj = l->obj, .program = i};
	const struct program *prog = &l->obj->programs[i];
	struct bpfe_load_attr load = *l->attr;
	int ret;

	load.type = l->type;
	load.insns = prog->insns;
	load.n_insns = prog->n_insns;
	load.funcs = prog->funcs;
	load.n_funcs = prog->n_placements;
	load.maps = l->bindings;
	load.n_maps = l->obj->n_maps;
	load.source_line = source_line;
	load.source_opaque = &source;
	if (!load.name || !asked_for)
		load.name = bpfe_object_program_name(l->obj, i);
	if (!asked_for)
		load.stats = NULL;
	ret = bpfe_program_load(&load, &l->programs[i], l->log);
	if (ret)
		l->programs[i] = NULL;
	return ret;
}

static int fill_prog_array(struct loading *l, uint32_t index)
{
	const struct map_def *def = &l->obj->maps[index];

	l->filled[index] = true;
	for (uint32_t i = 0; i < def->n_slots; i++) {
		uint32_t key = def->slots[i].index;
		uint32_t target = program_of(l->obj, def->slots[i].target);
		int ret = 0;

		if (!l->programs[target])
			ret = check_program(l, target);
		if (!ret && !l->programs[target])
			ret = load_program(l, target, false);
		if (!ret) {
			ret = bpfe_map_set_program(l->maps[index], key, l->programs[target],
						   id_of(target));
			if (ret)
				bpfe_refuse(l->log, ret, BPFE_BAD_MAP, 0,
					    "program '%s' does not fit there: %s",
					    bpfe_object_program_name(l->obj, target),
					    strerror(-ret));
		}
		if (ret) {
			bpfe_log(l->log, "program '%s' is what map '%s' is to hold at [%u]\n",
				 bpfe_object_program_name(l->obj, target), def->name, key);
			return ret;
		}
	}
	return 0;
}

/* May a program that is loaded use map @index? */
static bool in_use(const struct loading *l, uint32_t index)
{
	for (uint32_t i = 0; i < l->obj->n_programs; i++) {
		struct bpfe_map *map;

		for (uint32_t m = 0; l->programs[i] && (map = bpfe_program_map(l->programs[i], m));
		     m++) {
			if (map == l->maps[index])
				return true;
		}
	}
	return false;
}

/* Until no program brings another array with it. A program nothing can reach need not be right. */
static int fill_prog_arrays(struct loading *l)
{
	bool again = true;

	while (again) {
		again = false;
		for (uint32_t i = 0; i < l->obj->n_maps; i++) {
			const struct map_def *def = &l->obj->maps[i];
			int ret;

			if (def->attr.type != BPF_MAP_TYPE_PROG_ARRAY || !def->n_slots ||
			    l->filled[i] || !in_use(l, i))
				continue;
			ret = fill_prog_array(l, i);
			if (ret)
				return ret;
			again = true;
		}
	}
	return 0;
}

/* --------------------------------------------------------------------------------------------- */

static int load_all(struct loading *l, uint32_t i)
{
	int ret = load_program(l, i, true);

	return ret ? ret : fill_prog_arrays(l);
}

static int make_maps(struct loading *l)
{
	int ret = create_maps(l);

	return ret ? ret : fill_maps(l);
}

static int allocate(struct loading *l)
{
	const struct bpfe_object *obj = l->obj;

	l->maps = calloc((size_t)obj->n_maps + 1, sizeof(struct bpfe_map *));
	l->bindings = calloc((size_t)obj->n_maps + 1, sizeof(*l->bindings));
	l->filled = calloc((size_t)obj->n_maps + 1, sizeof(*l->filled));
	l->needed = calloc((size_t)obj->n_maps + 1, sizeof(*l->needed));
	l->programs = calloc((size_t)obj->n_programs + 1, sizeof(struct bpfe_program *));
	if (l->maps && l->bindings && l->filled && l->needed && l->programs)
		return 0;
	return bpfe_refuse(l->log, -ENOMEM, BPFE_NO_MEMORY, 0, "out of memory");
}

/* Program @i is the caller's if @ret is 0; the others are held by the arrays they are in. */
static int release(struct loading *l, uint32_t i, struct bpfe_program **prog, int ret)
{
	for (uint32_t p = 0; l->programs && p < l->obj->n_programs; p++) {
		if (l->programs[p] && (ret || p != i))
			bpfe_program_put(l->programs[p]);
	}
	if (!ret && prog)
		*prog = l->programs[i];
	free(l->programs);
	free(l->filled);
	free(l->needed);
	free(l->bindings);
	return ret;
}

static int begin(struct loading *l, uint32_t i)
{
	if (i >= l->obj->n_programs)
		return bpfe_refuse(l->log, -ENOENT, BPFE_BAD_ENCODING, 0,
				   "program %u of an object that has %u", i, l->obj->n_programs);
	l->type = l->attr->type ? l->attr->type : bpfe_object_program_type(l->obj, i);
	return allocate(l);
}

int bpfe_object_load(const struct bpfe_object *obj, uint32_t i, const struct bpfe_load_attr *attr,
		     struct bpfe_program **prog, struct bpfe_map ***maps, struct bpfe_log *log)
{
	struct loading l = {.obj = obj, .attr = attr, .log = log};
	int ret = begin(&l, i);

	if (!ret)
		ret = check_program(&l, i);
	if (!ret) {
		need_maps_of_program(&l, i);
		ret = make_maps(&l);
	}
	if (!ret)
		ret = load_all(&l, i);
	if (ret)
		bpfe_object_put_maps(obj, l.maps);
	else
		*maps = l.maps;
	return release(&l, i, prog, ret);
}

int bpfe_object_create_maps(const struct bpfe_object *obj, const struct bpfe_allocator *alloc,
			    struct bpfe_map ***maps, struct bpfe_log *log)
{
	const struct bpfe_load_attr attr = {.alloc = alloc};
	struct loading l = {.obj = obj, .attr = &attr, .log = log};
	int ret = allocate(&l);

	if (!ret) {
		for (uint32_t i = 0; i < obj->n_programs; i++)
			need_maps_of_program(&l, i);
		ret = make_maps(&l);
	}
	if (ret)
		bpfe_object_put_maps(obj, l.maps);
	else
		*maps = l.maps;
	return release(&l, 0, NULL, ret);
}

int bpfe_object_load_with_maps(const struct bpfe_object *obj, uint32_t i,
			       const struct bpfe_load_attr *attr, struct bpfe_map *const *maps,
			       struct bpfe_program **prog, struct bpfe_log *log)
{
	struct loading l = {.obj = obj, .attr = attr, .log = log};
	int ret = begin(&l, i);

	if (!ret)
		ret = check_program(&l, i);
	for (uint32_t m = 0; !ret && m < obj->n_maps; m++) {
		l.maps[m] = maps[m];
		if (maps[m]) {
			l.bindings[m].id = m;
			l.bindings[m].map = maps[m];
		}
	}
	if (!ret)
		ret = load_all(&l, i);
	free(l.maps);
	return release(&l, i, prog, ret);
}

void bpfe_object_put_maps(const struct bpfe_object *obj, struct bpfe_map **maps)
{
	for (uint32_t i = 0; maps && i < obj->n_maps; i++) {
		if (maps[i])
			bpfe_map_put(maps[i]);
	}
	free(maps);
}
