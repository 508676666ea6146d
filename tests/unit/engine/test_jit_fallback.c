/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Where memory to run code from is refused, programs are interpreted, unless they must not be. */
#include <sys/resource.h>
#include "harness.h"

static const struct bpf_insn returns_2[] = {MOV_K(0, 2), EXIT()};

/* No more memory may be mapped than is by now. */
static void refuse_memory(struct rlimit *before)
{
	assert_int_equal(getrlimit(RLIMIT_AS, before), 0);
	assert_int_equal(setrlimit(RLIMIT_AS, &(struct rlimit){1 << 20, before->rlim_max}), 0);
}

static int load(struct load *l, enum bpfe_engine engine, uint8_t level, struct bpfe_program **prog)
{
	struct rlimit before;
	int err;

	load_init(l, returns_2, COUNT(returns_2));
	l->attr.engine = (uint8_t)engine;
	l->log.level = level;
	refuse_memory(&before);
	err = bpfe_program_load(&l->attr, prog, &l->log);
	assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
	return err;
}

static void test_default(void **state)
{
	struct bpfe_program_info info;
	struct bpfe_program *prog;
	struct frame f;
	struct load l;

	for (uint8_t level = 0; level <= 1; level++) {
		assert_int_equal(load(&l, BPFE_ENGINE_DEFAULT, level, &prog), 0);
		bpfe_program_info(prog, &info);
		assert_int_equal(info.engine, BPFE_ENGINE_INTERP);
		assert_int_equal(info.jit_bytes, 0);
		assert_int_equal(strstr(l.text, "interpreted, not compiled: no memory for compiled "
						"code: mmap: Cannot allocate memory") != NULL,
				 level == 1);
		frame_init(&f);
		assert_int_equal(run(prog, &f).retval, 2);
		bpfe_program_put(prog);
	}
}

static void test_demanded(void **state)
{
	struct bpfe_program *prog;
	struct load l;

	assert_int_equal(load(&l, BPFE_ENGINE_JIT, 0, &prog), -ENOMEM);
	assert_string_equal(l.text, "no memory for compiled code: mmap: Cannot allocate memory\n");
}

/* And where nothing is refused, they are compiled. */
static void test_compiled(void **state)
{
	struct bpfe_program_info info;
	struct bpfe_program *prog;
	struct load l;

	load_init(&l, returns_2, COUNT(returns_2));
	l.attr.engine = BPFE_ENGINE_DEFAULT;
	prog = load_ok(&l);
	bpfe_program_info(prog, &info);
	assert_int_equal(info.engine, BPFE_ENGINE_JIT);
	assert_true(info.jit_bytes > 0);
	bpfe_program_put(prog);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compiled),
		cmocka_unit_test(test_default),
		cmocka_unit_test(test_demanded),
	};

#ifdef __SANITIZE_ADDRESS__
	print_message("1..0 # SKIP the address sanitizer needs the memory that is refused here\n");
	return 0;
#endif
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
