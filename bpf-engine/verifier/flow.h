/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What the passes before exploration find out of the program's text; see flow.c. */
#ifndef BPFE_FLOW_H
#define BPFE_FLOW_H

#include "verifier/verifier.h"

/* Where a register may point in its function's own stack: an offset from r10, or one of these. */
enum {
	BPFE_FP_UNREACHED = INT16_MAX,
	BPFE_FP_NOT = INT16_MAX - 1,   /* into no frame's stack */
	BPFE_FP_MAYBE = INT16_MAX - 2, /* anywhere in any frame's stack, or not at all */
};

struct bpfe_fp_regs {
	int16_t fp[MAX_BPF_REG];
};

struct bpfe_flow_call {
	uint32_t caller, callee; /* functions */
};

/* What is known of a global function, in bpfe_flow.global. */
enum {
	BPFE_GLOBAL_CALLED = 1,
	BPFE_GLOBAL_VERIFIED,
};

struct bpfe_flow {
	uint32_t *pred_first; /* predecessors of i: preds[pred_first[i] .. pred_first[i + 1]) */
	uint32_t *preds;
	uint8_t *merge;  /* by instruction */
	uint32_t *order; /* functions reachable from the program, callers first */
	uint32_t n_order;
	struct bpfe_flow_call *calls; /* that exploration found, beside those in the text */
	uint32_t n_calls, room_calls;
	uint64_t *limits; /* where widening stops, in order */
	uint32_t n_limits;
	uint8_t *loop_head; /* by instruction: a jump backwards comes here, or rounds begin here */
	bool *moves_packet; /* by function: itself or in what it calls */
	uint8_t *global;    /* by function: called, verified */
	struct bpfe_length *longest; /* by function: global, or the program itself */
	uint32_t *last_call; /* by instruction: function it was found to call last, plus 1 */
	struct bpfe_fp_regs *before;  /* by instruction */
	struct bpfe_fp_regs *entries; /* by function */
	bool escaped;                 /* a stack pointer may be stored somewhere */
	struct bpfe_live *live;       /* by instruction */
	uint32_t *queue;              /* instructions to look at again */
	uint32_t n_queue;
	uint8_t *queued;
};

/* Slots after instruction @i in its function: count and slots. Calls go on behind the call. */
unsigned bpfe_flow_successors(const struct bpfe_image *image, uint32_t i, uint32_t next[2]);
/* Function called by the instruction at @i, or UINT32_MAX. */
uint32_t bpfe_flow_callee(const struct bpfe_image *image, uint32_t i);
/* Function whose address the instruction at @i takes, or UINT32_MAX. */
uint32_t bpfe_flow_address(const struct bpfe_image *image, uint32_t i);
void bpfe_flow_push(struct bpfe_flow *flow, uint32_t i);
/* False when there is nothing left. */
bool bpfe_flow_take(struct bpfe_flow *flow, uint32_t *i);

/* frameptr.c, liveness.c: the passes over one function. -ECANCELED. */
int bpfe_flow_frame_pointers(struct bpfe_vf *vf, uint32_t function);
int bpfe_flow_liveness(struct bpfe_vf *vf, uint32_t function);
/* depth.c: does the stack suffice on every chain of calls? -E2BIG. */
int bpfe_check_stack_depth(struct bpfe_vf *vf);
/* widen.c: find the thresholds. -ENOMEM. */
int bpfe_flow_find_limits(struct bpfe_vf *vf);
/* global.c: which functions move the packet. -ENOMEM. */
int bpfe_flow_find_globals(struct bpfe_vf *vf);
int bpfe_flow_poll(struct bpfe_vf *vf, uint32_t *steps);

#endif
