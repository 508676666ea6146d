// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * What a program takes from outside the object, and what keeps a program from being loaded.
 *
 * An object may hold programs for several kernels and devices, so what the NIC lacks refuses the
 * programs that use it, when they are loaded, and not the object.
 */
#include "internal.h"
#include "object.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- Externs: functions and variables that BTF says others define --------------------------- */

static int compare_externs(const void *a, const void *b)
{
	const struct extern_def *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static bool is_extern_section(const struct btf *btf, const struct btf_type *type, bool *config)
{
	const char *name = btf_is_datasec(type) ? btf__name_by_offset(btf, type->name_off) : NULL;

	*config = name && !strcmp(name, ".kconfig");
	return name && (*config || !strcmp(name, ".ksyms"));
}

static void add_extern(struct bpfe_object *obj, uint32_t type_id, bool config)
{
	const struct btf_type *type = btf__type_by_id(obj->btf, type_id);
	const char *name = type ? btf__name_by_offset(obj->btf, type->name_off) : NULL;
	struct extern_def *def = &obj->externs[obj->n_externs];

	if (!name || (!btf_is_func(type) && !btf_is_var(type)))
		return;
	def->name = name;
	def->kind = config ? EXTERN_CONFIG : btf_is_func(type) ? EXTERN_FUNCTION : EXTERN_VARIABLE;
	obj->n_externs++;
}

/* One pass over all types, as there may be many externs. */
int object_read_externs(struct bpfe_object *obj)
{
	uint32_t n_types = obj->btf ? btf__type_cnt(obj->btf) : 0;
	size_t n = 0;
	bool config;

	for (uint32_t id = 1; id < n_types; id++) {
		const struct btf_type *type = btf__type_by_id(obj->btf, id);

		if (is_extern_section(obj->btf, type, &config))
			n += btf_vlen(type);
	}
	obj->externs = calloc(n + 1, sizeof(*obj->externs));
	if (!obj->externs)
		return -ENOMEM;
	for (uint32_t id = 1; id < n_types && n; id++) {
		const struct btf_type *type = btf__type_by_id(obj->btf, id);

		if (!is_extern_section(obj->btf, type, &config))
			continue;
		for (uint32_t i = 0; i < btf_vlen(type); i++)
			add_extern(obj, btf_var_secinfos(type)[i].type, config);
	}
	qsort(obj->externs, obj->n_externs, sizeof(*obj->externs), compare_externs);
	return 0;
}

enum extern_kind object_extern_kind(const struct bpfe_object *obj, const char *name)
{
	const struct extern_def key = {.name = name}, *def = NULL;

	if (obj->n_externs)
		def = bsearch(&key, obj->externs, obj->n_externs, sizeof(*def), compare_externs);
	return def ? def->kind : EXTERN_UNKNOWN;
}

/* "name___flavour" stands for "name", as in libbpf: several declarations of one function. */
uint32_t object_kfunc(const char *name)
{
	const char *flavour = strstr(name, "___");
	char essential[KFUNC_NAME_MAX];
	size_t length = flavour && flavour != name ? (size_t)(flavour - name) : strlen(name);

	if (length >= sizeof(essential))
		return 0;
	memcpy(essential, name, length);
	essential[length] = '\0';
	return bpfe_kfunc_by_name(essential);
}

/* ---- Blockers ------------------------------------------------------------------------------- */

int object_block(struct code_section *code, uint32_t slot, enum blocker_kind kind, const char *name,
		 const char *section)
{
	struct blocker *blocker;

	if (code->n_blockers == code->max_blockers) {
		uint32_t max = code->max_blockers ? 2 * code->max_blockers : 8;
		struct blocker *grown = reallocarray(code->blockers, max, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		code->blockers = grown;
		code->max_blockers = max;
	}
	blocker = &code->blockers[code->n_blockers++];
	blocker->slot = slot;
	blocker->kind = kind;
	blocker->name = name;
	blocker->section = section;
	return 0;
}

static int compare_blockers(const void *a, const void *b)
{
	const struct blocker *x = a, *y = b;

	return (x->slot > y->slot) - (x->slot < y->slot);
}

void object_sort_blockers(struct bpfe_object *obj)
{
	for (uint32_t i = 0; i < obj->n_code; i++) {
		struct code_section *code = &obj->code[i];

		if (code->n_blockers)
			qsort(code->blockers, code->n_blockers, sizeof(*code->blockers),
			      compare_blockers);
	}
}

/* The first at @slot or behind it, NULL: none. */
static const struct blocker *first_blocker(const struct code_section *code, uint32_t slot)
{
	uint32_t low = 0, high = code->n_blockers;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (code->blockers[middle].slot < slot)
			low = middle + 1;
		else
			high = middle;
	}
	return low < code->n_blockers ? &code->blockers[low] : NULL;
}

static int refuse_blocked(const struct code_section *code, const struct blocker *blocker,
			  struct bpfe_log *log)
{
	static const char *const why[] = {
		[BLOCKER_KFUNC] = "the NIC has no kfunc of this name; declare it __weak and ask "
				  "bpf_ksym_exists() to do without it",
		[BLOCKER_VARIABLE] = "a variable of a kernel's, which the NIC has not; declare it "
				     "__weak to do without it",
		[BLOCKER_CONFIG] = "a value of a kernel's configuration (.kconfig), which the NIC "
				   "has not; use a `const volatile` variable",
		[BLOCKER_UNDEFINED] = "not defined in the object; link it with the object that "
				      "does (bpftool gen object)",
		[BLOCKER_PLACE] = "neither a map nor global data; nothing else has an address",
		[BLOCKER_NUMBER] = "the instruction refers to something by number, objects do so "
				   "by relocation",
		[BLOCKER_CORE_FLAVOUR] =
			"a CO-RE relocation of one of several flavours of a type, which only "
			"a kernel's BTF decides; the NIC takes offsets and sizes as compiled",
		[BLOCKER_CORE_QUESTION] =
			"a CO-RE question about a kernel's types, and there is no kernel in the "
			"NIC; only offsets, sizes and signs of fields are accepted, as compiled",
		[BLOCKER_CORE_PARTIAL] = "a CO-RE relocation of a type that the object does not "
					 "define as a structure or union; define it in full",
		[BLOCKER_CORE_CONTEXT] =
			"a CO-RE relocation of a context structure that is laid out unlike "
			"the one in <linux/bpf.h>; include that header or a full vmlinux.h",
	};

	return bpfe_refuse(log, -EINVAL,
			   blocker->kind == BLOCKER_KFUNC ? BPFE_BAD_HELPER : BPFE_BAD_ENCODING, 0,
			   "section %s, offset %#zx: '%s'%s%s: %s", code->name,
			   blocker->slot * sizeof(struct bpf_insn), blocker->name,
			   blocker->section ? " in section " : "",
			   blocker->section ? blocker->section : "", why[blocker->kind]);
}

int object_check_blockers(const struct bpfe_object *obj, uint32_t program, struct bpfe_log *log)
{
	const struct program *prog = &obj->programs[program];

	for (uint32_t i = 0; i < prog->n_placements; i++) {
		const struct function *f = &obj->functions[prog->placements[i].function];
		const struct code_section *code = &obj->code[f->code];
		const struct blocker *blocker = first_blocker(code, f->start);

		if (blocker && blocker->slot - f->start < f->n_insns)
			return refuse_blocked(code, blocker, log);
	}
	return 0;
}
