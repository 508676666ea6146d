/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* helpers/map.c: what they return, whose value they mean, and what they charge. */
#include <pthread.h>
#include "harness.h"
#include "maps/map.h"

enum {
	CPUS = 4,
	ENTRIES = 10
};

/* As the interpreter would: the helper called @id, in @env. */
static uint64_t call(struct bpfe_run_env *env, uint32_t id, const void *r1, const void *r2,
		     const void *r3, uint64_t r4)
{
	return bpfe_helper_by_id(id)->fn(env, (uintptr_t)r1, (uintptr_t)r2, (uintptr_t)r3, r4, 0);
}

static struct bpfe_map *create(uint32_t type, uint32_t value_size)
{
	const struct bpfe_map_attr attr = {.type = type,
					   .key_size = 4,
					   .value_size = value_size,
					   .max_entries = ENTRIES,
					   .cpus = CPUS};
	struct bpfe_map *map = NULL;

	assert_int_equal(bpfe_map_create(&attr, NULL, &map, NULL), 0);
	return map;
}

static void test_processors(void **state)
{
	static const uint32_t types[] = {BPF_MAP_TYPE_PERCPU_ARRAY, BPF_MAP_TYPE_PERCPU_HASH,
					 BPF_MAP_TYPE_LRU_PERCPU_HASH};

	for (size_t i = 0; i < COUNT(types); i++) {
		struct bpfe_map *map = create(types[i], 8);
		struct bpfe_run_env env = {.cpu = 2};
		const uint32_t key = 3;
		uint64_t value = 7, all[CPUS];

		bpfe_rcu_read_lock();
		assert_int_equal(call(&env, BPF_FUNC_map_update_elem, map, &key, &value, BPF_ANY),
				 0);
		assert_int_equal(bpfe_map_lookup_copy(map, &key, all), 0);
		assert_memory_equal(all, ((uint64_t[]){0, 0, 7, 0}), sizeof(all));
		for (uintptr_t cpu = 0; cpu < CPUS; cpu++) {
			const uint64_t *at = (const uint64_t *)call(
				&env, BPF_FUNC_map_lookup_percpu_elem, map, &key, (void *)cpu, 0);

			assert_non_null(at);
			assert_int_equal(*at, cpu == 2 ? 7 : 0);
			env.cpu = (uint32_t)cpu;
			assert_ptr_equal(call(&env, BPF_FUNC_map_lookup_elem, map, &key, NULL, 0),
					 at);
			env.cpu = 2;
		}
		/* No such processor, and the upper half of the register is not looked at. */
		assert_int_equal(call(&env, BPF_FUNC_map_lookup_percpu_elem, map, &key,
				      (void *)(uintptr_t)CPUS, 0),
				 0);
		assert_true(call(&env, BPF_FUNC_map_lookup_percpu_elem, map, &key,
				 (void *)((uintptr_t)1 << 32), 0) != 0);
		bpfe_rcu_read_unlock();
		bpfe_map_put(map);
	}
}

/* Frozen and BPF_F_RDONLY are for the control plane. */
static void test_control_plane_rights(void **state)
{
	struct bpfe_map *map = create(BPF_MAP_TYPE_HASH, 8);
	struct bpfe_run_env env = {0};
	const uint32_t key = 1;
	const uint64_t value = 2;

	assert_int_equal(bpfe_map_freeze(map), 0);
	assert_int_equal(bpfe_map_update(map, &key, &value, BPF_ANY), -EPERM);
	assert_int_equal(call(&env, BPF_FUNC_map_update_elem, map, &key, &value, BPF_ANY), 0);
	assert_int_equal(call(&env, BPF_FUNC_map_update_elem, map, &key, &value, BPF_NOEXIST),
			 (uint64_t)-EEXIST);
	assert_int_equal(call(&env, BPF_FUNC_map_delete_elem, map, &key, NULL, 0), 0);
	assert_int_equal(call(&env, BPF_FUNC_map_delete_elem, map, &key, NULL, 0),
			 (uint64_t)-ENOENT);
	bpfe_map_put(map);
}

/* What was not built for a type is an error, not a crash, should the verifier ever let it by. */
static void test_wrong_type(void **state)
{
	struct bpfe_map *array = create(BPF_MAP_TYPE_ARRAY, 8);
	struct bpfe_map *queue = map_new(BPF_MAP_TYPE_QUEUE, 0, 8, 1, NULL);
	struct bpfe_run_env env = {0};
	const uint32_t key = 0;
	uint64_t value = 0;

	assert_int_equal(call(&env, BPF_FUNC_map_push_elem, array, &value, NULL, 0),
			 (uint64_t)-EOPNOTSUPP);
	assert_int_equal(call(&env, BPF_FUNC_map_pop_elem, array, &value, NULL, 0),
			 (uint64_t)-EOPNOTSUPP);
	assert_int_equal(call(&env, BPF_FUNC_map_peek_elem, array, &value, NULL, 0),
			 (uint64_t)-EOPNOTSUPP);
	assert_int_equal(call(&env, BPF_FUNC_map_lookup_percpu_elem, array, &key, NULL, 0), 0);
	assert_int_equal(call(&env, BPF_FUNC_map_lookup_elem, queue, &key, NULL, 0), 0);
	assert_int_equal(call(&env, BPF_FUNC_map_update_elem, queue, &key, &value, 0),
			 (uint64_t)-EOPNOTSUPP);
	assert_int_equal(call(&env, BPF_FUNC_for_each_map_elem, queue, NULL, NULL, 0),
			 (uint64_t)-EINVAL);
	bpfe_map_put(array);
	bpfe_map_put(queue);
}

static void test_cost(void **state)
{
	struct bpfe_map *map = create(BPF_MAP_TYPE_HASH, 1600);
	struct bpfe_run_env env = {0};
	const uint32_t key = 1;
	uint8_t value[1600] = {0};

	assert_int_equal(call(&env, BPF_FUNC_map_lookup_elem, map, &key, NULL, 0), 0);
	assert_int_equal(env.cost, 0);
	assert_int_equal(call(&env, BPF_FUNC_map_update_elem, map, &key, value, 0), 0);
	assert_int_equal(env.cost, 100);
	bpfe_map_put(map);
}

/* ---- bpf_for_each_map_elem ---- */

static struct {
	struct bpfe_map *map;
	uint32_t stop_at; /* visit after which the callback says 1 */
	uint32_t visits;
	uint32_t abort_at;
	bool update; /* the callback updates what it sees */
	bool remove;
	uint64_t keys; /* bitmap */
	uint64_t sum;
} walk;

static uint64_t callback(struct bpfe_run_env *env, uint64_t fn, uint64_t r1, uint64_t r2,
			 uint64_t r3, uint64_t r4, uint64_t r5)
{
	uint32_t key;

	assert_int_equal(fn, 0x1234);
	assert_ptr_equal((void *)r1, walk.map);
	assert_ptr_equal((void *)r4, &walk);
	assert_int_equal(r5, 0);
	assert_ptr_equal((void *)r2, env->visited->key);
	assert_int_equal(env->visited->size, 4);
	assert_null(env->visited->outer);
	memcpy(&key, (void *)r2, sizeof(key));
	assert_false(walk.keys >> key & 1);
	walk.keys |= UINT64_C(1) << key;
	walk.sum += *(uint64_t *)r3;
	if (walk.update)
		assert_int_equal(
			walk.map->ops->update(walk.map, (void *)r2, &(uint64_t){100}, 0, 0), 0);
	if (walk.remove)
		assert_int_equal(walk.map->ops->remove(walk.map, (void *)r2), 0);
	if (++walk.visits == walk.abort_at)
		env->abort = BPFE_ABORT_BUDGET;
	return walk.visits == walk.stop_at;
}

static uint64_t for_each(struct bpfe_map *map, uint32_t cpu, uint64_t flags)
{
	struct bpfe_run_env env = {.cpu = cpu, .invoke = callback};
	uint64_t visited;

	walk.map = map;
	walk.visits = 0;
	walk.keys = walk.sum = 0;
	bpfe_rcu_read_lock();
	visited = call(&env, BPF_FUNC_for_each_map_elem, map, (void *)0x1234, &walk, flags);
	bpfe_rcu_read_unlock();
	assert_null(env.visited);
	return visited;
}

/* A walk over nothing takes time as well. */
static void test_for_each_of_none(void **state)
{
	const struct bpfe_map_attr attr = {
		.type = BPF_MAP_TYPE_HASH, .key_size = 4, .value_size = 8, .max_entries = 160000};
	struct bpfe_run_env env = {.invoke = callback};
	struct bpfe_map *map = NULL;

	assert_int_equal(bpfe_map_create(&attr, NULL, &map, NULL), 0);
	bpfe_rcu_read_lock();
	assert_int_equal(call(&env, BPF_FUNC_for_each_map_elem, map, (void *)0x1234, &walk, 0), 0);
	bpfe_rcu_read_unlock();
	assert_int_equal(env.cost, 10000);
	bpfe_map_put(map);
}

static void test_for_each(void **state)
{
	static const uint32_t types[] = {BPF_MAP_TYPE_ARRAY,       BPF_MAP_TYPE_PERCPU_ARRAY,
					 BPF_MAP_TYPE_HASH,        BPF_MAP_TYPE_LRU_HASH,
					 BPF_MAP_TYPE_PERCPU_HASH, BPF_MAP_TYPE_LRU_PERCPU_HASH};

	for (size_t i = 0; i < COUNT(types); i++) {
		struct bpfe_map *map = create(types[i], 8);
		const bool array = i < 2;

		memset(&walk, 0, sizeof(walk));
		assert_int_equal(for_each(map, 0, 0), array ? ENTRIES : 0);
		for (uint32_t key = 0; key < ENTRIES; key++)
			map->ops->update(map, &key, &(uint64_t){key + 1}, BPF_ANY, 1);
		assert_int_equal(for_each(map, 1, 0), ENTRIES);
		assert_int_equal(walk.keys, (1u << ENTRIES) - 1);
		assert_int_equal(walk.sum, ENTRIES * (ENTRIES + 1) / 2);
		if (map->ops->per_cpu) {
			assert_int_equal(for_each(map, 2, 0), ENTRIES);
			assert_int_equal(walk.sum, 0);
		}
		assert_int_equal(for_each(map, 1, 1), (uint64_t)-EINVAL);
		assert_int_equal(walk.visits, 0);
		walk.stop_at = 4;
		assert_int_equal(for_each(map, 1, 0), 4);
		assert_int_equal(walk.visits, 4);
		walk.stop_at = 0;
		walk.abort_at = 3;
		for_each(map, 1, 0);
		assert_int_equal(walk.visits, 3);
		walk.abort_at = 0;
		/* Updating the element at hand brings it up no second time. */
		walk.update = true;
		assert_int_equal(for_each(map, 1, 0), ENTRIES);
		walk.update = false;
		walk.remove = !array;
		assert_int_equal(for_each(map, 1, 0), ENTRIES);
		assert_int_equal(bpfe_map_count(map), array ? ENTRIES : 0);
		bpfe_map_put(map);
	}
}

/* ---- bpf_spin_lock ---- */

static struct bpfe_map *locked_array(void)
{
	const struct bpfe_map_attr attr = {.type = BPF_MAP_TYPE_ARRAY,
					   .key_size = 4,
					   .value_size = 24,
					   .max_entries = 1,
					   .has_spin_lock = true,
					   .spin_lock_off = 0};
	struct bpfe_map *map = NULL;

	assert_int_equal(bpfe_map_create(&attr, NULL, &map, NULL), 0);
	return map;
}

static void test_spin_lock(void **state)
{
	struct bpfe_run_env env = {0};
	uint32_t locks[2] = {0};

	call(&env, BPF_FUNC_spin_lock, &locks[0], NULL, NULL, 0);
	assert_ptr_equal(env.lock, &locks[0]);
	assert_int_equal(locks[0], 1);
	/* A second one would wait for ever if it were the same: the verifier refuses it. */
	call(&env, BPF_FUNC_spin_lock, &locks[0], NULL, NULL, 0);
	assert_int_equal(env.abort, BPFE_ABORT_TRAP);
	env.abort = BPFE_ABORT_NONE;
	call(&env, BPF_FUNC_spin_unlock, &locks[1], NULL, NULL, 0);
	assert_int_equal(env.abort, BPFE_ABORT_TRAP);
	assert_int_equal(locks[0], 1);
	env.abort = BPFE_ABORT_NONE;
	call(&env, BPF_FUNC_spin_unlock, &locks[0], NULL, NULL, 0);
	assert_int_equal(env.abort, BPFE_ABORT_NONE);
	assert_null(env.lock);
	assert_int_equal(locks[0], 0);
}

/* value[1]++, value[2]++ under the lock, as plain words. */
static const struct bpf_insn count_locked[] = {
	ST(BPF_W, 10, -4, 0),
	MOV_X(2, 10),
	ALU64_K(BPF_ADD, 2, -4),
	LD_MAP_IDX(1, 0),
	CALL(BPF_FUNC_map_lookup_elem),
	MOV_X(6, 0),
	JMP_K(BPF_JNE, 6, 0, 2),
	MOV_K(0, 1),
	EXIT(),
	MOV_X(1, 6),
	CALL(BPF_FUNC_spin_lock),
	LDX(BPF_DW, 7, 6, 8),
	ALU64_K(BPF_ADD, 7, 1),
	STX(BPF_DW, 6, 8, 7),
	STX(BPF_DW, 6, 16, 7),
	MOV_X(1, 6),
	CALL(BPF_FUNC_spin_unlock),
	MOV_K(0, 2),
	EXIT(),
};

enum {
	RUNS = 5000,
	RUNNERS = 2
};

static void *run_locked(void *opaque)
{
	struct frame f;
	uintptr_t bad = 0;

	bpfe_thread_register();
	frame_init(&f);
	for (unsigned i = 0; i < RUNS; i++)
		bad += run(opaque, &f).retval != 2;
	bpfe_thread_unregister();
	return (void *)bad;
}

/* Programs on several processors and the control plane exclude each other. */
static void test_lock_excludes(void **state)
{
	struct bpfe_map *map = locked_array();
	struct bpfe_program *prog = LOAD(count_locked, map, 0);
	pthread_t runners[RUNNERS];
	const uint32_t key = 0;
	uint64_t value[3];
	void *bad;

	for (unsigned i = 0; i < RUNNERS; i++)
		assert_int_equal(pthread_create(&runners[i], NULL, run_locked, prog), 0);
	do {
		assert_int_equal(bpfe_map_lookup_copy_flags(map, &key, value, BPF_F_LOCK), 0);
		assert_int_equal(value[0], 0);
		assert_int_equal(value[1], value[2]);
	} while (value[1] < RUNS);
	for (unsigned i = 0; i < RUNNERS; i++) {
		pthread_join(runners[i], &bad);
		assert_null(bad);
	}
	assert_int_equal(bpfe_map_lookup_copy_flags(map, &key, value, BPF_F_LOCK), 0);
	assert_int_equal(value[1], RUNS * RUNNERS);
	bpfe_program_put(prog);
	bpfe_map_put(map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_processors),
		cmocka_unit_test(test_control_plane_rights),
		cmocka_unit_test(test_wrong_type),
		cmocka_unit_test(test_cost),
		cmocka_unit_test(test_for_each_of_none),
		cmocka_unit_test(test_for_each),
		cmocka_unit_test(test_spin_lock),
		cmocka_unit_test(test_lock_excludes),
	};

	return cmocka_run_group_tests_name("map helpers", tests, group_setup, group_teardown);
}
