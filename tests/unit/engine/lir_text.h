/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Programs in the JIT's intermediate form, from text in the language of lir_print():
 *
 *	b0:
 *		rsi = load4 packet[rbx + rcx*4 + 12]
 *		branch8 rsi u> 34 -> b2
 *		-> b1
 *
 * A block without "->" falls through to nothing. A helper that is called gets five arguments.
 * Anything that is not understood fails the test, with the line.
 */
#ifndef TESTS_LIR_TEXT_H
#define TESTS_LIR_TEXT_H

#include "jit/lir.h"

/* @lir becomes the program of @text, with one function unless "f1:" begins others. The caller
 * frees it with lir_free(). */
void lir_from_text(struct lir *lir, const char *text);

/* What lir_print() makes of @lir; valid until the next call. */
const char *lir_to_text(const struct lir *lir);

/* Run @pass on the program @before: the text of it must be @after then. */
void lir_assert_pass(void (*pass)(struct lir *lir), const char *before, const char *after);

#endif
