/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* maps/prog_array.c: programs as values, and who keeps whom. */
#include <pthread.h>
#include "harness.h"
#include "maps/prog_array.h"

#define ENTRIES 4

static const struct bpf_insn verdict_1[] = {MOV_K(0, 1), EXIT()};
static const struct bpf_insn verdict_2[] = {MOV_K(0, 2), EXIT()};

/* Refers to the map and makes nothing of it. */
static const struct bpf_insn refers[] = {LD_MAP_IDX(1, 0), MOV_K(0, 3), EXIT()};

static struct bpfe_map *array_new(const struct bpfe_allocator *alloc)
{
	return map_new(BPF_MAP_TYPE_PROG_ARRAY, 4, 4, ENTRIES, alloc);
}

static struct bpfe_program *load_from(const struct bpf_insn *insns, size_t n, struct bpfe_map *map,
				      const struct bpfe_allocator *alloc)
{
	const struct bpfe_map_binding binding = {1, map};
	struct load l;

	load_init(&l, insns, n);
	l.attr.alloc = alloc;
	l.attr.maps = &binding;
	l.attr.n_maps = map ? 1 : 0;
	return load_ok(&l);
}

static uint32_t id_at(struct bpfe_map *map, uint32_t index)
{
	uint32_t id = 0;

	return bpfe_map_lookup_copy(map, &index, &id) ? 0 : id;
}

static uint32_t verdict_at(const struct bpfe_map *map, uint32_t index)
{
	const struct bpfe_program *prog;
	uint32_t verdict = 0;
	struct frame f;

	frame_init(&f);
	bpfe_rcu_read_lock();
	prog = bpfe_prog_array_get(map, index);
	if (prog)
		verdict = bpfe_run(prog, &f.xdp).retval;
	bpfe_rcu_read_unlock();
	return verdict;
}

static void refused(const struct bpfe_map_attr *attr, const char *expected)
{
	char text[256] = "";
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	struct bpfe_map *map;

	assert_int_equal(bpfe_map_create(attr, NULL, &map, &log), -EINVAL);
	assert_string_equal(text, expected);
}

static void test_attributes(void **state)
{
	struct bpfe_map_attr attr = {
		.type = BPF_MAP_TYPE_PROG_ARRAY, .value_size = 4, .max_entries = 1};

	attr.key_size = 8;
	refused(&attr, "map key size 8 and value size 4 are not 4 and 4, which a prog array "
		       "needs\n");
	attr.key_size = 4;
	attr.value_size = 8;
	refused(&attr, "map key size 4 and value size 8 are not 4 and 4, which a prog array "
		       "needs\n");
	attr.value_size = 4;
	attr.max_entries = 0;
	refused(&attr, "map max_entries 0 is out of range, 1 to 67108864\n");
	attr.max_entries = 1;
	attr.flags = BPF_F_RDONLY_PROG;
	refused(&attr, "map flag BPF_F_RDONLY_PROG (0x80) is not supported\n");
}

static void test_set(void **state)
{
	struct bpfe_program *one = LOAD(verdict_1, NULL, 0), *two = LOAD(verdict_2, NULL, 0);
	struct bpfe_map *map = array_new(NULL);
	const uint32_t index = 1;
	uint32_t id;

	assert_int_equal(bpfe_map_count(map), 0);
	assert_int_equal(verdict_at(map, 1), 0);
	assert_int_equal(bpfe_map_lookup_copy(map, &index, &id), -ENOENT);
	assert_int_equal(bpfe_map_set_program(map, 1, one, 71), 0);
	assert_int_equal(bpfe_map_set_program(map, 3, two, 72), 0);
	assert_int_equal(bpfe_map_count(map), 2);
	assert_int_equal(verdict_at(map, 1), 1);
	assert_int_equal(verdict_at(map, 3), 2);
	assert_int_equal(verdict_at(map, ENTRIES), 0);
	assert_int_equal(verdict_at(map, UINT32_MAX), 0);
	assert_int_equal(id_at(map, 1), 71);

	/* In place of another, and gone. */
	assert_int_equal(bpfe_map_set_program(map, 1, two, 73), 0);
	assert_int_equal(verdict_at(map, 1), 2);
	assert_int_equal(id_at(map, 1), 73);
	assert_int_equal(bpfe_map_count(map), 2);
	assert_int_equal(bpfe_map_set_program(map, 1, NULL, 0), 0);
	assert_int_equal(verdict_at(map, 1), 0);
	assert_int_equal(bpfe_map_delete(map, &(uint32_t){3}), 0);
	assert_int_equal(bpfe_map_count(map), 0);

	bpfe_program_put(one);
	bpfe_program_put(two);
	bpfe_map_put(map);
	bpfe_rcu_barrier();
}

static void test_errors(void **state)
{
	struct bpfe_program *prog = LOAD(verdict_1, NULL, 0);
	struct bpfe_map *map = array_new(NULL);
	struct bpfe_map *hash = map_new(BPF_MAP_TYPE_HASH, 4, 4, 4, NULL);
	const uint32_t first = 0, beyond = ENTRIES;
	uint32_t value = 0;

	assert_int_equal(bpfe_map_set_program(hash, 0, prog, 1), -EINVAL);
	assert_int_equal(bpfe_map_set_program(map, ENTRIES, prog, 1), -E2BIG);
	assert_int_equal(bpfe_map_set_program(map, ENTRIES, NULL, 0), -E2BIG);
	assert_int_equal(bpfe_map_set_program(map, 0, NULL, 0), -ENOENT);
	assert_int_equal(bpfe_map_delete(map, &first), -ENOENT);
	assert_int_equal(bpfe_map_delete(map, &beyond), -E2BIG);
	assert_int_equal(bpfe_map_lookup_copy(map, &beyond, &value), -ENOENT);
	assert_int_equal(bpfe_map_update(map, &first, &value, BPF_ANY), -EOPNOTSUPP);
	assert_int_equal(bpfe_map_get_next_key(map, NULL, &value), 0);
	assert_int_equal(value, 0);
	assert_int_equal(bpfe_map_get_next_key(map, &(uint32_t){3}, &value), -ENOENT);
	bpfe_rcu_read_lock();
	assert_null(bpfe_map_lookup(map, &first));
	bpfe_rcu_read_unlock();
	bpfe_map_put(hash);
	bpfe_map_put(map);
	bpfe_program_put(prog);
	bpfe_rcu_barrier();
}

/* The first program that is put in, or that refers to the array, says what the others must be. */
static void test_compatible(void **state)
{
	struct bpfe_map *map = array_new(NULL);
	const struct bpfe_map_binding binding = {1, map};
	struct bpfe_program *prog = LOAD(verdict_1, NULL, 0);
	struct bpfe_map *tc = array_new(NULL);
	struct bpfe_program_info info;
	struct load l;
	bool compiled;

	bpfe_program_info(prog, &info);
	compiled = info.engine == BPFE_ENGINE_JIT;
	assert_int_equal(bpfe_map_set_program(map, 0, prog, 1), 0);
	assert_int_equal(bpfe_prog_array_bind(map, BPF_PROG_TYPE_XDP, 0, compiled), 0);
	assert_int_equal(bpfe_prog_array_bind(map, BPF_PROG_TYPE_SCHED_CLS, 0, compiled), -EINVAL);
	assert_int_equal(bpfe_prog_array_bind(map, BPF_PROG_TYPE_XDP, 64, compiled), -EINVAL);
	assert_int_equal(bpfe_prog_array_bind(map, BPF_PROG_TYPE_XDP, 0, !compiled), -EINVAL);

	assert_int_equal(bpfe_prog_array_bind(tc, BPF_PROG_TYPE_SCHED_CLS, 0, compiled), 0);
	assert_int_equal(bpfe_map_set_program(tc, 0, prog, 1), -EINVAL);
	assert_int_equal(bpfe_map_count(tc), 0);
	load_init(&l, refers, COUNT(refers));
	l.attr.maps = &(struct bpfe_map_binding){1, tc};
	l.attr.n_maps = 1;
	load_refused(&l, -EINVAL, BPFE_BAD_MAP, 0,
		     "prog array '' is for programs of another type\n");
	load_init(&l, refers, COUNT(refers));
	l.attr.maps = &binding;
	l.attr.n_maps = 1;
	bpfe_program_put(load_ok(&l));

	bpfe_program_put(prog);
	bpfe_map_put(map);
	bpfe_map_put(tc);
	bpfe_rcu_barrier();
}

/* A slot keeps its program when its loader lets go; the array's end frees it. */
static void test_keeps_program(void **state)
{
	struct counting counting;
	struct bpfe_program *prog;
	struct bpfe_map *map;

	counting_init(&counting);
	map = array_new(&counting.alloc);
	prog = load_from(verdict_2, COUNT(verdict_2), NULL, &counting.alloc);
	assert_int_equal(bpfe_map_set_program(map, 2, prog, 1), 0);
	bpfe_program_put(prog);
	bpfe_rcu_barrier();
	assert_int_equal(verdict_at(map, 2), 2);
	bpfe_map_put(map);
	counting_check(&counting);
}

/* A program in the array it refers to: the last user's going ends both. */
static void test_cycle(void **state)
{
	struct counting counting;
	struct bpfe_program *prog;
	struct bpfe_map *map;

	counting_init(&counting);
	map = array_new(&counting.alloc);
	prog = load_from(refers, COUNT(refers), map, &counting.alloc);
	assert_int_equal(bpfe_map_set_program(map, 0, prog, 1), 0);
	bpfe_program_put(prog);
	bpfe_map_put(map);
	counting_check(&counting);
}

/* Two arrays whose programs refer to each other's. */
static void test_cycle_of_two(void **state)
{
	struct bpfe_program *progs[2];
	struct bpfe_map *maps[2];
	struct counting counting;

	counting_init(&counting);
	for (unsigned i = 0; i < 2; i++)
		maps[i] = array_new(&counting.alloc);
	for (unsigned i = 0; i < 2; i++)
		progs[i] = load_from(refers, COUNT(refers), maps[i], &counting.alloc);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(bpfe_map_set_program(maps[i], 0, progs[!i], 1), 0);
	for (unsigned i = 0; i < 2; i++) {
		bpfe_program_put(progs[i]);
		bpfe_map_put(maps[i]);
	}
	counting_check(&counting);
}

/* A program that stays attached finds its array empty, not freed; who gets the map uses it. */
static void test_unused(void **state)
{
	struct bpfe_program *prog, *other;
	struct counting counting;
	struct bpfe_map *map;

	counting_init(&counting);
	map = array_new(&counting.alloc);
	prog = load_from(refers, COUNT(refers), map, &counting.alloc);
	other = load_from(verdict_1, COUNT(verdict_1), NULL, &counting.alloc);
	assert_int_equal(bpfe_map_set_program(map, 0, other, 1), 0);
	bpfe_map_put(map);
	bpfe_rcu_barrier();
	assert_ptr_equal(bpfe_program_map(prog, 0), map);
	assert_int_equal(bpfe_map_count(map), 0);

	bpfe_map_get(map);
	assert_int_equal(bpfe_map_set_program(map, 0, other, 1), 0);
	bpfe_program_put(other);
	bpfe_program_put(prog);
	bpfe_rcu_barrier();
	assert_int_equal(verdict_at(map, 0), 1);
	bpfe_map_put(map);
	counting_check(&counting);
}

/* ---- Replacement under runs ---- */

enum {
	RUNNERS = 2,
	REPLACEMENTS = 2000
};

struct shared {
	struct bpfe_map *map;
	atomic_bool done;
	atomic_ulong bad;
};

static void *runner(void *opaque)
{
	struct shared *s = opaque;

	bpfe_thread_register();
	do {
		uint32_t verdict = verdict_at(s->map, 0);

		if (verdict != 1 && verdict != 2)
			atomic_fetch_add(&s->bad, 1);
	} while (!s->done);
	bpfe_thread_unregister();
	return NULL;
}

/* Every run finds one program or the other, whole, although each is freed once replaced. */
static void test_replace_under_runs(void **state)
{
	struct shared s = {.map = array_new(NULL)};
	pthread_t runners[RUNNERS];

	for (unsigned i = 0; i <= REPLACEMENTS; i++) {
		struct bpfe_program *prog =
			i % 2 ? LOAD(verdict_1, NULL, 0) : LOAD(verdict_2, NULL, 0);

		assert_int_equal(bpfe_map_set_program(s.map, 0, prog, i), 0);
		bpfe_program_put(prog);
		for (unsigned r = 0; i == 0 && r < RUNNERS; r++)
			assert_int_equal(pthread_create(&runners[r], NULL, runner, &s), 0);
	}
	s.done = true;
	for (unsigned r = 0; r < RUNNERS; r++)
		pthread_join(runners[r], NULL);
	assert_int_equal(s.bad, 0);
	assert_int_equal(bpfe_map_count(s.map), 1);
	bpfe_map_put(s.map);
	bpfe_rcu_barrier();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_compatible),
		cmocka_unit_test(test_keeps_program),
		cmocka_unit_test(test_cycle),
		cmocka_unit_test(test_cycle_of_two),
		cmocka_unit_test(test_unused),
		cmocka_unit_test(test_replace_under_runs),
	};

	return cmocka_run_group_tests_name("prog array", tests, group_setup, group_teardown);
}
