// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* sluice-bpf exec: what a conformance suite sees of it. What instructions do is tests/conformance.
 */
#include "tool.h"

#define RETURN_42 "b7 00 00 00 2a 00 00 00  95 00 00 00 00 00 00 00"

/* r0 = *(u8 *)(r1 + 2); exit */
#define LOAD_THIRD "71 10 02 00 00 00 00 00 95 00 00 00 00 00 00 00"

static void result(void **state)
{
	expect_output(sluice_bpf_input(RETURN_42, "exec", NULL), 0, "0x2a\n");
	expect_output(sluice_bpf_input(RETURN_42 "\n", "exec", "--engine", "interp", NULL), 0,
		      "0x2a\n");
	expect_output(sluice_bpf_input(RETURN_42, "exec", "--engine", "checked", NULL), 0,
		      "0x2a\n");
	expect_output(sluice_bpf_input(RETURN_42, "exec", "--unverified", NULL), 0, "0x2a\n");
}

#if defined(__x86_64__)
static void compiled(void **state)
{
	expect_output(sluice_bpf_input(RETURN_42, "exec", "--engine", "jit", NULL), 0, "0x2a\n");
	expect_output(sluice_bpf_input(LOAD_THIRD, "exec", "--engine", "jit", "--harden", "off",
				       "1122cc", NULL),
		      0, "0xcc\n");
	expect_error(sluice_bpf_input(RETURN_42, "exec", "--engine", "jit", "--unverified", NULL),
		     2,
		     "--unverified needs the checked engine, not jit; see sluice-bpf exec --help");
}
#endif

/* Memory as the suites give it, with two blanks between bytes and one at the end. */
static void memory(void **state)
{
	expect_output(sluice_bpf_input(LOAD_THIRD, "exec", "11  22  cc  ", NULL), 0, "0xcc\n");
	expect_output(sluice_bpf_input(LOAD_THIRD, "exec", "1122cc", "--engine", "checked", NULL),
		      0, "0xcc\n");
}

static void all_64_bits(void **state)
{
	expect_output(
		sluice_bpf_input("b7 00 00 00 ff ff ff ff 95 00 00 00 00 00 00 00", "exec", NULL),
		0, "0xffffffffffffffff\n");
}

static void beyond_memory(void **state)
{
	struct run run = sluice_bpf_input(LOAD_THIRD, "exec", "11 22", NULL);

	assert_int_equal(run.status, 1);
	assert_string_equal(run.out, "");
	assert_true(g_str_has_prefix(run.err, "sluice-bpf: the program is refused: 0: (r0 = *(u8 "
					      "*)(r1 +2)) "));
	run_clear(&run);
	expect_error(sluice_bpf_input(LOAD_THIRD, "exec", "--unverified", "11 22", NULL), 1,
		     "the run was cut short: about to touch memory that is not its own at "
		     "instruction 0");
}

static void no_end(void **state)
{
	/* goto -1 */
	expect_error(sluice_bpf_input("05 00 ff ff 00 00 00 00 95 00 00 00 00 00 00 00", "exec",
				      "--unverified", NULL),
		     1,
		     "the run was cut short: out of its budget of instructions at instruction 0");
}

static void bad_input(void **state)
{
	expect_error(sluice_bpf_input("", "exec", NULL), 1,
		     "standard input: 0 bytes; instructions take 8 bytes each");
	expect_error(sluice_bpf_input("95 00", "exec", NULL), 1,
		     "standard input: 2 bytes; instructions take 8 bytes each");
	expect_error(sluice_bpf_input("95 0x", "exec", NULL), 1,
		     "standard input: character 5 ('x') is not a hexadecimal digit; write two "
		     "digits for each byte, as 0a ff");
	expect_error(sluice_bpf_input(RETURN_42, "exec", "1", NULL), 1,
		     "memory: the digit before character 2 has no partner; write two digits for "
		     "each byte, as 0a ff");
}

static void engines(void **state)
{
	expect_error(sluice_bpf_input(RETURN_42, "exec", "--engine", "steam", NULL), 2,
		     "--engine steam: the engines are jit, interp and checked; see sluice-bpf exec "
		     "--help");
	expect_error(
		sluice_bpf_input(RETURN_42, "exec", "--engine", "interp", "--unverified", NULL), 2,
		"--unverified needs the checked engine, not interp; see sluice-bpf exec "
		"--help");
	expect_error(sluice_bpf_input(RETURN_42, "exec", "--harden", "masks,moat", NULL), 2,
		     "--harden: 'moat' is none of on, off, blinding, random-start, masks, packet, "
		     "fences; see sluice-bpf exec --help");
	expect_output(sluice_bpf_input(RETURN_42, "exec", "--harden", "masks,packet", NULL), 0,
		      "0x2a\n");
	expect_error(sluice_bpf_input(RETURN_42, "exec", "11", "22", NULL), 2,
		     "expected MEMORY as one argument; see sluice-bpf exec --help");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(result),      cmocka_unit_test(memory),
		cmocka_unit_test(all_64_bits), cmocka_unit_test(beyond_memory),
		cmocka_unit_test(no_end),      cmocka_unit_test(bad_input),
		cmocka_unit_test(engines),
#if defined(__x86_64__)
		cmocka_unit_test(compiled),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
