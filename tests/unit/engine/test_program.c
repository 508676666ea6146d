/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* program.c: loading, what is reported of a program, references, failing allocations. */
#include "harness.h"

static const struct bpf_insn simple[] = {MOV_K(0, 2), EXIT()};

/* Uses its map, its stack and a function. */
static const struct bpf_insn full[] = {
	CALL_LOCAL(1),
	EXIT(),
	ST(BPF_W, 10, -4, 0),
	MOV_X(2, 10),
	ALU64_K(BPF_ADD, 2, -4),
	LD_MAP_FD(1, 7),
	CALL(BPF_FUNC_map_lookup_elem),
	MOV_K(0, 1),
	EXIT(),
};

static void test_info(void **state)
{
	struct bpfe_map *map = map_new(BPF_MAP_TYPE_ARRAY, 4, 8, 1, NULL);
	struct bpfe_map_binding binding = {7, map};
	struct bpfe_program_info info, other;
	struct bpfe_program *prog;
	struct load l;

	load_init(&l, full, COUNT(full));
	l.attr.maps = &binding;
	l.attr.n_maps = 1;
	l.attr.name = "a_name_that_is_too_long";
	prog = load_ok(&l);
	bpfe_program_info(prog, &info);
	assert_string_equal(info.name, "a_name_that_is_");
	assert_int_equal(info.n_insns, COUNT(full));
	assert_int_equal(info.n_maps, 1);
	assert_int_equal(info.stack_bytes, 8);
	assert_true(info.insns_verified >= 8);
	assert_ptr_equal(bpfe_program_map(prog, 0), map);
	assert_null(bpfe_program_map(prog, 1));
	bpfe_program_put(prog);

	prog = LOAD(simple, NULL, 0);
	bpfe_program_info(prog, &other);
	assert_string_equal(other.name, "");
	assert_memory_not_equal(other.tag, info.tag, sizeof(info.tag));
	bpfe_program_put(prog);
	prog = LOAD(simple, NULL, BPFE_LOAD_CHECKED);
	bpfe_program_info(prog, &info);
	assert_memory_equal(other.tag, info.tag, sizeof(info.tag));
	bpfe_program_put(prog);
	bpfe_map_put(map);
}

/* What verification took is told of an accepted program, a refused one, and of none at all. */
static void test_stats(void **state)
{
	const struct bpf_insn refused[] = {
		ST(BPF_DW, 10, -16, 0),
		MOV_K(0, 2),
		MOV_X(0, 5), /* never written */
		EXIT(),
	};
	struct bpfe_verify_stats stats = {.states = 77};
	struct bpfe_program_info info;
	struct bpfe_program *prog;
	struct load l;

	load_init(&l, simple, COUNT(simple));
	l.attr.stats = &stats;
	prog = load_ok(&l);
	bpfe_program_info(prog, &info);
	assert_int_equal(stats.insns_processed, 2);
	assert_int_equal(stats.stack_bytes, 0);
	assert_int_equal(stats.states, info.states);
	assert_int_equal(stats.verify_ns, info.verify_ns);
	assert_int_equal(stats.peak_bytes, info.peak_bytes);
	assert_true(stats.peak_bytes > 0);
	bpfe_program_put(prog);

	load_init(&l, refused, COUNT(refused));
	l.attr.stats = &stats;
	assert_int_equal(bpfe_program_load(&l.attr, &prog, &l.log), -EACCES);
	assert_int_equal(stats.insns_processed, 3);
	assert_int_equal(stats.stack_bytes, 0);
	assert_true(stats.peak_bytes > 0);

	load_init(&l, refused, 0);
	l.attr.stats = &stats;
	assert_int_equal(bpfe_program_load(&l.attr, &prog, &l.log), -EINVAL);
	assert_int_equal(stats.insns_processed, 0);
	assert_int_equal(stats.peak_bytes, 0);
}

static void test_bad_flags(void **state)
{
	struct load l;

	load_init(&l, simple, COUNT(simple));
	l.attr.flags = BPFE_LOAD_CHECKED | 24;
	load_refused(&l, -EINVAL, BPFE_BAD_ENCODING, 0, "unknown load flags 0x18\n");
	/* A guest's program is always verified. */
	load_init(&l, simple, COUNT(simple));
	l.attr.flags = BPFE_LOAD_CHECKED | BPFE_LOAD_UNVERIFIED;
	load_refused(&l, -EINVAL, BPFE_BAD_ENCODING, 0,
		     "only programs over plain memory can be run unverified, and checked\n");
	load_init(&l, simple, COUNT(simple));
	l.attr.type = BPFE_PROG_MEM;
	l.attr.flags = BPFE_LOAD_UNVERIFIED;
	load_refused(&l, -EINVAL, BPFE_BAD_ENCODING, 0,
		     "only programs over plain memory can be run unverified, and checked\n");
}

static void test_types(void **state)
{
	struct load l;

	load_init(&l, simple, COUNT(simple));
	l.attr.type = BPF_PROG_TYPE_KPROBE;
	load_refused(&l, -EINVAL, BPFE_BAD_ENCODING, 0,
		     "program type 2 is neither XDP (6) nor tc (3)\n");
	load_init(&l, simple, COUNT(simple));
	l.attr.type = BPFE_PROG_MEM;
	l.attr.mem_size = (1u << 20) + 1;
	load_refused(&l, -EINVAL, BPFE_BAD_MEMORY, 0,
		     "memory of 1048577 bytes, at most 1048576 are allowed\n");
}

static void test_cancelled(void **state)
{
	atomic_bool cancel = true;
	struct load l;

	load_init(&l, simple, COUNT(simple));
	l.attr.cancel = &cancel;
	load_refused(&l, -ECANCELED, BPFE_CANCELLED, 0, "the load was cancelled\n");
	cancel = false;
	load_init(&l, simple, COUNT(simple));
	l.attr.cancel = &cancel;
	bpfe_program_put(load_ok(&l));
}

static void test_without_log(void **state)
{
	const struct bpf_insn bad[] = {INSN(0xff, 0, 0, 0, 0), EXIT()};
	struct bpfe_program *prog = NULL;
	struct load l;

	load_init(&l, bad, COUNT(bad));
	assert_int_equal(bpfe_program_load(&l.attr, &prog, NULL), -EINVAL);
	assert_null(prog);
}

/* The program is a copy: what the caller does to its buffer later changes nothing. */
static void test_instructions_are_copied(void **state)
{
	struct bpf_insn insns[] = {MOV_K(0, 2), EXIT()};
	struct bpfe_program *prog = LOAD(insns, NULL, 0);

	insns[0].imm = 3;
	assert_int_equal(run_value(prog), 2);
	bpfe_program_put(prog);
}

/* A program keeps its maps, and a run under way keeps its program. */
static void test_references(void **state)
{
	struct bpfe_program *prog;
	struct counting counting;
	struct bpfe_map *map;
	struct load l;
	struct frame f;

	counting_init(&counting);
	map = map_new(BPF_MAP_TYPE_ARRAY, 4, 8, 1, &counting.alloc);
	load_init(&l, full, COUNT(full));
	l.attr.maps = &(struct bpfe_map_binding){7, map};
	l.attr.n_maps = 1;
	l.attr.alloc = &counting.alloc;
	prog = load_ok(&l);
	bpfe_map_put(map);
	bpfe_rcu_barrier();
	assert_int_equal(run_value(prog), 1);
	assert_ptr_equal(bpfe_program_get(prog), prog);
	bpfe_program_put(prog);
	bpfe_rcu_barrier();
	assert_int_equal(run_value(prog), 1);
	frame_init(&f);
	bpfe_rcu_read_lock();
	bpfe_program_put(prog);
	assert_int_equal(bpfe_run(prog, &f.xdp).retval, 1);
	bpfe_rcu_read_unlock();
	bpfe_program_put(NULL);
	counting_check(&counting);
}

static void test_allocator_refuses(void **state)
{
	struct bpfe_program *prog = NULL;
	struct counting counting;
	struct bpfe_map *map;
	int err = -ENOMEM;
	long n = 0;

	counting_init(&counting);
	map = map_new(BPF_MAP_TYPE_ARRAY, 4, 8, 1, &counting.alloc);
	for (;; n++) {
		const long before = counting.blocks;
		struct load l;

		load_init(&l, full, COUNT(full));
		l.attr.maps = &(struct bpfe_map_binding){7, map};
		l.attr.n_maps = 1;
		l.attr.alloc = &counting.alloc;
		counting.calls = 0;
		counting.fail_at = n;
		err = bpfe_program_load(&l.attr, &prog, &l.log);
		if (!err)
			break;
		assert_int_equal(err, -ENOMEM);
		assert_int_equal(l.log.reason, BPFE_NO_MEMORY);
		bpfe_rcu_barrier();
		assert_int_equal(counting.blocks, before);
	}
	/* Every allocation of a load was refused once, and there was one at least. */
	assert_true(n > 0);
	assert_int_equal(n, counting.calls);
	assert_int_equal(run_value(prog), 1);
	bpfe_program_put(prog);
	bpfe_map_put(map);
	counting_check(&counting);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_info),
		cmocka_unit_test(test_stats),
		cmocka_unit_test(test_bad_flags),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_cancelled),
		cmocka_unit_test(test_without_log),
		cmocka_unit_test(test_instructions_are_copied),
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_allocator_refuses),
	};

	return cmocka_run_group_tests_name("program", tests, group_setup, group_teardown);
}
