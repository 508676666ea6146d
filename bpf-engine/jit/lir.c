/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The intermediate form's storage and what each operation reads and writes. Operations live in
 * chunks that are freed together; a block that outgrows its room moves to a larger piece.
 */
#include <stdlib.h>
#include <string.h>
#include "jit/lir.h"

#define CHUNK_OPS 1024u
#define FIRST_OPS 8u /* room of a block that gets its first operation */
#define MORE_OPS  4u /* of one that can grow where it is */

struct lir_chunk {
	struct lir_chunk *next;
	uint32_t used, room;
	struct lir_op ops[];
};

const uint8_t lir_home[MAX_BPF_REG] = {
	[BPF_REG_0] = LIR_RAX, [BPF_REG_1] = LIR_RSI, [BPF_REG_2] = LIR_RDX, [BPF_REG_3] = LIR_RCX,
	[BPF_REG_4] = LIR_R8,  [BPF_REG_5] = LIR_R9,  [BPF_REG_6] = LIR_RBX, [BPF_REG_7] = LIR_RBP,
	[BPF_REG_8] = LIR_R14, [BPF_REG_9] = LIR_R15, [BPF_REG_10] = LIR_FP,
};

void lir_init(struct lir *lir, const struct bpfe_image *image)
{
	memset(lir, 0, sizeof(*lir));
	lir->image = image;
}

void lir_free(struct lir *lir)
{
	while (lir->chunks) {
		struct lir_chunk *next = lir->chunks->next;

		free(lir->chunks);
		lir->chunks = next;
	}
	free(lir->blocks);
	free(lir->functions);
	free(lir->order);
	free(lir->flow);
	memset(lir, 0, sizeof(*lir));
}

static struct lir_op *take(struct lir *lir, uint32_t n)
{
	struct lir_chunk *chunk = lir->chunks;

	if (!chunk || chunk->room - chunk->used < n) {
		uint32_t room = n > CHUNK_OPS ? n : CHUNK_OPS;

		chunk = malloc(sizeof(*chunk) + room * sizeof(chunk->ops[0]));
		if (!chunk) {
			lir->failed = true;
			return NULL;
		}
		chunk->used = 0;
		chunk->room = room;
		chunk->next = lir->chunks;
		lir->chunks = chunk;
	}
	chunk->used += n;
	return &chunk->ops[chunk->used - n];
}

uint32_t lir_block_new(struct lir *lir, uint32_t function, uint32_t slot)
{
	if (lir->n_blocks == lir->room_blocks) {
		uint32_t room = lir->room_blocks ? 2 * lir->room_blocks : 64;
		struct lir_block *blocks = realloc(lir->blocks, room * sizeof(*blocks));

		if (!blocks) {
			lir->failed = true;
			return LIR_NO_BLOCK;
		}
		lir->blocks = blocks;
		lir->room_blocks = room;
	}
	lir->blocks[lir->n_blocks] =
		(struct lir_block){.next = LIR_NO_BLOCK, .function = function, .slot = slot};
	lir->flow_known = JIT_FLOW_NOTHING;
	return lir->n_blocks++;
}

/* Is @b the last in its chunk, with room behind it? Blocks are filled one after the other, and lie
 * close together then. */
static bool grow_in_place(struct lir *lir, struct lir_block *b)
{
	struct lir_chunk *chunk = lir->chunks;

	if (!b->room || b->ops + b->room != chunk->ops + chunk->used ||
	    chunk->room - chunk->used < MORE_OPS)
		return false;
	chunk->used += MORE_OPS;
	b->room += MORE_OPS;
	return true;
}

/* Else a block that is full moves to a piece of twice the room. */
static bool grow(struct lir *lir, struct lir_block *b)
{
	uint32_t room = b->room ? 2 * b->room : FIRST_OPS;
	struct lir_op *ops;

	if (grow_in_place(lir, b))
		return true;
	ops = take(lir, room);
	if (!ops)
		return false;
	if (b->n_ops)
		memcpy(ops, b->ops, b->n_ops * sizeof(*ops));
	b->ops = ops;
	b->room = room;
	return true;
}

struct lir_op *lir_insert(struct lir *lir, uint32_t block, uint32_t at, const struct lir_op *op)
{
	struct lir_block *b = block < lir->n_blocks ? &lir->blocks[block] : NULL;
	const struct lir_op copy = *op; /* it may be one of the block's own */

	if (!b) {
		lir->failed = true;
		return NULL;
	}
	if (b->n_ops == b->room && !grow(lir, b))
		return NULL;
	if (at < b->n_ops)
		memmove(&b->ops[at + 1], &b->ops[at], (b->n_ops - at) * sizeof(*b->ops));
	b->ops[at] = copy;
	b->n_ops++;
	return &b->ops[at];
}

struct lir_op *lir_append(struct lir *lir, uint32_t block, const struct lir_op *op)
{
	struct lir_block *b = block < lir->n_blocks ? &lir->blocks[block] : NULL;

	if (!b) {
		lir->failed = true;
		return NULL;
	}
	/* What was moved away from is still there: @op may be one of the block's own. */
	if (b->n_ops == b->room && !grow(lir, b))
		return NULL;
	b->ops[b->n_ops] = *op;
	return &b->ops[b->n_ops++];
}

void lir_compact_block(struct lir_block *block)
{
	uint32_t n = 0;

	while (n < block->n_ops && block->ops[n].code != LIR_NOP)
		n++;
	for (uint32_t o = n; o < block->n_ops; o++) {
		if (block->ops[o].code != LIR_NOP)
			block->ops[n++] = block->ops[o];
	}
	block->n_ops = n;
}

void lir_compact(struct lir *lir)
{
	for (uint32_t i = 0; i < lir->n_blocks; i++)
		lir_compact_block(&lir->blocks[i]);
}

/* ---- What operations read and write --------------------------------------------------------- */

#define ALL_IF(traits, set) (-(lir_set) !!((traits) & (set)))
#define EFFECTS(t, read, lost)                                                    \
	{.a = ALL_IF(t, LIR_USES_A),                                              \
	 .b = ALL_IF(t, LIR_USES_B),                                              \
	 .dst = ALL_IF(t, LIR_USES_DST),                                          \
	 .sets = ALL_IF(t, LIR_SETS_DST),                                         \
	 .traits = (t),                                                           \
	 .uses = (read) | (ALL_IF(t, LIR_MEMORY | LIR_ADDRESS) & LIR_HAS_MEMORY), \
	 .defs = (lost) | (ALL_IF(t, LIR_CALLS) & LIR_CALLER_SAVED)}
#define PLAIN(traits) EFFECTS(traits, 0, 0)
#define ARITHMETIC    PLAIN(LIR_USES_A | LIR_USES_B | LIR_SETS_DST | LIR_PURE)
#define UNARY         PLAIN(LIR_USES_A | LIR_SETS_DST | LIR_PURE)

#define CALL      (LIR_CALLS | LIR_READS | LIR_WRITES | LIR_IMPLIES)
#define TAIL_CALL (LIR_BIT(LIR_RSI) | LIR_BIT(LIR_RDX) | LIR_BIT(LIR_RCX))

const struct lir_effects lir_effects[LIR_CODES] = {
	[LIR_MOV] = PLAIN(LIR_USES_B | LIR_SETS_DST | LIR_PURE),
	[LIR_ADD] = ARITHMETIC,
	[LIR_SUB] = ARITHMETIC,
	[LIR_MUL] = ARITHMETIC,
	[LIR_AND] = ARITHMETIC,
	[LIR_OR] = ARITHMETIC,
	[LIR_XOR] = ARITHMETIC,
	[LIR_SHL] = ARITHMETIC,
	[LIR_SHR] = ARITHMETIC,
	[LIR_SAR] = ARITHMETIC,
	[LIR_ROL] = ARITHMETIC,
	[LIR_SHLD] = ARITHMETIC,
	[LIR_UDIV] = ARITHMETIC,
	[LIR_UMOD] = ARITHMETIC,
	[LIR_SDIV] = ARITHMETIC,
	[LIR_SMOD] = ARITHMETIC,
	[LIR_NEG] = UNARY,
	[LIR_BSWAP] = UNARY,
	[LIR_ZEXT] = ARITHMETIC,
	[LIR_SEXT] = ARITHMETIC,
	[LIR_LEA] = PLAIN(LIR_SETS_DST | LIR_ADDRESS | LIR_PURE),
	[LIR_LOAD] = PLAIN(LIR_SETS_DST | LIR_MEMORY | LIR_READS | LIR_PURE),
	[LIR_STORE] = PLAIN(LIR_USES_B | LIR_MEMORY | LIR_WRITES),
	[LIR_RMW] = PLAIN(LIR_USES_B | LIR_MEMORY | LIR_READS | LIR_WRITES),
	[LIR_SUM] = PLAIN(LIR_USES_A | LIR_SETS_DST | LIR_MEMORY | LIR_READS | LIR_PURE),
	[LIR_ATOMIC] = PLAIN(LIR_USES_B | LIR_MEMORY | LIR_READS | LIR_WRITES),
	[LIR_FETCH] = PLAIN(LIR_USES_B | LIR_SETS_DST | LIR_MEMORY | LIR_READS | LIR_WRITES),
	[LIR_XCHG] = PLAIN(LIR_USES_B | LIR_SETS_DST | LIR_MEMORY | LIR_READS | LIR_WRITES),
	[LIR_CMPXCHG] = EFFECTS(LIR_USES_A | LIR_USES_B | LIR_SETS_DST | LIR_MEMORY | LIR_READS |
					LIR_WRITES | LIR_IMPLIES,
				LIR_BIT(LIR_RAX), LIR_BIT(LIR_RAX)),
	[LIR_SELECT] = PLAIN(LIR_USES_A | LIR_USES_B | LIR_USES_DST | LIR_SETS_DST | LIR_PURE |
			     LIR_IMPLIES | LIR_NAMES),
	[LIR_SETCC] = PLAIN(LIR_USES_A | LIR_USES_B | LIR_SETS_DST | LIR_PURE),
	[LIR_MASK] = PLAIN(LIR_USES_A | LIR_USES_B | LIR_SETS_DST | LIR_PURE),
	[LIR_GUARD] = PLAIN(LIR_USES_A | LIR_USES_B | LIR_USES_DST | LIR_SETS_DST),
	[LIR_CLAMP] = PLAIN(LIR_USES_A | LIR_USES_B | LIR_SETS_DST | LIR_READS),
	[LIR_OBJECT] = PLAIN(LIR_USES_DST),
	[LIR_CTX_LOAD] = PLAIN(LIR_USES_A | LIR_SETS_DST | LIR_READS | LIR_PURE),
	[LIR_CTX_STORE] = PLAIN(LIR_USES_A | LIR_USES_B | LIR_WRITES),
	[LIR_CALL_HELPER] = PLAIN(CALL | LIR_NAMES),
	[LIR_CALL_DIRECT] = PLAIN(CALL | LIR_USES_A | LIR_NAMES),
	[LIR_CALL_LOCAL] = EFFECTS(CALL, LIR_ARGUMENTS, 0),
	[LIR_CALLX] = EFFECTS(CALL | LIR_USES_A, LIR_ARGUMENTS, 0),
	[LIR_JUMP] = PLAIN(LIR_ENDS),
	[LIR_BRANCH] = PLAIN(LIR_USES_A | LIR_USES_B | LIR_ENDS),
	[LIR_MAY_GOTO] = PLAIN(LIR_ENDS),
	[LIR_TAIL_CALL] = EFFECTS(CALL, TAIL_CALL, 0),
	[LIR_EXIT] = EFFECTS(LIR_ENDS | LIR_IMPLIES, LIR_BIT(LIR_RAX), 0),
	[LIR_TRAP] = PLAIN(LIR_ENDS),
};

const lir_set lir_one_of[256] = {
	[LIR_RAX] = LIR_BIT(LIR_RAX), [LIR_RCX] = LIR_BIT(LIR_RCX), [LIR_RDX] = LIR_BIT(LIR_RDX),
	[LIR_RBX] = LIR_BIT(LIR_RBX), [LIR_RSP] = LIR_BIT(LIR_RSP), [LIR_RBP] = LIR_BIT(LIR_RBP),
	[LIR_RSI] = LIR_BIT(LIR_RSI), [LIR_RDI] = LIR_BIT(LIR_RDI), [LIR_R8] = LIR_BIT(LIR_R8),
	[LIR_R9] = LIR_BIT(LIR_R9),   [LIR_R10] = LIR_BIT(LIR_R10), [LIR_R11] = LIR_BIT(LIR_R11),
	[LIR_R12] = LIR_BIT(LIR_R12), [LIR_R13] = LIR_BIT(LIR_R13), [LIR_R14] = LIR_BIT(LIR_R14),
	[LIR_R15] = LIR_BIT(LIR_R15), [LIR_FP] = LIR_BIT(LIR_FP),   [LIR_MEM] = LIR_HAS_MEMORY,
};

uint8_t lir_cond_swap(uint8_t cond)
{
	switch (cond) {
	case LIR_B:
		return LIR_A;
	case LIR_A:
		return LIR_B;
	case LIR_AE:
		return LIR_BE;
	case LIR_BE:
		return LIR_AE;
	case LIR_L:
		return LIR_G;
	case LIR_G:
		return LIR_L;
	case LIR_GE:
		return LIR_LE;
	case LIR_LE:
		return LIR_GE;
	default: /* equality and tests are symmetric */
		return cond;
	}
}

uint8_t lir_cond_not(uint8_t cond)
{
	return cond ^ 1; /* as in encodings; LIR_TESTZ and LIR_TESTNZ follow suit */
}
