/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The JIT's intermediate form: a program as basic blocks of three-operand operations over the
 * registers of x86-64. build.c makes it from a verified image, passes rewrite it, lower.c turns it
 * into machine code. jit/jit.h names the passes in their order.
 *
 * Registers. A BPF register has one home for the whole program (the table below), so that a helper
 * gets its arguments where they are, calls move nothing and a dump reads like the source. What BPF
 * leaves free serves the passes: see LIR_SCRATCH and LIR_SPARE. r10 is no register of the machine:
 * LIR_FP stands for it and becomes rsp plus a constant.
 */
#ifndef BPFE_LIR_H
#define BPFE_LIR_H

#include <stdbool.h>
#include <stdint.h>
#include "internal.h"

/* The compiler's own functions are nobody's else, so that they are called directly and in line. */
#pragma GCC visibility push(hidden)

/* The processor's registers by their number in encodings, and what is not one of them. */
enum lir_reg {
	LIR_RAX = 0, /* r0 */
	LIR_RCX,     /* r3 */
	LIR_RDX,     /* r2 */
	LIR_RBX,     /* r6 */
	LIR_RSP,     /* the machine's stack, never an operand of an operation */
	LIR_RBP,     /* r7 */
	LIR_RSI,     /* r1 */
	LIR_RDI,     /* scratch of lower.c; env when a helper is called */
	LIR_R8,      /* r4 */
	LIR_R9,      /* r5 */
	LIR_R10,     /* spare, lost in calls */
	LIR_R11,     /* scratch of lower.c */
	LIR_R12,     /* budget left if the program counts, else spare, kept in calls */
	LIR_R13,     /* struct bpfe_jit_run * (env), everywhere */
	LIR_R14,     /* r8 */
	LIR_R15,     /* r9 */
	LIR_FP,      /* BPF's r10: read only */
	LIR_NONE,
};

typedef uint32_t lir_set; /* of registers: bit n is enum lir_reg n */

#define LIR_BIT(reg) ((lir_set)1 << (reg))

/* The home of BPF's registers r0 to r10 (build.c). */
extern const uint8_t lir_home[MAX_BPF_REG];

#define LIR_SCRATCH (LIR_BIT(LIR_RDI) | LIR_BIT(LIR_R11)) /* lower.c's: dead between operations */
#define LIR_ARGUMENTS \
	(LIR_BIT(LIR_RSI) | LIR_BIT(LIR_RDX) | LIR_BIT(LIR_RCX) | LIR_BIT(LIR_R8) | LIR_BIT(LIR_R9))
/* What a call may change, the result apart. BPF's rule is the ABI's here. */
#define LIR_CALLER_SAVED (LIR_ARGUMENTS | LIR_BIT(LIR_RAX) | LIR_BIT(LIR_R10) | LIR_SCRATCH)
#define LIR_CALLEE_SAVED /* r6 to r9 */ \
	(LIR_BIT(LIR_RBX) | LIR_BIT(LIR_RBP) | LIR_BIT(LIR_R14) | LIR_BIT(LIR_R15))

enum lir_code {
	LIR_NOP = 0,
	/* dst = b: register or 64-bit immediate. size 4: zero-extends, as all of size 4 do */
	LIR_MOV,
	/* dst = a OP b; b a register, a 32-bit sign-extended immediate or memory (see lir_op.b).
	 * Shift counts are taken modulo 8 * size. */
	LIR_ADD,
	LIR_SUB,
	LIR_MUL,
	LIR_AND,
	LIR_OR,
	LIR_XOR,
	LIR_SHL,
	LIR_SHR,
	LIR_SAR,
	LIR_ROL,  /* b an immediate */
	LIR_SHLD, /* dst = a << imm | b >> (8 * size - imm) */
	/* dst = a OP b as BPF has it: x / 0 = 0, x % 0 = x, smallest / -1 does not trap.
	 * LIR_F_SAFE: b is neither 0 nor -1. */
	LIR_UDIV,
	LIR_UMOD,
	LIR_SDIV,
	LIR_SMOD,
	/* dst = OP a */
	LIR_NEG,
	LIR_BSWAP, /* of the low imm (2, 4, 8) bytes of a, the rest 0 */
	LIR_ZEXT,  /* low imm (1, 2, 4) bytes of a, or of memory (b == LIR_MEM): that is a LOAD */
	LIR_SEXT,  /* the same, sign-extended to size, and then zero-extended */
	LIR_LEA,   /* dst = base + index * scale + disp, of size 4 or 8 */
	LIR_LOAD,  /* dst = memory, size bytes, zero-extended; LIR_F_SIGNED: sign-extended to 64 */
	LIR_STORE, /* memory, size bytes = b (register or immediate) */
	LIR_RMW,   /* memory OP= b, not atomic; OP in alu (LIR_ADD, SUB, AND, OR, XOR) */
	LIR_SUM, /* dst = a + imm numbers of alu (1, 2, 4) bytes each, from memory on; opt_sum.c */
	/* Atomic on memory with register b, size 4 or 8; OP in alu as above. FETCH: dst = what was
	 * there. XCHG: dst = what was there, memory = b. CMPXCHG: a is RAX, which gets what was. */
	LIR_ATOMIC,
	LIR_FETCH,
	LIR_XCHG,
	LIR_CMPXCHG,
	LIR_SELECT, /* dst = cond(a, b) ? dst : other: a conditional move; other in index */
	LIR_SETCC,  /* dst = cond(a, b), 0 or 1 */
	LIR_FENCE,  /* lfence: nothing behind it starts before all before it is done */
	/* Hardening (harden.h). All are without branches, and change nothing on a way that the
	 * program can take: dst = a if a is at most imm (LIR_F_SIGNED: at least -imm), else 0. */
	LIR_MASK,
	LIR_GUARD, /* dst = cond(a, b) ? dst : an address where nothing is */
	/* dst = do bytes [a + disp, a + disp + imm) lie in the frame? a : the same. b is data_end,
	 * or LIR_NONE; LIR_F_SAFE: they do not begin before the frame. */
	LIR_CLAMP,
	LIR_OBJECT, /* no code: dst points to the start of imm bytes of one object, or is 0 */
	/* Part of a field of the context that is no plain memory (a is the context; disp is
	 * lir_ctx_part()): dst = it; it = b. They keep every register but dst. */
	LIR_CTX_LOAD,
	LIR_CTX_STORE,
	/* Calls: results in rax, LIR_CALLER_SAVED is lost. disp: lir_set of the arguments that are
	 * read. Of a helper: imm is its address, arguments are where they are, env is passed.
	 * LIR_F_PLAIN: it neither charges nor aborts; LIR_F_CALLBACK: it runs functions of the
	 * program. LIR_CALL_DIRECT: a C function that takes arguments in the ABI's order (rdi,
	 * rsi...), imm its address; a is what goes into rdi, LIR_NONE: a MOV to it stands right in
	 * front; inline.c. */
	LIR_CALL_HELPER,
	LIR_CALL_DIRECT,
	LIR_CALL_LOCAL, /* function target */
	LIR_CALLX,      /* function whose number is in a */
	LIR_CHARGE, /* imm instructions off the budget; LIR_F_CHECK: and end the run if none left */
	/* The end of a block; a block without one falls through to the next in layout order. */
	LIR_JUMP, /* target */
	/* If cond(a, b) target, else the block's next; size 4 or 8. Of a and b (of SELECT not, of
	 * SETCC too) one may be LIR_MEM, then size is 1 to 8; an immediate is imm32. */
	LIR_BRANCH,
	LIR_MAY_GOTO, /* to the block's next while the frame may loop on, else target; imm32: cell
		       */
	/* Arguments of bpf_tail_call(); goes on behind if it fails: no end of block. imm: the map
	 * if it is known, then a is rcx or LIR_IMM, with the index in disp; else a is LIR_NONE. */
	LIR_TAIL_CALL,
	LIR_EXIT, /* of the function, result in rax */
	LIR_TRAP, /* the verifier never came here */
	LIR_CODES
};

/* Conditions, by their number in encodings of jcc, setcc and cmovcc. */
enum lir_cond {
	LIR_B = 0x2,
	LIR_AE,
	LIR_E,
	LIR_NE,
	LIR_BE,
	LIR_A,
	LIR_S,
	LIR_NS,
	LIR_L = 0xc,
	LIR_GE,
	LIR_LE,
	LIR_G,
	LIR_TESTZ = 0x14, /* (a & b) == 0: E behind test */
	LIR_TESTNZ,       /* (a & b) != 0 */
};

/* Not registers: what b of an operation is instead. */
enum {
	LIR_IMM = 0xfe,
	LIR_MEM = 0xfd
};

enum {
	LIR_F_SIGNED = 1 << 0,
	LIR_F_CALLBACK = 1 << 0, /* of a CALL_HELPER */
	LIR_F_SAFE = 1 << 1,
	LIR_F_PLAIN = 1 << 2,
	LIR_F_CHECK = 1 << 3,
	LIR_F_ACQUIRE = 1 << 4, /* ordered load: not moved, not folded */
	LIR_F_RELEASE = 1 << 5,
	LIR_F_SECRET = 1 << 6, /* imm is the engine's own, not the program's: never blinded */
	LIR_F_MASKED = 1 << 7, /* its memory operand was masked by harden.c */
};

struct lir_op {
	uint8_t code; /* enum lir_code */
	uint8_t alu;  /* enum lir_code of RMW, ATOMIC, FETCH */
	uint8_t size; /* bytes: 4 or 8 of arithmetic; 1, 2, 4, 8 of memory */
	uint8_t cond; /* enum lir_cond */
	uint8_t dst;  /* enum lir_reg */
	uint8_t a;
	uint8_t b;    /* enum lir_reg, LIR_IMM or LIR_MEM */
	uint8_t base; /* memory and LEA: base + index * scale + disp; base may be LIR_NONE */
	uint8_t index;
	uint8_t scale;    /* 1, 2, 4, 8; 0 without index */
	uint8_t mem_kind; /* enum bpfe_mem_kind */
	uint8_t flags;
	int32_t disp;
	uint32_t slot; /* of the image, that it stems from */
	union {
		int64_t imm;
		struct {
			int32_t imm32;   /* b == LIR_IMM of a BRANCH */
			uint32_t target; /* block, or function of CALL_LOCAL */
		};
	};
};

_Static_assert(sizeof(struct lir_op) == 32, "two operations a cache line");

#define LIR_NO_BLOCK UINT32_MAX

/* What LIR_GUARD and LIR_CLAMP make of an address that must not be used: not canonical, and low
 * enough for a processor that does not look at the upper bits. */
#define LIR_NOWHERE (UINT64_C(1) << 63)

struct lir_block {
	struct lir_op *ops; /* n_ops of them, in lir->ops' arena; NOPs may be among them */
	uint32_t n_ops;
	uint32_t room;       /* ops there is room for at ops */
	uint32_t next;       /* where control falls through to; LIR_NO_BLOCK: it does not */
	uint32_t function;   /* index into lir->functions */
	uint32_t slot;       /* first slot */
	uint32_t loop_depth; /* 0: in no loop; set by loops.c */
	bool loop_head;
	bool cold;
	/* flow.c: */
	lir_set live_in, live_out;
	uint32_t n_preds;
};

struct lir_function {
	uint32_t entry;        /* block */
	uint32_t first, last;  /* its blocks in order: [first, last) */
	uint32_t stack_bytes;  /* BPF's stack of it, multiple of 8 */
	uint32_t cells;        /* 8-byte cells of the frame that are the JIT's: below BPF's stack */
	int32_t private_below; /* what jit_stack_private() found, once it was asked */
	bool knows_private;
	lir_set saved; /* registers to save, of LIR_CALLEE_SAVED | R12; set by lower.c */
	bool is_main, is_callback, has_tail_call, calls;
	bool loops; /* it has may_goto: the prologue clears... */
	uint32_t loops_cell;
};

/* What of lir->flow, and of the blocks' fields that flow.c sets, is right. */
enum jit_flow_known {
	JIT_FLOW_NOTHING = 0,
	JIT_FLOW_ORDER, /* all but live_in and live_out */
	JIT_FLOW_LIVE,  /* all */
};

struct lir {
	const struct bpfe_image *image;
	struct lir_block *blocks;
	uint32_t n_blocks, room_blocks;
	struct lir_function *functions; /* as image->subprogs */
	uint32_t n_functions;
	uint32_t *order; /* blocks as they are laid out, n_order of them; layout.c */
	uint32_t n_order;
	bool counts;    /* r12 holds the budget: the program is not known to end within it */
	bool may_abort; /* a run may have to be unwound */
	bool has_tail_call;
	lir_set spare;         /* registers no BPF register lives in and nothing else uses */
	lir_set kept_free;     /* those of them that hardening wants to find there */
	bool failed;           /* out of memory; checked once at the end of a pass */
	struct lir_flow *flow; /* what jit_flow() found (flow.h); of malloc(), freed by lir_free()
				*/
	enum jit_flow_known flow_known;
	struct lir_chunk *chunks;
};

/* lir.c: blocks and operations. Storage lives as long as the lir. */
void lir_init(struct lir *lir, const struct bpfe_image *image);
void lir_free(struct lir *lir);

/* A new empty block at the end of lir->blocks; LIR_NO_BLOCK (and failed) without memory. Pointers
 * to blocks are invalid after it, pointers to operations not. */
uint32_t lir_block_new(struct lir *lir, uint32_t function, uint32_t slot);

/* Append @op to @block; the copy, or NULL (and failed). Pointers to the block's operations become
 * invalid. */
struct lir_op *lir_append(struct lir *lir, uint32_t block, const struct lir_op *op);

/* Put @op before operation @at of @block, as lir_append(). */
struct lir_op *lir_insert(struct lir *lir, uint32_t block, uint32_t at, const struct lir_op *op);

/* Take the NOPs out of all blocks; of one. */
void lir_compact(struct lir *lir);
void lir_compact_block(struct lir_block *block);

/*
 * lir_effects.h. What an operation reads and writes: lir_uses(), lir_defs(). LIR_FP counts as a
 * register. Flags of the machine are nobody's: lower.c makes them where they are used.
 * lir_reads_memory(), lir_writes_memory(). lir_is_pure(): may it be left out when nobody reads what
 * it defines? lir_ends_block(): does it end its block (JUMP, BRANCH, MAY_GOTO, EXIT, TRAP)?
 * lir_is_call(): is LIR_CALLER_SAVED lost in it? lir_has_memory(): has it base, index, scale and
 * disp?
 */
#include "jit/lir_effects.h"

/* cond with a and b exchanged; cond negated. */
uint8_t lir_cond_swap(uint8_t cond);
uint8_t lir_cond_not(uint8_t cond);

/* disp of CTX_LOAD and CTX_STORE: @size bytes from byte @byte on of field @field (enum
 * bpfe_ctx_field); a load may sign-extend them. */
static inline int32_t lir_ctx_part(uint8_t field, unsigned byte, unsigned size, bool sign)
{
	return (int32_t)(field | byte << 8 | size << 16 | (sign ? 1u << 24 : 0));
}

/* One operation, or a whole program, as text for people and tests ("rsi = load8 [rdi + rcx*4 +
 * 8]"). */
void lir_print_op(const struct lir_op *op, char *buf, size_t size);
void lir_print(const struct lir *lir, struct bpfe_log *log);

#pragma GCC visibility pop

#endif
