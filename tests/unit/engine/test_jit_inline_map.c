/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* jit/inline_map.c, inline_null.c: maps in compiled code. */
#include "both_engines.h"

#define BOTH(program, how, ...) \
	both(&(struct both){.insns = (program), .n = COUNT(program), .calls = (how), __VA_ARGS__})

enum {
	ENTRIES = 11,
};

static struct bpfe_map *create(uint32_t type, uint32_t key, uint32_t value, uint32_t cpus)
{
	const struct bpfe_map_attr attr = {
		.type = type,
		.key_size = key,
		.value_size = value,
		.max_entries = ENTRIES,
		.cpus = cpus,
		.flags = type == BPF_MAP_TYPE_LPM_TRIE ? BPF_F_NO_PREALLOC : 0};
	struct bpfe_map *map = NULL;

	assert_int_equal(bpfe_map_create(&attr, NULL, &map, NULL), 0);
	return map;
}

/* The value of key k begins with 100 + k; on processor p with 100 + k + 1000 * p. */
static void fill_arrays(struct bpfe_map *map)
{
	const size_t stride = (bpfe_map_attr(map)->value_size + 7u) & ~7u;
	uint8_t value[1024];

	for (uint32_t k = 0; k < ENTRIES; k++) {
		memset(value, 0, sizeof(value));
		for (size_t at = 0, cpu = 0; at < bpfe_map_value_bytes(map); at += stride, cpu++) {
			uint32_t word = (uint32_t)(100 + k + 1000 * cpu);

			memcpy(value + at, &word, sizeof(word));
		}
		assert_int_equal(bpfe_map_update(map, &k, value, BPF_ANY), 0);
	}
}

static struct bpfe_map *filled(uint32_t type, uint32_t value, uint32_t cpus)
{
	struct bpfe_map *map = create(type, 4, value, cpus);

	fill_arrays(map);
	return map;
}

static struct bpfe_map *array_4(void)
{
	return filled(BPF_MAP_TYPE_ARRAY, 4, 0);
}

static struct bpfe_map *array_24(void)
{
	return filled(BPF_MAP_TYPE_ARRAY, 24, 0);
}

static struct bpfe_map *array_64(void)
{
	return filled(BPF_MAP_TYPE_ARRAY, 64, 0);
}

static struct bpfe_map *percpu_8(void)
{
	return filled(BPF_MAP_TYPE_PERCPU_ARRAY, 8, 8);
}

static struct bpfe_map *percpu_3(void)
{
	return filled(BPF_MAP_TYPE_PERCPU_ARRAY, 40, 3);
}

static struct bpfe_map *percpu_1(void)
{
	return filled(BPF_MAP_TYPE_PERCPU_ARRAY, 4, 1);
}

static struct bpfe_map *(*const arrays[])(void) = {array_4,  array_24, array_64,
						   percpu_8, percpu_3, percpu_1};

static const uint32_t keys[] = {0,           1,          ENTRIES - 1, ENTRIES,
				ENTRIES + 1, 0x7fffffff, 0x80000000,  0xffffffff};

static const uint32_t queues[] = {0, 1, 2, 3, 7, 8, 0x80000022, 0xffffffff};

struct setting {
	uint32_t key; /* in the frame's first bytes */
	uint32_t queue;
};

static void set_frame(struct frame *f, const void *opaque)
{
	const struct setting *setting = opaque;

	memcpy(f->xdp.data, &setting->key, sizeof(setting->key));
	f->xdp.rx_queue_index = setting->queue;
}

static uint64_t expected(struct bpfe_map *(*make)(void), const struct setting *setting)
{
	struct bpfe_map *map = make();
	uint32_t cpus = bpfe_map_attr(map)->cpus;
	bool per_cpu = bpfe_map_attr(map)->type == BPF_MAP_TYPE_PERCPU_ARRAY;

	bpfe_map_put(map);
	if (setting->key >= ENTRIES)
		return 77;
	return 100 + setting->key + (per_cpu ? 1000 * (setting->queue % cpus) : 0);
}

/* Run @insns with all arrays on all queues; with each key, or the one that @key is. */
static void check_arrays(const struct bpf_insn *insns, size_t n, enum calls calls,
			 const uint32_t *key)
{
	for (size_t a = 0; a < COUNT(arrays); a++) {
		for (size_t k = 0; k < (key ? 1 : COUNT(keys)); k++) {
			for (size_t q = 0; q < COUNT(queues); q++) {
				struct setting setting = {key ? *key : keys[k], queues[q]};
				uint64_t r0 = both(&(struct both){.insns = insns,
								  .n = n,
								  .calls = calls,
								  .map = arrays[a],
								  .frame = set_frame,
								  .opaque = &setting});

				assert_int_equal(r0, expected(arrays[a], &setting));
			}
		}
	}
}

/* ---- Arrays --------------------------------------------------------------------------------- */

#define LOOK_UP_ON_STACK \
	MOV_X(2, 10), ALU64_K(BPF_ADD, 2, -4), LD_MAP_IDX(1, 0), CALL(BPF_FUNC_map_lookup_elem)

#define NOT_FOUND MOV_K(0, 77), EXIT()

static void test_constant_key(void **state)
{
	for (size_t k = 0; k < COUNT(keys); k++) {
		const struct bpf_insn stored[] = {
			ST(BPF_W, 10, -4, keys[k]), LOOK_UP_ON_STACK, JMP_K(BPF_JEQ, 0, 0, 2),
			LDX(BPF_W, 0, 0, 0),        EXIT(),           NOT_FOUND,
		};
		const struct bpf_insn by_register[] = {
			MOV_K(6, keys[k]),
			STX(BPF_W, 10, -4, 6),
			MOV_K(6, 3),
			LOOK_UP_ON_STACK,
			JMP_K(BPF_JNE, 0, 0, 2),
			NOT_FOUND,
			LDX(BPF_W, 0, 0, 0),
			EXIT(),
		};

		check_arrays(stored, COUNT(stored), CALLS_NOTHING, &keys[k]);
		check_arrays(by_register, COUNT(by_register), CALLS_NOTHING, &keys[k]);
	}
}

/* The key is loaded from the frame and handed over on the stack; what follows differs. */
#define LOAD_KEY NEED_PACKET(14, 1), JA(1), EXIT(), LDX(BPF_W, 6, 2, 0)

static void test_tested_for_null(void **state)
{
	const struct bpf_insn insns[] = {
		LOAD_KEY,
		STX(BPF_W, 10, -4, 6),
		LOOK_UP_ON_STACK,
		JMP_K(BPF_JEQ, 0, 0, 2),
		LDX(BPF_W, 0, 0, 0),
		EXIT(),
		NOT_FOUND,
	};

	check_arrays(insns, COUNT(insns), CALLS_NOTHING, NULL);
}

static void test_tested_for_value(void **state)
{
	const struct bpf_insn insns[] = {
		LOAD_KEY,  STX(BPF_W, 10, -4, 6), LOOK_UP_ON_STACK, JMP_K(BPF_JNE, 0, 0, 2),
		NOT_FOUND, LDX(BPF_W, 0, 0, 0),   EXIT(),
	};

	check_arrays(insns, COUNT(insns), CALLS_NOTHING, NULL);
}

/* r0 is read where it is NULL. */
static void test_null_is_zero(void **state)
{
	const struct bpf_insn insns[] = {
		LOAD_KEY,
		STX(BPF_W, 10, -4, 6),
		LOOK_UP_ON_STACK,
		JMP_K(BPF_JEQ, 0, 0, 2),
		LDX(BPF_W, 0, 0, 0),
		EXIT(),
		ALU64_K(BPF_ADD, 0, 77),
		EXIT(),
	};

	check_arrays(insns, COUNT(insns), CALLS_NOTHING, NULL);
}

/* The result is put by first, so that the test is another instruction's business. */
static void test_not_tested_at_once(void **state)
{
	const struct bpf_insn insns[] = {
		LOAD_KEY,     STX(BPF_W, 10, -4, 6),   LOOK_UP_ON_STACK,    MOV_X(7, 0),
		MOV_K(0, 77), JMP_K(BPF_JEQ, 7, 0, 1), LDX(BPF_W, 0, 7, 0), EXIT(),
	};

	check_arrays(insns, COUNT(insns), CALLS_NOTHING, NULL);
}

/* What is between must be done whether or not there is a value: once, and counted once. */
static void test_others_between(void **state)
{
	const struct bpf_insn for_null[] = {
		LOAD_KEY,
		MOV_X(1, 6),
		STX(BPF_W, 10, -4, 1),
		MOV_K(8, 1),
		LOOK_UP_ON_STACK,
		MOV_X(7, 0),
		ALU64_K(BPF_ADD, 8, 2),
		LD64(1, 0x123456789),
		ALU64_X(BPF_XOR, 8, 1),
		STX(BPF_DW, 10, -16, 8),
		JMP_K(BPF_JEQ, 7, 0, 5),
		LDX(BPF_DW, 1, 10, -16),
		LDX(BPF_W, 0, 7, 0),
		JMP_X(BPF_JEQ, 1, 8, 1),
		MOV_K(0, 1),
		EXIT(),
		LDX(BPF_DW, 0, 10, -16),
		ALU64_K(BPF_XOR, 0, 3 ^ 77),
		LD64(1, 0x123456789),
		ALU64_X(BPF_XOR, 0, 1),
		EXIT(),
	};
	const struct bpf_insn for_value[] = {
		LOAD_KEY,
		STX(BPF_W, 10, -4, 6),
		MOV_K(8, 1),
		LOOK_UP_ON_STACK,
		ALU64_K(BPF_ADD, 8, 2),
		JMP_K(BPF_JNE, 0, 0, 3),
		ALU64_K(BPF_ADD, 8, 74),
		MOV_X(0, 8),
		EXIT(),
		LDX(BPF_W, 0, 0, 0),
		JMP_K(BPF_JEQ, 8, 3, 1),
		MOV_K(0, 1),
		EXIT(),
	};

	check_arrays(for_null, COUNT(for_null), CALLS_NOTHING, NULL);
	check_arrays(for_value, COUNT(for_value), CALLS_NOTHING, NULL);
}

/* The register tested had the result and has something else by then. */
static void test_other_tested(void **state)
{
	const struct bpf_insn insns[] = {
		LOAD_KEY,
		STX(BPF_W, 10, -4, 6),
		LOOK_UP_ON_STACK,
		MOV_X(7, 0),
		MOV_X(0, 6),
		JMP_K(BPF_JEQ, 0, 0, 4),
		JMP_K(BPF_JEQ, 7, 0, 1),
		LDX(BPF_W, 6, 7, 0),
		MOV_X(0, 6),
		EXIT(),
		MOV_K(0, 9),
		EXIT(),
	};

	for (size_t k = 0; k < COUNT(keys); k++) {
		const struct setting setting = {keys[k], 0};

		assert_int_equal(BOTH(insns, CALLS_NOTHING, .map = array_24, .frame = set_frame,
				      .opaque = &setting),
				 !keys[k]            ? 9
				 : keys[k] < ENTRIES ? 100 + keys[k]
						     : keys[k]);
	}
}

/* Another way leads to the test, too: with NULL, whatever the key is. */
static void test_test_of_two_ways(void **state)
{
	const struct bpf_insn insns[] = {
		LOAD_KEY,
		STX(BPF_W, 10, -4, 6),
		MOV_K(0, 0),
		JMP_K(BPF_JGT, 6, 0x7fffffff, 5),
		LOOK_UP_ON_STACK,
		JMP_K(BPF_JEQ, 0, 0, 2),
		LDX(BPF_W, 0, 0, 0),
		EXIT(),
		NOT_FOUND,
	};

	check_arrays(insns, COUNT(insns), CALLS_NOTHING, NULL);
}

/* The key lies in the frame itself, and is what another store left on the stack. */
static void test_key_elsewhere(void **state)
{
	const struct bpf_insn in_frame[] = {
		NEED_PACKET(14, 1),
		JA(1),
		EXIT(),
		LD_MAP_IDX(1, 0),
		CALL(BPF_FUNC_map_lookup_elem),
		JMP_K(BPF_JEQ, 0, 0, 2),
		LDX(BPF_W, 0, 0, 0),
		EXIT(),
		NOT_FOUND,
	};
	const struct bpf_insn wider[] = {
		LOAD_KEY,
		ALU64_K(BPF_LSH, 6, 32),
		STX(BPF_DW, 10, -8, 6),
		LOOK_UP_ON_STACK,
		JMP_K(BPF_JEQ, 0, 0, 2),
		LDX(BPF_W, 0, 0, 0),
		EXIT(),
		NOT_FOUND,
	};
	const struct bpf_insn overwritten[] = {
		LOAD_KEY,
		STX(BPF_W, 10, -4, 6),
		MOV_X(2, 10),
		ALU64_K(BPF_ADD, 2, -4),
		ST(BPF_H, 2, 2, 0), /* by way of a pointer: the upper half */
		LD_MAP_IDX(1, 0),
		CALL(BPF_FUNC_map_lookup_elem),
		JMP_K(BPF_JEQ, 0, 0, 2),
		LDX(BPF_W, 0, 0, 0),
		EXIT(),
		NOT_FOUND,
	};
	const struct setting setting = {0x50000 + 5, 0};

	check_arrays(in_frame, COUNT(in_frame), CALLS_NOTHING, NULL);
	check_arrays(wider, COUNT(wider), CALLS_NOTHING, NULL);
	assert_int_equal(BOTH(overwritten, CALLS_NOTHING, .map = array_24, .frame = set_frame,
			      .opaque = &setting),
			 105);
}

/* The register that the key came from has another value by then. */
static void test_key_register_reused(void **state)
{
	const struct bpf_insn insns[] = {
		LOAD_KEY,
		STX(BPF_W, 10, -4, 6),
		ALU64_K(BPF_ADD, 6, 1),
		LOOK_UP_ON_STACK,
		JMP_K(BPF_JEQ, 0, 0, 2),
		LDX(BPF_W, 0, 0, 0),
		EXIT(),
		NOT_FOUND,
	};

	check_arrays(insns, COUNT(insns), CALLS_NOTHING, NULL);
}

/* ---- Other types ---------------------------------------------------------------------------- */

#define OTHER(name, type, key_size, cpus)               \
	static struct bpfe_map *name(void)              \
	{                                               \
		return create(type, key_size, 8, cpus); \
	}

OTHER(hash, BPF_MAP_TYPE_HASH, 4, 0)
OTHER(hash_16, BPF_MAP_TYPE_HASH, 16, 0)
OTHER(hash_40, BPF_MAP_TYPE_HASH, 40, 0)
OTHER(lru, BPF_MAP_TYPE_LRU_HASH, 16, 0)
OTHER(percpu_hash, BPF_MAP_TYPE_PERCPU_HASH, 16, 4)
OTHER(lru_percpu, BPF_MAP_TYPE_LRU_PERCPU_HASH, 8, 4)
OTHER(lpm, BPF_MAP_TYPE_LPM_TRIE, 8, 0)
OTHER(lpm_16, BPF_MAP_TYPE_LPM_TRIE, 20, 0)
OTHER(array_8, BPF_MAP_TYPE_ARRAY, 4, 0)
OTHER(percpu_array, BPF_MAP_TYPE_PERCPU_ARRAY, 4, 4)

static struct bpfe_map *(*const others[])(void) = {
	hash, hash_16, hash_40, lru, percpu_hash, lru_percpu, lpm, lpm_16, array_8, percpu_array};

/* 40 bytes at r10 - 40: 8, and zeros. The value at r10 - 48. */
#define KEY_ON_STACK                                                            \
	ST(BPF_DW, 10, -40, 8), ST(BPF_DW, 10, -32, 0), ST(BPF_DW, 10, -24, 0), \
		ST(BPF_DW, 10, -16, 0), ST(BPF_DW, 10, -8, 0), ST(BPF_DW, 10, -48, 5)
#define KEY_POINTER MOV_X(2, 10), ALU64_K(BPF_ADD, 2, -40), LD_MAP_IDX(1, 0)
#define UPDATE(flags)                                                         \
	KEY_POINTER, MOV_X(3, 10), ALU64_K(BPF_ADD, 3, -48), MOV_K(4, flags), \
		CALL(BPF_FUNC_map_update_elem)

/* What each operation says, digits of one number. */
static void test_operations(void **state)
{
	const struct bpf_insn insns[] = {
		KEY_ON_STACK,
		UPDATE(BPF_EXIST),
		MOV_X(6, 0),
		UPDATE(BPF_NOEXIST),
		ALU64_K(BPF_MUL, 6, 1000),
		ALU64_X(BPF_ADD, 6, 0),
		UPDATE(BPF_ANY),
		ALU64_K(BPF_MUL, 6, 1000),
		ALU64_X(BPF_ADD, 6, 0),
		KEY_POINTER,
		CALL(BPF_FUNC_map_lookup_elem),
		JMP_K(BPF_JEQ, 0, 0, 2),
		LDX(BPF_DW, 7, 0, 0),
		ALU64_X(BPF_ADD, 6, 7),
		KEY_POINTER,
		CALL(BPF_FUNC_map_delete_elem),
		ALU64_K(BPF_MUL, 6, 1000),
		ALU64_X(BPF_ADD, 6, 0),
		KEY_POINTER,
		CALL(BPF_FUNC_map_lookup_elem),
		JMP_K(BPF_JEQ, 0, 0, 1),
		ALU64_K(BPF_ADD, 6, 1),
		MOV_X(0, 6),
		EXIT(),
	};

	for (size_t i = 0; i < COUNT(others); i++) {
		for (size_t q = 0; q < COUNT(queues); q++) {
			struct setting setting = {0, queues[q]};
			bool is_array = i >= COUNT(others) - 2;
			int64_t r0 = (int64_t)BOTH(insns, CALLS_DIRECT, .map = others[i],
						   .frame = set_frame, .opaque = &setting);
			int64_t first = is_array ? 0 : -ENOENT, second = is_array ? -EEXIST : 0;

			assert_int_equal(r0, ((first * 1000 + second) * 1000 + 5) * 1000 +
						     (is_array ? -EINVAL + 1 : 0));
		}
	}
}

/* A flag that is not known before the program runs, sign-extended errors. */
static void test_update_refused(void **state)
{
	const struct bpf_insn insns[] = {
		LDX(BPF_W, 7, 1, 16),
		KEY_ON_STACK,
		KEY_POINTER,
		MOV_X(3, 10),
		ALU64_K(BPF_ADD, 3, -48),
		MOV_X(4, 7),
		CALL(BPF_FUNC_map_update_elem),
		EXIT(),
	};
	const struct setting setting = {0, 9};

	for (size_t i = 0; i < COUNT(others); i++)
		assert_int_equal((int64_t)BOTH(insns, CALLS_DIRECT, .map = others[i],
					       .frame = set_frame, .opaque = &setting),
				 -EINVAL);
}

static struct bpfe_map *queue(void)
{
	return create(BPF_MAP_TYPE_QUEUE, 0, 8, 0);
}

/* What a type cannot do is left to the helper to say. */
static void test_not_there(void **state)
{
	const struct bpf_insn insns[] = {
		ST(BPF_DW, 10, -8, 3),
		MOV_X(2, 10),
		ALU64_K(BPF_ADD, 2, -8),
		MOV_K(3, 0),
		LD_MAP_IDX(1, 0),
		CALL(BPF_FUNC_map_push_elem),
		EXIT(),
	};

	assert_int_equal(BOTH(insns, CALLS_HELPER, .map = queue), 0);
}

/* ---- Redirection ---------------------------------------------------------------------------- */

static struct bpfe_map *devmap(void)
{
	struct bpfe_map *map = create(BPF_MAP_TYPE_DEVMAP, 4, 4, 0);
	const uint32_t key = 3, ifindex = 42;

	assert_int_equal(bpfe_map_update(map, &key, &ifindex, BPF_ANY), 0);
	return map;
}

static void test_redirect_map(void **state)
{
	static const int32_t flags[] = {0, XDP_PASS, 4, BPF_F_BROADCAST};

	for (size_t i = 0; i < COUNT(flags); i++) {
		for (int32_t key = 2; key < 5; key++) {
			const struct bpf_insn insns[] = {
				LD64(2, 0xffffffff00000000 + (uint32_t)key),
				LD_MAP_IDX(1, 0),
				MOV_K(3, flags[i]),
				CALL(BPF_FUNC_redirect_map),
				EXIT(),
			};
			uint64_t r0 = BOTH(insns, CALLS_DIRECT, .map = devmap);

			if (flags[i] == 4)
				assert_int_equal(r0, XDP_ABORTED);
			else if (key == 3 || flags[i] == BPF_F_BROADCAST)
				assert_int_equal(r0, XDP_REDIRECT);
			else
				assert_int_equal(r0, flags[i]);
		}
	}
}

/* ---- Locks ---------------------------------------------------------------------------------- */

static struct bpfe_map *with_lock(void)
{
	const struct bpfe_map_attr attr = {.type = BPF_MAP_TYPE_ARRAY,
					   .key_size = 4,
					   .value_size = 16,
					   .max_entries = 1,
					   .has_spin_lock = true,
					   .spin_lock_off = 4};
	struct bpfe_map *map = NULL;

	assert_int_equal(bpfe_map_create(&attr, NULL, &map, NULL), 0);
	return map;
}

/* Twice, so that a lock that stays taken would be waited for in vain; its word is not the
 * program's to see. */
static void test_spin_lock(void **state)
{
	const struct bpf_insn insns[] = {
		ST(BPF_W, 10, -4, 0),
		LOOK_UP_ON_STACK,
		JMP_K(BPF_JNE, 0, 0, 1),
		EXIT(),
		MOV_X(6, 0),
		MOV_X(1, 6),
		ALU64_K(BPF_ADD, 1, 4),
		CALL(BPF_FUNC_spin_lock),
		LDX(BPF_DW, 2, 6, 8),
		ALU64_K(BPF_ADD, 2, 5),
		STX(BPF_DW, 6, 8, 2),
		MOV_X(1, 6),
		ALU64_K(BPF_ADD, 1, 4),
		CALL(BPF_FUNC_spin_unlock),
		MOV_X(1, 6),
		ALU64_K(BPF_ADD, 1, 4),
		CALL(BPF_FUNC_spin_lock),
		LDX(BPF_DW, 7, 6, 8),
		MOV_X(1, 6),
		ALU64_K(BPF_ADD, 1, 4),
		CALL(BPF_FUNC_spin_unlock),
		MOV_X(0, 7),
		EXIT(),
	};

	assert_int_equal(BOTH(insns, CALLS_DIRECT, .map = with_lock), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_constant_key),
		cmocka_unit_test(test_tested_for_null),
		cmocka_unit_test(test_tested_for_value),
		cmocka_unit_test(test_null_is_zero),
		cmocka_unit_test(test_not_tested_at_once),
		cmocka_unit_test(test_others_between),
		cmocka_unit_test(test_other_tested),
		cmocka_unit_test(test_test_of_two_ways),
		cmocka_unit_test(test_key_elsewhere),
		cmocka_unit_test(test_key_register_reused),
		cmocka_unit_test(test_operations),
		cmocka_unit_test(test_update_refused),
		cmocka_unit_test(test_not_there),
		cmocka_unit_test(test_redirect_map),
		cmocka_unit_test(test_spin_lock),
	};

	return cmocka_run_group_tests_name("maps in compiled code", tests, group_setup,
					   group_teardown);
}
