/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Helpers on maps and on what lies in them. They call a map's operations directly: what the control
 * plane may not do (BPF_F_RDONLY, frozen) is no rule for programs, whose own limits the verifier
 * keeps.
 */
#include <errno.h>
#include "helpers/helpers.h"
#include "maps/map.h"

static struct bpfe_map *map_arg(uint64_t arg)
{
	return (struct bpfe_map *)(uintptr_t)arg;
}

static const void *pointer(uint64_t arg)
{
	return (const void *)(uintptr_t)arg;
}

/* A call is worth some instructions; a key hashed or a value copied, one for each 16 bytes more. */
static void charge(struct bpfe_run_env *env, size_t bytes)
{
	env->cost += bytes / 16;
}

static BPFE_HELPER(map_lookup_elem)
{
	charge(env, map_arg(r1)->attr.key_size);
	return (uintptr_t)bpfe_map_lookup_cpu(map_arg(r1), pointer(r2), env->cpu);
}

static BPFE_HELPER(map_update_elem)
{
	struct bpfe_map *map = map_arg(r1);

	if (!map->ops->update)
		return bpfe_helper_error(-EOPNOTSUPP);
	charge(env, (size_t)map->attr.key_size + map->attr.value_size);
	return bpfe_helper_error(map->ops->update(map, pointer(r2), pointer(r3), r4, env->cpu));
}

static BPFE_HELPER(map_delete_elem)
{
	struct bpfe_map *map = map_arg(r1);

	if (!map->ops->remove)
		return bpfe_helper_error(-EOPNOTSUPP);
	charge(env, map->attr.key_size);
	return bpfe_helper_error(map->ops->remove(map, pointer(r2)));
}

/* Another processor's value: NULL if there is no such processor. */
static BPFE_HELPER(map_lookup_percpu_elem)
{
	struct bpfe_map *map = map_arg(r1);

	if (!map->ops->per_cpu || (uint32_t)r3 >= map->attr.cpus)
		return 0;
	charge(env, map->attr.key_size);
	return (uintptr_t)bpfe_map_lookup_cpu(map, pointer(r2), (uint32_t)r3);
}

static BPFE_HELPER(map_push_elem)
{
	struct bpfe_map *map = map_arg(r1);

	if (!map->ops->push)
		return bpfe_helper_error(-EOPNOTSUPP);
	charge(env, map->attr.value_size);
	return bpfe_helper_error(map->ops->push(map, pointer(r2), r3));
}

static BPFE_HELPER(map_pop_elem)
{
	struct bpfe_map *map = map_arg(r1);

	if (!map->ops->pop)
		return bpfe_helper_error(-EOPNOTSUPP);
	charge(env, map->attr.value_size);
	return bpfe_helper_error(map->ops->pop(map, (void *)(uintptr_t)r2));
}

static BPFE_HELPER(map_peek_elem)
{
	struct bpfe_map *map = map_arg(r1);

	if (!map->ops->peek)
		return bpfe_helper_error(-EOPNOTSUPP);
	charge(env, map->attr.value_size);
	return bpfe_helper_error(map->ops->peek(map, (void *)(uintptr_t)r2));
}

/* ---- bpf_for_each_map_elem ---- */

struct walk {
	struct bpfe_run_env *env;
	struct bpfe_map *map;
	uint64_t fn;
	uint64_t context;
};

static bool call_back(void *opaque, const void *key, void *value)
{
	const struct walk *w = opaque;
	struct bpfe_visited_key visited = {
		.key = key, .size = w->map->attr.key_size, .outer = w->env->visited};
	uint64_t stop;

	w->env->visited = &visited;
	stop = w->env->invoke(w->env, w->fn, (uintptr_t)w->map, (uintptr_t)key, (uintptr_t)value,
			      w->context, 0);
	w->env->visited = visited.outer;
	return !stop && !w->env->abort;
}

static BPFE_HELPER(for_each_map_elem)
{
	struct bpfe_map *map = map_arg(r1);
	struct walk w = {.env = env, .map = map, .fn = r2, .context = r3};

	if (r4 || !map->ops->for_each)
		return bpfe_helper_error(-EINVAL);
	/* Buckets without elements take time too: there is one for each 3 elements or more. */
	charge(env, map->attr.max_entries);
	return map->ops->for_each(map, env->cpu, call_back, &w);
}

/* ---- bpf_spin_lock ---- */

/*
 * The lock is the word in the value, so that programs on other processors and the control plane
 * (BPF_F_LOCK) meet at it. Waiting takes as long as the holder's run at most (bpfe_spin_lock()). A
 * run that is cut short releases env->lock. The verifier lets a program hold one lock at a time.
 */
static BPFE_HELPER(spin_lock)
{
	uint32_t *lock = (uint32_t *)(uintptr_t)r1;

	if (env->lock) {
		env->abort = BPFE_ABORT_TRAP;
		return 0;
	}
	bpfe_spin_lock(lock);
	env->lock = lock;
	return 0;
}

static BPFE_HELPER(spin_unlock)
{
	uint32_t *lock = (uint32_t *)(uintptr_t)r1;

	if (env->lock != lock) {
		env->abort = BPFE_ABORT_TRAP;
		return 0;
	}
	env->lock = NULL;
	bpfe_spin_unlock(lock);
	return 0;
}

const struct bpfe_helper bpfe_map_helpers[] = {
	{.id = BPF_FUNC_map_lookup_elem,
	 .name = "bpf_map_lookup_elem",
	 .fn = map_lookup_elem,
	 .ret = BPFE_RET_MAP_VALUE_OR_NULL,
	 .args = {BPFE_ARG_CONST_MAP, BPFE_ARG_MAP_KEY}},
	{.id = BPF_FUNC_map_update_elem,
	 .name = "bpf_map_update_elem",
	 .fn = map_update_elem,
	 .ret = BPFE_RET_INTEGER,
	 .args = {BPFE_ARG_CONST_MAP, BPFE_ARG_MAP_KEY, BPFE_ARG_MAP_VALUE, BPFE_ARG_ANYTHING}},
	{.id = BPF_FUNC_map_delete_elem,
	 .name = "bpf_map_delete_elem",
	 .fn = map_delete_elem,
	 .ret = BPFE_RET_INTEGER,
	 .args = {BPFE_ARG_CONST_MAP, BPFE_ARG_MAP_KEY}},
	{.id = BPF_FUNC_map_lookup_percpu_elem,
	 .name = "bpf_map_lookup_percpu_elem",
	 .fn = map_lookup_percpu_elem,
	 .ret = BPFE_RET_MAP_VALUE_OR_NULL,
	 .args = {BPFE_ARG_CONST_MAP, BPFE_ARG_MAP_KEY, BPFE_ARG_ANYTHING}},
	{.id = BPF_FUNC_map_push_elem,
	 .name = "bpf_map_push_elem",
	 .fn = map_push_elem,
	 .ret = BPFE_RET_INTEGER,
	 .args = {BPFE_ARG_CONST_MAP, BPFE_ARG_MAP_VALUE, BPFE_ARG_ANYTHING}},
	{.id = BPF_FUNC_map_pop_elem,
	 .name = "bpf_map_pop_elem",
	 .fn = map_pop_elem,
	 .ret = BPFE_RET_INTEGER,
	 .args = {BPFE_ARG_CONST_MAP, BPFE_ARG_MAP_VALUE_OUT}},
	{.id = BPF_FUNC_map_peek_elem,
	 .name = "bpf_map_peek_elem",
	 .fn = map_peek_elem,
	 .ret = BPFE_RET_INTEGER,
	 .args = {BPFE_ARG_CONST_MAP, BPFE_ARG_MAP_VALUE_OUT}},
	{.id = BPF_FUNC_for_each_map_elem,
	 .name = "bpf_for_each_map_elem",
	 .fn = for_each_map_elem,
	 .ret = BPFE_RET_INTEGER,
	 .args = {BPFE_ARG_CONST_MAP, BPFE_ARG_CALLBACK, BPFE_ARG_CALLBACK_CTX, BPFE_ARG_ANYTHING},
	 .calls_back = true},
	{.id = BPF_FUNC_spin_lock,
	 .name = "bpf_spin_lock",
	 .fn = spin_lock,
	 .ret = BPFE_RET_VOID,
	 .args = {BPFE_ARG_SPIN_LOCK}},
	{.id = BPF_FUNC_spin_unlock,
	 .name = "bpf_spin_unlock",
	 .fn = spin_unlock,
	 .ret = BPFE_RET_VOID,
	 .args = {BPFE_ARG_SPIN_LOCK}},
	{0},
};
