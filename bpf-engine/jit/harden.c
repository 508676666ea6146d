// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Hardening of compiled code: what the builder asks for. */
#include "jit/jit.h"

void jit_harden_index(struct lir *lir, uint32_t block, uint32_t slot, uint8_t reg, uint32_t entries,
		      const struct jit_options *options)
{
	const struct lir_op op = {.code = LIR_MASK,
				  .size = 8,
				  .dst = reg,
				  .a = reg,
				  .b = LIR_NONE,
				  .base = LIR_NONE,
				  .index = LIR_NONE,
				  .slot = slot,
				  .imm = (int64_t)entries - 1};

	if (!(options->relax & BPFE_RELAX_MASKS))
		lir_append(lir, block, &op);
}

void jit_harden_object(struct lir *lir, uint32_t block, uint32_t slot, uint8_t reg, uint32_t size,
		       const struct jit_options *options)
{
	const struct lir_op op = {.code = LIR_OBJECT,
				  .size = 8,
				  .dst = reg,
				  .a = LIR_NONE,
				  .b = LIR_NONE,
				  .base = LIR_NONE,
				  .index = LIR_NONE,
				  .slot = slot,
				  .imm = size};

	if (~options->relax & (BPFE_RELAX_MASKS | BPFE_RELAX_FENCES))
		lir_append(lir, block, &op);
}
