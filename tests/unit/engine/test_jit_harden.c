// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* jit/harden*.c: what the pass makes of programs in the intermediate form. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include "isa/isa.h"
#include "jit/jit.h"
#include "insn.h"
#include "lir_random.h"
#include "lir_text.h"

#define SPECULATION (BPFE_RELAX_BLINDING | BPFE_RELAX_RANDOM_START)

static struct jit_options options = {.relax = SPECULATION, .seed = 7};

static void pass(struct lir *lir)
{
	lir->spare = LIR_BIT(LIR_R10);
	for (uint32_t f = 0; f < lir->n_functions; f++)
		lir->functions[f].stack_bytes = 64;
	jit_harden(lir, &options);
	lir_compact(lir);
}

static void harden(const char *before, const char *after)
{
	lir_assert_pass(pass, before, after);
}

/* rsi is the context: rdx = data, rcx = data_end. */
#define DATA "\trdx = load8 ctx[rsi + 16]\n\trcx = load8 ctx[rsi + 24]\n"

/* ---- Packets --------------------------------------------------------------------------------- */

/* The pointer compared is not the one used: both have one base. */
static void test_guard(void **state)
{
	harden("b0:\n" DATA "\tr8 = lea8 [rdx + 14]\n"
	       "\trax = mov4 1\n"
	       "\tbranch8 r8 u> rcx -> b2\n"
	       "\t-> b1\n"
	       "b1:\n"
	       "\trax = load2 packet[rdx + 12]\n"
	       "\trbx = load4 packet[rdx]\n"
	       "\t-> b2\n"
	       "b2:\n"
	       "\texit\n",
	       "b0:\n" DATA "\tr8 = lea8 [rdx + 14]\n"
	       "\trax = mov4 1\n"
	       "\tbranch8 r8 u> rcx -> b2\n"
	       "\t-> b1\n"
	       "b1:\n"
	       "\trdx = rdx if8 r8 u<= rcx else nowhere\n"
	       "\trax = load2 packet[rdx + 12]\n"
	       "\trbx = load4 packet[rdx]\n"
	       "\t-> b2\n"
	       "b2:\n"
	       "\texit\n");
}

/* Turned round, with data_end from memory, and the way that is taken. */
static void test_guard_taken(void **state)
{
	harden("b0:\n"
	       "\trdx = load8 ctx[rsi + 16]\n"
	       "\trdx = add8 rdx, 4\n"
	       "\tbranch8 ctx[rsi + 24] u>= rdx -> b2\n"
	       "\t-> b1\n"
	       "b1:\n"
	       "\texit\n"
	       "b2:\n"
	       "\trax = load4 packet[rdx - 4]\n"
	       "\texit\n",
	       "b0:\n"
	       "\trdx = load8 ctx[rsi + 16]\n"
	       "\trdx = add8 rdx, 4\n"
	       "\tbranch8 ctx[rsi + 24] u>= rdx -> b2\n"
	       "\t-> b1\n"
	       "b1:\n"
	       "\texit\n"
	       "b2:\n"
	       "\trdx = rdx if8 ctx[rsi + 24] u>= rdx else nowhere\n"
	       "\trax = load4 packet[rdx - 4]\n"
	       "\texit\n");
}

/* More bytes than were compared are clamped, once for all that the block accesses. */
static void test_clamp(void **state)
{
	harden("b0:\n" DATA "\tr8 = lea8 [rdx + 14]\n"
	       "\tbranch8 r8 u> rcx -> b2\n"
	       "\t-> b1\n"
	       "b1:\n"
	       "\trax = load2 packet[rdx + 13]\n"
	       "\trbx = load4 packet[rdx + 20]\n"
	       "\trbp = load4 packet[rdx]\n"
	       "\t-> b2\n"
	       "b2:\n"
	       "\texit\n",
	       "b0:\n" DATA "\tr8 = lea8 [rdx + 14]\n"
	       "\tbranch8 r8 u> rcx -> b2\n"
	       "\t-> b1\n"
	       "b1:\n"
	       "\trdx = rdx if8 r8 u<= rcx else nowhere\n"
	       "\trdx = clamp.safe rdx, 0, 24, rcx\n"
	       "\trax = load2 packet[rdx + 13]\n"
	       "\trbx = load4 packet[rdx + 20]\n"
	       "\trbp = load4 packet[rdx]\n"
	       "\t-> b2\n"
	       "b2:\n"
	       "\texit\n");
}

/* A pointer moved by a number that may be anything may lie before the frame, too. */
static void test_moved(void **state)
{
	static const char head[] =
		"b0:\n" DATA "\trbx = load8 packet[rdx]\n"; /* 64 bits of the sender's choice */
	char before[600], after[600];

	snprintf(before, sizeof(before), "%s%s%s", head, "\trdx = add8 rdx, rbx\n",
		 "\tr8 = lea8 [rdx + 1]\n"
		 "\tbranch8 r8 u> rcx -> b2\n"
		 "\t-> b1\n"
		 "b1:\n"
		 "\trax = load1 packet[rdx]\n"
		 "\t-> b2\n"
		 "b2:\n"
		 "\texit\n");
	snprintf(after, sizeof(after), "%s",
		 "b0:\n" DATA "\trdx = clamp.safe rdx, 0, 8, rcx\n"
		 "\trbx = load8 packet[rdx]\n"
		 "\trdx = add8 rdx, rbx\n"
		 "\tr8 = lea8 [rdx + 1]\n"
		 "\tbranch8 r8 u> rcx -> b2\n"
		 "\t-> b1\n"
		 "b1:\n"
		 "\trdx = rdx if8 r8 u<= rcx else nowhere\n"
		 "\trdx = clamp rdx, 0, 1, rcx\n"
		 "\trax = load1 packet[rdx]\n"
		 "\t-> b2\n"
		 "b2:\n"
		 "\texit\n");
	harden(before, after);
}

/* One moved up by 32 bits at most lies behind the start: the comparison is enough. */
static void test_moved_up(void **state)
{
	harden("b0:\n" DATA "\trbx = mov4 rax\n"
	       "\trdx = add8 rdx, rbx\n"
	       "\tr8 = lea8 [rdx + 2]\n"
	       "\tbranch8 r8 u> rcx -> b2\n"
	       "\t-> b1\n"
	       "b1:\n"
	       "\trax = load1 packet[rdx + 1]\n"
	       "\t-> b2\n"
	       "b2:\n"
	       "\texit\n",
	       "b0:\n" DATA "\trbx = mov4 rax\n"
	       "\trdx = add8 rdx, rbx\n"
	       "\tr8 = lea8 [rdx + 2]\n"
	       "\tbranch8 r8 u> rcx -> b2\n"
	       "\t-> b1\n"
	       "b1:\n"
	       "\trdx = rdx if8 r8 u<= rcx else nowhere\n"
	       "\trax = load1 packet[rdx + 1]\n"
	       "\t-> b2\n"
	       "b2:\n"
	       "\texit\n");
}

/* In a loop each round's pointer has a base of its own, and each round compares. */
static void test_loop(void **state)
{
	harden("b0:\n" DATA "\t-> b1\n"
	       "b1:\n"
	       "\tr8 = lea8 [rdx + 4]\n"
	       "\tbranch8 r8 u> rcx -> b3\n"
	       "\t-> b2\n"
	       "b2:\n"
	       "\trax = load4 packet[rdx]\n"
	       "\trdx = mov8 r8\n"
	       "\t-> b1\n"
	       "b3:\n"
	       "\texit\n",
	       "b0:\n" DATA "\t-> b1\n"
	       "b1:\n"
	       "\tr8 = lea8 [rdx + 4]\n"
	       "\tbranch8 r8 u> rcx -> b3\n"
	       "\t-> b2\n"
	       "b2:\n"
	       "\tr8 = r8 if8 r8 u<= rcx else nowhere\n"
	       "\trdx = rdx if8 r8 u<= rcx else nowhere\n"
	       "\trax = load4 packet[rdx]\n"
	       "\trdx = mov8 r8\n"
	       "\t-> b1\n"
	       "b3:\n"
	       "\texit\n");
}

/* What was proven of one round's pointer says nothing of the next one's. */
static void test_loop_old_proof(void **state)
{
	harden("b0:\n" DATA "\tr9 = mov8 rdx\n"
	       "\t-> b1\n"
	       "b1:\n"
	       "\trbx = mov4 rax\n"
	       "\tr8 = add8 rdx, rbx\n"
	       "\tr14 = lea8 [r8 + 4]\n"
	       "\tbranch8 r14 u> rcx -> b3\n"
	       "\t-> b2\n"
	       "b2:\n"
	       "\trax = load4 packet[r9]\n"
	       "\tr9 = mov8 r8\n"
	       "\trdx = add8 rdx, 1\n"
	       "\t-> b1\n"
	       "b3:\n"
	       "\texit\n",
	       "b0:\n" DATA "\tr9 = mov8 rdx\n"
	       "\t-> b1\n"
	       "b1:\n"
	       "\trbx = mov4 rax\n"
	       "\tr8 = add8 rdx, rbx\n"
	       "\tr14 = lea8 [r8 + 4]\n"
	       "\tbranch8 r14 u> rcx -> b3\n"
	       "\t-> b2\n"
	       "b2:\n"
	       "\tr8 = r8 if8 r14 u<= rcx else nowhere\n"
	       "\tr9 = clamp.safe r9, 0, 4, rcx\n"
	       "\trax = load4 packet[r9]\n"
	       "\tr9 = mov8 r8\n"
	       "\trdx = add8 rdx, 1\n"
	       "\t-> b1\n"
	       "b3:\n"
	       "\texit\n");
}

/* ---- Objects --------------------------------------------------------------------------------- */

static void test_object(void **state)
{
	harden("b0:\n"
	       "\tobject rax, 16\n"
	       "\tbranch8 rax == 0 -> b2\n"
	       "\t-> b1\n"
	       "b1:\n"
	       "\trdx = load8 map[rax + 8]\n"
	       "\trcx = and4 rdx, 15\n"
	       "\trbx = load1 map[rax + rcx*1]\n"
	       "\trbx = load2 map[rax + rcx*1]\n"
	       "\trbx = load1 map[rax + rdx*1]\n"
	       "\t-> b2\n"
	       "b2:\n"
	       "\texit\n",
	       "b0:\n"
	       "\tobject rax, 16\n"
	       "\tbranch8 rax == 0 -> b2\n"
	       "\t-> b1\n"
	       "b1:\n"
	       "\trdx = load8 map[rax + 8]\n"
	       "\trcx = and4 rdx, 15\n"
	       "\trbx = load1 map[rax + rcx*1]\n"
	       "\tfence\n"
	       "\trbx = load2 map[rax + rcx*1]\n"
	       "\tfence\n"
	       "\trbx = load1 map[rax + rdx*1]\n"
	       "\t-> b2\n"
	       "b2:\n"
	       "\texit\n");
}

static void test_stack(void **state)
{
	harden("b0:\n"
	       "\trdx = and4 rax, 56\n"
	       "\trcx = lea8 [fp + rdx*1 - 64]\n"
	       "\tstore8 stack[rcx], rdx\n"
	       "\tstore8 stack[rcx + 8], rdx\n"
	       "\texit\n",
	       "b0:\n"
	       "\trdx = and4 rax, 56\n"
	       "\trcx = lea8 [fp + rdx*1 - 64]\n"
	       "\tstore8 stack[rcx], rdx\n"
	       "\tfence\n"
	       "\tstore8 stack[rcx + 8], rdx\n"
	       "\texit\n");
}

/* A mask is as good as a number that is small; and needless where it is. */
static void test_masks(void **state)
{
	harden("b0:\n"
	       "\tobject rax, 16\n"
	       "\tr10 = mask rdx, 15\n"
	       "\trcx = add8 rax, r10\n"
	       "\trbx = load1 map[rcx]\n"
	       "\trdx = load1 map[rax]\n"
	       "\trdx = and4 rdx, 7\n"
	       "\tr10 = mask rdx, 7\n"
	       "\trcx = add8 rax, r10\n"
	       "\trbx = load1 map[rcx]\n"
	       "\texit\n",
	       "b0:\n"
	       "\tobject rax, 16\n"
	       "\tr10 = mask rdx, 15\n"
	       "\trcx = add8 rax, r10\n"
	       "\trbx = load1 map[rcx]\n"
	       "\trdx = load1 map[rax]\n"
	       "\trdx = and4 rdx, 7\n"
	       "\trcx = add8 rax, rdx\n"
	       "\trbx = load1 map[rcx]\n"
	       "\texit\n");
}

/* A counter that is let go is masked; the pointer it moves is fine then. */
static void test_counter(void **state)
{
	static const char text[] = "b0:\n"
				   "\tobject rax, 16\n"
				   "\trdx = mov4 0\n"
				   "\t-> b1\n"
				   "b1:\n"
				   "\tr10 = mask rdx, 15\n"
				   "\trbx = load1 map[rax + r10*1]\n"
				   "\trdx = add8 rdx, 1\n"
				   "\tbranch8 rdx != 16 -> b1\n"
				   "\t-> b2\n"
				   "b2:\n"
				   "\texit\n";

	harden(text, text);
}

/* ---- Type confusion -------------------------------------------------------------------------- */

/* Either a pointer or a number of anyone's, by the same condition twice. */
static void test_confusion(void **state)
{
	harden("b0:\n"
	       "\tobject rax, 16\n"
	       "\trbx = load8 map[rax]\n"
	       "\trdx = load8 map[rax + 8]\n"
	       "\tbranch8 rbx == 0 -> b2\n"
	       "\t-> b1\n"
	       "b1:\n"
	       "\trdx = mov8 rax\n"
	       "\t-> b2\n"
	       "b2:\n"
	       "\tbranch8 rbx == 0 -> b4\n"
	       "\t-> b3\n"
	       "b3:\n"
	       "\trax = load4 map[rdx]\n"
	       "\trcx = load4 map[rdx + 4]\n"
	       "\t-> b4\n"
	       "b4:\n"
	       "\texit\n",
	       "b0:\n"
	       "\tobject rax, 16\n"
	       "\trbx = load8 map[rax]\n"
	       "\trdx = load8 map[rax + 8]\n"
	       "\tbranch8 rbx == 0 -> b2\n"
	       "\t-> b1\n"
	       "b1:\n"
	       "\trdx = mov8 rax\n"
	       "\t-> b2\n"
	       "b2:\n"
	       "\tbranch8 rbx == 0 -> b4\n"
	       "\t-> b3\n"
	       "b3:\n"
	       "\tfence\n"
	       "\trax = load4 map[rdx]\n"
	       "\trcx = load4 map[rdx + 4]\n"
	       "\t-> b4\n"
	       "b4:\n"
	       "\texit\n");
}

/* A NULL that is not there is no confusion; objects of two sizes count as the smaller. */
static void test_either(void **state)
{
	harden("b0:\n"
	       "\tobject rax, 16\n"
	       "\tobject rdx, 8\n"
	       "\tbranch8 rbx == 0 -> b2\n"
	       "\t-> b1\n"
	       "b1:\n"
	       "\tbranch8 rbx == 1 -> b3\n"
	       "\t-> b4\n"
	       "b2:\n"
	       "\trax = mov4 0\n"
	       "\t-> b4\n"
	       "b3:\n"
	       "\trax = mov8 rdx\n"
	       "\t-> b4\n"
	       "b4:\n"
	       "\trcx = load4 map[rax + 4]\n"
	       "\trcx = load4 map[rax + 8]\n"
	       "\texit\n",
	       "b0:\n"
	       "\tobject rax, 16\n"
	       "\tobject rdx, 8\n"
	       "\tbranch8 rbx == 0 -> b2\n"
	       "\t-> b1\n"
	       "b1:\n"
	       "\tbranch8 rbx == 1 -> b3\n"
	       "\t-> b4\n"
	       "b2:\n"
	       "\trax = mov4 0\n"
	       "\t-> b4\n"
	       "b3:\n"
	       "\trax = mov8 rdx\n"
	       "\t-> b4\n"
	       "b4:\n"
	       "\trcx = load4 map[rax + 4]\n"
	       "\tfence\n"
	       "\trcx = load4 map[rax + 8]\n"
	       "\texit\n");
}

/* A spilled pointer comes back as one; where its slot is used for numbers, too, a load must not
 * run ahead of the store. */
static void test_spill(void **state)
{
	static const char clean[] = "b0:\n"
				    "\tobject rax, 16\n"
				    "\tstore8 stack[fp - 8], rax\n"
				    "\trdx = load8 stack[fp - 8]\n"
				    "\trcx = load4 map[rdx]\n"
				    "\texit\n";

	harden(clean, clean);
	harden("b0:\n"
	       "\tobject rax, 16\n"
	       "\tstore8 stack[fp - 8], rbx\n"
	       "\trdx = load8 stack[fp - 8]\n"
	       "\tstore8 stack[fp - 8], rax\n"
	       "\trdx = load8 stack[fp - 8]\n"
	       "\trcx = load4 map[rdx]\n"
	       "\texit\n",
	       "b0:\n"
	       "\tobject rax, 16\n"
	       "\tstore8 stack[fp - 8], rbx\n"
	       "\trdx = load8 stack[fp - 8]\n"
	       "\tstore8 stack[fp - 8], rax\n"
	       "\tfence\n"
	       "\trdx = load8 stack[fp - 8]\n"
	       "\trcx = load4 map[rdx]\n"
	       "\texit\n");
}

/* A function gets what all its callers pass. */
static void test_functions(void **state)
{
	harden(""
	       "b0:\n"
	       "\tobject rax, 16\n"
	       "\trsi = mov8 rax\n"
	       "\trdx = mov8 rax\n"
	       "\tcall f1\n"
	       "\tobject rax, 16\n"
	       "\trsi = mov8 rax\n"
	       "\trdx = mov8 rbx\n"
	       "\tcall f1\n"
	       "\texit\n"
	       "f1:\n"
	       "b1:\n"
	       "\trax = load8 map[rsi + 8]\n"
	       "\trcx = load8 map[rdx + 8]\n"
	       "\texit\n",
	       "b0:\n"
	       "\tobject rax, 16\n"
	       "\trsi = mov8 rax\n"
	       "\trdx = mov8 rax\n"
	       "\tcall f1\n"
	       "\tobject rax, 16\n"
	       "\trsi = mov8 rax\n"
	       "\trdx = mov8 rbx\n"
	       "\tcall f1\n"
	       "\texit\n"
	       "f1:\n"
	       "b1:\n"
	       "\trax = load8 map[rsi + 8]\n"
	       "\tfence\n"
	       "\trcx = load8 map[rdx + 8]\n"
	       "\texit\n");
}

/* ---- What can be switched off ---------------------------------------------------------------- */

static void test_relaxed(void **state)
{
	static const char text[] = "b0:\n" DATA "\tobject rax, 16\n"
				   "\trbx = load8 packet[rdx]\n"
				   "\trbp = load1 map[rax + rbx*1]\n"
				   "\tr9 = load1 map[rbx]\n"
				   "\texit\n";
	static const uint32_t bits[] = {BPFE_RELAX_PACKET, BPFE_RELAX_MASKS, BPFE_RELAX_FENCES};
	static const char *const what[] = {"clamp", "+ rbx*1]", "map[rbx]"};

	options.relax = BPFE_RELAX_ALL;
	harden(text, text);
	for (unsigned i = 0; i < 3; i++) {
		struct lir lir;
		const char *at;

		options.relax = SPECULATION | bits[i];
		lir_from_text(&lir, text);
		pass(&lir);
		at = lir_to_text(&lir);
		/* Two fences and a clamp, but for what is relaxed. */
		if (!i) {
			assert_null(strstr(at, what[i]));
			assert_non_null(strstr(at, "fence"));
		} else {
			assert_non_null(strstr(at, "clamp"));
			at = strstr(at, what[i]);
			while (*--at != '\n')
				;
			assert_memory_not_equal(at - 6, "\tfence", 6);
		}
		lir_free(&lir);
	}
	options.relax = SPECULATION;
}

/* ---- Masks before the passes ----------------------------------------------------------------- */

static const struct bpf_insn move_insns[] = {
	ALU64_X(BPF_ADD, 2, 3), ALU64_X(BPF_SUB, 2, 3), ALU64_X(BPF_ADD, 3, 2),
	ALU64_X(BPF_ADD, 2, 3), ALU64_X(BPF_ADD, 2, 3), EXIT(),
};

static void test_moves(void **state)
{
	struct bpfe_insn_aux aux[] = {
		{.sanitize = BPFE_SANITIZE_SRC, .limit = 11},
		{.sanitize = BPFE_SANITIZE_SRC | BPFE_SANITIZE_NEGATIVE, .limit = 12},
		{.sanitize = BPFE_SANITIZE_DST, .limit = 13},
		{.sanitize = BPFE_SANITIZE_SRC | BPFE_SANITIZE_NEGATIVE, .limit = 14},
		{0},
		{0},
	};
	const struct bpfe_image image = {
		.insns = (struct bpf_insn *)(uintptr_t)move_insns, .n_insns = 6, .aux = aux};
	struct lir lir;

	lir_from_text(&lir, "b0:\n"
			    "\trdx = add8 rdx, rcx\n"
			    "\trdx = sub8 rdx, rcx\n"
			    "\trcx = add8 rcx, rdx\n"
			    "\trdx = add8 rdx, rcx\n"
			    "\trdx = add8 rdx, rcx\n"
			    "\texit\n");
	for (uint32_t i = 0; i < 6; i++)
		lir.blocks[0].ops[i].slot = i;
	lir.image = &image;
	lir.spare = LIR_BIT(LIR_R10) | LIR_BIT(LIR_R12);
	jit_harden_moves(&lir, &options);
	assert_string_equal(lir_to_text(&lir), "b0:\n"
					       "\tr10 = mask rcx, 11\n"
					       "\trdx = add8 rdx, r10\n"
					       "\tr10 = mask rcx, 12\n"
					       "\trdx = sub8 rdx, r10\n"
					       "\trcx = mask rcx, 13\n"
					       "\trcx = add8 rcx, rdx\n"
					       "\tr10 = mask rcx, -14\n"
					       "\trdx = add8 rdx, r10\n"
					       "\trdx = add8 rdx, rcx\n"
					       "\texit\n");
	assert_int_equal(lir.spare, LIR_BIT(LIR_R12));
	lir_free(&lir);
}

/* ---- Blinding -------------------------------------------------------------------------------- */

#define SPRAY 0x0badcafe

static const char spray[] = "b0:\n"
			    "\trax = mov4 0xbadcafe\n"
			    "\trbx = mov8 0xbadcafe0badcafe\n"
			    "\trax = add8 rax, 0xbadcafe\n"
			    "\trax = sub4 rax, 0xbadcafe\n"
			    "\trax = xor8 rax, 0xbadcafe\n"
			    "\trax = and8 rax, 0xbadcafe\n"
			    "\trcx = or4 rax, 0xbadcafe\n"
			    "\trcx = mul4 rcx, 0xbadcafe\n"
			    "\trcx = udiv4 rcx, 0xbadcafe\n"
			    "\tstore8 stack[fp - 8], 0xbadcafe\n"
			    "\tadd4 stack[fp - 8], 0xbadcafe\n"
			    "\tr8 = setcc8 rcx u> 0xbadcafe\n"
			    "\tr9 = lea8 [rax + 195939070]\n"
			    "\tr9 = lea8 [rax + rcx*4 + 195939070]\n"
			    "\tr14 = load4 other[rdx + 195939070]\n"
			    "\tbranch8 rax u< 0xbadcafe -> b1\n"
			    "\t-> b1\n"
			    "b1:\n"
			    "\trax = add8 rax, 100\n"
			    "\texit\n";

static bool holds(int64_t imm)
{
	return (uint32_t)imm == SPRAY || (uint32_t)((uint64_t)imm >> 32) == SPRAY;
}

static void test_blinding(void **state)
{
	struct lir lir;

	options.relax = BPFE_RELAX_ALL & ~BPFE_RELAX_BLINDING;
	lir_from_text(&lir, spray);
	jit_harden(&lir, &options);
	for (uint32_t b = 0; b < lir.n_blocks; b++) {
		for (uint32_t i = 0; i < lir.blocks[b].n_ops; i++) {
			const struct lir_op *op = &lir.blocks[b].ops[i];

			if (op->code == LIR_NOP)
				continue;
			assert_false(holds(op->imm));
			assert_int_not_equal(op->disp, SPRAY);
		}
	}
	/* A small one is left as it is. */
	assert_non_null(strstr(lir_to_text(&lir), "rax = add8 rax, 100\n"));
	lir_free(&lir);
	options.relax = SPECULATION;
}

/* Two seeds, two programs. */
static void test_blinding_seed(void **state)
{
	static char first[1 << 16];
	struct lir lir;

	options.relax = BPFE_RELAX_ALL & ~BPFE_RELAX_BLINDING;
	lir_from_text(&lir, spray);
	jit_harden(&lir, &options);
	snprintf(first, sizeof(first), "%s", lir_to_text(&lir));
	lir_free(&lir);
	options.seed++;
	lir_from_text(&lir, spray);
	jit_harden(&lir, &options);
	assert_string_not_equal(first, lir_to_text(&lir));
	lir_free(&lir);
	options.seed--;
	options.relax = SPECULATION;
}

/* ---- Nothing else changes ---------------------------------------------------------------------
 */

static void test_random(void **state)
{
	const struct lir_random_shape straight = {.blocks = 1, .ops = 24, .two_operands = true};
	const struct lir_random_shape blocks = {.blocks = 8, .ops = 8};

	lir_assert_same(pass, &straight, 500, 3);
	lir_assert_same(pass, &blocks, 2000, 4);
	options.relax = 0;
	lir_assert_same(pass, &straight, 2000, 5);
	lir_assert_same(pass, &blocks, 2000, 6);
	options.relax = SPECULATION;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guard),          cmocka_unit_test(test_guard_taken),
		cmocka_unit_test(test_clamp),          cmocka_unit_test(test_moved),
		cmocka_unit_test(test_moved_up),       cmocka_unit_test(test_loop),
		cmocka_unit_test(test_loop_old_proof), cmocka_unit_test(test_object),
		cmocka_unit_test(test_stack),          cmocka_unit_test(test_masks),
		cmocka_unit_test(test_counter),        cmocka_unit_test(test_confusion),
		cmocka_unit_test(test_either),         cmocka_unit_test(test_spill),
		cmocka_unit_test(test_functions),      cmocka_unit_test(test_relaxed),
		cmocka_unit_test(test_moves),          cmocka_unit_test(test_blinding),
		cmocka_unit_test(test_blinding_seed),  cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
