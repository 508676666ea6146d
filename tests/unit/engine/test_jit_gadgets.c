// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Gadgets: what a mispredicted branch would let a program read, for each kind of pointer. Each is
 * compiled; then its branches are taken out behind hardening, so that control goes to the access as
 * it does in speculation, and the access is made to give its address. That address has to lie in
 * the object, or where nothing is. Compiled without hardening it does not, so that the gadget is
 * one.
 *
 * And constants of a program, which must not be found in its code.
 */
#include <string.h>
#include "harness.h"
#include "jit/jit.h"

#define ACCESS_OFF 3   /* every gadget's access is of one byte at so much from its pointer... */
#define FRAME      20u /* ...and reaches too far in a frame of so many bytes */
#define VALUE      32u
#define ENTRIES    4u

static struct bpfe_map *array;

static const struct bpf_insn packet[] = {
	LDX(BPF_W, 2, 1, 0),
	LDX(BPF_W, 3, 1, 4),
	MOV_K(0, 0),
	ALU64_K(BPF_ADD, 2, 24),
	JMP_X(BPF_JGT, 2, 3, 2),
	ALU64_K(BPF_ADD, 2, -4),
	LDX(BPF_B, 0, 2, ACCESS_OFF),
	EXIT(),
};

/* Moved by what an attacker chooses, rx_queue_index here. */
static const struct bpf_insn packet_index[] = {
	LDX(BPF_W, 2, 1, 0),
	LDX(BPF_W, 3, 1, 4),
	LDX(BPF_W, 4, 1, 16),
	MOV_K(0, 0),
	ALU64_K(BPF_SUB, 4, 0x40000000),
	JMP_K(BPF_JGT, 4, 1000, 5),
	ALU64_X(BPF_ADD, 2, 4),
	MOV_X(5, 2),
	ALU64_K(BPF_ADD, 5, 4),
	JMP_X(BPF_JGT, 5, 3, 1),
	LDX(BPF_B, 0, 2, ACCESS_OFF),
	EXIT(),
};

static const struct bpf_insn map_index[] = {
	LDX(BPF_W, 7, 1, 16),
	ST(BPF_W, 10, -4, 1),
	MOV_X(2, 10),
	ALU64_K(BPF_ADD, 2, -4),
	LD_MAP_IDX(1, 0),
	CALL(BPF_FUNC_map_lookup_elem),
	JMP_K(BPF_JEQ, 0, 0, 4),
	JMP_K(BPF_JGT, 7, 28, 3),
	ALU64_X(BPF_ADD, 0, 7),
	LDX(BPF_B, 0, 0, ACCESS_OFF),
	EXIT(),
	MOV_K(0, 0),
	EXIT(),
};

static const struct bpf_insn stack_index[] = {
	LDX(BPF_W, 7, 1, 16),         ST(BPF_DW, 10, -8, 1),
	ST(BPF_DW, 10, -16, 1),       MOV_X(2, 10),
	ALU64_K(BPF_ADD, 2, -16),     MOV_K(0, 0),
	JMP_K(BPF_JGT, 7, 8, 2),      ALU64_X(BPF_ADD, 2, 7),
	LDX(BPF_B, 0, 2, ACCESS_OFF), EXIT(),
};

/* The index is the key of a look-up in an array. */
static const struct bpf_insn array_key[] = {
	LDX(BPF_W, 7, 1, 16),
	STX(BPF_W, 10, -4, 7),
	MOV_X(2, 10),
	ALU64_K(BPF_ADD, 2, -4),
	LD_MAP_IDX(1, 0),
	CALL(BPF_FUNC_map_lookup_elem),
	JMP_K(BPF_JEQ, 0, 0, 2),
	LDX(BPF_B, 0, 0, ACCESS_OFF),
	EXIT(),
	MOV_K(0, 0),
	EXIT(),
};

/* ---- Compiling and running --------------------------------------------------------------------
 */

static bool is_access(const struct lir_op *op)
{
	return op->code == LIR_LOAD && op->size == 1 && op->mem_kind != BPFE_MEM_NONE &&
	       op->mem_kind != BPFE_MEM_CTX;
}

static uint32_t block_of_access(const struct lir *lir)
{
	for (uint32_t b = 0; b < lir->n_blocks; b++) {
		for (uint32_t i = 0; i < lir->blocks[b].n_ops; i++) {
			if (is_access(&lir->blocks[b].ops[i]))
				return b;
		}
	}
	fail_msg("there is no access");
	return 0;
}

static bool leads_to(const struct lir *lir, uint32_t from, uint32_t to, unsigned depth)
{
	const struct lir_block *block = &lir->blocks[from];
	const struct lir_op *end = block->n_ops ? &block->ops[block->n_ops - 1] : NULL;

	if (from == to || !depth)
		return from == to;
	if (end && (end->code == LIR_BRANCH || end->code == LIR_JUMP) &&
	    leads_to(lir, end->target, to, depth - 1))
		return true;
	return block->next != LIR_NO_BLOCK && (!end || end->code != LIR_JUMP) &&
	       leads_to(lir, block->next, to, depth - 1);
}

/* All branches go to the access, which gives its address. */
static void mispredict(struct lir *lir)
{
	uint32_t access = block_of_access(lir);

	for (uint32_t b = 0; b < lir->n_blocks; b++) {
		struct lir_block *block = &lir->blocks[b];
		struct lir_op *end = block->n_ops ? &block->ops[block->n_ops - 1] : NULL;

		for (uint32_t i = 0; i < block->n_ops; i++) {
			if (is_access(&block->ops[i])) {
				block->ops[i].code = LIR_LEA;
				block->ops[i].size = 8;
			}
		}
		if (!end || end->code != LIR_BRANCH)
			continue;
		if (leads_to(lir, end->target, access, 12)) {
			end->code = LIR_JUMP;
			end->a = end->b = LIR_NONE;
		} else if (leads_to(lir, block->next, access, 12)) {
			end->code = LIR_NOP;
		}
	}
}

static struct bpfe_jit *compile(const struct bpf_insn *insns, uint32_t n, uint32_t relax,
				jit_pass_fn last, struct bpfe_log *print)
{
	const struct bpfe_map_binding binding = {0, array};
	const struct bpfe_load_attr attr = {
		.insns = insns, .n_insns = n, .maps = &binding, .n_maps = 1};
	const struct jit_options options = {.relax = relax | BPFE_RELAX_RANDOM_START,
					    .seed = 99,
					    .budget = BPFE_DEFAULT_BUDGET,
					    .print = print,
					    .last = last};
	static char text[4096];
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	struct bpfe_image image;
	struct bpfe_jit *jit = NULL;

	assert_int_equal(bpfe_image_open(&image, &attr, &log), 0);
	if (bpfe_decode(&image, &binding, 1, &log) || bpfe_verify(&image, &log) ||
	    bpfe_jit_compile(&image, &options, "gadget", &jit, &log))
		fail_msg("%s", text);
	bpfe_image_close(&image);
	return jit;
}

static uint8_t frame[256];

/* The address that the access of @insns goes to, its branches mispredicted, with @index. */
static uint64_t address(const struct bpf_insn *insns, uint32_t n, uint32_t relax, uint32_t index)
{
	struct bpfe_jit *jit = compile(insns, n, relax, mispredict, NULL);
	struct bpfe_xdp_buff xdp = {.hard_start = frame,
				    .data_meta = frame + 64,
				    .data = frame + 64,
				    .data_end = frame + 64 + FRAME,
				    .hard_end = frame + sizeof(frame),
				    .rx_queue_index = index};
	struct bpfe_jit_run run = {.env = {.xdp = &xdp}, .budget = BPFE_DEFAULT_BUDGET};
	uint64_t at = jit->entry(&run, (uintptr_t)&xdp, 0);

	bpfe_jit_free(jit);
	return at;
}

static bool within(uint64_t at, const void *start, uint64_t size)
{
	return at - (uintptr_t)start < size;
}

/* Nobody has anything there, nor near by. */
static bool nowhere(uint64_t at)
{
	return at - LIR_NOWHERE + 4096 < UINT64_C(1) << 33 || at < 4096;
}

#define GADGET(insns) insns, COUNT(insns)

/* ---- The gadgets ------------------------------------------------------------------------------
 */

static void test_packet(void **state)
{
	uint64_t at = address(GADGET(packet), BPFE_RELAX_ALL, 0);

	assert_true(at == (uintptr_t)frame + 64 + 20 + ACCESS_OFF); /* beyond the frame */
	assert_true(nowhere(address(GADGET(packet), 0, 0)));
	assert_false(nowhere(address(GADGET(packet), BPFE_RELAX_PACKET, 0)));
}

static void test_packet_index(void **state)
{
	static const uint32_t far[] = {1, 0x3ffffff0, 0x40001000, 0xffffffff};

	for (unsigned i = 0; i < COUNT(far); i++) {
		uint64_t at = address(GADGET(packet_index), BPFE_RELAX_ALL, far[i]);

		assert_false(nowhere(at) || within(at, frame + 64, FRAME));
		at = address(GADGET(packet_index), 0, far[i]);
		assert_true(nowhere(at) || within(at, frame + 64, FRAME));
		/* The clamp does not need the mask. */
		at = address(GADGET(packet_index), BPFE_RELAX_MASKS, far[i]);
		assert_true(nowhere(at) || within(at, frame + 64, FRAME));
	}
}

static const uint32_t beyond[] = {29, 100, 4096, 0x7fffffff, 0xffffffff};

static void test_map_value(void **state)
{
	const uint32_t key = 1;
	const uint8_t *value = bpfe_map_lookup(array, &key);

	for (unsigned i = 0; i < COUNT(beyond); i++) {
		assert_false(within(address(GADGET(map_index), BPFE_RELAX_ALL, beyond[i]), value,
				    VALUE));
		assert_true(within(address(GADGET(map_index), 0, beyond[i]), value, VALUE));
	}
	/* One that may be used is not changed. */
	assert_true(address(GADGET(map_index), 0, 28) == (uintptr_t)value + 28 + ACCESS_OFF);
}

static void test_stack(void **state)
{
	uint64_t first = address(GADGET(stack_index), BPFE_RELAX_ALL, 0);

	for (unsigned i = 0; i < COUNT(beyond); i++) {
		assert_true(address(GADGET(stack_index), BPFE_RELAX_ALL, beyond[i]) ==
			    first + beyond[i]);
		assert_true(address(GADGET(stack_index), 0, beyond[i]) ==
			    address(GADGET(stack_index), 0, 0));
	}
	assert_true(address(GADGET(stack_index), 0, 8) == address(GADGET(stack_index), 0, 0) + 8);
}

static void test_array_key(void **state)
{
	const uint32_t key = 0;
	const uint8_t *values = bpfe_map_lookup(array, &key);

	for (unsigned i = 0; i < COUNT(beyond); i++) {
		uint64_t at = address(GADGET(array_key), 0, beyond[i]);

		assert_true(within(at, values, VALUE * ENTRIES) || nowhere(at));
	}
	assert_true(address(GADGET(array_key), 0, 2) == (uintptr_t)values + 2 * VALUE + ACCESS_OFF);
	assert_false(
		within(address(GADGET(array_key), BPFE_RELAX_ALL, 100), values, VALUE * ENTRIES));
}

/* A number that is used as a pointer where one condition comes out in two ways: nothing masks it,
 * so the access waits for the branches. */
static void test_confusion(void **state)
{
	static const struct bpf_insn insns[] = {
		LDX(BPF_W, 7, 1, 16),
		LDX(BPF_W, 6, 1, 12),
		ST(BPF_W, 10, -4, 1),
		MOV_X(2, 10),
		ALU64_K(BPF_ADD, 2, -4),
		LD_MAP_IDX(1, 0),
		CALL(BPF_FUNC_map_lookup_elem),
		JMP_K(BPF_JEQ, 0, 0, 6),
		LDX(BPF_DW, 8, 0, 8),
		JMP_K(BPF_JEQ, 7, 0, 1),
		MOV_X(8, 0),
		MOV_K(0, 0),
		JMP_K(BPF_JEQ, 7, 0, 1),
		LDX(BPF_B, 0, 8, ACCESS_OFF),
		EXIT(),
	};
	static char text[1 << 14];
	struct bpfe_log print = {.buf = text, .size = sizeof(text)};

	bpfe_jit_free(compile(GADGET(insns), BPFE_RELAX_BLINDING, NULL, &print));
	assert_non_null(strstr(text, "\tfence\n\trax = load1 map[r14 + 3]\n"));
	print.len = 0;
	bpfe_jit_free(compile(GADGET(insns), BPFE_RELAX_FENCES, NULL, &print));
	assert_null(strstr(text, "fence"));
}

/* ---- Spraying ---------------------------------------------------------------------------------
 */

#define SPRAY 0x0badcafe

static const struct bpf_insn spray[] = {
	LDX(BPF_W, 2, 1, 16),
	MOV_K(0, SPRAY),
	ALU64_X(BPF_ADD, 0, 2),
	ALU64_K(BPF_XOR, 0, SPRAY),
	ALU32_K(BPF_AND, 0, SPRAY),
	ALU64_K(BPF_OR, 2, SPRAY),
	ALU64_X(BPF_ADD, 0, 2),
	ALU64_K(BPF_ADD, 0, SPRAY),
	ALU32_K(BPF_MUL, 0, SPRAY),
	ALU64_K(BPF_DIV, 2, SPRAY),
	ALU64_X(BPF_ADD, 0, 2),
	LD64(3, 0x0badcafe0badcafe),
	ALU64_X(BPF_ADD, 0, 3),
	JMP_K(BPF_JGT, 0, SPRAY, 1),
	ALU64_K(BPF_ADD, 0, 1),
	JMP32_K(BPF_JSET, 0, SPRAY, 1),
	ALU64_K(BPF_ADD, 0, 3),
	ST(BPF_DW, 10, -8, SPRAY),
	ST(BPF_W, 10, -12, SPRAY),
	MOV_X(4, 10),
	ALU64_K(BPF_ADD, 4, -12),
	LDX(BPF_DW, 5, 10, -8),
	ATOMIC(BPF_W, BPF_ADD, 4, 0, 0),
	ALU64_X(BPF_ADD, 0, 5),
	EXIT(),
};

static unsigned occurrences(const struct bpfe_jit *jit)
{
	const uint32_t value = SPRAY;
	unsigned n = 0;

	for (size_t i = 0; i + sizeof(value) <= jit->code_size; i++)
		n += !memcmp(jit->code + i, &value, sizeof(value));
	return n;
}

static uint64_t run_sprayed(const struct bpfe_jit *jit)
{
	struct bpfe_xdp_buff xdp = {.rx_queue_index = 12345};
	struct bpfe_jit_run run = {.env = {.xdp = &xdp}, .budget = BPFE_DEFAULT_BUDGET};

	return jit->entry(&run, (uintptr_t)&xdp, 0);
}

static void test_spray(void **state)
{
	struct bpfe_jit *plain = compile(GADGET(spray), BPFE_RELAX_ALL, NULL, NULL);
	struct bpfe_jit *blinded =
		compile(GADGET(spray), BPFE_RELAX_ALL & ~BPFE_RELAX_BLINDING, NULL, NULL);

	assert_true(occurrences(plain) >= 4);
	assert_int_equal(occurrences(blinded), 0);
	assert_true(run_sprayed(plain) == run_sprayed(blinded));
	bpfe_jit_free(plain);
	bpfe_jit_free(blinded);
}

static int setup(void **state)
{
	const struct bpfe_map_attr attr = {.type = BPF_MAP_TYPE_ARRAY,
					   .key_size = 4,
					   .value_size = VALUE,
					   .max_entries = ENTRIES};

	bpfe_thread_register();
	return bpfe_map_create(&attr, NULL, &array, NULL);
}

static int teardown(void **state)
{
	bpfe_map_put(array);
	bpfe_thread_unregister();
	bpfe_rcu_barrier();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_packet),    cmocka_unit_test(test_packet_index),
		cmocka_unit_test(test_map_value), cmocka_unit_test(test_stack),
		cmocka_unit_test(test_array_key), cmocka_unit_test(test_confusion),
		cmocka_unit_test(test_spray),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
