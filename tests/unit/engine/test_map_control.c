/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* maps/control.c and maps/value.c: who may read and write, frozen maps, locks in values. */
#include <pthread.h>
#include "harness.h"

#define BASE .type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 16, .max_entries = 2

static struct bpfe_map *create(const struct bpfe_map_attr *attr)
{
	struct bpfe_map *map = NULL;

	assert_int_equal(bpfe_map_create(attr, NULL, &map, NULL), 0);
	return map;
}

static void test_read_only(void **state)
{
	struct bpfe_map *map = create(&(struct bpfe_map_attr){BASE, .flags = BPF_F_RDONLY});
	uint32_t key = 0, next;
	uint8_t value[16] = {0};

	assert_int_equal(bpfe_map_update(map, &key, value, BPF_ANY), -EPERM);
	assert_int_equal(bpfe_map_update(map, &key, value, 77), -EPERM);
	assert_int_equal(bpfe_map_delete(map, &key), -EPERM);
	assert_int_equal(bpfe_map_push(map, value, 0), -EPERM);
	assert_int_equal(bpfe_map_pop(map, value), -EPERM);
	assert_int_equal(bpfe_map_freeze(map), -EPERM);
	assert_false(bpfe_map_is_frozen(map));
	assert_int_equal(bpfe_map_lookup_copy(map, &key, value), 0);
	assert_int_equal(bpfe_map_get_next_key(map, &key, &next), 0);
	bpfe_map_put(map);
}

static void test_write_only(void **state)
{
	struct bpfe_map *map = create(&(struct bpfe_map_attr){BASE, .flags = BPF_F_WRONLY});
	uint32_t key = 0, next;
	uint8_t value[16] = {0};

	assert_int_equal(bpfe_map_lookup_copy(map, &key, value), -EPERM);
	assert_int_equal(bpfe_map_lookup_copy_flags(map, &key, value, BPF_F_LOCK), -EPERM);
	assert_int_equal(bpfe_map_get_next_key(map, &key, &next), -EPERM);
	assert_int_equal(bpfe_map_pop(map, value), -EPERM);
	assert_int_equal(bpfe_map_peek(map, value), -EPERM);
	assert_int_equal(bpfe_map_update(map, &key, value, BPF_ANY), 0);
	assert_int_equal(bpfe_map_freeze(map), 0);
	bpfe_map_put(map);
}

/* Update from a program: the control plane's limits are not its. */
static const struct bpf_insn update_0[] = {
	ST(BPF_W, 10, -4, 0),
	ST(BPF_DW, 10, -16, 5),
	ST(BPF_DW, 10, -24, 6),
	MOV_X(2, 10),
	ALU64_K(BPF_ADD, 2, -4),
	MOV_X(3, 10),
	ALU64_K(BPF_ADD, 3, -24),
	MOV_K(4, 0),
	LD_MAP_IDX(1, 0),
	CALL(BPF_FUNC_map_update_elem),
	EXIT(),
};

static void test_frozen(void **state)
{
	struct bpfe_map *map = create(&(struct bpfe_map_attr){BASE});
	struct bpfe_program *prog = LOAD(update_0, map, 0);
	uint32_t key = 0, next;
	uint64_t value[2] = {1, 2};

	assert_false(bpfe_map_is_frozen(map));
	assert_int_equal(bpfe_map_update(map, &key, value, BPF_ANY), 0);
	assert_int_equal(bpfe_map_freeze(map), 0);
	assert_true(bpfe_map_is_frozen(map));
	assert_int_equal(bpfe_map_freeze(map), -EPERM);
	assert_int_equal(bpfe_map_update(map, &key, value, BPF_ANY), -EPERM);
	assert_int_equal(bpfe_map_delete(map, &key), -EPERM);
	assert_int_equal(bpfe_map_get_next_key(map, NULL, &next), 0);
	assert_int_equal(run_value(prog), 0);
	assert_int_equal(bpfe_map_lookup_copy(map, &key, value), 0);
	assert_int_equal(value[0], 6);
	assert_int_equal(value[1], 5);
	bpfe_program_put(prog);
	bpfe_map_put(map);
}

/* An array has none of these. */
static void test_not_offered(void **state)
{
	struct bpfe_map *map = create(&(struct bpfe_map_attr){BASE});
	uint8_t value[16] = {0};

	assert_int_equal(bpfe_map_push(map, value, 0), -EOPNOTSUPP);
	assert_int_equal(bpfe_map_pop(map, value), -EOPNOTSUPP);
	assert_int_equal(bpfe_map_peek(map, value), -EOPNOTSUPP);
	bpfe_map_put(map);
}

/* ---- Locks ---- */

#define LOCKED .has_spin_lock = true, .spin_lock_off = 8

static uint32_t *lock_in(struct bpfe_map *map, uint32_t key)
{
	return (uint32_t *)((uint8_t *)bpfe_map_lookup(map, &key) + 8);
}

/* The lock is neither shown nor overwritten, and without one BPF_F_LOCK is refused. */
static void test_lock_word(void **state)
{
	struct bpfe_map *map = create(&(struct bpfe_map_attr){BASE, LOCKED});
	struct bpfe_map *plain = create(&(struct bpfe_map_attr){BASE});
	uint32_t key = 1, value[4] = {1, 2, 3, 4}, got[4];

	*lock_in(map, key) = 1; /* as if a program had it */
	assert_int_equal(bpfe_map_update(map, &key, value, BPF_ANY), 0);
	assert_int_equal(*lock_in(map, key), 1);
	memset(got, 0xee, sizeof(got));
	assert_int_equal(bpfe_map_lookup_copy(map, &key, got), 0);
	assert_memory_equal(got, ((uint32_t[]){1, 2, 0, 4}), sizeof(got));
	*lock_in(map, key) = 0;
	value[0] = 11;
	assert_int_equal(bpfe_map_update(map, &key, value, BPF_F_LOCK), 0);
	assert_int_equal(bpfe_map_update(map, &key, value, BPF_F_LOCK | BPF_EXIST), 0);
	assert_int_equal(bpfe_map_update(map, &key, value, BPF_F_LOCK | BPF_NOEXIST), -EEXIST);
	assert_int_equal(*lock_in(map, key), 0);
	assert_int_equal(bpfe_map_lookup_copy_flags(map, &key, got, BPF_F_LOCK), 0);
	assert_memory_equal(got, ((uint32_t[]){11, 2, 0, 4}), sizeof(got));
	assert_int_equal(*lock_in(map, key), 0);
	assert_int_equal(bpfe_map_lookup_copy_flags(map, &key, got, BPF_F_LOCK | 1), -EINVAL);
	assert_int_equal(bpfe_map_freeze(map), -EOPNOTSUPP);
	assert_int_equal(bpfe_map_update(plain, &key, value, BPF_F_LOCK), -EINVAL);
	assert_int_equal(bpfe_map_lookup_copy_flags(plain, &key, got, BPF_F_LOCK), -EINVAL);
	bpfe_map_put(map);
	bpfe_map_put(plain);
}

enum {
	UPDATES = 3000
};

/* What two threads write under the lock is always read whole under it. */
static void *update_locked(void *opaque)
{
	const uint32_t key = 0;

	bpfe_thread_register();
	for (uint32_t i = 1; i <= UPDATES; i++) {
		uint32_t value[4] = {i, i, 0, i};

		if (bpfe_map_update(opaque, &key, value, BPF_F_LOCK))
			break;
	}
	bpfe_thread_unregister();
	return NULL;
}

static void test_locked_copies_are_whole(void **state)
{
	struct bpfe_map *map = create(&(struct bpfe_map_attr){BASE, LOCKED});
	const uint32_t key = 0;
	pthread_t writers[2];
	uint32_t value[4];

	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&writers[i], NULL, update_locked, map), 0);
	do {
		assert_int_equal(bpfe_map_lookup_copy_flags(map, &key, value, BPF_F_LOCK), 0);
		assert_int_equal(value[0], value[1]);
		assert_int_equal(value[0], value[3]);
	} while (value[0] != UPDATES);
	for (unsigned i = 0; i < 2; i++)
		pthread_join(writers[i], NULL);
	assert_int_equal(*lock_in(map, key), 0);
	bpfe_map_put(map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read_only), cmocka_unit_test(test_write_only),
		cmocka_unit_test(test_frozen),    cmocka_unit_test(test_not_offered),
		cmocka_unit_test(test_lock_word), cmocka_unit_test(test_locked_copies_are_whole),
	};

	return cmocka_run_group_tests_name("map control", tests, group_setup, group_teardown);
}
