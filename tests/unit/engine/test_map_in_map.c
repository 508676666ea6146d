/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* maps/map_in_map.c, array_of_maps.c, hash_of_maps.c: maps as values. */
#include <pthread.h>
#include "harness.h"
#include "maps/map_in_map.h"

#define ENTRIES 4
#define ARRAY   BPF_MAP_TYPE_ARRAY_OF_MAPS
#define HASH    BPF_MAP_TYPE_HASH_OF_MAPS

static const uint32_t both[] = {ARRAY, HASH};

static const struct bpfe_map_attr array_template = {
	.type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 2};

static struct bpfe_map *outer_new(uint32_t type, const struct bpfe_map_attr *template,
				  const struct bpfe_allocator *alloc)
{
	const struct bpfe_map_attr attr = {.type = type,
					   .key_size = 4,
					   .value_size = 4,
					   .max_entries = ENTRIES,
					   .inner = template};
	struct bpfe_map *map = NULL;

	assert_int_equal(bpfe_map_create(&attr, alloc, &map, NULL), 0);
	return map;
}

static struct bpfe_map *inner_new(const struct bpfe_map_attr *attr, uint64_t first,
				  const struct bpfe_allocator *alloc)
{
	struct bpfe_map *map = NULL;

	assert_int_equal(bpfe_map_create(attr, alloc, &map, NULL), 0);
	if (attr->type == BPF_MAP_TYPE_ARRAY)
		assert_int_equal(bpfe_map_update(map, &(uint32_t){0}, &first, BPF_ANY), 0);
	return map;
}

static void refused(const struct bpfe_map_attr *attr, int err, const char *expected)
{
	char text[256] = "";
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	struct bpfe_map *map;

	assert_int_equal(bpfe_map_create(attr, NULL, &map, &log), err);
	assert_string_equal(text, expected);
	assert_int_equal(bpfe_map_storage_size(attr), 0);
}

static void test_attributes(void **state)
{
	struct bpfe_map_attr inner = array_template;
	struct bpfe_map_attr attr = {
		.type = ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};

	refused(&attr, -EINVAL, "a map of maps needs a template of its inner maps\n");
	attr.inner = &inner;
	attr.value_size = 8;
	refused(&attr, -EINVAL, "map value size 8 is not 4, which a map of maps needs\n");
	attr.value_size = 4;
	attr.key_size = 8;
	refused(&attr, -EINVAL, "map key size 8 is not 4, which an array of maps needs\n");
	attr.key_size = 4;
	attr.flags = BPF_F_NO_PREALLOC;
	refused(&attr, -EINVAL, "map flag BPF_F_NO_PREALLOC (0x1) is not supported\n");
	attr.type = HASH;
	attr.flags = BPF_F_RDONLY_PROG;
	refused(&attr, -EINVAL, "map flag BPF_F_RDONLY_PROG (0x80) is not supported\n");
	attr.flags = 0;
	inner.key_size = 3;
	refused(&attr, -EINVAL, "map key size 3 is not 4, which an array needs\n");
	inner = (struct bpfe_map_attr){.type = BPF_MAP_TYPE_PROG_ARRAY};
	refused(&attr, -EOPNOTSUPP, "a map of maps cannot hold prog arrays\n");
	for (size_t i = 0; i < COUNT(both); i++) {
		inner = (struct bpfe_map_attr){.type = both[i]};
		refused(&attr, -EINVAL, "a map of maps cannot hold maps of maps\n");
	}
}

/* The template is the map's own copy. */
static void test_template(void **state)
{
	for (size_t i = 0; i < COUNT(both); i++) {
		struct bpfe_map_attr template = array_template;
		struct bpfe_map *map = outer_new(both[i], &template, NULL);

		template.key_size = 77;
		assert_ptr_not_equal(bpfe_map_attr(map)->inner, &template);
		assert_memory_equal(bpfe_map_attr(map)->inner, &array_template,
				    sizeof(array_template));
		bpfe_map_put(map);
	}
	bpfe_rcu_barrier();
}

/* The first value of the inner map at @key, as a program would come to it; 0: none. */
static uint64_t value_at(struct bpfe_map *outer, uint32_t key)
{
	struct bpfe_map *inner;
	uint64_t value = 0;

	bpfe_rcu_read_lock();
	inner = bpfe_map_lookup(outer, &key);
	if (inner)
		value = *(uint64_t *)bpfe_map_lookup(inner, &(uint32_t){0});
	bpfe_rcu_read_unlock();
	return value;
}

static uint32_t id_at(struct bpfe_map *outer, uint32_t key)
{
	uint32_t id = 0;

	return bpfe_map_lookup_copy(outer, &key, &id) ? 0 : id;
}

static void set_and_replace(uint32_t type)
{
	const uint32_t key = 1, other = 3;
	struct bpfe_map *map, *a, *b;
	struct counting counting;
	uint32_t id, next;

	counting_init(&counting);
	map = outer_new(type, &array_template, &counting.alloc);
	assert_int_equal(counting.bytes, bpfe_map_storage_size(bpfe_map_attr(map)));
	a = inner_new(&array_template, 10, &counting.alloc);
	b = inner_new(&array_template, 20, &counting.alloc);
	assert_int_equal(bpfe_map_lookup_copy(map, &key, &id), -ENOENT);
	assert_int_equal(bpfe_map_set_inner(map, &key, a, 71, BPF_ANY), 0);
	assert_int_equal(bpfe_map_set_inner(map, &other, b, 72, BPF_ANY), 0);
	assert_int_equal(bpfe_map_count(map), 2);
	assert_int_equal(value_at(map, 1), 10);
	assert_int_equal(value_at(map, 3), 20);
	assert_int_equal(value_at(map, 2), 0);
	assert_int_equal(id_at(map, 1), 71);

	assert_int_equal(bpfe_map_set_inner(map, &key, b, 73, BPF_ANY), 0);
	bpfe_map_put(a);
	bpfe_map_put(b);
	bpfe_rcu_barrier();
	assert_int_equal(value_at(map, 1), 20);
	assert_int_equal(id_at(map, 1), 73);
	assert_int_equal(bpfe_map_set_inner(map, &other, NULL, 0, BPF_ANY), 0);
	assert_int_equal(bpfe_map_set_inner(map, &other, NULL, 0, BPF_ANY), -ENOENT);
	assert_int_equal(bpfe_map_delete(map, &other), -ENOENT);
	assert_int_equal(value_at(map, 3), 0);
	assert_int_equal(bpfe_map_count(map), 1);
	assert_int_equal(bpfe_map_get_next_key(map, NULL, &next), 0);
	assert_int_equal(next, type == HASH ? 1 : 0);

	/* What is still in goes with the map. */
	bpfe_map_put(map);
	counting_check(&counting);
}

static void test_set(void **state)
{
	set_and_replace(ARRAY);
	set_and_replace(HASH);
}

static void test_errors(void **state)
{
	struct bpfe_map *array = outer_new(ARRAY, &array_template, NULL);
	struct bpfe_map *hash = outer_new(HASH, &array_template, NULL);
	struct bpfe_map *inner = inner_new(&array_template, 1, NULL);
	const uint32_t beyond = ENTRIES;
	uint32_t key = 0, value = 0;

	assert_int_equal(bpfe_map_set_inner(inner, &key, inner, 1, BPF_ANY), -EINVAL);
	assert_int_equal(bpfe_map_set_inner(array, &key, array, 1, BPF_ANY), -EINVAL);
	assert_int_equal(bpfe_map_set_inner(array, &beyond, inner, 1, BPF_ANY), -E2BIG);
	assert_int_equal(bpfe_map_set_inner(array, &key, inner, 1, BPF_NOEXIST), -EINVAL);
	assert_int_equal(bpfe_map_update(array, &key, &value, BPF_ANY), -EOPNOTSUPP);
	assert_int_equal(bpfe_map_set_inner(hash, &key, inner, 1, BPF_EXIST), -ENOENT);
	assert_int_equal(bpfe_map_set_inner(hash, &key, inner, 1, BPF_NOEXIST), 0);
	assert_int_equal(bpfe_map_set_inner(hash, &key, inner, 2, BPF_NOEXIST), -EEXIST);
	assert_int_equal(bpfe_map_set_inner(hash, &key, inner, 3, 7), -EINVAL);
	assert_int_equal(id_at(hash, 0), 1);
	for (key = 1; key < ENTRIES; key++)
		assert_int_equal(bpfe_map_set_inner(hash, &key, inner, 1, BPF_ANY), 0);
	assert_int_equal(bpfe_map_set_inner(hash, &beyond, inner, 1, BPF_ANY), -E2BIG);
	assert_int_equal(bpfe_map_count(hash), ENTRIES);
	bpfe_map_put(inner);
	bpfe_map_put(array);
	bpfe_map_put(hash);
	bpfe_rcu_barrier();
}

/* What the verifier knows of inner maps it knows of the template. */
static void test_fits(void **state)
{
	static const struct bpfe_map_attr hash = {
		.type = BPF_MAP_TYPE_HASH, .key_size = 4, .value_size = 16, .max_entries = 2};
	static const struct bpfe_map_attr flexible = {.type = BPF_MAP_TYPE_ARRAY,
						      .key_size = 4,
						      .value_size = 8,
						      .max_entries = 2,
						      .flags = BPF_F_INNER_MAP};
	const struct {
		const struct bpfe_map_attr *template;
		struct bpfe_map_attr attr;
		int err;
	} cases[] = {
		{&array_template,
		 {.type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 3},
		 -EINVAL},
		{&array_template,
		 {.type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 2},
		 -EINVAL},
		{&array_template,
		 {.type = BPF_MAP_TYPE_ARRAY,
		  .key_size = 4,
		  .value_size = 8,
		  .max_entries = 2,
		  .flags = BPF_F_RDONLY_PROG},
		 -EINVAL},
		{&array_template,
		 {.type = BPF_MAP_TYPE_HASH, .key_size = 4, .value_size = 8, .max_entries = 2},
		 -EINVAL},
		{&hash,
		 {.type = BPF_MAP_TYPE_HASH, .key_size = 4, .value_size = 16, .max_entries = 200},
		 0},
		{&hash,
		 {.type = BPF_MAP_TYPE_HASH, .key_size = 8, .value_size = 16, .max_entries = 2},
		 -EINVAL},
		{&flexible,
		 {.type = BPF_MAP_TYPE_ARRAY,
		  .key_size = 4,
		  .value_size = 8,
		  .max_entries = 100,
		  .flags = BPF_F_INNER_MAP},
		 0},
		{&flexible,
		 {.type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 2},
		 -EINVAL},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct bpfe_map *map = outer_new(HASH, cases[i].template, NULL);
		struct bpfe_map *inner = inner_new(&cases[i].attr, 1, NULL);
		const uint32_t key = 0;

		assert_int_equal(bpfe_map_set_inner(map, &key, inner, 1, BPF_ANY), cases[i].err);
		assert_int_equal(bpfe_map_count(map), cases[i].err == 0);
		bpfe_map_put(inner);
		bpfe_map_put(map);
	}
	bpfe_rcu_barrier();
}

/* One inner map under many keys. What frees them goes through the buckets once, not once for each
 * key, which would take minutes. */
static void test_many_references(void **state)
{
	const uint32_t n = 200000;
	struct counting counting;
	struct bpfe_map *map = NULL, *inner;
	struct bpfe_map_attr attr = {.type = HASH,
				     .key_size = 4,
				     .value_size = 4,
				     .max_entries = n,
				     .inner = &array_template};

	counting_init(&counting);
	inner = inner_new(&array_template, 1, &counting.alloc);
	assert_int_equal(bpfe_map_create(&attr, &counting.alloc, &map, NULL), 0);
	for (uint32_t key = 0; key < n; key++)
		assert_int_equal(bpfe_map_set_inner(map, &key, inner, 1, BPF_NOEXIST), 0);
	assert_int_equal(bpfe_map_set_inner(map, &n, inner, 1, BPF_NOEXIST), -E2BIG);
	bpfe_map_put(inner);
	bpfe_map_put(map);
	counting_check(&counting);
}

/* For the checked interpreter: which maps and values may be touched. */
static void test_contains(void **state)
{
	for (size_t i = 0; i < COUNT(both); i++) {
		struct bpfe_map *map = outer_new(both[i], &array_template, NULL);
		struct bpfe_map *in = inner_new(&array_template, 1, NULL);
		struct bpfe_map *out = inner_new(&array_template, 1, NULL);
		const uint32_t key = 2;
		uintptr_t value;

		assert_int_equal(bpfe_map_set_inner(map, &key, in, 1, BPF_ANY), 0);
		bpfe_rcu_read_lock();
		assert_true(bpfe_map_in_map_has(map, in));
		assert_false(bpfe_map_in_map_has(map, out));
		assert_false(bpfe_map_in_map_has(in, in));
		value = (uintptr_t)bpfe_map_lookup(in, &(uint32_t){0});
		assert_true(bpfe_map_in_map_contains(map, value, 8));
		assert_false(bpfe_map_in_map_contains(map, value, 9));
		value = (uintptr_t)bpfe_map_lookup(out, &(uint32_t){0});
		assert_false(bpfe_map_in_map_contains(map, value, 8));
		bpfe_rcu_read_unlock();
		bpfe_map_put(in);
		bpfe_map_put(out);
		bpfe_map_put(map);
	}
	bpfe_rcu_barrier();
}

/* ---- Replacement under look-ups ---- */

enum {
	READERS = 2,
	REPLACEMENTS = 2000
};

struct shared {
	struct bpfe_map *map;
	atomic_bool done;
	atomic_ulong bad;
};

static void *reader(void *opaque)
{
	struct shared *s = opaque;

	bpfe_thread_register();
	do {
		uint64_t value = value_at(s->map, 0);

		if (value != 1 && value != 2)
			atomic_fetch_add(&s->bad, 1);
	} while (!s->done);
	bpfe_thread_unregister();
	return NULL;
}

/* Every look-up finds one map or the other, alive, although each is freed once replaced. */
static void replace_under_lookups(uint32_t type)
{
	struct shared s = {.map = outer_new(type, &array_template, NULL)};
	pthread_t readers[READERS];
	const uint32_t key = 0;

	for (unsigned i = 0; i <= REPLACEMENTS; i++) {
		struct bpfe_map *inner = inner_new(&array_template, 1 + i % 2, NULL);

		assert_int_equal(bpfe_map_set_inner(s.map, &key, inner, i, BPF_ANY), 0);
		bpfe_map_put(inner);
		for (unsigned r = 0; i == 0 && r < READERS; r++)
			assert_int_equal(pthread_create(&readers[r], NULL, reader, &s), 0);
	}
	s.done = true;
	for (unsigned r = 0; r < READERS; r++)
		pthread_join(readers[r], NULL);
	assert_int_equal(s.bad, 0);
	assert_int_equal(bpfe_map_count(s.map), 1);
	bpfe_map_put(s.map);
	bpfe_rcu_barrier();
}

static void test_replace_under_lookups(void **state)
{
	replace_under_lookups(ARRAY);
	replace_under_lookups(HASH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attributes), cmocka_unit_test(test_template),
		cmocka_unit_test(test_set),        cmocka_unit_test(test_errors),
		cmocka_unit_test(test_fits),       cmocka_unit_test(test_many_references),
		cmocka_unit_test(test_contains),   cmocka_unit_test(test_replace_under_lookups),
	};

	return cmocka_run_group_tests_name("map in map", tests, group_setup, group_teardown);
}
