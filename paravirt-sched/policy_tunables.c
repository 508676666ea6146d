// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Tunables of a policy: its `const volatile` global variables of integer types, found by BTF.
 *
 * A value is put into the ELF image, so that any host that loads the image has it, and into the
 * engine's object, which was read before.
 */
#include <bpf/btf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "policy_internal.h"

/* Typedefs and qualifiers of one type: more are a circle in a broken file. */
#define MAX_DEPTH 32

/* The integer type behind typedefs and qualifiers, if @id is both const and volatile; else NULL.
 * @name: what the source calls it. */
static const struct btf_type *tunable_type(const struct btf *btf, uint32_t id, const char **name)
{
	const struct btf_type *type = btf__type_by_id(btf, id);
	bool constant = false, is_volatile = false;

	*name = NULL;
	for (int i = 0; i < MAX_DEPTH && type && (btf_is_mod(type) || btf_is_typedef(type)); i++) {
		constant |= btf_is_const(type);
		is_volatile |= btf_is_volatile(type);
		if (btf_is_typedef(type) && !*name)
			*name = btf__name_by_offset(btf, type->name_off);
		type = btf__type_by_id(btf, type->type);
	}
	if (!type || !constant || !is_volatile || !(btf_is_int(type) || btf_is_any_enum(type)))
		return NULL;
	if (!*name)
		*name = btf__name_by_offset(btf, type->name_off);
	return type;
}

static void set_range(struct pvs_tunable_info *tunable, const struct btf_type *type)
{
	bool is_signed = btf_is_int(type) ? btf_int_encoding(type) & BTF_INT_SIGNED
					  : BTF_INFO_KFLAG(type->info);
	bool is_bool = btf_is_int(type) && btf_int_encoding(type) & BTF_INT_BOOL;
	unsigned bits = tunable->size * 8;

	if (is_bool) {
		tunable->max = 1;
	} else if (is_signed) {
		tunable->max = (int64_t)(UINT64_MAX >> (65 - bits));
		tunable->min = -tunable->max - 1;
	} else {
		tunable->max = bits == 64 ? INT64_MAX : (int64_t)(UINT64_MAX >> (64 - bits));
	}
}

/* Little-endian bytes of its size, sign-extended if its type has one. */
static int64_t read_value(const struct pvs_tunable_info *tunable, const uint8_t *bytes)
{
	uint64_t value = 0;

	memcpy(&value, bytes, tunable->size);
	if (tunable->min < 0 && tunable->size < 8 && value > (uint64_t)tunable->max)
		value |= UINT64_MAX << (tunable->size * 8);
	return (int64_t)value;
}

static int add_tunable(struct pvs_policy *policy, const char *name, const char *type_name,
		       const struct btf_type *type)
{
	struct pvs_tunable_info *grown, tunable = {0};
	const void *bytes;
	size_t size = 0;

	bytes = name ? bpfe_object_global(policy->object, name, &size) : NULL;
	if (!bytes || size != type->size || (size != 1 && size != 2 && size != 4 && size != 8) ||
	    strlen(name) >= sizeof(tunable.name))
		return 0;
	grown = reallocarray(policy->tunables, policy->n_tunables + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	strcpy(tunable.name, name);
	strncpy(tunable.type, type_name ? type_name : "", sizeof(tunable.type) - 1);
	tunable.size = (uint32_t)size;
	set_range(&tunable, type);
	tunable.initial = tunable.value = read_value(&tunable, bytes);
	policy->tunables = grown;
	grown[policy->n_tunables++] = tunable;
	return 0;
}

static int find_in_section(struct pvs_policy *policy, const struct btf *btf,
			   const struct btf_type *section)
{
	const struct btf_var_secinfo *vars = btf_var_secinfos(section);

	for (uint32_t i = 0; i < btf_vlen(section); i++) {
		const struct btf_type *var = btf__type_by_id(btf, vars[i].type), *type;
		const char *type_name;
		int ret;

		if (!var || !btf_is_var(var))
			continue;
		type = tunable_type(btf, var->type, &type_name);
		if (!type)
			continue;
		ret = add_tunable(policy, btf__name_by_offset(btf, var->name_off), type_name, type);
		if (ret)
			return ret;
	}
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	const struct pvs_tunable_info *x = a, *y = b;

	return strcmp(x->name, y->name);
}

/* By name, because compilers have orders of their own. */
int pvs_tunables_find(struct pvs_policy *policy, struct pvs_log *log)
{
	uint32_t key, value;
	const struct btf *btf = bpfe_object_map_types(policy->object, 0, &key, &value);
	int ret = 0;

	for (uint32_t id = 1; btf && id < btf__type_cnt(btf) && !ret; id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);
		const char *name = btf__name_by_offset(btf, type->name_off);

		if (btf_is_datasec(type) && name && !strncmp(name, ".rodata", 7))
			ret = find_in_section(policy, btf, type);
	}
	if (policy->n_tunables)
		qsort(policy->tunables, policy->n_tunables, sizeof(*policy->tunables),
		      compare_names);
	return ret ? pvs_refuse(log, ret, "policy '%s': out of memory", policy->name) : 0;
}

/* ---- Setting -------------------------------------------------------------------------------- */

static int refuse_unknown(const struct pvs_policy *policy, const char *name, struct pvs_log *log)
{
	if (!policy->n_tunables)
		return pvs_refuse(log, -EINVAL,
				  "policy '%s' has no tunable '%s': it has none ('const volatile' "
				  "global variables of integer types, compiled with -g, are)",
				  policy->name, name);
	pvs_log(log, "policy '%s' has no tunable '%s'; there are ", policy->name, name);
	for (uint32_t i = 0; i < policy->n_tunables; i++)
		pvs_log(log, "%s%s", i ? ", " : "", policy->tunables[i].name);
	pvs_log(log, "\n");
	return -EINVAL;
}

static struct pvs_tunable_info *find(const struct pvs_policy *policy, const char *name)
{
	for (uint32_t i = 0; i < policy->n_tunables; i++) {
		if (!strcmp(policy->tunables[i].name, name))
			return &policy->tunables[i];
	}
	return NULL;
}

static int set_one(struct pvs_policy *policy, const struct pvs_tunable *wanted, struct pvs_log *log)
{
	struct pvs_tunable_info *tunable = find(policy, wanted->name);
	size_t offset;
	int ret;

	if (!tunable)
		return refuse_unknown(policy, wanted->name, log);
	if (wanted->value < tunable->min || wanted->value > tunable->max)
		return pvs_refuse(log, -EINVAL,
				  "policy '%s': tunable '%s' cannot be %" PRId64
				  ": its type, %s, holds %" PRId64 " to %" PRId64,
				  policy->name, tunable->name, wanted->value, tunable->type,
				  tunable->min, tunable->max);
	ret = bpfe_object_global_offset(policy->object, tunable->name, &offset);
	if (!ret)
		ret = bpfe_object_set_global(policy->object, tunable->name, &wanted->value,
					     tunable->size, NULL);
	if (ret)
		return pvs_refuse(log, ret, "policy '%s': tunable '%s' cannot be set: %s",
				  policy->name, tunable->name, strerror(-ret));
	memcpy(policy->image + offset, &wanted->value, tunable->size);
	tunable->value = wanted->value;
	return 0;
}

int pvs_tunables_set(struct pvs_policy *policy, const struct pvs_policy_options *options,
		     struct pvs_log *log)
{
	int ret = 0;

	for (size_t i = 0; i < options->n_tunables && !ret; i++)
		ret = set_one(policy, &options->tunables[i], log);
	return ret;
}
