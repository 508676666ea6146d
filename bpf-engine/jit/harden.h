/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What the parts of the hardening pass share. docs/jit.md says against what it helps.
 *
 * Its analysis is of what registers hold whichever way branches go: no comparison teaches it
 * anything, for under speculation any of them may come out wrong. What it calls safe is safe on
 * every way through the program's graph; what is not is masked, clamped or fenced.
 */
#ifndef BPFE_JIT_HARDEN_H
#define BPFE_JIT_HARDEN_H

#include "jit/flow.h"
#include "jit/jit.h"

enum held_kind {
	HELD_NOTHING = 0, /* no way leads here */
	HELD_ANY,         /* whatever the program's author may have chosen */
	HELD_NUMBER,      /* a number in lo..hi */
	HELD_OBJECT,      /* start of an object of size bytes, or 0, plus lo..hi */
	HELD_OPAQUE,      /* the same, and how many bytes is not known; id says which object */
	HELD_STACK,       /* fp plus lo..hi; size bytes below fp may be used */
	HELD_OUTER,       /* the same in the frame of a caller */
	HELD_PACKET,      /* base plus lo..hi; the base: id */
	HELD_END,         /* data_end */
	HELD_CTX,         /* the context plus lo..hi */
};

/* What one register holds. */
struct held {
	uint8_t kind;
	uint32_t id;   /* packet, opaque: those with one id (not 0) have one base */
	uint32_t size; /* of the object; packet: bytes from the base on that lie in the frame; any:
			  1 if it may point into the running function's stack */
	int32_t least; /* packet: the base lies so far behind the start of the frame, or is nowhere
			*/
	int64_t lo, hi;
};

#define HARDEN_SLOTS 8 /* of the stack, of each function, whose contents are followed */
#define HARDEN_REGS  (LIR_FP + 1)
#define HARDEN_FAR   ((int64_t)1 << 40) /* an offset that nothing is known of */

struct harden_state {
	struct held regs[HARDEN_REGS];
	struct held slots[HARDEN_SLOTS];
	bool reached, dirty;
	uint8_t visits;
};

struct harden_function {
	int32_t slots[HARDEN_SLOTS]; /* offsets from fp of those followed */
	uint32_t n_slots;
	uint32_t reused; /* bit n: slot n is written with other things than pointers, too */
	struct held result;
};

struct harden_value { /* the one value of a map, whose address is in the code */
	uint64_t address;
	uint32_t size;
};

struct harden {
	struct lir *lir;
	const struct jit_options *options;
	struct harden_state *in; /* by block */
	struct harden_function *functions;
	struct harden_value *values;
	uint32_t n_values;
	bool masks, packet, fences; /* which are to be made */
	lir_set *needed;            /* by block: registers at its start that may become addresses */
	bool changed;               /* another round is needed */
	bool results;               /* of everything, for some function gives something else now */
	bool rewriting;
	uint32_t block, at; /* the operation looked at */
	uint32_t number;    /* of it, not counting what was put in front of any */
	uint8_t scratch;    /* a register for the pass's own */
	/* Registers clamped in this block, and the bytes from there on that then are safe. */
	lir_set clamped;
	int64_t clamp_lo[LIR_FP], clamp_hi[LIR_FP];
};

/* ---- harden_held.c: values ------------------------------------------------------------------ */

struct held held_any(void);
struct held held_number(int64_t lo, int64_t hi);
bool held_may_be_stack(const struct held *held);
bool held_is_pointer(const struct held *held);
/* *into becomes what is either; @id is for a base of its own if there is none in common. True if it
 * changed. @widen: let go what would change again. */
bool held_join(struct held *into, const struct held *other, uint32_t id, bool widen);
/* What the operation leaves in its dst, if the state before is @state; LIR_MASK and its like
 * included, what memory accesses need not. */
struct held held_result(const struct harden *h, const struct harden_state *state,
			const struct lir_op *op);

/* ---- harden_flow.c: the fixpoint ------------------------------------------------------------- */

/* False: no memory (lir->failed). */
bool harden_analyse(struct harden *h);
void harden_free(struct harden *h);
/* Let @state go over @op. */
void harden_step(struct harden *h, struct harden_state *state, const struct lir_op *op);
/* The id of a base that the operation looked at makes. */
uint32_t harden_id(const struct harden *h);
/* The slot followed at @disp from fp, or HARDEN_SLOTS. */
uint32_t harden_slot(const struct harden *h, uint32_t function, int64_t disp);

/* ---- harden_guard.c: comparisons with the end of the frame -------------------------------------
 */

/*
 * On the way from @block to its successor @to, @after is the state there: let guards and what they
 * prove be noted in it. Guards are set down if h->rewriting.
 */
/* Find h->needed. */
void harden_find_needed(struct harden *h);
void harden_edge(struct harden *h, uint32_t block, uint32_t to, struct harden_state *after);

/* ---- harden_access.c: accesses and pointers that are moved -------------------------------------
 */

/* Make @op, the one at h->at of h->block, safe; operations in front of it count on h->at. */
void harden_access(struct harden *h, struct harden_state *state);
/* Put @op in front of the operation looked at. */
void harden_put(struct harden *h, struct lir_op op);
struct lir_op harden_op(const struct harden *h, uint8_t code);

/* ---- harden_moves.c -------------------------------------------------------------------------- */

/* The operation looked at is a LIR_MASK: take it away if the number cannot be too large. */
void harden_mask(struct harden *h, const struct harden_state *state);

/* ---- harden_blind.c -------------------------------------------------------------------------- */

void harden_blind(struct lir *lir, uint64_t seed);

#endif
