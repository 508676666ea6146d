/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* helpers/text.c and format.c: what programs print and compare. */
#include "helper_call.h"

struct log {
	char text[2048];
	unsigned lines;
	uint32_t cpu;
};

static void note(void *opaque, uint32_t cpu, const char *line, size_t len)
{
	struct log *log = opaque;

	memcpy(log->text, line, len);
	log->text[len] = '\0';
	log->cpu = cpu;
	log->lines++;
}

static void test_snprintf(void **state)
{
	static const struct {
		const char *format;
		uint64_t args[3];
		unsigned n;
		const char *text;
	} cases[] = {
		{"", {0}, 0, ""},
		{"100%%", {0}, 0, "100%"},
		{"%d", {0xfffffffffffffffe}, 1, "-2"},
		{"%i|%u", {0x1ffffffff, 0x1ffffffff}, 2, "-1|4294967295"},
		{"%x %X", {0x123456789a, 0xbeef}, 2, "3456789a BEEF"},
		{"%ld %lld", {0xfffffffffffffffe, 5}, 2, "-2 5"},
		{"%lu %llx", {UINT64_MAX, 0x123456789a}, 2, "18446744073709551615 123456789a"},
		{"%c%c", {'o', 'k'}, 2, "ok"},
		{"[%5d][%-5d][%05d]", {42, 42, 42}, 3, "[   42][42   ][00042]"},
	};
	struct bpfe_run_env env = {0};
	char to[64];

	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(call(&env, BPF_FUNC_snprintf, P(to), sizeof(to),
				      P(cases[i].format), P(cases[i].args), 8 * cases[i].n),
				 strlen(cases[i].text) + 1);
		assert_string_equal(to, cases[i].text);
	}
}

/* Cut to the room there is, the length told; the rest of the room zeroed. */
static void test_snprintf_room(void **state)
{
	static const uint64_t arg = 123456;
	struct bpfe_run_env env = {0};
	char to[8];

	memset(to, 'x', sizeof(to));
	assert_int_equal(call(&env, BPF_FUNC_snprintf, P(to), 4, P("%d"), P(&arg), 8), 7);
	assert_memory_equal(to, "123\0xxxx", 8);
	memset(to, 'x', sizeof(to));
	assert_int_equal(call(&env, BPF_FUNC_snprintf, P(to), 8, P("a"), 0, 0), 2);
	assert_memory_equal(to, "a\0\0\0\0\0\0\0", 8);
	assert_int_equal(call(&env, BPF_FUNC_snprintf, 0, 0, P("%d"), P(&arg), 8), 7);
}

static void test_formats_refused(void **state)
{
	static const char *const formats[] = {"%s", "%p", "%pI4", "%f",  "%",     "%l",
					      "%5", "%n", "%ls",  "%lc", "%1000d"};
	static const uint64_t arg = 1;
	struct bpfe_run_env env = {0};
	char to[16];

	for (size_t i = 0; i < COUNT(formats); i++)
		assert_int_equal(
			call(&env, BPF_FUNC_snprintf, P(to), sizeof(to), P(formats[i]), P(&arg), 8),
			-EINVAL);
	/* as many arguments as conversions, in whole words, at most twelve */
	assert_int_equal(call(&env, BPF_FUNC_snprintf, P(to), 16, P("%d"), 0, 0), -EINVAL);
	assert_int_equal(call(&env, BPF_FUNC_snprintf, P(to), 16, P("x"), P(&arg), 8), -EINVAL);
	assert_int_equal(call(&env, BPF_FUNC_snprintf, P(to), 16, P("%d"), P(&arg), 7), -EINVAL);
	assert_int_equal(call(&env, BPF_FUNC_snprintf, P(to), 16, P("x"), P(&arg), 104), -EINVAL);
}

static void test_trace(void **state)
{
	static const uint64_t args[4] = {1, 2, 3, 4};
	struct log log = {.lines = 0};
	struct bpfe_host host = {.trace = note, .opaque = &log};
	struct frame f;
	struct bpfe_run_env env = env_over(&f, 3);

	frame_init(&f);
	f.xdp.host = &host;
	assert_int_equal(call(&env, BPF_FUNC_trace_printk, P("port %d\n"), 9, 7, 0, 0), 7);
	assert_string_equal(log.text, "port 7");
	assert_int_equal(log.cpu, 3);
	assert_int_equal(call(&env, BPF_FUNC_trace_vprintk, P("%d %d %d %d"), 12, P(args), 32, 0),
			 7);
	assert_string_equal(log.text, "1 2 3 4");
	assert_int_equal(log.lines, 2);
	/* not terminated; more conversions than arguments; one that is not offered */
	assert_int_equal(call(&env, BPF_FUNC_trace_printk, P("abc"), 3, 0, 0, 0), -EINVAL);
	assert_int_equal(call(&env, BPF_FUNC_trace_printk, P("%d%d%d%d"), 9, 0, 0, 0), -EINVAL);
	assert_int_equal(call(&env, BPF_FUNC_trace_printk, P("%s"), 3, 0, 0, 0), -EINVAL);
	assert_int_equal(log.lines, 2);
	f.xdp.host = NULL;
	assert_int_equal(call(&env, BPF_FUNC_trace_printk, P("port %d\n"), 9, 7, 0, 0), 7);
}

static void test_strncmp(void **state)
{
	struct bpfe_run_env env = {0};

	assert_int_equal(call(&env, BPF_FUNC_strncmp, P("GET /"), 4, P("GET "), 0, 0), 0);
	assert_true(call(&env, BPF_FUNC_strncmp, P("GET /"), 5, P("GET "), 0, 0) > 0);
	assert_true(call(&env, BPF_FUNC_strncmp, P("GEA"), 3, P("GET"), 0, 0) < 0);
}

static void test_numbers(void **state)
{
	static const struct {
		const char *text;
		uint64_t base;
		int64_t used, value;
	} cases[] = {
		{"42", 10, 2, 42},
		{" \t-42x", 10, 5, -42},
		{"0x1f", 0, 4, 31},
		{"0x1f", 16, 4, 31},
		{"1F", 16, 2, 31},
		{"017", 0, 3, 15},
		{"09", 0, 1, 0},
		{"0x", 0, 1, 0},
		{"9223372036854775807", 10, 19, INT64_MAX},
		{"-9223372036854775808", 10, 20, INT64_MIN},
		{"9223372036854775808", 10, -ERANGE, 0},
		{"-9223372036854775809", 10, -ERANGE, 0},
		{"99999999999999999999", 10, -ERANGE, 0},
		{"x", 10, -EINVAL, 0},
		{"-", 10, -EINVAL, 0},
		{"8", 8, -EINVAL, 0},
		{"1", 2, -EINVAL, 0},
		{"1", 32, -EINVAL, 0},
	};
	struct bpfe_run_env env = {0};
	int64_t value;

	for (size_t i = 0; i < COUNT(cases); i++) {
		value = 7;
		assert_int_equal(call(&env, BPF_FUNC_strtol, P(cases[i].text),
				      strlen(cases[i].text), cases[i].base, P(&value), 0),
				 cases[i].used);
		assert_int_equal(value, cases[i].value);
	}
	/* not terminated: no more than the length is looked at */
	assert_int_equal(call(&env, BPF_FUNC_strtoul, P("1234"), 2, 10, P(&value), 0), 2);
	assert_int_equal(value, 12);
	assert_int_equal(
		call(&env, BPF_FUNC_strtoul, P("18446744073709551615"), 20, 10, P(&value), 0), 20);
	assert_int_equal(value, -1);
	assert_int_equal(call(&env, BPF_FUNC_strtoul, P("-1"), 2, 10, P(&value), 0), -EINVAL);
	assert_int_equal(value, 0);
}

/* What helpers look through may have megabytes, and a run may call them as often as it likes. */
static void test_cost(void **state)
{
	enum {
		SIZE = 65536
	};
	static char text[SIZE];
	struct bpfe_run_env env = {0};
	uint64_t value;
	char to[8];

	memset(text, ' ', SIZE - 1);
	assert_int_equal(call(&env, BPF_FUNC_strtol, P(text), SIZE, 10, P(&value), 0), -EINVAL);
	assert_int_equal(env.cost, SIZE / 8);
	assert_int_equal(call(&env, BPF_FUNC_strtoul, P(text), SIZE, 10, P(&value), 0), -EINVAL);
	assert_int_equal(env.cost, 2 * SIZE / 8);
	env.cost = 0;
	assert_int_equal(call(&env, BPF_FUNC_snprintf, P(to), sizeof(to), P(text), 0, 0), SIZE);
	assert_int_equal(env.cost, 64 + (sizeof(to) + SIZE - 1) / 8);
	env.cost = 0;
	/* Too long for a format: nothing of it is looked at, not even whether it is there. */
	assert_int_equal(call(&env, BPF_FUNC_trace_printk, P(to + sizeof(to)), SIZE, 0, 0, 0),
			 -EINVAL);
	assert_int_equal(call(&env, BPF_FUNC_trace_printk, P("%d%d%d%d"), 9, 0, 0, 0), -EINVAL);
	assert_int_equal(env.cost, 2 * 64);
}

/* An argument that a program did not set is 0, whatever an earlier call left in the register. */
static void test_trace_without_arguments(void **state)
{
	const struct bpf_insn insns[] = {
		LD64(1, 0x786c25), /* "%lx" */
		STX(BPF_DW, 10, -8, 1),  MOV_X(3, 10), CALL(BPF_FUNC_ktime_get_ns), MOV_X(1, 10),
		ALU64_K(BPF_ADD, 1, -8), MOV_K(2, 4),  CALL(BPF_FUNC_trace_printk), EXIT(),
	};
	struct log log = {.lines = 0};
	const struct bpfe_host host = {.trace = note, .opaque = &log};
	struct bpfe_program *prog = LOAD(insns, NULL, 0);
	struct frame f;

	frame_init(&f);
	f.xdp.host = &host;
	assert_int_equal(run(prog, &f).abort, BPFE_ABORT_NONE);
	assert_string_equal(log.text, "0");
	bpfe_program_put(prog);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_snprintf),
		cmocka_unit_test(test_snprintf_room),
		cmocka_unit_test(test_formats_refused),
		cmocka_unit_test(test_trace),
		cmocka_unit_test(test_trace_without_arguments),
		cmocka_unit_test(test_cost),
		cmocka_unit_test(test_strncmp),
		cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
