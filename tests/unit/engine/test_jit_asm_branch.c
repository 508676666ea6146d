/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* jit/asm.c, jit/asm_branch.c: labels, jumps at the edge of their reach, calls, marks, alignment.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "asm_decode.h"
#include "jit/jit.h"

#define CODE_ROOM 65536u

/* The final code of an assembler, for looking at. */
struct code {
	struct jit_asm as;
	uint8_t bytes[CODE_ROOM];
	size_t size;
};

static struct code *code_new(void)
{
	struct code *code = test_calloc(1, sizeof(*code));

	jit_asm_init(&code->as);
	return code;
}

static void code_finish(struct code *code)
{
	assert_true(jit_asm_bound(&code->as) <= CODE_ROOM);
	code->size = jit_asm_finish(&code->as, ASM_ADDRESS, code->bytes);
	assert_true(code->size > 0);
	assert_true(code->size <= jit_asm_bound(&code->as));
}

static void code_free(struct code *code)
{
	jit_asm_free(&code->as);
	test_free(code);
}

static void fill(struct code *code, unsigned bytes)
{
	while (bytes--)
		jit_int3(&code->as);
}

/* The instruction at @offset reads @fmt and has @bytes bytes. */
static void __attribute__((format(printf, 4, 5))) expect_at(const struct code *code, size_t offset,
							    unsigned bytes, const char *fmt, ...)
{
	char expected[96], got[96];
	va_list args;

	va_start(args, fmt);
	vsnprintf(expected, sizeof(expected), fmt, args);
	va_end(args);
	assert_true(offset < code->size);
	assert_int_equal(asm_decode(code->bytes + offset, code->size - offset, ASM_ADDRESS + offset,
				    got, sizeof(got)),
			 bytes);
	assert_string_equal(got, expected);
}

static void emit_jump(struct code *code, bool conditional, uint32_t label)
{
	if (conditional)
		jit_jcc(&code->as, LIR_NE, label);
	else
		jit_jmp(&code->as, label);
}

static void check_forward(bool conditional, unsigned between, unsigned bytes)
{
	struct code *code = code_new();
	uint32_t label = jit_label(&code->as);

	emit_jump(code, conditional, label);
	fill(code, between);
	jit_bind(&code->as, label);
	jit_ret(&code->as);
	code_finish(code);
	assert_int_equal(code->size, bytes + between + 1);
	assert_int_equal(jit_label_offset(&code->as, label), bytes + between);
	if (bytes)
		expect_at(code, 0, bytes, "%s 0x%x", conditional ? "jne" : "jmp",
			  ASM_ADDRESS + bytes + between);
	code_free(code);
}

static void test_forward(void **state)
{
	check_forward(false, 0, 0);
	check_forward(false, 1, 2);
	check_forward(false, 127, 2);
	check_forward(false, 128, 5);
	check_forward(false, 5000, 5);
	check_forward(true, 0, 0);
	check_forward(true, 1, 2);
	check_forward(true, 127, 2);
	check_forward(true, 128, 6);
}

static void check_backward(bool conditional, unsigned between, unsigned bytes)
{
	struct code *code = code_new();
	uint32_t label = jit_label(&code->as);

	jit_ret(&code->as);
	jit_bind(&code->as, label);
	fill(code, between);
	emit_jump(code, conditional, label);
	code_finish(code);
	assert_int_equal(code->size, 1 + between + bytes);
	assert_int_equal(jit_label_offset(&code->as, label), 1);
	expect_at(code, 1 + between, bytes, "%s 0x%x", conditional ? "jne" : "jmp",
		  ASM_ADDRESS + 1);
	code_free(code);
}

static void test_backward(void **state)
{
	check_backward(false, 0, 2);
	check_backward(false, 126, 2);
	check_backward(false, 127, 5);
	check_backward(true, 0, 2);
	check_backward(true, 126, 2);
	check_backward(true, 127, 6);
}

/* Jumps one after the other: that the last is long concerns none of the others. */
static void check_chain(unsigned last, unsigned bytes_each)
{
	enum {
		LINKS = 20
	};
	struct code *code = code_new();
	uint32_t labels[LINKS];
	size_t at = 0;

	for (unsigned i = 0; i < LINKS; i++)
		labels[i] = jit_label(&code->as);
	for (unsigned i = 0; i < LINKS; i++) {
		if (i)
			jit_bind(&code->as, labels[i - 1]);
		jit_jmp(&code->as, labels[i]);
		fill(code, i + 1 < LINKS ? 100 : last);
	}
	jit_bind(&code->as, labels[LINKS - 1]);
	jit_ret(&code->as);
	code_finish(code);
	for (unsigned i = 0; i < LINKS; i++) {
		unsigned bytes = i + 1 < LINKS ? 2 : bytes_each;
		unsigned filling = i + 1 < LINKS ? 100 : last;

		expect_at(code, at, bytes, "jmp 0x%zx", ASM_ADDRESS + at + bytes + filling);
		at += bytes + filling;
	}
	code_free(code);
}

/*
 * Each jump leads behind the next one. If that is short it just reaches; the last one, with @last
 * bytes to its label, is long or short, and so are then all.
 */
static void check_domino(unsigned last, unsigned bytes_each)
{
	enum {
		LINKS = 20
	};
	struct code *code = code_new();
	uint32_t labels[LINKS];
	size_t step, at = 0;

	for (unsigned i = 0; i < LINKS; i++)
		labels[i] = jit_label(&code->as);
	for (unsigned i = 0; i < LINKS; i++) {
		jit_jmp(&code->as, labels[i]);
		if (i)
			jit_bind(&code->as, labels[i - 1]);
		fill(code, i + 1 < LINKS ? 125 : last);
	}
	jit_bind(&code->as, labels[LINKS - 1]);
	jit_ret(&code->as);
	code_finish(code);
	step = bytes_each + 125;
	for (unsigned i = 0; i < LINKS; i++, at += step) {
		size_t target = at + (i + 1 < LINKS ? step + bytes_each : bytes_each + last);

		expect_at(code, at, bytes_each, "jmp 0x%zx", ASM_ADDRESS + target);
	}
	code_free(code);
}

static void test_chains(void **state)
{
	check_chain(127, 2);
	check_chain(128, 5);
	check_domino(127, 2);
	check_domino(128, 5);
}

/* Jumps at random places to random labels: every one leads where it should, and none that is long
 * would reach if it were short. */
static void check_random(unsigned seed)
{
	enum {
		JUMPS = 300
	};
	struct code *code = code_new();
	uint32_t labels[JUMPS], starts[JUMPS], targets[JUMPS];
	struct jit_asm *as = &code->as;
	char text[96], expected[96];

	srandom(seed);
	for (unsigned i = 0; i < JUMPS; i++)
		labels[i] = jit_label(as);
	for (unsigned i = 0; i < JUMPS; i++) {
		int away = (int)(random() % 41) - 20;
		int target = (int)i + away;

		targets[i] = target < 0 ? 0 : target >= JUMPS ? JUMPS - 1 : (unsigned)target;
		starts[i] = jit_label(as);
		jit_bind(as, labels[i]);
		fill(code, (unsigned)random() % 24);
		jit_bind(as, starts[i]);
		emit_jump(code, i % 2, labels[targets[i]]);
		jit_int3(as);
	}
	code_finish(code);
	for (unsigned i = 0; i < JUMPS; i++) {
		uint32_t start = jit_label_offset(as, starts[i]);
		uint32_t target = jit_label_offset(as, labels[targets[i]]);
		unsigned bytes = asm_decode(code->bytes + start, code->size - start,
					    ASM_ADDRESS + start, text, sizeof(text));
		int distance = (int)target - (int)(start + 2);

		snprintf(expected, sizeof(expected), "%s 0x%x", i % 2 ? "jne" : "jmp",
			 ASM_ADDRESS + target);
		assert_string_equal(text, expected);
		/* A long jump forward is itself in the way. */
		if (target > start)
			distance -= (int)bytes - 2;
		assert_int_equal(bytes == 2, distance >= -128 && distance <= 127);
	}
	code_free(code);
}

static void test_random(void **state)
{
	for (unsigned seed = 1; seed <= 200; seed++)
		check_random(seed);
}

static void test_unbound(void **state)
{
	struct jit_asm as;
	uint8_t out[16];
	uint32_t label;

	jit_asm_init(&as);
	label = jit_label(&as);
	jit_jmp(&as, label);
	assert_int_equal(jit_asm_finish(&as, ASM_ADDRESS, out), 0);
	jit_bind(&as, label);
	assert_false(as.failed);
	jit_bind(&as, label);
	assert_true(as.failed);
	jit_asm_free(&as);
	jit_asm_init(&as);
	jit_jmp(&as, 7);
	assert_int_equal(jit_asm_finish(&as, ASM_ADDRESS, out), 0);
	jit_asm_free(&as);
}

static void test_calls(void **state)
{
	struct code *code = code_new();
	struct jit_asm *as = &code->as;
	uint32_t label = jit_label(as);

	jit_call(as, label);
	jit_lea_label(as, LIR_RDI, label);
	jit_lea_label(as, LIR_R11, label);
	jit_call_r(as, LIR_RAX);
	jit_call_r(as, LIR_R11);
	jit_jmp_r(as, LIR_RCX);
	jit_jmp_m(as, (struct jit_mem){.base = LIR_RSI, .index = LIR_RAX, .scale = 8, .disp = 16});
	jit_bind(as, label);
	jit_lfence(as);
	jit_int3(as);
	jit_ret(as);
	code_finish(code);
	expect_at(code, 0, 5, "call 0x%x", ASM_ADDRESS + 30);
	expect_at(code, 5, 7, "lea rdi, m8[rip:0x%x]", ASM_ADDRESS + 30);
	expect_at(code, 12, 7, "lea r11, m8[rip:0x%x]", ASM_ADDRESS + 30);
	expect_at(code, 19, 2, "call rax");
	expect_at(code, 21, 3, "call r11");
	expect_at(code, 24, 2, "jmp rcx");
	expect_at(code, 26, 4, "jmp m8[rax*8+rsi*1+16]");
	expect_at(code, 30, 3, "lfence");
	expect_at(code, 33, 1, "int3");
	expect_at(code, 34, 1, "ret");
	code_free(code);
}

/* A call or jump to @target from ASM_ADDRESS: @near in five bytes, else by way of r11. */
static void check_abs(uint64_t target, bool near, unsigned move_bytes, const char *move)
{
	const void *function = (const void *)(uintptr_t)target;
	struct code *code = code_new();

	jit_call_abs(&code->as, function);
	jit_jmp_abs(&code->as, function);
	code_finish(code);
	if (near) {
		expect_at(code, 0, 5, "call 0x%" PRIx64, target);
		expect_at(code, 5, 5, "jmp 0x%" PRIx64, target);
		assert_int_equal(code->size, 10);
	} else {
		expect_at(code, 0, move_bytes, "%s", move);
		expect_at(code, move_bytes, 3, "call r11");
		expect_at(code, move_bytes + 3, move_bytes, "%s", move);
		expect_at(code, 2 * move_bytes + 3, 3, "jmp r11");
		assert_int_equal(code->size, 2 * move_bytes + 6);
	}
	code_free(code);
}

static void test_absolute(void **state)
{
	check_abs(ASM_ADDRESS + 0x1000, true, 0, NULL);
	check_abs(0x1000, true, 0, NULL);
	/* The last address that the first of the two reaches is one that both reach. */
	check_abs(ASM_ADDRESS + 5 + INT32_MAX, true, 0, NULL);
	check_abs(0xd0000000u, false, 6, "mov r11d, -805306368");
	check_abs(0x7fff12345678u, false, 10, "movabs r11, 140733498807928");
	check_abs(0xffffffff80000000u, false, 7, "mov r11, -2147483648");
}

/* Only the first of two calls reaches: the second grows alone. */
static void test_absolute_edge(void **state)
{
	uint64_t target = (uint64_t)ASM_ADDRESS + 5 + INT32_MAX + 5;
	struct code *code = code_new();

	jit_call_abs(&code->as, (const void *)(uintptr_t)target);
	jit_call_abs(&code->as, (const void *)(uintptr_t)target);
	code_finish(code);
	expect_at(code, 0, 6, "mov r11d, %d", (int32_t)target);
	expect_at(code, 9, 5, "call 0x%" PRIx64, target);
	assert_int_equal(code->size, 14);
	code_free(code);
}

static void check_align(unsigned before, unsigned bytes)
{
	struct code *code = code_new();
	uint32_t label = jit_label(&code->as);
	size_t at = before;
	char text[96];
	unsigned n;

	fill(code, before);
	jit_align(&code->as, bytes);
	jit_bind(&code->as, label);
	jit_ret(&code->as);
	code_finish(code);
	assert_int_equal(jit_label_offset(&code->as, label),
			 bytes ? (before + bytes - 1) / bytes * bytes : before);
	while (at < code->size - 1) {
		n = asm_decode(code->bytes + at, code->size - at, 0, text, sizeof(text));
		assert_true(!strncmp(text, "nop", 3) || !strcmp(text, "xchg ax, ax"));
		/* As few as there can be. */
		assert_int_equal(n, code->size - 1 - at < 9 ? code->size - 1 - at : 9);
		at += n;
	}
	assert_int_equal(code->bytes[code->size - 1], 0xc3);
	code_free(code);
}

static void test_align(void **state)
{
	struct jit_asm as;

	for (unsigned before = 0; before <= 64; before++) {
		check_align(before, 1);
		check_align(before, 16);
		check_align(before, 32);
		check_align(before, 64);
	}
	jit_asm_init(&as);
	jit_align(&as, 24);
	assert_true(as.failed);
	jit_asm_free(&as);
}

/* An aligned loop head within reach of jumps on both sides. */
static void test_align_and_jumps(void **state)
{
	for (unsigned before = 0; before < 130; before++) {
		struct code *code = code_new();
		struct jit_asm *as = &code->as;
		uint32_t head = jit_label(as), end = jit_label(as), start = jit_label(as);
		uint32_t back = jit_label(as);

		jit_int3(as);
		jit_bind(as, start);
		jit_jcc(as, LIR_E, end);
		fill(code, before);
		jit_align(as, 16);
		jit_bind(as, head);
		fill(code, 40);
		jit_bind(as, back);
		jit_jmp(as, head);
		jit_bind(as, end);
		jit_ret(as);
		code_finish(code);
		assert_int_equal(jit_label_offset(as, head) % 16, 0);
		expect_at(code, 1, jit_label_offset(as, end) <= 3 + 127 ? 2 : 6, "je 0x%x",
			  ASM_ADDRESS + jit_label_offset(as, end));
		expect_at(code, jit_label_offset(as, back), 2, "jmp 0x%x",
			  ASM_ADDRESS + jit_label_offset(as, head));
		code_free(code);
	}
}

static void test_marks(void **state)
{
	static const struct bpfe_jit_mark expected[] = {{0, 10}, {1, 12}, {3, 13}, {4, 15}};
	struct code *code = code_new();
	struct jit_asm *as = &code->as;
	uint32_t label = jit_label(as), next = jit_label(as);

	jit_mark(as, 10);
	jit_int3(as);
	jit_mark(as, 11); /* of which nothing is left */
	jit_mark(as, 12);
	jit_jmp(as, label);
	jit_mark(as, 13);
	jit_int3(as);
	jit_mark(as, 14); /* a jump to the next instruction, which is none */
	jit_jmp(as, next);
	jit_bind(as, next);
	jit_mark(as, 15);
	jit_int3(as);
	jit_mark(as, 15); /* the same again */
	jit_int3(as);
	jit_bind(as, label);
	jit_ret(as);
	code_finish(code);
	assert_int_equal(code->size, 7);
	assert_int_equal(as->n_marks, COUNT(expected));
	for (size_t i = 0; i < COUNT(expected); i++) {
		assert_int_equal(as->marks[i].offset, expected[i].offset);
		assert_int_equal(as->marks[i].slot, expected[i].slot);
	}
	code_free(code);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forward),  cmocka_unit_test(test_backward),
		cmocka_unit_test(test_chains),   cmocka_unit_test(test_random),
		cmocka_unit_test(test_unbound),  cmocka_unit_test(test_calls),
		cmocka_unit_test(test_absolute), cmocka_unit_test(test_absolute_edge),
		cmocka_unit_test(test_align),    cmocka_unit_test(test_align_and_jumps),
		cmocka_unit_test(test_marks),
	};

	return cmocka_run_group_tests_name("jit asm branch", tests, NULL, NULL);
}
