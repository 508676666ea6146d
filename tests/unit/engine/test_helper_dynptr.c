/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* helpers/dynptr.c: dynptrs over memory and over the frame. */
#include "helper_call.h"
#include "helpers/dynptr.h"
#include "helpers/kfuncs.h"

static struct bpfe_dynptr over_memory(struct bpfe_run_env *env, void *memory, uint32_t size)
{
	struct bpfe_dynptr d;

	assert_int_equal(call(env, BPF_FUNC_dynptr_from_mem, P(memory), size, 0, P(&d), 0), 0);
	return d;
}

static struct bpfe_dynptr over_frame(struct bpfe_run_env *env)
{
	struct bpfe_dynptr d;

	assert_int_equal(call(env, BPFE_KFUNC_DYNPTR_FROM_XDP, 0, 0, P(&d), 0, 0), 0);
	return d;
}

static void test_made(void **state)
{
	uint8_t memory[16] = {0};
	struct frame f;
	struct bpfe_run_env env = env_over(&f, 0);
	struct bpfe_dynptr d;

	frame_init(&f);
	d = over_memory(&env, memory, 16);
	assert_int_equal(call(&env, BPFE_KFUNC_DYNPTR_SIZE, P(&d), 0, 0, 0, 0), 16);
	assert_int_equal(call(&env, BPFE_KFUNC_DYNPTR_IS_NULL, P(&d), 0, 0, 0, 0), 0);
	assert_int_equal(call(&env, BPFE_KFUNC_DYNPTR_IS_RDONLY, P(&d), 0, 0, 0, 0), 0);
	d = over_frame(&env);
	assert_int_equal(call(&env, BPFE_KFUNC_DYNPTR_SIZE, P(&d), 0, 0, 0, 0), 256);
}

/* What could not be made is the null dynptr, with which nothing can be done. */
static void test_null(void **state)
{
	static const uint8_t zeros[16];
	uint8_t memory[16] = {1};
	struct bpfe_run_env env = {0};
	struct bpfe_dynptr d, copy;

	memset(&d, 0xff, sizeof(d));
	assert_int_equal(call(&env, BPF_FUNC_dynptr_from_mem, P(memory), 16, 1, P(&d), 0), -EINVAL);
	assert_memory_equal(&d, zeros, sizeof(d));
	assert_int_equal(call(&env, BPF_FUNC_dynptr_from_mem, P(memory), BPFE_DYNPTR_MAX_SIZE + 1,
			      0, P(&d), 0),
			 -E2BIG);
	assert_int_equal(call(&env, BPFE_KFUNC_DYNPTR_IS_NULL, P(&d), 0, 0, 0, 0), 1);
	assert_int_equal(call(&env, BPFE_KFUNC_DYNPTR_SIZE, P(&d), 0, 0, 0, 0), -EINVAL);
	assert_int_equal(call(&env, BPFE_KFUNC_DYNPTR_ADJUST, P(&d), 0, 0, 0, 0), -EINVAL);
	assert_int_equal(call(&env, BPFE_KFUNC_DYNPTR_CLONE, P(&d), P(&copy), 0, 0, 0), -EINVAL);
	assert_int_equal(call(&env, BPF_FUNC_dynptr_read, P(memory), 4, P(&d), 0, 0), -EINVAL);
	assert_memory_equal(memory, zeros, 4);
	assert_int_equal(call(&env, BPF_FUNC_dynptr_write, P(&d), 0, P(memory), 4, 0), -EINVAL);
	assert_int_equal(call(&env, BPF_FUNC_dynptr_data, P(&d), 0, 1, 0, 0), 0);
	assert_int_equal(call(&env, BPFE_KFUNC_DYNPTR_SLICE, P(&d), 0, 0, 1, 0), 0);
}

static void test_memory(void **state)
{
	uint8_t memory[16], got[4];
	struct bpfe_run_env env = {0};
	struct bpfe_dynptr d;

	for (unsigned i = 0; i < sizeof(memory); i++)
		memory[i] = (uint8_t)i;
	d = over_memory(&env, memory, 16);
	assert_int_equal(call(&env, BPF_FUNC_dynptr_read, P(got), 4, P(&d), 12, 0), 0);
	assert_memory_equal(got, memory + 12, 4);
	assert_int_equal(call(&env, BPF_FUNC_dynptr_read, P(got), 4, P(&d), 13, 0), -E2BIG);
	assert_int_equal(call(&env, BPF_FUNC_dynptr_read, P(got), 4, P(&d), UINT32_MAX, 0), -E2BIG);
	assert_int_equal(call(&env, BPF_FUNC_dynptr_write, P(&d), 2, P("wxyz"), 4, 0), 0);
	assert_memory_equal(memory, "\0\1wxyz\6", 7);
	assert_int_equal(call(&env, BPF_FUNC_dynptr_write, P(&d), 13, P("wxyz"), 4, 0), -E2BIG);
	assert_int_equal(call(&env, BPF_FUNC_dynptr_data, P(&d), 12, 4, 0, 0), P(memory + 12));
	assert_int_equal(call(&env, BPF_FUNC_dynptr_data, P(&d), 13, 4, 0, 0), 0);
}

static void test_adjust(void **state)
{
	uint8_t memory[16] = {0};
	struct bpfe_run_env env = {0};
	struct bpfe_dynptr d = over_memory(&env, memory, 16);

	assert_int_equal(call(&env, BPFE_KFUNC_DYNPTR_ADJUST, P(&d), 4, 12, 0, 0), 0);
	assert_int_equal(call(&env, BPFE_KFUNC_DYNPTR_ADJUST, P(&d), 1, 8, 0, 0), 0);
	assert_int_equal(call(&env, BPFE_KFUNC_DYNPTR_SIZE, P(&d), 0, 0, 0, 0), 7);
	assert_int_equal(call(&env, BPF_FUNC_dynptr_data, P(&d), 0, 7, 0, 0), P(memory + 5));
	assert_int_equal(call(&env, BPF_FUNC_dynptr_data, P(&d), 0, 8, 0, 0), 0);
	assert_int_equal(call(&env, BPFE_KFUNC_DYNPTR_ADJUST, P(&d), 3, 2, 0, 0), -EINVAL);
	assert_int_equal(call(&env, BPFE_KFUNC_DYNPTR_ADJUST, P(&d), 0, 8, 0, 0), -ERANGE);
}

static void test_frame(void **state)
{
	uint8_t got[8], buffer[8];
	struct frame f;
	struct bpfe_run_env env = env_over(&f, 0);
	struct bpfe_dynptr d;

	frame_init(&f);
	memcpy(f.xdp.data + 248, "lastlast", 8);
	d = over_frame(&env);
	assert_int_equal(call(&env, BPF_FUNC_dynptr_read, P(got), 8, P(&d), 248, 0), 0);
	assert_memory_equal(got, "lastlast", 8);
	assert_int_equal(call(&env, BPF_FUNC_dynptr_write, P(&d), 0, P("head"), 4, 0), 0);
	assert_memory_equal(f.xdp.data, "head", 4);
	assert_int_equal(call(&env, BPF_FUNC_dynptr_data, P(&d), 0, 4, 0, 0), 0);
	memset(buffer, 'x', sizeof(buffer));
	assert_int_equal(call(&env, BPFE_KFUNC_DYNPTR_SLICE, P(&d), 248, P(buffer), 8, 0),
			 P(f.xdp.data + 248));
	assert_memory_equal(buffer, "xxxxxxxx", 8); /* never needed */
	assert_int_equal(call(&env, BPFE_KFUNC_DYNPTR_SLICE_RDWR, P(&d), 249, 0, 8, 0), 0);
}

/* A frame that became shorter after its dynptr was made gives nothing beyond its end. */
static void test_frame_shrinks(void **state)
{
	uint8_t got[8];
	struct frame f;
	struct bpfe_run_env env = env_over(&f, 0);
	struct bpfe_dynptr d;

	frame_init(&f);
	d = over_frame(&env);
	f.xdp.data_end -= 100;
	assert_int_equal(call(&env, BPFE_KFUNC_DYNPTR_SLICE, P(&d), 150, 0, 8, 0), 0);
	memset(got, 'x', sizeof(got));
	assert_int_equal(call(&env, BPF_FUNC_dynptr_read, P(got), 8, P(&d), 150, 0), -EINVAL);
	assert_memory_equal(got, "\0\0\0\0\0\0\0\0", 8);
	assert_int_equal(call(&env, BPF_FUNC_dynptr_write, P(&d), 150, P("01234567"), 8, 0),
			 -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_made),   cmocka_unit_test(test_null),
		cmocka_unit_test(test_memory), cmocka_unit_test(test_adjust),
		cmocka_unit_test(test_frame),  cmocka_unit_test(test_frame_shrinks),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
