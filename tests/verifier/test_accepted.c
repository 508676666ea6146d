// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* What must be accepted is; and what the verifier tells the passes behind it is right. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "corpus.h"

static struct corpus_maps maps;

static void verify(struct bpfe_image *image, const struct bpf_insn *insns, uint32_t n,
		   struct bpfe_log *log)
{
	int err = corpus_verify(&maps, insns, n, NULL, image, log);

	if (err)
		fail_msg("returned %d: %s", err, log->buf);
}

static void test_case(void **state)
{
	const struct corpus_case *c = *state;
	char text[4096] = "";
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	struct bpfe_image image;

	verify(&image, c->insns, corpus_length(c), &log);
	assert_string_equal(text, "");
	assert_int_equal(log.reason, BPFE_OK);
	assert_true(image.aux[0].seen);
	assert_true(image.insns_verified > 0);
	bpfe_image_close(&image);
}

static void test_aux(void **state)
{
	static const struct bpf_insn insns[] = {
		PACKET(20, 3),           /* 0 */
		LDX(BPF_W, 5, 2, 16),    /* 5 */
		STX(BPF_DW, 10, -16, 5), /* 6 */
		JA(0),                   /* 7 */
		LOOKUP(ARRAY),           /* 8 */
		STX(BPF_DW, 0, 0, 10),   /* 14, replaced */
		MOV_K(1, 0),             /* 15 */
		JMP_K(BPF_JEQ, 1, 0, 1), /* 16 */
		LDX(BPF_DW, 9, 9, 0),    /* 17, dead */
		CALL_LOCAL(1),           /* 18 */
		EXIT(),                  /* 19 */
		ST(BPF_B, 10, -33, 0),   /* 20 */
		RETURN(2),
	};
	struct bpf_insn copy[COUNT_OF(insns)];
	char text[4096] = "";
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	struct bpfe_image image;

	memcpy(copy, insns, sizeof(copy));
	copy[14] = ST(BPF_DW, 0, 0, 1);
	verify(&image, copy, COUNT_OF(copy), &log);
	assert_int_equal(image.aux[0].ctx_field, BPFE_CTX_DATA);
	assert_int_equal(image.aux[0].mem_kind, BPFE_MEM_CTX);
	assert_int_equal(image.aux[1].ctx_field, BPFE_CTX_DATA_END);
	assert_int_equal(image.aux[5].mem_kind, BPFE_MEM_PACKET);
	assert_int_equal(image.aux[5].ctx_field, BPFE_CTX_NONE);
	assert_int_equal(image.aux[6].mem_kind, BPFE_MEM_STACK);
	assert_int_equal(image.aux[14].mem_kind, BPFE_MEM_MAP_VALUE);
	assert_true(image.aux[16].seen);
	assert_false(image.aux[17].seen);
	assert_int_equal(image.max_packet_offset, 20);
	assert_int_equal(image.subprogs[0].stack_bytes, 16);
	assert_int_equal(image.subprogs[1].stack_bytes, 40);
	assert_int_equal(image.stack_bytes, 56);
	bpfe_image_close(&image);
}

static void test_log_levels(void **state)
{
	static const struct bpf_insn insns[] = {LDX(BPF_W, 2, 1, 16), ALU64_K(BPF_AND, 2, 7),
						STX(BPF_DW, 10, -8, 2), RETURN(2)};
	char text[4096] = "";
	struct bpfe_log log = {.buf = text, .size = sizeof(text), .level = 1};
	struct bpfe_image image;

	verify(&image, insns, COUNT_OF(insns), &log);
	bpfe_image_close(&image);
	assert_memory_equal(text, "processed 5 insns (limit 1000000) states 0 peak_memory ", 54);
	assert_non_null(strstr(text, " stack depth 8 max_packet_offset 0\n"));

	log.len = 0;
	log.level = 2;
	verify(&image, insns, COUNT_OF(insns), &log);
	bpfe_image_close(&image);
	assert_non_null(strstr(text, "0: r2 = *(u32 *)(r1 +16) ; R1=ctx() R10=fp0\n"));
	assert_non_null(strstr(text, "2: *(u64 *)(r10 -8) = r2 ; R1=ctx() "
				     "R2=scalar(umax=7,var_off=(0x0; 0x7)) R10=fp0\n"));
	assert_non_null(strstr(text, "3: r0 = 2 ; R1=ctx() "
				     "R2=scalar(id=1,umax=7,var_off=(0x0; 0x7)) R10=fp0 "
				     "fp-8=ssssssss:scalar(id=1,umax=7,var_off=(0x0; 0x7))\n"));
}

/*
 * Three numbers come to one place. The third lets go of its bounds (generalise.c), one of which the
 * access needs: nothing of that is seen outside.
 */
static void test_forgotten(void **state)
{
	static const struct bpf_insn insns[] = {
		LDX(BPF_W, 7, 1, 16),
		LDX(BPF_W, 8, 1, 12),    /* 0 */
		LOOKUP(ARRAY),           /* 2 */
		JMP_K(BPF_JEQ, 0, 0, 9), /* 8 */
		JMP_K(BPF_JEQ, 8, 0, 5),
		JMP_K(BPF_JEQ, 8, 1, 2), /* 9 */
		ALU64_K(BPF_AND, 7, 3),
		JA(3), /* 11 */
		ALU64_K(BPF_AND, 7, 4),
		JA(1),                   /* 13 */
		ALU64_K(BPF_AND, 7, 12), /* 15 */
		ALU64_X(BPF_ADD, 0, 7),
		LDX(BPF_B, 0, 0, 3),
		RETURN(2), /* 16 */
	};
	char text[4096] = "";
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	struct bpfe_image image;

	verify(&image, insns, COUNT_OF(insns), &log);
	assert_string_equal(text, "");
	assert_int_equal(log.reason, BPFE_OK);
	assert_int_equal(image.aux[16].limit, 12);
	/* The way of the first attempt to where it was refused, and all ways of the second. */
	assert_int_equal(image.insns_verified, 24 + 25);
	bpfe_image_close(&image);
}

static const char *source_line(void *opaque, uint32_t insn)
{
	return insn == 1 ? opaque : NULL;
}

static void test_path_and_source(void **state)
{
	static const struct bpf_insn insns[] = {LDX(BPF_W, 2, 1, 0), LDX(BPF_B, 0, 2, 4), EXIT()};
	char text[1024] = "", line[] = "prog.c:7: return data[4];";
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	struct bpfe_load_attr attr = {
		.insns = insns, .n_insns = 3, .source_line = source_line, .source_opaque = line};
	struct bpfe_image image;

	assert_int_equal(bpfe_image_open(&image, &attr, &log), 0);
	assert_int_equal(bpfe_decode(&image, NULL, 0, &log), 0);
	assert_int_equal(bpfe_verify(&image, &log), -EACCES);
	bpfe_image_close(&image);
	assert_string_equal(text,
			    "1: (r0 = *(u8 *)(r2 +4)) packet access of 1 bytes at offset 4, but "
			    "only 0 bytes from there are known to lie before data_end\n"
			    "    R2=pkt(off=0,r=0)\n"
			    "    accepted: comparing R2+5 with data_end first\n"
			    "    source: prog.c:7: return data[4];\n"
			    "    path: 0\n");
}

static void test_cancel(void **state)
{
	static const struct bpf_insn insns[] = {MOV_K(0, 0), ALU64_K(BPF_ADD, 0, 1),
						JMP_K(BPF_JLT, 0, 30000, -2), EXIT()};
	atomic_bool cancel = true;
	struct bpfe_load_attr attr = {.insns = insns, .n_insns = 4, .cancel = &cancel};
	char text[1024] = "";
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	struct bpfe_image image;

	assert_int_equal(bpfe_image_open(&image, &attr, &log), 0);
	assert_int_equal(bpfe_decode(&image, NULL, 0, &log), 0);
	assert_int_equal(bpfe_verify(&image, &log), -ECANCELED);
	bpfe_image_close(&image);
	assert_int_equal(log.reason, BPFE_CANCELLED);
	assert_true(log.len > 0);
}

/* A pointer that moves in each round and is compared with nothing leaves its bounds when joined. */
static void test_too_complex(void **state)
{
	static const struct bpf_insn insns[] = {LDX(BPF_W, 7, 1, 0),
						MOV_K(6, 0),
						ALU64_K(BPF_ADD, 7, 1),
						ALU64_K(BPF_ADD, 6, 1),
						JMP_K(BPF_JNE, 6, 30000000, -3),
						RETURN(2)};
	char text[4096] = "";
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	struct bpfe_image image;

	assert_int_equal(corpus_verify(&maps, insns, COUNT_OF(insns), NULL, &image, &log), -E2BIG);
	bpfe_image_close(&image);
	assert_int_equal(log.reason, BPFE_TOO_COMPLEX);
	assert_non_null(
		strstr(text, "too complex to follow path by path (limit 1000000 instructions), and "
			     "with paths joined"));
}

/* A profile may allow less stack than the engine. */
static void test_profile_stack(void **state)
{
	static const struct bpf_insn insns[] = {ST(BPF_DW, 10, -72, 0), RETURN(2)};
	struct bpfe_load_attr attr = {.insns = insns, .n_insns = 3, .max_stack = 64};
	char text[1024] = "";
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	struct bpfe_image image;

	assert_int_equal(bpfe_image_open(&image, &attr, &log), 0);
	assert_int_equal(bpfe_decode(&image, NULL, 0, &log), 0);
	assert_int_equal(bpfe_verify(&image, &log), -E2BIG);
	assert_int_equal(log.reason, BPFE_TOO_LARGE);
	bpfe_image_close(&image);
	attr.max_stack = 72;
	assert_int_equal(bpfe_image_open(&image, &attr, &log), 0);
	assert_int_equal(bpfe_decode(&image, NULL, 0, &log), 0);
	assert_int_equal(bpfe_verify(&image, &log), 0);
	bpfe_image_close(&image);
}

/* A program over plain memory: r1 points to it, r2 is its length. */
static void test_memory_program(void **state)
{
	static const struct bpf_insn insns[] = {MOV_K(0, 0),
						MOV_K(3, 0),
						MOV_X(4, 1),
						ALU64_X(BPF_ADD, 4, 3),
						LDX(BPF_B, 5, 4, 0),
						ALU64_X(BPF_ADD, 0, 5),
						STX(BPF_B, 4, 0, 0),
						ALU64_K(BPF_ADD, 3, 1),
						JMP_X(BPF_JLT, 3, 2, -7),
						EXIT()};
	struct bpfe_load_attr attr = {
		.type = BPFE_PROG_MEM, .mem_size = 5, .insns = insns, .n_insns = COUNT_OF(insns)};
	struct bpf_insn beyond[] = {LDX(BPF_W, 0, 1, 2), EXIT()};
	char text[1024] = "";
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	struct bpfe_image image;

	assert_int_equal(bpfe_image_open(&image, &attr, &log), 0);
	assert_int_equal(bpfe_decode(&image, NULL, 0, &log), 0);
	assert_int_equal(bpfe_verify(&image, &log), 0);
	bpfe_image_close(&image);

	attr.insns = beyond;
	attr.n_insns = COUNT_OF(beyond);
	assert_int_equal(bpfe_image_open(&image, &attr, &log), 0);
	assert_int_equal(bpfe_decode(&image, NULL, 0, &log), 0);
	assert_int_equal(bpfe_verify(&image, &log), -EACCES);
	bpfe_image_close(&image);
	assert_string_equal(
		text, "0: (r0 = *(u32 *)(r1 +2)) memory access of 4 bytes at offset 2 to 2 is "
		      "outside the 5 bytes there (mem)\n"
		      "    R1=mem(sz=5)\n"
		      "    accepted: an offset bounded to lie within it\n"
		      "    path: 0\n");
}

/*
 * A list of 512 rules of which each may match in part: path by path it would double with every
 * rule, were a state not covered by the more general one followed before it.
 */
static void test_long_list_of_rules(void **state)
{
	static struct bpf_insn insns[5000];
	uint32_t n = 0;
	char text[4096] = "";
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	struct bpfe_image image;
	const struct bpf_insn head[] = {PACKET(20, 1),       JA(2),
					RETURN(2),           LDX(BPF_W, 5, 2, 0),
					LDX(BPF_W, 6, 2, 4), LDX(BPF_H, 7, 2, 8),
					LDX(BPF_B, 8, 2, 10)};

	for (uint32_t i = 0; i < COUNT_OF(head); i++)
		insns[n++] = head[i];
	for (int rule = 0; rule < 512; rule++) {
		const struct bpf_insn test[] = {
			JMP32_K(BPF_JNE, 5, 7 * rule, 6), JMP32_K(BPF_JNE, 6, 5 * rule, 5),
			JMP_K(BPF_JLT, 7, rule, 4),       JMP_K(BPF_JGT, 7, rule + 90, 3),
			JMP_K(BPF_JNE, 8, 6, 2),          RETURN(1)};

		for (uint32_t i = 0; i < COUNT_OF(test); i++)
			insns[n++] = test[i];
	}
	insns[n++] = MOV_K(0, 2);
	insns[n++] = EXIT();
	verify(&image, insns, n, &log);
	assert_true(image.insns_verified < 4 * n);
	bpfe_image_close(&image);
}

static int setup(void **state)
{
	return corpus_maps_create(&maps);
}

static int teardown(void **state)
{
	corpus_maps_destroy(&maps);
	return 0;
}

int main(void)
{
	const struct corpus *const all[] = {&accepted, &accepted_loops, &accepted_objects};
	static struct CMUnitTest tests[1000] = {
		cmocka_unit_test(test_aux),
		cmocka_unit_test(test_forgotten),
		cmocka_unit_test(test_log_levels),
		cmocka_unit_test(test_path_and_source),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_too_complex),
		cmocka_unit_test(test_profile_stack),
		cmocka_unit_test(test_long_list_of_rules),
		cmocka_unit_test(test_memory_program),
	};
	size_t n = 8;

	for (size_t i = 0; i < COUNT_OF(all); i++) {
		for (size_t k = 0; k < all[i]->n; k++)
			tests[n++] =
				(struct CMUnitTest){all[i]->cases[k].name, test_case, NULL, NULL,
						    (void *)(uintptr_t)&all[i]->cases[k]};
	}
	return _cmocka_run_group_tests("accepted", tests, n, setup, teardown);
}
