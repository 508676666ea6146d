// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Looking into a policy that is loaded: what it has, and what its maps and variables hold now. */
#include <bpf/btf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy_internal.h"

int pvs_policy_tunable(const struct pvs_policy *policy, uint32_t i, struct pvs_tunable_info *info)
{
	if (i >= policy->n_tunables)
		return -ENOENT;
	*info = policy->tunables[i];
	return 0;
}

int pvs_policy_callback(const struct pvs_policy *policy, enum pvs_event event,
			struct pvs_policy_callback *info)
{
	*info = (struct pvs_policy_callback){0};
	if (event >= PVS_EVENT_MAX || policy->program[event] < 0)
		return -ENOENT;
	info->function = bpfe_object_program_name(policy->object, (uint32_t)policy->program[event]);
	if (!policy->ops->callback_info)
		return -EOPNOTSUPP;
	return policy->ops->callback_info(policy, event, info);
}

static bool is_per_cpu(uint32_t type)
{
	return type == BPF_MAP_TYPE_PERCPU_HASH || type == BPF_MAP_TYPE_PERCPU_ARRAY ||
	       type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

int pvs_policy_map(const struct pvs_policy *policy, uint32_t i, struct pvs_policy_map *map)
{
	const struct bpfe_map_attr *attr = bpfe_object_map(policy->object, i);

	if (!attr)
		return -ENOENT;
	*map = (struct pvs_policy_map){
		.type = attr->type,
		.key_size = attr->key_size,
		.value_size = attr->value_size,
		.max_entries = attr->max_entries,
		.value_bytes = attr->value_size,
		.global = attr->name[0] == '.',
	};
	if (is_per_cpu(attr->type))
		map->value_bytes = (attr->value_size + 7) / 8 * 8 *
				   (attr->cpus ? attr->cpus : BPFE_DEFAULT_CPUS);
	memcpy(map->name, attr->name, sizeof(map->name));
	return 0;
}

/* ---- Elements of a map ---------------------------------------------------------------------- */

static int each_element(struct pvs_policy *policy, uint32_t i, uint8_t *key, uint8_t *next,
			uint8_t *value, uint32_t key_size, pvs_policy_element_fn fn, void *opaque)
{
	int ret = policy->ops->map_next_key(policy, i, NULL, next);

	while (!ret) {
		memcpy(key, next, key_size);
		/* One that is gone since is not there. */
		if (!policy->ops->map_lookup(policy, i, key, value))
			ret = fn(opaque, key, value);
		if (!ret)
			ret = policy->ops->map_next_key(policy, i, key, next);
		else
			return ret;
	}
	return ret == -ENOENT ? 0 : ret;
}

int pvs_policy_map_each(struct pvs_policy *policy, uint32_t i, pvs_policy_element_fn fn,
			void *opaque)
{
	struct pvs_policy_map map;
	uint8_t *bytes;
	int ret = pvs_policy_map(policy, i, &map);

	if (ret)
		return ret;
	bytes = calloc(1, 2 * (size_t)map.key_size + map.value_bytes + 8);
	if (!bytes)
		return -ENOMEM;
	/* The value first: it is the one that wants alignment. */
	ret = each_element(policy, i, bytes + map.value_bytes,
			   bytes + map.value_bytes + map.key_size, bytes, map.key_size, fn, opaque);
	free(bytes);
	return ret;
}

/* ---- Global variables ----------------------------------------------------------------------- */

/* Qualifiers of one type: more are a circle in a broken file. */
#define MAX_DEPTH 32

struct section {
	const struct btf *btf;
	const struct btf_type *type;
	uint8_t *bytes; /* the map's value */
	size_t size;
};

static const char *type_name(const struct btf *btf, uint32_t id)
{
	const struct btf_type *type = btf__type_by_id(btf, id);

	const char *name;

	for (int i = 0; i < MAX_DEPTH && type && btf_is_mod(type); i++)
		type = btf__type_by_id(btf, type->type);
	name = type ? btf__name_by_offset(btf, type->name_off) : NULL;
	return name ? name : "";
}

static int each_variable(const struct pvs_policy *policy, const struct section *section,
			 pvs_policy_global_fn fn, void *opaque)
{
	const struct btf_var_secinfo *vars = btf_var_secinfos(section->type);
	int ret = 0;

	for (uint32_t i = 0; i < btf_vlen(section->type) && !ret; i++) {
		const struct btf_type *var = btf__type_by_id(section->btf, vars[i].type);
		const char *name = var ? btf__name_by_offset(section->btf, var->name_off) : NULL;
		size_t offset, size;

		if (!name || bpfe_object_global_place(policy->object, name, &offset, &size) ||
		    size > section->size || offset > section->size - size)
			continue;
		ret = fn(opaque, name, type_name(section->btf, var->type), section->bytes + offset,
			 size);
	}
	return ret;
}

static const struct btf_type *find_section(const struct btf *btf, const char *name)
{
	for (uint32_t id = 1; btf && id < btf__type_cnt(btf); id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);
		const char *has = btf__name_by_offset(btf, type->name_off);

		/* A map's name is cut where a section's is not. */
		if (btf_is_datasec(type) && has && !strncmp(has, name, PVS_NAME_LEN - 1))
			return type;
	}
	return NULL;
}

static int each_of_section(struct pvs_policy *policy, uint32_t i, pvs_policy_global_fn fn,
			   void *opaque)
{
	struct section section = {0};
	const uint32_t key = 0;
	struct pvs_policy_map map;
	uint32_t ids[2];
	int ret = 0;

	pvs_policy_map(policy, i, &map);
	section.btf = bpfe_object_map_types(policy->object, i, &ids[0], &ids[1]);
	section.type = map.global ? find_section(section.btf, map.name) : NULL;
	if (!section.type)
		return 0;
	section.size = map.value_bytes;
	section.bytes = calloc(1, section.size);
	if (!section.bytes)
		return -ENOMEM;
	if (!policy->ops->map_lookup(policy, i, &key, section.bytes))
		ret = each_variable(policy, &section, fn, opaque);
	free(section.bytes);
	return ret;
}

int pvs_policy_globals(struct pvs_policy *policy, pvs_policy_global_fn fn, void *opaque)
{
	int ret = 0;

	for (uint32_t i = 0; i < bpfe_object_n_maps(policy->object) && !ret; i++)
		ret = each_of_section(policy, i, fn, opaque);
	return ret;
}
