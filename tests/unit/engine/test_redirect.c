/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* maps/redirect.c and helpers/redirect.c: verdicts and targets, from programs. */
#include "harness.h"
#include "maps/targets.h"

/* bpf_redirect(@ifindex, @flags) */
static struct bpfe_result redirect(uint32_t ifindex, uint64_t flags, uint32_t load_flags)
{
	const struct bpf_insn insns[] = {
		LD64(1, ifindex),
		LD64(2, flags),
		CALL(BPF_FUNC_redirect),
		EXIT(),
	};
	struct bpfe_program *prog = LOAD(insns, NULL, load_flags);
	struct bpfe_result result;
	struct frame f;

	frame_init(&f);
	result = run(prog, &f);
	bpfe_program_put(prog);
	return result;
}

/* bpf_redirect_map(@map, @key, @flags) */
static struct bpfe_result redirect_map(struct bpfe_map *map, uint64_t key, uint64_t flags,
				       uint32_t load_flags)
{
	const struct bpf_insn insns[] = {
		LD_MAP_IDX(1, 0), LD64(2, key), LD64(3, flags), CALL(BPF_FUNC_redirect_map), EXIT(),
	};
	struct bpfe_program *prog = LOAD(insns, map, load_flags);
	struct bpfe_result result;
	struct frame f;

	frame_init(&f);
	result = run(prog, &f);
	bpfe_program_put(prog);
	return result;
}

static void expect(struct bpfe_result result, uint32_t verdict, uint32_t kind, uint32_t index)
{
	assert_int_equal(result.abort, BPFE_ABORT_NONE);
	assert_int_equal(result.r0, verdict);
	assert_int_equal(result.redirect.kind, kind);
	assert_int_equal(result.redirect.index, index);
}

static void set(struct bpfe_map *map, uint32_t key, uint32_t value)
{
	const struct bpfe_target target = {.first = value};

	assert_int_equal(bpfe_map_update(map, &key, &target, BPF_ANY), 0);
}

static const uint32_t loads[] = {0, BPFE_LOAD_CHECKED};

static void test_redirect(void **state)
{
	for (size_t i = 0; i < COUNT(loads); i++) {
		expect(redirect(5, 0, loads[i]), XDP_REDIRECT, BPFE_REDIRECT_PORT, 5);
		expect(redirect(5, 1, loads[i]), XDP_ABORTED, BPFE_REDIRECT_NONE, 0);
		expect(redirect(5, BPF_F_BROADCAST, loads[i]), XDP_ABORTED, BPFE_REDIRECT_NONE, 0);
	}
	bpfe_rcu_barrier();
}

/* The verdict says whether the target counts; the last helper's does. */
static void test_verdict(void **state)
{
	static const struct bpf_insn otherwise[] = {
		MOV_K(1, 5), MOV_K(2, 0), CALL(BPF_FUNC_redirect), MOV_K(0, XDP_PASS), EXIT(),
	};
	static const struct bpf_insn without[] = {MOV_K(0, XDP_REDIRECT), EXIT()};
	static const struct bpf_insn twice[] = {
		MOV_K(1, 5), MOV_K(2, 0), CALL(BPF_FUNC_redirect),
		MOV_K(1, 6), MOV_K(2, 0), CALL(BPF_FUNC_redirect),
		EXIT(),
	};
	struct bpfe_program *progs[] = {LOAD(otherwise, NULL, 0), LOAD(without, NULL, 0),
					LOAD(twice, NULL, 0)};
	struct frame f;

	frame_init(&f);
	expect(run(progs[0], &f), XDP_PASS, BPFE_REDIRECT_NONE, 0);
	expect(run(progs[1], &f), XDP_REDIRECT, BPFE_REDIRECT_NONE, 0);
	expect(run(progs[2], &f), XDP_REDIRECT, BPFE_REDIRECT_PORT, 6);
	for (size_t i = 0; i < COUNT(progs); i++)
		bpfe_program_put(progs[i]);
	bpfe_rcu_barrier();
}

static void test_maps(void **state)
{
	static const struct {
		uint32_t type, value, kind, index;
	} cases[] = {
		{BPF_MAP_TYPE_DEVMAP, 9, BPFE_REDIRECT_PORT, 9},
		{BPF_MAP_TYPE_DEVMAP_HASH, 9, BPFE_REDIRECT_PORT, 9},
		{BPF_MAP_TYPE_CPUMAP, 192, BPFE_REDIRECT_QUEUE, 2},
		{BPF_MAP_TYPE_XSKMAP, 77, BPFE_REDIRECT_XSK, 2},
	};

	for (size_t i = 0; i < COUNT(cases) * COUNT(loads); i++) {
		struct bpfe_map *map = map_new(cases[i / 2].type, 4, 4, 4, NULL);
		uint32_t kind = cases[i / 2].kind, flags = loads[i % 2];

		set(map, 2, cases[i / 2].value);
		expect(redirect_map(map, 2, 0, flags), XDP_REDIRECT, kind, cases[i / 2].index);
		expect(redirect_map(map, 2, XDP_DROP, flags), XDP_REDIRECT, kind,
		       cases[i / 2].index);
		/* Of the key, 32 bits count. */
		expect(redirect_map(map, 7ull << 32 | 2, 0, flags), XDP_REDIRECT, kind,
		       cases[i / 2].index);
		/* Nothing there: the verdict that the flags give. */
		expect(redirect_map(map, 1, 0, flags), XDP_ABORTED, 0, 0);
		expect(redirect_map(map, 1, XDP_DROP, flags), XDP_DROP, 0, 0);
		expect(redirect_map(map, 99, XDP_PASS, flags), XDP_PASS, 0, 0);
		expect(redirect_map(map, 99, XDP_TX, flags), XDP_TX, 0, 0);
		/* Not a verdict that can be asked for. */
		expect(redirect_map(map, 2, XDP_REDIRECT, flags), XDP_ABORTED, 0, 0);
		bpfe_map_put(map);
	}
	bpfe_rcu_barrier();
}

struct visited {
	uint32_t n, sum;
};

static void visit(void *opaque, uint32_t ifindex)
{
	struct visited *v = opaque;

	v->n++;
	v->sum += ifindex;
}

static struct visited each(const struct bpfe_redirect *redirect, uint32_t ingress)
{
	struct visited v = {0};

	bpfe_rcu_read_lock();
	bpfe_redirect_each(redirect, ingress, visit, &v);
	bpfe_rcu_read_unlock();
	return v;
}

static void test_broadcast(void **state)
{
	const uint32_t types[] = {BPF_MAP_TYPE_DEVMAP, BPF_MAP_TYPE_DEVMAP_HASH};

	for (size_t i = 0; i < COUNT(types); i++) {
		struct bpfe_map *map = map_new(types[i], 4, 4, 8, NULL);
		struct bpfe_result result;
		struct visited v;

		/* To nobody, too. */
		result = redirect_map(map, 0, BPF_F_BROADCAST, 0);
		expect(result, XDP_REDIRECT, BPFE_REDIRECT_BROADCAST, 0);
		assert_int_equal(each(&result.redirect, 1).n, 0);

		set(map, 0, 10);
		set(map, 3, 20);
		set(map, 7, 10);
		result = redirect_map(map, 5, BPF_F_BROADCAST, 0);
		expect(result, XDP_REDIRECT, BPFE_REDIRECT_BROADCAST, 0);
		assert_ptr_equal(result.redirect.map, map);
		v = each(&result.redirect, 10);
		assert_int_equal(v.n, 3);
		assert_int_equal(v.sum, 40);
		result = redirect_map(map, 0, BPF_F_BROADCAST | BPF_F_EXCLUDE_INGRESS, 0);
		v = each(&result.redirect, 10);
		assert_int_equal(v.n, 1);
		assert_int_equal(v.sum, 20);
		/* Alone it says nothing. */
		expect(redirect_map(map, 3, BPF_F_EXCLUDE_INGRESS, 0), XDP_REDIRECT,
		       BPFE_REDIRECT_PORT, 20);
		bpfe_map_put(map);
	}
	bpfe_rcu_barrier();
}

/* Ports and nothing else. */
static void test_no_broadcast(void **state)
{
	const uint32_t types[] = {BPF_MAP_TYPE_CPUMAP, BPF_MAP_TYPE_XSKMAP};

	for (size_t i = 0; i < COUNT(types); i++) {
		struct bpfe_map *map = map_new(types[i], 4, 4, 8, NULL);

		set(map, 0, 10);
		expect(redirect_map(map, 0, BPF_F_BROADCAST, 0), XDP_ABORTED, 0, 0);
		expect(redirect_map(map, 0, BPF_F_EXCLUDE_INGRESS, 0), XDP_ABORTED, 0, 0);
		bpfe_map_put(map);
	}
	bpfe_rcu_barrier();
}

/* A look-up gives the value, to read and not to write. */
static void test_lookup(void **state)
{
	const struct bpf_insn reads[] = {
		ST(BPF_W, 10, -4, 2),
		MOV_X(2, 10),
		ALU64_K(BPF_ADD, 2, -4),
		LD_MAP_IDX(1, 0),
		CALL(BPF_FUNC_map_lookup_elem),
		JMP_K(BPF_JEQ, 0, 0, 1),
		LDX(BPF_W, 0, 0, 0),
		EXIT(),
	};
	struct bpf_insn writes[COUNT(reads)];
	const uint32_t types[] = {BPF_MAP_TYPE_DEVMAP, BPF_MAP_TYPE_DEVMAP_HASH,
				  BPF_MAP_TYPE_XSKMAP};

	memcpy(writes, reads, sizeof(reads));
	writes[7] = ST(BPF_W, 0, 0, 1);
	for (size_t i = 0; i < COUNT(types) * COUNT(loads); i++) {
		struct bpfe_map *map = map_new(types[i / 2], 4, 4, 8, NULL);
		struct bpfe_program *prog = LOAD(reads, map, loads[i % 2]);
		struct bpfe_program *none = NULL;
		struct load l;

		assert_int_equal(run_value(prog), 0);
		set(map, 2, 2);
		assert_int_equal(run_value(prog), 2);
		bpfe_program_put(prog);
		load_init(&l, writes, COUNT(writes));
		l.attr.maps = &(struct bpfe_map_binding){1, map};
		l.attr.n_maps = 1;
		assert_int_equal(bpfe_program_load(&l.attr, &none, &l.log), -EACCES);
		assert_int_equal(l.log.insn, 7);
		bpfe_map_put(map);
	}
	bpfe_rcu_barrier();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_redirect),     cmocka_unit_test(test_verdict),
		cmocka_unit_test(test_maps),         cmocka_unit_test(test_broadcast),
		cmocka_unit_test(test_no_broadcast), cmocka_unit_test(test_lookup),
	};

	return cmocka_run_group_tests_name("redirect", tests, group_setup, group_teardown);
}
