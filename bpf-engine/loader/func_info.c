// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * What BTF says of functions: whether they are global, and what their arguments are. The verifier
 * takes a global function at this word (for any argument its type allows) instead of following it
 * at each call.
 */
#include "object.h"

#include <bpf/btf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ARGS 5u /* r1 to r5 */

/* ---- Which function is which BTF_KIND_FUNC -------------------------------------------------- */

static int begin(struct code_section *code, uint32_t n_records)
{
	if (code->has_func_info)
		return -EEXIST;
	code->has_func_info = true;
	return 0;
}

static int read_record(struct bpfe_object *obj, struct code_section *code, const uint8_t *bytes,
		       size_t offset, struct bpfe_log *log)
{
	struct bpf_func_info info;
	const struct btf_type *type;
	const struct function *function;

	memcpy(&info, bytes, sizeof(info));
	type = btf__type_by_id(obj->btf, info.type_id);
	if (!type || !btf_is_func(type))
		return btf_ext_refuse(log, offset, "type of a function is none of BTF's functions");
	type = btf__type_by_id(obj->btf, type->type);
	if (!type || !btf_is_func_proto(type))
		return btf_ext_refuse(log, offset, "type of a function has no prototype");
	if (info.insn_off % sizeof(struct bpf_insn))
		return btf_ext_refuse(log, offset, "function does not begin at an instruction");
	function =
		object_function_at(obj, code - obj->code, info.insn_off / sizeof(struct bpf_insn));
	/* A function without symbol is not called: nothing to say of it. */
	if (function)
		obj->functions[function - obj->functions].btf_id = info.type_id;
	return 0;
}

int object_read_func_info(struct bpfe_object *obj, struct bpfe_log *log)
{
	static const struct btf_ext_list list = {
		.what = "function information",
		.records = "functions",
		.at = BTF_EXT_FUNC_INFO,
		.record_size = sizeof(struct bpf_func_info),
		.begin = begin,
		.record = read_record,
	};

	return btf_ext_read(obj, &list, log);
}

/* ---- Declaration tags ----------------------------------------------------------------------- */

/* Tag "arg:..." of an argument. */
struct arg_tag {
	uint32_t func; /* BTF id */
	uint32_t arg;
	const char *text; /* behind the colon */
};

struct arg_tags {
	struct arg_tag *tags; /* sorted by func */
	uint32_t n;
};

static int compare_tags(const void *a, const void *b)
{
	const struct arg_tag *x = a, *y = b;

	return (x->func > y->func) - (x->func < y->func);
}

static const char *arg_tag_text(const struct btf *btf, const struct btf_type *type)
{
	const char *text = btf_is_decl_tag(type) ? btf__name_by_offset(btf, type->name_off) : NULL;

	return text && !strncmp(text, "arg:", 4) ? text + 4 : NULL;
}

/* One pass over all types, as there may be many functions. */
static int collect_tags(const struct btf *btf, struct arg_tags *tags)
{
	uint32_t n_types = btf__type_cnt(btf), n = 0;

	for (uint32_t id = 1; id < n_types; id++)
		n += arg_tag_text(btf, btf__type_by_id(btf, id)) != NULL;
	tags->tags = calloc((size_t)n + 1, sizeof(*tags->tags));
	if (!tags->tags)
		return -ENOMEM;
	for (uint32_t id = 1; id < n_types; id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);
		const char *text = arg_tag_text(btf, type);

		if (!text)
			continue;
		tags->tags[tags->n].func = type->type;
		tags->tags[tags->n].arg = btf_decl_tag(type)->component_idx;
		tags->tags[tags->n++].text = text;
	}
	qsort(tags->tags, tags->n, sizeof(*tags->tags), compare_tags);
	return 0;
}

/* ---- Arguments ------------------------------------------------------------------------------ */

struct described {
	const struct btf *btf;
	const char *ctx; /* name of the context's structure in programs of this type */
};

static void describe_pointer(const struct described *d, uint32_t pointee, struct bpfe_func_arg *arg)
{
	const struct btf_type *type = object_btf_type(d->btf, pointee);
	const char *name = type ? btf__name_by_offset(d->btf, type->name_off) : NULL;
	int64_t size;

	arg->kind = BPFE_FUNC_ARG_OTHER;
	if (type && name && btf_is_struct(type) && !strcmp(name, d->ctx)) {
		arg->kind = BPFE_FUNC_ARG_CTX;
		return;
	}
	if (type && name && btf_is_composite(type) && !strcmp(name, "bpf_dynptr")) {
		arg->kind = BPFE_FUNC_ARG_DYNPTR;
		return;
	}
	size = type ? btf__resolve_size(d->btf, pointee) : 0;
	if (size > 0 && size <= UINT32_MAX) {
		arg->kind = BPFE_FUNC_ARG_MEM;
		arg->mem_size = size;
	}
}

static void describe_arg(const struct described *d, uint32_t type_id, struct bpfe_func_arg *arg)
{
	const struct btf_type *type = object_btf_type(d->btf, type_id);

	if (type && btf_is_ptr(type))
		describe_pointer(d, type->type, arg);
	else if (type && (btf_is_int(type) || btf_is_any_enum(type)))
		arg->kind = BPFE_FUNC_ARG_SCALAR;
	else
		arg->kind = BPFE_FUNC_ARG_OTHER;
}

/* What Linux knows but the verifier here does not (arg:trusted, arg:arena) must not pass for
 * ordinary memory. */
static void apply_tag(const char *text, bool is_pointer, struct bpfe_func_arg *arg)
{
	if (!strcmp(text, "ctx") && is_pointer)
		arg->kind = BPFE_FUNC_ARG_CTX;
	else if (!strcmp(text, "nonnull") && is_pointer)
		arg->nonnull = true;
	else if (strcmp(text, "nullable") || !is_pointer)
		arg->kind = BPFE_FUNC_ARG_OTHER;
}

static void apply_tags(const struct described *d, const struct arg_tags *tags, uint32_t func,
		       const struct btf_type *proto, struct bpfe_func_info *info)
{
	uint32_t low = 0, high = tags->n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (tags->tags[middle].func < func)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < tags->n && tags->tags[low].func == func; low++) {
		const struct arg_tag *tag = &tags->tags[low];
		const struct btf_type *type;

		if (tag->arg >= info->n_args)
			continue;
		type = object_btf_type(d->btf, btf_params(proto)[tag->arg].type);
		apply_tag(tag->text, type && btf_is_ptr(type), &info->args[tag->arg]);
	}
}

static void describe(const struct described *d, const struct arg_tags *tags,
		     const struct function *function, struct bpfe_func_info *info)
{
	const struct btf_type *func, *proto;
	uint32_t n;

	info->name = function->name;
	if (!function->btf_id)
		return;
	func = btf__type_by_id(d->btf, function->btf_id);
	proto = btf__type_by_id(d->btf, func->type);
	n = btf_vlen(proto);
	info->is_global = btf_vlen(func) == BTF_FUNC_GLOBAL && !function->is_hidden;
	info->returns_void = !proto->type;
	info->n_args = n < MAX_ARGS ? n : MAX_ARGS;
	for (uint32_t i = 0; i < info->n_args; i++)
		describe_arg(d, btf_params(proto)[i].type, &info->args[i]);
	apply_tags(d, tags, function->btf_id, proto, info);
	if (n > MAX_ARGS) /* there is no register for the rest */
		info->args[MAX_ARGS - 1].kind = BPFE_FUNC_ARG_OTHER;
}

static int describe_program(const struct bpfe_object *obj, const struct arg_tags *tags,
			    struct program *prog)
{
	const struct function *main_function = &obj->functions[prog->function];
	enum section_kind kind = object_section_kind(obj->code[main_function->code].name);
	const struct described d = {.btf = obj->btf,
				    .ctx = kind == SECTION_TC ? "__sk_buff" : "xdp_md"};

	prog->funcs = calloc(prog->n_placements, sizeof(*prog->funcs));
	if (!prog->funcs)
		return -ENOMEM;
	for (uint32_t i = 0; i < prog->n_placements; i++) {
		const struct placement *placement = &prog->placements[i];

		prog->funcs[i].start = placement->base;
		describe(&d, tags, &obj->functions[placement->function], &prog->funcs[i]);
	}
	return 0;
}

int object_describe_functions(struct bpfe_object *obj)
{
	struct arg_tags tags = {0};
	int ret = obj->btf ? collect_tags(obj->btf, &tags) : 0;

	for (uint32_t i = 0; i < obj->n_programs && !ret; i++)
		ret = describe_program(obj, &tags, &obj->programs[i]);
	free(tags.tags);
	return ret;
}

int bpfe_object_program_funcs(const struct bpfe_object *obj, uint32_t i,
			      const struct bpfe_func_info **funcs, uint32_t *n_funcs)
{
	if (i >= obj->n_programs)
		return -ENOENT;
	*funcs = obj->programs[i].funcs;
	*n_funcs = obj->programs[i].n_placements;
	return 0;
}
